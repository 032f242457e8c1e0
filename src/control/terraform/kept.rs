//! Where are the plan files between `terraform.plan` and `terraform.apply`?
//!
//! In a folder of the user's own: a plan holds the values of a whole state, secrets among them. A file is
//! named by its SHA-256, so that what is applied is what was shown, and is removed once it was applied. One
//! that nobody applied within a day is removed when the next is made.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::config::paths::{Paths, create_private_dir, write_private};
use crate::control::local;
use crate::domain::plan::Digest;

const MAX_AGE: Duration = Duration::from_hours(24);

/// The folder of the plan files.
#[derive(Clone, Debug)]
pub(in crate::control) struct Kept {
    folder: PathBuf,
}

impl Kept {
    /// In the state folder of the user.
    pub(super) fn of_user() -> Result<Self, String> {
        let paths = Paths::find().map_err(|error| error.to_string())?;
        Ok(Self::at(&paths.state.join("terraform")))
    }

    /// In this folder.
    pub(super) fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// A name for a file that is about to be made.
    pub(super) fn new_file(&self) -> io::Result<PathBuf> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        create_private_dir(&self.folder)?;
        fs::set_permissions(&self.folder, Permissions::from_mode(0o700))?;
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        Ok(self.folder.join(format!("new-{process}-{count}")))
    }

    /// Keeps what was made for a folder, under its digest.
    pub(super) fn keep(&self, made: &Path, directory: &str) -> io::Result<Digest> {
        fs::set_permissions(made, Permissions::from_mode(0o600))?;
        let file = File::open(made)?;
        let digest = local::digest(&file)?;
        let digest = digest.ok_or_else(|| io::Error::other("it has no digest"))?;
        self.tidy(&file);
        write_private(&self.beside(&digest), directory.as_bytes())?;
        fs::rename(made, self.file(&digest))?;
        Ok(digest)
    }

    /// The file of a digest, if it is there, still the same, and made for this folder.
    pub(super) fn checked(&self, digest: &Digest, directory: &str) -> Result<PathBuf, String> {
        let path = self.file(digest);
        let here = "no such plan on this machine: make one with terraform.plan";
        let file = File::open(&path).map_err(|_| here.to_owned())?;
        let found = local::digest(&file).map_err(|error| error.kind().to_string())?;
        if found.as_ref() != Some(digest) {
            return Err("the plan file is not what it was: make a new one".to_owned());
        }
        let made_for = fs::read_to_string(self.beside(digest)).map_err(|_| here.to_owned())?;
        if made_for != directory {
            return Err(format!("this plan was made for {made_for}"));
        }
        Ok(path)
    }

    /// Removes what belongs to a digest.
    pub(super) fn remove(&self, digest: &Digest) {
        for path in [self.file(digest), self.beside(digest)] {
            // One that is gone already is what is wanted.
            let _gone = fs::remove_file(path);
        }
    }

    fn file(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{digest}.tfplan"))
    }

    fn beside(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{digest}.dir"))
    }

    /// Removes what is a day older than the newest.
    fn tidy(&self, newest: &File) {
        let modified =
            |about: io::Result<fs::Metadata>| about.and_then(|about| about.modified()).ok();
        let Some(oldest) = modified(newest.metadata()).and_then(|at| at.checked_sub(MAX_AGE))
        else {
            return;
        };
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if modified(entry.metadata()).is_some_and(|at| at < oldest) {
                let _gone = fs::remove_file(entry.path());
            }
        }
    }
}
