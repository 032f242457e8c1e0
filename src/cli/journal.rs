//! `quell journal show|verify|export`: what was done, and has anybody edited it since?
//!
//! Reads the journal of the environment, or a copy of one. Needs no server, and no right but to read the
//! file. Ends with 0 where every record holds, 1 where one does not, 3 where the file cannot be read.

use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::value::RawValue;

use super::args::{Format, Global, JournalCommand, JournalFile, JournalVerifyArgs};
use super::exit::Exit;
use super::journal_choice::JournalFilter;
use super::journal_words::{kind, said, who};
use super::json::Document;
use super::output::{Answer, Output};
use super::page::{Page, Role, Table, cell, count, rest, rigid};
use super::{Outcome, Show, World, load, unwritable};
use crate::config::settings::Settings;
use crate::domain::record::Kept;
use crate::domain::text::shown;
use crate::journal::{self, Against, Break, Lines, Proof, Strength, Verdict};

/// From this width on there is room for who and the date.
const WIDE: usize = 100;

/// Runs one of them.
///
/// # Errors
/// A config or a filter that does not hold, a file that cannot be read.
pub(super) fn run(
    command: &JournalCommand,
    global: &Global,
    world: &World,
    output: &Output,
) -> Outcome {
    let loaded = load(global, world).map_err(|errors| Answer::usage(errors.to_string()))?;
    let settings = &loaded.settings;
    match command {
        JournalCommand::Show(args) => {
            let filter = JournalFilter::parse(&args.filter, (world.clock)())
                .map_err(|why| Answer::usage(format!("quell: the filter: {why}")))?;
            let show = Show::of(settings, args.reading.format(), world, output);
            let path = place(&args.journal, settings, world);
            let lines = lines(&path, &args.journal)?;
            match show.format {
                Format::Json => show_json(&path, &filter, &args.filter, &lines),
                Format::Text => Ok(show_text(&filter, &lines, &show.page)),
            }
        }
        JournalCommand::Verify(args) => {
            let show = Show::of(settings, args.reading.format(), world, output);
            let path = place(&args.journal, settings, world);
            let verdict = verdict(&path, args, settings)?;
            match show.format {
                Format::Json => verify_json(&path, &verdict),
                Format::Text => Ok(verify_text(&path, &verdict, &show.page)),
            }
        }
        JournalCommand::Export(journal) => {
            let lines = lines(&place(journal, settings, world), journal)?;
            Ok(ended(lines.text, lines.broken.as_ref()))
        }
    }
}

/// Which journal is meant.
fn place(args: &JournalFile, settings: &Settings, world: &World) -> PathBuf {
    let configured = settings.actions.journal.path.as_ref();
    let environment = settings.environment.as_ref().map(|env| &*env.name);
    let file = args.file.as_ref().or(configured);
    file.map_or_else(
        || world.paths.journal_file(environment),
        |file| world.paths.expand(file),
    )
}

/// A journal of one's own that was never written is empty; a copy that is named has to be there.
fn lines(path: &Path, args: &JournalFile) -> Result<Lines, Answer> {
    if args.file.is_some() && !path.exists() {
        return Err(unreadable(&format!("{}: no such file", path.display())));
    }
    journal::lines(path).map_err(|error| unreadable(error.0.shown()))
}

fn verdict(path: &Path, args: &JournalVerifyArgs, settings: &Settings) -> Result<Verdict, Answer> {
    // The config's anchors are of one's own journals.
    let anchors = match args.journal.file {
        None => &*settings.actions.journal.anchors,
        Some(_) => &[],
    };
    let against = Against {
        anchors,
        files: &args.anchor,
    };
    let verdict = journal::verify(path, &against);
    verdict.map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => {
                "no such file: nothing was ever done, or it was taken away".to_owned()
            }
            _ => error.to_string(),
        };
        unreadable(&format!("{}: {why}", path.display()))
    })
}

fn unreadable(why: &str) -> Answer {
    Answer {
        complaint: Some(format!("quell: the journal: {}", shown(why))),
        ..Answer::with(String::new(), Exit::Nothing)
    }
}

/// An answer that ends as the journal stands.
fn ended(document: String, broken: Option<&Break>) -> Answer {
    let exit = if broken.is_some() {
        Exit::Partial
    } else {
        Exit::Whole
    };
    Answer {
        complaint: broken
            .map(|broken| format!("quell: the journal: {}", shown(&journal::words(broken)))),
        ..Answer::with(document, exit)
    }
}

#[derive(Serialize)]
struct ShowDoc<'a> {
    path: String,
    filter: Option<String>,
    total: usize,
    broken: Option<BreakDoc>,
    records: Vec<&'a RawValue>,
}

#[derive(Serialize)]
struct BreakDoc {
    seq: u64,
    offset: u64,
    what: String,
}

impl BreakDoc {
    fn of(broken: &Break) -> Self {
        Self {
            seq: broken.seq,
            offset: broken.offset,
            what: shown(&broken.what),
        }
    }
}

fn show_json(path: &Path, filter: &JournalFilter, words: &[String], lines: &Lines) -> Outcome {
    let chosen = lines.text.lines().filter(|line| {
        let kept: Option<Kept> = serde_json::from_str(line).ok();
        filter.matches(kept.as_ref())
    });
    // As they stand in the file: what a newer quell wrote is passed on whole.
    let records: Result<Vec<&RawValue>, _> = chosen.map(serde_json::from_str).collect();
    let body = ShowDoc {
        path: shown(&path.display().to_string()),
        filter: (!words.is_empty()).then(|| shown(&words.join(" "))),
        total: lines.text.lines().count(),
        broken: lines.broken.as_ref().map(BreakDoc::of),
        records: records.map_err(|error| unwritable(&error))?,
    };
    let document = Document::text("quell.journal/1", body).map_err(|error| unwritable(&error))?;
    Ok(ended(document, lines.broken.as_ref()))
}

fn show_text(filter: &JournalFilter, lines: &Lines, page: &Page) -> Answer {
    let all: Vec<Option<Kept>> = lines
        .text
        .lines()
        .map(|line| serde_json::from_str(line).ok())
        .collect();
    let chosen = all
        .iter()
        .enumerate()
        .filter(|(_, kept)| filter.matches(kept.as_ref()));
    let chosen: Vec<(usize, Option<&Kept>)> =
        chosen.map(|(seq, kept)| (seq, kept.as_ref())).collect();
    let mut out = String::new();
    let head = match (chosen.len(), all.len()) {
        (_, 0) => "no records: nothing was done from here".to_owned(),
        (0, all) => format!("none of {} matches", count(all, "record")),
        (some, all) if some < all => {
            format!("{} of {}", some, count(all, "record"))
        }
        (_, all) => count(all, "record"),
    };
    let role = if chosen.is_empty() {
        Role::Faint
    } else {
        Role::Heading
    };
    page.line(&mut out, role, &head);
    let mut table = Table::new();
    for (seq, kept) in chosen {
        row(&mut table, seq, kept, page);
    }
    table.render(page, &mut out);
    ended(out, lines.broken.as_ref())
}

fn row(table: &mut Table<'_>, seq: usize, kept: Option<&Kept>, page: &Page) {
    let number = rigid(format!("{seq:>4}")).role(Role::Faint);
    let Some(Kept { record, .. }) = kept else {
        let words = "a record of a newer quell: this one does not understand it";
        return table.row(vec![number, rest(words).role(Role::Care)]);
    };
    let is_wide = page.columns.is_none_or(|columns| columns >= WIDE);
    let form = if is_wide {
        "%Y-%m-%d %H:%M:%SZ"
    } else {
        "%H:%M:%S"
    };
    let mut cells = vec![number, rigid(record.at.format(form).to_string())];
    if is_wide {
        cells.push(cell(who(record)));
    }
    let action = record.action.as_ref();
    let action = action.map_or(page.dash(), |action| action.short());
    let (text, role) = said(&record.entry);
    cells.extend([
        rigid(action.to_owned()).role(Role::Faint),
        cell(kind(&record.entry).replace('_', " ")),
        rest(text).role(role),
    ]);
    table.row(cells);
}

#[derive(Serialize)]
struct VerifyDoc {
    path: String,
    key: Option<String>,
    records: u64,
    bytes: u64,
    broken: Option<BreakDoc>,
    anchored_records: u64,
    proofs: Vec<ProofDoc>,
    doubts: Vec<String>,
}

#[derive(Serialize)]
struct ProofDoc {
    by: String,
    strength: &'static str,
    records: u64,
    at: DateTime<Utc>,
}

impl ProofDoc {
    fn of(proof: &Proof) -> Self {
        Self {
            by: shown(&proof.by),
            strength: match proof.strength {
                Strength::Own => "own",
                Strength::Anchor => "anchor",
            },
            records: proof.records,
            at: proof.at,
        }
    }
}

fn verify_json(path: &Path, verdict: &Verdict) -> Outcome {
    let body = VerifyDoc {
        path: shown(&path.display().to_string()),
        key: verdict.name.as_deref().map(shown),
        records: verdict.records,
        bytes: verdict.bytes,
        broken: verdict.broken.as_ref().map(BreakDoc::of),
        anchored_records: verdict.anchored(),
        proofs: verdict.proofs.iter().map(ProofDoc::of).collect(),
        doubts: verdict.doubts.iter().map(|doubt| shown(doubt)).collect(),
    };
    let document = Document::text("quell.journal.verify/1", body);
    Ok(verified(
        document.map_err(|error| unwritable(&error))?,
        verdict,
    ))
}

/// The document says what is wrong: there is nothing more to complain of.
fn verified(document: String, verdict: &Verdict) -> Answer {
    let is_whole = verdict.broken.is_none() && verdict.doubts.is_empty();
    Answer::with(document, if is_whole { Exit::Whole } else { Exit::Partial })
}

fn verify_text(path: &Path, verdict: &Verdict, page: &Page) -> Answer {
    let mut out = String::new();
    let mut table = Table::new();
    let mut line = |word: &'static str, text: String, role| {
        table.row(vec![
            cell(word).role(Role::Faint),
            rest(shown(&text)).role(role),
        ]);
    };
    line("journal", path.display().to_string(), Role::Plain);
    if let Some(name) = &verdict.name {
        line("key", name.clone(), Role::Plain);
    }
    match &verdict.broken {
        None => {
            let records = count(
                usize::try_from(verdict.records).unwrap_or(usize::MAX),
                "record",
            );
            let text = format!("{records} in {} bytes: every one holds", verdict.bytes);
            line("records", text, Role::Good);
        }
        Some(broken) => {
            line("BROKEN", journal::words(broken), Role::Bad);
            let text = format!("{} before it, {} bytes", verdict.records, verdict.bytes);
            line("records", text, Role::Plain);
        }
    }
    for proof in &verdict.proofs {
        line("proof", proves(proof), Role::Plain);
    }
    for doubt in &verdict.doubts {
        line("doubt", doubt.clone(), Role::Care);
    }
    if verdict.anchored() == 0 && verdict.records > 0 && verdict.broken.is_none() {
        let text = "no anchor: that the whole file was not written anew is not proven; name one with \
                    --anchor FILE";
        line("doubt", text.to_owned(), Role::Faint);
    }
    table.render(page, &mut out);
    verified(out, verdict)
}

/// `records 0 to 25 are as they were at 2026-11-21T14:02:00Z: /mnt/anchors/quell`
fn proves(proof: &Proof) -> String {
    let at = proof.at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let by = match proof.strength {
        Strength::Own => format!("{}, which stands beside it", proof.by),
        Strength::Anchor => proof.by.clone(),
    };
    match proof.records {
        0 => format!("it was empty at {at}: {by}"),
        1 => format!("record 0 is as it was at {at}: {by}"),
        many => format!("records 0 to {} are as they were at {at}: {by}", many - 1),
    }
}
