//! Does the arithmetic give what an implementation of its own gave, case by case?
//!
//! `expected.json` was computed apart from quell, and real Prometheus agreed with its ratios.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::board::tests::t;
use super::budget_period::{Calendar, CalendarUnit, Period, Zone};
use super::burn::{
    Budget, Exhaustion, burn_of_fraction, burn_rate, detect_secs, error_ratio, lower_bound,
    max_burn,
};
use super::burn_policy::{Above, BurnPolicies, Condition, Level, Threshold};
use super::duration;
use super::slo::{BudgetMethod, BudgetWindow};
use super::slo_burn::tests::{heard, measured, window};
use super::slo_burn::{Holding, SloBurn, Standing, Verdict, judge_all, under};
use super::slo_measured::{Basis, Measured, PeriodMeasured, Reading};

const HOUR: u64 = 3_600;
const P30: f64 = 30.0 * 86_400.0;
const P28: f64 = 28.0 * 86_400.0;
const SCENARIOS: [&str; 4] = ["E1", "E2", "E4", "E6"];

fn expected() -> Value {
    // Python writes what JSON has no word for.
    let text = include_str!("../../tests/fixtures/slo/expected.json");
    serde_json::from_str(&text.replace("Infinity", "null")).unwrap()
}

/// What was infinite in the file is infinite here.
fn number(value: &Value) -> f64 {
    match value {
        Value::Null => f64::INFINITY,
        value => value.as_f64().unwrap(),
    }
}

fn close(ours: f64, theirs: f64) -> bool {
    ours.total_cmp(&theirs).is_eq() || (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1e-9)
}

fn assert_close(ours: f64, theirs: &Value, what: &str) {
    let theirs = number(theirs);
    assert!(close(ours, theirs), "{what}: {ours} is not {theirs}");
}

fn secs(window: &str) -> u64 {
    duration::parse(window).unwrap().as_secs()
}

/// The number that a key begins with: `14.4x`, `25%/1h`, `10%`.
fn leading(key: &str) -> f64 {
    let end = key
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(key.len());
    key[..end].parse().unwrap()
}

/// An SLO that was measured as the scenario says.
fn judged(scenario: &Value) -> SloBurn {
    let windows: Vec<(u64, f64, f64)> = scenario["windows"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, counts)| {
            let count = |what: &str| number(&counts[what]);
            (secs(name), count("bad"), count("total"))
        })
        .collect();
    let mut slo = measured("worked", "case", &windows);
    slo.slo.objective = number(&scenario["objective"]);
    let by_time = Measured {
        basis: Basis::Time,
        reading: Ok(Reading::of_ratio(number(&scenario["sloth_mean_of_5m"]["ratio"])).unwrap()),
        ..window(secs("30d"), 0.0, 1.0)
    };
    slo.period.as_mut().unwrap().by_time = Some(by_time);
    judge(heard(vec![slo]), t(10))
}

fn judge(
    answer: super::board::Heard<super::slo_measured::BurnAnswer>,
    at: DateTime<Utc>,
) -> SloBurn {
    let policies = BurnPolicies::default();
    let (mut burns, _) = judge_all(&[answer], &policies, &Holding::new(), at);
    burns.remove(0)
}

#[test]
fn every_window_burns_as_expected() {
    let all = expected();
    let mut compared = 0;
    for name in SCENARIOS {
        let scenario = &all["scenarios"][name];
        let burn = judged(scenario);
        for (window, theirs) in scenario["windows"].as_object().unwrap() {
            let what = format!("{name} {window}");
            let reading = burn.window(secs(window)).unwrap().reading.clone().unwrap();
            assert_close(reading.ratio, &theirs["ratio"], &what);
            assert_close(burn.burn(secs(window)).unwrap(), &theirs["burn"], &what);
            compared += 1;
        }
        assert_close(max_burn(0.999), &scenario["max_burn"], name);
    }
    assert_eq!(compared, 36);
    let scenarios = all["scenarios"].as_object().unwrap();
    assert_eq!(scenarios.len(), SCENARIOS.len(), "no case is left out");
}

#[test]
fn every_budget_is_left_as_expected() {
    let all = expected();
    for name in SCENARIOS {
        let scenario = &all["scenarios"][name];
        let burn = judged(scenario);
        let budget = burn.budget.known.clone().unwrap();
        let rolling = &scenario["rolling"];
        assert_close(budget.consumed, &rolling["consumed"], name);
        assert_close(budget.remaining, &rolling["remaining"], name);
        let allowed =
            burn.measured.slo.budget_ratio() * number(&scenario["windows"]["30d"]["total"]);
        assert_close(allowed, &rolling["allowed_events"], name);
        assert_close(allowed * budget.remaining, &rolling["left_events"], name);
        let lasts = match burn.budget.exhaustion.unwrap() {
            Exhaustion::Never => f64::INFINITY,
            other => other.secs().unwrap(),
        };
        assert_close(lasts, &scenario["tte_by_1h_burn_s"], name);
    }
}

/// A recording of means over time says of errors at night that the budget is spent 16 times.
#[test]
fn the_budget_by_time_is_shown_where_it_misleads() {
    let all = expected();
    for name in SCENARIOS {
        let scenario = &all["scenarios"][name];
        let by_time = judged(scenario).budget.by_time;
        let mean = &scenario["sloth_mean_of_5m"];
        assert_eq!(by_time.is_some(), name == "E6", "{name}");
        if let Some(by_time) = by_time {
            assert_close(by_time.consumed, &mean["burn"], name);
        }
        let consumed = Budget::rolling(number(&mean["ratio"]), 0.999).consumed;
        assert_close(consumed, &mean["burn"], name);
    }
}

/// Each verdict of the file, and the condition of ours that must agree.
const VERDICTS: [(&str, &str, &str); 14] = [
    ("google_page_fast", "google", "page-fast"),
    ("google_page_slow", "google", "page-slow"),
    ("ticket_2h_1d", "google", "ticket-fast"),
    ("ticket_6h_3d", "google", "ticket-slow"),
    ("mps_freeze_releases", "mps", "freeze-releases"),
    ("paas_page_3x_15m", "paas", "page-3x"),
    ("paas_page_1_5x_6h", "paas", "page-1.5x"),
    ("pe_25pct_1h", "pe", "alert-25pct"),
    ("pe_50pct_24h", "pe", "alert-50pct"),
    ("pe_escalate_100pct_1h", "pe", "escalate-100pct"),
    ("pt_alert_2x_1h", "pt", "alert-2x"),
    ("pt_escalate_4x_6h", "pt", "escalate-4x"),
    ("ssp_warn_0_5", "ssp", "warn-0.5x"),
    ("ssp_alert_1_5", "ssp", "alert-1.5x"),
];

#[test]
fn every_preset_fires_as_expected() {
    let all = expected();
    let policies = BurnPolicies::default();
    for name in SCENARIOS {
        let scenario = &all["scenarios"][name];
        let burn = judged(scenario);
        let presets = scenario["presets"].as_object().unwrap();
        for key in presets.keys() {
            assert!(VERDICTS.iter().any(|(known, ..)| known == key), "{key}");
        }
        for (key, policy, condition) in VERDICTS {
            let theirs = presets.get(key).unwrap_or(&scenario[key]);
            let states = under(&burn, policies.named(policy).unwrap());
            let ours = states.iter().find(|s| s.condition.name == condition);
            let ours = ours.unwrap().standing;
            assert_ne!(ours, Standing::Unknown, "{name} {key}");
            assert_eq!(
                ours == Standing::Fires,
                theirs.as_bool().unwrap(),
                "{name} {key}"
            );
        }
    }
}

#[test]
fn the_verdicts_follow_the_conditions() {
    let all = expected();
    for (name, verdict) in [
        ("E1", Verdict::Ok),
        ("E2", Verdict::Ok),
        ("E4", Verdict::Burning(Level::Ticket)),
        ("E6", Verdict::Ok),
    ] {
        assert_eq!(judged(&all["scenarios"][name]).verdict, verdict, "{name}");
    }
}

fn condition(policy: &str, name: &str) -> Condition {
    let policies = BurnPolicies::default();
    let conditions = &policies.named(policy).unwrap().conditions;
    let found = conditions.iter().find(|c| c.name == name);
    found.unwrap().clone()
}

/// `2%/1h` of a period is such a burn.
fn factor(key: &str, period_secs: f64) -> f64 {
    let (_, window) = key.split_once('/').unwrap();
    #[allow(clippy::cast_precision_loss, reason = "seconds of a window")]
    let window_secs = secs(window) as f64;
    burn_of_fraction(leading(key) / 100.0, window_secs, period_secs)
}

#[test]
fn the_factors_are_as_expected_for_any_period() {
    let pure = &expected()["pure"];
    let google: BTreeMap<&str, &str> = [
        ("2%/1h", "page-fast"),
        ("5%/6h", "page-slow"),
        ("10%/1d", "ticket-fast"),
        ("10%/3d", "ticket-slow"),
    ]
    .into();
    for (of_period, period_secs) in [("factors_30d", P30), ("factors_28d", P28)] {
        let factors = pure[of_period].as_object().unwrap();
        assert_eq!(factors.len(), google.len());
        for (key, theirs) in factors {
            let ours = factor(key, period_secs);
            // The file rounds to four decimals.
            assert!((ours - number(theirs)).abs() < 5e-5, "{key}: {ours}");
            let built_in = condition("google", google[key.as_str()]).burn(period_secs);
            assert!(close(built_in, ours), "{key}: {built_in}");
        }
    }
    let shares: BTreeMap<&str, &str> = [
        ("25%/1h", "alert-25pct"),
        ("50%/24h", "alert-50pct"),
        ("100%/1h", "escalate-100pct"),
    ]
    .into();
    let theirs = pure["pe_as_burn_30d"].as_object().unwrap();
    assert_eq!(theirs.len(), shares.len());
    for (key, theirs) in theirs {
        assert_close(factor(key, P30), theirs, key);
        assert_close(condition("pe", shares[key.as_str()]).burn(P30), theirs, key);
    }
}

#[test]
fn a_condition_can_be_reached_above_the_expected_objective() {
    let pure = &expected()["pure"];
    let bounds = pure["reachable_above_objective"].as_object().unwrap();
    assert_eq!(bounds.len(), 5);
    for (key, bound) in bounds {
        let mut condition = condition("google", "page-fast");
        condition.threshold = Threshold::Burn(leading(key));
        let (below, above) = (number(bound) - 1e-6, number(bound) + 1e-6);
        assert!(condition.is_reachable(above, P30), "{key}");
        assert!(!condition.is_reachable(below, P30), "{key}");
        // At the bound it can be met, but not exceeded.
        assert!(!condition.is_reachable(number(bound), P30), "{key}");
        condition.comparison = Above::OrEqual;
        assert!(condition.is_reachable(number(bound), P30), "{key}");
    }
}

#[test]
fn an_outage_is_detected_when_expected() {
    let pure = &expected()["pure"];
    let cases = pure["detect_seconds 99.9% 14.4x/1h"].as_object().unwrap();
    assert_eq!(cases.len(), 4);
    for (key, theirs) in cases {
        let ours = detect_secs(14.4, 0.999, 3_600.0, leading(key) / 100.0);
        assert_close(ours.unwrap_or(f64::INFINITY), theirs, key);
    }
}

const E9: &str = "E9 calendar Oct 2026 Europe/Berlin (DST ends 25 Oct)";

fn october() -> (Calendar, Period, DateTime<Utc>) {
    let month = Calendar {
        starts_at: "2026-01-01T00:00:00".parse().unwrap(),
        zone: Zone("Europe/Berlin".parse().unwrap()),
        count: 1,
        unit: CalendarUnit::Month,
    };
    // Noon in Berlin.
    let at = "2026-10-11T10:00:00Z".parse().unwrap();
    (month, month.period_at(at).unwrap(), at)
}

#[test]
fn a_calendar_month_is_as_expected() {
    let case = &expected()["pure"][E9];
    let (_, period, at) = october();
    assert_close(period.secs() / 3_600.0, &case["period_hours"], "its length");
    let elapsed = period.elapsed(at);
    assert_close(elapsed, &case["elapsed"], "what of it is gone");
    let inputs = &case["inputs"];
    let ratio = error_ratio(number(&inputs["bad"]), number(&inputs["total"])).unwrap();
    let budget = Budget::calendar(ratio, number(&inputs["objective"]), elapsed);
    assert_close(budget.burn_to_date, &case["to_date_burn"], "to date");
    assert_close(budget.consumed, &case["consumed"], "consumed");
    assert_close(budget.remaining, &case["remaining"], "remaining");
    let tte = &expected()["pure"]["E9 tte at 3x"];
    #[allow(clippy::cast_precision_loss, reason = "seconds of a month")]
    let left = (period.end - at).num_seconds() as f64;
    assert_close(
        left / 3_600.0,
        &tte["period_left_hours"],
        "what is left of it",
    );
    let lasts = Exhaustion::of(budget.remaining, 3.0, period.secs(), Some(left));
    assert_close(lasts.secs().unwrap(), &tte["seconds"], "until it is gone");
    assert_close(lasts.secs().unwrap() / 3_600.0, &tte["hours"], "in hours");
    assert_eq!(
        matches!(lasts, Exhaustion::Lasts(_)),
        tte["lasts"].as_bool().unwrap()
    );
}

#[test]
fn a_calendar_month_is_judged_as_it_is_computed() {
    let (month, period, at) = october();
    let case = &expected()["pure"][E9];
    let mut slo = measured("worked", "case", &[(HOUR, 3_000.0, 1e6)]);
    slo.slo.window = BudgetWindow::Calendar(month);
    slo.windows[0].at = at;
    slo.period = Some(PeriodMeasured {
        period,
        measured: Measured {
            at,
            ..window(252 * HOUR, 42_000.0, 30_000_000.0)
        },
        by_time: None,
    });
    let burn = judge(heard(vec![slo]), at);
    let budget = burn.budget.known.clone().unwrap();
    assert_close(budget.remaining, &case["remaining"], "remaining");
    let lasts = burn.budget.exhaustion.unwrap().secs().unwrap();
    assert_close(
        lasts,
        &expected()["pure"]["E9 tte at 3x"]["seconds"],
        "lasts",
    );
}

#[test]
fn small_samples_prove_as_much_as_expected() {
    for (key, bad, total) in [
        ("E10 low traffic guard 1 bad of 20, 99%", 1.0, 20.0),
        ("E10b 50 bad of 1000, 99%", 50.0, 1_000.0),
    ] {
        let case = &expected()["pure"][key];
        let ratio = error_ratio(bad, total).unwrap();
        assert_close(burn_rate(ratio, 0.99), &case["burn"], key);
        assert_close(lower_bound(bad, total).unwrap(), &case["wilson_low"], key);
        let mut slo = measured("worked", "case", &[(HOUR, bad, total)]);
        slo.slo.objective = 0.99;
        let burn = judge(heard(vec![slo]), t(10));
        assert_close(burn.guarded_burn().unwrap(), &case["guarded_burn"], key);
    }
}

#[test]
fn objectives_at_the_edge_are_as_expected() {
    let pure = &expected()["pure"];
    let all = &pure["E11 objective 100%"];
    assert_close(burn_rate(0.0, 1.0), &all["no_errors"], "no error");
    assert_eq!(
        burn_rate(1e-9, 1.0).to_string(),
        all["one_error"].as_str().unwrap()
    );
    let ninety = &pure["E12 90% objective"];
    assert_close(max_burn(0.9), &ninety["max_burn"], "the fastest burn");
    let page = condition("google", "page-fast");
    assert_eq!(
        page.is_reachable(0.9, P30),
        ninety["page_14_4_possible"].as_bool().unwrap()
    );
}

/// A budget of bad minutes is spent exactly when as many were bad as are allowed.
#[test]
fn slices_allow_as_many_bad_minutes_as_expected() {
    let case = &expected()["pure"]["E13 timeslices 7d 99.95%, 1m"];
    let allowed = number(&case["bad_minutes_allowed"]);
    let week = 7 * 86_400;
    let mut slo = measured("worked", "case", &[]);
    slo.slo.objective = 0.999_5;
    slo.slo.window = BudgetWindow::Rolling { secs: week };
    slo.slo.method = BudgetMethod::Timeslices {
        slice_secs: 60,
        target: 0.99,
    };
    slo.period = Some(PeriodMeasured {
        period: Period {
            start: t(10) - TimeDelta::days(7),
            end: t(10),
        },
        measured: window(week, allowed, 7.0 * 1_440.0),
        by_time: None,
    });
    let budget = judge(heard(vec![slo]), t(10)).budget.known.unwrap();
    assert!(close(budget.consumed, 1.0), "{budget:?}");
}
