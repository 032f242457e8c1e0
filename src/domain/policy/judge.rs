//! How do the rules come to a judgement? Part of [`super`].

use super::{
    Judgement, Limits, Policy, PolicyFacts, Require, RuleFinding, RuleVerdict, VerifyRule,
};
use crate::domain::plan::Plan;
use crate::domain::text::Untrusted;

/// Until rules are judged, everything is denied.
pub(super) fn judge(policy: &Policy, _plan: &Plan, _facts: &PolicyFacts) -> Judgement {
    Judgement {
        findings: vec![RuleFinding {
            rule: Untrusted::line("none"),
            verdict: RuleVerdict::Denies,
            words: Untrusted::line("rules are not judged yet"),
        }],
        verdict: RuleVerdict::Denies,
        require: Require::default(),
        limits: Limits::default(),
        verify: VerifyRule::default(),
        mode: policy.mode,
    }
}
