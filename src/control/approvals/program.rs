//! What do the tools of OpenSSH and git answer?
//!
//! The one place of the approvals that starts a program: by argv, never through a shell, with an
//! environment of its own, in its own process group so that it cannot read our terminal, bounded in time
//! and in what it says. Called by [`super::ssh`] and [`super::git`].

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::ApprovalError;
use crate::domain::text::shown;

/// More than this is no answer of these programs.
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;

/// Which programs and which agent.
#[derive(Clone, Debug)]
pub(super) struct Tools {
    /// Where programs are searched, as `PATH` lists it.
    pub(super) search_path: OsString,
    /// The agent's socket.
    pub(super) agent: Option<OsString>,
    /// Where files of a moment are made.
    pub(super) temporary: PathBuf,
}

impl Tools {
    pub(super) fn of_process() -> Self {
        let usual = || "/usr/local/bin:/usr/bin:/bin".into();
        Self {
            search_path: std::env::var_os("PATH").unwrap_or_else(usual),
            agent: std::env::var_os("SSH_AUTH_SOCK").filter(|socket| !socket.is_empty()),
            temporary: std::env::temp_dir(),
        }
    }
}

/// One call of a program.
pub(super) struct Call<'a> {
    pub(super) program: &'static str,
    pub(super) arguments: Vec<&'a OsStr>,
    /// Beside the search path, the agent and the locale.
    pub(super) environment: &'a [(&'a str, &'a str)],
    pub(super) input: &'a [u8],
    pub(super) timeout: Duration,
}

/// What it said.
#[derive(Debug)]
pub(super) struct Said {
    /// Its status; none where a signal ended it.
    pub(super) status: Option<i32>,
    pub(super) output: String,
    pub(super) complaint: String,
}

impl Said {
    pub(super) fn is_good(&self) -> bool {
        self.status == Some(0)
    }

    /// The last line of what it complained about, safe to show.
    pub(super) fn why(&self) -> String {
        let mut lines = self.complaint.lines().rev();
        let last = lines.find(|line| !line.trim().is_empty());
        last.map_or_else(
            || match self.status {
                Some(status) => format!("it ended with status {status}"),
                None => "a signal ended it".to_owned(),
            },
            |line| shown(line.trim()),
        )
    }
}

impl Call<'_> {
    pub(super) async fn run(self, tools: &Tools) -> Result<Said, ApprovalError> {
        let (program, timeout) = (self.program, self.timeout);
        let unavailable = |why: &str| ApprovalError::Unavailable(format!("{program}: {why}"));
        let mut child = self
            .command(tools)
            .spawn()
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => unavailable("it is not installed"),
                kind => unavailable(&kind.to_string()),
            })?;
        let mut group = Group::of(&child);
        let talk = tokio::time::timeout(timeout, talk(&mut child, self.input)).await;
        match talk {
            Ok(Ok(said)) => {
                group.0 = None;
                Ok(said)
            }
            Ok(Err(error)) => Err(unavailable(&error.kind().to_string())),
            Err(_) => Err(unavailable(&format!(
                "no answer within {} s",
                timeout.as_secs()
            ))),
        }
    }

    fn command(&self, tools: &Tools) -> Command {
        let mut command = Command::new(self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .env("PATH", &tools.search_path)
            .env("LC_ALL", "C")
            // Whatever wants to ask for a passphrase is told no at once, instead of waiting for our terminal.
            .env("SSH_ASKPASS", "/bin/false")
            .env("SSH_ASKPASS_REQUIRE", "force")
            .envs(self.environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(agent) = &tools.agent {
            command.env("SSH_AUTH_SOCK", agent);
        }
        command
    }
}

/// Ends the program and all that it started, unless it has ended.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended just now.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

async fn talk(child: &mut Child, input: &[u8]) -> std::io::Result<Said> {
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err(std::io::ErrorKind::BrokenPipe.into());
    };
    let write = async move {
        match stdin.write_all(input).await {
            // It ended without listening: its status says why.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    };
    let (output, complaint, ()) = tokio::try_join!(read(stdout), read(stderr), write)?;
    let status = child.wait().await?;
    Ok(Said {
        status: status.code(),
        output,
        complaint,
    })
}

async fn read(from: impl AsyncRead + Unpin) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    let mut from = from.take(MAX_ANSWER_BYTES + 1);
    from.read_to_end(&mut bytes).await?;
    if bytes.len() as u64 > MAX_ANSWER_BYTES {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
