//! Whose signature is it, and is it one of exactly these bytes?
//!
//! `ssh-keygen -Y` signs and checks, with a key file or through the agent, so that touch keys and
//! certificates work and no code of ours touches a key. Called by [`super`]. Who signed is found by the key
//! alone, in the list of signers; never by what a statement says.

use std::ffi::OsStr;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::program::{Call, Said, Tools};
use super::{ApprovalError, signers};
use crate::domain::approval::{NAMESPACE, is_plain_name};
use crate::domain::plan::hex;
use crate::domain::text::shown;

/// A key that wants to be touched waits for a person.
const TOUCH_TIMEOUT: Duration = Duration::from_mins(1);
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_LIST_BYTES: u64 = 4 * 1024 * 1024;

/// A key of the list of signers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Its names.
    pub(super) principals: Vec<String>,
    /// `SHA256:...`
    pub(super) key: String,
}

/// Signs, and gives the armored signature.
pub(super) async fn sign(tools: &Tools, key: &Path, bytes: &[u8]) -> Result<String, ApprovalError> {
    let arguments = words(["-Y", "sign", "-n", NAMESPACE, "-f"], [key]);
    let said = keygen(tools, arguments, bytes, TOUCH_TIMEOUT).await?;
    if said.is_good() && said.output.starts_with("-----BEGIN SSH SIGNATURE-----\n") {
        return Ok(said.output);
    }
    let complaint = &said.complaint;
    let next = if complaint.contains("incorrect passphrase") {
        ": it has a passphrase: add it to the agent (ssh-add)"
    } else if complaint.contains("No such file") || complaint.contains("no private key") {
        ": neither the file nor the agent has its private part"
    } else {
        ""
    };
    let key = shown(&key.to_string_lossy());
    let why = said.why();
    Err(ApprovalError::Refused(format!(
        "the key {key} did not sign: {why}{next}"
    )))
}

/// Checks a signature, and gives the name of who signed and their key's fingerprint.
pub(super) async fn verify(
    tools: &Tools,
    list: &Path,
    revoked: Option<&Path>,
    bytes: &[u8],
    signature: &str,
) -> Result<(String, String), ApprovalError> {
    check_list(list)?;
    if let Some(revoked) = revoked {
        check_list(revoked)?;
    }
    let kept = PrivateFile::new(&tools.temporary, signature.as_bytes()).map_err(|error| {
        let why = error.kind();
        ApprovalError::Unavailable(format!("no file for a signature could be made: {why}"))
    })?;
    let signature = kept.path.as_path();
    let principal = find_principal(tools, list, bytes, signature).await?;
    let mut arguments = words(["-Y", "verify", "-n", NAMESPACE, "-f"], [list]);
    arguments.extend(words(["-I", &principal, "-s"], [signature]));
    if let Some(revoked) = revoked {
        arguments.extend(words(["-r"], [revoked]));
    }
    let said = keygen(tools, arguments, bytes, TIMEOUT).await?;
    let key = said
        .is_good()
        .then(|| good_key(&said.output, Some(&principal)));
    match key.flatten() {
        Some(key) => Ok((principal, key)),
        None => Err(ApprovalError::Refused(format!(
            "its signature by `{principal}` is not good: {}",
            reasons(&said, list)
        ))),
    }
}

/// The name that the list has for the key of a signature: the first of the first line that has it.
async fn find_principal(
    tools: &Tools,
    list: &Path,
    bytes: &[u8],
    signature: &Path,
) -> Result<String, ApprovalError> {
    let arguments = words(["-Y", "find-principals", "-f"], [list]);
    let arguments = [arguments, words(["-s"], [signature])].concat();
    let found = keygen(tools, arguments, &[], TIMEOUT).await?;
    let mut names = found.output.lines();
    if let (true, Some(first)) = (found.is_good(), names.next()) {
        if is_plain_name(first) {
            return Ok(first.to_owned());
        }
        return Err(ApprovalError::Refused(format!(
            "the list of signers names its key `{}`: that is no plain ASCII name of one person",
            shown(first)
        )));
    }
    // Nobody of the list. Whether it is a signature at all makes another sentence.
    let arguments = words(
        ["-Y", "check-novalidate", "-n", NAMESPACE, "-s"],
        [signature],
    );
    let said = keygen(tools, arguments, bytes, TIMEOUT).await?;
    let key = said.is_good().then(|| good_key(&said.output, None));
    let why = match key.flatten() {
        Some(key) if found.complaint.contains(": key ") => {
            format!(
                "the list of signers does not allow {key}: {}",
                reasons(&found, list)
            )
        }
        Some(key) => format!("nobody of the list of signers has the key {key} that signed it"),
        None => format!("it has no signature of its statement: {}", said.why()),
    };
    Err(ApprovalError::Refused(why))
}

/// The fingerprint of a key file.
pub(super) async fn fingerprint(tools: &Tools, key: &Path) -> Result<String, ApprovalError> {
    let said = keygen(tools, words(["-E", "sha256", "-lf"], [key]), &[], TIMEOUT).await?;
    let found = said.is_good().then(|| fingerprints(&said.output).pop());
    found.flatten().map(|(key, _)| key).ok_or_else(|| {
        let key = shown(&key.to_string_lossy());
        ApprovalError::Unavailable(format!("the key {key} cannot be read: {}", said.why()))
    })
}

/// The fingerprints of all keys in the agent. No agent has none.
pub(super) async fn agent_keys(tools: &Tools) -> Result<Vec<String>, ApprovalError> {
    if tools.agent.is_none() {
        return Ok(Vec::new());
    }
    let call = Call {
        program: "ssh-add",
        arguments: words(["-E", "sha256", "-l"], []),
        environment: &[],
        input: &[],
        timeout: TIMEOUT,
    };
    let said = call.run(tools).await?;
    match said.status {
        Some(0) => {
            let keys = fingerprints(&said.output).into_iter();
            Ok(keys.map(|(key, _)| key).collect())
        }
        // It has none, or is gone, as after a lost connection: then it signs nothing either.
        Some(1 | 2) => Ok(Vec::new()),
        _ => Err(ApprovalError::Unavailable(format!(
            "ssh-add: {}",
            said.why()
        ))),
    }
}

/// All keys of a list of signers, with their names.
pub(super) async fn listed(tools: &Tools, list: &Path) -> Result<Vec<Listed>, ApprovalError> {
    check_list(list)?;
    let text = tokio::fs::read(list)
        .await
        .map_err(|error| unreadable(list, &error))?;
    let lines = signers::read(&String::from_utf8_lossy(&text));
    // Each key has the number of its line as its comment, by which it is found again.
    let keys = lines.iter().enumerate();
    let keys = keys.fold(String::new(), |all, (at, line)| {
        all + &line.public_key
            + &format!(
                " {at}
"
            )
    });
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let arguments = words(["-E", "sha256", "-lf", "-"], []);
    let said = keygen(tools, arguments, keys.as_bytes(), TIMEOUT).await?;
    let found = fingerprints(&said.output).into_iter();
    let found = found.filter_map(|(key, comment)| {
        let line = lines.get(comment.parse::<usize>().ok()?)?;
        Some(Listed {
            principals: line.principals.clone(),
            key,
        })
    });
    Ok(found.collect())
}

/// `256 SHA256:... comment (ED25519)`, for each line: the fingerprint and the first word behind it.
fn fingerprints(output: &str) -> Vec<(String, String)> {
    let lines = output.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let key = words.next().filter(|word| is_fingerprint(word))?;
        Some((key.to_owned(), words.next().unwrap_or_default().to_owned()))
    });
    lines.collect()
}

fn is_fingerprint(word: &str) -> bool {
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    word.strip_prefix("SHA256:")
        .is_some_and(|rest| rest.len() == 43 && rest.bytes().all(is_base64))
}

/// The key of `Good "NAMESPACE" signature for NAME with ED25519 key SHA256:...`
fn good_key(output: &str, principal: Option<&str>) -> Option<String> {
    let name = principal.map_or_else(String::new, |name| format!("for {name} "));
    let begin = format!("Good \"{NAMESPACE}\" signature {name}with ");
    let mut lines = output.lines();
    let (first, None) = (lines.next()?, lines.next()) else {
        return None;
    };
    let (kind, key) = first.strip_prefix(&begin)?.split_once(" key ")?;
    (!kind.contains(' ') && is_fingerprint(key)).then(|| key.to_owned())
}

/// Why `ssh-keygen` said no, without the path of the list.
fn reasons(said: &Said, list: &Path) -> String {
    let place = list.to_string_lossy();
    let lines = said.complaint.lines().map(str::trim);
    let told: Vec<String> = lines
        .filter(|line| !line.is_empty() && *line != "Could not verify signature.")
        .map(|line| shown(&line.replace(&*place, "line")))
        .collect();
    if told.is_empty() {
        said.why()
    } else {
        told.join("; ")
    }
}

/// Whoever may write the list decides who approves.
fn check_list(list: &Path) -> Result<(), ApprovalError> {
    let found = std::fs::metadata(list).map_err(|error| unreadable(list, &error))?;
    let why = if !found.is_file() {
        "it is no file"
    } else if found.len() > MAX_LIST_BYTES {
        "it is too large"
    } else if found.permissions().mode() & 0o002 != 0 {
        "everybody may write it (chmod o-w)"
    } else {
        return Ok(());
    };
    let list = shown(&list.to_string_lossy());
    Err(ApprovalError::Unavailable(format!("{list}: {why}")))
}

fn unreadable(path: &Path, error: &std::io::Error) -> ApprovalError {
    let path = shown(&path.to_string_lossy());
    ApprovalError::Unavailable(format!("{path} cannot be read: {}", error.kind()))
}

fn words<'a, const N: usize, const M: usize>(
    first: [&'a str; N],
    last: [&'a Path; M],
) -> Vec<&'a OsStr> {
    let last = last.into_iter().map(Path::as_os_str);
    first.into_iter().map(OsStr::new).chain(last).collect()
}

async fn keygen(
    tools: &Tools,
    arguments: Vec<&OsStr>,
    input: &[u8],
    timeout: Duration,
) -> Result<Said, ApprovalError> {
    let call = Call {
        program: "ssh-keygen",
        arguments,
        environment: &[],
        input,
        timeout,
    };
    call.run(tools).await
}

/// A file that only we may read, in a folder that only we may enter; both go when it is dropped.
struct PrivateFile {
    folder: PathBuf,
    path: PathBuf,
}

impl PrivateFile {
    fn new(place: &Path, bytes: &[u8]) -> std::io::Result<Self> {
        let mut random = [0; 16];
        let filled = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
        if filled < random.len() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let folder = place.join(format!("quell-{}", hex(&random)));
        // Fails where it exists: nobody can have put it there before us.
        DirBuilder::new().mode(0o700).create(&folder)?;
        let path = folder.join("signature");
        let file = Self { folder, path };
        let mut open = OpenOptions::new();
        open.write(true).create_new(true).mode(0o600);
        open.open(&file.path)?.write_all(bytes)?;
        Ok(file)
    }
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        // Should it stay, it gives nothing away: a signature is no secret.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
