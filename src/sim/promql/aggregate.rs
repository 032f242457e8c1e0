//! What do many elements come to, group by group?
//!
//! `sum`, `avg`, `min`, `max` and `count`, with `by` and `without`. The others are refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use promql_parser::parser::token::{T_AVG, T_COUNT, T_MAX, T_MIN, T_SUM};
use promql_parser::parser::{AggregateExpr, LabelModifier};

use super::super::labels::{Labels, METRIC_NAME};
use super::run::Run;
use super::{Element, Outcome, lists, unsupported};

impl Run<'_, '_> {
    pub(super) fn aggregate(&self, expr: &AggregateExpr, at_ms: i64) -> Outcome<Vec<Element>> {
        let fold: fn(&[f64]) -> f64 = match expr.op.id() {
            T_SUM => |values| values.iter().sum(),
            T_AVG => |values| values.iter().sum::<f64>() / count_of(values),
            T_MIN => |values| values.iter().copied().fold(f64::NAN, f64::min),
            T_MAX => |values| values.iter().copied().fold(f64::NAN, f64::max),
            T_COUNT => count_of,
            _ => return Err(unsupported(&format!("the aggregation {}", expr.op))),
        };
        if expr.param.is_some() {
            return Err(unsupported("an aggregation with a parameter"));
        }
        let mut groups: BTreeMap<Labels, Vec<f64>> = BTreeMap::new();
        for element in self.vector(&expr.expr, at_ms, "aggregation expression")? {
            groups
                .entry(group_of(&element.labels, expr.modifier.as_ref()))
                .or_default()
                .push(element.value);
        }
        Ok(groups
            .into_iter()
            .map(|(labels, values)| Element {
                labels: Arc::new(labels),
                value: fold(&values),
            })
            .collect())
    }
}

/// The labels a group is known by.
fn group_of(labels: &Labels, modifier: Option<&LabelModifier>) -> Labels {
    let copied = |(name, value): (&Arc<str>, &Arc<str>)| (Arc::clone(name), Arc::clone(value));
    match modifier {
        None => Labels::new(),
        Some(LabelModifier::Include(kept)) => {
            let kept = kept.labels.iter();
            kept.filter_map(|name| labels.get_key_value(name.as_str()))
                .map(copied)
                .collect()
        }
        Some(LabelModifier::Exclude(dropped)) => labels
            .iter()
            .filter(|(name, _)| ***name != *METRIC_NAME && !lists(dropped, name))
            .map(copied)
            .collect(),
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a count of elements is far below 2^53"
)]
fn count_of(values: &[f64]) -> f64 {
    values.len() as f64
}
