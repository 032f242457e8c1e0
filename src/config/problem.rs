//! How is a config problem told?
//!
//! As text with the line and a caret for people, and as fields for `--json`. Made by `finding`,
//! shown by `cli`. Nothing in it is foreign text in its raw form, and nothing is a secret.

use std::fmt;
use std::io;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use super::document::{Document, OpenError};
use super::finding::{Finding, Spot};
use super::mask;
use crate::domain::text::shown;

/// Wide enough for a line of config, narrow enough for a small terminal. Columns.
const WIDTH: usize = 80;

/// One thing that is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The config file, if it is about that.
    pub file: Option<String>,
    /// From 1.
    pub line: Option<usize>,
    /// In characters, from 1.
    pub column: Option<usize>,
    /// The flag or the environment variable, if it is about one: `--env`, `QUELL_ENV`.
    pub given_by: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// All of it for people, several lines, without ANSI.
    #[serde(skip)]
    text: String,
}

impl Problem {
    pub(super) fn render(finding: &Finding, document: Option<&Document>) -> Self {
        match (&finding.spot, document) {
            (Spot::File(at), Some(document)) => Self::in_file(finding, document, at),
            (Spot::Given { by, text }, _) => Self::given(finding, by, text),
            // A place in a file that nobody opened; said without the line.
            (Spot::File(_), None) => Self::new(None, &finding.message, finding.hint.as_deref()),
        }
    }

    fn in_file(finding: &Finding, document: &Document, at: &std::ops::Range<usize>) -> Self {
        let excerpt = document.excerpt(at);
        let name = document.name();
        // The crate counts columns in what it is shown, and escapes and masks have changed that.
        let place = format!("{name}:{}:{}", excerpt.line, excerpt.column);
        let marked = AnnotationKind::Primary.span(excerpt.at.clone());
        let snippet = Snippet::source(excerpt.text.as_str())
            .line_start(excerpt.line)
            .annotation(marked);
        let drawn = Renderer::plain()
            .term_width(WIDTH)
            .render(&[Group::with_level(Level::ERROR).element(snippet)]);
        let gutter = " ".repeat(excerpt.line.to_string().len());
        let mut text = format!("error: {}\n{gutter}--> {place}\n", finding.message);
        text.push_str(drawn.trim_end());
        append_hint(&mut text, &gutter, finding.hint.as_deref());
        Self {
            file: Some(name),
            line: Some(excerpt.line),
            column: Some(excerpt.column),
            given_by: None,
            message: finding.message.clone(),
            hint: finding.hint.clone(),
            text,
        }
    }

    fn given(finding: &Finding, by: &str, text: &str) -> Self {
        let value = shown(&mask::url(text));
        let message = format!("{by} `{value}`: {}", finding.message);
        Self {
            given_by: Some(by.to_owned()),
            ..Self::new(None, &message, finding.hint.as_deref())
        }
    }

    fn new(file: Option<String>, message: &str, hint: Option<&str>) -> Self {
        let mut text = format!("error: {message}");
        append_hint(&mut text, "", hint);
        Self {
            file,
            line: None,
            column: None,
            given_by: None,
            message: message.to_owned(),
            hint: hint.map(ToOwned::to_owned),
            text,
        }
    }
}

fn append_hint(text: &mut String, gutter: &str, hint: Option<&str>) {
    if let Some(hint) = hint {
        text.extend(["\n", gutter, " = help: ", hint]);
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Everything that is wrong with the configuration. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    /// Flags first, then in the order of the file.
    pub problems: Vec<Problem>,
    file: Option<String>,
}

impl ConfigErrors {
    pub(super) fn new(problems: Vec<Problem>, document: Option<&Document>) -> Self {
        Self {
            problems,
            file: document.map(Document::name),
        }
    }

    /// A file that could not be read as text.
    pub(super) fn unreadable(path: &Path, error: &OpenError) -> Self {
        let name = shown(&path.to_string_lossy());
        let (reason, hint) = match error {
            OpenError::NotUtf8(document, at) => {
                let finding = Finding {
                    spot: Spot::File(at.clone()),
                    message: "the file is not UTF-8 text".to_owned(),
                    hint: Some("save it as UTF-8, without other encodings".to_owned()),
                };
                let problem = Problem::render(&finding, Some(document));
                return Self::new(vec![problem], Some(document));
            }
            OpenError::Missing => (
                "there is no such file".to_owned(),
                format!("`quell init --output {name}` writes one"),
            ),
            OpenError::TooLarge => (
                "it is larger than 1 MiB".to_owned(),
                "name the config file, not some other one".to_owned(),
            ),
            OpenError::Io(error) => match error.kind() {
                io::ErrorKind::IsADirectory => (
                    "it is a folder".to_owned(),
                    "name the file in it".to_owned(),
                ),
                io::ErrorKind::PermissionDenied => (
                    "permission denied".to_owned(),
                    format!("`ls -l {name}` shows who may read it"),
                ),
                _ => (
                    shown(&error.to_string()),
                    "check the path and the disk".to_owned(),
                ),
            },
        };
        let message = format!("cannot read {name}: {reason}");
        Self {
            problems: vec![Problem::new(Some(name.clone()), &message, Some(&hint))],
            file: Some(name),
        }
    }

    /// A policy file that could not be read as text.
    pub(super) fn unreadable_policy(path: &Path, error: &OpenError) -> Self {
        let mut errors = Self::unreadable(path, error);
        if let (OpenError::Missing, [problem]) = (error, errors.problems.as_mut_slice()) {
            let hint = "name a policy file, or builtin:observe or builtin:cautious";
            *problem = Problem::new(problem.file.take(), &problem.message, Some(hint));
        }
        errors
    }

    /// `3 problems in PATH`
    fn summary(&self) -> String {
        let count = self.problems.len();
        let given = self.problems.iter().any(|p| p.given_by.is_some());
        let written = self.problems.iter().any(|p| p.given_by.is_none());
        let noun = if count == 1 { "problem" } else { "problems" };
        let mut files: Vec<&str> = self
            .problems
            .iter()
            .filter_map(|p| p.file.as_deref())
            .collect();
        files.dedup();
        if let [first, others @ ..] = files.as_slice()
            && !others.is_empty()
        {
            return format!("{count} {noun} in {first} and {}", others.join(" and "));
        }
        match files.first().copied().or(self.file.as_deref()) {
            Some(file) if written && given => format!("{count} {noun} in {file} and the flags"),
            Some(file) if written => format!("{count} {noun} in {file}"),
            _ => format!("{count} {noun} in flags or environment variables"),
        }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            write!(f, "{problem}\n\n")?;
        }
        f.write_str(&self.summary())
    }
}

impl std::error::Error for ConfigErrors {}
