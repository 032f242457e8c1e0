//! Does `quell journal` show what was done, find every edit, and end as scripts rely on?

use std::fs;
use std::path::{Path, PathBuf};

use ::quell::config::actions::JournalSettings;
use ::quell::domain::action::Requester;
use ::quell::domain::check::Evidence;
use ::quell::domain::plan::{ActionId, Digest, Part};
use ::quell::domain::record::{End, Entry, Record, StepOutcome};
use ::quell::domain::text::Untrusted;
use ::quell::journal::Journal;
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::cli_scene::{assert_answer, assert_harmless, list};
use crate::quell::Quell;

const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{9b}2J a\u{202e}b\u{200b}c\r\nx";

fn line(text: &str) -> Untrusted {
    Untrusted::line(text)
}

fn at(secs: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_269_720 + secs, 0).unwrap_or_default()
}

fn record(entry: Entry, secs: i64) -> Record {
    Record {
        at: at(secs),
        by: Requester {
            name: line("ada"),
            host: line("bastion-1"),
        },
        env: None,
        action: Some(ActionId::new([0x4f; 16])),
        entry,
    }
}

fn records() -> Vec<Record> {
    let intent = Entry::Intent {
        digest: Digest::of(b"plan"),
        part: Part::Forward,
        step: 0,
        what: line("undo shop/deployment/cart"),
        write: Digest::of(b"write"),
        evidence: Evidence::None(line("none")),
    };
    let applied = Entry::Outcome {
        part: Part::Forward,
        step: 0,
        outcome: StepOutcome::Applied {
            note: line("resourceVersion 88123"),
        },
    };
    let hostile = Entry::Other {
        what: line(HOSTILE),
        detail: serde_json::json!({ HOSTILE: HOSTILE }),
    };
    let ended = Entry::Ended {
        end: End::Verified,
        detail: line("3 of 3 ready"),
    };
    let entries = [intent, applied, hostile, ended];
    entries
        .into_iter()
        .zip(0..)
        .map(|(entry, n)| record(entry, n))
        .collect()
}

/// A journal of these records where this home's quell looks for it, and an anchor of it elsewhere.
async fn written(quell: &Quell) -> (PathBuf, PathBuf) {
    let path = quell.path("state/quell/journal.log");
    let journal = Journal::open(&path, &JournalSettings::default())
        .unwrap_or_else(|e| panic!("no journal: {e}"));
    for record in records() {
        journal
            .append(record)
            .await
            .unwrap_or_else(|e| panic!("not kept: {e}"));
    }
    journal
        .anchor_now(at(60))
        .await
        .unwrap_or_else(|e| panic!("not anchored: {e}"));
    let anchor = quell.path("anchor");
    let own = path.with_extension("log.checkpoints");
    fs::copy(own, &anchor).unwrap_or_else(|e| panic!("no checkpoints: {e}"));
    (path, anchor)
}

fn change(path: &Path, work: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap_or_else(|e| panic!("{e}"));
    work(&mut bytes);
    fs::write(path, bytes).unwrap_or_else(|e| panic!("{e}"));
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[tokio::test]
async fn what_was_done_is_shown_in_order() {
    let quell = Quell::new();
    written(&quell).await;
    let shown = quell.run(&["journal", "show"]);
    assert_answer(&shown, 0);
    let escaped = "\\u{1b}]0;owned\\u{7}\\u{9b}2J a\\u{202e}b\\u{200b}c\\r\\nx";
    let lines: Vec<&str> = shown.stdout.lines().collect();
    assert_eq!(
        [lines[0], lines[1], lines[2], lines[4]],
        [
            "4 records",
            "   0  2026-11-21 14:02:00Z  ada@bastion-1  4f4f4f4f  intent   step 1: undo shop/deployment/cart",
            "   1  2026-11-21 14:02:01Z  ada@bastion-1  4f4f4f4f  outcome  step 1: applied: resourceVersion 88123",
            "   3  2026-11-21 14:02:03Z  ada@bastion-1  4f4f4f4f  ended    verified: 3 of 3 ready",
        ]
    );
    assert!(
        lines[3].contains(&format!("other    {escaped}")),
        "{}",
        lines[3]
    );
    let some = quell.run(&["journal", "show", "kind=outcome", "action=4f4f", "88123"]);
    assert_answer(&some, 0);
    assert!(some.stdout.starts_with("1 of 4 records\n"), "{some:?}");
    assert_eq!(some.stdout.lines().count(), 2);
}

#[tokio::test]
async fn documents_hold_every_field_and_nothing_harmful() {
    let quell = Quell::new();
    written(&quell).await;
    let shown = quell.run(&["journal", "show", "--json", "kind=other"]);
    assert_answer(&shown, 0);
    let document = shown.json();
    assert_eq!(document["schema"], "quell.journal/1");
    assert_eq!(
        (&document["total"], &document["broken"]),
        (&4.into(), &Value::Null)
    );
    let detail = &list(&document["records"])[0]["record"]["entry"]["detail"];
    assert_eq!(detail[HOSTILE], HOSTILE, "not one character is lost");

    let exported = quell.run(&["journal", "export"]);
    assert_answer(&exported, 0);
    let lines: Vec<Value> = exported
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[3]["seq"], 3);
    assert_eq!(lines[3]["record"]["entry"]["end"], "verified");
    assert_eq!(lines[0]["record"]["action"], "4f".repeat(16));
}

#[tokio::test]
async fn verify_says_what_an_anchor_proves() {
    let quell = Quell::new();
    let (_, anchor) = written(&quell).await;
    let alone = quell.run(&["journal", "verify"]);
    assert_answer(&alone, 0);
    for said in [
        "4 records in",
        "every one holds",
        "which stands beside it",
        "--anchor FILE",
    ] {
        assert!(alone.stdout.contains(said), "no {said}: {}", alone.stdout);
    }
    let anchored = quell.run(&["journal", "verify", "--anchor", &text(&anchor)]);
    assert_answer(&anchored, 0);
    let proof = format!(
        "records 0 to 3 are as they were at 2026-11-21T14:03:00Z: {}",
        text(&anchor)
    );
    assert!(anchored.stdout.contains(&proof), "{}", anchored.stdout);
    let document = quell
        .run(&["journal", "verify", "--json", "--anchor", &text(&anchor)])
        .json();
    assert_eq!(document["schema"], "quell.journal.verify/1");
    assert_eq!(
        (&document["anchored_records"], &document["records"]),
        (&4.into(), &4.into())
    );
    assert_eq!(list(&document["proofs"])[1]["strength"], "anchor");
}

#[tokio::test]
async fn the_first_bad_record_is_named_and_the_status_is_1() {
    let quell = Quell::new();
    let (path, anchor) = written(&quell).await;
    let whole = fs::read(&path).unwrap_or_else(|e| panic!("{e}"));
    let place = |word: &str| {
        let mut windows = whole.windows(word.len());
        windows
            .position(|window| window == word.as_bytes())
            .unwrap_or(usize::MAX)
    };
    let at = place("88123");
    change(&path, |bytes| bytes[at] ^= 1);
    let found = quell.run(&["journal", "verify", "--json"]);
    assert_answer(&found, 1);
    let document = found.json();
    assert_eq!(document["broken"]["seq"], 1);
    let offset = document["broken"]["offset"].as_u64().unwrap_or(0);
    assert!(offset > 0 && offset < at as u64, "{document:#}");
    let found = quell.run(&["journal", "verify"]);
    assert_answer(&found, 1);
    let words =
        format!("BROKEN   record 1 at byte {offset}: its checksum does not match its bytes");
    assert!(found.stdout.contains(&words), "{}", found.stdout);
    for command in [&["journal", "show"][..], &["journal", "export"]] {
        let partial = quell.run(command);
        assert_eq!(partial.code, 1, "{partial:?}");
        assert!(partial.stderr.contains("record 1 at byte"), "{partial:?}");
        assert!(
            partial.stdout.contains("undo shop/deployment/cart"),
            "what holds is shown"
        );
        assert!(!partial.stdout.contains("3 of 3 ready"), "{partial:?}");
        assert_harmless(&partial.stdout);
    }

    // A cut at the end of a record is seen by an anchor alone.
    fs::write(&path, &whole).unwrap_or_else(|e| panic!("{e}"));
    let ended = place("\"kind\":\"ended\"");
    change(&path, |bytes| bytes[ended + 1] ^= 1);
    let last = quell.run(&["journal", "verify", "--json"]).json();
    let last = last["broken"]["offset"].as_u64().unwrap_or(0);
    fs::write(&path, &whole[..usize::try_from(last).unwrap_or(0)])
        .unwrap_or_else(|e| panic!("{e}"));
    fs::remove_file(path.with_extension("log.checkpoints")).unwrap_or_else(|e| panic!("{e}"));
    assert_answer(&quell.run(&["journal", "verify"]), 0);
    let cut = quell.run(&["journal", "verify", "--anchor", &text(&anchor)]);
    assert_answer(&cut, 1);
    let words = "record 3 at byte";
    assert!(
        cut.stdout.contains(words) && cut.stdout.contains("the journal has 3 records"),
        "{cut:?}"
    );
}

#[tokio::test]
async fn a_copy_needs_no_home_and_nothing_is_written() {
    let quell = Quell::new();
    let (path, _) = written(&quell).await;
    let before = fs::read(&path).unwrap_or_else(|e| panic!("{e}"));
    let elsewhere = Quell::new();
    let shown = elsewhere.run(&["journal", "show", "--file", &text(&path)]);
    assert_answer(&shown, 0);
    assert!(shown.stdout.starts_with("4 records\n"));
    assert!(!elsewhere.path("state/quell").exists());
    assert_eq!(fs::read(&path).unwrap_or_default(), before);
}

#[test]
fn nothing_there_and_wrong_words_have_their_own_status() {
    let quell = Quell::new();
    let none = quell.run(&["journal", "show"]);
    assert_answer(&none, 0);
    assert_eq!(none.stdout, "no records: nothing was done from here\n");
    let unread = quell.run(&["journal", "verify"]);
    assert_eq!(unread.code, 3, "{unread:?}");
    assert!(
        unread
            .stderr
            .contains("nothing was ever done, or it was taken away"),
        "{unread:?}"
    );
    let unread = quell.run(&["journal", "export", "--file", "/not/there"]);
    assert_eq!((unread.code, &*unread.stdout), (3, ""), "{unread:?}");
    let wrong = quell.run(&["journal", "show", "knd=note"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(wrong.stderr.contains("did you mean `kind`?"), "{wrong:?}");
    assert_eq!(quell.run(&["journal"]).code, 2);
}
