//! What comes of two operands?
//!
//! Arithmetic, comparison (filtering or `bool`) and the set operators, between scalars, between a
//! vector and a scalar, and between two vectors matched one to one. `group_left`, `group_right` and
//! `fill` are refused.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use promql_parser::parser::token::TokenType;
use promql_parser::parser::token::{
    T_ADD, T_DIV, T_EQLC, T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_LUNLESS, T_MOD, T_MUL,
    T_NEQ, T_POW, T_SUB,
};
use promql_parser::parser::{BinModifier, BinaryExpr, Expr, LabelModifier, VectorMatchCardinality};

use super::super::labels::{Labels, METRIC_NAME, without_name};
use super::run::Run;
use super::{Element, Error, Outcome, Value, lists, nameless, unsupported};

/// What an operator makes of two numbers.
#[derive(Clone, Copy)]
enum Operator {
    Arithmetic(fn(f64, f64) -> f64),
    /// Keeps the element where it holds.
    Filter(fn(f64, f64) -> bool),
    /// Says 1 where it holds, else 0.
    Verdict(fn(f64, f64) -> bool),
}

/// The side whose value a filtering comparison keeps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Left,
    Right,
}

impl Operator {
    #[allow(clippy::float_cmp, reason = "PromQL's == and != are exact")]
    fn of(op: TokenType, returns_bool: bool) -> Outcome<Operator> {
        let holds: fn(f64, f64) -> bool = match op.id() {
            T_ADD => return Ok(Operator::Arithmetic(|left, right| left + right)),
            T_SUB => return Ok(Operator::Arithmetic(|left, right| left - right)),
            T_MUL => return Ok(Operator::Arithmetic(|left, right| left * right)),
            T_DIV => return Ok(Operator::Arithmetic(|left, right| left / right)),
            T_MOD => return Ok(Operator::Arithmetic(|left, right| left % right)),
            T_POW => return Ok(Operator::Arithmetic(f64::powf)),
            T_EQLC => |left, right| left == right,
            T_NEQ => |left, right| left != right,
            T_GTR => |left, right| left > right,
            T_LSS => |left, right| left < right,
            T_GTE => |left, right| left >= right,
            T_LTE => |left, right| left <= right,
            _ => return Err(unsupported(&format!("the operator {op}"))),
        };
        Ok(if returns_bool {
            Operator::Verdict(holds)
        } else {
            Operator::Filter(holds)
        })
    }

    /// `None` where a filter lets go of the element.
    fn apply(self, left: f64, right: f64, kept: Kept) -> Option<f64> {
        match self {
            Operator::Arithmetic(compute) => Some(compute(left, right)),
            Operator::Verdict(holds) => Some(f64::from(u8::from(holds(left, right)))),
            Operator::Filter(holds) => {
                holds(left, right).then_some(if kept == Kept::Left { left } else { right })
            }
        }
    }

    /// Only what passes a filter is still the same metric.
    fn result_labels(self, labels: Arc<Labels>) -> Arc<Labels> {
        match self {
            Operator::Filter(_) => labels,
            _ if !labels.contains_key(METRIC_NAME) => labels,
            _ => Arc::new(without_name(&labels)),
        }
    }
}

impl Run<'_, '_> {
    pub(super) fn binary(&self, expr: &BinaryExpr, at_ms: i64) -> Outcome<Value> {
        if expr.op.id() == T_LOR {
            return self.union(expr, at_ms).map(Value::Vector);
        }
        let modifier = modifier_of(expr)?;
        let matching = modifier.matching.as_ref();
        if expr.op.is_set_operator() {
            let left = self.vector(&expr.lhs, at_ms, "set operation")?;
            let right = self.vector(&expr.rhs, at_ms, "set operation")?;
            return narrowed(expr.op, left, &right, matching).map(Value::Vector);
        }
        let left = self.value(&expr.lhs, at_ms)?;
        let right = self.value(&expr.rhs, at_ms)?;
        let operator = Operator::of(expr.op, modifier.return_bool)?;
        match (left, right) {
            (Value::Scalar(left), Value::Scalar(right)) => match operator {
                Operator::Filter(_) => Err(Error::Execution(
                    "comparisons between scalars must use BOOL modifier".to_owned(),
                )),
                _ => Ok(Value::Scalar(
                    operator.apply(left, right, Kept::Left).unwrap_or(f64::NAN),
                )),
            },
            (Value::Vector(left), Value::Scalar(right)) => each(operator, left, |value| {
                operator.apply(value, right, Kept::Left)
            }),
            (Value::Scalar(left), Value::Vector(right)) => each(operator, right, |value| {
                operator.apply(left, value, Kept::Right)
            }),
            (Value::Vector(left), Value::Vector(right)) => {
                one_to_one(operator, left, &right, matching).map(Value::Vector)
            }
        }
    }

    /// A chain of `or`, which leans to the left, from its first member to its last.
    fn union(&self, expr: &BinaryExpr, at_ms: i64) -> Outcome<Vec<Element>> {
        let modifier = modifier_of(expr)?;
        let matching = modifier.matching.as_ref();
        let mut members = vec![&*expr.rhs];
        let mut rest = &*expr.lhs;
        while let Expr::Binary(inner) = rest
            && inner.op.id() == T_LOR
            && *modifier_of(inner)? == *modifier
        {
            members.push(&inner.rhs);
            rest = &inner.lhs;
        }
        members.push(rest);
        let mut there: HashSet<Arc<Labels>> = HashSet::new();
        let mut union: Vec<Element> = Vec::new();
        for member in members.into_iter().rev() {
            let added = union.len();
            for element in self.vector(member, at_ms, "set operation")? {
                if !there.contains(&signature(&element.labels, matching)) {
                    union.push(element);
                }
            }
            // Only now: the elements of one member do not stand in each other's way.
            let added = union[added..].iter();
            there.extend(added.map(|element| signature(&element.labels, matching)));
        }
        Ok(union)
    }
}

fn modifier_of(expr: &BinaryExpr) -> Outcome<Cow<'_, BinModifier>> {
    let modifier = match &expr.modifier {
        Some(modifier) => Cow::Borrowed(modifier),
        None => Cow::Owned(BinModifier::default()),
    };
    refuse_unknown(&modifier)?;
    Ok(modifier)
}

fn refuse_unknown(modifier: &BinModifier) -> Outcome<()> {
    if modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some() {
        return Err(unsupported("fill"));
    }
    match modifier.card {
        VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany => Ok(()),
        VectorMatchCardinality::ManyToOne(_) => Err(unsupported("group_left")),
        VectorMatchCardinality::OneToMany(_) => Err(unsupported("group_right")),
    }
}

fn each(
    operator: Operator,
    elements: Vec<Element>,
    apply: impl Fn(f64) -> Option<f64>,
) -> Outcome<Value> {
    let results = elements.into_iter().filter_map(|element| {
        let value = apply(element.value)?;
        Some(Element { value, ..element })
    });
    let results = results.collect();
    if matches!(operator, Operator::Filter(_)) {
        return Ok(Value::Vector(results));
    }
    nameless(results).map(Value::Vector)
}

/// What two elements must share to be matched.
fn signature(labels: &Arc<Labels>, matching: Option<&LabelModifier>) -> Arc<Labels> {
    let mut shared = match matching {
        None if !labels.contains_key(METRIC_NAME) => return Arc::clone(labels),
        _ => (**labels).clone(),
    };
    match matching {
        Some(LabelModifier::Include(on)) => shared.retain(|name, _| lists(on, name)),
        Some(LabelModifier::Exclude(ignored)) => {
            shared.retain(|name, _| **name != *METRIC_NAME && !lists(ignored, name));
        }
        None => {
            shared.remove(METRIC_NAME);
        }
    }
    Arc::new(shared)
}

fn one_to_one(
    operator: Operator,
    left: Vec<Element>,
    right: &[Element],
    matching: Option<&LabelModifier>,
) -> Outcome<Vec<Element>> {
    // Nothing is going to match, and what would not have fitted is not looked at.
    if left.is_empty() || right.is_empty() {
        return Ok(Vec::new());
    }
    let mut partners: BTreeMap<Arc<Labels>, &Element> = BTreeMap::new();
    for element in right {
        let shared = signature(&element.labels, matching);
        if let Some(first) = partners.get(&shared) {
            return Err(duplicate_on_the_right(
                &shared,
                &first.labels,
                &element.labels,
            ));
        }
        partners.insert(shared, element);
    }
    let mut matched = BTreeSet::new();
    let mut results = Vec::new();
    for element in left {
        let shared = signature(&element.labels, matching);
        let Some(partner) = partners.get(&shared) else {
            continue;
        };
        let value = operator.apply(element.value, partner.value, Kept::Left);
        // A second left element is an error only where the first one gave a result.
        let Some(value) = value else { continue };
        let mut labels = operator.result_labels(element.labels);
        match matching {
            Some(LabelModifier::Include(on)) => {
                Arc::make_mut(&mut labels).retain(|name, _| lists(on, name));
            }
            Some(LabelModifier::Exclude(ignored)) => {
                Arc::make_mut(&mut labels).retain(|name, _| !lists(ignored, name));
            }
            None => {}
        }
        if !matched.insert(shared) {
            return Err(Error::Execution(
                "multiple matches for labels: many-to-one matching must be explicit \
                 (group_left/group_right)"
                    .to_owned(),
            ));
        }
        results.push(Element { labels, value });
    }
    Ok(results)
}

fn duplicate_on_the_right(shared: &Labels, first: &Labels, second: &Labels) -> Error {
    Error::Execution(format!(
        "found duplicate series for the match group {} on the right hand-side of the operation: \
         [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
        in_braces(shared),
        in_braces(second),
        in_braces(first),
    ))
}

fn in_braces(labels: &Labels) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

/// What `and` or `unless` leave of the left side.
fn narrowed(
    op: TokenType,
    mut left: Vec<Element>,
    right: &[Element],
    matching: Option<&LabelModifier>,
) -> Outcome<Vec<Element>> {
    let there: HashSet<Arc<Labels>> = right
        .iter()
        .map(|element| signature(&element.labels, matching))
        .collect();
    let has_partner = |element: &Element| there.contains(&signature(&element.labels, matching));
    match op.id() {
        T_LAND => left.retain(has_partner),
        T_LUNLESS => left.retain(|element| !has_partner(element)),
        _ => return Err(unsupported(&format!("the operator {op}"))),
    }
    Ok(left)
}
