//! Are a query's results counts, and do those of parts of a window add up?
//!
//! Used by [`super::tree`]. It asks nobody, and says "unknown" of whatever it does not know.

use promql_parser::parser::token::{T_ADD, T_DIV, T_LOR, T_MUL, T_SUB, T_SUM, TokenId};
use promql_parser::parser::{BinaryExpr, Call, Expr};

use super::promql;

/// What the numbers of a query are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// So many in the window.
    Events,
    /// So many in a second of it.
    PerSecond,
    /// Only good for comparing it with its like.
    Unknown,
}

impl Unit {
    /// How many events a value means, where that can be said.
    pub(super) fn events_in(self, window_secs: f64) -> Option<f64> {
        match self {
            Self::Events => Some(1.0),
            Self::PerSecond => Some(window_secs),
            Self::Unknown => None,
        }
    }
}

/// What is known of a query's results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Whether the results of parts of a window add up to that of the whole.
    pub(super) adds_up: bool,
    /// `None` for a constant that fits to anything.
    pub(super) unit: Option<Unit>,
}

const OPAQUE: Shape = Shape {
    adds_up: false,
    unit: Some(Unit::Unknown),
};

/// A constant zero adds up with anything.
const NEUTRAL: Shape = Shape {
    adds_up: true,
    unit: None,
};

/// Looks at a query with its window in it.
pub(super) fn of(expr: &Expr) -> Shape {
    match promql::open(expr) {
        Expr::Aggregate(sum) if sum.op.id() == T_SUM => of(&sum.expr),
        Expr::Call(call) => shape_of_call(call),
        Expr::Binary(binary) => shape_of_binary(binary),
        _ => OPAQUE,
    }
}

fn shape_of_call(call: &Call) -> Shape {
    let Some(first) = call.args.args.first() else {
        return OPAQUE;
    };
    let is_pinned = match promql::open(first) {
        Expr::MatrixSelector(range) => range.vs.at.is_some(),
        Expr::Subquery(inner) => {
            inner.at.is_some()
                || promql::selectors(&inner.expr)
                    .iter()
                    .any(|s| s.at.is_some())
        }
        _ => false,
    };
    let (adds_up, unit) = match call.func.name {
        "increase" | "sum_over_time" | "count_over_time" => (true, Unit::Events),
        "rate" => (true, Unit::PerSecond),
        "irate" | "deriv" => (false, Unit::PerSecond),
        "label_replace" | "label_join" => return of(first),
        "vector" if is_zero(first) => return NEUTRAL,
        _ => return OPAQUE,
    };
    Shape {
        adds_up: adds_up && !is_pinned,
        unit: Some(unit),
    }
}

fn shape_of_binary(binary: &BinaryExpr) -> Shape {
    let (left, right): (&Expr, &Expr) = (promql::open(&binary.lhs), promql::open(&binary.rhs));
    let is_number = |expr: &Expr| matches!(expr, Expr::NumberLiteral(_));
    let op: TokenId = binary.op.id();
    match op {
        T_ADD | T_SUB | T_LOR => {
            let (left, right) = (of(left), of(right));
            let (agree, unit) = match (left.unit, right.unit) {
                (None, unit) | (unit, None) => (true, unit),
                (Some(one), Some(other)) if one == other => (true, Some(one)),
                _ => (false, Some(Unit::Unknown)),
            };
            Shape {
                adds_up: agree && left.adds_up && right.adds_up,
                unit,
            }
        }
        T_MUL if is_zero(left) || is_zero(right) => NEUTRAL,
        T_MUL if is_number(left) => scaled(of(right)),
        T_MUL | T_DIV if is_number(right) => scaled(of(left)),
        _ => OPAQUE,
    }
}

/// Multiplied with something. Rates of parts add up only as long as it is known that they are rates.
fn scaled(shape: Shape) -> Shape {
    Shape {
        adds_up: shape.adds_up && shape.unit == Some(Unit::Events),
        unit: Some(Unit::Unknown),
    }
}

fn is_zero(expr: &Expr) -> bool {
    matches!(promql::open(expr), Expr::NumberLiteral(number) if number.val == 0.0)
}
