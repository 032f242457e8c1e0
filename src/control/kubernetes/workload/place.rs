//! Which object of a cluster is meant, and where does it stand?
//!
//! From the words of a request or a pinned target to a path. Names that are none are refused, so that no
//! name can lead to another path.

use crate::control::NoPlan;
use crate::control::kubernetes::Access;
use crate::domain::text::shown;

/// What these actions are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Deployment,
    StatefulSet,
    DaemonSet,
    CronJob,
    Autoscaler,
    Quota,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Deployment,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::CronJob,
        Self::Autoscaler,
        Self::Quota,
    ];

    /// `deployment`
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::StatefulSet => "statefulset",
            Self::DaemonSet => "daemonset",
            Self::CronJob => "cronjob",
            Self::Autoscaler => "horizontalpodautoscaler",
            Self::Quota => "resourcequota",
        }
    }

    /// As a `scaleTargetRef` writes it.
    pub(super) fn proper(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::CronJob => "CronJob",
            Self::Autoscaler => "HorizontalPodAutoscaler",
            Self::Quota => "ResourceQuota",
        }
    }

    fn short(self) -> &'static str {
        match self {
            Self::Deployment => "deploy",
            Self::StatefulSet => "sts",
            Self::DaemonSet => "ds",
            Self::CronJob => "cj",
            Self::Autoscaler => "hpa",
            Self::Quota => "quota",
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
            Self::CronJob => "cronjobs",
            Self::Autoscaler => "horizontalpodautoscalers",
            Self::Quota => "resourcequotas",
        }
    }

    fn group(self) -> &'static str {
        match self {
            Self::Deployment | Self::StatefulSet | Self::DaemonSet => "apps",
            Self::CronJob => "batch",
            Self::Autoscaler => "autoscaling",
            Self::Quota => "",
        }
    }

    fn base(self) -> &'static str {
        match self {
            Self::Deployment | Self::StatefulSet | Self::DaemonSet => "/apis/apps/v1",
            Self::CronJob => "/apis/batch/v1",
            Self::Autoscaler => "/apis/autoscaling/v2",
            Self::Quota => "/api/v1",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        let mut all = Self::ALL.into_iter();
        all.find(|kind| [kind.word(), kind.short(), kind.plural()].contains(&&*word))
    }
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) kind: Kind,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Place {
    /// Reads `NAMESPACE/KIND/NAME`.
    ///
    /// # Errors
    /// It is none of the kinds that these actions know, or no name.
    pub(super) fn parse(text: &str) -> Result<Self, NoPlan> {
        let parts: Vec<&str> = text.split('/').collect();
        let [namespace, kind, name] = *parts else {
            let text = shown(text);
            return Err(NoPlan::new(format!("`{text}` is not NAMESPACE/KIND/NAME")));
        };
        let Some(kind) = Kind::parse(kind) else {
            let kind = shown(kind);
            let why = format!("`{kind}` is none of deployment, statefulset, daemonset");
            return Err(NoPlan::new(why));
        };
        Self::new(kind, namespace, name)
    }

    /// Reads `NAMESPACE/NAME`, of a known kind.
    pub(super) fn of_kind(kind: Kind, text: &str) -> Result<Self, NoPlan> {
        match text.split_once('/') {
            Some((namespace, name)) => Self::new(kind, namespace, name),
            None => Err(NoPlan::new(format!(
                "`{}` is not NAMESPACE/NAME",
                shown(text)
            ))),
        }
    }

    fn new(kind: Kind, namespace: &str, name: &str) -> Result<Self, NoPlan> {
        for part in [namespace, name] {
            let is_part =
                |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
            let is_name = part.bytes().all(is_part) && part.len() <= 253;
            if !is_name || part.is_empty() || part.starts_with(['.', '-']) {
                let why = format!("`{}` is not a name of Kubernetes", shown(part));
                return Err(NoPlan::new(why));
            }
        }
        Ok(Self {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    /// `payments/deployment/payments-api`
    pub(super) fn words(&self) -> String {
        format!("{}/{}/{}", self.namespace, self.kind.word(), self.name)
    }

    /// Where it stands.
    pub(super) fn path(&self) -> String {
        let (base, plural) = (self.kind.base(), self.kind.plural());
        format!(
            "{base}/namespaces/{}/{plural}/{}",
            self.namespace, self.name
        )
    }

    /// The right to patch it.
    pub(super) fn patch(&self) -> Access {
        Access::to("patch", self.kind.group(), self.kind.plural())
            .within(&self.namespace)
            .named(&self.name)
    }
}
