//! Where do the tests of acting play? A home whose quell may act, the simulated platform, and a relay before
//! each of its servers that sees every request and does to it what a test wants.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ::quell::config::actions::JournalSettings;
use ::quell::domain::record::{Entry, Kept};
use ::quell::journal::Journal;
use ::quell::runtime::clock;
use ::quell::sim::{Faults, Options, Sim};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::quell::{Outcome, Quell};

/// What happens to a request.
pub enum Turn {
    /// It is passed on, and so is its answer.
    Pass,
    /// It is done, and the connection ends before the answer.
    LoseReply,
    /// It is done, and the connection ends in the middle of the answer.
    HalfReply,
    /// It is done, and answered with something else.
    DoneThen(String),
    /// It is not done, but answered with this.
    Instead(String),
    /// It is done, and answered so much later.
    Late(Duration),
    /// It is done, and the answer goes through this.
    Edited(fn(String) -> String),
}

/// A request as it came, and what the platform said to it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub body: String,
    /// The platform's own status; none where it was not asked.
    pub status: Option<u16>,
    pub at: Instant,
}

impl Asked {
    /// Whether it changes what it is about. Leases are a courtesy, and reviews and dry runs change nothing.
    pub fn is_write(&self) -> bool {
        self.method != "GET"
            && !self.target.contains("dryRun=")
            && !self.target.contains("/selfsubject")
            && !self.target.contains("/leases")
    }

    /// Whether the platform took it.
    pub fn is_effect(&self) -> bool {
        self.is_write() && self.status.is_some_and(|status| status < 300)
    }
}

type Script = dyn Fn(&Asked) -> Turn + Send + Sync;

struct Shared {
    upstream: String,
    script: Mutex<Arc<Script>>,
    asked: Mutex<Vec<Asked>>,
}

/// Stands before a server.
#[derive(Clone)]
pub struct Relay {
    pub url: String,
    shared: Arc<Shared>,
}

impl Relay {
    fn before(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|e| panic!("no port: {e}"));
        let address = listener
            .local_addr()
            .unwrap_or_else(|e| panic!("no port: {e}"));
        let upstream = upstream.trim_start_matches("http://");
        let shared = Arc::new(Shared {
            upstream: upstream.trim_end_matches('/').to_owned(),
            script: Mutex::new(Arc::new(|_| Turn::Pass)),
            asked: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        // It ends with the tests' process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || {
                    // An error is a program that was killed, which is what some tests do.
                    let _ = serve(&stream, &shared);
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        });
        Self {
            url: format!("http://{address}"),
            shared,
        }
    }

    /// From now on.
    pub fn on(&self, script: impl Fn(&Asked) -> Turn + Send + Sync + 'static) {
        *self.shared.script.lock().unwrap_or_else(|e| panic!("{e}")) = Arc::new(script);
    }

    /// Does one thing to each real write, and nothing to anything else.
    pub fn on_writes(&self, turn: impl Fn() -> Turn + Send + Sync + 'static) {
        self.on(
            move |asked| {
                if asked.is_write() { turn() } else { Turn::Pass }
            },
        );
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        let asked = self.shared.asked.lock();
        asked.unwrap_or_else(|e| panic!("{e}")).clone()
    }

    /// The real writes that were sent, taken or not.
    pub fn writes(&self) -> Vec<Asked> {
        self.asked().into_iter().filter(Asked::is_write).collect()
    }

    /// The real writes that the platform took.
    pub fn effects(&self) -> Vec<Asked> {
        self.asked().into_iter().filter(Asked::is_effect).collect()
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (head, body) = read_request(&mut reader)?;
    let mut words = head.split_whitespace();
    let mut asked = Asked {
        method: words.next().unwrap_or_default().to_owned(),
        target: words.next().unwrap_or_default().to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
        status: None,
        at: Instant::now(),
    };
    let script = Arc::clone(&*shared.script.lock().unwrap_or_else(|e| panic!("{e}")));
    let turn = script(&asked);
    let answer = match &turn {
        Turn::Instead(answer) => answer.clone().into_bytes(),
        _ => ask(&shared.upstream, &head, &body)?,
    };
    if !matches!(turn, Turn::Instead(_)) {
        let status = answer.get(9..12).unwrap_or_default();
        asked.status = String::from_utf8_lossy(status).parse().ok();
    }
    let keep = shared.asked.lock();
    keep.unwrap_or_else(|e| panic!("{e}")).push(asked);
    let mut writer = stream;
    match turn {
        Turn::Pass | Turn::Instead(_) => writer.write_all(&answer),
        Turn::LoseReply => Ok(()),
        Turn::HalfReply => writer.write_all(&answer[..answer.len() / 2]),
        Turn::DoneThen(other) => writer.write_all(other.as_bytes()),
        Turn::Late(time) => {
            std::thread::sleep(time);
            writer.write_all(&answer)
        }
        Turn::Edited(edit) => {
            let text = edit(String::from_utf8_lossy(&answer).into_owned());
            // The body may have another length now.
            let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
            let head: Vec<&str> = head
                .lines()
                .filter(|line| !line.to_lowercase().starts_with("content-length"))
                .collect();
            let head = head.join("\r\n");
            let length = body.len();
            writer.write_all(format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes())
        }
    }
}

fn read_request(reader: &mut BufReader<&TcpStream>) -> io::Result<(String, Vec<u8>)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let lower = line.to_lowercase();
        if let Some(text) = lower.strip_prefix("content-length:") {
            length = text.trim().parse().unwrap_or_default();
        }
        if line.trim().is_empty() {
            break;
        }
        // One request for each connection, so that a reply can be lost alone.
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((head, body))
}

fn ask(upstream: &str, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(upstream)?;
    stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

/// A whole answer of this status.
pub fn reply(status: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} As Told\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
}

/// A refusal as an API server words it.
pub fn refusal(status: u16, reason: &str, message: &str) -> String {
    let body = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": status,
    });
    reply(status, "", &body.to_string())
}

/// The simulated platform, served until it is dropped.
pub struct Platform {
    pub kubernetes: Relay,
    pub alertmanager: Relay,
    ends: Option<oneshot::Sender<()>>,
    serving: Option<std::thread::JoinHandle<()>>,
}

impl Platform {
    pub fn start() -> Self {
        let (told, heard) = std::sync::mpsc::channel();
        let (ends, ended) = oneshot::channel();
        let serving = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = runtime.unwrap_or_else(|e| panic!("no runtime: {e}"));
            runtime.block_on(async {
                let options = Options {
                    seed: 7,
                    started: clock::now(),
                    clock: Arc::new(clock::now),
                    faults: Faults::default(),
                };
                let sim = Sim::bind(options).await;
                let sim = sim.unwrap_or_else(|e| panic!("no platform: {e}"));
                let [alertmanager, _] = sim.alertmanagers();
                let _ = told.send((sim.kubernetes(), alertmanager));
                tokio::select! {
                    served = sim.serve() => served.unwrap_or_else(|e| panic!("{e}")),
                    _ = ended => {}
                }
            });
        });
        let (kubernetes, alertmanager) = heard.recv().unwrap_or_else(|e| panic!("{e}"));
        Self {
            kubernetes: Relay::before(kubernetes.as_str()),
            alertmanager: Relay::before(alertmanager.as_str()),
            ends: Some(ends),
            serving: Some(serving),
        }
    }

    /// What an object of the cluster says.
    pub fn object(&self, path: &str) -> Value {
        let head = format!("GET {path} HTTP/1.1\r\nHost: test\r\n");
        let answer = ask(&self.kubernetes.shared.upstream, &head, b"");
        let answer = answer.unwrap_or_else(|e| panic!("{path}: {e}"));
        let text = String::from_utf8_lossy(&answer).into_owned();
        let (_, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        serde_json::from_str(body).unwrap_or_else(|e| panic!("{path}: {e}: {text}"))
    }

    /// Somebody else changes an object of the cluster, past the relay.
    pub fn edit(&self, path: &str, patch: &str) {
        edit(&self.kubernetes.shared.upstream, path, patch);
    }

    /// The same, for a script.
    pub fn editor(&self, path: &'static str, patch: &'static str) -> impl Fn() + use<> {
        let upstream = self.kubernetes.shared.upstream.clone();
        move || edit(&upstream, path, patch)
    }
}

fn edit(upstream: &str, path: &str, patch: &str) {
    let head = format!(
        "PATCH {path} HTTP/1.1\r\nHost: test\r\nUser-Agent: somebody-else\r\n\
         Content-Type: application/merge-patch+json\r\nContent-Length: {}\r\n",
        patch.len()
    );
    let answer = ask(upstream, &head, patch.as_bytes());
    let answer = answer.unwrap_or_else(|e| panic!("{path}: {e}"));
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}

impl Drop for Platform {
    fn drop(&mut self) {
        drop(self.ends.take());
        if let Some(serving) = self.serving.take() {
            let _ = serving.join();
        }
    }
}

/// A policy that lets everything through that no gate of its own stops.
pub const POLICY: &str =
    "[policy]\nmode = \"enforce\"\n\n[[rule]]\nid = \"all\"\nlevel = \"hard\"\n";

/// A home whose quell may act on a platform.
pub struct Stage {
    pub quell: Quell,
}

impl Stage {
    pub fn on(platform: &Platform) -> Self {
        Self::with(platform, "")
    }

    /// With more in its config.
    pub fn with(platform: &Platform, more: &str) -> Self {
        let quell = Quell::new();
        quell.write("config/quell/policy.toml", POLICY);
        let kubeconfig = quell.write(
            "home/kube",
            &format!(
                "apiVersion: v1\nkind: Config\ncurrent-context: rig\n\
                 clusters: [ {{ name: rig, cluster: {{ server: {} }} }} ]\n\
                 users: [ {{ name: vera, user: {{ token: FAKE-token-of-vera }} }} ]\n\
                 contexts: [ {{ name: rig, context: {{ cluster: rig, user: vera }} }} ]\n",
                platform.kubernetes.url
            ),
        );
        let config = format!(
            "[actions]\npolicy = \"policy.toml\"\n\n[[alertmanager]]\nname = \"am\"\nurl = \"{}\"\n\
             timeout = \"3s\"\n\n[[kubernetes]]\nname = \"eu-1\"\nkubeconfig = \"{}\"\ntimeout = \"3s\"\n\n{more}",
            platform.alertmanager.url,
            kubeconfig.display()
        );
        quell.write("config/quell/config.toml", &config);
        Self { quell }
    }

    /// `quell action run` with these words and `--yes`.
    pub fn act(&self, words: &[&str]) -> Outcome {
        self.quell
            .run(&[&["action", "run", "--yes"], words].concat())
    }

    pub fn journal(&self) -> PathBuf {
        self.quell.path("state/quell/journal.log")
    }

    /// Everything that was written down. Only while no quell runs.
    pub fn records(&self) -> Vec<Kept> {
        let journal = Journal::open(&self.journal(), &JournalSettings::default());
        let journal = journal.unwrap_or_else(|e| panic!("no journal: {e}"));
        journal.records().unwrap_or_else(|e| panic!("{e}"))
    }

    /// The actions with an intent, one for each intent.
    pub fn intents(&self) -> Vec<String> {
        let records = self.records();
        let intents = records
            .iter()
            .filter(|kept| matches!(kept.record.entry, Entry::Intent { .. }));
        intents
            .filter_map(|kept| kept.record.action.as_ref().map(ToString::to_string))
            .collect()
    }
}

/// A silence that hides little, for this zone.
pub fn silence(zone: &str) -> Vec<String> {
    [
        "silence.create",
        &format!("matchers=alertname=\"Drill\",zone=\"{zone}\""),
        "duration=30m",
        "reason=drill",
    ]
    .map(str::to_owned)
    .into()
}

/// As arguments.
pub fn words(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

/// The action whose mark a write carries. Before it may stand the mark that it takes the place of.
pub fn marked(asked: &Asked) -> Option<String> {
    let (_, behind) = asked
        .body
        .rsplit_once("quell.dev/action-id")
        .or_else(|| asked.body.rsplit_once("quell.dev~1action-id"))?;
    let is_hex = |c: &char| c.is_ascii_hexdigit();
    let id: String = behind
        .split(|c| !is_hex(&c))
        .find(|part| part.len() == 32)?
        .to_owned();
    Some(id)
}

/// The path of the deployment that most tests scale.
pub const CART: &str = "/apis/apps/v1/namespaces/web/deployments/cart";
