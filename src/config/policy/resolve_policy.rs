//! Does a policy mean what it says? Part of [`super`].
//!
//! A name that nothing bears, a bound that nothing can meet: in a policy a slip is a hole, so each of them
//! is an error and none a default.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::raw::{RawLimits, RawMatch, RawPolicy, RawRequire, RawRule, RawVerify};
use super::windows;
use crate::config::finding::Written;
use crate::config::raw::Text;
use crate::config::resolve::Resolver;
use crate::domain::action::{Catalogue, Direction, Risk};
use crate::domain::nearest::nearest;
use crate::domain::policy::{
    Comparison, Input, Level, Limits, Mode, Policy, Require, Revert, Rule, RuleMatch, VerifyRule,
    Window, WindowKind,
};
use crate::domain::text::{Untrusted, shown};

const RULE: &str = "[[rule]]";

/// How the action's risk and direction are written, in a policy and beside a described action.
pub(in crate::config) const RISKS: [(&str, Risk); 4] = [
    ("R0", Risk::R0),
    ("R1", Risk::R1),
    ("R2", Risk::R2),
    ("R3", Risk::R3),
];
pub(in crate::config) const DIRECTIONS: [(&str, Direction); 3] = [
    ("adds", Direction::Adds),
    ("reduces", Direction::Reduces),
    ("neutral", Direction::Neutral),
];

/// The policy, without its name and version, and the list of signers beside it.
pub(super) fn policy(resolver: &mut Resolver<'_>, raw: &RawPolicy) -> (Policy, Option<PathBuf>) {
    let modes = [
        ("observe", Mode::Observe),
        ("warn", Mode::Warn),
        ("enforce", Mode::Enforce),
    ];
    let mode = raw.mode.as_ref();
    let mode = mode.and_then(|text| resolver.choice(text, "mode", &modes));
    let windows = windows::windows(resolver, &raw.windows);
    let roles = roles(resolver, raw);
    let mut rules: Vec<Rule> = Vec::new();
    for raw in &raw.rules {
        let rule = rule(resolver, raw, &windows, &roles);
        if let Some(id) = &raw.id
            && rules.iter().any(|other| other.id == id.value)
        {
            let message = format!("there are two rules `{}`", shown(&id.value));
            let hint = "findings name their rule: give each an id of its own";
            resolver.findings.add(&id.spot, message, Some(hint));
        }
        rules.push(rule);
    }
    let policy = Policy {
        name: Untrusted::line(""),
        version: Untrusted::line(""),
        mode: mode.unwrap_or(Mode::Enforce),
        rules,
        windows,
        override_role: role(resolver, raw.override_role.as_ref(), &roles),
        break_glass_role: role(resolver, raw.break_glass_role.as_ref(), &roles),
        roles,
    };
    let signers = raw.signers.as_ref();
    (policy, signers.and_then(|text| resolver.path(text)))
}

fn roles(resolver: &mut Resolver<'_>, raw: &RawPolicy) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for (name, principals) in &raw.roles {
        resolver.check_name(name);
        if principals.value.is_empty() {
            let message = format!("nobody has the role `{}`", shown(&name.value));
            let hint = "name principals of the list of signers";
            resolver.findings.add(&principals.spot, message, Some(hint));
        }
        found.push((name.value.clone(), resolver.list_of_words(Some(principals))));
    }
    found
}

/// A role that somebody has.
fn role(
    resolver: &mut Resolver<'_>,
    written: Option<&Text>,
    roles: &[(String, Vec<String>)],
) -> Option<String> {
    let text = written?;
    let known: Vec<(&str, ())> = roles.iter().map(|(name, _)| (name.as_str(), ())).collect();
    if known.is_empty() {
        let message = format!("nobody has the role `{}`", shown(&text.value));
        let hint = "add [roles] with a line `NAME = [\"principal\"]` for each";
        resolver.findings.add(&text.spot, message, Some(hint));
    } else {
        resolver.choice(text, "role", &known);
    }
    Some(text.value.clone())
}

fn rule(
    resolver: &mut Resolver<'_>,
    raw: &RawRule,
    windows: &[Window],
    roles: &[(String, Vec<String>)],
) -> Rule {
    let levels = [
        ("advisory", Level::Advisory),
        ("soft", Level::Soft),
        ("hard", Level::Hard),
    ];
    let id = resolver.required(raw.id.as_ref(), &raw.header, RULE, "id");
    if let Some(id) = id {
        resolver.check_name(id);
    }
    let level = raw.level.as_ref();
    let texts = raw.deny_if.iter().flat_map(|texts| &texts.value);
    let compared = texts.filter_map(|text| {
        let found = comparison(resolver, text)?;
        known_window(resolver, text, &found, windows);
        Some(found)
    });
    let deny_if = compared.collect();
    Rule {
        id: id.map(|id| id.value.clone()).unwrap_or_default(),
        level: level.and_then(|text| resolver.choice(text, "level", &levels)),
        matches: matches(resolver, &raw.matches),
        deny_if,
        because: resolver.words(raw.because.as_ref()),
        require: require(resolver, &raw.require, roles),
        limits: limits(resolver, &raw.limits),
        verify: verify(resolver, &raw.verify),
    }
}

fn comparison(resolver: &mut Resolver<'_>, text: &Text) -> Option<Comparison> {
    match Comparison::parse(&text.value) {
        Ok(comparison) => Some(comparison),
        Err(error) => {
            // What is wrong, and after the colon what to do.
            let (message, hint) = match error.0.split_once(": ") {
                Some((message, hint)) => (message, hint),
                None => (error.0.as_str(), "write it like burn.short > 2.0"),
            };
            resolver.findings.add(&text.spot, message, Some(hint));
            None
        }
    }
}

/// A window that is asked for by a name of its own has to be there.
fn known_window(
    resolver: &mut Resolver<'_>,
    text: &Text,
    comparison: &Comparison,
    windows: &[Window],
) {
    let Input::Window(name) = &comparison.input else {
        return;
    };
    let kinds = [WindowKind::Freeze, WindowKind::Maintenance].map(WindowKind::word);
    let known = || {
        kinds
            .into_iter()
            .chain(windows.iter().map(|w| w.name.as_str()))
    };
    if known().any(|known| known == name) {
        return;
    }
    let hint = match nearest(name, known()) {
        Some(near) => format!("did you mean `window.{near}`?"),
        None => "declare it: [[window]] with its `name`".to_owned(),
    };
    let message = format!("there is no window `{}`", shown(name));
    resolver.findings.add(&text.spot, message, Some(&hint));
}

fn matches(resolver: &mut Resolver<'_>, raw: &RawMatch) -> RuleMatch {
    let direction = raw.direction.as_ref();
    let risks = raw.risks.iter();
    let risks = risks.filter_map(|text| resolver.choice(text, "risk", &RISKS));
    let risks = risks.collect();
    for text in &raw.actions {
        known_action(resolver, text);
    }
    RuleMatch {
        env: resolver.words(raw.env.as_ref()),
        actions: raw.actions.iter().map(|text| text.value.clone()).collect(),
        direction: direction.and_then(|text| resolver.choice(text, "direction", &DIRECTIONS)),
        risks,
        service: resolver.words(raw.service.as_ref()),
        namespace: resolver.words(raw.namespace.as_ref()),
    }
}

/// Actions of a control plane and local commands belong to the config, which another may have written.
fn known_action(resolver: &mut Resolver<'_>, text: &Text) {
    let name = text.value.as_str();
    let catalogue = Catalogue::default();
    let is_known = match name.strip_suffix('*') {
        Some(start) => {
            let is_elsewhere = ["http.", "command."];
            let is_begun = |all: &str| all.starts_with(start) || start.starts_with(all);
            is_elsewhere.into_iter().any(is_begun)
                || catalogue
                    .all()
                    .iter()
                    .any(|spec| spec.name.starts_with(start))
        }
        None => {
            name.starts_with("http.")
                || name.starts_with("command.")
                || catalogue.get(name).is_some()
        }
    };
    if is_known {
        return;
    }
    let names = catalogue.all().iter().map(|spec| &*spec.name);
    let hint = match nearest(name, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`quell action list` shows them all; `k8s.*` stands for many".to_owned(),
    };
    let message = format!("no action is called `{}`", shown(name));
    resolver.findings.add(&text.spot, message, Some(&hint));
}

fn require(
    resolver: &mut Resolver<'_>,
    raw: &RawRequire,
    roles: &[(String, Vec<String>)],
) -> Require {
    let approvals = number(resolver, raw.approvals.as_ref(), "approvals", 0..=10);
    let approvals = approvals.unwrap_or(0);
    if let Some(text) = raw.role.as_ref().filter(|_| approvals == 0) {
        let message = "`role` says whose approvals count, and none is asked for";
        let hint = "set `approvals`; whoever asks is bound by `requester_role`";
        resolver.findings.add(&text.spot, message, Some(hint));
    }
    if let Some(written) = raw.not_requester.as_ref().filter(|on| !on.value) {
        let message = "nobody approves what they asked for themselves";
        let hint = "remove `not_requester`: it is always true";
        resolver.findings.add(&written.spot, message, Some(hint));
    }
    let is_on = |written: &Option<Written<bool>>| written.as_ref().is_some_and(|on| on.value);
    Require {
        approvals,
        role: role(resolver, raw.role.as_ref(), roles),
        requester_role: role(resolver, raw.requester_role.as_ref(), roles),
        reason: is_on(&raw.reason),
        ticket: is_on(&raw.ticket),
        typed_name: is_on(&raw.typed_name),
    }
}

fn limits(resolver: &mut Resolver<'_>, raw: &RawLimits) -> Limits {
    let most = 1..=u32::MAX;
    let mut whole = |written: &Option<Written<u64>>, key, bounds| {
        number(resolver, written.as_ref(), key, bounds)
    };
    let (targets, percent, count) = (
        whole(&raw.targets, "targets", most.clone()),
        whole(&raw.percent, "percent", 1..=100),
        whole(&raw.count, "count", most.clone()),
    );
    let (namespaces, batch, max_failures) = (
        whole(&raw.namespaces, "namespaces", most.clone()),
        whole(&raw.batch, "batch", most.clone()),
        whole(&raw.max_failures, "max_failures", most),
    );
    let long = Duration::from_secs(1)..=Duration::from_hours(31 * 24);
    Limits {
        targets,
        percent,
        count,
        namespaces,
        batch,
        cooldown: span(resolver, raw.cooldown.as_ref(), &long),
        max_failures,
        silence: span(resolver, raw.silence.as_ref(), &long),
    }
}

fn verify(resolver: &mut Resolver<'_>, raw: &RawVerify) -> VerifyRule {
    let reverts = [("offer", Revert::Offer), ("auto", Revert::Auto)];
    let bounds = Duration::from_secs(10)..=Duration::from_hours(2);
    let soak = span(resolver, raw.soak.as_ref(), &bounds);
    let abort_if = raw.abort_if.as_ref().and_then(|text| {
        let found = comparison(resolver, text)?;
        if !matches!(found.input, Input::BurnShort | Input::BurnLong) {
            let message = "only the burn is watched after an action";
            let hint = "write it like burn.short > 2.0";
            resolver.findings.add(&text.spot, message, Some(hint));
        }
        Some(found)
    });
    let revert = raw.revert.as_ref().map(|text| {
        let revert = resolver.choice(text, "revert", &reverts);
        (text, revert.unwrap_or_default())
    });
    if let Some(text) = raw.abort_if.as_ref().filter(|_| raw.soak.is_none()) {
        let message = "`abort_if` is watched while it soaks, and it does not";
        let hint = "add `soak`, such as soak = \"5m\"";
        resolver.findings.add(&text.spot, message, Some(hint));
    }
    if let Some((text, Revert::Auto)) = revert
        && raw.abort_if.is_none()
    {
        let message = "`revert = \"auto\"` needs to know when";
        let hint = "add `abort_if`, such as abort_if = \"burn.short > 2.0\"";
        resolver.findings.add(&text.spot, message, Some(hint));
    }
    VerifyRule {
        soak,
        abort_if,
        revert: revert.map(|(_, revert)| revert).unwrap_or_default(),
    }
}

fn number(
    resolver: &mut Resolver<'_>,
    written: Option<&Written<u64>>,
    key: &str,
    bounds: RangeInclusive<u32>,
) -> Option<u32> {
    let written = written?;
    let number = u32::try_from(written.value).ok();
    let number = number.filter(|number| bounds.contains(number));
    if number.is_none() {
        let (low, high) = (bounds.start(), bounds.end());
        let message = match *high {
            u32::MAX => format!("`{key}` must be {low} or more"),
            high => format!("`{key}` must be from {low} to {high}"),
        };
        let hint = "leave it out where there is no such limit";
        resolver.findings.add(&written.spot, message, Some(hint));
    }
    number
}

fn span(
    resolver: &mut Resolver<'_>,
    written: Option<&Text>,
    bounds: &RangeInclusive<Duration>,
) -> Option<Duration> {
    resolver.span_within(
        written?,
        bounds,
        "leave it out where there is no such limit",
    )
}
