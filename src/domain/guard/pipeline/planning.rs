//! From a request to a plan that the guard has looked at. Part of [`super`].

use std::sync::Arc;

use super::{Pipeline, Planned};
use crate::domain::guard::gate::{self, Finding};
use crate::domain::guard::{Facts, Grounds, Order, State};
use crate::domain::plan::{Part, Plan, Seed};
use crate::domain::policy::PolicyFacts;
use crate::domain::record::{CheckOutcome, End, Entry, PlanSummary};
use crate::domain::text::Untrusted;

impl Pipeline {
    pub(super) fn begin(&mut self) -> Vec<Order> {
        if self.state != State::Requested || self.round > 0 {
            return Vec::new();
        }
        self.round = 1;
        vec![Order::Resolve(self.round, self.request.clone(), None)]
    }

    /// Everything from the start, as the same action: something changed.
    pub(super) fn again(&mut self, why: &str, grounds: &Grounds<'_>) -> Vec<Order> {
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

    pub(super) fn resolved(
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
            Err(why) => self.not_planned(&why, grounds),
        }
    }

    pub(super) fn not_planned(&mut self, why: &Untrusted, grounds: &Grounds<'_>) -> Vec<Order> {
        let entry = Entry::NotPlanned { why: why.clone() };
        let mut orders = vec![Order::Record(self.seed.clone(), entry)];
        orders.extend(self.end(End::Blocked, why.raw(), grounds.now));
        orders
    }

    pub(super) fn made(
        &mut self,
        result: Result<Box<Plan>, Untrusted>,
        grounds: &Grounds<'_>,
    ) -> Vec<Order> {
        let is_refresh = matches!(self.state, State::Checked | State::AwaitingApproval);
        if self.state != State::Resolved && !is_refresh {
            return Vec::new();
        }
        let plan = match result {
            Ok(plan) => Arc::new(*plan),
            Err(why) => return self.not_planned(&why, grounds),
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
            looked: None,
        });
        self.enter(State::Planned, words, grounds.now);
        let summary = Entry::Planned(PlanSummary::from(&*plan));
        vec![
            Order::Record(self.seed.clone(), summary),
            Order::ReadFacts(self.round, plan),
        ]
    }

    pub(super) fn facts_read(&mut self, facts: Facts, grounds: &Grounds<'_>) -> Vec<Order> {
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

    pub(super) fn judge(&mut self, grounds: &Grounds<'_>) {
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
    pub(super) fn settle(&mut self, is_first: bool, grounds: &Grounds<'_>) -> Vec<Order> {
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
            .map(|f| f.denial())
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
}
