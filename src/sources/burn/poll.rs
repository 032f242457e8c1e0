//! In which order is a Prometheus asked for its SLOs, and what is left out?
//!
//! The shortest window and the recordings first, in one request: what is recorded need not be asked
//! for. Then the longer windows and the periods, two requests at a time, and last what is missing.
//! Part of [`BurnSource`].

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::BurnSource;
use super::answer::{Answer, is_missing_something};
use super::ask::{Question, Round, Told, Unit, When};
use super::diagnosis;
use super::period::{self, Asked, Span};
use super::plan::{Planned, Seen, SeenPeriod, Written, data_source};
use super::recorded::SELECTOR;
use super::tree::Reach;
use super::values::{Scale, gather, mark};
use crate::config::settings::{Measures, RecordedSlos};
use crate::domain::slo::{BudgetWindow, Slo, SloFiles};
use crate::domain::slo_measured::{BurnAnswer, NoData, QueryCost};
use crate::domain::source::{ErrorKind, SourceError};
use crate::domain::text::Untrusted;

/// Stands for the period where windows are keys.
const PERIOD: u64 = 0;

/// What the requests of one poll came to.
#[derive(Default)]
struct Tally {
    cost: QueryCost,
    answered: u64,
    failure: Option<SourceError>,
}

impl Tally {
    fn add(&mut self, round: &mut Round) {
        self.cost.queries += round.cost.queries;
        if let Some(samples) = round.cost.samples {
            *self.cost.samples.get_or_insert(0) += samples;
        }
        self.answered += round.answered;
        if self.failure.is_none() {
            self.failure = round.failure.take();
        }
    }

    /// Why nothing could be asked at all.
    fn verdict(&self) -> Result<(), SourceError> {
        match (&self.failure, self.answered) {
            (Some(failure), 0) => Err(failure.clone()),
            _ => Ok(()),
        }
    }
}

impl BurnSource {
    pub(super) async fn measure(
        &mut self,
        files: &SloFiles,
        at: DateTime<Utc>,
    ) -> Result<BurnAnswer, SourceError> {
        if self.last_at.is_some_and(|last| at < last) {
            self.forget();
        }
        self.last_at = Some(at);
        self.take_over(files);

        let mut tally = Tally::default();
        self.ask_first(at, &mut tally).await?;
        self.ask_rules(files, at).await;
        if self.has_anything() {
            self.retention.refresh(&self.queries, at).await;
        }
        self.ask_rest(at, &mut tally).await;
        tally.verdict()?;
        self.something_is_known()?;
        self.diagnose(at, &mut tally).await;
        self.buckets.save();
        Ok(self.answer(files, at, tally.cost))
    }

    /// A server that refuses to tell what is recorded, when nothing else was asked for, has said
    /// nothing at all.
    fn something_is_known(&self) -> Result<(), SourceError> {
        match &self.recordings.unheard {
            Some(why) if !self.has_anything() => {
                Err(SourceError::new(ErrorKind::Refused, &why.to_string()))
            }
            _ => Ok(()),
        }
    }

    fn forget(&mut self) {
        self.plan.forget();
        self.remarks.clear();
        let recordings = &mut self.recordings;
        recordings.heard.clear();
        recordings.heard_at = None;
        recordings.unheard = None;
        recordings.asked_at = None;
        recordings.rules_asked_at = None;
    }

    /// Takes over what files and rules say now.
    pub(super) fn take_over(&mut self, files: &SloFiles) {
        let labels = files.slos.iter().map(Slo::policy_labels);
        self.windows.extend(self.policies.windows(labels));
        let own = files.slos.iter().filter(|slo| self.is_ours(slo));
        let own = own.map(|slo| (slo.clone(), Written::InFile));
        let behind = self.recordings.behind.iter();
        let behind = behind.map(|slo| (slo.clone(), Written::InRule));
        self.plan
            .update(own.chain(behind).collect(), &self.overrides);
    }

    fn is_ours(&self, slo: &Slo) -> bool {
        match data_source(slo) {
            Some(name) => name.raw() == &*self.name,
            None => self.measures == Measures::Undirected,
        }
    }

    fn has_anything(&self) -> bool {
        !self.plan.slos.is_empty() || !self.recordings.heard.is_empty()
    }

    fn shortest(&self) -> u64 {
        self.windows.first().copied().unwrap_or(300)
    }

    /// The shortest window, and with it what is recorded.
    async fn ask_first(&mut self, at: DateTime<Utc>, tally: &mut Tally) -> Result<(), SourceError> {
        let secs = self.shortest();
        let recorded = self.recorded_windows();
        let units = self.window_units(secs, &recorded, at);
        let wants_recordings = self.recordings.wanted == RecordedSlos::Read;
        let wait = TimeDelta::seconds(29);
        let asked_at = self.recordings.asked_at;
        let is_due = asked_at.is_none_or(|asked| at < asked || at - asked >= wait);
        let along = (wants_recordings && is_due).then_some(SELECTOR);
        if units.is_empty() && along.is_none() {
            return Ok(());
        }
        let question = Question {
            when: When::At(at),
            units,
            along,
        };
        let owners = owners(&question);
        let mut round = self.asker.ask(vec![question]).await;
        tally.add(&mut round);
        tally.verdict()?;
        let Some(mut told) = round.told.pop() else {
            return Ok(());
        };
        if let Some(along) = told.along.take() {
            self.recordings.asked_at = Some(at);
            self.hear(along, at);
        }
        self.settle_window(secs, &owners, &told, at);
        // What is refused for five minutes is refused for a month.
        for (owner, words) in &told.refused {
            for secs in self.windows.clone() {
                self.refuse(*owner, secs, words, at);
            }
            self.refuse(*owner, PERIOD, words, at);
        }
        Ok(())
    }

    /// What is to be asked of one window.
    fn window_units(&self, secs: u64, recorded: &[BTreeSet<u64>], at: DateTime<Utc>) -> Vec<Unit> {
        let mut units = Vec::new();
        for (owner, planned) in self.plan.slos.iter().enumerate() {
            let Some(measure) = planned.measure() else {
                continue;
            };
            let is_own =
                matches!(planned.slo.window, BudgetWindow::Rolling { secs: own } if own == secs);
            let is_recorded = recorded
                .get(owner)
                .is_some_and(|known| known.contains(&secs));
            if is_own || is_recorded || !self.is_kept(secs) || !planned.is_due(secs, at) {
                continue;
            }
            let reach = Reach::window(secs);
            let items = measure
                .numbers
                .iter()
                .map(|number| (mark(owner, number.role, ""), number.over(reach)));
            units.push(Unit {
                owner,
                items: items.collect(),
            });
        }
        units
    }

    /// Whether the server remembers so much.
    fn is_kept(&self, secs: u64) -> bool {
        self.retention.secs().is_none_or(|kept| secs <= kept)
    }

    fn settle_window(&mut self, secs: u64, owners: &[usize], told: &Told, at: DateTime<Utc>) {
        for owner in owners {
            let planned = &mut self.plan.slos[*owner];
            let Some(measure) = planned.measure() else {
                continue;
            };
            let found = gather(measure, &planned.slo.group_by, *owner, "", told);
            let query = planned.alone(secs);
            planned.known.refused_at.remove(&secs);
            let seen = Seen { at, query, found };
            planned.known.windows.insert(secs, seen);
        }
        for (owner, words) in &told.refused {
            self.refuse(*owner, secs, words, at);
        }
        self.remarks.insert(secs, told.remarks.clone());
    }

    fn refuse(&mut self, owner: usize, window: u64, words: &Untrusted, at: DateTime<Utc>) {
        let planned = &mut self.plan.slos[owner];
        planned.known.refused_at.insert(window, at);
        let found = Err(NoData::Failed(words.clone()));
        if window != PERIOD {
            let query = planned.alone(window);
            let seen = Seen { at, query, found };
            planned.known.windows.insert(window, seen);
            return;
        }
        if let Some(span) = Span::of(planned.slo.window, at) {
            planned.known.period = Some(SeenPeriod {
                asked_at: at,
                span,
                query: planned.alone_over(Reach::window(span.secs)),
                found,
                scale: Scale::Raw,
            });
        }
    }

    /// The longer windows and the periods.
    async fn ask_rest(&mut self, at: DateTime<Utc>, tally: &mut Tally) {
        let recorded = self.recorded_windows();
        let mut windows: Vec<u64> = Vec::new();
        let mut questions = Vec::new();
        for secs in self.windows.iter().copied() {
            // The shortest one, too, where its recording has just ended.
            let units = self.window_units(secs, &recorded, at);
            if !units.is_empty() {
                windows.push(secs);
                questions.push(Question {
                    when: When::At(at),
                    units,
                    along: None,
                });
            }
        }
        let (periods, question) = self.period_question(at);
        windows.extend(question.is_some().then_some(PERIOD));
        questions.extend(question);
        let owners: Vec<Vec<usize>> = questions.iter().map(owners).collect();
        let mut round = self.asker.ask(questions).await;
        tally.add(&mut round);
        for ((secs, owners), told) in windows.into_iter().zip(owners).zip(&round.told) {
            if secs == PERIOD {
                self.settle_periods(&periods, told, at);
            } else {
                self.settle_window(secs, &owners, told, at);
            }
        }
    }

    fn period_question(&self, at: DateTime<Utc>) -> (BTreeMap<usize, Asked>, Option<Question>) {
        let mut periods = BTreeMap::new();
        let mut units = Vec::new();
        let mut moment = at;
        for (owner, planned) in self.plan.slos.iter().enumerate() {
            let (Some(measure), Some(span)) = (planned.measure(), Span::of(planned.slo.window, at))
            else {
                continue;
            };
            if span.is_new() || !self.is_kept(span.secs) || !planned.is_period_due(span, at) {
                continue;
            }
            let (asked, unit) = period::questions(owner, measure, span, &self.buckets);
            moment = span.at;
            periods.insert(owner, asked);
            units.push(unit);
        }
        let question = (!units.is_empty()).then_some(Question {
            when: When::At(moment),
            units,
            along: None,
        });
        (periods, question)
    }

    fn settle_periods(&mut self, periods: &BTreeMap<usize, Asked>, told: &Told, at: DateTime<Utc>) {
        for (owner, asked) in periods {
            let planned = &mut self.plan.slos[*owner];
            let Some(measure) = planned.measure() else {
                continue;
            };
            let group_by = &planned.slo.group_by;
            let found = asked.settle(*owner, measure, group_by, told, &mut self.buckets);
            let span = asked.span;
            let query = planned.alone_over(Reach {
                whole_secs: span.secs,
                ..Reach::window(span.secs)
            });
            planned.known.refused_at.remove(&PERIOD);
            planned.known.period = Some(SeenPeriod {
                asked_at: at,
                span,
                query,
                found,
                scale: if asked.is_counted() {
                    Scale::Counts
                } else {
                    Scale::Raw
                },
            });
        }
        for (owner, words) in &told.refused {
            self.refuse(*owner, PERIOD, words, at);
        }
        self.remarks.insert(PERIOD, told.remarks.clone());
    }

    /// Looks into what is missing.
    async fn diagnose(&mut self, at: DateTime<Utc>, tally: &mut Tally) {
        let longest = self.windows.last().copied().unwrap_or(3_600);
        let mut units = Vec::new();
        for (owner, planned) in self.plan.slos.iter_mut().enumerate() {
            if !is_missing_something(planned) {
                planned.known.diagnosis = None;
                planned.known.diagnosed_at = None;
                continue;
            }
            if planned.known.may_diagnose(at)
                && let Some(measure) = planned.measure()
            {
                units.extend(diagnosis::questions(owner, measure, longest));
            }
        }
        if units.is_empty() {
            return;
        }
        let question = Question {
            when: When::At(at),
            units,
            along: None,
        };
        let owners = owners(&question);
        let mut round = self.asker.ask(vec![question]).await;
        tally.add(&mut round);
        let Some(told) = round.told.pop() else { return };
        let mut asks_names = false;
        for owner in &owners {
            let planned = &mut self.plan.slos[*owner];
            let Some(measure) = planned.measure() else {
                continue;
            };
            let found = diagnosis::conclude(*owner, measure, &told);
            asks_names |= found.as_ref().is_some_and(|d| !d.unknown_names.is_empty());
            planned.known.diagnosed_at = Some(at);
            planned.known.diagnosis = found;
        }
        if !asks_names {
            return;
        }
        // Without it there is only no guess.
        let names = self.queries.metric_names(at).await.unwrap_or_default();
        for owner in owners {
            if let Some(diagnosis) = &mut self.plan.slos[owner].known.diagnosis {
                diagnosis.guess(&names);
            }
        }
    }

    fn answer(&self, files: &SloFiles, at: DateTime<Utc>, cost: QueryCost) -> BurnAnswer {
        let recordings = &self.recordings;
        let answer = Answer {
            plan: &self.plan,
            recorded: &recordings.heard,
            heard_at: recordings.heard_at,
            unheard: recordings.unheard.as_ref(),
            windows: &self.windows,
            retention_secs: self.retention.secs(),
            now: at,
        };
        let (slos, mut limits) = answer.slos();
        limits.extend(self.plan.slos.iter().filter_map(Planned::complaint));
        if let Some(why) = &recordings.unheard {
            limits.push(Untrusted::line(&format!("recorded SLOs: {why}")));
        }
        limits.extend(recordings.limits.iter().cloned());
        limits.extend(recordings.rules_limit.clone());
        limits.extend(self.buckets.limit().cloned());
        for remark in self.remarks.values().flatten() {
            if !limits.contains(remark) {
                limits.push(remark.clone());
            }
        }
        let mut problems = files.problems.clone();
        problems.extend(self.override_problems.iter().cloned());
        BurnAnswer {
            slos,
            problems,
            limits,
            cost,
        }
    }
}

fn owners(question: &Question) -> Vec<usize> {
    question.units.iter().map(|unit| unit.owner).collect()
}
