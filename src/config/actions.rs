//! What may be done from here, under which rules, and who else may approve it?
//!
//! The settings of everything that acts. Part of [`super::settings`]; made by `resolve`, read by `control`,
//! `journal` and the commands.

use std::path::PathBuf;
use std::time::Duration;

use super::settings::Endpoint;
use crate::domain::action::{Direction, Parameter, Risk};
use crate::domain::policy::Policy;
use crate::domain::source::SourceName;

/// Whether anything may be done, and how.
#[derive(Clone, Debug, Default)]
pub struct ActionSettings {
    /// The rules. None: read-only, nothing that writes exists.
    pub policy: Option<Policy>,
    /// Who approves, and how approvals travel.
    pub approvals: ApprovalSettings,
    /// Where what was done is kept.
    pub journal: JournalSettings,
    /// Operations of control planes over HTTP.
    pub control_planes: Vec<ControlPlane>,
    /// Programs of this machine that may be run.
    pub commands: Vec<LocalCommand>,
    /// Terraform or OpenTofu, where it may be run.
    pub terraform: Option<TerraformProgram>,
    /// The file whose presence stops every dispatch on this machine. None: `PANIC` in the state folder.
    pub panic_file: Option<PathBuf>,
    /// The namespace of the leases for targets that have none.
    pub lease_namespace: Option<String>,
}

/// Who approves, and how approvals travel.
#[derive(Clone, Debug, Default)]
pub struct ApprovalSettings {
    /// OpenSSH's list of signers. None: nobody can approve.
    pub allowed_signers: Option<PathBuf>,
    /// OpenSSH's list of revoked keys.
    pub revoked_keys: Option<PathBuf>,
    /// Our own key: a private key, or a public one whose private part the agent holds.
    pub signing_key: Option<PathBuf>,
    /// Our own name in the list of signers. None: found by the key.
    pub identity: Option<String>,
    /// The folder through which requests and approvals travel.
    pub folder: Option<PathBuf>,
    /// Whether that folder is a git repository to pull from and push to.
    pub carrier: Carrier,
}

/// What carries approvals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carrier {
    /// A folder that both can reach.
    #[default]
    Folder,
    /// A git repository with a remote.
    Git,
}

/// Where what was done is kept.
#[derive(Clone, Debug, Default)]
pub struct JournalSettings {
    /// The file. None: one for each environment in the state folder.
    pub path: Option<PathBuf>,
    /// Where checkpoints are anchored, beside the journal itself.
    pub anchors: Vec<Anchor>,
}

/// Where a checkpoint is kept that an editor of the journal cannot reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The machine's syslog or journald.
    Syslog,
    /// A file, best on another file system.
    File(PathBuf),
    /// A git repository, with a commit for each.
    Git(PathBuf),
}

/// A control plane over HTTP.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    /// Its name: `http.NAME.OPERATION`.
    pub name: SourceName,
    /// Where it is. Only its host is ever asked, no redirect is followed.
    pub endpoint: Endpoint,
    /// An `OpenAPI` document that describes operations. Each has to be allowed by name.
    pub openapi: Option<PathBuf>,
    /// Which of its operations may be used.
    pub allow: Vec<String>,
    /// Operations that the config describes itself.
    pub operations: Vec<HttpOperation>,
}

/// One operation of a control plane.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpOperation {
    /// `collector.set-buffering`
    pub name: String,
    /// What it does.
    pub help: String,
    /// `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// `/v1/collectors/{cluster}/buffering`: names in braces are parameters.
    pub path: String,
    /// Its parameters. Those that are not in the path go into the body, or into the query of a DELETE.
    pub parameters: Vec<Parameter>,
    /// A query that makes it a dry run: `dryRun=true`.
    pub dry_run: Option<String>,
    /// How a change between reading and writing is refused: the header that carries the version
    /// (`If-Match`). The version is the `ETag` of `read`.
    pub precondition_header: Option<String>,
    /// The header that makes a repeated request harmless: `Idempotency-Key`.
    pub idempotency_header: Option<String>,
    /// A path to GET what it changes.
    pub read: Option<String>,
    /// What the read says once it worked: JSON pointers and the values there, with `{parameter}`.
    pub verify: Vec<(String, String)>,
    /// For how long it is waited for.
    pub within: Duration,
    /// The operation that takes it back, and its parameters: values, `{parameter}`, or `{before:/pointer}`
    /// of what the read said before.
    pub reverse: Option<(String, Vec<(String, String)>)>,
    /// Its risk; R3 where none is declared.
    pub risk: Risk,
    /// Its direction.
    pub direction: Direction,
}

/// A program of this machine that may be run.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalCommand {
    /// `command.NAME`
    pub name: String,
    /// What it does.
    pub help: String,
    /// The absolute path of the program.
    pub program: PathBuf,
    /// SHA-256 of its file, in hexadecimal. Another file is not run.
    pub sha256: String,
    /// Its arguments; `{parameter}` within one is replaced, and never splits it.
    pub arguments: Vec<String>,
    /// What it may be given.
    pub parameters: Vec<Parameter>,
    /// All of its environment, beside `PATH` and `LANG`.
    pub environment: Vec<(String, String)>,
    /// Where it runs.
    pub directory: Option<PathBuf>,
    /// Arguments that make it a dry run.
    pub dry_run: Option<Vec<String>>,
    /// Arguments that take it back.
    pub reverse: Option<Vec<String>>,
    /// How long it may take.
    pub timeout: Duration,
    /// Its risk; R3 where none is declared.
    pub risk: Risk,
    /// Its direction.
    pub direction: Direction,
}

/// Terraform or OpenTofu, where it may be run.
#[derive(Clone, Debug, PartialEq)]
pub struct TerraformProgram {
    /// The absolute path of the program.
    pub program: PathBuf,
    /// SHA-256 of its file, in hexadecimal. Another file is not run.
    pub sha256: String,
    /// The folders in which it may be run.
    pub directories: Vec<PathBuf>,
    /// Environment variables that are passed on by name, such as those of credentials.
    pub pass: Vec<String>,
    /// How long a plan or an apply may take.
    pub timeout: Duration,
}
