//! Does what a cluster tells go together with what other modules make of it?

use super::*;
use crate::domain::board::Heard;
use crate::domain::delivery::{Delivery, DeliveryInputs};
use std::sync::Arc;

const NOW: &str = "2026-11-21T06:20:00Z";

fn everything() -> World {
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
        .with(
            Resource::StatefulSets,
            recorded!("lists/statefulsets-payments"),
        )
        .with(Resource::DaemonSets, recorded!("lists/daemonsets-sandbox"))
        .with(Resource::Pods, recorded!("lists/pods-payments"))
        .with(Resource::Pods, recorded!("lists/pods-checkout"))
        .with(Resource::Nodes, recorded!("lists/nodes"))
        .with(Resource::Events, recorded!("lists/events-warning-all"))
        .with(
            Resource::HorizontalPodAutoscalers,
            recorded!("lists/hpa-checkout"),
        )
        .with(Resource::PodDisruptionBudgets, recorded!("lists/pdb-all"))
        .with(
            Resource::ResourceQuotas,
            recorded!("lists/resourcequota-payments"),
        )
        .with(Resource::Applications, recorded!("lists/applications"))
        .with(Resource::Rollouts, recorded!("lists/rollouts"))
        .with(Resource::Kustomizations, recorded!("lists/kustomizations"))
        .with(Resource::HelmReleases, recorded!("lists/helmreleases"))
        .with(Resource::PolicyReports, recorded!("lists/policyreports"))
        .with(
            Resource::Constraints,
            recorded!("lists/gatekeeper-constraints"),
        )
}

#[test]
fn a_whole_cluster_is_told_with_names_that_are_unique_and_stay() {
    let world = everything();
    let answer = world.tell(NOW);
    let mut names: Vec<&str> = ids(&answer);
    names.extend(answer.drifts.iter().map(|drift| drift.id.raw()));
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "{names:?}");
    let later = world.tell("2026-11-21T08:00:00Z");
    assert_eq!(
        ids(&later),
        ids(&answer),
        "a name does not hang on the time"
    );
    assert!(answer.changes.len() > 15);
    let at_all = answer.changes.iter().all(|c| c.started_at <= at(NOW));
    assert!(at_all);
}

#[test]
fn services_are_found_by_the_labels_that_are_told() {
    let inputs = DeliveryInputs {
        heard: vec![Heard {
            source: "prod".into(),
            freshness: crate::domain::freshness::Freshness::Fresh,
            answered_at: at(NOW),
            answer: Arc::new(everything().tell(NOW)),
        }],
        ..DeliveryInputs::default()
    };
    let delivery = Delivery::of(&inputs, at(NOW));
    let worker = Untrusted::line("payments-worker");
    let kinds: std::collections::BTreeSet<_> = delivery
        .troubles_of(&worker)
        .map(|trouble| trouble.kind.word())
        .collect();
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        ["event", "pod", "policy"]
    );
    let web = Untrusted::line("checkout-web");
    let of_web = |c: &&Change| c.subject.service.as_ref() == Some(&web);
    assert!(delivery.changes.iter().filter(of_web).count() >= 2);
}
