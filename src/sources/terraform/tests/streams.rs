//! Streams of plans and applies.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;

#[tokio::test]
async fn streams_tell_addresses_and_actions() {
    let cases: [(&str, &[&str]); 6] = [
        ("17a-no-drift.stream.jsonl", &[]),
        (
            "17b-drift.stream.jsonl",
            &[
                "drift fake_service.web update [] stays",
                "drift fake_service.worker[\"refunds\"] delete [] stays",
            ],
        ),
        ("17c-error.stream.jsonl", &["error plan  []"]),
        (
            "28-targeted.stream.jsonl",
            &[
                "partial plan  []",
                "pending terraform_data.b[\"y\"] delete []",
            ],
        ),
        (
            "29-changes-and-failed-check.stream.jsonl",
            &[
                "pending terraform_data.a replace []",
                "pending terraform_data.b[\"y\"] delete []",
            ],
        ),
        ("26-apply-ok.stream.jsonl", &[]),
    ];
    for (name, expected) in cases {
        let answer = of_fixture(name).await;
        assert_eq!(rows(&answer), expected, "{name}");
        assert!(limits(&answer).is_empty(), "{name}");
    }
    let error = of_fixture("17c-error.stream.jsonl").await;
    let detail = error.drifts[0].detail.as_ref().unwrap().raw();
    assert_eq!(
        detail,
        "the plan failed: Reference to undeclared resource (main.tf:2)"
    );
    let check = of_fixture("29-changes-and-failed-check.stream.jsonl").await;
    assert_eq!(check.troubles[0].subject.target.raw(), "check.floor");
}

#[tokio::test]
async fn a_stream_that_breaks_off_keeps_what_it_told_and_is_not_clean() {
    let whole = fixture("17b-drift.stream.jsonl");
    let text = String::from_utf8(whole).unwrap();
    let cut = &text[..text.find("\"changes\"").unwrap()];
    let answer = told(&[("night.jsonl", cut.as_bytes())]).await;
    let kinds: Vec<DriftKind> = answer.drifts.iter().map(|d| d.kind).collect();
    assert_eq!(
        kinds,
        [DriftKind::Unknown, DriftKind::Drift, DriftKind::Drift]
    );
    let detail = answer.drifts[0].detail.as_ref().unwrap().raw();
    assert!(detail.starts_with("the stream ends without a summary"));
    let limit = limits(&answer)[0];
    assert!(limit.starts_with("night.jsonl:13:"), "{limit}");
    assert!(limit.contains("the last line is cut off"), "{limit}");
}

#[tokio::test]
async fn other_output_between_the_lines_of_a_stream_is_named() {
    let stream = fixture("17a-no-drift.stream.jsonl");
    let mixed = [b"Warning: something\n".to_vec(), stream].concat();
    let answer = told(&[("night.json", &mixed)]).await;
    assert!(answer.drifts.is_empty());
    let limit = limits(&answer)[0];
    assert!(
        limit.starts_with("night.json:1:1: no line of a stream"),
        "{limit}"
    );
}

#[tokio::test]
async fn an_apply_is_a_change() {
    let answer = of_fixture("26-apply-ok.stream.jsonl").await;
    let [change] = &answer.changes[..] else {
        unreachable!("{:?}", answer.changes);
    };
    assert_eq!(
        (change.kind, change.outcome),
        (ChangeKind::Infra, Outcome::Ok)
    );
    assert_eq!(change.started_at, at("2026-11-21T19:04:21.811840Z"));
    assert_eq!(change.finished_at, Some(at("2026-11-21T19:04:21.828816Z")));
    let progress = change.told.progress.as_ref().unwrap();
    assert_eq!(progress.raw(), "3 added, 0 changed, 0 destroyed");

    let answer = of_fixture("27-apply-errored.stream.jsonl").await;
    let change = &answer.changes[0];
    assert_eq!(change.kind, ChangeKind::InfraDestructive);
    assert_eq!(change.outcome, Outcome::Failed);
    let reason = change.told.reason.as_ref().unwrap();
    assert_eq!(
        reason.raw(),
        "local-exec provisioner error at terraform_data.a (main.tf:4)"
    );
    assert_eq!(
        change.told.progress.as_ref().unwrap().raw(),
        "2 of 3 steps done, 1 failed"
    );
    assert_eq!(answer.troubles.len(), 1);
}

#[tokio::test]
async fn an_apply_runs_until_it_was_silent_for_an_hour() {
    let text = String::from_utf8(fixture("26-apply-ok.stream.jsonl")).unwrap();
    let begun: Vec<&str> = text.lines().take(8).collect();
    let folder = folder(&[("apply.jsonl", format!("{}\n", begun.join("\n")).as_bytes())]);
    let mut client = client(folder.path());
    let first = client.poll(at("2026-11-21T19:10:00Z")).await.unwrap();
    assert_eq!(first.changes[0].outcome, Outcome::Running);
    let same = client.poll(at("2026-11-21T19:20:00Z")).await.unwrap();
    assert!(Arc::ptr_eq(&first, &same));
    let later = client.poll(at("2026-11-21T20:30:00Z")).await.unwrap();
    assert_eq!(later.changes[0].outcome, Outcome::Unknown);
    assert_eq!(later.changes[0].id, first.changes[0].id);
}
