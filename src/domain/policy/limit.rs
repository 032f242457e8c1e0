//! Does a plan keep within what a rule bounds and demands? Part of [`super`].

use std::collections::BTreeSet;
use std::time::Duration;

use super::reading::{Asked, Outcome, Part};
use super::{Limits, Require, Revert, VerifyRule};
use crate::domain::duration::{self, exact};
use crate::domain::text::{Untrusted, shown};

impl Asked<'_> {
    /// What a rule bounds.
    pub(super) fn within(&self, limits: &Limits) -> Vec<Part> {
        let (plan, facts) = (self.plan, self.facts);
        let targets = u32::try_from(plan.targets.len()).unwrap_or(u32::MAX);
        let namespaces: BTreeSet<&Untrusted> = plan
            .targets
            .iter()
            .filter_map(|target| target.namespace.as_ref())
            .chain(&plan.blast.namespaces)
            .collect();
        let namespaces = u32::try_from(namespaces.len()).unwrap_or(u32::MAX);
        let bounds = [
            ("targets", "", limits.targets, Some(targets)),
            ("percent", "%", limits.percent, plan.blast.percent()),
            ("count", "", limits.count, plan.blast.count),
            ("namespaces", "", limits.namespaces, Some(namespaces)),
        ];
        let mut parts = Vec::new();
        for (name, unit, most, is) in bounds {
            let Some(most) = most else { continue };
            parts.push(match is {
                None => self.unclear(&format!("nobody knows {name}, which may be {most}{unit}")),
                Some(is) => {
                    let words = format!("{name} {is}{unit} of at most {most}{unit}");
                    Part::new(denied_if(is > most), words)
                }
            });
        }
        parts.extend(limits.cooldown.map(|cooldown| {
            let Some(last) = facts.last_action else {
                return Part::new(Outcome::Fine, "no action on it before");
            };
            // One that seems to come from the future was just now.
            let since = duration::age_secs(last, facts.now);
            let (ago, needed) = (exact(since), exact(cooldown.as_secs()));
            let words = format!("the last action on it was {ago} ago; {needed} have to pass");
            Part::new(denied_if(Duration::from_secs(since) < cooldown), words)
        }));
        parts.extend(limits.silence.and_then(|most| self.silence(most)));
        parts
    }

    /// How long a silence lasts.
    fn silence(&self, most: Duration) -> Option<Part> {
        let request = &self.plan.request;
        let is_silence = request.action.starts_with("silence.");
        let written = request.get("duration").filter(|_| is_silence)?;
        let most_words = exact(most.as_secs());
        let (outcome, words) = match duration::parse(written) {
            Ok(span) => (
                denied_if(span > most),
                format!(
                    "it is silent for {}, of at most {most_words}",
                    exact(span.as_secs())
                ),
            ),
            Err(why) => (Outcome::Denied, shown(&why)),
        };
        Some(Part::new(outcome, words))
    }

    /// What a rule demands of the requester. Approvals are counted by the guard.
    pub(super) fn demands(&self, require: &Require) -> Vec<Part> {
        let occasion = &self.plan.request.occasion;
        let mut parts = Vec::new();
        if let Some(role) = &require.requester_role {
            let held = &self.facts.roles;
            let part = if held.contains(role) {
                Part::new(Outcome::Fine, format!("you have the role `{role}`"))
            } else {
                let held = match held.as_slice() {
                    [] => "none".to_owned(),
                    held => held.join(", "),
                };
                let held = shown(&held);
                let words = format!(
                    "it takes the role `{}`, you have {held}: [roles] of the policy says who has it",
                    shown(role)
                );
                Part::new(Outcome::Denied, words)
            };
            parts.push(part);
        }
        let demands = [
            (require.reason, "reason", &occasion.reason),
            (require.ticket, "ticket", &occasion.ticket),
        ];
        for (is_demanded, word, given) in demands {
            let is_given = given.as_ref().is_some_and(|t| !t.raw().trim().is_empty());
            if !is_demanded {
                continue;
            }
            parts.push(if is_given {
                Part::new(Outcome::Fine, format!("a {word} is given"))
            } else {
                let words = format!("a {word} is missing: give one with --{word}");
                Part::new(Outcome::Denied, words)
            });
        }
        parts
    }
}

fn denied_if(is_denied: bool) -> Outcome {
    if is_denied {
        Outcome::Denied
    } else {
        Outcome::Fine
    }
}

impl Require {
    /// What it asks for, in words; none where it asks for nothing.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let approvals = (self.approvals > 0).then(|| {
            let noun = if self.approvals == 1 {
                "approval"
            } else {
                "approvals"
            };
            let role = self.role.as_deref();
            let of = role.map_or(String::new(), |role| format!(" by role {}", shown(role)));
            format!("{} {noun}{of}", self.approvals)
        });
        let role = self.requester_role.as_deref();
        let all = [
            approvals,
            role.map(|role| format!("a requester of role {}", shown(role))),
            self.reason.then(|| "a reason".to_owned()),
            self.ticket.then(|| "a ticket".to_owned()),
            self.typed_name.then(|| "the typed name".to_owned()),
        ];
        let all: Vec<String> = all.into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join(", "))
    }

    /// Both demands together. The role of the approvers stays ours.
    pub(super) fn join(&mut self, other: &Self) {
        self.approvals = self.approvals.max(other.approvals);
        self.role = self.role.take().or_else(|| other.role.clone());
        self.requester_role = self
            .requester_role
            .take()
            .or_else(|| other.requester_role.clone());
        self.reason |= other.reason;
        self.ticket |= other.ticket;
        self.typed_name |= other.typed_name;
    }
}

impl VerifyRule {
    /// How it is watched, in words; none where it says nothing.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let soak = self.soak?;
        let mut words = format!("the burn for {}", exact(soak.as_secs()));
        if let Some(abort_if) = &self.abort_if {
            let then = match self.revert {
                Revert::Offer => "offered to be taken back",
                Revert::Auto => "taken back by itself, once",
            };
            words = format!("{words}; {then} if {abort_if}");
        }
        Some(words)
    }
}

impl Limits {
    /// What it bounds, in words; none where it bounds nothing.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let number = |name: &str, most: Option<u32>| most.map(|most| format!("{name} {most}"));
        let span = |name: &str, most: Option<Duration>| {
            most.map(|most| format!("{name} {}", exact(most.as_secs())))
        };
        let all = [
            number("targets", self.targets),
            number("percent", self.percent),
            number("count", self.count),
            number("namespaces", self.namespaces),
            number("batch", self.batch),
            span("cooldown", self.cooldown),
            number("max_failures", self.max_failures),
            span("silence", self.silence),
        ];
        let all: Vec<String> = all.into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join(", "))
    }

    /// The least of each.
    pub(super) fn join(&mut self, other: &Self) {
        fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
            match (one, other) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            }
        }
        let before = std::mem::take(self);
        *self = Self {
            targets: least(before.targets, other.targets),
            percent: least(before.percent, other.percent),
            count: least(before.count, other.count),
            namespaces: least(before.namespaces, other.namespaces),
            batch: least(before.batch, other.batch),
            // The longest wait is the strictest.
            cooldown: before.cooldown.max(other.cooldown),
            max_failures: least(before.max_failures, other.max_failures),
            silence: least(before.silence, other.silence),
        };
    }
}
