//! Permissions, credentials, and servers that are not there.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;
use crate::domain::source::ErrorKind;

fn forbidden() -> Reply {
    refusal("403 Forbidden", "errors/403-anonymous.json")
}

fn unauthorized() -> Reply {
    refusal("401 Unauthorized", "errors/401-bad-token.json")
}

#[tokio::test]
async fn what_may_not_be_read_is_never_an_empty_list_and_is_asked_for_seldom() {
    let script = Script::recorded();
    let allowed = recorded("lists/deployments-all.json");
    script.set(DEPLOYMENTS, [forbidden(), allowed]);
    let mut rig = Rig::of(&script, &["deployments"]);
    let refused = state(&rig.poll(0).await.unwrap());
    assert!(
        refused.starts_with("not permitted: 403 Forbidden at /apis/apps/v1/deployments: deployments.apps is forbidden: User \"system:anonymous\""),
        "{refused}"
    );
    assert_eq!(state(&rig.poll(299).await.unwrap()), refused);
    assert_eq!(rig.asked(DEPLOYMENTS).len(), 1);
    assert_eq!(state(&rig.poll(300).await.unwrap()), "read 4");
}

#[tokio::test]
async fn one_namespace_may_be_permitted_where_another_is_not() {
    let script = Script::recorded();
    let of = |namespace: &str| format!("/apis/apps/v1/namespaces/{namespace}/deployments");
    script.set(
        &of("payments"),
        [recorded("lists/deployments-payments.json")],
    );
    script.set(&of("checkout"), [forbidden()]);
    let namespaces = ["payments", "checkout"];
    let mut rig = Rig::with(&script, &["deployments"], &namespaces, 500);
    let states = states(&rig.poll(0).await.unwrap());
    assert_eq!(
        states[0],
        ("deployments in payments".into(), "read 2".into())
    );
    assert_eq!(states[1].0, "deployments in checkout");
    assert!(states[1].1.starts_with("not permitted: 403"), "{states:?}");
    assert!(!states[1].1.contains("set `namespaces`"), "{states:?}");
}

#[tokio::test]
async fn a_permission_that_was_withdrawn_leaves_the_last_known() {
    let script = Script::recorded();
    script.set("/api/v1/nodes", [recorded("lists/nodes.json")]);
    script.set(
        DEPLOYMENTS,
        [recorded("lists/deployments-all.json"), forbidden()],
    );
    let mut rig = Rig::of(&script, &["deployments", "nodes"]);
    rig.poll(0).await.unwrap();
    let too_old = refusal("410 Gone", "errors/410-list-exact-compacted.json");
    script.set("watch /apis/apps/v1/deployments", [too_old]);
    let answer = rig
        .poll_until(1, |_, answer| states(answer)[0].1 != "read 4")
        .await;
    let state = &states(&answer)[0].1;
    assert!(
        state.starts_with("last known: no longer permitted: 403 Forbidden"),
        "{state}"
    );
    assert!(state.ends_with("shown as of 06:20:00Z"), "{state}");
}

#[tokio::test]
async fn where_discovery_is_forbidden_the_known_paths_are_tried() {
    let script = Script::recorded();
    let hidden = refusal("403 Forbidden", "errors/403-anonymous.json");
    script.set("/apis", [hidden]);
    script.set(DEPLOYMENTS, [recorded("lists/deployments-all.json")]);
    let unknown = refusal("403 Forbidden", "errors/403-unknown-group-viewer.json");
    script.set("/apis/argoproj.io/v1alpha1/applications", [unknown]);
    let old_flux = "/apis/kustomize.toolkit.fluxcd.io/v1beta2/kustomizations";
    script.set(old_flux, [recorded("lists/kustomizations.json")]);
    let kinds = [
        "deployments",
        "applications",
        "kustomizations",
        "rollouts",
        "constraints",
    ];
    let mut rig = Rig::of(&script, &kinds);
    let states: HashMap<_, _> = states(&rig.poll(0).await.unwrap()).into_iter().collect();
    assert_eq!(states["deployments"], "read 4");
    // 404 at v1, so v1beta2; and 404 at all there is.
    assert!(states["kustomizations"].starts_with("read "), "{states:?}");
    assert_eq!(states["rollouts"], "absent");
    let applications = &states["applications"];
    assert!(
        applications.starts_with("not permitted: 403"),
        "{applications}"
    );
    assert!(
        applications.contains("; it may also not be installed;"),
        "{applications}"
    );
    let constraints = &states["constraints.gatekeeper.sh"];
    assert!(
        constraints.starts_with(
            "not permitted: what there is may not be asked for: 403 Forbidden at /apis"
        ),
        "{constraints}"
    );
}

#[tokio::test]
async fn refused_credentials_fail_the_source_and_new_ones_of_the_kubeconfig_are_taken() {
    let script = Script::recorded();
    script.set(DEPLOYMENTS, [recorded("lists/deployments-all.json")]);
    script.set("/api", [unauthorized()]);
    let mut rig = Rig::of(&script, &["deployments"]);
    let error = rig.poll(0).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "not authorized (401 Unauthorized at /api: Unauthorized)"
    );

    kubeconfig(rig.folder.path(), &rig.server, "token: fresh-t0ken");
    script.set("/api", [recorded("meta/aggregated-api.json")]);
    assert_eq!(state(&rig.poll(1).await.unwrap()), "read 4");
    let requests = rig.server.requests();
    let last = requests.last().unwrap();
    assert_eq!(last.header("authorization"), Some("Bearer fresh-t0ken"));
}

#[tokio::test]
async fn credentials_that_end_while_all_is_silent_are_noticed() {
    let script = Script::recorded();
    script.set(DEPLOYMENTS, [recorded("lists/deployments-all.json")]);
    script.set("watch /apis/apps/v1/deployments", [greeting()]);
    let mut rig = Rig::of(&script, &["deployments"]);
    rig.poll(0).await.unwrap();
    rig.poll_until(1, is_greeted).await;
    script.set("/version", [unauthorized()]);
    let error = rig.poll(60).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    // The last known objects are still there when they come back.
    script.set("/version", [recorded("meta/version.json")]);
    assert_eq!(state(&rig.poll(90).await.unwrap()), "read 5");
    assert_eq!(
        rig.asked(DEPLOYMENTS)
            .iter()
            .filter(|t| t.contains("limit"))
            .count(),
        1
    );
}

#[tokio::test]
async fn one_refusal_is_the_source_s_only_where_the_credentials_are_refused_everywhere() {
    let script = Script::recorded();
    script.set("/api/v1/nodes", [recorded("lists/nodes.json")]);
    script.set(
        DEPLOYMENTS,
        [recorded("lists/deployments-all.json"), unauthorized()],
    );
    let too_old = refusal("410 Gone", "errors/410-list-exact-compacted.json");
    script.set("watch /apis/apps/v1/deployments", [too_old]);
    let mut rig = Rig::of(&script, &["deployments", "nodes"]);
    rig.poll(0).await.unwrap();
    // A server behind the API server may refuse what the API server accepts.
    let answer = rig
        .poll_until(1, |_, answer| states(answer)[0].1 != "read 4")
        .await;
    let states = states(&answer);
    assert!(
        states[0].1.starts_with("last known: not authorized (401"),
        "{states:?}"
    );
    assert_eq!(states[1].1, "read 3");

    script.set("/version", [unauthorized()]);
    let error = rig.poll(2).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
}

#[tokio::test]
async fn one_connection_that_breaks_off_fails_its_part_alone() {
    let script = Script::recorded();
    script.set(DEPLOYMENTS, [Reply::raw("")]);
    let mut kinds = vec!["deployments", "nodes"];
    for kind in [
        "statefulsets",
        "daemonsets",
        "replicasets",
        "controllerrevisions",
    ] {
        let path = format!("/apis/apps/v1/{kind}");
        script.set(&path, [recorded("lists/missing-namespace.json")]);
        kinds.push(kind);
    }
    for kind in ["pods", "events", "resourcequotas", "secrets"] {
        script.set(
            &format!("/api/v1/{kind}"),
            [recorded("lists/missing-namespace.json")],
        );
        kinds.push(kind);
    }
    script.set("/api/v1/nodes", [recorded("lists/nodes.json")]);
    let mut rig = Rig::of(&script, &kinds);
    let states = states(&rig.poll(0).await.unwrap());
    assert!(states[0].1.starts_with("failed: unreachable"), "{states:?}");
    assert!(
        states[1..]
            .iter()
            .all(|(_, state)| state.starts_with("read")),
        "{states:?}"
    );
}

#[tokio::test]
async fn one_part_that_fails_is_tried_again_after_a_while() {
    let script = Script::recorded();
    let busy = refusal("429 Too Many Requests", "errors/429-api-overload.txt");
    script.set(DEPLOYMENTS, [busy, recorded("lists/deployments-all.json")]);
    script.set("/api/v1/nodes", [recorded("lists/nodes.json")]);
    let mut rig = Rig::of(&script, &["deployments", "nodes"]);
    let first = states(&rig.poll(0).await.unwrap());
    assert_eq!(
        first[0].1,
        "failed: overloaded (429 Too Many Requests at /apis/apps/v1/deployments: Too many \
         requests, please try again later.)"
    );
    assert_eq!(first[1].1, "read 3");
    assert_eq!(states(&rig.poll(4).await.unwrap())[0].1, first[0].1);
    assert_eq!(states(&rig.poll(5).await.unwrap())[0].1, "read 4");
}

#[tokio::test]
async fn an_overloaded_server_that_answers_nothing_fails_as_a_whole_and_says_for_how_long() {
    let script = Script::recorded();
    let busy = Reply::status("503 Service Unavailable", "Retry-After: 7", "");
    script.set("/apis", [busy]);
    let mut rig = Rig::of(&script, &["deployments"]);
    let error = rig.poll(0).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Busy);
    assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn a_server_that_goes_away_is_noticed_and_comes_back() {
    let script = Script::recorded();
    script.set(DEPLOYMENTS, [recorded("lists/deployments-all.json")]);
    let mut rig = Rig::of(&script, &["deployments"]);
    let first = rig.poll(0).await.unwrap();
    script.set("watch /apis/apps/v1/deployments", [Reply::raw("")]);
    script.set("/version", [Reply::raw("")]);
    let mut failed = rig.poll(60).await;
    for _ in 0..200 {
        if failed.is_err() {
            break;
        }
        failed = rig.poll(60).await;
    }
    let error = failed.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(
        error
            .detail
            .shown()
            .contains("the connection was closed before an answer"),
        "{error}"
    );
    assert_eq!(rig.names().len(), 4);

    script.set(
        "watch /apis/apps/v1/deployments",
        [Reply::chunked("", "").then_hold()],
    );
    script.set("/version", [recorded("meta/version.json")]);
    let back = rig
        .poll_until(120, |_, answer| state(answer) == "read 4")
        .await;
    assert_eq!(first.parts, back.parts);

    // Nobody listens at all.
    let script = Script::recorded();
    let rig = Rig::of(&script, &["deployments"]);
    let path = rig.folder.path().join("config");
    let text = std::fs::read_to_string(&path).unwrap();
    let port = rig.server.url.port().unwrap().to_string();
    std::fs::write(&path, text.replace(&port, "1")).unwrap();
    let mut nobody = source(&settings(&path, None));
    let error = nobody.poll(t(0)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "unreachable (127.0.0.1:1: connection refused)"
    );
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for_for_ever() {
    let script = Script::recorded();
    script.set("/apis", [Reply::raw("").then_hold()]);
    let mut rig = Rig::of(&script, &["deployments"]);
    rig.source.settings.timeout = Duration::from_secs(1);
    let error = rig.poll(0).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TimedOut);
    assert!(
        error
            .detail
            .shown()
            .ends_with("no complete answer within 1s"),
        "{error}"
    );
}
