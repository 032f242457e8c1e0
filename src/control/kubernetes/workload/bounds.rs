//! How does an autoscaler get other bounds?
//!
//! An autoscaler has no generation, and reports its status every few seconds: what it scales and both of its
//! bounds are tested. Pure.

use serde_json::{Value, json};

use super::around::number;
use super::patch::Patch;
use super::proposal::{Back, Change, Proposal, holds};
use super::watch::{count, is};
use super::{Case, differences, watch};
use crate::control::NoPlan;
use crate::domain::action::{Direction, Risk};
use crate::domain::check::{Condition, ReadCheck, at};
use crate::domain::plan::{Blast, Holds};
use crate::domain::text::Untrusted;

const MIN: &str = "/spec/minReplicas";
const MAX: &str = "/spec/maxReplicas";
const SCALES: &str = "/spec/scaleTargetRef";

/// What other bounds come to.
pub(super) fn plan(
    case: &Case<'_>,
    min: Option<i64>,
    max: Option<i64>,
) -> Result<Proposal, NoPlan> {
    let Case {
        object,
        place,
        server,
        ..
    } = *case;
    let words = place.words();
    let (old_min, old_max) = (number(object, MIN, 1), number(object, MAX, 1));
    if min.is_none() && max.is_none() {
        return Err(NoPlan::new("say which bound: min=N, max=N or both"));
    }
    let (new_min, new_max) = (min.unwrap_or(old_min), max.unwrap_or(old_max));
    if new_min > new_max {
        let why = format!("{words}: min {new_min} is above max {new_max}");
        return Err(NoPlan::new(why));
    }
    if (new_min, new_max) == (old_min, old_max) {
        let why = format!("{words} has the bounds {new_min}..{new_max} already");
        return Err(NoPlan::new(why));
    }
    let (marker, second) = (case.marker(), case.marker_back());
    let scales = at(object, SCALES).unwrap_or(&Value::Null);
    let forward = Patch::guarded(object)
        .test(SCALES, scales)
        .put(object, MIN, json!(new_min))
        .put(object, MAX, json!(new_max))
        .mark(object, marker);
    let back = Patch::of_identity(object)
        .test(SCALES, scales)
        .replace(MIN, &json!(new_min), json!(old_min))
        .replace(MAX, &json!(new_max), json!(old_max))
        .mark_over(marker, &second);
    let check = |min: i64, max: i64| -> ReadCheck {
        let mut check = watch::fields(
            server,
            place,
            vec![
                Condition::Equal(count(MIN), is(min)),
                Condition::Equal(count(MAX), is(max)),
                Condition::AtLeast(count("/status/desiredReplicas"), is(min)),
                Condition::AtLeast(is(max), count("/status/desiredReplicas")),
            ],
        );
        check.within = std::time::Duration::from_mins(2);
        let desired = "/status/desiredReplicas".to_owned();
        check.shown = vec![(Untrusted::line("desired"), desired)];
        check
    };
    let now = number(object, "/status/currentReplicas", 0);
    let after = now.clamp(new_min, new_max);
    let (risk, direction) = match after.cmp(&now) {
        std::cmp::Ordering::Less => (Risk::R2, Direction::Adds),
        _ if new_min < old_min || new_max < old_max => (Risk::R1, Direction::Adds),
        _ => (Risk::R1, Direction::Neutral),
    };
    let mut preconditions: Vec<_> = case.owner().into_iter().collect();
    if new_max > old_max || after > now {
        let detail = "whether the nodes have room for more pods was not looked at";
        preconditions.push(holds("the nodes have room", Holds::Warns, detail));
    }
    let moved = match after - now {
        0 => format!("no pod now: {now} replicas are within {new_min}..{new_max}"),
        n if n > 0 => format!("{n} more pods soon: {now} replicas now, {new_min} at the least"),
        n => format!(
            "{} pods go soon: {now} replicas now, {new_max} at the most",
            -n
        ),
    };
    let kept = [SCALES, MIN, MAX];
    Ok(Proposal {
        change: Change {
            what: format!(
                "change bounds of {words} from {old_min}..{old_max} to {new_min}..{new_max}"
            ),
            write: forward.write(server, &place.path()),
            check: check(new_min, new_max),
            evidence: watch::marked(server, place, object, marker, &kept),
        },
        back: Back::Change {
            change: Box::new(Change {
                what: format!("put the bounds of {words} back to {old_min}..{old_max}"),
                write: back.write(server, &place.path()),
                check: check(old_min, old_max),
                evidence: watch::marked_back(server, place, object, marker, &second),
            }),
            trial: None,
        },
        risk,
        direction,
        differences: [("min", old_min, new_min), ("max", old_max, new_max)]
            .into_iter()
            .filter(|(_, old, new)| old != new)
            .map(|(name, old, new)| differences::line(name, &json!(old), &json!(new)))
            .collect(),
        blast: Blast {
            count: u32::try_from((after - now).abs()).ok(),
            of: u32::try_from(after.max(now)).ok(),
            namespaces: vec![Untrusted::line(&place.namespace)],
            words: vec![Untrusted::line(&moved)],
        },
        preconditions,
        access: place.patch(),
        notes: Vec::new(),
    })
}
