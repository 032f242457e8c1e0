//! How is an object of the simulated cluster written down?

use serde_json::{Value, json};

use super::super::world::World;
use super::version_of;

/// A kind of object that is installed.
#[derive(Debug)]
#[allow(clippy::struct_field_names, reason = "an API calls it so")]
pub(in crate::sim) struct Kind {
    pub kind: &'static str,
    pub plural: &'static str,
    pub group: &'static str,
    pub version: &'static str,
    pub namespaced: bool,
}

const fn kind(
    kind: &'static str,
    plural: &'static str,
    group: &'static str,
    version: &'static str,
    namespaced: bool,
) -> Kind {
    Kind {
        kind,
        plural,
        group,
        version,
        namespaced,
    }
}

pub(super) static DEPLOYMENT: &Kind = &KINDS[0];
pub(super) static REPLICA_SET: &Kind = &KINDS[1];
pub(super) static STATEFUL_SET: &Kind = &KINDS[2];
pub(super) static POD: &Kind = &KINDS[4];
pub(super) static NODE: &Kind = &KINDS[5];
pub(super) static EVENT: &Kind = &KINDS[6];
pub(super) static AUTOSCALER: &Kind = &KINDS[7];
pub(super) static BUDGET: &Kind = &KINDS[8];
pub(super) static APPLICATION: &Kind = &KINDS[10];
pub(super) static LEASE: &Kind = &KINDS[11];
pub(super) static NAMESPACE: &Kind = &KINDS[12];

/// Everything that is installed.
pub(super) static KINDS: [Kind; 13] = [
    kind("Deployment", "deployments", "apps", "v1", true),
    kind("ReplicaSet", "replicasets", "apps", "v1", true),
    kind("StatefulSet", "statefulsets", "apps", "v1", true),
    kind("DaemonSet", "daemonsets", "apps", "v1", true),
    kind("Pod", "pods", "", "v1", true),
    kind("Node", "nodes", "", "v1", false),
    kind("Event", "events", "", "v1", true),
    kind(
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        "autoscaling",
        "v2",
        true,
    ),
    kind(
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        "policy",
        "v1",
        true,
    ),
    kind("ResourceQuota", "resourcequotas", "", "v1", true),
    kind(
        "Application",
        "applications",
        "argoproj.io",
        "v1alpha1",
        true,
    ),
    kind("Lease", "leases", "coordination.k8s.io", "v1", true),
    kind("Namespace", "namespaces", "", "v1", false),
];

impl Kind {
    /// `apps/v1`
    pub(super) fn api_version(&self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// As aggregated discovery names it.
    pub(super) fn discovered(&self) -> Value {
        json!({
            "resource": self.plural,
            "responseKind": { "group": self.group, "version": self.version, "kind": self.kind },
            "scope": if self.namespaced { "Namespaced" } else { "Cluster" },
            "singularResource": self.kind.to_lowercase(),
            "verbs": ["get", "list", "patch", "watch"],
        })
    }
}

/// One object at a time.
#[derive(Debug)]
pub(in crate::sim) struct Object {
    pub kind: &'static Kind,
    /// Empty for what lives in no namespace.
    pub namespace: &'static str,
    pub name: String,
    /// When it was made, in milliseconds since the opening.
    pub created_ms: i64,
    /// When it last changed.
    pub changed_ms: i64,
    /// Labels, annotations and the like.
    pub metadata: Value,
    /// Everything beside the metadata.
    pub body: Value,
}

impl Object {
    /// As the API writes it.
    pub(super) fn json(&self, world: &World) -> Value {
        let mut metadata = self.metadata.clone();
        metadata["name"] = json!(self.name);
        if !self.namespace.is_empty() {
            metadata["namespace"] = json!(self.namespace);
        }
        let topic = format!("{} {} {}", self.kind.kind, self.namespace, self.name);
        metadata["uid"] = json!(world.seed.uuid(&topic));
        metadata["resourceVersion"] = json!(version_of(self.changed_ms).to_string());
        metadata["creationTimestamp"] = json!(time(world, self.created_ms));
        let mut object = self.body.clone();
        object["apiVersion"] = json!(self.kind.api_version());
        object["kind"] = json!(self.kind.kind);
        object["metadata"] = metadata;
        object
    }
}

/// Kubernetes writes whole seconds.
pub(super) fn time(world: &World, at_ms: i64) -> String {
    let text = world.wall(at_ms);
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}

/// The uid that an object of this kind and name has.
pub(super) fn uid(world: &World, kind: &Kind, namespace: &str, name: &str) -> String {
    world
        .seed
        .uuid(&format!("{} {namespace} {name}", kind.kind))
}

/// What makes a rollout: a workload and the template of one revision.
pub(super) struct Revision<'a> {
    pub namespace: &'static str,
    pub service: &'a str,
    /// What tells its replica set from others.
    pub key: &'a str,
    pub version: &'a str,
    pub number: u32,
    /// The numbers it had before.
    pub earlier: String,
    pub created_ms: i64,
    pub changed_ms: i64,
    pub replicas: u32,
    pub change_cause: Option<&'a str>,
}

/// The image of a version.
pub(super) fn image(namespace: &str, service: &str, version: &str) -> String {
    format!("registry.example.com/{namespace}/{service}:{version}")
}

/// The labels that everything of a service has.
pub(super) fn labels(service: &str, version: &str) -> Value {
    json!({
        "app.kubernetes.io/name": service,
        "app.kubernetes.io/version": version,
        "app.kubernetes.io/managed-by": "argocd",
    })
}

/// A pod template.
pub(super) fn template(namespace: &str, service: &str, version: &str) -> Value {
    json!({
        "metadata": { "labels": labels(service, version) },
        "spec": { "containers": [{
            "name": service,
            "image": image(namespace, service, version),
        }] },
    })
}

/// The name of a revision's replica set, as its pods are called, too.
pub(super) fn replica_set_name(world: &World, service: &str, key: &str) -> String {
    let suffix = world.seed.pod_suffix(&format!("{service} {key}"), 10);
    format!("{service}-{suffix}")
}

/// The replica set of a revision.
pub(super) fn replica_set(world: &World, revision: &Revision<'_>) -> Object {
    let Revision {
        namespace,
        service,
        version,
        ..
    } = *revision;
    let mut annotations = json!({
        "deployment.kubernetes.io/revision": revision.number.to_string(),
        "deployment.kubernetes.io/desired-replicas": revision.replicas.to_string(),
    });
    if !revision.earlier.is_empty() {
        annotations["deployment.kubernetes.io/revision-history"] = json!(revision.earlier);
    }
    if let Some(cause) = revision.change_cause {
        annotations["kubernetes.io/change-cause"] = json!(cause);
    }
    let name = replica_set_name(world, service, revision.key);
    let mut labels = labels(service, version);
    labels["pod-template-hash"] = json!(name.rsplit('-').next().unwrap_or_default());
    Object {
        kind: REPLICA_SET,
        namespace,
        name,
        created_ms: revision.created_ms,
        changed_ms: revision.changed_ms,
        metadata: json!({
            "generation": 1,
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "Deployment", "name": service,
                "uid": uid(world, DEPLOYMENT, namespace, service),
                "controller": true, "blockOwnerDeletion": true,
            }],
        }),
        body: json!({
            "spec": {
                "replicas": revision.replicas,
                "selector": { "matchLabels": { "app.kubernetes.io/name": service } },
                "template": template(namespace, service, version),
            },
            "status": {
                "replicas": revision.replicas, "readyReplicas": revision.replicas,
                "availableReplicas": revision.replicas, "observedGeneration": 1,
            },
        }),
    }
}
