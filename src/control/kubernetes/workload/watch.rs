//! How does one see that a workload follows, and whether a write got there?
//!
//! Questions as data, which `control` asks and [`crate::domain::check`] judges. Counts of zero are left out
//! by the server, and its counts mean nothing before it has seen the generation that they belong to.

use std::time::Duration;

use serde_json::{Value, json};

use super::around::number;
use super::patch::MARKER;
use super::place::{Kind, Place};
use crate::domain::check::{Condition, Evidence, Operand, Read, ReadCheck, at};
use crate::domain::source::SourceName;
use crate::domain::text::Untrusted;

const DEFAULT_DEADLINE_SECS: i64 = 600;
/// A field is there as soon as the write was taken.
const FIELD: Duration = Duration::from_secs(30);
const SHORTEST: Duration = Duration::from_mins(2);
const LONGEST: Duration = Duration::from_mins(15);

/// A count at a place, zero where there is none.
pub(super) fn count(place: &str) -> Operand {
    Operand::At(place.to_owned(), json!(0))
}

/// A value at a place, null where there is none.
pub(super) fn value(place: &str) -> Operand {
    Operand::At(place.to_owned(), Value::Null)
}

/// This value.
pub(super) fn is(value: impl Into<Value>) -> Operand {
    Operand::Is(value.into())
}

/// Where an object is read.
pub(super) fn read(server: &SourceName, place: &Place) -> Read {
    Read {
        server: server.clone(),
        path: place.path(),
    }
}

/// That the controller has seen the latest change.
pub(super) fn observed() -> Condition {
    Condition::AtLeast(
        count("/status/observedGeneration"),
        count("/metadata/generation"),
    )
}

/// That these hold, soon.
pub(super) fn fields(server: &SourceName, place: &Place, done: Vec<Condition>) -> ReadCheck {
    ReadCheck {
        read: read(server, place),
        done,
        failed: Vec::new(),
        shown: Vec::new(),
        within: FIELD,
    }
}

/// That every pod is of the latest template and available.
pub(super) fn rollout(server: &SourceName, place: &Place, object: &Value) -> ReadCheck {
    let at_least = |a: &str, b: &str| Condition::AtLeast(count(a), count(b));
    let mut done = vec![observed()];
    let mut failed = Vec::new();
    let shown = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        pairs
            .map(|(word, place)| (Untrusted::line(word), (*place).to_owned()))
            .collect()
    };
    let (wanted, shown) = match place.kind {
        Kind::DaemonSet => {
            let wanted = "/status/desiredNumberScheduled";
            done.push(at_least("/status/updatedNumberScheduled", wanted));
            done.push(at_least("/status/numberAvailable", wanted));
            let updated = "/status/updatedNumberScheduled";
            let shown: Vec<_> = shown(&[
                ("updated", updated),
                ("available", "/status/numberAvailable"),
                ("of", wanted),
            ]);
            (wanted, shown)
        }
        _ => {
            let wanted = "/spec/replicas";
            let partition = number(object, "/spec/updateStrategy/rollingUpdate/partition", 0);
            if place.kind == Kind::StatefulSet && partition > 0 {
                let new = (number(object, wanted, 1) - partition).max(0);
                done.push(Condition::AtLeast(
                    count("/status/updatedReplicas"),
                    is(new),
                ));
            } else {
                done.push(at_least("/status/updatedReplicas", wanted));
            }
            done.push(at_least("/status/availableReplicas", wanted));
            let shown: Vec<_> = shown(&[
                ("updated", "/status/updatedReplicas"),
                ("available", "/status/availableReplicas"),
                ("of", wanted),
            ]);
            (wanted, shown)
        }
    };
    if place.kind == Kind::Deployment {
        let available = "/status/availableReplicas";
        done.push(at_least(available, "/status/updatedReplicas"));
        // Pods of the old template are gone.
        done.push(at_least("/status/updatedReplicas", "/status/replicas"));
        failed.push(newly_stuck(object));
    }
    ReadCheck {
        read: read(server, place),
        done,
        failed,
        shown,
        within: within(object, number(object, wanted, 1)),
    }
}

/// A rollout that was stuck before says so until it moves again: only another time of it counts.
fn newly_stuck(object: &Value) -> Condition {
    let place = "/status/conditions/[reason=ProgressDeadlineExceeded]/lastUpdateTime";
    let before = at(object, place).cloned().unwrap_or_default();
    let now = Operand::At(place.to_owned(), before.clone());
    Condition::Differ(now, Operand::Is(before))
}

fn within(object: &Value, pods: i64) -> Duration {
    let deadline = number(
        object,
        "/spec/progressDeadlineSeconds",
        DEFAULT_DEADLINE_SECS,
    );
    let secs = deadline.max(30 * pods) + 60;
    let span = u64::try_from(secs).map_or(LONGEST, Duration::from_secs);
    span.clamp(SHORTEST, LONGEST)
}

/// By the marker: done where it is ours, not done where it is not and nobody changed what is wanted.
pub(super) fn marked(
    server: &SourceName,
    place: &Place,
    object: &Value,
    marker: &str,
    kept: &[&str],
) -> Evidence {
    let mut untouched = vec![Condition::Differ(value(MARKER), is(marker))];
    for place in ["/metadata/uid", "/metadata/generation"].iter().chain(kept) {
        let old = at(object, place).cloned().unwrap_or_default();
        untouched.push(Condition::Equal(value(place), Operand::Is(old)));
    }
    Evidence::Read {
        read: read(server, place),
        applied: vec![
            same_object(object),
            Condition::Equal(value(MARKER), is(marker)),
        ],
        untouched,
    }
}

/// By the second marker of what takes an action back: not done while the first one stands.
pub(super) fn marked_back(
    server: &SourceName,
    place: &Place,
    object: &Value,
    first: &str,
    second: &str,
) -> Evidence {
    let has = |marker: &str| {
        vec![
            same_object(object),
            Condition::Equal(value(MARKER), is(marker)),
        ]
    };
    Evidence::Read {
        read: read(server, place),
        applied: has(second),
        untouched: has(first),
    }
}

/// That it is not another one of the same name.
pub(super) fn same_object(object: &Value) -> Condition {
    let uid = at(object, "/metadata/uid").cloned().unwrap_or_default();
    Condition::Equal(value("/metadata/uid"), Operand::Is(uid))
}
