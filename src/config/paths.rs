//! Where on this machine does quell keep what?
//!
//! Folders by the platform's rules (`XDG_*` on Linux), and the files in them. Also the one way in
//! which quell writes a file of its own: private, whole or not at all. Used by `load`, by the
//! snapshot, by claims and by the log.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use directories::{ProjectDirs, UserDirs};

/// The user has no home folder, so there is no place for a config or for state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no home folder: set HOME")]
pub struct NoHome;

/// The folders of quell. None of them need exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// What `~/` stands for.
    pub home: PathBuf,
    /// Written by the user: the config, themes.
    pub config: PathBuf,
    /// Written by quell and not to be lost: claims.
    pub data: PathBuf,
    /// Written by quell, of this machine only: snapshots, logs.
    pub state: PathBuf,
    /// May be deleted at any time.
    pub cache: PathBuf,
}

impl Paths {
    /// The folders of this user.
    ///
    /// # Errors
    /// There is no home folder.
    pub fn find() -> Result<Self, NoHome> {
        let user = UserDirs::new().ok_or(NoHome)?;
        let quell = ProjectDirs::from("", "", "quell").ok_or(NoHome)?;
        Ok(Self {
            home: user.home_dir().to_owned(),
            config: quell.config_dir().to_owned(),
            data: quell.data_dir().to_owned(),
            // Only Linux has a folder for state.
            state: quell
                .state_dir()
                .unwrap_or(quell.data_local_dir())
                .to_owned(),
            cache: quell.cache_dir().to_owned(),
        })
    }

    /// All folders below one, for tests and for `quell demo`, which leaves the user's own alone.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        Self {
            home: root.to_owned(),
            config: root.join("config"),
            data: root.join("data"),
            state: root.join("state"),
            cache: root.join("cache"),
        }
    }

    /// The config file that is read when none is named.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// Themes of the user, one TOML file each.
    #[must_use]
    pub fn themes_dir(&self) -> PathBuf {
        self.config.join("themes")
    }

    /// The last picture of an environment: two environments never show each other's.
    #[must_use]
    pub fn snapshot_file(&self, environment: Option<&str>) -> PathBuf {
        self.state
            .join(per_environment("snapshot", environment, "json"))
    }

    /// What was told of changes and drift before, of an environment.
    #[must_use]
    pub fn history_file(&self, environment: Option<&str>) -> PathBuf {
        self.state
            .join(per_environment("history", environment, "db"))
    }

    /// What was done, of an environment; kept for good.
    #[must_use]
    pub fn journal_file(&self, environment: Option<&str>) -> PathBuf {
        self.state
            .join(per_environment("journal", environment, "log"))
    }

    /// The file whose presence stops every dispatch on this machine, unless the config names another.
    #[must_use]
    pub fn panic_file(&self) -> PathBuf {
        self.state.join("PANIC")
    }

    /// Where the processes of this user see what each other is about to do.
    #[must_use]
    pub fn holds_dir(&self) -> PathBuf {
        self.state.join("holds")
    }

    /// Who has taken what, on this machine.
    #[must_use]
    pub fn claims_file(&self) -> PathBuf {
        self.data.join("claims.json")
    }

    /// What Prometheus said of hours that are over, so that it is not asked for them again.
    #[must_use]
    pub fn burn_dir(&self) -> PathBuf {
        self.cache.join("burn")
    }

    /// Logs, rotated.
    #[must_use]
    pub fn log_dir(&self) -> PathBuf {
        self.state.join("log")
    }

    /// The path that a text of the config or a flag means: `~/` is the home folder.
    #[must_use]
    pub fn expand(&self, path: &Path) -> PathBuf {
        match path.strip_prefix("~") {
            Ok(rest) if rest.as_os_str().is_empty() => self.home.clone(),
            Ok(rest) => self.home.join(rest),
            Err(_) => path.to_owned(),
        }
    }
}

/// `snapshot.json`, or `snapshot@prod.json`. The config allows only harmless names; should another
/// come this way, it still cannot leave the folder.
fn per_environment(stem: &str, environment: Option<&str>, ending: &str) -> String {
    let Some(name) = environment else {
        return format!("{stem}.{ending}");
    };
    let safe: String = name
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => c,
            _ => '_',
        })
        .collect();
    format!("{stem}@{safe}.{ending}")
}

/// Creates a folder that only the user may enter, with whatever is missing above it. One that is
/// there keeps its permissions.
///
/// # Errors
/// What the system says.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Replaces a file at once: a reader sees the old bytes or the new ones, also after a crash. Only
/// the user may read it, from its first byte on. Creates the folder if needed.
///
/// # Errors
/// What the system says. The old file is then untouched.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Two writers of one process must not share a temporary file.
    static COUNTER: AtomicU64 = AtomicU64::new(0);

    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not the name of a file",
        ));
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    create_private_dir(folder)?;
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}-{count}.tmp", std::process::id()));
    let temporary = folder.join(temporary);

    let written = write_new(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        // The first error is the one to tell; a file that was never made cannot be removed.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    // Without this the rename itself may be lost with the power.
    File::open(folder)?.sync_all()
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .or_else(|error| match error.kind() {
            // Left behind by a process of the same id that was killed.
            io::ErrorKind::AlreadyExists => {
                fs::remove_file(path)?;
                OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(path)
            }
            _ => Err(error),
        })?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn files_are_private_and_replaced_whole() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("state/deep/snapshot.json");
        write_private(&path, b"one").unwrap();
        write_private(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&root.path().join("state")), 0o700);
        assert_eq!(mode(&root.path().join("state/deep")), 0o700);
        let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "no temporary file stays: {left:?}");
    }

    #[test]
    fn a_file_that_was_readable_becomes_private() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("claims.json");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write_private(&path, b"new").unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("taken");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), "x").unwrap();
        assert!(write_private(&path, b"new").is_err());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        assert!(write_private(Path::new("/"), b"new").is_err());
    }

    #[test]
    fn home_is_expanded_only_at_the_start() {
        let paths = Paths::below(Path::new("/home/mara"));
        for (text, path) in [
            ("~/runbooks", "/home/mara/runbooks"),
            ("~", "/home/mara"),
            ("/a/~/b", "/a/~/b"),
            ("~mara/x", "~mara/x"),
            ("a/b", "a/b"),
        ] {
            assert_eq!(paths.expand(Path::new(text)), Path::new(path), "{text}");
        }
    }

    #[test]
    fn environments_never_share_a_snapshot_nor_leave_the_folder() {
        let paths = Paths::below(Path::new("/q"));
        let file = |env| paths.snapshot_file(env);
        assert_eq!(file(None), Path::new("/q/state/snapshot.json"));
        assert_eq!(file(Some("prod")), Path::new("/q/state/snapshot@prod.json"));
        assert_eq!(file(Some("../x")).parent(), Some(Path::new("/q/state")));
    }
}
