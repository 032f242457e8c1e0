//! Which SLOs does a Prometheus record already, and what do its recordings say?
//!
//! One selector finds the series of Sloth, Pyrra and Grafana SLO, all windows at once. [`read`] turns
//! them into [`RecordedSlo`]s; what a recording means is said in the module of its maker. Called by
//! the poll. It asks nobody.

mod grafana;
mod pyrra;
mod sloth;
#[cfg(test)]
pub(super) mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use promql_parser::util::escape_string;

use crate::domain::label::Labels;
use crate::domain::observed::Series;
use crate::domain::slo::{BudgetMethod, BudgetWindow, Indicator, Origin, Recorder, Slo, SloId};
use crate::domain::slo_measured::Basis;
use crate::domain::source::SourceName;
use crate::domain::text::Untrusted;

/// Everything that is recorded of SLOs.
pub(super) const SELECTOR: &str = concat!(
    "{__name__=~\"slo:sli_error:ratio_rate.+|slo:time_period:days|slo:objective:ratio|sloth_slo_info",
    "|.+:burnrate.+|pyrra_objective|pyrra_window|pyrra_availability|grafana_slo_.+\"}"
);

const DAY_SECS: u64 = 86_400;

/// The name of a series.
const NAME: &str = "__name__";

/// Labels that only say which of several copies of a Prometheus speaks.
const REPLICA_LABELS: [&str; 6] = [
    "replica",
    "prometheus_replica",
    "__replica__",
    "thanos_replica",
    "rule_replica",
    "receive_replica",
];

/// One SLO, or one group of it, as it is recorded.
#[derive(Clone, Debug)]
pub(super) struct RecordedSlo {
    /// Without an objective where none is recorded: see [`RecordedSlo::objective`].
    pub(super) slo: Slo,
    /// Who records it.
    pub(super) by: Recorder,
    pub(super) objective: Option<f64>,
    /// By window, the shortest first, without the budget's own period.
    pub(super) windows: Vec<Recorded>,
    /// Over the budget's period.
    pub(super) period: Option<(Recorded, Basis)>,
}

/// One recorded error ratio.
#[derive(Clone, Debug)]
pub(super) struct Recorded {
    pub(super) secs: u64,
    /// The share of bad ones; may be no number.
    pub(super) ratio: f64,
    /// Where it stands.
    pub(super) query: Arc<str>,
}

impl RecordedSlo {
    pub(super) fn window(&self, secs: u64) -> Option<&Recorded> {
        self.windows.iter().find(|window| window.secs == secs)
    }
}

/// All recorded SLOs, and what is lacking.
pub(super) fn read(series: &[Series], source: &SourceName) -> (Vec<RecordedSlo>, Vec<Untrusted>) {
    let mut found = Found {
        source: source.clone(),
        slos: Vec::new(),
        limits: Vec::new(),
    };
    sloth::read(series, &mut found);
    pyrra::read(series, &mut found);
    grafana::read(series, &mut found);
    (found.slos, found.limits)
}

/// What was found so far.
struct Found {
    source: SourceName,
    slos: Vec<RecordedSlo>,
    limits: Vec<Untrusted>,
}

/// What one maker says of one SLO or group.
struct Draft<'a> {
    by: Recorder,
    service: Option<&'a Untrusted>,
    name: &'a Untrusted,
    group: Labels,
    labels: Labels,
    objective: Option<f64>,
    period_secs: Option<u64>,
    period_basis: Basis,
    /// Window in seconds, error ratio, query. The period's own is among them.
    ratios: Vec<Recorded>,
}

impl Found {
    fn add(&mut self, draft: Draft<'_>) {
        let mut ratios: BTreeMap<u64, Recorded> = BTreeMap::new();
        for recorded in draft.ratios {
            // Of the copies of a pair, the one that says a number.
            match ratios.get(&recorded.secs) {
                Some(known) if !known.ratio.is_nan() => {}
                _ => {
                    ratios.insert(recorded.secs, recorded);
                }
            }
        }
        let own = draft.period_secs.and_then(|secs| ratios.remove(&secs));
        let assumed = draft.period_secs.is_none().then(|| {
            let what = "the length of its period is not recorded: 30 days are assumed";
            Untrusted::line(what)
        });
        let slo = Slo {
            id: SloId {
                service: draft.service.cloned(),
                name: draft.name.clone(),
                group: draft.group,
            },
            summary: None,
            objective: draft.objective.unwrap_or(f64::NAN),
            window: BudgetWindow::Rolling {
                secs: draft.period_secs.unwrap_or(30 * DAY_SECS),
            },
            method: BudgetMethod::Occurrences,
            indicator: Indicator::Recorded,
            group_by: Vec::new(),
            labels: draft.labels,
            origins: vec![Origin::Recorded {
                source: self.source.clone(),
                by: draft.by,
            }],
            cautions: assumed.into_iter().collect(),
        };
        self.slos.push(RecordedSlo {
            slo,
            by: draft.by,
            objective: draft.objective,
            windows: ratios.into_values().collect(),
            period: own.map(|recorded| (recorded, draft.period_basis)),
        });
    }
}

/// Series of one SLO, and the labels that belong to all of it.
struct Groups<'a> {
    /// Labels that are the same on all series.
    common: Labels,
    /// By the labels that differ.
    by: BTreeMap<Labels, Vec<&'a Series>>,
}

/// Takes the groups of an SLO apart. `reference` is the series that carry only the labels of the SLO
/// as a whole; without any, what all series share is taken for that. `own` are the maker's labels.
fn groups<'a>(series: &[&'a Series], reference: &[&Labels], own: &[&str]) -> Groups<'a> {
    let is_own = |name: &str| name == NAME || own.contains(&name) || REPLICA_LABELS.contains(&name);
    let shared = if reference.is_empty() {
        let all: Vec<&Labels> = series.iter().map(|series| &series.labels).collect();
        intersection(&all, is_own)
    } else {
        intersection(reference, is_own)
    };
    let mut by: BTreeMap<Labels, Vec<&Series>> = BTreeMap::new();
    for one in series {
        let pairs = one.labels.iter();
        let rest: Vec<(Untrusted, Untrusted)> = pairs
            .filter(|(name, value)| !is_own(name.raw()) && shared.get(name.raw()) != Some(*value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let group = if rest.is_empty() {
            Labels::default()
        } else {
            Labels::new(rest)
        };
        by.entry(group).or_default().push(one);
    }
    Groups { common: shared, by }
}

/// The pairs that all label sets share.
fn intersection(all: &[&Labels], is_own: impl Fn(&str) -> bool) -> Labels {
    let Some((first, others)) = all.split_first() else {
        return Labels::default();
    };
    let pairs = first.iter().filter(|(name, value)| {
        !is_own(name.raw()) && others.iter().all(|o| o.get(name.raw()) == Some(*value))
    });
    Labels::new(pairs.map(|(n, v)| (n.clone(), v.clone())).collect())
}

/// The value of a series.
fn value(series: &Series) -> Option<f64> {
    series.samples.last().map(|(_, value)| *value)
}

/// The one of several values that belongs to a group: none of its labels says otherwise.
fn of_group<'a, T>(values: &'a [(&Labels, T)], group: &Labels) -> Option<&'a T> {
    let fits = |labels: &Labels| {
        let mut pairs = group.iter();
        pairs.all(|(name, value)| labels.get(name.raw()).is_none_or(|own| own == value))
    };
    values
        .iter()
        .find(|(labels, _)| fits(labels))
        .map(|(_, value)| value)
}

/// A selector as text.
fn selector(name: &str, pairs: &[(&str, &str)], group: &Labels) -> Arc<str> {
    let mut text = String::with_capacity(96);
    text.push_str(name);
    let group = group.iter().map(|(name, value)| (name.raw(), value.raw()));
    for (at, (name, value)) in pairs.iter().copied().chain(group).enumerate() {
        text.push(if at == 0 { '{' } else { ',' });
        let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let quote = if is_plain { "" } else { "\"" };
        text.extend([quote, &escape_string(name), quote]);
        text.push_str("=\"");
        text.push_str(&escape_string(value));
        text.push('"');
    }
    text.push('}');
    text.into()
}

/// A window as the recordings write it (`5m`, `30d`, `4w`), in seconds.
fn window_secs(text: &str) -> Option<u64> {
    let length = crate::domain::duration::parse(text).ok()?;
    Some(length.as_secs()).filter(|secs| *secs > 0)
}

/// Whether an objective leaves a budget and asks for something.
fn is_objective(objective: f64) -> bool {
    objective > 0.0 && objective < 1.0
}
