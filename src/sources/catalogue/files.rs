//! Which files belong to a catalogue, and has one of them changed?
//!
//! Called by [`super::read`], on a thread that may block. Bounded in every direction, as the path may
//! be `/` by mistake. Nothing outside the folder is opened, no device or pipe is read, no address is
//! asked.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::entity::{self, Entity, Found};
use crate::domain::text::shown;

/// No more files are read.
const MAX_FILES: usize = 5_000;

/// No larger file is read.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// All files together are no larger.
const MAX_TOTAL_BYTES: usize = 64 * 1024 * 1024;

/// No more names are looked at.
const MAX_NAMES: usize = 100_000;

/// No deeper folder is looked into.
const MAX_DEPTH: usize = 5;

/// What a file of a catalogue is called, in a folder.
const NAMES: [&str; 2] = ["catalog-info.yaml", "catalog-info.yml"];

/// A catalogue as it was read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Catalog {
    /// In the order of their files.
    pub(super) entities: Vec<Entity>,
    /// What was left out: where, why, and what next.
    pub(super) problems: Vec<String>,
    /// What the folder holds.
    listing: Listing,
    /// Each file that was opened or missed, as it was then.
    stamps: BTreeMap<PathBuf, Option<Stamp>>,
}

/// What is found by looking at names only.
#[derive(Debug, Default, PartialEq)]
struct Listing {
    /// Sorted, real paths.
    files: Vec<PathBuf>,
    problems: Vec<String>,
}

/// What changes when a file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// What has become of a catalogue since it was last read.
pub(super) enum Read {
    Same,
    Changed(Catalog),
}

/// Reads the catalogue, if anything of it is not as it was `before`.
///
/// # Errors
/// The path itself cannot be read.
pub(super) fn read(path: &Path, before: Option<&Catalog>) -> io::Result<Read> {
    let real = path.canonicalize()?;
    let is_folder = real.is_dir();
    let root = if is_folder {
        real.clone()
    } else {
        real.parent().unwrap_or(Path::new("/")).to_path_buf()
    };
    let listing = if is_folder {
        Walk::through(&root)?
    } else {
        // An error of its own if it cannot be read, not a line among others.
        drop(open(&real)?);
        Listing {
            files: vec![real],
            problems: Vec::new(),
        }
    };
    if let Some(before) = before
        && before.listing == listing
        && before
            .stamps
            .iter()
            .all(|(at, stamp)| stamp_of(at) == *stamp)
    {
        return Ok(Read::Same);
    }
    let mut reading = Reading {
        root: &root,
        seen: HashSet::new(),
        bytes: 0,
        catalog: Catalog::default(),
    };
    reading.all(&listing.files);
    let mut catalog = reading.catalog;
    catalog.problems.splice(0..0, listing.problems.clone());
    catalog.listing = listing;
    Ok(Read::Changed(catalog))
}

fn stamp_of(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().as_ref().map(Stamp::of)
}

impl Stamp {
    fn of(data: &Metadata) -> Self {
        Self {
            inode: data.ino(),
            size: data.size(),
            modified: (data.mtime(), data.mtime_nsec()),
            changed: (data.ctime(), data.ctime_nsec()),
        }
    }
}

struct Walk<'a> {
    root: &'a Path,
    /// Links may lead in circles.
    seen: HashSet<PathBuf>,
    names: usize,
    too_deep: usize,
    listing: Listing,
}

impl<'a> Walk<'a> {
    fn through(root: &'a Path) -> io::Result<Listing> {
        let mut walk = Walk {
            root,
            seen: HashSet::from([root.to_path_buf()]),
            names: 0,
            too_deep: 0,
            listing: Listing::default(),
        };
        let names = walk.names_in(root)?;
        walk.entries(root, names, 0);
        if walk.names > MAX_NAMES {
            let what = format!("holds more than {MAX_NAMES} names");
            walk.leave_out(root, &what, "name a folder of the catalogue alone");
        }
        if walk.too_deep > 0 {
            let what = format!(
                "{} folders lie more than {MAX_DEPTH} deep: not looked into",
                walk.too_deep
            );
            walk.leave_out(root, &what, "name a folder that lies deeper");
        }
        walk.listing.files.sort();
        Ok(walk.listing)
    }

    fn leave_out(&mut self, path: &Path, what: &str, next: &str) {
        self.listing.problems.push(line(path, what, next));
    }

    /// Sorted, so that a limit always leaves out the same files. Without the files that have nothing to
    /// do with the catalogue: they are counted only.
    fn names_in(&mut self, folder: &Path) -> io::Result<Vec<OsString>> {
        let left = MAX_NAMES.saturating_sub(self.names) + 1;
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)?.take(left) {
            let entry = entry?;
            self.names += 1;
            let name = entry.file_name();
            let is_other_file = entry.file_type()?.is_file() && !is_wanted(&name);
            if !is_other_file && !name.as_encoded_bytes().starts_with(b".") {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn entries(&mut self, folder: &Path, names: Vec<OsString>, depth: usize) {
        for name in names {
            if self.names > MAX_NAMES {
                return;
            }
            self.entry(&folder.join(&name), depth);
        }
    }

    fn entry(&mut self, path: &Path, depth: usize) {
        let is_wanted = path.file_name().is_some_and(is_wanted);
        let real = match path.canonicalize() {
            Ok(real) => real,
            // A link that leads nowhere is only missed if it was to be read.
            Err(error) if is_wanted => return self.leave_out(path, &error.to_string(), CHECK),
            Err(_) => return,
        };
        let is_folder = real.is_dir();
        if !is_folder && !is_wanted {
            return;
        }
        if !real.starts_with(self.root) {
            let next = "copy it into the folder, or name it as a source of its own";
            return self.leave_out(path, "leads out of the folder: not followed", next);
        }
        if !self.seen.insert(real.clone()) {
            return;
        }
        if !is_folder {
            self.listing.files.push(real);
        } else if depth == MAX_DEPTH {
            self.too_deep += 1;
        } else {
            match self.names_in(&real) {
                Ok(names) => self.entries(&real, names, depth + 1),
                Err(error) => self.leave_out(path, &error.to_string(), CHECK),
            }
        }
    }
}

fn is_wanted(name: &OsStr) -> bool {
    NAMES.iter().any(|wanted| name == *wanted)
}

const CHECK: &str = "let your user read it";

struct Reading<'a> {
    root: &'a Path,
    seen: HashSet<PathBuf>,
    bytes: usize,
    catalog: Catalog,
}

impl Reading<'_> {
    fn all(&mut self, files: &[PathBuf]) {
        let mut queue: VecDeque<PathBuf> = files.iter().cloned().collect();
        while let Some(path) = queue.pop_front() {
            if !self.seen.insert(path.clone()) {
                continue;
            }
            if self.seen.len() > MAX_FILES {
                let what = format!("comes after {MAX_FILES} other files: the rest is left out");
                self.leave_out(&path, &what, "name a folder of the catalogue alone");
                return;
            }
            let text = match self.text(&path) {
                Ok(text) => text,
                Err((what, next)) => {
                    self.leave_out(&path, &what, next);
                    continue;
                }
            };
            if self.bytes > MAX_TOTAL_BYTES {
                let mib = MAX_TOTAL_BYTES / (1024 * 1024);
                let what = format!("comes after {mib} MiB of other files: the rest is left out");
                self.leave_out(&path, &what, "name a folder of the catalogue alone");
                return;
            }
            let name = shown(&path.display().to_string());
            let Found {
                entities,
                targets,
                problems,
            } = entity::of(&name, &text);
            self.catalog.entities.extend(entities);
            self.catalog.problems.extend(problems);
            for (at, target) in targets {
                match self.target(&path, &target) {
                    Ok(found) => queue.push_back(found),
                    Err((what, next)) => {
                        let target = shown(&target);
                        let line = format!("{at}: target `{target}` {what}; next: {next}");
                        self.catalog.problems.push(line);
                    }
                }
            }
        }
    }

    fn leave_out(&mut self, path: &Path, what: &str, next: &str) {
        self.catalog.problems.push(line(path, what, next));
    }

    fn text(&mut self, path: &Path) -> Result<String, (String, &'static str)> {
        // Before it is read: what is written meanwhile is read again.
        self.catalog
            .stamps
            .insert(path.to_path_buf(), stamp_of(path));
        let failed = |error: io::Error| (format!("cannot be read: {error}"), CHECK);
        let file = open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        let read = file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(failed)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            let what = format!("is larger than {} MiB", MAX_FILE_BYTES / (1024 * 1024));
            return Err((what, "split it"));
        }
        self.bytes += bytes.len();
        let text = String::from_utf8(bytes);
        text.map_err(|_| ("is no text in UTF-8".to_owned(), "save it as UTF-8"))
    }

    /// The file that a Location leads to.
    fn target(&mut self, from: &Path, target: &str) -> Result<PathBuf, (String, &'static str)> {
        let copy = "copy what it leads to into the folder";
        if target.contains("://") {
            return Err(("is an address: not followed".to_owned(), copy));
        }
        if target.contains('*') {
            let next = "name the files one by one";
            return Err(("has a wildcard: not followed".to_owned(), next));
        }
        let path = from.parent().unwrap_or(self.root).join(target);
        let real = path.canonicalize().map_err(|error| {
            // It may be there at the next poll.
            self.catalog.stamps.insert(path.clone(), None);
            let next = "correct the target, or bring the file";
            (format!("cannot be read: {error}"), next)
        })?;
        if !real.starts_with(self.root) {
            return Err(("leads out of the folder: not followed".to_owned(), copy));
        }
        Ok(real)
    }
}

/// A regular file. The path was resolved: a link that stands there now came later.
fn open(real: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(real, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok(file)
}

fn line(path: &Path, what: &str, next: &str) -> String {
    let path = shown(&path.display().to_string());
    format!("{path}: {}; next: {next}", shown(what))
}
