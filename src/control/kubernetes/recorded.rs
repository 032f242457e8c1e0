//! What did a real API server answer?
//!
//! For tests only: the recorded answers of `tests/fixtures/kubernetes`, and small things that every test of
//! a planner needs.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{TimeZone, Utc};
use serde_json::Value;

use crate::config::delivery::{DeclaredPlace, KubernetesLogin, KubernetesSettings};
use crate::control::kubernetes::Cluster;
use crate::domain::action::{ActionRequest, Occasion, Requester};
use crate::domain::check::at;
use crate::domain::plan::{ActionId, Seed, Step, Write};
use crate::domain::text::Untrusted;
use crate::sources::loopback::Reply;

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

/// A recorded answer, with its status.
pub(super) fn reply(file: &str) -> Reply {
    let stem = file.rsplit_once('.').unwrap().0;
    let headers = String::from_utf8(bytes(&format!("{stem}.headers"))).unwrap();
    let status = headers.lines().next().unwrap().split(' ').nth(1).unwrap();
    Reply::status(
        &format!("{status} Recorded"),
        "Content-Type: application/json",
        bytes(file),
    )
}

pub(super) fn cluster_at(url: &url::Url) -> Cluster {
    let settings = KubernetesSettings {
        login: KubernetesLogin::Nobody(url.clone()),
        namespaces: Vec::new(),
        kinds: Vec::new(),
        timeout: Duration::from_secs(20),
        page_size: 500,
    };
    let place = DeclaredPlace {
        env: Some("prod".to_owned()),
        ..DeclaredPlace::default()
    };
    Cluster::new(&"eu-1".into(), &place, &settings)
}

/// What a JSON patch makes of an object, as the API server does it; none where a test fails or a parent
/// is missing.
pub(super) fn patched(object: &Value, ops: &Value) -> Option<Value> {
    let mut after = object.clone();
    for op in ops.as_array()? {
        let path = op["path"].as_str()?;
        let (parent, key) = path.rsplit_once('/')?;
        let key = key.replace("~1", "/").replace("~0", "~");
        at(&after, parent).filter(|parent| parent.is_object())?;
        let parent = after.pointer_mut(parent)?.as_object_mut()?;
        match op["op"].as_str()? {
            "test" => {
                let now = parent.get(&key).cloned().unwrap_or_default();
                if now != op["value"] {
                    return None;
                }
            }
            "add" => {
                parent.insert(key, op["value"].clone());
            }
            _ => {
                parent.remove(&key)?;
            }
        }
    }
    Some(after)
}
