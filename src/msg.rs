//! What happened? The only words that change the model.
//!
//! Sent by `runtime`, handled by `update`. A message carries facts and the time they are from; it
//! never asks for anything.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::board::Board;
use crate::domain::delivery::{DeliveryAnswer, Past};
use crate::domain::guard::{Event, RunId};
use crate::domain::observed::{AlertmanagerAnswer, PrometheusAnswer, QueryAnswer, Sample};
use crate::domain::record::JournalPicture;
use crate::domain::runbook::Library;
use crate::domain::slo::SloId;
use crate::domain::slo_measured::{BurnAnswer, Span};
use crate::domain::source::SourceError;
use crate::domain::text::Untrusted;
use crate::keys::KeyPress;

/// What happened.
#[derive(Debug)]
pub enum Msg {
    /// A key.
    Key(KeyPress),
    /// Text pasted into the terminal.
    Paste(String),
    /// The wheel, or a click at a column and row.
    Mouse(Mouse),
    /// The terminal has another size.
    Resized {
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
    /// A second has passed.
    Tick,
    /// A source answered or failed.
    SourceReported(Report),
    /// What the last session heard was read from disk.
    Restored(Vec<Restored>),
    /// A merged picture is ready.
    BoardReady {
        /// The order it answers.
        seq: u64,
        /// The picture.
        board: Arc<Board>,
    },
    /// The history of a rule's expression is there.
    HistoryReady {
        /// The expression asked for.
        query: String,
        /// The series, or why there are none.
        result: Result<QueryAnswer, SourceError>,
    },
    /// The past of SLOs is there.
    BurnHistoryReady {
        /// Which were asked for.
        asked: Vec<SloId>,
        /// How far back.
        span: Span,
        /// The error ratio over 5 minutes of each that has any, or why there is nothing.
        result: Result<Vec<(SloId, Vec<Sample>)>, SourceError>,
    },
    /// What is remembered of changes and drift.
    PastRead(Arc<Past>),
    /// The steady clock, with every tick: it never goes back.
    Steady(Duration),
    /// Something happened to an action on its way.
    Action(RunId, Box<Event>),
    /// Whether anything may be dispatched on this machine: who stopped it, and when.
    PanicChanged(Option<Untrusted>),
    /// Until when approvals are skipped, or why the glass cannot be broken.
    GlassBroken(Result<DateTime<Utc>, String>),
    /// The journal was read.
    JournalRead(Arc<JournalPicture>),
    /// The theme was changed, or why not.
    ThemeChanged(Result<String, String>),
    /// Something on this machine failed: a file of quell's own.
    Trouble(String),
}

/// The mouse, if it is switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mouse {
    /// Wheel towards the user.
    WheelDown,
    /// Wheel away from the user.
    WheelUp,
    /// A click on a row of the screen.
    Click {
        /// From the top, 0 is the first.
        row: u16,
    },
}

/// One poll of one source.
#[derive(Debug)]
pub struct Report {
    /// Its place among the sources of the model.
    pub source: usize,
    /// When the poll ended.
    pub at: DateTime<Utc>,
    /// How long it took.
    pub latency_ms: u64,
    /// What it said.
    pub result: Result<Answer, SourceError>,
}

/// A source's answer of the last session.
#[derive(Clone, Debug)]
pub struct Restored {
    /// Its place among the sources of the model.
    pub source: usize,
    /// When it was given.
    pub answered_at: DateTime<Utc>,
    /// What it said.
    pub answer: Answer,
}

/// A good answer of a source of any kind.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Of an Alertmanager replica.
    Alertmanager(Arc<AlertmanagerAnswer>),
    /// Of a Prometheus.
    Prometheus(Arc<PrometheusAnswer>),
    /// Of the SLOs that a Prometheus measures.
    Burn(Arc<BurnAnswer>),
    /// Of a source of changes and drift.
    Delivery(Arc<DeliveryAnswer>),
    /// Of the folder of runbooks.
    Runbooks(Arc<Library>),
}
