//! What was written to the simulated platform so far?
//!
//! A log of the writes that were accepted, each with its time. Objects, series, alerts and silences
//! follow from seed, time and this log alone, so that the past can be asked for after a write as
//! before. Kept by [`super::server`] inside the world; it decides nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use super::labels::Labels;
use super::plot::{Plot, Version};
use super::replica::Replica;
use super::routing::Silence;
use super::series::secs_of;
use super::story::CYCLE_MS;

/// Who is meant: an object of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub plural: &'static str,
    pub namespace: String,
    pub name: String,
}

/// An object was patched.
#[derive(Debug, Clone)]
pub(super) struct Edit {
    pub at_ms: i64,
    pub target: Target,
    /// What it changes, as a merge patch: what the controllers write is not in it.
    pub change: Value,
    /// What the patch named, as a managed field set.
    pub fields: Value,
    pub manager: String,
    pub subresource: Option<&'static str>,
    /// Whether it changed the spec.
    pub raises: bool,
    /// What tells the replica set apart to which the pods go for it; none if they stay, or if it is a
    /// turn of the story.
    pub rolls_to: Option<String>,
    /// When somebody else puts it back.
    pub until_ms: Option<i64>,
}

/// A pod was told to go.
#[derive(Debug, Clone)]
pub(super) struct Going {
    pub at_ms: i64,
    pub namespace: String,
    pub name: String,
}

/// A lease, or that it was deleted.
#[derive(Debug, Clone)]
pub(super) struct Lease {
    pub at_ms: i64,
    pub created_ms: i64,
    pub namespace: String,
    pub name: String,
    /// None once it is deleted.
    pub object: Option<Value>,
}

/// A silence as one replica stored it.
#[derive(Debug, Clone)]
pub(super) struct Silenced {
    pub at_ms: i64,
    pub by: Replica,
    pub silence: Silence,
}

/// An alert that somebody sent to one replica.
#[derive(Debug, Clone)]
pub(super) struct Pushed {
    pub at_ms: i64,
    pub to: Replica,
    pub labels: Labels,
    pub annotations: Vec<(String, String)>,
    pub starts_ms: i64,
    pub ends_ms: i64,
    pub generator: String,
}

/// Everything that was written, each list in the order of time.
#[derive(Debug, Clone, Default)]
pub(super) struct Deeds {
    /// When another version of checkout-api was wanted.
    pub turns: Vec<(i64, Version)>,
    pub edits: Vec<Edit>,
    pub going: Vec<Going>,
    pub leases: Vec<Lease>,
    pub silences: Vec<Silenced>,
    pub pushed: Vec<Pushed>,
    /// When the newest was accepted.
    pub last_ms: Option<i64>,
}

/// A clock that stands, or goes back by less, does not take a write back.
const CLOCK_SLACK_MS: i64 = 10_000;

impl Deeds {
    /// When a write is accepted that comes at this time: each has a millisecond of its own, since a
    /// resource version is a time.
    pub(super) fn next_ms(&self, now_ms: i64) -> i64 {
        self.last_ms.map_or(now_ms, |last| now_ms.max(last + 1))
    }

    /// The present: not before the newest write, unless the clock was set back on purpose.
    pub(super) fn present_ms(&self, now_ms: i64) -> i64 {
        match self.last_ms {
            Some(last) if last - now_ms <= CLOCK_SLACK_MS => now_ms.max(last),
            _ => now_ms,
        }
    }

    /// How the telling of this number goes.
    pub(super) fn plot(&self, cycle: i64) -> Plot {
        let own = self.turns.iter();
        let own = own.filter(|(at_ms, _)| at_ms.div_euclid(CYCLE_MS) == cycle);
        let own: Vec<(f64, Version)> = own
            .map(|(at_ms, to)| (secs_of(at_ms.rem_euclid(CYCLE_MS)), *to))
            .collect();
        Plot::with(&own)
    }

    /// The tellings in which a version is wanted that `before` does not know of.
    pub(super) fn turned_since(&self, before: &Deeds) -> BTreeSet<i64> {
        let new = self.turns.iter().skip(before.turns.len());
        new.map(|(at_ms, _)| at_ms.div_euclid(CYCLE_MS)).collect()
    }

    /// The edits of an object up to a time.
    pub(super) fn edits_of<'a>(
        &'a self,
        plural: &'a str,
        namespace: &'a str,
        name: &'a str,
        at_ms: i64,
    ) -> impl Iterator<Item = &'a Edit> {
        self.edits.iter().filter(move |edit| {
            let target = &edit.target;
            edit.at_ms <= at_ms
                && target.plural == plural
                && target.namespace == namespace
                && target.name == name
        })
    }
}
