//! Does a hostile text from outside ever reach a terminal, a log or a document in its raw form?

use serde_json::{Value, json};

use crate::cli_scene::{
    ALERTMANAGER_STATUS, active, assert_answer, assert_harmless, path, prometheus, repository,
    strings,
};
use crate::quell::{Outcome, Quell};
use crate::raw::{Answer, RawServer};

/// A title change, a colour, a cursor move, C1, a reversed and an invisible text, a tag, a bell.
const HOSTILE: &str =
    "x\u{1b}]0;owned\u{7}\u{1b}[31m\u{9b}2J\u{202e}txet\u{200b}\u{feff}\u{e0041}\u{0}\r";

/// What must be seen of it instead.
const SEEN: &str = "\\u{1b}]0;owned\\u{7}\\u{1b}[31m\\u{9b}2J\\u{202e}txet\\u{200b}";

/// Nothing harmful on the page, and nothing harmful once the JSON is decoded.
fn assert_document_harmless(answer: &Outcome) -> Value {
    assert_harmless(&answer.stdout);
    assert_harmless(&answer.stderr);
    let document = answer.json();
    for text in strings(&document) {
        assert_harmless(text);
    }
    document
}

/// An Alertmanager whose every field is hostile.
fn hostile_alertmanager() -> RawServer {
    let field = |name: &str| format!("{name}{HOSTILE}");
    let mut quiet = active(&json!({ "alertname": "Quiet", field("label"): HOSTILE }));
    quiet["status"] = json!({
        "state": "suppressed", "silencedBy": ["s1"], "inhibitedBy": [HOSTILE], "mutedBy": [HOSTILE],
    });
    let mut loud = active(&json!({
        "alertname": HOSTILE, "severity": HOSTILE, "service": HOSTILE, "env": HOSTILE, "team": HOSTILE,
        "cluster": HOSTILE, field("label"): HOSTILE,
    }));
    loud["annotations"] = json!({
        "summary": format!("{HOSTILE}\nsecond line\t{HOSTILE}"), field("annotation"): HOSTILE,
        "runbook_url": HOSTILE, "quell_runbook": HOSTILE,
    });
    loud["receivers"] = json!([{ "name": HOSTILE }]);
    loud["generatorURL"] = json!(HOSTILE);
    loud["status"]["state"] = json!(HOSTILE);
    let alerts = json!([quiet, loud]).to_string();
    let silences = json!([{
        "id": "s1", "status": { "state": "active" }, "createdBy": HOSTILE, "comment": HOSTILE,
        "matchers": [{ "name": HOSTILE, "value": HOSTILE, "isRegex": true, "isEqual": true }],
        "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2036-01-01T00:00:00Z",
    }])
    .to_string();
    let mut status: Value =
        serde_json::from_str(ALERTMANAGER_STATUS).unwrap_or_else(|e| panic!("{e}"));
    status["versionInfo"]["version"] = json!(HOSTILE);
    status["cluster"] = json!({
        "name": HOSTILE, "status": HOSTILE, "peers": [{ "name": HOSTILE, "address": HOSTILE }],
    });
    status["config"]["original"] = json!("mute_time_intervals: [a]");
    let status = status.to_string();
    let groups = json!([{ "labels": {}, "receiver": { "name": HOSTILE }, "alerts": [{
        "fingerprint": "0000000000000001", "status": { "mutedBy": [HOSTILE] },
    }] }])
    .to_string();
    RawServer::start(move |request| match path(request) {
        "/api/v2/alerts" => Answer::json(&alerts),
        "/api/v2/silences" => Answer::json(&silences),
        "/api/v2/alerts/groups" => Answer::json(&groups),
        _ => Answer::json(&status),
    })
}

/// A Prometheus whose every field is hostile.
fn hostile_prometheus() -> RawServer {
    let ok = |data: &Value| json!({ "status": "success", "data": data, "warnings": [HOSTILE] });
    let alerts = ok(&json!({ "alerts": [
        {
            "labels": { "alertname": format!("Pending{HOSTILE}"), "l": HOSTILE }, "annotations": { "a": HOSTILE },
            "state": "pending", "activeAt": "2026-01-01T00:00:00Z", "value": HOSTILE,
        },
        {
            "labels": { "alertname": format!("Firing{HOSTILE}") }, "annotations": {},
            "state": "firing", "activeAt": "2026-01-01T00:00:00Z", "value": HOSTILE,
        },
    ] }))
    .to_string();
    let rules = ok(
        &json!({ "groups": [{ "name": HOSTILE, "file": HOSTILE, "rules": [{
        "name": format!("Rule{HOSTILE}"), "query": HOSTILE, "health": "err", "lastError": HOSTILE,
        "type": "alerting", "labels": { "l": HOSTILE }, "annotations": {},
    }] }] }),
    )
    .to_string();
    let build = ok(&json!({ "version": HOSTILE })).to_string();
    RawServer::start(move |request| match path(request) {
        "/api/v1/alerts" => Answer::json(&alerts),
        "/api/v1/rules" => Answer::json(&rules),
        "/api/v1/status/buildinfo" => Answer::json(&build),
        _ => prometheus(request),
    })
}

#[test]
fn every_field_of_every_answer_is_made_harmless() {
    let (am, prom) = (hostile_alertmanager(), hostile_prometheus());
    let sources = ["--alertmanager", am.url(), "--prometheus", prom.url()];
    let quell = Quell::new();
    let run = |command: &[&str]| quell.run(&[command, &sources].concat());
    let status = run(&["status", "--json"]);
    assert_eq!((status.code, status.stderr.as_str()), (0, ""), "{status:?}");
    let document = assert_document_harmless(&status);
    let texts = strings(&document);
    for field in ["Pending", "Firing", "Rule", "label", "annotation"] {
        let wanted = format!("{field}x{SEEN}");
        assert!(
            texts.iter().any(|text| text.contains(&wanted)),
            "{field} is not told"
        );
    }
    let loud = document["alerts"]
        .as_array()
        .and_then(|alerts| alerts.iter().find(|a| a["severity"].is_string()))
        .unwrap_or_else(|| panic!("{document:#}"));
    for field in [
        "name",
        "severity",
        "service",
        "env",
        "owner",
        "generator_url",
    ] {
        let text = loud[field].as_str().unwrap_or_default();
        assert!(text.contains(SEEN), "{field}: {loud:#}");
    }
    let summary = loud["annotations"]["summary"].as_str().unwrap_or_default();
    assert!(
        summary.contains("\nsecond line\t"),
        "line breaks of annotations stay"
    );

    for command in [
        &["alerts", "--json"][..],
        &["check", "--json"],
        &["runbook", "which", "Quiet", "--json"],
    ] {
        assert_document_harmless(&run(command));
    }
    for command in [
        &["status"][..],
        &["alerts"],
        &["check"],
        &["runbook", "which", "Quiet"],
    ] {
        let text = run(command);
        assert_harmless(&text.stdout);
        assert_harmless(&text.stderr);
        for line in text.stdout.lines() {
            assert!(!line.contains('\t'), "columns stand: {line}");
        }
    }
}

#[test]
fn an_error_of_a_server_is_made_harmless() {
    let bodies = [
        Answer::text(500, HOSTILE),
        Answer::text(400, &json!(HOSTILE).to_string()),
        Answer::text(422, &json!({ "code": 422, "message": HOSTILE }).to_string()),
        Answer::text(
            503,
            &json!({ "status": "error", "errorType": HOSTILE, "error": HOSTILE }).to_string(),
        ),
        Answer::text(200, &format!("<title>{HOSTILE}</title>")),
        Answer::json(&json!([{ "labels": HOSTILE }]).to_string()),
        Answer::json(&json!({ "status": HOSTILE }).to_string()),
        Answer::redirect("http://x/\u{202e}\u{200b}\u{9b}2J"),
    ];
    for body in bodies {
        let told = body.clone();
        let server = RawServer::start(move |_| told.clone());
        let sources = ["--alertmanager", server.url(), "--prometheus", server.url()];
        let quell = Quell::new();
        for command in [&["status", "--json"][..], &["check", "--json"]] {
            let answer = quell.run(&[command, &sources].concat());
            assert_eq!(answer.code, 3, "{body:?}: {answer:?}");
            assert_document_harmless(&answer);
        }
        for command in [&["status"][..], &["alerts"], &["check"]] {
            let answer = quell.run(&[command, &sources].concat());
            assert_harmless(&answer.stdout);
            assert_harmless(&answer.stderr);
        }
    }
}

#[test]
fn a_hostile_runbook_is_read_without_harm() {
    let quell = Quell::new();
    // A NUL makes it no text at all: such a file is left out, and said so.
    let hostile = HOSTILE.replace('\0', "");
    let text = format!(
        "---\nquell: 1\nid: trap\ntitle: \"Trap\u{202e}\u{200b}\"\nowner: \"o\u{feff}\"\nseverity: \"x\u{ad}\"\n\
         aliases: [\"A\u{2066}\"]\n---\n\n# Trap {hostile}\n\n```sh\n\tindented {hostile}\n```\n"
    );
    let folder = repository(
        &quell,
        &[
            ("trap.md", &text),
            ("evil\u{202e}\u{1b}[2J.md", "# Evil\n"),
            ("nul.md", "# N\0l\n"),
        ],
    );
    let folder = folder.to_string_lossy().into_owned();
    for command in [
        &["runbook", "list"][..],
        &["runbook", "list", "--json"],
        &["runbook", "show", "trap"],
        &["runbook", "show", "trap", "--json"],
        &["runbook", "show", "nearly-trap"],
        &["runbook", "which", "A\u{2066}"],
        &["check", "--json", "--alertmanager", "http://127.0.0.1:1"],
    ] {
        let answer = quell.run(&[command, &["--runbooks", &folder]].concat());
        assert_harmless(&answer.stdout);
        assert_harmless(&answer.stderr);
        if command.contains(&"--json") {
            assert_document_harmless(&answer);
        }
    }
    let shown = quell.run(&["runbook", "show", "trap", "--runbooks", &folder]);
    assert_answer(&shown, 0);
    assert!(
        shown.stdout.contains(&format!("\tindented x{SEEN}")),
        "{shown:?}"
    );
}
