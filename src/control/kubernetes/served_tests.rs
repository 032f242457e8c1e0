//! Whole plans against a server that answers as a real one was recorded.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{Cluster, drain, flux, node, pod, recorded};
use crate::domain::action::ActionRequest;
use crate::domain::plan::{
    ActionId, DryVerdict, Grade, Holds, Plan, Reverse, Seed, WhenBusy, Write,
};
use crate::domain::record::{Refusal, StepOutcome};
use crate::domain::text::Untrusted;
use crate::sources::loopback::{Reply, Request, Server};

const NODE_A: &str = "/api/v1/nodes/node-a";
const DB: &str = "/api/v1/namespaces/payments/pods/ledger-db-0";

fn list(items: &[Value]) -> Reply {
    Reply::ok(json!({ "metadata": {}, "items": items }).to_string())
}

/// What a test changes about the recorded cluster.
type Twist = Arc<Mutex<fn(&mut Value)>>;

fn answer(request: &Request, twist: &Twist) -> Reply {
    let pods = || {
        let mut pods = recorded::items("lists/pods-payments.json");
        for pod in &mut pods {
            twist.lock().unwrap()(pod);
        }
        pods
    };
    let path = request.path();
    match (&*request.verb, path) {
        ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews") => {
            recorded::reply("access/ssar-admin-star.json")
        }
        ("POST", _) if path.ends_with("/eviction") && path.contains("payments-api") => {
            recorded::reply("errors/429-evict-pdb.json")
        }
        ("POST", _) if path.ends_with("/eviction") => {
            recorded::reply("dryrun/evict-allowed-query-param.json")
        }
        ("DELETE", _) => recorded::reply("dryrun/delete-pod.json"),
        ("PATCH", NODE_A) => recorded::reply("dryrun/cordon.json"),
        (_, "/api/v1/namespaces/kube-system") => Reply::ok(r#"{"metadata":{"uid":"c1"}}"#),
        (_, NODE_A) => {
            let mut node = recorded::item("lists/nodes.json", "node-a");
            twist.lock().unwrap()(&mut node);
            Reply::ok(node.to_string())
        }
        (_, "/api/v1/nodes") => Reply::ok(recorded::bytes("lists/nodes.json")),
        (_, "/api/v1/pods") => {
            let selected = request.params("fieldSelector");
            let mut pods = pods();
            if !selected.is_empty() {
                pods.retain(|pod| pod["spec"]["nodeName"] == "node-a");
            }
            list(&pods)
        }
        (_, DB) => {
            let db = pods();
            let db = db.iter().find(|p| p["metadata"]["name"] == "ledger-db-0");
            Reply::ok(db.unwrap().to_string())
        }
        _ if path.ends_with("/poddisruptionbudgets") => {
            Reply::ok(recorded::bytes("lists/pdb-all.json"))
        }
        _ if path.contains("/replicasets/") => {
            let name = path.rsplit('/').next().unwrap();
            let found = recorded::item("lists/replicasets-payments.json", name);
            Reply::ok(found.to_string())
        }
        _ => recorded::reply("errors/404-deployment.json"),
    }
}

fn recorded_cluster() -> (Server, Cluster, Twist) {
    let twist: Twist = Arc::new(Mutex::new(|_| ()));
    let seen = Arc::clone(&twist);
    let server = Server::answering(move |request| answer(request, &seen));
    let cluster = recorded::cluster_at(&server.url);
    (server, cluster, twist)
}

async fn drained(cluster: &Cluster, request: &ActionRequest, seed: &Seed) -> Plan {
    let targets = drain::resolve(cluster, request).await.unwrap();
    drain::plan(cluster, request, seed, &targets).await.unwrap()
}

#[tokio::test]
async fn a_drain_is_planned_without_changing_anything() {
    let (server, cluster, twist) = recorded_cluster();
    let request = recorded::request("k8s.node.drain", &[("node", "node-a")]);
    let plan = drained(&cluster, &request, &recorded::seed()).await;
    assert_eq!(plan.steps.len(), 4);
    assert_eq!(plan.word(), "node-a");
    assert_eq!(plan.targets[0].server_identity, "c1");
    assert_eq!(plan.dry_run.verdict, DryVerdict::Accepted);
    assert_eq!(plan.dry_run.grade, Grade::C);
    let notes: String = plan.dry_run.notes.iter().map(Untrusted::shown).collect();
    assert!(
        notes.contains("would wait for a budget now: evict pod payments/payments-api"),
        "{notes}"
    );
    assert!(plan.preconditions.iter().all(|p| p.state != Holds::No));
    assert!(matches!(plan.reverse, Reverse::Steps { .. }));
    let waits = plan.steps[1..]
        .iter()
        .all(|s| matches!(s.when_busy, WhenBusy::WaitFor(_)));
    assert!(waits);
    for asked in server.requests() {
        let is_review = asked.path().ends_with("selfsubjectaccessreviews");
        let is_harmless = asked.verb == "GET" || is_review;
        assert!(
            is_harmless || asked.params("dryRun") == ["All"],
            "{}",
            asked.target
        );
    }

    *twist.lock().unwrap() = |object| object["status"]["noise"] = json!(1);
    let again = drained(&cluster, &request, &recorded::seed()).await;
    assert_eq!(plan.digest(), again.digest(), "only statuses changed");
    *twist.lock().unwrap() = |object| {
        if object["metadata"]["name"] == "ledger-db-0" {
            object["metadata"]["uid"] = json!("successor");
        }
    };
    let later = drained(&cluster, &request, &recorded::seed()).await;
    assert_ne!(plan.digest(), later.digest(), "another pod");
}

#[tokio::test]
async fn a_node_that_was_replaced_since_is_not_touched() {
    let (_server, cluster, twist) = recorded_cluster();
    let request = recorded::request("k8s.node.cordon", &[("node", "node-a")]);
    let targets = node::resolve(&cluster, &request).await.unwrap();
    let seed = recorded::seed();
    assert!(
        node::plan(&cluster, &request, &seed, &targets)
            .await
            .is_ok()
    );
    *twist.lock().unwrap() = |object| object["metadata"]["uid"] = json!("another");
    let replaced = node::plan(&cluster, &request, &seed, &targets).await;
    assert!(
        replaced
            .unwrap_err()
            .to_string()
            .contains("replaced by another")
    );
}

#[tokio::test]
async fn a_rehearsed_deletion_names_the_dry_run_in_query_and_body() {
    let (server, cluster, _) = recorded_cluster();
    let request = recorded::request("k8s.pod.delete", &[("target", "payments/ledger-db-0")]);
    let targets = pod::resolve(&cluster, &request).await.unwrap();
    let seed = recorded::seed();
    let plan = pod::plan(&cluster, &request, &seed, &targets)
        .await
        .unwrap();
    assert_eq!(plan.dry_run.verdict, DryVerdict::Accepted);
    let asked = server.requests();
    let deletions: Vec<&Request> = asked.iter().filter(|r| r.verb == "DELETE").collect();
    assert_eq!(deletions.len(), 1);
    let body: Value = serde_json::from_slice(&deletions[0].body).unwrap();
    assert_eq!(body["dryRun"], json!(["All"]));
    assert_eq!(deletions[0].params("dryRun"), ["All"]);
}

#[tokio::test]
async fn answers_to_evictions_are_told_apart() {
    let evicting = |file: &'static str| async move {
        let server = Server::answering(move |_| recorded::reply(file));
        let cluster = recorded::cluster_at(&server.url);
        let one = recorded::item("lists/pods-payments.json", "ledger-db-0");
        let step = pod::step(cluster.name(), &one, None, pod::Way::Evicted);
        let Write::Http(write) = &step.write else {
            unreachable!()
        };
        cluster.send(write).await
    };
    for taken in ["10-evict-allowed-once", "10b-evict-same-terminating-pod"] {
        let file = match taken {
            "10-evict-allowed-once" => "actions/10-evict-allowed-once.json",
            _ => "actions/10b-evict-same-terminating-pod.json",
        };
        let outcome = evicting(file).await;
        assert!(
            matches!(outcome, StepOutcome::Applied { .. }),
            "{outcome:?}"
        );
    }
    let busy = evicting("actions/11-evict-second-at-once.json").await;
    let StepOutcome::Refused { refusal, why } = busy else {
        unreachable!("{busy:?}")
    };
    assert_eq!(refusal, Refusal::Busy);
    assert!(why.shown().contains("needs 3 healthy pods"), "{why}");
    let other = evicting("errors/409-delete-precondition.json").await;
    assert!(matches!(
        other,
        StepOutcome::Refused {
            refusal: Refusal::Changed,
            ..
        }
    ));
}

#[tokio::test]
async fn what_is_not_there_is_no_plan() {
    let (_server, cluster, _) = recorded_cluster();
    let gone = recorded::request("flux.suspend", &[("target", "flux-system/kustomization/x")]);
    let why = flux::resolve(&cluster, &gone)
        .await
        .unwrap_err()
        .to_string();
    assert!(why.contains("there is no"), "{why}");
    let seed = Seed {
        id: ActionId::new([1; 16]),
        ..recorded::seed()
    };
    assert!(flux::plan(&cluster, &gone, &seed, &[]).await.is_err());
}
