//! How long does one record take to be on disk, next to a bare flush of as many bytes on the same disk;
//! and how many records are verified in a second?
//!
//! `cargo bench --bench journal`. Appends and bare flushes take turns, so that both meet the same disk.
//! An append that takes more than twice as long, at the 99th of 100, or fewer than 500,000 records a
//! second fails. `QUELL_BENCH_DIR` names a folder on the disk that is meant.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run must fail")]

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::DateTime;
use quell::config::actions::JournalSettings;
use quell::domain::action::Requester;
use quell::domain::check::{Condition, Evidence, Operand, Read};
use quell::domain::plan::{ActionId, Digest, Part};
use quell::domain::record::{Entry, Record, StepOutcome};
use quell::domain::text::Untrusted;
use quell::journal::{Against, Journal, verify};
use serde_json::json;

const APPENDS: usize = 2_000;
const VERIFIED: u64 = 200_000;
const ROUNDS: usize = 5;
const MOST_TIMES: f64 = 2.0;
const LEAST_PER_SEC: f64 = 500_000.0;

fn main() {
    let folder = std::env::var_os("QUELL_BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
    let root = tempfile::Builder::new().tempdir_in(folder).unwrap();
    appends(root.path());
    // A file in memory is flushed for nothing; what is verified is read from memory either way.
    let memory = Path::new("/dev/shm");
    let memory = memory
        .is_dir()
        .then(|| tempfile::tempdir_in(memory).unwrap());
    verifies(memory.as_ref().map_or(root.path(), tempfile::TempDir::path));
}

fn appends(root: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let path = root.join("appended/journal.log");
    let journal = Journal::open(&path, &JournalSettings::default()).unwrap();
    let mut bare = OpenOptions::new()
        .append(true)
        .create(true)
        .open(root.join("bare"))
        .unwrap();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut length = fs::metadata(&path).unwrap().len();
    for n in 0..APPENDS {
        let begun = Instant::now();
        runtime.block_on(journal.append(record(n))).unwrap();
        ours.push(begun.elapsed());
        let now = fs::metadata(&path).unwrap().len();
        let bytes = vec![b'x'; usize::try_from(now - length).unwrap()];
        length = now;
        let begun = Instant::now();
        bare.write_all(&bytes).unwrap();
        bare.sync_data().unwrap();
        theirs.push(begun.elapsed());
    }
    let each = length / APPENDS as u64;
    println!("append: {APPENDS} records of {each} bytes");
    let mut times = 0.0;
    for (name, share) in [("p50", 50), ("p99", 99)] {
        let (our, their) = (at(&mut ours, share), at(&mut theirs, share));
        times = our.as_secs_f64() / their.as_secs_f64();
        println!("  {name}  journal {our:?}, bare flush {their:?}: {times:.2} times");
    }
    assert!(
        times <= MOST_TIMES,
        "the 99th takes {times:.2} times a bare flush"
    );
}

fn at(times: &mut [Duration], share: usize) -> Duration {
    times.sort_unstable();
    times[times.len() * share / 100]
}

fn verifies(root: &Path) {
    let path = root.join("verified/journal.log");
    written(&path);
    let mut spans: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            let verdict = verify(&path, &Against::default()).unwrap();
            let span = begun.elapsed().as_secs_f64();
            assert_eq!((verdict.records, verdict.broken), (VERIFIED, None));
            span
        })
        .collect();
    spans.sort_unstable_by(f64::total_cmp);
    let median = spans[ROUNDS / 2];
    let count = f64::from(u32::try_from(VERIFIED).unwrap());
    let megabytes = f64::from(u32::try_from(fs::metadata(&path).unwrap().len()).unwrap()) / 1e6;
    let per_sec = count / median;
    println!(
        "verify: {VERIFIED} records, {megabytes:.0} MB in {median:.3} s: {per_sec:.0} a second"
    );
    assert!(per_sec >= LEAST_PER_SEC, "{per_sec:.0} records a second");
}

fn written(path: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let journal = Journal::open(path, &JournalSettings::default()).unwrap();
    for n in 0..VERIFIED {
        let kept = journal.append(record(usize::try_from(n).unwrap()));
        runtime.block_on(kept).unwrap();
    }
    runtime.block_on(journal.settle());
}

/// What a step writes, in turn: an intent with its evidence, and its outcome.
fn record(n: usize) -> Record {
    let entry = if n.is_multiple_of(2) {
        Entry::Intent {
            digest: Digest::of(b"plan"),
            part: Part::Forward,
            step: n,
            what: Untrusted::line("undo rollout of checkout/deployment/checkout-api"),
            write: Digest::of(&n.to_le_bytes()),
            evidence: Evidence::Read {
                read: Read {
                    server: "eu-1".into(),
                    path: "/apis/apps/v1/namespaces/checkout/deployments/checkout-api".to_owned(),
                },
                applied: vec![Condition::Equal(
                    Operand::At(
                        "/metadata/annotations/quell.dev~1action-id".to_owned(),
                        json!(null),
                    ),
                    Operand::Is(json!("4f2c91a07d3e8b15")),
                )],
                untouched: vec![Condition::Equal(
                    Operand::At("/metadata/resourceVersion".to_owned(), json!(null)),
                    Operand::Is(json!("88123")),
                )],
            },
        }
    } else {
        Entry::Outcome {
            part: Part::Forward,
            step: n,
            outcome: StepOutcome::Applied {
                note: Untrusted::line("resourceVersion 88124"),
            },
        }
    };
    Record {
        at: DateTime::from_timestamp(1_795_269_600, 0).unwrap(),
        by: Requester {
            name: Untrusted::line("ada"),
            host: Untrusted::line("bastion-1"),
        },
        env: Some(Untrusted::line("prod")),
        action: Some(ActionId::new([7; 16])),
        entry,
    }
}
