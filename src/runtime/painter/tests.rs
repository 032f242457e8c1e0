//! What an independent terminal shows after the bytes is what the buffer holds.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::num::NonZeroU16;

use proptest::prelude::*;
use ratatui::style::Style;

use super::*;

const COLUMNS: u16 = 30;
const ROWS: u16 = 12;

/// A painter and the terminal that it paints on.
struct Bench {
    painter: Painter,
    terminal: vt100::Parser,
}

impl Bench {
    fn new() -> Self {
        Self::sized(COLUMNS, ROWS)
    }

    fn sized(columns: u16, rows: u16) -> Self {
        let size = |n| NonZeroU16::new(n).unwrap();
        Self {
            painter: Painter::new(columns, rows),
            terminal: vt100::Parser::new(size(rows), size(columns), 0),
        }
    }

    /// Draws rows of styled runs, and checks what the terminal makes of the bytes.
    fn show(&mut self, rows: &[Vec<Run>], cursor: Option<Position>) -> Vec<u8> {
        let buf = self.painter.frame();
        for (y, runs) in rows.iter().take(usize::from(buf.area.height)).enumerate() {
            let mut x = 0_u16;
            for run in runs {
                x = x.saturating_add(run.gap).min(buf.area.width);
                let room = usize::from(buf.area.width - x);
                let y = u16::try_from(y).unwrap();
                (x, _) = buf.set_stringn(x, y, &run.text, room, run.style);
            }
        }
        let mut out = Vec::new();
        self.painter.encode(cursor, &mut out);
        self.terminal.process(&out);
        self.agree();
        out
    }

    fn lines(&mut self, lines: &[&str]) -> Vec<u8> {
        let rows: Vec<Vec<Run>> = lines.iter().map(|line| vec![plain(line)]).collect();
        self.show(&rows, None)
    }

    fn agree(&self) {
        let area = self.painter.shown.area;
        for y in 0..area.height {
            let mut x = 0;
            while x < area.width {
                let cell = &self.painter.shown[(x, y)];
                let seen = self.terminal.screen().cell(y, x).unwrap();
                let text = match seen.contents() {
                    "" => " ",
                    text => text,
                };
                assert_eq!(text, cell.symbol(), "column {x} row {y}");
                assert_eq!(look_of(seen), look_in(cell), "column {x} row {y}: `{text}`");
                x += columns_of(cell);
            }
        }
    }
}

/// Foreground, background, and bold, dim, italic, underlined, reversed.
type CellLook = (vt100::Color, vt100::Color, [bool; 5]);

fn look_of(cell: &vt100::Cell) -> CellLook {
    let flags = [
        cell.bold(),
        cell.dim(),
        cell.italic(),
        cell.underline(),
        cell.inverse(),
    ];
    (cell.fgcolor(), cell.bgcolor(), flags)
}

fn look_in(cell: &Cell) -> CellLook {
    let flags = [
        Modifier::BOLD,
        Modifier::DIM,
        Modifier::ITALIC,
        Modifier::UNDERLINED,
        Modifier::REVERSED,
    ];
    (
        seen_as(cell.fg),
        seen_as(cell.bg),
        flags.map(|flag| cell.modifier.contains(flag)),
    )
}

/// The sixteen colours by their numbers in a terminal.
const SIXTEEN: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

fn seen_as(colour: Color) -> vt100::Color {
    match colour {
        Color::Reset => vt100::Color::Default,
        Color::Indexed(n) => vt100::Color::Idx(n),
        Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
        named => {
            let number = SIXTEEN.iter().position(|c| *c == named).unwrap();
            vt100::Color::Idx(u8::try_from(number).unwrap())
        }
    }
}

/// Text in one style, some columns after the one before it.
#[derive(Clone, Debug)]
struct Run {
    gap: u16,
    text: String,
    style: Style,
}

fn run(text: &str, style: Style) -> Run {
    Run {
        gap: 0,
        text: text.into(),
        style,
    }
}

fn plain(text: &str) -> Run {
    run(text, Style::new())
}

fn list(from: usize, cursor: usize) -> Vec<Vec<Run>> {
    let style = |row| {
        if row == cursor {
            Style::new().reversed()
        } else {
            Style::new()
        }
    };
    let text = |row| format!("row {:03} of a long list", from + row);
    (0..10)
        .map(|row| vec![run(&text(row), style(row))])
        .collect()
}

#[test]
fn nothing_changed_is_no_bytes() {
    let mut bench = Bench::new();
    assert!(!bench.show(&list(0, 0), None).is_empty());
    assert!(bench.show(&list(0, 0), None).is_empty());
    let cursor = Some(Position::new(3, 11));
    assert!(!bench.show(&list(0, 0), cursor).is_empty());
    assert!(bench.show(&list(0, 0), cursor).is_empty());
}

#[test]
fn a_frame_is_one_synchronized_update() {
    let mut bench = Bench::new();
    for cursor in [None, Some(Position::new(1, 1)), None] {
        let out = bench.show(&list(0, 0), cursor);
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.starts_with("\x1b[?2026h") && text.ends_with("\x1b[?2026l"),
            "{text:?}"
        );
        assert_eq!(text.matches("2026").count(), 2, "{text:?}");
    }
}

#[test]
fn what_follows_other_bytes_leaves_them_alone() {
    let mut bench = Bench::new();
    bench.lines(&["a"]);
    let mut out = b"before".to_vec();
    bench.painter.frame().set_string(0, 0, "a", Style::new());
    bench.painter.encode(None, &mut out);
    assert_eq!(out, b"before", "nothing to add");
}

#[test]
fn a_scrolled_list_costs_little() {
    let mut bench = Bench::new();
    let whole = bench.show(&list(0, 9), None).len();
    for from in [1, 2, 1, 4, 0] {
        let bytes = bench.show(&list(from, 9), None).len();
        assert!(bytes * 3 < whole * 2, "{bytes} of {whole} for {from}");
    }
    let one = bench.show(&list(1, 9), None).len();
    assert!(one * 3 < whole, "{one} of {whole} for one row");
}

#[test]
fn one_cell_costs_a_few_bytes() {
    let mut bench = Bench::new();
    bench.lines(&["12s ago", "steady"]);
    let bytes = bench.lines(&["13s ago", "steady"]).len();
    assert!(bytes <= 32, "{bytes} bytes");
}

#[test]
fn the_cursor_stands_where_it_is_told() {
    let mut bench = Bench::new();
    bench.show(&list(0, 0), None);
    for (x, y) in [(0, 0), (5, 11), (29, 3), (5, 11)] {
        bench.show(&list(0, 0), Some(Position::new(x, y)));
        assert_eq!(bench.terminal.screen().cursor_position(), (y, x));
        assert!(!bench.terminal.screen().hide_cursor());
        // A frame that writes elsewhere brings it back.
        bench.show(&list(3, 2), Some(Position::new(x, y)));
        assert_eq!(bench.terminal.screen().cursor_position(), (y, x));
        bench.show(&list(0, 0), Some(Position::new(x, y)));
    }
    bench.show(&list(0, 0), None);
    assert!(bench.terminal.screen().hide_cursor());
}

#[test]
fn every_colour_and_manner_arrives() {
    let mut bench = Bench::sized(60, 8);
    let named = SIXTEEN.map(|c| run("x", Style::new().fg(c)));
    let behind = SIXTEEN.map(|c| run("x", Style::new().bg(c)));
    let more = [0, 8, 15, 16, 255].map(|n| {
        run(
            "x",
            Style::new().fg(Color::Indexed(n)).bg(Color::Indexed(n)),
        )
    });
    let rgb = run(
        "x",
        Style::new()
            .fg(Color::Rgb(1, 20, 255))
            .bg(Color::Rgb(0, 0, 0)),
    );
    let style = Style::new();
    let manners = [
        style.bold(),
        style.dim(),
        style.italic().underlined(),
        style.reversed(),
        style,
        // Bold and dim together are one in this terminal: no test of both.
        style.bold().italic().underlined().reversed(),
    ];
    bench.show(
        &[
            named.to_vec(),
            behind.to_vec(),
            more.to_vec(),
            vec![rgb],
            manners.map(|style| run("x", style)).to_vec(),
        ],
        None,
    );
}

#[test]
fn a_wide_character_goes_whole() {
    let mut bench = Bench::new();
    for lines in [
        ["磁盘磁盘", "ab磁"],
        ["a磁盘", "ab磁盘"],
        ["磁", "abcd"],
        ["ab", "a磁d"],
        ["", "磁"],
    ] {
        bench.lines(&lines);
    }
    let to_the_edge = "磁".repeat(usize::from(COLUMNS) / 2);
    bench.lines(&[&to_the_edge, "x"]);
    bench.lines(&[&to_the_edge[3..], "x"]);
    bench.lines(&["short", &to_the_edge]);
}

#[test]
fn a_screen_somebody_wrote_on_is_drawn_from_nothing() {
    let mut bench = Bench::new();
    bench.show(&list(0, 3), Some(Position::new(2, 2)));
    bench
        .terminal
        .process(b"\x1b[31;7mrubbish\x1b[5;5Hmore rubbish");
    bench.painter.forget(COLUMNS, ROWS);
    bench.terminal.process(b"\x1b[0m");
    bench.show(&list(0, 3), Some(Position::new(2, 2)));
    assert_eq!(bench.terminal.screen().cursor_position(), (2, 2));
}

#[test]
fn another_size_is_drawn_from_nothing() {
    let mut bench = Bench::new();
    bench.show(&list(0, 3), None);
    for (columns, rows) in [(10, 4), (50, 20), (1, 1)] {
        bench.painter.forget(columns, rows);
        let size = |n| NonZeroU16::new(n).unwrap();
        bench.terminal.set_size(size(rows), size(columns));
        bench.show(&list(5, 1), None);
    }
}

fn styles() -> impl Strategy<Value = Style> {
    let colour = prop_oneof![
        Just(Color::Reset),
        prop::sample::select(&SIXTEEN[..]),
        any::<u8>().prop_map(Color::Indexed),
    ];
    let modifier = prop::sample::select(vec![
        Modifier::empty(),
        Modifier::BOLD,
        Modifier::DIM,
        Modifier::REVERSED,
        Modifier::UNDERLINED,
    ]);
    (colour.clone(), colour, modifier)
        .prop_map(|(fg, bg, modifier)| Style::new().fg(fg).bg(bg).add_modifier(modifier))
}

fn runs() -> impl Strategy<Value = Vec<Run>> {
    let styled = prop_oneof![2 => Just(Style::new()), 1 => styles()];
    let run = (0..6_u16, "[ -~磁盘é]{0,20}", styled).prop_map(|(gap, text, style)| Run {
        gap,
        text,
        style,
    });
    prop::collection::vec(run, 0..4)
}

proptest! {
    #[test]
    fn the_terminal_shows_the_buffer(
        frames in prop::collection::vec(
            (prop::collection::vec(runs(), 0..12), 0..12_usize, 0..12_usize),
            1..8,
        ),
        cursor in prop::option::of((0..COLUMNS, 0..ROWS)),
    ) {
        let mut bench = Bench::new();
        let cursor = cursor.map(|(x, y)| Position::new(x, y));
        let mut before: Vec<Vec<Run>> = Vec::new();
        for (rows, skip, keep) in frames {
            // Some of the last frame comes again further down or up, as in a list.
            let at = rows.len().min(skip);
            let mut now = rows;
            let kept: Vec<_> = before.iter().skip(skip / 2).take(keep).cloned().collect();
            now.splice(at..at, kept);
            bench.show(&now, cursor);
            if let Some(at) = cursor {
                prop_assert_eq!(bench.terminal.screen().cursor_position(), (at.y, at.x));
            }
            before = now;
        }
    }
}
