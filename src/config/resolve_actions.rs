//! What may be done from here, and is what the config says of it sound?
//!
//! Part of `resolve`. It reads the policy file, and nothing else: no key, no list of signers, no program
//! and no document is opened here. `resolve_operations` has what can be done.

use std::path::{Path, PathBuf};

use super::actions::{
    ActionSettings, Anchor, ApprovalSettings, Carrier, ControlPlane, JournalSettings, LocalCommand,
};
use super::naming::{Names, is_on_show};
use super::policy::{LoadedPolicy, built_in, load_policy};
use super::raw::Text;
use super::raw_actions::{RawActions, RawApprovals, RawControlPlane, RawJournal};
use super::resolve::Resolver;
use super::resolve_delivery::is_namespace;
use super::{resolve_operations as operations, resolve_programs as programs};
use crate::domain::policy::Policy;
use crate::domain::text::shown;

/// What goes without saying where `[actions]` stands, and names no policy: plans, and no effect.
fn default_policy() -> Policy {
    Policy::observe()
}

/// Everything about acting in the environment on show.
pub(super) fn resolve(
    resolver: &mut Resolver<'_>,
    raw: &RawActions,
    show: Option<&str>,
    names: &mut Names,
) -> ActionSettings {
    let mut approvals = approvals(resolver, &raw.approvals);
    let policy = policy(resolver, raw);
    if approvals.allowed_signers.is_none() {
        approvals.allowed_signers = policy.as_ref().and_then(|p| p.signers.clone());
    }
    ActionSettings {
        approvals,
        policy: policy.map(|loaded| loaded.policy),
        journal: journal(resolver, &raw.journal),
        control_planes: control_planes(resolver, &raw.control_planes, show, names),
        commands: commands(resolver, raw, show),
        terraform: raw
            .terraform
            .as_ref()
            .and_then(|raw| programs::terraform(resolver, raw)),
        panic_file: raw.panic_file.as_ref().and_then(|text| resolver.path(text)),
        lease_namespace: raw.lease_namespace.as_ref().map(|text| {
            if !is_namespace(&text.value) {
                let message = format!("`{}` is no name of a namespace", shown(&text.value));
                let hint = "small letters, digits and `-`, at most 63 of them";
                resolver.findings.add(&text.spot, message, Some(hint));
            }
            text.value.clone()
        }),
    }
}

/// The rules; none where nothing may be done. What is read-only needs no policy, not even a sound one: so
/// that a broken one does not keep anybody from looking.
fn policy(resolver: &mut Resolver<'_>, raw: &RawActions) -> Option<LoadedPolicy> {
    if raw.read_only {
        return None;
    }
    let bare = |policy| LoadedPolicy {
        policy,
        signers: None,
        warnings: Vec::new(),
    };
    let Some(text) = &raw.policy else {
        let is_refused = |header| resolver.findings.was_refused(header, "policy");
        let header = raw.header.as_ref().filter(|header| !is_refused(header));
        return header.map(|_| bare(default_policy()));
    };
    match built_in(&text.value) {
        Some(Ok(policy)) => Some(bare(policy)),
        Some(Err(hint)) => {
            let message = format!("unknown policy `{}`", shown(&text.value));
            resolver.findings.add(&text.spot, message, Some(&hint));
            None
        }
        None => {
            let path = resolver.path(text)?;
            match load_policy(&path, resolver.surroundings.paths) {
                Ok(loaded) => {
                    resolver.warnings.extend(loaded.warnings.iter().cloned());
                    Some(loaded)
                }
                Err(errors) => {
                    resolver.findings.add_elsewhere(errors);
                    None
                }
            }
        }
    }
}

fn approvals(resolver: &mut Resolver<'_>, raw: &RawApprovals) -> ApprovalSettings {
    let carriers = [("folder", Carrier::Folder), ("git", Carrier::Git)];
    let carrier = raw.carrier.as_ref();
    let carrier_of = carrier.and_then(|text| resolver.choice(text, "carrier", &carriers));
    if let Some(text) = carrier.filter(|_| raw.folder.is_none()) {
        let message = "`carrier` says how the folder travels, and there is none";
        let hint = "add `folder`: where requests and approvals are put";
        resolver.findings.add(&text.spot, message, Some(hint));
    }
    let mut path = |text: &Option<Text>| text.as_ref().and_then(|text| resolver.path(text));
    let (allowed_signers, revoked_keys) = (path(&raw.allowed_signers), path(&raw.revoked_keys));
    let (signing_key, folder) = (path(&raw.signing_key), path(&raw.folder));
    ApprovalSettings {
        allowed_signers,
        revoked_keys,
        signing_key,
        identity: resolver.words(raw.identity.as_ref()),
        folder,
        carrier: carrier_of.unwrap_or_default(),
    }
}

fn journal(resolver: &mut Resolver<'_>, raw: &RawJournal) -> JournalSettings {
    let texts = raw.anchors.iter().flat_map(|texts| &texts.value);
    let anchors = texts.filter_map(|text| anchor(resolver, text));
    JournalSettings {
        anchors: anchors.collect(),
        path: raw.path.as_ref().and_then(|text| resolver.path(text)),
    }
}

fn anchor(resolver: &mut Resolver<'_>, text: &Text) -> Option<Anchor> {
    let mut place = |path: &str| {
        let text = Text {
            value: path.to_owned(),
            spot: text.spot.clone(),
        };
        resolver.path(&text)
    };
    match text.value.split_once(':') {
        Some(("file", path)) => place(path).map(Anchor::File),
        Some(("git", path)) => place(path).map(Anchor::Git),
        None if text.value == "syslog" => Some(Anchor::Syslog),
        _ => {
            let message = format!("unknown anchor `{}`", shown(&text.value));
            let hint = "known: syslog, file:PATH, git:PATH";
            resolver.findings.add(&text.spot, message, Some(hint));
            None
        }
    }
}

fn control_planes(
    resolver: &mut Resolver<'_>,
    raw: &[RawControlPlane],
    show: Option<&str>,
    names: &mut Names,
) -> Vec<ControlPlane> {
    let mut all = Vec::new();
    let mut order = 0;
    for raw in raw {
        let source = &raw.source;
        let title = "[[control_plane]]";
        resolver.required(source.name.as_ref(), &source.header, title, "name");
        let endpoint = resolver.endpoint(&source.endpoint, &source.header, title);
        let operations = operations::operations(resolver, raw);
        let openapi = raw.openapi.as_ref().and_then(|text| resolver.path(text));
        check_allowed(resolver, raw);
        let allow = resolver.list_of_words(raw.allow.as_ref());
        let Some(endpoint) = endpoint.filter(|_| is_on_show(source, show)) else {
            continue;
        };
        let name = names.name(source, "control-plane", &mut order);
        resolver.warn_of_open_secrets(&name, &endpoint);
        all.push(ControlPlane {
            name,
            endpoint,
            openapi,
            allow,
            operations,
        });
    }
    all
}

/// A document may describe more than anybody wants to be done from here.
fn check_allowed(resolver: &mut Resolver<'_>, raw: &RawControlPlane) {
    let is_empty = |raw: &RawControlPlane| raw.allow.as_ref().is_none_or(|a| a.value.is_empty());
    match (&raw.openapi, &raw.allow) {
        (Some(text), _) if is_empty(raw) => {
            let message = "none of its operations may be used";
            let hint = "name each in `allow`, by its operationId";
            resolver.findings.add(&text.spot, message, Some(hint));
        }
        (None, Some(texts)) => {
            let message = "`allow` is for operations of an OpenAPI document";
            let hint = "add `openapi`; an operation that stands here is allowed already";
            resolver.findings.add(&texts.spot, message, Some(hint));
        }
        (None, None) if raw.operations.is_empty() => {
            let message = "this control plane can do nothing";
            let hint = "add [[control_plane.operation]], or `openapi` and `allow`";
            resolver
                .findings
                .add(&raw.source.header, message, Some(hint));
        }
        _ => {}
    }
}

fn commands(
    resolver: &mut Resolver<'_>,
    raw: &RawActions,
    show: Option<&str>,
) -> Vec<LocalCommand> {
    let mut all: Vec<LocalCommand> = Vec::new();
    for raw in &raw.commands {
        let command = programs::command(resolver, raw);
        let is_here = raw
            .env
            .as_ref()
            .is_none_or(|e| Some(e.value.as_str()) == show);
        let Some(command) = command.filter(|_| is_here) else {
            continue;
        };
        if let Some(name) = &raw.name
            && all.iter().any(|other| other.name == command.name)
        {
            twice(resolver, "command", name);
        }
        all.push(command);
    }
    all
}

/// Two things cannot have one name.
pub(super) fn twice(resolver: &mut Resolver<'_>, what: &str, name: &Text) {
    let message = format!("there is another {what} `{}`", shown(&name.value));
    let hint = "rename one of them";
    resolver.findings.add(&name.spot, message, Some(hint));
}

/// A path that has to be the same wherever quell is started.
pub(super) fn absolute(resolver: &mut Resolver<'_>, text: &Text) -> Option<PathBuf> {
    let path = resolver.path(text)?;
    // As it is written: a relative one would be another file in another folder.
    let written = resolver.surroundings.paths.expand(Path::new(&text.value));
    if !written.is_absolute() {
        let message = format!("`{}` is not an absolute path", shown(&text.value));
        let hint = "write it from / on: it is never looked up in PATH";
        resolver.findings.add(&text.spot, message, Some(hint));
        return None;
    }
    Some(path)
}
