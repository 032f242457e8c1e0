//! Which Markdown files lie in a folder, and what are their bytes?
//!
//! Called by [`super::read`], on a thread that may block. Bounded in every direction, as the path
//! may be `/` by mistake. Nothing outside the boundary is opened, no device or pipe is read.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use crate::domain::text::{Untrusted, shown};

/// No more runbooks are read.
pub(super) const MAX_FILES: usize = 2_000;

/// No larger runbook is read.
pub(super) const MAX_FILE_BYTES: usize = 256 * 1024;

/// All runbooks together are no larger.
pub(super) const MAX_TOTAL_BYTES: usize = 64 * 1024 * 1024;

/// No more names are looked at.
const MAX_NAMES: usize = 100_000;

/// No deeper folder is looked into.
const MAX_DEPTH: usize = 32;

/// A file as it was read.
#[derive(Debug)]
pub(super) struct Found {
    /// From the folder, with `/`.
    pub(super) path: String,
    /// Where it really is: the end of its links.
    pub(super) real: PathBuf,
    /// The nearest folder around it that looks like a repository of its own, a submodule or a
    /// clone, else the boundary.
    pub(super) repository: PathBuf,
    /// What it held.
    pub(super) bytes: Vec<u8>,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// In the order of their paths.
    pub(super) files: Vec<Found>,
    /// What was left out and why, a line each.
    pub(super) problems: Vec<String>,
}

/// Reads the `.md` files below a folder. Links may lead anywhere within the boundary. Both paths
/// are canonical.
///
/// # Errors
/// The folder itself cannot be listed.
pub(super) fn read(folder: &Path, boundary: &Path) -> io::Result<Files> {
    let mut walk = Walk {
        boundary,
        seen: HashSet::from([folder.to_path_buf()]),
        repositories: HashMap::new(),
        names: 0,
        bytes: 0,
        found: Files::default(),
    };
    let names = walk.names_in(folder)?;
    if let Err(LeftOut::Rest(why)) = walk.entries(folder, "", names, 0) {
        walk.found.problems.push(why);
    }
    walk.found.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(walk.found)
}

/// What is not read, with the reason.
enum LeftOut {
    /// This file or folder.
    This(String),
    /// This one and all that would follow: a limit was reached.
    Rest(String),
}

impl LeftOut {
    fn this(why: &str) -> Self {
        Self::This(why.to_owned())
    }
}

impl From<io::Error> for LeftOut {
    fn from(error: io::Error) -> Self {
        Self::This(shown(&format!("{error}: not read")))
    }
}

struct Walk<'a> {
    boundary: &'a Path,
    /// The real folders that were entered: links may lead in circles.
    seen: HashSet<PathBuf>,
    /// Which folders hold a `.git`.
    repositories: HashMap<PathBuf, bool>,
    names: usize,
    bytes: usize,
    found: Files,
}

impl Walk<'_> {
    /// Sorted, so that a limit always leaves out the same files.
    fn names_in(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let left = MAX_NAMES.saturating_sub(self.names) + 1;
        let names = fs::read_dir(folder)?.take(left);
        let mut names: Vec<OsString> = names
            .map(|entry| Ok(entry?.file_name()))
            .collect::<io::Result<_>>()?;
        names.sort();
        Ok(names)
    }

    fn entries(
        &mut self,
        folder: &Path,
        prefix: &str,
        names: Vec<OsString>,
        depth: usize,
    ) -> Result<(), LeftOut> {
        for name in names {
            self.names += 1;
            if self.names > MAX_NAMES {
                let why = format!("more than {MAX_NAMES} names: is it the right folder?");
                return Err(LeftOut::Rest(why));
            }
            let lossy = name.to_string_lossy();
            if lossy.starts_with('.') {
                continue;
            }
            let path = format!("{prefix}{lossy}");
            match self.entry(&folder.join(&name), &path, depth) {
                Err(LeftOut::This(why)) => {
                    let path = Untrusted::line(&path);
                    self.found.problems.push(format!("{path}: {why}"));
                }
                other => other?,
            }
        }
        Ok(())
    }

    fn entry(&mut self, at: &Path, path: &str, depth: usize) -> Result<(), LeftOut> {
        let is_markdown = at.extension().is_some_and(|end| end == "md");
        let kind = fs::symlink_metadata(at)?.file_type();
        let real = if kind.is_symlink() {
            match at.canonicalize() {
                Ok(real) => real,
                // A link that leads nowhere is only missed if it was to be a runbook.
                Err(_) if !is_markdown => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        } else {
            at.to_path_buf()
        };
        let is_folder = real.is_dir();
        if !is_folder && !is_markdown {
            return Ok(());
        }
        if !real.starts_with(self.boundary) {
            return Err(LeftOut::this("a link out of the repository: not followed"));
        }
        if at.to_str().is_none() || path.contains(char::is_control) {
            return Err(LeftOut::this("a name that is not plain text: not read"));
        }
        if is_folder {
            self.folder(&real, path, depth + 1)
        } else {
            self.file(real, path)
        }
    }

    fn folder(&mut self, real: &Path, path: &str, depth: usize) -> Result<(), LeftOut> {
        if depth > MAX_DEPTH {
            let why = format!("more than {MAX_DEPTH} folders deep: not read");
            return Err(LeftOut::This(why));
        }
        if !self.seen.insert(real.to_path_buf()) {
            return Ok(());
        }
        let names = self.names_in(real)?;
        self.entries(real, &format!("{path}/"), names, depth)
    }

    fn file(&mut self, real: PathBuf, path: &str) -> Result<(), LeftOut> {
        if self.found.files.len() == MAX_FILES {
            let why = format!("more than {MAX_FILES} runbooks: the rest is left out");
            return Err(LeftOut::Rest(why));
        }
        let bytes = bytes_of(&real)?;
        self.bytes += bytes.len();
        if self.bytes > MAX_TOTAL_BYTES {
            let mib = MAX_TOTAL_BYTES / (1024 * 1024);
            let why = format!("more than {mib} MiB of runbooks: the rest is left out");
            return Err(LeftOut::Rest(why));
        }
        let repository = self.repository_of(&real);
        self.found.files.push(Found {
            path: path.to_owned(),
            real,
            repository,
            bytes,
        });
        Ok(())
    }

    fn repository_of(&mut self, real: &Path) -> PathBuf {
        let boundary = self.boundary;
        let around = real.ancestors().skip(1).take_while(|at| *at != boundary);
        for at in around {
            let known = self.repositories.get(at).copied();
            let own = known.unwrap_or_else(|| at.join(".git").exists());
            if known.is_none() {
                self.repositories.insert(at.to_path_buf(), own);
            }
            if own {
                return at.to_path_buf();
            }
        }
        boundary.to_path_buf()
    }
}

/// The bytes of a regular file. The path was resolved: a link that stands there now came later.
fn bytes_of(real: &Path) -> Result<Vec<u8>, LeftOut> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(real, flags, Mode::empty()).map_err(io::Error::from)?;
    let file = File::from(file);
    if !file.metadata()?.is_file() {
        return Err(LeftOut::this("not a regular file: not read"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(LeftOut::This(too_large()));
    }
    Ok(bytes)
}

/// Why a file is left out.
pub(super) fn too_large() -> String {
    format!("larger than {} KiB: not read", MAX_FILE_BYTES / 1024)
}
