//! Which service level objectives did somebody write down?
//!
//! Reads files of OpenSLO v1, Sloth and Pyrra, and the ones that quell brings, into
//! [`crate::domain::slo::Slo`]. Called by the commands and by the pollers before they ask, on a thread
//! that may block. It asks no server and judges nothing; what is wrong with one file or one SLO is a
//! problem of its own, and the others go on.
//!
//! Texts are cut into documents (`document`), told apart (`format`), read by the format's reader
//! (`openslo` with `names` and `sli`, `sloth`, `pyrra`) through `fields`, and merged (`merge`).

mod batch;
mod builtin;
mod document;
mod fields;
mod folder;
mod format;
mod merge;
mod names;
mod objective;
mod openslo;
mod pyrra;
mod query;
mod report;
mod sli;
mod sloth;
#[cfg(test)]
mod tests;
mod window;

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::config::settings::{BuiltInSlos, SloSettings};
use crate::domain::slo::SloFiles;
use crate::domain::text::Untrusted;
use batch::{Batch, Given, Named};
use folder::Findings;
use report::{At, Report};

/// Reads everything that the settings name. One's own SLOs count before those that quell brings.
#[must_use]
pub fn read(settings: &SloSettings) -> SloFiles {
    let mut files = read_paths(&settings.paths);
    if !settings.texts.is_empty() {
        let told = read_texts(settings.texts);
        merge::add_weaker(&mut files.slos, told.slos);
        files.problems.extend(told.problems);
    }
    if settings.built_in == BuiltInSlos::On {
        let embedded = builtin::files();
        let texts = embedded
            .iter()
            .map(|file| (builtin::path(file), file.text))
            .collect::<Vec<_>>();
        let texts: Vec<(&str, &str)> = texts
            .iter()
            .map(|(path, text)| (path.as_str(), *text))
            .collect();
        let own = read_texts(&texts);
        merge::add_weaker(&mut files.slos, own.slos);
        files.problems.extend(own.problems);
    }
    files
}

/// Reads texts as if they were files of these names.
#[must_use]
pub fn read_texts(texts: &[(&str, &str)]) -> SloFiles {
    let paths: Vec<Untrusted> = texts
        .iter()
        .map(|(name, _)| Untrusted::line(name))
        .collect();
    let given: Vec<Given<'_>> = texts
        .iter()
        .enumerate()
        .map(|(file, (_, text))| Given {
            file,
            text,
            named: Named::Itself,
        })
        .collect();
    let mut report = Report::default();
    let batch = batch::read(&given, &paths, &mut report);
    finish(batch, &paths, report)
}

fn read_paths(given: &[PathBuf]) -> SloFiles {
    let Findings { found, met_again } = folder::read(given);
    let mut report = Report::default();
    let mut paths: Vec<Untrusted> = Vec::new();
    let mut texts: Vec<Given<'_>> = Vec::new();
    // A path that was named for itself, that cannot be read, or that was met before is spoken of
    // already, or needs no word.
    let mut has_its_word: BTreeSet<usize> = met_again.into_iter().collect();
    for (number, file) in found.iter().enumerate() {
        paths.push(Untrusted::line(&file.path.to_string_lossy()));
        match &file.text {
            Ok(text) => texts.push(Given {
                file: number,
                text,
                named: file.named,
            }),
            Err(unread) => {
                report.problem(At::file(number), unread.why.clone(), unread.next_step);
            }
        }
        if file.named == Named::Itself {
            has_its_word.insert(file.from);
        }
    }
    let batch = batch::read(&texts, &paths, &mut report);
    let of_slos = batch.files_of_slos.iter();
    has_its_word.extend(of_slos.filter_map(|number| Some(found.get(*number)?.from)));
    // A folder in which nothing is found was probably not meant.
    for (from, path) in given.iter().enumerate() {
        if has_its_word.contains(&from) {
            continue;
        }
        let at = At::file(paths.len());
        paths.push(Untrusted::line(&path.to_string_lossy()));
        let what = "there is no SLO in any of its files";
        let next_step = "name a folder with files of OpenSLO v1, Sloth or Pyrra";
        report.problem(at, what, next_step);
    }
    finish(batch, &paths, report)
}

fn finish(batch: Batch, paths: &[Untrusted], mut report: Report) -> SloFiles {
    let slos = merge::merge(batch.definitions, paths, &mut report);
    SloFiles {
        slos,
        problems: report.into_problems(paths),
    }
}
