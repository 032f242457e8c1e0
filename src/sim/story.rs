//! What happens, and when? The story of the demo, as data.
//!
//! A bad rollout of checkout-api, telemetry that falls behind, an Alertmanager that goes deaf, the
//! rollback, and calm; then the same again. The platform turns this into series, the Alertmanagers
//! into their own faults. About thirty times faster than life, so scrapes and `for` are short too.
//! When which version is wanted stands in [`super::plot`], since that is what a write may change.

use std::ops::Range;

/// One telling, from calm to calm.
pub(super) const CYCLE_MS: i64 = 720_000;
/// Prometheus scrapes and evaluates its rules this often.
pub(super) const SCRAPE_MS: i64 = 2_000;
/// Prometheus sends a firing alert again after this long.
pub(super) const RESEND_MS: i64 = 20_000;
/// Nothing older is remembered. A whole number of days, and more than the longest month.
pub(super) const RETENTION_MS: i64 = 32 * 86_400_000;

/// The good version and the bad one.
pub(super) const GOOD_VERSION: &str = "2.30.4";
pub(super) const BAD_VERSION: &str = "2.31.0";
/// How many checkout-api pods there are; they are replaced two at a time.
pub(super) const CHECKOUT_PODS: u32 = 12;
const DAY: f64 = 86_400.0;

/// Share of requests a healthy pod fails and serves slowly (over half a second).
const GOOD_ERRORS: f64 = 0.0004;
pub(super) const GOOD_SLOW: f64 = 0.02;

/// Share of requests the healthy pods failed over the month before the opening: two incidents, on top
/// of what always fails. They leave somewhat less than half of the month's error budget.
pub(super) const PAST_ERRORS: &[(f64, f64)] = &[
    (-19.6 * DAY, GOOD_ERRORS),
    (-19.6 * DAY + 60.0, 0.09),
    (-19.6 * DAY + 2_400.0, 0.09),
    (-19.6 * DAY + 2_460.0, GOOD_ERRORS),
    (-6.2 * DAY, GOOD_ERRORS),
    (-6.2 * DAY + 60.0, 0.12),
    (-6.2 * DAY + 1_500.0, 0.12),
    (-6.2 * DAY + 1_560.0, GOOD_ERRORS),
];

/// Share of requests a bad pod fails, by its age: the leak in 2.31.0 takes a while to bite. Bad
/// enough for the burn over an hour to pass 14.4 within three minutes.
pub(super) const BAD_ERRORS_BY_AGE: &[(f64, f64)] = &[(0.0, 0.09), (90.0, 0.42)];
/// Share of requests a bad pod serves slowly, by its age.
pub(super) const BAD_SLOW_BY_AGE: &[(f64, f64)] = &[(0.0, 0.03), (70.0, 0.25)];
/// A bad pod fails its readiness probe from this age on.
pub(super) const BAD_UNREADY_AGE: f64 = 40.0;

/// Share of requests that search serves slowly: since three days and some hours, three times as many.
pub(super) const SEARCH_SLOW: &[(f64, f64)] = &[
    (-3.3 * DAY, GOOD_SLOW),
    (-3.3 * DAY + 3_600.0, 3.0 * GOOD_SLOW),
];

/// How a request to a replica ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hearing {
    /// It answers.
    Answers,
    /// It answers every request with 503.
    Overloaded,
    /// It takes the connection and closes it without a word.
    Deaf,
}

const OVERLOADED: Range<f64> = 240.0..290.0;
const DEAF: Range<f64> = 290.0..360.0;

/// When the second Alertmanager cannot be heard, in seconds of the story.
pub(super) const SECOND_REPLICA_DOWN: (f64, f64) = (OVERLOADED.start, DEAF.end);

/// How the second Alertmanager is at a time of the story.
pub(super) fn second_replica(secs: f64) -> Hearing {
    if OVERLOADED.contains(&secs) {
        Hearing::Overloaded
    } else if DEAF.contains(&secs) {
        Hearing::Deaf
    } else {
        Hearing::Answers
    }
}

/// The alert whose first sending never reaches the second Alertmanager: it learns of it when
/// Prometheus sends again, and until then the replicas disagree.
pub(super) const MISSED_BY_SECOND: &str = "TelemetryIngestBacklog";

/// Splits a time since the start into whole tellings and seconds of the present one. Before the
/// start there is none, and the seconds are negative.
#[allow(clippy::cast_precision_loss, reason = "both are far below 2^53")]
pub(super) fn story_secs(at_ms: i64) -> (f64, f64) {
    if at_ms < 0 {
        return (0.0, at_ms as f64 / 1000.0);
    }
    (
        (at_ms / CYCLE_MS) as f64,
        (at_ms % CYCLE_MS) as f64 / 1000.0,
    )
}

/// Seconds of the story as milliseconds.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the story is twelve minutes long"
)]
pub(super) fn ms_of(secs: f64) -> i64 {
    (secs * 1000.0).round() as i64
}
