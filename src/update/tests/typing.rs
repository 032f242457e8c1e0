//! While a line is typed: a filter is shown as it grows, and nothing else happens.

use crossterm::event::{KeyCode, KeyModifiers};

use super::world::{World, pages};
use crate::keys::KeyPress;
use crate::model::prompt::PromptKind;
use crate::msg::Msg;

fn typed(world: &World) -> &str {
    world.model.session.prompt.as_ref().unwrap().text()
}

fn error_at(world: &World) -> Option<std::ops::Range<usize>> {
    let prompt = world.model.session.prompt.as_ref().unwrap();
    prompt.error.as_ref().map(|e| e.at.clone())
}

#[test]
fn a_filter_is_shown_as_it_is_typed() {
    let mut world = World::showing(&pages(&["Disk", "Down", "Slow"]));
    world.press("/");
    assert!(world.type_text("d").is_empty());
    assert_eq!(world.rows(), [">Disk", "Down"]);
    world.type_text("o");
    assert_eq!(world.rows(), [">Down"]);
    world.press("backspace");
    assert_eq!(world.rows(), ["Disk", ">Down"]);
    assert!(world.press("enter").is_empty());
    assert!(world.model.session.prompt.is_none());
    assert_eq!(world.rows(), ["Disk", ">Down"]);
    world.press("/");
    assert_eq!(typed(&world), "d", "the filter can be changed");
    world.press("esc esc");
    assert_eq!(world.rows(), ["Disk", ">Down", "Slow"], "Esc drops it");
}

#[test]
fn escape_restores_the_filter_there_was() {
    let mut world = World::showing(&pages(&["Disk", "Down", "Slow"]));
    world.command("filter alertname=~\"D.*\"");
    assert_eq!(world.rows(), [">Disk", "Down"]);
    world.press("/");
    world.type_text(", alertname=Down");
    assert_eq!(world.rows(), [">Down"]);
    world.press("esc");
    assert_eq!(world.rows(), ["Disk", ">Down"]);
    assert_eq!(
        world.model.session.triage.filter.to_string(),
        "alertname=~\"D.*\""
    );
}

#[test]
fn what_does_not_parse_keeps_the_rows_and_stays_open() {
    let mut world = World::showing(&pages(&["Disk", "Down", "Slow"]));
    world.press("/");
    world.type_text("d");
    world.tell(Msg::Paste(" alertname=~\"(\"".into()));
    assert_eq!(world.rows(), [">Disk", "Down"]);
    assert_eq!(error_at(&world), Some(13..16));
    assert!(world.press("enter").is_empty());
    assert_eq!(typed(&world), "d alertname=~\"(\"");
    assert!(
        world.refusal().unwrap().starts_with("column 14:"),
        "{:?}",
        world.refusal()
    );
    assert_eq!(world.rows(), [">Disk", "Down"]);
    world.press("backspace backspace");
    world.type_text(".*\"");
    assert_eq!(error_at(&world), None);
    world.press("enter");
    assert!(world.model.session.prompt.is_none());
    assert_eq!(world.rows(), [">Disk", "Down"]);
}

#[test]
fn escape_from_what_does_not_parse_restores_too() {
    let mut world = World::showing(&pages(&["Disk", "Slow"]));
    world.press("/");
    world.type_text("d env==");
    assert!(error_at(&world).is_some());
    world.press("esc");
    assert_eq!(world.rows(), [">Disk", "Slow"]);
    assert!(world.model.session.triage.filter.is_empty());
}

#[test]
fn a_paste_is_text_and_accepts_nothing() {
    let mut world = World::showing(&pages(&["Disk", "Down"]));
    world.press("/");
    for pasted in ["disk\n", "\r\n", "\u{1b}[A\n\u{7}q"] {
        assert!(world.tell(Msg::Paste(pasted.into())).is_empty());
        assert!(world.model.session.prompt.is_some(), "{pasted:?}");
    }
    assert_eq!(typed(&world), "disk    [A  q");
    world.press("esc :");
    assert!(world.tell(Msg::Paste("quit\nquit\n".into())).is_empty());
    assert_eq!(typed(&world), "quit quit ");
    assert!(world.model.session.prompt.is_some());
}

#[test]
fn a_pasted_filter_is_shown_at_once() {
    let mut world = World::showing(&pages(&["Disk", "Down"]));
    world.press("/");
    world.tell(Msg::Paste("alertname=Down".into()));
    assert_eq!(world.rows(), [">Down"]);
}

#[test]
fn a_paste_without_a_line_to_type_in_does_nothing() {
    let mut world = World::showing(&pages(&["A"]));
    assert!(world.tell(Msg::Paste("cq:quit\n".into())).is_empty());
    assert_eq!(world.rows(), [">A"]);
    assert!(world.model.session.prompt.is_none());
}

#[test]
fn a_huge_paste_is_cut() {
    let mut world = World::showing(&pages(&["A"]));
    world.press(":");
    world.tell(Msg::Paste("x".repeat(1_000_000)));
    assert_eq!(typed(&world).len(), 4_096);
}

#[test]
fn every_character_that_can_be_typed_is_text_and_nothing_else() {
    for open in ["/", ":"] {
        let mut world = World::showing(&pages(&["A", "B"]));
        world.press("j");
        world.press(open);
        let kind = world.model.session.prompt.as_ref().unwrap().kind;
        let mut expected = String::new();
        for c in (0x20..0x7f_u8).map(char::from).chain("é磁👍".chars()) {
            let effects = world.type_text(&c.to_string());
            assert!(effects.is_empty(), "`{c}` did {effects:?}");
            expected.push(c);
            assert_eq!(typed(&world), expected, "after `{c}`");
            assert!(world.model.session.help.is_none(), "`{c}`");
            assert!(world.model.session.notice.is_none(), "`{c}`");
            assert!(world.model.knowledge.claims.by_fingerprint().is_empty());
        }
        assert_eq!(world.model.session.prompt.as_ref().unwrap().kind, kind);
        world.press("esc");
        assert_eq!(world.rows().len(), 2);
    }
}

#[test]
fn no_key_of_any_other_place_fires_while_typing() {
    for command in crate::keys::commands::ALL {
        for key in command.keys {
            let press = KeyPress::parse(key).unwrap();
            let own = crate::keys::resolve(press, crate::keys::Context::Text);
            if own.is_some() {
                continue;
            }
            let mut world = World::showing(&pages(&["A", "B"]));
            world.press(":");
            assert!(world.press(key).is_empty(), "{key}");
            let session = &world.model.session;
            assert_eq!(
                session.prompt.as_ref().map(|p| p.kind),
                Some(PromptKind::Palette)
            );
            assert!(
                session.help.is_none() && session.triage.detail.is_none(),
                "{key}"
            );
            assert_eq!(
                session.screen,
                crate::model::session::Screen::Triage,
                "{key}"
            );
            assert_eq!(world.rows(), [">A", "B"], "{key}");
        }
    }
}

#[test]
fn no_key_breaks_the_line_in_two() {
    let enter = |modifiers| KeyPress {
        code: KeyCode::Enter,
        modifiers,
    };
    let breaks = [
        enter(KeyModifiers::ALT),
        enter(KeyModifiers::CONTROL),
        KeyPress::parse("ctrl-m").unwrap(),
        KeyPress {
            code: KeyCode::Char('\n'),
            modifiers: KeyModifiers::NONE,
        },
        KeyPress {
            code: KeyCode::Char('\r'),
            modifiers: KeyModifiers::NONE,
        },
    ];
    for press in breaks {
        let mut world = World::showing(&pages(&["A"]));
        world.press("/");
        world.type_text("ab");
        assert!(world.tell(Msg::Key(press)).is_empty());
        world.type_text("cd");
        let prompt = world.model.session.prompt.as_ref().unwrap();
        assert_eq!(prompt.input.lines(), ["abcd"], "{press:?}");
        assert_eq!(prompt.cursor(), 4, "{press:?}");
    }
}

#[test]
fn the_mouse_does_nothing_while_typing() {
    let mut world = World::showing(&pages(&["A", "B"]));
    world.press("/");
    for mouse in [
        crate::msg::Mouse::WheelDown,
        crate::msg::Mouse::WheelUp,
        crate::msg::Mouse::Click { row: 3 },
    ] {
        assert!(world.tell(Msg::Mouse(mouse)).is_empty());
        assert_eq!(world.rows(), [">A", "B"]);
    }
}
