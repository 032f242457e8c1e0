//! How is every pod of a workload replaced by one that is just the same?
//!
//! An annotation of its template says when it was asked for, as `kubectl rollout restart` does. The time is
//! that of the request, so that planning again means the same restart. Pure.

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::patch::{Patch, escaped};
use super::proposal::{Back, Proposal};
use super::{Case, differences, rolling, watch};
use crate::control::NoPlan;
use crate::domain::action::{Direction, Risk};
use crate::domain::check::at;

const ANNOTATIONS: &str = "/spec/template/metadata/annotations";
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

/// What a restart comes to.
pub(super) fn plan(case: &Case<'_>) -> Result<Proposal, NoPlan> {
    let Case {
        object,
        place,
        server,
        seed,
        ..
    } = *case;
    let place_of_time = format!("{ANNOTATIONS}/{}", escaped(RESTARTED));
    let before = at(object, &place_of_time).unwrap_or(&Value::Null);
    let time = json!(seed.at.to_rfc3339_opts(SecondsFormat::Secs, true));
    if *before == time {
        let why = format!(
            "{} was restarted this very second: that would do nothing",
            place.words()
        );
        return Err(NoPlan::new(why));
    }
    let patch = Patch::guarded(object).put_in(object, ANNOTATIONS, RESTARTED, time.clone());
    let what = format!("restart {}", place.words());
    let check = watch::rollout(server, place, object);
    let change = case.change(what, patch, check, &[&place_of_time]);
    let back = "pods that were replaced are gone: a restart is not taken back";
    let back = Back::None(back.to_owned());
    let mut proposal = case.proposal(change, back, Risk::R2, Direction::Neutral);
    proposal.differences = vec![differences::line("template: restartedAt", before, &time)];
    proposal.blast = rolling::blast(case);
    proposal.preconditions.extend(rolling::moves(case));
    proposal.preconditions.push(rolling::is_still(case));
    Ok(proposal)
}
