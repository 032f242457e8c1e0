//! Is the journal what it was, and who can prove it?
//!
//! Reads all of it once: every record by its checksum, its number and the hash of the one before, and the
//! root of the tree at every size that a checkpoint names. What the journal's own checkpoints show, whoever
//! may write the journal could have made anew; what an anchor shows, they could not. Called by `quell
//! journal verify` and for the picture. It changes nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};

use super::anchor;
use super::checkpoint::{Checkpoint, Identity, Unproven};
use super::file::{Locked, checkpoints_file, open_to_read};
use super::frame::Frame;
use super::scan::{Break, Ended, First, Position, first};
use crate::config::actions::Anchor;
use crate::domain::text::shown;

/// What is held against the journal.
#[derive(Clone, Debug, Default)]
pub struct Against<'a> {
    /// The anchors of the config.
    pub anchors: &'a [Anchor],
    /// Further files with checkpoints, such as the lines of a log.
    pub files: &'a [PathBuf],
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The journal's name, and its key: `quell.dev/journal/4f2c91a07d3e8b15+1a2b3c4d`.
    pub name: Option<String>,
    /// How many records hold, from the first on.
    pub records: u64,
    /// How many bytes those are.
    pub bytes: u64,
    /// The first record that does not hold.
    pub broken: Option<Break>,
    /// What proves that records are as they were, weakest first.
    pub proofs: Vec<Proof>,
    /// Checkpoints and anchors that say nothing, and why.
    pub doubts: Vec<String>,
}

/// A checkpoint that the journal agrees with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Where it is kept.
    pub by: String,
    /// Whether whoever may write the journal could have made it anew.
    pub strength: Strength,
    /// The first so many records are as they were
    pub records: u64,
    /// at this time.
    pub at: DateTime<Utc>,
}

/// What a checkpoint is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// It stands beside the journal.
    Own,
    /// It stands elsewhere.
    Anchor,
}

impl Verdict {
    /// How many records an anchor proves.
    #[must_use]
    pub fn anchored(&self) -> u64 {
        let anchors = self
            .proofs
            .iter()
            .filter(|proof| proof.strength == Strength::Anchor);
        anchors.map(|proof| proof.records).max().unwrap_or(0)
    }
}

/// Where checkpoints were found.
struct Place {
    by: String,
    strength: Strength,
    checkpoints: Vec<Checkpoint>,
}

/// One thing that has to hold at a size, if its signature does. That is looked at only where it matters: a
/// year of checkpoints would take seconds, and one that the journal agrees with harms nobody.
struct Claim<'a> {
    place: &'a Place,
    checkpoint: &'a Checkpoint,
}

/// Reads and judges. `each` is told of every record that holds.
///
/// # Errors
/// The file cannot be read at all.
pub(super) fn verify(
    path: &Path,
    against: &Against<'_>,
    mut each: impl FnMut(&Frame<'_>),
) -> io::Result<Verdict> {
    let file = open_to_read(path)?;
    // Under the lock nobody is in the middle of a record.
    let locked = Locked::shared(&file)?;
    let length = file.metadata()?.len();
    let begun = first(&file, length)?;
    drop(locked);
    let mut position = match begun {
        First::Line(position) => *position,
        First::Unborn => return Ok(unborn(path, against, length)),
        First::Foreign(why) => {
            let broken = Break {
                seq: 0,
                offset: 0,
                what: why.to_owned(),
            };
            return Ok(Verdict {
                broken: Some(broken),
                ..Verdict::default()
            });
        }
    };
    let mut verdict = Verdict::default();
    let identity = position.identity.clone();
    let places = places(path, against, &identity, &mut verdict.doubts);
    let mut first_bad = None;
    let mut claims = claims(&places, &identity, &mut verdict.doubts, &mut first_bad);
    claims.sort_by_key(|claim| claim.checkpoint.size);
    let mut judge = Judge::new(&claims, &identity, &position);
    judge.look(&position);
    let ended = position.read_on(&file, length, |position, frame| {
        judge.look(position);
        each(frame);
    })?;
    verdict.name = Some(format!("{}+{}", identity.name, identity.key_id()));
    verdict.records = position.next();
    verdict.bytes = position.end;
    let here = |what| Break {
        seq: position.next(),
        offset: position.end,
        what,
    };
    let read = match ended {
        Ended::Whole => judge.left().map(|claim| here(cut(claim, position.next()))),
        Ended::Torn(bytes) => Some(here(format!(
            "only its first {bytes} bytes are there: whoever wrote it was killed, or the file was cut off"
        ))),
        Ended::Broken(found) => Some(found),
    };
    let bad = [read, judge.rewritten.take(), first_bad];
    verdict.broken = bad.into_iter().flatten().min_by_key(|found| found.seq);
    verdict.proofs = proofs(&places, &mut judge);
    let forged = std::mem::take(&mut judge.forged);
    for place in &places {
        let count = forged
            .iter()
            .filter(|claim| std::ptr::eq(claim.place, place))
            .count();
        if count > 0 {
            let by = &place.by;
            verdict.doubts.push(format!(
                "{by}: signatures of {count} checkpoints do not match"
            ));
        }
    }
    Ok(verdict)
}

/// A journal in which nothing stands.
fn unborn(path: &Path, against: &Against<'_>, length: u64) -> Verdict {
    let mut doubts = Vec::new();
    let extra = against
        .files
        .iter()
        .map(|file| (file.display().to_string(), read_text(file)));
    let own = checkpoints_file(path);
    let own = own
        .exists()
        .then(|| (own.display().to_string(), read_text(&own)));
    let known = own
        .into_iter()
        .chain(extra)
        .find_map(|(by, text)| match text {
            Ok(text) => Some((
                by,
                Checkpoint::all(&text).into_iter().max_by_key(|c| c.size)?,
            )),
            Err(why) => {
                doubts.push(format!("{by} cannot be read: {why}"));
                None
            }
        });
    let what = match known {
        Some((by, known)) => Some(format!(
            "it is empty, but a checkpoint in {by} tells of {} records at {}",
            known.size,
            time(known.at)
        )),
        None if length > 0 => Some("its first line was never finished".to_owned()),
        None => None,
    };
    let broken = what.map(|what| Break {
        seq: 0,
        offset: 0,
        what,
    });
    Verdict {
        broken,
        doubts,
        ..Verdict::default()
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads everything that holds checkpoints.
fn places(
    path: &Path,
    against: &Against<'_>,
    identity: &Identity,
    doubts: &mut Vec<String>,
) -> Vec<Place> {
    let own = checkpoints_file(path);
    let mut texts = Vec::new();
    if fs::symlink_metadata(&own).is_ok() {
        let by = own.display().to_string();
        texts.push((by, Strength::Own, read_text(&own)));
    }
    for anchor in against.anchors {
        if let Some(text) = anchor::read(anchor, &identity.name) {
            texts.push((anchor::words(anchor), Strength::Anchor, text));
        }
    }
    for file in against.files {
        texts.push((
            file.display().to_string(),
            Strength::Anchor,
            read_text(file),
        ));
    }
    let mut places = Vec::new();
    for (by, strength, text) in texts {
        match text {
            Ok(text) => places.push(Place {
                by,
                strength,
                checkpoints: Checkpoint::all(&text),
            }),
            Err(why) => doubts.push(format!("{} cannot be read: {}", shown(&by), shown(&why))),
        }
    }
    places
}

/// The checkpoints that this journal's key signed. What another key signed for it breaks it.
fn claims<'a>(
    places: &'a [Place],
    identity: &Identity,
    doubts: &mut Vec<String>,
    first_bad: &mut Option<Break>,
) -> Vec<Claim<'a>> {
    let mut claims = Vec::new();
    let begin = |what| {
        Some(Break {
            seq: 0,
            offset: 0,
            what,
        })
    };
    for place in places {
        let (mut of_this, mut forged) = (0, 0);
        for checkpoint in &place.checkpoints {
            match identity.claims(checkpoint) {
                Ok(()) => claims.push(Claim { place, checkpoint }),
                Err(Unproven::OtherJournal) => continue,
                Err(Unproven::Forged) => forged += 1,
                Err(Unproven::OtherKey) => {
                    *first_bad = begin(format!(
                        "the checkpoint of {} in {} was sealed by another key than the one in the first line: \
                         the journal was written anew and sealed again",
                        time(checkpoint.at),
                        place.by
                    ));
                }
            }
            of_this += 1;
        }
        if forged > 0 {
            doubts.push(format!(
                "{}: signatures of {forged} checkpoints do not match",
                place.by
            ));
        }
        if of_this > 0 {
            continue;
        }
        match place.checkpoints.last() {
            None => doubts.push(format!("{}: no checkpoint stands in it", place.by)),
            Some(other) => {
                *first_bad = begin(format!(
                    "{} knows no journal of this name, but {} with {} records at {}: this one was begun or \
                     written anew, or the anchor is another's",
                    place.by,
                    shown(&other.name),
                    other.size,
                    time(other.at)
                ));
            }
        }
    }
    claims
}

/// Compares the tree with what was claimed of it, size by size.
struct Judge<'a> {
    claims: &'a [Claim<'a>],
    identity: &'a Identity,
    next: usize,
    /// With the byte behind the last record that each speaks of.
    held: Vec<(&'a Claim<'a>, u64)>,
    forged: Vec<&'a Claim<'a>>,
    /// Where the first record begins.
    start: u64,
    rewritten: Option<Break>,
}

impl<'a> Judge<'a> {
    fn new(claims: &'a [Claim<'a>], identity: &'a Identity, start: &Position) -> Self {
        Self {
            claims,
            identity,
            next: 0,
            held: Vec::new(),
            forged: Vec::new(),
            start: start.end,
            rewritten: None,
        }
    }

    fn look(&mut self, position: &Position) {
        while let Some(claim) = self.claims.get(self.next) {
            if claim.checkpoint.size > position.next() {
                return;
            }
            self.next += 1;
            if claim.checkpoint.root == position.tree.root() {
                self.held.push((claim, position.end));
            } else if self.rewritten.is_none() && self.is_signed(claim) {
                let (seq, offset) = self.proven();
                let last = position.next().saturating_sub(1);
                let which = if seq == last {
                    format!("record {seq} is")
                } else {
                    format!("one of the records {seq} to {last} is")
                };
                self.rewritten = Some(Break {
                    seq,
                    offset,
                    what: format!(
                        "{which} not what it was at {}, by {}: written anew since",
                        time(claim.checkpoint.at),
                        claim.place.by
                    ),
                });
            }
        }
    }

    /// Behind the records that are proven so far.
    fn proven(&mut self) -> (u64, u64) {
        let held = std::mem::take(&mut self.held);
        let last = held.iter().rev().find(|(claim, _)| self.is_signed(claim));
        let proven = last.map_or((0, self.start), |(claim, end)| {
            (claim.checkpoint.size, *end)
        });
        self.held = held;
        proven
    }

    /// Whether the journal's key signed it.
    fn is_signed(&mut self, claim: &'a Claim<'a>) -> bool {
        let is_signed = self.identity.check(claim.checkpoint).is_ok();
        if !is_signed && !self.forged.iter().any(|known| std::ptr::eq(*known, claim)) {
            self.forged.push(claim);
        }
        is_signed
    }

    /// The largest claim beyond the last record.
    fn left(&mut self) -> Option<&'a Claim<'a>> {
        let left = self.claims.get(self.next..)?;
        left.iter().rev().find(|claim| self.is_signed(claim))
    }
}

fn cut(claim: &Claim<'_>, records: u64) -> String {
    format!(
        "it is missing: the journal has {records} records, {} of {} proves {}",
        claim.place.by,
        time(claim.checkpoint.at),
        claim.checkpoint.size
    )
}

/// The largest that each place proves.
fn proofs<'a>(places: &'a [Place], judge: &mut Judge<'a>) -> Vec<Proof> {
    let held = std::mem::take(&mut judge.held);
    let mut proofs = Vec::new();
    for place in places {
        let of_place = |claim: &&Claim<'_>| std::ptr::eq(claim.place, place);
        let mut claims = held.iter().rev().map(|(claim, _)| *claim).filter(of_place);
        let best = claims.find(|claim| judge.is_signed(claim));
        proofs.extend(best.map(|best| Proof {
            by: place.by.clone(),
            strength: place.strength,
            records: best.checkpoint.size,
            at: best.checkpoint.at,
        }));
    }
    proofs.sort_by_key(|proof| (proof.strength, proof.records));
    proofs
}

/// `2026-11-21T14:02:00Z`
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
