//! Full disks, failing disks, kills and many writers at once.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::*;
use crate::journal::file::Store;

const CHILD: &str = "QUELL_JOURNAL_TEST_CHILD";
const LIMIT: &str = "QUELL_JOURNAL_TEST_LIMIT";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn only_the_user_may_read_it() {
    let (_root, path) = place();
    let journal = written(&path, 1).await;
    let folder = path.parent().unwrap();
    assert_eq!(mode(folder), 0o700);
    let names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.iter().all(|name| mode(name) == 0o600), "{names:?}");
    drop(journal);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let Standing::Whole(words) = open(&path).picture().standing else {
        unreachable!("it is whole");
    };
    assert!(
        words
            .raw()
            .contains("others on this machine may read it: chmod 600"),
        "{words}"
    );
}

#[test]
fn what_is_no_journal_is_refused_and_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("target");
    fs::write(&target, "precious\n").unwrap();
    let link = root.path().join("link.log");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    for (path, why) in [
        (&target, "its first line is none of a journal"),
        (&link, "it is a link"),
        (&root.path().to_owned(), "Is a directory"),
    ] {
        let error = Journal::open(path, &JournalSettings::default()).unwrap_err();
        assert!(error.0.raw().contains(why), "{error}");
    }
    assert_eq!(fs::read(&target).unwrap(), b"precious\n");
}

#[test]
fn a_flush_that_fails_is_no_record_and_the_last_word() {
    let (_root, path) = place();
    let mut store = Store::open(&path, |_, _| {}).unwrap();
    assert_eq!(store.append(&said("kept", 0), |_, _| {}).unwrap(), 0);
    store.fail_to_sync(|_: &File| Err(io::Error::from(rustix::io::Errno::IO)));
    let why = store.append(&said("lost", 1), |_, _| {}).unwrap_err();
    assert!(why.contains("Input/output error"), "{why}");
    // The disk works again; what the failed flush left behind is still not known.
    store.fail_to_sync(|_: &File| Ok(()));
    let again = store.append(&said("lost too", 2), |_, _| {}).unwrap_err();
    assert_eq!(again, why);
    assert!(store.checkpoint(at(3), |_, _| {}).is_err());
    let mut store = Store::open(&path, |_, _| {}).unwrap();
    assert_eq!(store.append(&said("anew", 4), |_, _| {}).unwrap(), 1);
    assert_eq!(records(&path).unwrap().len(), 2);
}

/// Not a test of its own: the process whose files may not grow. Without the variable it ends at once.
#[tokio::test]
async fn child_on_a_full_disk() {
    let (Some(path), Ok(limit)) = (std::env::var_os(CHILD), std::env::var(LIMIT)) else {
        return;
    };
    let journal = open(Path::new(&path));
    let kept = getrlimit(Resource::Fsize);
    let limit = Rlimit {
        current: Some(limit.parse().unwrap()),
        ..kept
    };
    setrlimit(Resource::Fsize, limit).unwrap();
    let why = loop {
        match journal.append(said(&"x".repeat(600), 1)).await {
            Ok(seq) => told(&format!("kept {seq}")),
            Err(why) => break why,
        }
    };
    setrlimit(Resource::Fsize, kept).unwrap();
    let again = journal
        .append(said("there is room now", 2))
        .await
        .unwrap_err();
    assert_eq!(again, why);
    let Standing::Unwritable(words) = journal.picture().standing else {
        unreachable!("it cannot be written");
    };
    told(&format!("refused {words}"));
}

fn told(text: &str) {
    let mut out = io::stdout();
    writeln!(out, "\n{text}").unwrap();
    out.flush().unwrap();
}

fn child(test: &str, path: &Path) -> Command {
    // A write beyond the limit is then an error, as on a full disk, and no signal.
    let mut command = Command::new("env");
    command
        .arg("--ignore-signal=XFSZ")
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            &format!("journal::tests::trouble::{test}"),
            "--nocapture",
        ])
        .env(CHILD, path)
        .stdout(Stdio::piped());
    command
}

#[test]
fn a_full_disk_is_said_at_once_and_nothing_half_stays() {
    for limit in [2_000_u32, 2_100, 2_345, 4_000] {
        let (_root, path) = place();
        let mut command = child("child_on_a_full_disk", &path);
        let output = command.env(LIMIT, limit.to_string()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}");
        let kept = said
            .lines()
            .filter(|line| line.starts_with("kept "))
            .count();
        assert!(
            said.contains("refused") && said.contains("File too large"),
            "{said}"
        );
        assert!(kept >= 1);
        let verdict = verify(&path, &Against::default()).unwrap();
        assert_eq!((verdict.broken, verdict.records), (None, kept as u64));
        assert!(fs::metadata(&path).unwrap().len() <= u64::from(limit));
    }
}

/// Not a test of its own: the process that is killed. Without the variable it ends at once.
#[tokio::test]
async fn child_that_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else {
        return;
    };
    let journal = open(Path::new(&path));
    for n in 0.. {
        let seq = journal
            .append(said(&format!("{} {n}", std::process::id()), n))
            .await
            .unwrap();
        told(&format!("kept {seq} {} {n}", std::process::id()));
    }
}

/// Kills a child behind this many of its records; gives those that it told of.
fn kill_after(path: &Path, count: usize) -> Vec<(u64, String)> {
    let mut child = child("child_that_is_killed", path).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let mut kept = Vec::new();
    let understand = |line: String| {
        let (seq, text) = line.strip_prefix("kept ")?.split_once(' ')?;
        Some((seq.parse().ok()?, text.to_owned()))
    };
    while kept.len() < count {
        kept.extend(understand(lines.next().unwrap()));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    kept.extend(lines.filter_map(understand));
    kept
}

fn assert_kept(path: &Path, told: &[(u64, String)]) {
    let kept = records(path).unwrap();
    for (seq, text) in told {
        let one = &kept[usize::try_from(*seq).unwrap()];
        assert_eq!(one.seq, *seq);
        assert_eq!(one.record.entry, Entry::Note { text: line(text) });
    }
}

#[test]
fn a_killed_process_loses_nothing_that_it_had_told_of() {
    let (_root, path) = place();
    let mut told = Vec::new();
    for round in 0..20 {
        told.extend(kill_after(&path, 1 + round % 7));
        // Whoever opens it next takes off what the killed one left unfinished.
        drop(open(&path));
        assert_kept(&path, &told);
    }
    assert!(told.len() >= 20);
}

#[test]
fn many_processes_write_one_file_and_lose_nothing() {
    let (_root, path) = place();
    drop(open(&path));
    let told: Vec<(u64, String)> = std::thread::scope(|scope| {
        let path = &path;
        let killed: Vec<_> = (0..4)
            .map(|_| scope.spawn(move || kill_after(path, 25)))
            .collect();
        killed
            .into_iter()
            .flat_map(|one| one.join().unwrap())
            .collect()
    });
    drop(open(&path));
    assert_kept(&path, &told);
    let mut seqs: Vec<u64> = told.iter().map(|(seq, _)| *seq).collect();
    seqs.sort_unstable();
    seqs.dedup();
    assert_eq!(seqs.len(), told.len(), "no number twice");
    assert!(told.len() >= 100);
}

#[tokio::test]
async fn two_journals_of_one_file_take_turns() {
    let (_root, path) = place();
    let (one, other) = (open(&path), open(&path));
    for n in 0..10 {
        let by = if n % 2 == 0 { &one } else { &other };
        assert_eq!(
            by.append(said("x", n)).await.unwrap(),
            u64::try_from(n).unwrap()
        );
    }
    assert_eq!(one.records().unwrap(), other.records().unwrap());
}

#[tokio::test]
async fn a_file_that_is_moved_or_cut_while_it_is_open_takes_no_more() {
    let (_root, path) = place();
    let journal = written(&path, 2).await;
    fs::rename(&path, path.with_extension("away")).unwrap();
    let why = journal.append(said("x", 3)).await.unwrap_err();
    assert!(why.0.raw().contains("moved or deleted"), "{why}");
    fs::rename(path.with_extension("away"), &path).unwrap();
    assert_eq!(
        journal.append(said("x", 3)).await.unwrap_err(),
        why,
        "not until it is opened again"
    );
    let journal = open(&path);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 300]).unwrap();
    let why = journal.append(said("x", 3)).await.unwrap_err();
    assert!(why.0.raw().contains("cut off while it was open"), "{why}");
}
