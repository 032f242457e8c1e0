//! How far is a rollout, and how did it end?
//!
//! By the status of its workload, which is of the newest revision alone. Called by `rollout`. A status
//! that its controller has not brought up to date is no verdict.

use chrono::{DateTime, TimeDelta, Utc};

use super::scene::Scene;
use crate::domain::change::Outcome;
use crate::sources::kubernetes::object::{Body, Meta, Object, Workload, WorkloadStatus, condition};
use crate::sources::kubernetes::resource::Resource;

/// What can be said of a rollout.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) outcome: Option<Outcome>,
    pub(super) finished_at: Option<DateTime<Utc>>,
    pub(super) progress: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) notes: Vec<String>,
}

/// Stateful and daemon sets have no deadline: what is not complete after this time is no rollout any
/// more, but nobody says that it failed.
const PATIENCE: TimeDelta = TimeDelta::hours(1);

impl Verdict {
    fn of(outcome: Outcome) -> Self {
        Self {
            outcome: Some(outcome),
            ..Self::default()
        }
    }

    fn running(progress: String) -> Self {
        Self {
            progress: Some(progress),
            ..Self::of(Outcome::Running)
        }
    }
}

/// Of the newest revision, which began at `start`. None: its workload has no status.
pub(super) fn verdict(
    scene: &Scene<'_>,
    resource: Resource,
    object: &Object,
    workload: &Workload,
    start: DateTime<Utc>,
) -> Option<Verdict> {
    let status = workload.status.as_ref()?;
    if resource == Resource::Rollouts {
        return Some(rollout(scene, &object.meta, workload, status, start));
    }
    if status.observed_generation.unwrap_or_default() < object.meta.generation {
        return Some(Verdict::running(
            "its controller has not seen it yet".to_owned(),
        ));
    }
    Some(match resource {
        Resource::Deployments => deployment(workload, status, start),
        Resource::StatefulSets => {
            let wanted = (workload.replicas - workload.partition).max(0);
            let is_through = status.current_revision == status.update_revision;
            let mut verdict = set(scene, status, wanted, workload.replicas, is_through, start);
            if workload.partition > 0 {
                let note = format!(
                    "ordinals below {} keep the revision before",
                    workload.partition
                );
                verdict.notes.push(note);
            }
            with_on_delete(verdict, workload)
        }
        _ => {
            let wanted = status.replicas.unwrap_or_default();
            with_on_delete(set(scene, status, wanted, wanted, false, start), workload)
        }
    })
}

/// `7 of 12 updated, 10 available`
fn counted(status: &WorkloadStatus, wanted: i64) -> String {
    let updated = status.updated_replicas.unwrap_or_default();
    let available = status.available_replicas.unwrap_or_default();
    format!("{updated} of {wanted} updated, {available} available")
}

fn deployment(workload: &Workload, status: &WorkloadStatus, start: DateTime<Utc>) -> Verdict {
    let wanted = workload.replicas;
    let updated = status.updated_replicas.unwrap_or_default();
    let available = status.available_replicas.unwrap_or_default();
    let total = status.replicas.unwrap_or_default();
    // A condition that is older than the revision is of an earlier one.
    let progressing = condition(&status.conditions, "Progressing");
    let progressing = progressing.filter(|c| c.last_update_time.is_none_or(|at| at >= start));
    let reason = progressing.map_or("", |c| &*c.reason);
    let failed = progressing.filter(|c| &*c.status == "False");
    if let Some(failed) = failed {
        return Verdict {
            finished_at: failed.last_update_time,
            reason: Some(worded(&failed.reason, &failed.message)),
            notes: vec![format!("{} when it failed", counted(status, wanted))],
            ..Verdict::of(Outcome::Failed)
        };
    }
    // Once it is told, a change of scale does not take it back.
    let is_told = reason == "NewReplicaSetAvailable";
    if total == updated && (is_told || (updated == wanted && available >= wanted)) {
        let at = progressing.and_then(|c| c.last_update_time);
        let mut verdict = Verdict::of(Outcome::Ok);
        verdict.finished_at = at.filter(|_| is_told);
        if workload.is_paused {
            verdict.notes.push("it is paused".to_owned());
        }
        return verdict;
    }
    let mut verdict = Verdict::running(counted(status, wanted));
    if workload.is_paused {
        verdict.progress = Some(format!("paused, {}", counted(status, wanted)));
    }
    let blocked = condition(&status.conditions, "ReplicaFailure");
    if let Some(blocked) = blocked.filter(|c| &*c.status == "True") {
        verdict.reason = Some(worded(&blocked.reason, &blocked.message));
    }
    verdict
}

fn set(
    scene: &Scene<'_>,
    status: &WorkloadStatus,
    wanted: i64,
    replicas: i64,
    is_through: bool,
    start: DateTime<Utc>,
) -> Verdict {
    let updated = status.updated_replicas.unwrap_or_default();
    let ready = status.ready_replicas.unwrap_or_default();
    let words = format!("{updated} of {wanted} updated, {ready} ready");
    let is_updated = updated >= wanted || is_through;
    if is_updated && ready >= replicas {
        return Verdict::of(Outcome::Ok);
    }
    if scene.now - start > PATIENCE {
        let mut verdict = Verdict::of(Outcome::Unknown);
        verdict.notes.push(words);
        return verdict;
    }
    Verdict::running(words)
}

fn with_on_delete(mut verdict: Verdict, workload: &Workload) -> Verdict {
    if workload.on_delete && verdict.outcome != Some(Outcome::Ok) {
        let note = "a pod takes it when it is deleted (OnDelete)";
        verdict.notes.push(note.to_owned());
    }
    verdict
}

fn rollout(
    scene: &Scene<'_>,
    meta: &Meta,
    workload: &Workload,
    status: &WorkloadStatus,
    start: DateTime<Utc>,
) -> Verdict {
    let told = &status.progress;
    let phase = told.phase.as_deref().unwrap_or_default();
    let message = told.message.as_deref().unwrap_or_default();
    let hash = told.current_pod_hash.as_deref().unwrap_or_default();
    let analysis = analysis(scene, meta, hash);
    let steps = workload.steps;
    let at_step = |index: usize| match (steps, index < steps) {
        (0, _) => None,
        (_, true) => Some(format!("step {} of {steps}", index + 1)),
        (_, false) => Some(format!("all {steps} steps done")),
    };
    if told.abort == Some(true) {
        // An abort sets the step back to the first: only an analysis still knows where it was.
        let index = analysis.as_ref().and_then(|analysis| analysis.step);
        let index = index.or(told.current_step_index.filter(|index| *index > 0));
        let at = index.and_then(at_step).map(|step| format!(" at {step}"));
        let mut reason = format!("aborted{}", at.unwrap_or_default());
        for words in [Some(message), analysis.as_ref().map(|a| &*a.words)] {
            if let Some(words) = words.filter(|words| !words.is_empty()) {
                reason.push_str(": ");
                reason.push_str(words);
            }
        }
        return Verdict {
            finished_at: told.aborted_at,
            reason: Some(reason),
            ..Verdict::of(Outcome::Failed)
        };
    }
    let is_promoted = told.stable.is_some() && told.stable == told.current_pod_hash;
    match phase {
        "Healthy" if is_promoted || told.stable.is_none() => {
            let done = condition(&status.conditions, "Progressing");
            let done = done.filter(|c| &*c.reason == "NewReplicaSetAvailable");
            let done = done.and_then(|c| c.last_update_time);
            Verdict {
                finished_at: done.filter(|at| *at >= start),
                ..Verdict::of(Outcome::Ok)
            }
        }
        // Promoted once: what is wrong now is not the rollout.
        "Degraded" if !is_promoted => Verdict {
            reason: Some(match analysis {
                Some(analysis) => format!("{message}: {}", analysis.words),
                None => message.to_owned(),
            }),
            ..Verdict::of(Outcome::Failed)
        },
        "Degraded" => Verdict {
            notes: vec![format!("degraded: {message}")],
            ..Verdict::of(Outcome::Unknown)
        },
        "" => Verdict {
            notes: vec!["it has no phase yet".to_owned()],
            ..Verdict::of(Outcome::Unknown)
        },
        _ => {
            let mut words: Vec<String> = Vec::new();
            if phase == "Paused" {
                words.push(format!("paused ({message})"));
            }
            words.extend(told.current_step_index.and_then(at_step));
            let updated = status.updated_replicas.unwrap_or_default();
            words.push(format!("{updated} of {} updated", workload.replicas));
            let mut verdict = Verdict::running(words.join(", "));
            verdict
                .notes
                .extend(analysis.map(|analysis| analysis.words));
            verdict
        }
    }
}

struct Judgement {
    words: String,
    /// From 0.
    step: Option<usize>,
}

/// The analysis of a revision that did not go well, by name.
fn analysis(scene: &Scene<'_>, meta: &Meta, hash: &str) -> Option<Judgement> {
    scene.owned(meta).iter().find_map(|object| {
        let Body::AnalysisRun(run) = &object.body else {
            return None;
        };
        let label = |name: &str| object.meta.labels.get(name);
        let is_of = label("rollouts-pod-template-hash").is_some_and(|of| of == hash);
        let phase = run.phase.as_deref().unwrap_or_default();
        let is_bad = ["Failed", "Error", "Inconclusive"].contains(&phase);
        (is_of && is_bad).then(|| Judgement {
            words: format!(
                "analysis {} is {}: {}",
                object.meta.name,
                phase.to_lowercase(),
                run.message.as_deref().unwrap_or("it says no more")
            ),
            step: label("step-index").and_then(|index| index.parse().ok()),
        })
    })
}

/// `ProgressDeadlineExceeded: ReplicaSet "x" has timed out progressing.`
pub(super) fn worded(reason: &str, message: &str) -> String {
    match (reason.is_empty(), message.is_empty()) {
        (false, false) => format!("{reason}: {message}"),
        (false, true) => reason.to_owned(),
        (true, _) => message.to_owned(),
    }
}
