//! How does a rollout stop where it is, and go on?
//!
//! `spec.paused` of a Deployment; nothing else has it. Pure.

use serde_json::{Value, json};

use super::patch::Patch;
use super::place::Kind;
use super::proposal::{Back, Change, Proposal, holds};
use super::watch::{is, value};
use super::{Case, differences, rolling, watch};
use crate::control::NoPlan;
use crate::domain::action::{Direction, Risk};
use crate::domain::check::Condition;
use crate::domain::plan::{Blast, Holds};
use crate::domain::text::Untrusted;

const PAUSED: &str = "/spec/paused";

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Pause,
    Resume,
}

/// What pausing or resuming comes to.
pub(super) fn plan(case: &Case<'_>, way: Way) -> Result<Proposal, NoPlan> {
    let Case {
        object,
        place,
        server,
        ..
    } = *case;
    let words = place.words();
    if place.kind != Kind::Deployment {
        let why = format!("{words} cannot be paused: only Deployments have that");
        return Err(NoPlan::new(why));
    }
    let is_paused = object["spec"]["paused"] == true;
    if is_paused == (way == Way::Pause) {
        let state = if is_paused {
            "is paused already"
        } else {
            "is not paused"
        };
        return Err(NoPlan::new(format!("{words} {state}")));
    }
    let (marker, second) = (case.marker(), case.marker_back());
    let new = json!(way == Way::Pause);
    let forward = Patch::guarded(object)
        .put(object, PAUSED, new.clone())
        .mark(object, marker);
    // The server leaves `false` out.
    let after = if way == Way::Pause {
        json!(true)
    } else {
        Value::Null
    };
    let back = Patch::of_identity(object)
        .replace(PAUSED, &after, json!(is_paused))
        .mark_over(marker, &second);
    let (what, undone) = match way {
        Way::Pause => ("pause", "resume"),
        Way::Resume => ("resume", "pause"),
    };
    let mut preconditions: Vec<_> = case.owner().into_iter().collect();
    let blast = match way {
        Way::Pause => {
            let running = rolling::is_still(case);
            let (state, detail) = match running.state {
                Holds::Yes => (
                    Holds::Warns,
                    "none runs: the next change will wait until it is resumed",
                ),
                _ => (Holds::Yes, running.detail.raw()),
            };
            preconditions.push(holds("a rollout runs", state, detail));
            Blast {
                count: Some(0),
                of: Some(0),
                namespaces: vec![Untrusted::line(&place.namespace)],
                words: vec![Untrusted::line(
                    "no pod: what runs goes on, scaling still works",
                )],
            }
        }
        Way::Resume => rolling::blast(case),
    };
    let paused = |wanted: bool| Condition::Equal(flag(PAUSED), is(wanted));
    let check = |way: Way| match way {
        Way::Pause => watch::fields(server, place, vec![paused(true), watch::observed()]),
        Way::Resume => watch::rollout(server, place, object),
    };
    let other = if way == Way::Pause {
        Way::Resume
    } else {
        Way::Pause
    };
    let (risk, direction) = match way {
        Way::Pause => (Risk::R1, Direction::Reduces),
        Way::Resume => (Risk::R1, Direction::Adds),
    };
    Ok(Proposal {
        change: Change {
            what: format!("{what} rollout of {words}"),
            write: forward.write(server, &place.path()),
            check: check(way),
            evidence: watch::marked(server, place, object, marker, &[]),
        },
        back: Back::Change {
            change: Box::new(Change {
                what: format!("{undone} rollout of {words}"),
                write: back.write(server, &place.path()),
                check: check(other),
                evidence: watch::marked_back(server, place, object, marker, &second),
            }),
            trial: None,
        },
        risk,
        direction,
        differences: vec![differences::line("paused", &json!(is_paused), &new)],
        blast,
        preconditions,
        access: place.patch(),
        notes: Vec::new(),
    })
}

/// A flag that is left out where it is false.
fn flag(place: &str) -> crate::domain::check::Operand {
    match value(place) {
        crate::domain::check::Operand::At(place, _) => {
            crate::domain::check::Operand::At(place, json!(false))
        }
        other => other,
    }
}
