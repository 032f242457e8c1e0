//! What comes of two operands?
//!
//! Arithmetic, comparison (filtering or `bool`) and the set operators, between scalars, between a
//! vector and a scalar, and between two vectors matched one to one. `group_left`, `group_right` and
//! `fill` are refused.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::parser::token::TokenType;
use promql_parser::parser::token::{
    T_ADD, T_DIV, T_EQLC, T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_LUNLESS, T_MOD, T_MUL,
    T_NEQ, T_POW, T_SUB,
};
use promql_parser::parser::{BinModifier, BinaryExpr, LabelModifier, VectorMatchCardinality};

use super::super::labels::{Labels, METRIC_NAME};
use super::{Element, Engine, Error, Outcome, Value, distinct, lists, unsupported};

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
    fn result_labels(self, mut labels: Labels) -> Labels {
        if !matches!(self, Operator::Filter(_)) {
            labels.remove(METRIC_NAME);
        }
        labels
    }
}

impl Engine<'_> {
    pub(super) fn binary(&self, expr: &BinaryExpr, at_ms: i64) -> Outcome<Value> {
        let modifier = expr.modifier.clone().unwrap_or_default();
        refuse_unknown(&modifier)?;
        let left = self.value(&expr.lhs, at_ms)?;
        let right = self.value(&expr.rhs, at_ms)?;
        let matching = modifier.matching.as_ref();
        if expr.op.is_set_operator() {
            return match (left, right) {
                (Value::Vector(left), Value::Vector(right)) => {
                    combined(expr.op, left, right, matching).map(Value::Vector)
                }
                _ => Err(Error::Execution(format!(
                    "set operator \"{}\" not allowed in binary scalar expression",
                    expr.op
                ))),
            };
        }
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
        Some(Element {
            labels: operator.result_labels(element.labels),
            value,
        })
    });
    distinct(results.collect()).map(Value::Vector)
}

/// What two elements must share to be matched.
fn signature(labels: &Labels, matching: Option<&LabelModifier>) -> Labels {
    let mut shared = labels.clone();
    match matching {
        Some(LabelModifier::Include(on)) => shared.retain(|name, _| lists(on, name)),
        Some(LabelModifier::Exclude(ignored)) => {
            shared.retain(|name, _| **name != *METRIC_NAME && !lists(ignored, name));
        }
        None => {
            shared.remove(METRIC_NAME);
        }
    }
    shared
}

fn one_to_one(
    operator: Operator,
    left: Vec<Element>,
    right: &[Element],
    matching: Option<&LabelModifier>,
) -> Outcome<Vec<Element>> {
    let mut partners: BTreeMap<Labels, &Element> = BTreeMap::new();
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
            Some(LabelModifier::Include(on)) => labels.retain(|name, _| lists(on, name)),
            Some(LabelModifier::Exclude(ignored)) => {
                labels.retain(|name, _| !lists(ignored, name));
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

fn combined(
    op: TokenType,
    mut left: Vec<Element>,
    right: Vec<Element>,
    matching: Option<&LabelModifier>,
) -> Outcome<Vec<Element>> {
    let signatures = |elements: &[Element]| -> BTreeSet<Labels> {
        elements
            .iter()
            .map(|element| signature(&element.labels, matching))
            .collect()
    };
    match op.id() {
        T_LAND => {
            let there = signatures(&right);
            left.retain(|element| there.contains(&signature(&element.labels, matching)));
        }
        T_LUNLESS => {
            let there = signatures(&right);
            left.retain(|element| !there.contains(&signature(&element.labels, matching)));
        }
        T_LOR => {
            let there = signatures(&left);
            let added = right
                .into_iter()
                .filter(|element| !there.contains(&signature(&element.labels, matching)));
            left.extend(added);
        }
        _ => return Err(unsupported(&format!("the operator {op}"))),
    }
    distinct(left)
}
