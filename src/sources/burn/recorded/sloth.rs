//! What do the recording rules of Sloth say?
//!
//! `slo:sli_error:ratio_rate…` is the error ratio over the window of `sloth_window`. The one over the
//! period is the plain mean of the 5-minute ratios, unless Sloth was told otherwise: a basis of time.
//! `sloth_slo_info` has the objective as it was written; `slo:objective:ratio` may be a little off
//! (`0.9990000000000001`).

use std::collections::BTreeMap;

use super::{
    DAY_SECS, Draft, Found, NAME, Recorded, groups, is_objective, of_group, selector, value,
    window_secs,
};
use crate::domain::label::Labels;
use crate::domain::observed::Series;
use crate::domain::slo::Recorder;
use crate::domain::slo_measured::Basis;
use crate::domain::text::Untrusted;

const RATIO: &str = "slo:sli_error:ratio_rate";
const OWN: [&str; 8] = [
    "sloth_id",
    "sloth_service",
    "sloth_slo",
    "sloth_window",
    "sloth_version",
    "sloth_mode",
    "sloth_spec",
    "sloth_objective",
];

/// Everything of one SLO.
#[derive(Default)]
struct Family<'a> {
    ratios: Vec<&'a Series>,
    reference: Vec<&'a Labels>,
    objectives: Vec<(&'a Labels, f64)>,
    days: Vec<(&'a Labels, f64)>,
}

/// The objective, by the text of `sloth_objective` in per cent.
fn exact_objective(labels: &Labels) -> Option<f64> {
    let percent: f64 = labels.get("sloth_objective")?.raw().parse().ok()?;
    // As a decimal of its own: 99.9 / 100 is not 0.999 in binary.
    Some((percent * 1e10).round() / 1e12)
}

pub(super) fn read(series: &[Series], found: &mut Found) {
    let mut families: BTreeMap<(&Untrusted, &Untrusted), Family<'_>> = BTreeMap::new();
    for one in series {
        let Some(name) = one.labels.get(NAME) else {
            continue;
        };
        let name = name.raw();
        let is_ratio = name.starts_with(RATIO);
        let is_about = matches!(
            name,
            "slo:time_period:days" | "slo:objective:ratio" | "sloth_slo_info"
        );
        let key = one
            .labels
            .get("sloth_service")
            .zip(one.labels.get("sloth_slo"));
        let (Some(key), true) = (key, is_ratio || is_about) else {
            continue;
        };
        let family = families.entry(key).or_default();
        if is_ratio {
            family.ratios.push(one);
            continue;
        }
        family.reference.push(&one.labels);
        let number = value(one);
        match name {
            "sloth_slo_info" => {
                let exact = exact_objective(&one.labels).map(|o| (&one.labels, o));
                // The exact one comes before the computed one.
                family.objectives.splice(0..0, exact);
            }
            "slo:objective:ratio" => {
                let rounded = number.map(|ratio| (ratio * 1e12).round() / 1e12);
                family.objectives.extend(rounded.map(|o| (&one.labels, o)));
            }
            _ => family.days.extend(number.map(|days| (&one.labels, days))),
        }
    }
    for ((service, name), family) in families {
        read_one(service, name, &family, found);
    }
}

fn read_one(service: &Untrusted, name: &Untrusted, family: &Family<'_>, found: &mut Found) {
    let groups = groups(&family.ratios, &family.reference, &OWN);
    for (group, series) in groups.by {
        let objective = of_group(&family.objectives, &group).copied();
        let objective = objective.filter(|objective| is_objective(*objective));
        let days = of_group(&family.days, &group).copied();
        let ratios = series.iter().filter_map(|one| {
            let name = one.labels.get(NAME)?.raw();
            let window = one.labels.get("sloth_window").map(Untrusted::raw);
            let window = window.or_else(|| name.strip_prefix(RATIO))?;
            let id = one.labels.get("sloth_id").map(|id| ("sloth_id", id.raw()));
            let slo = [
                ("sloth_service", one.labels.get("sloth_service")?.raw()),
                ("sloth_slo", one.labels.get("sloth_slo")?.raw()),
            ];
            let pairs = id.as_ref().map_or(&slo[..], std::slice::from_ref);
            Some(Recorded {
                secs: window_secs(window)?,
                ratio: value(one)?,
                query: selector(name, pairs, &group),
            })
        });
        let ratios: Vec<Recorded> = ratios.collect();
        // Sloth always records the whole period, and no alert looks at a week.
        let longest = ratios.iter().map(|recorded| recorded.secs).max();
        let longest = longest.filter(|secs| *secs >= 7 * DAY_SECS);
        found.add(Draft {
            by: Recorder::Sloth,
            service: Some(service),
            name,
            group: group.clone(),
            labels: groups.common.clone(),
            objective,
            period_secs: days.and_then(period_secs).or(longest),
            period_basis: Basis::Time,
            ratios,
        });
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a period of days, checked to be one"
)]
fn period_secs(days: f64) -> Option<u64> {
    let secs = (days * DAY_SECS as f64).round();
    (1.0..=400.0 * DAY_SECS as f64)
        .contains(&secs)
        .then_some(secs as u64)
}
