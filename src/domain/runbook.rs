//! What is a runbook, and in which exact version does one read it?
//!
//! Read by `runbooks`, matched to alerts by [`super::runbook_match`], shown on screen 5. The text
//! is prose here: nothing is parsed into steps.

use std::sync::Arc;

use serde::Serialize;

use super::matcher::Matchers;
use super::prose::Document;
use super::text::Untrusted;

/// The version of a text that one reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Version {
    /// In git: the commit, the blob id of these very bytes, and whether they differ from the commit.
    Git {
        /// `HEAD` when it was read.
        commit: String,
        /// git's id of the bytes.
        blob: String,
        /// The bytes are not those of the commit.
        dirty: bool,
    },
    /// No git: the SHA-256 of the bytes.
    Unversioned {
        /// Hexadecimal.
        sha256: String,
    },
}

impl Version {
    /// As shown beside an alert: `4f2c91a`, `4f2c91a+dirty`, `unversioned 9c1185a5`.
    #[must_use]
    pub fn short(&self) -> String {
        match self {
            Self::Git { commit, dirty, .. } => {
                let mark = if *dirty { "+dirty" } else { "" };
                format!("{}{mark}", commit.get(..7).unwrap_or(commit))
            }
            Self::Unversioned { sha256 } => {
                format!("unversioned {}", sha256.get(..8).unwrap_or(sha256))
            }
        }
    }
}

/// One runbook.
#[derive(Clone, Debug)]
pub struct Runbook {
    /// `id` of the front matter, else the file's name.
    pub id: Untrusted,
    /// `title` of the front matter, else the first heading, else the id.
    pub title: Untrusted,
    /// Where it lies, relative to the folder of runbooks.
    pub path: Untrusted,
    /// Its version.
    pub version: Version,
    /// What the front matter says.
    pub front: FrontMatter,
    /// The text, for reading.
    pub document: Arc<Document>,
    /// The file's text, front matter included. Raw: printers make it safe line by line.
    pub source: Arc<str>,
    /// What is wrong with it. A runbook with problems can still be read.
    pub problems: Vec<String>,
}

/// The part of the front matter that reading and matching need.
#[derive(Clone, Debug, Default)]
pub struct FrontMatter {
    /// Who keeps it.
    pub owner: Option<Untrusted>,
    /// `page` or `ticket`.
    pub severity: Option<Untrusted>,
    /// Alternatives; each is a conjunction.
    pub applies_to: Vec<Matchers>,
    /// Other names of it, compared with `alertname`.
    pub aliases: Vec<Untrusted>,
    /// Services it is about.
    pub services: Vec<Untrusted>,
    /// When it was last reviewed, as written (`2026-08-14`).
    pub reviewed: Option<Untrusted>,
    /// How often it should be, as written (`90d`).
    pub review_every: Option<Untrusted>,
}

/// Where the runbooks were read.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The folder, or `built in`.
    pub place: Option<Untrusted>,
    /// `HEAD`, if it is a git repository.
    pub commit: Option<String>,
    /// The branch, if one is checked out.
    pub branch: Option<Untrusted>,
    /// The URL of the first remote, without credentials.
    pub remote: Option<Untrusted>,
}

/// All runbooks of one reading.
#[derive(Clone, Debug, Default)]
pub struct Library {
    /// By id.
    pub runbooks: Vec<Runbook>,
    /// Where they come from.
    pub origin: Origin,
    /// Files that could not be read, ids that come twice: in words.
    pub problems: Vec<String>,
}
