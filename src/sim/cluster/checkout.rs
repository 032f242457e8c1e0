//! How does the story's rollout look to Kubernetes?
//!
//! checkout-api gets a bad version, two pods at a time, and its old one back. What the series say of
//! pods and replicas is said here, too, by the same numbers.

use serde_json::{Value, json};

use super::super::plot::Version;
use super::super::story::{BAD_UNREADY_AGE, CHECKOUT_PODS, GOOD_VERSION, ms_of};
use super::super::world::World;
use super::evict;
use super::object::{
    AUTOSCALER, BUDGET, DEPLOYMENT, EVENT, Kind, Object, POD, Revision, image, labels, replica_set,
    replica_set_name, template, time, uid,
};
use super::rollout::{FIRST_REVISION, GOOD_SINCE_MS, Place, Rollout, text};

pub(super) const NAMESPACE: &str = "checkout";
pub(super) const SERVICE: &str = "checkout-api";

/// What its disruption budget keeps.
const NEEDED_PODS: u32 = 10;

/// The deployment, its replica sets, pods and what is around them.
pub(super) fn objects(world: &World, kind: &'static Kind, at_ms: i64) -> Vec<Object> {
    let rollout = Rollout::at(world, at_ms);
    match kind.kind {
        "Deployment" => vec![deployment(world, &rollout, at_ms)],
        "ReplicaSet" => replica_sets(world, &rollout, at_ms),
        "Pod" => (0..CHECKOUT_PODS)
            .flat_map(|number| pods(world, &rollout, number, at_ms))
            .collect(),
        "Event" => events(world, &rollout, at_ms),
        "HorizontalPodAutoscaler" => vec![autoscaler(world)],
        "PodDisruptionBudget" => vec![budget(world, &rollout, at_ms)],
        _ => Vec::new(),
    }
}

/// How many pods cannot be relied on: those of the rollout, and those that were told to go.
fn unavailable(world: &World, rollout: &Rollout, at_ms: i64) -> u32 {
    let missing = evict::missing(world, NAMESPACE, at_ms);
    (rollout.unavailable(at_ms) + missing).min(CHECKOUT_PODS)
}

/// The last time at which anything that is counted changed.
fn changed_ms(world: &World, rollout: &Rollout, at_ms: i64) -> i64 {
    let gone = evict::changed_ms(world, NAMESPACE, at_ms);
    rollout.changed_ms(at_ms).max(gone.unwrap_or(i64::MIN))
}

fn deployment(world: &World, rollout: &Rollout, at_ms: i64) -> Object {
    let updated = rollout.pods_of(&rollout.key, at_ms);
    let down = unavailable(world, rollout, at_ms);
    let is_complete = at_ms >= rollout.ends_ms;
    let version = rollout.version();
    let (reason, message) = if is_complete {
        ("NewReplicaSetAvailable", "has successfully progressed.")
    } else {
        ("ReplicaSetUpdated", "is progressing.")
    };
    let replica_set = replica_set_name(world, SERVICE, &rollout.key);
    let progressed_ms = if is_complete {
        rollout.ends_ms
    } else {
        changed_ms(world, rollout, at_ms)
    };
    let generation = rollout.revision + 4;
    let observed = generation - u32::from(at_ms < rollout.seen_ms);
    Object {
        kind: DEPLOYMENT,
        namespace: NAMESPACE,
        name: SERVICE.to_owned(),
        created_ms: -400 * 86_400_000,
        changed_ms: changed_ms(world, rollout, at_ms),
        metadata: json!({
            "generation": generation,
            "labels": labels(SERVICE, version),
            "annotations": {
                "deployment.kubernetes.io/revision": rollout.revision.to_string(),
                "kubernetes.io/change-cause": change_cause(rollout.is_bad),
                "argocd.argoproj.io/tracking-id":
                    format!("checkout:apps/Deployment:{NAMESPACE}/{SERVICE}"),
            },
            "managedFields": [
                {
                    "manager": "argocd-controller", "operation": "Apply", "apiVersion": "apps/v1",
                    "time": time(world, rollout.began_ms), "fieldsType": "FieldsV1",
                    "fieldsV1": { "f:spec": { "f:template": {} } },
                },
                {
                    "manager": "kube-controller-manager", "operation": "Update",
                    "apiVersion": "apps/v1", "time": time(world, progressed_ms),
                    "subresource": "status", "fieldsType": "FieldsV1",
                    "fieldsV1": { "f:status": {} },
                },
            ],
        }),
        body: json!({
            "spec": {
                "replicas": CHECKOUT_PODS,
                "progressDeadlineSeconds": 600,
                "selector": { "matchLabels": { "app.kubernetes.io/name": SERVICE } },
                "template": template(NAMESPACE, SERVICE, version),
            },
            "status": {
                "observedGeneration": observed,
                "replicas": CHECKOUT_PODS,
                "updatedReplicas": updated,
                "readyReplicas": CHECKOUT_PODS - down,
                "availableReplicas": CHECKOUT_PODS - down,
                "unavailableReplicas": down,
                "conditions": [
                    condition(world, "Available", down <= 2, "MinimumReplicasAvailable",
                              "Deployment has minimum availability.", rollout.began_ms),
                    condition(world, "Progressing", true, reason,
                              &format!("ReplicaSet \"{replica_set}\" {message}"), progressed_ms),
                ],
            },
        }),
    }
}

fn change_cause(is_bad: bool) -> &'static str {
    if is_bad {
        "CHG-4471: faster cart totals"
    } else {
        "CHG-4402: retry budget"
    }
}

fn condition(
    world: &World,
    kind: &str,
    status: bool,
    reason: &str,
    message: &str,
    at_ms: i64,
) -> Value {
    json!({
        "type": kind,
        "status": if status { "True" } else { "False" },
        "reason": reason, "message": message,
        "lastUpdateTime": time(world, at_ms), "lastTransitionTime": time(world, at_ms),
    })
}

/// The good one is used again by the rollback and takes a new number; the bad one is there from its
/// rollout on.
fn replica_sets(world: &World, rollout: &Rollout, at_ms: i64) -> Vec<Object> {
    let before = Revision {
        namespace: NAMESPACE,
        service: SERVICE,
        key: "2.30.3",
        version: "2.30.3",
        number: FIRST_REVISION - 1,
        earlier: String::new(),
        created_ms: GOOD_SINCE_MS - 5 * 86_400_000,
        changed_ms: GOOD_SINCE_MS,
        replicas: 0,
        change_cause: Some("CHG-4390: log levels"),
    };
    let mut all: Vec<Object> = rollout
        .sets
        .iter()
        .map(|set| {
            let (number, earlier) = set.numbers.split_last().unwrap_or((&FIRST_REVISION, &[]));
            let earlier: Vec<String> = earlier.iter().map(u32::to_string).collect();
            let revision = Revision {
                key: &set.key,
                version: text(set.version),
                number: *number,
                earlier: earlier.join(","),
                created_ms: set.created_ms,
                changed_ms: rollout.changed_ms(at_ms),
                replicas: rollout.pods_of(&set.key, at_ms),
                change_cause: Some(change_cause(set.version == Version::Bad)),
                ..before
            };
            replica_set(world, &revision)
        })
        .collect();
    all.push(replica_set(world, &before));
    all
}

/// What stands at a pod's place: the pod itself, and those before it that are still going.
fn pods(world: &World, rollout: &Rollout, number: u32, at_ms: i64) -> Vec<Object> {
    let place = rollout.place(number, at_ms);
    let suffix = world
        .seed
        .pod_suffix(&format!("{SERVICE} {} {number}", place.key), 5);
    let set = replica_set_name(world, SERVICE, &place.key);
    let mut all = Vec::new();
    let mut name = format!("{set}-{suffix}");
    let (mut since_ms, mut is_new) = (place.since_ms, false);
    // A pod that was told to go is followed by another one, which may be told, too.
    while let Some(told_ms) = evict::told(world, NAMESPACE, &name, since_ms, at_ms) {
        if at_ms < told_ms + evict::GOING_MS {
            let mut going = pod(world, &place, (&name, since_ms, is_new), number, at_ms);
            evict::mark(world, &mut going, told_ms);
            all.push(going);
        }
        let suffix = world.seed.pod_suffix(&format!("{name} {told_ms}"), 5);
        name = format!("{set}-{suffix}");
        (since_ms, is_new) = (told_ms, true);
    }
    all.push(pod(world, &place, (&name, since_ms, is_new), number, at_ms));
    all
}

/// A pod of this name that was made at this time, as the replacement of another one or in a rollout.
fn pod(
    world: &World,
    place: &Place,
    (name, created_ms, is_new): (&str, i64, bool),
    number: u32,
    at_ms: i64,
) -> Object {
    let version = text(place.version);
    let unready_ms = match place.version {
        Version::Bad => created_ms + ms_of(BAD_UNREADY_AGE),
        Version::Good => i64::MAX,
    };
    let ready_ms = created_ms + if is_new { evict::STARTING_MS } else { 0 };
    let is_ready = (ready_ms..unready_ms).contains(&at_ms);
    let moments = [created_ms, ready_ms, unready_ms];
    let changed_ms = moments.into_iter().filter(|moment| *moment <= at_ms).max();
    let changed_ms = changed_ms.unwrap_or(created_ms);
    let set = replica_set_name(world, SERVICE, &place.key);
    let mut own_labels = labels(SERVICE, version);
    own_labels["pod-template-hash"] = json!(set.rsplit('-').next().unwrap_or_default());
    let ready = if is_ready { "True" } else { "False" };
    Object {
        kind: POD,
        namespace: NAMESPACE,
        name: name.to_owned(),
        created_ms,
        changed_ms,
        metadata: json!({
            "labels": own_labels,
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set, "controller": true,
                "uid": uid(world, super::object::REPLICA_SET, NAMESPACE, &set),
            }],
        }),
        body: json!({
            "spec": {
                "nodeName": format!("worker-0{}", 1 + number % 3),
                "containers": [{
                    "name": SERVICE, "image": image(NAMESPACE, SERVICE, version),
                }],
            },
            "status": {
                "phase": "Running",
                "startTime": time(world, created_ms),
                "conditions": [{
                    "type": "Ready", "status": ready,
                    "reason": if is_ready { Value::Null } else { json!("ContainersNotReady") },
                    "lastTransitionTime": time(world, changed_ms),
                }],
                "containerStatuses": [{
                    "name": SERVICE, "ready": is_ready, "started": true, "restartCount": 0,
                    "image": image(NAMESPACE, SERVICE, version),
                    "state": { "running": { "startedAt": time(world, created_ms) } },
                }],
            },
        }),
    }
}

/// Bad pods fail their probe: one event for each, counted on.
fn events(world: &World, rollout: &Rollout, at_ms: i64) -> Vec<Object> {
    let of_pod = |number: u32| {
        let place = rollout.place(number, at_ms);
        let first_ms = place.since_ms + ms_of(BAD_UNREADY_AGE);
        if place.version == Version::Good || at_ms < first_ms {
            return None;
        }
        // The kubelet probes every ten seconds.
        let times = (at_ms - first_ms) / 10_000 + 1;
        let last_ms = first_ms + (times - 1) * 10_000;
        let set = replica_set_name(world, SERVICE, &place.key);
        let suffix = world
            .seed
            .pod_suffix(&format!("{SERVICE} {} {number}", place.key), 5);
        let pod = format!("{set}-{suffix}");
        Some(Object {
            kind: EVENT,
            namespace: NAMESPACE,
            name: format!("{pod}.unhealthy"),
            created_ms: first_ms,
            changed_ms: last_ms,
            metadata: json!({}),
            body: json!({
                "type": "Warning", "reason": "Unhealthy",
                "message": "Readiness probe failed: HTTP probe failed with statuscode: 503",
                "involvedObject": {
                    "apiVersion": "v1", "kind": "Pod", "namespace": NAMESPACE, "name": pod,
                },
                "source": { "component": "kubelet", "host": "worker-01" },
                "firstTimestamp": time(world, first_ms),
                "lastTimestamp": time(world, last_ms),
                "count": times,
            }),
        })
    };
    (0..CHECKOUT_PODS).filter_map(of_pod).collect()
}

/// Somebody raised its bound by hand, past what git says.
fn autoscaler(world: &World) -> Object {
    let edited_ms = -2 * 86_400_000;
    Object {
        kind: AUTOSCALER,
        namespace: NAMESPACE,
        name: SERVICE.to_owned(),
        created_ms: -400 * 86_400_000,
        changed_ms: edited_ms,
        metadata: json!({
            "labels": labels(SERVICE, GOOD_VERSION),
            "managedFields": [{
                "manager": "kubectl-edit", "operation": "Update", "apiVersion": "autoscaling/v2",
                "time": time(world, edited_ms), "fieldsType": "FieldsV1",
                "fieldsV1": { "f:spec": { "f:maxReplicas": {} } },
            }],
        }),
        body: json!({
            "spec": {
                "minReplicas": 6, "maxReplicas": 24,
                "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": SERVICE },
            },
            "status": {
                "currentReplicas": CHECKOUT_PODS, "desiredReplicas": CHECKOUT_PODS,
                "conditions": [
                    { "type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale" },
                    { "type": "ScalingActive", "status": "True", "reason": "ValidMetricFound" },
                    { "type": "ScalingLimited", "status": "False", "reason": "DesiredWithinRange" },
                ],
            },
        }),
    }
}

fn budget(world: &World, rollout: &Rollout, at_ms: i64) -> Object {
    let healthy = CHECKOUT_PODS - unavailable(world, rollout, at_ms);
    let needed = NEEDED_PODS;
    Object {
        kind: BUDGET,
        namespace: NAMESPACE,
        name: SERVICE.to_owned(),
        created_ms: -400 * 86_400_000,
        changed_ms: changed_ms(world, rollout, at_ms),
        metadata: json!({ "generation": 1, "labels": labels(SERVICE, GOOD_VERSION) }),
        body: json!({
            "spec": { "minAvailable": needed,
                      "selector": { "matchLabels": { "app.kubernetes.io/name": SERVICE } } },
            "status": {
                "observedGeneration": 1, "currentHealthy": healthy, "desiredHealthy": needed,
                "expectedPods": CHECKOUT_PODS,
                "disruptionsAllowed": healthy.saturating_sub(needed),
            },
        }),
    }
}
