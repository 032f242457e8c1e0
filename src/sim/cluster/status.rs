//! How does a Kubernetes API server say no?
//!
//! `Status` objects with the reasons, details and words that a real server was recorded with. Called
//! by every handler of the simulated cluster.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::wire::Answer;
use super::object::Kind;

/// A refusal without details.
pub(super) fn failure(status: StatusCode, reason: &str, message: &str) -> Answer {
    Answer::json(
        status,
        &json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": status.as_u16(),
        }),
    )
}

fn with_details(mut answer: Answer, details: &Value) -> Answer {
    answer.details(details);
    answer
}

fn qualified(kind: &Kind) -> String {
    match kind.group {
        "" => kind.plural.to_owned(),
        group => format!("{}.{group}", kind.plural),
    }
}

fn details_of(kind: &str, group: &str, name: &str) -> Value {
    let mut details = json!({ "kind": kind });
    if !name.is_empty() {
        details["name"] = json!(name);
    }
    if !group.is_empty() {
        details["group"] = json!(group);
    }
    details
}

/// 404 for an object that is not there.
pub(super) fn not_found(kind: &Kind, name: &str) -> Answer {
    let message = format!("{} \"{name}\" not found", qualified(kind));
    let answer = failure(StatusCode::NOT_FOUND, "NotFound", &message);
    with_details(answer, &details_of(kind.plural, kind.group, name))
}

/// 409 with these words.
pub(super) fn conflict(kind: &str, group: &str, name: &str, message: &str) -> Answer {
    let answer = failure(StatusCode::CONFLICT, "Conflict", message);
    with_details(answer, &details_of(kind, group, name))
}

/// 409 for a resource version that is not the present one.
pub(super) fn stale(kind: &Kind, name: &str) -> Answer {
    let message = format!(
        "Operation cannot be fulfilled on {} \"{name}\": the object has been modified; please apply \
         your changes to the latest version and try again",
        qualified(kind)
    );
    conflict(kind.plural, kind.group, name, &message)
}

/// 409 for an object that is there already.
pub(super) fn already_exists(kind: &Kind, name: &str) -> Answer {
    let message = format!("{} \"{name}\" already exists", qualified(kind));
    let answer = failure(StatusCode::CONFLICT, "AlreadyExists", &message);
    with_details(answer, &details_of(kind.plural, kind.group, name))
}

/// 422 for one field of an object.
pub(super) fn invalid(kind: &str, group: &str, name: &str, field: &str, why: &str) -> Answer {
    let qualified = if group.is_empty() {
        kind.to_owned()
    } else {
        format!("{kind}.{group}")
    };
    let message = format!("{qualified} \"{name}\" is invalid: {field}: {why}");
    let answer = failure(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", &message);
    let reason = if why.starts_with("Unsupported") {
        "FieldValueNotSupported"
    } else {
        "FieldValueInvalid"
    };
    let mut details = details_of(kind, group, name);
    details["causes"] = json!([{ "reason": reason, "message": why, "field": field }]);
    with_details(answer, &details)
}

/// 422 for a JSON patch whose test does not hold, or that names a place which is not there.
pub(super) fn unpatchable() -> Answer {
    let message = "the server rejected our request due to an error in our request";
    let answer = failure(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message);
    with_details(answer, &json!({}))
}

/// 400 for a body that is no JSON.
pub(super) fn undecodable(reason: &str) -> Answer {
    let message = format!("error decoding patch: {reason}");
    failure(StatusCode::BAD_REQUEST, "BadRequest", &message)
}

/// 405.
pub(super) fn not_allowed() -> Answer {
    let message = "the server does not allow this method on the requested resource";
    let answer = failure(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message);
    with_details(answer, &json!({}))
}

/// 415 for a custom resource, which knows no strategic merge.
pub(super) fn no_strategic_merge() -> Answer {
    let message = "the body of the request was in an unknown format - accepted media types include: \
                   application/json-patch+json, application/merge-patch+json, \
                   application/apply-patch+yaml";
    failure(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UnsupportedMediaType",
        message,
    )
}

/// 415 for anything that is no patch.
pub(super) fn no_patch() -> Answer {
    let message = "415: Unsupported Media Type";
    let answer = failure(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UnsupportedMediaType",
        message,
    );
    with_details(answer, &json!({}))
}
