//! Is what is told of recorded clusters true?
//!
//! The recordings are of a real API server (`tests/fixtures/kubernetes/README.md`). Where none exists,
//! the test's name says that its object is made up.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod canaries;
mod flux;
mod gitops;
mod load;
mod past;
mod releases;
mod robust;
mod rollouts;
mod sets;
mod trouble;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Cluster, tell};
use crate::config::delivery::DeclaredPlace;
use crate::domain::change::Change;
use crate::domain::delivery::{DeliveryAnswer, Trouble};
use crate::domain::drift::Drift;
use crate::domain::source::SourceName;
use crate::domain::text::Untrusted;
use crate::sources::kubernetes::object::Object;
use crate::sources::kubernetes::resource::Resource;
use crate::sources::kubernetes::store::{Key, Store};

/// A recorded list or object.
macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!(
            "../../../../../tests/fixtures/kubernetes/",
            $name,
            ".json"
        ))
    };
}
use recorded;

/// A cluster that is put together from recordings.
#[derive(Default)]
struct World {
    store: Store,
    place: DeclaredPlace,
}

impl World {
    /// Adds a list, or one object.
    fn with(mut self, resource: Resource, json: &str) -> Self {
        let value: Value = serde_json::from_str(json).unwrap();
        let items = match value.get("items") {
            Some(items) => items.as_array().unwrap().clone(),
            None => vec![value],
        };
        for item in items {
            self.hold(resource, &item.to_string());
        }
        self
    }

    fn hold(&mut self, resource: Resource, json: &str) {
        let object = Object::read(resource, json).unwrap();
        let key = Key {
            resource,
            plural: plural(resource).to_owned(),
            namespace: object.meta.namespace.clone(),
            name: object.meta.name.clone(),
        };
        self.store.objects.insert(key, object);
    }

    fn tell(&self, now: &str) -> DeliveryAnswer {
        let source: SourceName = "prod".into();
        let cluster = Cluster {
            source: &source,
            place: &self.place,
        };
        tell(&self.store, cluster, at(now))
    }
}

fn plural(resource: Resource) -> &'static str {
    use crate::sources::kubernetes::resource::TABLE;
    let row = TABLE.iter().find(|row| row.resource == resource).unwrap();
    row.plural
}

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// A time of the day of the recordings.
fn today(time: &str) -> DateTime<Utc> {
    at(&format!("2026-11-21T{time}Z"))
}

fn of<'a>(answer: &'a DeliveryAnswer, id: &str) -> &'a Change {
    let mut found = answer.changes.iter().filter(|c| c.id.raw() == id);
    let change = found.next();
    assert!(change.is_some(), "{id} is not among {:#?}", ids(answer));
    assert!(found.next().is_none(), "{id} is told twice");
    change.unwrap()
}

fn ids(answer: &DeliveryAnswer) -> Vec<&str> {
    answer.changes.iter().map(|c| c.id.raw()).collect()
}

/// From, to.
fn versions(change: &Change) -> (Option<&str>, Option<&str>) {
    let versions = &change.versions;
    (
        versions.from.as_ref().map(Untrusted::raw),
        versions.to.as_ref().map(Untrusted::raw),
    )
}

fn text(text: Option<&Untrusted>) -> Option<&str> {
    text.map(Untrusted::raw)
}

fn notes(change: &Change) -> Vec<&str> {
    change.told.notes.iter().map(Untrusted::raw).collect()
}

fn limits(answer: &DeliveryAnswer) -> Vec<&str> {
    answer.limits.iter().map(Untrusted::raw).collect()
}

fn troubles<'a>(answer: &'a DeliveryAnswer, target: &str) -> Vec<&'a Trouble> {
    let troubles = answer.troubles.iter();
    troubles
        .filter(|trouble| trouble.subject.target.raw() == target)
        .collect()
}

/// A label of a subject, or nothing.
fn label<'a>(subject: &'a crate::domain::change::Subject, name: &str) -> &'a str {
    subject.labels.get(name).map_or("", Untrusted::raw)
}

/// The differences whose target begins so.
fn drifts<'a>(answer: &'a DeliveryAnswer, target: &str) -> Vec<&'a Drift> {
    let drifts = answer.drifts.iter();
    drifts
        .filter(|drift| drift.subject.target.raw().starts_with(target))
        .collect()
}

/// What began so at a target.
fn app<'a>(answer: &'a DeliveryAnswer, target: &str, start: &str) -> &'a Change {
    let mut found = answer.changes.iter();
    let is_it = |c: &&Change| c.subject.target.raw() == target && c.started_at == at(start);
    let found = found.find(is_it);
    assert!(found.is_some(), "{:?}", ids(answer));
    found.unwrap()
}
