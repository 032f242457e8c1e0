//! How does a policy look as JSON? `quell.policy/1`, of three kinds.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::policy_case::Question;
use super::policy_test::Outcome;
use crate::domain::policy::{
    Judgement, Level, Limits, Policy, Require, Rule, RuleFinding, VerifyRule, Window,
};
use crate::domain::text::Untrusted;

pub(super) const SCHEMA: &str = "quell.policy/1";

/// `show`
#[derive(Serialize)]
pub(super) struct ShowDoc<'a> {
    kind: &'static str,
    /// Null where nothing may be done.
    policy: Option<WholeDoc<'a>>,
}

#[derive(Serialize)]
struct WholeDoc<'a> {
    #[serde(flatten)]
    head: HeadDoc<'a>,
    override_role: Option<&'a str>,
    break_glass_role: Option<&'a str>,
    roles: BTreeMap<&'a str, &'a [String]>,
    windows: Vec<WindowDoc<'a>>,
    rules: Vec<RuleDoc<'a>>,
}

#[derive(Serialize)]
struct HeadDoc<'a> {
    name: &'a Untrusted,
    version: &'a Untrusted,
    mode: &'static str,
}

#[derive(Serialize)]
struct WindowDoc<'a> {
    name: &'a str,
    kind: &'static str,
    zone: &'static str,
    is_open: bool,
    open_until: Option<DateTime<Utc>>,
}

#[derive(Serialize)]
struct RuleDoc<'a> {
    id: &'a str,
    level: &'static str,
    about: String,
    deny_if: Vec<String>,
    because: Option<&'a str>,
    require: RequireDoc<'a>,
    limits: LimitsDoc,
    verify: VerifyDoc,
}

#[derive(Serialize)]
struct RequireDoc<'a> {
    approvals: u32,
    role: Option<&'a str>,
    requester_role: Option<&'a str>,
    reason: bool,
    ticket: bool,
    typed_name: bool,
}

#[derive(Serialize)]
struct LimitsDoc {
    targets: Option<u32>,
    percent: Option<u32>,
    count: Option<u32>,
    namespaces: Option<u32>,
    batch: Option<u32>,
    cooldown_secs: Option<u64>,
    max_failures: Option<u32>,
    silence_secs: Option<u64>,
}

#[derive(Serialize)]
struct VerifyDoc {
    soak_secs: Option<u64>,
    abort_if: Option<String>,
    revert: &'static str,
}

/// `explain`
#[derive(Serialize)]
pub(super) struct ExplainDoc<'a> {
    kind: &'static str,
    policy: HeadDoc<'a>,
    plan: PlanDoc<'a>,
    verdict: &'static str,
    findings: Vec<FindingDoc<'a>>,
    unmatched: Vec<UnmatchedDoc>,
    require: RequireDoc<'a>,
    limits: LimitsDoc,
    verify: VerifyDoc,
}

#[derive(Serialize)]
struct PlanDoc<'a> {
    action: Untrusted,
    targets: Vec<&'a Untrusted>,
    risk: &'static str,
    direction: &'static str,
    at: DateTime<Utc>,
    roles: &'a [String],
}

#[derive(Serialize)]
struct FindingDoc<'a> {
    rule: &'a Untrusted,
    verdict: &'static str,
    words: &'a Untrusted,
}

#[derive(Serialize)]
struct UnmatchedDoc {
    rule: String,
    why: String,
}

/// `test`
#[derive(Serialize)]
pub(super) struct TestDoc<'a> {
    kind: &'static str,
    passed: usize,
    failed: usize,
    cases: Vec<CaseDoc<'a>>,
}

#[derive(Serialize)]
struct CaseDoc<'a> {
    file: &'a Untrusted,
    name: &'a Untrusted,
    is_met: bool,
    policy: &'a Untrusted,
    problems: &'a [Untrusted],
}

impl<'a> ShowDoc<'a> {
    pub(super) fn of(policy: Option<&'a Policy>, now: DateTime<Utc>) -> Self {
        Self {
            kind: "show",
            policy: policy.map(|policy| WholeDoc {
                head: HeadDoc::of(policy),
                override_role: policy.override_role.as_deref(),
                break_glass_role: policy.break_glass_role.as_deref(),
                roles: policy
                    .roles
                    .iter()
                    .map(|(role, who)| (role.as_str(), who.as_slice()))
                    .collect(),
                windows: policy
                    .windows
                    .iter()
                    .map(|w| WindowDoc::of(w, now))
                    .collect(),
                rules: policy.rules.iter().map(RuleDoc::of).collect(),
            }),
        }
    }
}

impl<'a> HeadDoc<'a> {
    fn of(policy: &'a Policy) -> Self {
        Self {
            name: &policy.name,
            version: &policy.version,
            mode: policy.mode.word(),
        }
    }
}

impl<'a> WindowDoc<'a> {
    fn of(window: &'a Window, now: DateTime<Utc>) -> Self {
        let open = window.open_span(now);
        Self {
            name: &window.name,
            kind: window.kind.word(),
            zone: window.zone.name(),
            is_open: open.is_some(),
            open_until: open.map(|(_, until)| until),
        }
    }
}

impl<'a> RuleDoc<'a> {
    fn of(rule: &'a Rule) -> Self {
        Self {
            id: &rule.id,
            level: rule.level.unwrap_or(Level::Hard).word(),
            about: rule.matches.words(),
            deny_if: rule.deny_if.iter().map(ToString::to_string).collect(),
            because: rule.because.as_deref(),
            require: RequireDoc::of(&rule.require),
            limits: LimitsDoc::of(&rule.limits),
            verify: VerifyDoc::of(&rule.verify),
        }
    }
}

impl<'a> RequireDoc<'a> {
    fn of(require: &'a Require) -> Self {
        Self {
            approvals: require.approvals,
            role: require.role.as_deref(),
            requester_role: require.requester_role.as_deref(),
            reason: require.reason,
            ticket: require.ticket,
            typed_name: require.typed_name,
        }
    }
}

impl LimitsDoc {
    fn of(limits: &Limits) -> Self {
        Self {
            targets: limits.targets,
            percent: limits.percent,
            count: limits.count,
            namespaces: limits.namespaces,
            batch: limits.batch,
            cooldown_secs: limits.cooldown.map(|span| span.as_secs()),
            max_failures: limits.max_failures,
            silence_secs: limits.silence.map(|span| span.as_secs()),
        }
    }
}

impl VerifyDoc {
    fn of(verify: &VerifyRule) -> Self {
        Self {
            soak_secs: verify.soak.map(|span| span.as_secs()),
            abort_if: verify.abort_if.as_ref().map(ToString::to_string),
            revert: verify.revert.word(),
        }
    }
}

impl<'a> FindingDoc<'a> {
    fn of(finding: &'a RuleFinding) -> Self {
        Self {
            rule: &finding.rule,
            verdict: finding.verdict.word(),
            words: &finding.words,
        }
    }
}

impl<'a> ExplainDoc<'a> {
    pub(super) fn of(policy: &'a Policy, question: &'a Question, judged: &'a Judgement) -> Self {
        let plan = &question.plan;
        let unmatched = policy.unmatched(plan).into_iter();
        Self {
            kind: "explain",
            policy: HeadDoc::of(policy),
            plan: PlanDoc {
                action: Untrusted::line(&plan.request.to_string()),
                targets: plan.targets.iter().map(|target| &target.name).collect(),
                risk: plan.risk.word(),
                direction: plan.direction.word(),
                at: question.facts.now,
                roles: &question.facts.roles,
            },
            verdict: judged.verdict.word(),
            findings: judged.findings.iter().map(FindingDoc::of).collect(),
            unmatched: unmatched
                .map(|(rule, why)| UnmatchedDoc { rule, why })
                .collect(),
            require: RequireDoc::of(&judged.require),
            limits: LimitsDoc::of(&judged.limits),
            verify: VerifyDoc::of(&judged.verify),
        }
    }
}

impl<'a> TestDoc<'a> {
    pub(super) fn of(outcomes: &'a [Outcome]) -> Self {
        let passed = outcomes
            .iter()
            .filter(|one| one.problems.is_empty())
            .count();
        Self {
            kind: "test",
            passed,
            failed: outcomes.len() - passed,
            cases: outcomes
                .iter()
                .map(|one| CaseDoc {
                    file: &one.file,
                    name: &one.name,
                    is_met: one.problems.is_empty(),
                    policy: &one.policy,
                    problems: &one.problems,
                })
                .collect(),
        }
    }
}
