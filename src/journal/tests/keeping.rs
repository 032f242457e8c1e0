//! What is written can be read, by whom, and stays.

use serde_json::json;

use super::*;
use crate::domain::action::{ActionRequest, Direction, Occasion, Risk};
use crate::domain::check::Evidence;
use crate::domain::plan::{
    ActionId, Blast, CommandWrite, Digest, DryRun, DryVerdict, Grade, HttpWrite, Part, Plan,
    Reverse, Seed, Step, Verb, WhenBusy, Write,
};
use crate::domain::record::PlanSummary;

#[tokio::test]
async fn what_is_written_comes_back_in_order() {
    let (_root, path) = place();
    let journal = written(&path, 3).await;
    let records = journal.records().unwrap();
    let seqs: Vec<u64> = records.iter().map(|kept| kept.seq).collect();
    assert_eq!(seqs, [0, 1, 2]);
    assert_eq!(records[2].record, said("note 2", 2));
    drop(journal);
    let again = open(&path);
    assert_eq!(again.append(said("later", 9)).await.unwrap(), 3);
    assert_eq!(again.records().unwrap().len(), 4);
    let picture = again.picture();
    assert_eq!((picture.total, picture.records.len()), (4, 4));
    let Standing::Whole(words) = picture.standing else {
        unreachable!("{:?}", picture.standing);
    };
    assert!(words.raw().contains("every record holds"), "{words}");
}

#[tokio::test]
async fn a_picture_has_the_last_records_and_the_number_of_all() {
    let (_root, path) = place();
    let mut store = crate::journal::file::Store::open(&path, |_, _| {}).unwrap();
    store.fail_to_sync(|_| Ok(()));
    for n in 0..2_010 {
        store.append(&said("x", n), |_, _| {}).unwrap();
    }
    let picture = picture(&path, &JournalSettings::default());
    assert_eq!((picture.total, picture.records.len()), (2_010, 2_000));
    assert_eq!(
        (picture.records[0].seq, picture.records[1_999].seq),
        (10, 2_009)
    );
}

#[test]
fn nothing_written_is_no_trouble() {
    let (_root, path) = place();
    assert_eq!(records(&path).unwrap(), []);
    let picture = picture(&path, &JournalSettings::default());
    assert_eq!(
        picture.standing,
        Standing::Whole(line("nothing was ever written"))
    );
}

#[tokio::test]
async fn hostile_text_is_kept_whole_and_stands_harmless_in_the_file() {
    let hostile =
        "\u{1b}]0;x\u{7}\u{9b}2J a\u{202e}b\u{200b}c\r\n\t{\"seq\":7} 磁盘 naïve \u{1f600}";
    let (_root, path) = place();
    let journal = open(&path);
    let detail = json!({"raw": hostile, hostile: 1});
    let other = of(
        Entry::Other {
            what: line(hostile),
            detail: detail.clone(),
        },
        0,
    );
    journal.append(other).await.unwrap();
    let text = lines(&path).unwrap().text;
    assert_eq!(text.lines().count(), 1);
    let bad = |c: char| c.is_control() || matches!(c, '\u{202e}' | '\u{200b}');
    assert!(!text.trim_end().chars().any(bad), "{text}");
    assert!(
        text.contains("磁盘 naïve"),
        "other scripts stay readable: {text}"
    );
    let Entry::Other { what, detail: read } = &journal.records().unwrap()[0].record.entry else {
        unreachable!("another kind");
    };
    assert_eq!(*read, detail, "not one character is lost");
    assert_eq!(what.shown(), line(hostile).shown());
}

#[tokio::test]
async fn a_record_that_is_too_long_is_refused_and_the_next_is_taken() {
    let (_root, path) = place();
    let journal = open(&path);
    let long = Entry::Other {
        what: line("long"),
        detail: json!("x".repeat(5 * 1024 * 1024)),
    };
    let why = journal.append(of(long, 0)).await.unwrap_err();
    assert!(why.0.raw().contains("the most is 4194304"), "{why}");
    assert_eq!(journal.append(said("short", 1)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_record_of_a_newer_quell_is_no_break_but_said() {
    let (_root, path) = place();
    let journal = open(&path);
    journal.append(said("unknown", 0)).await.unwrap();
    drop(journal);
    // As a newer quell would have written it: another kind, everything else right.
    let bytes = std::fs::read(&path).unwrap();
    let first = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let frame = crate::journal::frame::Frame::read(&bytes[first..]).unwrap();
    let text = String::from_utf8(frame.text().to_vec()).unwrap();
    assert!(text.contains("\"kind\":\"note\""), "{text}");
    let mut head = bytes[first..first + 40].to_vec();
    let payload = text.replace("\"kind\":\"note\"", "\"kind\":\"nota\"") + "\n";
    let check = {
        let mut check = crc32fast::Hasher::new();
        check.update(&head[..4]);
        check.update(&head[8..]);
        check.update(payload.as_bytes());
        check.finalize()
    };
    head[4..8].copy_from_slice(&check.to_le_bytes());
    std::fs::write(&path, [&bytes[..first], &head, payload.as_bytes()].concat()).unwrap();
    std::fs::remove_file(crate::journal::file::checkpoints_file(&path)).unwrap();
    assert_eq!(verify(&path, &Against::default()).unwrap().broken, None);
    let why = records(&path).unwrap_err();
    assert!(why.0.raw().contains("does not understand it"), "{why}");
    assert_eq!(open(&path).append(said("more", 1)).await.unwrap(), 1);
}

#[tokio::test]
async fn its_threads_end_with_the_last_clone() {
    let (_root, path) = place();
    let journal = open(&path);
    let clone = journal.clone();
    drop(journal);
    assert_eq!(clone.append(said("x", 0)).await.unwrap(), 0);
    let orders = clone.orders.clone();
    let weak = std::sync::Arc::downgrade(&clone.shared);
    drop(clone);
    assert!(
        weak.upgrade().is_some(),
        "the writer goes on while an order can come"
    );
    drop(orders);
    while weak.upgrade().is_some() {
        std::thread::yield_now();
    }
}

/// A plan whose writes hold secrets wherever a write can hold one.
fn plan_with(canaries: &[String]) -> Plan {
    let http = |secret: &str| {
        Write::Http(HttpWrite {
            server: "eu-1".into(),
            verb: Verb::Patch,
            path: "/api/v1/namespaces/shop/secrets/db".to_owned(),
            content_type: None,
            headers: vec![("X-Token".to_owned(), secret.to_owned())],
            body: json!({ "data": secret }).to_string(),
        })
    };
    let command = |secret: &str| {
        Write::Command(CommandWrite {
            program: "/usr/bin/terraform".to_owned(),
            sha256: String::new(),
            arguments: vec![format!("-var=password={secret}")],
            environment: vec![("TOKEN".to_owned(), secret.to_owned())],
            directory: None,
            timeout: std::time::Duration::from_secs(1),
        })
    };
    let steps = canaries.iter().enumerate().map(|(n, secret)| Step {
        what: line("patch shop/secret/db"),
        target: 0,
        write: if n % 2 == 0 {
            http(secret)
        } else {
            command(secret)
        },
        check: None,
        evidence: Evidence::None(line("none")),
        when_busy: WhenBusy::AskAgain,
    });
    let steps: Vec<Step> = steps.collect();
    let dry_run = DryRun {
        grade: Grade::A,
        verdict: DryVerdict::Accepted,
        notes: Vec::new(),
    };
    Plan {
        seed: Seed {
            id: ActionId::new([1; 16]),
            at: at(0),
        },
        request: ActionRequest {
            action: "k8s.patch".to_owned(),
            parameters: std::collections::BTreeMap::new(),
            by: by(),
            occasion: Occasion::default(),
        },
        title: line("patch"),
        targets: Vec::new(),
        reverse: Reverse::Steps {
            what: line("patch it back"),
            steps: steps.clone(),
            dry_run: dry_run.clone(),
        },
        steps,
        risk: Risk::R2,
        direction: Direction::Adds,
        differences: Vec::new(),
        blast: Blast::default(),
        dry_run,
        preconditions: Vec::new(),
        made_at: at(0),
        server_ahead_secs: None,
    }
}

#[tokio::test]
async fn no_secret_of_a_write_reaches_a_file_of_the_journal() {
    let canaries: Vec<String> = (0..200)
        .map(|n| format!("canary-{n:03}-{:x}", n * 7_919))
        .collect();
    let plan = plan_with(&canaries);
    let (_root, path) = place();
    let mut settings = JournalSettings::default();
    let anchor = path.with_file_name("anchor");
    settings.anchors = vec![crate::config::actions::Anchor::File(anchor)];
    let journal = Journal::open(&path, &settings).unwrap();
    let mut entries = vec![Entry::Planned(PlanSummary::from(&plan))];
    entries.extend(
        plan.steps
            .iter()
            .enumerate()
            .map(|(n, step)| Entry::Intent {
                digest: plan.digest(),
                part: Part::Forward,
                step: n,
                what: step.what.clone(),
                write: Digest::of(format!("{:?}", step.write).as_bytes()),
                evidence: step.evidence.clone(),
            }),
    );
    for entry in entries {
        journal.append(of(entry, 0)).await.unwrap();
    }
    journal.anchor_now(at(1)).await.unwrap();
    let mut files = 0;
    for file in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            !canaries.iter().any(|canary| text.contains(canary)),
            "{text}"
        );
        files += 1;
    }
    assert_eq!(
        files, 4,
        "the journal, its key, its checkpoints, the anchor"
    );
}
