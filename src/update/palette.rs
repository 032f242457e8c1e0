//! What changes while a line is typed: a filter, words to find, a command?

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{acting, burns, changes, command, dialogs, drifts, journal, reader, triage};
use crate::domain::filter::Filter;
use crate::effect::Effect;
use crate::keys::KeyPress;
use crate::keys::commands::Argument;
use crate::model::Model;
use crate::model::palette::{choices, split};
use crate::model::prompt::{Prompt, PromptKind};
use crate::model::session::{Screen, Tone};

/// Opens the line.
pub fn open(model: &mut Model, kind: PromptKind) {
    let before = match kind {
        PromptKind::Filter => present_filter(model),
        PromptKind::Search | PromptKind::Palette | PromptKind::Resume | PromptKind::BreakGlass => {
            String::new()
        }
    };
    model.session.prompt = Some(Prompt::new(kind, &before));
}

/// A key that is text or edits it.
pub fn typed(model: &mut Model, press: KeyPress) -> Vec<Effect> {
    if breaks_line(press) {
        return vec![];
    }
    let Some(prompt) = &mut model.session.prompt else {
        dialogs::typed(model, press);
        return vec![];
    };
    prompt.input.input(KeyEvent::from(press));
    prompt.choice = 0;
    changed(model);
    vec![]
}

/// Keys that the text field takes for a line break: a prompt has one line.
pub(super) fn breaks_line(press: KeyPress) -> bool {
    let is_ctrl = press.modifiers.contains(KeyModifiers::CONTROL);
    match press.code {
        KeyCode::Enter | KeyCode::Char('\n' | '\r') => true,
        KeyCode::Char('m') => is_ctrl,
        _ => false,
    }
}

/// Pasted text: line breaks become spaces, so that nothing is accepted by a paste.
pub fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    if model.session.prompt.is_none() && model.session.help.is_none() {
        return dialogs::paste(model, text);
    }
    if let Some(prompt) = &mut model.session.prompt {
        prompt.input.insert_str(flat(text));
        prompt.choice = 0;
    }
    changed(model);
    vec![]
}

/// Pasted text as one line.
pub(super) fn flat(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(4_096)
        .collect()
}

/// Filters and searches are shown as they are typed.
fn changed(model: &mut Model) {
    let Some(prompt) = &mut model.session.prompt else {
        return;
    };
    let text = prompt.text().to_owned();
    match prompt.kind {
        PromptKind::Palette | PromptKind::Resume | PromptKind::BreakGlass => {}
        PromptKind::Search => {
            reader::search(model, &text);
        }
        PromptKind::Filter => match Filter::parse(&text) {
            Ok(filter) => {
                prompt.error = None;
                apply(model, filter);
            }
            Err(error) => prompt.error = Some(error),
        },
    }
}

fn present_filter(model: &Model) -> String {
    match model.session.screen {
        Screen::Burn => model.session.burn.filter.to_string(),
        Screen::Changes => model.session.changes.list.filter.to_string(),
        Screen::Drift => model.session.drifts.list.filter.to_string(),
        Screen::Journal => model.session.journal.list.filter.to_string(),
        _ => model.session.triage.filter.to_string(),
    }
}

/// A filter is of the list that is on screen.
fn apply(model: &mut Model, filter: Filter) {
    match model.session.screen {
        Screen::Burn => burns::filter(model, filter),
        Screen::Changes => changes::LIST.filter(model, filter),
        Screen::Drift => drifts::LIST.filter(model, filter),
        Screen::Journal => journal::filter(model, filter),
        _ => triage::filter(model, filter),
    }
}

/// Drops what is typed.
pub fn cancel(model: &mut Model) {
    let Some(prompt) = model.session.prompt.take() else {
        return;
    };
    match prompt.kind {
        PromptKind::Filter => {
            // It was valid when it was applied.
            apply(model, Filter::parse(&prompt.before).unwrap_or_default());
        }
        PromptKind::Search => reader::search(model, ""),
        PromptKind::Palette | PromptKind::Resume | PromptKind::BreakGlass => {}
    }
    triage::catch_up(model);
}

/// Takes what is typed.
pub fn accept(model: &mut Model) -> Vec<Effect> {
    let Some(prompt) = model.session.prompt.take() else {
        return vec![];
    };
    let mut effects = vec![];
    match prompt.kind {
        PromptKind::Filter => {
            if let Some(error) = &prompt.error {
                // It stays open: what does not parse is not thrown away.
                let text = error.to_string();
                model.session.prompt = Some(prompt);
                model.session.say(Tone::Refused, text);
                return vec![];
            }
        }
        PromptKind::Search => reader::seek_match(model),
        PromptKind::Palette => effects = run(model, &prompt),
        PromptKind::Resume => effects = acting::resume(model, prompt.text()),
        PromptKind::BreakGlass => effects = acting::break_glass(model, prompt.text()),
    }
    triage::catch_up(model);
    effects
}

fn run(model: &mut Model, prompt: &Prompt) -> Vec<Effect> {
    let (name, argument) = split(prompt.text());
    let all = choices(model, prompt.text());
    let Some(choice) = all.get(prompt.choice) else {
        let name = crate::domain::text::shown(name);
        model.session.say(
            Tone::Refused,
            format!("no command `{name}` here: ? lists them"),
        );
        return vec![];
    };
    let argument = match choice.command.argument {
        Argument::None => None,
        Argument::Optional(_) => argument,
    };
    command::run(model, choice.command.id, argument)
}

/// `:filter` with a text after it.
pub fn filter_from_command(model: &mut Model, text: &str) {
    match Filter::parse(text) {
        Ok(filter) => apply(model, filter),
        Err(error) => {
            let mut prompt = Prompt::new(PromptKind::Filter, text);
            model.session.say(Tone::Refused, error.to_string());
            prompt.before = present_filter(model);
            prompt.error = Some(error);
            model.session.prompt = Some(prompt);
        }
    }
}

/// Another choice.
pub fn choose(model: &mut Model, by: isize) {
    let Some(prompt) = &model.session.prompt else {
        return;
    };
    if prompt.kind != PromptKind::Palette {
        return;
    }
    let count = choices(model, prompt.text()).len();
    if let Some(prompt) = &mut model.session.prompt
        && count > 0
    {
        prompt.choice = (prompt.choice + count).saturating_add_signed(by) % count;
    }
}
