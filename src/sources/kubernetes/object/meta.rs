//! What is kept of an object's metadata?
//!
//! Its names, its labels, who owns it, the few annotations that carry meaning, and, for what is rolled
//! out, who wrote it last and when. The fields that were written are skipped: they are most of the bytes.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::Packed;

/// What names an object, and what is known of it before its body is looked at.
#[derive(Clone, Debug)]
pub(in super::super) struct Meta {
    pub(in super::super) namespace: Option<String>,
    pub(in super::super) name: String,
    pub(in super::super) uid: String,
    /// 0 where it is not told.
    pub(in super::super) generation: i64,
    pub(in super::super) created: Option<DateTime<Utc>>,
    pub(in super::super) labels: Packed,
    pub(in super::super) change_cause: Option<Box<str>>,
    /// The revision that stands, by the annotation of its controller.
    pub(in super::super) revision: Option<Box<str>>,
    /// The one that controls it.
    pub(in super::super) owner: Option<Box<Owner>>,
    /// Of what is rolled out only.
    pub(in super::super) managers: Box<[Manager]>,
}

/// Who controls an object.
#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct Owner {
    pub(in super::super) kind: Box<str>,
    pub(in super::super) name: Box<str>,
    pub(in super::super) uid: Box<str>,
}

/// Who wrote fields, and when last.
#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct Manager {
    #[serde(default, rename = "manager", deserialize_with = "super::nullable")]
    pub(in super::super) name: Box<str>,
    #[serde(default, deserialize_with = "super::time")]
    pub(in super::super) time: Option<DateTime<Utc>>,
    pub(in super::super) subresource: Option<Box<str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "metadata")]
pub(super) struct WireMeta {
    pub(super) name: String,
    namespace: Option<String>,
    uid: Option<String>,
    generation: Option<i64>,
    #[serde(default, deserialize_with = "super::time")]
    creation_timestamp: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(super) labels: Packed,
    pub(super) annotations: Option<WireAnnotations>,
    owner_references: Option<Vec<WireOwner>>,
    managed_fields: Option<Box<[Manager]>>,
}

#[derive(Default, Deserialize)]
#[serde(expecting = "annotations")]
pub(super) struct WireAnnotations {
    #[serde(rename = "deployment.kubernetes.io/revision")]
    revision: Option<Box<str>>,
    #[serde(rename = "deployment.kubernetes.io/revision-history")]
    history: Option<Box<str>>,
    #[serde(rename = "rollout.argoproj.io/revision")]
    rollout_revision: Option<Box<str>>,
    #[serde(rename = "rollout.argoproj.io/revision-history")]
    rollout_history: Option<Box<str>>,
    #[serde(rename = "kubernetes.io/change-cause")]
    change_cause: Option<Box<str>>,
}

#[derive(Deserialize)]
struct WireOwner {
    controller: Option<bool>,
    kind: Box<str>,
    name: Box<str>,
    uid: Box<str>,
}

impl WireAnnotations {
    /// The revision that stands.
    pub(super) fn revision(&self) -> Option<&str> {
        self.revision
            .as_deref()
            .or(self.rollout_revision.as_deref())
    }

    /// Revisions at which it stood before, the oldest first.
    pub(super) fn history(&self) -> Option<&str> {
        self.history.as_deref().or(self.rollout_history.as_deref())
    }
}

impl WireMeta {
    /// Without who wrote it.
    pub(super) fn short(mut self) -> Meta {
        self.managed_fields = None;
        self.with_managers()
    }

    pub(super) fn with_managers(self) -> Meta {
        let annotations = self.annotations.unwrap_or_default();
        let owners = self.owner_references.into_iter().flatten();
        let owner = owners
            .filter(|owner| owner.controller == Some(true))
            .map(|owner| {
                Box::new(Owner {
                    kind: owner.kind,
                    name: owner.name,
                    uid: owner.uid,
                })
            })
            .next();
        Meta {
            namespace: self.namespace.filter(|name| !name.is_empty()),
            name: self.name,
            uid: self.uid.unwrap_or_default(),
            generation: self.generation.unwrap_or_default(),
            created: self.creation_timestamp,
            labels: self.labels,
            change_cause: annotations.change_cause,
            revision: annotations.revision.or(annotations.rollout_revision),
            owner,
            managers: self.managed_fields.unwrap_or_default(),
        }
    }
}
