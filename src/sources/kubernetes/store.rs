//! What does the cluster hold right now, as far as it was read?

use std::collections::BTreeMap;

use super::object::Object;
use super::resource::Resource;

/// Names an object within a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) resource: Resource,
    /// The plural name in its path: several for [`Resource::Constraints`].
    pub(super) plural: String,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

/// Everything that was read and is still there.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) objects: BTreeMap<Key, Object>,
    /// Objects that could not be read, and why.
    pub(super) unreadable: BTreeMap<Key, String>,
}
