//! A cluster that answers with recorded bytes, over HTTP on loopback.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod access;
mod carries;
mod lists;
mod logins;
mod rediscovery;
mod relists;
mod tls;
mod watches;

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Kubernetes;
use crate::config::delivery::{DeclaredPlace, KubernetesLogin, KubernetesSettings};
use crate::domain::delivery::{DeliveryAnswer, PartState};
use crate::domain::source::SourceError;
use crate::domain::text::Untrusted;
use crate::sources::loopback::{Reply, Request, Server};

const DEPLOYMENTS: &str = "/apis/apps/v1/deployments";
const DEPLOYMENTS_WATCH: &str = "watch /apis/apps/v1/deployments";

/// What the API server answers: to a whole target, to `watch PATH`, or to a path. The last of
/// several answers stays.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<HashMap<String, VecDeque<Reply>>>>);

impl Script {
    /// A 1.36 that serves what the fixtures were recorded from. A watch stays open and silent.
    fn recorded() -> Self {
        let script = Self::default();
        script.set("/api", [recorded("meta/aggregated-api.json")]);
        script.set("/apis", [recorded("meta/aggregated-apis.json")]);
        script.set("/version", [recorded("meta/version.json")]);
        script
    }

    fn set(&self, key: &str, replies: impl IntoIterator<Item = Reply>) {
        let replies = replies.into_iter().collect();
        self.0.lock().unwrap().insert(key.to_owned(), replies);
    }

    fn reply(&self, request: &Request) -> Reply {
        let mut replies = self.0.lock().unwrap();
        let is_watch = request.params("watch") == ["1"];
        let watch = format!("watch {}", request.path());
        let path = if is_watch { "" } else { request.path() };
        let key = [request.target.as_str(), &watch, path]
            .into_iter()
            .find(|key| (is_watch || !key.starts_with("watch ")) && replies.contains_key(*key));
        let Some(queue) = key.and_then(|key| replies.get_mut(key)) else {
            return if is_watch {
                Reply::chunked("", "").then_hold()
            } else {
                refusal("404 Not Found", "errors/404-unknown-group.txt")
            };
        };
        if queue.len() > 1 {
            queue.pop_front().unwrap()
        } else {
            queue.front().unwrap().clone()
        }
    }
}

/// A source, its server and its kubeconfig.
struct Rig {
    server: Server,
    source: Kubernetes,
    folder: TempDir,
}

impl Rig {
    /// Reads these kinds only, everywhere.
    fn of(script: &Script, kinds: &[&str]) -> Self {
        Self::with(script, kinds, &[], 500)
    }

    fn with(script: &Script, kinds: &[&str], namespaces: &[&str], page_size: u32) -> Self {
        let answering = script.clone();
        let server = Server::answering(move |request| answering.reply(request));
        let folder = tempfile::tempdir().unwrap();
        let path = kubeconfig(folder.path(), &server, "token: vera-t0ken");
        let settings = KubernetesSettings {
            kinds: kinds.iter().map(ToString::to_string).collect(),
            namespaces: namespaces.iter().map(ToString::to_string).collect(),
            page_size,
            ..settings(&path, None)
        };
        Self {
            source: source(&settings),
            server,
            folder,
        }
    }

    async fn poll(&mut self, at: i64) -> Result<Arc<DeliveryAnswer>, SourceError> {
        self.source.poll(t(at)).await
    }

    /// Polls until it is so: what a watch tells takes a moment to come.
    async fn poll_until(
        &mut self,
        at: i64,
        is_so: impl Fn(&Self, &DeliveryAnswer) -> bool,
    ) -> Arc<DeliveryAnswer> {
        const POLLS: usize = 200;
        for _ in 0..POLLS {
            let answer = self.poll(at).await.unwrap();
            if is_so(self, &answer) {
                return answer;
            }
        }
        let parts = self.source.reading.parts();
        unreachable!("not within {POLLS} polls: {parts:#?}");
    }

    /// `payments/payments-api`, in order.
    fn names(&self) -> Vec<String> {
        let keys = self.source.reading.store.objects.keys();
        keys.map(|key| match &key.namespace {
            Some(namespace) => format!("{namespace}/{}", key.name),
            None => key.name.clone(),
        })
        .collect()
    }

    /// The targets asked for below a path, in order.
    fn asked(&self, path: &str) -> Vec<String> {
        let requests = self.server.requests().into_iter();
        let of_path = requests.filter(|request| request.path() == path);
        of_path.map(|request| request.target).collect()
    }
}

/// A watch that tells of one more object and then holds.
fn greeting() -> Reply {
    let line = b"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"zz-new\",\"uid\":\"9\",\"resourceVersion\":\"1600\"}}}\n";
    let mut chunk = format!("{:x}\r\n", line.len()).into_bytes();
    chunk.extend_from_slice(line);
    chunk.extend_from_slice(b"\r\n");
    Reply::chunked("", chunk).then_hold()
}

/// Whether the greeting was heard, so that the watch is known to be open.
fn is_greeted(rig: &Rig, _: &DeliveryAnswer) -> bool {
    let store = &rig.source.reading.store;
    let mut keys = store.objects.keys().chain(store.unreadable.keys());
    keys.any(|key| key.name == "zz-new")
}

/// Two deployments at resource version 1056.
fn watched_script() -> Script {
    let script = Script::recorded();
    script.set(DEPLOYMENTS, [list_at("1056")]);
    script
}

fn list_at(version: &str) -> Reply {
    let mut list: Value =
        serde_json::from_slice(&fixture("lists/deployments-payments.json")).unwrap();
    list["metadata"]["resourceVersion"] = version.into();
    Reply::ok(list.to_string())
}

fn deployments_of(script: &Script) -> Rig {
    Rig::of(script, &["deployments"])
}

/// A recorded deployment under another name.
fn event(kind: &str, name: &str, version: &str) -> Vec<u8> {
    let object = fixture("lists/deployment-payments-api.json");
    let mut object: Value = serde_json::from_slice(&object).unwrap();
    object["metadata"]["name"] = name.into();
    object["metadata"]["uid"] = name.into();
    object["metadata"]["resourceVersion"] = version.into();
    let event = json!({"type": kind, "object": object});
    format!("{event}\n").into_bytes()
}

fn stream(body: &[u8]) -> Reply {
    let (sender, reply) = Reply::streamed();
    sender.send(body.to_vec()).unwrap();
    reply
}

/// From which resource version on each watch was asked for.
fn watched_from(rig: &Rig) -> Vec<String> {
    let requests = rig.server.requests().into_iter();
    requests
        .filter(|request| request.params("watch") == ["1"])
        .flat_map(|request| request.params("resourceVersion"))
        .collect()
}

fn lists(rig: &Rig) -> usize {
    let requests = rig.server.requests().into_iter();
    requests
        .filter(|request| !request.params("limit").is_empty())
        .count()
}

fn settings(kubeconfig: &Path, context: Option<&str>) -> KubernetesSettings {
    KubernetesSettings {
        login: KubernetesLogin::Kubeconfig {
            path: Some(kubeconfig.to_owned()),
            context: context.map(str::to_owned),
        },
        namespaces: Vec::new(),
        kinds: Vec::new(),
        timeout: Duration::from_secs(20),
        page_size: 500,
    }
}

fn source(settings: &KubernetesSettings) -> Kubernetes {
    let name = Arc::from("prod-eu-1");
    Kubernetes::new(&name, settings, &DeclaredPlace::default())
}

fn kubeconfig(folder: &Path, server: &Server, user: &str) -> PathBuf {
    let path = folder.join("config");
    let url = server.url.as_str().trim_end_matches('/');
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: rig\n\
         clusters:\n- name: rig\n  cluster:\n    server: {url}\n\
         contexts:\n- name: rig\n  context:\n    cluster: rig\n    user: vera\n\
         users:\n- name: vera\n  user:\n    {user}\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn fixture(name: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kubernetes");
    std::fs::read(root.join(name)).unwrap()
}

fn recorded(name: &str) -> Reply {
    Reply::ok(fixture(name))
}

/// With the `Retry-After` that was recorded.
fn refusal(status: &str, name: &str) -> Reply {
    let (stem, _) = name.rsplit_once('.').unwrap();
    let head = String::from_utf8(fixture(&format!("{stem}.headers"))).unwrap();
    let kept = head.lines().find(|line| line.starts_with("retry-after"));
    Reply::status(status, kept.unwrap_or_default().trim(), fixture(name))
}

fn states(answer: &DeliveryAnswer) -> Vec<(String, String)> {
    let parts = answer.parts.iter();
    parts
        .map(|part| {
            let state = match &part.state {
                PartState::Read(count) => format!("read {count}"),
                PartState::LastKnown(why) => format!("last known: {}", why.shown()),
                PartState::NotPermitted(why) => format!("not permitted: {}", why.shown()),
                PartState::Absent => "absent".to_owned(),
                PartState::Failed(why) => format!("failed: {}", why.shown()),
            };
            (part.what.shown().to_owned(), state)
        })
        .collect()
}

/// The state of the one part there is.
fn state(answer: &DeliveryAnswer) -> String {
    let mut states = states(answer);
    assert_eq!(states.len(), 1, "{states:?}");
    states.remove(0).1
}

fn limits(answer: &DeliveryAnswer) -> Vec<&str> {
    answer.limits.iter().map(Untrusted::shown).collect()
}

fn t(secs: i64) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-21T06:20:00Z")
        .unwrap()
        .to_utc()
        + TimeDelta::seconds(secs)
}

#[test]
fn a_poll_may_run_on_any_thread() {
    fn is_send<T: Send>(_: &T) {}
    let mut source = source(&settings(Path::new("/nonexistent"), None));
    is_send(&source);
    is_send(&source.poll(t(0)));
}
