//! A text that has everything, at several widths, and texts nobody would write.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use ratatui::style::Modifier;

use super::*;
use crate::domain::prose::{Block, Item, Span, SpanStyle, Task, slug};
use crate::theme::{ColourDepth, GlyphSet, load};

fn line(text: &str) -> Untrusted {
    Untrusted::line(text)
}

/// Spans in a tiny notation: `*strong*`, `_stressed_`, `` `code` ``, `[words>target]`, `|` breaks.
fn spans(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (end, style) = match first {
            '*' => ('*', SpanStyle::Strong),
            '_' => ('_', SpanStyle::Emphasis),
            '`' => ('`', SpanStyle::Code),
            '[' => (']', SpanStyle::Plain),
            '|' => {
                spans.push(span(&Untrusted::block("\n"), SpanStyle::Plain, None));
                rest = &rest[1..];
                continue;
            }
            _ => {
                let end = rest.find(['*', '_', '`', '[', '|']).unwrap_or(rest.len());
                spans.push(span(&line(&rest[..end]), SpanStyle::Plain, None));
                rest = &rest[end..];
                continue;
            }
        };
        let (inner, after) = rest[1..].split_once(end).unwrap();
        let (words, target) = match inner.split_once('>') {
            Some((words, target)) => (words, Some(line(target))),
            None => (inner, None),
        };
        spans.push(span(&line(words), style, target));
        rest = after;
    }
    spans
}

fn span(text: &Untrusted, style: SpanStyle, link: Option<Untrusted>) -> Span {
    let text = text.clone();
    Span { text, style, link }
}

fn heading(level: u8, text: &str) -> Block {
    Block::Heading {
        level,
        text: spans(text),
        slug: slug(text),
    }
}

fn paragraph(text: &str) -> Block {
    Block::Paragraph(spans(text))
}

fn code(info: &str, text: &str) -> Block {
    Block::Code {
        info: line(info),
        lines: text.lines().map(line).collect(),
    }
}

fn item(blocks: Vec<Block>) -> Item {
    Item { task: None, blocks }
}

fn task(task: Task, text: &str) -> Item {
    Item {
        task: Some(task),
        blocks: vec![paragraph(text)],
    }
}

fn list(first: Option<u64>, items: Vec<Item>) -> Block {
    Block::List { first, items }
}

fn table(rows: &[&[&str]]) -> Block {
    let mut rows = rows
        .iter()
        .map(|row| row.iter().map(|cell| spans(cell)).collect());
    Block::Table {
        header: rows.next().unwrap(),
        rows: rows.collect(),
    }
}

fn document(blocks: Vec<Block>) -> Document {
    Document { blocks }
}

/// Everything a runbook can hold.
fn sample() -> Document {
    document(vec![
        heading(1, "Queue backlog in `eu-1`"),
        paragraph(
            "The broker takes telemetry faster than the store writes it. *Alerts are late* while this lasts, and past the queue limit data is _lost_; see [the architecture note>docs/broker.md] and [Escalate>#escalate].",
        ),
        Block::Quote(vec![
            paragraph(
                "*Warning.* A quiet screen is not a healthy platform while `lag` is above 300 s.",
            ),
            list(None, vec![item(vec![paragraph("Tell the other on-call.")])]),
        ]),
        heading(2, "Diagnosis"),
        heading(
            3,
            "1. Is the backlog real, or is only the exporter of the broker behind?",
        ),
        paragraph("First line,|second line after a hard break."),
        code(
            "yaml quell",
            "id: confirm-backlog\npromql: max(queue_size{cluster=\"eu-1\"} / queue_capacity{cluster=\"eu-1\"}) by (broker)\nexpect: \"> 0.8\"",
        ),
        code(
            "sh",
            "kubectl -n telemetry get pods \\\n    --selector app=broker --output wide --sort-by .status.startTime",
        ),
        heading(4, "By hand"),
        list(
            Some(9),
            vec![
                item(vec![paragraph(
                    "Look at the lag of every partition of the topic, not at the sum.",
                )]),
                item(vec![
                    paragraph("Then compare:"),
                    list(
                        None,
                        vec![
                            item(vec![paragraph(
                                "producers, by [team>https://example.org/teams]",
                            )]),
                            item(vec![
                                paragraph("consumers"),
                                list(None, vec![item(vec![paragraph("by zone")])]),
                            ]),
                        ],
                    ),
                ]),
                item(vec![]),
            ],
        ),
        list(
            None,
            vec![
                task(Task::Done, "Page acknowledged"),
                task(Task::Open, "Status page says that telemetry is late"),
            ],
        ),
        list(
            None,
            vec![
                item(vec![paragraph("A loose item."), code("", "uptime")]),
                item(vec![paragraph(
                    "Another one: 磁盘已满，请立即检查日志存储的容量和保留时间设置。",
                )]),
            ],
        ),
        table(&[
            &["Symptom", "Likely cause", "Step"],
            &[
                "lag rises on all partitions",
                "too few consumers, or a slow store behind them",
                "[5>#5]",
            ],
            &["lag rises on one", "a hot key", "`6`"],
        ]),
        table(&[&["Env", "Pods"], &["prod", "12"], &["dev", "1"]]),
        Block::Rule,
        heading(5, "Escalate"),
        paragraph("Call team-observability."),
    ])
}

fn laid(document: &Document, width: u16, set: GlyphSet) -> String {
    let layout = layout(document, width, set.glyphs());
    let lines: Vec<String> = layout.lines.iter().map(LaidLine::plain).collect();
    lines.join("\n")
}

fn unicode(document: &Document, width: u16) -> Layout {
    layout(document, width, GlyphSet::Unicode.glyphs())
}

#[test]
fn everything_at_80_columns() {
    insta::assert_snapshot!(laid(&sample(), 80, GlyphSet::Unicode));
}

#[test]
fn everything_at_38_columns() {
    insta::assert_snapshot!(laid(&sample(), 38, GlyphSet::Unicode));
}

#[test]
fn everything_in_ascii() {
    insta::assert_snapshot!(laid(&sample(), 60, GlyphSet::Ascii));
}

#[test]
fn a_table_without_room_becomes_a_list() {
    let rows: &[&[&str]] = &[
        &["Symptom", "Cause", "What to do"],
        &["lag on all", "slow store", "add consumers"],
        &["lag on one", "a hot key", "split it"],
    ];
    insta::assert_snapshot!(laid(&document(vec![table(rows)]), 24, GlyphSet::Unicode), @"
    Symptom: lag on all
    Cause: slow store
    What to do: add
    consumers

    Symptom: lag on one
    Cause: a hot key
    What to do: split it
    ");
}

#[test]
fn headings_can_be_jumped_to() {
    let layout = unicode(&sample(), 80);
    let levels: Vec<u8> = layout.headings.iter().map(|h| h.level).collect();
    assert_eq!(levels, [1, 2, 3, 4, 5]);
    assert_eq!(layout.headings[0].text, "Queue backlog in eu-1");
    let escalate = layout.line_of("escalate").unwrap();
    assert_eq!(layout.lines[escalate].plain(), "──── Escalate");
    assert_eq!(layout.line_of("nowhere"), None);
}

#[test]
fn links_know_their_places() {
    for width in [80, 38, 12] {
        let layout = unicode(&sample(), width);
        let targets: Vec<&str> = layout.links.iter().map(|link| link.target.raw()).collect();
        assert_eq!(
            targets,
            [
                "docs/broker.md",
                "#escalate",
                "https://example.org/teams",
                "#5"
            ]
        );
        for link in &layout.links {
            let shown: Vec<String> = link.places.iter().map(|p| at(&layout, p)).collect();
            let squeeze = |text: &str| text.replace(' ', "");
            assert_eq!(squeeze(&shown.concat()), squeeze(&link.label), "{width}");
        }
    }
}

/// What stands at a place, on lines of narrow characters only.
fn at(layout: &Layout, place: &Place) -> String {
    let plain = layout.lines[place.line].plain();
    let columns = usize::from(place.columns.start)..usize::from(place.columns.end);
    plain
        .chars()
        .skip(columns.start)
        .take(columns.len())
        .collect()
}

#[test]
fn one_link_of_two_looks_is_one_link() {
    let target = Some(line("t"));
    let parts = vec![
        span(&line("see "), SpanStyle::Plain, target.clone()),
        span(&line("this"), SpanStyle::Strong, target),
    ];
    let layout = unicode(&document(vec![Block::Paragraph(parts)]), 80);
    assert_eq!(layout.links.len(), 1);
    assert_eq!(layout.links[0].label, "see this");
    let whole = Place {
        line: 0,
        columns: 0..8,
    };
    assert_eq!(layout.links[0].places, [whole]);
}

#[test]
fn a_step_is_labelled_as_text() {
    for (info, label) in [
        ("yaml quell", "┌─ step (to read, not run from here)"),
        ("yaml", "┌─ yaml"),
    ] {
        let layout = unicode(&document(vec![code(info, "id: x")]), 60);
        assert_eq!(layout.lines[0].plain(), label);
        assert_eq!(layout.lines[1].plain(), "│ id: x");
    }
}

#[test]
fn code_keeps_tabs_as_columns() {
    let lines = vec![Untrusted::block("a\tb\t\tc")];
    let block = Block::Code {
        info: line(""),
        lines,
    };
    let layout = unicode(&document(vec![block]), 40);
    assert_eq!(layout.lines[0].plain(), "│ a   b       c");
}

#[test]
fn looks_follow_the_words() {
    let text = "a *b* _c_ `d` [e>f]";
    let layout = unicode(&document(vec![paragraph(text)]), 80);
    let looks: Vec<(&str, Role)> = layout.lines[0]
        .spans
        .iter()
        .filter(|span| span.text != " ")
        .map(|span| (span.text.trim(), span.role))
        .collect();
    assert_eq!(
        looks,
        [
            ("a", Role::Text),
            ("b", Role::Strong),
            ("c", Role::Emphasis),
            ("d", Role::Code),
            ("e", Role::Link),
        ]
    );
}

#[test]
fn a_look_inside_a_word_does_not_break_it() {
    let layout = unicode(&document(vec![paragraph("the check*out*-api")]), 12);
    assert_eq!(layout.lines[1].plain(), "checkout-api");
}

#[test]
fn search_finds_what_the_author_wrote() {
    let layout = unicode(&sample(), 38);
    for (needle, count) in [
        ("alerts are late", 1),
        ("Alerts are late", 1),
        ("ALERTS ARE LATE", 0),
        ("kubectl -n telemetry", 1),
        ("queue_capacity{cluster=", 1),
        ("磁盘已满", 1),
        ("lag rises", 2),
        ("│", 0),
        ("•", 0),
        ("not run from here", 0),
        ("", 0),
        ("prod 12", 0),
    ] {
        assert_eq!(find(&layout, needle).len(), count, "{needle}");
    }
}

#[test]
fn a_phrase_is_found_across_lines() {
    let text = document(vec![Block::Quote(vec![paragraph("the store is too slow")])]);
    let layout = unicode(&text, 14);
    assert_eq!(layout.lines[0].plain(), "▎ the store is");
    let found = find(&layout, "is too");
    let places = [(0, 12..14), (1, 2..5)].map(|(line, columns)| Place { line, columns });
    assert_eq!(
        found,
        [Match {
            places: places.to_vec()
        }]
    );
}

#[test]
fn wide_characters_are_found_at_their_columns() {
    let layout = unicode(&document(vec![paragraph("磁盘 full")]), 20);
    let places = |needle| find(&layout, needle).remove(0).places.remove(0).columns;
    assert_eq!(places("盘"), 2..4);
    assert_eq!(places("FULL".to_lowercase().as_str()), 5..9);
}

#[test]
fn a_resize_keeps_the_place() {
    let (wide, narrow) = (unicode(&sample(), 80), unicode(&sample(), 38));
    for heading in &wide.headings {
        let there = narrow.line_of(&heading.slug);
        assert_eq!(Some(wide.top_in(heading.line, &narrow)), there);
    }
    assert_eq!(wide.top_in(10_000, &narrow), narrow.lines.len() - 1);
    assert_eq!(wide.top_in(0, &Layout::default()), 0);
}

#[test]
fn only_the_lines_in_sight_are_drawn() {
    let text = document(vec![paragraph("one|two|three [four>x]|five")]);
    let layout = unicode(&text, 20);
    let theme = load("default", None).unwrap().at_depth(ColourDepth::None);
    let mut buf = Buffer::empty(Rect::new(0, 0, 12, 4));
    let matches = find(&layout, "two");
    let marks = Marks {
        link: Some(0),
        matches: &matches,
        current: None,
    };
    let area = Rect::new(1, 1, 8, 2);
    draw(&layout, 1, area, &mut buf, &theme, &marks);
    let rows: Vec<String> = (0..4)
        .map(|y| (0..12).map(|x| buf[(x, y)].symbol()).collect())
        .collect();
    assert_eq!(
        rows,
        [
            "            ",
            " two        ",
            " three fo   ",
            "            "
        ]
    );
    let reversed = |x, y| buf[(x, y)].modifier.contains(Modifier::REVERSED);
    assert!(reversed(1, 1) && reversed(3, 1) && !reversed(4, 1));
    assert!(reversed(7, 2) && reversed(8, 2) && !reversed(9, 2) && !reversed(6, 2));
}

#[test]
fn drawing_outside_the_buffer_is_harmless() {
    let layout = unicode(&sample(), 80);
    let theme = load("default", None).unwrap();
    let mut buf = Buffer::empty(Rect::new(0, 0, 10, 3));
    let matches = find(&layout, "a");
    let marks = Marks {
        matches: &matches,
        ..Marks::default()
    };
    for area in [Rect::new(5, 2, 80, 24), Rect::new(50, 50, 4, 4)] {
        for top in [0, 5, 10_000] {
            draw(&layout, top, area, &mut buf, &theme, &marks);
        }
    }
}

fn any_spans(odd: &'static str) -> impl Strategy<Value = Vec<Span>> {
    let text = prop_oneof![
        4 => "[a-z]{1,14} ?",
        1 => Just("磁盘已满 ".to_owned()),
        1 => Just("👍".to_owned()),
        1 => Just(odd.to_owned()),
        1 => Just("e\u{301}".to_owned()),
        1 => Just("\u{301}".to_owned()),
        1 => Just("\n".to_owned()),
        1 => Just("   ".to_owned()),
        1 => Just(String::new()),
        1 => any::<String>(),
    ];
    let style = prop_oneof![
        Just(SpanStyle::Plain),
        Just(SpanStyle::Strong),
        Just(SpanStyle::Emphasis),
        Just(SpanStyle::Code),
    ];
    let link = proptest::option::weighted(0.2, "[a-c]".prop_map(|target| line(&target)));
    let span = (text, style, link).prop_map(|(text, style, link)| Span {
        text: Untrusted::block(&text),
        style,
        link,
    });
    proptest::collection::vec(span, 0..6)
}

fn any_block(odd: &'static str) -> impl Strategy<Value = Block> {
    let cells = || proptest::collection::vec(any_spans(odd), 0..4);
    let leaf = prop_oneof![
        (0u8..8, any_spans(odd)).prop_map(|(level, text)| Block::Heading {
            level,
            text,
            slug: String::new(),
        }),
        any_spans(odd).prop_map(Block::Paragraph),
        (
            prop_oneof![Just("yaml quell".to_owned()), any::<String>()],
            proptest::collection::vec(any::<String>(), 0..4)
        )
            .prop_map(|(info, lines)| Block::Code {
                info: line(&info),
                lines: lines.iter().map(|text| Untrusted::block(text)).collect(),
            }),
        (cells(), proptest::collection::vec(cells(), 0..4))
            .prop_map(|(header, rows)| Block::Table { header, rows }),
        Just(Block::Rule),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let blocks = proptest::collection::vec(inner, 0..4);
        let task = proptest::option::of(prop_oneof![Just(Task::Open), Just(Task::Done)]);
        let item = (task, blocks.clone()).prop_map(|(task, blocks)| Item { task, blocks });
        prop_oneof![
            blocks.prop_map(Block::Quote),
            (
                proptest::option::of(any::<u64>()),
                proptest::collection::vec(item, 0..4)
            )
                .prop_map(|(first, items)| Block::List { first, items }),
        ]
    })
}

/// Documents with some `odd` text among the rest. Skin tones in a row are one character of any
/// width: they must fit too, as a placeholder, but they are not kept on a narrow page.
fn any_document(odd: &'static str) -> impl Strategy<Value = Document> {
    proptest::collection::vec(any_block(odd), 0..6).prop_map(document)
}

/// How often each visible character stands in what the author wrote.
fn ink<'a>(texts: impl Iterator<Item = &'a str>) -> BTreeMap<char, usize> {
    let mut ink = BTreeMap::new();
    for c in texts.flat_map(str::chars) {
        if !c.is_whitespace() {
            *ink.entry(c).or_default() += 1;
        }
    }
    ink
}

fn texts(blocks: &[Block]) -> Vec<&str> {
    fn shown(spans: &[Span]) -> impl Iterator<Item = &str> {
        spans.iter().map(|span| span.text.shown())
    }
    let mut all = Vec::new();
    for block in blocks {
        match block {
            Block::Heading { text, .. } | Block::Paragraph(text) => all.extend(shown(text)),
            Block::Code { lines, .. } => all.extend(lines.iter().map(Untrusted::shown)),
            Block::List { items, .. } => {
                all.extend(items.iter().flat_map(|item| texts(&item.blocks)));
            }
            Block::Quote(blocks) => all.extend(texts(blocks)),
            Block::Table { header, rows } => {
                let cells = rows.iter().flatten().chain(header);
                all.extend(cells.flat_map(|cell| shown(cell)));
            }
            Block::Rule => {}
        }
    }
    all
}

proptest! {
    #[test]
    fn every_line_fits(document in any_document("🏽"), width in 1u16..120, ascii in any::<bool>()) {
        let set = if ascii { GlyphSet::Ascii } else { GlyphSet::Unicode };
        let layout = layout(&document, width, set.glyphs());
        for line in &layout.lines {
            prop_assert!(line.width() <= usize::from(width), "{}", line.plain());
            prop_assert!(!line.plain().contains(char::is_control));
        }
        let places = layout.links.iter().flat_map(|link| &link.places);
        for place in places {
            prop_assert!(usize::from(place.columns.end) <= layout.lines[place.line].width());
        }
        for heading in &layout.headings {
            prop_assert!(heading.line < layout.lines.len());
        }
    }

    #[test]
    fn no_text_is_lost(document in any_document("naïve"), width in 4u16..120) {
        let layout = unicode(&document, width);
        let spans = layout.lines.iter().flat_map(|line| &line.spans);
        let laid = ink(spans.map(|span| span.text.as_str()));
        for (c, count) in ink(texts(&document.blocks).into_iter()) {
            prop_assert!(laid.get(&c).is_some_and(|laid| *laid >= count), "{c:?}");
        }
    }

    #[test]
    fn what_is_drawn_is_what_was_laid(document in any_document("🏽"), width in 1u16..60) {
        let layout = unicode(&document, width);
        let theme = load("mono", None).unwrap();
        let height = u16::try_from(layout.lines.len()).unwrap();
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        draw(&layout, 0, buf.area, &mut buf, &theme, &Marks::default());
        for (line, y) in layout.lines.iter().zip(0..) {
            let mut column = 0;
            for span in &line.spans {
                let mut row = Buffer::empty(Rect::new(0, 0, width, 1));
                let (end, _) = row.set_stringn(0, 0, &span.text, 4_000, ratatui::style::Style::new());
                for x in 0..end {
                    prop_assert_eq!(buf[(column + x, y)].symbol(), row[(x, 0)].symbol());
                }
                column += end;
            }
            prop_assert_eq!(usize::from(column), line.width());
        }
    }

    #[test]
    fn words_are_found_at_every_width(
        words in proptest::collection::vec("[a-z]{1,9}", 1..30),
        first in any::<prop::sample::Index>(),
        width in 3u16..60,
    ) {
        let layout = unicode(&document(vec![paragraph(&words.join(" "))]), width);
        let first = first.index(words.len());
        let needle = words[first..words.len().min(first + 3)].join(" ");
        let found = find(&layout, &needle);
        prop_assert!(!found.is_empty());
        for found in found {
            let shown: Vec<String> = found.places.iter().map(|p| at(&layout, p)).collect();
            prop_assert_eq!(shown.concat().replace(' ', ""), needle.replace(' ', ""));
        }
    }
}
