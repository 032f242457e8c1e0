//! Requests that somebody else made up, and the login that goes with them.

use http::StatusCode;

use super::*;
use crate::sources::carried::{Answer, NoAnswer, Request as Carried};
use crate::sources::kubernetes::KubernetesClient;

fn write() -> Carried {
    Carried {
        verb: "PATCH".parse().unwrap(),
        path: "/apis/apps/v1/namespaces/payments/deployments/payments-api?fieldManager=quell"
            .to_owned(),
        headers: vec![(
            "Content-Type".to_owned(),
            "application/json-patch+json".to_owned(),
        )],
        body: b"[]".to_vec(),
    }
}

async fn client(folder: &TempDir, server: &Server) -> KubernetesClient {
    let path = kubeconfig(folder.path(), server, "token: vera-t0ken");
    KubernetesClient::new(&settings(&path, None)).await.unwrap()
}

/// Answers 403, and repeats the credentials in every place that a server can.
fn parrot(request: &Request) -> Reply {
    let heard = request
        .header("authorization")
        .unwrap_or("nothing")
        .to_owned();
    let body = format!(r#"{{"kind":"Status","message":"you said {heard}","code":403}}"#);
    Reply::status(
        "403 Forbidden",
        &format!("Warning: 299 - \"{heard}\""),
        body,
    )
}

#[tokio::test]
async fn the_login_goes_with_it_and_does_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::answering(parrot);
    let client = client(&folder, &server).await;
    let answer = client.carry(write()).await.unwrap();
    let sent = server.requests().remove(0);
    assert_eq!(sent.header("authorization"), Some("Bearer vera-t0ken"));
    assert_eq!((&*sent.verb, &*sent.body), ("PATCH", &b"[]"[..]));
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let body = String::from_utf8(answer.body.clone()).unwrap();
    assert!(body.contains("you said Bearer ***"), "{body}");
    assert!(!format!("{:?}", answer.headers).contains("t0ken"));

    let refused = client.get("/api/v1/nodes").await.unwrap_err();
    assert_eq!(refused.status, Some(403));
    assert!(
        !refused.error.to_string().contains("t0ken"),
        "{}",
        refused.error
    );
}

#[tokio::test]
async fn new_credentials_of_the_kubeconfig_are_taken_but_no_other_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::answering(|request| match request.header("authorization") {
        Some("Bearer new-t0ken") => Reply::ok("{}"),
        _ => refusal("401 Unauthorized", "errors/401-bad-token.json"),
    });
    let mut client = client(&folder, &server).await;
    let status = |answer: Result<Answer, NoAnswer>| answer.unwrap().status;
    assert_eq!(
        status(client.carry(write()).await),
        StatusCode::UNAUTHORIZED
    );
    kubeconfig(folder.path(), &server, "token: new-t0ken");
    client.renew().await.unwrap();
    assert_eq!(status(client.carry(write()).await), StatusCode::OK);

    let other = Server::answering(|_| Reply::ok("{}"));
    kubeconfig(folder.path(), &other, "token: new-t0ken");
    assert!(client.renew().await.is_err());
    assert_eq!(status(client.carry(write()).await), StatusCode::OK);
    assert_eq!(other.requests().len(), 0);
}

#[tokio::test]
async fn a_plugin_that_fails_sends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::answering(|_| Reply::ok("{}"));
    let user = "exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/false, interactiveMode: Never}";
    let path = kubeconfig(folder.path(), &server, user);
    assert!(KubernetesClient::new(&settings(&path, None)).await.is_err());
    assert_eq!(server.requests().len(), 0);
}
