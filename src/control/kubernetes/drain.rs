//! How does every pod leave a node?
//!
//! First the cordon, then one eviction after the other, each watched until its successor is ready. What
//! belongs to the node itself stays: pods of `DaemonSets`, mirror pods, and what has ended. Called by
//! [`super::super::families`].

use std::collections::HashMap;

use serde_json::Value;

use super::Cluster;
use super::budget::{Budget, budgets};
use super::draft::{Back, Draft, difference, text};
use super::finish::{Context, list_all};
use super::node::{self, Around, Wanted};
use super::pod::{self, Owner, Way, controller};
use super::room::pod_name;
use crate::control::NoPlan;
use crate::domain::action::{ActionRequest, Direction, Risk};
use crate::domain::plan::{ActionId, Grade, Holds, Plan, Seed, Target};
use crate::domain::source::SourceName;

/// Pins the node.
pub(crate) async fn resolve(
    cluster: &Cluster,
    request: &ActionRequest,
) -> Result<Vec<Target>, NoPlan> {
    node::resolve(cluster, request).await
}

/// Plans the cordon and every eviction.
pub(crate) async fn plan(
    cluster: &Cluster,
    request: &ActionRequest,
    seed: &Seed,
    targets: &[Target],
) -> Result<Plan, NoPlan> {
    let around = node::look(cluster, request.text("node")?, targets.first()).await?;
    let budgets = list_all(cluster, "/apis/policy/v1/poddisruptionbudgets").await;
    let budgets = budgets
        .map(|all| self::budgets(&all))
        .map_err(|why| why.to_string());
    let owners = owners(cluster, &around.pods).await;
    let draft = draft(cluster.name(), &around, &owners, &budgets, &seed.id)?;
    Context::new(cluster, request, seed, targets)
        .finish(draft)
        .await
}

/// The owners of pods, by their uid, each asked for once.
async fn owners(cluster: &Cluster, pods: &[Value]) -> HashMap<String, Owner> {
    let mut owners = HashMap::new();
    for one in pods.iter().filter(|one| node::moves(one)) {
        let Some(uid) = controller(one).map(|owner| text(owner, "/uid").to_owned()) else {
            continue;
        };
        if owners.contains_key(&uid) {
            continue;
        }
        if let Some(owner) = pod::owner(cluster, one).await {
            owners.insert(uid, owner);
        }
    }
    owners
}

fn draft(
    server: &SourceName,
    around: &Around,
    owners: &HashMap<String, Owner>,
    budgets: &Result<Vec<Budget>, String>,
    id: &ActionId,
) -> Result<Draft, NoPlan> {
    let name = text(&around.node, "/metadata/name");
    let leaving: Vec<&Value> = around.pods.iter().filter(|one| node::moves(one)).collect();
    let mut draft = Draft::new(format!("drain node {name}"), Risk::R2, Direction::Neutral);
    if node::is_cordoned(&around.node) {
        if leaving.is_empty() {
            return Err(NoPlan::new(format!(
                "node {name} is cordoned and no pod has to leave it: nothing to do"
            )));
        }
        draft.touches("it is cordoned already");
        draft.back = Back::None("evicted pods do not come back by themselves".to_owned());
    } else {
        draft.step(node::field_step(server, &around.node, Wanted::Cordoned, id));
        draft.needs(node::access(name));
        draft
            .differences
            .push(difference("/spec/unschedulable", None, Some("true")));
        draft.back = Back::Steps(
            format!("uncordon node {name}; evicted pods do not come back there by themselves"),
            vec![node::back_step(
                server,
                &around.node,
                Wanted::Schedulable,
                id,
            )],
        );
    }
    pod::count(&mut draft, leaving.iter().copied());
    draft.blast.of = around.all_pods;
    for one in &leaving {
        let owner = controller(one).and_then(|owner| owners.get(text(owner, "/uid")));
        let step = pod::step(server, one, owner, Way::Evicted);
        let known = budgets.as_deref();
        let may_wait = pod::judge(&mut draft, one, known, Way::Evicted);
        let rehearsal = pod::rehearsal(&step, Way::Evicted, may_wait);
        draft.rehearsals.extend(rehearsal);
        draft.steps.push(step);
        draft.needs(pod::access(one, Way::Evicted));
        let before = format!("on {name}");
        draft
            .differences
            .push(difference(&pod_name(one), Some(&before), Some("evicted")));
        pod::say_owner(&mut draft, one, owner);
    }
    pod::losing(&mut draft, leaving.iter().copied());
    node::capacity(&mut draft, &around.room);
    staying(&mut draft, &around.pods);
    if leaving.len() > 1 {
        draft.grade = Grade::C;
        draft.notes.push(pod::apart());
    }
    Ok(draft)
}

/// Says what does not leave.
fn staying(draft: &mut Draft, pods: &[Value]) {
    let staying = pods.iter().filter(|one| !node::moves(one));
    let (mut daemons, mut others) = (Vec::new(), Vec::new());
    for one in staying {
        let of = controller(one).map_or("", |owner| text(owner, "/kind"));
        let why = if of == "DaemonSet" {
            daemons.push(pod_name(one));
            continue;
        } else if node::is_mirror(one) {
            "mirror pod"
        } else if super::room::is_over(one) {
            "has ended"
        } else {
            "is ending already"
        };
        others.push(format!("{} ({why})", pod_name(one)));
    }
    if !daemons.is_empty() {
        draft.touches(&format!(
            "{} pods of DaemonSets stay: {}",
            daemons.len(),
            node::some(&daemons)
        ));
    }
    if !others.is_empty() {
        draft.touches(&format!("left alone: {}", node::some(&others)));
    }
    if !daemons.is_empty() || !others.is_empty() {
        draft.holds(
            "every pod leaves",
            Holds::Warns,
            "what belongs to the node stays; it goes on running there",
        );
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use crate::control::kubernetes::Access;
    use crate::control::kubernetes::recorded;
    use crate::control::kubernetes::room::Room;
    use crate::domain::text::Untrusted;
    use serde_json::json;

    fn on_node_a() -> Vec<Value> {
        let mut pods = recorded::items("lists/pods-payments.json");
        pods.retain(|one| text(one, "/spec/nodeName") == "node-a");
        let mut daemon = pods[0].clone();
        daemon["metadata"]["name"] = json!("log-agent-x");
        daemon["metadata"]["ownerReferences"] =
            json!([{ "kind": "DaemonSet", "name": "log-agent", "controller": true, "uid": "d" }]);
        let mut mirror = pods[0].clone();
        mirror["metadata"]["name"] = json!("kube-proxy-node-a");
        mirror["metadata"]["annotations"] = json!({ "kubernetes.io/config.mirror": "y" });
        let mut going = pods[0].clone();
        going["metadata"]["name"] = json!("going");
        going["metadata"]["deletionTimestamp"] = json!("2026-11-21T06:00:00Z");
        let mut over = pods[0].clone();
        over["metadata"]["name"] = json!("over");
        over["status"]["phase"] = json!("Succeeded");
        pods.extend([daemon, mirror, going, over]);
        pods
    }

    fn around(pods: Vec<Value>) -> Around {
        Around {
            node: recorded::item("lists/nodes.json", "node-a"),
            pods,
            all_pods: Some(12),
            room: Room::Counted {
                others: 2,
                without: Vec::new(),
            },
        }
    }

    fn made(around: &Around) -> Draft {
        let known = Ok(budgets(&recorded::items("lists/pdb-all.json")));
        let id = recorded::seed().id;
        draft(&"eu-1".into(), around, &HashMap::new(), &known, &id).unwrap()
    }

    fn steps(draft: &Draft) -> Vec<&str> {
        draft.steps.iter().map(|step| step.what.shown()).collect()
    }

    #[test]
    fn it_cordons_first_and_evicts_one_by_one() {
        let draft = made(&around(on_node_a()));
        assert_eq!(
            steps(&draft),
            [
                "cordon node node-a",
                "evict pod payments/ledger-db-0",
                "evict pod payments/payments-api-56454f688-gs9jh",
                "evict pod payments/payments-worker-5cf796464c-jbz5h",
            ]
        );
        assert_eq!((draft.blast.count, draft.blast.of), (Some(3), Some(12)));
        assert_eq!(draft.grade, Grade::C);
        let words: String = draft.blast.words.iter().map(Untrusted::shown).collect();
        for left in [
            "log-agent-x",
            "kube-proxy-node-a (mirror pod)",
            "going (is ending",
            "over (has ended)",
        ] {
            assert!(words.contains(left), "{left}: {words}");
        }
    }

    #[test]
    fn a_budget_that_is_used_up_is_named_and_waited_for() {
        let draft = made(&around(on_node_a()));
        let waits = draft.rehearsals.iter().map(|r| r.may_wait);
        assert_eq!(waits.collect::<Vec<_>>(), [false, false, true, false]);
        let named = draft.preconditions.iter().any(|p| {
            p.state == Holds::Warns
                && p.what.raw().contains("gs9jh")
                && p.detail.raw().contains("payments-api")
        });
        assert!(named);
    }

    #[test]
    fn permissions_are_asked_for_exactly_what_is_sent() {
        let draft = made(&around(on_node_a()));
        let words: Vec<String> = draft.access.iter().map(Access::words).collect();
        assert_eq!(
            words,
            [
                "may patch nodes node-a",
                "may create pods/eviction in payments"
            ]
        );
    }

    #[test]
    fn a_cordoned_node_is_not_cordoned_again() {
        let mut around = around(on_node_a());
        around.node["spec"]["unschedulable"] = json!(true);
        let draft = made(&around);
        assert_eq!(draft.steps.len(), 3);
        assert!(matches!(draft.back, Back::None(_)));
        around.pods.retain(|one| !node::moves(one));
        let known = Ok(Vec::new());
        let id = recorded::seed().id;
        let nothing = self::draft(&"eu-1".into(), &around, &HashMap::new(), &known, &id);
        assert!(nothing.is_err());
    }

    #[test]
    fn bare_pods_and_scratch_space_make_it_r3() {
        assert_eq!(made(&around(on_node_a())).risk, Risk::R2);
        let mut pods = on_node_a();
        pods[0]["spec"]["volumes"] = json!([{ "name": "scratch", "emptyDir": {} }]);
        assert_eq!(made(&around(pods)).risk, Risk::R3);
        let mut pods = on_node_a();
        pods[0]["metadata"]["ownerReferences"] = json!([]);
        assert_eq!(made(&around(pods)).risk, Risk::R3);
    }

    #[test]
    fn a_pod_that_comes_or_goes_makes_another_plan() {
        let writes = |around: &Around| {
            let draft = made(around);
            draft.steps.into_iter().map(|s| s.write).collect::<Vec<_>>()
        };
        let before = writes(&around(on_node_a()));
        let mut later = on_node_a();
        later[0]["status"]["hostIP"] = json!("10.0.0.9");
        assert_eq!(before, writes(&around(later)));
        let mut fewer = on_node_a();
        fewer.remove(0);
        assert_ne!(before, writes(&around(fewer)));
    }
}
