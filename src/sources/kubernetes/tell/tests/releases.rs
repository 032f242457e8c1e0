//! Helm, by its secrets' metadata and by Flux.

use super::*;
use crate::domain::change::{ChangeKind, Outcome};
use crate::domain::drift::DriftKind;

const NOW: &str = "2026-11-21T05:03:00Z";

fn flux(change: impl FnOnce(&mut Value)) -> DeliveryAnswer {
    let mut value: Value = serde_json::from_str(recorded!("lists/helmreleases")).unwrap();
    change(&mut value["items"][0]["status"]);
    World::default()
        .with(Resource::HelmReleases, &value.to_string())
        .tell(NOW)
}

#[test]
fn a_failed_upgrade_and_its_remediation_are_two_changes() {
    let answer = flux(|_| {});
    let name = "k8s:prod/flux/flux-system/helmrelease/ingress@";
    let failed = of(&answer, &format!("{name}v7"));
    assert_eq!(versions(failed), (Some("4.12.0"), Some("4.13.1")));
    assert_eq!(failed.started_at, today("04:55:03"), "not firstDeployed");
    assert_eq!(failed.outcome, Outcome::Failed);
    assert_eq!(
        text(failed.told.reason.as_ref()),
        Some(
            "UpgradeFailed: Helm upgrade failed for release flux-system/ingress with chart \
             ingress@4.13.1: context deadline exceeded"
        )
    );
    let stalled = "stalled: RetriesExceeded: Failed to upgrade after 4 attempt(s)";
    assert_eq!(notes(failed), [stalled]);
    let back = of(&answer, &format!("{name}remediation-of-v7"));
    assert_eq!(back.kind, ChangeKind::Rollback);
    assert_eq!(versions(back), (Some("4.13.1"), Some("4.12.0")));
    assert_eq!(back.outcome, Outcome::Ok);
    let before = of(&answer, &format!("{name}v6"));
    assert_eq!(before.outcome, Outcome::Ok);
    assert_eq!(answer.drifts.len(), 1);
    let pending = &answer.drifts[0];
    assert_eq!(pending.kind, DriftKind::Pending);
    let detail = text(pending.detail.as_ref()).unwrap();
    assert!(detail.starts_with("4.13.1 was tried, 4.12.0 stands; RetriesExceeded"));
    assert_eq!(pending.report.cadence_secs, Some(1800));
}

#[test]
fn a_condition_of_drift_is_drift_made_up() {
    let answer = flux(|status| {
        status["lastAttemptedRevision"] = "4.12.0".into();
        let found = serde_json::json!([{"type": "Ready", "status": "False",
            "reason": "DriftDetected", "message": "Cluster state drifted",
            "lastTransitionTime": "2026-11-21T05:00:00Z"}]);
        status["conditions"] = found;
    });
    assert_eq!(answer.drifts.len(), 1);
    assert_eq!(answer.drifts[0].kind, DriftKind::Drift);
    let detail = "DriftDetected: Cluster state drifted, since 2026-11-21 05:00:00 UTC";
    assert_eq!(text(answer.drifts[0].detail.as_ref()), Some(detail));
}

/// Made up: no secret was recorded. As `PartialObjectMetadata` gives it.
fn secret(version: u32, status: &str, created: u64, modified: &str) -> String {
    format!(
        r#"{{"kind":"PartialObjectMetadata","metadata":{{
        "name":"sh.helm.release.v1.web.v{version}","namespace":"shop",
        "creationTimestamp":"2026-11-20T00:00:00Z",
        "labels":{{"owner":"helm","name":"web","status":"{status}","version":"{version}",
          "createdAt":"{created}"{modified}}}}}}}"#
    )
}

#[test]
fn a_release_is_told_by_the_labels_of_its_secret_made_up() {
    let modified = r#","modifiedAt":"1795233660""#;
    let answer = World::default()
        .with(
            Resource::HelmSecrets,
            &secret(6, "superseded", 1_795_000_000, ""),
        )
        .with(
            Resource::HelmSecrets,
            &secret(7, "deployed", 1_795_233_600, modified),
        )
        .tell(NOW);
    let seventh = of(&answer, "k8s:prod/helm/shop/web@v7");
    assert_eq!(versions(seventh), (Some("v6"), Some("v7")));
    assert_eq!(seventh.started_at, today("04:00:00"));
    assert_eq!(seventh.finished_at, Some(today("04:01:00")));
    assert_eq!(seventh.outcome, Outcome::Ok);
    assert_eq!(
        notes(seventh),
        ["its chart's version is not in the metadata"]
    );
    let sixth = of(&answer, "k8s:prod/helm/shop/web@v6");
    assert_eq!(versions(sixth), (None, Some("v6")));
    assert_eq!(
        label(&sixth.subject, "owner"),
        "",
        "Helm's labels are no service's"
    );
}

#[test]
fn a_helm_that_died_over_a_release_is_no_release_under_way_made_up() {
    let outcome = |created: u64, status: &str| {
        let json = secret(8, status, created, "");
        let answer = World::default()
            .with(Resource::HelmSecrets, &json)
            .tell(NOW);
        answer.changes[0].outcome
    };
    assert_eq!(outcome(1_795_237_300, "pending-upgrade"), Outcome::Running);
    assert_eq!(outcome(1_795_000_000, "pending-upgrade"), Outcome::Unknown);
    assert_eq!(outcome(1_795_000_000, "failed"), Outcome::Failed);
}

#[test]
fn a_release_of_flux_is_not_told_twice_made_up() {
    let json = secret(7, "failed", 1_795_233_600, "")
        .replace("web", "ingress")
        .replace("shop", "flux-system");
    let answer = World::default()
        .with(Resource::HelmReleases, recorded!("lists/helmreleases"))
        .with(Resource::HelmSecrets, &json)
        .tell(NOW);
    let of_helm = |id: &&&str| id.contains("/helm/");
    assert_eq!(ids(&answer).iter().filter(of_helm).count(), 0);
}

#[test]
fn a_release_that_flux_keeps_elsewhere_under_another_name_is_not_told_twice_made_up() {
    let flux = r#"{"metadata":{"name":"web","namespace":"flux-system"},
        "spec":{"storageNamespace":"shop"},
        "status":{"history":[{"name":"shop-web","version":7,"chartVersion":"1.0.0",
        "status":"deployed","lastDeployed":"2026-11-21T04:00:00Z"}]}}"#;
    let json = secret(7, "deployed", 1_795_233_600, "").replace("web", "shop-web");
    let answer = World::default()
        .with(Resource::HelmReleases, flux)
        .with(Resource::HelmSecrets, &json)
        .tell(NOW);
    assert_eq!(
        ids(&answer),
        ["k8s:prod/flux/flux-system/helmrelease/web@v7"]
    );
}

#[test]
fn a_secret_without_a_release_in_its_labels_is_named_made_up() {
    let json = r#"{"metadata":{"name":"odd","namespace":"shop","labels":null}}"#;
    let answer = World::default().with(Resource::HelmSecrets, json).tell(NOW);
    assert_eq!(
        limits(&answer),
        ["secret shop/odd: is Helm's, but its labels do not name a release and its version"]
    );
}
