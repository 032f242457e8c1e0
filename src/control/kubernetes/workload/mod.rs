//! How are workloads restarted, put back, paused and scaled, and the settings around them changed?
//!
//! [`resolve`] pins the objects that a request names, [`plan`] reads them again with what stands around them
//! and hands both to a pure planner: one file for each action. Called by [`super`].

mod around;
mod bounds;
mod cronjob;
mod differences;
mod patch;
mod pause;
mod place;
mod proposal;
mod quantity;
mod quota;
mod restart;
mod rolling;
mod scale;
#[cfg(test)]
mod tests;
mod undo;
mod watch;

use serde_json::Value;

use self::around::{Around, Heard};
use self::patch::Patch;
use self::place::{Kind, Place};
use self::proposal::{Back, Change, Proposal};
use super::{Cluster, Clusters};
use crate::control::NoPlan;
use crate::domain::action::{ActionRequest, Direction, Risk};
use crate::domain::check::{ReadCheck, at};
use crate::domain::plan::{Blast, Plan, Seed, Target};
use crate::domain::source::SourceName;
use crate::domain::text::{Untrusted, shown};

/// One object, with what its planner may know.
#[derive(Clone, Copy)]
struct Case<'a> {
    server: &'a SourceName,
    place: &'a Place,
    object: &'a Value,
    around: &'a Around,
    seed: &'a Seed,
}

impl Case<'_> {
    /// The mark of the action.
    fn marker(&self) -> &str {
        self.seed.id.as_str()
    }

    /// The mark of what takes it back.
    fn marker_back(&self) -> String {
        format!("{}-back", self.seed.id)
    }

    /// A marked change of the object itself. What stands at `kept` has to be as it was for it not to
    /// have been done, beside uid and generation.
    fn change(&self, what: String, patch: Patch, check: ReadCheck, kept: &[&str]) -> Change {
        let Case {
            server,
            place,
            object,
            ..
        } = *self;
        let marker = self.marker();
        Change {
            what,
            write: patch.mark(object, marker).write(server, &place.path()),
            check,
            evidence: watch::marked(server, place, object, marker, kept),
        }
    }

    /// What takes such a change back: only where its mark still stands.
    fn back(&self, what: String, patch: Patch, check: ReadCheck) -> Back {
        let Case {
            server,
            place,
            object,
            ..
        } = *self;
        let (first, second) = (self.marker(), self.marker_back());
        let patch = patch.mark_over(first, &second);
        let change = Change {
            what,
            write: patch.write(server, &place.path()),
            check,
            evidence: watch::marked_back(server, place, object, first, &second),
        };
        Back::Change {
            change: Box::new(change),
            trial: None,
        }
    }

    /// A proposal that touches nothing but the object, and knows who else puts it back.
    fn proposal(&self, change: Change, back: Back, risk: Risk, direction: Direction) -> Proposal {
        Proposal {
            change,
            back,
            risk,
            direction,
            differences: Vec::new(),
            blast: self.blast((Some(1), Some(1)), &[]),
            preconditions: around::owner(self.object).into_iter().collect(),
            access: self.place.patch(),
            notes: Vec::new(),
        }
    }

    /// So many of so many, in words.
    fn blast(&self, (count, of): (Option<u32>, Option<u32>), words: &[String]) -> Blast {
        Blast {
            count,
            of,
            namespaces: vec![Untrusted::line(&self.place.namespace)],
            words: words.iter().map(|words| Untrusted::line(words)).collect(),
        }
    }
}

/// The kind that an action is about, where its targets do not say so.
fn kind_of(action: &str) -> Option<Kind> {
    match action {
        "k8s.cronjob.suspend" | "k8s.cronjob.resume" => Some(Kind::CronJob),
        "k8s.hpa.bounds" => Some(Kind::Autoscaler),
        "k8s.quota.set" => Some(Kind::Quota),
        _ => None,
    }
}

/// Whether an action is one of these.
pub(super) fn is_ours(action: &str) -> bool {
    let is_rollout = matches!(
        action,
        "k8s.rollout.restart"
            | "k8s.rollout.undo"
            | "k8s.rollout.pause"
            | "k8s.rollout.resume"
            | "k8s.scale"
    );
    is_rollout || kind_of(action).is_some()
}

/// Looks up what a request names, and pins it.
pub(super) async fn resolve(
    clusters: &Clusters,
    request: &ActionRequest,
) -> Result<Vec<Target>, NoPlan> {
    let cluster = clusters.pick(request)?;
    let kind = kind_of(&request.action);
    let mut places: Vec<Place> = Vec::new();
    for text in request.list("target")? {
        let place = match kind {
            Some(kind) => Place::of_kind(kind, text)?,
            None => Place::parse(text)?,
        };
        let is_workload = matches!(
            place.kind,
            Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet
        );
        if kind.is_none() && !is_workload {
            let why = format!(
                "{} is none of deployment, statefulset, daemonset",
                place.words()
            );
            return Err(NoPlan::new(why));
        }
        if places.contains(&place) {
            return Err(NoPlan::new(format!("{} is named twice", place.words())));
        }
        places.push(place);
    }
    let identity = cluster.identity().await?;
    let mut targets = Vec::new();
    for place in places {
        let object = object(cluster, &place).await?;
        let mut target = target(cluster, &identity, &place, &object);
        target.service = clusters.service(cluster, place.kind.proper(), &object);
        targets.push(target);
    }
    Ok(targets)
}

fn target(cluster: &Cluster, identity: &str, place: &Place, object: &Value) -> Target {
    let uid = at(object, "/metadata/uid").and_then(Value::as_str);
    Target {
        env: cluster.env().map(Untrusted::line),
        server: cluster.name().clone(),
        server_identity: identity.to_owned(),
        name: Untrusted::line(&place.words()),
        word: Untrusted::line(&place.name),
        namespace: Some(Untrusted::line(&place.namespace)),
        service: None,
        uid: uid.map(str::to_owned),
    }
}

async fn object(cluster: &Cluster, place: &Place) -> Result<Value, NoPlan> {
    let fetched = cluster.get(&place.path()).await?;
    fetched.value.ok_or_else(|| {
        let (words, cluster) = (place.words(), shown(cluster.name()));
        NoPlan::new(format!("there is no {words} in {cluster}"))
    })
}

/// Makes the plan for pinned targets, with a dry run.
pub(super) async fn plan(
    clusters: &Clusters,
    request: &ActionRequest,
    seed: &Seed,
    targets: &[Target],
) -> Result<Plan, NoPlan> {
    let cluster = match targets.first() {
        Some(target) => clusters.named(&target.server),
        None => None,
    };
    let cluster =
        cluster.ok_or_else(|| NoPlan::new("its cluster is not in the config any more"))?;
    let identity = cluster.identity().await?;
    let mut proposals = Vec::new();
    for target in targets {
        if target.server_identity != identity {
            let name = shown(cluster.name());
            let why = format!("{name} is another cluster than when this was asked for");
            return Err(NoPlan::new(why));
        }
        let place = Place::parse(target.name.raw())?;
        let object = object(cluster, &place).await?;
        pinned(target, &place, &object)?;
        let around = Around::of(cluster, &place.namespace).await;
        let case = Case {
            server: cluster.name(),
            place: &place,
            object: &object,
            around: &around,
            seed,
        };
        proposals.push(proposed(cluster, request, &case).await?);
    }
    proposal::weighed(cluster, (request, seed, targets), proposals).await
}

/// That it is still the object that was resolved.
fn pinned(target: &Target, place: &Place, object: &Value) -> Result<(), NoPlan> {
    let words = place.words();
    let uid = at(object, "/metadata/uid").and_then(Value::as_str);
    if uid.is_none() || uid != target.uid.as_deref() {
        let why = format!("{words} was deleted and made again since it was asked for");
        return Err(NoPlan::new(why));
    }
    if at(object, "/metadata/deletionTimestamp").is_some_and(|time| !time.is_null()) {
        return Err(NoPlan::new(format!("{words} is being deleted")));
    }
    Ok(())
}

async fn proposed(
    cluster: &Cluster,
    request: &ActionRequest,
    case: &Case<'_>,
) -> Result<Proposal, NoPlan> {
    let integer = |name: &str| match request.get(name) {
        Some(_) => request.integer(name).map(Some),
        None => Ok(None),
    };
    match &*request.action {
        "k8s.rollout.restart" => restart::plan(case),
        "k8s.rollout.undo" => {
            let history = history(cluster, case).await?;
            undo::plan(case, &history, integer("to")?)
        }
        "k8s.rollout.pause" => pause::plan(case, pause::Way::Pause),
        "k8s.rollout.resume" => pause::plan(case, pause::Way::Resume),
        "k8s.scale" => scale::plan(case, request.integer("replicas")?),
        "k8s.cronjob.suspend" => cronjob::plan(case, cronjob::Way::Suspend),
        "k8s.cronjob.resume" => cronjob::plan(case, cronjob::Way::Resume),
        "k8s.hpa.bounds" => bounds::plan(case, integer("min")?, integer("max")?),
        "k8s.quota.set" => {
            let given = request.parameters.iter();
            let hard: Vec<(&str, &str)> = given
                .filter_map(|(name, value)| Some((name.strip_prefix("hard.")?, value.as_str())))
                .collect();
            quota::plan(case, &hard)
        }
        other => Err(NoPlan::new(format!(
            "nothing here plans `{}`",
            shown(other)
        ))),
    }
}

/// Earlier templates of a workload and of its neighbours.
async fn history(cluster: &Cluster, case: &Case<'_>) -> Result<Vec<Value>, NoPlan> {
    let plural = match case.place.kind {
        Kind::Deployment => "replicasets",
        _ => "controllerrevisions",
    };
    let namespace = &case.place.namespace;
    let path = format!("/apis/apps/v1/namespaces/{namespace}/{plural}");
    match Heard::of(cluster, &path).await {
        Heard::These(items) => Ok(items),
        Heard::Unheard(why) => Err(NoPlan::new(format!("no {plural} can be read: {why}"))),
    }
}
