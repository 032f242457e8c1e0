//! What changes when something happens, and what is to be done about it?
//!
//! `(model, message, now) -> effects`, called by the loop in `runtime`. Nothing here waits, locks,
//! reads a clock or touches the world.

mod command;
mod palette;
mod reader;
mod sources;
mod triage;

use chrono::{DateTime, Utc};

use crate::effect::Effect;
use crate::keys::{self, CommandId, Context, KeyPress};
use crate::model::Model;
use crate::model::layout::Layout;
use crate::model::scroll::Step;
use crate::model::session::{Measured, Screen, Tone};
use crate::msg::{Mouse, Msg};

/// Takes in what happened.
pub fn update(model: &mut Model, msg: Msg, now: DateTime<Utc>) -> Vec<Effect> {
    let new_second = now.timestamp() != model.now.timestamp();
    model.now = now;
    // Ages are shown in seconds at the finest: a tick within the same second changes nothing.
    model.dirty |= !matches!(msg, Msg::Tick) || new_second;
    match msg {
        Msg::Key(press) => key(model, press),
        Msg::Paste(text) => palette::paste(model, &text),
        Msg::Mouse(mouse) => self::mouse(model, mouse),
        Msg::Resized { columns, rows } => {
            model.session.size = (columns, rows);
            triage::settle(model);
            vec![]
        }
        Msg::Tick => sources::tick(model),
        Msg::SourceReported(report) => sources::reported(model, report),
        Msg::Restored(answers) => sources::restored(model, answers),
        Msg::BoardReady { seq, board } => sources::board_ready(model, seq, board),
        Msg::HistoryReady { query, result } => {
            triage::history_ready(model, &query, result);
            vec![]
        }
        Msg::ThemeChanged(Ok(name)) => {
            model.session.say(Tone::Done, format!("theme {name}"));
            vec![Effect::Redraw]
        }
        Msg::ThemeChanged(Err(why)) | Msg::Trouble(why) => {
            model.session.say(Tone::Failed, why);
            vec![]
        }
    }
}

/// Takes in what the layout found out, before drawing.
pub fn measured(model: &mut Model, measured: Measured) {
    let height = Layout::of(model).height();
    if let Some(facts) = measured.reader {
        reader::measured(model, facts, height);
    }
    if let (Some(lines), Some(detail)) = (measured.detail_lines, &mut model.session.triage.detail) {
        detail.lines = lines;
        detail.scroll.pan(Step::Rows(0), lines, height);
    }
    if let (Some(lines), Some(help)) = (measured.help_lines, &mut model.session.help) {
        help.lines = lines;
    }
}

fn key(model: &mut Model, press: KeyPress) -> Vec<Effect> {
    model.session.notice = None;
    let context = model.session.context();
    match keys::resolve(press, context) {
        Some(id) => command::run(model, id, None),
        None if context == Context::Text => palette::typed(model, press),
        None => vec![],
    }
}

fn mouse(model: &mut Model, mouse: Mouse) -> Vec<Effect> {
    if model.session.prompt.is_some() {
        return vec![];
    }
    match mouse {
        Mouse::WheelDown => command::run(model, CommandId::Down, None),
        Mouse::WheelUp => command::run(model, CommandId::Up, None),
        Mouse::Click { row } => {
            triage::click(model, row);
            vec![]
        }
    }
}

fn step(model: &mut Model, step: Step) {
    let height = Layout::of(model).height();
    let session = &mut model.session;
    if let Some(help) = &mut session.help {
        // It stands between the top bar and the bottom line, whatever is below it.
        let height = usize::from(session.size.1.saturating_sub(2));
        help.scroll.pan(step, help.lines, height);
        return;
    }
    match session.screen {
        Screen::Triage => triage::step(model, step),
        Screen::Runbooks => reader::step(model, step),
        Screen::Sources => {
            let rows = model.knowledge.sources.len();
            session.sources.step(step, rows, height);
        }
    }
}
