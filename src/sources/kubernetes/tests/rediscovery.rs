//! What is served, and when that changes.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use serde_json::{Value, json};

use super::*;

const APPLICATIONS: &str = "/apis/argoproj.io/v1alpha1/applications";
const CONSTRAINTS: &str = "/apis/constraints.gatekeeper.sh/v1beta1/k8srequiredlabels";

/// The recorded groups, changed.
fn groups(change: impl Fn(&mut Vec<Value>)) -> Reply {
    let mut list: Value = serde_json::from_slice(&fixture("meta/aggregated-apis.json")).unwrap();
    change(list["items"].as_array_mut().unwrap());
    Reply::ok(list.to_string())
}

fn is_argo(group: &Value) -> bool {
    group["metadata"]["name"] == "argoproj.io"
}

#[tokio::test]
async fn what_is_installed_later_appears_and_what_is_removed_goes() {
    let script = Script::recorded();
    let without = || groups(|items| items.retain(|group| !is_argo(group)));
    script.set(
        "/apis",
        [without(), recorded("meta/aggregated-apis.json"), without()],
    );
    script.set(APPLICATIONS, [recorded("lists/applications.json")]);
    script.set("/api/v1/nodes", [recorded("lists/nodes.json")]);
    let mut rig = Rig::of(&script, &["nodes", "applications"]);
    let last = |answer: &DeliveryAnswer| states(answer).pop().unwrap();
    let absent = ("applications".to_owned(), "absent".to_owned());
    assert_eq!(last(&rig.poll(0).await.unwrap()), absent);
    assert_eq!(last(&rig.poll(290).await.unwrap()), absent);
    assert_eq!(last(&rig.poll(300).await.unwrap()).1, "read 3");
    assert_eq!(last(&rig.poll(600).await.unwrap()), absent);
    assert!(
        rig.names().iter().all(|name| name.starts_with("node-")),
        "{:?}",
        rig.names()
    );
    assert_eq!(
        rig.asked(APPLICATIONS)[0],
        format!("{APPLICATIONS}?limit=500")
    );
}

#[tokio::test]
async fn an_older_server_is_asked_group_by_group() {
    let script = Script::recorded();
    script.set("/api", [recorded("meta/api-versions.json")]);
    script.set("/apis", [recorded("meta/api-groups.json")]);
    script.set("/api/v1", [recorded("meta/discovery-core-v1.json")]);
    script.set("/apis/apps/v1", [recorded("meta/discovery-apps-v1.json")]);
    let argo = recorded("meta/discovery-argoproj-v1alpha1.json");
    script.set("/apis/argoproj.io/v1alpha1", [argo]);
    script.set(
        "/apis/apps/v1/deployments",
        [recorded("lists/deployments-all.json")],
    );
    script.set(APPLICATIONS, [recorded("lists/applications.json")]);
    script.set("/api/v1/nodes", [recorded("lists/nodes.json")]);
    let mut rig = Rig::of(
        &script,
        &["deployments", "nodes", "applications", "reports"],
    );
    let states: HashMap<_, _> = states(&rig.poll(0).await.unwrap()).into_iter().collect();
    assert_eq!(states["deployments"], "read 4");
    assert_eq!(states["nodes"], "read 3");
    assert_eq!(states["applications"], "read 3");
    assert_eq!(states["reports"], "absent");
    // Nobody reads leases.
    assert!(rig.asked("/apis/coordination.k8s.io/v1").is_empty());
}

#[tokio::test]
async fn a_group_whose_server_is_away_is_unknown_and_not_absent() {
    let stale = |group: &str| {
        let group = group.to_owned();
        groups(move |items| {
            let found = items
                .iter_mut()
                .find(|item| item["metadata"]["name"] == *group);
            let version = &mut found.unwrap()["versions"][0];
            (version["freshness"], version["resources"]) = ("Stale".into(), json!([]));
        })
    };
    let script = Script::recorded();
    script.set("/apis", [stale("argoproj.io")]);
    let away = || {
        refusal(
            "503 Service Unavailable",
            "errors/503-aggregated-api-down.txt",
        )
    };
    script.set(APPLICATIONS, [away(), recorded("lists/applications.json")]);
    script.set("/api/v1/nodes", [recorded("lists/nodes.json")]);
    let mut rig = Rig::of(&script, &["nodes", "applications"]);
    let state = states(&rig.poll(0).await.unwrap()).pop().unwrap().1;
    assert!(
        state.starts_with("failed: overloaded (503 Service Unavailable"),
        "{state}"
    );
    assert_eq!(
        states(&rig.poll(10).await.unwrap()).pop().unwrap().1,
        "read 3"
    );

    // Constraints are only known by discovery: what was known of them stays.
    let script = Script::recorded();
    let groups = [
        recorded("meta/aggregated-apis.json"),
        stale("constraints.gatekeeper.sh"),
    ];
    script.set("/apis", groups);
    script.set(CONSTRAINTS, [recorded("lists/gatekeeper-constraints.json")]);
    let mut rig = Rig::of(&script, &["constraints"]);
    rig.poll(0).await.unwrap();
    let states = states(&rig.poll(300).await.unwrap());
    assert_eq!(states[0].1, "read 1");
    assert_eq!(
        states[1].1,
        "failed: the server does not know right now what there is (stale)"
    );
}

#[tokio::test]
async fn a_version_that_is_not_read_is_said_and_the_first_that_is_read_is_taken() {
    let script = Script::recorded();
    let apis = groups(|items| {
        for group in items {
            if is_argo(group) {
                group["versions"][0]["version"] = "v7".into();
            }
            if group["metadata"]["name"] == "kustomize.toolkit.fluxcd.io" {
                group["versions"][0]["version"] = "v1beta2".into();
            }
        }
    });
    script.set("/apis", [apis]);
    let flux = "/apis/kustomize.toolkit.fluxcd.io/v1beta2/kustomizations";
    script.set(flux, [recorded("lists/kustomizations.json")]);
    let mut rig = Rig::of(&script, &["applications", "kustomizations"]);
    let states: HashMap<_, _> = states(&rig.poll(0).await.unwrap()).into_iter().collect();
    assert_eq!(
        states["applications"],
        "failed: served as v7; quell reads v1alpha1"
    );
    assert!(states["kustomizations"].starts_with("read "), "{states:?}");
}
