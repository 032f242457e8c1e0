//! From bytes to a runbook: front matter, prose, and the styles of others.

use std::fmt::Write as _;

use super::*;
use crate::domain::label::Labels;
use crate::domain::prose::{Block, Item, Span, SpanStyle, Task};
use proptest::prelude::*;

fn parse_bytes(path: &str, bytes: &[u8]) -> Runbook {
    match parse::file(path, bytes, unversioned(bytes)) {
        Parsed::Runbook(book) => *book,
        other => panic!("{other:?}"),
    }
}

fn parsed(text: &str) -> Runbook {
    parse_bytes("runbooks/book.md", text.as_bytes())
}

fn words(spans: &[Span]) -> String {
    spans.iter().map(|span| span.text.shown()).collect()
}

/// One line per block, nesting by indentation: enough to see structure and words at once.
fn outline(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        outline_block(&mut out, block, 0);
    }
    out
}

fn outline_block(out: &mut String, block: &Block, depth: usize) {
    let indent = "  ".repeat(depth);
    match block {
        Block::Heading { level, text, slug } => {
            writeln!(out, "{indent}h{level} {} #{slug}", words(text)).unwrap();
        }
        Block::Paragraph(text) => writeln!(out, "{indent}p {}", marked(text)).unwrap(),
        Block::Code { info, lines } => {
            writeln!(out, "{indent}code [{info}]").unwrap();
            for line in lines {
                writeln!(out, "{indent}  |{line}").unwrap();
            }
        }
        Block::List { first, items } => {
            let first = first.map_or(String::new(), |n| format!(" from {n}"));
            writeln!(out, "{indent}list{first}").unwrap();
            for Item { task, blocks } in items {
                let mark = match task {
                    None => "item",
                    Some(Task::Open) => "[ ]",
                    Some(Task::Done) => "[x]",
                };
                writeln!(out, "{indent}  {mark}").unwrap();
                for block in blocks {
                    outline_block(out, block, depth + 2);
                }
            }
        }
        Block::Quote(blocks) => {
            writeln!(out, "{indent}quote").unwrap();
            for block in blocks {
                outline_block(out, block, depth + 1);
            }
        }
        Block::Table { header, rows } => {
            for row in std::iter::once(header).chain(rows) {
                let cells: Vec<String> = row.iter().map(|cell| marked(cell)).collect();
                writeln!(out, "{indent}row {}", cells.join(" / ")).unwrap();
            }
        }
        Block::Rule => writeln!(out, "{indent}rule").unwrap(),
    }
}

fn marked(spans: &[Span]) -> String {
    let mut out = String::new();
    for span in spans {
        let sign = match span.style {
            SpanStyle::Plain => "",
            SpanStyle::Strong => "**",
            SpanStyle::Emphasis => "*",
            SpanStyle::Code => "`",
        };
        let text = span.text.shown().replace('\n', "<break>");
        match &span.link {
            Some(link) => write!(out, "{sign}[{text}]({link}){sign}").unwrap(),
            None => write!(out, "{sign}{text}{sign}").unwrap(),
        }
    }
    out
}

fn prose_outline(markdown: &str) -> String {
    outline(&prose::read(markdown).blocks)
}

const FULL: &str = r#"---
quell: 1
id: telemetry
title: "Telemetry: late"
owner: team-observability
severity: page
services: [collector, broker]
applies_to:
  - alertname="Backlog"
  - alertname=~"(Log|Trace)Lag", severity="critical"
aliases: [RemoteStorageFailures]
reviewed: 2026-08-14
review_every: 90d
targets: {detect: 5m}
params:
  replicas: {from: ask, type: int, default: 010, on: yes}
---

# Telemetry ingestion backlog

Text.
"#;

#[test]
fn a_full_front_matter() {
    for text in [
        FULL.to_owned(),
        format!("\u{feff}{}", FULL.replace('\n', "\r\n")),
    ] {
        let book = parsed(&text);
        assert_eq!(book.problems, Vec::<String>::new());
        assert_eq!(&*book.source, text);
        assert_eq!(
            (book.id.raw(), book.title.raw()),
            ("telemetry", "Telemetry: late")
        );
        let front = &book.front;
        let raw = |text: &Option<Untrusted>| text.as_ref().unwrap().raw().to_owned();
        assert_eq!(raw(&front.owner), "team-observability");
        assert_eq!(raw(&front.severity), "page");
        assert_eq!(
            (raw(&front.reviewed), raw(&front.review_every)),
            ("2026-08-14".into(), "90d".into())
        );
        assert_eq!(
            front
                .services
                .iter()
                .map(Untrusted::raw)
                .collect::<Vec<_>>(),
            ["collector", "broker"]
        );
        assert_eq!(front.aliases[0].raw(), "RemoteStorageFailures");
        let lag = Labels::of(&[("alertname", "LogLag"), ("severity", "critical")]);
        let holds: Vec<bool> = front.applies_to.iter().map(|m| m.matches(&lag)).collect();
        assert_eq!(holds, [false, true]);
        assert_eq!(
            outline(&book.document.blocks),
            "h1 Telemetry ingestion backlog #telemetry-ingestion-backlog\np Text.\n"
        );
    }
}

#[test]
fn without_front_matter_the_name_and_the_first_heading_count() {
    for (text, title) in [
        (
            "Intro\n\n## Second\n\n# The *title* `x`\n\n# Not this\n",
            "The title x",
        ),
        ("## Only a second level\n", "Only a second level"),
        ("No heading at all\n", "book"),
        ("", "book"),
        ("---\n---\n# Empty front matter\n", "Empty front matter"),
        ("---\n# only a comment\n---\n# Commented\n", "Commented"),
    ] {
        let book = parsed(text);
        assert_eq!((book.id.raw(), book.title.raw()), ("book", title), "{text}");
        assert_eq!(book.problems, Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_wrong_field_is_named_and_the_others_stay() {
    let text = "---\nquell: 1\nid: [a, b]\ntitle: Kept\nowner:\n  name: x\n  mail: y\n\
        applies_to:\n  - alertname=\"A\"\n  - alertname==B\n  - ü=~\"(\"\n  - 'b c'\n\
        aliases: Alias\nservices: [s]\nservices: [t]\nreviewed:\n---\n# H\n";
    let book = parsed(text);
    assert_eq!((book.id.raw(), book.title.raw()), ("book", "Kept"));
    assert_eq!(book.front.owner, None);
    assert_eq!(book.front.applies_to.len(), 1);
    assert_eq!(book.front.services.len(), 1);
    assert_eq!(outline(&book.document.blocks), "h1 H #h\n");
    let places: Vec<&str> = book
        .problems
        .iter()
        .map(|p| p.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        places,
        [
            "runbooks/book.md:3:5",
            "runbooks/book.md:6:3",
            "runbooks/book.md:13:10",
            "runbooks/book.md:15:1",
            "runbooks/book.md:10:14",
            "runbooks/book.md:11:8",
            "runbooks/book.md:12:5",
        ],
        "{:#?}",
        book.problems
    );
    assert_eq!(
        book.problems[..4],
        [
            "runbooks/book.md:3:5: `id` is left out: it must be a single text",
            "runbooks/book.md:6:3: `owner` is left out: it must be a single text",
            "runbooks/book.md:13:10: `aliases` is left out: it must be a list",
            "runbooks/book.md:15:1: `services` is left out: it stands here a second time",
        ]
    );
    assert_eq!(
        book.problems[4],
        "runbooks/book.md:10:14: `applies_to` does not parse: `==` is not a matcher (write alertname=\"value\")"
    );
}

#[test]
fn what_is_no_front_matter_at_all_is_still_shown() {
    for (yaml, expected) in [
        ("id: \"no end\n", "3:1"),
        ("id: x\n  bad: indent\n", "3:"),
        ("just words\n", "2:1"),
        ("- a\n- list\n", "2:1"),
        ("id: &a x\ntitle: *a\n", "2:"),
        ("title: *nothing\n", "2:"),
        ("<<: {id: x}\n", "2:1"),
        ("id: !!python/object x\n", "2:"),
    ] {
        let book = parsed(&format!("---\n{yaml}---\n# Heading\n"));
        assert_eq!(book.title.raw(), "Heading", "{yaml}");
        let problem = &book.problems[0];
        assert!(
            problem.starts_with(&format!("runbooks/book.md:{expected}")),
            "{yaml}: {problem}"
        );
    }
    let book = parsed("---\nWords between\ntwo rules\n---\nMore\n");
    let expected = "code [yaml]\n  |Words between\n  |two rules\np More\n";
    assert_eq!(outline(&book.document.blocks), expected);
}

#[test]
fn an_unclosed_front_matter_is_prose() {
    let book = parsed("---\nid: x\n\n# Heading\n");
    assert_eq!(book.id.raw(), "book");
    assert_eq!(
        book.problems,
        ["runbooks/book.md:1:1: nothing closes the front matter: add `---`"]
    );
    assert_eq!(
        outline(&book.document.blocks),
        "rule\np id: x\nh1 Heading #heading\n"
    );
}

#[test]
fn a_newer_format_is_prose() {
    let book = parsed("---\nquell: 2\nid: kept\nowner: {a: b}\napplies_to: [a=b]\n---\n# Title\n");
    assert_eq!((book.id.raw(), book.title.raw()), ("kept", "Title"));
    assert!(book.front.applies_to.is_empty());
    assert_eq!(
        book.problems,
        [
            "runbooks/book.md:2:8: written for a newer quell (`quell: 2`, this one knows 1): opened as prose"
        ]
    );
}

#[test]
fn numbers_and_words_of_yaml_1_1_stay_text() {
    let book = parsed("---\nid: 010\ntitle: no\nowner: 2026-08-14\nseverity: 1e3\n---\n");
    assert_eq!((book.id.raw(), book.title.raw()), ("010", "no"));
    assert_eq!(book.front.owner.unwrap().raw(), "2026-08-14");
    assert_eq!(book.front.severity.unwrap().raw(), "1e3");
}

#[test]
fn bombs_are_refused_before_they_grow() {
    let mut aliases = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (name, before) in ('b'..='k').zip('a'..='j') {
        let many = vec![format!("*{before}"); 9].join(", ");
        writeln!(aliases, "{name}: &{name} [{many}]").unwrap();
    }
    let flow = format!("owner: {}x{}\n", "[".repeat(50_000), "]".repeat(50_000));
    let block = (0..400).fold(String::new(), |all, depth| {
        all + &" ".repeat(depth) + "a:\n"
    });
    let many = format!("services: [{}]\n", "x, ".repeat(60_000));
    let keys = (0..20_000).fold(String::new(), |all, n| all + &format!("k{n}: 1\n"));
    let wrong: String = (0..200).map(|_| "owner: []\n").collect();
    for bomb in [aliases, flow, block, many, keys, wrong] {
        let book = parsed(&format!("---\n{bomb}---\n# Title\n"));
        assert!(!book.problems.is_empty());
        assert_eq!(book.title.raw(), "Title");
        assert!(book.problems.iter().all(|line| line.len() < 1_000));
    }
}

#[test]
fn hostile_front_matter_is_shown_harmless() {
    let book = parse_bytes(
        "x\x1b]0;y.md",
        "---\nid: \"a\\e[31m\\u202eb\"\ntitle: \"t\\nt\"\nowner: [\"\\e\"]\naliases: [\"\\e[2J\"]\n---\n".as_bytes(),
    );
    assert_eq!(book.id.shown(), "a\\u{1b}[31m\\u{202e}b");
    assert_eq!(book.title.shown(), "t\\nt");
    assert!(
        book.problems[0].starts_with("x\\u{1b}]0;y.md:4:8: "),
        "{}",
        book.problems[0]
    );
}

#[test]
fn inline_text() {
    for (markdown, expected) in [
        ("a *b* **c** ***d*** `e`", "p a *b* **c** **d** `e`\n"),
        (
            "one\ntwo\\\nthree  \nfour",
            "p one two<break>three<break>four\n",
        ),
        ("[**a** `b`](c \"title\")", "p **[a](c)**[ ](c)`[b](c)`\n"),
        (
            "![alt text](a.png) ![](b.png) [](c)",
            "p [alt text](a.png) [b.png](b.png) [c](c)\n",
        ),
        ("[![alt](a.png)](b)", "p [alt](a.png)\n"),
        (
            "<https://a.example> <me@a.example>",
            "p [https://a.example](https://a.example) [me@a.example](mailto:me@a.example)\n",
        ),
        (
            "see https://a.example/b_c_d.",
            "p see [https://a.example/b_c_d](https://a.example/b_c_d).\n",
        ),
        ("`https://a.example`", "p `https://a.example`\n"),
        ("[a][b]\n\n[b]: c", "p [a](c)\n"),
        (
            "a<br>b <script>alert(1)</script>",
            "p a<br>b <script>alert(1)</script>\n",
        ),
        ("a&#10;b&#9;c&amp;d&#0;", "p a b c&d\u{fffd}\n"),
        ("~~not struck~~ $x$", "p ~~not struck~~ $x$\n"),
        (
            "a[^1]\n\n[^1]: Why.\n\n    More.",
            "p a[^1]\np [^1]: Why.\np More.\n",
        ),
        ("\x1b[31mred", "p \\u{1b}[31mred\n"),
    ] {
        assert_eq!(prose_outline(markdown), expected, "{markdown}");
    }
}

#[test]
fn blocks() {
    for (markdown, expected) in [
        ("---\n***", "rule\nrule\n"),
        (
            "```yaml quell\na:\n\tb\n \tc\n\n```",
            "code [yaml quell]\n  |a:\n  |    b\n  |    c\n  |\n",
        ),
        (
            "    indented\r\n    more",
            "code []\n  |indented\n  |more\n",
        ),
        ("```\nnever closed", "code []\n  |never closed\n"),
        (
            "<div>\n<b>x</b>\n</div>\n\ntext",
            "code [html]\n  |<div>\n  |<b>x</b>\n  |</div>\np text\n",
        ),
        ("<!-- note -->", "code [html]\n  |<!-- note -->\n"),
        (
            "3. a\n4. b\n   - c\n\n     d",
            "list from 3\n  item\n    p a\n  item\n    p b\n    list\n      item\n        p c\n        p d\n",
        ),
        (
            "- [ ] a\n- [x] b\n- c",
            "list\n  [ ]\n    p a\n  [x]\n    p b\n  item\n    p c\n",
        ),
        (
            "- [ ] a\n\n- [x] b",
            "list\n  [ ]\n    p a\n  [x]\n    p b\n",
        ),
        (
            "> a\n> > b\n>\n> - c",
            "quote\n  p a\n  quote\n    p b\n  list\n    item\n      p c\n",
        ),
        (
            "- ```sh\n  x\n  ```\n- # h",
            "list\n  item\n    code [sh]\n      |x\n  item\n    h1 h #h\n",
        ),
        ("a  \nb\n===", "h1 a b #a-b\n"),
    ] {
        assert_eq!(prose_outline(markdown), expected, "{markdown}");
    }
}

#[test]
fn tables_are_as_wide_as_their_header() {
    for (markdown, expected) in [
        ("|a|b|\n|-|:-:|\n|1|2|", "row a / b\nrow 1 / 2\n"),
        (
            "a | b\n--|--\n1\n1 | 2 | 3",
            "row a / b\nrow 1 / \nrow 1 / 2\n",
        ),
        ("|a|\n|-|\n|`x\\|y` *z*|", "row a\nrow `x|y` *z*\n"),
        ("|[a](b)|\n|-|", "row [a](b)\n"),
        (
            "- |a|b|\n  |-|-|\n  |1|2|",
            "list\n  item\n    row a / b\n    row 1 / 2\n",
        ),
    ] {
        assert_eq!(prose_outline(markdown), expected, "{markdown}");
    }
}

#[test]
fn slugs_are_unique_as_on_github() {
    let document = prose::read("# A\n# a\n# A-1\n# A\n# *É b* `c`!\n# ???\n# !!!\n");
    let slugs = document.blocks.iter().map(|block| match block {
        Block::Heading { slug, .. } => slug.as_str(),
        other => panic!("{other:?}"),
    });
    let slugs: Vec<&str> = slugs.collect();
    assert_eq!(slugs, ["a", "a-1", "a-1-1", "a-2", "é-b-c", "", "-1"]);
}

/// Lists and quotes within each other, at most.
fn depth(blocks: &[Block]) -> usize {
    let inner = |block: &Block| match block {
        Block::Quote(blocks) => 1 + depth(blocks),
        Block::List { items, .. } => {
            1 + items
                .iter()
                .map(|item| depth(&item.blocks))
                .max()
                .unwrap_or(0)
        }
        _ => 0,
    };
    blocks.iter().map(inner).max().unwrap_or(0)
}

#[test]
fn depth_is_bounded_and_no_text_is_lost() {
    let quotes = format!("{} bottom", ">".repeat(100_000));
    let steps = |n: usize| format!("{}- level{n}\n", "  ".repeat(n));
    let lists: String = (0..200).map(steps).collect();
    let mixed = format!("{}- [x] bottom\n  ```\n  code\n  ```", "> - ".repeat(500));
    for (markdown, words) in [
        (quotes, vec!["bottom".to_owned()]),
        (lists, (0..200).map(|n| format!("level{n}")).collect()),
        (mixed, vec!["[x] bottom".to_owned(), "|code".to_owned()]),
    ] {
        let blocks = prose::read(&markdown).blocks;
        assert_eq!(depth(&blocks), prose::MAX_DEPTH);
        let outline = outline(&blocks);
        for word in words {
            assert!(outline.contains(&word), "{word}");
        }
    }
}

#[test]
fn long_text_is_not_cut() {
    let long = "wörd ".repeat(20_000);
    let blocks = prose::read(&long).blocks;
    assert_eq!(outline(&blocks), format!("p {}\n", long.trim_end()));
}

#[test]
fn the_largest_files_of_one_sign_come_to_an_end() {
    let size = folder::MAX_FILE_BYTES;
    for sign in [
        "*",
        "_",
        "`",
        "[",
        "![",
        "](",
        "<",
        "&",
        "|",
        "#",
        "\\",
        "- ",
        "> ",
        "1. ",
        "a*",
        "*a_",
        "[^",
        "~",
        "\n",
        "\t",
        "https://a)",
        "<!--",
        "|-\n",
        "[a]: b\n",
        "# a\n",
        "- a\n  ",
        "\u{301}",
    ] {
        let text = sign.repeat(size / sign.len());
        let book = parsed(&text);
        assert!(depth(&book.document.blocks) <= prose::MAX_DEPTH);
    }
}

#[test]
fn the_styles_of_others() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runbooks/peers");
    for name in ["ClusterOperatorStalled", "DiskFillsSoon", "queue-latency"] {
        let bytes = std::fs::read(fixtures.join(format!("{name}.md"))).unwrap();
        let book = parse_bytes(&format!("{name}.md"), &bytes);
        assert_eq!(book.problems, Vec::<String>::new());
        insta::assert_snapshot!(
            format!("peer_{name}"),
            format!(
                "{} | {}\n{}",
                book.id,
                book.title,
                outline(&book.document.blocks)
            )
        );
    }
}

fn every_text(blocks: &[Block], seen: &mut dyn FnMut(&str)) {
    let spans = |spans: &[Span], seen: &mut dyn FnMut(&str)| {
        for span in spans.iter().filter(|span| span.text.raw() != "\n") {
            seen(span.text.shown());
            span.link.iter().for_each(|link| seen(link.shown()));
        }
    };
    for block in blocks {
        match block {
            Block::Heading { text, slug, .. } => {
                spans(text, seen);
                seen(slug);
            }
            Block::Paragraph(text) => spans(text, seen),
            Block::Code { info, lines } => {
                seen(info.shown());
                for line in lines {
                    seen(line.shown());
                }
            }
            Block::List { items, .. } => items.iter().for_each(|i| every_text(&i.blocks, seen)),
            Block::Quote(blocks) => every_text(blocks, seen),
            Block::Table { header, rows } => {
                let cells = header.iter().chain(rows.iter().flatten());
                cells.for_each(|cell| spans(cell, seen));
            }
            Block::Rule => {}
        }
    }
}

/// Nothing that reaches a screen moves its cursor.
fn assert_harmless(book: &Runbook) {
    let mut check = |text: &str| assert!(!text.contains(char::is_control), "{text:?}");
    every_text(&book.document.blocks, &mut check);
    for text in [&book.id, &book.title, &book.path] {
        check(text.shown());
    }
    let front = &book.front;
    let single = [
        &front.owner,
        &front.severity,
        &front.reviewed,
        &front.review_every,
    ];
    single
        .into_iter()
        .flatten()
        .for_each(|text| check(text.shown()));
    let several = front.aliases.iter().chain(&front.services);
    several.for_each(|text| check(text.shown()));
    book.problems.iter().for_each(|line| check(line));
}

/// Pieces that mean something, so that chance builds structures.
fn markdown() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "(\\PC|[\\x00-\\x1f]){0,6}",
        proptest::sample::select(vec![
            "\n",
            "\r\n",
            "\t",
            "    ",
            "# ",
            "- ",
            "- [x] ",
            "1. ",
            "> ",
            "```",
            "~~~yaml quell\n",
            "|a|b|\n|-|-|\n",
            "|",
            "*",
            "**",
            "_",
            "`",
            "[",
            "](x)",
            "![",
            "<b>",
            "<!--",
            "-->",
            "<https://a.b>",
            "https://a.b/c)",
            "&#27;",
            "&#10;",
            "&nbsp;",
            "[^1]",
            "[^1]: ",
            "---\n",
            "\u{feff}",
            "\u{202e}",
            "\u{9b}31m",
            "\x1b[2J",
            "\\",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn front_matter() -> impl Strategy<Value = String> {
    let line = proptest::sample::select(vec![
        "quell: 1",
        "quell: 9",
        "quell: x",
        "id: a",
        "id: \"\\e[2J\"",
        "title: &a b",
        "title: *a",
        "owner:",
        "owner: [",
        "  - x",
        "- y",
        "applies_to:",
        "  - a=\"b\"",
        "  - a=~\"(\"",
        "applies_to: {a: b}",
        "aliases: [a, \"\\u202e\"]",
        "services: ]",
        "? a",
        ": b",
        "...",
        "",
        "# c",
        "reviewed: |",
        "  \x1b",
        "severity: !x y",
        "'",
        "\u{feff}",
    ]);
    proptest::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn no_text_panics_or_reaches_the_terminal_raw(text in markdown()) {
        if let Parsed::Runbook(book) = parse::file("a.md", text.as_bytes(), unversioned(b"")) {
            assert_harmless(&book);
        }
    }

    #[test]
    fn no_front_matter_panics_or_reaches_the_terminal_raw(yaml in front_matter(), text in markdown()) {
        let text = format!("---\n{yaml}\n---\n{text}");
        if let Parsed::Runbook(book) = parse::file("a.md", text.as_bytes(), unversioned(b"")) {
            assert_harmless(&book);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Parsed::Runbook(book) = parse::file("a.md", &bytes, unversioned(&bytes)) {
            assert_harmless(&book);
        }
    }
}
