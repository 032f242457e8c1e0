//! What did Flux apply, and what waits?
//!
//! A Kustomization keeps its last five results, the same manifests joined into one: how often something
//! was applied is not the number of entries. Flux repairs drift without a word, so none is told of here.
//! Called by `tell`.

use chrono::{DateTime, Utc};

use super::image::short_revision;
use super::scene::{At, Scene, limit, name_of};
use super::verdict::worded;
use crate::domain::change::{
    Actor, ActorKind, Change, ChangeKind, Outcome, Subject, Told, Versions,
};
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::drift::{Drift, DriftKind, Report};
use crate::domain::text::Untrusted;
use crate::sources::kubernetes::object::{
    Attempt, Condition, FluxSpec, Kustomization, Object, condition,
};

/// An object of Flux while it is told.
pub(super) struct Telling<'s, 'a> {
    pub(super) scene: &'s Scene<'a>,
    pub(super) subject: Subject,
    /// `flux/flux-system/kustomization/apps`
    pub(super) target: String,
    pub(super) cadence_secs: Option<u64>,
    pub(super) is_suspended: bool,
}

impl<'s, 'a> Telling<'s, 'a> {
    pub(super) fn new(
        scene: &'s Scene<'a>,
        object: &Object,
        kind: &str,
        namespace: Option<&str>,
        spec: Option<&FluxSpec>,
    ) -> Self {
        let meta = &object.meta;
        let path = format!("{}/{}", kind.to_lowercase(), meta.name);
        let target = format!("flux/{}", name_of(meta.namespace.as_deref(), &path));
        let at = At {
            target: &target,
            namespace: namespace.or(meta.namespace.as_deref()),
            kind,
            name: &meta.name,
        };
        let interval = spec.and_then(|spec| spec.interval.as_deref());
        Self {
            scene,
            subject: scene.subject(at, meta.labels.iter()),
            target: target.clone(),
            cadence_secs: interval.and_then(go_duration_secs),
            is_suspended: spec.is_some_and(|spec| spec.suspend == Some(true)),
        }
    }

    pub(super) fn change(&self, name: &str, kind: ChangeKind, start: DateTime<Utc>) -> Change {
        Change {
            id: self.scene.id(&format!("{}@{name}", self.target)),
            source: self.scene.source.clone(),
            also: Vec::new(),
            subject: self.subject.clone(),
            kind,
            versions: Versions::default(),
            who: Some(Actor {
                name: self.scene.line("flux"),
                kind: ActorKind::Automation,
            }),
            started_at: start,
            finished_at: None,
            outcome: Outcome::Unknown,
            told: Told::default(),
        }
    }

    pub(super) fn drift(
        &self,
        name: &str,
        kind: DriftKind,
        at: Option<DateTime<Utc>>,
        detail: &str,
    ) -> Drift {
        Drift {
            id: self.scene.id(&format!("{}/{name}", self.target)),
            source: self.scene.source.clone(),
            subject: self.subject.clone(),
            kind,
            actions: Vec::new(),
            paths: Vec::new(),
            reverted_by_apply: matches!(kind, DriftKind::Drift | DriftKind::Pending)
                .then_some(true),
            report: Report {
                at,
                cadence_secs: self.cadence_secs,
                provenance: None,
            },
            detail: Some(Untrusted::line(detail)),
        }
    }

    /// While it is suspended nobody compares.
    pub(super) fn suspended(&self, answer: &mut DeliveryAnswer) {
        if self.is_suspended {
            let detail = "it is suspended: nothing is compared or put back";
            let drift = self.drift("suspended", DriftKind::Unknown, None, detail);
            answer.drifts.push(drift);
        }
    }

    pub(super) fn revision(&self, text: &str) -> Option<Untrusted> {
        (!text.is_empty()).then(|| self.scene.line(&short_revision(text)))
    }
}

pub(super) fn tell(
    scene: &Scene<'_>,
    object: &Object,
    body: &Kustomization,
    answer: &mut DeliveryAnswer,
) {
    let spec = body.spec.as_ref();
    let namespace = spec.and_then(|spec| spec.target_namespace.as_deref());
    let telling = Telling::new(scene, object, "Kustomization", namespace, spec);
    telling.suspended(answer);
    let Some(status) = &body.status else {
        let what = "has no status: Flux has not looked at it";
        limit(answer, "kustomization", &object.meta, what);
        return;
    };
    let ready = condition(&status.conditions, "Ready");
    let applied = status.last_applied_revision.as_deref();
    let mut changes = telling.history(&status.history, ready);
    if changes.is_empty()
        && let (Some(applied), Some(ready)) = (applied, ready)
        && let Some(at) = ready.last_transition_time
    {
        changes.push(telling.applied(applied, ready, at));
    }
    answer.changes.append(&mut changes);
    let attempted = status.last_attempted_revision.as_deref();
    if let Some(attempted) = attempted.filter(|attempted| Some(*attempted) != applied) {
        let last = status
            .history
            .iter()
            .filter_map(|a| a.last_reconciled)
            .max();
        let detail = format!(
            "{} was tried, {} is applied{}",
            short_revision(attempted),
            applied.map_or_else(|| "nothing".to_owned(), short_revision),
            unready(ready)
        );
        let drift = telling.drift("pending", DriftKind::Pending, last, &detail);
        answer.drifts.push(drift);
    }
}

/// `; HealthCheckFailed: …` where it is so.
pub(super) fn unready(ready: Option<&Condition>) -> String {
    let bad = ready.filter(|ready| &*ready.status == "False");
    bad.map_or_else(String::new, |bad| {
        format!("; {}", worded(&bad.reason, &bad.message))
    })
}

/// The same manifests, however often and with whatever result.
struct Applied<'a> {
    digest: &'a str,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
    /// Of the last time.
    status: &'a str,
    revision: Option<&'a str>,
}

impl Telling<'_, '_> {
    fn history(&self, history: &[Attempt], ready: Option<&Condition>) -> Vec<Change> {
        let applied = joined(history);
        let newest = applied.iter().map(|a| a.last).max();
        let mut told = Vec::new();
        let mut before: Option<&str> = None;
        for (at, one) in applied.iter().enumerate() {
            let is_newest = Some(one.last) == newest;
            let revision = one.revision.unwrap_or_default();
            let digest: String = one.digest.rsplit(':').next().unwrap_or_default().into();
            let digest: String = digest.chars().take(12).collect();
            let name = format!("{}:{digest}", one.first.timestamp());
            let kind = match before {
                Some(before) if before == revision => ChangeKind::Config,
                _ => ChangeKind::Version,
            };
            let mut change = self.change(&name, kind, one.first);
            change.versions.from = before.and_then(|before| self.revision(before));
            change.versions.to = self.revision(revision);
            self.end(&mut change, one, ready.filter(|_| is_newest));
            told.push(change);
            if one.status == "ReconciliationSucceeded" || before.is_none() {
                before = Some(revision);
            }
            // What was applied first and last of all was gone back to.
            let later = applied[at + 1..].iter().map(|later| later.last).max();
            if let Some(later) = later.filter(|later| is_newest && *later < one.last) {
                let name = format!("{}:{digest}", later.timestamp());
                let mut change = self.change(&name, ChangeKind::Rollback, later);
                let last = applied.last().and_then(|last| last.revision);
                change.versions.from = last.and_then(|last| self.revision(last));
                change.versions.to = self.revision(revision);
                self.end(&mut change, one, ready);
                change.finished_at = None;
                let text = "it began after that: when exactly is not told";
                change.told.notes.push(self.scene.line(text));
                told.push(change);
            }
        }
        told
    }

    fn end(&self, change: &mut Change, one: &Applied<'_>, ready: Option<&Condition>) {
        if one.status == "ReconciliationSucceeded" {
            // It goes on being applied: when it was first well is not told. What is under way while
            // this stands is another attempt, which is not in the history yet.
            change.outcome = Outcome::Ok;
            return;
        }
        let running = ready.filter(|ready| &*ready.status == "Unknown");
        if let Some(running) = running {
            change.outcome = Outcome::Running;
            change.told.progress = Some(self.scene.line(&running.message));
            return;
        }
        change.outcome = Outcome::Failed;
        change.finished_at = Some(one.last).filter(|at| *at >= change.started_at);
        let bad = ready.filter(|ready| &*ready.status == "False");
        let reason = bad.map(|bad| worded(&bad.reason, &bad.message));
        let reason = reason.unwrap_or_else(|| one.status.to_owned());
        change.told.reason = Some(self.scene.line(&reason));
    }

    /// Of a Flux that keeps no history: what stands, since its condition says so.
    fn applied(&self, revision: &str, ready: &Condition, at: DateTime<Utc>) -> Change {
        let name = short_revision(revision);
        let mut change = self.change(&name, ChangeKind::Version, at);
        change.versions.to = self.revision(revision);
        let is_of_it = &*ready.status == "True" && ready.message.contains(revision);
        change.outcome = if is_of_it {
            Outcome::Ok
        } else {
            Outcome::Unknown
        };
        let text = "it keeps no history: the time is that of its condition Ready";
        change.told.notes.push(self.scene.line(text));
        change
    }
}

/// Entries of the same manifests as one, those that were first applied earlier first.
fn joined(history: &[Attempt]) -> Vec<Applied<'_>> {
    let mut all: Vec<Applied<'_>> = Vec::new();
    for one in history {
        let Some(first) = one.first_reconciled.or(one.last_reconciled) else {
            continue;
        };
        let last = one.last_reconciled.unwrap_or(first);
        let same = all
            .iter_mut()
            .find(|a| !a.digest.is_empty() && a.digest == &*one.digest);
        let Some(same) = same else {
            all.push(Applied {
                digest: &one.digest,
                first,
                last,
                status: &one.last_reconciled_status,
                revision: one.revision(),
            });
            continue;
        };
        same.first = same.first.min(first);
        if last > same.last {
            same.last = last;
            same.status = &one.last_reconciled_status;
            same.revision = one.revision().or(same.revision);
        }
    }
    all.sort_by_key(|one| one.first);
    all
}

/// Go's durations: `10m0s`, `1h30m0s`, `500ms`. Whole seconds; none where it is none.
fn go_duration_secs(text: &str) -> Option<u64> {
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let amount: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        total += amount
            * match &rest[..letters] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 0.001,
                _ => return None,
            };
        rest = &rest[letters..];
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float that is too large becomes the largest number, and none here is negative"
    )]
    Some(total as u64).filter(|secs| *secs > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_as_go_writes_them() {
        assert_eq!(go_duration_secs("10m0s"), Some(600));
        assert_eq!(go_duration_secs("1h30m0s"), Some(5_400));
        assert_eq!(go_duration_secs("1.5h"), Some(5_400));
        for text in ["", "5", "soon", "5x", "-5s", "é"] {
            assert_eq!(go_duration_secs(text), None, "{text}");
        }
    }
}
