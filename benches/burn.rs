//! How much CPU do 1,000 recorded SLOs over 8 windows take, from the bytes of the answer to verdicts?
//!
//! `cargo bench --bench burn`. A thread answers with what Prometheus would, the measured thread polls
//! and judges; what the kernel says it ran is printed, the median of some rounds. More than 0.15 s
//! fails.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run must fail")]

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use quell::config::settings::{Auth, Endpoint, Measures, PrometheusSettings, SloSettings, Tls};
use quell::domain::board::Heard;
use quell::domain::burn_policy::BurnPolicies;
use quell::domain::freshness::Freshness;
use quell::domain::slo::SloFiles;
use quell::domain::slo_burn::{Holding, judge_all};
use quell::sources::BurnSource;

const SLOS: usize = 1_000;
const WINDOWS: [&str; 8] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"];
const ROUNDS: usize = 15;
const MOST: Duration = Duration::from_millis(150);

fn main() {
    let body = recordings();
    let url = serve(&body);
    let settings = PrometheusSettings {
        name: "prom".into(),
        period: Duration::from_secs(15),
        endpoint: Endpoint {
            url: url.parse().unwrap(),
            auth: Auth::None,
            tls: Tls::default(),
            headers: Vec::new(),
            proxy: None,
            timeout: Duration::from_secs(20),
            max_response_bytes: 16 * 1024 * 1024,
        },
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let slo = SloSettings::default();
    let mut source = BurnSource::new(&settings, &slo, Measures::Undirected, None).unwrap();
    let policies = BurnPolicies::default();
    let files = SloFiles::default();
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let at = DateTime::from_timestamp(1_793_448_000 + 30 * i64::try_from(round).unwrap(), 0);
        let at = at.unwrap();
        let before = cpu();
        let answer = runtime.block_on(source.poll(&files, at)).unwrap();
        assert_eq!(answer.slos.len(), SLOS);
        let heard = [Heard {
            source: "prom".into(),
            freshness: Freshness::Fresh,
            answered_at: at,
            answer: Arc::new(answer),
        }];
        let (burns, _) = judge_all(&heard, &policies, &Holding::new(), at);
        assert_eq!(burns.len(), SLOS);
        times.push(cpu().saturating_sub(before));
    }
    // The first one also opens the connection and asks what is asked seldom.
    let first = times.remove(0);
    times.sort_unstable();
    let median = times[times.len() / 2];
    println!(
        "{SLOS} recorded SLOs x {} windows ({} KiB): {median:?} of CPU from bytes to verdicts (median of {}, first {first:?})",
        WINDOWS.len(),
        body.len() / 1024,
        times.len()
    );
    assert!(median <= MOST, "more than {MOST:?}");
}

/// What this thread ran so far.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanos = text.split_whitespace().next().unwrap();
    Duration::from_nanos(nanos.parse().unwrap())
}

/// The answer to the one query, as Sloth records.
fn recordings() -> String {
    let mut all = String::from(r#"{"status":"success","data":{"resultType":"vector","result":["#);
    for n in 0..SLOS {
        let own = format!(
            "\"sloth_id\":\"service-{s}-slo-{n}\",\"sloth_service\":\"service-{s}\",\"sloth_slo\":\"slo-{n}\",\"team\":\"team-{t}\"",
            s = n / 5,
            t = n % 20
        );
        for window in WINDOWS {
            write!(
                all,
                "{{\"metric\":{{\"__name__\":\"slo:sli_error:ratio_rate{window}\",{own},\"sloth_window\":\"{window}\"}},\"value\":[1793448000,\"{}\"]}},",
                f64::from(u32::try_from(n).unwrap()) / 1e6
            )
            .unwrap();
        }
        write!(
            all,
            "{{\"metric\":{{\"__name__\":\"sloth_slo_info\",{own},\"sloth_objective\":\"99.9\"}},\"value\":[1793448000,\"1\"]}},\
             {{\"metric\":{{\"__name__\":\"slo:time_period:days\",{own}}},\"value\":[1793448000,\"30\"]}},"
        )
        .unwrap();
    }
    all.pop();
    all.push_str("]}}");
    all
}

/// Answers queries with the recordings, and does not know anything else.
fn serve(body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let good = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let missing = "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") {
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let is_query = head.starts_with(b"GET /api/v1/query?");
            let answer = if is_query { &good } else { missing };
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    format!("http://{address}/")
}
