//! What does a function say about the elements of an instant vector?
//!
//! `timestamp`, the clamps and those on histograms. There are no native histograms here, and what
//! asks for them gets what Prometheus gives for plain numbers: nothing.

use std::sync::Arc;

use promql_parser::parser::Expr;

use super::super::series::secs_of;
use super::run::Run;
use super::{Element, Outcome, nameless, quantile, unsupported};

impl Run<'_, '_> {
    pub(super) fn function(
        &self,
        name: &str,
        arguments: &[&Expr],
        at_ms: i64,
    ) -> Outcome<Vec<Element>> {
        let of = format!("call to function \"{name}\"");
        let vector = |expr| self.vector(expr, at_ms, &of);
        let scalar = |expr| self.scalar(expr, at_ms, &of);
        match (name, arguments) {
            ("timestamp", [inner]) => self.timestamp(inner, at_ms),
            ("clamp_min", [inner, least]) => clamped(vector(inner)?, scalar(least)?, f64::INFINITY),
            ("clamp_max", [inner, most]) => {
                clamped(vector(inner)?, f64::NEG_INFINITY, scalar(most)?)
            }
            ("clamp", [inner, least, most]) => {
                let (elements, least, most) = (vector(inner)?, scalar(least)?, scalar(most)?);
                if least > most {
                    return Ok(Vec::new());
                }
                clamped(elements, least, most)
            }
            ("histogram_quantile", [share, inner]) => {
                Ok(quantile::of_buckets(scalar(share)?, &vector(inner)?))
            }
            ("histogram_count" | "histogram_sum" | "histogram_avg", [inner])
            | ("histogram_fraction", [_, _, inner]) => vector(inner).map(|_| Vec::new()),
            (name, _) => Err(unsupported(&format!("the function {name}"))),
        }
    }

    /// When the sample was taken, if a selector is asked; of anything else, now.
    fn timestamp(&self, inner: &Expr, at_ms: i64) -> Outcome<Vec<Element>> {
        let unix_secs = |at_ms| secs_of(self.engine.epoch_ms + at_ms);
        let mut bare = inner;
        while let Expr::Paren(paren) = bare {
            bare = &paren.expr;
        }
        let elements = match bare {
            Expr::VectorSelector(selector) => {
                self.newest(selector, at_ms, |series, sample| Element {
                    labels: Arc::clone(&series.labels),
                    value: unix_secs(sample.at_ms),
                })?
            }
            other => {
                let mut elements = self.vector(other, at_ms, "call to function \"timestamp\"")?;
                for element in &mut elements {
                    element.value = unix_secs(at_ms);
                }
                elements
            }
        };
        nameless(elements)
    }
}

/// Not a number where the value or a bound is none.
fn clamped(mut elements: Vec<Element>, least: f64, most: f64) -> Outcome<Vec<Element>> {
    for element in &mut elements {
        element.value = if element.value.is_nan() || least.is_nan() || most.is_nan() {
            f64::NAN
        } else {
            element.value.min(most).max(least)
        };
    }
    nameless(elements)
}
