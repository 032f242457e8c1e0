//! What is wrong with a theme file, where, and what was probably meant?
//!
//! Made while themes are read, printed by whoever asked for the theme. It repairs nothing.

use std::fmt;

use crate::domain::nearest::nearest;
use crate::domain::text::shown;

/// Why a theme cannot be used. Holds every problem that was found, not just the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ThemeError {
    problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, if it is in a file.
    pub place: Option<Place>,
    /// What, and the next step. One line, safe to show.
    pub message: String,
}

/// A place in a theme file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The path, or `built-in:default`. Safe to show.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
}

impl ThemeError {
    pub(super) fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// Everything that is wrong, in the order of the files.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ThemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}:{}:{}: ", place.file, place.line, place.column)?;
        }
        f.write_str(&self.message)
    }
}

impl Place {
    /// The place of byte `offset` of `text`.
    pub(super) fn of(file: &str, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// `unknown KIND "name"`, with the nearest known name or, where none is near, all of them.
pub(super) fn unknown<'a>(
    kind: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean \"{}\"?", shown(near)),
        None => format!("known: {}", shown(&known.join(", "))),
    };
    format!("unknown {kind} \"{}\"; {hint}", shown(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered() {
        let known = ["severity.page", "selected", "stale"];
        assert_eq!(nearest("severity.pgae", known), Some("severity.page"));
        assert_eq!(nearest("selcted", known), Some("selected"));
        assert_eq!(nearest("zzz", known), None);
        assert_eq!(
            unknown("role", "zzz", ["stale", "ok"]),
            "unknown role \"zzz\"; known: stale, ok"
        );
    }

    #[test]
    fn places_count_characters_from_one() {
        let text = "a = 1\nß = ü";
        let place = Place::of("t.toml", text, text.len() - 'ü'.len_utf8());
        assert_eq!((place.line, place.column), (2, 5));
    }
}
