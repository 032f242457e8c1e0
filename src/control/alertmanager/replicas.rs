//! Which replicas belong together, and which of each cluster is written to?
//!
//! The config may say so; otherwise their own peers do. The first replica that answers, in the order of the
//! config, is written to: another one follows only when the plan is made again.

use futures_util::future::join_all;
use serde_json::Value;

use super::super::http_servers::HttpServers;
use super::NoPlan;
use crate::config::settings::{AlertmanagerSettings, Settings};
use crate::domain::action::{ActionRequest, CLUSTER};
use crate::domain::cluster;
use crate::domain::observed::ReplicaStatus;
use crate::domain::source::{SourceError, SourceName};
use crate::domain::text::{Untrusted, shown};

/// All clusters, in the order of the config.
pub(super) struct Clusters {
    all: Vec<Cluster>,
}

/// Replicas that share their silences.
pub(super) struct Cluster {
    /// The name that the config gives it, else the URL of its first replica.
    pub(super) identity: String,
    /// Whether the config names it.
    is_stated: bool,
    pub(super) replicas: Vec<Replica>,
}

/// One replica.
pub(super) struct Replica {
    pub(super) name: SourceName,
    /// How it is: nothing where it does not answer.
    pub(super) status: Result<ReplicaStatus, SourceError>,
}

impl Clusters {
    /// Asks every replica how it is.
    pub(super) async fn look(settings: &Settings, servers: &HttpServers) -> Result<Self, NoPlan> {
        if settings.alertmanagers.is_empty() {
            return Err(NoPlan::new(
                "no Alertmanager is configured: add one to the config, or name it with --alertmanager",
            ));
        }
        let asked = settings.alertmanagers.iter();
        let statuses = join_all(asked.map(|am| async {
            let heard = servers.ask(&am.name, "/api/v2/status").await?;
            Ok::<_, SourceError>(status(&heard.value))
        }))
        .await;
        let silent = ReplicaStatus::default();
        let known = settings.alertmanagers.iter().zip(&statuses);
        let known: Vec<_> = known
            .map(|(am, status)| (am.cluster.as_deref(), status.as_ref().unwrap_or(&silent)))
            .collect();
        let groups = cluster::clusters(&known);
        let mut all: Vec<(usize, Cluster)> = Vec::new();
        let replicas = settings.alertmanagers.iter().zip(statuses).zip(groups);
        for ((am, status), group) in replicas {
            let replica = Replica {
                name: am.name.clone(),
                status,
            };
            match all.iter_mut().find(|(number, _)| *number == group) {
                Some((_, cluster)) => cluster.replicas.push(replica),
                None => all.push((group, Cluster::of(am, replica))),
            }
        }
        Ok(Self {
            all: all.into_iter().map(|(_, cluster)| cluster).collect(),
        })
    }

    /// Those that a request is about: the one that it names, else all. A replica that nobody counts to a
    /// cluster and that does not answer may belong to another one that does: it is left out then.
    pub(super) fn meant(&self, request: &ActionRequest) -> Result<Vec<&Cluster>, NoPlan> {
        let Some(name) = request.get(CLUSTER) else {
            let is_told = |cluster: &&Cluster| cluster.is_stated || cluster.answering().is_some();
            let told: Vec<_> = self.all.iter().filter(is_told).collect();
            return if told.is_empty() {
                Ok(self.all.iter().collect())
            } else {
                Ok(told)
            };
        };
        let found = self.all.iter().find(|cluster| cluster.is(name));
        found.map(|cluster| vec![cluster]).ok_or_else(|| {
            let names: Vec<_> = self.all.iter().map(Cluster::name).collect();
            let (name, names) = (shown(name), names.join(", "));
            NoPlan::new(format!(
                "no Alertmanager cluster `{name}`: there is {names}"
            ))
        })
    }

    /// Those that were left out because nobody knows whether they belong to another one.
    pub(super) fn left_out(&self) -> impl Iterator<Item = &Replica> {
        let silent = self.all.iter().filter(|cluster| !cluster.is_stated);
        let silent = silent.filter(|cluster| cluster.answering().is_none());
        silent.flat_map(|cluster| &cluster.replicas)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The one that a pinned target is of.
    pub(super) fn with(&self, server: &str) -> Option<&Cluster> {
        let has = |cluster: &&Cluster| cluster.replicas.iter().any(|one| *one.name == *server);
        self.all.iter().find(has)
    }
}

impl Cluster {
    fn of(am: &AlertmanagerSettings, first: Replica) -> Self {
        let url = || am.endpoint.url.as_str().to_owned();
        Self {
            identity: am.cluster.clone().unwrap_or_else(url),
            is_stated: am.cluster.is_some(),
            replicas: vec![first],
        }
    }

    fn is(&self, name: &str) -> bool {
        self.identity == name || self.replicas.iter().any(|one| *one.name == *name)
    }

    /// As a request names it.
    pub(super) fn name(&self) -> &str {
        match self.replicas.first() {
            Some(first) if !self.is_stated => &first.name,
            _ => &self.identity,
        }
    }

    /// The first replica that answers.
    pub(super) fn answering(&self) -> Option<&Replica> {
        self.replicas.iter().find(|one| one.status.is_ok())
    }

    /// The one that is written to.
    pub(super) fn writable(&self) -> Result<&Replica, NoPlan> {
        self.answering().ok_or_else(|| {
            let why = self.replicas.iter().filter_map(|one| {
                let why = one.status.as_ref().err()?;
                Some(format!("{}: {why}", one.name))
            });
            let why = why.collect::<Vec<_>>().join("; ");
            NoPlan::new(format!(
                "no replica of the Alertmanager cluster {} answers: {why}",
                self.name()
            ))
        })
    }

    /// Who is asked whether a silence is active: another replica, which has it by gossip alone.
    pub(super) fn witness(&self, written: &SourceName) -> SourceName {
        let others = self.replicas.iter().filter(|one| one.name != *written);
        let mut others = others.filter(|one| one.status.is_ok());
        others.next().map_or(written, |one| &one.name).clone()
    }
}

fn status(value: &Value) -> ReplicaStatus {
    let cluster = &value["cluster"];
    let line = |value: &Value| value.as_str().map(Untrusted::line);
    let peers = cluster["peers"].as_array().map_or(&[][..], Vec::as_slice);
    ReplicaStatus {
        version: line(&value["versionInfo"]["version"]),
        cluster_state: line(&cluster["status"]),
        peer_name: line(&cluster["name"]),
        peers: peers
            .iter()
            .filter_map(|peer| line(&peer["name"]))
            .collect(),
    }
}
