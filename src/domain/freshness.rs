//! How far may an answer be trusted right now?
//!
//! Staleness is data: the last good answer stays, and this says how old it is and why there is no
//! newer one. Shown by every panel. It never decides to drop anything.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::duration::age_secs;
use super::source::SourceError;

/// The four words of the product for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Freshness {
    /// No answer yet and no failure either.
    Never,
    /// The last request was answered, in time.
    Fresh,
    /// The last answer is good but overdue, or it comes from the last session.
    Stale,
    /// The last request failed. An older answer may still be shown.
    Failed,
}

impl Freshness {
    /// The word in JSON and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Failed => "failed",
        }
    }
}

/// What is known of the requests to one source.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// When the last good answer was complete.
    pub answered_at: Option<DateTime<Utc>>,
    /// How long the last request took, in milliseconds.
    pub latency_ms: Option<u64>,
    /// Failures in a row, and since when.
    pub failures: u32,
    /// The first of the failures in a row.
    pub failing_since: Option<DateTime<Utc>>,
    /// The last failure, while failures go on.
    pub error: Option<SourceError>,
    /// The answer was read from disk, not from the source.
    pub from_snapshot: bool,
}

/// An answer this many periods old is overdue.
const OVERDUE_PERIODS: u64 = 3;

impl Health {
    /// The verdict at `now`, for a source that is asked every `period_secs`.
    #[must_use]
    pub fn freshness(&self, now: DateTime<Utc>, period_secs: u64) -> Freshness {
        if self.error.is_some() {
            return Freshness::Failed;
        }
        let Some(answered_at) = self.answered_at else {
            return Freshness::Never;
        };
        let slow_secs = self.latency_ms.unwrap_or(0) * 4 / 1_000;
        let overdue_secs = OVERDUE_PERIODS * period_secs.max(1) + slow_secs;
        if self.from_snapshot || age_secs(answered_at, now) > overdue_secs {
            return Freshness::Stale;
        }
        Freshness::Fresh
    }

    /// Notes a good answer.
    pub fn succeeded(&mut self, at: DateTime<Utc>, latency_ms: u64) {
        *self = Self {
            answered_at: Some(at),
            latency_ms: Some(latency_ms),
            ..Self::default()
        };
    }

    /// Notes a failure. The last good answer keeps its time.
    pub fn failed(&mut self, at: DateTime<Utc>, latency_ms: u64, error: SourceError) {
        self.latency_ms = Some(latency_ms);
        self.failures = self.failures.saturating_add(1);
        self.failing_since.get_or_insert(at);
        self.error = Some(error);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use crate::domain::source::ErrorKind;
    use chrono::TimeDelta;

    fn t(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::seconds(secs)
    }

    #[test]
    fn an_answer_grows_stale_and_a_failure_keeps_it() {
        let mut health = Health::default();
        assert_eq!(health.freshness(t(0), 15), Freshness::Never);
        health.succeeded(t(0), 20);
        assert_eq!(health.freshness(t(45), 15), Freshness::Fresh);
        assert_eq!(health.freshness(t(46), 15), Freshness::Stale);
        for at in [50, 60] {
            health.failed(
                t(at),
                5,
                SourceError::new(ErrorKind::Unreachable, "refused"),
            );
        }
        assert_eq!(health.freshness(t(61), 15), Freshness::Failed);
        assert_eq!(
            (health.answered_at, health.failing_since),
            (Some(t(0)), Some(t(50)))
        );
        health.succeeded(t(70), 20);
        assert_eq!((health.failures, health.failing_since), (0, None));
    }

    #[test]
    fn a_snapshot_is_never_fresh() {
        let health = Health {
            answered_at: Some(t(0)),
            from_snapshot: true,
            ..Health::default()
        };
        assert_eq!(health.freshness(t(1), 15), Freshness::Stale);
    }
}
