//! Is there any way to a dispatch past a missing gate?
//!
//! A million random events. What was told to the machine is kept aside, by other code than the gates', and
//! every order to dispatch is held against it.

use std::time::Duration;

use super::example::{approval, at, burning, calm, facts, line, plan, policy, request, target};
use super::{
    Approved, CHECK_HOLDS, COUNTDOWN, Confirmation, Dispatched, Event, Facts, Grounds, Moment,
    Order, Pipeline, State,
};
use crate::domain::action::{Direction, Risk};
use crate::domain::check::Found;
use crate::domain::plan::{Digest, DryVerdict, Holds, Part, Plan};
use crate::domain::policy::{BurnReading, Policy, Reading};
use crate::domain::record::Refusal;

/// Small and repeatable.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn once_in(&mut self, times: u64) -> bool {
        self.roll(times) == 0
    }
}

/// What was told to the machine, by its own account.
#[derive(Default)]
struct Told {
    digest: Option<Digest>,
    plan: Option<Plan>,
    facts: Option<Facts>,
    confirmed_at: Option<Duration>,
    rechecked_at: Option<Duration>,
    panic: bool,
    journal_broke: bool,
    forward: u32,
    refused_as_changed: u32,
    reverse: u32,
}

struct World {
    dice: Dice,
    now: Moment,
    policy: Policy,
    burn: Reading<BurnReading>,
    plans: Vec<Plan>,
    pipeline: Pipeline,
    told: Told,
    round: u32,
    dispatches: u64,
    ends: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let now = at(0);
        Self {
            dice: Dice(seed),
            now,
            policy: policy(),
            burn: calm(),
            plans: Vec::new(),
            pipeline: Pipeline::new(request(), COUNTDOWN, now),
            told: Told::default(),
            round: 0,
            dispatches: 0,
            ends: 0,
        }
    }

    fn start_over(&mut self) {
        self.ends += 1;
        self.now = at(0);
        let risk = Risk::ALL[usize::try_from(self.dice.roll(4)).unwrap_or(0)];
        let direction = match self.dice.roll(3) {
            0 => Direction::Adds,
            1 => Direction::Reduces,
            _ => Direction::Neutral,
        };
        let good = plan(risk, direction);
        let mut other = good.clone();
        other.steps[0].what = line("another write");
        if let crate::domain::plan::Write::Http(write) = &mut other.steps[0].write {
            write.body = "[other]".to_owned();
        }
        let mut refused = good.clone();
        refused.dry_run.verdict = DryVerdict::Refused(line("quota"));
        let mut lacking = good.clone();
        lacking.preconditions[0].state = Holds::No;
        let mut unsure = good.clone();
        unsure.preconditions[0].state = Holds::Unknown;
        let mut late = good.clone();
        late.server_ahead_secs = Some(4_000);
        self.plans = vec![
            good.clone(),
            good.clone(),
            good,
            other,
            refused,
            lacking,
            unsure,
            late,
        ];
        self.pipeline = Pipeline::new(request(), COUNTDOWN, self.now);
        self.told = Told::default();
        self.round = 0;
        self.send(Event::Begin);
    }

    fn some_plan(&mut self) -> Plan {
        // Mostly the same good one, or nothing would ever get far.
        let at = if self.dice.once_in(4) {
            self.dice.roll(u64::try_from(self.plans.len()).unwrap_or(1))
        } else {
            0
        };
        self.plans[usize::try_from(at).unwrap_or(0)].clone()
    }

    fn some_facts(&mut self) -> Facts {
        let mut facts = facts();
        let now = self.now;
        if !self.dice.once_in(4) {
            let plan = self.plans[0].clone();
            facts
                .approvals
                .push(approval(&plan, "dana@example.com", now));
            if self.dice.once_in(2) {
                facts
                    .approvals
                    .push(approval(&plan, "ilya@example.com", now));
            }
            // Signed by the requester, for another plan, or by nobody who may.
            match self.dice.roll(6) {
                0 => facts.approvals = vec![approval(&plan, "mara@example.com", now)],
                1 => {
                    facts.approvals =
                        vec![approval(&self.plans[3].clone(), "dana@example.com", now)];
                }
                2 => facts.approvals = vec![approval(&plan, "eve@example.com", now)],
                _ => {}
            }
        }
        if self.dice.once_in(20) {
            facts.panic = Some(line("ilya"));
        }
        if self.dice.once_in(20) {
            facts.journal_trouble = Some(line("disk full"));
        }
        if self.dice.once_in(20) {
            facts.held_by = Some(line("ilya is doing it"));
        }
        facts
    }

    fn step(&mut self) {
        if self.pipeline.is_over() && !self.dice.once_in(8) {
            self.start_over();
        }
        match self.dice.roll(8) {
            0 => self.pass(Duration::from_millis(700)),
            1 => self.pass(Duration::from_secs(2)),
            2 => self.pass(Duration::from_secs(6)),
            3 if self.dice.once_in(30) => self.pass(Duration::from_secs(400)),
            _ => {}
        }
        if self.dice.once_in(10) {
            self.burn = match self.dice.roll(4) {
                0 => burning(9.0),
                1 => Reading::Unknown(line("no data")),
                2 => Reading::Contradictory(line("1 and 9")),
                _ => calm(),
            };
        }
        let event = self.some_event();
        self.send(event);
    }

    fn pass(&mut self, span: Duration) {
        self.now.steady += span;
        // The wall clock may jump by itself: limits do not go by it.
        self.now.wall += chrono::TimeDelta::from_std(span).unwrap_or_default();
    }

    fn some_event(&mut self) -> Event {
        let round = if self.dice.once_in(10) {
            self.round.wrapping_sub(1)
        } else {
            self.round
        };
        // Without a bent for what comes next hardly any run would get far.
        if !self.dice.once_in(3) {
            return self.likely_event();
        }
        match self.dice.roll(24) {
            0..5 => Event::Tick,
            5 | 6 => Event::Resolved(round, Ok((super::example::seed(7), vec![target()]))),
            7..10 => Event::Planned(round, Ok(Box::new(self.some_plan()))),
            10..13 => Event::FactsRead(round, Box::new(self.some_facts())),
            13..16 => Event::Rechecked(
                round,
                Ok(Box::new(self.some_plan())),
                Box::new(self.some_facts()),
            ),
            16 => Event::AskApproval,
            17 | 18 => Event::Confirm(self.some_confirmation()),
            19 if self.dice.once_in(6) => Event::Panic,
            19 if self.dice.once_in(6) => Event::JournalFailed(line("no space")),
            19 if self.dice.once_in(4) => Event::Cancel,
            20 => Event::Dispatched(Part::Forward, self.some_end()),
            21 => Event::Verified(
                Part::Forward,
                if self.dice.once_in(2) {
                    Ok(())
                } else {
                    Err(line("stuck"))
                },
            ),
            22 => Event::Inspected(match self.dice.roll(3) {
                0 => Found::Applied,
                1 => Found::NotApplied,
                _ => Found::Unknown(line("who knows")),
            }),
            23 => Event::Revert(self.some_confirmation()),
            _ => Event::Sample(line("…")),
        }
    }

    fn likely_event(&mut self) -> Event {
        let round = self.round;
        match self.pipeline.state() {
            State::Requested => {
                Event::Resolved(round, Ok((super::example::seed(7), vec![target()])))
            }
            State::Resolved => Event::Planned(round, Ok(Box::new(self.some_plan()))),
            State::Planned | State::AwaitingApproval => {
                Event::FactsRead(round, Box::new(self.some_facts()))
            }
            State::Checked if self.dice.once_in(4) => Event::AskApproval,
            State::Checked => Event::Confirm(self.some_confirmation()),
            State::Armed if self.dice.once_in(2) => {
                let plan = Ok(Box::new(self.some_plan()));
                Event::Rechecked(round, plan, Box::new(self.some_facts()))
            }
            State::Dispatching(part) => {
                let part = *part;
                Event::Dispatched(part, self.some_end())
            }
            State::InDoubt { .. } => Event::Inspected(Found::Applied),
            State::Verifying(part) => Event::Verified(*part, Ok(())),
            _ => Event::Tick,
        }
    }

    fn some_confirmation(&mut self) -> Confirmation {
        let code = self.plans.first().map(|p| p.digest().code().to_owned());
        match self.dice.roll(4) {
            0 => Confirmation::Yes,
            1 => Confirmation::Typed("checkout-api".to_owned()),
            2 => Confirmation::Typed(format!("checkout-api {}", code.unwrap_or_default())),
            _ => Confirmation::Typed("checkout-apj".to_owned()),
        }
    }

    fn some_end(&mut self) -> Dispatched {
        match self.dice.roll(5) {
            0 => Dispatched::Applied,
            1 => Dispatched::Refused {
                done: 0,
                refusal: Some(Refusal::Changed),
                why: line("409"),
            },
            2 => Dispatched::InDoubt {
                step: 0,
                why: line("cut"),
            },
            3 => Dispatched::Stopped { done: 0 },
            _ => Dispatched::StepFailed {
                done: 1,
                why: line("stuck"),
            },
        }
    }

    fn send(&mut self, event: Event) {
        self.listen(&event);
        let before = self.pipeline.state().clone();
        let grounds = Grounds {
            policy: &self.policy,
            burn: &self.burn,
            now: self.now,
        };
        let orders = self.pipeline.handle(event, &grounds);
        // A confirmation that was taken arms; anything else drops what was confirmed.
        if before != State::Armed && *self.pipeline.state() == State::Armed {
            self.told.confirmed_at = Some(self.now.steady);
            self.told.rechecked_at = None;
        }
        for order in &orders {
            match order {
                Order::Resolve(round, ..)
                | Order::Plan(round, ..)
                | Order::ReadFacts(round, _)
                | Order::Recheck(round, _) => self.round = *round,
                Order::Dispatch(approved) => self.hold(approved),
                _ => {}
            }
        }
    }

    /// Keeps aside what matters, whether or not the machine takes it.
    fn listen(&mut self, event: &Event) {
        let state = self.pipeline.state().clone();
        let told = &mut self.told;
        match event {
            Event::Rechecked(round, Ok(plan), facts)
                if *round == self.round && state == State::Armed =>
            {
                if Some(&plan.digest()) == self.pipeline.digest() {
                    told.rechecked_at = Some(self.now.steady);
                }
                told.digest = Some(plan.digest());
                told.plan = Some((**plan).clone());
                told.facts = Some((**facts).clone());
            }
            Event::Panic => told.panic = true,
            Event::JournalFailed(_) => told.journal_broke = true,
            Event::Dispatched(
                Part::Forward,
                Dispatched::Refused {
                    done: 0,
                    refusal: Some(Refusal::Changed),
                    ..
                },
            ) if state == State::Dispatching(Part::Forward) => told.refused_as_changed += 1,
            _ => {}
        }
    }

    /// Every gate, by another hand.
    fn hold(&mut self, approved: &Approved) {
        self.dispatches += 1;
        let told = &mut self.told;
        if approved.part() == Part::Reverse {
            told.reverse += 1;
            assert_eq!(told.reverse, 1, "taken back twice");
            assert!(
                told.forward > 0,
                "nothing was done that could be taken back"
            );
            assert!(
                !told.panic && !told.journal_broke,
                "a way back past panic or journal"
            );
            return;
        }
        told.forward += 1;
        assert!(told.forward <= 1 + told.refused_as_changed, "sent twice");
        let (Some(plan), Some(facts)) = (&told.plan, &told.facts) else {
            unreachable!("sent without a plan that was made again");
        };
        assert_eq!(Some(approved.digest()), told.digest.as_ref());
        assert_eq!(*approved.digest(), approved.plan().digest());
        let age = |at: Option<Duration>| at.map(|at| self.now.steady.saturating_sub(at));
        assert!(age(told.confirmed_at) >= Some(COUNTDOWN), "no countdown");
        let checked = age(told.rechecked_at);
        assert!(
            checked.is_some_and(|age| age <= CHECK_HOLDS),
            "not read again: {checked:?}"
        );
        assert!(facts.panic.is_none() && !told.panic, "panic was on");
        assert!(facts.journal_trouble.is_none(), "nothing can be recorded");
        assert!(facts.held_by.is_none(), "somebody else is at it");
        assert!(matches!(plan.dry_run.verdict, DryVerdict::Accepted));
        let adds = plan.direction == Direction::Adds;
        for one in &plan.preconditions {
            assert!(one.state != Holds::No, "a precondition does not hold");
            assert!(
                !(adds && one.state == Holds::Unknown),
                "unknown, and adds risk"
            );
        }
        if adds {
            let Reading::Known { value, .. } = &self.burn else {
                unreachable!("adds risk while nobody knows the burn");
            };
            assert!(
                value.short <= 2.0 && value.long <= 1.5,
                "adds risk while it burns"
            );
            assert_eq!(
                plan.server_ahead_secs,
                Some(0),
                "adds risk while clocks differ"
            );
        }
        let needed = match plan.risk {
            Risk::R0 | Risk::R1 => 0,
            Risk::R2 => 1,
            Risk::R3 => 2,
        };
        let may = ["dana@example.com", "ilya@example.com"];
        let people = may.iter().filter(|name| {
            facts
                .approvals
                .iter()
                .any(|a| a.signer.raw() == **name && a.statement.plan == *approved.digest())
        });
        assert!(people.count() >= needed, "not enough approvals");
    }
}

#[test]
fn a_million_random_steps_find_no_way_past_a_gate() {
    let mut world = World::new(0x9e37_79b9_7f4a_7c15);
    world.start_over();
    for _ in 0..1_000_000 {
        world.step();
    }
    // It would prove nothing if hardly anything was ever sent.
    assert!(
        world.dispatches > 1_000,
        "{} dispatches in {} runs",
        world.dispatches,
        world.ends
    );
    assert!(world.ends > 10_000, "{} runs", world.ends);
}
