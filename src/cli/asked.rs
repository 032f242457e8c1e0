//! How did one question to one source go?
//!
//! The answer or the failure, how long it took, and how far it may be trusted. Made by `gather` and its
//! parts for every source alike.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::Clock;
use crate::domain::board::Heard;
use crate::domain::delivery::{Part, PartState};
use crate::domain::freshness::{Freshness, Health};
use crate::domain::source::{SourceError, SourceKind, SourceName};
use crate::domain::text::Untrusted;

/// A source and how its poll went.
#[derive(Clone, Debug)]
pub struct SourceStatus {
    /// As the config or the flags name it.
    pub name: SourceName,
    /// What it is.
    pub kind: SourceKind,
    /// How the request went.
    pub health: Health,
    /// The verdict on it.
    pub freshness: Freshness,
    /// What it could not tell, although it answered.
    pub limits: Vec<Untrusted>,
    /// Each part that it was asked for, where it has several.
    pub parts: Vec<Part>,
}

impl SourceStatus {
    /// The parts that are not there as of now, and why.
    pub fn unread(&self) -> impl Iterator<Item = (&Untrusted, String)> {
        self.parts.iter().filter_map(|part| {
            let why = match &part.state {
                PartState::Read(_) | PartState::Absent => return None,
                PartState::LastKnown(why) => format!("the last known is shown: {why}"),
                PartState::NotPermitted(why) => format!("not permitted: {why}"),
                PartState::Failed(why) => format!("failed: {why}"),
            };
            Some((&part.what, why))
        })
    }

    /// Whether it told something: an answer of which no part could be read is none.
    #[must_use]
    pub fn has_told(&self) -> bool {
        let is_empty = |part: &Part| {
            matches!(
                part.state,
                PartState::NotPermitted(_) | PartState::Failed(_)
            )
        };
        let has_answered = !matches!(self.freshness, Freshness::Failed | Freshness::Never);
        has_answered && (self.parts.is_empty() || !self.parts.iter().all(is_empty))
    }
}

/// How one question to one source went.
#[derive(Debug)]
pub struct Asked<T> {
    source: SourceName,
    kind: SourceKind,
    period: Duration,
    pub(super) latency_ms: u64,
    ended_at: DateTime<Utc>,
    result: Result<Arc<T>, SourceError>,
}

impl<T> Asked<T> {
    /// Waits for an answer and measures it.
    pub async fn of(
        (source, kind, period): (SourceName, SourceKind, Duration),
        clock: Clock,
        question: impl Future<Output = Result<T, SourceError>>,
    ) -> Self {
        let begun = Instant::now();
        let result = question.await;
        let latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Self {
            source,
            kind,
            period,
            latency_ms,
            ended_at: clock(),
            result: result.map(Arc::new),
        }
    }

    /// The answer itself.
    ///
    /// # Errors
    /// Why there is none.
    pub fn into_result(self) -> Result<Arc<T>, SourceError> {
        self.result
    }

    /// Who was asked.
    pub(super) fn source(&self) -> &SourceName {
        &self.source
    }

    /// Why there is no answer.
    pub(super) fn error(&self) -> Option<&SourceError> {
        self.result.as_ref().err()
    }

    /// What it answered, if it did.
    pub(super) fn answer(&self) -> Option<&T> {
        self.result.as_deref().ok()
    }

    fn health(&self) -> Health {
        let mut health = Health::default();
        match &self.result {
            Ok(_) => health.succeeded(self.ended_at, self.latency_ms),
            Err(error) => health.failed(self.ended_at, self.latency_ms, error.clone()),
        }
        health
    }

    pub(super) fn status(
        &self,
        now: DateTime<Utc>,
        limits: impl FnOnce(&T) -> Vec<Untrusted>,
    ) -> SourceStatus {
        let health = self.health();
        SourceStatus {
            name: self.source.clone(),
            kind: self.kind,
            freshness: health.freshness(now, self.period.as_secs()),
            health,
            limits: self.result.as_deref().map(limits).unwrap_or_default(),
            parts: Vec::new(),
        }
    }

    pub(super) fn heard(&self, now: DateTime<Utc>) -> Option<Heard<T>> {
        Some(Heard {
            source: self.source.clone(),
            freshness: self.health().freshness(now, self.period.as_secs()),
            answered_at: self.ended_at,
            answer: self.result.as_ref().ok().cloned()?,
        })
    }
}
