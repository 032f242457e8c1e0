//! Can a page be told from a ticket, the selection from the rest, the last known from the present?

use quell::theme::Role;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Position;
use ratatui::style::{Modifier, Style};

use crate::picture::{cell_of, cells, find};
use crate::scenes;
use crate::stage::Stage;

const THEMES: [&str; 4] = ["default", "light", "high-contrast", "mono"];

/// The severity letter of the row that shows a text.
fn letter<'b>(buffer: &'b Buffer, shown: &str) -> &'b Cell {
    let y = find(buffer, shown).unwrap().y;
    &buffer[Position { x: 2, y }]
}

/// A role as it looks on the ground of the screen.
fn on_screen(stage: &Stage, role: Role) -> Style {
    let mut cell = Cell::EMPTY;
    cell.set_style(stage.look.theme.style(Role::Text));
    cell.set_style(stage.look.theme.style(role));
    cell.style()
}

#[test]
fn severity_is_a_letter_and_a_look_of_its_own() {
    for theme in THEMES {
        let mut letters = Vec::new();
        for (mut stage, row, sign, role) in [
            (scenes::pages(), "EtcdHasNoLeader", "P", Role::SeverityPage),
            (
                scenes::tickets(),
                "CertificateExpiresSoon",
                "T",
                Role::SeverityTicket,
            ),
            (
                scenes::pages().press("tab tab"),
                "Watchdog",
                "I",
                Role::SeverityInfo,
            ),
        ] {
            stage = stage.themed(theme);
            let (buffer, _) = stage.draw();
            let cell = letter(&buffer, row);
            assert_eq!(cell.symbol(), sign, "{theme}");
            assert_eq!(cell.style(), on_screen(&stage, role), "{theme} {sign}");
            letters.push(cell.clone());
        }
        for (at, a) in letters.iter().enumerate() {
            for b in &letters[at + 1..] {
                assert_ne!(a.symbol(), b.symbol(), "{theme}");
                assert_ne!(a.style(), b.style(), "{theme}");
            }
        }
    }
}

#[test]
fn an_alert_without_severity_does_not_look_like_a_stated_ticket() {
    for theme in THEMES {
        let mut stage = scenes::tickets().themed(theme).press("j j");
        let (buffer, _) = stage.draw();
        let (unknown, stated) = (
            letter(&buffer, "BatchJobLate"),
            letter(&buffer, "CertificateExpiresSoon"),
        );
        assert_eq!(unknown.symbol(), "T");
        assert_ne!(unknown.style(), stated.style(), "{theme}");
    }
}

#[test]
fn the_selected_row_has_a_sign_is_reversed_and_its_name_is_bold() {
    for theme in THEMES {
        let mut stage = scenes::pages().themed(theme).press("j j j");
        let (buffer, _) = stage.draw();
        let here = find(&buffer, "TelemetryIngestBacklog").unwrap();
        let selected = stage.look.theme.style(Role::Selected);
        assert_eq!(buffer[(0, here.y)].symbol(), stage.look.glyphs.gutter);
        assert!(
            buffer[here].modifier.contains(Modifier::BOLD),
            "{theme}: the name is not bold"
        );
        for (x, cell) in cells(&buffer, here.y).filter(|(x, _)| *x > 0) {
            let looks_selected = cell.modifier.contains(selected.add_modifier)
                && selected.bg.is_none_or(|bg| cell.bg == bg);
            assert!(looks_selected, "{theme}: column {x} of the selected row");
        }
        for row in buffer.area.rows().filter(|row| row.y != here.y) {
            assert_ne!(
                buffer[(0, row.y)].symbol(),
                stage.look.glyphs.gutter,
                "{theme}: another row is marked"
            );
        }
        let other = cell_of(&buffer, "EtcdHasNoLeader");
        assert!(!other.modifier.contains(Modifier::REVERSED), "{theme}");
        assert!(!other.modifier.contains(Modifier::BOLD), "{theme}");
    }
}

#[test]
fn the_last_known_does_not_look_like_the_present() {
    for theme in THEMES {
        let mut stage = scenes::last_known().themed(theme).press("j");
        let (buffer, _) = stage.draw();
        let row = find(&buffer, "EtcdHasNoLeader").unwrap().y;
        let stale = on_screen(&stage, Role::Stale);
        for x in [2, find(&buffer, "EtcdHasNoLeader").unwrap().x] {
            assert_eq!(buffer[(x, row)].style(), stale, "{theme} column {x}");
        }
        // What Prometheus still stands by is not the last known.
        let present = cell_of(&buffer, "CheckoutErrorBudgetBurn");
        assert_ne!(present.style(), stale, "{theme}");
    }
    for theme in ["default", "light", "mono"] {
        let mut stage = scenes::last_known().themed(theme).press("j");
        let (buffer, _) = stage.draw();
        let cell = cell_of(&buffer, "EtcdHasNoLeader");
        assert!(cell.modifier.contains(Modifier::DIM), "{theme}");
    }
}

#[test]
fn quiet_alerts_are_quiet_to_the_eye() {
    for theme in THEMES {
        let mut stage = scenes::quiet().themed(theme).press("j");
        let (buffer, _) = stage.draw();
        let cell = cell_of(&buffer, "ReportQueueLong");
        assert_eq!(cell.style(), on_screen(&stage, Role::StateQuiet), "{theme}");
    }
}

#[test]
fn a_lost_source_is_seen_on_every_screen() {
    for keys in ["", "enter", "5", "5 enter", "8"] {
        let mut stage = scenes::troubled().press(keys);
        let (buffer, _) = stage.draw();
        let line = cell_of(&buffer, "blind: am-2 unreachable 3m");
        assert_eq!(line.style(), on_screen(&stage, Role::Failed), "{keys}");
    }
}

#[test]
fn production_wears_its_accent() {
    for theme in THEMES {
        let mut stage = scenes::pages().themed(theme);
        let (buffer, _) = stage.draw();
        let name = cell_of(&buffer, "prod ");
        assert_eq!(name.style(), on_screen(&stage, Role::AccentRed), "{theme}");
    }
}

#[test]
fn found_words_and_the_selected_link_stand_out() {
    for theme in THEMES {
        let mut stage = scenes::reader_search().themed(theme);
        let (buffer, _) = stage.draw();
        // The first is behind, the second is the present one, the third is ahead.
        let heading = cell_of(&buffer, "Undo it").style();
        let present = cell_of(&buffer, "undo: ").style();
        let ahead = cell_of(&buffer, "undo deployment").style();
        let plain = cell_of(&buffer, "kubectl").style();
        assert_ne!(ahead, plain, "{theme}");
        assert_ne!(present, ahead, "{theme}");
        assert_ne!(
            heading,
            cell_of(&buffer, "What not to do").style(),
            "{theme}"
        );

        let mut stage = scenes::reader_link().themed(theme);
        let (buffer, _) = stage.draw();
        let selected = cell_of(&buffer, "the other one").style();
        let other = cell_of(&buffer, "what not to do").style();
        assert_ne!(selected, other, "{theme}");
    }
}

#[test]
fn the_part_of_a_filter_that_does_not_parse_is_underlined() {
    for theme in THEMES {
        let mut stage = scenes::filter_error().themed(theme);
        let (buffer, _) = stage.draw();
        let last = buffer.area.bottom() - 1;
        let underlined: String = cells(&buffer, last)
            .filter(|(x, cell)| *x < 20 && cell.modifier.contains(Modifier::UNDERLINED))
            .map(|(_, cell)| cell.symbol())
            .collect();
        assert_eq!(underlined, "==", "{theme}");
    }
}
