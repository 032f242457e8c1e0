//! Whatever pictures come, in whatever order: the selected change, and the selected difference,
//! changes only by a key.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::world::{World, page};
use crate::domain::change::{Change, ChangeKind, Outcome, Subject, Told, Versions};
use crate::domain::delivery::{DeliveryAnswer, Trouble, TroubleKind};
use crate::domain::drift::{Drift, DriftKind, Report};
use crate::domain::freshness::Health;
use crate::domain::label::Labels;
use crate::domain::source::SourceKind;
use crate::domain::text::Untrusted;
use crate::model::held::{Held, Row};
use crate::model::knowledge::{Kept, SourceState};
use crate::model::layout::Layout;
use crate::model::session::{Measured, Screen};
use crate::msg::Answer;

const KEYS: &[&str] = &[
    "j", "k", "G", "home", "enter", "esc", "o", "3", "4", "1", "?", "pgdn", "R", "/",
];
const NAMES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "k", "l", "m"];

#[derive(Clone, Debug)]
enum Happens {
    /// Which there are, and what of them is told.
    Picture(Vec<(usize, usize)>),
    Lost,
    Seconds(u32),
    Size(u16, u16),
    Key(&'static str),
}

fn happens() -> impl Strategy<Value = Happens> {
    let told = (0..NAMES.len(), 0..5_usize);
    prop_oneof![
        4 => prop::collection::vec(told, 0..14).prop_map(Happens::Picture),
        1 => Just(Happens::Lost),
        1 => (1..90_u32).prop_map(Happens::Seconds),
        1 => (40..140_u16, 10..30_u16).prop_map(|(columns, rows)| Happens::Size(columns, rows)),
        4 => prop::sample::select(KEYS).prop_map(Happens::Key),
    ]
}

fn line(text: &str) -> Untrusted {
    Untrusted::line(text)
}

fn subject(name: &str) -> Subject {
    Subject {
        target: line(name),
        service: Some(line(name)),
        env: None,
        labels: Labels::default(),
    }
}

fn change(world: &World, name: &str, told: usize) -> Change {
    let outcomes = [
        Outcome::Running,
        Outcome::Ok,
        Outcome::Failed,
        Outcome::Unknown,
    ];
    // A report that comes later may know better when it began.
    let began = world.model.now - TimeDelta::minutes(i64::try_from(told * 7).unwrap_or(0));
    Change {
        id: line(name),
        source: "k8s".into(),
        also: Vec::new(),
        subject: subject(name),
        kind: ChangeKind::Version,
        versions: Versions::default(),
        who: None,
        started_at: began,
        finished_at: None,
        outcome: outcomes[told % outcomes.len()],
        told: Told::default(),
    }
}

fn drift(name: &str, told: usize) -> Drift {
    Drift {
        id: line(name),
        source: "k8s".into(),
        subject: subject(name),
        kind: DriftKind::ALL[told % DriftKind::ALL.len()],
        actions: Vec::new(),
        paths: Vec::new(),
        reverted_by_apply: None,
        report: Report::default(),
        detail: None,
    }
}

fn policy(name: &str) -> Trouble {
    Trouble {
        subject: subject(name),
        kind: TroubleKind::Policy,
        what: line("no limits"),
        since: None,
        count: 1,
    }
}

/// The last source of the world: it tells of changes and of drift.
fn source(world: &World) -> usize {
    world.model.knowledge.sources.len() - 1
}

fn picture(world: &mut World, told: &[(usize, usize)]) {
    let mut seen = HashSet::new();
    let unique: Vec<(&str, usize)> = told
        .iter()
        .filter(|(name, _)| seen.insert(*name))
        .map(|(name, told)| (NAMES[*name], *told))
        .collect();
    let changes = unique.iter().map(|(name, told)| change(world, name, *told));
    let answer = DeliveryAnswer {
        changes: changes.collect(),
        drifts: unique
            .iter()
            .map(|(name, told)| drift(name, *told))
            .collect(),
        troubles: unique
            .iter()
            .step_by(3)
            .map(|(name, _)| policy(name))
            .collect(),
        ..DeliveryAnswer::default()
    };
    let msg = world.report(source(world), Ok(Answer::Delivery(Arc::new(answer))));
    world.tell(msg);
}

fn delivering() -> World {
    let mut world = World::showing(&[page("X").with("service", "a")]);
    world.model.knowledge.sources.push(SourceState {
        name: "k8s".into(),
        kind: SourceKind::Kubernetes,
        place: "prod".into(),
        period_secs: 30,
        cluster: None,
        scope: String::new(),
        health: Health::default(),
        kept: Kept::Nothing,
    });
    world
}

/// What is opened, else what is under the cursor, on whichever screen it is.
fn selected(world: &World) -> Option<String> {
    let session = &world.model.session;
    match session.screen {
        Screen::Changes => Some(format!("{:?}", session.changes.list.target()?.id)),
        Screen::Drift => Some(format!("{:?}", session.drifts.list.target()?.id)),
        _ => None,
    }
}

/// The line of the screen on which the cursor stands.
fn line_of(world: &World) -> Option<usize> {
    let session = &world.model.session;
    let scroll = match session.screen {
        Screen::Changes => session.changes.list.scroll,
        Screen::Drift => session.drifts.list.scroll,
        _ => return None,
    };
    Some(scroll.cursor - scroll.top)
}

fn check<Id: std::fmt::Debug>(
    held: &Held<Id>,
    screen: Screen,
    world: &World,
    name: impl Fn(&Row<Id>) -> Option<String>,
) -> Result<(), TestCaseError> {
    let ids: HashSet<String> = held
        .rows
        .iter()
        .map(|row| format!("{:?}", row.id))
        .collect();
    prop_assert_eq!(ids.len(), held.rows.len(), "one thing has two rows");
    for row in &held.rows {
        if row.at.is_some() {
            prop_assert_eq!(
                name(row),
                Some(row.name.to_string()),
                "a row shows another thing"
            );
        }
    }
    let session = &world.model.session;
    let is_list = session.screen == screen && held.opened.is_none() && session.help.is_none();
    let height = Layout::of(&world.model).height();
    let shown = held.scroll.window(held.rows.len(), height);
    prop_assert!(
        !is_list || held.rows.is_empty() || shown.contains(&held.scroll.cursor),
        "the cursor is out of sight"
    );
    Ok(())
}

fn check_all(world: &World) -> Result<(), TestCaseError> {
    let board = &world.model.board;
    let session = &world.model.session;
    check(&session.changes.list, Screen::Changes, world, |row| {
        let change = crate::model::changes::of_row(board, row)?;
        Some(change.subject.target.to_string())
    })?;
    check(&session.drifts.list, Screen::Drift, world, |row| {
        let difference = crate::model::drifts::of_row(board, row)?;
        Some(difference.subject().target.to_string())
    })?;
    let after = session.changes.after.as_ref().map(|after| after.id.clone());
    let target = crate::model::changes::target(&world.model).map(|c| c.id.clone());
    if session.screen == Screen::Changes {
        prop_assert_eq!(after, target, "what followed is of another change");
    }
    Ok(())
}

fn drawn(world: &mut World) {
    let measured = Measured {
        detail_lines: Some(12),
        ..Measured::default()
    };
    crate::update::measured(&mut world.model, measured);
}

proptest! {
    #[test]
    fn the_selection_never_changes_without_a_key(
        first in prop::sample::select(&["3", "4"][..]),
        all in prop::collection::vec(happens(), 1..40),
    ) {
        let mut world = delivering();
        world.resize(80, 12);
        picture(&mut world, &[(0, 1), (1, 2), (2, 3), (3, 0), (4, 1), (5, 2), (6, 1), (7, 1)]);
        world.press(first);
        world.press("j");
        for one in all {
            let before = selected(&world);
            let line = line_of(&world);
            // One line more that says what cannot be seen, or one less, may push the list.
            let mut moves = Layout::of(&world.model).blind_rows > 0;
            match one {
                Happens::Key(key) => {
                    world.press(key);
                    drawn(&mut world);
                    check_all(&world)?;
                    continue;
                }
                Happens::Picture(told) => picture(&mut world, &told),
                Happens::Lost => {
                    let lost = world.report(source(&world), Err(super::world::refused()));
                    world.tell(lost);
                    moves = true;
                }
                Happens::Seconds(secs) => {
                    world.pass_secs(secs);
                    moves = true;
                }
                Happens::Size(columns, rows) => {
                    world.resize(columns, rows);
                    moves = true;
                }
            }
            drawn(&mut world);
            if before.is_some() {
                prop_assert_eq!(selected(&world), before);
            }
            if !moves {
                prop_assert!(line.is_none() || line_of(&world) == line, "the row moved");
            }
            check_all(&world)?;
        }
    }
}

#[test]
fn a_deploy_that_another_source_tells_too_keeps_the_cursor() {
    let mut world = delivering();
    let told = |world: &World, sources: &[(&str, &str)]| DeliveryAnswer {
        changes: sources
            .iter()
            .map(|(source, kind)| Change {
                id: line(source),
                source: (*source).into(),
                subject: Subject {
                    labels: Labels::of(&[("kind", kind)]),
                    ..subject("shop")
                },
                ..change(world, "shop", 0)
            })
            .collect(),
        ..DeliveryAnswer::default()
    };
    let answer = |world: &mut World, answer: DeliveryAnswer| {
        let msg = world.report(source(world), Ok(Answer::Delivery(Arc::new(answer))));
        world.tell(msg);
    };
    let first = told(&world, &[("argocd", "Application")]);
    answer(&mut world, first);
    world.press("3 enter");
    let both = told(&world, &[("argocd", "Application"), ("k8s", "Deployment")]);
    answer(&mut world, both);
    let list = &world.model.session.changes.list;
    let opened = list.opened.as_ref().map(|opened| opened.row.id.clone());
    assert_eq!(
        opened,
        Some(line("k8s")),
        "the deploy goes on under the name of its rollout"
    );
    assert_eq!((list.rows.len(), list.new), (1, 0));
    assert!(crate::model::changes::target(&world.model).is_some());
}

#[test]
fn what_is_new_waits_and_what_is_gone_stays_until_the_rows_are_sorted() {
    let mut world = delivering();
    picture(&mut world, &[(0, 1), (1, 1)]);
    world.press("3 j");
    picture(&mut world, &[(0, 1), (2, 0)]);
    let list = &world.model.session.changes.list;
    let rows: Vec<(String, bool)> = list
        .rows
        .iter()
        .map(|row| (row.id.to_string(), row.at.is_some()))
        .collect();
    assert_eq!(rows, [("b".to_owned(), false), ("a".to_owned(), true)]);
    assert_eq!(list.new, 1);
    world.press("o");
    let list = &world.model.session.changes.list;
    let rows: Vec<String> = list.rows.iter().map(|row| row.id.to_string()).collect();
    assert_eq!(rows, ["c", "a"]);
    assert_eq!((list.new, list.scroll.cursor), (0, 0));
}

#[test]
fn a_filter_looks_at_what_the_row_shows_and_esc_drops_it() {
    let mut world = delivering();
    picture(&mut world, &[(0, 0), (1, 1), (2, 2), (3, 3)]);
    world.press("3");
    world.command("filter outcome=failed");
    let ids = |world: &World| -> Vec<String> {
        let rows = world.model.session.changes.list.rows.iter();
        rows.map(|row| row.id.to_string()).collect()
    };
    assert_eq!(ids(&world), ["c"]);
    world.press("esc");
    assert_eq!(ids(&world).len(), 4);
    assert_eq!(world.model.session.screen, Screen::Changes);
    world.press("esc");
    assert_eq!(world.model.session.screen, Screen::Triage);
}
