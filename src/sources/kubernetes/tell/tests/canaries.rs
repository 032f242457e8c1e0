//! Argo Rollouts.

use super::*;
use crate::domain::change::Outcome;

const NOW: &str = "2026-11-21T06:20:00Z";

fn rollouts(change: impl FnOnce(&mut Value)) -> DeliveryAnswer {
    let mut value: Value = serde_json::from_str(recorded!("lists/rollouts")).unwrap();
    change(&mut value["items"][0]);
    World::default()
        .with(Resource::Rollouts, &value.to_string())
        .with(
            Resource::ReplicaSets,
            recorded!("lists/replicasets-checkout"),
        )
        .with(Resource::AnalysisRuns, ANALYSIS)
        .tell(NOW)
}

/// Made up.
const ANALYSIS: &str = r#"{"metadata":{"name":"search-7b5c9d8f4-8-2","namespace":"checkout",
    "labels":{"rollouts-pod-template-hash":"7b5c9d8f4","step-index":"2"},
    "ownerReferences":[{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","name":"search",
      "uid":"e2955a80-0c15-4280-8d70-3215e7db9ac6","controller":true}]},
    "status":{"phase":"Failed","message":"metric \"success-rate\" assessed Failed"}}"#;

const SEARCH: &str = "k8s:prod/checkout/rollout/search@8:7b5c9d8f4";

#[test]
fn a_paused_canary_says_at_which_step_it_waits() {
    let answer = rollouts(|_| {});
    let canary = of(&answer, SEARCH);
    assert_eq!(versions(canary), (Some("2.3.4"), Some("2.4.0")));
    assert_eq!(canary.outcome, Outcome::Running);
    let progress = text(canary.told.progress.as_ref());
    let expected = "paused (CanaryPauseStep), step 2 of 5, 1 of 5 updated";
    assert_eq!(progress, Some(expected));
    assert_eq!(label(&canary.subject, "kind"), "Rollout");
    let before = of(&answer, "k8s:prod/checkout/rollout/search@7:6d9f8b7c5");
    assert_eq!(before.outcome, Outcome::Unknown);
}

#[test]
fn an_aborted_canary_failed_at_the_step_of_its_analysis_made_up() {
    let answer = rollouts(|rollout| {
        let status = &mut rollout["status"];
        status["phase"] = "Degraded".into();
        status["abort"] = true.into();
        status["abortedAt"] = "2026-11-21T06:16:00Z".into();
        status["currentStepIndex"] = 0.into();
        status["message"] = "RolloutAborted: Rollout aborted update to revision 8".into();
    });
    let canary = of(&answer, SEARCH);
    assert_eq!(canary.outcome, Outcome::Failed);
    assert_eq!(canary.finished_at, Some(today("06:16:00")));
    assert_eq!(
        text(canary.told.reason.as_ref()),
        Some(
            "aborted at step 3 of 5: RolloutAborted: Rollout aborted update to revision 8: \
             analysis search-7b5c9d8f4-8-2 is failed: metric \"success-rate\" assessed Failed"
        )
    );
}

#[test]
fn an_abort_without_an_analysis_does_not_guess_its_step_made_up() {
    let answer = rollouts(|rollout| {
        let status = &mut rollout["status"];
        // Of another revision than the analysis.
        status["currentPodHash"] = "other".into();
        status["abort"] = true.into();
        status["currentStepIndex"] = 0.into();
        status["message"] = "by hand".into();
    });
    let reason = of(&answer, SEARCH).told.reason.clone();
    assert_eq!(text(reason.as_ref()), Some("aborted: by hand"));
}

#[test]
fn a_promoted_canary_is_done_and_stays_done_when_it_degrades_later_made_up() {
    let promoted = |phase: &'static str| {
        rollouts(move |rollout| {
            rollout["status"]["phase"] = phase.into();
            rollout["status"]["stableRS"] = "7b5c9d8f4".into();
        })
    };
    assert_eq!(of(&promoted("Healthy"), SEARCH).outcome, Outcome::Ok);
    let degraded = promoted("Degraded");
    assert_eq!(of(&degraded, SEARCH).outcome, Outcome::Unknown);
}
