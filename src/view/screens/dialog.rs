//! What does every dialog of acting have: its place, its box, its title?
//!
//! On a small screen it takes all between the bars; on a large one it stands in a box before the list.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{form, menu, plan};
use crate::model::Model;
use crate::model::dialog::Dialog;
use crate::model::layout::{Frame, dialog_area};
use crate::theme::Role;
use crate::view::widgets::pen::Pen;
use crate::view::widgets::text;
use crate::view::{Look, StyledLine};

/// Draws the dialog that is open. Tells where the cursor of a typed line stands.
pub fn draw(model: &Model, look: &Look, buf: &mut Buffer) -> Option<Position> {
    let dialog = model.session.acting.dialog.as_ref()?;
    let area = place(model, look, buf);
    match dialog {
        Dialog::Menu(menu) => {
            menu::draw(menu, model, look, area, buf);
            None
        }
        Dialog::Runs(scroll) => {
            menu::runs(*scroll, model, look, area, buf);
            None
        }
        Dialog::Form(form) => Some(form::draw(form, look, area, buf)),
        Dialog::Plan(_) => plan::draw(model, look, area, buf),
    }
}

/// How many lines the open plan has.
pub fn measure(model: &Model, look: &Look) -> Option<usize> {
    let (dialog, run) = crate::model::dialog::shown(model)?;
    let width = dialog_area(&model.session).columns;
    Some(plan::lines(dialog, run, model, look, width).len())
}

/// Clears the place of the dialog and draws its box. Tells the place of its content.
fn place(model: &Model, look: &Look, buf: &mut Buffer) -> Rect {
    let found = dialog_area(&model.session);
    let inner = Rect {
        x: found.x,
        y: found.y,
        width: found.columns,
        height: found.rows,
    };
    let outer = match found.frame {
        Frame::None => inner,
        Frame::Box => Rect {
            x: inner.x.saturating_sub(1),
            y: inner.y.saturating_sub(1),
            width: inner.width + 2,
            height: inner.height + 2,
        },
    };
    let outer = outer.intersection(buf.area);
    for position in outer.positions() {
        buf[position].reset();
    }
    buf.set_style(outer, look.theme.style(Role::Text));
    if found.frame == Frame::Box {
        border(outer, look, buf);
    }
    inner.intersection(buf.area)
}

fn border(area: Rect, look: &Look, buf: &mut Buffer) {
    let style = look.theme.style(Role::Border);
    let lines = &look.glyphs.lines;
    let rule = lines
        .horizontal
        .repeat(usize::from(area.width.saturating_sub(2)));
    let top = [lines.top_left, &rule, lines.top_right].concat();
    let bottom = [lines.bottom_left, &rule, lines.bottom_right].concat();
    Pen::line(buf, area, 0).write(&top, style);
    for y in 1..area.height.saturating_sub(1) {
        let mut pen = Pen::line(buf, area, y);
        pen.write(lines.vertical, style);
        pen.at_right(lines.vertical, style);
    }
    Pen::line(buf, area, area.height.saturating_sub(1)).write(&bottom, style);
}

/// The title of a dialog, and how it stands at the right.
pub fn title(words: &str, right: (&str, Role), area: Rect, look: &Look, buf: &mut Buffer) {
    let style = |role| look.theme.style(role);
    let (state, role) = right;
    let room = usize::from(area.width).saturating_sub(text::width(state) + 3);
    let fitted = text::fit_middle(words, room, look.glyphs.ellipsis).into_owned();
    let mut pen = Pen::line(buf, area, 0);
    pen.write(" ", style(Role::Title))
        .write(&fitted, style(Role::Title));
    pen.at_right(&format!("{state} "), style(role));
}

/// Draws lines from a row on.
pub fn lines(all: &[StyledLine], from: u16, area: Rect, look: &Look, buf: &mut Buffer) {
    for (y, line) in (from..area.height).zip(all) {
        let mut pen = Pen::line(buf, area, y);
        for (words, role) in line {
            pen.write(words, look.theme.style(*role));
        }
    }
}
