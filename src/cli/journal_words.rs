//! How is a record of the journal said in one line?
//!
//! For `quell journal show`. The words of a record are safe to show; they are cut by the page alone. Pure.

use super::page::Role;
use crate::domain::check::Found;
use crate::domain::plan::Part;
use crate::domain::record::{CheckOutcome, End, Entry, Record, StepOutcome};
use crate::domain::text::{Untrusted, shown};

/// The kinds of entries, as JSON and the filter call them.
pub const KINDS: [&str; 18] = [
    "requested",
    "resolved",
    "planned",
    "not_planned",
    "checked",
    "approval_asked",
    "approved",
    "armed",
    "intent",
    "outcome",
    "sample",
    "ended",
    "decided",
    "panic",
    "break_glass",
    "note",
    "other",
    "unknown",
];

/// Which of [`KINDS`] an entry is.
#[must_use]
pub fn kind(entry: &Entry) -> &'static str {
    match entry {
        Entry::Requested { .. } => "requested",
        Entry::Resolved { .. } => "resolved",
        Entry::Planned(_) => "planned",
        Entry::NotPlanned { .. } => "not_planned",
        Entry::Checked { .. } => "checked",
        Entry::ApprovalAsked { .. } => "approval_asked",
        Entry::Approved { .. } => "approved",
        Entry::Armed { .. } => "armed",
        Entry::Intent { .. } => "intent",
        Entry::Outcome { .. } => "outcome",
        Entry::Sample { .. } => "sample",
        Entry::Ended { .. } => "ended",
        Entry::Decided { .. } => "decided",
        Entry::Panic { .. } => "panic",
        Entry::BreakGlass { .. } => "break_glass",
        Entry::Note { .. } => "note",
        Entry::Other { .. } => "other",
    }
}

/// `ada@bastion-1`
#[must_use]
pub fn who(record: &Record) -> String {
    format!("{}@{}", record.by.name, record.by.host)
}

/// What it says, and how it is coloured.
#[must_use]
pub fn said(entry: &Entry) -> (String, Role) {
    let (text, role) = words(entry);
    // An entry may hold blocks of several lines, and texts that were never made safe.
    (shown(&text), role)
}

fn words(entry: &Entry) -> (String, Role) {
    let plain = |text: String| (text, Role::Plain);
    match entry {
        Entry::Requested { request } => plain(match &request.occasion.reason {
            Some(reason) => format!("{request}  ({reason})"),
            None => request.to_string(),
        }),
        Entry::Resolved { targets } => {
            plain(list(targets.iter().map(|target| {
                format!("{} on {}", target.name, target.server)
            })))
        }
        Entry::Planned(plan) => plain(format!(
            "{}  {}, {}, dry run {}, plan {}",
            plan.title,
            plan.risk.word(),
            plan.direction.word(),
            plan.dry_run.grade.word(),
            plan.digest.code(),
        )),
        Entry::NotPlanned { why } => (why.to_string(), Role::Care),
        Entry::Checked {
            policy,
            outcome,
            findings,
            ..
        } => checked(policy, *outcome, findings),
        Entry::ApprovalAsked { digest, needed } => {
            plain(format!("{needed}, plan {}", digest.code()))
        }
        Entry::Approved {
            digest,
            signer,
            key,
            role,
        } => plain(format!(
            "by {signer} as {role}, key {key}, plan {}",
            digest.code()
        )),
        Entry::Armed { digest, how } => plain(format!("{how}, plan {}", digest.code())),
        Entry::Intent {
            part, step, what, ..
        } => plain(format!("{} {what}", place(*part, *step))),
        Entry::Outcome {
            part,
            step,
            outcome,
        } => {
            let (text, role) = step_outcome(outcome);
            (format!("{} {text}", place(*part, *step)), role)
        }
        Entry::Sample { seen } => plain(seen.to_string()),
        Entry::Ended { end, detail } => (format!("{}: {detail}", end.word()), end_role(*end)),
        Entry::Decided {
            step,
            found,
            reason,
        } => {
            let found = match found {
                Found::Applied => "it was done".to_owned(),
                Found::NotApplied => "it was not done".to_owned(),
                Found::Unknown(why) => format!("nobody can say: {why}"),
            };
            plain(format!("step {}: {found}: {reason}", step + 1))
        }
        Entry::Panic { is_on: true } => ("nothing more is dispatched".to_owned(), Role::Bad),
        Entry::Panic { is_on: false } => plain("dispatching is on again".to_owned()),
        Entry::BreakGlass {
            reason,
            until,
            paged,
        } => {
            let until = until.format("%H:%M:%SZ");
            (
                format!("approvals skipped until {until}: {reason}; {paged}"),
                Role::Bad,
            )
        }
        Entry::Note { text } => plain(text.to_string()),
        Entry::Other { what, detail } => plain(format!("{what} {detail}")),
    }
}

fn checked(policy: &Untrusted, outcome: CheckOutcome, findings: &[Untrusted]) -> (String, Role) {
    let (word, role) = match outcome {
        CheckOutcome::Allowed => ("allowed", Role::Plain),
        CheckOutcome::NeedsApproval => ("needs approval", Role::Plain),
        CheckOutcome::Denied => ("denied", Role::Bad),
        CheckOutcome::ObservedDenial => ("denied, but the policy only watches", Role::Care),
    };
    let findings = list(findings.iter().map(ToString::to_string));
    (format!("{word} by {policy}: {findings}"), role)
}

fn step_outcome(outcome: &StepOutcome) -> (String, Role) {
    match outcome {
        StepOutcome::Applied { note } => (format!("applied: {note}"), Role::Good),
        StepOutcome::Refused { why, .. } => (format!("refused: {why}"), Role::Care),
        StepOutcome::NotSent { why } => (format!("not sent: {why}"), Role::Care),
        StepOutcome::InDoubt { why } => (format!("in doubt: {why}"), Role::Bad),
    }
}

fn end_role(end: End) -> Role {
    match end {
        End::Verified => Role::Good,
        End::NeedsPerson => Role::Bad,
        End::Reverted | End::Refused | End::Blocked => Role::Care,
        End::Cancelled | End::Expired => Role::Faint,
    }
}

/// `step 1`, as people count.
fn place(part: Part, step: usize) -> String {
    match part {
        Part::Forward => format!("step {}:", step + 1),
        Part::Reverse => format!("back, step {}:", step + 1),
    }
}

fn list(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(", ")
}
