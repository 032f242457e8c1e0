//! What do the REST sources of changes have in common?
//!
//! Lists of which one element may be odd, repositories of which one may fail, a count of requests
//! that must not run out, and how a commit, a link or an actor from outside is written. Used by
//! `argocd`, `github`, `gitlab` and `grafana`; it asks nothing itself.

mod budget;
mod project;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::TimeDelta;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;

pub(super) use self::budget::Budget;
pub(super) use self::project::{Host, Project, failure_of_all};
use super::http::message_line;
use crate::config::delivery::DeclaredPlace;
use crate::domain::change::{Actor, ActorKind};
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::label::Labels;
use crate::domain::source::SourceName;
use crate::domain::text::Untrusted;

/// How far back a first poll looks, and how long a change is told again.
pub(super) const LOOK_BACK: TimeDelta = TimeDelta::days(7);
/// A list that does not end within so many pages is read no further.
pub(super) const MAX_PAGES: usize = 10;
/// Of an odd element's name, this much is repeated.
const MAX_NAME_CHARS: usize = 80;
/// Of a commit, so much is shown: the shortest that is unique even in large repositories.
const COMMIT_CHARS: usize = 12;

/// The last answer, to give the same one as long as nothing changes.
#[derive(Default)]
pub(super) struct Kept(Option<Arc<DeliveryAnswer>>);

impl Kept {
    pub(super) fn keep(&mut self, answer: DeliveryAnswer) -> Arc<DeliveryAnswer> {
        match &self.0 {
            Some(known) if **known == answer => known.clone(),
            _ => self.0.insert(Arc::new(answer)).clone(),
        }
    }
}

/// One element of a list. An odd one does not spoil the others.
#[derive(Debug)]
pub(super) enum Listed<T> {
    /// As documented.
    Read(T),
    /// Which one, and why it cannot be read.
    Odd(String),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Listed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(match T::deserialize(&value) {
            Ok(read) => Self::Read(read),
            Err(error) => {
                let name = name_of(&value).unwrap_or_else(|| "one without a name".to_owned());
                Self::Odd(format!("{name}: {}", message_line(&error.to_string())))
            }
        })
    }
}

/// What came of a list: the elements that could be read, and a line for each that could not.
pub(super) fn sorted_out<T>(list: Vec<Listed<T>>) -> (Vec<T>, Vec<String>) {
    let mut read = Vec::with_capacity(list.len());
    let mut odd = Vec::new();
    for element in list {
        match element {
            Listed::Read(element) => read.push(element),
            Listed::Odd(line) => odd.push(line),
        }
    }
    (read, odd)
}

fn name_of(value: &Value) -> Option<String> {
    let named = value.get("metadata").and_then(|m| m.get("name"));
    let name = match named.or_else(|| value.get("id"))? {
        Value::String(text) => text.clone(),
        Value::Number(number) => format!("#{number}"),
        _ => return None,
    };
    Some(name.chars().take(MAX_NAME_CHARS).collect())
}

/// A line, unless there is nothing in it.
pub(super) fn line(text: Option<&str>) -> Option<Untrusted> {
    let text = text?.trim();
    (!text.is_empty()).then(|| Untrusted::line(text))
}

/// A commit shortened, anything else as it is.
pub(super) fn short_revision(revision: &str) -> String {
    let is_hash =
        matches!(revision.len(), 40 | 64) && revision.bytes().all(|b| b.is_ascii_hexdigit());
    let kept = if is_hash {
        &revision[..COMMIT_CHARS]
    } else {
        revision
    };
    kept.to_owned()
}

/// The first that leads to a web page and carries no user of it.
pub(super) fn web_link(candidates: &[Option<&str>]) -> Option<Untrusted> {
    candidates.iter().flatten().find_map(|text| {
        let url = Url::parse(text.trim()).ok()?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        let is_plain = url.username().is_empty() && url.password().is_none();
        (is_web && is_plain).then(|| Untrusted::line(url.as_str()))
    })
}

/// Who did it, where a name is told.
pub(super) fn actor(name: Option<&str>, kind: ActorKind) -> Option<Actor> {
    let name = line(name)?;
    Some(Actor { name, kind })
}

/// Labels with those that every source of changes gives: where it is, and who tells.
pub(super) fn labels(
    source: &SourceName,
    place: &DeclaredPlace,
    more: &[(&str, Option<&str>)],
) -> Labels {
    let declared = [
        ("source", Some(&**source)),
        ("cluster", place.cluster.as_deref()),
        ("region", place.region.as_deref()),
    ];
    // Of a name that comes twice the later value stays: what the config declares.
    let pairs = more.iter().chain(&declared);
    let pairs = pairs.filter_map(|(name, value)| Some((*name, (*value)?)));
    let pairs = pairs.filter(|(_, value)| !value.is_empty());
    Labels::new(
        pairs
            .map(|(name, value)| (Untrusted::line(name), Untrusted::line(value)))
            .collect(),
    )
}

/// The environment that is told, unless only one is asked for and the config has a name for it.
pub(super) fn environment(
    told: Option<&str>,
    asked: &[String],
    place: &DeclaredPlace,
) -> Option<Untrusted> {
    let declared = place.env.as_deref();
    let first = if asked.len() == 1 {
        declared.or(told)
    } else {
        told.filter(|told| !told.is_empty()).or(declared)
    };
    line(first)
}
