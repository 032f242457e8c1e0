//! Answers, failures, pictures and what was kept from the last session.

use std::sync::Arc;

use super::world::{
    PERIOD_SECS, World, alertmanager, library, ordered, page, pages, prometheus, refused, t,
};
use crate::domain::alert::AlertState;
use crate::domain::board::Board;
use crate::domain::freshness::Freshness;
use crate::model::blind;
use crate::msg::{Answer, Msg, Restored};

fn ready(seq: u64, names: &[&str]) -> Msg {
    let mut world = World::silent();
    world.fires(&pages(names));
    Msg::BoardReady {
        seq,
        board: world.model.board.clone(),
    }
}

fn restored(source: usize, answer: Answer) -> Restored {
    Restored {
        source,
        answered_at: t(-600),
        answer,
    }
}

#[test]
fn a_report_makes_exactly_one_picture() {
    let mut world = World::silent();
    let msg = world.report(0, Ok(alertmanager(&[page("Down")])));
    let (seq, inputs) = ordered(world.send(msg));
    assert_eq!((seq, inputs.replicas.len()), (1, 1));
    assert_eq!(inputs.replicas_configured, 1);
    assert!(
        world.rows().is_empty(),
        "nothing is shown before it is merged"
    );
    let board = Arc::new(Board::of(&inputs));
    assert!(world.send(Msg::BoardReady { seq, board }).is_empty());
    assert_eq!(world.rows(), [">Down"]);
}

#[test]
fn reports_during_a_merge_make_one_more_after_it() {
    let mut world = World::with(2, "none");
    let first = world.report(0, Ok(alertmanager(&[page("Down")])));
    let (seq, inputs) = ordered(world.send(first));
    for msg in [
        world.report(1, Ok(alertmanager(&[page("Slow")]))),
        world.report(1, Ok(alertmanager(&[page("Slow")]))),
        world.report(2, Ok(prometheus(vec![]))),
    ] {
        assert!(world.send(msg).is_empty());
    }
    let board = Arc::new(Board::of(&inputs));
    let (next, inputs) = ordered(world.send(Msg::BoardReady { seq, board }));
    assert_eq!(world.rows(), [">Down"], "what is ready is shown meanwhile");
    assert_eq!((next, inputs.replicas.len()), (2, 2));
    let board = Arc::new(Board::of(&inputs));
    assert!(world.send(Msg::BoardReady { seq: next, board }).is_empty());
    assert_eq!(world.rows(), [">Down", "Slow"]);
}

#[test]
fn an_old_picture_is_ignored() {
    let mut world = World::showing(&pages(&["Now"]));
    let last = world.model.knowledge.merging.ordered;
    for seq in [0, last - 1, last + 1] {
        assert!(world.send(ready(seq, &["Old"])).is_empty());
        assert_eq!(world.rows(), [">Now"], "order {seq} after order {last}");
    }
    let msg = world.report(0, Ok(alertmanager(&[page("Next")])));
    let (seq, inputs) = ordered(world.send(msg));
    assert!(world.send(ready(seq - 1, &["Old"])).is_empty());
    assert_eq!(world.rows(), [">Now"]);
    let board = Arc::new(Board::of(&inputs));
    world.send(Msg::BoardReady { seq, board });
    assert_eq!(world.rows(), [">Now gone", "Next"]);
}

#[test]
fn a_failed_source_keeps_its_last_answer_and_says_that_it_failed() {
    let mut world = World::showing(&pages(&["Down"]));
    world.fails(0);
    assert_eq!(world.rows(), [">Down"]);
    assert_eq!(world.model.board.alerts[0].state, AlertState::Lost);
    let source = &world.model.knowledge.sources[0];
    assert_eq!(source.freshness(world.model.now), Freshness::Failed);
    assert_eq!(source.health.failures, 1);
    assert_eq!(source.health.answered_at, Some(t(100)));
    assert_eq!(
        blind::lines(&world.model),
        ["blind: am-1 unreachable 0s; its alerts are the last known, 0s old (connection refused)"]
    );
    world.fires(&pages(&["Down"]));
    assert_eq!(world.model.board.alerts[0].state, AlertState::Firing);
    assert!(blind::lines(&world.model).is_empty());
}

#[test]
fn a_source_that_never_answered_is_not_all_clear() {
    let mut world = World::silent();
    world.fails(0);
    assert_eq!(
        blind::lines(&world.model),
        ["blind: am-1 unreachable 0s; nothing known of it (connection refused)"]
    );
}

#[test]
fn a_report_of_a_source_that_is_not_there_changes_nothing() {
    let mut world = World::showing(&pages(&["Down"]));
    let msg = world.report(99, Err(refused()));
    assert!(world.send(msg).is_empty());
    assert_eq!(world.rows(), [">Down"]);
}

#[test]
fn an_overdue_answer_orders_a_new_picture_by_ticks_alone() {
    let mut world = World::showing(&pages(&["Down"]));
    let overdue_secs = u32::try_from(3 * PERIOD_SECS).unwrap();
    assert!(world.pass_secs(overdue_secs).is_empty());
    assert!(!world.model.board.alerts[0].is_last_known());
    let effects = world.pass_secs(1);
    let (seq, inputs) = ordered(effects);
    assert_eq!(inputs.replicas[0].heard.freshness, Freshness::Stale);
    let board = Arc::new(Board::of(&inputs));
    world.send(Msg::BoardReady { seq, board });
    assert!(world.model.board.alerts[0].is_last_known());
    assert_eq!(world.rows(), [">Down"]);
    assert!(world.pass_secs(60).is_empty(), "it is said once");
}

#[test]
fn an_answer_that_grows_overdue_during_a_merge_is_not_forgotten() {
    let mut world = World::showing(&pages(&["Down"]));
    world.pass_secs(44);
    let msg = world.report(1, Ok(prometheus(vec![])));
    let (seq, inputs) = ordered(world.send(msg));
    assert!(world.pass_secs(2).is_empty(), "one picture at a time");
    let board = Arc::new(Board::of(&inputs));
    let (_, inputs) = ordered(world.send(Msg::BoardReady { seq, board }));
    assert_eq!(inputs.replicas[0].heard.freshness, Freshness::Stale);
}

#[test]
fn a_tick_is_drawn_once_a_second() {
    let mut world = World::silent();
    world.model.dirty = false;
    world.send(Msg::Tick);
    assert!(!world.model.dirty, "ages did not change");
    world.pass_secs(1);
    assert!(world.model.dirty);
}

#[test]
fn what_the_last_session_heard_is_stale() {
    let mut world = World::silent();
    world.tell(Msg::Restored(vec![restored(
        0,
        alertmanager(&[page("Down")]),
    )]));
    assert_eq!(world.rows(), [">Down"]);
    let alert = &world.model.board.alerts[0];
    assert!(alert.is_last_known());
    assert_eq!(alert.state, AlertState::Firing);
    assert_eq!(
        blind::lines(&world.model),
        ["stale: am-1 last answered 11m ago (from the last session)"]
    );
    world.fires(&[page("Down")]);
    assert!(!world.model.board.alerts[0].is_last_known());
    assert!(blind::lines(&world.model).is_empty());
}

#[test]
fn what_the_last_session_heard_never_replaces_an_answer() {
    let mut world = World::with(2, "none");
    world.fires(&[page("Live")]);
    world.tell(Msg::Restored(vec![
        restored(0, alertmanager(&[page("Old")])),
        restored(1, alertmanager(&[page("Other")])),
        restored(99, alertmanager(&[page("Nowhere")])),
    ]));
    assert_eq!(world.rows(), [">Live", "Other"]);
    let health = &world.model.knowledge.sources[0].health;
    assert_eq!(
        (health.answered_at, health.from_snapshot),
        (Some(t(100)), false)
    );
}

#[test]
fn a_failure_before_the_last_session_is_read_stays_a_failure() {
    let mut world = World::silent();
    world.fails(0);
    world.tell(Msg::Restored(vec![restored(
        0,
        alertmanager(&[page("Down")]),
    )]));
    assert_eq!(world.rows(), [">Down"]);
    assert_eq!(world.model.board.alerts[0].state, AlertState::Lost);
    let freshness = world.model.knowledge.freshness(world.model.now);
    assert_eq!(freshness[0], Freshness::Failed);
}

#[test]
fn runbooks_that_come_later_are_linked() {
    let mut world = World::silent();
    world.fires(&[page("Down").annotated("quell_runbook", "dns")]);
    assert!(world.model.board.alerts[0].runbook.is_none());
    world.answers(world.runbooks(), Answer::Runbooks(Arc::new(library())));
    let link = world.model.board.alerts[0].runbook.as_ref().unwrap();
    assert_eq!(link.id.raw(), "dns");
}

#[test]
fn trouble_and_themes_are_told() {
    let mut world = World::silent();
    assert!(world.send(Msg::Trouble("no log".into())).is_empty());
    assert_eq!(world.notice(), "no log");
    let effects = world.send(Msg::ThemeChanged(Ok("light".into())));
    assert!(matches!(effects[..], [crate::effect::Effect::Redraw]));
    assert_eq!(world.notice(), "theme light");
    assert!(
        world
            .send(Msg::ThemeChanged(Err("no such".into())))
            .is_empty()
    );
    assert_eq!(world.notice(), "no such");
}
