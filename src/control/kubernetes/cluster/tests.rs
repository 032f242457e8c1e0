//! A server that answers writes, dry runs and reviews with what a real one answered, or breaks off.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::time::Duration;

use super::*;
use crate::config::delivery::KubernetesLogin;
use crate::control::kubernetes::answers::JSON_PATCH;
use crate::domain::plan::DryVerdict;
use crate::domain::record::Refusal;
use crate::sources::loopback::{Reply, Server};

const WEB: &str = "/apis/apps/v1/namespaces/payments/deployments/payments-api";

pub(in crate::control::kubernetes) fn body_of(name: &str) -> Vec<u8> {
    let root = env!("CARGO_MANIFEST_DIR");
    std::fs::read(format!("{root}/tests/fixtures/kubernetes/{name}")).unwrap()
}

/// A recorded answer, with the headers that mean something.
pub(in crate::control::kubernetes) fn recorded(name: &str) -> Reply {
    let stem = name.rsplit_once('.').unwrap().0;
    let headers = String::from_utf8(body_of(&format!("{stem}.headers"))).unwrap();
    let mut lines = headers.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let kept = ["retry-after", "warning", "date", "content-type"];
    let kept: Vec<&str> = lines
        .filter(|line| {
            kept.iter()
                .any(|name| line.starts_with(&format!("{name}:")))
        })
        .map(str::trim)
        .collect();
    Reply::status(
        &format!("{status} Recorded"),
        &kept.join("\r\n"),
        body_of(name),
    )
}

fn cluster_at(url: &url::Url, timeout: Duration) -> Cluster {
    let settings = KubernetesSettings {
        login: KubernetesLogin::Nobody(url.clone()),
        namespaces: Vec::new(),
        kinds: Vec::new(),
        timeout,
        page_size: 500,
    };
    let place = DeclaredPlace {
        env: Some("prod".to_owned()),
        ..DeclaredPlace::default()
    };
    Cluster::new(&"eu-1".into(), &place, &settings)
}

/// The only cluster that there is.
pub(in crate::control::kubernetes) fn clusters_at(url: &url::Url) -> Clusters {
    Clusters {
        all: vec![cluster_at(url, Duration::from_secs(20))],
        services: Services::default(),
    }
}

fn answering(reply: Reply) -> (Server, Cluster) {
    let server = Server::answering(move |_| reply.clone());
    let cluster = cluster_at(&server.url, Duration::from_secs(20));
    (server, cluster)
}

fn write() -> HttpWrite {
    HttpWrite {
        server: "eu-1".into(),
        verb: Verb::Patch,
        path: format!("{WEB}?fieldManager=quell"),
        content_type: Some(JSON_PATCH.to_owned()),
        headers: Vec::new(),
        body: r#"[{"op":"test","path":"/metadata/uid","value":"1"}]"#.to_owned(),
    }
}

async fn sent(reply: Reply) -> StepOutcome {
    let (server, cluster) = answering(reply);
    let outcome = cluster.send(&write()).await;
    assert_eq!(server.requests().len(), 1, "a write is sent once");
    outcome
}

async fn refused(name: &str) -> (Refusal, String) {
    let outcome = sent(recorded(name)).await;
    let refused = match &outcome {
        StepOutcome::Refused { refusal, why } => Some((*refusal, why.shown().to_owned())),
        _ => None,
    };
    assert!(refused.is_some(), "{name}: {outcome:?}");
    refused.unwrap()
}

#[tokio::test]
async fn a_write_goes_out_byte_by_byte_and_is_taken() {
    let (server, cluster) = answering(recorded("actions/01-restart.json"));
    let outcome = cluster.send(&write()).await;
    let version = Untrusted::line("rv 1151");
    assert_eq!(outcome, StepOutcome::Applied { note: version });
    let asked = server.requests().remove(0);
    assert_eq!(asked.verb, "PATCH");
    assert_eq!(asked.target, format!("{WEB}?fieldManager=quell"));
    assert_eq!(asked.header("content-type"), Some(JSON_PATCH));
    assert_eq!(asked.body, write().body.into_bytes());
}

#[tokio::test]
async fn refusals_are_told_apart_by_what_can_be_done() {
    use Refusal::{Busy, Changed, Forbidden, Gone, Invalid, Other};
    let cases = [
        ("errors/422-json-patch-test-failed.json", Changed),
        ("actions/08-undo-stale-guard.json", Changed),
        ("actions/18-argocd-sync-guarded-second.json", Changed),
        ("errors/422-uid-in-patch.json", Changed),
        ("errors/409-stale-patch.json", Changed),
        ("errors/409-delete-precondition.json", Changed),
        ("errors/403-viewer-patch.json", Forbidden),
        ("errors/403-quota.json", Forbidden),
        ("errors/403-admission-policy.json", Forbidden),
        ("errors/404-patch.json", Gone),
        ("errors/429-evict-pdb.json", Busy),
        ("errors/429-api-overload.txt", Busy),
        ("errors/400-bad-json.json", Invalid),
        ("errors/415-content-type.json", Invalid),
        ("errors/422-negative-replicas.json", Invalid),
        ("errors/422-crd-schema.json", Invalid),
        ("dryrun/argocd-unknown-field-strict.json", Invalid),
        ("errors/405-method.json", Other),
    ];
    for (name, wanted) in cases {
        let (refusal, why) = refused(name).await;
        assert_eq!(refusal, wanted, "{name}: {why}");
        assert!(!why.contains('{') && why.len() < 500, "{name}: {why}");
    }
}

#[tokio::test]
async fn the_words_of_a_refusal_help_and_quote_no_object() {
    let (_, quota) = refused("errors/403-quota.json").await;
    assert!(quota.contains("exceeded quota: team-quota"), "{quota}");
    let (_, budget) = refused("errors/429-evict-pdb.json").await;
    assert!(
        budget.contains("needs 3 healthy pods and has 3"),
        "{budget}"
    );
    let (_, overload) = refused("errors/429-api-overload.txt").await;
    assert!(overload.contains("try again after 1 s"), "{overload}");
    let (_, schema) = refused("errors/422-crd-schema.json").await;
    assert!(
        schema.contains("spec.interval (FieldValueInvalid)"),
        "{schema}"
    );
    assert!(!schema.contains("soon"), "{schema}");
    let (_, strict) = refused("dryrun/argocd-unknown-field-strict.json").await;
    assert!(!strict.contains("payments"), "{strict}");
}

#[tokio::test]
async fn what_may_have_been_done_is_in_doubt() {
    let dropped = Reply::raw("");
    let cut = Reply::cut_short("200 OK", "", "{\"kind\":", 4096);
    let page = Reply::ok("<html><title>Sign in</title></html>");
    let cases = [
        ("lost reply", dropped),
        ("cut body", cut),
        ("web page", page),
        ("500", recorded("errors/500-webhook-unreachable.json")),
        ("503", recorded("errors/503-aggregated-api-down.txt")),
        ("504", recorded("errors/504-resourceversion-too-large.json")),
    ];
    for (name, reply) in cases {
        let outcome = sent(reply).await;
        assert!(
            matches!(outcome, StepOutcome::InDoubt { .. }),
            "{name}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_in_doubt_after_the_deadline() {
    let slow = Reply::cut_short("200 OK", "", "{", 100).then_hold();
    let server = Server::answering(move |_| slow.clone());
    let cluster = cluster_at(&server.url, Duration::from_millis(300));
    let outcome = cluster.send(&write()).await;
    assert!(
        matches!(outcome, StepOutcome::InDoubt { .. }),
        "{outcome:?}"
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let cluster = cluster_at(&url.parse().unwrap(), Duration::from_secs(5));
    let outcome = cluster.send(&write()).await;
    assert!(
        matches!(outcome, StepOutcome::NotSent { .. }),
        "{outcome:?}"
    );

    let unknown = "http://no-such-host.invalid:6443".parse().unwrap();
    let cluster = cluster_at(&unknown, Duration::from_secs(5));
    let outcome = cluster.send(&write()).await;
    assert!(
        matches!(outcome, StepOutcome::NotSent { .. }),
        "{outcome:?}"
    );

    let (server, cluster) = answering(Reply::ok("{}"));
    let mut broken = write();
    broken.headers.push(("bad name".to_owned(), String::new()));
    let outcome = cluster.send(&broken).await;
    assert!(
        matches!(outcome, StepOutcome::NotSent { .. }),
        "{outcome:?}"
    );
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn a_server_without_tls_gets_no_byte_of_a_write() {
    let server = Server::answering(|_| Reply::ok("{}"));
    let mut url = server.url.clone();
    url.set_scheme("https").unwrap();
    let outcome = cluster_at(&url, Duration::from_secs(5))
        .send(&write())
        .await;
    assert!(
        matches!(outcome, StepOutcome::NotSent { .. }),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn refused_credentials_did_nothing_and_are_not_tried_twice() {
    let (refusal, why) = refused("errors/401-bad-token.json").await;
    assert_eq!(refusal, Refusal::Other);
    assert!(why.contains("401"), "{why}");
}

#[tokio::test]
async fn a_dry_run_is_the_very_request_and_says_so_in_its_query() {
    let (server, cluster) = answering(recorded("dryrun/restart-deployment.json"));
    let dry = cluster.dry_run(&write()).await;
    assert_eq!(dry.verdict, DryVerdict::Accepted);
    let asked = server.requests().remove(0);
    assert_eq!(asked.params("dryRun"), ["All"]);
    assert_eq!(asked.body, write().body.into_bytes());
}

#[tokio::test]
async fn dry_runs_pass_on_warnings_and_refusals() {
    let of = async |name: &str| answering(recorded(name)).1.dry_run(&write()).await;
    let warned = of("dryrun/admission-policy-warns.json").await;
    assert_eq!(warned.verdict, DryVerdict::Accepted);
    assert!(
        warned.notes[0]
            .shown()
            .contains("change freeze until 2026-11-23")
    );

    for name in [
        "dryrun/restart-as-viewer.json",
        "errors/422-json-patch-test-failed.json",
        "dryrun/evict-blocked-by-pdb.json",
        "errors/403-admission-policy.json",
        "errors/500-webhook-unreachable.json",
    ] {
        let dry = of(name).await;
        assert!(
            matches!(dry.verdict, DryVerdict::Refused(_)),
            "{name}: {dry:?}"
        );
    }
    for name in [
        "errors/429-api-overload.txt",
        "errors/503-aggregated-api-down.txt",
    ] {
        let dry = of(name).await;
        assert!(
            matches!(dry.verdict, DryVerdict::NotRun(_)),
            "{name}: {dry:?}"
        );
    }
}

#[tokio::test]
async fn rights_are_asked_for_in_the_form_that_means_something() {
    let (server, cluster) = answering(recorded("access/ssar-scale-operator.json"));
    let access = Access::to("patch", "apps", "deployments")
        .part("scale")
        .within("payments");
    let may = cluster.may(&access).await;
    assert_eq!(may.state, Holds::Yes, "{may:?}");
    assert_eq!(may.what.shown(), "may patch deployments/scale in payments");
    let asked: Value = serde_json::from_slice(&server.requests()[0].body).unwrap();
    let attributes = &asked["spec"]["resourceAttributes"];
    assert_eq!(attributes["subresource"], "scale");
    assert_eq!(attributes["resource"], "deployments");

    let of = async |reply: Reply| answering(reply).1.may(&access).await.state;
    let denied = recorded("access/ssar-patch-deployments-viewer-denied.json");
    assert_eq!(of(denied).await, Holds::No);
    assert_eq!(
        of(recorded("errors/403-anonymous.json")).await,
        Holds::Unknown
    );
    assert_eq!(of(Reply::raw("")).await, Holds::Unknown);
    assert_eq!(of(Reply::ok("{}")).await, Holds::Unknown);
}

#[tokio::test]
async fn what_is_not_there_is_an_answer_but_only_the_server_can_say_so() {
    let (_server, cluster) = answering(recorded("errors/404-deployment.json"));
    assert!(cluster.get(WEB).await.unwrap().value.is_none());
    assert_eq!(cluster.read(WEB).await.unwrap(), Seen::NotFound);

    let (_server, cluster) = answering(recorded("errors/404-unknown-group.txt"));
    assert!(cluster.get(WEB).await.unwrap().value.is_none());
    assert!(cluster.read(WEB).await.is_err());

    let (_server, cluster) = answering(recorded("lists/deployment-payments-api.json"));
    let fetched = cluster.get(WEB).await.unwrap();
    assert_eq!(fetched.value.unwrap()["kind"], "Deployment");
    let date = fetched.server_date.unwrap();
    assert_eq!(
        cluster.ahead_secs(date - chrono::TimeDelta::seconds(90)),
        Some(90)
    );
}

#[tokio::test]
async fn a_cluster_is_known_by_its_namespace_or_else_its_address() {
    let namespace = r#"{"kind":"Namespace","metadata":{"uid":"5a1e"}}"#;
    let (_server, cluster) = answering(Reply::ok(namespace));
    assert_eq!(cluster.identity().await.unwrap(), "5a1e");

    let (server, cluster) = answering(recorded("errors/403-anonymous.json"));
    let address = server.url.to_string();
    assert_eq!(
        cluster.identity().await.unwrap(),
        address.trim_end_matches('/')
    );

    let (_server, cluster) = answering(recorded("errors/503-aggregated-api-down.txt"));
    assert!(cluster.identity().await.is_err());
}
