//! `quell policy show|test|explain`: what may be done here, and what would be said of an action?
//!
//! No server is asked, and nothing is planned for real.

use super::args::{Format, Global};
use super::exit::Exit;
use super::json::Document;
use super::output::{Answer, Output};
use super::policy_args::{ExplainArgs, PolicyCommand, TestArgs};
use super::policy_case::Case;
use super::policy_json::{ExplainDoc, SCHEMA, ShowDoc, TestDoc};
use super::{Outcome, Show, World, load, policy_test, policy_text, unwritable};
use crate::config::settings::Settings;

/// Runs one of them.
pub(super) fn run(
    command: &PolicyCommand,
    global: &Global,
    world: &World,
    output: &Output,
) -> Outcome {
    let reading = match command {
        PolicyCommand::Show(reading) => *reading,
        PolicyCommand::Test(args) => args.reading,
        PolicyCommand::Explain(args) => args.reading,
    };
    let loaded = load(global, world).map_err(|errors| Answer::usage(errors.to_string()))?;
    let settings = loaded.settings;
    let show = Show::of(&settings, reading.format(), world, output);
    match command {
        PolicyCommand::Show(_) => show_policy(&settings, world, &show),
        PolicyCommand::Test(args) => test(args, &settings, world, &show),
        PolicyCommand::Explain(args) => explain(args, &settings, world, &show),
    }
}

fn show_policy(settings: &Settings, world: &World, show: &Show) -> Outcome {
    let policy = settings.actions.policy.as_ref();
    let now = (world.clock)();
    let document = match (show.format, policy) {
        (Format::Json, policy) => {
            Document::text(SCHEMA, ShowDoc::of(policy, now)).map_err(|e| unwritable(&e))?
        }
        (Format::Text, Some(policy)) => policy_text::show(policy, now, &show.page),
        (Format::Text, None) => {
            format!("Read-only: nothing can be done from here.\n{NO_POLICY}\n")
        }
    };
    Ok(Answer::whole(document))
}

const NO_POLICY: &str =
    "name a policy: --policy builtin:cautious, --policy FILE, or [actions] in the config";

fn explain(args: &ExplainArgs, settings: &Settings, world: &World, show: &Show) -> Outcome {
    let Some(policy) = &settings.actions.policy else {
        return Err(Answer::usage(format!(
            "quell: there is no policy to ask\n  {NO_POLICY}"
        )));
    };
    let usage = |why: String| Answer::usage(format!("quell: {why}"));
    let case = Case::of(args).map_err(usage)?;
    let question = case
        .question(policy, settings, (world.clock)())
        .map_err(usage)?;
    let judged = policy.judge(&question.plan, &question.facts);
    Ok(Answer::whole(match show.format {
        Format::Json => {
            let body = ExplainDoc::of(policy, &question, &judged);
            Document::text(SCHEMA, body).map_err(|e| unwritable(&e))?
        }
        Format::Text => policy_text::explain(policy, &question, &judged, &show.page),
    }))
}

fn test(args: &TestArgs, settings: &Settings, world: &World, show: &Show) -> Outcome {
    let outcomes = policy_test::run(&args.paths, settings, &world.paths)
        .map_err(|why| Answer::usage(format!("quell: {why}")))?;
    let document = match show.format {
        Format::Json => {
            Document::text(SCHEMA, TestDoc::of(&outcomes)).map_err(|e| unwritable(&e))?
        }
        Format::Text => policy_text::test(&outcomes, &show.page),
    };
    let is_met = outcomes.iter().all(|one| one.problems.is_empty());
    let exit = if is_met { Exit::Whole } else { Exit::Partial };
    Ok(Answer::with(document, exit))
}
