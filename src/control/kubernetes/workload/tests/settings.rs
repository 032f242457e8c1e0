//! Schedules and quotas.

use super::*;
use crate::domain::action::{Direction, Risk};

const CRON: &str = "payments/cronjob/settlement";
const QUOTA: &str = "payments/resourcequota/team-quota";

#[test]
fn a_cron_job_is_suspended_and_resumed() {
    let object = item("lists/cronjobs-payments.json", "settlement");
    let planned = |object: &Value, way| {
        let around = nothing_around();
        with(CRON, object, &around, |case| cronjob::plan(case, way))
    };
    let proposal = planned(&object, cronjob::Way::Suspend).unwrap();
    round_trip(&proposal, &object, "/spec/suspend");
    is_steady(|object| planned(object, cronjob::Way::Suspend), &object);
    assert_eq!(
        (proposal.risk, proposal.direction),
        (Risk::R1, Direction::Reduces)
    );
    assert!(planned(&object, cronjob::Way::Resume).is_err());

    let suspended = applied(&proposal.change, &object).unwrap();
    assert_eq!(judged(&proposal.change, &suspended), Progress::Done);
    assert!(planned(&suspended, cronjob::Way::Suspend).is_err());
    let proposal = planned(&suspended, cronjob::Way::Resume).unwrap();
    assert_eq!(proposal.direction, Direction::Adds);
    let (holds, words) = state(&proposal, "no run is caught up on");
    assert_eq!(holds, Holds::Warns);
    assert!(words.contains("starts at once"), "{words}");
    let mut absent = object;
    absent["spec"].as_object_mut().unwrap().remove("suspend");
    let proposal = planned(&absent, cronjob::Way::Suspend).unwrap();
    assert!(applied(&proposal.change, &absent).is_ok());
}

#[test]
fn a_quota_fits_what_is_used() {
    let object = item("lists/resourcequota-payments.json", "team-quota");
    let planned = |limits: &[(&str, &str)]| {
        let around = nothing_around();
        with(QUOTA, &object, &around, |case| quota::plan(case, limits))
    };
    let proposal = planned(&[("pods", "30"), ("requests.cpu", "3000m")]).unwrap();
    round_trip(&proposal, &object, "/spec/hard");
    let after = applied(&proposal.change, &object).unwrap();
    let hard = json!({ "pods": "30", "requests.cpu": "3", "requests.memory": "4Gi" });
    assert_eq!(after["spec"]["hard"], hard);
    assert_eq!(
        (proposal.risk, proposal.direction),
        (Risk::R2, Direction::Neutral)
    );
    assert_eq!(state(&proposal, "pods=30 fits what is used").0, Holds::Yes);
    assert!(matches!(
        judged(&proposal.change, &after),
        Progress::Going(_)
    ));
    let mut followed = after;
    followed["status"]["hard"] = followed["spec"]["hard"].clone();
    assert_eq!(judged(&proposal.change, &followed), Progress::Done);

    let lower = planned(&[("pods", "5")]).unwrap();
    assert_eq!(lower.direction, Direction::Adds);
    let (holds, words) = state(&lower, "pods=5 fits what is used");
    assert_eq!(holds, Holds::No);
    assert!(words.starts_with("7 is used"), "{words}");

    assert!(planned(&[("pods", "20")]).is_err());
    assert!(planned(&[("pods", "many")]).is_err());
    let words = planned(&[("cpus", "1")]).unwrap_err().to_string();
    assert!(
        words.contains("it limits pods, requests.cpu, requests.memory"),
        "{words}"
    );
}
