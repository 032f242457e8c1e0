//! How do an indicator and a budgeting method become numbers?
//!
//! Events are counted, quantities and slices of time are sampled. Called by [`super::measure`]. It
//! asks nobody.

use promql_parser::parser::Expr;

use super::measure::{FINE_STEP_SECS, How, Measure, Number, Role, bad_share, up_to};
use super::overrides::Overrides;
use super::promql;
use super::tree::{Bare, Reach, Tree};
use crate::domain::slo::{BudgetMethod, Indicator, MetricKind, Outcome, Query, Slo};
use crate::domain::slo_measured::Basis;

/// The numbers of an SLO. `None` for one that has no query of its own.
pub(super) fn measure(slo: &Slo, overrides: &Overrides) -> Option<Result<Measure, String>> {
    Compile { slo, overrides }.measure()
}

/// One SLO on its way to numbers.
struct Compile<'a> {
    slo: &'a Slo,
    overrides: &'a Overrides,
}

impl Compile<'_> {
    fn measure(&self) -> Option<Result<Measure, String>> {
        Some(match (&self.slo.indicator, self.slo.method) {
            (Indicator::Recorded, _) => return None,
            (
                Indicator::Threshold {
                    query,
                    good_when,
                    value,
                },
                method,
            ) => {
                let step_secs = match method {
                    BudgetMethod::Occurrences => None,
                    BudgetMethod::Timeslices { slice_secs, .. }
                    | BudgetMethod::RatioTimeslices { slice_secs } => Some(slice_secs),
                };
                // A quantity with fixed ranges keeps them: the window is that of the samples.
                let inner = self.instant(query, step_secs.unwrap_or(FINE_STEP_SECS));
                inner.map(|inner| {
                    let bad = promql::holds(inner.clone(), good_when.opposite_sign(), *value);
                    let good = promql::holds(inner, good_when.sign(), *value);
                    samples(bad, good, step_secs)
                })
            }
            (_, BudgetMethod::Occurrences) => self.occurrences(),
            (_, BudgetMethod::Timeslices { slice_secs, target }) => {
                self.slice_share(slice_secs).map(|(of, share)| match of {
                    Outcome::Good => samples(
                        promql::holds(share.clone(), "<", target),
                        promql::holds(share, ">=", target),
                        Some(slice_secs),
                    ),
                    Outcome::Bad => samples(
                        promql::holds(share.clone(), ">", rest_of(target)),
                        promql::holds(share, "<=", rest_of(target)),
                        Some(slice_secs),
                    ),
                })
            }
            (_, BudgetMethod::RatioTimeslices { slice_secs }) => {
                self.slice_share(slice_secs).map(|(of, value)| Measure {
                    numbers: vec![Number::new(
                        Role::Ratio(of),
                        How::Sampled {
                            function: "avg_over_time",
                            value,
                            step_secs: Some(slice_secs),
                            sum_by: None,
                        },
                    )],
                    basis: Basis::Time,
                })
            }
        })
    }

    /// Every event counts.
    fn occurrences(&self) -> Result<Measure, String> {
        Ok(match &self.slo.indicator {
            Indicator::Events {
                part_is,
                part,
                total,
            } => {
                let role = match part_is {
                    Outcome::Good => Role::Good,
                    Outcome::Bad => Role::Bad,
                };
                Measure {
                    numbers: vec![
                        self.over(role, part, counted(part)),
                        self.over(Role::Total, total, counted(total)),
                    ],
                    basis: Basis::Traffic,
                }
            }
            Indicator::Ratio { of, query } => {
                let number = self.over(Role::Ratio(*of), query, shared(query));
                let basis = if number.counts_up() {
                    Basis::Traffic
                } else {
                    Basis::Time
                };
                Measure {
                    numbers: vec![number],
                    basis,
                }
            }
            Indicator::NativeLatency {
                histogram,
                at_most_secs,
            } => Measure {
                numbers: self.histogram(histogram, *at_most_secs)?,
                basis: Basis::Traffic,
            },
            Indicator::Probe { gauge } => Measure {
                numbers: vec![
                    self.probe(Role::Good, gauge, Bare::SumOverTime),
                    self.probe(Role::Total, gauge, Bare::CountOverTime),
                ],
                basis: Basis::Time,
            },
            Indicator::Threshold { .. } | Indicator::Recorded => {
                return Err("it has no events".to_owned());
            }
        })
    }

    fn over(&self, role: Role, query: &Query, bare: Bare) -> Number {
        let how = match self.tree(query, bare) {
            Ok(tree) => How::Over(tree),
            // Not refused: a server may understand more than this parser.
            Err(_) => How::Verbatim(query.text.clone()),
        };
        Number::new(role, how)
    }

    fn histogram(&self, histogram: &Query, bound: f64) -> Result<Vec<Number>, String> {
        let of = self.tree(histogram, Bare::Increase);
        let of = of.map_err(|why| not_readable(histogram, &why))?;
        let number = |role, at_most| {
            let of = of.clone();
            Number::new(role, How::Histogram { of, at_most })
        };
        Ok(vec![
            number(Role::Good, Some(bound)),
            number(Role::Total, None),
        ])
    }

    /// Each sample of each place counts alike.
    fn probe(&self, role: Role, gauge: &Query, bare: Bare) -> Number {
        let Ok(tree) = self.tree(gauge, bare) else {
            return Number::new(role, How::Verbatim(gauge.text.clone()));
        };
        if matches!(promql::open(tree.expr()), Expr::VectorSelector(_)) {
            return Number::new(role, How::Over(tree));
        }
        let value = match bare {
            Bare::SumOverTime => tree.expr().clone(),
            // Any sample, whatever it says.
            _ => promql::plus(
                promql::times(promql::number(0.0), tree.expr().clone()),
                promql::number(1.0),
            ),
        };
        Number::new(
            role,
            How::Sampled {
                function: "sum_over_time",
                value,
                step_secs: None,
                sum_by: Some(self.slo.group_by.clone()),
            },
        )
    }

    /// The share of good or bad ones in one slice.
    fn slice_share(&self, slice_secs: u64) -> Result<(Outcome, Expr), String> {
        let reach = Reach::window(slice_secs);
        let slice = |query: &Query, bare| -> Result<Expr, String> {
            let tree = self.tree(query, bare);
            Ok(tree.map_err(|why| not_readable(query, &why))?.over(reach))
        };
        Ok(match &self.slo.indicator {
            Indicator::Events {
                part_is,
                part,
                total,
            } => {
                let part_expr = slice(part, counted(part))?;
                let total = slice(total, counted(total))?;
                match part_is {
                    Outcome::Bad => (Outcome::Bad, bad_share(part_expr, total)),
                    Outcome::Good => (
                        Outcome::Good,
                        promql::divided(part_expr, promql::above_zero(total)),
                    ),
                }
            }
            Indicator::Ratio { of, query } => (*of, slice(query, shared(query))?),
            Indicator::NativeLatency {
                histogram,
                at_most_secs,
            } => (
                Outcome::Good,
                up_to(*at_most_secs, slice(histogram, Bare::Increase)?),
            ),
            Indicator::Probe { gauge } => (
                Outcome::Good,
                promql::divided(
                    slice(gauge, Bare::SumOverTime)?,
                    slice(gauge, Bare::CountOverTime)?,
                ),
            ),
            Indicator::Threshold { .. } | Indicator::Recorded => {
                return Err("it has no events".to_owned());
            }
        })
    }

    /// A quantity at one moment.
    fn instant(&self, query: &Query, step_secs: u64) -> Result<Expr, String> {
        let tree = self.tree(query, Bare::Left);
        let tree = tree.map_err(|why| not_readable(query, &why))?;
        Ok(tree.filled(step_secs))
    }

    fn tree(&self, query: &Query, bare: Bare) -> Result<Tree, String> {
        Tree::read(&query.text, bare, &self.slo.group_by, self.overrides)
    }
}

fn counted(query: &Query) -> Bare {
    match query.metric {
        MetricKind::Counter => Bare::Increase,
        MetricKind::Gauge => Bare::SumOverTime,
    }
}

fn shared(query: &Query) -> Bare {
    match query.metric {
        MetricKind::Counter => Bare::SumOfIncrease,
        MetricKind::Gauge => Bare::AvgOverTime,
    }
}

fn samples(bad: Expr, good: Expr, step_secs: Option<u64>) -> Measure {
    let number = |role, value| {
        Number::new(
            role,
            How::Sampled {
                function: "sum_over_time",
                value,
                step_secs,
                sum_by: None,
            },
        )
    };
    Measure {
        numbers: vec![number(Role::Bad, bad), number(Role::Good, good)],
        basis: Basis::Time,
    }
}

/// `1 - target` as a person writes it: 0.001 for 0.999, not 0.0010000000000000009.
fn rest_of(target: f64) -> f64 {
    ((1.0 - target) * 1e12).round() / 1e12
}

fn not_readable(query: &Query, why: &str) -> String {
    let at = if query.line > 0 {
        format!(" at line {}", query.line)
    } else {
        String::new()
    };
    format!("the query{at} cannot be read here, so nothing can be computed of it: {why}")
}
