//! How long until three clusters' 5,000 Deployments and 20,000 `ReplicaSets` are a picture, next to the
//! time that their bytes alone take; how much memory is that; and how long does a list of suspects take
//! over 10,000 changes?
//!
//! `cargo bench --bench delivery`. A second process of this program serves the lists, so that its memory
//! is its own: as fast as a network of 1 Gbit/s carries them, and as fast as memory does. More than
//! three times the transfer over that network, 150 MB or 5 ms fails.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run must fail")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use quell::config::delivery::{
    DeclaredPlace, DeliveryAccess, DeliverySourceSettings, KubernetesLogin, KubernetesSettings,
};
use quell::domain::board::Heard;
use quell::domain::change::{Change, ChangeKind, Outcome, Subject, Told, Versions};
use quell::domain::delivery::{Delivery, DeliveryAnswer, DeliveryInputs, PartState};
use quell::domain::freshness::Freshness;
use quell::domain::label::Labels;
use quell::domain::service::{Service, Services};
use quell::domain::source::SourceName;
use quell::domain::suspect::{self, Question};
use quell::domain::text::Untrusted;
use quell::sources::{DeliverySource, install_crypto_provider};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const CLUSTERS: usize = 3;
const DEPLOYMENTS: usize = 5_000;
const SETS_EACH: usize = 4;
const PAGE: usize = 500;
/// Of all clusters together: 1 Gbit/s.
const BYTES_PER_SEC: usize = 125_000_000;
const CHUNK: usize = 1 << 16;
const MOST_TIMES: f64 = 3.0;
const MOST_MEGABYTES: f64 = 150.0;
const MOST_FOR_SUSPECTS: Duration = Duration::from_millis(5);

fn main() {
    if std::env::args().any(|argument| argument == "--serve") {
        serve();
        return;
    }
    install_crypto_provider();
    let mut server = Command::new(std::env::current_exe().unwrap())
        .arg("--serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ports = String::new();
    let mut told = BufReader::new(server.stdout.take().unwrap());
    told.read_line(&mut ports).unwrap();
    let ports: Vec<u16> = ports
        .split_whitespace()
        .map(|p| p.parse().unwrap())
        .collect();
    let result = std::panic::catch_unwind(|| {
        clusters(&ports);
        suspects();
    });
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(result.is_ok(), "see above");
}

fn clusters(ports: &[u16]) {
    let (fast, paced) = ports.split_at(CLUSTERS);
    // Once for the allocator's own sake, then in turn.
    transfer(fast);
    let (raw, whole) = medians(fast);
    let (raw_paced, whole_paced) = medians(paced);
    let megabytes = peak_megabytes();
    let times = |raw: Duration, whole: Duration| whole.as_secs_f64() / raw.as_secs_f64();
    println!(
        "{DEPLOYMENTS} Deployments and {} ReplicaSets in {CLUSTERS} clusters, medians of 5:",
        DEPLOYMENTS * SETS_EACH
    );
    for (name, raw, whole) in [
        ("over 1 Gbit/s", raw_paced, whole_paced),
        ("from memory", raw, whole),
    ] {
        let times = times(raw, whole);
        println!("  {name}: first picture {whole:.2?}, bytes alone {raw:.2?}, {times:.1} times");
    }
    println!("  peak {megabytes:.0} MB");
    let times = times(raw_paced, whole_paced);
    assert!(
        times <= MOST_TIMES,
        "more than {MOST_TIMES} times the transfer"
    );
    assert!(megabytes <= MOST_MEGABYTES, "more than {MOST_MEGABYTES} MB");
}

fn medians(ports: &[u16]) -> (Duration, Duration) {
    let (mut raw, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        raw.push(transfer(ports));
        whole.push(picture(ports));
    }
    raw.sort_unstable();
    whole.sort_unstable();
    (raw[2], whole[2])
}

/// All pages of all clusters, each cluster on a thread of its own, read and thrown away.
fn transfer(ports: &[u16]) -> Duration {
    let begun = Instant::now();
    let threads: Vec<_> = ports
        .iter()
        .map(|port| {
            let port = *port;
            std::thread::spawn(move || {
                let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let mut stream = BufReader::with_capacity(1 << 16, stream);
                for plural in ["deployments", "replicasets"] {
                    let mut token = 0;
                    while let Some(next) = fetch(&mut stream, plural, token) {
                        token = next;
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    begun.elapsed()
}

fn fetch(stream: &mut BufReader<TcpStream>, plural: &str, token: usize) -> Option<usize> {
    let request = format!(
        "GET /apis/apps/v1/{plural}?limit={PAGE}&continue={token} HTTP/1.1\r\nHost: bench\r\n\r\n"
    );
    stream.get_mut().write_all(request.as_bytes()).unwrap();
    let mut length = 0;
    let mut next = None;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        if let Some(value) = line.strip_prefix("x-next: ") {
            next = value.parse().ok();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut left: usize = length;
    let mut buffer = vec![0; 1 << 16];
    while left > 0 {
        let wanted = left.min(buffer.len());
        let read = stream.read(&mut buffer[..wanted]).unwrap();
        assert!(read > 0, "the server went away");
        left -= read;
    }
    next
}

/// From nothing to everything joined.
fn picture(ports: &[u16]) -> Duration {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let now = DateTime::from_timestamp(1_795_300_000, 0).unwrap();
    let begun = Instant::now();
    // Each source is a task of its own, as in the cockpit.
    let heard = runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for (at, port) in ports.iter().enumerate() {
            let settings = settings(at, *port);
            tasks.spawn(async move {
                let answer = DeliverySource::new(&settings).unwrap().poll(now).await;
                heard(settings.name, answer.unwrap(), now)
            });
        }
        tasks.join_all().await
    });
    let delivery = Delivery::of(
        &DeliveryInputs {
            heard,
            ..DeliveryInputs::default()
        },
        now,
    );
    let took = begun.elapsed();
    assert!(
        delivery.changes.len() >= DEPLOYMENTS,
        "{}",
        delivery.changes.len()
    );
    took
}

fn heard(
    source: SourceName,
    answer: Arc<DeliveryAnswer>,
    now: DateTime<Utc>,
) -> Heard<DeliveryAnswer> {
    for part in &answer.parts {
        let is_fine = matches!(part.state, PartState::Read(_) | PartState::Absent);
        assert!(is_fine, "{part:?}");
    }
    Heard {
        source,
        freshness: Freshness::Fresh,
        answered_at: now,
        answer,
    }
}

fn settings(at: usize, port: u16) -> DeliverySourceSettings {
    DeliverySourceSettings {
        name: format!("cluster-{at}").into(),
        place: DeclaredPlace::default(),
        period: Duration::from_secs(2),
        access: DeliveryAccess::Kubernetes(KubernetesSettings {
            login: KubernetesLogin::Nobody(format!("http://127.0.0.1:{port}/").parse().unwrap()),
            namespaces: Vec::new(),
            kinds: Vec::new(),
            timeout: Duration::from_mins(1),
            page_size: u32::try_from(PAGE).unwrap(),
        }),
    }
}

/// The kernel's count of the most memory that this process had.
fn peak_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kilobytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes / 1_000.0
}

fn suspects() {
    let now = DateTime::from_timestamp(1_795_300_000, 0).unwrap();
    let services = 400;
    let line = |text: String| Untrusted::line(&text);
    let change = |number: i64| Change {
        id: line(format!("c{number}")),
        source: "k8s".into(),
        also: Vec::new(),
        subject: Subject {
            target: line(format!("ns/deployment/service-{}", number % services)),
            service: Some(line(format!("service-{}", number % services))),
            env: Some(line("prod".to_owned())),
            labels: Labels::of(&[
                ("cluster", "eu-1"),
                ("namespace", "ns"),
                ("kind", "Deployment"),
            ]),
        },
        kind: ChangeKind::Version,
        versions: Versions {
            to: Some(line(format!("1.{number}"))),
            ..Versions::default()
        },
        who: None,
        started_at: now - TimeDelta::seconds(number * 8),
        finished_at: Some(now - TimeDelta::seconds(number * 8 - 5)),
        outcome: Outcome::Ok,
        told: Told::default(),
    };
    let declared = (0..services).map(|at| Service {
        name: line(format!("service-{at}")),
        depends_on: (1..4)
            .map(|by| line(format!("service-{}", (at + by) % services)))
            .collect(),
        ..Service::default()
    });
    let inputs = DeliveryInputs {
        heard: vec![Heard {
            source: "k8s".into(),
            freshness: Freshness::Fresh,
            answered_at: now,
            answer: Arc::new(DeliveryAnswer {
                changes: (1..=10_000).map(change).collect(),
                ..DeliveryAnswer::default()
            }),
        }],
        services: Arc::new(Services::new(declared.collect(), Vec::new())),
        ..DeliveryInputs::default()
    };
    let delivery = Delivery::of(&inputs, now);
    assert_eq!(delivery.changes.len(), 10_000);
    let labels = Labels::of(&[("cluster", "eu-1"), ("namespace", "ns")]);
    let mut times: Vec<Duration> = (0..200)
        .map(|at| {
            let service = line(format!("service-{at}"));
            let env = line("prod".to_owned());
            let question = Question {
                service: Some(&service),
                env: Some(&env),
                labels: &labels,
                onset: now,
            };
            let begun = Instant::now();
            let found = suspect::rank(&question, &delivery);
            let took = begun.elapsed();
            assert!(!found.is_empty());
            took
        })
        .collect();
    times.sort_unstable();
    let (median, most) = (times[100], times[199]);
    println!(
        "suspects of one alert over 10,000 changes: {median:?} (median of 200, most {most:?})"
    );
    assert!(
        median <= MOST_FOR_SUSPECTS,
        "more than {MOST_FOR_SUSPECTS:?}"
    );
}

/// Serves the lists of all clusters until it is killed; its first line names the ports.
fn serve() {
    let listeners: Vec<TcpListener> = (0..2 * CLUSTERS)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    let ports: Vec<String> = listeners
        .iter()
        .map(|listener| listener.local_addr().unwrap().port().to_string())
        .collect();
    let pages: Vec<Arc<Pages>> = (0..CLUSTERS).map(|at| Arc::new(Pages::of(at))).collect();
    let pace = Arc::new(Mutex::new(Instant::now()));
    println!("{}", ports.join(" "));
    std::io::stdout().flush().unwrap();
    let threads: Vec<_> = listeners
        .into_iter()
        .enumerate()
        .map(|(at, listener)| {
            let pages = pages[at % CLUSTERS].clone();
            let pace = (at >= CLUSTERS).then(|| pace.clone());
            std::thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let (pages, pace) = (pages.clone(), pace.clone());
                    std::thread::spawn(move || {
                        // A client that goes away ends its connection.
                        let _ = answer(stream, &pages, pace.as_deref());
                    });
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

/// The body of each page of each list, and what follows it.
struct Pages(HashMap<PageName, (Vec<u8>, Option<usize>)>);

/// The plural name, and the number of the page.
type PageName = (&'static str, usize);

impl Pages {
    fn of(cluster: usize) -> Self {
        let fixtures = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/kubernetes/lists"
        );
        let template = |file: &str| -> Value {
            let text = std::fs::read_to_string(format!("{fixtures}/{file}")).unwrap();
            serde_json::from_str::<Value>(&text).unwrap()["items"][0].clone()
        };
        let (deployment, set) = (
            template("deployments-payments.json"),
            template("replicasets-payments.json"),
        );
        let own = (cluster..DEPLOYMENTS).step_by(CLUSTERS);
        let deployments: Vec<Value> = own
            .clone()
            .map(|number| {
                let mut object = deployment.clone();
                object["metadata"]["name"] = json!(format!("service-{number}"));
                object["metadata"]["uid"] = json!(format!("uid-{number}"));
                object["metadata"]["labels"]["app"] = json!(format!("service-{number}"));
                let revision = SETS_EACH.to_string();
                object["metadata"]["annotations"]["deployment.kubernetes.io/revision"] =
                    json!(revision);
                object
            })
            .collect();
        let sets: Vec<Value> = own
            .flat_map(|number| (1..=SETS_EACH).map(move |revision| (number, revision)))
            .map(|(number, revision)| {
                let mut object = set.clone();
                let metadata = &mut object["metadata"];
                metadata["name"] = json!(format!("service-{number}-{revision}abc"));
                metadata["uid"] = json!(format!("uid-{number}-{revision}"));
                metadata["labels"]["app"] = json!(format!("service-{number}"));
                let made = DateTime::from_timestamp(1_790_000_000, 0).unwrap()
                    + TimeDelta::minutes(i64::try_from(number + revision * 1_440).unwrap());
                metadata["creationTimestamp"] =
                    json!(made.format("%Y-%m-%dT%H:%M:%SZ").to_string());
                metadata["labels"]["pod-template-hash"] = json!(format!("{revision}abc"));
                metadata["annotations"]["deployment.kubernetes.io/revision"] =
                    json!(revision.to_string());
                metadata["ownerReferences"][0]["name"] = json!(format!("service-{number}"));
                metadata["ownerReferences"][0]["uid"] = json!(format!("uid-{number}"));
                let image = format!("registry.example.com/service-{number}:1.{revision}.0");
                object["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
                object
            })
            .collect();
        let mut pages = HashMap::new();
        for (plural, kind, all) in [
            ("deployments", "Deployment", deployments),
            ("replicasets", "ReplicaSet", sets),
        ] {
            for (at, items) in all.chunks(PAGE).enumerate() {
                let next = ((at + 1) * PAGE < all.len()).then_some(at + 1);
                let mut metadata = json!({ "resourceVersion": "1000" });
                if let Some(next) = next {
                    metadata["continue"] = json!(next.to_string());
                }
                let body = json!({
                    "kind": format!("{kind}List"), "apiVersion": "apps/v1",
                    "metadata": metadata, "items": items,
                });
                pages.insert((plural, at), (serde_json::to_vec(&body).unwrap(), next));
            }
        }
        Self(pages)
    }
}

/// When the network is free again.
type Pace = Mutex<Instant>;

fn answer(stream: TcpStream, pages: &Pages, pace: Option<&Pace>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut request = String::new();
        if reader.read_line(&mut request)? == 0 {
            return Ok(());
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
        }
        let target = request
            .split_whitespace()
            .nth(1)
            .unwrap_or_default()
            .to_owned();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let token = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("continue="));
        let token: usize = token.and_then(|token| token.parse().ok()).unwrap_or(0);
        let plural = ["deployments", "replicasets"]
            .into_iter()
            .find(|plural| path == format!("/apis/apps/v1/{plural}"));
        let page = plural.and_then(|plural| pages.0.get(&(plural, token)));
        let other;
        let (status, body, next) = match (page, path) {
            (Some((body, next)), _) => ("200 OK", body, *next),
            (None, "/api" | "/apis" | "/version") => {
                other = discovery(path).to_string().into_bytes();
                ("200 OK", &other, None)
            }
            (None, _) => {
                other = b"404 page not found\n".to_vec();
                ("404 Not Found", &other, None)
            }
        };
        let next = next.map_or_else(String::new, |next| format!("X-Next: {next}\r\n"));
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{next}\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        for chunk in body.chunks(CHUNK) {
            if let Some(pace) = pace {
                std::thread::sleep(turn(pace, chunk.len()));
            }
            stream.write_all(chunk)?;
        }
    }
}

/// How long until so many bytes have had their turn on the network that all clusters share.
fn turn(pace: &Pace, bytes: usize) -> Duration {
    let mut free = pace.lock().unwrap();
    let now = Instant::now();
    #[allow(clippy::cast_precision_loss, reason = "a few megabytes")]
    let takes = Duration::from_secs_f64(bytes as f64 / BYTES_PER_SEC as f64);
    *free = (*free).max(now) + takes;
    free.duration_since(now)
}

fn discovery(path: &str) -> Value {
    let resource = |plural: &str, kind: &str| {
        json!({
            "resource": plural, "scope": "Namespaced", "verbs": ["get", "list", "watch"],
            "responseKind": { "group": "apps", "version": "v1", "kind": kind },
        })
    };
    let items = match path {
        "/version" => return json!({ "gitVersion": "v1.36.2" }),
        "/apis" => json!([{
            "metadata": { "name": "apps" },
            "versions": [{
                "version": "v1", "freshness": "Current",
                "resources": [
                    resource("deployments", "Deployment"),
                    resource("replicasets", "ReplicaSet"),
                ],
            }],
        }]),
        _ => json!([]),
    };
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {}, "items": items,
    })
}
