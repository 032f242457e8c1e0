//! Promote, abort and retry of a recorded Rollout.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;
use crate::control::kubernetes::recorded;
use crate::domain::check::{Found, Progress, Seen};

fn search() -> Value {
    recorded::item("lists/rollouts.json", "search")
}

fn made(action: &str, rollout: &Value) -> Result<Draft, NoPlan> {
    let request = recorded::request(action, &[]);
    let all = std::slice::from_ref(rollout);
    draft(&"eu-1".into(), &request, all, &recorded::seed())
}

fn full(rollout: &Value) -> Result<Draft, NoPlan> {
    let request = recorded::request("rollouts.promote", &[("full", "true")]);
    let all = std::slice::from_ref(rollout);
    draft(&"eu-1".into(), &request, all, &recorded::seed())
}

fn path_of_write(step: &Step) -> String {
    match &step.write {
        crate::domain::plan::Write::Http(write) => write.path.clone(),
        crate::domain::plan::Write::Command(_) => String::new(),
    }
}

#[test]
fn a_pause_is_cleared_only_while_it_is_the_one_that_was_seen() {
    let draft = made("rollouts.promote", &search()).unwrap();
    assert_eq!(
        path_of_write(&draft.steps[0]),
        "/apis/argoproj.io/v1alpha1/namespaces/checkout/rollouts/search/status?fieldManager=quell&fieldValidation=Strict"
    );
    let ops = recorded::ops(&draft.steps[0]);
    let after = recorded::patched(&search(), &ops).unwrap();
    assert_eq!(at(&after, PAUSES), None);
    for (place, value) in [
        (INDEX, json!(2)),
        (NEW, json!("another")),
        ("/metadata/generation", json!(2)),
        (PAUSES, json!([])),
    ] {
        let mut moved = search();
        *moved.pointer_mut(place).unwrap() = value;
        assert_eq!(recorded::patched(&moved, &ops), None, "{place}");
    }
    let check = draft.steps[0].check.clone().unwrap();
    assert!(matches!(
        check.judge(&Seen::Value(after.clone())),
        Progress::Going(_)
    ));
    let mut next = after;
    next["status"]["currentStepIndex"] = json!(2);
    assert_eq!(check.judge(&Seen::Value(next)), Progress::Done);
}

#[test]
fn counts_that_change_make_no_other_plan() {
    let body =
        |rollout: &Value| recorded::body(&made("rollouts.promote", rollout).unwrap().steps[0]);
    let mut later = search();
    later["status"]["availableReplicas"] = json!(4);
    later["status"]["message"] = json!("x");
    later["metadata"]["resourceVersion"] = json!("7777");
    assert_eq!(body(&search()), body(&later));
}

#[test]
fn a_step_that_runs_is_passed_by_its_number() {
    let mut running = search();
    running["status"]
        .as_object_mut()
        .unwrap()
        .remove("pauseConditions");
    let draft = made("rollouts.promote", &running).unwrap();
    let after = recorded::patched(&running, &recorded::ops(&draft.steps[0])).unwrap();
    assert_eq!(number(&after, INDEX), 2);
    let warned = draft
        .preconditions
        .iter()
        .any(|p| p.what.raw().contains("waits to be"));
    assert!(warned);
    let mut last = running;
    last["status"]["currentStepIndex"] = json!(5);
    assert!(made("rollouts.promote", &last).is_err());
}

#[test]
fn a_pause_by_hand_is_a_write_of_its_own() {
    let mut held = search();
    held["spec"]["paused"] = json!(true);
    let draft = made("rollouts.promote", &held).unwrap();
    assert_eq!(draft.steps.len(), 2);
    assert!(!path_of_write(&draft.steps[1]).contains("/status?"));
    let after = recorded::patched(&held, &recorded::ops(&draft.steps[0])).unwrap();
    let after = recorded::patched(&after, &recorded::ops(&draft.steps[1])).unwrap();
    assert_eq!(at(&after, PAUSED).unwrap(), false);
    let rights: Vec<String> = draft.access.iter().map(Access::words).collect();
    assert_eq!(
        rights,
        [
            "may patch rollouts search in checkout",
            "may patch rollouts/status search in checkout"
        ]
    );
}

#[test]
fn a_full_promotion_is_r3_and_says_what_it_skips() {
    let draft = full(&search()).unwrap();
    assert_eq!((draft.risk, draft.direction), (Risk::R3, Direction::Adds));
    let words: String = draft
        .preconditions
        .iter()
        .map(|p| p.detail.shown())
        .collect();
    assert!(words.contains("4 steps"), "{words}");
    let after = recorded::patched(&search(), &recorded::ops(&draft.steps[0])).unwrap();
    assert_eq!(at(&after, FULL).unwrap(), true);
    let mut done = search();
    done["status"]["stableRS"] = done["status"]["currentPodHash"].clone();
    assert!(full(&done).is_err());
    assert!(made("rollouts.promote", &done).is_err());
    assert!(made("rollouts.abort", &done).is_err());
}

#[test]
fn abort_and_retry_take_each_other_back() {
    let draft = made("rollouts.abort", &search()).unwrap();
    assert_eq!(draft.direction, Direction::Reduces);
    let aborted = recorded::patched(&search(), &recorded::ops(&draft.steps[0])).unwrap();
    assert_eq!(at(&aborted, ABORT).unwrap(), true);
    let Back::Steps(_, back) = &draft.back else {
        unreachable!()
    };
    let undone = recorded::patched(&aborted, &recorded::ops(&back[0])).unwrap();
    assert_eq!(at(&undone, ABORT).unwrap(), false);
    assert!(made("rollouts.abort", &aborted).is_err(), "aborted already");
    assert!(made("rollouts.promote", &aborted).is_err(), "aborted");
    assert!(made("rollouts.retry", &search()).is_err(), "not aborted");
    let retry = made("rollouts.retry", &aborted).unwrap();
    let again = recorded::patched(&aborted, &recorded::ops(&retry.steps[0])).unwrap();
    assert_eq!(at(&again, ABORT).unwrap(), false);
    let Back::Steps(_, back) = &retry.back else {
        unreachable!()
    };
    // The controller leaves `false` out of what it writes.
    let mut left_out = again;
    left_out["status"].as_object_mut().unwrap().remove("abort");
    assert!(recorded::patched(&left_out, &recorded::ops(&back[0])).is_some());
}

#[test]
fn an_abort_worked_once_the_stable_version_serves() {
    let step = made("rollouts.abort", &search()).unwrap().steps.remove(0);
    let check = step.check.unwrap();
    let judge = |change: &dyn Fn(&mut Value)| {
        let mut seen = search();
        seen["status"]["abort"] = json!(true);
        change(&mut seen);
        check.judge(&Seen::Value(seen))
    };
    assert!(matches!(judge(&|_| ()), Progress::Going(_)));
    let no_weight =
        judge(&|seen| seen["status"]["canary"]["weights"]["canary"]["weight"] = json!(0));
    assert_eq!(no_weight, Progress::Done);
    let no_pods = judge(&|seen| {
        seen["status"]
            .as_object_mut()
            .unwrap()
            .remove("updatedReplicas");
    });
    assert_eq!(no_pods, Progress::Done);
}

#[test]
fn a_lost_answer_is_found_out_by_the_status() {
    let step = made("rollouts.promote", &search()).unwrap().steps.remove(0);
    assert_eq!(
        step.evidence.judge(&Seen::Value(search())),
        Found::NotApplied
    );
    let after = recorded::patched(&search(), &recorded::ops(&step)).unwrap();
    assert_eq!(step.evidence.judge(&Seen::Value(after)), Found::Applied);
}

#[test]
fn a_rollout_that_git_declares_is_warned_about() {
    let mut declared = search();
    declared["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] =
        json!("search:argoproj.io/Rollout:checkout/search");
    let draft = made("rollouts.abort", &declared).unwrap();
    let warned = draft.preconditions.iter();
    let warned = warned.filter(|p| p.detail.raw().contains("Argo CD application search"));
    assert_eq!(warned.count(), 1);
}
