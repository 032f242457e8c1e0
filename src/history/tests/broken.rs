//! Files that are no history, are cut off, full, or belong to others.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn beside(path: &Path, end: &str) -> PathBuf {
    PathBuf::from(format!("{}{end}", path.display()))
}

#[tokio::test]
async fn only_the_user_may_read_it() {
    let (_root, path) = place();
    let mut history = open(&path, 0).await;
    history
        .remember(&k8s(), &drifts(&["d"]), t(0))
        .await
        .unwrap();
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&beside(&path, "-wal")), 0o600);
    drop(history);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    open(&path, 1).await;
    assert_eq!(mode(&path), 0o600);
}

#[tokio::test]
async fn what_is_no_regular_file_is_refused_and_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("target");
    fs::write(&target, "precious").unwrap();
    let link = root.path().join("link.db");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let dangling = root.path().join("dangling.db");
    std::os::unix::fs::symlink(root.path().join("nowhere"), &dangling).unwrap();
    let folder = root.path().join("folder.db");
    fs::create_dir(&folder).unwrap();
    for path in [&link, &dangling, &folder] {
        let error = History::open(path, KEEP, t(0)).await.unwrap_err();
        assert!(error.contains("next: move it away"), "{error}");
    }
    assert_eq!(fs::read(&target).unwrap(), b"precious");
    assert!(!root.path().join("nowhere").exists());
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_set_aside_and_said() {
    let (_root, path) = place();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let garbage = [
        b"not a database at all, ".repeat(500),
        b"neither".repeat(900),
    ];
    for (count, bytes) in garbage.iter().enumerate() {
        fs::write(&path, bytes).unwrap();
        fs::write(beside(&path, "-wal"), "garbage").unwrap();
        let mut history = open(&path, 0).await;
        let end = [".unreadable", ".unreadable-1"][count];
        assert_eq!(&fs::read(beside(&path, end)).unwrap(), bytes);
        assert_eq!(history.troubles().len(), 1);
        let trouble = &history.troubles()[0];
        assert!(
            trouble.contains(end) && trouble.contains("next: "),
            "{trouble}"
        );
        assert!(
            history
                .remember(&k8s(), &drifts(&["d"]), t(0))
                .await
                .unwrap()
        );
        drop(history);
        assert_eq!(open(&path, 1).await.past().drifts_seen.len(), 1);
        fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn a_page_of_garbage_inside_is_found_at_the_start() {
    let (_root, path) = place();
    let mut history = open(&path, 0).await;
    let many: Vec<Change> = (0..500).map(|n| change(&format!("c{n}"), 0)).collect();
    history
        .remember(&k8s(), &changes(&many), t(0))
        .await
        .unwrap();
    history.close().await.unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[4096 * 3..middle].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    let history = open(&path, 1).await;
    let trouble = &history.troubles()[0];
    assert!(trouble.contains("set aside"), "{trouble}");
    assert!(history.past().changes.is_empty());
    let aside = fs::read(beside(&path, ".unreadable")).unwrap();
    assert!(aside[4096 * 3..] == bytes[4096 * 3..], "kept as it was");
}

#[tokio::test]
async fn a_newer_file_is_left_to_the_newer_quell() {
    let (_root, path) = place();
    let mut history = open(&path, 0).await;
    sqlx::query("PRAGMA user_version = 99")
        .execute(&mut history.db)
        .await
        .unwrap();
    history.close().await.unwrap();
    let bytes = fs::read(&path).unwrap();
    let error = History::open(&path, KEEP, t(0)).await.unwrap_err();
    assert!(
        error.contains("newer quell (shape 99") && error.contains("next: "),
        "{error}"
    );
    let now = fs::read(&path).unwrap();
    assert!(now == bytes, "not one byte of it is touched");
}

#[tokio::test]
async fn a_database_of_another_program_is_refused() {
    let (_root, path) = place();
    let mut history = open(&path, 0).await;
    for sql in ["PRAGMA user_version = 0", "CREATE TABLE theirs (a)"] {
        sqlx::query(sql).execute(&mut history.db).await.unwrap();
    }
    history.close().await.unwrap();
    let error = History::open(&path, KEEP, t(0)).await.unwrap_err();
    assert!(error.contains("another program"), "{error}");
}

#[tokio::test]
async fn rows_that_cannot_be_read_are_left_out_and_counted() {
    let (_root, path) = place();
    let mut history = open(&path, 0).await;
    let told = changes(&[change("a", 0), change("b", 1)]);
    history.remember(&k8s(), &told, t(0)).await.unwrap();
    let spoil =
        "UPDATE changes SET body = replace(body, '\"version\"', '\"telepathy\"') WHERE id = 'a'";
    sqlx::query(spoil).execute(&mut history.db).await.unwrap();
    drop(history);
    let mut history = open(&path, 1).await;
    assert_eq!(history.past().changes, [change("b", 1)]);
    assert!(
        history.troubles()[0].contains("1 changes in it cannot be read"),
        "{:?}",
        history.troubles()
    );
    assert!(history.remember(&k8s(), &told, t(2)).await.unwrap());
    let seen_a = history.past().changes_seen[&line("a")];
    assert_eq!(seen_a, seen(0, 2, 1), "told again, it is whole again");
}

#[tokio::test]
async fn a_full_disk_is_said_and_what_is_remembered_stays() {
    let (_root, path) = place();
    let mut history = open(&path, 0).await;
    history
        .remember(&k8s(), &drifts(&["d"]), t(0))
        .await
        .unwrap();
    // SQLite lowers the limit to what is in use, and fails as it does on a full disk.
    sqlx::query("PRAGMA max_page_count = 1")
        .fetch_all(&mut history.db)
        .await
        .unwrap();
    let many: Vec<Change> = (0..500).map(|n| change(&format!("c{n}"), 0)).collect();
    let mut both = changes(&many);
    both.drifts = drifts(&["d"]).drifts;
    let error = history.remember(&k8s(), &both, t(1)).await.unwrap_err();
    assert!(error.contains("next: make room on the disk"), "{error}");
    assert_eq!(history.past().drifts_seen[&line("d")], seen(0, 0, 1));
    assert!(history.past().changes.is_empty());
    sqlx::query("PRAGMA max_page_count = 100000")
        .fetch_all(&mut history.db)
        .await
        .unwrap();
    assert!(
        history.remember(&k8s(), &both, t(2)).await.unwrap(),
        "tried again with the next answer"
    );
    assert_eq!(history.past().changes.len(), 500);
    assert_eq!(history.past().drifts_seen[&line("d")], seen(0, 2, 1));
}

#[tokio::test]
async fn a_copy_cut_off_anywhere_holds_whole_answers_only() {
    let (root, path) = place();
    let mut history = open(&path, 0).await;
    let mut told = Vec::new();
    for answer in 0..12 {
        told.extend((0..9).map(|n| change(&format!("a{answer}-{n}"), answer)));
        history
            .remember(&k8s(), &changes(&told), t(answer))
            .await
            .unwrap();
    }
    // What another has begun and not committed is nobody's.
    let mut other = open(&path, 12).await;
    let mut begun = sqlx::Connection::begin_with(&mut other.db, "BEGIN IMMEDIATE")
        .await
        .unwrap();
    sqlx::query("DELETE FROM changes")
        .execute(&mut *begun)
        .await
        .unwrap();
    let (main, log) = (
        fs::read(&path).unwrap(),
        fs::read(beside(&path, "-wal")).unwrap(),
    );
    let mut counts = std::collections::BTreeSet::new();
    for cut in 0..40 {
        let copy = root.path().join(format!("copy{cut}.db"));
        fs::write(&copy, &main).unwrap();
        fs::write(beside(&copy, "-wal"), &log[..log.len() * cut / 39]).unwrap();
        let history = open(&copy, 20).await;
        assert_eq!(history.troubles(), [""; 0]);
        let kept = history.past().changes.len();
        assert_eq!(kept % 9, 0, "half an answer");
        counts.insert(kept);
    }
    assert!(counts.len() > 5 && counts.contains(&108), "{counts:?}");
}

#[tokio::test]
async fn a_file_that_is_deleted_while_it_is_in_use_is_begun_anew_and_that_is_said() {
    let (_root, path) = place();
    let mut history = open(&path, 0).await;
    history
        .remember(&k8s(), &drifts(&["d", "e"]), t(0))
        .await
        .unwrap();
    for end in ["", "-wal", "-shm"] {
        fs::remove_file(beside(&path, end)).unwrap();
    }
    let told = drifts(&["d"]);
    assert!(history.remember(&k8s(), &told, t(1)).await.unwrap());
    assert!(
        history.troubles()[0].contains("moved or deleted"),
        "{:?}",
        history.troubles()
    );
    assert!(!history.remember(&k8s(), &told, t(2)).await.unwrap());
    drop(history);
    let history = open(&path, 3).await;
    assert_eq!(history.past().drifts_seen.len(), 1);
    assert_eq!(history.past().drifts_seen[&line("d")], seen(1, 1, 1));
}

const CHILD: &str = "QUELL_HISTORY_TEST_CHILD";

/// Not a test of its own: the process that [`a_killed_process_loses_nothing_that_it_had_told_of`]
/// kills. Without the variable it ends at once.
#[tokio::test]
async fn killed_child() {
    let Some(path) = std::env::var_os(CHILD) else {
        return;
    };
    let mut history = open(Path::new(&path), 0).await;
    let mut told = Vec::new();
    for n in 0.. {
        told.push(change(&format!("c{n}"), n));
        history
            .remember(&k8s(), &changes(&told), t(n))
            .await
            .unwrap();
        let mut out = std::io::stdout();
        writeln!(out, "\nremembered {}", n + 1).unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_that_it_had_told_of() {
    let (_root, path) = place();
    let mut sessions = 0;
    for kill_after in [3, 40, 90] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "history::tests::broken::killed_child",
                "--nocapture",
            ])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = lines.map_while(Result::ok);
        let mut said =
            said.filter_map(|line| line.strip_prefix("remembered ")?.parse::<usize>().ok());
        let reached = said.find(|count| *count >= kill_after).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let history = open(&path, 1).await;
        assert_eq!(history.troubles(), [""; 0]);
        assert!(history.past().changes.len() >= reached);
        sessions += 1;
    }
    assert_eq!(sessions, 3);
}
