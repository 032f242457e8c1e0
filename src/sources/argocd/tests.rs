//! The client against the recorded applications (the API answers with the same objects as the
//! cluster), and against answers hand-written after Argo CD's API (`server/application` and its
//! `swagger.json`).

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use serde_json::{Value, json};

use super::*;
use crate::sources::loopback::{Reply, Routes, Server, endpoint};

const LIST: &str = include_str!("../../../tests/fixtures/kubernetes/lists/applications.json");
const DIFF: &str = "/api/v1/applications/checkout-web/managed-resources";

fn now() -> DateTime<Utc> {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

fn source(server: &Server) -> Argocd {
    let settings = ArgocdSettings {
        endpoint: endpoint(&server.url),
        projects: vec!["default".to_owned(), "payments".to_owned()],
        selector: Some("team=checkout".to_owned()),
    };
    Argocd::new(&"cd".into(), &settings, &DeclaredPlace::default()).unwrap()
}

/// The recorded list, with `checkout-web` edited past git.
fn drifted() -> Value {
    let mut list: Value = serde_json::from_str(LIST).unwrap();
    let app = &mut list["items"][0];
    assert_eq!(app["metadata"]["name"], "checkout-web");
    app["status"]["sync"]["revision"] = app["status"]["history"][0]["revision"].clone();
    list
}

fn managed() -> Value {
    let live = json!({"kind": "Deployment", "spec": {"replicas": 5}}).to_string();
    let predicted = json!({"kind": "Deployment", "spec": {"replicas": 3}}).to_string();
    json!({"items": [
        {"group": "apps", "kind": "Deployment", "namespace": "checkout", "name": "checkout-web",
         "targetState": "{}", "liveState": "{}", "diff": "", "normalizedLiveState": live,
         "predictedLiveState": predicted, "resourceVersion": "1", "modified": true},
        {"kind": "Service", "namespace": "checkout", "name": "checkout-web",
         "normalizedLiveState": "{}", "predictedLiveState": "{}"},
    ]})
}

fn limits(answer: &DeliveryAnswer) -> Vec<&str> {
    answer.limits.iter().map(Untrusted::shown).collect()
}

#[tokio::test]
async fn the_recorded_applications_are_told() {
    let routes = Routes::of(&[(APPLICATIONS, LIST)]);
    let server = routes.serve();
    let mut argocd = source(&server);
    let answer = argocd.poll(now()).await.unwrap();
    assert_eq!(answer.changes.len(), 2 + 2 + 3);
    assert_eq!(answer.drifts.len(), 3 + 1);
    assert_eq!(answer.parts[0].state, PartState::Read(3));
    assert!(answer.limits.is_empty(), "{:?}", answer.limits);
    assert!(
        answer
            .drifts
            .iter()
            .all(|d| d.kind == DriftKind::Pending && d.paths.is_empty())
    );
    let asked = server.requests();
    assert_eq!(asked.len(), 1, "what waits is not compared");
    assert_eq!(asked[0].params("projects"), ["default", "payments"]);
    assert_eq!(asked[0].params("selector"), ["team=checkout"]);
    assert!(asked[0].params("fields").is_empty());
    assert!(Arc::ptr_eq(&answer, &argocd.poll(now()).await.unwrap()));
}

#[tokio::test]
async fn what_drifts_is_compared_once_for_each_comparison() {
    let routes = Routes::default();
    let mut list = drifted();
    routes.set(APPLICATIONS, Reply::ok(list.to_string()));
    routes.set(DIFF, Reply::ok(managed().to_string()));
    let server = routes.serve();
    let mut argocd = source(&server);
    let first = argocd.poll(now()).await.unwrap();
    let of = |answer: &DeliveryAnswer, what: &str| {
        let mut rows = answer.drifts.iter();
        rows.find(|d| d.subject.target.raw().contains(what))
            .unwrap()
            .clone()
    };
    let deployment = of(&first, "/Deployment/");
    assert_eq!(deployment.kind, DriftKind::Drift);
    let path = &deployment.paths[0];
    let words = |text: &Option<Untrusted>| text.as_ref().unwrap().shown().to_owned();
    assert_eq!(
        (path.path.shown(), words(&path.before), words(&path.after)),
        ("spec.replicas", "3".to_owned(), "5".to_owned())
    );
    assert!(of(&first, "/ConfigMap/").paths.is_empty());
    assert!(limits(&first).is_empty(), "{:?}", first.limits);
    assert_eq!(server.requests()[1].params("appNamespace"), ["argocd"]);

    server.take_paths();
    let second = argocd.poll(now()).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(server.take_paths(), [APPLICATIONS]);

    list["items"][0]["status"]["reconciledAt"] = json!("2026-11-21T07:59:00Z");
    routes.set(APPLICATIONS, Reply::ok(list.to_string()));
    routes.set(DIFF, Reply::ok(r#"{"items":null}"#));
    let third = argocd.poll(now()).await.unwrap();
    assert_eq!(server.take_paths(), [APPLICATIONS, DIFF]);
    assert!(of(&third, "/Deployment/").paths.is_empty());
}

#[tokio::test]
async fn a_comparison_that_may_not_be_read_is_said_once_and_not_asked_again() {
    let routes = Routes::default();
    let mut list = drifted();
    // Twenty-two that drift; the token may not look into any.
    let app = list["items"][0].clone();
    list["items"] = (0..22)
        .map(|n| {
            let mut app = app.clone();
            app["metadata"]["name"] = json!(format!("web-{n:02}"));
            app
        })
        .collect();
    routes.set(APPLICATIONS, Reply::ok(list.to_string()));
    let denied = r#"{"error":"permission denied","code":7,"message":"permission denied"}"#;
    for n in 0..22 {
        let path = format!("/api/v1/applications/web-{n:02}/managed-resources");
        routes.set(&path, Reply::status("403 Forbidden", "", denied));
    }
    let server = routes.serve();
    let mut argocd = source(&server);
    let first = argocd.poll(now()).await.unwrap();
    assert_eq!(
        server.take_paths().len(),
        2,
        "the first refusal is enough for a poll"
    );
    assert_eq!(
        limits(&first),
        [
            "what exactly differs of 1 applications is not known: not authorized (403 Forbidden at /api/v1/applications/web-00/managed-resources: permission denied)",
            "what exactly differs of 21 applications is asked at the next polls",
        ]
    );
    assert_eq!(first.drifts.len(), 66);

    for n in 1..22 {
        let path = format!("/api/v1/applications/web-{n:02}/managed-resources");
        routes.set(&path, Reply::ok(managed().to_string()));
    }
    argocd.poll(now()).await.unwrap();
    assert_eq!(server.take_paths().len(), 1 + MAX_COMPARED);
    let third = argocd.poll(now()).await.unwrap();
    assert_eq!(server.take_paths().len(), 2);
    assert_eq!(limits(&third).len(), 1);
}

#[tokio::test]
async fn no_applications_and_odd_ones_are_said() {
    let routes = Routes::of(&[(APPLICATIONS, r#"{"metadata":{},"items":null}"#)]);
    let server = routes.serve();
    let mut argocd = source(&server);
    let answer = argocd.poll(now()).await.unwrap();
    assert_eq!(answer.parts[0].state, PartState::Read(0));
    assert_eq!(
        limits(&answer),
        ["no application: Argo CD leaves out what the token may not read without a word"]
    );
    let odd = r#"{"items":[{"metadata":{"name":"od\u001bd"},"status":{"reconciledAt":"soon"}},{},
        {"metadata":{"name":"fine"},"status":{"sync":{"status":"Synced"}}}]}"#;
    routes.set(APPLICATIONS, Reply::ok(odd));
    let answer = argocd.poll(now()).await.unwrap();
    assert_eq!(answer.parts[0].state, PartState::Read(1));
    let lines = limits(&answer);
    assert!(
        lines[0].starts_with("an application was left out: od\\u{1b}d: "),
        "{lines:?}"
    );
    assert_eq!(
        lines[1],
        "an application was left out: one without a name: missing field `metadata`"
    );
}

#[tokio::test]
async fn refusals_are_told_in_argo_cd_s_words() {
    let session =
        r#"{"error":"no session information","code":16,"message":"no session information"}"#;
    let cases = [
        (
            Reply::status("401 Unauthorized", "", session),
            ErrorKind::Unauthorized,
            "no session information",
        ),
        (
            Reply::status(
                "403 Forbidden",
                "",
                r#"{"error":"permission denied","code":7}"#,
            ),
            ErrorKind::Unauthorized,
            "permission denied",
        ),
        (
            Reply::ok("{\"items\":[{"),
            ErrorKind::Malformed,
            "ends early",
        ),
        (Reply::ok("[]"), ErrorKind::Malformed, "byte"),
        (
            Reply::ok("<!doctype html><title>Argo CD</title>"),
            ErrorKind::Malformed,
            "Argo CD",
        ),
    ];
    for (reply, kind, says) in cases {
        let routes = Routes::default();
        routes.set(APPLICATIONS, reply);
        let server = routes.serve();
        let error = source(&server).poll(now()).await.unwrap_err();
        assert_eq!(error.kind, kind, "{says}");
        assert!(error.detail.raw().contains(says), "{}", error.detail);
    }
}
