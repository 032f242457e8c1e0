//! What is remembered across answers, sessions, programs and broken files.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod broken;
mod model;
mod together;

use super::*;
use crate::domain::change::{ChangeKind, Outcome, Subject, Told as ToldBesides, Versions};
use crate::domain::delivery::{Part, PartState};
use crate::domain::drift::{DriftKind, Report};
use crate::domain::label::Labels;
use crate::domain::text::Untrusted;
use tempfile::TempDir;

const KEEP: Duration = Duration::from_hours(24 * 30);

fn t(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
}

fn line(text: &str) -> Untrusted {
    Untrusted::line(text)
}

fn k8s() -> SourceName {
    "k8s".into()
}

fn change(id: &str, minute: i64) -> Change {
    Change {
        id: line(id),
        source: k8s(),
        also: Vec::new(),
        subject: Subject {
            target: line("shop/deployment/web"),
            labels: Labels::of(&[("kind", "Deployment"), ("app", "web")]),
            ..Subject::default()
        },
        kind: ChangeKind::Version,
        versions: Versions {
            to: Some(line("1.2.3")),
            ..Versions::default()
        },
        who: None,
        started_at: t(minute),
        finished_at: None,
        outcome: Outcome::Running,
        told: ToldBesides::default(),
    }
}

fn drift(id: &str) -> Drift {
    Drift {
        id: line(id),
        source: k8s(),
        subject: Subject {
            target: line(&format!("target of {id}")),
            ..Subject::default()
        },
        kind: DriftKind::Drift,
        actions: vec![line("update")],
        paths: Vec::new(),
        reverted_by_apply: Some(true),
        report: Report::default(),
        detail: None,
    }
}

fn changes(changes: &[Change]) -> DeliveryAnswer {
    DeliveryAnswer {
        changes: changes.to_vec(),
        ..DeliveryAnswer::default()
    }
}

fn drifts(ids: &[&str]) -> DeliveryAnswer {
    DeliveryAnswer {
        drifts: ids.iter().map(|id| drift(id)).collect(),
        ..DeliveryAnswer::default()
    }
}

fn place() -> (TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("state/history.db");
    (root, path)
}

async fn open(path: &Path, minute: i64) -> History {
    History::open(path, KEEP, t(minute)).await.unwrap()
}

fn seen(first: i64, last: i64, times: u64) -> Seen {
    Seen {
        first: t(first),
        last: t(last),
        times,
    }
}

async fn count(history: &mut History, sql: &'static str) -> i64 {
    let count = sqlx::query_scalar(sql);
    count.fetch_one(&mut history.db).await.unwrap()
}

/// Rows that were written in this session.
async fn written(history: &mut History) -> i64 {
    count(history, "SELECT total_changes()").await
}

#[tokio::test]
async fn what_was_told_is_there_in_the_next_session_also_if_nobody_tells_it_again() {
    let (_root, path) = place();
    let mut first = open(&path, 0).await;
    let (a, b) = (change("a", -30), change("b", -10));
    let both = changes(&[a.clone(), b.clone()]);
    assert!(
        first.remember(&k8s(), &both, t(0)).await.unwrap(),
        "two new changes are news"
    );
    assert!(
        !first
            .remember(&k8s(), &changes(std::slice::from_ref(&b)), t(1))
            .await
            .unwrap(),
        "that one is not told any more is no news: it was remembered already"
    );
    first.close().await.unwrap();

    let mut second = open(&path, 5).await;
    let past = second.past();
    assert_eq!(past.changes, [b.clone(), a.clone()], "newest first");
    assert_eq!(past.changes_seen[&line("a")], seen(0, 0, 1));
    assert_eq!(second.troubles(), [""; 0]);
    assert!(!second.remember(&k8s(), &changes(&[b]), t(6)).await.unwrap());
    assert_eq!(second.past().changes.len(), 2);
}

#[tokio::test]
async fn another_outcome_is_news_and_the_last_word_is_kept() {
    let (_root, path) = place();
    let mut history = open(&path, 0).await;
    let mut told = change("a", 0);
    history
        .remember(&k8s(), &changes(&[told.clone()]), t(0))
        .await
        .unwrap();
    told.outcome = Outcome::Failed;
    told.finished_at = Some(t(3));
    assert!(
        history
            .remember(&k8s(), &changes(&[told.clone()]), t(3))
            .await
            .unwrap()
    );
    assert_eq!(history.past().changes, [told.clone()]);
    drop(history);
    assert_eq!(open(&path, 4).await.past().changes, [told]);
}

#[tokio::test]
async fn drift_that_comes_back_is_counted_again_and_keeps_its_first_time() {
    let (_root, path) = place();
    let mut history = open(&path, 0).await;
    let id = line("d");
    assert!(
        history
            .remember(&k8s(), &drifts(&["d"]), t(0))
            .await
            .unwrap()
    );
    assert!(
        !history
            .remember(&k8s(), &drifts(&["d"]), t(1))
            .await
            .unwrap()
    );
    assert!(!history.remember(&k8s(), &drifts(&[]), t(2)).await.unwrap());
    assert_eq!(history.past().drifts_seen[&id], seen(0, 1, 1));
    drop(history);
    let mut history = open(&path, 3).await;
    assert_eq!(history.past().drifts_seen[&id], seen(0, 1, 1));
    assert!(
        history
            .remember(&k8s(), &drifts(&["d"]), t(4))
            .await
            .unwrap()
    );
    assert_eq!(history.past().drifts_seen[&id], seen(0, 4, 2));
    drop(history);
    let history = open(&path, 5).await;
    assert_eq!(history.past().drifts_seen[&id], seen(0, 4, 2));
}

#[tokio::test]
async fn drift_that_goes_while_no_quell_runs_is_counted_when_it_comes_back() {
    let (_root, path) = place();
    let mut history = open(&path, 0).await;
    history
        .remember(&k8s(), &drifts(&["d"]), t(0))
        .await
        .unwrap();
    drop(history);
    let mut history = open(&path, 60).await;
    history.remember(&k8s(), &drifts(&[]), t(60)).await.unwrap();
    history
        .remember(&k8s(), &drifts(&["d"]), t(61))
        .await
        .unwrap();
    assert_eq!(history.past().drifts_seen[&line("d")], seen(0, 61, 2));
}

#[tokio::test]
async fn silence_of_a_part_that_failed_says_nothing() {
    let part = |state: PartState| Part {
        what: line("applications"),
        state,
    };
    let silent = [
        PartState::Failed(line("timed out")),
        PartState::NotPermitted(line("forbidden")),
    ];
    for state in silent {
        let (_root, path) = place();
        let mut history = open(&path, 0).await;
        let mut whole = drifts(&["d"]);
        whole.parts.push(part(PartState::Read(1)));
        let mut failed = drifts(&[]);
        failed.parts.push(part(state));
        history.remember(&k8s(), &whole, t(0)).await.unwrap();
        history.remember(&k8s(), &failed, t(1)).await.unwrap();
        assert!(!history.remember(&k8s(), &whole, t(2)).await.unwrap());
        assert_eq!(history.past().drifts_seen[&line("d")].times, 1);
    }
}

#[tokio::test]
async fn a_comparison_without_a_verdict_does_not_end_the_drift_of_the_same_thing() {
    let (_root, path) = place();
    let mut history = open(&path, 0).await;
    history
        .remember(&k8s(), &drifts(&["d", "e"]), t(0))
        .await
        .unwrap();
    let mut error = drift("comparison of d");
    error.kind = DriftKind::Error;
    error.subject = drift("d").subject;
    let failed = DeliveryAnswer {
        drifts: vec![error],
        ..DeliveryAnswer::default()
    };
    history.remember(&k8s(), &failed, t(1)).await.unwrap();
    history
        .remember(&k8s(), &drifts(&["d", "e"]), t(2))
        .await
        .unwrap();
    let past = history.past();
    assert_eq!(past.drifts_seen[&line("d")].times, 1);
    assert_eq!(
        past.drifts_seen[&line("e")].times,
        2,
        "another thing had a verdict"
    );
}

#[tokio::test]
async fn an_unchanged_answer_writes_no_row_and_one_after_ten_minutes() {
    let (_root, path) = place();
    let mut history = open(&path, 0).await;
    let many: Vec<Change> = (0..3_000).map(|n| change(&format!("c{n}"), -n)).collect();
    let answer = changes(&many);
    history.remember(&k8s(), &answer, t(0)).await.unwrap();
    let before = written(&mut history).await;
    for minute in 1..10 {
        // Told anew each time: nothing is shared with what is held.
        let again = changes(
            &(0..3_000)
                .map(|n| change(&format!("c{n}"), -n))
                .collect::<Vec<_>>(),
        );
        assert!(!history.remember(&k8s(), &again, t(minute)).await.unwrap());
    }
    assert_eq!(written(&mut history).await, before);
    assert!(!history.remember(&k8s(), &answer, t(10)).await.unwrap());
    assert_eq!(written(&mut history).await, before + 1);
    assert_eq!(history.past().changes_seen[&line("c7")], seen(0, 10, 1));
    drop(history);
    let mut history = open(&path, 11).await;
    let before = written(&mut history).await;
    assert_eq!(history.past().changes_seen[&line("c7")], seen(0, 10, 1));
    assert!(!history.remember(&k8s(), &answer, t(12)).await.unwrap());
    assert_eq!(
        written(&mut history).await,
        before,
        "nor in the next session"
    );
}

#[tokio::test]
async fn a_hostile_name_is_the_same_thing_in_the_next_session() {
    let (_root, path) = place();
    let ids = ["e\u{202e}vil\x1b[2J", "two\nlines", &"x".repeat(40_000)];
    let mut told: Vec<Change> = ids.iter().map(|id| change(id, 0)).collect();
    let block = Change {
        id: Untrusted::block("a\nblock\t\u{200b}"),
        ..change("", 0)
    };
    told.push(block);
    for session in 0..4 {
        let mut history = open(&path, session).await;
        history
            .remember(&k8s(), &changes(&told), t(session))
            .await
            .unwrap();
        let past = history.past();
        assert_eq!(past.changes.len(), told.len(), "in session {session}");
        for change in &told {
            let seen = past.changes_seen[&change.id];
            assert_eq!(
                (seen.first, seen.times),
                (t(0), 1),
                "found by the name that is told"
            );
            assert!(past.changes.contains(change));
        }
        let rows = count(&mut history, "SELECT count(*) FROM changes").await;
        assert_eq!(rows, 4);
        let harmful =
            "SELECT count(*) FROM changes WHERE instr(id, char(27)) OR instr(id, char(10))";
        assert_eq!(
            count(&mut history, harmful).await,
            0,
            "nor is it kept as it came"
        );
    }
}

#[tokio::test]
async fn what_is_too_old_is_deleted_at_the_start_and_once_a_day() {
    let (_root, path) = place();
    let day = 24 * 60;
    let mut history = open(&path, 0).await;
    history
        .remember(&k8s(), &changes(&[change("old", -5)]), t(0))
        .await
        .unwrap();
    history
        .remember(&k8s(), &changes(&[change("new", 0)]), t(20 * day))
        .await
        .unwrap();
    drop(history);
    let mut history = open(&path, 29 * day).await;
    assert_eq!(history.past().changes.len(), 2);
    let told = changes(&[change("new", 0)]);
    assert!(
        !history
            .remember(&k8s(), &told, t(30 * day - 1))
            .await
            .unwrap()
    );
    assert!(history.remember(&k8s(), &told, t(31 * day)).await.unwrap());
    assert_eq!(history.past().changes, [change("new", 0)]);
    assert!(!history.past().changes_seen.contains_key(&line("old")));
    assert_eq!(count(&mut history, "SELECT count(*) FROM changes").await, 1);
    drop(history);
    let mut history = open(&path, 62 * day).await;
    assert!(
        history.past().changes.is_empty(),
        "its source is silent since"
    );
    assert_eq!(count(&mut history, "SELECT count(*) FROM changes").await, 0);
}

#[tokio::test]
async fn room_is_given_back_when_much_has_become_free() {
    let (_root, path) = place();
    let mut history = open(&path, 0).await;
    let many: Vec<Change> = (0..2_000).map(|n| change(&format!("c{n}"), 0)).collect();
    history
        .remember(&k8s(), &changes(&many), t(0))
        .await
        .unwrap();
    let full = count(&mut history, "PRAGMA page_count").await;
    drop(history);
    let mut history = open(&path, 31 * 24 * 60).await;
    let left = count(&mut history, "PRAGMA page_count").await;
    assert!(left * 4 < full, "{left} of {full} pages");
    assert_eq!(count(&mut history, "PRAGMA freelist_count").await, 0);
}

#[tokio::test]
async fn of_two_sources_that_tell_the_same_the_first_keeps_it() {
    let (_root, path) = place();
    let other: SourceName = "argo".into();
    let mut history = open(&path, 0).await;
    let theirs = Change {
        source: other.clone(),
        ..change("a", 0)
    };
    history
        .remember(&k8s(), &changes(&[change("a", 0)]), t(0))
        .await
        .unwrap();
    let before = written(&mut history).await;
    assert!(
        !history
            .remember(&other, &changes(std::slice::from_ref(&theirs)), t(1))
            .await
            .unwrap()
    );
    assert!(
        !history
            .remember(&k8s(), &changes(&[change("a", 0)]), t(2))
            .await
            .unwrap()
    );
    assert_eq!(
        written(&mut history).await,
        before + 1,
        "one for the new source"
    );
    history.remember(&k8s(), &changes(&[]), t(3)).await.unwrap();
    assert!(
        history
            .remember(&other, &changes(std::slice::from_ref(&theirs)), t(4))
            .await
            .unwrap()
    );
    assert_eq!(history.past().changes, [theirs]);
}

#[tokio::test]
async fn it_may_be_used_from_any_task() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let (_root, path) = place();
    let mut history = is_send(History::open(&path, KEEP, t(0))).await.unwrap();
    let (source, answer) = (k8s(), drifts(&["d"]));
    let told = is_send(history.remember(&source, &answer, t(0)));
    assert!(told.await.unwrap());
    assert!(!is_send(history.refresh()).await.unwrap());
    is_send(history.close()).await.unwrap();
}

#[test]
fn memory_is_bounded_by_dropping_what_has_gone_and_began_first() {
    let mut ledger: Ledger<Change> = Ledger::default();
    for n in 0..10 {
        let gone_at = (n != 0).then(|| t(20));
        let row = Row::new(k8s(), change(&format!("c{n}"), n), seen(n, n, 1), gone_at);
        ledger.insert_read(line(&format!("c{n}")), row);
    }
    ledger.bound(4, |change| change.started_at);
    let mut left: Vec<i64> = ledger
        .rows()
        .map(|row| (row.value.started_at - t(0)).num_minutes())
        .collect();
    left.sort_unstable();
    assert_eq!(left, [0, 7, 8, 9], "what is still told stays");
}
