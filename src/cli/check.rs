//! `quell check`: what works, what does not, and what next?
//!
//! Config, credentials, sources, service levels, changes and drift, runbooks, acting and folders, each as a line that is ok, a warning or a
//! failure with its next step, or the document `quell.check/1`. It reads secrets to see that they
//! can be read, and prints only where they are kept.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::args::{Format, Global, Reading};
use super::exit::Exit;
use super::gather::Scope;
use super::gather_deliveries::DeliveryQuestion;
use super::gather_slos::BurnQuestion;
use super::json::{Document, SourceDoc};
use super::output::{Answer, Output};
use super::page::{Page, Role, Table, cell, rest};
use super::{
    Outcome, Show, World, check_acting, check_delivery, check_machine, check_slos, check_sources,
    gather, has_servers, kept, load, unwritable,
};
use crate::config::Loaded;
use crate::domain::text::shown;

/// How good it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It works.
    Ok,
    /// It works, but somebody should know something.
    Warn,
    /// It does not work.
    Fail,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// The config file and what flags make of it.
    Config,
    /// Secrets and certificates.
    Credentials,
    /// A server.
    Source,
    /// Service levels, their files, and burn policies.
    Slos,
    /// Which services there are.
    Services,
    /// Drift that is allowed for a while.
    Drift,
    /// The runbooks.
    Runbooks,
    /// What it takes to do something.
    Acting,
    /// Folders on this machine.
    Paths,
}

/// One line of the check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How good it is.
    pub level: Level,
    /// What it is about.
    pub area: Area,
    /// Which of them: a source's name, a file, a folder.
    pub subject: String,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub next_step: Option<String>,
}

impl Finding {
    /// A finding without a next step.
    pub fn new(
        level: Level,
        area: Area,
        subject: impl Into<String>,
        what: impl Into<String>,
    ) -> Self {
        Self {
            level,
            area,
            subject: subject.into(),
            what: what.into(),
            next_step: None,
        }
    }

    /// The same finding with what to do about it.
    #[must_use]
    pub fn next(mut self, step: impl Into<String>) -> Self {
        self.next_step = Some(step.into());
        self
    }
}

#[derive(Serialize)]
struct CheckDoc<'a> {
    at: DateTime<Utc>,
    verdict: Level,
    sources: Vec<SourceDoc<'a>>,
    checks: &'a [Finding],
}

/// Checks everything.
///
/// # Errors
/// A config that does not hold: the rest cannot be checked then.
pub(super) async fn run(
    reading: Reading,
    global: &Global,
    world: &World,
    output: &Output,
) -> Outcome {
    let loaded = match load(global, world) {
        Ok(loaded) => loaded,
        Err(errors) => return broken_config(&errors, reading.format(), world),
    };
    let settings = &loaded.settings;
    let show = Show::of(settings, reading.format(), world, output);
    // Without a cache: a check leaves nothing behind.
    let scope = Scope::Everything(BurnQuestion::default(), DeliveryQuestion::default());
    let picture = gather::gather(settings, &scope, Arc::default(), world.clock).await;

    let mut findings = config(&loaded);
    findings.extend(check_machine::credentials(settings).await);
    findings.extend(check_sources::servers(&picture));
    findings.extend(check_slos::slos(&picture));
    findings.extend(check_delivery::deliveries(&picture));
    findings.extend(check_delivery::joining(&settings.delivery, &picture));
    findings.extend(check_sources::runbooks(&picture));
    findings.extend(check_acting::acting(settings, &world.paths).await);
    findings.extend(check_machine::folders(&world.paths));
    findings.extend(kept::claims(&world.paths).err().map(|why| {
        let step = "quell sets it aside at its next start; look at what is in it";
        Finding::new(Level::Fail, Area::Paths, "claims", why).next(step)
    }));

    let exit = exit(&findings, picture.exit(), has_servers(settings));
    let document = match show.format {
        Format::Text => text(&findings, &show.page),
        Format::Json => {
            let body = CheckDoc {
                at: picture.at(),
                verdict: worst(&findings),
                sources: SourceDoc::all(&picture),
                checks: &findings,
            };
            Document::text("quell.check/1", body).map_err(|e| unwritable(&e))?
        }
    };
    Ok(Answer::with(document, exit))
}

/// The status: a config that names nothing is unusable, then it is as whole as its sources are.
/// Warnings do not count.
fn exit(findings: &[Finding], sources: Exit, servers: bool) -> Exit {
    if !servers {
        return Exit::Usage;
    }
    match sources {
        Exit::Nothing => Exit::Nothing,
        _ if worst(findings) == Level::Fail => Exit::Partial,
        exit => exit,
    }
}

fn worst(findings: &[Finding]) -> Level {
    findings.iter().map(|f| f.level).max().unwrap_or(Level::Ok)
}

fn config(loaded: &Loaded) -> Vec<Finding> {
    let (subject, what) = match &loaded.file {
        Some(file) => (shown(&file.to_string_lossy()), "it holds"),
        None => (
            "no file".to_owned(),
            "flags, variables and defaults are used",
        ),
    };
    let mut found = vec![Finding::new(Level::Ok, Area::Config, subject.clone(), what)];
    for warning in &loaded.warnings {
        found.push(Finding::new(
            Level::Warn,
            Area::Config,
            subject.clone(),
            warning.clone(),
        ));
    }
    if !has_servers(&loaded.settings) {
        let what =
            "it names no source: no Alertmanager, no Prometheus, nothing that tells of changes";
        found.push(
            Finding::new(Level::Fail, Area::Config, subject, what)
                .next("quell init, or --alertmanager URL; quell demo needs nothing"),
        );
    }
    found
}

/// The problems as findings too, and in full on standard error.
fn broken_config(errors: &crate::config::ConfigErrors, format: Format, world: &World) -> Outcome {
    let findings: Vec<Finding> = errors
        .problems
        .iter()
        .map(|problem| {
            let line = problem
                .line
                .map(|line| format!(":{line}"))
                .unwrap_or_default();
            let place = problem.file.as_ref().or(problem.given_by.as_ref());
            Finding {
                next_step: problem.hint.clone(),
                ..Finding::new(
                    Level::Fail,
                    Area::Config,
                    format!("{}{line}", place.map_or("config", String::as_str)),
                    problem.message.clone(),
                )
            }
        })
        .collect();
    let document = match format {
        Format::Text => String::new(),
        Format::Json => {
            let body = CheckDoc {
                at: (world.clock)(),
                verdict: Level::Fail,
                sources: Vec::new(),
                checks: &findings,
            };
            Document::text("quell.check/1", body).map_err(|e| unwritable(&e))?
        }
    };
    Err(Answer {
        document,
        ..Answer::usage(errors.to_string())
    })
}

fn text(findings: &[Finding], page: &Page) -> String {
    let mut out = String::new();
    let mut table = Table::new();
    for finding in findings {
        let (word, role) = match finding.level {
            Level::Ok => ("ok", Role::Good),
            Level::Warn => ("warn", Role::Care),
            Level::Fail => ("FAIL", Role::Bad),
        };
        table.row(vec![
            cell(word).role(role),
            cell(finding.subject.as_str()),
            rest(finding.what.as_str()),
        ]);
        if let Some(step) = &finding.next_step {
            let step = rest(format!("next: {step}")).role(Role::Faint);
            table.row(vec![cell(""), cell(""), step]);
        }
    }
    table.render(page, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(level: Level) -> Finding {
        Finding::new(level, Area::Source, "am-1", "words")
    }

    #[test]
    fn the_status_counts_failures_not_warnings() {
        let of =
            |level, sources, servers| exit(&[finding(Level::Ok), finding(level)], sources, servers);
        assert_eq!(of(Level::Warn, Exit::Whole, true), Exit::Whole);
        assert_eq!(of(Level::Fail, Exit::Whole, true), Exit::Partial);
        assert_eq!(of(Level::Fail, Exit::Partial, true), Exit::Partial);
        assert_eq!(of(Level::Fail, Exit::Nothing, true), Exit::Nothing);
        assert_eq!(of(Level::Fail, Exit::Whole, false), Exit::Usage);
    }

    #[test]
    fn every_line_says_its_level_and_its_next_step() {
        let findings = [
            finding(Level::Ok),
            finding(Level::Fail).next("check the URL"),
        ];
        assert_eq!(
            text(&findings, &Page::plain()),
            "ok    am-1  words\nFAIL  am-1  words\n            next: check the URL\n"
        );
    }
}
