//! What of an answer is new, what has changed, and what has gone?
//!
//! Everything that is remembered of one sort, in memory. Called by [`super::History`] before it
//! writes, to find out what to write, and after it has written. Pure: it knows no database.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::delivery::Seen;
use crate::domain::source::SourceName;
use crate::domain::text::Untrusted;

/// Something that a source tells again and again by the same name.
pub(super) trait Told: Clone + PartialEq + Serialize {
    /// Its name as it was told.
    fn id(&self) -> &Untrusted;
}

/// Longer names are told apart by their beginning. Shorter than where [`Untrusted`] itself cuts, and
/// then writes how much it has left out.
const MAX_KEY_BYTES: usize = 8 * 1024;

/// The name that something is kept by. What is read back from the file is the shown form of what was
/// told: a hostile name must be the same before and after. Here alone that is decided.
pub(super) fn key(id: &Untrusted) -> Untrusted {
    let shown = id.shown();
    let is_plain = shown == id.raw() && !shown.contains(['\n', '\t']);
    if is_plain && shown.len() <= MAX_KEY_BYTES {
        return id.clone();
    }
    // The shown form of a block may still hold line breaks.
    let line = Untrusted::line(shown);
    let shown = line.shown();
    Untrusted::line(&shown[..shown.floor_char_boundary(MAX_KEY_BYTES)])
}

/// One thing that is remembered.
#[derive(Clone, Debug)]
pub(super) struct Row<T> {
    /// Who told of it last.
    pub(super) source: SourceName,
    /// As it was told last.
    pub(super) value: T,
    /// When that was. Of what has not gone, `last` lies behind.
    pub(super) seen: Seen,
    /// When its source first answered without it. None: its last answer has it.
    pub(super) gone_at: Option<DateTime<Utc>>,
    /// The last answer of this session that had it.
    turn: u64,
}

impl<T> Row<T> {
    pub(super) fn new(
        source: SourceName,
        value: T,
        seen: Seen,
        gone_at: Option<DateTime<Utc>>,
    ) -> Self {
        Self {
            source,
            value,
            seen,
            gone_at,
            turn: 0,
        }
    }
}

/// All of one sort.
#[derive(Debug)]
pub(super) struct Ledger<T> {
    rows: HashMap<Untrusted, Row<T>>,
}

/// What an answer means to what is remembered.
#[derive(Debug)]
pub(super) struct Plan<'a, T> {
    /// New, told otherwise than before, or back.
    pub(super) told: Vec<(Untrusted, &'a T)>,
    /// The same as was read from the file, where some text stands in its shown form.
    pub(super) alike: Vec<(Untrusted, &'a T)>,
    /// Not told any more.
    pub(super) gone: Vec<Untrusted>,
}

impl<T> Plan<'_, T> {
    /// Whether the file stays as it is.
    pub(super) fn writes_nothing(&self) -> bool {
        self.told.is_empty() && self.gone.is_empty()
    }
}

impl<T> Default for Ledger<T> {
    fn default() -> Self {
        Self {
            rows: HashMap::new(),
        }
    }
}

impl<T: Told> Ledger<T> {
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row<T>> {
        self.rows.values()
    }

    /// Compares an answer with what is remembered. `turn` is greater than in every call before;
    /// `has_answered` tells which sources have answered in this session; `is_over` whether something
    /// that the answer does not name has gone, or whether that cannot be said.
    pub(super) fn plan<'a>(
        &mut self,
        source: &SourceName,
        told: &'a [T],
        turn: u64,
        has_answered: impl Fn(&SourceName) -> bool,
        is_over: impl Fn(&T) -> bool,
    ) -> Plan<'a, T> {
        let mut plan = Plan {
            told: Vec::new(),
            alike: Vec::new(),
            gone: Vec::new(),
        };
        let mut new: HashSet<Untrusted> = HashSet::new();
        for value in told {
            let key = key(value.id());
            let Some(row) = self.rows.get_mut(&key) else {
                if new.insert(key.clone()) {
                    plan.told.push((key, value));
                }
                continue;
            };
            let is_ours = row.source == *source;
            if is_ours && row.turn == turn {
                // Told twice in one answer: the first counts.
                continue;
            }
            if !is_ours && row.gone_at.is_none() && has_answered(&row.source) {
                // Two sources tell of it: the one that came first keeps it while it does.
                continue;
            }
            if is_ours {
                row.turn = turn;
            } else if !new.insert(key.clone()) {
                continue;
            }
            if !is_ours || row.gone_at.is_some() {
                plan.told.push((key, value));
            } else if row.value != *value {
                if is_alike(&row.value, value) {
                    plan.alike.push((key, value));
                } else {
                    plan.told.push((key, value));
                }
            }
        }
        let missing = self
            .rows
            .iter()
            .filter(|(_, row)| row.turn != turn && row.gone_at.is_none() && row.source == *source);
        let gone = missing.filter(|(_, row)| is_over(&row.value));
        plan.gone.extend(gone.map(|(key, _)| key.clone()));
        plan
    }

    /// Takes over what was read from the file. What is held in the form that is told stays in it.
    pub(super) fn insert_read(&mut self, key: Untrusted, mut row: Row<T>) {
        if let Some(held) = self.rows.get(&key) {
            row.turn = held.turn;
            if is_alike(&held.value, &row.value) {
                row.value = held.value.clone();
            }
        }
        self.rows.insert(key, row);
    }

    /// Takes over what was told and written.
    pub(super) fn insert(&mut self, key: Untrusted, mut row: Row<T>, turn: u64) {
        row.turn = turn;
        self.rows.insert(key, row);
    }

    /// Takes over the form that is told now. Whether its name had another form.
    pub(super) fn exchange(&mut self, key: &Untrusted, value: &T) -> bool {
        let Some(row) = self.rows.get_mut(key) else {
            return false;
        };
        let is_renamed = row.value.id() != value.id();
        row.value = value.clone();
        is_renamed
    }

    /// Notes what has gone.
    pub(super) fn note_gone(&mut self, keys: &[Untrusted], last: DateTime<Utc>, at: DateTime<Utc>) {
        for key in keys {
            if let Some(row) = self.rows.get_mut(key) {
                row.gone_at = Some(at);
                row.seen.last = row.seen.last.max(last);
            }
        }
    }

    /// Forgets what was last seen before `cutoff`. Whether there was any.
    pub(super) fn forget(
        &mut self,
        cutoff: DateTime<Utc>,
        last: impl Fn(&Row<T>) -> DateTime<Utc>,
    ) -> bool {
        let before = self.rows.len();
        self.rows.retain(|_, row| last(row) >= cutoff);
        self.rows.len() < before
    }

    /// Drops what has gone, the lowest rank first, until no more than `max` are left or none has gone.
    pub(super) fn bound<R: Ord>(&mut self, max: usize, rank: impl Fn(&T) -> R) {
        let over = self.rows.len().saturating_sub(max);
        if over == 0 {
            return;
        }
        let gone = self.rows.iter().filter(|(_, row)| row.gone_at.is_some());
        let mut gone: Vec<(R, Untrusted)> = gone
            .map(|(key, row)| (rank(&row.value), key.clone()))
            .collect();
        gone.sort_unstable();
        for (_, key) in gone.into_iter().take(over) {
            self.rows.remove(&key);
        }
    }
}

/// Whether both give the same text in the file.
fn is_alike<T: Serialize>(a: &T, b: &T) -> bool {
    match (serde_json::to_string(a), serde_json::to_string(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
