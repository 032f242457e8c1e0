//! What changes when something happens, and what is to be done about it?
//!
//! `(model, message, now) -> effects`, called by the loop in `runtime`. Nothing here waits, locks,
//! reads a clock or touches the world.

mod acting;
mod burns;
mod changes;
mod command;
mod dialogs;
mod drifts;
mod held;
mod journal;
mod palette;
mod reader;
mod sources;
#[cfg(test)]
mod tests;
mod triage;

use chrono::{DateTime, Utc};

use crate::effect::Effect;
use crate::keys::{self, CommandId, Context, KeyPress};
use crate::model::Model;
use crate::model::held::Held;
use crate::model::layout::{Layout, help_height};
use crate::model::scroll::Step;
use crate::model::session::{Keys, Leaving, Measured, Screen, Tone};
use crate::msg::{Mouse, Msg};

/// Takes in what happened.
pub fn update(model: &mut Model, msg: Msg, now: DateTime<Utc>) -> Vec<Effect> {
    let new_second = now.timestamp() != model.now.timestamp();
    model.now = now;
    // Ages are shown in seconds at the finest: a tick within the same second changes nothing.
    model.dirty |= !matches!(msg, Msg::Tick | Msg::Steady(_)) || new_second;
    let mut effects = handle(model, msg);
    effects.extend(burns::wanted(model));
    changes::follow(model);
    effects
}

fn handle(model: &mut Model, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Key(press) => key(model, press),
        Msg::Paste(text) => palette::paste(model, &text),
        Msg::Mouse(mouse) => self::mouse(model, mouse),
        Msg::Resized { columns, rows } => {
            model.session.size = (columns, rows);
            triage::settle(model);
            vec![]
        }
        Msg::Tick => {
            let mut effects = sources::tick(model);
            effects.extend(acting::tick(model));
            effects
        }
        Msg::SourceReported(report) => sources::reported(model, report),
        Msg::Restored(answers) => sources::restored(model, answers),
        Msg::BoardReady { seq, board } => sources::board_ready(model, seq, board),
        Msg::HistoryReady { query, result } => {
            triage::history_ready(model, &query, result);
            vec![]
        }
        Msg::PastRead(past) => sources::past_read(model, past),
        Msg::BurnHistoryReady {
            asked,
            span,
            result,
        } => burns::history_ready(model, asked, span, result),
        Msg::Steady(steady) => {
            model.acting.steady = steady;
            vec![]
        }
        Msg::Action(id, event) => acting::event(model, id, *event),
        Msg::PanicChanged(who) => acting::panic_changed(model, who),
        Msg::GlassBroken(result) => {
            acting::glass_broken(model, result);
            vec![]
        }
        Msg::JournalRead(picture) => {
            journal::read(model, picture);
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
    let layout = Layout::of(model);
    let height = layout.height();
    let columns = model.session.size.0;
    if let Some(facts) = measured.reader {
        reader::measured(model, facts, height);
    }
    if let (Some(lines), Screen::Triage, Some(detail)) = (
        measured.detail_lines,
        model.session.screen,
        &mut model.session.triage.detail,
    ) {
        detail.lines = lines;
        detail.scroll.pan(Step::Rows(0), lines, height);
    }
    if let (Some(lines), Screen::Burn, Some(opened)) = (
        measured.detail_lines,
        model.session.screen,
        &mut model.session.burn.opened,
    ) {
        opened.lines = lines;
        opened.scroll.pan(Step::Rows(0), lines, height);
    }
    dialogs::measured(model, measured.dialog_lines);
    let help_height = help_height(&model.session);
    if let (Some(lines), Some(help)) = (measured.help_lines, &mut model.session.help) {
        help.lines = lines;
        help.scroll.pan(Step::Rows(0), lines, help_height);
    }
    // Another size, or one more line that says what cannot be seen: the cursor stays in view.
    let session = &mut model.session;
    match session.screen {
        Screen::Triage if session.triage.detail.is_some() => {}
        Screen::Triage => {
            let rows = session.triage.rows.len();
            session.triage.scroll.reveal(rows, height);
        }
        Screen::Burn if session.burn.opened.is_some() => {}
        Screen::Burn => {
            let rows = session.burn.rows.len();
            session.burn.scroll.reveal(rows, height);
        }
        Screen::Changes => drawn(
            &mut session.changes.list,
            measured.detail_lines,
            layout,
            columns,
        ),
        Screen::Drift => drawn(
            &mut session.drifts.list,
            measured.detail_lines,
            layout,
            columns,
        ),
        Screen::Runbooks => {
            let books = model.knowledge.library().runbooks.len();
            session.runbooks.list.reveal(books, height);
        }
        Screen::Journal => drawn(
            &mut session.journal.list,
            measured.detail_lines,
            layout,
            columns,
        ),
        Screen::Sources => {
            let sources = model.knowledge.sources.len();
            session.sources.reveal(sources, height);
        }
    }
}

/// A list that something opened covers keeps its window.
fn drawn<Id: Clone + Eq + std::hash::Hash>(
    list: &mut Held<Id>,
    lines: Option<usize>,
    layout: Layout,
    columns: u16,
) {
    list.measured(lines, layout.height());
    if list.opened.is_none() || layout.list_columns < columns {
        list.reveal(layout.height());
    }
}

fn key(model: &mut Model, press: KeyPress) -> Vec<Effect> {
    model.session.notice = None;
    model.session.keys = Keys::Pressed;
    let context = model.session.context();
    let command = keys::resolve(press, context);
    if command != Some(CommandId::Quit) {
        model.session.acting.leaving = Leaving::No;
    }
    match command {
        Some(id) => command::run(model, id, None),
        None if context == Context::Text => palette::typed(model, press),
        None => vec![],
    }
}

fn mouse(model: &mut Model, mouse: Mouse) -> Vec<Effect> {
    if model.session.prompt.is_some() {
        return vec![];
    }
    model.session.keys = Keys::Pressed;
    match mouse {
        Mouse::WheelDown => command::run(model, CommandId::Down, None),
        Mouse::WheelUp => command::run(model, CommandId::Up, None),
        // The help or a dialog covers the list.
        Mouse::Click { .. } if model.session.is_frozen() => vec![],
        Mouse::Click { row } => {
            triage::click(model, row);
            vec![]
        }
    }
}

fn step(model: &mut Model, step: Step) {
    let height = Layout::of(model).height();
    let help_height = help_height(&model.session);
    let session = &mut model.session;
    if let Some(help) = &mut session.help {
        help.scroll.pan(step, help.lines, help_height);
        return;
    }
    if dialogs::step(model, step) {
        return;
    }
    let session = &mut model.session;
    match session.screen {
        Screen::Triage => triage::step(model, step),
        Screen::Burn => burns::step(model, step),
        Screen::Changes => session.changes.list.step(step, height),
        Screen::Drift => session.drifts.list.step(step, height),
        Screen::Runbooks => reader::step(model, step),
        Screen::Journal => session.journal.list.step(step, height),
        Screen::Sources => {
            let rows = model.knowledge.sources.len();
            session.sources.step(step, rows, height);
        }
    }
}
