//! How do the rules come to a judgement? Part of [`super`].
//!
//! Every rule that is about the plan is gone through, in order, and says with which inputs it came to its
//! finding. One that denies cannot be outvoted, and a hard denial stands behind a soft one: who may pass
//! the soft one has not passed the hard one. A target that no rule covers is denied.

use super::reading::{Asked, Outcome, Part};
use super::{
    Judgement, Level, Limits, Mode, Policy, PolicyFacts, Require, Rule, RuleFinding, RuleVerdict,
    VerifyRule,
};
use crate::domain::plan::Plan;
use crate::domain::text::{Untrusted, shown};

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "judge_fuzz_tests.rs"]
mod fuzz_tests;

/// The name of the finding that no rule stands behind.
const NO_RULE: &str = "no rule";

pub(super) fn judge(policy: &Policy, plan: &Plan, facts: &PolicyFacts) -> Judgement {
    let asked = Asked {
        windows: &policy.windows,
        plan,
        facts,
    };
    let is_about = |rule: &&Rule| rule.matches.mismatch(plan).is_none();
    let matching: Vec<&Rule> = policy.rules.iter().filter(is_about).collect();
    let mut findings: Vec<RuleFinding> =
        matching.iter().map(|rule| finding(&asked, rule)).collect();
    findings.extend(uncovered(policy, plan));
    findings.extend(two_roles(&matching));
    if policy.mode == Mode::Warn {
        for finding in &mut findings {
            if rank(finding.verdict) > rank(RuleVerdict::Warns) {
                finding.verdict = RuleVerdict::Warns;
            }
        }
    }
    let worst = findings.iter().map(|finding| finding.verdict);
    let (mut require, mut limits) = (Require::default(), Limits::default());
    for rule in &matching {
        require.join(&rule.require);
        limits.join(&rule.limits);
    }
    let mut watched = matching.iter().map(|rule| &rule.verify);
    Judgement {
        verdict: worst
            .max_by_key(|v| rank(*v))
            .unwrap_or(RuleVerdict::Denies),
        findings,
        require,
        limits,
        verify: watched
            .find(|verify| **verify != VerifyRule::default())
            .cloned()
            .unwrap_or_default(),
        mode: policy.mode,
    }
}

/// What one rule says of a plan that it is about.
fn finding(asked: &Asked<'_>, rule: &Rule) -> RuleFinding {
    let compared = rule.deny_if.iter().map(|c| asked.compare(rule, c));
    let mut parts: Vec<Part> = compared.collect();
    parts.extend(asked.within(&rule.limits));
    parts.extend(asked.demands(&rule.require));
    let worst = parts.iter().map(|part| part.outcome).max();
    let verdict = match worst.unwrap_or(Outcome::Fine) {
        Outcome::Fine => RuleVerdict::Passes,
        Outcome::Unclear => RuleVerdict::Warns,
        Outcome::Denied => match rule.level.unwrap_or(Level::Hard) {
            Level::Advisory => RuleVerdict::Warns,
            Level::Soft => RuleVerdict::DeniesSoftly,
            Level::Hard => RuleVerdict::Denies,
        },
    };
    // Who is denied wants to know by what, not what else was fine.
    let told = parts.iter().filter(|part| Some(part.outcome) == worst);
    let mut told: Vec<String> = told.map(|part| part.words.clone()).collect();
    if worst != Some(Outcome::Denied) {
        let asks = rule.require.words();
        told.extend(asks.map(|asks| format!("asks for {asks}")));
    }
    if told.is_empty() {
        told.push("it asks for nothing".to_owned());
    }
    let mut words = told.join("; ");
    if let (Some(Outcome::Denied), Some(because)) = (worst, &rule.because) {
        words = format!("{words}: {}", shown(because));
    }
    RuleFinding {
        rule: Untrusted::line(&rule.id),
        verdict,
        words: Untrusted::line(&words),
    }
}

/// A denial where a target is covered by no rule.
fn uncovered(policy: &Policy, plan: &Plan) -> Option<RuleFinding> {
    let covered = |target| {
        let mut rules = policy.rules.iter();
        rules.any(|rule| rule.matches.covers(plan, target))
    };
    let words = match plan.targets.iter().find(|target| !covered(target)) {
        Some(target) => {
            let (action, name) = (shown(&plan.request.action), &target.name);
            let (risk, direction) = (plan.risk.word(), plan.direction.word());
            format!(
                "no rule of {} is about {action} on {name} ({risk}, {direction}): what no rule is \
                 about is denied",
                policy.name
            )
        }
        None if plan.targets.is_empty() => "the plan has no target".to_owned(),
        None => return None,
    };
    Some(denial(&words))
}

/// A denial where rules want approvals of different roles: one list of approvals cannot be both.
fn two_roles(matching: &[&Rule]) -> Option<RuleFinding> {
    let mut wanting = matching.iter().filter_map(|rule| {
        let role = rule.require.role.as_ref()?;
        (rule.require.approvals > 0).then_some((rule, role))
    });
    let (first, role) = wanting.next()?;
    let (second, other) = wanting.find(|(_, other)| *other != role)?;
    let [role, other, first, second] = [role, other, &first.id, &second.id].map(|text| shown(text));
    Some(denial(&format!(
        "{first} wants approvals by role {role} and {second} by role {other}: let one of the two rules \
         not match"
    )))
}

fn denial(words: &str) -> RuleFinding {
    RuleFinding {
        rule: Untrusted::line(NO_RULE),
        verdict: RuleVerdict::Denies,
        words: Untrusted::line(words),
    }
}

/// What stops more, stands higher.
fn rank(verdict: RuleVerdict) -> u8 {
    match verdict {
        RuleVerdict::Passes => 0,
        RuleVerdict::Warns => 1,
        RuleVerdict::DeniesSoftly => 2,
        RuleVerdict::Denies => 3,
    }
}
