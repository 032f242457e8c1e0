//! Which events are behind an SLO that only a recording rule of Sloth speaks of?
//!
//! Sloth's value for the period is a mean over time. The rule's own text has the errors and the total
//! apart, so that the period can be counted by events. Called by the poll. It asks nobody.

use promql_parser::parser::token::{T_DIV, T_SUB};
use promql_parser::parser::{BinaryExpr, Expr};

use super::promql;
use crate::domain::slo::{Indicator, MetricKind, Outcome, Query};

/// The rule that is taken apart.
pub(super) const RECORD: &str = "slo:sli_error:ratio_rate5m";

/// What a rule counts. `None` where it is no ratio of two things at its top.
pub(super) fn events(rule: &str) -> Option<Indicator> {
    let expr = promql::read(rule).ok()?;
    let Expr::Binary(top) = promql::open(&expr) else {
        return None;
    };
    let (part_is, ratio) = match top.op.id() {
        T_DIV => (Outcome::Bad, top),
        T_SUB if is_one(&top.lhs) => {
            let Expr::Binary(ratio) = promql::open(&top.rhs) else {
                return None;
            };
            (Outcome::Good, ratio)
        }
        _ => return None,
    };
    if ratio.op.id() != T_DIV || !matches_plainly(ratio) {
        return None;
    }
    let query = |expr: &Expr| Query {
        text: promql::write(promql::open(expr)),
        metric: MetricKind::Counter,
        line: 0,
        data_source: None,
    };
    Some(Indicator::Events {
        part_is,
        part: query(&ratio.lhs),
        total: query(&ratio.rhs),
    })
}

fn is_one(expr: &Expr) -> bool {
    matches!(promql::open(expr), Expr::NumberLiteral(number) if (number.val - 1.0).abs() < f64::EPSILON)
}

/// Both sides stand on their own: nothing is borrowed from the other one's labels.
fn matches_plainly(ratio: &BinaryExpr) -> bool {
    let modifier = ratio.modifier.as_ref();
    let is_number = |expr: &Expr| matches!(promql::open(expr), Expr::NumberLiteral(_));
    modifier.is_none_or(|modifier| modifier.matching.is_none())
        && !is_number(&ratio.lhs)
        && !is_number(&ratio.rhs)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    fn apart(rule: &str) -> Option<(Outcome, String, String)> {
        match events(rule)? {
            Indicator::Events {
                part_is,
                part,
                total,
            } => Some((part_is, part.text, total.text)),
            _ => None,
        }
    }

    #[test]
    fn sloths_rule_is_taken_apart_at_its_division() {
        let rule = "(sum(rate(x{code=~\"(5..|429)\"}[5m])))\n/\n(sum(rate(x[5m])))\n";
        let (kind, part, total) = apart(rule).unwrap();
        assert_eq!(kind, Outcome::Bad);
        assert_eq!(part, "sum(rate(x{code=~\"(5..|429)\"}[5m]))");
        assert_eq!(total, "sum(rate(x[5m]))");
    }

    #[test]
    fn a_ratio_of_good_events_is_understood() {
        let (kind, part, _) = apart("(1 - (sum(rate(a[5m])) / sum(rate(b[5m]))))").unwrap();
        assert_eq!((kind, &*part), (Outcome::Good, "sum(rate(a[5m]))"));
        let (_, part, _) =
            apart("(sum(rate(b[5m])) - sum(rate(a[5m]))) / sum(rate(b[5m]))").unwrap();
        assert_eq!(part, "sum(rate(b[5m])) - sum(rate(a[5m]))");
    }

    #[test]
    fn what_is_no_ratio_stays_whole() {
        for rule in [
            "avg_over_time(errors:ratio[5m])",
            "sum(rate(a[5m])) / 100",
            "sum(rate(a[5m])) / on(x) group_left sum(rate(b[5m]))",
            "2 - sum(rate(a[5m])) / sum(rate(b[5m]))",
            "sum(rate(a[5m])) *",
        ] {
            assert_eq!(apart(rule), None, "{rule}");
        }
    }
}
