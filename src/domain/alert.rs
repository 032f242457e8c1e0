//! What does an operator know of one alert, after all sources were merged?
//!
//! Made by [`super::triage`], shown in Triage and printed by `quell alerts` and `quell status`.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::claim::{Claim, Occurrence};
use super::label::Labels;
use super::observed::ReplicaState;
use super::runbook_match::RunbookLink;
use super::source::SourceName;
use super::text::Untrusted;

/// How loud an alert is, by the lane rules of the config.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// Wakes somebody.
    Page,
    /// Waits for working hours.
    Ticket,
    /// For the record.
    Info,
}

impl Lane {
    /// All, loudest first.
    pub const ALL: [Self; 3] = [Self::Page, Self::Ticket, Self::Info];

    /// The word in JSON, config and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
            Self::Info => "info",
        }
    }

    /// The letter on screen, which tells lanes apart without colour.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::Page => "P",
            Self::Ticket => "T",
            Self::Info => "I",
        }
    }
}

/// What an alert does right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// Somebody is notified.
    Firing,
    /// Quiet for a while because somebody looks at it.
    Acked,
    /// Quiet by a silence.
    Silenced,
    /// Quiet because another alert says more.
    Inhibited,
    /// Quiet by a mute time interval.
    Muted,
    /// Every source that had it has failed since: its last known state is all there is.
    Lost,
}

impl AlertState {
    /// The word in JSON and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Acked => "acked",
            Self::Silenced => "silenced",
            Self::Inhibited => "inhibited",
            Self::Muted => "muted",
            Self::Lost => "lost",
        }
    }
}

/// One source's word on an alert.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// Who says it.
    pub source: SourceName,
    /// What it says.
    pub state: ReplicaState,
    /// Since when, as it knows.
    pub starts_at: DateTime<Utc>,
    /// When it was asked.
    pub answered_at: DateTime<Utc>,
    /// Whether that answer is its present one.
    pub current: Currency,
}

/// Whether a word still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Currency {
    /// The source's latest request was answered with it.
    Current,
    /// The source is stale or failed: it is the last known.
    LastKnown,
}

/// Why nobody is notified, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// `silenced by dana until 15:02Z: disk swap`
    pub because: String,
    /// When the first of the reasons ends, where that is known.
    pub until: Option<DateTime<Utc>>,
}

/// What the labels say of where it is, by the label names of the config.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The severity label as written.
    pub severity: Option<Untrusted>,
    /// The service.
    pub service: Option<Untrusted>,
    /// The environment.
    pub env: Option<Untrusted>,
    /// Cluster, region or the like.
    pub location: Option<Untrusted>,
    /// The team or person that the labels name.
    pub team: Option<Untrusted>,
}

/// What the rule behind it says, where Prometheus was asked.
#[derive(Clone, Debug)]
pub struct RuleFacts {
    /// Which Prometheus.
    pub source: SourceName,
    /// The expression.
    pub query: Option<Untrusted>,
    /// Its value, as text.
    pub value: Untrusted,
}

/// What is missing of an alert that deserves to wake somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Debt {
    /// No owner in its labels.
    Owner,
    /// No severity in its labels.
    Severity,
    /// No runbook.
    Runbook,
}

impl Debt {
    /// The word in JSON and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Severity => "severity",
            Self::Runbook => "runbook",
        }
    }
}

/// One alert, merged over all sources.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Which firing of which label set.
    pub occurrence: Occurrence,
    /// Labels, as the source with the most of them gives them.
    pub labels: Labels,
    /// Annotations.
    pub annotations: Labels,
    /// Lane, by the rules of the config.
    pub lane: Lane,
    /// The loudest state that any source gives.
    pub state: AlertState,
    /// Each source's own word.
    pub sightings: Vec<Sighting>,
    /// Where sources of one cluster contradict each other, in words.
    pub disagree: Vec<String>,
    /// Why it is quiet, if it is.
    pub quiet: Option<Quiet>,
    /// What its labels say of it.
    pub place: Place,
    /// Who claimed this occurrence.
    pub claim: Option<Claim>,
    /// Its runbook.
    pub runbook: Option<Arc<RunbookLink>>,
    /// Receivers, expression, link.
    pub origin: AlertOrigin,
}

/// Where it came from and where it goes.
#[derive(Clone, Debug, Default)]
pub struct AlertOrigin {
    /// Receivers it is routed to.
    pub receivers: Vec<Untrusted>,
    /// The link to its expression.
    pub generator_url: Option<Untrusted>,
    /// The rule, where Prometheus was asked.
    pub rule: Option<Arc<RuleFacts>>,
}

impl Alert {
    /// `alertname`, or a dash for an alert without one.
    #[must_use]
    pub fn name(&self) -> &str {
        self.labels.get("alertname").map_or("-", |n| n.shown())
    }

    /// Whether it belongs on the quiet tab.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.quiet.is_some()
    }

    /// Whether no source stands by it at the moment.
    #[must_use]
    pub fn is_last_known(&self) -> bool {
        self.sightings
            .iter()
            .all(|s| s.current == Currency::LastKnown)
    }

    /// Who looks after it: the claim, else the team its labels name.
    #[must_use]
    pub fn owner(&self) -> Option<&Untrusted> {
        match &self.claim {
            Some(claim) => Some(&claim.by),
            None => self.place.team.as_ref(),
        }
    }

    /// What it lacks. An alert for the record owes nothing.
    #[must_use]
    pub fn debts(&self) -> Vec<Debt> {
        if self.lane == Lane::Info && self.place.severity.is_some() {
            return Vec::new();
        }
        let owner = self.place.team.is_none().then_some(Debt::Owner);
        let severity = self.place.severity.is_none().then_some(Debt::Severity);
        let runbook = self.runbook.is_none().then_some(Debt::Runbook);
        [owner, severity, runbook].into_iter().flatten().collect()
    }

    /// Whether it is that firing. Another replica may since have told an earlier start of it.
    #[must_use]
    pub fn is_firing_of(&self, occurrence: Occurrence) -> bool {
        self.occurrence == occurrence
            || self.occurrence.fingerprint == occurrence.fingerprint
                && self.starts().contains(&occurrence.starts_at)
    }

    /// The starts that the sources give for this firing.
    #[must_use]
    pub fn starts(&self) -> Vec<DateTime<Utc>> {
        self.sightings.iter().map(|s| s.starts_at).collect()
    }
}

/// An alert whose rule holds but not yet for long enough.
#[derive(Clone, Debug)]
pub struct PendingAlert {
    /// Which Prometheus.
    pub source: SourceName,
    /// Labels, without the external ones.
    pub labels: Labels,
    /// Since when the expression holds.
    pub active_at: DateTime<Utc>,
    /// Its value, as text.
    pub value: Untrusted,
    /// The lane it would come to.
    pub lane: Lane,
}
