//! In which commit are these files, and are their bytes those of the commit?
//!
//! Called by [`super::read`]. Asks the `git` program, plumbing only, by argv. Nothing is written,
//! fetched or executed on a repository's behalf: no hooks, no filters, no file watcher, no
//! transport, no config but the repository's own, no environment but the search path.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::links::without_credentials;
use crate::domain::runbook::Version;
use crate::domain::text::{Untrusted, shown};

/// For each call.
const TIMEOUT: Duration = Duration::from_secs(5);

/// For an answer whose size is not known beforehand: the list of a commit's files.
const MAX_LISTING_BYTES: usize = 32 * 1024 * 1024;

/// For any other answer, and for complaints.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Bytes that git adds around each object it hands out, and to spare.
const FRAME_BYTES: usize = 160;

/// For any repository, before the command itself.
///
/// `safe.directory` keeps git from running what another user's repository configures. None of that
/// runs here, and on a bastion the runbooks often belong to whoever deploys them.
pub(super) const ALWAYS: [&str; 8] = [
    "--no-optional-locks",
    "--literal-pathspecs",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "safe.directory=*",
];

pub(super) const ENVIRONMENT: [(&str, &str); 8] = [
    ("LC_ALL", "C"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    // A partial clone would fetch what it lacks. The second also stops a git before 2.45.
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ALLOW_PROTOCOL", "none"),
];

/// Why git gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// There is no such program.
    #[error("git is not installed")]
    NoProgram,
    /// It took longer than [`TIMEOUT`].
    #[error("git did not answer within {} s", TIMEOUT.as_secs())]
    TimedOut,
    /// It said more than was asked for.
    #[error("git answered more than {0} bytes")]
    TooMuch(usize),
    /// It has nothing to say, and ended with 1.
    #[error("git found nothing")]
    Nothing,
    /// It said no. Its own words, safe to show.
    #[error("git: {0}")]
    Refused(String),
    /// It answered something that is not what this command answers.
    #[error("git answered something unexpected to `{0}`")]
    Unexpected(String),
    /// The pipes to it.
    #[error("git: {0}")]
    Io(#[from] std::io::Error),
}

/// What git says about a folder.
#[derive(Debug)]
pub(super) enum Found {
    /// It is in no repository, or in one without commits.
    Nothing,
    /// It is in a repository's working tree.
    WorkTree(Repository),
    /// It is a repository without a working tree.
    Bare(Repository),
}

/// A repository that has a commit.
#[derive(Clone, Debug)]
pub(super) struct Repository {
    /// The top of the working tree, or the bare repository.
    pub(super) top: PathBuf,
    /// `HEAD`.
    pub(super) commit: String,
    /// The branch, if one is checked out.
    pub(super) branch: Option<Untrusted>,
    /// The URL of the first remote, without credentials.
    pub(super) remote: Option<Untrusted>,
}

/// A name in a commit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Bytes, or a link.
    pub(super) kind: EntryKind,
    /// From the top of the repository.
    pub(super) path: String,
    /// git's id of its bytes.
    pub(super) blob: String,
    /// How many there are.
    pub(super) bytes: usize,
}

/// What stands behind a name in a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    /// Bytes.
    File,
    /// A symbolic link.
    Link,
}

/// The program.
#[derive(Clone, Debug)]
pub(super) struct Git {
    search_path: OsString,
}

impl Git {
    /// The one that is found in these folders, as `PATH` lists them.
    pub(super) fn new(search_path: Option<OsString>) -> Self {
        let usual = || "/usr/local/bin:/usr/bin:/bin".into();
        Self {
            search_path: search_path.unwrap_or_else(usual),
        }
    }

    /// The repository that a folder is in. The folder must be absolute.
    pub(super) async fn discover(&self, folder: &Path) -> Result<Found, Failure> {
        let kind = ["rev-parse", "--is-bare-repository", "--is-inside-work-tree"];
        let kind = match self.line(folder, &kind).await {
            Ok(kind) => kind,
            // Not so for a working tree whose repository is gone: that one is named.
            Err(Failure::Refused(why)) if why.contains("not a git repository (or any") => {
                return Ok(Found::Nothing);
            }
            Err(other) => return Err(other),
        };
        let bare = match kind.as_str() {
            "true\nfalse" => true,
            "false\ntrue" => false,
            // Inside `.git`.
            _ => return Ok(Found::Nothing),
        };
        let head = ["rev-parse", "--verify", "--quiet", "HEAD"];
        let Some(commit) = self.optional_line(folder, &head).await? else {
            return Ok(Found::Nothing);
        };
        // Of a damaged repository only the name may be left.
        let exists = ["cat-file", "commit", &commit];
        self.run(folder, &exists, &[], MAX_LISTING_BYTES).await?;
        let top = if bare {
            folder.to_path_buf()
        } else {
            self.line(folder, &["rev-parse", "--show-toplevel"])
                .await?
                .into()
        };
        let branch = ["symbolic-ref", "--quiet", "--short", "HEAD"];
        let branch = self.optional_line(folder, &branch).await?;
        let remotes = ["config", "--null", "--get-regexp", r"^remote\..*\.url$"];
        let remotes = self.optional_line(folder, &remotes).await?;
        let repository = Repository {
            top,
            commit,
            branch: branch.map(|name| Untrusted::line(&name)),
            remote: remotes.as_deref().and_then(first_remote),
        };
        Ok(if bare {
            Found::Bare(repository)
        } else {
            Found::WorkTree(repository)
        })
    }

    /// The version of each of these bytes, which were read at these paths from the top. Dirty are
    /// those that differ from the commit's, and those that the commit does not know.
    pub(super) async fn versions(
        &self,
        repository: &Repository,
        files: &[(&str, &[u8])],
    ) -> Result<Vec<Version>, Failure> {
        let committed = self.committed(repository, files).await?;
        let mut versions = Vec::with_capacity(files.len());
        for (blob, (_, bytes)) in committed.into_iter().zip(files) {
            let dirty = blob.is_none();
            let blob = match blob {
                Some(blob) => blob,
                None => self.hash(&repository.top, bytes).await?,
            };
            versions.push(Version::Git {
                commit: repository.commit.clone(),
                blob,
                dirty,
            });
        }
        Ok(versions)
    }

    /// The files and links of the commit whose names end so, in git's order.
    pub(super) async fn list(
        &self,
        repository: &Repository,
        ending: &str,
    ) -> Result<Vec<Entry>, Failure> {
        let args = [
            "ls-tree",
            "-r",
            "-l",
            "-z",
            "--full-tree",
            &repository.commit,
        ];
        let listing = self
            .run(&repository.top, &args, &[], MAX_LISTING_BYTES)
            .await?;
        let lines = listing.split(|byte| *byte == 0);
        let entries = lines.map(String::from_utf8_lossy);
        Ok(entries.filter_map(|line| entry(&line, ending)).collect())
    }

    /// The bytes of these blobs, whose total is known, in their order.
    pub(super) async fn blobs(
        &self,
        repository: &Repository,
        blobs: &[(&str, usize)],
    ) -> Result<Vec<Vec<u8>>, Failure> {
        if blobs.is_empty() {
            return Ok(Vec::new());
        }
        let each = |all: String, (id, _): &(&str, usize)| all + id + "\n";
        let ids = blobs.iter().fold(String::new(), each);
        let cap = blobs.iter().map(|(_, size)| size + FRAME_BYTES).sum();
        let args = ["cat-file", "--batch"];
        let answer = self
            .run(&repository.top, &args, ids.as_bytes(), cap)
            .await?;
        let mut rest = answer.as_slice();
        let bytes = blobs.iter().map(|(id, size)| {
            let frame = format!("{id} blob {size}\n");
            let found = rest
                .strip_prefix(frame.as_bytes())?
                .split_at_checked(*size)?;
            rest = found.1.strip_prefix(b"\n")?;
            Some(found.0.to_vec())
        });
        let bytes: Option<Vec<Vec<u8>>> = bytes.collect();
        bytes.ok_or(Failure::Unexpected("cat-file --batch".to_owned()))
    }

    /// The blob of each file, if the commit has these very bytes there.
    async fn committed(
        &self,
        repository: &Repository,
        files: &[(&str, &[u8])],
    ) -> Result<Vec<Option<String>>, Failure> {
        let each =
            |all: String, (path, _): &(&str, &[u8])| all + &repository.commit + ":" + path + "\n";
        let names = files.iter().fold(String::new(), each);
        let args = [
            "cat-file",
            "--batch-check=%(objectname) %(objecttype) %(objectsize)",
        ];
        // A name that is unknown is repeated.
        let cap = names.len() + files.len() * FRAME_BYTES;
        let answer = self
            .run(&repository.top, &args, names.as_bytes(), cap)
            .await?;
        let answer = String::from_utf8_lossy(&answer);
        let lines: Vec<&str> = answer.lines().collect();
        if lines.len() != files.len() {
            return Err(Failure::Unexpected("cat-file --batch-check".to_owned()));
        }
        // Only what is as long can be the same, and is as short as what is held already.
        let same_length = lines.iter().zip(files).map(|(line, (_, bytes))| {
            let (id, rest) = line.split_once(' ')?;
            (rest == format!("blob {}", bytes.len())).then_some((id, bytes.len()))
        });
        let same_length: Vec<Option<(&str, usize)>> = same_length.collect();
        let wanted: Vec<(&str, usize)> = same_length.iter().copied().flatten().collect();
        let mut contents = self.blobs(repository, &wanted).await?.into_iter();
        let committed = same_length.iter().zip(files).map(|(blob, (_, bytes))| {
            let (id, _) = (*blob)?;
            let same = contents.next()? == *bytes;
            same.then(|| id.to_owned())
        });
        Ok(committed.collect())
    }

    async fn hash(&self, folder: &Path, bytes: &[u8]) -> Result<String, Failure> {
        let args = ["hash-object", "--no-filters", "--stdin"];
        let id = self.text(folder, &args, bytes).await?;
        let is_id = matches!(id.len(), 40 | 64) && id.bytes().all(|b| b.is_ascii_hexdigit());
        if is_id {
            Ok(id)
        } else {
            Err(Failure::Unexpected(args.join(" ")))
        }
    }

    async fn line(&self, folder: &Path, args: &[&str]) -> Result<String, Failure> {
        self.text(folder, args, &[]).await
    }

    async fn optional_line(&self, folder: &Path, args: &[&str]) -> Result<Option<String>, Failure> {
        match self.line(folder, args).await {
            Err(Failure::Nothing) => Ok(None),
            other => other.map(Some),
        }
    }

    /// A short answer, without its last line feed or NUL.
    async fn text(&self, folder: &Path, args: &[&str], input: &[u8]) -> Result<String, Failure> {
        let answer = self.run(folder, args, input, MAX_ANSWER_BYTES).await?;
        let unexpected = |_| Failure::Unexpected(args.join(" "));
        let mut text = String::from_utf8(answer).map_err(unexpected)?;
        if text.ends_with(['\n', '\0']) {
            text.pop();
        }
        Ok(text)
    }

    async fn run(
        &self,
        folder: &Path,
        args: &[&str],
        input: &[u8],
        cap: usize,
    ) -> Result<Vec<u8>, Failure> {
        let talk = talk(self.command(folder, args), input, cap);
        tokio::time::timeout(TIMEOUT, talk)
            .await
            .map_err(|_| Failure::TimedOut)?
    }

    fn command(&self, folder: &Path, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .args(ALWAYS)
            .arg("-C")
            .arg(folder)
            .args(args)
            .env_clear()
            .env("PATH", &self.search_path)
            .envs(ENVIRONMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

/// Runs a command to its end, giving it its input while reading what it says.
async fn talk(mut command: Command, input: &[u8], cap: usize) -> Result<Vec<u8>, Failure> {
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::NoProgram,
        _ => Failure::Io(error),
    })?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err(Failure::Unexpected("spawn".to_owned()));
    };
    let write = async move {
        match stdin.write_all(input).await {
            // It ended without listening: its status says why.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        }
    };
    let (output, complaint, ()) =
        tokio::try_join!(read(stdout, cap), read(stderr, MAX_ANSWER_BYTES), write)?;
    let status = child.wait().await?;
    if status.success() {
        return Ok(output);
    }
    let complaint = String::from_utf8_lossy(&complaint);
    Err(match complaint.lines().next() {
        None if status.code() == Some(1) => Failure::Nothing,
        None => Failure::Refused(format!("ended with {status}")),
        Some(first) => Failure::Refused(shown(first.strip_prefix("fatal: ").unwrap_or(first))),
    })
}

async fn read(from: impl AsyncRead + Unpin, cap: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(cap).unwrap_or(u64::MAX).saturating_add(1);
    from.take(limit).read_to_end(&mut bytes).await?;
    if bytes.len() > cap {
        return Err(Failure::TooMuch(cap));
    }
    Ok(bytes)
}

/// From `100644 blob <id> <size> TAB <path>`
fn entry(line: &str, ending: &str) -> Option<Entry> {
    let (facts, path) = line.split_once('\t')?;
    let mut facts = facts.split_ascii_whitespace();
    let kind = match facts.next()? {
        "100644" | "100755" => EntryKind::File,
        "120000" => EntryKind::Link,
        _ => return None,
    };
    let blob = facts.nth(1)?.to_owned();
    let bytes = facts.next()?.parse().ok()?;
    path.ends_with(ending).then(|| Entry {
        kind,
        path: path.to_owned(),
        blob,
        bytes,
    })
}

/// From `remote.origin.url LF URL NUL ...`
fn first_remote(listing: &str) -> Option<Untrusted> {
    let (_, url) = listing.split('\0').next()?.split_once('\n')?;
    Some(Untrusted::line(&without_credentials(url)))
}
