//! Does the simulated cluster speak the shapes of a real one, and tell the story?

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use serde_json::Value;

use super::*;
use crate::sim::cluster::{Watch, answer};
use crate::sim::wire::Request;

const LISTS: &[(&str, &str)] = &[
    ("/apis/apps/v1/deployments", "deployments-all.json"),
    ("/apis/apps/v1/replicasets", "replicasets-payments.json"),
    ("/apis/apps/v1/statefulsets", "statefulsets-payments.json"),
    ("/api/v1/pods", "pods-payments.json"),
    ("/api/v1/nodes", "nodes.json"),
    ("/api/v1/events", "events-warning-all.json"),
    ("/apis/policy/v1/poddisruptionbudgets", "pdb-all.json"),
    (
        "/apis/autoscaling/v2/horizontalpodautoscalers",
        "hpa-checkout.json",
    ),
    (
        "/apis/argoproj.io/v1alpha1/applications",
        "applications.json",
    ),
];

fn request(path: &str, parameters: &[(&str, &str)]) -> Request {
    Request {
        method: Method::GET,
        path: path.to_owned(),
        parameters: parameters
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
        ..Request::default()
    }
}

fn get(path: &str, parameters: &[(&str, &str)], at_secs: i64) -> (u16, Value) {
    let answer = answer(&WORLD, &request(path, parameters), at_secs * 1_000);
    let body = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
    (answer.status.as_u16(), body)
}

fn items(path: &str, at_secs: i64) -> Vec<Value> {
    let (status, body) = get(path, &[], at_secs);
    assert_eq!(status, 200, "{path}");
    body["items"].as_array().unwrap().clone()
}

/// Where keys stand, names of labels, annotations and fields left out.
fn shape(value: &Value, at: &str, out: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let kind = match value {
        Value::Null => return,
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    out.entry(at.to_owned()).or_default().insert(kind);
    let is_free = ["labels", "annotations", "matchLabels", "fieldsV1"]
        .iter()
        .any(|name| at.ends_with(name));
    match value {
        Value::Array(list) => list
            .iter()
            .for_each(|item| shape(item, &format!("{at}[]"), out)),
        Value::Object(map) if !is_free => {
            for (key, value) in map {
                shape(value, &format!("{at}.{key}"), out);
            }
        }
        _ => {}
    }
}

/// What a real server may say, too, though nothing of the recorded cluster made it say so.
const NOT_RECORDED: &[&str] = &[
    ".metadata.labels",
    ".metadata.ownerReferences",
    ".metadata.managedFields[].subresource",
    ".status.unavailableReplicas",
    ".status.conditions[].reason",
    ".status.conditions[].message",
    ".spec.syncPolicy.automated",
    ".spec.syncPolicy.automated.prune",
    ".status.history[].initiatedBy.automated",
    ".status.operationState.operation.initiatedBy.automated",
];

#[test]
fn every_key_of_the_simulation_is_one_that_a_real_server_recorded() {
    let fixtures = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/kubernetes/lists/"
    );
    for (path, file) in LISTS {
        let text = std::fs::read_to_string(format!("{fixtures}{file}")).unwrap();
        let recorded: Value = serde_json::from_str(&text).unwrap();
        let mut known = BTreeMap::new();
        for item in recorded["items"].as_array().unwrap() {
            shape(item, "", &mut known);
        }
        let mut said = BTreeMap::new();
        for at_secs in [0, 20, 200, 430, 700] {
            for item in items(path, at_secs) {
                shape(&item, "", &mut said);
            }
        }
        for (at, kinds) in said {
            if ["", ".apiVersion", ".kind"].contains(&&*at) || NOT_RECORDED.contains(&&*at) {
                continue;
            }
            let real = known.get(&at);
            assert!(real.is_some(), "{path}: {at} is in no recorded object");
            assert!(kinds.is_subset(real.unwrap()), "{path}: {at} is {kinds:?}");
        }
    }
}

#[test]
fn the_bad_version_comes_and_the_old_replica_set_is_used_again() {
    let revision = |at_secs: i64| {
        let all = items("/apis/apps/v1/namespaces/checkout/deployments", at_secs);
        let annotations = &all[0]["metadata"]["annotations"];
        let image = all[0]["spec"]["template"]["spec"]["containers"][0]["image"].clone();
        let number = annotations["deployment.kubernetes.io/revision"].clone();
        (
            number.as_str().unwrap().to_owned(),
            image
                .as_str()
                .unwrap()
                .rsplit(':')
                .next()
                .unwrap()
                .to_owned(),
        )
    };
    assert_eq!(revision(0), ("30".into(), "2.30.4".into()));
    assert_eq!(revision(100), ("31".into(), "2.31.0".into()));
    assert_eq!(revision(500), ("32".into(), "2.30.4".into()));
    assert_eq!(revision(720 + 100), ("33".into(), "2.31.0".into()));
    let sets = items("/apis/apps/v1/namespaces/checkout/replicasets", 500);
    let reused = sets
        .iter()
        .find(|set| set["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "32");
    let history =
        &reused.unwrap()["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"];
    assert_eq!(history, "30");
}

#[test]
fn argo_cd_and_the_cluster_tell_of_the_same_applications() {
    let own =
        crate::sim::cluster::argocd_answer(&WORLD, &request("/api/v1/applications", &[]), 100_000);
    let own: Value = serde_json::from_str(&own.body).unwrap();
    let of_cluster = items("/apis/argoproj.io/v1alpha1/applications", 100);
    assert_eq!(own["items"].as_array().unwrap(), &of_cluster);
}

#[test]
fn pages_give_what_the_whole_list_gives() {
    let path = "/api/v1/pods";
    let whole = items(path, 100);
    let mut paged = Vec::new();
    let mut token = String::new();
    loop {
        let (status, body) = get(path, &[("limit", "5"), ("continue", &token)], 101);
        assert_eq!(status, 200);
        let page = body["items"].as_array().unwrap();
        assert!(page.len() <= 5);
        paged.extend(page.clone());
        match body["metadata"]["continue"].as_str() {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(paged.len(), whole.len());
    let (status, _) = get(path, &[("limit", "5"), ("continue", "0-5")], 4_000);
    assert_eq!(status, 410);
}

/// The objects by place and name, as a client keeps them.
fn kept(items: Vec<Value>) -> BTreeMap<String, Value> {
    let key = |object: &Value| {
        let metadata = &object["metadata"];
        format!("{}/{}", metadata["namespace"], metadata["name"])
    };
    items
        .into_iter()
        .map(|object| (key(&object), object))
        .collect()
}

#[test]
fn whoever_watches_knows_what_a_new_list_would_say() {
    for (path, _) in LISTS {
        let (_, list) = get(path, &[], 0);
        let version = list["metadata"]["resourceVersion"].as_str().unwrap();
        let asked = request(
            path,
            &[
                ("watch", "true"),
                ("resourceVersion", version),
                ("timeoutSeconds", "3600"),
            ],
        );
        let mut watch = Watch::of(&asked, 0).unwrap().ok().unwrap();
        let mut known = kept(list["items"].as_array().unwrap().clone());
        for step in 1..=435 {
            let lines = watch.lines(&WORLD, step * 2_000).unwrap();
            for line in lines.lines() {
                let event: Value = serde_json::from_str(line).unwrap();
                let object = event["object"].clone();
                let (key, object) = kept(vec![object]).pop_first().unwrap();
                match event["type"].as_str().unwrap() {
                    "ADDED" => assert!(known.insert(key, object).is_none(), "{line}"),
                    "MODIFIED" => assert!(known.insert(key, object).is_some(), "{line}"),
                    "DELETED" => assert!(known.remove(&key).is_some(), "{line}"),
                    "BOOKMARK" => {}
                    other => panic!("{other}"),
                }
            }
            if step % 15 == 0 {
                // A node says once a minute that it lives; nobody is told of that alone.
                let fresh = kept(items(path, step * 2));
                let names = |map: &BTreeMap<String, Value>| map.keys().cloned().collect::<Vec<_>>();
                assert_eq!(names(&known), names(&fresh), "{path} at {step}");
                if !path.ends_with("nodes") {
                    assert_eq!(known, fresh, "{path} at {step}");
                }
            }
        }
    }
}

#[test]
fn what_is_too_old_wrong_or_not_installed_is_refused_as_a_server_refuses_it() {
    let path = "/apis/apps/v1/deployments";
    let watch = |version: &str| {
        let asked = request(path, &[("watch", "1"), ("resourceVersion", version)]);
        Watch::of(&asked, 1_000_000).unwrap()
    };
    let line = watch("1").ok().unwrap().lines(&WORLD, 1_000_000).unwrap();
    let event: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&event["type"], &event["object"]["code"]),
        (&"ERROR".into(), &410.into())
    );
    assert_eq!(watch("abc").err().unwrap().status.as_u16(), 500);
    for path in [
        "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations",
        "/apis/apps/v1/nothings",
    ] {
        assert_eq!(get(path, &[], 0).0, 404, "{path}");
    }
}
