//! Which SLOs does a document of Sloth define, as a file or as a resource of Kubernetes?
//!
//! Called by [`super::batch`] for each such document. The two differ in where they begin and in how
//! their fields are spelled. Sloth's period is a flag of the program that generates the rules, no
//! field: 30 days are assumed, and what is recorded says more.

use super::fields::{Fields, Text, Value, joined};
use super::merge::{Definition, WindowIs};
use super::query::{Selectors, Windows, query};
use super::report::{Report, Subject};
use super::{objective, window};
use crate::domain::label::Labels;
use crate::domain::slo::{
    BudgetMethod, FileFormat, Indicator, MetricKind, Origin, Outcome, Query, Slo, SloId,
};
use crate::domain::text::Untrusted;

/// How the fields are spelled.
struct Spelling {
    format: FileFormat,
    error_query: &'static str,
    total_query: &'static str,
    error_ratio_query: &'static str,
    slo_plugins: &'static str,
}

const IN_FILES: Spelling = Spelling {
    format: FileFormat::Sloth,
    error_query: "error_query",
    total_query: "total_query",
    error_ratio_query: "error_ratio_query",
    slo_plugins: "slo_plugins",
};

const IN_RESOURCES: Spelling = Spelling {
    format: FileFormat::SlothResource,
    error_query: "errorQuery",
    total_query: "totalQuery",
    error_ratio_query: "errorRatioQuery",
    slo_plugins: "sloPlugins",
};

/// What all SLOs of a document share.
struct Shared<'a> {
    spelling: &'static Spelling,
    service: Option<Untrusted>,
    labels: Vec<Vec<(Untrusted, Untrusted)>>,
    paths: &'a [Untrusted],
}

/// Reads a document of `version: prometheus/v1`.
pub(super) fn read_file(
    document: &Value<'_>,
    paths: &[Untrusted],
    report: &mut Report,
) -> Vec<Definition> {
    let Some(fields) = document.fields(report) else {
        return Vec::new();
    };
    read(&fields, &["version"], &IN_FILES, Vec::new(), paths, report)
}

/// Reads a `PrometheusServiceLevel`.
pub(super) fn read_resource(
    document: &Value<'_>,
    paths: &[Untrusted],
    report: &mut Report,
) -> Vec<Definition> {
    let Some(fields) = document.fields(report) else {
        return Vec::new();
    };
    let metadata = fields.fields("metadata", report);
    let labels = metadata.map(|metadata| metadata.labels("labels", report));
    let Some(spec) = fields.needed_fields("spec", report) else {
        return Vec::new();
    };
    read(
        &spec,
        &[],
        &IN_RESOURCES,
        labels.unwrap_or_default(),
        paths,
        report,
    )
}

fn read(
    spec: &Fields<'_>,
    also_known: &[&str],
    spelling: &'static Spelling,
    labels: Vec<(Untrusted, Untrusted)>,
    paths: &[Untrusted],
    report: &mut Report,
) -> Vec<Definition> {
    // What is odd about the document is odd about each of its SLOs.
    let mut own = Report::default();
    let known = ["service", "labels", "slos", spelling.slo_plugins];
    let known = [known.as_slice(), also_known].concat();
    spec.pass_over_all_but(&known, &mut own);
    let service = spec.needed_text("service", &mut own);
    let shared = Shared {
        spelling,
        service: service.as_ref().map(|text| Untrusted::line(text.value)),
        labels: vec![labels, spec.labels("labels", &mut own)],
        paths,
    };
    let slos = spec.needed_items("slos", &mut own);
    let cautions = report.absorb(own, &Subject::default());
    let mut definitions = Vec::new();
    for value in slos.into_iter().flatten() {
        let mut own = Report::default();
        let definition = shared.slo(&value, &mut own);
        let subject = Subject::slo(value.node().scalar("name"));
        let cautions = cautions.clone().and(&report.absorb(own, &subject));
        // Without its service it would be another SLO than its recordings.
        let Some(mut definition) = definition.filter(|_| service.is_some()) else {
            continue;
        };
        definition.slo.cautions = cautions.told(paths);
        definitions.push(definition);
    }
    definitions
}

impl Shared<'_> {
    fn slo(&self, value: &Value<'_>, report: &mut Report) -> Option<Definition> {
        let fields = value.fields(report)?;
        let known = [
            "name",
            "objective",
            "description",
            "labels",
            "sli",
            "alerting",
            "plugins",
            "infoLabels",
            "interval",
        ];
        fields.pass_over_all_but(&known, report);
        let name = fields.needed_text("name", report);
        let target = fields.needed_text("objective", report);
        let target = target.and_then(|text| objective::percent(&text, report));
        let sli = fields.needed_fields("sli", report);
        let indicator = sli.and_then(|sli| self.indicator(&sli, report));
        let mut labels = self.labels.clone();
        labels.push(fields.labels("labels", report));
        let summary = fields.line("description", report);
        let (name, target, indicator) = (name?, target?, indicator?);
        Some(Definition {
            slo: Slo {
                id: SloId {
                    service: self.service.clone(),
                    name: Untrusted::line(name.value),
                    group: Labels::default(),
                },
                summary,
                objective: target,
                window: window::USUAL,
                method: BudgetMethod::Occurrences,
                indicator,
                group_by: Vec::new(),
                labels: joined(labels),
                origins: vec![Origin::File {
                    path: self.paths.get(value.at.file).cloned()?,
                    line: value.at.place.line,
                    format: self.spelling.format,
                }],
                cautions: Vec::new(),
            },
            at: value.at,
            name_at: name.at,
            window_is: WindowIs::Assumed,
        })
    }

    fn indicator(&self, sli: &Fields<'_>, report: &mut Report) -> Option<Indicator> {
        sli.pass_over_all_but(&["events", "raw", "plugin"], report);
        let (events, raw, plugin) = (sli.get("events"), sli.get("raw"), sli.get("plugin"));
        match (events, raw, plugin) {
            (Some(events), None, None) => {
                let events = events.fields(report)?;
                let (error, total) = (self.spelling.error_query, self.spelling.total_query);
                events.pass_over_all_but(&[error, total], report);
                let part = needed_query(&events, error, MetricKind::Counter, report);
                let total = needed_query(&events, total, MetricKind::Counter, report);
                let (part, total) = (part?, total?);
                if part.text == total.text {
                    let what = "the errors and the total are the same query: all events are bad";
                    report.caution(events.at(), what);
                }
                Some(Indicator::Events {
                    part_is: Outcome::Bad,
                    part,
                    total,
                })
            }
            (None, Some(raw), None) => {
                let raw = raw.fields(report)?;
                let ratio = self.spelling.error_ratio_query;
                raw.pass_over_all_but(&[ratio], report);
                Some(Indicator::Ratio {
                    of: Outcome::Bad,
                    query: needed_query(&raw, ratio, MetricKind::Gauge, report)?,
                })
            }
            (None, None, Some(plugin)) => {
                let what = "plugin SLI: only its recorded series can be read";
                report.caution(plugin.at, what);
                Some(Indicator::Recorded)
            }
            (None, None, None) => {
                let what = format!("{} has none of `events`, `raw` and `plugin`", sli.told());
                report.problem(sli.at(), what, "add one of them");
                None
            }
            _ => {
                let what = format!("{} has more than one indicator", sli.told());
                report.problem(sli.at(), what, "keep one of `events`, `raw` and `plugin`");
                None
            }
        }
    }
}

fn needed_query(
    fields: &Fields<'_>,
    key: &str,
    metric: MetricKind,
    report: &mut Report,
) -> Option<Query> {
    let text: Text<'_> = fields.needed_text(key, report)?;
    let selectors = Selectors::Are(metric);
    query(&text, selectors, Windows::Needed, None, report)
}
