//! How does an autoscaler get other bounds?
//!
//! An autoscaler has no generation, and reports its status every few seconds: what it scales and both of its
//! bounds are tested. Pure.

use std::cmp::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use super::around::number;
use super::patch::Patch;
use super::proposal::{Proposal, holds};
use super::watch::{count, is};
use super::{Case, differences, watch};
use crate::control::NoPlan;
use crate::domain::action::{Direction, Risk};
use crate::domain::check::{Condition, ReadCheck, at};
use crate::domain::plan::Holds;
use crate::domain::text::Untrusted;

const MIN: &str = "/spec/minReplicas";
const MAX: &str = "/spec/maxReplicas";
const SCALES: &str = "/spec/scaleTargetRef";
const DESIRED: &str = "/status/desiredReplicas";

/// The least and the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds {
    min: i64,
    max: i64,
}

impl std::fmt::Display for Bounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}..{}", self.min, self.max)
    }
}

/// What other bounds come to.
pub(super) fn plan(
    case: &Case<'_>,
    min: Option<i64>,
    max: Option<i64>,
) -> Result<Proposal, NoPlan> {
    let object = case.object;
    let old = Bounds {
        min: number(object, MIN, 1),
        max: number(object, MAX, 1),
    };
    if min.is_none() && max.is_none() {
        return Err(NoPlan::new("say which bound: min=N, max=N or both"));
    }
    let new = Bounds {
        min: min.unwrap_or(old.min),
        max: max.unwrap_or(old.max),
    };
    let words = case.place.words();
    if new.min > new.max {
        let why = format!("{words}: min {} is above max {}", new.min, new.max);
        return Err(NoPlan::new(why));
    }
    if new == old {
        return Err(NoPlan::new(format!("{words} has the bounds {new} already")));
    }
    let scales = at(object, SCALES).unwrap_or(&Value::Null);
    let forward = Patch::guarded(object)
        .test(SCALES, scales)
        .put(object, MIN, json!(new.min))
        .put(object, MAX, json!(new.max));
    let back = Patch::of_identity(object)
        .test(SCALES, scales)
        .replace(MIN, &json!(new.min), json!(old.min))
        .replace(MAX, &json!(new.max), json!(old.max));
    let what = format!("change bounds of {words} from {old} to {new}");
    let change = case.change(what, forward, check(case, new), &[SCALES, MIN, MAX]);
    let back = case.back(
        format!("put the bounds of {words} back to {old}"),
        back,
        check(case, old),
    );
    let now = number(object, "/status/currentReplicas", 0);
    let after = now.clamp(new.min, new.max);
    let (risk, direction) = match after.cmp(&now) {
        Ordering::Less => (Risk::R2, Direction::Adds),
        _ if new.min < old.min || new.max < old.max => (Risk::R1, Direction::Adds),
        _ => (Risk::R1, Direction::Neutral),
    };
    let mut proposal = case.proposal(change, back, risk, direction);
    if new.max > old.max || after > now {
        let detail = "whether the nodes have room for more pods was not looked at";
        let room = holds("the nodes have room", Holds::Warns, detail);
        proposal.preconditions.push(room);
    }
    let lines = [("min", old.min, new.min), ("max", old.max, new.max)];
    let lines = lines.into_iter().filter(|(_, old, new)| old != new);
    proposal.differences = lines
        .map(|(name, old, new)| differences::line(name, &json!(old), &json!(new)))
        .collect();
    let counts = (after - now).abs();
    let counts = (
        u32::try_from(counts).ok(),
        u32::try_from(after.max(now)).ok(),
    );
    proposal.blast = case.blast(counts, &[moved(now, after, new)]);
    Ok(proposal)
}

fn moved(now: i64, after: i64, new: Bounds) -> String {
    match after - now {
        0 => format!("no pod now: {now} replicas are within {new}"),
        n if n > 0 => format!(
            "{n} more pods soon: {now} replicas now, {} at the least",
            new.min
        ),
        n => format!(
            "{} pods go soon: {now} replicas now, {} at the most",
            -n, new.max
        ),
    }
}

fn check(case: &Case<'_>, bounds: Bounds) -> ReadCheck {
    let done = vec![
        Condition::Equal(count(MIN), is(bounds.min)),
        Condition::Equal(count(MAX), is(bounds.max)),
        Condition::AtLeast(count(DESIRED), is(bounds.min)),
        Condition::AtLeast(is(bounds.max), count(DESIRED)),
    ];
    let mut check = watch::fields(case.server, case.place, done);
    // An autoscaler looks every 15 seconds.
    check.within = Duration::from_mins(2);
    check.shown = vec![(Untrusted::line("desired"), DESIRED.to_owned())];
    check
}
