//! Flux's Kustomizations.

use super::*;
use crate::domain::change::{ChangeKind, Outcome};
use crate::domain::drift::DriftKind;

const NOW: &str = "2026-11-21T05:03:00Z";

const APPS: &str = "flux/flux-system/kustomization/apps";

#[test]
fn a_kustomization_tells_its_attempts_and_what_waits() {
    let answer = World::default()
        .with(Resource::Kustomizations, recorded!("lists/kustomizations"))
        .tell(NOW);
    let failed = app(&answer, APPS, "2026-11-21T04:51:00Z");
    assert_eq!(
        versions(failed),
        (Some("main@01dc0de"), Some("main@5b1c0de"))
    );
    assert_eq!(failed.outcome, Outcome::Failed);
    assert_eq!(failed.finished_at, Some(today("04:55:03")));
    assert_eq!(
        text(failed.told.reason.as_ref()),
        Some(
            "HealthCheckFailed: health check failed after 3m0.021s: timeout waiting for: \
             [Deployment/checkout/checkout-web status: 'InProgress']"
        )
    );
    let good = app(&answer, APPS, "2026-11-20T10:00:00Z");
    assert_eq!(good.outcome, Outcome::Ok);
    assert_eq!(good.finished_at, None, "112 times since, the first unknown");
    let pending = drifts(&answer, APPS);
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0].kind, DriftKind::Pending);
    assert_eq!(pending[0].report.at, Some(today("04:55:03")));
    assert_eq!(pending[0].report.cadence_secs, Some(600));
    let detail = text(pending[0].detail.as_ref()).unwrap();
    let start = "main@5b1c0de was tried, main@01dc0de is applied; HealthCheckFailed:";
    assert!(detail.starts_with(start), "{detail}");
}

#[test]
fn without_a_history_a_kustomization_tells_what_stands() {
    let answer = World::default()
        .with(Resource::Kustomizations, recorded!("lists/kustomizations"))
        .tell(NOW);
    let infra = of(
        &answer,
        "k8s:prod/flux/flux-system/kustomization/infra@main@5b1c0de",
    );
    assert_eq!(infra.outcome, Outcome::Ok);
    assert_eq!(infra.started_at, today("04:55:03"));
    let suspended = drifts(&answer, "flux/flux-system/kustomization/tenants");
    assert_eq!(suspended[0].kind, DriftKind::Unknown);
    assert_eq!(
        text(suspended[0].detail.as_ref()),
        Some("it is suspended: nothing is compared or put back")
    );
}

#[test]
fn a_kustomization_that_is_tried_again_goes_on_and_one_that_stands_does_not_made_up() {
    let answer = |item: usize| {
        let mut value: Value = serde_json::from_str(recorded!("lists/kustomizations")).unwrap();
        let status = &mut value["items"][0]["status"];
        status["conditions"][0]["status"] = "Unknown".into();
        status["conditions"][0]["message"] = "Reconciliation in progress".into();
        status["history"] = serde_json::json!([status["history"][item].clone()]);
        World::default()
            .with(Resource::Kustomizations, &value.to_string())
            .tell(NOW)
    };
    let again = answer(0);
    let again = app(&again, APPS, "2026-11-21T04:51:00Z");
    assert_eq!(again.outcome, Outcome::Running);
    let progress = text(again.told.progress.as_ref());
    assert_eq!(progress, Some("Reconciliation in progress"));
    let stands = answer(1);
    let stands = app(&stands, APPS, "2026-11-20T10:00:00Z");
    assert_eq!(stands.outcome, Outcome::Ok);
}

#[test]
fn manifests_that_failed_and_then_held_are_one_change_made_up() {
    let json = r#"{"metadata":{"name":"apps","namespace":"flux-system"},"status":{"history":[
      {"digest":"sha256:aaaa","firstReconciled":"2026-11-21T04:10:00Z",
       "lastReconciled":"2026-11-21T05:00:00Z","lastReconciledStatus":"ReconciliationSucceeded"},
      {"digest":"sha256:aaaa","firstReconciled":"2026-11-21T04:00:00Z",
       "lastReconciled":"2026-11-21T04:05:00Z","lastReconciledStatus":"HealthCheckFailed"}]}}"#;
    let answer = World::default()
        .with(Resource::Kustomizations, json)
        .tell(NOW);
    assert_eq!(answer.changes.len(), 1);
    let change = app(&answer, APPS, "2026-11-21T04:00:00Z");
    assert_eq!(change.outcome, Outcome::Ok);
}

#[test]
fn manifests_that_were_applied_before_are_a_rollback_made_up() {
    let json = r#"{"metadata":{"name":"apps","namespace":"flux-system"},"status":{"history":[
      {"digest":"sha256:aaaa","firstReconciled":"2026-11-20T10:00:00Z",
       "lastReconciled":"2026-11-21T05:00:00Z","lastReconciledStatus":"ReconciliationSucceeded",
       "metadata":{"revision":"main@sha1:01dc0de101dc0de101dc0de101dc0de101dc0de1"}},
      {"digest":"sha256:bbbb","firstReconciled":"2026-11-21T04:00:00Z",
       "lastReconciled":"2026-11-21T04:30:00Z","lastReconciledStatus":"ReconciliationSucceeded",
       "metadata":{"revision":"main@sha1:5b1c0de55b1c0de55b1c0de55b1c0de55b1c0de5"}}],
      "conditions":[{"type":"Ready","status":"True","reason":"ReconciliationSucceeded"}]}}"#;
    let answer = World::default()
        .with(Resource::Kustomizations, json)
        .tell(NOW);
    assert_eq!(answer.changes.len(), 3);
    let back = app(&answer, APPS, "2026-11-21T04:30:00Z");
    assert_eq!(back.kind, ChangeKind::Rollback);
    assert_eq!(versions(back), (Some("main@5b1c0de"), Some("main@01dc0de")));
    assert_eq!(back.outcome, Outcome::Ok);
}
