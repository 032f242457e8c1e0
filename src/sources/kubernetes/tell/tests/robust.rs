//! Objects that lack what they should have.

use super::*;
use crate::domain::change::Outcome;

const NOW: &str = "2026-11-21T06:20:00Z";

const ALL: [Resource; 20] = [
    Resource::Deployments,
    Resource::StatefulSets,
    Resource::DaemonSets,
    Resource::ReplicaSets,
    Resource::ControllerRevisions,
    Resource::Pods,
    Resource::Nodes,
    Resource::Events,
    Resource::HorizontalPodAutoscalers,
    Resource::PodDisruptionBudgets,
    Resource::ResourceQuotas,
    Resource::HelmSecrets,
    Resource::Applications,
    Resource::Rollouts,
    Resource::AnalysisRuns,
    Resource::Kustomizations,
    Resource::HelmReleases,
    Resource::PolicyReports,
    Resource::OpenPolicyReports,
    Resource::Constraints,
];

#[test]
fn every_resource_has_a_row_and_is_read_however_little_it_holds() {
    use crate::sources::kubernetes::resource::TABLE;
    for resource in ALL {
        assert!(
            TABLE.iter().any(|row| row.resource == resource),
            "{resource:?}"
        );
        let bare = [
            r#"{"metadata":{"name":"x"}}"#,
            r#"{"metadata":{"name":"x","namespace":null,"labels":null,"annotations":null,
               "ownerReferences":null,"managedFields":null,"creationTimestamp":null},
               "spec":null,"status":null,"data":null,"results":null,"scope":null}"#,
            r#"{"metadata":{"name":"x","namespace":"n","creationTimestamp":"not a time",
               "managedFields":[{"manager":"m"}]},"spec":{},"status":{}}"#,
            r#"{"metadata":{"name":"x"},"spec":{"template":null,"strategy":null,"destination":null,"selector":null},
               "status":{"conditions":[{"type":"Ready","status":null,"reason":null}],"history":null,"resources":null,"violations":null,
               "containerStatuses":[{"name":null,"state":null}],"hard":null,"used":null,"operationState":null}}"#,
        ];
        for json in bare {
            let object = Object::read(resource, json);
            assert!(object.is_ok(), "{resource:?} {json}: {object:?}");
            World::default().with(resource, json).tell(NOW);
        }
    }
}

#[test]
fn what_is_no_object_says_what_is_wrong_with_it() {
    for resource in ALL {
        for json in [
            "",
            "null",
            "[]",
            "{",
            r#"{"metadata":{}}"#,
            r#"{"metadata":null}"#,
        ] {
            assert!(Object::read(resource, json).is_err(), "{resource:?} {json}");
        }
    }
    let why = Object::read(Resource::Pods, r#"{"metadata":{}}"#).unwrap_err();
    assert_eq!(why, "missing field `name`");
}

#[test]
fn an_object_that_could_not_be_read_is_a_limit_by_name() {
    let mut world = World::default();
    let key = Key {
        resource: Resource::Deployments,
        plural: "deployments".to_owned(),
        namespace: Some("shop".to_owned()),
        name: "x\u{1b}[2J".to_owned(),
    };
    world
        .store
        .unreadable
        .insert(key, "missing field".to_owned());
    let answer = world.tell(NOW);
    let limit = answer.limits[0].shown();
    let expected = "deployments shop/x\\u{1b}[2J: could not be read: missing field";
    assert_eq!(limit, expected);
}

#[test]
fn a_workload_without_a_status_is_named_and_its_revisions_are_told_made_up() {
    let mut value: Value = serde_json::from_str(recorded!("lists/deployments-payments")).unwrap();
    value["items"][0]["status"] = Value::Null;
    let answer = World::default()
        .with(Resource::Deployments, &value["items"][0].to_string())
        .with(
            Resource::ReplicaSets,
            recorded!("lists/replicasets-payments"),
        )
        .tell(NOW);
    assert_eq!(
        limits(&answer),
        ["deployment payments/payments-api: has no status: how its rollout goes is not known"]
    );
    assert_eq!(answer.changes.len(), 3);
    assert!(answer.changes.iter().all(|c| c.outcome == Outcome::Unknown));
}

#[test]
fn a_revision_that_is_no_number_is_named_made_up() {
    let json = r#"{"metadata":{"name":"web-1","namespace":"shop",
        "annotations":{"deployment.kubernetes.io/revision":"second"}}}"#;
    let answer = World::default().with(Resource::ReplicaSets, json).tell(NOW);
    assert_eq!(
        limits(&answer),
        ["replicasets shop/web-1: its revision `second` is no number"]
    );
}

#[test]
fn an_object_that_controls_itself_holds_nobody_made_up() {
    let json = r#"{"metadata":{"name":"a","namespace":"shop","uid":"u","ownerReferences":[
        {"apiVersion":"v1","kind":"Pod","name":"a","uid":"u","controller":true}]},
        "status":{"phase":"Pending","conditions":[
        {"type":"PodScheduled","status":"False","reason":"Unschedulable"}]}}"#;
    let answer = World::default().with(Resource::Pods, json).tell(NOW);
    assert_eq!(answer.troubles.len(), 1);
}

#[test]
fn hostile_texts_are_made_safe_where_they_enter_made_up() {
    let json = recorded!("lists/replicasets-payments")
        .replace("release 1.42.0 (build 8901)", "\\u001b]0;x\\u0007evil")
        .replace("api:1.42.0", "api:1\\u202e2");
    let answer = World::default()
        .with(
            Resource::Deployments,
            recorded!("lists/deployments-payments"),
        )
        .with(Resource::ReplicaSets, &json)
        .tell(NOW);
    let id = "k8s:prod/payments/deployment/payments-api@3:56454f688";
    let change = of(&answer, id);
    let shown = change.told.reason.as_ref().unwrap().shown();
    assert_eq!(shown, "\\u{1b}]0;x\\u{7}evil");
    let to = change.versions.to.as_ref().unwrap().shown();
    assert_eq!(to, "1\\u{202e}2");
}

#[test]
fn nothing_secret_of_a_template_or_a_release_is_kept_made_up() {
    let template = r#"{"metadata":{"name":"w","namespace":"n","annotations":{
        "kubectl.kubernetes.io/last-applied-configuration":"hunter2"}},"spec":{"template":{"spec":{
        "containers":[{"name":"w","image":"w:1","env":[{"name":"P","value":"hunter2"}],
        "args":["--password=hunter2"]}]}}},"status":{}}"#;
    for resource in [
        Resource::Deployments,
        Resource::ReplicaSets,
        Resource::Rollouts,
    ] {
        let object = Object::read(resource, template).unwrap();
        assert!(!format!("{object:?}").contains("hunter2"), "{resource:?}");
    }
    let secret = r#"{"metadata":{"name":"s","namespace":"n"},"data":{"release":"hunter2"}}"#;
    let object = Object::read(Resource::HelmSecrets, secret).unwrap();
    assert!(!format!("{object:?}").contains("hunter2"));
}
