//! Which plans is a rule about? Part of [`super`].
//!
//! A rule is about a plan when it is about one of its targets: so a plan over two environments meets the
//! rules of both. That a rule lets one target pass says nothing of the others: see [`RuleMatch::covers`].

use super::RuleMatch;
use crate::domain::action::Direction;
use crate::domain::plan::{Plan, Target};
use crate::domain::text::{Untrusted, shown};

impl RuleMatch {
    /// Which plans, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let named = |key: &str, value: &Option<String>| {
            let value = value.as_deref()?;
            Some(format!("{key} {}", shown(value)))
        };
        let risks: Vec<&str> = self.risks.iter().map(|risk| risk.word()).collect();
        let all = [
            (!self.actions.is_empty()).then(|| shown(&self.actions.join(" or "))),
            (!risks.is_empty()).then(|| risks.join(" or ")),
            self.direction.map(direction_words),
            named("env", &self.env),
            named("service", &self.service),
            named("namespace", &self.namespace),
        ];
        let all: Vec<String> = all.into_iter().flatten().collect();
        if all.is_empty() {
            return "everything".to_owned();
        }
        all.join(", ")
    }

    /// Why the rule is not about a plan; none where it is.
    #[must_use]
    pub fn mismatch(&self, plan: &Plan) -> Option<String> {
        if let Some(why) = self.mismatch_of_kind(plan) {
            return Some(why);
        }
        let is_met = |target: &Target| self.meets(target) && self.in_namespace(target, plan);
        if plan.targets.iter().any(is_met) {
            return None;
        }
        let wanted = [
            ("env", &self.env),
            ("service", &self.service),
            ("namespace", &self.namespace),
        ];
        let wanted = wanted
            .into_iter()
            .filter_map(|(key, value)| Some(format!("{key} `{}`", shown(value.as_deref()?))));
        let wanted: Vec<String> = wanted.collect();
        Some(format!("no target has {}", wanted.join(" and ")))
    }

    /// Whether the rule is about a plan and says something of this target of it.
    #[must_use]
    pub fn covers(&self, plan: &Plan, target: &Target) -> bool {
        self.mismatch_of_kind(plan).is_none()
            && self.meets(target)
            && is_wanted(self.namespace.as_deref(), target.namespace.as_ref())
    }

    /// By what all targets have in common.
    fn mismatch_of_kind(&self, plan: &Plan) -> Option<String> {
        let action = plan.request.action.as_str();
        let is_named = |pattern: &String| match pattern.strip_suffix('*') {
            Some(start) => action.starts_with(start),
            None => pattern == action,
        };
        if !self.actions.is_empty() && !self.actions.iter().any(is_named) {
            let action = shown(action);
            return Some(format!("`{action}` is none of its actions"));
        }
        if let Some(wanted) = self.direction
            && wanted != plan.direction
        {
            let (is, wanted) = (plan.direction.word(), wanted.word());
            return Some(format!("its direction is {is}, not {wanted}"));
        }
        if !self.risks.is_empty() && !self.risks.contains(&plan.risk) {
            let wanted: Vec<&str> = self.risks.iter().map(|risk| risk.word()).collect();
            let (is, wanted) = (plan.risk.word(), wanted.join(" or "));
            return Some(format!("its risk is {is}, not {wanted}"));
        }
        None
    }

    fn meets(&self, target: &Target) -> bool {
        is_wanted(self.env.as_deref(), target.env.as_ref())
            && is_wanted(self.service.as_deref(), target.service.as_ref())
    }

    /// A node has no namespace of its own, but draining it touches many.
    fn in_namespace(&self, target: &Target, plan: &Plan) -> bool {
        let Some(wanted) = self.namespace.as_deref() else {
            return true;
        };
        let touched = plan.blast.namespaces.iter().chain(&target.namespace);
        touched.into_iter().any(|one| one.raw() == wanted)
    }
}

fn direction_words(direction: Direction) -> String {
    match direction {
        Direction::Adds => "what adds risk",
        Direction::Reduces => "what reduces risk",
        Direction::Neutral => "what is neutral",
    }
    .to_owned()
}

/// What nobody knows is no name.
fn is_wanted(wanted: Option<&str>, found: Option<&Untrusted>) -> bool {
    wanted.is_none_or(|wanted| found.is_some_and(|found| found.raw() == wanted))
}
