//! What is being typed on the bottom line?

use tui_textarea::{CursorMove, TextArea};

use crate::domain::matcher::SyntaxError;

/// What the line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptKind {
    /// A filter, applied as it is typed.
    Filter,
    /// Words to find in the text.
    Search,
    /// A command.
    Palette,
    /// A word, so that dispatching is allowed again.
    Resume,
    /// Why the glass is broken.
    BreakGlass,
}

/// A line being typed.
#[derive(Debug)]
pub struct Prompt {
    /// What it is for.
    pub kind: PromptKind,
    /// The text and its cursor.
    pub input: TextArea<'static>,
    /// What it was before, for Esc.
    pub before: String,
    /// What does not parse.
    pub error: Option<SyntaxError>,
    /// Which of the choices is selected.
    pub choice: usize,
}

impl Prompt {
    /// A line with a text to start from.
    #[must_use]
    pub fn new(kind: PromptKind, text: &str) -> Self {
        let mut input = TextArea::new(vec![text.to_owned()]);
        input.move_cursor(CursorMove::End);
        Self {
            kind,
            input,
            before: text.to_owned(),
            error: None,
            choice: 0,
        }
    }

    /// What is typed.
    #[must_use]
    pub fn text(&self) -> &str {
        self.input.lines().first().map_or("", String::as_str)
    }

    /// The cursor, in characters from the left.
    #[must_use]
    pub fn cursor(&self) -> usize {
        self.input.cursor().1
    }
}
