//! What do all files of a source say together?
//!
//! Called by [`super::Terraform`] on a thread that may block. Every file is read twice: first for the
//! secrets of all of them, then for what they tell. What a file is is told by what it holds, not by
//! its name.

use std::collections::HashMap;
use std::io::{self, BufReader, Read, Seek};

use chrono::{DateTime, Utc};

use super::document::{self, Holds};
use super::files::{Asked, plans};
use super::taint::Taint;
use super::tell::{Origin, Told};
use super::{lines, plan, secrets, stream};
use crate::domain::delivery::{DeliveryAnswer, Part, PartState};
use crate::domain::drift::DriftKind;
use crate::domain::duration::short;
use crate::domain::text::Untrusted;
use crate::sources::folder::{self, HowRefused, Identity, Links, Listed, Listing};

/// So much of a file is looked at to see whether it is a stream.
const SNIFF_BYTES: u64 = 64 * 1024;

/// Clocks differ by this much without a word.
const FUTURE_SECS: i64 = 120;

/// An answer, and until when it holds though nobody writes.
pub(super) struct Reading {
    pub(super) answer: DeliveryAnswer,
    pub(super) good_until: Option<DateTime<Utc>>,
}

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Document,
    Stream,
}

/// Why a file tells nothing.
struct Failure {
    /// `line:column`, where there is one.
    at: Option<(usize, usize)>,
    what: String,
    /// Whether it seems to be a plan, so that its resources are of unknown state.
    is_plan: bool,
}

impl Failure {
    fn new(what: impl Into<String>) -> Self {
        Self {
            at: None,
            what: what.into(),
            is_plan: false,
        }
    }

    fn of(error: &serde_json::Error) -> Self {
        let next = "write the whole plan to another name, then rename it";
        Self {
            at: Some((error.line().max(1), error.column().max(1))),
            what: format!("{}; {next}", document::what(error)),
            is_plan: true,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(format!("cannot be read: {error}; let your user read it"))
    }
}

/// Reads everything.
pub(super) fn read(listing: &Listing, asked: &Asked<'_>) -> Reading {
    let mut answer = DeliveryAnswer::default();
    let mut good_until: Option<DateTime<Utc>> = None;
    let (plans, problems) = plans(listing, asked.settings);
    let mut taint = Taint::default();
    let mut shapes = Vec::new();
    for plan in &plans {
        let shape = match &plan.refused {
            Some(why) => Err(Failure::new(why.clone())),
            None => collect(plan.file, &mut taint),
        };
        shapes.push(shape);
    }
    answer.limits.extend(
        problems
            .iter()
            .map(|problem| Untrusted::line(&taint.redact(problem))),
    );
    for refused in &listing.refused {
        let (name, why) = (&refused.name, &refused.why);
        match refused.how {
            HowRefused::Failed => answer.parts.push(Part {
                what: Untrusted::line(&taint.redact(name)),
                state: PartState::Failed(Untrusted::line(why)),
            }),
            HowRefused::LeftOut => {
                let what = format!("{name} {why}");
                answer.limits.push(Untrusted::line(&taint.redact(&what)));
            }
        }
    }
    if plans.is_empty() {
        let what = "there is no plan in it; write one there with `terraform show -json`";
        answer.parts.push(Part {
            what: Untrusted::line(&asked.settings.path.to_string_lossy()),
            state: PartState::Failed(Untrusted::line(what)),
        });
    }
    for (plan, shape) in plans.iter().zip(shapes) {
        let mut origin = plan.origin(asked, &taint);
        let told = shape.and_then(|shape| tell(plan.file, shape, &mut origin));
        let (told, state) = match told {
            Ok(told) => {
                let state = PartState::Read(told.rows());
                (told, state)
            }
            Err(failure) => failed(&failure, &origin),
        };
        if let Some(at) = origin.report.at.filter(|at| is_future(*at, asked.now)) {
            let ahead = short((at - asked.now).num_seconds().unsigned_abs());
            let what = format!("its time is {ahead} in the future: a clock is wrong");
            answer.limits.push(origin.limit(&what));
            good_until = earlier(good_until, Some(at));
        }
        good_until = earlier(good_until, told.good_until);
        add(told, state, &origin, &mut answer);
    }
    name_apart(&mut answer);
    Reading { answer, good_until }
}

fn is_future(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    (at - now).num_seconds() > FUTURE_SECS
}

fn earlier(a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// The first pass: what a file is, and what is sensitive in it.
fn collect(file: &Listed, taint: &mut Taint) -> Result<Shape, Failure> {
    let mut opened = open(file)?;
    let shape = shape_of(&mut opened)?;
    if shape == Shape::Document {
        secrets::collect(BufReader::new(&mut opened), taint)
            .map_err(|error| Failure::of(&error))?;
    }
    Ok(shape)
}

fn open(file: &Listed) -> Result<std::fs::File, Failure> {
    let (opened, identity) = folder::open(&file.path, Links::Follow)?;
    is_still(file, identity)?;
    Ok(opened)
}

/// A plan that is written while it is read may hold secrets that were not met yet.
fn is_still(file: &Listed, identity: Identity) -> Result<(), Failure> {
    if identity == file.identity {
        return Ok(());
    }
    let what = "is being written: it is read again at the next poll";
    Err(Failure {
        is_plan: true,
        ..Failure::new(what)
    })
}

fn shape_of(file: &mut std::fs::File) -> Result<Shape, Failure> {
    let mut start = Vec::new();
    file.by_ref().take(SNIFF_BYTES).read_to_end(&mut start)?;
    let is_marked = start.starts_with(b"\xef\xbb\xbf");
    file.seek(io::SeekFrom::Start(if is_marked { 3 } else { 0 }))?;
    if start.trim_ascii().is_empty() {
        return Err(Failure::new("is empty: the plan was not written; look why"));
    }
    if start.starts_with(b"PK\x03\x04") {
        let what = "is a binary plan: write it as JSON with `terraform show -json FILE`";
        return Err(Failure::new(what));
    }
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        let what = "is UTF-16, as PowerShell writes it: write it as UTF-8";
        return Err(Failure::new(what));
    }
    let is_stream = start.split(|b| *b == b'\n').take(50).any(lines::is_line);
    Ok(if is_stream {
        Shape::Stream
    } else {
        Shape::Document
    })
}

/// The second pass: what a file tells.
fn tell(file: &Listed, shape: Shape, origin: &mut Origin<'_>) -> Result<Told, Failure> {
    let mut opened = open(file)?;
    if shape_of(&mut opened)? != shape {
        let what = "is being written: it is read again at the next poll";
        return Err(Failure::new(what));
    }
    let from = BufReader::new(&mut opened);
    let told = match shape {
        Shape::Stream => {
            let stream = lines::read(from)?;
            set_time(origin, stream.last_at, file);
            stream::tell(&stream, origin)
        }
        Shape::Document => {
            let document =
                document::read(from, origin.taint).map_err(|error| Failure::of(&error))?;
            match document.holds {
                Holds::Plan => {}
                Holds::State => {
                    let what = "holds a state, not a plan: it is no drift report; write the plan with `terraform show -json PLANFILE`";
                    return Err(Failure::new(what));
                }
                // A plan of another version may have other fields.
                Holds::Nothing if document.format_version.is_some() => {}
                Holds::Nothing => {
                    let what = "is neither a plan (`terraform show -json`) nor a stream (`terraform plan -json`); take it away, or name the right folder";
                    return Err(Failure::new(what));
                }
            }
            let at = document.timestamp.as_deref();
            let at = at.and_then(|text| DateTime::parse_from_rfc3339(text).ok());
            set_time(origin, at.map(|at| at.to_utc()), file);
            plan::tell(&document, origin)
        }
    };
    is_still(file, Identity::of(&opened.metadata()?))?;
    Ok(told)
}

/// The time of the plan, else of its sidecar, else of the file, which is said.
fn set_time(origin: &mut Origin<'_>, told: Option<DateTime<Utc>>, file: &Listed) {
    let report = &mut origin.report;
    report.at = told.or(report.at);
    if report.at.is_none() {
        report.at = Some(file.identity.written_at());
        let provenance = report.provenance.take();
        let provenance = provenance
            .map(|p| format!("{}, ", p.raw()))
            .unwrap_or_default();
        let text = format!("{provenance}time of the file");
        report.provenance = Some(Untrusted::line(&text));
    }
}

/// A file that tells nothing: said, and never taken for clean.
fn failed(failure: &Failure, origin: &Origin<'_>) -> (Told, PartState) {
    let what = match failure.at {
        Some((line, column)) => format!("{}:{line}:{column}: {}", origin.file, failure.what),
        None => failure.what.clone(),
    };
    let mut told = Told::default();
    if failure.is_plan {
        let detail = format!("the plan cannot be read: {what}");
        told.drifts.push(origin.verdict(DriftKind::Error, &detail));
    }
    (told, PartState::Failed(origin.line(&what)))
}

fn add(told: Told, state: PartState, origin: &Origin<'_>, answer: &mut DeliveryAnswer) {
    let notes = if told.notes.is_empty() {
        String::new()
    } else {
        format!(" ({})", told.notes.join("; "))
    };
    answer.parts.push(Part {
        what: origin.line(&format!("{}{notes}", origin.file)),
        state,
    });
    answer.drifts.extend(told.drifts);
    answer.troubles.extend(told.troubles);
    answer.changes.extend(told.changes);
    answer.limits.extend(told.limits);
    answer.version = answer.version.take().max(told.version);
}

/// Two resources may have the same name once their secrets are hidden.
fn name_apart(answer: &mut DeliveryAnswer) {
    let mut met: HashMap<Untrusted, usize> = HashMap::new();
    for drift in &mut answer.drifts {
        let times = met.entry(drift.id.clone()).or_default();
        *times += 1;
        if *times > 1 {
            drift.id = Untrusted::line(&format!("{}#{times}", drift.id.raw()));
        }
    }
}
