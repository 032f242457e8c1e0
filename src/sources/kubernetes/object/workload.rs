//! What is kept of what is rolled out, and of its revisions?
//!
//! Deployments, stateful sets, daemon sets and Argo Rollouts have one shape here; so have replica sets
//! and controller revisions. Read by [`super`], told by `tell`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};

use super::meta::WireMeta;
use super::{Condition, Template};

/// What is rolled out.
#[derive(Clone, Debug)]
pub(in super::super) struct Workload {
    /// None for a Rollout that refers to a Deployment.
    pub(in super::super) template: Option<Template>,
    pub(in super::super) replicas: i64,
    pub(in super::super) is_paused: bool,
    /// `OnDelete`: pods take a new revision only when they are deleted.
    pub(in super::super) on_delete: bool,
    /// Ordinals below it keep the old revision.
    pub(in super::super) partition: i64,
    /// How many steps a canary has.
    pub(in super::super) steps: usize,
    pub(in super::super) status: Option<WorkloadStatus>,
}

/// How far it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in super::super) struct WorkloadStatus {
    #[serde(deserialize_with = "number")]
    pub(in super::super) observed_generation: Option<i64>,
    #[serde(alias = "desiredNumberScheduled")]
    pub(in super::super) replicas: Option<i64>,
    #[serde(alias = "updatedNumberScheduled")]
    pub(in super::super) updated_replicas: Option<i64>,
    #[serde(alias = "numberReady")]
    pub(in super::super) ready_replicas: Option<i64>,
    #[serde(alias = "numberAvailable")]
    pub(in super::super) available_replicas: Option<i64>,
    #[serde(deserialize_with = "super::list")]
    pub(in super::super) conditions: Box<[Condition]>,
    pub(in super::super) current_revision: Option<Box<str>>,
    pub(in super::super) update_revision: Option<Box<str>>,
    #[serde(flatten)]
    pub(in super::super) progress: Progress,
}

/// How far an Argo Rollout is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in super::super) struct Progress {
    pub(in super::super) phase: Option<Box<str>>,
    pub(in super::super) message: Option<Box<str>>,
    pub(in super::super) abort: Option<bool>,
    #[serde(deserialize_with = "super::time")]
    pub(in super::super) aborted_at: Option<DateTime<Utc>>,
    /// From 0.
    pub(in super::super) current_step_index: Option<usize>,
    pub(in super::super) current_pod_hash: Option<Box<str>>,
    #[serde(rename = "stableRS")]
    pub(in super::super) stable: Option<Box<str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a workload's spec")]
pub(super) struct WireSpec {
    template: Option<Template>,
    replicas: Option<i64>,
    paused: Option<bool>,
    update_strategy: Option<WireStrategy>,
    strategy: Option<WireStrategy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireStrategy {
    #[serde(rename = "type")]
    kind: Option<Box<str>>,
    rolling_update: Option<WireRollingUpdate>,
    canary: Option<WireCanary>,
}

#[derive(Deserialize)]
struct WireRollingUpdate {
    partition: Option<i64>,
}

#[derive(Deserialize)]
struct WireCanary {
    steps: Option<Vec<serde::de::IgnoredAny>>,
}

impl Workload {
    pub(super) fn new(spec: Option<WireSpec>, status: Option<WorkloadStatus>) -> Self {
        let (mut template, mut replicas, mut is_paused) = (None, None, false);
        let (mut on_delete, mut partition, mut steps) = (false, 0, 0);
        if let Some(spec) = spec {
            template = spec.template;
            replicas = spec.replicas;
            is_paused = spec.paused == Some(true);
            for strategy in spec.update_strategy.into_iter().chain(spec.strategy) {
                on_delete |= strategy.kind.as_deref() == Some("OnDelete");
                let rolling = strategy.rolling_update.and_then(|update| update.partition);
                partition = rolling.unwrap_or(partition);
                let canary = strategy.canary.and_then(|canary| canary.steps);
                steps = canary.map_or(steps, |steps| steps.len());
            }
        }
        Self {
            template,
            // What the API server fills in; a daemon set has none, and is not asked for it.
            replicas: replicas.unwrap_or(1),
            is_paused,
            on_delete,
            partition,
            steps,
            status,
        }
    }
}

/// What a workload was, or is, at a revision.
#[derive(Clone, Debug)]
pub(in super::super) struct Revision {
    /// As it is told; a text that is no number is kept to be named.
    pub(in super::super) number: Result<u64, Box<str>>,
    /// Numbers that it had before, the oldest first.
    pub(in super::super) before: Box<[u64]>,
    /// The hash of its template, in its name and on its pods.
    pub(in super::super) hash: Box<str>,
    pub(in super::super) template: Template,
}

#[derive(Deserialize)]
pub(super) struct WireReplicaSet {
    template: Option<Template>,
}

#[derive(Deserialize)]
struct WireControllerRevision {
    metadata: WireMeta,
    revision: Option<i64>,
    data: Option<WireData>,
}

#[derive(Deserialize)]
struct WireData {
    spec: Option<WireReplicaSet>,
}

impl Revision {
    pub(super) fn of_replica_set(meta: &WireMeta, spec: Option<WireReplicaSet>) -> Self {
        let annotations = meta.annotations.as_ref();
        let number = annotations.and_then(|a| a.revision());
        let before = annotations.and_then(|a| a.history()).unwrap_or_default();
        let numbers = before
            .split(',')
            .filter_map(|text| text.trim().parse().ok());
        let label = |name: &str| meta.labels.get(name).map(Box::from);
        let hash = label("pod-template-hash").or_else(|| label("rollouts-pod-template-hash"));
        Self {
            number: number.map_or(Err(Box::from("")), |text| {
                text.parse().map_err(|_| Box::from(text))
            }),
            before: numbers.collect(),
            hash: hash.unwrap_or_default(),
            template: spec.and_then(|spec| spec.template).unwrap_or_default(),
        }
    }

    pub(super) fn of_controller_revision(json: &str) -> serde_json::Result<(WireMeta, Self)> {
        let wire: WireControllerRevision = serde_json::from_str(json)?;
        let number = wire.revision.and_then(|number| u64::try_from(number).ok());
        let label = |name: &str| wire.metadata.labels.get(name).map(Box::from);
        let hash = label("controller.kubernetes.io/hash")
            .or_else(|| label("controller-revision-hash"))
            .or_else(|| wire.metadata.name.rsplit('-').next().map(Box::from));
        let spec = wire.data.and_then(|data| data.spec);
        let revision = Self {
            number: number.ok_or_else(|| Box::from("")),
            before: Box::default(),
            hash: hash.unwrap_or_default(),
            template: spec.and_then(|spec| spec.template).unwrap_or_default(),
        };
        Ok((wire.metadata, revision))
    }
}

/// What an analysis of a Rollout found.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct AnalysisRun {
    pub(in super::super) phase: Option<Box<str>>,
    pub(in super::super) message: Option<Box<str>>,
}

/// Argo Rollouts writes its observed generation as a string.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Wire {
        Number(i64),
        Text(Box<str>),
    }
    Ok(match Option::deserialize(deserializer)? {
        Some(Wire::Number(number)) => Some(number),
        Some(Wire::Text(text)) => text.parse().ok(),
        None => None,
    })
}
