//! What may a config file say of acting, and what did this one say?
//!
//! The part of `raw` that [`super::actions`] is made from: its [`Shape`]s, and the tables as written.

use super::finding::{Spot, Written};
use super::raw::{RawSource, Shape, Text, Texts};

/// Whether anything may be done.
pub(super) const ACTIONS: Shape = Shape {
    title: "[actions]",
    keys: &["policy", "panic_file", "lease_namespace"],
};

/// Who approves.
pub(super) const APPROVALS: Shape = Shape {
    title: "[approvals]",
    keys: &[
        "allowed_signers",
        "revoked_keys",
        "signing_key",
        "identity",
        "folder",
        "carrier",
    ],
};

/// Where what was done is kept.
pub(super) const JOURNAL: Shape = Shape {
    title: "[journal]",
    keys: &["path", "anchors"],
};

/// A control plane over HTTP.
pub(super) const CONTROL_PLANE: Shape = Shape {
    title: "[[control_plane]]",
    keys: &[
        "name",
        "url",
        "env",
        "timeout",
        "max_response_mib",
        "basic",
        "bearer",
        "headers",
        "ca_file",
        "cert_file",
        "key_file",
        "proxy",
        "openapi",
        "allow",
        "operation",
    ],
};

/// One of its operations.
pub(super) const OPERATION: Shape = Shape {
    title: "[[control_plane.operation]]",
    keys: &[
        "name",
        "help",
        "method",
        "path",
        "parameters",
        "dry_run",
        "precondition_header",
        "idempotency_header",
        "read",
        "verify",
        "within",
        "reverse",
        "risk",
        "direction",
    ],
};

/// What an operation or a command may be given.
pub(super) const PARAMETER: Shape = Shape {
    title: "a parameter",
    keys: &["type", "required", "help", "min", "max", "choices"],
};

/// What takes an operation back.
pub(super) const REVERSE: Shape = Shape {
    title: "reverse",
    keys: &["operation", "with"],
};

/// A program of this machine.
pub(super) const COMMAND: Shape = Shape {
    title: "[[command]]",
    keys: &[
        "name",
        "env",
        "help",
        "program",
        "sha256",
        "arguments",
        "parameters",
        "environment",
        "directory",
        "dry_run",
        "reverse",
        "timeout",
        "risk",
        "direction",
    ],
};

/// Terraform or `OpenTofu`.
pub(super) const TERRAFORM_RUN: Shape = Shape {
    title: "[terraform_run]",
    keys: &["program", "sha256", "directories", "pass", "timeout"],
};

/// Everything about acting.
#[derive(Default)]
pub(super) struct RawActions {
    /// Where `[actions]` stands, if it does.
    pub(super) header: Option<Spot>,
    /// `--read-only`: nothing may be done, whatever else is said.
    pub(super) read_only: bool,
    pub(super) policy: Option<Text>,
    pub(super) panic_file: Option<Text>,
    pub(super) lease_namespace: Option<Text>,
    pub(super) approvals: RawApprovals,
    pub(super) journal: RawJournal,
    pub(super) control_planes: Vec<RawControlPlane>,
    pub(super) commands: Vec<RawCommand>,
    pub(super) terraform: Option<RawTerraformRun>,
}

/// `[approvals]`
#[derive(Default)]
pub(super) struct RawApprovals {
    pub(super) allowed_signers: Option<Text>,
    pub(super) revoked_keys: Option<Text>,
    pub(super) signing_key: Option<Text>,
    pub(super) identity: Option<Text>,
    pub(super) folder: Option<Text>,
    pub(super) carrier: Option<Text>,
}

/// `[journal]`
#[derive(Default)]
pub(super) struct RawJournal {
    pub(super) path: Option<Text>,
    pub(super) anchors: Option<Texts>,
}

/// `[[control_plane]]`
pub(super) struct RawControlPlane {
    /// Without a period: nobody polls it.
    pub(super) source: RawSource,
    pub(super) openapi: Option<Text>,
    pub(super) allow: Option<Texts>,
    pub(super) operations: Vec<RawOperation>,
}

/// `[[control_plane.operation]]`
pub(super) struct RawOperation {
    pub(super) header: Spot,
    pub(super) name: Option<Text>,
    pub(super) help: Option<Text>,
    pub(super) method: Option<Text>,
    pub(super) path: Option<Text>,
    pub(super) parameters: Vec<RawParameter>,
    pub(super) dry_run: Option<Text>,
    pub(super) precondition_header: Option<Text>,
    pub(super) idempotency_header: Option<Text>,
    pub(super) read: Option<Text>,
    pub(super) verify: Vec<(Text, Text)>,
    pub(super) within: Option<Text>,
    pub(super) reverse: Option<RawReverse>,
    pub(super) declared: RawDeclared,
}

/// What its author says of the risk.
pub(super) struct RawDeclared {
    pub(super) risk: Option<Text>,
    pub(super) direction: Option<Text>,
}

/// `reverse = { operation = "...", with = { ... } }`
pub(super) struct RawReverse {
    pub(super) header: Spot,
    pub(super) operation: Option<Text>,
    pub(super) with: Vec<(Text, Text)>,
}

/// `parameters.NAME = { ... }`
pub(super) struct RawParameter {
    pub(super) name: Text,
    pub(super) header: Spot,
    pub(super) kind: Option<Text>,
    pub(super) required: Option<Written<bool>>,
    pub(super) help: Option<Text>,
    pub(super) min: Option<Written<i64>>,
    pub(super) max: Option<Written<i64>>,
    pub(super) choices: Option<Texts>,
}

/// `[[command]]`
pub(super) struct RawCommand {
    pub(super) header: Spot,
    pub(super) name: Option<Text>,
    pub(super) env: Option<Text>,
    pub(super) help: Option<Text>,
    pub(super) program: RawProgram,
    pub(super) arguments: Option<Texts>,
    pub(super) parameters: Vec<RawParameter>,
    pub(super) environment: Vec<(Text, Text)>,
    pub(super) directory: Option<Text>,
    pub(super) dry_run: Option<Texts>,
    pub(super) reverse: Option<Texts>,
    pub(super) timeout: Option<Text>,
    pub(super) declared: RawDeclared,
}

/// Which file is run.
pub(super) struct RawProgram {
    pub(super) path: Option<Text>,
    pub(super) sha256: Option<Text>,
}

/// `[terraform_run]`
pub(super) struct RawTerraformRun {
    pub(super) header: Spot,
    pub(super) program: RawProgram,
    pub(super) directories: Option<Texts>,
    pub(super) pass: Option<Texts>,
    pub(super) timeout: Option<Text>,
}
