//! What pipelines push in the field, and what they do to files while they are read.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use chrono::TimeDelta;
use tempfile::TempDir;

use super::*;
use crate::domain::change::{ActorKind, Change, ChangeKind, Outcome};
use crate::domain::delivery::PartState;
use crate::domain::text::Untrusted;

/// When files of the tests were written.
const WRITTEN: &str = "2026-11-21T12:00:00Z";

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn now() -> DateTime<Utc> {
    at(WRITTEN) + TimeDelta::seconds(5)
}

struct Pushed {
    folder: TempDir,
    spool: Spool,
}

impl Pushed {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let place = DeclaredPlace {
            cluster: Some("eu-1".into()),
            ..DeclaredPlace::default()
        };
        let spool = Spool::new(&"ci".into(), folder.path(), &place);
        Self { folder, spool }
    }

    fn with(name: &str, text: &str) -> Self {
        let pushed = Self::new();
        pushed.write(name, text);
        pushed
    }

    fn write(&self, name: &str, text: &str) {
        self.write_bytes(name, text.as_bytes());
    }

    fn write_bytes(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.path().join(name), bytes).unwrap();
        self.touch(name, at(WRITTEN));
    }

    fn append(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        let mut file = OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        self.touch(name, at(WRITTEN) + TimeDelta::seconds(1));
    }

    fn touch(&self, name: &str, at: DateTime<Utc>) {
        let secs = u64::try_from(at.timestamp()).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(secs);
        let file = OpenOptions::new()
            .write(true)
            .open(self.folder.path().join(name));
        file.unwrap().set_modified(time).unwrap();
    }

    async fn poll(&mut self) -> Arc<DeliveryAnswer> {
        self.spool.poll(now()).await.unwrap()
    }
}

fn limits(answer: &DeliveryAnswer) -> Vec<&str> {
    answer.limits.iter().map(Untrusted::shown).collect()
}

fn raw(text: Option<&Untrusted>) -> &str {
    text.map_or("-", Untrusted::raw)
}

/// `service to outcome`, the newest first.
fn told(answer: &DeliveryAnswer) -> Vec<String> {
    let told = |change: &Change| {
        let service = raw(change.subject.service.as_ref());
        let to = raw(change.versions.to.as_ref());
        format!("{service} {to} {}", change.outcome.word())
    };
    answer.changes.iter().map(told).collect()
}

fn plain(service: &str, to: &str, at: &str) -> String {
    format!("{{\"service\":\"{service}\",\"to\":\"{to}\",\"at\":\"{at}\"}}\n")
}

/// The example of the CDEvents 0.3 specification, in a `CloudEvent`.
fn cdevent(verb: &str, id: &str, more: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"/ci/deploy","type":"dev.cdevents.service.{verb}.0.1.1","time":"2026-11-21T10:00:00Z","datacontenttype":"application/json","data":{{"context":{{"version":"0.3.0","id":"{id}","source":"/ci/deploy","type":"dev.cdevents.service.{verb}.0.1.1","timestamp":"2026-11-21T10:00:00Z"{more}}},"subject":{{"id":"checkout","type":"service","content":{{"environment":{{"id":"prod-eu"}},"artifactId":"pkg:oci/checkout@sha256%3A223d50?tag=2.31.0"}}}}}}}}"#
    )
}

#[tokio::test]
async fn a_plain_line_tells_all_it_can() {
    let line = r#"{"service":"checkout","from":"2.30.4","to":"2.31.0","started_at":"2026-11-21T10:00:00Z","finished_at":"2026-11-21T10:05:00+00:00","env":"prod","kind":"migration","who":"asha","outcome":"failed","link":"https://ci.test/1","reason":"add index","id":"run-7","cluster":"us-1","region":"us","labels":{"team":"payments","cluster":"lost"}}"#;
    let mut pushed = Pushed::with("a.jsonl", &format!("{line}\n"));
    let answer = pushed.poll().await;
    let [change] = &answer.changes[..] else {
        unreachable!("{answer:?}");
    };
    assert_eq!(change.id.raw(), "spool:ci:run-7");
    assert_eq!(change.kind, ChangeKind::Migration);
    assert_eq!(change.outcome, Outcome::Failed);
    assert_eq!(change.started_at, at("2026-11-21T10:00:00Z"));
    assert_eq!(change.finished_at, Some(at("2026-11-21T10:05:00Z")));
    assert_eq!(raw(change.versions.from.as_ref()), "2.30.4");
    let who = change.who.as_ref().unwrap();
    assert_eq!((who.name.raw(), who.kind), ("asha", ActorKind::Person));
    let label = |name: &str| raw(change.subject.labels.get(name)).to_owned();
    assert_eq!(label("team"), "payments");
    assert_eq!(
        (label("cluster"), label("region")),
        ("us-1".into(), "us".into())
    );
    assert_eq!(label("source"), "ci");
    assert_eq!(raw(change.told.link.as_ref()), "https://ci.test/1");
    assert!(limits(&answer).is_empty());
    assert_eq!(answer.parts[0].state, PartState::Read(1));
}

#[tokio::test]
async fn cdevents_are_read_structured_bare_and_in_lists() {
    let bare: serde_json::Value = serde_json::from_str(&cdevent("upgraded", "e3", "")).unwrap();
    let mut pushed = Pushed::new();
    pushed.write("one.json", &cdevent("deployed", "e1", ""));
    pushed.write(
        "list.json",
        &format!(
            "[{},{}]",
            cdevent("rolledback", "e2", ""),
            cdevent("removed", "e4", "")
        ),
    );
    pushed.write("bare.ndjson", &format!("{}\n", bare["data"]));
    let answer = pushed.poll().await;
    let mut kinds: Vec<(&str, ChangeKind)> = answer
        .changes
        .iter()
        .map(|c| (c.id.raw(), c.kind))
        .collect();
    kinds.sort_by_key(|(id, _)| *id);
    let expected = [
        ("spool:ci:/ci/deploy:e1", ChangeKind::Version),
        ("spool:ci:/ci/deploy:e2", ChangeKind::Rollback),
        ("spool:ci:/ci/deploy:e3", ChangeKind::Version),
        ("spool:ci:/ci/deploy:e4", ChangeKind::InfraDestructive),
    ];
    assert_eq!(kinds, expected);
    let change = &answer.changes[0];
    assert_eq!(raw(change.versions.to.as_ref()), "2.31.0");
    assert_eq!(raw(change.subject.env.as_ref()), "prod-eu");
    assert_eq!(raw(change.subject.service.as_ref()), "checkout");
    assert_eq!(change.outcome, Outcome::Unknown);
    assert!(change.who.is_none() && change.versions.from.is_none());
    assert!(limits(&answer).is_empty());
}

#[tokio::test]
async fn a_pipeline_of_the_same_chain_tells_how_it_ended() {
    let chain = r#","chainId":"c-1""#;
    let run = r#"{"context":{"version":"0.4.0","id":"r1","source":"/ci","type":"dev.cdevents.pipelinerun.finished.0.2.0","timestamp":"2026-11-21T10:09:00Z","chainId":"c-1"},"subject":{"id":"run-1","content":{"pipelineName":"deploy","outcome":"failure","errors":"smoke test failed"}}}"#;
    let mut pushed = Pushed::with(
        "a.jsonl",
        &format!("{}\n{run}\n", cdevent("deployed", "e1", chain)),
    );
    let answer = pushed.poll().await;
    assert_eq!(told(&answer), ["checkout 2.31.0 failed"]);
    assert_eq!(
        raw(answer.changes[0].told.reason.as_ref()),
        "smoke test failed"
    );
}

#[tokio::test]
async fn a_later_event_of_the_same_name_updates_the_first_and_counts_once() {
    let mut pushed = Pushed::with(
        "a.jsonl",
        "{\"id\":\"d1\",\"service\":\"web\",\"to\":\"1.2\",\"started_at\":\"2026-11-21T10:00:00Z\",\"outcome\":\"running\",\"who\":\"asha\"}\n",
    );
    assert_eq!(told(&*pushed.poll().await), ["web 1.2 running"]);
    pushed.append(
        "a.jsonl",
        "{\"id\":\"d1\",\"service\":\"web\",\"finished_at\":\"2026-11-21T10:04:00Z\",\"outcome\":\"ok\"}\n",
    );
    let answer = pushed.poll().await;
    assert_eq!(told(&answer), ["web 1.2 ok"]);
    let change = &answer.changes[0];
    assert_eq!(change.started_at, at("2026-11-21T10:00:00Z"));
    assert_eq!(change.finished_at, Some(at("2026-11-21T10:04:00Z")));
    assert_eq!(change.who.as_ref().unwrap().name.raw(), "asha");
    assert_eq!(answer.parts[0].state, PartState::Read(1));
}

#[tokio::test]
async fn the_same_files_give_the_same_answer() {
    let mut pushed = Pushed::with("a.jsonl", &plain("web", "1", "2026-11-21T10:00:00Z"));
    let first = pushed.poll().await;
    assert!(Arc::ptr_eq(&first, &pushed.poll().await));
    pushed.append("a.jsonl", &plain("web", "2", "2026-11-21T10:10:00Z"));
    let second = pushed.poll().await;
    assert_eq!(told(&second), ["web 2 unknown", "web 1 unknown"]);
}

#[tokio::test]
async fn a_bad_line_is_placed_and_the_rest_goes_on() {
    let lines = [
        "{\"service\":\"web\",\"at\":\"2026-11-21T10:00:00Z\",\"color\":\"red\"}",
        "not json",
        "{\"at\":\"2026-11-21T10:00:00Z\"}",
        "{\"service\":\"web\",\"at\":\"noon\"}",
        "{\"service\":\"web\",\"at\":\"2026-11-21T11:00:00Z\",\"kind\":\"big\",\"outcome\":\"meh\",\"color\":1}",
        "[1]",
        "",
        "{\"service\":\"last\",\"at\":\"2026-11-21T09:00:00Z\"}",
    ];
    let mut pushed = Pushed::with("a.jsonl", &format!("{}\r\n", lines.join("\r\n")));
    let answer = pushed.poll().await;
    assert_eq!(
        told(&answer),
        ["web - unknown", "web - unknown", "last - unknown"]
    );
    let expected = [
        "a.jsonl:1:46: the key `color` is not known and not used; put it under `labels`",
        "a.jsonl:2:2: is no JSON: expected ident; write one event a line, or one to a file",
        "a.jsonl:3:1: `service` is missing: write what was changed, as alerts name it",
        "a.jsonl:4:18: `at` is no time; write it like 2026-11-21T05:23:30Z",
        "a.jsonl:5:46: `kind` big is not known: taken for a version; write one of version, config, migration, infra, infra_destructive, scale, restart, rollback",
        "a.jsonl:5:59: `outcome` meh is not known; write running, ok or failed",
        "a.jsonl:6:1: event 1: is no JSON object: write one event as {\"service\": …, \"at\": …}",
    ];
    assert_eq!(limits(&answer), expected);
}

#[tokio::test]
async fn a_half_written_line_is_waited_for_a_minute() {
    let line = plain("web", "1", "2026-11-21T10:00:00Z");
    let (start, rest) = line.split_at(20);
    let mut pushed = Pushed::with("a.jsonl", start);
    let waiting = pushed.poll().await;
    assert!(told(&waiting).is_empty() && limits(&waiting).is_empty());
    let late = at(WRITTEN) + TimeDelta::seconds(61);
    let late = pushed.spool.poll(late).await.unwrap();
    let limit = limits(&late)[0];
    assert!(
        limit.starts_with("a.jsonl:1:20: is no JSON: EOF"),
        "{limit}"
    );
    pushed.append("a.jsonl", rest);
    let whole = pushed.poll().await;
    assert_eq!(told(&whole), ["web 1 unknown"]);
    assert!(limits(&whole).is_empty());
}

#[tokio::test]
async fn a_last_line_without_its_break_counts_once() {
    let line = plain("web", "1", "2026-11-21T10:00:00Z");
    let mut pushed = Pushed::with("a.jsonl", line.trim_end());
    assert_eq!(told(&*pushed.poll().await), ["web 1 unknown"]);
    pushed.append("a.jsonl", "\nbad\n");
    let answer = pushed.poll().await;
    assert_eq!(told(&answer), ["web 1 unknown"]);
    assert!(
        limits(&answer)[0].starts_with("a.jsonl:2:1: is no JSON"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_half_written_file_is_waited_for_too() {
    let whole = cdevent("deployed", "e1", "");
    let mut pushed = Pushed::with("e.json", &whole[..100]);
    assert!(limits(&*pushed.poll().await).is_empty());
    pushed.write("e.json", &whole);
    pushed.touch("e.json", at(WRITTEN) + TimeDelta::seconds(2));
    assert_eq!(told(&*pushed.poll().await), ["checkout 2.31.0 unknown"]);
}

#[tokio::test]
async fn what_was_taken_away_or_written_anew_stays_known() {
    let mut pushed = Pushed::new();
    pushed.write("a.jsonl", &plain("web", "1", "2026-11-21T10:00:00Z"));
    pushed.write("last.json", &plain("api", "7", "2026-11-21T10:01:00Z"));
    assert_eq!(pushed.poll().await.changes.len(), 2);
    // Rotated and begun anew; the other is overwritten with the next deploy.
    fs::rename(
        pushed.folder.path().join("a.jsonl"),
        pushed.folder.path().join("a.jsonl.1"),
    )
    .unwrap();
    pushed.write("a.jsonl", &plain("web", "2", "2026-11-21T10:02:00Z"));
    pushed.write("last.json", &plain("api", "8 ", "2026-11-21T10:03:00Z"));
    let expected = [
        "api 8 unknown",
        "web 2 unknown",
        "api 7 unknown",
        "web 1 unknown",
    ];
    assert_eq!(told(&*pushed.poll().await), expected);
    // Truncated in place, longer than before: known by its beginning.
    let long = plain("web", "3", "2026-11-21T10:04:00Z").repeat(3);
    pushed.write("a.jsonl", &long);
    fs::remove_file(pushed.folder.path().join("last.json")).unwrap();
    let answer = pushed.poll().await;
    assert_eq!(answer.changes.len(), 5);
    assert_eq!(told(&answer)[0], "web 3 unknown");
    assert!(limits(&answer).is_empty());
}

#[tokio::test]
async fn a_file_that_is_written_anew_for_ever_drops_nothing() {
    let mut pushed = Pushed::new();
    for round in 0..3 {
        pushed.write("a.json", &" ".repeat(round));
        pushed.write("b.json", &plain("web", "1", "2026-11-21T10:00:00Z"));
        pushed.append("b.json", &" ".repeat(round));
        assert_eq!(told(&*pushed.poll().await), ["web 1 unknown"]);
    }
}

#[tokio::test]
async fn only_regular_files_of_the_folder_are_read() {
    let outside = TempDir::new().unwrap();
    let secret = outside.path().join("x.jsonl");
    fs::write(&secret, plain("outside", "1", "2026-11-21T10:00:00Z")).unwrap();
    let mut pushed = Pushed::with("a.jsonl", &plain("web", "1", "2026-11-21T10:00:00Z"));
    let folder = pushed.folder.path();
    std::os::unix::fs::symlink(&secret, folder.join("link.jsonl")).unwrap();
    let fifo = folder.join("pipe.jsonl");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
    fs::create_dir(folder.join("sub")).unwrap();
    fs::write(folder.join(".a.jsonl.tmp"), "{").unwrap();
    fs::write(folder.join("notes.txt"), "hello").unwrap();
    let answer = pushed.poll().await;
    assert_eq!(told(&answer), ["web 1 unknown"]);
    let failed: Vec<String> = answer
        .parts
        .iter()
        .filter_map(|part| match &part.state {
            PartState::Failed(why) => Some(format!("{} {why}", part.what)),
            _ => None,
        })
        .collect();
    let expected = [
        "link.jsonl is a link: only regular files are read, put the file itself there",
        "pipe.jsonl is no regular file: put a file there",
    ];
    assert_eq!(failed, expected);
    assert_eq!(limits(&answer), ["sub is a folder that is not looked into"]);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_named() {
    let mut pushed = Pushed::new();
    pushed.write_bytes("a.jsonl", b"{\"service\":\"\xff\"}\n");
    let answer = pushed.poll().await;
    assert_eq!(
        limits(&answer),
        ["a.jsonl:1:13: is no text in UTF-8; write it as UTF-8"]
    );
}

#[tokio::test]
async fn events_of_other_kinds_are_counted_and_named() {
    let other = r#"{"specversion":"1.0","id":"1","source":"x","type":"dev.cdevents.build.finished.0.2.0","data":{}}"#;
    let mut pushed = Pushed::with("a.jsonl", &format!("{other}\n{other}\n"));
    let answer = pushed.poll().await;
    assert!(answer.changes.is_empty());
    let expected = ["events that tell of no change: dev.cdevents.build.finished.0.2.0 (2)"];
    assert_eq!(limits(&answer), expected);
}

#[tokio::test]
async fn a_cdevent_without_what_is_needed_says_what() {
    let no_subject = cdevent("deployed", "e1", "").replace("\"id\":\"checkout\",", "");
    let no_time = cdevent("deployed", "e1", "").replace("2026-11-21T10:00:00Z", "soon");
    let mut pushed = Pushed::with("a.jsonl", &format!("{no_subject}\n{no_time}\n"));
    let answer = pushed.poll().await;
    assert!(answer.changes.is_empty());
    let limits = limits(&answer);
    assert!(limits[0].contains("`subject.id` is missing"), "{limits:?}");
    assert!(limits[1].starts_with("a.jsonl:2:"), "{limits:?}");
    assert!(limits[1].contains("`timestamp` is no time"), "{limits:?}");
}

#[tokio::test]
async fn the_newest_ten_thousand_are_kept_and_the_rest_is_said() {
    let start = at("2026-11-01T00:00:00Z");
    let lines: String = (0..25_000)
        .map(|n| {
            plain(
                "web",
                &n.to_string(),
                &(start + TimeDelta::seconds(n)).to_rfc3339(),
            )
        })
        .collect();
    let mut pushed = Pushed::with("a.jsonl", &lines);
    let answer = pushed.poll().await;
    assert_eq!(answer.changes.len(), 10_000);
    assert_eq!(told(&answer)[0], "web 24999 unknown");
    let expected =
        "15000 older events are left out: the newest 10000 are kept; take old files away";
    assert_eq!(limits(&answer), [expected]);
}

#[tokio::test]
async fn a_time_in_the_future_is_kept() {
    let mut pushed = Pushed::with("a.jsonl", &plain("web", "1", "2027-01-01T00:00:00Z"));
    assert_eq!(
        pushed.poll().await.changes[0].started_at,
        at("2027-01-01T00:00:00Z")
    );
}

#[tokio::test]
async fn the_examples_of_the_docs_are_read() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pushed-changes.md");
    let docs = fs::read_to_string(docs).unwrap();
    let blocks: Vec<&str> = docs
        .split("```json\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    let printf = docs.split("printf '").nth(1).unwrap();
    let printf = printf.split("\\n'").next().unwrap();
    let line = printf
        .replacen("%s", "2.30.4", 1)
        .replacen("%s", "2026-11-21T04:00:00Z", 1)
        .replacen("%s", "asha", 1);
    let mut pushed = Pushed::new();
    pushed.write("deploys.jsonl", &format!("{line}\n"));
    pushed.write("runs.jsonl", blocks[0]);
    pushed.write("event.json", blocks[1]);
    let answer = pushed.poll().await;
    let expected = [
        "checkout 2.31.0 unknown",
        "checkout 2.31.0 failed",
        "checkout 2.30.4 unknown",
    ];
    assert_eq!(told(&answer), expected);
    assert!(limits(&answer).is_empty(), "{:?}", limits(&answer));
}

#[tokio::test]
async fn a_folder_that_is_not_there_says_what_next() {
    let mut spool = Spool::new(
        &"ci".into(),
        Path::new("/nowhere"),
        &DeclaredPlace::default(),
    );
    let error = spool.poll(now()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Local);
    assert!(
        error.detail.raw().contains("make it, or correct the path"),
        "{error}"
    );
}

#[tokio::test]
async fn an_empty_folder_is_read_and_tells_nothing() {
    let answer = Pushed::new().poll().await;
    assert_eq!(answer.parts[0].state, PartState::Read(0));
    assert!(answer.changes.is_empty() && answer.limits.is_empty());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_stop_it(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let pushed = Pushed::new();
        pushed.write_bytes("a.log", &[&bytes[..], b"\n{\"service\":\"web\",\"at\":\"2026-11-21T10:00:00Z\"}\n"].concat());
        pushed.write_bytes("b.json", &bytes);
        let mut state = State::default();
        let source = "ci".into();
        let answer = state.poll(pushed.folder.path(), &source, &DeclaredPlace::default(), now());
        let answer = answer.unwrap();
        proptest::prop_assert_eq!(told(&answer), ["web - unknown"]);
    }

    #[test]
    fn it_does_not_matter_where_the_writer_paused(cut in 1_usize..240) {
        let lines = [
            plain("a", "1", "2026-11-21T10:00:00Z"),
            plain("b", "2", "2026-11-21T10:01:00Z"),
            plain("é", "3", "2026-11-21T10:02:00Z"),
        ]
        .concat();
        let cut = cut.min(lines.len() - 1);
        let pushed = Pushed::new();
        let mut state = State::default();
        let source = "ci".into();
        pushed.write_bytes("a.jsonl", &lines.as_bytes()[..cut]);
        let place = DeclaredPlace::default();
        state.poll(pushed.folder.path(), &source, &place, now()).unwrap();
        let path = pushed.folder.path().join("a.jsonl");
        let mut file = OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(&lines.as_bytes()[cut..]).unwrap();
        let answer = state.poll(pushed.folder.path(), &source, &place, now()).unwrap();
        proptest::prop_assert_eq!(told(&answer), ["é 3 unknown", "b 2 unknown", "a 1 unknown"]);
        proptest::prop_assert!(limits(&answer).is_empty());
    }
}
