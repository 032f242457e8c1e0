//! Where in a laid out text does a word stand?
//!
//! Called by the reader while somebody types a search. It looks at what the author wrote, so that
//! bars and bullets are not found and a phrase is found where it runs on into the next line.

use unicode_segmentation::UnicodeSegmentation as _;

use super::{Glue, LaidLine, Layout, Place, SpanKind};
use crate::view::widgets::text;

/// One occurrence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// One for each line it is on.
    pub places: Vec<Place>,
}

/// Every occurrence of `needle`, from the top; none overlap. Case counts only where the needle
/// has a capital letter. An empty needle is nowhere.
#[must_use]
pub fn find(layout: &Layout, needle: &str) -> Vec<Match> {
    let case = if needle.chars().any(char::is_uppercase) {
        Case::Counts
    } else {
        Case::Ignored
    };
    let needle: Vec<char> = needle.chars().flat_map(|c| case.fold(c)).collect();
    if needle.is_empty() {
        return Vec::new();
    }
    let hay = hay(layout, case);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(window) = hay.get(at..at + needle.len()) {
        if window
            .iter()
            .zip(&needle)
            .all(|(h, n)| h.folded == Some(*n))
        {
            found.push(Match {
                places: places(window),
            });
            at += needle.len();
        } else {
            at += 1;
        }
    }
    found
}

#[derive(Clone, Copy)]
enum Case {
    Counts,
    Ignored,
}

impl Case {
    fn fold(self, c: char) -> impl Iterator<Item = char> {
        let (kept, lowered) = match self {
            Self::Counts => (Some(c), None),
            Self::Ignored => (None, Some(c.to_lowercase())),
        };
        kept.into_iter().chain(lowered.into_iter().flatten())
    }
}

/// A character and where it is drawn.
struct Hay {
    /// `None` where nothing may be found across.
    folded: Option<char>,
    line: usize,
    start: usize,
    end: usize,
}

fn hay(layout: &Layout, case: Case) -> Vec<Hay> {
    let mut hay = Vec::new();
    for (index, line) in layout.lines.iter().enumerate() {
        let end = hay_of_line(index, line, case, &mut hay);
        let folded = match line.glue {
            Glue::Nothing => continue,
            Glue::Space => Some(' '),
            Glue::Break => None,
        };
        hay.push(Hay {
            folded,
            line: index,
            start: end,
            end,
        });
    }
    hay
}

/// Adds a line and says where it ends.
fn hay_of_line(index: usize, line: &LaidLine, case: Case, hay: &mut Vec<Hay>) -> usize {
    let mut column = 0;
    let mut has_text = false;
    for span in &line.spans {
        if span.kind == SpanKind::Drawn {
            let start = column;
            column += text::width(&span.text);
            // Left of the text are margins; inside it is the border of a cell.
            if has_text {
                hay.push(Hay {
                    folded: None,
                    line: index,
                    start,
                    end: column,
                });
            }
            continue;
        }
        has_text = true;
        for grapheme in span.text.graphemes(true) {
            let start = column;
            column += text::grapheme_width(grapheme);
            hay.extend(grapheme.chars().flat_map(|c| case.fold(c)).map(|c| Hay {
                folded: Some(c),
                line: index,
                start,
                end: column,
            }));
        }
    }
    column
}

/// The cells of a match, line by line.
fn places(window: &[Hay]) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for hay in window {
        let (Ok(start), Ok(end)) = (u16::try_from(hay.start), u16::try_from(hay.end)) else {
            continue;
        };
        match places.last_mut() {
            Some(last) if last.line == hay.line => last.columns.end = end.max(last.columns.end),
            _ => places.push(Place {
                line: hay.line,
                columns: start..end,
            }),
        }
    }
    places
}
