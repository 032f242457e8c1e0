//! Nothing moves under a prompt or under the help.

use super::world::{World, page, pages};

/// What freezes the list, and what ends that.
const FREEZES: &[(&str, &str)] = &[("/", "esc"), (":", "esc"), ("?", "esc"), ("?", "q")];

#[test]
fn the_list_waits_and_catches_up() {
    for (freeze, thaw) in FREEZES {
        let mut world = World::showing(&pages(&["X", "Y"]));
        world.press("j");
        world.press(freeze);
        world.fires(&pages(&["N1", "N2", "X", "Y"]));
        assert_eq!(world.rows(), ["X", ">Y"], "{freeze}");
        assert_eq!(world.model.session.triage.unseen.waiting, 2, "{freeze}");
        world.fires(&pages(&["N1", "X", "Y"]));
        assert_eq!(world.rows(), ["X", ">Y"], "{freeze}");
        assert_eq!(world.model.session.triage.unseen.waiting, 1, "{freeze}");
        world.press(thaw);
        assert_eq!(world.rows(), ["N1", "X", ">Y"], "{freeze} {thaw}");
        assert_eq!(world.model.session.triage.unseen.waiting, 0, "{freeze}");
    }
}

#[test]
fn what_waits_is_shown_before_the_accepted_filter_is_left() {
    let mut world = World::showing(&pages(&["X", "Y"]));
    world.press("/");
    world.type_text("alertname=~\"N.*\"");
    world.fires(&pages(&["N1", "X", "Y"]));
    assert!(world.rows().is_empty());
    world.press("enter");
    assert_eq!(world.rows(), [">N1"]);
}

#[test]
fn a_command_of_the_palette_acts_on_what_was_shown() {
    let mut world = World::showing(&pages(&["X", "Y"]));
    world.press(":");
    world.type_text("claim");
    world.fires(&pages(&["N1", "X", "Y"]));
    world.press("enter");
    assert_eq!(world.claimed_by("X").as_deref(), Some("mara"));
    assert_eq!(world.rows(), ["N1", ">X", "Y"]);
}

#[test]
fn an_alert_that_went_while_frozen_is_marked_afterwards() {
    let mut world = World::showing(&pages(&["X", "Y"]));
    world.press("?");
    world.fires(&[page("Y")]);
    assert_eq!(world.rows(), [">X", "Y"]);
    world.press("?");
    assert_eq!(world.rows(), [">X gone", "Y"]);
}

#[test]
fn from_one_prompt_into_the_next_the_list_stays() {
    let mut world = World::showing(&pages(&["X"]));
    world.press(":");
    world.fires(&pages(&["N", "X"]));
    world.type_text("filter");
    world.press("enter");
    assert!(world.model.session.prompt.is_some());
    assert_eq!(world.rows(), [">X"]);
    world.press("esc");
    assert_eq!(world.rows(), ["N", ">X"]);
}

#[test]
fn the_first_picture_is_no_news_under_the_help_either() {
    let mut world = World::silent();
    world.press("?");
    world.fires(&pages(&["X", "Y"]));
    assert_eq!(world.model.session.triage.unseen.waiting, 0);
    world.press("esc");
    assert_eq!(world.rows(), [">X", "Y"]);
}

#[test]
fn health_is_told_while_the_list_is_frozen() {
    let mut world = World::showing(&pages(&["X"]));
    world.press("/");
    world.fails(0);
    assert_eq!(crate::model::blind::lines(&world.model).len(), 1);
}
