//! What does quell say of changes and drift? A Kubernetes API that answers as one was recorded, real
//! plans of Terraform, and a folder into which a pipeline pushes.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::Value;

use crate::quell::{Outcome, Quell};
use crate::raw::{Answer, RawServer, Request};
use crate::screen::{NARROW, WIDE, has, quit, size};

/// The recorded answers, by request target, of a user who may read everything but secrets.
fn recorded() -> HashMap<String, String> {
    let folder = fixtures("kubernetes");
    let mut answers = HashMap::new();
    for (target, file) in [
        ("/version", "meta/version.json"),
        ("/api", "meta/aggregated-api.json"),
        ("/apis", "meta/aggregated-apis.json"),
    ] {
        answers.insert(target.to_owned(), read(&folder.join(file)));
    }
    // The recording has lists of single namespaces: together they are the cluster's.
    for (target, files) in [
        ("/apis/apps/v1/deployments", &["deployments-all.json"][..]),
        (
            "/apis/apps/v1/replicasets",
            &["replicasets-payments.json", "replicasets-checkout.json"],
        ),
        (
            "/apis/apps/v1/statefulsets",
            &["statefulsets-payments.json"],
        ),
        ("/apis/apps/v1/daemonsets", &["daemonsets-sandbox.json"]),
        (
            "/api/v1/pods",
            &["pods-payments.json", "pods-checkout.json"],
        ),
        ("/api/v1/nodes", &["nodes.json"]),
        ("/api/v1/events", &["events-warning-all.json"]),
        (
            "/apis/autoscaling/v2/horizontalpodautoscalers",
            &["hpa-checkout.json"],
        ),
        ("/apis/policy/v1/poddisruptionbudgets", &["pdb-all.json"]),
        ("/api/v1/resourcequotas", &["resourcequota-payments.json"]),
        (
            "/apis/argoproj.io/v1alpha1/applications",
            &["applications.json"],
        ),
        ("/apis/argoproj.io/v1alpha1/rollouts", &["rollouts.json"]),
        (
            "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations",
            &["kustomizations.json"],
        ),
        (
            "/apis/helm.toolkit.fluxcd.io/v2/helmreleases",
            &["helmreleases.json"],
        ),
        (
            "/apis/wgpolicyk8s.io/v1alpha2/policyreports",
            &["policyreports.json"],
        ),
        (
            "/apis/constraints.gatekeeper.sh/v1beta1/k8srequiredlabels",
            &["gatekeeper-constraints.json"],
        ),
    ] {
        let mut list: Value = Value::Null;
        for file in files {
            let one: Value = serde_json::from_str(&read(&folder.join("lists").join(file))).unwrap();
            match &mut list {
                Value::Null => list = one,
                list => {
                    let items = one["items"].as_array().unwrap().clone();
                    list["items"].as_array_mut().unwrap().extend(items);
                }
            }
        }
        answers.insert(target.to_owned(), list.to_string());
    }
    answers
}

fn fixtures(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(kind)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// What this user may not list.
fn forbidden(target: &str) -> String {
    let plural = target.rsplit('/').next().unwrap_or_default();
    format!(
        "{{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{{}},\"status\":\"Failure\",\
         \"message\":\"{plural} is forbidden: User \\\"vera\\\" cannot list resource \\\"{plural}\\\" at the cluster scope\",\
         \"reason\":\"Forbidden\",\"details\":{{\"kind\":\"{plural}\"}},\"code\":403}}"
    )
}

/// A Kubernetes API as it was recorded; the user may not list what `hidden` names.
fn cluster(hidden: &'static [&'static str]) -> RawServer {
    let answers = recorded();
    RawServer::start(move |request: &Request| {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let plural = path.rsplit('/').next().unwrap_or_default();
        if query.contains("watch=") {
            // Nothing happens; it ends, as a server ends it after a while.
            return Answer::json("");
        }
        if plural == "secrets" || hidden.contains(&plural) {
            return Answer::text(403, &forbidden(path));
        }
        match answers.get(path) {
            Some(body) => Answer::json(body),
            None => Answer::text(404, "404 page not found\n"),
        }
    })
}

/// A kubeconfig for that server.
fn kubeconfig(quell: &Quell, server: &RawServer) -> String {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: rig\n\
         clusters: [ {{ name: rig, cluster: {{ server: {} }} }} ]\n\
         users: [ {{ name: vera, user: {{ token: FAKE-token-of-vera }} }} ]\n\
         contexts: [ {{ name: rig, context: {{ cluster: rig, user: vera }} }} ]\n",
        server.url().trim_end_matches('/')
    );
    let path = quell.write("home/kube/config", &text);
    path.display().to_string()
}

/// When the cluster was recorded, or soon after.
const RECORDED: &str = "2026-11-21T07:00:00Z";

fn list<'a>(document: &'a Value, name: &str) -> &'a Vec<Value> {
    let list = document[name].as_array();
    list.unwrap_or_else(|| panic!("no {name}: {document}"))
}

fn assert_code(outcome: &Outcome, code: i32) {
    assert_eq!(outcome.code, code, "{outcome:?}");
}

#[test]
fn a_recorded_cluster_tells_of_its_rollouts_syncs_and_releases() {
    let (quell, server) = (Quell::new(), cluster(&[]));
    let config = kubeconfig(&quell, &server);
    let arguments = ["--kubeconfig", &config, "--at", RECORDED, "--json"];
    let outcome = quell.run(&[&["changes", "since=30d"][..], &arguments].concat());
    // The secrets of Helm may not be read by this user: the answer is partial, and says so.
    assert_code(&outcome, 1);
    let document = outcome.json();
    assert_eq!(document["schema"], "quell.changes/1");
    let changes = list(&document, "changes");
    let of = |service: &str| -> Vec<&Value> {
        let own = changes.iter().filter(|change| change["service"] == service);
        own.collect()
    };
    let stuck = of("checkout-web");
    assert!(
        stuck.iter().any(|change| change["outcome"] == "failed"),
        "the rollout that exceeded its deadline: {stuck:#?}"
    );
    assert!(!of("payments-api").is_empty(), "{changes:#?}");
    assert!(
        of("search")
            .iter()
            .any(|c| c["progress"].is_string() || c["outcome"] == "running"),
        "the canary that waits: {:#?}",
        of("search")
    );
    assert!(!outcome.stdout.contains("FAKE-token"));
}

#[test]
fn what_a_user_may_not_list_is_named_and_never_an_empty_list() {
    let (quell, server) = (Quell::new(), cluster(&["replicasets", "applications"]));
    let config = kubeconfig(&quell, &server);
    let arguments = ["--kubeconfig", &config, "--at", RECORDED];
    let outcome = quell.run(&[&["changes", "since=30d"][..], &arguments].concat());
    assert_code(&outcome, 1);
    for word in ["replicasets", "applications", "not permitted"] {
        assert!(outcome.stdout.contains(word), "{word}: {outcome:?}");
    }
    let drift = quell.run(&[&["drift"][..], &arguments].concat());
    assert_code(&drift, 1);
    assert!(drift.stdout.contains("not permitted"), "{drift:?}");
}

#[test]
fn everything_forbidden_is_no_picture_at_all() {
    let quell = Quell::new();
    let server = RawServer::start(|_: &Request| Answer::text(401, "Unauthorized\n"));
    let config = kubeconfig(&quell, &server);
    let outcome = quell.run(&["changes", "--kubeconfig", &config]);
    assert_code(&outcome, 3);
}

#[test]
fn a_plan_tells_drift_from_what_is_pending_and_keeps_its_secrets() {
    let quell = Quell::new();
    let plan = |name: &str| fixtures("terraform").join(name).display().to_string();
    let ask = |name: &str| {
        let outcome = quell.run(&["drift", "--json", "--terraform", &plan(name)]);
        assert!([0, 1].contains(&outcome.code), "{name}: {outcome:?}");
        outcome
    };
    let kinds = |outcome: &Outcome| -> Vec<String> {
        let document = outcome.json();
        let mut kinds: Vec<String> = list(&document, "drift")
            .iter()
            .map(|row| row["kind"].as_str().unwrap().to_owned())
            .collect();
        kinds.sort_unstable();
        kinds
    };
    assert_eq!(kinds(&ask("02-drift-update.show.json")), ["drift"]);
    let config_change = kinds(&ask("07-config-change-replace-no-drift.show.json"));
    assert_eq!(config_change, ["pending", "pending"]);
    assert!(kinds(&ask("01-no-drift.show.json")).is_empty());
    assert!(kinds(&ask("13-moved.show.json")).is_empty());
    let sensitive = ask("06-drift-sensitive.show.json");
    assert_eq!(kinds(&sensitive), ["drift"]);
    let text = quell.run(&[
        "drift",
        "--terraform",
        &plan("06-drift-sensitive.show.json"),
    ]);
    for said in [&sensitive.stdout, &text.stdout] {
        assert!(!said.contains("FAKE-"), "{said}");
    }
    assert!(text.stdout.contains("sensitive"), "{text:?}");
}

#[test]
fn what_was_pushed_is_remembered_after_a_kill_and_without_the_folder() {
    let quell = Quell::new();
    let spool = quell.path("spool");
    fs::create_dir(&spool).unwrap();
    let folder = spool.display().to_string();
    #[allow(
        clippy::disallowed_methods,
        reason = "what is pushed has the present time"
    )]
    let at = (chrono::Utc::now() - chrono::TimeDelta::minutes(90)).to_rfc3339();
    let line = |number: usize| {
        format!("{{\"service\":\"svc-{number}\",\"to\":\"1.{number}.0\",\"at\":\"{at}\"}}\n")
    };
    let mut text = String::new();
    for number in 0..40 {
        text.push_str(&line(number));
    }
    fs::write(spool.join("ci.jsonl"), &text).unwrap();
    let terminal = quell.terminal(&["--changes", &folder], size(WIDE));
    terminal.send("3");
    terminal.wait_for_text("svc-39");
    // It is on disk once a command of its own has it from there.
    let remembered = || {
        let empty = quell.path("empty");
        fs::create_dir_all(&empty).unwrap();
        let outcome = quell.run(&[
            "changes",
            "--json",
            "--changes",
            &empty.display().to_string(),
        ]);
        let document = outcome.json();
        list(&document, "changes").len()
    };
    let mut count = 0;
    for _ in 0..50 {
        count = remembered();
        if count == 40 {
            break;
        }
    }
    assert_eq!(count, 40);
    // It dies while it writes: what it had remembered is whole.
    text.push_str(&line(40));
    fs::write(spool.join("ci.jsonl"), &text).unwrap();
    terminal.signal(Signal::KILL);
    let ending = terminal.wait_end();
    assert!(!ending.status.success());
    let after = remembered();
    assert!((40..=41).contains(&after), "{after}");
}

#[test]
fn both_screens_stand_on_a_recorded_cluster() {
    let (quell, server) = (Quell::new(), cluster(&["replicasets"]));
    let config = kubeconfig(&quell, &server);
    for shape in [NARROW, WIDE] {
        let terminal = quell.terminal(&["--kubeconfig", &config, "--context", "rig"], size(shape));
        terminal.send("4");
        terminal.wait_for("drift of Argo CD", |screen| has(screen, "feature-flags"));
        terminal.send("3");
        terminal.wait_for("that replica sets may not be listed", |screen| {
            has(screen, "replicasets")
        });
        terminal.send("8");
        terminal.wait_for("the cluster among the sources", |screen| has(screen, "rig"));
        quit(terminal);
    }
}
