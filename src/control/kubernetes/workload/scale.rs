//! How does a workload get more replicas, or fewer?
//!
//! Through `/scale`, which has rights of its own and keeps no annotation: the marker is the name of the
//! field manager, which the server keeps for each writer. Pure.

use serde_json::{Value, json};

use super::around::{number, replicas};
use super::patch::Patch;
use super::place::Kind;
use super::proposal::{Back, Change, Proposal, holds};
use super::watch::{count, is, value};
use super::{Case, differences, watch};
use crate::control::NoPlan;
use crate::domain::action::{Direction, Risk};
use crate::domain::check::{Condition, Evidence, Operand, ReadCheck, at};
use crate::domain::plan::{Blast, Holds, HttpWrite, Precondition};
use crate::domain::text::Untrusted;

/// What a number of replicas comes to.
pub(super) fn plan(case: &Case<'_>, wanted: i64) -> Result<Proposal, NoPlan> {
    let Case { object, place, .. } = *case;
    let words = place.words();
    if place.kind == Kind::DaemonSet {
        let why = format!("{words} has one pod on each node: it cannot be scaled");
        return Err(NoPlan::new(why));
    }
    let old = replicas(place.kind, object);
    if old == wanted {
        return Err(NoPlan::new(format!(
            "{words} has {wanted} replicas already"
        )));
    }
    let marker = format!("quell-{}", case.marker());
    let second = format!("{marker}-back");
    let change = Change {
        what: format!("scale {words} from {old} to {wanted}"),
        write: write(case, old, wanted, &marker),
        check: check(case, wanted),
        evidence: evidence(case, old, (wanted, &marker)),
    };
    let back = Change {
        what: format!("scale {words} back to {old}"),
        write: write(case, wanted, old, &second),
        check: check(case, old),
        evidence: back_evidence(case, (wanted, &marker), (old, &second)),
    };
    let back = Back::Change {
        change: Box::new(back),
        trial: None,
    };
    let is_up = wanted > old;
    let (risk, direction) = if is_up {
        (Risk::R1, Direction::Reduces)
    } else {
        (Risk::R2, Direction::Adds)
    };
    let mut proposal = case.proposal(change, back, risk, direction);
    proposal.preconditions.push(case.around.autoscaler(place));
    if is_up {
        let note = "a dry run of a scale does not see quotas: they were read";
        proposal.notes.push(note.to_owned());
        let template = &object["spec"]["template"];
        let room = case.around.room(wanted - old, template);
        proposal.preconditions.push(room);
    } else {
        proposal.preconditions.push(floor(wanted));
    }
    proposal.differences = vec![differences::line("replicas", &json!(old), &json!(wanted))];
    proposal.blast = blast(case, old, wanted);
    proposal.access = place.patch().part("scale");
    Ok(proposal)
}

fn write(case: &Case<'_>, from: i64, to: i64, manager: &str) -> HttpWrite {
    // `/scale` leaves zero out.
    let shown = |n: i64| if n == 0 { Value::Null } else { json!(n) };
    let path = format!("{}/scale", case.place.path());
    Patch::of_identity(case.object)
        .replace("/spec/replicas", &shown(from), json!(to))
        .write_as(case.server, &path, manager)
}

fn check(case: &Case<'_>, wanted: i64) -> ReadCheck {
    let equals = |place: &str| Condition::Equal(count(place), is(wanted));
    let mut check = watch::rollout(case.server, case.place, case.object);
    check.done = vec![
        watch::observed(),
        equals("/spec/replicas"),
        equals("/status/replicas"),
        equals("/status/readyReplicas"),
    ];
    // Somebody put it back: an autoscaler, or whoever declares it.
    let replicas = count("/spec/replicas");
    check.failed.push(Condition::Differ(replicas, is(wanted)));
    check.shown = [
        ("replicas", "/status/replicas"),
        ("ready", "/status/readyReplicas"),
        ("of", "/spec/replicas"),
    ]
    .map(|(word, place)| (Untrusted::line(word), place.to_owned()))
    .into();
    check
}

fn entry(manager: &str) -> String {
    format!("/metadata/managedFields/[manager={manager}]/operation")
}

fn there(case: &Case<'_>, replicas: i64, manager: &str) -> Vec<Condition> {
    vec![
        watch::same_object(case.object),
        Condition::Equal(count("/spec/replicas"), is(replicas)),
        Condition::Present(entry(manager)),
    ]
}

fn evidence(case: &Case<'_>, old: i64, (wanted, manager): (i64, &str)) -> Evidence {
    let generation = at(case.object, "/metadata/generation").cloned();
    let untouched = vec![
        watch::same_object(case.object),
        Condition::Equal(
            value("/metadata/generation"),
            Operand::Is(generation.unwrap_or_default()),
        ),
        Condition::Equal(count("/spec/replicas"), is(old)),
        Condition::Absent(entry(manager)),
    ];
    Evidence::Read {
        read: watch::read(case.server, case.place),
        applied: there(case, wanted, manager),
        untouched,
    }
}

fn back_evidence(
    case: &Case<'_>,
    (from, first): (i64, &str),
    (to, second): (i64, &str),
) -> Evidence {
    Evidence::Read {
        read: watch::read(case.server, case.place),
        applied: there(case, to, second),
        untouched: there(case, from, first),
    }
}

fn floor(wanted: i64) -> Precondition {
    const WHAT: &str = "something is left to serve";
    if wanted == 0 {
        let detail = "every pod goes: nothing of it serves until it is scaled up again";
        return holds(WHAT, Holds::Warns, detail);
    }
    holds(WHAT, Holds::Yes, &format!("{wanted} replicas stay"))
}

fn blast(case: &Case<'_>, old: i64, wanted: i64) -> Blast {
    let moved = (wanted - old).abs();
    let mut words = vec![match wanted {
        0 => format!("all {old} pods go: none is left to serve"),
        _ if wanted > old => format!("{moved} more pods, {old} stay as they are"),
        _ => format!("{moved} of {old} pods go, {wanted} stay"),
    }];
    let ready = number(case.object, "/status/readyReplicas", 0);
    words.push(format!("{ready} of {old} are ready now"));
    let labels = &case.object["spec"]["template"]["metadata"]["labels"];
    match case.around.budgets(labels) {
        Ok(budgets) => {
            for budget in budgets.iter().filter(|b| wanted < old && b.wanted > wanted) {
                words.push(format!(
                    "PDB {} does not hold a scale back, but blocks every eviction afterwards",
                    budget.words
                ));
            }
        }
        Err(why) => words.push(format!("whether a PDB covers it is unknown: {why}")),
    }
    let counts = (
        u32::try_from(moved).ok(),
        u32::try_from(old.max(wanted)).ok(),
    );
    case.blast(counts, &words)
}
