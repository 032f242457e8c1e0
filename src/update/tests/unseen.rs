//! What is new, until it was on screen.

use std::sync::Arc;

use super::world::{Fired, World, alertmanager, library, ordered, page, pages, prometheus, ticket};
use crate::domain::board::Board;
use crate::model::rows::Tab;
use crate::msg::{Answer, Msg, Restored};

/// Nine pages fill the list; `more` come after them.
fn full(more: &[Fired]) -> Vec<Fired> {
    let names = ["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9"];
    let mut alerts = pages(&names);
    alerts.extend_from_slice(more);
    alerts
}

#[test]
fn the_first_picture_is_not_news() {
    let mut world = World::showing(&full(&[page("Q1"), ticket("T")]));
    assert!(world.unseen().is_empty());
    world.press("n");
    assert_eq!(world.refusal(), Some("nothing new"));
}

#[test]
fn nothing_is_news_before_everybody_was_asked() {
    let mut world = World::with(2, "none");
    world.answers(0, alertmanager(&full(&[])));
    world.answers(1, alertmanager(&full(&[page("Second")])));
    world.answers(2, prometheus(vec![]));
    world.answers(world.runbooks(), Answer::Runbooks(Arc::new(library())));
    assert!(world.unseen().is_empty());
    world.answers(1, alertmanager(&full(&[page("Third")])));
    assert_eq!(world.unseen(), ["Third"]);
}

#[test]
fn an_answer_during_the_first_merge_is_not_news() {
    let mut world = World::with(2, "none");
    world.answers(2, prometheus(vec![]));
    world.answers(world.runbooks(), Answer::Runbooks(Arc::new(library())));
    let first = world.report(0, Ok(alertmanager(&full(&[]))));
    let (seq, inputs) = ordered(world.send(first));
    let second = world.report(1, Ok(alertmanager(&full(&[page("Second")]))));
    assert!(world.send(second).is_empty());
    // The first picture is ready after everybody has answered, but not made from all answers.
    let board = Arc::new(Board::of(&inputs));
    world.tell(Msg::BoardReady { seq, board });
    assert_eq!(world.rows().len(), 10);
    assert!(world.unseen().is_empty());
}

#[test]
fn a_source_that_is_down_from_the_start_does_not_hide_news() {
    let mut world = World::with(2, "none");
    let answered_at = super::world::t(-600);
    world.tell(Msg::Restored(vec![Restored {
        source: 1,
        answered_at,
        answer: alertmanager(&full(&[])),
    }]));
    world.answers(2, prometheus(vec![]));
    world.answers(world.runbooks(), Answer::Runbooks(Arc::new(library())));
    world.fails(1);
    world.answers(0, alertmanager(&full(&[])));
    assert!(world.unseen().is_empty());
    world.answers(0, alertmanager(&full(&[page("Zed")])));
    assert_eq!(world.unseen(), ["Zed"]);
}

#[test]
fn what_comes_on_screen_has_been_seen() {
    let mut world = World::showing(&full(&[]));
    let lower = [page("Q1"), page("Q2")];
    world.fires(&full(&lower));
    assert_eq!(world.unseen(), ["Q1", "Q2"]);
    world.press("pgdn j");
    assert_eq!(world.unseen(), ["Q2"]);
    world.press("j");
    assert!(world.unseen().is_empty());
}

#[test]
fn what_arrives_on_screen_is_seen_at_once() {
    let mut world = World::showing(&pages(&["A"]));
    world.fires(&pages(&["New", "A"]));
    assert!(world.unseen().is_empty());
}

#[test]
fn what_is_gone_is_no_news() {
    let mut world = World::showing(&full(&[]));
    world.fires(&full(&[page("Q1")]));
    assert_eq!(world.unseen(), ["Q1"]);
    world.fires(&full(&[]));
    assert!(world.unseen().is_empty());
}

#[test]
fn the_next_new_one_is_found_in_another_tab() {
    let mut world = World::showing(&pages(&["A"]));
    world.fires(&[page("A"), ticket("T1"), ticket("T2")]);
    assert_eq!(world.unseen(), ["T1", "T2"]);
    world.press("n");
    assert_eq!(world.model.session.triage.tab, Tab::Ticket);
    assert_eq!(world.rows(), [">T1", "T2"]);
    assert!(world.unseen().is_empty());
}

#[test]
fn the_next_new_one_is_scrolled_to() {
    let mut world = World::showing(&full(&[]));
    world.fires(&full(&[page("Q1"), page("Q2")]));
    world.press("n");
    assert_eq!(world.here(), "Q1");
    world.press("n");
    assert_eq!(world.here(), "Q2");
    world.press("n");
    assert_eq!(world.refusal(), Some("nothing new"));
}

#[test]
fn going_to_the_next_new_one_lets_a_gone_row_go() {
    let mut world = World::showing(&full(&[]));
    world.fires(&full(&[page("Q1"), page("Q2")]).split_off(1));
    assert_eq!(world.here(), "P1 gone");
    world.press("n");
    assert_eq!(
        (world.here().as_str(), world.unseen()),
        ("Q1", vec!["Q2".into()])
    );
    assert!(!world.rows().iter().any(|row| row.ends_with("gone")));
}

#[test]
fn the_filter_hides_news_and_says_so_once() {
    let mut world = World::showing(&pages(&["A"]));
    world.command("filter alertname=A");
    world.fires(&pages(&["New", "A"]));
    assert_eq!(world.unseen(), ["New"]);
    world.press("n");
    assert_eq!(world.refusal(), Some("the filter hides it"));
    assert_eq!(world.rows(), [">A"]);
    world.press("n");
    assert_eq!(world.refusal(), Some("nothing new"));
}

#[test]
fn a_closed_group_on_screen_shows_its_members() {
    let mut world = World::grouped("alertname", &pages(&["A/1", "A/2"]));
    world.fires(&pages(&["A/1", "A/2", "A/3"]));
    assert_eq!(world.rows(), [">A x3"]);
    assert!(world.unseen().is_empty());
}

#[test]
fn a_group_does_not_show_what_the_filter_or_the_lane_keeps_out_of_it() {
    let mut world = World::grouped("alertname", &pages(&["A/1", "A/2"]));
    world.command("filter pod!=9");
    world.fires(&[page("A/1"), page("A/2"), page("A/9"), ticket("A/3")]);
    assert_eq!(world.rows(), [">A x2"]);
    assert_eq!(world.unseen(), ["A/9", "A/3"]);
}

#[test]
fn an_open_group_shows_only_the_members_on_screen() {
    let nine = [
        "A/1", "A/2", "A/3", "A/4", "A/5", "A/6", "A/7", "A/8", "A/9",
    ];
    let mut world = World::grouped("alertname", &pages(&nine));
    world.press("enter");
    let mut more = pages(&nine);
    more.push(page("A/new"));
    world.fires(&more);
    assert_eq!(world.height(), 9);
    assert_eq!(world.unseen(), ["A/new"]);
    world.press("G");
    assert!(world.unseen().is_empty());
}

#[test]
fn nothing_is_seen_while_another_screen_covers_the_list() {
    for (cover, uncover) in [
        ("8", "1"),
        ("8", "esc"),
        ("5", "1"),
        ("5", "esc"),
        ("enter", "esc"),
    ] {
        let mut world = World::showing(&pages(&["A"]));
        world.press(cover);
        world.fires(&pages(&["New", "A"]));
        assert_eq!(world.unseen(), ["New"], "{cover}");
        world.press(uncover);
        assert!(world.unseen().is_empty(), "{cover} {uncover}");
    }
}

#[test]
fn a_runbook_left_by_escape_shows_the_list_again() {
    let mut world = World::showing(&[page("A").annotated("quell_runbook", "dns")]);
    world.press("r");
    world.fires(&[page("A"), page("B")]);
    assert_eq!(world.unseen(), ["B"]);
    world.press("esc");
    assert!(world.unseen().is_empty());
}
