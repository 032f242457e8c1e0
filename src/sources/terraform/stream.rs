//! What does the stream of `terraform plan -json` or `terraform apply -json` say?
//!
//! It has addresses and actions but no values: the safest feed. A plan tells drift and what waits to
//! be applied; an apply tells of one change. A stream that breaks off is never called clean. Of what went
//! wrong only the summary is told: the details and snippets of a diagnostic quote values, and a stream
//! does not mark which of them are sensitive. Called by [`super::read`] with the [`super::lines`].

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;

use super::lines::{Apply, Diagnostic, Resource, Stream, WireSummary};
use super::tell::{Named, Origin, Row, Told};
use crate::domain::change::{self, Change, ChangeKind, Outcome, Versions};
use crate::domain::drift::DriftKind;
use crate::domain::text::Untrusted;

/// An apply that writes no line for so long is not running any more.
const SILENT: TimeDelta = TimeDelta::hours(1);

/// What a stream says.
pub(super) fn tell(stream: &Stream, origin: &Origin<'_>) -> Told {
    let version = stream.version.as_deref();
    let mut told = Told {
        version: version.map(|version| origin.line(version)),
        ..Told::default()
    };
    for bad in &stream.bad_lines {
        let next = "write the stream to a file of its own, without other output";
        told.limits
            .push(origin.line(&format!("{}:{bad}; {next}", origin.file)));
    }
    if stream.more_bad_lines > 0 {
        let more = stream.more_bad_lines;
        told.limits
            .push(origin.limit(&format!("{more} more lines are no lines of a stream")));
    }
    if stream.left_out > 0 {
        let left_out = stream.left_out;
        told.limits.push(origin.limit(&format!(
            "{left_out} more resources differ than are shown; plan fewer of them at once"
        )));
    }
    for check in stream.diagnostics.iter().filter(|d| d.is_check()) {
        let trouble = origin.trouble(&check.check_address(), &check.detail, 1);
        // A plan and the apply after it check twice.
        if !told.troubles.contains(&trouble) {
            told.troubles.push(trouble);
        }
    }
    if stream.warnings > 0 {
        told.notes.push(format!("{} warnings", stream.warnings));
    }
    if let Some(ui) = &stream.ui
        && ui.split('.').next() != Some("1")
    {
        let detail = format!("the stream has version {ui}; quell reads 1.x: nothing is said of it");
        told.drifts
            .push(origin.verdict(DriftKind::Unknown, &detail));
        return told;
    }
    match &stream.apply {
        Some(apply) => {
            if let Some(change) = applied(stream, apply, origin, &mut told) {
                told.changes.push(change);
            }
        }
        None => planned(stream, origin, &mut told),
    }
    told
}

/// What a plan says.
fn planned(stream: &Stream, origin: &Origin<'_>, told: &mut Told) {
    if let Some(failure) = stream.failure() {
        let detail = format!("the plan failed: {failure}");
        told.drifts.push(origin.verdict(DriftKind::Error, &detail));
    } else if !stream.has_plan_summary {
        let detail = "the stream ends without a summary: it was cut off, or still goes on";
        told.drifts.push(origin.verdict(DriftKind::Unknown, detail));
    }
    if stream.diagnostics.iter().any(Diagnostic::is_target) {
        let detail = "the plan looked at a part only (-target)";
        told.drifts.push(origin.verdict(DriftKind::Partial, detail));
    }
    let planned = stream.pending.iter().map(|r| (&*r.at.addr, r));
    let planned: HashMap<&str, &Resource> = planned.collect();
    let drifted: HashSet<&str> = stream.drift.iter().map(|r| &*r.at.addr).collect();
    for resource in &stream.drift {
        let mut row = resource.row();
        row.reverted_by_apply = match planned.get(&*resource.at.addr) {
            None => Some(false),
            Some(change) if resource.action == "delete" => Some(change.action == "create"),
            Some(_) => {
                let detail = "a change of it is planned; a stream does not tell of which places";
                row.details.push(detail.to_owned());
                None
            }
        };
        told.drifts
            .push(origin.drift(resource.named(), DriftKind::Drift, row));
    }
    for resource in &stream.pending {
        let mut row = resource.row();
        if drifted.contains(&*resource.at.addr) {
            let is_back = |r: &&Resource| r.at.addr == resource.at.addr && r.action == "delete";
            if resource.action == "create" && stream.drift.iter().any(|r| is_back(&r)) {
                continue;
            }
            row.details.push("also drifted".to_owned());
        }
        told.drifts
            .push(origin.drift(resource.named(), DriftKind::Pending, row));
    }
    if stream.moved > 0 {
        told.notes.push(format!("{} only moved", stream.moved));
    }
    if stream.outputs > 0 {
        let is_all = stream.drift.is_empty() && stream.pending.is_empty();
        let only = if is_all {
            "the plan has only output changes: "
        } else {
            ""
        };
        told.notes
            .push(format!("{only}{} outputs would change", stream.outputs));
    }
}

impl Resource {
    fn named(&self) -> Named<'_> {
        Named {
            address: &self.at.addr,
            kind: self.at.resource_type.as_deref(),
            name: self.at.resource_name.as_deref(),
            module: self.at.module.as_deref(),
        }
    }

    fn row(&self) -> Row {
        let previous = self
            .previous
            .as_ref()
            .map(|previous| format!("was {previous}"));
        let reason = self.reason.as_ref().map(|reason| reason.replace('_', " "));
        Row {
            actions: vec![self.action.clone()],
            details: previous.into_iter().chain(reason).collect(),
            ..Row::default()
        }
    }
}

/// The change that an apply is.
fn applied(stream: &Stream, apply: &Apply, origin: &Origin<'_>, told: &mut Told) -> Option<Change> {
    told.notes
        .push("an apply: what differed before it is not drift".to_owned());
    let Some(started_at) = apply.started_at.or(stream.last_at) else {
        let what = "an apply without any time: it is not shown; write the stream as Terraform does";
        told.limits.push(origin.limit(what));
        return None;
    };
    let failure = stream.failure();
    let mut notes = Vec::new();
    let outcome = if failure.is_some() || apply.failed > 0 {
        Outcome::Failed
    } else if apply.summary.is_some() {
        Outcome::Ok
    } else {
        let silent_from = stream.last_at.unwrap_or(started_at) + SILENT;
        if origin.now < silent_from {
            told.good_until = Some(silent_from);
            Outcome::Running
        } else {
            let note = "the stream ends without a summary: how it ended is not known";
            notes.push(Untrusted::line(note));
            Outcome::Unknown
        }
    };
    let finished_at = match outcome {
        Outcome::Running | Outcome::Unknown => None,
        Outcome::Ok | Outcome::Failed => apply.finished_at.or(stream.last_at),
    };
    let progress = match &apply.summary {
        Some(summary) => {
            let WireSummary {
                add,
                change,
                remove,
                ..
            } = summary;
            format!("{add} added, {change} changed, {remove} destroyed")
        }
        None => {
            let failed = match apply.failed {
                0 => String::new(),
                failed => format!(", {failed} failed"),
            };
            format!("{} of {} steps done{failed}", apply.done, apply.begun)
        }
    };
    let named = Named {
        address: origin.scope,
        kind: Some("apply"),
        ..Named::default()
    };
    let id = origin.id(&format!("apply:{}", started_at.to_rfc3339()));
    Some(Change {
        id,
        source: origin.source.clone(),
        also: Vec::new(),
        subject: origin.subject(named),
        kind: if apply.destroys {
            ChangeKind::InfraDestructive
        } else {
            ChangeKind::Infra
        },
        versions: Versions {
            to: origin.commit.map(|commit| origin.line(commit)),
            ..Versions::default()
        },
        who: None,
        started_at,
        finished_at,
        outcome,
        told: change::Told {
            reason: failure.map(|failure| origin.line(&failure)),
            progress: Some(origin.line(&progress)),
            notes,
            ..change::Told::default()
        },
    })
}
