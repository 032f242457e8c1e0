//! Where does each number of an SLO come from: which query, which inputs, which formula?
//!
//! The same steps for `quell burn --explain`, its JSON and the Burn screen. Pure.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::burn::Exhaustion;
use super::duration::{exact, short};
use super::number;
use super::slo::BudgetWindow;
use super::slo_burn::{RECENT_SECS, SloBurn, Standing};
use super::slo_measured::Measured;

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
    steps.extend(burn.conditions.iter().map(|state| {
        let sign = state.condition.comparison.sign();
        let threshold = number::of(state.threshold);
        let terms: Vec<String> = state
            .burns
            .iter()
            .map(|(secs, burn)| {
                let burn = burn.map_or_else(|| "unknown".to_owned(), number::of);
                format!("burn({}) {burn} {sign} {threshold}", exact(*secs))
            })
            .collect();
        Step {
            name: format!(
                "{} ({})",
                state.condition.name,
                state.condition.level.word()
            ),
            result: standing(state.standing, state.condition.for_secs, burn.at),
            formula: Some(terms.join(" and ")),
            query: None,
            at: None,
        }
    }));
    steps
}

/// What stands of a condition, in words.
#[must_use]
pub fn standing(standing: Standing, for_secs: u64, at: DateTime<Utc>) -> String {
    match standing {
        Standing::Fires => "fires".to_owned(),
        Standing::Holds { since } => format!(
            "holds for {} of {}",
            short(super::duration::age_secs(since, at)),
            exact(for_secs)
        ),
        Standing::Not => "does not fire".to_owned(),
        Standing::Unknown => "unknown".to_owned(),
        Standing::Unreachable => "can never fire for this objective".to_owned(),
    }
}

fn window(burn: &SloBurn, measured: &Measured) -> Step {
    let objective = burn.measured.slo.objective;
    let name = format!("burn {}", exact(measured.secs));
    let (result, formula) = match &measured.reading {
        Err(why) => (format!("no data: {why}"), None),
        Ok(reading) => {
            let rate = super::burn::burn_rate(reading.ratio, objective);
            let ratio = match reading.counts {
                Some(c) => format!(
                    "{} bad / {} all = {}",
                    number::of(c.bad),
                    number::of(c.total),
                    number::of(reading.ratio)
                ),
                None => format!("error ratio {}", number::of(reading.ratio)),
            };
            let budget = number::of(1.0 - objective);
            let mut formula = format!("{ratio}; / (1 - {objective}) = {budget}");
            if let Some(raw) = reading.clamped_from {
                let raw = number::of(raw);
                formula = format!("{formula}; the ratio read was {raw}, outside 0 to 1");
            }
            (format!("{}x", number::of(rate)), Some(formula))
        }
    };
    Step {
        name,
        result,
        formula,
        query: Some(measured.query.clone()),
        at: Some(measured.at),
    }
}

fn budget(burn: &SloBurn) -> Vec<Step> {
    let slo = &burn.measured.slo;
    let Some(own) = &burn.measured.period else {
        return Vec::new();
    };
    let rolls = matches!(slo.window, BudgetWindow::Rolling { .. });
    let basis = own.measured.basis.word();
    let mut steps = Vec::new();
    if !rolls {
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
    let to_date = number::of(known.burn_to_date);
    let formula = match known.elapsed {
        None => format!(
            "1 - burn over the period {} ({basis} basis)",
            number::of(known.consumed)
        ),
        Some(elapsed) => format!(
            "1 - burn to date {to_date} x share of the period gone {} = 1 - {} ({basis} basis)",
            number::of(elapsed),
            number::of(known.consumed)
        ),
    };
    steps.push(plain(
        "budget left",
        percent(known.remaining),
        Some(formula),
    ));
    if let (Some(by_time), Some(measured)) = (&burn.budget.by_time, &own.by_time) {
        steps.push(Step {
            query: Some(measured.query.clone()),
            at: Some(measured.at),
            ..plain(
                "budget left by time",
                percent(by_time.remaining),
                Some(
                    "as the recording rule has it: the plain mean of its slices, busy or not"
                        .into(),
                ),
            )
        });
    }
    let result = match burn.budget.exhaustion {
        None => "unknown".to_owned(),
        Some(lasts) => lasting(lasts),
    };
    let recent = burn
        .burn(RECENT_SECS)
        .map_or_else(|| "unknown".to_owned(), number::of);
    let formula = format!(
        "left {} x period {} / burn({}) {recent}; errors that leave the period are not counted back",
        number::of(known.remaining),
        short(whole(burn.budget.period_secs)),
        exact(RECENT_SECS)
    );
    steps.push(plain("gone in", result, Some(formula)));
    steps
}

fn bound(burn: &SloBurn) -> Option<Step> {
    let guarded = burn.guarded_burn()?;
    let counts = burn.window(RECENT_SECS)?.reading.as_ref().ok()?.counts?;
    Some(plain(
        "proven burn",
        format!("{}x", number::of(guarded)),
        Some(format!(
            "lower 95 % bound (Wilson) of {} bad in {} events over {}",
            number::of(counts.bad),
            number::of(counts.total),
            exact(RECENT_SECS)
        )),
    ))
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

/// How long a budget lasts, in a word or two: `19h`, `never`, `spent`, `lasts`.
#[must_use]
pub fn lasting(exhaustion: Exhaustion) -> String {
    match exhaustion {
        Exhaustion::Spent => "spent".to_owned(),
        Exhaustion::In(secs) => short(whole(secs)),
        Exhaustion::Lasts(_) => "lasts".to_owned(),
        Exhaustion::Never => "never".to_owned(),
    }
}

/// A share as a person reads it. What is not quite all or nothing is not called so.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent.abs() {
        100.0 => format!("{percent:.0}%"),
        size if size >= 99.5 && size < 100.0 => format!("{percent:.2}%"),
        size if size < 9.95 && size > 0.0 => format!("{percent:.1}%"),
        _ => format!("{percent:.0}%"),
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole seconds, zero or more; what is larger than any time is any time"
)]
fn whole(secs: f64) -> u64 {
    secs.max(0.0) as u64
}
