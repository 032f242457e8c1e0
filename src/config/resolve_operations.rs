//! Can the operations of a control plane be carried out as the config describes them?
//!
//! Part of `resolve`: paths and their parameters, how one sees that it worked, what takes it back.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::actions::HttpOperation;
use super::finding::Spot;
use super::policy::{DIRECTIONS, RISKS};
use super::raw::Text;
use super::raw_actions::{RawControlPlane, RawDeclared, RawOperation, RawParameter, RawReverse};
use super::resolve::Resolver;
use super::resolve_actions::twice;
use crate::domain::action::{Direction, Need, Parameter, ParameterKind, Risk};
use crate::domain::nearest::nearest;
use crate::domain::text::shown;

const TITLE: &str = "[[control_plane.operation]]";
/// How long an effect is waited for, where the config says nothing.
const WITHIN: Duration = Duration::from_mins(2);
const WITHINS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(1);
/// `{before:/pointer}`: what the read said before.
const BEFORE: &str = "before:";

/// What the config describes itself.
pub(super) fn operations(
    resolver: &mut Resolver<'_>,
    plane: &RawControlPlane,
) -> Vec<HttpOperation> {
    let mut found: Vec<HttpOperation> = Vec::new();
    for raw in &plane.operations {
        let Some(operation) = operation(resolver, raw) else {
            continue;
        };
        if let Some(name) = &raw.name
            && found.iter().any(|other| other.name == name.value)
        {
            twice(resolver, "operation", name);
        }
        if let Some(reverse) = &raw.reverse {
            known_operation(resolver, reverse, plane);
        }
        found.push(operation);
    }
    found
}

fn operation(resolver: &mut Resolver<'_>, raw: &RawOperation) -> Option<HttpOperation> {
    let methods = ["POST", "PUT", "PATCH", "DELETE"].map(|method| (method, method));
    let name = resolver.required(raw.name.as_ref(), &raw.header, TITLE, "name");
    if let Some(name) = name {
        resolver.check_name(name);
    }
    let method = resolver.required(raw.method.as_ref(), &raw.header, TITLE, "method");
    let method = method.and_then(|text| resolver.choice(text, "method", &methods));
    let parameters = parameters(resolver, &raw.parameters);
    let path = resolver.required(raw.path.as_ref(), &raw.header, TITLE, "path");
    let path = path.and_then(|text| self::path(resolver, text, &parameters));
    let read = raw.read.as_ref();
    let read = read.and_then(|text| self::path(resolver, text, &parameters));
    let verify = verify(resolver, raw, &parameters);
    let reverse = raw.reverse.as_ref();
    let reverse = reverse.and_then(|reverse| self::reverse(resolver, reverse, raw, &parameters));
    let within = resolver.span_of_time(raw.within.as_ref(), WITHIN, WITHINS);
    let (risk, direction) = declared(resolver, &raw.declared);
    let dry_run = raw.dry_run.as_ref().and_then(|text| query(resolver, text));
    let precondition_header = raw.precondition_header.as_ref();
    let precondition_header = precondition_header.and_then(|text| header(resolver, text));
    if let Some(text) = raw
        .precondition_header
        .as_ref()
        .filter(|_| raw.read.is_none())
    {
        let message = "the version for this header is the `ETag` of `read`";
        let hint = "add `read`: the path to GET what it changes";
        resolver.findings.add(&text.spot, message, Some(hint));
    }
    let idempotency_header = raw.idempotency_header.as_ref();
    Some(HttpOperation {
        name: name?.value.clone(),
        help: resolver.words(raw.help.as_ref()).unwrap_or_default(),
        method: method?.to_owned(),
        path: path?,
        parameters,
        dry_run,
        precondition_header,
        idempotency_header: idempotency_header.and_then(|text| header(resolver, text)),
        read,
        verify,
        within,
        reverse,
        risk,
        direction,
    })
}

/// What nobody declared is as bad as it can be.
pub(super) fn declared(resolver: &mut Resolver<'_>, raw: &RawDeclared) -> (Risk, Direction) {
    let risk = raw.risk.as_ref();
    let risk = risk.and_then(|text| resolver.choice(text, "risk", &RISKS));
    let direction = raw.direction.as_ref();
    let direction = direction.and_then(|text| resolver.choice(text, "direction", &DIRECTIONS));
    (
        risk.unwrap_or(Risk::R3),
        direction.unwrap_or(Direction::Adds),
    )
}

/// What it may be given.
pub(super) fn parameters(resolver: &mut Resolver<'_>, raw: &[RawParameter]) -> Vec<Parameter> {
    let parameters = raw.iter().map(|raw| {
        resolver.check_name(&raw.name);
        let is_required = raw.required.as_ref().is_some_and(|on| on.value);
        Parameter {
            name: Cow::Owned(raw.name.value.clone()),
            kind: kind(resolver, raw),
            need: if is_required {
                Need::Required
            } else {
                Need::Optional
            },
            help: Cow::Owned(resolver.words(raw.help.as_ref()).unwrap_or_default()),
        }
    });
    parameters.collect()
}

fn kind(resolver: &mut Resolver<'_>, raw: &RawParameter) -> ParameterKind {
    let (min, max) = (raw.min.as_ref(), raw.max.as_ref());
    let bounds = (
        min.map_or(i64::MIN, |min| min.value),
        max.map_or(i64::MAX, |max| max.value),
    );
    let kinds = [
        "text", "integer", "duration", "matchers", "objects", "names", "choice", "flag",
    ];
    let kinds = kinds.map(|kind| (kind, kind));
    let word = raw.kind.as_ref();
    let word = word.and_then(|text| resolver.choice(text, "type", &kinds));
    let word = word.unwrap_or("text");
    if let Some(written) = min.or(max).filter(|_| word != "integer") {
        let message = format!("bounds are for integers, this is `{word}`");
        let hint = "set type = \"integer\"";
        resolver.findings.add(&written.spot, message, Some(hint));
    }
    if let Some(texts) = raw.choices.as_ref().filter(|_| word != "choice") {
        let message = format!("`choices` is for type choice, this is `{word}`");
        let hint = "set type = \"choice\"";
        resolver.findings.add(&texts.spot, message, Some(hint));
    }
    match word {
        "integer" => {
            if let Some(written) = max.filter(|_| bounds.0 > bounds.1) {
                let message = "`max` is below `min`";
                resolver
                    .findings
                    .add(&written.spot, message, Some("swap the two"));
            }
            ParameterKind::Integer {
                min: bounds.0,
                max: bounds.1,
            }
        }
        "duration" => ParameterKind::Duration,
        "matchers" => ParameterKind::Matchers,
        "objects" => ParameterKind::Objects,
        "names" => ParameterKind::Names,
        "flag" => ParameterKind::Flag,
        "choice" => {
            let all = resolver.list_of_words(raw.choices.as_ref());
            if all.is_empty() {
                let message = "a choice of nothing";
                let hint = "add `choices`, a list of words";
                resolver.findings.add(&raw.header, message, Some(hint));
            }
            ParameterKind::Choice(all)
        }
        _ => ParameterKind::Text,
    }
}

/// A path below the base, with parameters in braces.
fn path(resolver: &mut Resolver<'_>, text: &Text, parameters: &[Parameter]) -> Option<String> {
    let value = text.value.as_str();
    let part = |part: &str| matches!(part, "." | "..");
    let is_sound = value.starts_with('/')
        && !value.starts_with("//")
        && !value.split('/').any(part)
        && !value.contains(['\\', '#'])
        && value.bytes().all(|b| b.is_ascii_graphic());
    if !is_sound {
        let message = format!("`{}` is no path below the control plane", shown(value));
        let hint = "write it like /v1/collectors/{cluster}/buffering";
        resolver.findings.add(&text.spot, message, Some(hint));
        return None;
    }
    for name in placeholders(resolver, text) {
        let parameter = known(resolver, text, &name, parameters);
        if parameter.is_some_and(|parameter| parameter.need == Need::Optional) {
            let message = format!("`{}` stands in a path and may be left out", shown(&name));
            let hint = "set required = true on the parameter";
            resolver.findings.add(&text.spot, message, Some(hint));
        }
    }
    Some(text.value.clone())
}

/// The names in braces of a text.
pub(super) fn placeholders(resolver: &mut Resolver<'_>, text: &Text) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut rest = text.value.as_str();
    while let Some(at) = rest.find(['{', '}']) {
        let inside = rest[at..].strip_prefix('{');
        let name = inside.and_then(|inside| inside.split_once('}'));
        let Some((name, after)) = name.filter(|(name, _)| !name.is_empty() && !name.contains('{'))
        else {
            let message = "a brace that belongs to no parameter";
            let hint = "write {name}";
            resolver.findings.add(&text.spot, message, Some(hint));
            return found;
        };
        found.insert(name.to_owned());
        rest = after;
    }
    found
}

/// The parameter of a name in braces.
pub(super) fn known<'p>(
    resolver: &mut Resolver<'_>,
    text: &Text,
    name: &str,
    parameters: &'p [Parameter],
) -> Option<&'p Parameter> {
    let found = parameters.iter().find(|parameter| parameter.name == name);
    if found.is_none() {
        let names = parameters.iter().map(|parameter| &*parameter.name);
        let hint = match nearest(name, names) {
            Some(near) => format!("did you mean `{{{near}}}`?"),
            None => format!("declare it: parameters.{} = {{ ... }}", shown(name)),
        };
        let message = format!("there is no parameter `{}`", shown(name));
        resolver.findings.add(&text.spot, message, Some(&hint));
    }
    found
}

fn verify(
    resolver: &mut Resolver<'_>,
    raw: &RawOperation,
    parameters: &[Parameter],
) -> Vec<(String, String)> {
    if let Some((place, _)) = raw.verify.first().filter(|_| raw.read.is_none()) {
        let message = "nothing is read that this could stand in";
        let hint = "add `read`: the path to GET what it changes";
        resolver.findings.add(&place.spot, message, Some(hint));
    }
    for (place, value) in &raw.verify {
        if !place.value.starts_with('/') {
            pointer(resolver, &place.spot, &place.value);
        }
        for name in placeholders(resolver, value) {
            known(resolver, value, &name, parameters);
        }
    }
    pairs(&raw.verify)
}

fn pointer(resolver: &mut Resolver<'_>, spot: &Spot, text: &str) {
    let message = format!("`{}` is no JSON pointer", shown(text));
    let hint = "write it like /spec/mode";
    resolver.findings.add(spot, message, Some(hint));
}

fn pairs(written: &[(Text, Text)]) -> Vec<(String, String)> {
    let written = written.iter();
    written
        .map(|(name, value)| (name.value.clone(), value.value.clone()))
        .collect()
}

fn reverse(
    resolver: &mut Resolver<'_>,
    raw: &RawReverse,
    operation: &RawOperation,
    parameters: &[Parameter],
) -> Option<(String, Vec<(String, String)>)> {
    let name = resolver.required(raw.operation.as_ref(), &raw.header, "reverse", "operation");
    for (_, value) in &raw.with {
        for name in placeholders(resolver, value) {
            let Some(place) = name.strip_prefix(BEFORE) else {
                known(resolver, value, &name, parameters);
                continue;
            };
            if !place.starts_with('/') {
                pointer(resolver, &value.spot, place);
            }
            if operation.read.is_none() {
                let message = "nobody reads what was there before";
                let hint = "add `read` to the operation";
                resolver.findings.add(&value.spot, message, Some(hint));
            }
        }
    }
    Some((name?.value.clone(), pairs(&raw.with)))
}

/// What takes it back is another operation of the same control plane, or itself.
fn known_operation(resolver: &mut Resolver<'_>, reverse: &RawReverse, plane: &RawControlPlane) {
    let Some(text) = &reverse.operation else {
        return;
    };
    let own = plane.operations.iter().filter_map(|o| o.name.as_ref());
    let allowed = plane.allow.iter().flat_map(|texts| &texts.value);
    let known: Vec<(&str, ())> = own
        .chain(allowed)
        .map(|name| (name.value.as_str(), ()))
        .collect();
    resolver.choice(text, "operation", &known);
}

/// What is put behind the `?`.
fn query(resolver: &mut Resolver<'_>, text: &Text) -> Option<String> {
    let value = text.value.as_str();
    let is_sound = !value.is_empty()
        && value.bytes().all(|b| b.is_ascii_graphic())
        && !value.contains(['?', '#', '{', '}']);
    if !is_sound {
        let message = format!("`{}` is no query", shown(value));
        let hint = "write it without the question mark, like dryRun=true";
        resolver.findings.add(&text.spot, message, Some(hint));
    }
    is_sound.then(|| text.value.clone())
}

/// RFC 9110, section 5.1.
fn header(resolver: &mut Resolver<'_>, text: &Text) -> Option<String> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let is_sound = !text.value.is_empty() && text.value.bytes().all(is_token);
    if !is_sound {
        let message = format!("`{}` is no name of a header", shown(&text.value));
        let hint = "write it like If-Match or Idempotency-Key";
        resolver.findings.add(&text.spot, message, Some(hint));
    }
    is_sound.then(|| text.value.clone())
}
