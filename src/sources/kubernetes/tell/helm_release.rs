//! Which releases did Flux's helm-controller make, and do they still hold?
//!
//! `firstDeployed` is of the release as a whole: each version began at its `lastDeployed`. Called by
//! `tell`.

use super::flux::{Telling, unready};
use super::scene::{Scene, limit};
use super::verdict::worded;
use crate::domain::change::{Change, ChangeKind, Outcome};
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::drift::DriftKind;
use crate::sources::kubernetes::object::{Condition, HelmRelease, Object, Snapshot, condition};

/// By which a controller tells that what runs is not what it released.
const DRIFTED: [&str; 2] = ["Drifted", "DriftDetected"];

pub(super) fn tell(
    scene: &Scene<'_>,
    object: &Object,
    body: &HelmRelease,
    answer: &mut DeliveryAnswer,
) {
    let spec = body.spec.as_ref();
    let namespace = spec.and_then(|spec| spec.target_namespace.as_deref());
    let telling = Telling::new(scene, object, "HelmRelease", namespace, spec);
    telling.suspended(answer);
    let Some(status) = &body.status else {
        let what = "has no status: Flux has not looked at it";
        limit(answer, "helmrelease", &object.meta, what);
        return;
    };
    let conditions = &status.conditions;
    let mut history: Vec<&Snapshot> = status.history.iter().collect();
    history.sort_by_key(|made| made.version);
    let first = answer.changes.len();
    for (at, made) in history.iter().enumerate() {
        let Some(start) = made.last_deployed else {
            let version = made.version.unwrap_or_default();
            let what = format!("release {version} has no time");
            limit(answer, "helmrelease", &object.meta, &what);
            continue;
        };
        let before = at.checked_sub(1).map(|at| history[at]);
        let name = format!("v{}", made.version.unwrap_or_default());
        let mut change = telling.change(&name, kind_of(&history[..at], made), start);
        change.versions.from = before.and_then(|before| telling.revision(&before.chart_version));
        change.versions.to = telling.revision(&made.chart_version);
        change.outcome = match &*made.status {
            "deployed" | "superseded" => Outcome::Ok,
            "failed" => Outcome::Failed,
            pending if pending.starts_with("pending") => Outcome::Running,
            _ => Outcome::Unknown,
        };
        if change.outcome == Outcome::Running {
            change.told.progress = Some(scene.line(&made.status));
        }
        answer.changes.push(change);
    }
    if let Some(last) = answer.changes[first..].last_mut() {
        fail(scene, last, conditions);
    }
    let failed = history.iter().rev().find(|made| &*made.status == "failed");
    if let Some(change) = remediated(&telling, &history, failed.copied(), conditions) {
        answer.changes.push(change);
    }
    let good = history.iter().rev().find(|made| &*made.status != "failed");
    let stands = status.last_applied_revision.as_deref();
    let stands = stands.or(good.map(|made| &*made.chart_version));
    let ready = condition(conditions, "Ready");
    let tried = status.last_attempted_revision.as_deref();
    if let Some(tried) = tried.filter(|tried| Some(*tried) != stands) {
        let detail = format!(
            "{tried} was tried, {} stands{}",
            stands.unwrap_or("nothing"),
            unready(ready)
        );
        let drift = telling.drift("pending", DriftKind::Pending, None, &detail);
        answer.drifts.push(drift);
    }
    let drifted = |c: &&Condition| {
        let is_named = DRIFTED.contains(&&*c.kind) && &*c.status == "True";
        is_named || (&*c.kind == "Ready" && DRIFTED.contains(&&*c.reason))
    };
    if let Some(found) = conditions.iter().find(drifted) {
        // Since when, not when it was last compared: that is not told.
        let since = found.last_transition_time;
        let since = since.map(|at| format!(", since {}", at.format("%F %T UTC")));
        let detail = worded(&found.reason, &found.message) + &since.unwrap_or_default();
        let drift = telling.drift("drift", DriftKind::Drift, None, &detail);
        answer.drifts.push(drift);
    }
}

fn kind_of(before: &[&Snapshot], made: &Snapshot) -> ChangeKind {
    let is_same = |earlier: &&Snapshot| earlier.chart_version == made.chart_version;
    match before.last() {
        Some(last) if is_same(last) => ChangeKind::Config,
        Some(_) if before.iter().any(is_same) => ChangeKind::Rollback,
        _ => ChangeKind::Version,
    }
}

/// Why the last release failed, and that nothing more is tried.
fn fail(scene: &Scene<'_>, change: &mut Change, conditions: &[Condition]) {
    if change.outcome == Outcome::Failed {
        let released = condition(conditions, "Released").filter(|c| &*c.status == "False");
        let bad = released.or_else(|| condition(conditions, "Ready"));
        if let Some(bad) = bad.filter(|bad| &*bad.status == "False") {
            change.told.reason = Some(scene.line(&worded(&bad.reason, &bad.message)));
            let ended = bad.last_transition_time;
            change.finished_at = ended.filter(|at| *at >= change.started_at);
        }
    }
    let stalled = condition(conditions, "Stalled").filter(|c| &*c.status == "True");
    if let Some(stalled) = stalled {
        let text = format!("stalled: {}", worded(&stalled.reason, &stalled.message));
        change.told.notes.push(scene.line(&text));
    }
}

/// What was done about a failure, where no release in the history is it.
fn remediated(
    telling: &Telling<'_, '_>,
    history: &[&Snapshot],
    failed: Option<&Snapshot>,
    conditions: &[Condition],
) -> Option<Change> {
    let done = condition(conditions, "Remediated")?;
    let (failed, at) = (failed?, done.last_transition_time?);
    if history.iter().any(|made| made.version > failed.version) {
        return None;
    }
    let name = format!("remediation-of-v{}", failed.version.unwrap_or_default());
    let mut change = telling.change(&name, ChangeKind::Rollback, at);
    let good = history.iter().rev().find(|made| &*made.status != "failed");
    change.versions.from = telling.revision(&failed.chart_version);
    let to = good.filter(|_| done.reason.starts_with("Rollback"));
    change.versions.to = to.and_then(|good| telling.revision(&good.chart_version));
    change.outcome = match &*done.status {
        "True" => Outcome::Ok,
        "False" => Outcome::Failed,
        _ => Outcome::Unknown,
    };
    change.finished_at = Some(at);
    change.told.reason = Some(telling.scene.line(&worded(&done.reason, &done.message)));
    Some(change)
}
