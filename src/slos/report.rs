//! What was found wrong, or worth knowing, while files were read?
//!
//! Every reader of this room writes into a [`Report`] and goes on. Places carry the number of their
//! file, so that what belongs together can be sorted once, at the end. It decides nothing.

use super::document::Place;
use crate::domain::slo::SloProblem;
use crate::domain::text::{Untrusted, shown};

/// Names and values are quoted in messages up to this many characters.
const MAX_QUOTED: usize = 80;

/// A place in one of the files, which go by their numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    pub(super) file: usize,
    pub(super) place: Place,
}

impl At {
    /// The file as a whole.
    pub(super) fn file(file: usize) -> Self {
        Self {
            file,
            place: Place::default(),
        }
    }
}

/// Something that cannot be read as it stands.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    at: At,
    what: String,
    next_step: String,
}

/// Something that is read, but perhaps not as it was meant.
#[derive(Clone, Debug)]
struct Caution {
    at: At,
    text: String,
}

/// Something is wrong, and it was said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said;

/// Collects what is found.
#[derive(Debug, Default)]
pub(super) struct Report {
    problems: Vec<Problem>,
    cautions: Vec<Caution>,
}

impl Report {
    /// Something cannot be read.
    pub(super) fn problem(
        &mut self,
        at: At,
        what: impl Into<String>,
        next_step: impl Into<String>,
    ) {
        self.problems.push(Problem {
            at,
            what: what.into(),
            next_step: next_step.into(),
        });
    }

    /// Something is perhaps not meant as it is read.
    pub(super) fn caution(&mut self, at: At, text: impl Into<String>) {
        self.cautions.push(Caution {
            at,
            text: text.into(),
        });
    }

    /// Takes the problems of another report, and hands back its cautions, which belong to one SLO.
    pub(super) fn absorb(&mut self, other: Report, subject: &Subject) -> Cautions {
        self.problems
            .extend(other.problems.into_iter().map(|problem| {
                let what = format!("{}{}", subject.0, problem.what);
                Problem { what, ..problem }
            }));
        Cautions(other.cautions)
    }

    /// All problems in the order of files and lines, with the files' paths.
    pub(super) fn into_problems(mut self, paths: &[Untrusted]) -> Vec<SloProblem> {
        self.problems.sort_by_key(|problem| problem.at);
        // What several objectives or aliases share is wrong once.
        self.problems.dedup();
        let told = |problem: Problem| SloProblem {
            path: paths
                .get(problem.at.file)
                .cloned()
                .unwrap_or_else(|| Untrusted::line("")),
            line: problem.at.place.line,
            column: problem.at.place.column,
            what: Untrusted::line(&problem.what),
            next_step: Untrusted::line(&problem.next_step),
        };
        self.problems.into_iter().map(told).collect()
    }
}

/// Whom problems are about, for the words before them.
#[derive(Debug, Default)]
pub(super) struct Subject(String);

impl Subject {
    /// An SLO that may have a name.
    pub(super) fn slo(name: Option<&str>) -> Self {
        Self(name.map_or(String::new(), |name| format!("SLO {}: ", quoted(name))))
    }

    /// An indicator.
    pub(super) fn sli(name: &str) -> Self {
        Self(format!("SLI {}: ", quoted(name)))
    }
}

/// What a reader of one SLO should know.
#[derive(Clone, Debug, Default)]
pub(super) struct Cautions(Vec<Caution>);

impl Cautions {
    /// Both together.
    pub(super) fn and(mut self, other: &Cautions) -> Self {
        self.0.extend(other.0.iter().cloned());
        self
    }

    /// Each with its place: `… (slo.yaml:3)`.
    pub(super) fn told(&self, paths: &[Untrusted]) -> Vec<Untrusted> {
        let told = |caution: &Caution| {
            let path = paths.get(caution.at.file).map_or("", Untrusted::shown);
            let line = caution.at.place.line;
            Untrusted::line(&format!("{} ({path}:{line})", caution.text))
        };
        self.0.iter().map(told).collect()
    }
}

/// A foreign text within a message: harmless, short, in back quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut kept: String = text.chars().take(MAX_QUOTED).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    format!("`{}`", shown(&kept))
}
