//! What does the simulated Prometheus say of its rules and alerts?
//!
//! Alerting rules with their health and alerts, as the schedule knows them, and recording rules.
//! Called by the Prometheus handlers.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::labels::Labels;
use super::recorded::RecordingRule;
use super::rules;
use super::schedule::{Alert, Parsed, State, evaluated_ms};
use super::story::SCRAPE_MS;
use super::text::{expanded, exponential};
use super::wire::{Outcome, Request, bad};
use super::world::World;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Alerting,
    Recording,
}

/// A group on its way out.
struct Listed<'a> {
    file: &'a str,
    name: &'a str,
    rules: Vec<Json>,
}

/// What a listed rule carries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listing {
    WithAlerts,
    Bare,
}

/// The rules, as far as the parameters ask for them.
///
/// # Errors
/// [`Failure::BadData`] for a parameter that cannot be used.
pub(super) fn list_rules(world: &World, request: &Request, now_ms: i64) -> Outcome {
    let kinds: &[Kind] = match request.first("type").unwrap_or_default() {
        "" => &[Kind::Alerting, Kind::Recording],
        "alert" => &[Kind::Alerting],
        "record" => &[Kind::Recording],
        other => return Err(bad("type", &format!("not supported value {other:?}"))),
    };
    let listing = match request.first("exclude_alerts").unwrap_or_default() {
        "" | "false" | "0" | "f" | "F" | "FALSE" | "False" => Listing::WithAlerts,
        "true" | "1" | "t" | "T" | "TRUE" | "True" => Listing::Bare,
        other => return Err(bad("exclude_alerts", &format!("not a boolean: {other:?}"))),
    };
    let wanted = |parameter: &str, name: &str| {
        request.all(parameter).next().is_none() || request.all(parameter).any(|w| w == name)
    };
    let asked = |file: &str, name: &str| wanted("file[]", file) && wanted("rule_group[]", name);
    let mut groups: Vec<Listed<'_>> = Vec::new();
    if kinds.contains(&Kind::Alerting) {
        for group in rules::groups().filter(|group| asked(group.file, group.name)) {
            let rules = group.rules.iter().map(|rule| rule.name);
            let rules = rules
                .filter(|name| wanted("rule_name[]", name))
                .filter_map(|name| world.schedule.rule(name))
                .map(|rule| rule_body(world, rule, now_ms, listing));
            groups.push(Listed {
                file: group.file,
                name: group.name,
                rules: rules.collect(),
            });
        }
    }
    if kinds.contains(&Kind::Recording) {
        for group in world
            .records
            .iter()
            .filter(|group| asked(group.file, &group.name))
        {
            let rules = group.rules.iter();
            let rules = rules
                .filter(|rule| wanted("rule_name[]", &rule.name))
                .map(|rule| recording_body(world, rule, now_ms));
            groups.push(Listed {
                file: group.file,
                name: &group.name,
                rules: rules.collect(),
            });
        }
    }
    groups.retain(|group| !group.rules.is_empty());
    groups.sort_by_key(|group| (group.file, group.name));
    let last_evaluation = world.wall(evaluated_ms(now_ms));
    let listed: Vec<Json> = groups
        .into_iter()
        .map(|group| {
            json!({
                "name": group.name,
                "file": group.file,
                "rules": group.rules,
                "interval": SCRAPE_MS / 1000,
                "limit": 0,
                "evaluationTime": evaluation_secs(world, group.name) * 4.0,
                "lastEvaluation": last_evaluation,
            })
        })
        .collect();
    Ok(json!({"groups": listed}))
}

fn recording_body(world: &World, rule: &RecordingRule, now_ms: i64) -> Json {
    json!({
        "name": rule.name,
        "query": rule.expr,
        "labels": rule.labels.iter().copied().collect::<BTreeMap<_, _>>(),
        "health": "ok",
        "evaluationTime": evaluation_secs(world, &rule.name),
        "lastEvaluation": world.wall(evaluated_ms(now_ms)),
        "type": "recording",
    })
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

/// The alerts that are pending or firing.
pub(super) fn list_alerts(world: &World, now_ms: i64) -> Json {
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
