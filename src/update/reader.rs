//! What changes on screen 5: the list of runbooks, and the text that is open?

use crate::domain::prose;
use crate::domain::runbook::{Library, Runbook};
use crate::domain::text::Untrusted;
use crate::model::Model;
use crate::model::available::target;
use crate::model::layout::Layout;
use crate::model::scroll::{Scroll, Step};
use crate::model::session::{Before, Reader, ReaderFacts, Screen, Seek, Tone, Trail};

/// Opens the runbook of the alert that is selected or open.
pub fn open_for_alert(model: &mut Model) {
    let Some(alert) = target(model) else {
        return;
    };
    let Some(link) = alert.runbook.clone() else {
        return;
    };
    let matched = format!("for {}, by {}", alert.name(), link.matched_by.word());
    let trail = Trail {
        screen: Screen::Triage,
        before: Vec::new(),
        caution: link.caution.clone(),
        matched: Some(matched),
    };
    let anchor = link.anchor.as_ref().map(|a| a.raw().to_owned());
    open(model, &link.id, anchor, trail);
}

/// Takes in what was read anew: the cursor of the list stays on its runbook, not on its row.
pub fn library_read(model: &mut Model, before: &Library) {
    let list = &mut model.session.runbooks.list;
    let selected = before.runbooks.get(list.cursor);
    let library = model.knowledge.library();
    let same = |book: &Runbook| selected.is_some_and(|selected| selected.id == book.id);
    let last = library.runbooks.len().saturating_sub(1);
    let found = library.runbooks.iter().position(same);
    list.cursor = found.unwrap_or(list.cursor).min(last);
}

/// Opens the selected runbook of the list.
pub fn open_selected(model: &mut Model) {
    let library = model.knowledge.library();
    if let Some(book) = library.runbooks.get(model.session.runbooks.list.cursor) {
        let trail = Trail {
            screen: Screen::Runbooks,
            before: Vec::new(),
            caution: None,
            matched: None,
        };
        open(model, &book.id, None, trail);
    }
}

fn open(model: &mut Model, id: &Untrusted, anchor: Option<String>, trail: Trail) {
    let library = model.knowledge.library();
    let Some(at) = library.runbooks.iter().position(|b| b.id == *id) else {
        model
            .session
            .say(Tone::Failed, format!("runbook {id} is not here any more"));
        return;
    };
    let problems = library.runbooks[at].problems.iter().cloned();
    let cautions: Vec<String> = trail.caution.iter().cloned().chain(problems).collect();
    model.session.runbooks.list.cursor = at;
    model.session.runbooks.reader = Some(Reader {
        id: id.clone(),
        scroll: Scroll::default(),
        seek: anchor.map(Seek::Heading),
        needle: String::new(),
        match_at: 0,
        link_at: None,
        caution: (!cautions.is_empty()).then(|| cautions.join("; ")),
        trail,
        facts: ReaderFacts::default(),
    });
    model.session.screen = Screen::Runbooks;
}

/// Back to the runbook read before, else to where the first one was opened.
pub fn back(model: &mut Model) {
    let Some(mut reader) = model.session.runbooks.reader.take() else {
        model.session.screen = Screen::Triage;
        return;
    };
    if !reader.needle.is_empty() {
        reader.needle.clear();
        model.session.runbooks.reader = Some(reader);
        return;
    }
    match reader.trail.before.pop() {
        Some(before) => {
            let trail = Trail {
                caution: before.caution,
                matched: before.matched,
                ..reader.trail
            };
            open(model, &before.id, None, trail);
            if let Some(reader) = &mut model.session.runbooks.reader {
                reader.scroll = before.scroll;
            }
        }
        None => model.session.screen = reader.trail.screen,
    }
}

/// Moves in the list or in the text.
pub fn step(model: &mut Model, step: Step) {
    let height = Layout::of(model).height();
    let count = model.knowledge.library().runbooks.len();
    let session = &mut model.session.runbooks;
    match &mut session.reader {
        Some(reader) => reader.scroll.pan(step, reader.facts.lines, height),
        None => session.list.step(step, count, height),
    }
}

/// The text was laid out: goes to the anchor it was opened for, and stays within the text.
pub fn measured(model: &mut Model, facts: ReaderFacts, height: usize) {
    let Some(reader) = &mut model.session.runbooks.reader else {
        return;
    };
    reader.facts = facts;
    if let Some(top) = reader.facts.top.take() {
        reader.scroll.top = top;
    }
    match reader.seek.take() {
        Some(Seek::Heading(anchor)) => go_to_anchor(model, &anchor),
        Some(Seek::Match) => show_first_match(model),
        None => {}
    }
    if let Some(reader) = &mut model.session.runbooks.reader {
        reader.scroll.pan(Step::Rows(0), reader.facts.lines, height);
    }
}

/// Finds words; the first place at or after the present one is shown with the next layout.
pub fn search(model: &mut Model, words: &str) {
    if let Some(reader) = &mut model.session.runbooks.reader {
        words.trim().clone_into(&mut reader.needle);
        reader.match_at = 0;
    }
}

/// To another match.
pub fn next_match(model: &mut Model, by: isize) {
    let height = Layout::of(model).height();
    let Some(reader) = &mut model.session.runbooks.reader else {
        return;
    };
    let count = reader.facts.matches.len();
    if count == 0 {
        let text = format!(
            "`{}` is not in it",
            crate::domain::text::shown(&reader.needle)
        );
        model.session.say(Tone::Refused, text);
        return;
    }
    reader.match_at = (reader.match_at + count).saturating_add_signed(by) % count;
    let line = reader.facts.matches[reader.match_at];
    bring_into_view(&mut reader.scroll, line, reader.facts.lines, height);
}

/// What is typed is taken: the first match is shown once it is laid out.
pub fn seek_match(model: &mut Model) {
    if let Some(reader) = &mut model.session.runbooks.reader {
        reader.seek = Some(Seek::Match);
    }
}

fn show_first_match(model: &mut Model) {
    let height = Layout::of(model).height();
    if let Some(reader) = &mut model.session.runbooks.reader {
        let top = reader.scroll.top;
        let matches = &reader.facts.matches;
        let at = matches.iter().position(|line| *line >= top).unwrap_or(0);
        if let Some(line) = matches.get(at).copied() {
            reader.match_at = at;
            bring_into_view(&mut reader.scroll, line, reader.facts.lines, height);
        }
    }
}

/// Selects another link.
pub fn next_link(model: &mut Model, by: isize) {
    let height = Layout::of(model).height();
    let Some(reader) = &mut model.session.runbooks.reader else {
        return;
    };
    let count = reader.facts.links.len();
    if count == 0 {
        model.session.say(Tone::Refused, "no links in it");
        return;
    }
    let window = reader.scroll.window(reader.facts.lines, height);
    let at = match reader.link_at {
        Some(at) => (at + count).saturating_add_signed(by) % count,
        // The first press takes the first link on screen.
        None => reader
            .facts
            .links
            .iter()
            .position(|(line, _)| window.contains(line))
            .unwrap_or(0),
    };
    reader.link_at = Some(at);
    let line = reader.facts.links[at].0;
    bring_into_view(&mut reader.scroll, line, reader.facts.lines, height);
}

/// To another heading.
pub fn next_heading(model: &mut Model, by: isize) {
    let height = Layout::of(model).height();
    let Some(reader) = &mut model.session.runbooks.reader else {
        return;
    };
    let lines = reader.facts.headings.iter().map(|(line, _)| *line);
    let top = reader.scroll.top;
    let found = if by > 0 {
        lines.clone().find(|line| *line > top)
    } else {
        lines.clone().rfind(|line| *line < top)
    };
    if let Some(line) = found {
        reader.scroll.top = line;
        reader.scroll.pan(Step::Rows(0), reader.facts.lines, height);
    }
}

/// Follows the selected link: within the text, to another runbook, else it is only named.
pub fn follow(model: &mut Model) {
    let Some(reader) = &model.session.runbooks.reader else {
        return;
    };
    let Some((_, target)) = reader.link_at.and_then(|at| reader.facts.links.get(at)) else {
        model
            .session
            .say(Tone::Refused, "no link is selected: Tab selects one");
        return;
    };
    let target = target.clone();
    let (path, anchor) = match target.raw().split_once('#') {
        Some((path, anchor)) => (path.to_owned(), Some(anchor.to_owned())),
        None => (target.raw().to_owned(), None),
    };
    if path.is_empty() {
        go_to_anchor(model, &anchor.unwrap_or_default());
        return;
    }
    let library = model.knowledge.library();
    let here = library.runbooks.iter().find(|b| b.id == reader.id);
    let wanted = here.and_then(|book| relative_to(book.path.raw(), &path));
    let found = wanted.and_then(|path| library.runbooks.iter().find(|b| b.path.raw() == path));
    match found {
        Some(book) => {
            let mut trail = reader.trail.clone();
            trail.before.push(Before {
                id: reader.id.clone(),
                scroll: reader.scroll,
                caution: trail.caution.take(),
                matched: trail.matched.take(),
            });
            let id = book.id.clone();
            open(model, &id, anchor, trail);
        }
        None => model
            .session
            .say(Tone::Refused, format!("not a runbook here: {target}")),
    }
}

fn go_to_anchor(model: &mut Model, anchor: &str) {
    let height = Layout::of(model).height();
    let Some(reader) = &mut model.session.runbooks.reader else {
        return;
    };
    let wanted = prose::slug(anchor);
    if let Some((line, _)) = reader
        .facts
        .headings
        .iter()
        .find(|(_, slug)| *slug == wanted)
    {
        reader.scroll.top = *line;
        reader.scroll.pan(Step::Rows(0), reader.facts.lines, height);
    } else {
        let text = format!("no section `{}` in it", crate::domain::text::shown(anchor));
        model.session.say(Tone::Refused, text);
    }
}

/// A path as the text at `from` means it; none where it leaves the folder or is no path.
fn relative_to(from: &str, path: &str) -> Option<String> {
    if path.contains("://") || path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Moves the window only if the line is outside, and then to its upper third.
fn bring_into_view(scroll: &mut Scroll, line: usize, lines: usize, height: usize) {
    if !scroll.window(lines, height).contains(&line) {
        scroll.top = line.saturating_sub(height / 3);
        scroll.pan(Step::Rows(0), lines, height);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_within_the_folder() {
        for (from, path, expected) in [
            ("a.md", "b.md", Some("b.md")),
            ("apps/a.md", "../b.md", Some("b.md")),
            ("apps/a.md", "./sub/b.md", Some("apps/sub/b.md")),
            ("a.md", "../b.md", None),
            ("a.md", "https://x/b.md", None),
            ("a.md", "/etc/passwd", None),
        ] {
            assert_eq!(
                relative_to(from, path).as_deref(),
                expected,
                "{from} {path}"
            );
        }
    }
}
