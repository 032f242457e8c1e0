//! What does it mean for a workload that all of its pods are replaced?
//!
//! How many go at a time, what keeps serving meanwhile, which disruption budgets cover them, and what keeps
//! a rollout from beginning. Shared by restart, undo and resume.

use serde_json::Value;

use super::Case;
use super::around::{number, replicas};
use super::place::Kind;
use super::proposal::holds;
use crate::domain::check::at;
use crate::domain::plan::{Blast, Holds, Precondition};

/// All pods, as many at a time as the strategy says.
pub(super) fn blast(case: &Case<'_>) -> Blast {
    let total = replicas(case.place.kind, case.object);
    let count = u32::try_from(total).ok();
    let mut words = vec![pace(case, total)];
    let labels = &case.object["spec"]["template"]["metadata"]["labels"];
    match case.around.budgets(labels) {
        Ok(budgets) if budgets.is_empty() => {}
        Ok(budgets) => {
            let named: Vec<&str> = budgets.iter().map(|b| &*b.words).collect();
            let named = named.join(", ");
            words.push(format!(
                "PDB {named} covers it, but a rollout does not ask it"
            ));
        }
        Err(why) => words.push(format!("whether a PDB covers it is unknown: {why}")),
    }
    case.blast((count, count), &words)
}

/// `4 pods: up to 1 more at a time, never below 3 ready`
fn pace(case: &Case<'_>, total: i64) -> String {
    let spec = &case.object["spec"];
    let bound = |place: &str, default: i64, up: bool| match at(spec, place) {
        Some(bound) => share(bound, total, up),
        None => default,
    };
    match case.place.kind {
        Kind::Deployment if spec["strategy"]["type"] == "Recreate" => {
            format!("all {total} pods stop before the first new one starts (Recreate)")
        }
        Kind::Deployment => {
            let surge = bound("/strategy/rollingUpdate/maxSurge", 0, true);
            let mut away = bound("/strategy/rollingUpdate/maxUnavailable", 0, false);
            if surge == 0 && away == 0 {
                // As the controller does: otherwise nothing could ever move.
                away = 1;
            }
            let floor = (total - away).max(0);
            format!("{total} pods: up to {surge} more at a time, never below {floor} ready")
        }
        Kind::DaemonSet => {
            let away = bound("/updateStrategy/rollingUpdate/maxUnavailable", 1, true).max(1);
            format!("{total} pods, one on each node: up to {away} nodes at a time without it")
        }
        _ => {
            let away = bound("/updateStrategy/rollingUpdate/maxUnavailable", 1, true).max(1);
            let floor = (total - away).max(0);
            format!(
                "{total} pods, {away} at a time from the last to the first, never below {floor} ready"
            )
        }
    }
}

/// `25%` or `2` of a number of pods.
fn share(bound: &Value, total: i64, up: bool) -> i64 {
    if let Some(number) = bound.as_i64() {
        return number;
    }
    let percent = bound
        .as_str()
        .and_then(|text| text.strip_suffix('%')?.parse::<i64>().ok());
    let hundredths = percent.unwrap_or(0).saturating_mul(total);
    if up {
        (hundredths + 99) / 100
    } else {
        hundredths / 100
    }
}

/// That a changed template would be rolled out at all.
pub(super) fn moves(case: &Case<'_>) -> Vec<Precondition> {
    let spec = &case.object["spec"];
    let mut found = Vec::new();
    if case.place.kind == Kind::Deployment {
        found.push(if spec["paused"] == true {
            holds(
                "not paused",
                Holds::No,
                "it is paused: nothing would roll out; resume it first",
            )
        } else {
            holds("not paused", Holds::Yes, "it is not")
        });
        if spec["strategy"]["type"] == "Recreate" {
            let detail =
                "its strategy is Recreate: nothing serves until the first new pod is ready";
            found.push(holds("it keeps serving meanwhile", Holds::Warns, detail));
        }
        return found;
    }
    let what = "pods are replaced by themselves";
    let strategy = &spec["updateStrategy"];
    let partition = number(strategy, "/rollingUpdate/partition", 0);
    if strategy["type"] == "OnDelete" {
        let detail = "its strategy is OnDelete: no pod is replaced before somebody deletes it";
        found.push(holds(what, Holds::No, detail));
    } else if partition > 0 {
        let detail = format!("its partition is {partition}: the pods below stay as they are");
        found.push(holds(what, Holds::Warns, &detail));
    } else {
        found.push(holds(what, Holds::Yes, "its strategy is RollingUpdate"));
    }
    found
}

/// That no other rollout is under way.
pub(super) fn is_still(case: &Case<'_>) -> Precondition {
    const WHAT: &str = "no rollout runs";
    let count = |place: &str| number(case.object, place, 0);
    let wanted = replicas(case.place.kind, case.object);
    let (updated, all, available) = match case.place.kind {
        Kind::DaemonSet => {
            let updated = count("/status/updatedNumberScheduled");
            (updated, wanted, count("/status/numberAvailable"))
        }
        _ => {
            let (updated, all) = (count("/status/updatedReplicas"), count("/status/replicas"));
            (updated, all, count("/status/availableReplicas"))
        }
    };
    let reason = at(case.object, "/status/conditions/[type=Progressing]/reason");
    if reason.and_then(Value::as_str) == Some("ProgressDeadlineExceeded") {
        let detail = format!(
            "one is stuck: {updated} of {wanted} updated; undo it rather than begin another"
        );
        return holds(WHAT, Holds::Warns, &detail);
    }
    if count("/status/observedGeneration") < count("/metadata/generation") {
        return holds(
            WHAT,
            Holds::No,
            "its controller has not seen the last change yet",
        );
    }
    if updated < wanted || all > updated {
        let detail = format!("one does: {updated} of {wanted} updated; let it end, or undo it");
        return holds(WHAT, Holds::No, &detail);
    }
    if available < wanted {
        let detail = format!("none, but only {available} of {wanted} are available as it is");
        return holds(WHAT, Holds::Warns, &detail);
    }
    holds(
        WHAT,
        Holds::Yes,
        &format!("{updated} of {wanted} are of the latest template"),
    )
}
