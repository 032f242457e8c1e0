//! What stands in the journal?
//!
//! All records, or the last of them with what is known of the whole. Needs no more than the right to
//! read, so that looking goes on where acting is off. Called by the commands and by [`super::Journal`].

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::JournalError;
use super::scan::Break;
use super::verify::{Against, Verdict, time, verify};
use crate::config::actions::JournalSettings;
use crate::domain::record::{JournalPicture, Kept, Standing};
use crate::domain::text::{Untrusted, shown};

/// A picture has no more records.
const LAST: usize = 2_000;

/// What a pass over a journal's text brought.
#[derive(Clone, Debug)]
pub struct Lines {
    /// One line of JSON for each record that holds, as it stands in the file.
    pub text: String,
    /// The first that does not hold.
    pub broken: Option<Break>,
}

/// Every record, oldest first.
///
/// # Errors
/// The file cannot be read, or a record does not hold.
pub fn records(path: &Path) -> Result<Vec<Kept>, JournalError> {
    let mut kept = Vec::new();
    let verdict = pass(path, |seq, text| kept.push(understand(seq, text)))?;
    match verdict.broken {
        None => kept
            .into_iter()
            .map(|one| one.map_err(|why| of(path, &why)))
            .collect(),
        Some(broken) => Err(of(path, &words(&broken))),
    }
}

/// Every record that holds as one line of JSON, and the first that does not.
///
/// # Errors
/// The file cannot be read.
pub fn lines(path: &Path) -> Result<Lines, JournalError> {
    let mut text = String::new();
    let verdict = pass(path, |_, line| {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    })?;
    Ok(Lines {
        text,
        broken: verdict.broken,
    })
}

fn pass(path: &Path, mut each: impl FnMut(u64, &[u8])) -> Result<Verdict, JournalError> {
    let read = verify(path, &Against::default(), |frame| {
        each(frame.seq, frame.text());
    });
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Verdict::default()),
        other => other.map_err(|error| of(path, &error.to_string())),
    }
}

/// The last records, and whether all of them hold. Reads the whole file and what its anchors say: not
/// for a thread that draws.
#[must_use]
pub fn picture(path: &Path, settings: &JournalSettings) -> JournalPicture {
    let mut last: VecDeque<(u64, Vec<u8>)> = VecDeque::new();
    let against = Against {
        anchors: &settings.anchors,
        files: &[],
    };
    let read = verify(path, &against, |frame| {
        let mut text = if last.len() == LAST {
            last.pop_front().map(|(_, text)| text).unwrap_or_default()
        } else {
            Vec::new()
        };
        text.clear();
        text.extend_from_slice(frame.text());
        last.push_back((frame.seq, text));
    });
    let verdict = match read {
        Ok(verdict) => verdict,
        Err(error) => return unread(path, &error),
    };
    let mut standing = standing(&verdict);
    let mut records = Vec::with_capacity(last.len());
    for (seq, text) in &last {
        match understand(*seq, text) {
            Ok(kept) => records.push(kept),
            Err(why) if matches!(standing, Standing::Whole(_)) => {
                standing = Standing::Broken {
                    seq: *seq,
                    why: Untrusted::line(&why),
                };
            }
            Err(_) => {}
        }
    }
    JournalPicture {
        records,
        total: verdict.records,
        standing,
    }
}

fn unread(path: &Path, error: &io::Error) -> JournalPicture {
    let standing = if error.kind() == ErrorKind::NotFound {
        Standing::Whole(Untrusted::line("nothing was ever written"))
    } else {
        Standing::Unwritable(of(path, &error.to_string()).0)
    };
    JournalPicture {
        standing,
        ..JournalPicture::default()
    }
}

fn standing(verdict: &Verdict) -> Standing {
    if let Some(broken) = &verdict.broken {
        return Standing::Broken {
            seq: broken.seq,
            why: Untrusted::line(&format!("at byte {}: {}", broken.offset, broken.what)),
        };
    }
    Standing::Whole(Untrusted::line(&whole(verdict)))
}

/// What is known of a journal whose records all hold, in one line.
#[must_use]
pub fn whole(verdict: &Verdict) -> String {
    let mut words = match verdict.proofs.last() {
        None if verdict.records == 0 => "no records yet".to_owned(),
        None => "every record holds; no checkpoint proves it".to_owned(),
        Some(proof) => {
            let (by, at) = (shown(&proof.by), time(proof.at));
            match proof.records {
                0 => format!("every record holds; proven empty at {at} by {by}"),
                1 => format!("every record holds; record 0 proven as of {at} by {by}"),
                many => format!(
                    "every record holds; 0 to {} proven as of {at} by {by}",
                    many - 1
                ),
            }
        }
    };
    for doubt in &verdict.doubts {
        words.push_str("; ");
        words.push_str(doubt);
    }
    words
}

fn understand(seq: u64, text: &[u8]) -> Result<Kept, String> {
    serde_json::from_slice(text).map_err(|error| {
        format!("record {seq} holds, but this quell does not understand it (a newer one wrote it?): {error}")
    })
}

/// `record 12 at byte 4096: its checksum does not match its bytes`
#[must_use]
pub fn words(broken: &Break) -> String {
    format!(
        "record {} at byte {}: {}",
        broken.seq, broken.offset, broken.what
    )
}

fn of(path: &Path, why: &str) -> JournalError {
    JournalError(Untrusted::line(&format!("{}: {why}", path.display())))
}
