//! The cursor belongs to an alert: whatever the sources say, it stays there and on its line.

use super::world::{Fired, World, alertmanager, page, pages, pending, prometheus, ticket};
use crate::keys::CommandId;
use crate::model::available::available;
use crate::model::rows::RowKind;
use crate::msg::{Mouse, Msg};

const THREE: &[&str] = &["A", "B", "C"];

/// Thirty pages, `P00` the newest.
fn thirty() -> Vec<Fired> {
    let names: Vec<String> = (0..30).map(|n| format!("P{n:02}")).collect();
    pages(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn rows_come_above_and_below_and_the_cursor_stays_on_its_alert() {
    let mut world = World::showing(&pages(&["B", "D"]));
    world.press("j");
    assert_eq!(world.rows(), ["B", ">D"]);
    world.fires(&pages(&["A", "B", "C", "D", "E"]));
    assert_eq!(world.rows(), ["A", "B", "C", ">D", "E"]);
    world.fires(&pages(&["C", "D"]));
    assert_eq!(world.rows(), ["C", ">D"]);
}

#[test]
fn another_order_leaves_the_cursor_on_its_alert() {
    let mut world = World::showing(&pages(THREE));
    world.press("j");
    assert_eq!(world.rows(), ["A", ">B", "C"]);
    // C began anew, and so did A.
    world.fires(&[page("C").since(2), page("A").since(1), page("B")]);
    assert_eq!(world.rows(), ["C", "A", ">B"]);
    world.fires(&pages(THREE));
    assert_eq!(world.rows(), ["A", ">B", "C"]);
}

#[test]
fn the_cursor_keeps_its_line_on_screen_below_the_top_of_the_list() {
    let mut world = World::showing(&thirty());
    world.press("pgdn pgdn k k");
    let (line, here) = (world.line(), world.here());
    assert_eq!((line, here.as_str()), (6, "P14"));

    let mut more = thirty();
    more.extend(["N1", "N2", "N3"].map(page));
    world.fires(&more);
    assert_eq!((world.line(), world.here()), (line, here.clone()));

    let fewer = thirty().split_off(5);
    world.fires(&fewer);
    assert_eq!((world.line(), world.here()), (line, here.clone()));

    let mut resorted = thirty();
    resorted[28] = page("P28").since(60);
    resorted[29] = page("P29").since(60);
    world.fires(&resorted);
    assert_eq!((world.line(), world.here()), (line, here));
}

#[test]
fn at_the_top_of_the_list_what_is_new_is_seen_above_the_cursor() {
    let mut world = World::showing(&thirty());
    let mut more = thirty();
    more.push(page("New").since(60));
    world.fires(&more);
    assert_eq!(world.rows()[..3], ["New", ">P00", "P01"]);
    assert_eq!(world.model.session.triage.scroll.top, 0);
}

#[test]
fn an_alert_that_is_gone_keeps_its_row_and_refuses_a_claim() {
    let mut world = World::showing(&pages(THREE));
    world.press("j");
    world.fires(&pages(&["A", "C"]));
    assert_eq!(world.rows(), ["A", ">B gone", "C"]);
    assert!(world.press("c").is_empty());
    assert_eq!(world.refusal(), Some("this alert is gone"));
    assert_eq!(world.rows(), ["A", ">B gone", "C"]);
}

#[test]
fn a_gone_row_goes_when_the_cursor_leaves_it() {
    for (key, left) in [("j", ["A", ">C"]), ("k", [">A", "C"])] {
        let mut world = World::showing(&pages(THREE));
        world.press("j");
        world.fires(&pages(&["A", "C"]));
        world.press(key);
        assert_eq!(world.rows(), left, "{key}");
    }
    let mut world = World::showing(&pages(THREE));
    world.press("j");
    world.fires(&pages(&["A", "C"]));
    world.tell(Msg::Mouse(Mouse::Click { row: 4 }));
    assert_eq!(world.rows(), ["A", ">C"]);
}

#[test]
fn a_gone_row_that_is_alone_goes_with_any_move() {
    let mut world = World::showing(&pages(&["A"]));
    world.fires(&[]);
    assert_eq!(world.rows(), [">A gone"]);
    world.press("j");
    assert!(world.rows().is_empty());
}

#[test]
fn the_list_does_not_scroll_under_another_screen() {
    for (cover, uncover) in [("8", "1"), ("5", "1"), ("enter", "esc"), ("r", "esc")] {
        let mut alerts = thirty();
        alerts[15] = page("P15").annotated("quell_runbook", "dns");
        let mut world = World::showing(&alerts);
        world.resize(80, 24);
        world.press("pgdn k");
        assert_eq!((world.line(), world.here().as_str()), (15, "P15"));
        world.press(cover);
        world.fires(&alerts);
        world.press(uncover);
        assert_eq!(world.line(), 15, "{cover}");
    }
}

#[test]
fn a_gone_row_survives_further_pictures_and_comes_back_to_life() {
    let mut world = World::showing(&pages(THREE));
    world.press("j");
    world.fires(&pages(&["A", "C"]));
    world.fires(&pages(&["A", "N"]));
    assert_eq!(world.rows(), ["A", ">B gone", "N"]);
    world.fires(&[]);
    assert_eq!(world.rows(), [">B gone"]);
    world.fires(&[page("B")]);
    assert_eq!(world.rows(), [">B"]);
}

#[test]
fn the_last_row_can_be_gone_too() {
    let mut world = World::showing(&pages(THREE));
    world.press("G");
    world.fires(&pages(&["A"]));
    assert_eq!(world.rows(), ["A", ">C gone"]);
}

#[test]
fn a_gone_alert_can_still_be_read() {
    let mut world = World::showing(&[page("A").annotated("quell_runbook", "dns")]);
    world.fires(&[]);
    world.press("enter");
    let detail = world.model.session.triage.detail.as_ref().unwrap();
    assert_eq!(detail.alert.name(), "A");
    assert!(world.press("c").is_empty());
    assert_eq!(world.refusal(), Some("this alert is gone"));
    world.press("r");
    assert_eq!(
        world
            .model
            .session
            .runbooks
            .reader
            .as_ref()
            .unwrap()
            .id
            .raw(),
        "dns"
    );
}

#[test]
fn an_opened_alert_follows_the_picture_and_stays_when_it_is_gone() {
    let mut world = World::showing(&pages(&["A", "B"]));
    world.press("j enter");
    world.fires(&[page("A"), page("B").annotated("summary", "worse")]);
    let detail = |world: &World| {
        world
            .model
            .session
            .triage
            .detail
            .as_ref()
            .unwrap()
            .alert
            .clone()
    };
    assert!(detail(&world).annotations.get("summary").is_some());
    world.fires(&pages(&["A"]));
    assert_eq!(detail(&world).name(), "B");
    assert_eq!(world.rows(), ["A", ">B gone"]);
    world.press("esc");
    assert!(world.model.session.triage.detail.is_none());
    assert_eq!(world.rows(), ["A", ">B gone"]);
}

#[test]
fn a_fire_again_is_another_row() {
    let mut world = World::showing(&[page("A")]);
    world.fires(&[page("A").since(50)]);
    assert_eq!(world.rows(), [">A gone", "A"]);
    world.press("j");
    assert_eq!(world.rows(), [">A"]);
}

#[test]
fn an_earlier_start_from_another_replica_is_the_same_firing() {
    let mut world = World::with(2, "none");
    world.answers(0, alertmanager(&[page("A").since(20), page("B")]));
    world.press("enter");
    world.answers(1, alertmanager(&[page("A").since(5), page("B")]));
    assert_eq!(world.rows(), [">A", "B"]);
    assert!(world.press("c").len() == 1, "the opened alert is not gone");
    assert_eq!(world.claimed_by("A").as_deref(), Some("mara"));
}

#[test]
fn an_alert_that_changes_its_lane_is_not_followed() {
    let mut world = World::showing(&[page("A"), page("B")]);
    world.fires(&[page("A").silenced(), page("B")]);
    assert_eq!(world.rows(), [">A gone", "B"]);
    world.press("h h");
    assert_eq!(world.rows(), [">A"], "it is on the quiet tab");
}

#[test]
fn a_pending_alert_that_is_gone_offers_nothing() {
    let mut world = World::showing(&[page("A")]);
    world.answers(world.prometheus(), prometheus(vec![pending("Soon")]));
    world.press("h");
    assert_eq!(world.rows(), [">Soon pending"]);
    assert_eq!(
        available(CommandId::Claim, &world.model),
        Err("it does not fire yet")
    );
    world.press("enter");
    let why = "it does not fire yet: all that is known stands in its row";
    assert_eq!(world.refusal(), Some(why));
    world.answers(world.prometheus(), prometheus(vec![]));
    assert_eq!(
        world.model.session.triage.row().unwrap().kind,
        RowKind::Gone
    );
    for key in ["enter", "c", "r"] {
        assert!(world.press(key).is_empty());
        assert!(world.refusal().is_some(), "{key} is silent");
        assert!(world.model.session.triage.detail.is_none());
    }
}

#[test]
fn a_tab_begins_at_its_top() {
    let mut world = World::showing(&[page("A"), page("B"), ticket("T"), ticket("U")]);
    world.press("j");
    assert_eq!(world.rows(), ["A", ">B"]);
    world.press("tab");
    assert_eq!(world.rows(), [">T", "U"]);
    world.press("shift-tab");
    assert_eq!(world.rows(), [">A", "B"]);
    world.press("right right right right right");
    assert_eq!(world.rows(), [">A", "B"], "five tabs are a round");
}

#[test]
fn a_click_takes_the_row_it_meets_and_nothing_else() {
    let mut world = World::showing(&pages(THREE));
    let click = |world: &mut World, row| world.tell(Msg::Mouse(Mouse::Click { row }));
    click(&mut world, 4);
    assert_eq!(world.rows(), ["A", "B", ">C"]);
    for outside in [0, 1, 5, 10, 11, u16::MAX] {
        click(&mut world, outside);
        assert_eq!(world.rows(), ["A", "B", ">C"], "row {outside}");
    }
    world.tell(Msg::Mouse(Mouse::WheelUp));
    assert_eq!(world.rows(), ["A", ">B", "C"]);
    world.tell(Msg::Mouse(Mouse::WheelDown));
    assert_eq!(world.rows(), ["A", "B", ">C"]);
    world.press("?");
    click(&mut world, 2);
    assert_eq!(world.rows(), ["A", "B", ">C"], "the help covers the list");
}

#[test]
fn another_size_keeps_the_cursor_on_screen() {
    let mut world = World::showing(&thirty());
    world.press("j j j j j j j j");
    assert_eq!((world.height(), world.line()), (9, 8));
    world.resize(80, 7);
    assert_eq!(world.height(), 4);
    assert_eq!((world.line(), world.here().as_str()), (3, "P08"));
    world.resize(80, 3);
    assert_eq!((world.height(), world.here().as_str()), (0, "P08"));
    world.resize(200, 60);
    assert_eq!(world.here(), "P08");
    assert!(world.line() < world.height());
    world.press("G");
    world.resize(80, 24);
    assert_eq!(world.here(), "P29");
    assert!(world.line() < world.height());
}

#[test]
fn pages_and_halves_move_by_what_is_on_screen() {
    let mut world = World::showing(&thirty());
    for (key, here) in [
        ("pgdn", "P08"),
        ("ctrl-d", "P12"),
        ("ctrl-u", "P08"),
        ("pgup", "P00"),
        ("k", "P00"),
        ("end", "P29"),
        ("j", "P29"),
        ("home", "P00"),
    ] {
        world.press(key);
        assert_eq!(world.here(), here, "{key}");
    }
}

#[test]
fn while_the_sources_arrive_the_first_row_is_selected_until_a_key_is_pressed() {
    for (key, expected) in [("", [">New", "A", "B"]), ("j", ["New", "A", ">B"])] {
        let mut world = World::with(2, "none");
        world.answers(0, alertmanager(&pages(&["A", "B"])));
        if !key.is_empty() {
            world.press(key);
        }
        let mut more = pages(&["A", "B"]);
        more.push(page("New").since(60));
        world.answers(1, alertmanager(&more));
        assert_eq!(world.rows(), expected, "after {key:?}");
    }
}

#[test]
fn a_click_takes_hold_of_the_cursor_while_the_sources_arrive() {
    let mut world = World::with(2, "none");
    world.answers(0, alertmanager(&pages(&["A", "B"])));
    world.tell(Msg::Mouse(Mouse::Click { row: 3 }));
    assert_eq!(world.rows(), ["A", ">B"]);
    world.answers(1, alertmanager(&[page("New").since(60)]));
    assert_eq!(world.rows(), ["New", "A", ">B"]);
}
