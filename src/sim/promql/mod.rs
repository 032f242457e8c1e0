//! What is this PromQL expression worth at that time, over the simulator's own series?
//!
//! Called by the Prometheus handlers and by the schedule, which evaluates the alert rules. It covers
//! the part of the language named here and answers everything else with an error that says so: it
//! never gives a number that a real Prometheus would not give. It knows nothing of HTTP.

mod aggregate;
mod binary;
mod range;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{Call, Expr, Offset, VectorSelector};

use super::labels::{Labels, METRIC_NAME, value_of};
use super::series::{Series, Store, secs_of};

/// A parsed query.
#[derive(Debug)]
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
    pub labels: Labels,
    pub value: f64,
}

type Outcome<T> = Result<T, Error>;

/// Parses a query.
///
/// # Errors
/// [`Error::Parse`] with the parser's own words, [`Error::Execution`] for one that is too long.
pub(super) fn parse(query: &str) -> Outcome<Query> {
    if query.len() > MAX_QUERY_BYTES {
        return Err(unsupported("a query of over 4 KiB"));
    }
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
    /// Samples that may still be read.
    budget: Cell<i64>,
    /// How deep in the expression the evaluation is.
    depth: Cell<u32>,
}

/// Trees are walked by recursion, so their depth is bounded, and with it what the parser may build.
const MAX_QUERY_BYTES: usize = 4096;
const MAX_DEPTH: u32 = 100;

/// Samples one query may read; a real server has such a limit too (`query.max-samples`).
const MAX_SAMPLES: i64 = 5_000_000;

impl<'a> Engine<'a> {
    /// An engine for one request. Times are milliseconds since the store's zero, which is
    /// `epoch_ms` in Unix time.
    pub(super) fn new(store: &'a Store, epoch_ms: i64, now_ms: i64) -> Engine<'a> {
        Engine {
            store,
            epoch_ms,
            now_ms,
            budget: Cell::new(MAX_SAMPLES),
            depth: Cell::new(0),
        }
    }

    /// Evaluates a query at one instant. Vectors have no two elements with the same labels.
    ///
    /// # Errors
    /// [`Error::Execution`] where the operands do not fit together, the query reads too much, or
    /// the simulator does not know the construct.
    pub(super) fn evaluate(&self, query: &Query, at_ms: i64) -> Outcome<Value> {
        self.value(&query.0, at_ms)
    }

    fn value(&self, expr: &Expr, at_ms: i64) -> Outcome<Value> {
        if self.depth.get() == MAX_DEPTH {
            return Err(unsupported("an expression of over 100 levels"));
        }
        self.depth.set(self.depth.get() + 1);
        let value = self.value_inside(expr, at_ms);
        self.depth.set(self.depth.get() - 1);
        value
    }

    fn value_inside(&self, expr: &Expr, at_ms: i64) -> Outcome<Value> {
        match expr {
            Expr::NumberLiteral(number) => Ok(Value::Scalar(number.val)),
            Expr::Paren(inner) => self.value(&inner.expr, at_ms),
            Expr::Unary(inner) => self.value(&inner.expr, at_ms).and_then(negate),
            Expr::VectorSelector(selector) => self.instant(selector, at_ms).map(Value::Vector),
            Expr::Call(call) => self.call(call, at_ms),
            Expr::Aggregate(aggregate) => self.aggregate(aggregate, at_ms).map(Value::Vector),
            Expr::Binary(binary) => self.binary(binary, at_ms),
            Expr::MatrixSelector(_) => Err(unsupported("a range vector outside a function")),
            Expr::Subquery(_) => Err(unsupported("subqueries")),
            Expr::StringLiteral(_) => Err(unsupported("strings")),
            Expr::Extension(_) => Err(unsupported("extensions")),
        }
    }

    fn vector(&self, expr: &Expr, at_ms: i64, wanted_by: &str) -> Outcome<Vec<Element>> {
        match self.value(expr, at_ms)? {
            Value::Vector(elements) => Ok(elements),
            Value::Scalar(_) => Err(Error::Execution(format!(
                "expected type instant vector in {wanted_by}, got scalar"
            ))),
        }
    }

    fn call(&self, call: &Call, at_ms: i64) -> Outcome<Value> {
        let arguments: Vec<&Expr> = call.args.args.iter().map(AsRef::as_ref).collect();
        match (call.func.name, arguments.as_slice()) {
            ("time", []) => Ok(Value::Scalar(secs_of(self.epoch_ms + at_ms))),
            ("vector", [inner]) => match self.value(inner, at_ms)? {
                Value::Scalar(value) => Ok(Value::Vector(vec![Element {
                    labels: Labels::new(),
                    value,
                }])),
                Value::Vector(_) => Err(Error::Execution(
                    "expected type scalar in call to function \"vector\"".to_owned(),
                )),
            },
            ("absent", [inner]) => self.absent(inner, at_ms).map(Value::Vector),
            (name, [inner]) => match range::Function::named(name) {
                Some(function) => self.over_range(function, inner, at_ms).map(Value::Vector),
                None => Err(unsupported(&format!("the function {name}"))),
            },
            (name, _) => Err(unsupported(&format!("the function {name}"))),
        }
    }

    /// 1 with the labels the selector asks for by equality, if it selects nothing.
    fn absent(&self, inner: &Expr, at_ms: i64) -> Outcome<Vec<Element>> {
        if !self
            .vector(inner, at_ms, "call to function \"absent\"")?
            .is_empty()
        {
            return Ok(Vec::new());
        }
        let mut labels = Labels::new();
        if let Expr::VectorSelector(selector) = inner {
            let mut seen = BTreeSet::new();
            for matcher in &selector.matchers.matchers {
                let first = seen.insert(&matcher.name);
                if first && matches!(matcher.op, MatchOp::Equal) && matcher.name != METRIC_NAME {
                    labels.insert(matcher.name.as_str().into(), matcher.value.as_str().into());
                } else {
                    labels.remove(matcher.name.as_str());
                }
            }
        }
        Ok(vec![Element { labels, value: 1.0 }])
    }

    fn instant(&self, selector: &VectorSelector, at_ms: i64) -> Outcome<Vec<Element>> {
        let at_ms = shifted(selector, at_ms)?;
        let mut elements = Vec::new();
        for series in self.selected(selector)? {
            if let Some(value) = series.instant(at_ms, self.now_ms) {
                self.spend(1)?;
                elements.push(Element {
                    labels: series.labels.clone(),
                    value,
                });
            }
        }
        Ok(elements)
    }

    fn selected<'s>(
        &self,
        selector: &'s VectorSelector,
    ) -> Outcome<impl Iterator<Item = &'a Series> + use<'a, 's>> {
        if !selector.matchers.or_matchers.is_empty() {
            return Err(unsupported("`or` between matchers"));
        }
        let matchers = &selector.matchers.matchers;
        let fixed = matchers
            .iter()
            .find(|m| m.name == METRIC_NAME && matches!(m.op, MatchOp::Equal))
            .map(|m| m.value.as_str());
        let named = self.store.named(selector.name.as_deref().or(fixed));
        Ok(named.filter(move |series| matchers.iter().all(|m| selects(m, &series.labels))))
    }

    fn spend(&self, samples: i64) -> Outcome<()> {
        let left = self.budget.get() - samples;
        self.budget.set(left);
        if left < 0 {
            return Err(Error::Execution(
                "query processing would load too many samples into memory in query execution"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

/// A label that is not there matches like an empty one.
fn selects(matcher: &Matcher, labels: &Labels) -> bool {
    matcher.is_match(value_of(labels, &matcher.name))
}

/// The instant a selector looks at.
fn shifted(selector: &VectorSelector, at_ms: i64) -> Outcome<i64> {
    if selector.at.is_some() {
        return Err(unsupported("the @ modifier"));
    }
    Ok(match &selector.offset {
        None => at_ms,
        Some(Offset::Pos(back)) => at_ms.saturating_sub(ms_in(*back)),
        Some(Offset::Neg(ahead)) => at_ms.saturating_add(ms_in(*ahead)),
    })
}

/// Whether a list of label names, as in `by` or `on`, holds this one.
fn lists(names: &promql_parser::label::Labels, name: &str) -> bool {
    names.labels.iter().any(|listed| listed == name)
}

/// Bounded to some hundred thousand years, so that sums of times do not overflow.
fn ms_in(duration: Duration) -> i64 {
    const MOST_MS: i64 = i64::MAX >> 10;
    i64::try_from(duration.as_millis()).map_or(MOST_MS, |ms| ms.min(MOST_MS))
}

fn negate(value: Value) -> Outcome<Value> {
    match value {
        Value::Scalar(number) => Ok(Value::Scalar(-number)),
        Value::Vector(elements) => {
            let negated = elements.into_iter().map(|element| Element {
                labels: without_name(element.labels),
                value: -element.value,
            });
            distinct(negated.collect()).map(Value::Vector)
        }
    }
}

fn without_name(mut labels: Labels) -> Labels {
    labels.remove(METRIC_NAME);
    labels
}

/// Refuses a vector in which two elements have become the same series.
fn distinct(elements: Vec<Element>) -> Outcome<Vec<Element>> {
    let unique: BTreeSet<&Labels> = elements.iter().map(|element| &element.labels).collect();
    if unique.len() < elements.len() {
        return Err(Error::Execution(
            "vector cannot contain metrics with the same labelset".to_owned(),
        ));
    }
    Ok(elements)
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
