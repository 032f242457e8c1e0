//! Which services does a Backstage catalogue declare?
//!
//! Reads `catalog-info.yaml` files on this machine; a catalogue's server is never asked. Called by
//! [`super::delivery`]. What cannot be read is named in the answer's limits, and the rest goes on.

mod entity;
mod files;
mod services;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use self::files::{Catalog, Read};
use crate::config::delivery::DeclaredPlace;
use crate::domain::delivery::{DeliveryAnswer, Part, PartState};
use crate::domain::source::{ErrorKind, SourceError, SourceName};
use crate::domain::text::Untrusted;

/// The client of one.
pub struct Catalogue {
    name: SourceName,
    path: PathBuf,
    last: Option<Last>,
}

/// The last answer, and the files that it is from.
#[derive(Clone)]
struct Last {
    files: Arc<Catalog>,
    answer: Arc<DeliveryAnswer>,
}

impl Catalogue {
    /// One that has not asked yet. Where its services run is said by their own labels, not by a place
    /// of the whole catalogue.
    ///
    /// # Errors
    /// None: whether its files can be read is found out by each poll.
    #[allow(
        clippy::unnecessary_wraps,
        reason = "made as every other source is made"
    )]
    pub fn new(
        name: &SourceName,
        settings: &Path,
        _place: &DeclaredPlace,
    ) -> Result<Self, SourceError> {
        Ok(Self {
            name: name.clone(),
            path: settings.to_owned(),
            last: None,
        })
    }

    /// What it tells at `now`; the same `Arc` as before where nothing has changed.
    ///
    /// # Errors
    /// The file or the folder is not there, or cannot be read.
    pub async fn poll(&mut self, _now: DateTime<Utc>) -> Result<Arc<DeliveryAnswer>, SourceError> {
        let path = self.path.clone();
        let last = self.last.clone();
        let work = tokio::task::spawn_blocking(move || read(&path, last));
        let read = work.await.map_err(|_| {
            let name = &self.name;
            SourceError::new(ErrorKind::Local, &format!("{name}: reading it failed"))
        })??;
        let answer = read.answer.clone();
        self.last = Some(read);
        Ok(answer)
    }
}

fn read(path: &Path, last: Option<Last>) -> Result<Last, SourceError> {
    let before = last.as_ref().map(|last| &*last.files);
    let files = match files::read(path, before) {
        Ok(Read::Same) => None,
        Ok(Read::Changed(files)) => Some(files),
        Err(error) => {
            let detail = format!("{}: {error}", path.display());
            return Err(SourceError::new(ErrorKind::Local, &detail));
        }
    };
    match (files, last) {
        (None, Some(last)) => Ok(last),
        (files, _) => {
            let files = files.unwrap_or_default();
            let answer = Arc::new(answer(path, &files));
            Ok(Last {
                files: Arc::new(files),
                answer,
            })
        }
    }
}

fn answer(path: &Path, files: &Catalog) -> DeliveryAnswer {
    let (services, problems) = services::of(&files.entities);
    let limits = files.problems.iter().chain(&problems);
    DeliveryAnswer {
        parts: vec![Part {
            what: Untrusted::line(&path.display().to_string()),
            state: PartState::Read(services.len()),
        }],
        services,
        limits: limits.map(|line| Untrusted::line(line)).collect(),
        ..DeliveryAnswer::default()
    }
}
