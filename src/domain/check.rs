//! Does what a server says now show that a write was done, or that it worked?
//!
//! A question is data: what is read, and what has to stand where in the answer. Plans carry such
//! questions; `control` reads, and the rules here judge. Nothing here reads anything.

use std::cmp::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::source::SourceName;
use super::text::Untrusted;

/// What is read of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// The server, as it is named here.
    pub server: SourceName,
    /// Under its base, with its query.
    pub path: String,
}

/// How one sees that something worked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadCheck {
    /// What is read, again and again.
    pub read: Read,
    /// It worked when all of these hold.
    pub done: Vec<Condition>,
    /// It went wrong when any of these holds.
    pub failed: Vec<Condition>,
    /// What is shown while it goes on: a word, and where its value stands.
    pub shown: Vec<(Untrusted, String)>,
    /// After this it did not work.
    pub within: Duration,
}

/// How one finds out whether a write was done, after its answer was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// It is read.
    Read {
        /// Where.
        read: Read,
        /// It was done when all of these hold.
        applied: Vec<Condition>,
        /// It was not done when all of these hold.
        untouched: Vec<Condition>,
    },
    /// Nobody can say, and why.
    None(Untrusted),
}

/// What has to hold of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Two values are the same.
    Equal(Operand, Operand),
    /// Two values differ.
    Differ(Operand, Operand),
    /// Of two numbers the first is not below the second.
    AtLeast(Operand, Operand),
    /// Something other than null stands there.
    Present(String),
    /// Nothing stands there, or null.
    Absent(String),
    /// The server says that there is no such thing (404).
    NotFound,
    /// One of the two.
    Either(Box<Condition>, Box<Condition>),
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operand {
    /// What stands at a place of the answer, else the value beside it: counts of zero are left out by
    /// Kubernetes.
    At(String, Value),
    /// This value.
    Is(Value),
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// This.
    Value(Value),
    /// That there is no such thing.
    NotFound,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It worked.
    Done,
    /// It goes on; what is shown meanwhile.
    Going(Vec<(Untrusted, Untrusted)>),
    /// It went wrong: which condition says so.
    Failed(Condition),
}

/// What an answer says of a write whose own answer was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// It was done.
    Applied,
    /// It was not done, and nothing else happened there.
    NotApplied,
    /// Nobody can say, and why.
    Unknown(Untrusted),
}

impl ReadCheck {
    /// How far it is, by what the server says now.
    #[must_use]
    pub fn judge(&self, seen: &Seen) -> Progress {
        if let Some(broken) = self.failed.iter().find(|c| c.holds(seen)) {
            return Progress::Failed(broken.clone());
        }
        if self.done.iter().all(|c| c.holds(seen)) {
            return Progress::Done;
        }
        let value = |place: &str| match seen {
            Seen::Value(value) => at(value, place).map_or_else(|| missing(place), words),
            Seen::NotFound => "not found".to_owned(),
        };
        let shown = self.shown.iter();
        Progress::Going(
            shown
                .map(|(word, place)| (word.clone(), Untrusted::line(&value(place))))
                .collect(),
        )
    }
}

impl Evidence {
    /// Whether it was done, by what the server says now.
    #[must_use]
    pub fn judge(&self, seen: &Seen) -> Found {
        match self {
            Self::None(why) => Found::Unknown(why.clone()),
            Self::Read {
                applied, untouched, ..
            } => {
                let all = |conditions: &[Condition]| {
                    !conditions.is_empty() && conditions.iter().all(|c| c.holds(seen))
                };
                match (all(applied), all(untouched)) {
                    (true, _) => Found::Applied,
                    (false, true) => Found::NotApplied,
                    (false, false) => Found::Unknown(Untrusted::line(
                        "neither the mark of this action nor the state before it is there",
                    )),
                }
            }
        }
    }
}

impl Condition {
    /// Whether it holds of an answer.
    #[must_use]
    pub fn holds(&self, seen: &Seen) -> bool {
        if let Self::Either(one, other) = self {
            return one.holds(seen) || other.holds(seen);
        }
        let value = match (self, seen) {
            (Self::NotFound, Seen::NotFound) => return true,
            (Self::NotFound, Seen::Value(_)) | (_, Seen::NotFound) => return false,
            (_, Seen::Value(value)) => value,
        };
        match self {
            Self::Equal(a, b) => a.of(value) == b.of(value),
            Self::Differ(a, b) => a.of(value) != b.of(value),
            Self::AtLeast(a, b) => {
                let (a, b) = (a.of(value).as_f64(), b.of(value).as_f64());
                matches!(
                    a.zip(b).and_then(|(a, b)| a.partial_cmp(&b)),
                    Some(Ordering::Greater | Ordering::Equal)
                )
            }
            Self::Present(place) => at(value, place).is_some_and(|v| !v.is_null()),
            Self::Absent(place) => at(value, place).is_none_or(Value::is_null),
            Self::NotFound | Self::Either(..) => false,
        }
    }
}

impl Condition {
    /// In words: `/status/phase is Failed`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Equal(a, b) => format!("{} is {}", a.words(), b.words()),
            Self::Differ(a, b) => format!("{} is not {}", a.words(), b.words()),
            Self::AtLeast(a, b) => format!("{} is at least {}", a.words(), b.words()),
            Self::Present(place) => format!("{place} is there"),
            Self::Absent(place) => format!("{place} is not there"),
            Self::NotFound => "it is gone".to_owned(),
            Self::Either(a, b) => format!("{}, or {}", a.words(), b.words()),
        }
    }
}

impl Operand {
    fn words(&self) -> String {
        match self {
            Self::At(place, _) => place.clone(),
            Self::Is(value) => words(value),
        }
    }

    fn of<'a>(&'a self, seen: &'a Value) -> &'a Value {
        match self {
            Self::Is(value) => value,
            Self::At(place, default) => at(seen, place).unwrap_or(default),
        }
    }
}

/// What stands at a JSON pointer (RFC 6901), in which a part `[type=Progressing]` picks the first
/// element of a list whose field has that value, and `[comment*=mark]` the first whose field holds it. The
/// field may lie deeper: `[metadata~1uid=7f]`.
#[must_use]
pub fn at<'a>(value: &'a Value, place: &str) -> Option<&'a Value> {
    if place.is_empty() {
        return Some(value);
    }
    let mut here = value;
    for part in place.strip_prefix('/')?.split('/') {
        let part = part.replace("~1", "/").replace("~0", "~");
        here = match here {
            Value::Object(map) => map.get(&part)?,
            Value::Array(list) => {
                let picked = part.strip_prefix('[').and_then(|p| p.strip_suffix(']'));
                match picked.and_then(field_and_value) {
                    Some((field, wanted)) => {
                        list.iter().find(|one| is_picked(one, &field, wanted))?
                    }
                    None => list.get(part.parse::<usize>().ok()?)?,
                }
            }
            _ => return None,
        };
    }
    Some(here)
}

/// What a part in brackets asks for: the place of a field, and its value.
fn field_and_value(picked: &str) -> Option<(String, &str)> {
    let (field, wanted) = match picked.split_once('=')? {
        // A field that lies deeper may pick from a list itself.
        (field, _) if field.contains('/') => picked.rsplit_once('=')?,
        plain => plain,
    };
    Some((format!("/{field}"), wanted))
}

fn is_picked(one: &Value, field: &str, wanted: &str) -> bool {
    let text = |field: &str| at(one, field).and_then(Value::as_str);
    match field.strip_suffix('*') {
        Some(field) => text(field).is_some_and(|text| text.contains(wanted)),
        None => text(field) == Some(wanted),
    }
}

/// What stands for nothing: Kubernetes leaves out counts of zero.
fn missing(place: &str) -> String {
    let last = place.rsplit('/').next().unwrap_or_default();
    let is_count = last.to_lowercase().ends_with("replicas") || last.contains("umber");
    if is_count { "0" } else { "not there yet" }.to_owned()
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use serde_json::json;

    fn here(place: &str) -> Operand {
        Operand::At(place.to_owned(), json!(0))
    }

    fn rollout() -> ReadCheck {
        ReadCheck {
            read: Read {
                server: "eu-1".into(),
                path: "/x".to_owned(),
            },
            done: vec![
                Condition::AtLeast(
                    here("/status/observedGeneration"),
                    here("/metadata/generation"),
                ),
                Condition::Equal(here("/status/updatedReplicas"), here("/spec/replicas")),
            ],
            failed: vec![Condition::Equal(
                here("/status/conditions/[type=Progressing]/reason"),
                Operand::Is(json!("ProgressDeadlineExceeded")),
            )],
            shown: vec![(
                Untrusted::line("updated"),
                "/status/updatedReplicas".to_owned(),
            )],
            within: Duration::from_mins(5),
        }
    }

    #[test]
    fn a_rollout_is_judged_by_what_stands_where() {
        let seen = |updated: u32, observed: u32, reason: &str| {
            Seen::Value(json!({
                "metadata": { "generation": 4 }, "spec": { "replicas": 3 },
                "status": {
                    "observedGeneration": observed, "updatedReplicas": updated,
                    "conditions": [{ "type": "Available" }, { "type": "Progressing", "reason": reason }],
                },
            }))
        };
        let check = rollout();
        let going = |n: &str| {
            let shown = (Untrusted::line("updated"), Untrusted::line(n));
            Progress::Going(vec![shown])
        };
        assert_eq!(check.judge(&seen(3, 3, "")), going("3"));
        assert_eq!(check.judge(&seen(1, 4, "")), going("1"));
        assert_eq!(check.judge(&seen(3, 4, "")), Progress::Done);
        let stuck = check.judge(&seen(1, 4, "ProgressDeadlineExceeded"));
        assert!(matches!(stuck, Progress::Failed(_)));
        assert!(matches!(check.judge(&Seen::NotFound), Progress::Going(_)));
        let empty = Seen::Value(json!({ "metadata": { "generation": 4 } }));
        assert_eq!(check.judge(&empty), going("0"));
        let silence = ReadCheck {
            shown: vec![(
                Untrusted::line("the silence is"),
                "/status/state".to_owned(),
            )],
            ..rollout()
        };
        let shown = (
            Untrusted::line("the silence is"),
            Untrusted::line("not there yet"),
        );
        assert_eq!(silence.judge(&empty), Progress::Going(vec![shown]));
    }

    #[test]
    fn zero_counts_that_are_left_out_are_zero() {
        let seen = Seen::Value(json!({ "spec": { "replicas": 0 }, "status": {} }));
        let scaled = Condition::Equal(here("/status/readyReplicas"), here("/spec/replicas"));
        assert!(scaled.holds(&seen));
    }

    #[test]
    fn evidence_without_conditions_proves_nothing() {
        let evidence = Evidence::Read {
            read: rollout().read,
            applied: Vec::new(),
            untouched: Vec::new(),
        };
        assert!(matches!(
            evidence.judge(&Seen::Value(json!({}))),
            Found::Unknown(_)
        ));
    }

    #[test]
    fn places_with_slashes_and_lists_are_found() {
        let value =
            json!({ "metadata": { "annotations": { "quell.dev/action-id": "7f" } }, "l": [1, 2] });
        assert_eq!(
            at(&value, "/metadata/annotations/quell.dev~1action-id").unwrap(),
            "7f"
        );
        assert_eq!(at(&value, "/l/1").unwrap(), 2);
        let pods = json!({ "items": [
            { "metadata": { "uid": "a" } },
            { "metadata": { "uid": "b" }, "status": { "conditions": [{ "type": "Ready", "status": "False" }] } },
        ] });
        assert!(at(&pods, "/items/[metadata~1uid=b]").is_some());
        assert_eq!(at(&pods, "/items/[metadata~1uid=c]"), None);
        let unready = "/items/[status~1conditions~1[type=Ready]~1status=False]/metadata/uid";
        assert_eq!(at(&pods, unready).unwrap(), "b");
        assert_eq!(at(&value, "/l/x"), None);
        assert_eq!(at(&value, "l"), None);
    }

    #[test]
    fn an_element_is_picked_by_a_field_or_a_part_of_it() {
        let list =
            json!([{ "c": 1 }, { "c": "a mark/7=f b", "n": 1 }, { "c": "mark/7=f", "n": 2 }]);
        assert_eq!(at(&list, "/[c=mark~17=f]/n").unwrap(), 2);
        assert_eq!(at(&list, "/[c*=mark~17=f]/n").unwrap(), 1);
        assert_eq!(at(&list, "/[c*=mark~18]/n"), None);
        assert_eq!(at(&list, "/[d*=]/n"), None);
    }
}
