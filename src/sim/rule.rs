//! What is an alert rule?
//!
//! The shape in which the rules of the simulated Prometheus are written down.

/// A rule group, as in a rules file.
#[derive(Debug)]
pub(super) struct Group {
    pub name: &'static str,
    pub file: &'static str,
    pub rules: &'static [Rule],
}

/// An alerting rule. Annotations may hold `{{ $labels.NAME }}`, `{{ $value }}` and
/// `{{ $value | humanizePercentage }}`.
#[derive(Debug)]
pub(super) struct Rule {
    pub name: &'static str,
    pub expr: &'static str,
    pub hold_secs: i64,
    pub labels: &'static [(&'static str, &'static str)],
    pub annotations: &'static [(&'static str, &'static str)],
}
