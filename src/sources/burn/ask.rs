//! How are many expressions asked for with few requests, and what if one of them is bad?
//!
//! [`Asker::ask`] makes a union of the expressions of each question, two requests at a time. A union
//! that is too long is halved; of one that is refused the bad expression is found by halving, and the
//! others go on. Called by the poll and by [`super::history`]. It knows no SLO, only
//! numbers.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::measure::Text;
use super::promql::{MARK, marked};
use crate::domain::observed::{QueryAnswer, Series};
use crate::domain::slo_measured::{NoData, QueryCost};
use crate::domain::source::{ErrorKind, SourceError};
use crate::domain::text::Untrusted;
use crate::sources::http::HttpError;
use crate::sources::prometheus::QueryHandle;

/// Requests at the same time: the server has others to serve.
const AT_ONCE: usize = 2;

/// Of a URL: the HTTP library takes less than 64 KiB.
const MAX_URL_BYTES: usize = 60_000;

/// Operands of a union, so that no server recurses too deep.
const MAX_OPERANDS: usize = 400;

/// A server that refused so many expressions and answered none refuses everything.
const MAX_REFUSED: usize = 8;

/// What belongs together: it is refused or answered as one.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// Whose it is.
    pub(super) owner: usize,
    /// The expressions, each by its mark.
    pub(super) items: Vec<(String, Text)>,
}

/// What a question is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    /// One moment.
    At(DateTime<Utc>),
    /// Many, the ends included.
    Range {
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        step: Duration,
    },
}

/// What is asked as one request, if it can be.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) when: When,
    pub(super) units: Vec<Unit>,
    /// A selector whose series come along as they are.
    pub(super) along: Option<&'static str>,
}

/// What came of a question.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// By mark. A mark that is not there gave no series. Each series has a sample.
    pub(super) values: HashMap<String, Vec<Series>>,
    /// Whose expressions were not answered.
    pub(super) failed: HashMap<usize, NoData>,
    /// Whose expressions the server refuses, and its words.
    pub(super) refused: Vec<(usize, Untrusted)>,
    /// What came along, or why it did not.
    pub(super) along: Option<Result<Vec<Series>, NoData>>,
    /// Warnings and remarks of good answers.
    pub(super) remarks: Vec<Untrusted>,
}

/// Everything of one round.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// In the order of the questions.
    pub(super) told: Vec<Told>,
    pub(super) cost: QueryCost,
    /// How many requests were answered, if only with a refusal.
    pub(super) answered: u64,
    /// How many of these were good.
    good: u64,
    /// The first that was not.
    pub(super) failure: Option<SourceError>,
}

/// Asks one Prometheus.
pub(super) struct Asker {
    queries: QueryHandle,
    /// Found out by a refusal for length, and kept.
    max_url_bytes: usize,
}

/// Units of one question that go out together.
#[derive(Debug)]
struct Batch {
    question: usize,
    when: When,
    units: Vec<Unit>,
    along: Option<&'static str>,
    /// Only one that has a single, verbatim expression.
    is_bare: bool,
}

impl Asker {
    pub(super) fn new(queries: QueryHandle) -> Self {
        Self {
            queries,
            max_url_bytes: MAX_URL_BYTES,
        }
    }

    /// Asks everything.
    pub(super) async fn ask(&mut self, questions: Vec<Question>) -> Round {
        let mut round = Round::default();
        let mut waiting = VecDeque::new();
        for (index, question) in questions.into_iter().enumerate() {
            round.told.push(Told::default());
            self.pack(index, question, &mut waiting);
        }
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < AT_ONCE
                && let Some(batch) = waiting.pop_front()
            {
                let queries = self.queries.clone();
                running.push(async move {
                    let text = batch.text();
                    let answer = match batch.when {
                        When::At(at) => queries.measure(&text, at).await,
                        When::Range { start, end, step } => {
                            queries.measure_range(&text, start, end, step).await
                        }
                    };
                    (batch, answer)
                });
            }
            let Some((batch, answer)) = running.next().await else {
                break;
            };
            round.cost.queries += 1;
            match answer {
                Ok(answer) => round.settle(&batch, answer),
                Err(failed) => {
                    let next = self.after_failure(batch, &failed, &mut round);
                    // What was halved goes first: it is older than the rest.
                    for batch in next.into_iter().rev() {
                        waiting.push_front(batch);
                    }
                    if is_gone(&failed) {
                        for batch in waiting.drain(..) {
                            round.fail(&batch, &failed);
                        }
                    }
                }
            }
        }
        round
    }

    /// Packs a question into as few requests as its length allows.
    fn pack(&self, question: usize, asked: Question, waiting: &mut VecDeque<Batch>) {
        let empty = || Batch::of(question, asked.when);
        let mut batch = empty();
        batch.along = asked.along;
        let mut length = asked.along.map_or(0, encoded_length);
        let mut operands = 0;
        let mut bare = Vec::new();
        for unit in asked.units {
            let (sound, verbatim) = unit.split();
            bare.extend(verbatim);
            let Some(unit) = sound else { continue };
            let (more, count) = (unit.encoded_length(), unit.items.len());
            let is_full = length + more > self.max_url_bytes || operands + count > MAX_OPERANDS;
            if is_full && !batch.units.is_empty() {
                waiting.push_back(std::mem::replace(&mut batch, empty()));
                (length, operands) = (0, 0);
            }
            length += more;
            operands += count;
            batch.units.push(unit);
        }
        if !batch.units.is_empty() || batch.along.is_some() {
            waiting.push_back(batch);
        }
        waiting.extend(bare.into_iter().map(|unit| Batch {
            units: vec![unit],
            is_bare: true,
            ..empty()
        }));
    }

    /// What is asked instead of a batch that failed.
    fn after_failure(&mut self, batch: Batch, failed: &HttpError, round: &mut Round) -> Vec<Batch> {
        let is_refused = matches!(failed.status, Some(400 | 422));
        let is_long = is_too_long(failed);
        if is_refused {
            round.answered += 1;
        }
        let refused: usize = round.told.iter().map(|told| told.refused.len()).sum();
        if is_refused && round.good == 0 && refused >= MAX_REFUSED {
            // It is not the expressions.
            round.refuse(&batch, failed);
            return Vec::new();
        }
        if (is_long || is_refused) && batch.can_be_halved() {
            if is_long {
                let longest = (batch.encoded_length() / 2).max(1_000);
                self.max_url_bytes = self.max_url_bytes.min(longest);
            }
            return batch.halves();
        }
        if is_refused {
            round.refuse(&batch, failed);
        } else {
            round.fail(&batch, failed);
        }
        Vec::new()
    }
}

impl Unit {
    /// What may become a part of a union, and what has to be asked alone.
    fn split(self) -> (Option<Self>, Vec<Self>) {
        let owner = self.owner;
        let is_sound = |item: &(String, Text)| matches!(item.1, Text::Sound(_));
        let (sound, verbatim): (Vec<_>, Vec<_>) = self.items.into_iter().partition(is_sound);
        let unit = |items| Self { owner, items };
        let verbatim = verbatim.into_iter().map(|item| unit(vec![item])).collect();
        ((!sound.is_empty()).then(|| unit(sound)), verbatim)
    }

    fn encoded_length(&self) -> usize {
        // The frame of a mark and the ` or ` after it.
        const FRAME: usize = 80;
        let items = self.items.iter();
        items
            .map(|(mark, text)| FRAME + mark.len() + encoded_length(text.as_str()))
            .sum()
    }
}

impl Batch {
    fn of(question: usize, when: When) -> Self {
        Self {
            question,
            when,
            units: Vec::new(),
            along: None,
            is_bare: false,
        }
    }

    /// A left-deep union: each operand is a tree, and bears its mark.
    fn text(&self) -> String {
        let items = || self.units.iter().flat_map(|unit| &unit.items);
        if self.is_bare {
            return items().map(|(_, text)| text.as_str()).collect();
        }
        let mut operands: Vec<String> = items()
            .map(|(mark, text)| marked(text.as_str(), mark))
            .collect();
        operands.extend(self.along.map(str::to_owned));
        operands.join(" or ")
    }

    fn encoded_length(&self) -> usize {
        let along = self.along.map_or(0, encoded_length);
        along + self.units.iter().map(Unit::encoded_length).sum::<usize>()
    }

    fn can_be_halved(&self) -> bool {
        self.units.len() + usize::from(self.along.is_some()) > 1
    }

    /// The front first. What comes along goes with the back.
    fn halves(mut self) -> Vec<Self> {
        let along = self.along.take();
        let middle = self.units.len().div_ceil(2);
        let back = self.units.split_off(middle);
        let back = Self {
            units: back,
            along,
            ..Self::of(self.question, self.when)
        };
        let mut halves = vec![self, back];
        halves.retain(|half| !half.units.is_empty() || half.along.is_some());
        halves
    }
}

impl Round {
    fn settle(&mut self, batch: &Batch, answer: QueryAnswer) {
        self.answered += 1;
        self.good += 1;
        if let Some(samples) = answer.samples {
            *self.cost.samples.get_or_insert(0) += samples;
        }
        let told = &mut self.told[batch.question];
        let partial = answer
            .warnings
            .first()
            .map(|warning| NoData::Partial(warning.clone()));
        if let Some(partial) = &partial {
            let owners = batch.units.iter().map(|unit| unit.owner);
            told.failed
                .extend(owners.map(|owner| (owner, partial.clone())));
        }
        let is_instant = matches!(batch.when, When::At(_));
        let mut rest = Vec::new();
        for series in answer.series {
            if series.samples.is_empty() || (is_instant && series.samples.len() > 1) {
                let owners = batch.units.iter().map(|unit| unit.owner);
                let many = Untrusted::line("it gives a range of values where one is meant");
                let failed = NoData::Failed(many);
                told.failed
                    .extend(owners.map(|owner| (owner, failed.clone())));
                continue;
            }
            let mark = if batch.is_bare {
                batch.units.first().and_then(|unit| unit.items.first())
            } else {
                None
            };
            let mark = match mark {
                Some((mark, _)) => Some(mark.as_str()),
                None => series.labels.get(MARK).map(Untrusted::raw),
            };
            match mark {
                Some(mark) => {
                    let mark = mark.to_owned();
                    told.values.entry(mark).or_default().push(series);
                }
                None => rest.push(series),
            }
        }
        if batch.along.is_some() {
            told.along = Some(match partial {
                Some(partial) => Err(partial),
                None => Ok(rest),
            });
        }
        // Once each: a union repeats what each operand has said.
        for remark in answer.warnings.into_iter().chain(answer.infos) {
            if !told.remarks.contains(&remark) {
                told.remarks.push(remark);
            }
        }
    }

    fn refuse(&mut self, batch: &Batch, failed: &HttpError) {
        let words = failed.error.detail.clone();
        let told = &mut self.told[batch.question];
        for unit in &batch.units {
            told.failed
                .insert(unit.owner, NoData::Failed(words.clone()));
            told.refused.push((unit.owner, words.clone()));
        }
        if batch.along.is_some() {
            told.along = Some(Err(NoData::Failed(words)));
        }
    }

    fn fail(&mut self, batch: &Batch, failed: &HttpError) {
        self.failure.get_or_insert_with(|| failed.error.clone());
        let why = NoData::Failed(Untrusted::line(&failed.error.to_string()));
        let told = &mut self.told[batch.question];
        let owners = batch.units.iter().map(|unit| unit.owner);
        told.failed.extend(owners.map(|owner| (owner, why.clone())));
        if batch.along.is_some() {
            told.along = Some(Err(why));
        }
    }
}

/// Whether a request was too long for the server or for a proxy before it.
fn is_too_long(failed: &HttpError) -> bool {
    let says_so = || {
        let detail = failed.error.detail.raw().to_lowercase();
        ["too long", "too large"]
            .iter()
            .any(|word| detail.contains(word))
    };
    match failed.status {
        Some(414 | 431) => true,
        Some(400 | 422) => says_so(),
        None => failed.error.kind == ErrorKind::Local && says_so(),
        Some(_) => false,
    }
}

/// Whether the next question would fare no better.
fn is_gone(failed: &HttpError) -> bool {
    let timed_out = failed.error.detail.raw().contains("time");
    match failed.error.kind {
        ErrorKind::Unreachable | ErrorKind::Unauthorized | ErrorKind::Tls | ErrorKind::Local => {
            true
        }
        // Prometheus says 503 of a query that takes too long; a shorter one may not.
        ErrorKind::Busy => !timed_out,
        ErrorKind::TimedOut | ErrorKind::Refused | ErrorKind::Malformed | ErrorKind::TooLarge => {
            false
        }
    }
}

/// The length of a text as a part of a URL.
fn encoded_length(text: &str) -> usize {
    let bytes = text.bytes();
    bytes
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' | b' ' => 1,
            _ => 3,
        })
        .sum()
}
