//! What the simulation must keep to, asked of the handlers as a client would ask.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod alertmanager;
mod http;
mod kubernetes;
mod prometheus;
mod silences;
mod slos;
mod story;
mod writes;

use std::sync::LazyLock;

use axum::http::{Method, StatusCode};
use chrono::DateTime;
use serde_json::Value;
use url::form_urlencoded;

use super::replica::Replica;
use super::wire::{Answer, Request};
use super::world::World;

const STARTED_MS: i64 = 1_763_712_345_123;
const SEED: u64 = 7;

/// One platform for all tests: it never changes.
static WORLD: LazyLock<World> = LazyLock::new(|| world(SEED));

fn world(seed: u64) -> World {
    World::new(seed, DateTime::from_timestamp_millis(STARTED_MS).unwrap()).unwrap()
}

/// A request for a path with a query string.
fn request(method: Method, target: &str) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let parameters = form_urlencoded::parse(query.as_bytes());
    Request {
        method,
        path: path.to_owned(),
        parameters: parameters
            .map(|(k, v)| (k.into_owned(), v.into_owned()))
            .collect(),
        ..Request::default()
    }
}

/// What Prometheus answers, `at_secs` after the start.
fn prometheus(target: &str, at_secs: i64) -> Answer {
    super::prometheus::answer(&WORLD, &request(Method::GET, target), at_secs * 1000)
}

/// What an Alertmanager answers, `at_secs` after the start.
fn alertmanager(replica: Replica, target: &str, at_secs: i64) -> Answer {
    super::alertmanager::answer(
        &WORLD,
        replica,
        &request(Method::GET, target),
        at_secs * 1000,
    )
}

/// A successful answer's document.
fn json(answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value
        .as_array()
        .unwrap_or_else(|| panic!("a list: {value}"))
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("a string at {pointer} in {value}"))
}

/// `?query=...` with the expression encoded.
fn query_target(path: &str, expr: &str, more: &[(&str, &str)]) -> String {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    pairs.append_pair("query", expr).extend_pairs(more);
    format!("{path}?{}", pairs.finish())
}
