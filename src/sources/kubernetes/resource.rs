//! Which resources of a Kubernetes API are read, and how?
//!
//! The one table of them. `feed` lists and watches what stands here, `object` knows what to keep of
//! each, `tell` what it means.

/// A resource that is read where it is installed and may be read.
#[allow(
    clippy::enum_variant_names,
    reason = "a resource quota is called so in Kubernetes"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Resource {
    Deployments,
    StatefulSets,
    DaemonSets,
    ReplicaSets,
    ControllerRevisions,
    Pods,
    Nodes,
    Events,
    HorizontalPodAutoscalers,
    PodDisruptionBudgets,
    ResourceQuotas,
    HelmSecrets,
    Applications,
    Rollouts,
    AnalysisRuns,
    Kustomizations,
    HelmReleases,
    PolicyReports,
    OpenPolicyReports,
    Constraints,
}

/// How a resource is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Representation {
    /// As it is.
    Whole,
    /// Its metadata alone (`PartialObjectMetadata`): the rest is nobody's business.
    Metadata,
}

/// Whether a resource lives in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    Namespace,
    Cluster,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) resource: Resource,
    /// Empty for the core group.
    pub(super) group: &'static str,
    /// Versions that `object` can read, the best first. The first that the server serves is asked for.
    pub(super) versions: &'static [&'static str],
    /// As in the path, and as the config names it. Empty: every resource of the group.
    pub(super) plural: &'static str,
    pub(super) home: Home,
    pub(super) representation: Representation,
    /// A selector that the server applies, ready for a query: `labelSelector=owner%3Dhelm`.
    pub(super) selector: &'static str,
}

/// Everything that is read. A resource may have several rows, each with a plural name of its own.
pub(super) const TABLE: &[Row] = &[
    apps(Resource::Deployments, "deployments"),
    apps(Resource::StatefulSets, "statefulsets"),
    apps(Resource::DaemonSets, "daemonsets"),
    apps(Resource::ReplicaSets, "replicasets"),
    apps(Resource::ControllerRevisions, "controllerrevisions"),
    namespaced(Resource::Pods, "", &["v1"], "pods"),
    Row {
        home: Home::Cluster,
        ..namespaced(Resource::Nodes, "", &["v1"], "nodes")
    },
    Row {
        selector: "fieldSelector=type%3DWarning",
        ..namespaced(Resource::Events, "", &["v1"], "events")
    },
    namespaced(
        Resource::HorizontalPodAutoscalers,
        "autoscaling",
        &["v2"],
        "horizontalpodautoscalers",
    ),
    namespaced(
        Resource::PodDisruptionBudgets,
        "policy",
        &["v1"],
        "poddisruptionbudgets",
    ),
    namespaced(Resource::ResourceQuotas, "", &["v1"], "resourcequotas"),
    Row {
        representation: Representation::Metadata,
        selector: "labelSelector=owner%3Dhelm",
        ..namespaced(Resource::HelmSecrets, "", &["v1"], "secrets")
    },
    namespaced(
        Resource::Applications,
        "argoproj.io",
        &["v1alpha1"],
        "applications",
    ),
    namespaced(Resource::Rollouts, "argoproj.io", &["v1alpha1"], "rollouts"),
    namespaced(
        Resource::AnalysisRuns,
        "argoproj.io",
        &["v1alpha1"],
        "analysisruns",
    ),
    namespaced(
        Resource::Kustomizations,
        "kustomize.toolkit.fluxcd.io",
        &["v1", "v1beta2"],
        "kustomizations",
    ),
    namespaced(
        Resource::HelmReleases,
        "helm.toolkit.fluxcd.io",
        &["v2", "v2beta2", "v2beta1"],
        "helmreleases",
    ),
    namespaced(
        Resource::PolicyReports,
        "wgpolicyk8s.io",
        &["v1alpha2", "v1beta1"],
        "policyreports",
    ),
    Row {
        home: Home::Cluster,
        ..namespaced(
            Resource::PolicyReports,
            "wgpolicyk8s.io",
            &["v1alpha2", "v1beta1"],
            "clusterpolicyreports",
        )
    },
    namespaced(
        Resource::OpenPolicyReports,
        "openreports.io",
        &["v1alpha1"],
        "reports",
    ),
    Row {
        home: Home::Cluster,
        ..namespaced(
            Resource::OpenPolicyReports,
            "openreports.io",
            &["v1alpha1"],
            "clusterreports",
        )
    },
    Row {
        home: Home::Cluster,
        ..namespaced(
            Resource::Constraints,
            "constraints.gatekeeper.sh",
            &["v1beta1"],
            "",
        )
    },
];

const fn apps(resource: Resource, plural: &'static str) -> Row {
    namespaced(resource, "apps", &["v1"], plural)
}

const fn namespaced(
    resource: Resource,
    group: &'static str,
    versions: &'static [&'static str],
    plural: &'static str,
) -> Row {
    Row {
        resource,
        group,
        versions,
        plural,
        home: Home::Namespace,
        representation: Representation::Whole,
        selector: "",
    }
}
