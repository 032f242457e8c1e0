//! Does quell get through every door it was given the key to, and does it ask for no more than it
//! was told?

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli_scene::{
    alert, alertmanager, assert_answer, only, path, prometheus, run_with, source,
};
use crate::peers::{Access, AlertSpec, Alertmanager, PASSWORD, USER};
use crate::quell::{Outcome, Quell};
use crate::raw::RawServer;

fn configured(quell: &Quell, config: &str) -> Outcome {
    quell.write("config/quell/config.toml", config);
    quell.run(&["status", "--json"])
}

fn assert_has_alert(answer: &Outcome) {
    assert_answer(answer, 0);
    alert(&answer.json(), "Behind");
}

/// The one source failed like this, and nothing could be read.
fn assert_refused(answer: &Outcome, kind: &str, words: &str) -> Value {
    assert_eq!(answer.code, 3, "{answer:?}");
    let document = answer.json();
    let source = source(&document, "am-1");
    assert_eq!(source["error_kind"], kind, "{source:#}");
    let error = source["error"].as_str().unwrap_or_default();
    assert!(error.starts_with(words), "{source:#}");
    source.clone()
}

#[tokio::test]
async fn a_path_prefix_is_part_of_the_url() {
    let am = Alertmanager::start_with("/deep/am", Access::Open).await;
    am.post_alerts(&[AlertSpec::new("Behind")]).await;
    let quell = Quell::new();
    for url in [am.url().to_owned(), format!("{}/", am.url())] {
        assert_has_alert(&quell.run(&["status", "--json", "--alertmanager", &url]));
    }
    let root = am.url().trim_end_matches("/deep/am");
    let answer = quell.run(&["status", "--json", "--alertmanager", root]);
    assert_refused(&answer, "refused", "refused (404");
}

#[tokio::test]
async fn a_password_comes_from_a_file_a_variable_or_a_program() {
    let am = Alertmanager::start_with("", Access::Password).await;
    am.post_alerts(&[AlertSpec::new("Behind")]).await;
    let quell = Quell::new();
    let file = quell.write("home/secret", &format!("{PASSWORD}\n"));
    let file = file.display();
    let with = |place: &str| {
        let basic = format!("basic = {{ username = \"{USER}\", password = {place} }}");
        format!("[[alertmanager]]\nurl = \"{}\"\n{basic}\n", am.url())
    };
    assert_has_alert(&configured(
        &quell,
        &with(&format!("{{ file = \"{file}\" }}")),
    ));
    assert_has_alert(&configured(
        &quell,
        &with(&format!("{{ command = [\"cat\", \"{file}\"] }}")),
    ));
    quell.write(
        "config/quell/config.toml",
        &with("{ env = \"AM_PASSWORD\" }"),
    );
    let json = ["status", "--json"];
    assert_has_alert(&run_with(&quell, &[("AM_PASSWORD", PASSWORD)], &json));

    let wrong = run_with(&quell, &[("AM_PASSWORD", "wrong-horse")], &json);
    let source = assert_refused(&wrong, "unauthorized", "not authorized (401");
    assert!(
        source["next_step"]
            .as_str()
            .is_some_and(|step| step.contains("credentials"))
    );
    assert!(!format!("{wrong:?}").contains("wrong-horse"));

    let unset = quell.run(&json);
    let source = assert_refused(&unset, "local", "not readable");
    assert!(
        source["error"]
            .as_str()
            .is_some_and(|e| e.contains("AM_PASSWORD"))
    );

    let without = quell.run(&[
        "status",
        "--json",
        "--alertmanager",
        am.url(),
        "--config",
        "/dev/null",
    ]);
    assert_refused(&without, "unauthorized", "not authorized (401");
}

#[tokio::test]
async fn a_private_authority_is_trusted_only_where_it_is_named() {
    let am = Alertmanager::start_with("/am", Access::PasswordOverTls).await;
    am.post_alerts(&[AlertSpec::new("Behind")]).await;
    let files = am
        .certificates()
        .unwrap_or_else(|| panic!("no certificates"));
    let quell = Quell::new();
    let secret = quell.write("home/secret", PASSWORD);
    let base = format!(
        "[[alertmanager]]\nurl = \"{}\"\nbasic = {{ username = \"{USER}\", password = {{ file = \"{}\" }} }}\n",
        am.url(),
        secret.display()
    );
    let trusting = format!("{base}ca_file = \"{}\"\n", files.authority.display());
    assert_has_alert(&configured(&quell, &trusting));
    let distrusting = configured(&quell, &base);
    let source = assert_refused(&distrusting, "tls", "TLS failed");
    assert!(
        source["next_step"]
            .as_str()
            .is_some_and(|step| step.contains("ca_file"))
    );

    let plain = am.url().replace("https://", "http://");
    let answer = quell.run(&[
        "status",
        "--json",
        "--alertmanager",
        &plain,
        "--config",
        "/dev/null",
    ]);
    assert_refused(&answer, "refused", "refused (400");
}

#[tokio::test]
async fn a_client_certificate_opens_the_door_and_its_lack_does_not() {
    let am = Alertmanager::start_with("", Access::ClientCertificate).await;
    am.post_alerts(&[AlertSpec::new("Behind")]).await;
    let files = am
        .certificates()
        .unwrap_or_else(|| panic!("no certificates"));
    let quell = Quell::new();
    let nameless = format!(
        "[[alertmanager]]\nurl = \"{}\"\nca_file = \"{}\"\n",
        am.url(),
        files.authority.display()
    );
    let named = format!(
        "{nameless}cert_file = \"{}\"\nkey_file = \"{}\"\n",
        files.client.display(),
        files.client_key.display()
    );
    assert_has_alert(&configured(&quell, &named));
    // The refusal comes after the handshake, as an alert, as a reset or as nothing: a race of the
    // server. Whichever it is, the operator learns that a certificate is the matter.
    let refused = configured(&quell, &nameless);
    assert_eq!(refused.code, 3, "{refused:?}");
    let document = refused.json();
    let error = source(&document, "am-1")["error"]
        .as_str()
        .unwrap_or_default();
    assert!(error.to_lowercase().contains("certificate"), "{document:#}");
}

#[tokio::test]
async fn plain_http_behind_https_is_named() {
    let am = Alertmanager::start().await;
    let url = am.url().replace("http://", "https://");
    let answer = Quell::new().run(&["status", "--json", "--alertmanager", &url]);
    let source = assert_refused(&answer, "tls", "TLS failed");
    assert!(
        source["error"]
            .as_str()
            .is_some_and(|e| e.contains("plain http")),
        "{source:#}"
    );
}

#[test]
fn headers_and_filters_reach_the_server_as_configured() {
    let am = RawServer::start(|request| alertmanager(request, &only("Behind")));
    let prom = RawServer::start(prometheus);
    let quell = Quell::new();
    let key = quell.write("home/key", "k-123\n");
    let config = format!(
        r#"
[[alertmanager]]
url = "{}/alertmanager"
filter = ['team="sre"', 'severity!~none|info', '"host.name"="a b"']
receiver = "team-sre.*"
headers = {{ X-Scope-OrgID = "tenant-7", X-Api-Key = {{ file = "{}" }} }}
[[prometheus]]
url = "{}/prometheus"
headers = {{ X-Scope-OrgID = "tenant-7" }}
"#,
        am.url(),
        key.display(),
        prom.url()
    );
    // Nobody answers below the prefixes: only what is asked counts here, and then without them.
    for (config, code) in [
        (config.clone(), 3),
        (
            config
                .replace("/alertmanager\"", "\"")
                .replace("/prometheus\"", "\""),
            0,
        ),
    ] {
        let answer = configured(&quell, &config);
        assert_eq!(answer.code, code, "{answer:?}");
        assert!(!answer.stdout.contains("k-123"));
    }
    let asked = am.requests();
    assert!(
        asked
            .iter()
            .any(|r| path(r) == "/alertmanager/api/v2/alerts")
    );
    assert!(asked.iter().any(|r| path(r) == "/api/v2/alerts"));
    for request in asked.iter().chain(&prom.requests()) {
        assert_eq!(
            request.header("x-scope-orgid"),
            Some("tenant-7"),
            "{request:?}"
        );
        let agent = request.header("user-agent").unwrap_or_default();
        assert_eq!(agent, concat!("quell/", env!("CARGO_PKG_VERSION")));
        assert!(!path(request).ends_with("/api/v1/alerts") || !asked.contains(request));
    }
    for request in &asked {
        assert_eq!(request.header("x-api-key"), Some("k-123"));
        if path(request).ends_with("/api/v2/alerts") {
            assert_eq!(
                parameters(&request.path),
                [
                    ("active", "true"),
                    ("silenced", "true"),
                    ("inhibited", "true"),
                    ("filter", "team=\"sre\""),
                    ("filter", "severity!~\"none|info\""),
                    ("filter", "\"host.name\"=\"a b\""),
                    ("receiver", "team-sre.*"),
                ]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
            );
        }
    }
}

fn parameters(path: &str) -> Vec<(String, String)> {
    let url = url::Url::parse(&format!("http://server{path}"));
    let url = url.unwrap_or_else(|e| panic!("{path}: {e}"));
    url.query_pairs().into_owned().collect()
}

#[test]
fn one_request_at_a_time_is_in_flight_per_server() {
    /// How long a second request has to show itself beside the first.
    const WATCH: Duration = Duration::from_millis(40);
    let (arrivals, most, now) = (
        Arc::new((Mutex::new(0_u32), Condvar::new())),
        Arc::new(AtomicU32::new(0)),
        Arc::new(AtomicU32::new(0)),
    );
    let watched = {
        let (arrivals, most, now) = (arrivals.clone(), most.clone(), now.clone());
        move || {
            let together = now.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(together, Ordering::SeqCst);
            let (count, arrived) = &*arrivals;
            let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
            *count += 1;
            arrived.notify_all();
            let own = *count;
            drop(arrived.wait_timeout_while(count, WATCH, |count| *count == own));
            now.fetch_sub(1, Ordering::SeqCst);
        }
    };
    let also = watched.clone();
    let am = RawServer::start(move |request| {
        watched();
        alertmanager(request, &only("Behind"))
    });
    let quell = Quell::new();
    assert_has_alert(&quell.run(&["status", "--json", "--alertmanager", am.url()]));
    assert!(am.requests().len() >= 3, "alerts, status, silences");
    assert_eq!(most.load(Ordering::SeqCst), 1);

    let prom = RawServer::start(move |request| {
        also();
        prometheus(request)
    });
    // `status` would ask for burns, too: a source of its own, with two requests at most.
    assert_answer(
        &quell.run(&["alerts", "--json", "--prometheus", prom.url()]),
        0,
    );
    assert!(prom.requests().len() >= 2, "alerts, rules");
    assert_eq!(most.load(Ordering::SeqCst), 1);
    assert_answer(
        &quell.run(&["status", "--json", "--prometheus", prom.url()]),
        0,
    );
    assert!(
        most.load(Ordering::SeqCst) <= 3,
        "one for alerts, two for burns"
    );
}

#[test]
fn v1_is_never_asked_of_an_alertmanager() {
    // What Mimir's root looks like to somebody who forgot the prefix.
    let mimir = RawServer::start(|request| match path(request) {
        "/api/v1/alerts" => {
            crate::raw::Answer::json(&json!({ "status": "success", "data": [] }).to_string())
        }
        _ => crate::raw::Answer::text(404, "404 page not found"),
    });
    let quell = Quell::new();
    for command in [&["status", "--json"][..], &["alerts"], &["check"]] {
        let answer = quell.run(&[command, &["--alertmanager", mimir.url()]].concat());
        assert_eq!(answer.code, 3, "{answer:?}");
    }
    for request in mimir.requests() {
        assert!(path(&request).starts_with("/api/v2/"), "{request:?}");
    }
}
