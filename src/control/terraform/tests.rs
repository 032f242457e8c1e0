//! Plans that are made, kept, applied once, and refused. The program is a small one that keeps a state as
//! Terraform does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test fails")]

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;
use crate::control::testing_http::{request, seed, settings};
use crate::domain::check::Progress;

/// `state` holds the serial; `wanted` what the configuration asks for; `locked` and `broken` are traps.
const PROGRAM: &str = r#"#!/usr/bin/env python3
import json, os, sys
def read(name):
    return open(name).read() if os.path.exists(name) else ""
def main(args):
    if args[0] == "plan":
        assert os.environ["TF_INPUT"] == "0" and "-input=false" in args
        assert not any(name.startswith("QUELL_") for name in os.environ)
        if os.path.exists("locked"):
            print("Error: Error acquiring the state lock: s3cret", file=sys.stderr); return 1
        if os.path.exists("invalid"):
            print("Error: password = s3cret", file=sys.stderr); return 1
        if read("state") == read("wanted"): return 0
        for arg in args:
            if arg.startswith("-out="):
                json.dump({"from": read("state"), "to": read("wanted")}, open(arg[5:], "w"))
        return 2
    if args[:2] == ["show", "-json"]:
        made = json.load(open(args[2]))
        actions = {"destroy": ["delete"], "replace": ["delete", "create"]}.get(made["to"], ["update"])
        change = {"actions": actions, "before": {"size": made["from"], "token": "s3cret-old", "same": 1},
                  "after": {"size": made["to"], "token": "s3cret-new", "same": 1}, "after_unknown": {"id": True}}
        print(json.dumps({"format_version": "1.2", "resource_changes": [
            {"address": "aws_instance.web", "change": change},
            {"address": "data.x.y", "change": {"actions": ["read"]}},
            {"address": "null.n", "change": {"actions": ["no-op"]}}],
            "output_changes": {"a": {"actions": ["create"]}, "b": {"actions": ["no-op"]}}}))
        return 0
    if args[0] == "apply":
        made = json.load(open(args[-1]))
        if os.path.exists("locked"):
            print("Error: Error acquiring the state lock", file=sys.stderr); return 1
        if made["from"] != read("state"):
            print("Error: Saved plan is stale", file=sys.stderr); return 1
        if os.path.exists("broken"): return 1
        open("state", "w").write(made["to"])
        open("applies", "a").write("x")
        return 0
    return 9
sys.exit(main(sys.argv[1:]))
"#;

struct Place {
    root: tempfile::TempDir,
    kept: Kept,
    settings: Settings,
    folder: PathBuf,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let real = root.path().canonicalize().unwrap();
        let program = real.join("terraform");
        std::fs::write(&program, PROGRAM).unwrap();
        std::fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let folder = real.join("live");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("state"), "one").unwrap();
        std::fs::write(folder.join("wanted"), "two").unwrap();
        let mut settings = settings("");
        settings.actions.terraform = Some(TerraformProgram {
            sha256: local::hash(&fs::File::open(&program).unwrap()).unwrap(),
            program,
            directories: vec![folder.clone()],
            pass: vec!["CARGO_MANIFEST_DIR".to_owned()],
            timeout: Duration::from_secs(20),
        });
        let kept = Kept::at(&real.join("private"));
        Self {
            root,
            kept,
            settings,
            folder,
        }
    }

    fn set(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).unwrap();
    }

    fn get(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }

    async fn planned(&self, action: &str, more: &[(&str, &str)]) -> Result<Plan, NoPlan> {
        let mut given = vec![("dir", self.folder.to_str().unwrap())];
        given.extend(more);
        let request = request(action, &given);
        let targets = resolve(&self.settings, &request)?;
        let at = "2026-03-01T10:00:00Z".parse().unwrap();
        plan_in(
            &self.kept,
            &self.settings,
            &request,
            (&seed(7, at), &targets, at),
        )
        .await
    }

    async fn run(&self, plan: &Plan) -> StepOutcome {
        let Write::Command(write) = &plan.steps[0].write else {
            panic!("no command");
        };
        run_in(&self.kept, step_of(write).unwrap(), write).await
    }

    /// The digest of a plan that was just made.
    async fn made(&self) -> String {
        let plan = self.planned("terraform.plan", &[]).await.unwrap();
        assert_eq!(plan.risk, Risk::R0);
        let note = note(self.run(&plan).await);
        note.strip_prefix("plan=").unwrap()[..64].to_owned()
    }

    /// What is in the private folder.
    fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.root.path().join("private"));
        let entries = entries.into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

fn note(outcome: StepOutcome) -> String {
    match outcome {
        StepOutcome::Applied { note } => note.raw().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn exactly_the_plan_that_was_made_is_applied_once() {
    let place = Place::new();
    let plan = place.planned("terraform.plan", &[]).await.unwrap();
    let told = note(place.run(&plan).await);
    let (digest, words) = told
        .strip_prefix("plan=")
        .unwrap()
        .split_once(": ")
        .unwrap();
    assert_eq!(
        words,
        "0 to add, 1 to change, 0 to destroy; 1 outputs change"
    );
    for file in place.files() {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.display());
    }
    assert_eq!(place.files().len(), 2);

    let apply = place
        .planned("terraform.apply", &[("plan", digest)])
        .await
        .unwrap();
    assert_eq!((apply.risk, apply.dry_run.grade), (Risk::R2, Grade::B));
    assert_eq!(apply.differences.len(), 1);
    let after = apply.differences[0].after.as_ref().unwrap().raw();
    assert_eq!(after, "changed in place: id, size, token");
    let whole = serde_json::to_string(&apply).unwrap();
    assert!(!whole.contains("s3cret"), "{whole}");
    assert!(
        !whole.contains(env!("CARGO_MANIFEST_DIR")),
        "the value of a variable stands in the plan"
    );
    let private = place.root.path().join("private");
    assert!(
        !whole.contains(private.to_str().unwrap()),
        "the plan differs between machines"
    );

    let check = apply.steps[0].check.as_ref().unwrap();
    let before = read(&place.settings, &check.read).await.unwrap().unwrap();
    assert!(matches!(check.judge(&before), Progress::Going(_)));
    note(place.run(&apply).await);
    assert_eq!(
        (place.get("state"), place.get("applies")),
        ("two".to_owned(), "x".to_owned())
    );
    let seen = read(&place.settings, &check.read).await.unwrap().unwrap();
    assert_eq!(check.judge(&seen), Progress::Done);
    assert_eq!(place.files(), Vec::<PathBuf>::new(), "it holds secrets");
    let again = place.run(&apply).await;
    assert!(
        matches!(
            again,
            StepOutcome::Refused {
                refusal: Refusal::Changed,
                ..
            }
        ),
        "{again:?}"
    );
    assert_eq!(place.get("applies"), "x");
    let nothing = place.planned("terraform.plan", &[]).await.unwrap();
    assert!(note(place.run(&nothing).await).starts_with("nothing would change"));
}

#[tokio::test]
async fn what_destroys_cannot_be_taken_back() {
    for (wanted, words) in [
        (
            "destroy",
            "0 to add, 0 to change, 1 to destroy; destroys aws_instance.web; 1 outputs change",
        ),
        (
            "replace",
            "1 to add, 0 to change, 1 to destroy; replaces aws_instance.web; 1 outputs change",
        ),
    ] {
        let place = Place::new();
        place.set("wanted", wanted);
        let digest = place.made().await;
        let apply = place
            .planned("terraform.apply", &[("plan", &digest)])
            .await
            .unwrap();
        assert_eq!(apply.risk, Risk::R3);
        assert_eq!(apply.blast.words[0].raw(), words);
    }
}

#[tokio::test]
async fn a_state_that_changed_and_a_lock_are_clear_refusals() {
    let place = Place::new();
    let digest = place.made().await;
    let apply = place
        .planned("terraform.apply", &[("plan", &digest)])
        .await
        .unwrap();
    place.set("locked", "");
    let outcome = place.run(&apply).await;
    assert!(
        matches!(
            outcome,
            StepOutcome::Refused {
                refusal: Refusal::Busy,
                ..
            }
        ),
        "{outcome:?}"
    );
    assert_eq!(
        place.files().len(),
        2,
        "it may be applied once the lock is gone"
    );
    std::fs::remove_file(place.folder.join("locked")).unwrap();
    place.set("state", "three");
    let outcome = place.run(&apply).await;
    assert!(
        matches!(
            outcome,
            StepOutcome::Refused {
                refusal: Refusal::Changed,
                ..
            }
        ),
        "{outcome:?}"
    );
    assert_eq!(place.get("state"), "three");
    assert!(place.files().is_empty());
}

#[tokio::test]
async fn an_apply_that_fails_is_in_doubt_and_a_plan_that_fails_is_not() {
    let place = Place::new();
    let digest = place.made().await;
    let apply = place
        .planned("terraform.apply", &[("plan", &digest)])
        .await
        .unwrap();
    place.set("broken", "");
    let outcome = place.run(&apply).await;
    assert!(
        matches!(outcome, StepOutcome::InDoubt { .. }),
        "{outcome:?}"
    );
    assert!(place.files().is_empty());

    for (trap, wanted) in [("invalid", Refusal::Other), ("locked", Refusal::Busy)] {
        place.set(trap, "");
        let plan = place.planned("terraform.plan", &[]).await.unwrap();
        let StepOutcome::Refused { refusal, why } = place.run(&plan).await else {
            panic!("it was not refused");
        };
        assert_eq!(refusal, wanted);
        assert!(!why.raw().contains("s3cret"), "{why}");
        assert!(place.files().is_empty());
        std::fs::remove_file(place.folder.join(trap)).unwrap();
    }
}

#[tokio::test]
async fn a_plan_file_that_was_changed_or_made_elsewhere_is_refused() {
    let place = Place::new();
    let digest = place.made().await;
    let apply = place
        .planned("terraform.apply", &[("plan", &digest)])
        .await
        .unwrap();
    let file = place.root.path().join(format!("private/{digest}.tfplan"));
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, whole.replace("two", "six")).unwrap();
    let outcome = place.run(&apply).await;
    assert!(
        matches!(
            outcome,
            StepOutcome::Refused {
                refusal: Refusal::Changed,
                ..
            }
        ),
        "{outcome:?}"
    );
    let refused = place
        .planned("terraform.apply", &[("plan", &digest)])
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("is not what it was"),
        "{refused}"
    );
    std::fs::write(&file, whole).unwrap();
    let beside = place.root.path().join(format!("private/{digest}.dir"));
    std::fs::write(beside, "/elsewhere").unwrap();
    let refused = place
        .planned("terraform.apply", &[("plan", &digest)])
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("made for /elsewhere"),
        "{refused}"
    );
    assert_eq!(place.get("state"), "one");
    for odd in ["../../etc/passwd", "", "ZZ", &"a".repeat(64)] {
        assert!(
            place
                .planned("terraform.apply", &[("plan", odd)])
                .await
                .is_err(),
            "{odd}"
        );
    }
}

#[test]
fn only_the_folders_of_the_config_are_entered() {
    let place = Place::new();
    let root = place.root.path().to_str().unwrap().to_owned();
    let link = format!("{root}/link");
    std::os::unix::fs::symlink(&root, &link).unwrap();
    for dir in [
        &*root,
        "/",
        ".",
        "live",
        "",
        &link,
        &format!("{root}/live/../private"),
    ] {
        let asked = request("terraform.plan", &[("dir", dir)]);
        assert!(resolve(&place.settings, &asked).is_err(), "{dir}");
    }
    let same = format!("{root}/link/live/");
    let targets = resolve(
        &place.settings,
        &request("terraform.plan", &[("dir", &same)]),
    )
    .unwrap();
    assert_eq!(targets[0].name.raw(), place.folder.to_str().unwrap());
    assert!(resolve(&settings(""), &request("terraform.plan", &[("dir", &same)])).is_err());
}

#[test]
fn a_document_that_is_not_understood_is_no_summary() {
    for json in [
        "",
        "[]",
        "{}",
        r#"{"format_version":"1.2","errored":true}"#,
        r#"{"format_version":"1.2","resource_changes":[{"change":{"actions":["explode"]}}]}"#,
        r#"{"format_version":"1.2","resource_changes":[{"address":"a"}]}"#,
    ] {
        assert!(Summary::read(json.as_bytes()).is_err(), "{json}");
    }
}
