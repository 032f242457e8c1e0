//! Where does a checkpoint go that an editor of the journal cannot reach?
//!
//! To the machine's log, to a file, best on another file system, to a git repository with a commit for
//! each. A checkpoint holds no content of the journal: its size and one hash. Called by
//! [`super::writer`], on a thread of its own: an anchor that is slow or fails never holds up a record.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::checkpoint::Checkpoint;
use super::file::add_note;
use crate::config::actions::Anchor;
use crate::config::paths::create_private_dir;
use crate::domain::text::shown;

/// Where syslog and journald listen.
const LOG_SOCKET: &str = "/dev/log";
/// `<facility * 8 + severity>`: authpriv, notice (RFC 3164, 4.1.1).
const PRIORITY: u8 = 10 * 8 + 5;
/// For each call of git.
const GIT_TIMEOUT: Duration = Duration::from_secs(10);
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// The file in the repository, one for each journal.
pub(super) fn file_in_git(name: &str) -> String {
    let end = name.rsplit('/').next().unwrap_or(name);
    format!("quell-journal-{end}.checkpoints")
}

/// How people name an anchor.
pub(super) fn words(anchor: &Anchor) -> String {
    match anchor {
        Anchor::Syslog => "syslog".to_owned(),
        Anchor::File(path) => path.display().to_string(),
        Anchor::Git(path) => format!("git {}", path.display()),
    }
}

/// Puts a checkpoint there.
///
/// # Errors
/// Why it is not there, in words.
pub(super) fn keep(anchor: &Anchor, checkpoint: &Checkpoint) -> Result<(), String> {
    let of = |error: io::Error| error.to_string();
    match anchor {
        Anchor::Syslog => to_log(Path::new(LOG_SOCKET), checkpoint).map_err(of),
        Anchor::File(path) => to_file(path, checkpoint).map_err(of),
        Anchor::Git(folder) => to_git(folder, checkpoint),
    }
}

/// What anchors of this kind can be read back: the text that holds the checkpoints.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn read(anchor: &Anchor, name: &str) -> Option<Result<String, String>> {
    match anchor {
        // Only the log's own tools read it: its lines are handed over with --anchor.
        Anchor::Syslog => None,
        Anchor::File(path) => Some(std::fs::read_to_string(path).map_err(|e| e.to_string())),
        Anchor::Git(folder) => {
            let object = format!("HEAD:{}", file_in_git(name));
            Some(git(folder, &["cat-file", "blob", &object]))
        }
    }
}

pub(super) fn to_log(socket: &Path, checkpoint: &Checkpoint) -> io::Result<()> {
    let log = UnixDatagram::unbound()?;
    log.set_nonblocking(true)?;
    log.connect(socket)?;
    let line = format!(
        "<{PRIORITY}>quell[{}]: {}",
        std::process::id(),
        checkpoint.line()
    );
    log.send(line.as_bytes())?;
    Ok(())
}

fn to_file(path: &Path, checkpoint: &Checkpoint) -> io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        create_private_dir(folder)?;
    }
    add_note(path, checkpoint)?;
    std::fs::File::open(path)?.sync_data()
}

fn to_git(folder: &Path, checkpoint: &Checkpoint) -> Result<(), String> {
    let name = file_in_git(&checkpoint.name);
    let path = folder.join(&name);
    let kind = git(folder, &["rev-parse", "--is-inside-work-tree"])?;
    if kind.trim() != "true" {
        return Err("it is no working tree".to_owned());
    }
    add_note(&path, checkpoint).map_err(|error| error.to_string())?;
    git(folder, &["add", "--", &name])?;
    let message = format!("Anchor {} records of {}", checkpoint.size, checkpoint.name);
    let commit = [
        "-c",
        "user.name=quell",
        "-c",
        "user.email=quell@localhost",
        "-c",
        "commit.gpgSign=false",
        "commit",
        "--quiet",
        "--no-verify",
        "--message",
        &message,
        "--only",
        "--",
        &name,
    ];
    git(folder, &commit).map(drop)
}

/// Runs git by argv, without a hook, a file watcher, or any config but the repository's own. One of
/// another user is refused by git itself, as its config may name programs.
fn git(folder: &Path, args: &[&str]) -> Result<String, String> {
    let search = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let always = [
        "--literal-pathspecs",
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "gc.auto=0",
    ];
    let mut child = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(always)
        .args(args)
        .env_clear()
        .env("PATH", search)
        .envs([
            ("LC_ALL", "C"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_NO_LAZY_FETCH", "1"),
            ("GIT_ALLOW_PROTOCOL", "none"),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "git is not installed".to_owned(),
            _ => format!("git: {error}"),
        })?;
    let (output, complaint) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let begun = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if begun.elapsed() < GIT_TIMEOUT => thread::sleep(BETWEEN_LOOKS),
            Ok(None) => {
                // It is given up whether or not it can be ended.
                let _ = child.kill();
                let _ = child.wait();
                let secs = GIT_TIMEOUT.as_secs();
                return Err(format!("git did not answer within {secs} s"));
            }
            Err(error) => return Err(format!("git: {error}")),
        }
    };
    let text =
        |bytes: Option<Vec<u8>>| String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
    let output = text(output.and_then(|reading| reading.join().ok()));
    if status.success() {
        return Ok(output);
    }
    let complaint = text(complaint.and_then(|reading| reading.join().ok()));
    let first = complaint.lines().next().unwrap_or("it said nothing");
    Err(format!(
        "git: {}",
        shown(first.strip_prefix("fatal: ").unwrap_or(first))
    ))
}

/// Reads a pipe on the side, so that a full one does not stop the program behind it.
fn drain(pipe: Option<impl io::Read + Send + 'static>) -> Option<thread::JoinHandle<Vec<u8>>> {
    let mut pipe = pipe?;
    let reading = move || {
        let mut bytes = Vec::new();
        // What was read before a pipe failed is all there is.
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    };
    thread::Builder::new().spawn(reading).ok()
}
