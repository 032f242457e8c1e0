//! What does an API server serve?
//!
//! Two requests tell it all (aggregated discovery, since 1.26); older servers are asked for each group
//! that matters. Called by [`super::Kubernetes`]; [`super::target`] makes of it what is read.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::client::Client;
use super::resource::Row;
use crate::domain::source::{ErrorKind, SourceError};
use crate::domain::text::Untrusted;
use crate::sources::http::HttpError;

const AGGREGATED: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
const JSON: &str = "application/json";

/// What a server says that it serves.
#[derive(Clone, Debug)]
pub(super) enum Served {
    /// By group; the core group has no name.
    Groups(BTreeMap<String, Vec<Version>>),
    /// We may not ask: its words.
    Hidden(Untrusted),
}

/// One version of a group.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) name: String,
    /// The plural names of what can be listed. None: the server does not know it right now.
    pub(super) plurals: Option<Vec<String>>,
}

/// Asks for it.
///
/// # Errors
/// Whatever kept the server from answering. Not being allowed to ask is an answer.
pub(super) async fn discover(client: &Client, table: &[Row]) -> Result<Served, HttpError> {
    let (core, named) = tokio::join!(
        answer::<Wire>(client, "/api", AGGREGATED),
        answer::<Wire>(client, "/apis", AGGREGATED),
    );
    let (core, named) = match (core, named) {
        (Ok(core), Ok(named)) => (core, named),
        (Err(error), _) | (_, Err(error)) if error.status == Some(403) => {
            return Ok(Served::Hidden(error.error.detail));
        }
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    let mut groups = BTreeMap::new();
    groups.extend(core.groups(client, table).await?);
    groups.extend(named.groups(client, table).await?);
    Ok(Served::Groups(groups))
}

/// The version of the server, where it is told.
pub(super) async fn version(client: &Client) -> Result<Option<Untrusted>, HttpError> {
    #[derive(Deserialize)]
    struct Told {
        #[serde(rename = "gitVersion")]
        git_version: Option<String>,
    }
    match answer::<Told>(client, "/version", JSON).await {
        Ok(told) => Ok(told.git_version.as_deref().map(Untrusted::line)),
        Err(error) if error.status.is_some() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The three shapes of an answer.
#[derive(Deserialize)]
#[serde(tag = "kind")]
enum Wire {
    #[serde(rename = "APIGroupDiscoveryList")]
    Aggregated {
        #[serde(default)]
        items: Vec<WireGroup>,
    },
    #[serde(rename = "APIVersions")]
    Core { versions: Vec<String> },
    #[serde(rename = "APIGroupList")]
    Groups { groups: Vec<WireOldGroup> },
}

#[derive(Deserialize)]
struct WireGroup {
    #[serde(default)]
    metadata: WireName,
    #[serde(default)]
    versions: Vec<WireVersion>,
}

#[derive(Default, Deserialize)]
struct WireName {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct WireVersion {
    version: String,
    #[serde(default)]
    resources: Vec<WireResource>,
    #[serde(default)]
    freshness: String,
}

#[derive(Deserialize)]
struct WireResource {
    #[serde(alias = "name")]
    resource: String,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Deserialize)]
struct WireOldGroup {
    name: String,
    versions: Vec<WireOldVersion>,
}

#[derive(Deserialize)]
struct WireOldVersion {
    version: String,
}

#[derive(Deserialize)]
struct WireResources {
    #[serde(default)]
    resources: Vec<WireResource>,
}

impl Wire {
    async fn groups(
        self,
        client: &Client,
        table: &[Row],
    ) -> Result<Vec<(String, Vec<Version>)>, HttpError> {
        let old = match self {
            Self::Aggregated { items } => {
                return Ok(items.into_iter().map(WireGroup::known).collect());
            }
            Self::Core { versions } => vec![(String::new(), versions)],
            Self::Groups { groups } => groups
                .into_iter()
                .map(|group| {
                    let versions = group.versions.into_iter().map(|v| v.version);
                    (group.name, versions.collect())
                })
                .collect(),
        };
        let mut groups = Vec::new();
        for (name, versions) in old {
            let mut known = Vec::new();
            for version in versions {
                let is_wanted =
                    |row: &Row| row.group == name && row.versions.contains(&version.as_str());
                let plurals = if table.iter().any(is_wanted) {
                    plurals_of(client, &name, &version).await?
                } else {
                    Some(Vec::new())
                };
                known.push(Version {
                    name: version,
                    plurals,
                });
            }
            groups.push((name, known));
        }
        Ok(groups)
    }
}

/// None where the group's server does not answer.
async fn plurals_of(
    client: &Client,
    group: &str,
    version: &str,
) -> Result<Option<Vec<String>>, HttpError> {
    let path = if group.is_empty() {
        format!("/api/{version}")
    } else {
        format!("/apis/{group}/{version}")
    };
    match answer::<WireResources>(client, &path, JSON).await {
        Ok(list) => Ok(Some(listable(list.resources))),
        Err(error) if error.status.is_some() && error.status != Some(401) => Ok(None),
        Err(error) => Err(error),
    }
}

impl WireGroup {
    fn known(self) -> (String, Vec<Version>) {
        let versions = self.versions.into_iter().map(|version| Version {
            name: version.version,
            plurals: (version.freshness != "Stale").then(|| listable(version.resources)),
        });
        (self.metadata.name, versions.collect())
    }
}

fn listable(resources: Vec<WireResource>) -> Vec<String> {
    let listed = resources
        .into_iter()
        .filter(|resource| resource.verbs.iter().any(|verb| verb == "list"));
    listed
        .map(|resource| resource.resource)
        .filter(|name| !name.contains('/'))
        .collect()
}

async fn answer<T: DeserializeOwned>(
    client: &Client,
    path: &str,
    accept: &'static str,
) -> Result<T, HttpError> {
    let bytes = client.whole(path, accept).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let detail = format!("{path}: {error}; is this a Kubernetes API server?");
        SourceError::new(ErrorKind::Malformed, &detail).into()
    })
}
