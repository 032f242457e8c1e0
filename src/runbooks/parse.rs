//! Which runbook is in the bytes of a file?
//!
//! Called by [`super::read`] for every file of the folder, of the commit, or built in. Whatever is
//! wrong with the front matter, the text can be read. Never looks at a disk.

use std::sync::Arc;

use super::front_matter::{self, Parts, Read, State};
use super::prose;
use crate::domain::prose::{Block, Document, Span};
use crate::domain::runbook::{Runbook, Version};
use crate::domain::text::Untrusted;

/// What a file turned out to be.
#[derive(Debug)]
pub enum Parsed {
    /// A runbook.
    Runbook(Box<Runbook>),
    /// A `README.md` about the folder.
    AboutTheFolder,
    /// No text: why, as a line that names the file.
    Refused(String),
}

/// Reads one file.
#[must_use]
pub fn file(path: &str, bytes: &[u8], version: Version) -> Parsed {
    let shown_path = Untrusted::line(path);
    let text = match text_of(bytes) {
        Ok(text) => text,
        Err(why) => return Parsed::Refused(format!("{shown_path}: {why}")),
    };
    let parts = front_matter::split(text);
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.strip_suffix(".md").unwrap_or(name);
    let (read, body) = match parts {
        Parts::Bare(_) if name == "README.md" => return Parsed::AboutTheFolder,
        Parts::Bare(body) => (Read::default(), body),
        Parts::Unclosed(body) => {
            let problem = format!("{shown_path}:1:1: nothing closes the front matter: add `---`");
            let read = Read {
                problems: vec![problem],
                ..Read::default()
            };
            (read, body)
        }
        Parts::Split { yaml, body } => (front_matter::read(&shown_path, yaml), body),
    };
    let mut document = prose::read(body);
    if let (State::Unusable, Parts::Split { yaml, .. }) = (read.state, parts) {
        // Perhaps it was a text between two rules: nobody may miss what it said.
        document.blocks.insert(
            0,
            Block::Code {
                info: Untrusted::line("yaml"),
                lines: prose::code_lines(yaml),
            },
        );
    }
    let id = read.id.unwrap_or_else(|| Untrusted::line(stem));
    let title = read.title.or_else(|| first_heading(&document));
    Parsed::Runbook(Box::new(Runbook {
        title: title.unwrap_or_else(|| id.clone()),
        id,
        path: shown_path,
        version,
        front: read.front,
        document: Arc::new(document),
        source: text.into(),
        problems: read.problems,
    }))
}

fn text_of(bytes: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("not UTF-8 at byte {}: not read", error.valid_up_to()))?;
    match text.find('\0') {
        Some(at) => Err(format!("not text, a NUL at byte {at}: not read")),
        None => Ok(text),
    }
}

/// The first heading of the first level, else the first of any.
fn first_heading(document: &Document) -> Option<Untrusted> {
    let headings = document.blocks.iter().filter_map(|block| match block {
        Block::Heading { level, text, .. } => Some((*level, text)),
        _ => None,
    });
    let mut headings = headings.collect::<Vec<_>>();
    // Stable: of equals the first stays first.
    headings.sort_by_key(|(level, _)| *level > 1);
    headings.first().map(|(_, text)| words(text))
}

fn words(spans: &[Span]) -> Untrusted {
    let words: String = spans.iter().map(|span| span.text.raw()).collect();
    Untrusted::line(words.trim())
}
