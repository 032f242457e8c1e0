//! Journals in real files, and what becomes of them.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;
use crate::domain::action::Requester;
use crate::domain::record::Entry;

mod anchors;
mod asking;
mod damage;
mod keeping;
mod trouble;

fn line(text: &str) -> Untrusted {
    Untrusted::line(text)
}

fn at(secs: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_269_600 + secs, 0).unwrap()
}

fn by() -> Requester {
    Requester {
        name: line("ada"),
        host: line("bastion-1"),
    }
}

fn of(entry: Entry, secs: i64) -> Record {
    Record {
        at: at(secs),
        by: by(),
        env: Some(line("prod")),
        action: None,
        entry,
    }
}

fn said(text: &str, secs: i64) -> Record {
    of(Entry::Note { text: line(text) }, secs)
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("state/journal.log");
    (root, path)
}

fn open(path: &Path) -> Journal {
    Journal::open(path, &JournalSettings::default()).unwrap()
}

/// A journal of so many notes.
async fn written(path: &Path, count: usize) -> Journal {
    let journal = open(path);
    for n in 0..count {
        let record = said(&format!("note {n}"), i64::try_from(n).unwrap());
        assert_eq!(journal.append(record).await.unwrap(), n as u64);
    }
    journal.settle().await;
    journal
}
