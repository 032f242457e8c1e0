//! What do the objects of a cluster mean: changes, drift, trouble?

use chrono::{DateTime, Utc};

use super::store::Store;
use crate::config::delivery::DeclaredPlace;
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::source::SourceName;

/// Where the objects are from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cluster<'a> {
    pub(super) source: &'a SourceName,
    pub(super) place: &'a DeclaredPlace,
}

/// Changes, drift, trouble, and each object that could not be read as a limit. Its parts are told by
/// whoever read them.
pub(super) fn tell(store: &Store, cluster: Cluster<'_>, now: DateTime<Utc>) -> DeliveryAnswer {
    let _ = (store, cluster, now);
    DeliveryAnswer::default()
}
