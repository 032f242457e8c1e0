//! Where is a secret, and how is it read?
//!
//! The config names a file, an environment variable or a program; the value is read by `sources`
//! when a request needs it and never kept in [`super::settings::Settings`], printed or logged.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use crate::domain::text::shown;

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// The first line of a file.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// The first line a program prints. Program and arguments, no shell.
    Command(Vec<String>),
}

/// Why a secret cannot be read. Names its place, never its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret from {place}: {why}")]
pub struct SecretError {
    /// Where it should be.
    pub place: String,
    /// What is wrong there.
    pub why: String,
}

/// A token longer than this is a wrong file.
const MAX_SECRET_BYTES: usize = 64 * 1024;

/// A program that asks a person, or hangs, does not hold up its source for longer.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

impl Secret {
    /// Reads it now. Nothing is cached here.
    ///
    /// A program runs without input, in its own process group so that it cannot read our terminal,
    /// for 10 s at most. What it writes to its error output is dropped: it may hold the secret.
    ///
    /// # Errors
    /// When there is nothing to read, or what is there cannot be a secret: empty, too long, not
    /// UTF-8, or with control characters.
    pub async fn read(&self) -> Result<SecretString, SecretError> {
        let bytes = match self {
            Self::File(path) => read_file(path).await,
            Self::Env(name) => read_env(name),
            Self::Command(argv) => run(argv).await,
        };
        bytes
            .and_then(|bytes| first_line(&bytes))
            .map_err(|why| SecretError {
                place: self.to_string(),
                why,
            })
    }
}

impl fmt::Display for Secret {
    /// The place, for messages. Arguments of a program are left out: people put tokens there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file {}", shown(&path.to_string_lossy())),
            Self::Env(name) => write!(f, "environment variable {}", shown(name)),
            Self::Command(argv) => {
                let program = argv.first().map_or("", String::as_str);
                write!(f, "program {}", shown(program))
            }
        }
    }
}

async fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let file = tokio::fs::File::open(path).await.map_err(reason)?;
    bounded(file).await
}

fn read_env(name: &str) -> Result<Vec<u8>, String> {
    match std::env::var(name) {
        Ok(value) => Ok(value.into_bytes()),
        Err(std::env::VarError::NotPresent) => Err("it is not set".to_owned()),
        Err(std::env::VarError::NotUnicode(_)) => Err("it is not UTF-8".to_owned()),
    }
}

async fn run(argv: &[String]) -> Result<Vec<u8>, String> {
    let [program, arguments @ ..] = argv else {
        return Err("no program is named".to_owned());
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(reason)?;
    let output = child.stdout.take().ok_or("it has no output")?;
    let answered = async {
        let bytes = bounded(output).await?;
        let status = child.wait().await.map_err(reason)?;
        if status.success() {
            return Ok(bytes);
        }
        Err(format!("{status}; run it by hand to see why"))
    };
    match tokio::time::timeout(COMMAND_TIMEOUT, answered).await {
        Ok(result) => result,
        Err(_) => Err(format!("no answer within {} s", COMMAND_TIMEOUT.as_secs())),
    }
}

async fn bounded(from: impl AsyncRead + Unpin) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let limit = MAX_SECRET_BYTES as u64 + 1;
    from.take(limit)
        .read_to_end(&mut bytes)
        .await
        .map_err(reason)?;
    Ok(bytes)
}

fn first_line(bytes: &[u8]) -> Result<SecretString, String> {
    if bytes.len() > MAX_SECRET_BYTES {
        return Err("it is too long for a secret".to_owned());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err("its first line is empty".to_owned());
    }
    if line.chars().any(char::is_control) {
        return Err("it has control characters".to_owned());
    }
    Ok(SecretString::from(line))
}

/// The kind of an I/O error in words, without `(os error 2)`.
#[expect(
    clippy::needless_pass_by_value,
    reason = "used as a function for `map_err`"
)]
fn reason(error: std::io::Error) -> String {
    error.kind().to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use secrecy::ExposeSecret;

    use super::*;

    fn command(argv: &[&str]) -> Secret {
        Secret::Command(argv.iter().map(ToString::to_string).collect())
    }

    async fn why(secret: &Secret) -> String {
        secret.read().await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn the_first_line_of_a_file_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        for content in ["s3cret\n", "s3cret", "s3cret\r\nrotated yesterday\n"] {
            std::fs::write(&path, content).unwrap();
            let read = Secret::File(path.clone()).read().await.unwrap();
            assert_eq!(read.expose_secret(), "s3cret");
        }
        let long = vec![b'x'; MAX_SECRET_BYTES + 1];
        for (content, reason) in [
            (&b""[..], "its first line is empty"),
            (b"\ns3cret\n", "its first line is empty"),
            (b"\xff\xfe", "it is not UTF-8"),
            (b"a\x1bb", "it has control characters"),
            (&long, "it is too long for a secret"),
        ] {
            std::fs::write(&path, content).unwrap();
            assert!(why(&Secret::File(path.clone())).await.ends_with(reason));
        }
    }

    #[tokio::test]
    async fn what_is_missing_is_named() {
        let missing = Secret::File(PathBuf::from("/nonexistent/token"));
        assert_eq!(
            why(&missing).await,
            "the secret from file /nonexistent/token: entity not found"
        );
        let unset = Secret::Env("QUELL_TEST_THIS_IS_NEVER_SET".to_owned());
        assert!(why(&unset).await.ends_with("it is not set"));
    }

    #[tokio::test]
    async fn an_environment_variable_is_read() {
        let read = Secret::Env("PATH".to_owned()).read().await.unwrap();
        assert_eq!(read.expose_secret(), std::env::var("PATH").unwrap());
    }

    #[tokio::test]
    async fn a_program_is_run_without_a_shell() {
        let read = command(&["echo", "$HOME; false"]).read().await.unwrap();
        assert_eq!(read.expose_secret(), "$HOME; false");
    }

    #[tokio::test]
    async fn a_failing_program_does_not_tell_its_arguments() {
        let failing = command(&["false", "hunter2"]);
        assert_eq!(
            why(&failing).await,
            "the secret from program false: exit status: 1; run it by hand to see why"
        );
        assert!(why(&command(&[])).await.ends_with("no program is named"));
        let absent = command(&["quell-no-such-program"]);
        assert!(why(&absent).await.ends_with("entity not found"));
    }

    #[tokio::test]
    async fn a_program_that_asks_for_input_gets_none() {
        assert!(
            why(&command(&["cat"]))
                .await
                .ends_with("its first line is empty")
        );
    }
}
