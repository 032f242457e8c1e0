//! From the first write to the end: refused, in doubt, verified, taken back. Part of [`super`].

use super::Pipeline;
use crate::domain::action::Risk;
use crate::domain::check::Found;
use crate::domain::guard::gate::{self, Approved, Confirmation, Finding};
use crate::domain::guard::{Dispatched, Grounds, Moment, Order, State};
use crate::domain::plan::Part;
use crate::domain::policy::Revert;
use crate::domain::record::{End, Entry, Refusal};
use crate::domain::text::Untrusted;

impl Pipeline {
    pub(super) fn dispatched(
        &mut self,
        part: Part,
        how: Dispatched,
        grounds: &Grounds<'_>,
    ) -> Vec<Order> {
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

    pub(super) fn applied(&mut self, part: Part, now: Moment) -> Vec<Order> {
        self.enter(State::Verifying(part), "applied", now);
        let plan = self.plan().cloned();
        plan.map(|plan| vec![Order::Verify(plan, part)])
            .unwrap_or_default()
    }

    pub(super) fn inspected(
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

    pub(super) fn verified(
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
    pub(super) fn went_wrong(
        &mut self,
        part: Part,
        why: &str,
        grounds: &Grounds<'_>,
    ) -> Vec<Order> {
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

    pub(super) fn approve_reverse(
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

    pub(super) fn revert_asked(
        &mut self,
        confirmation: &Confirmation,
        grounds: &Grounds<'_>,
    ) -> Vec<Order> {
        if !self.may_revert() {
            return Vec::new();
        }
        match self.approve_reverse(Some(confirmation), grounds) {
            Ok(approved) => self.revert(approved, "asked for", grounds.now),
            Err(broken) => {
                let words: Vec<String> = broken.iter().map(Finding::denial).collect();
                let words = format!("not taken back: {}", words.join("; "));
                self.note(grounds.now, Untrusted::line(&words));
                Vec::new()
            }
        }
    }

    pub(super) fn revert(&mut self, approved: Approved, why: &str, now: Moment) -> Vec<Order> {
        self.reverted = true;
        let words = format!("taking it back: {why}");
        self.enter(State::Dispatching(Part::Reverse), &words, now);
        vec![Order::Dispatch(approved)]
    }
}
