//! Which changes preceded this alert, and how much does each deserve a look?
//!
//! An open score: `100 * T * R * A * (0.55 + 0.25 K + 0.20 O)`, after
//! `design/burn-deploys-drift.md` B3, always shown with its factors. It says "preceded", never
//! "caused". Below [`SUSPECT`] a change is listed and not called a suspect. Pure.

#[cfg(test)]
#[path = "suspect_tests.rs"]
mod tests;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::alert::Alert;
use super::burn::burn_rate;
use super::change::{ASSUMED_CLUSTER_LABEL, Change, ChangeId, ChangeKind, Outcome, Subject};
use super::delivery::{Delivery, DriftRow};
use super::drift::DriftId;
use super::label::Labels;
use super::observed::Sample;
use super::service::{Relation, is_same_env};
use super::slo::SloId;
use super::text::Untrusted;

/// From this score on, a change is called a suspect.
pub const SUSPECT: f64 = 20.0;
/// What began so long after the onset may still have been first: clocks differ.
const GRACE_SECS: i64 = 120;
/// What ended at most so long before the onset counts in full.
const FULL_MINUTES: f64 = 15.0;
/// What ended earlier than this before the onset does not count.
const OLDEST_MINUTES: f64 = 24.0 * 60.0;
/// No more than this are kept for one alert.
const MOST: usize = 50;
/// Two samples further apart than this are not one stretch: in between nobody knows.
const LONGEST_GAP_SECS: f64 = 600.0;

/// Since when it has been going wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Onset {
    /// The moment.
    pub at: DateTime<Utc>,
    /// Whose burn says so. None: the alert's own start.
    pub burn_of: Option<SloId>,
}

/// What sort of cause is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CauseKind {
    /// A change.
    Change(ChangeKind),
    /// Something that differs from its declaration.
    Drift,
}

/// Whether it happened where the alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The same cluster and region, as far as both are told.
    Overlap,
    /// Nobody says.
    Unknown,
    /// Another cluster or region.
    Disjoint,
}

/// When it acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// From when.
    pub started_at: DateTime<Utc>,
    /// Until when. None while it goes on.
    pub finished_at: Option<DateTime<Utc>>,
}

/// What the score is made from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// T: how close in time, 0 to 1.
    pub time: f64,
    /// R: how near.
    pub relation: Relation,
    /// A: whether in the same place.
    pub scope: Scope,
    /// K: what sort.
    pub kind: CauseKind,
    /// O: how it ended.
    pub outcome: Outcome,
}

/// What preceded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A change.
    Change(ChangeId),
    /// A drift, since it was first seen.
    Drift(DriftId),
}

/// One change or drift that preceded an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// What.
    pub cause: Cause,
    /// 0 to 100, one decimal.
    pub score: f64,
    /// How it comes about.
    pub factors: Factors,
    /// From its end, or its beginning while it goes on, to the onset. Negative: it began after.
    pub seconds_before: i64,
}

impl Suspect {
    /// Whether it may be called a suspect.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.score >= SUSPECT
    }
}

impl CauseKind {
    /// K.
    #[must_use]
    pub fn weight(self) -> f64 {
        match self {
            Self::Change(kind) => match kind {
                ChangeKind::Migration | ChangeKind::InfraDestructive => 1.0,
                ChangeKind::Config => 0.8,
                ChangeKind::Version => 0.7,
                ChangeKind::Infra => 0.6,
                ChangeKind::Scale => 0.4,
                ChangeKind::Restart => 0.3,
                ChangeKind::Rollback => 0.2,
            },
            Self::Drift => 0.6,
        }
    }

    /// After how long it counts half, once the first minutes are over.
    fn half_life_minutes(self) -> f64 {
        match self {
            Self::Change(
                ChangeKind::Version
                | ChangeKind::Restart
                | ChangeKind::Rollback
                | ChangeKind::Scale,
            ) => 60.0,
            Self::Change(
                ChangeKind::Config
                | ChangeKind::Migration
                | ChangeKind::Infra
                | ChangeKind::InfraDestructive,
            )
            | Self::Drift => 360.0,
        }
    }

    /// The word in JSON and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Change(kind) => kind.word(),
            Self::Drift => "drift",
        }
    }
}

impl Relation {
    /// R.
    #[must_use]
    pub fn weight(self) -> f64 {
        match self {
            Self::Same => 1.0,
            Self::DirectDependency => 0.7,
            Self::Platform => 0.5,
            Self::TwoHops => 0.4,
            Self::OtherEnvironment => 0.3,
            Self::Unknown => 0.15,
        }
    }

    /// The words on screen.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Same => "same service",
            Self::DirectDependency => "direct dependency",
            Self::Platform => "shared platform",
            Self::TwoHops => "two hops away",
            Self::OtherEnvironment => "same service, other env",
            Self::Unknown => "relation unknown",
        }
    }

    /// The word in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::DirectDependency => "dependency",
            Self::Platform => "platform",
            Self::TwoHops => "two_hops",
            Self::OtherEnvironment => "other_env",
            Self::Unknown => "unknown",
        }
    }
}

impl Scope {
    /// A.
    #[must_use]
    pub fn weight(self) -> f64 {
        match self {
            Self::Overlap => 1.0,
            Self::Unknown => 0.8,
            Self::Disjoint => 0.1,
        }
    }

    /// The word in JSON and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Overlap => "overlap",
            Self::Unknown => "unknown",
            Self::Disjoint => "disjoint",
        }
    }
}

/// O.
#[must_use]
pub fn outcome_weight(outcome: Outcome) -> f64 {
    match outcome {
        Outcome::Failed => 1.0,
        Outcome::Running => 0.8,
        Outcome::Unknown => 0.5,
        Outcome::Ok => 0.4,
    }
}

impl Factors {
    /// 0 to 100, one decimal.
    #[must_use]
    pub fn score(&self) -> f64 {
        let nature = 0.55 + 0.25 * self.kind.weight() + 0.20 * outcome_weight(self.outcome);
        let raw = 100.0 * self.time * self.relation.weight() * self.scope.weight() * nature;
        (raw * 10.0).round() / 10.0
    }
}

/// `T1.00 R1 A1 K0.7 O0.4`
impl std::fmt::Display for Factors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "T{:.2} R{} A{} K{} O{}",
            self.time,
            self.relation.weight(),
            self.scope.weight(),
            self.kind.weight(),
            outcome_weight(self.outcome)
        )
    }
}

/// T: none for what began after the onset or ended more than a day before it.
#[must_use]
pub fn closeness(span: Span, onset: DateTime<Utc>, kind: CauseKind) -> Option<f64> {
    if span.started_at > onset + TimeDelta::seconds(GRACE_SECS) {
        return None;
    }
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of a few days")]
    let minutes = span.finished_at.map_or(0.0, |end| {
        (onset - end).num_milliseconds() as f64 / 60_000.0
    });
    let gap = minutes.max(0.0);
    if gap > OLDEST_MINUTES {
        return None;
    }
    if gap <= FULL_MINUTES {
        return Some(1.0);
    }
    Some(f64::exp2(-(gap - FULL_MINUTES) / kind.half_life_minutes()))
}

/// The first sample since which the burn has stayed above 1. None where the last one is not above
/// it: `samples` are error ratios over five minutes, oldest first.
#[must_use]
pub fn onset(samples: &[Sample], objective: f64) -> Option<DateTime<Utc>> {
    let mut first: Option<f64> = None;
    for (at, ratio) in samples.iter().rev() {
        let is_near = first.is_none_or(|later| later - at <= LONGEST_GAP_SECS);
        // NaN is above nothing: without traffic there is no burn.
        if !(is_near && burn_rate(*ratio, objective) > 1.0) {
            break;
        }
        first = Some(*at);
    }
    #[allow(clippy::cast_possible_truncation, reason = "milliseconds since 1970")]
    DateTime::from_timestamp_millis((first? * 1_000.0) as i64)
}

/// What is asked: which alert, and since when it goes wrong.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The service, where it is known.
    pub service: Option<&'a Untrusted>,
    /// The environment, where it is known.
    pub env: Option<&'a Untrusted>,
    /// All labels: place, and the workload that an alert may name outright.
    pub labels: &'a Labels,
    /// Since when.
    pub onset: DateTime<Utc>,
}

impl<'a> Question<'a> {
    /// About an alert.
    #[must_use]
    pub fn of(alert: &'a Alert, onset: DateTime<Utc>) -> Self {
        Self {
            service: alert.place.service.as_ref(),
            env: alert.place.env.as_ref(),
            labels: &alert.labels,
            onset,
        }
    }

    fn relation(&self, subject: &Subject, near: &HashMap<&Untrusted, Relation>) -> Relation {
        let is_same = self.names_workload(subject)
            || (self.service.is_some() && self.service == subject.service.as_ref());
        let other_env = match (self.env, &subject.env) {
            (Some(here), Some(there)) => !is_same_env(here, there),
            (_, _) => false,
        };
        match (is_same, other_env) {
            (true, false) => Relation::Same,
            (true, true) => Relation::OtherEnvironment,
            (false, true) => Relation::Unknown,
            (false, false) => {
                let found = subject.service.as_ref().and_then(|s| near.get(s));
                found.copied().unwrap_or(Relation::Unknown)
            }
        }
    }

    /// Alerts of kube-state-metrics name a workload, and themselves as the service.
    fn names_workload(&self, subject: &Subject) -> bool {
        let Some(namespace) = self.labels.get("namespace") else {
            return false;
        };
        let kinds = ["deployment", "statefulset", "daemonset", "rollout"];
        subject.labels.get("namespace") == Some(namespace)
            && kinds.iter().any(|kind| {
                let name = self.labels.get(kind);
                name.is_some() && name == subject.labels.get("name")
            })
    }

    fn scope(&self, subject: &Subject) -> Scope {
        let mut scope = Scope::Unknown;
        for name in ["cluster", "region"] {
            if let (Some(here), Some(there)) = (self.labels.get(name), subject.labels.get(name)) {
                if here != there {
                    if name == "cluster" && subject.labels.get(ASSUMED_CLUSTER_LABEL).is_some() {
                        continue;
                    }
                    return Scope::Disjoint;
                }
                scope = Scope::Overlap;
            }
        }
        scope
    }
}

/// Everything that preceded, what deserves a look first at the top.
#[must_use]
pub fn rank(question: &Question<'_>, delivery: &Delivery) -> Vec<Suspect> {
    let near = question
        .service
        .map(|service| delivery.services.around(service))
        .unwrap_or_default();
    let changes = delivery.changes.iter().filter_map(|change| {
        let kind = CauseKind::Change(change.kind);
        let time = closeness(span_of(change), question.onset, kind)?;
        let factors = Factors {
            time,
            relation: question.relation(&change.subject, &near),
            scope: question.scope(&change.subject),
            kind,
            outcome: change.outcome,
        };
        let last = span_of(change).finished_at.unwrap_or(change.started_at);
        Some(Suspect {
            cause: Cause::Change(change.id.clone()),
            score: factors.score(),
            factors,
            seconds_before: (question.onset - last).num_seconds(),
        })
    });
    let drifts = delivery
        .drifts
        .iter()
        .filter_map(|row| drift(row, delivery.past.began(&row.drift)?, question, &near));
    let mut found: Vec<Suspect> = changes.chain(drifts).collect();
    found.sort_by(|a, b| {
        let closest = |s: &Suspect| s.seconds_before.abs();
        b.score
            .total_cmp(&a.score)
            .then(closest(a).cmp(&closest(b)))
    });
    found.retain(|suspect| suspect.score > 0.0);
    found.truncate(MOST);
    found
}

/// Changes of the very service that began after its onset and before the alert: the score leaves them
/// out, because the burn was there first; they may have made it worse. Newest first.
#[must_use]
pub fn between<'d>(
    question: &Question<'_>,
    alert_began: DateTime<Utc>,
    delivery: &'d Delivery,
) -> Vec<&'d Change> {
    let near = HashMap::new();
    let after = question.onset + TimeDelta::seconds(GRACE_SECS);
    let is_between = |change: &&Change| {
        change.started_at > after
            && change.started_at <= alert_began
            && question.relation(&change.subject, &near) == Relation::Same
    };
    delivery.changes.iter().filter(is_between).collect()
}

/// A change that nobody says is over or going on acted when it began.
fn span_of(change: &Change) -> Span {
    let is_over = change.outcome != Outcome::Running;
    Span {
        started_at: change.started_at,
        finished_at: change.finished_at.or(is_over.then_some(change.started_at)),
    }
}

/// Drift acts from the moment it is there. One that was there when its source was first looked at has
/// no known beginning, and is not held against anything.
fn drift(
    row: &DriftRow,
    began: DateTime<Utc>,
    question: &Question<'_>,
    near: &HashMap<&Untrusted, Relation>,
) -> Option<Suspect> {
    if !row.counts() {
        return None;
    }
    let kind = CauseKind::Drift;
    let span = Span {
        started_at: began,
        finished_at: Some(began),
    };
    let factors = Factors {
        time: closeness(span, question.onset, kind)?,
        relation: question.relation(&row.drift.subject, near),
        scope: question.scope(&row.drift.subject),
        kind,
        outcome: Outcome::Unknown,
    };
    Some(Suspect {
        cause: Cause::Drift(row.drift.id.clone()),
        score: factors.score(),
        factors,
        seconds_before: (question.onset - began).num_seconds(),
    })
}
