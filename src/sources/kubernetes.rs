//! What was rolled out in a cluster, what differs there, and what is in trouble?
//!
//! Called by [`super::delivery`].

#![allow(dead_code, reason = "it is being built")]

mod object;
mod resource;
mod store;
mod tell;

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::config::delivery::{DeclaredPlace, KubernetesSettings};
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::source::{ErrorKind, SourceError, SourceName};

/// The client of one.
pub struct Kubernetes {
    name: SourceName,
    settings: KubernetesSettings,
    place: DeclaredPlace,
}

impl Kubernetes {
    /// One that has not asked yet.
    pub fn new(
        name: &SourceName,
        settings: &KubernetesSettings,
        place: &DeclaredPlace,
    ) -> Result<Self, SourceError> {
        Ok(Self {
            name: name.clone(),
            settings: settings.clone(),
            place: place.clone(),
        })
    }

    /// What it tells at `now`; the same `Arc` as before where nothing has changed.
    pub async fn poll(&mut self, now: DateTime<Utc>) -> Result<Arc<DeliveryAnswer>, SourceError> {
        let _ = (&self.name, &self.settings, &self.place, now);
        Err(SourceError::new(ErrorKind::Local, "not there yet"))
    }
}
