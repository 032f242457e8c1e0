//! What was rolled out in a cluster, what differs there, and what is in trouble?
//!
//! The first poll lists everything that [`resource`] names and the server serves. Later polls follow
//! by watches, which are only read while a poll runs: nothing happens between two polls. What may not
//! be read, is not installed or fails is a part with that state, and the others go on. GET is the
//! only verb. Called by [`super::delivery`].

mod client;
mod discovery;
mod failure;
mod feed;
mod kubeconfig;
mod list;
mod no_proxy;
mod object;
mod plugin;
mod reading;
mod resource;
mod store;
mod target;
mod tell;
#[cfg(test)]
mod tests;
mod watch;

pub use client::KubernetesClient;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use self::client::Client;
use self::feed::Effect;
use self::reading::Reading;
use self::tell::{Cluster, tell};
use super::http::HttpError;
use crate::config::delivery::{DeclaredPlace, KubernetesLogin, KubernetesSettings};
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::source::{ErrorKind, SourceError, SourceName};
use crate::domain::text::Untrusted;

/// Without any event there may still be something to say: what was running takes too long now.
const TELL_EVERY: TimeDelta = TimeDelta::seconds(60);

/// The client of one API server.
pub struct Kubernetes {
    name: SourceName,
    settings: KubernetesSettings,
    place: DeclaredPlace,
    client: Option<Client>,
    /// Which context of the kubeconfig was taken: another one is another cluster.
    context: Option<String>,
    /// Where what was read is from.
    server: Option<http::Uri>,
    reading: Reading,
    told: Option<Told>,
}

/// What was answered last.
struct Told {
    answer: Arc<DeliveryAnswer>,
    at: DateTime<Utc>,
    /// Which of its limits come from the objects.
    of_objects: Vec<Untrusted>,
}

impl Kubernetes {
    /// One that has not asked yet.
    ///
    /// # Errors
    /// None: what is wrong with a kubeconfig is told by the poll, so that the other sources start.
    pub fn new(name: &SourceName, settings: &KubernetesSettings, place: &DeclaredPlace) -> Self {
        Self {
            name: name.clone(),
            settings: settings.clone(),
            place: place.clone(),
            client: None,
            context: None,
            server: None,
            reading: Reading::default(),
            told: None,
        }
    }

    /// What it tells at `now`; the same `Arc` as before where nothing has changed.
    ///
    /// # Errors
    /// Why nothing at all could be read: the kubeconfig, the server, TLS, the credentials.
    pub async fn poll(&mut self, now: DateTime<Utc>) -> Result<Arc<DeliveryAnswer>, SourceError> {
        if self.client.is_none() {
            self.client = Some(self.connect().await?);
        }
        if let Some(client) = &mut self.client {
            client.refresh(now).await?;
            let reading = &mut self.reading;
            let mut result = reading.update(client, &self.settings, now).await;
            if is_unauthorized(&result) && client.renew().await? {
                reading.forgive();
                result = reading.update(client, &self.settings, now).await;
            }
            if let Err(failed) = result {
                // Refused credentials or certificates may have been replaced in the kubeconfig.
                if failed.status == Some(401) || failed.error.kind == ErrorKind::Tls {
                    reading.drop_watches();
                    self.client = None;
                }
                return Err(failed.error);
            }
        }
        Ok(self.answer(now))
    }

    async fn connect(&mut self) -> Result<Client, SourceError> {
        let client = Client::new(&self.settings, self.context.as_deref()).await?;
        if let KubernetesLogin::Kubeconfig { context: None, .. } = &self.settings.login {
            self.context = client.context().map(str::to_owned);
        }
        let server = client.server();
        if self.server.as_ref().is_some_and(|known| known != server) {
            // Versions and objects of another server mean nothing to this one.
            self.reading = Reading::default();
        }
        self.server = Some(server.clone());
        self.reading.forgive();
        Ok(client)
    }

    fn answer(&mut self, now: DateTime<Utc>) -> Arc<DeliveryAnswer> {
        let effect = self.reading.take_effect();
        let (parts, limits) = (self.reading.parts(), self.reading.limits());
        let version = &self.reading.version;
        if let Some(told) = &self.told {
            let old = &told.answer;
            let is_recent = now >= told.at && now - told.at < TELL_EVERY;
            let all = told.of_objects.iter().chain(&limits);
            if effect == Effect::Same
                && is_recent
                && old.parts == parts
                && old.version == *version
                && old.limits.iter().eq(all)
            {
                return old.clone();
            }
        }
        let cluster = Cluster {
            source: &self.name,
            place: &self.place,
        };
        let mut answer = tell(&self.reading.store, cluster, now);
        let of_objects = answer.limits.clone();
        answer.limits.extend(limits);
        (answer.parts, answer.version) = (parts, version.clone());
        let answer = match &self.told {
            Some(told) if *told.answer == answer => told.answer.clone(),
            _ => Arc::new(answer),
        };
        self.told = Some(Told {
            answer: answer.clone(),
            at: now,
            of_objects,
        });
        answer
    }
}

fn is_unauthorized(result: &Result<(), HttpError>) -> bool {
    result
        .as_ref()
        .is_err_and(|failed| failed.status == Some(401))
}
