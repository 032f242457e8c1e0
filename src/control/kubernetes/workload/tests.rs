//! Plans over recorded objects: guards, verification, evidence, and the way back.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod asking;
mod rollouts;
mod scaling;
mod settings;

use chrono::{TimeZone, Utc};
use serde_json::{Value, json};

use super::around::{Around, Heard};
use super::place::Place;
use super::proposal::{Back, Change, Proposal};
use super::*;
use crate::control::kubernetes::cluster::tests::body_of;
use crate::domain::check::{Found, Progress, Seen};
use crate::domain::plan::{ActionId, Holds};

fn fixture(name: &str) -> Value {
    serde_json::from_slice(&body_of(name)).unwrap()
}

/// One of a recorded list.
fn item(name: &str, wanted: &str) -> Value {
    let list = fixture(name);
    let items = list["items"].as_array().unwrap();
    let found = items.iter().find(|one| one["metadata"]["name"] == wanted);
    found.unwrap().clone()
}

fn items(name: &str) -> Vec<Value> {
    fixture(name)["items"].as_array().unwrap().clone()
}

fn seed() -> Seed {
    Seed {
        id: ActionId::new([7; 16]),
        at: Utc.with_ymd_and_hms(2026, 11, 21, 7, 0, 0).unwrap(),
    }
}

fn nothing_around() -> Around {
    let none = Heard::These(Vec::new());
    Around {
        autoscalers: none.clone(),
        budgets: none.clone(),
        quotas: none,
    }
}

fn recorded_around() -> Around {
    Around {
        autoscalers: Heard::These(items("lists/hpa-checkout.json")),
        budgets: Heard::These(items("lists/pdb-all.json")),
        quotas: Heard::These(items("lists/resourcequota-payments.json")),
    }
}

/// Plans with what stands around, by a planner.
fn with(
    place: &str,
    object: &Value,
    around: &Around,
    planner: impl Fn(&Case<'_>) -> Result<Proposal, NoPlan>,
) -> Result<Proposal, NoPlan> {
    let (place, seed) = (Place::parse(place).unwrap(), seed());
    planner(&Case {
        server: &"eu-1".into(),
        place: &place,
        object,
        around,
        seed: &seed,
    })
}

fn operations(change: &Change) -> Vec<Value> {
    serde_json::from_str(&change.write.body).unwrap()
}

/// Does to an object what a server does with a JSON patch of tests and additions.
fn applied(change: &Change, object: &Value) -> Result<Value, String> {
    let mut object = object.clone();
    for operation in operations(change) {
        let place = operation["path"].as_str().unwrap();
        let value = operation["value"].clone();
        match operation["op"].as_str().unwrap() {
            "test" => {
                let (parent, _) = place.rsplit_once('/').unwrap();
                object
                    .pointer(parent)
                    .ok_or_else(|| format!("nothing at {parent}"))?;
                let there = object.pointer(place).cloned().unwrap_or_default();
                if there != value {
                    return Err(format!("test of {place}"));
                }
            }
            "add" => {
                let (parent, key) = place.rsplit_once('/').unwrap();
                let key = key.replace("~1", "/").replace("~0", "~");
                let parent = object.pointer_mut(parent).ok_or("no parent")?;
                parent.as_object_mut().unwrap().insert(key, value);
            }
            other => return Err(format!("unknown {other}")),
        }
    }
    Ok(object)
}

fn back(proposal: &Proposal) -> &Change {
    let change = match &proposal.back {
        Back::Change { change, .. } => Some(change),
        Back::None(_) => None,
    };
    change.unwrap()
}

/// What a precondition came to.
fn state(proposal: &Proposal, what: &str) -> (Holds, String) {
    let found = proposal.preconditions.iter().find(|p| p.what.raw() == what);
    let found = found.unwrap();
    (found.state, found.detail.raw().to_owned())
}

fn judged(change: &Change, object: &Value) -> Progress {
    change.check.judge(&Seen::Value(object.clone()))
}

fn found(change: &Change, object: &Value) -> Found {
    change.evidence.judge(&Seen::Value(object.clone()))
}

/// The object after somebody wanted something else of it.
fn edited(object: &Value) -> Value {
    let mut edited = object.clone();
    let generation = object["metadata"]["generation"].as_i64().unwrap_or(0);
    edited["metadata"]["generation"] = json!(generation + 1);
    edited
}

/// Forward and back over an object: every guard holds where it should, and nowhere else.
fn round_trip(proposal: &Proposal, object: &Value, replaced: &str) {
    let change = &proposal.change;
    let mut after = applied(change, object).unwrap();
    assert_eq!(found(change, object), Found::NotApplied);
    if object["metadata"]["generation"].is_i64() {
        after = edited(&after);
        assert!(applied(change, &edited(object)).is_err());
        assert!(matches!(found(change, &edited(object)), Found::Unknown(_)));
    }
    assert_eq!(found(change, &after), Found::Applied);
    assert!(applied(change, &after).is_err(), "it is not done twice");
    let mut successor = object.clone();
    successor["metadata"]["uid"] = json!("another");
    assert!(applied(change, &successor).is_err());
    assert!(matches!(found(change, &successor), Found::Unknown(_)));

    let Back::Change { change: back, .. } = &proposal.back else {
        return;
    };
    assert!(applied(back, object).is_err(), "nothing to take back yet");
    assert_eq!(found(back, &after), Found::NotApplied);
    let before = object.pointer(replaced).cloned().unwrap_or_default();
    let restored = applied(back, &after).unwrap();
    assert_eq!(
        restored.pointer(replaced).cloned().unwrap_or_default(),
        before
    );
    assert_eq!(found(back, &restored), Found::Applied);
    assert!(applied(back, &restored).is_err());
}

/// The same bytes, whatever the controllers report meanwhile.
fn is_steady(planner: impl Fn(&Value) -> Result<Proposal, NoPlan>, object: &Value) {
    let mut later = object.clone();
    later["metadata"]["resourceVersion"] = json!("99999");
    later["metadata"]["managedFields"] = json!([]);
    later["status"]["conditions"] = json!([]);
    later["status"]["terminatingReplicas"] = json!(1);
    let (one, other) = (planner(object).unwrap(), planner(&later).unwrap());
    assert_eq!(one.change.write, other.change.write);
    if let (Back::Change { change: a, .. }, Back::Change { change: b, .. }) =
        (&one.back, &other.back)
    {
        assert_eq!(a.write, b.write);
    }
    assert_eq!((one.risk, one.direction), (other.risk, other.direction));
}
