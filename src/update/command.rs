//! What does each command do?

use super::{acting, burns, changes, dialogs, drifts, journal, palette, reader, step, triage};
use crate::effect::{Effect, ThemeChoice};
use crate::keys::CommandId;
use crate::model::Model;
use crate::model::available::available;
use crate::model::burns::Explain;
use crate::model::held::Cursor;
use crate::model::prompt::PromptKind;
use crate::model::rows::Grouping;
use crate::model::scroll::Step;
use crate::model::session::{Help, Screen, Tone};

/// Does a command, or says why not.
pub fn run(model: &mut Model, id: CommandId, argument: Option<&str>) -> Vec<Effect> {
    if let Err(reason) = available(id, model) {
        model.session.say(Tone::Refused, reason);
        return vec![];
    }
    match id {
        CommandId::Quit => return acting::quit(model),
        CommandId::Refresh => {
            model.session.say(Tone::Done, "asking all sources");
            let mut effects = vec![Effect::PollAll];
            if model.session.screen == Screen::Journal {
                effects.push(Effect::ReadJournal);
            }
            return effects;
        }
        CommandId::Redraw => return vec![Effect::Redraw],
        CommandId::Suspend => return vec![Effect::Suspend],
        CommandId::Crash => return vec![Effect::Crash],
        CommandId::Theme => {
            let named = argument.map(|name| ThemeChoice::Named(name.to_owned()));
            return vec![Effect::Theme(named.unwrap_or(ThemeChoice::Next))];
        }
        CommandId::Claim => return triage::claim(model),
        CommandId::Open => return open(model),
        CommandId::Accept if model.session.prompt.is_some() => return palette::accept(model),
        CommandId::Accept if model.session.acting.dialog.is_some() => {
            return dialogs::accept(model);
        }
        CommandId::Cancel => return cancel(model),
        CommandId::Panic => return acting::panic(model, argument),
        CommandId::ShowJournal => {
            show(model, Screen::Journal);
            return vec![Effect::ReadJournal];
        }
        _ => {}
    }
    if let Some(how) = movement(id) {
        step(model, how);
        return vec![];
    }
    quiet(model, id, argument);
    vec![]
}

/// Commands that only change what is on screen.
fn quiet(model: &mut Model, id: CommandId, argument: Option<&str>) {
    match id {
        CommandId::ShowTriage => show(model, Screen::Triage),
        CommandId::ShowBurn => show(model, Screen::Burn),
        CommandId::ShowChanges => show(model, Screen::Changes),
        CommandId::ShowDrift => show(model, Screen::Drift),
        CommandId::ShowRunbooks => show(model, Screen::Runbooks),
        CommandId::ShowSources => show(model, Screen::Sources),
        CommandId::Help => model.session.help = Some(Help::default()),
        CommandId::Palette => palette::open(model, PromptKind::Palette),
        CommandId::Filter => match argument {
            Some(text) => palette::filter_from_command(model, text),
            None => palette::open(model, PromptKind::Filter),
        },
        CommandId::Search => match argument {
            Some(text) => {
                reader::search(model, text);
                reader::seek_match(model);
            }
            None => palette::open(model, PromptKind::Search),
        },
        CommandId::Back => back(model),
        CommandId::Act => dialogs::act(model),
        CommandId::Silence => dialogs::silence(model),
        CommandId::Undo => dialogs::undo(model),
        CommandId::Actions => dialogs::runs(model),
        CommandId::BreakGlass => palette::open(model, PromptKind::BreakGlass),
        CommandId::Group => {
            let next = model.session.triage.grouping.next();
            triage::group(model, argument.map_or(next, Grouping::parse));
        }
        CommandId::NextLane => triage::lane(model, 1),
        CommandId::PreviousLane => triage::lane(model, -1),
        CommandId::NextNew => triage::next_new(model),
        CommandId::OpenRunbook => reader::open_for_alert(model),
        CommandId::OpenBurn => burns::open_from_triage(model),
        CommandId::Explain => burns::explain(model),
        CommandId::Span => burns::span(model),
        CommandId::Sort => sort(model),
        CommandId::NextMatch => reader::next_match(model, 1),
        CommandId::PreviousMatch => reader::next_match(model, -1),
        CommandId::NextLink => reader::next_link(model, 1),
        CommandId::PreviousLink => reader::next_link(model, -1),
        CommandId::NextHeading => reader::next_heading(model, 1),
        CommandId::PreviousHeading => reader::next_heading(model, -1),
        CommandId::Accept => reader::follow(model),
        CommandId::NextChoice => choose(model, 1),
        CommandId::PreviousChoice => choose(model, -1),
        _ => {}
    }
}

fn movement(id: CommandId) -> Option<Step> {
    Some(match id {
        CommandId::Down => Step::Rows(1),
        CommandId::Up => Step::Rows(-1),
        CommandId::HalfPageDown => Step::HalfPages(1),
        CommandId::HalfPageUp => Step::HalfPages(-1),
        CommandId::PageDown => Step::Pages(1),
        CommandId::PageUp => Step::Pages(-1),
        CommandId::Top => Step::Top,
        CommandId::Bottom => Step::Bottom,
        _ => return None,
    })
}

fn show(model: &mut Model, screen: Screen) {
    // A second press of a screen's key leads to its list.
    match screen {
        _ if model.session.screen != screen => {}
        Screen::Triage => model.session.triage.detail = None,
        Screen::Burn => model.session.burn.opened = None,
        Screen::Changes => model.session.changes.list.opened = None,
        Screen::Drift => model.session.drifts.list.opened = None,
        Screen::Runbooks => model.session.runbooks.reader = None,
        Screen::Journal => model.session.journal.list.opened = None,
        Screen::Sources => {}
    }
    model.session.screen = screen;
    match screen {
        Screen::Burn => burns::sort(model),
        Screen::Changes => changes::LIST.sort(model, Cursor::Stays),
        Screen::Drift => drifts::LIST.sort(model, Cursor::Stays),
        Screen::Journal => journal::sort(model, Cursor::Stays),
        Screen::Triage | Screen::Runbooks | Screen::Sources => {}
    }
    triage::settle(model);
}

/// By the operator's key: to the top, as that is what matters first.
fn sort(model: &mut Model) {
    match model.session.screen {
        Screen::Changes => {
            changes::LIST.sort(model, Cursor::Top);
            model.session.say(Tone::Done, "sorted: newest first");
        }
        Screen::Drift => {
            drifts::LIST.sort(model, Cursor::Top);
            model.session.say(Tone::Done, "sorted: drift first");
        }
        Screen::Journal => {
            journal::sort(model, Cursor::Top);
            model.session.say(Tone::Done, "sorted: newest first");
        }
        _ => burns::sort_by_key(model),
    }
}

fn open(model: &mut Model) -> Vec<Effect> {
    match model.session.screen {
        Screen::Triage => triage::open(model),
        Screen::Burn => {
            burns::open_selected(model, Explain::Off);
            vec![]
        }
        Screen::Changes => {
            model.session.changes.list.open();
            vec![]
        }
        Screen::Drift => {
            model.session.drifts.list.open();
            vec![]
        }
        Screen::Runbooks => {
            reader::open_selected(model);
            vec![]
        }
        Screen::Journal => {
            model.session.journal.list.open();
            vec![]
        }
        Screen::Sources => vec![],
    }
}

fn back(model: &mut Model) {
    match model.session.screen {
        Screen::Triage => triage::back(model),
        Screen::Burn => burns::back(model),
        Screen::Changes => changes::LIST.back(model),
        Screen::Drift => drifts::LIST.back(model),
        Screen::Runbooks => {
            reader::back(model);
            triage::settle(model);
        }
        Screen::Journal => journal::back(model),
        Screen::Sources => show(model, Screen::Triage),
    }
}

/// The innermost first: what is typed, the help, the dialog.
fn cancel(model: &mut Model) -> Vec<Effect> {
    if model.session.prompt.is_some() {
        palette::cancel(model);
    } else if model.session.help.take().is_some() {
        triage::catch_up(model);
    } else {
        return dialogs::cancel(model);
    }
    vec![]
}

fn choose(model: &mut Model, by: isize) {
    if model.session.prompt.is_some() {
        palette::choose(model, by);
    } else {
        dialogs::choose(model, by);
    }
}
