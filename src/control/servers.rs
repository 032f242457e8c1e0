//! Which servers can be written to, and what do they answer?
//!
//! One client for each Alertmanager, cluster and control plane of the settings, made when it is first
//! needed, with the login of the read side. [`Servers::send`] is the one place that sends a write of a
//! plan; [`Servers::read`] asks what a check or a search for evidence needs. Called by the families and by
//! dispatch.

use chrono::{DateTime, Utc};

use super::http_servers::HttpServers;
use super::kubernetes::{self, Asked, Clusters, Held, RENEW_EVERY};
use super::perform::Place;
use super::{local, terraform};
use crate::config::settings::Settings;
use crate::domain::check::{Read, Seen};
use crate::domain::plan::{ActionId, HttpWrite, Plan, Target, Verb, Write};
use crate::domain::record::StepOutcome;
use crate::domain::source::{ErrorKind, SourceError, SourceName};
use crate::domain::text::Untrusted;

/// Leases of ours, each with its server.
#[derive(Default)]
pub(super) struct Leases(Vec<(SourceName, Held)>);

/// Every server that can be written to.
pub struct Servers {
    settings: Settings,
    http: HttpServers,
    clusters: Clusters,
}

impl Servers {
    /// From the settings. Opens no connection and reads no secret.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            http: HttpServers::new(settings),
            clusters: Clusters::new(settings),
            settings: settings.clone(),
        }
    }

    /// The settings that they were made from.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The Alertmanagers and the control planes.
    pub(super) fn http(&self) -> &HttpServers {
        &self.http
    }

    /// The API servers.
    pub(super) fn clusters(&self) -> &Clusters {
        &self.clusters
    }

    /// Sends a write, once, whatever the answer.
    pub(super) async fn send(&self, write: &Write) -> StepOutcome {
        let outcome = match write {
            Write::Http(write) => match self.clusters.named(&write.server) {
                Some(cluster) => Some(cluster.send(write).await),
                None => self.http.send(write).await,
            },
            Write::Command(write) => match terraform::run(write).await {
                Some(outcome) => Some(outcome),
                None => Some(local::run(write).await),
            },
        };
        outcome.unwrap_or_else(|| StepOutcome::NotSent {
            why: Untrusted::line("the settings know no such server"),
        })
    }

    /// Who else holds the lease of a target; nobody where it is not of a cluster.
    ///
    /// # Errors
    /// It cannot be found out, in words.
    pub(super) async fn lease_holder(
        &self,
        target: &Target,
        action: &ActionId,
        now: DateTime<Utc>,
    ) -> Result<Option<Untrusted>, Untrusted> {
        match self.clusters.named(&target.server) {
            Some(cluster) => {
                kubernetes::holder_of(cluster, target, self.lease_namespace(), action, now).await
            }
            None => Ok(None),
        }
    }

    /// Takes the leases of all targets. Those that cannot be taken because they may not be written are left:
    /// a lease is a courtesy.
    ///
    /// # Errors
    /// Who has one of them. Those that were taken are given back.
    pub(super) async fn take_leases(
        &self,
        plan: &Plan,
        place: &Place,
    ) -> Result<Leases, Untrusted> {
        let mut taken = Leases::default();
        for target in &plan.targets {
            let Some(cluster) = self.clusters.named(&target.server) else {
                continue;
            };
            let (who, now) = ((&place.by, &plan.seed.id), (place.clock)());
            match kubernetes::acquire(cluster, target, self.lease_namespace(), who, now).await {
                Asked::Ours(held) => taken.0.push((target.server.clone(), held)),
                Asked::Unknown(_) => {}
                Asked::Theirs(who) => {
                    self.give_back(taken).await;
                    return Err(who);
                }
            }
        }
        Ok(taken)
    }

    /// Renews leases until it is dropped. One that cannot be renewed is only no courtesy any more.
    pub(super) async fn renew_leases(&self, leases: &Leases, place: &Place) {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            for (server, held) in &leases.0 {
                if let Some(cluster) = self.clusters.named(server) {
                    let _ = kubernetes::renew(cluster, held, (place.clock)()).await;
                }
            }
        }
    }

    /// Gives leases back. One that stays runs out by itself.
    pub(super) async fn give_back(&self, leases: Leases) {
        for (server, held) in leases.0 {
            if let Some(cluster) = self.clusters.named(&server) {
                let _ = kubernetes::release(cluster, held).await;
            }
        }
    }

    fn lease_namespace(&self) -> Option<&str> {
        self.settings.actions.lease_namespace.as_deref()
    }

    /// Pages somebody because the glass was broken: an alert at every Alertmanager cluster. Says who was
    /// told, or why nobody was.
    pub(super) async fn page_for_glass(
        &self,
        place: &Place,
        reason: &str,
        until: DateTime<Utc>,
    ) -> Untrusted {
        let alert = serde_json::json!([{
            "labels": {
                "alertname": "QuellBreakGlass", "severity": "page", "operator": place.by.name,
                "host": place.by.host, "env": place.env,
            },
            "annotations": {
                "summary": format!("approvals are skipped by {} until {until}", place.by.name),
                "description": reason,
            },
            "startsAt": (place.clock)(),
            "endsAt": until,
        }]);
        let (mut told, mut failed) = (Vec::new(), Vec::new());
        for replica in &self.settings.alertmanagers {
            let write = HttpWrite {
                server: replica.name.clone(),
                verb: Verb::Post,
                path: "/api/v2/alerts".to_owned(),
                content_type: Some("application/json".to_owned()),
                headers: Vec::new(),
                body: alert.to_string(),
            };
            // Alerts do not gossip: every replica has to be told.
            match self.http.deliver(&write).await {
                Ok(answer) if answer.status.is_success() => told.push(replica.name.to_string()),
                Ok(answer) => failed.push(format!("{}: {}", replica.name, answer.status)),
                Err(_) => failed.push(format!("{}: no answer", replica.name)),
            }
        }
        let words = match (told.is_empty(), failed.is_empty()) {
            (false, _) => format!("an alert went to {}", told.join(", ")),
            (true, true) => "nobody was paged: there is no Alertmanager".to_owned(),
            (true, false) => format!("nobody was paged: {}", failed.join("; ")),
        };
        Untrusted::line(&words)
    }

    /// What a server says now.
    pub(super) async fn read(&self, read: &Read) -> Result<Seen, SourceError> {
        if let Some(cluster) = self.clusters.named(&read.server) {
            return cluster.read(&read.path).await;
        }
        if let Some(seen) = self.http.read(read).await {
            return seen;
        }
        if let Some(seen) = terraform::read(&self.settings, read).await {
            return seen;
        }
        let detail = format!("no server `{}`", read.server);
        Err(SourceError::new(ErrorKind::Local, &detail))
    }
}
