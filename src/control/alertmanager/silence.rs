//! What does a silence look like on the wire, and what does it match?
//!
//! What a server stores is kept as it came, so that it can be sent back without a difference: a silence that
//! comes back in another form is another one to Alertmanager.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::domain::matcher::{Matcher, Matchers, Op};

/// A silence as a server stores it.
pub(super) struct Silence {
    pub(super) id: String,
    /// `active`, `pending` or `expired`.
    pub(super) state: String,
    pub(super) starts_at: DateTime<Utc>,
    pub(super) ends_at: DateTime<Utc>,
    pub(super) comment: String,
    pub(super) created_by: String,
    /// As it came.
    raw: Value,
}

impl Silence {
    /// None where it lacks what every silence has.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let time = |name: &str| {
            let time = DateTime::parse_from_rfc3339(text(name)?).ok()?;
            Some(time.to_utc())
        };
        value.get("matchers")?.as_array()?;
        Some(Self {
            id: text("id").filter(|id| is_id(id))?.to_owned(),
            state: value["status"]["state"].as_str()?.to_owned(),
            starts_at: time("startsAt")?,
            ends_at: time("endsAt")?,
            comment: text("comment").unwrap_or_default().to_owned(),
            created_by: text("createdBy").unwrap_or_default().to_owned(),
            raw: value.clone(),
        })
    }

    /// What is sent to change it, or to make the same again where `id` is none: everything as stored, but
    /// for what is given.
    pub(super) fn body(&self, id: Option<&str>, ends_at: &str, comment: &str) -> Value {
        let mut body = json!({
            "matchers": self.raw["matchers"],
            "startsAt": self.raw["startsAt"],
            "endsAt": ends_at,
            "createdBy": self.raw["createdBy"],
            "comment": comment,
        });
        if let Some(id) = id {
            body["id"] = json!(id);
        }
        // From 0.32 on.
        if let Some(annotations) = self.raw.get("annotations").filter(|a| !a.is_null()) {
            body["annotations"] = annotations.clone();
        }
        body
    }

    /// Its end, as stored.
    pub(super) fn stored_end(&self) -> &str {
        self.raw["endsAt"].as_str().unwrap_or_default()
    }

    /// Its matchers, where each of them can be read.
    pub(super) fn matchers(&self) -> Option<Matchers> {
        let list = self.raw["matchers"].as_array()?;
        let read = list.iter().map(|one| {
            let flag = |name: &str, absent| one[name].as_bool().unwrap_or(absent);
            let op = match (flag("isRegex", false), flag("isEqual", true)) {
                (false, true) => Op::Equal,
                (false, false) => Op::NotEqual,
                (true, true) => Op::Matches,
                (true, false) => Op::NotMatches,
            };
            Matcher::new(one["name"].as_str()?, op, one["value"].as_str()?).ok()
        });
        read.collect::<Option<Vec<_>>>().map(Matchers)
    }

    /// Whether it matches the very same.
    pub(super) fn is_same(&self, matchers: &Matchers) -> bool {
        self.matchers()
            .is_some_and(|own| sorted(&own) == sorted(matchers))
    }
}

fn sorted(matchers: &Matchers) -> Vec<String> {
    let mut all: Vec<_> = matchers.0.iter().map(ToString::to_string).collect();
    all.sort_unstable();
    all
}

/// Matchers as Alertmanager takes them.
pub(super) fn wire(matchers: &Matchers) -> Value {
    let wire = matchers.0.iter().map(|matcher| {
        json!({
            "name": matcher.name(),
            "value": matcher.value(),
            "isRegex": matches!(matcher.op(), Op::Matches | Op::NotMatches),
            "isEqual": matches!(matcher.op(), Op::Equal | Op::Matches),
        })
    });
    wire.collect()
}

/// Whether a text can be an id: nothing else gets into a path.
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
