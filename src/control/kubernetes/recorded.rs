//! What did a real API server answer?
//!
//! For tests only: the recorded answers of `tests/fixtures/kubernetes`, and small things that every test of
//! a planner needs.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::BTreeMap;

use chrono::{TimeZone, Utc};
use serde_json::Value;

use crate::domain::action::{ActionRequest, Occasion, Requester};
use crate::domain::plan::{ActionId, Seed, Step, Write};
use crate::domain::text::Untrusted;

pub(super) fn bytes(file: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/kubernetes");
    std::fs::read(format!("{folder}/{file}")).unwrap()
}

pub(super) fn json(file: &str) -> Value {
    serde_json::from_slice(&bytes(file)).unwrap()
}

pub(super) fn items(file: &str) -> Vec<Value> {
    json(file)["items"].as_array().unwrap().clone()
}

pub(super) fn item(file: &str, name: &str) -> Value {
    let all = items(file);
    let found = all.iter().find(|one| one["metadata"]["name"] == name);
    found.unwrap().clone()
}

pub(super) fn seed() -> Seed {
    Seed {
        id: ActionId::new([7; 16]),
        at: Utc.with_ymd_and_hms(2026, 11, 21, 6, 30, 0).unwrap(),
    }
}

pub(super) fn request(action: &str, parameters: &[(&str, &str)]) -> ActionRequest {
    let pairs = parameters.iter();
    let pairs = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    ActionRequest {
        action: action.to_owned(),
        parameters: pairs.collect::<BTreeMap<_, _>>(),
        by: Requester {
            name: Untrusted::line("otto"),
            host: Untrusted::line("bastion-1"),
        },
        occasion: Occasion {
            reason: Some(Untrusted::line("INC-2291")),
            ..Occasion::default()
        },
    }
}

/// The operations of a step's JSON patch.
pub(super) fn ops(step: &Step) -> Value {
    serde_json::from_str(&body(step)).unwrap()
}

pub(super) fn body(step: &Step) -> String {
    match &step.write {
        Write::Http(write) => write.body.clone(),
        Write::Command(_) => String::new(),
    }
}
