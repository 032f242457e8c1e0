//! What is a source, and what can go wrong with it?
//!
//! Names, kinds and failures of everything quell reads. An error is classified by what the
//! operator can do about it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::text::Untrusted;

/// The name of a source as the config or the flags give it: `am-1`, `prom-1`, `runbooks`.
pub type SourceName = Arc<str>;

/// What answers behind a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// An Alertmanager v2 API, or one that speaks it.
    Alertmanager,
    /// A Prometheus HTTP API, or one that speaks it.
    Prometheus,
    /// The SLOs that a Prometheus measures.
    Slos,
    /// A Kubernetes API server, and whatever is installed there.
    Kubernetes,
    /// Argo CD's own API.
    Argocd,
    /// GitHub's deployments.
    Github,
    /// GitLab's deployments.
    Gitlab,
    /// Grafana's annotations.
    Grafana,
    /// A folder into which changes are pushed.
    Spool,
    /// Plans of Terraform or OpenTofu.
    Terraform,
    /// A catalogue of services.
    Services,
    /// A folder or git repository of runbooks.
    Runbooks,
}

impl SourceKind {
    /// The word in JSON and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::Prometheus => "prometheus",
            Self::Slos => "slos",
            Self::Kubernetes => "kubernetes",
            Self::Argocd => "argocd",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Grafana => "grafana",
            Self::Spool => "spool",
            Self::Terraform => "terraform",
            Self::Services => "services",
            Self::Runbooks => "runbooks",
        }
    }
}

/// Why a source gave no answer, by what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// No connection: the address, the network, or the process.
    Unreachable,
    /// Connected, but no complete answer in time.
    TimedOut,
    /// 401 or 403: the credentials or their permissions.
    Unauthorized,
    /// The certificate or the TLS handshake.
    Tls,
    /// 429 or 503: it is there but overloaded.
    Busy,
    /// Any other refusal: a wrong path, a wrong parameter, a server error.
    Refused,
    /// It answered, but not with what this API answers.
    Malformed,
    /// The answer is larger than the cap in the config.
    TooLarge,
    /// A file, a folder or a program on this machine.
    Local,
}

impl ErrorKind {
    /// What to try next, in a few words.
    #[must_use]
    pub fn next_step(self) -> &'static str {
        match self {
            Self::Unreachable => "check the URL, the network and that it runs",
            Self::TimedOut => "it is slow or hangs: raise `timeout`, or ask for less with `filter`",
            Self::Unauthorized => "check the credentials and what they may read",
            Self::Tls => "check the certificate, its name and `ca_file`",
            Self::Busy => "it is overloaded: quell backs off and tries again",
            Self::Refused => "check the URL and its path prefix",
            Self::Malformed => "check that the URL is this kind of server, not a proxy's page",
            Self::TooLarge => "ask for less with `filter`, or raise `max_response_mib`",
            Self::Local => "check the path and its permissions",
        }
    }

    /// The same for one kind of source: what helps against an Alertmanager misleads elsewhere.
    #[must_use]
    pub fn next_step_of(self, kind: SourceKind) -> &'static str {
        match (kind, self) {
            (SourceKind::Kubernetes, Self::Unreachable) => {
                "check the context's server, the network or VPN: kubectl get --raw /readyz"
            }
            (SourceKind::Kubernetes, Self::TimedOut) => {
                "it is slow or hangs: raise `timeout`, or ask for less with `namespaces` or `kinds`"
            }
            (SourceKind::Kubernetes, Self::Unauthorized) => {
                "log in again, as kubectl would; then: kubectl auth can-i --list"
            }
            (SourceKind::Kubernetes, Self::Tls) => {
                "check the certificates of the kubeconfig's cluster and user: they may have run out"
            }
            (SourceKind::Kubernetes, Self::Refused | Self::Malformed) => {
                "check that the context's server is the API server itself: kubectl version"
            }
            (SourceKind::Kubernetes, Self::TooLarge) => {
                "ask for less with `namespaces` or `kinds`, or in smaller pages with `page_size`"
            }
            (SourceKind::Kubernetes, Self::Local) => {
                "check the kubeconfig, its context and its login program: kubectl config view"
            }
            (SourceKind::Argocd, Self::Unauthorized) => {
                "check that the token has not run out and may `get` applications"
            }
            (SourceKind::Github, Self::Unauthorized) => {
                "check that the token has not run out and may read deployments; GitHub also says so \
                when its hourly limit is used up"
            }
            (SourceKind::Gitlab, Self::Unauthorized) => {
                "check that the token has not run out and has the scope `read_api`"
            }
            (SourceKind::Grafana, Self::Unauthorized) => {
                "check that the service account may read annotations"
            }
            (SourceKind::Github | SourceKind::Gitlab, Self::Refused) => {
                "check the names of `repos` or `projects`: what a token may not see is not found"
            }
            (
                SourceKind::Argocd | SourceKind::Github | SourceKind::Gitlab | SourceKind::Grafana,
                Self::TimedOut,
            ) => "it is slow or hangs: raise `timeout`, or ask for fewer things",
            (
                SourceKind::Argocd | SourceKind::Github | SourceKind::Gitlab | SourceKind::Grafana,
                Self::TooLarge,
            ) => "ask for fewer things, or raise `max_response_mib`",
            (SourceKind::Spool | SourceKind::Terraform | SourceKind::Services, Self::TooLarge) => {
                "split the file, or move away what nobody needs any more"
            }
            (SourceKind::Spool | SourceKind::Terraform | SourceKind::Services, Self::Malformed) => {
                "look at the file: it is not what was expected there"
            }
            _ => self.next_step(),
        }
    }

    /// A few words for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed out",
            Self::Unauthorized => "not authorized",
            Self::Tls => "TLS failed",
            Self::Busy => "overloaded",
            Self::Refused => "refused",
            Self::Malformed => "malformed answer",
            Self::TooLarge => "answer too large",
            Self::Local => "not readable",
        }
    }
}

/// Why a source gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SourceError {
    /// What can be done about it.
    pub kind: ErrorKind,
    /// What happened, safe to show.
    pub detail: Untrusted,
    /// What a 429 or 503 asked for.
    pub retry_after: Option<Duration>,
}

impl SourceError {
    /// An error with its detail, which may hold foreign text.
    #[must_use]
    pub fn new(kind: ErrorKind, detail: &str) -> Self {
        Self {
            kind,
            detail: Untrusted::line(detail),
            retry_after: None,
        }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.kind.word(), self.detail)
    }
}
