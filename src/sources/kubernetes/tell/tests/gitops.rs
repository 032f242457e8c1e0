//! Argo CD.

use super::*;
use crate::domain::change::{ActorKind, ChangeKind, Outcome};
use crate::domain::drift::{DriftKind, ReportAge};

const NOW: &str = "2026-11-21T05:03:00Z";

fn applications(change: impl FnOnce(&mut Value)) -> World {
    let mut value: Value = serde_json::from_str(recorded!("lists/applications")).unwrap();
    change(&mut value);
    World::default().with(Resource::Applications, &value.to_string())
}

#[test]
fn each_sync_in_the_history_is_a_change_from_the_revision_before() {
    let answer = applications(|_| {}).tell(NOW);
    let last = app(&answer, "argocd/payments-api", "2026-11-21T03:40:55Z");
    assert_eq!(versions(last), (Some("77aa88b"), Some("9f2c1d7")));
    assert_eq!(last.kind, ChangeKind::Version);
    assert_eq!(last.outcome, Outcome::Ok);
    assert_eq!(last.finished_at, Some(today("03:41:03")));
    assert_eq!(last.who.as_ref().unwrap().kind, ActorKind::Automation);
    let id = "k8s:prod/argocd/application/argocd/payments-api@1795232455";
    assert_eq!(last.id.raw(), id);
    for (name, value) in [
        ("kind", "Application"),
        ("name", "payments-api"),
        ("namespace", "payments"),
        ("cluster", "prod"),
        ("team", "payments"),
    ] {
        assert_eq!(label(&last.subject, name), value, "{name}");
    }
    let before = app(&answer, "argocd/payments-api", "2026-11-20T15:30:40Z");
    let who = before.who.as_ref().unwrap();
    assert_eq!((who.name.raw(), who.kind), ("dana", ActorKind::Person));
    let of_api = |c: &&Change| c.subject.target.raw() == "argocd/payments-api";
    // Its last operation succeeded, and stands in the history already.
    assert_eq!(answer.changes.iter().filter(of_api).count(), 3);
}

#[test]
fn a_failed_sync_is_a_change_of_its_own_with_its_reason_and_message() {
    let answer = applications(|_| {}).tell(NOW);
    let failed = app(&answer, "argocd/checkout-web", "2026-11-21T04:48:59Z");
    assert_eq!(failed.outcome, Outcome::Failed);
    assert_eq!(failed.finished_at, Some(today("04:50:40")));
    assert_eq!(versions(failed), (Some("beef00b"), Some("c0ffee0")));
    let reason = text(failed.told.reason.as_ref());
    assert_eq!(reason, Some("INC-2291 hotfix"));
    assert_eq!(
        notes(failed),
        [
            "one or more synchronization tasks completed unsuccessfully (retried 2 times).",
            "HorizontalPodAutoscaler/checkout-web: HorizontalPodAutoscaler.autoscaling \
             \"checkout-web\" is invalid: spec.maxReplicas: Invalid value: 2: must be greater \
             than or equal to `minReplicas`"
        ]
    );
    assert_eq!(failed.who.as_ref().unwrap().name.raw(), "omar");
}

#[test]
fn a_running_sync_of_several_sources_names_all_their_revisions() {
    let answer = applications(|_| {}).tell(NOW);
    let running = app(&answer, "argocd/ledger", "2026-11-21T05:05:01Z");
    assert_eq!(running.outcome, Outcome::Running);
    assert_eq!(
        versions(running),
        (Some("3.2.0, fedcba9"), Some("3.2.1, 0123456"))
    );
    let progress = text(running.told.progress.as_ref());
    let expected = "waiting for healthy state of apps/StatefulSet/ledger-db";
    assert_eq!(progress, Some(expected));
}

#[test]
fn a_sync_keeps_its_name_when_it_gets_into_the_history_made_up() {
    let running = applications(|_| {}).tell(NOW);
    let name = &app(&running, "argocd/ledger", "2026-11-21T05:05:01Z").id;
    let done = applications(|list| {
        let status = &mut list["items"][1]["status"];
        let mut synced = status["history"][0].clone();
        synced["id"] = 8.into();
        synced["deployStartedAt"] = "2026-11-21T05:05:01Z".into();
        synced["deployedAt"] = "2026-11-21T05:05:41Z".into();
        synced["revisions"] = status["operationState"]["syncResult"]["revisions"].clone();
        status["history"].as_array_mut().unwrap().push(synced);
        status["operationState"]["phase"] = "Succeeded".into();
        status["operationState"]["finishedAt"] = "2026-11-21T05:05:41Z".into();
    })
    .tell(NOW);
    let done = of(&done, name.raw());
    assert_eq!(done.outcome, Outcome::Ok);
}

#[test]
fn the_reason_of_the_last_sync_is_told_with_it_made_up() {
    let answer = applications(|list| {
        let state = &mut list["items"][2]["status"]["operationState"];
        state["operation"]["info"] = serde_json::json!([{"name": "Reason", "value": "INC-7"}]);
    })
    .tell(NOW);
    let last = app(&answer, "argocd/payments-api", "2026-11-21T03:40:55Z");
    assert_eq!(text(last.told.reason.as_ref()), Some("INC-7"));
}

#[test]
fn a_sync_that_tries_or_touches_a_part_only_is_not_told_as_a_whole_one_made_up() {
    let told = |key: &str, value: Value| {
        let answer = applications(|list| {
            let state = &mut list["items"][0]["status"]["operationState"];
            state["operation"]["sync"][key] = value;
        })
        .tell(NOW);
        let of_web = |c: &&Change| c.subject.target.raw() == "argocd/checkout-web";
        let last = answer.changes.iter().rfind(of_web).unwrap();
        let notes = notes(last).into_iter().map(str::to_owned);
        (last.outcome, notes.collect::<Vec<_>>())
    };
    let (outcome, _) = told("dryRun", true.into());
    assert_eq!(outcome, Outcome::Ok, "only the history is left");
    let (_, notes) = told("resources", serde_json::json!([{"kind": "Deployment"}]));
    assert!(notes.contains(&"of 1 of its resources only".to_owned()));
}

#[test]
fn a_revision_that_stood_before_is_a_rollback_and_the_same_again_is_not_made_up() {
    let answer = applications(|list| {
        let history = list["items"][2]["status"]["history"]
            .as_array_mut()
            .unwrap();
        let mut back = history[0].clone();
        back["deployStartedAt"] = "2026-11-21T04:00:00Z".into();
        back["deployedAt"] = "2026-11-21T04:00:05Z".into();
        let mut again = back.clone();
        again["deployStartedAt"] = "2026-11-21T04:10:00Z".into();
        again["deployedAt"] = "2026-11-21T04:10:05Z".into();
        history.extend([back, again]);
    })
    .tell(NOW);
    let back = app(&answer, "argocd/payments-api", "2026-11-21T04:00:00Z");
    assert_eq!(back.kind, ChangeKind::Rollback);
    assert_eq!(versions(back), (Some("9f2c1d7"), Some("1a2b3c4")));
    let again = app(&answer, "argocd/payments-api", "2026-11-21T04:10:00Z");
    assert_eq!(again.kind, ChangeKind::Config);
    assert_eq!(notes(again), ["the same revision again"]);
}

#[test]
fn what_is_declared_no_more_says_whether_a_sync_removes_it_made_up() {
    let detail = |prune: bool| {
        let answer = applications(|list| {
            let app = &mut list["items"][2];
            app["spec"]["syncPolicy"]["automated"]["prune"] = prune.into();
            app["status"]["sync"]["status"] = "OutOfSync".into();
            app["status"]["resources"][0]["status"] = "OutOfSync".into();
            app["status"]["resources"][0]["requiresPruning"] = true.into();
        })
        .tell(NOW);
        let row = drifts(&answer, "argocd/payments-api")[0];
        assert_eq!(row.actions[0].raw(), "prune");
        text(row.detail.as_ref()).unwrap().to_owned()
    };
    assert!(detail(true).ends_with("; automated sync prunes it"));
    assert!(detail(false).ends_with("; only a sync that prunes removes it"));
}

#[test]
fn what_was_not_synced_to_this_revision_waits_and_is_no_drift() {
    let answer = applications(|_| {})
        .with(Resource::Deployments, recorded!("lists/deployments-all"))
        .tell(NOW);
    let rows = drifts(&answer, "argocd/checkout-web");
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.subject.target.raw(), row.actions[0].raw()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "argocd/checkout-web: checkout/ConfigMap/feature-flags",
                "prune"
            ),
            (
                "argocd/checkout-web: checkout/Deployment/checkout-web",
                "update"
            ),
            (
                "argocd/checkout-web: checkout/HorizontalPodAutoscaler/checkout-web",
                "update"
            ),
        ]
    );
    assert!(rows.iter().all(|row| row.kind == DriftKind::Pending));
    let row = rows[1];
    assert_eq!(row.reverted_by_apply, Some(true));
    assert_eq!(row.report.at, Some(today("05:02:10")));
    assert_eq!(row.report.age(at(NOW)), ReportAge::Fresh);
    assert_eq!(row.report.age(today("05:09:00")), ReportAge::Stale);
    assert!(row.paths.is_empty(), "no value is read");
    assert_eq!(
        text(row.detail.as_ref()),
        Some("beef00b was synced last; one rule ignores differences: what it covers is not seen")
    );
    assert_eq!(label(&row.subject, "namespace"), "checkout");
    assert_eq!(label(&row.subject, "kind"), "Deployment");
    let own = label(&row.subject, "app.kubernetes.io/name");
    assert_eq!(own, "checkout-web", "of the Deployment itself");
    let ledger = drifts(&answer, "argocd/ledger");
    assert_eq!(ledger[0].kind, DriftKind::Pending);
    assert!(drifts(&answer, "argocd/payments-api").is_empty(), "Synced");
}

#[test]
fn what_differs_from_the_very_revision_that_was_synced_is_drift_made_up() {
    let answer = applications(|list| {
        let status = &mut list["items"][2]["status"];
        status["sync"]["status"] = "OutOfSync".into();
        status["resources"][1]["status"] = "OutOfSync".into();
    })
    .tell(NOW);
    let row = drifts(&answer, "argocd/payments-api")[0];
    assert_eq!(row.kind, DriftKind::Drift);
    assert_eq!(
        text(row.detail.as_ref()),
        Some("it was synced to this very revision; automated sync with self-heal puts it back")
    );
}

#[test]
fn what_cannot_be_compared_is_unknown_or_an_error_and_never_clean_made_up() {
    let kinds = |change: fn(&mut Value)| {
        let answer = applications(|list| change(&mut list["items"][2])).tell(NOW);
        let rows = drifts(&answer, "argocd/payments-api");
        rows.iter().map(|row| row.kind).collect::<Vec<_>>()
    };
    assert_eq!(
        kinds(|app| app["status"]["sync"]["status"] = "Unknown".into()),
        [DriftKind::Unknown]
    );
    assert_eq!(
        kinds(|app| app["status"]["sync"] = Value::Null),
        [DriftKind::Unknown]
    );
    assert_eq!(
        kinds(|app| app["status"] = Value::Null),
        [DriftKind::Unknown]
    );
    assert_eq!(
        kinds(|app| {
            let error = serde_json::json!([
                {"type": "ComparisonError", "message": "repository not accessible"}]);
            app["status"]["conditions"] = error;
        }),
        [DriftKind::Error]
    );
}

#[test]
fn what_goes_to_another_cluster_is_not_said_to_be_in_this_one_made_up() {
    let clusters = |destination: Value| {
        let world = applications(|list| list["items"][2]["spec"]["destination"] = destination);
        let answer = world.tell(NOW);
        let change = app(&answer, "argocd/payments-api", "2026-11-21T03:40:55Z");
        label(&change.subject, "cluster").to_owned()
    };
    let named = serde_json::json!({"name": "eu-2", "namespace": "payments"});
    assert_eq!(clusters(named), "eu-2");
    let by_address = serde_json::json!({"server": "https://10.0.0.1:6443"});
    assert_eq!(clusters(by_address), "");
    assert_eq!(clusters(Value::Null), "prod");
}
