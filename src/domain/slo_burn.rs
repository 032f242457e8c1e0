//! Is this error budget burning, and may that be said?
//!
//! [`judge`] turns what one Prometheus measured into a verdict by a burn policy. No data is no
//! verdict: an old, partial or failed answer says so, and what was last known stands beside it.
//! Called by [`super::board`]; pure.

#[cfg(test)]
#[path = "slo_burn_tests.rs"]
pub(crate) mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::alert::{Alert, Lane};
use super::board::Heard;
use super::burn::{Budget, Exhaustion, burn_rate, lower_bound};
use super::burn_policy::{BurnPolicies, BurnPolicy, Condition, Level};
use super::freshness::Freshness;
use super::slo::{BudgetMethod, BudgetWindow, SloId};
use super::slo_measured::{BurnAnswer, Measured, MeasuredSlo, NoData, Reading, refresh_secs};
use super::source::SourceName;

/// The window whose burn says how long a budget lasts.
pub const RECENT_SECS: u64 = 3_600;

/// Budgets by events and by time are shown side by side when they differ by more than this.
pub const BASIS_TOLERANCE: f64 = 0.1;

/// One SLO, judged.
#[derive(Clone, Debug)]
pub struct SloBurn {
    /// Who measured it.
    pub source: SourceName,
    /// How far that source may be trusted.
    pub freshness: Freshness,
    /// When it last answered.
    pub answered_at: DateTime<Utc>,
    /// What was measured.
    pub measured: Arc<MeasuredSlo>,
    /// The moment of the verdict.
    pub at: DateTime<Utc>,
    /// The name of the policy.
    pub policy: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why there is no verdict, or what makes it uncertain.
    pub reason: Option<String>,
    /// Every condition of the policy, as it stands.
    pub conditions: Vec<ConditionState>,
    /// What is left.
    pub budget: BudgetState,
}

/// What may be said of a burn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No condition holds.
    Ok,
    /// The loudest condition that holds.
    Burning(Level),
    /// The data cannot carry one. What the last complete data said, where it is known.
    None {
        /// The loudest condition that held by the last answer.
        last_known: Option<Level>,
    },
}

impl Verdict {
    /// The word in JSON and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Burning(level) => level.word(),
            Self::None { .. } => "none",
        }
    }

    /// The level that counts for lanes and freezes: also the last known one, since nobody said that
    /// it is over.
    #[must_use]
    pub fn level(self) -> Option<Level> {
        match self {
            Self::Ok => None,
            Self::Burning(level) => Some(level),
            Self::None { last_known } => last_known,
        }
    }
}

/// One condition, as it stands.
#[derive(Clone, Debug)]
pub struct ConditionState {
    /// The condition.
    pub condition: Condition,
    /// Its threshold as a burn rate, for this SLO's period.
    pub threshold: f64,
    /// The burn over its window, and over the confirming one if it has one.
    pub burns: Vec<(u64, Option<f64>)>,
    /// What can be said of it.
    pub standing: Standing,
}

/// What can be said of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It holds, long enough.
    Fires,
    /// It holds since then, not yet long enough.
    Holds {
        /// As far as quell saw.
        since: DateTime<Utc>,
    },
    /// It does not hold.
    Not,
    /// A window that it needs has no reading.
    Unknown,
    /// It can never hold: the objective allows no such burn.
    Unreachable,
}

/// What is left of a budget.
#[derive(Clone, Debug)]
pub struct BudgetState {
    /// By the basis that counts; or why it is not known.
    pub known: Result<Budget, String>,
    /// By time, where that differs much from the one by events.
    pub by_time: Option<Budget>,
    /// How long it lasts. `None` when that is not known.
    pub exhaustion: Option<Exhaustion>,
    /// The length of its period in seconds.
    pub period_secs: f64,
}

/// Since when which condition of which SLO has held, without a break that quell saw.
pub type Holding = HashMap<(SloId, String), DateTime<Utc>>;

impl SloBurn {
    /// The SLO's name and service.
    #[must_use]
    pub fn id(&self) -> &SloId {
        &self.measured.slo.id
    }

    /// What was measured over a window. The budget's period counts, too, if it rolls.
    #[must_use]
    pub fn window(&self, secs: u64) -> Option<&Measured> {
        let windows = self.measured.windows.iter();
        windows.chain(self.rolling()).find(|m| m.secs == secs)
    }

    /// All windows that were asked for, the budget's own last if it rolls.
    pub fn windows(&self) -> impl Iterator<Item = &Measured> {
        let longest = self.measured.windows.iter();
        let own = self.rolling();
        longest
            .filter(move |m| own.is_none_or(|own| own.secs != m.secs))
            .chain(own)
    }

    fn rolling(&self) -> Option<&Measured> {
        let is_rolling = matches!(self.measured.slo.window, BudgetWindow::Rolling { .. });
        let period = self.measured.period.as_ref().filter(|_| is_rolling);
        period.map(|period| &period.measured)
    }

    /// The burn rate over a window.
    #[must_use]
    pub fn burn(&self, secs: u64) -> Option<f64> {
        let reading = self.window(secs)?.reading.as_ref().ok()?;
        Some(burn_rate(reading.ratio, self.measured.slo.objective))
    }

    /// The burn rate over the recent window that the sample proves, with 95 % confidence.
    #[must_use]
    pub fn guarded_burn(&self) -> Option<f64> {
        self.guarded(RECENT_SECS)
    }

    /// The burn rate over a window that the sample proves, where the events are counted.
    #[must_use]
    pub fn guarded(&self, secs: u64) -> Option<f64> {
        let reading = self.window(secs)?.reading.as_ref().ok()?;
        let counts = reading.counts?;
        let ratio = lower_bound(counts.bad, counts.total)?;
        Some(burn_rate(ratio, self.measured.slo.objective))
    }

    /// The lane of its row in Triage; none for one that does not burn.
    #[must_use]
    pub fn lane(&self) -> Option<Lane> {
        Some(match self.verdict.level()? {
            Level::Page => Lane::Page,
            Level::Freeze | Level::Ticket => Lane::Ticket,
            Level::Warn => Lane::Info,
        })
    }

    /// The conditions that fire.
    pub fn fired(&self) -> impl Iterator<Item = &ConditionState> {
        let fires = |state: &&ConditionState| state.standing == Standing::Fires;
        self.conditions.iter().filter(fires)
    }

    /// Whether an alert speaks of this SLO already: one of its labels names it.
    #[must_use]
    pub fn is_spoken_of_by(&self, alert: &Alert) -> bool {
        const NAMES: [&str; 5] = ["slo", "slo_name", "sloth_slo", "slo_id", "grafana_slo_name"];
        let id = self.id();
        let named = |name: &&str| alert.labels.get(name).is_some_and(|v| v == &id.name);
        let same_service = match (&id.service, &alert.place.service) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        };
        if NAMES.iter().any(named) {
            return same_service;
        }
        let sloth_id = alert.labels.get("sloth_id");
        match (sloth_id, &id.service) {
            (Some(sloth_id), Some(service)) => {
                sloth_id.raw() == format!("{}-{}", service.raw(), id.name.raw())
            }
            _ => false,
        }
    }

    /// For the order of a list: what runs out first. A small sample counts for what it proves.
    #[must_use]
    pub fn runs_out_in_secs(&self) -> f64 {
        let Ok(budget) = &self.budget.known else {
            return f64::INFINITY;
        };
        let proven = self.guarded_burn().or_else(|| self.burn(RECENT_SECS));
        let Some(burn) = proven else {
            return if budget.remaining <= 0.0 {
                0.0
            } else {
                f64::INFINITY
            };
        };
        let lasts = Exhaustion::of(budget.remaining, burn, self.budget.period_secs, None);
        lasts.secs().unwrap_or(f64::INFINITY)
    }
}

/// All SLOs of all sources, what pages at the top, then what runs out first; and since when
/// conditions hold.
#[must_use]
pub fn judge_all(
    answers: &[Heard<BurnAnswer>],
    policies: &BurnPolicies,
    held: &Holding,
    at: DateTime<Utc>,
) -> (Vec<SloBurn>, Holding) {
    let mut holding = Holding::new();
    let mut all: Vec<SloBurn> = Vec::new();
    let mut places: HashMap<SloId, usize> = HashMap::new();
    for heard in answers {
        for measured in &heard.answer.slos {
            let burn = judge(heard, measured, policies, held, at);
            match places.get(burn.id()) {
                // The replicas of a pair record the same: the one that says more counts.
                Some(&place) if is_better(&burn, &all[place]) => all[place] = burn,
                Some(_) => {}
                None => {
                    places.insert(burn.id().clone(), all.len());
                    all.push(burn);
                }
            }
        }
    }
    for burn in &all {
        for state in &burn.conditions {
            let key = (burn.id().clone(), state.condition.name.clone());
            let since = match state.standing {
                Standing::Holds { since } => Some(since),
                Standing::Fires if state.condition.for_secs > 0 => {
                    Some(held.get(&key).copied().unwrap_or(at))
                }
                // Nobody said that it is over.
                Standing::Unknown => held.get(&key).copied(),
                Standing::Fires | Standing::Not | Standing::Unreachable => None,
            };
            if let Some(since) = since {
                holding.insert(key, since);
            }
        }
    }
    all.sort_by(rank);
    (all, holding)
}

fn is_better(new: &SloBurn, old: &SloBurn) -> bool {
    let says = |burn: &SloBurn| !matches!(burn.verdict, Verdict::None { .. });
    says(new) && !says(old)
}

/// What pages is first: a budget that was spent long ago and is not burning now can wait for it.
fn rank(a: &SloBurn, b: &SloBurn) -> std::cmp::Ordering {
    let unknown = |burn: &SloBurn| matches!(burn.verdict, Verdict::None { last_known: None });
    let pages = |burn: &SloBurn| burn.verdict.level() == Some(Level::Page);
    let (a_secs, b_secs) = (a.runs_out_in_secs(), b.runs_out_in_secs());
    unknown(a)
        .cmp(&unknown(b))
        .then(pages(b).cmp(&pages(a)))
        .then(a_secs.total_cmp(&b_secs))
        .then(b.verdict.level().cmp(&a.verdict.level()))
        .then_with(|| a.id().cmp(b.id()))
}

/// Judges one SLO.
#[must_use]
pub fn judge(
    heard: &Heard<BurnAnswer>,
    measured: &Arc<MeasuredSlo>,
    policies: &BurnPolicies,
    held: &Holding,
    at: DateTime<Utc>,
) -> SloBurn {
    let slo = &measured.slo;
    let period_secs = period_secs(measured, at);
    let mut burn = SloBurn {
        source: heard.source.clone(),
        freshness: heard.freshness,
        answered_at: heard.answered_at,
        measured: measured.clone(),
        at,
        policy: policies.default.clone(),
        verdict: Verdict::Ok,
        reason: None,
        conditions: Vec::new(),
        budget: BudgetState {
            known: Err("its period was not asked for".into()),
            by_time: None,
            exhaustion: None,
            period_secs,
        },
    };
    if let Some(policy) = policies.of(&slo.policy_labels()) {
        burn.policy.clone_from(&policy.name);
        burn.conditions = conditions(&burn, policy, held);
    }
    burn.budget = budget(&burn);
    burn.verdict = verdict(&mut burn);
    burn
}

/// What another policy would say of it: its conditions, as they stand at this moment.
#[must_use]
pub fn under(burn: &SloBurn, policy: &BurnPolicy) -> Vec<ConditionState> {
    conditions(burn, policy, &Holding::new())
}

fn conditions(burn: &SloBurn, policy: &BurnPolicy, held: &Holding) -> Vec<ConditionState> {
    let objective = burn.measured.slo.objective;
    let period_secs = burn.budget.period_secs;
    let over = |secs: u64| usable(burn, secs).map(|r| burn_rate(r.ratio, objective));
    let state = |condition: &Condition| {
        let standing = if condition.is_reachable(objective, period_secs) {
            match condition.decide(over, period_secs) {
                None => Standing::Unknown,
                Some(false) => Standing::Not,
                Some(true) => {
                    let key = (burn.id().clone(), condition.name.clone());
                    let since = held.get(&key).copied().unwrap_or(burn.at);
                    let needed = i64::try_from(condition.for_secs).unwrap_or(i64::MAX);
                    if (burn.at - since).num_seconds() >= needed {
                        Standing::Fires
                    } else {
                        Standing::Holds { since }
                    }
                }
            }
        } else {
            Standing::Unreachable
        };
        ConditionState {
            threshold: condition.burn(period_secs),
            burns: condition.windows().map(|secs| (secs, over(secs))).collect(),
            standing,
            condition: condition.clone(),
        }
    };
    policy.conditions.iter().map(state).collect()
}

/// A reading that is not too old for a verdict.
fn usable(burn: &SloBurn, secs: u64) -> Option<&Reading> {
    let measured = burn.window(secs)?;
    let reading = measured.reading.as_ref().ok()?;
    (!is_overdue(measured, burn)).then_some(reading)
}

/// Of a source that answers, a window that was not read again in time is not the present. What a
/// lost source said last stays what it said, however long that is ago.
fn is_overdue(measured: &Measured, burn: &SloBurn) -> bool {
    let at = match burn.freshness {
        Freshness::Fresh => burn.at,
        _ => burn.answered_at,
    };
    let most = i64::try_from(refresh_secs(measured.secs) * 3).unwrap_or(i64::MAX);
    at - measured.at > TimeDelta::seconds(most)
}

fn verdict(burn: &mut SloBurn) -> Verdict {
    let fired = burn.fired().map(|state| state.condition.level).max();
    if burn.freshness != Freshness::Fresh {
        let what = match burn.freshness {
            Freshness::Failed => "gives no answer",
            _ => "last answered too long ago",
        };
        burn.reason = Some(format!("{} {what}", burn.source));
        return Verdict::None { last_known: fired };
    }
    if let Some(why) = &burn.measured.blocked {
        burn.reason = Some(why.to_string());
        return Verdict::None { last_known: None };
    }
    let unknown = burn
        .conditions
        .iter()
        .find(|s| s.standing == Standing::Unknown);
    let why = unknown.map(|state| why_unknown(burn, &state.condition));
    let has_said_no = |s: &ConditionState| s.standing != Standing::Unknown;
    let verdict = match (fired, &why) {
        (Some(level), _) => Verdict::Burning(level),
        (None, Some(_)) => Verdict::None { last_known: None },
        // A policy without conditions, or with none that can be reached, has nothing to say.
        (None, None) if !burn.conditions.iter().any(has_said_no) => {
            Verdict::None { last_known: None }
        }
        (None, None) => Verdict::Ok,
    };
    burn.reason = why.or_else(|| {
        let all = burn.conditions.iter();
        let unreachable = |s: &&ConditionState| s.standing == Standing::Unreachable;
        let names: Vec<&str> = all
            .filter(unreachable)
            .map(|s| &*s.condition.name)
            .collect();
        (!names.is_empty()).then(|| {
            let most = super::number::of(super::burn::max_burn(burn.measured.slo.objective));
            format!(
                "{} can never fire: no burn exceeds {most}x",
                names.join(", ")
            )
        })
    });
    verdict
}

/// The worst reason of a condition's windows. No traffic at all is said of the longest window.
fn why_unknown(burn: &SloBurn, condition: &Condition) -> String {
    let longest_idle = burn
        .windows()
        .filter_map(|m| match m.reading {
            Err(NoData::NoTraffic(secs)) => Some(secs),
            _ => None,
        })
        .max();
    let of_window = |secs: u64| match burn.window(secs) {
        None => Some(NoData::NotAsked.to_string()),
        Some(measured) => match &measured.reading {
            Err(NoData::NoTraffic(secs)) => {
                Some(NoData::NoTraffic(longest_idle.unwrap_or(*secs)).to_string())
            }
            Err(why) => Some(why.to_string()),
            Ok(_) if is_overdue(measured, burn) => Some(format!(
                "overdue: the {} window was last read {} ago",
                super::duration::exact(secs),
                super::duration::short_age(measured.at, burn.at)
            )),
            Ok(_) => None,
        },
    };
    condition
        .windows()
        .find_map(of_window)
        .unwrap_or_else(|| "not known".to_owned())
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a period is far below 2^53 seconds"
)]
fn period_secs(measured: &MeasuredSlo, at: DateTime<Utc>) -> f64 {
    match measured.slo.window {
        BudgetWindow::Rolling { secs } => secs as f64,
        BudgetWindow::Calendar(calendar) => calendar
            .period_at(at)
            .or(measured.period.as_ref().map(|p| p.period))
            .map_or(f64::NAN, |period| period.secs()),
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a period is far below 2^53 seconds"
)]
fn budget(burn: &SloBurn) -> BudgetState {
    let slo = &burn.measured.slo;
    let period_secs = burn.budget.period_secs;
    let unknown = |why: String| BudgetState {
        known: Err(why),
        by_time: None,
        exhaustion: None,
        period_secs,
    };
    let Some(own) = &burn.measured.period else {
        return unknown(match burn.measured.blocked {
            Some(ref why) => why.to_string(),
            None => NoData::NotAsked.to_string(),
        });
    };
    let of = |reading: &Reading| {
        let elapsed = own.period.elapsed(own.measured.at);
        let slices = match slo.method {
            BudgetMethod::Timeslices { slice_secs, .. } => reading
                .counts
                .map(|counts| (counts.bad, period_secs / slice_secs as f64)),
            BudgetMethod::Occurrences | BudgetMethod::RatioTimeslices { .. } => None,
        };
        match (slo.window, slices) {
            (BudgetWindow::Rolling { .. }, None) => Budget::rolling(reading.ratio, slo.objective),
            (BudgetWindow::Rolling { .. }, Some((bad, slices))) => {
                Budget::rolling(bad / slices, slo.objective)
            }
            (BudgetWindow::Calendar(_), None) => {
                Budget::calendar(reading.ratio, slo.objective, elapsed)
            }
            (BudgetWindow::Calendar(_), Some((bad, slices))) => {
                Budget::calendar_slices(bad, slices, reading.ratio, slo.objective, elapsed)
            }
        }
    };
    let known = match &own.measured.reading {
        Ok(reading) => of(reading),
        Err(why) => return unknown(why.to_string()),
    };
    let by_time = own
        .by_time
        .as_ref()
        .and_then(|m| m.reading.as_ref().ok())
        .map(of);
    let by_time = by_time.filter(|b| (b.remaining - known.remaining).abs() > BASIS_TOLERANCE);
    let left = match slo.window {
        BudgetWindow::Rolling { .. } => None,
        BudgetWindow::Calendar(_) => Some((own.period.end - burn.at).num_seconds() as f64),
    };
    let recent = usable(burn, RECENT_SECS).map(|r| burn_rate(r.ratio, slo.objective));
    let exhaustion = match recent {
        Some(recent) => Some(Exhaustion::of(known.remaining, recent, period_secs, left)),
        None => (known.remaining <= 0.0).then_some(Exhaustion::Spent),
    };
    BudgetState {
        known: Ok(known),
        by_time,
        exhaustion,
        period_secs,
    }
}
