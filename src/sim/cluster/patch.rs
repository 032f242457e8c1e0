//! What does an object look like after this patch?
//!
//! JSON patch (RFC 6902), merge patch (RFC 7386) and as much of strategic merge as the built-in kinds
//! need: lists of named things are merged by name. Called by [`super::write`]; it knows no kinds.

use serde_json::{Map, Value, json};

/// How a patch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Merge,
    Strategic,
}

/// Why an object cannot be patched so.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unpatchable {
    /// The patch is none.
    Malformed(String),
    /// A test does not hold, or a place is not there.
    Unmet,
}

/// The object after the patch.
///
/// # Errors
/// The patch is malformed, or does not fit the object.
pub(super) fn patched(object: &Value, patch: &Value, form: Form) -> Result<Value, Unpatchable> {
    let mut object = object.clone();
    match form {
        Form::Json => {
            let operations = patch.as_array().ok_or_else(|| {
                Unpatchable::Malformed("a JSON patch is a list of operations".to_owned())
            })?;
            for operation in operations {
                operate(&mut object, operation)?;
            }
        }
        Form::Merge | Form::Strategic => {
            if !patch.is_object() {
                return Err(Unpatchable::Malformed("a patch is an object".to_owned()));
            }
            merge(&mut object, patch, form);
        }
    }
    Ok(object)
}

/// Merges a patch into an object; a null removes.
pub(super) fn merge(target: &mut Value, patch: &Value, form: Form) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else {
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(name);
            continue;
        }
        let field = fields.entry(name.clone()).or_insert(Value::Null);
        match (form, field.as_array_mut(), change.as_array()) {
            (Form::Strategic, Some(own), Some(named)) if named.iter().all(is_named) => {
                merge_by_name(own, named);
            }
            _ => merge(field, change, form),
        }
    }
}

fn is_named(item: &Value) -> bool {
    item.get("name").is_some_and(Value::is_string)
}

fn merge_by_name(own: &mut Vec<Value>, named: &[Value]) {
    for item in named {
        let same = |held: &&mut Value| held.get("name") == item.get("name");
        match own.iter_mut().find(same) {
            Some(held) => merge(held, item, Form::Strategic),
            None => own.push(item.clone()),
        }
    }
}

/// The merge patch that makes `after` of `before`.
pub(super) fn difference(before: &Value, after: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return after.clone();
    };
    let mut changes = Map::new();
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        changes.insert(name.clone(), Value::Null);
    }
    for (name, value) in new {
        match old.get(name) {
            Some(held) if held == value => {}
            Some(held) => {
                changes.insert(name.clone(), difference(held, value));
            }
            None => {
                changes.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(changes)
}

fn operate(object: &mut Value, operation: &Value) -> Result<(), Unpatchable> {
    let malformed = || Unpatchable::Malformed(format!("unexpected operation: {operation}"));
    let path = operation["path"].as_str().ok_or_else(malformed)?;
    let value = operation.get("value");
    match operation["op"].as_str().unwrap_or_default() {
        "test" => {
            // A place that is not there is as good as null, as in the server's library.
            let held = object.pointer(path).unwrap_or(&Value::Null);
            let wanted = value.unwrap_or(&Value::Null);
            (held == wanted).then_some(()).ok_or(Unpatchable::Unmet)
        }
        "add" => add(object, path, value.ok_or_else(malformed)?),
        "replace" => {
            let value = value.ok_or_else(malformed)?;
            let held = object.pointer_mut(path).ok_or(Unpatchable::Unmet)?;
            *held = value.clone();
            Ok(())
        }
        "remove" => remove(object, path).map(|_| ()),
        "move" => {
            let from = operation["from"].as_str().ok_or_else(malformed)?;
            let held = remove(object, from)?;
            add(object, path, &held)
        }
        "copy" => {
            let from = operation["from"].as_str().ok_or_else(malformed)?;
            let held = object.pointer(from).ok_or(Unpatchable::Unmet)?.clone();
            add(object, path, &held)
        }
        _ => Err(malformed()),
    }
}

/// A place's parent and the last part of its path, unescaped.
fn parent<'a>(object: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), Unpatchable> {
    let (above, last) = path.rsplit_once('/').ok_or(Unpatchable::Unmet)?;
    let parent = object.pointer_mut(above).ok_or(Unpatchable::Unmet)?;
    Ok((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn add(object: &mut Value, path: &str, value: &Value) -> Result<(), Unpatchable> {
    if path.is_empty() {
        *object = value.clone();
        return Ok(());
    }
    match parent(object, path)? {
        (Value::Object(fields), name) => {
            fields.insert(name, value.clone());
            Ok(())
        }
        (Value::Array(items), place) => {
            let place = match place.as_str() {
                "-" => items.len(),
                number => number.parse().map_err(|_| Unpatchable::Unmet)?,
            };
            if place > items.len() {
                return Err(Unpatchable::Unmet);
            }
            items.insert(place, value.clone());
            Ok(())
        }
        _ => Err(Unpatchable::Unmet),
    }
}

fn remove(object: &mut Value, path: &str) -> Result<Value, Unpatchable> {
    match parent(object, path)? {
        (Value::Object(fields), name) => fields.remove(&name).ok_or(Unpatchable::Unmet),
        (Value::Array(items), place) => {
            let place: usize = place.parse().map_err(|_| Unpatchable::Unmet)?;
            if place >= items.len() {
                return Err(Unpatchable::Unmet);
            }
            Ok(items.remove(place))
        }
        _ => Err(Unpatchable::Unmet),
    }
}

/// The fields that a change names, as `fieldsV1` writes them.
pub(super) fn field_set(change: &Value) -> Value {
    match change {
        Value::Object(fields) if !fields.is_empty() => Value::Object(
            fields
                .iter()
                .map(|(name, value)| (format!("f:{name}"), field_set(value)))
                .collect(),
        ),
        _ => json!({}),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use serde_json::json;

    use super::{Form, Unpatchable, difference, merge, patched};

    #[test]
    fn a_json_patch_is_done_in_order_and_wholly() {
        let object = json!({ "a": { "b/c": 1 }, "list": [1, 3] });
        let patch = json!([
            { "op": "test", "path": "/a/b~1c", "value": 1 },
            { "op": "test", "path": "/operation", "value": null },
            { "op": "replace", "path": "/a/b~1c", "value": 2 },
            { "op": "add", "path": "/list/1", "value": 2 },
            { "op": "add", "path": "/list/-", "value": 4 },
            { "op": "add", "path": "/new", "value": {} },
            { "op": "copy", "from": "/a", "path": "/new/copy" },
            { "op": "move", "from": "/a", "path": "/b" },
            { "op": "remove", "path": "/list/0" },
        ]);
        let after = patched(&object, &patch, Form::Json).unwrap();
        let wanted =
            json!({ "b": { "b/c": 2 }, "new": { "copy": { "b/c": 2 } }, "list": [2, 3, 4] });
        assert_eq!(after, wanted);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let object = json!({ "a": 1, "list": [] });
        for patch in [
            json!([{ "op": "test", "path": "/a", "value": 2 }]),
            json!([{ "op": "replace", "path": "/b", "value": 2 }]),
            json!([{ "op": "remove", "path": "/b" }]),
            json!([{ "op": "add", "path": "/b/c", "value": 2 }]),
            json!([{ "op": "add", "path": "/list/1", "value": 2 }]),
        ] {
            let refused = patched(&object, &patch, Form::Json).unwrap_err();
            assert_eq!(refused, Unpatchable::Unmet, "{patch}");
        }
        for patch in [
            json!({}),
            json!([{ "op": "test" }]),
            json!([{ "op": "jump", "path": "/a" }]),
        ] {
            let refused = patched(&object, &patch, Form::Json).unwrap_err();
            assert!(matches!(refused, Unpatchable::Malformed(_)), "{patch}");
        }
    }

    #[test]
    fn lists_of_named_things_are_merged_by_name_only_strategically() {
        let object = json!({ "containers": [{ "name": "a", "image": "1" }, { "name": "b" }] });
        let patch = json!({ "containers": [{ "name": "a", "image": "2" }], "gone": null });
        let strategic = patched(&object, &patch, Form::Strategic).unwrap();
        let wanted = json!({ "containers": [{ "name": "a", "image": "2" }, { "name": "b" }] });
        assert_eq!(strategic, wanted);
        let plain = patched(&object, &patch, Form::Merge).unwrap();
        assert_eq!(
            plain,
            json!({ "containers": [{ "name": "a", "image": "2" }] })
        );
    }

    #[test]
    fn a_difference_makes_the_one_of_the_other() {
        let before = json!({ "a": { "b": 1, "c": 2 }, "d": [1], "e": 1 });
        let after = json!({ "a": { "b": 1, "c": 3 }, "d": [2], "f": {} });
        let change = difference(&before, &after);
        assert_eq!(
            change,
            json!({ "a": { "c": 3 }, "d": [2], "e": null, "f": {} })
        );
        let mut made = before;
        merge(&mut made, &change, Form::Merge);
        assert_eq!(made, after);
    }
}
