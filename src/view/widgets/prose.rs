//! How does a runbook's text look in so many columns?
//!
//! The reader screen lays a [`Document`] out when it opens or is resized, keeps the [`Layout`],
//! and draws the lines in sight. Everything stays text: a fence of the `quell` kind is labelled as
//! a step, and nothing here could run it. Nothing is cut off either: what does not fit is wrapped.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::prose::Document;
use crate::domain::text::Untrusted;
use crate::theme::{Glyphs, Role, Theme};

mod blocks;
mod find;
mod flow;
mod table;

pub use find::{Match, find};

use super::text;

/// A text laid out at a width.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// From the top.
    pub lines: Vec<LaidLine>,
    /// In order.
    pub headings: Vec<HeadingAt>,
    /// In order.
    pub links: Vec<LinkAt>,
}

/// A line on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaidLine {
    /// From the left.
    pub spans: Vec<LaidSpan>,
    /// Which block of the document it belongs to, counted from 0. A gap belongs to the block above.
    pub block: usize,
    /// How the text goes on.
    pub glue: Glue,
}

/// A run of one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaidSpan {
    /// Its characters, ready to be drawn.
    pub text: String,
    /// Its look.
    pub role: Role,
    /// Whose words they are.
    pub kind: SpanKind,
}

/// Whose words a span shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// The author's: a search finds them.
    Written,
    /// Bars, bullets, padding, labels.
    Drawn,
}

/// What stood between the end of a line and the start of the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glue {
    /// A line break of the author, or the end of a block.
    Break,
    /// Spaces.
    Space,
    /// Nothing: a word or a line of code was broken.
    Nothing,
}

/// Where a heading stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadingAt {
    /// Index of its first line.
    pub line: usize,
    /// 1 to 6.
    pub level: u8,
    /// What `#anchor` calls it.
    pub slug: String,
    /// Its words.
    pub text: String,
}

/// Where a link stands and leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkAt {
    /// One for each line it is on.
    pub places: Vec<Place>,
    /// Where it leads, as written.
    pub target: Untrusted,
    /// Its words.
    pub label: String,
}

/// Part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index of the line.
    pub line: usize,
    /// Columns of the line, from 0.
    pub columns: Range<u16>,
}

/// What is marked while drawing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Marks<'a> {
    /// The link that Enter follows, by its index.
    pub link: Option<usize>,
    /// What the search found.
    pub matches: &'a [Match],
    /// The match that the search stands on, by its index.
    pub current: Option<usize>,
}

/// Lays `document` out; no line is wider than `width`. Without columns there are no lines.
#[must_use]
pub fn layout(document: &Document, width: u16, glyphs: &Glyphs) -> Layout {
    if width == 0 {
        return Layout::default();
    }
    blocks::set(document, usize::from(width), glyphs)
}

/// Draws the lines from `top` on that `area` has room for. Other cells stay as they are.
pub fn draw(
    layout: &Layout,
    top: usize,
    area: Rect,
    buf: &mut Buffer,
    theme: &Theme,
    marks: &Marks<'_>,
) {
    let area = area.intersection(buf.area);
    let visible = layout.lines.iter().skip(top);
    for (line, y) in visible.zip(area.top()..area.bottom()) {
        let mut x = area.left();
        for span in &line.spans {
            let room = usize::from(area.right() - x);
            let style = theme.style(span.role);
            (x, _) = buf.set_stringn(x, y, &span.text, room, style);
        }
    }
    let mut mark = |places: &[Place], role: Role| {
        for place in places {
            if let Some(cells) = cells(place, top, area) {
                buf.set_style(cells, theme.style(role));
            }
        }
    };
    for found in marks.matches {
        mark(&found.places, Role::Search);
    }
    let focused = marks.link.and_then(|index| layout.links.get(index));
    let current = marks.current.and_then(|index| marks.matches.get(index));
    if let Some(link) = focused {
        mark(&link.places, Role::Selected);
    }
    if let Some(found) = current {
        mark(&found.places, Role::Selected);
    }
}

/// Where a place is on the screen, if it is in sight.
fn cells(place: &Place, top: usize, area: Rect) -> Option<Rect> {
    let row = u16::try_from(place.line.checked_sub(top)?).ok()?;
    if row >= area.height {
        return None;
    }
    let left = area.left().saturating_add(place.columns.start);
    let width = place.columns.end - place.columns.start;
    Some(Rect::new(left, area.top() + row, width, 1).intersection(area))
}

impl Layout {
    /// The line of the heading that `#slug` means.
    #[must_use]
    pub fn line_of(&self, slug: &str) -> Option<usize> {
        let heading = self.headings.iter().find(|heading| heading.slug == slug)?;
        Some(heading.line)
    }

    /// The top line that shows in `other`, the same text at another width, what `top` shows here:
    /// a resize must not lose the reader's place.
    #[must_use]
    pub fn top_in(&self, top: usize, other: &Self) -> usize {
        let Some(line) = self.lines.get(top) else {
            return other.lines.len().saturating_sub(1);
        };
        let first = |layout: &Self| layout.lines.partition_point(|l| l.block < line.block);
        let end = other.lines.partition_point(|l| l.block <= line.block);
        let same = first(other) + (top - first(self));
        same.min(end.saturating_sub(1))
    }
}

impl LaidLine {
    /// Columns that the line takes.
    #[must_use]
    pub fn width(&self) -> usize {
        self.spans.iter().map(|span| text::width(&span.text)).sum()
    }

    /// What the line says, drawn signs included.
    #[must_use]
    pub fn plain(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

#[cfg(test)]
mod tests;
