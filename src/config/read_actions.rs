//! What does the file hold of acting, and is it of the right type?
//!
//! The part of `read` that fills [`RawActions`].

use super::raw_actions::{
    self as raw, RawActions, RawApprovals, RawCommand, RawControlPlane, RawDeclared, RawJournal,
    RawOperation, RawParameter, RawProgram, RawReverse, RawTerraformRun,
};
use super::read::source;
use super::reader::{Reader, Table};

/// Everything about acting.
pub(super) fn actions(reader: &mut Reader<'_>, top: &Table<'_>) -> RawActions {
    let mut found = RawActions {
        approvals: approvals(reader, top),
        journal: reader
            .table(top, "journal", &raw::JOURNAL)
            .map(|t| RawJournal {
                path: reader.text(&t, "path"),
                anchors: reader.texts(&t, "anchors"),
            })
            .unwrap_or_default(),
        control_planes: reader
            .tables(top, "control_plane", &raw::CONTROL_PLANE)
            .iter()
            .map(|t| control_plane(reader, t))
            .collect(),
        commands: reader
            .tables(top, "command", &raw::COMMAND)
            .iter()
            .map(|t| command(reader, t))
            .collect(),
        terraform: reader
            .table(top, "terraform_run", &raw::TERRAFORM_RUN)
            .map(|t| RawTerraformRun {
                header: t.header.clone(),
                program: program(reader, &t),
                directories: reader.texts(&t, "directories"),
                pass: reader.texts(&t, "pass"),
                timeout: reader.text(&t, "timeout"),
            }),
        ..RawActions::default()
    };
    if let Some(table) = reader.table(top, "actions", &raw::ACTIONS) {
        found.policy = reader.text(&table, "policy");
        found.panic_file = reader.text(&table, "panic_file");
        found.lease_namespace = reader.text(&table, "lease_namespace");
        found.header = Some(table.header);
    }
    found
}

fn approvals(reader: &mut Reader<'_>, top: &Table<'_>) -> RawApprovals {
    let Some(table) = reader.table(top, "approvals", &raw::APPROVALS) else {
        return RawApprovals::default();
    };
    RawApprovals {
        allowed_signers: reader.text(&table, "allowed_signers"),
        revoked_keys: reader.text(&table, "revoked_keys"),
        signing_key: reader.text(&table, "signing_key"),
        identity: reader.text(&table, "identity"),
        folder: reader.text(&table, "folder"),
        carrier: reader.text(&table, "carrier"),
    }
}

fn control_plane(reader: &mut Reader<'_>, table: &Table<'_>) -> RawControlPlane {
    RawControlPlane {
        source: source(reader, table),
        openapi: reader.text(table, "openapi"),
        allow: reader.texts(table, "allow"),
        operations: reader
            .tables(table, "operation", &raw::OPERATION)
            .iter()
            .map(|t| operation(reader, t))
            .collect(),
    }
}

fn operation(reader: &mut Reader<'_>, table: &Table<'_>) -> RawOperation {
    RawOperation {
        header: table.header.clone(),
        name: reader.text(table, "name"),
        help: reader.text(table, "help"),
        method: reader.text(table, "method"),
        path: reader.text(table, "path"),
        parameters: parameters(reader, table),
        dry_run: reader.text(table, "dry_run"),
        precondition_header: reader.text(table, "precondition_header"),
        idempotency_header: reader.text(table, "idempotency_header"),
        read: reader.text(table, "read"),
        verify: reader.named_texts(table, "verify"),
        within: reader.text(table, "within"),
        reverse: reader
            .table(table, "reverse", &raw::REVERSE)
            .map(|t| RawReverse {
                header: t.header.clone(),
                operation: reader.text(&t, "operation"),
                with: reader.named_texts(&t, "with"),
            }),
        declared: declared(reader, table),
    }
}

fn parameters(reader: &mut Reader<'_>, table: &Table<'_>) -> Vec<RawParameter> {
    let tables = reader.named_tables(table, "parameters", &raw::PARAMETER);
    let read = |(name, t): (super::raw::Text, Table<'_>)| RawParameter {
        name,
        header: t.header.clone(),
        kind: reader.text(&t, "type"),
        required: reader.switch(&t, "required"),
        help: reader.text(&t, "help"),
        min: reader.integer(&t, "min"),
        max: reader.integer(&t, "max"),
        choices: reader.texts(&t, "choices"),
    };
    tables.into_iter().map(read).collect()
}

fn declared(reader: &mut Reader<'_>, table: &Table<'_>) -> RawDeclared {
    RawDeclared {
        risk: reader.text(table, "risk"),
        direction: reader.text(table, "direction"),
    }
}

fn program(reader: &mut Reader<'_>, table: &Table<'_>) -> RawProgram {
    RawProgram {
        path: reader.text(table, "program"),
        sha256: reader.text(table, "sha256"),
    }
}

fn command(reader: &mut Reader<'_>, table: &Table<'_>) -> RawCommand {
    RawCommand {
        header: table.header.clone(),
        name: reader.text(table, "name"),
        env: reader.text(table, "env"),
        help: reader.text(table, "help"),
        program: program(reader, table),
        arguments: reader.texts(table, "arguments"),
        parameters: parameters(reader, table),
        environment: reader.named_texts(table, "environment"),
        directory: reader.text(table, "directory"),
        dry_run: reader.texts(table, "dry_run"),
        reverse: reader.texts(table, "reverse"),
        timeout: reader.text(table, "timeout"),
        declared: declared(reader, table),
    }
}
