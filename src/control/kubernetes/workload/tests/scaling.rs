//! Replicas, and the bounds of autoscalers.

use super::*;
use crate::domain::action::{Direction, Risk};

const API: &str = "payments/deployment/payments-api";
const WEB: &str = "checkout/horizontalpodautoscaler/checkout-web";

fn api() -> Value {
    fixture("lists/deployment-payments-api.json")
}

fn scaled(place: &str, object: &Value, around: &Around, to: i64) -> Result<Proposal, NoPlan> {
    with(place, object, around, |case| scale::plan(case, to))
}

/// A server's object after a write through `/scale` by a field manager.
fn written(object: &Value, replicas: i64, manager: &str) -> Value {
    let mut after = edited(object);
    after["spec"]["replicas"] = json!(replicas);
    let entries = after["metadata"]["managedFields"].as_array_mut().unwrap();
    entries.push(json!({ "manager": manager, "operation": "Update", "subresource": "scale" }));
    after
}

#[test]
fn scaling_tests_the_old_count_and_goes_through_its_own_door() {
    let object = api();
    let proposal = scaled(API, &object, &recorded_around(), 5).unwrap();
    let write = &proposal.change.write;
    let marker = format!("quell-{}", seed().id);
    let path = "/apis/apps/v1/namespaces/payments/deployments/payments-api/scale";
    assert_eq!(
        write.path,
        format!("{path}?fieldManager={marker}&fieldValidation=Strict")
    );
    let scale = fixture("lists/deployment-scale.json");
    let after = applied(&proposal.change, &scale).unwrap();
    assert_eq!(after["spec"]["replicas"], 5);
    assert!(applied(&proposal.change, &after).is_err());
    assert_eq!(
        applied(back(&proposal), &after).unwrap()["spec"]["replicas"],
        3
    );
    assert_eq!(
        (proposal.risk, proposal.direction),
        (Risk::R1, Direction::Reduces)
    );
    is_steady(|object| scaled(API, object, &recorded_around(), 5), &object);

    let change = &proposal.change;
    assert_eq!(found(change, &object), Found::NotApplied);
    let after = written(&object, 5, &marker);
    assert_eq!(found(change, &after), Found::Applied);
    // Somebody else scaled to the same count, or back again.
    assert!(matches!(
        found(change, &written(&object, 5, "kubectl")),
        Found::Unknown(_)
    ));
    assert!(matches!(found(change, &edited(&object)), Found::Unknown(_)));

    let back = back(&proposal);
    assert_eq!(found(back, &after), Found::NotApplied);
    let restored = written(&after, 3, &format!("{marker}-back"));
    assert_eq!(found(back, &restored), Found::Applied);
}

#[test]
fn zero_is_said_and_is_left_out_by_the_server() {
    let object = api();
    let proposal = scaled(API, &object, &recorded_around(), 0).unwrap();
    let (holds, words) = state(&proposal, "something is left to serve");
    assert_eq!(holds, Holds::Warns);
    assert!(words.contains("every pod goes"), "{words}");
    assert_eq!(
        (proposal.risk, proposal.direction),
        (Risk::R2, Direction::Adds)
    );
    assert!(
        proposal.blast.words[0].raw().contains("none is left"),
        "{:?}",
        proposal.blast
    );

    let mut scale = fixture("lists/deployment-scale.json");
    scale["spec"].as_object_mut().unwrap().remove("replicas");
    assert_eq!(
        applied(back(&proposal), &scale).unwrap()["spec"]["replicas"],
        3
    );
}

#[test]
fn an_autoscaler_that_owns_the_replicas_stops_it() {
    let object = fixture("lists/deployment-checkout-web-stuck.json");
    let web = "checkout/deployment/checkout-web";
    let proposal = scaled(web, &object, &recorded_around(), 6).unwrap();
    let what = "no autoscaler owns the replicas";
    let (holds, words) = state(&proposal, what);
    assert_eq!(holds, Holds::No);
    assert!(
        words.starts_with("HPA checkout-web owns replicas (3..5): it will put it back"),
        "{words}"
    );

    let mut around = recorded_around();
    around.autoscalers = Heard::Unheard("403 Forbidden".to_owned());
    let proposal = scaled(web, &object, &around, 6).unwrap();
    assert_eq!(state(&proposal, what).0, Holds::Unknown);
    let proposal = scaled(API, &api(), &recorded_around(), 4).unwrap();
    assert_eq!(state(&proposal, what).0, Holds::Yes);
}

#[test]
fn the_quota_is_read_since_a_dry_run_passes_beyond_it() {
    let room = |to| {
        state(
            &scaled(API, &api(), &recorded_around(), to).unwrap(),
            "the quota has room",
        )
    };
    assert_eq!(room(16).0, Holds::Yes);
    let (holds, words) = room(50);
    assert_eq!(holds, Holds::No);
    assert!(
        words.contains("team-quota allows pods=20, 7 is used: 47 more pods do not fit"),
        "{words}"
    );

    // 100m each: 500m of 2 are used.
    let mut quotas = items("lists/resourcequota-payments.json");
    quotas[0]["status"]["hard"]["pods"] = json!("100");
    let mut around = recorded_around();
    around.quotas = Heard::These(quotas);
    let room = |to| {
        let proposal = scaled(API, &api(), &around, to).unwrap();
        state(&proposal, "the quota has room")
    };
    assert_eq!(room(18).0, Holds::Yes);
    let (holds, words) = room(19);
    assert_eq!(holds, Holds::No);
    assert!(words.contains("requests.cpu=2, 500m is used"), "{words}");

    let mut around = recorded_around();
    around.quotas = Heard::Unheard("timed out".to_owned());
    let proposal = scaled(API, &api(), &around, 4).unwrap();
    assert_eq!(state(&proposal, "the quota has room").0, Holds::Unknown);
}

#[test]
fn what_a_budget_makes_of_fewer_pods_is_told() {
    let proposal = scaled(API, &api(), &recorded_around(), 2).unwrap();
    let words = format!("{:?}", proposal.blast.words);
    assert!(
        words.contains("blocks every eviction afterwards"),
        "{words}"
    );
    assert_eq!(
        (proposal.blast.count, proposal.blast.of),
        (Some(1), Some(3))
    );
}

#[test]
fn what_cannot_be_scaled_or_is_there_already_is_refused() {
    let set = item("lists/daemonsets-sandbox.json", "log-agent");
    assert!(scaled("sandbox/ds/log-agent", &set, &nothing_around(), 2).is_err());
    assert!(scaled(API, &api(), &nothing_around(), 3).is_err());
}

#[test]
fn verification_sees_that_somebody_put_it_back() {
    let object = api();
    let proposal = scaled(API, &object, &recorded_around(), 4).unwrap();
    let mut after = edited(&object);
    after["spec"]["replicas"] = json!(4);
    assert!(matches!(
        judged(&proposal.change, &after),
        Progress::Going(_)
    ));
    after["status"]["observedGeneration"] = after["metadata"]["generation"].clone();
    after["status"]["replicas"] = json!(4);
    assert!(matches!(
        judged(&proposal.change, &after),
        Progress::Going(_)
    ));
    after["status"]["readyReplicas"] = json!(4);
    assert_eq!(judged(&proposal.change, &after), Progress::Done);
    assert!(matches!(
        judged(&proposal.change, &edited(&after)),
        Progress::Going(_)
    ));
    assert!(matches!(
        judged(&proposal.change, &object),
        Progress::Failed(_)
    ));
}

#[test]
fn bounds_are_guarded_by_what_they_were() {
    let object = item("lists/hpa-checkout.json", "checkout-web");
    let bounds = |min, max| {
        let around = nothing_around();
        with(WEB, &object, &around, |case| bounds::plan(case, min, max))
    };
    let proposal = bounds(None, Some(8)).unwrap();
    round_trip(&proposal, &object, "/spec/maxReplicas");
    assert_eq!(
        applied(&proposal.change, &object).unwrap()["spec"]["maxReplicas"],
        8
    );
    assert_eq!(
        (proposal.risk, proposal.direction),
        (Risk::R1, Direction::Neutral)
    );
    let mut other = object.clone();
    other["spec"]["minReplicas"] = json!(2);
    assert!(applied(&proposal.change, &other).is_err());
    other = object.clone();
    other["spec"]["scaleTargetRef"]["name"] = json!("else");
    assert!(applied(&proposal.change, &other).is_err());

    // 4 run now.
    let lower = bounds(Some(1), Some(2)).unwrap();
    assert_eq!((lower.risk, lower.direction), (Risk::R2, Direction::Adds));
    assert!(
        lower.blast.words[0].raw().starts_with("2 pods go soon"),
        "{:?}",
        lower.blast
    );
    let mut after = applied(&lower.change, &object).unwrap();
    assert!(matches!(judged(&lower.change, &after), Progress::Going(_)));
    after["status"]["desiredReplicas"] = json!(2);
    assert_eq!(judged(&lower.change, &after), Progress::Done);

    assert!(bounds(None, None).is_err());
    assert!(bounds(Some(9), None).is_err());
    assert!(bounds(Some(3), Some(5)).is_err());
}
