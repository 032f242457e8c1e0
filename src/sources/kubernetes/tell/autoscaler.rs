//! What did an autoscaler change, and what keeps it from more?
//!
//! Its last change of scale is the one that the API server tells the time of: who scales through the
//! subresource `scale` leaves a name without a time. Called by `tell`.

use chrono::{DateTime, Utc};

use super::scene::{At, Scene, name_of, trouble};
use super::verdict::worded;
use crate::domain::change::{Actor, ActorKind, Change, ChangeKind, Outcome, Told, Versions};
use crate::domain::delivery::{DeliveryAnswer, TroubleKind};
use crate::domain::text::Untrusted;
use crate::sources::kubernetes::object::{Autoscaler, Object, condition};

pub(super) fn tell(
    scene: &Scene<'_>,
    object: &Object,
    hpa: &Autoscaler,
    answer: &mut DeliveryAnswer,
) {
    scaled(scene, object, hpa, answer);
    limits(scene, object, hpa, answer);
}

fn scaled(scene: &Scene<'_>, object: &Object, hpa: &Autoscaler, answer: &mut DeliveryAnswer) {
    let Some(start) = hpa.last_scaled else {
        return;
    };
    let meta = &object.meta;
    let namespace = meta.namespace.as_deref();
    let (kind, name) = &hpa.target;
    let path = format!("{}/{name}", kind.to_lowercase());
    let target = name_of(namespace, &path);
    let at = At {
        target: &target,
        namespace,
        kind,
        name,
    };
    let own = scene.labels_named(kind, namespace, name);
    let is_through = hpa.desired.is_some() && hpa.desired == hpa.current;
    let mut notes = Vec::new();
    if let Some(desired) = hpa.desired {
        notes.push(scene.line(&format!("to {desired} replicas, as far as it still stands")));
    }
    answer.changes.push(Change {
        id: scene.id(&format!("{target}@scale:{}", start.timestamp())),
        source: scene.source.clone(),
        also: Vec::new(),
        subject: scene.subject(at, own.into_iter()),
        kind: ChangeKind::Scale,
        versions: Versions::default(),
        who: Some(Actor {
            name: Untrusted::line(&format!("autoscaler {}", meta.name)),
            kind: ActorKind::Automation,
        }),
        started_at: start,
        finished_at: None,
        outcome: if is_through {
            Outcome::Ok
        } else {
            Outcome::Unknown
        },
        told: Told {
            notes,
            ..Told::default()
        },
    });
}

fn limits(scene: &Scene<'_>, object: &Object, hpa: &Autoscaler, answer: &mut DeliveryAnswer) {
    let meta = &object.meta;
    let namespace = meta.namespace.as_deref();
    let bad = |kind: &str, bad: &str| {
        condition(&hpa.conditions, kind).filter(|condition| &*condition.status == bad)
    };
    let mut found = Vec::new();
    // Scaled to nothing by hand, it is switched off: no fault.
    let blind = bad("ScalingActive", "False").filter(|c| &*c.reason != "ScalingDisabled");
    if let Some(blind) = blind {
        let words = worded(&blind.reason, &blind.message);
        found.push((format!("cannot read its metrics: {words}"), blind));
    }
    if let Some(unable) = bad("AbleToScale", "False") {
        let words = worded(&unable.reason, &unable.message);
        found.push((format!("cannot scale: {words}"), unable));
    }
    let max = hpa.max;
    let limited = bad("ScalingLimited", "True").filter(|c| &*c.reason == "TooManyReplicas");
    if let Some(limited) = limited {
        let what = format!("wants more than its maximum of {max} replicas");
        found.push((what, limited));
    }
    let mut told: Vec<(String, Option<DateTime<Utc>>)> = found
        .into_iter()
        .map(|(what, condition)| (what, condition.last_transition_time))
        .collect();
    if limited.is_none() && max > hpa.min && hpa.desired.is_some_and(|desired| desired >= max) {
        told.push((format!("at its maximum of {max} replicas"), None));
    }
    if told.is_empty() {
        return;
    }
    let path = format!("horizontalpodautoscaler/{}", meta.name);
    let target = name_of(namespace, &path);
    let at = At {
        target: &target,
        namespace,
        kind: "HorizontalPodAutoscaler",
        name: &meta.name,
    };
    let (kind, name) = &hpa.target;
    let mut own = scene.labels_named(kind, namespace, name);
    own.extend(meta.labels.iter());
    let subject = scene.subject(at, own.into_iter());
    for (what, since) in told {
        let told = trouble(subject.clone(), TroubleKind::Hpa, &what, since);
        answer.troubles.push(told);
    }
}
