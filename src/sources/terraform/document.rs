//! What does the JSON of `terraform show -json` hold?
//!
//! Called by [`super::read`] after `secrets` collected what is sensitive: [`read`] reads what is told,
//! with the secrets at hand. The document flows through: only one resource is in memory at a time, and
//! the variables, the configuration, the prior state and the planned values are skipped.

use std::io::Read;

use serde::Deserialize;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess};
use serde_json::error::Category;

use super::diff::{Differences, WireChange, differences};
use super::flow::{Each, EachEntry, Fields, Object};
use super::taint::Taint;

/// No more resources of one plan are told, only counted.
const MAX_RESOURCES: usize = 5_000;

/// What one document holds.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) format_version: Option<String>,
    pub(super) terraform_version: Option<String>,
    pub(super) timestamp: Option<String>,
    pub(super) complete: Option<bool>,
    pub(super) errored: Option<bool>,
    /// What was changed outside.
    pub(super) drift: Vec<Resource>,
    /// What waits to be applied.
    pub(super) pending: Vec<Resource>,
    /// How many resources are beyond the bound.
    pub(super) left_out: usize,
    /// How many only got another address.
    pub(super) moved: usize,
    /// How many outputs would change.
    pub(super) outputs: usize,
    /// How many changes were put off.
    pub(super) deferred: usize,
    pub(super) checks: Vec<Check>,
    pub(super) holds: Holds,
}

/// What kind of document it is, by what it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Holds {
    /// Nothing that is known.
    #[default]
    Nothing,
    /// A plan.
    Plan,
    /// A state, as `show -json` tells it or as Terraform keeps it.
    State,
}

/// What a plan tells of one resource.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) address: String,
    pub(super) previous: Option<String>,
    pub(super) module: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) name: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) actions: Vec<String>,
    pub(super) differences: Differences,
}

/// A check that does not hold.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) address: String,
    pub(super) status: String,
    pub(super) messages: Vec<String>,
}

/// What is wrong with a document, without a word of what it holds.
pub(super) fn what(error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Eof => {
            "the document ends early: it was cut off, or is still being written".into()
        }
        Category::Data => "holds a value of another kind than stands there".into(),
        Category::Syntax | Category::Io => {
            let text = error.to_string();
            let text = text
                .rsplit_once(" at line ")
                .map_or(&*text, |(what, _)| what);
            text.to_owned()
        }
    }
}

/// Reads what a document tells.
pub(super) fn read(from: impl Read, taint: &Taint) -> Result<Document, serde_json::Error> {
    let mut from = serde_json::Deserializer::from_reader(from);
    let mut reading = Reading {
        document: Document::default(),
        taint,
    };
    Object(&mut reading).deserialize(&mut from)?;
    from.end()?;
    Ok(reading.document)
}

/// An entry of `resource_drift` and `resource_changes`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireResource {
    address: String,
    previous_address: Option<String>,
    module_address: Option<String>,
    r#type: Option<String>,
    name: Option<String>,
    deposed: Option<String>,
    action_reason: Option<String>,
    pub(super) change: WireChange,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireCheck {
    address: WireCheckAddress,
    status: String,
    instances: Vec<WireInstance>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireCheckAddress {
    to_display: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireInstance {
    problems: Vec<WireProblem>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireProblem {
    message: String,
}

struct Reading<'a> {
    document: Document,
    taint: &'a Taint,
}

impl Fields for Reading<'_> {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, from: &mut A) -> Result<(), A::Error> {
        let document = &mut self.document;
        let taint = self.taint;
        match key {
            "format_version" => document.format_version = from.next_value()?,
            "terraform_version" => document.terraform_version = from.next_value()?,
            "timestamp" => document.timestamp = from.next_value()?,
            "complete" => document.complete = from.next_value()?,
            "errored" => document.errored = from.next_value()?,
            "resource_drift" => {
                document.holds = Holds::Plan;
                let (mut told, mut left_out) = (Vec::new(), 0);
                // A move stands here too, and again among the changes.
                from.next_value_seed(Each::new(|wire: WireResource| {
                    if !is_nothing(&wire.change.actions) {
                        add(&mut told, &mut left_out, wire, taint);
                    }
                }))?;
                document.drift = told;
                document.left_out += left_out;
            }
            "resource_changes" => {
                document.holds = Holds::Plan;
                let (mut told, mut left_out) = (Vec::new(), 0);
                let mut moved = 0;
                from.next_value_seed(Each::new(|wire: WireResource| {
                    if !is_nothing(&wire.change.actions) {
                        add(&mut told, &mut left_out, wire, taint);
                    } else if wire.previous_address.is_some() {
                        moved += 1;
                    }
                }))?;
                document.pending = told;
                document.moved += moved;
                document.left_out += left_out;
            }
            "deferred_changes" => {
                let mut deferred = 0;
                from.next_value_seed(Each::new(|_: IgnoredAny| deferred += 1))?;
                document.deferred = deferred;
            }
            "output_changes" => {
                let mut outputs = 0;
                from.next_value_seed(EachEntry::new(|_, change: WireChange| {
                    outputs += usize::from(!is_nothing(&change.actions));
                }))?;
                document.outputs = outputs;
            }
            "checks" => {
                let checks = &mut document.checks;
                from.next_value_seed(Each::new(|check: WireCheck| {
                    if check.status == "fail" || check.status == "error" {
                        checks.push(check.into());
                    }
                }))?;
            }
            "planned_values" | "prior_state" | "configuration" => {
                document.holds = Holds::Plan;
                from.next_value::<IgnoredAny>()?;
            }
            // `values` of `show -json`; `serial` and `lineage` of Terraform's own file.
            "values" | "serial" | "lineage" => {
                if document.holds == Holds::Nothing {
                    document.holds = Holds::State;
                }
                from.next_value::<IgnoredAny>()?;
            }
            _ => {
                from.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Whether these actions change nothing that is real: a move, or the reading of a data source.
fn is_nothing(actions: &[String]) -> bool {
    actions
        .iter()
        .all(|action| action == "no-op" || action == "read")
}

fn add(told: &mut Vec<Resource>, left_out: &mut usize, wire: WireResource, taint: &Taint) {
    if told.len() >= MAX_RESOURCES {
        *left_out += 1;
        return;
    }
    let differences = differences(&wire.change, taint);
    let address = match &wire.deposed {
        Some(deposed) => format!("{} (deposed {deposed})", wire.address),
        None => wire.address,
    };
    told.push(Resource {
        address,
        previous: wire.previous_address,
        module: wire.module_address,
        kind: wire.r#type,
        name: wire.name,
        reason: wire.action_reason,
        actions: wire.change.actions,
        differences,
    });
}

impl From<WireCheck> for Check {
    fn from(wire: WireCheck) -> Self {
        let problems = wire.instances.into_iter().flat_map(|i| i.problems);
        Self {
            address: wire.address.to_display,
            status: wire.status,
            messages: problems.map(|problem| problem.message).collect(),
        }
    }
}
