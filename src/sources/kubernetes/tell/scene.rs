//! How is what is told of a cluster named and placed?
//!
//! Subjects, names that are stable across polls, and the way from an object to what owns it. Called by
//! every module of `tell`.

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::Cluster;
use crate::domain::change::{ASSUMED_CLUSTER_LABEL, Subject};
use crate::domain::delivery::{DeliveryAnswer, Trouble, TroubleKind};
use crate::domain::label::Labels;
use crate::domain::source::SourceName;
use crate::domain::text::{Interner, Untrusted};
use crate::sources::kubernetes::object::{Body, Meta, Object, Owner};
use crate::sources::kubernetes::resource::Resource;
use crate::sources::kubernetes::store::{Key, Store};

/// A cluster at one moment.
pub(super) struct Scene<'a> {
    pub(super) store: &'a Store,
    pub(super) source: &'a SourceName,
    pub(super) now: DateTime<Utc>,
    cluster: Cluster<'a>,
    /// What every name begins with: `k8s:prod-eu-1`.
    prefix: String,
    /// `cluster`, and `region` where it is declared.
    place: Vec<(Untrusted, Untrusted)>,
    lines: RefCell<Interner>,
    /// Revisions and analyses, by the uid of what controls them.
    owned: HashMap<&'a str, Vec<&'a Object>>,
    /// Namespace and name of each Helm release that Flux makes.
    releases: HashSet<(&'a str, &'a str)>,
    /// Pods by their nodes: only asked for when a node is in trouble.
    pods: OnceCell<HashMap<&'a str, Vec<&'a Object>>>,
}

/// What something is about.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    /// In the words of its system.
    pub(super) target: &'a str,
    pub(super) namespace: Option<&'a str>,
    pub(super) kind: &'a str,
    pub(super) name: &'a str,
}

impl<'a> Scene<'a> {
    pub(super) fn new(store: &'a Store, cluster: Cluster<'a>, now: DateTime<Utc>) -> Self {
        let name = cluster.place.cluster.as_deref().unwrap_or(cluster.source);
        let mut place = vec![("cluster", name)];
        if cluster.place.cluster.is_none() {
            place.push((ASSUMED_CLUSTER_LABEL, "yes"));
        }
        place.extend(cluster.place.region.as_deref().map(|name| ("region", name)));
        let place = place.into_iter();
        let mut owned: HashMap<&str, Vec<&Object>> = HashMap::new();
        let mut releases = HashSet::new();
        for object in store.objects.values() {
            match (&object.body, &object.meta.owner) {
                (Body::Revision(_) | Body::AnalysisRun(_), Some(owner)) => {
                    owned.entry(&owner.uid).or_default().push(object);
                }
                (Body::HelmRelease(release), _) => {
                    let kept_in = release.spec.as_ref();
                    let kept_in = kept_in.and_then(|spec| spec.storage_namespace.as_deref());
                    let kept_in = kept_in.or(object.meta.namespace.as_deref());
                    let history = release.status.as_ref().map_or(&[][..], |s| &s.history);
                    let names = history.iter().map(|made| &*made.name);
                    releases.extend(names.map(|name| (kept_in.unwrap_or_default(), name)));
                }
                _ => {}
            }
        }
        Self {
            store,
            source: cluster.source,
            now,
            cluster,
            prefix: format!("k8s:{name}"),
            place: place
                .map(|(n, v)| (Untrusted::line(n), Untrusted::line(v)))
                .collect(),
            lines: RefCell::default(),
            owned,
            releases,
            pods: OnceCell::new(),
        }
    }

    /// One copy of each text.
    pub(super) fn line(&self, text: &str) -> Untrusted {
        self.lines.borrow_mut().line(text)
    }

    /// A name that is the same at every poll and for every quell with the same config.
    pub(super) fn id(&self, rest: &str) -> Untrusted {
        Untrusted::line(&format!("{}/{rest}", self.prefix))
    }

    /// Labels of the object itself first: a name of ours wins over one of them.
    pub(super) fn subject<'l>(
        &self,
        at: At<'_>,
        own: impl Iterator<Item = (&'l str, &'l str)>,
    ) -> Subject {
        self.subject_at(at, own, &self.place)
    }

    /// Of something in a cluster that is not this one: `None` where its name is not told.
    pub(super) fn subject_elsewhere<'l>(
        &self,
        at: At<'_>,
        own: impl Iterator<Item = (&'l str, &'l str)>,
        cluster: Option<&str>,
    ) -> Subject {
        let place = cluster.map(|name| (self.line("cluster"), self.line(name)));
        self.subject_at(at, own, place.as_slice())
    }

    fn subject_at<'l>(
        &self,
        at: At<'_>,
        own: impl Iterator<Item = (&'l str, &'l str)>,
        place: &[(Untrusted, Untrusted)],
    ) -> Subject {
        let mut lines = self.lines.borrow_mut();
        let mut pairs: Vec<(Untrusted, Untrusted)> =
            own.map(|(n, v)| (lines.line(n), lines.line(v))).collect();
        pairs.extend(place.iter().cloned());
        pairs.push((lines.line("kind"), lines.line(at.kind)));
        pairs.push((lines.line("name"), lines.line(at.name)));
        if let Some(namespace) = at.namespace {
            pairs.push((lines.line("namespace"), lines.line(namespace)));
        }
        let declared = self.cluster.place;
        Subject {
            target: Untrusted::line(at.target),
            service: declared.service.as_deref().map(|name| lines.line(name)),
            env: declared.env.as_deref().map(|name| lines.line(name)),
            labels: Labels::new(pairs),
        }
    }

    /// Revisions and analyses that an object controls.
    pub(super) fn owned(&self, owner: &Meta) -> &[&'a Object] {
        self.owned.get(&*owner.uid).map_or(&[], Vec::as_slice)
    }

    /// Whether Flux makes a release, by the namespace that it is kept in.
    pub(super) fn is_of_flux(&self, namespace: &str, name: &str) -> bool {
        self.releases.contains(&(namespace, name))
    }

    /// The pods on a node.
    pub(super) fn pods_on(&self, node: &str) -> &[&'a Object] {
        let pods = self.pods.get_or_init(|| {
            let mut pods: HashMap<&str, Vec<&Object>> = HashMap::new();
            for object in self.store.objects.values() {
                if let Body::Pod(pod) = &object.body
                    && let Some(node) = &pod.node
                {
                    pods.entry(node).or_default().push(object);
                }
            }
            pods
        });
        pods.get(node).map_or(&[], Vec::as_slice)
    }

    /// An object by the words that others refer to it with.
    pub(super) fn find(
        &self,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<&'a Object> {
        let (resource, plural) = match kind {
            "Deployment" => (Resource::Deployments, "deployments"),
            "StatefulSet" => (Resource::StatefulSets, "statefulsets"),
            "DaemonSet" => (Resource::DaemonSets, "daemonsets"),
            "Rollout" => (Resource::Rollouts, "rollouts"),
            "ReplicaSet" => (Resource::ReplicaSets, "replicasets"),
            "Pod" => (Resource::Pods, "pods"),
            "Node" => (Resource::Nodes, "nodes"),
            "HorizontalPodAutoscaler" => (
                Resource::HorizontalPodAutoscalers,
                "horizontalpodautoscalers",
            ),
            "PodDisruptionBudget" => (Resource::PodDisruptionBudgets, "poddisruptionbudgets"),
            _ => return None,
        };
        self.store.objects.get(&Key {
            resource,
            plural: plural.to_owned(),
            namespace: namespace
                .filter(|_| resource != Resource::Nodes)
                .map(str::to_owned),
            name: name.to_owned(),
        })
    }

    /// What an object belongs to in the end: of a pod its Deployment, else itself.
    fn workload_of(&self, object: &'a Object) -> &'a Object {
        let above = self.owners(object).last();
        above.and_then(|(_, above)| above).unwrap_or(object)
    }

    /// The same by kind and name, also where it is not read itself.
    pub(super) fn workload_name(&self, object: &'a Object) -> Option<(&'a str, &'a str)> {
        let (owner, _) = self.owners(object).last()?;
        Some((&owner.kind, &owner.name))
    }

    /// Who controls an object, then who controls that.
    fn owners(&self, object: &'a Object) -> impl Iterator<Item = (&'a Owner, Option<&'a Object>)> {
        let mut below = Some(object);
        let next = move || {
            let owner = below?.meta.owner.as_deref()?;
            let namespace = object.meta.namespace.as_deref();
            let found = self.find(&owner.kind, namespace, &owner.name);
            below = found;
            Some((owner, found))
        };
        // Pod, ReplicaSet, Deployment. What controls itself does not hold us.
        std::iter::from_fn(next).take(2)
    }

    /// The labels of an object over those of the workload that it belongs to: what has no service of
    /// its own has its workload's.
    pub(super) fn labels_of(&self, object: &'a Object) -> Vec<(&'a str, &'a str)> {
        let workload = self.workload_of(object);
        let mut labels: Vec<_> = workload.meta.labels.iter().collect();
        if !std::ptr::eq(workload, object) {
            labels.extend(object.meta.labels.iter());
        }
        labels
    }

    /// Of an object that others name; none where it is not known.
    pub(super) fn labels_named(
        &self,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
    ) -> Vec<(&'a str, &'a str)> {
        let found = self.find(kind, namespace, name);
        found.map_or_else(Vec::new, |object| self.labels_of(object))
    }
}

/// `payments/payments-api`
pub(super) fn name_of(namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    }
}

/// Says what could not be told of an object.
pub(super) fn limit(answer: &mut DeliveryAnswer, kind: &str, meta: &Meta, what: &str) {
    let name = name_of(meta.namespace.as_deref(), &meta.name);
    let line = format!("{kind} {name}: {what}");
    answer.limits.push(Untrusted::line(&line));
}

/// Trouble of one kind, by its words.
pub(super) fn trouble(
    subject: Subject,
    kind: TroubleKind,
    what: &str,
    since: Option<DateTime<Utc>>,
) -> Trouble {
    Trouble {
        subject,
        kind,
        what: Untrusted::line(what),
        since,
        count: 1,
    }
}
