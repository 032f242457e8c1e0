//! Does any command ever write, and does one slow source hold up what another one said?

use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};

use crate::cli_scene::{alert, alertmanager, assert_answer, names, only, path, relay, source};
use crate::peers::{AlertSpec, Alertmanager, PATIENCE, Prometheus, WATCHDOG_RULE, until};
use crate::quell::Quell;
use crate::raw::RawServer;

#[tokio::test]
async fn every_request_of_every_command_is_a_get() {
    let am = Alertmanager::start().await;
    let prometheus = Prometheus::start(WATCHDOG_RULE, &[&am]).await;
    am.post_alerts(&[AlertSpec::new("NodeDown").label("severity", "critical")])
        .await;
    until("both alerts are there", async || {
        let alerts = am.alerts().await;
        (alerts.len() == 2)
            .then_some(())
            .ok_or_else(|| format!("{alerts:?}"))
    })
    .await;
    let before = am.silences().await;
    let (am_relay, prometheus_relay) = (relay(am.url()), relay(prometheus.url()));
    let quell = Quell::new();
    let commands: [&[&str]; 12] = [
        &["status"],
        &["status", "--json"],
        &["alerts"],
        &["alerts", "--json", "severity=critical"],
        &["check"],
        &["check", "--json"],
        &["runbook", "list"],
        &["runbook", "show", "bad-rollout"],
        &["runbook", "which", "NodeDown", "--json"],
        &["init", "--output", "-"],
        &["man"],
        &["completions", "bash"],
    ];
    for command in commands {
        let sources = [
            "--alertmanager",
            am_relay.url(),
            "--prometheus",
            prometheus_relay.url(),
        ];
        assert_answer(&quell.run(&[command, &sources].concat()), 0);
    }
    let (at_am, at_prometheus) = (am_relay.requests(), prometheus_relay.requests());
    assert!(at_am.iter().any(|r| path(r) == "/api/v2/alerts"));
    assert!(at_prometheus.iter().any(|r| path(r) == "/api/v1/rules"));
    for request in at_am.iter().chain(&at_prometheus) {
        assert_eq!(request.method, "GET", "{request:?}");
        assert_eq!(request.header("content-length"), None, "{request:?}");
    }
    for request in &at_am {
        assert!(path(request).starts_with("/api/v2/"), "{request:?}");
    }
    assert_eq!(am.silences().await, before);
    assert_eq!(am.alerts().await.len(), 2);
}

#[tokio::test]
async fn commands_that_need_no_server_ask_none() {
    let am = RawServer::start(|request| alertmanager(request, "[]"));
    let quell = Quell::new();
    let commands: [&[&str]; 6] = [
        &["runbook", "list"],
        &["runbook", "show", "bad-rollout"],
        &["runbook", "which", "alertname=NodeDown"],
        &["init", "--output", "-"],
        &["man"],
        &["completions", "zsh"],
    ];
    for command in commands {
        assert_answer(
            &quell.run(&[command, &["--alertmanager", am.url()]].concat()),
            0,
        );
    }
    assert_eq!(am.requests(), []);
}

#[test]
fn a_slow_source_is_waited_for_while_the_others_are_heard() {
    // The slow one answers only when the healthy one has been asked for everything. Were they asked
    // one after the other, the slow one would be the first, and its request would time out.
    let (heard, wait) = mpsc::channel();
    let wait = Mutex::new(wait);
    let healthy = RawServer::start(move |request| {
        if path(request) == "/api/v2/silences" {
            // The receiver stays until the test is over.
            let _ = heard.send(());
        }
        alertmanager(request, &only("Healthy"))
    });
    let slow = RawServer::start(move |request| {
        if path(request) == "/api/v2/alerts" {
            let wait = wait.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = wait.recv_timeout(PATIENCE);
        }
        alertmanager(request, &only("Slow"))
    });
    let answer = Quell::new().run(&[
        "status",
        "--json",
        "--alertmanager",
        slow.url(),
        "--alertmanager",
        healthy.url(),
    ]);
    assert_answer(&answer, 0);
    assert_eq!(names(&answer.json()), ["Healthy", "Slow"]);
}

#[tokio::test]
async fn a_source_that_never_answers_takes_nothing_from_the_others() {
    let am = Alertmanager::start().await;
    am.post_alerts(&[AlertSpec::new("NodeDown"), AlertSpec::new("DiskFull")])
        .await;
    let silent = RawServer::start(|_| crate::raw::Answer::Silent);
    let quell = Quell::new();
    let config = format!(
        "[[alertmanager]]\nname = \"silent\"\nurl = \"{}\"\ntimeout = \"300ms\"\n[[alertmanager]]\nname = \"real\"\nurl = \"{}\"\ntimeout = \"1m\"\n",
        silent.url(),
        am.url()
    );
    quell.write("config/quell/config.toml", &config);
    let answer = quell.run(&["alerts", "--json"]);
    assert_answer(&answer, 1);
    let document = answer.json();
    assert_eq!(names(&document), ["DiskFull", "NodeDown"]);
    assert_eq!(source(&document, "silent")["error_kind"], "timed_out");
    let complete = alert(&document, "NodeDown");
    assert_eq!(complete["state"], "firing");
    assert_eq!(complete["sources"][0]["name"], "real");
}
