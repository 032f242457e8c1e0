//! How does a CronJob stop starting jobs, and start them again?
//!
//! `spec.suspend`. Jobs that run go on. Pure.

use serde_json::{Value, json};

use super::around::word;
use super::patch::Patch;
use super::proposal::{Back, Change, Proposal, holds};
use super::watch::is;
use super::{Case, differences, watch};
use crate::control::NoPlan;
use crate::domain::action::{Direction, Risk};
use crate::domain::check::{Condition, Operand, ReadCheck, at};
use crate::domain::plan::{Blast, Holds, Precondition};
use crate::domain::text::Untrusted;

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
    let (marker, second) = (case.marker(), case.marker_back());
    let forward = Patch::guarded(object)
        .put(object, SUSPEND, json!(wanted))
        .mark(object, marker);
    let back = Patch::of_identity(object)
        .replace(SUSPEND, &json!(wanted), json!(is_suspended))
        .mark_over(marker, &second);
    let (what, undone, risk, direction) = match way {
        Way::Suspend => ("suspend", "resume", Risk::R1, Direction::Reduces),
        Way::Resume => ("resume", "suspend", Risk::R1, Direction::Adds),
    };
    let mut preconditions: Vec<Precondition> = case.owner().into_iter().collect();
    if way == Way::Resume {
        preconditions.push(catch_up(object));
    }
    let running = object["status"]["active"].as_array().map_or(0, Vec::len);
    let schedule = word(object, "/spec/schedule");
    let lines = match way {
        Way::Suspend => format!("no run of {schedule} any more; {running} that run now go on"),
        Way::Resume => format!("runs of {schedule} again; {running} run now"),
    };
    let check = |suspended: bool| -> ReadCheck {
        let now = Operand::At(SUSPEND.to_owned(), json!(false));
        watch::fields(server, place, vec![Condition::Equal(now, is(suspended))])
    };
    Ok(Proposal {
        change: Change {
            what: format!("{what} {words}"),
            write: forward.write(server, &place.path()),
            check: check(wanted),
            evidence: watch::marked(server, place, object, marker, &[SUSPEND]),
        },
        back: Back::Change {
            change: Box::new(Change {
                what: format!("{undone} {words}"),
                write: back.write(server, &place.path()),
                check: check(is_suspended),
                evidence: watch::marked_back(server, place, object, marker, &second),
            }),
            trial: None,
        },
        risk,
        direction,
        differences: vec![differences::line(
            "suspend",
            &json!(is_suspended),
            &json!(wanted),
        )],
        blast: Blast {
            count: Some(1),
            of: Some(1),
            namespaces: vec![Untrusted::line(&place.namespace)],
            words: vec![Untrusted::line(&lines)],
        },
        preconditions,
        access: place.patch(),
        notes: Vec::new(),
    })
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
