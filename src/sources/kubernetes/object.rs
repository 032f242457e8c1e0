//! What is kept of a Kubernetes object?
//!
//! As little as `tell` needs: a cluster has tens of thousands of them. One that cannot be read is named,
//! and the others go on.

use serde::Deserialize;

use super::resource::Resource;

/// One object, as far as it is kept.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) meta: Meta,
}

/// What names an object.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta {
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    #[serde(default)]
    pub(super) uid: String,
    #[serde(default)]
    pub(super) resource_version: String,
}

impl Object {
    /// Reads one object of a list or of a watch event; the error says what is wrong with it.
    pub(super) fn read(resource: Resource, json: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Wire {
            metadata: Meta,
        }
        let _ = resource;
        let wire: Wire = serde_json::from_str(json).map_err(|error| error.to_string())?;
        Ok(Self {
            meta: wire.metadata,
        })
    }
}
