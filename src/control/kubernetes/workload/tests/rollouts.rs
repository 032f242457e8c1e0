//! Restart, undo, pause and resume.

use super::*;
use crate::domain::action::{Direction, Risk};

const API: &str = "payments/deployment/payments-api";

fn api() -> Value {
    fixture("lists/deployment-payments-api.json")
}

fn restarted(place: &str, object: &Value) -> Result<Proposal, NoPlan> {
    with(place, object, &recorded_around(), restart::plan)
}

fn undone(object: &Value, history: &[Value], to: Option<i64>) -> Result<Proposal, NoPlan> {
    with(API, object, &recorded_around(), |case| {
        undo::plan(case, history, to)
    })
}

#[test]
fn a_restart_sets_the_time_of_the_request_and_the_marker() {
    let object = api();
    let proposal = restarted(API, &object).unwrap();
    let after = applied(&proposal.change, &object).unwrap();
    let template = &after["spec"]["template"]["metadata"]["annotations"];
    assert_eq!(
        template["kubectl.kubernetes.io/restartedAt"],
        "2026-11-21T07:00:00Z"
    );
    let marker = &after["metadata"]["annotations"]["quell.dev/action-id"];
    assert_eq!(*marker, json!(seed().id.as_str()));
    assert_eq!(
        after["spec"]["template"]["spec"],
        object["spec"]["template"]["spec"]
    );
    assert_eq!(
        proposal.change.write.path,
        "/apis/apps/v1/namespaces/payments/deployments/payments-api\
         ?fieldManager=quell&fieldValidation=Strict"
    );
    let first = &operations(&proposal.change)[..2];
    assert_eq!(first[0]["path"], "/metadata/uid");
    assert_eq!(
        first[1],
        json!({ "op": "test", "path": "/metadata/generation", "value": 3 })
    );
    assert!(matches!(proposal.back, Back::None(_)));
    assert_eq!(
        (proposal.risk, proposal.direction),
        (Risk::R2, Direction::Neutral)
    );
    round_trip(&proposal, &object, "/spec/template");
    is_steady(|object| restarted(API, object), &object);
}

#[test]
fn a_second_restart_replaces_the_time_of_the_first() {
    let object = fixture("actions/03-restart-done.json");
    let proposal = restarted(API, &object).unwrap();
    round_trip(&proposal, &object, "/spec/template");
    let line = &proposal.differences[0];
    assert_eq!(line.before.as_ref().unwrap().raw(), "2026-11-21T06:00:00Z");

    let mut same = object;
    same["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] =
        json!("2026-11-21T07:00:00Z");
    assert!(restarted(API, &same).is_err());
}

#[test]
fn statefulsets_and_daemonsets_restart_too() {
    let cases = [
        (
            "payments/statefulset/ledger-db",
            "lists/statefulsets-payments.json",
            "ledger-db",
            "2 pods, 1 at a time",
        ),
        (
            "sandbox/ds/log-agent",
            "lists/daemonsets-sandbox.json",
            "log-agent",
            "3 pods, one on each node",
        ),
    ];
    for (place, list, name, pace) in cases {
        let mut object = item(list, name);
        let proposal = restarted(place, &object).unwrap();
        round_trip(&proposal, &object, "/spec/template");
        assert!(
            proposal.blast.words[0].raw().starts_with(pace),
            "{:?}",
            proposal.blast
        );
        let what = "pods are replaced by themselves";
        assert_eq!(state(&proposal, what).0, Holds::Yes);
        assert_eq!(state(&proposal, "no rollout runs").0, Holds::Yes);
        assert_eq!(judged(&proposal.change, &object), Progress::Done);
        assert!(matches!(
            judged(&proposal.change, &edited(&object)),
            Progress::Going(_)
        ));
        object["spec"]["updateStrategy"] = json!({ "type": "OnDelete" });
        let proposal = restarted(place, &object).unwrap();
        assert_eq!(state(&proposal, what).0, Holds::No);
    }
}

#[test]
fn nothing_is_restarted_while_paused_or_while_a_rollout_runs() {
    let mut paused = api();
    paused["spec"]["paused"] = json!(true);
    let proposal = restarted(API, &paused).unwrap();
    assert_eq!(state(&proposal, "not paused").0, Holds::No);

    let running = fixture("actions/02-restart-mid-rollout.json");
    let proposal = restarted(API, &running).unwrap();
    assert_eq!(state(&proposal, "no rollout runs").0, Holds::No);

    let stuck = fixture("lists/deployment-checkout-web-stuck.json");
    let proposal = restarted("checkout/deployment/checkout-web", &stuck).unwrap();
    let (holds, words) = state(&proposal, "no rollout runs");
    assert_eq!(holds, Holds::Warns);
    assert!(words.contains("2 of 4 updated"), "{words}");

    // Every pod of it crashes: a restart is what people try.
    let crashing = item("lists/deployments-all.json", "payments-worker");
    let proposal = restarted("payments/deployment/payments-worker", &crashing).unwrap();
    assert_eq!(state(&proposal, "no rollout runs").0, Holds::Warns);
}

#[test]
fn the_pods_their_pace_and_their_budget_are_told() {
    let proposal = restarted(API, &api()).unwrap();
    let words: Vec<&str> = proposal.blast.words.iter().map(Untrusted::raw).collect();
    assert_eq!(
        words,
        [
            "3 pods: up to 1 more at a time, never below 3 ready",
            "PDB payments-api (at least 3) covers it, but a rollout does not ask it",
        ]
    );
    assert_eq!(
        (proposal.blast.count, proposal.blast.of),
        (Some(3), Some(3))
    );
}

#[test]
fn verification_follows_a_recorded_rollout_to_its_end() {
    let proposal = restarted(API, &api()).unwrap();
    let change = &proposal.change;
    let going = fixture("actions/02-restart-mid-rollout.json");
    assert!(matches!(judged(change, &going), Progress::Going(_)));
    let done = fixture("actions/03-restart-done.json");
    assert_eq!(judged(change, &done), Progress::Done);

    let watch = String::from_utf8(body_of("watch/deployments-during-actions.ndjson")).unwrap();
    let mut all = 0;
    let mut ended = 0;
    for line in watch.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let object = &event["object"];
        if event["type"] != "MODIFIED" {
            continue;
        }
        all += 1;
        // As `kubectl rollout status` sees it.
        let (spec, status) = (&object["spec"], &object["status"]);
        let count = |name: &str| status[name].as_i64().unwrap_or(0);
        let updated = count("updatedReplicas");
        let is_done = status["observedGeneration"] == object["metadata"]["generation"]
            && updated >= spec["replicas"].as_i64().unwrap()
            && count("replicas") <= updated
            && count("availableReplicas") >= updated;
        let progress = judged(change, object);
        assert!(!matches!(progress, Progress::Failed(_)));
        if is_done {
            ended += 1;
            assert_eq!(progress, Progress::Done);
        } else {
            assert!(matches!(progress, Progress::Going(_)), "{status}");
        }
    }
    assert!(all > 30 && ended > 0 && ended < all, "{ended} of {all}");
}

#[test]
fn a_rollout_that_gets_stuck_failed_but_not_one_that_was_stuck_before() {
    let stuck = fixture("lists/deployment-checkout-web-stuck.json");
    let mut healthy = stuck.clone();
    healthy["status"]["conditions"] = json!([]);
    let web = "checkout/deployment/checkout-web";
    let from_healthy = restarted(web, &healthy).unwrap();
    assert!(matches!(
        judged(&from_healthy.change, &stuck),
        Progress::Failed(_)
    ));

    let from_stuck = restarted(web, &stuck).unwrap();
    assert!(matches!(
        judged(&from_stuck.change, &edited(&stuck)),
        Progress::Going(_)
    ));
    let mut again = edited(&stuck);
    for condition in again["status"]["conditions"].as_array_mut().unwrap() {
        condition["lastUpdateTime"] = json!("2026-11-21T07:30:00Z");
    }
    assert!(matches!(
        judged(&from_stuck.change, &again),
        Progress::Failed(_)
    ));
}

#[test]
fn undo_takes_the_template_of_the_revision_before_as_a_server_took_it() {
    let object = api();
    let history = items("lists/replicasets-payments.json");
    let proposal = undone(&object, &history, None).unwrap();
    assert_eq!(
        proposal.change.what,
        "undo rollout of payments/deployment/payments-api to revision 2"
    );
    let after = applied(&proposal.change, &object).unwrap();
    let taken = fixture("actions/05-undo-to-1.41.1.json");
    assert_eq!(after["spec"]["template"], taken["spec"]["template"]);
    let cause = "kubernetes.io/change-cause";
    assert_eq!(
        after["metadata"]["annotations"][cause],
        taken["metadata"]["annotations"][cause]
    );
    let images: Vec<_> = proposal
        .differences
        .iter()
        .filter(|d| d.path.raw().ends_with("/image"))
        .map(|d| {
            (
                d.before.as_ref().unwrap().raw(),
                d.after.as_ref().unwrap().raw(),
            )
        })
        .collect();
    let (new, old) = (
        "registry.local/payments/api:1.42.0",
        "registry.local/payments/api:1.41.1",
    );
    assert_eq!(images, [(new, old)]);
    assert_eq!(
        (proposal.risk, proposal.direction),
        (Risk::R2, Direction::Reduces)
    );
    round_trip(&proposal, &object, "/spec/template");
    round_trip(
        &proposal,
        &object,
        "/metadata/annotations/kubernetes.io~1change-cause",
    );
    is_steady(|object| undone(object, &history, None), &object);
}

#[test]
fn what_would_take_an_undo_back_can_be_tried_before() {
    let (object, history) = (api(), items("lists/replicasets-payments.json"));
    let proposal = undone(&object, &history, None).unwrap();
    let trial = match &proposal.back {
        Back::Change { trial, .. } => trial.clone(),
        Back::None(_) => None,
    };
    let tried = Change {
        what: String::new(),
        write: trial.unwrap(),
        check: proposal.change.check.clone(),
        evidence: proposal.change.evidence.clone(),
    };
    let after = applied(&tried, &object).unwrap();
    assert_eq!(after["spec"], object["spec"]);
}

#[test]
fn a_revision_is_also_found_under_its_former_number() {
    let object = fixture("actions/06-after-undo-deployment.json");
    let history = items("actions/07-after-undo-replicasets.json");
    let to = |to| undone(&object, &history, to);
    // Revision 2 is 5 by now, and runs.
    let words = to(Some(2)).unwrap_err().to_string();
    assert!(words.contains("at revision 5 already"), "{words}");
    assert!(to(None).unwrap().change.what.ends_with("to revision 4"));
    assert!(to(Some(1)).unwrap().change.what.ends_with("to revision 1"));
    let words = to(Some(9)).unwrap_err().to_string();
    assert!(
        words.contains("keeps no revision 9: it keeps 5, 4, 3, 1"),
        "{words}"
    );

    // Before the undo was taken back, 5 carried the number 2.
    let mut later = object.clone();
    later["spec"]["template"] = history[0]["spec"]["template"].clone();
    let labels = &mut later["spec"]["template"]["metadata"]["labels"];
    labels.as_object_mut().unwrap().remove("pod-template-hash");
    let proposal = undone(&later, &history, Some(2)).unwrap();
    let (holds, words) = state(&proposal, "the revision is kept");
    assert_eq!(holds, Holds::Warns);
    assert!(words.starts_with("2 is revision 5"), "{words}");
}

#[test]
fn replica_sets_of_others_are_no_revisions() {
    let object = item("lists/deployments-all.json", "payments-worker");
    let history = items("lists/replicasets-payments.json");
    let around = nothing_around();
    let place = "payments/deployment/payments-worker";
    let refused = with(place, &object, &around, |case| {
        undo::plan(case, &history, None)
    });
    let words = refused.unwrap_err().to_string();
    assert!(
        words.contains("no revision before this one: it keeps 1"),
        "{words}"
    );
    let refused = with(place, &object, &around, |case| undo::plan(case, &[], None));
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("no earlier revision")
    );
}

/// The recorded set, with the history that its controller keeps of such templates.
#[test]
fn sets_go_back_by_their_controller_revisions() {
    let object = item("lists/statefulsets-payments.json", "ledger-db");
    let kept = |revision: i64, image: &str| {
        let mut template = object["spec"]["template"].clone();
        template["$patch"] = json!("replace");
        template["spec"]["containers"][0]["image"] = json!(image);
        json!({
            "metadata": {
                "name": format!("ledger-db-{revision}"),
                "ownerReferences": [{ "controller": true, "uid": object["metadata"]["uid"] }],
            },
            "data": { "spec": { "template": template } },
            "revision": revision,
        })
    };
    let runs = object["spec"]["template"]["spec"]["containers"][0]["image"]
        .as_str()
        .unwrap();
    let history = [kept(1, "db:14.8"), kept(2, runs)];
    let place = "payments/sts/ledger-db";
    let planned = |to| {
        with(place, &object, &nothing_around(), |case| {
            undo::plan(case, &history, to)
        })
    };
    let proposal = planned(None).unwrap();
    let after = applied(&proposal.change, &object).unwrap();
    let template = &after["spec"]["template"];
    assert_eq!(template["spec"]["containers"][0]["image"], "db:14.8");
    assert!(template.get("$patch").is_none());
    round_trip(&proposal, &object, "/spec/template");
    assert!(planned(Some(2)).is_err());
}

#[test]
fn pause_and_resume_are_each_others_way_back() {
    let object = api();
    let around = recorded_around();
    let paused = |object: &Value| with(API, object, &around, |c| pause::plan(c, pause::Way::Pause));
    let resumed =
        |object: &Value| with(API, object, &around, |c| pause::plan(c, pause::Way::Resume));
    let proposal = paused(&object).unwrap();
    round_trip(&proposal, &object, "/metadata/uid");
    assert_eq!(state(&proposal, "a rollout runs").0, Holds::Warns);
    assert_eq!(
        (proposal.risk, proposal.direction),
        (Risk::R1, Direction::Reduces)
    );
    is_steady(paused, &object);
    assert!(resumed(&object).is_err());

    let mut object = applied(&proposal.change, &object).unwrap();
    object["status"]["observedGeneration"] = json!(9);
    assert_eq!(judged(&proposal.change, &object), Progress::Done);
    assert!(paused(&object).is_err());
    let proposal = resumed(&object).unwrap();
    assert_eq!(proposal.direction, Direction::Adds);
    // The server leaves `false` out, which the way back expects.
    let mut after = applied(&proposal.change, &object).unwrap();
    after["spec"].as_object_mut().unwrap().remove("paused");
    let again = applied(back(&proposal), &after).unwrap();
    assert_eq!(again["spec"]["paused"], true);

    let set = item("lists/statefulsets-payments.json", "ledger-db");
    let refused = with("payments/sts/ledger-db", &set, &around, |c| {
        pause::plan(c, pause::Way::Pause)
    });
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("only Deployments")
    );
}

#[test]
fn whoever_declares_it_is_named() {
    let owned = |labels: Value, annotations: Value| {
        let mut object = api();
        object["metadata"]["labels"] = labels;
        object["metadata"]["annotations"] = annotations;
        let proposal = restarted(API, &object).unwrap();
        let found = proposal
            .preconditions
            .iter()
            .find(|p| p.what.raw() == "nobody puts it back");
        found.map(|p| (p.state, p.detail.raw().to_owned()))
    };
    let tracked = json!({ "argocd.argoproj.io/tracking-id": "checkout:apps/Deployment:payments/payments-api" });
    let (holds, words) = owned(json!({}), tracked).unwrap();
    assert_eq!(holds, Holds::Warns);
    assert!(
        words.starts_with("Argo CD app checkout owns it: it may be put back"),
        "{words}"
    );
    let flux = json!({
        "kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    });
    assert!(
        owned(flux, json!({}))
            .unwrap()
            .1
            .starts_with("Flux Kustomization flux-system/apps")
    );
    let helm = json!({ "helm.toolkit.fluxcd.io/name": "web" });
    assert!(
        owned(helm, json!({}))
            .unwrap()
            .1
            .starts_with("Flux HelmRelease ?/web")
    );
    assert_eq!(
        owned(json!({ "app.kubernetes.io/instance": "web" }), json!({})),
        None
    );
}
