//! Where are changes and drift read, once the config was checked?
//!
//! The settings of every source of them, and of what joins them. Part of [`super::settings`]; made by
//! `resolve`, read by whoever starts a source.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::settings::Endpoint;
use crate::domain::drift::Allowance;
use crate::domain::service::{MappingRule, Service, Services};
use crate::domain::source::{SourceKind, SourceName};

/// Where changes and drift are read, and how they are joined.
#[derive(Clone, Debug)]
pub struct DeliverySettings {
    /// In the order of the config.
    pub sources: Vec<DeliverySourceSettings>,
    /// Services that the config declares.
    pub services: Vec<Service>,
    /// Which labels belong to which service, the first rule that holds.
    pub mapping: Vec<MappingRule>,
    /// Which drift is allowed, and until when.
    pub allowances: Vec<Allowance>,
    /// How long changes and drift are remembered.
    pub keep: Duration,
}

/// How long changes and drift are remembered, unless the config says otherwise.
pub const DEFAULT_KEEP: Duration = Duration::from_hours(90 * 24);

/// The kinds that quell reads of a Kubernetes API server, by the plural names of their resources.
pub const KUBERNETES_KINDS: [&str; 20] = [
    "deployments",
    "statefulsets",
    "daemonsets",
    "replicasets",
    "controllerrevisions",
    "pods",
    "nodes",
    "events",
    "horizontalpodautoscalers",
    "poddisruptionbudgets",
    "resourcequotas",
    "secrets",
    "applications",
    "rollouts",
    "analysisruns",
    "kustomizations",
    "helmreleases",
    "policyreports",
    "reports",
    "constraints",
];

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            sources: Vec::new(),
            services: Vec::new(),
            mapping: Vec::new(),
            allowances: Vec::new(),
            keep: DEFAULT_KEEP,
        }
    }
}

/// One source of changes or drift.
#[derive(Clone, Debug)]
pub struct DeliverySourceSettings {
    /// `prod-eu-1`
    pub name: SourceName,
    /// Where what it tells of is.
    pub place: DeclaredPlace,
    /// Time between two polls.
    pub period: Duration,
    /// How to ask it.
    pub access: DeliveryAccess,
}

/// Where everything that a source tells of is, as far as the config says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeclaredPlace {
    /// The environment.
    pub env: Option<String>,
    /// The value that the label `cluster` has in alerts. None: a source of one cluster is taken for one
    /// of its own name, which proves nothing where an alert names another.
    pub cluster: Option<String>,
    /// The value that the label `region` has in alerts.
    pub region: Option<String>,
    /// The service, for a source that tells of one alone.
    pub service: Option<String>,
}

/// How to ask a source of changes or drift.
#[derive(Clone, Debug)]
pub enum DeliveryAccess {
    /// A Kubernetes API server.
    Kubernetes(KubernetesSettings),
    /// Argo CD's own API.
    Argocd(ArgocdSettings),
    /// GitHub's REST API.
    Github(CodeHostSettings),
    /// GitLab's REST API.
    Gitlab(CodeHostSettings),
    /// Grafana's annotations.
    Grafana(GrafanaSettings),
    /// A folder into which changes are pushed.
    Spool(PathBuf),
    /// Plans of Terraform or OpenTofu.
    Terraform(TerraformSettings),
    /// Files or folders of Backstage's `catalog-info.yaml`.
    Catalogue(PathBuf),
}

/// A Kubernetes API server.
#[derive(Clone, Debug)]
pub struct KubernetesSettings {
    /// Who we are there.
    pub login: KubernetesLogin,
    /// Only these namespaces; none means all.
    pub namespaces: Vec<String>,
    /// Only these kinds, by the plural names of their resources (`deployments`, `applications`); none
    /// means all that quell knows.
    pub kinds: Vec<String>,
    /// For one request; a watch may last longer.
    pub timeout: Duration,
    /// Objects in one page of a list.
    pub page_size: u32,
}

/// Who we are at a Kubernetes API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KubernetesLogin {
    /// By a kubeconfig.
    Kubeconfig {
        /// None: `KUBECONFIG`, else `~/.kube/config`.
        path: Option<PathBuf>,
        /// None: its current one.
        context: Option<String>,
    },
    /// As the service account of the pod that quell runs in.
    InCluster,
    /// As nobody, at this address: the simulated platform's API.
    Nobody(Url),
}

/// Argo CD's own API.
#[derive(Clone, Debug)]
pub struct ArgocdSettings {
    /// Where it is. Its token is the bearer.
    pub endpoint: Endpoint,
    /// Only applications of these projects; none means all.
    pub projects: Vec<String>,
    /// Only applications with these labels (a label selector).
    pub selector: Option<String>,
}

/// A host of code that tells of deployments.
#[derive(Clone, Debug)]
pub struct CodeHostSettings {
    /// Where its API is. Its token is the bearer.
    pub endpoint: Endpoint,
    /// Repositories (`owner/name`) or projects (`group/name`, or a number).
    pub projects: Vec<String>,
    /// Only these environments; none means all.
    pub environments: Vec<String>,
}

/// Grafana's annotations.
#[derive(Clone, Debug)]
pub struct GrafanaSettings {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Only annotations with all of these tags.
    pub tags: Vec<String>,
}

/// Plans of Terraform or OpenTofu.
#[derive(Clone, Debug)]
pub struct TerraformSettings {
    /// A plan as JSON (`show -json`), a stream (`plan -json`), or a folder of them.
    pub path: PathBuf,
    /// How often a plan is made.
    pub cadence: Option<Duration>,
    /// Where plans without a sidecar come from.
    pub provenance: Provenance,
}

/// Where a plan comes from: it does not say so itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The command that made it.
    pub command: Option<String>,
    /// The workspace.
    pub workspace: Option<String>,
    /// The commit of the configuration.
    pub commit: Option<String>,
}

impl DeliverySettings {
    /// What the config declares of services.
    #[must_use]
    pub fn services(&self) -> Services {
        Services::new(self.services.clone(), self.mapping.clone())
    }

    /// Allowances that allow nothing any more at `now`.
    pub fn expired(&self, now: chrono::DateTime<chrono::Utc>) -> impl Iterator<Item = &Allowance> {
        self.allowances.iter().filter(move |rule| rule.until <= now)
    }
}

impl DeliverySourceSettings {
    /// What answers.
    #[must_use]
    pub fn kind(&self) -> SourceKind {
        match &self.access {
            DeliveryAccess::Kubernetes(_) => SourceKind::Kubernetes,
            DeliveryAccess::Argocd(_) => SourceKind::Argocd,
            DeliveryAccess::Github(_) => SourceKind::Github,
            DeliveryAccess::Gitlab(_) => SourceKind::Gitlab,
            DeliveryAccess::Grafana(_) => SourceKind::Grafana,
            DeliveryAccess::Spool(_) => SourceKind::Spool,
            DeliveryAccess::Terraform(_) => SourceKind::Terraform,
            DeliveryAccess::Catalogue(_) => SourceKind::Services,
        }
    }

    /// How to reach it, for those that speak HTTP by the config's own settings.
    #[must_use]
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match &self.access {
            DeliveryAccess::Argocd(settings) => Some(&settings.endpoint),
            DeliveryAccess::Github(settings) | DeliveryAccess::Gitlab(settings) => {
                Some(&settings.endpoint)
            }
            DeliveryAccess::Grafana(settings) => Some(&settings.endpoint),
            DeliveryAccess::Kubernetes(_)
            | DeliveryAccess::Spool(_)
            | DeliveryAccess::Terraform(_)
            | DeliveryAccess::Catalogue(_) => None,
        }
    }

    /// Where: a URL without credentials, a path, or a context.
    #[must_use]
    pub fn address(&self) -> String {
        match &self.access {
            DeliveryAccess::Kubernetes(settings) => match &settings.login {
                KubernetesLogin::InCluster => "in-cluster".to_owned(),
                KubernetesLogin::Nobody(url) => url.to_string(),
                KubernetesLogin::Kubeconfig { path, context } => {
                    let context = context.as_deref().unwrap_or("current context");
                    let path = path.as_ref().map(|path| format!(" of {}", path.display()));
                    format!("{context}{}", path.unwrap_or_default())
                }
            },
            DeliveryAccess::Argocd(settings) => settings.endpoint.url.to_string(),
            DeliveryAccess::Github(settings) | DeliveryAccess::Gitlab(settings) => {
                settings.endpoint.url.to_string()
            }
            DeliveryAccess::Grafana(settings) => settings.endpoint.url.to_string(),
            DeliveryAccess::Spool(path) | DeliveryAccess::Catalogue(path) => {
                path.display().to_string()
            }
            DeliveryAccess::Terraform(settings) => settings.path.display().to_string(),
        }
    }
}
