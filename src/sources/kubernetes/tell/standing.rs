//! At which revisions did a workload stand, and since when?
//!
//! A replica set stands once when it is made, and again whenever a rollback takes it back: then the time
//! it was made says nothing. Called by `rollout`.

use chrono::{DateTime, Utc};

use super::scene::{Scene, name_of};
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::text::Untrusted;
use crate::sources::kubernetes::object::{Body, Meta, Object, Revision, Template, condition};
use crate::sources::kubernetes::object::{Workload, WorkloadStatus};
use crate::sources::kubernetes::resource::Resource;
use crate::sources::kubernetes::store::Key;

/// A workload at one revision.
#[derive(Clone, Copy)]
pub(super) struct Standing<'a> {
    pub(super) number: u64,
    pub(super) object: &'a Object,
    pub(super) revision: &'a Revision,
    /// It stood before, at another number.
    pub(super) is_again: bool,
    /// Its object stands again later: annotations on it are of then.
    pub(super) is_reused: bool,
    /// When it began to stand; None where nobody says.
    pub(super) since: Option<DateTime<Utc>>,
}

impl<'a> Standing<'a> {
    pub(super) fn template(&self) -> &'a Template {
        &self.revision.template
    }
}

/// An edit of a workload: who, and when last.
#[derive(Clone, Copy)]
pub(super) struct Edit<'a> {
    pub(super) manager: &'a str,
    pub(super) at: DateTime<Utc>,
}

/// These write what others asked for.
const CONTROLLERS: [&str; 3] = [
    "kube-controller-manager",
    "rollouts-controller",
    "argo-rollouts",
];

/// Who edited a workload itself. Of each manager only the last time is kept by the API server.
pub(super) fn edits(meta: &Meta) -> impl Iterator<Item = Edit<'_>> {
    let managers = meta.managers.iter();
    let own = managers.filter(|m| m.subresource.is_none() && !CONTROLLERS.contains(&&*m.name));
    own.filter_map(|m| {
        Some(Edit {
            manager: &m.name,
            at: m.time?,
        })
    })
}

/// All standings that are known, the oldest first.
pub(super) fn standings<'a>(
    scene: &Scene<'a>,
    resource: Resource,
    workload: &Object,
    body: &Workload,
) -> Vec<Standing<'a>> {
    let mut all: Vec<Standing<'a>> = Vec::new();
    for object in scene.owned(&workload.meta) {
        let Body::Revision(revision) = &object.body else {
            continue;
        };
        let Ok(number) = revision.number else {
            continue;
        };
        let numbers = revision.before.iter().copied().filter(|n| *n != number);
        let numbers: Vec<u64> = numbers.chain([number]).collect();
        let last = numbers.len() - 1;
        for (at, number) in numbers.into_iter().enumerate() {
            all.push(Standing {
                number,
                object,
                revision,
                is_again: at > 0,
                is_reused: at < last,
                since: object.meta.created.filter(|_| at == 0),
            });
        }
    }
    all.sort_by_key(|standing| standing.number);
    if matches!(resource, Resource::StatefulSets | Resource::DaemonSets) {
        find_reused(&mut all);
    }
    let edited = all
        .last()
        .filter(|last| last.is_again && last.since.is_none());
    if let Some(since) =
        edited.and_then(|_| rolled_back_at(&all, &workload.meta, body.status.as_ref()))
        && let Some(last) = all.last_mut()
    {
        last.since = Some(since);
    }
    all
}

/// A controller revision keeps one number, which a rollback raises: it is then older than one with a
/// lower number. When it was raised, its controller wrote it last.
fn find_reused(all: &mut [Standing<'_>]) {
    let mut newest = None;
    for standing in all {
        let created = standing.object.meta.created;
        if created < newest {
            standing.is_again = true;
            let written = standing.object.meta.managers.iter().filter_map(|m| m.time);
            standing.since = written.max().filter(|at| Some(*at) > created);
        }
        newest = newest.max(created);
    }
}

/// The last edit that the condition `Progressing` has seen; without any, that condition's own time.
fn rolled_back_at(
    all: &[Standing<'_>],
    meta: &Meta,
    status: Option<&WorkloadStatus>,
) -> Option<DateTime<Utc>> {
    let conditions = status.map_or(&[][..], |status| &status.conditions);
    let seen = condition(conditions, "Progressing").and_then(|c| c.last_update_time);
    let before = all.iter().rev().nth(1).and_then(|standing| standing.since);
    let fits = |at: &DateTime<Utc>| {
        seen.is_none_or(|seen| *at <= seen) && before.is_none_or(|before| *at >= before)
    };
    let edited = edits(meta).map(|edit| edit.at).filter(fits).max();
    edited.or_else(|| seen.filter(|at| before.is_none_or(|before| *at >= before)))
}

/// A number that is none is named; one that its controller has not written yet is not.
pub(super) fn check(key: &Key, revision: &Revision, answer: &mut DeliveryAnswer) {
    let Err(text) = &revision.number else {
        return;
    };
    if text.is_empty() {
        return;
    }
    let name = name_of(key.namespace.as_deref(), &key.name);
    let line = format!("{} {name}: its revision `{text}` is no number", key.plural);
    answer.limits.push(Untrusted::line(&line));
}

/// Who edited a workload nearest before it began to stand; each edit counts for one standing alone.
pub(super) fn author<'a>(all: &[Standing<'_>], at: usize, meta: &'a Meta) -> Option<Edit<'a>> {
    let start = all.get(at)?.since?;
    // An edit and what its controller makes of it carry whole seconds of two clocks.
    let distance = |edit: &Edit<'_>, start: DateTime<Utc>| {
        let after = (start - edit.at).num_seconds();
        (-2..=60).contains(&after).then(|| after.abs())
    };
    let is_nearest = |edit: &Edit<'_>| {
        let own = distance(edit, start)?;
        let others = all.iter().filter_map(|other| other.since);
        let nearest = others.filter_map(|other| distance(edit, other)).min()?;
        (own == nearest).then_some(own)
    };
    let near = edits(meta).filter_map(|edit| Some((is_nearest(&edit)?, edit)));
    near.min_by_key(|(distance, _)| *distance)
        .map(|(_, edit)| edit)
}
