//! How does a rollout stop where it is, and go on?
//!
//! `spec.paused` of a Deployment; nothing else has it. Pure.

use serde_json::{Value, json};

use super::patch::Patch;
use super::place::Kind;
use super::proposal::{Proposal, holds};
use super::watch::is;
use super::{Case, differences, rolling, watch};
use crate::control::NoPlan;
use crate::domain::action::{Direction, Risk};
use crate::domain::check::{Condition, Operand};
use crate::domain::plan::{Holds, Precondition};

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
    let new = json!(way == Way::Pause);
    // The server leaves `false` out.
    let after = if is_paused { Value::Null } else { json!(true) };
    let forward = Patch::guarded(object).put(object, PAUSED, new.clone());
    let back = Patch::of_identity(object).replace(PAUSED, &after, json!(is_paused));
    let stopped = || {
        let paused = Operand::At(PAUSED.to_owned(), json!(false));
        let done = vec![Condition::Equal(paused, is(true)), watch::observed()];
        watch::fields(server, place, done)
    };
    let rolled = || watch::rollout(server, place, object);
    let (pause, resume) = (
        format!("pause rollout of {words}"),
        format!("resume rollout of {words}"),
    );
    let mut proposal = match way {
        Way::Pause => {
            let change = case.change(pause, forward, stopped(), &[]);
            let back = case.back(resume, back, rolled());
            case.proposal(change, back, Risk::R1, Direction::Reduces)
        }
        Way::Resume => {
            let change = case.change(resume, forward, rolled(), &[]);
            let back = case.back(pause, back, stopped());
            case.proposal(change, back, Risk::R1, Direction::Adds)
        }
    };
    proposal.differences = vec![differences::line("paused", &json!(is_paused), &new)];
    match way {
        Way::Pause => {
            proposal.preconditions.push(runs(case));
            let words = "no pod: what runs goes on, scaling still works".to_owned();
            proposal.blast = case.blast((Some(0), Some(0)), &[words]);
        }
        Way::Resume => proposal.blast = rolling::blast(case),
    }
    Ok(proposal)
}

/// Pausing is for a rollout that runs.
fn runs(case: &Case<'_>) -> Precondition {
    const WHAT: &str = "a rollout runs";
    let still = rolling::is_still(case);
    match still.state {
        Holds::Yes => {
            let detail = "none runs: the next change will wait until it is resumed";
            holds(WHAT, Holds::Warns, detail)
        }
        _ => holds(WHAT, Holds::Yes, still.detail.raw()),
    }
}
