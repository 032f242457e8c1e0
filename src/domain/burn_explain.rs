//! Where does each number of an SLO come from: which query, which inputs, which formula?
//!
//! The same steps for `quell burn --explain`, its JSON and the Burn screen. Pure. What is printed
//! can be computed again by hand: no input is rounded so far that the result would differ.

#[cfg(test)]
#[path = "burn_explain_tests.rs"]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::burn::{Exhaustion, burn_rate, lower_bound};
use super::burn_policy::{Above, Condition, Threshold};
use super::duration::{age_secs, exact, short};
use super::number;
use super::slo::{BudgetMethod, BudgetWindow, Slo};
use super::slo_burn::{ConditionState, RECENT_SECS, SloBurn, Standing};
use super::slo_measured::{Basis, Counts, Measured, PeriodMeasured, Reading};

/// So many significant figures leave a ratio of rare errors its meaning.
const FIGURES: i32 = 6;

/// Beyond ten years nobody plans.
const FAR_SECS: f64 = 3_650.0 * 86_400.0;

/// One number and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What the number is.
    pub name: String,
    /// What it is, or why it is not known.
    pub result: String,
    /// How it was computed, with its inputs.
    pub formula: Option<String>,
    /// The query it was read by.
    pub query: Option<Arc<str>>,
    /// The moment that query was of.
    pub at: Option<DateTime<Utc>>,
}

/// All steps, from what was read to what was concluded.
#[must_use]
pub fn steps(burn: &SloBurn) -> Vec<Step> {
    let mut steps: Vec<Step> = burn.windows().map(|m| window(burn, m)).collect();
    steps.extend(budget(burn));
    steps.extend(bound(burn));
    steps.extend(burn.conditions.iter().map(|state| condition(burn, state)));
    steps
}

/// What stands of a condition, in words.
#[must_use]
pub fn standing(standing: Standing, for_secs: u64, at: DateTime<Utc>) -> String {
    match standing {
        Standing::Fires => "fires".to_owned(),
        Standing::Holds { since } => format!(
            "holds for {} of {}",
            short(age_secs(since, at)),
            exact(for_secs)
        ),
        Standing::Not => "does not fire".to_owned(),
        Standing::Unknown => "unknown".to_owned(),
        Standing::Unreachable => "can never fire for this objective".to_owned(),
    }
}

/// How a burn stands to the threshold of a condition, as a sign: what is printed is true.
#[must_use]
pub fn relation(condition: &Condition, burn: f64, period_secs: f64) -> &'static str {
    match (condition.holds(burn, period_secs), condition.comparison) {
        (true, comparison) => comparison.sign(),
        (false, Above::Strictly) => "<=",
        (false, Above::OrEqual) => "<",
    }
}

/// How long a budget lasts, in a word or two: `19h`, `never`, `spent`, `lasts`.
#[must_use]
pub fn lasting(exhaustion: Exhaustion) -> String {
    match exhaustion {
        Exhaustion::Spent => "spent".to_owned(),
        Exhaustion::In(secs) if secs >= FAR_SECS => ">10y".to_owned(),
        Exhaustion::In(secs) => short(whole(secs)),
        Exhaustion::Lasts(_) => "lasts".to_owned(),
        Exhaustion::Never => "never".to_owned(),
    }
}

/// A share as a person reads it. What is not quite all or nothing is not called so.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let size = percent.abs();
    if !size.is_finite() {
        return "?".to_owned();
    }
    if size > 0.0 && size < 0.1 {
        let sign = if percent < 0.0 { "-" } else { "<" };
        return format!("{sign}0.1%");
    }
    if (99.5..100.0).contains(&size) {
        // Cut, not rounded: 99.996 is not 100.
        return format!("{:.2}%", (percent * 100.0).trunc() / 100.0);
    }
    if size > 0.0 && size < 9.95 {
        return format!("{percent:.1}%");
    }
    format!("{percent:.0}%")
}

fn window(burn: &SloBurn, measured: &Measured) -> Step {
    let slo = &burn.measured.slo;
    let (result, formula) = match &measured.reading {
        Err(why) => (format!("no data: {why}"), None),
        Ok(reading) => {
            let rate = figure(burn_rate(reading.ratio, slo.objective));
            let read = read(slo, measured.basis, reading);
            let over = over_budget(slo, reading.ratio);
            (format!("{rate}x"), Some(format!("{read}; {over}")))
        }
    };
    Step {
        name: format!("burn {}", exact(measured.secs)),
        result,
        formula,
        query: Some(measured.query.clone()),
        at: Some(measured.at),
    }
}

/// `630 bad of 30000 = 0.021`
fn read(slo: &Slo, basis: Basis, reading: &Reading) -> String {
    let ratio = figure(reading.ratio);
    let read = match (reading.counts, basis) {
        (Some(counts), _) => format!("{} = {ratio}", counted(slo, counts)),
        (None, Basis::Traffic) => format!("error ratio {ratio}, as recorded"),
        (None, Basis::Time) => format!("error ratio {ratio}, as recorded: a mean over time"),
    };
    match reading.clamped_from {
        None => read,
        Some(raw) => format!("{read}, since {} as read lies outside 0 to 1", figure(raw)),
    }
}

/// `1 bad of 20`, or `2 bad slices of 60`.
fn counted(slo: &Slo, counts: Counts) -> String {
    let what = match slo.method {
        BudgetMethod::Occurrences => "bad",
        BudgetMethod::Timeslices { .. } | BudgetMethod::RatioTimeslices { .. } => "bad slices",
    };
    format!("{} {what} of {}", figure(counts.bad), figure(counts.total))
}

/// `0.021 / (1 - 0.999) = 21`
fn over_budget(slo: &Slo, ratio: f64) -> String {
    format!(
        "{} / (1 - {}) = {}",
        figure(ratio),
        figure(slo.objective),
        figure(burn_rate(ratio, slo.objective))
    )
}

fn budget(burn: &SloBurn) -> Vec<Step> {
    let Some(own) = &burn.measured.period else {
        return Vec::new();
    };
    let mut steps = Vec::new();
    if matches!(burn.measured.slo.window, BudgetWindow::Calendar(_)) {
        let mut step = window(burn, &own.measured);
        step.name = format!("burn since {}", own.period.start.format("%Y-%m-%d %H:%MZ"));
        steps.push(step);
    }
    let known = match &burn.budget.known {
        Err(why) => {
            steps.push(plain("budget left", format!("unknown: {why}"), None));
            return steps;
        }
        Ok(known) => known,
    };
    let basis = own.measured.basis.word();
    let formula = format!(
        "1 - {} = {}, by {basis}",
        spent(burn, own),
        figure(known.remaining)
    );
    steps.push(plain(
        "budget left",
        percent(known.remaining),
        Some(formula),
    ));
    if let (Some(by_time), Some(measured)) = (&burn.budget.by_time, &own.by_time) {
        let formula = format!(
            "1 - {} = {}, by time: the plain mean that the recording rule keeps, in which a quiet \
             slice counts like a busy one",
            figure(by_time.consumed),
            figure(by_time.remaining)
        );
        let result = percent(by_time.remaining);
        steps.push(Step {
            query: Some(measured.query.clone()),
            at: Some(measured.at),
            ..plain("budget left by time", result, Some(formula))
        });
    }
    steps.push(gone_in(burn, known.remaining));
    steps
}

/// What of the budget is spent, as a term: how it is counted depends on the kind of budget.
fn spent(burn: &SloBurn, own: &PeriodMeasured) -> String {
    let slo = &burn.measured.slo;
    let Ok(known) = &burn.budget.known else {
        return "?".to_owned();
    };
    let consumed = figure(known.consumed);
    let counts = own.measured.reading.as_ref().ok().and_then(|r| r.counts);
    if let (BudgetMethod::Timeslices { slice_secs, .. }, Some(counts)) = (slo.method, counts) {
        #[allow(clippy::cast_precision_loss, reason = "seconds of a slice")]
        let slices = burn.budget.period_secs / slice_secs as f64;
        return format!(
            "{} bad slices / {} allowed, which is 1 - {consumed}",
            figure(counts.bad),
            figure(slices * slo.budget_ratio())
        );
    }
    match known.elapsed {
        None => format!("burn({}) {consumed}", exact(own.measured.secs)),
        Some(elapsed) => format!(
            "burn to date {} x {} of the period gone, which is 1 - {consumed}",
            figure(known.burn_to_date),
            figure(elapsed)
        ),
    }
}

fn gone_in(burn: &SloBurn, remaining: f64) -> Step {
    let name = "gone in";
    let recent = exact(RECENT_SECS);
    let Some(exhaustion) = burn.budget.exhaustion else {
        let why = match burn.burn(RECENT_SECS) {
            None => format!("burn({recent}) is not known"),
            Some(_) => format!("burn({recent}) was read too long ago"),
        };
        return plain(name, "unknown".to_owned(), Some(why));
    };
    let period = burn.budget.period_secs;
    let rate = burn.burn(RECENT_SECS).unwrap_or(f64::NAN);
    let quotient = format!(
        "left {} x {} / burn({recent}) {} = {}",
        figure(remaining),
        exact(whole(period)),
        figure(rate),
        exact(whole(remaining * period / rate))
    );
    let formula = match exhaustion {
        Exhaustion::Spent => "nothing is left".to_owned(),
        Exhaustion::Never => format!("burn({recent}) is 0: nothing is being spent"),
        Exhaustion::In(_) => match burn.measured.slo.window {
            BudgetWindow::Rolling { .. } => {
                format!("{quotient}; old errors that leave the period are not given back")
            }
            BudgetWindow::Calendar(_) => quotient,
        },
        Exhaustion::Lasts(left) => {
            format!("{quotient}, and the period ends in {}", exact(whole(left)))
        }
    };
    let result = match exhaustion {
        Exhaustion::Lasts(_) => "lasts its period".to_owned(),
        other => lasting(other),
    };
    plain(name, result, Some(formula))
}

fn bound(burn: &SloBurn) -> Option<Step> {
    let slo = &burn.measured.slo;
    let guarded = burn.guarded_burn()?;
    let counts = burn.window(RECENT_SECS)?.reading.as_ref().ok()?.counts?;
    let ratio = lower_bound(counts.bad, counts.total)?;
    Some(plain(
        "proven burn",
        format!("{}x", figure(guarded)),
        Some(format!(
            "{} over {}: the true ratio is at least {} with 95% confidence (Wilson); {}",
            counted(slo, counts),
            exact(RECENT_SECS),
            figure(ratio),
            over_budget(slo, ratio)
        )),
    ))
}

fn condition(burn: &SloBurn, state: &ConditionState) -> Step {
    let condition = &state.condition;
    let threshold = figure(state.threshold);
    let term = |(secs, value): &(u64, Option<f64>)| {
        let window = exact(*secs);
        match value {
            None => format!(
                "burn({window}) unknown, to be {} {threshold}",
                condition.comparison.sign()
            ),
            Some(value) => format!(
                "burn({window}) {} {} {threshold}",
                figure(*value),
                relation(condition, *value, burn.budget.period_secs)
            ),
        }
    };
    let terms: Vec<String> = state.burns.iter().map(term).collect();
    let mut formula = terms.join(" and ");
    if let Threshold::Budget(fraction) = condition.threshold {
        formula = format!(
            "{formula}; {threshold}x spends {}% of the budget in {}",
            figure(fraction * 100.0),
            exact(condition.window_secs)
        );
    }
    plain(
        &format!("{} ({})", condition.name, condition.level.word()),
        standing(state.standing, condition.for_secs, burn.at),
        Some(formula),
    )
}

fn plain(name: &str, result: String, formula: Option<String>) -> Step {
    Step {
        name: name.to_owned(),
        result,
        formula,
        query: None,
        at: None,
    }
}

/// A number as exact as it has to be to compute with it, without an exponent.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the logarithm of a finite number, and decimals within 0 and 15"
)]
fn figure(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return number::of(value);
    }
    let digits_before = value.abs().log10().floor() as i32 + 1;
    let decimals = (FIGURES - digits_before).clamp(0, 15) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole seconds, zero or more; what is larger than any time is any time"
)]
fn whole(secs: f64) -> u64 {
    secs.round().max(0.0) as u64
}
