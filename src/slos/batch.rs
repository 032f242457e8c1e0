//! What do a number of files define together?
//!
//! Called by [`super::read`] and [`super::read_texts`] with the texts at hand. All documents are
//! parsed first, as any of them may refer to any other; then each format's reader is called.

use super::document::{Node, split};
use super::fields::Value;
use super::format::{self, Format, MARKS};
use super::merge::Definition;
use super::names::Object;
use super::report::{At, Report, quoted};
use super::{openslo, pyrra, sloth};
use crate::domain::text::Untrusted;

/// A file's text, and by whom it was named.
#[derive(Debug)]
pub(super) struct Given<'a> {
    /// Its number.
    pub(super) file: usize,
    pub(super) text: &'a str,
    pub(super) named: Named,
}

/// By whom a file was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// Itself: it must hold SLOs.
    Itself,
    /// A folder it lies in, among other things.
    ByFolder,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) definitions: Vec<Definition>,
    /// The numbers of the files that have anything to do with SLOs.
    pub(super) files_of_slos: Vec<usize>,
}

/// Reads all of them.
pub(super) fn read(given: &[Given<'_>], paths: &[Untrusted], report: &mut Report) -> Batch {
    let files: Vec<(&Given<'_>, Parsed)> = given
        .iter()
        .map(|given| (given, parse(given, report)))
        .collect();
    let mut batch = Batch::default();
    let mut objects: Vec<Object<'_>> = Vec::new();
    for (given, parsed) in &files {
        let file = given.file;
        let mut foreign: Vec<Value<'_>> = Vec::new();
        let mut is_ours = parsed.is_broken;
        let nodes = parsed.nodes.iter();
        for document in nodes.flat_map(|node| format::documents(node, file)) {
            let format = format::of(&document, report);
            is_ours |= format != Format::Foreign;
            match format {
                Format::OpenSlo(kind) => objects.push(Object { kind, document }),
                Format::SlothFile => {
                    let read = sloth::read_file(&document, paths, report);
                    batch.definitions.extend(read);
                }
                Format::SlothResource => {
                    let read = sloth::read_resource(&document, paths, report);
                    batch.definitions.extend(read);
                }
                Format::Pyrra => {
                    let read = pyrra::read(&document, paths, report);
                    batch.definitions.extend(read);
                }
                Format::Ours => {}
                Format::Foreign => foreign.push(document),
            }
        }
        if is_ours {
            batch.files_of_slos.push(file);
        } else if given.named == Named::Itself {
            let next_step = "name a file of OpenSLO v1, Sloth or Pyrra, or remove it from \
                             `slo.paths`";
            report.problem(At::file(file), no_slo(&foreign), next_step);
        }
    }
    batch
        .definitions
        .extend(openslo::read(&objects, paths, report));
    batch
}

/// A file's documents.
#[derive(Default)]
struct Parsed {
    nodes: Vec<Node>,
    /// Whether one of them is no YAML, which was said.
    is_broken: bool,
}

/// The documents that parse. What does not is a problem, unless it is a file that somebody keeps
/// beside the SLOs: a template, say.
fn parse(given: &Given<'_>, report: &mut Report) -> Parsed {
    let is_ours =
        given.named == Named::Itself || MARKS.iter().any(|mark| given.text.contains(mark));
    let mut parsed = Parsed::default();
    for document in split(given.text) {
        match document.parse() {
            Ok(node) => parsed.nodes.push(node),
            Err(unreadable) if is_ours => {
                let at = At {
                    file: given.file,
                    place: unreadable.place,
                };
                let what = format!("no YAML that can be read: {}", unreadable.why);
                report.problem(at, what, unreadable.next_step);
                parsed.is_broken = true;
            }
            Err(_) => {}
        }
    }
    parsed
}

/// What is said of a file without any SLO.
fn no_slo(documents: &[Value<'_>]) -> String {
    let mut kinds: Vec<String> = Vec::new();
    for document in documents {
        let Some(kind) = document.node().scalar("kind") else {
            continue;
        };
        let kind = quoted(kind);
        if !kinds.contains(&kind) && kinds.len() < 5 {
            kinds.push(kind);
        }
    }
    if kinds.is_empty() {
        return "there is no SLO in it".to_owned();
    }
    format!("there is no SLO in it, only {}", kinds.join(", "))
}
