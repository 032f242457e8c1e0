//! What do changes, drift and suspects look like in JSON?
//!
//! The elements of `quell.changes/1`, `quell.drift/1` and `quell.suspects/1`, and those of
//! `quell.status/1` about the same. Their names are a contract with scripts, as those of
//! [`super::json`] are. A masked value is never written, whatever a source left in it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::gather::Picture;
use crate::domain::change::{ActorKind, Change, ChangeKind, Outcome};
use crate::domain::delivery::{DriftRow, Past, Trouble, TroubleKind};
use crate::domain::drift::{DriftKind, DriftPath, ReportAge};
use crate::domain::freshness::Freshness;
use crate::domain::suspect::{Cause, Factors, Suspect, outcome_weight};
use crate::domain::text::Untrusted;

/// One change.
#[derive(Debug, Serialize)]
pub struct ChangeDoc<'a> {
    id: &'a Untrusted,
    source: &'a str,
    also: Vec<&'a str>,
    service: Option<&'a Untrusted>,
    env: Option<&'a Untrusted>,
    cluster: Option<&'a Untrusted>,
    target: &'a Untrusted,
    kind: ChangeKind,
    who: Option<&'a Untrusted>,
    who_is: Option<ActorKind>,
    from: Option<&'a Untrusted>,
    from_is_derived: bool,
    to: Option<&'a Untrusted>,
    started_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    outcome: Outcome,
    progress: Option<&'a Untrusted>,
    link: Option<&'a Untrusted>,
    reason: Option<&'a Untrusted>,
    notes: &'a [Untrusted],
    first_seen: Option<DateTime<Utc>>,
}

impl<'a> ChangeDoc<'a> {
    /// With the moment that this machine first heard of it.
    #[must_use]
    pub fn of(change: &'a Change, past: &Past) -> Self {
        let (subject, told) = (&change.subject, &change.told);
        Self {
            id: &change.id,
            source: &change.source,
            also: change.also.iter().map(|name| &**name).collect(),
            service: subject.service.as_ref(),
            env: subject.env.as_ref(),
            cluster: subject.labels.get("cluster"),
            target: &subject.target,
            kind: change.kind,
            who: change.who.as_ref().map(|who| &who.name),
            who_is: change.who.as_ref().map(|who| who.kind),
            from: change.versions.from.as_ref(),
            from_is_derived: change.versions.from_is_derived,
            to: change.versions.to.as_ref(),
            started_at: change.started_at,
            finished_at: change.finished_at,
            outcome: change.outcome,
            progress: told.progress.as_ref(),
            link: told.link.as_ref(),
            reason: told.reason.as_ref(),
            notes: &told.notes,
            first_seen: past.changes_seen.get(&change.id).map(|seen| seen.first),
        }
    }
}

/// One difference.
#[derive(Debug, Serialize)]
pub struct DriftDoc<'a> {
    id: &'a Untrusted,
    source: &'a str,
    service: Option<&'a Untrusted>,
    env: Option<&'a Untrusted>,
    target: &'a Untrusted,
    kind: DriftKind,
    actions: &'a [Untrusted],
    paths: Vec<PathDoc<'a>>,
    reverted_by_apply: Option<bool>,
    reported_at: Option<DateTime<Utc>>,
    freshness: ReportAge,
    source_freshness: Freshness,
    first_seen: Option<DateTime<Utc>>,
    times: Option<u64>,
    allowed: Option<AllowedDoc>,
    provenance: Option<&'a Untrusted>,
    detail: Option<&'a Untrusted>,
}

#[derive(Debug, Serialize)]
struct PathDoc<'a> {
    path: &'a Untrusted,
    before: Option<&'a Untrusted>,
    after: Option<&'a Untrusted>,
    masked: bool,
}

#[derive(Debug, Serialize)]
struct AllowedDoc {
    reason: Untrusted,
    until: DateTime<Utc>,
}

impl<'a> DriftDoc<'a> {
    /// With what is known around it.
    #[must_use]
    pub fn of(row: &'a DriftRow) -> Self {
        let drift = &row.drift;
        Self {
            id: &drift.id,
            source: &drift.source,
            service: drift.subject.service.as_ref(),
            env: drift.subject.env.as_ref(),
            target: &drift.subject.target,
            kind: drift.kind,
            actions: &drift.actions,
            paths: drift.paths.iter().map(PathDoc::of).collect(),
            reverted_by_apply: drift.reverted_by_apply,
            reported_at: drift.report.at,
            freshness: row.age,
            source_freshness: row.freshness,
            first_seen: row.seen.map(|seen| seen.first),
            times: row.seen.map(|seen| seen.times),
            allowed: row.allowed.as_ref().map(|rule| AllowedDoc {
                reason: Untrusted::line(&rule.reason),
                until: rule.until,
            }),
            provenance: drift.report.provenance.as_ref(),
            detail: drift.detail.as_ref(),
        }
    }

    /// All of a picture, what counts first.
    #[must_use]
    pub fn all(picture: &'a Picture) -> Vec<Self> {
        let drifts = picture.board.delivery.drifts.iter();
        drifts.map(Self::of).collect()
    }
}

impl<'a> PathDoc<'a> {
    fn of(path: &'a DriftPath) -> Self {
        let value = |value: &'a Option<Untrusted>| value.as_ref().filter(|_| !path.masked);
        Self {
            path: &path.path,
            before: value(&path.before),
            after: value(&path.after),
            masked: path.masked,
        }
    }
}

/// What is wrong with a place.
#[derive(Debug, Serialize)]
pub struct TroubleDoc<'a> {
    kind: TroubleKind,
    target: &'a Untrusted,
    service: Option<&'a Untrusted>,
    env: Option<&'a Untrusted>,
    what: &'a Untrusted,
    since: Option<DateTime<Utc>>,
    count: u64,
}

impl<'a> TroubleDoc<'a> {
    /// As it was told.
    #[must_use]
    pub fn of(trouble: &'a Trouble) -> Self {
        Self {
            kind: trouble.kind,
            target: &trouble.subject.target,
            service: trouble.subject.service.as_ref(),
            env: trouble.subject.env.as_ref(),
            what: &trouble.what,
            since: trouble.since,
            count: trouble.count,
        }
    }
}

/// What preceded an alert, by name, and how its score comes about.
#[derive(Clone, Debug, Serialize)]
pub struct SuspectDoc {
    #[serde(skip_serializing_if = "Option::is_none")]
    change_id: Option<Untrusted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drift_id: Option<Untrusted>,
    score: f64,
    factors: FactorsDoc,
}

/// Words, and beside them the numbers that they stand for.
#[derive(Clone, Copy, Debug, Serialize)]
struct FactorsDoc {
    time: f64,
    relation: &'static str,
    scope: &'static str,
    kind: &'static str,
    outcome: &'static str,
    weights: WeightsDoc,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct WeightsDoc {
    time: f64,
    relation: f64,
    scope: f64,
    kind: f64,
    outcome: f64,
}

impl SuspectDoc {
    /// Its name is that of a change or of a drift, never both.
    #[must_use]
    pub fn of(suspect: &Suspect) -> Self {
        let (change_id, drift_id) = match &suspect.cause {
            Cause::Change(id) => (Some(id.clone()), None),
            Cause::Drift(id) => (None, Some(id.clone())),
        };
        Self {
            change_id,
            drift_id,
            score: suspect.score,
            factors: FactorsDoc::of(&suspect.factors),
        }
    }
}

impl FactorsDoc {
    fn of(factors: &Factors) -> Self {
        Self {
            time: factors.time,
            relation: factors.relation.word(),
            scope: factors.scope.word(),
            kind: factors.kind.word(),
            outcome: factors.outcome.word(),
            weights: WeightsDoc {
                time: factors.time,
                relation: factors.relation.weight(),
                scope: factors.scope.weight(),
                kind: factors.kind.weight(),
                outcome: outcome_weight(factors.outcome),
            },
        }
    }
}

/// For which moment it is, and what of then is not known.
#[derive(Debug, Serialize)]
pub struct AsOfDoc<'a> {
    at: DateTime<Utc>,
    not_known: &'a [String],
}

impl<'a> AsOfDoc<'a> {
    /// None: as of now.
    #[must_use]
    pub fn of(picture: &'a Picture) -> Option<Self> {
        let at = picture.inputs.burn_at?;
        Some(Self {
            at,
            not_known: &picture.gaps.not_known_then,
        })
    }
}
