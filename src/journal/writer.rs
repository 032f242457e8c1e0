//! Who holds the file while many ask?
//!
//! One thread of each open journal takes records in turn, another carries checkpoints to the anchors, so
//! that a slow one never holds up a record. Both end with the last clone of the journal. Nothing here
//! reads a clock: the times of the records drive the anchors.

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::oneshot;

use super::anchor;
use super::checkpoint::Checkpoint;
use super::file::{Store, checkpoints_file};
use super::frame::Frame;
use crate::config::actions::Anchor;
use crate::domain::action::Risk;
use crate::domain::plan::ActionId;
use crate::domain::record::{Entry, Kept, Record};

/// While records come, a checkpoint is not older.
const ANCHOR_EVERY: TimeDelta = TimeDelta::minutes(5);
/// From this risk on the end of an action is anchored at once.
const ANCHOR_FROM: Risk = Risk::R2;

/// What the threads are asked.
pub(super) enum Order {
    /// Keep a record.
    Append(Box<Record>, oneshot::Sender<Result<u64, String>>),
    /// Seal and anchor what is there.
    Anchor(DateTime<Utc>, oneshot::Sender<Result<String, String>>),
    /// Say when everything before this is done, anchors too.
    Settle(oneshot::Sender<()>),
}

/// What the anchors are asked.
enum Carry {
    Keep(Checkpoint, Option<oneshot::Sender<Result<String, String>>>),
    Settle(oneshot::Sender<()>),
}

/// What the threads know and others show.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Why nothing more is taken.
    pub(super) failed: Option<String>,
    /// What a person should know, though every record holds.
    pub(super) cautions: Vec<String>,
    /// Why an anchor did not take the last checkpoint, by anchor.
    pub(super) anchors: Vec<(String, String)>,
}

/// What the threads know, shared.
pub(super) type Shared = Arc<Mutex<Known>>;

/// Looks at what is shared, or changes it.
pub(super) fn with<T>(shared: &Shared, work: impl FnOnce(&mut Known) -> T) -> T {
    // No code here can leave it half changed.
    work(&mut shared.lock().unwrap_or_else(PoisonError::into_inner))
}

struct Writer {
    store: Store,
    /// The risk of each action that goes on.
    risks: HashMap<ActionId, Risk>,
    last_anchored: Option<DateTime<Utc>>,
    shared: Shared,
    carry: Sender<Carry>,
}

/// Opens the file and starts both threads.
///
/// # Errors
/// In words: the file cannot be opened, a record does not hold, or no thread can be started.
pub(super) fn start(path: &Path, anchors: &[Anchor]) -> Result<(Sender<Order>, Shared), String> {
    let mut risks = HashMap::new();
    let store = Store::open(path, |_, frame| learn(&mut risks, frame))?;
    let shared = Shared::default();
    with(&shared, |known| known.cautions = store.cautions().to_vec());
    let (carry, carried) = channel();
    let (anchors, for_carrier) = (anchors.to_vec(), Arc::clone(&shared));
    let (orders, ordered) = channel();
    let mut writer = Writer {
        last_anchored: last_checkpoint(path),
        store,
        risks,
        shared: Arc::clone(&shared),
        carry,
    };
    writer.anchor_the_beginning(&anchors);
    let thread = |name: &str| thread::Builder::new().name(name.to_owned());
    thread("journal")
        .spawn(move || writer.run(&ordered))
        .and_then(|_| thread("anchors").spawn(move || carry_all(&carried, &anchors, &for_carrier)))
        .map_err(|error| format!("{}: no thread for it: {error}", path.display()))?;
    Ok((orders, shared))
}

fn last_checkpoint(path: &Path) -> Option<DateTime<Utc>> {
    let text = std::fs::read_to_string(checkpoints_file(path)).ok()?;
    Checkpoint::all(&text)
        .last()
        .map(|checkpoint| checkpoint.at)
}

/// Keeps the risk of actions that go on, from records that others wrote.
fn learn(risks: &mut HashMap<ActionId, Risk>, frame: &Frame<'_>) {
    // Most records say neither; they need not be understood for it.
    let text = frame.text();
    let says = |kind: &[u8]| text.windows(kind.len()).any(|window| window == kind);
    if !says(b"\"entry\":{\"kind\":\"planned\"") && !says(b"\"entry\":{\"kind\":\"ended\"") {
        return;
    }
    // What a newer quell writes may not be understood here.
    if let Ok(kept) = serde_json::from_slice::<Kept>(text) {
        note(risks, &kept.record);
    }
}

/// The risk of the action that this record ends.
fn note(risks: &mut HashMap<ActionId, Risk>, record: &Record) -> Option<Risk> {
    let action = record.action.as_ref()?;
    match &record.entry {
        Entry::Planned(plan) => {
            risks.insert(action.clone(), plan.risk);
            None
        }
        Entry::Ended { .. } => risks.remove(action),
        _ => None,
    }
}

impl Writer {
    fn run(mut self, orders: &Receiver<Order>) {
        for order in orders {
            match order {
                Order::Append(record, reply) => {
                    let risks = &mut self.risks;
                    let kept = self.store.append(&record, |_, frame| learn(risks, frame));
                    self.tell();
                    let is_kept = kept.is_ok();
                    // Who asked may have gone; the record stands all the same.
                    let _ = reply.send(kept);
                    if is_kept {
                        self.anchor_if_due(&record);
                    }
                }
                Order::Anchor(at, reply) => match self.seal(at) {
                    Ok(checkpoint) => self.carry(Carry::Keep(checkpoint, Some(reply))),
                    Err(why) => {
                        let _ = reply.send(Err(why));
                    }
                },
                Order::Settle(reply) => self.carry(Carry::Settle(reply)),
            }
        }
    }

    fn anchor_if_due(&mut self, record: &Record) {
        let ended = note(&mut self.risks, record);
        let is_grave = ended.is_some_and(|risk| risk >= ANCHOR_FROM);
        // A clock that was set back must not put it off for ever.
        let is_old = self
            .last_anchored
            .is_none_or(|then| (record.at - then).abs() >= ANCHOR_EVERY);
        if !is_grave && !is_old {
            return;
        }
        if let Ok(checkpoint) = self.seal(record.at) {
            self.carry(Carry::Keep(checkpoint, None));
        }
    }

    /// Before the first record: from then on an anchor that knows nothing of a journal of this name is
    /// proof that it was begun anew.
    fn anchor_the_beginning(&mut self, anchors: &[Anchor]) {
        let Some(at) = self.store.founded else {
            return;
        };
        if let Ok(checkpoint) = self.seal(at) {
            // What failed is kept for the picture; the next checkpoint tries again.
            let _ = keep_everywhere(&checkpoint, anchors, &self.shared);
        }
        // The next one comes with the first record, whose clock may be another.
        self.last_anchored = None;
    }

    fn seal(&mut self, at: DateTime<Utc>) -> Result<Checkpoint, String> {
        let risks = &mut self.risks;
        let sealed = self.store.checkpoint(at, |_, frame| learn(risks, frame));
        self.tell();
        let trouble = sealed.as_ref().err().cloned();
        with(&self.shared, |known| set(known, "checkpoint", trouble));
        self.last_anchored = Some(at);
        sealed
    }

    fn carry(&self, carry: Carry) {
        // The other thread ends after this one.
        let _ = self.carry.send(carry);
    }

    fn tell(&self) {
        let (failed, cautions) = (self.store.failed(), self.store.cautions());
        with(&self.shared, |known| {
            known.failed = failed.map(str::to_owned);
            cautions.clone_into(&mut known.cautions);
        });
    }
}

fn set(known: &mut Known, by: &str, trouble: Option<String>) {
    known.anchors.retain(|(name, _)| name != by);
    known
        .anchors
        .extend(trouble.map(|why| (by.to_owned(), why)));
}

fn carry_all(carried: &Receiver<Carry>, anchors: &[Anchor], shared: &Shared) {
    for carry in carried {
        match carry {
            Carry::Keep(checkpoint, reply) => {
                let kept = keep_everywhere(&checkpoint, anchors, shared);
                if let Some(reply) = reply {
                    let _ = reply.send(kept);
                }
            }
            Carry::Settle(reply) => {
                let _ = reply.send(());
            }
        }
    }
}

/// In words, where it is now; or where it is not.
fn keep_everywhere(
    checkpoint: &Checkpoint,
    anchors: &[Anchor],
    shared: &Shared,
) -> Result<String, String> {
    let (mut taken, mut failures) = (vec!["the journal's own checkpoints".to_owned()], Vec::new());
    for anchor in anchors {
        let name = anchor::words(anchor);
        let kept = anchor::keep(anchor, checkpoint);
        let trouble = kept.err();
        with(shared, |known| set(known, &name, trouble.clone()));
        match trouble {
            None => taken.push(name),
            Some(why) => failures.push(format!("{name}: {why}")),
        }
    }
    if failures.is_empty() {
        return Ok(format!("{} records: {}", checkpoint.size, taken.join(", ")));
    }
    Err(failures.join("; "))
}
