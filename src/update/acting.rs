//! What changes while something is done?
//!
//! Every action of the session has its pipeline: what happened goes in, and what it orders goes out as
//! effects, unread. Also what holds for all of them: panic, the broken glass, leaving. Nothing here decides
//! whether something may be sent; that is the guard's.

use std::mem::discriminant;

use chrono::{DateTime, Utc};

use super::dialogs;
use crate::domain::action::ActionRequest;
use crate::domain::guard::{COUNTDOWN, Event, Pipeline, RunId, State};
use crate::domain::text::Untrusted;
use crate::effect::{Effect, PanicSwitch};
use crate::model::Model;
use crate::model::acting::{Run, handle, moment};
use crate::model::prompt::PromptKind;
use crate::model::session::{Leaving, Tone};

/// What has to be typed so that dispatching is allowed again.
pub const RESUME: &str = "resume";

/// Begins an action. Nothing is sent: it is looked up, planned and checked.
pub fn begin(model: &mut Model, request: ActionRequest) -> (RunId, Vec<Effect>) {
    let countdown = model.acting.countdown.unwrap_or(COUNTDOWN);
    let pipeline = Pipeline::new(request, countdown, moment(model));
    let id = model.acting.add(pipeline);
    (id, event(model, id, Event::Begin))
}

/// Something happened to an action.
pub fn event(model: &mut Model, id: RunId, event: Event) -> Vec<Effect> {
    let state = |model: &Model| model.acting.run(id).map(|run| run.pipeline.state().clone());
    let before = state(model);
    let orders = handle(model, id, event);
    let after = state(model);
    let has_moved = before.as_ref().map(discriminant) != after.as_ref().map(discriminant);
    if has_moved {
        dialogs::moved(model, id);
        tell(model, id);
    }
    let effects = orders.into_iter();
    effects
        .map(|order| Effect::Action(id, Box::new(order)))
        .collect()
}

/// What ended or needs somebody is said, where its dialog is not open.
fn tell(model: &mut Model, id: RunId) {
    if dialogs::shows(model, id) {
        return;
    }
    let Some(run) = model.acting.run(id) else {
        return;
    };
    let title = run.title();
    let (tone, words) = match run.pipeline.state() {
        State::InDoubt { .. } => (Tone::Failed, format!("IN DOUBT: {title}: A shows it")),
        State::Ended(end) => {
            use crate::domain::record::End::{
                Blocked, Cancelled, Expired, NeedsPerson, Refused, Reverted, Verified,
            };
            let tone = match end {
                Verified | Reverted | Cancelled => Tone::Done,
                Expired | Blocked | Refused => Tone::Refused,
                NeedsPerson => Tone::Failed,
            };
            (tone, format!("{title}: {}: A shows it", end.word()))
        }
        State::Checked => (
            Tone::Done,
            format!("{title}: it may be confirmed: A shows it"),
        ),
        _ => return,
    };
    model.session.say(tone, words);
}

/// A second has passed.
pub fn tick(model: &mut Model) -> Vec<Effect> {
    to_all(model, || Event::Tick)
}

fn to_all(model: &mut Model, make: fn() -> Event) -> Vec<Effect> {
    let going = |run: &&Run| !run.pipeline.is_over();
    let runs = model.acting.runs.iter().filter(going);
    let ids: Vec<RunId> = runs.map(|run| run.id).collect();
    let mut effects = Vec::new();
    for id in ids {
        effects.extend(event(model, id, make()));
    }
    effects
}

/// The panic key, or `:panic off`. Stopping needs no confirmation, allowing does.
pub fn panic(model: &mut Model, argument: Option<&str>) -> Vec<Effect> {
    match argument {
        None | Some("on") => {
            let words = "panic: nothing more is dispatched on this machine";
            model.session.say(Tone::Failed, words);
            let mut effects = vec![Effect::SetPanic(PanicSwitch::On)];
            // Ours stop now, and not when the file has been written and seen.
            effects.extend(to_all(model, || Event::Panic));
            effects
        }
        Some("off") => {
            super::palette::open(model, PromptKind::Resume);
            Vec::new()
        }
        Some(_) => {
            model.session.say(Tone::Refused, "`panic`, or `panic off`");
            Vec::new()
        }
    }
}

/// What was typed at `:panic off`.
pub fn resume(model: &mut Model, typed: &str) -> Vec<Effect> {
    if typed.trim() == RESUME {
        model
            .session
            .say(Tone::Done, "asking for dispatches to be allowed again");
        return vec![Effect::SetPanic(PanicSwitch::Off)];
    }
    let words = format!("not allowed: that is not `{RESUME}`");
    model.session.say(Tone::Refused, words);
    Vec::new()
}

/// Panic was switched on or off on this machine, by whomever.
pub fn panic_changed(model: &mut Model, who: Option<Untrusted>) -> Vec<Effect> {
    let was_on = model.acting.alarm.panic.is_some();
    let is_on = who.is_some();
    model.acting.alarm.panic = who;
    match (was_on, is_on) {
        (_, true) => to_all(model, || Event::Panic),
        (true, false) => {
            model
                .session
                .say(Tone::Done, "panic is off: the guard decides again");
            Vec::new()
        }
        (false, false) => Vec::new(),
    }
}

/// What was typed at `:break-glass`.
pub fn break_glass(model: &mut Model, typed: &str) -> Vec<Effect> {
    let reason = typed.trim();
    if reason.is_empty() {
        model
            .session
            .say(Tone::Refused, "the glass stays whole: it takes a reason");
        return Vec::new();
    }
    model
        .session
        .say(Tone::Done, "asking for the glass to be broken");
    vec![Effect::BreakGlass {
        reason: reason.to_owned(),
    }]
}

/// The glass was broken, or why not.
pub fn glass_broken(model: &mut Model, result: Result<DateTime<Utc>, String>) {
    match result {
        Ok(until) => {
            model.acting.alarm.glass_until = Some(until);
            let words = format!(
                "the glass is broken until {}Z: approvals are skipped, every step is recorded",
                until.format("%H:%M")
            );
            model.session.say(Tone::Failed, words);
        }
        Err(why) => model
            .session
            .say(Tone::Failed, format!("the glass is not broken: {why}")),
    }
}

/// Leaves; while an action is under way only at the second press.
pub fn quit(model: &mut Model) -> Vec<Effect> {
    let runs = &model.acting.runs;
    let is_under_way = runs.iter().any(|run| run.pipeline.is_under_way());
    let waits = runs.iter().any(|run| !run.pipeline.is_over());
    if waits && model.session.acting.leaving == Leaving::No {
        model.session.acting.leaving = Leaving::Asked;
        let words = if is_under_way {
            "an action is under way: q again to leave; what is being sent is finished first"
        } else {
            "an action waits: q again to leave and give it up"
        };
        model.session.say(Tone::Refused, words);
        return Vec::new();
    }
    let mut effects = to_all(model, || Event::HangUp);
    effects.extend([Effect::SaveSnapshot, Effect::Quit]);
    effects
}
