//! The way of an action, step by step.

use std::time::Duration;

use super::example::{approval, at, burning, calm, facts, line, plan, policy, request, target};
use super::{
    COUNTDOWN, Confirmation, Dispatched, Effort, Event, Facts, Gate, Grounds, Moment, Order,
    Pipeline, State,
};
use crate::domain::action::{Direction, Risk};
use crate::domain::check::Found;
use crate::domain::plan::{DryVerdict, Holds, Part, Plan, Reverse};
use crate::domain::policy::{BurnReading, Comparison, Input, Policy, Reading, Revert, VerifyRule};
use crate::domain::record::{End, Entry, Refusal};

struct Walk {
    pipeline: Pipeline,
    policy: Policy,
    burn: Reading<BurnReading>,
    now: Moment,
    round: u32,
}

impl Walk {
    fn new() -> Self {
        Self {
            pipeline: Pipeline::new(request(), COUNTDOWN, at(0)),
            policy: policy(),
            burn: calm(),
            now: at(0),
            round: 0,
        }
    }

    fn send(&mut self, event: Event) -> Vec<Order> {
        let grounds = Grounds {
            policy: &self.policy,
            burn: &self.burn,
            now: self.now,
        };
        let orders = self.pipeline.handle(event, &grounds);
        for order in &orders {
            if let Order::Resolve(round, ..)
            | Order::Plan(round, ..)
            | Order::ReadFacts(round, _)
            | Order::Recheck(round, _) = order
            {
                self.round = *round;
            }
        }
        orders
    }

    /// Up to where it may be confirmed.
    fn plan(&mut self, plan: &Plan, facts: Facts) {
        self.send(Event::Begin);
        self.planned(plan, facts);
    }

    fn planned(&mut self, plan: &Plan, facts: Facts) {
        let targets = vec![target()];
        self.send(Event::Resolved(
            self.round,
            Ok((plan.seed.clone(), targets)),
        ));
        self.send(Event::Planned(self.round, Ok(Box::new(plan.clone()))));
        self.send(Event::FactsRead(self.round, Box::new(facts)));
    }

    fn arm(&mut self, plan: &Plan, facts: Facts, confirmation: Confirmation) -> Vec<Order> {
        self.send(Event::Confirm(confirmation));
        let again = Ok(Box::new(plan.clone()));
        self.send(Event::Rechecked(self.round, again, Box::new(facts)));
        self.wait(COUNTDOWN)
    }

    fn wait(&mut self, span: Duration) -> Vec<Order> {
        self.now.steady += span;
        self.now.wall += chrono::TimeDelta::from_std(span).unwrap_or_default();
        self.send(Event::Tick)
    }

    fn state(&self) -> &State {
        self.pipeline.state()
    }

    fn said(&self) -> String {
        let trail = self.pipeline.trail().last();
        trail
            .map(|(_, words)| words.shown().to_owned())
            .unwrap_or_default()
    }
}

fn is_dispatch(orders: &[Order]) -> bool {
    matches!(orders, [Order::Dispatch(_)])
}

fn small() -> Plan {
    plan(Risk::R1, Direction::Reduces)
}

fn dispatched() -> Walk {
    let mut walk = Walk::new();
    walk.plan(&small(), facts());
    assert!(is_dispatch(&walk.arm(&small(), facts(), Confirmation::Yes)));
    walk
}

#[test]
fn from_request_to_verified() {
    let mut walk = Walk::new();
    assert!(matches!(
        walk.send(Event::Begin)[..],
        [Order::Resolve(1, ..)]
    ));
    walk.planned(&small(), facts());
    assert_eq!(*walk.state(), State::Checked);
    assert_eq!(walk.pipeline.effort(), Some((Effort::Yes, String::new())));
    let armed = walk.send(Event::Confirm(Confirmation::Yes));
    assert!(matches!(
        armed[..],
        [Order::Record(_, Entry::Armed { .. }), Order::Recheck(..)]
    ));
    let again = Ok(Box::new(small()));
    let early = walk.send(Event::Rechecked(walk.round, again, Box::new(facts())));
    assert!(early.is_empty(), "the countdown runs");
    assert!(walk.wait(Duration::from_millis(4_999)).is_empty());
    assert!(is_dispatch(&walk.wait(Duration::from_millis(1))));
    assert!(walk.wait(COUNTDOWN).is_empty(), "it is sent once");
    let applied = walk.send(Event::Dispatched(Part::Forward, Dispatched::Applied));
    assert!(matches!(applied[..], [Order::Verify(_, Part::Forward)]));
    let ended = walk.send(Event::Verified(Part::Forward, Ok(())));
    assert!(matches!(
        ended[..],
        [Order::Record(
            _,
            Entry::Ended {
                end: End::Verified,
                ..
            }
        )]
    ));
}

#[test]
fn every_broken_gate_stops_it() {
    type Break = fn(&mut Plan, &mut Facts, &mut Walk);
    let cases: [(&str, Gate, Break); 7] = [
        ("panic", Gate::NoPanic, |_, facts, _| {
            facts.panic = Some(line("ilya"));
        }),
        ("journal", Gate::Journal, |_, facts, _| {
            facts.journal_trouble = Some(line("no space"));
        }),
        ("dry run", Gate::DryRun, |plan, _, _| {
            plan.dry_run.verdict = DryVerdict::Refused(line("quota"));
        }),
        ("precondition", Gate::Preconditions, |plan, _, _| {
            plan.preconditions[0].state = Holds::No;
        }),
        ("somebody else", Gate::NobodyElse, |_, facts, _| {
            facts.held_by = Some(line("ilya"));
        }),
        ("no rule", Gate::Policy, |_, _, walk| {
            walk.policy.rules.clear();
        }),
        ("observed", Gate::Policy, |_, _, walk| {
            walk.policy.mode = crate::domain::policy::Mode::Observe;
        }),
    ];
    for (what, gate, break_it) in cases {
        let (mut plan, mut facts, mut walk) = (small(), facts(), Walk::new());
        break_it(&mut plan, &mut facts, &mut walk);
        walk.plan(&plan, facts.clone());
        assert_eq!(
            *walk.state(),
            State::Ended(End::Blocked),
            "{what} at the check"
        );
        assert!(
            walk.said().contains(gate.words()),
            "{what}: {}",
            walk.said()
        );

        // It breaks only once it is armed.
        let mut walk = Walk::new();
        walk.plan(&small(), super::example::facts());
        let mut late = small();
        late.dry_run = plan.dry_run.clone();
        late.preconditions = plan.preconditions.clone();
        break_it(&mut small(), &mut super::example::facts(), &mut walk);
        let orders = walk.arm(&late, facts, Confirmation::Yes);
        assert!(!is_dispatch(&orders), "{what} once armed");
        assert_eq!(
            *walk.state(),
            State::Ended(End::Blocked),
            "{what} once armed"
        );
    }
}

#[test]
fn what_adds_risk_waits_while_it_burns_or_nobody_knows() {
    for burn in [
        burning(9.0),
        Reading::Unknown(line("no data")),
        Reading::Contradictory(line("1 and 9")),
    ] {
        for (direction, passes) in [(Direction::Adds, false), (Direction::Reduces, true)] {
            let mut walk = Walk::new();
            walk.burn = burn.clone();
            walk.plan(&plan(Risk::R1, direction), facts());
            assert_eq!(
                *walk.state() == State::Checked,
                passes,
                "{burn:?} {direction:?}"
            );
        }
    }
}

#[test]
fn approvals_of_others_are_waited_for_and_belong_to_one_plan() {
    let two = plan(Risk::R2, Direction::Reduces);
    let mut walk = Walk::new();
    walk.plan(&two, facts());
    assert_eq!(*walk.state(), State::Checked);
    walk.send(Event::Confirm(Confirmation::Typed(
        "checkout-api".to_owned(),
    )));
    assert_eq!(*walk.state(), State::Checked, "nobody approved");
    let asked = walk.send(Event::AskApproval);
    assert!(matches!(
        asked[..],
        [Order::Record(..), Order::PublishApproval(_, 1, Some(_))]
    ));
    let looked = walk.wait(Duration::from_secs(1));
    assert!(matches!(looked[..], [Order::ReadFacts(..)]));
    let soon = walk.wait(Duration::from_secs(4));
    assert!(soon.is_empty(), "it is looked for every few seconds");
    let later = walk.wait(Duration::from_secs(1));
    assert!(matches!(later[..], [Order::ReadFacts(..)]));
    let mut own = facts();
    own.approvals = vec![approval(&two, "mara@example.com", walk.now)];
    walk.send(Event::FactsRead(walk.round, Box::new(own)));
    walk.wait(Duration::from_secs(1));
    assert_eq!(
        *walk.state(),
        State::AwaitingApproval,
        "one's own does not count"
    );
    let mut others = facts();
    others.approvals = vec![approval(&two, "dana@example.com", walk.now)];
    walk.send(Event::FactsRead(walk.round, Box::new(others.clone())));
    walk.wait(Duration::from_secs(1));
    assert_eq!(*walk.state(), State::Checked);
    let word = Confirmation::Typed("checkout-api".to_owned());
    assert!(is_dispatch(&walk.arm(&two, others.clone(), word.clone())));

    // The same approval for a plan that came out otherwise.
    let mut walk = Walk::new();
    walk.plan(&two, others.clone());
    let mut changed = two.clone();
    changed.targets[0].uid = Some("78".to_owned());
    walk.arm(&changed, others.clone(), word);
    assert_eq!(*walk.state(), State::Requested, "planned again");
    walk.planned(&changed, others);
    let lacking = walk.send(Event::Confirm(Confirmation::Typed(
        "checkout-api".to_owned(),
    )));
    assert!(lacking.is_empty());
    assert_eq!(*walk.state(), State::Checked);
}

#[test]
fn nobody_approves_for_ever() {
    let mut walk = Walk::new();
    walk.plan(&plan(Risk::R2, Direction::Reduces), facts());
    walk.send(Event::AskApproval);
    walk.wait(super::APPROVAL_LIMIT + Duration::from_secs(1));
    assert_eq!(*walk.state(), State::Ended(End::Expired));
}

#[test]
fn effort_grows_with_risk() {
    let code = plan(Risk::R3, Direction::Reduces)
        .digest()
        .code()
        .to_owned();
    let typed = |text: &str| Confirmation::Typed(text.to_owned());
    let both = format!("checkout-api {code}");
    for (risk, effort, enough, lacking) in [
        (Risk::R1, Effort::Yes, Confirmation::Yes, None),
        (
            Risk::R2,
            Effort::Word,
            typed("checkout-api"),
            Some(Confirmation::Yes),
        ),
        (
            Risk::R2,
            Effort::Word,
            typed(" checkout-api "),
            Some(typed("checkout")),
        ),
        (
            Risk::R3,
            Effort::WordAndCode,
            typed(&both),
            Some(typed("checkout-api")),
        ),
    ] {
        let plan = plan(risk, Direction::Reduces);
        let mut approved = facts();
        approved.approvals = ["dana@example.com", "ilya@example.com"]
            .map(|who| approval(&plan, who, at(0)))
            .to_vec();
        let mut walk = Walk::new();
        walk.plan(&plan, approved);
        assert_eq!(walk.pipeline.effort().map(|e| e.0), Some(effort));
        if let Some(lacking) = lacking {
            walk.send(Event::Confirm(lacking));
            assert_eq!(*walk.state(), State::Checked, "{risk:?}");
        }
        walk.send(Event::Confirm(enough));
        assert_eq!(*walk.state(), State::Armed, "{risk:?}");
    }
}

#[test]
fn a_name_that_may_look_like_another_is_armed_by_its_code() {
    let mut plan = plan(Risk::R2, Direction::Reduces);
    plan.targets[0].word = line("сheckout");
    let mut walk = Walk::new();
    walk.plan(&plan, facts());
    let code = plan.digest().code().to_owned();
    assert_eq!(walk.pipeline.effort(), Some((Effort::Word, code)));
}

#[test]
fn escape_ends_the_countdown() {
    let mut walk = Walk::new();
    walk.plan(&small(), facts());
    walk.send(Event::Confirm(Confirmation::Yes));
    walk.send(Event::Cancel);
    assert_eq!(*walk.state(), State::Ended(End::Cancelled));
    let again = Ok(Box::new(small()));
    walk.send(Event::Rechecked(walk.round, again, Box::new(facts())));
    assert!(walk.wait(COUNTDOWN).is_empty());
}

#[test]
fn answers_to_earlier_questions_are_dropped() {
    let mut walk = Walk::new();
    walk.plan(&small(), facts());
    walk.send(Event::Confirm(Confirmation::Yes));
    let old = Ok(Box::new(small()));
    walk.send(Event::Rechecked(walk.round - 1, old, Box::new(facts())));
    assert!(walk.wait(COUNTDOWN).is_empty(), "it was not read again");
}

#[test]
fn a_check_that_got_old_is_made_again() {
    let mut walk = Walk::new();
    walk.plan(&small(), facts());
    walk.send(Event::Confirm(Confirmation::Yes));
    let again = Ok(Box::new(small()));
    walk.send(Event::Rechecked(walk.round, again, Box::new(facts())));
    let late = walk.wait(Duration::from_secs(30));
    assert!(matches!(late[..], [Order::Recheck(..)]), "{late:?}");
    let again = Ok(Box::new(small()));
    let now = walk.send(Event::Rechecked(walk.round, again, Box::new(facts())));
    assert!(is_dispatch(&now));
}

#[test]
fn a_plan_that_got_old_is_made_again_and_keeps_its_approvals_if_it_is_the_same() {
    let mut walk = Walk::new();
    walk.plan(&plan(Risk::R2, Direction::Reduces), facts());
    walk.send(Event::AskApproval);
    let orders = walk.wait(Duration::from_secs(301));
    assert!(matches!(orders[..], [Order::Plan(..)]), "{orders:?}");
    let same = plan(Risk::R2, Direction::Reduces);
    walk.send(Event::Planned(walk.round, Ok(Box::new(same.clone()))));
    assert_eq!(*walk.state(), State::AwaitingApproval);
    walk.wait(Duration::from_secs(301));
    let mut other = same;
    other.targets[0].uid = None;
    walk.send(Event::Planned(walk.round, Ok(Box::new(other))));
    assert_eq!(*walk.state(), State::Planned);
}

#[test]
fn what_changed_at_the_server_is_planned_again() {
    let mut walk = dispatched();
    let how = Dispatched::Refused {
        done: 0,
        refusal: Some(Refusal::Changed),
        why: line("409"),
    };
    let orders = walk.send(Event::Dispatched(Part::Forward, how));
    assert!(matches!(orders[..], [Order::Resolve(_, _, Some(_))]));
    walk.planned(&small(), facts());
    assert_eq!(
        *walk.state(),
        State::Checked,
        "it has to be confirmed again"
    );
    assert!(walk.wait(COUNTDOWN).is_empty());
}

#[test]
fn in_doubt_is_held_until_somebody_knows() {
    let doubt = Dispatched::InDoubt {
        step: 0,
        why: line("the answer was cut off"),
    };
    let mut walk = dispatched();
    let orders = walk.send(Event::Dispatched(Part::Forward, doubt.clone()));
    assert!(matches!(orders[..], [Order::Inspect(_, Part::Forward, 0)]));
    assert!(
        walk.send(Event::Inspected(Found::Unknown(line("no mark"))))
            .is_empty()
    );
    assert!(matches!(walk.state(), State::InDoubt { .. }));
    assert!(
        walk.wait(Duration::from_hours(1)).is_empty(),
        "no time ends it"
    );
    let decided = walk.send(Event::Decided(Found::Applied, line("seen in the log")));
    assert!(matches!(
        decided[..],
        [Order::Record(_, Entry::Decided { .. }), Order::Verify(..)]
    ));

    let mut walk = dispatched();
    walk.send(Event::Dispatched(Part::Forward, doubt));
    walk.send(Event::Inspected(Found::NotApplied));
    assert_eq!(
        *walk.state(),
        State::Ended(End::Refused),
        "it is not sent again by itself"
    );
}

fn watched(revert: Revert) -> Walk {
    let mut walk = Walk::new();
    for rule in &mut walk.policy.rules {
        rule.verify = VerifyRule {
            soak: Some(Duration::from_mins(5)),
            abort_if: Some(Comparison::above(Input::BurnShort, 2.0)),
            revert,
        };
    }
    walk.plan(&small(), facts());
    walk.arm(&small(), facts(), Confirmation::Yes);
    walk.send(Event::Dispatched(Part::Forward, Dispatched::Applied));
    walk
}

#[test]
fn what_does_not_work_is_taken_back_once() {
    let mut walk = watched(Revert::Auto);
    let orders = walk.send(Event::Verified(Part::Forward, Err(line("stuck"))));
    assert!(matches!(&orders[..], [Order::Dispatch(a)] if a.part() == Part::Reverse));
    walk.send(Event::Dispatched(Part::Reverse, Dispatched::Applied));
    walk.send(Event::Verified(Part::Reverse, Err(line("stuck, too"))));
    assert_eq!(*walk.state(), State::Ended(End::NeedsPerson));
    assert!(
        walk.send(Event::Revert(Confirmation::Yes)).is_empty(),
        "once"
    );

    let mut walk = watched(Revert::Offer);
    walk.send(Event::Verified(Part::Forward, Err(line("stuck"))));
    assert_eq!(*walk.state(), State::Ended(End::NeedsPerson));
    assert!(walk.pipeline.may_revert());
    let orders = walk.send(Event::Revert(Confirmation::Yes));
    assert!(matches!(&orders[..], [Order::Dispatch(a)] if a.part() == Part::Reverse));
}

#[test]
fn the_burn_is_watched_and_no_data_is_no_verdict() {
    let soaking = || {
        let mut walk = watched(Revert::Auto);
        walk.send(Event::Verified(Part::Forward, Ok(())));
        assert!(matches!(walk.state(), State::Soaking(_)));
        walk
    };
    let mut walk = soaking();
    walk.wait(Duration::from_mins(6));
    assert_eq!(*walk.state(), State::Ended(End::Verified));

    let mut walk = soaking();
    walk.burn = burning(9.0);
    let orders = walk.wait(Duration::from_secs(30));
    assert!(matches!(&orders[..], [Order::Dispatch(a)] if a.part() == Part::Reverse));

    let mut walk = soaking();
    walk.burn = Reading::Unknown(line("no data"));
    assert!(
        walk.wait(Duration::from_secs(30)).is_empty(),
        "blind is no reason to revert"
    );
    walk.wait(Duration::from_mins(6));
    assert_eq!(*walk.state(), State::Ended(End::NeedsPerson));
}

#[test]
fn without_a_way_back_none_is_offered() {
    let mut plan = small();
    plan.reverse = Reverse::None(line("a restart cannot be undone"));
    let mut walk = Walk::new();
    walk.plan(&plan, facts());
    walk.arm(&plan, facts(), Confirmation::Yes);
    walk.send(Event::Dispatched(Part::Forward, Dispatched::Applied));
    assert!(!walk.pipeline.may_revert());
    assert!(walk.send(Event::Revert(Confirmation::Yes)).is_empty());
}

#[test]
fn panic_and_a_lost_line_let_nothing_new_begin() {
    for event in [Event::Panic, Event::HangUp, Event::Cancel] {
        let mut walk = Walk::new();
        walk.plan(&small(), facts());
        walk.send(Event::Confirm(Confirmation::Yes));
        walk.send(event.clone());
        assert!(walk.pipeline.is_over(), "{event:?}");
        let mut walk = dispatched();
        assert!(
            matches!(walk.send(event.clone())[..], [Order::Stop]),
            "{event:?}"
        );
    }
}

#[test]
fn limits_go_by_the_steady_clock() {
    let mut walk = Walk::new();
    walk.plan(&small(), facts());
    walk.send(Event::Confirm(Confirmation::Yes));
    let again = Ok(Box::new(small()));
    walk.send(Event::Rechecked(walk.round, again, Box::new(facts())));
    for days in [-1, 1] {
        walk.now.wall += chrono::TimeDelta::days(days);
        assert!(
            walk.send(Event::Tick).is_empty(),
            "a day of the wall clock is no countdown"
        );
    }
    assert!(is_dispatch(&walk.wait(COUNTDOWN)));
}

#[test]
fn many_targets_go_one_then_a_tenth_then_in_batches() {
    let mut many = plan(Risk::R1, Direction::Reduces);
    many.steps = vec![many.steps[0].clone(); 45];
    let mut walk = Walk::new();
    for rule in &mut walk.policy.rules {
        rule.limits.batch = Some(10);
        rule.limits.targets = None;
    }
    walk.plan(&many, facts());
    let orders = walk.arm(&many, facts(), Confirmation::Yes);
    let [Order::Dispatch(approved)] = &orders[..] else {
        unreachable!("{orders:?}");
    };
    let sizes: Vec<usize> = approved
        .batches()
        .iter()
        .map(ExactSizeIterator::len)
        .collect();
    assert_eq!(sizes, [1, 4, 10, 10, 10, 10]);
}
