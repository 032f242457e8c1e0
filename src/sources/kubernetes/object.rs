//! What is kept of a Kubernetes object?
//!
//! As little as `tell` needs: a cluster has tens of thousands of them. Values of configuration, of
//! environments and of secrets are never kept. One object that cannot be read is named, and the others
//! go on. Called by `feed`; what an object means is said by [`super::tell`].

mod flux;
mod gitops;
mod health;
mod meta;
mod packed;
mod policy;
mod template;
mod workload;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

pub(super) use self::flux::{Attempt, FluxSpec, HelmRelease, Kustomization, Snapshot};
pub(super) use self::gitops::{
    Application, ApplicationStatus, Automated, Initiator, OperationState, Revisions,
};
pub(super) use self::health::{Autoscaler, Budget, Container, Event, Node, Pod, Quota};
use self::meta::WireMeta;
pub(super) use self::meta::{Meta, Owner};
pub(super) use self::packed::Packed;
pub(super) use self::policy::{Constraint, PolicyReport, Reference};
pub(super) use self::template::Template;
pub(super) use self::workload::{AnalysisRun, Revision, Workload, WorkloadStatus};
use super::resource::Resource;

/// One object, as far as it is kept.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) meta: Meta,
    pub(super) body: Body,
}

/// What is kept beside the name. Boxed: most objects are pods and old revisions, and small.
#[derive(Clone, Debug)]
pub(super) enum Body {
    /// Deployments, stateful sets, daemon sets and rollouts.
    Workload(Box<Workload>),
    /// Replica sets and controller revisions.
    Revision(Box<Revision>),
    AnalysisRun(Box<AnalysisRun>),
    Pod(Box<Pod>),
    Node(Box<Node>),
    Event(Box<Event>),
    Autoscaler(Box<Autoscaler>),
    Budget(Box<Budget>),
    Quota(Box<Quota>),
    /// All that is told of it stands in its labels.
    HelmSecret,
    Application(Box<Application>),
    Kustomization(Box<Kustomization>),
    HelmRelease(Box<HelmRelease>),
    PolicyReport(Box<PolicyReport>),
    Constraint(Box<Constraint>),
}

/// The shape that nearly every object has.
#[derive(Deserialize)]
#[serde(bound = "S: DeserializeOwned, T: DeserializeOwned")]
struct Whole<S, T> {
    metadata: WireMeta,
    spec: Option<S>,
    status: Option<T>,
}

impl Object {
    /// Reads one object of a list or of a watch event; the error says what is wrong with it.
    pub(super) fn read(resource: Resource, json: &str) -> Result<Self, String> {
        read(resource, json).map_err(|error| {
            let error = error.to_string();
            // Lines and columns of an object within a list help nobody.
            let what = error.rsplit_once(" at line ").map_or(&*error, |m| m.0);
            what.to_owned()
        })
    }
}

fn read(resource: Resource, json: &str) -> serde_json::Result<Object> {
    Ok(match resource {
        Resource::Deployments
        | Resource::StatefulSets
        | Resource::DaemonSets
        | Resource::Rollouts => {
            let whole: Whole<_, _> = serde_json::from_str(json)?;
            Object {
                meta: whole.metadata.with_managers(),
                body: Body::Workload(Box::new(Workload::new(whole.spec, whole.status))),
            }
        }
        Resource::ReplicaSets => {
            let whole: Whole<_, IgnoredAny> = serde_json::from_str(json)?;
            Object {
                body: Body::Revision(Box::new(Revision::of_replica_set(
                    &whole.metadata,
                    whole.spec,
                ))),
                meta: whole.metadata.short(),
            }
        }
        Resource::ControllerRevisions => {
            let (metadata, revision) = Revision::of_controller_revision(json)?;
            Object {
                meta: metadata.with_managers(),
                body: Body::Revision(Box::new(revision)),
            }
        }
        Resource::AnalysisRuns => of(json, |_: Option<IgnoredAny>, status| {
            Body::AnalysisRun(status.unwrap_or_default())
        })?,
        Resource::Pods => of(json, |spec, status| {
            Body::Pod(Box::new(Pod::new(spec, status)))
        })?,
        Resource::Nodes => of(json, |spec, status| {
            Body::Node(Box::new(Node::new(spec, status)))
        })?,
        Resource::HorizontalPodAutoscalers => of(json, |spec, status| {
            Body::Autoscaler(Box::new(Autoscaler::new(spec, status)))
        })?,
        Resource::PodDisruptionBudgets => of(json, |spec, status| {
            Body::Budget(Box::new(Budget::new(spec, status)))
        })?,
        Resource::ResourceQuotas => of(json, |_: Option<IgnoredAny>, status| {
            Body::Quota(status.unwrap_or_default())
        })?,
        Resource::Events => Event::read(json)?,
        Resource::HelmSecrets => of(json, |_: Option<IgnoredAny>, _: Option<IgnoredAny>| {
            Body::HelmSecret
        })?,
        Resource::Applications => of(json, |spec, status| {
            Body::Application(Box::new(Application { spec, status }))
        })?,
        Resource::Kustomizations => of(json, |spec, status| {
            Body::Kustomization(Box::new(Kustomization { spec, status }))
        })?,
        Resource::HelmReleases => of(json, |spec, status| {
            Body::HelmRelease(Box::new(HelmRelease { spec, status }))
        })?,
        Resource::PolicyReports | Resource::OpenPolicyReports => PolicyReport::read(json)?,
        Resource::Constraints => Constraint::read(json)?,
    })
}

fn of<S: DeserializeOwned, T: DeserializeOwned>(
    json: &str,
    body: impl FnOnce(Option<S>, Option<T>) -> Body,
) -> serde_json::Result<Object> {
    let whole: Whole<S, T> = serde_json::from_str(json)?;
    Ok(Object {
        meta: whole.metadata.short(),
        body: body(whole.spec, whole.status),
    })
}

/// A time that is missing, `null` or no time is not known; the object is read all the same.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text: Option<Cow<'de, str>> = Option::deserialize(deserializer)?;
    let time = text.and_then(|text| DateTime::parse_from_rfc3339(&text).ok());
    let time = time.map(|time| time.to_utc());
    // Go's zero time means that there is none.
    Ok(time.filter(|time| *time > DateTime::UNIX_EPOCH))
}

/// One condition of a status.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: Box<str>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) status: Box<str>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) reason: Box<str>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) message: Box<str>,
    #[serde(default, deserialize_with = "time")]
    pub(super) last_update_time: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "time")]
    pub(super) last_transition_time: Option<DateTime<Utc>>,
}

/// What may be `null` as well as missing.
fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// The condition of a type.
pub(super) fn condition<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| &*condition.kind == kind)
}

/// A list that may be `null`.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Box<[T]>, D::Error> {
    Ok(Option::<Box<[T]>>::deserialize(deserializer)?.unwrap_or_default())
}
