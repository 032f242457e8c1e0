//! Stateful sets and daemon sets.

use super::*;
use crate::domain::change::{ChangeKind, Outcome};

const NOW: &str = "2026-11-21T06:20:00Z";

#[test]
fn without_its_revisions_a_set_tells_what_stands_since_it_was_made() {
    let answer = World::default()
        .with(
            Resource::StatefulSets,
            recorded!("lists/statefulsets-payments"),
        )
        .with(Resource::DaemonSets, recorded!("lists/daemonsets-sandbox"))
        .tell(NOW);
    let ledger = of(
        &answer,
        "k8s:prod/payments/statefulset/ledger-db@ledger-db-799f6875b6",
    );
    assert_eq!(versions(ledger), (None, Some("14.9")));
    assert_eq!(ledger.outcome, Outcome::Ok);
    assert_eq!(ledger.started_at, today("06:14:07"));
    assert_eq!(ledger.finished_at, None, "its status has no times");
    let who = ledger.who.as_ref().unwrap();
    assert_eq!(who.name.raw(), "kubectl-client-side-apply");
    let agent = &answer.changes[1];
    assert_eq!(agent.subject.target.raw(), "sandbox/daemonset/log-agent");
    assert_eq!(versions(agent), (None, Some("0.9")));
    assert_eq!(agent.outcome, Outcome::Ok);
    assert_eq!(
        agent.id.raw(),
        "k8s:prod/sandbox/daemonset/log-agent@1795241648",
        "it names no revision"
    );
}

/// Made up: no controller revisions were recorded.
fn revision(number: u64, hash: &str, tag: &str, made: &str, written: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"ledger-db-{hash}","namespace":"payments",
        "creationTimestamp":"2026-11-21T{made}Z","labels":{{"controller.kubernetes.io/hash":"{hash}"}},
        "ownerReferences":[{{"apiVersion":"apps/v1","kind":"StatefulSet","name":"ledger-db",
          "uid":"dff1e899-9144-427a-9ad1-180e8bacd1a7","controller":true}}],
        "managedFields":[{{"manager":"kube-controller-manager","operation":"Update",
          "time":"2026-11-21T{written}Z"}}]}},
        "revision":{number},
        "data":{{"spec":{{"template":{{"$patch":"replace","spec":{{"containers":[
          {{"name":"db","image":"registry.local/payments/ledger-db:{tag}"}}]}}}}}}}}}}"#
    )
}

fn set(change: impl FnOnce(&mut Value)) -> World {
    let mut value: Value = serde_json::from_str(recorded!("lists/statefulsets-payments")).unwrap();
    change(&mut value["items"][0]);
    World::default().with(Resource::StatefulSets, &value.to_string())
}

#[test]
fn controller_revisions_tell_each_rollout_of_a_set_made_up() {
    let answer = set(|set| {
        set["status"]["updateRevision"] = "ledger-db-bbb".into();
        set["status"]["updatedReplicas"] = 1.into();
    })
    .with(
        Resource::ControllerRevisions,
        &revision(1, "aaa", "14.9", "06:14:07", "06:14:07"),
    )
    .with(
        Resource::ControllerRevisions,
        &revision(2, "bbb", "15.0", "06:19:00", "06:19:00"),
    )
    .tell(NOW);
    let second = of(&answer, "k8s:prod/payments/statefulset/ledger-db@2:bbb");
    assert_eq!(versions(second), (Some("14.9"), Some("15.0")));
    assert_eq!(second.outcome, Outcome::Running);
    let progress = text(second.told.progress.as_ref());
    assert_eq!(progress, Some("1 of 2 updated, 2 ready"));
    let first = of(&answer, "k8s:prod/payments/statefulset/ledger-db@1:aaa");
    assert_eq!(first.outcome, Outcome::Unknown);
}

#[test]
fn a_set_that_is_stuck_for_long_is_no_rollout_under_way_made_up() {
    let world = set(|set| set["status"]["readyReplicas"] = 1.into());
    let soon = world.tell(NOW);
    assert_eq!(soon.changes[0].outcome, Outcome::Running);
    let late = world.tell("2026-11-21T09:00:00Z");
    assert_eq!(late.changes[0].outcome, Outcome::Unknown);
    assert_eq!(notes(&late.changes[0]), ["2 of 2 updated, 1 ready"]);
}

#[test]
fn a_controller_revision_that_is_taken_back_is_a_rollback_made_up() {
    let answer = set(|_| {})
        .with(
            Resource::ControllerRevisions,
            &revision(3, "aaa", "14.9", "06:14:07", "06:19:30"),
        )
        .with(
            Resource::ControllerRevisions,
            &revision(2, "bbb", "15.0", "06:19:00", "06:19:00"),
        )
        .tell(NOW);
    let back = of(&answer, "k8s:prod/payments/statefulset/ledger-db@3:aaa");
    assert_eq!(back.kind, ChangeKind::Rollback);
    assert_eq!(back.started_at, today("06:19:30"));
    assert_eq!(versions(back), (Some("15.0"), Some("14.9")));
    assert_eq!(back.outcome, Outcome::Ok);
}
