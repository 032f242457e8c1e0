//! How does a pod leave?
//!
//! Eviction asks the disruption budgets; deletion passes them. Both meet one pod by its uid, never a
//! successor of the same name. Called by [`super::super::families`]; [`super::drain`] uses the same step.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::budget::{Budget, Verdict, budgets, verdict};
use super::draft::{
    Draft, QUERY, Rehearsal, as_before, difference, either, git_owner, is, is_not, list, name,
    namespaced, number, read, text,
};
use super::finish::{Context, list_all, object, pin, pinned};
use super::node::is_mirror;
use super::room::pod_name;
use super::{Access, Cluster};
use crate::control::NoPlan;
use crate::domain::action::{ActionRequest, Direction, Risk};
use crate::domain::check::{Condition, Evidence, ReadCheck, at};
use crate::domain::plan::{
    Grade, Holds, HttpWrite, Plan, Seed, Step, Target, Verb, WhenBusy, Write,
};
use crate::domain::source::SourceName;
use crate::domain::text::Untrusted;

/// A used-up budget is waited for so long.
pub(super) const BUDGET_WAIT: Duration = Duration::from_mins(10);
/// Beyond its time to end, a pod and its successor are waited for so long.
const SUCCESSOR: Duration = Duration::from_mins(5);

/// How it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Evicted,
    Deleted,
}

impl Way {
    fn word(self) -> &'static str {
        match self {
            Self::Evicted => "evict",
            Self::Deleted => "delete",
        }
    }
}

/// Who makes another pod when one leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) kind: String,
    pub(super) name: String,
    /// The query that lists all pods of it, and how many there are to be.
    pub(super) siblings: Option<(String, i64)>,
    /// Whether all of them were ready.
    pub(super) all_ready: bool,
}

/// Pins the pods.
pub(crate) async fn resolve(
    cluster: &Cluster,
    request: &ActionRequest,
) -> Result<Vec<Target>, NoPlan> {
    let mut targets: Vec<Target> = Vec::new();
    for one in request.list("target")? {
        let (namespace, name) = namespaced(one)?;
        let found = object(cluster, &path(namespace, name), &format!("pod {one}")).await?;
        let target = pin(cluster, &found, "pod").await?;
        if targets.iter().any(|known| known.name == target.name) {
            return Err(NoPlan::new(format!("pod {one} is named twice")));
        }
        targets.push(target);
    }
    Ok(targets)
}

/// Plans an eviction or a deletion.
pub(crate) async fn plan(
    cluster: &Cluster,
    request: &ActionRequest,
    seed: &Seed,
    targets: &[Target],
) -> Result<Plan, NoPlan> {
    let way = match &*request.action {
        "k8s.pod.delete" => Way::Deleted,
        _ => Way::Evicted,
    };
    let mut pods = Vec::new();
    let mut known: Vec<Budget> = Vec::new();
    let mut unknown = None;
    for (one, target) in request.list("target")?.iter().zip(targets) {
        let (namespace, name) = namespaced(one)?;
        let pod = pinned(cluster, &path(namespace, name), Some(target)).await?;
        let owner = owner(cluster, &pod).await;
        pods.push((pod, owner));
        match list_all(cluster, &budget_path(namespace)).await {
            Ok(all) => known.extend(budgets(&all)),
            Err(why) => unknown = Some(why.to_string()),
        }
    }
    known.sort();
    known.dedup();
    let known = unknown.map_or(Ok(known), Err);
    let draft = draft(cluster.name(), &pods, known.as_deref(), way)?;
    Context::new(cluster, request, seed, targets)
        .finish(draft)
        .await
}

pub(super) fn path(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/pods/{name}")
}

fn budget_path(namespace: &str) -> String {
    format!("/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets")
}

/// Its controller, as its own reference names it.
pub(super) fn controller(pod: &Value) -> Option<&Value> {
    list(pod, "/metadata/ownerReferences")
        .iter()
        .find(|owner| at(owner, "/controller").and_then(Value::as_bool) == Some(true))
}

/// Who makes another when this one leaves; none where nobody does.
pub(super) async fn owner(cluster: &Cluster, pod: &Value) -> Option<Owner> {
    let reference = controller(pod)?;
    let (kind, owner) = (text(reference, "/kind"), text(reference, "/name"));
    let namespace = text(pod, "/metadata/namespace");
    let path = match (kind, name(owner)) {
        ("ReplicaSet", Ok(owner)) => Some(format!(
            "/apis/apps/v1/namespaces/{namespace}/replicasets/{owner}"
        )),
        _ => None,
    };
    let found = match path {
        Some(path) => cluster.get(&path).await.ok().and_then(|found| found.value),
        None => None,
    };
    Some(owned_by(kind, owner, found.as_ref()))
}

/// What its object says of its pods.
pub(super) fn owned_by(kind: &str, name: &str, object: Option<&Value>) -> Owner {
    let selector = object.and_then(selector);
    let wanted = object.map_or(0, |object| number(object, "/spec/replicas"));
    let ready = object.map_or(-1, |object| number(object, "/status/readyReplicas"));
    Owner {
        kind: kind.to_owned(),
        name: name.to_owned(),
        siblings: selector.filter(|_| wanted > 0).map(|s| (s, wanted)),
        all_ready: wanted == ready,
    }
}

/// The labels of its selector as a query. None where it says more than labels can.
fn selector(object: &Value) -> Option<String> {
    if !list(object, "/spec/selector/matchExpressions").is_empty() {
        return None;
    }
    let labels = at(object, "/spec/selector/matchLabels")?.as_object()?;
    let pairs: Option<Vec<String>> = labels
        .iter()
        .map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect();
    let query = pairs?.join(",");
    let encoded: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    (!encoded.is_empty()).then_some(encoded)
}

/// One pod's leaving, as a step.
pub(super) fn step(server: &SourceName, pod: &Value, owner: Option<&Owner>, way: Way) -> Step {
    let (namespace, name) = (
        text(pod, "/metadata/namespace"),
        text(pod, "/metadata/name"),
    );
    let path = path(namespace, name);
    let uid = json!(text(pod, "/metadata/uid"));
    let gone = either(Condition::NotFound, is_not("/metadata/uid", uid.clone()));
    let going = Condition::Present("/metadata/deletionTimestamp".to_owned());
    Step {
        what: Untrusted::line(&format!("{} pod {}", way.word(), pod_name(pod))),
        target: 0,
        write: Write::Http(write(server, pod, way)),
        check: Some(check(server, &path, pod, owner, gone.clone())),
        evidence: Evidence::Read {
            read: read(server, &path),
            applied: vec![either(gone, going)],
            untouched: vec![
                as_before(pod, "/metadata/uid"),
                Condition::Absent("/metadata/deletionTimestamp".to_owned()),
            ],
        },
        when_busy: match way {
            Way::Evicted => WhenBusy::WaitFor(BUDGET_WAIT),
            Way::Deleted => WhenBusy::AskAgain,
        },
    }
}

/// How a step is tried. A DELETE with a body takes its options from there alone: a dry run that only the
/// query names would delete.
pub(super) fn rehearsal(step: &Step, way: Way, may_wait: bool) -> Option<Rehearsal> {
    let Write::Http(write) = &step.write else {
        return None;
    };
    let mut write = write.clone();
    if way == Way::Deleted {
        let mut body: Value = serde_json::from_str(&write.body).ok()?;
        body["dryRun"] = json!(["All"]);
        write.body = body.to_string();
    }
    Some(Rehearsal {
        what: step.what.raw().to_owned(),
        write,
        may_wait,
    })
}

fn write(server: &SourceName, pod: &Value, way: Way) -> HttpWrite {
    let (namespace, name) = (
        text(pod, "/metadata/namespace"),
        text(pod, "/metadata/name"),
    );
    let only_this = json!({ "uid": text(pod, "/metadata/uid") });
    let path = path(namespace, name);
    let (verb, path, body) = match way {
        Way::Evicted => (
            Verb::Post,
            format!("{path}/eviction{QUERY}"),
            json!({
                "apiVersion": "policy/v1", "kind": "Eviction",
                "metadata": { "name": name, "namespace": namespace },
                "deleteOptions": { "preconditions": only_this },
            }),
        ),
        Way::Deleted => (
            Verb::Delete,
            path,
            json!({ "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": only_this }),
        ),
    };
    HttpWrite {
        server: server.clone(),
        verb,
        path,
        content_type: Some("application/json".to_owned()),
        headers: Vec::new(),
        body: body.to_string(),
    }
}

/// Done when the pod is gone and, where that can be told, its successor is ready.
fn check(
    server: &SourceName,
    path: &str,
    pod: &Value,
    owner: Option<&Owner>,
    gone: Condition,
) -> ReadCheck {
    const READY: &str = "/status/conditions/[type=Ready]/status";
    let uid = text(pod, "/metadata/uid");
    let grace = at(pod, "/spec/terminationGracePeriodSeconds").and_then(Value::as_u64);
    let within = Duration::from_secs(grace.unwrap_or(30)) + SUCCESSOR;
    let was_ready = text(pod, READY) == "True";
    let siblings = owner.and_then(|owner| owner.siblings.as_ref().map(|s| (s, owner)));
    let (path, done, shown) = match (siblings, owner) {
        (Some(((query, wanted), owner)), _) => {
            let namespace = text(pod, "/metadata/namespace");
            let mut done = vec![
                Condition::Absent(format!("/items/[metadata~1uid={uid}]")),
                Condition::Present(format!("/items/{}", wanted - 1)),
                Condition::Absent("/items/[status~1phase=Pending]".to_owned()),
            ];
            if owner.all_ready {
                done.push(Condition::Absent(
                    "/items/[status~1conditions~1[type=Ready]~1status=False]".to_owned(),
                ));
            }
            let path = format!("/api/v1/namespaces/{namespace}/pods?labelSelector={query}");
            let leaving = format!("/items/[metadata~1uid={uid}]/metadata/deletionTimestamp");
            (path, done, vec![(Untrusted::line("ends"), leaving)])
        }
        (None, Some(owner)) if owner.kind == "StatefulSet" => {
            let mut done = vec![is_not("/metadata/uid", json!(uid))];
            if was_ready {
                done.push(is(READY, json!("True")));
            }
            let shown = vec![(Untrusted::line("ready"), READY.to_owned())];
            (path.to_owned(), done, shown)
        }
        _ => (path.to_owned(), vec![gone], Vec::new()),
    };
    ReadCheck {
        read: read(server, &path),
        done,
        failed: Vec::new(),
        shown,
        within,
    }
}

/// What is lost with a pod: that nobody makes another, or what only it holds.
pub(super) fn losses(pod: &Value) -> Vec<String> {
    let mut lost = Vec::new();
    if controller(pod).is_none() {
        lost.push(format!("{}: nobody makes another", pod_name(pod)));
    }
    for volume in list(pod, "/spec/volumes") {
        if at(volume, "/emptyDir").is_some() {
            let volume = text(volume, "/name");
            lost.push(format!("{}: emptyDir `{volume}` is lost", pod_name(pod)));
        }
    }
    lost
}

/// What has to be permitted.
pub(super) fn access(pod: &Value, way: Way) -> Access {
    let access = match way {
        Way::Evicted => Access::to("create", "", "pods").part("eviction"),
        Way::Deleted => Access::to("delete", "", "pods"),
    };
    access.within(text(pod, "/metadata/namespace"))
}

fn draft(
    server: &SourceName,
    pods: &[(Value, Option<Owner>)],
    budgets: Result<&[Budget], &String>,
    way: Way,
) -> Result<Draft, NoPlan> {
    let verb = way.word();
    let names: Vec<String> = pods.iter().map(|(pod, _)| pod_name(pod)).collect();
    let title = format!("{verb} pod {}", super::node::some(&names));
    let mut draft = Draft::new(title, Risk::R2, Direction::Neutral);
    for (index, (pod, owner)) in pods.iter().enumerate() {
        refuse(pod)?;
        let mut step = step(server, pod, owner.as_ref(), way);
        step.target = index;
        let may_wait = judge(&mut draft, pod, budgets, way);
        draft.rehearsals.extend(rehearsal(&step, way, may_wait));
        draft.steps.push(step);
        draft.needs(access(pod, way));
        let now = text(pod, "/status/phase");
        let node = text(pod, "/spec/nodeName");
        let before = format!("{now} on {node}");
        draft
            .differences
            .push(difference(&pod_name(pod), Some(&before), None));
        say_owner(&mut draft, pod, owner.as_ref());
    }
    losing(&mut draft, pods.iter().map(|(pod, _)| pod));
    count(&mut draft, pods.iter().map(|(pod, _)| pod));
    if pods.len() > 1 {
        draft.grade = Grade::C;
        draft.notes.push(apart());
    }
    draft.back = super::draft::Back::None(
        "a pod does not come back: its owner makes another, with another name or uid".to_owned(),
    );
    Ok(draft)
}

/// Why a batch is worth less than its parts.
pub(super) fn apart() -> String {
    "each pod is tried by itself: a dry run keeps no trace in the budgets, so together they may wait"
        .to_owned()
}

fn refuse(pod: &Value) -> Result<(), NoPlan> {
    let why = if at(pod, "/metadata/deletionTimestamp").is_some() {
        "is ending already"
    } else if is_mirror(pod) {
        "is the kubelet's own (a mirror pod): only its node can stop it"
    } else {
        return Ok(());
    };
    Err(NoPlan::new(format!("pod {} {why}", pod_name(pod))))
}

/// Says what the budgets say of a pod; whether it would wait now.
pub(super) fn judge(
    draft: &mut Draft,
    pod: &Value,
    budgets: Result<&[Budget], &String>,
    way: Way,
) -> bool {
    let name = pod_name(pod);
    let what = format!("disruption budgets let {name} go");
    let known = match budgets {
        Ok(known) => known,
        Err(why) => {
            draft.holds(&what, Holds::Unknown, why);
            return true;
        }
    };
    let verdict = verdict(known, pod);
    if way == Way::Deleted {
        let detail = match &verdict {
            Verdict::Free => {
                "no budget covers it: eviction would do the same, prefer it".to_owned()
            }
            Verdict::Allowed(budget) | Verdict::Waits(budget) => {
                format!("a deletion passes the budget {budget}: prefer k8s.pod.evict")
            }
            Verdict::TwoBudgets(both) => {
                format!(
                    "two budgets cover it ({both}), so that it cannot be evicted; a deletion passes both"
                )
            }
        };
        draft.holds(&what, Holds::Warns, &detail);
        return false;
    }
    match verdict {
        Verdict::Free => false,
        Verdict::Allowed(budget) => {
            draft.holds(
                &what,
                Holds::Yes,
                &format!("budget {budget} allows one now"),
            );
            false
        }
        Verdict::Waits(budget) => {
            let detail = format!(
                "budget {budget} allows no disruption now: it will wait, {} minutes at most",
                BUDGET_WAIT.as_secs() / 60
            );
            draft.holds(&what, Holds::Warns, &detail);
            true
        }
        Verdict::TwoBudgets(both) => {
            let detail =
                format!("two budgets cover it: {both}. The server evicts no such pod (500)");
            draft.holds(&what, Holds::No, &detail);
            false
        }
    }
}

/// Raises the risk for what cannot be had again.
pub(super) fn losing<'a>(draft: &mut Draft, pods: impl Iterator<Item = &'a Value>) {
    let lost: Vec<String> = pods.flat_map(losses).collect();
    if lost.is_empty() {
        return;
    }
    draft.risk = Risk::R3;
    draft.holds("nothing is lost", Holds::Warns, &lost.join("; "));
}

/// Counts what leaves, and from where.
pub(super) fn count<'a>(draft: &mut Draft, pods: impl Iterator<Item = &'a Value>) {
    let mut by_namespace: BTreeMap<String, u32> = BTreeMap::new();
    for pod in pods {
        let namespace = text(pod, "/metadata/namespace");
        *by_namespace.entry(namespace.to_owned()).or_default() += 1;
    }
    draft.blast.count = Some(by_namespace.values().sum());
    for (namespace, count) in by_namespace {
        draft.touches(&format!("{count} pods of namespace {namespace}"));
        draft.blast.namespaces.push(Untrusted::line(&namespace));
    }
}

/// Says who makes another.
pub(super) fn say_owner(draft: &mut Draft, pod: &Value, owner: Option<&Owner>) {
    let Some(owner) = owner else { return };
    let words = match &*owner.kind {
        "Job" => format!(
            "{}: its Job {} may count this as a failure",
            pod_name(pod),
            owner.name
        ),
        _ => format!(
            "{}: {} {} makes another",
            pod_name(pod),
            owner.kind,
            owner.name
        ),
    };
    draft.touches(&words);
    if let Some(git) = git_owner(pod) {
        draft.touches(&format!("{} is declared in git ({git})", pod_name(pod)));
    }
}

#[cfg(test)]
#[path = "pod_tests.rs"]
mod tests;
