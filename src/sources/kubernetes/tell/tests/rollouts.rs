//! Deployments.

use super::*;
use crate::domain::change::{ActorKind, ChangeKind, Outcome};

const NOW: &str = "2026-11-21T06:20:00Z";

fn recorded_world() -> World {
    World::default()
        .with(Resource::Deployments, recorded!("lists/deployments-all"))
        .with(
            Resource::ReplicaSets,
            recorded!("lists/replicasets-payments"),
        )
        .with(
            Resource::ReplicaSets,
            recorded!("lists/replicasets-checkout"),
        )
}

fn after_undo() -> World {
    World::default()
        .with(
            Resource::Deployments,
            recorded!("actions/06-after-undo-deployment"),
        )
        .with(
            Resource::ReplicaSets,
            recorded!("actions/07-after-undo-replicasets"),
        )
}

#[test]
fn each_revision_is_a_change_from_the_version_before_it() {
    let answer = recorded_world().tell(NOW);
    let api = "k8s:prod/payments/deployment/payments-api@";
    let third = of(&answer, &format!("{api}3:56454f688"));
    assert_eq!(versions(third), (Some("1.41.1"), Some("1.42.0")));
    assert_eq!(third.kind, ChangeKind::Version);
    assert_eq!(third.started_at, today("06:14:16"));
    assert_eq!(third.outcome, Outcome::Ok);
    assert_eq!(third.finished_at, Some(today("06:14:22")));
    let who = third.who.as_ref().unwrap();
    assert_eq!(who.name.raw(), "kubectl-patch");
    assert_eq!(who.kind, ActorKind::FieldManager);
    let reason = text(third.told.reason.as_ref());
    assert_eq!(reason, Some("release 1.42.0 (build 8901)"));
    assert!(notes(third).is_empty());

    let second = of(&answer, &format!("{api}2:744ddcf7d8"));
    assert_eq!(versions(second), (Some("1.41.0"), Some("1.41.1")));
    assert_eq!(second.outcome, Outcome::Unknown, "nobody keeps it");
    assert_eq!(second.finished_at, None);
    assert_eq!(second.who, None, "its manager has written again since");
    assert!(!second.versions.from_is_derived);

    let first = of(&answer, &format!("{api}1:7555799dcd"));
    assert_eq!(versions(first), (None, Some("1.41.0")));
    let who = first.who.as_ref().unwrap();
    assert_eq!(who.name.raw(), "kubectl-client-side-apply");
    assert!(answer.limits.is_empty(), "{:?}", limits(&answer));
}

#[test]
fn a_subject_carries_its_place_and_its_own_labels() {
    let mut world = recorded_world();
    world.place = DeclaredPlace {
        env: Some("production".to_owned()),
        cluster: Some("eu-1".to_owned()),
        region: Some("europe".to_owned()),
        service: None,
    };
    let answer = world.tell(NOW);
    let change = of(
        &answer,
        "k8s:eu-1/payments/deployment/payments-api@3:56454f688",
    );
    let subject = &change.subject;
    assert_eq!(subject.target.raw(), "payments/deployment/payments-api");
    assert_eq!(text(subject.env.as_ref()), Some("production"));
    assert_eq!(subject.service, None);
    for (name, value) in [
        ("cluster", "eu-1"),
        ("region", "europe"),
        ("namespace", "payments"),
        ("kind", "Deployment"),
        ("name", "payments-api"),
        ("team", "payments"),
        ("app.kubernetes.io/name", "payments-api"),
    ] {
        assert_eq!(label(subject, name), value, "{name}");
    }
}

#[test]
fn a_rollout_past_its_deadline_failed_and_says_why() {
    let answer = recorded_world().tell(NOW);
    let web = "k8s:prod/checkout/deployment/checkout-web@2:57767bff48";
    let stuck = of(&answer, web);
    let to = Some("5.13.0-does-not-exist");
    assert_eq!(versions(stuck), (Some("5.12.0"), to));
    assert_eq!(stuck.outcome, Outcome::Failed);
    assert_eq!(stuck.finished_at, Some(today("06:14:44")));
    assert_eq!(
        text(stuck.told.reason.as_ref()),
        Some(
            "ProgressDeadlineExceeded: ReplicaSet \"checkout-web-57767bff48\" has timed out \
             progressing."
        )
    );
    assert_eq!(notes(stuck), ["2 of 4 updated, 3 available when it failed"]);
    assert_eq!(stuck.who.as_ref().unwrap().name.raw(), "kubectl-set");
}

#[test]
fn a_rollout_that_goes_on_says_how_far_it_is() {
    let answer = recorded_world().tell(NOW);
    let id = "k8s:prod/checkout/deployment/oversized@1:6774449db4";
    let running = of(&answer, id);
    assert_eq!(running.outcome, Outcome::Running);
    let progress = text(running.told.progress.as_ref());
    assert_eq!(progress, Some("1 of 1 updated, 0 available"));
    assert_eq!(running.finished_at, None);
}

#[test]
fn a_rollback_began_when_it_was_asked_for_and_not_when_its_replica_set_was_made() {
    let answer = after_undo().tell(NOW);
    let api = "k8s:prod/payments/deployment/payments-api@";
    let back = of(&answer, &format!("{api}5:744ddcf7d8"));
    assert_eq!(back.kind, ChangeKind::Rollback);
    assert_eq!(back.started_at, today("06:15:42"));
    assert_eq!(back.finished_at, Some(today("06:15:48")));
    assert_eq!(versions(back), (Some("1.42.0"), Some("1.41.1")));
    assert_eq!(back.outcome, Outcome::Ok);
    assert_eq!(back.who.as_ref().unwrap().name.raw(), "quell");
    // Where it stood first is still told, under the name that it had before.
    let first = of(&answer, &format!("{api}2:744ddcf7d8"));
    assert_eq!(first.kind, ChangeKind::Version);
    assert_eq!(first.started_at, today("06:14:10"));
    assert_eq!(first.told.reason, None, "the annotation is of later");
    assert_eq!(answer.changes.len(), 5);
}

#[test]
fn a_restart_is_told_from_a_change_and_its_change_cause_is_an_earlier_one() {
    let answer = after_undo().tell(NOW);
    let id = "k8s:prod/payments/deployment/payments-api@4:77cb8965c6";
    let restart = of(&answer, id);
    assert_eq!(restart.kind, ChangeKind::Restart);
    assert_eq!(versions(restart), (Some("1.42.0"), Some("1.42.0")));
    assert_eq!(restart.outcome, Outcome::Unknown);
    assert_eq!(restart.told.reason, None);
    assert_eq!(
        notes(restart),
        ["change-cause is of an earlier revision: release 1.42.0 (build 8901)"]
    );
}

#[test]
fn names_stay_while_a_rollback_is_watched_event_by_event() {
    let mut world = World::default().with(
        Resource::ReplicaSets,
        recorded!("lists/replicasets-payments"),
    );
    let watched = include_str!(
        "../../../../../tests/fixtures/kubernetes/watch/deployments-during-actions.ndjson"
    );
    let mut outcomes = Vec::new();
    let mut known = std::collections::BTreeSet::new();
    for line in watched.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        if event["type"] == "BOOKMARK" {
            continue;
        }
        world.hold(Resource::Deployments, &event["object"].to_string());
        let answer = world.tell(NOW);
        known.extend(ids(&answer).into_iter().map(str::to_owned));
        let newest = answer.changes.iter().max_by_key(|c| c.started_at).unwrap();
        if outcomes.last() != Some(&newest.outcome) {
            outcomes.push(newest.outcome);
        }
    }
    let api = known.iter().filter(|id| id.contains("/payments-api@"));
    assert_eq!(api.count(), 3, "{known:?}");
    // It was scaled twice meanwhile, of which the server tells who and not when.
    assert!(known.iter().all(|id| !id.contains("@scale:")), "{known:?}");
    // The controller has not seen the edit; then its replica set is not in this recording.
    assert_eq!(outcomes[0], Outcome::Running);
}

#[test]
fn a_scale_is_told_where_its_time_is_made_up() {
    let json = r#"{"metadata":{"name":"web","namespace":"shop","uid":"u","generation":7,
        "creationTimestamp":"2026-11-01T00:00:00Z",
        "annotations":{"deployment.kubernetes.io/revision":"1"},
        "managedFields":[
          {"manager":"helm","operation":"Update","time":"2026-11-01T00:00:00Z"},
          {"manager":"kubectl","operation":"Update","subresource":"scale",
           "time":"2026-11-21T06:00:00Z"}]},
        "spec":{"replicas":6,"template":{"spec":{"containers":[{"name":"w","image":"w:1"}]}}},
        "status":{"observedGeneration":7,"replicas":6,"updatedReplicas":6,"availableReplicas":6}}"#;
    let answer = World::default().with(Resource::Deployments, json).tell(NOW);
    let scale = of(&answer, "k8s:prod/shop/deployment/web@scale:1795240800");
    assert_eq!(scale.kind, ChangeKind::Scale);
    assert_eq!(scale.started_at, today("06:00:00"));
    assert_eq!(scale.who.as_ref().unwrap().name.raw(), "kubectl");
    assert_eq!(versions(scale), (None, None));
    assert_eq!(notes(scale), ["to 6 replicas, as far as it still stands"]);
    // Its replica sets are not read: what stands is told all the same.
    let alone = of(&answer, "k8s:prod/shop/deployment/web@1");
    assert_eq!(versions(alone), (None, Some("1")));
    assert_eq!(alone.started_at, at("2026-11-01T00:00:00Z"));
    assert_eq!(alone.outcome, Outcome::Ok);
}

#[test]
fn a_paused_rollout_is_not_done_made_up() {
    let mut value: Value = serde_json::from_str(recorded!("lists/deployments-payments")).unwrap();
    let api = value["items"][0].as_object_mut().unwrap();
    api["spec"]["paused"] = true.into();
    api["status"]["updatedReplicas"] = 1.into();
    api["status"]["conditions"][1]["reason"] = "DeploymentPaused".into();
    api["status"]["conditions"][1]["status"] = "Unknown".into();
    let answer = World::default()
        .with(Resource::Deployments, &value["items"][0].to_string())
        .with(
            Resource::ReplicaSets,
            recorded!("lists/replicasets-payments"),
        )
        .tell(NOW);
    let id = "k8s:prod/payments/deployment/payments-api@3:56454f688";
    let paused = of(&answer, id);
    assert_eq!(paused.outcome, Outcome::Running);
    let progress = text(paused.told.progress.as_ref());
    assert_eq!(progress, Some("paused, 1 of 3 updated, 3 available"));
}

#[test]
fn another_environment_of_the_same_image_is_a_change_of_configuration_made_up() {
    let mut value: Value = serde_json::from_str(recorded!("lists/replicasets-payments")).unwrap();
    let sets = value["items"].as_array_mut().unwrap();
    let mut config = sets[0].clone();
    config["metadata"]["name"] = "payments-api-cafe".into();
    config["metadata"]["creationTimestamp"] = "2026-11-21T06:19:00Z".into();
    config["metadata"]["labels"]["pod-template-hash"] = "cafe".into();
    config["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "4".into();
    let template = &mut config["spec"]["template"];
    template["spec"]["containers"][0]["env"][0]["value"] = "debug".into();
    // A restart at the same time does not make it one.
    let restart = serde_json::json!({"kubectl.kubernetes.io/restartedAt": "2026-11-21T06:19:00Z"});
    template["metadata"]["annotations"] = restart;
    let mut old = sets[2].clone();
    old["metadata"]["name"] = "payments-api-beef".into();
    old["metadata"]["creationTimestamp"] = "2026-11-21T06:19:30Z".into();
    old["metadata"]["labels"]["pod-template-hash"] = "beef".into();
    old["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "6".into();
    sets.extend([config, old]);
    let answer = World::default()
        .with(
            Resource::Deployments,
            recorded!("lists/deployments-payments"),
        )
        .with(Resource::ReplicaSets, &value.to_string())
        .tell(NOW);
    let api = "k8s:prod/payments/deployment/payments-api@";
    let config = of(&answer, &format!("{api}4:cafe"));
    assert_eq!(config.kind, ChangeKind::Config);
    assert_eq!(versions(config), (Some("1.42.0"), Some("1.42.0")));
    let back = of(&answer, &format!("{api}6:beef"));
    assert_eq!(back.kind, ChangeKind::Rollback, "1.41.0 stood before");
    assert_eq!(versions(back), (Some("1.42.0"), Some("1.41.0")));
    assert!(back.versions.from_is_derived, "revision 5 is gone");
    assert_eq!(back.outcome, Outcome::Unknown, "the status is of another");
}

#[test]
fn a_time_in_the_future_is_told_and_noted_where_changes_are_put_together_made_up() {
    let json = recorded!("lists/replicasets-payments");
    let json = json.replace("2026-11-21T06:14:16Z", "2031-01-01T00:00:00Z");
    let answer = World::default()
        .with(
            Resource::Deployments,
            recorded!("lists/deployments-payments"),
        )
        .with(Resource::ReplicaSets, &json)
        .tell(NOW);
    let id = "k8s:prod/payments/deployment/payments-api@3:56454f688";
    let change = of(&answer, id);
    assert_eq!(change.started_at, at("2031-01-01T00:00:00Z"));
    assert_eq!(change.finished_at, None, "it cannot end before it begins");
    assert_eq!(change.who, None);
}

#[test]
fn an_edit_before_the_revision_before_did_not_roll_back_made_up() {
    let json = recorded!("actions/06-after-undo-deployment");
    let mut value: Value = serde_json::from_str(json).unwrap();
    let managers = value["metadata"]["managedFields"].as_array_mut().unwrap();
    managers.retain(|manager| manager["manager"] != "quell");
    let answer = World::default()
        .with(Resource::Deployments, &value.to_string())
        .with(
            Resource::ReplicaSets,
            recorded!("actions/07-after-undo-replicasets"),
        )
        .tell(NOW);
    let id = "k8s:prod/payments/deployment/payments-api@5:744ddcf7d8";
    let back = of(&answer, id);
    assert_eq!(back.started_at, today("06:15:48"), "of its condition");
    assert_eq!(back.who, None);
}

#[test]
fn a_condition_of_the_revision_before_does_not_end_this_one_made_up() {
    let outcome = |reason: &str, status: &str| {
        let json = recorded!("lists/deployments-payments");
        let mut value: Value = serde_json::from_str(json).unwrap();
        let status_of = &mut value["items"][0]["status"];
        status_of["updatedReplicas"] = 3.into();
        status_of["availableReplicas"] = 2.into();
        let progressing = &mut status_of["conditions"][1];
        progressing["lastUpdateTime"] = "2026-11-21T06:14:12Z".into();
        progressing["reason"] = reason.into();
        progressing["status"] = status.into();
        let answer = World::default()
            .with(Resource::Deployments, &value["items"][0].to_string())
            .with(
                Resource::ReplicaSets,
                recorded!("lists/replicasets-payments"),
            )
            .tell(NOW);
        let id = "k8s:prod/payments/deployment/payments-api@3:56454f688";
        of(&answer, id).outcome
    };
    assert_eq!(outcome("NewReplicaSetAvailable", "True"), Outcome::Running);
    assert_eq!(
        outcome("ProgressDeadlineExceeded", "False"),
        Outcome::Running
    );
}

#[test]
fn a_rollback_of_which_nobody_says_when_is_a_limit_made_up() {
    let json = recorded!("actions/06-after-undo-deployment");
    let mut value: Value = serde_json::from_str(json).unwrap();
    value["metadata"]["managedFields"] = Value::Null;
    value["status"]["conditions"] = Value::Null;
    let answer = World::default()
        .with(Resource::Deployments, &value.to_string())
        .with(
            Resource::ReplicaSets,
            recorded!("actions/07-after-undo-replicasets"),
        )
        .tell(NOW);
    assert_eq!(
        limits(&answer),
        ["deployment payments/payments-api: when it went to revision 5 is not told"]
    );
    assert_eq!(answer.changes.len(), 4);
}
