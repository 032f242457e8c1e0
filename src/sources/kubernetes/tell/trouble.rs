//! What is wrong with nodes, budgets and quotas, and what do events warn of?
//!
//! Context of a service, never a cause. Called by `tell`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::quantity::quantity;
use super::scene::{At, Scene, limit, name_of, trouble};
use super::verdict::worded;
use crate::domain::delivery::{DeliveryAnswer, TroubleKind};
use crate::sources::kubernetes::object::{Body, Budget, Event, Node, Object, Quota};

/// Of a quota, from here on it is nearly used up.
const NEARLY: f64 = 0.9;

pub(super) fn node<'a>(
    scene: &Scene<'a>,
    object: &'a Object,
    node: &Node,
    answer: &mut DeliveryAnswer,
) {
    let name = &object.meta.name;
    if !node.has_status {
        limit(answer, "node", &object.meta, "has no status");
    }
    let target = format!("node/{name}");
    let at = At {
        target: &target,
        namespace: None,
        kind: "Node",
        name,
    };
    let subject = scene.subject(at, object.meta.labels.iter());
    for bad in &node.conditions {
        let words = worded(&bad.reason, &bad.message);
        let what = match (&*bad.kind, &*bad.status) {
            ("Ready", "False") => format!("not ready: {words}"),
            ("Ready", _) => format!("nobody knows whether it is ready: {words}"),
            (kind, "True") => format!("{kind}: {words}"),
            // A condition that nobody can tell follows from `Ready`, which is told.
            _ => continue,
        };
        let since = bad.last_transition_time;
        let told = trouble(subject.clone(), TroubleKind::Node, &what, since);
        answer.troubles.push(told);
        if &*bad.kind == "Ready" {
            workloads_on(scene, name, since, answer);
        }
    }
    if node.is_cordoned {
        let what = "cordoned: no new pod is put there (unschedulable)";
        let told = trouble(subject, TroubleKind::Node, what, None);
        answer.troubles.push(told);
    }
}

/// What runs on a node that is not ready: a service asks for itself, not for nodes.
fn workloads_on(
    scene: &Scene<'_>,
    node: &str,
    since: Option<DateTime<Utc>>,
    answer: &mut DeliveryAnswer,
) {
    let mut workloads: BTreeMap<(Option<&str>, &str, &str), (u64, &Object)> = BTreeMap::new();
    for &object in scene.pods_on(node) {
        let namespace = object.meta.namespace.as_deref();
        let (kind, name) = scene
            .workload_name(object)
            .unwrap_or(("Pod", &object.meta.name));
        let found = workloads.entry((namespace, kind, name));
        found.or_insert((0, object)).0 += 1;
    }
    for ((namespace, kind, name), (count, pod)) in workloads {
        let target = name_of(namespace, &format!("{}/{name}", kind.to_lowercase()));
        let at = At {
            target: &target,
            namespace,
            kind,
            name,
        };
        let subject = scene.subject(at, scene.labels_of(pod).into_iter());
        let what = format!("{count} of its pods on {node}, which is not ready");
        let mut told = trouble(subject, TroubleKind::Node, &what, since);
        told.count = count;
        answer.troubles.push(told);
    }
}

/// A budget that lets nothing go is meant so, as long as all its pods are healthy.
pub(super) fn budget(
    scene: &Scene<'_>,
    object: &Object,
    budget: &Budget,
    answer: &mut DeliveryAnswer,
) {
    let meta = &object.meta;
    let Some(status) = &budget.status else {
        limit(answer, "poddisruptionbudget", meta, "has no status");
        return;
    };
    let healthy = status.current_healthy.unwrap_or_default();
    let expected = status.expected_pods.unwrap_or_default();
    let wanted = status.desired_healthy.unwrap_or_default();
    let is_bad = healthy < expected || healthy < wanted;
    if status.disruptions_allowed.unwrap_or_default() > 0 || !is_bad {
        return;
    }
    let path = format!("poddisruptionbudget/{}", meta.name);
    let target = name_of(meta.namespace.as_deref(), &path);
    let at = At {
        target: &target,
        namespace: meta.namespace.as_deref(),
        kind: "PodDisruptionBudget",
        name: &meta.name,
    };
    let own = budget.selects.iter().chain(meta.labels.iter());
    let what = format!(
        "{healthy} of {expected} pods are healthy and {wanted} are wanted: none may be evicted"
    );
    let subject = scene.subject(at, own);
    let told = trouble(subject, TroubleKind::Pdb, &what, budget.since);
    answer.troubles.push(told);
}

pub(super) fn quota(
    scene: &Scene<'_>,
    object: &Object,
    quota: &Quota,
    answer: &mut DeliveryAnswer,
) {
    let meta = &object.meta;
    let path = format!("resourcequota/{}", meta.name);
    let target = name_of(meta.namespace.as_deref(), &path);
    let at = At {
        target: &target,
        namespace: meta.namespace.as_deref(),
        kind: "ResourceQuota",
        name: &meta.name,
    };
    for (resource, hard) in quota.hard.iter() {
        let Some(used) = quota.used.get(resource) else {
            continue;
        };
        let (Some(most), Some(now)) = (quantity(hard), quantity(used)) else {
            let what = format!("{resource}: `{used}` of `{hard}` is no quantity");
            limit(answer, "resourcequota", meta, &what);
            continue;
        };
        if most <= 0.0 || now < NEARLY * most {
            continue;
        }
        let percent = (100.0 * now / most).floor();
        let what = format!("{resource}: {used} of {hard} used ({percent} %)");
        let subject = scene.subject(at, meta.labels.iter());
        let told = trouble(subject, TroubleKind::Quota, &what, None);
        answer.troubles.push(told);
    }
}

struct Warned<'a> {
    message: &'a str,
    count: u64,
    first: Option<DateTime<Utc>>,
    last: Option<DateTime<Utc>>,
}

/// Warnings of the same reason about the same object are one, told with the words of the last.
pub(super) fn events(scene: &Scene<'_>, answer: &mut DeliveryAnswer) {
    type About<'a> = (Option<&'a str>, &'a str, &'a str, &'a str);
    let mut warnings: BTreeMap<About<'_>, Warned<'_>> = BTreeMap::new();
    for object in scene.store.objects.values() {
        let Body::Event(event) = &object.body else {
            continue;
        };
        if !event.is_warning {
            continue;
        }
        let Event {
            kind,
            namespace,
            name,
            reason,
            ..
        } = &**event;
        let about = (namespace.as_deref(), &**kind, &**name, &**reason);
        let warned = warnings.entry(about).or_insert(Warned {
            message: &event.message,
            count: 0,
            first: event.first,
            last: event.last,
        });
        warned.count = warned.count.saturating_add(event.count);
        warned.first = [warned.first, event.first].into_iter().flatten().min();
        if event.last > warned.last {
            warned.last = event.last;
            warned.message = &event.message;
        }
    }
    for ((namespace, kind, name, reason), warned) in warnings {
        let path = format!("{}/{name}", kind.to_lowercase());
        let target = name_of(namespace, &path);
        let at = At {
            target: &target,
            namespace,
            kind,
            name,
        };
        let own = scene.labels_named(kind, namespace, name);
        let last = warned
            .last
            .map(|at| format!(" (last {})", at.format("%F %T UTC")));
        let what = worded(reason, warned.message) + &last.unwrap_or_default();
        let subject = scene.subject(at, own.into_iter());
        let mut told = trouble(subject, TroubleKind::Event, &what, warned.first);
        told.count = warned.count;
        answer.troubles.push(told);
    }
}
