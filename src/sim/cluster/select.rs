//! Which objects does a label or field selector choose?
//!
//! Label selectors with equality, sets and presence; field selectors with equality on what the
//! simulated kinds can be asked for. Called by lists and watches.

use serde_json::Value;

use super::super::wire::Request;
use super::object::Object;

/// What a list is narrowed to.
#[derive(Debug, Default, Clone)]
pub(super) struct Selection {
    labels: Vec<Requirement>,
    fields: Vec<(String, bool, String)>,
}

#[derive(Debug, Clone)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Present(bool),
    /// Whether the value is, or is not, one of these.
    OneOf(bool, Vec<String>),
}

impl Selection {
    /// # Errors
    /// What is wrong with a selector.
    pub(super) fn of(request: &Request) -> Result<Self, String> {
        let mut selection = Self::default();
        if let Some(text) = request.first("labelSelector") {
            for part in parts(text) {
                selection.labels.push(requirement(part)?);
            }
        }
        let fields = request.first("fieldSelector").unwrap_or_default();
        for part in fields.split(',').filter(|part| !part.is_empty()) {
            let (name, is_equal, value) = equality(part).ok_or_else(|| {
                format!("invalid selector: '{fields}'; can't understand '{part}'")
            })?;
            selection.fields.push((name, is_equal, value));
        }
        Ok(selection)
    }

    pub(super) fn takes(&self, object: &Object) -> bool {
        let label = |key: &str| object.metadata["labels"].get(key).and_then(Value::as_str);
        let labels = self.labels.iter().all(|wanted| match &wanted.test {
            Test::Present(is_wanted) => label(&wanted.key).is_some() == *is_wanted,
            Test::OneOf(is_wanted, values) => {
                let held = label(&wanted.key);
                held.is_some_and(|held| values.iter().any(|value| value == held)) == *is_wanted
            }
        });
        labels
            && self.fields.iter().all(|(name, is_equal, value)| {
                let held = match name.as_str() {
                    "metadata.name" => object.name.as_str(),
                    "metadata.namespace" => object.namespace,
                    other => {
                        let pointer = format!("/{}", other.replace('.', "/"));
                        let held = object.body.pointer(&pointer);
                        held.and_then(Value::as_str).unwrap_or_default()
                    }
                };
                (held == value) == *is_equal
            })
    }
}

/// The requirements, which commas part; a set has commas, too.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut depth) = (Vec::new(), 0, 0_u32);
    for (place, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(text[from..place].trim());
                from = place + 1;
            }
            _ => {}
        }
    }
    parts.push(text[from..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn equality(part: &str) -> Option<(String, bool, String)> {
    for (sign, is_equal) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((name, value)) = part.split_once(sign) {
            return Some((name.trim().to_owned(), is_equal, value.trim().to_owned()));
        }
    }
    None
}

fn requirement(part: &str) -> Result<Requirement, String> {
    let of = |key: &str, test| Requirement {
        key: key.trim().to_owned(),
        test,
    };
    if let Some((before, values)) = part.split_once('(') {
        let values = values.trim_end().strip_suffix(')');
        let values = values.ok_or_else(|| format!("unable to parse requirement: {part}"))?;
        let values = values.split(',').map(|value| value.trim().to_owned());
        let mut words = before.split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(key), Some("in"), None) => Ok(of(key, Test::OneOf(true, values.collect()))),
            (Some(key), Some("notin"), None) => Ok(of(key, Test::OneOf(false, values.collect()))),
            _ => Err(format!("unable to parse requirement: {part}")),
        };
    }
    if let Some((key, is_equal, value)) = equality(part) {
        return Ok(of(&key, Test::OneOf(is_equal, vec![value])));
    }
    match part.strip_prefix('!') {
        Some(key) => Ok(of(key, Test::Present(false))),
        None if part.contains(char::is_whitespace) => {
            Err(format!("unable to parse requirement: {part}"))
        }
        None => Ok(of(part, Test::Present(true))),
    }
}
