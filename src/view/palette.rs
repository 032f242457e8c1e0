//! Which commands may what is typed mean? A box above the bottom line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Look;
use super::widgets::pen::Pen;
use super::widgets::text;
use crate::keys::commands::Argument;
use crate::model::Model;
use crate::model::palette::choices;
use crate::model::prompt::PromptKind;
use crate::theme::Role;

/// No more choices than this are shown.
const MOST: usize = 10;

/// Draws the choices while a command is typed.
pub fn draw(model: &Model, look: &Look, buf: &mut Buffer) {
    let Some(prompt) = model
        .session
        .prompt
        .as_ref()
        .filter(|p| p.kind == PromptKind::Palette)
    else {
        return;
    };
    let all = choices(model, prompt.text());
    let room = usize::from(buf.area.height).saturating_sub(4);
    let shown = all.len().min(MOST).min(room);
    let first = prompt.choice.saturating_sub(shown.saturating_sub(1));
    let rows = u16::try_from(shown).unwrap_or(0);
    let area = Rect {
        y: buf.area.bottom().saturating_sub(rows + 2),
        height: rows + 1,
        ..buf.area
    };
    let style = |role| look.theme.style(role);
    clear(area, look, buf);
    let rule = look.glyphs.lines.horizontal.repeat(usize::from(area.width));
    Pen::line(buf, area, 0).write(&rule, style(Role::Border));
    for (y, (at, choice)) in all.iter().enumerate().skip(first).take(shown).enumerate() {
        let mut pen = Pen::line(buf, area, 1 + u16::try_from(y).unwrap_or(0));
        let is_here = at == prompt.choice;
        let dots = look.glyphs.ellipsis;
        let name = match choice.command.argument {
            Argument::None => choice.command.name.to_owned(),
            Argument::Optional(what) => format!("{} [{what}]", choice.command.name),
        };
        let help = match choice.refused {
            Some(reason) => format!("off: {reason}"),
            None => choice.command.help.to_owned(),
        };
        let role = if choice.refused.is_some() {
            Role::Dim
        } else {
            Role::Text
        };
        pen.write(
            if is_here { look.glyphs.gutter } else { " " },
            style(Role::Title),
        );
        pen.write(" ", style(role))
            .column(&name, 20, dots, style(role));
        pen.write(" ", style(role)).column(
            choice.command.keys.first().copied().unwrap_or(""),
            9,
            dots,
            style(Role::Key),
        );
        let left = pen.left().saturating_sub(2);
        pen.write(" ", style(role)).column(
            &text::fit(&help, left, dots),
            left + 1,
            dots,
            style(Role::Hint),
        );
        if is_here {
            let row = Rect {
                x: area.x + 1,
                y: area.y + 1 + u16::try_from(y).unwrap_or(0),
                width: area.width - 1,
                height: 1,
            };
            buf.set_style(row.intersection(buf.area), style(Role::Selected));
        }
    }
}

/// What was drawn below the box must not shine through.
fn clear(area: Rect, look: &Look, buf: &mut Buffer) {
    for position in area.intersection(buf.area).positions() {
        buf[position].reset();
    }
    buf.set_style(area.intersection(buf.area), look.theme.style(Role::Text));
}
