//! How does the story's rollout look to Kubernetes?
//!
//! checkout-api gets a bad version, two pods at a time, and its old one back. What the series say of
//! pods and replicas is said here, too, by the same numbers.

use serde_json::{Value, json};

use super::super::curve::Curve;
use super::super::story::{
    BAD_UNREADY_AGE, BAD_VERSION, CHECKOUT_PODS, CHECKOUT_UNAVAILABLE, CYCLE_MS, GOOD_VERSION,
    bad_pod_span, ms_of, story_secs,
};
use super::super::world::World;
use super::object::{
    AUTOSCALER, BUDGET, DEPLOYMENT, EVENT, Kind, Object, POD, Revision, image, labels, replica_set,
    replica_set_name, template, time, uid,
};

pub(super) const NAMESPACE: &str = "checkout";
pub(super) const SERVICE: &str = "checkout-api";

/// When the good version was rolled out for the first time.
pub(super) const GOOD_SINCE_MS: i64 = -9 * 86_400_000;

/// How long a rollout takes, from its first pod to its last one being ready.
const ROLLOUT_MS: i64 = 35_000;

/// The revision that the story opens with.
const FIRST_REVISION: u32 = 30;

/// How far the rollout is.
pub(super) struct Rollout {
    /// Whether the bad version is the one that is wanted.
    pub is_bad: bool,
    /// The number of the present revision.
    pub revision: u32,
    /// When it began.
    pub began_ms: i64,
    /// When it was complete; later than the time asked about while it goes on.
    pub ends_ms: i64,
    /// When the telling began.
    pub opens_ms: i64,
}

impl Rollout {
    pub(super) fn at(at_ms: i64) -> Self {
        let (telling, secs) = story_secs(at_ms);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "tellings of a demo"
        )]
        let before = FIRST_REVISION + 2 * telling as u32;
        let opens_ms = if at_ms < 0 { 0 } else { at_ms - ms_of(secs) };
        let (bad, good) = bad_pod_span(0);
        let (bad, good) = (ms_of(bad), ms_of(good));
        let rollback_before = if before == FIRST_REVISION {
            GOOD_SINCE_MS
        } else {
            opens_ms - CYCLE_MS + good
        };
        let (is_bad, revision, began_ms) = match ms_of(secs) {
            at if at < bad => (false, before, rollback_before),
            at if at < good => (true, before + 1, opens_ms + bad),
            _ => (false, before + 2, opens_ms + good),
        };
        Self {
            is_bad,
            revision,
            began_ms,
            ends_ms: began_ms + ROLLOUT_MS,
            opens_ms,
        }
    }

    pub(super) fn version(&self) -> &'static str {
        if self.is_bad {
            BAD_VERSION
        } else {
            GOOD_VERSION
        }
    }
}

/// The deployment, its replica sets, pods and what is around them.
pub(super) fn objects(world: &World, kind: &'static Kind, at_ms: i64) -> Vec<Object> {
    let rollout = Rollout::at(at_ms);
    match kind.kind {
        "Deployment" => vec![deployment(world, &rollout, at_ms)],
        "ReplicaSet" => replica_sets(world, &rollout, at_ms),
        "Pod" => (0..CHECKOUT_PODS)
            .map(|number| pod(world, &rollout, number, at_ms))
            .collect(),
        "Event" => events(world, &rollout, at_ms),
        "HorizontalPodAutoscaler" => vec![autoscaler(world)],
        "PodDisruptionBudget" => vec![budget(at_ms)],
        _ => Vec::new(),
    }
}

/// How many pods have the wanted version.
fn updated(rollout: &Rollout, at_ms: i64) -> u32 {
    let is_there = |pod: &u32| {
        let (bad, good) = bad_pod_span(*pod);
        let from = if rollout.is_bad { bad } else { good };
        rollout.began_ms < rollout.opens_ms || at_ms >= rollout.opens_ms + ms_of(from)
    };
    let count = (0..CHECKOUT_PODS).filter(is_there).count();
    u32::try_from(count).unwrap_or(CHECKOUT_PODS)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a handful of pods"
)]
fn unavailable(at_ms: i64) -> u32 {
    let (_, secs) = story_secs(at_ms);
    if at_ms < 0 {
        return 0;
    }
    Curve::through(CHECKOUT_UNAVAILABLE).at(secs) as u32
}

/// The last time at which anything of the rollout changed.
fn changed_ms(rollout: &Rollout, at_ms: i64) -> i64 {
    let waves = (0..CHECKOUT_PODS).flat_map(|pod| {
        let (bad, good) = bad_pod_span(pod);
        [bad, good]
    });
    let turns = CHECKOUT_UNAVAILABLE.iter().map(|(secs, _)| *secs);
    let moments = waves
        .chain(turns)
        .map(|secs| rollout.opens_ms + ms_of(secs))
        .chain([rollout.began_ms, rollout.ends_ms]);
    let past = moments.filter(|moment| *moment <= at_ms);
    past.max().unwrap_or(rollout.began_ms)
}

fn deployment(world: &World, rollout: &Rollout, at_ms: i64) -> Object {
    let (updated, down) = (updated(rollout, at_ms), unavailable(at_ms));
    let is_complete = at_ms >= rollout.ends_ms;
    let version = rollout.version();
    let (reason, message) = if is_complete {
        ("NewReplicaSetAvailable", "has successfully progressed.")
    } else {
        ("ReplicaSetUpdated", "is progressing.")
    };
    let replica_set = replica_set_name(world, SERVICE, version);
    let progressed_ms = if is_complete {
        rollout.ends_ms
    } else {
        changed_ms(rollout, at_ms)
    };
    let generation = rollout.revision + 4;
    Object {
        kind: DEPLOYMENT,
        namespace: NAMESPACE,
        name: SERVICE.to_owned(),
        created_ms: -400 * 86_400_000,
        changed_ms: changed_ms(rollout, at_ms),
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
                "observedGeneration": generation,
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
    let updated = updated(rollout, at_ms);
    let rest = CHECKOUT_PODS - updated;
    let good_number = if rollout.is_bad {
        rollout.revision - 1
    } else {
        rollout.revision
    };
    let earlier: Vec<String> = (FIRST_REVISION..good_number)
        .step_by(2)
        .map(|number| number.to_string())
        .collect();
    let base = Revision {
        namespace: NAMESPACE,
        service: SERVICE,
        version: GOOD_VERSION,
        number: good_number,
        earlier: earlier.join(","),
        created_ms: GOOD_SINCE_MS,
        changed_ms: changed_ms(rollout, at_ms),
        replicas: if rollout.is_bad { rest } else { updated },
        change_cause: Some(change_cause(false)),
    };
    let (bad_began, _) = bad_pod_span(0);
    let bad_since_ms = rollout.opens_ms + ms_of(bad_began);
    let bad_number = if rollout.is_bad {
        rollout.revision
    } else {
        rollout.revision - 1
    };
    let mut all = Vec::new();
    if bad_number > FIRST_REVISION && at_ms >= bad_since_ms {
        all.push(replica_set(
            world,
            &Revision {
                version: BAD_VERSION,
                number: bad_number,
                earlier: String::new(),
                created_ms: bad_since_ms,
                replicas: if rollout.is_bad { updated } else { rest },
                change_cause: Some(change_cause(true)),
                ..base
            },
        ));
    }
    let before = Revision {
        version: "2.30.3",
        number: FIRST_REVISION - 1,
        earlier: String::new(),
        created_ms: GOOD_SINCE_MS - 5 * 86_400_000,
        changed_ms: GOOD_SINCE_MS,
        replicas: 0,
        change_cause: Some("CHG-4390: log levels"),
        ..base
    };
    all.push(replica_set(world, &before));
    all.push(replica_set(world, &base));
    all
}

fn pod(world: &World, rollout: &Rollout, number: u32, at_ms: i64) -> Object {
    let (bad, good) = bad_pod_span(number);
    let (bad_ms, good_ms) = (
        rollout.opens_ms + ms_of(bad),
        rollout.opens_ms + ms_of(good),
    );
    let is_bad = at_ms >= bad_ms && at_ms < good_ms;
    let (version, created_ms) = match (is_bad, at_ms >= good_ms) {
        (true, _) => (BAD_VERSION, bad_ms),
        (false, true) => (GOOD_VERSION, good_ms),
        (false, false) => (GOOD_VERSION, rollout.opens_ms - 300_000),
    };
    let unready_ms = bad_ms + ms_of(BAD_UNREADY_AGE);
    let is_ready = !is_bad || at_ms < unready_ms;
    let changed_ms = if is_ready { created_ms } else { unready_ms };
    let set = replica_set_name(world, SERVICE, version);
    let suffix = world
        .seed
        .pod_suffix(&format!("{SERVICE} {version} {number}"), 5);
    let ready = if is_ready { "True" } else { "False" };
    Object {
        kind: POD,
        namespace: NAMESPACE,
        name: format!("{set}-{suffix}"),
        created_ms,
        changed_ms,
        metadata: json!({
            "labels": labels(SERVICE, version),
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
    if !rollout.is_bad {
        return Vec::new();
    }
    let of_pod = |number: u32| {
        let (bad, good) = bad_pod_span(number);
        let first_ms = rollout.opens_ms + ms_of(bad + BAD_UNREADY_AGE);
        let last_ms = at_ms.min(rollout.opens_ms + ms_of(good));
        if at_ms < first_ms {
            return None;
        }
        // The kubelet probes every ten seconds.
        let times = (last_ms - first_ms) / 10_000 + 1;
        let last_ms = first_ms + (times - 1) * 10_000;
        let set = replica_set_name(world, SERVICE, BAD_VERSION);
        let suffix = world
            .seed
            .pod_suffix(&format!("{SERVICE} {BAD_VERSION} {number}"), 5);
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

fn budget(at_ms: i64) -> Object {
    let healthy = CHECKOUT_PODS - unavailable(at_ms);
    let needed = 10;
    Object {
        kind: BUDGET,
        namespace: NAMESPACE,
        name: SERVICE.to_owned(),
        created_ms: -400 * 86_400_000,
        changed_ms: changed_ms(&Rollout::at(at_ms), at_ms),
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
