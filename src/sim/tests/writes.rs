//! Do writes come to what a real cluster was recorded to make of them?

use serde_json::json;

use super::*;
use crate::sim::cluster;
use crate::sim::story::CYCLE_MS;

const CHECKOUT: &str = "/apis/apps/v1/namespaces/checkout/deployments/checkout-api";
const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";

/// A platform that takes writes, and a clock that a test sets.
struct Platform {
    world: World,
    now_ms: i64,
}

impl Platform {
    fn at(secs: i64) -> Self {
        Self {
            world: WORLD.clone(),
            now_ms: secs * 1_000,
        }
    }

    fn read(&self, target: &str) -> Value {
        let now_ms = self.world.deeds.present_ms(self.now_ms);
        json(&cluster::answer(
            &self.world,
            &request(Method::GET, target),
            now_ms,
        ))
    }

    fn alertmanager(&self, replica: Replica, target: &str) -> Value {
        let request = request(Method::GET, target);
        json(&crate::sim::alertmanager::answer(
            &self.world,
            replica,
            &request,
            self.now_ms,
        ))
    }

    fn send(&mut self, method: Method, target: &str, form: &str, body: &Value) -> (u16, Value) {
        let answer = self.answer(method, target, form, body);
        let body = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
        (answer.status.as_u16(), body)
    }

    fn answer(&mut self, method: Method, target: &str, form: &str, body: &Value) -> Answer {
        let asked = Request {
            content_type: form.to_owned(),
            body: if body.is_null() {
                Vec::new()
            } else {
                body.to_string().into()
            },
            user_agent: "quell/0.1".to_owned(),
            ..request(method, target)
        };
        let now_ms = self.world.deeds.present_ms(self.now_ms);
        let written = cluster::written(&self.world, &asked, now_ms);
        if let Some(deeds) = written.deeds {
            self.world = self.world.with(deeds);
        }
        written.answer
    }

    fn patch(&mut self, target: &str, form: &str, body: &Value) -> (u16, Value) {
        self.send(Method::PATCH, target, form, body)
    }

    fn post(&mut self, target: &str, body: &Value) -> (u16, Value) {
        self.send(Method::POST, target, "application/json", body)
    }

    /// What somebody does who undoes the rollout: the template of the replica set before.
    fn undo(&self) -> Value {
        let held = self.read(CHECKOUT);
        let sets = self.read(
            "/apis/apps/v1/namespaces/checkout/replicasets?labelSelector=app.kubernetes.io%2Fname%3Dcheckout-api",
        );
        let number = |set: &Value| -> u32 {
            text(
                set,
                "/metadata/annotations/deployment.kubernetes.io~1revision",
            )
            .parse()
            .unwrap()
        };
        let mut sets = list(&sets["items"]).to_vec();
        sets.sort_by_key(number);
        let before = &sets[sets.len() - 2];
        json!([
            { "op": "test", "path": "/metadata/resourceVersion", "value": held["metadata"]["resourceVersion"] },
            { "op": "replace", "path": "/spec/template", "value": before["spec"]["template"] },
            { "op": "add", "path": "/metadata/annotations/quell.dev~1action-id", "value": "a-1" },
        ])
    }

    fn undo_now(&mut self) -> Value {
        let undo = self.undo();
        let (status, body) =
            self.patch(&format!("{CHECKOUT}?fieldManager=quell"), JSON_PATCH, &undo);
        assert_eq!(status, 200, "{body}");
        body
    }

    /// The burn of checkout's availability over a window, against an objective of 99.9 %.
    fn burn(&self, window: &str, at_secs: i64) -> f64 {
        let of = |codes: &str| {
            format!("sum(rate(http_requests_total{{service=\"checkout-api\"{codes}}}[{window}]))")
        };
        let expr = format!("{} / {} / 0.001", of(",code=~\"5..\""), of(""));
        let target = query_target("/api/v1/query", &expr, &[]);
        let request = request(Method::GET, &target);
        let answer = json(&crate::sim::prometheus::answer(
            &self.world,
            &request,
            at_secs * 1_000,
        ));
        text(&answer, "/data/result/0/value/1").parse().unwrap()
    }

    fn firing(&mut self, at_secs: i64, name: &str) -> usize {
        self.now_ms = at_secs * 1_000;
        let alerts = self.alertmanager(Replica::First, "/api/v2/alerts");
        let own = list(&alerts).iter();
        own.filter(|alert| text(alert, "/labels/alertname") == name)
            .count()
    }
}

fn recorded(file: &str) -> Value {
    let path = format!(
        "{}/tests/fixtures/kubernetes/{file}",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn an_undo_lets_the_burn_fall_and_the_alerts_resolve() {
    let mut platform = Platform::at(200);
    let told = Platform::at(200);
    assert!(platform.burn("30s", 200) > 300.0);
    assert_eq!(platform.firing(200, "CheckoutErrorBudgetBurn"), 1);
    platform.undo_now();
    for (at_secs, most) in [(215, 380.0), (230, 200.0), (245, 50.0), (260, 2.0)] {
        let burn = platform.burn("30s", at_secs);
        assert!(burn < most, "{burn} at {at_secs}");
    }
    assert!(told.burn("30s", 260) > 300.0, "without it the burn stays");
    assert_eq!(platform.firing(260, "CheckoutErrorBudgetBurn"), 0);
    assert_eq!(platform.firing(300, "CheckoutHighErrorRate"), 0);
    assert_eq!(platform.firing(300, "KubePodNotReady"), 0);
    assert_eq!(platform.firing(350, "ServiceErrorRatioHigh"), 0);
    // Nobody rolls back what is rolled back, and the next telling is told as ever.
    for at_secs in [430, 500, 719] {
        assert!(platform.burn("30s", at_secs) < 2.0, "at {at_secs}");
    }
    assert!(platform.burn("30s", 720 + 200) > 300.0);
    // What was before the undo is what it was.
    assert!((platform.burn("2m", 199) - told.burn("2m", 199)).abs() < 1e-9);
    assert!(platform.burn("10m", 719) < told.burn("10m", 719));
}

#[test]
fn an_undo_goes_on_two_pods_at_a_time() {
    let mut platform = Platform::at(200);
    let before = platform.read(CHECKOUT);
    let after = platform.undo_now();
    let generation = |object: &Value| object["metadata"]["generation"].as_u64().unwrap();
    assert_eq!(generation(&after), generation(&before) + 1);
    assert_eq!(
        after["status"]["observedGeneration"],
        before["metadata"]["generation"]
    );
    let number = "/metadata/annotations/deployment.kubernetes.io~1revision";
    assert_eq!(text(&after, number), "32");
    assert_eq!(
        text(&after, "/metadata/annotations/quell.dev~1action-id"),
        "a-1"
    );
    let managed = list(&after["metadata"]["managedFields"]);
    assert!(managed.iter().any(|entry| entry["manager"] == "quell"));
    let mut last = 0;
    for after_ms in [400, 6_000, 12_000, 20_000, 26_000] {
        platform.now_ms = 200_000 + after_ms;
        let held = platform.read(CHECKOUT);
        assert_eq!(
            held["status"]["observedGeneration"],
            held["metadata"]["generation"]
        );
        let updated = held["status"]["updatedReplicas"].as_u64().unwrap();
        assert!(updated > last, "{updated} after {after_ms} ms");
        last = updated;
    }
    let held = platform.read(CHECKOUT);
    assert_eq!(last, 12);
    assert_eq!(held["status"]["availableReplicas"], 12);
    let set = "/apis/apps/v1/namespaces/checkout/replicasets";
    let sets = platform.read(set);
    let good = list(&sets["items"])
        .iter()
        .find(|set| text(set, number) == "32");
    let history = "/metadata/annotations/deployment.kubernetes.io~1revision-history";
    assert_eq!(text(good.unwrap(), history), "30");
    let pods = platform.read(
        "/api/v1/namespaces/checkout/pods?labelSelector=app.kubernetes.io%2Fversion%3D2.30.4",
    );
    assert_eq!(list(&pods["items"]).len(), 12);
    let app = platform.read("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/checkout");
    assert_eq!(text(&app, "/status/resources/0/status"), "OutOfSync");
    assert!(
        app["spec"]["syncPolicy"]["automated"].is_null(),
        "nothing puts the undo back"
    );
    // The next telling begins fresh, and its numbers go on.
    platform.now_ms = CYCLE_MS + 100_000;
    assert_eq!(text(&platform.read(CHECKOUT), number), "33");
    let annotations = &platform.read(CHECKOUT)["metadata"]["annotations"];
    assert!(annotations["quell.dev/action-id"].is_null());
}

#[test]
fn an_undo_can_be_undone() {
    let mut platform = Platform::at(200);
    platform.undo_now();
    platform.now_ms = 300_000;
    let again = platform.undo_now();
    assert!(text(&again, "/spec/template/spec/containers/0/image").ends_with(":2.31.0"));
    let number = "/metadata/annotations/deployment.kubernetes.io~1revision";
    assert_eq!(text(&again, number), "33");
    assert!(platform.burn("30s", 400) > 200.0);
    // As told, a person rolls it back at 420.
    assert!(platform.burn("30s", 500) < 2.0);
}

#[test]
fn a_guarded_patch_is_refused_once_the_object_has_changed() {
    let mut platform = Platform::at(200);
    let undo = platform.undo();
    let (status, _) = platform.patch(CHECKOUT, JSON_PATCH, &undo);
    assert_eq!(status, 200);
    let (status, body) = platform.patch(CHECKOUT, JSON_PATCH, &undo);
    assert_eq!(
        (status, body),
        (422, recorded("errors/422-json-patch-test-failed.json"))
    );
    let stale = json!({ "metadata": { "resourceVersion": "1", "annotations": { "a": "b" } } });
    let (status, body) = platform.patch(CHECKOUT, MERGE_PATCH, &stale);
    let mut wanted = recorded("errors/409-stale-patch.json").to_string();
    wanted = wanted.replace("payments-api", "checkout-api");
    assert_eq!((status, body.to_string()), (409, wanted));
    let uid = json!({ "metadata": { "uid": "00000000-0000-0000-0000-000000000000" } });
    let (status, body) = platform.patch(CHECKOUT, MERGE_PATCH, &uid);
    assert_eq!((status, text(&body, "/reason")), (422, "Invalid"));
    assert!(text(&body, "/message").contains("metadata.uid: Invalid value"));
}

#[test]
fn of_writers_with_the_same_version_in_the_same_millisecond_one_wins() {
    let mut platform = Platform::at(650);
    let path = "/apis/apps/v1/namespaces/web/deployments/cart";
    let version = platform.read(path)["metadata"]["resourceVersion"].clone();
    let statuses: Vec<u16> = (0..5)
        .map(|writer| {
            let mark = json!({ "w": writer.to_string() });
            let patch = json!({ "metadata": { "resourceVersion": version, "annotations": mark } });
            platform.patch(path, STRATEGIC, &patch).0
        })
        .collect();
    assert_eq!(statuses, [200, 409, 409, 409, 409]);
    assert_eq!(platform.read(path)["metadata"]["annotations"]["w"], "0");
}

#[test]
fn a_dry_run_shows_what_would_be_and_changes_nothing() {
    let mut platform = Platform::at(200);
    let before = platform.read(CHECKOUT);
    let undo = platform.undo();
    let (status, shown) = platform.patch(&format!("{CHECKOUT}?dryRun=All"), JSON_PATCH, &undo);
    assert_eq!(status, 200);
    assert!(text(&shown, "/spec/template/spec/containers/0/image").ends_with(":2.30.4"));
    let generation = |object: &Value| object["metadata"]["generation"].as_u64().unwrap();
    assert_eq!(generation(&shown), generation(&before) + 1);
    assert_eq!(
        shown["metadata"]["resourceVersion"],
        before["metadata"]["resourceVersion"]
    );
    assert_eq!(platform.read(CHECKOUT), before);
    let (status, body) = platform.patch(&format!("{CHECKOUT}?dryRun=true"), JSON_PATCH, &undo);
    assert_eq!(
        (status, body),
        (422, recorded("dryrun/bad-dryrun-value.json"))
    );
}

#[test]
fn a_restart_and_a_pause_raise_the_generation_and_a_mark_does_not() {
    let mut platform = Platform::at(650);
    for path in [CHECKOUT, "/apis/apps/v1/namespaces/web/deployments/cart"] {
        let generation = |platform: &Platform| {
            platform.read(path)["metadata"]["generation"]
                .as_u64()
                .unwrap()
        };
        let at_first = generation(&platform);
        let restart = json!({ "spec": { "template": { "metadata": { "annotations": {
            "kubectl.kubernetes.io/restartedAt": "2026-11-21T06:00:00Z" } } } } });
        let (status, body) = platform.patch(path, STRATEGIC, &restart);
        assert_eq!(status, 200, "{body}");
        assert_eq!(generation(&platform), at_first + 1, "{path}");
        let version = platform.read(path)["metadata"]["resourceVersion"].clone();
        platform.patch(path, STRATEGIC, &restart);
        let same = platform.read(path)["metadata"]["resourceVersion"].clone();
        assert_eq!(version, same, "the same again is nothing");
        let template = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt";
        assert_eq!(text(&platform.read(path), template), "2026-11-21T06:00:00Z");
        platform.now_ms += 1_000;
        let held = platform.read(path);
        assert_eq!(
            held["status"]["observedGeneration"],
            held["metadata"]["generation"]
        );
        assert_eq!(held["status"]["updatedReplicas"], 2, "{path}");
        platform.now_ms += 30_000;
        let held = platform.read(path);
        assert_eq!(held["status"]["updatedReplicas"], held["spec"]["replicas"]);
        platform.patch(path, STRATEGIC, &json!({ "spec": { "paused": true } }));
        platform.patch(
            path,
            STRATEGIC,
            &json!({ "metadata": { "annotations": { "mark": "1" } } }),
        );
        assert_eq!(generation(&platform), at_first + 2, "{path}");
        platform.patch(path, STRATEGIC, &json!({ "spec": { "paused": null } }));
        assert!(platform.read(path)["spec"]["paused"].is_null());
    }
}

#[test]
fn an_autoscaler_puts_a_scale_back_and_nobody_else_does() {
    let mut platform = Platform::at(650);
    let scaled = json!({ "spec": { "replicas": 5 } });
    let free = "/apis/apps/v1/namespaces/web/deployments/cart";
    for path in [CHECKOUT, free] {
        let (status, body) = platform.patch(&format!("{path}/scale"), MERGE_PATCH, &scaled);
        assert_eq!((status, text(&body, "/kind")), (200, "Scale"), "{body}");
        assert_eq!(platform.read(path)["spec"]["replicas"], 5);
        assert_eq!(
            platform.read(&format!("{path}/scale"))["spec"]["replicas"],
            5
        );
    }
    platform.now_ms += 11_000;
    assert_eq!(platform.read(CHECKOUT)["spec"]["replicas"], 12);
    assert_eq!(platform.read(free)["status"]["readyReplicas"], 5);
    let negative = json!({ "spec": { "replicas": -1 } });
    let (status, body) = platform.patch(&format!("{free}/scale"), MERGE_PATCH, &negative);
    let wanted = recorded("errors/422-negative-replicas.json").to_string();
    assert_eq!(
        (status, body.to_string()),
        (422, wanted.replace("payments-api", "cart"))
    );
}

#[test]
fn a_budget_lets_two_pods_go_and_a_going_pod_goes_again() {
    let mut platform = Platform::at(650);
    let pods = platform.read("/api/v1/namespaces/checkout/pods");
    let names: Vec<String> = list(&pods["items"])
        .iter()
        .map(|pod| text(pod, "/metadata/name").to_owned())
        .collect();
    let evict = |platform: &mut Platform, name: &str, query: &str| {
        let body =
            json!({ "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": name } });
        let path = format!("/api/v1/namespaces/checkout/pods/{name}/eviction{query}");
        platform.post(&path, &body)
    };
    for _ in 0..3 {
        assert_eq!(evict(&mut platform, &names[0], "?dryRun=All").0, 201);
    }
    assert_eq!(
        evict(&mut platform, &names[0], ""),
        (201, recorded("actions/10-evict-allowed-once.json"))
    );
    assert_eq!(evict(&mut platform, &names[0], "").0, 201);
    assert_eq!(evict(&mut platform, &names[1], "").0, 201);
    let (status, body) = evict(&mut platform, &names[2], "");
    let wanted = recorded("errors/429-evict-pdb.json").to_string();
    let wanted = wanted.replace("payments-api", "checkout-api");
    let wanted = wanted.replace(
        "needs 3 healthy pods and has 3",
        "needs 10 healthy pods and has 10",
    );
    assert_eq!((status, body.to_string()), (429, wanted));
    let gone = format!("/api/v1/namespaces/checkout/pods/{}", names[0]);
    assert!(platform.read(&gone)["metadata"]["deletionTimestamp"].is_string());
    platform.now_ms += 9_000;
    let pods = platform.read("/api/v1/namespaces/checkout/pods");
    assert_eq!(list(&pods["items"]).len(), 12);
    assert!(
        list(&pods["items"])
            .iter()
            .all(|pod| text(pod, "/metadata/name") != names[0])
    );
    assert_eq!(platform.read(CHECKOUT)["status"]["availableReplicas"], 12);
    let (status, body) = evict(&mut platform, "no-such", "");
    assert_eq!(
        (status, body),
        (404, recorded("errors/404-evict-missing-pod.json"))
    );
    let wrong = json!({ "preconditions": { "uid": "00000000-0000-0000-0000-000000000000" } });
    let path = format!("/api/v1/namespaces/checkout/pods/{}", names[2]);
    let (status, body) = platform.send(Method::DELETE, &path, "application/json", &wrong);
    assert_eq!((status, text(&body, "/reason")), (409, "Conflict"));
    let (status, body) = platform.send(Method::DELETE, &path, "application/json", &Value::Null);
    assert_eq!(status, 200);
    assert!(body["metadata"]["deletionTimestamp"].is_string());
}

#[test]
fn during_the_incident_the_budget_lets_nobody_go() {
    let mut platform = Platform::at(200);
    let pods = platform.read("/api/v1/namespaces/checkout/pods");
    let name = text(&pods["items"][0], "/metadata/name").to_owned();
    let path = format!("/api/v1/namespaces/checkout/pods/{name}/eviction");
    assert_eq!(platform.post(&path, &json!({})).0, 429);
}

#[test]
fn a_node_is_cordoned_and_tainted() {
    let mut platform = Platform::at(100);
    let path = "/api/v1/nodes/worker-01";
    let (status, _) = platform.patch(
        path,
        STRATEGIC,
        &json!({ "spec": { "unschedulable": true } }),
    );
    assert_eq!(status, 200);
    platform.now_ms += 1_000;
    let taint = &platform.read(path)["spec"]["taints"][0];
    assert_eq!(text(taint, "/key"), "node.kubernetes.io/unschedulable");
    platform.patch(
        path,
        STRATEGIC,
        &json!({ "spec": { "unschedulable": null } }),
    );
    platform.now_ms += 1_000;
    assert_eq!(platform.read(path)["spec"], json!({}));
}

#[test]
fn an_application_takes_one_operation_and_no_strategic_merge() {
    let mut platform = Platform::at(200);
    platform.undo_now();
    platform.now_ms = 260_000;
    let path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/checkout";
    let sync = json!([
        { "op": "test", "path": "/operation", "value": null },
        { "op": "add", "path": "/operation", "value": { "sync": {}, "initiatedBy": { "username": "otto" } } },
    ]);
    assert_eq!(platform.patch(path, JSON_PATCH, &sync).0, 200);
    let (status, body) = platform.patch(path, JSON_PATCH, &sync);
    assert_eq!(
        (status, body),
        (422, recorded("actions/18-argocd-sync-guarded-second.json"))
    );
    assert_eq!(
        text(&platform.read(path), "/status/operationState/phase"),
        "Running"
    );
    platform.now_ms += 6_000;
    let held = platform.read(path);
    assert_eq!(text(&held, "/status/operationState/phase"), "Succeeded");
    assert!(held["operation"].is_null());
    let image = "/spec/template/spec/containers/0/image";
    assert!(
        text(&platform.read(CHECKOUT), image).ends_with(":2.31.0"),
        "git has the bad one"
    );
    let (status, body) = platform.patch(path, STRATEGIC, &json!({ "operation": null }));
    assert_eq!(
        (status, body),
        (415, recorded("errors/415-smp-on-crd.json"))
    );
    let typo = json!({ "operation": { "sync": { "revison": "x" } } });
    let warned = platform.answer(
        Method::PATCH,
        &format!("{path}?dryRun=All"),
        MERGE_PATCH,
        &typo,
    );
    let warning = "299 - \"unknown field \\\"operation.sync.revison\\\"\"".to_owned();
    assert_eq!(warned.headers, [("warning", warning)]);
    let strict = format!("{path}?fieldValidation=Strict");
    let (status, body) = platform.patch(&strict, MERGE_PATCH, &typo);
    assert_eq!(status, 422);
    assert!(text(&body, "/message").ends_with("unknown field \"operation.sync.revison\""));
}

#[test]
fn leases_are_held_by_one() {
    let mut platform = Platform::at(10);
    let all = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
    let one = format!("{all}/quell-checkout");
    let lease =
        json!({ "metadata": { "name": "quell-checkout" }, "spec": { "holderIdentity": "otto" } });
    let (status, made) = platform.post(all, &lease);
    assert_eq!(status, 201, "{made}");
    let (status, body) = platform.post(all, &lease);
    assert_eq!((status, text(&body, "/reason")), (409, "AlreadyExists"));
    let mut renewed = made.clone();
    renewed["spec"]["holderIdentity"] = json!("mara");
    let put = |platform: &mut Platform, body: &Value| {
        platform.send(Method::PUT, &one, "application/json", body)
    };
    assert_eq!(put(&mut platform, &renewed).0, 200);
    let (status, body) = put(&mut platform, &renewed);
    assert_eq!((status, text(&body, "/reason")), (409, "Conflict"));
    assert_eq!(text(&platform.read(&one), "/spec/holderIdentity"), "mara");
    let (status, _) = platform.send(Method::DELETE, &one, "application/json", &Value::Null);
    assert_eq!(status, 200);
    let (status, _) = platform.send(Method::DELETE, &one, "application/json", &Value::Null);
    assert_eq!(status, 404);
}

#[test]
fn reviews_allow_and_the_cluster_has_an_id() {
    let mut platform = Platform::at(10);
    let asked =
        json!({ "spec": { "resourceAttributes": { "verb": "patch", "resource": "nodes" } } });
    let (status, body) = platform.post(
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        &asked,
    );
    assert_eq!((status, &body["status"]["allowed"]), (201, &json!(true)));
    assert_eq!(body["spec"], asked["spec"]);
    let (status, body) = platform.post(
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        &json!({}),
    );
    assert_eq!(
        (status, text(&body, "/status/userInfo/username")),
        (201, "demo")
    );
    let system = platform.read("/api/v1/namespaces/kube-system");
    assert_eq!(text(&system, "/metadata/uid").len(), 36);
}

#[test]
fn whoever_watches_is_told_of_a_write() {
    let mut platform = Platform::at(650);
    let listed = platform.read("/apis/apps/v1/namespaces/web/deployments");
    let version = text(&listed, "/metadata/resourceVersion");
    let target =
        format!("/apis/apps/v1/namespaces/web/deployments?watch=1&resourceVersion={version}");
    let asked = request(Method::GET, &target);
    let mut watch = cluster::Watch::of(&asked, platform.now_ms)
        .unwrap()
        .ok()
        .unwrap();
    let path = "/apis/apps/v1/namespaces/web/deployments/cart";
    let quiet = watch.lines(&platform.world, platform.now_ms).unwrap();
    assert_eq!(quiet, "");
    platform.patch(path, STRATEGIC, &json!({ "spec": { "paused": true } }));
    let lines = watch.lines(&platform.world, platform.now_ms + 200).unwrap();
    let event: Value = serde_json::from_str(lines.trim()).unwrap();
    assert_eq!(
        (&event["type"], &event["object"]["spec"]["paused"]),
        (&json!("MODIFIED"), &json!(true))
    );
    let seen = watch
        .lines(&platform.world, platform.now_ms + 1_000)
        .unwrap();
    let event: Value = serde_json::from_str(seen.trim()).unwrap();
    let object = &event["object"];
    assert_eq!(
        object["status"]["observedGeneration"],
        object["metadata"]["generation"]
    );
}

#[test]
fn a_telling_that_ends_with_a_restart_is_followed_by_one_that_begins_fresh() {
    let mut platform = Platform::at(650);
    let restart =
        json!({ "spec": { "template": { "metadata": { "annotations": { "a": "b" } } } } });
    assert_eq!(platform.patch(CHECKOUT, STRATEGIC, &restart).0, 200);
    let revision = |platform: &Platform| -> u32 {
        let held = platform.read(CHECKOUT);
        assert!(held["metadata"]["generation"].as_u64().unwrap() > 30);
        text(
            &held,
            "/metadata/annotations/deployment.kubernetes.io~1revision",
        )
        .parse()
        .unwrap()
    };
    let mut last = revision(&platform);
    assert_eq!(last, 33);
    for at_secs in [720, 730, 1_150, 1_450] {
        platform.now_ms = at_secs * 1_000;
        let next = revision(&platform);
        assert!(next > last, "{next} at {at_secs}");
        last = next;
        let held = platform.read(CHECKOUT);
        assert!(held["spec"]["template"]["metadata"]["annotations"].is_null());
    }
    platform.now_ms = 720_500;
    assert_eq!(platform.read(CHECKOUT)["status"]["updatedReplicas"], 12);
}
