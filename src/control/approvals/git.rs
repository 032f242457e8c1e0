//! How do requests and approvals reach others through a git repository?
//!
//! The folder lies in a work tree: it is pulled before it is read and pushed after it was written, each file
//! in a commit of its own. No hooks, no file watcher, no configuration but the repository's own, no
//! prompts. Called by [`super`]. What comes with a pull is believed as little as any other file.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ApprovalError;
use super::program::{Call, Said, Tools};

/// For each call; a push goes over a network.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Others push too: so often it is tried to be the last.
const PUSHES: usize = 4;

const ALWAYS: [&str; 16] = [
    "--literal-pathspecs",
    "--no-pager",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    // A link that somebody pushed becomes a plain file.
    "-c",
    "core.symlinks=false",
    "-c",
    "submodule.recurse=false",
    "-c",
    "rebase.autoStash=false",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
];

const ENVIRONMENT: [(&str, &str); 7] = [
    // Whoever commits again what others pushed before.
    ("GIT_COMMITTER_NAME", "quell"),
    ("GIT_COMMITTER_EMAIL", "quell@localhost"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ASKPASS", "/bin/false"),
    // `ext` and the like would start programs that a URL names.
    ("GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh"),
];

/// The top of the work tree that the folder is in.
pub(super) async fn top(tools: &Tools, folder: &Path) -> Result<PathBuf, ApprovalError> {
    let folder = existing(folder);
    let said = git(tools, folder, &["rev-parse", "--show-toplevel"]).await?;
    if said.is_good() {
        return Ok(said.output.trim_end_matches('\n').into());
    }
    Err(failed("the folder of approvals", &said))
}

/// Gets what the others pushed.
pub(super) async fn pull(tools: &Tools, folder: &Path) -> Result<(), ApprovalError> {
    let arguments = [
        "pull",
        "--quiet",
        "--rebase",
        "--no-tags",
        "--no-recurse-submodules",
    ];
    let said = git(tools, existing(folder), &arguments).await?;
    // Nobody has pushed anything yet.
    let is_empty = said.complaint.contains("no such ref was fetched");
    if said.is_good() || is_empty {
        return Ok(());
    }
    // Where it did not begin there is nothing to give up.
    git(tools, existing(folder), &["rebase", "--abort"]).await?;
    Err(failed("it could not be pulled", &said))
}

/// Commits one file of the folder and pushes it. What others push meanwhile goes first.
pub(super) async fn push(
    tools: &Tools,
    folder: &Path,
    name: &str,
    message: &str,
    identity: Option<&str>,
) -> Result<(), ApprovalError> {
    let added = git(tools, folder, &["add", "--force", "--", name]).await?;
    if !added.is_good() {
        return Err(failed("it could not be added", &added));
    }
    let same = ["diff", "--cached", "--quiet", "--", name];
    if git(tools, folder, &same).await?.status == Some(1) {
        let author = identity.unwrap_or("quell");
        let address = match identity {
            Some(identity) if identity.contains('@') => identity,
            _ => "quell@localhost",
        };
        let (author, address) = (
            format!("user.name={author}"),
            format!("user.email={address}"),
        );
        let commit = [
            "commit",
            "--quiet",
            "--no-verify",
            "-m",
            message,
            "--only",
            "--",
            name,
        ];
        let commit = [&["-c", &author, "-c", &address], &commit[..]].concat();
        let committed = git(tools, folder, &commit).await?;
        if !committed.is_good() {
            return Err(failed("it could not be committed", &committed));
        }
    }
    for attempt in 1.. {
        let pushed = git(
            tools,
            folder,
            &["push", "--quiet", "--no-recurse-submodules"],
        )
        .await?;
        if pushed.is_good() {
            break;
        }
        if attempt == PUSHES {
            let what = "it is committed here and could not be pushed";
            return Err(failed(what, &pushed));
        }
        pull(tools, folder).await?;
    }
    Ok(())
}

/// The folder comes with its first file.
fn existing(folder: &Path) -> &Path {
    let mut folders = folder.ancestors();
    folders.find(|one| one.is_dir()).unwrap_or(folder)
}

fn failed(what: &str, said: &Said) -> ApprovalError {
    ApprovalError::Unavailable(format!("git: {what}: {}", said.why()))
}

async fn git(tools: &Tools, folder: &Path, arguments: &[&str]) -> Result<Said, ApprovalError> {
    let mut all: Vec<&OsStr> = ALWAYS.iter().map(OsStr::new).collect();
    all.extend([OsStr::new("-C"), folder.as_os_str()]);
    all.extend(arguments.iter().map(OsStr::new));
    let call = Call {
        program: "git",
        arguments: all,
        environment: &ENVIRONMENT,
        input: &[],
        timeout: TIMEOUT,
    };
    call.run(tools).await
}
