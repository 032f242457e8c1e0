//! May these programs of this machine be run, as the config describes them?
//!
//! Part of `resolve`. A program is named by its whole path and the hash of its file, gets its arguments one
//! by one, and is never a shell. Nothing is opened here: whether the hash is right is seen before it runs.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::actions::{LocalCommand, TerraformProgram};
use super::finding::Spot;
use super::mask;
use super::raw::{Text, Texts};
use super::raw_actions::{RawCommand, RawProgram, RawTerraformRun};
use super::resolve::Resolver;
use super::resolve_actions::absolute;
use super::resolve_operations::{declared, known, parameters, placeholders};
use crate::domain::action::Parameter;
use crate::domain::text::shown;

const COMMAND: &str = "[[command]]";
const TERRAFORM_RUN: &str = "[terraform_run]";
const TIMEOUT: Duration = Duration::from_mins(1);
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(1);
const TERRAFORM_TIMEOUT: Duration = Duration::from_mins(30);
const TERRAFORM_TIMEOUTS: RangeInclusive<Duration> =
    Duration::from_mins(1)..=Duration::from_hours(4);
/// What reads its arguments as programs, or runs others by name.
const SHELLS: [&str; 12] = [
    "sh", "bash", "dash", "zsh", "ksh", "fish", "csh", "tcsh", "busybox", "env", "xargs", "sudo",
];

pub(super) fn command(resolver: &mut Resolver<'_>, raw: &RawCommand) -> Option<LocalCommand> {
    let name = resolver.required(raw.name.as_ref(), &raw.header, COMMAND, "name");
    if let Some(name) = name {
        resolver.check_name(name);
    }
    let program = program(resolver, &raw.program, &raw.header, COMMAND);
    let parameters = parameters(resolver, &raw.parameters);
    let mut used = BTreeSet::new();
    let mut all = |texts: &Option<Texts>| {
        let texts = texts.as_ref()?;
        Some(arguments(resolver, texts, &parameters, &mut used))
    };
    let (forward, dry_run) = (all(&raw.arguments), all(&raw.dry_run));
    let reverse = all(&raw.reverse);
    for raw in &raw.parameters {
        if !used.contains(&raw.name.value) {
            let name = shown(&raw.name.value);
            let message = format!("the parameter `{name}` stands in no argument");
            let hint = format!("write {{{name}}} within one, or remove it");
            resolver.findings.add(&raw.name.spot, message, Some(&hint));
        }
    }
    let environment = environment(resolver, &raw.environment);
    let directory = raw.directory.as_ref();
    let directory = directory.and_then(|text| absolute(resolver, text));
    let (risk, direction) = declared(resolver, &raw.declared);
    let timeout = resolver.span_of_time(raw.timeout.as_ref(), TIMEOUT, TIMEOUTS);
    let help = resolver.words(raw.help.as_ref()).unwrap_or_default();
    let (program, sha256) = program?;
    Some(LocalCommand {
        name: name?.value.clone(),
        help,
        program,
        sha256,
        arguments: forward.unwrap_or_default(),
        parameters,
        environment,
        directory,
        dry_run,
        reverse,
        timeout,
        risk,
        direction,
    })
}

/// Whole paths and hashes: what is run is the very file that somebody looked at.
fn program(
    resolver: &mut Resolver<'_>,
    raw: &RawProgram,
    header: &Spot,
    title: &str,
) -> Option<(PathBuf, String)> {
    let path = resolver.required(raw.path.as_ref(), header, title, "program");
    let sha256 = resolver.required(raw.sha256.as_ref(), header, title, "sha256");
    let path = path.and_then(|text| {
        let path = absolute(resolver, text)?;
        let name = path.file_name().map(|name| name.to_string_lossy());
        if name.is_some_and(|name| SHELLS.contains(&name.as_ref())) {
            let message = "a program that runs what its arguments say";
            let hint = "name the program itself: nothing here goes through a shell";
            resolver.findings.add(&text.spot, message, Some(hint));
        }
        Some(path)
    });
    let sha256 = sha256.map(|text| {
        let is_hash = text.value.len() == 64 && text.value.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_hash {
            let message = "this is no SHA-256 of a file";
            let hint = "64 hexadecimal digits: `sha256sum FILE` prints them";
            resolver.findings.add(&text.spot, message, Some(hint));
        }
        text.value.to_ascii_lowercase()
    });
    Some((path?, sha256?))
}

fn arguments(
    resolver: &mut Resolver<'_>,
    texts: &Texts,
    parameters: &[Parameter],
    used: &mut BTreeSet<String>,
) -> Vec<String> {
    for text in &texts.value {
        if text.value.contains('\0') {
            let hint = "write the argument as the program wants it";
            resolver
                .findings
                .add(&text.spot, "an argument holds no NUL", Some(hint));
        }
        for name in placeholders(resolver, text) {
            known(resolver, text, &name, parameters);
            used.insert(name);
        }
    }
    texts.value.iter().map(|text| text.value.clone()).collect()
}

fn environment(resolver: &mut Resolver<'_>, written: &[(Text, Text)]) -> Vec<(String, String)> {
    for (name, value) in written {
        check_variable(resolver, name);
        if mask::is_secret_name(&name.value) {
            let name = shown(&name.value);
            let message = format!("the value of `{name}` may not stand in the config");
            let hint = "let the program read it from a file of its own";
            resolver.findings.add(&value.spot, message, Some(hint));
        }
    }
    let written = written.iter();
    written
        .map(|(name, value)| (name.value.clone(), value.value.clone()))
        .collect()
}

/// One that decides which code runs is none that anybody may set.
fn check_variable(resolver: &mut Resolver<'_>, name: &Text) {
    let value = name.value.as_str();
    let is_name = !value.is_empty()
        && !value.starts_with(|c: char| c.is_ascii_digit())
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let decides = value.starts_with("LD_") || matches!(value, "PATH" | "IFS" | "BASH_ENV" | "ENV");
    let (message, hint) = if !is_name {
        ("this is no name of a variable", "letters, digits and `_`")
    } else if decides {
        (
            "this variable decides what is run",
            "remove it: PATH and LANG are set, and nothing else",
        )
    } else {
        return;
    };
    resolver.findings.add(&name.spot, message, Some(hint));
}

pub(super) fn terraform(
    resolver: &mut Resolver<'_>,
    raw: &RawTerraformRun,
) -> Option<TerraformProgram> {
    let program = program(resolver, &raw.program, &raw.header, TERRAFORM_RUN);
    let key = "directories";
    let written = resolver.required(raw.directories.as_ref(), &raw.header, TERRAFORM_RUN, key);
    if let Some(texts) = written.filter(|texts| texts.value.is_empty()) {
        let message = "there is no folder in which it may be run";
        let hint = "name the folders of the configurations";
        resolver.findings.add(&texts.spot, message, Some(hint));
    }
    let texts = written.iter().flat_map(|texts| &texts.value);
    let directories = texts.filter_map(|text| resolver.path(text)).collect();
    let pass = raw.pass.iter().flat_map(|texts| &texts.value);
    let pass = pass.map(|text| {
        check_variable(resolver, text);
        text.value.clone()
    });
    let pass = pass.collect();
    let timeout = raw.timeout.as_ref();
    let timeout = resolver.span_of_time(timeout, TERRAFORM_TIMEOUT, TERRAFORM_TIMEOUTS);
    let (program, sha256) = program?;
    Some(TerraformProgram {
        program,
        sha256,
        directories,
        pass,
        timeout,
    })
}
