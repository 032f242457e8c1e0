//! Which runbooks are there, what do they say, and in which exact version?
//!
//! [`read`] is called by `runtime` and by `cli`. It reads a folder, a bare repository, or what is
//! built in, and only ever reads: nothing in a runbook is executed or parsed into steps here, and
//! nothing is fetched. What is wrong with one file never hides another.

mod builtin;
mod folder;
mod front_matter;
mod git;
mod links;
mod parse;
pub mod prose;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::config::settings::RunbookSettings;
use crate::domain::runbook::{Library, Origin, Runbook, Version};
use crate::domain::source::{ErrorKind, SourceError};
use crate::domain::text::{Untrusted, shown};
use folder::Files;
use git::{EntryKind, Failure, Git, Repository};
use parse::Parsed;

/// Reads all runbooks.
///
/// # Errors
/// [`ErrorKind::Local`] if the folder as a whole cannot be read. What is wrong with single files
/// is in the library.
pub async fn read(settings: &RunbookSettings) -> Result<Library, SourceError> {
    let git = Git::new(std::env::var_os("PATH"));
    match &settings.path {
        Some(path) => read_path(&git, path).await,
        None => blocking(|| Ok(library(builtin::origin(), builtin::files(), Vec::new()))).await,
    }
}

/// A file with its version, before it is parsed.
struct Source {
    path: String,
    bytes: Cow<'static, [u8]>,
    version: Version,
}

async fn read_path(git: &Git, path: &Path) -> Result<Library, SourceError> {
    let folder = canonical(path.to_path_buf()).await?;
    let mut origin = Origin {
        place: Some(Untrusted::line(&path.to_string_lossy())),
        ..Origin::default()
    };
    let mut problems = Vec::new();
    let repository = match git.discover(&folder).await {
        Ok(git::Found::Bare(repository)) => {
            describe(&mut origin, &repository);
            return read_commit(git, &repository, origin).await;
        }
        Ok(git::Found::WorkTree(repository)) => Some(repository),
        Ok(git::Found::Nothing) => None,
        Err(failure) => {
            problems.push(unversioned_because(path, &failure));
            None
        }
    };
    if let Some(repository) = &repository {
        describe(&mut origin, repository);
    }
    let boundary = repository.as_ref().map_or(&folder, |r| &r.top).clone();
    let (here, within) = (folder.clone(), boundary.clone());
    let shown_path = path.to_path_buf();
    let files = blocking(move || {
        folder::read(&here, &within).map_err(|error| not_readable(&shown_path, &error))
    });
    let Files {
        files,
        problems: left_out,
    } = files.await?;
    problems.extend(left_out);
    let known = HashMap::from([(boundary, repository)]);
    let sources = with_versions(git, files, known, &mut problems).await;
    blocking(move || Ok(library(origin, sources, problems))).await
}

/// The version of each file, by the repository that it lies in: a submodule has its own.
async fn with_versions(
    git: &Git,
    files: Vec<folder::Found>,
    mut known: HashMap<PathBuf, Option<Repository>>,
    problems: &mut Vec<String>,
) -> Vec<Source> {
    let mut groups: BTreeMap<PathBuf, Vec<folder::Found>> = BTreeMap::new();
    for file in files {
        groups
            .entry(file.repository.clone())
            .or_default()
            .push(file);
    }
    let mut sources = Vec::new();
    for (place, files) in groups {
        let repository = match known.remove(&place) {
            Some(known) => known,
            None => match git.discover(&place).await {
                Ok(git::Found::WorkTree(repository)) => Some(repository),
                Ok(_) => None,
                Err(failure) => {
                    problems.push(unversioned_because(&place, &failure));
                    None
                }
            },
        };
        let versions = match &repository {
            Some(repository) => versions(git, repository, &files).await,
            None => Ok(None),
        };
        let versions = versions.unwrap_or_else(|failure| {
            problems.push(unversioned_because(&place, &failure));
            None
        });
        let mut versions = versions.into_iter().flatten();
        sources.extend(files.into_iter().map(|file| Source {
            version: versions.next().unwrap_or_else(|| unversioned(&file.bytes)),
            path: file.path,
            bytes: Cow::Owned(file.bytes),
        }));
    }
    sources
}

/// None if the files do not lie in the working tree that git found around them.
async fn versions(
    git: &Git,
    repository: &Repository,
    files: &[folder::Found],
) -> Result<Option<Vec<Version>>, Failure> {
    let named = files.iter().map(|file| {
        let path = file.real.strip_prefix(&repository.top).ok()?;
        Some((path.to_str()?, file.bytes.as_slice()))
    });
    match named.collect::<Option<Vec<_>>>() {
        Some(named) => git.versions(repository, &named).await.map(Some),
        None => Ok(None),
    }
}

/// Reads the runbooks of a bare repository's `HEAD`, with the limits of a folder.
async fn read_commit(
    git: &Git,
    repository: &Repository,
    origin: Origin,
) -> Result<Library, SourceError> {
    let failed = |failure: Failure| {
        let place = repository.top.display();
        SourceError::new(ErrorKind::Local, &format!("{place}: {failure}"))
    };
    let entries = git.list(repository, ".md").await.map_err(failed)?;
    let mut problems = Vec::new();
    let mut wanted = Vec::new();
    let mut total = 0;
    for entry in entries {
        let path = Untrusted::line(&entry.path);
        if entry.path.split('/').any(|part| part.starts_with('.')) {
            continue;
        }
        if entry.kind == EntryKind::Link {
            problems.push(format!("{path}: a link, not followed in a bare repository"));
            continue;
        }
        if entry.bytes > folder::MAX_FILE_BYTES {
            problems.push(format!("{path}: {}", folder::too_large()));
            continue;
        }
        total += entry.bytes;
        if wanted.len() == folder::MAX_FILES || total > folder::MAX_TOTAL_BYTES {
            problems.push(format!(
                "{path}: too many runbooks, it and the rest are left out"
            ));
            break;
        }
        wanted.push(entry);
    }
    let blobs: Vec<(&str, usize)> = wanted.iter().map(|e| (e.blob.as_str(), e.bytes)).collect();
    let contents = git.blobs(repository, &blobs).await.map_err(failed)?;
    let commit = &repository.commit;
    let sources = wanted
        .into_iter()
        .zip(contents)
        .map(|(entry, bytes)| Source {
            path: entry.path,
            bytes: Cow::Owned(bytes),
            version: Version::Git {
                commit: commit.clone(),
                blob: entry.blob,
                dirty: false,
            },
        });
    let sources: Vec<Source> = sources.collect();
    blocking(move || Ok(library(origin, sources, problems))).await
}

/// Parses all and makes ids unique.
fn library(origin: Origin, mut sources: Vec<Source>, mut problems: Vec<String>) -> Library {
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    let mut by_id: BTreeMap<Untrusted, Runbook> = BTreeMap::new();
    for source in sources {
        let runbook = match parse::file(&source.path, &source.bytes, source.version) {
            Parsed::Runbook(runbook) => *runbook,
            Parsed::AboutTheFolder => continue,
            Parsed::Refused(why) => {
                problems.push(why);
                continue;
            }
        };
        match by_id.get(&runbook.id) {
            Some(first) => problems.push(format!(
                "{}: the id `{}` is taken by {}: left out",
                runbook.path, runbook.id, first.path
            )),
            None => {
                by_id.insert(runbook.id.clone(), runbook);
            }
        }
    }
    Library {
        runbooks: by_id.into_values().collect(),
        origin,
        problems,
    }
}

fn describe(origin: &mut Origin, repository: &Repository) {
    origin.commit = Some(repository.commit.clone());
    origin.branch.clone_from(&repository.branch);
    origin.remote.clone_from(&repository.remote);
}

fn unversioned(bytes: &[u8]) -> Version {
    let digest = Sha256::digest(bytes);
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    Version::Unversioned {
        sha256: digits
            .filter_map(|digit| char::from_digit(digit.into(), 16))
            .collect(),
    }
}

fn unversioned_because(place: &Path, failure: &Failure) -> String {
    let next = match failure {
        Failure::NoProgram => "install git to see versions",
        Failure::Refused(why) if why.contains("dubious ownership") => {
            "it belongs to another user, and this git is too old to be told that quell only reads: \
             upgrade git, or clone it as the user who runs quell"
        }
        _ => "see what `git log -1` says there",
    };
    shown(&format!(
        "{}: no versions, {failure}: {next}",
        place.display()
    ))
}

async fn canonical(path: PathBuf) -> Result<PathBuf, SourceError> {
    blocking(move || {
        let real = path.canonicalize();
        let real = real.map_err(|error| not_readable(&path, &error))?;
        if real.is_dir() {
            return Ok(real);
        }
        let detail = format!("{}: a file: name the folder it is in", path.display());
        Err(SourceError::new(ErrorKind::Local, &detail))
    })
    .await
}

fn not_readable(path: &Path, error: &io::Error) -> SourceError {
    let path = path.display();
    let detail = match error.kind() {
        io::ErrorKind::NotFound => format!(
            "{path}: no such folder: correct the path, or leave it out to read the built-in ones"
        ),
        io::ErrorKind::PermissionDenied => {
            format!("{path}: permission denied: let the user who runs quell read it")
        }
        _ => format!("{path}: {error}"),
    };
    SourceError::new(ErrorKind::Local, &detail)
}

/// Runs what may block on a thread for it. A panic there is a panic here.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Err(SourceError::new(
                ErrorKind::Local,
                "the program is ending: the runbooks were not read",
            )),
        },
    }
}
