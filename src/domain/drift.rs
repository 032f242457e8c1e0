//! What differs from what was declared, and may that be said?
//!
//! Drift is not the same as a change that waits to be applied, a plan that failed, or one that looked
//! at a part only: each has a kind of its own. Made by `sources`, put together by
//! [`super::delivery`]. No value that a plan calls sensitive ever gets here.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::change::Subject;
use super::duration::age_secs;
use super::source::SourceName;
use super::text::Untrusted;

/// Names what drifted, for good: the same difference, reported again, has the same one.
pub type DriftId = Untrusted;

/// What may be said of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DriftKind {
    /// Somebody changed what runs, past its declaration.
    Drift,
    /// The declaration moved ahead and was not applied yet.
    Pending,
    /// The report cannot tell: it is of a kind, version or state that carries no verdict.
    Unknown,
    /// The comparison failed.
    Error,
    /// The report looked at a part only (`-target`): what it does not name is not known.
    Partial,
}

impl DriftKind {
    /// All, the most telling first.
    pub const ALL: [Self; 5] = [
        Self::Drift,
        Self::Error,
        Self::Unknown,
        Self::Partial,
        Self::Pending,
    ];

    /// The word in JSON and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Pending => "pending",
            Self::Unknown => "unknown",
            Self::Error => "error",
            Self::Partial => "partial",
        }
    }
}

/// One difference, or one report that could not tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Its name.
    pub id: DriftId,
    /// Who reports it.
    pub source: SourceName,
    /// What differs.
    pub subject: Subject,
    /// What may be said.
    pub kind: DriftKind,
    /// What would be done about it, in the words of its system: `update`, `delete`, `prune`.
    pub actions: Vec<Untrusted>,
    /// Where exactly.
    pub paths: Vec<DriftPath>,
    /// Whether applying the declaration puts it back. None: nobody says.
    pub reverted_by_apply: Option<bool>,
    /// The report it comes from.
    pub report: Report,
    /// What else is told, in words.
    pub detail: Option<Untrusted>,
}

/// One place that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftPath {
    /// `spec.replicas`, `tags["env"]`.
    pub path: Untrusted,
    /// Declared, or before; never of a masked place.
    pub before: Option<Untrusted>,
    /// Real, or after; never of a masked place.
    pub after: Option<Untrusted>,
    /// Whether it is sensitive: then both values are left out where they are read.
    pub masked: bool,
}

/// When and by what a difference was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// When the comparison was made, not when it was read.
    pub at: Option<DateTime<Utc>>,
    /// How often it is made, where that is declared.
    pub cadence_secs: Option<u64>,
    /// Command, workspace, commit: told by a sidecar or the config.
    pub provenance: Option<Untrusted>,
}

/// How far a report may be trusted by its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportAge {
    /// Younger than the next but one report.
    Fresh,
    /// Overdue.
    Stale,
    /// So old that it is no verdict any more: shown dim, counted nowhere.
    Expired,
    /// It has no time, or no cadence to hold it against.
    Unknown,
}

impl ReportAge {
    /// The word in JSON and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        }
    }
}

/// A report older than this many cadences is overdue.
const STALE_CADENCES: u64 = 2;
/// A report older than this many cadences is no verdict any more.
const EXPIRED_CADENCES: u64 = 6;

impl Report {
    /// How far it may be trusted at `now`.
    #[must_use]
    pub fn age(&self, now: DateTime<Utc>) -> ReportAge {
        let (Some(at), Some(cadence)) = (self.at, self.cadence_secs.filter(|secs| *secs > 0))
        else {
            return ReportAge::Unknown;
        };
        let age = age_secs(at, now);
        if age < STALE_CADENCES.saturating_mul(cadence) {
            ReportAge::Fresh
        } else if age < EXPIRED_CADENCES.saturating_mul(cadence) {
            ReportAge::Stale
        } else {
            ReportAge::Expired
        }
    }
}

/// Drift that is known and allowed for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Which targets: `*` stands for any run of characters.
    pub address: String,
    /// Which of their paths; none means all of them.
    pub path: Option<String>,
    /// Why.
    pub reason: String,
    /// Until when. There is none without an end.
    pub until: DateTime<Utc>,
}
