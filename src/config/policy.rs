//! Which rules does a policy file hold, and is it sound?
//!
//! Called by `resolve` for the policy that the config or a flag names, and by `quell policy` for another.
//! Every problem is told with its place. A file that does not hold is no policy: nothing falls back to
//! another one.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::document::{Document, OpenError};
use super::finding::Findings;
use super::paths::Paths;
use super::problem::ConfigErrors;
use super::read;
use super::resolve::{Resolver, Surroundings};
use crate::domain::nearest::nearest;
use crate::domain::policy::Policy;
use crate::domain::text::{Untrusted, shown};

mod raw;
mod read_policy;
mod resolve_policy;
mod windows;

pub(super) use resolve_policy::{DIRECTIONS, RISKS};

/// What a name of a built-in policy begins with.
const BUILT_IN: &str = "builtin:";
const NAMES: [&str; 2] = ["builtin:observe", "builtin:cautious"];

/// A policy that holds.
#[derive(Clone, Debug)]
pub struct LoadedPolicy {
    /// The rules.
    pub policy: Policy,
    /// The list of signers that the file names.
    pub signers: Option<PathBuf>,
    /// What works but deserves a word, safe to show.
    pub warnings: Vec<String>,
}

/// What is asked for by name: one of quell's own, or none where it is a path.
///
/// # Errors
/// There is no such built-in policy; what to write instead.
#[must_use]
pub fn built_in(name: &str) -> Option<Result<Policy, String>> {
    if !name.starts_with(BUILT_IN) {
        return None;
    }
    Some(match name {
        "builtin:observe" => Ok(Policy::observe()),
        "builtin:cautious" => Ok(Policy::cautious()),
        _ => Err(match nearest(name, NAMES) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known: {}, or a path", NAMES.join(", ")),
        }),
    })
}

/// Reads and checks a policy file.
///
/// # Errors
/// All problems at once, with their places.
pub fn load_policy(path: &Path, paths: &Paths) -> Result<LoadedPolicy, ConfigErrors> {
    let unreadable = |error: &OpenError| ConfigErrors::unreadable_policy(path, error);
    let mut document = Document::open(path).map_err(|error| unreadable(&error))?;
    let mut findings = Findings::default();
    let written = read::walk(
        &mut document,
        &mut findings,
        &raw::TABLES,
        read_policy::policy,
    );
    if findings.has_syntax_error() {
        return Err(findings.into_errors(Some(&document)));
    }
    let surroundings = Surroundings {
        document: Some(&document),
        folder: document.folder(),
        paths,
        built_in_themes: &[],
        user: None,
    };
    let mut resolver = Resolver {
        surroundings: &surroundings,
        findings: &mut findings,
        warnings: Vec::new(),
    };
    let (mut policy, signers) = resolve_policy::policy(&mut resolver, &written);
    let mut warnings = resolver.warnings;
    if !findings.is_empty() {
        return Err(findings.into_errors(Some(&document)));
    }
    policy.name = Untrusted::line(&path.to_string_lossy());
    policy.version = version(document.text());
    if policy.rules.is_empty() {
        warnings.push(format!(
            "{} has no rule: everything is denied",
            shown(&path.to_string_lossy())
        ));
    }
    warnings.extend(document.caution());
    Ok(LoadedPolicy {
        policy,
        signers,
        warnings,
    })
}

/// Which text it was: the beginning of its SHA-256.
fn version(text: &str) -> Untrusted {
    let digest = Sha256::digest(text.as_bytes());
    let hex: Vec<String> = digest.iter().take(6).map(|b| format!("{b:02x}")).collect();
    Untrusted::line(&format!("sha256:{}", hex.concat()))
}
