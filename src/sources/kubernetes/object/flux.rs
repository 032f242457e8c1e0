//! What is kept of Flux's Kustomization and `HelmRelease`?
//!
//! What was applied or released, when and how it ended. No value of a chart is kept. Read by [`super`],
//! told by `tell`.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::Condition;

/// A set of manifests that Flux applies.
#[derive(Clone, Debug)]
pub(in super::super) struct Kustomization {
    pub(in super::super) spec: Option<FluxSpec>,
    pub(in super::super) status: Option<FluxStatus<Attempt>>,
}

/// A chart that Flux releases.
#[derive(Clone, Debug)]
pub(in super::super) struct HelmRelease {
    pub(in super::super) spec: Option<FluxSpec>,
    pub(in super::super) status: Option<FluxStatus<Snapshot>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a spec of Flux")]
pub(in super::super) struct FluxSpec {
    pub(in super::super) interval: Option<Box<str>>,
    pub(in super::super) suspend: Option<bool>,
    pub(in super::super) target_namespace: Option<Box<str>>,
    pub(in super::super) storage_namespace: Option<Box<str>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    expecting = "a status of Flux",
    bound = "T: Deserialize<'de>"
)]
pub(in super::super) struct FluxStatus<T> {
    /// The newest first.
    #[serde(default = "none", deserialize_with = "super::list")]
    pub(in super::super) history: Box<[T]>,
    #[serde(default, deserialize_with = "super::list")]
    pub(in super::super) conditions: Box<[Condition]>,
    pub(in super::super) last_applied_revision: Option<Box<str>>,
    pub(in super::super) last_attempted_revision: Option<Box<str>>,
}

fn none<T>() -> Box<[T]> {
    Box::from([])
}

/// What a Kustomization applied, as often as it was the same.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Attempt {
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) digest: Box<str>,
    #[serde(default, deserialize_with = "super::time")]
    pub(in super::super) first_reconciled: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "super::time")]
    pub(in super::super) last_reconciled: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) last_reconciled_status: Box<str>,
    metadata: Option<AttemptMetadata>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttemptMetadata {
    revision: Option<Box<str>>,
    origin_revision: Option<Box<str>>,
}

impl Attempt {
    /// Of the source that it was built from; an artifact that was made of a commit names that.
    pub(in super::super) fn revision(&self) -> Option<&str> {
        let metadata = self.metadata.as_ref()?;
        metadata
            .origin_revision
            .as_deref()
            .or(metadata.revision.as_deref())
    }
}

/// One release that Helm made.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Snapshot {
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) name: Box<str>,
    pub(in super::super) version: Option<i64>,
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) status: Box<str>,
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) chart_version: Box<str>,
    /// Of the release as a whole is `firstDeployed`; this is of this version.
    #[serde(default, deserialize_with = "super::time")]
    pub(in super::super) last_deployed: Option<DateTime<Utc>>,
}
