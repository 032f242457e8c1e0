//! May it be done now, and how far is it?
//!
//! [`Pipeline`] is one action on its way from request to end: a pure state machine, events in, orders out.
//! `update` drives it in the cockpit, `cli` without a screen; `control` performs the orders and says what
//! happened. `gate` holds everything that has to be true before anything is sent, and is the only place
//! that makes an [`Approved`]. Nothing here sends, reads or looks at a clock.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::action::ActionRequest;
use super::approval::{Approval, RequesterKeys};
use super::check::Found;
use super::plan::{Part, Plan, Seed, Target};
use super::policy::{BurnReading, Policy, Reading};
use super::record::{End, Entry, Refusal};
use super::text::Untrusted;

#[cfg(test)]
pub(crate) mod example;
mod gate;
#[cfg(test)]
mod model_tests;
mod pipeline;
#[cfg(test)]
mod tests;

pub use gate::{Approved, Case, Confirmation, Effort, Finding, Gate, approve, effort, gates};
pub use pipeline::Pipeline;

/// How long an armed action counts down, for whoever wants to stop it.
pub const COUNTDOWN: Duration = Duration::from_secs(5);
/// A check counts for so long.
pub const CHECK_HOLDS: Duration = Duration::from_secs(10);
/// Armed and not dispatched for so long: it has to be confirmed again.
pub const ARMED_LIMIT: Duration = Duration::from_mins(1);
/// Approvals are waited for so long.
pub const APPROVAL_LIMIT: Duration = Duration::from_mins(15);
/// A request that comes to nothing is given up after this.
pub const REQUEST_LIMIT: Duration = Duration::from_mins(30);
/// Clocks that are further apart say that a window cannot be judged.
pub const CLOCKS_AGREE_SECS: i64 = 30;

/// Names an action on its way within one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub u64);

/// A time on both clocks. Limits are held by the steady one: nobody can set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock.
    pub wall: DateTime<Utc>,
    /// Since the process began; never goes back.
    pub steady: Duration,
}

/// What the machine goes by, as of now.
#[derive(Clone, Copy, Debug)]
pub struct Grounds<'a> {
    /// The rules.
    pub policy: &'a Policy,
    /// How fast the budgets burn that the action is about.
    pub burn: &'a Reading<BurnReading>,
    /// The time.
    pub now: Moment,
}

/// What is true around a plan, beside the plan itself.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Why nothing can be recorded; none where it can.
    pub journal_trouble: Option<Untrusted>,
    /// Who said that nothing more may be dispatched here, and when; none where nobody did.
    pub panic: Option<Untrusted>,
    /// Who else is about to act on one of the targets, and until when; none where nobody is.
    pub held_by: Option<Untrusted>,
    /// Whether who else acts could be found out: in words where not.
    pub holders_unknown: Option<Untrusted>,
    /// When one of the targets was last acted on, by what the journal knows.
    pub last_action: Option<DateTime<Utc>>,
    /// Approvals with a good signature, whether or not they count.
    pub approvals: Vec<Approval>,
    /// What was handed in as an approval and is none: in words.
    pub rejected: Vec<Untrusted>,
    /// Who the requester is.
    pub requester: RequesterKeys,
    /// Until when approvals are skipped, where the glass is broken.
    pub glass_broken_until: Option<DateTime<Utc>>,
}

/// Where an action is.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Asked for; its targets are looked up.
    Requested,
    /// Its targets are pinned; the plan is made.
    Resolved,
    /// The plan is there; what is around it is read.
    Planned,
    /// The guard lets it go on: it may be confirmed.
    Checked,
    /// The guard lets it go on once others have approved.
    AwaitingApproval,
    /// Confirmed: it counts down while everything is read again.
    Armed,
    /// Writes are being sent.
    Dispatching(Part),
    /// A write left and nobody knows what became of it.
    InDoubt {
        /// Forward or back.
        part: Part,
        /// Which step, from 0.
        step: usize,
        /// Why.
        why: Untrusted,
    },
    /// Everything was taken; whether it works is watched.
    Verifying(Part),
    /// It worked; the burn is watched until this time of the steady clock.
    Soaking(Duration),
    /// It is over.
    Ended(End),
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// It was begun.
    Begin,
    /// Time has passed.
    Tick,
    /// Its targets are known, or why not.
    Resolved(u32, Result<(Seed, Vec<Target>), Untrusted>),
    /// A plan was made, or why not.
    Planned(u32, Result<Box<Plan>, Untrusted>),
    /// What is around it was read.
    FactsRead(u32, Box<Facts>),
    /// Everything was read again for an armed action.
    Rechecked(u32, Result<Box<Plan>, Untrusted>, Box<Facts>),
    /// The requester wants the plan made again.
    PlanAgain,
    /// The requester wants others to approve it.
    AskApproval,
    /// The requester confirms it.
    Confirm(Confirmation),
    /// The requester gives it up, or wants no further step.
    Cancel,
    /// Nothing more may be dispatched on this machine.
    Panic,
    /// The line is gone: what is under way is finished, nothing new begins.
    HangUp,
    /// Something could not be recorded.
    JournalFailed(Untrusted),
    /// Something was seen while it goes on, in words.
    Sample(Untrusted),
    /// The sending is over.
    Dispatched(Part, Dispatched),
    /// It was found out what became of a write in doubt.
    Inspected(Found),
    /// A person wants a write in doubt looked at once more.
    LookAgain,
    /// A person says what became of a write in doubt.
    Decided(Found, Untrusted),
    /// Whether it works.
    Verified(Part, Result<(), Untrusted>),
    /// The requester wants it taken back.
    Revert(Confirmation),
}

/// How the sending ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dispatched {
    /// Every write was taken.
    Applied,
    /// One was refused or never left; so many before it were taken.
    Refused {
        /// How many were taken.
        done: usize,
        /// Why, by what can be done about it. None: it never left.
        refusal: Option<Refusal>,
        /// The server's words.
        why: Untrusted,
    },
    /// One was taken and did not work; nothing was sent after it.
    StepFailed {
        /// How many were taken.
        done: usize,
        /// What was seen.
        why: Untrusted,
    },
    /// It was stopped; so many were taken.
    Stopped {
        /// How many.
        done: usize,
    },
    /// One left and nobody knows what became of it.
    InDoubt {
        /// Which, from 0.
        step: usize,
        /// Why.
        why: Untrusted,
    },
}

/// What is to be done.
#[derive(Debug)]
pub enum Order {
    /// Look its targets up. With a seed where it has one already.
    Resolve(u32, ActionRequest, Option<Seed>),
    /// Make the plan.
    Plan(u32, ActionRequest, Seed, Vec<Target>),
    /// Read what is around it.
    ReadFacts(u32, Arc<Plan>),
    /// Let others know that approvals are asked for.
    PublishApproval(Arc<Plan>, u32, Option<String>),
    /// Read everything again.
    Recheck(u32, Arc<Plan>),
    /// Write something down.
    Record(Option<Seed>, Entry),
    /// Send the writes.
    Dispatch(Approved),
    /// Send nothing after the write that is under way.
    Stop,
    /// Find out what became of a write.
    Inspect(Arc<Plan>, Part, usize),
    /// Watch whether it works.
    Verify(Arc<Plan>, Part),
}
