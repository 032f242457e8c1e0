//! What of acting works here: the rules, the journal, approvals, panic, and what else may be run?
//!
//! The part of `quell check` that looks at what `quell action` needs. It creates nothing, runs no program
//! but `ssh-keygen`, and asks no server.

use std::path::Path;

use rustix::fs::{Access, access};

use super::acting::{journal_file, panic_file};
use super::check::{Area, Finding, Level};
use crate::config::Paths;
use crate::config::actions::{ActionSettings, Carrier};
use crate::config::settings::Settings;
use crate::control::{ApprovalError, Approvals, catalogue, panic_of, program_problem};
use crate::domain::policy::{Mode, Policy};
use crate::domain::record::Standing;
use crate::domain::text::shown;
use crate::journal;

/// Whether anything may be done, and what it takes.
pub async fn acting(settings: &Settings, paths: &Paths) -> Vec<Finding> {
    let actions = &settings.actions;
    let Some(policy) = &actions.policy else {
        let what = "read-only: nothing that writes exists";
        let step = "to act: policy in [actions], or --policy builtin:cautious";
        return vec![of(Level::Ok, "policy", what).next(step)];
    };
    let mut found = vec![of_policy(policy)];
    found.push(of_journal(&journal_file(settings, paths), actions));
    found.extend(of_approvals(actions, policy).await);
    found.push(match panic_of(&panic_file(settings, paths)) {
        Some(who) => {
            let what = format!("PANIC is on, nothing is dispatched: {who}");
            of(Level::Warn, "panic", what).next("quell panic off, once it is over")
        }
        None => of(Level::Ok, "panic", "off"),
    });
    let (_, problems) = catalogue(actions);
    for problem in problems {
        found
            .push(of(Level::Fail, "actions", problem).next("quell action list shows what is left"));
    }
    for plane in &actions.control_planes {
        let subject = format!("http.{}", plane.name);
        let count = plane.operations.len() + plane.allow.len();
        let what = format!("{count} operations; it is asked when one is planned");
        found.push(of(Level::Ok, &subject, what));
    }
    for command in &actions.commands {
        let subject = format!("command.{}", command.name);
        let program = shown(&command.program.to_string_lossy());
        let problem = program_problem(&command.program, &command.sha256).await;
        found.push(of_program(&subject, &program, problem));
    }
    if let Some(terraform) = &actions.terraform {
        let program = shown(&terraform.program.to_string_lossy());
        let problem = program_problem(&terraform.program, &terraform.sha256).await;
        found.push(of_program("terraform", &program, problem));
    }
    found
}

fn of(level: Level, subject: &str, what: impl Into<String>) -> Finding {
    Finding::new(level, Area::Acting, subject, what)
}

fn of_policy(policy: &Policy) -> Finding {
    let what = format!("{} {}, {}", policy.name, policy.version, policy.mode.word());
    match policy.mode {
        Mode::Enforce => of(Level::Ok, "policy", what),
        Mode::Observe => of(Level::Ok, "policy", format!("{what}: plans only")),
        Mode::Warn => of(
            Level::Warn,
            "policy",
            format!("{what}: denials stop nobody"),
        )
        .next("mode = \"enforce\", once the rules are right"),
    }
}

fn of_journal(path: &Path, actions: &ActionSettings) -> Finding {
    let place = shown(&path.to_string_lossy());
    // A journal that is not there yet is made with the folders above it.
    let there = path.ancestors().find(|above| above.exists());
    let is_writable = there.is_some_and(|there| access(there, Access::WRITE_OK).is_ok());
    if !is_writable {
        let what = format!("{place} cannot be written: acting is off, looking is on");
        let step = "make it writable, or set path in [journal]";
        return of(Level::Fail, "journal", what).next(step);
    }
    let anchors = actions.journal.anchors.len();
    match journal::picture(path, &actions.journal).standing {
        Standing::Whole(words) if anchors == 0 => {
            let what = format!("{place}: {words}; no anchor outside of it");
            let step = "anchors = [\"syslog\"] in [journal], so that a cut end is found";
            of(Level::Warn, "journal", what).next(step)
        }
        Standing::Whole(words) => of(Level::Ok, "journal", format!("{place}: {words}")),
        Standing::Broken { seq, why } => of(
            Level::Fail,
            "journal",
            format!("{place}: record {seq} does not hold: {why}"),
        )
        .next("quell journal verify; keep the file, and move it away to go on"),
        Standing::Unwritable(why) => of(Level::Fail, "journal", format!("{place}: {why}")),
        Standing::Unread | Standing::Off => of(Level::Ok, "journal", place),
    }
}

/// Our key and its roles, and whether there is a place through which approvals travel.
async fn of_approvals(actions: &ActionSettings, policy: &Policy) -> Vec<Finding> {
    let settings = &actions.approvals;
    let needs_one = policy.rules.iter().any(|rule| rule.require.approvals > 0);
    let level = if needs_one { Level::Warn } else { Level::Ok };
    let approvals = Approvals::new(settings);
    let own = match approvals.own_key().await {
        Ok(own) => {
            let roles = policy.roles_of(&own.principal);
            let roles: Vec<String> = roles.iter().map(|role| shown(role)).collect();
            let roles = match roles.len() {
                0 => "no role".to_owned(),
                _ => format!("roles {}", roles.join(", ")),
            };
            let who = shown(&own.principal);
            of(
                Level::Ok,
                "key",
                format!("{who}, {roles}, {}", own.fingerprint),
            )
        }
        Err(ApprovalError::NotConfigured(why)) => {
            let what = format!("you cannot approve: {why}");
            of(level, "key", what).next("allowed_signers and signing_key in [approvals]")
        }
        Err(error) => {
            let what = format!("you cannot approve: {error}");
            of(Level::Fail, "key", what).next("docs/approvals.md says what a key takes")
        }
    };
    let travels = match &settings.folder {
        None => of(
            level,
            "approvals",
            "they travel by no folder: only what is pasted counts",
        )
        .next("folder in [approvals]"),
        Some(folder) => {
            let carrier = match settings.carrier {
                Carrier::Folder => "a folder",
                Carrier::Git => "a git repository",
            };
            let place = shown(&folder.to_string_lossy());
            match access(folder, Access::WRITE_OK | Access::READ_OK) {
                Ok(()) => of(Level::Ok, "approvals", format!("{place}, {carrier}")),
                Err(error) => {
                    let what = format!("{place}: {}", std::io::Error::from(error));
                    of(Level::Fail, "approvals", what).next("make it, for all who ask and approve")
                }
            }
        }
    };
    vec![own, travels]
}

fn of_program(subject: &str, program: &str, problem: Option<String>) -> Finding {
    match problem {
        None => of(
            Level::Ok,
            subject,
            format!("{program}, with the SHA-256 of the config"),
        ),
        Some(why) => {
            let what = format!("{program} is not run: {}", shown(&why));
            let step = format!("sha256sum {program}, and compare, before you change the config");
            of(Level::Fail, subject, what).next(step)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    #[test]
    fn a_journal_that_cannot_be_kept_is_a_failure() {
        let actions = ActionSettings::default();
        let folder = tempfile::tempdir().unwrap();
        let new = of_journal(&folder.path().join("state/journal.log"), &actions);
        assert_eq!(new.level, Level::Warn, "{new:?}");
        assert!(new.what.contains("nothing was ever written"), "{new:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

        let odd = folder.path().join("odd");
        std::fs::write(&odd, "no journal").unwrap();
        assert_eq!(of_journal(&odd, &actions).level, Level::Fail);
    }

    #[test]
    fn a_policy_that_stops_nobody_is_said() {
        let mut policy = Policy::cautious();
        assert_eq!(of_policy(&policy).level, Level::Ok);
        policy.mode = Mode::Warn;
        assert_eq!(of_policy(&policy).level, Level::Warn);
    }
}
