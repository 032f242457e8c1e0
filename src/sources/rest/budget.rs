//! May a server that counts requests be asked once more?

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::source::{ErrorKind, SourceError};
use crate::domain::text::Untrusted;
use crate::sources::http::Rate;

/// So many requests are left to everybody else who uses the same account.
const RESERVE: u64 = 50;
/// Of a small limit (60 an hour without a token), no more than this part is left.
const RESERVE_PART: u64 = 10;
/// No server may send us away for longer.
const MAX_PAUSE: TimeDelta = TimeDelta::hours(1);

/// What is known of how much may still be asked.
#[derive(Debug, Default)]
pub(in crate::sources) struct Budget {
    paused: Option<(Rate, DateTime<Utc>)>,
}

impl Budget {
    /// Notes what an answer says of it.
    pub(in crate::sources) fn note(&mut self, rate: Option<&Rate>, now: DateTime<Utc>) {
        let Some(rate) = rate else { return };
        let reserve = RESERVE.min(rate.limit / RESERVE_PART);
        self.paused =
            (rate.remaining < reserve).then(|| (*rate, rate.resets_at.min(now + MAX_PAUSE)));
    }

    /// Until when nothing is asked.
    pub(in crate::sources) fn paused_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (_, until) = self.paused?;
        // A clock that was set back must not stop it for long.
        (now < until && until - now <= MAX_PAUSE).then_some(until)
    }

    /// What to say of a pause.
    pub(in crate::sources) fn limit(&self, now: DateTime<Utc>) -> Option<Untrusted> {
        let until = self.paused_until(now)?.format("%H:%M:%SZ");
        let (rate, _) = self.paused?;
        Some(Untrusted::line(&format!(
            "rate limit: {} of {} requests are left; not asked again until {until}",
            rate.remaining, rate.limit
        )))
    }

    /// Why nothing is known yet.
    pub(in crate::sources) fn error(&self, now: DateTime<Utc>) -> Option<SourceError> {
        let until = self.paused_until(now)?;
        let detail = self.limit(now)?;
        let mut error = SourceError::new(ErrorKind::Busy, detail.raw());
        error.retry_after = (until - now).to_std().ok();
        Some(error)
    }
}
