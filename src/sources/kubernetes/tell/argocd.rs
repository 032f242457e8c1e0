//! Which syncs did Argo CD make?
//!
//! The history of an Application holds those that succeeded; the last operation is told besides while
//! it goes on and where it failed. Called by `tell`.

use chrono::{DateTime, Utc};

use super::image::short_revision;
use super::scene::{At, Scene, limit};
use crate::domain::change::{
    Actor, ActorKind, Change, ChangeKind, Outcome, Subject, Told, Versions,
};
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::service::WORKLOAD_LABEL;
use crate::domain::text::Untrusted;
use crate::sources::kubernetes::object::{
    Application, ApplicationStatus, Initiator, Object, OperationState, Revisions,
};

/// The namespace that Argo CD is installed in by default: its applications need no namespace to be known.
const HOME: &str = "argocd";
/// The cluster that Argo CD itself runs in, by address and by name.
const HERE: [&str; 2] = ["https://kubernetes.default.svc", "in-cluster"];

/// `argocd/checkout`, or with the namespace of the application where that is not the usual one.
pub(super) fn target(object: &Object) -> String {
    match object.meta.namespace.as_deref() {
        Some(namespace) if namespace != HOME => format!("argocd/{namespace}/{}", object.meta.name),
        _ => format!("argocd/{}", object.meta.name),
    }
}

/// Where what an application holds is.
pub(super) enum Where<'a> {
    /// In this cluster.
    Here,
    /// In another one, by its name where it has one.
    Elsewhere(Option<&'a str>),
}

pub(super) fn destination(app: &Application) -> Where<'_> {
    let Some(spec) = &app.spec else {
        return Where::Here;
    };
    let to = &spec.destination;
    let named = |word: &Option<Box<str>>| word.as_deref().is_some_and(|word| !word.is_empty());
    let is_here = |word: &Option<Box<str>>| {
        let word = word.as_deref().unwrap_or_default();
        HERE.contains(&word.trim_end_matches('/'))
    };
    if is_here(&to.server) || is_here(&to.name) || !(named(&to.server) || named(&to.name)) {
        return Where::Here;
    }
    Where::Elsewhere(to.name.as_deref().filter(|name| !name.is_empty()))
}

/// What an application, or something that it holds, is.
pub(super) fn subject<'l>(
    scene: &Scene<'_>,
    app: &Application,
    at: At<'_>,
    own: impl Iterator<Item = (&'l str, &'l str)>,
) -> Subject {
    match destination(app) {
        Where::Here => scene.subject(at, own),
        Where::Elsewhere(name) => scene.subject_elsewhere(at, own, name),
    }
}

pub(super) fn tell(
    scene: &Scene<'_>,
    object: &Object,
    app: &Application,
    answer: &mut DeliveryAnswer,
) {
    let Some(status) = &app.status else {
        let what = "has no status: Argo CD has not looked at it";
        limit(answer, "application", &object.meta, what);
        return;
    };
    let target = target(object);
    let spec = app.spec.as_ref();
    let at = At {
        target: &target,
        namespace: spec.and_then(|spec| spec.destination.namespace.as_deref()),
        kind: "Application",
        name: &object.meta.name,
    };
    let own = object.meta.labels.iter();
    let workload = status.resources.workload.as_deref();
    let workload = workload.map(|name| (WORKLOAD_LABEL, name));
    let telling = Telling {
        scene,
        target: &target,
        subject: subject(scene, app, at, own.chain(workload)),
        name: format!(
            "argocd/application/{}/{}",
            object.meta.namespace.as_deref().unwrap_or_default(),
            object.meta.name
        ),
    };
    let first = answer.changes.len();
    telling.history(object, status, answer);
    if let Some(operation) = &status.operation_state {
        telling.operation(status, operation, &mut answer.changes, first);
    }
}

struct Telling<'s, 'a> {
    scene: &'s Scene<'a>,
    target: &'s str,
    subject: Subject,
    name: String,
}

impl Telling<'_, '_> {
    fn history(&self, object: &Object, status: &ApplicationStatus, answer: &mut DeliveryAnswer) {
        let history = &status.history;
        for (at, synced) in history.iter().enumerate() {
            let Some(start) = synced.deploy_started_at.or(synced.deployed_at) else {
                let id = synced.id.unwrap_or_default();
                let what = format!("history {id} has no time");
                limit(answer, "application", &object.meta, &what);
                continue;
            };
            let before: Vec<&Revisions> = history[..at].iter().map(|s| &s.revisions).collect();
            let mut change = self.change(start, &before, &synced.revisions);
            change.outcome = Outcome::Ok;
            change.finished_at = synced.deployed_at.filter(|at| *at >= start);
            change.who = synced.initiated_by.as_ref().and_then(|by| self.actor(by));
            answer.changes.push(change);
        }
    }

    /// The last operation: beside the history, or, where that tells of it, its reason.
    fn operation(
        &self,
        status: &ApplicationStatus,
        state: &OperationState,
        changes: &mut Vec<Change>,
        first: usize,
    ) {
        let (operation, Some(start)) = (state.operation.as_ref(), state.started_at) else {
            return;
        };
        let sync = operation.and_then(|operation| operation.sync.as_ref());
        if sync.is_some_and(|sync| sync.dry_run == Some(true)) {
            return;
        }
        let info = operation.map_or(&[][..], |operation| &operation.info);
        let info = info
            .iter()
            .find(|info| info.name.eq_ignore_ascii_case("reason"));
        let reason = info.map(|info| self.scene.line(&info.value));
        let is_told = |change: &&mut Change| {
            let ended = state.finished_at.is_some() && change.finished_at == state.finished_at;
            change.started_at == start || ended
        };
        if let Some(change) = changes[first..].iter_mut().find(is_told) {
            change.told.reason = reason;
            return;
        }
        let done = state.sync_result.as_ref().map(|result| &result.revisions);
        let asked = sync.map(|sync| &sync.revisions);
        let now = [done, asked].into_iter().flatten();
        let none = Revisions::default();
        let now = now
            .into_iter()
            .find(|r| !r.all().is_empty())
            .unwrap_or(&none);
        let before: Vec<&Revisions> = status.history.iter().map(|s| &s.revisions).collect();
        let mut change = self.change(start, &before, now);
        let by = operation.and_then(|operation| operation.initiated_by.as_ref());
        change.who = by.and_then(|by| self.actor(by));
        change.outcome = match &*state.phase {
            "Running" | "Terminating" => Outcome::Running,
            "Succeeded" => Outcome::Ok,
            "Failed" | "Error" => Outcome::Failed,
            _ => Outcome::Unknown,
        };
        let message = (!state.message.is_empty()).then(|| self.scene.line(&state.message));
        let mut notes = Vec::new();
        if change.outcome == Outcome::Running {
            change.told.progress = message;
            change.told.reason = reason;
        } else {
            change.finished_at = state.finished_at.filter(|at| *at >= start);
            let is_bad = change.outcome == Outcome::Failed;
            if let (true, Some(_), Some(message)) = (is_bad, &reason, &message) {
                notes.push(message.raw().to_owned());
            }
            change.told.reason = reason.or(message.filter(|_| is_bad));
        }
        if let Some(sync) = sync.filter(|sync| !sync.resources.is_empty()) {
            notes.push(format!("of {} of its resources only", sync.resources.len()));
        }
        notes.extend(refused(state));
        let notes = notes.iter().map(|text| Untrusted::line(text));
        change.told.notes.extend(notes);
        changes.push(change);
    }

    fn change(&self, start: DateTime<Utc>, before: &[&Revisions], now: &Revisions) -> Change {
        let last = before.last().map(|last| last.all());
        let now = now.all();
        let kind = match &last {
            Some(last) if *last == now => ChangeKind::Config,
            Some(_) if before.iter().any(|earlier| earlier.all() == now) && !now.is_empty() => {
                ChangeKind::Rollback
            }
            _ => ChangeKind::Version,
        };
        let mut notes = Vec::new();
        if kind == ChangeKind::Config {
            notes.push(self.scene.line("the same revision again"));
        }
        Change {
            // The number in the history is not known before it succeeded; its beginning is.
            id: self
                .scene
                .id(&format!("{}@{}", self.name, start.timestamp())),
            source: self.scene.source.clone(),
            also: Vec::new(),
            subject: Subject {
                target: self.scene.line(self.target),
                ..self.subject.clone()
            },
            kind,
            versions: Versions {
                from: last.and_then(|last| self.revisions(&last)),
                to: self.revisions(&now),
                from_is_derived: false,
            },
            who: None,
            started_at: start,
            finished_at: None,
            outcome: Outcome::Unknown,
            told: Told {
                notes,
                ..Told::default()
            },
        }
    }

    fn revisions(&self, all: &[&str]) -> Option<Untrusted> {
        written(all).map(|text| self.scene.line(&text))
    }

    fn actor(&self, by: &Initiator) -> Option<Actor> {
        if by.automated == Some(true) {
            return Some(Actor {
                name: self.scene.line("automated sync"),
                kind: ActorKind::Automation,
            });
        }
        let name = by.username.as_deref().filter(|name| !name.is_empty())?;
        Some(Actor {
            name: self.scene.line(name),
            kind: ActorKind::Person,
        })
    }
}

/// Commits cut short; of several sources each its own.
pub(super) fn written(all: &[&str]) -> Option<String> {
    let words: Vec<String> = all.iter().map(|one| short_revision(one)).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// What the API server did not take, the first few. What it says of a secret may hold its value.
fn refused(state: &OperationState) -> Vec<String> {
    const MOST: usize = 3;
    let results = state.sync_result.as_ref();
    let results = results.map_or(&[][..], |result| &result.resources);
    let failed = results
        .iter()
        .filter(|result| &*result.status == "SyncFailed");
    let failed: Vec<_> = failed.collect();
    let mut told: Vec<String> = failed
        .iter()
        .take(MOST)
        .map(|result| match &*result.kind {
            "Secret" => format!("Secret/{} was refused", result.name),
            kind => format!("{kind}/{}: {}", result.name, result.message),
        })
        .collect();
    if failed.len() > MOST {
        told.push(format!("and {} more were refused", failed.len() - MOST));
    }
    told
}
