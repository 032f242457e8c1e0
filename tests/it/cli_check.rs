//! Does `check` say what works, what does not and what next, and does it leave all as it was?

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::cli_scene::{assert_answer, assert_harmless, files_below, list, source};
use crate::peers::{Access, Alertmanager, AlertmanagerPair, Prometheus, WATCHDOG_RULE, until};
use crate::quell::Quell;

/// The findings of a level, each as `area subject what`.
fn findings<'a>(document: &'a Value, level: &str) -> Vec<&'a Value> {
    list(&document["checks"])
        .iter()
        .filter(|finding| finding["level"] == level)
        .collect()
}

fn says(findings: &[&Value], subject: &str, what: &str) -> bool {
    findings.iter().any(|finding| {
        let text = |field: &str| finding[field].as_str().unwrap_or_default();
        text("subject").contains(subject) && text("what").contains(what)
    })
}

#[tokio::test]
async fn a_good_world_has_nothing_to_complain_of() {
    let pair = AlertmanagerPair::start().await;
    let prometheus = Prometheus::start(WATCHDOG_RULE, &[&pair.first, &pair.second]).await;
    for replica in [&pair.first, &pair.second] {
        until("the watchdog has arrived", async || {
            let alerts = replica.alerts().await;
            (alerts.len() == 1)
                .then_some(())
                .ok_or_else(|| format!("{alerts:?}"))
        })
        .await;
    }
    let quell = Quell::new();
    let file = quell.write(
        "config/quell/config.toml",
        &format!(
            "[[alertmanager]]\nurl = \"{}\"\n[[alertmanager]]\nurl = \"{}\"\n[[prometheus]]\nurl = \"{}\"\n",
            pair.first.url(),
            pair.second.url(),
            prometheus.url()
        ),
    );
    let answer = quell.run(&["check", "--json"]);
    assert_answer(&answer, 0);
    let document = answer.json();
    assert_eq!(
        [&document["schema"], &document["verdict"]],
        ["quell.check/1", "ok"],
        "{document:#}"
    );
    let ok = findings(&document, "ok");
    assert_eq!(ok.len(), list(&document["checks"]).len(), "{document:#}");
    assert!(says(&ok, &file.to_string_lossy(), "it holds"));
    assert!(says(&ok, "am-1", "Alertmanager 0."));
    assert!(says(&ok, "prom-1", "1 alerting rule, 1 firing"));
    for name in ["am-1", "am-2", "prom-1", "runbooks"] {
        assert_eq!(source(&document, name)["freshness"], "fresh");
    }
    let text = quell.run(&["check"]);
    assert_answer(&text, 0);
    assert!(
        !text.stdout.contains("FAIL") && text.stdout.contains("am-2"),
        "{text:?}"
    );

    // It looks and leaves nothing behind.
    for folder in ["state", "data", "cache", "runtime"] {
        assert_eq!(files_below(&quell.path(folder)), [] as [PathBuf; 0]);
    }
}

#[tokio::test]
async fn half_a_cluster_is_a_warning() {
    let pair = AlertmanagerPair::start().await;
    let answer = Quell::new().run(&["check", "--json", "--alertmanager", pair.first.url()]);
    assert_answer(&answer, 0);
    let document = answer.json();
    assert_eq!(document["verdict"], "warn");
    let warnings = findings(&document, "warn");
    assert!(!warnings.is_empty(), "{document:#}");
}

#[tokio::test]
async fn a_bad_world_is_told_part_by_part_with_what_to_do() {
    let am = Alertmanager::start_with("", Access::Password).await;
    let quell = Quell::new();
    quell.write("home/pw", "wrong\n");
    let key = quell.write("home/key.pem", "no key\n");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap_or_else(|e| panic!("{e}"));
    quell.write(
        "home/runbooks/broken.md",
        "---\nquell: 1\nid: [\n---\n# Broken\n",
    );
    quell.write(
        "config/quell/config.toml",
        &format!(
            r#"
[runbooks]
path = "~/runbooks"
[[alertmanager]]
name = "wrong-password"
url = "{0}"
basic = {{ username = "oncall", password = {{ file = "~/pw" }} }}
[[alertmanager]]
name = "no-password"
url = "{0}"
basic = {{ username = "oncall", password = {{ file = "~/absent" }} }}
[[alertmanager]]
name = "gone"
url = "http://127.0.0.1:1"
[[alertmanager]]
name = "bad-key"
url = "https://127.0.0.1:1"
cert_file = "~/absent.pem"
key_file = "~/key.pem"
"#,
            am.url()
        ),
    );
    let answer = quell.run(&["check", "--json"]);
    assert_eq!(answer.code, 3, "{answer:?}");
    assert_harmless(&answer.stdout);
    let document = answer.json();
    assert_eq!(document["verdict"], "fail");
    let failed = findings(&document, "fail");
    for (subject, what) in [
        ("wrong-password", "not authorized (401"),
        ("no-password", "absent"),
        ("gone", "unreachable"),
        ("bad-key", "absent.pem"),
    ] {
        assert!(
            says(&failed, subject, what),
            "{subject} {what}: {document:#}"
        );
    }
    for failure in &failed {
        assert!(failure["next_step"].is_string(), "{failure:#}");
    }
    let warned = findings(&document, "warn");
    assert!(says(&warned, "bad-key", "open to others"), "{document:#}");
    assert!(says(&warned, "broken.md", ""), "{document:#}");
    assert!(says(&warned, "runbooks", "no version"), "{document:#}");

    let text = quell.run(&["check"]);
    assert_eq!(text.code, 3);
    for said in ["FAIL  wrong-password", "next: ", "warn"] {
        assert!(text.stdout.contains(said), "no {said}: {}", text.stdout);
    }
}

#[test]
fn a_broken_config_is_a_document_too() {
    let quell = Quell::new();
    quell.write(
        "config/quell/config.toml",
        "colour = 1\n[[alertmanager]]\nurl = \"am:9093\"\n",
    );
    let answer = quell.run(&["check", "--json"]);
    assert_eq!(answer.code, 2, "{answer:?}");
    let document = answer.json();
    assert_eq!(document["verdict"], "fail");
    assert_eq!(findings(&document, "fail").len(), 2, "{document:#}");
    assert!(says(
        &findings(&document, "fail"),
        "config.toml:1",
        "colour"
    ));
    assert!(answer.stderr.contains("2 problems"), "{answer:?}");

    let nothing = Quell::new().run(&["check", "--json"]);
    assert_eq!(nothing.code, 2, "{nothing:?}");
    assert_eq!(nothing.json()["verdict"], "fail");
}
