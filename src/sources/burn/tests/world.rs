//! SLOs to measure, and a Prometheus that knows the operands of a union.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use promql_parser::parser::token::T_LOR;
use promql_parser::parser::{Expr, parse};

use crate::config::settings::Measures;
use crate::config::settings::{PrometheusSettings, SloSettings};
use crate::domain::label::Labels;
use crate::domain::slo::{
    BudgetMethod, BudgetWindow, FileFormat, Indicator, MetricKind, Origin, Outcome, Query, Slo,
    SloFiles, SloId,
};
use crate::domain::slo_measured::{BurnAnswer, Measured, MeasuredSlo, NoData, Reading};
use crate::domain::text::Untrusted;
use crate::sources::burn::BurnSource;
use crate::sources::loopback::{Reply, Request, Server, endpoint};

pub const QUERY: &str = "/api/v1/query";
pub const RANGE: &str = "/api/v1/query_range";
pub const DAY: u64 = 86_400;

pub fn t(secs: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_793_448_000 + secs, 0).unwrap()
}

pub fn query(text: &str, metric: MetricKind) -> Query {
    Query {
        text: text.to_owned(),
        metric,
        line: 12,
        data_source: None,
    }
}

pub fn counter(text: &str) -> Query {
    query(text, MetricKind::Counter)
}

pub fn gauge(text: &str) -> Query {
    query(text, MetricKind::Gauge)
}

pub fn events(part_is: Outcome, part: &str, total: &str) -> Indicator {
    Indicator::Events {
        part_is,
        part: counter(part),
        total: counter(total),
    }
}

pub fn slo(name: &str, indicator: Indicator) -> Slo {
    Slo {
        id: SloId {
            service: Some(Untrusted::line("checkout")),
            name: Untrusted::line(name),
            group: Labels::default(),
        },
        summary: None,
        objective: 0.999,
        window: BudgetWindow::Rolling { secs: 30 * DAY },
        method: BudgetMethod::Occurrences,
        indicator,
        group_by: Vec::new(),
        labels: Labels::default(),
        origins: vec![Origin::File {
            path: Untrusted::line("slo.yaml"),
            line: 3,
            format: FileFormat::OpenSlo,
        }],
        cautions: Vec::new(),
    }
}

/// An SLO whose metric bears its name.
pub fn plain(name: &str) -> Slo {
    let (part, total) = (
        format!("{name}_total{{code=~\"5..\"}}"),
        format!("{name}_total"),
    );
    slo(name, events(Outcome::Bad, &part, &total))
}

pub fn files(slos: Vec<Slo>) -> SloFiles {
    SloFiles {
        slos,
        problems: Vec::new(),
    }
}

/// What is asked for, taken apart.
#[derive(Clone, Debug)]
pub struct Operand {
    /// None for what comes along.
    pub mark: Option<String>,
    pub text: String,
    pub expr: Expr,
}

impl Operand {
    /// Which SLO it is of, by its place, and which number: `b`, `g`, `t` or `r`, and the part.
    pub fn what(&self) -> Option<(usize, char, String)> {
        let mark = self.mark.as_ref()?;
        let letter = mark.find(|c: char| !c.is_ascii_digit())?;
        let owner = mark[..letter].parse().ok()?;
        let mut rest = mark[letter..].chars();
        Some((owner, rest.next()?, rest.collect()))
    }
}

/// The operands of a union, which has to be one: left-deep, each with its mark.
pub fn operands(query: &str) -> Vec<Operand> {
    let mut found = Vec::new();
    let mut rest = parse(query).unwrap_or_else(|why| unreachable!("{why}: {query}"));
    loop {
        match rest {
            Expr::Binary(or) if or.op.id() == T_LOR => {
                found.push(operand(&or.rhs));
                rest = *or.lhs;
            }
            other => {
                found.push(operand(&other));
                break;
            }
        }
    }
    found.reverse();
    found
}

fn operand(expr: &Expr) -> Operand {
    let whole = |expr: &Expr| Operand {
        mark: None,
        text: expr.to_string(),
        expr: expr.clone(),
    };
    let Expr::Call(call) = expr else {
        return whole(expr);
    };
    let args: Vec<&Expr> = call.args.args.iter().map(|arg| &**arg).collect();
    let (
        "label_replace",
        [
            inner,
            Expr::StringLiteral(label),
            Expr::StringLiteral(mark),
            ..,
        ],
    ) = (call.func.name, args.as_slice())
    else {
        return whole(expr);
    };
    assert_eq!(label.val, "quell_slo");
    Operand {
        mark: Some(mark.val.clone()),
        ..whole(inner)
    }
}

/// Series of an operand: labels and value.
pub type Found = Vec<(Vec<(&'static str, &'static str)>, f64)>;

/// One series without labels.
pub fn one(value: f64) -> Found {
    vec![(Vec::new(), value)]
}

/// An instant vector in Prometheus's words.
pub fn vector(series: &[(Labels, f64)], more: &str) -> String {
    let series: Vec<String> = series
        .iter()
        .map(|(labels, value)| {
            let metric = serde_json::to_string(labels).unwrap();
            format!("{{\"metric\":{metric},\"value\":[1793448000,\"{value}\"]}}")
        })
        .collect();
    format!(
        "{{\"status\":\"success\",\"data\":{{\"resultType\":\"vector\",\"result\":[{}],\"stats\":{{\"samples\":{{\"totalQueryableSamples\":7}}}}}}{more}}}",
        series.join(",")
    )
}

/// The answer to a query, operand by operand.
pub fn answer(request: &Request, value: &dyn Fn(&Operand) -> Found) -> Reply {
    Reply::ok(vector(&found(request, value), ""))
}

pub fn found(request: &Request, value: &dyn Fn(&Operand) -> Found) -> Vec<(Labels, f64)> {
    let mut series = Vec::new();
    for operand in operands(&request.params("query")[0]) {
        for (mut labels, value) in value(&operand) {
            let mark = operand.mark.clone();
            let mut pairs: Vec<(Untrusted, Untrusted)> = labels
                .drain(..)
                .map(|(n, v)| (Untrusted::line(n), Untrusted::line(v)))
                .collect();
            pairs.extend(mark.map(|mark| (Untrusted::line("quell_slo"), Untrusted::line(&mark))));
            series.push((Labels::new(pairs), value));
        }
    }
    series
}

/// A server that knows the values of operands, and nothing besides.
pub fn knowing(value: impl Fn(&Operand) -> Found + Send + Sync + 'static) -> Server {
    Server::answering(move |request| match request.path() {
        QUERY => answer(request, &value),
        _ => not_found(),
    })
}

pub fn not_found() -> Reply {
    Reply::status("404 Not Found", "", "404 page not found\n")
}

/// 20 bad of 1,000 wherever something is counted; nothing recorded.
pub fn two_per_cent(operand: &Operand) -> Found {
    match operand.what() {
        Some((_, 'b', _)) => one(20.0),
        Some((_, 't', _)) => one(1_000.0),
        Some((_, 'g', _)) => one(980.0),
        Some((_, 'r', _)) => one(0.02),
        _ => Vec::new(),
    }
}

pub fn source(server: &Server) -> BurnSource {
    source_with(server, &SloSettings::default(), None)
}

pub fn source_with(server: &Server, slo: &SloSettings, cache: Option<PathBuf>) -> BurnSource {
    BurnSource::new(&settings(server), slo, Measures::Undirected, cache).unwrap()
}

pub fn settings(server: &Server) -> PrometheusSettings {
    PrometheusSettings {
        name: "prom-1".into(),
        endpoint: endpoint(&server.url),
        period: Duration::from_secs(15),
    }
}

/// The queries since the last time, each with its operands.
pub fn asked(server: &Server, before: usize) -> Vec<Vec<Operand>> {
    let requests = server.requests();
    requests[before..]
        .iter()
        .filter(|request| request.path() == QUERY)
        .map(|request| operands(&request.params("query")[0]))
        .collect()
}

pub fn measured<'a>(answer: &'a BurnAnswer, name: &str) -> &'a MeasuredSlo {
    let mut slos = answer.slos.iter();
    slos.find(|slo| slo.slo.id.to_string() == name)
        .unwrap_or_else(|| unreachable!("{name} is not there"))
}

pub fn window<'a>(answer: &'a BurnAnswer, name: &str, secs: u64) -> &'a Measured {
    let mut windows = measured(answer, name).windows.iter();
    windows.find(|window| window.secs == secs).unwrap()
}

pub fn reading<'a>(answer: &'a BurnAnswer, name: &str, secs: u64) -> &'a Result<Reading, NoData> {
    &window(answer, name, secs).reading
}

pub fn ratio(answer: &BurnAnswer, name: &str, secs: u64) -> f64 {
    reading(answer, name, secs).as_ref().unwrap().ratio
}

pub fn shown(texts: &[Untrusted]) -> Vec<&str> {
    texts.iter().map(Untrusted::shown).collect()
}
