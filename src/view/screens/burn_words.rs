//! Which few words say how an SLO burns, what is left of it, and why nobody can tell?
//!
//! The same in lists, in summaries and on the page of an SLO. Nothing is laid out here.

use super::burns::short_rate;
use crate::domain::burn::{Budget, Exhaustion};
use crate::domain::burn_explain::{lasting, percent};
use crate::domain::duration::exact;
use crate::domain::freshness::Freshness;
use crate::domain::number;
use crate::domain::slo::{BudgetMethod, BudgetWindow, Slo};
use crate::domain::slo_burn::{RECENT_SECS, SloBurn, Verdict};
use crate::domain::slo_measured::{Counts, NoData};
use crate::view::Look;
use crate::view::widgets::text;

/// A bound below this share of the burn is worth a word: the sample is small.
const SMALL_SAMPLE: f64 = 0.7;

/// What is burning, in a few words: `14.6x over 1h, 21x over 5m`.
pub fn rates(burn: &SloBurn) -> String {
    let over = |secs: u64| Some(format!("{} over {}", times(burn.burn(secs)?), exact(secs)));
    let known: Vec<String> = [RECENT_SECS, 300].into_iter().filter_map(over).collect();
    if known.is_empty() {
        return "no burn known".to_owned();
    }
    known.join(", ")
}

/// What is left, in a few words: `38% left, gone in 19h`.
pub fn left(burn: &SloBurn) -> String {
    let budget = match &burn.budget.known {
        Err(why) => return format!("budget unknown: {why}"),
        Ok(budget) => budget,
    };
    let left = left_of(budget);
    match burn.budget.exhaustion {
        None | Some(Exhaustion::Spent) => left,
        Some(Exhaustion::Never) => format!("{left}, none being spent"),
        Some(Exhaustion::Lasts(_)) => format!("{left}, lasts its period"),
        Some(lasts) => format!("{left}, gone in {}", lasting(lasts)),
    }
}

/// As much of burn and budget as so many columns hold, the burn first.
pub fn in_few(burn: &SloBurn, columns: usize, look: &Look) -> String {
    let dot = look.glyphs.dot;
    let rate = burn.burn(RECENT_SECS).map_or("?".to_owned(), times);
    let remaining = burn.budget.known.as_ref().ok();
    let share = remaining.map_or("?".to_owned(), |budget| percent(budget.remaining));
    let lasts = gone_in(burn);
    let wide = [
        format!("{} {dot} {}", rates(burn), left(burn)),
        format!("{rate} over 1h {dot} {}", left(burn)),
        format!("{rate} {dot} {share} left {dot} {lasts}"),
        format!("{rate} {dot} {share}"),
    ];
    let fits = wide.into_iter().find(|words| text::width(words) <= columns);
    fits.unwrap_or(rate)
}

/// How long the budget lasts, in a word. Few events do not prove it: the order of a list does not
/// count on that either.
pub fn gone_in(burn: &SloBurn) -> String {
    match burn.budget.exhaustion {
        None => "?".to_owned(),
        Some(lasts @ Exhaustion::In(_)) if is_small_sample(burn) => format!("{}?", lasting(lasts)),
        Some(lasts) => lasting(lasts),
    }
}

/// `38% left`, or by how much it is overspent.
pub fn left_of(budget: &Budget) -> String {
    if budget.remaining < 0.0 {
        return format!("overspent by {}", percent(-budget.remaining));
    }
    format!("{} left", percent(budget.remaining))
}

/// A burn rate in running text: `21x`.
pub fn times(rate: f64) -> String {
    let short = short_rate(rate);
    format!("{}x", short.strip_suffix(".0").unwrap_or(&short))
}

/// What may give it a verdict again.
pub fn next_step(burn: &SloBurn) -> Option<&'static str> {
    if !matches!(burn.verdict, Verdict::None { .. }) {
        return None;
    }
    if burn.freshness != Freshness::Fresh {
        return Some("8 shows what is wrong with the source");
    }
    let mut unread = burn.windows().filter_map(|m| m.reading.as_ref().err());
    let why = burn.measured.blocked.as_ref().or_else(|| unread.next());
    Some(why.unwrap_or(&NoData::NotAsked).next_step())
}

/// Why there is no verdict, or what makes it uncertain; and what was known before.
pub fn why(burn: &SloBurn) -> Option<String> {
    let why = burn.reason.as_ref()?;
    Some(match burn.verdict {
        Verdict::None {
            last_known: Some(level),
        } => format!("{why}; last known: {}", level.word()),
        _ => why.clone(),
    })
}

/// The other budget, where it is quite another.
pub fn by_time(burn: &SloBurn) -> Option<String> {
    let by_time = burn.budget.by_time.as_ref()?;
    Some(format!(
        "by time: {}; a recorded mean counts quiet slices like busy ones",
        left_of(by_time)
    ))
}

/// What the budget is counted by.
pub fn basis(burn: &SloBurn) -> &'static str {
    let period = burn.measured.period.as_ref();
    period.map_or("-", |period| period.measured.basis.word())
}

/// Whether a burn is told by so few events that it may be chance.
fn is_small_sample(burn: &SloBurn) -> bool {
    match (burn.burn(RECENT_SECS), burn.guarded_burn()) {
        (Some(raw), Some(proven)) => raw > 0.0 && proven < raw * SMALL_SAMPLE,
        _ => false,
    }
}

/// What one may say of a burn by few events.
pub fn small_sample(burn: &SloBurn) -> Option<String> {
    let proven = burn.guarded_burn().filter(|_| is_small_sample(burn))?;
    let counts = burn.window(RECENT_SECS)?.reading.as_ref().ok()?.counts?;
    Some(format!(
        "few events: {} in 1h prove only {}",
        counted(&burn.measured.slo, counts),
        times(proven)
    ))
}

/// `630 bad of 30000`
pub fn counted(slo: &Slo, counts: Counts) -> String {
    let slices = match slo.method {
        BudgetMethod::Occurrences => "",
        BudgetMethod::Timeslices { .. } | BudgetMethod::RatioTimeslices { .. } => " slices",
    };
    format!(
        "{} bad of {}{slices}",
        number::of(counts.bad),
        number::of(counts.total)
    )
}

/// `99.9% over 30d`
pub fn promise(burn: &SloBurn) -> String {
    let slo = &burn.measured.slo;
    let objective = format!("{:.4}", slo.objective * 100.0);
    let objective = objective.trim_end_matches('0').trim_end_matches('.');
    let window = match slo.window {
        BudgetWindow::Rolling { secs } => format!("over {}", exact(secs)),
        BudgetWindow::Calendar(calendar) => match &burn.measured.period {
            Some(own) => {
                let zone = calendar.zone.0;
                let day = |at: chrono::DateTime<chrono::Utc>| {
                    at.with_timezone(&zone).format("%-d %b").to_string()
                };
                format!(
                    "from {} to {} ({})",
                    day(own.period.start),
                    day(own.period.end),
                    zone.name()
                )
            }
            None => "by the calendar".to_owned(),
        },
    };
    let method = match slo.method {
        BudgetMethod::Occurrences => String::new(),
        BudgetMethod::Timeslices { slice_secs, .. } => {
            format!(", in slices of {}", exact(slice_secs))
        }
        BudgetMethod::RatioTimeslices { slice_secs } => {
            format!(", mean of slices of {}", exact(slice_secs))
        }
    };
    format!("{objective}% {window}{method}")
}
