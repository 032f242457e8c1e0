//! What do the templates of an operation come to, with the parameters of a request?
//!
//! A value stands for itself alone: in a path it is one part of it and cannot climb, in a query and in a body
//! it is a value. Nothing of it is ever read as a template.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};
use url::form_urlencoded::Serializer;

use crate::config::actions::HttpOperation;
use crate::domain::action::{Parameter, ParameterKind};
use crate::domain::check::at;
use crate::domain::text::shown;

pub(super) type Values = BTreeMap<String, String>;

/// A path with its query, percent-encoded.
///
/// # Errors
/// A parameter is missing, or its value would lead elsewhere.
pub(super) fn path(template: &str, values: &Values) -> Result<String, String> {
    let (path, query) = match template.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (template, None),
    };
    let mut out = replaced(path, |name| {
        let value = values.get(name).ok_or_else(|| missing(name))?;
        part(name, value)
    })?;
    let climbs = |part: &str| matches!(part, "." | "..");
    if !out.starts_with('/') || out.starts_with("//") || out.split('/').any(climbs) {
        return Err(format!("`{}` is no path below the endpoint", shown(&out)));
    }
    if let Some(query) = query {
        out.push('?');
        out += &replaced(query, |name| {
            let value = values.get(name).ok_or_else(|| missing(name))?;
            Ok(encoded(value))
        })?;
    }
    Ok(out)
}

/// The names that a template asks for.
pub(super) fn names(template: &str) -> Vec<String> {
    let mut names = Vec::new();
    // It only collects: no name is missing.
    let _text = replaced(template, |name| {
        names.push(name.to_owned());
        Ok(String::new())
    });
    names
}

/// A text with `{parameter}` and `{before:/pointer}` of what the server said before.
///
/// # Errors
/// A parameter is missing, or nothing stood there before.
pub(super) fn text(template: &str, values: &Values, before: &Value) -> Result<String, String> {
    replaced(template, |name| match name.strip_prefix("before:") {
        Some(place) => match at(before, place) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
            _ => Err(format!("nothing stood at {} before", shown(place))),
        },
        None => values.get(name).cloned().ok_or_else(|| missing(name)),
    })
}

/// What is sent beside the path: a query for a DELETE, else JSON by the kinds of the parameters.
pub(super) enum Rest {
    Query(String),
    Body(String),
    Nothing,
}

pub(super) fn rest(operation: &HttpOperation, values: &Values) -> Result<Rest, String> {
    let in_path = names(&operation.path);
    let left = values.iter().filter(|(name, _)| !in_path.contains(name));
    let left: Vec<_> = left
        .filter_map(|(name, value)| Some((name, value, meant(operation, name)?)))
        .collect();
    if left.is_empty() {
        return Ok(Rest::Nothing);
    }
    if operation.method == "DELETE" {
        let mut query = Serializer::new(String::new());
        for (name, value, _) in left {
            query.append_pair(name, value);
        }
        return Ok(Rest::Query(query.finish()));
    }
    let mut body = Map::new();
    for (name, value, parameter) in left {
        body.insert(name.clone(), typed(name, value, &parameter.kind)?);
    }
    Ok(Rest::Body(Value::Object(body).to_string()))
}

/// The parameter of an operation that a name means.
pub(super) fn meant<'a>(operation: &'a HttpOperation, name: &str) -> Option<&'a Parameter> {
    let mut all = operation.parameters.iter();
    all.find(|one| match one.name.strip_suffix('*') {
        Some(start) => name.len() > start.len() && name.starts_with(start),
        None => one.name == name,
    })
}

fn typed(name: &str, value: &str, kind: &ParameterKind) -> Result<Value, String> {
    Ok(match kind {
        ParameterKind::Integer { .. } => {
            let number = value.parse::<i64>();
            let number = number.map_err(|_| format!("`{}` is no whole number", shown(name)))?;
            Value::Number(Number::from(number))
        }
        ParameterKind::Flag => Value::Bool(value == "true"),
        _ => Value::String(value.to_owned()),
    })
}

/// One part of a path. What servers and proxies on the way read as more than one part is refused, encoded
/// or not: some decode once more than others.
fn part(name: &str, value: &str) -> Result<String, String> {
    let name = shown(name);
    if let Some(odd) = value.chars().find(|c| matches!(c, '/' | '\\' | '%')) {
        return Err(format!("`{name}`: `{odd}` cannot be part of a path"));
    }
    if value.is_empty() || value.bytes().all(|b| b == b'.') {
        return Err(format!(
            "`{name}`: `{}` cannot be part of a path",
            shown(value)
        ));
    }
    if value.chars().any(char::is_control) {
        return Err(format!("`{name}`: it has control characters"));
    }
    Ok(encoded(value))
}

/// All but the characters that stand for themselves everywhere (RFC 3986, section 2.3).
fn encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out = format!("{out}%{byte:02X}"),
        }
    }
    out
}

/// Replaces what stands in braces, once and from left to right.
fn replaced(
    template: &str,
    mut with: impl FnMut(&str) -> Result<String, String>,
) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        let Some((name, after)) = behind.split_once('}') else {
            return Err(format!("`{}` has a brace without its end", shown(template)));
        };
        out += before;
        out += &with(name)?;
        rest = after;
    }
    out += rest;
    Ok(out)
}

fn missing(name: &str) -> String {
    format!("`{}` is missing", shown(name))
}
