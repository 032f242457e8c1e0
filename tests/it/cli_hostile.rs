//! What does a server that misbehaves cost? Its own answer and nothing else: it is named with its
//! reason, the other source is complete, and the status is 1.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli_scene::{
    active, alert, alertmanager, assert_answer, list, names, only, path, prometheus, source,
};
use crate::quell::{Outcome, Quell};
use crate::raw::{Answer, RawServer};

/// A misbehaviour and how it must be called.
struct Case {
    what: &'static str,
    answer: Answer,
    kind: &'static str,
    /// Config of the source: a short timeout, a small cap.
    settings: &'static str,
}

fn case(what: &'static str, answer: Answer, kind: &'static str) -> Case {
    Case {
        what,
        answer,
        kind,
        settings: "",
    }
}

fn bytes(body: &[u8]) -> Answer {
    Answer::Whole {
        status: 200,
        headers: Vec::new(),
        body: body.to_vec(),
    }
}

/// What any server may do, whatever it is asked.
fn misbehaviours() -> Vec<Case> {
    let hurried = "timeout = \"300ms\"";
    let page = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>";
    vec![
        case(
            "cut in its middle",
            Answer::json(&only("Cut")[..80]),
            "malformed",
        ),
        case(
            "a connection that ends early",
            Answer::CutShort {
                body: only("Cut").into_bytes(),
                missing: 100,
            },
            "malformed",
        ),
        case("nothing", Answer::json(""), "malformed"),
        case("closed at once", Answer::Closed, "unreachable"),
        Case {
            settings: hurried,
            ..case("silence", Answer::Silent, "timed_out")
        },
        Case {
            // It promises less than the cap, or its length alone would refuse it.
            settings: "timeout = \"300ms\"\nmax_response_mib = 4096",
            ..case(
                "a byte now and then",
                Answer::Dripping {
                    every: Duration::from_millis(20),
                },
                "timed_out",
            )
        },
        Case {
            settings: "max_response_mib = 1",
            ..case(
                "more than the cap",
                Answer::Enormous { bytes: 3 << 20 },
                "too_large",
            )
        },
        case("a web page", Answer::text(200, page), "malformed"),
        case(
            "a redirect",
            Answer::redirect("https://sso.example/login"),
            "refused",
        ),
        case("401", Answer::text(401, "who are you"), "unauthorized"),
        case("403", Answer::text(403, page), "unauthorized"),
        case("404", Answer::text(404, "404 page not found"), "refused"),
        case("429", Answer::too_many_requests(7), "busy"),
        case("500", Answer::text(500, "\"unexpected\""), "refused"),
        case("503", Answer::text(503, "limit reached"), "busy"),
        case("no JSON", Answer::json("OK"), "malformed"),
        case(
            "another shape",
            Answer::json("{\"a\":[1,2,3]}"),
            "malformed",
        ),
        case("a word of JSON", Answer::json("nil"), "malformed"),
        case("a list of numbers", Answer::json("[1,2,3]"), "malformed"),
        case(
            "no UTF-8",
            bytes(b"[{\"labels\":{\"alertname\":\"\xff\xfe\"}}]"),
            "malformed",
        ),
        case(
            "a thousand brackets deep",
            bytes(&b"[".repeat(1_000_000)),
            "malformed",
        ),
        case(
            "deep within an alert",
            bytes(&[b"[{\"labels\":".to_vec(), b"{\"a\":".repeat(200_000)].concat()),
            "malformed",
        ),
        case("more after the end", Answer::json("[] []"), "malformed"),
    ]
}

/// Runs a command against a hostile source and an honest Alertmanager.
fn beside_an_honest_one(table: &str, case: &Case, command: &[&str]) -> Outcome {
    let told = case.answer.clone();
    let hostile = RawServer::start(move |_| told.clone());
    let honest = RawServer::start(|request| alertmanager(request, &only("Honest")));
    let quell = Quell::new();
    quell.write(
        "config/quell/config.toml",
        &format!(
            "[[{table}]]\nname = \"hostile\"\nurl = \"{}\"\n{}\n[[alertmanager]]\nname = \"honest\"\nurl = \"{}\"\ntimeout = \"1m\"\n",
            hostile.url(),
            case.settings,
            honest.url()
        ),
    );
    quell.run(command)
}

fn assert_costs_only_itself(table: &str, case: &Case) {
    let answer = beside_an_honest_one(table, case, &["status", "--json"]);
    assert_answer(&answer, 1);
    let document = answer.json();
    let hostile = source(&document, "hostile");
    assert_eq!(
        [&hostile["freshness"], &hostile["error_kind"]],
        ["failed", case.kind],
        "{}: {hostile:#}",
        case.what
    );
    let error = hostile["error"].as_str().unwrap_or_default();
    assert!(
        error.len() < 600,
        "{}: a reason, no dump: {error}",
        case.what
    );
    assert_eq!(
        source(&document, "honest")["freshness"],
        "fresh",
        "{}",
        case.what
    );
    assert_eq!(names(&document), ["Honest"], "{}", case.what);
    assert_eq!(alert(&document, "Honest")["state"], "firing");

    let text = beside_an_honest_one(table, case, &["alerts"]);
    assert_answer(&text, 1);
    for said in ["Honest", "hostile: ", "next: "] {
        assert!(text.stdout.contains(said), "{}: {text:?}", case.what);
    }
}

#[test]
fn an_alertmanager_that_misbehaves_costs_only_itself() {
    for case in misbehaviours() {
        assert_costs_only_itself("alertmanager", &case);
    }
}

#[test]
fn a_prometheus_that_misbehaves_costs_only_itself() {
    let own = [
        case(
            "an error of its own",
            Answer::text(
                422,
                r#"{"status":"error","errorType":"execution","error":"too much"}"#,
            ),
            "refused",
        ),
        case(
            "an error with 200",
            Answer::json(r#"{"status":"error","errorType":"bad_data","error":"no"}"#),
            "refused",
        ),
        case(
            "success without data",
            Answer::json(r#"{"status":"success"}"#),
            "malformed",
        ),
        case("an empty list", Answer::json("[]"), "malformed"),
    ];
    for case in misbehaviours().into_iter().chain(own) {
        assert_costs_only_itself("prometheus", &case);
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = RawServer::start(|request| alertmanager(request, &only("Elsewhere")));
    let target = format!("{}/api/v2/alerts", elsewhere.url());
    let redirecting = RawServer::start(move |_| Answer::redirect(&target));
    let answer = Quell::new().run(&["status", "--json", "--alertmanager", redirecting.url()]);
    assert_eq!(answer.code, 3, "{answer:?}");
    assert_eq!(elsewhere.requests(), []);
}

#[test]
fn what_a_source_could_not_tell_is_said() {
    // The alerts come, what explains them does not: 0.32 and later answer 500 to the whole list once
    // one silence of several sets is in the store.
    let am = RawServer::start(|request| match path(request) {
        "/api/v2/silences" => Answer::text(500, "\"silence 7 cannot be shown\""),
        _ => {
            let mut quiet = active(&json!({ "alertname": "Quiet", "severity": "critical" }));
            quiet["status"] = json!({
                "state": "suppressed", "silencedBy": ["an-id"], "inhibitedBy": [], "mutedBy": [],
            });
            alertmanager(request, &json!([quiet]).to_string())
        }
    });
    let quell = Quell::new();
    let answer = quell.run(&["status", "--json", "--alertmanager", am.url()]);
    assert_answer(&answer, 0);
    let document = answer.json();
    let quiet = alert(&document, "Quiet");
    assert_eq!(quiet["state"], "silenced");
    assert_eq!(
        quiet["quiet_because"],
        "silenced by an-id (details unknown)"
    );
    let limits = list(&source(&document, "am-1")["limits"]);
    assert!(
        limits
            .iter()
            .any(|limit| limit.as_str().is_some_and(|limit| {
                limit.contains("silences") && limit.contains("silence 7 cannot be shown")
            })),
        "{document:#}"
    );
    let text = quell.run(&["status", "--alertmanager", am.url()]);
    assert!(
        text.stdout.contains("silence 7 cannot be shown"),
        "{text:?}"
    );
}

/// 10,000 alerts of about 1 kB each, as a bad night has them.
fn ten_thousand() -> Vec<u8> {
    let padding = "x".repeat(90);
    let alert = |index: usize| {
        let severity = ["critical", "warning", "info", "none"][index % 4];
        let labels = json!({
            "alertname": format!("Rule{}", index % 50),
            "severity": severity,
            "instance": format!("10.0.{}.{}:9100", index / 250, index % 250),
            "index": index.to_string(),
            "service": format!("service-{}", index % 20),
            "cluster": "eu-1", "namespace": "shop", "pod": padding,
        });
        let mut alert = active(&labels);
        alert["fingerprint"] = json!(format!("{index:016x}"));
        alert["annotations"] = json!({ "summary": padding, "description": padding.repeat(4) });
        alert
    };
    let alerts: Vec<Value> = (0..10_000).map(alert).collect();
    Value::Array(alerts).to_string().into_bytes()
}

#[test]
fn ten_thousand_alerts_are_all_there() {
    let body = ten_thousand();
    assert!(body.len() > 10_000_000, "{} bytes", body.len());
    let body = String::from_utf8(body).unwrap_or_else(|e| panic!("{e}"));
    let am = RawServer::start(move |request| alertmanager(request, &body));
    let quell = Quell::new();
    // The second replica lacks them all, so that each has its disagreement to tell.
    let honest = RawServer::start(|request| alertmanager(request, &only("Honest")));
    let sources = ["--alertmanager", am.url(), "--alertmanager", honest.url()];

    let answer = quell.run(&[&["status", "--json"][..], &sources].concat());
    assert_answer(&answer, 0);
    let document = answer.json();
    assert_eq!(list(&document["alerts"]).len(), 10_001);
    assert_eq!(
        document["counts"],
        json!({ "page": 2501, "ticket": 2500, "info": 5000, "quiet": 0, "pending": 0 })
    );
    alert(&document, "Honest");

    let text = quell.run(&[&["alerts"][..], &sources].concat());
    assert_answer(&text, 0);
    assert_eq!(text.stdout.lines().count(), 10_001);
    let one = quell.run(&[&["alerts", "--json", "index=7777"][..], &sources].concat());
    assert_answer(&one, 0);
    assert_eq!(names(&one.json()), ["Rule27"]);
    assert_eq!(one.json()["total"], 10_001);
}

#[test]
fn a_good_answer_stays_good_beside_a_prometheus_without_alerts() {
    // Thanos Query has no alerts of its own: that is a limit, not a failure.
    let thanos = RawServer::start(|request| match path(request) {
        "/api/v1/alerts" => Answer::text(404, "404 page not found"),
        _ => prometheus(request),
    });
    let answer = Quell::new().run(&["status", "--json", "--prometheus", thanos.url()]);
    assert_answer(&answer, 0);
    let document = answer.json();
    let limits = list(&source(&document, "prom-1")["limits"]);
    assert!(
        limits
            .iter()
            .any(|l| l.as_str().is_some_and(|l| l.starts_with("alerts"))),
        "{document:#}"
    );
}
