//! What differs in the cluster from what Argo CD was told to put there?
//!
//! `OutOfSync` mixes two things: Git moved ahead of what was synced last (pending), or somebody edited
//! what runs (drift). The last synced revision tells them apart. Only names are read, never values.
//! Called by `tell`.

use super::argocd::{Where, destination, subject, target, written};
use super::scene::{At, Scene, name_of};
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::drift::{Drift, DriftKind, Report};
use crate::domain::text::Untrusted;
use crate::sources::kubernetes::object::{
    Application, ApplicationStatus, Automated, Object, condition,
};

/// How often Argo CD compares at the latest, unless `timeout.reconciliation` says otherwise: the
/// default of 120 s and as much jitter as 60 s.
const CADENCE_SECS: u64 = 180;

/// Conditions that keep Argo CD from comparing.
const ERRORS: [&str; 2] = ["ComparisonError", "InvalidSpecError"];

struct Telling<'s, 'a> {
    scene: &'s Scene<'a>,
    object: &'s Object,
    app: &'s Application,
    target: String,
    report: Report,
}

pub(super) fn tell(
    scene: &Scene<'_>,
    object: &Object,
    app: &Application,
    answer: &mut DeliveryAnswer,
) {
    let none = ApplicationStatus::default();
    let status = app.status.as_ref().unwrap_or(&none);
    let sync = status.sync.as_ref();
    let compared = sync.and_then(|sync| written(&sync.revisions.all()));
    let telling = Telling {
        scene,
        object,
        app,
        target: target(object),
        report: Report {
            at: status.reconciled_at,
            cadence_secs: Some(CADENCE_SECS),
            provenance: compared.map(|revision| scene.line(&format!("compared to {revision}"))),
        },
    };
    let error = ERRORS
        .iter()
        .find_map(|kind| condition(&status.conditions, kind));
    if let Some(error) = error {
        let detail = format!("{}: {}", error.kind, error.message);
        answer.drifts.push(telling.whole(DriftKind::Error, &detail));
        return;
    }
    match sync.map_or("", |sync| &*sync.status) {
        "Synced" => {}
        "OutOfSync" => telling.out_of_sync(status, answer),
        "Unknown" => {
            let detail = "Argo CD cannot tell whether it is in sync";
            answer
                .drifts
                .push(telling.whole(DriftKind::Unknown, detail));
        }
        "" => {
            let detail = "Argo CD has not compared it yet";
            answer
                .drifts
                .push(telling.whole(DriftKind::Unknown, detail));
        }
        other => {
            let detail = format!("its sync status is `{other}`, which is not known here");
            answer
                .drifts
                .push(telling.whole(DriftKind::Unknown, &detail));
        }
    }
}

impl Telling<'_, '_> {
    fn out_of_sync(&self, status: &ApplicationStatus, answer: &mut DeliveryAnswer) {
        let wanted = status.sync.as_ref().map(|sync| sync.revisions.all());
        let wanted = wanted.unwrap_or_default();
        let synced = status.history.last().map(|synced| synced.revisions.all());
        let (kind, why) = match synced {
            _ if wanted.is_empty() => (
                DriftKind::Unknown,
                "it is not told which revision it was compared to".to_owned(),
            ),
            None => (DriftKind::Pending, "it was never synced".to_owned()),
            Some(synced) if synced == wanted => (
                DriftKind::Drift,
                "it was synced to this very revision".to_owned(),
            ),
            Some(synced) => {
                let last = written(&synced).unwrap_or_default();
                (DriftKind::Pending, format!("{last} was synced last"))
            }
        };
        let mut notes = vec![why];
        notes.extend(self.policy());
        let detail = notes.join("; ");
        if status.resources.out_of_sync.is_empty() {
            answer.drifts.push(self.whole(kind, &detail));
        }
        for differs in &status.resources.out_of_sync {
            let namespace = differs.namespace.as_deref().filter(|name| !name.is_empty());
            let path = name_of(namespace, &format!("{}/{}", differs.kind, differs.name));
            let shown = format!("{}: {path}", self.target);
            let at = At {
                target: &shown,
                namespace,
                kind: &differs.kind,
                name: &differs.name,
            };
            let prunes = differs.requires_pruning == Some(true);
            let action = match (prunes, differs.is_missing()) {
                (true, _) => "prune",
                (false, true) => "create",
                (false, false) => "update",
            };
            let mut detail = detail.clone();
            if prunes {
                detail.push_str(self.pruning());
            }
            let own: Vec<_> = match destination(self.app) {
                Where::Here => self
                    .scene
                    .labels_named(&differs.kind, namespace, &differs.name),
                Where::Elsewhere(_) => Vec::new(),
            };
            // What is not read itself has the labels of its application.
            let app = self.object.meta.labels.iter();
            let own = if own.is_empty() { app.collect() } else { own };
            let name = format!("{}/{path}", differs.group);
            answer.drifts.push(Drift {
                actions: vec![self.scene.line(action)],
                ..self.drift(&name, kind, at, own.into_iter(), &detail)
            });
        }
    }

    fn automated(&self) -> Option<&Automated> {
        let policy = self.app.spec.as_ref()?.sync_policy.as_ref()?;
        let automated = policy.automated.as_ref();
        automated.filter(|automated| automated.enabled != Some(false))
    }

    /// How what is not declared any more goes away.
    fn pruning(&self) -> &'static str {
        match self.automated().map(|automated| automated.prune) {
            Some(Some(true)) => "; automated sync prunes it",
            _ => "; only a sync that prunes removes it",
        }
    }

    /// What the application says of how differences are treated.
    fn policy(&self) -> Vec<String> {
        let Some(spec) = &self.app.spec else {
            return Vec::new();
        };
        let mut notes = Vec::new();
        match self
            .automated()
            .map(|automated| automated.self_heal == Some(true))
        {
            Some(true) => notes.push("automated sync with self-heal puts it back".to_owned()),
            Some(false) => notes.push("automated sync is on, self-heal is not".to_owned()),
            None => {}
        }
        match spec.ignore_differences.len() {
            0 => {}
            1 => notes.push("one rule ignores differences: what it covers is not seen".to_owned()),
            n => notes.push(format!(
                "{n} rules ignore differences: what they cover is not seen"
            )),
        }
        notes
    }

    /// The application as one.
    fn whole(&self, kind: DriftKind, detail: &str) -> Drift {
        let spec = self.app.spec.as_ref();
        let at = At {
            target: &self.target,
            namespace: spec.and_then(|spec| spec.destination.namespace.as_deref()),
            kind: "Application",
            name: &self.object.meta.name,
        };
        self.drift("", kind, at, self.object.meta.labels.iter(), detail)
    }

    fn drift<'l>(
        &self,
        name: &str,
        kind: DriftKind,
        at: At<'_>,
        own: impl Iterator<Item = (&'l str, &'l str)>,
        detail: &str,
    ) -> Drift {
        let app = name_of(
            self.object.meta.namespace.as_deref(),
            &self.object.meta.name,
        );
        Drift {
            id: self.scene.id(&format!("argocd/drift/{app}/{name}")),
            source: self.scene.source.clone(),
            subject: subject(self.scene, self.app, at, own),
            kind,
            actions: Vec::new(),
            paths: Vec::new(),
            reverted_by_apply: matches!(kind, DriftKind::Drift | DriftKind::Pending)
                .then_some(true),
            report: self.report.clone(),
            detail: Some(Untrusted::line(detail)),
        }
    }
}
