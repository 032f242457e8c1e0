//! What was configured: by flags, by environment variables and by file?
//!
//! [`load`] is called once by `cli` when a command starts, and by `quell check`. The file is read
//! into a form as written, flags and variables are laid over it, and the whole is resolved into
//! [`settings::Settings`]. Every problem is collected before it fails. Nothing here asks a source,
//! reads a secret or prints.

use std::path::PathBuf;

pub mod actions;
pub mod delivery;
mod document;
mod endpoint;
mod finding;
mod mask;
mod naming;
pub mod overrides;
pub mod paths;
pub mod policy;
mod problem;
mod raw;
mod raw_actions;
mod raw_delivery;
mod read;
mod read_actions;
mod read_delivery;
mod reader;
mod resolve;
mod resolve_actions;
mod resolve_delivery;
mod resolve_operations;
mod resolve_programs;
mod resolve_services;
pub mod secret;
pub mod settings;
mod slo;
mod template;
mod template_delivery;
mod triage;
pub mod yaml;

pub use overrides::Overrides;
pub use paths::Paths;
pub use problem::{ConfigErrors, Problem};
pub use slo::BUILT_IN as BUILT_IN_SLOS;
pub use template::{Found, render_template};
pub use template_delivery::FoundCluster;

use document::{Document, OpenError};
use finding::Findings;
use settings::Settings;

/// A config that holds.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What to go by.
    pub settings: Settings,
    /// The file it came from; none if there is no file at the usual place.
    pub file: Option<PathBuf>,
    /// What works but deserves a word, safe to show.
    pub warnings: Vec<String>,
}

/// Reads, merges and checks the whole configuration. Order: flag, variable, file, default.
///
/// `built_in_themes` are the names the theme room has of its own; those of the user's folder are
/// found here.
///
/// # Errors
/// All problems at once. A file named by flag or variable must exist; the one at the usual place
/// need not.
pub fn load(
    overrides: &Overrides,
    paths: &Paths,
    built_in_themes: &[&str],
) -> Result<Loaded, ConfigErrors> {
    let named = overrides.config();
    let path = named.map_or_else(|| paths.config_file(), |path| paths.expand(path));
    let mut document = match Document::open(&path) {
        Ok(document) => Some(document),
        Err(OpenError::Missing) if named.is_none() => None,
        Err(error) => return Err(ConfigErrors::unreadable(&path, &error)),
    };

    let mut findings = Findings::default();
    let mut raw = match &mut document {
        Some(document) => read::read(document, &mut findings),
        None => raw::RawConfig::default(),
    };
    // After a syntax error nobody knows what else was meant: only what was read is reported.
    if findings.has_syntax_error() {
        return Err(findings.into_errors(document.as_ref()));
    }
    overrides.apply(&mut raw);
    let surroundings = resolve::Surroundings {
        document: document.as_ref(),
        folder: document.as_ref().and_then(Document::folder),
        paths,
        built_in_themes,
        user: overrides.user.as_deref(),
    };
    let (settings, mut warnings) = resolve::resolve(&raw, &surroundings, &mut findings);
    if !findings.is_empty() {
        return Err(findings.into_errors(document.as_ref()));
    }
    if let Some(document) = &document {
        warnings.extend(document.caution());
    }
    Ok(Loaded {
        settings,
        file: document.map(|d| d.path().to_owned()),
        warnings,
    })
}
