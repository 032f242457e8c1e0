//! Does a secret ever leave its place? One canary stands in every place a secret may be kept, and in
//! the places where it must not be; no output, log or file may repeat it.

use std::fs;

use crate::cli_scene::{alertmanager, files_below, only, prometheus, run_with, source};
use crate::peers::{Access, Alertmanager};
use crate::quell::{Outcome, Quell};
use crate::raw::{Answer, RawServer, Request};
use crate::terminal::Size;

/// What stands in no output, log or file but the one it was put into.
const CANARY: &str = "canary-7f3a-secret";
/// `oncall:` and it, as basic authentication sends them.
const CANARY_AS_BASIC: &str = "b25jYWxsOmNhbmFyeS03ZjNhLXNlY3JldA==";

/// A run in the most talkative environment there is.
fn ask(quell: &Quell, arguments: &[&str]) -> Outcome {
    let variables = [
        ("CANARY", CANARY),
        ("RUST_LOG", "trace"),
        ("RUST_BACKTRACE", "full"),
    ];
    run_with(quell, &variables, arguments)
}

fn assert_tells_nothing(answer: &Outcome) {
    for secret in [CANARY, CANARY_AS_BASIC] {
        let told = answer.stdout.contains(secret) || answer.stderr.contains(secret);
        assert!(!told, "{answer:?}");
    }
}

fn assert_keeps_nothing(quell: &Quell) {
    for folder in ["state", "data", "cache", "runtime"] {
        for file in files_below(&quell.path(folder)) {
            let bytes = fs::read(&file).unwrap_or_else(|e| panic!("{e}"));
            let text = String::from_utf8_lossy(&bytes);
            let told = text.contains(CANARY) || text.contains(CANARY_AS_BASIC);
            assert!(!told, "{}: {text}", file.display());
        }
    }
}

#[tokio::test]
async fn no_command_repeats_a_secret_that_it_sends() {
    let strict = Alertmanager::start_with("", Access::Password).await;
    let open = RawServer::start(|request| alertmanager(request, &only("Open")));
    let prom = RawServer::start(prometheus);
    let quell = Quell::new();
    let secret = quell.write("home/secret/pw", &format!("{CANARY}\n"));
    let config = format!(
        r#"
log_level = "trace"
[[alertmanager]]
url = "{strict}"
basic = {{ username = "oncall", password = {{ file = "~/secret/pw" }} }}
[[alertmanager]]
url = "{open}"
bearer = {{ env = "CANARY" }}
[[alertmanager]]
url = "{open}"
headers = {{ X-Api-Key = {{ command = ["cat", "{program}"] }} }}
[[alertmanager]]
url = "{open}"
bearer = {{ command = ["sh", "-c", "echo {CANARY}; exit 3"] }}
[[prometheus]]
url = "{prom}"
bearer = {{ env = "CANARY" }}
"#,
        strict = strict.url(),
        open = open.url(),
        prom = prom.url(),
        program = secret.display(),
    );
    quell.write("config/quell/config.toml", &config);
    let commands: [&[&str]; 8] = [
        &["status"],
        &["alerts", "--json"],
        &["alerts"],
        &["check", "--json"],
        &["check"],
        &["runbook", "which", "Behind", "--json"],
        &["status", "--log-level", "trace"],
        &["init", "--output", "-"],
    ];
    for command in commands {
        assert_tells_nothing(&ask(&quell, command));
    }
    let status = ask(&quell, &["status", "--json"]);
    assert_tells_nothing(&status);
    assert_eq!(status.code, 1, "{status:?}");
    let document = status.json();
    for (name, kind) in [("am-1", "unauthorized"), ("am-4", "local")] {
        assert_eq!(source(&document, name)["error_kind"], kind);
    }
    for name in ["am-2", "am-3", "prom-1"] {
        let fresh = &source(&document, name)["freshness"];
        assert_eq!(fresh, "fresh", "{document:#}");
    }
    // They did arrive where they belong.
    let sent = open.requests();
    let bearer = format!("Bearer {CANARY}");
    let has = |header: &str, value: &str| sent.iter().any(|r| r.header(header) == Some(value));
    assert!(has("authorization", &bearer) && has("x-api-key", CANARY));
    assert_keeps_nothing(&quell);
}

#[test]
fn a_secret_where_none_may_stand_is_refused_unread() {
    let quell = Quell::new();
    for wrong in [
        format!("url = \"http://oncall:{CANARY}@127.0.0.1:1\""),
        format!("url = \"http://a:1\"\nbasic = {{ username = \"u\", password = \"{CANARY}\" }}"),
        format!("url = \"http://a:1\"\nbearer = \"{CANARY}\""),
        format!("url = \"http://a:1\"\nheaders = {{ Authorization = \"Bearer {CANARY}\" }}"),
        format!("url = \"http://a:1\"\npassword = \"{CANARY}\""),
        format!("url = \"http://a:1\"\nbearer = {{ token = \"{CANARY}\" }}"),
        format!("url = \"http://a:1\"\nbearer = \"{CANARY}"),
    ] {
        quell.write(
            "config/quell/config.toml",
            &format!("[[alertmanager]]\n{wrong}\n"),
        );
        for command in [&["status", "--json"][..], &["check", "--json"], &["check"]] {
            let refused = ask(&quell, command);
            assert_eq!(refused.code, 2, "{wrong}: {refused:?}");
            assert_tells_nothing(&refused);
        }
    }
    let flag = format!("http://oncall:{CANARY}@127.0.0.1:1");
    for command in [
        &["status", "--config", "/dev/null"][..],
        &["init", "--output", "-"],
    ] {
        let refused = ask(&quell, &[command, &["--alertmanager", &flag]].concat());
        assert_eq!(refused.code, 2, "{refused:?}");
        assert_tells_nothing(&refused);
    }
    assert_keeps_nothing(&quell);
}

fn quote(request: &Request) -> Answer {
    let said: Vec<String> = request
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    Answer::text(500, &said.join("; "))
}

#[test]
fn a_server_that_quotes_the_secret_is_not_quoted() {
    let quoting = RawServer::start(quote);
    let quell = Quell::new();
    for credentials in [
        "bearer = { env = \"CANARY\" }",
        "basic = { username = \"oncall\", password = { env = \"CANARY\" } }",
        "headers = { X-Api-Key = { env = \"CANARY\" } }",
    ] {
        let url = quoting.url();
        let config = format!("[[alertmanager]]\nurl = \"{url}\"\n{credentials}\n");
        quell.write("config/quell/config.toml", &config);
        for command in [&["status", "--json"][..], &["status"], &["check"]] {
            let quoted = ask(&quell, command);
            assert_eq!(quoted.code, 3, "{quoted:?}");
            assert!(quoted.stdout.contains("***"), "it was there: {quoted:?}");
            assert_tells_nothing(&quoted);
        }
    }
}

#[test]
fn the_cockpit_keeps_no_secret_in_its_log_or_picture() {
    let open = RawServer::start(|request| alertmanager(request, &only("Open")));
    let quoting = RawServer::start(quote);
    let quell = Quell::new();
    quell.write("home/secret/pw", CANARY);
    let basic = "basic = { username = \"oncall\", password = { file = \"~/secret/pw\" } }";
    let config = format!(
        "log_level = \"trace\"\n[[alertmanager]]\nurl = \"{}\"\n{basic}\n[[alertmanager]]\nurl = \"{}\"\n{basic}\n",
        open.url(),
        quoting.url()
    );
    quell.write("config/quell/config.toml", &config);
    let terminal = quell.terminal(&[], Size::new(120, 40));
    terminal.wait_for_text("Open");
    terminal.send("8");
    terminal.wait_for_text("***");
    terminal.send("q");
    let ending = terminal.wait_end();
    assert!(ending.status.success(), "{}", ending.status);
    let kept = files_below(&quell.path("state"));
    assert!(kept.len() >= 2, "a picture and a log: {kept:?}");
    assert_keeps_nothing(&quell);
}
