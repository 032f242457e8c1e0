//! Which SLOs does the config name, what measures them, and which burn is too much?
//!
//! Part of `resolve`. It opens no SLO file: what is wrong inside one is found when it is read. A path
//! of a flag or a variable must be there, as nobody names one by accident; one of the config may
//! come and go with its disk, and is told of like any other file that cannot be read.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use promql_parser::parser::{Expr, parse};

use super::finding::{Spot, Written};
use super::raw::{RawBurnPolicy, RawCondition, RawConfig, RawSlo, RawSloUse, Text};
use super::resolve::Resolver;
use super::settings::{BuiltInSlos, PrometheusSettings, RecordedSlos, SloSettings};
use super::triage;
use crate::domain::burn_policy::{
    Above, BurnPolicies, BurnPolicy, Condition, DEFAULT_POLICY, Level, Threshold, built_in,
};
use crate::domain::duration::{self, exact};
use crate::domain::matcher::Matchers;
use crate::domain::source::SourceName;
use crate::domain::text::shown;

/// What stands in place of a path for the SLOs that quell brings.
pub const BUILT_IN: &str = "builtin:platform";

/// Below a minute a window holds a sample or two. Seconds.
const WINDOWS: RangeInclusive<u64> = 60..=366 * 86_400;
/// What the two kinds of threshold look like.
const EXAMPLES: &str =
    "burn = 14.4 is a rate, budget = 0.02 is 2 % of the budget within the window";
/// How long a condition may have to hold. Seconds.
const HOLDS: RangeInclusive<u64> = 0..=7 * 86_400;

/// The SLO settings, for the Prometheis on show.
pub(super) fn resolve(
    resolver: &mut Resolver<'_>,
    raw: &RawConfig,
    prometheuses: &[PrometheusSettings],
) -> SloSettings {
    let slo = &raw.slo;
    let (paths, named_built_in) = paths(resolver, slo);
    let on = |switch: &Written<bool>| switch.value;
    let built_in = named_built_in || slo.builtin.as_ref().is_some_and(on);
    let recorded = slo.recorded.as_ref().is_none_or(on);
    SloSettings {
        texts: &[],
        paths,
        built_in: if built_in {
            BuiltInSlos::On
        } else {
            BuiltInSlos::Off
        },
        metrics: metrics(resolver, &slo.metrics),
        prometheus: prometheus(resolver, raw, prometheuses),
        recorded: if recorded {
            RecordedSlos::Read
        } else {
            RecordedSlos::Ignored
        },
        policies: policies(resolver, raw),
    }
}

/// The files and folders, and whether the SLOs that quell brings are named among them.
fn paths(resolver: &mut Resolver<'_>, slo: &RawSlo) -> (Vec<PathBuf>, bool) {
    let mut found = Vec::new();
    let mut built_in = false;
    for path in slo.paths.iter().flatten() {
        match path.value.to_str() {
            Some(BUILT_IN) => built_in = true,
            Some(text) if text.is_empty() || text.contains('\0') => {
                let hint = "name a file or a folder";
                resolver
                    .findings
                    .add(&path.spot, "this is no path", Some(hint));
            }
            Some(text) if text.starts_with("builtin:") => {
                let message = format!("there is nothing built in as `{}`", shown(text));
                let hint = format!("known: {BUILT_IN}");
                resolver.findings.add(&path.spot, message, Some(&hint));
            }
            _ => {
                let located = resolver.located(path);
                let hint =
                    format!("name a file or folder of SLOs, or {BUILT_IN} for those quell brings");
                resolver.must_be_there(&path.spot, &located, &hint);
                found.push(located);
            }
        }
    }
    (found, built_in)
}

/// One's own selectors for the metrics that files name.
fn metrics(resolver: &mut Resolver<'_>, raw: &[(Text, Text)]) -> Vec<(String, String)> {
    for (name, selector) in raw {
        if !is_metric_name(&name.value) {
            let message = format!("`{}` is no name of a metric", shown(&name.value));
            let hint = "letters, digits, `_` and `:`, no digit first";
            resolver.findings.add(&name.spot, message, Some(hint));
        }
        let is_bare = |selector: &promql_parser::parser::VectorSelector| {
            selector.offset.is_none() && selector.at.is_none()
        };
        let is_selector = match parse(&selector.value) {
            Ok(Expr::VectorSelector(selector)) => is_bare(&selector),
            _ => false,
        };
        if !is_selector {
            let message = "this is no selector: a metric's name, its labels in braces";
            let hint = "write it like 'http_requests_total{job=\"api\"}', without a window";
            resolver.findings.add(&selector.spot, message, Some(hint));
        }
    }
    let pair = |(name, selector): &(Text, Text)| (name.value.clone(), selector.value.clone());
    raw.iter().map(pair).collect()
}

/// <https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels>
fn is_metric_name(text: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | ':');
    text.starts_with(first) && text.chars().all(|c| first(c) || c.is_ascii_digit())
}

/// The one that measures what names no data source. It may belong to another environment, or stand
/// in a file whose Prometheis a flag has replaced: then the first one on show measures.
fn prometheus(
    resolver: &mut Resolver<'_>,
    raw: &RawConfig,
    on_show: &[PrometheusSettings],
) -> Option<SourceName> {
    let text = raw.slo.prometheus.as_ref()?;
    if let Some(found) = on_show.iter().find(|p| *p.name == *text.value) {
        return Some(found.name.clone());
    }
    let all = raw.prometheuses.iter();
    let is_named = all.clone().any(|p| {
        let name = p.name.as_ref();
        name.is_some_and(|name| name.value == text.value)
    });
    let is_replaced = all.clone().any(|p| matches!(p.header, Spot::Given { .. }));
    if is_named || is_replaced {
        let name = shown(&text.value);
        resolver.warnings.push(format!(
            "`prometheus` in [slo] names {name}, which is not on show: the first one measures"
        ));
        return None;
    }
    if on_show.is_empty() {
        let message = format!("there is no Prometheus `{}`", shown(&text.value));
        let hint = "declare it: [[prometheus]] with its `name`";
        resolver.findings.add(&text.spot, message, Some(hint));
        return None;
    }
    let known: Vec<(&str, ())> = on_show.iter().map(|p| (&*p.name, ())).collect();
    resolver.choice(text, "Prometheus", &known);
    None
}

/// The built-in policies, those of the config among them or in their place, and who goes by which.
fn policies(resolver: &mut Resolver<'_>, raw: &RawConfig) -> BurnPolicies {
    let mut list = built_in();
    let mut own: Vec<&str> = Vec::new();
    for raw in &raw.burn_policies {
        let Some(policy) = policy(resolver, raw) else {
            continue;
        };
        if let Some(name) = raw.name.as_ref().filter(|name| own.contains(&&*name.value)) {
            let message = format!("there are two burn policies `{}`", shown(&name.value));
            let hint = Some("rename or remove one");
            resolver.findings.add(&name.spot, message, hint);
        }
        own.extend(raw.name.as_ref().map(|name| name.value.as_str()));
        match list.iter_mut().find(|known| known.name == policy.name) {
            Some(known) => *known = policy,
            None => list.push(policy),
        }
    }
    let names: Vec<(&str, ())> = list.iter().map(|p| (p.name.as_str(), ())).collect();
    let chosen = |resolver: &mut Resolver<'_>, text: &Text| {
        let found = resolver.choice(text, "burn policy", &names);
        found.map(|()| text.value.clone())
    };
    let default = raw.slo.policy.as_ref();
    let default = default.and_then(|text| chosen(resolver, text));
    let rule = |raw: &RawSloUse| -> Option<(Matchers, String)> {
        let title = "[[slo.use]]";
        let text = resolver.required(raw.matchers.as_ref(), &raw.header, title, "match");
        let matchers = text.and_then(|text| triage::matchers(resolver, text));
        let name = resolver.required(raw.policy.as_ref(), &raw.header, title, "policy");
        let name = name.and_then(|name| chosen(resolver, name));
        Some((matchers?, name?))
    };
    let rules = raw.slo.uses.iter().filter_map(rule).collect();
    BurnPolicies {
        default: default.unwrap_or_else(|| DEFAULT_POLICY.to_owned()),
        rules,
        list,
    }
}

/// One without a name cannot be chosen; what else is wrong with it is told beside it.
fn policy(resolver: &mut Resolver<'_>, raw: &RawBurnPolicy) -> Option<BurnPolicy> {
    let title = "[[burn_policy]]";
    let name = resolver.required(raw.name.as_ref(), &raw.header, title, "name");
    if let Some(name) = name {
        resolver.check_name(name);
    }
    if raw.conditions.is_empty() {
        let hint = "add one: [[burn_policy.condition]] with name, level, burn and window";
        let message = "a burn policy needs a condition";
        resolver.findings.add(&raw.header, message, Some(hint));
    }
    let mut conditions: Vec<Condition> = Vec::new();
    for raw in &raw.conditions {
        let Some(condition) = condition(resolver, raw) else {
            continue;
        };
        let is_taken = conditions.iter().any(|other| other.name == condition.name);
        if let Some(name) = raw.name.as_ref().filter(|_| is_taken) {
            let message = format!("there is another condition `{}`", shown(&name.value));
            let hint = "every condition of a policy needs a name of its own";
            resolver.findings.add(&name.spot, message, Some(hint));
        }
        conditions.push(condition);
    }
    let summary = raw.summary.as_ref().map(|text| shown(&text.value));
    Some(BurnPolicy {
        name: name?.value.clone(),
        summary: summary.unwrap_or_default(),
        conditions,
    })
}

fn condition(resolver: &mut Resolver<'_>, raw: &RawCondition) -> Option<Condition> {
    let title = "[[burn_policy.condition]]";
    let name = resolver.required(raw.name.as_ref(), &raw.header, title, "name");
    if let Some(name) = name {
        resolver.check_name(name);
    }
    let level = resolver.required(raw.level.as_ref(), &raw.header, title, "level");
    let levels = Level::ALL.map(|level| (level.word(), level));
    let level = level.and_then(|text| resolver.choice(text, "level", &levels));
    let threshold = threshold(resolver, raw);
    let window = resolver.required(raw.window.as_ref(), &raw.header, title, "window");
    let window = window.and_then(|text| seconds(resolver, text, WINDOWS));
    let confirm = raw.confirm.as_ref();
    let confirm = confirm.map(|text| confirming(resolver, text, window));
    let held_for = raw.held_for.as_ref();
    let held_for = held_for.map(|text| seconds(resolver, text, HOLDS));
    let or_equal = raw.or_equal.as_ref().is_some_and(|switch| switch.value);
    Some(Condition {
        name: name?.value.clone(),
        level: level?,
        threshold: threshold?,
        comparison: if or_equal {
            Above::OrEqual
        } else {
            Above::Strictly
        },
        window_secs: window?,
        confirm_secs: confirm.map_or(Some(None), |secs| secs.map(Some))?,
        for_secs: held_for.unwrap_or(Some(0))?,
    })
}

/// Exactly one of `burn` and `budget`.
fn threshold(resolver: &mut Resolver<'_>, raw: &RawCondition) -> Option<Threshold> {
    let positive = |resolver: &mut Resolver<'_>, number: &Written<f64>, key: &str| {
        if number.value.is_finite() && number.value > 0.0 {
            return Some(number.value);
        }
        let message = format!("`{key}` must be above 0 and finite");
        resolver.findings.add(&number.spot, message, Some(EXAMPLES));
        None
    };
    match (&raw.burn, &raw.budget) {
        (Some(_), Some(budget)) => {
            let message = "a condition has either `burn` or `budget`";
            let hint = Some("remove one of them");
            resolver.findings.add(&budget.spot, message, hint);
            None
        }
        (Some(burn), None) => positive(resolver, burn, "burn").map(Threshold::Burn),
        (None, Some(budget)) => {
            let share = positive(resolver, budget, "budget")?;
            if share > 1.0 {
                resolver.warnings.push(format!(
                    "a condition's `budget = {share}` is {share} times the whole budget: 2 % is 0.02"
                ));
            }
            Some(Threshold::Budget(share))
        }
        (None, None) => {
            let was_refused = |key| resolver.findings.was_refused(&raw.header, key);
            if !was_refused("burn") && !was_refused("budget") {
                let message = "`burn` or `budget` is missing in [[burn_policy.condition]]";
                resolver.findings.add(&raw.header, message, Some(EXAMPLES));
            }
            None
        }
    }
}

/// The window that confirms must be the shorter one: it ends the condition soon after the errors.
fn confirming(resolver: &mut Resolver<'_>, text: &Text, window: Option<u64>) -> Option<u64> {
    let secs = seconds(resolver, text, WINDOWS)?;
    let Some(window) = window.filter(|window| *window <= secs) else {
        return Some(secs);
    };
    let message = "`confirm` must be shorter than `window`";
    let usual = exact((window / 12).max(*WINDOWS.start()));
    let hint = format!("a twelfth of it is usual: confirm = \"{usual}\"");
    resolver.findings.add(&text.spot, message, Some(&hint));
    None
}

/// A duration in whole seconds, within bounds.
fn seconds(resolver: &mut Resolver<'_>, text: &Text, bounds: RangeInclusive<u64>) -> Option<u64> {
    let (message, hint) = match duration::parse(&text.value) {
        Ok(span) if span.subsec_nanos() == 0 && bounds.contains(&span.as_secs()) => {
            return Some(span.as_secs());
        }
        Ok(_) => {
            let (low, high) = (exact(*bounds.start()), exact(*bounds.end()));
            let message = format!("this must be from {low} to {high}, in whole seconds");
            (message, "write it like 5m, 1h or 3d".to_owned())
        }
        Err(_) => (
            format!("`{}` is not a duration", shown(&text.value)),
            "write it like 5m, 1h or 3d".to_owned(),
        ),
    };
    resolver.findings.add(&text.spot, message, Some(&hint));
    None
}
