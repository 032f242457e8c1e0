//! Which requests and approvals lie in the shared folder?
//!
//! Everybody of a team writes here, so that nothing in it is believed: links, other things than files and
//! what is too large are refused, nothing is followed, and what is read is checked by whoever asked. Names
//! of files are made of the action's name and a digest alone. Replaced at once, and only what is ours.
//! Called by [`super`]. The same for a folder of a git work tree.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::document::MAX_DOCUMENT_BYTES;
use super::{ApprovalError, Requests};
use crate::domain::approval::ApprovalRequest;
use crate::domain::plan::{ActionId, Digest, hex};
use crate::domain::text::{Untrusted, shown};

/// A request is never longer.
pub(super) const MAX_REQUEST_BYTES: usize = 64 * 1024;
/// More names than this are not looked at: a folder of approvals is tidied up some day.
const MAX_NAMES: usize = 20_000;
const MAX_REQUESTS: usize = 500;
/// Each is checked with `ssh-keygen`.
const MAX_APPROVALS: usize = 32;

const REQUEST_ENDING: &str = ".request.json";
const APPROVAL_ENDING: &str = ".approval";

/// The name of a request's file.
pub(super) fn request_name(action: &ActionId) -> Result<String, ApprovalError> {
    Ok(format!("{}{REQUEST_ENDING}", stem(action)?))
}

/// The name of an approval's file: two approvers never meet, and the same document is one file.
pub(super) fn approval_name(action: &ActionId, text: &str) -> Result<String, ApprovalError> {
    let digest = Digest::of(text.as_bytes());
    let part = &digest.as_str()[..16];
    Ok(format!("{}.{part}{APPROVAL_ENDING}", stem(action)?))
}

/// What was read from a file may call anything an action.
fn stem(action: &ActionId) -> Result<&str, ApprovalError> {
    match ActionId::parse(action.as_str()) {
        Some(_) => Ok(action.as_str()),
        None => Err(ApprovalError::Refused(format!(
            "`{}` is no name of an action",
            shown(action.as_str())
        ))),
    }
}

/// Refuses files that decide who signs if they lie where everybody may write.
pub(super) fn check_apart(top: &Path, files: &[PathBuf]) -> Result<(), ApprovalError> {
    let Ok(top) = top.canonicalize() else {
        // Nothing can lie in it.
        return Ok(());
    };
    for file in files {
        let place = file.canonicalize().unwrap_or_else(|_| file.clone());
        if place.starts_with(&top) {
            let file = shown(&file.to_string_lossy());
            return Err(ApprovalError::NotConfigured(format!(
                "{file} lies where approvals travel: whoever hands one in could make themselves a signer. Keep it elsewhere"
            )));
        }
    }
    Ok(())
}

/// Makes a folder that git does not keep while it is empty.
pub(super) fn create(path: &Path) -> Result<(), ApprovalError> {
    match std::fs::create_dir(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(unavailable(path, &error.kind().to_string()))
        }
        _ => Ok(()),
    }
}

/// The folder, held open: it is the same one in every step.
pub(super) struct Folder {
    folder: OwnedFd,
    path: PathBuf,
}

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self, ApprovalError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let unreadable = |error: Errno| unavailable(path, &words(error));
        let folder = rustix::fs::open(path, flags, Mode::empty()).map_err(unreadable)?;
        let found = rustix::fs::fstat(&folder).map_err(unreadable)?;
        let mode = Mode::from_raw_mode(found.st_mode);
        if mode.contains(Mode::WOTH) && !mode.contains(Mode::SVTX) {
            let why = "everybody may write it (chmod o-w, or +t)";
            return Err(unavailable(path, why));
        }
        let path = path.to_owned();
        Ok(Self { folder, path })
    }

    /// Every request here.
    pub(super) fn requests(&self) -> Result<Requests, ApprovalError> {
        let mut found = Requests::default();
        let mut names = self.names(|name| name.ends_with(REQUEST_ENDING))?;
        if names.len() > MAX_REQUESTS {
            let words = format!("only {MAX_REQUESTS} of {} requests are read", names.len());
            found.problems.push(Untrusted::line(&words));
            names.truncate(MAX_REQUESTS);
        }
        for name in names {
            let request = self
                .read(&name, MAX_REQUEST_BYTES)
                .and_then(|bytes| ApprovalRequest::parse(&bytes))
                .and_then(|request| match request_name(&request.seed.id) {
                    Ok(own) if own == name => Ok(request),
                    _ => Err("it asks for another action than its name says".to_owned()),
                });
            match request {
                Ok(request) => found.requests.push(request),
                Err(why) => {
                    let words = format!("{}: {why}", shown(&name));
                    found.problems.push(Untrusted::line(&words));
                }
            }
        }
        let key = |one: &ApprovalRequest| (one.seed.at, one.seed.id.clone());
        found.requests.sort_by_key(key);
        Ok(found)
    }

    /// Names and texts of what was handed in for an action, and what of it is not even a text.
    #[expect(clippy::type_complexity, reason = "names and texts, and words")]
    pub(super) fn approvals(
        &self,
        action: &ActionId,
    ) -> Result<(Vec<(String, String)>, Vec<Untrusted>), ApprovalError> {
        let begin = format!("{}.", stem(action)?);
        let is_wanted = |name: &str| name.starts_with(&begin) && name.ends_with(APPROVAL_ENDING);
        let mut names = self.names(is_wanted)?;
        let (mut texts, mut rejected) = (Vec::new(), Vec::new());
        if names.len() > MAX_APPROVALS {
            let words = format!("only {MAX_APPROVALS} of {} approvals are read", names.len());
            rejected.push(Untrusted::line(&words));
            names.truncate(MAX_APPROVALS);
        }
        for name in names {
            let text = self.read(&name, MAX_DOCUMENT_BYTES).and_then(|bytes| {
                String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
            });
            match text {
                Ok(text) => texts.push((shown(&name), text)),
                Err(why) => {
                    let words = format!("{}: {why}", shown(&name));
                    rejected.push(Untrusted::line(&words));
                }
            }
        }
        Ok((texts, rejected))
    }

    /// Puts a file there at once: others see all of it or none. The group may read it, since others are who
    /// it is for.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ApprovalError> {
        let unwritable = |error: Errno| unavailable(&self.path.join(name), &words(error));
        match rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => {}
            Err(error) => return Err(unwritable(error)),
            Ok(found) if is_file(&found) && is_ours(&found) => {}
            Ok(_) => {
                let why = "somebody else put something of this name there";
                return Err(unavailable(&self.path.join(name), why));
            }
        }
        let mut random = [0; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
            .map_err(unwritable)?;
        let temporary = format!(".{name}.{}.tmp", hex(&random));
        let written = self.write_new(&temporary, bytes).and_then(|()| {
            rustix::fs::renameat(&self.folder, &temporary, &self.folder, name)?;
            // Without this the name may be lost with the power.
            rustix::fs::fsync(&self.folder)
        });
        written.map_err(|error| {
            // The first error is the one to tell.
            let _ = rustix::fs::unlinkat(&self.folder, &temporary, AtFlags::empty());
            unwritable(error)
        })
    }

    fn write_new(&self, name: &str, bytes: &[u8]) -> Result<(), Errno> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP;
        let file = rustix::fs::openat(&self.folder, name, flags, mode)?;
        // Whatever the umask is.
        rustix::fs::fchmod(&file, mode)?;
        let mut file = File::from(file);
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        written.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }

    fn names(&self, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<String>, ApprovalError> {
        let unreadable = |error: Errno| unavailable(&self.path, &words(error));
        let entries = Dir::read_from(&self.folder).map_err(unreadable)?;
        let mut names = Vec::new();
        for entry in entries.take(MAX_NAMES) {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().to_str().unwrap_or_default();
            // What begins with a dot is still being written.
            if !name.starts_with('.') && is_wanted(name) {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// A file's bytes, or why they are not read.
    fn read(&self, name: &str, most: usize) -> Result<Vec<u8>, String> {
        // NONBLOCK: opening a pipe that nobody writes to would wait for ever.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.folder, name, flags, Mode::empty());
        let file = file.map_err(|error| match error {
            Errno::LOOP => "it is a link".to_owned(),
            other => words(other),
        })?;
        let found = rustix::fs::fstat(&file).map_err(words)?;
        if !is_file(&found) {
            return Err("it is no file".to_owned());
        }
        if Mode::from_raw_mode(found.st_mode).contains(Mode::WOTH) {
            return Err("everybody may write it".to_owned());
        }
        let mut bytes = Vec::new();
        let mut file = File::from(file).take(most as u64 + 1);
        file.read_to_end(&mut bytes)
            .map_err(|error| error.kind().to_string())?;
        if bytes.len() > most {
            return Err(format!("it has more than {most} bytes"));
        }
        Ok(bytes)
    }
}

fn is_file(found: &Stat) -> bool {
    FileType::from_raw_mode(found.st_mode) == FileType::RegularFile
}

fn is_ours(found: &Stat) -> bool {
    found.st_uid == rustix::process::geteuid().as_raw()
}

fn words(error: Errno) -> String {
    std::io::Error::from(error).kind().to_string()
}

fn unavailable(path: &Path, why: &str) -> ApprovalError {
    let path = shown(&path.to_string_lossy());
    ApprovalError::Unavailable(format!("{path}: {why}"))
}
