//! Whole lists, in pages, and what goes wrong with them.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;

const PODS: &str = "/api/v1/pods";

#[tokio::test]
async fn a_viewer_of_the_recorded_cluster_reads_what_may_be_read() {
    let script = Script::recorded();
    for (path, file) in [
        (DEPLOYMENTS, "lists/deployments-all.json"),
        ("/api/v1/nodes", "lists/nodes.json"),
        ("/api/v1/events", "lists/events-warning-all.json"),
        ("/apis/policy/v1/poddisruptionbudgets", "lists/pdb-all.json"),
        (
            "/apis/argoproj.io/v1alpha1/applications",
            "lists/applications.json",
        ),
        (
            "/apis/constraints.gatekeeper.sh/v1beta1/k8srequiredlabels",
            "lists/gatekeeper-constraints.json",
        ),
    ] {
        script.set(path, [recorded(file)]);
    }
    let secrets = refusal("403 Forbidden", "errors/403-viewer-secrets.json");
    script.set("/api/v1/secrets", [secrets]);
    let mut rig = Rig::of(&script, &[]);
    let answer = rig.poll(0).await.unwrap();

    assert_eq!(answer.version.as_ref().unwrap().shown(), "v1.36.2");
    let states: HashMap<String, String> = states(&answer).into_iter().collect();
    assert_eq!(states["deployments"], "read 4");
    assert_eq!(states["nodes"], "read 3");
    assert_eq!(states["applications"], "read 3");
    assert_eq!(
        states["k8srequiredlabels (constraints.gatekeeper.sh)"],
        "read 1"
    );
    let secrets = &states["secrets (Helm)"];
    assert!(
        secrets.starts_with("not permitted: 403 Forbidden at /api/v1/secrets: secrets is forbidden: User \"vera\" cannot list"),
        "{secrets}"
    );
    assert!(
        secrets.ends_with("set `namespaces` of this source to them"),
        "{secrets}"
    );
    // Served, but without a recorded list: the server says 404.
    assert_eq!(states["statefulsets"], "absent");

    // A command that asks once opens no watch, and asks for as little as it can.
    let requests = rig.server.requests();
    assert!(requests.iter().all(|r| r.params("watch").is_empty()));
    let of = |path: &str| requests.iter().find(|r| r.path() == path).unwrap().clone();
    assert_eq!(of(DEPLOYMENTS).target, format!("{DEPLOYMENTS}?limit=500"));
    assert_eq!(of(DEPLOYMENTS).header("accept"), Some("application/json"));
    assert_eq!(
        of(DEPLOYMENTS).header("authorization"),
        Some("Bearer vera-t0ken")
    );
    assert!(
        of(DEPLOYMENTS)
            .header("user-agent")
            .unwrap()
            .starts_with("quell/")
    );
    let secrets = of("/api/v1/secrets");
    assert_eq!(secrets.params("labelSelector"), ["owner=helm"]);
    assert_eq!(
        secrets.header("accept"),
        Some("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")
    );
    assert_eq!(
        of("/api/v1/events").params("fieldSelector"),
        ["type=Warning"]
    );
    assert!(
        of("/apis")
            .header("accept")
            .unwrap()
            .contains("as=APIGroupDiscoveryList")
    );
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    let script = Script::recorded();
    let pages = ["page1", "page2", "last"];
    let pages = pages.map(|page| recorded(&format!("paging/pods-limit2-{page}.json")));
    script.set(PODS, pages);
    let mut rig = Rig::with(&script, &["pods"], &[], 2);
    let answer = rig.poll(0).await.unwrap();
    assert_eq!(state(&answer), "read 5");
    assert_eq!(rig.names().len(), 5);

    let requests = rig.server.requests();
    let lists: Vec<_> = requests.iter().filter(|r| r.path() == PODS).collect();
    assert_eq!(lists.len(), 3);
    assert!(lists.iter().all(|r| r.params("limit") == ["2"]));
    assert!(lists[0].params("continue").is_empty());
    let page: serde_json::Value =
        serde_json::from_slice(&fixture("paging/pods-limit2-page1.json")).unwrap();
    let token = page["metadata"]["continue"].as_str().unwrap();
    assert_eq!(lists[1].params("continue"), [token]);
}

#[tokio::test]
async fn a_list_whose_next_page_has_expired_is_begun_again_and_then_asked_for_at_once() {
    let script = Script::recorded();
    let page = || recorded("paging/pods-limit2-page1.json");
    let gone = || refusal("410 Gone", "errors/410-continue-expired.json");
    // Twice a first page without its second; then whatever is not paged.
    let whole = recorded("lists/pods-payments.json");
    script.set(PODS, [page(), gone(), page(), gone(), whole]);
    let mut rig = Rig::with(&script, &["pods"], &[], 2);
    let answer = rig.poll(0).await.unwrap();
    let count = rig.names().len();
    assert_eq!(state(&answer), format!("read {count}"));
    assert!(rig.names().iter().all(|name| name.starts_with("payments/")));
    let asked = rig.asked(PODS);
    assert_eq!(asked.len(), 5);
    assert_eq!(asked[4], PODS);

    // A token that the server no longer understands is no different.
    let bad = refusal("400 Bad Request", "paging/bad-continue.json");
    script.set(
        PODS,
        [page(), bad, recorded("paging/pods-limit2-last.json")],
    );
    let mut rig = Rig::with(&script, &["pods"], &[], 2);
    assert_eq!(state(&rig.poll(0).await.unwrap()), "read 1");
}

#[tokio::test]
async fn one_object_that_cannot_be_read_does_not_hide_the_others() {
    let list = serde_json::json!({
        "kind": "DeploymentList", "apiVersion": "apps/v1",
        "metadata": {"resourceVersion": "7"},
        "items": [
            {"metadata": {"name": "odd", "namespace": "payments", "uid": 7, "labels": 7, "creationTimestamp": 7}},
            {"metadata": {"namespace": "payments"}},
        ],
    });
    let mut list = list;
    let good: serde_json::Value =
        serde_json::from_slice(&fixture("lists/deployments-payments.json")).unwrap();
    let good = good["items"].as_array().unwrap();
    list["items"]
        .as_array_mut()
        .unwrap()
        .extend(good.iter().cloned());
    let script = Script::recorded();
    script.set(DEPLOYMENTS, [Reply::ok(list.to_string())]);
    let mut rig = Rig::of(&script, &["deployments"]);
    let answer = rig.poll(0).await.unwrap();
    assert_eq!(
        rig.names(),
        ["payments/payments-api", "payments/payments-worker"]
    );
    // The one with a name counts, and is told by `tell`.
    assert_eq!(state(&answer), "read 3");
    let unreadable = &rig.source.reading.store.unreadable;
    let odd = unreadable.keys().next().unwrap();
    assert_eq!((unreadable.len(), odd.name.as_str()), (1, "odd"));
    let of_lists: Vec<&str> = limits(&answer)
        .into_iter()
        .filter(|limit| limit.starts_with("deployments:"))
        .collect();
    assert_eq!(of_lists.len(), 1, "{of_lists:?}");
    assert!(
        of_lists[0]
            .starts_with("deployments: object 2 of page 1 has no name: missing field `name`")
    );
}

#[tokio::test]
async fn namespaces_limit_what_lives_in_them_and_nothing_else() {
    let script = Script::recorded();
    let of = |namespace: &str| format!("/apis/apps/v1/namespaces/{namespace}/deployments");
    script.set(
        &of("payments"),
        [recorded("lists/deployments-payments.json")],
    );
    script.set(&of("no-such"), [recorded("lists/missing-namespace.json")]);
    script.set("/api/v1/nodes", [recorded("lists/nodes.json")]);
    let there = recorded("lists/namespace-terminating.json");
    script.set("/api/v1/namespaces/payments", [there]);
    let kinds = ["deployments", "nodes"];
    let mut rig = Rig::with(&script, &kinds, &["payments", "no-such"], 500);
    let answer = rig.poll(0).await.unwrap();
    let parts = states(&answer);
    let parts: Vec<(&str, &str)> = parts.iter().map(|(a, b)| (&**a, &**b)).collect();
    assert_eq!(
        parts,
        [
            ("deployments in payments", "read 2"),
            ("deployments in no-such", "read 0"),
            ("nodes", "read 3"),
        ]
    );
    // The server answers with an empty list for it, as if all were well.
    assert_eq!(
        limits(&answer),
        ["there is no namespace `no-such`: check `namespaces`"]
    );
}

#[tokio::test]
async fn what_is_no_list_fails_its_part_alone() {
    for (reply, why) in [
        (
            Reply::ok("{\"kind\":\"Status\",\"metadata\":{}}"),
            "page 1 of /apis/apps/v1/deployments: a Status instead of a list",
        ),
        (Reply::ok("{\"kind\":\"Depl"), "EOF while parsing"),
        (
            Reply::ok("<html><title>Sign in</title>"),
            "a web page (\"Sign in\"), not this API",
        ),
        (
            Reply::status("302 Found", "Location: https://sso.example/", ""),
            "302 Found at /apis/apps/v1/deployments: redirects, which quell does not follow",
        ),
        (
            Reply::cut_short("200 OK", "", "{\"kind\":", 900),
            "the answer ends early after 8 bytes",
        ),
    ] {
        let script = Script::recorded();
        script.set(DEPLOYMENTS, [reply]);
        script.set("/api/v1/nodes", [recorded("lists/nodes.json")]);
        let mut rig = Rig::of(&script, &["deployments", "nodes"]);
        let states = states(&rig.poll(0).await.unwrap());
        assert!(states[0].1.starts_with("failed: "), "{states:?}");
        assert!(states[0].1.contains(why), "{states:?}");
        assert_eq!(states[1].1, "read 3");
    }
}

#[tokio::test]
async fn a_kind_that_nobody_reads_is_said() {
    let script = Script::recorded();
    script.set("/api/v1/nodes", [recorded("lists/nodes.json")]);
    let mut rig = Rig::of(&script, &["nodes", "deploymnets"]);
    let states = states(&rig.poll(0).await.unwrap());
    assert_eq!(states[0].1, "read 3");
    assert_eq!(
        states[1],
        (
            "deploymnets".to_owned(),
            "failed: quell does not read this kind: did you mean `deployments`?".to_owned()
        )
    );
}
