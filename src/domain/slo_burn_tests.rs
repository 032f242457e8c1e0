//! Verdicts: what is said, and what may not be.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;
use crate::domain::board::tests::t;
use crate::domain::budget_period::Period;
use crate::domain::label::Labels;
use crate::domain::slo::{Indicator, Slo};
use crate::domain::slo_measured::{Basis, PeriodMeasured, QueryCost};
use crate::domain::text::Untrusted;

const P30: u64 = 30 * 86_400;

/// An SLO of 99.9 % over 30 days with these windows: seconds, bad events, all events. The longest
/// one is its period, too, if it has 30 days.
pub(crate) fn measured(name: &str, service: &str, windows: &[(u64, f64, f64)]) -> MeasuredSlo {
    let slo = Slo {
        id: SloId {
            service: Some(Untrusted::line(service)),
            name: Untrusted::line(name),
            group: Labels::default(),
        },
        summary: None,
        objective: 0.999,
        window: BudgetWindow::Rolling { secs: P30 },
        method: BudgetMethod::Occurrences,
        indicator: Indicator::Recorded,
        group_by: Vec::new(),
        labels: Labels::default(),
        origins: Vec::new(),
        cautions: Vec::new(),
    };
    let all = windows
        .iter()
        .map(|&(secs, bad, total)| window(secs, bad, total));
    let (own, windows): (Vec<_>, Vec<_>) = all.partition(|m| m.secs == P30);
    let at = t(10);
    MeasuredSlo {
        slo,
        windows,
        period: own.into_iter().next().map(|measured| PeriodMeasured {
            period: Period {
                start: at - TimeDelta::days(30),
                end: at,
            },
            measured,
            by_time: None,
        }),
        blocked: None,
    }
}

/// A window read at the time of the tests' pictures.
pub(crate) fn window(secs: u64, bad: f64, total: f64) -> Measured {
    Measured {
        secs,
        at: t(10),
        basis: Basis::Traffic,
        query: "up".into(),
        reading: Reading::of_counts(bad, total).ok_or(NoData::NoTraffic(secs)),
    }
}

pub(crate) fn heard(slos: Vec<MeasuredSlo>) -> Heard<BurnAnswer> {
    Heard {
        source: "prom-1/slo".into(),
        freshness: Freshness::Fresh,
        answered_at: t(10),
        answer: Arc::new(BurnAnswer {
            slos: slos.into_iter().map(Arc::new).collect(),
            cost: QueryCost::default(),
            ..BurnAnswer::default()
        }),
    }
}

fn judged(slo: MeasuredSlo) -> SloBurn {
    let policies = BurnPolicies::default();
    let (mut burns, _) = judge_all(&[heard(vec![slo])], &policies, &Holding::new(), t(10));
    burns.remove(0)
}

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

fn all_windows(bad_share: f64) -> Vec<(u64, f64, f64)> {
    let windows = [300, 1_800, HOUR, 2 * HOUR, 6 * HOUR, DAY, 3 * DAY, P30];
    windows
        .iter()
        .map(|secs| (*secs, bad_share * 1e6, 1e6))
        .collect()
}

#[test]
fn a_calm_slo_is_ok_and_a_burning_one_pages() {
    let calm = judged(measured("a", "s", &all_windows(0.000_5)));
    assert_eq!(calm.verdict, Verdict::Ok);
    assert_eq!(calm.reason, None);
    let budget = calm.budget.known.clone().unwrap();
    assert!((budget.remaining - 0.5).abs() < 1e-9);
    let Some(Exhaustion::In(secs)) = calm.budget.exhaustion else {
        unreachable!("half of it is left and half of the pace is spent");
    };
    assert!((secs - 2_592_000.0).abs() < 1.0);

    let burning = judged(measured("a", "s", &all_windows(0.02)));
    assert_eq!(burning.verdict, Verdict::Burning(Level::Page));
    assert_eq!(burning.lane(), Some(Lane::Page));
    let fired: Vec<&str> = burning.fired().map(|c| &*c.condition.name).collect();
    assert_eq!(
        fired,
        ["page-fast", "page-slow", "ticket-fast", "ticket-slow"]
    );
    assert_eq!(burning.budget.exhaustion, Some(Exhaustion::Spent));
}

#[test]
fn no_traffic_and_no_answer_are_no_verdict() {
    let idle: Vec<_> = all_windows(0.0)
        .into_iter()
        .map(|(secs, ..)| (secs, 0.0, 0.0))
        .collect();
    let idle = judged(measured("a", "s", &idle));
    assert_eq!(idle.verdict, Verdict::None { last_known: None });
    assert_eq!(idle.reason.as_deref(), Some("no traffic for 30d"));
    assert!(idle.budget.known.is_err() && idle.budget.exhaustion.is_none());
    assert_eq!(idle.lane(), None);

    let nothing = judged(measured("a", "s", &[]));
    assert_eq!(nothing.verdict, Verdict::None { last_known: None });
    assert_eq!(nothing.reason.as_deref(), Some("not asked yet"));
}

#[test]
fn a_quiet_short_window_does_not_hide_a_calm_long_one() {
    let mut windows = all_windows(0.0);
    windows[0] = (300, 0.0, 0.0);
    assert_eq!(judged(measured("a", "s", &windows)).verdict, Verdict::Ok);
    // An hour that burns with nothing known of the last minutes is another matter.
    let mut windows = all_windows(0.02);
    windows[0] = (300, 0.0, 0.0);
    windows.retain(|(secs, ..)| [300, HOUR, P30].contains(secs));
    let burn = judged(measured("a", "s", &windows));
    assert_eq!(burn.verdict, Verdict::None { last_known: None });
    assert_eq!(burn.reason.as_deref(), Some("no traffic for 5m"));
}

#[test]
fn ended_series_carry_no_verdict_whatever_their_numbers_say() {
    let mut slo = measured("a", "s", &all_windows(0.0));
    slo.blocked = Some(NoData::Stale(600));
    let burn = judged(slo);
    assert_eq!(burn.verdict, Verdict::None { last_known: None });
    assert_eq!(
        burn.reason.as_deref(),
        Some("stale: its last sample is 10m old")
    );
}

#[test]
fn a_source_that_fails_leaves_the_last_known_level_standing() {
    let mut heard = heard(vec![measured("a", "s", &all_windows(0.02))]);
    heard.freshness = Freshness::Failed;
    let policies = BurnPolicies::default();
    let (burns, _) = judge_all(&[heard], &policies, &Holding::new(), t(10));
    assert_eq!(
        burns[0].verdict,
        Verdict::None {
            last_known: Some(Level::Page)
        }
    );
    assert_eq!(burns[0].verdict.word(), "none");
    assert_eq!(
        burns[0].reason.as_deref(),
        Some("prom-1/slo gives no answer")
    );
    assert_eq!(burns[0].lane(), Some(Lane::Page));
}

/// It is lost for an hour, and the pages it told of do not go away by that.
#[test]
fn what_a_lost_source_said_last_does_not_fade() {
    let mut heard = heard(vec![measured("a", "s", &all_windows(0.02))]);
    heard.answered_at = t(20);
    let policies = BurnPolicies::default();
    for freshness in [Freshness::Failed, Freshness::Stale] {
        heard.freshness = freshness;
        let answers = std::slice::from_ref(&heard);
        let (burns, _) = judge_all(answers, &policies, &Holding::new(), t(3_600));
        let last_known = Some(Level::Page);
        assert_eq!(burns[0].verdict, Verdict::None { last_known });
        assert_eq!(burns[0].budget.exhaustion, Some(Exhaustion::Spent));
    }
    // A window that was overdue already when the source was lost is not its last word.
    heard.answered_at = t(200);
    let (burns, _) = judge_all(&[heard], &policies, &Holding::new(), t(3_600));
    let last_known = Some(Level::Ticket);
    assert_eq!(burns[0].verdict, Verdict::None { last_known });
}

#[test]
fn a_window_that_is_overdue_carries_no_verdict() {
    let slo = measured("a", "s", &all_windows(0.0));
    let policies = BurnPolicies::default();
    let at = t(10 + 91);
    let (burns, _) = judge_all(&[heard(vec![slo])], &policies, &Holding::new(), at);
    assert_eq!(burns[0].verdict, Verdict::Ok, "the hour still says no");
    let slo = measured("a", "s", &all_windows(0.02));
    let (burns, _) = judge_all(&[heard(vec![slo])], &policies, &Holding::new(), at);
    // The 5 minute window is too old; the ticket windows are not.
    assert_eq!(burns[0].verdict, Verdict::Burning(Level::Ticket));
    let why = burns[0].reason.as_deref().unwrap();
    assert_eq!(why, "overdue: the 5m window was last read 1m ago");
}

#[test]
fn both_bases_are_kept_when_they_differ_much() {
    let mut slo = measured("a", "s", &all_windows(0.000_2));
    let own = slo.period.as_mut().unwrap();
    let by_time = |ratio: f64| Measured {
        basis: Basis::Time,
        reading: Ok(Reading::of_ratio(ratio).unwrap()),
        ..window(P30, 0.0, 1.0)
    };
    own.by_time = Some(by_time(0.016_35));
    let burn = judged(slo.clone());
    assert!((burn.budget.by_time.unwrap().remaining + 15.35).abs() < 1e-6);
    slo.period.as_mut().unwrap().by_time = Some(by_time(0.000_25));
    assert!(judged(slo).budget.by_time.is_none());
}

#[test]
fn slices_are_counted_against_the_slices_allowed() {
    let mut slo = measured("a", "s", &[(300, 0.0, 5.0), (HOUR, 0.0, 60.0)]);
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
        // Only a third of the week has data: the budget is that of the whole week.
        measured: window(7 * DAY, 2.52, 3_000.0),
        by_time: None,
    });
    let budget = judged(slo).budget.known.unwrap();
    assert!((budget.consumed - 0.5).abs() < 1e-9, "{budget:?}");
}

#[test]
fn a_condition_with_a_hold_waits_for_it() {
    let mut policies = BurnPolicies::default();
    policies.list[0].conditions.truncate(1);
    policies.list[0].conditions[0].for_secs = 120;
    let answer = heard(vec![measured("a", "s", &all_windows(0.02))]);
    let judge = |held: &Holding, at| judge_all(std::slice::from_ref(&answer), &policies, held, at);
    let (burns, held) = judge(&Holding::new(), t(10));
    assert_eq!(
        burns[0].conditions[0].standing,
        Standing::Holds { since: t(10) }
    );
    assert_eq!(burns[0].verdict, Verdict::Ok);
    let (_, held) = judge(&held, t(40));
    assert_eq!(held.values().copied().collect::<Vec<_>>(), [t(10)]);
    let short = refresh_secs(300) * 3;
    assert!(short < 120, "the windows are read again meanwhile");
    let mut later = answer.clone();
    let again: Vec<Arc<MeasuredSlo>> = vec![Arc::new({
        let mut slo = measured("a", "s", &all_windows(0.02));
        for m in &mut slo.windows {
            m.at = t(130);
        }
        slo
    })];
    later.answer = Arc::new(BurnAnswer {
        slos: again,
        ..BurnAnswer::default()
    });
    let (burns, held) = judge_all(&[later], &policies, &held, t(130));
    assert_eq!(burns[0].verdict, Verdict::Burning(Level::Page));
    assert_eq!(held.len(), 1, "it goes on holding");
}

#[test]
fn what_can_never_fire_is_said() {
    let mut slo = measured("a", "s", &all_windows(0.3));
    slo.slo.objective = 0.9;
    let burn = judged(slo);
    assert_eq!(burn.conditions[0].standing, Standing::Unreachable);
    assert_eq!(burn.verdict, Verdict::Burning(Level::Ticket));
    assert_eq!(
        burn.reason.as_deref(),
        Some("page-fast can never fire: no burn exceeds 10x")
    );
}

#[test]
fn what_runs_out_first_is_first_and_the_unknown_last() {
    let slo = |name: &str, share: f64| measured(name, "s", &all_windows(share));
    let spent = slo("spent", 0.02);
    let slow = slo("slow", 0.000_5);
    let calm = slo("calm", 0.0);
    let idle = measured("idle", "s", &[(HOUR, 0.0, 0.0)]);
    let answer = heard(vec![idle, calm, slow, spent]);
    let (burns, _) = judge_all(&[answer], &BurnPolicies::default(), &Holding::new(), t(10));
    let names: Vec<&str> = burns.iter().map(|b| b.id().name.shown()).collect();
    assert_eq!(names, ["spent", "slow", "calm", "idle"]);
}

#[test]
fn what_pages_is_above_what_was_spent_before() {
    let mut spent = measured("spent", "s", &all_windows(0.000_1));
    spent.period.as_mut().unwrap().measured = window(P30, 16_350.0, 1e6);
    let mut paging = measured("paging", "s", &all_windows(0.02));
    paging.period.as_mut().unwrap().measured = window(P30, 620.0, 1e6);
    let slow = measured("slow", "s", &all_windows(0.000_5));
    let answer = heard(vec![slow, spent, paging]);
    let (burns, _) = judge_all(&[answer], &BurnPolicies::default(), &Holding::new(), t(10));
    let names: Vec<&str> = burns.iter().map(|b| b.id().name.shown()).collect();
    assert_eq!(names, ["paging", "spent", "slow"]);
    assert_eq!(burns[1].verdict, Verdict::Ok);
    assert_eq!(burns[1].budget.exhaustion, Some(Exhaustion::Spent));
}

#[test]
fn of_two_that_measure_the_same_the_one_that_says_more_counts() {
    let known = heard(vec![measured("a", "s", &all_windows(0.02))]);
    let mut failed = known.clone();
    failed.source = "prom-0/slo".into();
    failed.freshness = Freshness::Failed;
    let (burns, _) = judge_all(
        &[failed, known],
        &BurnPolicies::default(),
        &Holding::new(),
        t(10),
    );
    assert_eq!(burns.len(), 1);
    assert_eq!(&*burns[0].source, "prom-1/slo");
}
