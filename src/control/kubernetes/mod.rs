//! How is a cluster changed, and by what does one see that it was?
//!
//! One file for each family of actions. Each is a pure planner over objects that were fetched, and a few
//! reads around it. [`cluster`] alone speaks to the servers.

mod access;
mod answers;
pub(crate) mod argocd;
mod argocd_operation;
mod budget;
mod cluster;
mod draft;
pub(crate) mod drain;
mod finish;
pub(crate) mod flux;
pub(crate) mod lease;
pub(crate) mod node;
pub(crate) mod pod;
#[cfg(test)]
mod recorded;
pub(crate) mod rollouts;
mod room;
#[cfg(test)]
mod served_tests;
mod sync_window;
mod workload;

pub(crate) use access::Access;
pub(crate) use cluster::{Cluster, Clusters};
pub(super) use lease::{Asked, Held, RENEW_EVERY, acquire, holder_of, release, renew};

use super::NoPlan;
use crate::domain::action::ActionRequest;
use crate::domain::plan::{Plan, Seed, Target};

/// Whether an action is one of these families.
pub(super) fn plans(action: &str) -> bool {
    ["k8s.", "argocd.", "rollouts.", "flux."]
        .iter()
        .any(|family| action.starts_with(family))
}

/// Looks up what a request is about, and pins it.
pub(super) async fn resolve(
    clusters: &Clusters,
    request: &ActionRequest,
) -> Result<Vec<Target>, NoPlan> {
    match &*request.action {
        action if workload::is_ours(action) => workload::resolve(clusters, request).await,
        "k8s.node.cordon" | "k8s.node.uncordon" => {
            node::resolve(clusters.pick(request)?, request).await
        }
        "k8s.node.drain" => drain::resolve(clusters.pick(request)?, request).await,
        "k8s.pod.delete" | "k8s.pod.evict" => pod::resolve(clusters.pick(request)?, request).await,
        action if action.starts_with("argocd.") => {
            argocd::resolve(clusters.pick(request)?, request).await
        }
        action if action.starts_with("rollouts.") => {
            rollouts::resolve(clusters.pick(request)?, request).await
        }
        action if action.starts_with("flux.") => {
            flux::resolve(clusters.pick(request)?, request).await
        }
        _ => Err(unknown(request)),
    }
}

/// Makes the plan for pinned targets.
///
/// `made_at` is the time of the seed and `server_ahead_secs` is none: the caller, who has the clock, puts in
/// the time and what [`Cluster::ahead_secs`] says.
pub(super) async fn plan(
    clusters: &Clusters,
    request: &ActionRequest,
    seed: &Seed,
    targets: &[Target],
) -> Result<Plan, NoPlan> {
    match &*request.action {
        action if workload::is_ours(action) => {
            workload::plan(clusters, request, seed, targets).await
        }
        "k8s.node.cordon" | "k8s.node.uncordon" => {
            node::plan(clusters.pick(request)?, request, seed, targets).await
        }
        "k8s.node.drain" => drain::plan(clusters.pick(request)?, request, seed, targets).await,
        "k8s.pod.delete" | "k8s.pod.evict" => {
            pod::plan(clusters.pick(request)?, request, seed, targets).await
        }
        action if action.starts_with("argocd.") => {
            argocd::plan(clusters.pick(request)?, request, seed, targets).await
        }
        action if action.starts_with("rollouts.") => {
            rollouts::plan(clusters.pick(request)?, request, seed, targets).await
        }
        action if action.starts_with("flux.") => {
            flux::plan(clusters.pick(request)?, request, seed, targets).await
        }
        _ => Err(unknown(request)),
    }
}

fn unknown(request: &ActionRequest) -> NoPlan {
    NoPlan::new(format!("nothing here plans `{}`", request.action))
}
