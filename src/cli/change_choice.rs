//! Which changes does `quell changes FILTER...` mean?
//!
//! Words of the shape `key=value`, and fragments of text; all must hold, and of one key any value may.
//! A key or a value that nobody knows is a mistake, not an empty list. Pure.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::change::{Change, ChangeKind, Outcome};
use crate::domain::duration;
use crate::domain::nearest::nearest;
use crate::domain::service::is_same_env;
use crate::domain::text::{Untrusted, shown};

/// How far back, unless `since` says otherwise.
const DEFAULT_SINCE: Duration = Duration::from_hours(24);

const KEYS: [&str; 8] = [
    "service", "env", "cluster", "kind", "outcome", "who", "source", "since",
];

const OUTCOMES: [Outcome; 4] = [
    Outcome::Running,
    Outcome::Ok,
    Outcome::Failed,
    Outcome::Unknown,
];

/// What is let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeFilter {
    services: Vec<String>,
    envs: Vec<Untrusted>,
    clusters: Vec<String>,
    kinds: Vec<ChangeKind>,
    outcomes: Vec<Outcome>,
    who: Vec<String>,
    sources: Vec<String>,
    fragments: Vec<String>,
    since: Duration,
}

impl Default for ChangeFilter {
    fn default() -> Self {
        Self {
            services: Vec::new(),
            envs: Vec::new(),
            clusters: Vec::new(),
            kinds: Vec::new(),
            outcomes: Vec::new(),
            who: Vec::new(),
            sources: Vec::new(),
            fragments: Vec::new(),
            since: DEFAULT_SINCE,
        }
    }
}

impl ChangeFilter {
    /// Reads the words.
    ///
    /// # Errors
    /// Which word is wrong, and what could stand there.
    pub fn parse(words: &[String]) -> Result<Self, String> {
        let mut filter = Self::default();
        for word in words {
            let Some((key, value)) = word.split_once('=') else {
                if !word.trim().is_empty() {
                    filter.fragments.push(word.to_lowercase());
                }
                continue;
            };
            filter.add(key, value)?;
        }
        Ok(filter)
    }

    fn add(&mut self, key: &str, value: &str) -> Result<(), String> {
        if value.is_empty() && KEYS.contains(&key) {
            return Err(format!("`{key}=` has no value"));
        }
        match key {
            "service" => self.services.push(value.to_owned()),
            "env" => self.envs.push(Untrusted::line(value)),
            "cluster" => self.clusters.push(value.to_owned()),
            "who" => self.who.push(value.to_lowercase()),
            "source" => self.sources.push(value.to_owned()),
            "kind" => {
                let kinds = ChangeKind::ALL.map(|kind| (kind.word(), kind));
                self.kinds.push(known(key, value, &kinds)?);
            }
            "outcome" => {
                let outcomes = OUTCOMES.map(|outcome| (outcome.word(), outcome));
                self.outcomes.push(known(key, value, &outcomes)?);
            }
            "since" => {
                self.since =
                    duration::parse(value).map_err(|why| format!("since: {}", shown(&why)))?;
            }
            _ => {
                let hint = nearest(key, KEYS);
                let hint = hint.map(|key| format!("; did you mean `{key}`?"));
                return Err(format!(
                    "`{}` is no key: use one of {}{}",
                    shown(key),
                    KEYS.join(", "),
                    hint.unwrap_or_default()
                ));
            }
        }
        Ok(())
    }

    /// The first moment that is looked at.
    #[must_use]
    pub fn since(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let span = TimeDelta::from_std(self.since).ok();
        let since = span.and_then(|span| at.checked_sub_signed(span));
        since.unwrap_or(DateTime::<Utc>::MIN_UTC)
    }

    /// How far back, in seconds.
    #[must_use]
    pub fn since_secs(&self) -> u64 {
        self.since.as_secs()
    }

    /// Whether anything but the time chooses.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        let rest = Self {
            since: self.since,
            ..Self::default()
        };
        *self == rest
    }

    /// Whether a change acted since then: one that goes on does.
    #[must_use]
    pub fn is_in_time(&self, change: &Change, at: DateTime<Utc>) -> bool {
        change.is_in_flight() || change.last_at() >= self.since(at)
    }

    /// Whether a change is meant, whenever it was.
    #[must_use]
    pub fn matches(&self, change: &Change) -> bool {
        let subject = &change.subject;
        let is_one = |wanted: &[String], value: Option<&Untrusted>| {
            let is = |value: &Untrusted| wanted.iter().any(|name| name == value.raw());
            wanted.is_empty() || value.is_some_and(is)
        };
        let env = subject.env.as_ref();
        let env = env.is_some_and(|env| self.envs.iter().any(|wanted| is_same_env(wanted, env)));
        let who = change.who.as_ref().map(|who| who.name.raw().to_lowercase());
        let who = who.is_some_and(|name| self.who.iter().any(|part| name.contains(part)));
        let mut sources = std::iter::once(&change.source).chain(&change.also);
        is_one(&self.services, subject.service.as_ref())
            && is_one(&self.clusters, subject.labels.get("cluster"))
            && (self.envs.is_empty() || env)
            && (self.kinds.is_empty() || self.kinds.contains(&change.kind))
            && (self.outcomes.is_empty() || self.outcomes.contains(&change.outcome))
            && (self.who.is_empty() || who)
            && (self.sources.is_empty()
                || sources.any(|name| self.sources.iter().any(|s| **s == **name)))
            && self.fragments.iter().all(|part| holds(change, part))
    }
}

fn known<T: Copy>(key: &str, value: &str, words: &[(&'static str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| *word == value);
    found.map(|(_, known)| *known).ok_or_else(|| {
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let hint = nearest(value, all.iter().copied());
        let hint = hint.map(|word| format!("; did you mean `{word}`?"));
        format!(
            "`{}` is no {key}: use one of {}{}",
            shown(value),
            all.join(", "),
            hint.unwrap_or_default()
        )
    })
}

/// Whether one of its texts holds a fragment, in whichever case.
fn holds(change: &Change, fragment: &str) -> bool {
    let (subject, told) = (&change.subject, &change.told);
    let texts = [
        Some(&change.id),
        Some(&subject.target),
        subject.service.as_ref(),
        change.versions.from.as_ref(),
        change.versions.to.as_ref(),
        change.who.as_ref().map(|who| &who.name),
        told.reason.as_ref(),
        told.link.as_ref(),
    ];
    let mut texts = texts.into_iter().flatten();
    texts.any(|text| text.raw().to_lowercase().contains(fragment))
}
