//! Where exactly do two values differ, and what may be shown of that?
//!
//! Called by [`super::plan`] for what a plan tells of one resource. A sensitive place is never looked
//! into: that it differs is all that is said. Pure.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

use super::taint::{HIDDEN, Taint, is_marking};
use crate::domain::drift::DriftPath;
use crate::domain::text::Untrusted;

/// No more places of one resource are told, only counted.
pub(super) const MAX_PATHS: usize = 200;

/// A value is cut after so many characters.
const MAX_VALUE_CHARS: usize = 200;

/// What is known only once it was applied.
const UNKNOWN: &str = "(known after apply)";

static NULL: Value = Value::Null;

/// `change` of a resource, as Terraform writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireChange {
    pub(super) actions: Vec<String>,
    pub(super) before: Value,
    pub(super) after: Value,
    pub(super) after_unknown: Value,
    pub(super) before_sensitive: Value,
    pub(super) after_sensitive: Value,
}

impl WireChange {
    /// Collects what is sensitive on either side.
    pub(super) fn add_to(&self, taint: &mut Taint) {
        taint.add_masked(&self.before, &self.before_sensitive);
        taint.add_masked(&self.after, &self.after_sensitive);
    }
}

/// The places that differ.
#[derive(Debug, Default)]
pub(super) struct Differences {
    pub(super) paths: Vec<DriftPath>,
    /// How many more there are.
    pub(super) more: usize,
}

/// The places that differ between both sides, if there are two sides.
pub(super) fn differences(change: &WireChange, taint: &Taint) -> Differences {
    let mut found = Differences::default();
    if change.before.is_null() || change.after.is_null() {
        return found;
    }
    let before = Side {
        value: Some(&change.before),
        mask: &change.before_sensitive,
    };
    let after = Side {
        value: Some(&change.after),
        mask: &change.after_sensitive,
    };
    let mut walk = Walk {
        taint,
        found: &mut found,
    };
    walk.compare("", Depth::Top, before, after, &change.after_unknown);
    found
}

/// A value, or none, with what is sensitive in it.
#[derive(Clone, Copy)]
struct Side<'a> {
    value: Option<&'a Value>,
    mask: &'a Value,
}

impl<'a> Side<'a> {
    fn at(self, step: Step<'_>) -> Side<'a> {
        let value = self.value.and_then(|value| step.of(value));
        Side {
            value,
            mask: mask_at(self.mask, step),
        }
    }

    fn is_masked(self) -> bool {
        match (self.mask, self.value) {
            (Value::Bool(marks), _) => *marks,
            (Value::Object(_), Some(Value::Object(_)))
            | (Value::Array(_), Some(Value::Array(_)))
            | (_, None) => false,
            // A mask of another shape: something in there is sensitive, nobody knows what.
            (mask, Some(value)) => !value.is_null() && is_marking(mask),
        }
    }

    /// Absent and null are the same to Terraform.
    fn value(self) -> &'a Value {
        self.value.unwrap_or(&NULL)
    }
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl Step<'_> {
    fn of(self, value: &Value) -> Option<&Value> {
        match self {
            Self::Key(key) => value.as_object()?.get(key),
            Self::Index(at) => value.as_array()?.get(at),
        }
    }
}

/// A mask that is `true` marks everything below it.
fn mask_at<'a>(mask: &'a Value, step: Step<'_>) -> &'a Value {
    match mask {
        Value::Bool(_) => mask,
        _ => step.of(mask).unwrap_or(&NULL),
    }
}

/// How a key is written: names of attributes with a dot, keys of a map in brackets. JSON does not tell
/// a map from an object; what stands directly in an attribute is a map more often.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Top,
    InAttribute,
    InList,
}

struct Walk<'a> {
    taint: &'a Taint,
    found: &'a mut Differences,
}

impl Walk<'_> {
    fn compare(
        &mut self,
        path: &str,
        depth: Depth,
        before: Side<'_>,
        after: Side<'_>,
        unknown: &Value,
    ) {
        if before.is_masked() || after.is_masked() {
            if before.value() != after.value() || *unknown == Value::Bool(true) {
                self.add(path, None, None, true);
            }
            return;
        }
        if *unknown == Value::Bool(true) {
            let before = before.value.map(|value| self.shown(value));
            self.add(path, before, Some(Untrusted::line(UNKNOWN)), false);
            return;
        }
        let (old, new) = (before.value(), after.value());
        let both = |is: fn(&Value) -> bool| {
            (is(old) && (is(new) || new.is_null())) || (old.is_null() && is(new))
        };
        let is_partly_masked = is_marking(before.mask) || is_marking(after.mask);
        let is_one_sided = old.is_null() || new.is_null();
        let is_looked_into =
            !is_one_sided || depth == Depth::Top || is_partly_masked || is_marking(unknown);
        if both(Value::is_object) && is_looked_into {
            let keys = [old, new, unknown].into_iter().filter_map(Value::as_object);
            let keys: BTreeSet<&String> = keys.flat_map(|object| object.keys()).collect();
            for key in keys {
                let step = Step::Key(key);
                let unknown = mask_at(unknown, step);
                if before.at(step).value() == after.at(step).value() && !is_marking(unknown) {
                    continue;
                }
                let path = self.with_key(path, depth, key);
                let below = match depth {
                    Depth::InList => Depth::InList,
                    Depth::Top | Depth::InAttribute => Depth::InAttribute,
                };
                self.compare(&path, below, before.at(step), after.at(step), unknown);
            }
            return;
        }
        if both(Value::is_array) && is_looked_into {
            let lists = [old, new, unknown].into_iter().filter_map(Value::as_array);
            let length = lists.map(Vec::len).max().unwrap_or_default();
            for at in 0..length {
                let step = Step::Index(at);
                let unknown = mask_at(unknown, step);
                if before.at(step).value() == after.at(step).value() && !is_marking(unknown) {
                    continue;
                }
                let path = format!("{path}[{at}]");
                let (before, after) = (before.at(step), after.at(step));
                self.compare(&path, Depth::InList, before, after, unknown);
            }
            return;
        }
        if old != new && is_partly_masked {
            // Of two shapes, and something in there is sensitive.
            self.add(path, None, None, true);
        } else if old != new {
            let before = before.value.map(|value| self.shown(value));
            let after = after.value.map(|value| self.shown(value));
            self.add(path, before, after, false);
        }
    }

    fn add(
        &mut self,
        path: &str,
        before: Option<Untrusted>,
        after: Option<Untrusted>,
        masked: bool,
    ) {
        if self.found.paths.len() >= MAX_PATHS {
            self.found.more += 1;
            return;
        }
        self.found.paths.push(DriftPath {
            path: Untrusted::line(&self.taint.redact(path)),
            before,
            after,
            masked,
        });
    }

    fn with_key(&self, path: &str, depth: Depth, key: &str) -> String {
        let key = self.taint.redact(key);
        if path.is_empty() {
            return key.into_owned();
        }
        let is_name = !key.is_empty()
            && key
                .chars()
                .all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        if depth == Depth::InList && is_name {
            format!("{path}.{key}")
        } else {
            format!("{path}[{}]", Value::from(&*key))
        }
    }

    /// As compact JSON, without secrets, cut. Secrets go first: a cut one would not be found.
    fn shown(&self, value: &Value) -> Untrusted {
        let mut out = String::new();
        write_value(value, self.taint, &mut out);
        if let Some((end, _)) = out.char_indices().nth(MAX_VALUE_CHARS) {
            out.truncate(end);
            out.push('…');
        }
        Untrusted::line(&self.taint.redact(&out))
    }
}

/// Writes a value until there is enough of it.
fn write_value(value: &Value, taint: &Taint, out: &mut String) {
    if out.len() > MAX_VALUE_CHARS * 4 {
        return;
    }
    match value {
        Value::String(text) => match taint.redact(text) {
            Cow::Owned(text) if text == HIDDEN => out.push_str(HIDDEN),
            text => {
                let _ = write!(out, "{}", Value::from(&*text));
            }
        },
        Value::Number(number) => out.push_str(&taint.redact(&number.to_string())),
        Value::Null | Value::Bool(_) => {
            let _ = write!(out, "{value}");
        }
        Value::Array(values) => {
            out.push('[');
            for (at, value) in values.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write_value(value, taint, out);
            }
            out.push(']');
        }
        Value::Object(values) => {
            out.push('{');
            for (at, (key, value)) in values.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                let _ = write!(out, "{}:", Value::from(&*taint.redact(key)));
                write_value(value, taint, out);
            }
            out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(before: Value, after: Value) -> WireChange {
        WireChange {
            before,
            after,
            ..WireChange::default()
        }
    }

    fn told(change: &WireChange) -> Vec<String> {
        let mut taint = Taint::default();
        change.add_to(&mut taint);
        let found = differences(change, &taint);
        let told = |path: &DriftPath| {
            let side =
                |side: &Option<Untrusted>| side.as_ref().map_or("-".into(), ToString::to_string);
            let masked = if path.masked { " masked" } else { "" };
            let (before, after) = (side(&path.before), side(&path.after));
            format!("{} {before} {after}{masked}", path.path)
        };
        found.paths.iter().map(told).collect()
    }

    #[test]
    fn places_are_written_as_terraform_writes_them() {
        let change = change(
            json!({"replicas": 3, "tags": {"env": "prod", "a b": 1}, "ingress": [{"port": 80}], "old": true, "same": [1, 2]}),
            json!({"replicas": 7, "tags": {"env": "test"}, "ingress": [{"port": 81}, {"port": 443}], "same": [1, 2]}),
        );
        let expected = [
            "ingress[0].port 80 81",
            "ingress[1] - {\"port\":443}",
            "old true -",
            "replicas 3 7",
            "tags[\"a b\"] 1 -",
            "tags[\"env\"] \"prod\" \"test\"",
        ];
        assert_eq!(told(&change), expected);
    }

    #[test]
    fn a_sensitive_place_tells_only_that_it_differs() {
        let mut change = change(
            json!({"token": "secret-old", "same": "secret-same", "list": [{"k": "a", "v": "secret-v1"}], "whole": {"deep": "secret-d1"}}),
            json!({"token": "secret-new", "same": "secret-same", "list": [{"k": "b", "v": "secret-v2"}], "whole": {"deep": "secret-d2"}}),
        );
        change.before_sensitive = json!({"token": true, "list": [{"v": true}], "whole": true});
        change.after_sensitive = json!({"same": true, "list": [{}]});
        let expected = [
            "list[0].k \"a\" \"b\"",
            "list[0].v - - masked",
            "token - - masked",
            "whole - - masked",
        ];
        assert_eq!(told(&change), expected);
    }

    #[test]
    fn a_new_block_with_a_secret_in_it_shows_the_rest() {
        let mut change = change(
            json!({"a": 1}),
            json!({"a": 1, "block": [{"user": "app", "password": "secret-1"}]}),
        );
        change.after_sensitive = json!({"block": [{"password": true}]});
        let expected = ["block[0].password - - masked", "block[0].user - \"app\""];
        assert_eq!(told(&change), expected);
    }

    #[test]
    fn what_is_known_only_later_is_said() {
        let mut change = change(json!({"id": "a", "in": {"x": 1}}), json!({"in": {}}));
        change.after_unknown = json!({"id": true, "in": {"x": true}, "quiet": false});
        let expected = [
            "id \"a\" (known after apply)",
            "in[\"x\"] 1 (known after apply)",
        ];
        assert_eq!(told(&change), expected);
    }

    #[test]
    fn a_value_is_cut_only_after_its_secrets_are_gone() {
        let padding = "x".repeat(195);
        let mut change = change(
            json!({"text": "a", "token": "secret-token"}),
            json!({"text": format!("{padding}secret-token"), "token": "secret-token"}),
        );
        change.before_sensitive = json!({"token": true});
        let [told] = &told(&change)[..] else {
            unreachable!("one place differs");
        };
        assert!(!told.contains("secr"), "{told}");
        assert!(told.ends_with('…'), "{told}");
    }

    #[test]
    fn places_beyond_the_bound_are_counted() {
        let list = |from: usize| Value::from((from..from + 300).collect::<Vec<_>>());
        let change = change(json!({"l": list(0)}), json!({"l": list(1)}));
        let found = differences(&change, &Taint::default());
        assert_eq!((found.paths.len(), found.more), (MAX_PATHS, 100));
    }

    #[test]
    fn created_and_deleted_have_no_places() {
        assert!(told(&change(Value::Null, json!({"a": 1}))).is_empty());
        assert!(told(&change(json!({"a": 1}), Value::Null)).is_empty());
    }
}
