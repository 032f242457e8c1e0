//! Which SLO does a `ServiceLevelObjective` of Pyrra define?
//!
//! Called by [`super::batch`] for each such document. One definition may be grouped by labels, and
//! then makes an SLO of each of their values; the values are found by asking, not here.

use super::fields::{Fields, Text, Value, joined};
use super::merge::{Definition, WindowIs};
use super::query::{Selectors, Windows, query};
use super::report::{Report, Subject, quoted};
use super::{objective, window};
use crate::domain::label::Labels;
use crate::domain::nearest::nearest;
use crate::domain::slo::{
    BudgetMethod, FileFormat, Indicator, MetricKind, Origin, Outcome, Query, Slo, SloId,
};
use crate::domain::text::Untrusted;

/// Labels of the resource that begin so are labels of its series, without it.
const PROPAGATED: &str = "pyrra.dev/";

/// Reads one.
pub(super) fn read(
    document: &Value<'_>,
    paths: &[Untrusted],
    report: &mut Report,
) -> Option<Definition> {
    let mut own = Report::default();
    let definition = slo(document, paths, &mut own);
    let metadata = document.node().get("metadata");
    let subject = Subject::slo(metadata.and_then(|metadata| metadata.scalar("name")));
    let cautions = report.absorb(own, &subject);
    let mut definition = definition?;
    definition.slo.cautions = cautions.told(paths);
    Some(definition)
}

fn slo(document: &Value<'_>, paths: &[Untrusted], report: &mut Report) -> Option<Definition> {
    let fields = document.fields(report)?;
    let metadata = fields.needed_fields("metadata", report);
    let name = metadata
        .as_ref()
        .and_then(|metadata| metadata.needed_text("name", report));
    let spec = fields.needed_fields("spec", report)?;
    let known = [
        "description",
        "target",
        "window",
        "indicator",
        "alerting",
        "partial_response_strategy",
        "performanceOverAccuracy",
    ];
    spec.pass_over_all_but(&known, report);
    let target = spec.needed_text("target", report);
    let target = target.and_then(|text| objective::percent(&text, report));
    let span = spec.needed_text("window", report);
    let span = span.and_then(|text| window::prometheus_window(&text, report));
    let indicator = spec.needed_fields("indicator", report);
    let indicator = indicator.and_then(|fields| one_indicator(&fields, report));
    let summary = spec.line("description", report);
    let (metadata, name) = (metadata?, name?);
    let labels = labels(&metadata, report);
    let service = ["pyrra.dev/service", "service"]
        .into_iter()
        .find_map(|key| labels.get(key).filter(|value| !value.is_empty()));
    let (indicator, group_by) = indicator?;
    Some(Definition {
        slo: Slo {
            id: SloId {
                service: service.cloned(),
                name: Untrusted::line(name.value),
                group: Labels::default(),
            },
            summary,
            objective: target?,
            window: span?,
            method: BudgetMethod::Occurrences,
            indicator,
            group_by,
            labels,
            origins: vec![Origin::File {
                path: paths.get(document.at.file).cloned()?,
                line: document.at.place.line,
                format: FileFormat::Pyrra,
            }],
            cautions: Vec::new(),
        },
        at: document.at,
        name_at: name.at,
        window_is: WindowIs::Written,
    })
}

/// The resource's labels, those that Pyrra hands on also by their short names, and its namespace.
fn labels(metadata: &Fields<'_>, report: &mut Report) -> Labels {
    let written = metadata.labels("labels", report);
    let propagated = written.iter().filter_map(|(name, value)| {
        let short = name.raw().strip_prefix(PROPAGATED)?;
        Some((Untrusted::line(short), value.clone()))
    });
    let propagated = propagated.collect();
    let namespace = metadata.line("namespace", report);
    let namespace = namespace.map(|value| (Untrusted::line("namespace"), value));
    joined(vec![namespace.into_iter().collect(), propagated, written])
}

/// The one indicator, and the labels it is grouped by.
fn one_indicator(fields: &Fields<'_>, report: &mut Report) -> Option<(Indicator, Vec<String>)> {
    const KINDS: [&str; 4] = ["ratio", "latency", "latencyNative", "bool_gauge"];
    fields.pass_over_all_but(&KINDS, report);
    let mut found = KINDS
        .into_iter()
        .filter_map(|kind| Some((kind, fields.get(kind)?)));
    let Some((kind, value)) = found.next() else {
        let what = format!("{} has none of {}", fields.told(), KINDS.join(", "));
        let next_step = match KINDS.iter().find_map(|kind| nearest(kind, fields.names())) {
            Some(name) => format!("is {} meant to be one of them?", quoted(name)),
            None => "add one of them".to_owned(),
        };
        report.problem(fields.at(), what, next_step);
        return None;
    };
    if let Some((_, second)) = found.next() {
        let what = format!("{} stands beside a `{kind}`", quoted(&second.path));
        report.problem(second.at, what, "keep one of the two");
        return None;
    }
    let fields = value.fields(report)?;
    let indicator = match kind {
        "ratio" => events(&fields, "errors", Outcome::Bad, report),
        "latency" => events(&fields, "success", Outcome::Good, report),
        "latencyNative" => native_latency(&fields, report),
        _ => {
            fields.pass_over_all_but(&["metric", "grouping"], report);
            let gauge = metric(&fields, MetricKind::Gauge, report);
            gauge.map(|gauge| Indicator::Probe { gauge })
        }
    };
    let group_by = grouping(&fields, report);
    Some((indicator?, group_by?))
}

fn events(
    fields: &Fields<'_>,
    part: &'static str,
    part_is: Outcome,
    report: &mut Report,
) -> Option<Indicator> {
    fields.pass_over_all_but(&[part, "total", "grouping"], report);
    let part = counter(fields, part, report);
    let total = counter(fields, "total", report);
    let (part, total) = (part?, total?);
    if part.text == total.text {
        let what = format!("both queries of {} are the same", fields.told());
        report.caution(fields.at(), what);
    }
    Some(Indicator::Events {
        part_is,
        part,
        total,
    })
}

fn native_latency(fields: &Fields<'_>, report: &mut Report) -> Option<Indicator> {
    fields.pass_over_all_but(&["latency", "total", "grouping"], report);
    let histogram = counter(fields, "total", report);
    let bound: Option<Text<'_>> = fields.needed_text("latency", report);
    let bound = bound.and_then(|text| {
        let bound = window::prometheus_duration(&text, report)?;
        if bound.is_zero() {
            let what = format!("{} is no time at all", quoted(&text.path));
            report.problem(text.at, what, "write a bound such as 250ms");
            return None;
        }
        Some(bound)
    });
    Some(Indicator::NativeLatency {
        histogram: histogram?,
        at_most_secs: bound?.as_secs_f64(),
    })
}

fn counter(fields: &Fields<'_>, key: &str, report: &mut Report) -> Option<Query> {
    let fields = fields.needed_fields(key, report)?;
    fields.pass_over_all_but(&["metric"], report);
    metric(&fields, MetricKind::Counter, report)
}

fn metric(fields: &Fields<'_>, kind: MetricKind, report: &mut Report) -> Option<Query> {
    let text = fields.needed_text("metric", report)?;
    let selectors = Selectors::Are(kind);
    query(&text, selectors, Windows::Optional, None, report)
}

/// Names of labels.
fn grouping(fields: &Fields<'_>, report: &mut Report) -> Option<Vec<String>> {
    let Some(value) = fields.get("grouping") else {
        return Some(Vec::new());
    };
    let mut names: Vec<String> = Vec::new();
    for item in value.items(report)? {
        let text = item.text(report)?;
        if !is_label(text.value) {
            let what = format!(
                "{} is {}, which is no label's name",
                quoted(&text.path),
                quoted(text.value)
            );
            let next_step = "write a name of letters, digits and `_`";
            report.problem(text.at, what, next_step);
            return None;
        }
        if !names.iter().any(|name| name == text.value) {
            names.push(text.value.to_owned());
        }
    }
    Some(names)
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`: it goes into queries as it stands.
fn is_label(name: &str) -> bool {
    let begins = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(begins) && name.chars().all(|c| begins(c) || c.is_ascii_digit())
}
