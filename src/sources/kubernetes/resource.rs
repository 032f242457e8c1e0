//! Which resources of a Kubernetes API are read, and how?
//!
//! The one table of them. `feed` lists and watches what stands here, `object` knows what to keep of
//! each, `tell` what it means.

/// A resource that is read where it is installed and may be read.
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
