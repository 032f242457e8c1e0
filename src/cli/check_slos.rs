//! What works of the service levels, and what does not?
//!
//! The part of `quell check` about SLO files, what was measured, and burn policies: conditions that can
//! never fire for an objective, or that hold on for long after the errors. Pure.

use std::collections::BTreeMap;

use super::burn::is_partial;
use super::burn_json::{full_name, reason};
use super::burn_text::{demand, objective, place};
use super::check::{Area, Finding, Level};
use super::gather::Picture;
use super::page::count;
use crate::domain::burn::max_burn;
use crate::domain::burn_policy::{BurnPolicies, built_in};
use crate::domain::duration::exact;
use crate::domain::freshness::Freshness;
use crate::domain::number;
use crate::domain::slo::{Origin, SloProblem};
use crate::domain::slo_burn::{ConditionState, SloBurn, Standing, Verdict};
use crate::domain::slo_measured::{Measured, NoData};
use crate::domain::source::SourceKind;

/// From this window on, a condition without a confirming one resets too late. Seconds.
const SLOW_SECS: u64 = 3_600;

/// Files, SLOs and policies.
#[must_use]
pub fn slos(picture: &Picture) -> Vec<Finding> {
    let mut found = found(picture);
    let sources = picture.sources.iter();
    for source in sources.filter(|source| source.kind == SourceKind::Slos) {
        let finding = |level, what: String| Finding::new(level, Area::Slos, &*source.name, what);
        if let Some(error) = &source.health.error {
            let failed = finding(Level::Fail, error.to_string());
            found.push(failed.next(error.kind.next_step()));
        }
        let limits = source.limits.iter();
        found.extend(limits.map(|limit| finding(Level::Warn, limit.to_string())));
    }
    found.extend(picture.slo_problems.iter().map(problem));
    for burn in &picture.board.burns {
        found.extend(unreachable(burn));
        found.extend(retention(burn));
        found.extend(silent(burn));
        let cautions = burn.measured.slo.cautions.iter();
        found.extend(cautions.map(|caution| of_slo(Level::Warn, burn, caution.to_string())));
    }
    found.extend(slow_to_reset(&picture.inputs.policies));
    found
}

/// How many there are, and where they come from.
fn found(picture: &Picture) -> Vec<Finding> {
    let burns = &picture.board.burns;
    let mut from: BTreeMap<String, usize> = BTreeMap::new();
    for origin in burns.iter().flat_map(|burn| &burn.measured.slo.origins) {
        let words = match origin {
            Origin::File { format, .. } => format!("{} files", format.name()),
            Origin::Recorded { by, source } => format!("{} in {source}", by.name()),
        };
        *from.entry(words).or_default() += 1;
    }
    let from: Vec<String> = from
        .into_iter()
        .map(|(words, number)| format!("{number} from {words}"))
        .collect();
    let from = match from.as_slice() {
        [] => String::new(),
        from => format!(": {}", from.join(", ")),
    };
    let what = format!("{}{from}", count(burns.len(), "service level"));
    vec![Finding::new(Level::Ok, Area::Slos, "slos", what)]
}

fn problem(problem: &SloProblem) -> Finding {
    let what = problem.what.to_string();
    let finding = Finding::new(Level::Fail, Area::Slos, place(problem), what);
    if problem.next_step.is_empty() {
        return finding;
    }
    finding.next(problem.next_step.to_string())
}

fn of_slo(level: Level, burn: &SloBurn, what: String) -> Finding {
    Finding::new(level, Area::Slos, full_name(burn), what)
}

/// ` in slo/checkout.yaml:3`
fn in_its_file(burn: &SloBurn) -> String {
    let mut origins = burn.measured.slo.origins.iter();
    let file = origins.find_map(|origin| match origin {
        Origin::File { path, line, .. } => Some(format!(" in {path}:{line}")),
        Origin::Recorded { .. } => None,
    });
    file.unwrap_or_default()
}

/// A condition that nobody will ever hear of is worse than none: somebody relies on it.
fn unreachable(burn: &SloBurn) -> Vec<Finding> {
    let most = max_burn(burn.measured.slo.objective);
    let can_never = |state: &&ConditionState| state.standing == Standing::Unreachable;
    let states = burn.conditions.iter().filter(can_never);
    let finding = |state: &ConditionState| {
        let what = format!(
            "{} of the policy {} can never fire: it wants {}, and {} allows {}x when all is bad",
            state.condition.name,
            burn.policy,
            demand(state),
            objective(burn.measured.slo.objective),
            number::of(most)
        );
        let next = "choose another policy with [[slo.use]], lower its threshold, or raise the \
            objective";
        of_slo(Level::Fail, burn, what).next(format!("{next}{}", in_its_file(burn)))
    };
    states.map(finding).collect()
}

/// A period or window that is longer than the server's memory.
fn retention(burn: &SloBurn) -> Vec<Finding> {
    let period = burn.measured.period.as_ref().map(|own| &own.measured);
    let read = burn.measured.windows.iter().chain(period);
    let too_long = |measured: &Measured| match &measured.reading {
        Err(NoData::BeyondRetention(asked, kept)) => Some((*asked, *kept)),
        _ => None,
    };
    let mut spans: Vec<(u64, u64)> = read.filter_map(too_long).collect();
    spans.sort_unstable();
    spans.dedup();
    let finding = |(asked, kept): (u64, u64)| {
        let (asked, kept) = (exact(asked), exact(kept));
        let server = burn.source.trim_end_matches("/slo");
        let what = format!("it needs the last {asked}, {server} keeps {kept}");
        let next = "keep samples for longer, record its ratio, or give it a shorter period";
        of_slo(Level::Warn, burn, what).next(format!("{next}{}", in_its_file(burn)))
    };
    spans.into_iter().map(finding).collect()
}

/// No verdict: nothing happened, or something is missing.
fn silent(burn: &SloBurn) -> Option<Finding> {
    let Verdict::None { .. } = burn.verdict else {
        return None;
    };
    // That the source failed is said once, for all of its own.
    if burn.freshness != Freshness::Fresh {
        return None;
    }
    let why = reason(burn).unwrap_or_else(|| "not known".to_owned());
    let level = if is_partial(burn) {
        Level::Fail
    } else {
        Level::Warn
    };
    let finding = of_slo(level, burn, format!("no verdict: {why}"));
    Some(finding.next(remedy(burn)))
}

fn remedy(burn: &SloBurn) -> &'static str {
    let unread = burn.windows().filter_map(|m| m.reading.as_ref().err());
    let mut reasons = burn.measured.blocked.iter().chain(unread);
    match reasons.find(|why| !matches!(why, NoData::NotAsked)) {
        Some(NoData::NoTraffic(_)) => "nothing to do: it gets one with its next events",
        Some(NoData::Missing(_)) => {
            "check the names in its queries, or give your own in [slo.metrics]"
        }
        Some(NoData::Stale(_)) => "check that its targets are scraped and its rules are evaluated",
        Some(NoData::Several(_)) => "sum it in its query, or have it grouped by a label",
        Some(NoData::BeyondRetention(..)) => "see its retention above",
        Some(NoData::NotANumber(_)) => "check that its query divides by something",
        Some(NoData::Partial(_) | NoData::Failed(_)) => {
            "look at its queries: quell burn NAME --explain"
        }
        Some(NoData::NotAsked) | None => "look at its conditions: quell burn NAME",
    }
}

/// Single windows of one's own policies: an hour of errors pages for as long as the window is.
fn slow_to_reset(policies: &BurnPolicies) -> Vec<Finding> {
    let built_in = built_in();
    let own = policies.list.iter().filter(|p| !built_in.contains(p));
    let mut found = Vec::new();
    for policy in own {
        for condition in &policy.conditions {
            if condition.confirm_secs.is_some() || condition.window_secs < SLOW_SECS {
                continue;
            }
            let window = exact(condition.window_secs);
            let what = format!(
                "{} looks at {window} alone: it goes on for up to {window} after the errors end",
                condition.name
            );
            let subject = format!("policy {}", policy.name);
            let next = format!("add confirm = \"{}\"", exact(condition.window_secs / 12));
            found.push(Finding::new(Level::Warn, Area::Slos, subject, what).next(next));
        }
    }
    found
}
