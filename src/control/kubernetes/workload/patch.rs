//! How is an object changed so that nothing else can have changed it meanwhile?
//!
//! A JSON patch whose tests come first: the uid, the generation (which every change of the wanted state
//! raises, and no change of the status), and the old value of all that is replaced. A resourceVersion would
//! be refused whenever a crash-looping workload reports its status. The marker is an annotation.

use serde_json::{Value, json};

use crate::control::kubernetes::answers::JSON_PATCH;
use crate::domain::check::at;
use crate::domain::plan::{HttpWrite, Verb};
use crate::domain::source::SourceName;

/// The annotation that names the action.
pub(super) const MARKER: &str = "/metadata/annotations/quell.dev~1action-id";

/// The tests and changes of one object.
#[derive(Clone, Debug)]
pub(super) struct Patch {
    operations: Vec<Value>,
}

impl Patch {
    /// Only on this very object, and only while nobody wants anything else of it.
    pub(super) fn guarded(object: &Value) -> Self {
        let patch = Self::of_identity(object);
        match at(object, "/metadata/generation") {
            Some(generation) => patch.test("/metadata/generation", generation),
            None => patch,
        }
    }

    /// Only on this very object.
    pub(super) fn of_identity(object: &Value) -> Self {
        let uid = at(object, "/metadata/uid").unwrap_or(&Value::Null);
        Self {
            operations: Vec::new(),
        }
        .test("/metadata/uid", uid)
    }

    /// Only while this stands there. Null: while nothing does.
    pub(super) fn test(mut self, place: &str, value: &Value) -> Self {
        self.operations
            .push(json!({ "op": "test", "path": place, "value": value }));
        self
    }

    /// Puts a value where `object` has another one, or none.
    pub(super) fn put(self, object: &Value, place: &str, value: Value) -> Self {
        let old = at(object, place).unwrap_or(&Value::Null).clone();
        self.replace(place, &old, value)
    }

    /// Puts a value in the place of a known one; null for none.
    pub(super) fn replace(mut self, place: &str, old: &Value, value: Value) -> Self {
        self = self.test(place, old);
        // `add` takes the place of a member that is there.
        let mut operation = json!({ "op": "add", "path": place });
        operation["value"] = value;
        self.operations.push(operation);
        self
    }

    /// Puts a member into a map that may not be there yet.
    pub(super) fn put_in(self, object: &Value, map: &str, key: &str, value: Value) -> Self {
        match at(object, map) {
            Some(Value::Object(_)) => {
                let place = format!("{map}/{}", escaped(key));
                self.put(object, &place, value)
            }
            _ => self.put(object, map, json!({ key: value })),
        }
    }

    /// Marks the object with who changes it.
    pub(super) fn mark(self, object: &Value, marker: &str) -> Self {
        self.put_in(
            object,
            "/metadata/annotations",
            "quell.dev/action-id",
            json!(marker),
        )
    }

    /// Marks it again, and only where the first mark still stands.
    pub(super) fn mark_over(self, first: &str, marker: &str) -> Self {
        self.replace(MARKER, &json!(first), json!(marker))
    }

    /// As it is sent.
    pub(super) fn write(self, server: &SourceName, path: &str) -> HttpWrite {
        self.write_as(server, path, "quell")
    }

    /// As it is sent, in the name of a field manager of its own.
    pub(super) fn write_as(self, server: &SourceName, path: &str, manager: &str) -> HttpWrite {
        HttpWrite {
            server: server.clone(),
            verb: Verb::Patch,
            path: format!("{path}?fieldManager={manager}&fieldValidation=Strict"),
            content_type: Some(JSON_PATCH.to_owned()),
            headers: Vec::new(),
            body: Value::Array(self.operations).to_string(),
        }
    }
}

/// A key as a part of a JSON pointer.
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
