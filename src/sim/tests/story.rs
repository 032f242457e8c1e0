//! Does the story happen, and is it the same every time?

use std::collections::BTreeSet;

use super::*;
use crate::sim::story::{CYCLE_MS, Hearing};

const CYCLE_SECS: i64 = CYCLE_MS / 1000;

/// The alerts the first replica lists.
fn listed(at_secs: i64) -> Vec<Value> {
    list(&json(&alertmanager(
        Replica::First,
        "/api/v2/alerts",
        at_secs,
    )))
    .to_vec()
}

fn named(alerts: &[Value], name: &str) -> usize {
    alerts
        .iter()
        .filter(|alert| text(alert, "/labels/alertname") == name)
        .count()
}

#[test]
fn the_alerts_come_and_go_as_told() {
    for cycle in [0, 1, 5] {
        let at = |secs: i64| listed(cycle * CYCLE_SECS + secs);
        let first_page = at(10);
        assert!(
            named(&first_page, "CheckoutHighErrorRate") >= 2,
            "a page within ten seconds"
        );
        assert_eq!(
            named(&at(0), "CheckoutHighErrorRate"),
            0,
            "the opening is calm"
        );

        let rolled_out = at(60);
        assert_eq!(named(&rolled_out, "CheckoutHighErrorRate"), 12);
        assert_eq!(named(&rolled_out, "CheckoutErrorBudgetBurn"), 1);
        assert_eq!(named(&rolled_out, "TelemetryIngestBacklog"), 0);

        let peak = at(270);
        assert_eq!(named(&peak, "TelemetryIngestBacklog"), 1);
        assert_eq!(named(&peak, "TelemetryQueueGrowing"), 4);
        assert_eq!(named(&peak, "AlertmanagerMemberDown"), 1);
        assert!(
            (30..=60).contains(&peak.len()),
            "{} at the peak",
            peak.len()
        );

        let easing = at(460).len();
        let calm = at(600).len();
        assert!(
            calm < easing && easing < peak.len(),
            "one after another: {easing}, {calm}"
        );
        assert_eq!(calm, at(0).len(), "and back to the background");
    }
}

#[test]
fn an_alert_that_comes_back_has_the_same_fingerprint_and_another_start() {
    let pages = |at_secs| -> Vec<(String, String)> {
        listed(at_secs)
            .iter()
            .filter(|alert| text(alert, "/labels/alertname") == "CheckoutHighErrorRate")
            .map(|alert| {
                (
                    text(alert, "/fingerprint").into(),
                    text(alert, "/startsAt").into(),
                )
            })
            .collect()
    };
    let (first, second) = (pages(100), pages(CYCLE_SECS + 100));
    assert_eq!(first.len(), 12);
    for (before, after) in first.iter().zip(&second) {
        assert_eq!(before.0, after.0);
        assert_ne!(before.1, after.1);
    }
}

#[test]
fn the_background_shows_what_triage_must_cope_with() {
    let alerts = listed(0);
    let lacks = |pointer: &str| -> Vec<&str> {
        alerts
            .iter()
            .filter(|alert| alert.pointer(pointer).is_none())
            .map(|alert| text(alert, "/labels/alertname"))
            .filter(|name| *name != "Watchdog")
            .collect()
    };
    assert_eq!(lacks("/labels/team"), ["KafkaConsumerLagHigh"]);
    assert_eq!(lacks("/labels/severity"), ["LegacyCronFailed"]);
    assert_eq!(lacks("/annotations/runbook_url"), ["RedisMemoryHigh"]);
    let quiet = |pointer: &str| -> Vec<&str> {
        alerts
            .iter()
            .filter(|alert| {
                alert
                    .pointer(pointer)
                    .is_some_and(|by| by != &Value::Array(vec![]))
            })
            .map(|alert| text(alert, "/labels/alertname"))
            .collect()
    };
    assert_eq!(quiet("/status/silencedBy"), ["NodeFilesystemAlmostFull"]);
    assert_eq!(quiet("/status/inhibitedBy"), ["KubeQuotaAlmostFull"]);
    let started = WORLD.wall(0);
    for alert in &alerts {
        assert!(
            text(alert, "/startsAt") < started.as_str(),
            "older than the story: {alert}"
        );
        assert_eq!(text(alert, "/labels/cluster"), "eu-1");
        assert_eq!(text(alert, "/labels/env"), "prod");
    }
}

#[test]
fn what_stands_in_the_background_stands_for_ever() {
    let names = |at_secs| -> BTreeSet<(String, String)> {
        listed(at_secs)
            .iter()
            .map(|alert| {
                (
                    text(alert, "/fingerprint").into(),
                    text(alert, "/startsAt").into(),
                )
            })
            .collect()
    };
    let opening = names(0);
    for at_secs in [1, 100, 300, 700, CYCLE_SECS, CYCLE_SECS + 300] {
        assert!(names(at_secs).is_superset(&opening), "at {at_secs}");
    }
}

#[test]
fn a_pending_volume_fires_after_its_hour() {
    let name = "KubePersistentVolumeFillingUp";
    assert_eq!(named(&listed(37 * 60), name), 0);
    assert_eq!(named(&listed(39 * 60), name), 1);
}

#[test]
fn the_silence_runs_out() {
    let silenced = |at_secs| {
        let alerts = listed(at_secs);
        let disk = alerts
            .iter()
            .find(|alert| text(alert, "/labels/alertname") == "NodeFilesystemAlmostFull");
        text(disk.unwrap(), "/status/state").to_owned()
    };
    assert_eq!(silenced(4 * 3600 - 1), "suppressed");
    assert_eq!(silenced(4 * 3600), "active");
}

#[test]
fn the_second_replica_misses_an_alert_and_then_falls_silent() {
    let has = |replica, at_secs| {
        let alerts = json(&alertmanager(replica, "/api/v2/alerts", at_secs));
        named(list(&alerts), "TelemetryIngestBacklog") == 1
    };
    assert!(has(Replica::First, 190) && !has(Replica::Second, 190));
    assert!(has(Replica::First, 210) && has(Replica::Second, 210));
    for (at_secs, hearing) in [
        (239, Hearing::Answers),
        (240, Hearing::Overloaded),
        (290, Hearing::Deaf),
        (359, Hearing::Deaf),
        (360, Hearing::Answers),
    ] {
        assert_eq!(
            Replica::Second.hearing(at_secs * 1000),
            hearing,
            "at {at_secs}"
        );
        assert_eq!(Replica::First.hearing(at_secs * 1000), Hearing::Answers);
    }
}

#[test]
fn the_same_seed_and_time_give_the_same_bytes() {
    let same = world(SEED);
    let range = query_target(
        "/api/v1/query_range",
        "sum by (code) (rate(http_requests_total[1m]))",
        &[
            ("start", "1763712300"),
            ("end", "1763712500"),
            ("step", "7"),
        ],
    );
    for at_ms in [-5_000, 0, 12_345, 200_000, 260_000, 450_001, 725_000] {
        for target in [
            "/api/v1/rules",
            "/api/v1/alerts",
            "/api/v1/query?query=up",
            &range,
        ] {
            let of = |world| {
                super::super::prometheus::answer(world, &request(Method::GET, target), at_ms)
            };
            assert_eq!(of(&*WORLD), of(&same), "{target} at {at_ms}");
        }
        for replica in [Replica::First, Replica::Second] {
            for target in ["alerts", "alerts/groups", "silences", "status"] {
                let request = request(Method::GET, &format!("/api/v2/{target}"));
                let of =
                    |world| super::super::alertmanager::answer(world, replica, &request, at_ms);
                assert_eq!(of(&*WORLD), of(&same), "{target} at {at_ms}");
            }
        }
    }
}

#[test]
fn another_seed_names_and_counts_otherwise() {
    let other = world(SEED + 1);
    for target in ["up", "http_requests_total"] {
        let request = request(Method::GET, &format!("/api/v1/query?query={target}"));
        let of = |world| super::super::prometheus::answer(world, &request, 0);
        assert_ne!(of(&*WORLD), of(&other), "{target}");
    }
    let silences = request(Method::GET, "/api/v2/silences");
    let of = |world| super::super::alertmanager::answer(world, Replica::First, &silences, 0);
    assert_ne!(of(&*WORLD), of(&other));
}
