//! `quell runbook list` and `show`: what is written, and in which version?

use serde::Serialize;

use super::args::Format;
use super::exit::Exit;
use super::json::{Document, VersionDoc};
use super::output::Answer;
use super::page::{Page, Role, Table, cell};
use super::{Outcome, Show, unwritable};
use crate::domain::matcher::Matchers;
use crate::domain::nearest::distance;
use crate::domain::runbook::{Library, Runbook};
use crate::domain::text::{Untrusted, shown};

#[derive(Serialize)]
struct ListDoc<'a> {
    place: Option<&'a Untrusted>,
    commit: Option<&'a str>,
    branch: Option<&'a Untrusted>,
    remote: Option<&'a Untrusted>,
    runbooks: Vec<EntryDoc<'a>>,
    problems: &'a [String],
}

#[derive(Serialize)]
struct ShowDoc<'a> {
    #[serde(flatten)]
    entry: EntryDoc<'a>,
    text: String,
}

#[derive(Serialize)]
struct EntryDoc<'a> {
    id: &'a Untrusted,
    title: &'a Untrusted,
    path: &'a Untrusted,
    #[serde(flatten)]
    version: VersionDoc<'a>,
    severity: Option<&'a Untrusted>,
    owner: Option<&'a Untrusted>,
    services: &'a [Untrusted],
    aliases: &'a [Untrusted],
    applies_to: Vec<String>,
    reviewed: Option<&'a Untrusted>,
    review_every: Option<&'a Untrusted>,
    problems: &'a [String],
}

impl<'a> EntryDoc<'a> {
    fn of(book: &'a Runbook) -> Self {
        let front = &book.front;
        Self {
            id: &book.id,
            title: &book.title,
            path: &book.path,
            version: VersionDoc::of(&book.version),
            severity: front.severity.as_ref(),
            owner: front.owner.as_ref(),
            services: &front.services,
            aliases: &front.aliases,
            applies_to: front.applies_to.iter().map(conjunction).collect(),
            reviewed: front.reviewed.as_ref(),
            review_every: front.review_every.as_ref(),
            problems: &book.problems,
        }
    }
}

/// `a="b",c=~"d"`
fn conjunction(matchers: &Matchers) -> String {
    let parts: Vec<String> = matchers.0.iter().map(ToString::to_string).collect();
    shown(&parts.join(","))
}

/// All runbooks. Files that could not be read make the answer partial.
///
/// # Errors
/// None is known.
pub(super) fn list(library: &Library, show: &Show) -> Outcome {
    let document = match show.format {
        Format::Json => {
            let origin = &library.origin;
            let body = ListDoc {
                place: origin.place.as_ref(),
                commit: origin.commit.as_deref(),
                branch: origin.branch.as_ref(),
                remote: origin.remote.as_ref(),
                runbooks: library.runbooks.iter().map(EntryDoc::of).collect(),
                problems: &library.problems,
            };
            Document::text("quell.runbooks/1", body).map_err(|e| unwritable(&e))?
        }
        Format::Text => list_text(library, &show.page),
    };
    let exit = if library.problems.is_empty() {
        Exit::Whole
    } else {
        Exit::Partial
    };
    Ok(Answer::with(document, exit))
}

fn list_text(library: &Library, page: &Page) -> String {
    let mut out = String::new();
    let mut table = Table::new();
    for book in &library.runbooks {
        let or_dash = |text: &Option<Untrusted>| {
            text.as_ref()
                .map_or("-".to_owned(), |text| text.shown().to_owned())
        };
        let problems = match book.problems.len() {
            0 => cell(""),
            1 => cell("1 problem").role(Role::Care),
            count => cell(format!("{count} problems")).role(Role::Care),
        };
        table.row(vec![
            cell(book.id.shown()),
            cell(or_dash(&book.front.severity)),
            cell(or_dash(&book.front.owner)),
            cell(book.version.short()),
            cell(book.title.shown()),
            cell(book.path.shown()).role(Role::Faint),
            problems,
        ]);
    }
    table.render(page, &mut out);
    if library.runbooks.is_empty() {
        page.line(&mut out, Role::Care, "no runbooks");
    }
    for book in &library.runbooks {
        for problem in &book.problems {
            page.line(&mut out, Role::Care, &format!("{}: {problem}", book.path));
        }
    }
    for problem in &library.problems {
        page.line(&mut out, Role::Bad, problem);
    }
    out
}

/// One runbook's text.
///
/// # Errors
/// An id that is not there, with the nearest ones that are.
pub(super) fn show(id: &str, library: &Library, show: &Show) -> Outcome {
    let Some(book) = library.runbooks.iter().find(|book| book.id.raw() == id) else {
        return Err(unknown(id, library));
    };
    let text = safe_lines(&book.source);
    let document = match show.format {
        Format::Text => text,
        Format::Json => {
            let entry = EntryDoc::of(book);
            Document::text("quell.runbook/1", ShowDoc { entry, text })
                .map_err(|e| unwritable(&e))?
        }
    };
    Ok(Answer::whole(document))
}

/// The text with every line made safe, one line feed at its end.
fn safe_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    for line in text.lines() {
        // Tabs indent code in many runbooks, and only move to the right.
        for (at, part) in line.split('\t').enumerate() {
            if at > 0 {
                out.push('\t');
            }
            out.push_str(Untrusted::line(part).shown());
        }
        out.push('\n');
    }
    out
}

fn unknown(id: &str, library: &Library) -> Answer {
    let mut ids: Vec<(usize, &str)> = library
        .runbooks
        .iter()
        .map(|book| (far(id, book.id.raw()), book.id.shown()))
        .collect();
    ids.sort_unstable();
    let near: Vec<&str> = ids.iter().take(3).map(|(_, id)| *id).collect();
    let hint = if near.is_empty() {
        "there are no runbooks at all".to_owned()
    } else {
        format!("the nearest are: {}", near.join(", "))
    };
    Answer::usage(format!(
        "quell: no runbook has the id `{}`\n  {hint}\n  all of them: quell runbook list",
        shown(id)
    ))
}

/// How far an id is from what was typed. A part of it counts as near: people type `ingest` for
/// `telemetry-ingest-backlog`.
fn far(typed: &str, id: &str) -> usize {
    if !typed.is_empty() && id.contains(typed) {
        return 0;
    }
    distance(typed, id)
}
