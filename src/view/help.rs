//! What do the keys do here? Derived from the one table of commands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::widgets::pen::Pen;
use super::widgets::text;
use super::{Look, StyledLine};
use crate::keys::commands::ALL;
use crate::keys::{Command, Context};
use crate::model::Model;
use crate::model::available::available;
use crate::theme::Role;

/// The width of the keys and signs before their meaning.
const KEYS: usize = 18;

/// The lines of the help.
pub fn lines(model: &Model, look: &Look) -> Vec<StyledLine> {
    let context = model.session.context_below();
    let width = usize::from(model.session.size.0);
    let mut out = vec![
        vec![(format!(" Keys on {}", name(context)), Role::Title)],
        vec![],
    ];
    let falls = context.falls_through().then_some(Context::Global);
    for wanted in [context].into_iter().chain(falls) {
        for command in ALL
            .iter()
            .filter(|c| c.contexts.contains(&wanted) && !c.keys.is_empty())
        {
            out.extend(about(command, model, width, look));
        }
        out.push(vec![]);
    }
    out.push(vec![(" Signs".into(), Role::Title)]);
    let check = look.glyphs.check;
    let warn = look.glyphs.warn;
    for (sign, meaning) in [
        (
            "P T I",
            "page, ticket, info: the lane, by the rules of the config",
        ),
        (
            "!",
            "in doubt: replicas contradict each other, or a change's time or cause is not sure",
        ),
        (
            "(1.40)",
            "found, not told: the version before, or the program that wrote the fields",
        ),
        ("-", "missing: debt of whoever owns the rule"),
        ("x12", "twelve alerts of one name; enter unfolds them"),
        (check, "a runbook as committed; a source that answers"),
        (
            warn,
            "a runbook with changes that are not committed, or with a caution",
        ),
        (
            "~2m",
            "a source whose last answer is two minutes old; its rows are dim",
        ),
    ] {
        out.extend(entry(sign, meaning, [Role::Key, Role::Hint], width, look));
    }
    out
}

fn about(command: &Command, model: &Model, width: usize, look: &Look) -> Vec<StyledLine> {
    let keys = command.keys.join(" ");
    match available(command.id, model) {
        Ok(()) => entry(&keys, command.help, [Role::Key, Role::Hint], width, look),
        Err(reason) => {
            let help = format!("{} (off: {reason})", command.help);
            entry(&keys, &help, [Role::Dim, Role::Dim], width, look)
        }
    }
}

/// Keys or a sign, and beside it what it means. It is wrapped: the end may be the reason why not.
fn entry(
    keys: &str,
    meaning: &str,
    [key, hint]: [Role; 2],
    width: usize,
    look: &Look,
) -> Vec<StyledLine> {
    let room = width.saturating_sub(KEYS + 4);
    let lines = text::wrap(meaning, room).into_iter().enumerate();
    lines
        .map(|(at, line)| {
            let keys = if at == 0 { keys } else { "" };
            let keys = text::pad_right(keys, KEYS, look.glyphs.ellipsis);
            vec![(format!("  {keys} "), key), (line.into_owned(), hint)]
        })
        .collect()
}

fn name(context: Context) -> &'static str {
    match context {
        Context::Triage => "Triage",
        Context::Alert => "an alert",
        Context::Burns => "Burn",
        Context::Burn => "an SLO",
        Context::Changes => "Changes",
        Context::Change => "a change",
        Context::Drifts => "Drift",
        Context::Drift => "a difference",
        Context::Runbooks => "the list of runbooks",
        Context::Reader => "a runbook",
        Context::Journal => "Journal",
        Context::Record => "a record",
        Context::Sources => "Sources",
        Context::Menu => "what can be done",
        Context::Plan => "a plan",
        Context::Global | Context::Help | Context::Text => "every screen",
    }
}

/// Draws the part of the help that is on screen.
pub fn draw(model: &Model, look: &Look, buf: &mut Buffer) {
    let Some(help) = model.session.help else {
        return;
    };
    let area = Rect {
        y: buf.area.y + 1,
        height: buf.area.height.saturating_sub(2),
        ..buf.area
    };
    let lines = lines(model, look);
    for (y, at) in help
        .scroll
        .window(lines.len(), usize::from(area.height))
        .enumerate()
    {
        let mut pen = Pen::line(buf, area, u16::try_from(y).unwrap_or(0));
        for (text, role) in &lines[at] {
            pen.write(text, look.theme.style(*role));
        }
    }
}
