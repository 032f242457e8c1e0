//! What else runs on the simulated cluster, and has for days?
//!
//! The neighbours of checkout-api, the telemetry, the nodes. One of them was deployed when its burn
//! began; the others were left alone.

use serde_json::json;

use super::super::world::World;
use super::object::{
    DEPLOYMENT, Kind, NODE, Object, Revision, STATEFUL_SET, labels, replica_set, replica_set_name,
    template, time,
};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A deployment that was rolled out once, some time ago.
struct Steady {
    namespace: &'static str,
    service: &'static str,
    before: &'static str,
    version: &'static str,
    revision: u32,
    rolled_out_ms: i64,
    replicas: u32,
    manager: &'static str,
}

const STEADY: &[Steady] = &[
    Steady {
        namespace: "web",
        service: "storefront",
        before: "4.111.2",
        version: "4.112.0",
        revision: 212,
        rolled_out_ms: -26 * HOUR_MS,
        replicas: 3,
        manager: "argocd-controller",
    },
    Steady {
        namespace: "web",
        service: "cart",
        before: "1.88.1",
        version: "1.88.2",
        revision: 57,
        rolled_out_ms: -5 * HOUR_MS,
        replicas: 3,
        manager: "argocd-controller",
    },
    Steady {
        namespace: "payments",
        service: "payments",
        before: "7.3.0",
        version: "7.3.1",
        revision: 19,
        rolled_out_ms: -6 * DAY_MS,
        replicas: 3,
        manager: "argocd-controller",
    },
    Steady {
        namespace: "web",
        service: "catalog",
        before: "0.60.4",
        version: "0.61.0",
        revision: 88,
        rolled_out_ms: -12 * DAY_MS,
        replicas: 3,
        manager: "helm",
    },
    // Its burn began with this one.
    Steady {
        namespace: "search",
        service: "search",
        before: "3.8.6",
        version: "3.9.0",
        revision: 41,
        rolled_out_ms: -(3 * DAY_MS + 7 * HOUR_MS + 30 * 60_000),
        replicas: 3,
        manager: "argocd-controller",
    },
];

/// Everything that the story leaves alone.
pub(super) fn objects(world: &World, kind: &'static Kind, at_ms: i64) -> Vec<Object> {
    let each = STEADY.iter();
    match kind.kind {
        "Deployment" => each.map(|steady| deployment(world, steady)).collect(),
        "ReplicaSet" => each
            .flat_map(|steady| replica_sets(world, steady, at_ms))
            .collect(),
        "StatefulSet" => vec![collector(world)],
        "Node" => ["worker-01", "worker-02", "worker-03", "worker-07"]
            .map(|name| node(world, name, at_ms))
            .into(),
        _ => Vec::new(),
    }
}

fn deployment(world: &World, steady: &Steady) -> Object {
    let ended_ms = steady.rolled_out_ms + 48_000;
    let set = replica_set_name(world, steady.service, steady.version);
    Object {
        kind: DEPLOYMENT,
        namespace: steady.namespace,
        name: steady.service.to_owned(),
        created_ms: -300 * DAY_MS,
        changed_ms: ended_ms,
        metadata: json!({
            "generation": steady.revision,
            "labels": labels(steady.service, steady.version),
            "annotations": { "deployment.kubernetes.io/revision": steady.revision.to_string() },
            "managedFields": [{
                "manager": steady.manager, "operation": "Apply", "apiVersion": "apps/v1",
                "time": time(world, steady.rolled_out_ms), "fieldsType": "FieldsV1",
                "fieldsV1": { "f:spec": { "f:template": {} } },
            }],
        }),
        body: json!({
            "spec": {
                "replicas": steady.replicas,
                "selector": { "matchLabels": { "app.kubernetes.io/name": steady.service } },
                "template": template(steady.namespace, steady.service, steady.version),
            },
            "status": {
                "observedGeneration": steady.revision,
                "replicas": steady.replicas, "updatedReplicas": steady.replicas,
                "readyReplicas": steady.replicas, "availableReplicas": steady.replicas,
                "conditions": [{
                    "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable",
                    "message": format!("ReplicaSet \"{set}\" has successfully progressed."),
                    "lastUpdateTime": time(world, ended_ms),
                    "lastTransitionTime": time(world, ended_ms),
                }],
            },
        }),
    }
}

/// The one in use, the one before, and one for each template that somebody wrote.
fn replica_sets(world: &World, steady: &Steady, at_ms: i64) -> Vec<Object> {
    let now = Revision {
        namespace: steady.namespace,
        service: steady.service,
        key: steady.version,
        version: steady.version,
        number: steady.revision,
        earlier: String::new(),
        created_ms: steady.rolled_out_ms,
        changed_ms: steady.rolled_out_ms,
        replicas: steady.replicas,
        change_cause: None,
    };
    let before = Revision {
        key: steady.before,
        version: steady.before,
        number: steady.revision - 1,
        earlier: String::new(),
        created_ms: steady.rolled_out_ms - 8 * DAY_MS,
        replicas: 0,
        ..now
    };
    let mut sets = vec![before, now];
    let log = &world.deeds;
    let edits = log.edits_of("deployments", steady.namespace, steady.service, at_ms);
    let rolled = edits.filter_map(|edit| Some((edit.at_ms, edit.rolls_to.as_deref()?)));
    for ((rolled_ms, key), number) in rolled.zip(steady.revision + 1..) {
        for set in &mut sets {
            if set.replicas > 0 {
                set.changed_ms = rolled_ms;
                set.replicas = 0;
            }
        }
        let known = sets.iter().position(|set| set.key == key);
        let place = known.unwrap_or_else(|| {
            let version = key.split(' ').next().unwrap_or(key);
            sets.push(Revision {
                key,
                version,
                number,
                earlier: String::new(),
                created_ms: rolled_ms,
                ..sets[0]
            });
            sets.len() - 1
        });
        let set = &mut sets[place];
        if known.is_some() {
            let separator = if set.earlier.is_empty() { "" } else { "," };
            set.earlier = format!("{}{separator}{}", set.earlier, set.number);
        }
        (set.number, set.changed_ms, set.replicas) = (number, rolled_ms, steady.replicas);
    }
    sets.iter().map(|set| replica_set(world, set)).collect()
}

fn collector(world: &World) -> Object {
    let service = "otel-collector";
    let rolled_out_ms = -16 * DAY_MS;
    Object {
        kind: STATEFUL_SET,
        namespace: "observability",
        name: service.to_owned(),
        created_ms: -200 * DAY_MS,
        changed_ms: rolled_out_ms,
        metadata: json!({
            "generation": 14,
            "labels": labels(service, "0.138.0"),
            "managedFields": [{
                "manager": "argocd-controller", "operation": "Apply", "apiVersion": "apps/v1",
                "time": time(world, rolled_out_ms), "fieldsType": "FieldsV1",
                "fieldsV1": { "f:spec": { "f:template": {} } },
            }],
        }),
        body: json!({
            "spec": {
                "replicas": 4,
                "serviceName": service,
                "selector": { "matchLabels": { "app.kubernetes.io/name": service } },
                "template": template("observability", service, "0.138.0"),
            },
            "status": {
                "observedGeneration": 14, "replicas": 4, "readyReplicas": 4,
                "availableReplicas": 4, "currentReplicas": 4, "updatedReplicas": 4,
                "currentRevision": "otel-collector-6d9f8b7c5",
                "updateRevision": "otel-collector-6d9f8b7c5",
            },
        }),
    }
}

/// One of them runs out of disk, as its series say.
fn node(world: &World, name: &str, at_ms: i64) -> Object {
    let is_full = name == "worker-07";
    let since_ms = -90 * 60_000;
    // The kubelet reports once a minute.
    let heartbeat_ms = at_ms.div_euclid(60_000) * 60_000;
    let condition = |kind: &str, is_on: bool, reason: &str, since_ms: i64| {
        json!({
            "type": kind, "status": if is_on { "True" } else { "False" }, "reason": reason,
            "lastHeartbeatTime": time(world, heartbeat_ms),
            "lastTransitionTime": time(world, since_ms),
        })
    };
    let pressure = if is_full {
        condition("DiskPressure", true, "KubeletHasDiskPressure", since_ms)
    } else {
        condition(
            "DiskPressure",
            false,
            "KubeletHasNoDiskPressure",
            -60 * DAY_MS,
        )
    };
    Object {
        kind: NODE,
        namespace: "",
        name: name.to_owned(),
        created_ms: -60 * DAY_MS,
        changed_ms: since_ms,
        metadata: json!({ "labels": { "kubernetes.io/hostname": name } }),
        body: json!({
            "spec": {},
            "status": {
                "conditions": [
                    pressure,
                    condition("Ready", true, "KubeletReady", -60 * DAY_MS),
                ],
                "nodeInfo": { "kubeletVersion": "v1.33.4" },
            },
        }),
    }
}
