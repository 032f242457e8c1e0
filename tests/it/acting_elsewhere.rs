//! Does an action reach what is not Kubernetes: a real pair of Alertmanagers, a control plane over HTTP, a
//! program of this machine?

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::acting_scene::{FREE, act, built_in, journal, policy};
use crate::cli_scene::{assert_answer, one};
use crate::peers::{AlertSpec, AlertmanagerPair, until};
use crate::quell::Quell;

/// Waits until both replicas have a silence in this state, and returns when it ends.
async fn on_both(pair: &AlertmanagerPair, id: &str, state: &str) -> String {
    until("both replicas have the silence", async || {
        let (first, second) = (pair.first.silences().await, pair.second.silences().await);
        let of = |all: &[Value]| {
            let found = all.iter().find(|one| one["id"] == id)?;
            (found["status"]["state"] == state).then(|| found["endsAt"].to_string())
        };
        match (of(&first), of(&second)) {
            (Some(one), Some(other)) if one == other => Ok(one),
            other => Err(format!("{other:?}")),
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_on_a_real_cluster_is_made_extended_and_ended() {
    let pair = AlertmanagerPair::start().await;
    let alert = AlertSpec::new("NodeDown")
        .label("node", "n1")
        .label("env", "prod");
    pair.first.post_alerts(&[alert]).await;
    let quell = Quell::new();
    let flags: Vec<String> = [pair.first.url(), pair.second.url()]
        .iter()
        .flat_map(|url| ["--alertmanager".to_owned(), (*url).to_owned()])
        .collect();
    let cautious = built_in("cautious");
    let run = |words: &[&str]| {
        let words = [&["run"], words, &["--yes", "--json"]].concat();
        let done = tokio::task::block_in_place(|| act(&quell, &words, &[&flags, &cautious]));
        assert_answer(&done, 0);
        assert_eq!(done.json()["end"], "verified");
    };
    run(&[
        "silence.create",
        "matchers=alertname=\"NodeDown\",node=\"n1\"",
        "duration=30m",
        "reason=INC-12",
    ]);
    let made = pair.first.silences().await;
    let id = made[0]["id"].as_str().unwrap().to_owned();
    let ends = on_both(&pair, &id, "active").await;

    run(&["silence.extend", &format!("id={id}"), "duration=2h"]);
    // An extended silence may have got another name.
    let extended = until("it is extended", async || {
        let all = pair.first.silences().await;
        let active = all.iter().find(|one| one["status"]["state"] == "active");
        let id = active.and_then(|one| one["id"].as_str());
        id.map(str::to_owned).ok_or("none is active".to_owned())
    })
    .await;
    assert_ne!(on_both(&pair, &extended, "active").await, ends);

    run(&["silence.expire", &format!("id={extended}")]);
    on_both(&pair, &extended, "expired").await;
    let kinds = journal(&quell);
    let ended = kinds.iter().filter(|kind| *kind == "ended").count();
    let outcomes = kinds.iter().filter(|kind| *kind == "outcome").count();
    assert_eq!((ended, outcomes), (3, 3), "{kinds:?}");
}

#[derive(Clone, Default)]
struct Buffering(Arc<Mutex<(u64, u64)>>);

/// A control plane that keeps one number, with a version.
fn control_plane() -> (String, Buffering) {
    let kept = Buffering(Arc::new(Mutex::new((64, 1))));
    let read = async |State(kept): State<Buffering>| {
        let (mib, version) = *kept.0.lock().unwrap();
        (
            [("etag", format!("\"{version}\""))],
            Json(json!({ "mib": mib })),
        )
    };
    let write =
        async |State(kept): State<Buffering>, headers: HeaderMap, Json(body): Json<Value>| {
            let mut held = kept.0.lock().unwrap();
            let wanted = headers
                .get("if-match")
                .and_then(|value| value.to_str().ok());
            if wanted != Some(&format!("\"{}\"", held.1)) {
                return StatusCode::PRECONDITION_FAILED;
            }
            *held = (body["mib"].as_u64().unwrap(), held.1 + 1);
            StatusCode::OK
        };
    let app = Router::new()
        .route("/v1/collectors/{cluster}/buffering", get(read).put(write))
        .with_state(kept.clone());
    let (told, url) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
                .await
                .unwrap();
            told.send(format!("http://{}", listener.local_addr().unwrap()))
                .unwrap();
            axum::serve(listener, app).await.unwrap();
        });
    });
    (url.recv().unwrap(), kept)
}

#[test]
fn an_operation_of_a_control_plane_is_done_and_seen_to_work() {
    let (url, kept) = control_plane();
    let quell = Quell::new();
    let config = format!(
        r#"
[[control_plane]]
name = "telemetry"
url = "{url}"

[[control_plane.operation]]
name = "collector.set-buffering"
help = "let a collector keep more before it drops"
method = "PUT"
path = "/v1/collectors/{{cluster}}/buffering"
parameters = {{ cluster = {{ type = "text", required = true, help = "the cluster" }}, mib = {{ type = "integer", min = 1, max = 4096, required = true, help = "how much" }} }}
read = "/v1/collectors/{{cluster}}/buffering"
precondition_header = "If-Match"
verify = {{ "/mib" = "{{mib}}" }}
within = "20s"
reverse = {{ operation = "collector.set-buffering", with = {{ cluster = "{{cluster}}", mib = "{{before:/mib}}" }} }}
risk = "R1"
direction = "reduces"
"#
    );
    quell.write("config/quell/config.toml", &config);
    let words = [
        "run",
        "http.telemetry.collector.set-buffering",
        "cluster=eu-1",
        "mib=512",
        "--yes",
        "--json",
    ];
    let done = act(&quell, &words, &[&built_in("cautious")]);
    assert_answer(&done, 0);
    assert_eq!(done.json()["end"], "verified");
    assert_eq!(*kept.0.lock().unwrap(), (512, 2), "written once");
    let too_much = ["plan", words[1], words[2], "mib=9999"];
    let refused = act(&quell, &too_much, &[&built_in("cautious")]);
    assert_eq!(refused.code, 2, "{refused:?}");
}

#[test]
fn a_program_is_run_with_its_arguments_and_only_as_it_was_allowed() {
    let quell = Quell::new();
    let summed = Command::new("sha256sum")
        .arg("/usr/bin/touch")
        .output()
        .unwrap();
    let sum = String::from_utf8(summed.stdout).unwrap()[..64].to_owned();
    let config = |sum: &str| {
        format!(
            r#"
[[command]]
name = "mark"
help = "leave a mark"
program = "/usr/bin/touch"
sha256 = "{sum}"
arguments = ["--", "{{file}}"]
parameters = {{ file = {{ type = "text", required = true, help = "the file" }} }}
timeout = "10s"
risk = "R1"
direction = "neutral"
"#
        )
    };
    let mark = quell.path("home/a $(id) mark");
    let parameter = format!("file={}", mark.display());
    let words = ["run", "command.mark", &parameter, "--yes", "--json"];

    quell.write("config/quell/config.toml", &config(&"0".repeat(64)));
    let other = act(&quell, &words, &[&policy(&quell, FREE)]);
    assert_ne!(other.code, 0, "another file is not run: {other:?}");
    assert!(!mark.exists());

    quell.write("config/quell/config.toml", &config(&sum));
    let done = act(&quell, &words, &[&policy(&quell, FREE)]);
    assert_answer(&done, 0);
    assert!(mark.exists(), "no shell read its name");
    assert_eq!(
        one(&done.json()["plan"]["steps"], "verb", "RUN")["server"],
        "/usr/bin/touch"
    );
}
