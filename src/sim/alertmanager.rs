//! What does a simulated Alertmanager answer?
//!
//! Two replicas of one cluster, version 0.28, with the v2 API's shapes: the bare list, the groups
//! (the only call with a real `mutedBy`), silences and status. What writes come to is said in
//! [`super::silences`]. Called by the server and by tests; it never opens a socket.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use regex::Regex;
use serde_json::{Value, json};

use super::labels::{Labels, labels};
use super::matcher::Matcher;
use super::replica::{Held, Replica, held};
use super::routing::{self, Route, Silence};
use super::silences;
use super::story::{CYCLE_MS, Hearing};
use super::wire::{Answer, Request, Written};
use super::world::World;

/// What a replica answers at a time.
pub(super) fn answer(world: &World, replica: Replica, request: &Request, at_ms: i64) -> Answer {
    if replica.hearing(at_ms) == Hearing::Overloaded {
        let body = "Limit of concurrent GET requests reached (8), try again later.\n";
        return Answer::plain(StatusCode::SERVICE_UNAVAILABLE, body);
    }
    let path = request.path.as_str();
    let Some(call) = path.strip_prefix("/api/v2/") else {
        return match path {
            "/-/ready" | "/-/healthy" => Answer::plain(StatusCode::OK, "OK"),
            path if path.starts_with("/api/v1/") => gone(),
            _ => Answer::plain(StatusCode::NOT_FOUND, "404 page not found\n"),
        };
    };
    let held = |id: &str| call == id;
    let known = ["alerts", "alerts/groups", "silences", "status"]
        .into_iter()
        .any(held)
        || call.starts_with("silence/");
    if !known {
        let message = format!("path {path} was not found");
        return problem(StatusCode::NOT_FOUND, 404, &message);
    }
    if request.method != Method::GET {
        let message = format!(
            "method {} is not allowed on {path}, but [GET] are",
            request.method
        );
        return problem(StatusCode::METHOD_NOT_ALLOWED, 405, &message);
    }
    let answered = match call {
        "alerts" => alerts(world, replica, request, at_ms),
        "alerts/groups" => groups(world, replica, request, at_ms),
        "silences" => list_silences(world, replica, request, at_ms),
        "status" => Ok(status(world, replica, at_ms)),
        _ => return one_silence(world, replica, call.trim_start_matches("silence/"), at_ms),
    };
    match answered {
        Ok(body) => Answer::json(StatusCode::OK, &body),
        Err(reason) => Answer::json(StatusCode::BAD_REQUEST, &Value::from(reason)),
    }
}

/// What a write to a replica comes to.
pub(super) fn written(world: &World, replica: Replica, request: &Request, at_ms: i64) -> Written {
    let path = request.path.as_str();
    let call = path.strip_prefix("/api/v2/").unwrap_or_default();
    match (&request.method, call) {
        (&Method::POST, "silences") => silences::post(world, replica, request, at_ms),
        (&Method::POST, "alerts") => silences::push(world, replica, request, at_ms),
        (&Method::DELETE, call) if call.starts_with("silence/") => {
            let id = call.trim_start_matches("silence/");
            match not_a_uuid(id) {
                Some(refusal) => refusal.into(),
                None => silences::expire(world, replica, id, at_ms),
            }
        }
        _ => answer(world, replica, request, at_ms).into(),
    }
}

/// The API's own errors, other than the bare strings of 400.
fn problem(status: StatusCode, code: u16, message: &str) -> Answer {
    Answer::json(status, &json!({"code": code, "message": message}))
}

fn gone() -> Answer {
    let error = "The Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of \
                 version 0.27.0 - please use the equivalent route in the v2 API";
    Answer::json(
        StatusCode::GONE,
        &json!({"status": "deprecated", "error": error}),
    )
}

/// What a list of alerts is narrowed to.
struct Selection {
    filter: Vec<Matcher>,
    receiver: Option<Regex>,
    active: bool,
    silenced: bool,
    inhibited: bool,
}

impl Selection {
    fn of(request: &Request) -> Result<Selection, String> {
        let receiver = request.first("receiver").map(|pattern| {
            Regex::new(&format!("^(?:{pattern})$"))
                .map_err(|reason| format!("failed to parse receiver param: {reason}"))
        });
        Ok(Selection {
            filter: request
                .all("filter")
                .map(Matcher::parse)
                .collect::<Result<_, _>>()?,
            receiver: receiver.transpose()?,
            active: flag(request, "active"),
            silenced: flag(request, "silenced"),
            inhibited: flag(request, "inhibited"),
        })
    }

    fn takes(&self, alert: &Held) -> bool {
        (self.active || alert.state() != "active")
            && (self.silenced || alert.silenced_by.is_empty())
            && (self.inhibited || alert.inhibited_by.is_empty())
            && self
                .filter
                .iter()
                .all(|matcher| matcher.matches(&alert.labels))
    }

    fn takes_route(&self, route: &Route) -> bool {
        self.receiver
            .as_ref()
            .is_none_or(|pattern| pattern.is_match(route.receiver))
    }
}

/// True by default; anything that is not a known word for true is false, as in the real server.
fn flag(request: &Request, name: &str) -> bool {
    const TRUE: [&str; 11] = [
        "true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled", "",
    ];
    request
        .first(name)
        .is_none_or(|value| TRUE.contains(&value.to_ascii_lowercase().as_str()))
}

fn alerts(world: &World, replica: Replica, request: &Request, at_ms: i64) -> Result<Value, String> {
    let selection = Selection::of(request)?;
    Ok(held(world, replica, at_ms)
        .iter()
        .filter(|alert| {
            alert
                .routes
                .iter()
                .any(|route| selection.takes_route(route))
        })
        .filter(|alert| selection.takes(alert))
        .map(|alert| alert.body(world, None))
        .collect())
}

fn groups(world: &World, replica: Replica, request: &Request, at_ms: i64) -> Result<Value, String> {
    let selection = Selection::of(request)?;
    let alerts = held(world, replica, at_ms);
    let with_muted = flag(request, "muted");
    let mut groups: BTreeMap<(Labels, &str), Vec<Value>> = BTreeMap::new();
    for alert in alerts.iter().filter(|alert| selection.takes(alert)) {
        for route in alert
            .routes
            .iter()
            .filter(|route| selection.takes_route(route))
        {
            if route.muted_by.is_some() && !with_muted {
                continue;
            }
            let mut labels = alert.labels.clone();
            labels.retain(|name, _| route.group_by.contains(&&**name));
            let group = groups.entry((labels, route.receiver)).or_default();
            group.push(alert.body(world, route.muted_by));
        }
    }
    Ok(groups
        .into_iter()
        .map(|((labels, receiver), alerts)| {
            json!({"alerts": alerts, "labels": labels, "receiver": {"name": receiver}})
        })
        .collect())
}

fn list_silences(
    world: &World,
    replica: Replica,
    request: &Request,
    at_ms: i64,
) -> Result<Value, String> {
    let filter: Vec<Matcher> = request
        .all("filter")
        .map(Matcher::parse)
        .collect::<Result<_, _>>()?;
    let mut silences = silences::known(world, replica, at_ms);
    silences.retain(|silence| {
        let own = labels(
            silence
                .matchers
                .iter()
                .map(|m| (m.name.as_str(), m.value.as_str())),
        );
        filter.iter().all(|matcher| matcher.matches(&own))
    });
    let order = |silence: &Silence| match silence.state(at_ms) {
        "active" => (0, silence.ends_ms),
        "pending" => (1, silence.starts_ms),
        _ => (2, -silence.ends_ms),
    };
    silences.sort_by_key(order);
    Ok(silences
        .iter()
        .map(|silence| silence_body(world, silence, at_ms))
        .collect())
}

fn not_a_uuid(id: &str) -> Option<Answer> {
    let is_uuid = Regex::new("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
        .is_ok_and(|uuid| uuid.is_match(id));
    let message = format!("silenceID in path must be of type uuid: {id:?}");
    (!is_uuid).then(|| problem(StatusCode::UNPROCESSABLE_ENTITY, 601, &message))
}

fn one_silence(world: &World, replica: Replica, id: &str, at_ms: i64) -> Answer {
    if let Some(refusal) = not_a_uuid(id) {
        return refusal;
    }
    match silences::known(world, replica, at_ms)
        .iter()
        .find(|silence| silence.id == id)
    {
        Some(silence) => Answer::json(StatusCode::OK, &silence_body(world, silence, at_ms)),
        None => Answer {
            status: StatusCode::NOT_FOUND,
            content_type: "application/json",
            body: String::new(),
            headers: Vec::new(),
        },
    }
}

fn silence_body(world: &World, silence: &Silence, at_ms: i64) -> Value {
    let matchers: Vec<Value> = silence
        .matchers
        .iter()
        .map(|matcher| {
            json!({
                "isEqual": matcher.is_equal(),
                "isRegex": matcher.is_regex(),
                "name": matcher.name,
                "value": matcher.value,
            })
        })
        .collect();
    json!({
        "id": silence.id,
        "status": {"state": silence.state(at_ms)},
        "updatedAt": world.wall(silence.updated_ms),
        "comment": silence.comment,
        "createdBy": silence.created_by,
        "endsAt": world.wall(silence.ends_ms),
        "matchers": matchers,
        "startsAt": world.wall(silence.starts_ms),
    })
}

fn status(world: &World, replica: Replica, at_ms: i64) -> Value {
    let in_reach = |peer: &Replica| *peer == replica || peer.hearing(at_ms) != Hearing::Deaf;
    let mut peers: Vec<(String, &str)> = [Replica::First, Replica::Second]
        .into_iter()
        .filter(in_reach)
        .map(|peer| (peer.peer_name(world), peer.address()))
        .collect();
    peers.sort();
    let peers: Vec<Value> = peers
        .into_iter()
        .map(|(name, address)| json!({"address": address, "name": name}))
        .collect();
    json!({
        "cluster": {"name": replica.peer_name(world), "peers": peers, "status": "ready"},
        "config": {"original": routing::config_text()},
        "uptime": world.wall(-640 * CYCLE_MS),
        "versionInfo": {
            "branch": "HEAD",
            "buildDate": "20250307-15:05:18",
            "buildUser": "root@simulated",
            "goVersion": "go1.23.7",
            "revision": "0000000000000000000000000000000000000000",
            "version": "0.28.1",
        },
    })
}
