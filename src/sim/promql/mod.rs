//! What is this PromQL expression worth at that time, over the simulator's own series?
//!
//! Called by the Prometheus handlers and by the schedule, which evaluates the alert rules. It covers
//! the part of the language named here and answers everything else with an error that says so: it
//! never gives a number that a real Prometheus would not give. It knows nothing of HTTP.

mod aggregate;
mod binary;
mod bounds;
mod function;
mod quantile;
mod range;
mod relabel;
mod run;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use promql_parser::parser::Expr;

use super::labels::{Labels, METRIC_NAME, value_of, without_name};
use super::series::Store;
pub(super) use run::Run;

/// A parsed query.
#[derive(Debug, Clone)]
pub(super) struct Query(Expr);

/// Why there is no value, in the two classes of Prometheus' API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Error {
    /// The query is not one (`bad_data`).
    Parse(String),
    /// The query cannot be answered (`execution`).
    Execution(String),
}

/// What an expression is worth at one instant.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Scalar(f64),
    Vector(Vec<Element>),
}

/// One element of an instant vector.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Element {
    pub labels: Arc<Labels>,
    pub value: f64,
}

type Outcome<T> = Result<T, Error>;

/// Parses a query.
///
/// # Errors
/// [`Error::Parse`] with the parser's own words, [`Error::Execution`] for one that is too large.
pub(super) fn parse(query: &str) -> Outcome<Query> {
    bounds::check(query)?;
    match promql_parser::parser::parse(query) {
        Ok(expr) => Ok(Query(expr)),
        Err(reason) => Err(Error::Parse(reason)),
    }
}

/// The series a query is evaluated over, and what bounds it.
#[derive(Debug)]
pub(super) struct Engine<'a> {
    store: &'a Store,
    /// Unix time of the store's zero, in milliseconds.
    epoch_ms: i64,
    /// Nothing later than this is known.
    now_ms: i64,
}

impl<'a> Engine<'a> {
    /// An engine for one request. Times are milliseconds since the store's zero, which is
    /// `epoch_ms` in Unix time.
    pub(super) fn new(store: &'a Store, epoch_ms: i64, now_ms: i64) -> Engine<'a> {
        Engine {
            store,
            epoch_ms,
            now_ms,
        }
    }

    /// Evaluates a query at one instant. Vectors have no two elements with the same labels.
    ///
    /// # Errors
    /// [`Error::Execution`] where the operands do not fit together, the query reads too much, or
    /// the simulator does not know the construct.
    pub(super) fn evaluate(&self, query: &Query, at_ms: i64) -> Outcome<Value> {
        self.run(query, at_ms, at_ms).at(at_ms)
    }

    /// One query that is evaluated from `start_ms` to `end_ms`, as often as the caller likes.
    pub(super) fn run<'q>(&'q self, query: &'q Query, start_ms: i64, end_ms: i64) -> Run<'a, 'q> {
        Run::new(self, query, start_ms, end_ms)
    }
}

/// What is left of elements whose metric's name a function drops.
///
/// # Errors
/// Two of them have become the same series.
fn nameless(mut elements: Vec<Element>) -> Outcome<Vec<Element>> {
    let alike = share_a_name(elements.iter().map(|element| &*element.labels));
    for element in &mut elements {
        if element.labels.contains_key(METRIC_NAME) {
            element.labels = Arc::new(without_name(&element.labels));
        }
    }
    if alike {
        return Ok(elements);
    }
    distinct(elements)
}

/// Whether all have the same metric name. Then they differ without it as well, and nothing needs to
/// be compared.
fn share_a_name<'l>(labels: impl Iterator<Item = &'l Labels>) -> bool {
    let mut names = labels.map(|labels| value_of(labels, METRIC_NAME));
    let first = names.next();
    names.all(|name| Some(name) == first)
}

/// Refuses a vector in which two elements have become the same series.
fn distinct(elements: Vec<Element>) -> Outcome<Vec<Element>> {
    let unique: BTreeSet<&Labels> = elements.iter().map(|element| &*element.labels).collect();
    if unique.len() < elements.len() {
        return Err(Error::Execution(
            "vector cannot contain metrics with the same labelset".to_owned(),
        ));
    }
    Ok(elements)
}

/// Whether a list of label names, as in `by` or `on`, holds this one.
fn lists(names: &promql_parser::label::Labels, name: &str) -> bool {
    names.labels.iter().any(|listed| listed == name)
}

fn unsupported(what: &str) -> Error {
    Error::Execution(format!("not supported by the simulator: {what}"))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Parse(reason) | Error::Execution(reason) => f.write_str(reason),
        }
    }
}
