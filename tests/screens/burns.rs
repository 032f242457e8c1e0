//! What does screen 2 look like, and what a burn on screen 1? Reviewed by eye.

use ratatui::style::Modifier;

use crate::golden::golden;
use crate::picture::{self, cell_of, find, lines, looks};
use crate::scenes;
use crate::slos;
use crate::stage::Stage;

golden! {
    burns = scenes::burns;
    burns_three_days = || scenes::burns().press("t");
    burns_lower = || scenes::burns().press("G");
    burns_filtered = scenes::burns_filtered;
    burns_no_match = scenes::burns_no_match;
    burns_none = scenes::no_slos;
    burns_unread = scenes::unread_slos;
    burns_waiting = || Stage::waiting().press("2");
    burns_nothing_known = || scenes::nothing_known().press("2");
    burns_last_known = scenes::burns_last_known;
    burns_hundred = scenes::burns_hundred;
    burns_gone = scenes::burns_gone;
    burns_ascii = || scenes::burns().ascii();
    burn_opened = scenes::burn_opened;
    burn_opened_lower = || scenes::burn_opened().press("G");
    burn_three_days = || scenes::burn_opened().press("t");
    burn_ascii = || scenes::burn_opened().ascii();
    burn_explained = scenes::burn_explained;
    burn_explained_lower = || scenes::burn_explained().press("G");
    burn_gone = scenes::burn_gone;
    burn_last_known = || scenes::burns_last_known().press("enter");
    burn_calendar = || scenes::burn_of("invoice-availability");
    burn_disputed = || scenes::burn_of("night-export");
    burn_small_sample = || scenes::burn_of("tenant-onboarding");
    burn_spent = || scenes::burn_of("mail-delivery");
    burn_no_traffic = || scenes::burn_of("batch-freshness");
    burn_ended = || scenes::burn_of("ingest-lag");
    burn_failed = || scenes::burn_of("orders-latency");
    burn_missing = || scenes::burn_of("queue-age");
    burn_sliced = || scenes::burn_of("dns-probe");
    burn_recorded = || scenes::burn_of("login-availability");
    burn_without_past = || scenes::burn_of("deploy-success");
    triage_burn = scenes::burn_row;
    triage_burn_not_selected = || scenes::burn_row().press("j");
    triage_burn_tickets = || scenes::burn_row().press("tab");
    triage_burn_gone = scenes::burn_row_gone;
    alert_with_burn = scenes::alert_with_burn;
}

#[test]
fn burns_at_200x60() {
    let mut stage = scenes::burns().sized(200, 60);
    insta::assert_snapshot!(picture::text(&mut stage));
}

#[test]
fn burn_at_200x60() {
    let mut stage = scenes::burn_opened().sized(200, 60);
    insta::assert_snapshot!(picture::text(&mut stage));
}

/// Without colour the look of a row has to carry what the colour did.
#[test]
fn burns_in_mono() {
    let mut stage = scenes::burns().themed("mono").sized(120, 40);
    let (buffer, _) = stage.draw();
    let rows = [
        "PAGE  ",
        "invoice-export",
        "deploy-success",
        "batch-freshness",
    ];
    let rows: Vec<String> = rows
        .iter()
        .map(|text| looks(&buffer, find(&buffer, text).unwrap().y))
        .collect();
    insta::assert_snapshot!(rows.join("\n\n"));
}

/// Columns under their heads: each number ends where its head ends.
#[test]
fn numbers_end_below_the_ends_of_their_heads() {
    for width in 40..=220 {
        let mut stage = scenes::burns().sized(width, 40);
        let (buffer, _) = stage.draw();
        let shown = lines(&buffer);
        let ends = |text: &str, word: &str| {
            let columns: Vec<char> = text.chars().collect();
            let word: Vec<char> = word.chars().collect();
            let at = columns.windows(word.len()).position(|w| w == word);
            at.map(|at| at + word.len())
        };
        let row = shown
            .iter()
            .find(|line| line.contains("PAGE ") && line.contains("38%"));
        let row = row.unwrap_or_else(|| panic!("{width}:\n{}", shown.join("\n")));
        let head = &shown[2];
        let gone = if width < 60 { "gone" } else { "gone in" };
        for (name, number) in [
            ("left", "38%"),
            (" 1h", "14.6"),
            (" 5m", "21.0"),
            (gone, "18h"),
        ] {
            let (head, row) = (ends(head, name), ends(row, number));
            let is_optional = name.starts_with(' ');
            assert!(head.is_some() || is_optional, "{width}: no {name}");
            assert_eq!(head, row.filter(|_| head.is_some()), "{width}: {name}");
        }
    }
}

/// The columns that a width leaves room for grow with it, and the name stays readable.
#[test]
fn a_name_keeps_its_room() {
    for width in 40..=220 {
        let mut stage = scenes::burns().sized(width, 40);
        let (buffer, _) = stage.draw();
        let shown = lines(&buffer);
        let readable = if width < 60 { "chec" } else { "checkout-" };
        let row = shown.iter().find(|l| l.starts_with('▌')).unwrap();
        assert!(row.contains(readable), "{width}: {row}");
        let unreadable = shown[3..]
            .iter()
            .filter(|l| l.contains("……") || l.contains("ERR"));
        assert_eq!(unreadable.count(), 0);
    }
}

#[test]
fn numbers_of_any_size_stay_in_their_columns() {
    let cast = crate::cast::Cast {
        burn: slos::answer(vec![
            slos::extreme("one", 1.0, 1.0),
            slos::extreme("tenth", 0.1, 1.0),
            slos::extreme("tiny", 1e-12, 1.0),
            slos::extreme("many", 9e14, 9e15),
            slos::extreme("none", 0.0, 9e15),
        ]),
        ..crate::cast::night()
    };
    for width in [40, 80, 96, 120, 200] {
        let mut stage = Stage::of(&cast).press("2").sized(width, 24);
        let (buffer, _) = stage.draw();
        for line in &lines(&buffer)[3..8] {
            let dots = line.matches('…').count();
            assert_eq!(dots, 0, "{width}: {line}");
        }
    }
}

#[test]
fn the_last_known_is_dim_and_what_has_no_verdict_says_why() {
    for theme in ["default", "light", "mono"] {
        let mut stage = scenes::burns_last_known().themed(theme).press("j");
        let (buffer, _) = stage.draw();
        let row = find(&buffer, "?page").unwrap().y;
        let shown = lines(&buffer).swap_remove(usize::from(row));
        for text in ["?page", "checkout-", "38%", "14.6", "18h"] {
            let x = shown.chars().take(shown.find(text).unwrap()).count();
            let cell = &buffer[(u16::try_from(x).unwrap(), row)];
            assert!(
                cell.modifier.contains(Modifier::DIM),
                "{theme} {text} in {shown}"
            );
        }
        // What was calm is so as far as anybody knows.
        assert!(find(&buffer, "?ok     deploy-success").is_some());
        let mut stage = scenes::burns_last_known().themed(theme).press("enter");
        let (buffer, _) = stage.draw();
        for text in ["38% left", "21.0x", "page-fast"] {
            let cell = cell_of(&buffer, text);
            assert!(
                cell.modifier.contains(Modifier::DIM),
                "{theme} {text} opened"
            );
        }
        assert!(find(&buffer, "prom-1/slo gives no answer; last known: page").is_some());
    }
}

#[test]
fn a_page_is_told_from_a_ticket_by_word_and_by_look() {
    for theme in ["default", "light", "high-contrast", "mono"] {
        let mut stage = scenes::burns().themed(theme).press("G");
        stage.resize(120, 40);
        let (buffer, _) = stage.draw();
        let shown = lines(&buffer);
        let look = |word: &str, name: &str| {
            let line = format!("  {word:7} {name}");
            let y = shown.iter().position(|l| l.starts_with(&line));
            let y = y.unwrap_or_else(|| panic!("no `{line}` in\n{}", shown.join("\n")));
            buffer[(2, u16::try_from(y).unwrap())].style()
        };
        let page = look("PAGE", "checkout-availability");
        let ticket = look("ticket", "invoice-export");
        let freeze = look("freeze", "control-plane");
        let warn = look("warn", "template-validation");
        let ok = look("ok", "deploy-success");
        for other in [ticket, freeze, warn, ok] {
            assert_ne!(page, other, "{theme}");
        }
        assert_ne!(ticket, ok, "{theme}");
        assert_ne!(warn, ok, "{theme}");
        assert_ne!(look("no data", "batch-freshness"), ok, "{theme}");
    }
}

#[test]
fn everything_that_is_known_of_an_slo_is_on_its_page_at_80x24() {
    let mut stage = scenes::burn_opened();
    let mut seen = String::new();
    for _ in 0..20 {
        let (buffer, _) = stage.draw();
        seen.push_str(&lines(&buffer).join("\n"));
        stage = stage.press("pgdn");
    }
    for fact in [
        "PAGE",
        "checkout-availability",
        "checkout-api",
        "a checkout answers without a server error",
        "99.9% over 30d",
        "policy google",
        "38% left, gone in 18h · by traffic",
        "630 bad of 30000",
        "page-fast",
        "1h 14.6 > 14.4, 5m 21 > 14.4",
        "does not fire",
        "by prom-1/slo, fresh",
        "slo/checkout-api.yaml:1 (OpenSLO)",
    ] {
        assert!(seen.contains(fact), "no `{fact}` in\n{seen}");
    }
    for window in ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"] {
        assert!(
            seen.contains(&format!(" {window}  ")),
            "no {window} in\n{seen}"
        );
    }
}

#[test]
fn every_number_is_explained_with_its_query() {
    let mut stage = scenes::burn_explained();
    let mut seen = String::new();
    for _ in 0..20 {
        let (buffer, _) = stage.draw();
        seen.push_str(&lines(&buffer).join("\n"));
        stage = stage.press("pgdn");
    }
    for fact in [
        "burn 5m = 21x",
        "630 bad of 30000 = 0.021; 0.021 / (1 - 0.999) = 21",
        "sum(increase(http_requests_total{",
        "at 2026-11-21 02:01:48Z",
        "budget left = 38%",
        "gone in = 18h",
        "page-fast (page) = fires",
    ] {
        assert!(seen.contains(fact), "no `{fact}` in\n{seen}");
    }
}

#[test]
fn the_selected_slo_is_marked_and_bold_and_no_other_is() {
    let mut stage = scenes::burns().press("j j");
    let (buffer, _) = stage.draw();
    let shown = lines(&buffer);
    let marked: Vec<usize> = (0..shown.len())
        .filter(|y| shown[*y].starts_with('▌'))
        .collect();
    assert_eq!(marked, [5]);
    let y = 5;
    assert!(buffer[(1, y)].modifier.contains(Modifier::REVERSED));
    let bold = (0..80).filter(|x| buffer[(*x, y)].modifier.contains(Modifier::BOLD));
    assert!(bold.count() > 5);
}
