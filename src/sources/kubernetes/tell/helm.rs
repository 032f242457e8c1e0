//! Which releases did Helm make, as far as the metadata of its secrets tells?
//!
//! A release is a secret whose labels name it, its version and its state. Its payload holds the chart
//! and all values: it is never asked for, so the chart's own version is not known. Called by `tell`.

use chrono::{DateTime, TimeDelta, Utc};

use super::scene::{At, Scene, limit};
use crate::domain::change::{Change, ChangeKind, Outcome, Told, Versions};
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::text::Untrusted;
use crate::sources::kubernetes::object::Object;
use crate::sources::kubernetes::resource::Resource;
use crate::sources::kubernetes::store::Key;

/// A Helm that says it is at work for longer has most likely died.
const PATIENCE: TimeDelta = TimeDelta::hours(1);

pub(super) fn tell(scene: &Scene<'_>, object: &Object, answer: &mut DeliveryAnswer) {
    let meta = &object.meta;
    let label = |name: &str| meta.labels.get(name).filter(|value| !value.is_empty());
    let (Some(name), Some(version)) = (label("name"), label("version")) else {
        let what = "is Helm's, but its labels do not name a release and its version";
        limit(answer, "secret", meta, what);
        return;
    };
    let namespace = meta.namespace.as_deref();
    // Flux tells of the releases that it makes, and better.
    if scene.is_of_flux(namespace.unwrap_or_default(), name) {
        return;
    }
    let Some(start) = label("createdAt").and_then(unix).or(meta.created) else {
        limit(answer, "secret", meta, "when it was made is not told");
        return;
    };
    let modified = label("modifiedAt").and_then(unix);
    let status = label("status").unwrap_or_default();
    let is_old = scene.now - modified.unwrap_or(start) > PATIENCE;
    let mut notes = vec!["its chart's version is not in the metadata".to_owned()];
    let outcome = match status {
        // It was deployed until the next one was.
        "deployed" | "superseded" => Outcome::Ok,
        "failed" => Outcome::Failed,
        "pending-install" | "pending-upgrade" | "pending-rollback" | "uninstalling" => {
            if is_old {
                notes.push(format!(
                    "it is {status} for long: a Helm may have died over it"
                ));
                Outcome::Unknown
            } else {
                Outcome::Running
            }
        }
        _ => Outcome::Unknown,
    };
    let target = format!("helm/{}/{name}", namespace.unwrap_or_default());
    let at = At {
        target: &target,
        namespace,
        kind: "Release",
        name,
    };
    let has_ended = matches!(status, "deployed" | "failed");
    let before = version.parse::<u64>().ok().and_then(|v| v.checked_sub(1));
    let before = before.filter(|before| is_kept(scene, namespace, name, *before));
    answer.changes.push(Change {
        id: scene.id(&format!("{target}@v{version}")),
        source: scene.source.clone(),
        also: Vec::new(),
        // Its labels are Helm's own: they say nothing of a service.
        subject: scene.subject(at, std::iter::empty()),
        kind: match status {
            "pending-rollback" => ChangeKind::Rollback,
            _ => ChangeKind::Version,
        },
        versions: Versions {
            from: before.map(|before| scene.line(&format!("v{before}"))),
            to: Some(scene.line(&format!("v{version}"))),
            from_is_derived: before.is_some(),
        },
        who: None,
        started_at: start,
        finished_at: modified.filter(|at| has_ended && *at >= start),
        outcome,
        told: Told {
            progress: (outcome == Outcome::Running).then(|| scene.line(status)),
            notes: notes.iter().map(|text| Untrusted::line(text)).collect(),
            ..Told::default()
        },
    });
}

fn is_kept(scene: &Scene<'_>, namespace: Option<&str>, name: &str, version: u64) -> bool {
    let key = Key {
        resource: Resource::HelmSecrets,
        plural: "secrets".to_owned(),
        namespace: namespace.map(str::to_owned),
        name: format!("sh.helm.release.v1.{name}.v{version}"),
    };
    scene.store.objects.contains_key(&key)
}

fn unix(text: &str) -> Option<DateTime<Utc>> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0)?;
    DateTime::from_timestamp(seconds, 0)
}
