//! What was known of changes and drift then?
//!
//! `--at TIME` for what sources tell only as of now: changes that began later are left out, those that
//! ended later were under way, drift that was first seen later is left out. Called by
//! `gather_deliveries`; pure. What cannot be found out in this way is said, never guessed.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::board::Heard;
use crate::domain::change::{Change, Outcome};
use crate::domain::delivery::{DeliveryAnswer, DeliveryInputs, Past};
use crate::domain::drift::Drift;
use crate::domain::freshness::Freshness;
use crate::domain::source::SourceName;
use crate::domain::text::Untrusted;

/// The inputs as of `at`, and what of then is not known.
pub(super) fn to(inputs: DeliveryInputs, at: DateTime<Utc>) -> (DeliveryInputs, Vec<String>) {
    let mut later = 0;
    let mut heard: Vec<Heard<DeliveryAnswer>> = inputs
        .heard
        .into_iter()
        .map(|heard| Heard {
            answer: Arc::new(answer(&heard.answer, &inputs.past, at, &mut later)),
            ..heard
        })
        .collect();
    let (told, past) = split(&inputs.past, at);
    if !told.is_empty() {
        heard.push(Heard {
            source: SourceName::from("history"),
            freshness: Freshness::Stale,
            answered_at: at,
            answer: Arc::new(DeliveryAnswer {
                changes: told,
                ..DeliveryAnswer::default()
            }),
        });
    }
    let mut unknown = vec![
        "what went on then follows from when it began and ended; how far it was is not known"
            .to_owned(),
        "a change that neither its source nor this machine's history tells of any more is missing"
            .to_owned(),
        "drift and troubles are as reported now; what has gone since then is not known".to_owned(),
    ];
    if later > 0 {
        unknown.push(format!(
            "left out as first seen or reported after then: {later} of drift"
        ));
    }
    let inputs = DeliveryInputs {
        heard,
        past: Arc::new(past),
        ..inputs
    };
    (inputs, unknown)
}

fn answer(
    answer: &DeliveryAnswer,
    past: &Past,
    at: DateTime<Utc>,
    later: &mut usize,
) -> DeliveryAnswer {
    let is_known = |drift: &&Drift| {
        let first = past.drifts_seen.get(&drift.id).map(|seen| seen.first);
        first.or(drift.report.at).is_none_or(|first| first <= at)
    };
    let drifts: Vec<Drift> = answer.drifts.iter().filter(is_known).cloned().collect();
    *later += answer.drifts.len() - drifts.len();
    let troubles = answer.troubles.iter();
    let troubles = troubles.filter(|trouble| trouble.since.is_none_or(|since| since <= at));
    DeliveryAnswer {
        changes: answer.changes.iter().filter_map(|c| as_of(c, at)).collect(),
        drifts,
        troubles: troubles.cloned().collect(),
        services: answer.services.clone(),
        parts: answer.parts.clone(),
        limits: answer.limits.clone(),
        version: answer.version.clone(),
    }
}

/// A change as it stood then; none if it had not begun.
fn as_of(change: &Change, at: DateTime<Utc>) -> Option<Change> {
    if change.started_at > at {
        return None;
    }
    let mut then = change.clone();
    match change.finished_at {
        Some(end) if end > at => {
            let end = end.format("%Y-%m-%d %H:%M:%SZ");
            note(
                &mut then,
                &format!("it ended later: {}, {end}", change.outcome.word()),
            );
            if change.outcome == Outcome::Failed {
                // Nobody could know then why it would fail.
                then.told.reason = None;
            }
            then.outcome = Outcome::Running;
            then.finished_at = None;
            then.told.progress = None;
        }
        None if change.is_in_flight() => then.told.progress = None,
        None if change.outcome != Outcome::Unknown => {
            note(
                &mut then,
                "when it ended is not told: it may have been later",
            );
        }
        _ => {}
    }
    Some(then)
}

fn note(change: &mut Change, text: &str) {
    change.told.notes.push(Untrusted::line(text));
}

/// What was remembered, as of then. Changes whose end is known come apart: a remembered change that
/// goes on means that its end was missed, and theirs was not.
fn split(past: &Past, at: DateTime<Utc>) -> (Vec<Change>, Past) {
    let mut told = Vec::new();
    let mut changes = Vec::new();
    for known in &past.changes {
        let Some(then) = as_of(known, at) else {
            continue;
        };
        if then.is_in_flight() && !known.is_in_flight() {
            told.push(then);
        } else {
            changes.push(then);
        }
    }
    let past = Past {
        changes,
        changes_seen: past.changes_seen.clone(),
        drifts_seen: past.drifts_seen.clone(),
        looked_since: past.looked_since.clone(),
    };
    (told, past)
}
