//! What is kept of an Argo CD Application?
//!
//! What was synced, when, by whom and how it ended; what differs, by name alone. No manifest and no
//! parameter of a chart is kept. Read by [`super`], told by `tell`.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::domain::service::WORKLOAD_KINDS;

use super::Condition;

/// An application.
#[derive(Clone, Debug)]
pub(in super::super) struct Application {
    pub(in super::super) spec: Option<ApplicationSpec>,
    pub(in super::super) status: Option<ApplicationStatus>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an application's spec")]
pub(in super::super) struct ApplicationSpec {
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) destination: Destination,
    pub(in super::super) sync_policy: Option<SyncPolicy>,
    #[serde(default, deserialize_with = "super::list")]
    pub(in super::super) ignore_differences: Box<[IgnoredAny]>,
}

/// Where it goes to.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in super::super) struct Destination {
    pub(in super::super) namespace: Option<Box<str>>,
    pub(in super::super) server: Option<Box<str>>,
    pub(in super::super) name: Option<Box<str>>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct SyncPolicy {
    pub(in super::super) automated: Option<Automated>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Automated {
    pub(in super::super) enabled: Option<bool>,
    pub(in super::super) prune: Option<bool>,
    pub(in super::super) self_heal: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(
    rename_all = "camelCase",
    default,
    expecting = "an application's status"
)]
pub(in super::super) struct ApplicationStatus {
    #[serde(deserialize_with = "super::list")]
    pub(in super::super) history: Box<[Synced]>,
    pub(in super::super) operation_state: Option<OperationState>,
    pub(in super::super) sync: Option<Sync>,
    #[serde(deserialize_with = "held")]
    pub(in super::super) resources: Held,
    #[serde(deserialize_with = "super::list")]
    pub(in super::super) conditions: Box<[Condition]>,
    #[serde(deserialize_with = "super::time")]
    pub(in super::super) reconciled_at: Option<DateTime<Utc>>,
}

/// One or, of an application with several sources, several.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in super::super) struct Revisions {
    pub(in super::super) revision: Option<Box<str>>,
    #[serde(default, deserialize_with = "super::list")]
    pub(in super::super) revisions: Box<[Box<str>]>,
}

impl Revisions {
    pub(in super::super) fn all(&self) -> Vec<&str> {
        let one = self.revision.as_deref().filter(|one| !one.is_empty());
        if self.revisions.is_empty() {
            one.into_iter().collect()
        } else {
            self.revisions.iter().map(AsRef::as_ref).collect()
        }
    }
}

/// One sync that succeeded.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Synced {
    pub(in super::super) id: Option<i64>,
    #[serde(flatten)]
    pub(in super::super) revisions: Revisions,
    #[serde(default, deserialize_with = "super::time")]
    pub(in super::super) deploy_started_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "super::time")]
    pub(in super::super) deployed_at: Option<DateTime<Utc>>,
    pub(in super::super) initiated_by: Option<Initiator>,
}

/// Who asked for a sync.
#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct Initiator {
    pub(in super::super) username: Option<Box<str>>,
    pub(in super::super) automated: Option<bool>,
}

/// The last operation, also one that goes on or failed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct OperationState {
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) phase: Box<str>,
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) message: Box<str>,
    #[serde(default, deserialize_with = "super::time")]
    pub(in super::super) started_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "super::time")]
    pub(in super::super) finished_at: Option<DateTime<Utc>>,
    pub(in super::super) operation: Option<Operation>,
    pub(in super::super) sync_result: Option<SyncResult>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Operation {
    #[serde(default, deserialize_with = "super::list")]
    pub(in super::super) info: Box<[Info]>,
    pub(in super::super) initiated_by: Option<Initiator>,
    pub(in super::super) sync: Option<SyncOperation>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct Info {
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) name: Box<str>,
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) value: Box<str>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct SyncOperation {
    #[serde(flatten)]
    pub(in super::super) revisions: Revisions,
    pub(in super::super) dry_run: Option<bool>,
    /// None: everything.
    #[serde(default, deserialize_with = "super::list")]
    pub(in super::super) resources: Box<[IgnoredAny]>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct SyncResult {
    #[serde(flatten)]
    pub(in super::super) revisions: Revisions,
    #[serde(default, deserialize_with = "super::list")]
    pub(in super::super) resources: Box<[ResourceResult]>,
}

/// How one resource of a sync ended.
#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct ResourceResult {
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) kind: Box<str>,
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) name: Box<str>,
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) status: Box<str>,
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) message: Box<str>,
}

/// What was compared, and what came out.
#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct Sync {
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) status: Box<str>,
    #[serde(flatten)]
    pub(in super::super) revisions: Revisions,
}

/// A resource that differs from its manifest.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Differs {
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) group: Box<str>,
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) kind: Box<str>,
    pub(in super::super) namespace: Option<Box<str>>,
    #[serde(default, deserialize_with = "super::nullable")]
    pub(in super::super) name: Box<str>,
    #[serde(default, deserialize_with = "super::nullable")]
    status: Box<str>,
    pub(in super::super) requires_pruning: Option<bool>,
    health: Option<Health>,
}

#[derive(Clone, Debug, Deserialize)]
struct Health {
    #[serde(default, deserialize_with = "super::nullable")]
    status: Box<str>,
}

impl Differs {
    /// Whether it is declared and not there.
    pub(in super::super) fn is_missing(&self) -> bool {
        let health = self.health.as_ref();
        health.is_some_and(|health| &*health.status == "Missing")
    }
}

/// What is kept of the resources that an application holds.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Held {
    pub(in super::super) out_of_sync: Box<[Differs]>,
    /// The one that runs a program, if it is one alone.
    pub(in super::super) workload: Option<Box<str>>,
}

fn held<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Held, D::Error> {
    let all = Option::<Vec<Differs>>::deserialize(deserializer)?.unwrap_or_default();
    let mut workloads = all
        .iter()
        .filter(|one| WORKLOAD_KINDS.contains(&&*one.kind));
    let workload = match (workloads.next(), workloads.next()) {
        (Some(only), None) => Some(only.name.clone()),
        (_, _) => None,
    };
    let differs = all.into_iter().filter(|one| &*one.status == "OutOfSync");
    Ok(Held {
        out_of_sync: differs.collect(),
        workload,
    })
}
