//! The palette: which command what is typed may mean, and that it is done or refused aloud.

use super::world::{World, page, pages};
use crate::effect::{Effect, ThemeChoice};
use crate::model::palette::choices;
use crate::model::prompt::PromptKind;
use crate::model::session::{CrashSwitch, Screen};
use crate::msg::Msg;

fn offered(world: &World, typed: &str) -> Vec<&'static str> {
    let all = choices(&world.model, typed);
    all.iter().map(|choice| choice.command.name).collect()
}

#[test]
fn a_few_letters_find_a_command() {
    let mut world = World::showing(&pages(&["A"]));
    for (typed, name) in [
        ("sour", "sources"),
        ("nxtlane", "next lane"),
        ("ref", "refresh"),
    ] {
        assert_eq!(offered(&world, typed)[0], name, "{typed}");
    }
    assert!(world.command("srcs").is_empty());
    assert_eq!(world.model.session.screen, Screen::Sources);
}

#[test]
fn only_what_applies_here_is_offered() {
    let mut world = World::showing(&pages(&["A"]));
    assert!(offered(&world, "").contains(&"claim"));
    for absent in [
        "accept",
        "next choice",
        "cancel",
        "close",
        "crash",
        "search",
        "follow",
    ] {
        assert!(!offered(&world, "").contains(&absent), "{absent}");
    }
    world.press("8");
    assert!(!offered(&world, "").contains(&"claim"));
    assert!(offered(&world, "").contains(&"quit"));
}

#[test]
fn the_arrows_choose_and_go_round() {
    let mut world = World::showing(&pages(&["A"]));
    world.press(":");
    world.type_text("lane");
    let names = offered(&world, "lane");
    assert!(names.len() > 1, "{names:?}");
    let choice = |world: &World| world.model.session.prompt.as_ref().unwrap().choice;
    world.press("down");
    assert_eq!(choice(&world), 1);
    world.press("up up");
    assert_eq!(choice(&world), names.len() - 1);
    world.press("tab");
    assert_eq!(choice(&world), 0);
    world.press("down");
    world.type_text("x");
    assert_eq!(choice(&world), 0, "another text, another list");
}

#[test]
fn a_paste_begins_with_the_best_choice_again() {
    let mut world = World::showing(&pages(&["A"]));
    world.press(": down down down");
    world.tell(Msg::Paste("sources".into()));
    world.press("enter");
    assert_eq!(world.model.session.screen, Screen::Sources);
}

#[test]
fn choosing_among_nothing_is_harmless() {
    let mut world = World::showing(&pages(&["A"]));
    world.press(":");
    world.type_text("zzzz");
    world.press("down up");
    assert!(world.press("enter").is_empty());
    assert_eq!(
        world.refusal(),
        Some("no command `zzzz` here: ? lists them")
    );
    assert!(world.model.session.prompt.is_none());
}

#[test]
fn choosing_in_a_filter_is_harmless() {
    let mut world = World::showing(&pages(&["A"]));
    world.press("/ down tab up");
    assert_eq!(world.model.session.prompt.as_ref().unwrap().choice, 0);
}

#[test]
fn a_command_takes_its_argument() {
    let mut world = World::showing(&[
        page("A").with("namespace", "x").with("env", "prod"),
        page("A").with("namespace", "x").with("env", "stage"),
    ]);
    assert!(world.command("group namespace").is_empty());
    assert_eq!(world.rows(), [">A x2"]);
    assert!(world.command("filter env=prod").is_empty());
    assert_eq!(world.rows(), [">A"]);
    let effects = world.command("theme light");
    let [Effect::Theme(choice)] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(*choice, ThemeChoice::Named("light".into()));
    let effects = world.command("theme");
    assert!(matches!(&effects[..], [Effect::Theme(ThemeChoice::Next)]));
}

#[test]
fn a_filter_that_does_not_parse_can_be_mended() {
    let mut world = World::showing(&pages(&["A", "B"]));
    world.command("filter alertname=A");
    assert!(world.command("filter env==prod").is_empty());
    assert!(world.refusal().unwrap().starts_with("column "));
    let prompt = world.model.session.prompt.as_ref().unwrap();
    assert_eq!(
        (prompt.kind, prompt.text()),
        (PromptKind::Filter, "env==prod")
    );
    assert!(prompt.error.is_some());
    assert_eq!(world.rows(), [">A"], "the old filter stands");
    world.press("esc");
    assert_eq!(world.rows(), [">A"]);
    assert_eq!(world.model.session.triage.filter.to_string(), "alertname=A");
}

#[test]
fn a_refused_command_says_why() {
    let mut world = World::showing(&pages(&["A"]));
    let [choice] = &choices(&world.model, "runbook")[..] else {
        panic!("not one command of that name");
    };
    assert_eq!(choice.refused, Some("no runbook belongs to this alert"));
    assert!(world.command("runbook").is_empty());
    assert_eq!(world.refusal(), Some("no runbook belongs to this alert"));
    assert!(world.model.session.runbooks.reader.is_none());
}

#[test]
fn what_was_typed_comes_back_safe() {
    let mut world = World::showing(&pages(&["A"]));
    world.command("\u{202e}zz");
    assert_eq!(
        world.refusal(),
        Some("no command `\\u{202e}zz` here: ? lists them")
    );
}

#[test]
fn a_crash_needs_its_switch() {
    let mut world = World::showing(&pages(&["A"]));
    assert!(world.command("crash").is_empty());
    assert_eq!(world.refusal(), Some("set QUELL_ALLOW_CRASH=1 to allow it"));
    world.model.session.identity.crash = CrashSwitch::On;
    assert!(matches!(world.command("crash")[..], [Effect::Crash]));
}

#[test]
fn escape_drops_what_was_typed() {
    let mut world = World::showing(&pages(&["A"]));
    world.press(":");
    world.type_text("quit");
    assert!(world.press("esc").is_empty());
    assert!(world.model.session.prompt.is_none());
    assert!(world.notice().is_empty());
}
