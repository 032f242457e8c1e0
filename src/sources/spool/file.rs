//! What was pushed with one file, and what of it is new since it was read last?
//!
//! A `.json` holds one event or a list of them and is read whole. Everything else holds an event a
//! line and grows: only what was added is read. Called by [`super::poll`] on a thread that may block.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::cdevents::Heard;
use super::event;
use super::record::{Problem, Record};
use crate::sources::folder::{self, Identity, Links, Listed};

/// No more of a file is read at once.
const MAX_READ_BYTES: u64 = 64 * 1024 * 1024;

/// No more events are kept; the newest count.
pub(super) const MAX_EVENTS: usize = 10_000;

/// No more problems of one file are told, only counted.
const MAX_PROBLEMS: usize = 20;

/// No more other types of events are named.
const MAX_OTHERS: usize = 20;

/// What was not finished for so long is a mistake: a writer needs no minute for a line.
const HALF_WRITTEN: TimeDelta = TimeDelta::minutes(1);

/// By its beginning a file is known again.
const HEAD_BYTES: u64 = 256;

/// What one file told.
#[derive(Debug)]
pub(super) struct SpoolFile {
    pub(super) name: String,
    identity: Identity,
    /// Of its first bytes, and how many.
    head: (u64, u64),
    /// How far it was read.
    offset: u64,
    /// How many line breaks come before that.
    line: u64,
    pub(super) records: Vec<Record>,
    /// How many records were dropped for newer ones.
    pub(super) dropped: usize,
    /// `file:line:column: what, next`.
    pub(super) problems: Vec<String>,
    pub(super) more_problems: usize,
    /// Unknown keys that were named already.
    named_keys: BTreeSet<String>,
    /// Events that tell of no change, by type.
    pub(super) others: BTreeMap<String, usize>,
    /// What is being written, as a problem if it stays like that.
    half: Option<String>,
    /// There is more to read.
    pub(super) has_more: bool,
    /// Why it cannot be read.
    pub(super) failed: Option<String>,
}

impl SpoolFile {
    /// One that was not read yet.
    pub(super) fn new(listed: &Listed) -> Self {
        Self {
            name: listed.name.clone(),
            identity: listed.identity,
            head: (0, 0),
            offset: 0,
            line: 0,
            records: Vec::new(),
            dropped: 0,
            problems: Vec::new(),
            more_problems: 0,
            named_keys: BTreeSet::new(),
            others: BTreeMap::new(),
            half: None,
            has_more: true,
            failed: None,
        }
    }

    /// Whether there is nothing new in it.
    pub(super) fn is_read(&self, listed: &Listed) -> bool {
        self.identity == listed.identity && !self.has_more && self.failed.is_none()
    }

    /// Reads what is new. Where it is not the file any more that it was, what it told so far is
    /// given back and it is read from its start.
    pub(super) fn read(&mut self, listed: &Listed) -> Vec<Record> {
        match self.try_read(listed) {
            Ok(old) => {
                self.failed = None;
                old
            }
            Err(error) => {
                let next = "let your user read it, or take it away";
                self.failed = Some(format!("cannot be read: {error}; {next}"));
                Vec::new()
            }
        }
    }

    fn try_read(&mut self, listed: &Listed) -> io::Result<Vec<Record>> {
        let (mut file, identity) = folder::open(&listed.path, Links::Refuse)?;
        let is_lines = !is_whole(&listed.name);
        let mut old = Vec::new();
        let is_known = is_lines
            && self.identity.is_same_file(&identity)
            && identity.size >= self.offset
            && head_of(&mut file, self.head.1)? == self.head;
        if !is_known {
            old = std::mem::replace(self, Self::new(listed)).records;
        }
        self.identity = identity;
        // Of a whole file nothing is kept from an earlier try.
        self.half = None;
        self.has_more = false;
        self.head = head_of(&mut file, HEAD_BYTES)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        file.take(MAX_READ_BYTES + 1).read_to_end(&mut bytes)?;
        if is_lines {
            self.lines(&mut bytes);
        } else {
            self.whole(&bytes);
        }
        if self.records.len() > MAX_EVENTS * 2 {
            self.dropped += keep_newest(&mut self.records);
        }
        Ok(old)
    }

    fn lines(&mut self, bytes: &mut Vec<u8>) {
        if bytes.len() as u64 > MAX_READ_BYTES {
            bytes.pop();
            self.has_more = true;
        }
        let mut start = 0;
        while let Some(length) = bytes[start..].iter().position(|b| *b == b'\n') {
            let line = &bytes[start..start + length];
            if let Err(problem) = self.take(line) {
                self.problem(problem);
            }
            start += length + 1;
            self.line += 1;
            if self.records.len() > MAX_EVENTS * 2 {
                self.dropped += keep_newest(&mut self.records);
            }
        }
        let rest = &bytes[start..];
        self.offset += start as u64;
        if rest.trim_ascii().is_empty() {
            return;
        }
        if self.has_more {
            // What comes after is read next time, unless this one line is all there was.
            if start == 0 {
                let line = self.line + 1;
                self.offset += rest.len() as u64;
                let what = "the line is longer than 64 MiB: not read; write shorter events";
                self.problem(format!("{}:{line}:1: {what}", self.name));
            }
            return;
        }
        // Without its line break a line may still be written; if it is whole already, it counts.
        match self.take(rest) {
            Ok(()) => self.offset += rest.len() as u64,
            Err(problem) => self.half = Some(problem),
        }
    }

    fn whole(&mut self, bytes: &[u8]) {
        self.offset = bytes.len() as u64;
        if bytes.len() as u64 > MAX_READ_BYTES {
            let what = "is larger than 64 MiB: not read; write an event a line to a .jsonl";
            self.problem(format!("{}:1:1: {what}", self.name));
        } else if bytes.trim_ascii().is_empty() {
            let what = "is empty; write the event to another name, then rename it";
            self.half = Some(format!("{}:1:1: {what}", self.name));
        } else if let Err(problem) = self.take(bytes) {
            match serde_json::from_slice::<serde::de::IgnoredAny>(bytes.trim_ascii()) {
                Err(error) if error.is_eof() => self.half = Some(problem),
                _ => self.problem(problem),
            }
        }
    }

    /// Takes the event, or the list of them, that stands here. The problem says where.
    fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        let (name, line) = (&self.name, self.line + 1);
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let column = error.valid_up_to() + 1;
            format!("{name}:{line}:{column}: is no text in UTF-8; write it as UTF-8")
        })?;
        if text.trim().is_empty() {
            return Ok(());
        }
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let message = error.to_string();
            let what = message.rsplit_once(" at line ").map_or(&*message, |m| m.0);
            let line = self.line + error.line().max(1) as u64;
            let column = error.column().max(1);
            format!("{name}:{line}:{column}: is no JSON: {what}; write one event a line, or one to a file")
        })?;
        match &value {
            Value::Array(events) => {
                for (at, event) in events.iter().enumerate() {
                    self.event(event, text, Some(at + 1));
                }
            }
            event => self.event(event, text, None),
        }
        Ok(())
    }

    fn event(&mut self, value: &Value, text: &str, number: Option<usize>) {
        let event = match event::read(value) {
            Ok(event) => event,
            Err(problem) => return self.placed(&problem, text, number),
        };
        for problem in &event.problems {
            // A pipeline that always writes a key is told so once.
            let is_about_key = problem.what.contains("is not known and not used");
            if is_about_key && !self.named_keys.insert(problem.what.clone()) {
                continue;
            }
            self.placed(problem, text, number);
        }
        match event.heard {
            Heard::Record(record) => self.records.push(record),
            Heard::Other(kind) => {
                let kind = kind.get(..200).map_or_else(|| kind.clone(), str::to_owned);
                if self.others.len() < MAX_OTHERS || self.others.contains_key(&kind) {
                    *self.others.entry(kind).or_default() += 1;
                } else {
                    *self.others.entry("others".to_owned()).or_default() += 1;
                }
            }
        }
    }

    fn placed(&mut self, problem: &Problem, text: &str, number: Option<usize>) {
        let quoted = problem
            .key
            .as_deref()
            .map(|key| Value::from(key).to_string());
        let at = match (&quoted, number) {
            (Some(quoted), None) => text.find(quoted.as_str()).unwrap_or(0),
            // Of a list only the number of the event is known.
            _ => text.len() - text.trim_start().len(),
        };
        let before = text.get(..at).unwrap_or_default();
        let line = self.line + 1 + before.matches('\n').count() as u64;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        let which = number.map(|n| format!("event {n}: ")).unwrap_or_default();
        self.problem(format!(
            "{}:{line}:{column}: {which}{}",
            self.name, problem.what
        ));
    }

    fn problem(&mut self, problem: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.more_problems += 1;
        }
    }

    /// What stays unfinished, as a problem; or until when it is waited for.
    pub(super) fn half_written(&self, now: DateTime<Utc>) -> Half<'_> {
        let Some(problem) = &self.half else {
            return Half::None;
        };
        let until = self.identity.written_at() + HALF_WRITTEN;
        if now < until {
            Half::WaitedFor(until)
        } else {
            Half::Problem(problem)
        }
    }
}

/// Whether a file of this name holds one event, or a list of them, and nothing else.
fn is_whole(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end == "json")
}

/// Something that is not written to its end.
pub(super) enum Half<'a> {
    None,
    WaitedFor(DateTime<Utc>),
    Problem(&'a str),
}

/// Of the first bytes of a file, no more than so many, and how many there were.
fn head_of(file: &mut std::fs::File, length: u64) -> io::Result<(u64, u64)> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.by_ref().take(length).read_to_end(&mut bytes)?;
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    Ok((hasher.finish(), bytes.len() as u64))
}

/// Keeps the newest events in their order, and says how many were dropped.
pub(super) fn keep_newest(records: &mut Vec<Record>) -> usize {
    let Some(surplus) = records.len().checked_sub(MAX_EVENTS).filter(|n| *n > 0) else {
        return 0;
    };
    let mut times: Vec<(DateTime<Utc>, usize)> = records
        .iter()
        .enumerate()
        .map(|(at, record)| (record.at(), at))
        .collect();
    times.sort_unstable();
    let dropped: BTreeSet<usize> = times.into_iter().take(surplus).map(|(_, at)| at).collect();
    let mut at = 0;
    records.retain(|_| {
        at += 1;
        !dropped.contains(&(at - 1))
    });
    surplus
}
