//! Which regular files lie in a folder, and are they still the ones that were read?
//!
//! Used by the sources that read files which others write: [`super::terraform`] and [`super::spool`].
//! It never waits for a pipe, never opens a device, and looks at a bounded number of names, as a path
//! may be `/` by mistake. What a file holds is for its reader.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rustix::fs::{Mode, OFlags};

use crate::domain::source::{ErrorKind, SourceError};

/// No more names are looked at.
const MAX_NAMES: usize = 50_000;

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) size: u64,
    mtime_secs: i64,
    mtime_nanos: i64,
    /// Also when its permissions changed: a file that could not be read is tried again then.
    ctime_secs: i64,
    ctime_nanos: i64,
}

impl Identity {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            mtime_secs: metadata.mtime(),
            mtime_nanos: metadata.mtime_nsec(),
            ctime_secs: metadata.ctime(),
            ctime_nanos: metadata.ctime_nsec(),
        }
    }

    /// When the file was last written.
    pub(super) fn written_at(&self) -> DateTime<Utc> {
        let nanos = u32::try_from(self.mtime_nanos).unwrap_or_default();
        DateTime::from_timestamp(self.mtime_secs, nanos).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// Whether it is the same file, however much it has grown.
    pub(super) fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// May a name in the folder point somewhere else?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    /// A link to a regular file is read: mounted volumes are made of them.
    Follow,
    /// Whoever may write into the folder could make us read anything.
    Refuse,
}

/// How to look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// How many folders deep below the first.
    pub(super) depth: usize,
    /// What becomes of links.
    pub(super) links: Links,
    /// No more files are taken.
    pub(super) max_files: usize,
    /// Which names are meant.
    pub(super) is_wanted: fn(&str) -> bool,
}

/// A regular file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) path: PathBuf,
    /// Its path below the folder, or its name.
    pub(super) name: String,
    pub(super) identity: Identity,
}

/// What is not read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) name: String,
    pub(super) why: String,
    pub(super) how: HowRefused,
}

/// Whether a thing was meant to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HowRefused {
    /// It was, and cannot be: a part that failed.
    Failed,
    /// It lies outside of what is looked at: worth a word.
    LeftOut,
}

/// What lies there, by name. Two equal listings mean that nothing was written in between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) files: Vec<Listed>,
    pub(super) refused: Vec<Refused>,
}

/// Lists a folder, or the one file that is named.
///
/// # Errors
/// `Local`: it is not there, or may not be looked into. The next step is said.
pub(super) fn list(root: &Path, look: Look) -> Result<Listing, SourceError> {
    let metadata = fs::metadata(root).map_err(|error| unreadable(root, &error))?;
    let mut walk = Walk {
        look,
        listing: Listing::default(),
        names: 0,
        is_full: false,
    };
    if metadata.is_dir() {
        walk.folder(root, "", 0)
            .map_err(|error| unreadable(root, &error))?;
        walk.listing.files.sort_by(|a, b| a.name.cmp(&b.name));
        return Ok(walk.listing);
    }
    if !metadata.is_file() {
        let detail = format!(
            "{} is neither a file nor a folder: name one of them",
            root.display()
        );
        return Err(SourceError::new(ErrorKind::Local, &detail));
    }
    let name = root.file_name().unwrap_or(root.as_os_str());
    walk.listing.files.push(Listed {
        path: root.to_owned(),
        name: name.to_string_lossy().into_owned(),
        identity: Identity::of(&metadata),
    });
    Ok(walk.listing)
}

fn unreadable(path: &Path, error: &io::Error) -> SourceError {
    let path = path.display();
    let next = match error.kind() {
        io::ErrorKind::NotFound => "make it, or correct the path in the config",
        io::ErrorKind::PermissionDenied => "let your user read it",
        _ => "see whether it can be read at all",
    };
    SourceError::new(
        ErrorKind::Local,
        &format!("{path} cannot be read: {error}; {next}"),
    )
}

/// Opens a regular file for reading; anything else is an error, at once.
pub(super) fn open(path: &Path, links: Links) -> io::Result<(File, Identity)> {
    let mut flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    if links == Links::Refuse {
        flags |= OFlags::NOFOLLOW;
    }
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from)?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok((file, Identity::of(&metadata)))
}

struct Walk {
    look: Look,
    listing: Listing,
    names: usize,
    /// Whether it was said that there are too many files.
    is_full: bool,
}

impl Walk {
    fn refuse(&mut self, name: String, why: String, how: HowRefused) {
        self.listing.refused.push(Refused { name, why, how });
    }

    fn folder(&mut self, folder: &Path, below: &str, depth: usize) -> io::Result<()> {
        let left = MAX_NAMES.saturating_sub(self.names) + 1;
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)?.take(left) {
            names.push(entry?.file_name());
        }
        // Sorted, so that a limit always leaves out the same files.
        names.sort();
        for name in names {
            self.names += 1;
            if self.names > MAX_NAMES {
                let why = format!("holds more than {MAX_NAMES} names: the rest is not looked at");
                self.refuse(folder.display().to_string(), why, HowRefused::LeftOut);
                return Ok(());
            }
            let text = name.to_string_lossy();
            if !text.starts_with('.') {
                self.entry(&folder.join(&name), &text, below, depth);
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, file_name: &str, below: &str, depth: usize) {
        let name = format!("{below}{file_name}");
        let is_wanted = (self.look.is_wanted)(file_name);
        let here = match fs::symlink_metadata(path) {
            Ok(here) => here,
            // It was taken away while we looked.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.refuse(name, error.to_string(), HowRefused::Failed),
        };
        if here.is_dir() {
            if depth >= self.look.depth {
                let why = "is a folder that is not looked into".to_owned();
                return self.refuse(name, why, HowRefused::LeftOut);
            }
            if let Err(error) = self.folder(path, &format!("{name}/"), depth + 1) {
                self.refuse(name, error.to_string(), HowRefused::Failed);
            }
            return;
        }
        if !is_wanted {
            return;
        }
        let there = if here.is_symlink() {
            if self.look.links == Links::Refuse {
                let why = "is a link: only regular files are read, put the file itself there";
                return self.refuse(name, why.to_owned(), HowRefused::Failed);
            }
            match fs::metadata(path) {
                Ok(there) => there,
                Err(error) => return self.refuse(name, error.to_string(), HowRefused::Failed),
            }
        } else {
            here
        };
        if !there.is_file() {
            let why = "is no regular file: put a file there".to_owned();
            return self.refuse(name, why, HowRefused::Failed);
        }
        let max = self.look.max_files;
        if self.listing.files.len() >= max {
            if !std::mem::replace(&mut self.is_full, true) {
                let why = format!("and what follows comes after {max} other files: not read");
                self.refuse(name, why, HowRefused::LeftOut);
            }
            return;
        }
        self.listing.files.push(Listed {
            path: path.to_owned(),
            name,
            identity: Identity::of(&there),
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    const LOOK: Look = Look {
        depth: 1,
        links: Links::Follow,
        max_files: 2,
        is_wanted: |name| name.starts_with('a'),
    };

    #[test]
    fn too_many_files_are_said_once_and_always_the_same_are_left_out() {
        let folder = tempfile::TempDir::new().unwrap();
        for name in ["a1", "a2", "a3", "a4", "b"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let listing = list(folder.path(), LOOK).unwrap();
        let names: Vec<&str> = listing.files.iter().map(|f| &*f.name).collect();
        assert_eq!(names, ["a1", "a2"]);
        let [refused] = &listing.refused[..] else {
            unreachable!("{:?}", listing.refused);
        };
        assert_eq!(refused.name, "a3");
        assert_eq!(refused.how, HowRefused::LeftOut);
    }

    #[test]
    fn a_link_is_followed_or_refused_but_a_linked_folder_is_never_entered() {
        let folder = tempfile::TempDir::new().unwrap();
        let there = tempfile::TempDir::new().unwrap();
        fs::write(there.path().join("a"), "x").unwrap();
        let link = |to: &Path, name: &str| {
            std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
        };
        link(&there.path().join("a"), "a-file");
        link(there.path(), "a-folder");
        let followed = list(folder.path(), LOOK).unwrap();
        assert_eq!(followed.files.len(), 1);
        assert_eq!(followed.refused.len(), 1);
        let refused = Look {
            links: Links::Refuse,
            ..LOOK
        };
        let refused = list(folder.path(), refused).unwrap();
        assert!(refused.files.is_empty());
        assert_eq!(refused.refused.len(), 2);
        let opened = open(&folder.path().join("a-file"), Links::Refuse);
        assert!(opened.is_err());
    }
}
