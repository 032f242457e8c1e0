//! How do words of several looks break into lines?
//!
//! Used by the setting of blocks and tables. The words are joined first and broken as one text, so
//! that a change of look inside a word does not break it.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use super::{Glue, LinkAt};
use crate::domain::prose::{Span, SpanStyle};
use crate::domain::text::Untrusted;
use crate::theme::Role;
use crate::view::widgets::text;

/// Words with their looks.
#[derive(Clone, Default)]
pub(super) struct Flow {
    text: String,
    runs: Vec<Run>,
}

/// A look, up to a byte of the text.
#[derive(Clone, Copy)]
struct Run {
    end: usize,
    look: Look,
}

/// How a run is drawn, and the index of the link it belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub role: Role,
    pub link: Option<usize>,
}

/// A line of a flow.
pub(super) struct FlowLine {
    pub pieces: Vec<(String, Look)>,
    pub glue: Glue,
}

impl Look {
    pub(super) fn plain(role: Role) -> Self {
        Self { role, link: None }
    }
}

impl Flow {
    /// The flow of `spans`, whose plain words look like `base`. Links are added to `links`.
    pub(super) fn new(spans: &[Span], base: Role, links: &mut Vec<LinkAt>) -> Self {
        let mut flow = Self::default();
        let mut open: Option<(&Untrusted, usize)> = None;
        for span in spans {
            let shown = match span.text.raw() {
                "\n" => "\n",
                _ => span.text.shown(),
            };
            // Several spans are one link where a part of it is strong.
            open = span.link.as_ref().map(|target| match open {
                Some((same, index)) if same == target => (same, index),
                _ => {
                    links.push(LinkAt {
                        places: Vec::new(),
                        target: target.clone(),
                        label: String::new(),
                    });
                    (target, links.len() - 1)
                }
            });
            let link = open.map(|(_, index)| index);
            if let Some(link) = link {
                links[link].label.push_str(shown);
            }
            let role = match span.style {
                _ if link.is_some() => Role::Link,
                SpanStyle::Code => Role::Code,
                SpanStyle::Strong if base == Role::Text => Role::Strong,
                SpanStyle::Emphasis if base == Role::Text => Role::Emphasis,
                SpanStyle::Plain | SpanStyle::Strong | SpanStyle::Emphasis => base,
            };
            flow.push(shown, Look { role, link });
        }
        flow
    }

    pub(super) fn push(&mut self, text: &str, look: Look) {
        self.text.push_str(text);
        let end = self.text.len();
        self.runs.push(Run { end, look });
    }

    pub(super) fn append(&mut self, other: &Self) {
        let start = self.text.len();
        self.text.push_str(&other.text);
        self.runs.extend(other.runs.iter().map(|run| Run {
            end: start + run.end,
            ..*run
        }));
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Columns that it takes where nothing but the author breaks its lines.
    pub(super) fn natural_width(&self) -> usize {
        self.text.split('\n').map(text::width).max().unwrap_or(0)
    }

    /// Columns of its longest word.
    pub(super) fn longest_word(&self) -> usize {
        let words = self.text.split_whitespace();
        words.map(text::width).max().unwrap_or(0)
    }

    /// Its lines, broken between words.
    pub(super) fn lines(&self, columns: usize) -> Vec<FlowLine> {
        let ranges = text::wrap_ranges(&self.text, columns);
        let glued = ranges.iter().enumerate().map(|(index, range)| {
            let next = ranges.get(index + 1);
            let glue = next.map_or(Glue::Break, |next| {
                let between = &self.text[range.end..next.start];
                match between {
                    "" => Glue::Nothing,
                    broken if broken.contains('\n') => Glue::Break,
                    _ => Glue::Space,
                }
            });
            FlowLine {
                pieces: self.pieces(range.clone(), columns),
                glue,
            }
        });
        glued.collect()
    }

    /// The looks of a range. A character that two looks share has the first: drawn apart, its
    /// parts could be wider than the whole.
    fn pieces(&self, range: Range<usize>, columns: usize) -> Vec<(String, Look)> {
        let mut pieces: Vec<(String, Look)> = Vec::new();
        let mut at = range.start;
        let mut run = self.runs.partition_point(|run| run.end <= at);
        for grapheme in self.text[range].graphemes(true) {
            while self.runs.get(run).is_some_and(|run| run.end <= at) {
                run += 1;
            }
            at += grapheme.len();
            let Some(look) = self.runs.get(run).map(|run| run.look) else {
                break;
            };
            match pieces.last_mut() {
                Some((text, last)) if *last == look => text.push_str(grapheme),
                _ => pieces.push((grapheme.to_owned(), look)),
            }
        }
        for (text, _) in &mut pieces {
            if let std::borrow::Cow::Owned(changed) = text::printable(text, columns) {
                *text = changed;
            }
        }
        pieces
    }
}
