//! Who tells of changes and of drift, and what do they leave out?
//!
//! Asked by the lines that say what cannot be seen, and by screens 3 and 4 before they call
//! anything empty.

use super::Model;
use super::knowledge::{Kept, SourceState};
use crate::domain::change::Change;
use crate::domain::delivery::{Part, PartState};
use crate::domain::freshness::Freshness;
use crate::domain::source::SourceKind;

/// What a source may tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matter {
    /// What was changed.
    Changes,
    /// What differs from what was declared.
    Drift,
}

impl Matter {
    /// Whether a source of a kind tells of it.
    #[must_use]
    pub fn is_told_by(self, kind: SourceKind) -> bool {
        match kind {
            // An apply of Terraform is told by its stream, what a plan finds by the plan.
            SourceKind::Kubernetes | SourceKind::Argocd | SourceKind::Terraform => true,
            SourceKind::Github | SourceKind::Gitlab | SourceKind::Grafana | SourceKind::Spool => {
                self == Self::Changes
            }
            SourceKind::Alertmanager
            | SourceKind::Prometheus
            | SourceKind::Slos
            | SourceKind::Services
            | SourceKind::Runbooks => false,
        }
    }
}

/// The sources that tell of a matter.
pub fn sources(model: &Model, matter: Matter) -> impl Iterator<Item = &SourceState> {
    let all = model.knowledge.sources.iter();
    all.filter(move |source| matter.is_told_by(source.kind))
}

/// A source by its name.
#[must_use]
pub fn source<'m>(model: &'m Model, name: &str) -> Option<&'m SourceState> {
    model.knowledge.sources.iter().find(|s| &*s.name == name)
}

/// How far a source may be trusted; `None` when it is not configured, as one of an earlier session.
#[must_use]
pub fn freshness(model: &Model, name: &str) -> Option<Freshness> {
    source(model, name).map(|source| source.freshness(model.now))
}

/// What each source was asked for.
#[must_use]
pub fn parts(source: &SourceState) -> &[Part] {
    match &source.kept {
        Kept::Delivery(answer) => &answer.parts,
        _ => &[],
    }
}

/// Whether a source that answers has ceased to tell of a change: then it is remembered only.
#[must_use]
pub fn is_forgotten(model: &Model, change: &Change) -> bool {
    let kept = source(model, &change.source).map(|source| &source.kept);
    matches!(kept, Some(Kept::Delivery(answer))
        if !answer.changes.iter().any(|told| told.id == change.id))
}

/// The sources that compared something just now: of no others it may be said that nothing drifted.
#[must_use]
pub fn compared(model: &Model) -> Vec<&SourceState> {
    let is_read = |part: &Part| matches!(part.state, PartState::Read(_));
    let all = sources(model, Matter::Drift);
    all.filter(|source| source.freshness(model.now) == Freshness::Fresh)
        .filter(|source| parts(source).iter().any(is_read))
        .collect()
}

/// The parts that are not read: not permitted, failed, or only the last known.
pub fn unread(model: &Model, matter: Matter) -> Vec<(&SourceState, &Part)> {
    let is_unread = |part: &&Part| {
        matches!(
            part.state,
            PartState::NotPermitted(_) | PartState::Failed(_) | PartState::LastKnown(_)
        )
    };
    let of = |source| parts(source).iter().map(move |part| (source, part));
    let all = sources(model, matter).flat_map(of);
    all.filter(|(_, part)| is_unread(part)).collect()
}

/// What a part that is not read leaves open, in words.
#[must_use]
pub fn in_words(source: &SourceState, part: &Part) -> String {
    let (name, what) = (&source.name, &part.what);
    // Versions of a rollout stand in its ReplicaSets alone.
    let loss = if what.raw().starts_with("replicasets") {
        ": its rollouts lack versions"
    } else {
        ""
    };
    let verb = match source.kind {
        SourceKind::Kubernetes => "list",
        _ => "read",
    };
    match &part.state {
        PartState::NotPermitted(said) => format!("{name} may not {verb} {what}{loss} ({said})"),
        PartState::Failed(why) => format!("{name} could not read {what}{loss} ({why})"),
        PartState::LastKnown(why) => format!("{name} has {what} as last known only ({why})"),
        PartState::Read(_) | PartState::Absent => format!("{name}: {what}"),
    }
}
