//! What must be said on every screen because it makes the rest uncertain?
//!
//! Lost sources first, then missing watchdogs and failing rules. Each is one line in words.

use super::Model;
use super::knowledge::SourceState;
use crate::domain::blindness::BlindnessKind;
use crate::domain::duration::{age_secs, short};
use crate::domain::freshness::Freshness;
use crate::domain::source::SourceKind;

/// The lines, the worst first.
#[must_use]
pub fn lines(model: &Model) -> Vec<String> {
    let lost = model
        .knowledge
        .sources
        .iter()
        .filter(|s| !is_said_by_its_server(s, model))
        .filter_map(|s| lost(s, model));
    let mut lines: Vec<String> = lost.collect();
    let of_kind = |kind| model.board.blind.iter().filter(move |b| b.kind == kind);
    let missing = of_kind(BlindnessKind::WatchdogMissing);
    let behind = of_kind(BlindnessKind::ReplicaBehind);
    lines.extend(missing.chain(behind).map(|b| format!("blind: {}", b.what)));
    let failing: Vec<&str> = of_kind(BlindnessKind::RuleFailing)
        .map(|b| b.what.as_str())
        .collect();
    match failing.as_slice() {
        [] => {}
        [one] => lines.push(format!("blind: {one}")),
        [first, others @ ..] => lines.push(format!(
            "blind: {} more rules fail, and {first}",
            others.len()
        )),
    }
    lines
}

/// A Prometheus that is lost takes the burns it measures with it: one line says both.
fn is_said_by_its_server(source: &SourceState, model: &Model) -> bool {
    source.kind == SourceKind::Slos
        && model.knowledge.sources.iter().any(|server| {
            server.kind == SourceKind::Prometheus
                && source.name.strip_suffix("/slo") == Some(&*server.name)
                && server.freshness(model.now) == source.freshness(model.now)
        })
}

fn lost(source: &SourceState, model: &Model) -> Option<String> {
    let health = &source.health;
    let age = |then| short(age_secs(then, model.now));
    match source.freshness(model.now) {
        Freshness::Fresh | Freshness::Never => None,
        Freshness::Stale => {
            let at = health.answered_at?;
            let why = if health.from_snapshot {
                "from the last session"
            } else {
                "overdue"
            };
            Some(format!(
                "stale: {} last answered {} ago ({why})",
                source.name,
                age(at)
            ))
        }
        Freshness::Failed => {
            let error = health.error.as_ref()?;
            let since = health.failing_since.map(age).unwrap_or_default();
            let left = match (health.answered_at, source.kind) {
                (None, _) => "nothing known of it".to_owned(),
                (Some(_), SourceKind::Runbooks) => "the runbooks are the last known".to_owned(),
                (Some(at), SourceKind::Slos) => {
                    format!("its burn rates are the last known, {} old", age(at))
                }
                (Some(at), _) => format!("its alerts are the last known, {} old", age(at)),
            };
            Some(format!(
                "blind: {} {} {since}; {left} ({})",
                source.name,
                error.kind.word(),
                error.detail,
            ))
        }
    }
}
