//! Are the shapes of the Alertmanager v2 API right?

use super::*;
use crate::sim::labels::labels;
use crate::sim::replica::fingerprint;

const AT_SECS: i64 = 200;

fn get(target: &str) -> Value {
    json(&alertmanager(Replica::First, target, AT_SECS))
}

fn count(target: &str) -> usize {
    list(&get(target)).len()
}

#[test]
fn fingerprints_are_the_real_ones() {
    assert_eq!(
        fingerprint(&labels([])),
        "cbf29ce484222325",
        "the offset basis"
    );
    // The known value of Prometheus' own label signature.
    let briggs = labels([("name", "garland, briggs"), ("fear", "love is not enough")]);
    assert_eq!(
        fingerprint(&briggs),
        format!("{:016x}", 5_799_056_148_416_392_346_u64)
    );
    for alert in list(&get("/api/v2/alerts")) {
        let own = alert["labels"].as_object().unwrap();
        let own = labels(
            own.iter()
                .map(|(name, value)| (name.as_str(), value.as_str().unwrap())),
        );
        assert_eq!(text(alert, "/fingerprint"), fingerprint(&own));
    }
}

#[test]
fn an_alert_has_every_field_of_the_api() {
    let alerts = get("/api/v2/alerts?filter=alertname%3D%22CheckoutHighErrorRate%22");
    let alert = &list(&alerts)[0];
    assert_eq!(text(alert, "/status/state"), "active");
    assert_eq!(alert["status"]["mutedBy"], serde_json::json!([]));
    assert_eq!(
        alert["receivers"],
        serde_json::json!([{"name": "incident-bot"}, {"name": "pager"}])
    );
    assert_eq!(text(alert, "/labels/namespace"), "checkout");
    assert!(
        text(alert, "/annotations/runbook_url")
            .ends_with("#2-does-the-new-version-fail-and-the-old-one-not")
    );
    assert!(text(alert, "/annotations/description").contains("% of its requests with 5xx"));
    assert!(text(alert, "/generatorURL").starts_with("https://prometheus."));
    let (starts, updated, ends) = (
        text(alert, "/startsAt"),
        text(alert, "/updatedAt"),
        text(alert, "/endsAt"),
    );
    assert!(starts < updated && updated < ends);
    assert_eq!(starts.len(), "2025-11-21T08:05:53.123Z".len());
}

#[test]
fn lists_are_narrowed_by_the_parameters() {
    let all = count("/api/v2/alerts");
    let page = "filter=severity%3D%22page%22";
    assert_eq!(count(&format!("/api/v2/alerts?{page}")), 14);
    assert_eq!(
        count(&format!("/api/v2/alerts?{page}&filter=pod%3D%22%22")),
        2,
        "both must hold"
    );
    assert_eq!(count("/api/v2/alerts?receiver=pag.r"), 14);
    assert_eq!(
        count("/api/v2/alerts?receiver=page"),
        0,
        "the pattern is anchored"
    );
    let quiet = count("/api/v2/alerts?active=false");
    let without_silenced = count("/api/v2/alerts?silenced=false");
    let without_inhibited = count("/api/v2/alerts?inhibited=false");
    assert_eq!(all - without_silenced, 1);
    assert_eq!(
        all - without_inhibited,
        13,
        "twelve pods that are not ready, and a quota"
    );
    assert_eq!(quiet, 14);
    assert_eq!(
        count("/api/v2/alerts?active=maybe"),
        quiet,
        "an unknown word is false"
    );
    assert_eq!(count("/api/v2/alerts?active=true"), all);
}

#[test]
fn groups_know_what_is_muted() {
    let groups = get("/api/v2/alerts/groups");
    let muted: Vec<&Value> = list(&groups)
        .iter()
        .filter(|group| group["alerts"][0]["status"]["mutedBy"] != serde_json::json!([]))
        .collect();
    assert_eq!(muted.len(), 1);
    assert_eq!(text(muted[0], "/labels/alertname"), "NightlyReportLate");
    assert_eq!(text(muted[0], "/receiver/name"), "data-tickets");
    assert_eq!(
        text(muted[0], "/alerts/0/status/mutedBy/0"),
        "reports-migration"
    );
    assert_eq!(text(muted[0], "/alerts/0/status/state"), "suppressed");
    assert_eq!(
        count("/api/v2/alerts/groups?muted=false"),
        list(&groups).len() - 1
    );
    let pages: usize = list(&groups)
        .iter()
        .filter(|group| text(group, "/labels/alertname") == "CheckoutHighErrorRate")
        .map(|group| list(&group["alerts"]).len())
        .sum();
    assert_eq!(pages, 24, "a page appears on each of its two routes");
}

#[test]
fn silences_are_listed_active_first() {
    let silences = get("/api/v2/silences");
    let states: Vec<&str> = list(&silences)
        .iter()
        .map(|silence| text(silence, "/status/state"))
        .collect();
    assert_eq!(states, ["active", "pending", "expired"]);
    let active = &list(&silences)[0];
    assert!(!text(active, "/comment").is_empty());
    let id = text(active, "/id");
    assert_eq!(get(&format!("/api/v2/silence/{id}")), *active);
    let disk = get("/api/v2/alerts?active=false&inhibited=false");
    assert_eq!(text(&disk, "/0/status/silencedBy/0"), id);
    assert_eq!(count("/api/v2/silences?filter=instance%3Dworker-07"), 1);
}

#[test]
fn status_names_the_cluster() {
    let (first, second) = (
        get("/api/v2/status"),
        json(&alertmanager(Replica::Second, "/api/v2/status", AT_SECS)),
    );
    assert_eq!(text(&first, "/cluster/status"), "ready");
    assert_eq!(text(&first, "/versionInfo/version"), "0.28.1");
    assert_eq!(first["cluster"]["peers"], second["cluster"]["peers"]);
    assert_eq!(list(&first["cluster"]["peers"]).len(), 2);
    assert_ne!(
        text(&first, "/cluster/name"),
        text(&second, "/cluster/name")
    );
    for part in ["route:", "receivers:", "inhibit_rules:", "time_intervals:"] {
        assert!(text(&first, "/config/original").contains(part), "{part}");
    }
    let alone = json(&alertmanager(Replica::First, "/api/v2/status", 300));
    assert_eq!(
        list(&alone["cluster"]["peers"]).len(),
        1,
        "a deaf peer is dropped"
    );
}

#[test]
fn mistakes_are_answered_as_the_api_answers_them() {
    let unknown = "/api/v2/silence/0e0bd1a2-0000-4000-8000-000000000000";
    for (target, status, wanted) in [
        (
            "/api/v2/alerts?filter=%7Bseverity%3D%22page%22%7D",
            400,
            "\"bad matcher format",
        ),
        (
            "/api/v2/alerts?filter=severity",
            400,
            "\"bad matcher format",
        ),
        (
            "/api/v2/alerts?receiver=(",
            400,
            "\"failed to parse receiver param",
        ),
        (
            "/api/v2/alerts/groups?filter=(",
            400,
            "\"bad matcher format",
        ),
        ("/api/v2/silences?filter=(", 400, "\"bad matcher format"),
        ("/api/v2/silence/nonsense", 422, "must be of type uuid"),
        ("/api/v2/nothing", 404, "\"code\":404"),
        ("/api/v1/alerts", 410, "deprecated"),
        ("/", 404, "404 page not found"),
    ] {
        let answer = alertmanager(Replica::First, target, AT_SECS);
        assert_eq!(answer.status.as_u16(), status, "{target}: {}", answer.body);
        assert!(answer.body.contains(wanted), "{target}: {}", answer.body);
    }
    let missing = alertmanager(Replica::First, unknown, AT_SECS);
    assert_eq!((missing.status.as_u16(), missing.body.as_str()), (404, ""));
    for (method, target) in [
        (Method::PUT, "/api/v2/silences"),
        (Method::POST, unknown),
        (Method::DELETE, "/api/v2/alerts"),
    ] {
        let at_ms = AT_SECS * 1000;
        let request = request(method, target);
        let written = super::super::alertmanager::written(&WORLD, Replica::First, &request, at_ms);
        let status = written.answer.status;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{target}");
        assert!(written.deeds.is_none(), "{target}");
    }
    let overloaded = alertmanager(Replica::Second, "/api/v2/alerts", 250);
    assert_eq!(overloaded.status, StatusCode::SERVICE_UNAVAILABLE);
}
