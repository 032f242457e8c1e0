//! A real Prometheus with rules of the test's own, which tells the Alertmanagers it was given.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::access::{Access, Door, write};
use super::alertmanager::Alertmanager;
use super::{Peer, free_port};

/// A rule file with one alert that always fires.
pub const WATCHDOG_RULE: &str = r#"
groups:
  - name: watchdog
    rules:
      - alert: Watchdog
        expr: vector(1)
        labels: { severity: none }
        annotations: { summary: "the path from Prometheus to you works" }
"#;

/// One Prometheus. It evaluates and scrapes itself (job `prometheus`) every second, adds the
/// external label `cluster="loopback"` to what it sends, and repeats each alert every 5 s: an
/// Alertmanager that lost it has it again soon, and one that hears nothing resolves it after 20 s.
///
/// ```ignore
/// let mut prometheus = Prometheus::start(WATCHDOG_RULE, &[&pair.first, &pair.second]).await;
/// quell.run(&["status", "--prometheus", prometheus.url()]);
/// prometheus.kill();
/// ```
pub struct Prometheus {
    pub(super) peer: Peer,
    pub(super) door: Door,
    pub(super) url: String,
    /// Last, so that the program is gone before its folder.
    pub(super) _dir: TempDir,
}

impl Prometheus {
    /// Starts it with the text of a rule file and waits until it is ready. A rule file it refuses
    /// fails the test with its log.
    pub async fn start(rules_yaml: &str, alertmanagers: &[&Alertmanager]) -> Self {
        let dir = tempfile::tempdir().unwrap_or_else(|e| panic!("no temporary folder: {e}"));
        let port = free_port();
        let rules = dir.path().join("rules.yml");
        write(&rules, rules_yaml);
        let told: Vec<Value> = alertmanagers
            .iter()
            .map(|am| am.prometheus_entry())
            .collect();
        // YAML reads JSON.
        let config = json!({
            "global": {
                "scrape_interval": "1s",
                "evaluation_interval": "1s",
                "external_labels": { "cluster": "loopback" },
            },
            "rule_files": [rules],
            "alerting": { "alertmanagers": told },
            "scrape_configs": [{
                "job_name": "prometheus",
                "static_configs": [{ "targets": [format!("127.0.0.1:{port}")] }],
            }],
        });
        let config_file = dir.path().join("prometheus.yml");
        write(&config_file, &config.to_string());
        let arguments = vec![
            format!("--config.file={}", config_file.display()),
            format!("--storage.tsdb.path={}", dir.path().join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--rules.alert.resend-delay=5s".to_owned(),
        ];
        let log = dir.path().join("log");
        let mut prometheus = Self {
            peer: Peer::start("prometheus", "prometheus", arguments, log),
            door: Door::build(Access::Open, dir.path()),
            url: format!("http://127.0.0.1:{port}"),
            _dir: dir,
        };
        prometheus.wait_ready().await;
        prometheus
    }

    pub(super) async fn wait_ready(&mut self) {
        let url = format!("{}/-/ready", self.url);
        self.peer.wait_ready(self.door.client(), &url).await;
    }

    /// The base URL a client is given, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The `data` of a GET below `/api/v1`; fails unless it is a success.
    ///
    /// ```ignore
    /// let groups = prometheus.get("/rules?type=alert").await["groups"].take();
    /// ```
    pub async fn get(&self, path: &str) -> Value {
        let url = format!("{}/api/v1{path}", self.url);
        let response = self.door.client().get(&url).send().await;
        let response = response.unwrap_or_else(|e| panic!("Prometheus did not answer: {e:?}"));
        let mut answer: Value = response
            .json()
            .await
            .unwrap_or_else(|e| panic!("{url} is no JSON: {e:?}"));
        assert_eq!(answer["status"], "success", "{url} said: {answer}");
        answer["data"].take()
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        self.peer.kill();
    }

    /// Starts it again on the same port and with the same data, and waits until it is ready.
    pub async fn restart(&mut self) {
        self.peer.kill();
        self.peer.spawn();
        self.wait_ready().await;
    }
}
