//! When is a part of a source asked for again, and what is shown until then?
//!
//! Alerts are read at every poll; silences, rules, versions change more slowly and are parts of
//! their own. A part that fails does not fail its source: its last good value stays, and a line
//! says so.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::source::{ErrorKind, SourceError};
use crate::domain::text::Untrusted;

/// The last good value of a part and the last failure.
#[derive(Debug)]
pub(super) struct Part<T> {
    value: Option<Known<T>>,
    asked_at: Option<DateTime<Utc>>,
    failure: Option<SourceError>,
}

#[derive(Debug)]
struct Known<T> {
    value: T,
    at: DateTime<Utc>,
}

/// Whether to go on asking a server in this poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// It answers, if only with a refusal.
    Willing,
    /// It is overloaded or gone: the next question would only make it worse.
    Unwilling,
}

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self {
            value: None,
            asked_at: None,
            failure: None,
        }
    }
}

impl<T> Part<T> {
    pub(super) fn value(&self) -> Option<&T> {
        self.value.as_ref().map(|known| &known.value)
    }

    /// Whether it was last asked for long enough ago, or our clock was set back.
    pub(super) fn is_due(&self, now: DateTime<Utc>, every: TimeDelta) -> bool {
        self.asked_at.is_none_or(|at| now < at || now - at >= every)
    }

    /// Why the last attempt failed, if it did.
    pub(super) fn failure(&self) -> Option<&SourceError> {
        self.failure.as_ref()
    }

    pub(super) fn settle(&mut self, now: DateTime<Utc>, result: Result<T, SourceError>) -> Mood {
        self.asked_at = Some(now);
        match result {
            Ok(value) => {
                self.value = Some(Known { value, at: now });
                self.failure = None;
                Mood::Willing
            }
            Err(error) => {
                let mood = match error.kind {
                    ErrorKind::Busy | ErrorKind::TimedOut | ErrorKind::Unreachable => {
                        Mood::Unwilling
                    }
                    _ => Mood::Willing,
                };
                self.failure = Some(error);
                mood
            }
        }
    }

    /// What the last failure means for what is shown.
    pub(super) fn limit(&self, name: &str) -> Option<Untrusted> {
        let error = self.failure.as_ref()?;
        let shown = match &self.value {
            Some(known) => format!("shown as of {}", known.at.format("%H:%M:%SZ")),
            None => "none read so far".to_owned(),
        };
        Some(Untrusted::line(&format!("{name}: {error}; {shown}")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    fn t(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + secs, 0).unwrap()
    }

    #[test]
    fn a_part_is_due_by_time_and_after_a_clock_was_set_back() {
        let every = TimeDelta::seconds(60);
        let mut part = Part::default();
        assert!(part.is_due(t(0), every));
        part.settle(t(0), Ok(1));
        assert!(!part.is_due(t(59), every));
        assert!(part.is_due(t(60), every));
        assert!(part.is_due(t(-1), every));
    }

    #[test]
    fn a_failure_keeps_the_value_and_says_so() {
        let mut part = Part::default();
        assert_eq!(part.limit("silences"), None);
        let busy = SourceError::new(ErrorKind::Busy, "503");
        assert_eq!(part.settle(t(0), Err(busy.clone())), Mood::Unwilling);
        let limit = part.limit("silences").unwrap();
        assert_eq!(
            limit.shown(),
            "silences: overloaded (503); none read so far"
        );
        part.settle(t(0), Ok(7));
        assert_eq!(part.limit("silences"), None);
        part.settle(t(60), Err(busy));
        assert_eq!(part.value(), Some(&7));
        let limit = part.limit("silences").unwrap();
        assert_eq!(
            limit.shown(),
            "silences: overloaded (503); shown as of 08:00:00Z"
        );
    }
}
