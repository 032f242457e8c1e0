//! What goes wrong with a write to the simulated platform?
//!
//! Chosen by whoever tests what a lost answer or a refusal leads to; the demo chooses nothing. The
//! handle can be kept and used while the platform is served.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What goes wrong with one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is done, and the connection ends before the answer.
    LoseReply,
    /// It is not done: 429, to be tried again after so many seconds.
    Refuse429 {
        /// What `Retry-After` says.
        retry_after_secs: u32,
    },
    /// It is done, and answered with 500.
    FailAfterwards,
    /// It is done, and answered late.
    Slow(Duration),
}

/// Which writes go wrong, counted over all peers of one platform. Dry runs and reviews do not count.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    writes: u32,
    planned: BTreeMap<u32, Fault>,
}

impl Faults {
    /// The write of this number goes wrong; the first one is number 1.
    pub fn on_write(&self, number: u32, fault: Fault) {
        self.with(|plan| plan.planned.insert(number, fault));
    }

    /// The next write goes wrong.
    pub fn on_next_write(&self, fault: Fault) {
        self.with(|plan| plan.planned.insert(plan.writes + 1, fault));
    }

    /// How many writes have come.
    #[must_use]
    pub fn writes(&self) -> u32 {
        self.with(|plan| plan.writes)
    }

    /// Counts a write that has come, and says what goes wrong with it.
    pub(super) fn count(&self) -> Option<Fault> {
        self.with(|plan| {
            plan.writes += 1;
            plan.planned.remove(&plan.writes)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Plan) -> T) -> T {
        act(&mut self.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
