//! What can be done about what is selected, and what was begun?

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::{dialog, plan};
use crate::domain::action::Direction;
use crate::domain::duration::short_age;
use crate::model::Model;
use crate::model::acting::Run;
use crate::model::actions::Offer;
use crate::model::dialog::Menu;
use crate::model::layout::dialog_rows;
use crate::model::scroll::Scroll;
use crate::theme::Role;
use crate::view::widgets::pen::Pen;
use crate::view::widgets::text;
use crate::view::{Look, StyledLine};

/// From this width on a row says what it does.
const WIDE: u16 = 76;

/// Draws the menu.
pub fn draw(menu: &Menu, model: &Model, look: &Look, area: Rect, buf: &mut Buffer) {
    let all = &menu.offers.all;
    let words = format!("What can be done about {}", menu.offers.about);
    let count = format!(
        "{} of {}",
        (menu.scroll.cursor + 1).min(all.len()),
        all.len()
    );
    dialog::title(&words, (&count, Role::Dim), area, look, buf);
    rows(
        menu.scroll,
        all.len(),
        model,
        look,
        area,
        buf,
        |at, name, pen| {
            row(&all[at], name, area.width, look, pen);
        },
    );
    let below: Vec<StyledLine> = match all.get(menu.scroll.cursor) {
        None => Vec::new(),
        Some(offer) => vec![
            vec![(
                format!(" {}, named by {}", offer.target, offer.from),
                Role::Dim,
            )],
            match offer.off {
                Some(why) => vec![(format!(" off: {why}"), Role::Warn)],
                None => vec![(
                    format!(" {}: nothing is sent before you confirm", offer.help),
                    Role::Hint,
                )],
            },
        ],
    };
    dialog::lines(&below, area.height.saturating_sub(2), area, look, buf);
}

fn row(offer: &Offer, name: Modifier, width: u16, look: &Look, pen: &mut Pen<'_>) {
    let style = |role| look.theme.style(role);
    let dots = look.glyphs.ellipsis;
    let is_off = offer.off.is_some();
    let role = |role| if is_off { Role::Dim } else { role };
    let action = if width >= WIDE { 21 } else { 19 };
    pen.write(" ", style(Role::Text));
    pen.column(
        &offer.action,
        action,
        dots,
        style(role(Role::Text)).add_modifier(name),
    );
    pen.write(" ", style(Role::Text));
    pen.column(offer.risk.word(), 3, dots, style(role(Role::Strong)));
    if width >= WIDE {
        let (word, look) = match offer.direction {
            Direction::Reduces => ("reduces", Role::Ok),
            Direction::Neutral => ("neutral", Role::Dim),
            Direction::Adds => ("adds", Role::Warn),
        };
        pen.column(word, 8, dots, style(role(look)));
    }
    let room = pen.left().saturating_sub(1);
    let target = if width >= WIDE { room.min(34) } else { room };
    let shown = text::fit_middle(offer.target.shown(), target, dots).into_owned();
    pen.column(&shown, target, dots, style(role(Role::Text)));
    let room = pen.left().saturating_sub(2);
    if room > 8 {
        let words = match offer.off {
            Some(why) => format!("off: {why}"),
            None => offer.help.clone(),
        };
        pen.write(" ", style(Role::Text))
            .column(&words, room, dots, style(role(Role::Hint)));
    }
}

/// Draws the list of what was begun, newest first.
pub fn runs(scroll: Scroll, model: &Model, look: &Look, area: Rect, buf: &mut Buffer) {
    let all: Vec<&Run> = model.acting.runs.iter().rev().collect();
    let count = format!("{} of {}", (scroll.cursor + 1).min(all.len()), all.len());
    dialog::title("What was begun here", (&count, Role::Dim), area, look, buf);
    let dots = look.glyphs.ellipsis;
    rows(
        scroll,
        all.len(),
        model,
        look,
        area,
        buf,
        |at, name, pen| {
            let style = |role| look.theme.style(role);
            let run = all[at];
            let (state, role) = plan::state_words(run, model);
            let age = short_age(run.pipeline.since().wall, model.now);
            pen.write(" ", style(Role::Text));
            pen.right_column(&age, 4, dots, style(Role::Dim));
            pen.write(" ", style(Role::Text));
            pen.column(&state, 20, dots, style(role));
            let room = pen.left().saturating_sub(2);
            let title = text::fit_middle(&run.title(), room, dots).into_owned();
            pen.write(" ", style(Role::Text))
                .write(&title, style(Role::Text).add_modifier(name));
        },
    );
    let last = all
        .get(scroll.cursor)
        .and_then(|run| run.pipeline.trail().last());
    let last = last.map(|(_, words)| vec![(format!(" {words}"), Role::Dim)]);
    let below: Vec<StyledLine> = last.into_iter().collect();
    dialog::lines(&below, area.height.saturating_sub(2), area, look, buf);
}

/// Rows behind a gutter, below the title.
fn rows(
    scroll: Scroll,
    count: usize,
    model: &Model,
    look: &Look,
    area: Rect,
    buf: &mut Buffer,
    mut draw: impl FnMut(usize, Modifier, &mut Pen<'_>),
) {
    let shown = scroll.window(count, dialog_rows(&model.session).list);
    for (y, at) in (1..area.height.saturating_sub(2)).zip(shown) {
        let is_here = at == scroll.cursor;
        let mut pen = Pen::line(buf, area, y);
        let gutter = if is_here { look.glyphs.gutter } else { " " };
        pen.write(gutter, look.theme.style(Role::Title));
        let name = if is_here {
            Modifier::BOLD
        } else {
            Modifier::empty()
        };
        draw(at, name, &mut pen);
        if is_here {
            let whole = Rect {
                x: area.x + 1,
                y: area.y + y,
                width: area.width.saturating_sub(1),
                height: 1,
            };
            buf.set_style(
                whole.intersection(buf.area),
                look.theme.style(Role::Selected),
            );
        }
    }
}
