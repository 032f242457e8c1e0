//! How many requests, when, and what becomes of the others when one goes wrong.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::world::*;
use crate::config::settings::Measures;
use crate::config::settings::{RecordedSlos, SloSettings};
use crate::domain::label::Labels;
use crate::domain::slo::{Outcome, Slo, SloProblem};
use crate::domain::slo_measured::NoData;
use crate::domain::source::ErrorKind;
use crate::domain::text::Untrusted;
use crate::sources::burn::BurnSource;
use crate::sources::loopback::{Reply, Server};

const LONG: &str = "a_rather_long_metric_name_of_a_service_mesh_requests_total";

fn forty() -> Vec<Slo> {
    let one = |n: usize| {
        let selector =
            format!("{LONG}{{namespace=\"production\",destination_service=\"service-{n}\"");
        slo(
            &format!("slo-{n}"),
            events(
                Outcome::Bad,
                &format!("sum(rate({selector},response_code=~\"5..\"}}[{{{{.window}}}}]))"),
                &format!("sum(rate({selector}}}[{{{{.window}}}}]))"),
            ),
        )
    };
    (0..40).map(one).collect()
}

#[tokio::test]
async fn forty_slos_take_eight_queries() {
    let server = knowing(two_per_cent);
    let mut source = source(&server);
    let answer = source.poll(&files(forty()), t(0)).await.unwrap();
    assert_eq!(answer.slos.len(), 40);
    for secs in [300, 1_800, 3_600, 7_200, 21_600, DAY, 3 * DAY] {
        assert!((ratio(&answer, "slo-39", secs) - 0.02).abs() < 1e-12);
    }
    assert!(
        measured(&answer, "slo-0")
            .period
            .as_ref()
            .unwrap()
            .measured
            .reading
            .is_ok()
    );
    assert_eq!(answer.cost.queries, 8);
    assert_eq!(answer.cost.samples, Some(8 * 7));
    assert!(server.most_at_once() <= 2);

    let requests = server.requests();
    let queries = requests.iter().filter(|r| r.path() == QUERY);
    for request in queries {
        assert_eq!(request.params("stats"), ["all"]);
        assert_eq!(request.params("time"), ["1793448000.000"]);
    }
    // What is recorded comes with the shortest window, as one selector.
    let asked = asked(&server, 0);
    assert_eq!(asked.len(), 8);
    let along: Vec<&Operand> = asked
        .iter()
        .flatten()
        .filter(|o| o.mark.is_none())
        .collect();
    assert_eq!(along.len(), 1);
    assert!(along[0].text.contains("slo:sli_error:ratio_rate.+"));
    assert!(asked[0][0].text.contains("[5m]") && asked[0].len() == 81);
}

#[tokio::test]
async fn only_what_is_due_is_asked_for() {
    let server = knowing(two_per_cent);
    let mut source = source(&server);
    let files = files(vec![plain("x")]);
    let mut windows = async |secs| {
        let before = server.requests().len();
        let answer = source.poll(&files, t(secs)).await.unwrap();
        assert_eq!(answer.slos[0].windows.len(), 7);
        assert!(answer.slos[0].windows.iter().all(|w| w.reading.is_ok()));
        let asked = asked(&server, before);
        assert_eq!(answer.cost.queries, asked.len() as u64);
        // By the first range of each query.
        let range = |operands: &Vec<Operand>| {
            let text = &operands[0].text;
            let (_, rest) = text.split_once('[')?;
            Some(rest.split_once(']')?.0.to_owned())
        };
        // Two requests run at a time: which comes first is chance.
        asked.iter().filter_map(range).collect::<BTreeSet<String>>()
    };
    let set = |windows: &[&str]| windows.iter().map(ToString::to_string).collect();
    let all: BTreeSet<String> = set(&["5m", "30m", "1h", "2h", "6h", "1d", "3d", "29d23h50m"]);
    assert_eq!(windows(0).await, all);
    assert_eq!(windows(10).await, set(&[]));
    assert_eq!(windows(30).await, set(&["5m", "30m"]));
    assert_eq!(windows(120).await, set(&["5m", "30m", "1h", "2h", "6h"]));
    // The period goes on from what is closed.
    assert_eq!(
        windows(600).await,
        set(&["5m", "30m", "1h", "2h", "6h", "1d", "3d", "20m1ms:15s"])
    );
    // Whoever asks for the past gets all of it.
    assert_eq!(windows(-3_600).await, all);
}

#[tokio::test]
async fn what_stays_is_kept_when_a_file_changes() {
    let server = knowing(two_per_cent);
    let mut source = source(&server);
    source.poll(&files(vec![plain("x")]), t(0)).await.unwrap();
    let before = server.requests().len();
    let answer = source
        .poll(&files(vec![plain("y"), plain("x")]), t(5))
        .await
        .unwrap();
    assert_eq!(answer.slos.len(), 2);
    let texts: Vec<String> = asked(&server, before)
        .concat()
        .into_iter()
        .map(|o| o.text)
        .collect();
    assert!(!texts.is_empty() && texts.iter().all(|text| text.contains("y_total")));
}

#[tokio::test]
async fn a_url_that_is_too_long_is_halved_and_remembered() {
    const MOST: usize = 8_000;
    let refused = Arc::new(AtomicUsize::new(0));
    let count = refused.clone();
    let server = Server::answering(move |request| {
        if request.target.len() > MOST {
            count.fetch_add(1, Ordering::SeqCst);
            return Reply::status("414 Request-URI Too Large", "", "<html><title>414</title>");
        }
        match request.path() {
            QUERY => answer(request, &two_per_cent),
            _ => not_found(),
        }
    });
    let mut source = source(&server);
    let files = files(forty());
    let answer = source.poll(&files, t(0)).await.unwrap();
    assert!(
        answer
            .slos
            .iter()
            .all(|slo| slo.windows.iter().all(|w| w.reading.is_ok()))
    );
    assert!(refused.swap(0, Ordering::SeqCst) > 0);
    source.poll(&files, t(3_600)).await.unwrap();
    assert_eq!(refused.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn one_that_is_too_long_alone_fails_alone() {
    let server = Server::answering(|request| {
        if request.target.len() > 4_000 {
            return Reply::status("431 Request Header Fields Too Large", "", "");
        }
        match request.path() {
            QUERY => answer(request, &two_per_cent),
            _ => not_found(),
        }
    });
    let long = slo(
        "long",
        events(
            Outcome::Bad,
            &format!("x{{a=\"{}\"}}", "v".repeat(5_000)),
            "x",
        ),
    );
    let answer = source(&server)
        .poll(&files(vec![long, plain("x")]), t(0))
        .await
        .unwrap();
    assert!((ratio(&answer, "x", 300) - 0.02).abs() < 1e-12);
    let why = reading(&answer, "long", 300)
        .as_ref()
        .unwrap_err()
        .to_string();
    assert!(why.starts_with("query failed: refused (431"), "{why}");
}

/// Refuses every query that has this word in it.
fn refusing(word: &'static str, status: &'static str) -> Server {
    Server::answering(move |request| {
        if request.path() != QUERY {
            return not_found();
        }
        if request.params("query")[0].contains(word) {
            let error =
                r#"{"status":"error","errorType":"execution","error":"many-to-many \u001b[2J"}"#;
            return Reply::status(status, "", error);
        }
        answer(request, &two_per_cent)
    })
}

#[tokio::test]
async fn of_many_expressions_the_bad_one_is_found() {
    for status in ["400 Bad Request", "422 Unprocessable Entity"] {
        let server = refusing("slo_bad_total", status);
        let mut source = source(&server);
        let mut slos: Vec<Slo> = (0..9).map(|n| plain(&format!("slo_{n}"))).collect();
        slos.insert(4, plain("slo_bad"));
        let files = files(slos);
        let answer = source.poll(&files, t(0)).await.unwrap();
        for slo in answer
            .slos
            .iter()
            .filter(|slo| slo.slo.id.name.raw() != "slo_bad")
        {
            assert!(
                slo.windows.iter().all(|w| w.reading.is_ok()),
                "{}",
                slo.slo.id
            );
        }
        let words = format!(
            "query failed: {status} at /api/v1/query: execution: many-to-many \\u{{1b}}[2J"
        );
        for window in &measured(&answer, "slo_bad").windows {
            assert_eq!(window.reading.as_ref().unwrap_err().to_string(), words);
        }
        let limits = shown(&answer.limits);
        assert_eq!(limits.len(), 1, "{limits:?}");
        assert!(limits[0].starts_with("slo.yaml:12: slo_bad: the server refuses its query: 4"));
        // Found by halves, and only in the first window.
        assert!(answer.cost.queries <= 8 + 10, "{}", answer.cost.queries);

        // It is left alone for ten minutes, and is still named.
        let before = server.requests().len();
        let answer = source.poll(&files, t(120)).await.unwrap();
        let texts: Vec<Operand> = asked(&server, before).concat();
        assert!(!texts.iter().any(|o| o.text.contains("slo_bad_total")));
        assert_eq!(answer.limits.len(), 1);
        assert!(reading(&answer, "slo_bad", 300).is_err());
        let before = server.requests().len();
        source.poll(&files, t(601)).await.unwrap();
        assert!(
            asked(&server, before)
                .concat()
                .iter()
                .any(|o| o.text.contains("slo_bad_total"))
        );
    }
}

#[tokio::test]
async fn a_server_that_refuses_everything_is_not_asked_for_each() {
    let server = Server::answering(|_| Reply::status("400 Bad Request", "", "no tenant\n"));
    let answer = source(&server).poll(&files(forty()), t(0)).await.unwrap();
    assert!(answer.cost.queries < 40, "{}", answer.cost.queries);
    let why = reading(&answer, "slo-39", 300).as_ref().unwrap_err();
    assert_eq!(
        why.to_string(),
        "query failed: 400 Bad Request at /api/v1/query: no tenant"
    );
}

#[tokio::test]
async fn a_server_that_knows_no_recordings_still_answers_the_rest() {
    let server = refusing("__name__", "422 Unprocessable Entity");
    let answer = source(&server)
        .poll(&files(vec![plain("x")]), t(0))
        .await
        .unwrap();
    assert!((ratio(&answer, "x", 300) - 0.02).abs() < 1e-12);
    assert!(shown(&answer.limits)[0].starts_with("recorded SLOs: query failed: 422"));
}

#[tokio::test]
async fn what_only_the_server_understands_is_asked_alone() {
    let server = Server::answering(|request| {
        if request.path() != QUERY {
            return not_found();
        }
        let query = &request.params("query")[0];
        if query == "foo(x[5m])" {
            return Reply::ok(vector(&[(Labels::of(&[("job", "api")]), 3.0)], ""));
        }
        if query.starts_with("foo(") {
            return Reply::status("400 Bad Request", "", "no such function\n");
        }
        answer(request, &two_per_cent)
    });
    let odd = slo("odd", events(Outcome::Bad, "foo(x[{{ .window }}])", "x"));
    let answer = source(&server)
        .poll(&files(vec![odd, plain("y")]), t(0))
        .await
        .unwrap();
    assert!((ratio(&answer, "odd", 300) - 0.003).abs() < 1e-12);
    assert!((ratio(&answer, "y", 3_600) - 0.02).abs() < 1e-12);
    let why = reading(&answer, "odd", 3_600)
        .as_ref()
        .unwrap_err()
        .to_string();
    assert!(
        why.contains("400 Bad Request") && why.contains("no such function"),
        "{why}"
    );
}

#[tokio::test]
async fn a_doubtful_answer_carries_no_reading() {
    let server = Server::answering(|request| {
        if request.path() != QUERY {
            return not_found();
        }
        let series = found(request, &two_per_cent);
        let more = if request.params("query")[0].contains("[1h]") {
            r#","warnings":["store 10.0.0.1 is down"],"infos":["not a counter"]"#
        } else {
            r#","infos":["not a counter"]"#
        };
        Reply::ok(vector(&series, more))
    });
    let answer = source(&server)
        .poll(&files(vec![plain("x")]), t(0))
        .await
        .unwrap();
    let partial = NoData::Partial(Untrusted::line("store 10.0.0.1 is down"));
    assert_eq!(reading(&answer, "x", 3_600), &Err(partial));
    assert!((ratio(&answer, "x", 300) - 0.02).abs() < 1e-12);
    assert_eq!(
        shown(&answer.limits),
        ["not a counter", "store 10.0.0.1 is down"]
    );
}

#[tokio::test]
async fn a_window_that_takes_too_long_fails_alone() {
    let server = Server::answering(|request| {
        if request.path() != QUERY {
            return not_found();
        }
        if request.params("query")[0].contains("[3d]") {
            let error = r#"{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}"#;
            return Reply::status("503 Service Unavailable", "", error);
        }
        answer(request, &two_per_cent)
    });
    let answer = source(&server)
        .poll(&files(vec![plain("x")]), t(0))
        .await
        .unwrap();
    let why = reading(&answer, "x", 3 * DAY)
        .as_ref()
        .unwrap_err()
        .to_string();
    assert!(why.contains("query timed out"), "{why}");
    assert!((ratio(&answer, "x", DAY) - 0.02).abs() < 1e-12);
    assert!(
        measured(&answer, "x")
            .period
            .as_ref()
            .unwrap()
            .measured
            .reading
            .is_ok()
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error() {
    let server = knowing(two_per_cent);
    let mut settings = settings(&server);
    // Nobody listens on it: the port is taken and given back.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    settings.endpoint.url = format!("http://{address}").parse().unwrap();
    let mut source = BurnSource::new(
        &settings,
        &SloSettings::default(),
        Measures::Undirected,
        None,
    )
    .unwrap();
    let error = source
        .poll(&files(vec![plain("x")]), t(0))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);

    let refusing = Server::answering(|_| Reply::status("401 Unauthorized", "", ""));
    let error = self::source(&refusing)
        .poll(&files(vec![plain("x")]), t(0))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert_eq!(
        refusing.requests().len(),
        1,
        "the rest would fare no better"
    );
}

#[tokio::test]
async fn an_outage_passes() {
    let down = Arc::new(AtomicUsize::new(1));
    let state = down.clone();
    let server = Server::answering(move |request| match request.path() {
        _ if state.load(Ordering::SeqCst) == 1 => Reply::status("502 Bad Gateway", "", ""),
        QUERY => answer(request, &two_per_cent),
        _ => not_found(),
    });
    let mut source = source(&server);
    let files = files(vec![plain("x")]);
    source.poll(&files, t(0)).await.unwrap_err();
    down.store(0, Ordering::SeqCst);
    let answer = source.poll(&files, t(15)).await.unwrap();
    assert!(answer.slos[0].windows.iter().all(|w| w.reading.is_ok()));
}

#[tokio::test]
async fn each_prometheus_measures_its_own() {
    let server = knowing(two_per_cent);
    let named = |name: &str, source: &str| {
        let mut slo = plain(name);
        if let crate::domain::slo::Indicator::Events { total, .. } = &mut slo.indicator {
            total.data_source = Some(Untrusted::line(source));
        }
        slo
    };
    let slos = vec![
        plain("none"),
        named("ours", "prom-1"),
        named("theirs", "prom-2"),
    ];
    for (serves, expected) in [
        (Measures::Undirected, vec!["none", "ours"]),
        (Measures::NamedOnly, vec!["ours"]),
    ] {
        let mut source =
            BurnSource::new(&settings(&server), &SloSettings::default(), serves, None).unwrap();
        let answer = source.poll(&files(slos.clone()), t(0)).await.unwrap();
        let names: Vec<&str> = answer.slos.iter().map(|s| s.slo.id.name.raw()).collect();
        assert_eq!(names, expected);
    }
}

#[tokio::test]
async fn problems_of_files_and_overrides_are_passed_on() {
    let server = knowing(two_per_cent);
    let settings = SloSettings {
        metrics: vec![("x".into(), "sum(".into())],
        recorded: RecordedSlos::Ignored,
        ..SloSettings::default()
    };
    let mut files = files(vec![plain("x")]);
    files.problems.push(SloProblem {
        path: Untrusted::line("slo.yaml"),
        line: 1,
        column: 0,
        what: Untrusted::line("not YAML"),
        next_step: Untrusted::line("fix it"),
    });
    let mut source = source_with(&server, &settings, None);
    let answer = source.poll(&files, t(0)).await.unwrap();
    let problems: Vec<String> = answer.problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems[0], "slo.yaml:1: not YAML; fix it");
    assert!(
        problems[1].starts_with("config: slo metric `x`"),
        "{}",
        problems[1]
    );
    // Nothing is looked for that nobody wants.
    assert!(asked(&server, 0).concat().iter().all(|o| o.mark.is_some()));
}

#[tokio::test]
async fn nothing_to_measure_asks_only_for_recordings() {
    let server = knowing(|_| Vec::new());
    let answer = source(&server)
        .poll(&files(Vec::new()), t(0))
        .await
        .unwrap();
    assert!(answer.slos.is_empty() && answer.limits.is_empty());
    assert_eq!(answer.cost.queries, 1);
    let paths: BTreeSet<String> = server.take_paths().into_iter().collect();
    assert_eq!(paths, BTreeSet::from([QUERY.to_owned()]));
}
