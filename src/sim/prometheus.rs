//! What does the simulated Prometheus answer?
//!
//! The query API over the platform's series, the rules with their health and alerts, and the status
//! calls, in the shapes of version 2.55. Called by the server and by tests; it never opens a socket.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use chrono::DateTime;
use serde_json::{Value as Json, json};

use super::labels::Labels;
use super::promql::{self, Element, Value};
use super::rule::Group;
use super::rules;
use super::schedule::{Alert, Parsed, State, evaluated_ms};
use super::story::SCRAPE_MS;
use super::text::{expanded, exponential, sample, unix_secs};
use super::wire::{Answer, Request};
use super::world::World;

/// Points per series a range query may ask for.
const MAX_POINTS: i64 = 11_000;

/// Why a call fails, as the API names it.
enum Failure {
    /// 400.
    BadData(String),
    /// 422.
    Execution(String),
}

type Outcome = Result<Json, Failure>;

/// What the server answers at a time.
pub(super) fn answer(world: &World, request: &Request, at_ms: i64) -> Answer {
    let outcome: fn(&World, &Request, i64) -> Outcome = match request.path.as_str() {
        "/-/ready" => return Answer::plain(StatusCode::OK, "Prometheus Server is Ready.\n"),
        "/-/healthy" => return Answer::plain(StatusCode::OK, "Prometheus Server is Healthy.\n"),
        "/api/v1/query" => query,
        "/api/v1/query_range" => query_range,
        "/api/v1/rules" => list_rules,
        "/api/v1/alerts" => |world, _, now_ms| Ok(list_alerts(world, now_ms)),
        "/api/v1/status/buildinfo" => |_, _, _| Ok(buildinfo()),
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
    Ok(match world.engine(now_ms).evaluate(&query, at_ms)? {
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
    })
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
    let mut rows: BTreeMap<Labels, Vec<Json>> = BTreeMap::new();
    let mut at_ms = start_ms;
    while at_ms <= end_ms {
        let unix = unix_secs(world.epoch_ms() + at_ms);
        let elements = match engine.evaluate(&query, at_ms)? {
            Value::Scalar(value) => vec![Element {
                labels: Labels::new(),
                value,
            }],
            Value::Vector(elements) => elements,
        };
        for Element { labels, value } in elements {
            rows.entry(labels)
                .or_default()
                .push(json!([unix, sample(value)]));
        }
        at_ms += step_ms;
    }
    let result: Vec<Json> = rows
        .into_iter()
        .map(|(labels, values)| json!({"metric": labels, "values": values}))
        .collect();
    Ok(json!({"resultType": "matrix", "result": result}))
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

fn bad(parameter: &str, reason: &str) -> Failure {
    Failure::BadData(format!("invalid parameter \"{parameter}\": {reason}"))
}

impl From<promql::Error> for Failure {
    fn from(error: promql::Error) -> Failure {
        match error {
            promql::Error::Parse(reason) => Failure::BadData(reason),
            promql::Error::Execution(reason) => Failure::Execution(reason),
        }
    }
}

/// What a listed rule carries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listing {
    WithAlerts,
    Bare,
}

fn list_rules(world: &World, request: &Request, now_ms: i64) -> Outcome {
    match request.first("type").unwrap_or_default() {
        "" | "alert" => {}
        // There are no recording rules.
        "record" => return Ok(json!({"groups": []})),
        other => return Err(bad("type", &format!("not supported value {other:?}"))),
    }
    let listing = match request.first("exclude_alerts").unwrap_or_default() {
        "" | "false" | "0" | "f" | "F" | "FALSE" | "False" => Listing::WithAlerts,
        "true" | "1" | "t" | "T" | "TRUE" | "True" => Listing::Bare,
        other => return Err(bad("exclude_alerts", &format!("not a boolean: {other:?}"))),
    };
    let wanted = |parameter: &str, name: &str| {
        request.all(parameter).next().is_none() || request.all(parameter).any(|w| w == name)
    };
    let mut groups: Vec<&Group> = rules::groups().collect();
    groups.sort_by_key(|group| (group.file, group.name));
    groups.retain(|g| wanted("rule_group[]", g.name) && wanted("file[]", g.file));
    let last_evaluation = world.wall(evaluated_ms(now_ms));
    let listed: Vec<Json> = groups
        .into_iter()
        .filter_map(|group| {
            let rules: Vec<Json> = group
                .rules
                .iter()
                .filter(|rule| wanted("rule_name[]", rule.name))
                .filter_map(|rule| {
                    world
                        .schedule
                        .rules()
                        .iter()
                        .find(|p| p.rule.name == rule.name)
                })
                .map(|rule| rule_body(world, rule, now_ms, listing))
                .collect();
            (!rules.is_empty()).then(|| {
                json!({
                    "name": group.name,
                    "file": group.file,
                    "rules": rules,
                    "interval": SCRAPE_MS / 1000,
                    "limit": 0,
                    "evaluationTime": evaluation_secs(world, group.name) * 4.0,
                    "lastEvaluation": last_evaluation,
                })
            })
        })
        .collect();
    Ok(json!({"groups": listed}))
}

fn rule_body(world: &World, parsed: &Parsed, now_ms: i64, listing: Listing) -> Json {
    let rule = parsed.rule;
    let values = parsed.values(&world.store, world.epoch_ms(), now_ms);
    let alerts: Vec<Alert<'_>> = world
        .schedule
        .alerts(now_ms)
        .filter(|alert| alert.rule.name == rule.name)
        .collect();
    let state = if alerts.iter().any(|alert| alert.state == State::Firing) {
        "firing"
    } else if alerts.is_empty() {
        "inactive"
    } else {
        "pending"
    };
    let mut body = json!({
        "state": state,
        "name": rule.name,
        "query": rule.expr,
        "duration": rule.hold_secs,
        "keepFiringFor": 0,
        "labels": rule.labels.iter().copied().collect::<BTreeMap<_, _>>(),
        "annotations": rule.annotations.iter().copied().collect::<BTreeMap<_, _>>(),
        "health": if values.is_ok() { "ok" } else { "err" },
        "evaluationTime": evaluation_secs(world, rule.name),
        "lastEvaluation": world.wall(evaluated_ms(now_ms)),
        "type": "alerting",
    });
    match &values {
        Err(reason) => body["lastError"] = json!(reason.to_string()),
        Ok(values) if listing == Listing::WithAlerts => {
            body["alerts"] = alerts
                .iter()
                .map(|alert| alert_body(world, alert, values))
                .collect();
        }
        Ok(_) => {}
    }
    body
}

fn list_alerts(world: &World, now_ms: i64) -> Json {
    let mut listed: Vec<Json> = Vec::new();
    for parsed in world.schedule.rules() {
        // A rule that fails has no alerts: `/rules` says why.
        let Ok(values) = parsed.values(&world.store, world.epoch_ms(), now_ms) else {
            continue;
        };
        let own = world
            .schedule
            .alerts(now_ms)
            .filter(|a| a.rule.name == parsed.rule.name);
        listed.extend(own.map(|alert| alert_body(world, &alert, &values)));
    }
    json!({"alerts": listed})
}

/// An alert without the external labels: those are put on when it is sent.
fn alert_body(world: &World, alert: &Alert<'_>, values: &BTreeMap<Labels, f64>) -> Json {
    let value = values.get(alert.labels).copied().unwrap_or(f64::NAN);
    let annotations: BTreeMap<&str, String> = alert
        .rule
        .annotations
        .iter()
        .map(|(name, text)| (*name, expanded(text, alert.labels, value)))
        .collect();
    json!({
        "labels": alert.labels,
        "annotations": annotations,
        "state": if alert.state == State::Firing { "firing" } else { "pending" },
        "activeAt": world.wall(alert.active_ms),
        "value": exponential(value),
    })
}

/// How long an evaluation is said to take: a few tenths of a millisecond, by name.
fn evaluation_secs(world: &World, name: &str) -> f64 {
    (world.seed.unit(name) * 600.0 + 150.0).round() / 1e6
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
