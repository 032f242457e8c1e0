//! Whatever pictures come, in whatever order: the selected SLO changes only by a key.

use std::collections::HashSet;

use proptest::prelude::*;

use super::burns::{drawn, measures};
use super::world::{World, page};
use crate::domain::slo::SloId;
use crate::model::session::Screen;

const KEYS: &[&str] = &[
    "j", "k", "G", "home", "enter", "esc", "o", "e", "t", "1", "2", "b", "?", "pgdn", "c", "tab",
];
const NAMES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "k", "l", "m"];
const SHARES: [f64; 5] = [0.0, 0.000_3, 0.002, 0.02, 0.5];

#[derive(Clone, Debug)]
enum Happens {
    /// Which SLOs there are, and how much of each is bad.
    Picture(Vec<(usize, usize)>),
    Lost,
    Seconds(u32),
    Key(&'static str),
}

fn happens() -> impl Strategy<Value = Happens> {
    let drawn = (0..NAMES.len(), 0..SHARES.len());
    prop_oneof![
        4 => prop::collection::vec(drawn, 0..14).prop_map(Happens::Picture),
        1 => Just(Happens::Lost),
        1 => (1..200_u32).prop_map(Happens::Seconds),
        4 => prop::sample::select(KEYS).prop_map(Happens::Key),
    ]
}

fn picture(world: &mut World, drawn: &[(usize, usize)]) {
    let mut seen = HashSet::new();
    let unique = drawn.iter().filter(|(name, _)| seen.insert(*name));
    let slos: Vec<_> = unique
        .map(|(name, share)| (NAMES[*name], SHARES[*share]))
        .collect();
    measures(world, &slos);
}

/// The SLO that is opened, else the one under the cursor.
fn selected(world: &World) -> Option<SloId> {
    let session = &world.model.session.burn;
    let opened = session.opened.as_ref().map(|opened| opened.id.clone());
    opened.or_else(|| session.rows.get(session.scroll.cursor).cloned())
}

fn check_rows(world: &World) -> Result<(), TestCaseError> {
    let session = &world.model.session;
    let burn = &session.burn;
    let ids: HashSet<&SloId> = burn.rows.iter().collect();
    prop_assert_eq!(ids.len(), burn.rows.len(), "an SLO has two rows");
    let is_list = session.screen == Screen::Burn && burn.opened.is_none() && session.help.is_none();
    let shown = burn.scroll.window(burn.rows.len(), world.height());
    prop_assert!(
        !is_list || burn.rows.is_empty() || shown.contains(&burn.scroll.cursor),
        "the cursor is out of sight"
    );
    Ok(())
}

proptest! {
    #[test]
    fn the_selected_slo_never_changes_without_a_key(
        all in prop::collection::vec(happens(), 1..40),
    ) {
        let mut world = World::showing(&[page("X").with("service", "service-a")]);
        world.resize(80, 10);
        picture(&mut world, &[(0, 1), (1, 2), (2, 3), (3, 0), (4, 1), (5, 2), (6, 1), (7, 1)]);
        world.press("2 j");
        for one in all {
            let before = selected(&world);
            let is_here = world.model.session.screen == Screen::Burn;
            match one {
                Happens::Key(key) => {
                    world.press(key);
                    drawn(&mut world);
                    check_rows(&world)?;
                    continue;
                }
                Happens::Picture(drawn) => picture(&mut world, &drawn),
                Happens::Lost => {
                    let lost = world.report(world.slos(), Err(super::world::refused()));
                    world.tell(lost);
                }
                Happens::Seconds(secs) => {
                    world.pass_secs(secs);
                }
            }
            drawn(&mut world);
            if is_here && before.is_some() {
                prop_assert_eq!(selected(&world), before);
            }
            check_rows(&world)?;
        }
    }
}
