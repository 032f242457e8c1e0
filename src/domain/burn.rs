//! How fast is an error budget spent, what is left of it, and how long will it last?
//!
//! The arithmetic alone, from the SRE workbook, chapter 5 ("Alerting on SLOs"): ratios, burn rates,
//! budgets, time to exhaustion, the bound for small samples. Used by [`super::slo_burn`] and
//! [`super::burn_policy`]. Nothing here is clamped or rounded away; what cannot be known is `None`.

/// Values that differ by less than this share are equal: `1 - 0.999` is not `0.001` in binary.
const EPSILON: f64 = 1e-9;

/// The quantile of the normal distribution for a one-sided bound of 95 %.
const Z_95: f64 = 1.645;

/// `x > k`, where equal means equal but for rounding.
#[must_use]
pub fn exceeds(x: f64, k: f64) -> bool {
    x > k + k.abs() * EPSILON
}

/// `x >= k`, where equal means equal but for rounding.
#[must_use]
pub fn reaches(x: f64, k: f64) -> bool {
    x >= k - k.abs() * EPSILON
}

/// The share of bad events. `None` without traffic: no events are no proof.
#[must_use]
pub fn error_ratio(bad: f64, total: f64) -> Option<f64> {
    (bad.is_finite() && total.is_finite() && total > 0.0).then(|| bad / total)
}

/// How many times faster than allowed errors happen. With no budget at all the first error is
/// infinitely too fast.
#[must_use]
pub fn burn_rate(ratio: f64, objective: f64) -> f64 {
    let budget = 1.0 - objective;
    if budget > 0.0 {
        return ratio / budget;
    }
    if ratio > 0.0 { f64::INFINITY } else { 0.0 }
}

/// The fastest burn there can be: every event is bad.
#[must_use]
pub fn max_burn(objective: f64) -> f64 {
    burn_rate(1.0, objective)
}

/// The burn rate that spends a fraction of the budget of a period within a window (both in
/// seconds): 0.02 of 30 d within 1 h is 14.4.
#[must_use]
pub fn burn_of_fraction(fraction: f64, window_secs: f64, period_secs: f64) -> f64 {
    fraction * period_secs / window_secs
}

/// The fraction of a period's budget that a burn rate spends within a window, for even traffic.
#[must_use]
pub fn fraction_of_burn(burn: f64, window_secs: f64, period_secs: f64) -> f64 {
    burn * window_secs / period_secs
}

/// What became of a budget.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// The share of it that is spent: above 1 when it is overspent.
    pub consumed: f64,
    /// The share that is left: below 0 when it is overspent.
    pub remaining: f64,
    /// The burn rate over the period so far.
    pub burn_to_date: f64,
    /// The share of the period that has passed; `None` for one that rolls.
    pub elapsed: Option<f64>,
}

impl Budget {
    /// Of the last so many seconds, from the error ratio over all of them.
    #[must_use]
    pub fn rolling(ratio: f64, objective: f64) -> Self {
        let consumed = burn_rate(ratio, objective);
        Self {
            consumed,
            remaining: 1.0 - consumed,
            burn_to_date: consumed,
            elapsed: None,
        }
    }

    /// Of a calendar period that has partly passed, from the error ratio so far. Traffic is expected
    /// to go on as it was.
    #[must_use]
    pub fn calendar(ratio: f64, objective: f64, elapsed: f64) -> Self {
        let burn_to_date = burn_rate(ratio, objective);
        // Nothing of it has passed: 0 of it is spent, also at an infinite burn.
        let consumed = if elapsed > 0.0 {
            burn_to_date * elapsed
        } else {
            0.0
        };
        Self {
            consumed,
            remaining: 1.0 - consumed,
            burn_to_date,
            elapsed: Some(elapsed),
        }
    }

    /// Of slices of time in a calendar period: how many slices it has is known, so nothing has to be
    /// projected.
    #[must_use]
    pub fn calendar_slices(
        bad: f64,
        slices_of_period: f64,
        ratio: f64,
        objective: f64,
        elapsed: f64,
    ) -> Self {
        let consumed = burn_rate(bad / slices_of_period, objective);
        Self {
            consumed,
            remaining: 1.0 - consumed,
            burn_to_date: burn_rate(ratio, objective),
            elapsed: Some(elapsed),
        }
    }
}

/// How long a budget lasts if errors go on as they are. An estimate: old errors that leave a rolling
/// period are not taken into account.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Exhaustion {
    /// There is none left.
    Spent,
    /// So many seconds.
    In(f64),
    /// Longer than the calendar period that it is for, which has so many seconds left.
    Lasts(f64),
    /// Nothing is being spent.
    Never,
}

impl Exhaustion {
    /// From what is left of the budget of a period and the present burn rate. `period_left_secs` is
    /// for calendar periods.
    #[must_use]
    pub fn of(remaining: f64, burn: f64, period_secs: f64, period_left_secs: Option<f64>) -> Self {
        if remaining <= 0.0 {
            return Self::Spent;
        }
        if burn <= 0.0 {
            return Self::Never;
        }
        let secs = remaining * period_secs / burn;
        match period_left_secs {
            Some(left) if secs > left => Self::Lasts(left),
            _ => Self::In(secs),
        }
    }

    /// Seconds until it is spent; `None` when that does not happen.
    #[must_use]
    pub fn secs(self) -> Option<f64> {
        match self {
            Self::Spent => Some(0.0),
            Self::In(secs) => Some(secs),
            Self::Lasts(_) | Self::Never => None,
        }
    }
}

/// Seconds until a fresh, constant outage of a ratio lifts the burn over a window to `burn`. `None`
/// when it never can.
#[must_use]
pub fn detect_secs(burn: f64, objective: f64, window_secs: f64, outage_ratio: f64) -> Option<f64> {
    let needed = burn * (1.0 - objective);
    (outage_ratio > 0.0 && reaches(outage_ratio, needed))
        .then(|| needed * window_secs / outage_ratio)
}

/// The lower bound of the true error ratio, with 95 % confidence on one side (Wilson, 1927). One
/// failure of twenty proves much less than fifty of a thousand.
#[must_use]
pub fn lower_bound(bad: f64, total: f64) -> Option<f64> {
    let p = error_ratio(bad, total)?.clamp(0.0, 1.0);
    let z2 = Z_95 * Z_95;
    let centre = p + z2 / (2.0 * total);
    let spread = Z_95 * (p * (1.0 - p) / total + z2 / (4.0 * total * total)).sqrt();
    Some(((centre - spread) / (1.0 + z2 / total)).max(0.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use proptest::prelude::*;

    const HOUR: f64 = 3_600.0;
    const DAY: f64 = 86_400.0;
    const P30: f64 = 30.0 * DAY;

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() <= 1e-9 * right.abs().max(1e-9)
    }

    #[test]
    fn equal_but_for_rounding_is_equal() {
        let half = burn_rate(0.0005, 0.999);
        assert!(half < 0.5, "binary: {half}");
        assert!(reaches(half, 0.5) && !exceeds(half, 0.5));
        let page = burn_rate(0.0144, 0.999);
        assert!(!exceeds(page, 14.4) && reaches(page, 14.4));
        assert!(exceeds(page * 1.000_001, 14.4));
        assert!(exceeds(1e-300, 0.0) && !exceeds(0.0, 0.0) && reaches(0.0, 0.0));
        assert!(exceeds(f64::INFINITY, 14.4));
    }

    #[test]
    fn no_traffic_is_no_ratio() {
        assert_eq!(error_ratio(0.0, 0.0), None);
        assert_eq!(error_ratio(f64::NAN, 1.0), None);
        assert_eq!(error_ratio(1.0, f64::INFINITY), None);
        assert_eq!(error_ratio(1.0, 4.0), Some(0.25));
    }

    #[test]
    fn without_a_budget_one_error_is_too_many() {
        assert!(close(burn_rate(0.0, 1.0), 0.0));
        assert!(burn_rate(1e-9, 1.0).is_infinite());
        assert!(close(max_burn(0.9), 10.0));
    }

    #[test]
    fn the_workbooks_factors_come_out_for_any_period() {
        for (fraction, window, of_30d, of_28d) in [
            (0.02, HOUR, 14.4, 13.44),
            (0.05, 6.0 * HOUR, 6.0, 5.6),
            (0.10, DAY, 3.0, 2.8),
            (0.10, 3.0 * DAY, 1.0, 28.0 / 30.0),
        ] {
            assert!(close(burn_of_fraction(fraction, window, P30), of_30d));
            assert!(close(
                burn_of_fraction(fraction, window, 28.0 * DAY),
                of_28d
            ));
            assert!(close(fraction_of_burn(of_30d, window, P30), fraction));
        }
    }

    #[test]
    fn an_overspent_budget_is_not_clamped() {
        let budget = Budget::rolling(0.01635, 0.999);
        assert!(close(budget.remaining, -15.35), "{budget:?}");
        assert_eq!(
            Exhaustion::of(budget.remaining, 3.0, P30, None),
            Exhaustion::Spent
        );
    }

    #[test]
    fn a_calendar_budget_is_projected() {
        let period = 745.0 * HOUR;
        let elapsed = 252.0 / 745.0;
        let budget = Budget::calendar(0.0014, 0.999, elapsed);
        assert!(close(budget.burn_to_date, 1.4));
        assert!((budget.remaining - 0.5264).abs() < 1e-4);
        let Exhaustion::In(secs) =
            Exhaustion::of(budget.remaining, 3.0, period, Some(493.0 * HOUR))
        else {
            unreachable!("it is gone before the month is");
        };
        assert!((secs / HOUR - 130.7).abs() < 0.05);
        let lasts = Exhaustion::of(budget.remaining, 0.5, period, Some(493.0 * HOUR));
        assert_eq!(lasts, Exhaustion::Lasts(493.0 * HOUR));
        assert_eq!(lasts.secs(), None);
        assert!(close(Budget::calendar(0.5, 1.0, 0.0).consumed, 0.0));
    }

    #[test]
    fn slices_of_a_calendar_period_need_no_projection() {
        let slices = 7.0 * 1_440.0;
        let budget = Budget::calendar_slices(2.52, slices, 2.52 / 2_000.0, 0.9995, 0.2);
        assert!(close(budget.consumed, 0.5), "{budget:?}");
    }

    #[test]
    fn detection_takes_as_long_as_the_outage_is_small() {
        let detect = |ratio| detect_secs(14.4, 0.999, HOUR, ratio);
        assert!(close(detect(1.0).unwrap(), 51.84));
        assert!(close(detect(0.1).unwrap(), 518.4));
        assert!(close(detect(0.0144).unwrap(), HOUR));
        assert_eq!(detect(0.01), None);
        assert_eq!(detect(0.0), None);
    }

    #[test]
    fn few_events_prove_little() {
        let few = burn_rate(lower_bound(1.0, 20.0).unwrap(), 0.99);
        let many = burn_rate(lower_bound(50.0, 1_000.0).unwrap(), 0.99);
        assert!(
            (few - 1.12).abs() < 0.01 && (many - 3.98).abs() < 0.01,
            "{few} {many}"
        );
        assert_eq!(lower_bound(0.0, 0.0), None);
    }

    proptest! {
        #[test]
        fn the_bound_is_below_the_ratio_and_grows_towards_it(
            total in 1.0_f64..1e9, share in 0.0_f64..=1.0, more in 1.5_f64..100.0,
        ) {
            let few = lower_bound(share * total, total).unwrap();
            let many = lower_bound(share * total * more, total * more).unwrap();
            prop_assert!((0.0..=1.0).contains(&few));
            prop_assert!(few <= share + 1e-12 && few <= many + 1e-12);
        }

        #[test]
        fn a_budget_spent_at_its_exhaustion_is_gone(
            remaining in 0.001_f64..1.0, burn in 0.001_f64..1_000.0,
        ) {
            let Exhaustion::In(secs) = Exhaustion::of(remaining, burn, P30, None) else {
                return Err(TestCaseError::fail("something is left and something is spent"));
            };
            prop_assert!(close(fraction_of_burn(burn, secs, P30), remaining));
        }
    }
}
