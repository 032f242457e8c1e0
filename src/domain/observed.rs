//! What did one source say in one answer, before anything is merged?
//!
//! Made by `sources`, kept by the model, merged by [`super::triage`]. Plain data: serialised only
//! for the snapshot of the last session.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::label::{Fingerprint, Labels};
use super::text::Untrusted;

/// What one Alertmanager replica says of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplicaState {
    /// It notifies.
    Active,
    /// Silenced, inhibited or muted.
    Suppressed,
    /// Received but not routed yet.
    Unprocessed,
}

impl ReplicaState {
    /// Alertmanager's word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suppressed => "suppressed",
            Self::Unprocessed => "unprocessed",
        }
    }
}

/// Why a replica does not notify: ids, as it gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// Ids of silences.
    pub silenced_by: Vec<Untrusted>,
    /// Fingerprints of inhibiting alerts. Alertmanager names only the first.
    pub inhibited_by: Vec<Untrusted>,
    /// Names of mute time intervals. Known only from `/alerts/groups`, from 0.28 on.
    pub muted_by: Vec<Untrusted>,
}

/// One alert as one Alertmanager replica has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ObservedAlert {
    /// Over the label set.
    pub fingerprint: Fingerprint,
    /// Labels, with the external ones.
    pub labels: Labels,
    /// Annotations, which may hold several lines.
    pub annotations: Labels,
    /// When it began, as this replica knows it.
    pub starts_at: DateTime<Utc>,
    /// When this replica will forget it unless it is sent again.
    pub ends_at: Option<DateTime<Utc>>,
    /// When it was last sent to this replica.
    pub updated_at: Option<DateTime<Utc>>,
    /// This replica's verdict.
    pub state: ReplicaState,
    /// Why it is quiet, if it is.
    pub suppression: Suppression,
    /// Receivers it is routed to.
    pub receivers: Vec<Untrusted>,
    /// The link to its expression.
    pub generator_url: Option<Untrusted>,
}

/// A silence that is active or pending.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Silence {
    /// Its id.
    pub id: Untrusted,
    /// Its matchers, as one would write them.
    pub matchers: Untrusted,
    /// Who made it.
    pub created_by: Untrusted,
    /// Why.
    pub comment: Untrusted,
    /// From when.
    pub starts_at: DateTime<Utc>,
    /// Until when.
    pub ends_at: DateTime<Utc>,
}

impl Silence {
    /// karma's convention: a short silence whose comment starts with `ACK!` is an acknowledgement.
    #[must_use]
    pub fn is_acknowledgement(&self) -> bool {
        self.comment.raw().starts_with("ACK!")
    }
}

/// What `/status` says of a replica and its cluster.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ReplicaStatus {
    /// Version, where it is told (Grafana says `N/A`).
    pub version: Option<Untrusted>,
    /// `ready`, `settling` or `disabled`.
    pub cluster_state: Option<Untrusted>,
    /// Its own name among the peers; none when clustering is disabled.
    pub peer_name: Option<Untrusted>,
    /// The names of all peers it sees, itself included.
    pub peers: Vec<Untrusted>,
}

/// One poll of one Alertmanager replica.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AlertmanagerAnswer {
    /// What it has.
    pub alerts: Vec<ObservedAlert>,
    /// Active and pending silences.
    pub silences: Vec<Silence>,
    /// Version and cluster.
    pub status: ReplicaStatus,
    /// What this replica cannot tell, or told only in part, in words.
    pub limits: Vec<Untrusted>,
}

/// A rule's alert in Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleAlertState {
    /// The expression holds, `for` has not passed.
    Pending,
    /// It is sent to Alertmanager.
    Firing,
}

/// One alert as Prometheus has it: without external labels.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RuleAlert {
    /// Labels, without the external ones.
    pub labels: Labels,
    /// Annotations.
    pub annotations: Labels,
    /// Pending or firing.
    pub state: RuleAlertState,
    /// Since when the expression holds.
    pub active_at: DateTime<Utc>,
    /// The expression's value, as text (`1e+00`).
    pub value: Untrusted,
}

/// Whether a rule can be evaluated.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RuleHealth {
    /// The rule group.
    pub group: Untrusted,
    /// The alert or record name.
    pub name: Untrusted,
    /// The expression.
    pub query: Untrusted,
    /// `for`, in seconds.
    pub for_secs: f64,
    /// The error of the last evaluation. `None` when it is healthy.
    pub last_error: Option<Untrusted>,
    /// When it was last evaluated.
    pub evaluated_at: Option<DateTime<Utc>>,
}

/// One poll of one Prometheus.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PrometheusAnswer {
    /// Pending and firing alerts.
    pub alerts: Vec<RuleAlert>,
    /// The alerting rules and their health.
    pub rules: Vec<RuleHealth>,
    /// Version, where it is told.
    pub version: Option<Untrusted>,
    /// Its clock minus ours, in seconds, half the round trip taken off.
    pub clock_ahead_secs: Option<f64>,
    /// Warnings that came with good answers, and what it does not offer.
    pub limits: Vec<Untrusted>,
}

/// A point of a series: seconds since the epoch, and the value (may be NaN or infinite).
pub type Sample = (f64, f64);

/// One series of a range query.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its labels.
    pub labels: Labels,
    /// Its points, oldest first.
    pub samples: Vec<Sample>,
}

/// The answer of an instant or range query.
#[derive(Clone, Debug, Default)]
pub struct QueryAnswer {
    /// The series; a scalar is one without labels.
    pub series: Vec<Series>,
    /// What makes it doubtful: a truncated result is still a 200.
    pub warnings: Vec<Untrusted>,
    /// What the server remarks about the expression, from Prometheus 3 on.
    pub infos: Vec<Untrusted>,
    /// Samples that the server read for it, if it was asked and says so.
    pub samples: Option<u64>,
}
