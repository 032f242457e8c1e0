//! What does quell know, and where is the operator in it?
//!
//! [`knowledge`] is what the sources said, with their freshness; [`session`] is what the operator
//! does with it: screen, cursor, filter, prompt; [`acting`] is what is being done. Only `update` changes it; `view` reads it.

pub mod acting;
pub mod actions;
pub mod alarm;
pub mod available;
pub mod blind;
pub mod burns;
pub mod changes;
pub mod delivery;
pub mod dialog;
pub mod drifts;
pub mod form;
pub mod held;
pub mod journal;
pub mod knowledge;
pub mod layout;
pub mod palette;
pub mod prompt;
pub mod rows;
pub mod scroll;
pub mod session;

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::board::Board;
use acting::Acting;
use knowledge::Knowledge;
use session::Session;

/// Everything on and behind the screen.
#[derive(Debug)]
pub struct Model {
    /// What the sources said.
    pub knowledge: Knowledge,
    /// The picture on show. It stays while the list is frozen.
    pub board: Arc<Board>,
    /// What the operator does.
    pub session: Session,
    /// What may be done, and what is being done.
    pub acting: Acting,
    /// The time of the last message, for ages.
    pub now: DateTime<Utc>,
    /// Set by `update` when something on screen may differ; cleared by the loop after drawing.
    pub dirty: bool,
}

impl Model {
    /// A model that has heard nothing yet.
    #[must_use]
    pub fn new(knowledge: Knowledge, session: Session, now: DateTime<Utc>) -> Self {
        Self {
            knowledge,
            board: Arc::default(),
            session,
            acting: Acting::default(),
            now,
            dirty: true,
        }
    }
}
