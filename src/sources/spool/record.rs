//! What does one pushed event say, before it is joined with others of the same name?
//!
//! Made by [`super::plain`] and [`super::cdevents`], joined by [`super::gather`].

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::change::{ChangeKind, Outcome};
use crate::domain::text::Untrusted;

/// No text of an event keeps more bytes: ten thousand events are kept.
const MAX_TEXT_BYTES: usize = 2_000;

/// What one event says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Record {
    /// Something was changed.
    Push(Box<Push>),
    /// A run of a pipeline ended: it tells how the changes of its chain ended.
    Run(Run),
}

/// A change, as far as one event tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Push {
    /// Names the change among those of this source.
    pub(super) key: String,
    pub(super) service: Option<Untrusted>,
    pub(super) target: Untrusted,
    pub(super) env: Option<Untrusted>,
    pub(super) kind: Option<ChangeKind>,
    pub(super) from: Option<Untrusted>,
    pub(super) to: Option<Untrusted>,
    pub(super) who: Option<Untrusted>,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) finished_at: Option<DateTime<Utc>>,
    pub(super) outcome: Option<Outcome>,
    pub(super) link: Option<Untrusted>,
    pub(super) reason: Option<Untrusted>,
    pub(super) labels: Vec<(Untrusted, Untrusted)>,
    pub(super) cluster: Option<Untrusted>,
    pub(super) region: Option<Untrusted>,
    pub(super) notes: Vec<Untrusted>,
    /// What it is part of: the chain of events, and other events that it names.
    pub(super) linked: Vec<String>,
}

/// The end of a pipeline's run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Run {
    pub(super) key: String,
    pub(super) at: DateTime<Utc>,
    pub(super) outcome: Outcome,
    pub(super) reason: Option<Untrusted>,
    /// By which names changes say that they are part of it.
    pub(super) names: Vec<String>,
}

impl Record {
    /// When it acted last.
    pub(super) fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Push(push) => push.last_at(),
            Self::Run(run) => run.at,
        }
    }
}

impl Push {
    fn last_at(&self) -> DateTime<Utc> {
        let last = self.finished_at.max(self.started_at);
        last.unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// Takes what a later event of the same name says.
    pub(super) fn update(&mut self, later: &Self) {
        let take = |known: &mut Option<Untrusted>, told: &Option<Untrusted>| {
            if told.is_some() {
                known.clone_from(told);
            }
        };
        take(&mut self.service, &later.service);
        take(&mut self.env, &later.env);
        take(&mut self.from, &later.from);
        take(&mut self.to, &later.to);
        take(&mut self.who, &later.who);
        take(&mut self.link, &later.link);
        take(&mut self.reason, &later.reason);
        take(&mut self.cluster, &later.cluster);
        take(&mut self.region, &later.region);
        self.kind = later.kind.or(self.kind);
        self.outcome = later.outcome.or(self.outcome);
        self.finished_at = later.finished_at.or(self.finished_at);
        self.started_at = match (self.started_at, later.started_at) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        for label in &later.labels {
            self.labels.retain(|known| known.0 != label.0);
            self.labels.push(label.clone());
        }
        for note in &later.notes {
            if !self.notes.contains(note) {
                self.notes.push(note.clone());
            }
        }
        self.linked.extend(later.linked.iter().cloned());
        self.linked.sort();
        self.linked.dedup();
    }
}

/// What is wrong with an event: what, and what next. The key, where it is about one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) key: Option<String>,
    pub(super) what: String,
}

impl Problem {
    pub(super) fn at(key: &str, what: impl Into<String>) -> Self {
        Self {
            key: Some(key.to_owned()),
            what: what.into(),
        }
    }

    pub(super) fn of_all(what: impl Into<String>) -> Self {
        Self {
            key: None,
            what: what.into(),
        }
    }
}

/// A text, or a number that stands for one; nothing where it says nothing.
pub(super) fn text_of(value: &Value) -> Option<Untrusted> {
    match value {
        Value::String(text) => line(text),
        Value::Number(number) => line(&number.to_string()),
        Value::Bool(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A text that is kept, cut where it is too long.
pub(super) fn line(text: &str) -> Option<Untrusted> {
    let text = text.trim();
    if text.len() <= MAX_TEXT_BYTES {
        return (!text.is_empty()).then(|| Untrusted::line(text));
    }
    let end = text.floor_char_boundary(MAX_TEXT_BYTES);
    Some(Untrusted::line(&format!("{}…", &text[..end])))
}

/// An RFC 3339 time, in which a space may stand for the `T`.
pub(super) fn time_of(text: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text.trim()).ok()?;
    Some(time.to_utc())
}
