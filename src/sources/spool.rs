//! Which changes were pushed into a folder?
//!
//! A cockpit has no port that a pipeline could push to: it drops a file into a folder instead, or adds
//! a line to one. `*.json` holds one event or a list of them; `*.jsonl`, `*.ndjson` and `*.log` hold an
//! event a line and may grow. An event is a `CloudEvent` with a `CDEvent` in it (see `cdevents`) or a
//! plain object (see `plain`). Names that begin with a dot and all other endings are not read, so a file can
//! be written under such a name and then be renamed. `docs/pushed-changes.md` shows how.
//!
//! Called by [`super::delivery`]. It reads regular files of that one folder only, follows no link, waits
//! for no pipe, and changes nothing there. What was told once stays known, also when its file is taken
//! away.

mod cdevents;
mod event;
mod file;
mod gather;
mod plain;
mod poll;
mod record;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::config::delivery::DeclaredPlace;
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::source::{ErrorKind, SourceError, SourceName};
use poll::State;

/// The client of one.
pub struct Spool {
    asked: Arc<Asked>,
    /// Away while a thread reads.
    state: Option<State>,
}

struct Asked {
    name: SourceName,
    folder: PathBuf,
    place: DeclaredPlace,
}

impl Spool {
    /// One that has not asked yet.
    ///
    /// # Errors
    /// None now: whether the folder is there is seen with each poll.
    pub fn new(name: &SourceName, folder: &Path, place: &DeclaredPlace) -> Self {
        Self {
            asked: Arc::new(Asked {
                name: name.clone(),
                folder: folder.to_owned(),
                place: place.clone(),
            }),
            state: None,
        }
    }

    /// What it tells at `now`; the same `Arc` as before where nothing has changed.
    ///
    /// # Errors
    /// `Local`: the folder is not there, or may not be looked into.
    pub async fn poll(&mut self, now: DateTime<Utc>) -> Result<Arc<DeliveryAnswer>, SourceError> {
        let asked = self.asked.clone();
        let mut state = self.state.take().unwrap_or_default();
        let work = tokio::task::spawn_blocking(move || {
            let result = state.poll(&asked.folder, &asked.name, &asked.place, now);
            (state, result)
        });
        let (state, result) = work
            .await
            .map_err(|error| SourceError::new(ErrorKind::Local, &error.to_string()))?;
        self.state = Some(state);
        result
    }
}
