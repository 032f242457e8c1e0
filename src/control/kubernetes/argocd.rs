//! What does Argo CD apply, and when?
//!
//! Refresh, sync, rollback and terminate through the Application itself, as Argo CD's own server writes them.
//! An Application has no status subresource, so that its generation counts its status: its spec is tested
//! whole instead. Called by [`super::super::families`]; the operation of a sync is put together in
//! [`super::argocd_operation`].

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::argocd_operation::{Operation, back_step, sync_step};
use super::draft::{
    Back, Draft, Patch, difference, either, is_not, list, marker_evidence, name, namespaced, read,
    step, text,
};
use super::finish::{Context, list_all, object, pin, pinned};
use super::sync_window::{Windows, windows};
use super::{Access, Cluster};
use crate::control::NoPlan;
use crate::domain::action::{ActionRequest, Direction, Risk};
use crate::domain::check::{Condition, ReadCheck, at};
use crate::domain::plan::{Grade, Holds, Plan, Seed, Target};
use crate::domain::source::SourceName;
use crate::domain::text::{Untrusted, shown};

const ALL: &str = "/apis/argoproj.io/v1alpha1/applications";
const REFRESH: &str = "argocd.argoproj.io/refresh";
pub(super) const PHASE: &str = "/status/operationState/phase";
pub(super) const STARTED: &str = "/status/operationState/startedAt";
/// Of the resources that differ, so many are named.
const MAX_NAMED: usize = 40;

/// An Application, and what stands around it.
pub(super) struct App {
    pub(super) object: Value,
    /// What its project's sync windows say.
    pub(super) windows: Windows,
}

impl App {
    pub(super) fn at(&self, place: &str) -> &str {
        text(&self.object, place)
    }

    pub(super) fn path(&self) -> String {
        path(self.at("/metadata/namespace"), self.at("/metadata/name"))
    }

    pub(super) fn words(&self) -> String {
        let (namespace, name) = (self.at("/metadata/namespace"), self.at("/metadata/name"));
        format!("{namespace}/application/{name}")
    }

    pub(super) fn has_auto_sync(&self) -> bool {
        let automated = at(&self.object, "/spec/syncPolicy/automated");
        let is_off = at(&self.object, "/spec/syncPolicy/automated/enabled")
            .and_then(Value::as_bool)
            == Some(false);
        automated.is_some_and(|a| !a.is_null()) && !is_off
    }

    pub(super) fn has_several_sources(&self) -> bool {
        !list(&self.object, "/spec/sources").is_empty()
    }

    /// The operation that is there, in words.
    fn running(&self) -> Option<String> {
        let phase = self.at(PHASE);
        let is_there = at(&self.object, "/operation").is_some_and(|o| !o.is_null());
        if !is_there && !matches!(phase, "Running" | "Terminating") {
            return None;
        }
        let by = match self.at("/operation/initiatedBy/username") {
            "" => self.at("/status/operationState/operation/initiatedBy/username"),
            by => by,
        };
        let by = if by.is_empty() { "auto-sync" } else { by };
        let since = self.at(STARTED);
        Some(format!("one of {by} is there: {phase} since {since}"))
    }
}

fn path(namespace: &str, name: &str) -> String {
    format!("/apis/argoproj.io/v1alpha1/namespaces/{namespace}/applications/{name}")
}

/// Pins the Application.
pub(crate) async fn resolve(
    cluster: &Cluster,
    request: &ActionRequest,
) -> Result<Vec<Target>, NoPlan> {
    let found = find(cluster, request.text("app")?).await?;
    Ok(vec![pin(cluster, &found, "application").await?])
}

/// By `NAMESPACE/NAME`, or by its name alone where only one has it.
async fn find(cluster: &Cluster, app: &str) -> Result<Value, NoPlan> {
    if app.contains('/') {
        let (namespace, name) = namespaced(app)?;
        return object(
            cluster,
            &path(namespace, name),
            &format!("Application {app}"),
        )
        .await;
    }
    let name = name(app)?;
    let query = format!("{ALL}?fieldSelector=metadata.name%3D{name}");
    let mut found = match list_all(cluster, &query).await {
        Ok(found) => found,
        // Who may not see all of them may see those of the usual namespace.
        Err(_) => vec![
            object(
                cluster,
                &path("argocd", name),
                &format!("Application {app}"),
            )
            .await?,
        ],
    };
    if found.len() > 1 {
        let places = found.iter().map(|one| text(one, "/metadata/namespace"));
        let places = places.collect::<Vec<_>>().join(", ");
        return Err(NoPlan::new(format!(
            "several Applications are called {app}: write NAMESPACE/{app}, of {places}"
        )));
    }
    let found = found.pop();
    found.ok_or_else(|| NoPlan::new(format!("{}: there is no Application {app}", cluster.name())))
}

/// Plans a refresh, a sync, a rollback or a termination.
pub(crate) async fn plan(
    cluster: &Cluster,
    request: &ActionRequest,
    seed: &Seed,
    targets: &[Target],
) -> Result<Plan, NoPlan> {
    let known = targets.first();
    let own = known.and_then(|target| target.namespace.as_ref());
    let (own, name) = match (own, known) {
        (Some(own), Some(target)) => (name(own.raw())?, name(target.word.raw())?),
        _ => return Err(NoPlan::new("nothing was resolved to be changed")),
    };
    let object = pinned(cluster, &path(own, name), known).await?;
    let windows = match &*request.action {
        "argocd.app.sync" | "argocd.app.rollback" => look(cluster, &object, seed.at).await,
        _ => Windows::Open("it applies nothing".to_owned()),
    };
    let draft = draft(cluster.name(), request, &App { object, windows }, seed)?;
    Context::new(cluster, request, seed, targets)
        .finish(draft)
        .await
}

/// What the sync windows of its project say now, by the server's clock.
async fn look(cluster: &Cluster, app: &Value, asked_at: DateTime<Utc>) -> Windows {
    let namespace = match text(app, "/status/controllerNamespace") {
        "" => text(app, "/metadata/namespace"),
        namespace => namespace,
    };
    let (Ok(namespace), Ok(project)) = (name(namespace), name(text(app, "/spec/project"))) else {
        return Windows::Unknown("its project has no name".to_owned());
    };
    let path = format!("/apis/argoproj.io/v1alpha1/namespaces/{namespace}/appprojects/{project}");
    match cluster.get(&path).await {
        Err(why) => Windows::Unknown(why.to_string()),
        Ok(found) => match found.value {
            Some(object) => windows(&object, app, found.server_date.unwrap_or(asked_at)),
            None => Windows::Unknown(format!("there is no AppProject {namespace}/{project}")),
        },
    }
}

fn draft(
    server: &SourceName,
    request: &ActionRequest,
    app: &App,
    seed: &Seed,
) -> Result<Draft, NoPlan> {
    if at(&app.object, "/metadata/deletionTimestamp").is_some() {
        return Err(NoPlan::new(format!("{} is being deleted", app.words())));
    }
    let mut draft = match &*request.action {
        "argocd.app.refresh" => refresh(server, app, seed),
        "argocd.app.sync" => sync(server, request, app, seed)?,
        "argocd.app.rollback" => rollback(server, request, app, seed)?,
        "argocd.app.terminate" => terminate(server, app, seed)?,
        other => {
            let other = shown(other);
            return Err(NoPlan::new(format!("nothing here plans `{other}`")));
        }
    };
    draft.needs(
        Access::to("patch", "argoproj.io", "applications")
            .within(app.at("/metadata/namespace"))
            .named(app.at("/metadata/name")),
    );
    Ok(draft)
}

fn refresh(server: &SourceName, app: &App, seed: &Seed) -> Draft {
    let title = format!("refresh {}", app.words());
    let mut draft = Draft::new(title, Risk::R0, Direction::Neutral);
    let path = app.path();
    let write = Patch::of(&app.object)
        .marked(&app.object, &seed.id, &[(REFRESH, "hard")])
        .write(server, &path);
    let evidence = marker_evidence(server, &path, &app.object, &seed.id, &[]);
    let mut step = step(&draft.title, write, evidence);
    let annotation = "/metadata/annotations/argocd.argoproj.io~1refresh";
    let reconciled = "/status/reconciledAt";
    step.check = Some(ReadCheck {
        read: read(server, &path),
        done: vec![
            Condition::Absent(annotation.to_owned()),
            is_not(reconciled, json!(app.at(reconciled))),
        ],
        failed: Vec::new(),
        shown: vec![(Untrusted::line("compared"), reconciled.to_owned())],
        within: Duration::from_mins(3),
    });
    draft.step(step);
    draft.back = Back::None("it compares only: nothing is changed".to_owned());
    if app.has_auto_sync() {
        let detail = "auto-sync is on: what it finds new in git is applied at once";
        draft.holds("it compares only", Holds::Warns, detail);
    }
    draft
}

fn sync(
    server: &SourceName,
    request: &ActionRequest,
    app: &App,
    seed: &Seed,
) -> Result<Draft, NoPlan> {
    let prunes = request.is_set("prune");
    let operation = Operation::sync(app, request, prunes)?;
    let risk = if prunes { Risk::R3 } else { Risk::R2 };
    let title = format!("sync {} to {}", app.words(), operation.short());
    let mut draft = Draft::new(title, risk, Direction::Adds);
    draft.step(sync_step(server, app, request, seed, &operation));
    idle(&mut draft, app);
    window(&mut draft, app);
    if app.has_auto_sync() {
        let is_other = operation.differs_from_compared(app);
        let (state, detail) = if is_other {
            (
                Holds::No,
                "auto-sync is on and would apply git's newest again: turn it off first",
            )
        } else {
            (
                Holds::Warns,
                "auto-sync is on: why has it not applied this itself?",
            )
        };
        draft.holds("auto-sync does not interfere", state, detail);
    }
    for condition in list(&app.object, "/status/conditions") {
        if text(condition, "/type").ends_with("Error") {
            let (kind, message) = (text(condition, "/type"), text(condition, "/message"));
            let detail = format!("{kind}: {message}");
            draft.holds("Argo CD could compare it", Holds::Warns, &detail);
        }
    }
    changes(&mut draft, app, &operation, prunes);
    if prunes {
        draft.holds(
            "nothing is lost",
            Holds::Warns,
            "what git no longer declares is deleted, with its data",
        );
    }
    draft.back = match (app.has_auto_sync(), Operation::deployed(app)) {
        (true, _) => Back::None("auto-sync applies git again: revert in git".to_owned()),
        (false, None) => Back::None("it has no earlier deployment".to_owned()),
        (false, Some(before)) if before.is_same_as(&operation) => Back::None(
            "it applies what was deployed already: what differed by hand is not kept".to_owned(),
        ),
        (false, Some(before)) => Back::Steps(
            format!("roll back to {}", before.short()),
            vec![back_step(server, app, seed, &before)],
        ),
    };
    Ok(draft)
}

fn rollback(
    server: &SourceName,
    request: &ActionRequest,
    app: &App,
    seed: &Seed,
) -> Result<Draft, NoPlan> {
    let wanted = request.integer("to")?;
    let operation = Operation::of_history(app, wanted)?;
    let now = Operation::deployed(app);
    if now.as_ref().is_some_and(|now| now.is_same_as(&operation)) {
        return Err(NoPlan::new(format!(
            "{} has {} deployed already",
            app.words(),
            operation.short()
        )));
    }
    let title = format!(
        "roll {} back to {wanted} ({})",
        app.words(),
        operation.short()
    );
    let mut draft = Draft::new(title, Risk::R2, Direction::Reduces);
    draft.step(sync_step(server, app, request, seed, &operation));
    idle(&mut draft, app);
    window(&mut draft, app);
    let (state, detail) = if app.has_auto_sync() {
        (
            Holds::No,
            "auto-sync is on and would apply git's newest again: turn it off first, or revert in git",
        )
    } else {
        (Holds::Yes, "it is off")
    };
    draft.holds("auto-sync is off", state, detail);
    draft.holds(
        "git says the same",
        Holds::Warns,
        "git still declares the newer version: revert it there too",
    );
    changes(&mut draft, app, &operation, false);
    draft.back = match now {
        Some(now) => Back::Steps(
            format!("sync to {} again", now.short()),
            vec![back_step(server, app, seed, &now)],
        ),
        None => Back::None("nobody knows what is deployed now".to_owned()),
    };
    Ok(draft)
}

fn terminate(server: &SourceName, app: &App, seed: &Seed) -> Result<Draft, NoPlan> {
    let running = match app.running() {
        Some(running) if app.at(PHASE) == "Running" => running,
        Some(other) => {
            return Err(NoPlan::new(format!(
                "{}: no operation runs that could be ended ({other})",
                app.words()
            )));
        }
        None => {
            return Err(NoPlan::new(format!(
                "{}: no operation is there",
                app.words()
            )));
        }
    };
    let title = format!("terminate the operation of {}", app.words());
    let mut draft = Draft::new(title, Risk::R2, Direction::Reduces);
    let path = app.path();
    // By its start: an operation that began since is not the one that was meant.
    let write = Patch::of(&app.object)
        .still(&app.object, "/operation")
        .still(&app.object, STARTED)
        .put(&app.object, PHASE, json!("Terminating"))
        .marked(&app.object, &seed.id, &[])
        .write(server, &path);
    let evidence = marker_evidence(server, &path, &app.object, &seed.id, &[STARTED]);
    let mut step = step(&draft.title, write, evidence);
    let is_another = is_not(STARTED, json!(app.at(STARTED)));
    let is_no_more = |phase: &str| either(is_another.clone(), is_not(PHASE, json!(phase)));
    step.check = Some(ReadCheck {
        read: read(server, &path),
        done: vec![is_no_more("Running"), is_no_more("Terminating")],
        failed: Vec::new(),
        shown: vec![(Untrusted::line("phase"), PHASE.to_owned())],
        within: Duration::from_mins(5),
    });
    draft.step(step);
    draft.holds("an operation runs", Holds::Yes, &running);
    draft.holds(
        "what it applied is whole",
        Holds::Warns,
        "what it applied so far stays, and hooks may be left over",
    );
    if app.has_auto_sync() {
        let detail = "auto-sync is on: it may begin again by itself";
        draft.holds("it stays ended", Holds::Warns, detail);
    }
    draft.differences.push(difference(
        "operation",
        Some("Running"),
        Some("Terminating"),
    ));
    draft.back = Back::None("an ended operation is begun anew: sync again".to_owned());
    Ok(draft)
}

/// Whether another operation is there.
fn idle(draft: &mut Draft, app: &App) {
    let (state, detail) = match app.running() {
        Some(running) => (
            Holds::No,
            format!("{running}. Wait for it, or end it: argocd.app.terminate"),
        ),
        None => (Holds::Yes, "none is there".to_owned()),
    };
    draft.holds("no operation runs", state, &detail);
}

fn window(draft: &mut Draft, app: &App) {
    let (state, detail) = match &app.windows {
        Windows::Open(why) => (Holds::Yes, why),
        Windows::Closed(why) => (Holds::No, why),
        Windows::Unknown(why) => (Holds::Unknown, why),
    };
    draft.holds("sync windows let it through", state, detail);
}

/// What is applied, by Argo CD's last comparison.
fn changes(draft: &mut Draft, app: &App, operation: &Operation, prunes: bool) {
    let deployed = Operation::deployed(app).map(|now| now.short());
    draft.differences.push(difference(
        "revision",
        deployed.as_deref(),
        Some(&operation.short()),
    ));
    let resources = list(&app.object, "/status/resources");
    let differ: Vec<&Value> = resources
        .iter()
        .filter(|one| text(one, "/status") != "Synced")
        .collect();
    for one in differ.iter().take(MAX_NAMED) {
        let (kind, namespace) = (text(one, "/kind"), text(one, "/namespace"));
        let place = format!("{kind} {namespace}/{}", text(one, "/name"));
        let is_pruned = at(one, "/requiresPruning").and_then(Value::as_bool) == Some(true);
        let after = match (is_pruned, prunes) {
            (true, true) => "deleted",
            (true, false) => "kept, though git no longer declares it",
            (false, _) => "as git declares it",
        };
        let before = text(one, "/status");
        draft
            .differences
            .push(difference(&place, Some(before), Some(after)));
    }
    if differ.len() > MAX_NAMED {
        draft.touches(&format!("{} resources differ", differ.len()));
    }
    draft.blast.count = u32::try_from(differ.len().max(1)).ok();
    draft.blast.of = u32::try_from(resources.len()).ok();
    let mut namespaces: Vec<&str> = resources.iter().map(|r| text(r, "/namespace")).collect();
    namespaces.push(app.at("/spec/destination/namespace"));
    namespaces.sort_unstable();
    namespaces.dedup();
    namespaces.retain(|one| !one.is_empty());
    draft.blast.namespaces = namespaces.into_iter().map(Untrusted::line).collect();
    draft.touches(&format!(
        "{} of {} resources differ from git",
        differ.len(),
        resources.len()
    ));
    draft.grade = Grade::C;
    let compared = app.at("/status/reconciledAt");
    draft.notes.push(format!(
        "the server checked only that the operation may be set (A for that); what it applies is computed from Argo CD's comparison of {compared}"
    ));
}

#[cfg(test)]
#[path = "argocd_tests.rs"]
mod tests;
