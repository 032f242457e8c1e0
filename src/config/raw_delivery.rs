//! What may a config file say of changes and drift, and what did this one say?
//!
//! The part of `raw` that [`super::delivery`] is made from: its [`Shape`]s, and the tables as written.

use std::path::PathBuf;

use super::finding::{Spot, Written};
use super::raw::{RawSource, Shape, Text, Texts};

/// A Kubernetes API server.
pub(super) const KUBERNETES: Shape = Shape {
    title: "[[kubernetes]]",
    keys: &[
        "name",
        "env",
        "kubeconfig",
        "context",
        "in_cluster",
        "cluster",
        "region",
        "namespaces",
        "kinds",
        "period",
        "timeout",
        "page_size",
    ],
};

/// Argo CD's own API.
pub(super) const ARGOCD: Shape = Shape {
    title: "[[argocd]]",
    keys: &[
        "name",
        "url",
        "env",
        "cluster",
        "region",
        "projects",
        "selector",
        "period",
        "timeout",
        "max_response_mib",
        "basic",
        "bearer",
        "headers",
        "ca_file",
        "cert_file",
        "key_file",
        "proxy",
    ],
};

/// GitHub's deployments.
pub(super) const GITHUB: Shape = Shape {
    title: "[[github]]",
    keys: &[
        "name",
        "url",
        "env",
        "service",
        "repos",
        "environments",
        "period",
        "timeout",
        "max_response_mib",
        "basic",
        "bearer",
        "headers",
        "ca_file",
        "cert_file",
        "key_file",
        "proxy",
    ],
};

/// GitLab's deployments.
pub(super) const GITLAB: Shape = Shape {
    title: "[[gitlab]]",
    keys: &[
        "name",
        "url",
        "env",
        "service",
        "projects",
        "environments",
        "period",
        "timeout",
        "max_response_mib",
        "basic",
        "bearer",
        "headers",
        "ca_file",
        "cert_file",
        "key_file",
        "proxy",
    ],
};

/// Grafana's annotations.
pub(super) const GRAFANA: Shape = Shape {
    title: "[[grafana]]",
    keys: &[
        "name",
        "url",
        "env",
        "service",
        "tags",
        "period",
        "timeout",
        "max_response_mib",
        "basic",
        "bearer",
        "headers",
        "ca_file",
        "cert_file",
        "key_file",
        "proxy",
    ],
};

/// A folder into which changes are pushed.
pub(super) const CHANGES: Shape = Shape {
    title: "[[changes]]",
    keys: &[
        "name", "path", "env", "cluster", "region", "service", "period",
    ],
};

/// Plans of Terraform or OpenTofu.
pub(super) const TERRAFORM: Shape = Shape {
    title: "[[terraform]]",
    keys: &[
        "name",
        "path",
        "cadence",
        "env",
        "cluster",
        "region",
        "service",
        "workspace",
        "commit",
        "command",
        "period",
    ],
};

/// Drift that is known and allowed for a while.
pub(super) const ALLOW_DRIFT: Shape = Shape {
    title: "[[allow_drift]]",
    keys: &["address", "path", "reason", "until"],
};

/// Where services are declared.
pub(super) const SERVICES: Shape = Shape {
    title: "[services]",
    keys: &["catalog"],
};

/// One service.
pub(super) const SERVICE: Shape = Shape {
    title: "[[service]]",
    keys: &["name", "match", "depends_on", "owner", "system", "platform"],
};

/// What is remembered.
pub(super) const HISTORY: Shape = Shape {
    title: "[history]",
    keys: &["keep"],
};

/// Everything about changes and drift.
#[derive(Default)]
pub(super) struct RawDelivery {
    /// Of all kinds.
    pub(super) sources: Vec<RawDeliverySource>,
    /// `catalog` of `[services]`
    pub(super) catalogues: Vec<Written<PathBuf>>,
    pub(super) services: Vec<RawService>,
    pub(super) allowances: Vec<RawAllowance>,
    /// `keep` of `[history]`
    pub(super) keep: Option<Text>,
}

/// One source of changes or drift.
pub(super) struct RawDeliverySource {
    /// One without HTTP has nothing in its endpoint, but for a timeout.
    pub(super) source: RawSource,
    pub(super) cluster: Option<Text>,
    pub(super) region: Option<Text>,
    pub(super) service: Option<Text>,
    pub(super) access: RawAccess,
}

/// What is asked, and what only this kind has.
pub(super) enum RawAccess {
    Kubernetes(RawKubernetes),
    Argocd {
        projects: Option<Texts>,
        selector: Option<Text>,
    },
    Github(RawCodeHost),
    Gitlab(RawCodeHost),
    Grafana {
        tags: Option<Texts>,
    },
    /// Not a string: a flag's path need not be UTF-8.
    Changes(Option<Written<PathBuf>>),
    Terraform(RawTerraform),
}

/// `[[kubernetes]]`
#[derive(Default)]
pub(super) struct RawKubernetes {
    pub(super) kubeconfig: Option<Written<PathBuf>>,
    pub(super) context: Option<Text>,
    pub(super) in_cluster: Option<Written<bool>>,
    pub(super) namespaces: Option<Texts>,
    pub(super) kinds: Option<Texts>,
    pub(super) page_size: Option<Written<u64>>,
}

/// `[[github]]`, `[[gitlab]]`
pub(super) struct RawCodeHost {
    /// `repos` or `projects`
    pub(super) projects: Option<Texts>,
    pub(super) environments: Option<Texts>,
}

/// `[[terraform]]`
#[derive(Default)]
pub(super) struct RawTerraform {
    pub(super) path: Option<Written<PathBuf>>,
    pub(super) cadence: Option<Text>,
    pub(super) workspace: Option<Text>,
    pub(super) commit: Option<Text>,
    pub(super) command: Option<Text>,
}

/// `[[allow_drift]]`
pub(super) struct RawAllowance {
    /// The table's header.
    pub(super) header: Spot,
    pub(super) address: Option<Text>,
    pub(super) path: Option<Text>,
    pub(super) reason: Option<Text>,
    pub(super) until: Option<Text>,
}

/// `[[service]]`
pub(super) struct RawService {
    /// The table's header.
    pub(super) header: Spot,
    pub(super) name: Option<Text>,
    pub(super) matchers: Option<Text>,
    pub(super) depends_on: Option<Texts>,
    pub(super) owner: Option<Text>,
    pub(super) system: Option<Text>,
    pub(super) platform: Option<Written<bool>>,
}

impl RawAccess {
    /// The table it is written in.
    pub(super) fn title(&self) -> &'static str {
        let shape = match self {
            Self::Kubernetes(_) => KUBERNETES,
            Self::Argocd { .. } => ARGOCD,
            Self::Github(_) => GITHUB,
            Self::Gitlab(_) => GITLAB,
            Self::Grafana { .. } => GRAFANA,
            Self::Changes(_) => CHANGES,
            Self::Terraform(_) => TERRAFORM,
        };
        shape.title
    }
}
