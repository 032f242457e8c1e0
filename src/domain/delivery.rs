//! What did the sources of changes and drift say, and what is it when it is put together?
//!
//! [`DeliveryAnswer`] is what any one of them answers. [`Delivery::of`] joins the answers with what was
//! remembered: the same deploy told by several sources becomes one, drift gets the time it was first
//! seen, allowed drift is set apart and stays counted. Called by [`super::board`]; pure.

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::board::Heard;
use super::change::{Change, ChangeId, Outcome, Subject};
use super::drift::{Allowance, Drift, DriftId, DriftKind, DriftPath, ReportAge};
use super::duration::short;
use super::freshness::Freshness;
use super::same_deploy;
use super::service::{Service, Services};
use super::source::SourceName;
use super::text::Untrusted;

/// Clocks differ by this much without a word.
const FUTURE_SECS: i64 = 120;

/// One poll of one source of changes and drift.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeliveryAnswer {
    /// What was changed, in any order.
    pub changes: Vec<Change>,
    /// What differs from its declaration.
    pub drifts: Vec<Drift>,
    /// What is wrong with the places that services run on.
    pub troubles: Vec<Trouble>,
    /// Services that it declares.
    #[serde(default)]
    pub services: Vec<Service>,
    /// Each part that was asked for, and whether it could be read.
    pub parts: Vec<Part>,
    /// What it cannot tell, or told only in part, in words. Also each object that was left out, by
    /// name and with the reason.
    pub limits: Vec<Untrusted>,
    /// Version of the server, where it is told.
    pub version: Option<Untrusted>,
}

/// One part of what a source was asked for: `deployments`, `secrets in payments`, `plan.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which.
    pub what: Untrusted,
    /// Whether it could be read.
    pub state: PartState,
}

/// Whether a part could be read. What may not be read is never an empty list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartState {
    /// It was, and held so many things.
    Read(usize),
    /// It was once; now the last known is shown, and why.
    LastKnown(Untrusted),
    /// The user may not read it: what the server said.
    NotPermitted(Untrusted),
    /// It is not installed there.
    Absent,
    /// It was tried and failed.
    Failed(Untrusted),
}

/// What is wrong with a place that services run on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Where.
    pub subject: Subject,
    /// What sort of place.
    pub kind: TroubleKind,
    /// What is wrong, in the words of its system.
    pub what: Untrusted,
    /// Since when, where that is told.
    pub since: Option<DateTime<Utc>>,
    /// How often, for what repeats.
    pub count: u64,
}

/// What sort of place is in trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleKind {
    /// A node.
    Node,
    /// A pod.
    Pod,
    /// A horizontal pod autoscaler.
    Hpa,
    /// A pod disruption budget.
    Pdb,
    /// A resource quota.
    Quota,
    /// A warning event.
    Event,
    /// A policy that is violated.
    Policy,
}

impl TroubleKind {
    /// The word in JSON and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Pod => "pod",
            Self::Hpa => "hpa",
            Self::Pdb => "pdb",
            Self::Quota => "quota",
            Self::Event => "event",
            Self::Policy => "policy",
        }
    }
}

/// When something was first and last told, and how often it came back after it had gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// First.
    pub first: DateTime<Utc>,
    /// Last.
    pub last: DateTime<Utc>,
    /// 1 for the first time.
    pub times: u64,
}

/// What was remembered from earlier polls and sessions.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Every change that is kept, also those that their sources have forgotten.
    pub changes: Vec<Change>,
    /// When each change was told.
    pub changes_seen: HashMap<ChangeId, Seen>,
    /// When each drift was told.
    pub drifts_seen: HashMap<DriftId, Seen>,
    /// When each source answered for the first time: what it told then had begun before, and nobody
    /// knows when.
    pub looked_since: HashMap<SourceName, DateTime<Utc>>,
}

/// A difference with what is known around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftRow {
    /// The difference.
    pub drift: Drift,
    /// How far its report may be trusted.
    pub age: ReportAge,
    /// How far its source may be trusted.
    pub freshness: Freshness,
    /// When it was first seen by this machine.
    pub seen: Option<Seen>,
    /// By which rule it is allowed, if it is.
    pub allowed: Option<Allowance>,
}

impl Past {
    /// When a drift began, if it was seen to come: its source had answered before without it.
    #[must_use]
    pub fn began(&self, drift: &Drift) -> Option<DateTime<Utc>> {
        let first = self.drifts_seen.get(&drift.id)?.first;
        let looked = self.looked_since.get(&drift.source)?;
        (first - *looked >= TimeDelta::seconds(1)).then_some(first)
    }
}

impl DriftRow {
    /// Whether it counts as drift: real, not allowed, not from an expired report.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.drift.kind == DriftKind::Drift
            && self.allowed.is_none()
            && self.age != ReportAge::Expired
    }
}

/// Everything known of changes and drift.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// Changes, joined, newest first.
    pub changes: Vec<Change>,
    /// What differs, what counts first.
    pub drifts: Vec<DriftRow>,
    /// What is wrong with the places that services run on.
    pub troubles: Vec<Trouble>,
    /// What was remembered.
    pub past: Arc<Past>,
    /// Every service that is declared, and how near they are to each other.
    pub services: Arc<Services>,
}

/// Everything that is put together.
#[derive(Clone, Debug, Default)]
pub struct DeliveryInputs {
    /// Sources that have answered at least once.
    pub heard: Vec<Heard<DeliveryAnswer>>,
    /// What was remembered.
    pub past: Arc<Past>,
    /// What the config declares of services.
    pub services: Arc<Services>,
    /// Which drift is allowed.
    pub allowances: Arc<Vec<Allowance>>,
}

impl Delivery {
    /// Puts it together.
    #[must_use]
    pub fn of(inputs: &DeliveryInputs, now: DateTime<Utc>) -> Self {
        let heard = &inputs.heard;
        let declared = heard.iter().flat_map(|h| h.answer.services.iter());
        let services = inputs.services.with(declared);
        let mut changes = told_or_remembered(inputs);
        for change in &mut changes {
            services.place(&mut change.subject);
            note_future(change, now);
        }
        same_deploy::derive_from(&mut changes);
        let mut changes = same_deploy::join(changes);
        changes.sort_by(|a, b| (b.started_at, &b.id).cmp(&(a.started_at, &a.id)));
        let drifts = heard.iter().flat_map(|heard| {
            let answer = &heard.answer;
            answer.drifts.iter().map(|drift| {
                let mut drift = drift.clone();
                services.place(&mut drift.subject);
                DriftRow {
                    age: drift.report.age(now),
                    freshness: heard.freshness,
                    seen: inputs.past.drifts_seen.get(&drift.id).copied(),
                    allowed: allowed(&inputs.allowances, &drift, now).cloned(),
                    drift,
                }
            })
        });
        let mut drifts: Vec<DriftRow> = drifts.collect();
        drifts.sort_by(rank);
        let troubles = heard.iter().flat_map(|heard| {
            heard.answer.troubles.iter().map(|trouble| {
                let mut trouble = trouble.clone();
                services.place(&mut trouble.subject);
                trouble
            })
        });
        Self {
            changes,
            drifts,
            troubles: troubles.collect(),
            past: inputs.past.clone(),
            services,
        }
    }

    /// A change by its name.
    #[must_use]
    pub fn change(&self, id: &ChangeId) -> Option<&Change> {
        self.changes.iter().find(|change| change.id == *id)
    }

    /// A difference by its name.
    #[must_use]
    pub fn drift(&self, id: &DriftId) -> Option<&DriftRow> {
        self.drifts.iter().find(|row| row.drift.id == *id)
    }

    /// What goes on.
    pub fn in_flight(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.is_in_flight())
    }

    /// How many differences count as drift.
    #[must_use]
    pub fn drifted(&self) -> usize {
        self.drifts.iter().filter(|row| row.counts()).count()
    }

    /// The drift of a service that counts.
    pub fn drifts_of<'a>(&'a self, service: &'a Untrusted) -> impl Iterator<Item = &'a DriftRow> {
        let is_of = |row: &&DriftRow| row.drift.subject.service.as_ref() == Some(service);
        self.drifts.iter().filter(|row| row.counts()).filter(is_of)
    }

    /// What is wrong with the places that a service runs on.
    pub fn troubles_of<'a>(&'a self, service: &'a Untrusted) -> impl Iterator<Item = &'a Trouble> {
        let is_of = |trouble: &&Trouble| trouble.subject.service.as_ref() == Some(service);
        self.troubles.iter().filter(is_of)
    }
}

/// What the sources tell now, and what they told once. Of the same change the present word counts.
fn told_or_remembered(inputs: &DeliveryInputs) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    let mut told: HashSet<&ChangeId> = HashSet::new();
    for heard in &inputs.heard {
        for change in &heard.answer.changes {
            if told.insert(&change.id) {
                changes.push(change.clone());
            }
        }
    }
    for change in inputs.past.changes.iter().filter(|c| !told.contains(&c.id)) {
        let mut change = change.clone();
        if change.is_in_flight() {
            // Nobody tells of it any more: how it ended was missed.
            change.outcome = Outcome::Unknown;
            let note = "it was under way when it was last heard of: how it ended is not known";
            change.told.notes.push(Untrusted::line(note));
        }
        changes.push(change);
    }
    changes
}

/// A clock may be wrong; a change never began later than it was told.
fn note_future(change: &mut Change, now: DateTime<Utc>) {
    let ahead = (change.started_at - now).num_seconds();
    if ahead > FUTURE_SECS {
        let ahead = short(ahead.unsigned_abs());
        let note = format!("its time is {ahead} in the future: a clock is wrong");
        change.told.notes.push(Untrusted::line(&note));
    }
}

/// The first rule that allows a difference. One that names a path allows only what differs at such
/// paths and nowhere else.
fn allowed<'a>(
    allowances: &'a [Allowance],
    drift: &Drift,
    now: DateTime<Utc>,
) -> Option<&'a Allowance> {
    let of_target: Vec<&Allowance> = allowances
        .iter()
        .filter(|rule| rule.until > now && fits(&rule.address, drift.subject.target.raw()))
        .collect();
    let whole = of_target.iter().find(|rule| rule.path.is_none()).copied();
    whole.or_else(|| {
        let allows = |rule: &&&Allowance, path: &DriftPath| {
            let pattern = rule.path.as_deref();
            pattern.is_some_and(|pattern| fits(pattern, path.path.raw()))
        };
        let is_covered = |path: &DriftPath| of_target.iter().any(|rule| allows(&rule, path));
        if drift.paths.is_empty() || !drift.paths.iter().all(is_covered) {
            return None;
        }
        let first = drift.paths.first()?;
        of_target.iter().find(|rule| allows(rule, first)).copied()
    })
}

/// `*` stands for any run of characters, also none; everything else for itself.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.ends_with(tail)
}

/// What counts first, then by kind, then by target: equals keep their places.
fn rank(a: &DriftRow, b: &DriftRow) -> std::cmp::Ordering {
    let kind = |row: &DriftRow| DriftKind::ALL.iter().position(|k| *k == row.drift.kind);
    let is_expired = |row: &DriftRow| row.age == ReportAge::Expired;
    b.counts()
        .cmp(&a.counts())
        .then(a.allowed.is_some().cmp(&b.allowed.is_some()))
        .then(is_expired(a).cmp(&is_expired(b)))
        .then(kind(a).cmp(&kind(b)))
        .then_with(|| a.drift.subject.target.cmp(&b.drift.subject.target))
        .then_with(|| a.drift.id.cmp(&b.drift.id))
}
