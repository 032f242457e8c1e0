//! What does a function say about the samples of a window?
//!
//! Windows include both ends, as in Prometheus 2. The extrapolation of `rate` and `increase` follows
//! the documented behaviour of that release: to the edge of the window where the samples come close
//! to it, by half a sampling interval where they do not, and never below a counter's zero.

use promql_parser::parser::Expr;

use super::super::series::{Ends, Series, secs_of};
use super::{Element, Engine, Outcome, distinct, ms_in, shifted, unsupported, without_name};

/// The functions over windows that the simulator knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Rate,
    Increase,
    Average,
    Maximum,
    Minimum,
}

impl Function {
    pub(super) fn named(name: &str) -> Option<Function> {
        match name {
            "rate" => Some(Function::Rate),
            "increase" => Some(Function::Increase),
            "avg_over_time" => Some(Function::Average),
            "max_over_time" => Some(Function::Maximum),
            "min_over_time" => Some(Function::Minimum),
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

impl Engine<'_> {
    pub(super) fn over_range(
        &self,
        function: Function,
        argument: &Expr,
        at_ms: i64,
    ) -> Outcome<Vec<Element>> {
        let matrix = match argument {
            Expr::MatrixSelector(matrix) => matrix,
            Expr::Paren(inner) => return self.over_range(function, &inner.expr, at_ms),
            _ => return Err(unsupported("a window over anything but a selector")),
        };
        let to_ms = shifted(&matrix.vs, at_ms)?;
        let window = Window {
            opens_ms: to_ms.saturating_sub(ms_in(matrix.range)),
            closes_ms: to_ms,
            seen_ms: to_ms.min(self.now_ms),
        };
        let mut elements = Vec::new();
        for series in self.selected(&matrix.vs)? {
            if let Some(value) = self.over_window(function, series, window)? {
                elements.push(Element {
                    labels: without_name(series.labels.clone()),
                    value,
                });
            }
        }
        distinct(elements)
    }

    fn over_window(
        &self,
        function: Function,
        series: &Series,
        window: Window,
    ) -> Outcome<Option<f64>> {
        if matches!(function, Function::Rate | Function::Increase) {
            let increase = self.increase(series, window)?;
            let over_secs = secs_of(window.closes_ms - window.opens_ms);
            return Ok(match function {
                Function::Rate => increase.map(|increase| increase / over_secs),
                _ => increase,
            });
        }
        self.spend(series.count(window.opens_ms, window.seen_ms))?;
        let values = series
            .samples(window.opens_ms, window.seen_ms)
            .map(|sample| sample.value);
        Ok(match function {
            Function::Maximum => values.reduce(f64::max),
            Function::Minimum => values.reduce(f64::min),
            _ => mean(values),
        })
    }

    fn increase(&self, series: &Series, window: Window) -> Outcome<Option<f64>> {
        let (ends, lost_to_resets) = if series.never_falls() {
            self.spend(2)?;
            (series.ends(window.opens_ms, window.seen_ms), 0.0)
        } else {
            self.spend(series.count(window.opens_ms, window.seen_ms))?;
            ends_and_resets(series, window)
        };
        let Some(ends) = ends.filter(|ends| ends.count >= 2) else {
            return Ok(None);
        };
        Ok(Some(extrapolated(ends, lost_to_resets, window)))
    }
}

/// A gauge may fall, and `rate` takes every fall for a restart from zero.
fn ends_and_resets(series: &Series, window: Window) -> (Option<Ends>, f64) {
    let mut ends: Option<Ends> = None;
    let mut lost = 0.0;
    for sample in series.samples(window.opens_ms, window.seen_ms) {
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
