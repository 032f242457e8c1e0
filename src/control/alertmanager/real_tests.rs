//! Silences on a real cluster of two replicas, each started as a program of its own: what is created gossips,
//! what is extended keeps its id, what has ended is not brought back by accident.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test fails")]

use std::net::{TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::control::testing_http::{request, seed, settings};
use crate::domain::check::Progress;
use crate::domain::plan::{Part, Reverse};
use crate::domain::record::{Refusal, StepOutcome};

const CONFIG: &str = "route: { receiver: none }\nreceivers: [{ name: none }]\n";

struct Pair {
    settings: Settings,
    servers: HttpServers,
    children: Vec<Child>,
    _folder: TempDir,
}

impl Drop for Pair {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _gone = child.kill().and_then(|()| child.wait());
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a real Alertmanager compares with its own clock"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

fn ports() -> [u16; 4] {
    [(); 4].map(|()| {
        loop {
            let port = TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port();
            if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
                return port;
            }
        }
    })
}

async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_mins(1), async {
        while !look().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited
        .await
        .unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

impl Pair {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("alertmanager.yml");
        std::fs::write(&config, CONFIG).unwrap();
        let [one, two, gossip_one, gossip_two] = ports();
        let children = [(one, gossip_one), (two, gossip_two)].map(|(port, gossip)| {
            Command::new("prometheus-alertmanager")
                .arg(format!("--config.file={}", config.display()))
                .arg(format!(
                    "--storage.path={}",
                    folder.path().join(port.to_string()).display()
                ))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .arg(format!("--cluster.listen-address=127.0.0.1:{gossip}"))
                .arg(format!("--cluster.advertise-address=127.0.0.1:{gossip}"))
                .arg("--cluster.gossip-interval=50ms")
                .arg(format!("--cluster.peer=127.0.0.1:{gossip_one}"))
                .arg(format!("--cluster.peer=127.0.0.1:{gossip_two}"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("apt install prometheus-alertmanager")
        });
        let settings = settings(&format!(
            "[[alertmanager]]\nname = \"am-1\"\nurl = \"http://127.0.0.1:{one}\"\n\
            [[alertmanager]]\nname = \"am-2\"\nurl = \"http://127.0.0.1:{two}\"\n"
        ));
        let pair = Self {
            servers: HttpServers::new(&settings),
            settings,
            children: children.into(),
            _folder: folder,
        };
        for name in ["am-1", "am-2"] {
            until("both are one cluster", async || {
                let heard = pair.servers.ask(name, "/api/v2/status").await;
                let Ok(heard) = heard else { return false };
                let cluster = &heard.value["cluster"];
                let peers = cluster["peers"].as_array().map_or(0, Vec::len);
                cluster["status"] == "ready" && peers == 2
            })
            .await;
        }
        pair
    }

    async fn alert(&self, labels: Value) {
        for am in &self.settings.alertmanagers {
            let write = HttpWrite {
                path: "/api/v2/alerts".to_owned(),
                body: json!([{ "labels": labels }]).to_string(),
                ..http(&post(&am.name, &Value::Null)).clone()
            };
            self.servers.deliver(&write).await.unwrap();
        }
    }

    async fn resolve(&self, request: &ActionRequest) -> Result<Vec<Target>, NoPlan> {
        resolve(&self.settings, &self.servers, request).await
    }

    async fn plan(&self, number: u8, action: &str, parameters: &[(&str, &str)]) -> Plan {
        let request = request(action, parameters);
        let targets = self.resolve(&request).await.unwrap();
        let seed = seed(number, now());
        plan(
            &self.settings,
            &self.servers,
            &request,
            &seed,
            &targets,
            seed.at,
        )
        .await
        .unwrap()
    }

    async fn send(&self, step: &Step) -> StepOutcome {
        self.servers.send(http(&step.write)).await.unwrap()
    }

    async fn verified(&self, step: &Step) {
        let check = step.check.as_ref().unwrap();
        until("it is verified", async || {
            let seen = self.servers.read(&check.read).await.unwrap().unwrap();
            check.judge(&seen) == Progress::Done
        })
        .await;
    }

    async fn found(&self, step: &Step) -> crate::domain::check::Found {
        let Evidence::Read { read, .. } = &step.evidence else {
            panic!("no evidence");
        };
        let seen = self.servers.read(read).await.unwrap().unwrap();
        step.evidence.judge(&seen)
    }

    /// Id and state of every silence, on one replica.
    async fn all(&self, server: &str) -> Vec<(String, String)> {
        let all = silences(&self.servers, server).await.unwrap();
        all.into_iter().map(|one| (one.id, one.state)).collect()
    }
}

fn http(write: &Write) -> &HttpWrite {
    match write {
        Write::Http(write) => write,
        Write::Command(_) => panic!("a command"),
    }
}

fn back(plan: &Plan) -> &Step {
    &plan.steps_of(Part::Reverse)[0]
}

fn note(outcome: &StepOutcome) -> &str {
    match outcome {
        StepOutcome::Applied { note } => note.raw(),
        other => panic!("{other:?}"),
    }
}

fn state<'a>(plan: &'a Plan, what: &str) -> (Holds, &'a str) {
    let mut all = plan.preconditions.iter();
    let found = all.find(|one| one.what.raw() == what).unwrap();
    (found.state, found.detail.raw())
}

const NEW: &[(&str, &str)] = &[
    (
        "matchers",
        r#"alertname="HighLatency", service=~"cart|pay""#,
    ),
    ("duration", "2h"),
    ("reason", "known, see the rollout"),
];

#[tokio::test]
async fn a_silence_is_made_on_one_replica_seen_on_the_other_and_taken_back() {
    let pair = Pair::start().await;
    for (service, severity) in [
        ("cart", "critical"),
        ("pay", "warning"),
        ("web", "critical"),
    ] {
        let labels =
            json!({ "alertname": "HighLatency", "service": service, "severity": severity });
        pair.alert(labels).await;
    }
    let made = pair.plan(1, "silence.create", NEW).await;
    assert_eq!(made.targets.len(), 1, "one for a cluster of two");
    assert_eq!(&*made.targets[0].server, "am-1");
    assert_eq!(made.word(), "HighLatency");
    let words: Vec<_> = made.blast.words.iter().map(Untrusted::raw).collect();
    assert_eq!(
        words,
        [
            "hides 2 of 3 alerts: 1 page, 1 ticket, 0 info",
            "page HighLatency (cart)",
            "ticket HighLatency (pay)"
        ]
    );
    assert_eq!((made.blast.count, made.blast.of), (Some(2), Some(3)));
    assert_eq!(
        state(&made, "hides no page"),
        (Holds::Warns, "it hides a page")
    );
    assert!(made.server_ahead_secs.unwrap().abs() <= 2);
    let again = plan(
        &pair.settings,
        &pair.servers,
        &made.request,
        &made.seed,
        &made.targets,
        now(),
    );
    assert_eq!(again.await.unwrap().digest(), made.digest());

    let step = &made.steps[0];
    assert_eq!(
        pair.found(step).await,
        crate::domain::check::Found::NotApplied
    );
    let outcome = pair.send(step).await;
    assert!(note(&outcome).starts_with("silence "), "{outcome:?}");
    assert_eq!(&*step.check.as_ref().unwrap().read.server, "am-2");
    pair.verified(step).await;
    assert_eq!(pair.found(step).await, crate::domain::check::Found::Applied);
    let stored = &silences(&pair.servers, "am-2").await.unwrap()[0];
    assert_eq!(stored.created_by, "dana");
    assert_eq!(
        stored.comment,
        format!(
            "known, see the rollout [quell.dev/action-id {}]",
            made.seed.id
        )
    );
    assert_eq!(
        stored.stored_end(),
        stamp(made.seed.at + TimeDelta::hours(2))
    );

    let twice = pair.plan(2, "silence.create", NEW).await;
    assert_eq!(
        state(&twice, "there is no such silence yet").0,
        Holds::Warns
    );
    assert!(
        twice.blast.words[1]
            .raw()
            .starts_with("2 of them are silenced")
    );

    let outcome = pair.send(back(&made)).await;
    assert_eq!(note(&outcome), format!("silence {} has ended", stored.id));
    pair.verified(back(&made)).await;
    assert_eq!(
        pair.found(back(&made)).await,
        crate::domain::check::Found::Applied
    );
    let outcome = pair.send(back(&made)).await;
    assert_eq!(note(&outcome), "the silence had ended already");
    // The action that was never sent has nothing to take back.
    let outcome = pair.send(back(&twice)).await;
    assert!(matches!(
        outcome,
        StepOutcome::Refused {
            refusal: Refusal::Gone,
            ..
        }
    ));
}

#[tokio::test]
async fn an_extension_keeps_the_id_and_an_ended_silence_is_left_alone() {
    let pair = Pair::start().await;
    let made = pair.plan(1, "silence.create", NEW).await;
    pair.send(&made.steps[0]).await;
    pair.verified(&made.steps[0]).await;
    let id = pair.all("am-2").await[0].0.clone();

    let longer = [("id", id.as_str()), ("duration", "3h")];
    let extended = pair.plan(2, "silence.extend", &longer).await;
    assert_eq!(extended.targets[0].uid.as_deref(), Some(&*id));
    assert_eq!(state(&extended, "is active").0, Holds::Yes);
    let outcome = pair.send(&extended.steps[0]).await;
    assert_eq!(note(&outcome), format!("silence {id}"), "the same id");
    pair.verified(&extended.steps[0]).await;
    assert_eq!(pair.all("am-1").await, [(id.clone(), "active".to_owned())]);

    assert_eq!(
        pair.found(back(&extended)).await,
        crate::domain::check::Found::NotApplied
    );
    assert_eq!(
        note(&pair.send(back(&extended)).await),
        format!("silence {id}")
    );
    pair.verified(back(&extended)).await;
    assert_eq!(
        pair.found(back(&extended)).await,
        crate::domain::check::Found::Applied
    );
    assert_eq!(pair.all("am-1").await, [(id.clone(), "active".to_owned())]);

    // Planned while it is active, sent when it has ended: Alertmanager would make a second one.
    let late = pair.plan(3, "silence.extend", &longer).await;
    let ended = pair.plan(4, "silence.expire", &[("id", &id)]).await;
    assert_eq!(ended.direction, crate::domain::action::Direction::Reduces);
    note(&pair.send(&ended.steps[0]).await);
    pair.verified(&ended.steps[0]).await;
    let outcome = pair.send(&late.steps[0]).await;
    assert!(
        matches!(&outcome, StepOutcome::Refused { refusal: Refusal::Changed, why } if why.raw().contains("create a new one")),
        "{outcome:?}"
    );
    assert_eq!(
        pair.all("am-1").await,
        [(id.clone(), "expired".to_owned())],
        "no stray"
    );
    let refused = pair.plan(5, "silence.extend", &longer).await;
    assert_eq!(state(&refused, "is active").0, Holds::No);
    let nothing = pair.plan(6, "silence.expire", &[("id", &id)]).await;
    assert_eq!(state(&nothing, "is still there to end").0, Holds::No);

    // The reverse of the ending makes the same again, under another id.
    assert!(matches!(ended.reverse, Reverse::Steps { .. }));
    note(&pair.send(back(&ended)).await);
    pair.verified(back(&ended)).await;
    let all = pair.all("am-1").await;
    assert_eq!(all.len(), 2);
    assert!(
        all.iter()
            .any(|(one, state)| *one != id && state == "active")
    );
}

#[tokio::test]
async fn a_replica_that_is_gone_is_passed_over_and_an_unknown_silence_is_not_found() {
    let mut pair = Pair::start().await;
    let unknown = request(
        "silence.expire",
        &[("id", "11111111-2222-4333-8444-555555555555")],
    );
    let why = pair.resolve(&unknown).await.unwrap_err().to_string();
    assert!(
        why.starts_with("no Alertmanager has a silence `1111"),
        "{why}"
    );
    pair.children[0].kill().unwrap();
    pair.children[0].wait().unwrap();
    let made = pair.plan(1, "silence.create", NEW).await;
    assert_eq!(made.targets.len(), 1);
    assert_eq!(&*made.targets[0].server, "am-2");
    assert!(
        made.preconditions
            .iter()
            .any(|one| one.detail.raw().starts_with("am-1 does not answer"))
    );
    note(&pair.send(&made.steps[0]).await);
    pair.verified(&made.steps[0]).await;
}
