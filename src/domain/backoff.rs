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
    use proptest::prelude::*;

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

    fn paces() -> impl Strategy<Value = Pace> {
        let failures = prop_oneof![0..9_u32, any::<u32>()];
        let retry_after = prop::option::of(0..1_000_000_u64);
        (1..600_u64, 0..120_000_u64, failures, retry_after).prop_map(
            |(period_secs, latency_ms, failures, retry_after_secs)| Pace {
                period: Duration::from_secs(period_secs),
                last_latency: Duration::from_millis(latency_ms),
                failures,
                retry_after: retry_after_secs.map(Duration::from_secs),
            },
        )
    }

    proptest! {
        #[test]
        fn no_source_is_asked_sooner_than_it_bears(pace in paces(), jitter in -1.0..2.0_f64) {
            let wait = next_wait(pace, jitter);
            prop_assert!(wait >= pace.period);
            prop_assert!(wait >= pace.last_latency * 3);
            prop_assert!(wait >= pace.retry_after.unwrap_or_default().min(CAP * 10));
        }

        #[test]
        fn no_wait_is_longer_than_the_longest_reason_for_it(pace in paces(), jitter in -1.0..2.0_f64) {
            let reasons = [
                CAP,
                pace.period,
                pace.last_latency * 3,
                pace.retry_after.unwrap_or_default().min(CAP * 10),
            ];
            let longest = reasons.into_iter().max().unwrap_or_default();
            prop_assert!(next_wait(pace, jitter) <= longest.mul_f64(1.1) + Duration::from_nanos(1));
        }

        #[test]
        fn one_more_failure_never_shortens_the_wait(pace in paces(), jitter in 0.0..1.0_f64) {
            let more = Pace {
                failures: pace.failures.saturating_add(1),
                ..pace
            };
            prop_assert!(next_wait(more, jitter) >= next_wait(pace, jitter));
        }

        #[test]
        fn jitter_spreads_by_up_to_a_tenth(pace in paces(), a in 0.0..1.0_f64, b in 0.0..1.0_f64) {
            let (early, late) = (a.min(b), a.max(b));
            prop_assert!(next_wait(pace, early) <= next_wait(pace, late));
            let base = next_wait(pace, 0.0).as_secs_f64();
            let spread = next_wait(pace, late).as_secs_f64() / base - 1.0;
            prop_assert!((spread - late / 10.0).abs() < 1e-6, "{spread} for {late}");
        }
    }
}
