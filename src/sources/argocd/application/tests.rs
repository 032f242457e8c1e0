//! Three recorded applications, and variations of them.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use serde_json::{Value, json};

use super::*;
use crate::domain::change::{ActorKind, Change, ChangeKind, Outcome};
use crate::domain::drift::DriftKind;

const LIST: &str = include_str!("../../../../tests/fixtures/kubernetes/lists/applications.json");

fn t(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// One of the recorded ones: `checkout-web`, `ledger`, `payments-api`.
fn recorded(name: &str) -> Value {
    let list: Value = serde_json::from_str(LIST).unwrap();
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .find(|a| a["metadata"]["name"] == name)
        .unwrap()
        .clone()
}

fn place() -> DeclaredPlace {
    DeclaredPlace {
        env: Some("prod".to_owned()),
        cluster: Some("prod-eu-1".to_owned()),
        ..DeclaredPlace::default()
    }
}

fn with<T>(value: &Value, ask: impl Fn(&Application, &Context<'_>) -> T) -> T {
    let application = Application::deserialize(value).unwrap();
    let web = Url::parse("https://argocd.test/").unwrap();
    let context = Context {
        source: &"cd".into(),
        place: &place(),
        web: Some(&web),
    };
    ask(&application, &context)
}

fn changes_of(value: &Value) -> Vec<Change> {
    let (changes, problems) = with(value, |application, context| {
        let mut problems = Vec::new();
        (changes(application, context, &mut problems), problems)
    });
    assert!(problems.is_empty(), "{problems:?}");
    changes
}

fn drifts_of(value: &Value) -> Vec<Difference> {
    with(value, drifts)
}

fn words(text: Option<&Untrusted>) -> Option<&str> {
    text.map(Untrusted::shown)
}

#[test]
fn history_becomes_changes_with_what_was_before() {
    let changes = changes_of(&recorded("payments-api"));
    let short: Vec<_> = changes
        .iter()
        .map(|c| {
            (
                words(c.versions.from.as_ref()),
                words(c.versions.to.as_ref()),
                c.kind,
                c.outcome,
            )
        })
        .collect();
    let (ok, version) = (Outcome::Ok, ChangeKind::Version);
    assert_eq!(
        short,
        [
            (None, Some("1a2b3c4d5e6f"), version, ok),
            (Some("1a2b3c4d5e6f"), Some("77aa88bb99cc"), version, ok),
            (Some("77aa88bb99cc"), Some("9f2c1d7be04a"), version, ok),
        ],
        "the last operation stands in the history and is not told twice"
    );
    let who: Vec<_> = changes
        .iter()
        .map(|c| c.who.clone().unwrap())
        .map(|w| (w.name.shown().to_owned(), w.kind))
        .collect();
    let automated = ("automated sync".to_owned(), ActorKind::Automation);
    assert_eq!(
        who,
        [
            automated.clone(),
            ("dana".to_owned(), ActorKind::Person),
            automated
        ]
    );
    let last = &changes[2];
    assert_eq!(last.id.shown(), "argocd:cd/payments-api@20261121T034055Z");
    assert_eq!(last.subject.target.shown(), "argocd/payments-api");
    assert_eq!(
        (last.started_at, last.finished_at),
        (t("2026-11-21T03:40:55Z"), Some(t("2026-11-21T03:41:03Z")))
    );
    assert_eq!(
        words(last.told.link.as_ref()),
        Some("https://argocd.test/applications/argocd/payments-api")
    );
    let label = |name| words(last.subject.labels.get(name)).unwrap();
    assert_eq!(
        (label("kind"), label("name"), label("namespace")),
        ("Application", "payments-api", "payments")
    );
    assert_eq!(
        (label("cluster"), label("team"), label("source")),
        ("prod-eu-1", "payments", "cd")
    );
    assert_eq!(words(last.subject.env.as_ref()), Some("prod"));
}

#[test]
fn a_failed_sync_stands_only_in_the_operation() {
    let changes = changes_of(&recorded("checkout-web"));
    assert_eq!(changes.len(), 2);
    let failed = &changes[1];
    assert_eq!(failed.outcome, Outcome::Failed);
    assert_eq!(words(failed.versions.from.as_ref()), Some("beef00beef00"));
    assert_eq!(words(failed.versions.to.as_ref()), Some("c0ffee00c0ff"));
    assert_eq!(
        words(failed.told.reason.as_ref()),
        Some(
            "one or more synchronization tasks completed unsuccessfully (retried 2 times). (reason given: INC-2291 hotfix)"
        )
    );
    assert_eq!(words(failed.told.progress.as_ref()), Some("retry 2 of 2"));
    assert_eq!(failed.finished_at, Some(t("2026-11-21T04:50:40Z")));
}

#[test]
fn a_sync_of_several_sources_is_under_way_and_keeps_its_name_when_it_ends() {
    let mut value = recorded("ledger");
    let changes = changes_of(&value);
    let running = &changes[1];
    assert_eq!(
        (running.outcome, running.finished_at),
        (Outcome::Running, None)
    );
    assert_eq!(
        words(running.versions.from.as_ref()),
        Some("3.2.0 + fedcba987654")
    );
    assert_eq!(
        words(running.versions.to.as_ref()),
        Some("3.2.1 + 0123456789ab")
    );
    assert_eq!(
        words(running.told.progress.as_ref()),
        Some("waiting for healthy state of apps/StatefulSet/ledger-db")
    );
    assert_eq!(
        running.subject.labels.get("cluster").unwrap().shown(),
        "prod-eu-1"
    );

    let entry = json!({"id": 8, "revisions": value["status"]["operationState"]["syncResult"]["revisions"],
        "deployStartedAt": "2026-11-21T05:05:01Z", "deployedAt": "2026-11-21T05:07:00Z"});
    value["status"]["history"]
        .as_array_mut()
        .unwrap()
        .push(entry);
    value["status"]["operationState"]["phase"] = json!("Succeeded");
    value["status"]["operationState"]["finishedAt"] = json!("2026-11-21T05:07:00Z");
    let after = changes_of(&value);
    assert_eq!(after.len(), 2);
    assert_eq!(after[1].id, running.id);
    assert_eq!(after[1].outcome, Outcome::Ok);
}

#[test]
fn a_revision_that_stood_before_is_a_rollback_and_the_same_again_is_configuration() {
    let mut value = recorded("payments-api");
    let first = value["status"]["history"][0]["revision"].clone();
    value["status"]["history"][2]["revision"] = first.clone();
    value["status"]["operationState"]["syncResult"]["revision"] = first;
    let kinds = |value: &Value| changes_of(value).iter().map(|c| c.kind).collect::<Vec<_>>();
    assert_eq!(
        kinds(&value),
        [
            ChangeKind::Version,
            ChangeKind::Version,
            ChangeKind::Rollback
        ]
    );
    let again = value["status"]["history"][1]["revision"].clone();
    value["status"]["history"][2]["revision"] = again.clone();
    value["status"]["operationState"]["syncResult"]["revision"] = again;
    assert_eq!(kinds(&value)[2], ChangeKind::Config);
    assert_eq!(changes_of(&value)[2].versions.from, None);
}

#[test]
fn a_dry_run_is_no_change_and_a_partial_sync_is_one_that_says_so() {
    let mut value = recorded("checkout-web");
    value["status"]["operationState"]["operation"]["sync"]["dryRun"] = json!(true);
    assert_eq!(changes_of(&value).len(), 1);
    let mut value = recorded("checkout-web");
    value["status"]["operationState"]["phase"] = json!("Succeeded");
    value["status"]["operationState"]["operation"]["sync"]["resources"] =
        json!([{"kind": "Deployment", "name": "x"}]);
    let partial = &changes_of(&value)[1];
    assert_eq!(partial.outcome, Outcome::Ok);
    assert_eq!(partial.told.notes[0].shown(), "of selected resources only");
    let rows = drifts_of(&value);
    assert_eq!(
        rows[0].drift.kind,
        DriftKind::Pending,
        "a part of a sync is not the whole of it"
    );
}

#[test]
fn git_that_moved_ahead_is_pending() {
    let rows = drifts_of(&recorded("checkout-web"));
    let short: Vec<_> = rows
        .iter()
        .map(|r| {
            (
                r.drift.subject.target.shown(),
                r.drift.kind,
                r.drift.actions[0].shown(),
            )
        })
        .collect();
    assert_eq!(
        short,
        [
            (
                "argocd/checkout-web: checkout/ConfigMap/feature-flags",
                DriftKind::Pending,
                "prune"
            ),
            (
                "argocd/checkout-web: checkout/Deployment/checkout-web",
                DriftKind::Pending,
                "sync"
            ),
            (
                "argocd/checkout-web: checkout/HorizontalPodAutoscaler/checkout-web",
                DriftKind::Pending,
                "sync"
            ),
        ]
    );
    let deployment = &rows[1].drift;
    assert_eq!(
        deployment.id.shown(),
        "argocd:cd/checkout-web:apps/Deployment/checkout/checkout-web"
    );
    assert_eq!(
        words(deployment.detail.as_ref()),
        Some(
            "synced beef00beef00, git has c0ffee00c0ff; Degraded: Deployment \"checkout-web\" exceeded its progress deadline"
        )
    );
    assert_eq!(deployment.reverted_by_apply, None);
    assert_eq!(deployment.report.at, Some(t("2026-11-21T05:02:10Z")));
    assert_eq!(deployment.report.cadence_secs, Some(180));
    assert_eq!(
        words(deployment.report.provenance.as_ref()),
        Some("https://git.example.test/platform/checkout-deploy.git overlays/prod at release-5")
    );
    assert!(drifts_of(&recorded("payments-api")).is_empty());
    assert_eq!(
        drifts_of(&recorded("ledger"))[0].drift.kind,
        DriftKind::Pending
    );
}

#[test]
fn the_same_revision_out_of_sync_is_drift() {
    let mut value = recorded("checkout-web");
    let synced = value["status"]["history"][0]["revision"].clone();
    value["status"]["sync"]["revision"] = synced.clone();
    let rows = drifts_of(&value);
    let kinds: Vec<_> = rows
        .iter()
        .map(|r| (r.drift.kind, r.drift.reverted_by_apply))
        .collect();
    assert_eq!(
        kinds,
        [
            (DriftKind::Drift, None),
            (DriftKind::Drift, Some(true)),
            (DriftKind::Drift, Some(true))
        ]
    );
    // A later sync that succeeded counts more than the history.
    value["status"]["sync"]["revision"] = json!("c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00");
    value["status"]["operationState"]["phase"] = json!("Succeeded");
    assert_eq!(drifts_of(&value)[0].drift.kind, DriftKind::Drift);
}

#[test]
fn what_could_not_be_compared_is_no_drift_and_not_clean() {
    let kind = |status: Value| {
        let mut value = recorded("payments-api");
        value["status"] = status;
        let rows = drifts_of(&value);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].drift.subject.target.shown(), "argocd/payments-api");
        (
            rows[0].drift.kind,
            words(rows[0].drift.detail.as_ref()).unwrap().to_owned(),
        )
    };
    let failed = json!({"sync": {"status": "Unknown"}, "conditions": [
        {"type": "OrphanedResourceWarning", "message": "1"},
        {"type": "ComparisonError", "message": "rpc error: repo\u{1b}[2J not found"}]});
    assert_eq!(
        kind(failed),
        (
            DriftKind::Error,
            "ComparisonError: rpc error: repo\\u{1b}[2J not found".to_owned()
        )
    );
    assert_eq!(
        kind(json!({"sync": {"status": "Unknown"}})).0,
        DriftKind::Unknown
    );
    assert_eq!(kind(json!({})).0, DriftKind::Unknown);
    assert_eq!(
        kind(json!({"sync": {"status": "Sideways", "revision": "x"}})).0,
        DriftKind::Unknown
    );
    assert_eq!(
        kind(json!({"sync": {"status": "OutOfSync"}})).0,
        DriftKind::Unknown
    );
    let never = kind(
        json!({"sync": {"status": "OutOfSync", "revision": "abc"}, "resources": null, "history": null}),
    );
    assert_eq!(
        never,
        (DriftKind::Pending, "never synced; git has abc".to_owned())
    );
}

#[test]
fn another_namespace_is_part_of_the_name_and_no_user_of_a_repository_is_shown() {
    let mut value = recorded("checkout-web");
    value["metadata"]["namespace"] = json!("team-a");
    value["spec"]["source"]["repoURL"] = json!("https://bot:s3cr3t@git.test/x.git");
    value["spec"]["destination"] = json!({"name": "edge-7", "server": ""});
    let application = Application::deserialize(&value).unwrap();
    let place = DeclaredPlace::default();
    let context = Context {
        source: &"cd".into(),
        place: &place,
        web: None,
    };
    let change = changes(&application, &context, &mut Vec::new()).remove(0);
    assert_eq!(
        change.id.shown(),
        "argocd:cd/team-a/checkout-web@20261119T100000Z"
    );
    assert_eq!(
        change.subject.labels.get("cluster").unwrap().shown(),
        "edge-7"
    );
    assert_eq!(change.told.link, None);
    let row = drifts(&application, &context).remove(0).drift;
    assert_eq!(
        words(row.report.provenance.as_ref()),
        Some("https://git.test/x.git overlays/prod at release-5")
    );
    let mut problems = Vec::new();
    value["status"]["history"] = json!([{"id": 4, "revision": "x", "deployedAt": null}]);
    let application = Application::deserialize(&value).unwrap();
    changes(&application, &context, &mut problems);
    assert_eq!(
        problems,
        ["team-a/checkout-web: history 4 was left out: it has no time"]
    );
}
