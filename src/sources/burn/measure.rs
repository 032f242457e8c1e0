//! Which numbers say how good an SLO is, and how is each asked for?
//!
//! An indicator and a budgeting method become one to two [`Number`]s, each a query for any stretch of
//! time. Used by [`super::plan`], [`super::period`] and [`super::history`]. It asks nobody.

use promql_parser::parser::{Expr, VectorSelector};

use super::compile;
use super::overrides::Overrides;
use super::promql;
use super::shape::Unit;
use super::tree::{Fit, Reach, Tree};
use crate::domain::slo::{Outcome, Slo};
use crate::domain::slo_measured::Basis;

/// How finely a quantity is looked at where nobody says: for up to a day, and for longer.
pub(super) const FINE_STEP_SECS: u64 = 60;
const COARSE_STEP_SECS: u64 = 300;
const FINE_UP_TO_SECS: u64 = 86_400;

/// The numbers of one SLO.
#[derive(Clone, Debug)]
pub(super) struct Measure {
    pub(super) numbers: Vec<Number>,
    pub(super) basis: Basis,
}

/// One number.
#[derive(Clone, Debug)]
pub(super) struct Number {
    /// What it counts.
    pub(super) role: Role,
    how: How,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Bad events or slices.
    Bad,
    /// Good ones.
    Good,
    /// All.
    Total,
    /// The share of one kind.
    Ratio(Outcome),
}

impl Role {
    /// Its letter in a mark.
    pub(super) fn letter(self) -> char {
        match self {
            Self::Bad => 'b',
            Self::Good => 'g',
            Self::Total => 't',
            Self::Ratio(_) => 'r',
        }
    }
}

/// How a number is come by.
#[derive(Clone, Debug)]
pub(super) enum How {
    /// A query over the time.
    Over(Tree),
    /// Of a native histogram over the time: how many, or how many up to a bound.
    Histogram { of: Tree, at_most: Option<f64> },
    /// A quantity that is looked at every so often.
    Sampled {
        function: &'static str,
        value: Expr,
        step_secs: Option<u64>,
        sum_by: Option<Vec<String>>,
    },
    /// A query that only a server may understand.
    Verbatim(String),
}

/// The text of a number for a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// Of a tree: it may become a part of a larger query.
    Sound(String),
    /// As somebody wrote it: it has to be asked alone.
    Verbatim(String),
}

impl Text {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Sound(text) | Self::Verbatim(text) => text,
        }
    }
}

impl Number {
    pub(super) fn new(role: Role, how: How) -> Self {
        Self { role, how }
    }

    /// The query for a stretch of time.
    pub(super) fn over(&self, reach: Reach) -> Text {
        match self.tree_over(reach) {
            Some(expr) => Text::Sound(promql::write(&expr)),
            None => match &self.how {
                How::Verbatim(text) => Text::Verbatim(promql::fill(text, reach.secs)),
                _ => Text::Sound(String::new()),
            },
        }
    }

    fn tree_over(&self, reach: Reach) -> Option<Expr> {
        Some(match &self.how {
            How::Over(tree) => tree.over(reach),
            How::Histogram { of, at_most } => {
                let count = promql::call("histogram_count", vec![of.over(reach)]);
                match at_most {
                    None => count,
                    Some(bound) => promql::times(up_to(*bound, of.over(reach)), count),
                }
            }
            How::Sampled {
                function,
                value,
                step_secs,
                sum_by,
            } => {
                let step = step_secs.unwrap_or(match reach.whole_secs {
                    0..=FINE_UP_TO_SECS => FINE_STEP_SECS,
                    _ => COARSE_STEP_SECS,
                });
                let secs = match reach.fit {
                    // The latest sample at least.
                    Fit::Alone => reach.secs.max(step),
                    Fit::Joined => reach.secs,
                };
                let ago = reach.ago_secs;
                let over = promql::sampled(function, value.clone(), secs, step, ago);
                match sum_by {
                    Some(by) => promql::sum(over, by),
                    None => over,
                }
            }
            How::Verbatim(_) => return None,
        })
    }

    /// What its values are.
    pub(super) fn unit(&self) -> Unit {
        match &self.how {
            How::Over(tree) | How::Histogram { of: tree, .. } => tree.unit(),
            How::Sampled { .. } => Unit::Events,
            How::Verbatim(_) => Unit::Unknown,
        }
    }

    /// Whether its values for parts of a period add up to that of the period.
    pub(super) fn adds_up(&self) -> bool {
        match &self.how {
            How::Over(tree) => tree.adds_up(),
            How::Sampled { function, .. } => *function == "sum_over_time",
            How::Histogram { .. } | How::Verbatim(_) => false,
        }
    }

    /// Whether it goes by how much happened, rather than by how it stood. What is not understood is
    /// taken for the usual.
    pub(super) fn counts_up(&self) -> bool {
        match &self.how {
            How::Over(tree) => tree.counts_up(),
            _ => true,
        }
    }

    /// The selectors it reads.
    pub(super) fn selectors(&self) -> Vec<&VectorSelector> {
        match &self.how {
            How::Over(tree) | How::Histogram { of: tree, .. } => promql::selectors(tree.expr()),
            How::Sampled { value, .. } => promql::selectors(value),
            How::Verbatim(_) => Vec::new(),
        }
    }

    /// Whether it reads a bucket of a classic histogram.
    pub(super) fn reads_a_bucket(&self) -> bool {
        let mut matchers = self
            .selectors()
            .into_iter()
            .flat_map(|s| &s.matchers.matchers);
        matchers.any(|matcher| matcher.name == "le")
    }
}

impl Measure {
    /// The numbers of an SLO. `None` for one that has no query of its own.
    ///
    /// # Errors
    /// Its queries cannot be put together.
    pub(super) fn of(slo: &Slo, overrides: &Overrides) -> Result<Option<Self>, String> {
        compile::measure(slo, overrides).transpose()
    }

    /// Whether the period's numbers can be put together from parts.
    pub(super) fn adds_up(&self) -> bool {
        self.numbers.iter().all(Number::adds_up)
    }

    pub(super) fn number(&self, role: Role) -> Option<&Number> {
        self.numbers.iter().find(|number| number.role == role)
    }

    /// The error ratio as one query, as a person would ask for it.
    pub(super) fn alone(&self, reach: Reach) -> Text {
        let [first, rest @ ..] = self.numbers.as_slice() else {
            return Text::Verbatim(String::new());
        };
        let second = rest.first();
        let trees = first.tree_over(reach).zip(match second {
            None => Some(None),
            Some(second) => second
                .tree_over(reach)
                .map(|expr| Some((second.role, expr))),
        });
        if let Some((first_tree, second_tree)) = trees {
            let ratio = ratio_of(first.role, first_tree, second_tree);
            return Text::Sound(promql::write(&ratio));
        }
        let text = |number: &Number| number.over(reach).as_str().to_owned();
        let (one, other) = (text(first), second.map(text));
        Text::Verbatim(match (first.role, other) {
            (Role::Ratio(Outcome::Good), _) => format!("1 - ({one})"),
            (Role::Good, Some(other)) => format!("1 - ({one}) / ({other})"),
            (_, Some(other)) => format!("({one}) / ({other})"),
            (_, None) => one,
        })
    }
}

/// The share of bad ones. Slices come as bad and good ones, events as one kind and all.
fn ratio_of(role: Role, first: Expr, second: Option<(Role, Expr)>) -> Expr {
    match (role, second) {
        (Role::Bad, Some((Role::Good, good))) => {
            let all = promql::plus(first.clone(), good);
            promql::divided(first, promql::above_zero(all))
        }
        (Role::Ratio(Outcome::Good), _) => promql::complement(first),
        (Role::Good, Some((_, total))) => {
            promql::complement(promql::divided(first, promql::above_zero(total)))
        }
        (Role::Bad, Some((_, total))) => bad_share(first, total),
        _ => first,
    }
}

/// Where no bad event has a series, there are none, as long as there is any event.
pub(super) fn bad_share(bad: Expr, total: Expr) -> Expr {
    let none = promql::times(promql::number(0.0), total.clone());
    promql::divided(promql::or(bad, none), promql::above_zero(total))
}

pub(super) fn up_to(bound: f64, histogram: Expr) -> Expr {
    let args = vec![promql::number(0.0), promql::number(bound), histogram];
    promql::call("histogram_fraction", args)
}
