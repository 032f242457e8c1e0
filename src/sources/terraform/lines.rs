//! What do the lines of a stream hold?
//!
//! The wire format of `terraform plan -json` and `terraform apply -json`: one JSON object a line. Called
//! by [`super::read`]; what it means is for [`super::stream`].

use std::collections::HashMap;
use std::io::{self, BufRead, Read};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::document;

/// No longer line is read.
const MAX_LINE_BYTES: u64 = 4 * 1024 * 1024;

/// No more bad lines of one stream are told, only counted.
const MAX_BAD_LINES: usize = 20;

/// No more resources of one stream are told, only counted.
const MAX_RESOURCES: usize = 5_000;

/// What a stream holds.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) version: Option<String>,
    pub(super) ui: Option<String>,
    /// The time of the last line that has one.
    pub(super) last_at: Option<DateTime<Utc>>,
    pub(super) drift: Vec<Resource>,
    pub(super) pending: Vec<Resource>,
    pub(super) left_out: usize,
    pub(super) moved: usize,
    pub(super) outputs: usize,
    pub(super) has_plan_summary: bool,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) warnings: usize,
    pub(super) apply: Option<Apply>,
    /// `line:column: what`, and whether it is the last line, cut off.
    pub(super) bad_lines: Vec<String>,
    pub(super) more_bad_lines: usize,
}

#[derive(Debug)]
pub(super) struct Resource {
    pub(super) at: WireResource,
    pub(super) previous: Option<String>,
    pub(super) action: String,
    pub(super) reason: Option<String>,
}

/// What an apply did.
#[derive(Debug)]
pub(super) struct Apply {
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) finished_at: Option<DateTime<Utc>>,
    pub(super) destroys: bool,
    pub(super) begun: usize,
    pub(super) done: usize,
    pub(super) failed: usize,
    pub(super) summary: Option<WireSummary>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireLine {
    #[serde(rename = "@timestamp")]
    timestamp: Option<String>,
    r#type: String,
    terraform: Option<String>,
    tofu: Option<String>,
    ui: Option<String>,
    change: Option<WireChange>,
    hook: Option<WireHook>,
    changes: Option<WireSummary>,
    outputs: HashMap<String, WireOutput>,
    diagnostic: Option<Diagnostic>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireChange {
    resource: WireResource,
    previous_resource: Option<WireResource>,
    action: String,
    reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireHook {
    action: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireResource {
    pub(super) addr: String,
    pub(super) module: Option<String>,
    pub(super) resource_type: Option<String>,
    pub(super) resource_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireSummary {
    pub(super) add: u64,
    pub(super) change: u64,
    pub(super) remove: u64,
    pub(super) operation: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireOutput {
    action: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Diagnostic {
    pub(super) severity: String,
    pub(super) summary: String,
    pub(super) detail: String,
    pub(super) address: Option<String>,
    range: Option<WireRange>,
    snippet: Option<WireSnippet>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireRange {
    filename: String,
    start: WirePosition,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WirePosition {
    line: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireSnippet {
    context: Option<String>,
}

/// Enough of a line to tell whether a file is a stream.
#[derive(Deserialize)]
struct Probe {
    #[serde(rename = "@level")]
    _level: IgnoredAny,
    #[serde(rename = "type")]
    _type: IgnoredAny,
}

/// Whether a line is one of a stream.
pub(super) fn is_line(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Probe>(bytes).is_ok()
}

/// Reads a stream to its end. What is wrong with one line is kept beside it.
pub(super) fn read(mut from: impl BufRead) -> io::Result<Stream> {
    let mut stream = Stream::default();
    let mut bytes = Vec::new();
    let mut number = 0;
    loop {
        bytes.clear();
        let limited = &mut from.by_ref().take(MAX_LINE_BYTES);
        if limited.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(stream);
        }
        number += 1;
        let is_ended = bytes.ends_with(b"\n");
        if !is_ended && bytes.len() as u64 == MAX_LINE_BYTES {
            stream.bad_line(format!(
                "{number}:1: the line is longer than 4 MiB: not read"
            ));
            from.skip_until(b'\n')?;
            continue;
        }
        let text = bytes.trim_ascii();
        if text.is_empty() {
            continue;
        }
        match serde_json::from_slice::<WireLine>(text) {
            Ok(line) => stream.add(line),
            Err(error) => {
                let what = if error.is_eof() && !is_ended {
                    "the last line is cut off".to_owned()
                } else {
                    format!("no line of a stream: {}", document::what(&error))
                };
                stream.bad_line(format!("{number}:{}: {what}", error.column().max(1)));
            }
        }
    }
}

impl Stream {
    fn bad_line(&mut self, what: String) {
        if self.bad_lines.len() < MAX_BAD_LINES {
            self.bad_lines.push(what);
        } else {
            self.more_bad_lines += 1;
        }
    }

    fn add(&mut self, line: WireLine) {
        let time = line.timestamp.as_deref();
        let time = time.and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        let at = time.map(|time| time.to_utc());
        self.last_at = at.or(self.last_at);
        match &*line.r#type {
            "version" => {
                self.ui = line.ui;
                self.version = line.terraform.or(line.tofu);
            }
            "resource_drift" | "planned_change" => {
                let Some(change) = line.change else {
                    return;
                };
                let list = if line.r#type == "resource_drift" {
                    &mut self.drift
                } else {
                    &mut self.pending
                };
                match &*change.action {
                    "move" => self.moved += usize::from(line.r#type == "planned_change"),
                    "noop" | "no-op" | "read" | "import" => {}
                    _ if list.len() >= MAX_RESOURCES => self.left_out += 1,
                    _ => list.push(Resource {
                        at: change.resource,
                        previous: change.previous_resource.map(|previous| previous.addr),
                        action: change.action,
                        reason: change.reason,
                    }),
                }
            }
            "apply_start" | "apply_complete" | "apply_errored" => {
                let action = line.hook.map(|hook| hook.action).unwrap_or_default();
                // Reading a data source changes nothing.
                if action == "read" {
                    return;
                }
                let apply = self.apply(at);
                apply.destroys |= action == "delete" || action == "replace";
                match &*line.r#type {
                    "apply_start" => apply.begun += 1,
                    "apply_complete" => apply.done += 1,
                    _ => apply.failed += 1,
                }
            }
            "change_summary" => {
                let summary = line.changes.unwrap_or_default();
                if summary.operation == "plan" {
                    self.has_plan_summary = true;
                } else {
                    let apply = self.apply(at);
                    apply.finished_at = at;
                    apply.summary = Some(summary);
                }
            }
            "outputs" => {
                let outputs = line.outputs.values();
                let is_change = |output: &&WireOutput| {
                    let action = output.action.as_deref();
                    action.is_some_and(|action| action != "noop" && action != "no-op")
                };
                self.outputs = outputs.filter(is_change).count();
            }
            "diagnostic" => match line.diagnostic {
                Some(told) if told.is_told() => {
                    if self.diagnostics.len() < MAX_RESOURCES {
                        self.diagnostics.push(told);
                    }
                }
                _ => self.warnings += 1,
            },
            _ => {}
        }
    }

    fn apply(&mut self, at: Option<DateTime<Utc>>) -> &mut Apply {
        self.apply.get_or_insert(Apply {
            started_at: at,
            finished_at: None,
            destroys: false,
            begun: 0,
            done: 0,
            failed: 0,
            summary: None,
        })
    }

    /// What went wrong, in a few words.
    pub(super) fn failure(&self) -> Option<String> {
        let errors: Vec<&Diagnostic> = self.diagnostics.iter().filter(|d| d.is_error()).collect();
        let first = errors.first()?;
        let more = match errors.len() {
            1 => String::new(),
            n => format!(" (and {} more errors)", n - 1),
        };
        Some(format!("{}{more}", first.told()))
    }
}

impl Diagnostic {
    fn is_error(&self) -> bool {
        self.severity == "error"
    }

    pub(super) fn is_check(&self) -> bool {
        self.summary == "Check block assertion failed"
    }

    pub(super) fn is_target(&self) -> bool {
        self.summary == "Resource targeting is in effect"
    }

    fn is_told(&self) -> bool {
        self.is_error() || self.is_check() || self.is_target()
    }

    /// The summary and where it is. Details quote values.
    pub(super) fn told(&self) -> String {
        let address = self.address.as_deref().filter(|a| !a.is_empty());
        let address = address.map(|a| format!(" at {a}")).unwrap_or_default();
        let range = self.range.as_ref();
        let range = range.map(|r| format!(" ({}:{})", r.filename, r.start.line));
        format!("{}{address}{}", self.summary, range.unwrap_or_default())
    }

    /// `check "floor"` is `check.floor`.
    pub(super) fn check_address(&self) -> String {
        let context = self.snippet.as_ref().and_then(|s| s.context.as_deref());
        let context = context.unwrap_or("check");
        context.replace(" \"", ".").replace('"', "")
    }
}
