//! What does the config file say at a byte, and how is that shown without harm?
//!
//! Holds the text for as long as problems are collected. Lines leave it only through
//! [`Document::excerpt`], which hides secrets and makes foreign characters visible.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::mask::{self, MASK};
use crate::domain::text::{Untrusted, shown};

/// A config is written by hand: more than this is some other file.
const MAX_BYTES: u64 = 1024 * 1024;

/// Of a longer line only the surroundings of the problem are shown. Bytes.
const MAX_LINE: usize = 1_000;

/// Why a file could not be read at all.
#[derive(Debug)]
pub(super) enum OpenError {
    /// There is none.
    Missing,
    /// More than [`MAX_BYTES`].
    TooLarge,
    /// Anything else.
    Io(io::Error),
    /// Not text. Shown with its place.
    NotUtf8(Box<Document>, Range<usize>),
}

/// A config file.
#[derive(Debug)]
pub(super) struct Document {
    path: PathBuf,
    text: String,
    /// Bytes that no message may show, in order, without overlap.
    hidden: Vec<Range<usize>>,
}

/// One line of the file.
#[derive(Debug)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: usize,
    /// Its bytes, without the line break.
    pub(super) bytes: Range<usize>,
}

/// A line that may be printed, and where in it the problem is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// One line.
    pub(super) text: String,
    /// Bytes of `text`.
    pub(super) at: Range<usize>,
    /// From 1.
    pub(super) line: usize,
    /// Of the file, in characters, from 1.
    pub(super) column: usize,
}

impl Document {
    /// Reads a file.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let io = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => OpenError::Missing,
            _ => OpenError::Io(error),
        };
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(io)?;
        file.take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(io)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(OpenError::TooLarge);
        }
        String::from_utf8(bytes)
            .map(|text| Self::new(path, text))
            .map_err(|error| {
                let at = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let mut document = Self::new(path, text);
                document.hide_broken_line(at);
                let at = at..at + char::REPLACEMENT_CHARACTER.len_utf8();
                OpenError::NotUtf8(Box::new(document), at)
            })
    }

    pub(super) fn new(path: &Path, text: String) -> Self {
        Self {
            path: path.to_owned(),
            text,
            hidden: Vec::new(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder that relative paths start from.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        let path = std::path::absolute(&self.path).ok()?;
        path.parent().map(Path::to_owned)
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The path, safe to show.
    pub(super) fn name(&self) -> String {
        shown(&self.path.to_string_lossy())
    }

    /// Keeps these bytes out of every message.
    pub(super) fn hide(&mut self, ranges: impl IntoIterator<Item = Range<usize>>) {
        self.hidden.extend(ranges);
        self.hidden.sort_by_key(|range| range.start);
        let mut merged: Vec<Range<usize>> = Vec::new();
        for range in self.hidden.drain(..) {
            match merged.last_mut() {
                Some(last) if range.start < last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        self.hidden = merged;
    }

    /// Keeps whatever looks like a secret on the line of this byte out of every message.
    pub(super) fn hide_broken_line(&mut self, at: usize) {
        let line = self.line(at).bytes;
        let text = &self.text[line.clone()];
        let mut ranges = mask::in_broken_line(text);
        // The rest of a string of several lines, or what a lost line break left without its key.
        let bare = !text.contains('=') && !text.trim_start().starts_with('[');
        if ranges.is_empty() && bare && self.may_go_on_with_a_secret(line.start) {
            ranges.push(0..text.len());
        }
        self.hide(
            ranges
                .into_iter()
                .map(|r| r.start + line.start..r.end + line.start),
        );
    }

    /// Whether a line above, of the same table, names a secret.
    fn may_go_on_with_a_secret(&self, start: usize) -> bool {
        self.text[..start]
            .lines()
            .rev()
            .take_while(|line| !line.trim_start().starts_with('['))
            .any(mask::names_a_secret)
    }

    /// The line of a byte. The end of the file counts as the end of its last line with text.
    pub(super) fn line(&self, at: usize) -> Line {
        let at = at.min(self.text.trim_end().len().max(1));
        let at = self.text.floor_char_boundary(at);
        let start = self.text[..at].rfind('\n').map_or(0, |i| i + 1);
        let end = self.text[start..]
            .find('\n')
            .map_or(self.text.len(), |i| start + i);
        let text = self.text[start..end].trim_end_matches('\r');
        Line {
            number: self.text[..start].matches('\n').count() + 1,
            bytes: start..start + text.len(),
        }
    }

    /// Bytes of the file for bytes of a string's value. The whole string where it holds escapes.
    pub(super) fn within(
        &self,
        span: &Range<usize>,
        value: &str,
        at: Range<usize>,
    ) -> Range<usize> {
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let Some(offset) = raw.find(value) else {
            return span.clone();
        };
        let start = span.start + offset;
        let end = (start + at.end).min(span.end);
        // The text ends too early: point at the closing quote.
        let first = (start + at.start).min(end);
        first..end.max(first + 1).min(span.end)
    }

    /// The line of a problem as it may be printed.
    pub(super) fn excerpt(&self, at: &Range<usize>) -> Excerpt {
        let line = self.line(at.start);
        let (start, end) = (line.bytes.start, line.bytes.end);
        let from = self.text.floor_char_boundary(at.start.clamp(start, end));
        let to = self.text.ceil_char_boundary(at.end.clamp(from, end));
        let column = self.text[start..from].chars().count() + 1;

        let window = if end - start > MAX_LINE {
            let first = from.saturating_sub(MAX_LINE / 2).max(start);
            self.text.floor_char_boundary(first)
                ..self.text.ceil_char_boundary((first + MAX_LINE).min(end))
        } else {
            start..end
        };
        let mut text = String::new();
        let mut marks = [None, None];
        let mut done = window.start;
        let hidden = self
            .hidden
            .iter()
            .filter(|h| h.end > window.start && h.start < window.end);
        for range in hidden {
            let hide = range.start.max(window.start)..range.end.min(window.end);
            self.append(&mut text, done..hide.start, [from, to], &mut marks);
            let place = text.len();
            text.push_str(MASK);
            // Anywhere within a secret is its beginning, or its end.
            if marks[0].is_none() && from < hide.end {
                marks[0] = Some(place);
            }
            if marks[1].is_none() && to <= hide.end {
                marks[1] = Some(text.len());
            }
            done = hide.end;
        }
        self.append(&mut text, done..window.end, [from, to], &mut marks);
        let first = marks[0].unwrap_or(text.len());
        let last = marks[1].unwrap_or(text.len()).max(first);
        Excerpt {
            text,
            at: first..last,
            line: line.number,
            column,
        }
    }

    /// Appends a part of the file in its safe form and notes where the wanted bytes came to be.
    fn append(
        &self,
        out: &mut String,
        part: Range<usize>,
        wanted: [usize; 2],
        marks: &mut [Option<usize>; 2],
    ) {
        let base = out.len();
        for (byte, mark) in wanted.into_iter().zip(marks.iter_mut()) {
            if mark.is_none() && (part.start..=part.end).contains(&byte) {
                *mark = Some(base + visible(&self.text[part.start..byte]).len());
            }
        }
        out.push_str(&visible(&self.text[part]));
    }

    /// A word about the file's own permissions: it may name programs that quell runs.
    pub(super) fn caution(&self) -> Option<String> {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&self.path).ok()?.permissions().mode();
        let regular = std::fs::metadata(&self.path).ok()?.is_file();
        (regular && mode & 0o002 != 0).then(|| {
            format!(
                "everybody on this machine may write {0}: run `chmod o-w {0}`",
                self.name()
            )
        })
    }
}

/// The safe form of a part of a line. Tabs stay, as they indent.
fn visible(part: &str) -> String {
    Untrusted::block(part).shown().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document::new(Path::new("quell.toml"), text.to_owned())
    }

    #[test]
    fn lines_are_found_by_byte() {
        let document = document("a = 1\r\nb = 2\n\nc = 3\n");
        for (at, number, text) in [
            (0, 1, "a = 1"),
            (5, 1, "a = 1"),
            (7, 2, "b = 2"),
            (13, 3, ""),
            (14, 4, "c = 3"),
            (999, 4, "c = 3"),
        ] {
            let line = document.line(at);
            assert_eq!(line.number, number, "{at}");
            assert_eq!(&document.text[line.bytes], text, "{at}");
        }
        assert_eq!(
            Document::new(Path::new("x"), String::new()).line(0).number,
            1
        );
    }

    #[test]
    fn the_inside_of_a_string_is_found_where_it_has_no_escapes() {
        let text = r#"match = 'a=~"("'"#;
        let plain = document(text);
        assert_eq!(&text[plain.within(&(8..16), r#"a=~"(""#, 3..6)], r#""(""#);
        let text = r#"match = "a=~\"(\"""#;
        let escaped = document(text);
        assert_eq!(escaped.within(&(8..18), r#"a=~"(""#, 3..6), 8..18);
    }

    #[test]
    fn an_excerpt_hides_secrets_and_keeps_the_caret_right() {
        let text = "x = \"\u{202e}\", password = \"hunter2\", y = 1";
        let mut document = document(text);
        let secret = text.find("\"hunter2\"").unwrap_or(0);
        document.hide(std::iter::once(secret..secret + 9));
        let y = text.find("y =").unwrap_or(0);
        let found = document.excerpt(&(y..y + 1));
        assert_eq!(found.text, "x = \"\\u{202e}\", password = ***, y = 1");
        assert_eq!(&found.text[found.at], "y");
        assert_eq!(found.column, 32);
        let found = document.excerpt(&(secret..secret + 9));
        assert_eq!(&found.text[found.at], "***");
        let found = document.excerpt(&(secret + 3..secret + 5));
        assert_eq!(&found.text[found.at], "***");
    }

    #[test]
    fn a_long_line_is_cut_around_the_problem() {
        let text = format!("{}HERE{}", "é".repeat(40_000), "b".repeat(40_000));
        let document = document(&text);
        let found = document.excerpt(&(80_000..80_004));
        assert_eq!(&found.text[found.at], "HERE");
        assert!(found.text.len() <= MAX_LINE + 8);
        assert_eq!(found.column, 40_001);
    }
}
