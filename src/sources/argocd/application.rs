//! What does an Argo CD `Application` look like, and what does it tell?
//!
//! The fields that are used of it, the same in Argo CD's API and as a custom resource, and two pure
//! functions: [`changes`] for what was deployed and [`drifts`] for what differs from git. Whoever
//! reads applications calls them; nothing here asks anything.

mod changes;
mod drifts;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use url::Url;

pub(in crate::sources) use self::changes::changes;
pub(in crate::sources) use self::drifts::{Difference, drifts};
use crate::config::delivery::DeclaredPlace;
use crate::domain::change::Subject;
use crate::domain::label::Labels;
use crate::domain::service::{WORKLOAD_KINDS, WORKLOAD_LABEL};
use crate::domain::source::SourceName;
use crate::domain::text::Untrusted;
use crate::sources::rest;

/// The name that Argo CD gives to the cluster it runs in: it says nothing of which one that is.
const OWN_CLUSTER: &str = "in-cluster";

/// One application.
#[derive(Debug, Deserialize)]
pub(in crate::sources) struct Application {
    pub(in crate::sources) metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    pub(in crate::sources) status: Status,
}

#[derive(Debug, Deserialize)]
pub(in crate::sources) struct Metadata {
    pub(in crate::sources) name: String,
    pub(in crate::sources) namespace: Option<String>,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    project: Option<String>,
    destination: Option<Destination>,
    source: Option<Source>,
    sources: Option<Vec<Source>>,
}

#[derive(Debug, Deserialize)]
struct Destination {
    name: Option<String>,
    namespace: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    #[serde(rename = "repoURL")]
    repo_url: Option<String>,
    path: Option<String>,
    chart: Option<String>,
    target_revision: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::sources) struct Status {
    history: Option<Vec<HistoryEntry>>,
    operation_state: Option<OperationState>,
    sync: Option<Sync>,
    resources: Option<Vec<Resource>>,
    conditions: Option<Vec<Condition>>,
    pub(in crate::sources) reconciled_at: Option<DateTime<Utc>>,
    controller_namespace: Option<String>,
}

/// A sync that succeeded.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HistoryEntry {
    id: Option<i64>,
    #[serde(flatten)]
    revision: Revision,
    deploy_started_at: Option<DateTime<Utc>>,
    deployed_at: Option<DateTime<Utc>>,
    initiated_by: Option<Initiator>,
}

/// One for an application with one source, several for one with several.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::sources) struct Revision {
    revision: Option<String>,
    revisions: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Initiator {
    username: Option<String>,
    automated: Option<bool>,
}

/// The last sync, or the one under way.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OperationState {
    phase: Option<String>,
    message: Option<String>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    retry_count: Option<u64>,
    operation: Option<Operation>,
    sync_result: Option<Revision>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Operation {
    initiated_by: Option<Initiator>,
    info: Option<Vec<Info>>,
    retry: Option<Retry>,
    sync: Option<SyncOperation>,
}

#[derive(Debug, Deserialize)]
struct Info {
    name: Option<String>,
    value: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Retry {
    limit: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SyncOperation {
    #[serde(flatten)]
    revision: Revision,
    dry_run: Option<bool>,
    /// Only these; none means all.
    resources: Option<Vec<serde::de::IgnoredAny>>,
}

#[derive(Debug, Deserialize)]
struct Sync {
    status: Option<String>,
    #[serde(flatten)]
    revision: Revision,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    #[serde(flatten)]
    key: ResourceKey,
    status: Option<String>,
    requires_pruning: Option<bool>,
    health: Option<Health>,
}

/// Names an object in a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(default)]
pub(in crate::sources) struct ResourceKey {
    pub(in crate::sources) group: String,
    pub(in crate::sources) kind: String,
    pub(in crate::sources) namespace: String,
    pub(in crate::sources) name: String,
}

#[derive(Debug, Deserialize)]
struct Health {
    status: Option<String>,
    message: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: Option<String>,
    message: Option<String>,
}

/// Who tells, where what it tells of is, and where its web pages are.
pub(in crate::sources) struct Context<'a> {
    pub(in crate::sources) source: &'a SourceName,
    pub(in crate::sources) place: &'a DeclaredPlace,
    /// Of Argo CD's own pages, where they are known.
    pub(in crate::sources) web: Option<&'a Url>,
}

impl Application {
    /// As Argo CD itself writes it: `checkout`, or `team-a/checkout` outside of its own namespace.
    pub(in crate::sources) fn qualified_name(&self) -> String {
        let Metadata {
            name, namespace, ..
        } = &self.metadata;
        match (namespace, &self.status.controller_namespace) {
            (Some(namespace), Some(home)) if namespace != home && !home.is_empty() => {
                format!("{namespace}/{name}")
            }
            _ => name.clone(),
        }
    }

    /// The revision that git has now.
    pub(in crate::sources) fn declared_revision(&self) -> Option<Revision> {
        let sync = self.status.sync.as_ref()?;
        sync.revision.told()
    }

    fn subject(&self, context: &Context<'_>, target: &str) -> Subject {
        let place = context.place;
        let destination = self.spec.destination.as_ref();
        let cluster = destination.and_then(|d| d.name.as_deref());
        let ours = [
            ("kind", Some("Application")),
            ("name", Some(&*self.metadata.name)),
            (
                "namespace",
                destination.and_then(|d| d.namespace.as_deref()),
            ),
            ("project", self.spec.project.as_deref()),
            (WORKLOAD_LABEL, self.workload()),
            ("cluster", cluster.filter(|name| *name != OWN_CLUSTER)),
        ];
        let own = self.metadata.labels.iter().flatten();
        let mut pairs: Vec<(Untrusted, Untrusted)> = own
            .map(|(name, value)| (Untrusted::line(name), Untrusted::line(value)))
            .collect();
        let ours = rest::labels(context.source, place, &ours);
        // A name of ours wins over one of the object's: of two the later stays.
        pairs.extend(ours.iter().map(|(n, v)| (n.clone(), v.clone())));
        Subject {
            target: Untrusted::line(target),
            service: rest::line(place.service.as_deref()),
            env: rest::line(place.env.as_deref()),
            labels: Labels::new(pairs),
        }
    }

    /// The one resource that runs a program, if it is one alone.
    fn workload(&self) -> Option<&str> {
        let all = self.status.resources.iter().flatten();
        let is_workload = |one: &&Resource| WORKLOAD_KINDS.contains(&&*one.key.kind);
        let mut workloads = all.filter(is_workload);
        match (workloads.next(), workloads.next()) {
            (Some(only), None) => Some(&only.key.name),
            (_, _) => None,
        }
    }

    /// The page of the application.
    fn link(&self, context: &Context<'_>) -> Option<Untrusted> {
        let mut url = context.web?.clone();
        let Metadata {
            name, namespace, ..
        } = &self.metadata;
        url.path_segments_mut()
            .ok()?
            .pop_if_empty()
            .push("applications")
            .extend(namespace)
            .push(name);
        rest::web_link(&[Some(url.as_str())])
    }

    /// The repositories, for whoever wants to read on: never with the user of a URL.
    fn provenance(&self) -> Option<Untrusted> {
        let sources = self.spec.source.iter();
        let sources = sources.chain(self.spec.sources.iter().flatten());
        let sources: Vec<String> = sources.filter_map(Source::words).collect();
        rest::line(Some(&sources.join(", ")))
    }
}

impl Source {
    fn words(&self) -> Option<String> {
        let repository = self.repo_url.as_deref()?;
        let repository = match Url::parse(repository) {
            Ok(mut url) => {
                // Both only fail for URLs that cannot have a user.
                let _no_user = url.set_username("");
                let _no_password = url.set_password(None);
                url.to_string()
            }
            // `git@host:path`: what stands before the `@` is no secret and no name worth showing.
            Err(_) => repository.rsplit('@').next().unwrap_or_default().to_owned(),
        };
        let mut words = repository;
        for (mark, part) in [
            (" ", self.path.as_ref().or(self.chart.as_ref())),
            (" at ", self.target_revision.as_ref()),
        ] {
            if let Some(part) = part.filter(|part| !part.is_empty()) {
                words.push_str(mark);
                words.push_str(part);
            }
        }
        Some(words)
    }
}

impl Revision {
    /// Where several are told, the single one is empty or says less.
    fn parts(&self) -> impl Iterator<Item = &str> {
        let several = self.revisions.iter().flatten();
        let has_several = several.clone().next().is_some();
        let one = self.revision.iter().filter(move |_| !has_several);
        several
            .chain(one)
            .map(|part| &**part)
            .filter(|part| !part.is_empty())
    }

    /// Itself, unless nothing is told.
    fn told(&self) -> Option<Self> {
        self.parts().next().is_some().then(|| self.clone())
    }

    /// Commits shortened, others as they are: `9f2c1d7be04a`, `3.2.1 + 0123456789ab`.
    pub(in crate::sources) fn words(&self) -> String {
        let parts: Vec<String> = self.parts().map(rest::short_revision).collect();
        parts.join(" + ")
    }

    fn is_same(&self, other: &Self) -> bool {
        self.parts().eq(other.parts())
    }
}

/// Go's zero time is none.
fn real(time: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    time.filter(|time| *time > DateTime::UNIX_EPOCH)
}
