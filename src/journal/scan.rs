//! Does each record of the file hold, and follow the one before?
//!
//! One pass over the bytes, whatever their number, with a buffer of the size of one record. Called to
//! open a journal, to catch up with what others wrote, to read it and to verify it. It changes nothing.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::checkpoint::Identity;
use super::frame::{self, Frame, HEAD, Hash, MOST, Unframed};
use super::tree::Tree;

/// What the first line begins with.
pub(super) const MAGIC: &str = "quell-journal/1 ";
/// No first line is longer.
const LONGEST_FIRST: usize = 256;
const CHUNK: usize = 256 * 1024;

/// How far a file was read, and what is known of it up to there.
#[derive(Clone, Debug)]
pub(super) struct Position {
    /// Which journal.
    pub(super) identity: Identity,
    /// Bytes.
    pub(super) end: u64,
    /// The hash that the next frame has to name.
    pub(super) previous: Hash,
    /// Over all frames so far. Its size is the number of the next.
    pub(super) tree: Tree,
}

/// The first record that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// Its number.
    pub seq: u64,
    /// Where it begins in the file.
    pub offset: u64,
    /// What is wrong with it.
    pub what: String,
}

/// How a pass ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// Every byte is part of a record that holds.
    Whole,
    /// The last bytes are the beginning of a record: a crash, or a cut.
    Torn(u64),
    /// A record does not hold. The position is before it.
    Broken(Break),
}

/// What the first line is.
#[derive(Debug)]
pub(super) enum First {
    /// Of a journal.
    Line(Box<Position>),
    /// The file is empty, or holds the beginning of a first line: nothing was ever kept in it.
    Unborn,
    /// It is none: why.
    Foreign(&'static str),
}

/// The first line of a new journal.
pub(super) fn first_line(identity: &Identity) -> String {
    format!("{MAGIC}{}\n", identity.text())
}

/// Reads the first line.
///
/// # Errors
/// What the system says.
pub(super) fn first(file: &File, length: u64) -> io::Result<First> {
    let most = usize::try_from(length)
        .unwrap_or(usize::MAX)
        .min(LONGEST_FIRST);
    let mut bytes = vec![0; most];
    file.read_exact_at(&mut bytes, 0)?;
    let Some(line) = bytes.iter().position(|byte| *byte == b'\n') else {
        let known = most.min(MAGIC.len());
        let is_begun = most < LONGEST_FIRST && bytes[..known] == MAGIC.as_bytes()[..known];
        return Ok(if is_begun {
            First::Unborn
        } else {
            First::Foreign("it is no journal of quell")
        });
    };
    let line = &bytes[..=line];
    let text = std::str::from_utf8(line).ok();
    let Some(text) = text.and_then(|text| text.strip_prefix(MAGIC)?.strip_suffix('\n')) else {
        return Ok(First::Foreign("its first line is none of a journal"));
    };
    let Some(identity) = Identity::parse(text) else {
        return Ok(First::Foreign(
            "its first line names no key: it was changed",
        ));
    };
    Ok(First::Line(Box::new(Position {
        identity,
        end: line.len() as u64,
        previous: frame::hash(line),
        tree: Tree::default(),
    })))
}

impl Position {
    /// The number of the next record.
    pub(super) fn next(&self) -> u64 {
        self.tree.size()
    }

    /// Goes past a frame that follows.
    pub(super) fn pass(&mut self, bytes: u64, hash: &Hash) {
        self.end += bytes;
        self.previous = *hash;
        self.tree.push(hash);
    }

    /// Reads on to `length`, and tells each frame with the position behind it.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn read_on(
        &mut self,
        file: &File,
        length: u64,
        mut each: impl FnMut(&Self, &Frame<'_>),
    ) -> io::Result<Ended> {
        let mut window = Window::new(file, self.end, length);
        while self.end < length {
            if window.rest().len() < frame::wanted(window.rest()) && window.fill()? {
                continue;
            }
            let frame = match Frame::read(window.rest()) {
                Ok(frame) => frame,
                Err(Unframed::Short) => {
                    return Ok(match frame::torn(window.rest()) {
                        None => Ended::Torn(length - self.end),
                        Some(what) => self.broken(what.to_owned()),
                    });
                }
                Err(Unframed::Broken(what)) => return Ok(self.broken(what.to_owned())),
            };
            if let Some(ended) = self.follows(&frame) {
                return Ok(ended);
            }
            let hash = frame.hash();
            let bytes = frame.bytes.len();
            self.pass(bytes as u64, &hash);
            each(self, &frame);
            window.pass(bytes);
        }
        Ok(Ended::Whole)
    }

    /// What is wrong with a frame that holds by itself, at this place.
    fn follows(&self, frame: &Frame<'_>) -> Option<Ended> {
        let wanted = self.next();
        if frame.seq != wanted {
            return Some(self.broken(format!(
                "record {} stands in its place: records were taken out, put in or reordered",
                frame.seq
            )));
        }
        if *frame.previous == self.previous {
            return None;
        }
        let what = match wanted.checked_sub(1) {
            None => "it was not written behind this first line".to_owned(),
            Some(before) => format!(
                "it does not follow record {before}: that one was changed after this one was written, or \
                 this one is of another journal"
            ),
        };
        Some(self.broken(what))
    }

    fn broken(&self, what: String) -> Ended {
        Ended::Broken(Break {
            seq: self.next(),
            offset: self.end,
            what,
        })
    }
}

/// The bytes that are looked at.
struct Window<'a> {
    file: &'a File,
    bytes: Vec<u8>,
    start: usize,
    /// Of the first byte that was not yet read.
    next: u64,
    length: u64,
}

impl<'a> Window<'a> {
    fn new(file: &'a File, next: u64, length: u64) -> Self {
        Self {
            file,
            bytes: Vec::new(),
            start: 0,
            next,
            length,
        }
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    fn pass(&mut self, bytes: usize) {
        self.start += bytes;
    }

    /// Reads more; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        let left = usize::try_from(self.length.saturating_sub(self.next)).unwrap_or(usize::MAX);
        let held = self.bytes.len() - self.start;
        let more = left.min(CHUNK.max(held)).min(HEAD + MOST);
        if more == 0 {
            return Ok(false);
        }
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.resize(held + more, 0);
        self.file
            .read_exact_at(&mut self.bytes[held..], self.next)?;
        self.next += more as u64;
        Ok(true)
    }
}
