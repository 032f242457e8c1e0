//! Screen 5, the list: what is written, in which version?

use ratatui::buffer::Buffer;
use ratatui::style::{Modifier, Style};

use crate::domain::runbook::{Runbook, Version};
use crate::model::Model;
use crate::model::layout::Layout;
use crate::theme::Role;
use crate::view::widgets::pen::Pen;
use crate::view::widgets::text;
use crate::view::{Look, body};

/// Draws the list.
pub fn draw(model: &Model, look: &Look, layout: Layout, buf: &mut Buffer) {
    let area = body(layout, buf.area);
    let library = model.knowledge.library();
    let style = |role| look.theme.style(role);
    let dots = look.glyphs.ellipsis;
    let wide = area.width >= 70;
    let mut y = 0;
    if layout.header_rows > 0 {
        let mut pen = Pen::line(buf, area, 0);
        pen.write("  ", style(Role::Dim))
            .column("id", 26, "", style(Role::Dim));
        pen.write(" ", style(Role::Dim))
            .column("version", 16, "", style(Role::Dim));
        if wide {
            pen.write(" ", style(Role::Dim))
                .column("reviewed", 11, "", style(Role::Dim));
        }
        pen.write(" title", style(Role::Dim));
        y = 1;
    }
    if library.runbooks.is_empty() {
        let line = "  No runbook was read. 8 shows where they were looked for.";
        Pen::line(buf, area, y).write(line, style(Role::Dim));
    }
    let list = model.session.runbooks.list;
    for at in list.window(library.runbooks.len(), layout.height()) {
        let book = &library.runbooks[at];
        let is_here = at == list.cursor;
        let mut pen = Pen::line(buf, area, y);
        pen.write(
            if is_here { look.glyphs.gutter } else { " " },
            style(Role::Title),
        )
        .write(" ", Style::new());
        let mut name = style(Role::Text);
        if is_here {
            name = name.add_modifier(Modifier::BOLD);
        }
        pen.column(book.id.shown(), 26, dots, name)
            .write(" ", Style::new());
        let (version, role) = version(book, look);
        pen.column(&version, 16, dots, style(role))
            .write(" ", Style::new());
        if wide {
            let reviewed = book.front.reviewed.as_ref().map_or("-", |r| r.shown());
            pen.column(reviewed, 11, dots, style(Role::Dim))
                .write(" ", Style::new());
        }
        let problems = match book.problems.len() {
            0 => String::new(),
            n => format!("{} {n} ", look.glyphs.warn),
        };
        pen.write(&problems, style(Role::Warn));
        let fitted = text::fit(book.title.shown(), pen.left(), dots).into_owned();
        pen.write(&fitted, style(Role::Text));
        if is_here {
            let row = ratatui::layout::Rect {
                x: area.x + 1,
                y: area.y + y,
                width: area.width - 1,
                height: 1,
            };
            buf.set_style(row.intersection(buf.area), style(Role::Selected));
        }
        y += 1;
    }
}

/// The version with a sign: clean in git, or not.
pub fn version(book: &Runbook, look: &Look) -> (String, Role) {
    match &book.version {
        Version::Git { dirty: false, .. } => (
            format!("{} {}", book.version.short(), look.glyphs.check),
            Role::Text,
        ),
        Version::Git { dirty: true, .. } => (
            format!("{} {}", book.version.short(), look.glyphs.warn),
            Role::Warn,
        ),
        Version::Unversioned { .. } => (book.version.short(), Role::Dim),
    }
}
