//! What would Terraform or OpenTofu change, and what became of it?
//!
//! `terraform.plan` makes a plan file and tells its digest; `terraform.apply` applies exactly the file of that
//! digest, once, and removes it. Only in the folders of the config, with the program of the config, through
//! [`super::local`]. Terraform itself refuses a plan over a state that has changed since. A plan file is on
//! the machine that made it, so whoever approves an apply elsewhere goes by what the requester's plan says.

mod kept;
mod summary;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;

use self::kept::Kept;
use self::summary::Summary;
use super::NoPlan;
use super::http_servers::{applied, in_doubt, not_sent, refusal};
use super::local::{self, Patience, Ran, Stopped};
use crate::config::actions::TerraformProgram;
use crate::config::settings::Settings;
use crate::domain::action::{ActionRequest, Direction, Risk};
use crate::domain::check::{Condition, Evidence, Operand, Read, ReadCheck, Seen};
use crate::domain::plan::{
    Blast, CommandWrite, Digest, DryRun, DryVerdict, Grade, Holds, Plan, Precondition, Reverse,
    Seed, Step, Target, WhenBusy, Write,
};
use crate::domain::record::{Refusal, StepOutcome};
use crate::domain::source::{ErrorKind, SourceError};
use crate::domain::text::{Untrusted, shown};

/// As targets and reads name it.
const SERVER: &str = "terraform";
/// A name in the environment of a write that says which step it is. No program gets it.
const STEP: &str = "QUELL_STEP";
/// Stands for the plan file among the arguments: where it is differs from machine to machine.
const FILE: &str = "{plan}";
/// An apply that takes too long is asked to stop, and writes its state down until then.
const STOPS_WITHIN: Duration = Duration::from_secs(30);
const LOCK: &str = "-lock-timeout=20s";

/// Whether an action is one of this family.
pub(super) fn plans(action: &str) -> bool {
    action.starts_with("terraform.")
}

fn program(settings: &Settings) -> Result<&TerraformProgram, NoPlan> {
    let program = settings.actions.terraform.as_ref();
    program.ok_or_else(|| NoPlan::new("Terraform may not be run from here: the config names none"))
}

/// The folder that is meant, as the config has it.
fn directory(program: &TerraformProgram, asked: &str) -> Result<String, NoPlan> {
    let real = |path: &Path| path.canonicalize().ok();
    let asked_path = Path::new(asked);
    let found = real(asked_path).filter(|_| asked_path.is_absolute());
    let mut allowed = program.directories.iter().filter_map(|one| real(one));
    let is_allowed = found
        .as_ref()
        .is_some_and(|found| allowed.any(|one| one == *found));
    let text = found.as_deref().and_then(Path::to_str);
    match text.filter(|_| is_allowed) {
        Some(text) => Ok(text.to_owned()),
        None => {
            let all = program
                .directories
                .iter()
                .map(|one| one.display().to_string());
            let all = all.collect::<Vec<_>>().join(", ");
            let asked = shown(asked);
            Err(NoPlan::new(format!(
                "`dir`: `{asked}` is none of the allowed folders: {all}"
            )))
        }
    }
}

/// The folder.
///
/// # Errors
/// It is not allowed.
pub(super) fn resolve(settings: &Settings, request: &ActionRequest) -> Result<Vec<Target>, NoPlan> {
    let directory = directory(program(settings)?, request.text("dir")?)?;
    let last = Path::new(&directory).file_name();
    let last = last.map_or_else(
        || directory.clone(),
        |name| name.to_string_lossy().into_owned(),
    );
    Ok(vec![Target {
        env: settings
            .environment
            .as_ref()
            .map(|env| Untrusted::line(&env.name)),
        server: SERVER.into(),
        server_identity: request.by.host.raw().to_owned(),
        name: Untrusted::line(&directory),
        word: Untrusted::line(&last),
        namespace: None,
        service: None,
        uid: request.get("plan").map(str::to_owned),
    }])
}

/// Makes the plan for a pinned target.
///
/// # Errors
/// The folder is not allowed, or the plan file is not there or not the same.
pub(super) async fn plan(
    settings: &Settings,
    request: &ActionRequest,
    seed: &Seed,
    targets: &[Target],
    now: DateTime<Utc>,
) -> Result<Plan, NoPlan> {
    let kept = Kept::of_user().map_err(NoPlan::new)?;
    plan_in(&kept, settings, request, (seed, targets, now)).await
}

async fn plan_in(
    kept: &Kept,
    settings: &Settings,
    request: &ActionRequest,
    (seed, targets, now): (&Seed, &[Target], DateTime<Utc>),
) -> Result<Plan, NoPlan> {
    let program = program(settings)?;
    let directory = directory(program, request.text("dir")?)?;
    let write = write(program, &directory)?;
    let trusted = local::check(&write.program, &write.sha256).await;
    let (state, detail) = match &trusted {
        Ok(()) => (Holds::Yes, format!("SHA-256 {}", write.sha256)),
        Err(why) => (Holds::No, why.clone()),
    };
    let base = Plan {
        seed: seed.clone(),
        request: request.clone(),
        title: Untrusted::default(),
        targets: targets.to_vec(),
        steps: Vec::new(),
        reverse: Reverse::None(Untrusted::default()),
        risk: Risk::R0,
        direction: Direction::Neutral,
        differences: Vec::new(),
        blast: Blast::default(),
        dry_run: DryRun {
            grade: Grade::D,
            verdict: DryVerdict::NotRun(Untrusted::line(
                "making the plan is the dry run of an apply",
            )),
            notes: Vec::new(),
        },
        preconditions: vec![Precondition {
            what: Untrusted::line("the program is the one that the config names"),
            state,
            detail: Untrusted::line(&detail),
        }],
        made_at: now,
        server_ahead_secs: None,
    };
    match request.action.as_str() {
        "terraform.plan" => Ok(planning(base, write, &directory)),
        "terraform.apply" => {
            trusted.map_err(NoPlan::new)?;
            let digest = Digest::parse(request.text("plan")?);
            let digest = digest.ok_or_else(|| {
                NoPlan::new("`plan`: it is no digest of 64 digits; terraform.plan tells it")
            })?;
            let file = kept.checked(&digest, &directory);
            let file = file.map_err(|why| NoPlan::new(format!("`plan`: {why}")))?;
            let summary = shown_plan(&write, &file).await.map_err(NoPlan::new)?;
            Ok(applying(base, write, &directory, &digest, &summary))
        }
        other => Err(NoPlan::new(format!("nothing here plans `{other}`"))),
    }
}

/// What all runs in a folder have alike.
fn write(program: &TerraformProgram, directory: &str) -> Result<CommandWrite, NoPlan> {
    let path = program.program.to_str();
    let path = path.ok_or_else(|| NoPlan::new("the path of Terraform is not UTF-8"))?;
    let own = [
        ("TF_IN_AUTOMATION", "1"),
        ("TF_INPUT", "0"),
        ("CHECKPOINT_DISABLE", "1"),
    ];
    let own = local::ENVIRONMENT.into_iter().chain(own);
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let pass = (local::PASS.to_owned(), program.pass.join(","));
    Ok(CommandWrite {
        program: path.to_owned(),
        sha256: program.sha256.to_ascii_lowercase(),
        arguments: Vec::new(),
        environment: own.chain([pass]).collect(),
        directory: Some(directory.to_owned()),
        timeout: program.timeout,
    })
}

fn with(mut write: CommandWrite, step: Option<&str>, arguments: &[&str]) -> CommandWrite {
    write.arguments = arguments.iter().map(ToString::to_string).collect();
    let step = step.map(|step| (STEP.to_owned(), step.to_owned()));
    write.environment.extend(step);
    write
}

fn planning(base: Plan, write: CommandWrite, directory: &str) -> Plan {
    let out = format!("-out={FILE}");
    let arguments = [
        "plan",
        "-input=false",
        "-no-color",
        LOCK,
        "-detailed-exitcode",
        &out,
    ];
    let why = "it changes nothing but the lock of the state: make it again";
    Plan {
        title: Untrusted::line(&format!("make a Terraform plan of {directory}")),
        steps: vec![Step {
            what: Untrusted::line(&format!("terraform plan in {directory}")),
            target: 0,
            write: Write::Command(with(write, Some("plan"), &arguments)),
            check: None,
            evidence: Evidence::None(Untrusted::line(why)),
            when_busy: WhenBusy::AskAgain,
        }],
        reverse: Reverse::None(Untrusted::line("there is nothing to take back")),
        blast: Blast {
            words: vec![Untrusted::line(
                "it runs providers and reads; nothing is changed",
            )],
            ..Blast::default()
        },
        ..base
    }
}

fn applying(
    base: Plan,
    write: CommandWrite,
    directory: &str,
    digest: &Digest,
    summary: &Summary,
) -> Plan {
    let step = format!("apply {digest}");
    let arguments = ["apply", "-input=false", "-no-color", LOCK, FILE];
    let read = Read {
        server: SERVER.into(),
        path: format!("/changes?{}", dir_query(directory)),
    };
    let nothing_left = Condition::Equal(
        Operand::At("/changes".to_owned(), json!(null)),
        Operand::Is(json!(false)),
    );
    let within = write.timeout;
    Plan {
        title: Untrusted::line(&format!(
            "apply Terraform plan {} in {directory}",
            digest.code()
        )),
        steps: vec![Step {
            what: Untrusted::line(&format!("terraform apply in {directory}")),
            target: 0,
            write: Write::Command(with(write, Some(&step), &arguments)),
            check: Some(ReadCheck {
                read: read.clone(),
                done: vec![nothing_left.clone()],
                failed: Vec::new(),
                shown: vec![(Untrusted::line("still differs"), "/changes".to_owned())],
                within,
            }),
            // That something is left says nothing: half of it may be done.
            evidence: Evidence::Read {
                read,
                applied: vec![nothing_left],
                untouched: Vec::new(),
            },
            when_busy: WhenBusy::AskAgain,
        }],
        reverse: Reverse::None(Untrusted::line(
            "Terraform has no undo: go back to the configuration before, then plan and apply it",
        )),
        risk: if summary.destroys() {
            Risk::R3
        } else {
            Risk::R2
        },
        direction: Direction::Adds,
        differences: summary.differences(),
        blast: summary.blast(),
        dry_run: DryRun {
            grade: Grade::B,
            verdict: DryVerdict::Accepted,
            notes: vec![
                Untrusted::line("Terraform refuses it should the state have changed since"),
                Untrusted::line(
                    "values are not shown: which of them are secret only the providers know",
                ),
            ],
        },
        ..base
    }
}

async fn shown_plan(write: &CommandWrite, file: &Path) -> Result<Summary, String> {
    let file = file.to_str().ok_or("the state folder is not UTF-8")?;
    let write = with(write.clone(), None, &["show", "-json", file]);
    match local::execute(&write, Patience::None).await {
        Ok(ran) if ran.status.success() => Summary::read(&ran.stdout.bytes),
        Ok(ran) => Err(format!(
            "terraform show: {}; run terraform init first?",
            ran.words()
        )),
        Err(Stopped::Untrusted(why) | Stopped::NotStarted(why) | Stopped::Unknown(why)) => Err(why),
    }
}

/// Runs a step of this family. None: it is none.
pub(super) async fn run(write: &CommandWrite) -> Option<StepOutcome> {
    let step = step_of(write)?;
    Some(match Kept::of_user() {
        Ok(kept) => run_in(&kept, step, write).await,
        Err(why) => not_sent(why),
    })
}

fn step_of(write: &CommandWrite) -> Option<&str> {
    let mut all = write.environment.iter();
    let (_, step) = all.find(|(name, _)| name == STEP)?;
    Some(step)
}

async fn run_in(kept: &Kept, step: &str, write: &CommandWrite) -> StepOutcome {
    let Some(directory) = &write.directory else {
        return not_sent("no folder is named");
    };
    let done = match step.strip_prefix("apply ").and_then(Digest::parse) {
        Some(digest) => apply(kept, &digest, directory, write).await,
        None if step == "plan" => make(kept, directory, write).await,
        None => Err(not_sent("no such step of Terraform")),
    };
    done.unwrap_or_else(|outcome| outcome)
}

async fn make(
    kept: &Kept,
    directory: &str,
    write: &CommandWrite,
) -> Result<StepOutcome, StepOutcome> {
    let made = kept
        .new_file()
        .map_err(|e| not_sent(format!("no place for the plan: {}", e.kind())))?;
    let done = make_at(kept, &made, directory, write).await;
    // Whatever was not kept holds secrets.
    let _gone = fs::remove_file(&made);
    done
}

async fn make_at(
    kept: &Kept,
    made: &Path,
    directory: &str,
    write: &CommandWrite,
) -> Result<StepOutcome, StepOutcome> {
    let ran = local::execute(&filled(write, made)?, Patience::Asked(STOPS_WITHIN)).await;
    let ran = ran.map_err(local::outcome)?;
    match ran.status.code() {
        Some(0) => return Ok(applied("nothing would change: there is nothing to apply")),
        Some(2) => {}
        _ => {
            let why = format!("terraform plan: {}; run it by hand to see why", ran.words());
            return Err(refusal(busy_or(&ran, Refusal::Other), why));
        }
    }
    let summary = shown_plan(&plain(write), made).await;
    let summary = summary.map_err(|why| refusal(Refusal::Other, why))?;
    let kept = kept.keep(made, directory);
    let digest =
        kept.map_err(|e| refusal(Refusal::Other, format!("it is not kept: {}", e.kind())))?;
    Ok(applied(format!("plan={digest}: {}", summary.words())))
}

async fn apply(
    kept: &Kept,
    digest: &Digest,
    directory: &str,
    write: &CommandWrite,
) -> Result<StepOutcome, StepOutcome> {
    let file = kept.checked(digest, directory);
    let file = file.map_err(|why| refusal(Refusal::Changed, why))?;
    let ran = local::execute(&filled(write, &file)?, Patience::Asked(STOPS_WITHIN)).await;
    let ran = match ran {
        Err(stopped @ (Stopped::Untrusted(_) | Stopped::NotStarted(_))) => {
            return Err(local::outcome(stopped));
        }
        other => other,
    };
    if let Ok(ran) = &ran
        && busy_or(ran, Refusal::Other) == Refusal::Busy
    {
        let why = "the state is locked by somebody else: nothing was applied";
        return Err(refusal(Refusal::Busy, why));
    }
    // Terraform applies a plan once: what is left of it is but secrets.
    kept.remove(digest);
    let ran = ran.map_err(local::outcome)?;
    if ran.status.success() {
        return Ok(applied(ran.words()));
    }
    if says(&ran, "Saved plan is stale") {
        let why = "the state has changed since the plan was made: make a new plan";
        return Err(refusal(Refusal::Changed, why));
    }
    Err(in_doubt(format!(
        "terraform apply: {}; a part of it may be applied: a new plan shows what is left",
        ran.words()
    )))
}

fn busy_or(ran: &Ran, other: Refusal) -> Refusal {
    if !ran.status.success() && says(ran, "Error acquiring the state lock") {
        return Refusal::Busy;
    }
    other
}

fn says(ran: &Ran, words: &str) -> bool {
    let printed = [&ran.stderr.bytes, &ran.stdout.bytes];
    printed
        .iter()
        .any(|bytes| String::from_utf8_lossy(bytes).contains(words))
}

/// With the plan file in its place.
fn filled(write: &CommandWrite, file: &Path) -> Result<CommandWrite, StepOutcome> {
    let file = file
        .to_str()
        .ok_or_else(|| not_sent("the state folder is not UTF-8"))?;
    let mut write = write.clone();
    for argument in &mut write.arguments {
        if argument.ends_with(FILE) {
            *argument = argument.replace(FILE, file);
        }
    }
    Ok(write)
}

fn plain(write: &CommandWrite) -> CommandWrite {
    let mut write = write.clone();
    write.environment.retain(|(name, _)| name != STEP);
    write
}

fn dir_query(directory: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("dir", directory);
    query.finish()
}

/// Whether something in a folder differs from its configuration now: `{"changes": false}`. None: it is not
/// asked of Terraform.
pub(super) async fn read(settings: &Settings, read: &Read) -> Option<Result<Seen, SourceError>> {
    let query = (&*read.server == SERVER).then(|| read.path.strip_prefix("/changes?"))??;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let (_, asked) = pairs.find(|(name, _)| name == "dir")?;
    let local = |why: String| SourceError::new(ErrorKind::Local, &why);
    Some(changes(settings, &asked).await.map_err(local))
}

async fn changes(settings: &Settings, asked: &str) -> Result<Seen, String> {
    let program = program(settings).map_err(|e| e.to_string())?;
    let directory = directory(program, asked).map_err(|e| e.to_string())?;
    let write = write(program, &directory).map_err(|e| e.to_string())?;
    let arguments = [
        "plan",
        "-input=false",
        "-no-color",
        "-lock=false",
        "-detailed-exitcode",
    ];
    let write = with(write, None, &arguments);
    match local::execute(&write, Patience::Asked(STOPS_WITHIN)).await {
        Ok(ran) => match ran.status.code() {
            Some(0) => Ok(Seen::Value(json!({ "changes": false }))),
            Some(2) => Ok(Seen::Value(json!({ "changes": true }))),
            _ => Err(format!("terraform plan: {}", ran.words())),
        },
        Err(Stopped::Untrusted(why) | Stopped::NotStarted(why) | Stopped::Unknown(why)) => Err(why),
    }
}
