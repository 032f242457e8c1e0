//! Real Alertmanagers: one, or two in a cluster, and what a test posts to them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::access::{Access, Certificates, Door, write};
use super::{Peer, free_port, until};

/// Pages and tickets by severity; a node that is down silences the warnings about what runs on it.
/// The receivers tell nobody. `group_wait` is short because inhibition and muting show only after
/// the first flush.
const CONFIG: &str = r#"
route:
  receiver: tickets
  group_by: [alertname]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
  routes:
    - receiver: pager
      matchers: [severity="critical"]
receivers:
  - name: pager
  - name: tickets
inhibit_rules:
  - source_matchers: [alertname="NodeDown"]
    target_matchers: [severity="warning"]
    equal: [node]
"#;

/// One Alertmanager.
///
/// ```ignore
/// let mut am = Alertmanager::start().await;
/// am.post_alerts(&[AlertSpec::new("NodeDown").label("severity", "critical")]).await;
/// quell.run(&["alerts", "--alertmanager", am.url()]);
/// am.kill();
/// am.restart().await;
/// ```
pub struct Alertmanager {
    peer: Peer,
    door: Door,
    port: u16,
    route_prefix: String,
    url: String,
    /// Last, so that the program is gone before its folder.
    _dir: TempDir,
}

impl Alertmanager {
    /// Starts one by itself, open to all, at the root path.
    pub async fn start() -> Self {
        Self::start_with("", Access::Open).await
    }

    /// Starts one by itself below `route_prefix` (`""` or `"/alertmanager"`).
    ///
    /// ```ignore
    /// let am = Alertmanager::start_with("/am", Access::PasswordOverTls).await;
    /// let authority = &am.certificates().unwrap().authority;
    /// ```
    pub async fn start_with(route_prefix: &str, access: Access) -> Self {
        let mut alone = Self::spawn(
            route_prefix,
            access,
            &["--cluster.listen-address=".to_owned()],
        );
        alone.wait_ready().await;
        alone
    }

    fn spawn(route_prefix: &str, access: Access, cluster: &[String]) -> Self {
        let dir = tempfile::tempdir().unwrap_or_else(|e| panic!("no temporary folder: {e}"));
        let door = Door::build(access, dir.path());
        let port = free_port();
        let url = format!("{}://127.0.0.1:{port}{route_prefix}", door.scheme());
        let mut arguments = arguments(dir.path(), port, &url);
        arguments.extend(door.arguments(dir.path()));
        arguments.extend_from_slice(cluster);
        let log = dir.path().join("log");
        Self {
            peer: Peer::start(
                "prometheus-alertmanager",
                "prometheus-alertmanager",
                arguments,
                log,
            ),
            door,
            port,
            route_prefix: route_prefix.to_owned(),
            url,
            _dir: dir,
        }
    }

    async fn wait_ready(&mut self) {
        let url = self.harness_url("/-/ready");
        self.peer.wait_ready(self.door.client(), &url).await;
    }

    /// The base URL a client is given: scheme, address and route prefix, no slash at the end and no
    /// credentials.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificates, where [`Access`] asks for TLS.
    pub fn certificates(&self) -> Option<&Certificates> {
        self.door.certificates()
    }

    /// GET below `/api/v2` with everything the door asks for; fails unless the answer is JSON and 200.
    ///
    /// ```ignore
    /// let version = &am.get("/status").await["versionInfo"]["version"];
    /// ```
    pub async fn get(&self, path: &str) -> Value {
        let request = self.door.client().get(self.api(path));
        answer(request).await
    }

    /// Every alert, as `GET /alerts` gives them.
    pub async fn alerts(&self) -> Vec<Value> {
        list(self.get("/alerts").await)
    }

    /// Every silence, the expired ones too.
    pub async fn silences(&self) -> Vec<Value> {
        list(self.get("/silences").await)
    }

    /// Posts alerts, as Prometheus would.
    pub async fn post_alerts(&self, alerts: &[AlertSpec]) {
        let body: Vec<Value> = alerts.iter().map(AlertSpec::json).collect();
        let request = self.door.client().post(self.api("/alerts")).json(&body);
        let status = send(request).await.status();
        assert_eq!(status, 200, "the alerts were refused");
    }

    /// Posts a silence and returns its id.
    pub async fn post_silence(&self, silence: &SilenceSpec) -> String {
        let request = self.door.client().post(self.api("/silences"));
        let answer = answer(request.json(&silence.json())).await;
        answer["silenceID"]
            .as_str()
            .unwrap_or_else(|| panic!("no silence id in {answer}"))
            .to_owned()
    }

    /// Ends a silence now; Alertmanager keeps it, as expired.
    pub async fn expire_silence(&self, id: &str) {
        let request = self
            .door
            .client()
            .delete(self.api(&format!("/silence/{id}")));
        let status = send(request).await.status();
        assert_eq!(status, 200, "silence {id} was not expired");
    }

    /// Ends it at once, as a crash would. Its alerts are lost, and its silences unless a peer has
    /// them.
    pub fn kill(&mut self) {
        self.peer.kill();
    }

    /// Starts it again on the same ports and with the same folder, and waits until it is ready.
    pub async fn restart(&mut self) {
        self.peer.kill();
        self.peer.spawn();
        self.wait_ready().await;
    }

    /// The entry of Prometheus's `alerting.alertmanagers` that leads here.
    pub(super) fn prometheus_entry(&self) -> Value {
        let mut entry = self.door.prometheus_settings();
        entry["path_prefix"] = json!(format!("{}/", self.route_prefix));
        entry["static_configs"] = json!([{ "targets": [format!("127.0.0.1:{}", self.port)] }]);
        entry
    }

    fn api(&self, path: &str) -> String {
        self.harness_url(&format!("/api/v2{path}"))
    }

    fn harness_url(&self, path: &str) -> String {
        let origin = self.door.origin_for_the_harness(self.port);
        format!("{origin}{}{path}", self.route_prefix)
    }
}

fn arguments(dir: &Path, port: u16, url: &str) -> Vec<String> {
    let config = dir.join("alertmanager.yml");
    write(&config, CONFIG);
    vec![
        format!("--config.file={}", config.display()),
        format!("--storage.path={}", dir.join("data").display()),
        format!("--web.listen-address=127.0.0.1:{port}"),
        // The route prefix follows from it.
        format!("--web.external-url={url}"),
    ]
}

/// Two Alertmanagers in one cluster: silences gossip between them, alerts do not.
///
/// ```ignore
/// let mut pair = AlertmanagerPair::start().await;
/// pair.second.kill();
/// pair.second.restart().await;
/// pair.wait_clustered().await;
/// ```
pub struct AlertmanagerPair {
    /// The replica that was started first.
    pub first: Alertmanager,
    /// The other one.
    pub second: Alertmanager,
}

impl AlertmanagerPair {
    /// Starts both and waits until they are one cluster.
    pub async fn start() -> Self {
        let ports = [free_port(), free_port()];
        let replica = |own: u16| {
            let mut cluster = vec![
                format!("--cluster.listen-address=127.0.0.1:{own}"),
                format!("--cluster.advertise-address=127.0.0.1:{own}"),
                // A replica settles after three rounds of ten of these.
                "--cluster.gossip-interval=50ms".to_owned(),
                // A replica that comes back is found by the one that stayed, too.
                "--cluster.reconnect-interval=1s".to_owned(),
            ];
            cluster.extend(ports.map(|port| format!("--cluster.peer=127.0.0.1:{port}")));
            Alertmanager::spawn("", Access::Open, &cluster)
        };
        let mut pair = Self {
            first: replica(ports[0]),
            second: replica(ports[1]),
        };
        pair.first.wait_ready().await;
        pair.second.wait_ready().await;
        pair.wait_clustered().await;
        pair
    }

    /// Waits until both say that the cluster is ready and has the same two members.
    pub async fn wait_clustered(&self) {
        until("both replicas see one cluster of two", async || {
            let first = self.first.get("/status").await["cluster"].take();
            let second = self.second.get("/status").await["cluster"].take();
            let members = (members(&first), members(&second));
            let ready = first["status"] == "ready" && second["status"] == "ready";
            if ready && members.0.len() == 2 && members.0 == members.1 {
                Ok(())
            } else {
                Err(format!("first: {first}\nsecond: {second}"))
            }
        })
        .await;
    }
}

fn members(cluster: &Value) -> BTreeSet<&str> {
    let peers = cluster["peers"].as_array().map_or(&[][..], Vec::as_slice);
    peers
        .iter()
        .filter_map(|peer| peer["name"].as_str())
        .collect()
}

/// An alert to post. Without a start Alertmanager takes the time of the post, without an end it
/// resolves the alert after its `resolve_timeout` of five minutes.
///
/// ```ignore
/// AlertSpec::new("HighLatency").label("severity", "warning").annotation("summary", "slow").since(hour)
/// ```
#[derive(Debug, Clone, Default)]
pub struct AlertSpec {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    starts_at: Option<DateTime<Utc>>,
    ends_at: Option<DateTime<Utc>>,
}

impl AlertSpec {
    /// An alert that fires, with nothing but its `alertname`.
    pub fn new(alertname: &str) -> Self {
        Self::default().label("alertname", alertname)
    }

    /// Adds or replaces a label.
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Adds or replaces an annotation.
    pub fn annotation(mut self, name: &str, value: &str) -> Self {
        self.annotations.insert(name.to_owned(), value.to_owned());
        self
    }

    /// It has fired for this long.
    pub fn since(mut self, age: TimeDelta) -> Self {
        self.starts_at = Some(now() - age);
        self
    }

    /// It is over: posted after the same alert fired, this resolves it.
    pub fn resolved(mut self) -> Self {
        self.ends_at = Some(now());
        self
    }

    fn json(&self) -> Value {
        let mut alert = json!({
            "labels": self.labels,
            "annotations": self.annotations,
            "generatorURL": "http://prometheus.example/graph",
        });
        if let Some(at) = self.starts_at {
            alert["startsAt"] = json!(at);
        }
        if let Some(at) = self.ends_at {
            alert["endsAt"] = json!(at);
        }
        alert
    }
}

/// A silence to post: it begins now and lasts an hour.
///
/// ```ignore
/// let id = am.post_silence(&SilenceSpec::matching("alertname", "NodeDown").and("node", "n1")).await;
/// ```
#[derive(Debug, Clone)]
pub struct SilenceSpec {
    matchers: Vec<(String, String)>,
}

impl SilenceSpec {
    /// A silence over alerts whose label `name` is exactly `value`.
    pub fn matching(name: &str, value: &str) -> Self {
        Self {
            matchers: Vec::new(),
        }
        .and(name, value)
    }

    /// And whose label `name` is exactly `value`.
    pub fn and(mut self, name: &str, value: &str) -> Self {
        self.matchers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn json(&self) -> Value {
        let matchers: Vec<Value> = self
            .matchers
            .iter()
            .map(|(name, value)| json!({ "name": name, "value": value, "isRegex": false, "isEqual": true }))
            .collect();
        let starts_at = now();
        json!({
            "matchers": matchers,
            "startsAt": starts_at,
            "endsAt": starts_at + TimeDelta::hours(1),
            "createdBy": "tests",
            "comment": "posted by a test",
        })
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "a real Alertmanager compares with its own clock, so the time must be the real one"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

async fn send(request: reqwest::RequestBuilder) -> reqwest::Response {
    request
        .send()
        .await
        .unwrap_or_else(|e| panic!("Alertmanager did not answer: {e:?}"))
}

async fn answer(request: reqwest::RequestBuilder) -> Value {
    let response = send(request).await;
    let status = response.status();
    let body = response
        .text()
        .await
        .unwrap_or_else(|e| panic!("Alertmanager's answer was cut: {e:?}"));
    assert_eq!(status, 200, "Alertmanager said: {body}");
    serde_json::from_str(&body).unwrap_or_else(|e| panic!("no JSON ({e}): {body}"))
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        other => panic!("no list: {other}"),
    }
}
