//! What can be done about what is selected?
//!
//! Offers are data: an action of the catalogue with the parameters that name its target. They come from
//! labels and targets that name objects, never from the words of an alert, and every one of them stands
//! before the operator, to be changed, before anything is planned. What makes an incident smaller comes
//! first. Made when the menu opens; read by `view`.

use std::collections::BTreeMap;

use super::Model;
use super::available::{members, target};
use super::knowledge::SourceState;
use super::rows::RowKind;
use super::session::Screen;
use super::{changes, drifts};
use crate::domain::action::{ActionSpec, CLUSTER, Direction, Risk, Upstream};
use crate::domain::alert::Alert;
use crate::domain::change::Subject;
use crate::domain::matcher::{Matcher, Op};
use crate::domain::source::SourceKind;
use crate::domain::suspect::Cause;
use crate::domain::text::Untrusted;

/// One thing that can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The action.
    pub action: String,
    /// What it does.
    pub help: String,
    /// What it is done to, in words.
    pub target: Untrusted,
    /// Who names the target.
    pub from: Untrusted,
    /// The risk that it usually has.
    pub risk: Risk,
    /// The direction that it usually has.
    pub direction: Direction,
    /// What is filled in already.
    pub given: BTreeMap<String, String>,
    /// Why it is not possible; none where it is.
    pub off: Option<&'static str>,
}

/// What is selected, with everything that can be done about it.
#[derive(Clone, Debug, Default)]
pub struct Offers {
    /// What it is about.
    pub about: Untrusted,
    /// The fingerprint of the alert, where it is one.
    pub alert: Option<Untrusted>,
    /// What can be done, what reduces risk first.
    pub all: Vec<Offer>,
}

/// An object that can be acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Object {
    what: Pinned,
    /// Where it is.
    cluster: Cluster,
    /// Who names it.
    from: Untrusted,
}

/// In which cluster something is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cluster {
    /// The source that is asked to change it.
    Named(String),
    /// Nobody says.
    Unknown,
    /// In one that is not configured here.
    Foreign,
}

/// What sort of object, and what its system calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pinned {
    /// `NAMESPACE/KIND/NAME`
    Workload(String),
    /// `NAMESPACE/NAME` of an Argo Rollout.
    Rollout(String),
    /// `NAMESPACE/NAME`
    Pod(String),
    /// `NAMESPACE/NAME`
    CronJob(String),
    /// `NAMESPACE/NAME`
    Autoscaler(String),
    /// `NAMESPACE/NAME`
    Quota(String),
    /// A node.
    Node(String),
    /// An Argo CD application, as Argo CD names it.
    Application(String),
    /// `NAMESPACE/KIND/NAME` of Flux.
    Flux(String),
    /// A resource of Terraform: its folder is not told.
    Terraform,
}

/// Makes an object of `NAMESPACE/NAME`.
type Pin = fn(String) -> Pinned;

/// Why nothing of Kubernetes is offered.
const NO_CLUSTER: &str = "no [[kubernetes]] is configured: --kubeconfig FILE";
/// Why nothing of Alertmanager is offered.
const NO_ALERTMANAGER: &str = "no Alertmanager is configured";
/// Why nothing is offered in a cluster that an alert names.
const ELSEWHERE: &str = "it is in a cluster that is not configured here";
/// Why no workload can be acted on.
const NO_WORKLOAD: &str = "its labels name no workload, and no change of its service is known";
/// Why it cannot be silenced.
const TOO_WIDE: &str = "its labels are too few: a silence takes two at least";

/// What can be done about what is selected on the screen.
#[must_use]
pub fn offers(model: &Model) -> Offers {
    let mut offers = match model.session.screen {
        Screen::Triage => of_alert(model),
        Screen::Changes => of_change(model),
        Screen::Drift => of_drift(model),
        Screen::Runbooks if is_read_for_alert(model) => of_alert(model),
        _ => Offers::default(),
    };
    let rank = |direction| match direction {
        Direction::Reduces => 0,
        Direction::Neutral => 1,
        Direction::Adds => 2,
    };
    // Stable: what is nearer to the alert stays before what is further away.
    offers
        .all
        .sort_by_key(|offer| (offer.off.is_some(), rank(offer.direction)));
    offers
}

/// Whether the open runbook is read for an alert: what can be done about that one can be begun there.
#[must_use]
pub fn is_read_for_alert(model: &Model) -> bool {
    let reader = model.session.runbooks.reader.as_ref();
    reader.is_some_and(|reader| {
        reader.trail.screen == Screen::Triage && reader.trail.matched.is_some()
    })
}

/// The silence of the selected alert, or of all of its group.
#[must_use]
pub fn silence(model: &Model) -> Option<Offer> {
    let alert = target(model)?;
    let all = group(model);
    let all = if all.is_empty() { vec![alert] } else { all };
    let matchers = matchers(&all);
    let spec = model.acting.catalogue.get("silence.create")?;
    let text: Vec<String> = matchers.iter().map(ToString::to_string).collect();
    let mut offer = offer(spec, alert_name(alert), Untrusted::line("its labels"));
    offer.given.insert("matchers".to_owned(), text.join(", "));
    offer.given.insert("duration".to_owned(), "30m".to_owned());
    offer.off = why_no_silence(&matchers, model);
    Some(offer)
}

fn why_no_silence(matchers: &[Matcher], model: &Model) -> Option<&'static str> {
    match sources(model, SourceKind::Alertmanager).next() {
        None => Some(NO_ALERTMANAGER),
        Some(_) if matchers.len() < 2 => Some(TOO_WIDE),
        Some(_) => None,
    }
}

/// Why an alert cannot be silenced; none where it can. Asked with every frame, so it looks at the alert
/// alone and never at the members of its group.
#[must_use]
pub fn can_silence(alert: &Alert, model: &Model) -> Option<&'static str> {
    why_no_silence(&matchers(&[alert]), model)
}

/// The undoing of the rollout that stands nearest to the selected alert.
#[must_use]
pub fn undo(model: &Model) -> Option<Offer> {
    let objects = objects_of(target(model)?, model);
    let mut all = objects.iter().flat_map(|object| about(object, model));
    let is_undo = |offer: &Offer| {
        offer.off.is_none()
            && matches!(
                &*offer.action,
                "k8s.rollout.undo" | "rollouts.abort" | "argocd.app.rollback"
            )
    };
    all.find(is_undo)
}

fn of_alert(model: &Model) -> Offers {
    let Some(alert) = target(model) else {
        return Offers::default();
    };
    let mut all = Vec::new();
    let objects = objects_of(alert, model);
    for object in &objects {
        all.extend(about(object, model));
    }
    if !objects
        .iter()
        .any(|o| matches!(o.what, Pinned::Workload(_) | Pinned::Rollout(_)))
        && let Some(spec) = model.acting.catalogue.get("k8s.rollout.undo")
    {
        let mut offer = offer(spec, Untrusted::line("-"), Untrusted::line("nobody"));
        offer.off = Some(NO_WORKLOAD);
        all.push(offer);
    }
    all.extend(silence(model));
    Offers {
        about: alert_name(alert),
        alert: Some(Untrusted::line(&alert.occurrence.fingerprint.to_string())),
        all,
    }
}

fn of_change(model: &Model) -> Offers {
    let Some(change) = changes::target(model) else {
        return Offers::default();
    };
    of_subject(&change.subject, &change.source, model)
}

fn of_drift(model: &Model) -> Offers {
    match drifts::target(model) {
        Some(drifts::Difference::Drift(row)) => {
            of_subject(&row.drift.subject, &row.drift.source, model)
        }
        Some(drifts::Difference::Policy(trouble)) => of_subject(&trouble.subject, "", model),
        None => Offers::default(),
    }
}

fn of_subject(subject: &Subject, source: &str, model: &Model) -> Offers {
    let object = object_of(subject, source, model);
    Offers {
        about: subject.target.clone(),
        alert: None,
        all: object
            .map(|object| about(&object, model))
            .unwrap_or_default(),
    }
}

fn alert_name(alert: &Alert) -> Untrusted {
    Untrusted::line(alert.labels.get("alertname").map_or("-", |name| name.raw()))
}

/// The alerts of the selected row, where it is a group.
fn group(model: &Model) -> Vec<&Alert> {
    let triage = &model.session.triage;
    match triage.row().filter(|_| triage.detail.is_none()) {
        Some(row) if matches!(row.kind, RowKind::Fold { .. }) => members(model, row),
        _ => Vec::new(),
    }
}

/// Labels that all of these alerts share and that say which, where and of whom: never one that tells a
/// mood, such as the severity.
fn matchers(alerts: &[&Alert]) -> Vec<Matcher> {
    let Some((first, others)) = alerts.split_first() else {
        return Vec::new();
    };
    let place = [
        &first.place.service,
        &first.place.location,
        &first.place.env,
    ];
    let is_of_place = |value: &Untrusted| place.contains(&&Some(value.clone()));
    let told = ["namespace", "cluster", "instance", "node", "job"];
    let wanted = |name: &str, value: &Untrusted| {
        name == "alertname" || told.contains(&name) || is_of_place(value)
    };
    let shared = |name: &str, value: &Untrusted| {
        let same = |alert: &&Alert| alert.labels.get(name) == Some(value);
        others.iter().all(same)
    };
    let found = first.labels.iter().filter(|(name, value)| {
        !value.is_empty() && wanted(name.raw(), value) && shared(name.raw(), value)
    });
    let found =
        found.filter_map(|(name, value)| Matcher::new(name.raw(), Op::Equal, value.raw()).ok());
    let mut found: Vec<Matcher> = found.collect();
    // The name of the alert comes first, as people read it.
    found.sort_by_key(|matcher| matcher.name() != "alertname");
    found
}

/// What an alert names outright, then what its suspects changed, then what was changed last of its
/// service. Each once.
fn objects_of(alert: &Alert, model: &Model) -> Vec<Object> {
    let mut found: Vec<Object> = labelled(alert, model);
    let board = &model.board;
    for suspect in board
        .suspects(alert)
        .iter()
        .filter(|s| s.is_suspect())
        .take(3)
    {
        let Cause::Change(id) = &suspect.cause else {
            continue;
        };
        let change = board.delivery.changes.iter().find(|c| c.id == *id);
        found.extend(change.and_then(|c| object_of(&c.subject, &c.source, model)));
    }
    if let Some(service) = &alert.place.service {
        let of_service =
            |c: &&crate::domain::change::Change| c.subject.service.as_ref() == Some(service);
        let last = board.delivery.changes.iter().filter(of_service).take(3);
        found.extend(last.filter_map(|c| object_of(&c.subject, &c.source, model)));
    }
    let mut once: Vec<Object> = Vec::new();
    for object in found {
        if !once.iter().any(|known| known.what == object.what) {
            once.push(object);
        }
    }
    once
}

/// The objects that the labels of an alert name, as kube-state-metrics calls them.
fn labelled(alert: &Alert, model: &Model) -> Vec<Object> {
    let label = |name: &str| {
        let value = alert.labels.get(name).map(Untrusted::raw);
        value.filter(|value| is_name(value))
    };
    let mut found = Vec::new();
    if let Some(namespace) = label("namespace") {
        for kind in ["deployment", "statefulset", "daemonset"] {
            found.extend(
                label(kind).map(|name| Pinned::Workload(format!("{namespace}/{kind}/{name}"))),
            );
        }
        let named: [(&str, Pin); 5] = [
            ("rollout", Pinned::Rollout),
            ("horizontalpodautoscaler", Pinned::Autoscaler),
            ("cronjob", Pinned::CronJob),
            ("resourcequota", Pinned::Quota),
            ("pod", Pinned::Pod),
        ];
        for (name, pinned) in named {
            found.extend(label(name).map(|value| pinned(format!("{namespace}/{value}"))));
        }
    }
    found.extend(label("node").map(|name| Pinned::Node(name.to_owned())));
    let cluster = cluster_of(alert.labels.get("cluster"), "", model);
    let object = |what| Object {
        what,
        cluster: cluster.clone(),
        from: Untrusted::line("the alert's labels"),
    };
    found.into_iter().map(object).collect()
}

/// Whether a label can be the name of an object at all.
fn is_name(value: &str) -> bool {
    !value.is_empty() && !value.contains(['/', ',', ' '])
}

/// The object that a change or a difference is about.
fn object_of(subject: &Subject, source: &str, model: &Model) -> Option<Object> {
    let parts: Vec<&str> = subject.target.raw().split('/').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return None;
    }
    let what = match parts[..] {
        ["node", name] => Pinned::Node(name.to_owned()),
        ["argocd", name] => Pinned::Application(name.to_owned()),
        ["argocd", namespace, name] => Pinned::Application(format!("{namespace}/{name}")),
        ["flux", namespace, kind, name] => Pinned::Flux(format!("{namespace}/{kind}/{name}")),
        [namespace, kind, name] => match kind.to_lowercase().as_str() {
            kind @ ("deployment" | "statefulset" | "daemonset") => {
                Pinned::Workload(format!("{namespace}/{kind}/{name}"))
            }
            "rollout" => Pinned::Rollout(format!("{namespace}/{name}")),
            "pod" => Pinned::Pod(format!("{namespace}/{name}")),
            "cronjob" => Pinned::CronJob(format!("{namespace}/{name}")),
            "hpa" | "horizontalpodautoscaler" => Pinned::Autoscaler(format!("{namespace}/{name}")),
            "quota" | "resourcequota" => Pinned::Quota(format!("{namespace}/{name}")),
            _ => return None,
        },
        _ if kind_of(source, model) == Some(SourceKind::Terraform) => Pinned::Terraform,
        _ => return None,
    };
    // An application's label says where what it holds runs, not where it is itself.
    let label = match what {
        Pinned::Application(_) => None,
        _ => subject.labels.get("cluster"),
    };
    let from = match source {
        "" => subject.target.clone(),
        source => Untrusted::line(source),
    };
    Some(Object {
        what,
        cluster: cluster_of(label, source, model),
        from,
    })
}

fn sources(model: &Model, kind: SourceKind) -> impl Iterator<Item = &SourceState> {
    let sources = model.knowledge.sources.iter();
    sources.filter(move |source| source.kind == kind)
}

fn kind_of(source: &str, model: &Model) -> Option<SourceKind> {
    let mut sources = model.knowledge.sources.iter();
    sources.find(|s| &*s.name == source).map(|s| s.kind)
}

/// Which of the clusters: the one that tells of it, else the one of its label, else the only one that
/// nobody has named.
fn cluster_of(label: Option<&Untrusted>, source: &str, model: &Model) -> Cluster {
    let clusters: Vec<&SourceState> = sources(model, SourceKind::Kubernetes).collect();
    let is_it = |s: &&&SourceState| match label.map(Untrusted::raw) {
        _ if &*s.name == source => true,
        Some(label) => s.cluster.as_deref() == Some(label) || &*s.name == label,
        None => false,
    };
    let mut unnamed = clusters.iter().filter(|s| s.cluster.is_none());
    let found = clusters.iter().find(is_it);
    let only = match (unnamed.next(), unnamed.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    };
    let sole = (label.is_none() && clusters.len() == 1).then(|| &clusters[0]);
    match found.or(only).or(sole) {
        Some(source) => Cluster::Named(source.name.to_string()),
        None if label.is_some() && clusters.iter().all(|s| s.cluster.is_some()) => Cluster::Foreign,
        None => Cluster::Unknown,
    }
}

fn offer(spec: &ActionSpec, target: Untrusted, from: Untrusted) -> Offer {
    Offer {
        action: spec.name.to_string(),
        help: spec.help.to_string(),
        target,
        from,
        risk: spec.risk,
        direction: spec.direction,
        given: BTreeMap::new(),
        off: None,
    }
}

/// Everything that can be done to an object.
fn about(object: &Object, model: &Model) -> Vec<Offer> {
    let (actions, name, value): (&[&str], &str, &str) = match &object.what {
        Pinned::Workload(target) if target.contains("/deployment/") => (
            &[
                "k8s.rollout.undo",
                "k8s.rollout.pause",
                "k8s.rollout.restart",
                "k8s.scale",
                "k8s.rollout.resume",
            ],
            "target",
            target,
        ),
        // What cannot be paused.
        Pinned::Workload(target) if target.contains("/daemonset/") => (
            &["k8s.rollout.undo", "k8s.rollout.restart"],
            "target",
            target,
        ),
        Pinned::Workload(target) => (
            &["k8s.rollout.undo", "k8s.rollout.restart", "k8s.scale"],
            "target",
            target,
        ),
        Pinned::Rollout(target) => (
            &["rollouts.abort", "rollouts.retry", "rollouts.promote"],
            "target",
            target,
        ),
        Pinned::Pod(target) => (&["k8s.pod.evict", "k8s.pod.delete"], "target", target),
        Pinned::CronJob(target) => (
            &["k8s.cronjob.suspend", "k8s.cronjob.resume"],
            "target",
            target,
        ),
        Pinned::Autoscaler(target) => (&["k8s.hpa.bounds"], "target", target),
        Pinned::Quota(target) => (&["k8s.quota.set"], "target", target),
        Pinned::Node(node) => (
            &["k8s.node.cordon", "k8s.node.drain", "k8s.node.uncordon"],
            "node",
            node,
        ),
        Pinned::Application(app) => (
            &[
                "argocd.app.rollback",
                "argocd.app.terminate",
                "argocd.app.refresh",
                "argocd.app.sync",
            ],
            "app",
            app,
        ),
        Pinned::Flux(target) => (
            &["flux.suspend", "flux.reconcile", "flux.resume"],
            "target",
            target,
        ),
        Pinned::Terraform => (&["terraform.plan", "terraform.apply"], "dir", ""),
    };
    let has_cluster = sources(model, SourceKind::Kubernetes).next().is_some();
    let specs = actions
        .iter()
        .filter_map(|action| model.acting.catalogue.get(action));
    specs
        .map(|spec| {
            let mut offer = offer(spec, Untrusted::line(value), object.from.clone());
            if !value.is_empty() {
                offer.given.insert(name.to_owned(), value.to_owned());
            }
            if spec.upstream == Upstream::Kubernetes {
                offer.off = match &object.cluster {
                    _ if !has_cluster => Some(NO_CLUSTER),
                    Cluster::Foreign => Some(ELSEWHERE),
                    Cluster::Named(_) | Cluster::Unknown => None,
                };
                if let Cluster::Named(name) = &object.cluster {
                    offer.given.insert(CLUSTER.to_owned(), name.clone());
                }
            }
            offer
        })
        .collect()
}
