//! What was done, by whom, and has anybody edited it since?
//!
//! An append-only file of records, each with its length, its checksum and the hash of the one before;
//! checkpoints over all of them are signed and anchored elsewhere. Written by `control` and the commands
//! before and after every effect, verified by `quell journal verify`. It never holds a secret: records
//! have no field for one. It never forgets, and never repairs a record.
//!
//! Beside `journal.log` stand `journal.log.key`, which signs, and `journal.log.checkpoints`.

mod anchor;
mod checkpoint;
mod file;
mod frame;
mod intents;
mod read;
mod scan;
#[cfg(test)]
mod tests;
mod tree;
mod verify;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

pub use intents::{OpenIntent, last_action_on, open_intents};
pub use read::{Lines, lines, picture, records, whole, words};
pub use scan::Break;
pub use verify::{Against, Proof, Strength, Verdict};

use crate::config::actions::JournalSettings;
use crate::domain::record::{JournalPicture, Kept, Record, Standing};
use crate::domain::text::Untrusted;
use writer::{Order, Shared, with};

/// A journal that takes records. Cheap to clone; all clones write to one file.
#[derive(Clone, Debug)]
pub struct Journal {
    path: PathBuf,
    settings: JournalSettings,
    orders: Sender<Order>,
    shared: Shared,
}

/// Why a record was not kept, or cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JournalError(pub Untrusted);

impl JournalError {
    fn of(why: &str) -> Self {
        Self(Untrusted::line(why))
    }
}

/// Holds a journal against its checkpoints and anchors, without changing it.
///
/// # Errors
/// The file cannot be read at all.
pub fn verify(path: &Path, against: &Against<'_>) -> io::Result<Verdict> {
    verify::verify(path, against, |_| {})
}

impl Journal {
    /// Opens it, or begins one, and starts the thread that writes. Reads all of it: a record that does
    /// not hold is found here, and then nothing is written behind it.
    ///
    /// # Errors
    /// It cannot be read or written, or a record does not hold.
    pub fn open(path: &Path, settings: &JournalSettings) -> Result<Self, JournalError> {
        let started = writer::start(path, &settings.anchors);
        let (orders, shared) = started.map_err(|why| JournalError::of(&why))?;
        Ok(Self {
            path: path.to_owned(),
            settings: settings.clone(),
            orders,
            shared,
        })
    }

    /// Keeps a record: it is on disk when this returns, and its number is told.
    ///
    /// # Errors
    /// It is not on disk, or that is not known. Then no further record is taken until the journal is
    /// opened again.
    pub async fn append(&self, record: Record) -> Result<u64, JournalError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Order::Append(Box::new(record), reply), answer)
            .await
    }

    /// Seals what stands in it at this time, and carries that to every anchor. Says where it is now.
    ///
    /// # Errors
    /// Where it is not.
    pub async fn anchor_now(&self, at: DateTime<Utc>) -> Result<String, JournalError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Order::Anchor(at, reply), answer).await
    }

    /// Waits until what was begun is done, anchors too. For a process that is about to end.
    pub async fn settle(&self) {
        let (reply, answer) = oneshot::channel();
        if self.orders.send(Order::Settle(reply)).is_ok() {
            // A thread that is gone has nothing left to do.
            let _ = answer.await;
        }
    }

    async fn ask<T>(
        &self,
        order: Order,
        answer: oneshot::Receiver<Result<T, String>>,
    ) -> Result<T, JournalError> {
        let gone = || JournalError::of(&format!("{}: its thread is gone", self.path.display()));
        self.orders.send(order).map_err(|_| gone())?;
        let answer = answer.await.map_err(|_| gone())?;
        answer.map_err(|why| JournalError::of(&why))
    }

    /// Every record, oldest first.
    ///
    /// # Errors
    /// One does not hold.
    pub fn records(&self) -> Result<Vec<Kept>, JournalError> {
        read::records(&self.path)
    }

    /// The last records and whether all of them hold. Reads the whole file and what its anchors say: not
    /// for a thread that draws.
    #[must_use]
    pub fn picture(&self) -> JournalPicture {
        let mut picture = read::picture(&self.path, &self.settings);
        let known = with(&self.shared, |known| known.clone());
        // A record that does not hold says more than that nothing is taken because of it.
        if let (Standing::Whole(_), Some(why)) = (&picture.standing, &known.failed) {
            picture.standing = Standing::Unwritable(Untrusted::line(why));
        }
        if let Standing::Whole(words) = &picture.standing {
            let anchors = known.anchors.iter().map(|(by, why)| format!("{by}: {why}"));
            let more = known.cautions.iter().cloned().chain(anchors);
            let words = std::iter::once(words.raw().to_owned()).chain(more);
            let words: Vec<String> = words.collect();
            picture.standing = Standing::Whole(Untrusted::line(&words.join("; ")));
        }
        picture
    }
}
