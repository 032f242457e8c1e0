//! Which silences does a replica know, and what does a write to it come to?
//!
//! Silences are created, changed and ended as version 0.28 does it, and reach the other replica by
//! gossip within a second; alerts that somebody sends stay with the replica that got them. Called by
//! the Alertmanager handlers.

use axum::http::StatusCode;
use chrono::DateTime;
use serde_json::{Value, json};

use super::deeds::{Pushed, Silenced};
use super::labels::{Labels, labels};
use super::matcher::Matcher;
use super::replica::Replica;
use super::routing::{self, Silence};
use super::wire::{Answer, Request, Written};
use super::world::World;

/// The quickest and the slowest gossip, in milliseconds.
const GOSSIP_MS: (i64, i64) = (20, 1_000);

/// `resolve_timeout`: how long an alert without an end is held.
const RESOLVE_MS: i64 = 300_000;

/// Every silence that a replica knows at a time.
pub(super) fn known(world: &World, replica: Replica, at_ms: i64) -> Vec<Silence> {
    let mut all = routing::silences(world.seed);
    for stored in &world.deeds.silences {
        let heard_ms = if stored.by == replica {
            stored.at_ms
        } else {
            stored.at_ms + gossip_ms(world, stored)
        };
        if heard_ms > at_ms {
            continue;
        }
        match all.iter_mut().find(|held| held.id == stored.silence.id) {
            Some(held) if held.updated_ms <= stored.silence.updated_ms => {
                *held = stored.silence.clone();
            }
            Some(_) => {}
            None => all.push(stored.silence.clone()),
        }
    }
    all
}

/// How long a write takes to the other replica.
#[allow(clippy::cast_possible_truncation, reason = "at most a second")]
fn gossip_ms(world: &World, stored: &Silenced) -> i64 {
    let (quickest, slowest) = GOSSIP_MS;
    let unit = world.seed.unit(&format!("gossip {}", stored.at_ms));
    quickest + (unit * f64::from((slowest - quickest) as i32)) as i64
}

/// `POST /api/v2/silences`
pub(super) fn post(world: &World, replica: Replica, request: &Request, now_ms: i64) -> Written {
    let body: Value = match serde_json::from_slice(&request.body) {
        Ok(body) => body,
        Err(reason) => return unparsed("silence", &reason.to_string()).into(),
    };
    set(world, replica, &body, now_ms).unwrap_or_else(Written::from)
}

fn set(world: &World, replica: Replica, body: &Value, now_ms: i64) -> Result<Written, Answer> {
    let at_ms = world.deeds.next_ms(now_ms);
    let wanted = read(world, body, at_ms)?;
    let id = body["id"].as_str().unwrap_or_default();
    let all = known(world, replica, now_ms);
    let before = all.iter().find(|held| held.id == id);
    if before.is_none() && !id.is_empty() {
        return Err(empty(StatusCode::NOT_FOUND));
    }
    let mut deeds = world.deeds.as_ref().clone();
    let mut store = |silence: Silence| {
        deeds.silences.push(Silenced {
            at_ms,
            by: replica,
            silence,
        });
    };
    let kept = before.filter(|before| can_update(before, &wanted, at_ms));
    let id = if let Some(before) = kept {
        before.id.clone()
    } else {
        if let Some(before) = before.filter(|before| before.state(at_ms) != "expired") {
            store(expired(before, at_ms));
        }
        world.seed.uuid(&format!("silence written at {at_ms}"))
    };
    let starts_ms = if kept.is_some() {
        wanted.starts_ms
    } else {
        wanted.starts_ms.max(at_ms)
    };
    let answer = Answer::json(StatusCode::OK, &json!({ "silenceID": id }));
    store(Silence {
        id,
        starts_ms,
        ..wanted
    });
    Ok(Written::done(answer, deeds, at_ms))
}

/// Whether a silence can be changed in place: what it quieted stays what it was.
fn can_update(before: &Silence, wanted: &Silence, at_ms: i64) -> bool {
    let written = |silence: &Silence| {
        let mut all: Vec<(String, String, bool, bool)> = silence
            .matchers
            .iter()
            .map(|m| (m.name.clone(), m.value.clone(), m.is_equal(), m.is_regex()))
            .collect();
        all.sort();
        all
    };
    if written(before) != written(wanted) {
        return false;
    }
    match before.state(at_ms) {
        "active" => {
            before.starts_ms.div_euclid(1_000) == wanted.starts_ms.div_euclid(1_000)
                && wanted.ends_ms >= at_ms
        }
        "pending" => wanted.starts_ms >= at_ms,
        _ => false,
    }
}

fn expired(silence: &Silence, at_ms: i64) -> Silence {
    Silence {
        starts_ms: silence.starts_ms.min(at_ms),
        ends_ms: at_ms,
        updated_ms: at_ms,
        ..silence.clone()
    }
}

/// The silence that a body describes, without an id.
fn read(world: &World, body: &Value, at_ms: i64) -> Result<Silence, Answer> {
    for field in ["comment", "createdBy", "endsAt", "matchers", "startsAt"] {
        if body[field].is_null() {
            return Err(invalid(602, &format!("{field} in body is required")));
        }
    }
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    let moment = |field: &str| {
        let at = DateTime::parse_from_rfc3339(body[field].as_str().unwrap_or_default());
        at.map(|at| at.timestamp_millis() - world.epoch_ms())
            .map_err(|reason| unparsed("silence", &reason.to_string()))
    };
    let (starts_ms, ends_ms) = (moment("startsAt")?, moment("endsAt")?);
    if starts_ms >= ends_ms {
        return Err(bad(
            "Failed to create silence: start time must be before end time",
        ));
    }
    if ends_ms < at_ms {
        return Err(bad(
            "Failed to create silence: end time can't be in the past",
        ));
    }
    let matchers = body["matchers"].as_array().into_iter().flatten();
    let matchers: Vec<Matcher> = matchers
        .map(|matcher| {
            let is = |name: &str, default: bool| matcher[name].as_bool().unwrap_or(default);
            let operator = match (is("isEqual", true), is("isRegex", false)) {
                (true, false) => "=",
                (false, false) => "!=",
                (true, true) => "=~",
                (false, true) => "!~",
            };
            let quoted = |name: &str| {
                let text = matcher[name].as_str().unwrap_or_default();
                let text = text.replace('\\', "\\\\").replace('"', "\\\"");
                format!("\"{}\"", text.replace('\n', "\\n"))
            };
            Matcher::parse(&format!("{}{operator}{}", quoted("name"), quoted("value")))
        })
        .collect::<Result<_, _>>()
        .map_err(|reason| bad(&format!("invalid silence: {reason}")))?;
    if matchers
        .iter()
        .all(|matcher| matcher.matches(&Labels::new()))
    {
        let reason = "invalid silence: at least one matcher must not match the empty string";
        return Err(bad(reason));
    }
    Ok(Silence {
        id: String::new(),
        matchers,
        starts_ms,
        ends_ms,
        updated_ms: at_ms,
        created_by: text("createdBy"),
        comment: text("comment"),
    })
}

/// `DELETE /api/v2/silence/ID`, of an id that is a UUID.
pub(super) fn expire(world: &World, replica: Replica, id: &str, now_ms: i64) -> Written {
    let all = known(world, replica, now_ms);
    let Some(held) = all.iter().find(|held| held.id == id) else {
        return empty(StatusCode::NOT_FOUND).into();
    };
    let at_ms = world.deeds.next_ms(now_ms);
    if held.state(at_ms) == "expired" {
        return empty(StatusCode::OK).into();
    }
    let mut deeds = world.deeds.as_ref().clone();
    deeds.silences.push(Silenced {
        at_ms,
        by: replica,
        silence: expired(held, at_ms),
    });
    Written::done(empty(StatusCode::OK), deeds, at_ms)
}

/// `POST /api/v2/alerts`
pub(super) fn push(world: &World, replica: Replica, request: &Request, now_ms: i64) -> Written {
    let sent: Vec<Value> = match serde_json::from_slice(&request.body) {
        Ok(sent) => sent,
        Err(reason) => return unparsed("alerts", &reason.to_string()).into(),
    };
    let at_ms = world.deeds.next_ms(now_ms);
    let mut deeds = world.deeds.as_ref().clone();
    for alert in &sent {
        let pairs = |field: &str| -> Vec<(String, String)> {
            let pairs = alert[field].as_object().into_iter().flatten();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            pairs
                .map(|(name, value)| (name.clone(), text(value)))
                .collect()
        };
        let own = pairs("labels");
        if own.is_empty() {
            return invalid(602, "labels in body is required").into();
        }
        let moment = |field: &str| {
            let at = DateTime::parse_from_rfc3339(alert[field].as_str()?).ok()?;
            Some(at.timestamp_millis() - world.epoch_ms())
        };
        deeds.pushed.push(Pushed {
            at_ms,
            to: replica,
            labels: labels(
                own.iter()
                    .map(|(name, value)| (name.as_str(), value.as_str())),
            ),
            annotations: pairs("annotations"),
            starts_ms: moment("startsAt").unwrap_or(at_ms),
            ends_ms: moment("endsAt").unwrap_or(at_ms + RESOLVE_MS),
            generator: alert["generatorURL"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        });
    }
    Written::done(empty(StatusCode::OK), deeds, at_ms)
}

fn bad(reason: &str) -> Answer {
    Answer::json(StatusCode::BAD_REQUEST, &json!(reason))
}

fn invalid(code: u16, message: &str) -> Answer {
    let body = json!({ "code": code, "message": message });
    Answer::json(StatusCode::UNPROCESSABLE_ENTITY, &body)
}

fn unparsed(what: &str, reason: &str) -> Answer {
    let message = format!("parsing {what} body from \"\" failed, because {reason}");
    Answer::json(
        StatusCode::BAD_REQUEST,
        &json!({ "code": 400, "message": message }),
    )
}

fn empty(status: StatusCode) -> Answer {
    Answer {
        status,
        content_type: "application/json",
        body: String::new(),
        headers: Vec::new(),
    }
}
