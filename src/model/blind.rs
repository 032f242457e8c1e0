//! What must be said on every screen because it makes the rest uncertain?
//!
//! Lost sources first, then missing watchdogs and failing rules. Each is one line in words. On
//! screens 3 and 4 the sources of the screen come before all others, with what they may not read.

use super::Model;
use super::delivery::{self, Matter};
use super::knowledge::SourceState;
use super::session::Screen;
use crate::domain::blindness::BlindnessKind;
use crate::domain::duration::{age_secs, short};
use crate::domain::freshness::Freshness;
use crate::domain::source::SourceKind;

/// The lines, the worst first.
#[must_use]
pub fn lines(model: &Model) -> Vec<String> {
    let matter = match model.session.screen {
        Screen::Changes => Some(Matter::Changes),
        Screen::Drift => Some(Matter::Drift),
        Screen::Triage | Screen::Burn | Screen::Runbooks | Screen::Journal | Screen::Sources => {
            None
        }
    };
    let is_of_screen = |s: &&SourceState| matter.is_some_and(|m| m.is_told_by(s.kind));
    let sources = || model.knowledge.sources.iter();
    let of_screen = sources()
        .filter(is_of_screen)
        .filter_map(|s| lost(s, model));
    let mut lines: Vec<String> = of_screen.collect();
    lines.extend(matter.and_then(|matter| unread(model, matter)));
    let others = sources()
        .filter(|s| !is_of_screen(s) && !is_said_by_its_server(s, model))
        .filter_map(|s| lost(s, model));
    lines.extend(others);
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

/// What the sources of a screen could not read, in one line: the first of it, and how much more.
fn unread(model: &Model, matter: Matter) -> Option<String> {
    let unread = delivery::unread(model, matter);
    let (source, part) = unread.first()?;
    let more = match unread.len() - 1 {
        0 => String::new(),
        1 => "1 more part is not read, and ".to_owned(),
        more => format!("{more} more parts are not read, and "),
    };
    Some(format!("blind: {more}{}", delivery::in_words(source, part)))
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
                (Some(at), SourceKind::Terraform) => {
                    format!("its differences are the last known, {} old", age(at))
                }
                (Some(at), kind) if Matter::Changes.is_told_by(kind) => {
                    format!("its changes are the last known, {} old", age(at))
                }
                (Some(at), SourceKind::Services) => {
                    format!("its services are the last known, {} old", age(at))
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
