//! What of a pod template tells one version from another?
//!
//! The images, the time of a restart that was asked for, and a digest of all the rest. The template
//! itself is dropped at once: it carries environments, and with them secrets.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Packed;

/// What is kept of a pod template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Template {
    /// Containers by name, those that run before the others last.
    pub(in super::super) images: Packed,
    pub(in super::super) restarted_at: Option<Box<str>>,
    /// Of everything but the time of a restart and the hash that its controller writes. Means nothing
    /// outside this process.
    pub(in super::super) digest: u64,
}

const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";
const HASHES: [&str; 3] = [
    "pod-template-hash",
    "rollouts-pod-template-hash",
    "controller-revision-hash",
];

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of(Value::deserialize(deserializer)?))
    }
}

impl Template {
    fn of(mut template: Value) -> Self {
        let mut restarted_at = None;
        if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("creationTimestamp");
            restarted_at = take(metadata, "annotations", RESTARTED_AT);
            for hash in HASHES {
                take(metadata, "labels", hash);
            }
        }
        // How a controller marks a template that it patches: not part of it.
        if let Some(template) = template.as_object_mut() {
            template.remove("$patch");
        }
        let mut hasher = DefaultHasher::new();
        template.hash(&mut hasher);
        let spec = template.get("spec");
        let containers = ["containers", "initContainers"].into_iter();
        let containers = containers.filter_map(|key| spec?.get(key)?.as_array());
        let images = containers.flatten().filter_map(|container| {
            let name = container.get("name")?.as_str()?;
            Some((name, container.get("image")?.as_str()?))
        });
        Self {
            images: Packed::new(images),
            restarted_at,
            digest: hasher.finish(),
        }
    }
}

/// Takes an entry out of a map of strings; a map that is then empty is as good as none.
fn take(metadata: &mut serde_json::Map<String, Value>, map: &str, key: &str) -> Option<Box<str>> {
    let entries = metadata.get_mut(map).and_then(Value::as_object_mut)?;
    let taken = entries.remove(key);
    if entries.is_empty() {
        metadata.remove(map);
    }
    taken.as_ref().and_then(Value::as_str).map(Box::from)
}
