//! What does a write to the simulated cluster come to?
//!
//! Finds out what is asked, answers as a real server would, and adds to the log of deeds what was
//! accepted. Patches of deployments, their scales, nodes, applications and the other kinds; evictions
//! and deletions are in [`super::evict`], reviews and leases in [`super::access`]. Called by
//! [`super::written`].

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::deeds::{Deeds, Edit, Target};
use super::super::plot::Version;
use super::super::story::{BAD_VERSION, CYCLE_MS, GOOD_VERSION};
pub(super) use super::super::wire::Written;
use super::super::wire::{Answer, Request};
use super::super::world::World;
use super::edits::SYNC_MS;
use super::object::{APPLICATION, AUTOSCALER, Kind, Object};
use super::patch::{self, Form, Unpatchable};
use super::rollout::Rollout;
use super::{checkout, evict, fields, objects, status};

/// How long an autoscaler leaves a scale alone that somebody wrote.
const PUT_BACK_MS: i64 = 10_000;

/// What is asked of one object.
pub(super) struct Asking<'a> {
    pub kind: &'static Kind,
    pub namespace: &'a str,
    pub name: &'a str,
    pub subresource: Option<&'a str>,
    pub now_ms: i64,
    pub is_dry: bool,
    pub manager: String,
}

impl Asking<'_> {
    /// The object as it is now.
    pub(super) fn object(&self, world: &World) -> Option<Object> {
        let all = objects(world, self.kind, self.now_ms);
        let is_it =
            |object: &Object| object.namespace == self.namespace && object.name == self.name;
        all.into_iter().find(is_it)
    }

    /// When the write counts: later than every write before it, and than the object's last change.
    pub(super) fn next_ms(&self, world: &World) -> i64 {
        let changed_ms = self.object(world).map(|object| object.changed_ms + 1);
        let next_ms = world.deeds.next_ms(self.now_ms);
        changed_ms.map_or(next_ms, |changed| changed.max(next_ms))
    }
}

/// Who manages the fields: as the request says, or its program's name.
pub(super) fn manager(request: &Request) -> String {
    let agent = request.user_agent.split('/').next().unwrap_or_default();
    let named = request.first("fieldManager").unwrap_or(agent);
    let named = if named.is_empty() { "unknown" } else { named };
    named.to_owned()
}

/// Whether it is a dry run.
///
/// # Errors
/// The answer to a word that is not known.
pub(super) fn is_dry(request: &Request) -> Result<bool, Answer> {
    match request.first("dryRun") {
        None | Some("") => Ok(false),
        Some("All") => Ok(true),
        Some(other) => {
            let options = if request.method == Method::PATCH {
                "PatchOptions"
            } else {
                "CreateOptions"
            };
            let why = format!("Unsupported value: [\"{other}\"]: supported values: \"All\"");
            Err(status::invalid(options, "meta.k8s.io", "", "dryRun", &why))
        }
    }
}

/// A write to one object.
pub(super) fn write(world: &World, asking: &Asking<'_>, request: &Request) -> Written {
    let plural = asking.kind.plural;
    match (&request.method, plural, asking.subresource) {
        (&Method::PATCH, _, None) | (&Method::PATCH, "deployments", Some("scale")) => {
            patch_object(world, asking, request).unwrap_or_else(Written::from)
        }
        (&Method::POST, "pods", Some("eviction")) => evict::evict(world, asking, request),
        (&Method::DELETE, "pods", None) => evict::delete(world, asking, request),
        _ => status::not_allowed().into(),
    }
}

/// The scale of a workload, as `autoscaling/v1` writes it.
pub(super) fn scale(world: &World, object: &Object) -> Value {
    let own = object.json(world);
    let metadata = &own["metadata"];
    let labels = own["spec"]["selector"]["matchLabels"].as_object();
    let selector: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": { "replicas": own["spec"]["replicas"] },
        "status": { "replicas": own["status"]["replicas"], "selector": selector.join(",") },
    })
}

fn form(asking: &Asking<'_>, request: &Request) -> Result<Form, Answer> {
    match request.content_type.as_str() {
        "application/json-patch+json" => Ok(Form::Json),
        "application/merge-patch+json" => Ok(Form::Merge),
        "application/strategic-merge-patch+json" if std::ptr::eq(asking.kind, APPLICATION) => {
            Err(status::no_strategic_merge())
        }
        "application/strategic-merge-patch+json" => Ok(Form::Strategic),
        _ => Err(status::no_patch()),
    }
}

fn patch_object(world: &World, asking: &Asking<'_>, request: &Request) -> Result<Written, Answer> {
    let form = form(asking, request)?;
    let patch: Value = serde_json::from_slice(&request.body)
        .map_err(|reason| status::undecodable(&reason.to_string()))?;
    let object = asking
        .object(world)
        .ok_or_else(|| status::not_found(asking.kind, asking.name))?;
    let is_scale = asking.subresource == Some("scale");
    let before = if is_scale {
        scale(world, &object)
    } else {
        object.json(world)
    };
    let mut after = patch::patched(&before, &patch, form).map_err(|reason| match reason {
        Unpatchable::Unmet => status::unpatchable(),
        Unpatchable::Malformed(reason) => status::undecodable(&reason),
    })?;
    let unknown = fields::unknown(asking.kind, is_scale, &mut after);
    if !unknown.is_empty() && request.first("fieldValidation") == Some("Strict") {
        return Err(fields::refusal(&before, &unknown));
    }
    checked(asking, &object, &before, &after)?;
    let change = fields::kept(asking.kind, &patch::difference(&before, &after));
    let mut written = if change.as_object().is_none_or(serde_json::Map::is_empty) {
        Written::from(Answer::json(StatusCode::OK, &before))
    } else {
        accepted(world, asking, &after, change)
    };
    if request.first("fieldValidation") != Some("Ignore") {
        for field in unknown {
            let warning = format!("299 - \"unknown field \\\"{field}\\\"\"");
            written.answer.headers.push(("warning", warning));
        }
    }
    Ok(written)
}

/// The answer to what an object may not become.
fn checked(
    asking: &Asking<'_>,
    object: &Object,
    before: &Value,
    after: &Value,
) -> Result<(), Answer> {
    let (kind, name) = (asking.kind, asking.name);
    let wanted = &after["metadata"];
    let held = &before["metadata"];
    if wanted["uid"] != held["uid"] && !wanted["uid"].is_null() {
        let why = format!("Invalid value: {}: field is immutable", wanted["uid"]);
        return Err(status::invalid(
            kind.kind,
            kind.group,
            name,
            "metadata.uid",
            &why,
        ));
    }
    let version = &wanted["resourceVersion"];
    if *version != held["resourceVersion"] && !version.is_null() {
        return Err(status::stale(kind, name));
    }
    let replicas = &after["spec"]["replicas"];
    if replicas.as_i64().is_some_and(|replicas| replicas < 0) {
        let why = format!("Invalid value: {replicas}: must be greater than or equal to 0");
        let (kind, group) = match asking.subresource {
            Some(_) => ("Scale", "autoscaling"),
            None => (kind.kind, kind.group),
        };
        return Err(status::invalid(kind, group, name, "spec.replicas", &why));
    }
    let selector = &after["spec"]["selector"];
    if asking.subresource.is_none()
        && kind.group == "apps"
        && *selector != object.body["spec"]["selector"]
    {
        let why = format!("Invalid value: {selector}: field is immutable");
        return Err(status::invalid(
            kind.kind,
            kind.group,
            name,
            "spec.selector",
            &why,
        ));
    }
    Ok(())
}

/// A patch that holds and changes something: what it does, and the object after it.
fn accepted(world: &World, asking: &Asking<'_>, after: &Value, change: Value) -> Written {
    let at_ms = asking.next_ms(world);
    let target = Target {
        plural: asking.kind.plural,
        namespace: asking.namespace.to_owned(),
        name: asking.name.to_owned(),
    };
    // The metadata of an object is not what its generation counts.
    let raises = change
        .as_object()
        .is_some_and(|parts| parts.keys().any(|part| part != "metadata"));
    let mut edit = Edit {
        at_ms,
        target,
        fields: patch::field_set(&change),
        manager: asking.manager.clone(),
        subresource: asking.subresource.map(|_| "scale"),
        raises,
        rolls_to: None,
        until_ms: until_ms(world, asking, &change, at_ms),
        change,
    };
    let mut deeds = world.deeds.as_ref().clone();
    if asking.kind.plural == "deployments" && edit.change["spec"].get("template").is_some() {
        rolled(world, asking, after, &mut edit, &mut deeds);
    }
    if std::ptr::eq(asking.kind, APPLICATION)
        && asking.name == "checkout"
        && edit.change["operation"]["sync"].is_object()
    {
        let revision = edit.change["operation"]["sync"]["revision"].as_str();
        let to = super::argocd::version_of(revision.unwrap_or_default());
        deeds.turns.push((at_ms + SYNC_MS / 2, to));
    }
    deeds.edits.push(edit);
    let next = world.logged(deeds.clone());
    let asking = Asking {
        now_ms: at_ms,
        manager: String::new(),
        ..*asking
    };
    let object = asking.object(&next);
    let mut body = match (&object, asking.subresource) {
        (Some(object), Some(_)) => scale(&next, object),
        (Some(object), None) => object.json(&next),
        (None, _) => Value::Null,
    };
    if asking.is_dry {
        // What is not stored has no version of its own.
        let live = asking_version(world, &asking);
        body["metadata"]["resourceVersion"] = live;
        return Answer::json(StatusCode::OK, &body).into();
    }
    Written::done(Answer::json(StatusCode::OK, &body), deeds, at_ms)
}

fn asking_version(world: &World, asking: &Asking<'_>) -> Value {
    let live = asking.object(world);
    live.map_or(Value::Null, |live| {
        live.json(world)["metadata"]["resourceVersion"].clone()
    })
}

/// Another template: a turn of the story, or pods that are replaced without one.
fn rolled(world: &World, asking: &Asking<'_>, after: &Value, edit: &mut Edit, deeds: &mut Deeds) {
    let image = after.pointer("/spec/template/spec/containers/0/image");
    let image = image.and_then(Value::as_str).unwrap_or_default();
    let tag = image.rsplit(':').next().unwrap_or_default();
    let is_story = (asking.namespace, asking.name) == (checkout::NAMESPACE, checkout::SERVICE);
    if is_story {
        // Its generation follows its revision.
        edit.raises = false;
        let rollout = Rollout::at(world, edit.at_ms);
        let to = match tag {
            GOOD_VERSION => Version::Good,
            BAD_VERSION => Version::Bad,
            _ if rollout.is_bad => Version::Bad,
            _ => Version::Good,
        };
        if (to == Version::Bad) == rollout.is_bad {
            edit.rolls_to = Some(format!("{} at {}", rollout.version(), edit.at_ms));
            return;
        }
        deeds.turns.push((edit.at_ms, to));
        // The turn brings the template; what stays of the patch is what it adds to that.
        let next = world.logged(deeds.clone());
        let told = Asking {
            now_ms: edit.at_ms,
            manager: String::new(),
            ..*asking
        };
        if let Some(told) = told.object(&next) {
            let more = patch::difference(&told.json(&next), after);
            edit.change = fields::kept(asking.kind, &more);
        }
        return;
    }
    let mut plain = after["spec"]["template"].clone();
    let marks = plain.pointer("/metadata/annotations");
    let is_plain =
        marks.is_none_or(|marks| marks.as_object().is_some_and(serde_json::Map::is_empty));
    if let Some(metadata) = plain["metadata"].as_object_mut() {
        metadata.remove("annotations");
    }
    let key = if is_plain {
        tag.to_owned()
    } else {
        format!("{tag} at {}", edit.at_ms)
    };
    edit.rolls_to = Some(key);
}

/// When somebody else puts it back.
fn until_ms(world: &World, asking: &Asking<'_>, change: &Value, at_ms: i64) -> Option<i64> {
    if change["operation"].is_object() {
        return Some(at_ms + SYNC_MS);
    }
    if change
        .pointer("/metadata/annotations/argocd.argoproj.io~1refresh")
        .is_some()
    {
        return Some(at_ms + 1_000);
    }
    let scales = change["spec"].get("replicas").is_some();
    let is_owned = |scaler: &Object| {
        let target = &scaler.body["spec"]["scaleTargetRef"];
        scaler.namespace == asking.namespace && target["name"] == asking.name
    };
    if scales
        && objects(world, AUTOSCALER, asking.now_ms)
            .iter()
            .any(is_owned)
    {
        return Some(at_ms + PUT_BACK_MS);
    }
    let is_of_the_story = asking.namespace == checkout::NAMESPACE
        || (std::ptr::eq(asking.kind, APPLICATION) && asking.name == "checkout");
    is_of_the_story.then(|| (at_ms.div_euclid(CYCLE_MS) + 1) * CYCLE_MS)
}
