//! What is known of a source itself, and what does its silence mean?
//!
//! Something that an answer does not name has gone only if the source could have named it. Called by
//! [`super::History`]; pure.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::domain::delivery::{DeliveryAnswer, PartState};
use crate::domain::drift::{Drift, DriftKind};
use crate::domain::text::Untrusted;

/// One source.
#[derive(Clone, Debug, Default)]
pub(super) struct Presence {
    /// When it answered for the first time.
    pub(super) first_at: Option<DateTime<Utc>>,
    /// When it last answered, as the file says.
    pub(super) noted_at: Option<DateTime<Utc>>,
    /// When it last answered in this session.
    pub(super) answered_at: Option<DateTime<Utc>>,
    /// The parts that could be read in this session.
    parts_read: HashSet<Untrusted>,
}

impl Presence {
    /// When it last answered.
    pub(super) fn last(&self) -> Option<DateTime<Utc>> {
        self.answered_at.max(self.noted_at)
    }

    /// Whether an answer names everything that the ones before could name. A part that may not be
    /// read, and never was in this session, has never named anything.
    pub(super) fn is_whole(&mut self, answer: &DeliveryAnswer) -> bool {
        let mut is_whole = true;
        for part in &answer.parts {
            match &part.state {
                PartState::Read(_) => {
                    self.parts_read.insert(part.what.clone());
                }
                PartState::Failed(_) => is_whole = false,
                PartState::NotPermitted(_) => is_whole &= !self.parts_read.contains(&part.what),
                PartState::LastKnown(_) | PartState::Absent => {}
            }
        }
        is_whole
    }
}

/// Whether it cannot be said that a drift which an answer does not name has gone: the comparison of
/// the same thing, or the same report, came to no verdict.
pub(super) fn is_doubtful(drift: &Drift, answer: &DeliveryAnswer) -> bool {
    let target = drift.subject.target.shown();
    let provenance = drift.report.provenance.as_ref().map(Untrusted::shown);
    answer.drifts.iter().any(|other| {
        let has_no_verdict = matches!(
            other.kind,
            DriftKind::Error | DriftKind::Unknown | DriftKind::Partial
        );
        let by_same = provenance.is_some()
            && other.report.provenance.as_ref().map(Untrusted::shown) == provenance;
        has_no_verdict && (by_same || other.subject.target.shown() == target)
    })
}
