//! From a checked plan to the moment at which it is sent: approvals, confirmation, countdown, and the last look. Part of
//! [`super`].

use std::sync::Arc;

use super::{Armed, Pipeline};
use crate::domain::guard::gate::{self, Confirmation};
use crate::domain::guard::{CHECK_HOLDS, Facts, Grounds, Order, State};
use crate::domain::plan::{Part, Plan};
use crate::domain::record::{End, Entry};
use crate::domain::text::Untrusted;

impl Pipeline {
    pub(super) fn ask_approval(&mut self, grounds: &Grounds<'_>) -> Vec<Order> {
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

    pub(super) fn confirm(
        &mut self,
        confirmation: Confirmation,
        grounds: &Grounds<'_>,
    ) -> Vec<Order> {
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

    pub(super) fn rechecked(
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
    pub(super) fn dispatch_if_due(&mut self, grounds: &Grounds<'_>) -> Vec<Order> {
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
                let words: Vec<String> = broken.iter().map(gate::Finding::denial).collect();
                self.end(End::Blocked, &words.join("; "), grounds.now)
            }
        }
    }

    pub(super) fn recheck(&mut self) -> Vec<Order> {
        let Some(plan) = self.plan().cloned() else {
            return Vec::new();
        };
        self.round += 1;
        if let Some(armed) = &mut self.armed {
            armed.is_rechecking = true;
        }
        vec![Order::Recheck(self.round, plan)]
    }
}
