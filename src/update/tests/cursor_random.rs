//! Whatever pictures come, in whatever order: the selected row changes only by a key.

use std::collections::HashSet;

use proptest::prelude::*;

use super::world::{Fired, World, page};
use crate::keys::Context;
use crate::model::rows::{Row, RowId, RowKind, Tab};

/// An alert of a random picture: which name and pod, which start, which lane, silenced or not.
type Drawn = (usize, usize, i64, u8);

const KEYS: &[&str] = &[
    "j", "k", "G", "home", "enter", "esc", "g", "tab", "n", "c", "pgdn",
];

#[derive(Clone, Debug)]
enum Happens {
    Picture(Vec<Drawn>),
    Key(&'static str),
}

fn happens() -> impl Strategy<Value = Happens> {
    let drawn = (0..3_usize, 0..3_usize, 0..3_i64, 0..8_u8);
    prop_oneof![
        3 => prop::collection::vec(drawn, 0..9).prop_map(Happens::Picture),
        2 => prop::sample::select(KEYS).prop_map(Happens::Key),
    ]
}

fn fired(drawn: &[Drawn]) -> Vec<Fired> {
    let mut seen = HashSet::new();
    let mut alerts = Vec::new();
    for (name, pod, start, state) in drawn {
        // A replica has each label set once; the lane is part of the labels.
        let severity = if *state == 0 { "warning" } else { "critical" };
        if !seen.insert((name, pod, severity)) {
            continue;
        }
        let alert = page(&format!("{}/{pod}", ["A", "B", "C"][*name]))
            .since(*start)
            .with("severity", severity)
            .with("service", ["web", "db"][pod % 2]);
        alerts.push(if *state == 1 { alert.silenced() } else { alert });
    }
    alerts
}

/// Whether the selection after a picture is what the operator had selected before it.
fn is_kept(before: &Row, after: &Row, world: &World) -> bool {
    if after.id == before.id {
        return true;
    }
    match (&before.id, &after.id) {
        // The group took the alert in: it must be one of its members.
        (RowId::Alert(occurrence), RowId::Fold(key)) => world.model.board.alerts.iter().any(|a| {
            let triage = &world.model.session.triage;
            a.occurrence == *occurrence
                && Tab::of(a) == triage.tab
                && triage.grouping.key(a).as_ref() == Some(key)
        }),
        // The group shrank to one, which must be of that group.
        (RowId::Fold(key), RowId::Alert(_)) => {
            after.fold.as_ref() == Some(key) && matches!(after.kind, RowKind::Alert(_))
        }
        _ => false,
    }
}

fn check_rows(world: &World) -> Result<(), TestCaseError> {
    let triage = &world.model.session.triage;
    let ids: HashSet<&RowId> = triage.rows.iter().map(|row| &row.id).collect();
    prop_assert_eq!(ids.len(), triage.rows.len(), "a row stands twice");
    for (at, row) in triage.rows.iter().enumerate() {
        prop_assert!(
            row.kind != RowKind::Gone || at == triage.scroll.cursor,
            "a gone row without the cursor"
        );
    }
    let is_here = world.model.session.context() == Context::Triage;
    let window = triage.scroll.window(triage.rows.len(), world.height());
    prop_assert!(
        !is_here || triage.rows.is_empty() || window.contains(&triage.scroll.cursor),
        "the cursor is out of sight"
    );
    let id = triage.row().map(|row| &row.id);
    if let (Some(RowId::Alert(occurrence)), Some(selected)) = (id, &triage.selected) {
        prop_assert_eq!(
            selected.occurrence,
            *occurrence,
            "another alert is kept for the row"
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn the_selected_row_never_changes_without_a_key(
        grouping in prop::sample::select(vec!["none", "alertname", "service", "pod"]),
        all in prop::collection::vec(happens(), 1..40),
    ) {
        let mut world = World::grouped(grouping, &[]);
        world.resize(80, 7);
        for one in all {
            match one {
                Happens::Key(key) => {
                    world.press(key);
                }
                Happens::Picture(drawn) => {
                    let before = world.model.session.triage.row().cloned();
                    world.fires(&fired(&drawn));
                    if let Some(before) = before {
                        let after = world.model.session.triage.row().cloned();
                        prop_assert!(
                            after.as_ref().is_some_and(|after| is_kept(&before, after, &world)),
                            "{before:?} became {after:?}"
                        );
                    }
                }
            }
            check_rows(&world)?;
        }
    }
}
