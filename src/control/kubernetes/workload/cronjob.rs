//! How does a schedule stop starting jobs, and start them again?
//!
//! `spec.suspend` of a `CronJob`. Jobs that run go on. Pure.

use serde_json::{Value, json};

use super::around::word;
use super::patch::Patch;
use super::proposal::{Proposal, holds};
use super::watch::is;
use super::{Case, differences, watch};
use crate::control::NoPlan;
use crate::domain::action::{Direction, Risk};
use crate::domain::check::{Condition, Operand, ReadCheck, at};
use crate::domain::plan::{Holds, Precondition};

const SUSPEND: &str = "/spec/suspend";

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Suspend,
    Resume,
}

/// What suspending or resuming comes to.
pub(super) fn plan(case: &Case<'_>, way: Way) -> Result<Proposal, NoPlan> {
    let Case {
        object,
        place,
        server,
        ..
    } = *case;
    let words = place.words();
    let is_suspended = object["spec"]["suspend"] == true;
    let wanted = way == Way::Suspend;
    if is_suspended == wanted {
        let state = if wanted {
            "is suspended already"
        } else {
            "is not suspended"
        };
        return Err(NoPlan::new(format!("{words} {state}")));
    }
    let forward = Patch::guarded(object).put(object, SUSPEND, json!(wanted));
    let back = Patch::of_identity(object).replace(SUSPEND, &json!(wanted), json!(is_suspended));
    let check = |suspended: bool| -> ReadCheck {
        let now = Operand::At(SUSPEND.to_owned(), json!(false));
        watch::fields(server, place, vec![Condition::Equal(now, is(suspended))])
    };
    let (what, undone, direction) = match way {
        Way::Suspend => ("suspend", "resume", Direction::Reduces),
        Way::Resume => ("resume", "suspend", Direction::Adds),
    };
    let change = case.change(
        format!("{what} {words}"),
        forward,
        check(wanted),
        &[SUSPEND],
    );
    let back = case.back(format!("{undone} {words}"), back, check(is_suspended));
    let mut proposal = case.proposal(change, back, Risk::R1, direction);
    if way == Way::Resume {
        proposal.preconditions.push(catch_up(object));
    }
    let (before, after) = (json!(is_suspended), json!(wanted));
    proposal.differences = vec![differences::line("suspend", &before, &after)];
    let running = object["status"]["active"].as_array().map_or(0, Vec::len);
    let schedule = word(object, "/spec/schedule");
    let words = match way {
        Way::Suspend => format!("no run of {schedule} any more; {running} that run now go on"),
        Way::Resume => format!("runs of {schedule} again; {running} run now"),
    };
    proposal.blast = case.blast((Some(1), Some(1)), &[words]);
    Ok(proposal)
}

/// What was missed may be started at once.
fn catch_up(object: &Value) -> Precondition {
    const WHAT: &str = "no run is caught up on";
    let last = word(object, "/status/lastScheduleTime");
    let since = if last == "?" {
        "it was made".to_owned()
    } else {
        last
    };
    match at(object, "/spec/startingDeadlineSeconds").and_then(Value::as_i64) {
        Some(secs) => {
            let detail = format!("a run missed less than {secs} s ago starts at once");
            holds(WHAT, Holds::Warns, &detail)
        }
        None => {
            let detail = format!(
                "without startingDeadlineSeconds the last run missed since {since} starts at once, \
                 and none at all where more than 100 were missed"
            );
            holds(WHAT, Holds::Warns, &detail)
        }
    }
}
