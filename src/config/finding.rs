//! What was said where, and what is wrong with it?
//!
//! `read` and `resolve` put every problem in one [`Findings`] and go on, so that the operator sees
//! all of them at once. Rendering is left to `problem`.

use std::ops::Range;

use super::document::Document;
use super::problem::{ConfigErrors, Problem};
use crate::domain::matcher::SyntaxError;
use crate::domain::text::shown;

/// Where something was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// Bytes of the config file.
    File(Range<usize>),
    /// A flag or an environment variable, and what it said.
    Given {
        /// `--env` or `QUELL_ENV`
        by: &'static str,
        /// As typed, secrets included: mask it before it is shown.
        text: String,
    },
}

/// A value and where it was said.
#[derive(Clone, Debug)]
pub(super) struct Written<T> {
    /// The value as written, not yet checked.
    pub(super) value: T,
    /// Where.
    pub(super) spot: Spot,
}

/// One problem, not yet rendered.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// Where.
    pub(super) spot: Spot,
    /// What is wrong.
    pub(super) message: String,
    /// What to do next.
    pub(super) hint: Option<String>,
}

/// All problems so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<Finding>,
    syntax: Vec<Finding>,
    refused: Vec<(Spot, String)>,
    /// Of a file that this one names.
    elsewhere: Vec<Problem>,
}

impl Findings {
    /// Notes what is wrong with a file that this one names.
    pub(super) fn add_elsewhere(&mut self, errors: ConfigErrors) {
        self.elsewhere.extend(errors.problems);
    }

    /// Notes a problem. Foreign text in `message` and `hint` is made safe here.
    pub(super) fn add(&mut self, spot: &Spot, message: impl AsRef<str>, hint: Option<&str>) {
        self.list.push(finding(spot, message.as_ref(), hint));
    }

    /// Notes that the file is not TOML at this place.
    pub(super) fn add_syntax(&mut self, at: Range<usize>, message: &str, hint: Option<&str>) {
        self.syntax.push(finding(&Spot::File(at), message, hint));
    }

    /// Notes a problem within a string: the caret points at the part of it that is wrong.
    pub(super) fn add_within(
        &mut self,
        document: Option<&Document>,
        text: &Written<String>,
        error: &SyntaxError,
    ) {
        let hint = error.hint.as_deref();
        match (&text.spot, document) {
            (Spot::File(span), Some(document)) => {
                let at = document.within(span, &text.value, error.at.clone());
                self.add(&Spot::File(at), &error.message, hint);
            }
            _ => self.add(&text.spot, &error.message, hint),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty() && self.syntax.is_empty() && self.elsewhere.is_empty()
    }

    /// Notes that a key is in this table but of the wrong type, so that nobody calls it missing.
    pub(super) fn refuse(&mut self, header: &Spot, key: &str) {
        self.refused.push((header.clone(), key.to_owned()));
    }

    pub(super) fn was_refused(&self, header: &Spot, key: &str) -> bool {
        self.refused.iter().any(|(h, k)| h == header && k == key)
    }

    /// How many there are so far, to see whether a step added one.
    pub(super) fn count(&self) -> usize {
        self.list.len()
    }

    pub(super) fn has_syntax_error(&self) -> bool {
        !self.syntax.is_empty()
    }

    /// Renders all, in the order of the file, flags first.
    pub(super) fn into_errors(self, document: Option<&Document>) -> ConfigErrors {
        let broken_lines: Vec<Option<usize>> = self
            .syntax
            .iter()
            .map(|finding| line_of(finding, document))
            .collect();
        // What was read off a line that does not parse is a guess.
        let sound = self.list.into_iter().filter(|finding| {
            let line = line_of(finding, document);
            line.is_none() || !broken_lines.contains(&line)
        });
        let mut all: Vec<Finding> = self.syntax.into_iter().chain(sound).collect();
        all.sort_by_key(|finding| match &finding.spot {
            Spot::Given { .. } => 0,
            Spot::File(at) => at.start + 1,
        });
        let own = all.iter().map(|f| Problem::render(f, document));
        let problems = own.chain(self.elsewhere).collect();
        ConfigErrors::new(problems, document)
    }
}

fn line_of(finding: &Finding, document: Option<&Document>) -> Option<usize> {
    match (&finding.spot, document) {
        (Spot::File(at), Some(document)) => Some(document.line(at.start).number),
        _ => None,
    }
}

fn finding(spot: &Spot, message: &str, hint: Option<&str>) -> Finding {
    Finding {
        spot: spot.clone(),
        message: shown(message),
        hint: hint.map(shown),
    }
}
