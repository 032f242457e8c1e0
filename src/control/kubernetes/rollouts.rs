//! How does a progressive delivery go on, or stop?
//!
//! Promote, abort and retry of Argo Rollouts, by its status subresource, as its own tool does it, but each
//! guarded by the values that it replaces: a rollout that moved on by itself is not promoted twice. A status
//! subresource keeps no annotation, so that what was done is told by the status alone. Called by
//! [`super::super::families`].

use std::time::Duration;

use serde_json::{Value, json};

use super::draft::{
    Back, Draft, Patch, as_before, difference, either, git_owner, here, is, is_not, list,
    marker_evidence, namespaced, number, read, step, text,
};
use super::finish::{Context, object, pin, pinned};
use super::{Access, Cluster};
use crate::control::NoPlan;
use crate::domain::action::{ActionRequest, Direction, Risk};
use crate::domain::check::{Condition, Evidence, Operand, ReadCheck, at};
use crate::domain::plan::{Holds, HttpWrite, Plan, Seed, Step, Target};
use crate::domain::source::SourceName;
use crate::domain::text::Untrusted;

const GROUP: &str = "argoproj.io";
const INDEX: &str = "/status/currentStepIndex";
const PAUSES: &str = "/status/pauseConditions";
const ABORT: &str = "/status/abort";
const FULL: &str = "/status/promoteFull";
const NEW: &str = "/status/currentPodHash";
const STABLE: &str = "/status/stableRS";
const PAUSED: &str = "/spec/paused";

/// Pins the Rollouts.
pub(crate) async fn resolve(
    cluster: &Cluster,
    request: &ActionRequest,
) -> Result<Vec<Target>, NoPlan> {
    let mut targets: Vec<Target> = Vec::new();
    for one in request.list("target")? {
        let (namespace, name) = namespaced(one)?;
        let found = object(cluster, &path(namespace, name), &format!("Rollout {one}")).await?;
        let target = pin(cluster, &found, "rollout").await?;
        if targets.iter().any(|known| known.name == target.name) {
            return Err(NoPlan::new(format!("Rollout {one} is named twice")));
        }
        targets.push(target);
    }
    Ok(targets)
}

/// Plans a promotion, an abort or a retry.
pub(crate) async fn plan(
    cluster: &Cluster,
    request: &ActionRequest,
    seed: &Seed,
    targets: &[Target],
) -> Result<Plan, NoPlan> {
    let mut all = Vec::new();
    for (one, target) in request.list("target")?.iter().zip(targets) {
        let (namespace, name) = namespaced(one)?;
        all.push(pinned(cluster, &path(namespace, name), Some(target)).await?);
    }
    let draft = draft(cluster.name(), request, &all, seed)?;
    Context::new(cluster, request, seed, targets)
        .finish(draft)
        .await
}

fn path(namespace: &str, name: &str) -> String {
    format!("/apis/argoproj.io/v1alpha1/namespaces/{namespace}/rollouts/{name}")
}

fn path_of(rollout: &Value) -> String {
    path(
        text(rollout, "/metadata/namespace"),
        text(rollout, "/metadata/name"),
    )
}

fn words(rollout: &Value) -> String {
    let (namespace, name) = (
        text(rollout, "/metadata/namespace"),
        text(rollout, "/metadata/name"),
    );
    format!("{namespace}/rollout/{name}")
}

fn is_true(rollout: &Value, place: &str) -> bool {
    at(rollout, place).and_then(Value::as_bool) == Some(true)
}

/// Whether a new version is on its way.
fn is_under_way(rollout: &Value) -> bool {
    let new = text(rollout, NEW);
    !new.is_empty() && new != text(rollout, STABLE)
}

fn steps_of(rollout: &Value) -> i64 {
    i64::try_from(list(rollout, "/spec/strategy/canary/steps").len()).unwrap_or(i64::MAX)
}

fn draft(
    server: &SourceName,
    request: &ActionRequest,
    all: &[Value],
    seed: &Seed,
) -> Result<Draft, NoPlan> {
    let names: Vec<String> = all.iter().map(words).collect();
    let names = super::node::some(&names);
    let is_full = request.is_set("full");
    let (title, risk, direction) = match &*request.action {
        "rollouts.promote" if is_full => (
            format!("promote {names} past every step"),
            Risk::R3,
            Direction::Adds,
        ),
        "rollouts.promote" => (format!("promote {names}"), Risk::R2, Direction::Adds),
        "rollouts.abort" => (format!("abort {names}"), Risk::R1, Direction::Reduces),
        "rollouts.retry" => (format!("retry {names}"), Risk::R1, Direction::Adds),
        other => {
            let other = crate::domain::text::shown(other);
            return Err(NoPlan::new(format!("nothing here plans `{other}`")));
        }
    };
    let mut draft = Draft::new(title, risk, direction);
    let mut back = Vec::new();
    for (index, rollout) in all.iter().enumerate() {
        let (forward, mut undo) = match &*request.action {
            "rollouts.promote" if is_full => promote_full(&mut draft, server, rollout)?,
            "rollouts.promote" => promote(&mut draft, server, rollout, seed)?,
            "rollouts.abort" => abort(&mut draft, server, rollout)?,
            _ => retry(&mut draft, server, rollout)?,
        };
        for mut step in forward {
            step.target = index;
            draft.step(step);
        }
        undo.target = index;
        back.push(undo);
        around(&mut draft, rollout);
    }
    draft.back = Back::Steps(
        match &*request.action {
            "rollouts.abort" => "retry it".to_owned(),
            "rollouts.retry" => "abort it again".to_owned(),
            _ => "abort it, as long as the new version is not the stable one".to_owned(),
        },
        back,
    );
    draft.notes.push(
        "the server checked the status, not what the controller of Argo Rollouts makes of it"
            .to_owned(),
    );
    Ok(draft)
}

/// What everybody should know of a Rollout.
fn around(draft: &mut Draft, rollout: &Value) {
    let namespace = text(rollout, "/metadata/namespace");
    let need = Access::to("patch", GROUP, "rollouts").within(namespace);
    let name = text(rollout, "/metadata/name");
    draft.needs(need.part("status").named(name));
    let replicas = number(rollout, "/spec/replicas");
    let pods = u32::try_from(replicas).unwrap_or(0);
    draft.blast.count = Some(draft.blast.count.unwrap_or(0) + pods);
    let updated = number(rollout, "/status/updatedReplicas");
    draft.touches(&format!(
        "{}: {updated} of {replicas} pods run the new version",
        words(rollout)
    ));
    let namespace = Untrusted::line(namespace);
    if !draft.blast.namespaces.contains(&namespace) {
        draft.blast.namespaces.push(namespace);
    }
    if let Some(owner) = git_owner(rollout) {
        let what = format!("{} is changed by hand alone", words(rollout));
        let detail = format!("{owner} declares it: its version stays in git until reverted there");
        draft.holds(&what, Holds::Warns, &detail);
    }
}

/// The guards of every write: this object, this spec, this new version.
fn guarded(rollout: &Value) -> Patch {
    Patch::of_generation(rollout)
        .still(rollout, NEW)
        .still(rollout, STABLE)
}

fn status_write(server: &SourceName, rollout: &Value, patch: Patch) -> HttpWrite {
    patch.write(server, &format!("{}/status", path_of(rollout)))
}

/// What is read tells whether it was done: `applied` against the values that were replaced.
fn evidence(server: &SourceName, rollout: &Value, applied: Condition, places: &[&str]) -> Evidence {
    let uid = as_before(rollout, "/metadata/uid");
    let mut untouched = vec![uid.clone(), as_before(rollout, NEW)];
    untouched.extend(places.iter().map(|place| as_before(rollout, place)));
    Evidence::Read {
        read: read(server, &path_of(rollout)),
        applied: vec![uid, applied],
        untouched,
    }
}

fn check(server: &SourceName, rollout: &Value, done: Vec<Condition>) -> ReadCheck {
    let place = |word: &str, place: &str| (Untrusted::line(word), place.to_owned());
    ReadCheck {
        read: read(server, &path_of(rollout)),
        done,
        failed: Vec::new(),
        shown: vec![
            place("step", INDEX),
            place("phase", "/status/phase"),
            place("updated", "/status/updatedReplicas"),
        ],
        within: Duration::from_mins(10),
    }
}

/// The new version is the stable one.
fn completed(rollout: &Value) -> Condition {
    is(STABLE, json!(text(rollout, NEW)))
}

fn going_on(rollout: &Value) -> Result<(), NoPlan> {
    if !is_under_way(rollout) {
        let words = words(rollout);
        return Err(NoPlan::new(format!(
            "{words}: no new version is on its way, there is nothing to promote or abort"
        )));
    }
    Ok(())
}

fn not_aborted(rollout: &Value) -> Result<(), NoPlan> {
    if is_true(rollout, ABORT) {
        let words = words(rollout);
        return Err(NoPlan::new(format!(
            "{words} was aborted: rollouts.retry lets it go on"
        )));
    }
    Ok(())
}

/// The next step: its pauses are cleared, or where it does not pause, its step is passed.
fn promote(
    draft: &mut Draft,
    server: &SourceName,
    rollout: &Value,
    seed: &Seed,
) -> Result<(Vec<Step>, Step), NoPlan> {
    not_aborted(rollout)?;
    let is_paused_by_hand = is_true(rollout, PAUSED);
    let has_pauses = !list(rollout, PAUSES).is_empty();
    if !is_paused_by_hand {
        going_on(rollout)?;
    }
    let (now, all) = (number(rollout, INDEX), steps_of(rollout));
    let next = (now + 1).min(all);
    let mut steps = Vec::new();
    if has_pauses {
        steps.push(clear_pauses(server, rollout, next));
    } else if all > 0 && is_under_way(rollout) && !is_paused_by_hand {
        steps.push(pass_step(draft, server, rollout, (now, all))?);
    }
    if is_paused_by_hand {
        steps.push(unpause(draft, server, rollout, seed));
    }
    let Some(last) = steps.last_mut() else {
        return Err(NoPlan::new(format!(
            "{} waits for nobody: it goes on by itself",
            words(rollout)
        )));
    };
    let done = if has_pauses || !is_paused_by_hand {
        promoted(rollout, next)
    } else {
        Condition::Equal(here(PAUSED, json!(false)), Operand::Is(json!(false)))
    };
    last.check = Some(check(server, rollout, vec![done]));
    let place = format!("{} step", words(rollout));
    let of = |step: i64| format!("{step} of {all}");
    draft
        .differences
        .push(difference(&place, Some(&of(now)), Some(&of(next))));
    Ok((steps, undo(server, rollout, false, true)))
}

/// It is at this step or beyond; without steps, the new version is served.
fn promoted(rollout: &Value, next: i64) -> Condition {
    let moved = if steps_of(rollout) > 0 {
        Condition::AtLeast(here(INDEX, json!(0)), Operand::Is(json!(next)))
    } else {
        is(
            "/status/blueGreen/activeSelector",
            json!(text(rollout, NEW)),
        )
    };
    either(moved, completed(rollout))
}

/// The pauses that were seen are over: the controller takes the next step itself.
fn clear_pauses(server: &SourceName, rollout: &Value, next: i64) -> Step {
    let patch = guarded(rollout)
        .still(rollout, INDEX)
        .still(rollout, PAUSES)
        .remove(PAUSES);
    let cleared = either(
        Condition::Absent(PAUSES.to_owned()),
        promoted(rollout, next),
    );
    let evidence = evidence(server, rollout, cleared, &[INDEX, PAUSES]);
    let write = status_write(server, rollout, patch);
    step(&format!("promote {}", words(rollout)), write, evidence)
}

/// A step that runs, such as an analysis, is cut short.
fn pass_step(
    draft: &mut Draft,
    server: &SourceName,
    rollout: &Value,
    (now, all): (i64, i64),
) -> Result<Step, NoPlan> {
    if now >= all {
        return Err(NoPlan::new(format!(
            "{} is past its last step: it completes by itself",
            words(rollout)
        )));
    }
    let patch = guarded(rollout).put(rollout, INDEX, json!(now + 1));
    let evidence = evidence(server, rollout, promoted(rollout, now + 1), &[INDEX]);
    let write = status_write(server, rollout, patch);
    let detail = format!("step {} is running, not pausing: it is cut short", now + 1);
    draft.holds("it waits to be promoted", Holds::Warns, &detail);
    Ok(step(
        &format!("promote {}", words(rollout)),
        write,
        evidence,
    ))
}

/// A pause by hand stands in the spec, beside those of the status.
fn unpause(draft: &mut Draft, server: &SourceName, rollout: &Value, seed: &Seed) -> Step {
    let path = path_of(rollout);
    let write = Patch::of_generation(rollout)
        .put(rollout, PAUSED, json!(false))
        .marked(rollout, &seed.id, &[])
        .write(server, &path);
    let namespace = text(rollout, "/metadata/namespace");
    let need = Access::to("patch", GROUP, "rollouts").within(namespace);
    draft.needs(need.named(text(rollout, "/metadata/name")));
    let detail = "it was paused by hand (spec.paused): ask who did";
    draft.holds("nobody holds it", Holds::Warns, detail);
    let places = ["/metadata/generation", PAUSED];
    let evidence = marker_evidence(server, &path, rollout, &seed.id, &places);
    step(&format!("unpause {}", words(rollout)), write, evidence)
}

fn promote_full(
    draft: &mut Draft,
    server: &SourceName,
    rollout: &Value,
) -> Result<(Vec<Step>, Step), NoPlan> {
    not_aborted(rollout)?;
    going_on(rollout)?;
    if is_true(rollout, PAUSED) {
        return Err(NoPlan::new(format!(
            "{} is paused by hand (spec.paused): promote it without full=true first",
            words(rollout)
        )));
    }
    if is_true(rollout, FULL) {
        return Err(NoPlan::new(format!(
            "{} is being promoted past every step already",
            words(rollout)
        )));
    }
    let patch = guarded(rollout)
        .still(rollout, INDEX)
        .put(rollout, FULL, json!(true));
    let applied = either(is(FULL, json!(true)), completed(rollout));
    let evidence = evidence(server, rollout, applied, &[INDEX, FULL]);
    let write = status_write(server, rollout, patch);
    let mut step = step(
        &format!("promote {} fully", words(rollout)),
        write,
        evidence,
    );
    step.check = Some(check(server, rollout, vec![completed(rollout)]));
    let left = steps_of(rollout) - number(rollout, INDEX);
    let detail = format!("{left} steps with their pauses and analyses are skipped");
    draft.holds("every step is taken", Holds::Warns, &detail);
    let place = format!("{} {FULL}", words(rollout));
    draft
        .differences
        .push(difference(&place, None, Some("true")));
    Ok((vec![step], undo(server, rollout, false, true)))
}

fn abort(
    draft: &mut Draft,
    server: &SourceName,
    rollout: &Value,
) -> Result<(Vec<Step>, Step), NoPlan> {
    going_on(rollout)?;
    if is_true(rollout, ABORT) {
        return Err(NoPlan::new(format!(
            "{} was aborted already: nothing to do",
            words(rollout)
        )));
    }
    draft.holds(
        "the version is gone for good",
        Holds::Warns,
        "the spec still names the new version: revert it in git too, or a retry brings it back",
    );
    let place = format!("{} {ABORT}", words(rollout));
    draft
        .differences
        .push(difference(&place, None, Some("true")));
    let forward = set_abort(server, rollout, guarded(rollout), (false, true));
    Ok((vec![forward], undo(server, rollout, true, false)))
}

fn retry(
    draft: &mut Draft,
    server: &SourceName,
    rollout: &Value,
) -> Result<(Vec<Step>, Step), NoPlan> {
    if !is_true(rollout, ABORT) {
        return Err(NoPlan::new(format!(
            "{} was not aborted: there is nothing to retry",
            words(rollout)
        )));
    }
    let message = text(rollout, "/status/message");
    if !message.is_empty() {
        let detail = format!("the controller said: {message}");
        draft.holds("what aborted it is gone", Holds::Warns, &detail);
    }
    let place = format!("{} {ABORT}", words(rollout));
    draft
        .differences
        .push(difference(&place, Some("true"), Some("false")));
    let forward = set_abort(server, rollout, guarded(rollout), (true, false));
    Ok((vec![forward], undo(server, rollout, false, true)))
}

/// The step that takes it back: guarded by the two versions alone, for the spec may be ours by then.
fn undo(server: &SourceName, rollout: &Value, before: bool, value: bool) -> Step {
    let guards = Patch::of(rollout)
        .still(rollout, NEW)
        .still(rollout, STABLE);
    set_abort(server, rollout, guards, (before, value))
}

/// The step that aborts or retries, where it stands as said before it.
fn set_abort(
    server: &SourceName,
    rollout: &Value,
    guards: Patch,
    (before, value): (bool, bool),
) -> Step {
    // The controller writes neither `false` nor anything else while it goes on.
    let now = match (before, at(rollout, ABORT)) {
        (true, _) => json!(true),
        (false, Some(Value::Bool(false))) => json!(false),
        (false, _) => Value::Null,
    };
    let patch = guards.test(ABORT, now).add(ABORT, json!(value));
    let equals =
        |value: bool| Condition::Equal(here(ABORT, json!(false)), Operand::Is(json!(value)));
    let uid = as_before(rollout, "/metadata/uid");
    let evidence = Evidence::Read {
        read: read(server, &path_of(rollout)),
        applied: vec![uid.clone(), equals(value)],
        untouched: vec![uid, equals(!value), as_before(rollout, NEW)],
    };
    let verb = if value { "abort" } else { "retry" };
    let write = status_write(server, rollout, patch);
    let mut step = step(&format!("{verb} {}", words(rollout)), write, evidence);
    let done = if value {
        vec![equals(true), stable_serves()]
    } else {
        vec![equals(false), is_not("/status/phase", json!("Degraded"))]
    };
    step.check = Some(check(server, rollout, done));
    step
}

/// Nothing of the new version is served: by weight, by pods, or by the active service.
fn stable_serves() -> Condition {
    let no_weight = Condition::Equal(
        here("/status/canary/weights/canary/weight", json!(-1)),
        Operand::Is(json!(0)),
    );
    let no_pods = Condition::Equal(
        here("/status/updatedReplicas", json!(0)),
        Operand::Is(json!(0)),
    );
    let active = Condition::Equal(
        here("/status/blueGreen/activeSelector", json!("none")),
        here(STABLE, json!("")),
    );
    either(no_weight, either(no_pods, active))
}

#[cfg(test)]
#[path = "rollouts_tests.rs"]
mod tests;
