//! What is to be done? The only way `update` reaches the world.
//!
//! Returned by `update`, performed by `runtime`. An effect is data: nothing happens by making one.
//! One alone changes what quell watches: an order to dispatch, which carries what only the guard makes.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::board::Inputs;
use crate::domain::claim::Claims;
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::guard::{Order, RunId};
use crate::domain::slo::Slo;
use crate::domain::slo_measured::Span;
use crate::domain::source::SourceName;

/// What is to be done.
#[derive(Debug)]
pub enum Effect {
    /// Ask every source now, without waiting for its period.
    PollAll,
    /// Make a picture, off the screen's thread.
    Merge {
        /// The order, so that an old picture never replaces a newer one.
        seq: u64,
        /// From what.
        inputs: Box<Inputs>,
    },
    /// Ask a Prometheus for the history of an expression.
    History {
        /// Its place among the sources of the model.
        source: usize,
        /// The expression.
        query: String,
    },
    /// Ask for the past of SLOs.
    BurnHistory {
        /// The place of their source among the sources of the model.
        source: usize,
        /// Which.
        slos: Vec<Slo>,
        /// How far back.
        span: Span,
    },
    /// Remember what a source of changes and drift told just now.
    Remember {
        /// Who told it.
        source: SourceName,
        /// A fresh answer.
        answer: Arc<DeliveryAnswer>,
        /// When it was given.
        at: DateTime<Utc>,
    },
    /// Do what an action on its way needs next.
    Action(RunId, Box<Order>),
    /// Stop every dispatch on this machine, or allow them again.
    SetPanic(PanicSwitch),
    /// Skip approvals for a while: page somebody, write it down.
    BreakGlass {
        /// Why, as typed.
        reason: String,
    },
    /// Hand in what was pasted as an approval.
    TakeApproval(String),
    /// Read the journal again, and verify it.
    ReadJournal,
    /// Keep the claims on disk.
    SaveClaims(Arc<Claims>),
    /// Keep the last answers on disk.
    SaveSnapshot,
    /// Load a theme by name, or the next one.
    Theme(ThemeChoice),
    /// Send the whole screen again.
    Redraw,
    /// Give the terminal back and stop until continued.
    Suspend,
    /// Give the terminal back and end.
    Quit,
    /// Panic in a task, to see that the terminal comes back.
    Crash,
}

/// Whether anything may be dispatched on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanicSwitch {
    /// Nothing.
    On,
    /// What the guard lets through.
    Off,
}

/// Which theme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThemeChoice {
    /// The one after the present one.
    Next,
    /// This one.
    Named(String),
}
