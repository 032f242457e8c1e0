//! A cluster of tens of thousands of objects. Measures nothing: it proves that size changes no answer.

use super::*;

/// Recorded objects under other names, as many as of a large cluster.
fn large(deployments: usize) -> World {
    let text = recorded!("lists/deployments-payments");
    let value: Value = serde_json::from_str(text).unwrap();
    let deployment = value["items"][0].to_string();
    let sets: Value = serde_json::from_str(recorded!("lists/replicasets-payments")).unwrap();
    let pods: Value = serde_json::from_str(recorded!("lists/pods-by-label")).unwrap();
    let mut world = World::default();
    let uid = "a5be48db-bd3b-4e08-a3d1-3d7174720a87";
    for number in 0..deployments {
        let renamed = |json: &Value| {
            let json = json.to_string();
            let json = json.replace("payments-api", &format!("api-{number}"));
            json.replace(uid, &format!("uid-{number}"))
        };
        let json = deployment.replace("payments-api", &format!("api-{number}"));
        let json = json.replace(uid, &format!("uid-{number}"));
        world.hold(Resource::Deployments, &json);
        for set in sets["items"].as_array().unwrap().iter().take(3) {
            world.hold(Resource::ReplicaSets, &renamed(set));
        }
        for pod in pods["items"].as_array().unwrap() {
            world.hold(Resource::Pods, &renamed(pod));
        }
    }
    world
}

#[test]
fn every_deployment_of_a_large_cluster_is_told_as_it_would_be_alone() {
    let answer = large(200).tell("2026-11-21T06:20:00Z");
    assert_eq!(answer.changes.len(), 600);
    assert!(answer.limits.is_empty());
    let last = of(&answer, "k8s:prod/payments/deployment/api-199@3:56454f688");
    assert_eq!(versions(last), (Some("1.41.1"), Some("1.42.0")));
}
