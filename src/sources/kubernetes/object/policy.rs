//! What is kept of policy reports and of Gatekeeper's constraints?
//!
//! What does not pass, and how many. Read by [`super`], told by `tell`.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::meta::WireMeta;
use super::{Body, Object};

/// What policies say of one object or of several.
#[derive(Clone, Debug)]
pub(in super::super) struct PolicyReport {
    /// What all results are about, where it is one thing.
    pub(in super::super) scope: Option<Reference>,
    /// Those that do not pass.
    pub(in super::super) results: Box<[PolicyResult]>,
    pub(in super::super) summary: Summary,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct Summary {
    pub(in super::super) fail: Option<u64>,
    pub(in super::super) warn: Option<u64>,
    pub(in super::super) error: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(in super::super) struct Reference {
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) kind: Box<str>,
    pub(in super::super) namespace: Option<Box<str>>,
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) name: Box<str>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct PolicyResult {
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) policy: Box<str>,
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) rule: Box<str>,
    /// `fail`, `warn`, `error`; `pass` and `skip` are not kept.
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) result: Box<str>,
    timestamp: Option<Timestamp>,
    /// `wgpolicyk8s.io` calls them so, `openreports.io` says `subjects`.
    #[serde(default, alias = "subjects", deserialize_with = "super::list")]
    pub(in super::super) resources: Box<[Reference]>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Timestamp {
    #[serde(default, deserialize_with = "super::nullable")]
    seconds: i64,
}

impl PolicyResult {
    pub(in super::super) fn at(&self) -> Option<DateTime<Utc>> {
        let seconds = self.timestamp?.seconds;
        DateTime::from_timestamp(seconds, 0).filter(|_| seconds > 0)
    }
}

#[derive(Deserialize)]
#[serde(expecting = "a policy report")]
struct WireReport {
    metadata: WireMeta,
    scope: Option<Reference>,
    results: Option<Vec<PolicyResult>>,
    summary: Option<Summary>,
}

impl PolicyReport {
    pub(super) fn read(json: &str) -> serde_json::Result<Object> {
        let wire: WireReport = serde_json::from_str(json)?;
        let results = wire.results.into_iter().flatten();
        let is_kept = |result: &PolicyResult| !matches!(&*result.result, "pass" | "skip");
        let report = Self {
            scope: wire.scope,
            results: results.filter(is_kept).collect(),
            summary: wire.summary.unwrap_or_default(),
        };
        Ok(Object {
            meta: wire.metadata.short(),
            body: Body::PolicyReport(Box::new(report)),
        })
    }
}

/// A constraint of Gatekeeper, as its audit last saw it.
#[derive(Clone, Debug)]
pub(in super::super) struct Constraint {
    /// The template's name: `K8sRequiredLabels`.
    pub(in super::super) kind: Box<str>,
    pub(in super::super) status: Option<ConstraintStatus>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a constraint's status")]
pub(in super::super) struct ConstraintStatus {
    #[serde(default, deserialize_with = "super::time")]
    pub(in super::super) audit_timestamp: Option<DateTime<Utc>>,
    pub(in super::super) total_violations: Option<u64>,
    /// At most 20 of them, unless its audit is told otherwise.
    #[serde(default, deserialize_with = "super::list")]
    pub(in super::super) violations: Box<[Violation]>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Violation {
    #[serde(flatten)]
    pub(in super::super) of: Reference,
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) message: Box<str>,
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) enforcement_action: Box<str>,
}

#[derive(Deserialize)]
#[serde(expecting = "a constraint")]
struct WireConstraint {
    metadata: WireMeta,
    #[serde(default, deserialize_with = "super::nullable")]
    kind: Box<str>,
    status: Option<ConstraintStatus>,
}

impl Constraint {
    pub(super) fn read(json: &str) -> serde_json::Result<Object> {
        let wire: WireConstraint = serde_json::from_str(json)?;
        Ok(Object {
            meta: wire.metadata.short(),
            body: Body::Constraint(Box::new(Self {
                kind: wire.kind,
                status: wire.status,
            })),
        })
    }
}
