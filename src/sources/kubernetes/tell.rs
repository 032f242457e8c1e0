//! What do the objects of a cluster mean: changes, drift, trouble?
//!
//! [`tell`] looks at each object once and leaves it to the module of its kind. Called by
//! [`super::Kubernetes`] whenever the store has changed. It asks nobody, reads no clock, and drops
//! nothing without a limit that names it.

mod argocd;
mod argocd_drift;
mod autoscaler;
mod flux;
mod helm;
mod helm_release;
mod image;
mod pods;
mod policy;
mod quantity;
mod rollout;
mod scene;
mod standing;
#[cfg(test)]
mod tests;
mod trouble;
mod verdict;

use chrono::{DateTime, Utc};

use self::scene::Scene;
use super::object::Body;
use super::store::Store;
use crate::config::delivery::DeclaredPlace;
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::source::SourceName;
use crate::domain::text::Untrusted;

/// Where the objects are from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cluster<'a> {
    pub(super) source: &'a SourceName,
    pub(super) place: &'a DeclaredPlace,
}

/// Changes, drift, trouble, and each object that could not be read as a limit. Its parts are told by
/// whoever read them.
pub(super) fn tell(store: &Store, cluster: Cluster<'_>, now: DateTime<Utc>) -> DeliveryAnswer {
    let scene = Scene::new(store, cluster, now);
    let mut answer = DeliveryAnswer::default();
    for (key, why) in &store.unreadable {
        let name = scene::name_of(key.namespace.as_deref(), &key.name);
        let limit = format!("{} {name}: could not be read: {why}", key.plural);
        answer.limits.push(Untrusted::line(&limit));
    }
    for (key, object) in &store.objects {
        match &object.body {
            Body::Workload(workload) => {
                rollout::tell(&scene, key.resource, object, workload, &mut answer);
            }
            Body::Revision(revision) => standing::check(key, revision, &mut answer),
            Body::Application(app) => {
                argocd::tell(&scene, object, app, &mut answer);
                argocd_drift::tell(&scene, object, app, &mut answer);
            }
            Body::Kustomization(body) => flux::tell(&scene, object, body, &mut answer),
            Body::HelmRelease(body) => helm_release::tell(&scene, object, body, &mut answer),
            Body::HelmSecret => helm::tell(&scene, object, &mut answer),
            Body::Pod(pod) => pods::tell(&scene, object, pod, &mut answer),
            Body::Node(node) => trouble::node(&scene, object, node, &mut answer),
            Body::Autoscaler(hpa) => autoscaler::tell(&scene, object, hpa, &mut answer),
            Body::Budget(budget) => trouble::budget(&scene, object, budget, &mut answer),
            Body::Quota(quota) => trouble::quota(&scene, object, quota, &mut answer),
            Body::PolicyReport(report) => policy::report(&scene, object, report, &mut answer),
            Body::Constraint(constraint) => {
                policy::constraint(&scene, object, constraint, &mut answer);
            }
            // Told with the rollout that it judges, and all together.
            Body::AnalysisRun(_) | Body::Event(_) => {}
        }
    }
    trouble::events(&scene, &mut answer);
    answer
}
