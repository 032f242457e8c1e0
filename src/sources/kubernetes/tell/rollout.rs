//! What was rolled out: Deployments, stateful sets, daemon sets, Argo Rollouts?
//!
//! One change for each revision of which it is known when it began. Only the newest has an outcome: an
//! older one was replaced, and whether it was well until then nobody keeps. Called by `tell`.

use chrono::{DateTime, Utc};

use super::image::versions;
use super::scene::{At, Scene, limit, name_of};
use super::standing::{Edit, Standing, author, edits, standings};
use super::verdict::{Verdict, verdict};
use crate::domain::change::{
    Actor, ActorKind, Change, ChangeKind, Outcome, Subject, Told, Versions,
};
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::text::Untrusted;
use crate::sources::kubernetes::object::{Meta, Object, Template, Workload};
use crate::sources::kubernetes::resource::Resource;

/// A workload while it is told.
struct Telling<'s, 'a> {
    scene: &'s Scene<'a>,
    resource: Resource,
    kind: &'static str,
    object: &'s Object,
    body: &'s Workload,
    subject: Subject,
    /// `payments/deployment/payments-api`
    target: String,
}

pub(super) fn tell(
    scene: &Scene<'_>,
    resource: Resource,
    object: &Object,
    body: &Workload,
    answer: &mut DeliveryAnswer,
) {
    let kind = match resource {
        Resource::StatefulSets => "StatefulSet",
        Resource::DaemonSets => "DaemonSet",
        Resource::Rollouts => "Rollout",
        _ => "Deployment",
    };
    let word = kind.to_lowercase();
    let meta = &object.meta;
    if body.status.is_none() {
        let what = "has no status: how its rollout goes is not known";
        limit(answer, &word, meta, what);
    }
    let target = name_of(meta.namespace.as_deref(), &format!("{word}/{}", meta.name));
    let at = At {
        target: &target,
        namespace: meta.namespace.as_deref(),
        kind,
        name: &meta.name,
    };
    let telling = Telling {
        scene,
        resource,
        kind,
        object,
        body,
        subject: scene.subject(at, meta.labels.iter()),
        target: target.clone(),
    };
    let all = standings(scene, resource, object, body);
    if all.is_empty() {
        telling.alone(answer);
    }
    for at in 0..all.len() {
        telling.standing(&all, at, answer);
    }
    telling.scales(answer);
}

impl Telling<'_, '_> {
    fn standing(&self, all: &[Standing<'_>], at: usize, answer: &mut DeliveryAnswer) {
        let standing = &all[at];
        let is_newest = at + 1 == all.len();
        let Some(start) = standing.since else {
            // Of one that was replaced, a history of our own may know more.
            if is_newest {
                let number = standing.number;
                let what = format!("when it went to revision {number} is not told");
                limit(answer, &self.kind.to_lowercase(), &self.object.meta, &what);
            }
            return;
        };
        let before = at.checked_sub(1).map(|at| &all[at]);
        let (from, to) = versions(
            before.map(|before| &before.template().images),
            &standing.template().images,
        );
        let mut change = self.change(
            &format!("{}:{}", standing.number, standing.revision.hash),
            kind_of(all, at),
            start,
        );
        change.versions = Versions {
            from: from.map(|text| self.scene.line(&text)),
            to: to.map(|text| self.scene.line(&text)),
            // Those between are not kept any more.
            from_is_derived: before.is_some_and(|before| before.number + 1 != standing.number),
        };
        if before.is_none() && standing.number > 1 {
            note(&mut change, "the revision before it is not kept any more");
        }
        change.who = author(all, at, &self.object.meta).map(|edit| self.manager(edit));
        self.cause(&mut change, before, standing);
        let current = self.object.meta.revision.as_deref();
        let is_current = current.is_none_or(|number| number.parse() == Ok(standing.number));
        if is_newest && is_current {
            self.judge(&mut change);
        }
        answer.changes.push(change);
    }

    /// Without its revisions little is known: what stands now, and when it was edited last.
    fn alone(&self, answer: &mut DeliveryAnswer) {
        let meta = &self.object.meta;
        let status = self.body.status.as_ref();
        let by_name = status.and_then(|status| status.update_revision.as_deref());
        let hash = status.and_then(|status| status.progress.current_pod_hash.as_deref());
        let revision = meta.revision.as_deref().or(by_name).or(hash);
        let first = meta.generation == 1 || meta.revision.as_deref() == Some("1");
        let edit = edits(meta).max_by_key(|edit| edit.at);
        let start = match (first, edit) {
            (true, _) => meta.created,
            (false, Some(edit)) => Some(edit.at),
            (false, None) => None,
        };
        let word = self.kind.to_lowercase();
        let Some(start) = start else {
            limit(answer, &word, meta, "when it was rolled out is not told");
            return;
        };
        // A daemon set names no revision of itself.
        let edited = start.timestamp().to_string();
        let mut change = self.change(revision.unwrap_or(&edited), ChangeKind::Version, start);
        let images = self.body.template.as_ref().map(|template| &template.images);
        let to = images.and_then(|images| versions(Some(images), images).1);
        change.versions.to = to.map(|text| self.scene.line(&text));
        change.who = edit
            .filter(|edit| (start - edit.at).num_seconds().abs() <= 2)
            .map(|edit| self.manager(edit));
        if !first {
            let text = "its revisions are not known: the time is that of its last edit, which may \
                        have rolled out nothing";
            note(&mut change, text);
        }
        self.judge(&mut change);
        answer.changes.push(change);
    }

    /// A change of the number of replicas alone, where somebody wrote it as such and when is told. Most
    /// API servers leave the time out: then it cannot be told, and is not.
    fn scales(&self, answer: &mut DeliveryAnswer) {
        let managers = self.object.meta.managers.iter();
        let scales = managers.filter(|m| m.subresource.as_deref() == Some("scale"));
        let Some((manager, at)) = scales
            .filter_map(|m| Some((&*m.name, m.time?)))
            .max_by_key(|(_, at)| *at)
        else {
            return;
        };
        let seconds = at.timestamp();
        let mut change = self.change(&format!("scale:{seconds}"), ChangeKind::Scale, at);
        change.who = Some(self.manager(Edit { manager, at }));
        let wanted = self.body.replicas;
        note(
            &mut change,
            &format!("to {wanted} replicas, as far as it still stands"),
        );
        let available = self.body.status.as_ref().and_then(|s| s.available_replicas);
        if available.unwrap_or_default() >= wanted && self.body.status.is_some() {
            change.outcome = Outcome::Ok;
        }
        answer.changes.push(change);
    }

    fn change(&self, revision: &str, kind: ChangeKind, start: DateTime<Utc>) -> Change {
        Change {
            id: self.scene.id(&format!("{}@{revision}", self.target)),
            source: self.scene.source.clone(),
            also: Vec::new(),
            subject: self.subject.clone(),
            kind,
            versions: Versions::default(),
            who: None,
            started_at: start,
            finished_at: None,
            outcome: Outcome::Unknown,
            told: Told::default(),
        }
    }

    fn manager(&self, edit: Edit<'_>) -> Actor {
        Actor {
            name: self.scene.line(edit.manager),
            kind: ActorKind::FieldManager,
        }
    }

    fn judge(&self, change: &mut Change) {
        let found = verdict(
            self.scene,
            self.resource,
            self.object,
            self.body,
            change.started_at,
        );
        let Verdict {
            outcome,
            finished_at,
            progress,
            reason,
            notes,
        } = found.unwrap_or_default();
        change.outcome = outcome.unwrap_or(Outcome::Unknown);
        change.finished_at = finished_at.filter(|at| *at >= change.started_at);
        change.told.progress = progress.as_deref().map(Untrusted::line);
        if let Some(reason) = reason {
            let reason = Untrusted::line(&reason);
            // Why it failed is asked first; why it was done goes on being told.
            if let Some(cause) = change.told.reason.replace(reason) {
                let text = format!("change-cause: {}", cause.raw());
                note(change, &text);
            }
        }
        let notes = notes.iter().map(|text| Untrusted::line(text));
        change.told.notes.extend(notes);
    }

    /// `kubernetes.io/change-cause` stays until somebody writes another: only one that differs from
    /// that of the revision before is of this one.
    fn cause(&self, change: &mut Change, before: Option<&Standing<'_>>, standing: &Standing<'_>) {
        fn cause(meta: &Meta) -> Option<&str> {
            meta.change_cause.as_deref()
        }
        // What is written on an object that stands again is of then.
        let own = Some(standing).filter(|standing| !standing.is_reused);
        let own = own.and_then(|standing| cause(&standing.object.meta));
        let Some(own) = own.filter(|cause| !cause.is_empty()) else {
            return;
        };
        match before {
            Some(before) if cause(&before.object.meta) == Some(own) => {
                note(
                    change,
                    &format!("change-cause is of an earlier revision: {own}"),
                );
            }
            None if standing.number > 1 => {
                note(
                    change,
                    &format!("change-cause may be of an earlier revision: {own}"),
                );
            }
            _ => change.told.reason = Some(self.scene.line(own)),
        }
    }
}

/// What sort of change a revision is, by what its template changed.
fn kind_of(all: &[Standing<'_>], at: usize) -> ChangeKind {
    let standing = &all[at];
    if standing.is_again {
        return ChangeKind::Rollback;
    }
    let Some(before) = at.checked_sub(1).map(|at| all[at].template()) else {
        return ChangeKind::Version;
    };
    let now = standing.template();
    if before.images != now.images {
        let earlier = all[..at].iter().map(|earlier| &earlier.template().images);
        let is_back = earlier.into_iter().any(|images| *images == now.images);
        return if is_back && !now.images.is_empty() {
            ChangeKind::Rollback
        } else {
            ChangeKind::Version
        };
    }
    same_images(before, now)
}

fn same_images(before: &Template, now: &Template) -> ChangeKind {
    if before.digest == now.digest && before.restarted_at != now.restarted_at {
        ChangeKind::Restart
    } else {
        ChangeKind::Config
    }
}

fn note(change: &mut Change, text: &str) {
    change.told.notes.push(Untrusted::line(text));
}
