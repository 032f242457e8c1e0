//! What changes, and what of it may be shown?
//!
//! Only the places that differ. Images, counts and resources are what an operator decides by; what may hold
//! a secret is masked: values of environment variables, arguments, annotations, and whatever is named like
//! one. Pure.

use serde_json::Value;

use crate::domain::plan::Difference;
use crate::domain::text::Untrusted;

/// So many lines; a title says what the rest is.
const MAX_LINES: usize = 60;
const MAX_VALUE_CHARS: usize = 160;
const MASK: &str = "(masked)";

/// Annotations that hold no secret.
const OPEN_ANNOTATIONS: [&str; 4] = [
    "kubectl.kubernetes.io/restartedAt",
    "kubernetes.io/change-cause",
    "quell.dev/action-id",
    "deployment.kubernetes.io/revision",
];

/// From one value to another, under a path.
pub(super) fn between(path: &str, before: &Value, after: &Value) -> Vec<Difference> {
    let mut lines = Vec::new();
    walk(path, before, after, false, &mut lines);
    if lines.len() > MAX_LINES {
        let more = lines.len() - MAX_LINES;
        lines.truncate(MAX_LINES);
        lines.push(Difference {
            path: Untrusted::line(&format!("and {more} more places")),
            before: None,
            after: None,
        });
    }
    lines
}

/// One value.
pub(super) fn line(path: &str, before: &Value, after: &Value) -> Difference {
    let told = |value: &Value| (!value.is_null()).then(|| told(value, false));
    Difference {
        path: Untrusted::line(path),
        before: told(before),
        after: told(after),
    }
}

fn walk(path: &str, before: &Value, after: &Value, masked: bool, lines: &mut Vec<Difference>) {
    if before == after {
        return;
    }
    let masked = masked || is_secret(path);
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let of = |map: &serde_json::Map<String, Value>| map.get(key).cloned();
                let (x, y) = (of(a).unwrap_or_default(), of(b).unwrap_or_default());
                walk(&format!("{path}/{key}"), &x, &y, masked, lines);
            }
        }
        (Value::Object(_), Value::Null) => {
            walk(
                path,
                before,
                &Value::Object(serde_json::Map::new()),
                masked,
                lines,
            );
        }
        (Value::Null, Value::Object(_)) => {
            walk(
                path,
                &Value::Object(serde_json::Map::new()),
                after,
                masked,
                lines,
            );
        }
        (Value::Array(a), Value::Array(b)) if is_named(a) && is_named(b) => {
            let mut names: Vec<&str> = a
                .iter()
                .chain(b)
                .filter_map(|x| x["name"].as_str())
                .collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let of = |list: &[Value]| list.iter().find(|x| x["name"] == name).cloned();
                let (x, y) = (of(a).unwrap_or_default(), of(b).unwrap_or_default());
                walk(&format!("{path}[{name}]"), &x, &y, masked, lines);
            }
        }
        (Value::Array(a), Value::Array(b)) if has_objects(a) || has_objects(b) => {
            for at in 0..a.len().max(b.len()) {
                let of = |list: &[Value]| list.get(at).cloned().unwrap_or_default();
                walk(&format!("{path}[{at}]"), &of(a), &of(b), masked, lines);
            }
        }
        (Value::Array(_), Value::Null) => {
            walk(path, before, &Value::Array(Vec::new()), masked, lines);
        }
        (Value::Null, Value::Array(_)) => {
            walk(path, &Value::Array(Vec::new()), after, masked, lines);
        }
        _ => {
            let value = |value: &Value| (!value.is_null()).then(|| told(value, masked));
            lines.push(Difference {
                path: Untrusted::line(path),
                before: value(before),
                after: value(after),
            });
        }
    }
}

fn is_named(list: &[Value]) -> bool {
    list.iter().all(|one| one["name"].is_string())
}

fn has_objects(list: &[Value]) -> bool {
    list.iter().any(|one| one.is_object() || one.is_array())
}

fn told(value: &Value, masked: bool) -> Untrusted {
    // What has fields is taken apart before: here it would be shown with all of them.
    let has_fields = match value {
        Value::Object(_) => true,
        Value::Array(list) => has_objects(list),
        _ => false,
    };
    if masked || has_fields {
        return Untrusted::line(MASK);
    }
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => Untrusted::line(&format!("{}…", &text[..end])),
        None => Untrusted::line(&text),
    }
}

/// Whether what stands at a path may be a secret.
fn is_secret(path: &str) -> bool {
    if let Some((_, annotation)) = path.split_once("/annotations/") {
        return !OPEN_ANNOTATIONS.contains(&annotation);
    }
    let is_value = path.contains("/env[") && path.ends_with("/value");
    let last = path.rsplit('/').next().unwrap_or_default();
    let is_said = matches!(last, "env" | "args" | "command" | "httpHeaders");
    let lower = path.to_ascii_lowercase();
    let is_named = [
        "secret",
        "token",
        "password",
        "passwd",
        "credential",
        "apikey",
        "api-key",
        "api_key",
        "private",
    ]
    .iter()
    .any(|word| lower.contains(word))
        || last.to_ascii_lowercase().ends_with("key");
    is_value || is_said || is_named || lower.contains("/httpheaders")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use serde_json::json;

    #[test]
    fn images_and_resources_are_shown_and_secrets_are_not() {
        let template = |image: &str, secret: &str, cpu: &str| {
            json!({
                "metadata": { "annotations": { "vault/hint": secret, "kubernetes.io/change-cause": image } },
                "spec": { "containers": [{
                    "name": "api", "image": image, "args": ["--password", secret],
                    "command": ["run", secret],
                    "env": [{ "name": "DB_PASSWORD", "value": secret }, { "name": "LOG", "value": secret }],
                    "resources": { "requests": { "cpu": cpu } },
                    "readinessProbe": { "httpGet": { "httpHeaders": [{ "name": "A", "value": secret }] } },
                }] },
            })
        };
        let (old, new) = (
            template("api:1", "canary-one", "100m"),
            template("api:2", "canary-two", "2"),
        );
        let lines = between("template", &old, &new);
        let text = format!("{lines:?}");
        assert!(!text.contains("canary"), "{text}");
        let paths: Vec<&str> = lines.iter().map(|l| l.path.raw()).collect();
        assert_eq!(
            paths,
            [
                "template/metadata/annotations/kubernetes.io/change-cause",
                "template/metadata/annotations/vault/hint",
                "template/spec/containers[api]/args",
                "template/spec/containers[api]/command",
                "template/spec/containers[api]/env[DB_PASSWORD]/value",
                "template/spec/containers[api]/env[LOG]/value",
                "template/spec/containers[api]/image",
                "template/spec/containers[api]/readinessProbe/httpGet/httpHeaders[A]/value",
                "template/spec/containers[api]/resources/requests/cpu",
            ]
        );
        let image = &lines[6];
        assert_eq!(image.before.as_ref().unwrap().raw(), "api:1");
        assert_eq!(image.after.as_ref().unwrap().raw(), "api:2");
    }

    #[test]
    fn what_comes_or_goes_as_a_whole_is_taken_apart_before_it_is_shown() {
        let new = json!({ "env": [{ "name": "A", "value": "canary" }], "image": "x" });
        for lines in [
            between("c", &Value::Null, &new),
            between("c", &new, &Value::Null),
        ] {
            assert!(!format!("{lines:?}").contains("canary"), "{lines:?}");
            assert!(lines.iter().any(|line| line.path.raw() == "c/image"));
        }
        for other in [json!([]), json!("text"), json!([1]), Value::Null] {
            let lines = between("l", &other, &json!([new]));
            assert!(!format!("{lines:?}").contains("canary"), "{lines:?}");
            let lines = between("l", &other, &json!([[new]]));
            assert!(!format!("{lines:?}").contains("canary"), "{lines:?}");
        }
    }
}
