//! What does the simulated Prometheus answer?
//!
//! The query API over the platform's series and the status calls, in the shapes of version 2.55; the
//! rules stand in [`super::rules_api`]. Called by the server and by tests; it never opens a socket.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::{Method, StatusCode};
use chrono::DateTime;
use serde_json::{Value as Json, json};

use super::labels::Labels;
use super::promql::{self, Element, Value};
use super::rules_api;
use super::story::RETENTION_MS;
use super::text::{sample, unix_secs};
use super::wire::{Answer, Failure, Outcome, Request, bad};
use super::world::World;

/// Points per series a range query may ask for.
const MAX_POINTS: i64 = 11_000;

const DAY_MS: i64 = 86_400_000;

/// What the server answers at a time.
pub(super) fn answer(world: &World, request: &Request, at_ms: i64) -> Answer {
    let outcome: fn(&World, &Request, i64) -> Outcome = match request.path.as_str() {
        "/-/ready" => return Answer::plain(StatusCode::OK, "Prometheus Server is Ready.\n"),
        "/-/healthy" => return Answer::plain(StatusCode::OK, "Prometheus Server is Healthy.\n"),
        "/api/v1/query" => query,
        "/api/v1/query_range" => query_range,
        "/api/v1/rules" => rules_api::list_rules,
        "/api/v1/alerts" => |world, _, now_ms| Ok(rules_api::list_alerts(world, now_ms)),
        "/api/v1/status/buildinfo" => |_, _, _| Ok(buildinfo()),
        "/api/v1/status/runtimeinfo" => |world, _, _| Ok(runtimeinfo(world)),
        _ => return Answer::plain(StatusCode::NOT_FOUND, "404 page not found\n"),
    };
    let also_post = matches!(
        request.path.as_str(),
        "/api/v1/query" | "/api/v1/query_range"
    );
    if request.method != Method::GET && !(also_post && request.method == Method::POST) {
        return Answer::plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n");
    }
    let (status, class, reason) = match outcome(world, request, at_ms) {
        Ok(data) => {
            return Answer::json(StatusCode::OK, &json!({"status": "success", "data": data}));
        }
        Err(Failure::BadData(reason)) => (StatusCode::BAD_REQUEST, "bad_data", reason),
        Err(Failure::Execution(reason)) => (StatusCode::UNPROCESSABLE_ENTITY, "execution", reason),
    };
    Answer::json(
        status,
        &json!({"status": "error", "errorType": class, "error": reason}),
    )
}

fn query(world: &World, request: &Request, now_ms: i64) -> Outcome {
    let at_ms = match request.first("time") {
        None => now_ms,
        Some(_) => time(world, request, "time")?,
    };
    let query = parsed_query(request)?;
    let unix = unix_secs(world.epoch_ms() + at_ms);
    let engine = world.engine(now_ms);
    let run = engine.run(&query, at_ms, at_ms);
    let mut data = match run.at(at_ms)? {
        Value::Scalar(value) => json!({"resultType": "scalar", "result": [unix, sample(value)]}),
        Value::Vector(elements) => {
            let result: Vec<Json> = elements
                .into_iter()
                .map(|Element { labels, value }| {
                    json!({"metric": labels, "value": [unix, sample(value)]})
                })
                .collect();
            json!({"resultType": "vector", "result": result})
        }
    };
    add_stats(&mut data, request, run.samples_read());
    Ok(data)
}

fn query_range(world: &World, request: &Request, now_ms: i64) -> Outcome {
    let start_ms = time(world, request, "start")?;
    let end_ms = time(world, request, "end")?;
    if end_ms < start_ms {
        return Err(bad("end", "end timestamp must not be before start time"));
    }
    let step_ms = step(request)?;
    if (end_ms - start_ms) / step_ms > MAX_POINTS {
        return Err(Failure::BadData(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the \
             query resolution (?step=XX)"
                .to_owned(),
        ));
    }
    let query = parsed_query(request)?;
    let engine = world.engine(now_ms);
    let run = engine.run(&query, start_ms, end_ms);
    let mut rows: BTreeMap<Arc<Labels>, Vec<Json>> = BTreeMap::new();
    let mut at_ms = start_ms;
    while at_ms <= end_ms {
        let unix = unix_secs(world.epoch_ms() + at_ms);
        let elements = match run.at(at_ms)? {
            Value::Scalar(value) => vec![Element {
                labels: Arc::default(),
                value,
            }],
            Value::Vector(elements) => elements,
        };
        for Element { labels, value } in elements {
            let point = Json::Array(vec![unix.clone(), Json::String(sample(value))]);
            rows.entry(labels).or_default().push(point);
        }
        at_ms += step_ms;
    }
    let result: Vec<Json> = rows
        .into_iter()
        .map(|(labels, values)| json!({"metric": labels, "values": values}))
        .collect();
    let mut data = json!({"resultType": "matrix", "result": result});
    add_stats(&mut data, request, run.samples_read());
    Ok(data)
}

/// What the query cost, for any `stats` that is not empty. The times are not measured, they follow
/// from the samples: an answer depends on nothing but seed, time and request.
fn add_stats(data: &mut Json, request: &Request, samples_read: i64) {
    if request.first("stats").unwrap_or_default().is_empty() {
        return;
    }
    let micros = u32::try_from(120 + samples_read / 10).unwrap_or(u32::MAX);
    let secs = f64::from(micros) / 1e6;
    data["stats"] = json!({
        "timings": {
            "evalTotalTime": secs,
            "resultSortTime": 0,
            "queryPreparationTime": secs / 4.0,
            "innerEvalTime": secs / 2.0,
            "execQueueTime": 0.000_02,
            "execTotalTime": secs + 0.000_02,
        },
        "samples": {"totalQueryableSamples": samples_read, "peakSamples": samples_read},
    });
}

fn parsed_query(request: &Request) -> Result<promql::Query, Failure> {
    let text = request.first("query").unwrap_or_default();
    if text.trim().is_empty() {
        return Err(bad(
            "query",
            "unknown position: parse error: no expression found in input",
        ));
    }
    promql::parse(text).map_err(|error| match error {
        promql::Error::Parse(reason) => bad("query", &format!("1:1: parse error: {reason}")),
        promql::Error::Execution(reason) => Failure::Execution(reason),
    })
}

/// A time parameter: Unix seconds or RFC 3339, as milliseconds since the start.
fn time(world: &World, request: &Request, name: &str) -> Result<i64, Failure> {
    let text = request.first(name).unwrap_or_default();
    let unix_ms = match text.parse::<f64>() {
        Ok(secs) => whole_ms(secs),
        Err(_) => DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|at| at.timestamp_millis()),
    };
    unix_ms
        .map(|unix_ms| unix_ms - world.epoch_ms())
        .ok_or_else(|| bad(name, &format!("cannot parse {text:?} to a valid timestamp")))
}

fn step(request: &Request) -> Result<i64, Failure> {
    let text = request.first("step").unwrap_or_default();
    let step_ms = match text.parse::<f64>() {
        Ok(secs) => whole_ms(secs),
        Err(_) => promql_parser::util::parse_duration(text)
            .ok()
            .and_then(|duration| i64::try_from(duration.as_millis()).ok()),
    };
    match step_ms {
        None => Err(bad(
            "step",
            &format!("cannot parse {text:?} to a valid duration"),
        )),
        Some(step_ms) if step_ms <= 0 => Err(bad(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        )),
        Some(step_ms) => Ok(step_ms),
    }
}

/// Seconds as milliseconds, if they are a time at all: between the years 1653 and 2286.
#[allow(clippy::cast_possible_truncation, reason = "bounded just before")]
fn whole_ms(secs: f64) -> Option<i64> {
    (secs.abs() < 1e10).then(|| (secs * 1000.0).round() as i64)
}

impl From<promql::Error> for Failure {
    fn from(error: promql::Error) -> Failure {
        match error {
            promql::Error::Parse(reason) => Failure::BadData(reason),
            promql::Error::Execution(reason) => Failure::Execution(reason),
        }
    }
}

fn buildinfo() -> Json {
    json!({
        "version": "2.55.1",
        "revision": "0000000000000000000000000000000000000000",
        "branch": "HEAD",
        "buildUser": "root@simulated",
        "buildDate": "20241104-15:58:44",
        "goVersion": "go1.23.2",
    })
}

fn runtimeinfo(world: &World) -> Json {
    json!({
        "startTime": world.wall(-RETENTION_MS),
        "CWD": "/",
        "reloadConfigSuccess": true,
        "lastConfigTime": world.wall(-RETENTION_MS),
        "corruptionCount": 0,
        "goroutineCount": 48,
        "GOMAXPROCS": 4,
        "GOMEMLIMIT": i64::MAX,
        "GOGC": "75",
        "GODEBUG": "",
        "storageRetention": format!("{}d", RETENTION_MS / DAY_MS),
    })
}
