//! Which alerts does the operator want to see?
//!
//! Alertmanager matchers and free words, side by side: `env=prod severity=~"crit.*" chkout`. A
//! matcher looks at labels; a word is searched for fuzzily in the name, the service and the
//! summary, as one types it. All terms must hold. The first place that does not parse is named.

use std::fmt;

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};
use nucleo_matcher::{Config, Matcher as Fuzzy, Utf32Str};

use super::alert::Alert;
use super::label::Labels;
use super::matcher::{Matchers, Scanner, SyntaxError};

/// A filter that was read.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    text: String,
    matchers: Matchers,
    words: Vec<Atom>,
}

impl Filter {
    /// Reads a filter. Terms are separated by spaces, matchers also by commas; braces are allowed.
    ///
    /// # Errors
    /// The first place that does not parse.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let mut filter = Self {
            text: text.trim().to_owned(),
            ..Self::default()
        };
        if text.trim_start().starts_with('{') {
            filter.matchers = Matchers::parse(text)?;
            return Ok(filter);
        }
        let mut scan = Scanner { text, at: 0 };
        loop {
            while scan.rest().starts_with([',', ' ', '\t']) {
                scan.at += 1;
            }
            scan.skip_space();
            if scan.rest().is_empty() {
                return Ok(filter);
            }
            match free_word(scan.rest()) {
                Some(word) => {
                    filter.words.push(atom(word));
                    scan.at += word.len();
                }
                None => filter.matchers.0.push(scan.matcher()?),
            }
        }
    }

    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.matchers.0.is_empty() && self.words.is_empty()
    }

    /// Whether an alert satisfies all terms. `search` is reused over many alerts.
    #[must_use]
    pub fn matches(&self, alert: &Alert, search: &mut Search) -> bool {
        self.matchers.matches(&alert.labels) && self.words_match(alert, search)
    }

    /// Whether labels alone satisfy all terms, for what has nothing but labels: SLOs, and alerts
    /// that only pend. Words are searched for in the values.
    #[must_use]
    pub fn matches_labels(&self, labels: &Labels, search: &mut Search) -> bool {
        let found = |word| labels.iter().any(|(_, v)| search.finds(word, v.shown()));
        self.matchers.matches(labels) && self.words.iter().all(found)
    }

    fn words_match(&self, alert: &Alert, search: &mut Search) -> bool {
        self.words.iter().all(|word| {
            let annotation = |name| {
                alert
                    .annotations
                    .get(name)
                    .map(super::text::Untrusted::shown)
            };
            let service = alert
                .place
                .service
                .as_ref()
                .map(super::text::Untrusted::shown);
            let haystacks = [Some(alert.name()), service, annotation("summary")];
            haystacks
                .into_iter()
                .flatten()
                .any(|text| search.finds(word, text))
                || alert
                    .labels
                    .iter()
                    .any(|(_, value)| search.finds_whole(word, value.shown()))
        })
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A term up to the next space, if it holds no sign of a matcher.
fn free_word(rest: &str) -> Option<&str> {
    let end = rest.find(|c: char| c.is_whitespace()).unwrap_or(rest.len());
    let term = rest[..end].trim_end_matches(',');
    let is_matcher = term.contains('=') || term.contains("!~") || term.starts_with('"');
    (!is_matcher && !term.is_empty()).then_some(term)
}

fn atom(word: &str) -> Atom {
    Atom::new(
        word,
        CaseMatching::Smart,
        Normalization::Smart,
        AtomKind::Fuzzy,
        false,
    )
}

/// The reusable memory of a search.
pub struct Search {
    fuzzy: Fuzzy,
    buffer: Vec<char>,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            fuzzy: Fuzzy::new(Config::DEFAULT),
            buffer: Vec::new(),
        }
    }
}

impl Search {
    fn finds(&mut self, word: &Atom, text: &str) -> bool {
        let haystack = Utf32Str::new(text, &mut self.buffer);
        word.score(haystack, &mut self.fuzzy).is_some()
    }

    /// In label values only whole runs count: scattered letters would match nearly every pod.
    fn finds_whole(&mut self, word: &Atom, text: &str) -> bool {
        let mut whole = word.clone();
        whole.kind = AtomKind::Substring;
        self.finds(&whole, text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use crate::domain::board::tests::alert;
    use proptest::prelude::*;

    #[test]
    fn matchers_and_words_together() {
        let alert = alert(&[
            ("alertname", "CheckoutHighErrorRate"),
            ("env", "prod"),
            ("pod", "checkout-7f"),
        ]);
        for (text, expected) in [
            ("", true),
            ("env=prod", true),
            ("env=stage", false),
            ("env=~\"p.*\", alertname!=X", true),
            ("{env=\"prod\"}", true),
            ("chkerr", true),
            ("CHK", false),
            ("env=prod err", true),
            ("err env=prod rate", true),
            ("7f", true),
            ("ckot7", false),
            ("zebra", false),
        ] {
            let filter = Filter::parse(text).unwrap();
            assert_eq!(
                filter.matches(&alert, &mut Search::default()),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn errors_point_into_the_whole_text() {
        let error = Filter::parse("checkout env=~\"(\" x").unwrap_err();
        assert_eq!(error.at, 14..17);
        let error = Filter::parse("checkout env==prod").unwrap_err();
        assert_eq!(error.at, 12..14);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            if let Err(error) = Filter::parse(&text) {
                prop_assert!(text.get(error.at.clone()).is_some());
            }
        }
    }
}
