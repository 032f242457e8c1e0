//! How does an indicator of `OpenSLO` tell good from bad, and whom does it ask?
//!
//! Called by [`super::names`] for indicators of their own and for those within an SLO. What a data
//! source's `spec` holds is free in the specification; here it is a query for Prometheus, or nothing.

use std::collections::BTreeMap;

use super::fields::{Fields, Text};
use super::query::{Selectors, Windows, query};
use super::report::{Report, Said, quoted};
use crate::domain::nearest::nearest;
use crate::domain::slo::{MetricKind, Outcome, Query};
use crate::domain::text::Untrusted;

/// What an indicator measures, before an objective says what is good.
#[derive(Clone, Debug)]
pub(super) enum Measure {
    Events {
        part_is: Outcome,
        part: Query,
        total: Query,
    },
    Ratio {
        of: Outcome,
        query: Query,
    },
    Threshold {
        query: Query,
    },
}

/// The types of data sources, by name.
#[derive(Debug, Default)]
pub(super) struct DataSources<'n>(BTreeMap<&'n str, Option<&'n str>>);

impl<'n> DataSources<'n> {
    /// Adds a document of `kind: DataSource`.
    pub(super) fn add(&mut self, name: &Text<'n>, fields: &Fields<'n>, report: &mut Report) {
        if self.0.contains_key(name.value) {
            let what = format!("a second DataSource has the name {}", quoted(name.value));
            report.problem(name.at, what, "rename one of them, or remove one");
            return;
        }
        let spec = fields.needed_fields("spec", report);
        let kind = spec.and_then(|spec| spec.needed_text("type", report));
        self.0.insert(name.value, kind.map(|kind| kind.value));
    }
}

/// Where queries speak `PromQL`.
fn is_prometheus(kind: &str) -> bool {
    const KIN: [&str; 6] = [
        "prometheus",
        "thanos",
        "mimir",
        "cortex",
        "victoriametrics",
        "promql",
    ];
    let plain: String = kind.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    KIN.iter().any(|name| plain.contains(name))
}

/// Reads the `spec` of an indicator.
pub(super) fn measure(
    spec: &Fields<'_>,
    sources: &DataSources<'_>,
    report: &mut Report,
) -> Option<Measure> {
    spec.pass_over_all_but(&["description", "thresholdMetric", "ratioMetric"], report);
    match (spec.get("thresholdMetric"), spec.get("ratioMetric")) {
        (Some(threshold), Some(_)) => {
            let what = format!("{} stands beside a `ratioMetric`", quoted(&threshold.path));
            report.problem(threshold.at, what, "keep one of the two");
            None
        }
        (Some(threshold), None) => {
            let metric = threshold.fields(report)?;
            let selectors = Selectors::Are(MetricKind::Gauge);
            let query = metric_query(&metric, selectors, sources, report)?;
            Some(Measure::Threshold { query })
        }
        (None, Some(ratio)) => ratio_metric(&ratio.fields(report)?, sources, report),
        (None, None) => {
            let what = format!(
                "{} has neither `ratioMetric` nor `thresholdMetric`",
                spec.told()
            );
            let next_step = match nearest("ratioMetric", spec.names())
                .or_else(|| nearest("thresholdMetric", spec.names()))
            {
                Some(name) => format!("is {} meant to be one of them?", quoted(name)),
                None => "add one of them".to_owned(),
            };
            report.problem(spec.at(), what, next_step);
            None
        }
    }
}

fn ratio_metric(
    ratio: &Fields<'_>,
    sources: &DataSources<'_>,
    report: &mut Report,
) -> Option<Measure> {
    let known = ["counter", "good", "bad", "total", "raw", "rawType"];
    ratio.pass_over_all_but(&known, report);
    if ratio.get("raw").is_some() {
        return raw_ratio(ratio, sources, report);
    }
    let (part, part_is) = match (ratio.get("good"), ratio.get("bad")) {
        (Some(good), None) => (good, Outcome::Good),
        (None, Some(bad)) => (bad, Outcome::Bad),
        (Some(_), Some(bad)) => {
            let what = format!("{} stands beside a `good`", quoted(&bad.path));
            report.problem(bad.at, what, "keep one of the two: the other is the rest");
            return None;
        }
        (None, None) => {
            let what = format!("{} has none of `good`, `bad` and `raw`", ratio.told());
            let next_step = match ratio.get("total") {
                Some(_) => "add `good` or `bad` beside `total`",
                None => "add `total` with `good` or `bad`, or `raw` with `rawType`",
            };
            report.problem(ratio.at(), what, next_step);
            return None;
        }
    };
    let selectors = match ratio.flag("counter", report).ok()? {
        Some(true) => Selectors::Are(MetricKind::Counter),
        Some(false) => Selectors::Are(MetricKind::Gauge),
        None => Selectors::NamedByKind,
    };
    if ratio.get("rawType").is_some() {
        let what = "`rawType` is passed over: there is no `raw`";
        report.caution(ratio.at_name("rawType"), what);
    }
    let part = part
        .fields(report)
        .and_then(|part| metric_query(&part, selectors, sources, report));
    let total = ratio
        .needed_fields("total", report)
        .and_then(|total| metric_query(&total, selectors, sources, report));
    let (part, total) = (part?, total?);
    if part.text == total.text {
        let what = "the part and `total` are the same query: the ratio is always 1";
        report.caution(ratio.at_name("total"), what);
    }
    Some(Measure::Events {
        part_is,
        part,
        total,
    })
}

fn raw_ratio(
    ratio: &Fields<'_>,
    sources: &DataSources<'_>,
    report: &mut Report,
) -> Option<Measure> {
    let beside = ["good", "bad", "total"]
        .into_iter()
        .find_map(|key| ratio.get(key));
    if let Some(beside) = beside {
        let what = format!("{} stands beside a `raw`", quoted(&beside.path));
        let next_step = "keep `raw` with `rawType`, or `total` with `good` or `bad`";
        report.problem(beside.at, what, next_step);
        return None;
    }
    let of = ratio.needed_text("rawType", report);
    let of = of.and_then(|text| match text.value {
        "success" => Some(Outcome::Good),
        "failure" => Some(Outcome::Bad),
        other => {
            let what = format!("{} is {}", quoted(&text.path), quoted(other));
            report.problem(text.at, what, "write `success` or `failure`");
            None
        }
    });
    let raw = ratio.fields("raw", report)?;
    let query = metric_query(&raw, Selectors::Are(MetricKind::Gauge), sources, report)?;
    Some(Measure::Ratio { of: of?, query })
}

/// The query of a metric: what `metricSource` says.
fn metric_query(
    metric: &Fields<'_>,
    selectors: Selectors,
    sources: &DataSources<'_>,
    report: &mut Report,
) -> Option<Query> {
    metric.pass_over_all_but(&["metricSource"], report);
    let source = metric.needed_fields("metricSource", report)?;
    source.pass_over_all_but(&["type", "metricSourceRef", "spec"], report);
    // Nobody's query needs no further words.
    let data_source = data_source(&source, sources, report).ok()?;
    let spec = source.needed_fields("spec", report)?;
    let text = ["query", "promql", "expr"]
        .into_iter()
        .find_map(|key| spec.get(key));
    let Some(text) = text else {
        let what = format!("{} has no `query`", spec.told());
        let found: Vec<String> = spec.names().take(8).map(quoted).collect();
        let next_step = match found.as_slice() {
            [] => "add `query` with the PromQL".to_owned(),
            found => format!("write the PromQL as `query`; found {}", found.join(", ")),
        };
        report.problem(spec.at(), what, next_step);
        return None;
    };
    let text = text.text(report)?;
    query(&text, selectors, Windows::Optional, data_source, report)
}

/// Whose query it is, if that is said.
///
/// # Errors
/// It is nobody's that is asked here.
fn data_source(
    source: &Fields<'_>,
    sources: &DataSources<'_>,
    report: &mut Report,
) -> Result<Option<Untrusted>, Said> {
    let own_kind = source.text("type", report);
    let Some(name) = source.text("metricSourceRef", report) else {
        let Some(kind) = own_kind else {
            let what = format!(
                "{} has neither `type` nor `metricSourceRef`: it is taken for Prometheus",
                source.told()
            );
            report.caution(source.at(), what);
            return Ok(None);
        };
        speaks_promql(&kind, kind.value, report)?;
        return Ok(None);
    };
    match (sources.0.get(name.value), own_kind) {
        (Some(Some(kind)), _) => speaks_promql(&name, kind, report)?,
        // What is wrong with the data source was said there.
        (Some(None), None) => return Err(Said),
        (Some(None), Some(kind)) => speaks_promql(&kind, kind.value, report)?,
        (None, own_kind) => {
            let what = format!(
                "{} names the DataSource {}, which none of the files define",
                quoted(&name.path),
                quoted(name.value)
            );
            let next_step = match nearest(name.value, sources.0.keys().copied()) {
                Some(near) => format!("is {} meant?", quoted(near)),
                None => "add a document of `kind: DataSource` with this name, or remove the \
                         reference"
                    .to_owned(),
            };
            report.problem(name.at, what, next_step);
            // With a type it can be asked all the same.
            let kind = own_kind.ok_or(Said)?;
            speaks_promql(&kind, kind.value, report)?;
        }
    }
    Ok(Some(Untrusted::line(name.value)))
}

fn speaks_promql(text: &Text<'_>, kind: &str, report: &mut Report) -> Result<(), Said> {
    if is_prometheus(kind) {
        return Ok(());
    }
    let what = format!(
        "{} leads to a data source of the type {}, which quell cannot ask",
        quoted(&text.path),
        quoted(kind)
    );
    let next_step = "write the query for Prometheus, and `type: Prometheus`";
    report.problem(text.at, what, next_step);
    Err(Said)
}
