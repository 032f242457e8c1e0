//! How does a text fit into so many columns?
//!
//! The one place that cuts, pads and wraps text for the screen, by display width and never inside
//! a character. Every screen calls it; ratatui's own wrapping is never handed foreign text, since
//! it panics on some of it (ratatui issue 2679). Widths are those with which ratatui fills cells,
//! so what fits here fits there. Making a text harmless is not done here, but in `domain::text`.

use std::borrow::Cow;
use std::ops::Range;

use ratatui::buffer::CellWidth as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// Stands for a character that is wider than all the room there is.
const TOO_WIDE: &str = "?";

/// Columns that a text takes on one line; line breaks and tabs count as one space.
#[must_use]
pub fn width(text: &str) -> usize {
    if is_plain(text) {
        return text.len();
    }
    text.graphemes(true).map(grapheme_width).sum()
}

/// `text` on one line of at most `columns`; `ellipsis` stands for what was cut off the end.
#[must_use]
pub fn fit<'a>(text: &'a str, columns: usize, ellipsis: &str) -> Cow<'a, str> {
    if is_plain(text) && text.len() <= columns {
        return Cow::Borrowed(text);
    }
    let whole = single_line(text);
    if width(&whole) <= columns {
        return whole;
    }
    let (room, ellipsis) = match columns.checked_sub(width(ellipsis)) {
        Some(room) => (room, ellipsis),
        None => (columns, ""),
    };
    Cow::Owned([&whole[..prefix(&whole, room).end], ellipsis].concat())
}

/// As [`fit`], but cut in the middle: of paths and ids both ends tell more.
#[must_use]
pub fn fit_middle<'a>(text: &'a str, columns: usize, ellipsis: &str) -> Cow<'a, str> {
    if is_plain(text) && text.len() <= columns {
        return Cow::Borrowed(text);
    }
    let whole = single_line(text);
    if width(&whole) <= columns {
        return whole;
    }
    let Some(room) = columns.checked_sub(width(ellipsis)) else {
        return Cow::Owned(whole[..prefix(&whole, columns).end].to_owned());
    };
    let head = prefix(&whole, room / 2);
    let tail = suffix(&whole, room - room / 2);
    Cow::Owned([&whole[..head.end], ellipsis, &whole[tail.start..]].concat())
}

/// As [`fit`], and filled with spaces on the right to exactly `columns`.
#[must_use]
pub fn pad_right(text: &str, columns: usize, ellipsis: &str) -> String {
    let fitted = fit(text, columns, ellipsis);
    let gap = columns.saturating_sub(width(&fitted));
    format!("{fitted}{:gap$}", "")
}

/// As [`fit`], and filled with spaces on the left to exactly `columns`, as numbers are.
#[must_use]
pub fn pad_left(text: &str, columns: usize, ellipsis: &str) -> String {
    let fitted = fit(text, columns, ellipsis);
    let gap = columns.saturating_sub(width(&fitted));
    format!("{:gap$}{fitted}", "")
}

/// `text` in lines of at most `columns`, broken between words where that is possible.
///
/// Line feeds stay line breaks, and a text without any is one line at least. Spaces at a break go;
/// those that lead a line of the text stay. A word longer than a line is broken inside, a
/// character wider than a line becomes `?`. Without columns there are no lines.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<Cow<'_, str>> {
    wrap_ranges(text, columns)
        .into_iter()
        .map(|range| printable(&text[range], columns))
        .collect()
}

/// The byte ranges of the lines of [`wrap`], for text that has styles of its own.
///
/// Ranges are on borders between characters, in order, and never overlap; what lies between two
/// of them is white space. Each still has to pass [`printable`].
#[must_use]
pub fn wrap_ranges(text: &str, columns: usize) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    if columns == 0 {
        return lines;
    }
    for paragraph in paragraphs(text) {
        wrap_paragraph(text, paragraph, columns, &mut lines);
    }
    lines
}

/// The byte ranges of `text` cut to at most `columns`, white space kept: for code, where each
/// space counts. Lines end behind a space where that leaves them more than half full, so that
/// most names stay whole. Each range still has to pass [`printable`].
#[must_use]
pub fn chop_ranges(text: &str, columns: usize) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    if columns == 0 {
        return lines;
    }
    for paragraph in paragraphs(text) {
        let mut line = Line::at(paragraph.start);
        for (at, grapheme) in graphemes(text, &paragraph) {
            let next = at + grapheme.len();
            let wide = grapheme_width(grapheme).min(columns);
            if line.width + wide > columns {
                let gap = line.gap.filter(|gap| gap.width_at_next * 2 > columns);
                let (end, carried) =
                    gap.map_or((at, 0), |gap| (gap.next, line.width - gap.width_at_next));
                lines.push(line.start..end);
                line = Line::at(end);
                line.width = carried;
            }
            line.width += wide;
            if grapheme == " " {
                line.gap = Some(Gap {
                    end: at,
                    next,
                    width_at_next: line.width,
                });
            }
        }
        lines.push(line.start..paragraph.end);
    }
    lines
}

/// `text` as ratatui will print it: tabs become spaces, other control characters go, and what is
/// wider than `columns` becomes `?`.
#[must_use]
pub fn printable(text: &str, columns: usize) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let fine = |g: &str| !g.contains(char::is_control) && grapheme_width(g) <= columns;
    if text.graphemes(true).all(fine) {
        return Cow::Borrowed(text);
    }
    let graphemes = text.graphemes(true).map(|grapheme| match grapheme {
        "\t" => " ",
        control if control.contains(char::is_control) => "",
        wide if grapheme_width(wide) > columns => TOO_WIDE,
        fine => fine,
    });
    Cow::Owned(graphemes.collect())
}

/// Printable ASCII: one byte is one column.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// Columns of one character as a person sees it. A control character takes none, but those that
/// this module turns into a space.
pub(super) fn grapheme_width(grapheme: &str) -> usize {
    match grapheme {
        "\n" | "\r\n" | "\t" => 1,
        control if control.contains(char::is_control) => 0,
        text => usize::from(text.cell_width()),
    }
}

fn single_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let graphemes = text.graphemes(true).map(|grapheme| match grapheme {
        "\n" | "\r\n" | "\t" => " ",
        control if control.contains(char::is_control) => "",
        fine => fine,
    });
    Cow::Owned(graphemes.collect())
}

/// The longest beginning of at most `columns`.
fn prefix(text: &str, columns: usize) -> Range<usize> {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += grapheme_width(grapheme);
        if used > columns {
            return 0..at;
        }
    }
    0..text.len()
}

/// The longest end of at most `columns`.
fn suffix(text: &str, columns: usize) -> Range<usize> {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += grapheme_width(grapheme);
        if used > columns {
            return at + grapheme.len()..text.len();
        }
    }
    0..text.len()
}

/// The ranges between line feeds.
fn paragraphs(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    text.split('\n').scan(0, |start, paragraph| {
        let range = *start..*start + paragraph.len();
        *start = range.end + 1;
        Some(range)
    })
}

fn graphemes<'a>(
    text: &'a str,
    range: &Range<usize>,
) -> impl Iterator<Item = (usize, &'a str)> + use<'a> {
    let start = range.start;
    text[range.clone()]
        .grapheme_indices(true)
        .map(move |(at, grapheme)| (start + at, grapheme))
}

/// A line while it grows.
struct Line {
    start: usize,
    width: usize,
    /// The last place where it may end.
    gap: Option<Gap>,
}

/// A place between two words: the line ends at `end`, the next one starts at `next`.
#[derive(Clone, Copy)]
struct Gap {
    end: usize,
    next: usize,
    width_at_next: usize,
}

impl Line {
    fn at(start: usize) -> Self {
        Self {
            start,
            width: 0,
            gap: None,
        }
    }
}

fn wrap_paragraph(
    text: &str,
    paragraph: Range<usize>,
    columns: usize,
    lines: &mut Vec<Range<usize>>,
) {
    let mut line = Line::at(paragraph.start);
    // Where the words seen so far end: spaces at the end of a line take no room.
    let mut words_end = paragraph.start;
    for (at, grapheme) in graphemes(text, &paragraph) {
        let next = at + grapheme.len();
        let wide = grapheme_width(grapheme).min(columns);
        if matches!(grapheme, " " | "\t") {
            line.width += wide;
            if words_end > line.start {
                line.gap = Some(Gap {
                    end: words_end,
                    next,
                    width_at_next: line.width,
                });
            } else if line.width > columns {
                // Only spaces so far, and more than a line of them.
                lines.push(line.start..at);
                line = Line::at(at);
                line.width = wide;
            }
            continue;
        }
        // Twice where a space after a mark without width was all that the first break saved.
        while line.width + wide > columns {
            let (end, start, carried) = match &line.gap {
                Some(gap) => (gap.end, gap.next, line.width - gap.width_at_next),
                None => (at, at, 0),
            };
            lines.push(line.start..end);
            line = Line::at(start);
            line.width = carried;
        }
        line.width += wide;
        words_end = next;
        // Scripts of wide characters break between any two of them.
        if wide > 1 {
            line.gap = Some(Gap {
                end: next,
                next,
                width_at_next: line.width,
            });
        }
    }
    lines.push(line.start..words_end.max(line.start));
}

#[cfg(test)]
mod tests;
