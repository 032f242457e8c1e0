//! What may be done from here, and what is being done?
//!
//! The rules, the list of actions, and every action that was begun in this session with its
//! [`Pipeline`]. `update` hands events in and passes the orders on; `view` reads. Nothing here sends
//! anything, and no field of it lets anything be sent: that is the guard's alone.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Model;
use crate::domain::action::{Catalogue, Requester};
use crate::domain::board::Board;
use crate::domain::burn_reading::burn_reading;
use crate::domain::guard::{Event, Grounds, Moment, Order, Pipeline, RunId, State};
use crate::domain::policy::{BurnReading, Policy, Reading};
use crate::domain::record::JournalPicture;
use crate::domain::text::Untrusted;

/// Why nothing can be done in read-only.
pub const READ_ONLY: &str = "read-only: no [actions] in the config, or --policy builtin:cautious";

/// So many actions that are over are kept for the list.
const KEPT: usize = 50;

/// What may be done, and what is being done.
#[derive(Debug, Default)]
pub struct Acting {
    /// The rules. None: read-only.
    pub policy: Option<Arc<Policy>>,
    /// Every action that there is here.
    pub catalogue: Arc<Catalogue>,
    /// Who sits here.
    pub requester: Option<Requester>,
    /// The actions of this session, oldest first.
    pub runs: Vec<Run>,
    /// The number of the next one.
    next: u64,
    /// The steady clock, as last told.
    pub steady: Duration,
    /// How long an armed action counts down. None: as long as the guard says.
    pub countdown: Option<Duration>,
    /// What holds for all of them.
    pub alarm: Alarm,
    /// What is known of the journal.
    pub journal: Arc<JournalPicture>,
}

/// What holds for all actions on this machine.
#[derive(Clone, Debug, Default)]
pub struct Alarm {
    /// Who said that nothing more may be dispatched, and when.
    pub panic: Option<Untrusted>,
    /// Until when approvals are skipped.
    pub glass_until: Option<DateTime<Utc>>,
}

/// One action.
#[derive(Debug)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// How far it is.
    pub pipeline: Pipeline,
    /// When it was last looked at again while it was in doubt.
    pub looked: Option<DateTime<Utc>>,
}

/// How many actions are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// On their way, without those in doubt.
    pub acting: usize,
    /// In doubt.
    pub in_doubt: usize,
}

impl Acting {
    /// Whether anything can be done from here.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.policy.is_some()
    }

    /// One of the actions.
    #[must_use]
    pub fn run(&self, id: RunId) -> Option<&Run> {
        self.runs.iter().find(|run| run.id == id)
    }

    /// How many are where.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for run in &self.runs {
            match run.pipeline.state() {
                State::InDoubt { .. } => tally.in_doubt += 1,
                State::Ended(_) => {}
                _ => tally.acting += 1,
            }
        }
        tally
    }

    /// Takes one more action in. Of those that are over, the oldest go.
    pub fn add(&mut self, pipeline: Pipeline) -> RunId {
        let id = RunId(self.next);
        self.next += 1;
        let over = self.runs.iter().filter(|run| run.pipeline.is_over());
        if over.count() >= KEPT
            && let Some(at) = self.runs.iter().position(|run| run.pipeline.is_over())
        {
            self.runs.remove(at);
        }
        self.runs.push(Run {
            id,
            pipeline,
            looked: None,
        });
        id
    }
}

impl Run {
    /// The service that it is about, where that is known.
    #[must_use]
    pub fn service(&self) -> Option<&Untrusted> {
        let targets = &self.pipeline.plan()?.targets;
        targets.iter().find_map(|target| target.service.as_ref())
    }

    /// What to call it: the plan's title, else the request.
    #[must_use]
    pub fn title(&self) -> String {
        match self.pipeline.plan() {
            Some(plan) => plan.title.shown().to_owned(),
            None => self.pipeline.request().to_string(),
        }
    }
}

/// The time on both clocks.
#[must_use]
pub fn moment(model: &Model) -> Moment {
    Moment {
        wall: model.now,
        steady: model.acting.steady,
    }
}

/// The newest picture there is: also the one that waits while the list on screen is frozen. What is done
/// is judged by the world, not by what an operator is looking at.
fn newest(model: &Model) -> &Board {
    let waiting = model.session.triage.unseen.newer.as_ref();
    waiting.unwrap_or(&model.board)
}

/// How fast the budgets burn that an action is about.
#[must_use]
pub fn burn_for(model: &Model, id: RunId) -> Reading<BurnReading> {
    let service = model.acting.run(id).and_then(Run::service);
    burn_reading(newest(model), service.map(Untrusted::raw), model.now)
}

/// Hands an event to an action. Tells what is to be done; nothing where nothing may be.
pub fn handle(model: &mut Model, id: RunId, event: Event) -> Vec<Order> {
    let burn = burn_for(model, id);
    let now = moment(model);
    let Some(policy) = model.acting.policy.clone() else {
        return Vec::new();
    };
    let grounds = Grounds {
        policy: &policy,
        burn: &burn,
        now,
    };
    let mut runs = model.acting.runs.iter_mut();
    match runs.find(|run| run.id == id) {
        Some(run) => run.pipeline.handle(event, &grounds),
        None => Vec::new(),
    }
}
