//! Which files do the settings name, and what are their texts?
//!
//! Called by [`super::read`], on a thread that may block. Bounded in every direction, as a path may
//! be `/` by mistake. No device or pipe is read, no file twice.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::batch::Named;

/// No more files are read.
const MAX_FILES: usize = 5_000;

/// No larger file is read.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// All files together are no larger.
const MAX_TOTAL_BYTES: usize = 32 * 1024 * 1024;

/// No more names are looked at.
const MAX_NAMES: usize = 100_000;

/// No deeper folder is looked into.
const MAX_DEPTH: usize = 16;

/// How the files of a folder end.
const ENDS: [&str; 3] = ["yaml", "yml", "json"];

/// A file, or a folder that cannot be read.
#[derive(Debug)]
pub(super) struct Found {
    /// As given, with what lies below it.
    pub(super) path: PathBuf,
    pub(super) named: Named,
    /// Which of the given paths led to it.
    pub(super) from: usize,
    pub(super) text: Result<String, Unread>,
}

/// Why something is not read.
#[derive(Debug)]
pub(super) struct Unread {
    pub(super) why: String,
    pub(super) next_step: &'static str,
}

impl Unread {
    fn new(why: impl Into<String>, next_step: &'static str) -> Self {
        Self {
            why: why.into(),
            next_step,
        }
    }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        let next_step = match error.kind() {
            io::ErrorKind::NotFound => "correct `slo.paths`",
            io::ErrorKind::PermissionDenied => "let your user read it",
            _ => "see whether it can be read at all",
        };
        Self::new(format!("cannot be read: {error}"), next_step)
    }
}

/// What the paths led to.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// In the order of the paths, a folder's files in that of their names.
    pub(super) found: Vec<Found>,
    /// Which of the given paths led to something that an earlier one had led to.
    pub(super) met_again: Vec<usize>,
}

/// Reads what the paths name.
pub(super) fn read(paths: &[PathBuf]) -> Findings {
    let mut walk = Walk::default();
    for (from, path) in paths.iter().enumerate() {
        walk.from = from;
        if walk.is_full {
            let next_step = "name folders that hold SLOs only";
            let unread = Unread::new("comes after too many other files", next_step);
            walk.leave_out(path, unread);
            continue;
        }
        let kind = fs::metadata(path);
        let is_folder = kind.as_ref().is_ok_and(fs::Metadata::is_dir);
        let done = match kind {
            Err(error) => Err(error.into()),
            Ok(_) if is_folder => walk.folder(path, 0),
            Ok(_) => walk.file(path, Named::Itself),
        };
        if let Err(unread) = done {
            walk.leave_out(path, unread);
        }
    }
    walk.findings
}

#[derive(Default)]
struct Walk {
    findings: Findings,
    /// Where the files and folders really are: the same one may be named twice, links may lead in
    /// circles.
    seen: HashSet<PathBuf>,
    from: usize,
    names: usize,
    files: usize,
    bytes: usize,
    /// Whether a limit was reached, which was said.
    is_full: bool,
}

impl Walk {
    fn leave_out(&mut self, path: &Path, unread: Unread) {
        self.findings.found.push(Found {
            path: path.to_path_buf(),
            named: Named::Itself,
            from: self.from,
            text: Err(unread),
        });
    }

    fn stop(&mut self, why: String) -> Unread {
        self.is_full = true;
        let next_step = "name a folder that holds SLOs only; the rest is left out";
        Unread::new(why, next_step)
    }

    fn folder(&mut self, folder: &Path, depth: usize) -> Result<(), Unread> {
        if depth > MAX_DEPTH {
            let why = format!("lies more than {MAX_DEPTH} folders deep");
            return Err(Unread::new(why, "name it in `slo.paths` by itself"));
        }
        if !self.seen.insert(folder.canonicalize()?) {
            self.findings.met_again.push(self.from);
            return Ok(());
        }
        for name in self.names_in(folder)? {
            self.names += 1;
            if self.names > MAX_NAMES {
                return Err(self.stop(format!("holds more than {MAX_NAMES} names")));
            }
            if name.to_string_lossy().starts_with('.') {
                continue;
            }
            let path = folder.join(name);
            if let Err(unread) = self.entry(&path, depth) {
                self.leave_out(&path, unread);
            }
            if self.is_full {
                break;
            }
        }
        Ok(())
    }

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

    fn entry(&mut self, path: &Path, depth: usize) -> Result<(), Unread> {
        let end = path.extension().and_then(|end| end.to_str());
        let is_wanted = end.is_some_and(|end| ENDS.contains(&end));
        match fs::metadata(path) {
            Ok(kind) if kind.is_dir() => self.folder(path, depth + 1),
            Ok(_) if is_wanted => self.file(path, Named::ByFolder),
            // A link that leads nowhere is only missed if it was to be read.
            Err(error) if is_wanted => Err(error.into()),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn file(&mut self, path: &Path, named: Named) -> Result<(), Unread> {
        let real = path.canonicalize()?;
        if self.seen.contains(&real) {
            self.findings.met_again.push(self.from);
            return Ok(());
        }
        if self.files == MAX_FILES {
            return Err(self.stop(format!("comes after {MAX_FILES} other files")));
        }
        let bytes = bytes_of(&real)?;
        self.seen.insert(real);
        self.files += 1;
        self.bytes += bytes.len();
        if self.bytes > MAX_TOTAL_BYTES {
            let mib = MAX_TOTAL_BYTES / (1024 * 1024);
            return Err(self.stop(format!("comes after {mib} MiB of other files")));
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| Unread::new("is no text in UTF-8", "save it as UTF-8"))?;
        self.findings.found.push(Found {
            path: path.to_path_buf(),
            named,
            from: self.from,
            text: Ok(text),
        });
        Ok(())
    }
}

/// The bytes of a regular file. The path was resolved: a link that stands there now came later.
fn bytes_of(real: &Path) -> Result<Vec<u8>, Unread> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(real, flags, Mode::empty()).map_err(io::Error::from)?;
    let file = File::from(file);
    if !file.metadata()?.is_file() {
        let next_step = "name a file or a folder";
        return Err(Unread::new("is no regular file", next_step));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let why = format!("is larger than {} MiB", MAX_FILE_BYTES / (1024 * 1024));
        return Err(Unread::new(why, "split it, or name the right file"));
    }
    Ok(bytes)
}
