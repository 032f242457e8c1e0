//! `quell burn [SLO]`: which error budgets are burning, how fast, and how long will they last?
//!
//! One poll of every Prometheus for service levels alone, judged now or as of then. The whole list,
//! or one of them in full; `--explain` adds every query, input and formula. A service level without
//! a verdict is never left out.

use std::sync::Arc;

use super::args::{BurnArgs, Format, Global};
use super::burn_choice::choose;
use super::burn_json::{self, Detail};
use super::exit::Exit;
use super::gather::{Picture, Scope, gather};
use super::gather_slos::{BurnQuestion, Windows};
use super::output::{Answer, Output};
use super::page::Page;
use super::{Outcome, Show, World, burn_text, load, unwritable, when};
use crate::domain::freshness::Freshness;
use crate::domain::slo_burn::{SloBurn, Standing, Verdict};
use crate::domain::slo_measured::NoData;

/// Asks and answers.
///
/// # Errors
/// A config that does not hold, no Prometheus, a time or a name that means nothing.
pub(super) async fn run(
    args: &BurnArgs,
    global: &Global,
    world: &World,
    output: &Output,
) -> Outcome {
    let loaded = load(global, world).map_err(|errors| Answer::usage(errors.to_string()))?;
    let settings = &loaded.settings;
    if settings.prometheuses.is_empty() {
        return Err(no_prometheus());
    }
    let at = args.at.as_deref();
    let at = at
        .map(|text| when::moment(text, (world.clock)()))
        .transpose()
        .map_err(|why| Answer::usage(format!("quell: --at: {why}")))?;
    let question = BurnQuestion {
        at,
        cache: Some(world.paths.burn_dir()),
        windows: match args.detail() {
            Detail::Numbers => Windows::InUse,
            Detail::Explained => Windows::OfEveryPolicy,
        },
    };
    let scope = Scope::Burns(question);
    let picture = gather(settings, &scope, Arc::default(), world.clock).await;
    let show = Show::of(settings, args.reading.format(), world, output);
    answer(args, &picture, show.format, &show.page)
}

/// The document or the text, out of one picture.
///
/// # Errors
/// A name that means nothing, where everybody could be asked.
pub(super) fn answer(args: &BurnArgs, picture: &Picture, format: Format, page: &Page) -> Outcome {
    let asked = args.name.as_deref();
    let burns = &picture.board.burns;
    let (chosen, unknown) = match asked.map(|word| choose(burns, word)) {
        None => (burns.iter().collect(), None),
        Some(Ok(chosen)) => (chosen, None),
        // Who is not heard of may be one of those that could not be asked.
        Some(Err(why)) if picture.exit() != Exit::Whole => (Vec::new(), Some(why)),
        Some(Err(why)) => return Err(Answer::usage(format!("quell: {why}"))),
    };
    let is_one = asked.is_some() && chosen.iter().all(|b| b.id().name == chosen[0].id().name);
    let document = match (format, args.detail()) {
        (Format::Json, detail) => {
            burn_json::text(picture, &chosen, asked, detail).map_err(|error| unwritable(&error))?
        }
        (Format::Text, detail) if !chosen.is_empty() && (is_one || detail == Detail::Explained) => {
            burn_text::in_full(picture, &chosen, detail, page)
        }
        (Format::Text, _) => burn_text::list(picture, &chosen, page),
    };
    let mut answer = Answer::with(document, exit(picture, chosen.into_iter()));
    if let Some(why) = unknown {
        let heard = "not every source answered";
        answer.complaint = Some(format!("quell: {heard}, and {why}"));
    }
    Ok(answer)
}

/// How whole the answer is, by the sources, the files and the verdicts that there are.
#[must_use]
pub fn exit<'a>(picture: &Picture, mut chosen: impl Iterator<Item = &'a SloBurn>) -> Exit {
    let partial = !picture.slo_problems.is_empty() || chosen.any(is_partial);
    let least = if partial { Exit::Partial } else { Exit::Whole };
    picture.exit().max(least)
}

/// Whether a verdict is missing for a reason other than that nothing happened.
#[must_use]
pub fn is_partial(burn: &SloBurn) -> bool {
    if !matches!(burn.verdict, Verdict::None { .. }) {
        return false;
    }
    let is_quiet = |why: &NoData| matches!(why, NoData::NoTraffic(_));
    if burn.freshness != Freshness::Fresh {
        return true;
    }
    if let Some(why) = &burn.measured.blocked {
        return !is_quiet(why);
    }
    let unknown = burn
        .conditions
        .iter()
        .filter(|state| state.standing == Standing::Unknown);
    let missing = unknown
        .flat_map(|state| &state.burns)
        .filter(|(_, burn)| burn.is_none());
    let mut readings = missing.map(|(secs, _)| burn.window(*secs).map(|m| &m.reading));
    // One that is there but did not count is too old.
    readings.any(|reading| !matches!(reading, Some(Err(why)) if is_quiet(why)))
}

fn no_prometheus() -> Answer {
    Answer::usage(
        "quell: no Prometheus is configured: service levels are measured by one\n  \
         name one:  quell burn --prometheus http://localhost:9090\n  \
         keep it:   quell init",
    )
}
