//! Which operation is set in an Application?
//!
//! A sync to a pinned revision, put together as Argo CD's own server does it: with the sync options of the
//! Application, and for a rollback with the source of its history. Setting it clears the state of the
//! operation before, which otherwise would look like ours. Called by [`super::argocd`]; pure.

use std::time::Duration;

use serde_json::{Value, json};

use super::argocd::{App, PHASE, STARTED};
use super::draft::{MARKER, Patch, as_before, is, list, marker_evidence, read, step, text};
use crate::control::NoPlan;
use crate::domain::action::ActionRequest;
use crate::domain::check::{Condition, Evidence, ReadCheck, at};
use crate::domain::plan::{Seed, Step};
use crate::domain::source::SourceName;
use crate::domain::text::{Untrusted, shown};

const STATE: &str = "/status/operationState";
/// Where the operation that Argo CD works on carries our mark.
const OURS: &str = "/status/operationState/operation/info/[name=quell.dev~1action-id]/value";

/// What is synced to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operation {
    /// The revision, or one for each source.
    revisions: Vec<String>,
    has_several: bool,
    /// Of a rollback: from where.
    source: Option<Value>,
    prunes: bool,
    /// Whether `Synced` can be expected afterwards.
    is_compared: bool,
}

impl Operation {
    /// A sync to what was compared with, or to the revision that was asked for.
    pub(super) fn sync(app: &App, request: &ActionRequest, prunes: bool) -> Result<Self, NoPlan> {
        let has_several = app.has_several_sources();
        let compared = revisions(&app.object, "/status/sync", has_several);
        let stays = list(&app.object, "/status/resources")
            .iter()
            .any(|r| at(r, "/requiresPruning").and_then(Value::as_bool) == Some(true));
        let revisions = match request.get("revision") {
            None if compared.is_empty() => {
                return Err(NoPlan::new(format!(
                    "{} was not compared with git yet: argocd.app.refresh first",
                    app.words()
                )));
            }
            None => compared.clone(),
            Some(_) if has_several => {
                return Err(NoPlan::new(format!(
                    "{} has several sources: one revision cannot mean all of them",
                    app.words()
                )));
            }
            Some(given) => vec![pinned(app, given)?.to_owned()],
        };
        Ok(Self {
            is_compared: revisions == compared && (prunes || !stays),
            revisions,
            has_several,
            source: None,
            prunes,
        })
    }

    /// The deployment of this id.
    pub(super) fn of_history(app: &App, id: i64) -> Result<Self, NoPlan> {
        let history = list(&app.object, "/status/history");
        let is_it = |one: &&Value| at(one, "/id").and_then(Value::as_i64) == Some(id);
        let Some(entry) = history.iter().find(is_it) else {
            let ids = history.iter().filter_map(|one| at(one, "/id"));
            let ids = ids.map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(NoPlan::new(format!(
                "{} has no deployment {id}: there are {ids}",
                app.words()
            )));
        };
        Self::of_entry(entry).ok_or_else(|| {
            NoPlan::new(format!(
                "deployment {id} of {} does not say its source: sync to its revision instead",
                app.words()
            ))
        })
    }

    /// What was deployed last, by its history.
    pub(super) fn deployed(app: &App) -> Option<Self> {
        let history = list(&app.object, "/status/history");
        let id = |one: &&Value| at(one, "/id").and_then(Value::as_i64);
        Self::of_entry(history.iter().max_by_key(id)?)
    }

    fn of_entry(entry: &Value) -> Option<Self> {
        let has_several = !list(entry, "/sources").is_empty();
        let source = if has_several {
            at(entry, "/sources")
        } else {
            at(entry, "/source").filter(|s| s.as_object().is_some_and(|s| !s.is_empty()))
        };
        let revisions = revisions(entry, "", has_several);
        (!revisions.is_empty()).then_some(())?;
        Some(Self {
            revisions,
            has_several,
            source: Some(source?.clone()),
            prunes: false,
            is_compared: false,
        })
    }

    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.revisions == other.revisions
    }

    pub(super) fn differs_from_compared(&self, app: &App) -> bool {
        self.revisions != revisions(&app.object, "/status/sync", self.has_several)
    }

    /// As people say it.
    pub(super) fn short(&self) -> String {
        let one = |revision: &String| {
            if is_commit(revision) {
                revision[..12].to_owned()
            } else {
                shown(revision)
            }
        };
        self.revisions
            .iter()
            .map(one)
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn body(&self, app: &App, request: Option<&ActionRequest>, mark: &str) -> Value {
        let mut sync = json!({ "prune": self.prunes });
        if self.has_several {
            sync["revisions"] = json!(self.revisions);
        } else {
            sync["revision"] = json!(self.revisions.concat());
        }
        let options = list(&app.object, "/spec/syncPolicy/syncOptions");
        if !options.is_empty() {
            sync["syncOptions"] = json!(options);
        }
        if let Some(source) = &self.source {
            let field = if self.has_several {
                "sources"
            } else {
                "source"
            };
            sync[field] = source.clone();
            sync["syncStrategy"] = json!({ "apply": {} });
        }
        let mut info = vec![json!({ "name": MARKER, "value": mark })];
        let mut by = "quell".to_owned();
        if let Some(request) = request {
            request.by.name.shown().clone_into(&mut by);
            let occasion = &request.occasion;
            for (name, value) in [
                ("Reason", &occasion.reason),
                ("Ticket", &occasion.ticket),
                ("Incident", &occasion.incident),
            ] {
                if let Some(value) = value {
                    info.push(json!({ "name": name, "value": value.shown() }));
                }
            }
        }
        json!({ "initiatedBy": { "username": by }, "info": info, "sync": sync })
    }
}

/// A commit that cannot move, or the version of a chart.
fn pinned<'a>(app: &App, given: &'a str) -> Result<&'a str, NoPlan> {
    let is_chart = !app.at("/spec/source/chart").is_empty();
    if is_commit(given) || is_chart {
        return Ok(given);
    }
    Err(NoPlan::new(format!(
        "`{}` is no whole commit: a branch or tag may move before it is applied",
        shown(given)
    )))
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn revisions(object: &Value, below: &str, has_several: bool) -> Vec<String> {
    if has_several {
        let all = list(object, &format!("{below}/revisions")).iter();
        return all.filter_map(Value::as_str).map(str::to_owned).collect();
    }
    match text(object, &format!("{below}/revision")) {
        "" => Vec::new(),
        revision => vec![revision.to_owned()],
    }
}

/// The step that sets an operation, where none is and none was since.
pub(super) fn sync_step(
    server: &SourceName,
    app: &App,
    request: &ActionRequest,
    seed: &Seed,
    operation: &Operation,
) -> Step {
    let id = seed.id.as_str();
    let path = app.path();
    // Its generation counts its status: what was declared is compared itself.
    let patch = Patch::of(&app.object)
        .still(&app.object, "/spec")
        .test("/operation", Value::Null);
    let patch = match at(&app.object, STATE).filter(|state| !state.is_null()) {
        Some(_) => patch.still(&app.object, STARTED).remove(STATE),
        None if at(&app.object, "/status").is_some() => patch.test(STATE, Value::Null),
        None => patch,
    };
    let write = patch
        .add("/operation", operation.body(app, Some(request), id))
        .marked(&app.object, &seed.id, &[])
        .write(server, &path);
    let evidence = marker_evidence(server, &path, &app.object, &seed.id, &["/spec", STARTED]);
    let what = format!("sync {} to {}", app.words(), operation.short());
    let mut step = step(&what, write, evidence);
    step.check = Some(check(server, app, operation, id));
    step
}

/// The step that syncs back, where the last operation was ours.
pub(super) fn back_step(
    server: &SourceName,
    app: &App,
    seed: &Seed,
    operation: &Operation,
) -> Step {
    let id = seed.id.as_str();
    let mark = format!("{id}-back");
    let path = app.path();
    let write = Patch::of(&app.object)
        .still(&app.object, "/spec")
        .test("/operation", Value::Null)
        .test(&format!("{STATE}/operation/info/0/value"), json!(id))
        .remove(STATE)
        .add("/operation", operation.body(app, None, &mark))
        .write(server, &path);
    let uid = as_before(&app.object, "/metadata/uid");
    let set = "/operation/info/[name=quell.dev~1action-id]/value";
    let evidence = Evidence::Read {
        read: read(server, &path),
        applied: vec![
            uid.clone(),
            super::draft::either(is(set, json!(mark)), is(OURS, json!(mark))),
        ],
        untouched: vec![
            uid,
            is(OURS, json!(id)),
            Condition::Absent("/operation".to_owned()),
        ],
    };
    let what = format!("sync {} back to {}", app.words(), operation.short());
    let mut step = step(&what, write, evidence);
    step.check = Some(check(server, app, operation, &mark));
    step
}

/// Done when Argo CD finished this very operation, and what it applied is well.
fn check(server: &SourceName, app: &App, operation: &Operation, mark: &str) -> ReadCheck {
    let mut done = vec![
        is(OURS, json!(mark)),
        is(PHASE, json!("Succeeded")),
        is("/status/health/status", json!("Healthy")),
    ];
    if operation.is_compared {
        done.push(is("/status/sync/status", json!("Synced")));
    }
    if let ([revision], false) = (operation.revisions.as_slice(), operation.has_several) {
        let applied = "/status/operationState/syncResult/revision";
        done.push(is(applied, json!(revision)));
    }
    let place = |word: &str, place: &str| (Untrusted::line(word), place.to_owned());
    ReadCheck {
        read: read(server, &app.path()),
        done,
        // The state of the operation before was cleared: this is ours.
        failed: vec![is(PHASE, json!("Failed")), is(PHASE, json!("Error"))],
        shown: vec![
            place("phase", PHASE),
            place("sync", "/status/sync/status"),
            place("health", "/status/health/status"),
            place("says", "/status/operationState/message"),
        ],
        within: Duration::from_mins(10),
    }
}
