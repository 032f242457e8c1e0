//! What is a series or an alert known by?
//!
//! Label sets, shared rather than copied: the evaluator hands them around by the thousand.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Label names and values, sorted by name; a metric's name is the value of [`METRIC_NAME`].
pub(super) type Labels = BTreeMap<Arc<str>, Arc<str>>;

/// The label that carries a metric's name.
pub(super) const METRIC_NAME: &str = "__name__";

/// A label set of these pairs; a later pair of the same name wins.
pub(super) fn labels<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Labels {
    pairs
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

/// A label's value. One that is not there counts as empty.
pub(super) fn value_of<'a>(labels: &'a Labels, name: &str) -> &'a str {
    labels.get(name).map_or("", |value| value)
}

/// The labels without the metric's name.
pub(super) fn without_name(labels: &Labels) -> Labels {
    let mut labels = labels.clone();
    labels.remove(METRIC_NAME);
    labels
}
