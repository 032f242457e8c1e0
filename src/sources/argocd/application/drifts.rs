//! What differs from git?
//!
//! `OutOfSync` says two things with one word: git moved ahead, or somebody edited what runs. They are
//! told apart by the revision that was synced last: as long as git has the same one, it is drift.

use super::{Application, Context, Resource, ResourceKey, Revision, real};
use crate::domain::drift::{Drift, DriftKind, Report};
use crate::domain::text::Untrusted;
use crate::sources::rest;

/// Argo CD compares every three minutes, unless configured otherwise.
const CADENCE_SECS: u64 = 180;
/// Conditions that say that nothing could be compared.
const FAILED_COMPARISONS: [&str; 3] = ["ComparisonError", "InvalidSpecError", "UnknownError"];

/// One difference, and which object it is of.
#[derive(Clone, Debug)]
pub(in crate::sources) struct Difference {
    pub(in crate::sources) drift: Drift,
    /// None: it is of the application as a whole.
    pub(in crate::sources) resource: Option<ResourceKey>,
}

/// What differs of an application. None of it says that all is well: that is an empty list.
pub(in crate::sources) fn drifts(
    application: &Application,
    context: &Context<'_>,
) -> Vec<Difference> {
    let Application { status, .. } = application;
    let mut conditions = status.conditions.iter().flatten();
    let failed = conditions.find(|condition| {
        let kind = condition.kind.as_deref().unwrap_or_default();
        FAILED_COMPARISONS.contains(&kind)
    });
    if let Some(condition) = failed {
        let kind = condition.kind.as_deref().unwrap_or_default();
        let message = condition.message.as_deref().unwrap_or_default();
        let detail = format!("{kind}: {message}");
        return vec![whole(application, context, DriftKind::Error, &detail)];
    }
    let word = status.sync.as_ref().and_then(|sync| sync.status.as_deref());
    match word.unwrap_or_default() {
        "Synced" => Vec::new(),
        "OutOfSync" => out_of_sync(application, context),
        "Unknown" => {
            let detail = "Argo CD does not know whether it is in sync";
            vec![whole(application, context, DriftKind::Unknown, detail)]
        }
        "" => {
            let detail = "Argo CD has not compared it yet";
            vec![whole(application, context, DriftKind::Unknown, detail)]
        }
        other => {
            let detail = format!("the sync status `{other}` is not known to quell");
            vec![whole(application, context, DriftKind::Unknown, &detail)]
        }
    }
}

fn out_of_sync(application: &Application, context: &Context<'_>) -> Vec<Difference> {
    let (kind, why) = verdict(application);
    let resources = application.status.resources.iter().flatten();
    let differing = resources.filter(|r| r.status.as_deref() == Some("OutOfSync"));
    let rows: Vec<Difference> = differing
        .map(|resource| row(application, context, resource, kind, why.as_deref()))
        .collect();
    if rows.is_empty() {
        let detail = why
            .as_deref()
            .unwrap_or("it does not say which resources differ");
        return vec![whole(application, context, kind, detail)];
    }
    rows
}

/// What `OutOfSync` may be taken for, and why.
fn verdict(application: &Application) -> (DriftKind, Option<String>) {
    let Some(declared) = application.declared_revision() else {
        let why = "it does not say with which revision it was compared";
        return (DriftKind::Unknown, Some(why.to_owned()));
    };
    match synced(application) {
        None => {
            let why = format!("never synced; git has {}", declared.words());
            (DriftKind::Pending, Some(why))
        }
        Some(synced) if synced.is_same(&declared) => (DriftKind::Drift, None),
        Some(synced) => {
            let (from, to) = (synced.words(), declared.words());
            (
                DriftKind::Pending,
                Some(format!("synced {from}, git has {to}")),
            )
        }
    }
}

/// The last revision that was applied as a whole.
fn synced(application: &Application) -> Option<Revision> {
    let history = application.status.history.iter().flatten();
    let last = history.max_by_key(|entry| (entry.deployed_at, entry.id));
    let state = application.status.operation_state.as_ref();
    let later = state.filter(|state| {
        let sync = state.operation.as_ref().and_then(|o| o.sync.as_ref());
        let is_partial = sync.is_some_and(|sync| {
            let selected = sync.resources.as_ref().is_some_and(|r| !r.is_empty());
            selected || sync.dry_run.unwrap_or_default()
        });
        let is_later = last.is_none_or(|last| state.finished_at > last.deployed_at);
        state.phase.as_deref() == Some("Succeeded") && !is_partial && is_later
    });
    let later = later.and_then(|state| state.sync_result.as_ref()?.told());
    later.or_else(|| last?.revision.told())
}

fn row(
    application: &Application,
    context: &Context<'_>,
    resource: &Resource,
    kind: DriftKind,
    why: Option<&str>,
) -> Difference {
    let ResourceKey {
        group,
        kind: of,
        namespace,
        name,
    } = &resource.key;
    let app = application.qualified_name();
    let shown = if namespace.is_empty() {
        format!("{of}/{name}")
    } else {
        format!("{namespace}/{of}/{name}")
    };
    let prunes = resource.requires_pruning.unwrap_or_default();
    let action = if prunes { "prune" } else { "sync" };
    let health = resource.health.as_ref().and_then(|health| {
        let status = health.status.as_deref()?;
        // A healthy object's message is small talk.
        let message = health.message.as_deref().filter(|_| status != "Healthy")?;
        Some(format!("{status}: {message}"))
    });
    let gone = prunes.then(|| "git does not have it any more".to_owned());
    let words = [why.map(str::to_owned), gone, health];
    let detail: Vec<String> = words.into_iter().flatten().collect();
    let id = format!(
        "argocd:{}/{app}:{group}/{of}/{namespace}/{name}",
        context.source
    );
    let target = format!("argocd/{app}: {shown}");
    // Whether a sync prunes is up to how it is asked for.
    let is_put_back = kind == DriftKind::Drift && !prunes;
    let drift = Drift {
        actions: vec![Untrusted::line(action)],
        reverted_by_apply: is_put_back.then_some(true),
        ..blank(application, context, &id, &target, kind, &detail.join("; "))
    };
    Difference {
        drift,
        resource: Some(resource.key.clone()),
    }
}

fn whole(
    application: &Application,
    context: &Context<'_>,
    kind: DriftKind,
    detail: &str,
) -> Difference {
    let app = application.qualified_name();
    let id = format!("argocd:{}/{app}", context.source);
    let target = format!("argocd/{app}");
    Difference {
        drift: blank(application, context, &id, &target, kind, detail),
        resource: None,
    }
}

fn blank(
    application: &Application,
    context: &Context<'_>,
    id: &str,
    target: &str,
    kind: DriftKind,
    detail: &str,
) -> Drift {
    Drift {
        id: Untrusted::line(id),
        source: context.source.clone(),
        subject: application.subject(context, target),
        kind,
        actions: Vec::new(),
        paths: Vec::new(),
        reverted_by_apply: None,
        report: Report {
            at: real(application.status.reconciled_at),
            cadence_secs: Some(CADENCE_SECS),
            provenance: application.provenance(),
        },
        detail: rest::line(Some(detail)),
    }
}
