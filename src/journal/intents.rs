//! What was begun and never ended, and when was something last done to this target?
//!
//! Both out of the records alone. Asked after a crash, and for the cool-down. Pure.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::domain::check::Evidence;
use crate::domain::plan::{ActionId, Digest, Part, Target};
use crate::domain::record::{Entry, Kept, StepOutcome};
use crate::domain::source::SourceName;
use crate::domain::text::Untrusted;

/// A write that may or may not have been sent: nothing was recorded of it after its intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenIntent {
    /// The number of its record.
    pub seq: u64,
    /// The action it belongs to.
    pub action: ActionId,
    /// Of which plan.
    pub digest: Digest,
    /// Forward or back.
    pub part: Part,
    /// Which step, from 0.
    pub step: usize,
    /// What it does.
    pub what: Untrusted,
    /// SHA-256 of the write.
    pub write: Digest,
    /// How to find out what became of it.
    pub evidence: Evidence,
    /// When it was written down.
    pub at: DateTime<Utc>,
}

/// The intents after which no outcome of the same step, no decision and no end was recorded, oldest
/// first. An outcome in doubt closes none: somebody still has to look.
#[must_use]
pub fn open_intents(records: &[Kept]) -> Vec<OpenIntent> {
    let mut open: Vec<OpenIntent> = Vec::new();
    for kept in records {
        let Some(action) = &kept.record.action else {
            continue;
        };
        match &kept.record.entry {
            Entry::Intent {
                digest,
                part,
                step,
                what,
                write,
                evidence,
            } => {
                // Asked again after a busy answer: the later intent stands for both.
                open.retain(|i| (&i.action, i.part, i.step) != (action, *part, *step));
                open.push(OpenIntent {
                    seq: kept.seq,
                    action: action.clone(),
                    digest: digest.clone(),
                    part: *part,
                    step: *step,
                    what: what.clone(),
                    write: write.clone(),
                    evidence: evidence.clone(),
                    at: kept.record.at,
                });
            }
            Entry::Outcome {
                outcome: StepOutcome::InDoubt { .. },
                ..
            } => {}
            Entry::Outcome { part, step, .. } => {
                open.retain(|i| (&i.action, i.part, i.step) != (action, *part, *step));
            }
            Entry::Decided { step, .. } => {
                open.retain(|i| (&i.action, i.step) != (action, *step));
            }
            Entry::Ended { .. } => open.retain(|i| i.action != *action),
            _ => {}
        }
    }
    open
}

/// When a write to one of these targets of a server was last about to be sent, by anybody whose records
/// these are.
#[must_use]
pub fn last_action_on(
    records: &[Kept],
    server: &SourceName,
    names: &[Untrusted],
) -> Option<DateTime<Utc>> {
    let mut targets: HashMap<&ActionId, &[Target]> = HashMap::new();
    let mut last = None;
    for kept in records {
        let Some(action) = &kept.record.action else {
            continue;
        };
        match &kept.record.entry {
            Entry::Resolved { targets: resolved } => {
                targets.insert(action, resolved);
            }
            Entry::Intent { .. } => {
                let resolved = targets.get(action).copied().unwrap_or_default();
                let is_one =
                    |target: &Target| target.server == *server && names.contains(&target.name);
                if resolved.iter().any(is_one) {
                    last = last.max(Some(kept.record.at));
                }
            }
            _ => {}
        }
    }
    last
}
