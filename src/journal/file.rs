//! Is the record on disk, behind all that others wrote?
//!
//! The one place that writes the journal. Several quell on one machine share the file: each append
//! locks it, reads what others added, writes one frame and flushes it. After a write or a flush that
//! failed nothing more is taken until the file is opened anew: what a failed flush left behind cannot be
//! known, and asking again would be answered with success. Called by [`super::writer`] alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rustix::fs::{FlockOperation, Mode, OFlags, flock};

use super::checkpoint::{Checkpoint, Sealer};
use super::frame::{self, Frame};
use super::scan::{Ended, First, Position, first, first_line};
use crate::config::paths::create_private_dir;
use crate::domain::record::Record;

/// For the lock. An append of another process takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);
const BETWEEN_TRIES: Duration = Duration::from_micros(500);
/// More unfinished records are never kept: by then somebody must look.
const MOST_ASIDE: usize = 100;

/// A journal that is open for writing.
pub(super) struct Store {
    path: PathBuf,
    file: File,
    at: Position,
    sealer: Result<Sealer, String>,
    /// Why nothing more is taken.
    failed: Option<String>,
    /// What a person should know, though every record holds.
    cautions: Vec<String>,
    /// When the file was made, if this made it.
    pub(super) founded: Option<DateTime<Utc>>,
    sync: fn(&File) -> io::Result<()>,
}

/// The file beside a journal that has this ending.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The file with the private key of a journal.
pub(super) fn key_file(path: &Path) -> PathBuf {
    beside(path, ".key")
}

/// The file with a journal's own checkpoints.
pub(super) fn checkpoints_file(path: &Path) -> PathBuf {
    beside(path, ".checkpoints")
}

/// Opens a file for reading that must be a regular one.
///
/// # Errors
/// What the system says, or what it is instead.
pub(super) fn open_to_read(path: &Path) -> io::Result<File> {
    open_regular(path, OFlags::RDONLY)
}

fn open_regular(path: &Path, access: OFlags) -> io::Result<File> {
    // A pipe would wait for its other end, a link may lead anywhere.
    let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR);
    let file = File::from(opened.map_err(|error| match error {
        rustix::io::Errno::LOOP => io::Error::other("it is a link, which may lead anywhere"),
        other => other.into(),
    })?);
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::other("it is no regular file"))
}

/// Holds the lock of a file, shared or alone, until it is dropped.
pub(super) struct Locked<'a>(&'a File);

impl<'a> Locked<'a> {
    /// Waits for the lock, but not for ever.
    ///
    /// # Errors
    /// Another process keeps it.
    pub(super) fn alone(file: &'a File) -> io::Result<Self> {
        Self::take(file, FlockOperation::NonBlockingLockExclusive)
    }

    /// The same for those that only read.
    ///
    /// # Errors
    /// Another process keeps it.
    pub(super) fn shared(file: &'a File) -> io::Result<Self> {
        Self::take(file, FlockOperation::NonBlockingLockShared)
    }

    fn take(file: &'a File, how: FlockOperation) -> io::Result<Self> {
        let begun = Instant::now();
        loop {
            match flock(file, how) {
                Ok(()) => return Ok(Self(file)),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::WOULDBLOCK) if begun.elapsed() < PATIENCE => {
                    thread::sleep(BETWEEN_TRIES);
                }
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let secs = PATIENCE.as_secs();
                    let why = format!("another quell has held it for {secs} s");
                    return Err(io::Error::other(why));
                }
                Err(other) => return Err(other.into()),
            }
        }
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // A lock that cannot be given back goes with the file.
        let _ = flock(self.0, FlockOperation::Unlock);
    }
}

impl Store {
    /// Opens it, or begins one, and reads all of it. `each` is told of every record that is there.
    ///
    /// # Errors
    /// In words: it cannot be opened, or a record does not hold.
    pub(super) fn open(
        path: &Path,
        mut each: impl FnMut(&Position, &Frame<'_>),
    ) -> Result<Self, String> {
        let say = |error: &io::Error| format!("{}: {error}", path.display());
        let file = open_or_create(path).map_err(|error| say(&error))?;
        let locked = Locked::alone(&file).map_err(|error| say(&error))?;
        let (mut cautions, mut founded) = (Vec::new(), None);
        let begun = file.metadata().and_then(|data| first(&file, data.len()));
        let at = match begun.map_err(|error| say(&error))? {
            First::Line(position) => *position,
            First::Foreign(why) => return Err(format!("{}: {why}", path.display())),
            First::Unborn => {
                let at = found(path, &file, &mut cautions).map_err(|error| say(&error))?;
                let made = file.metadata().and_then(|data| data.modified());
                founded = made.ok().map(DateTime::from);
                at
            }
        };
        let sealer = Sealer::load(&key_file(path), &at.identity);
        drop(locked);
        if let Err(why) = &sealer {
            cautions.push(format!("no checkpoint can be signed: {why}"));
        }
        let mode = file.metadata().map_err(|error| say(&error))?.mode();
        if mode & 0o077 != 0 {
            let shown = path.display();
            cautions.push(format!(
                "others on this machine may read it: chmod 600 {shown}"
            ));
        }
        let mut store = Self {
            path: path.to_owned(),
            file,
            at,
            sealer,
            failed: None,
            cautions,
            founded,
            sync: File::sync_data,
        };
        store.locked(|store| store.catch_up(&mut each))?;
        Ok(store)
    }

    /// Why nothing more is taken, if so.
    pub(super) fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// What a person should know, though every record holds.
    pub(super) fn cautions(&self) -> &[String] {
        &self.cautions
    }

    /// How many records there are.
    pub(super) fn total(&self) -> u64 {
        self.at.next()
    }

    /// Keeps a record: it is on disk when this returns. `each` is told of what others added before it.
    ///
    /// # Errors
    /// It is not on disk, or nobody can say.
    pub(super) fn append(
        &mut self,
        record: &Record,
        mut each: impl FnMut(&Position, &Frame<'_>),
    ) -> Result<u64, String> {
        self.locked(|store| {
            store.catch_up(&mut each)?;
            let seq = store.at.next();
            let frame = frame::write(seq, &store.at.previous, record)?;
            store.write(&frame)?;
            store.at.pass(frame.len() as u64, &frame::hash(&frame));
            Ok(seq)
        })
    }

    /// Signs what the journal is now, and keeps that beside it.
    ///
    /// # Errors
    /// Why it could not be signed.
    pub(super) fn checkpoint(
        &mut self,
        at: DateTime<Utc>,
        mut each: impl FnMut(&Position, &Frame<'_>),
    ) -> Result<Checkpoint, String> {
        self.locked(|store| {
            store.catch_up(&mut each)?;
            let sealer = store.sealer.as_ref().map_err(Clone::clone)?;
            let checkpoint = sealer.seal(store.total(), store.at.tree.root(), at);
            let own = checkpoints_file(&store.path);
            add_note(&own, &checkpoint).map_err(|error| format!("{}: {error}", own.display()))?;
            Ok(checkpoint)
        })
    }

    /// Another way to flush, for what no disk does on demand.
    #[cfg(test)]
    pub(super) fn fail_to_sync(&mut self, sync: fn(&File) -> io::Result<()>) {
        self.sync = sync;
    }

    fn locked<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        if let Some(why) = &self.failed {
            return Err(why.clone());
        }
        // The lock belongs to what was opened, not to this descriptor.
        let file = self.file.try_clone().map_err(|error| self.words(&error))?;
        let locked = Locked::alone(&file).map_err(|error| self.words(&error))?;
        let done = work(self);
        drop(locked);
        done
    }

    fn words(&self, error: &io::Error) -> String {
        format!("{}: {error}", self.path.display())
    }

    /// From here on nothing is taken.
    fn fail(&mut self, why: String) -> String {
        self.failed = Some(why.clone());
        why
    }

    /// Reads what was added since, under the lock.
    fn catch_up(&mut self, each: impl FnMut(&Position, &Frame<'_>)) -> Result<(), String> {
        let shown = self.path.display().to_string();
        let here = self.file.metadata().map_err(|error| self.words(&error))?;
        let is_there = fs::symlink_metadata(&self.path)
            .is_ok_and(|there| (there.dev(), there.ino()) == (here.dev(), here.ino()));
        if !is_there {
            return Err(self.fail(format!(
                "{shown}: it was moved or deleted while it was open"
            )));
        }
        if here.len() < self.at.end {
            let (next, end, now) = (self.total(), self.at.end, here.len());
            return Err(self.fail(format!(
                "{shown}: it was cut off while it was open: {next} records were {end} bytes, it has {now}"
            )));
        }
        let file = self.file.try_clone().map_err(|error| self.words(&error))?;
        match self.at.read_on(&file, here.len(), each) {
            Ok(Ended::Whole) => Ok(()),
            Ok(Ended::Torn(bytes)) => self.cut_off(bytes).map_err(|error| {
                let why = self.words(&error);
                self.fail(why)
            }),
            Ok(Ended::Broken(found)) => {
                let (seq, offset, what) = (found.seq, found.offset, found.what);
                Err(self.fail(format!("{shown}: record {seq} at byte {offset}: {what}")))
            }
            Err(error) => {
                let why = self.words(&error);
                Err(self.fail(why))
            }
        }
    }

    /// Whoever wrote these bytes was killed before it could tell anybody of the record: it is taken off,
    /// and kept beside the journal.
    fn cut_off(&mut self, bytes: u64) -> io::Result<()> {
        let kept = keep_aside(&self.path, &self.file, self.at.end, bytes)?;
        self.file.set_len(self.at.end)?;
        self.file.sync_all()?;
        self.cautions.push(format!(
            "{bytes} bytes of a record that was never finished were taken off its end, and kept in {}",
            kept.display()
        ));
        Ok(())
    }

    fn write(&mut self, frame: &[u8]) -> Result<(), String> {
        let written = self.file.write_all_at(frame, self.at.end);
        let what = match written.and_then(|()| (self.sync)(&self.file)) {
            Ok(()) => return Ok(()),
            Err(error) => self.words(&error),
        };
        // Nobody was told of this record. Another process must not build on one that may never reach
        // the disk, nor take half a frame for a crash.
        let taken_back = self.file.set_len(self.at.end);
        let rest = taken_back
            .err()
            .map(|error| format!("; taking it back: {error}"));
        let rest = rest.unwrap_or_default();
        Err(self.fail(format!(
            "{what}{rest}: no more records are taken until the journal is opened again"
        )))
    }
}

fn open_or_create(path: &Path) -> io::Result<File> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        create_private_dir(folder)?;
    }
    open_regular(path, OFlags::RDWR | OFlags::CREATE)
}

/// Begins a journal, under the lock.
fn found(path: &Path, file: &File, cautions: &mut Vec<String>) -> io::Result<Position> {
    let begun = file.metadata()?.len();
    if begun > 0 {
        let kept = keep_aside(path, file, 0, begun)?;
        file.set_len(0)?;
        cautions.push(format!(
            "its first line was never finished: begun anew, the rest is in {}",
            kept.display()
        ));
    }
    let (key, notes) = (key_file(path), checkpoints_file(path));
    // What is left of a journal that is gone still speaks for its anchors.
    for left in [&key, &notes] {
        if let Some(kept) = move_aside(left)? {
            let (left, kept) = (left.display(), kept.display());
            cautions.push(format!(
                "{left} was of an earlier journal and is now {kept}"
            ));
        }
    }
    let sealer = Sealer::new()?;
    sealer.keep(&key)?;
    let line = first_line(sealer.identity());
    file.write_all_at(line.as_bytes(), 0)?;
    file.sync_all()?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    // Without this the file itself may be lost with the power.
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    match first(file, line.len() as u64)? {
        First::Line(position) => Ok(*position),
        First::Unborn | First::Foreign(_) => {
            Err(io::Error::other("its first line is not what was written"))
        }
    }
}

fn move_aside(path: &Path) -> io::Result<Option<PathBuf>> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(None);
    }
    let to = free_name(path, "earlier")?;
    fs::rename(path, &to)?;
    Ok(Some(to))
}

fn free_name(path: &Path, why: &str) -> io::Result<PathBuf> {
    let names = (0..MOST_ASIDE).map(|count| beside(path, &format!(".{why}-{count}")));
    let free = names
        .into_iter()
        .find(|to| fs::symlink_metadata(to).is_err());
    free.ok_or_else(|| io::Error::other(format!("{MOST_ASIDE} files are already kept aside")))
}

fn keep_aside(path: &Path, file: &File, from: u64, bytes: u64) -> io::Result<PathBuf> {
    let length = usize::try_from(bytes).map_err(io::Error::other)?;
    let mut torn = vec![0; length];
    file.read_exact_at(&mut torn, from)?;
    let to = free_name(path, "torn")?;
    let mut kept = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&to)?;
    kept.write_all(&torn)?;
    kept.sync_all()?;
    Ok(to)
}

/// Adds a signed note to a file of them.
///
/// # Errors
/// What the system says.
pub(super) fn add_note(path: &Path, checkpoint: &Checkpoint) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.append(true).create(true).mode(0o600).open(path)?;
    // In one write, so that the notes of two processes do not mix; the line feed before it ends what
    // a crash may have left unfinished.
    file.write_all(format!("\n{}", checkpoint.note()).as_bytes())
}
