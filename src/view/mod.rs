//! What is on screen?
//!
//! [`render`] draws a [`Model`] into a buffer; it changes nothing and knows no terminal. Texts
//! that scroll are laid out first by [`prepare`], which tells how long they are. Called by the
//! loop in `runtime`, and by tests with a buffer of their own.

mod bars;
mod help;
mod palette;
mod screens;
mod top;
pub mod widgets;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::domain::runbook::Version;
use crate::domain::text::Untrusted;
use crate::model::Model;
use crate::model::layout::{Layout, SMALLEST};
use crate::model::session::{Measured, Screen};
use crate::theme::Glyphs;
use crate::theme::Role;
use crate::theme::Theme;
use widgets::pen::Pen;

/// How things look: colours and signs.
#[derive(Clone, Debug)]
pub struct Look {
    /// Colours by role.
    pub theme: Theme,
    /// Signs.
    pub glyphs: &'static Glyphs,
}

/// Layouts that are expensive enough to keep from one frame to the next.
#[derive(Debug, Default)]
pub struct Cache {
    reader: Option<(ReaderKey, widgets::prose::Layout)>,
}

#[derive(Debug, PartialEq, Eq)]
struct ReaderKey {
    id: Untrusted,
    version: Version,
    columns: u16,
}

/// Lays out what scrolls, and tells its length.
pub fn prepare(model: &Model, look: &Look, cache: &mut Cache) -> Measured {
    let session = &model.session;
    let columns = session.size.0;
    let mut measured = Measured::default();
    if session.help.is_some() {
        measured.help_lines = Some(help::lines(model, look).len());
    }
    if let (Screen::Triage, Some(detail)) = (session.screen, &session.triage.detail) {
        let lines =
            screens::alert::lines(&detail.alert, Some(&detail.history), model, look, columns);
        measured.detail_lines = Some(lines.len());
    }
    if session.screen == Screen::Burn && session.burn.opened.is_some() {
        measured.detail_lines = Some(screens::burn::lines(model, look, columns).len());
    }
    match session.screen {
        Screen::Changes => measured.detail_lines = screens::changes::measure(model, look),
        Screen::Drift => measured.detail_lines = screens::drifts::measure(model, look),
        Screen::Journal => measured.detail_lines = screens::journal::measure(model, look),
        _ => {}
    }
    if let (Screen::Runbooks, Some(reader)) = (session.screen, &session.runbooks.reader) {
        measured.reader = screens::reader::measure(reader, model, look, cache);
    }
    measured.dialog_lines = screens::dialog::measure(model, look);
    measured
}

/// Draws everything. Tells where the cursor of a typed line stands.
pub fn render(model: &Model, look: &Look, cache: &Cache, buf: &mut Buffer) -> Option<Position> {
    let area = buf.area;
    buf.set_style(area, look.theme.style(Role::Text));
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let text = format!("quell needs {}x{}", SMALLEST.0, SMALLEST.1);
        Pen::line(buf, area, 0).write(&text, look.theme.style(Role::Warn));
        return None;
    }
    top::draw(model, look, buf);
    let layout = Layout::of(model);
    if model.session.help.is_some() {
        help::draw(model, look, buf);
    } else {
        bars::title(model, look, buf);
        bars::blind(model, look, layout, buf);
        match model.session.screen {
            Screen::Triage if model.session.triage.detail.is_some() => {
                screens::alert::draw(model, look, layout, buf);
            }
            Screen::Triage => screens::triage::draw(model, look, layout, buf),
            Screen::Burn if model.session.burn.opened.is_some() => {
                screens::burn::draw(model, look, layout, buf);
            }
            Screen::Burn => screens::burns::draw(model, look, layout, buf),
            Screen::Changes => screens::changes::draw(model, look, layout, buf),
            Screen::Drift => screens::drifts::draw(model, look, layout, buf),
            Screen::Runbooks if model.session.runbooks.reader.is_some() => {
                screens::reader::draw(model, look, layout, cache, buf);
            }
            Screen::Runbooks => screens::runbooks::draw(model, look, layout, buf),
            Screen::Journal => screens::journal::draw(model, look, layout, buf),
            Screen::Sources => screens::sources::draw(model, look, layout, buf),
        }
    }
    let mut cursor = None;
    if model.session.help.is_none() {
        cursor = screens::dialog::draw(model, look, buf);
    }
    palette::draw(model, look, buf);
    bars::bottom(model, look, buf).or(cursor)
}

/// The rows that belong to a list or a text, below title and blind lines.
fn body(layout: Layout, area: Rect) -> Rect {
    let top = 2 + layout.blind_rows;
    Rect {
        x: area.x,
        y: area.y + top.min(area.height),
        width: area.width,
        height: (layout.header_rows + layout.list_rows).min(area.height.saturating_sub(top)),
    }
}

/// A line of text in roles, before it is drawn.
pub(crate) type StyledLine = Vec<(String, Role)>;
