//! Checkpoints go where they should, when they should, and never hold up a record.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::Command;

use super::*;
use crate::config::actions::Anchor;
use crate::domain::action::{Direction, Risk};
use crate::domain::plan::{ActionId, Digest, DryRun, DryVerdict, Grade};
use crate::domain::record::{End, PlanSummary};
use crate::journal::anchor::to_log;
use crate::journal::checkpoint::{Checkpoint, Sealer};

fn settings(anchors: &[Anchor]) -> JournalSettings {
    JournalSettings {
        anchors: anchors.to_vec(),
        ..JournalSettings::default()
    }
}

fn sizes(path: &Path) -> Vec<u64> {
    let notes = Checkpoint::all(&fs::read_to_string(path).unwrap());
    notes.iter().map(|checkpoint| checkpoint.size).collect()
}

fn id(n: u8) -> ActionId {
    ActionId::new([n; 16])
}

fn planned(n: u8, risk: Risk, secs: i64) -> Record {
    let entry = Entry::Planned(PlanSummary {
        digest: Digest::of(b"plan"),
        title: line("undo"),
        risk,
        direction: Direction::Reduces,
        dry_run: DryRun {
            grade: Grade::A,
            verdict: DryVerdict::Accepted,
            notes: Vec::new(),
        },
        differences: Vec::new(),
        blast: Vec::new(),
        reverse: line("none"),
        steps: 1,
    });
    Record {
        action: Some(id(n)),
        ..of(entry, secs)
    }
}

fn ended(n: u8, secs: i64) -> Record {
    let entry = Entry::Ended {
        end: End::Verified,
        detail: line("done"),
    };
    Record {
        action: Some(id(n)),
        ..of(entry, secs)
    }
}

#[tokio::test]
async fn grave_ends_are_anchored_at_once_and_others_every_five_minutes() {
    let (root, path) = place();
    let file = root.path().join("elsewhere/anchors");
    let settings = settings(&[Anchor::File(file.clone())]);
    let journal = Journal::open(&path, &settings).unwrap();
    assert_eq!(sizes(&file), [0], "before the first record");
    for (record, expected) in [
        (planned(1, Risk::R2, 0), &[0, 1][..]),
        (planned(2, Risk::R1, 1), &[0, 1]),
        (ended(2, 2), &[0, 1]),
        (ended(1, 3), &[0, 1, 4]),
        // An end without a plan, and one that came twice: nothing is known to be grave.
        (ended(1, 4), &[0, 1, 4]),
        (said("x", 302), &[0, 1, 4]),
        (said("x", 303), &[0, 1, 4, 7]),
        // The clock was set back by an hour.
        (said("x", -3_600), &[0, 1, 4, 7, 8]),
    ] {
        journal.append(record).await.unwrap();
        journal.settle().await;
        assert_eq!(sizes(&file), expected);
    }
    // Another process knows the risk from what it reads.
    let other = Journal::open(&path, &settings).unwrap();
    journal.append(planned(3, Risk::R3, -3_590)).await.unwrap();
    other.append(ended(3, -3_589)).await.unwrap();
    other.settle().await;
    assert_eq!(sizes(&file).last(), Some(&10));
    let own = crate::journal::file::checkpoints_file(&path);
    assert_eq!(sizes(&own), sizes(&file));
    let picture = other.picture();
    let Standing::Whole(words) = picture.standing else {
        unreachable!("{:?}", picture.standing);
    };
    let wanted = format!(
        "0 to 9 proven as of 2026-11-21T13:00:11Z by {}",
        file.display()
    );
    assert!(words.raw().contains(&wanted), "{words}");
}

#[tokio::test]
async fn an_anchor_that_fails_is_said_and_holds_up_nothing() {
    let (root, path) = place();
    let blocked = root.path().join("blocked");
    fs::write(&blocked, "").unwrap();
    let bad = Anchor::File(blocked.join("anchors"));
    let journal = Journal::open(&path, &settings(&[bad])).unwrap();
    assert_eq!(journal.append(said("x", 0)).await.unwrap(), 0);
    let why = journal.anchor_now(at(1)).await.unwrap_err();
    assert!(why.0.raw().contains("blocked/anchors: "), "{why}");
    let Standing::Whole(words) = journal.picture().standing else {
        unreachable!("every record holds");
    };
    assert!(words.raw().contains("blocked/anchors"), "{words}");
    assert_eq!(journal.append(said("y", 2)).await.unwrap(), 1);
}

#[test]
fn the_log_gets_one_line_that_can_be_handed_back() {
    let root = tempfile::tempdir().unwrap();
    let socket = root.path().join("log");
    assert!(to_log(&socket, &sealed()).is_err(), "nobody listens");
    let log = UnixDatagram::bind(&socket).unwrap();
    to_log(&socket, &sealed()).unwrap();
    let mut line = [0; 1024];
    let bytes = log.recv(&mut line).unwrap();
    let line = std::str::from_utf8(&line[..bytes]).unwrap();
    let start = format!("<85>quell[{}]: quell-checkpoint ", std::process::id());
    assert!(line.starts_with(&start) && line.is_ascii(), "{line}");
    assert_eq!(Checkpoint::all(line).len(), 1);
}

fn sealed() -> Checkpoint {
    Sealer::new().unwrap().seal(26, [3; 32], at(0))
}

fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(args)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_repository_gets_a_commit_for_each_and_runs_nothing_of_its_own() {
    use std::os::unix::fs::PermissionsExt;
    let (root, path) = place();
    let folder = root.path().join("anchors");
    fs::create_dir(&folder).unwrap();
    git(&folder, &["init", "--quiet"]);
    // Each of these, once it runs, is newer than what is written behind it here.
    for hook in [
        "pre-commit",
        "post-commit",
        "commit-msg",
        "post-index-change",
    ] {
        let file = folder.join(".git/hooks").join(hook);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "#!/usr/bin/env touch\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    // What somebody else has staged there is none of ours.
    fs::write(folder.join("theirs"), "x").unwrap();
    git(
        &folder,
        &["-c", "core.hooksPath=/dev/null", "add", "theirs"],
    );
    fs::write(folder.join("theirs"), "x").unwrap();
    let settings = settings(&[Anchor::Git(folder.clone())]);
    let journal = Journal::open(&path, &settings).unwrap();
    for n in 0..3 {
        journal.append(said("x", n)).await.unwrap();
        journal.anchor_now(at(n)).await.unwrap();
    }
    let subjects = git(&folder, &["log", "--format=%an %s"]);
    assert_eq!(subjects.lines().count(), 5, "{subjects}");
    assert!(
        subjects.starts_with("quell Anchor 3 records of quell.dev/journal/"),
        "{subjects}"
    );
    let files = git(&folder, &["ls-tree", "--name-only", "HEAD"]);
    assert_eq!(files.lines().count(), 1, "{files}");
    let modified = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    let written = modified(&folder.join("theirs"));
    for hook in fs::read_dir(folder.join(".git/hooks")).unwrap() {
        let hook = hook.unwrap().path();
        assert!(modified(&hook) <= written, "{} ran", hook.display());
    }
    let against = Against {
        anchors: &settings.anchors,
        files: &[],
    };
    let verdict = verify(&path, &against).unwrap();
    assert_eq!((verdict.anchored(), verdict.broken), (3, None));
    // What was committed counts, not what lies in the working tree.
    let name = files.trim();
    fs::write(folder.join(name), "").unwrap();
    assert_eq!(verify(&path, &against).unwrap().anchored(), 3);
}
