//! May this pod go, and what follows when it goes?
//!
//! Evictions with their disruption budget, and deletions with preconditions. A pod that goes is there
//! for three seconds more, its replacement is ready after eight. Called by [`super::write`] for the
//! calls and by [`super::checkout`] for what they left behind.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::deeds::Going;
use super::super::wire::{Answer, Request};
use super::super::world::World;
use super::object::{BUDGET, Object, POD, time};
use super::status::{conflict, failure, not_found};
use super::write::{Asking, Written};
use super::{objects, status};

/// How long a pod is seen while it goes.
pub(super) const GOING_MS: i64 = 3_000;
/// How long its replacement takes to be ready.
pub(super) const STARTING_MS: i64 = 8_000;
/// What a pod is given to end by itself.
const GRACE_SECS: i64 = 30;

/// When the pod of this name, made at this time, was told to go.
pub(super) fn told(
    world: &World,
    namespace: &str,
    name: &str,
    since_ms: i64,
    at_ms: i64,
) -> Option<i64> {
    let going = world.deeds.going.iter();
    let mut own = going.filter(|going| going.namespace == namespace && going.name == name);
    let own = own.find(|going| (since_ms..=at_ms).contains(&going.at_ms));
    own.map(|going| going.at_ms)
}

/// How many pods are missing because they were told to go and their replacement is not ready.
pub(super) fn missing(world: &World, namespace: &str, at_ms: i64) -> u32 {
    let going = world.deeds.going.iter();
    let missing = going.filter(|going| {
        going.namespace == namespace && (0..STARTING_MS).contains(&(at_ms - going.at_ms))
    });
    u32::try_from(missing.count()).unwrap_or(u32::MAX)
}

/// When that last changed.
pub(super) fn changed_ms(world: &World, namespace: &str, at_ms: i64) -> Option<i64> {
    let going = world.deeds.going.iter();
    going
        .filter(|going| going.namespace == namespace)
        .flat_map(|going| {
            [
                going.at_ms,
                going.at_ms + GOING_MS,
                going.at_ms + STARTING_MS,
            ]
        })
        .filter(|moment| *moment <= at_ms)
        .max()
}

/// Writes on a pod that it goes.
pub(super) fn mark(world: &World, pod: &mut Object, told_ms: i64) {
    pod.metadata["deletionTimestamp"] = json!(time(world, told_ms + GRACE_SECS * 1_000));
    pod.metadata["deletionGracePeriodSeconds"] = json!(GRACE_SECS);
    pod.changed_ms = pod.changed_ms.max(told_ms);
}

fn is_going(pod: &Object) -> bool {
    pod.metadata.get("deletionTimestamp").is_some()
}

/// `POST …/pods/NAME/eviction`
pub(super) fn evict(world: &World, asking: &Asking<'_>, request: &Request) -> Written {
    let Some(pod) = asking.object(world) else {
        return not_found(POD, asking.name).into();
    };
    let success = || {
        let body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201,
        });
        Answer::json(StatusCode::CREATED, &body)
    };
    let body: Value = match serde_json::from_slice(&request.body) {
        Ok(body) => body,
        Err(reason) => return status::undecodable(&reason.to_string()).into(),
    };
    if let Some(answer) = refused(world, &pod, &body["deleteOptions"]["preconditions"]) {
        return answer.into();
    }
    if is_going(&pod) {
        return success().into();
    }
    if let Some(answer) = over_budget(world, &pod, asking.now_ms) {
        return answer.into();
    }
    let in_body = body
        .pointer("/deleteOptions/dryRun/0")
        .and_then(Value::as_str);
    if asking.is_dry || in_body == Some("All") {
        return success().into();
    }
    going(world, asking, success())
}

/// `DELETE …/pods/NAME`
pub(super) fn delete(world: &World, asking: &Asking<'_>, request: &Request) -> Written {
    let Some(mut pod) = asking.object(world) else {
        return not_found(POD, asking.name).into();
    };
    let options: Value = if request.body.is_empty() {
        Value::Null
    } else {
        match serde_json::from_slice(&request.body) {
            Ok(options) => options,
            Err(reason) => return status::undecodable(&reason.to_string()).into(),
        }
    };
    if let Some(answer) = refused(world, &pod, &options["preconditions"]) {
        return answer.into();
    }
    let is_dry = asking.is_dry || options["dryRun"][0] == "All";
    if is_going(&pod) {
        return Answer::json(StatusCode::OK, &pod.json(world)).into();
    }
    let at_ms = asking.next_ms(world);
    if !is_dry {
        mark(world, &mut pod, at_ms);
    }
    let answer = Answer::json(StatusCode::OK, &pod.json(world));
    if is_dry {
        return answer.into();
    }
    going(world, asking, answer)
}

fn going(world: &World, asking: &Asking<'_>, answer: Answer) -> Written {
    let mut deeds = world.deeds.as_ref().clone();
    let at_ms = asking.next_ms(world);
    deeds.going.push(Going {
        at_ms,
        namespace: asking.namespace.to_owned(),
        name: asking.name.to_owned(),
    });
    Written::done(answer, deeds, at_ms)
}

/// The answer to a precondition that does not hold.
fn refused(world: &World, pod: &Object, preconditions: &Value) -> Option<Answer> {
    let own = pod.json(world);
    for (field, word) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
        let Some(wanted) = preconditions[field].as_str() else {
            continue;
        };
        let held = own["metadata"][field].as_str().unwrap_or_default();
        if wanted != held {
            let reason = format!(
                "Operation cannot be fulfilled on Pod \"{}\": the {word} in the precondition \
                 ({wanted}) does not match the {word} in record ({held}). The object might have \
                 been deleted and then recreated",
                pod.name
            );
            return Some(conflict("Pod", "", &pod.name, &reason));
        }
    }
    None
}

/// The answer when a budget does not let the pod go.
fn over_budget(world: &World, pod: &Object, now_ms: i64) -> Option<Answer> {
    let budgets = objects(world, BUDGET, now_ms);
    let budget = budgets.iter().find(|budget| {
        let selector = budget.body["spec"]["selector"]["matchLabels"].as_object();
        budget.namespace == pod.namespace
            && selector.is_some_and(|selector| {
                let mut wanted = selector.iter();
                wanted.all(|(name, value)| pod.metadata["labels"].get(name) == Some(value))
            })
    })?;
    let held = &budget.body["status"];
    if held["disruptionsAllowed"].as_u64().unwrap_or_default() > 0 {
        return None;
    }
    let message = format!(
        "The disruption budget {} needs {} healthy pods and has {} currently",
        budget.name, held["desiredHealthy"], held["currentHealthy"]
    );
    let mut answer = failure(
        StatusCode::TOO_MANY_REQUESTS,
        "TooManyRequests",
        "Cannot evict pod as it would violate the pod's disruption budget.",
    );
    answer.details(&json!({ "causes": [{ "reason": "DisruptionBudget", "message": message }] }));
    Some(answer)
}
