//! Where is the operator on screen 7: which record, and what does it say?
//!
//! Rows are records by their number, newest first. They stand still like those of screens 3 and 4.

use super::Model;
use super::held::{Held, Offer, Row, Wanted};
use crate::domain::filter::{Filter, Search};
use crate::domain::label::Labels;
use crate::domain::plan::Part;
use crate::domain::record::{CheckOutcome, End, Entry, JournalPicture, Kept, Record, StepOutcome};
use crate::domain::text::Untrusted;

/// Screen 7.
#[derive(Debug, Default)]
pub struct JournalSession {
    /// The records.
    pub list: Held<u64>,
}

/// How good or bad a record is to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// One step of many.
    Plain,
    /// It went well.
    Good,
    /// To be looked at.
    Warn,
    /// It hurts.
    Bad,
}

/// A record in few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What happened.
    pub what: String,
    /// How it came out; empty where there is no such thing.
    pub outcome: String,
    /// How good or bad that is.
    pub mood: Mood,
}

/// What the journal offers, newest first.
#[must_use]
pub fn offers(journal: &JournalPicture, filter: &Filter) -> Vec<Offer<u64>> {
    let mut search = Search::default();
    let all = journal.records.iter().enumerate().rev();
    all.map(|(at, kept)| {
        let wanted = filter.is_empty() || filter.matches_labels(&labels(&kept.record), &mut search);
        Offer {
            row: Row {
                id: kept.seq,
                at: Some(at),
                name: Untrusted::line(&format!("record {}", kept.seq)),
            },
            wanted: if wanted { Wanted::Yes } else { Wanted::No },
        }
    })
    .collect()
}

/// What a filter looks at: the columns of the screen.
fn labels(record: &Record) -> Labels {
    let told = told(&record.entry);
    let own = |name: &str, value: &str| (Untrusted::line(name), Untrusted::line(value));
    let mut pairs = vec![
        own("who", record.by.name.raw()),
        own("host", record.by.host.raw()),
        own("kind", kind(&record.entry)),
        own("what", &told.what),
        own("outcome", &told.outcome),
    ];
    pairs.extend(record.env.as_ref().map(|env| own("env", env.raw())));
    let action = record.action.as_ref();
    pairs.extend(action.map(|action| own("action", action.short())));
    Labels::new(pairs)
}

/// The record of a row, if it is still among the last ones.
#[must_use]
pub fn of_row<'j>(journal: &'j JournalPicture, row: &Row<u64>) -> Option<&'j Kept> {
    journal.records.get(row.at?)
}

/// The record that a command of this screen is about.
#[must_use]
pub fn target(model: &Model) -> Option<&Kept> {
    of_row(&model.acting.journal, model.session.journal.list.target()?)
}

/// The word of a sort of record.
#[must_use]
pub fn kind(entry: &Entry) -> &'static str {
    match entry {
        Entry::Requested { .. } => "requested",
        Entry::Resolved { .. } => "resolved",
        Entry::Planned(_) => "planned",
        Entry::NotPlanned { .. } => "not planned",
        Entry::Checked { .. } => "checked",
        Entry::ApprovalAsked { .. } => "approval asked",
        Entry::Approved { .. } => "approved",
        Entry::Armed { .. } => "armed",
        Entry::Intent { .. } => "intent",
        Entry::Outcome { .. } => "outcome",
        Entry::Sample { .. } => "sample",
        Entry::Ended { .. } => "ended",
        Entry::Decided { .. } => "decided",
        Entry::Panic { .. } => "panic",
        Entry::BreakGlass { .. } => "break-glass",
        Entry::Note { .. } => "note",
        Entry::Other { .. } => "other",
    }
}

/// A record in few words, safe to show.
#[must_use]
pub fn told(entry: &Entry) -> Told {
    use Mood::{Bad, Good, Plain, Warn};
    let (what, outcome, mood) = match entry {
        Entry::Requested { request } => (request.to_string(), String::new(), Plain),
        Entry::Resolved { targets } => {
            let names: Vec<&str> = targets.iter().map(|t| t.name.shown()).collect();
            (
                format!("resolved to {}", names.join(", ")),
                String::new(),
                Plain,
            )
        }
        Entry::Planned(plan) => (
            plan.title.shown().to_owned(),
            format!("{} {}", plan.risk.word(), plan.direction.word()),
            Plain,
        ),
        Entry::NotPlanned { why } => (why.shown().to_owned(), "no plan".to_owned(), Warn),
        Entry::Checked {
            policy, outcome, ..
        } => {
            let (word, mood) = match outcome {
                CheckOutcome::Allowed => ("allowed", Good),
                CheckOutcome::NeedsApproval => ("needs approval", Plain),
                CheckOutcome::Denied => ("denied", Warn),
                CheckOutcome::ObservedDenial => ("would be denied", Warn),
            };
            (format!("checked by {policy}"), word.to_owned(), mood)
        }
        Entry::ApprovalAsked { needed, .. } => (
            format!("asked for approval: {needed}"),
            String::new(),
            Plain,
        ),
        Entry::Approved { signer, role, .. } => (
            format!("approved by {signer} as {role}"),
            String::new(),
            Good,
        ),
        Entry::Armed { how, .. } => (format!("confirmed {how}"), "armed".to_owned(), Plain),
        Entry::Intent { what, part, .. } => (
            format!("about to{}: {what}", back(*part)),
            String::new(),
            Plain,
        ),
        Entry::Outcome {
            part,
            step,
            outcome,
        } => return step_told(*part, *step, outcome),
        Entry::Sample { seen } => (seen.shown().to_owned(), String::new(), Plain),
        Entry::Ended { end, detail } => {
            let mood = match end {
                End::Verified | End::Reverted => Good,
                End::Cancelled | End::Expired => Plain,
                End::Refused | End::Blocked => Warn,
                End::NeedsPerson => Bad,
            };
            (detail.shown().to_owned(), end.word().to_owned(), mood)
        }
        Entry::Decided { step, reason, .. } => (
            format!("step {}: decided by a person: {reason}", step + 1),
            "decided".to_owned(),
            Warn,
        ),
        Entry::Panic { is_on: true } => (
            "panic: nothing more is dispatched on this machine".to_owned(),
            "on".to_owned(),
            Bad,
        ),
        Entry::Panic { is_on: false } => ("panic is off again".to_owned(), "off".to_owned(), Plain),
        Entry::BreakGlass { reason, .. } => (
            format!("the glass was broken: {reason}"),
            "broken".to_owned(),
            Bad,
        ),
        Entry::Note { text } => (text.shown().to_owned(), String::new(), Plain),
        Entry::Other { what, .. } => (what.shown().to_owned(), String::new(), Plain),
    };
    Told {
        what,
        outcome,
        mood,
    }
}

fn back(part: Part) -> &'static str {
    match part {
        Part::Forward => "",
        Part::Reverse => " take back",
    }
}

fn step_told(part: Part, step: usize, outcome: &StepOutcome) -> Told {
    let (words, word, mood) = match outcome {
        StepOutcome::Applied { note } => (note, "applied", Mood::Good),
        StepOutcome::Refused { why, .. } => (why, "refused", Mood::Warn),
        StepOutcome::NotSent { why } => (why, "not sent", Mood::Warn),
        StepOutcome::InDoubt { why } => (why, "IN DOUBT", Mood::Bad),
    };
    Told {
        what: format!("step {}{}: {words}", step + 1, back(part)),
        outcome: word.to_owned(),
        mood,
    }
}
