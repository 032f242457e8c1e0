//! Cutting, padding and wrapping, by table and over hostile text.

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::*;

#[test]
fn text_is_cut_at_its_end() {
    for (text, columns, expected) in [
        ("checkout-api", 12, "checkout-api"),
        ("checkout-api", 8, "checkou…"),
        ("checkout-api", 1, "…"),
        ("checkout-api", 0, ""),
        ("磁盘已满", 8, "磁盘已满"),
        ("磁盘已满", 7, "磁盘已…"),
        ("磁盘已满", 6, "磁盘…"),
        ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
        ("two\nlines\tand", 13, "two lines and"),
        ("", 3, ""),
    ] {
        assert_eq!(fit(text, columns, "…"), expected, "{text} {columns}");
    }
}

#[test]
fn an_ellipsis_that_does_not_fit_is_left_out() {
    assert_eq!(fit("checkout", 2, "..."), "ch");
    assert_eq!(fit_middle("checkout", 2, "..."), "ch");
}

#[test]
fn what_fits_is_not_copied() {
    for text in ["checkout-api", "磁盘已满"] {
        assert!(matches!(fit(text, 12, "…"), Cow::Borrowed(_)));
        assert!(matches!(fit_middle(text, 12, "…"), Cow::Borrowed(_)));
    }
    assert!(matches!(wrap("disk full", 9)[0], Cow::Borrowed(_)));
}

#[test]
fn text_is_cut_in_its_middle() {
    for (text, columns, expected) in [
        ("runbooks/team-a/bad-rollout.md", 16, "runbook…llout.md"),
        ("4f2c91a", 7, "4f2c91a"),
        ("4f2c91a0", 7, "4f2…1a0"),
        ("4f2c91a0", 6, "4f…1a0"),
        ("磁盘已满了", 7, "磁…了"),
    ] {
        assert_eq!(fit_middle(text, columns, "…"), expected, "{text} {columns}");
    }
}

#[test]
fn text_is_padded() {
    assert_eq!(pad_right("磁盘", 6, "…"), "磁盘  ");
    assert_eq!(pad_left("42m", 5, "…"), "  42m");
    assert_eq!(pad_right("磁盘已", 4, "…"), "磁… ");
}

#[test]
fn text_is_wrapped_between_words() {
    let table: &[(&str, usize, &[&str])] = &[
        ("the disk is full", 16, &["the disk is full"]),
        ("the disk is full", 15, &["the disk is", "full"]),
        ("the disk is full", 4, &["the", "disk", "is", "full"]),
        ("the  disk", 5, &["the", "disk"]),
        ("full   ", 4, &["full"]),
        ("a checkout-api", 5, &["a", "check", "out-a", "pi"]),
        ("one\ntwo\n\nthree", 9, &["one", "two", "", "three"]),
        ("  kept lead", 6, &["  kept", "lead"]),
        ("      x", 4, &["    ", "  x"]),
        ("磁盘 is 满", 5, &["磁盘", "is 满"]),
        ("disk磁盘已满", 6, &["disk磁", "盘已满"]),
        ("磁a", 1, &["?", "a"]),
        ("e\u{301}e\u{301}", 1, &["e\u{301}", "e\u{301}"]),
        ("a\tb", 3, &["a b"]),
        ("", 3, &[""]),
        ("a", 0, &[]),
    ];
    for (text, columns, expected) in table {
        assert_eq!(wrap(text, *columns), *expected, "{text:?} {columns}");
    }
}

#[test]
fn code_keeps_its_spaces() {
    let text = "if  x:\n    磁盘";
    let lines: Vec<&str> = chop_ranges(text, 5).into_iter().map(|r| &text[r]).collect();
    assert_eq!(lines, ["if  ", "x:", "    ", "磁盘"]);
    let text = "a checkout";
    let lines: Vec<&str> = chop_ranges(text, 6).into_iter().map(|r| &text[r]).collect();
    assert_eq!(lines, ["a chec", "kout"]);
}

/// Texts that hit the borders: wide, combining, joined, halfwidth marks, spaces and breaks.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z]{1,12}",
        "[ \t\n]{1,3}",
        Just("磁盘".to_owned()),
        Just("e\u{301}\u{302}".to_owned()),
        Just("\u{301}".to_owned()),
        Just("👍🏽".to_owned()),
        Just("🏽".to_owned()),
        Just("🇩🇪🇫".to_owned()),
        Just("ｶﾞ".to_owned()),
        Just("لا".to_owned()),
        Just("각".to_owned()),
        any::<String>(),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Columns that ratatui uses up, on a row with room for all of it.
fn printed(text: &str) -> usize {
    let row = Rect::new(0, 0, 4_000, 1);
    let (end, _) = Buffer::empty(row).set_stringn(0, 0, text, 4_000, Style::new());
    usize::from(end)
}

fn ink(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !c.is_control())
        .collect()
}

proptest! {
    #[test]
    fn fitted_text_fits(text in texts(), columns in 0usize..60) {
        for fitted in [fit(&text, columns, "…"), fit_middle(&text, columns, "…")] {
            prop_assert!(width(&fitted) <= columns);
            prop_assert_eq!(printed(&fitted), width(&fitted));
        }
        prop_assert_eq!(printed(&pad_right(&text, columns, "…")), columns);
        prop_assert_eq!(printed(&pad_left(&text, columns, "…")), columns);
    }

    #[test]
    fn text_that_fits_stays(text in texts()) {
        let columns = width(&text);
        prop_assert_eq!(ink(&fit(&text, columns, "…")), ink(&text));
        prop_assert_eq!(ink(&fit_middle(&text, columns, "…")), ink(&text));
    }

    #[test]
    fn wrapped_text_fits_and_is_whole(text in texts(), columns in 2usize..60) {
        let lines = wrap(&text, columns);
        for line in &lines {
            prop_assert!(width(line) <= columns, "{line:?}");
            prop_assert_eq!(printed(line), width(line));
        }
        prop_assume!(text.graphemes(true).all(|g| grapheme_width(g) <= columns));
        prop_assert_eq!(ink(&lines.concat()), ink(&text));
    }

    #[test]
    fn chopped_text_fits_and_is_whole(text in texts(), columns in 1usize..60) {
        let ranges = chop_ranges(&text, columns);
        for range in &ranges {
            prop_assert!(width(&printable(&text[range.clone()], columns)) <= columns);
        }
        let whole: String = ranges.into_iter().map(|range| &text[range]).collect();
        prop_assert_eq!(whole, text.replace('\n', ""));
    }

    #[test]
    fn one_column_is_enough_to_end(text in texts()) {
        for line in wrap(&text, 1) {
            prop_assert!(width(&line) <= 1);
        }
    }
}
