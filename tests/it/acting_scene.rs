//! What do the tests of acting share? The simulated platform, served; policies; and what a run of an action
//! says of itself.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::sync::Arc;
use std::thread;

use ::quell::sim::{Faults, Options, Sim, slo_files};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::cli_scene::{list, one};
use crate::quell::{Outcome, Quell};

/// Everything may be done by one person.
pub const FREE: &str = "[policy]\nmode = \"enforce\"\n\n[[rule]]\nid = \"free\"\n";

/// Why, for every run.
pub const REASON: &[&str] = &["--reason", "INC-12"];

#[allow(
    clippy::disallowed_methods,
    reason = "the built program compares with the machine's clock, so the time must be the real one"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// The simulated platform, served by a thread until it is dropped.
pub struct Platform {
    kubernetes: String,
    prometheus: String,
    _end: oneshot::Sender<()>,
}

impl Platform {
    /// One whose story opened so long ago. From then on it follows the machine's clock.
    pub fn opened(secs_ago: i64) -> Self {
        let (told, urls) = std::sync::mpsc::channel();
        let (end, ended) = oneshot::channel::<()>();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let options = Options {
                    seed: 1,
                    started: now() - TimeDelta::seconds(secs_ago),
                    clock: Arc::new(now),
                    faults: Faults::default(),
                };
                let sim = Sim::bind(options).await.unwrap();
                told.send((sim.kubernetes().to_string(), sim.prometheus().to_string()))
                    .unwrap();
                tokio::select! {
                    served = sim.serve() => served.unwrap(),
                    _ = ended => {}
                }
            });
        });
        let (kubernetes, prometheus) = urls.recv().unwrap();
        Self {
            kubernetes,
            prometheus,
            _end: end,
        }
    }

    /// The flags by which quell finds its cluster.
    pub fn cluster(&self, quell: &Quell) -> Vec<String> {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: rig\n\
             clusters: [ {{ name: rig, cluster: {{ server: {} }} }} ]\n\
             users: [ {{ name: vera, user: {{ token: FAKE-token-of-vera }} }} ]\n\
             contexts: [ {{ name: rig, context: {{ cluster: rig, user: vera }} }} ]\n",
            self.kubernetes.trim_end_matches('/')
        );
        let path = quell.write("home/kube/config", &text);
        vec!["--kubeconfig".to_owned(), path.display().to_string()]
    }

    /// The same, and those by which it knows how fast budgets burn.
    pub fn measured(&self, quell: &Quell) -> Vec<String> {
        for (name, text) in slo_files() {
            quell.write(&format!("home/slo/{name}"), text);
        }
        let mut flags = self.cluster(quell);
        flags.extend(["--prometheus".to_owned(), self.prometheus.clone()]);
        let slos = quell.path("home/slo").display().to_string();
        flags.extend(["--slo".to_owned(), slos]);
        flags
    }
}

/// `--policy` with this text.
pub fn policy(quell: &Quell, text: &str) -> Vec<String> {
    let path = quell.write("home/policy.toml", text);
    vec!["--policy".to_owned(), path.display().to_string()]
}

/// A built-in policy.
pub fn built_in(name: &str) -> Vec<String> {
    vec!["--policy".to_owned(), format!("builtin:{name}")]
}

/// `quell action ...` with these flags.
pub fn act(quell: &Quell, words: &[&str], flags: &[&[String]]) -> Outcome {
    let mut all = vec!["action"];
    all.extend(words);
    all.extend(flags.iter().copied().flatten().map(String::as_str));
    quell.run(&all)
}

/// One gate of a document.
pub fn gate<'a>(document: &'a Value, name: &str) -> &'a Value {
    one(&document["gates"], "gate", name)
}

/// The keys of an object, as they stand.
pub fn keys(object: &Value) -> Vec<&str> {
    let object = object
        .as_object()
        .unwrap_or_else(|| panic!("no object: {object:#}"));
    object.keys().map(String::as_str).collect()
}

/// The kinds of entries of this home's journal, oldest first, which must be whole.
pub fn journal(quell: &Quell) -> Vec<String> {
    let verified = quell.run(&["journal", "verify"]);
    assert_eq!(verified.code, 0, "{verified:?}");
    let shown = quell.run(&["journal", "show", "--json"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    let document = shown.json();
    let kinds = list(&document["records"])
        .iter()
        .map(|kept| kept["record"]["entry"]["kind"].as_str().unwrap().to_owned());
    kinds.collect()
}
