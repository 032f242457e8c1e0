//! What did Argo CD deploy?
//!
//! The history holds syncs of everything that succeeded, ten of them unless configured; everything
//! else - under way, failed, of selected resources - stands only in the last operation.

use chrono::{DateTime, Utc};

use super::{Application, Context, Initiator, OperationState, Revision, real};
use crate::domain::change::{Actor, ActorKind, Change, ChangeKind, Outcome, Told, Versions};
use crate::domain::text::Untrusted;
use crate::sources::rest;

/// The changes that an application tells of, oldest first. What cannot be told goes to `problems`.
pub(in crate::sources) fn changes(
    application: &Application,
    context: &Context<'_>,
    problems: &mut Vec<String>,
) -> Vec<Change> {
    let app = application.qualified_name();
    let mut history: Vec<Sync<'_>> = Vec::new();
    for entry in application.status.history.iter().flatten() {
        let finished_at = real(entry.deployed_at);
        let Some(started_at) = real(entry.deploy_started_at).or(finished_at) else {
            let id = entry.id.unwrap_or_default();
            problems.push(format!("{app}: history {id} was left out: it has no time"));
            continue;
        };
        history.push(Sync {
            key: match (entry.deploy_started_at, entry.id) {
                (None, Some(id)) => id.to_string(),
                _ => key(started_at),
            },
            revision: entry.revision.told().unwrap_or_default(),
            who: entry.initiated_by.as_ref(),
            started_at,
            finished_at,
            outcome: Outcome::Ok,
            told: Told::default(),
        });
    }
    history.sort_by_key(|sync| sync.started_at);
    let state = application.status.operation_state.as_ref();
    let last = state.and_then(|state| operation(state, &history));
    let known = history.len();
    history.extend(last);

    let name = format!("argocd/{app}");
    let syncs = history.iter().enumerate().map(|(at, sync)| {
        let before = &history[..at.min(known)];
        sync.change(application, context, &name, before)
    });
    syncs.collect()
}

struct Sync<'a> {
    /// Within the application. The moment of its beginning is the same while it is under way, when
    /// it failed and in the history; a number it has only there.
    key: String,
    revision: Revision,
    who: Option<&'a Initiator>,
    started_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    outcome: Outcome,
    told: Told,
}

fn key(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

/// The last operation, unless it stands in the history or changed nothing.
fn operation<'a>(state: &'a OperationState, history: &[Sync<'_>]) -> Option<Sync<'a>> {
    let operation = state.operation.as_ref();
    let sync = operation.and_then(|operation| operation.sync.as_ref());
    if sync.and_then(|sync| sync.dry_run).unwrap_or_default() {
        return None;
    }
    let finished_at = real(state.finished_at);
    let started_at = real(state.started_at).or(finished_at)?;
    let phase = state.phase.as_deref().unwrap_or_default();
    let outcome = match phase {
        "Running" | "Terminating" => Outcome::Running,
        "Failed" | "Error" => Outcome::Failed,
        "Succeeded" => Outcome::Ok,
        _ => Outcome::Unknown,
    };
    let result = state.sync_result.as_ref().and_then(Revision::told);
    let asked = sync.and_then(|sync| sync.revision.told());
    let revision = result.or(asked).unwrap_or_default();
    let is_it = |known: &Sync<'_>| {
        let has_same_time = known.started_at == started_at || known.finished_at == finished_at;
        outcome == Outcome::Ok && has_same_time && known.revision.is_same(&revision)
    };
    if history.iter().any(is_it) {
        return None;
    }
    let mut told = told(state, outcome);
    let selected = sync.and_then(|sync| sync.resources.as_ref());
    if selected.is_some_and(|selected| !selected.is_empty()) {
        told.notes
            .push(Untrusted::line("of selected resources only"));
    }
    if outcome == Outcome::Unknown {
        let note = format!("its phase `{phase}` is not known to quell");
        told.notes.push(Untrusted::line(&note));
    }
    Some(Sync {
        key: key(started_at),
        revision,
        who: operation.and_then(|operation| operation.initiated_by.as_ref()),
        started_at,
        finished_at: finished_at.filter(|_| outcome != Outcome::Running),
        outcome,
        told,
    })
}

fn told(state: &OperationState, outcome: Outcome) -> Told {
    let operation = state.operation.as_ref();
    let infos = operation.and_then(|operation| operation.info.as_ref());
    let given = infos.into_iter().flatten().find_map(|info| {
        let name = info.name.as_deref()?;
        name.eq_ignore_ascii_case("reason")
            .then_some(info.value.as_deref()?)
    });
    let given = given.filter(|given| !given.trim().is_empty());
    let message = state.message.as_deref().unwrap_or_default().trim();
    let limit = operation.and_then(|operation| operation.retry.as_ref()?.limit);
    let retry = state
        .retry_count
        .filter(|count| *count > 0)
        .map(|count| match limit {
            Some(limit) if limit > 0 => format!("retry {count} of {limit}"),
            _ => format!("retry {count}"),
        });
    let phase = state
        .phase
        .as_deref()
        .filter(|phase| *phase == "Terminating");
    let phase = phase.map(|_| "terminating".to_owned());
    let goes_on = outcome == Outcome::Running;
    let message_now = (goes_on && !message.is_empty()).then(|| message.to_owned());
    let progress: Vec<String> = [phase, retry, message_now].into_iter().flatten().collect();
    let reason = match (outcome, given) {
        (Outcome::Failed | Outcome::Unknown, Some(given)) if !message.is_empty() => {
            Some(format!("{message} (reason given: {given})"))
        }
        (Outcome::Failed | Outcome::Unknown, None) => Some(message.to_owned()),
        (_, given) => given.map(str::to_owned),
    };
    Told {
        link: None,
        reason: rest::line(reason.as_deref()),
        progress: rest::line(Some(&progress.join(": "))),
        notes: Vec::new(),
    }
}

impl Sync<'_> {
    fn change(
        &self,
        application: &Application,
        context: &Context<'_>,
        name: &str,
        before: &[Sync<'_>],
    ) -> Change {
        let app = application.qualified_name();
        let last = before.last().map(|sync| &sync.revision);
        let from = last.filter(|last| !last.is_same(&self.revision));
        let from = from.map(Revision::words);
        let mut told = self.told.clone();
        told.link = application.link(context);
        Change {
            id: Untrusted::line(&format!("argocd:{}/{app}@{}", context.source, self.key)),
            source: context.source.clone(),
            also: Vec::new(),
            subject: application.subject(context, name),
            kind: self.kind(before),
            versions: Versions {
                from: rest::line(from.as_deref()),
                to: rest::line(Some(&self.revision.words())),
                from_is_derived: false,
            },
            who: self.who.and_then(actor),
            started_at: self.started_at,
            finished_at: self.finished_at,
            outcome: self.outcome,
            told,
        }
    }

    fn kind(&self, before: &[Sync<'_>]) -> ChangeKind {
        let mut earlier = before.iter().rev().map(|sync| &sync.revision);
        match earlier.next() {
            // The same revision again: other parameters, or what was edited is put back.
            Some(last) if last.is_same(&self.revision) => ChangeKind::Config,
            _ if earlier.any(|revision| revision.is_same(&self.revision)) => ChangeKind::Rollback,
            _ => ChangeKind::Version,
        }
    }
}

fn actor(initiator: &Initiator) -> Option<Actor> {
    if initiator.automated.unwrap_or_default() {
        return rest::actor(Some("automated sync"), ActorKind::Automation);
    }
    rest::actor(initiator.username.as_deref(), ActorKind::Person)
}
