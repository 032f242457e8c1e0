//! What did one Prometheus say of its SLOs, before anything is judged?
//!
//! Made by `sources`, kept by the model and in the snapshot, judged by [`super::slo_burn`]. Every
//! reading carries the query it came from and the time it is of, so that every number can be
//! explained.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::budget_period::Period;
use super::duration::short;
use super::slo::{Slo, SloProblem};
use super::text::Untrusted;

/// One poll of the SLOs of one Prometheus.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct BurnAnswer {
    /// What was measured of each SLO.
    pub slos: Vec<Arc<MeasuredSlo>>,
    /// What is wrong with the files.
    pub problems: Vec<SloProblem>,
    /// Warnings that came with good answers, and what could not be asked.
    pub limits: Vec<Untrusted>,
    /// What the last questions cost the server.
    pub cost: QueryCost,
}

/// What questions cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryCost {
    /// How many were asked.
    pub queries: u64,
    /// Samples that the server read for them, where it says so.
    pub samples: Option<u64>,
}

/// What was measured of one SLO.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MeasuredSlo {
    /// The SLO.
    pub slo: Slo,
    /// By window, the shortest first, without the budget's own period.
    pub windows: Vec<Measured>,
    /// Over the budget's period so far. `None` when nobody asked.
    pub period: Option<PeriodMeasured>,
    /// Why nothing of it can be trusted, although there may be numbers: its series have ended.
    pub blocked: Option<NoData>,
}

/// One ratio over one window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// The window's length.
    pub secs: u64,
    /// The moment it ends.
    pub at: DateTime<Utc>,
    /// What the ratio is a share of.
    pub basis: Basis,
    /// The query, as it was sent or as it would be alone.
    pub query: Arc<str>,
    /// What came of it.
    pub reading: Result<Reading, NoData>,
}

/// The ratio over the budget's period.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PeriodMeasured {
    /// The period, and for one that rolls its last so many seconds.
    pub period: Period,
    /// The basis that counts: of events where those are known.
    pub measured: Measured,
    /// The mean over time that a recording rule keeps, where there is one beside it.
    pub by_time: Option<Measured>,
}

/// What a ratio is a share of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Of events: a busy hour counts for more than a quiet one.
    Traffic,
    /// Of time: each slice counts alike, whatever happened in it.
    Time,
}

impl Basis {
    /// The word in JSON and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Traffic => "traffic",
            Self::Time => "time",
        }
    }
}

/// A good reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The share of bad ones, 0 to 1.
    pub ratio: f64,
    /// How many there were, where that is known.
    pub counts: Option<Counts>,
    /// What it was before it was brought into 0 to 1, if it lay outside.
    pub clamped_from: Option<f64>,
}

/// How many events, or slices of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// The bad ones.
    pub bad: f64,
    /// All.
    pub total: f64,
}

impl Reading {
    /// From counts. Extrapolation can bring the bad ones slightly above all; a ratio outside 0 to 1
    /// is brought inside and remembered.
    #[must_use]
    pub fn of_counts(bad: f64, total: f64) -> Option<Self> {
        let ratio = super::burn::error_ratio(bad, total)?;
        Some(Self {
            counts: Some(Counts { bad, total }),
            ..Self::of_ratio(ratio)?
        })
    }

    /// From a ratio alone. `None` for one that is no number.
    #[must_use]
    pub fn of_ratio(ratio: f64) -> Option<Self> {
        let inside = ratio.clamp(0.0, 1.0);
        // What rounding makes of 1 is not worth a word.
        let is_outside = (ratio - inside).abs() > 1e-6;
        ratio.is_finite().then(|| Self {
            ratio: inside,
            counts: None,
            clamped_from: is_outside.then_some(ratio),
        })
    }
}

/// Why there is no reading. None of these is a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "detail")]
pub enum NoData {
    /// The series are there, and nothing happened for so many seconds.
    NoTraffic(u64),
    /// There is no such series; what there is instead.
    Missing(Untrusted),
    /// The series ended so many seconds ago.
    Stale(u64),
    /// The server left something out.
    Partial(Untrusted),
    /// The question failed.
    Failed(Untrusted),
    /// The answer is NaN or infinite.
    NotANumber(Untrusted),
    /// The answer has several series where one is meant.
    Several(Untrusted),
    /// The server keeps less than that: seconds asked for, seconds kept.
    BeyondRetention(u64, u64),
    /// It was not asked yet.
    NotAsked,
}

impl fmt::Display for NoData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTraffic(secs) => write!(f, "no traffic for {}", short(*secs)),
            Self::Missing(what) => write!(f, "missing: {what}"),
            Self::Stale(secs) => write!(f, "stale: its last sample is {} old", short(*secs)),
            Self::Partial(why) => write!(f, "partial answer: {why}"),
            Self::Failed(why) => write!(f, "query failed: {why}"),
            Self::NotANumber(what) => write!(f, "not a number: {what}"),
            Self::Several(what) => write!(f, "several series: {what}"),
            Self::BeyondRetention(asked, kept) => write!(
                f,
                "{} is longer than the server keeps ({})",
                short(*asked),
                short(*kept)
            ),
            Self::NotAsked => f.write_str("not asked yet"),
        }
    }
}

impl NoData {
    /// What to try next, in a few words.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::NoTraffic(_) => "if there should be traffic, look at the service and its targets",
            Self::Missing(_) => {
                "check the metric's name and labels, and that its target is scraped"
            }
            Self::Stale(_) => "check its target, or the rule that records it: it has ended",
            Self::Partial(_) => "wait for the server, or ask each of its parts by itself",
            Self::Failed(_) => "8 shows the source; e shows the query, to be tried by itself",
            Self::NotANumber(_) => "check the query: it divides by nothing, or counts no numbers",
            Self::Several(_) => "sum the query up, or group the SLO by what tells them apart",
            Self::BeyondRetention(..) => "shorten the SLO's window, or keep data for longer",
            Self::NotAsked => "wait for the next round",
        }
    }
}

/// How far back the past of an SLO is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Span {
    /// What happens now.
    #[default]
    SixHours,
    /// What leaks.
    ThreeDays,
}

impl Span {
    /// Its length in seconds.
    #[must_use]
    pub fn secs(self) -> u64 {
        match self {
            Self::SixHours => 21_600,
            Self::ThreeDays => 259_200,
        }
    }

    /// As shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::SixHours => "6h",
            Self::ThreeDays => "3d",
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::SixHours => Self::ThreeDays,
            Self::ThreeDays => Self::SixHours,
        }
    }
}

/// How often a window is worth asking for: a short one moves fast and costs little, a long one moves
/// slowly and costs most of what a server does for burn rates.
#[must_use]
pub fn refresh_secs(window_secs: u64) -> u64 {
    match window_secs {
        0..=1_800 => 30,
        1_801..=21_600 => 120,
        _ => 600,
    }
}
