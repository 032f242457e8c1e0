//! What is said of series that are not there, have ended, or are more than one.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::world::*;
use crate::domain::label::Labels;
use crate::domain::slo::{Indicator, Outcome, Slo};
use crate::domain::slo_measured::{BurnAnswer, NoData};
use crate::sources::loopback::{Reply, Server};

/// Knows `x_total` by its labels: three series of code 200 and 500; and the names of metrics.
fn shop(value: impl Fn(&Operand) -> Found + Send + Sync + 'static) -> Server {
    Server::answering(move |request| match request.path() {
        QUERY => answer(request, &value),
        "/api/v1/label/__name__/values" => Reply::ok(
            r#"{"status":"success","data":["http_requests_total","http_requests_failed_total","up"]}"#,
        ),
        _ => not_found(),
    })
}

async fn poll(server: &Server, slos: Vec<Slo>) -> BurnAnswer {
    source(server).poll(&files(slos), t(0)).await.unwrap()
}

fn why(answer: &BurnAnswer, name: &str, secs: u64) -> String {
    reading(answer, name, secs)
        .as_ref()
        .unwrap_err()
        .to_string()
}

#[tokio::test]
async fn an_unknown_name_is_named_with_its_neighbour() {
    let server = shop(|_| Vec::new());
    let slos = vec![slo(
        "typo",
        events(
            Outcome::Bad,
            "http_request_total{code=\"500\"}",
            "http_request_total",
        ),
    )];
    let answer = poll(&server, slos).await;
    assert_eq!(
        why(&answer, "typo", 300),
        "missing: no series named http_request_total; there is http_requests_total"
    );
    assert_eq!(measured(&answer, "typo").blocked, None);
    // Seven windows, one period, one look into what is missing.
    assert_eq!(answer.cost.queries, 9);
}

#[tokio::test]
async fn the_label_that_takes_all_away_is_named() {
    let server = shop(|operand| match operand.text.as_str() {
        "count({__name__=\"x_total\"})" | "count({__name__=\"x_total\",job=\"api\"})" => one(3.0),
        _ => Vec::new(),
    });
    let part = "x_total{job=\"api\",code=~\"5..\"}";
    let answer = poll(
        &server,
        vec![slo(
            "x",
            events(Outcome::Bad, part, "x_total{job=\"api\",env=\"prod\"}"),
        )],
    )
    .await;
    assert_eq!(
        why(&answer, "x", 300),
        "missing: x_total has 3 series, none with env=\"prod\""
    );
}

#[tokio::test]
async fn a_missing_bucket_is_named_with_the_real_ones() {
    let server = shop(|operand| match (operand.what(), operand.text.as_str()) {
        (_, "count({__name__=\"l_bucket\"})") => one(4.0),
        (_, "count by (le) (l_bucket)") => ["0.1", "1.0", "+Inf", "0.3"]
            .map(|le| (vec![("le", le)], 1.0))
            .into(),
        (Some((0, 't', _)), _) => one(1_000.0),
        _ => Vec::new(),
    });
    for (le, shown) in [("0.25", "0.25"), ("5", "5")] {
        let part = format!("l_bucket{{le=\"{le}\"}}");
        let answer = poll(
            &server,
            vec![slo("l", events(Outcome::Good, &part, "l_count"))],
        )
        .await;
        assert_eq!(
            why(&answer, "l", 3_600),
            format!("missing: l_bucket has no bucket le=\"{shown}\"; it has 0.1, 0.3, 1.0, +Inf")
        );
    }
}

#[tokio::test]
async fn errors_of_another_metric_are_none_if_that_metric_exists() {
    let server = shop(|operand| match (operand.what(), operand.text.as_str()) {
        (_, "count({__name__=\"http_requests_failed_total\"})") => one(1.0),
        (Some((_, 't', _)), _) => one(1_000.0),
        _ => Vec::new(),
    });
    let exists = events(
        Outcome::Bad,
        "http_requests_failed_total{job=\"a\"}",
        "http_requests_total",
    );
    let typo = events(
        Outcome::Bad,
        "http_request_failed_total",
        "http_requests_total",
    );
    let answer = poll(&server, vec![slo("exists", exists), slo("typo", typo)]).await;
    assert!(ratio(&answer, "exists", 300).abs() < f64::EPSILON);
    assert_eq!(
        why(&answer, "typo", 300),
        "missing: no series named http_request_failed_total; there is http_requests_failed_total"
    );
}

/// A target that ended so many seconds ago: the longer windows still have numbers.
fn ended(age: f64) -> Server {
    shop(move |operand| match operand.what() {
        Some((_, 't', _)) if !operand.text.contains("[5m]") => one(1_000.0),
        Some((_, 'a', part)) if part == "ge" => one(age),
        _ => Vec::new(),
    })
}

#[tokio::test]
async fn series_that_have_ended_block_everything() {
    let server = ended(600.0);
    let mut source = source(&server);
    let files = files(vec![plain("gone")]);
    let answer = source.poll(&files, t(0)).await.unwrap();
    assert_eq!(measured(&answer, "gone").blocked, Some(NoData::Stale(600)));
    assert_eq!(reading(&answer, "gone", 300), &Err(NoData::Stale(600)));
    assert!(reading(&answer, "gone", 3_600).is_ok());
    // The right question: the last value's own time, not the time of asking.
    let ages: Vec<String> = asked(&server, 0)
        .concat()
        .into_iter()
        .filter(|o| o.mark.as_deref() == Some("0age"))
        .map(|o| o.text)
        .collect();
    assert_eq!(
        ages,
        ["time() - max(max_over_time(timestamp(gone_total)[59m59s999ms:30s]))"]
    );
    // It ages between two looks.
    let answer = source.poll(&files, t(60)).await.unwrap();
    assert_eq!(measured(&answer, "gone").blocked, Some(NoData::Stale(660)));
    // And is forgotten when the series come back.
    let back = knowing(two_per_cent);
    let mut source = self::source(&back);
    let answer = source.poll(&files, t(0)).await.unwrap();
    assert_eq!(measured(&answer, "gone").blocked, None);
}

#[tokio::test]
async fn a_target_that_is_scraped_seldom_has_not_ended() {
    let server = ended(250.0);
    let answer = poll(&server, vec![plain("slow")]).await;
    assert_eq!(measured(&answer, "slow").blocked, None);
    assert!(why(&answer, "slow", 300).starts_with("missing: "));
}

#[tokio::test]
async fn several_series_are_not_one() {
    let server = shop(|operand| match operand.what() {
        Some((0, 't', _)) => ["a", "b"]
            .map(|pod| (vec![("pod", pod), ("job", "api")], 5.0))
            .into(),
        _ => two_per_cent(operand),
    });
    let loose = slo(
        "loose",
        events(Outcome::Bad, "sum(rate(x[5m]))", "rate(x[5m])"),
    );
    let answer = poll(&server, vec![loose]).await;
    assert_eq!(
        why(&answer, "loose", 300),
        "several series: 2 that differ in pod; put sum() around the query, or group the SLO by them"
    );
}

#[tokio::test]
async fn groups_are_slos_of_their_own() {
    let server = shop(|operand| match operand.what() {
        Some((0, 'b', _)) => vec![(vec![("team", "a")], 1.0)],
        // Team b had traffic only an hour ago.
        Some((0, 't', _)) if operand.text.contains("[5m]") => vec![(vec![("team", "a")], 10.0)],
        Some((0, 't', _)) => vec![(vec![("team", "a")], 10.0), (vec![("team", "b")], 40.0)],
        _ => Vec::new(),
    });
    let grouped = Slo {
        group_by: vec!["team".into()],
        ..plain("x")
    };
    let answer = poll(&server, vec![grouped]).await;
    let ids: Vec<String> = answer.slos.iter().map(|s| s.slo.id.to_string()).collect();
    assert_eq!(ids, ["x{team=a}", "x{team=b}"]);
    assert!((ratio(&answer, "x{team=a}", 300) - 0.1).abs() < 1e-12);
    assert!(ratio(&answer, "x{team=b}", 3_600).abs() < 1e-12);
    assert_eq!(
        why(&answer, "x{team=b}", 300),
        "missing: this group has no series in the window, although it has in a longer one"
    );
    assert_eq!(answer.slos[1].slo.id.group, Labels::of(&[("team", "b")]));
}

#[tokio::test]
async fn a_period_beyond_what_is_kept_is_said_with_what_to_do() {
    let server = Server::answering(|request| match request.path() {
        QUERY => answer(request, &two_per_cent),
        "/api/v1/status/runtimeinfo" => {
            Reply::ok(r#"{"status":"success","data":{"storageRetention":"15d or 10GiB"}}"#)
        }
        _ => not_found(),
    });
    let mut source = source(&server);
    let files = files(vec![plain("x")]);
    let answer = source.poll(&files, t(0)).await.unwrap();
    let period = measured(&answer, "x").period.as_ref().unwrap();
    let beyond = NoData::BeyondRetention(30 * DAY, 15 * DAY);
    assert_eq!(period.measured.reading, Err(beyond));
    assert!(reading(&answer, "x", 3 * DAY).is_ok());
    assert_eq!(answer.cost.queries, 7);
    assert_eq!(
        shown(&answer.limits),
        [
            "slo.yaml:12: x: its period of 30d is longer than the server keeps samples (15d): raise --storage.tsdb.retention.time, or ask a store that keeps them longer"
        ]
    );
    // It is asked for seldom.
    source.poll(&files, t(3_600)).await.unwrap();
    let asked = server.take_paths();
    assert_eq!(
        asked
            .iter()
            .filter(|path| path.ends_with("runtimeinfo"))
            .count(),
        1
    );
}

#[tokio::test]
async fn an_slo_without_queries_and_recordings_says_so() {
    let server = shop(|_| Vec::new());
    let answer = poll(&server, vec![slo("r", Indicator::Recorded)]).await;
    assert_eq!(
        why(&answer, "r", 300),
        "missing: it has no query of its own, and nothing is recorded of it"
    );
}
