//! What has to be true before anything is sent?
//!
//! Every [`Gate`] is looked at each time, none is skipped, and all of them have to hold: [`approve`] is the
//! only place where an [`Approved`] is made. Part of [`super`].

use std::sync::Arc;
use std::time::Duration;

use super::{CHECK_HOLDS, CLOCKS_AGREE_SECS, Facts, Moment};
use crate::domain::action::{Direction, Risk};
use crate::domain::approval::{Approval, different_people};
use crate::domain::plan::{Digest, DryVerdict, Grade, Holds, Part, Plan, Reverse};
use crate::domain::policy::{Judgement, Mode, Policy, Require, RuleVerdict};
use crate::domain::text::Untrusted;

/// A permission to send the writes of one part of one plan, once. Only [`approve`] makes one, and
/// `control` consumes it.
#[derive(Debug)]
pub struct Approved {
    plan: Arc<Plan>,
    digest: Digest,
    part: Part,
    batch: usize,
    max_failures: u32,
    /// Nothing outside of this module can make one.
    _sealed: Sealed,
}

#[derive(Debug)]
struct Sealed;

impl Approved {
    /// What may be done.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The plan's digest.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Forward or back.
    #[must_use]
    pub fn part(&self) -> Part {
        self.part
    }

    /// The ranges of steps that may be under way together: one as a canary, then a tenth, then the
    /// policy's batch at a time. Each has to work before the next begins.
    #[must_use]
    pub fn batches(&self) -> Vec<std::ops::Range<usize>> {
        let all = self.plan.steps_of(self.part).len();
        let mut ranges = Vec::new();
        let mut from = 0;
        while from < all {
            let most = match ranges.len() {
                0 => 1,
                1 => (all / 10).max(1),
                _ => all,
            };
            let to = (from + most.min(self.batch.max(1))).min(all);
            ranges.push(from..to);
            from = to;
        }
        ranges
    }

    /// After so many failed steps nothing more is sent.
    #[must_use]
    pub fn max_failures(&self) -> u32 {
        self.max_failures
    }
}

/// How the requester confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// By a key.
    Yes,
    /// By typing.
    Typed(String),
    /// On a command line, where the target was typed already; with a further word or none.
    CommandLine(Option<String>),
}

/// What has to be done to confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// A key.
    Yes,
    /// The target's name.
    Word,
    /// The target's name and the plan's code.
    WordAndCode,
}

/// Something that has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gate {
    /// Nobody pressed the panic key here.
    NoPanic,
    /// What is done can be recorded.
    Journal,
    /// The plan was made again just now and is still the same.
    Rechecked,
    /// The dry run took it.
    DryRun,
    /// What the plan needs holds.
    Preconditions,
    /// Clocks agree.
    Clocks,
    /// Nobody else is at it.
    NobodyElse,
    /// The policy lets it pass.
    Policy,
    /// Enough people have approved exactly this.
    Approvals,
    /// The requester confirmed, with the effort that it takes.
    Confirmed,
    /// The countdown is over.
    Countdown,
    /// There is something to take it back with. Only for the way back.
    Reverse,
}

impl Gate {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NoPanic => "nobody pressed panic",
            Self::Journal => "the journal takes records",
            Self::Rechecked => "nothing changed since the plan",
            Self::DryRun => "the dry run was accepted",
            Self::Preconditions => "what it needs holds",
            Self::Clocks => "the clocks agree",
            Self::NobodyElse => "nobody else is at it",
            Self::Policy => "the policy lets it pass",
            Self::Approvals => "others approved",
            Self::Confirmed => "you confirmed",
            Self::Countdown => "the countdown is over",
            Self::Reverse => "it can be taken back",
        }
    }
}

/// What came of a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub gate: Gate,
    /// Whether it holds. `Unknown` keeps what adds risk out, and is said otherwise.
    pub state: Holds,
    /// With which inputs.
    pub words: Untrusted,
}

impl Finding {
    /// Why it stops a plan: what was found, and what it takes.
    #[must_use]
    pub fn denial(&self) -> String {
        format!("{} (it takes: {})", self.words.raw(), self.gate.words())
    }

    /// Whether it lets a plan of this direction through.
    #[must_use]
    pub fn lets_through(&self, direction: Direction) -> bool {
        match self.state {
            Holds::Yes | Holds::Warns => true,
            Holds::No => false,
            Holds::Unknown => direction != Direction::Adds,
        }
    }
}

/// Everything that is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What would be done.
    pub plan: &'a Arc<Plan>,
    /// Its digest.
    pub digest: &'a Digest,
    /// Forward or back.
    pub part: Part,
    /// What the policy says of it, on fresh inputs.
    pub judgement: &'a Judgement,
    /// What is around it, read with the last check.
    pub facts: &'a Facts,
    /// How it was confirmed; none where it was not yet.
    pub confirmation: Option<&'a Confirmation>,
    /// When the plan was last made again with the same digest, by the steady clock.
    pub rechecked: Option<Duration>,
    /// When the countdown is over, by the steady clock; none while it is not armed.
    pub armed_until: Option<Duration>,
    /// The rules.
    pub policy: &'a Policy,
    /// The time.
    pub now: Moment,
}

/// What it takes to confirm a plan.
#[must_use]
pub fn effort(risk: Risk, require: &Require) -> Effort {
    let by_risk = match risk {
        Risk::R0 | Risk::R1 => Effort::Yes,
        Risk::R2 => Effort::Word,
        Risk::R3 => Effort::WordAndCode,
    };
    if require.typed_name {
        by_risk.max(Effort::Word)
    } else {
        by_risk
    }
}

/// What has to be typed for a plan. Names that are not plain ASCII can look like others: then the code
/// alone counts.
#[must_use]
pub fn expected(plan: &Plan, digest: &Digest, effort: Effort) -> String {
    let word = plan.word();
    let is_plain = !word.is_empty() && word.bytes().all(|b| b.is_ascii_graphic());
    match (effort, is_plain) {
        (Effort::Yes, _) => String::new(),
        (Effort::Word, true) => word.to_owned(),
        (Effort::WordAndCode, true) => format!("{word} {}", digest.code()),
        (_, false) => digest.code().to_owned(),
    }
}

impl Confirmation {
    /// Whether it is enough.
    #[must_use]
    pub fn is_enough(&self, plan: &Plan, digest: &Digest, effort: Effort) -> bool {
        match self {
            Self::Yes => effort == Effort::Yes,
            Self::Typed(text) => {
                effort == Effort::Yes || text.trim() == expected(plan, digest, effort)
            }
            Self::CommandLine(word) => {
                effort < Effort::WordAndCode
                    || word.as_deref().is_some_and(|word| word == plan.word())
            }
        }
    }
}

/// Every gate of a case, in the order in which a person reads them.
#[must_use]
pub fn gates(case: &Case<'_>) -> Vec<Finding> {
    let mut found = vec![no_panic(case), journal(case)];
    match case.part {
        Part::Forward => {
            found.extend([
                dry_run(case),
                clocks(case),
                nobody_else(case),
                policy(case),
                approvals(case),
                rechecked(case),
            ]);
            found.extend(preconditions(case));
            found.extend([confirmed(case), countdown(case)]);
        }
        // It was approved with the plan, and the world has changed since by what it takes back.
        Part::Reverse => found.extend([reverse(case), confirmed(case)]),
    }
    found
}

/// Lets a plan through, if every gate holds.
///
/// # Errors
/// The gates that do not.
pub fn approve(case: &Case<'_>) -> Result<Approved, Vec<Finding>> {
    let direction = match case.part {
        Part::Forward => case.plan.direction,
        Part::Reverse => Direction::Reduces,
    };
    let broken: Vec<Finding> = gates(case)
        .into_iter()
        .filter(|finding| !finding.lets_through(direction))
        .collect();
    if !broken.is_empty() {
        return Err(broken);
    }
    let limits = &case.judgement.limits;
    Ok(Approved {
        plan: Arc::clone(case.plan),
        digest: case.digest.clone(),
        part: case.part,
        batch: limits.batch.map_or(1, |n| usize::try_from(n).unwrap_or(1)),
        max_failures: limits.max_failures.unwrap_or(1).max(1),
        _sealed: Sealed,
    })
}

fn finding(gate: Gate, state: Holds, words: &str) -> Finding {
    Finding {
        gate,
        state,
        words: Untrusted::line(words),
    }
}

fn no_panic(case: &Case<'_>) -> Finding {
    match &case.facts.panic {
        None => finding(Gate::NoPanic, Holds::Yes, "off"),
        Some(who) => finding(Gate::NoPanic, Holds::No, &format!("panic is on: {who}")),
    }
}

fn journal(case: &Case<'_>) -> Finding {
    match &case.facts.journal_trouble {
        None => finding(Gate::Journal, Holds::Yes, "writable"),
        Some(why) => finding(Gate::Journal, Holds::No, why.raw()),
    }
}

fn dry_run(case: &Case<'_>) -> Finding {
    let run = &case.plan.dry_run;
    let grade = run.grade.word();
    match &run.verdict {
        DryVerdict::Accepted => {
            let words = format!("{grade}: {}", run.grade.meaning());
            finding(Gate::DryRun, Holds::Yes, &words)
        }
        DryVerdict::Refused(why) => {
            let words = format!("{grade}: refused: {}", why.raw());
            finding(Gate::DryRun, Holds::No, &words)
        }
        DryVerdict::NotRun(why) if run.grade >= Grade::C => {
            let words = format!("{grade}: {}", why.raw());
            finding(Gate::DryRun, Holds::Warns, &words)
        }
        DryVerdict::NotRun(why) => {
            let words = format!("{grade}: not run: {}", why.raw());
            finding(Gate::DryRun, Holds::Unknown, &words)
        }
    }
}

fn clocks(case: &Case<'_>) -> Finding {
    match case.plan.server_ahead_secs {
        None => finding(Gate::Clocks, Holds::Yes, "no server told its time"),
        Some(apart) if apart.abs() <= CLOCKS_AGREE_SECS => {
            finding(Gate::Clocks, Holds::Yes, &format!("{}s apart", apart.abs()))
        }
        Some(apart) => {
            let words = format!(
                "ours and the server's are {}s apart: no window can be judged",
                apart.abs()
            );
            finding(Gate::Clocks, Holds::Unknown, &words)
        }
    }
}

fn nobody_else(case: &Case<'_>) -> Finding {
    match (&case.facts.held_by, &case.facts.holders_unknown) {
        (Some(who), _) => finding(Gate::NobodyElse, Holds::No, who.raw()),
        (None, Some(why)) => finding(Gate::NobodyElse, Holds::Warns, why.raw()),
        (None, None) => finding(Gate::NobodyElse, Holds::Yes, "nobody"),
    }
}

fn policy(case: &Case<'_>) -> Finding {
    let judgement = case.judgement;
    let named = |wanted: fn(RuleVerdict) -> bool| {
        let found = judgement.findings.iter().filter(|f| wanted(f.verdict));
        let words: Vec<String> = found.map(|f| format!("{}: {}", f.rule, f.words)).collect();
        words.join("; ")
    };
    if judgement.mode == Mode::Observe {
        let words = "the policy only observes: nothing is dispatched";
        return finding(Gate::Policy, Holds::No, words);
    }
    match judgement.verdict {
        RuleVerdict::Passes => finding(Gate::Policy, Holds::Yes, &named(|_| true)),
        RuleVerdict::Warns => {
            let words = named(|v| v == RuleVerdict::Warns);
            finding(Gate::Policy, Holds::Warns, &words)
        }
        RuleVerdict::DeniesSoftly if may_override(case) => {
            let words = named(|v| v == RuleVerdict::DeniesSoftly);
            let words = format!("passed by the override role: {words}");
            finding(Gate::Policy, Holds::Warns, &words)
        }
        RuleVerdict::DeniesSoftly | RuleVerdict::Denies => {
            let is_denial = |v| matches!(v, RuleVerdict::Denies | RuleVerdict::DeniesSoftly);
            finding(Gate::Policy, Holds::No, &named(is_denial))
        }
    }
}

/// Soft denials are passed by who has the role for it, and says why.
fn may_override(case: &Case<'_>) -> bool {
    let Some(role) = &case.policy.override_role else {
        return false;
    };
    let mut roles = case.facts.requester.principals.iter();
    let holds = roles.any(|principal| case.policy.roles_of(principal).contains(role));
    holds && case.plan.request.occasion.reason.is_some()
}

/// The approvals of a case that count.
pub(super) fn counted<'a>(case: &Case<'a>) -> Vec<&'a Approval> {
    let Case {
        plan,
        digest,
        policy,
        now,
        facts,
        ..
    } = *case;
    let counts = |approval: &&Approval| {
        let problem = approval.problem(plan, digest, &facts.requester, policy, now.wall);
        let role = &case.judgement.require.role;
        let has_role = role
            .as_ref()
            .is_none_or(|role| approval.statement.role == *role);
        problem.is_none() && has_role
    };
    facts.approvals.iter().filter(counts).collect()
}

fn approvals(case: &Case<'_>) -> Finding {
    let require = &case.judgement.require;
    let needed = require.approvals;
    if needed == 0 {
        return finding(Gate::Approvals, Holds::Yes, "none needed");
    }
    let role = require.role.as_deref();
    let of_role = role.map_or(String::new(), |role| format!(" by role {role}"));
    let counted: Vec<Approval> = counted(case).into_iter().cloned().collect();
    let there = different_people(&counted);
    let names: Vec<&str> = counted.iter().map(|a| a.signer.raw()).collect();
    if there >= needed {
        let words = format!("{}{of_role}", names.join(", "));
        return finding(Gate::Approvals, Holds::Yes, &words);
    }
    if let Some(until) = case.facts.glass_broken_until
        && until > case.now.wall
        && case.plan.request.occasion.reason.is_some()
    {
        return finding(
            Gate::Approvals,
            Holds::Warns,
            "skipped: the glass is broken",
        );
    }
    let words = format!("{there} of {needed}{of_role}, not you");
    finding(Gate::Approvals, Holds::No, &words)
}

fn rechecked(case: &Case<'_>) -> Finding {
    match case.rechecked {
        None => finding(Gate::Rechecked, Holds::No, "read again when it is armed"),
        Some(at) => {
            let age = case.now.steady.saturating_sub(at);
            let words = format!("read again {}s ago", age.as_secs());
            let state = if age <= CHECK_HOLDS {
                Holds::Yes
            } else {
                Holds::No
            };
            finding(Gate::Rechecked, state, &words)
        }
    }
}

fn preconditions<'a>(case: &Case<'a>) -> impl Iterator<Item = Finding> + use<'a> {
    let all = case.plan.preconditions.iter();
    all.map(|one| Finding {
        gate: Gate::Preconditions,
        state: one.state,
        words: Untrusted::line(&format!("{}: {}", one.what.raw(), one.detail.raw())),
    })
}

fn confirmed(case: &Case<'_>) -> Finding {
    let effort = effort(case.plan.risk, &case.judgement.require);
    match case.confirmation {
        Some(given) if given.is_enough(case.plan, case.digest, effort) => {
            finding(Gate::Confirmed, Holds::Yes, "confirmed")
        }
        Some(_) => finding(Gate::Confirmed, Holds::No, "not with what has to be typed"),
        None => finding(Gate::Confirmed, Holds::No, "not yet"),
    }
}

fn countdown(case: &Case<'_>) -> Finding {
    match case.armed_until {
        Some(until) if case.now.steady >= until => finding(Gate::Countdown, Holds::Yes, "over"),
        Some(until) => {
            let left = until.saturating_sub(case.now.steady).as_secs() + 1;
            finding(Gate::Countdown, Holds::No, &format!("{left}s left"))
        }
        None => finding(Gate::Countdown, Holds::No, "not armed"),
    }
}

fn reverse(case: &Case<'_>) -> Finding {
    match &case.plan.reverse {
        Reverse::Steps { what, .. } => finding(Gate::Reverse, Holds::Yes, what.raw()),
        Reverse::None(why) => finding(Gate::Reverse, Holds::No, why.raw()),
    }
}
