//! How did a service burn before a change, and how after it?
//!
//! Means over an hour on either side, from the error ratios over five minutes. They stand beside a
//! change; they do not say that it caused anything. Pure.

use chrono::{DateTime, Utc};

use super::burn::burn_rate;
use super::change::Change;
use super::observed::Sample;

/// So long on either side. Seconds.
const HOUR: f64 = 3_600.0;

/// The mean burn before a change began and after it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BurnAround {
    /// In the hour before it began. None where there was no traffic or nothing is known.
    pub before: Option<f64>,
    /// In the hour after it ended, as far as that has passed. None also while it goes on.
    pub after: Option<f64>,
}

impl BurnAround {
    /// From error ratios over five minutes, oldest first.
    #[must_use]
    pub fn of(change: &Change, ratios: &[Sample], objective: f64) -> Self {
        let began = secs(change.started_at);
        let ended = (!change.is_in_flight()).then(|| secs(change.last_at()));
        let mean = |from: f64, to: f64| {
            let inside = ratios
                .iter()
                .filter(|(at, ratio)| (from..to).contains(at) && ratio.is_finite());
            let rates: Vec<f64> = inside
                .map(|(_, ratio)| burn_rate(*ratio, objective))
                .collect();
            #[allow(clippy::cast_precision_loss, reason = "a few hundred samples")]
            let count = rates.len() as f64;
            (!rates.is_empty()).then(|| rates.iter().sum::<f64>() / count)
        };
        Self {
            before: mean(began - HOUR, began),
            after: ended.and_then(|end| mean(end, end + HOUR)),
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "seconds since the epoch")]
fn secs(at: DateTime<Utc>) -> f64 {
    at.timestamp() as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use crate::domain::change::{ChangeKind, Outcome, Subject, Told, Versions};
    use crate::domain::text::Untrusted;

    fn change(outcome: Outcome) -> Change {
        let at = |secs| DateTime::from_timestamp(secs, 0).unwrap();
        Change {
            id: Untrusted::line("c"),
            source: "k8s".into(),
            also: Vec::new(),
            subject: Subject::default(),
            kind: ChangeKind::Version,
            versions: Versions::default(),
            who: None,
            started_at: at(7_200),
            finished_at: (outcome != Outcome::Running).then(|| at(7_500)),
            outcome,
            told: Told::default(),
        }
    }

    #[test]
    fn the_rollout_itself_counts_on_neither_side() {
        let ratios: Vec<Sample> = (0..200)
            .map(|minute| {
                let at = f64::from(minute) * 60.0;
                let ratio = if at < 7_200.0 {
                    0.001
                } else if at < 7_500.0 {
                    0.9
                } else {
                    0.014
                };
                (at, ratio)
            })
            .collect();
        let around = BurnAround::of(&change(Outcome::Ok), &ratios, 0.999);
        assert!((around.before.unwrap() - 1.0).abs() < 1e-9);
        assert!((around.after.unwrap() - 14.0).abs() < 1e-9);
        let running = BurnAround::of(&change(Outcome::Running), &ratios, 0.999);
        assert_eq!(running.after, None);
    }

    #[test]
    fn without_traffic_or_samples_nothing_is_said() {
        let idle = [(7_000.0, f64::NAN), (8_000.0, f64::NAN)];
        assert_eq!(
            BurnAround::of(&change(Outcome::Ok), &idle, 0.999),
            BurnAround::default()
        );
    }
}
