//! Which error budgets play: all verdicts there are, all reasons for none, and what of it past.

use chrono::TimeDelta;
use quell::domain::budget_period::{Calendar, CalendarUnit, Period, Zone};
use quell::domain::burn_policy::BurnPolicies;
use quell::domain::label::Labels;
use quell::domain::matcher::Matchers;
use quell::domain::observed::Sample;
use quell::domain::slo::{
    BudgetMethod, BudgetWindow, FileFormat, Indicator, Origin, Recorder, Slo, SloId, SloProblem,
};
use quell::domain::slo_measured::{
    Basis, BurnAnswer, Counts, Measured, MeasuredSlo, NoData, PeriodMeasured, QueryCost, Reading,
    Span,
};
use quell::domain::source::{ErrorKind, SourceError};
use quell::domain::text::Untrusted;
use std::sync::Arc;

use crate::cast::{Cast, ago, night, now};

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;
const P30: u64 = 30 * DAY;

/// The windows of the default policy, the shortest first.
const WINDOWS: [u64; 7] = [
    5 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    6 * HOUR,
    DAY,
    3 * DAY,
];

/// A night that also has SLOs.
pub fn burning() -> Cast {
    Cast {
        burn: answer(budgets()),
        ..night()
    }
}

/// One SLO after another, of these.
pub fn answer(slos: Vec<MeasuredSlo>) -> BurnAnswer {
    BurnAnswer {
        slos: slos.into_iter().map(Arc::new).collect(),
        problems: Vec::new(),
        limits: Vec::new(),
        cost: QueryCost {
            queries: 9,
            samples: Some(120_455),
        },
    }
}

/// The default for most, the freeze of the managed platform for its control plane, the warning of
/// self service for its templates.
pub fn policies() -> BurnPolicies {
    let mut policies = BurnPolicies::default();
    for (matcher, policy) in [
        (r#"tier="platform""#, "mps"),
        (r#"tier="self-service""#, "ssp"),
    ] {
        let matchers = Matchers::parse(matcher).unwrap();
        policies.rules.push((matchers, policy.to_owned()));
    }
    policies
}

/// 99.9 % over 30 days, about 100 events a second: the burn over each window, and what is left.
pub fn slo(name: &str, service: &str, burns: [f64; 7], left: f64) -> MeasuredSlo {
    let windows = WINDOWS.into_iter().zip(burns);
    MeasuredSlo {
        slo: Slo {
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
            origins: vec![Origin::File {
                path: Untrusted::line(&format!("slo/{service}.yaml")),
                line: 1,
                format: FileFormat::OpenSlo,
            }],
            cautions: Vec::new(),
        },
        windows: windows
            .map(|(secs, burn)| window(service, secs, burn))
            .collect(),
        period: Some(period(window(service, P30, 1.0 - left))),
        blocked: None,
    }
}

fn period(measured: Measured) -> PeriodMeasured {
    PeriodMeasured {
        period: Period {
            start: now() - TimeDelta::days(30),
            end: now(),
        },
        measured,
        by_time: None,
    }
}

#[allow(clippy::cast_precision_loss, reason = "seconds of a window")]
fn window(service: &str, secs: u64, burn: f64) -> Measured {
    let total = secs as f64 * 100.0;
    let window = quell::domain::duration::exact(secs);
    Measured {
        secs,
        at: ago(12),
        basis: Basis::Traffic,
        query: format!(
            "sum(increase(http_requests_total{{code=~\"5..\",service=\"{service}\"}}[{window}]))"
        )
        .into(),
        reading: Ok(Reading::of_counts((total * burn * 0.001).round(), total).unwrap()),
    }
}

/// The same without numbers.
fn without(mut slo: MeasuredSlo, why: &NoData) -> MeasuredSlo {
    for measured in &mut slo.windows {
        measured.reading = Err(why.clone());
    }
    if let Some(own) = &mut slo.period {
        own.measured.reading = Err(why.clone());
    }
    slo
}

fn labelled(mut slo: MeasuredSlo, labels: &[(&str, &str)]) -> MeasuredSlo {
    slo.slo.labels = Labels::of(labels);
    slo
}

/// All kinds, each once, in no order.
pub fn budgets() -> Vec<MeasuredSlo> {
    vec![
        calm(),
        no_traffic(),
        slo(
            "search-latency-p95",
            "search",
            [1.1, 1.2, 1.2, 1.2, 1.1, 1.1, 1.04],
            0.71,
        ),
        ended(),
        calendar(),
        failed(),
        disputed(),
        small(),
        paging(),
        grouped(),
        spent(),
        slo("invoice-export", "billing", [3.5; 7], 0.65),
        long(),
        labelled(
            slo(
                "control-plane",
                "apiserver",
                [2.4, 2.5, 2.6, 1.9, 0.8, 0.5, 0.4],
                0.9,
            ),
            &[("tier", "platform")],
        ),
        labelled(
            slo(
                "template-validation",
                "portal",
                [0.7, 0.6, 0.6, 0.6, 0.4, 0.3, 0.3],
                0.997,
            ),
            &[("tier", "self-service")],
        ),
        sliced(),
        never_measured(),
        recorded(),
    ]
}

fn paging() -> MeasuredSlo {
    let burns = [21.0, 16.2, 14.6, 7.4, 3.1, 0.8, 0.9];
    let mut slo = slo("checkout-availability", "checkout-api", burns, 0.38);
    slo.slo.summary = Some(Untrusted::line("a checkout answers without a server error"));
    slo
}

fn calm() -> MeasuredSlo {
    slo(
        "deploy-success",
        "ci",
        [0.0, 0.0, 0.0, 0.0, 0.1, 0.3, 0.3],
        0.96,
    )
}

fn no_traffic() -> MeasuredSlo {
    without(
        slo("batch-freshness", "etl", [0.0; 7], 1.0),
        &NoData::NoTraffic(2 * HOUR),
    )
}

/// There are numbers, and the series behind them have ended.
fn ended() -> MeasuredSlo {
    let mut slo = slo(
        "ingest-lag",
        "otel-collector",
        [0.0, 0.1, 0.2, 0.2, 0.3, 0.3, 0.3],
        0.9,
    );
    slo.blocked = Some(NoData::Stale(600));
    slo
}

fn failed() -> MeasuredSlo {
    let why = "timed out (no answer within 10s); it is slow or hangs: ask for less";
    without(
        slo("orders-latency", "orders", [0.0; 7], 1.0),
        &NoData::Failed(Untrusted::line(why)),
    )
}

fn never_measured() -> MeasuredSlo {
    let mut slo = slo("queue-age", "queue", [0.0; 7], 1.0);
    slo.windows.clear();
    slo.period = None;
    slo.blocked = Some(NoData::Missing(Untrusted::line(
        "no series queue_age_seconds_bucket{le=\"30\"}; there is le=\"25\", le=\"50\"",
    )));
    slo
}

/// A month in Berlin, two thirds gone.
fn calendar() -> MeasuredSlo {
    let month = Calendar {
        starts_at: "2026-01-01T00:00:00".parse().unwrap(),
        zone: Zone("Europe/Berlin".parse().unwrap()),
        count: 1,
        unit: CalendarUnit::Month,
    };
    let mut slo = slo(
        "invoice-availability",
        "billing",
        [0.4, 0.4, 0.4, 0.4, 0.6, 0.7, 0.8],
        1.0,
    );
    slo.slo.window = BudgetWindow::Calendar(month);
    slo.period = Some(PeriodMeasured {
        period: month.period_at(now()).unwrap(),
        measured: window("billing", 485 * HOUR, 0.7),
        by_time: None,
    });
    slo
}

/// Errors at night only: a mean over time says something else.
fn disputed() -> MeasuredSlo {
    let mut slo = slo(
        "night-export",
        "reports",
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.2],
        0.8,
    );
    slo.period.as_mut().unwrap().by_time = Some(Measured {
        basis: Basis::Time,
        reading: Ok(Reading::of_ratio(0.016_35).unwrap()),
        ..window("reports", P30, 0.0)
    });
    slo
}

/// One bad event of twenty.
fn small() -> MeasuredSlo {
    let mut slo = slo("tenant-onboarding", "portal", [0.0; 7], 1.0);
    slo.slo.objective = 0.99;
    for measured in &mut slo.windows {
        let total = if measured.secs < HOUR { 0.0 } else { 20.0 };
        measured.reading = Reading::of_counts(1.0, total).ok_or(NoData::NoTraffic(measured.secs));
    }
    slo.period.as_mut().unwrap().measured.reading = Ok(Reading::of_counts(4.0, 1_450.0).unwrap());
    slo
}

fn grouped() -> MeasuredSlo {
    let mut slo = slo(
        "search-availability",
        "search",
        [0.2, 0.3, 0.3, 0.3, 0.4, 0.4, 0.5],
        0.55,
    );
    slo.slo.id.group = Labels::of(&[("region", "eu-west-1"), ("tenant", "acme")]);
    slo
}

/// Overspent sixteen times, and not burning now.
fn spent() -> MeasuredSlo {
    slo(
        "mail-delivery",
        "mailer",
        [0.1, 0.1, 0.1, 0.2, 0.2, 0.4, 0.6],
        -15.35,
    )
}

fn long() -> MeasuredSlo {
    slo(
        "warehouse-replication-coordinator-freshness-of-the-eu-region",
        "warehouse-replication-coordinator-of-the-eu",
        [0.01, 0.02, 0.3, 0.3, 0.3, 0.3, 0.3],
        0.004,
    )
}

fn sliced() -> MeasuredSlo {
    let mut slo = slo("dns-probe", "dns", [0.0; 7], 0.997);
    slo.slo.objective = 0.999_5;
    slo.slo.method = BudgetMethod::Timeslices {
        slice_secs: 60,
        target: 0.99,
    };
    for measured in slo
        .windows
        .iter_mut()
        .chain(slo.period.as_mut().map(|p| &mut p.measured))
    {
        #[allow(clippy::cast_precision_loss, reason = "minutes of a window")]
        let slices = (measured.secs / 60) as f64;
        let bad = if measured.secs > HOUR { 2.0 } else { 0.0 };
        measured.reading = Ok(Reading::of_counts(bad, slices).unwrap());
    }
    slo
}

/// Ratios alone, as Sloth records them.
fn recorded() -> MeasuredSlo {
    let mut slo = slo(
        "login-availability",
        "auth",
        [0.2, 0.2, 0.2, 0.2, 0.3, 0.3, 0.2],
        0.82,
    );
    slo.slo.origins = vec![Origin::Recorded {
        source: "prom-1".into(),
        by: Recorder::Sloth,
    }];
    let own = slo.period.as_mut().map(|p| &mut p.measured);
    for measured in slo.windows.iter_mut().chain(own) {
        let ratio = measured.reading.as_ref().unwrap().ratio;
        measured.reading = Ok(Reading::of_ratio(ratio).unwrap());
        measured.basis = Basis::Time;
        measured.query = format!(
            "slo:sli_error:ratio_rate{}{{sloth_id=\"auth-login-availability\"}}",
            quell::domain::duration::exact(measured.secs)
        )
        .into();
    }
    slo
}

/// The same, but what burnt at page level is calm.
pub fn calmed() -> Vec<MeasuredSlo> {
    let mut all = budgets();
    for slo in &mut all {
        if slo.slo.id.name.raw() == "checkout-availability" {
            let calm = [0.1, 0.2, 0.2, 0.2, 0.3, 0.3, 0.9];
            *slo = self::slo("checkout-availability", "checkout-api", calm, 0.37);
        }
    }
    all
}

/// More than any screen holds.
pub fn hundred() -> Vec<MeasuredSlo> {
    (0..100)
        .map(|n| {
            let name = format!("service-{n:02}-availability");
            slo(
                &name,
                &format!("service-{n:02}"),
                [0.3; 7],
                (f64::from(n) + 0.5) / 100.0,
            )
        })
        .collect()
}

/// The files have problems, and nothing else.
pub fn unread() -> BurnAnswer {
    BurnAnswer {
        problems: vec![SloProblem {
            path: Untrusted::line("slo/checkout.yaml"),
            line: 7,
            column: 5,
            what: Untrusted::line("`target` is 99.9: write 0.999, or `targetPercent`"),
            next_step: Untrusted::line("correct it; quell reads it again by itself"),
        }],
        ..answer(Vec::new())
    }
}

/// The error ratios of the past, in 72 points: a climb, a leak, errors at night with a gap, nothing.
#[allow(clippy::cast_precision_loss, reason = "points and seconds of a test")]
pub fn past(id: &SloId, span: Span) -> Result<Vec<Sample>, SourceError> {
    let step = span.secs() as f64 / 72.0;
    let end = now().timestamp() as f64;
    let ratio = |at: i32| {
        let to_go = f64::from(71 - at);
        match id.name.raw() {
            "checkout-availability" => 0.000_4 + (0.020_6 - to_go * 0.004).max(0.0),
            "invoice-export" => 0.003_5,
            "night-export" if (30..36).contains(&at) => 0.1,
            "night-export" if (36..42).contains(&at) => f64::NAN,
            _ => 0.000_2,
        }
    };
    if id.name.raw() == "deploy-success" {
        return Err(SourceError::new(
            ErrorKind::TimedOut,
            "no answer within 10s",
        ));
    }
    Ok((0..72)
        .map(|at| (end - f64::from(71 - at) * step, ratio(at)))
        .collect())
}

/// SLOs that say one text wherever a file or a Prometheus can say anything.
pub fn saying(text: &str) -> BurnAnswer {
    let line = Untrusted::line(text);
    let mut loud = slo(text, text, [21.0, 16.2, 14.6, 7.4, 3.1, 0.8, 0.9], 0.38);
    loud.slo.summary = Some(line.clone());
    loud.slo.labels = Labels::of(&[(text, text)]);
    loud.slo.id.group = Labels::of(&[(text, text), ("b", text)]);
    loud.slo.cautions = vec![line.clone()];
    loud.slo.origins.push(Origin::Recorded {
        source: "prom-1".into(),
        by: Recorder::Grafana,
    });
    for measured in &mut loud.windows {
        measured.query = Untrusted::line(text).shown().into();
    }
    let reasons = [
        NoData::Missing(line.clone()),
        NoData::Partial(line.clone()),
        NoData::Failed(line.clone()),
        NoData::NotANumber(line.clone()),
        NoData::Several(line.clone()),
    ];
    let mut slos = vec![loud];
    for (at, why) in reasons.iter().enumerate() {
        let mut quiet = without(slo(text, text, [0.0; 7], 1.0), why);
        quiet.slo.id.group = Labels::of(&[("n", &at.to_string())]);
        slos.push(quiet);
    }
    BurnAnswer {
        problems: vec![SloProblem {
            path: line.clone(),
            line: 3,
            column: 1,
            what: line.clone(),
            next_step: line.clone(),
        }],
        limits: vec![line],
        ..answer(slos)
    }
}

/// A reading whose parts are all that a server can send.
pub fn extreme(name: &str, bad: f64, total: f64) -> MeasuredSlo {
    let mut slo = slo(name, "edge", [0.0; 7], 1.0);
    slo.slo.objective = 0.999_999;
    let own = slo.period.as_mut().map(|p| &mut p.measured);
    for measured in slo.windows.iter_mut().chain(own) {
        measured.reading = Ok(Reading {
            ratio: bad / total,
            counts: Some(Counts { bad, total }),
            clamped_from: None,
        });
    }
    slo
}
