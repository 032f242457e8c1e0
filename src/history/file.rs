//! May the history's file be opened, and where does one go that cannot be read?
//!
//! Called by [`super::schema`] before SQLite sees the path. It never reads or writes what is in the
//! file.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::words;
use crate::config::paths::create_private_dir;

/// More files are never set aside: by then somebody must look.
const MAX_ASIDE: usize = 100;

/// Makes the file where there is none, readable by the user alone; refuses what is no regular file.
pub(super) fn prepare(path: &Path) -> Result<(), String> {
    let of = |error: &io::Error| {
        let next = match error.kind() {
            io::ErrorKind::PermissionDenied => "let your user write the folder",
            io::ErrorKind::StorageFull => "make room on the disk",
            _ => "check the path and its folder",
        };
        words::line(path, &error.to_string(), next)
    };
    create_private_dir(folder_of(path)).map_err(|error| of(&error))?;
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        // A folder that may not be written may still hold a history that can be read.
        Err(_) if fs::symlink_metadata(path).is_ok() => {}
        Err(error) => return Err(of(&error)),
    }
    let kind = fs::symlink_metadata(path).map_err(|error| of(&error))?;
    if !kind.is_file() {
        let what = if kind.is_symlink() {
            "it is a link, which may lead anywhere: not opened"
        } else {
            "it is no regular file: not opened"
        };
        return Err(words::line(path, what, "move it away"));
    }
    if kind.permissions().mode() & 0o077 != 0 {
        make_private(path).map_err(|error| {
            let what = format!("others may read it, and that cannot be changed: {error}");
            words::line(path, &what, "chmod 600 it, or move it away")
        })?;
    }
    Ok(())
}

/// Which file a path leads to: another one after it was moved, or deleted and made anew.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    let data = fs::symlink_metadata(path).ok()?;
    Some((data.dev(), data.ino()))
}

fn folder_of(path: &Path) -> &Path {
    let parent = path.parent().unwrap_or(Path::new("."));
    if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    }
}

/// Through the open file, as the path may lead elsewhere a moment later.
fn make_private(path: &Path) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    file.set_permissions(Permissions::from_mode(0o600))
}

/// Moves a file that cannot be read out of the way, with what SQLite keeps beside it. Gives its new
/// path; what was set aside earlier stays.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf, String> {
    let free = (0..MAX_ASIDE).map(|count| aside(path, count));
    let free = free
        .into_iter()
        .find(|to| fs::symlink_metadata(to).is_err());
    let Some(to) = free else {
        let what = "it cannot be read, and too many such files lie beside it";
        return Err(words::line(path, what, "move the `.unreadable` files away"));
    };
    fs::rename(path, &to).map_err(|error| {
        let what = format!("it cannot be read, nor set aside: {error}");
        words::line(path, &what, "move it away")
    })?;
    for end in ["-wal", "-shm"] {
        // Left beside the new file, it would be taken for a part of it.
        if let Err(error) = fs::rename(with_end(path, end), with_end(&to, end))
            && error.kind() != io::ErrorKind::NotFound
        {
            let what = format!("it cannot be read, and its `{end}` file stays: {error}");
            return Err(words::line(path, &what, "move both away"));
        }
    }
    Ok(to)
}

fn aside(path: &Path, count: usize) -> PathBuf {
    match count {
        0 => with_end(path, ".unreadable"),
        count => with_end(path, &format!(".unreadable-{count}")),
    }
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}
