//! What do the tests of the commands share? Runs with variables, a look into documents, made-up
//! servers that are honest, one that relays to a real peer and writes down who asked for what, and a
//! git repository of runbooks.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::peers::{Alertmanager, PATIENCE, cannot_start, http_client};
use crate::quell::{Outcome, Quell};
use crate::raw::{Answer, RawServer, Request};

/// A run with environment variables of its own.
pub fn run_with(quell: &Quell, variables: &[(&str, &str)], arguments: &[&str]) -> Outcome {
    let mut command = quell.command();
    command.envs(variables.iter().copied()).args(arguments);
    let output = assert_cmd::Command::from_std(command)
        .timeout(PATIENCE)
        .output()
        .unwrap_or_else(|e| panic!("cannot run quell: {e}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let Some(code) = output.status.code() else {
        panic!("quell {arguments:?} ended by {}: {stderr}", output.status);
    };
    Outcome {
        code,
        stdout,
        stderr,
    }
}

/// The one element of a document's list whose `key` has this value.
pub fn one<'a>(list: &'a Value, key: &str, wanted: &str) -> &'a Value {
    let items = list
        .as_array()
        .unwrap_or_else(|| panic!("no list: {list:#}"));
    let found: Vec<&Value> = items.iter().filter(|item| item[key] == wanted).collect();
    match found[..] {
        [only] => only,
        _ => panic!("{} with {key} {wanted} in {list:#}", found.len()),
    }
}

/// The one alert of this name.
pub fn alert<'a>(document: &'a Value, name: &str) -> &'a Value {
    one(&document["alerts"], "name", name)
}

/// The one source of this name.
pub fn source<'a>(document: &'a Value, name: &str) -> &'a Value {
    one(&document["sources"], "name", name)
}

/// The names of a document's alerts, sorted.
pub fn names(document: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = list(&document["alerts"])
        .iter()
        .filter_map(|alert| alert["name"].as_str())
        .collect();
    names.sort_unstable();
    names
}

/// A list, or the failure that it is none.
pub fn list(value: &Value) -> &[Value] {
    value
        .as_array()
        .unwrap_or_else(|| panic!("no list: {value:#}"))
}

/// Nothing that steers a terminal, nothing that hides or reorders text.
pub fn assert_harmless(text: &str) {
    for c in text.chars() {
        let steers = c.is_control() && c != '\n' && c != '\t';
        let deceives = matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
        assert!(
            !steers && !deceives,
            "U+{:04X} came through: {text:?}",
            u32::from(c)
        );
    }
}

/// An answer that did what was asked: this exit code, not a word on standard error, no control
/// characters.
pub fn assert_answer(answer: &Outcome, code: i32) {
    assert_eq!(answer.code, code, "{answer:?}");
    assert_eq!(answer.stderr, "", "{answer:?}");
    assert_harmless(&answer.stdout);
}

/// Every string of a document, wherever it stands.
pub fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| [vec![name.as_str()], strings(value)].concat())
            .collect(),
        _ => Vec::new(),
    }
}

/// An honest Alertmanager 0.28 without a cluster that has these alerts and no silences.
pub fn alertmanager(request: &Request, alerts: &str) -> Answer {
    match path(request) {
        "/api/v2/status" => Answer::json(ALERTMANAGER_STATUS),
        "/api/v2/alerts" => Answer::json(alerts),
        "/api/v2/silences" | "/api/v2/alerts/groups" => Answer::json("[]"),
        _ => Answer::text(404, "not found"),
    }
}

/// What [`alertmanager`] says of itself.
pub const ALERTMANAGER_STATUS: &str = r#"{"cluster":{"status":"disabled"},"versionInfo":{"version":"0.28.1"},"config":{"original":"route: {}"},"uptime":"2026-01-01T00:00:00Z"}"#;

/// An honest Prometheus 3 with a watchdog rule that fires and nothing else.
pub fn prometheus(request: &Request) -> Answer {
    let data = match path(request) {
        "/api/v1/alerts" => json!({ "alerts": [{
            "labels": { "alertname": "Watchdog" }, "annotations": {},
            "state": "firing", "activeAt": "2026-01-01T00:00:00Z", "value": "1e+00",
        }] }),
        "/api/v1/rules" => {
            json!({ "groups": [{ "name": "g", "file": "f", "interval": 1, "rules": [{
            "name": "Watchdog", "query": "vector(1)", "health": "ok", "type": "alerting",
            "labels": {}, "annotations": {}, "duration": 0,
        }] }] })
        }
        "/api/v1/status/buildinfo" => json!({ "version": "3.5.3" }),
        "/api/v1/query" => {
            json!({ "resultType": "scalar", "result": [1_800_000_000.0, "1800000000"] })
        }
        _ => return Answer::text(404, "404 page not found\n"),
    };
    Answer::json(&json!({ "status": "success", "data": data }).to_string())
}

/// The path of a request, without its query.
pub fn path(request: &Request) -> &str {
    request.path.split('?').next().unwrap_or_default()
}

/// An alert as Alertmanager writes it: active, with these labels.
pub fn active(labels: &Value) -> Value {
    json!({
        "labels": labels,
        "annotations": {},
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "2036-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:00:00Z",
        "status": { "state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": [] },
        "receivers": [{ "name": "pager" }],
        "generatorURL": "http://prometheus.example/graph",
    })
}

/// The list that holds just one active alert of this name.
pub fn only(name: &str) -> String {
    json!([active(
        &json!({ "alertname": name, "severity": "critical" })
    )])
    .to_string()
}

/// A server before a real peer: passes every GET on, and keeps what it was asked.
pub fn relay(upstream: &str) -> RawServer {
    let address = upstream.trim_start_matches("http://").to_owned();
    RawServer::start(move |request| {
        if request.method != "GET" {
            return Answer::text(405, "only GET passes here");
        }
        pass_on(&address, &request.path).unwrap_or_else(|e| Answer::text(502, &e.to_string()))
    })
}

/// HTTP/1.0, so that the answer is not in chunks and ends with the connection.
fn pass_on(address: &str, path: &str) -> std::io::Result<Answer> {
    let mut upstream = TcpStream::connect(address)?;
    write!(upstream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|at| at == b"\r\n\r\n");
    let Some(end) = end else {
        return Ok(Answer::text(502, "no head in the answer"));
    };
    let head = String::from_utf8_lossy(&answer[..end]);
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok(Answer::Whole {
        status: status.unwrap_or(502),
        headers: Vec::new(),
        body: answer[end + 4..].to_vec(),
    })
}

/// Posts a silence in somebody's name, with an end that a test can write down.
pub async fn silence(am: &Alertmanager, alertname: &str, author: &str, comment: &str) -> String {
    let body = json!({
        "matchers": [{ "name": "alertname", "value": alertname, "isRegex": false, "isEqual": true }],
        // The server takes the present for a start that is over.
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": "2099-12-31T23:59:00Z",
        "createdBy": author,
        "comment": comment,
    });
    let client = http_client().build().unwrap_or_else(|e| panic!("{e}"));
    let url = format!("{}/api/v2/silences", am.url());
    let answer = client.post(url).json(&body).send().await;
    let answer = answer.unwrap_or_else(|e| panic!("{e:?}"));
    let answer: Value = answer.json().await.unwrap_or_else(|e| panic!("{e:?}"));
    let id = answer["silenceID"].as_str();
    id.unwrap_or_else(|| panic!("no silence id: {answer}"))
        .to_owned()
}

/// Runs git in a folder and returns what it prints. It knows nothing of the developer's own config.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args([
            "-c",
            "user.name=tests",
            "-c",
            "user.email=tests@example.org",
        ])
        .args(arguments)
        .output()
        .unwrap_or_else(|e| panic!("{}", cannot_start("git", "git", &e)));
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Commits these files, as name and text, on `main` of a new repository below this home.
pub fn repository(quell: &Quell, files: &[(&str, &str)]) -> PathBuf {
    for (name, text) in files {
        quell.write(&format!("home/runbooks/{name}"), text);
    }
    let folder = quell.path("home/runbooks");
    git(&folder, &["init", "--quiet", "--initial-branch=main"]);
    git(&folder, &["add", "--all"]);
    git(&folder, &["commit", "--quiet", "--message", "runbooks"]);
    folder
}

/// Every file in a folder and below; none where there is no folder.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let entries = entries.map(|entry| entry.unwrap_or_else(|e| panic!("{e}")).path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
