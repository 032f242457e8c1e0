//! Can anything that a source, a file or a paste says harm the screen?

use chrono::TimeDelta;
use proptest::prelude::*;
use quell::domain::claim::{Claim, Claims, Occurrence};
use quell::domain::label::Labels;
use quell::domain::observed::{RuleAlertState, Silence, Suppression};
use quell::domain::runbook::{Library, Origin, Runbook, Version};
use quell::domain::source::{ErrorKind, SourceError, SourceKind};
use quell::domain::text::{Untrusted, shown};
use quell::msg::Msg;
use quell::runbooks::prose;
use quell::theme::GlyphSet;
use ratatui::buffer::{Buffer, CellWidth as _};
use std::sync::Arc;

use crate::cast::{self, Cast, ago, now};
use crate::picture::{cells, lines};
use crate::scenes;
use crate::stage::{Source, Stage};

/// Each is an attack on a terminal, or a script that is hard to lay out.
pub const POISON: &[&str] = &[
    "\x1b[31mred\x1b[0m\x1b[2J",
    "\x1b]0;title\x07\x1b]52;c;cHduZWQ=\x07",
    "\u{9b}2J\u{9d}0;x\u{9c}",
    "user\u{202e}gpj.exe\u{2066}x\u{2069}",
    "pay\u{200b}ment\u{feff}\u{2060}\u{ad}x",
    "\r\n\t\x08\x7f\0",
    "磁盘已满磁盘已满磁盘已满磁盘已满磁盘已满",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "\u{301}leading mark",
    "👩\u{200d}🚒👍🏽🇩🇪🇫",
    "각ﾞลา\u{e31}لا",
    "\u{e0041}\u{180e}\u{3164}\u{ffa0}\u{115f}",
    "a-name-without-any-place-to-break-it-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on",
    "{{ $labels.x }} %s %n ../../etc/passwd `id` $(id) ;",
    "   ",
    "",
];

/// Moves the cursor, reorders, or is not seen. Written down here once more on purpose: the domain's
/// own list could be wrong.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(
            u32::from(c),
            0xad | 0x34f
                | 0x61c
                | 0x115f
                | 0x1160
                | 0x17b4
                | 0x17b5
                | 0x180b..=0x180f
                | 0x200b..=0x200f
                | 0x2028..=0x202e
                | 0x2060..=0x206f
                | 0x3164
                | 0xfe00..=0xfe0f
                | 0xfeff
                | 0xffa0
                | 0xfff0..=0xfffb
                | 0xe0000..=0xe0fff
        )
}

/// No cell may hold what moves the cursor, reorders text, or takes no column or more than is there.
pub fn assert_safe(buffer: &Buffer, what: &str) {
    for cell in &buffer.content {
        if let Some(c) = cell.symbol().chars().find(|c| is_harmful(*c)) {
            let size = buffer.area;
            panic!(
                "{what}: {c:?} in a cell at {size}\n{}",
                lines(buffer).join("\n")
            );
        }
    }
    for row in buffer.area.rows() {
        for (x, cell) in cells(buffer, row.y) {
            let width = cell.symbol().cell_width();
            assert!(width > 0, "{what}: {:?} takes no column", cell.symbol());
            assert!(
                x + width <= buffer.area.right(),
                "{what}: {:?} leaves the screen",
                cell.symbol()
            );
        }
    }
}

/// A cast that says one text wherever a source can say anything.
pub fn saying(text: &str) -> Cast {
    let line = Untrusted::line(text);
    let labels = [
        ("alertname", text),
        ("severity", "page"),
        ("service", text),
        ("env", text),
        ("cluster", text),
        ("team", text),
        (text, text),
    ];
    let annotations = [
        ("summary", text),
        ("description", text),
        ("quell_runbook", text),
        (text, text),
    ];
    let mut spoken = cast::alert(60, &labels, &annotations);
    spoken.receivers = vec![line.clone()];
    spoken.generator_url = Some(line.clone());
    let mut group: Vec<_> = ["1", "2", "3"]
        .map(|pod| {
            let mut labels = labels.to_vec();
            labels[0].1 = "Group";
            labels.push((text, pod));
            cast::alert(90, &labels, &annotations)
        })
        .into();
    group.push(cast::alert(
        90,
        &[("alertname", "Group"), ("severity", "page"), (text, text)],
        &[],
    ));
    let mut hushed = cast::alert(120, &[("alertname", text), ("pod", text)], &annotations);
    hushed.state = quell::domain::observed::ReplicaState::Suppressed;
    hushed.suppression = Suppression {
        silenced_by: vec![line.clone(), Untrusted::line("s1")],
        inhibited_by: vec![line.clone()],
        muted_by: vec![line.clone()],
    };
    let silence = Silence {
        id: Untrusted::line("s1"),
        matchers: line.clone(),
        created_by: line.clone(),
        comment: line.clone(),
        starts_at: ago(10),
        ends_at: ago(-10),
    };
    let mut claims = Claims::default();
    claims.take(
        Occurrence {
            fingerprint: spoken.fingerprint,
            starts_at: spoken.starts_at,
        },
        Claim {
            by: line.clone(),
            since: ago(5),
        },
    );
    let mut alerts = vec![spoken, hushed];
    alerts.extend(group);
    let mut first = cast::replica(text, alerts.clone(), vec![silence]);
    first.status.version = Some(line.clone());
    first.status.cluster_state = Some(line.clone());
    first.limits = vec![line.clone()];
    let mut prom = cast::calm().prom;
    prom.alerts = [RuleAlertState::Firing, RuleAlertState::Pending]
        .map(|state| {
            let mut rule = cast::rule_alert(30, &labels, state, text);
            if state == RuleAlertState::Pending {
                rule.labels = Labels::of(&[("alertname", text), ("service", text)]);
            }
            rule
        })
        .into();
    prom.rules = vec![cast::rule(text, text, Some(text))];
    prom.version = Some(line.clone());
    prom.limits = vec![line];
    Cast {
        am_1: first,
        am_2: cast::replica("am-2", alerts[..1].to_vec(), Vec::new()),
        prom,
        burn: crate::slos::saying(text),
        library: library(text),
        claims,
    }
}

/// What `runbooks` makes of files that say it: its own sentences pass through `shown` there.
fn library(text: &str) -> Library {
    let line = Untrusted::line(text);
    let body = format!(
        "# {text}\n\n{text} [{text}](<{text}>) `{text}` **{text}**\n\n```{text}\n{text}\n```\n\n| {text} | b |\n|---|---|\n| {text} | {text} |\n\n- {text}\n  > {text}\n"
    );
    Library {
        runbooks: vec![Runbook {
            id: line.clone(),
            title: line.clone(),
            path: line.clone(),
            version: Version::Unversioned {
                sha256: "9c1185a5c5e9fc54612808977ee8f548b2258d31".into(),
            },
            front: quell::domain::runbook::FrontMatter {
                reviewed: Some(line.clone()),
                ..Default::default()
            },
            document: Arc::new(prose::read(&body)),
            source: body.as_str().into(),
            problems: vec![shown(text)],
        }],
        origin: Origin {
            place: Some(line.clone()),
            commit: None,
            branch: Some(line),
            remote: None,
        },
        problems: vec![shown(text)],
    }
}

/// Ways through the screens that show all of it.
const WALKS: &[&str] = &[
    "",
    "j enter j j",
    "enter",
    "enter G",
    "tab tab tab enter",
    "tab tab tab tab",
    "r",
    "r G tab tab",
    "5 enter",
    "5",
    "8",
    "8 j",
    "8 j j",
    "8 j j j",
    "8 j j j j",
    "2",
    "2 G",
    "2 enter",
    "2 enter G",
    "2 e",
    "2 e G",
    "2 G enter",
    "2 t",
    "3",
    "3 j",
    "3 enter",
    "3 j j j enter G",
    "4",
    "4 enter",
    "4 j j enter G",
    "4 G enter",
    "b",
    "?",
    ":",
    "c",
    "g g",
];

fn walk(text: &str, keys: &str) -> Stage {
    let mut stage = Stage::for_operator(text, text);
    let said = saying(text);
    stage.past = Some(|id, _| Err(SourceError::new(ErrorKind::Refused, id.name.raw())));
    stage.model.knowledge.claims = Arc::new(said.claims.clone());
    stage.answered(&said, now() - TimeDelta::seconds(3));
    stage.fails(Source::Am2, ago(1), ErrorKind::Refused, text);
    let delivery = &mut stage.model.knowledge.delivery;
    delivery.allowances = crate::deliveries::allowing(text);
    stage = stage.with("k8s", SourceKind::Kubernetes);
    stage.delivers("k8s", crate::deliveries::saying(text), ago(2));
    stage.press(keys)
}

#[test]
fn nothing_that_a_source_says_reaches_the_terminal_raw() {
    for text in POISON {
        for keys in WALKS {
            let mut stage = walk(text, keys);
            for (width, height) in [(80, 24), (120, 40), (40, 10), (47, 13)] {
                stage.resize(width, height);
                let (buffer, _) = stage.draw();
                assert_safe(&buffer, &format!("{text:?} by {keys:?}"));
            }
        }
    }
}

#[test]
fn nothing_that_is_pasted_reaches_the_terminal_raw() {
    for text in POISON {
        for keys in ["/", ":", "r /", ""] {
            let mut stage = scenes::pages().press(keys);
            stage.tell(Msg::Paste((*text).to_owned()));
            for after in ["", "left", "home", "enter"] {
                stage = stage.press("").sized(44, 12);
                if !after.is_empty() {
                    stage = stage.press(after);
                }
                let (buffer, _) = stage.draw();
                assert_safe(
                    &buffer,
                    &format!("{text:?} pasted after {keys:?}, {after:?}"),
                );
            }
        }
    }
}

#[test]
fn in_ascii_every_sign_of_ours_is_ascii() {
    // Foreign text stays as it is.
    let foreign = "磁盘已满";
    for (name, scene) in scenes::ALL {
        for (width, height) in [(80, 24), (120, 40), (40, 10), (200, 60)] {
            let mut stage = scene().ascii().sized(width, height);
            let (buffer, _) = stage.draw();
            assert_eq!(*stage.look.glyphs, *GlyphSet::Ascii.glyphs());
            for cell in &buffer.content {
                assert!(
                    cell.symbol().is_ascii() || foreign.contains(cell.symbol()),
                    "{name} at {width}x{height}: {:?}\n{}",
                    cell.symbol(),
                    lines(&buffer).join("\n")
                );
            }
        }
    }
}

#[test]
#[should_panic(expected = "in a cell")]
fn a_harmful_character_in_a_cell_is_seen() {
    let mut buffer = Buffer::with_lines(["safe", "safe"]);
    buffer[(1, 1)].set_symbol("\u{202e}");
    assert_safe(&buffer, "a planted one");
}

#[test]
#[should_panic(expected = "leaves the screen")]
fn a_wide_character_at_the_edge_is_seen() {
    let mut buffer = Buffer::with_lines(["safe", "safe"]);
    buffer[(3, 0)].set_symbol("磁");
    assert_safe(&buffer, "a planted one");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_text_at_any_size_is_harmless(
        text in any::<String>(),
        way in 0..WALKS.len(),
        sizes in prop::collection::vec((1..150_u16, 1..50_u16), 1..4),
    ) {
        let mut stage = walk(&text, WALKS[way]);
        for (width, height) in sizes {
            stage.resize(width, height);
            let (buffer, cursor) = stage.draw();
            assert_safe(&buffer, &format!("{text:?} by {:?}", WALKS[way]));
            prop_assert!(cursor.is_none_or(|at| buffer.area.contains(at)));
        }
    }

    #[test]
    fn any_typed_text_is_harmless(
        text in any::<String>(),
        kind in prop::sample::select(vec!["/", ":", "r /"]),
        back in 0..12_usize,
        width in 40..90_u16,
    ) {
        let mut stage = scenes::pages().press(kind).sized(width, 12);
        stage.tell(Msg::Paste(text.clone()));
        for _ in 0..back {
            stage = stage.press("left");
        }
        let (buffer, cursor) = stage.draw();
        assert_safe(&buffer, &format!("{text:?} typed after {kind}"));
        prop_assert!(cursor.is_some_and(|at| buffer.area.contains(at)));
    }
}
