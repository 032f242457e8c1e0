//! Which files are plans, where do they come from, and by which name are they known?
//!
//! Called by [`super::read`] before anything is read but the sidecars.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::sidecar::{self, Sidecar};
use super::taint::Taint;
use super::tell::Origin;
use crate::config::delivery::{DeclaredPlace, Provenance, TerraformSettings};
use crate::domain::drift::Report;
use crate::domain::source::SourceName;
use crate::domain::text::Untrusted;
use crate::sources::folder::{Listed, Listing};

/// No larger file is read.
const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

/// All files together are no larger.
const MAX_TOTAL_BYTES: u64 = 1024 * 1024 * 1024;

/// What is asked, and where.
pub(super) struct Asked<'a> {
    pub(super) source: &'a SourceName,
    pub(super) settings: &'a TerraformSettings,
    pub(super) place: &'a DeclaredPlace,
    pub(super) now: DateTime<Utc>,
}

/// A file, and what its sidecar says.
pub(super) struct Plan<'a> {
    pub(super) file: &'a Listed,
    pub(super) sidecar: Sidecar,
    pub(super) scope: String,
    /// Why it is not read at all.
    pub(super) refused: Option<String>,
}

/// Each plan with its sidecar, and what is wrong with the sidecars.
pub(super) fn plans<'a>(
    listing: &'a Listing,
    settings: &TerraformSettings,
) -> (Vec<Plan<'a>>, Vec<String>) {
    let mut problems = Vec::new();
    let (sidecars, files): (Vec<&Listed>, Vec<&Listed>) = listing
        .files
        .iter()
        .partition(|file| sidecar::is_sidecar(&file.name));
    let by_name: HashMap<&str, &Listed> = sidecars.iter().map(|s| (&*s.name, *s)).collect();
    let mut used: HashSet<String> = HashSet::new();
    let mut total = 0_u64;
    let mut plans: Vec<Plan<'a>> = Vec::new();
    for file in files {
        let mut said = Sidecar::default();
        let mut is_first = true;
        for name in sidecar::names_for(&file.name) {
            let Some(found) = by_name.get(&*name) else {
                continue;
            };
            if std::mem::take(&mut is_first) {
                let (read, wrong) = sidecar::read(found);
                said = read;
                problems.extend(wrong);
            } else {
                problems.push(format!("{name}: another sidecar of {} counts", file.name));
            }
            used.insert(name);
        }
        let size = file.identity.size;
        let refused = if size > MAX_FILE_BYTES {
            let mib = MAX_FILE_BYTES / (1024 * 1024);
            Some(format!(
                "is larger than {mib} MiB: not read; plan fewer resources at once, or write the stream of `plan -json`"
            ))
        } else if total.saturating_add(size) > MAX_TOTAL_BYTES {
            Some("comes after 1 GiB of other plans: not read; take old plans away".to_owned())
        } else {
            total += size;
            None
        };
        plans.push(Plan {
            file,
            sidecar: said,
            scope: String::new(),
            refused,
        });
    }
    let orphans = sidecars.iter().filter(|s| !used.contains(&s.name));
    problems.extend(orphans.map(|s| {
        let name = &s.name;
        format!("{name}: speaks of no plan that is there; name it like its plan, or take it away")
    }));
    name_scopes(&mut plans, settings);
    (plans, problems)
}

/// The workspace names a plan, if no other plan has the same; else its file does.
fn name_scopes(plans: &mut [Plan<'_>], settings: &TerraformSettings) {
    let names = |plan: &Plan<'_>| -> Vec<String> {
        let told = plan.sidecar.provenance.workspace.as_ref();
        let workspace = told.or(settings.provenance.workspace.as_ref());
        let file = &plan.file.name;
        let stem = sidecar::stem(file).to_owned();
        workspace
            .cloned()
            .into_iter()
            .chain([stem, file.clone()])
            .collect()
    };
    let mut counts: HashMap<String, usize> = HashMap::new();
    for plan in &*plans {
        let unique: HashSet<String> = names(plan).into_iter().collect();
        for name in unique {
            *counts.entry(name).or_default() += 1;
        }
    }
    for plan in plans {
        let names = names(plan);
        let alone = names.iter().find(|name| counts.get(*name) == Some(&1));
        plan.scope = alone.or(names.last()).cloned().unwrap_or_default();
    }
}

impl Plan<'_> {
    /// What is the same for everything that it tells.
    pub(super) fn origin<'a>(&'a self, asked: &'a Asked<'_>, taint: &'a Taint) -> Origin<'a> {
        let (own, general) = (&self.sidecar.provenance, &asked.settings.provenance);
        let provenance = Provenance {
            command: own.command.clone().or_else(|| general.command.clone()),
            workspace: own.workspace.clone().or_else(|| general.workspace.clone()),
            commit: own.commit.clone().or_else(|| general.commit.clone()),
        };
        let text = provenance_text(&provenance);
        Origin {
            source: asked.source,
            place: asked.place,
            scope: &self.scope,
            file: &self.file.name,
            commit: own.commit.as_deref().or(general.commit.as_deref()),
            report: Report {
                at: self.sidecar.made_at,
                cadence_secs: asked.settings.cadence.map(|cadence| cadence.as_secs()),
                provenance: text.map(|text| Untrusted::line(&taint.redact(&text))),
            },
            taint,
            now: asked.now,
        }
    }
}

fn provenance_text(provenance: &Provenance) -> Option<String> {
    let workspace = provenance.workspace.as_ref();
    let commit = provenance.commit.as_ref();
    let told: Vec<String> = provenance
        .command
        .clone()
        .into_iter()
        .chain(workspace.map(|workspace| format!("workspace {workspace}")))
        .chain(commit.map(|commit| format!("commit {commit}")))
        .collect();
    (!told.is_empty()).then(|| told.join(", "))
}
