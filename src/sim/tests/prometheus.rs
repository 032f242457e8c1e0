//! Are the query API's shapes right, and do rules, alerts and series agree?

use std::collections::BTreeSet;

use super::*;

fn data(target: &str, at_secs: i64) -> Value {
    let document = json(&prometheus(target, at_secs));
    assert_eq!(text(&document, "/status"), "success");
    document["data"].clone()
}

fn query(expr: &str, at_secs: i64) -> Value {
    data(&query_target("/api/v1/query", expr, &[]), at_secs)
}

fn rules(target: &str, at_secs: i64) -> Vec<Value> {
    let groups = data(target, at_secs);
    list(&groups["groups"])
        .iter()
        .flat_map(|group| list(&group["rules"]).to_vec())
        .collect()
}

/// Labels as one comparable line.
fn line(labels: &Value, without: &BTreeSet<String>) -> String {
    let mut labels = labels.as_object().unwrap().clone();
    labels.retain(|name, _| name != "__name__" && !without.contains(name));
    Value::Object(labels).to_string()
}

#[test]
fn every_rule_agrees_with_its_alerts() {
    // Between evaluations nothing may be compared: the times are even.
    for at_secs in [
        -60, 0, 6, 10, 40, 90, 180, 244, 300, 446, 470, 600, 726, 760, 910, 1190, 3000,
    ] {
        for rule in rules("/api/v1/rules?type=alert", at_secs) {
            let evaluated = WORLD.wall(at_secs * 1000);
            let target = query_target(
                "/api/v1/query",
                text(&rule, "/query"),
                &[("time", &evaluated)],
            );
            let answer = prometheus(&target, at_secs);
            if text(&rule, "/health") == "err" {
                let document: Value = serde_json::from_str(&answer.body).unwrap();
                assert_eq!(document["errorType"], "execution");
                assert_eq!(document["error"], rule["lastError"]);
                continue;
            }
            let own: BTreeSet<String> = rule["labels"]
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .chain(["alertname".to_owned()])
                .collect();
            let result = json(&answer)["data"]["result"].clone();
            let given: BTreeSet<String> = list(&result)
                .iter()
                .map(|element| line(&element["metric"], &own))
                .collect();
            let listed: BTreeSet<String> = list(&rule["alerts"])
                .iter()
                .map(|alert| line(&alert["labels"], &own))
                .collect();
            assert_eq!(given, listed, "{} at {at_secs}", text(&rule, "/name"));
        }
    }
}

#[test]
fn the_alerts_series_agrees_with_the_alerts() {
    for at_secs in [0, 6, 40, 186, 300, 470, 760] {
        let alerts = data("/api/v1/alerts", at_secs);
        let listed: BTreeSet<String> = list(&alerts["alerts"])
            .iter()
            .map(|alert| {
                let mut labels = alert["labels"].clone();
                labels["alertstate"] = alert["state"].clone();
                line(&labels, &BTreeSet::new())
            })
            .collect();
        let series = query("ALERTS", at_secs);
        let given: BTreeSet<String> = list(&series["result"])
            .iter()
            .map(|element| line(&element["metric"], &BTreeSet::new()))
            .collect();
        assert_eq!(given, listed, "at {at_secs}");
    }
}

#[test]
fn alerts_are_as_prometheus_lists_them() {
    let alerts = data("/api/v1/alerts", 6);
    let alerts = list(&alerts["alerts"]);
    let watchdog = alerts
        .iter()
        .find(|alert| text(alert, "/labels/alertname") == "Watchdog")
        .unwrap();
    assert_eq!(text(watchdog, "/value"), "1e+00");
    assert_eq!(text(watchdog, "/state"), "firing");
    for alert in alerts {
        assert!(
            alert["labels"].get("cluster").is_none(),
            "no external labels: {alert}"
        );
        assert!(
            alert["labels"].get("env").is_none(),
            "no external labels: {alert}"
        );
        assert!(text(alert, "/activeAt").ends_with('Z'));
    }
    let pending = alerts
        .iter()
        .filter(|alert| text(alert, "/state") == "pending");
    assert!(pending.count() >= 2, "the first pods and a volume wait");
}

#[test]
fn a_rule_that_fails_says_why() {
    let failing: Vec<Value> = rules("/api/v1/rules", 30)
        .into_iter()
        .filter(|rule| text(rule, "/health") == "err")
        .collect();
    assert_eq!(failing.len(), 1);
    assert_eq!(text(&failing[0], "/name"), "PaymentsFraudScoreHigh");
    assert!(text(&failing[0], "/lastError").contains("many-to-many matching not allowed"));
}

#[test]
fn rules_can_be_narrowed() {
    let every = rules("/api/v1/rules", 100);
    let recording = rules("/api/v1/rules?type=record", 100);
    let all = rules("/api/v1/rules?type=alert", 100);
    assert_eq!(all.len() + recording.len(), every.len());
    assert!(recording.len() > 15);
    for rule in &recording {
        assert_eq!(text(rule, "/type"), "recording");
    }
    let checkout = rules("/api/v1/rules?rule_name[]=CheckoutHighErrorRate", 100);
    assert!(all.len() > 20);
    assert_eq!(checkout.len(), 1);
    assert_eq!(text(&checkout[0], "/state"), "firing");
    assert_eq!(text(&checkout[0], "/type"), "alerting");
    assert_eq!(list(&checkout[0]["alerts"]).len(), 12);
    let bare = rules("/api/v1/rules?type=alert&exclude_alerts=true", 100);
    assert_eq!(bare.len(), all.len());
    assert!(bare.iter().all(|rule| rule.get("alerts").is_none()));
    let info = rules("/api/v1/rules?rule_name[]=sloth_slo_info", 100);
    assert_eq!(info.len(), 1);
    assert_eq!(info[0]["labels"]["sloth_objective"], "99.5");
    assert!(rules("/api/v1/rules?rule_group[]=nobody", 100).is_empty());
}

#[test]
fn queries_have_the_shapes_of_the_api() {
    let scalar = query("1 / 0", 0);
    assert_eq!(scalar["resultType"], "scalar");
    assert_eq!(scalar["result"][1], "+Inf");
    assert_eq!(scalar["result"][0].to_string(), "1763712345.123");

    let vector = query("count(up == 1)", 0);
    assert_eq!(vector["resultType"], "vector");
    assert_eq!(vector["result"][0]["metric"], serde_json::json!({}));

    let range = query_target(
        "/api/v1/query_range",
        "sum(rate(http_requests_total{service=\"checkout-api\"}[1m]))",
        &[
            ("start", "2025-11-21T08:05:45Z"),
            ("end", "1763712645"),
            ("step", "1m"),
        ],
    );
    let matrix = data(&range, 300);
    assert_eq!(matrix["resultType"], "matrix");
    let values = list(&matrix["result"][0]["values"]);
    assert_eq!(values.len(), 6);
    assert_eq!(values[0][0].to_string(), "1763712345");
    let per_second: f64 = values[5][1].as_str().unwrap().parse().unwrap();
    assert!(
        (400.0..700.0).contains(&per_second),
        "twelve pods at about 45: {per_second}"
    );
}

#[test]
fn mistakes_are_answered_as_the_api_answers_them() {
    let range = |more: &[(&str, &str)]| query_target("/api/v1/query_range", "up", more);
    let table = [
        (
            "/api/v1/query".to_owned(),
            400,
            "invalid parameter \"query\"",
        ),
        (
            query_target("/api/v1/query", "up{", &[]),
            400,
            "parse error",
        ),
        (
            query_target("/api/v1/query", "up", &[("time", "soon")]),
            400,
            "valid timestamp",
        ),
        (
            query_target("/api/v1/query", "up", &[("time", "1e300")]),
            400,
            "valid timestamp",
        ),
        (
            query_target("/api/v1/query", "topk(1, up)", &[]),
            422,
            "not supported by the simulator",
        ),
        (
            range(&[("start", "0"), ("end", "1")]),
            400,
            "valid duration",
        ),
        (
            range(&[("start", "9"), ("end", "1"), ("step", "1")]),
            400,
            "before start",
        ),
        (
            range(&[("start", "0"), ("end", "1"), ("step", "0")]),
            400,
            "zero or negative",
        ),
        (
            range(&[("start", "0"), ("end", "11001"), ("step", "1")]),
            400,
            "11,000 points",
        ),
        (
            "/api/v1/rules?type=other".to_owned(),
            400,
            "not supported value",
        ),
        (
            "/api/v1/rules?exclude_alerts=maybe".to_owned(),
            400,
            "exclude_alerts",
        ),
    ];
    for (target, status, reason) in table {
        let answer = prometheus(&target, 0);
        assert_eq!(answer.status.as_u16(), status, "{target}: {}", answer.body);
        let document: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(document["status"], "error");
        assert_eq!(
            document["errorType"],
            if status == 400 {
                "bad_data"
            } else {
                "execution"
            }
        );
        assert!(
            text(&document, "/error").contains(reason),
            "{target}: {document}"
        );
    }
    let most = range(&[("start", "0"), ("end", "11000"), ("step", "1")]);
    assert_eq!(prometheus(&most, 0).status, StatusCode::OK);
    let unknown = prometheus("/api/v1/nothing", 0);
    assert_eq!(
        (unknown.status.as_u16(), unknown.body.as_str()),
        (404, "404 page not found\n")
    );
}

#[test]
fn the_story_shows_in_the_series() {
    let number = |expr: &str, at_secs: i64| -> f64 {
        let value = query(expr, at_secs);
        text(&value, "/result/0/value/1").parse().unwrap()
    };
    let bad = "count(up{job=\"checkout-api\"} and on (instance) up) or vector(0)";
    assert!(
        (number(bad, 100) - 12.0).abs() < f64::EPSILON,
        "twelve pods, whatever their version"
    );
    let failing = "sum(rate(http_requests_total{service=\"checkout-api\",code=\"500\"}[1m])) \
                   / sum(rate(http_requests_total{service=\"checkout-api\"}[1m]))";
    assert!(number(failing, 0) < 0.002);
    assert!(number(failing, 200) > 0.3);
    assert!(number(failing, 700) < 0.002);
    let versions =
        "count by (version) (http_requests_total{service=\"checkout-api\",code=\"200\"})";
    let at = |at_secs| text(&query(versions, at_secs), "/result/0/metric/version").to_owned();
    assert_eq!(at(0), "2.30.4");
    assert_eq!(at(100), "2.31.0");
    assert_eq!(at(600), "2.30.4");
    // Every bucket holds what the smaller ones hold.
    let inverted = "http_request_duration_seconds_bucket{le=\"0.25\"} > ignoring (le) \
                    http_request_duration_seconds_bucket{le=\"0.5\"}";
    assert_eq!(query(inverted, 300)["result"], serde_json::json!([]));
}

#[test]
fn a_query_says_what_it_read_when_asked() {
    let expr = "sum(increase(http_requests_total{service=\"payments\"}[30d]))";
    let stats = |more: &[(&str, &str)]| {
        let data = data(&query_target("/api/v1/query", expr, more), 100);
        data["stats"]["samples"]["totalQueryableSamples"].as_i64()
    };
    assert_eq!(stats(&[]), None);
    assert_eq!(stats(&[("stats", "")]), None);
    // Two codes of three pods, each read at both ends of the window.
    assert_eq!(stats(&[("stats", "all")]), Some(12));
    let range = [
        ("start", "1763712345"),
        ("end", "1763712365"),
        ("step", "10"),
        ("stats", "all"),
    ];
    let range = data(&query_target("/api/v1/query_range", expr, &range), 100);
    assert_eq!(range["stats"]["samples"]["totalQueryableSamples"], 36);
    assert!(range["stats"]["timings"]["evalTotalTime"].is_f64());
}

#[test]
fn the_server_says_what_it_is() {
    assert_eq!(data("/api/v1/status/buildinfo", 0)["version"], "2.55.1");
    let runtime = data("/api/v1/status/runtimeinfo", 0);
    assert_eq!(runtime["storageRetention"], "32d");
    assert_eq!(prometheus("/-/ready", 0).status, StatusCode::OK);
}
