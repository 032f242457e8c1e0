//! Which reading do the numbers of an SLO give, and why none?
//!
//! [`gather`] picks an SLO's numbers out of an answer, [`reading`] turns them into a ratio. What is
//! absent, zero and not a number are different things here. Called by [`super::answer`] and
//! [`super::period`]. It asks nobody.

use std::collections::BTreeMap;

use super::ask::Told;
use super::diagnosis::Diagnosis;
use super::measure::{Measure, Number, Role};
use super::promql;
use super::shape::Unit;
use crate::domain::label::Labels;
use crate::domain::number;
use crate::domain::observed::Series;
use crate::domain::slo::Outcome;
use crate::domain::slo_measured::{NoData, Reading};
use crate::domain::text::Untrusted;

/// Of one SLO this many groups are kept.
pub(super) const MAX_GROUPS: usize = 500;

/// The numbers of one SLO or group over one stretch of time. `None` where there was no series.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Values {
    pub(super) bad: Option<f64>,
    pub(super) good: Option<f64>,
    pub(super) total: Option<f64>,
    pub(super) ratio: Option<f64>,
}

impl Values {
    /// Whether no number of it is known.
    pub(super) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn get(&self, role: Role) -> Option<f64> {
        match role {
            Role::Bad => self.bad,
            Role::Good => self.good,
            Role::Total => self.total,
            Role::Ratio(_) => self.ratio,
        }
    }

    pub(super) fn set(&mut self, role: Role, value: Option<f64>) {
        let place = match role {
            Role::Bad => &mut self.bad,
            Role::Good => &mut self.good,
            Role::Total => &mut self.total,
            Role::Ratio(_) => &mut self.ratio,
        };
        *place = value;
    }

    /// Whether there was any series at all.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The numbers of each group; of an SLO without groups there is one, without labels.
pub(super) type Groups = BTreeMap<Labels, Values>;

/// The mark of a number: whose, what, and of which part of a period.
pub(super) fn mark(owner: usize, role: Role, part: &str) -> String {
    format!("{owner}{}{part}", role.letter())
}

/// Picks the numbers of an SLO out of an answer.
///
/// # Errors
/// They were not answered, or there are several where one is meant.
pub(super) fn gather(
    measure: &Measure,
    group_by: &[String],
    owner: usize,
    part: &str,
    told: &Told,
) -> Result<Groups, NoData> {
    if let Some(why) = told.failed.get(&owner) {
        return Err(why.clone());
    }
    let mut groups = Groups::new();
    if group_by.is_empty() {
        groups.insert(Labels::default(), Values::default());
    }
    for number in &measure.numbers {
        let series = told.values.get(&mark(owner, number.role, part));
        let series = series.map_or(&[][..], Vec::as_slice);
        if group_by.is_empty() && series.len() > 1 {
            return Err(several(series));
        }
        for one in series {
            let group = only(&one.labels, group_by);
            let values = groups.entry(group).or_default();
            if values.get(number.role).is_some() {
                return Err(several(series));
            }
            values.set(number.role, one.samples.last().map(|(_, value)| *value));
        }
    }
    while groups.len() > MAX_GROUPS {
        groups.pop_last();
    }
    Ok(groups)
}

/// The labels of these names.
pub(super) fn only(labels: &Labels, names: &[String]) -> Labels {
    let pair = |name: &String| Some((Untrusted::line(name), labels.get(name)?.clone()));
    Labels::new(names.iter().filter_map(pair).collect())
}

fn several(series: &[Series]) -> NoData {
    const SHOWN: usize = 5;
    let mut names: Vec<&str> = series
        .iter()
        .flat_map(|one| one.labels.iter().map(|(name, _)| name.shown()))
        .collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| {
        let first = series[0].labels.get(name);
        series.iter().any(|one| one.labels.get(name) != first)
    });
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    NoData::Several(Untrusted::line(&format!(
        "{} that differ in {}{rest}; put sum() around the query, or group the SLO by them",
        series.len(),
        names.join(", ")
    )))
}

/// What else is known when a reading is made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Context<'a> {
    /// What was found out about missing series.
    pub(super) diagnosis: Option<&'a Diagnosis>,
    /// Whether a longer window has good events.
    pub(super) good_elsewhere: Elsewhere,
    /// Whether the values are counts already.
    pub(super) scale: Scale,
}

/// Whether something is there at another time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Elsewhere {
    Seen,
    #[default]
    Unseen,
}

/// What values are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Scale {
    /// As their queries give them.
    #[default]
    Raw,
    /// Counts, put together from parts.
    Counts,
}

/// What a stretch of time says.
pub(super) fn reading(
    measure: &Measure,
    values: &Values,
    secs: u64,
    context: Context<'_>,
) -> Result<Reading, NoData> {
    for number in &measure.numbers {
        let value = values.get(number.role);
        if let Some(value) = value.filter(|value| !value.is_finite()) {
            return Err(not_a_number(number.role, value));
        }
    }
    if let [number] = measure.numbers.as_slice()
        && let Role::Ratio(of) = number.role
    {
        let ratio = values.ratio.ok_or_else(|| missing(context, Lack::Ratio))?;
        let bad = match of {
            Outcome::Bad => ratio,
            Outcome::Good => 1.0 - ratio,
        };
        return Reading::of_ratio(bad).ok_or_else(|| not_a_number(number.role, ratio));
    }
    let scaled = |role: Role| -> Option<f64> {
        Some(values.get(role)? * scale(measure, role, secs, context))
    };
    let (bad, total) = if measure.number(Role::Total).is_some() {
        let total = scaled(Role::Total).ok_or_else(|| missing(context, Lack::Total))?;
        (None, total)
    } else {
        // Slices: those that are neither good nor bad had no value.
        let (bad, good) = (scaled(Role::Bad), scaled(Role::Good));
        let none = || missing(context, Lack::Total);
        (
            Some(bad.unwrap_or(0.0)),
            bad.zip(good).map(|(b, g)| b + g).ok_or_else(none)?,
        )
    };
    if total == 0.0 {
        return Err(NoData::NoTraffic(secs));
    }
    if total < 0.0 {
        return Err(NoData::NotANumber(Untrusted::line(&format!(
            "the count of all events is {}",
            number::of(total)
        ))));
    }
    let bad = match bad {
        Some(bad) => bad,
        None => bad_of_total(measure, total, context, scaled)?,
    };
    let reading = Reading::of_counts(bad, total);
    let mut reading = reading.ok_or_else(|| not_a_number(Role::Bad, bad))?;
    if context.scale == Scale::Raw && measure.numbers.iter().any(|n| n.unit() == Unit::Unknown) {
        reading.counts = None;
    }
    Ok(reading)
}

/// The bad ones among all, from the part that is counted.
fn bad_of_total(
    measure: &Measure,
    total: f64,
    context: Context<'_>,
    scaled: impl Fn(Role) -> Option<f64>,
) -> Result<f64, NoData> {
    if let Some(number) = measure.number(Role::Good) {
        if let Some(good) = scaled(Role::Good) {
            return Ok(total - good);
        }
        // A bucket that is not there is no outage. What was good before may well be gone.
        let was_there = context.good_elsewhere == Elsewhere::Seen;
        if was_there && !number.reads_a_bucket() {
            return Ok(total);
        }
        return Err(missing(context, Lack::Part));
    }
    if let Some(bad) = scaled(Role::Bad) {
        return Ok(bad);
    }
    let is_known = context.diagnosis.and_then(|d| d.part_exists);
    let reads_bucket = measure
        .number(Role::Bad)
        .is_some_and(Number::reads_a_bucket);
    if !reads_bucket && (shares_its_metric(measure) || is_known == Some(true)) {
        return Ok(0.0);
    }
    Err(missing(context, Lack::Part))
}

/// Whether bad events are series of the metric that counts all: then one that never happened has no
/// series, and there is nothing to wonder about.
pub(super) fn shares_its_metric(measure: &Measure) -> bool {
    let names = |role: Role| -> Vec<Option<String>> {
        let number = measure.number(role);
        let selectors = number.map(|n| n.selectors()).unwrap_or_default();
        selectors
            .into_iter()
            .map(|selector| promql::metric_name(selector).map(str::to_owned))
            .collect()
    };
    let (part, all) = (names(Role::Bad), names(Role::Total));
    !part.is_empty() && part.iter().all(|name| name.is_some() && all.contains(name))
}

/// What a value has to be multiplied with to become a count. Where one of two cannot be, neither is.
#[expect(clippy::cast_precision_loss, reason = "a window is far below 2^53 s")]
fn scale(measure: &Measure, role: Role, secs: u64, context: Context<'_>) -> f64 {
    let factor = |unit: Unit| unit.events_in(secs as f64);
    let all_known = measure.numbers.iter().all(|n| factor(n.unit()).is_some());
    match (context.scale, measure.number(role)) {
        (Scale::Raw, Some(number)) if all_known => factor(number.unit()).unwrap_or(1.0),
        _ => 1.0,
    }
}

/// What is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lack {
    Total,
    Part,
    Ratio,
}

fn missing(context: Context<'_>, lack: Lack) -> NoData {
    let said = context.diagnosis.and_then(|diagnosis| match lack {
        Lack::Total | Lack::Ratio => diagnosis.total.as_ref().or(diagnosis.part.as_ref()),
        Lack::Part => diagnosis.part.as_ref(),
    });
    NoData::Missing(said.cloned().unwrap_or_else(|| {
        Untrusted::line(match lack {
            Lack::Total => "the query for all events gives nothing",
            Lack::Part => {
                "the query for a part of the events gives nothing, although there are events"
            }
            Lack::Ratio => "the query gives nothing",
        })
    }))
}

fn not_a_number(role: Role, value: f64) -> NoData {
    let what = match role {
        Role::Bad => "the count of bad ones",
        Role::Good => "the count of good ones",
        Role::Total => "the count of all",
        Role::Ratio(_) => "the ratio",
    };
    let hint = if value.is_nan() {
        ", such as of nothing divided by nothing"
    } else {
        ", such as of something divided by nothing"
    };
    NoData::NotANumber(Untrusted::line(&format!(
        "{what} is {}{hint}",
        number::of(value)
    )))
}
