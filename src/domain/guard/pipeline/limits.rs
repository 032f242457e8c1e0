//! What time does to an action, and what stops it: limits, cancelling, panic, a journal that takes no records. Part of
//! [`super`].

use std::sync::Arc;
use std::time::Duration;

use super::Pipeline;
use crate::domain::guard::{
    APPROVAL_LIMIT, ARMED_LIMIT, Grounds, Moment, Order, REQUEST_LIMIT, State, gate,
};
use crate::domain::plan::{Part, Plan};
use crate::domain::policy::Reading;
use crate::domain::record::End;
use crate::domain::text::Untrusted;

/// Between two looks for approvals.
const LOOK_EVERY: Duration = Duration::from_secs(5);

impl Pipeline {
    pub(super) fn tick(&mut self, grounds: &Grounds<'_>) -> Vec<Order> {
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
    pub(super) fn keep_fresh(&mut self, grounds: &Grounds<'_>) -> Vec<Order> {
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
            return self.look_for_approvals(plan, grounds.now);
        }
        Vec::new()
    }

    /// At once, and from then on every few seconds: each look reads a folder, or pulls a repository.
    fn look_for_approvals(&mut self, plan: Arc<Plan>, now: Moment) -> Vec<Order> {
        let asked_at = self.since.steady;
        let Some(planned) = &mut self.planned else {
            return Vec::new();
        };
        let is_recent = planned
            .looked
            .is_some_and(|at| at >= asked_at && now.steady.saturating_sub(at) < LOOK_EVERY);
        if is_recent {
            return Vec::new();
        }
        planned.looked = Some(now.steady);
        vec![Order::ReadFacts(self.round, plan)]
    }

    /// The plan is made again as the same action: by its age, or because the requester wants it.
    pub(super) fn plan_again(&mut self, now: Moment) -> Vec<Order> {
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
    pub(super) fn look_again(&self) -> Vec<Order> {
        let State::InDoubt { part, step, .. } = self.state else {
            return Vec::new();
        };
        let plan = self.plan().cloned();
        plan.map(|plan| vec![Order::Inspect(plan, part, step)])
            .unwrap_or_default()
    }

    pub(super) fn soak(&mut self, until: Duration, grounds: &Grounds<'_>) -> Vec<Order> {
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

    pub(super) fn cancel(&mut self, grounds: &Grounds<'_>) -> Vec<Order> {
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

    pub(super) fn panic(&mut self, grounds: &Grounds<'_>) -> Vec<Order> {
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

    pub(super) fn journal_failed(&mut self, why: &Untrusted, grounds: &Grounds<'_>) -> Vec<Order> {
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
}
