//! Which nodes take new pods?
//!
//! Cordon and uncordon: one field of a node. The taint that goes with it is set by the node controller, not
//! here. Called by [`super::super::families`]; [`super::drain`] uses the same step.

use std::time::Duration;

use serde_json::{Value, json};

use super::draft::{
    Back, Draft, MARKER_PLACE, Patch, as_before, difference, is, list, marker_evidence, name, read,
    step, text,
};
use super::finish::{Context, list_all, object, pin, pinned};
use super::room::{Room, is_over, room};
use super::{Access, Cluster};
use crate::control::NoPlan;
use crate::domain::action::{ActionRequest, Direction, Risk};
use crate::domain::check::{Condition, Evidence, ReadCheck, at};
use crate::domain::plan::{ActionId, Holds, Plan, Seed, Step, Target};
use crate::domain::source::SourceName;
use crate::domain::text::Untrusted;

const FIELD: &str = "/spec/unschedulable";

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Cordoned,
    Schedulable,
}

/// What stands around a node.
pub(super) struct Around {
    pub(super) node: Value,
    /// Pods on it.
    pub(super) pods: Vec<Value>,
    /// How many run in the cluster, where that is known.
    pub(super) all_pods: Option<u32>,
    pub(super) room: Room,
}

/// Pins the node.
pub(crate) async fn resolve(
    cluster: &Cluster,
    request: &ActionRequest,
) -> Result<Vec<Target>, NoPlan> {
    let node = name(request.text("node")?)?;
    let found = object(cluster, &path(node), &format!("node {node}")).await?;
    Ok(vec![pin(cluster, &found, "node").await?])
}

/// Plans a cordon or an uncordon.
pub(crate) async fn plan(
    cluster: &Cluster,
    request: &ActionRequest,
    seed: &Seed,
    targets: &[Target],
) -> Result<Plan, NoPlan> {
    let around = look(cluster, request.text("node")?, targets.first()).await?;
    let wanted = match &*request.action {
        "k8s.node.uncordon" => Wanted::Schedulable,
        _ => Wanted::Cordoned,
    };
    let draft = draft(cluster.name(), &around, wanted, &seed.id)?;
    Context::new(cluster, request, seed, targets)
        .finish(draft)
        .await
}

/// Reads a node, what runs there, and whether it would fit elsewhere.
pub(super) async fn look(
    cluster: &Cluster,
    node: &str,
    target: Option<&Target>,
) -> Result<Around, NoPlan> {
    let node = name(node)?;
    let found = pinned(cluster, &path(node), target).await?;
    let on_it = format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{node}");
    let mut pods = list_all(cluster, &on_it).await?;
    pods.sort_by_key(super::room::pod_name);
    let nodes = list_all(cluster, "/api/v1/nodes").await;
    let (all_pods, room) = match (nodes, list_all(cluster, "/api/v1/pods").await) {
        (Ok(nodes), Ok(all)) => {
            let running = all.iter().filter(|pod| !is_over(pod)).count();
            let leaving: Vec<&Value> = pods.iter().filter(|pod| moves(pod)).collect();
            let room = room(node, &nodes, &all, &leaving);
            (u32::try_from(running).ok(), room)
        }
        (Err(why), _) | (_, Err(why)) => (None, Room::Unknown(why.to_string())),
    };
    Ok(Around {
        node: found,
        pods,
        all_pods,
        room,
    })
}

/// Whether a pod would be started elsewhere if it left.
pub(super) fn moves(pod: &Value) -> bool {
    let is_of = |kind: &str| {
        list(pod, "/metadata/ownerReferences")
            .iter()
            .any(|owner| text(owner, "/kind") == kind)
    };
    let is_going = at(pod, "/metadata/deletionTimestamp").is_some();
    !is_over(pod) && !is_going && !is_mirror(pod) && !is_of("DaemonSet")
}

/// Whether it is the kubelet's own, which no API server can stop.
pub(super) fn is_mirror(pod: &Value) -> bool {
    at(pod, "/metadata/annotations/kubernetes.io~1config.mirror").is_some()
}

pub(super) fn path(node: &str) -> String {
    format!("/api/v1/nodes/{node}")
}

pub(super) fn is_cordoned(node: &Value) -> bool {
    at(node, FIELD).and_then(Value::as_bool) == Some(true)
}

/// What has to be permitted to cordon.
pub(super) fn access(node: &str) -> Access {
    Access::to("patch", "", "nodes").named(node)
}

/// The step that changes the field.
pub(super) fn field_step(server: &SourceName, node: &Value, wanted: Wanted, id: &ActionId) -> Step {
    let name = text(node, "/metadata/name");
    let path = path(name);
    let patch = Patch::of(node);
    let (verb, patch, done) = match wanted {
        Wanted::Cordoned => (
            "cordon",
            patch.put(node, FIELD, json!(true)),
            vec![is(FIELD, json!(true))],
        ),
        Wanted::Schedulable => (
            "uncordon",
            patch.drop(node, FIELD),
            vec![is(FIELD, Value::Null)],
        ),
    };
    let write = patch.marked(node, id, &[]).write(server, &path);
    let evidence = marker_evidence(server, &path, node, id, &[FIELD]);
    let mut step = step(&format!("{verb} node {name}"), write, evidence);
    step.check = Some(check(server, &path, node, done));
    step
}

/// The step that takes a cordon back, and only ours.
pub(super) fn back_step(server: &SourceName, node: &Value, was: Wanted, id: &ActionId) -> Step {
    let name = text(node, "/metadata/name");
    let path = path(name);
    let patch = Patch::of(node).test(MARKER_PLACE, json!(id.as_str()));
    let (verb, patch, done) = match was {
        Wanted::Cordoned => (
            "cordon",
            patch.test(FIELD, Value::Null).add(FIELD, json!(true)),
            is(FIELD, json!(true)),
        ),
        Wanted::Schedulable => (
            "uncordon",
            patch.test(FIELD, json!(true)).remove(FIELD),
            is(FIELD, Value::Null),
        ),
    };
    let uid = as_before(node, "/metadata/uid");
    let evidence = Evidence::Read {
        read: read(server, &path),
        applied: vec![uid.clone(), done.clone()],
        untouched: vec![uid, super::draft::is_not(FIELD, field(was))],
    };
    let write = patch.write(server, &path);
    let mut step = step(&format!("{verb} node {name}"), write, evidence);
    step.check = Some(check(server, &path, node, vec![done]));
    step
}

fn field(wanted: Wanted) -> Value {
    match wanted {
        Wanted::Cordoned => json!(true),
        Wanted::Schedulable => Value::Null,
    }
}

fn check(server: &SourceName, path: &str, node: &Value, mut done: Vec<Condition>) -> ReadCheck {
    done.push(as_before(node, "/metadata/uid"));
    ReadCheck {
        read: read(server, path),
        done,
        failed: Vec::new(),
        shown: vec![(Untrusted::line("unschedulable"), FIELD.to_owned())],
        within: Duration::from_secs(30),
    }
}

fn draft(
    server: &SourceName,
    around: &Around,
    wanted: Wanted,
    id: &ActionId,
) -> Result<Draft, NoPlan> {
    let node = &around.node;
    let name = text(node, "/metadata/name");
    let (verb, before, direction) = match wanted {
        Wanted::Cordoned => ("cordon", Wanted::Schedulable, Direction::Neutral),
        Wanted::Schedulable => ("uncordon", Wanted::Cordoned, Direction::Adds),
    };
    if is_cordoned(node) == (wanted == Wanted::Cordoned) {
        return Err(NoPlan::new(format!(
            "node {name} is {verb}ed already: nothing to do"
        )));
    }
    let mut draft = Draft::new(format!("{verb} node {name}"), Risk::R1, direction);
    draft.step(field_step(server, node, wanted, id));
    draft.back = Back::Steps(
        format!(
            "{} node {name} again",
            match wanted {
                Wanted::Cordoned => "uncordon",
                Wanted::Schedulable => "cordon",
            }
        ),
        vec![back_step(server, node, before, id)],
    );
    let (old, new) = match wanted {
        Wanted::Cordoned => (None, Some("true")),
        Wanted::Schedulable => (Some("true"), None),
    };
    draft.differences.push(difference(FIELD, old, new));
    draft.needs(access(name));
    draft.notes.push(
        "who may patch nodes may also set taints and labels: the permission is wider than this"
            .to_owned(),
    );
    blast(&mut draft, around, wanted);
    Ok(draft)
}

fn blast(draft: &mut Draft, around: &Around, wanted: Wanted) {
    let staying = around.pods.iter().filter(|pod| moves(pod)).count();
    draft.blast.count = Some(1);
    match wanted {
        Wanted::Cordoned => {
            draft.touches(&format!("no new pod starts there; {staying} pods stay"));
            capacity(draft, &around.room);
        }
        Wanted::Schedulable => {
            draft.touches(&format!("new pods may start there; {staying} are there"));
            if is_unready(&around.node) {
                let detail = "its condition Ready is not True: why was it cordoned?";
                draft.holds("the node is ready", Holds::Warns, detail);
            }
        }
    }
}

fn is_unready(node: &Value) -> bool {
    text(node, "/status/conditions/[type=Ready]/status") != "True"
}

/// Says whether what leaves would find a place.
pub(super) fn capacity(draft: &mut Draft, room: &Room) {
    let what = "other nodes have room";
    match room {
        Room::Unknown(why) => draft.holds(what, Holds::Unknown, why),
        Room::Counted { others: 0, .. } => {
            draft.holds(what, Holds::Warns, "no other node takes pods");
        }
        Room::Counted { others, without } if without.is_empty() => {
            let detail = format!(
                "by requests the pods fit on {others} other nodes; affinities and volumes are not counted"
            );
            draft.holds(what, Holds::Yes, &detail);
        }
        Room::Counted { others, without } => {
            let detail = format!(
                "{} pods fit on none of {others} other nodes by their requests: {}",
                without.len(),
                some(without)
            );
            draft.holds(what, Holds::Warns, &detail);
        }
    }
}

/// The first few names of many.
pub(super) fn some(names: &[String]) -> String {
    const MOST: usize = 8;
    let mut words = names[..names.len().min(MOST)].join(", ");
    if names.len() > MOST {
        words = format!("{words} and {} more", names.len() - MOST);
    }
    words
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use crate::control::kubernetes::recorded;
    use crate::domain::plan::Write;

    fn around(node: Value) -> Around {
        Around {
            node,
            pods: Vec::new(),
            all_pods: Some(7),
            room: Room::Counted {
                others: 2,
                without: Vec::new(),
            },
        }
    }

    fn node_a() -> Value {
        recorded::item("lists/nodes.json", "node-a")
    }

    fn made(around: &Around, wanted: Wanted) -> Draft {
        draft(&"eu-1".into(), around, wanted, &recorded::seed().id).unwrap()
    }

    #[test]
    fn a_cordon_tests_what_it_replaces() {
        let ops = recorded::ops(&made(&around(node_a()), Wanted::Cordoned).steps[0]);
        let uid = text(&node_a(), "/metadata/uid").to_owned();
        assert_eq!(
            ops,
            json!([
                { "op": "test", "path": "/metadata/uid", "value": uid },
                { "op": "test", "path": "/spec/unschedulable", "value": null },
                { "op": "add", "path": "/spec/unschedulable", "value": true },
                { "op": "test", "path": MARKER_PLACE, "value": null },
                { "op": "add", "path": MARKER_PLACE, "value": recorded::seed().id.as_str() },
            ])
        );
    }

    #[test]
    fn a_heartbeat_changes_no_byte_of_it() {
        let mut later = node_a();
        later["status"]["conditions"][0]["lastHeartbeatTime"] = json!("2026-11-21T07:00:00Z");
        later["metadata"]["resourceVersion"] = json!("99999");
        let write = |node: Value| made(&around(node), Wanted::Cordoned).steps[0].write.clone();
        assert_eq!(write(node_a()), write(later));
        let mut replaced = node_a();
        replaced["metadata"]["uid"] = json!("another");
        assert_ne!(write(node_a()), write(replaced));
    }

    #[test]
    fn what_is_done_already_is_no_plan() {
        let cordoned: Value = recorded::json("actions/14-node-cordoned.json");
        let again = draft(
            &"eu-1".into(),
            &around(cordoned.clone()),
            Wanted::Cordoned,
            &recorded::seed().id,
        );
        assert!(again.unwrap_err().to_string().contains("already"));
        let back = made(&around(cordoned), Wanted::Schedulable);
        assert_eq!(back.direction, Direction::Adds);
        let ops = recorded::ops(&back.steps[0]);
        assert!(
            ops.to_string()
                .contains(r#"{"op":"remove","path":"/spec/unschedulable"}"#)
        );
        let Write::Http(write) = &back.steps[0].write else {
            unreachable!()
        };
        assert_eq!(
            write.path,
            "/api/v1/nodes/node-b?fieldManager=quell&fieldValidation=Strict"
        );
    }

    #[test]
    fn the_way_back_takes_back_only_ours() {
        let Back::Steps(_, steps) = made(&around(node_a()), Wanted::Cordoned).back else {
            unreachable!()
        };
        let ops = recorded::ops(&steps[0]).to_string();
        assert!(ops.contains(recorded::seed().id.as_str()), "{ops}");
        assert!(
            ops.contains(r#"{"op":"remove","path":"/spec/unschedulable"}"#),
            "{ops}"
        );
    }

    #[test]
    fn missing_room_is_said() {
        let state = |room: Room| {
            let mut around = around(node_a());
            around.room = room;
            let draft = made(&around, Wanted::Cordoned);
            draft.preconditions[0].state
        };
        let counted = |others, without: &[&str]| Room::Counted {
            others,
            without: without.iter().map(|w| (*w).to_owned()).collect(),
        };
        assert_eq!(state(counted(2, &[])), Holds::Yes);
        assert_eq!(state(counted(2, &["shop/cart"])), Holds::Warns);
        assert_eq!(state(counted(0, &[])), Holds::Warns);
        assert_eq!(state(Room::Unknown("403".to_owned())), Holds::Unknown);
    }

    #[test]
    fn an_object_without_annotations_gets_the_map() {
        let mut bare = node_a();
        bare["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("annotations");
        let ops = recorded::ops(&made(&around(bare), Wanted::Cordoned).steps[0]).to_string();
        assert!(
            ops.contains(r#"{"op":"test","path":"/metadata/annotations","value":null}"#),
            "{ops}"
        );
    }
}
