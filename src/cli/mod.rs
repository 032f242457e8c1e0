//! What does quell say without a screen?
//!
//! The commands that print and end: [`run`] is called by `main` with what [`args`] read. Every
//! command makes one [`output::Answer`] out of domain values, as text for people or as one JSON
//! document, and one writer prints it. Nothing here draws, keeps state or writes to a source.

use std::sync::Arc;

use chrono::{DateTime, Utc};

pub mod acting;
pub mod action;
pub mod action_args;
pub mod action_drive;
mod action_json;
mod action_text;
pub mod alert_choice;
pub mod alerts;
pub mod approve;
mod approve_text;
pub mod args;
pub mod asked;
pub mod burn;
pub mod burn_choice;
pub mod burn_json;
pub mod burn_text;
pub mod change_choice;
pub mod changes;
pub mod check;
mod check_acting;
mod check_delivery;
mod check_machine;
mod check_slos;
mod check_sources;
pub mod delivery_json;
pub mod delivery_text;
pub mod demo;
pub mod drift;
pub mod exit;
pub mod gather;
pub mod gather_deliveries;
mod gather_onsets;
pub mod gather_slos;
pub mod init;
mod init_found;
pub mod journal;
pub mod journal_choice;
mod journal_words;
pub mod json;
pub mod kept;
pub mod output;
pub mod page;
mod policy;
pub mod policy_args;
mod policy_case;
mod policy_json;
mod policy_test;
mod policy_text;
mod rewind;
pub mod runbook;
pub mod shell;
pub mod status;
pub mod suspecting;
pub mod suspects;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_approve;
#[cfg(test)]
mod tests_burn;
#[cfg(test)]
mod tests_delivery;
#[cfg(test)]
mod tests_gaps;
#[cfg(test)]
mod tests_policy;
#[cfg(test)]
mod tests_suspects;
pub mod when;
pub mod which;

use crate::config::settings::Settings;
use crate::config::{self, Loaded, Paths};
use crate::domain::claim::Claims;
use crate::domain::filter::Filter;
use args::{AlertsArgs, Format, Global, Print, Reading, RunbookCommand};
use exit::Exit;
use gather::{Picture, Scope};
use gather_deliveries::DeliveryQuestion;
use gather_slos::BurnQuestion;
use output::{Answer, Looks, Output};
use page::Page;

/// Tells the time. `runtime` owns the real one.
pub type Clock = fn() -> DateTime<Utc>;

/// The settings of the cockpit.
///
/// # Errors
/// The config does not hold, or nothing is named that could be watched.
pub fn cockpit(global: &Global, world: &World) -> Result<Loaded, Answer> {
    let loaded = load(global, world).map_err(|errors| Answer::usage(errors.to_string()))?;
    if has_servers(&loaded.settings) {
        return Ok(loaded);
    }
    Err(no_source())
}

/// What the commands need of the process around them.
#[derive(Clone, Debug)]
pub struct World {
    /// Tells the time.
    pub clock: Clock,
    /// Where config, data, state and cache are.
    pub paths: Paths,
    /// The names of the themes that are built in, for checking the config.
    pub built_in_themes: &'static [&'static str],
    /// Reads an environment variable.
    pub variables: fn(&str) -> Option<String>,
}

/// Runs a command and says how the process ends.
pub async fn run(command: &Print, global: &Global, world: &World, output: &mut Output) -> Exit {
    // The largest of them is large, and whoever waits would carry its room.
    let answer = Box::pin(answer(command, global, world, output)).await;
    output.print(&answer.unwrap_or_else(|answer| answer))
}

async fn answer(command: &Print, global: &Global, world: &World, output: &mut Output) -> Outcome {
    match command {
        Print::Completions { shell } => shell::completions(*shell),
        Print::Man => shell::man(),
        Print::Init(args) => init::run(args, global, world, output),
        Print::Check(reading) => check::run(*reading, global, world, output).await,
        Print::Status(reading) => {
            let asking = Asking::new(*reading, global, world, output);
            let burns = BurnQuestion {
                cache: Some(world.paths.burn_dir()),
                ..BurnQuestion::default()
            };
            let deliveries = DeliveryQuestion {
                paths: Some(world.paths.clone()),
                ..DeliveryQuestion::default()
            };
            let scope = Scope::Everything(burns, deliveries);
            asking.picture(&scope, status).await
        }
        Print::Changes(args) => changes::run(args, global, world, output).await,
        Print::Action(command) => Box::pin(action::run(command, global, world, output)).await,
        Print::Panic(args) => action::panic(args, global, world, output).await,
        Print::Drift(args) => drift::run(args, global, world, output).await,
        Print::Suspects(args) => suspects::run(args, global, world, output).await,
        Print::Burn(args) => burn::run(args, global, world, output).await,
        Print::Alerts(args) => {
            let asking = Asking::new(args.reading, global, world, output);
            list_alerts(args, asking).await
        }
        Print::Journal(command) => journal::run(command, global, world, output),
        Print::Approve(args) => action::approve(args, global, world, output).await,
        Print::Runbook(command) => read_runbooks(command, global, world, output).await,
        Print::Policy(command) => policy::run(command, global, world, output),
    }
}

/// An answer, or the complaint that stands in its place.
pub type Outcome = Result<Answer, Answer>;

/// A reading command with its config, or with what is wrong with it.
struct Asking<'a> {
    config: Result<Loaded, Answer>,
    format: Format,
    world: &'a World,
    output: &'a Output,
}

impl<'a> Asking<'a> {
    fn new(reading: Reading, global: &Global, world: &'a World, output: &'a Output) -> Self {
        Self {
            config: load(global, world).map_err(|errors| Answer::usage(errors.to_string())),
            format: reading.format(),
            world,
            output,
        }
    }

    /// Polls all sources of the scope and has the picture printed.
    async fn picture(
        self,
        scope: &Scope,
        print: impl FnOnce(&Picture, &Show) -> serde_json::Result<String>,
    ) -> Outcome {
        let settings = self.config?.settings;
        if !has_servers(&settings) {
            return Err(no_source());
        }
        let show = Show::of(&settings, self.format, self.world, self.output);
        let (claims, trouble) = match kept::claims(&self.world.paths) {
            Ok(claims) => (claims, None),
            Err(why) => (Claims::default(), Some(format!("quell: {why}"))),
        };
        let claims = Arc::new(claims);
        let mut picture = gather::gather(&settings, scope, claims, self.world.clock).await;
        if matches!(scope, Scope::Everything(..)) && !settings.delivery.sources.is_empty() {
            let services = gather_onsets::services(&picture);
            gather_onsets::add(&settings, &mut picture, &services).await;
        }
        let document = print(&picture, &show).map_err(|e| unwritable(&e))?;
        let exit = burn::exit(&picture, picture.board.burns.iter());
        let mut answer = Answer::with(document, exit);
        // Without them an alert looks as if nobody had taken it.
        if trouble.is_some() {
            answer.exit = answer.exit.max(Exit::Partial);
            answer.complaint = trouble;
        }
        Ok(answer)
    }
}

/// How a document is written.
pub(crate) struct Show {
    format: Format,
    page: Page,
}

impl Show {
    fn of(settings: &Settings, format: Format, world: &World, output: &Output) -> Self {
        let screen = &settings.screen;
        Self {
            format,
            page: output.page(screen.colour, screen.glyphs, &Looks::of(world.variables)),
        }
    }
}

fn status(picture: &Picture, show: &Show) -> serde_json::Result<String> {
    match show.format {
        Format::Json => status::json(picture),
        Format::Text => Ok(status::text(picture, &show.page)),
    }
}

fn has_alerts(settings: &Settings) -> bool {
    !settings.alertmanagers.is_empty() || !settings.prometheuses.is_empty()
}

async fn list_alerts(args: &AlertsArgs, asking: Asking<'_>) -> Outcome {
    let text = args.filter.join(" ");
    let filter = Filter::parse(&text).map_err(|e| Answer::usage(alerts::caret(&text, &e)))?;
    // What tells of changes alone knows no alerts: an empty list would look like all clear.
    if asking
        .config
        .as_ref()
        .is_ok_and(|l| !has_alerts(&l.settings))
    {
        return Err(no_source());
    }
    asking
        .picture(&Scope::Alerts, |picture, show| match show.format {
            Format::Json => alerts::json(picture, &filter),
            Format::Text => Ok(alerts::text(picture, &filter, &show.page)),
        })
        .await
}

async fn read_runbooks(
    command: &RunbookCommand,
    global: &Global,
    world: &World,
    output: &Output,
) -> Outcome {
    let reading = match command {
        RunbookCommand::List(reading) => *reading,
        RunbookCommand::Show(args) => args.reading,
        RunbookCommand::Which(args) => args.reading,
    };
    let settings = load(global, world)
        .map_err(|errors| Answer::usage(errors.to_string()))?
        .settings;
    let show = Show::of(&settings, reading.format(), world, output);
    if let RunbookCommand::Which(args) = command {
        return which::run(args, &settings, world, &show).await;
    }
    let library = gather::library(&settings.runbooks, world.clock)
        .await
        .into_result()
        .map_err(|error| {
            let next = error.kind.next_step();
            Answer {
                complaint: Some(format!("quell: the runbooks: {error}; {next}")),
                ..Answer::with(String::new(), Exit::Nothing)
            }
        })?;
    match command {
        RunbookCommand::Show(args) => runbook::show(&args.id, &library, &show),
        _ => runbook::list(&library, &show),
    }
}

fn load(global: &Global, world: &World) -> Result<Loaded, config::ConfigErrors> {
    let overrides = global.overrides(world.variables);
    config::load(&overrides, &world.paths, world.built_in_themes)
}

fn has_servers(settings: &Settings) -> bool {
    !settings.alertmanagers.is_empty()
        || !settings.prometheuses.is_empty()
        || !settings.delivery.sources.is_empty()
}

fn no_source() -> Answer {
    Answer::usage(
        "quell: no source is configured\n  \
         name one:  quell --alertmanager http://localhost:9093 --prometheus http://localhost:9090\n  \
         keep it:   quell init\n  \
         just look: quell demo",
    )
}

/// JSON of plain values does not fail; if it ever does, it is said.
fn unwritable(error: &serde_json::Error) -> Answer {
    Answer {
        complaint: Some(format!("quell: the document could not be made: {error}")),
        ..Answer::with(String::new(), Exit::Nothing)
    }
}
