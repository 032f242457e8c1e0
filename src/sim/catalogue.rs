//! Where do the platform's series go while they are being written down?
//!
//! Called by the platform and its background; forgotten once the store is built.

use super::curve::Curve;
use super::labels::{Labels, METRIC_NAME, labels};
use super::seed::Seed;
use super::series::{Life, Series, Store};

/// Writes series into a store.
pub(super) struct Catalogue {
    pub store: Store,
    pub seed: Seed,
}

impl Catalogue {
    /// Adds a gauge that is always there.
    pub(super) fn gauge(&mut self, name: &str, pairs: &[(&str, &str)], curve: Curve) {
        self.store
            .add(Series::gauge(named(name, pairs), curve, Life::always()));
    }

    /// Adds a counter that is always there, with the given rate per second.
    pub(super) fn counter(&mut self, name: &str, pairs: &[(&str, &str)], rate: Curve) {
        self.store
            .add(Series::counter(named(name, pairs), rate, Life::always()));
    }
}

/// The labels of a metric's series.
pub(super) fn named(name: &str, pairs: &[(&str, &str)]) -> Labels {
    labels(pairs.iter().copied().chain([(METRIC_NAME, name)]))
}
