//! Which lists are read of what a server serves, and what is each called?
//!
//! Joins the table of resources, the settings and what discovery told. Called by
//! [`super::Kubernetes`]; pure.

use url::form_urlencoded::byte_serialize;

use super::discovery::{Served, Version};
use super::resource::{Home, Representation, Resource, Row, TABLE};
use super::store::Scope;
use crate::config::delivery::KubernetesSettings;
use crate::domain::delivery::{Part, PartState};
use crate::domain::nearest::nearest;
use crate::domain::text::Untrusted;

/// One list, and the watch that follows it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) scope: Scope,
    /// `deployments`, `secrets (Helm) in payments`
    pub(super) label: String,
    /// Without the query. Several where it is not known which is served: the best first.
    pub(super) paths: Vec<String>,
    pub(super) row: Row,
    /// What a refusal may mean besides, and what to do about it.
    pub(super) advice: &'static str,
}

/// What is read, and what is not and why.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) targets: Vec<Target>,
    pub(super) others: Vec<Part>,
    /// What the server cannot say anything about right now: what is known of it stays.
    pub(super) unknown: Vec<Resource>,
}

/// Where a row is served.
enum Found<'a> {
    /// By its version, and the plural name.
    At(&'a str, Vec<&'a str>),
    Nowhere,
    /// In other versions than those that we can read.
    Otherwise(String),
    /// The server cannot say right now.
    Unknown,
}

pub(super) fn plan(served: &Served, settings: &KubernetesSettings) -> Plan {
    let mut plan = Plan::default();
    plan.others.extend(unknown_kinds(&settings.kinds));
    let wanted =
        |row: &&Row| settings.kinds.is_empty() || settings.kinds.iter().any(|k| k == kind(row));
    for row in TABLE.iter().filter(wanted) {
        match served {
            Served::Groups(groups) => {
                let versions = groups.get(row.group).map_or(&[][..], Vec::as_slice);
                match find(row, versions) {
                    Found::At(version, plurals) => {
                        for plural in plurals {
                            plan.add(row, &[version], plural, settings, Discovery::Told);
                        }
                    }
                    Found::Nowhere => plan.leave(row, PartState::Absent),
                    Found::Otherwise(why) => {
                        plan.leave(row, PartState::Failed(Untrusted::line(&why)));
                    }
                    Found::Unknown => {
                        plan.unknown.push(row.resource);
                        let why = "the server does not know right now what there is (stale)";
                        plan.leave(row, PartState::Failed(Untrusted::line(why)));
                    }
                }
            }
            Served::Hidden(words) if row.plural.is_empty() => {
                let why = format!("what there is may not be asked for: {}", words.raw());
                plan.leave(row, PartState::NotPermitted(Untrusted::line(&why)));
            }
            Served::Hidden(_) => {
                plan.add(row, row.versions, row.plural, settings, Discovery::Hidden);
            }
        }
    }
    plan
}

/// Whether the server told what there is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Discovery {
    Told,
    Hidden,
}

impl Plan {
    fn add(
        &mut self,
        row: &Row,
        versions: &[&str],
        plural: &str,
        settings: &KubernetesSettings,
        discovery: Discovery,
    ) {
        let is_limited = row.home == Home::Namespace && !settings.namespaces.is_empty();
        let namespaces: Vec<Option<&String>> = if is_limited {
            settings.namespaces.iter().map(Some).collect()
        } else {
            vec![None]
        };
        for namespace in namespaces {
            let whole_cluster = row.home == Home::Namespace && namespace.is_none();
            let advice = match (whole_cluster, discovery) {
                (true, Discovery::Told) => {
                    "; if some namespaces may be read, set `namespaces` of this source to them"
                }
                (true, Discovery::Hidden) => {
                    "; it may also not be installed; if some namespaces may be read, set \
                     `namespaces` of this source to them"
                }
                (false, Discovery::Told) => "",
                (false, Discovery::Hidden) => "; it may also not be installed",
            };
            let namespace = namespace.cloned();
            self.targets.push(Target {
                label: label(row, plural, namespace.as_deref()),
                paths: versions
                    .iter()
                    .map(|version| path(row.group, version, namespace.as_deref(), plural))
                    .collect(),
                scope: Scope {
                    resource: row.resource,
                    plural: plural.to_owned(),
                    namespace,
                },
                row: *row,
                advice,
            });
        }
    }

    fn leave(&mut self, row: &Row, state: PartState) {
        let label = label(row, row.plural, None);
        self.others.push(Part {
            what: Untrusted::line(&label),
            state,
        });
    }
}

impl Target {
    /// Of a page of its list.
    pub(super) fn page(&self, path: &str, limit: Option<u32>, token: Option<&str>) -> String {
        let mut query = Vec::new();
        query.extend(limit.map(|limit| format!("limit={limit}")));
        query.extend(token.map(|token| format!("continue={}", encoded(token))));
        self.with_selector(path, query)
    }

    /// Of a watch from a version on.
    pub(super) fn watch(&self, path: &str, resource_version: &str, timeout_secs: u64) -> String {
        let query = vec![
            "watch=1".to_owned(),
            format!("resourceVersion={}", encoded(resource_version)),
            "allowWatchBookmarks=true".to_owned(),
            format!("timeoutSeconds={timeout_secs}"),
        ];
        self.with_selector(path, query)
    }

    fn with_selector(&self, path: &str, mut query: Vec<String>) -> String {
        if !self.row.selector.is_empty() {
            query.push(self.row.selector.to_owned());
        }
        if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{}", query.join("&"))
        }
    }

    pub(super) fn accepts_list(&self) -> &'static str {
        match self.row.representation {
            Representation::Whole => "application/json",
            Representation::Metadata => {
                "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
            }
        }
    }

    pub(super) fn accepts_watch(&self) -> &'static str {
        match self.row.representation {
            Representation::Whole => "application/json",
            Representation::Metadata => {
                "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
            }
        }
    }
}

fn find<'a>(row: &Row, versions: &'a [Version]) -> Found<'a> {
    let holds = |name: &String| row.plural.is_empty() || name == row.plural;
    for readable in row.versions {
        let Some(version) = versions.iter().find(|version| version.name == *readable) else {
            continue;
        };
        match &version.plurals {
            Some(plurals) => {
                let found: Vec<&str> = plurals
                    .iter()
                    .filter(|name| holds(name))
                    .map(String::as_str)
                    .collect();
                if !found.is_empty() {
                    return Found::At(&version.name, found);
                }
            }
            None if row.plural.is_empty() => return Found::Unknown,
            // It is tried: its own server says whether it is there.
            None => return Found::At(&version.name, vec![row.plural]),
        }
    }
    let others: Vec<&str> = versions
        .iter()
        .filter(|version| version.plurals.iter().flatten().any(holds))
        .map(|version| version.name.as_str())
        .collect();
    if others.is_empty() {
        return Found::Nowhere;
    }
    let (others, ours) = (others.join(", "), row.versions.join(", "));
    Found::Otherwise(format!("served as {others}; quell reads {ours}"))
}

/// Of a namespace itself.
pub(super) fn namespace_path(name: &str) -> String {
    format!("/api/v1/namespaces/{}", encoded(name))
}

fn path(group: &str, version: &str, namespace: Option<&str>, plural: &str) -> String {
    let root = if group.is_empty() {
        format!("/api/{version}")
    } else {
        format!("/apis/{group}/{version}")
    };
    match namespace {
        Some(namespace) => format!("{root}/namespaces/{}/{plural}", encoded(namespace)),
        None => format!("{root}/{plural}"),
    }
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

/// As `kinds` of the config names a row.
fn kind(row: &Row) -> &'static str {
    if row.plural.is_empty() {
        row.group.split('.').next().unwrap_or_default()
    } else {
        row.plural
    }
}

/// A kind that nobody reads is no silence.
fn unknown_kinds(kinds: &[String]) -> impl Iterator<Item = Part> {
    let is_known = |word: &&String| TABLE.iter().any(|row| kind(row) == word.as_str());
    kinds
        .iter()
        .filter(move |word| !is_known(word))
        .map(|word| {
            let hint = match nearest(word, TABLE.iter().map(kind)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    let known: Vec<&str> = TABLE.iter().map(kind).collect();
                    format!("it reads {}", known.join(", "))
                }
            };
            let why = format!("quell does not read this kind: {hint}");
            Part {
                what: Untrusted::line(word),
                state: PartState::Failed(Untrusted::line(&why)),
            }
        })
}

fn label(row: &Row, plural: &str, namespace: Option<&str>) -> String {
    let namesakes = TABLE.iter().filter(|other| other.plural == row.plural);
    let what = match (row.resource, plural) {
        (Resource::HelmSecrets, _) => format!("{plural} (Helm)"),
        (_, "") => row.group.to_owned(),
        _ if row.plural.is_empty() || namesakes.count() > 1 => {
            format!("{plural} ({})", row.group)
        }
        _ => plural.to_owned(),
    };
    match namespace {
        Some(namespace) => format!("{what} in {namespace}"),
        None => what,
    }
}
