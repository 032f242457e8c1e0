//! Alerts of one name are one row until it is opened.

use super::world::{World, page, pages};
use crate::model::rows::{FoldState, RowKind};

const PODS: &[&str] = &["Crash/a", "Crash/b", "Crash/c"];

fn folded() -> World {
    let names = ["Alpha", "Crash/a", "Crash/b", "Crash/c", "Low"];
    let mut world = World::grouped("alertname", &pages(&names));
    world.press("j");
    assert_eq!(world.rows(), ["Alpha", ">Crash x3", "Low"]);
    world
}

#[test]
fn enter_opens_a_group_and_closes_it_again() {
    let mut world = folded();
    assert!(world.press("enter").is_empty());
    let open = [
        "Alpha",
        ">Crash x3 open",
        "  Crash/a",
        "  Crash/b",
        "  Crash/c",
        "Low",
    ];
    assert_eq!(world.rows(), open);
    world.press("enter");
    assert_eq!(world.rows(), ["Alpha", ">Crash x3", "Low"]);
}

#[test]
fn escape_closes_the_group_that_the_cursor_is_in() {
    let mut world = folded();
    world.press("enter j j");
    assert_eq!(world.here(), "  Crash/b");
    world.press("esc");
    assert_eq!(world.rows(), ["Alpha", ">Crash x3", "Low"]);
    world.press("esc");
    assert_eq!(
        world.refusal(),
        Some("nothing to go back from; q quits"),
        "a closed group is nothing to go back from"
    );
}

#[test]
fn escape_on_the_row_of_an_open_group_closes_it() {
    let mut world = folded();
    world.press("enter esc");
    assert_eq!(world.rows(), ["Alpha", ">Crash x3", "Low"]);
}

#[test]
fn enter_on_a_member_opens_the_alert() {
    let mut world = folded();
    world.press("enter j j enter");
    let detail = world.model.session.triage.detail.as_ref().unwrap();
    assert_eq!(detail.alert.labels.get("pod").unwrap().raw(), "b");
    world.press("esc");
    assert_eq!(world.here(), "  Crash/b", "the group is still open");
}

#[test]
fn a_group_that_shrinks_to_one_keeps_the_cursor() {
    let mut world = folded();
    world.fires(&pages(&["Alpha", "Crash/b"]));
    assert_eq!(world.rows(), ["Alpha", ">Crash/b"]);
}

#[test]
fn an_alert_that_grows_into_a_group_keeps_the_cursor() {
    let mut world = World::grouped("alertname", &pages(&["Alpha", "Crash/a"]));
    world.press("j");
    world.fires(&pages(&["Alpha", "Crash/new", "Crash/a"]));
    assert_eq!(world.rows(), ["Alpha", ">Crash x2"]);
}

#[test]
fn a_group_never_takes_the_place_of_an_alert_that_is_gone() {
    let mut world = World::grouped("alertname", &pages(&["Alpha", "Crash/a"]));
    world.press("j");
    world.fires(&pages(&["Alpha", "Crash/b", "Crash/c"]));
    assert_eq!(world.rows(), ["Alpha", ">Crash/a gone", "Crash x2"]);
    assert!(world.press("c").is_empty());
    assert_eq!(world.refusal(), Some("this alert is gone"));
}

#[test]
fn a_member_that_is_gone_from_an_open_group_keeps_its_row() {
    let mut world = folded();
    world.press("enter j j");
    world.fires(&pages(&["Alpha", "Crash/a", "Crash/c"]));
    assert_eq!(
        world.rows(),
        [
            "Alpha",
            "Crash x2 open",
            "  Crash/a",
            ">  Crash/b gone",
            "  Crash/c"
        ]
    );
    // Nor does the last one of the group become what was selected.
    world.fires(&pages(&["Alpha", "Crash/a"]));
    assert_eq!(world.rows(), ["Alpha", "Crash/a", ">  Crash/b gone"]);
}

#[test]
fn a_whole_group_can_be_gone() {
    let mut world = folded();
    world.fires(&pages(&["Alpha"]));
    assert_eq!(world.rows(), ["Alpha", ">Crash/a gone"]);
    world.fires(&pages(&["Alpha", "Crash/a", "Crash/b"]));
    assert_eq!(world.rows(), ["Alpha", ">Crash x2"]);
}

#[test]
fn an_open_group_stays_open_over_pictures() {
    let mut world = folded();
    world.press("enter j");
    assert_eq!(world.here(), "  Crash/a");
    world.fires(&pages(PODS));
    assert_eq!(
        world.rows(),
        ["Crash x3 open", ">  Crash/a", "  Crash/b", "  Crash/c"]
    );
}

#[test]
fn groups_are_of_one_service_and_one_lane() {
    let of = |name: &str, service: &str| page(name).with("service", service);
    let world = World::grouped(
        "service",
        &[
            of("Crash/a", "web").since(5),
            of("Crash/b", "web").since(1),
            of("Crash/c", "db").since(4),
            of("Crash/d", "db").with("severity", "warning").since(3),
            page("Crash/e").since(2),
        ],
    );
    assert_eq!(world.rows(), [">Crash x2", "Crash/c", "Crash/e"]);
}

#[test]
fn another_grouping_keeps_the_cursor_on_its_alert() {
    let mut world = World::showing(&pages(&["Alpha", "Crash/a", "Crash/b", "Low"]));
    world.press("j j");
    assert_eq!(world.here(), "Crash/b");
    world.command("group alertname");
    assert_eq!(world.rows(), ["Alpha", ">Crash x2", "Low"]);
    assert_eq!(world.notice(), "grouped by alertname");
    world.press("G g");
    assert_eq!(world.rows(), ["Alpha", "Crash/a", "Crash/b", ">Low"]);
    assert_eq!(world.notice(), "grouped by none");
}

#[test]
fn a_group_that_is_dissolved_leaves_the_cursor_on_its_first_alert() {
    let mut world = folded();
    world.press("g");
    assert_eq!(world.here(), "Crash/a");
}

#[test]
fn the_key_goes_round_the_groupings() {
    let mut world = World::grouped("namespace", &pages(PODS));
    let names = ["g", "g", "g", "g"].map(|key| {
        world.press(key);
        world.model.session.triage.grouping.name().to_owned()
    });
    assert_eq!(names, ["service", "alertname", "none", "service"]);
}

#[test]
fn a_group_tells_its_most_urgent_alert() {
    let world = folded();
    let row = world.model.session.triage.row().unwrap();
    let RowKind::Fold {
        first,
        count,
        state,
    } = row.kind
    else {
        panic!("no group: {row:?}");
    };
    assert_eq!((count, state), (3, FoldState::Closed));
    let labels = &world.model.board.alerts[first].labels;
    assert_eq!(labels.get("pod").unwrap().raw(), "a", "the newest");
}
