//! How long does a poller wait before it asks again?
//!
//! Called by the pollers in `runtime`. Pure: the jitter is handed in, and nothing sleeps here.

use std::time::Duration;

/// No wait grows beyond this, so that a source that returns is seen soon.
pub const CAP: Duration = Duration::from_mins(1);

/// What the last answers say about asking again.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The configured time between two polls.
    pub period: Duration,
    /// How long the last request took.
    pub last_latency: Duration,
    /// Failed polls in a row.
    pub failures: u32,
    /// What a 429 or 503 asked for in `Retry-After`.
    pub retry_after: Option<Duration>,
}

/// The wait before the next poll: never shorter than the period or three times the last latency,
/// doubled for each failure up to [`CAP`], and never shorter than what the server asked for.
/// `jitter` in 0..1 spreads several quells apart by up to a tenth.
#[must_use]
pub fn next_wait(pace: Pace, jitter: f64) -> Duration {
    let base = pace.period.max(pace.last_latency * 3);
    let grown = if pace.failures == 0 {
        base
    } else {
        let factor = 1_u32 << pace.failures.min(6).saturating_sub(1);
        base.saturating_mul(factor).min(CAP.max(base))
    };
    let asked = pace.retry_after.unwrap_or_default().min(CAP * 10);
    grown
        .max(asked)
        .mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(failures: u32, latency_ms: u64, retry_after: Option<u64>) -> Duration {
        let pace = Pace {
            period: Duration::from_secs(15),
            last_latency: Duration::from_millis(latency_ms),
            failures,
            retry_after: retry_after.map(Duration::from_secs),
        };
        next_wait(pace, 0.0)
    }

    #[test]
    fn a_slow_server_is_asked_less_often() {
        assert_eq!(wait(0, 100, None), Duration::from_secs(15));
        assert_eq!(wait(0, 20_000, None), Duration::from_mins(1));
    }

    #[test]
    fn failures_double_up_to_the_cap() {
        let waits: Vec<u64> = (0..6).map(|n| wait(n, 0, None).as_secs()).collect();
        assert_eq!(waits, [15, 15, 30, 60, 60, 60]);
        assert_eq!(wait(u32::MAX, 0, None), CAP);
    }

    #[test]
    fn the_server_is_obeyed_within_reason() {
        assert_eq!(wait(1, 0, Some(120)), Duration::from_mins(2));
        assert_eq!(wait(1, 0, Some(999_999)), CAP * 10);
    }
}
