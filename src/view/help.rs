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

/// The lines of the help.
pub fn lines(model: &Model, look: &Look) -> Vec<StyledLine> {
    let context = model.session.context_below();
    let width = usize::from(model.session.size.0).saturating_sub(4);
    let mut out = vec![
        vec![(format!(" Keys on {}", name(context)), Role::Title)],
        vec![],
    ];
    for wanted in [context, Context::Global] {
        for command in ALL
            .iter()
            .filter(|c| c.contexts.contains(&wanted) && !c.keys.is_empty())
        {
            out.push(line(command, model, width, look));
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
        ("!", "the replicas of a cluster contradict each other"),
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
        out.push(vec![
            (format!("  {}", text::pad_right(sign, 18, "")), Role::Key),
            (
                text::fit(meaning, width.saturating_sub(20), look.glyphs.ellipsis).into_owned(),
                Role::Hint,
            ),
        ]);
    }
    out
}

fn line(command: &Command, model: &Model, width: usize, look: &Look) -> StyledLine {
    let refused = available(command.id, model).err();
    let keys = command.keys.join(" ");
    let mut help = command.help.to_owned();
    if let Some(reason) = refused {
        help = format!("{help} (off: {reason})");
    }
    let (key, hint) = if refused.is_some() {
        (Role::Dim, Role::Dim)
    } else {
        (Role::Key, Role::Hint)
    };
    vec![
        (
            format!("  {}", text::pad_right(&keys, 18, look.glyphs.ellipsis)),
            key,
        ),
        (
            text::fit(&help, width.saturating_sub(20), look.glyphs.ellipsis).into_owned(),
            hint,
        ),
    ]
}

fn name(context: Context) -> &'static str {
    match context {
        Context::Triage => "Triage",
        Context::Alert => "an alert",
        Context::Runbooks => "the list of runbooks",
        Context::Reader => "a runbook",
        Context::Sources => "Sources",
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
