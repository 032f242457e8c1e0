//! What did the writes make of this object, and the controllers of the writes?
//!
//! Lays the log of edits over an object of the story: what was patched, who owns the fields, how far
//! the controllers are. An edit of checkout's objects holds until the telling ends, one of a scale
//! until its autoscaler puts it back. Called by [`super::objects`] for every object that it gives.

use serde_json::{Value, json};

use super::super::deeds::Edit;
use super::super::world::World;
use super::object::{Object, time};
use super::patch::{Form, merge};

/// How long a controller takes to see what was written.
pub(super) const SEEN_MS: i64 = 300;
/// Two pods of a restarted deployment are replaced, and the next two after this.
const WAVE_MS: i64 = 5_000;
/// How long the pods of a scale take to be ready.
const SCALED_MS: i64 = 3_000;
/// How long a sync of Argo CD takes.
pub(super) const SYNC_MS: i64 = 5_000;

/// The object with everything that was written to it up to a time.
pub(super) fn apply(world: &World, object: &mut Object, at_ms: i64) {
    let (plural, namespace) = (object.kind.plural, object.namespace);
    let name = object.name.clone();
    let edits: Vec<&Edit> = world
        .deeds
        .edits_of(plural, namespace, &name, at_ms)
        .collect();
    if edits.is_empty() {
        return;
    }
    for edit in &edits {
        let ended_ms = edit.until_ms.filter(|until| *until <= at_ms);
        if ended_ms.is_none() {
            lay(object, &edit.change);
            own(world, object, edit);
        }
        let seen_ms = Some(edit.at_ms + SEEN_MS).filter(|seen| *seen <= at_ms);
        let moments = [Some(edit.at_ms), seen_ms, ended_ms];
        let changed = moments.into_iter().flatten().max().unwrap_or(edit.at_ms);
        object.changed_ms = object.changed_ms.max(changed);
    }
    generations(object, &edits, at_ms);
    match plural {
        "deployments" | "statefulsets" => workload(world, object, &edits, at_ms),
        "nodes" => taint(world, object, &edits, at_ms),
        "applications" => synced(world, object, &edits, at_ms),
        _ => {}
    }
}

/// Whether it changed how many replicas are wanted.
fn scales(edit: &Edit) -> bool {
    edit.change["spec"].get("replicas").is_some()
}

fn lay(object: &mut Object, change: &Value) {
    for (part, change) in change.as_object().into_iter().flatten() {
        if part == "metadata" {
            merge(&mut object.metadata, change, Form::Merge);
        } else if change.is_null() {
            if let Some(body) = object.body.as_object_mut() {
                body.remove(part);
            }
        } else {
            merge(&mut object.body[part.as_str()], change, Form::Merge);
        }
    }
}

/// The field manager's entry: one for each manager and subresource.
fn own(world: &World, object: &mut Object, edit: &Edit) {
    let mut entry = json!({
        "manager": edit.manager, "operation": "Update", "apiVersion": object.kind.api_version(),
        "time": time(world, edit.at_ms), "fieldsType": "FieldsV1", "fieldsV1": edit.fields,
    });
    if let Some(subresource) = edit.subresource {
        entry["subresource"] = json!(subresource);
    }
    let entries = &mut object.metadata["managedFields"];
    if !entries.is_array() {
        *entries = json!([]);
    }
    if let Some(entries) = entries.as_array_mut() {
        let is_same = |held: &Value| {
            held["manager"] == entry["manager"] && held["subresource"] == entry["subresource"]
        };
        entries.retain(|held| !is_same(held));
        entries.push(entry);
    }
}

/// The spec's generation, and the one that the controller has seen.
fn generations(object: &mut Object, edits: &[&Edit], at_ms: i64) {
    let raised = |since_ms: i64| {
        let raising = edits.iter().filter(|edit| edit.raises);
        // Whoever puts a scale back changes the spec again.
        let turns = raising.flat_map(|edit| {
            let back = edit.until_ms.filter(|_| scales(edit));
            [Some(edit.at_ms), back]
        });
        let count = turns.flatten().filter(|turn| *turn <= since_ms).count();
        u64::try_from(count).unwrap_or_default()
    };
    if let Some(generation) = object.metadata["generation"].as_u64() {
        object.metadata["generation"] = json!(generation + raised(at_ms));
    }
    if let Some(observed) = object.body.pointer_mut("/status/observedGeneration") {
        let seen = observed.as_u64().unwrap_or_default() + raised(at_ms - SEEN_MS);
        *observed = json!(seen);
    }
}

/// Replicas follow the scale; the pods of a deployment that the story leaves alone follow its template.
fn workload(world: &World, object: &mut Object, edits: &[&Edit], at_ms: i64) {
    let wanted = object.body["spec"]["replicas"].as_u64().unwrap_or_default();
    let scaled = edits.iter().rev().find(|edit| scales(edit));
    if let Some(scaled) = scaled.filter(|edit| edit.until_ms.is_none()) {
        let reached = [
            (SEEN_MS, ["replicas", "updatedReplicas"]),
            (SCALED_MS, ["readyReplicas", "availableReplicas"]),
        ];
        for (after_ms, counts) in reached {
            let reached_ms = scaled.at_ms + after_ms;
            if at_ms >= reached_ms {
                for count in counts {
                    object.body["status"][count] = json!(wanted);
                }
                object.changed_ms = object.changed_ms.max(reached_ms);
            }
        }
    }
    if object.namespace == super::checkout::NAMESPACE {
        return;
    }
    let rolled: Vec<&&Edit> = edits
        .iter()
        .filter(|edit| edit.rolls_to.is_some())
        .collect();
    let Some(last) = rolled.last() else {
        return;
    };
    let annotations = &mut object.metadata["annotations"];
    let number = annotations["deployment.kubernetes.io/revision"].as_str();
    let number: Option<usize> = number.and_then(|number| number.parse().ok());
    if let Some(number) = number {
        let number = (number + rolled.len()).to_string();
        annotations["deployment.kubernetes.io/revision"] = json!(number);
    }
    let since_ms = at_ms - last.at_ms - SEEN_MS;
    let waves = u64::try_from(since_ms.div_euclid(WAVE_MS) + 1).unwrap_or_default();
    let updated = (2 * waves).min(wanted);
    object.body["status"]["updatedReplicas"] = json!(updated);
    let wave_ms = last.at_ms + SEEN_MS + since_ms.div_euclid(WAVE_MS).max(0) * WAVE_MS;
    let ends_ms = last.at_ms + SEEN_MS + i64::try_from(wanted / 2).unwrap_or_default() * WAVE_MS;
    object.changed_ms = object.changed_ms.max(wave_ms.min(ends_ms).min(at_ms));
    if updated < wanted {
        let condition = json!([{
            "type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated",
            "message": "ReplicaSet is progressing.",
            "lastUpdateTime": time(world, wave_ms), "lastTransitionTime": time(world, last.at_ms),
        }]);
        object.body["status"]["conditions"] = condition;
    }
}

/// The node controller's taint on a node that takes no pods.
fn taint(world: &World, node: &mut Object, edits: &[&Edit], at_ms: i64) {
    let is_cordoned = node.body["spec"]["unschedulable"] == true;
    let since = edits.iter().rev().find(|edit| edit.raises);
    let since_ms = since.map_or(at_ms, |edit| edit.at_ms);
    if is_cordoned && at_ms >= since_ms + SEEN_MS {
        node.body["spec"]["taints"] = json!([{
            "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule",
            "timeAdded": time(world, since_ms),
        }]);
    }
}

/// Argo CD takes the operation out of its slot, runs it and keeps how it went.
fn synced(world: &World, app: &mut Object, edits: &[&Edit], at_ms: i64) {
    let asked = |edit: &&&Edit| edit.change["operation"].is_object();
    if let Some(edit) = edits.iter().rev().find(asked) {
        let operation = &edit.change["operation"];
        let is_done = at_ms >= edit.at_ms + SYNC_MS;
        let revision = match operation["sync"]["revision"].as_str() {
            Some(revision) => json!(revision),
            None => app.body["status"]["sync"]["revision"].clone(),
        };
        let mut state = json!({
            "phase": if is_done { "Succeeded" } else { "Running" },
            "startedAt": time(world, edit.at_ms),
            "message": if is_done { "successfully synced (all tasks run)" } else { "waiting for sync" },
            "operation": operation,
            "syncResult": { "revision": revision },
        });
        if is_done {
            state["finishedAt"] = json!(time(world, edit.at_ms + SYNC_MS));
        }
        app.body["status"]["operationState"] = state;
    }
    let refreshed = |edit: &&&Edit| {
        edit.change
            .pointer("/metadata/annotations/argocd.argoproj.io~1refresh")
            .is_some_and(Value::is_string)
    };
    if let Some(edit) = edits.iter().rev().find(refreshed)
        && let Some(until_ms) = edit.until_ms.filter(|until| *until <= at_ms)
    {
        app.body["status"]["reconciledAt"] = json!(time(world, until_ms));
    }
}
