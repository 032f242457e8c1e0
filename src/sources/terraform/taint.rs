//! Which texts are secret, and how is a text shown without them?
//!
//! A plan marks what is sensitive by place, and holds the same value in plain text at other places:
//! copied to an output, as a variable's default, in the key of a resource. So every value at a marked
//! place is collected from all files of a source first ([`Taint::add_masked`]), and nothing is shown
//! before it went through [`Taint::redact`]. Used by every reader here.
//!
//! Only values count, not the names of attributes: `password` may be named, its value may not. Values of
//! fewer than six characters are hidden at their marked places only: they would be found everywhere.
//! It never gives out what it holds, nor how long that is.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

/// What stands where a secret was.
pub(super) const HIDDEN: &str = "(sensitive)";

/// Shorter values are found everywhere.
const MIN_CHARS: usize = 6;

/// Every secret has at least so many bytes: it begins with one of the windows of [`Taint::by_start`].
const WINDOW: usize = MIN_CHARS;

/// More secrets than this are not kept.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Every secret that was met.
#[derive(Default)]
pub(super) struct Taint {
    /// By their first bytes.
    by_start: HashMap<[u8; WINDOW], Vec<Box<str>>>,
    known: HashSet<u64>,
    bytes: usize,
    is_full: bool,
}

impl Taint {
    /// Collects what a mask marks in a value. A mask is `true`, a map of masks, or a list of masks by
    /// position.
    pub(super) fn add_masked(&mut self, value: &Value, mask: &Value) {
        match (mask, value) {
            (Value::Bool(true), _) => self.add_all(value),
            (Value::Object(masks), Value::Object(values)) => {
                for (key, mask) in masks {
                    if let Some(value) = values.get(key) {
                        self.add_masked(value, mask);
                    }
                }
            }
            (Value::Array(masks), Value::Array(values)) => {
                for (mask, value) in masks.iter().zip(values) {
                    self.add_masked(value, mask);
                }
            }
            // A mask of another shape marks something in there, nobody knows what.
            _ if is_marking(mask) => self.add_all(value),
            _ => {}
        }
    }

    /// Collects every text and number in a value.
    pub(super) fn add_all(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add(text),
            Value::Number(number) => self.add(&number.to_string()),
            Value::Array(values) => values.iter().for_each(|value| self.add_all(value)),
            Value::Object(values) => values.values().for_each(|value| self.add_all(value)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn add(&mut self, text: &str) {
        self.add_form(text);
        self.add_form(text.trim());
        // As it stands in the key of an address, and in JSON within a text.
        let quoted = Value::from(text).to_string();
        let escaped = quoted.trim_matches('"');
        if escaped != text {
            self.add_form(escaped);
        }
        if text.contains("${") || text.contains("%{") {
            self.add_form(&escaped.replace("${", "$${").replace("%{", "%%{"));
        }
    }

    fn add_form(&mut self, text: &str) {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        if text.chars().nth(MIN_CHARS - 1).is_none() || !self.known.insert(hasher.finish()) {
            return;
        }
        self.bytes += text.len();
        if self.bytes > MAX_BYTES {
            self.is_full = true;
            return;
        }
        if let Some(start) = text.as_bytes().first_chunk::<WINDOW>() {
            self.by_start.entry(*start).or_default().push(text.into());
        }
    }

    /// The text with every secret in it hidden. Secrets that overlap are hidden as one.
    pub(super) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.is_full {
            return Cow::Borrowed(HIDDEN);
        }
        if self.by_start.is_empty() {
            return Cow::Borrowed(text);
        }
        let bytes = text.as_bytes();
        // The stretches to be hidden, in order, none touching the next.
        let mut hidden: Vec<(usize, usize)> = Vec::new();
        for (at, window) in bytes.windows(WINDOW).enumerate() {
            let Ok(window) = <&[u8; WINDOW]>::try_from(window) else {
                continue;
            };
            let Some(secrets) = self.by_start.get(window) else {
                continue;
            };
            let fits = |secret: &&str| bytes[at..].starts_with(secret.as_bytes());
            let Some(longest) = secrets
                .iter()
                .map(|s| &**s)
                .filter(fits)
                .map(str::len)
                .max()
            else {
                continue;
            };
            match hidden.last_mut() {
                Some((_, end)) if at <= *end => *end = (*end).max(at + longest),
                _ => hidden.push((at, at + longest)),
            }
        }
        if hidden.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for (start, end) in hidden {
            // Secrets are whole texts: their borders are borders of characters.
            out.push_str(text.get(done..start).unwrap_or_default());
            out.push_str(HIDDEN);
            done = end;
        }
        out.push_str(text.get(done..).unwrap_or_default());
        Cow::Owned(out)
    }
}

/// Whether a mask marks anything.
pub(super) fn is_marking(mask: &Value) -> bool {
    match mask {
        Value::Bool(marks) => *marks,
        Value::Array(masks) => masks.iter().any(is_marking),
        Value::Object(masks) => masks.values().any(is_marking),
        Value::Null | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn taint(value: &Value, mask: &Value) -> Taint {
        let mut taint = Taint::default();
        taint.add_masked(value, mask);
        taint
    }

    #[test]
    fn what_a_mask_marks_is_hidden_wherever_it_stands() {
        let value = json!({"a": {"pass": "hunter2-x", "user": "service"}, "l": ["plain-1", "secret-1"], "n": 123_456});
        let mask = json!({"a": {"pass": true}, "l": [false, true], "n": true});
        let taint = taint(&value, &mask);
        for (text, shown) in [
            ("dsn=app:hunter2-x@db", "dsn=app:(sensitive)@db"),
            ("service plain-1", "service plain-1"),
            ("secret-1secret-1", "(sensitive)"),
            ("é secret-1 é", "é (sensitive) é"),
            ("port 1234567", "port (sensitive)7"),
        ] {
            assert_eq!(taint.redact(text), shown);
        }
    }

    #[test]
    fn everything_below_a_marked_place_is_secret_and_a_mask_of_another_shape_marks_all() {
        let nested = taint(&json!({"a": {"b": ["deep-secret"]}}), &json!({"a": true}));
        assert_eq!(nested.redact("x deep-secret"), "x (sensitive)");
        let shape = taint(&json!(["secret-1"]), &json!({"a": true}));
        assert_eq!(shape.redact("secret-1"), HIDDEN);
        let none = taint(&json!(["secret-1"]), &json!({"a": false}));
        assert_eq!(none.redact("secret-1"), "secret-1");
    }

    #[test]
    fn overlapping_secrets_leave_nothing_of_either() {
        let taint = taint(&json!(["xxabcdef", "abcdefyy", "abcdef"]), &json!(true));
        assert_eq!(taint.redact("-xxabcdefyy-"), "-(sensitive)-");
    }

    #[test]
    fn short_values_stay_as_they_would_be_found_everywhere() {
        let taint = taint(&json!(["true", "eu-1", "ééééé"]), &json!(true));
        assert_eq!(taint.redact("eu-1 true ééééé"), "eu-1 true ééééé");
    }

    #[test]
    fn a_secret_is_found_escaped_and_without_the_spaces_around_it() {
        let taint = taint(&json!("line-1\nline-\"2\"\n"), &json!(true));
        assert_eq!(
            taint.redact("x[\"line-1\\nline-\\\"2\\\"\\n\"]"),
            "x[\"(sensitive)\"]"
        );
        assert_eq!(taint.redact("line-1\nline-\"2\""), HIDDEN);
    }

    #[test]
    fn too_many_secrets_hide_everything() {
        let taint = Taint {
            is_full: true,
            ..Taint::default()
        };
        assert_eq!(taint.redact("harmless"), HIDDEN);
    }

    proptest! {
        #[test]
        fn no_text_keeps_a_secret(
            secrets in prop::collection::vec("[abé]{6,9}", 1..6),
            text in "[abé]{0,60}",
        ) {
            let taint = taint(&json!(secrets), &json!(true));
            let shown = taint.redact(&text);
            for secret in &secrets {
                prop_assert!(!shown.contains(secret.as_str()));
            }
            if !secrets.iter().any(|secret| text.contains(secret.as_str())) {
                prop_assert_eq!(&*shown, &*text);
            }
        }
    }
}
