//! Every step says what a person needs to compute it again.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use chrono::TimeDelta;

use super::*;
use crate::domain::board::tests::t;
use crate::domain::budget_period::{Calendar, CalendarUnit, Period, Zone};
use crate::domain::burn_policy::BurnPolicies;
use crate::domain::freshness::Freshness;
use crate::domain::slo_burn::tests::{heard, measured, window as measured_window};
use crate::domain::slo_burn::{Holding, judge_all};
use crate::domain::slo_measured::{MeasuredSlo, NoData};
use crate::domain::text::Untrusted;

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;
const P30: u64 = 30 * DAY;

/// Burns at page level over all short windows; 38 % of the budget is left.
fn paging() -> MeasuredSlo {
    measured(
        "checkout",
        "checkout-api",
        &[
            (300, 630.0, 30_000.0),
            (1_800, 2_916.0, 180_000.0),
            (HOUR, 5_256.0, 360_000.0),
            (2 * HOUR, 5_300.0, 720_000.0),
            (6 * HOUR, 6_696.0, 2_160_000.0),
            (DAY, 7_000.0, 8_640_000.0),
            (3 * DAY, 23_328.0, 25_920_000.0),
            (P30, 160_704.0, 259_200_000.0),
        ],
    )
}

fn judged(slo: MeasuredSlo) -> SloBurn {
    let policies = BurnPolicies::default();
    let (mut burns, _) = judge_all(&[heard(vec![slo])], &policies, &Holding::new(), t(10));
    burns.remove(0)
}

fn step(burn: &SloBurn, name: &str) -> Step {
    let all = steps(burn);
    let names: Vec<&str> = all.iter().map(|s| &*s.name).collect();
    let found = all.iter().find(|s| s.name == name);
    found
        .unwrap_or_else(|| unreachable!("no `{name}` in {names:?}"))
        .clone()
}

/// Its result and its formula.
fn said(burn: &SloBurn, name: &str) -> (String, String) {
    let step = step(burn, name);
    (step.result, step.formula.unwrap_or_default())
}

fn pair(result: &str, formula: &str) -> (String, String) {
    (result.to_owned(), formula.to_owned())
}

#[test]
fn steps_go_from_what_was_read_to_what_was_concluded() {
    let names: Vec<String> = steps(&judged(paging()))
        .into_iter()
        .map(|step| step.name)
        .collect();
    assert_eq!(
        names,
        [
            "burn 5m",
            "burn 30m",
            "burn 1h",
            "burn 2h",
            "burn 6h",
            "burn 1d",
            "burn 3d",
            "burn 30d",
            "budget left",
            "gone in",
            "proven burn",
            "page-fast (page)",
            "page-slow (page)",
            "ticket-fast (ticket)",
            "ticket-slow (ticket)",
        ]
    );
}

#[test]
fn a_window_shows_its_counts_its_query_and_its_moment() {
    let step = step(&judged(paging()), "burn 5m");
    assert_eq!(step.result, "21x");
    assert_eq!(
        step.formula.as_deref(),
        Some("630 bad of 30000 = 0.021; 0.021 / (1 - 0.999) = 21")
    );
    assert_eq!(step.query.as_deref(), Some("up"));
    assert_eq!(step.at, Some(t(10)));
}

#[test]
fn rare_errors_keep_their_figures() {
    let rare = judged(measured("a", "s", &[(HOUR, 1_200.0, 259_200_000.0)]));
    assert_eq!(
        said(&rare, "burn 1h"),
        pair(
            "0.00462963x",
            "1200 bad of 259200000 = 0.00000462963; 0.00000462963 / (1 - 0.999) = 0.00462963"
        )
    );
}

#[test]
fn a_window_without_data_says_why() {
    let mut slo = paging();
    slo.windows[0].reading = Err(NoData::Failed(Untrusted::line("timed out")));
    let burn = judged(slo);
    assert_eq!(
        said(&burn, "burn 5m"),
        pair("no data: query failed: timed out", "")
    );
    assert_eq!(
        said(&burn, "page-fast (page)"),
        pair(
            "unknown",
            "burn(1h) 14.6 > 14.4 and burn(5m) unknown, to be > 14.4; 14.4x spends 2% of the \
             budget in 1h"
        )
    );
}

#[test]
fn what_a_recording_says_is_called_recorded() {
    let mut slo = paging();
    slo.windows[0].reading = Ok(Reading::of_ratio(0.021).unwrap());
    slo.windows[1].reading = Ok(Reading::of_ratio(0.5).unwrap());
    slo.windows[1].basis = Basis::Time;
    slo.windows[2].reading = Ok(Reading::of_counts(1_020.0, 1_000.0).unwrap());
    let burn = judged(slo);
    assert_eq!(
        said(&burn, "burn 5m").1,
        "error ratio 0.021, as recorded; 0.021 / (1 - 0.999) = 21"
    );
    assert_eq!(
        said(&burn, "burn 30m").1,
        "error ratio 0.5, as recorded: a mean over time; 0.5 / (1 - 0.999) = 500"
    );
    assert_eq!(
        said(&burn, "burn 1h"),
        pair(
            "1000x",
            "1020 bad of 1000 = 1, since 1.02 as read lies outside 0 to 1; 1 / (1 - 0.999) = 1000"
        )
    );
}

#[test]
fn a_rolling_budget_is_one_minus_the_burn_over_its_period() {
    let burn = judged(paging());
    assert_eq!(
        said(&burn, "budget left"),
        pair("38%", "1 - burn(30d) 0.62 = 0.38, by traffic")
    );
    assert_eq!(
        said(&burn, "gone in"),
        pair(
            "18h",
            "left 0.38 x 30d / burn(1h) 14.6 = 18h44m23s; old errors that leave the period are \
             not given back"
        )
    );
}

#[test]
fn how_long_it_lasts_is_said_in_every_case() {
    let with = |recent: f64, period: f64| {
        judged(measured(
            "a",
            "s",
            &[(HOUR, recent, 1e6), (P30, period, 1e6)],
        ))
    };
    assert_eq!(
        said(&with(10.0, 20_000.0), "gone in"),
        pair("spent", "nothing is left")
    );
    assert_eq!(
        said(&with(0.0, 20.0), "gone in"),
        pair("never", "burn(1h) is 0: nothing is being spent")
    );
    let unasked = judged(measured("a", "s", &[(P30, 20.0, 1e6)]));
    assert_eq!(
        said(&unasked, "gone in"),
        pair("unknown", "burn(1h) is not known")
    );
    let mut overdue = measured("a", "s", &[(HOUR, 10.0, 1e6), (P30, 20.0, 1e6)]);
    overdue.windows[0].at = t(10) - TimeDelta::hours(1);
    assert_eq!(
        said(&judged(overdue), "gone in"),
        pair("unknown", "burn(1h) was read too long ago")
    );
}

/// October in Berlin, at noon of its eleventh day.
fn october(recent_bad: f64) -> SloBurn {
    let at = "2026-10-11T10:00:00Z".parse().unwrap();
    let calendar = Calendar {
        starts_at: "2026-01-01T00:00:00".parse().unwrap(),
        zone: Zone("Europe/Berlin".parse().unwrap()),
        count: 1,
        unit: CalendarUnit::Month,
    };
    let mut slo = measured("a", "s", &[(HOUR, recent_bad, 1e6)]);
    slo.slo.window = BudgetWindow::Calendar(calendar);
    slo.windows[0].at = at;
    let mut own = measured_window(252 * HOUR, 42_000.0, 30_000_000.0);
    own.at = at;
    slo.period = Some(PeriodMeasured {
        period: calendar.period_at(at).unwrap(),
        measured: own,
        by_time: None,
    });
    let mut answer = heard(vec![slo]);
    answer.answered_at = at;
    let policies = BurnPolicies::default();
    let (mut burns, _) = judge_all(&[answer], &policies, &Holding::new(), at);
    burns.remove(0)
}

#[test]
fn a_calendar_budget_shows_how_much_of_the_period_is_gone() {
    let burn = october(3_000.0);
    assert_eq!(
        said(&burn, "burn since 2026-09-30 22:00Z"),
        pair(
            "1.4x",
            "42000 bad of 30000000 = 0.0014; 0.0014 / (1 - 0.999) = 1.4"
        )
    );
    assert_eq!(
        said(&burn, "budget left"),
        pair(
            "53%",
            "1 - burn to date 1.4 x 0.338255 of the period gone, which is 1 - 0.473557 = \
             0.526443, by traffic"
        )
    );
    assert_eq!(
        said(&burn, "gone in"),
        pair("5d", "left 0.526443 x 31d1h / burn(1h) 3 = 5d10h44m")
    );
    assert_eq!(
        said(&october(100.0), "gone in"),
        pair(
            "lasts its period",
            "left 0.526443 x 31d1h / burn(1h) 0.1 = 163d10h, and the period ends in 20d13h"
        )
    );
}

#[test]
fn slices_are_explained_as_slices() {
    let mut slo = measured("a", "s", &[(HOUR, 1.0, 60.0)]);
    slo.slo.objective = 0.999_5;
    slo.slo.window = BudgetWindow::Rolling { secs: 7 * DAY };
    slo.slo.method = BudgetMethod::Timeslices {
        slice_secs: 60,
        target: 0.99,
    };
    slo.period = Some(PeriodMeasured {
        period: Period {
            start: t(10) - TimeDelta::days(7),
            end: t(10),
        },
        measured: measured_window(7 * DAY, 2.52, 3_000.0),
        by_time: None,
    });
    let burn = judged(slo);
    assert_eq!(
        said(&burn, "budget left"),
        pair(
            "50%",
            "1 - 2.52 bad slices / 5.04 allowed, which is 1 - 0.5 = 0.5, by traffic"
        )
    );
    assert!(
        said(&burn, "burn 1h")
            .1
            .starts_with("1 bad slices of 60 = ")
    );
}

#[test]
fn an_unknown_budget_says_why_and_promises_nothing() {
    let burn = judged(measured("a", "s", &[(HOUR, 1.0, 1e3), (P30, 0.0, 0.0)]));
    assert_eq!(
        said(&burn, "budget left"),
        pair("unknown: no traffic for 30d", "")
    );
    assert!(steps(&burn).iter().all(|step| step.name != "gone in"));
}

#[test]
fn the_budget_by_time_names_what_it_is() {
    let mut slo = paging();
    slo.period.as_mut().unwrap().by_time = Some(Measured {
        basis: Basis::Time,
        query: "recorded".into(),
        reading: Ok(Reading::of_ratio(0.016_35).unwrap()),
        ..measured_window(P30, 0.0, 1.0)
    });
    let step = step(&judged(slo), "budget left by time");
    assert_eq!(step.result, "-1535%");
    assert_eq!(
        step.formula.as_deref(),
        Some(
            "1 - 16.35 = -15.35, by time: the plain mean that the recording rule keeps, in which \
             a quiet slice counts like a busy one"
        )
    );
    assert_eq!(step.query.as_deref(), Some("recorded"));
}

#[test]
fn a_small_sample_shows_what_it_proves() {
    let mut slo = measured("a", "s", &[(HOUR, 1.0, 20.0)]);
    slo.slo.objective = 0.99;
    assert_eq!(
        said(&judged(slo), "proven burn"),
        pair(
            "1.12335x",
            "1 bad of 20 over 1h: the true ratio is at least 0.0112335 with 95% confidence \
             (Wilson); 0.0112335 / (1 - 0.99) = 1.12335"
        )
    );
}

#[test]
fn a_condition_shows_the_relation_that_is_true() {
    let burn = judged(paging());
    assert_eq!(
        said(&burn, "page-fast (page)"),
        pair(
            "fires",
            "burn(1h) 14.6 > 14.4 and burn(5m) 21 > 14.4; 14.4x spends 2% of the budget in 1h"
        )
    );
    assert_eq!(
        said(&burn, "page-slow (page)"),
        pair(
            "does not fire",
            "burn(6h) 3.1 <= 6 and burn(30m) 16.2 > 6; 6x spends 5% of the budget in 6h"
        )
    );
    let policies = BurnPolicies::default();
    let states = crate::domain::slo_burn::under(&burn, policies.named("ssp").unwrap());
    assert_eq!(
        condition(&burn, &states[0]).formula.as_deref(),
        Some("burn(1h) 14.6 > 1.5")
    );
    let calm = judged(measured("a", "s", &[(HOUR, 0.4, 1e3)]));
    let states = crate::domain::slo_burn::under(&calm, policies.named("ssp").unwrap());
    assert_eq!(
        condition(&calm, &states[1]).formula.as_deref(),
        Some("burn(1h) 0.4 < 0.5")
    );
}

#[test]
fn every_standing_has_its_words() {
    let at = t(130);
    for (standing_of, words) in [
        (Standing::Fires, "fires"),
        (Standing::Not, "does not fire"),
        (Standing::Unknown, "unknown"),
        (Standing::Unreachable, "can never fire for this objective"),
        (Standing::Holds { since: t(10) }, "holds for 2m of 15m"),
    ] {
        assert_eq!(standing(standing_of, 900, at), words);
    }
}

#[test]
fn what_was_last_known_is_explained_like_the_present() {
    let mut answer = heard(vec![paging()]);
    answer.freshness = Freshness::Failed;
    let policies = BurnPolicies::default();
    let (burns, _) = judge_all(&[answer], &policies, &Holding::new(), t(10));
    assert_eq!(steps(&burns[0]).len(), 15);
}

#[test]
fn a_share_is_neither_all_nor_nothing_before_it_is() {
    for (share, shown) in [
        (1.0, "100%"),
        (0.999_96, "99.99%"),
        (0.995_37, "99.53%"),
        (0.71, "71%"),
        (0.095, "9.5%"),
        (0.099_6, "10%"),
        (0.000_4, "<0.1%"),
        (0.0, "0%"),
        (-0.000_4, "-0.1%"),
        (-0.03, "-3.0%"),
        (-15.35, "-1535%"),
        (f64::NEG_INFINITY, "?"),
    ] {
        assert_eq!(percent(share), shown, "{share}");
    }
}

#[test]
fn how_long_is_a_word_however_long_it_is() {
    for (exhaustion, word) in [
        (Exhaustion::Spent, "spent"),
        (Exhaustion::Never, "never"),
        (Exhaustion::Lasts(60.0), "lasts"),
        (Exhaustion::In(59.6), "1m"),
        (Exhaustion::In(67_463.0), "18h"),
        (Exhaustion::In(3e8), "496w"),
        (Exhaustion::In(1e300), ">10y"),
        (Exhaustion::In(f64::INFINITY), ">10y"),
    ] {
        assert_eq!(lasting(exhaustion), word);
    }
}

#[test]
fn a_figure_can_be_computed_with() {
    for (value, shown) in [
        (0.0, "0"),
        (1.0, "1"),
        (0.000_138_888_9, "0.000138889"),
        (259_200_000.0, "259200000"),
        (14.399_999_9, "14.4"),
        (1e-18, "0"),
        (-15.35, "-15.35"),
        (f64::INFINITY, "+Inf"),
        (999_999.6, "1000000"),
    ] {
        assert_eq!(figure(value), shown, "{value}");
    }
}
