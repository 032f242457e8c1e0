//! What does a program of this machine come to, with the parameters of a request?
//!
//! The config names the program, its hash and its arguments. A parameter replaces its name within one
//! argument and never becomes two, and never an option. What the program does is not known here: unless the
//! config says how it is tried and taken back, the plan says that there is neither. Run by
//! [`super::local`]; called by [`super::families`].

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{NoPlan, local};
use crate::config::actions::{ActionSettings, LocalCommand};
use crate::config::settings::Settings;
use crate::domain::action::{ActionRequest, ActionSpec, Upstream};
use crate::domain::check::Evidence;
use crate::domain::plan::{
    Blast, CommandWrite, Difference, DryRun, DryVerdict, Grade, Holds, Plan, Precondition, Reverse,
    Seed, Step, Target, WhenBusy, Write,
};
use crate::domain::text::{Untrusted, shown};

/// A dry run is waited for no longer.
const DRY_RUN_LIMIT: Duration = Duration::from_secs(25);

/// Whether an action is one of this family.
pub(super) fn plans(action: &str) -> bool {
    action.starts_with("command.")
}

/// Every command, for the catalogue.
pub(super) fn specs(settings: &ActionSettings) -> Vec<ActionSpec> {
    let specs = settings.commands.iter().map(|command| ActionSpec {
        name: Cow::Owned(format!("command.{}", command.name)),
        help: Cow::Owned(command.help.clone()),
        upstream: Upstream::Command,
        risk: command.risk,
        direction: command.direction,
        parameters: command.parameters.clone(),
    });
    specs.collect()
}

fn meant<'a>(settings: &'a Settings, request: &ActionRequest) -> Result<&'a LocalCommand, NoPlan> {
    let name = request.action.strip_prefix("command.").unwrap_or_default();
    let mut all = settings.actions.commands.iter();
    let found = all.find(|command| command.name == name);
    found.ok_or_else(|| NoPlan::new(format!("no command `{}` is allowed", shown(name))))
}

/// This machine.
///
/// # Errors
/// No such command is allowed.
pub(super) fn resolve(settings: &Settings, request: &ActionRequest) -> Result<Vec<Target>, NoPlan> {
    let command = meant(settings, request)?;
    let line = |name: &str| request.get(name).map(Untrusted::line);
    Ok(vec![Target {
        env: settings
            .environment
            .as_ref()
            .map(|env| Untrusted::line(&env.name)),
        server: "local".into(),
        server_identity: request.by.host.raw().to_owned(),
        name: Untrusted::line(&command.program.to_string_lossy()),
        word: Untrusted::line(&command.name),
        namespace: line("namespace"),
        service: line("service"),
        uid: None,
    }])
}

/// Makes the plan for a pinned target.
///
/// # Errors
/// A parameter is missing or would be read as an option.
pub(super) async fn plan(
    settings: &Settings,
    request: &ActionRequest,
    seed: &Seed,
    targets: &[Target],
    now: DateTime<Utc>,
) -> Result<Plan, NoPlan> {
    let command = meant(settings, request)?;
    let write = write(command, &command.arguments, request)?;
    let trusted = local::check(&write.program, &write.sha256).await;
    let dry_run = match &trusted {
        Ok(()) => dry_run(command, request).await?,
        Err(why) => none(&format!("the program is not run: {why}")),
    };
    let reverse = match &command.reverse {
        None => Reverse::None(Untrusted::line(
            "the config does not say what takes it back",
        )),
        Some(arguments) => {
            let write = self::write(command, arguments, request)?;
            let what = words(&write);
            Reverse::Steps {
                what: Untrusted::line(&what),
                steps: vec![step(&what, write)],
                dry_run: none("it is only tried after the program was run"),
            }
        }
    };
    let (state, detail) = match trusted {
        Ok(()) => (Holds::Yes, format!("SHA-256 {}", write.sha256)),
        Err(why) => (Holds::No, why),
    };
    let what = words(&write);
    Ok(Plan {
        seed: seed.clone(),
        request: request.clone(),
        title: Untrusted::line(&format!("{}: {}", request.action, command.help)),
        targets: targets.to_vec(),
        steps: vec![step(&what, write)],
        reverse,
        risk: command.risk,
        direction: command.direction,
        differences: vec![Difference {
            path: Untrusted::line("run"),
            before: None,
            after: Some(Untrusted::line(&what)),
        }],
        blast: Blast {
            words: vec![Untrusted::line(
                "what the program touches is not known here",
            )],
            ..Blast::default()
        },
        dry_run,
        preconditions: vec![Precondition {
            what: Untrusted::line("the program is the one that the config names"),
            state,
            detail: Untrusted::line(&detail),
        }],
        made_at: now,
        server_ahead_secs: None,
    })
}

fn step(what: &str, write: CommandWrite) -> Step {
    let why = "nobody but the program itself knows what it did";
    Step {
        what: Untrusted::line(what),
        target: 0,
        write: Write::Command(write),
        check: None,
        evidence: Evidence::None(Untrusted::line(why)),
        when_busy: WhenBusy::AskAgain,
    }
}

/// `/opt/tools/drain --region eu-1`; an argument with anything else than plain characters in quotes.
fn words(write: &CommandWrite) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:=@,+".contains(&b);
    let arguments = write.arguments.iter().map(|argument| {
        if !argument.is_empty() && argument.bytes().all(plain) {
            argument.clone()
        } else {
            format!("{argument:?}")
        }
    });
    let all: Vec<_> = std::iter::once(write.program.clone())
        .chain(arguments)
        .collect();
    all.join(" ")
}

fn write(
    command: &LocalCommand,
    arguments: &[String],
    request: &ActionRequest,
) -> Result<CommandWrite, NoPlan> {
    let text = |path: &std::path::Path| {
        let text = path.to_str().map(str::to_owned);
        text.ok_or_else(|| NoPlan::new(format!("{} is not UTF-8", path.display())))
    };
    if let Some((name, _)) = command
        .environment
        .iter()
        .find(|(name, _)| name.starts_with("QUELL_"))
    {
        return Err(NoPlan::new(format!(
            "`{}` is a name of our own",
            shown(name)
        )));
    }
    let own = local::ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let declared = &command.environment;
    let own = own
        .into_iter()
        .filter(|(name, _)| declared.iter().all(|(other, _)| other != name));
    Ok(CommandWrite {
        program: text(&command.program)?,
        sha256: command.sha256.to_ascii_lowercase(),
        arguments: expanded(arguments, request)?,
        environment: own.chain(declared.iter().cloned()).collect(),
        directory: command.directory.as_deref().map(text).transpose()?,
        timeout: command.timeout,
    })
}

fn expanded(templates: &[String], request: &ActionRequest) -> Result<Vec<String>, NoPlan> {
    let mut are_options_over = false;
    let mut arguments = Vec::new();
    for template in templates {
        let argument = filled(template, request)?;
        let became_option = argument.starts_with('-') && !template.starts_with('-');
        if became_option && !are_options_over {
            return Err(NoPlan::new(format!(
                "`{}` would be read as an option: put `--` before `{}` in the config, where the program knows it",
                shown(&argument),
                shown(template)
            )));
        }
        are_options_over |= template == "--";
        arguments.push(argument);
    }
    Ok(arguments)
}

/// Replaces what stands in braces, once and from left to right: no value is read as a template.
fn filled(template: &str, request: &ActionRequest) -> Result<String, NoPlan> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        let Some((name, after)) = behind.split_once('}') else {
            break;
        };
        let value = request.text(name)?;
        if value.chars().any(char::is_control) {
            return Err(NoPlan::new(format!(
                "`{}` has control characters",
                shown(name)
            )));
        }
        out += before;
        out += value;
        rest = after;
    }
    out += rest;
    Ok(out)
}

async fn dry_run(command: &LocalCommand, request: &ActionRequest) -> Result<DryRun, NoPlan> {
    let Some(arguments) = &command.dry_run else {
        return Ok(none("the config names no arguments that make it a dry run"));
    };
    let mut write = write(command, arguments, request)?;
    write.timeout = write.timeout.min(DRY_RUN_LIMIT);
    let verdict = match local::execute(&write, local::Patience::None).await {
        Ok(ran) if ran.status.success() => DryVerdict::Accepted,
        Ok(ran) => DryVerdict::Refused(Untrusted::line(&ran.words())),
        Err(
            local::Stopped::Untrusted(why)
            | local::Stopped::NotStarted(why)
            | local::Stopped::Unknown(why),
        ) => DryVerdict::NotRun(Untrusted::line(&why)),
    };
    Ok(DryRun {
        grade: Grade::C,
        verdict,
        notes: vec![Untrusted::line(&format!(
            "the program's own word: {}",
            words(&write)
        ))],
    })
}

fn none(why: &str) -> DryRun {
    DryRun {
        grade: Grade::D,
        verdict: DryVerdict::NotRun(Untrusted::line(why)),
        notes: Vec::new(),
    }
}
