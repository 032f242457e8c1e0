//! How is PromQL read, put together and written so that no label can change its shape?
//!
//! What comes from files and rules is parsed; what quell adds is made of nodes of the same tree, and
//! only the whole tree becomes text. Used by [`super::tree`], [`super::measure`] and
//! [`super::diagnosis`]. It asks nobody and knows no SLO.

use std::time::Duration;

use promql_parser::label::{Labels, MatchOp, Matcher, Matchers};
use promql_parser::parser::token::{
    self, T_ADD, T_COUNT, T_DIV, T_GTR, T_LOR, T_MAX, T_MUL, T_SUB, T_SUM,
};
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{
    AggregateExpr, BinModifier, BinaryExpr, Call, Expr, Function, FunctionArgs, LabelModifier,
    NumberLiteral, ParenExpr, SubqueryExpr, VectorMatchCardinality, VectorSelector,
};

use super::literal;

/// The label that tells the operands of a union apart.
pub(super) const MARK: &str = "quell_slo";

/// Stands for a window placeholder while a query is a tree. Nobody writes such a range.
pub(super) const MARKER_SECS: u64 = 8_191 * 3_600 + 13 * 60 + 17;
const MARKER: &str = "8191h13m17s";

/// Reads a query, window placeholders included: they become ranges of [`MARKER_SECS`].
///
/// # Errors
/// What the parser says. A server may understand more than this parser does.
pub(super) fn read(text: &str) -> Result<Expr, String> {
    let canonical = literal::canonical(text, MARKER)?;
    promql_parser::parser::parse(&canonical)
}

/// A query that cannot be parsed, with its placeholders filled in.
pub(super) fn fill(text: &str, window_secs: u64) -> String {
    literal::fill(text, &crate::domain::duration::exact(window_secs))
}

/// The text of a tree.
pub(super) fn write(expr: &Expr) -> String {
    let text = expr.to_string();
    // Prometheus takes U+FFFD for broken UTF-8, but understands it escaped. Outside of strings there
    // is none.
    if text.contains('\u{fffd}') {
        return text.replace('\u{fffd}', "\\ufffd");
    }
    text
}

/// The text of an operand of a union: `or` keeps what bears a mark of its own.
pub(super) fn marked(text: &str, mark: &str) -> String {
    format!("label_replace({text}, \"{MARK}\", \"{mark}\", \"\", \"\")")
}

/// A function of vectors or ranges.
pub(super) fn call(name: &'static str, args: Vec<Expr>) -> Expr {
    let func = Function::new(name, Vec::new(), 0, ValueType::Vector, false);
    let args = args.into_iter().map(Box::new).collect();
    Expr::Call(Call {
        func,
        args: FunctionArgs { args },
    })
}

/// `sum(…)`, or `sum by (…) (…)`.
pub(super) fn sum(expr: Expr, by: &[String]) -> Expr {
    aggregate(T_SUM, expr, by)
}

/// `count(…)`, or `count by (…) (…)`.
pub(super) fn count(expr: Expr, by: &[String]) -> Expr {
    aggregate(T_COUNT, expr, by)
}

/// `time() - max(…)`: how long ago the newest of some times was.
pub(super) fn seconds_since(times: Expr) -> Expr {
    let newest = aggregate(T_MAX, times, &[]);
    binary(call("time", Vec::new()), T_SUB, newest, None)
}

fn aggregate(op: token::TokenId, expr: Expr, by: &[String]) -> Expr {
    Expr::Aggregate(AggregateExpr {
        op: token::TokenType::new(op),
        expr: Box::new(expr),
        param: None,
        modifier: modifier(by),
    })
}

/// `by (…)`, if there is anything to group by.
pub(super) fn modifier(by: &[String]) -> Option<LabelModifier> {
    let labels = Labels {
        labels: by.to_vec(),
    };
    (!by.is_empty()).then_some(LabelModifier::Include(labels))
}

/// `left / right`
pub(super) fn divided(left: Expr, right: Expr) -> Expr {
    binary(left, T_DIV, right, None)
}

/// `left * right`
pub(super) fn times(left: Expr, right: Expr) -> Expr {
    binary(left, T_MUL, right, None)
}

/// `left + right`
pub(super) fn plus(left: Expr, right: Expr) -> Expr {
    binary(left, T_ADD, right, None)
}

/// `1 - expr`
pub(super) fn complement(expr: Expr) -> Expr {
    binary(number(1.0), T_SUB, expr, None)
}

/// `left or right`
pub(super) fn or(left: Expr, right: Expr) -> Expr {
    let modifier = BinModifier::default().with_card(VectorMatchCardinality::ManyToMany);
    binary(left, T_LOR, right, Some(modifier))
}

/// `expr > 0`: what is nothing is left out.
pub(super) fn above_zero(expr: Expr) -> Expr {
    binary(expr, T_GTR, number(0.0), None)
}

/// `expr SIGN bool bound`: 1 where it holds, else 0, and 0 for what is no number.
pub(super) fn holds(expr: Expr, sign: &str, bound: f64) -> Expr {
    let op = match sign {
        "<" => token::T_LSS,
        "<=" => token::T_LTE,
        ">" => token::T_GTR,
        _ => token::T_GTE,
    };
    let modifier = BinModifier::default().with_return_bool(true);
    binary(expr, op, number(bound), Some(modifier))
}

/// `function((expr)[secs minus a millisecond:step] offset …)`. Without that millisecond an hour of
/// minutes has 61 of them before Prometheus 3, which counts both ends, and 60 after.
pub(super) fn sampled(
    function: &'static str,
    expr: Expr,
    secs: u64,
    step_secs: u64,
    ago_secs: u64,
) -> Expr {
    let range = Expr::Subquery(SubqueryExpr {
        expr: Box::new(closed(expr)),
        offset: offset(ago_secs),
        at: None,
        range: Duration::from_secs(secs).saturating_sub(Duration::from_millis(1)),
        step: Some(Duration::from_secs(step_secs)),
    });
    call(function, vec![range])
}

/// `offset …`, unless it is nothing.
pub(super) fn offset(ago_secs: u64) -> Option<promql_parser::parser::Offset> {
    (ago_secs > 0).then(|| promql_parser::parser::Offset::Pos(Duration::from_secs(ago_secs)))
}

/// A number.
pub(super) fn number(value: f64) -> Expr {
    Expr::NumberLiteral(NumberLiteral::new(value))
}

/// A selector of a metric alone.
pub(super) fn metric(name: &str) -> VectorSelector {
    let matcher = Matcher::new(MatchOp::Equal, "__name__", name);
    // By matcher, so that a name of any characters is one.
    VectorSelector::new(None, Matchers::one(matcher))
}

/// The expression without the brackets around it.
pub(super) fn open(mut expr: &Expr) -> &Expr {
    while let Expr::Paren(inside) = expr {
        expr = &inside.expr;
    }
    expr
}

/// In brackets, where it would otherwise fall apart as an operand.
pub(super) fn closed(expr: Expr) -> Expr {
    match expr {
        Expr::Binary(_) | Expr::Unary(_) => Expr::Paren(ParenExpr {
            expr: Box::new(expr),
        }),
        other => other,
    }
}

fn binary(left: Expr, op: token::TokenId, right: Expr, modifier: Option<BinModifier>) -> Expr {
    Expr::Binary(BinaryExpr {
        op: token::TokenType::new(op),
        lhs: Box::new(closed(left)),
        rhs: Box::new(closed(right)),
        modifier,
    })
}

/// The name of the metric that a selector asks for, if it asks for one.
pub(super) fn metric_name(selector: &VectorSelector) -> Option<&str> {
    let named = selector.matchers.matchers.iter().find(|matcher| {
        matcher.name == "__name__" && matcher.op == MatchOp::Equal && !matcher.value.is_empty()
    });
    selector
        .name
        .as_deref()
        .or(named.map(|matcher| matcher.value.as_str()))
}

/// Every selector of a tree, ranges included.
pub(super) fn selectors(expr: &Expr) -> Vec<&VectorSelector> {
    let mut found = Vec::new();
    collect(expr, &mut found);
    found
}

fn collect<'a>(expr: &'a Expr, found: &mut Vec<&'a VectorSelector>) {
    match expr {
        Expr::VectorSelector(selector) => found.push(selector),
        Expr::MatrixSelector(range) => found.push(&range.vs),
        _ => children(expr).for_each(|child| collect(child, found)),
    }
}

/// The expressions right below one.
pub(super) fn children(expr: &Expr) -> impl Iterator<Item = &Expr> {
    let below: Vec<&Expr> = match expr {
        Expr::Aggregate(inner) => inner
            .param
            .iter()
            .map(|param| &**param)
            .chain([&*inner.expr])
            .collect(),
        Expr::Unary(inner) => vec![&inner.expr],
        Expr::Binary(inner) => vec![&inner.lhs, &inner.rhs],
        Expr::Paren(inner) => vec![&inner.expr],
        Expr::Subquery(inner) => vec![&inner.expr],
        Expr::Call(inner) => inner.args.args.iter().map(|arg| &**arg).collect(),
        _ => Vec::new(),
    };
    below.into_iter()
}

/// As [`children`], to be changed.
pub(super) fn children_mut(expr: &mut Expr) -> Vec<&mut Expr> {
    match expr {
        Expr::Aggregate(inner) => inner
            .param
            .iter_mut()
            .map(|param| &mut **param)
            .chain([&mut *inner.expr])
            .collect(),
        Expr::Unary(inner) => vec![&mut inner.expr],
        Expr::Binary(inner) => vec![&mut inner.lhs, &mut inner.rhs],
        Expr::Paren(inner) => vec![&mut inner.expr],
        Expr::Subquery(inner) => vec![&mut inner.expr],
        Expr::Call(inner) => inner.args.args.iter_mut().map(|arg| &mut **arg).collect(),
        _ => Vec::new(),
    }
}
