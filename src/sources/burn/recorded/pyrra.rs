//! What do the recording rules of Pyrra say?
//!
//! `…:burnrate…` is misnamed: it is the error ratio over the window in its name. Objective and period
//! are recorded only with Pyrra's `--generic-rules`, and then `pyrra_availability` is the share of
//! good events over the period.

use std::collections::BTreeMap;

use super::{
    Draft, Found, NAME, Recorded, groups, is_objective, of_group, selector, value, window_secs,
};
use crate::domain::label::Labels;
use crate::domain::observed::Series;
use crate::domain::slo::Recorder;
use crate::domain::slo_measured::Basis;
use crate::domain::text::Untrusted;

const OWN: [&str; 1] = ["slo"];

#[derive(Default)]
struct Family<'a> {
    ratios: Vec<&'a Series>,
    objectives: Vec<(&'a Labels, f64)>,
    windows: Vec<(&'a Labels, f64)>,
    availabilities: Vec<(&'a Labels, f64)>,
}

pub(super) fn read(series: &[Series], found: &mut Found) {
    let mut families: BTreeMap<&Untrusted, Family<'_>> = BTreeMap::new();
    for one in series {
        let (Some(name), Some(slo)) = (one.labels.get(NAME), one.labels.get("slo")) else {
            continue;
        };
        let number = value(one).map(|number| (&one.labels, number));
        match name.raw() {
            "pyrra_objective" => families.entry(slo).or_default().objectives.extend(number),
            "pyrra_window" => families.entry(slo).or_default().windows.extend(number),
            "pyrra_availability" => {
                let family = families.entry(slo).or_default();
                family.availabilities.extend(number);
            }
            name if name.contains(":burnrate") => {
                families.entry(slo).or_default().ratios.push(one);
            }
            _ => {}
        }
    }
    for (name, family) in families {
        read_one(name, &family, found);
    }
}

fn read_one(name: &Untrusted, family: &Family<'_>, found: &mut Found) {
    // The rules carry the equal matchers of the SLO's metric as labels, which the objective does not:
    // only what differs makes a group.
    let groups = groups(&family.ratios, &[], &OWN);
    for (group, series) in groups.by {
        let of = |values: &[(&Labels, f64)]| of_group(values, &group).copied();
        let period_secs = of(&family.windows).and_then(whole_secs);
        let slo = [("slo", name.raw())];
        let ratios = series.iter().filter_map(|one| {
            let series_name = one.labels.get(NAME)?.raw();
            let (_, window) = series_name.rsplit_once(":burnrate")?;
            Some(Recorded {
                secs: window_secs(window)?,
                ratio: value(one)?,
                query: selector(series_name, &slo, &group),
            })
        });
        let mut ratios: Vec<Recorded> = ratios.collect();
        if let (Some(secs), Some(good)) = (period_secs, of(&family.availabilities)) {
            ratios.push(Recorded {
                secs,
                ratio: 1.0 - good,
                query: selector("pyrra_availability", &slo, &Labels::default()),
            });
        }
        let labels = &groups.common;
        found.add(Draft {
            by: Recorder::Pyrra,
            service: labels.get("service").or_else(|| labels.get("job")),
            name,
            group: group.clone(),
            labels: labels.clone(),
            objective: of(&family.objectives).filter(|objective| is_objective(*objective)),
            period_secs,
            period_basis: Basis::Traffic,
            ratios,
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
