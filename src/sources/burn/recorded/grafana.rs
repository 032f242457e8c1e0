//! What do the recording rules of Grafana SLO say?
//!
//! `grafana_slo_sli_…` is the share of good ones over the window in its name, `…_window` the one over
//! the period. An SLO is known by its uuid; its name is a label that not every version writes.

use std::collections::BTreeMap;

use super::{
    Draft, Found, NAME, Recorded, groups, is_objective, of_group, selector, value, window_secs,
};
use crate::domain::label::Labels;
use crate::domain::observed::Series;
use crate::domain::slo::Recorder;
use crate::domain::slo_measured::Basis;
use crate::domain::text::Untrusted;

const UUID: &str = "grafana_slo_uuid";
const SLI: &str = "grafana_slo_sli_";
const OWN: [&str; 7] = [
    UUID,
    "grafana_slo_name",
    "grafana_slo_service",
    "grafana_slo_team",
    "grafana_slo_window",
    "grafana_slo_type",
    "__grafana_origin",
];
const NAMES: [&str; 3] = ["grafana_slo_name", "slo_name", "title"];
const SERVICES: [&str; 3] = ["grafana_slo_service", "service_name", "service"];

#[derive(Default)]
struct Family<'a> {
    all: Vec<&'a Labels>,
    ratios: Vec<&'a Series>,
    reference: Vec<&'a Labels>,
    objectives: Vec<(&'a Labels, f64)>,
    windows: Vec<(&'a Labels, f64)>,
    /// Events are counted, so that the period's share is one of events.
    counts_events: Option<()>,
}

pub(super) fn read(series: &[Series], found: &mut Found) {
    let mut families: BTreeMap<&Untrusted, Family<'_>> = BTreeMap::new();
    for one in series {
        let (Some(name), Some(uuid)) = (one.labels.get(NAME), one.labels.get(UUID)) else {
            continue;
        };
        let family = families.entry(uuid).or_default();
        family.all.push(&one.labels);
        let number = value(one).map(|number| (&one.labels, number));
        match name.raw() {
            "grafana_slo_objective" => {
                family.reference.push(&one.labels);
                family.objectives.extend(number);
            }
            "grafana_slo_objective_window_seconds" => family.windows.extend(number),
            "grafana_slo_total_rate_5m" => family.counts_events = Some(()),
            name if name.starts_with(SLI) => family.ratios.push(one),
            _ => {}
        }
    }
    for (uuid, family) in families {
        read_one(uuid, &family, found);
    }
}

fn read_one(uuid: &Untrusted, family: &Family<'_>, found: &mut Found) {
    let first_of = |names: &[&str]| {
        names.iter().find_map(|name| {
            let mut values = family.all.iter().filter_map(|labels| labels.get(name));
            values.find(|value| !value.is_empty())
        })
    };
    let groups = groups(&family.ratios, &family.reference, &OWN);
    for (group, series) in groups.by {
        let of = |values: &[(&Labels, f64)]| of_group(values, &group).copied();
        let period_secs = of(&family.windows).and_then(whole_secs);
        let ratios = series.iter().filter_map(|one| {
            let name = one.labels.get(NAME)?.raw();
            let secs = match name.strip_prefix(SLI)? {
                "window" => period_secs?,
                window => window_secs(window)?,
            };
            Some(Recorded {
                secs,
                ratio: 1.0 - value(one)?,
                query: selector(name, &[(UUID, uuid.raw())], &group),
            })
        });
        let mut pairs: Vec<(Untrusted, Untrusted)> = groups
            .common
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        // Its past is found by it.
        pairs.push((Untrusted::line(UUID), uuid.clone()));
        found.add(Draft {
            by: Recorder::Grafana,
            service: first_of(&SERVICES),
            name: first_of(&NAMES).unwrap_or(uuid),
            group: group.clone(),
            labels: Labels::new(pairs),
            objective: of(&family.objectives).filter(|objective| is_objective(*objective)),
            period_secs,
            period_basis: match family.counts_events {
                Some(()) => Basis::Traffic,
                None => Basis::Time,
            },
            ratios: ratios.collect(),
        });
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a period in seconds, checked to be one"
)]
fn whole_secs(secs: f64) -> Option<u64> {
    (1.0..=4e7).contains(&secs).then_some(secs as u64)
}
