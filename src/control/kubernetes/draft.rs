//! What does a plan say before the server was asked about it?
//!
//! The planners of nodes, pods, Argo CD, Argo Rollouts and Flux are pure: they turn what was read into a
//! [`Draft`]. The parts that they share stand here: names, guarded JSON patches with the marker, evidence.
//! Asking the server for permissions and a dry run is the work of [`super::finish`]. Sends nothing.

use serde_json::{Value, json};

use super::Access;
use crate::control::NoPlan;
use crate::domain::action::{Direction, Risk};
use crate::domain::check::{Condition, Evidence, Operand, Read, at};
use crate::domain::plan::{
    ActionId, Blast, Difference, Grade, Holds, HttpWrite, Precondition, Step, Verb, WhenBusy, Write,
};
use crate::domain::source::SourceName;
use crate::domain::text::{Untrusted, shown};

/// Every patch and every eviction names quell and has its fields checked.
pub(super) const QUERY: &str = "?fieldManager=quell&fieldValidation=Strict";
/// The annotation that carries the id of the action.
pub(super) const MARKER: &str = "quell.dev/action-id";
/// Where it stands.
pub(super) const MARKER_PLACE: &str = "/metadata/annotations/quell.dev~1action-id";

/// A plan without what only the server can say.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) title: String,
    pub(super) steps: Vec<Step>,
    pub(super) back: Back,
    pub(super) risk: Risk,
    pub(super) direction: Direction,
    pub(super) differences: Vec<Difference>,
    pub(super) blast: Blast,
    pub(super) preconditions: Vec<Precondition>,
    /// What has to be permitted.
    pub(super) access: Vec<Access>,
    /// What is sent as a dry run.
    pub(super) rehearsals: Vec<Rehearsal>,
    /// The best that the dry run can be.
    pub(super) grade: Grade,
    /// What the dry run does not see.
    pub(super) notes: Vec<String>,
}

/// What takes it back.
#[derive(Debug)]
pub(super) enum Back {
    /// These steps.
    Steps(String, Vec<Step>),
    /// There is none, and why.
    None(String),
}

/// A write as it is tried.
#[derive(Debug)]
pub(super) struct Rehearsal {
    pub(super) what: String,
    pub(super) write: HttpWrite,
    /// A budget is known to be used up: a refusal now means waiting, not failing.
    pub(super) may_wait: bool,
}

impl Draft {
    /// One that does nothing yet.
    pub(super) fn new(title: String, risk: Risk, direction: Direction) -> Self {
        Self {
            title,
            steps: Vec::new(),
            back: Back::None("nothing is changed".to_owned()),
            risk,
            direction,
            differences: Vec::new(),
            blast: Blast::default(),
            preconditions: Vec::new(),
            access: Vec::new(),
            rehearsals: Vec::new(),
            grade: Grade::A,
            notes: Vec::new(),
        }
    }

    /// Adds a step that is tried as it will be sent.
    pub(super) fn step(&mut self, step: Step) {
        if let Write::Http(write) = &step.write {
            self.rehearsals.push(Rehearsal {
                what: step.what.raw().to_owned(),
                write: write.clone(),
                may_wait: false,
            });
        }
        self.steps.push(step);
    }

    /// Adds something that has to hold.
    pub(super) fn holds(&mut self, what: &str, state: Holds, detail: &str) {
        self.preconditions.push(precondition(what, state, detail));
    }

    /// Adds a permission, once.
    pub(super) fn needs(&mut self, need: Access) {
        if !self.access.contains(&need) {
            self.access.push(need);
        }
    }

    /// Adds a line to what it touches.
    pub(super) fn touches(&mut self, words: &str) {
        self.blast.words.push(Untrusted::line(words));
    }
}

/// Something that has to hold.
pub(super) fn precondition(what: &str, state: Holds, detail: &str) -> Precondition {
    Precondition {
        what: Untrusted::line(what),
        state,
        detail: Untrusted::line(detail),
    }
}

/// One line of what changes.
pub(super) fn difference(path: &str, before: Option<&str>, after: Option<&str>) -> Difference {
    Difference {
        path: Untrusted::line(path),
        before: before.map(Untrusted::line),
        after: after.map(Untrusted::line),
    }
}

/// A name as Kubernetes allows it, so that it is harmless in a path.
pub(super) fn name(text: &str) -> Result<&str, NoPlan> {
    let is_inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    let is_edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = text.as_bytes();
    let is_name = (1..=253).contains(&bytes.len())
        && bytes.iter().all(|b| is_inner(*b))
        && is_edge(bytes.first())
        && is_edge(bytes.last());
    if is_name {
        return Ok(text);
    }
    Err(NoPlan::new(format!(
        "`{}` is no name of a Kubernetes object: small letters, digits, `-` and `.`",
        shown(text)
    )))
}

/// `NAMESPACE/NAME`
pub(super) fn namespaced(text: &str) -> Result<(&str, &str), NoPlan> {
    match text.split_once('/') {
        Some((namespace, rest)) => Ok((name(namespace)?, name(rest)?)),
        None => Err(NoPlan::new(format!(
            "`{}` is not NAMESPACE/NAME",
            shown(text)
        ))),
    }
}

/// A text at a place; empty where none is.
pub(super) fn text<'a>(object: &'a Value, place: &str) -> &'a str {
    at(object, place).and_then(Value::as_str).unwrap_or("")
}

/// A number at a place; 0 where none is, as Kubernetes leaves zeros out.
pub(super) fn number(object: &Value, place: &str) -> i64 {
    at(object, place).and_then(Value::as_i64).unwrap_or(0)
}

/// A list at a place; empty where none is.
pub(super) fn list<'a>(object: &'a Value, place: &str) -> &'a [Value] {
    at(object, place)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The key of a map as part of a JSON pointer.
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A JSON patch that is refused where the object is no longer what was planned for.
#[derive(Debug)]
pub(super) struct Patch(Vec<Value>);

impl Patch {
    /// Only for this very object, by its uid.
    pub(super) fn of(object: &Value) -> Self {
        let uid = text(object, "/metadata/uid");
        Self::nothing().test("/metadata/uid", json!(uid))
    }

    /// Of nothing in particular: every test is added by hand.
    pub(super) fn nothing() -> Self {
        Self(Vec::new())
    }

    /// Only while its spec is what was read. Not for kinds whose generation counts their status, too.
    pub(super) fn of_generation(object: &Value) -> Self {
        match at(object, "/metadata/generation") {
            Some(generation) => Self::of(object).test("/metadata/generation", generation.clone()),
            None => Self::of(object),
        }
    }

    /// Only while this stands there; null means nothing.
    pub(super) fn test(self, place: &str, value: Value) -> Self {
        self.with("test", place, value)
    }

    /// Only while the same stands there as was read.
    pub(super) fn still(self, object: &Value, place: &str) -> Self {
        let now = at(object, place).cloned().unwrap_or(Value::Null);
        self.test(place, now)
    }

    /// Sets a value, whatever stands there.
    pub(super) fn add(self, place: &str, value: Value) -> Self {
        self.with("add", place, value)
    }

    fn with(mut self, op: &str, place: &str, value: Value) -> Self {
        let mut operation = json!({ "op": op, "path": place });
        operation["value"] = value;
        self.0.push(operation);
        self
    }

    /// Takes a value away.
    pub(super) fn remove(mut self, place: &str) -> Self {
        self.0.push(json!({ "op": "remove", "path": place }));
        self
    }

    /// Sets a value where the same stands as was read.
    pub(super) fn put(self, object: &Value, place: &str, value: Value) -> Self {
        self.still(object, place).add(place, value)
    }

    /// Takes a value away where the same stands as was read; nothing where nothing was.
    pub(super) fn drop(self, object: &Value, place: &str) -> Self {
        match at(object, place) {
            Some(_) => self.still(object, place).remove(place),
            None => self,
        }
    }

    /// Sets annotations, the marker among them.
    pub(super) fn marked(self, object: &Value, id: &ActionId, further: &[(&str, &str)]) -> Self {
        let all = further.iter().copied().chain([(MARKER, id.as_str())]);
        if at(object, "/metadata/annotations").is_none_or(Value::is_null) {
            let map = all.map(|(key, value)| (key.to_owned(), json!(value)));
            return self
                .test("/metadata/annotations", Value::Null)
                .add("/metadata/annotations", Value::Object(map.collect()));
        }
        all.fold(self, |patch, (key, value)| {
            let place = format!("/metadata/annotations/{}", escaped(key));
            patch.put(object, &place, json!(value))
        })
    }

    /// As it is sent.
    pub(super) fn write(self, server: &SourceName, path: &str) -> HttpWrite {
        HttpWrite {
            server: server.clone(),
            verb: Verb::Patch,
            path: format!("{path}{QUERY}"),
            content_type: Some("application/json-patch+json".to_owned()),
            headers: Vec::new(),
            body: Value::Array(self.0).to_string(),
        }
    }
}

/// What stands at a place, else this.
pub(super) fn here(place: &str, otherwise: Value) -> Operand {
    Operand::At(place.to_owned(), otherwise)
}

/// This stands at a place; null means nothing.
pub(super) fn is(place: &str, value: Value) -> Condition {
    Condition::Equal(here(place, Value::Null), Operand::Is(value))
}

/// Something else stands there.
pub(super) fn is_not(place: &str, value: Value) -> Condition {
    Condition::Differ(here(place, Value::Null), Operand::Is(value))
}

/// The same stands there as was read.
pub(super) fn as_before(object: &Value, place: &str) -> Condition {
    is(place, at(object, place).cloned().unwrap_or(Value::Null))
}

/// One or the other.
pub(super) fn either(one: Condition, other: Condition) -> Condition {
    Condition::Either(Box::new(one), Box::new(other))
}

/// What is read.
pub(super) fn read(server: &SourceName, path: &str) -> Read {
    Read {
        server: server.clone(),
        path: path.to_owned(),
    }
}

/// The marker shows that it was done; that it was not is shown by an older marker beside the values that
/// would have been replaced.
pub(super) fn marker_evidence(
    server: &SourceName,
    path: &str,
    object: &Value,
    id: &ActionId,
    places: &[&str],
) -> Evidence {
    let uid = as_before(object, "/metadata/uid");
    let mut untouched = vec![uid.clone(), as_before(object, MARKER_PLACE)];
    untouched.extend(places.iter().map(|place| as_before(object, place)));
    Evidence::Read {
        read: read(server, path),
        applied: vec![uid, is(MARKER_PLACE, json!(id.as_str()))],
        untouched,
    }
}

/// A step that patches.
pub(super) fn step(what: &str, write: HttpWrite, evidence: Evidence) -> Step {
    Step {
        what: Untrusted::line(what),
        target: 0,
        write: Write::Http(write),
        check: None,
        evidence,
        when_busy: WhenBusy::AskAgain,
    }
}

/// Who else writes this object from git, and would undo a change by hand.
pub(super) fn git_owner(object: &Value) -> Option<String> {
    let place = |key: &str| format!("/metadata/annotations/{}", escaped(key));
    let label = |key: &str| format!("/metadata/labels/{}", escaped(key));
    let app = text(object, &place("argocd.argoproj.io/tracking-id"));
    if let Some((app, _)) = app.split_once(':') {
        return Some(format!("Argo CD application {app}"));
    }
    let instance = text(object, &label("argocd.argoproj.io/instance"));
    if !instance.is_empty() {
        return Some(format!("Argo CD application {instance}"));
    }
    for (kind, group) in [
        ("Kustomization", "kustomize.toolkit.fluxcd.io"),
        ("HelmRelease", "helm.toolkit.fluxcd.io"),
    ] {
        let name = text(object, &label(&format!("{group}/name")));
        if !name.is_empty() {
            let namespace = text(object, &label(&format!("{group}/namespace")));
            return Some(format!("Flux {kind} {namespace}/{name}"));
        }
    }
    None
}
