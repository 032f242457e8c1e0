//! Which changes are one deploy that several sources tell of, and what was there before it?
//!
//! A sync of Argo CD, the rollout it starts and the event that a pipeline pushes are one deploy. They
//! are joined where service, environment, place, time and version agree, and never where two versions
//! contradict each other. Called by [`super::delivery`]; pure.

#[cfg(test)]
#[path = "same_deploy_tests.rs"]
mod tests;

use std::collections::HashMap;

use chrono::TimeDelta;

use super::change::{ActorKind, Change, ChangeKind, Outcome};
use super::service::is_same_env;
use super::text::Untrusted;

/// Two reports of one deploy begin at most so far apart.
const NEAR: TimeDelta = TimeDelta::minutes(10);

/// A service that deploys more often than this within [`NEAR`] is compared with its last ones only.
const MOST_NEAR: usize = 64;

/// Fills in what was there before, where a feed does not tell it: what the last change of the same
/// thing by the same feed left behind. A failed one left nothing.
pub fn derive_from(changes: &mut [Change]) {
    let mut order: Vec<usize> = (0..changes.len()).collect();
    order.sort_by_key(|at| changes[*at].started_at);
    let mut last: HashMap<(String, Untrusted, Option<Untrusted>), Untrusted> = HashMap::new();
    for at in order {
        let change = &mut changes[at];
        let key = (
            change.source.to_string(),
            change.subject.target.clone(),
            change.subject.env.clone(),
        );
        if change.versions.from.is_none()
            && let Some(before) = last.get(&key)
            && change.versions.to.as_ref() != Some(before)
        {
            change.versions.from = Some(before.clone());
            change.versions.from_is_derived = true;
        }
        if change.outcome != Outcome::Failed
            && let Some(now) = &change.versions.to
        {
            last.insert(key, now.clone());
        }
    }
}

/// Joins what is one deploy. What is left is in no order. It is given reports as they were told: one
/// that was joined has lost what told its reports apart.
#[must_use]
pub fn join(mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
    let mut deploys: Vec<Vec<Change>> = Vec::new();
    // The deploys of a service that began lately, by their places.
    let mut recent: HashMap<Untrusted, Vec<usize>> = HashMap::new();
    for change in changes {
        let Some(service) = change.subject.service.clone() else {
            deploys.push(vec![change]);
            continue;
        };
        let near = recent.entry(service).or_default();
        near.retain(|at| {
            let begun = deploys[*at].first().map(|first| first.started_at);
            begun.is_some_and(|begun| change.started_at - begun <= NEAR)
        });
        if near.len() > MOST_NEAR {
            near.drain(..near.len() - MOST_NEAR);
        }
        let joins = |at: &&usize| deploys[**at].iter().all(|other| is_same(other, &change));
        match near.iter().find(joins).copied() {
            Some(at) => deploys[at].push(change),
            None => {
                near.push(deploys.len());
                deploys.push(vec![change]);
            }
        }
    }
    deploys.into_iter().filter_map(joined).collect()
}

/// Whether two reports of one service, begun at about the same time, are of one deploy.
fn is_same(a: &Change, b: &Change) -> bool {
    is_deploy(a.kind)
        && is_deploy(b.kind)
        && feed(a) != feed(b)
        && has_same_place(a, b)
        && versions_agree(a, b)
}

fn is_deploy(kind: ChangeKind) -> bool {
    matches!(
        kind,
        ChangeKind::Version | ChangeKind::Rollback | ChangeKind::Config
    )
}

/// Two rollouts of one source are two; a rollout and the sync that began it are not.
fn feed(change: &Change) -> (&str, Option<&Untrusted>) {
    (&change.source, change.subject.labels.get("kind"))
}

fn has_same_place(a: &Change, b: &Change) -> bool {
    let env = match (&a.subject.env, &b.subject.env) {
        (Some(a), Some(b)) => is_same_env(a, b),
        (_, _) => true,
    };
    let label = |name: &str| {
        let (a, b) = (a.subject.labels.get(name), b.subject.labels.get(name));
        a.is_none() || b.is_none() || a == b
    };
    env && label("cluster") && label("region")
}

/// Commits and versions name the same thing in two languages: they cannot contradict each other.
fn versions_agree(ours: &Change, theirs: &Change) -> bool {
    let (Some(a), Some(b)) = (&ours.versions.to, &theirs.versions.to) else {
        return true;
    };
    let (ours, theirs) = (language(ours), language(theirs));
    let (a, b) = (bare(a.raw()), bare(b.raw()));
    if a == b || ours != theirs {
        return true;
    }
    match (is_commit(a), is_commit(b)) {
        (true, true) => a.starts_with(b) || b.starts_with(a),
        (true, false) | (false, true) => true,
        (false, false) => false,
    }
}

/// What a feed calls a version. A chart's version or a release's number says nothing of an image's tag.
fn language(change: &Change) -> &'static str {
    match change.subject.labels.get("kind").map(Untrusted::raw) {
        Some("Application" | "Kustomization") => "declaration",
        Some("HelmRelease") => "chart",
        Some("Release") => "release",
        _ => "image",
    }
}

/// The last word of an image, a branch with a commit, or a package URL, without a leading `v`.
fn bare(version: &str) -> &str {
    let version = version.split('?').next().unwrap_or(version);
    let last = version.rsplit([':', '@', '/']).next().unwrap_or(version);
    match last.strip_prefix('v') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => last,
    }
}

/// Also abbreviated ones. A number alone is a version.
fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_hexdigit())
        && !text.bytes().all(|b| b.is_ascii_digit())
}

/// One change of several reports: each fact from who knows it best.
fn joined(mut reports: Vec<Change>) -> Option<Change> {
    reports.sort_by_key(knows_best);
    let mut reports = reports.into_iter();
    let mut change = reports.next()?;
    for other in reports {
        for source in std::iter::once(other.source).chain(other.also) {
            if source != change.source && !change.also.contains(&source) {
                change.also.push(source);
            }
        }
        let person = |c: &Option<super::change::Actor>| {
            c.as_ref().map_or(0, |actor| match actor.kind {
                ActorKind::Person => 3,
                ActorKind::Automation => 2,
                ActorKind::FieldManager => 1,
            })
        };
        if person(&other.who) > person(&change.who) {
            change.who = other.who;
        }
        let versions = &mut change.versions;
        let is_better = versions.from.is_none() || versions.from_is_derived;
        if is_better && other.versions.from.is_some() && other.versions.to == versions.to {
            versions.from = other.versions.from;
            versions.from_is_derived = other.versions.from_is_derived;
        }
        versions.to = versions.to.take().or(other.versions.to);
        change.subject.env = change.subject.env.take().or(other.subject.env);
        change.started_at = change.started_at.min(other.started_at);
        let is_running = [change.outcome, other.outcome].contains(&Outcome::Running);
        change.finished_at = match (change.finished_at, other.finished_at) {
            _ if is_running => None,
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        change.outcome = worse(change.outcome, other.outcome);
        let told = &mut change.told;
        told.link = told.link.take().or(other.told.link);
        told.reason = told.reason.take().or(other.told.reason);
        told.progress = told.progress.take().or(other.told.progress);
        told.notes.extend(other.told.notes);
        if other.kind == ChangeKind::Rollback {
            change.kind = ChangeKind::Rollback;
        }
    }
    Some(change)
}

/// The control plane that carries a deploy out knows best how far it is; then who asked for it.
fn knows_best(change: &Change) -> (u8, chrono::DateTime<chrono::Utc>) {
    let kind = change.subject.labels.get("kind").map(Untrusted::raw);
    let rank = match kind {
        Some("Rollout") => 0,
        Some("Deployment" | "StatefulSet" | "DaemonSet") => 1,
        Some("Application" | "HelmRelease" | "Kustomization") => 2,
        Some(_) => 3,
        None => 4,
    };
    (rank, change.started_at)
}

fn worse(a: Outcome, b: Outcome) -> Outcome {
    let order = [Outcome::Failed, Outcome::Running, Outcome::Ok];
    let found = order.into_iter().find(|outcome| [a, b].contains(outcome));
    found.unwrap_or(Outcome::Unknown)
}
