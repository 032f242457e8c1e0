//! Whole plans, of a server that answers what was recorded.

use std::collections::BTreeMap;

use super::*;
use crate::control::kubernetes::cluster::tests::{clusters_at, recorded};
use crate::domain::action::{Occasion, Requester};
use crate::domain::plan::{DryVerdict, Reverse};
use crate::sources::loopback::{Reply, Request, Server};

const API: &str = "/apis/apps/v1/namespaces/payments/deployments/payments-api";
const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

fn asked(action: &str, pairs: &[(&str, &str)]) -> ActionRequest {
    let pairs = pairs.iter();
    ActionRequest {
        action: action.to_owned(),
        parameters: pairs
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        by: Requester {
            name: Untrusted::line("otto"),
            host: Untrusted::line("bastion"),
        },
        occasion: Occasion::default(),
    }
}

fn answer(request: &Request) -> Reply {
    match (&*request.verb, request.path()) {
        ("GET", "/api/v1/namespaces/kube-system") => {
            Reply::ok(r#"{"kind":"Namespace","metadata":{"uid":"5a1e"}}"#)
        }
        ("GET", API) => recorded("lists/deployment-payments-api.json"),
        ("GET", path) if path.ends_with("/replicasets") => {
            recorded("lists/replicasets-payments.json")
        }
        ("GET", path) if path.ends_with("/horizontalpodautoscalers") => {
            recorded("lists/empty-list.json")
        }
        ("GET", path) if path.ends_with("/poddisruptionbudgets") => recorded("lists/pdb-all.json"),
        ("GET", path) if path.ends_with("/resourcequotas") => {
            recorded("lists/resourcequota-payments.json")
        }
        ("POST", REVIEWS) => recorded("access/ssar-patch-deployments-operator-allowed.json"),
        ("PATCH", _) if request.params("dryRun") == ["All"] => {
            recorded("dryrun/undo-to-revision-2.json")
        }
        _ => recorded("errors/404-deployment.json"),
    }
}

#[tokio::test]
async fn a_plan_is_made_without_a_write_and_is_the_same_twice() {
    let server = Server::answering(answer);
    let clusters = clusters_at(&server.url);
    let request = asked(
        "k8s.rollout.undo",
        &[("target", "payments/deploy/payments-api")],
    );
    let targets = resolve(&clusters, &request).await.unwrap();
    assert_eq!(targets.len(), 1);
    let target = &targets[0];
    assert_eq!(target.name.raw(), "payments/deployment/payments-api");
    assert_eq!(target.word.raw(), "payments-api");
    assert_eq!(target.server_identity, "5a1e");
    assert_eq!(target.service.as_ref().unwrap().raw(), "payments-api");
    assert_eq!(target.env.as_ref().unwrap().raw(), "prod");

    let seed = seed();
    let made = plan(&clusters, &request, &seed, &targets).await.unwrap();
    assert_eq!(made.dry_run.verdict, DryVerdict::Accepted);
    let allowed = &made.preconditions[0];
    assert_eq!(
        allowed.what.raw(),
        "may patch deployments payments-api in payments"
    );
    assert_eq!(allowed.state, Holds::Yes);
    let Reverse::Steps { dry_run, steps, .. } = &made.reverse else {
        unreachable!("an undo can be undone");
    };
    assert_eq!(dry_run.verdict, DryVerdict::Accepted);
    assert_eq!(steps.len(), 1);
    let again = plan(&clusters, &request, &seed, &targets).await.unwrap();
    assert_eq!(made.digest(), again.digest());

    let written = server.requests().into_iter().filter(|request| {
        let is_review = request.path() == REVIEWS;
        request.verb != "GET" && !is_review && request.params("dryRun") != ["All"]
    });
    assert_eq!(written.count(), 0, "planning writes nothing");
}

#[tokio::test]
async fn several_targets_are_one_step_each_in_their_order() {
    let server = Server::answering(|request| {
        let list = "lists/deployments-payments.json";
        match request
            .path()
            .strip_prefix("/apis/apps/v1/namespaces/payments/deployments/")
        {
            Some(name) if request.verb == "GET" => Reply::ok(item(list, name).to_string()),
            _ => answer(request),
        }
    });
    let clusters = clusters_at(&server.url);
    let names = "payments/deployment/payments-worker, payments/deployment/payments-api";
    let request = asked("k8s.rollout.pause", &[("target", names)]);
    let targets = resolve(&clusters, &request).await.unwrap();
    let made = plan(&clusters, &request, &seed(), &targets).await.unwrap();
    let steps: Vec<&str> = made.steps.iter().map(|step| step.what.raw()).collect();
    assert_eq!(
        steps,
        [
            "pause rollout of payments/deployment/payments-worker",
            "pause rollout of payments/deployment/payments-api",
        ]
    );
    let Reverse::Steps { steps, .. } = &made.reverse else {
        unreachable!("a pause can be taken back");
    };
    assert_eq!(steps[0].target, 1, "the last is taken back first");
    let twice = format!("{names}, payments/deploy/payments-api");
    let request = asked("k8s.rollout.pause", &[("target", &twice)]);
    assert!(resolve(&clusters, &request).await.is_err());
}

#[tokio::test]
async fn another_object_or_cluster_of_the_same_name_is_not_planned_for() {
    let server = Server::answering(answer);
    let clusters = clusters_at(&server.url);
    let request = asked(
        "k8s.rollout.restart",
        &[("target", "payments/deploy/payments-api")],
    );
    let targets = resolve(&clusters, &request).await.unwrap();
    let mut other = targets.clone();
    other[0].uid = Some("before".to_owned());
    let refused = plan(&clusters, &request, &seed(), &other)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("made again"), "{refused}");
    other.clone_from(&targets);
    other[0].server_identity = "elsewhere".to_owned();
    let refused = plan(&clusters, &request, &seed(), &other)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("another cluster"), "{refused}");
}

#[tokio::test]
async fn what_is_not_there_or_no_name_is_refused_in_words() {
    let server = Server::answering(answer);
    let clusters = clusters_at(&server.url);
    for (target, words) in [
        (
            "payments/deployment/none",
            "there is no payments/deployment/none in eu-1",
        ),
        (
            "payments/deployment/../../../api",
            "is not NAMESPACE/KIND/NAME",
        ),
        ("payments/deployment/a?b", "is not a name of Kubernetes"),
        (
            "payments/pod/x",
            "is none of deployment, statefulset, daemonset",
        ),
        (
            "payments/cronjob/x",
            "is none of deployment, statefulset, daemonset",
        ),
    ] {
        let request = asked("k8s.rollout.restart", &[("target", target)]);
        let refused = resolve(&clusters, &request).await.unwrap_err().to_string();
        assert!(refused.contains(words), "{refused}");
    }
    let mut elsewhere = asked(
        "k8s.scale",
        &[("target", "a/deploy/b"), ("cluster", "us-1")],
    );
    let refused = resolve(&clusters, &elsewhere)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("no cluster `us-1`: there is eu-1"),
        "{refused}"
    );
    elsewhere
        .parameters
        .insert("cluster".to_owned(), "eu-1".to_owned());
    let refused = resolve(&clusters, &elsewhere)
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("there is no a/deployment/b"), "{refused}");
}

#[tokio::test]
async fn a_refused_dry_run_and_a_missing_right_are_in_the_plan() {
    let server = Server::answering(|request| match &*request.verb {
        "POST" => recorded("access/ssar-patch-deployments-viewer-denied.json"),
        "PATCH" => recorded("dryrun/restart-as-viewer.json"),
        _ if request.path().ends_with("/horizontalpodautoscalers") => {
            recorded("errors/403-viewer-secrets.json")
        }
        _ => answer(request),
    });
    let clusters = clusters_at(&server.url);
    let pairs = [
        ("target", "payments/deploy/payments-api"),
        ("replicas", "5"),
    ];
    let request = asked("k8s.scale", &pairs);
    let targets = resolve(&clusters, &request).await.unwrap();
    let made = plan(&clusters, &request, &seed(), &targets).await.unwrap();
    assert!(matches!(made.dry_run.verdict, DryVerdict::Refused(_)));
    assert_eq!(made.preconditions[0].state, Holds::No);
    assert_eq!(
        made.preconditions[0].what.raw(),
        "may patch deployments/scale payments-api in payments"
    );
    assert_eq!(made.preconditions[1].state, Holds::Unknown);
    let notes = format!("{:?}", made.dry_run.notes);
    assert!(notes.contains("does not see quotas"), "{notes}");
}
