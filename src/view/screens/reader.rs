//! Screen 5, a runbook: the text, its headings, links and what was searched for.

use ratatui::buffer::Buffer;

use super::runbooks::version;
use crate::model::Model;
use crate::model::layout::Layout;
use crate::model::session::{Reader, ReaderFacts};
use crate::theme::Role;
use crate::view::widgets::pen::Pen;
use crate::view::widgets::{prose, text};
use crate::view::{Cache, Look, ReaderKey, body};

/// Lays the text out, if that is not done yet, and tells what is where.
pub fn measure(
    reader: &Reader,
    model: &Model,
    look: &Look,
    cache: &mut Cache,
) -> Option<ReaderFacts> {
    let library = model.knowledge.library();
    let book = library.runbooks.iter().find(|b| b.id == reader.id)?;
    let key = ReaderKey {
        id: book.id.clone(),
        version: book.version.clone(),
        columns: model.session.size.0.saturating_sub(2),
    };
    // A resize must not lose the reader's place.
    let mut top = None;
    if cache.reader.as_ref().is_none_or(|(known, _)| *known != key) {
        let layout = prose::layout(&book.document, key.columns, look.glyphs);
        if let Some((known, before)) = &cache.reader
            && (&known.id, &known.version) == (&key.id, &key.version)
        {
            top = Some(before.top_in(reader.scroll.top, &layout));
        }
        cache.reader = Some((key, layout));
    }
    let (_, layout) = cache.reader.as_ref()?;
    let matches = prose::find(layout, &reader.needle);
    let line = |places: &[prose::Place]| places.first().map(|p| p.line);
    Some(ReaderFacts {
        lines: layout.lines.len(),
        headings: layout
            .headings
            .iter()
            .map(|h| (h.line, h.slug.clone()))
            .collect(),
        matches: matches.iter().filter_map(|m| line(&m.places)).collect(),
        links: layout
            .links
            .iter()
            .filter_map(|l| Some((line(&l.places)?, l.target.clone())))
            .collect(),
        top,
    })
}

/// The title: which runbook, which version, for which alert.
pub fn title(model: &Model, look: &Look, buf: &mut Buffer) {
    let style = |role| look.theme.style(role);
    let library = model.knowledge.library();
    let area = buf.area;
    let mut pen = Pen::line(buf, area, 1);
    let Some(reader) = &model.session.runbooks.reader else {
        let origin = &library.origin;
        let place = origin.place.as_ref().map_or("not read yet", |p| p.shown());
        pen.write(" Runbooks ", style(Role::Title));
        let commit = origin
            .commit
            .as_deref()
            .and_then(|c| c.get(..7))
            .unwrap_or("");
        let branch = origin.branch.as_ref().map_or("", |b| b.shown());
        let fitted = text::fit_middle(place, pen.left().saturating_sub(30), look.glyphs.ellipsis)
            .into_owned();
        pen.write(&format!(" {fitted}  {branch} {commit}"), style(Role::Dim));
        return;
    };
    let Some(book) = library.runbooks.iter().find(|b| b.id == reader.id) else {
        pen.write(
            &format!(" {} is not here any more", reader.id),
            style(Role::Failed),
        );
        return;
    };
    let (version, role) = version(book, look);
    pen.write(&format!(" {}", book.id), style(Role::Title));
    pen.write(&format!(" @ {version} "), style(role));
    if let Some(matched) = &reader.trail.matched {
        let fitted =
            text::fit(matched, pen.left().saturating_sub(8), look.glyphs.ellipsis).into_owned();
        pen.write(&format!(" {fitted}"), style(Role::Dim));
    }
    let last = reader.scroll.top + Layout::of(model).height();
    let share = (last.min(reader.facts.lines) * 100)
        .checked_div(reader.facts.lines)
        .unwrap_or(100);
    let found = reader.facts.matches.len();
    let searched = match (reader.needle.is_empty(), found) {
        (true, _) => String::new(),
        (false, 0) => "not found  ".to_owned(),
        (false, _) => format!("n: {} of {found}  ", reader.match_at + 1),
    };
    pen.at_right(&format!(" {searched}{share}% "), style(Role::Dim));
}

/// Draws the part of the text that is on screen.
pub fn draw(model: &Model, look: &Look, layout: Layout, cache: &Cache, buf: &mut Buffer) {
    let (Some(reader), Some((_, laid))) = (&model.session.runbooks.reader, &cache.reader) else {
        return;
    };
    let mut area = body(layout, buf.area);
    if let (Some(caution), 1..) = (&reader.caution, layout.header_rows) {
        let fitted = text::fit(
            caution,
            usize::from(area.width).saturating_sub(4),
            look.glyphs.ellipsis,
        );
        let line = format!(" {} {fitted}", look.glyphs.warn);
        Pen::line(buf, area, 0).write(&line, look.theme.style(Role::Warn));
        area.y += 1;
        area.height -= 1;
    }
    area.x += 1;
    area.width = area.width.saturating_sub(2);
    let matches = prose::find(laid, &reader.needle);
    let marks = prose::Marks {
        link: reader.link_at,
        matches: &matches,
        current: (!matches.is_empty()).then_some(reader.match_at),
    };
    prose::draw(laid, reader.scroll.top, area, buf, &look.theme, &marks);
}
