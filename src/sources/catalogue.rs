//! Which services does a Backstage catalogue declare?
//!
//! Called by [`super::delivery`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::config::delivery::DeclaredPlace;
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::source::{ErrorKind, SourceError, SourceName};

/// The client of one.
pub struct Catalogue {
    name: SourceName,
    settings: PathBuf,
    place: DeclaredPlace,
}

impl Catalogue {
    /// One that has not asked yet.
    pub fn new(
        name: &SourceName,
        settings: &Path,
        place: &DeclaredPlace,
    ) -> Result<Self, SourceError> {
        Ok(Self {
            name: name.clone(),
            settings: settings.to_owned(),
            place: place.clone(),
        })
    }

    /// What it tells at `now`; the same `Arc` as before where nothing has changed.
    pub async fn poll(&mut self, now: DateTime<Utc>) -> Result<Arc<DeliveryAnswer>, SourceError> {
        let _ = (&self.name, &self.settings, &self.place, now);
        Err(SourceError::new(ErrorKind::Local, "not there yet"))
    }
}
