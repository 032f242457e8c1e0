//! What does one replica of the cluster hold, and can it be heard?
//!
//! Prometheus sends to both, others to one; each knows only what reached it. Silences, inhibition and routes are
//! applied here as the replica would apply them. Called by the Alertmanager handlers, which put it
//! into the API's lists.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::labels::Labels;
use super::routing::{self, Route};
use super::schedule::State;
use super::silences;
use super::story::{Hearing, MISSED_BY_SECOND, RESEND_MS, second_replica, story_secs};
use super::text::expanded;
use super::world::World;

/// One member of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replica {
    First,
    Second,
}

impl Replica {
    /// How a request to it ends at that time.
    pub(super) fn hearing(self, at_ms: i64) -> Hearing {
        match self {
            Replica::First => Hearing::Answers,
            Replica::Second => second_replica(story_secs(at_ms).1),
        }
    }

    /// Its gossip address.
    pub(super) fn address(self) -> &'static str {
        match self {
            Replica::First => "10.42.0.11:9094",
            Replica::Second => "10.42.0.12:9094",
        }
    }

    pub(super) fn peer_name(self, world: &World) -> String {
        world.seed.ulid(self.address())
    }
}

/// Labels that Prometheus puts on what it sends.
const EXTERNAL_LABELS: [(&str, &str); 2] = [("cluster", "eu-1"), ("env", "prod")];

/// An alert as a replica holds it.
pub(super) struct Held {
    pub labels: Labels,
    annotations: BTreeMap<String, String>,
    pub fingerprint: String,
    starts_ms: i64,
    /// When Prometheus last sent it.
    updated_ms: i64,
    /// When it ends unless it is sent again.
    ends_ms: i64,
    generator: String,
    pub routes: Vec<&'static Route>,
    pub silenced_by: Vec<String>,
    pub inhibited_by: Vec<String>,
}

impl Held {
    /// `active` or `suppressed`, as far as the replica's own list knows.
    pub(super) fn state(&self) -> &'static str {
        if self.silenced_by.is_empty() && self.inhibited_by.is_empty() {
            "active"
        } else {
            "suppressed"
        }
    }

    /// The alert on the wire; muted by these intervals, which only groups know.
    pub(super) fn body(&self, world: &World, muted_by: Option<&str>) -> Value {
        let receivers: Vec<Value> = self
            .routes
            .iter()
            .map(|route| json!({"name": route.receiver}))
            .collect();
        json!({
            "annotations": self.annotations,
            "endsAt": world.wall(self.ends_ms),
            "fingerprint": self.fingerprint,
            "receivers": receivers,
            "startsAt": world.wall(self.starts_ms),
            "status": {
                "inhibitedBy": self.inhibited_by,
                "mutedBy": muted_by.as_slice(),
                "silencedBy": self.silenced_by,
                "state": if muted_by.is_some() { "suppressed" } else { self.state() },
            },
            "updatedAt": world.wall(self.updated_ms),
            "generatorURL": self.generator,
            "labels": self.labels,
        })
    }
}

/// Everything a replica holds, by fingerprint.
pub(super) fn held(world: &World, replica: Replica, at_ms: i64) -> Vec<Held> {
    let silences = silences::known(world, replica, at_ms);
    let mut alerts: Vec<Held> = Vec::new();
    for parsed in world.schedule.rules() {
        let name = parsed.rule.name;
        let delay_ms = match replica {
            Replica::Second if name == MISSED_BY_SECOND => RESEND_MS,
            _ => 0,
        };
        let mut firing = world
            .schedule
            .alerts(at_ms)
            .filter(|alert| alert.rule.name == name && alert.state == State::Firing)
            .filter(|alert| alert.fires_ms + delay_ms <= at_ms)
            .peekable();
        if firing.peek().is_none() {
            continue;
        }
        // A rule that fails has no alerts, so there is a value for each alert that is there.
        let values = parsed
            .values(&world.store, world.epoch_ms(), at_ms)
            .unwrap_or_default();
        for alert in firing {
            let value = values.get(alert.labels).copied().unwrap_or(f64::NAN);
            let mut labels = alert.labels.clone();
            labels.extend(EXTERNAL_LABELS.map(|(name, value)| (name.into(), value.into())));
            let updated_ms = at_ms - (at_ms - alert.fires_ms) % RESEND_MS;
            let annotations = alert.rule.annotations.iter();
            alerts.push(Held {
                annotations: annotations
                    .map(|(name, text)| ((*name).to_owned(), expanded(text, alert.labels, value)))
                    .collect(),
                fingerprint: fingerprint(&labels),
                starts_ms: alert.fires_ms,
                updated_ms,
                ends_ms: updated_ms + 4 * RESEND_MS,
                generator: generator_url(alert.rule.expr),
                routes: routing::routes(&labels),
                silenced_by: Vec::new(),
                inhibited_by: Vec::new(),
                labels,
            });
        }
    }
    alerts.extend(pushed(world, replica, at_ms));
    for alert in &mut alerts {
        let own = silences
            .iter()
            .filter(|silence| silence.silences(&alert.labels, at_ms));
        alert.silenced_by = own.map(|silence| silence.id.clone()).collect();
    }
    alerts.sort_by(|left, right| left.fingerprint.cmp(&right.fingerprint));
    let labels: Vec<&Labels> = alerts.iter().map(|alert| &alert.labels).collect();
    let inhibitors: Vec<Option<String>> = labels
        .iter()
        .map(|target| routing::inhibitor(target, &labels))
        .map(|place| Some(alerts[place?].fingerprint.clone()))
        .collect();
    for (alert, inhibitor) in alerts.iter_mut().zip(inhibitors) {
        alert.inhibited_by.extend(inhibitor);
    }
    alerts
}

/// What somebody sent to this replica and has not ended. What is sent again replaces what was sent.
fn pushed(world: &World, replica: Replica, at_ms: i64) -> Vec<Held> {
    let mut newest: BTreeMap<String, Held> = BTreeMap::new();
    let sent = world.deeds.pushed.iter();
    for alert in sent.filter(|alert| alert.to == replica && alert.at_ms <= at_ms) {
        let held = Held {
            labels: alert.labels.clone(),
            annotations: alert.annotations.iter().cloned().collect(),
            fingerprint: fingerprint(&alert.labels),
            starts_ms: alert.starts_ms,
            updated_ms: alert.at_ms,
            ends_ms: alert.ends_ms,
            generator: alert.generator.clone(),
            routes: routing::routes(&alert.labels),
            silenced_by: Vec::new(),
            inhibited_by: Vec::new(),
        };
        newest.insert(held.fingerprint.clone(), held);
    }
    newest.retain(|_, held| held.ends_ms > at_ms);
    newest.into_values().collect()
}

/// Prometheus' hash of a label set: FNV-1a over each name and value, each closed by 0xff.
pub(super) fn fingerprint(labels: &Labels) -> String {
    let bytes = labels.iter().flat_map(|(name, value)| {
        name.bytes()
            .chain([0xff])
            .chain(value.bytes())
            .chain([0xff])
    });
    let hash = bytes.fold(14_695_981_039_346_656_037_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211)
    });
    format!("{hash:016x}")
}

fn generator_url(expr: &str) -> String {
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("g0.expr", expr)
        .append_pair("g0.tab", "1")
        .finish();
    format!("https://prometheus.eu-1.example.net/graph?{query}")
}
