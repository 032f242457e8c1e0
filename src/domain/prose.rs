//! What does a Markdown text say, without any of its markup?
//!
//! Made by `runbooks` from the bytes of a file, laid out by the reader on screen 5. Every string
//! is safe to show. Nothing here runs, and no fence is more than text.

use super::text::Untrusted;

/// A whole text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Its blocks, in order.
    pub blocks: Vec<Block>,
}

/// A block of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A heading.
    Heading {
        /// 1 to 6.
        level: u8,
        /// Its words.
        text: Vec<Span>,
        /// What `#anchor` calls it: GitHub's slug, made unique within the text.
        slug: String,
    },
    /// Running text.
    Paragraph(Vec<Span>),
    /// A fence or an indented block.
    Code {
        /// The info string, such as `sh` or `yaml quell`.
        info: Untrusted,
        /// Its lines.
        lines: Vec<Untrusted>,
    },
    /// A list.
    List {
        /// The first number of an ordered list.
        first: Option<u64>,
        /// Its items.
        items: Vec<Item>,
    },
    /// A quote.
    Quote(Vec<Block>),
    /// A table.
    Table {
        /// The header cells.
        header: Vec<Vec<Span>>,
        /// The rows, each as wide as the header.
        rows: Vec<Vec<Vec<Span>>>,
    },
    /// A line across.
    Rule,
}

/// An item of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its box, if it is a task.
    pub task: Option<Task>,
    /// What it says.
    pub blocks: Vec<Block>,
}

/// A task's box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// `[ ]`
    Open,
    /// `[x]`
    Done,
}

/// A run of text in one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The words. A hard line break is a span that is just `\n`.
    pub text: Untrusted,
    /// How they are set.
    pub style: SpanStyle,
    /// Where they lead, if they are a link or an image.
    pub link: Option<Untrusted>,
}

/// How a run of text is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpanStyle {
    /// As is.
    #[default]
    Plain,
    /// `**strong**`
    Strong,
    /// `*emphasis*`
    Emphasis,
    /// `` `code` ``
    Code,
}

/// GitHub's slug of a heading: lower case, spaces to hyphens, punctuation but `-` and `_` dropped.
#[must_use]
pub fn slug(heading: &str) -> String {
    heading
        .trim()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            c if c.is_alphanumeric() => Some(c),
            _ => None,
        })
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_githubs() {
        for (heading, expected) in [
            (
                "3. Pause Argo CD for this application",
                "3-pause-argo-cd-for-this-application",
            ),
            ("What *not* to do?", "what-not-to-do"),
            ("Über `kubectl get`", "über-kubectl-get"),
        ] {
            assert_eq!(slug(heading), expected);
        }
    }
}
