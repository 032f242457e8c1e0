//! Programs that are run, that are not, and that do not end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test fails")]

use std::borrow::Cow;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::command::{plan, plans, resolve, specs};
use super::local::{hash, run};
use super::testing_http::{request, seed, settings};
use crate::config::actions::LocalCommand;
use crate::config::settings::Settings;
use crate::domain::action::{Direction, Need, Parameter, ParameterKind, Risk};
use crate::domain::plan::{CommandWrite, DryVerdict, Grade, Holds, Part, Plan, Reverse, Write};
use crate::domain::record::{Refusal, StepOutcome};

const PRINTS: &str = r#"#!/usr/bin/env python3
import json, os, sys
json.dump({"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd(),
           "stdin": sys.stdin.read(), "group": os.getpgrp() == os.getpid()}, open(os.environ["OUT"], "w"))
print("s3cret-t0ken")
sys.exit(3 if "fail" in sys.argv else 0)
"#;

struct Place {
    folder: tempfile::TempDir,
    program: PathBuf,
}

impl Place {
    fn with(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder, program }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out.json")
    }

    fn command(&self, arguments: &[&str]) -> LocalCommand {
        let parameter = |name: &'static str| Parameter {
            name: Cow::Borrowed(name),
            kind: ParameterKind::Text,
            need: Need::Required,
            help: Cow::Borrowed(""),
        };
        let out = self.out().to_str().unwrap().to_owned();
        LocalCommand {
            name: "drain".to_owned(),
            help: "Drain a region".to_owned(),
            program: self.program.clone(),
            sha256: sum(&self.program),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            parameters: vec![parameter("region")],
            environment: vec![("OUT".to_owned(), out)],
            directory: Some(self.folder.path().to_owned()),
            dry_run: None,
            reverse: None,
            timeout: Duration::from_secs(20),
            risk: Risk::R3,
            direction: Direction::Adds,
        }
    }
}

fn sum(path: &Path) -> String {
    hash(&std::fs::File::open(path).unwrap()).unwrap()
}

fn configured(command: LocalCommand) -> Settings {
    let mut settings = settings("");
    settings.actions.commands.push(command);
    settings
}

async fn planned(command: LocalCommand, region: &str) -> Result<Plan, super::NoPlan> {
    let settings = configured(command);
    let request = request("command.drain", &[("region", region)]);
    let targets = resolve(&settings, &request)?;
    let at = "2026-03-01T10:00:00Z".parse().unwrap();
    plan(&settings, &request, &seed(7, at), &targets, at).await
}

fn write(plan: &Plan) -> &CommandWrite {
    match &plan.steps[0].write {
        Write::Command(write) => write,
        Write::Http(_) => panic!("a request"),
    }
}

fn reading(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[tokio::test]
async fn a_program_gets_its_arguments_and_its_environment_and_nothing_else() {
    let place = Place::with(PRINTS);
    let command = place.command(&["--region={region}", "--", "{region}", "{region} x"]);
    let hostile = "-eu; $(touch x) `id` \"' {region} *";
    let plan = planned(command, hostile).await.unwrap();
    assert_eq!(plan.dry_run.grade, Grade::D);
    assert!(matches!(plan.reverse, Reverse::None(_)));
    assert_eq!(plan.preconditions[0].state, Holds::Yes);
    assert!(!place.out().exists(), "a plan runs nothing");
    let outcome = run(write(&plan)).await;
    let StepOutcome::Applied { note } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(note.raw(), "exit code 0, 13 bytes of output, 0 of errors");
    let seen = reading(&place.out());
    let region = format!("--region={hostile}");
    let last = format!("{hostile} x");
    assert_eq!(
        seen["argv"],
        serde_json::json!([region, "--", hostile, last])
    );
    let mut names: Vec<_> = seen["env"].as_object().unwrap().keys().cloned().collect();
    names.retain(|name| name != "LC_CTYPE");
    assert_eq!(names, ["LANG", "OUT", "PATH"]);
    assert_eq!(seen["stdin"], "");
    assert_eq!(seen["group"], true);
    let folder = place.folder.path().canonicalize().unwrap();
    assert_eq!(seen["cwd"], folder.to_str().unwrap());
}

#[tokio::test]
async fn a_value_never_becomes_an_option() {
    let place = Place::with(PRINTS);
    for arguments in [&["{region}"][..], &["drain", "{region}"], &["{region}x"]] {
        let refused = planned(place.command(arguments), "--force")
            .await
            .unwrap_err();
        assert!(
            refused.to_string().contains("would be read as an option"),
            "{refused}"
        );
    }
    for arguments in [
        &["--", "{region}"][..],
        &["--region={region}"],
        &["x{region}"],
    ] {
        planned(place.command(arguments), "--force").await.unwrap();
    }
    planned(place.command(&["{region}"]), "a\nb")
        .await
        .unwrap_err();
    planned(place.command(&["{other}"]), "a").await.unwrap_err();
}

#[tokio::test]
async fn another_file_is_not_run() {
    let place = Place::with(PRINTS);
    let plan = planned(place.command(&["{region}"]), "eu").await.unwrap();
    std::fs::write(&place.program, format!("{PRINTS}#")).unwrap();
    let outcome = run(write(&plan)).await;
    assert!(
        matches!(
            &outcome,
            StepOutcome::Refused {
                refusal: Refusal::Changed,
                ..
            }
        ),
        "{outcome:?}"
    );
    std::fs::write(&place.program, PRINTS).unwrap();
    std::fs::set_permissions(&place.program, std::fs::Permissions::from_mode(0o757)).unwrap();
    let outcome = run(write(&plan)).await;
    assert!(
        matches!(&outcome, StepOutcome::Refused { why, .. } if why.raw().contains("everybody may write"))
    );
    std::fs::remove_file(&place.program).unwrap();
    assert!(matches!(
        run(write(&plan)).await,
        StepOutcome::NotSent { .. }
    ));
    std::fs::create_dir(&place.program).unwrap();
    assert!(matches!(
        run(write(&plan)).await,
        StepOutcome::NotSent { .. }
    ));
    assert!(!place.out().exists());

    std::fs::remove_dir(&place.program).unwrap();
    std::fs::write(&place.program, "#!/nonexistent/interpreter\n").unwrap();
    std::fs::set_permissions(&place.program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let plan = planned(place.command(&["{region}"]), "eu").await.unwrap();
    assert!(matches!(
        run(write(&plan)).await,
        StepOutcome::NotSent { .. }
    ));
    let mut wrong = place.command(&["{region}"]);
    wrong.sha256 = "0".repeat(64);
    let plan = planned(wrong, "eu").await.unwrap();
    assert_eq!(plan.preconditions[0].state, Holds::No);
}

#[tokio::test]
async fn the_very_file_that_was_hashed_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("true");
    std::fs::copy("/bin/true", &program).unwrap();
    let place = Place { folder, program };
    let plan = planned(place.command(&["{region}"]), "eu").await.unwrap();
    assert!(matches!(
        run(write(&plan)).await,
        StepOutcome::Applied { .. }
    ));
}

#[tokio::test]
async fn a_program_that_fails_or_does_not_end_is_in_doubt() {
    let place = Place::with(PRINTS);
    let plan = planned(place.command(&["{region}"]), "fail").await.unwrap();
    let outcome = run(write(&plan)).await;
    let StepOutcome::InDoubt { why } = outcome else {
        panic!("{outcome:?}");
    };
    assert!(why.raw().starts_with("exit code 3, 13 bytes"), "{why}");
    assert!(!why.raw().contains("s3cret"), "{why}");

    // It starts another one and waits for it: both are ended.
    let place = Place::with(
        "#!/usr/bin/env python3\nimport subprocess, sys, os\n\
        child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n\
        open(os.environ['OUT'], 'w').write(str(child.pid))\nchild.wait()\n",
    );
    let mut command = place.command(&["{region}"]);
    command.timeout = Duration::from_secs(2);
    let plan = planned(command, "eu").await.unwrap();
    let outcome = run(write(&plan)).await;
    assert!(
        matches!(&outcome, StepOutcome::InDoubt { why } if why.raw().contains("within 2 s")),
        "{outcome:?}"
    );
    let child = std::fs::read_to_string(place.out()).unwrap();
    let state = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
    let is_gone = state.is_empty() || state.contains(") Z ");
    assert!(is_gone, "what it started goes on: {state}");
}

#[tokio::test]
async fn a_program_that_leaves_another_behind_is_not_waited_for() {
    let place = Place::with(
        "#!/usr/bin/env python3\nimport subprocess, sys\n\
        subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(5)'])\n",
    );
    let plan = planned(place.command(&["{region}"]), "eu").await.unwrap();
    let begun = std::time::Instant::now();
    assert!(matches!(
        run(write(&plan)).await,
        StepOutcome::Applied { .. }
    ));
    assert!(begun.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn a_dry_run_and_a_way_back_are_what_the_config_declares() {
    let place = Place::with(PRINTS);
    let mut command = place.command(&["{region}"]);
    command.dry_run = Some(vec!["--dry-run".to_owned(), "{region}".to_owned()]);
    command.reverse = Some(vec!["--undo={region}".to_owned()]);
    let plan = planned(command.clone(), "eu").await.unwrap();
    assert_eq!(
        (plan.dry_run.grade, &plan.dry_run.verdict),
        (Grade::C, &DryVerdict::Accepted)
    );
    assert_eq!(
        reading(&place.out())["argv"],
        serde_json::json!(["--dry-run", "eu"])
    );
    let Write::Command(back) = &plan.steps_of(Part::Reverse)[0].write else {
        panic!("no command");
    };
    assert_eq!(back.arguments, ["--undo=eu"]);
    let plan = planned(command, "fail").await.unwrap();
    assert!(matches!(plan.dry_run.verdict, DryVerdict::Refused(_)));
}

#[test]
fn commands_are_listed_by_their_names() {
    let place = Place::with(PRINTS);
    let settings = configured(place.command(&["{region}"]));
    let specs = specs(&settings.actions);
    assert_eq!(specs[0].name, "command.drain");
    assert!(plans(&specs[0].name));
    assert!(resolve(&settings, &request("command.rm", &[])).is_err());
}
