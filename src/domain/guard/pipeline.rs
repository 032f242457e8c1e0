//! How does an action get from a request to its end?
//!
//! The state machine: one event in, orders out. It asks [`super::gate`] before anything is sent, and drops
//! answers to questions that it no longer asks. Part of [`super`].

mod arming;
mod limits;
mod planning;
mod sending;

use std::sync::Arc;
use std::time::Duration;

use super::gate::{self, Case, Confirmation, Effort, Finding};
use super::{Event, Facts, Grounds, Moment, Order, State};
use crate::domain::action::ActionRequest;
use crate::domain::plan::{Digest, Part, Plan, Reverse, Seed};
use crate::domain::policy::Judgement;
use crate::domain::record::{End, Entry};
use crate::domain::text::Untrusted;

/// One action on its way.
#[derive(Debug)]
pub struct Pipeline {
    request: ActionRequest,
    countdown: Duration,
    state: State,
    since: Moment,
    began: Moment,
    /// Answers of earlier rounds are dropped.
    round: u32,
    seed: Option<Seed>,
    planned: Option<Planned>,
    confirmation: Option<Confirmation>,
    armed: Option<Armed>,
    /// Once: whether it was taken back, or is being.
    reverted: bool,
    /// Why this action sends nothing more: panic was pressed, or a record was not kept. For good, also if
    /// what is read later says otherwise.
    halted: Option<Untrusted>,
    /// What happened, in words, for the screen and the document. The last ones.
    trail: Vec<(Moment, Untrusted)>,
}

/// A plan with what is known around it.
#[derive(Debug)]
struct Planned {
    plan: Arc<Plan>,
    digest: Digest,
    facts: Facts,
    judgement: Option<Judgement>,
    /// When the plan was last made with this digest, by the steady clock.
    made: Duration,
    /// The same, for the whole check of an armed action.
    rechecked: Option<Duration>,
    /// When it was last asked, by the steady clock, who has approved it meanwhile.
    looked: Option<Duration>,
}

/// An armed action.
#[derive(Clone, Copy, Debug)]
struct Armed {
    until: Duration,
    is_rechecking: bool,
}

/// The trail keeps so many lines.
const TRAIL: usize = 200;

impl Pipeline {
    /// One that has not begun. It counts down for `countdown` once it is armed.
    #[must_use]
    pub fn new(request: ActionRequest, countdown: Duration, now: Moment) -> Self {
        Self {
            request,
            countdown,
            state: State::Requested,
            since: now,
            began: now,
            round: 0,
            seed: None,
            planned: None,
            confirmation: None,
            armed: None,
            reverted: false,
            halted: None,
            trail: Vec::new(),
        }
    }

    /// What was asked for.
    #[must_use]
    pub fn request(&self) -> &ActionRequest {
        &self.request
    }

    /// Where it is.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Since when it is there.
    #[must_use]
    pub fn since(&self) -> Moment {
        self.since
    }

    /// Its name and time, once it has them.
    #[must_use]
    pub fn seed(&self) -> Option<&Seed> {
        self.seed.as_ref()
    }

    /// The plan, once there is one.
    #[must_use]
    pub fn plan(&self) -> Option<&Arc<Plan>> {
        self.planned.as_ref().map(|planned| &planned.plan)
    }

    /// The plan's digest.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.planned.as_ref().map(|planned| &planned.digest)
    }

    /// What is around the plan, as last read.
    #[must_use]
    pub fn facts(&self) -> Option<&Facts> {
        self.planned.as_ref().map(|planned| &planned.facts)
    }

    /// What the policy said last.
    #[must_use]
    pub fn judgement(&self) -> Option<&Judgement> {
        self.planned.as_ref()?.judgement.as_ref()
    }

    /// What happened, oldest first.
    #[must_use]
    pub fn trail(&self) -> &[(Moment, Untrusted)] {
        &self.trail
    }

    /// How long the countdown goes on, while it is armed.
    #[must_use]
    pub fn countdown_left(&self, now: Moment) -> Option<Duration> {
        let armed = self.armed.filter(|_| self.state == State::Armed)?;
        Some(armed.until.saturating_sub(now.steady))
    }

    /// What it takes to confirm it, and what has to be typed.
    #[must_use]
    pub fn effort(&self) -> Option<(Effort, String)> {
        let planned = self.planned.as_ref()?;
        let effort = gate::effort(planned.plan.risk, &planned.judgement.as_ref()?.require);
        let expected = gate::expected(&planned.plan, &planned.digest, effort);
        Some((effort, expected))
    }

    /// Every gate as of now; none where there is no judgement yet.
    #[must_use]
    pub fn gates(&self, grounds: &Grounds<'_>) -> Vec<Finding> {
        let case = self.case(grounds, Part::Forward, self.confirmation.as_ref());
        case.map(|case| gate::gates(&case)).unwrap_or_default()
    }

    /// Whether it may be taken back: it was applied, it was not yet taken back, and there is a way.
    #[must_use]
    pub fn may_revert(&self) -> bool {
        let has_way = self
            .plan()
            .is_some_and(|plan| matches!(plan.reverse, Reverse::Steps { .. }));
        let is_done = matches!(
            self.state,
            State::Verifying(Part::Forward)
                | State::Soaking(_)
                | State::Ended(End::Verified | End::NeedsPerson)
        );
        has_way && is_done && !self.reverted && self.was_applied()
    }

    /// Whether nothing more will happen by itself.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Ended(_))
    }

    /// Whether a write may be under way, or may have been done and is not yet accounted for.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        matches!(
            self.state,
            State::Dispatching(_) | State::InDoubt { .. } | State::Verifying(_) | State::Soaking(_)
        )
    }

    fn was_applied(&self) -> bool {
        self.armed.is_some()
    }

    /// Takes an event.
    pub fn handle(&mut self, event: Event, grounds: &Grounds<'_>) -> Vec<Order> {
        match event {
            Event::Begin => self.begin(),
            Event::Tick => self.tick(grounds),
            Event::Resolved(round, result) if round == self.round => self.resolved(result, grounds),
            Event::Planned(round, result) if round == self.round => self.made(result, grounds),
            Event::FactsRead(round, facts) if round == self.round => {
                self.facts_read(*facts, grounds)
            }
            Event::Rechecked(round, plan, facts) if round == self.round => {
                self.rechecked(plan, *facts, grounds)
            }
            // Of a round that is over.
            Event::Resolved(..)
            | Event::Planned(..)
            | Event::FactsRead(..)
            | Event::Rechecked(..) => Vec::new(),
            Event::PlanAgain => self.plan_again(grounds.now),
            Event::AskApproval => self.ask_approval(grounds),
            Event::Confirm(confirmation) => self.confirm(confirmation, grounds),
            Event::Cancel | Event::HangUp => self.cancel(grounds),
            Event::Panic => self.panic(grounds),
            Event::JournalFailed(why) => self.journal_failed(&why, grounds),
            Event::Sample(words) => {
                self.note(grounds.now, words);
                Vec::new()
            }
            Event::Dispatched(part, how) => self.dispatched(part, how, grounds),
            Event::Inspected(found) => self.inspected(&found, None, grounds),
            Event::LookAgain => self.look_again(),
            Event::Decided(found, reason) => self.inspected(&found, Some(reason), grounds),
            Event::Verified(part, result) => self.verified(part, result, grounds),
            Event::Revert(confirmation) => self.revert_asked(&confirmation, grounds),
        }
    }

    pub(super) fn case<'a>(
        &'a self,
        grounds: &Grounds<'a>,
        part: Part,
        confirmation: Option<&'a Confirmation>,
    ) -> Option<Case<'a>> {
        let planned = self.planned.as_ref()?;
        Some(Case {
            plan: &planned.plan,
            digest: &planned.digest,
            part,
            judgement: planned.judgement.as_ref()?,
            facts: &planned.facts,
            confirmation,
            rechecked: planned.rechecked,
            armed_until: self.armed.map(|armed| armed.until),
            policy: grounds.policy,
            now: grounds.now,
        })
    }

    pub(super) fn enter(&mut self, state: State, words: &str, now: Moment) {
        self.state = state;
        self.since = now;
        self.note(now, Untrusted::line(words));
    }

    pub(super) fn end(&mut self, end: End, detail: &str, now: Moment) -> Vec<Order> {
        let detail = Untrusted::line(detail);
        let words = format!("{}: {}", end.word(), detail.raw());
        self.enter(State::Ended(end), &words, now);
        vec![Order::Record(
            self.seed.clone(),
            Entry::Ended { end, detail },
        )]
    }

    pub(super) fn note(&mut self, now: Moment, words: Untrusted) {
        if self.trail.len() == TRAIL {
            self.trail.remove(0);
        }
        self.trail.push((now, words));
    }
}
