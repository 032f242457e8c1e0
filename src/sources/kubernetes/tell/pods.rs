//! Which pods do not run as they should?
//!
//! Crashes, images that cannot be pulled, memory that ran out, no node that takes it. A pod belongs to
//! the service of its workload where it names none itself. Called by `tell`.

use chrono::{DateTime, TimeDelta, Utc};

use super::scene::{At, Scene, name_of, trouble};
use super::verdict::worded;
use crate::domain::delivery::{DeliveryAnswer, TroubleKind};
use crate::sources::kubernetes::object::{Container, Object, Pod};

/// So many restarts are no accident.
const MANY_RESTARTS: u64 = 5;
/// What ended longer ago is over: restarts are counted for as long as a pod lives.
const RECENT: TimeDelta = TimeDelta::hours(6);

pub(super) fn tell<'a>(
    scene: &Scene<'a>,
    object: &'a Object,
    pod: &Pod,
    answer: &mut DeliveryAnswer,
) {
    let mut found: Vec<(String, Option<DateTime<Utc>>, u64)> = Vec::new();
    if let Some((message, since)) = &pod.unschedulable {
        found.push((worded("Unschedulable", message), *since, 1));
    }
    if let Some((reason, message)) = &pod.failed {
        let ends = pod.containers.iter().filter_map(|c| c.ended.as_ref());
        let since = ends.filter_map(|(_, at)| *at).max().or(pod.unready_since);
        if is_recent(scene, since) {
            found.push((format!("failed: {}", worded(reason, message)), since, 1));
        }
    }
    for container in &pod.containers {
        let since = container.ended.as_ref().and_then(|(_, at)| *at);
        if let Some(what) = broken(scene, container) {
            let count = container.restarts.max(1);
            found.push((what, since.or(pod.unready_since), count));
        }
    }
    if found.is_empty() {
        return;
    }
    let meta = &object.meta;
    let path = format!("pod/{}", meta.name);
    let target = name_of(meta.namespace.as_deref(), &path);
    let at = At {
        target: &target,
        namespace: meta.namespace.as_deref(),
        kind: "Pod",
        name: &meta.name,
    };
    let subject = scene.subject(at, scene.labels_of(object).into_iter());
    for (what, since, count) in found {
        let mut told = trouble(subject.clone(), TroubleKind::Pod, &what, since);
        told.count = count;
        answer.troubles.push(told);
    }
}

fn is_recent(scene: &Scene<'_>, at: Option<DateTime<Utc>>) -> bool {
    at.is_none_or(|at| scene.now - at <= RECENT)
}

fn broken(scene: &Scene<'_>, container: &Container) -> Option<String> {
    let name = &container.name;
    let ended = container.ended.as_ref();
    let ended = ended.filter(|(_, at)| is_recent(scene, *at));
    let history = ended.map(|(reason, _)| {
        let times = container.restarts;
        format!(", restarted {times} times, last ended: {reason}")
    });
    if let Some((reason, message)) = &container.waiting {
        // How long it backs off says less than how it ended.
        let message = if &**reason == "CrashLoopBackOff" {
            ""
        } else {
            message
        };
        let what = worded(reason, message);
        return Some(format!("{name}: {what}{}", history.unwrap_or_default()));
    }
    let (reason, _) = ended?;
    let is_told = &**reason == "OOMKilled" || container.restarts >= MANY_RESTARTS;
    is_told.then(|| match &**reason {
        "OOMKilled" => format!("{name}: OOMKilled, restarted {} times", container.restarts),
        _ => format!(
            "{name}{}",
            history.unwrap_or_default().replacen(", ", ": ", 1)
        ),
    })
}
