//! How does a workload go back to an earlier template?
//!
//! The client's work, as in `kubectl rollout undo`: the template of an earlier `ReplicaSet`, or of an
//! earlier `ControllerRevision` of a StatefulSet or DaemonSet, is put back. Where a Deployment went back
//! before, the old number of a `ReplicaSet` only stands in its history. Pure.

use serde_json::{Value, json};

use super::around::{number, word};
use super::patch::{Patch, escaped};
use super::place::Kind;
use super::proposal::{Back, Proposal, holds};
use super::{Case, differences, rolling, watch};
use crate::control::NoPlan;
use crate::domain::action::{Direction, Risk};
use crate::domain::check::at;
use crate::domain::plan::{Holds, Precondition};
use crate::domain::text::shown;

const TEMPLATE: &str = "/spec/template";
const CAUSE: &str = "kubernetes.io/change-cause";
const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";

/// An earlier template.
#[derive(Clone, Debug)]
struct Revision {
    number: i64,
    /// Numbers that it had before.
    former: Vec<i64>,
    name: String,
    template: Value,
    cause: Option<String>,
}

/// What going back comes to: to a revision, or to the one before.
pub(super) fn plan(
    case: &Case<'_>,
    history: &[Value],
    to: Option<i64>,
) -> Result<Proposal, NoPlan> {
    let Case {
        object,
        place,
        server,
        ..
    } = *case;
    let revisions = revisions(case, history);
    let now = &object["spec"]["template"];
    let chosen = choose(case, &revisions, to)?;
    if same(&chosen.template, now) {
        let why = format!(
            "{} is at revision {} already: there is nothing to undo",
            place.words(),
            chosen.number
        );
        return Err(NoPlan::new(why));
    }
    let mut forward = Patch::guarded(object).replace(TEMPLATE, now, chosen.template.clone());
    let mut back = Patch::of_identity(object).replace(TEMPLATE, &chosen.template, now.clone());
    let mut lines = differences::between("template", now, &chosen.template);
    if let Some((old, new)) = moved_cause(object, chosen) {
        let spot = format!("/metadata/annotations/{}", escaped(CAUSE));
        lines.push(differences::line(CAUSE, &old, &new));
        back = back.replace(&spot, &new, old.clone());
        forward = forward.replace(&spot, &old, new);
    }
    let words = place.words();
    let check = watch::rollout(server, place, object);
    let what = format!("undo rollout of {words} to revision {}", chosen.number);
    let change = case.change(what, forward, check.clone(), &[]);
    let what = format!("put the template of {words} back that runs now");
    let mut back = case.back(what, back, check);
    if let Back::Change { trial, .. } = &mut back {
        // As things are now: whether the server still takes the template that runs.
        let now = Patch::of_identity(object).replace(TEMPLATE, now, now.clone());
        let now = now.mark(object, &case.marker_back());
        *trial = Some(now.write(server, &place.path()));
    }
    let mut proposal = case.proposal(change, back, Risk::R2, Direction::Reduces);
    proposal.differences = lines;
    proposal.blast = rolling::blast(case);
    proposal
        .preconditions
        .extend(preconditions(case, chosen, to));
    Ok(proposal)
}

/// The note of what a revision was for goes with it, where both have one.
fn moved_cause(object: &Value, chosen: &Revision) -> Option<(Value, Value)> {
    let old = object["metadata"]["annotations"].get(CAUSE)?;
    let new = json!(chosen.cause.as_ref()?);
    (*old != new).then(|| (old.clone(), new))
}

fn preconditions(case: &Case<'_>, chosen: &Revision, to: Option<i64>) -> Vec<Precondition> {
    let mut found = rolling::moves(case);
    let cause = chosen
        .cause
        .as_deref()
        .map(|cause| format!(", {}", shown(cause)));
    let mut detail = format!(
        "{} ({}{})",
        chosen.number,
        chosen.name,
        cause.unwrap_or_default()
    );
    let mut state = Holds::Yes;
    if let Some(to) = to.filter(|to| *to != chosen.number) {
        detail = format!("{to} is revision {detail} by now: it was gone back to before");
        state = Holds::Warns;
    }
    found.push(holds("the revision is kept", state, &detail));
    let migration = "nobody can see from here whether a schema migration came with the newer \
                     version: ask before going back";
    found.push(holds(
        "no schema migration in between",
        Holds::Warns,
        migration,
    ));
    let applied = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
    if at(case.object, applied).is_some() {
        let detail = "it was put here with kubectl apply: the next apply of the same file brings \
                      the newer version back";
        found.push(holds(
            "nothing applies the newer version again",
            Holds::Warns,
            detail,
        ));
    }
    found
}

fn choose<'a>(
    case: &Case<'_>,
    revisions: &'a [Revision],
    to: Option<i64>,
) -> Result<&'a Revision, NoPlan> {
    let words = case.place.words();
    if revisions.is_empty() {
        let why = format!("{words} has no earlier revision that is kept");
        return Err(NoPlan::new(why));
    }
    let numbers = || {
        let numbers: Vec<String> = revisions.iter().map(|r| r.number.to_string()).collect();
        numbers.join(", ")
    };
    if let Some(to) = to {
        let exact = revisions.iter().find(|r| r.number == to);
        let found = exact.or_else(|| revisions.iter().find(|r| r.former.contains(&to)));
        return found.ok_or_else(|| {
            NoPlan::new(format!(
                "{words} keeps no revision {to}: it keeps {}",
                numbers()
            ))
        });
    }
    let now = &case.object["spec"]["template"];
    let current = revisions.iter().find(|r| same(&r.template, now));
    // Newest first. What is not rolled out yet has no revision: then the newest is the one before.
    let before = revisions.iter().find(|r| match current {
        Some(current) => r.number < current.number,
        None => true,
    });
    before.ok_or_else(|| {
        let why = format!(
            "{words} has no revision before this one: it keeps {}",
            numbers()
        );
        NoPlan::new(why)
    })
}

/// The kept ones, newest first.
fn revisions(case: &Case<'_>, history: &[Value]) -> Vec<Revision> {
    let uid = at(case.object, "/metadata/uid");
    let is_own = |kept: &&Value| {
        let owners = kept["metadata"]["ownerReferences"].as_array();
        let mut owners = owners.into_iter().flatten();
        uid.is_some() && owners.any(|o| o["controller"] == true && o.get("uid") == uid)
    };
    let own = history.iter().filter(is_own);
    let mut found: Vec<Revision> = match case.place.kind {
        Kind::Deployment => own.filter_map(of_replica_set).collect(),
        _ => own.filter_map(of_controller_revision).collect(),
    };
    found.sort_by_key(|revision| std::cmp::Reverse(revision.number));
    found
}

fn of_replica_set(set: &Value) -> Option<Revision> {
    let annotations = &set["metadata"]["annotations"];
    let text = |key: &str| annotations.get(key).and_then(Value::as_str);
    let former = text(HISTORY).into_iter().flat_map(|all| all.split(','));
    let mut template = set["spec"]["template"].clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove("pod-template-hash");
    }
    Some(Revision {
        number: text(REVISION)?.parse().ok()?,
        former: former.filter_map(|one| one.trim().parse().ok()).collect(),
        name: word(set, "/metadata/name"),
        template,
        cause: text(CAUSE).map(str::to_owned),
    })
}

fn of_controller_revision(kept: &Value) -> Option<Revision> {
    let mut template = at(kept, "/data/spec/template")?.clone();
    // It is kept as a strategic merge patch.
    template.as_object_mut()?.remove("$patch");
    let cause = kept["metadata"]["annotations"]
        .get(CAUSE)
        .and_then(Value::as_str);
    Some(Revision {
        number: number(kept, "/revision", 0),
        former: Vec::new(),
        name: word(kept, "/metadata/name"),
        template,
        cause: cause.map(str::to_owned),
    })
}

/// Nulls, such as an old server's `creationTimestamp`, are as good as nothing.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys = a.keys().chain(b.keys());
            keys.all(|key| {
                let of = |map: &serde_json::Map<String, Value>| map.get(key).cloned();
                same(&of(a).unwrap_or_default(), &of(b).unwrap_or_default())
            })
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        _ => a == b,
    }
}
