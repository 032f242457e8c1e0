//! How do screens 2, 3 and 4 draw a list, with what is known of a row beside or below it?
//!
//! Only rows on screen are asked for. What a row says is the screen's own matter.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::model::Model;
use crate::model::held::{Held, Opened, Row};
use crate::model::layout::Layout;
use crate::model::scroll::Scroll;
use crate::theme::Role;
use crate::view::widgets::pen::Pen;
use crate::view::widgets::text;
use crate::view::{Look, StyledLine, body};

/// No more lines than this stand below a list.
const SUMMARY: usize = 4;

/// Where a list is, and where what is opened beside it; `None` for what has no room.
struct Panes {
    /// The list, with its heads.
    list: Option<Rect>,
    /// What is opened.
    opened: Option<Rect>,
}

impl Panes {
    /// For a list as it is.
    fn of<Id>(held: &Held<Id>, layout: Layout, area: Rect) -> Self {
        let area = body(layout, area);
        let list = Rect {
            width: layout.list_columns.min(area.width),
            ..area
        };
        match &held.opened {
            None => Self {
                list: Some(area),
                opened: None,
            },
            Some(_) if list.width == area.width => Self {
                list: None,
                opened: Some(area),
            },
            Some(_) => Self {
                list: Some(list),
                opened: Some(Rect {
                    x: area.x + list.width + 1,
                    width: area.width.saturating_sub(list.width + 1),
                    ..area
                }),
            },
        }
    }
}

/// The parts of a screen that only the screen itself knows.
pub struct Parts<L, O, S> {
    /// Draws the list and its heads.
    pub list: L,
    /// The lines of what is opened, at a width.
    pub opened: O,
    /// The lines of the selected row, below the list.
    pub summary: S,
}

/// Draws the list, and beside or below it what is known of one row.
pub fn draw<Id>(
    held: &Held<Id>,
    parts: Parts<
        impl FnOnce(Rect, &mut Buffer),
        impl FnOnce(u16) -> Vec<StyledLine>,
        impl FnOnce() -> Vec<(String, Role)>,
    >,
    layout: Layout,
    look: &Look,
    buf: &mut Buffer,
) {
    let panes = Panes::of(held, layout, buf.area);
    if let Some(area) = panes.list {
        (parts.list)(area, buf);
    }
    if let Some(area) = panes.opened {
        let lines = (parts.opened)(area.width);
        opened(held, &lines, &panes, layout, look, buf);
    }
    if held.opened.is_none() && !held.rows.is_empty() {
        summary(&(parts.summary)(), layout, look, buf);
    }
}

/// How wide what is opened is drawn; `None` where nothing is.
pub fn opened_width<Id>(held: &Held<Id>, model: &Model) -> Option<u16> {
    Some(panes(held, model).opened?.width)
}

/// What is opened, if no list stands beside it.
pub fn opened_alone<'m, Id>(held: &'m Held<Id>, model: &Model) -> Option<&'m Opened<Id>> {
    let has_list = panes(held, model).list.is_some();
    held.opened.as_ref().filter(|_| !has_list)
}

fn panes<Id>(held: &Held<Id>, model: &Model) -> Panes {
    let (width, height) = model.session.size;
    Panes::of(held, Layout::of(model), Rect::new(0, 0, width, height))
}

/// What is left of a row's width while its columns are shared out.
pub struct Room(pub usize);

impl Room {
    /// Gives a column so much more, and its gap with the first of it, if there is so much left.
    pub fn give(&mut self, column: &mut usize, wanted: usize) {
        let gap = usize::from(*column == 0);
        if self.0 >= wanted + gap {
            self.0 -= wanted + gap;
            *column += wanted;
        }
    }
}

/// The heads of the columns; one without a width is left out.
pub fn heads(columns: &[(&str, usize)], style: Style, pen: &mut Pen<'_>) {
    for (name, width) in columns {
        cell(name, *width, "", style, pen);
    }
}

/// One cell and its gap; without a width it is left out.
pub fn cell(content: &str, width: usize, dots: &str, style: Style, pen: &mut Pen<'_>) {
    if width > 0 {
        pen.column(content, width, dots, style)
            .write(" ", Style::new());
    }
}

/// Draws what is opened, behind a line where a list is beside it.
fn opened<Id>(
    held: &Held<Id>,
    lines: &[StyledLine],
    panes: &Panes,
    layout: Layout,
    look: &Look,
    buf: &mut Buffer,
) {
    let (Some(opened), Some(area)) = (&held.opened, panes.opened) else {
        return;
    };
    if panes.list.is_some() {
        let border = Rect {
            x: area.x.saturating_sub(1),
            width: 1,
            ..area
        };
        for y in 0..area.height {
            let style = look.theme.style(Role::Border);
            Pen::line(buf, border, y).write(look.glyphs.lines.vertical, style);
        }
    }
    let shown = opened.scroll.window(lines.len(), layout.height());
    for (y, at) in shown.enumerate() {
        styled(&lines[at], area, row_of(y), look, buf);
    }
}

fn row_of(y: usize) -> u16 {
    u16::try_from(y).unwrap_or(u16::MAX)
}

fn styled(line: &StyledLine, area: Rect, y: u16, look: &Look, buf: &mut Buffer) {
    let mut pen = Pen::line(buf, area, y);
    for (text, role) in line {
        pen.write(text, look.theme.style(*role));
    }
}

/// Draws the rows on screen, each by the screen's own pen, behind the gutter; the one under the
/// cursor stands out.
pub fn rows(
    scroll: Scroll,
    count: usize,
    area: Rect,
    layout: Layout,
    look: &Look,
    buf: &mut Buffer,
    mut draw: impl FnMut(usize, &mut Pen<'_>),
) {
    let shown = scroll.window(count, layout.height());
    for (y, at) in (layout.header_rows..).zip(shown) {
        let is_here = at == scroll.cursor;
        let mut pen = Pen::line(buf, area, y);
        let gutter = if is_here { look.glyphs.gutter } else { " " };
        pen.write(gutter, look.theme.style(Role::Title));
        draw(at, &mut pen);
        if is_here {
            let whole = Rect {
                x: area.x + 1,
                y: area.y + y,
                width: area.width.saturating_sub(1),
                height: 1,
            };
            let selected = look.theme.style(Role::Selected);
            buf.set_style(whole.intersection(buf.area), selected);
        }
    }
}

/// The rows of a list that stands still; each is told how its name looks.
pub fn held_rows<Id>(
    held: &Held<Id>,
    area: Rect,
    layout: Layout,
    look: &Look,
    buf: &mut Buffer,
    mut draw: impl FnMut(&Row<Id>, Modifier, &mut Pen<'_>),
) {
    let scroll = held.scroll;
    rows(
        scroll,
        held.rows.len(),
        area,
        layout,
        look,
        buf,
        |at, pen| {
            let name = if at == scroll.cursor {
                Modifier::BOLD
            } else {
                Modifier::empty()
            };
            draw(&held.rows[at], name, pen);
        },
    );
}

/// A row whose thing is not in the picture any more.
pub fn gone(name: &str, why: &str, look: &Look, pen: &mut Pen<'_>) {
    let style = look.theme.style(Role::Stale);
    let why = format!(" ({why})");
    let room = pen
        .left()
        .saturating_sub(" gone: ".len() + text::width(&why) + 1);
    let name = text::fit_middle(name, room.max(14), look.glyphs.ellipsis).into_owned();
    let columns = pen.left();
    pen.column(
        &format!(" gone: {name}{why}"),
        columns,
        look.glyphs.ellipsis,
        style,
    );
}

/// Below the list: the most important lines of the selected row.
pub fn summary(lines: &[(String, Role)], layout: Layout, look: &Look, buf: &mut Buffer) {
    if layout.summary_rows == 0 {
        return;
    }
    let above = body(layout, buf.area);
    let area = Rect {
        y: above.bottom(),
        height: layout.summary_rows,
        ..above
    };
    let rule = look.glyphs.lines.horizontal.repeat(usize::from(area.width));
    Pen::line(buf, area, 0).write(&rule, look.theme.style(Role::Border));
    let width = usize::from(area.width).saturating_sub(2);
    for (y, (line, role)) in lines.iter().take(SUMMARY).enumerate() {
        let fitted = text::fit(line, width, look.glyphs.ellipsis).into_owned();
        let mut pen = Pen::line(buf, area, 1 + row_of(y));
        pen.write(" ", Style::new())
            .write(&fitted, look.theme.style(*role));
    }
}

/// An empty list says why it is empty.
pub fn empty(lines: &[(String, Role)], area: Rect, layout: Layout, look: &Look, buf: &mut Buffer) {
    let width = usize::from(area.width).saturating_sub(4);
    let mut y = layout.header_rows + 1;
    for (words, role) in lines {
        for line in text::wrap(words, width) {
            Pen::line(buf, area, y)
                .write("  ", Style::new())
                .write(&line, look.theme.style(*role));
            y = y.saturating_add(1);
        }
    }
}

/// The title: a name, facts as far as they fit, and at the right what is new or how far one has read.
/// The first facts are the most important ones.
pub fn title<Id>(
    name: &str,
    facts: &[(String, Role)],
    held: &Held<Id>,
    model: &Model,
    look: &Look,
    buf: &mut Buffer,
) {
    let style = |role| look.theme.style(role);
    let (right, role) = match &held.opened {
        Some(opened) if opened.lines > 0 => {
            let seen = opened.scroll.top + Layout::of(model).height();
            let share = seen.min(opened.lines) * 100 / opened.lines;
            (format!("{share}% "), Role::Dim)
        }
        _ if held.new > 0 => (format!("{} new: o ", held.new), Role::Badge),
        _ => (String::new(), Role::Dim),
    };
    let area = buf.area;
    let mut pen = Pen::line(buf, area, 1);
    pen.write(&format!(" {name} "), style(Role::Title));
    let filter = crate::domain::text::shown(&held.filter.to_string());
    let filter = (!held.filter.is_empty()).then(|| (format!("filter: {filter}"), Role::Dim));
    // What the operator did comes before what is read below.
    let (first, others) = facts.split_at(facts.len().min(1));
    let all = first.iter().chain(&filter).chain(others);
    for (fact, role) in all {
        let room = pen.left().saturating_sub(text::width(&right) + 2);
        // Half a number misleads; half a filter does not.
        let is_filter = filter.as_ref().is_some_and(|(words, _)| words == fact);
        if text::width(fact) > room && !is_filter {
            pen.write(&format!(" {}", look.glyphs.ellipsis), style(Role::Dim));
            break;
        }
        let fitted = text::fit(fact, room, look.glyphs.ellipsis).into_owned();
        pen.write(&format!(" {fitted} "), style(*role));
    }
    pen.at_right(&right, style(role));
}
