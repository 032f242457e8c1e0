//! The lines that every screen has below the top bar: title, blind lines, and the bottom line with
//! hints, notices or what is being typed.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};

use super::widgets::pen::Pen;
use super::widgets::text;
use super::{Look, top};
use crate::domain::alert::Lane;
use crate::domain::text::Untrusted;
use crate::keys::commands::{ALL, Danger};
use crate::keys::{Command, Context};
use crate::model::Model;
use crate::model::alarm;
use crate::model::available::available;
use crate::model::blind;
use crate::model::dialog::Dialog;
use crate::model::layout::Layout;
use crate::model::prompt::{Prompt, PromptKind};
use crate::model::rows::Tab;
use crate::model::session::{Screen, Tone};
use crate::theme::Role;

/// The title of the screen: tabs, or what is open.
pub fn title(model: &Model, look: &Look, buf: &mut Buffer) {
    match model.session.screen {
        Screen::Triage => tabs(model, look, buf),
        Screen::Burn => super::screens::burns::title(model, look, buf),
        Screen::Changes => super::screens::changes::title(model, look, buf),
        Screen::Drift => super::screens::drifts::title(model, look, buf),
        Screen::Runbooks => super::screens::reader::title(model, look, buf),
        Screen::Journal => super::screens::journal::title(model, look, buf),
        Screen::Sources => {
            let area = buf.area;
            Pen::line(buf, area, 1).write(
                " Sources: what am I blind to?",
                look.theme.style(Role::Title),
            );
        }
    }
}

fn tabs(model: &Model, look: &Look, buf: &mut Buffer) {
    let style = |role| look.theme.style(role);
    let triage = &model.session.triage;
    let counts = model.board.counts();
    let known = top::is_anything_known(model);
    let right = new_badge(model, look);
    let area = buf.area;
    let room = usize::from(area.width).saturating_sub(text::width(&right) + 1);
    let mut pen = Pen::line(buf, area, 1);
    pen.write(" ", style(Role::Text));
    for tab in Tab::ALL {
        let (count, role) = match tab {
            Tab::Page => (counts.page, Role::SeverityPage),
            Tab::Ticket => (counts.ticket, Role::SeverityTicket),
            Tab::Info => (counts.info, Role::SeverityInfo),
            Tab::Quiet => (counts.quiet, Role::StateQuiet),
            Tab::Pending => (model.board.pending.len(), Role::Dim),
        };
        let new = model.board.alerts.iter().filter(|a| Tab::of(a) == tab);
        let new = if triage.unseen.alerts.is_empty() {
            0
        } else {
            new.filter(|a| triage.unseen.alerts.contains(&a.occurrence))
                .count()
        };
        let news = if new > 0 {
            format!("+{new}")
        } else {
            String::new()
        };
        let count_shown = if known {
            count.to_string()
        } else {
            "?".to_owned()
        };
        let name = format!("{} {count_shown}{news}", tab.name());
        let is_here = tab == triage.tab;
        let text = if is_here {
            format!("[{name}] ")
        } else {
            format!(" {name}  ")
        };
        let role = if count > 0 || is_here {
            role
        } else {
            Role::Dim
        };
        let mut look = style(role);
        if is_here {
            look = look.add_modifier(Modifier::BOLD);
        }
        pen.write(&text, look);
    }
    let used = usize::from(area.width) - pen.left();
    let mut facts = String::new();
    if area.width >= 100 {
        facts = format!(
            "group: {}   ",
            crate::domain::text::shown(triage.grouping.name())
        );
    }
    if !triage.filter.is_empty() {
        let filter = crate::domain::text::shown(&triage.filter.to_string());
        facts = facts + "filter: " + &filter;
    }
    let left = room.saturating_sub(used + 1);
    let facts = text::fit(facts.trim_end(), left, look.glyphs.ellipsis).into_owned();
    if left > 8 {
        pen.write(" ", style(Role::Text))
            .write(&facts, style(Role::Dim));
    }
    match &triage.detail {
        // Whether more of the opened alert follows below.
        Some(detail) if right.is_empty() && detail.lines > 0 => {
            let seen = detail.scroll.top + Layout::of(model).height();
            let share = seen.min(detail.lines) * 100 / detail.lines;
            pen.at_right(&format!("{share}% "), style(Role::Dim));
        }
        _ => pen.at_right(&format!("{right} "), style(Role::Badge)),
    }
}

/// `12 new ↓`: what is not on screen, or waits while the list is frozen.
fn new_badge(model: &Model, look: &Look) -> String {
    let unseen = &model.session.triage.unseen;
    match (unseen.waiting, unseen.alerts.len()) {
        (0, 0) => String::new(),
        (0, hidden) => format!("{hidden} new: n"),
        (waiting, hidden) => format!("{} new {}", waiting + hidden, look.glyphs.down),
    }
}

/// What cannot be seen.
pub fn blind(model: &Model, look: &Look, layout: Layout, buf: &mut Buffer) {
    let alarms = alarm::lines(model);
    let alarming = alarms.len();
    let lines: Vec<String> = alarms.into_iter().chain(blind::lines(model)).collect();
    let rows = usize::from(layout.blind_rows);
    let area = buf.area;
    for (at, line) in lines.iter().take(rows).enumerate() {
        let hidden = lines.len() - rows;
        let is_last = at + 1 == rows;
        let more = if is_last && hidden > 0 {
            format!("  (+{hidden} more: 8)")
        } else {
            String::new()
        };
        let role = if at < alarming {
            Role::Danger
        } else if line.starts_with("stale") {
            Role::Stale
        } else {
            Role::Failed
        };
        let columns = usize::from(area.width).saturating_sub(text::width(&more) + 1);
        let mut pen = Pen::line(buf, area, 2 + u16::try_from(at).unwrap_or(0));
        pen.write(" ", look.theme.style(role));
        let fitted = text::fit(line, columns, look.glyphs.ellipsis).into_owned();
        pen.write(&fitted, look.theme.style(role))
            .write(&more, look.theme.style(role));
    }
}

/// What is typed, else a notice, else what can be done here. Tells where the cursor stands.
pub fn bottom(model: &Model, look: &Look, buf: &mut Buffer) -> Option<Position> {
    let area = Rect {
        y: buf.area.bottom().saturating_sub(1),
        height: 1,
        ..buf.area
    };
    if let Some(prompt) = &model.session.prompt {
        return Some(typed(prompt, model, look, area, buf));
    }
    if let Some(notice) = &model.session.notice {
        let role = match notice.tone {
            Tone::Done => Role::Ok,
            Tone::Refused => Role::Warn,
            Tone::Failed => Role::Failed,
        };
        let style = look.theme.style(role);
        let fitted = text::fit(
            &notice.text,
            usize::from(area.width).saturating_sub(2),
            look.glyphs.ellipsis,
        );
        let fitted = fitted.into_owned();
        Pen::line(buf, area, 0)
            .write(" ", style)
            .write(&fitted, style);
        return None;
    }
    if let Some(target) = link(model) {
        let style = |role| look.theme.style(role);
        let target = text::fit(
            target.shown(),
            usize::from(area.width).saturating_sub(26),
            look.glyphs.ellipsis,
        );
        let target = format!(" {} {target}  ", look.glyphs.right);
        let mut pen = Pen::line(buf, area, 0);
        pen.write(&target, style(Role::Link));
        pen.write("enter", style(Role::Key))
            .write(" follow  tab next", style(Role::Hint));
        return None;
    }
    hints(model, look, area, buf);
    None
}

/// Where the selected link of an open runbook leads: seen before it is followed.
fn link(model: &Model) -> Option<&Untrusted> {
    if model.session.context() != Context::Reader {
        return None;
    }
    let reader = model.session.runbooks.reader.as_ref()?;
    let (_, target) = reader.facts.links.get(reader.link_at?)?;
    Some(target)
}

fn typed(prompt: &Prompt, model: &Model, look: &Look, area: Rect, buf: &mut Buffer) -> Position {
    let style = |role| look.theme.style(role);
    let sign = match prompt.kind {
        PromptKind::Filter | PromptKind::Search => "/",
        PromptKind::Palette => ":",
        PromptKind::Resume => "type resume to allow dispatches again: ",
        PromptKind::BreakGlass => "break the glass, and page somebody. Why: ",
    };
    // What is typed is foreign text too: it may have been pasted.
    let shown = |part: &str| crate::domain::text::shown(part);
    let text = prompt.text();
    let at = text
        .char_indices()
        .nth(prompt.cursor())
        .map_or(text.len(), |(i, _)| i);
    let before = shown(&text[..at]);
    let room = usize::from(area.width).saturating_sub(sign.len() + 2);
    let hidden = text::width(&before).saturating_sub(room);
    let visible: String = skip_columns(&before, hidden);
    let column = sign.len() + text::width(&visible);
    let mut pen = Pen::line(buf, area, 0);
    pen.write(sign, style(Role::Key));
    pen.write(&visible, style(Role::Text));
    pen.write(&shown(&text[at..]), style(Role::Text));
    let note = match (&prompt.error, prompt.kind) {
        (Some(error), _) => Some((error.to_string(), Role::Failed)),
        (None, PromptKind::Filter) => Some((format!("{} rows", rows(model)), Role::Dim)),
        (None, PromptKind::Search) => {
            let found = model
                .session
                .runbooks
                .reader
                .as_ref()
                .map_or(0, |r| r.facts.matches.len());
            Some((format!("{found} found"), Role::Dim))
        }
        (None, PromptKind::Palette | PromptKind::Resume | PromptKind::BreakGlass) => None,
    };
    if let Some((note, role)) = note {
        let left = pen.left().saturating_sub(3);
        let fitted = text::fit(&note, left, look.glyphs.ellipsis).into_owned();
        pen.at_right(&format!("  {fitted} "), style(role));
    }
    if let Some(error) = &prompt.error
        && hidden == 0
    {
        mark(error.at.clone(), text, style(Role::Failed), area, buf);
    }
    Position {
        x: area.x
            + u16::try_from(column)
                .unwrap_or(0)
                .min(area.width.saturating_sub(1)),
        y: area.y,
    }
}

/// How many rows the filter lets through.
fn rows(model: &Model) -> usize {
    match model.session.screen {
        Screen::Burn => model.session.burn.rows.len(),
        Screen::Changes => model.session.changes.list.rows.len(),
        Screen::Drift => model.session.drifts.list.rows.len(),
        Screen::Journal => model.session.journal.list.rows.len(),
        _ => model.session.triage.rows.len(),
    }
}

/// Underlines the part of the typed text that does not parse.
fn mark(at: std::ops::Range<usize>, typed: &str, style: Style, area: Rect, buf: &mut Buffer) {
    let width = |to: usize| text::width(&crate::domain::text::shown(&typed[..to]));
    let from = 1 + width(at.start);
    let columns = (1 + width(at.end)).saturating_sub(from).max(1);
    let marked = Rect {
        x: area.x + u16::try_from(from).unwrap_or(u16::MAX).min(area.width),
        width: u16::try_from(columns).unwrap_or(u16::MAX).min(area.width),
        ..area
    };
    buf.set_style(
        marked.intersection(area),
        style.add_modifier(Modifier::UNDERLINED),
    );
}

fn skip_columns(text: &str, columns: usize) -> String {
    let mut skipped = 0;
    text.chars()
        .skip_while(|c| {
            let skip = skipped < columns;
            skipped += text::width(c.encode_utf8(&mut [0; 4]));
            skip
        })
        .collect()
}

fn hints(model: &Model, look: &Look, area: Rect, buf: &mut Buffer) {
    let context = model.session.context();
    let mut pen = Pen::line(buf, area, 0);
    pen.write(" ", look.theme.style(Role::Hint));
    let offered = ALL.iter().filter(|c| {
        let here = c.contexts.contains(&context);
        let global = c.contexts.contains(&Context::Global) && context.falls_through();
        let exists = c.danger == Danger::None || model.acting.is_on();
        (here || global) && exists && !c.keys.is_empty()
    });
    if let Some(help) = &model.session.help {
        let seen = help.scroll.top + usize::from(model.session.size.1.saturating_sub(2));
        let more = if seen < help.lines {
            "esc closes the help   j scrolls down"
        } else {
            "esc closes the help"
        };
        pen.write(more, look.theme.style(Role::Hint));
        return;
    }
    let typing = match &model.session.acting.dialog {
        Some(Dialog::Form(_)) => Some("enter plan  esc drop  tab next field"),
        Some(Dialog::Plan(plan)) if plan.typed.is_some() => Some("enter take it  esc drop"),
        _ => None,
    };
    if let Some(words) = typing {
        pen.write(words, look.theme.style(Role::Hint));
        return;
    }
    for command in offered {
        hint(command, model, look, &mut pen);
    }
}

/// A hint that does not fit whole is left out: half a hint misleads.
fn hint(command: &Command, model: &Model, look: &Look, pen: &mut Pen<'_>) {
    let Some(word) = command.hint else {
        return;
    };
    let key = command.keys[0];
    let off = available(command.id, model).is_err();
    let word = if off {
        format!("({word})")
    } else {
        word.to_owned()
    };
    let reserved = if command.name == "help" {
        0
    } else {
        "  ? help".len()
    };
    if pen.left() < key.len() + 1 + word.len() + reserved {
        return;
    }
    let (key_role, word_role) = if off {
        (Role::Dim, Role::Dim)
    } else {
        (Role::Key, Role::Hint)
    };
    pen.write(key, look.theme.style(key_role));
    pen.write(&format!(" {word}  "), look.theme.style(word_role));
}

/// The role of a lane's letter.
pub fn lane_role(lane: Lane) -> Role {
    match lane {
        Lane::Page => Role::SeverityPage,
        Lane::Ticket => Role::SeverityTicket,
        Lane::Info => Role::SeverityInfo,
    }
}
