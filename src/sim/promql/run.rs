//! How is one query walked, once for each instant that is asked for?
//!
//! What does not change from instant to instant, such as the series that a selector stands for, is
//! looked up once for a run. Made by [`super::Engine`]; the functions and operators stand in the
//! modules beside it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{AtModifier, Call, Expr, Offset, VectorSelector};

use super::super::labels::{Labels, METRIC_NAME, value_of};
use super::super::series::{Sample, Series, secs_of};
use super::relabel::Replacement;
use super::{Element, Engine, Error, Outcome, Query, Value, nameless, range, unsupported};

/// Trees are walked by recursion. A chain of `or` is walked in a loop and counts once.
const MAX_DEPTH: u32 = 100;

/// Samples one query may read; a real server has such a limit too (`query.max-samples`).
const MAX_SAMPLES: i64 = 10_000_000;

/// One query on its way. It borrows the query, so that the addresses of the query's parts can stand
/// for them.
#[derive(Debug)]
pub(in super::super) struct Run<'a, 'q> {
    pub(super) engine: &'q Engine<'a>,
    query: &'q Query,
    start_ms: i64,
    end_ms: i64,
    /// The series of each selector.
    selected: RefCell<HashMap<*const VectorSelector, Rc<[&'a Series]>>>,
    /// What each `label_replace` does.
    pub(super) replacements: RefCell<HashMap<*const Call, Rc<Replacement>>>,
    read: Cell<i64>,
    /// How deep in the expression the evaluation is.
    depth: Cell<u32>,
}

impl<'a, 'q> Run<'a, 'q> {
    pub(super) fn new(
        engine: &'q Engine<'a>,
        query: &'q Query,
        start_ms: i64,
        end_ms: i64,
    ) -> Run<'a, 'q> {
        Run {
            engine,
            query,
            start_ms,
            end_ms,
            selected: RefCell::default(),
            replacements: RefCell::default(),
            read: Cell::new(0),
            depth: Cell::new(0),
        }
    }

    /// Evaluates the query at one instant. Vectors have no two elements with the same labels.
    ///
    /// # Errors
    /// As [`Engine::evaluate`].
    pub(in super::super) fn at(&self, at_ms: i64) -> Outcome<Value> {
        self.value(&self.query.0, at_ms)
    }

    /// How many samples have been read so far. Of a counter's window only its ends are.
    pub(in super::super) fn samples_read(&self) -> i64 {
        self.read.get()
    }

    pub(super) fn value(&self, expr: &Expr, at_ms: i64) -> Outcome<Value> {
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
            Expr::MatrixSelector(_) | Expr::Subquery(_) => {
                Err(unsupported("a range vector outside a function"))
            }
            Expr::StringLiteral(_) => Err(unsupported("strings")),
            Expr::Extension(_) => Err(unsupported("extensions")),
        }
    }

    pub(super) fn vector(&self, expr: &Expr, at_ms: i64, of: &str) -> Outcome<Vec<Element>> {
        match self.value(expr, at_ms)? {
            Value::Vector(elements) => Ok(elements),
            Value::Scalar(_) => Err(Error::Execution(format!(
                "expected type instant vector in {of}, got scalar"
            ))),
        }
    }

    pub(super) fn scalar(&self, expr: &Expr, at_ms: i64, of: &str) -> Outcome<f64> {
        match self.value(expr, at_ms)? {
            Value::Scalar(value) => Ok(value),
            Value::Vector(_) => Err(Error::Execution(format!(
                "expected type scalar in {of}, got instant vector"
            ))),
        }
    }

    fn call(&self, call: &Call, at_ms: i64) -> Outcome<Value> {
        let arguments: Vec<&Expr> = call.args.args.iter().map(AsRef::as_ref).collect();
        let name = call.func.name;
        if let (Some(function), [inner]) = (range::Function::named(name), arguments.as_slice()) {
            return self.over_range(function, inner, at_ms).map(Value::Vector);
        }
        match (name, arguments.as_slice()) {
            ("time", []) => Ok(Value::Scalar(secs_of(self.engine.epoch_ms + at_ms))),
            ("vector", [inner]) => {
                let value = self.scalar(inner, at_ms, "call to function \"vector\"")?;
                let labels = Arc::default();
                Ok(Value::Vector(vec![Element { labels, value }]))
            }
            ("scalar", [inner]) => {
                let elements = self.vector(inner, at_ms, "call to function \"scalar\"")?;
                Ok(Value::Scalar(match elements.as_slice() {
                    [only] => only.value,
                    _ => f64::NAN,
                }))
            }
            ("absent", [inner]) => self.absent(inner, at_ms).map(Value::Vector),
            ("label_replace", _) => self.label_replace(call, at_ms).map(Value::Vector),
            (name, arguments) => self.function(name, arguments, at_ms).map(Value::Vector),
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
        let labels = Arc::new(labels);
        Ok(vec![Element { labels, value: 1.0 }])
    }

    fn instant(&self, selector: &VectorSelector, at_ms: i64) -> Outcome<Vec<Element>> {
        self.newest(selector, at_ms, |series, sample| Element {
            labels: Arc::clone(&series.labels),
            value: sample.value,
        })
    }

    /// What the newest sample of each selected series is made into.
    pub(super) fn newest(
        &self,
        selector: &VectorSelector,
        at_ms: i64,
        element: impl Fn(&Series, Sample) -> Element,
    ) -> Outcome<Vec<Element>> {
        let at_ms = self.looked_at(selector.at.as_ref(), selector.offset.as_ref(), at_ms);
        let mut elements = Vec::new();
        for series in &*self.selected(selector)? {
            if let Some(sample) = series.instant(at_ms, self.engine.now_ms) {
                self.spend(1)?;
                elements.push(element(series, sample));
            }
        }
        Ok(elements)
    }

    pub(super) fn selected(&self, selector: &VectorSelector) -> Outcome<Rc<[&'a Series]>> {
        if let Some(series) = self.selected.borrow().get(&ptr::from_ref(selector)) {
            return Ok(Rc::clone(series));
        }
        if !selector.matchers.or_matchers.is_empty() {
            return Err(unsupported("`or` between matchers"));
        }
        let matchers = &selector.matchers.matchers;
        let fixed = matchers
            .iter()
            .find(|m| m.name == METRIC_NAME && matches!(m.op, MatchOp::Equal))
            .map(|m| m.value.as_str());
        let named = self.engine.store.named(selector.name.as_deref().or(fixed));
        let series: Rc<[&Series]> = named
            .filter(|series| matchers.iter().all(|m| selects(m, &series.labels)))
            .collect();
        let mut known = self.selected.borrow_mut();
        known.insert(ptr::from_ref(selector), Rc::clone(&series));
        Ok(series)
    }

    /// The instant a selector or subquery looks at: `@` takes it elsewhere, `offset` counts from
    /// there.
    pub(super) fn looked_at(
        &self,
        at: Option<&AtModifier>,
        offset: Option<&Offset>,
        at_ms: i64,
    ) -> i64 {
        let from_ms = match at {
            None => at_ms,
            Some(AtModifier::Start) => self.start_ms,
            Some(AtModifier::End) => self.end_ms,
            Some(AtModifier::At(time)) => unix_ms(*time).saturating_sub(self.engine.epoch_ms),
        };
        match offset {
            None => from_ms,
            Some(Offset::Pos(back)) => from_ms.saturating_sub(ms_in(*back)),
            Some(Offset::Neg(ahead)) => from_ms.saturating_add(ms_in(*ahead)),
        }
    }

    pub(super) fn spend(&self, samples: i64) -> Outcome<()> {
        let read = self.read.get() + samples;
        self.read.set(read);
        if read > MAX_SAMPLES {
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

fn unix_ms(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => ms_in(since),
        Err(before) => -ms_in(before.duration()),
    }
}

/// Bounded to some hundred thousand years, so that sums of times do not overflow.
pub(super) fn ms_in(duration: Duration) -> i64 {
    const MOST_MS: i64 = i64::MAX >> 10;
    i64::try_from(duration.as_millis()).map_or(MOST_MS, |ms| ms.min(MOST_MS))
}

fn negate(value: Value) -> Outcome<Value> {
    match value {
        Value::Scalar(number) => Ok(Value::Scalar(-number)),
        Value::Vector(mut elements) => {
            for element in &mut elements {
                element.value = -element.value;
            }
            nameless(elements).map(Value::Vector)
        }
    }
}
