//! A server as recorded, as other versions and vendors answer, and as a broken one does.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::sync::Mutex;
use std::time::Duration;

use super::query::read;
use super::*;
use crate::domain::observed::{RuleAlertState, Series};
use crate::domain::source::ErrorKind;
use crate::sources::loopback::{Reply, Request, Routes, Server, endpoint};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../tests/fixtures/prometheus/", $name))
    };
}

const ALERTS: &str = "/api/v1/alerts";
const RULES: &str = "/api/v1/rules";
const BUILD: &str = "/api/v1/status/buildinfo";
const QUERY: &str = "/api/v1/query";

fn recorded() -> Routes {
    Routes::of(&[
        (ALERTS, fixture!("2.42-alerts.json")),
        (RULES, fixture!("2.42-rules.json")),
        (BUILD, fixture!("2.42-buildinfo.json")),
        (QUERY, fixture!("2.42-query-scalar.json")),
    ])
}

fn prometheus(server: &Server) -> Prometheus {
    Prometheus::new(&PrometheusSettings {
        name: "prom-1".into(),
        endpoint: endpoint(&server.url),
        period: Duration::from_secs(15),
    })
    .unwrap()
}

fn t(secs: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_248_518 + secs, 0).unwrap()
}

fn shown(texts: &[Untrusted]) -> Vec<&str> {
    texts.iter().map(Untrusted::shown).collect()
}

#[tokio::test]
async fn a_recorded_server_is_read() {
    let server = recorded().serve();
    let answer = prometheus(&server).poll(t(-60)).await.unwrap();
    assert_eq!(server.most_at_once(), 1);

    let [firing, pending, broken] = &answer.alerts[..] else {
        unreachable!("three alerts are recorded");
    };
    assert_eq!(firing.state, RuleAlertState::Firing);
    assert_eq!(firing.labels.get("team").unwrap().shown(), "näıve, inc");
    assert_eq!(firing.value.shown(), "1e+00");
    assert_eq!(firing.active_at.timestamp(), 1_795_248_466);
    assert_eq!(pending.state, RuleAlertState::Pending);
    assert_eq!(
        broken.labels.get("alertname").unwrap().shown(),
        "ManyToMany"
    );

    let rules: Vec<_> = answer
        .rules
        .iter()
        .map(|r| (r.group.shown(), r.name.shown()))
        .collect();
    assert_eq!(
        rules,
        [
            ("broken", "ManyToMany"),
            ("broken", "NeverFires"),
            ("demo", "AlwaysFiring"),
            ("demo", "StillPending"),
        ]
    );
    let error = answer.rules[0].last_error.as_ref().unwrap();
    assert!(error.shown().contains("many-to-many matching not allowed"));
    assert!(answer.rules[1].last_error.is_none() && answer.rules[1].evaluated_at.is_some());
    assert!((answer.rules[3].for_secs - 3600.0).abs() < f64::EPSILON);

    assert_eq!(answer.version.unwrap().shown(), "2.42.0+ds");
    // The recorded clock stands at 518.41; ours was 60 s before that, a moment ago.
    let ahead = answer.clock_ahead_secs.unwrap();
    assert!((50.0..=60.41).contains(&ahead), "{ahead}");
    assert!(answer.limits.is_empty());
}

#[tokio::test]
async fn what_changes_slowly_is_asked_for_seldom() {
    let server = recorded().serve();
    let mut prometheus = prometheus(&server);
    let mut asked = async |at| {
        prometheus.poll(t(at)).await.unwrap();
        server.take_paths()
    };
    assert_eq!(asked(0).await, [ALERTS, RULES, BUILD, QUERY]);
    assert_eq!(asked(15).await, [ALERTS]);
    assert_eq!(asked(30).await, [ALERTS, RULES]);
    assert_eq!(asked(60).await, [ALERTS, RULES, QUERY]);
}

#[tokio::test]
async fn what_is_asked_for_is_small_and_fresh() {
    let server = recorded().serve();
    prometheus(&server).poll(t(0)).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[1].params("type"), ["alert"]);
    assert_eq!(requests[1].params("exclude_alerts"), ["true"]);
    assert_eq!(requests[3].params("query"), ["time()"]);
    assert_eq!(requests[3].params("nocache"), ["1"]);
    assert_eq!(requests[3].params("timeout"), ["20000ms"]);
}

/// A server with pages; the first `stale` tokens it gives are refused.
fn paged(stale: usize) -> Server {
    let left = Mutex::new(stale);
    let others = recorded();
    Server::answering(move |request: &Request| {
        if request.path() != RULES {
            return others.reply(request);
        }
        match request.params("group_next_token").first() {
            None => Reply::ok(fixture!("made-up-3.x-rules-page-1.json")),
            Some(token) => {
                assert_eq!(token, "b7c1");
                let mut left = left.lock().unwrap();
                if *left == 0 {
                    return Reply::ok(fixture!("made-up-3.x-rules-page-2.json"));
                }
                *left -= 1;
                let error = r#"{"status":"error","errorType":"bad_data","error":"invalid token"}"#;
                Reply::status("400 Bad Request", "", error)
            }
        }
    })
}

#[tokio::test]
async fn rules_are_read_page_by_page() {
    let answer = prometheus(&paged(0)).poll(t(0)).await.unwrap();
    let rules: Vec<_> = answer.rules.iter().map(|r| r.name.shown()).collect();
    assert_eq!(
        rules,
        ["DiskFull", "NotYet", "Failing"],
        "the recording rule is left out"
    );
    assert!(answer.rules[1].last_error.is_none() && answer.rules[1].evaluated_at.is_none());
    assert_eq!(
        answer.rules[2].last_error.as_ref().unwrap().shown(),
        "no reason given"
    );
    assert_eq!(
        shown(&answer.limits),
        ["PromQL info: metric might not be a counter"]
    );
}

#[tokio::test]
async fn a_stale_page_starts_over_once() {
    let server = paged(1);
    let answer = prometheus(&server).poll(t(0)).await.unwrap();
    assert_eq!(answer.rules.len(), 3);
    assert_eq!(
        server
            .take_paths()
            .iter()
            .filter(|path| *path == RULES)
            .count(),
        4
    );

    let answer = prometheus(&paged(2)).poll(t(0)).await.unwrap();
    assert!(answer.rules.is_empty());
    assert!(answer.limits[0].shown().contains("bad_data: invalid token"));
}

#[tokio::test]
async fn pages_without_end_are_not_followed() {
    let routes = recorded();
    routes.set(RULES, Reply::ok(fixture!("made-up-3.x-rules-page-1.json")));
    let server = routes.serve();
    let answer = prometheus(&server).poll(t(0)).await.unwrap();
    let limit = answer.limits[0].shown();
    assert!(
        limit.contains("the rules do not end within 100 pages"),
        "{limit}"
    );
}

#[tokio::test]
async fn a_missing_endpoint_is_said_and_not_failed() {
    let unsupported = "unsupported path requested: \"/api/v1/alerts\"";
    for reply in [
        Reply::status("404 Not Found", "", "404 page not found\n"),
        Reply::status("400 Bad Request", "", unsupported),
    ] {
        let routes = recorded();
        routes.set(ALERTS, reply.clone());
        routes.set(BUILD, Reply::status("404 Not Found", "", ""));
        let answer = prometheus(&routes.serve()).poll(t(0)).await.unwrap();
        assert_eq!((answer.alerts.len(), answer.rules.len()), (0, 4));
        assert_eq!((answer.limits.len(), answer.version.is_none()), (1, true));
        assert!(answer.limits[0].shown().starts_with("alerts: refused (40"));

        let routes = recorded();
        routes.set(RULES, reply.clone());
        let answer = prometheus(&routes.serve()).poll(t(0)).await.unwrap();
        assert_eq!((answer.alerts.len(), answer.rules.len()), (3, 0));
        assert!(answer.limits[0].shown().starts_with("rules: refused (40"));

        routes.set(ALERTS, reply);
        let error = prometheus(&routes.serve()).poll(t(0)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Refused);
    }
}

#[tokio::test]
async fn rules_that_fail_keep_what_was_known() {
    let routes = recorded();
    let server = routes.serve();
    let mut prometheus = prometheus(&server);
    prometheus.poll(t(0)).await.unwrap();
    server.take_paths();
    routes.set(RULES, Reply::status("503 Service Unavailable", "", ""));
    let answer = prometheus.poll(t(60)).await.unwrap();
    assert_eq!(answer.rules.len(), 4);
    assert_eq!(
        shown(&answer.limits),
        ["rules: overloaded (503 Service Unavailable at /api/v1/rules); shown as of 08:08:38Z"]
    );
    assert_eq!(
        server.take_paths(),
        [ALERTS, RULES],
        "it is asked no more while overloaded"
    );
}

#[tokio::test]
async fn a_server_that_comes_back_is_asked_for_its_version_again() {
    let routes = recorded();
    let server = routes.serve();
    let mut prometheus = prometheus(&server);
    prometheus.poll(t(0)).await.unwrap();
    routes.set(ALERTS, Reply::status("500 Internal Server Error", "", ""));
    prometheus.poll(t(15)).await.unwrap_err();
    routes.set(ALERTS, Reply::ok(fixture!("2.42-alerts.json")));
    server.take_paths();
    prometheus.poll(t(20)).await.unwrap();
    assert_eq!(server.take_paths(), [ALERTS, BUILD]);
}

#[tokio::test]
async fn victoriametrics_alerts_are_read() {
    let routes = recorded();
    routes.set(
        ALERTS,
        Reply::ok(fixture!("made-up-victoriametrics-alerts.json")),
    );
    let answer = prometheus(&routes.serve()).poll(t(0)).await.unwrap();
    let alerts: Vec<_> = answer
        .alerts
        .iter()
        .map(|a| (a.state, a.value.shown()))
        .collect();
    assert_eq!(
        alerts,
        [
            (RuleAlertState::Firing, "0.05"),
            (RuleAlertState::Pending, "7")
        ],
        "an inactive one is none"
    );
}

#[tokio::test]
async fn alerts_that_are_not_right_fail_the_poll() {
    let data = |alerts: &str| format!(r#"{{"status":"success","data":{{"alerts":[{alerts}]}}}}"#);
    let cases = [
        (
            data(r#"{"labels":{},"state":"firing"}"#),
            "alert 0 has no `activeAt`",
        ),
        (
            data(r#"{"labels":{},"state":"firing","activeAt":"x"}"#),
            "alert 0 has an `activeAt` that is no time",
        ),
        (
            data(r#"{"state":"firing","activeAt":"x"}"#),
            "alert 0 has no `labels`",
        ),
        (data("{}"), "alert 0 has no `state`"),
        (r#"{"status":"success"}"#.to_owned(), "it has no `data`"),
        ("[]".to_owned(), "expected an answer of Prometheus's API"),
        (
            "{\"status\":".to_owned(),
            "the answer ends early after 10 bytes",
        ),
    ];
    let routes = recorded();
    let server = routes.serve();
    for (body, expected) in cases {
        routes.set(ALERTS, Reply::ok(&body));
        let error = prometheus(&server).poll(t(0)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Malformed, "{body}");
        assert!(error.detail.shown().contains(expected), "{error}");
    }
    let said = r#"{"status":"error","errorType":"internal","error":"rule manager\nis gone"}"#;
    routes.set(ALERTS, Reply::ok(said));
    let error = prometheus(&server).poll(t(0)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert_eq!(error.detail.shown(), "internal: rule manager");
}

fn points(series: &Series) -> Vec<(f64, f64)> {
    series.samples.clone()
}

#[test]
fn every_result_type_is_read() {
    let vector = read(fixture!("2.42-query-vector.json")).unwrap().series;
    assert_eq!(vector[1].labels.get("job").unwrap().shown(), "other");
    assert_eq!(points(&vector[0]), [(1_795_248_518.4, 1.0)]);
    assert_eq!(points(&vector[1]), [(1_795_248_518.4, 0.0)]);

    let matrix = read(fixture!("2.42-query-matrix.json")).unwrap().series;
    let times: Vec<_> = matrix[1]
        .samples
        .iter()
        .map(|s| s.0 - 1_795_248_498.0)
        .collect();
    assert_eq!(times, [0.0, 5.0, 10.0, 15.0, 20.0]);

    let scalar = read(fixture!("2.42-query-scalar.json")).unwrap().series;
    assert!(scalar[0].labels.is_empty());
    assert_eq!(points(&scalar[0]), [(1_795_248_518.41, 1_795_248_518.41)]);

    let odd = read(fixture!("2.42-query-not-numbers.json"))
        .unwrap()
        .series;
    let values: Vec<_> = odd.iter().map(|series| series.samples[0].1).collect();
    assert_eq!(values[..2], [f64::INFINITY, f64::NEG_INFINITY]);
    assert!(values[2].is_nan());
}

#[test]
fn native_histograms_are_named_as_left_out() {
    let answer = read(fixture!("made-up-3.x-query-histograms.json")).unwrap();
    assert_eq!(answer.series.len(), 1);
    assert_eq!(
        shown(&answer.warnings),
        [
            "results truncated due to limit",
            "native histograms are not supported: left out of 1 series",
        ]
    );
    assert_eq!(shown(&answer.infos), ["native histogram \\u{1b}[2J seen"]);
}

#[test]
fn results_that_are_not_right_are_malformed() {
    let data = |data: &str| format!(r#"{{"status":"success","data":{data}}}"#);
    let cases = [
        (
            fixture!("2.42-query-string.json").to_owned(),
            "gives a string",
        ),
        (
            data(r#"{"resultType":"streams","result":[]}"#),
            "unknown result type `streams`",
        ),
        (data(r#"{"result":[]}"#), "no `resultType`"),
        (
            data(r#"{"resultType":"vector","result":[{"metric":{}},{"value":[1,"one"]}]}"#),
            "series 1: `one` is no number",
        ),
        (
            data(r#"{"resultType":"vector","result":[1]}"#),
            "series 0 is no object",
        ),
        (
            data(r#"{"resultType":"scalar","result":[1]}"#),
            "no pair of time and value",
        ),
        (
            data(r#"{"resultType":"vector","result":[{"value":["1","1"]}]}"#),
            "byte ",
        ),
    ];
    for (body, expected) in cases {
        let error = read(&body).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Malformed);
        assert!(error.detail.shown().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn queries_run_while_a_poll_does() {
    let routes = recorded();
    routes.set(QUERY, Reply::ok(fixture!("2.42-query-vector.json")));
    routes.set(
        "/api/v1/query_range",
        Reply::ok(fixture!("2.42-query-matrix.json")),
    );
    let server = routes.serve();
    let mut prometheus = prometheus(&server);
    let queries = prometheus.query_handle();
    let at = t(0) + TimeDelta::milliseconds(7);
    let (polled, now, ranged) = tokio::join!(
        prometheus.poll(t(0)),
        queries.query("up{job=\"a+b\"}", Some(at)),
        queries.query_range("up", t(-20), t(0), Duration::from_millis(2500)),
    );
    polled.unwrap();
    assert_eq!(
        (now.unwrap().series.len(), ranged.unwrap().series.len()),
        (2, 2)
    );

    let requests = server.requests();
    let instant = requests
        .iter()
        .find(|r| !r.params("time").is_empty())
        .unwrap();
    assert_eq!(instant.params("query"), ["up{job=\"a+b\"}"]);
    assert_eq!(instant.params("time"), ["1795248518.007"]);
    let range = requests
        .iter()
        .find(|r| r.path().ends_with("query_range"))
        .unwrap();
    assert_eq!(range.params("start"), ["1795248498.000"]);
    assert_eq!(range.params("end"), ["1795248518.000"]);
    assert_eq!(range.params("step"), ["2.5"]);
}

#[tokio::test]
async fn refused_queries_say_why() {
    let cases = [
        (
            "400 Bad Request",
            fixture!("2.42-error-bad-data.json"),
            "bad_data: invalid parameter",
        ),
        (
            "422 Unprocessable Entity",
            fixture!("2.42-error-execution.json"),
            "execution: found duplicate series",
        ),
        (
            "400 Bad Request",
            fixture!("2.42-error-too-many-points.json"),
            "bad_data: exceeded maximum resolution of 11,000 points",
        ),
    ];
    let routes = recorded();
    let server = routes.serve();
    let queries = prometheus(&server).query_handle();
    for (status, body, expected) in cases {
        routes.set(QUERY, Reply::status(status, "", body));
        let error = queries.query("up{", None).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Refused);
        assert!(error.detail.shown().contains(expected), "{error}");
    }
}
