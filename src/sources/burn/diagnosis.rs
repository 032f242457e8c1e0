//! Why does a query give nothing, and since when?
//!
//! For SLOs whose series are missing: whether the metric exists, which label takes them away, which
//! buckets there really are, how old the last sample is. [`questions`] makes the expressions,
//! [`conclude`] the words. Called by the poll, at most every ten minutes for an SLO. It asks nobody.

use promql_parser::label::Matcher;
use promql_parser::parser::{Expr, VectorSelector};

use super::ask::{Told, Unit};
use super::measure::{Measure, Number, Role, Text};
use super::promql;
use super::tree::strict;
use crate::domain::nearest::nearest;
use crate::domain::observed::Series;
use crate::domain::text::Untrusted;

/// Of a query this many selectors are looked into, and this many labels of each.
const MAX_SELECTORS: usize = 4;
const MAX_MATCHERS: usize = 8;
/// Of a histogram this many buckets are named.
const MAX_BUCKETS: usize = 20;

/// The age of a last sample is looked for within an hour, and within the longest window.
const AGE_WITHIN_SECS: u64 = 3_600;
const AGE_STEP_SECS: u64 = 30;
/// Prometheus itself takes a series for gone after this.
pub(super) const LOOKBACK_SECS: u64 = 300;

/// What was found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Diagnosis {
    /// What is wrong with the query for all events.
    pub(super) total: Option<Untrusted>,
    /// What is wrong with the query for a part of them.
    pub(super) part: Option<Untrusted>,
    /// Whether the part's metric exists at all.
    pub(super) part_exists: Option<bool>,
    /// How old the last sample is.
    pub(super) age_secs: Option<u64>,
    /// Metrics that do not exist.
    pub(super) unknown_names: Vec<String>,
}

/// The expressions that say what is there of an SLO's series.
pub(super) fn questions(owner: usize, measure: &Measure, longest_secs: u64) -> Option<Unit> {
    let mut items = Vec::new();
    for (at, number) in measure.numbers.iter().enumerate() {
        for (nth, selector) in plain_selectors(number).iter().enumerate() {
            let mark = |what: &str| format!("{owner}n{at}s{nth}{what}");
            let mut count = |what: &str, selector: VectorSelector| {
                let expr = promql::count(Expr::VectorSelector(selector), &[]);
                items.push((mark(what), Text::Sound(promql::write(&expr))));
            };
            count("all", selector.clone());
            let Some(name) = promql::metric_name(selector) else {
                continue;
            };
            count("name", promql::metric(name));
            for (which, matcher) in matchers(selector).enumerate() {
                let mut alone = promql::metric(name);
                alone.matchers.matchers.push(matcher.clone());
                count(&format!("m{which}"), alone);
            }
            if matchers(selector).any(|matcher| matcher.name == "le") {
                let mut any = selector.clone();
                any.matchers.matchers.retain(|matcher| matcher.name != "le");
                let by = ["le".to_owned()];
                let expr = promql::count(Expr::VectorSelector(any), &by);
                items.push((mark("le"), Text::Sound(promql::write(&expr))));
            }
        }
    }
    let all = number_of_all(measure)?;
    if let Some(selector) = plain_selectors(all).into_iter().next() {
        for (what, within, step) in [
            ("age", AGE_WITHIN_SECS, AGE_STEP_SECS),
            ("old", longest_secs, (longest_secs / 500).max(AGE_STEP_SECS)),
        ] {
            let text = promql::write(&age(selector.clone(), within, step));
            items.push((format!("{owner}{what}"), Text::Sound(text)));
        }
    }
    (!items.is_empty()).then_some(Unit { owner, items })
}

/// The age of the newest sample. `timestamp()` of a range's last value would be the time of asking.
fn age(selector: VectorSelector, within_secs: u64, step_secs: u64) -> Expr {
    let stamp = promql::call("timestamp", vec![Expr::VectorSelector(selector)]);
    let newest = promql::sampled("max_over_time", stamp, within_secs, step_secs, 0);
    promql::seconds_since(newest)
}

/// What the answers mean.
pub(super) fn conclude(owner: usize, measure: &Measure, told: &Told) -> Option<Diagnosis> {
    if told.failed.contains_key(&owner) {
        return None;
    }
    let value = |mark: &str| -> Option<f64> {
        let series = told.values.get(&format!("{owner}{mark}"))?;
        series.first()?.samples.last().map(|(_, value)| *value)
    };
    let mut diagnosis = Diagnosis {
        age_secs: value("age").or_else(|| value("old")).map(whole_secs),
        ..Diagnosis::default()
    };
    for (at, number) in measure.numbers.iter().enumerate() {
        let is_part = measure.numbers.len() > 1 && matches!(number.role, Role::Bad | Role::Good);
        let mut exists = true;
        for (nth, selector) in plain_selectors(number).iter().enumerate() {
            let of = |what: &str| value(&format!("n{at}s{nth}{what}"));
            let name = promql::metric_name(selector);
            if let (Some(name), None) = (name, of("name")) {
                exists = false;
                diagnosis.unknown_names.push(name.to_owned());
            }
            let buckets = told.values.get(&format!("{owner}n{at}s{nth}le"));
            let words = words(selector, &of, buckets.map_or(&[], Vec::as_slice));
            let place = if is_part {
                &mut diagnosis.part
            } else {
                &mut diagnosis.total
            };
            if place.is_none() {
                *place = words.map(|words| Untrusted::line(&words));
            }
        }
        if is_part {
            diagnosis.part_exists = Some(exists);
        }
    }
    Some(diagnosis)
}

impl Diagnosis {
    /// Adds what an unknown metric was probably meant to be.
    pub(super) fn guess(&mut self, names: &[String]) {
        for unknown in std::mem::take(&mut self.unknown_names) {
            let Some(near) = nearest(&unknown, names.iter().map(String::as_str)) else {
                continue;
            };
            let plain = format!("no series named {unknown}");
            for text in [&mut self.total, &mut self.part].into_iter().flatten() {
                if text.raw() == plain {
                    *text = Untrusted::line(&format!("{plain}; there is {near}"));
                }
            }
        }
    }
}

/// What is wrong with a selector, if anything is to be said of it.
fn words(
    selector: &VectorSelector,
    value: &dyn Fn(&str) -> Option<f64>,
    buckets: &[Series],
) -> Option<String> {
    let Some(name) = promql::metric_name(selector) else {
        return value("all").is_none().then(|| {
            let text = promql::write(&Expr::VectorSelector(selector.clone()));
            format!("no series match {text}")
        });
    };
    let Some(named) = value("name") else {
        return Some(format!("no series named {name}"));
    };
    if value("all").is_some() {
        let text = promql::write(&Expr::VectorSelector(selector.clone()));
        return Some(format!(
            "{text} is there, but has fewer than two samples in the window: is it scraped that seldom?"
        ));
    }
    let wrong: Vec<&Matcher> = matchers(selector)
        .enumerate()
        .filter(|(which, _)| value(&format!("m{which}")).is_none())
        .map(|(_, matcher)| matcher)
        .collect();
    let asks_bucket = matchers(selector).find(|matcher| matcher.name == "le");
    if let (Some(bucket), false) = (asks_bucket, buckets.is_empty()) {
        return Some(format!(
            "{name} has no bucket {}; it has {}",
            strict(bucket),
            bucket_list(buckets)
        ));
    }
    let list: Vec<String> = match wrong.as_slice() {
        [] => matchers(selector).map(strict).collect(),
        wrong => wrong.iter().map(|matcher| strict(matcher)).collect(),
    };
    Some(format!(
        "{name} has {named} series, none with {}",
        list.join(" and ")
    ))
}

fn bucket_list(buckets: &[Series]) -> String {
    let mut bounds: Vec<&str> = buckets
        .iter()
        .filter_map(|one| one.labels.get("le").map(Untrusted::raw))
        .collect();
    let number = |text: &&str| text.parse::<f64>().unwrap_or(f64::INFINITY);
    bounds.sort_by(|a, b| number(a).total_cmp(&number(b)));
    let more = bounds.len().saturating_sub(MAX_BUCKETS);
    bounds.truncate(MAX_BUCKETS);
    let list = bounds.join(", ");
    if more > 0 {
        return format!("{list} and {more} more");
    }
    list
}

/// The number whose absence means that there is nothing at all.
fn number_of_all(measure: &Measure) -> Option<&Number> {
    measure.number(Role::Total).or(measure.numbers.first())
}

/// The selectors of a number, as of now.
fn plain_selectors(number: &Number) -> Vec<VectorSelector> {
    let selectors = number.selectors().into_iter().take(MAX_SELECTORS);
    selectors
        .map(|selector| VectorSelector {
            offset: None,
            at: None,
            ..selector.clone()
        })
        .collect()
}

fn matchers(selector: &VectorSelector) -> impl Iterator<Item = &Matcher> {
    let all = selector.matchers.matchers.iter();
    all.filter(|matcher| matcher.name != "__name__")
        .take(MAX_MATCHERS)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an age in seconds; below zero only for a clock that is ahead"
)]
fn whole_secs(age: f64) -> u64 {
    age.max(0.0) as u64
}
