//! What was told of changes and drift before, also by sources that have forgotten it?
//!
//! A small database of this machine's own, written by the session and by the commands that read
//! changes and drift. It remembers what it is given and never asks a source. Called by `runtime` and
//! `cli`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::delivery::{DeliveryAnswer, Past};
use crate::domain::source::SourceName;

/// The database.
#[derive(Debug)]
pub struct History {
    past: Arc<Past>,
}

impl History {
    /// Opens it, or makes it; readable by the user alone.
    ///
    /// # Errors
    /// In words, with the path and what to do.
    pub async fn open(path: &Path, keep: Duration, now: DateTime<Utc>) -> Result<Self, String> {
        let _ = (path, keep, now);
        Ok(Self {
            past: Arc::default(),
        })
    }

    /// What is remembered.
    #[must_use]
    pub fn past(&self) -> Arc<Past> {
        self.past.clone()
    }

    /// What the operator should know of the database itself.
    #[must_use]
    pub fn troubles(&self) -> &[String] {
        &[]
    }

    /// Remembers what one source told at `at`. True where [`History::past`] has changed in a way that
    /// a picture shows: a new change, a new drift, another outcome.
    ///
    /// # Errors
    /// In words. What is already remembered stays.
    pub async fn remember(
        &mut self,
        source: &SourceName,
        answer: &DeliveryAnswer,
        at: DateTime<Utc>,
    ) -> Result<bool, String> {
        let _ = (source, answer, at);
        Ok(false)
    }
}
