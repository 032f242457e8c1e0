//! Which fields does a kind have, and which of them may a patch change?
//!
//! Enough of the schemas to notice a mistyped field where the actions write, and to leave to the
//! controllers what is theirs. Called by [`super::write`].

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::super::wire::Answer;
use super::object::{APPLICATION, Kind};
use super::status::failure;

/// What stands at a path.
type Known = (&'static str, &'static [&'static str]);

const DEPLOYMENT: &[Known] = &[
    ("", &["apiVersion", "kind", "metadata", "spec", "status"]),
    (
        "/spec",
        &[
            "minReadySeconds",
            "paused",
            "progressDeadlineSeconds",
            "replicas",
            "revisionHistoryLimit",
            "selector",
            "strategy",
            "template",
        ],
    ),
    ("/spec/template", &["metadata", "spec"]),
];

const NODE: &[Known] = &[
    ("", &["apiVersion", "kind", "metadata", "spec", "status"]),
    (
        "/spec",
        &[
            "configSource",
            "externalID",
            "podCIDR",
            "podCIDRs",
            "providerID",
            "taints",
            "unschedulable",
        ],
    ),
];

const OF_APPLICATION: &[Known] = &[
    (
        "",
        &[
            "apiVersion",
            "kind",
            "metadata",
            "operation",
            "spec",
            "status",
        ],
    ),
    ("/operation", &["info", "initiatedBy", "retry", "sync"]),
    (
        "/operation/sync",
        &[
            "autoHealAttemptsCount",
            "dryRun",
            "manifests",
            "prune",
            "resources",
            "revision",
            "revisions",
            "source",
            "sources",
            "syncOptions",
            "syncStrategy",
        ],
    ),
];

const SCALE: &[Known] = &[
    ("", &["apiVersion", "kind", "metadata", "spec", "status"]),
    ("/spec", &["replicas"]),
];

/// Drops the fields that the kind does not have, and names them.
pub(super) fn unknown(kind: &Kind, is_scale: bool, object: &mut Value) -> Vec<String> {
    let known = match kind.plural {
        _ if is_scale => SCALE,
        "deployments" => DEPLOYMENT,
        "nodes" => NODE,
        "applications" => OF_APPLICATION,
        _ => return Vec::new(),
    };
    let mut dropped = Vec::new();
    for (path, names) in known {
        let Some(fields) = object.pointer_mut(path).and_then(Value::as_object_mut) else {
            continue;
        };
        let unknown = fields.keys().filter(|name| !names.contains(&name.as_str()));
        for name in unknown.cloned().collect::<Vec<String>>() {
            fields.remove(&name);
            let path = path.trim_start_matches('/').replace('/', ".");
            let separator = if path.is_empty() { "" } else { "." };
            dropped.push(format!("{path}{separator}{name}"));
        }
    }
    dropped
}

/// 422 of a strict field validation, which echoes the whole object.
pub(super) fn refusal(object: &Value, unknown: &[String]) -> Answer {
    let named: Vec<String> = unknown
        .iter()
        .map(|field| format!("unknown field \"{field}\""))
        .collect();
    let echoed = Value::from(object.to_string());
    let why = format!(
        "Invalid value: {echoed}: strict decoding error: {}",
        named.join(", ")
    );
    let message = format!(" \"\" is invalid: patch: {why}");
    let mut answer = failure(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", &message);
    answer.details(&json!({
        "causes": [{ "reason": "FieldValueInvalid", "message": why, "field": "patch" }],
    }));
    answer
}

/// Of a change, what is not the server's or a controller's own.
pub(super) fn kept(kind: &Kind, change: &Value) -> Value {
    let mut kept = Map::new();
    if let Some(metadata) = change["metadata"].as_object() {
        let mut own = Map::new();
        for name in ["labels", "annotations", "finalizers"] {
            if let Some(value) = metadata.get(name) {
                own.insert(name.to_owned(), value.clone());
            }
        }
        if let Some(annotations) = own.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.retain(|name, _| !name.starts_with("deployment.kubernetes.io/"));
            if annotations.is_empty() {
                own.remove("annotations");
            }
        }
        if !own.is_empty() {
            kept.insert("metadata".to_owned(), Value::Object(own));
        }
    }
    // An application has no status subresource: whoever may patch it may write its status.
    let parts: &[&str] = if std::ptr::eq(kind, APPLICATION) {
        &["spec", "operation", "status"]
    } else {
        &["spec"]
    };
    for part in parts {
        let change = change.get(*part);
        let is_empty = change.is_some_and(|change| change.as_object().is_some_and(Map::is_empty));
        if let Some(change) = change.filter(|_| !is_empty) {
            kept.insert((*part).to_owned(), change.clone());
        }
    }
    Value::Object(kept)
}
