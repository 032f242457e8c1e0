//! Why does nobody hear of this alert?
//!
//! Joins silence, inhibition and mute interval into one line. Called by [`super::merge`] for
//! alerts that are suppressed. It never hides anything.

use std::collections::HashMap;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::alert::{AlertState, Quiet};
use super::label::Fingerprint;
use super::observed::{Silence, Suppression};
use super::text::Untrusted;

/// The silences of all replicas, by id.
pub struct Silences<'a>(HashMap<&'a Untrusted, &'a Silence>);

impl<'a> Silences<'a> {
    /// Indexes them.
    pub fn of(silences: impl Iterator<Item = &'a Silence>) -> Self {
        Self(silences.map(|s| (&s.id, s)).collect())
    }
}

/// The state and the line. Of several reasons the one that a person made comes first.
#[must_use]
pub fn explain(
    suppression: &Suppression,
    silences: &Silences<'_>,
    name_of: impl Fn(Fingerprint) -> Option<Untrusted>,
    now: DateTime<Utc>,
) -> (AlertState, Quiet) {
    let mut reasons = Vec::new();
    let mut until = None;
    let mut acknowledged = !suppression.silenced_by.is_empty();
    for id in &suppression.silenced_by {
        let Some(silence) = silences.0.get(id) else {
            acknowledged = false;
            reasons.push(format!("silenced by {id} (details unknown)"));
            continue;
        };
        acknowledged &= silence.is_acknowledgement();
        until = Some(until.map_or(silence.ends_at, |known: DateTime<Utc>| {
            known.min(silence.ends_at)
        }));
        let what = if silence.is_acknowledgement() {
            "acked"
        } else {
            "silenced"
        };
        let mut line = format!(
            "{what} by {} until {}",
            silence.created_by,
            time(silence.ends_at, now)
        );
        let comment = silence.comment.shown().trim_start_matches("ACK!").trim();
        if !comment.is_empty() {
            let _ = write!(line, ": {comment}");
        }
        reasons.push(line);
    }
    for id in &suppression.inhibited_by {
        let inhibitor = Fingerprint::parse(id.raw()).and_then(&name_of);
        reasons.push(match inhibitor {
            Some(name) => format!("inhibited by {name}"),
            None => format!("inhibited by alert {id}"),
        });
    }
    for interval in &suppression.muted_by {
        reasons.push(format!("muted by interval {interval}"));
    }
    if reasons.is_empty() {
        reasons.push("suppressed, the server does not say why".to_owned());
    }
    let state = match suppression {
        _ if acknowledged => AlertState::Acked,
        s if !s.silenced_by.is_empty() => AlertState::Silenced,
        s if !s.inhibited_by.is_empty() => AlertState::Inhibited,
        s if !s.muted_by.is_empty() => AlertState::Muted,
        _ => AlertState::Silenced,
    };
    let because = reasons.join("; ");
    (state, Quiet { because, until })
}

/// A time of the same day needs no date.
fn time(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let form = if at.date_naive() == now.date_naive() {
        "%H:%MZ"
    } else {
        "%Y-%m-%d %H:%MZ"
    };
    at.format(form).to_string()
}
