//! What can these sources not tell me, although they answer?
//!
//! A rule that cannot be evaluated never fires, and a watchdog that is missing means that pages
//! may not arrive. Lost sources are not listed here: their own health says so.

use std::collections::HashSet;

use serde::Serialize;

use super::alert::{Alert, AlertState};
use super::board::{Heard, Inputs};
use super::freshness::Freshness;
use super::observed::{PrometheusAnswer, RuleAlertState};
use super::source::SourceName;

/// The kinds of blindness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BlindnessKind {
    /// An alert that must always fire does not, or does not arrive.
    WatchdogMissing,
    /// A replica lacks much of what its cluster has.
    ReplicaBehind,
    /// A rule fails.
    RuleFailing,
    /// Nothing proves that alerts arrive.
    NoWatchdog,
}

/// One thing that cannot be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Blindness {
    /// Which kind.
    pub kind: BlindnessKind,
    /// Which source it is about.
    pub source: SourceName,
    /// In words.
    pub what: String,
}

/// All of it, the worst first.
#[must_use]
pub fn find(inputs: &Inputs, alerts: &[Alert]) -> Vec<Blindness> {
    let mut found = Vec::new();
    for heard in &inputs.prometheuses {
        found.extend(watchdog(inputs, heard, alerts));
        for rule in &heard.answer.rules {
            if let Some(error) = &rule.last_error {
                found.push(Blindness {
                    kind: BlindnessKind::RuleFailing,
                    source: heard.source.clone(),
                    what: format!("rule {} fails: {error}", rule.name),
                });
            }
        }
    }
    found.extend(
        inputs
            .replicas
            .iter()
            .filter_map(|r| behind(&r.heard.source, alerts)),
    );
    found.sort_by(|a, b| (a.kind, &a.source, &a.what).cmp(&(b.kind, &b.source, &b.what)));
    found.dedup();
    found
}

/// A replica that was restarted has only what was sent since: its cluster must not be judged by it.
fn behind(source: &SourceName, alerts: &[Alert]) -> Option<Blindness> {
    const WORTH_A_LINE: usize = 10;
    let said = super::merge::lacks(source);
    let missing = alerts.iter().filter(|a| a.disagree.contains(&said)).count();
    (missing >= WORTH_A_LINE && missing * 5 >= alerts.len()).then(|| Blindness {
        kind: BlindnessKind::ReplicaBehind,
        source: source.clone(),
        what: format!(
            "{source} lacks {missing} of {} alerts: was it restarted?",
            alerts.len()
        ),
    })
}

fn watchdog(
    inputs: &Inputs,
    heard: &Heard<PrometheusAnswer>,
    alerts: &[Alert],
) -> Option<Blindness> {
    let names = &inputs.policy.watchdogs;
    if names.is_empty() || heard.freshness != Freshness::Fresh {
        return None;
    }
    let is_watchdog = |name: &str| names.iter().any(|n| n == name);
    let rules: HashSet<&str> = heard
        .answer
        .rules
        .iter()
        .map(|r| r.name.raw())
        .filter(|n| is_watchdog(n))
        .collect();
    let firing = heard.answer.alerts.iter().find(|a| {
        a.state == RuleAlertState::Firing
            && a.labels
                .get("alertname")
                .is_some_and(|n| is_watchdog(n.raw()))
    });
    let blind = |kind, what| {
        Some(Blindness {
            kind,
            source: heard.source.clone(),
            what,
        })
    };
    let Some(firing) = firing else {
        if let Some(rule) = rules.iter().next() {
            return blind(
                BlindnessKind::WatchdogMissing,
                format!(
                    "{rule} of {} does not fire: its rules may not be evaluated",
                    heard.source
                ),
            );
        }
        return blind(
            BlindnessKind::NoWatchdog,
            format!(
                "{} has no watchdog rule: nothing proves that its alerts arrive",
                heard.source
            ),
        );
    };
    // The alert that joined this Prometheus's word carries it as a sighting; alone, it did not arrive.
    let name = firing.labels.get("alertname")?;
    let all_asked = inputs.replicas_configured > 0
        && inputs.replicas.len() == inputs.replicas_configured
        && inputs
            .replicas
            .iter()
            .all(|r| r.heard.freshness == Freshness::Fresh && r.scope.is_empty());
    let arrived = alerts.iter().any(|a| {
        a.labels.get("alertname") == Some(name)
            && a.state != AlertState::Lost
            && a.labels.contains_all(&firing.labels)
            && a.sightings.iter().any(|s| s.source != heard.source)
    });
    if all_asked && !arrived {
        return blind(
            BlindnessKind::WatchdogMissing,
            format!(
                "{name} of {} reaches no Alertmanager: its pages may not either",
                heard.source
            ),
        );
    }
    None
}
