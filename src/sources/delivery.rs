//! What does any source of changes and drift say?
//!
//! One way to ask them all, for the pollers and the commands.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::argocd::Argocd;
use super::catalogue::Catalogue;
use super::github::Github;
use super::gitlab::Gitlab;
use super::grafana::Grafana;
use super::kubernetes::Kubernetes;
use super::spool::Spool;
use super::terraform::Terraform;
use crate::config::delivery::{DeliveryAccess, DeliverySourceSettings};
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::source::SourceError;

/// A source of changes and drift.
pub struct DeliverySource(Client);

enum Client {
    Kubernetes(Box<Kubernetes>),
    Argocd(Box<Argocd>),
    Github(Github),
    Gitlab(Gitlab),
    Grafana(Grafana),
    Spool(Spool),
    Terraform(Terraform),
    Catalogue(Catalogue),
}

impl DeliverySource {
    /// One that has not asked yet.
    ///
    /// # Errors
    /// Its settings do not hold on this machine: a certificate or a secret that cannot be read.
    pub fn new(settings: &DeliverySourceSettings) -> Result<Self, SourceError> {
        let DeliverySourceSettings { name, place, .. } = settings;
        Ok(Self(match &settings.access {
            DeliveryAccess::Kubernetes(s) => {
                Client::Kubernetes(Box::new(Kubernetes::new(name, s, place)))
            }
            DeliveryAccess::Argocd(s) => Client::Argocd(Box::new(Argocd::new(name, s, place)?)),
            DeliveryAccess::Github(s) => Client::Github(Github::new(name, s, place)?),
            DeliveryAccess::Gitlab(s) => Client::Gitlab(Gitlab::new(name, s, place)?),
            DeliveryAccess::Grafana(s) => Client::Grafana(Grafana::new(name, s, place)?),
            DeliveryAccess::Spool(path) => Client::Spool(Spool::new(name, path, place)),
            DeliveryAccess::Terraform(s) => Client::Terraform(Terraform::new(name, s, place)),
            DeliveryAccess::Catalogue(path) => {
                Client::Catalogue(Catalogue::new(name, path, place)?)
            }
        }))
    }

    /// What it tells at `now`. The same `Arc` as before means that nothing has changed.
    ///
    /// # Errors
    /// Why it tells nothing. A part of it that fails is in the answer.
    pub async fn poll(&mut self, now: DateTime<Utc>) -> Result<Arc<DeliveryAnswer>, SourceError> {
        match &mut self.0 {
            Client::Kubernetes(client) => client.poll(now).await,
            Client::Argocd(client) => client.poll(now).await,
            Client::Github(client) => client.poll(now).await,
            Client::Gitlab(client) => client.poll(now).await,
            Client::Grafana(client) => client.poll(now).await,
            Client::Spool(client) => client.poll(now).await,
            Client::Terraform(client) => client.poll(now).await,
            Client::Catalogue(client) => client.poll(now).await,
        }
    }
}
