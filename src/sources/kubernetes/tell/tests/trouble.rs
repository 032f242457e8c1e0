//! Pods, nodes, autoscalers, budgets, quotas, events, policies.

use super::*;
use crate::domain::delivery::TroubleKind;

const NOW: &str = "2026-11-21T06:20:00Z";

/// What is told of a target, by words and count.
fn told<'a>(answer: &'a DeliveryAnswer, target: &str) -> Vec<(&'a str, u64)> {
    let found = troubles(answer, target).into_iter();
    found.map(|t| (t.what.raw(), t.count)).collect()
}

fn pods() -> World {
    World::default()
        .with(Resource::Pods, recorded!("lists/pods-payments"))
        .with(Resource::Pods, recorded!("lists/pods-checkout"))
}

#[test]
fn pods_that_do_not_run_say_why_and_healthy_ones_say_nothing() {
    let answer = pods().tell(NOW);
    let worker = "payments/pod/payments-worker-5cf796464c-2mw74";
    assert_eq!(
        told(&answer, worker),
        [(
            "worker: CrashLoopBackOff, restarted 5 times, last ended: exit code 1",
            5
        )]
    );
    assert_eq!(troubles(&answer, worker)[0].since, Some(today("06:14:38")));
    let web = told(&answer, "checkout/pod/checkout-web-57767bff48-525b2");
    assert!(
        web[0]
            .0
            .starts_with("web: ImagePullBackOff: Back-off pulling image")
    );
    let big = told(&answer, "checkout/pod/oversized-6774449db4-f42nr");
    assert!(
        big[0]
            .0
            .starts_with("Unschedulable: 0/3 nodes are available")
    );
    assert_eq!(answer.troubles.len(), 5);
    assert!(answer.troubles.iter().all(|t| t.kind == TroubleKind::Pod));
}

#[test]
fn a_pod_has_the_service_of_its_workload() {
    let answer = pods()
        .with(Resource::Deployments, recorded!("lists/deployments-all"))
        .with(
            Resource::ReplicaSets,
            recorded!("lists/replicasets-checkout"),
        )
        .tell(NOW);
    let target = "checkout/pod/checkout-web-57767bff48-525b2";
    let subject = &troubles(&answer, target)[0].subject;
    for (name, value) in [
        ("team", "checkout"),
        ("app.kubernetes.io/name", "checkout-web"),
        ("app", "checkout-web"),
        ("kind", "Pod"),
    ] {
        assert_eq!(label(subject, name), value, "{name}");
    }
}

#[test]
fn memory_that_ran_out_is_told_for_some_hours_made_up() {
    let json = r#"{"metadata":{"name":"a","namespace":"shop"},"spec":{},"status":{
      "phase":"Running","containerStatuses":[{"name":"w","restartCount":1,"state":{"running":{}},
      "lastState":{"terminated":{"exitCode":137,"reason":"OOMKilled",
      "finishedAt":"2026-11-21T06:00:00Z"}}}]}}"#;
    let world = World::default().with(Resource::Pods, json);
    let soon = world.tell(NOW);
    assert_eq!(
        told(&soon, "shop/pod/a"),
        [("w: OOMKilled, restarted 1 times", 1)]
    );
    let late = world.tell("2026-11-22T06:00:00Z");
    assert!(late.troubles.is_empty(), "it is long over");
}

#[test]
fn a_node_that_is_not_ready_is_told_with_what_runs_on_it_made_up() {
    let mut value: Value = serde_json::from_str(recorded!("lists/nodes")).unwrap();
    let ready = &mut value["items"][2]["status"]["conditions"][3];
    ready["status"] = "Unknown".into();
    ready["reason"] = "NodeStatusUnknown".into();
    ready["message"] = "Kubelet stopped posting node status.".into();
    ready["lastTransitionTime"] = "2026-11-21T06:16:00Z".into();
    let answer = pods().with(Resource::Nodes, &value.to_string()).tell(NOW);
    assert_eq!(
        told(&answer, "node/node-c")[0].0,
        "nobody knows whether it is ready: NodeStatusUnknown: Kubelet stopped posting node status."
    );
    assert!(told(&answer, "node/node-a").is_empty());
    let on_it: Vec<_> = answer
        .troubles
        .iter()
        .filter(|t| t.kind == TroubleKind::Node && t.subject.target.raw() != "node/node-c")
        .map(|t| (t.subject.target.raw(), t.what.raw()))
        .collect();
    let worker = (
        "payments/replicaset/payments-worker-5cf796464c",
        "1 of its pods on node-c, which is not ready",
    );
    assert!(on_it.contains(&worker), "{on_it:?}");
}

#[test]
fn a_cordoned_node_is_told_and_ready_ones_are_not() {
    let answer = World::default()
        .with(Resource::Nodes, recorded!("lists/nodes"))
        .with(Resource::Nodes, recorded!("actions/14-node-cordoned"))
        .tell(NOW);
    assert_eq!(
        told(&answer, "node/node-b"),
        [("cordoned: no new pod is put there (unschedulable)", 1)]
    );
    assert_eq!(answer.troubles.len(), 1);
}

fn autoscaler(change: impl FnOnce(&mut Value)) -> DeliveryAnswer {
    let mut value: Value = serde_json::from_str(recorded!("lists/hpa-checkout")).unwrap();
    change(&mut value["items"][0]["status"]);
    World::default()
        .with(Resource::HorizontalPodAutoscalers, &value.to_string())
        .with(Resource::Deployments, recorded!("lists/deployments-all"))
        .tell(NOW)
}

#[test]
fn an_autoscaler_is_trouble_at_its_maximum_or_without_its_metrics_made_up() {
    let target = "checkout/horizontalpodautoscaler/checkout-web";
    assert!(told(&autoscaler(|_| {}), target).is_empty(), "as recorded");
    let limited = autoscaler(|status| {
        status["conditions"][2]["status"] = "True".into();
        status["conditions"][2]["reason"] = "TooManyReplicas".into();
        status["desiredReplicas"] = 5.into();
    });
    let words = "wants more than its maximum of 5 replicas";
    assert_eq!(told(&limited, target), [(words, 1)]);
    let subject = &troubles(&limited, target)[0].subject;
    assert_eq!(label(subject, "team"), "checkout", "of what it scales");
    let full = autoscaler(|status| status["desiredReplicas"] = 5.into());
    assert_eq!(told(&full, target), [("at its maximum of 5 replicas", 1)]);
    let blind = autoscaler(|status| {
        status["conditions"][1]["status"] = "False".into();
        status["conditions"][1]["reason"] = "FailedGetResourceMetric".into();
        status["conditions"][1]["message"] = "no metrics".into();
    });
    let words = "cannot read its metrics: FailedGetResourceMetric: no metrics";
    assert_eq!(told(&blind, target), [(words, 1)]);
}

#[test]
fn the_last_change_of_scale_by_an_autoscaler_is_a_change_of_what_it_scales_made_up() {
    use crate::domain::change::{ActorKind, ChangeKind, Outcome};
    let recorded = autoscaler(|_| {});
    let scaled = |c: &&Change| c.kind == ChangeKind::Scale;
    assert!(recorded.changes.iter().find(scaled).is_none());
    let answer = autoscaler(|status| status["lastScaleTime"] = "2026-11-21T06:18:00Z".into());
    let id = "k8s:prod/checkout/deployment/checkout-web@scale:1795241880";
    let change = of(&answer, id);
    assert_eq!(change.kind, ChangeKind::Scale);
    assert_eq!(change.outcome, Outcome::Ok);
    let who = change.who.as_ref().unwrap();
    assert_eq!(who.name.raw(), "autoscaler checkout-web");
    assert_eq!(who.kind, ActorKind::Automation);
    assert_eq!(label(&change.subject, "team"), "checkout");
    assert_eq!(label(&change.subject, "kind"), "Deployment");
}

#[test]
fn a_budget_is_trouble_only_with_unhealthy_pods() {
    let answer = World::default()
        .with(Resource::PodDisruptionBudgets, recorded!("lists/pdb-all"))
        .tell(NOW);
    let target = "checkout/poddisruptionbudget/checkout-web";
    let words = "3 of 4 pods are healthy and 3 are wanted: none may be evicted";
    assert_eq!(told(&answer, target), [(words, 1)]);
    let found = troubles(&answer, target)[0];
    assert_eq!(label(&found.subject, "app"), "checkout-web");
    assert_eq!(found.since, Some(today("06:14:22")));
    // That of payments-api lets nothing go either, and is as healthy as can be.
    assert_eq!(answer.troubles.len(), 1);
    let disrupted = World::default()
        .with(
            Resource::PodDisruptionBudgets,
            recorded!("actions/12-pdb-during-disruption"),
        )
        .tell(NOW);
    assert_eq!(disrupted.troubles.len(), 1);
}

#[test]
fn a_quota_is_trouble_from_nine_tenths_on() {
    let quota = |used: &str| {
        let json = recorded!("lists/resourcequota-payments");
        let json = json.replace("\"500m\"", used);
        let answer = World::default()
            .with(Resource::ResourceQuotas, &json)
            .tell(NOW);
        let found = told(&answer, "payments/resourcequota/team-quota");
        let found = found.into_iter().map(|t| t.0.to_owned());
        found.collect::<Vec<_>>()
    };
    assert!(quota("\"500m\"").is_empty(), "as recorded");
    assert!(quota("\"1799m\"").is_empty());
    assert_eq!(quota("\"1800m\""), ["requests.cpu: 1800m of 2 used (90 %)"]);
}

#[test]
fn warnings_of_the_same_reason_about_the_same_thing_are_one() {
    let answer = pods()
        .with(Resource::Events, recorded!("lists/events-warning-all"))
        .tell(NOW);
    let of = |target: &str| -> Vec<(&str, u64)> {
        let found = troubles(&answer, target).into_iter();
        let events = found.filter(|t| t.kind == TroubleKind::Event);
        events.map(|t| (t.what.raw(), t.count)).collect()
    };
    let failed = of("checkout/pod/checkout-web-57767bff48-525b2");
    assert_eq!(failed.len(), 2);
    assert!(failed[1].0.starts_with("Failed: "));
    assert_eq!(failed[1].1, 2);
    // One of the newer events counts in a series and has no timestamps of the older kind.
    let big = of("checkout/pod/oversized-6774449db4-f42nr");
    assert_eq!(big.len(), 1);
    assert_eq!(big[0].1, 3);
    assert!(
        big[0].0.ends_with("(last 2026-11-21 06:14:16 UTC)"),
        "{}",
        big[0].0
    );
    let found = troubles(&answer, "checkout/pod/oversized-6774449db4-f42nr");
    assert!(
        found
            .iter()
            .all(|t| label(&t.subject, "app") == "oversized")
    );
}

#[test]
fn events_that_warn_of_nothing_are_no_trouble() {
    let answer = World::default()
        .with(Resource::Events, recorded!("lists/events-core-checkout"))
        .tell(NOW);
    assert!(!answer.troubles.is_empty());
    let is_normal = |t: &Trouble| t.what.raw().starts_with("Scheduled");
    assert!(!answer.troubles.iter().any(is_normal));
}

#[test]
fn policies_that_fail_are_told_of_what_they_are_about() {
    for resource in [Resource::PolicyReports, Resource::OpenPolicyReports] {
        let answer = World::default()
            .with(resource, recorded!("lists/policyreports"))
            .with(Resource::Deployments, recorded!("lists/deployments-all"))
            .tell(NOW);
        let target = "payments/deployment/payments-worker";
        let words = "fail: require-probes (readiness), require-limits (memory)";
        assert_eq!(told(&answer, target), [(words, 2)]);
        let found = troubles(&answer, target)[0];
        assert_eq!(found.kind, TroubleKind::Policy);
        assert_eq!(found.since, Some(at("2026-11-21T05:05:03Z")));
        assert_eq!(
            label(&found.subject, "app.kubernetes.io/name"),
            "payments-worker"
        );
        assert_eq!(
            limits(&answer),
            ["policyreport payments/polr-ns-payments: counts 1 warn, but names 0"]
        );
    }
}

#[test]
fn results_with_objects_of_their_own_are_told_of_each_made_up() {
    let json = r#"{"metadata":{"name":"r","namespace":"shop"},"results":[
      {"policy":"p","result":"fail","subjects":[{"kind":"Pod","name":"a"},{"kind":"Pod","name":"b"}]},
      {"policy":"q","result":"error","resources":[{"kind":"Pod","name":"a"}]},
      {"policy":"s","result":"skip"},{"policy":"w","result":"warn"}]}"#;
    let answer = World::default()
        .with(Resource::OpenPolicyReports, json)
        .tell(NOW);
    assert_eq!(told(&answer, "shop/pod/a"), [("error: q; fail: p", 2)]);
    assert_eq!(told(&answer, "shop/pod/b"), [("fail: p", 1)]);
    assert_eq!(told(&answer, "shop/policyreport/r"), [("warn: w", 1)]);
}

#[test]
fn a_constraint_names_what_violates_it_and_how_many_it_does_not_name() {
    let answer = World::default()
        .with(
            Resource::Constraints,
            recorded!("lists/gatekeeper-constraints"),
        )
        .tell(NOW);
    let words = "K8sRequiredLabels/ns-must-have-owner (warn): you must provide labels: {\"owner\"}";
    assert_eq!(told(&answer, "namespace/payments"), [(words, 1)]);
    assert_eq!(
        told(&answer, "K8sRequiredLabels/ns-must-have-owner"),
        [("5 violations, of which its audit names 2 only", 5)]
    );
    assert_eq!(answer.troubles[0].since, Some(today("05:00:00")));
    let all = recorded!("lists/gatekeeper-constraints");
    let all = all.replace("\"totalViolations\": 5", "\"totalViolations\": 2");
    let answer = World::default().with(Resource::Constraints, &all).tell(NOW);
    assert_eq!(answer.troubles.len(), 2, "all are named");
}
