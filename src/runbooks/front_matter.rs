//! What does a runbook say about itself before its text begins?
//!
//! Called once per file by [`super::parse`]. A wrong field is a problem and is left out; the
//! others and the text stay. Unknown fields are none of its business: they are the lint's. Never
//! expands an alias, follows a merge key, or guesses that `no` is a boolean.

use std::ops::Range;

use serde::Deserialize;
use serde_saphyr::{
    DuplicateKeyPolicy, Error, MergeKeyPolicy, MessageFormatter, Options, Spanned,
    UserMessageFormatter,
};

use crate::domain::matcher::Matchers;
use crate::domain::runbook::FrontMatter;
use crate::domain::text::{Untrusted, shown};

/// The newest `quell:` that this program knows.
const FORMAT: u32 = 1;

/// A field that does not parse is blanked and the rest read again; this many times at most.
const MAX_BAD_FIELDS: usize = 16;

/// A file's text in its two parts.
#[derive(Debug, PartialEq, Eq)]
pub enum Parts<'a> {
    /// There is no front matter.
    Bare(&'a str),
    /// It begins, but nothing ends it.
    Unclosed(&'a str),
    /// The YAML between the fences, and the text after them.
    Split {
        /// Without the two fences.
        yaml: &'a str,
        /// What people read.
        body: &'a str,
    },
}

/// Cuts a text at its front matter. A byte order mark and CRLF are accepted.
#[must_use]
pub fn split(text: &str) -> Parts<'_> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_fence = |line: &str| line.trim_end() == "---";
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    if !is_fence(first) {
        return Parts::Bare(text);
    }
    let mut at = first.len();
    for line in lines {
        let after = at + line.len();
        if is_fence(line) {
            return Parts::Split {
                yaml: &text[first.len()..at],
                body: &text[after..],
            };
        }
        at = after;
    }
    Parts::Unclosed(text)
}

/// What the front matter says.
#[derive(Debug, Default)]
pub struct Read {
    /// `id`
    pub id: Option<Untrusted>,
    /// `title`
    pub title: Option<Untrusted>,
    /// The other fields.
    pub front: FrontMatter,
    /// What is wrong with it: `checkout.md:4:8: ...`
    pub problems: Vec<String>,
    /// What can be used of it.
    pub state: State,
}

/// How much of the front matter can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// All that has no problem.
    #[default]
    Usable,
    /// It is written for a newer quell: only the id and the title mean what they did.
    Newer,
    /// It is no YAML mapping, or one that no runbook needs.
    Unusable,
}

/// As written. `Spanned` where a later check needs the place.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw {
    quell: Option<Spanned<u32>>,
    id: Option<Spanned<String>>,
    title: Option<String>,
    owner: Option<String>,
    severity: Option<String>,
    applies_to: Option<Vec<Spanned<String>>>,
    aliases: Option<Vec<String>>,
    services: Option<Vec<String>>,
    reviewed: Option<String>,
    review_every: Option<String>,
}

/// Reads the YAML of the file at `path`, which begins at the file's second line.
#[must_use]
pub fn read(path: &Untrusted, yaml: &str) -> Read {
    let mut problems = Problems {
        path,
        lines: Vec::new(),
    };
    let Some(raw) = parse(yaml, &mut problems) else {
        return Read {
            problems: problems.lines,
            state: State::Unusable,
            ..Read::default()
        };
    };
    let line = |text: &String| Untrusted::line(text.trim());
    let filled = |text: &String| (!text.trim().is_empty()).then(|| line(text));
    let id = raw.id.as_ref().and_then(|id| filled(&id.value));
    let title = raw.title.as_ref().and_then(filled);
    if let Some(format) = raw.quell.as_ref().filter(|format| format.value > FORMAT) {
        // What else is wrong with it may be right in that format.
        problems.lines.clear();
        problems.at(
            place(format),
            &format!(
                "written for a newer quell (`quell: {}`, this one knows {FORMAT}): opened as prose",
                format.value
            ),
        );
        return Read {
            id,
            title,
            problems: problems.lines,
            state: State::Newer,
            ..Read::default()
        };
    }
    if let Some(written) = raw.id.as_ref().filter(|_| id.is_none()) {
        problems.at(place(written), "`id` is empty: the file's name is used");
    }
    let applies_to = raw.applies_to.iter().flatten();
    let applies_to = applies_to.filter_map(|text| matchers(yaml, text, &mut problems));
    let all = |list: &Option<Vec<String>>| list.iter().flatten().filter_map(filled).collect();
    let front = FrontMatter {
        owner: raw.owner.as_ref().and_then(filled),
        severity: raw.severity.as_ref().and_then(filled),
        applies_to: applies_to.collect(),
        aliases: all(&raw.aliases),
        services: all(&raw.services),
        reviewed: raw.reviewed.as_ref().and_then(filled),
        review_every: raw.review_every.as_ref().and_then(filled),
    };
    Read {
        id,
        title,
        front,
        problems: problems.lines,
        state: State::Usable,
    }
}

/// Line and column within the YAML, both from 1.
type Place = (u64, u64);

fn place<T>(of: &Spanned<T>) -> Place {
    (of.referenced.line(), of.referenced.column())
}

struct Problems<'a> {
    path: &'a Untrusted,
    lines: Vec<String>,
}

impl Problems<'_> {
    fn at(&mut self, (line, column): Place, message: &str) {
        // The opening fence is the file's first line.
        let line = line + 1;
        let path = self.path;
        self.lines
            .push(format!("{path}:{line}:{column}: {message}"));
    }
}

/// Reads the fields, without those that are wrong. None if it is no mapping of fields at all.
fn parse(yaml: &str, problems: &mut Problems<'_>) -> Option<Raw> {
    let mut yaml = yaml.to_owned();
    for _ in 0..=MAX_BAD_FIELDS {
        let error = match serde_saphyr::from_str_with_options::<Option<Raw>>(&yaml, options()) {
            Ok(raw) => return Some(raw.unwrap_or_default()),
            Err(error) => error,
        };
        let at = error.location().map_or((1, 1), |l| (l.line(), l.column()));
        let why = shown(&explain(&error));
        let field = field_around(&yaml, at.0).filter(|_| concerns_one_field(&error));
        let Some(field) = field else {
            problems.at(at, &format!("no front matter: {why}"));
            return None;
        };
        let name = shown(&field.name);
        problems.at(at, &format!("`{name}` is left out: {why}"));
        yaml = without(&yaml, &field);
    }
    problems.at((1, 1), "no front matter: too much is wrong with it");
    None
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 30_000,
            max_nodes: 10_000,
            max_depth: 32,
            flow_nesting_limit: 32,
            max_documents: 1,
            max_anchors: 0,
            max_aliases: 0,
            max_merge_keys: 0,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

fn explain(error: &Error) -> String {
    use serde_saphyr::budget::BudgetBreach::{Aliases, Anchors};
    let words = match error {
        Error::Budget {
            breach: Anchors { .. } | Aliases { .. },
            ..
        } => "YAML anchors and aliases are not allowed, write the value out",
        Error::Budget { .. } => "it is too large or nested too deep",
        Error::Unexpected { expected, .. } => match *expected {
            "string scalar" => "it must be a single text",
            "sequence start" => "it must be a list",
            "mapping start" => "it must be fields, as in `id: checkout-down`",
            other => return format!("expected {other}"),
        },
        Error::DuplicateMappingKey { .. } => "it stands here a second time",
        other => return UserMessageFormatter.format_message(other).into_owned(),
    };
    words.to_owned()
}

/// Whether the rest can be read without the field it lies in. After a syntax error no line can be
/// trusted to be what it seems.
fn concerns_one_field(error: &Error) -> bool {
    !matches!(
        error,
        Error::Budget { .. }
            | Error::ExternalMessage { .. }
            | Error::Eof { .. }
            | Error::MultipleDocuments { .. }
            | Error::UnknownAnchor { .. }
    )
}

/// A top-level field of the text.
struct Field {
    name: String,
    /// Its lines, from 0.
    lines: Range<usize>,
}

/// The field that a line (from 1) belongs to.
fn field_around(yaml: &str, line: u64) -> Option<Field> {
    let name = |text: &str| {
        let first = text.chars().next();
        let begins = first.is_some_and(|c| !c.is_whitespace() && !"#-]})".contains(c));
        let (name, _) = text.split_once(':').filter(|_| begins)?;
        Some(name.trim().to_owned())
    };
    let wrong = usize::try_from(line).ok()?.checked_sub(1)?;
    let mut found = None;
    for (at, text) in yaml.lines().enumerate() {
        let Some(name) = name(text) else { continue };
        if at > wrong {
            return found.map(|(name, start)| Field {
                name,
                lines: start..at,
            });
        }
        found = Some((name, at));
    }
    found.map(|(name, start)| Field {
        name,
        lines: start..usize::MAX,
    })
}

/// The text with a field's lines made empty, so that all others keep their places.
fn without(yaml: &str, field: &Field) -> String {
    let lines = yaml.split_inclusive('\n').enumerate();
    let kept = lines.map(|(at, text)| {
        if field.lines.contains(&at) {
            "\n"
        } else {
            text
        }
    });
    kept.collect()
}

fn matchers(yaml: &str, text: &Spanned<String>, problems: &mut Problems<'_>) -> Option<Matchers> {
    let error = match Matchers::parse(&text.value) {
        Ok(matchers) if matchers.0.is_empty() => {
            problems.at(place(text), "`applies_to` has an empty entry: left out");
            return None;
        }
        Ok(matchers) => return Some(matchers),
        Err(error) => error,
    };
    let (line, mut column) = place(text);
    // A plain scalar stands in the file as it is: then the very character can be named.
    if written_at(yaml, (line, column)).is_some_and(|written| written.starts_with(&text.value)) {
        let before = text.value.get(..error.at.start).unwrap_or_default();
        column += before.chars().count() as u64;
    }
    let hint = error.hint.map(|hint| format!(" ({hint})"));
    let message = format!(
        "`applies_to` does not parse: {}{}",
        error.message,
        hint.unwrap_or_default()
    );
    problems.at((line, column), &message);
    None
}

/// The rest of a line from a place on.
fn written_at(yaml: &str, (line, column): Place) -> Option<&str> {
    let line = yaml
        .lines()
        .nth(usize::try_from(line).ok()?.checked_sub(1)?)?;
    let skipped = usize::try_from(column).ok()?.checked_sub(1)?;
    let (at, _) = line.char_indices().nth(skipped)?;
    line.get(at..)
}
