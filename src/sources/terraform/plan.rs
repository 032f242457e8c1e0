//! What does a plan as `terraform show -json` writes it say?
//!
//! Called by [`super::read`] with a document that was read. What stands among the drift was changed
//! outside; what stands among the changes alone waits to be applied. A plan that failed, that looked
//! at a part only, or of an unknown format is never called clean.

use std::collections::{HashMap, HashSet};

use super::document::{Document, Resource};
use super::tell::{Named, Origin, Row, Told};
use crate::domain::drift::{DriftKind, DriftPath};
use crate::domain::text::Untrusted;

/// What a plan says.
pub(super) fn tell(document: &Document, origin: &Origin<'_>) -> Told {
    let mut told = Told::default();
    let version = document.terraform_version.as_deref();
    told.version = version.map(|version| origin.line(version));
    let format = document.format_version.as_deref();
    if format.and_then(|format| format.split('.').next()) != Some("1") {
        let format = format.map_or_else(
            || "the plan names no format_version".to_owned(),
            |format| format!("the plan has format_version {format}"),
        );
        let detail = format!("{format}; quell reads 1.x: nothing is said of it");
        told.drifts
            .push(origin.verdict(DriftKind::Unknown, &detail));
        return told;
    }
    let limits = [
        (document.errored == Some(true)).then(|| {
            let detail = "the plan failed (errored): what it found is not all there is";
            (DriftKind::Error, detail.to_owned())
        }),
        // A plan that failed is not complete either.
        (document.complete == Some(false) && document.errored != Some(true)).then(|| {
            let deferred = match document.deferred {
                0 => String::new(),
                n => format!(", {n} changes were put off"),
            };
            let detail = format!("the plan looked at a part only (-target or alike){deferred}");
            (DriftKind::Partial, detail)
        }),
    ];
    for (kind, detail) in limits.into_iter().flatten() {
        told.drifts.push(origin.verdict(kind, &detail));
    }
    let completeness = document
        .complete
        .is_none()
        .then_some("the plan does not tell whether it is complete");
    rows(document, origin, completeness, &mut told);
    if document.left_out > 0 {
        let left_out = document.left_out;
        told.limits.push(origin.limit(&format!(
            "{left_out} more resources differ than are shown; plan fewer of them at once"
        )));
    }
    for check in &document.checks {
        let what = if check.messages.is_empty() {
            format!("check {}", check.status)
        } else {
            check.messages.join("; ")
        };
        let count = check.messages.len();
        told.troubles
            .push(origin.trouble(&check.address, &what, count));
    }
    notes(document, completeness, &mut told);
    told
}

/// Drift, and what waits to be applied.
fn rows(document: &Document, origin: &Origin<'_>, completeness: Option<&str>, told: &mut Told) {
    let pending = document.pending.iter();
    let by_address: HashMap<&str, &Resource> = pending.map(|r| (&*r.address, r)).collect();
    let mut of_drift: HashMap<&str, &Resource> = HashMap::new();
    for resource in &document.drift {
        let mut row = row(resource, completeness);
        let change = by_address.get(&*resource.address);
        let (is_reverted, detail) = reverts(resource, change.copied());
        row.reverted_by_apply = Some(is_reverted);
        row.details.extend(detail);
        told.drifts
            .push(origin.drift(resource.named(), DriftKind::Drift, row));
        of_drift.insert(&resource.address, resource);
    }
    for resource in &document.pending {
        let mut row = row(resource, completeness);
        if let Some(drift) = of_drift.get(&*resource.address) {
            // What only puts drift back is said there.
            let drifted: HashSet<&Untrusted> = places(drift).collect();
            row.paths.retain(|path| !drifted.contains(&path.path));
            let puts_back_only = row.paths.is_empty() && resource.differences.more == 0;
            let is_same = is_inverse(&drift.actions, &resource.actions);
            if puts_back_only && (is_same || !resource.differences.paths.is_empty()) {
                continue;
            }
            row.details.push("also drifted".to_owned());
        }
        told.drifts
            .push(origin.drift(resource.named(), DriftKind::Pending, row));
    }
}

fn row(resource: &Resource, completeness: Option<&str>) -> Row {
    let mut details = Vec::new();
    if let Some(previous) = &resource.previous {
        details.push(format!("was {previous}"));
    }
    if let Some(reason) = &resource.reason {
        details.push(reason.replace('_', " "));
    }
    if resource.differences.more > 0 {
        let more = resource.differences.more;
        details.push(format!("{more} more places differ than are shown"));
    }
    details.extend(completeness.map(str::to_owned));
    Row {
        actions: resource.actions.clone(),
        paths: resource.differences.paths.clone(),
        reverted_by_apply: None,
        details,
    }
}

/// Whether applying the plan puts back what was changed outside, and what else is to be said of that.
fn reverts(drift: &Resource, change: Option<&Resource>) -> (bool, Option<String>) {
    let Some(change) = change else {
        return (false, None);
    };
    if drift.differences.paths.is_empty() {
        return (is_inverse(&drift.actions, &change.actions), None);
    }
    let changed: HashSet<&Untrusted> = places(change).collect();
    let all = drift.differences.paths.len();
    let reverted = places(drift).filter(|path| changed.contains(path)).count();
    // One that is made anew is as declared afterwards.
    if reverted == all || change.actions.iter().any(|action| action == "create") {
        return (true, None);
    }
    let detail = (reverted > 0).then(|| format!("applying reverts {reverted} of {all} places"));
    (false, detail)
}

fn places(resource: &Resource) -> impl Iterator<Item = &Untrusted> {
    resource
        .differences
        .paths
        .iter()
        .map(|p: &DriftPath| &p.path)
}

/// Whether one undoes the other.
fn is_inverse(drift: &[String], change: &[String]) -> bool {
    let has = |actions: &[String], word: &str| actions.iter().any(|action| action == word);
    match drift {
        [one] if one == "delete" => has(change, "create"),
        [one] if one == "create" => has(change, "delete"),
        [one] if one == "update" => has(change, "update") || has(change, "create"),
        _ => has(change, "create"),
    }
}

/// What is said beside the name of the file.
fn notes(document: &Document, completeness: Option<&str>, told: &mut Told) {
    let count = |n: usize, one: &str, many: &str| match n {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    };
    if document.moved > 0 {
        let moved = count(document.moved, "resource is", "resources are");
        told.notes.push(format!("{moved} only moved"));
    }
    if document.outputs > 0 {
        let is_all = document.drift.is_empty() && document.pending.is_empty();
        let only = if is_all {
            "the plan has only output changes: "
        } else {
            ""
        };
        let outputs = count(document.outputs, "output", "outputs");
        told.notes.push(format!("{only}{outputs} would change"));
    }
    told.notes.extend(completeness.map(str::to_owned));
}

impl Resource {
    fn named(&self) -> Named<'_> {
        Named {
            address: &self.address,
            kind: self.kind.as_deref(),
            name: self.name.as_deref(),
            module: self.module.as_deref(),
        }
    }
}
