//! What does a service level look like in JSON?
//!
//! The element of `slos[]` in `quell.burn/1` and of `burn[]` in `quell.status/1`, and the document of
//! `quell burn` around it. Their names are a contract with scripts, as those of [`super::json`] are.
//! What is unknown is `null`, beside its reason; nothing is clamped and nothing is made up.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Serialize, Serializer};

use super::gather::Picture;
use super::json::{Document, SourceDoc};
use crate::domain::budget_period::Period;
use crate::domain::burn::{Budget, Exhaustion, burn_rate};
use crate::domain::burn_explain::{self, Step};
use crate::domain::burn_policy::{BurnPolicies, Level, Threshold};
use crate::domain::duration::{age_secs, exact};
use crate::domain::freshness::Freshness;
use crate::domain::label::Labels;
use crate::domain::slo::{BudgetWindow, Origin, SloProblem};
use crate::domain::slo_burn::{self, ConditionState, SloBurn, Standing, Verdict};
use crate::domain::slo_measured::{Measured, NoData};
use crate::domain::text::{Untrusted, shown};

/// Whether each number comes with its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The numbers alone.
    Numbers,
    /// With query, inputs and formula, and with what the other policies say.
    Explained,
}

#[derive(Serialize)]
struct BurnsDoc<'a> {
    at: DateTime<Utc>,
    env: Option<&'a str>,
    asked: Option<String>,
    sources: Vec<SourceDoc<'a>>,
    freeze: FreezeDoc,
    total: usize,
    slos: Vec<BurnDoc<'a>>,
    problems: Vec<ProblemDoc<'a>>,
    limits: Vec<&'a Untrusted>,
    cost: CostDoc,
}

/// Whether guards would refuse what adds risk.
#[derive(Serialize)]
struct FreezeDoc {
    active: bool,
    because: Vec<String>,
}

#[derive(Serialize)]
struct CostDoc {
    queries: u64,
    samples: Option<u64>,
}

/// The document `quell.burn/1`. `total` counts the SLOs before one was asked for.
///
/// # Errors
/// See [`Document::text`].
pub fn text(
    picture: &Picture,
    chosen: &[&SloBurn],
    asked: Option<&str>,
    detail: Detail,
) -> Result<String, serde_json::Error> {
    let heard = picture.inputs.burns.iter();
    let body = BurnsDoc {
        at: picture.burn_at(),
        env: picture.env.as_deref(),
        asked: asked.map(shown),
        sources: SourceDoc::all(picture),
        freeze: freeze(picture),
        total: picture.board.burns.len(),
        slos: chosen
            .iter()
            .map(|burn| BurnDoc::of(burn, &picture.inputs.policies, detail))
            .collect(),
        problems: ProblemDoc::all(picture),
        limits: heard.flat_map(|heard| &heard.answer.limits).collect(),
        cost: cost(picture),
    };
    Document::text("quell.burn/1", body)
}

fn freeze(picture: &Picture) -> FreezeDoc {
    let because: Vec<String> = picture.board.freezing().map(freezes_because).collect();
    FreezeDoc {
        active: !because.is_empty(),
        because,
    }
}

/// `checkout-availability of checkout-api: page`
#[must_use]
pub fn freezes_because(burn: &SloBurn) -> String {
    let level = burn.verdict.level().map_or("", |level| level.word());
    let known = match burn.verdict {
        Verdict::None { .. } => ", when it was last heard of",
        Verdict::Ok | Verdict::Burning(_) => "",
    };
    format!("{}: {level}{known}", full_name(burn))
}

/// `checkout-availability of checkout-api`
#[must_use]
pub fn full_name(burn: &SloBurn) -> String {
    let id = burn.id();
    match &id.service {
        Some(service) => format!("{id} of {service}"),
        None => id.to_string(),
    }
}

/// Samples are unknown as soon as one server does not say how many it read.
fn cost(picture: &Picture) -> CostDoc {
    let costs = picture.inputs.burns.iter().map(|heard| heard.answer.cost);
    let asked = costs.filter(|cost| cost.queries > 0);
    let start = CostDoc {
        queries: 0,
        samples: Some(0),
    };
    asked.fold(start, |sum, cost| CostDoc {
        queries: sum.queries.saturating_add(cost.queries),
        samples: sum
            .samples
            .zip(cost.samples)
            .map(|(a, b)| a.saturating_add(b)),
    })
}

/// One service level, judged.
#[derive(Serialize)]
pub struct BurnDoc<'a> {
    slo: &'a Untrusted,
    service: Option<&'a Untrusted>,
    group: &'a Labels,
    summary: Option<&'a Untrusted>,
    labels: &'a Labels,
    objective: f64,
    basis: Option<&'static str>,
    window: PeriodDoc,
    windows: Ordered<WindowDoc>,
    #[serde(flatten)]
    budget: BudgetDoc,
    verdict: &'static str,
    reason: Option<String>,
    last_known: Option<&'static str>,
    fired: Vec<&'a str>,
    freeze: bool,
    guarded_burn: Option<f64>,
    policy: &'a str,
    conditions: Vec<ConditionDoc<'a>>,
    origins: Vec<OriginDoc<'a>>,
    cautions: &'a [Untrusted],
    source: &'a str,
    freshness: &'static str,
    at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explain: Option<Vec<StepDoc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policies: Option<Ordered<PolicyDoc>>,
}

impl<'a> BurnDoc<'a> {
    /// At the moment that it was judged for.
    #[must_use]
    pub fn of(burn: &'a SloBurn, policies: &BurnPolicies, detail: Detail) -> Self {
        let slo = &burn.measured.slo;
        let is_explained = detail == Detail::Explained;
        let windows = burn.windows();
        Self {
            slo: &slo.id.name,
            service: slo.id.service.as_ref(),
            group: &slo.id.group,
            summary: slo.summary.as_ref(),
            labels: &slo.labels,
            objective: slo.objective,
            basis: basis(burn),
            window: PeriodDoc::of(burn),
            windows: Ordered(
                windows
                    .map(|m| (exact(m.secs), WindowDoc::of(m, burn)))
                    .collect(),
            ),
            budget: BudgetDoc::of(burn),
            verdict: burn.verdict.word(),
            reason: reason(burn),
            last_known: match burn.verdict {
                Verdict::None { last_known } => last_known.map(Level::word),
                Verdict::Ok | Verdict::Burning(_) => None,
            },
            fired: burn.fired().map(|state| &*state.condition.name).collect(),
            freeze: burn.verdict.level().is_some_and(Level::freezes),
            guarded_burn: burn.guarded_burn(),
            policy: &burn.policy,
            conditions: burn.conditions.iter().map(ConditionDoc::of).collect(),
            origins: slo.origins.iter().map(OriginDoc::of).collect(),
            cautions: &slo.cautions,
            source: &burn.source,
            freshness: burn.freshness.word(),
            at: burn.at,
            explain: is_explained.then(|| {
                let steps = burn_explain::steps(burn);
                steps.iter().map(StepDoc::of).collect()
            }),
            policies: is_explained.then(|| Ordered(under_each(burn, policies))),
        }
    }
}

/// What its ratios are a share of, by the budget's period first. `None` where nothing was read.
#[must_use]
pub fn basis(burn: &SloBurn) -> Option<&'static str> {
    let period = burn.measured.period.as_ref().map(|own| &own.measured);
    let read = period.into_iter().chain(burn.windows());
    read.map(|measured| measured.basis.word()).next()
}

/// Why there is no verdict, or what makes it uncertain. One poll cannot tell for how long a condition
/// has held.
#[must_use]
pub fn reason(burn: &SloBurn) -> Option<String> {
    if let (Freshness::Failed, Some(NoData::Failed(why))) = (burn.freshness, &burn.measured.blocked)
    {
        return Some(format!("{} failed: {why}", burn.source));
    }
    let holds = |state: &&ConditionState| matches!(state.standing, Standing::Holds { .. });
    burn.reason.clone().or_else(|| {
        let state = burn.conditions.iter().find(holds)?;
        let condition = &state.condition;
        let needed = exact(condition.for_secs);
        Some(format!(
            "{} holds now; that it has for {needed} is not known",
            condition.name
        ))
    })
}

/// The verdict that a policy would give, and its conditions that fire.
#[must_use]
pub fn under_each(burn: &SloBurn, policies: &BurnPolicies) -> Vec<(String, PolicyDoc)> {
    let each = policies.list.iter().map(|policy| {
        let states = slo_burn::under(burn, policy);
        let said = if policy.name == burn.policy {
            burn.verdict.word()
        } else {
            verdict_word(burn, &states)
        };
        let fires = |state: &&ConditionState| state.standing == Standing::Fires;
        let fired = states.iter().filter(fires);
        let doc = PolicyDoc {
            verdict: said,
            fired: fired.map(|state| state.condition.name.clone()).collect(),
        };
        (policy.name.clone(), doc)
    });
    each.collect()
}

/// As [`slo_burn::judge`] decides it: what cannot be trusted is no verdict, whatever it says.
fn verdict_word(burn: &SloBurn, states: &[ConditionState]) -> &'static str {
    let none = Verdict::None { last_known: None };
    if burn.freshness != Freshness::Fresh || burn.measured.blocked.is_some() {
        return none.word();
    }
    let fires = |state: &&ConditionState| state.standing == Standing::Fires;
    let loudest = states.iter().filter(fires).map(|s| s.condition.level).max();
    let is_unknown = |state: &ConditionState| state.standing == Standing::Unknown;
    match loudest {
        Some(level) => level.word(),
        None if states.is_empty() || states.iter().any(is_unknown) => none.word(),
        None => Verdict::Ok.word(),
    }
}

/// What a policy says.
#[derive(Debug, Serialize)]
pub struct PolicyDoc {
    /// The verdict's word.
    pub verdict: &'static str,
    /// The names of the conditions that fire.
    pub fired: Vec<String>,
}

/// The time that a budget is for.
#[derive(Debug, Serialize)]
pub struct PeriodDoc {
    /// `rolling` or `calendar`
    pub kind: &'static str,
    /// Its length.
    pub secs: Option<u64>,
    /// Its first moment.
    pub start: Option<DateTime<Utc>>,
    /// The first moment after it.
    pub end: Option<DateTime<Utc>>,
    /// The share of it that has passed; none for one that rolls.
    pub elapsed: Option<f64>,
    /// The bad events of it so far, where they are counted.
    pub bad: Option<f64>,
    /// All of them.
    pub total: Option<f64>,
}

impl PeriodDoc {
    /// As it lies around the moment that the SLO was judged for.
    #[must_use]
    pub fn of(burn: &SloBurn) -> Self {
        let slo = &burn.measured.slo;
        let measured = burn.measured.period.as_ref().map(|own| own.period);
        let (kind, period) = match slo.window {
            BudgetWindow::Rolling { secs } => ("rolling", measured.or(last(secs, burn.at))),
            BudgetWindow::Calendar(calendar) => {
                ("calendar", measured.or(calendar.period_at(burn.at)))
            }
        };
        let secs = burn.budget.period_secs;
        let own = burn.measured.period.as_ref();
        let reading = own.and_then(|own| own.measured.reading.as_ref().ok());
        let counts = reading.and_then(|reading| reading.counts);
        Self {
            kind,
            secs: secs.is_finite().then(|| whole(secs)),
            start: period.map(|period| period.start),
            end: period.map(|period| period.end),
            elapsed: period
                .filter(|_| kind == "calendar")
                .map(|period| period.elapsed(burn.at)),
            bad: counts.map(|counts| counts.bad),
            total: counts.map(|counts| counts.total),
        }
    }
}

fn last(secs: u64, at: DateTime<Utc>) -> Option<Period> {
    let span = TimeDelta::try_seconds(i64::try_from(secs).ok()?)?;
    Some(Period {
        start: at.checked_sub_signed(span)?,
        end: at,
    })
}

/// What is left of its budget. Numbers of series that have ended are no answer.
///
/// # Errors
/// Why it is not known.
pub fn left(burn: &SloBurn) -> Result<Budget, String> {
    match &burn.measured.blocked {
        Some(why) => Err(why.to_string()),
        None => burn.budget.known.clone(),
    }
}

/// What is left of a budget. Part of the object that has it.
#[derive(Serialize)]
struct BudgetDoc {
    consumed: Option<f64>,
    remaining: Option<f64>,
    burn_to_date: Option<f64>,
    budget_reason: Option<String>,
    by_time: Option<SpentDoc>,
    exhaustion: &'static str,
    exhausted_in_secs: Option<u64>,
}

#[derive(Serialize)]
struct SpentDoc {
    consumed: f64,
    remaining: f64,
}

impl BudgetDoc {
    fn of(burn: &SloBurn) -> Self {
        let budget = &burn.budget;
        let (known, reason) = match left(burn) {
            Ok(known) => (Some(known), None),
            Err(why) => (None, Some(why)),
        };
        let is_known = known.is_some();
        let exhaustion = budget.exhaustion.filter(|_| is_known);
        Self {
            consumed: known.map(|known| known.consumed),
            remaining: known.map(|known| known.remaining),
            burn_to_date: known.map(|known| known.burn_to_date),
            budget_reason: reason,
            by_time: budget.by_time.filter(|_| is_known).map(|by_time| SpentDoc {
                consumed: by_time.consumed,
                remaining: by_time.remaining,
            }),
            exhaustion: match exhaustion {
                None => "unknown",
                Some(Exhaustion::Spent) => "spent",
                Some(Exhaustion::In(_)) => "in",
                Some(Exhaustion::Lasts(_)) => "lasts",
                Some(Exhaustion::Never) => "never",
            },
            exhausted_in_secs: exhaustion.and_then(Exhaustion::secs).map(whole),
        }
    }
}

/// One window: its numbers, or why there are none.
#[derive(Serialize)]
#[serde(untagged)]
enum WindowDoc {
    Read {
        bad: Option<f64>,
        total: Option<f64>,
        ratio: f64,
        burn: f64,
        guarded: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        clamped_from: Option<f64>,
        #[serde(flatten)]
        of: OfDoc,
    },
    None {
        none: String,
        kind: &'static str,
        #[serde(flatten)]
        of: OfDoc,
    },
}

/// What a window's numbers are of.
#[derive(Serialize)]
struct OfDoc {
    basis: &'static str,
    at: DateTime<Utc>,
    age_secs: u64,
}

impl WindowDoc {
    fn of(measured: &Measured, burn: &SloBurn) -> Self {
        let of = OfDoc {
            basis: measured.basis.word(),
            at: measured.at,
            age_secs: age_secs(measured.at, burn.at),
        };
        match &measured.reading {
            Ok(reading) => Self::Read {
                bad: reading.counts.map(|counts| counts.bad),
                total: reading.counts.map(|counts| counts.total),
                ratio: reading.ratio,
                burn: burn_rate(reading.ratio, burn.measured.slo.objective),
                guarded: burn.guarded(measured.secs),
                clamped_from: reading.clamped_from,
                of,
            },
            Err(why) => Self::None {
                none: why.to_string(),
                kind: kind_of(why),
                of,
            },
        }
    }
}

/// A word for scripts.
fn kind_of(why: &NoData) -> &'static str {
    match why {
        NoData::NoTraffic(_) => "no_traffic",
        NoData::Missing(_) => "missing",
        NoData::Stale(_) => "stale",
        NoData::Partial(_) => "partial",
        NoData::Failed(_) => "failed",
        NoData::NotANumber(_) => "not_a_number",
        NoData::Several(_) => "several",
        NoData::BeyondRetention(..) => "beyond_retention",
        NoData::NotAsked => "not_asked",
    }
}

/// One condition of the policy.
#[derive(Serialize)]
struct ConditionDoc<'a> {
    name: &'a str,
    level: &'static str,
    comparison: &'static str,
    threshold: f64,
    budget: Option<f64>,
    windows: Vec<String>,
    burns: Ordered<Option<f64>>,
    for_secs: u64,
    standing: &'static str,
    since: Option<DateTime<Utc>>,
}

impl<'a> ConditionDoc<'a> {
    fn of(state: &'a ConditionState) -> Self {
        let condition = &state.condition;
        let burns = state.burns.iter();
        Self {
            name: &condition.name,
            level: condition.level.word(),
            comparison: condition.comparison.sign(),
            threshold: state.threshold,
            budget: match condition.threshold {
                Threshold::Budget(share) => Some(share),
                Threshold::Burn(_) => None,
            },
            windows: condition.windows().map(exact).collect(),
            burns: Ordered(burns.map(|(secs, burn)| (exact(*secs), *burn)).collect()),
            for_secs: condition.for_secs,
            standing: match state.standing {
                Standing::Fires => "fires",
                Standing::Holds { .. } => "holds",
                Standing::Not => "not",
                Standing::Unknown => "unknown",
                Standing::Unreachable => "unreachable",
            },
            since: match state.standing {
                Standing::Holds { since } => Some(since),
                _ => None,
            },
        }
    }
}

/// Where it was found.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum OriginDoc<'a> {
    File {
        path: &'a Untrusted,
        line: usize,
        format: &'static str,
    },
    Recorded {
        source: &'a str,
        by: &'static str,
    },
}

impl<'a> OriginDoc<'a> {
    fn of(origin: &'a Origin) -> Self {
        match origin {
            Origin::File { path, line, format } => Self::File {
                path,
                line: *line,
                format: format.name(),
            },
            Origin::Recorded { source, by } => Self::Recorded {
                source,
                by: by.name(),
            },
        }
    }
}

/// How a number came about.
#[derive(Serialize)]
struct StepDoc {
    name: String,
    result: String,
    formula: Option<String>,
    query: Option<Untrusted>,
    at: Option<DateTime<Utc>>,
}

impl StepDoc {
    fn of(step: &Step) -> Self {
        Self {
            name: step.name.clone(),
            result: step.result.clone(),
            formula: step.formula.clone(),
            // Part of it stands in somebody's file.
            query: step.query.as_deref().map(Untrusted::block),
            at: step.at,
        }
    }
}

/// What is wrong with a file of service levels.
#[derive(Serialize)]
pub struct ProblemDoc<'a> {
    path: &'a Untrusted,
    line: Option<usize>,
    column: Option<usize>,
    what: &'a Untrusted,
    next_step: &'a Untrusted,
}

impl<'a> ProblemDoc<'a> {
    /// All of a picture.
    #[must_use]
    pub fn all(picture: &'a Picture) -> Vec<Self> {
        picture.slo_problems.iter().map(Self::of).collect()
    }

    fn of(problem: &'a SloProblem) -> Self {
        let known = |number: usize| (number > 0).then_some(number);
        Self {
            path: &problem.path,
            line: known(problem.line),
            column: known(problem.column),
            what: &problem.what,
            next_step: &problem.next_step,
        }
    }
}

/// An object whose fields keep their order: windows are read from the shortest on.
struct Ordered<T>(Vec<(String, T)>);

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole seconds, zero or more; what is larger than any time is any time"
)]
fn whole(secs: f64) -> u64 {
    secs.max(0.0) as u64
}
