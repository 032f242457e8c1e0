//! Where exactly does an object differ from its declaration, and may the values be shown?
//!
//! Compares what is there with what would be there after a sync, both as Argo CD tells them. No value
//! of a Secret is ever kept, nor one whose name or text looks like a secret, nor a whole subtree.

use serde_json::{Map, Value};

use crate::domain::drift::{Drift, DriftPath};
use crate::domain::text::Untrusted;

/// Of one object, so many places are told.
const MAX_PATHS: usize = 50;
/// Of a value, so much is told.
const MAX_VALUE_CHARS: usize = 120;
/// What the API server counts and books by itself.
const BOOKKEEPING: [&str; 5] = [
    "managedFields",
    "resourceVersion",
    "generation",
    "uid",
    "creationTimestamp",
];
/// A name or a text with one of these words in it may be a secret.
const SECRET_WORDS: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "token",
    "secret",
    "credential",
    "apikey",
    "api_key",
    "api-key",
    "private",
    "begin ",
    "bearer",
];

/// What differs of one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Paths {
    pub(super) told: Vec<DriftPath>,
    /// How many more there are.
    more: usize,
    /// What makes it impossible to compare, or unnecessary.
    note: Option<&'static str>,
}

impl Paths {
    /// Adds them to the row of the object.
    pub(super) fn tell(&self, drift: &mut Drift) {
        drift.paths.clone_from(&self.told);
        let more = (self.more > 0).then(|| format!("{} more places differ", self.more));
        let told = drift.detail.take();
        let words = [
            told.as_ref().map(|detail| detail.raw().to_owned()),
            self.note.map(str::to_owned),
            more,
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        drift.detail = (!words.is_empty()).then(|| Untrusted::line(&words.join("; ")));
    }
}

/// What differs between two states of an object of a kind, each as JSON or nothing.
pub(super) fn paths(kind: &str, live: Option<&str>, predicted: Option<&str>) -> Paths {
    let note = |note| Paths {
        note: Some(note),
        ..Paths::default()
    };
    let (Some(live), Some(predicted)) = (parse(live), parse(predicted)) else {
        return note("what Argo CD tells of its states is no JSON");
    };
    match (&live, &predicted) {
        (Value::Null, _) => note("it is not there"),
        (_, Value::Null) => note("git does not have it"),
        _ => {
            let mut comparison = Comparison {
                is_secret: kind == "Secret",
                found: Paths::default(),
            };
            comparison.value("", &predicted, &live, Shown::Plain);
            comparison.found
        }
    }
}

fn parse(text: Option<&str>) -> Option<Value> {
    match text.map(str::trim) {
        None | Some("") => Some(Value::Null),
        Some(text) => serde_json::from_str(text).ok(),
    }
}

struct Comparison {
    is_secret: bool,
    found: Paths,
}

/// Whether the values of a place may be shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Plain,
    Masked,
}

impl Comparison {
    fn value(&mut self, path: &str, declared: &Value, live: &Value, shown: Shown) {
        match (declared, live) {
            (Value::Object(declared), Value::Object(live)) => {
                self.object(path, declared, live, shown);
            }
            (Value::Array(declared), Value::Array(live)) => {
                self.array(path, declared, live, shown);
            }
            (declared, live) if declared == live => {}
            (declared, live) => self.differs(path, Some(declared), Some(live), shown),
        }
    }

    fn object(
        &mut self,
        path: &str,
        declared: &Map<String, Value>,
        live: &Map<String, Value>,
        shown: Shown,
    ) {
        // `{name: DB_PASSWORD, value: ...}`: what a value is, its neighbour says.
        let is_named_secret = [declared, live].iter().any(|fields| {
            let name = fields.get("name").or_else(|| fields.get("key"));
            name.and_then(Value::as_str).is_some_and(may_be_secret)
        });
        let more = live.keys().filter(|key| !declared.contains_key(*key));
        for key in declared.keys().chain(more) {
            if path == "metadata" && BOOKKEEPING.contains(&&**key) {
                continue;
            }
            let names_secret = is_secret_name(key) || (is_named_secret && key == "value");
            let shown = if names_secret { Shown::Masked } else { shown };
            self.place(&field(path, key), declared.get(key), live.get(key), shown);
        }
    }

    /// Elements with names belong together by name, others by position.
    fn array(&mut self, path: &str, declared: &[Value], live: &[Value], shown: Shown) {
        let (Some(ours), Some(theirs)) = (names(declared), names(live)) else {
            for at in 0..declared.len().max(live.len()) {
                self.place(
                    &format!("{path}[{at}]"),
                    declared.get(at),
                    live.get(at),
                    shown,
                );
            }
            return;
        };
        let find = |all: &[&str], name: &str| all.iter().position(|known| *known == name);
        let more = theirs.iter().filter(|name| find(&ours, name).is_none());
        for name in ours.iter().chain(more) {
            let declared = find(&ours, name).and_then(|at| declared.get(at));
            let live = find(&theirs, name).and_then(|at| live.get(at));
            let is_secret = may_be_secret(name);
            let shown = if is_secret { Shown::Masked } else { shown };
            self.place(&format!("{path}[{name:?}]"), declared, live, shown);
        }
    }

    fn place(&mut self, path: &str, declared: Option<&Value>, live: Option<&Value>, shown: Shown) {
        match (declared, live) {
            (Some(declared), Some(live)) => self.value(path, declared, live, shown),
            (None, None) => {}
            (declared, live) => self.differs(path, declared, live, shown),
        }
    }

    fn differs(
        &mut self,
        path: &str,
        declared: Option<&Value>,
        live: Option<&Value>,
        shown: Shown,
    ) {
        if self.found.told.len() == MAX_PATHS {
            self.found.more += 1;
            return;
        }
        let is_secret_text = |value: &Value| value.as_str().is_some_and(may_be_secret);
        let masked = self.is_secret
            || shown == Shown::Masked
            || declared.is_some_and(is_secret_text)
            || live.is_some_and(is_secret_text);
        let words = |value: Option<&Value>| {
            let value = value.filter(|_| !masked)?;
            Some(Untrusted::line(&self::words(value)))
        };
        self.found.told.push(DriftPath {
            path: Untrusted::line(path),
            before: words(declared),
            after: words(live),
            masked,
        });
    }
}

/// `spec.replicas`, `metadata.labels["app.kubernetes.io/name"]`
fn field(path: &str, key: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if key.is_empty() || !key.chars().all(is_plain) {
        format!("{path}[{key:?}]")
    } else if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// The `name` of each element, if each has one of its own.
fn names(elements: &[Value]) -> Option<Vec<&str>> {
    let names = elements.iter().map(|e| e.get("name")?.as_str());
    let names: Vec<&str> = names.collect::<Option<_>>()?;
    let is_unique = |(at, name): (usize, &&str)| !names[..at].contains(name);
    names.iter().enumerate().all(is_unique).then_some(names)
}

/// A scalar as it is; of a subtree only its size, since nobody knows what is in it.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => match text.char_indices().nth(MAX_VALUE_CHARS) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.clone(),
        },
        Value::Array(elements) => format!("[{} elements]", elements.len()),
        Value::Object(fields) => format!("{{{} fields}}", fields.len()),
        scalar => scalar.to_string(),
    }
}

/// A key's name. Whatever ends with `key` may be one, and a copy of the whole object has all in it.
fn is_secret_name(key: &str) -> bool {
    key.to_ascii_lowercase().ends_with("key")
        || key.ends_with("last-applied-configuration")
        || may_be_secret(key)
}

/// A name or a text. Rather masked for nothing than shown by mistake.
fn may_be_secret(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let has_word = SECRET_WORDS.iter().any(|word| lower.contains(word));
    has_word || lower.ends_with("_key") || lower.ends_with("-key") || has_user(text)
}

/// `postgres://user:password@host`
fn has_user(text: &str) -> bool {
    text.split("://").skip(1).any(|after| {
        let authority = after.split(['/', '?', '#', ' ']).next().unwrap_or_default();
        authority
            .rsplit_once('@')
            .is_some_and(|(user, _)| user.contains(':'))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use serde_json::json;

    use super::*;

    fn told(kind: &str, declared: &Value, live: &Value) -> Vec<(String, String, String, bool)> {
        let (declared, live) = (declared.to_string(), live.to_string());
        let found = paths(kind, Some(&live), Some(&declared));
        let words = |text: Option<Untrusted>| text.map_or("-".to_owned(), |t| t.shown().to_owned());
        let all = found.told.into_iter();
        all.map(|p| {
            (
                p.path.shown().to_owned(),
                words(p.before),
                words(p.after),
                p.masked,
            )
        })
        .collect()
    }

    fn plain(path: &str, before: &str, after: &str) -> (String, String, String, bool) {
        (path.to_owned(), before.to_owned(), after.to_owned(), false)
    }

    fn masked(path: &str) -> (String, String, String, bool) {
        (path.to_owned(), "-".to_owned(), "-".to_owned(), true)
    }

    #[test]
    fn each_place_that_differs_is_told_with_both_values() {
        let declared = json!({
            "metadata": {"generation": 1, "labels": {"app.kubernetes.io/name": "web"}},
            "spec": {"replicas": 3, "paused": false, "containers": [
                {"name": "web", "image": "web:5.12.0"}, {"name": "gone", "image": "x"}],
                "args": ["a", "b"]}});
        let live = json!({
            "metadata": {"generation": 7, "labels": {"app.kubernetes.io/name": "web2"}},
            "spec": {"replicas": 5, "containers": [
                {"name": "sidecar", "image": "y"}, {"name": "web", "image": "web:5.13.0", "tty": true}],
                "args": ["a", "c", "d"]}});
        let mut expected = [
            plain("metadata.labels[\"app.kubernetes.io/name\"]", "web", "web2"),
            plain("spec.replicas", "3", "5"),
            plain("spec.paused", "false", "-"),
            plain("spec.containers[\"web\"].image", "web:5.12.0", "web:5.13.0"),
            plain("spec.containers[\"web\"].tty", "-", "true"),
            plain("spec.containers[\"gone\"]", "{2 fields}", "-"),
            plain("spec.containers[\"sidecar\"]", "-", "{2 fields}"),
            plain("spec.args[1]", "b", "c"),
            plain("spec.args[2]", "-", "d"),
        ];
        let mut found = told("Deployment", &declared, &live);
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn no_value_of_a_secret_is_kept() {
        let declared = json!({"data": {"a": "cGxhaW4=", "b": "x"}, "type": "Opaque", "stringData": {"c": "d"}});
        let live = json!({"data": {"a": "b3RoZXI=", "b": "x"}, "type": "Other"});
        let mut found = told("Secret", &declared, &live);
        found.sort();
        assert_eq!(
            found,
            [masked("data.a"), masked("stringData"), masked("type")]
        );
    }

    #[test]
    fn what_looks_like_a_secret_is_masked_wherever_it_stands() {
        let one = |key: &str, value: &str| {
            let (declared, live) = (json!({key: "old"}), json!({key: value}));
            told("ConfigMap", &declared, &live).remove(0).3
        };
        for (key, value) in [
            ("dbPassword", "x"),
            ("API_TOKEN", "x"),
            ("clientSecret", "x"),
            ("tls.key", "x"),
            ("apiKey", "x"),
            ("kubectl.kubernetes.io/last-applied-configuration", "{}"),
            ("application.yaml", "a: 1\ndb:\n  password: hunter2\n"),
            ("url", "postgres://app:hunter2@db:5432/x"),
            ("args", "--auth-token=abc"),
            ("cert", "-----BEGIN RSA PRIVATE KEY-----"),
        ] {
            assert!(one(key, value), "{key}: {value}");
        }
        for (key, value) in [
            ("replicas", "3"),
            ("url", "https://shop.test/a@b:c"),
            ("level", "debug"),
        ] {
            assert!(!one(key, value), "{key}: {value}");
        }
        let env = |value: &str| json!({"env": [{"name": "DB_PASSWORD", "value": value}, {"name": "LEVEL", "value": value}]});
        let found = told("Deployment", &env("hunter2"), &env("hunter3"));
        assert_eq!(
            found,
            [
                masked("env[\"DB_PASSWORD\"].value"),
                plain("env[\"LEVEL\"].value", "hunter2", "hunter3")
            ]
        );
        // Also where the position counts, because not all have names.
        let env = |value: &str| json!({"env": [{"name": "DB_PASSWORD", "value": value}, 5]});
        assert_eq!(
            told("Deployment", &env("a"), &env("b")),
            [masked("env[0].value")]
        );
        // And everything below a name like that.
        let nested = |value: &str| json!({"secretConfig": {"a": {"b": value}}});
        assert_eq!(
            told("Thing", &nested("a"), &nested("b")),
            [masked("secretConfig.a.b")]
        );
    }

    #[test]
    fn what_cannot_be_compared_is_said() {
        let note = |live, declared| paths("Service", live, declared).note;
        assert_eq!(note(Some("null"), Some("{}")), Some("it is not there"));
        assert_eq!(note(None, Some("{}")), Some("it is not there"));
        assert_eq!(note(Some("{}"), Some("")), Some("git does not have it"));
        assert_eq!(
            note(Some("{"), Some("{}")),
            Some("what Argo CD tells of its states is no JSON")
        );
        assert_eq!(paths("Service", Some("{}"), Some("{}")), Paths::default());
        let many: Map<String, Value> = (0..60).map(|n| (format!("f{n}"), json!(n))).collect();
        let found = paths("X", Some("{}"), Some(&Value::Object(many).to_string()));
        assert_eq!((found.told.len(), found.more), (MAX_PATHS, 10));
    }

    #[test]
    fn hostile_names_and_values_are_made_safe_and_bounded() {
        let declared = json!({"a\u{1b}[2J": "x", "b": "y".repeat(500)});
        let live = json!({"a\u{1b}[2J": "\u{202e}z", "b": "ü".repeat(500)});
        let found = told("X", &declared, &live);
        assert_eq!(found[0].0, "[\"a\\u{1b}[2J\"]");
        assert_eq!(found[0].2, "\\u{202e}z");
        assert_eq!(found[1].2.chars().count(), MAX_VALUE_CHARS + 1);
    }
}
