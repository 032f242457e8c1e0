//! What became of a program that was run on this machine?
//!
//! The one place of this room that starts programs: what the config allows by path and hash, and Terraform.
//! Never through a shell. A program gets arguments, the environment of its write and nothing else: no input,
//! no terminal (it has a process group of its own, so that reading ours stops it), no open file. What it
//! prints is counted and bounded; only its exit code and the sizes are told, because the rest may be secret.
//!
//! The file is hashed and what was hashed is run, through its open descriptor: it does not matter whether
//! somebody puts another file in its place. Two gaps remain. Whoever may write into the very file can still
//! change it in between, which is why one that everybody may write to is refused. And the interpreter of a
//! script opens it by its name again.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use super::http_servers::{applied, in_doubt, not_sent, refusal};
use super::terraform;
use crate::domain::plan::{CommandWrite, Digest};
use crate::domain::record::{Refusal, StepOutcome};

/// Of each of its two outputs, this much is kept.
const MAX_OUTPUT: usize = 16 * 1024 * 1024;
/// What it left behind may hold its outputs open for so long.
const LINGER: Duration = Duration::from_secs(1);
const MAX_TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);
/// A name in the environment of a write: which variables of ours are passed on by name, with commas. Their
/// values are secrets, and stand in no plan.
pub(super) const PASS: &str = "QUELL_PASS";
/// All that every program gets.
pub(super) const ENVIRONMENT: [(&str, &str); 2] = [
    (
        "PATH",
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ),
    ("LANG", "C.UTF-8"),
];

/// What a program came to.
pub(super) struct Ran {
    pub(super) status: ExitStatus,
    pub(super) stdout: Printed,
    pub(super) stderr: Printed,
}

/// What it printed, as far as it is kept.
#[derive(Default)]
pub(super) struct Printed {
    pub(super) bytes: Vec<u8>,
    pub(super) total: u64,
}

/// Why there is no end of it.
#[derive(Debug)]
pub(super) enum Stopped {
    /// Another file stands there, or one that everybody may write to.
    Untrusted(String),
    /// It was not started.
    NotStarted(String),
    /// It was started, and nobody knows how far it came.
    Unknown(String),
}

/// How it is ended when its time is over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// At once.
    None,
    /// It is asked to stop first, and has so long to put its things in order.
    Asked(Duration),
}

/// Runs the program of a write, once.
pub(super) async fn run(write: &CommandWrite) -> StepOutcome {
    if let Some(outcome) = terraform::run(write).await {
        return outcome;
    }
    match execute(write, Patience::None).await {
        Err(stopped) => outcome(stopped),
        Ok(ran) if ran.status.success() => applied(ran.words()),
        // It may have done half of it before it failed.
        Ok(ran) => in_doubt(format!(
            "{}: what it did until then is not known",
            ran.words()
        )),
    }
}

/// What it means that there is no end of it.
pub(super) fn outcome(stopped: Stopped) -> StepOutcome {
    match stopped {
        Stopped::Untrusted(why) => refusal(Refusal::Changed, why),
        Stopped::NotStarted(why) => not_sent(why),
        Stopped::Unknown(why) => in_doubt(why),
    }
}

impl Ran {
    /// `exit code 0, 120 bytes of output, 0 of errors`
    pub(super) fn words(&self) -> String {
        let end = match self.status.code() {
            Some(code) => format!("exit code {code}"),
            None => format!("ended by {}", self.status),
        };
        let (out, err) = (self.stdout.total, self.stderr.total);
        format!("{end}, {out} bytes of output, {err} of errors")
    }
}

/// Whether a file is the program that is meant, as far as can be said before it is run.
///
/// # Errors
/// Why it is not.
pub(super) async fn check(program: &str, sha256: &str) -> Result<(), String> {
    match opened(program, sha256).await {
        Ok(_) => Ok(()),
        Err(Stopped::Untrusted(why) | Stopped::NotStarted(why) | Stopped::Unknown(why)) => Err(why),
    }
}

/// Why a file is not the program that the config means; none where it is. Runs nothing.
pub async fn problem(program: &Path, sha256: &str) -> Option<String> {
    check(&program.to_string_lossy(), sha256).await.err()
}

/// Runs a program to its end.
///
/// # Errors
/// Why there is none.
pub(super) async fn execute(write: &CommandWrite, patience: Patience) -> Result<Ran, Stopped> {
    let file = opened(&write.program, &write.sha256).await?;
    let mut command = Command::new(path_of(&file, &write.program));
    command
        .arg0(&write.program)
        .args(&write.arguments)
        .env_clear()
        .envs(environment(&write.environment))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(directory) = &write.directory {
        command.current_dir(directory);
    }
    let child = started(&mut command).await.map_err(|error| {
        let kind = error.kind();
        Stopped::NotStarted(format!("{} cannot be started: {kind}", write.program))
    })?;
    // Until here the descriptor has to be open.
    drop(file);
    finished(child, write.timeout, patience).await
}

/// A file that somebody still has open for writing cannot be started: nothing was done then.
async fn started(command: &mut Command) -> std::io::Result<Child> {
    let mut tries = 0;
    loop {
        match command.spawn() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy && tries < MAX_TRIES => {
                tries += 1;
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
            result => return result,
        }
    }
}

async fn finished(mut child: Child, timeout: Duration, patience: Patience) -> Result<Ran, Stopped> {
    let (mut stdout, mut stderr) = (Printed::default(), Printed::default());
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let pid = child.id();
    let ended = {
        let draining = async { tokio::join!(drain(out, &mut stdout), drain(err, &mut stderr)) };
        tokio::pin!(draining);
        let mut ending = async || {
            tokio::select! {
                status = child.wait() => {
                    // What it left behind may go on printing.
                    let _more = tokio::time::timeout(LINGER, &mut draining).await;
                    status
                }
                _ = &mut draining => child.wait().await,
            }
        };
        let first = tokio::time::timeout(timeout, ending()).await;
        match (first, patience) {
            (Ok(status), _) => Some(status),
            (Err(_), Patience::None) => None,
            (Err(_), Patience::Asked(wait)) => {
                signal(pid, Signal::INT);
                let _asked = tokio::time::timeout(wait, child.wait()).await;
                None
            }
        }
    };
    let Some(status) = ended else {
        signal(pid, Signal::KILL);
        // It is gone now; only its end is fetched.
        let _gone = tokio::time::timeout(LINGER, child.wait()).await;
        let limit = timeout.as_secs();
        return Err(Stopped::Unknown(format!(
            "it did not end within {limit} s and was stopped: what it did until then is not known"
        )));
    };
    let status =
        status.map_err(|e| Stopped::Unknown(format!("its end is not known: {}", e.kind())))?;
    Ok(Ran {
        status,
        stdout,
        stderr,
    })
}

/// To the program and whatever it started.
fn signal(pid: Option<u32>, signal: Signal) {
    let pid = pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    if let Some(pid) = pid {
        // It fails where nothing of it is left.
        let _gone = kill_process_group(pid, signal);
    }
}

/// All that comes is read, so that the program can end; the beginning is kept.
async fn drain(from: Option<impl AsyncRead + Unpin>, into: &mut Printed) {
    let Some(mut from) = from else {
        return;
    };
    let mut chunk = vec![0; 64 * 1024];
    // A broken pipe is the end of it.
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        into.total += count as u64;
        let room = MAX_OUTPUT.saturating_sub(into.bytes.len()).min(count);
        into.bytes.extend_from_slice(&chunk[..room]);
    }
}

fn environment(told: &[(String, String)]) -> Vec<(String, String)> {
    let passed = told.iter().find(|(name, _)| name == PASS);
    let passed = passed.map_or("", |(_, names)| names).split(',');
    let passed = passed.filter(|name| !name.is_empty());
    let passed = passed.filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)));
    let told = told.iter().filter(|(name, _)| !name.starts_with("QUELL_"));
    told.cloned().chain(passed).collect()
}

/// The open file of a program whose bytes are the expected ones.
async fn opened(program: &str, sha256: &str) -> Result<File, Stopped> {
    let (path, wanted) = (program.to_owned(), sha256.to_owned());
    // Of a large program this takes a moment.
    let opened = tokio::task::spawn_blocking(move || open(&path, &wanted)).await;
    opened.unwrap_or_else(|_| Err(Stopped::NotStarted("it could not be hashed".to_owned())))
}

fn open(program: &str, sha256: &str) -> Result<File, Stopped> {
    let unusable = |why: &str| Stopped::NotStarted(format!("{program}: {why}"));
    let untrusted = |why: &str| Stopped::Untrusted(format!("{program}: {why}"));
    if !Path::new(program).is_absolute() {
        return Err(unusable("it is no absolute path"));
    }
    let file = File::open(program).map_err(|e| unusable(&e.kind().to_string()))?;
    let about = file
        .metadata()
        .map_err(|e| unusable(&e.kind().to_string()))?;
    if !about.is_file() {
        return Err(unusable("it is no regular file"));
    }
    if about.mode() & 0o002 != 0 {
        return Err(untrusted("everybody may write to it"));
    }
    let found = hash(&file).map_err(|e| unusable(&e.kind().to_string()))?;
    if found != sha256.to_ascii_lowercase() {
        let found = found.get(..12).unwrap_or_default();
        return Err(untrusted(&format!(
            "it is another file than the config says (SHA-256 {found}...)"
        )));
    }
    Ok(file)
}

/// SHA-256 of a whole file, in hexadecimal.
pub(super) fn hash(mut file: &File) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; 256 * 1024];
    file.rewind()?;
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(crate::domain::plan::hex(&hasher.finalize())),
            count => hasher.update(&chunk[..count]),
        }
    }
}

/// The digest of a file.
pub(super) fn digest(file: &File) -> std::io::Result<Option<Digest>> {
    Ok(Digest::parse(&hash(file)?))
}

/// How the very file is named that was hashed. A script has no such name: its interpreter would look for
/// the descriptor, which is closed by then.
fn path_of(file: &File, program: &str) -> String {
    let mut start = [0; 2];
    let is_script = file.read_exact_at(&mut start, 0).is_err() || &start == b"#!";
    let fd = file.as_raw_fd();
    if is_script || !cfg!(target_os = "linux") {
        return program.to_owned();
    }
    format!("/proc/self/fd/{fd}")
}
