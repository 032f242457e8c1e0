//! How does an action get from request to end without a screen?
//!
//! Drives the pipeline of [`crate::domain::guard`] with the orders of which [`crate::control`] takes care,
//! one after another. Called by `quell action`. It confirms only what the command line confirms.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Clock;
use crate::control::{Control, StopFlag};
use crate::domain::action::ActionRequest;
use crate::domain::guard::{
    Confirmation, Event, Facts, Finding, Grounds, Moment, Order, Pipeline, State,
};
use crate::domain::plan::{Digest, Plan};
use crate::domain::policy::{BurnReading, Policy, Reading};
use crate::domain::text::Untrusted;

/// Between two looks at the time.
const TICK: Duration = Duration::from_millis(250);
/// Events that may wait.
const INBOX: usize = 1_024;
/// The burn is asked again this often while it is watched.
const BURN_EVERY: Duration = Duration::from_secs(15);

/// What the command line says of how far to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Up to what the guard says.
    Check,
    /// To the end.
    End {
        /// Given on the command line; none means that nobody confirms.
        confirmation: Option<Confirmation>,
        /// Whether approvals are waited for.
        approvals: Approvals,
    },
}

/// Whether approvals are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approvals {
    /// They are.
    Awaited,
    /// They are asked for, and that is all.
    AskedFor,
}

/// Asks how fast the budgets burn that a plan is about; `None` before there is a plan.
pub trait AskBurn {
    /// As of now.
    fn ask(&self, plan: Option<&Plan>) -> impl Future<Output = Reading<BurnReading>>;
}

/// What drives.
pub struct Driver<'a, B> {
    /// Performs orders.
    pub control: &'a Control,
    /// The rules.
    pub policy: &'a Policy,
    /// Asks for the burn.
    pub burn: B,
    /// Tells the time.
    pub clock: Clock,
    /// Takes what happens, at once.
    pub tell: &'a mut dyn FnMut(Told<'_>),
}

/// What is told while it is driven.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    /// There is a plan, or another one, and this is what the guard says of it.
    Plan(&'a Plan, &'a [Finding]),
    /// Something happened.
    Line(&'a str),
}

/// How it went.
#[derive(Debug)]
pub struct Driven {
    /// Where it is now.
    pub pipeline: Pipeline,
    /// Every gate, as last looked at before anything was sent.
    pub gates: Vec<Finding>,
}

impl<B: AskBurn> Driver<'_, B> {
    /// Drives to the goal, or as far as it gets.
    pub async fn drive(mut self, request: ActionRequest, goal: &Goal) -> Driven {
        let began = Instant::now();
        let clock = self.clock;
        let moment = || Moment {
            wall: clock(),
            steady: began.elapsed(),
        };
        let (events_in, mut events) = mpsc::channel(INBOX);
        let stop = StopFlag::default();
        let mut ends = Ends::listen();
        let mut burn = self.burn.ask(None).await;
        let mut burn_asked = Instant::now();
        let mut pipeline = Pipeline::new(request, Duration::ZERO, moment());
        let mut gates = Vec::new();
        let mut is_confirmed = false;
        let mut teller = Teller::default();
        let mut waiting = VecDeque::from([Event::Begin]);
        loop {
            while let Some(event) = waiting.pop_front() {
                let knows_plan = matches!(event, Event::Planned(..));
                let is_sample = matches!(event, Event::Sample(_));
                let grounds = Grounds {
                    policy: self.policy,
                    burn: &burn,
                    now: moment(),
                };
                let orders = pipeline.handle(event, &grounds);
                // A denial ends it at once: then they say why.
                let is_waiting = !pipeline.is_under_way() && !pipeline.is_over();
                if is_waiting || gates.is_empty() {
                    gates = pipeline.gates(&grounds);
                }
                teller.tell(&pipeline, &gates, is_sample, self.tell);
                if knows_plan {
                    burn = self.burn.ask(pipeline.plan().map(|plan| &**plan)).await;
                }
                for order in orders {
                    self.perform(
                        order,
                        &stop,
                        &events_in,
                        &mut events,
                        &mut waiting,
                        (&mut ends, &mut teller),
                    )
                    .await;
                }
            }
            if is_reached(&pipeline, goal) || pipeline.is_over() {
                return Driven { pipeline, gates };
            }
            if let State::InDoubt { .. } = pipeline.state() {
                return Driven { pipeline, gates };
            }
            if let Some(event) = next_step(&pipeline, goal, &gates) {
                if matches!(event, Event::Confirm(_)) {
                    // What was confirmed is what stood there then: whoever undoes does not want to undo the
                    // undo of somebody who was faster. And nobody confirms a hundred refusals in a row.
                    if is_confirmed {
                        return Driven { pipeline, gates };
                    }
                    is_confirmed = true;
                    burn = self.burn.ask(pipeline.plan().map(|plan| &**plan)).await;
                    burn_asked = Instant::now();
                }
                waiting.push_back(event);
                continue;
            }
            if matches!(pipeline.state(), State::Soaking(_)) && burn_asked.elapsed() >= BURN_EVERY {
                burn = self.burn.ask(pipeline.plan().map(|plan| &**plan)).await;
                burn_asked = Instant::now();
            }
            tokio::select! {
                () = ends.next() => waiting.push_back(Event::HangUp),
                () = tokio::time::sleep(TICK) => waiting.push_back(Event::Tick),
            }
        }
    }

    /// Performs one order and takes what it tells meanwhile.
    async fn perform(
        &mut self,
        order: Order,
        stop: &StopFlag,
        events_in: &mpsc::Sender<Event>,
        events: &mut mpsc::Receiver<Event>,
        waiting: &mut VecDeque<Event>,
        (ends, teller): (&mut Ends, &mut Teller),
    ) {
        let performed = self.control.perform(order, stop, events_in);
        tokio::pin!(performed);
        loop {
            tokio::select! {
                biased;
                Some(event) = events.recv() => {
                    if let Event::Sample(words) = &event {
                        teller.line(words.shown(), self.tell);
                    }
                    waiting.push_back(event);
                }
                () = ends.next() => {
                    stop.raise();
                    teller.line("stops after this step", self.tell);
                }
                () = &mut performed => break,
            }
        }
        while let Ok(event) = events.try_recv() {
            if let Event::Sample(words) = &event {
                teller.line(words.shown(), self.tell);
            }
            waiting.push_back(event);
        }
    }
}

/// Tells everything once.
#[derive(Default)]
struct Teller {
    /// The last line of the trail that was seen.
    seen: Option<(Moment, Untrusted)>,
    /// The last line that was told.
    last: String,
    /// The plan that was shown.
    plan: Option<Digest>,
}

impl Teller {
    /// What an event changed. The end is told by who asked for it, and a sample was told as it came.
    fn tell(
        &mut self,
        pipeline: &Pipeline,
        gates: &[Finding],
        is_sample: bool,
        tell: &mut dyn FnMut(Told<'_>),
    ) {
        if let (Some(plan), Some(digest)) = (pipeline.plan(), pipeline.digest())
            && !gates.is_empty()
            && self.plan.as_ref() != Some(digest)
            && !pipeline.is_under_way()
        {
            tell(Told::Plan(plan, gates));
            self.plan = Some(digest.clone());
        }
        let trail = pipeline.trail();
        let newer = trail.iter().rev();
        let newer = newer.take_while(|line| Some(*line) != self.seen.as_ref());
        let newer: Vec<&(Moment, Untrusted)> = newer.collect();
        self.seen = trail.last().cloned();
        if is_sample {
            return;
        }
        let is_end = usize::from(pipeline.is_over());
        for (_, words) in newer.into_iter().skip(is_end).rev() {
            self.line(words.shown(), tell);
        }
    }

    fn line(&mut self, words: &str, tell: &mut dyn FnMut(Told<'_>)) {
        if self.last != words {
            tell(Told::Line(words));
            words.clone_into(&mut self.last);
        }
    }
}

fn is_reached(pipeline: &Pipeline, goal: &Goal) -> bool {
    let (is_confirmed, approvals) = match goal {
        Goal::Check => (false, Approvals::Awaited),
        Goal::End {
            confirmation,
            approvals,
        } => (confirmation.is_some(), *approvals),
    };
    match pipeline.state() {
        State::Checked => !is_confirmed,
        State::AwaitingApproval => approvals == Approvals::AskedFor,
        _ => false,
    }
}

fn next_step(pipeline: &Pipeline, goal: &Goal, gates: &[Finding]) -> Option<Event> {
    let Goal::End {
        confirmation: Some(confirmation),
        ..
    } = goal
    else {
        return None;
    };
    if *pipeline.state() != State::Checked {
        return None;
    }
    let direction = pipeline.plan()?.direction;
    let lacks_approval = gates.iter().any(|finding| {
        finding.gate == crate::domain::guard::Gate::Approvals && !finding.lets_through(direction)
    });
    Some(if lacks_approval {
        Event::AskApproval
    } else {
        Event::Confirm(confirmation.clone())
    })
}

/// The signals after which nothing new begins.
struct Ends(Vec<Signal>);

impl Ends {
    fn listen() -> Self {
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        Self(
            kinds
                .into_iter()
                .filter_map(|kind| signal(kind).ok())
                .collect(),
        )
    }

    async fn next(&mut self) {
        let all = self.0.iter_mut().map(|signal| Box::pin(signal.recv()));
        let all: Vec<_> = all.collect();
        if all.is_empty() {
            return std::future::pending().await;
        }
        futures_util::future::select_all(all).await;
    }
}

/// What the facts say that a person should know, in words.
#[must_use]
pub fn rejected(facts: Option<&Facts>) -> Vec<String> {
    let rejected = facts.map(|facts| facts.rejected.as_slice());
    let rejected = rejected.unwrap_or_default().iter();
    rejected.map(|why| why.shown().to_owned()).collect()
}
