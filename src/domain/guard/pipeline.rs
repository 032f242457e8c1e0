//! How does an action get from a request to its end?
//!
//! The state machine: one event in, orders out. It asks [`super::gate`] before anything is sent, and drops
//! answers to questions that it no longer asks. Part of [`super`].

use std::sync::Arc;
use std::time::Duration;

use super::gate::{self, Approved, Case, Confirmation, Effort, Finding};
use super::{
    APPROVAL_LIMIT, ARMED_LIMIT, CHECK_HOLDS, Dispatched, Event, Facts, Grounds, Moment, Order,
    REQUEST_LIMIT, State,
};
use crate::domain::action::{ActionRequest, Risk};
use crate::domain::check::Found;
use crate::domain::plan::{Digest, Part, Plan, Reverse, Seed};
use crate::domain::policy::{Judgement, PolicyFacts, Reading, Revert};
use crate::domain::record::{CheckOutcome, End, Entry, PlanSummary, Refusal};
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

    // Planning.

    fn begin(&mut self) -> Vec<Order> {
        if self.state != State::Requested || self.round > 0 {
            return Vec::new();
        }
        self.round = 1;
        vec![Order::Resolve(self.round, self.request.clone(), None)]
    }

    /// Everything from the start, as the same action: something changed.
    fn again(&mut self, why: &str, grounds: &Grounds<'_>) -> Vec<Order> {
        if let Some(halted) = self.halted.clone() {
            return self.end(End::Blocked, halted.raw(), grounds.now);
        }
        self.round += 1;
        self.planned = None;
        self.confirmation = None;
        self.armed = None;
        self.enter(State::Requested, why, grounds.now);
        let seed = self.seed.clone();
        vec![Order::Resolve(self.round, self.request.clone(), seed)]
    }

    fn resolved(
        &mut self,
        result: Result<(Seed, Vec<crate::domain::plan::Target>), Untrusted>,
        grounds: &Grounds<'_>,
    ) -> Vec<Order> {
        if self.state != State::Requested {
            return Vec::new();
        }
        match result {
            Ok((seed, targets)) => {
                self.seed = Some(seed.clone());
                let names: Vec<&str> = targets.iter().map(|t| t.name.raw()).collect();
                let words = format!("resolved to {}", names.join(", "));
                self.enter(State::Resolved, &words, grounds.now);
                vec![Order::Plan(self.round, self.request.clone(), seed, targets)]
            }
            Err(why) => self.not_planned(why, grounds),
        }
    }

    fn not_planned(&mut self, why: Untrusted, grounds: &Grounds<'_>) -> Vec<Order> {
        let entry = Entry::NotPlanned { why: why.clone() };
        let mut orders = vec![Order::Record(self.seed.clone(), entry)];
        orders.extend(self.end(End::Blocked, why.raw(), grounds.now));
        orders
    }

    fn made(&mut self, result: Result<Box<Plan>, Untrusted>, grounds: &Grounds<'_>) -> Vec<Order> {
        let is_refresh = matches!(self.state, State::Checked | State::AwaitingApproval);
        if self.state != State::Resolved && !is_refresh {
            return Vec::new();
        }
        let plan = match result {
            Ok(plan) => Arc::new(*plan),
            Err(why) => return self.not_planned(why, grounds),
        };
        let digest = plan.digest();
        let is_same = self.planned.as_ref().is_some_and(|p| p.digest == digest);
        if is_refresh && is_same {
            let Some(planned) = &mut self.planned else {
                return Vec::new();
            };
            planned.plan = Arc::clone(&plan);
            planned.made = grounds.now.steady;
            return vec![Order::ReadFacts(self.round, plan)];
        }
        let words = if is_refresh {
            "something changed: this is another plan, and approvals of the one before do not count"
        } else {
            "planned"
        };
        self.planned = Some(Planned {
            plan: Arc::clone(&plan),
            digest,
            facts: Facts::default(),
            judgement: None,
            made: grounds.now.steady,
            rechecked: None,
        });
        self.enter(State::Planned, words, grounds.now);
        let summary = Entry::Planned(PlanSummary::from(&*plan));
        vec![
            Order::Record(self.seed.clone(), summary),
            Order::ReadFacts(self.round, plan),
        ]
    }

    fn facts_read(&mut self, facts: Facts, grounds: &Grounds<'_>) -> Vec<Order> {
        let is_first = self.state == State::Planned;
        if !is_first && !matches!(self.state, State::Checked | State::AwaitingApproval) {
            return Vec::new();
        }
        let Some(planned) = &mut self.planned else {
            return Vec::new();
        };
        planned.facts = facts;
        self.judge(grounds);
        self.settle(is_first, grounds)
    }

    fn judge(&mut self, grounds: &Grounds<'_>) {
        let Some(planned) = &mut self.planned else {
            return;
        };
        let principals = planned.facts.requester.principals.iter();
        let facts = PolicyFacts {
            now: grounds.now.wall,
            burn: grounds.burn.clone(),
            last_action: planned.facts.last_action,
            roles: principals
                .flat_map(|principal| grounds.policy.roles_of(principal))
                .collect(),
        };
        planned.judgement = Some(grounds.policy.judge(&planned.plan, &facts));
    }

    /// Checked, waiting for approvals, or blocked, by what the gates say that do not wait for the
    /// requester.
    fn settle(&mut self, is_first: bool, grounds: &Grounds<'_>) -> Vec<Order> {
        let Some(case) = self.case(grounds, Part::Forward, None) else {
            return Vec::new();
        };
        let waits_for_requester = |finding: &Finding| {
            matches!(
                finding.gate,
                gate::Gate::Confirmed | gate::Gate::Countdown | gate::Gate::Rechecked
            )
        };
        let findings = gate::gates(&case);
        let direction = case.plan.direction;
        let broken: Vec<&Finding> = findings
            .iter()
            .filter(|f| !waits_for_requester(f) && !f.lets_through(direction))
            .collect();
        let lacks_approval = broken.iter().any(|f| f.gate == gate::Gate::Approvals);
        let denials: Vec<String> = broken
            .iter()
            .filter(|f| f.gate != gate::Gate::Approvals)
            .map(|f| format!("{}: {}", f.gate.words(), f.words.raw()))
            .collect();
        let outcome = match (denials.is_empty(), lacks_approval) {
            (false, _) => CheckOutcome::Denied,
            (true, true) => CheckOutcome::NeedsApproval,
            (true, false) => CheckOutcome::Allowed,
        };
        let words = findings.iter().map(|f| {
            let sign = match f.state {
                crate::domain::plan::Holds::Yes => "ok",
                crate::domain::plan::Holds::Warns => "warns",
                crate::domain::plan::Holds::No => "no",
                crate::domain::plan::Holds::Unknown => "unknown",
            };
            Untrusted::line(&format!("{sign}: {}: {}", f.gate.words(), f.words.raw()))
        });
        let entry = Entry::Checked {
            digest: case.digest.clone(),
            findings: words.collect(),
            policy: Untrusted::line(&format!(
                "{} {}",
                grounds.policy.name.raw(),
                grounds.policy.version.raw()
            )),
            outcome,
        };
        let mut orders = Vec::new();
        // What is only looked at again is not written down again.
        if is_first || outcome == CheckOutcome::Denied {
            orders.push(Order::Record(self.seed.clone(), entry));
        }
        match outcome {
            CheckOutcome::Denied | CheckOutcome::ObservedDenial => {
                orders.extend(self.end(End::Blocked, &denials.join("; "), grounds.now));
            }
            CheckOutcome::NeedsApproval if self.state == State::AwaitingApproval => {}
            CheckOutcome::NeedsApproval | CheckOutcome::Allowed => {
                if self.state != State::Checked {
                    self.enter(State::Checked, "checked", grounds.now);
                }
            }
        }
        orders
    }

    // Approving and arming.

    fn ask_approval(&mut self, grounds: &Grounds<'_>) -> Vec<Order> {
        let Some((plan, digest, require)) = self.planned.as_ref().and_then(|planned| {
            let judgement = planned.judgement.as_ref()?;
            Some((
                Arc::clone(&planned.plan),
                planned.digest.clone(),
                judgement.require.clone(),
            ))
        }) else {
            return Vec::new();
        };
        if self.state != State::Checked || require.approvals == 0 {
            return Vec::new();
        }
        let role = require.role.as_deref().unwrap_or("any");
        let needed = format!("{} of role {role}", require.approvals);
        self.enter(
            State::AwaitingApproval,
            &format!("asked for approval: {needed}"),
            grounds.now,
        );
        let entry = Entry::ApprovalAsked {
            digest,
            needed: Untrusted::line(&needed),
        };
        vec![
            Order::Record(self.seed.clone(), entry),
            Order::PublishApproval(plan, require.approvals, require.role),
        ]
    }

    fn confirm(&mut self, confirmation: Confirmation, grounds: &Grounds<'_>) -> Vec<Order> {
        if self.state != State::Checked {
            return Vec::new();
        }
        let Some(planned) = &self.planned else {
            return Vec::new();
        };
        let Some(judgement) = &planned.judgement else {
            return Vec::new();
        };
        let effort = gate::effort(planned.plan.risk, &judgement.require);
        if !confirmation.is_enough(&planned.plan, &planned.digest, effort) {
            self.note(
                grounds.now,
                Untrusted::line("not confirmed: that is not what has to be typed"),
            );
            return Vec::new();
        }
        let lacks = self
            .gates(grounds)
            .into_iter()
            .find(|f| f.gate == gate::Gate::Approvals && f.state == crate::domain::plan::Holds::No);
        if let Some(lacks) = lacks {
            let words = format!("not confirmed: approvals: {}", lacks.words.raw());
            self.note(grounds.now, Untrusted::line(&words));
            return Vec::new();
        }
        let (digest, plan) = (planned.digest.clone(), Arc::clone(&planned.plan));
        let how = match &confirmation {
            Confirmation::Yes => "by key",
            Confirmation::Typed(_) => "by typing",
            Confirmation::CommandLine(_) => "on the command line",
        };
        self.confirmation = Some(confirmation);
        self.armed = Some(Armed {
            until: grounds.now.steady + self.countdown,
            is_rechecking: true,
        });
        self.round += 1;
        if let Some(planned) = &mut self.planned {
            planned.rechecked = None;
        }
        self.enter(State::Armed, "armed", grounds.now);
        let entry = Entry::Armed {
            digest,
            how: Untrusted::line(how),
        };
        vec![
            Order::Record(self.seed.clone(), entry),
            Order::Recheck(self.round, plan),
        ]
    }

    fn rechecked(
        &mut self,
        plan: Result<Box<Plan>, Untrusted>,
        facts: Facts,
        grounds: &Grounds<'_>,
    ) -> Vec<Order> {
        if self.state != State::Armed {
            return Vec::new();
        }
        let plan = match plan {
            Ok(plan) => Arc::new(*plan),
            Err(why) => {
                let words = format!("could not be read again: {}", why.raw());
                return self.again(&words, grounds);
            }
        };
        let digest = plan.digest();
        let Some(planned) = &mut self.planned else {
            return Vec::new();
        };
        if digest != planned.digest {
            return self.again("something changed since the plan: planned again", grounds);
        }
        planned.plan = plan;
        planned.facts = facts;
        planned.made = grounds.now.steady;
        planned.rechecked = Some(grounds.now.steady);
        if let Some(armed) = &mut self.armed {
            armed.is_rechecking = false;
        }
        self.judge(grounds);
        self.dispatch_if_due(grounds)
    }

    /// The one way to the forward writes.
    fn dispatch_if_due(&mut self, grounds: &Grounds<'_>) -> Vec<Order> {
        let Some(armed) = self.armed.filter(|_| self.state == State::Armed) else {
            return Vec::new();
        };
        if grounds.now.steady < armed.until || armed.is_rechecking {
            return Vec::new();
        }
        let checked = self.planned.as_ref().and_then(|planned| planned.rechecked);
        let is_old = checked.is_none_or(|at| grounds.now.steady.saturating_sub(at) > CHECK_HOLDS);
        if is_old {
            return self.recheck();
        }
        if let Some(halted) = self.halted.clone() {
            return self.end(End::Blocked, halted.raw(), grounds.now);
        }
        self.judge(grounds);
        let Some(case) = self.case(grounds, Part::Forward, self.confirmation.as_ref()) else {
            return Vec::new();
        };
        match gate::approve(&case) {
            Ok(approved) => {
                self.enter(
                    State::Dispatching(Part::Forward),
                    "dispatching",
                    grounds.now,
                );
                vec![Order::Dispatch(approved)]
            }
            Err(broken) => {
                let words: Vec<String> = broken
                    .iter()
                    .map(|f| format!("{}: {}", f.gate.words(), f.words.raw()))
                    .collect();
                self.end(End::Blocked, &words.join("; "), grounds.now)
            }
        }
    }

    fn recheck(&mut self) -> Vec<Order> {
        let Some(plan) = self.plan().cloned() else {
            return Vec::new();
        };
        self.round += 1;
        if let Some(armed) = &mut self.armed {
            armed.is_rechecking = true;
        }
        vec![Order::Recheck(self.round, plan)]
    }

    // Sending and after.

    fn dispatched(&mut self, part: Part, how: Dispatched, grounds: &Grounds<'_>) -> Vec<Order> {
        if self.state != State::Dispatching(part) {
            return Vec::new();
        }
        let now = grounds.now;
        match how {
            Dispatched::Applied => self.applied(part, now),
            Dispatched::Refused {
                done: 0,
                refusal: Some(Refusal::Changed),
                why,
            } if part == Part::Forward => self.again(
                &format!("refused, for something changed: {}", why.raw()),
                grounds,
            ),
            Dispatched::Refused { done: 0, why, .. } if part == Part::Forward => {
                self.end(End::Refused, why.raw(), now)
            }
            Dispatched::Refused { done, why, .. } => {
                let words = format!("{done} done, then refused: {}", why.raw());
                self.end(End::NeedsPerson, &words, now)
            }
            Dispatched::StepFailed { done, why } => {
                let words = format!("{done} done, then one did not work: {}", why.raw());
                self.went_wrong(part, &words, grounds)
            }
            Dispatched::Stopped { done: 0 } if part == Part::Forward => {
                self.end(End::Cancelled, "stopped before anything was sent", now)
            }
            Dispatched::Stopped { done } => {
                let words = format!("stopped after {done}");
                self.end(End::NeedsPerson, &words, now)
            }
            Dispatched::InDoubt { step, why } => {
                let words = format!("in doubt: {}", why.raw());
                self.enter(State::InDoubt { part, step, why }, &words, now);
                self.plan()
                    .cloned()
                    .map(|plan| vec![Order::Inspect(plan, part, step)])
                    .unwrap_or_default()
            }
        }
    }

    fn applied(&mut self, part: Part, now: Moment) -> Vec<Order> {
        self.enter(State::Verifying(part), "applied", now);
        let plan = self.plan().cloned();
        plan.map(|plan| vec![Order::Verify(plan, part)])
            .unwrap_or_default()
    }

    fn inspected(
        &mut self,
        found: &Found,
        decided: Option<Untrusted>,
        grounds: &Grounds<'_>,
    ) -> Vec<Order> {
        let State::InDoubt { part, step, .. } = self.state else {
            return Vec::new();
        };
        let now = grounds.now;
        let mut orders = Vec::new();
        if let Some(reason) = decided {
            let (found, reason) = (found.clone(), reason);
            let entry = Entry::Decided {
                step,
                found,
                reason,
            };
            orders.push(Order::Record(self.seed.clone(), entry));
        }
        let all = self.plan().map_or(0, |plan| plan.steps_of(part).len());
        orders.extend(match found {
            Found::Applied if step + 1 == all => self.applied(part, now),
            Found::Applied => {
                let words = format!("step {} was done; those after it were not sent", step + 1);
                self.end(End::NeedsPerson, &words, now)
            }
            Found::NotApplied if step == 0 && part == Part::Forward => self.end(
                End::Refused,
                "it was not done: ask again if it is still wanted",
                now,
            ),
            Found::NotApplied => {
                let words = format!("{step} done; step {} was not", step + 1);
                self.end(End::NeedsPerson, &words, now)
            }
            Found::Unknown(why) => {
                let words = format!("still in doubt: {}", why.raw());
                self.note(now, Untrusted::line(&words));
                Vec::new()
            }
        });
        orders
    }

    fn verified(
        &mut self,
        part: Part,
        result: Result<(), Untrusted>,
        grounds: &Grounds<'_>,
    ) -> Vec<Order> {
        if self.state != State::Verifying(part) {
            return Vec::new();
        }
        let soak = self.judgement().and_then(|judgement| judgement.verify.soak);
        match (part, result, soak) {
            (_, Err(why), _) => self.went_wrong(part, why.raw(), grounds),
            (Part::Reverse, Ok(()), _) => self.end(End::Reverted, "taken back", grounds.now),
            (Part::Forward, Ok(()), None) => self.end(End::Verified, "it worked", grounds.now),
            (Part::Forward, Ok(()), Some(soak)) => {
                let until = grounds.now.steady + soak;
                let words = format!("it worked; the burn is watched for {}s", soak.as_secs());
                self.enter(State::Soaking(until), &words, grounds.now);
                Vec::new()
            }
        }
    }

    /// Taken back by itself where that was part of the plan, else left to a person.
    fn went_wrong(&mut self, part: Part, why: &str, grounds: &Grounds<'_>) -> Vec<Order> {
        let is_automatic = self.judgement().is_some_and(|judgement| {
            judgement.verify.revert == Revert::Auto && part == Part::Forward
        });
        let is_mild = self
            .plan()
            .is_some_and(|plan| matches!(plan.risk, Risk::R1 | Risk::R2));
        if is_automatic && is_mild && !self.reverted {
            // It was confirmed together with the plan.
            let confirmation = self.confirmation.clone();
            if let Ok(approved) = self.approve_reverse(confirmation.as_ref(), grounds) {
                return self.revert(approved, why, grounds.now);
            }
        }
        self.end(End::NeedsPerson, why, grounds.now)
    }

    fn approve_reverse(
        &self,
        confirmation: Option<&Confirmation>,
        grounds: &Grounds<'_>,
    ) -> Result<Approved, Vec<Finding>> {
        if let Some(words) = self.halted.clone() {
            let (gate, state) = (gate::Gate::NoPanic, crate::domain::plan::Holds::No);
            return Err(vec![Finding { gate, state, words }]);
        }
        let case = self.case(grounds, Part::Reverse, confirmation);
        case.map_or_else(|| Err(Vec::new()), |case| gate::approve(&case))
    }

    fn revert_asked(&mut self, confirmation: &Confirmation, grounds: &Grounds<'_>) -> Vec<Order> {
        if !self.may_revert() {
            return Vec::new();
        }
        match self.approve_reverse(Some(confirmation), grounds) {
            Ok(approved) => self.revert(approved, "asked for", grounds.now),
            Err(broken) => {
                let words: Vec<String> = broken
                    .iter()
                    .map(|f| format!("{}: {}", f.gate.words(), f.words.raw()))
                    .collect();
                let words = format!("not taken back: {}", words.join("; "));
                self.note(grounds.now, Untrusted::line(&words));
                Vec::new()
            }
        }
    }

    fn revert(&mut self, approved: Approved, why: &str, now: Moment) -> Vec<Order> {
        self.reverted = true;
        let words = format!("taking it back: {why}");
        self.enter(State::Dispatching(Part::Reverse), &words, now);
        vec![Order::Dispatch(approved)]
    }

    // Time, and what stops it.

    fn tick(&mut self, grounds: &Grounds<'_>) -> Vec<Order> {
        let now = grounds.now;
        let there = now.steady.saturating_sub(self.since.steady);
        match self.state {
            State::Requested | State::Resolved | State::Planned | State::Checked
                if now.steady.saturating_sub(self.began.steady) > REQUEST_LIMIT =>
            {
                self.end(End::Expired, "it waited for too long", now)
            }
            State::AwaitingApproval if there > APPROVAL_LIMIT => {
                self.end(End::Expired, "nobody approved it in time", now)
            }
            State::Checked | State::AwaitingApproval => self.keep_fresh(grounds),
            State::Armed if there > ARMED_LIMIT => {
                self.armed = None;
                self.confirmation = None;
                self.round += 1;
                let words = "armed for too long: confirm it again";
                self.enter(State::Checked, words, now);
                Vec::new()
            }
            State::Armed => self.dispatch_if_due(grounds),
            State::Soaking(until) => self.soak(until, grounds),
            _ => Vec::new(),
        }
    }

    /// A plan that gets old is made again as the same action; while approvals are waited for, they are
    /// looked for.
    fn keep_fresh(&mut self, grounds: &Grounds<'_>) -> Vec<Order> {
        let Some(planned) = &self.planned else {
            return Vec::new();
        };
        let age = grounds.now.steady.saturating_sub(planned.made);
        if age > crate::domain::plan::VALID_FOR {
            return self.plan_again(grounds.now);
        }
        if self.state == State::AwaitingApproval {
            let plan = Arc::clone(&planned.plan);
            let lacks = self
                .gates(grounds)
                .iter()
                .any(|f| f.gate == gate::Gate::Approvals && !f.lets_through(plan.direction));
            if !lacks {
                self.enter(State::Checked, "approved", grounds.now);
                return Vec::new();
            }
            return vec![Order::ReadFacts(self.round, plan)];
        }
        Vec::new()
    }

    /// The plan is made again as the same action: by its age, or because the requester wants it.
    fn plan_again(&mut self, now: Moment) -> Vec<Order> {
        if !matches!(self.state, State::Checked | State::AwaitingApproval) {
            return Vec::new();
        }
        let (Some(seed), Some(planned)) = (self.seed.clone(), &mut self.planned) else {
            return Vec::new();
        };
        // Asked once, not with every tick.
        planned.made = now.steady;
        let targets = planned.plan.targets.clone();
        self.round += 1;
        vec![Order::Plan(self.round, self.request.clone(), seed, targets)]
    }

    /// Reads once more what became of a write in doubt.
    fn look_again(&self) -> Vec<Order> {
        let State::InDoubt { part, step, .. } = self.state else {
            return Vec::new();
        };
        let plan = self.plan().cloned();
        plan.map(|plan| vec![Order::Inspect(plan, part, step)])
            .unwrap_or_default()
    }

    fn soak(&mut self, until: Duration, grounds: &Grounds<'_>) -> Vec<Order> {
        let rule = self.judgement().map(|judgement| judgement.verify.clone());
        let worse = rule.and_then(|rule| rule.abort_if);
        let burn = match grounds.burn {
            Reading::Known { value, age } if *age <= Duration::from_mins(2) => Some(value),
            _ => None,
        };
        if let (Some(worse), Some(burn)) = (&worse, burn) {
            use crate::domain::policy::Input;
            let number = match worse.input {
                Input::BurnShort => Some(burn.short),
                Input::BurnLong => Some(burn.long),
                _ => None,
            };
            if number.is_some_and(|number| worse.holds(number)) {
                let words = format!("the burn is {:.1} while it should recover", burn.short);
                return self.went_wrong(Part::Forward, &words, grounds);
            }
        }
        if grounds.now.steady < until {
            return Vec::new();
        }
        // No data is no verdict.
        if worse.is_some() && burn.is_none() {
            let words = "it worked, but nobody can say what the burn is";
            return self.end(End::NeedsPerson, words, grounds.now);
        }
        self.end(
            End::Verified,
            "it worked, and the burn is no worse",
            grounds.now,
        )
    }

    fn cancel(&mut self, grounds: &Grounds<'_>) -> Vec<Order> {
        match self.state {
            State::Dispatching(_) => {
                self.note(grounds.now, Untrusted::line("stops after this step"));
                vec![Order::Stop]
            }
            State::Armed => {
                self.armed = None;
                self.end(End::Cancelled, "given up", grounds.now)
            }
            State::Requested
            | State::Resolved
            | State::Planned
            | State::Checked
            | State::AwaitingApproval => self.end(End::Cancelled, "given up", grounds.now),
            State::InDoubt { .. } | State::Verifying(_) | State::Soaking(_) | State::Ended(_) => {
                Vec::new()
            }
        }
    }

    fn panic(&mut self, grounds: &Grounds<'_>) -> Vec<Order> {
        let words = Untrusted::line("panic is on");
        self.halted = Some(words.clone());
        match self.state {
            State::Dispatching(_) => vec![Order::Stop],
            State::Requested
            | State::Resolved
            | State::Planned
            | State::Checked
            | State::AwaitingApproval
            | State::Armed => {
                self.armed = None;
                self.end(End::Blocked, words.raw(), grounds.now)
            }
            _ => Vec::new(),
        }
    }

    fn journal_failed(&mut self, why: &Untrusted, grounds: &Grounds<'_>) -> Vec<Order> {
        let words = format!("the journal takes no records: {}", why.raw());
        self.halted = Some(Untrusted::line(&words));
        match self.state {
            State::Armed | State::AwaitingApproval | State::Checked => {
                self.armed = None;
                self.state = State::Ended(End::Blocked);
                self.since = grounds.now;
                self.note(grounds.now, Untrusted::line(&words));
            }
            _ => self.note(grounds.now, Untrusted::line(&words)),
        }
        Vec::new()
    }

    // Small things.

    fn case<'a>(
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

    fn enter(&mut self, state: State, words: &str, now: Moment) {
        self.state = state;
        self.since = now;
        self.note(now, Untrusted::line(words));
    }

    fn end(&mut self, end: End, detail: &str, now: Moment) -> Vec<Order> {
        let detail = Untrusted::line(detail);
        let words = format!("{}: {}", end.word(), detail.raw());
        self.enter(State::Ended(end), &words, now);
        vec![Order::Record(
            self.seed.clone(),
            Entry::Ended { end, detail },
        )]
    }

    fn note(&mut self, now: Moment, words: Untrusted) {
        if self.trail.len() == TRAIL {
            self.trail.remove(0);
        }
        self.trail.push((now, words));
    }
}
