//! How does a query that somebody wrote for one window read for another?
//!
//! [`Tree::over`] puts a window into a query: into its placeholders, else into its fixed ranges, else
//! around its bare selectors. Used by [`super::measure`]. It asks nobody.

use std::time::Duration;

use promql_parser::parser::token;
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{
    AggregateExpr, Call, Expr, MatrixSelector, Offset, SubqueryExpr, VectorSelector,
};

use super::overrides::Overrides;
use super::promql::{self, MARKER_SECS};
use super::shape::{self, Shape, Unit};

/// How finely a counter is looked at where parts of a period have to fit together.
const JOINT_STEP_SECS: u64 = 15;

/// Parts of a period begin and end at such moments.
pub(super) const JOINT_SECS: u64 = JOINT_STEP_SECS;

/// The time that a query looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    /// How long it is.
    pub(super) secs: u64,
    /// How long ago it ends.
    pub(super) ago_secs: u64,
    /// How long the window or the period is that it is a part of.
    pub(super) whole_secs: u64,
    /// Whether its result is added to that of its neighbours.
    pub(super) fit: Fit,
}

/// Whether parts have to fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// The usual range: Prometheus extrapolates to its ends.
    Alone,
    /// Nothing is extrapolated and nothing counted twice, so that parts add up to their whole. A
    /// burst of errors in the last ten minutes would else count for a few per cent more or less.
    Joined,
}

impl Reach {
    /// A window that ends now.
    pub(super) fn window(secs: u64) -> Self {
        Self {
            secs,
            ago_secs: 0,
            whole_secs: secs,
            fit: Fit::Alone,
        }
    }
}

/// What becomes of selectors without a range in a query that has no range at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bare {
    /// `increase`, and a sum around the whole.
    Increase,
    /// `sum_over_time`, and a sum around the whole.
    SumOverTime,
    /// `count_over_time`, and a sum around the whole.
    CountOverTime,
    /// `increase` and a sum around each: for a ratio of counters.
    SumOfIncrease,
    /// `avg_over_time`: for a ratio that is a gauge.
    AvgOverTime,
    /// They are left alone.
    Left,
}

/// A query that was understood.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    expr: Expr,
    place: Place,
    bare: Bare,
    group_by: Vec<String>,
    shape: Shape,
}

/// Where the window goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Placeholders,
    Ranges,
    BareSelectors,
}

impl Tree {
    /// Understands a query.
    ///
    /// # Errors
    /// What the parser says.
    pub(super) fn read(
        text: &str,
        bare: Bare,
        group_by: &[String],
        overrides: &Overrides,
    ) -> Result<Self, String> {
        let mut expr = promql::read(text)?;
        overrides.apply(&mut expr);
        match expr.value_type() {
            ValueType::Vector => {}
            ValueType::Scalar => expr = promql::call("vector", vec![expr]),
            ValueType::Matrix | ValueType::String => {
                return Err("a query that gives no instant vector".to_owned());
            }
        }
        Ok(Self::of(expr, bare, group_by))
    }

    /// From a part of a query that was understood.
    pub(super) fn of(mut expr: Expr, bare: Bare, group_by: &[String]) -> Self {
        loosen_buckets(&mut expr);
        let mut ranges = Vec::new();
        outer_ranges(&expr, &mut ranges);
        let marker = Duration::from_secs(MARKER_SECS);
        let place = if has_marker(&expr, marker) {
            Place::Placeholders
        } else if ranges.is_empty() {
            Place::BareSelectors
        } else {
            Place::Ranges
        };
        let mut tree = Self {
            expr,
            place,
            bare,
            group_by: group_by.to_vec(),
            shape: Shape {
                adds_up: false,
                unit: None,
            },
        };
        tree.shape = shape::of(&tree.over(Reach::window(300)));
        tree
    }

    /// The query for a stretch of time.
    pub(super) fn over(&self, reach: Reach) -> Expr {
        let mut expr = self.expr.clone();
        let wraps = self.place == Place::BareSelectors && self.bare != Bare::Left;
        self.rewrite(&mut expr, reach, None);
        let sums = matches!(
            self.bare,
            Bare::Increase | Bare::SumOverTime | Bare::CountOverTime
        );
        if !wraps || !sums {
            return expr;
        }
        match &mut expr {
            // As it was aggregated, and by its group where nothing else is said.
            Expr::Aggregate(AggregateExpr { modifier, .. }) => {
                if modifier.is_none() {
                    *modifier = promql::modifier(&self.group_by);
                }
                expr
            }
            _ => promql::sum(expr, &self.group_by),
        }
    }

    /// The query at one moment: fixed ranges stay, placeholders become `secs`.
    pub(super) fn filled(&self, secs: u64) -> Expr {
        match self.place {
            Place::Placeholders => self.over(Reach::window(secs)),
            Place::Ranges | Place::BareSelectors => self.expr.clone(),
        }
    }

    /// The query without any window, for looking at its selectors.
    pub(super) fn expr(&self) -> &Expr {
        &self.expr
    }

    pub(super) fn unit(&self) -> Unit {
        self.shape.unit.unwrap_or(Unit::Unknown)
    }

    pub(super) fn adds_up(&self) -> bool {
        self.shape.adds_up
    }

    /// Whether it looks at how counters grow.
    pub(super) fn counts_up(&self) -> bool {
        fn grows(expr: &Expr) -> bool {
            let here = match expr {
                Expr::Call(call) => matches!(call.func.name, "increase" | "rate" | "irate"),
                _ => false,
            };
            here || promql::children(expr).any(grows)
        }
        grows(&self.over(Reach::window(300)))
    }

    /// `function` is the call that the expression is an argument of.
    fn rewrite(&self, expr: &mut Expr, reach: Reach, function: Option<&'static str>) {
        let marker = Duration::from_secs(MARKER_SECS);
        let is_ours = |range: Duration| match self.place {
            Place::Placeholders => range == marker,
            Place::Ranges => true,
            Place::BareSelectors => false,
        };
        match expr {
            Expr::VectorSelector(selector) => {
                shift(&mut selector.offset, reach);
                if self.place == Place::BareSelectors {
                    *expr = self.wrapped(selector.clone(), reach);
                }
            }
            Expr::MatrixSelector(range) => {
                shift(&mut range.vs.offset, reach);
                if is_ours(range.range) {
                    *expr = ranged(range.vs.clone(), reach, function);
                }
            }
            Expr::Subquery(inner) => {
                let is_window = is_ours(inner.range);
                if is_window {
                    inner.range = match reach.fit {
                        Fit::Alone => Duration::from_secs(reach.secs),
                        Fit::Joined => short_of(reach.secs),
                    };
                }
                if inner.step == Some(marker) {
                    inner.step = Some(Duration::from_secs(reach.secs));
                }
                shift(&mut inner.offset, reach);
                // The subquery is moved as a whole. Of nested ranges only the outer one is the
                // window, unless placeholders say otherwise.
                if self.place == Place::Placeholders {
                    let inside = Reach {
                        ago_secs: 0,
                        fit: Fit::Alone,
                        ..reach
                    };
                    self.rewrite(&mut inner.expr, inside, None);
                }
            }
            Expr::Call(Call { func, args }) => {
                let name = func.name;
                for arg in &mut args.args {
                    self.rewrite(arg, reach, Some(name));
                }
            }
            _ => {
                for child in promql::children_mut(expr) {
                    self.rewrite(child, reach, None);
                }
            }
        }
    }

    fn wrapped(&self, selector: VectorSelector, reach: Reach) -> Expr {
        let over = |function| {
            promql::call(
                function,
                vec![ranged(selector.clone(), reach, Some(function))],
            )
        };
        match self.bare {
            Bare::Increase => over("increase"),
            Bare::SumOverTime => over("sum_over_time"),
            Bare::CountOverTime => over("count_over_time"),
            Bare::SumOfIncrease => promql::sum(over("increase"), &self.group_by),
            Bare::AvgOverTime => over("avg_over_time"),
            Bare::Left => Expr::VectorSelector(selector),
        }
    }
}

/// A selector's range for a function.
pub(super) fn ranged(selector: VectorSelector, reach: Reach, function: Option<&str>) -> Expr {
    let counts_up = matches!(function, Some("increase" | "rate" | "irate" | "delta"));
    match reach.fit {
        Fit::Alone => Expr::MatrixSelector(MatrixSelector {
            vs: selector,
            range: Duration::from_secs(reach.secs),
        }),
        // Looked at on the very ends of the part, and nowhere beyond: then nothing is left to
        // extrapolate. The millisecond brings the first end inside, which Prometheus 3 leaves out.
        Fit::Joined if counts_up => {
            let (offset, at) = (selector.offset.clone(), selector.at.clone());
            let now = VectorSelector {
                offset: None,
                at: None,
                ..selector
            };
            Expr::Subquery(SubqueryExpr {
                expr: Box::new(Expr::VectorSelector(now)),
                offset,
                at,
                range: Duration::from_secs(reach.secs) + Duration::from_millis(1),
                step: Some(Duration::from_secs(JOINT_STEP_SECS)),
            })
        }
        Fit::Joined => Expr::MatrixSelector(MatrixSelector {
            vs: selector,
            range: short_of(reach.secs),
        }),
    }
}

/// A sample on the border belongs to the part that it ends.
fn short_of(secs: u64) -> Duration {
    Duration::from_secs(secs).saturating_sub(Duration::from_millis(1))
}

fn shift(offset: &mut Option<Offset>, reach: Reach) {
    let marker = Duration::from_secs(MARKER_SECS);
    if *offset == Some(Offset::Pos(marker)) {
        *offset = promql::offset(reach.secs);
    }
    let ago = Duration::from_secs(reach.ago_secs);
    if ago.is_zero() {
        return;
    }
    *offset = match offset.take() {
        None => Some(Offset::Pos(ago)),
        Some(Offset::Pos(own)) => Some(Offset::Pos(own + ago)),
        Some(Offset::Neg(own)) => match own.checked_sub(ago) {
            Some(ahead) if ahead.is_zero() => None,
            Some(ahead) => Some(Offset::Neg(ahead)),
            None => Some(Offset::Pos(ago.saturating_sub(own))),
        },
    };
}

/// Whether a placeholder stands anywhere.
fn has_marker(expr: &Expr, marker: Duration) -> bool {
    let here = match expr {
        Expr::MatrixSelector(range) => {
            range.range == marker || range.vs.offset == Some(Offset::Pos(marker))
        }
        Expr::Subquery(inner) => inner.range == marker || inner.step == Some(marker),
        _ => false,
    };
    here || promql::children(expr).any(|child| has_marker(child, marker))
}

fn outer_ranges(expr: &Expr, found: &mut Vec<Duration>) {
    match expr {
        Expr::MatrixSelector(range) => found.push(range.range),
        Expr::Subquery(inner) => found.push(inner.range),
        _ => promql::children(expr).for_each(|child| outer_ranges(child, found)),
    }
}

/// `le="1"` is stored as `1.0` by some clients and by Prometheus 3: both are asked for.
fn loosen_buckets(expr: &mut Expr) {
    let selector = match expr {
        Expr::VectorSelector(selector) => selector,
        Expr::MatrixSelector(range) => &mut range.vs,
        _ => {
            promql::children_mut(expr)
                .into_iter()
                .for_each(loosen_buckets);
            return;
        }
    };
    for matcher in &mut selector.matchers.matchers {
        let is_equality = matcher.op == promql_parser::label::MatchOp::Equal;
        if matcher.name != "le" || !is_equality {
            continue;
        }
        let whole = matcher.value.strip_suffix(".0").unwrap_or(&matcher.value);
        if whole.is_empty() || !whole.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        let pattern = format!("{whole}(\\.0)?");
        let loose = promql_parser::label::Matcher::new_matcher(
            token::T_EQL_REGEX,
            "le".to_owned(),
            pattern,
        );
        if let Ok(loose) = loose {
            *matcher = loose;
        }
    }
}

/// A matcher as it was before [`loosen_buckets`].
pub(super) fn strict(matcher: &promql_parser::label::Matcher) -> String {
    match matcher.value.strip_suffix("(\\.0)?") {
        Some(whole) if matcher.name == "le" => format!("le=\"{whole}\""),
        _ => matcher.to_string(),
    }
}
