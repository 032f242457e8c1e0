//! The whole way from texts and folders to SLOs and problems.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed unwrap fails the test"
)]

mod files;
mod folders;
mod hostile;
mod merging;
mod places;
mod values;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::domain::slo::{
    BudgetMethod, BudgetWindow, Indicator, MetricKind, Outcome, Query, Slo, SloProblem,
};

/// The only SLO of a text that has no problem.
fn only(text: &str) -> Slo {
    let files = read_texts(&[("a.yaml", text)]);
    assert_eq!(files.problems, Vec::<SloProblem>::new());
    let [slo] = files.slos.as_slice() else {
        panic!("{} SLOs", files.slos.len());
    };
    slo.clone()
}

/// The problems of a text, each as a line.
fn problems(text: &str) -> Vec<String> {
    let files = read_texts(&[("a.yaml", text)]);
    files.problems.iter().map(ToString::to_string).collect()
}

/// An OpenSLO document whose `spec` is complete but for what is said.
fn openslo(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: {{name: {name}}}\nspec:\n{}",
        indented(spec, 2)
    )
}

fn indented(text: &str, by: usize) -> String {
    let lines = text.lines().map(|line| format!("{:by$}{line}\n", ""));
    lines.collect()
}

/// A ratio of two counters.
const RATIO: &str = "indicator: {spec: {ratioMetric: {counter: true, \
     good: {metricSource: {type: Prometheus, spec: {query: 'a_total{ok=\"1\"}'}}}, \
     total: {metricSource: {type: Prometheus, spec: {query: a_total}}}}}}\n";

/// A file of Sloth with one SLO.
fn sloth(service: &str, name: &str, objective: &str) -> String {
    format!(
        "version: prometheus/v1\nservice: {service}\nslos:\n  - name: {name}\n    objective: {objective}\n    \
         sli:\n      events:\n        error_query: sum(rate(e_total[{{{{.window}}}}]))\n        \
         total_query: sum(rate(t_total[{{{{.window}}}}]))\n"
    )
}

/// Everything that was read, as a person would check it.
fn told(files: &SloFiles) -> String {
    let mut text = String::new();
    for slo in &files.slos {
        tell(slo, &mut text);
    }
    if !files.problems.is_empty() {
        writeln!(text, "problems:").unwrap();
    }
    for problem in &files.problems {
        writeln!(text, "  {problem}").unwrap();
    }
    text
}

fn tell(slo: &Slo, text: &mut String) {
    let service = slo
        .id
        .service
        .as_ref()
        .map_or("-", |service| service.shown());
    writeln!(
        text,
        "{service} / {}: {} over {}",
        slo.id,
        slo.objective,
        window::in_words(slo.window)
    )
    .unwrap();
    if let Some(summary) = &slo.summary {
        writeln!(text, "  summary: {summary}").unwrap();
    }
    if slo.method != BudgetMethod::Occurrences {
        writeln!(text, "  method: {:?}", slo.method).unwrap();
    }
    match &slo.indicator {
        Indicator::Events {
            part_is,
            part,
            total,
        } => {
            tell_query(&format!("{part_is:?}"), part, text);
            tell_query("total", total, text);
        }
        Indicator::Ratio { of, query } => tell_query(&format!("{of:?} ratio"), query, text),
        Indicator::Threshold {
            query,
            good_when,
            value,
        } => tell_query(
            &format!("good when {} {value}", good_when.sign()),
            query,
            text,
        ),
        Indicator::NativeLatency {
            histogram,
            at_most_secs,
        } => tell_query(&format!("at most {at_most_secs} s"), histogram, text),
        Indicator::Probe { gauge } => tell_query("probe", gauge, text),
        Indicator::Recorded => writeln!(text, "  recorded only").unwrap(),
    }
    if !slo.group_by.is_empty() {
        writeln!(text, "  by: {}", slo.group_by.join(", ")).unwrap();
    }
    let labels: Vec<String> = slo.labels.iter().map(|(n, v)| format!("{n}={v}")).collect();
    if !labels.is_empty() {
        writeln!(text, "  labels: {}", labels.join(" ")).unwrap();
    }
    for origin in &slo.origins {
        writeln!(text, "  from: {origin}").unwrap();
    }
    for caution in &slo.cautions {
        writeln!(text, "  caution: {caution}").unwrap();
    }
}

fn tell_query(what: &str, query: &Query, text: &mut String) {
    let source = query.data_source.as_ref();
    let source = source.map_or(String::new(), |source| format!(" of {source}"));
    writeln!(
        text,
        "  {what}: {:?} ({:?}, line {}{source})",
        query.text, query.metric, query.line
    )
    .unwrap();
}

/// The files of a folder of fixtures with their names.
fn fixtures(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/slos")
        .join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let named = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    paths.iter().map(named).collect()
}
