//! What does a function say about the samples of a window?
//!
//! The samples are those of a series, or the results of a subquery. Windows include both ends, as in
//! Prometheus 2. The extrapolation of `rate` and `increase` follows the documented behaviour of that
//! release: to the edge of the window where the samples come close to it, by half a sampling interval
//! where they do not, and never below a counter's zero.

use std::collections::HashMap;
use std::sync::Arc;

use promql_parser::parser::{Expr, MatrixSelector, SubqueryExpr};

use super::super::labels::Labels;
use super::super::series::{Ends, Sample, Series, secs_of};
use super::super::story::SCRAPE_MS;
use super::run::{Run, ms_in};
use super::{Element, Outcome, Value, distinct, nameless, share_a_name, unsupported};

/// The functions over windows that the simulator knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Rate,
    Increase,
    Average,
    Sum,
    Count,
    Maximum,
    Minimum,
    Last,
}

impl Function {
    pub(super) fn named(name: &str) -> Option<Function> {
        match name {
            "rate" => Some(Function::Rate),
            "increase" => Some(Function::Increase),
            "avg_over_time" => Some(Function::Average),
            "sum_over_time" => Some(Function::Sum),
            "count_over_time" => Some(Function::Count),
            "max_over_time" => Some(Function::Maximum),
            "min_over_time" => Some(Function::Minimum),
            "last_over_time" => Some(Function::Last),
            _ => None,
        }
    }
}

/// A window, both ends included, and how much of it has passed. In milliseconds.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_field_names, reason = "they name their unit")]
struct Window {
    opens_ms: i64,
    closes_ms: i64,
    seen_ms: i64,
}

impl Run<'_, '_> {
    pub(super) fn over_range(
        &self,
        function: Function,
        argument: &Expr,
        at_ms: i64,
    ) -> Outcome<Vec<Element>> {
        match argument {
            Expr::MatrixSelector(matrix) => self.over_selected(function, matrix, at_ms),
            Expr::Subquery(subquery) => self.over_subquery(function, subquery, at_ms),
            Expr::Paren(inner) => self.over_range(function, &inner.expr, at_ms),
            _ => Err(unsupported(
                "a window over anything but a selector or a subquery",
            )),
        }
    }

    fn over_selected(
        &self,
        function: Function,
        matrix: &MatrixSelector,
        at_ms: i64,
    ) -> Outcome<Vec<Element>> {
        let to_ms = self.looked_at(matrix.vs.at.as_ref(), matrix.vs.offset.as_ref(), at_ms);
        let window = Window {
            opens_ms: to_ms.saturating_sub(ms_in(matrix.range)),
            closes_ms: to_ms,
            seen_ms: to_ms.min(self.engine.now_ms),
        };
        let selected = self.selected(&matrix.vs)?;
        let mut elements = Vec::with_capacity(selected.len());
        for series in &*selected {
            if let Some(value) = self.over_window(function, series, window)? {
                let labels = match function {
                    Function::Last => &series.labels,
                    _ => &series.nameless,
                };
                elements.push(Element {
                    labels: Arc::clone(labels),
                    value,
                });
            }
        }
        let names = selected.iter().map(|series| &*series.labels);
        if function == Function::Last || share_a_name(names) {
            return Ok(elements);
        }
        distinct(elements)
    }

    fn over_window(
        &self,
        function: Function,
        series: &Series,
        window: Window,
    ) -> Outcome<Option<f64>> {
        let (from_ms, to_ms) = (window.opens_ms, window.seen_ms);
        let by_its_ends = match function {
            Function::Rate | Function::Increase => series.never_falls(),
            Function::Last | Function::Count => true,
            _ => false,
        };
        if by_its_ends {
            self.spend(2)?;
            return Ok(series
                .ends(from_ms, to_ms)
                .and_then(|ends| of_ends(function, ends, 0.0, window)));
        }
        self.spend(series.count(from_ms, to_ms))?;
        Ok(of_samples(function, series.samples(from_ms, to_ms), window))
    }

    /// Evaluates the inner expression on its own grid, which is that of the clock and not of the
    /// window, and takes the results for samples.
    fn over_subquery(
        &self,
        function: Function,
        subquery: &SubqueryExpr,
        at_ms: i64,
    ) -> Outcome<Vec<Element>> {
        let to_ms = self.looked_at(subquery.at.as_ref(), subquery.offset.as_ref(), at_ms);
        let window = Window {
            opens_ms: to_ms.saturating_sub(ms_in(subquery.range)),
            closes_ms: to_ms,
            seen_ms: to_ms,
        };
        let step_ms = subquery.step.map_or(SCRAPE_MS, ms_in);
        if step_ms <= 0 {
            return Err(unsupported("a subquery without a step"));
        }
        let mut rows: Vec<(Arc<Labels>, Vec<Sample>)> = Vec::new();
        let mut places: HashMap<Arc<Labels>, usize> = HashMap::new();
        let epoch_ms = self.engine.epoch_ms;
        let opens_unix_ms = window.opens_ms.saturating_add(epoch_ms);
        let mut at_ms = -(-opens_unix_ms).div_euclid(step_ms) * step_ms - epoch_ms;
        while at_ms <= to_ms {
            self.spend(1)?;
            let elements = match self.value(&subquery.expr, at_ms)? {
                Value::Vector(elements) => elements,
                Value::Scalar(value) => vec![Element {
                    labels: Arc::default(),
                    value,
                }],
            };
            for Element { labels, value } in elements {
                let place = *places.entry(labels).or_insert_with_key(|labels| {
                    rows.push((Arc::clone(labels), Vec::new()));
                    rows.len() - 1
                });
                rows[place].1.push(Sample { at_ms, value });
            }
            at_ms = at_ms.saturating_add(step_ms);
        }
        let mut elements = Vec::with_capacity(rows.len());
        for (labels, samples) in rows {
            if let Some(value) = of_samples(function, samples.into_iter(), window) {
                elements.push(Element { labels, value });
            }
        }
        if function == Function::Last {
            return Ok(elements);
        }
        nameless(elements)
    }
}

/// What a function says about samples. `None` where there are too few for it.
fn of_samples(
    function: Function,
    samples: impl Iterator<Item = Sample>,
    window: Window,
) -> Option<f64> {
    let values = |samples| Iterator::map(samples, |sample: Sample| sample.value);
    match function {
        Function::Maximum => values(samples).reduce(f64::max),
        Function::Minimum => values(samples).reduce(f64::min),
        Function::Average => mean(values(samples)),
        Function::Sum => values(samples).reduce(|sum, value| sum + value),
        Function::Rate | Function::Increase | Function::Count | Function::Last => {
            let (ends, lost_to_resets) = ends_and_resets(samples);
            of_ends(function, ends?, lost_to_resets, window)
        }
    }
}

/// What the functions say for which the ends of a window suffice.
#[allow(
    clippy::cast_precision_loss,
    reason = "a count of samples is far below 2^53"
)]
fn of_ends(function: Function, ends: Ends, lost_to_resets: f64, window: Window) -> Option<f64> {
    match function {
        Function::Count => Some(ends.count as f64),
        Function::Last => Some(ends.last.value),
        _ if ends.count < 2 => None,
        Function::Rate => {
            let over_secs = secs_of(window.closes_ms - window.opens_ms);
            Some(extrapolated(ends, lost_to_resets, window) / over_secs)
        }
        _ => Some(extrapolated(ends, lost_to_resets, window)),
    }
}

/// A gauge may fall, and `rate` takes every fall for a restart from zero.
fn ends_and_resets(samples: impl Iterator<Item = Sample>) -> (Option<Ends>, f64) {
    let mut ends: Option<Ends> = None;
    let mut lost = 0.0;
    for sample in samples {
        ends = Some(match ends {
            None => Ends {
                first: sample,
                last: sample,
                count: 1,
            },
            Some(before) => {
                if sample.value < before.last.value {
                    lost += before.last.value;
                }
                Ends {
                    last: sample,
                    count: before.count + 1,
                    ..before
                }
            }
        });
    }
    (ends, lost)
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a count of samples is far below 2^53"
)]
fn extrapolated(ends: Ends, lost_to_resets: f64, window: Window) -> f64 {
    let increase = ends.last.value - ends.first.value + lost_to_resets;
    let sampled_secs = secs_of(ends.last.at_ms - ends.first.at_ms);
    let interval_secs = sampled_secs / (ends.count - 1) as f64;
    let near_secs = interval_secs * 1.1;

    let mut before_secs = secs_of(ends.first.at_ms - window.opens_ms);
    if before_secs >= near_secs {
        before_secs = interval_secs / 2.0;
    }
    if increase > 0.0 && ends.first.value >= 0.0 {
        before_secs = before_secs.min(sampled_secs * (ends.first.value / increase));
    }
    let mut after_secs = secs_of(window.closes_ms - ends.last.at_ms);
    if after_secs >= near_secs {
        after_secs = interval_secs / 2.0;
    }
    increase * ((sampled_secs + before_secs + after_secs) / sampled_secs)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut count = 0.0;
    let mut sum = 0.0;
    for value in values {
        count += 1.0;
        sum += value;
    }
    (count > 0.0).then(|| sum / count)
}
