//! How may a namespace use more, or less?
//!
//! `spec.hard` of a `ResourceQuota`. It has no generation: every limit that is replaced is tested. Limits are
//! sent as the server writes them, so that taking them back finds what it expects. Pure.

use serde_json::{Value, json};

use super::patch::{Patch, escaped};
use super::proposal::{Proposal, holds};
use super::quantity::Quantity;
use super::watch::value;
use super::{Case, differences, watch};
use crate::control::NoPlan;
use crate::domain::action::{Direction, Risk};
use crate::domain::check::{Condition, at};
use crate::domain::plan::{Holds, Precondition};
use crate::domain::text::shown;

/// One limit.
struct Limit {
    resource: String,
    old: Value,
    new: Quantity,
}

/// What other limits come to.
pub(super) fn plan(case: &Case<'_>, wanted: &[(&str, &str)]) -> Result<Proposal, NoPlan> {
    let Case {
        object,
        place,
        server,
        ..
    } = *case;
    let words = place.words();
    let limits = limits(object, wanted)?;
    if limits.is_empty() {
        return Err(NoPlan::new(format!("{words} has these limits already")));
    }
    let mut forward = Patch::guarded(object);
    let mut back = Patch::of_identity(object);
    let mut kept = Vec::new();
    let mut lines = Vec::new();
    for limit in &limits {
        let spot = format!("/spec/hard/{}", escaped(&limit.resource));
        let new = json!(limit.new.canonical());
        let name = format!("hard {}", limit.resource);
        lines.push(differences::line(&name, &limit.old, &new));
        back = back.replace(&spot, &new, limit.old.clone());
        forward = forward.replace(&spot, &limit.old, new);
        kept.push(spot);
    }
    let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
    let named: Vec<String> = limits.iter().map(Limit::words).collect();
    let check = watch::fields(server, place, followed(&limits));
    let what = format!("set {words} to {}", named.join(", "));
    let change = case.change(what, forward, check.clone(), &kept);
    let back = case.back(format!("put the limits of {words} back"), back, check);
    let direction = if limits.iter().any(Limit::lowers) {
        Direction::Adds
    } else {
        Direction::Neutral
    };
    let mut proposal = case.proposal(change, back, Risk::R2, direction);
    let fitting = limits.iter().map(|limit| limit.fits(object));
    proposal.preconditions.extend(fitting);
    proposal.differences = lines;
    let words = "every workload of the namespace: what runs goes on, new pods are held to it";
    proposal.blast = case.blast((Some(1), Some(1)), &[words.to_owned()]);
    Ok(proposal)
}

fn limits(object: &Value, wanted: &[(&str, &str)]) -> Result<Vec<Limit>, NoPlan> {
    let mut limits = Vec::new();
    for (resource, text) in wanted {
        let Some(new) = Quantity::parse(text) else {
            let (resource, text) = (shown(resource), shown(text));
            return Err(NoPlan::new(format!(
                "hard.{resource}: `{text}` is no quantity, such as 20, 500m or 4Gi"
            )));
        };
        let spot = format!("/spec/hard/{}", escaped(resource));
        let Some(old) = at(object, &spot) else {
            let hard = object["spec"]["hard"].as_object();
            let known: Vec<String> = hard
                .into_iter()
                .flatten()
                .map(|(key, _)| shown(key))
                .collect();
            let (resource, known) = (shown(resource), known.join(", "));
            return Err(NoPlan::new(format!(
                "the quota does not limit `{resource}`: it limits {known}"
            )));
        };
        if amount(old) != Some(new) && amount(old).map(Quantity::milli) != Some(new.milli()) {
            limits.push(Limit {
                resource: (*resource).to_owned(),
                old: old.clone(),
                new,
            });
        }
    }
    Ok(limits)
}

/// That the controller has taken the limits over.
fn followed(limits: &[Limit]) -> Vec<Condition> {
    let of = |limit: &Limit| {
        let spot = |part: &str| value(&format!("/{part}/hard/{}", escaped(&limit.resource)));
        Condition::Equal(spot("status"), spot("spec"))
    };
    limits.iter().map(of).collect()
}

fn amount(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => Quantity::parse(text),
        Value::Number(number) => Quantity::parse(&number.to_string()),
        _ => None,
    }
}

impl Limit {
    fn lowers(&self) -> bool {
        amount(&self.old).is_none_or(|old| self.new.milli() < old.milli())
    }

    fn words(&self) -> String {
        format!("{}={}", shown(&self.resource), self.new.canonical())
    }

    /// What is used already has to fit.
    fn fits(&self, object: &Value) -> Precondition {
        let what = format!("{} fits what is used", self.words());
        let used = at(object, &format!("/status/used/{}", escaped(&self.resource)));
        match used.and_then(amount) {
            Some(used) if used.milli() > self.new.milli() => {
                let detail = format!("{} is used: no pod could start again", used.canonical());
                holds(&what, Holds::No, &detail)
            }
            Some(used) => holds(&what, Holds::Yes, &format!("{} is used", used.canonical())),
            None => holds(&what, Holds::Unknown, "the quota does not say what is used"),
        }
    }
}
