//! Refresh, sync, rollback and terminate of recorded Applications.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;
use crate::control::kubernetes::draft::MARKER_PLACE;
use crate::control::kubernetes::recorded;
use crate::domain::check::{Found, Progress, Seen};

fn app(name: &str) -> App {
    App {
        object: recorded::item("lists/applications.json", name),
        windows: Windows::Open("none".to_owned()),
    }
}

/// The recorded one, with auto-sync off.
fn by_hand() -> App {
    let mut app = app("payments-api");
    app.object["spec"]["syncPolicy"]
        .as_object_mut()
        .unwrap()
        .remove("automated");
    app
}

fn made(action: &str, parameters: &[(&str, &str)], app: &App) -> Result<Draft, NoPlan> {
    let request = recorded::request(action, parameters);
    draft(&"eu-1".into(), &request, app, &recorded::seed())
}

fn sync_of(app: &App, parameters: &[(&str, &str)]) -> Draft {
    made("argocd.app.sync", parameters, app).unwrap()
}

fn state(draft: &Draft, what: &str) -> Option<Holds> {
    let mut found = draft.preconditions.iter();
    found.find(|p| p.what.raw() == what).map(|p| p.state)
}

const HEAD: &str = "9f2c1d7be04a6f5b3a8e1c2d4f6a7b8c9d0e1f2a";
const BEFORE: &str = "77aa88bb99cc00dd11ee22ff33445566778899aa";

#[test]
fn a_sync_is_pinned_and_set_only_where_no_operation_is() {
    let app = by_hand();
    let draft = sync_of(&app, &[]);
    let ops = recorded::ops(&draft.steps[0]);
    let after = recorded::patched(&app.object, &ops).unwrap();
    assert_eq!(
        after["operation"],
        json!({
            "initiatedBy": { "username": "otto" },
            "info": [
                { "name": "quell.dev/action-id", "value": recorded::seed().id.as_str() },
                { "name": "Reason", "value": "INC-2291" },
            ],
            "sync": { "revision": HEAD, "prune": false, "syncOptions": ["ServerSideApply=true"] },
        })
    );
    assert_eq!(at(&after, "/status/operationState"), None);
    assert_eq!(text(&after, MARKER_PLACE), recorded::seed().id.as_str());
    assert_eq!(
        recorded::patched(&after, &ops),
        None,
        "an operation is there"
    );
    let mut declared = app.object.clone();
    declared["spec"]["source"]["targetRevision"] = json!("other");
    assert_eq!(recorded::patched(&declared, &ops), None, "another spec");
    let mut synced = app.object.clone();
    synced["status"]["operationState"]["startedAt"] = json!("2026-11-21T06:29:00Z");
    assert_eq!(recorded::patched(&synced, &ops), None, "one ran since");
}

#[test]
fn a_reconcile_changes_no_byte_of_it_and_a_new_commit_does() {
    let body = |app: &App| recorded::body(&sync_of(app, &[]).steps[0]);
    let mut noisy = by_hand();
    noisy.object["status"]["reconciledAt"] = json!("2026-11-21T06:29:00Z");
    noisy.object["status"]["health"]["status"] = json!("Degraded");
    noisy.object["metadata"]["generation"] = json!(99);
    noisy.object["metadata"]["resourceVersion"] = json!("99");
    assert_eq!(body(&by_hand()), body(&noisy));
    let mut moved = by_hand();
    moved.object["status"]["sync"]["revision"] = json!(BEFORE);
    assert_ne!(body(&by_hand()), body(&moved));
}

#[test]
fn what_runs_and_what_is_closed_refuses_a_sync() {
    let idle = sync_of(&by_hand(), &[]);
    assert_eq!(state(&idle, "no operation runs"), Some(Holds::Yes));
    let busy = sync_of(&app("ledger"), &[]);
    assert_eq!(state(&busy, "no operation runs"), Some(Holds::No));
    let windowed = |windows: Windows| {
        let mut app = by_hand();
        app.windows = windows;
        state(&sync_of(&app, &[]), "sync windows let it through")
    };
    let why = || "why".to_owned();
    assert_eq!(windowed(Windows::Open(why())), Some(Holds::Yes));
    assert_eq!(windowed(Windows::Closed(why())), Some(Holds::No));
    assert_eq!(windowed(Windows::Unknown(why())), Some(Holds::Unknown));
}

#[test]
fn auto_sync_is_said_and_stops_another_revision_and_a_rollback() {
    let what = "auto-sync does not interfere";
    let automatic = app("payments-api");
    assert_eq!(state(&sync_of(&by_hand(), &[]), what), None);
    let same = sync_of(&automatic, &[]);
    assert_eq!(state(&same, what), Some(Holds::Warns));
    assert!(matches!(same.back, Back::None(_)));
    let other = sync_of(&automatic, &[("revision", BEFORE)]);
    assert_eq!(state(&other, what), Some(Holds::No));
    let to = [("to", "41")];
    let refused = made("argocd.app.rollback", &to, &automatic).unwrap();
    assert_eq!(state(&refused, "auto-sync is off"), Some(Holds::No));
    let open = made("argocd.app.rollback", &to, &by_hand()).unwrap();
    assert_eq!(state(&open, "auto-sync is off"), Some(Holds::Yes));
    let mut disabled = app("payments-api");
    disabled.object["spec"]["syncPolicy"]["automated"]["enabled"] = json!(false);
    assert!(!disabled.has_auto_sync());
}

#[test]
fn pruning_is_r3_and_names_what_is_deleted() {
    let mut app = by_hand();
    app.object["status"]["resources"][2]["status"] = json!("OutOfSync");
    app.object["status"]["resources"][2]["requiresPruning"] = json!(true);
    let after = |draft: &Draft| {
        let found = draft.differences.iter();
        let mut found = found.filter(|d| d.path.raw().starts_with("PodDisruptionBudget"));
        found.next().unwrap().after.clone().unwrap()
    };
    let pruned = sync_of(&app, &[("prune", "true")]);
    assert_eq!((pruned.risk, after(&pruned).shown()), (Risk::R3, "deleted"));
    let kept = sync_of(&app, &[]);
    assert_eq!(kept.risk, Risk::R2);
    assert!(after(&kept).shown().starts_with("kept"));
    assert_eq!((kept.blast.count, kept.blast.of), (Some(1), Some(3)));
    assert_eq!(kept.grade, Grade::C);
}

#[test]
fn only_a_commit_that_cannot_move_is_taken() {
    for moving in ["main", "v1.2.3", "9f2c1d7", "HEAD", "--force"] {
        let given = [("revision", moving)];
        assert!(
            made("argocd.app.sync", &given, &by_hand()).is_err(),
            "{moving}"
        );
    }
    let several = made("argocd.app.sync", &[("revision", HEAD)], &app("ledger"));
    assert!(several.unwrap_err().to_string().contains("several sources"));
}

#[test]
fn a_rollback_names_revision_and_source_of_its_history() {
    let app = by_hand();
    let draft = made("argocd.app.rollback", &[("to", "41")], &app).unwrap();
    assert_eq!(draft.direction, Direction::Reduces);
    let after = recorded::patched(&app.object, &recorded::ops(&draft.steps[0])).unwrap();
    let sync = &after["operation"]["sync"];
    assert_eq!(
        (&sync["revision"], &sync["prune"]),
        (&json!(BEFORE), &json!(false))
    );
    assert_eq!(sync["source"], app.object["status"]["history"][1]["source"]);
    let unknown = made("argocd.app.rollback", &[("to", "7")], &app).unwrap_err();
    assert!(unknown.to_string().contains("40, 41, 42"), "{unknown}");
    let current = made("argocd.app.rollback", &[("to", "42")], &app).unwrap_err();
    assert!(current.to_string().contains("already"), "{current}");
}

/// As Argo CD leaves it once it worked on the operation.
fn worked_on(app: &App, draft: &Draft, phase: &str, revision: &str) -> Value {
    let mut seen = recorded::patched(&app.object, &recorded::ops(&draft.steps[0])).unwrap();
    let operation = seen.as_object_mut().unwrap().remove("operation").unwrap();
    seen["status"]["operationState"] = json!({
        "operation": operation, "phase": phase, "startedAt": "2026-11-21T06:30:10Z",
        "syncResult": { "revision": revision },
    });
    seen
}

#[test]
fn it_worked_when_argo_cd_finished_ours() {
    let app = by_hand();
    let draft = sync_of(&app, &[]);
    let check = draft.steps[0].check.clone().unwrap();
    let judge = |seen: Value| check.judge(&Seen::Value(seen));
    let before = judge(app.object.clone());
    assert!(
        matches!(before, Progress::Going(_)),
        "the operation before is not ours"
    );
    assert_eq!(
        judge(worked_on(&app, &draft, "Succeeded", HEAD)),
        Progress::Done
    );
    let failed = judge(worked_on(&app, &draft, "Failed", HEAD));
    assert!(matches!(failed, Progress::Failed(_)));
    let mut sick = worked_on(&app, &draft, "Succeeded", HEAD);
    sick["status"]["health"]["status"] = json!("Progressing");
    assert!(matches!(judge(sick), Progress::Going(_)));
    let other = judge(worked_on(&app, &draft, "Succeeded", BEFORE));
    assert!(matches!(other, Progress::Going(_)));
}

#[test]
fn a_rollback_is_taken_back_only_after_our_own_operation() {
    let app = by_hand();
    let draft = made("argocd.app.rollback", &[("to", "41")], &app).unwrap();
    let Back::Steps(_, back) = &draft.back else {
        unreachable!()
    };
    let ops = recorded::ops(&back[0]);
    let info = "/status/operationState/operation/info/0/value";
    assert!(ops.to_string().contains(info));
    let seen = worked_on(&app, &draft, "Succeeded", BEFORE);
    assert_eq!(at(&seen, info).unwrap(), recorded::seed().id.as_str());
    let set = ops.as_array().unwrap().last().unwrap();
    assert_eq!(set["value"]["sync"]["revision"], HEAD);
}

#[test]
fn a_lost_answer_is_found_out_by_the_marker() {
    let app = by_hand();
    let draft = sync_of(&app, &[]);
    let evidence = &draft.steps[0].evidence;
    let judge = |seen: Value| evidence.judge(&Seen::Value(seen));
    assert_eq!(judge(app.object.clone()), Found::NotApplied);
    assert_eq!(
        judge(worked_on(&app, &draft, "Running", HEAD)),
        Found::Applied
    );
    let mut between = app.object.clone();
    between["status"]["operationState"]["startedAt"] = json!("2026-11-21T06:29:00Z");
    assert!(matches!(judge(between), Found::Unknown(_)));
}

#[test]
fn only_the_operation_that_was_seen_is_ended() {
    let app = app("ledger");
    let draft = made("argocd.app.terminate", &[], &app).unwrap();
    let ops = recorded::ops(&draft.steps[0]);
    let after = recorded::patched(&app.object, &ops).unwrap();
    assert_eq!(text(&after, PHASE), "Terminating");
    for (place, value) in [
        (STARTED, json!("2026-11-21T06:29:00Z")),
        (PHASE, json!("Succeeded")),
        ("/operation/sync/prune", json!(false)),
    ] {
        let mut other = app.object.clone();
        *other.pointer_mut(place).unwrap() = value;
        assert_eq!(recorded::patched(&other, &ops), None, "{place}");
    }
    let check = draft.steps[0].check.clone().unwrap();
    assert!(matches!(
        check.judge(&Seen::Value(after.clone())),
        Progress::Going(_)
    ));
    let mut ended = after;
    ended["status"]["operationState"]["phase"] = json!("Failed");
    assert_eq!(check.judge(&Seen::Value(ended)), Progress::Done);
    assert!(made("argocd.app.terminate", &[], &by_hand()).is_err());
}

#[test]
fn a_refresh_is_harmless_and_seen_by_the_next_comparison() {
    let app = by_hand();
    let draft = made("argocd.app.refresh", &[], &app).unwrap();
    assert_eq!(draft.risk, Risk::R0);
    let after = recorded::patched(&app.object, &recorded::ops(&draft.steps[0])).unwrap();
    let annotation = "/metadata/annotations/argocd.argoproj.io~1refresh";
    assert_eq!(text(&after, annotation), "hard");
    let check = draft.steps[0].check.clone().unwrap();
    assert!(matches!(
        check.judge(&Seen::Value(after.clone())),
        Progress::Going(_)
    ));
    let mut compared = after;
    let annotations = compared.pointer_mut("/metadata/annotations").unwrap();
    annotations.as_object_mut().unwrap().remove(REFRESH);
    compared["status"]["reconciledAt"] = json!("2026-11-21T06:31:00Z");
    assert_eq!(check.judge(&Seen::Value(compared)), Progress::Done);
}

#[test]
fn an_application_that_is_deleted_is_left_alone() {
    let mut going = by_hand();
    going.object["metadata"]["deletionTimestamp"] = json!("2026-11-21T06:00:00Z");
    assert!(made("argocd.app.sync", &[], &going).is_err());
}
