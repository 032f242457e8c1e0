//! What do the JSON documents look like?
//!
//! The parts that several documents share: alerts, sources, runbook links, versions. Their names
//! are a contract with scripts; a field is added, never renamed. Times are RFC 3339 in UTC, spans
//! are whole seconds, what is unknown is `null`. Each command's own document stands beside it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::asked::SourceStatus;
use super::delivery_json::SuspectDoc;
use super::gather::Picture;
use crate::domain::alert::{Alert, Currency, Debt, Lane, PendingAlert, Sighting};
use crate::domain::claim::Claim;
use crate::domain::delivery::{Part, PartState};
use crate::domain::duration::age_secs;
use crate::domain::label::Labels;
use crate::domain::runbook::Version;
use crate::domain::runbook_match::RunbookLink;
use crate::domain::source::ErrorKind;
use crate::domain::text::Untrusted;

/// A document: its schema, then its own fields.
#[derive(Debug, Serialize)]
pub struct Document<T> {
    schema: &'static str,
    #[serde(flatten)]
    body: T,
}

impl<T: Serialize> Document<T> {
    /// The document as text, one line feed at its end. Indented, as a person may read it too.
    ///
    /// # Errors
    /// None is known: every field is a plain value. It is passed on rather than hidden.
    pub fn text(schema: &'static str, body: T) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(&Self { schema, body })?;
        text.push('\n');
        Ok(text)
    }
}

/// `FINGERPRINT-STARTED`: one firing of one alert, the start in seconds since the epoch.
#[must_use]
pub fn alert_id(alert: &Alert) -> String {
    let occurrence = &alert.occurrence;
    format!(
        "{}-{}",
        occurrence.fingerprint,
        occurrence.starts_at.timestamp()
    )
}

/// One source and how far it may be trusted.
#[derive(Debug, Serialize)]
pub struct SourceDoc<'a> {
    name: &'a str,
    kind: &'static str,
    freshness: &'static str,
    age_secs: Option<u64>,
    latency_ms: Option<u64>,
    error: Option<String>,
    error_kind: Option<ErrorKind>,
    next_step: Option<&'static str>,
    limits: &'a [Untrusted],
    /// Each part that was asked for; only of sources that have several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<PartDoc<'a>>,
}

/// One part of a source.
#[derive(Debug, Serialize)]
struct PartDoc<'a> {
    what: &'a Untrusted,
    state: &'static str,
    count: Option<usize>,
    why: Option<&'a Untrusted>,
}

impl<'a> PartDoc<'a> {
    fn of(part: &'a Part) -> Self {
        let (state, count, why) = match &part.state {
            PartState::Read(count) => ("read", Some(*count), None),
            PartState::LastKnown(why) => ("last_known", None, Some(why)),
            PartState::NotPermitted(why) => ("not_permitted", None, Some(why)),
            PartState::Absent => ("absent", None, None),
            PartState::Failed(why) => ("failed", None, Some(why)),
        };
        Self {
            what: &part.what,
            state,
            count,
            why,
        }
    }
}

impl<'a> SourceDoc<'a> {
    /// At the time of the picture.
    #[must_use]
    pub fn of(source: &'a SourceStatus, at: DateTime<Utc>) -> Self {
        let error = source.health.error.as_ref();
        Self {
            name: &source.name,
            kind: source.kind.word(),
            freshness: source.freshness.word(),
            age_secs: source.health.answered_at.map(|then| age_secs(then, at)),
            latency_ms: source.health.latency_ms,
            error: error.map(ToString::to_string),
            error_kind: error.map(|e| e.kind),
            next_step: error.map(|e| e.kind.next_step_of(source.kind)),
            limits: &source.limits,
            parts: source.parts.iter().map(PartDoc::of).collect(),
        }
    }

    /// All sources of a picture.
    #[must_use]
    pub fn all(picture: &'a Picture) -> Vec<Self> {
        let sources = picture.sources.iter();
        sources
            .map(|source| Self::of(source, picture.at()))
            .collect()
    }
}

/// One alert, merged over all sources.
#[derive(Debug, Serialize)]
pub struct AlertDoc<'a> {
    id: String,
    fingerprint: String,
    name: &'a str,
    labels: &'a Labels,
    annotations: &'a Labels,
    lane: &'static str,
    state: &'static str,
    starts_at: DateTime<Utc>,
    age_secs: u64,
    severity: Option<&'a Untrusted>,
    service: Option<&'a Untrusted>,
    env: Option<&'a Untrusted>,
    sources: Vec<SightingDoc<'a>>,
    disagree: &'a [String],
    quiet_because: Option<&'a str>,
    owner: Option<&'a Untrusted>,
    claim: Option<ClaimDoc<'a>>,
    runbook: Option<LinkDoc<'a>>,
    /// What preceded it and deserves a look first; empty where changes were not asked for.
    suspects: Vec<SuspectDoc>,
    receivers: &'a [Untrusted],
    generator_url: Option<&'a Untrusted>,
    debt: Vec<Debt>,
}

impl<'a> AlertDoc<'a> {
    /// At the time of the picture, with what preceded it.
    #[must_use]
    pub fn of(alert: &'a Alert, at: DateTime<Utc>, suspects: Vec<SuspectDoc>) -> Self {
        let place = &alert.place;
        Self {
            id: alert_id(alert),
            fingerprint: alert.occurrence.fingerprint.to_string(),
            name: alert.name(),
            labels: &alert.labels,
            annotations: &alert.annotations,
            lane: alert.lane.word(),
            state: alert.state.word(),
            starts_at: alert.occurrence.starts_at,
            age_secs: age_secs(alert.occurrence.starts_at, at),
            severity: place.severity.as_ref(),
            service: place.service.as_ref(),
            env: place.env.as_ref(),
            sources: alert.sightings.iter().map(SightingDoc::of).collect(),
            disagree: &alert.disagree,
            quiet_because: alert.quiet.as_ref().map(|quiet| quiet.because.as_str()),
            owner: alert.owner(),
            claim: alert.claim.as_ref().map(ClaimDoc::of),
            runbook: alert.runbook.as_deref().map(LinkDoc::of),
            suspects,
            receivers: &alert.origin.receivers,
            generator_url: alert.origin.generator_url.as_ref(),
            debt: alert.debts(),
        }
    }
}

#[derive(Debug, Serialize)]
struct SightingDoc<'a> {
    name: &'a str,
    state: &'static str,
    starts_at: DateTime<Utc>,
    current: bool,
}

impl<'a> SightingDoc<'a> {
    fn of(sighting: &'a Sighting) -> Self {
        Self {
            name: &sighting.source,
            state: sighting.state.word(),
            starts_at: sighting.starts_at,
            current: sighting.current == Currency::Current,
        }
    }
}

#[derive(Debug, Serialize)]
struct ClaimDoc<'a> {
    by: &'a Untrusted,
    since: DateTime<Utc>,
}

impl<'a> ClaimDoc<'a> {
    fn of(claim: &'a Claim) -> Self {
        Self {
            by: &claim.by,
            since: claim.since,
        }
    }
}

/// Which version of a text: in git, or by its bytes alone.
#[derive(Debug, Serialize)]
pub struct VersionDoc<'a> {
    commit: Option<&'a str>,
    blob: Option<&'a str>,
    dirty: Option<bool>,
    sha256: Option<&'a str>,
}

impl<'a> VersionDoc<'a> {
    /// Its fields are part of the object that has the version.
    #[must_use]
    pub fn of(version: &'a Version) -> Self {
        match version {
            Version::Git {
                commit,
                blob,
                dirty,
            } => Self {
                commit: Some(commit),
                blob: Some(blob),
                dirty: Some(*dirty),
                sha256: None,
            },
            Version::Unversioned { sha256 } => Self {
                commit: None,
                blob: None,
                dirty: None,
                sha256: Some(sha256),
            },
        }
    }
}

/// The runbook of an alert and the rule that matched.
#[derive(Debug, Serialize)]
pub struct LinkDoc<'a> {
    id: &'a Untrusted,
    #[serde(flatten)]
    version: VersionDoc<'a>,
    matched_by: &'static str,
    anchor: Option<&'a Untrusted>,
    caution: Option<&'a str>,
}

impl<'a> LinkDoc<'a> {
    /// As an alert carries it.
    #[must_use]
    pub fn of(link: &'a RunbookLink) -> Self {
        Self {
            id: &link.id,
            version: VersionDoc::of(&link.version),
            matched_by: link.matched_by.word(),
            anchor: link.anchor.as_ref(),
            caution: link.caution.as_deref(),
        }
    }
}

/// An alert whose rule holds but not yet for long enough.
#[derive(Debug, Serialize)]
pub struct PendingDoc<'a> {
    source: &'a str,
    name: &'a str,
    labels: &'a Labels,
    lane: Lane,
    active_at: DateTime<Utc>,
    age_secs: u64,
    value: &'a Untrusted,
}

impl<'a> PendingDoc<'a> {
    /// At the time of the picture.
    #[must_use]
    pub fn of(alert: &'a PendingAlert, at: DateTime<Utc>) -> Self {
        Self {
            source: &alert.source,
            name: alert.labels.get("alertname").map_or("-", |n| n.shown()),
            labels: &alert.labels,
            lane: alert.lane,
            active_at: alert.active_at,
            age_secs: age_secs(alert.active_at, at),
            value: &alert.value,
        }
    }
}

/// How many alerts there are of a kind.
#[derive(Debug, Serialize)]
pub struct CountsDoc {
    page: usize,
    ticket: usize,
    info: usize,
    quiet: usize,
    pending: usize,
}

impl CountsDoc {
    /// Of a whole picture.
    #[must_use]
    pub fn of(picture: &Picture) -> Self {
        let counts = picture.board.counts();
        Self {
            page: counts.page,
            ticket: counts.ticket,
            info: counts.info,
            quiet: counts.quiet,
            pending: picture.board.pending.len(),
        }
    }
}
