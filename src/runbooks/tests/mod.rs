//! The whole way from a folder to a library, against the real git.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed unwrap fails the test"
)]

mod files;
mod text;
mod versions;

use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use tempfile::TempDir;

/// A folder that is removed at the end. Its path has no links in it.
struct Folder {
    _kept: TempDir,
    path: PathBuf,
}

impl Folder {
    fn new() -> Self {
        let kept = tempfile::tempdir().unwrap();
        let path = kept.path().canonicalize().unwrap();
        Self { _kept: kept, path }
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let at = self.path.join(path);
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::fs::write(&at, content).unwrap();
        at
    }

    /// Makes the folder a repository of what is in it.
    fn commit_all(&self) -> String {
        git(&self.path, &["init", "--quiet", "--initial-branch=main"]);
        commit_all(&self.path)
    }
}

fn commit_all(folder: &Path) -> String {
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message=test"]);
    git(folder, &["rev-parse", "HEAD"])
}

/// Runs the real git and gives what it says, without the last line feed.
fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.com"])
        .args(["-c", "protocol.file.allow=always", "-C"])
        .arg(folder)
        .args(args)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {complaint}");
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

async fn read_folder(path: &Path) -> Library {
    let settings = RunbookSettings {
        path: Some(path.to_path_buf()),
        ..RunbookSettings::default()
    };
    read(&settings).await.unwrap()
}

fn book<'a>(library: &'a Library, id: &str) -> &'a Runbook {
    let found = library.runbooks.iter().find(|book| book.id.raw() == id);
    found.unwrap_or_else(|| panic!("no `{id}` among {:?}", ids(library)))
}

fn ids(library: &Library) -> Vec<&str> {
    library.runbooks.iter().map(|book| book.id.raw()).collect()
}

#[tokio::test]
async fn what_is_built_in_can_be_read() {
    let library = read(&RunbookSettings::default()).await.unwrap();
    assert_eq!(library.problems, Vec::<String>::new());
    assert_eq!(library.origin.place.unwrap().raw(), "built in");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks");
    let from_disk = read_folder(&folder).await;
    let texts = |books: &[Runbook]| {
        let text = |book: &Runbook| (book.path.clone(), book.source.clone());
        books.iter().map(text).collect::<Vec<_>>()
    };
    assert_eq!(texts(&library.runbooks), texts(&from_disk.runbooks));
    for book in &library.runbooks {
        assert_eq!(book.problems, Vec::<String>::new(), "{}", book.path);
        // An archive without git has no more than the bytes.
        if let Version::Git { blob, .. } = &book.version {
            assert_eq!(
                blob,
                &git(&folder, &["hash-object", "--no-filters", book.path.raw()])
            );
        } else {
            assert_eq!(book.version, unversioned(book.source.as_bytes()));
        }
    }
}
