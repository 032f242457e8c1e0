//! How is every pod of a workload replaced by one that is just the same?
//!
//! An annotation of its template says when it was asked for, as `kubectl rollout restart` does. The time is
//! that of the request, so that planning again means the same restart. Pure.

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::patch::{Patch, escaped};
use super::proposal::{Back, Change, Proposal};
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
    let patch = Patch::guarded(object)
        .put_in(object, ANNOTATIONS, RESTARTED, time.clone())
        .mark(object, case.marker());
    let mut preconditions = rolling::moves(case);
    preconditions.push(rolling::is_still(case));
    preconditions.extend(case.owner());
    Ok(Proposal {
        change: Change {
            what: format!("restart {}", place.words()),
            write: patch.write(server, &place.path()),
            check: watch::rollout(server, place, object),
            evidence: watch::marked(server, place, object, case.marker(), &[&place_of_time]),
        },
        back: Back::None(
            "pods that were replaced are gone: a restart is not taken back".to_owned(),
        ),
        risk: Risk::R2,
        direction: Direction::Neutral,
        differences: vec![differences::line("template: restartedAt", before, &time)],
        blast: rolling::blast(case),
        preconditions,
        access: place.patch(),
        notes: Vec::new(),
    })
}
