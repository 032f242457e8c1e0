//! What is to be said of each SLO, from its recordings and from its own queries?
//!
//! An SLO that a file defines and a Prometheus records is one SLO: the recording says the short
//! windows, the file's queries count the period by events. Called at the end of a poll. It asks nobody
//! and judges nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::diagnosis::LOOKBACK_SECS;
use super::measure::Measure;
use super::period::Span;
use super::plan::{Plan, Planned, Written, place};
use super::recorded::{Recorded, RecordedSlo};
use super::tree::Reach;
use super::values::{Context, Elsewhere, Groups, Scale, Values, reading};
use crate::domain::budget_period::Period;
use crate::domain::burn::reaches;
use crate::domain::duration::{age_secs, exact};
use crate::domain::label::Labels;
use crate::domain::number;
use crate::domain::slo::{BudgetWindow, Slo};
use crate::domain::slo_measured::{Basis, Measured, MeasuredSlo, NoData, PeriodMeasured, Reading};
use crate::domain::text::Untrusted;

/// Of a trouble that many SLOs share, so many are named.
const MAX_LINES: usize = 20;

/// A recording, and when it was last there.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub(super) slo: RecordedSlo,
    pub(super) at: DateTime<Utc>,
}

/// What an answer is made of.
pub(super) struct Answer<'a> {
    pub(super) plan: &'a Plan,
    pub(super) recorded: &'a [Heard],
    /// When recordings were last looked for with success.
    pub(super) heard_at: Option<DateTime<Utc>>,
    /// Why nothing is known of recordings at this moment.
    pub(super) unheard: Option<&'a NoData>,
    /// The windows that policies look at, the shortest first.
    pub(super) windows: &'a BTreeSet<u64>,
    /// How long the server remembers.
    pub(super) retention_secs: Option<u64>,
    pub(super) now: DateTime<Utc>,
}

impl Answer<'_> {
    /// Every SLO, those of files first, and what could not be said of any.
    pub(super) fn slos(&self) -> (Vec<Arc<MeasuredSlo>>, Vec<Untrusted>) {
        let mut slos = Vec::with_capacity(self.recorded.len() + self.plan.slos.len());
        let mut limits = Vec::new();
        let mut by_name: BTreeMap<&Untrusted, Vec<usize>> = BTreeMap::new();
        for (index, heard) in self.recorded.iter().enumerate() {
            let name = &heard.slo.slo.id.name;
            by_name.entry(name).or_default().push(index);
        }
        let named = |planned: &Planned| -> Vec<usize> {
            let all = by_name.get(&planned.slo.id.name);
            let all = all.map_or(&[][..], Vec::as_slice).iter().copied();
            all.filter(|index| planned.is_recorded_by(&self.recorded[*index].slo))
                .collect()
        };
        let mut behind: Vec<Option<&Planned>> = vec![None; self.recorded.len()];
        let mut taken = vec![false; self.recorded.len()];
        for planned in &self.plan.slos {
            let mut recordings = named(planned);
            if planned.written == Written::InRule {
                for index in recordings {
                    behind[index] = Some(planned);
                }
                continue;
            }
            for index in &recordings {
                taken[*index] = true;
            }
            if planned.measure().is_some() {
                // What has ended is no longer needed: its own queries go on.
                recordings.retain(|index| !self.has_ended(&self.recorded[*index]));
            }
            for index in &recordings {
                let heard = &self.recorded[*index];
                slos.push(Arc::new(self.both(planned, heard)));
            }
            if recordings.is_empty() {
                slos.extend(self.own(planned).into_iter().map(Arc::new));
            }
        }
        for (index, heard) in self.recorded.iter().enumerate() {
            if taken[index] {
                continue;
            }
            if heard.slo.objective.is_none() {
                limits.push(no_objective(heard));
                continue;
            }
            slos.push(Arc::new(self.recorded_alone(heard, behind[index])));
        }
        limits.extend(self.beyond_retention());
        (slos, limits)
    }

    /// One that only its own queries speak of: an SLO for each group.
    fn own(&self, planned: &Planned) -> Vec<MeasuredSlo> {
        let slo = &planned.slo;
        let is_grouped = !slo.group_by.is_empty();
        let mut groups: BTreeSet<&Labels> = BTreeSet::new();
        let none = Labels::default();
        if is_grouped {
            let windows = planned.known.windows.values().map(|seen| &seen.found);
            let period = planned.known.period.iter().map(|seen| &seen.found);
            let found = windows
                .chain(period)
                .filter_map(|found| found.as_ref().ok());
            groups.extend(found.flat_map(Groups::keys));
        }
        if groups.is_empty() {
            groups.insert(&none);
        }
        groups
            .into_iter()
            .map(|group| {
                let mut slo = slo.clone();
                slo.id.group = group.clone();
                let windows = self.asked_windows(&slo);
                MeasuredSlo {
                    windows: windows
                        .map(|secs| self.own_window(planned, group, secs))
                        .collect(),
                    period: self.own_period(planned, group),
                    blocked: self.blocked(planned, group),
                    slo,
                }
            })
            .collect()
    }

    /// One that a file defines and a Prometheus records.
    fn both(&self, planned: &Planned, heard: &Heard) -> MeasuredSlo {
        let mut slo = planned.slo.clone();
        slo.id.group = heard.slo.slo.id.group.clone();
        slo.origins.extend(heard.slo.slo.origins.iter().cloned());
        slo.cautions.extend(disagreement(&slo, &heard.slo));
        self.with_recording(slo, heard, Some(planned))
    }

    /// One that is only recorded. Its rule may tell of its events.
    fn recorded_alone(&self, heard: &Heard, behind: Option<&Planned>) -> MeasuredSlo {
        self.with_recording(heard.slo.slo.clone(), heard, behind)
    }

    fn with_recording(&self, slo: Slo, heard: &Heard, planned: Option<&Planned>) -> MeasuredSlo {
        let recorded = &heard.slo;
        let group = &slo.id.group;
        let raw = planned.filter(|planned| planned.measure().is_some());
        let mut all: BTreeSet<u64> = self.asked_windows(&slo).collect();
        all.extend(recorded.windows.iter().map(|window| window.secs));
        let windows = all
            .into_iter()
            .map(|secs| match (recorded.window(secs), raw) {
                (Some(window), _) => self.read(window, Basis::Traffic, heard.at),
                (None, Some(planned)) => self.own_window(planned, group, secs),
                (None, None) => Measured {
                    secs,
                    at: self.now,
                    basis: Basis::Traffic,
                    query: "".into(),
                    reading: Err(NoData::Missing(Untrusted::line(&format!(
                        "{} records no window of {}; with its file it can be asked for",
                        recorded.by.name(),
                        exact(secs)
                    )))),
                },
            });
        let windows = windows.collect();
        let period = self.period_of(&slo, heard, raw);
        let age = || NoData::Stale(age_secs(heard.at, self.now));
        MeasuredSlo {
            windows,
            period,
            blocked: self.has_ended(heard).then(age),
            slo,
        }
    }

    /// Whether a recording was not there when recordings were last looked for.
    fn has_ended(&self, heard: &Heard) -> bool {
        self.heard_at.is_some_and(|latest| heard.at < latest)
    }

    /// By events where they can be counted, and what the recording says beside it.
    fn period_of(&self, slo: &Slo, heard: &Heard, raw: Option<&Planned>) -> Option<PeriodMeasured> {
        let recorded = heard.slo.period.as_ref().filter(|(recorded, _)| {
            matches!(slo.window, BudgetWindow::Rolling { secs } if secs == recorded.secs)
        });
        let by_recording = recorded
            .map(|(recorded, basis)| self.within_retention(self.read(recorded, *basis, heard.at)));
        let own = raw.and_then(|planned| self.own_period(planned, &slo.id.group));
        let by_time = by_recording.clone().filter(|m| m.basis == Basis::Time);
        match (own, by_recording) {
            (Some(own), None) => Some(own),
            (Some(own), Some(_)) if own.measured.reading.is_ok() => {
                Some(PeriodMeasured { by_time, ..own })
            }
            (_, Some(measured)) => {
                let start = measured.at - seconds(measured.secs);
                let period = Period {
                    start,
                    end: measured.at,
                };
                Some(PeriodMeasured {
                    period,
                    measured,
                    by_time: None,
                })
            }
            (None, None) => {
                let span = Span::of(slo.window, self.now)?;
                Some(PeriodMeasured {
                    period: span.period,
                    measured: Measured {
                        secs: span.secs,
                        at: span.at,
                        basis: Basis::Traffic,
                        query: "".into(),
                        reading: Err(NoData::Missing(Untrusted::line(&format!(
                            "{} records nothing over the period; with its file it can be asked for",
                            heard.slo.by.name()
                        )))),
                    },
                    by_time: None,
                })
            }
        }
    }

    /// The windows of policies, without the one that is the budget's own.
    fn asked_windows(&self, slo: &Slo) -> impl Iterator<Item = u64> {
        let own = match slo.window {
            BudgetWindow::Rolling { secs } => Some(secs),
            BudgetWindow::Calendar(_) => None,
        };
        let windows = self.windows.iter().copied();
        windows.filter(move |secs| Some(*secs) != own)
    }

    fn own_window(&self, planned: &Planned, group: &Labels, secs: u64) -> Measured {
        let seen = planned.known.windows.get(&secs);
        let reading = match (&planned.measure, seen) {
            (Err(why), _) => Err(NoData::Failed(why.clone())),
            (Ok(None), _) => Err(NoData::Missing(Untrusted::line(
                "it has no query of its own, and nothing is recorded of it",
            ))),
            (Ok(Some(_)), None) => Err(self.not_asked(secs)),
            (Ok(Some(measure)), Some(seen)) => match &seen.found {
                Err(why) => Err(why.clone()),
                Ok(groups) => self.window_reading(planned, measure, groups, group, secs),
            },
        };
        Measured {
            secs,
            at: seen.map_or(self.now, |seen| seen.at),
            basis: planned.measure().map_or(Basis::Traffic, |m| m.basis),
            query: seen.map_or_else(|| planned.alone(secs), |seen| seen.query.clone()),
            reading,
        }
    }

    fn own_period(&self, planned: &Planned, group: &Labels) -> Option<PeriodMeasured> {
        let measure = planned.measure()?;
        let span = Span::of(planned.slo.window, self.now)?;
        let unread = |why: NoData| PeriodMeasured {
            period: span.period,
            measured: Measured {
                secs: span.secs,
                at: span.at,
                basis: measure.basis,
                query: planned.alone_over(Reach::window(span.secs.max(1))),
                reading: Err(why),
            },
            by_time: None,
        };
        if span.is_new() {
            return Some(unread(NoData::NoTraffic(span.secs)));
        }
        let Some(seen) = &planned.known.period else {
            return Some(unread(self.not_asked(span.secs)));
        };
        let secs = seen.span.secs;
        let none = Values::default();
        let reading = seen.found.clone().and_then(|groups| {
            let values = groups.get(group).unwrap_or(&none);
            let context = context(planned, group, seen.scale);
            reading(measure, values, secs, context).map_err(|why| self.aged(planned, why))
        });
        Some(PeriodMeasured {
            period: seen.span.period,
            measured: Measured {
                secs,
                at: seen.span.at,
                basis: measure.basis,
                query: seen.query.clone(),
                reading,
            },
            by_time: None,
        })
    }

    /// What one window of one group says.
    fn window_reading(
        &self,
        planned: &Planned,
        measure: &Measure,
        groups: &Groups,
        group: &Labels,
        secs: u64,
    ) -> Result<Reading, NoData> {
        let none = Values::default();
        let values = groups.get(group).unwrap_or(&none);
        if values.is_empty() && !group.is_empty() {
            return Err(NoData::Missing(Untrusted::line(
                "this group has no series in the window, although it has in a longer one",
            )));
        }
        let context = context(planned, group, Scale::Raw);
        reading(measure, values, secs, context).map_err(|why| self.aged(planned, why))
    }

    /// Series that have ended are not called missing.
    fn aged(&self, planned: &Planned, why: NoData) -> NoData {
        match (&why, self.age(planned)) {
            (NoData::Missing(_), Some(secs)) => NoData::Stale(secs),
            _ => why,
        }
    }

    /// How old the last sample is by now, where that is worse than a scrape that was missed.
    fn age(&self, planned: &Planned) -> Option<u64> {
        let age = planned.known.diagnosis.as_ref()?.age_secs?;
        let since = planned.known.diagnosed_at?;
        (age >= LOOKBACK_SECS).then(|| age + age_secs(since, self.now))
    }

    /// Whether nothing of it can be trusted: longer windows still have numbers for a target that is
    /// gone.
    fn blocked(&self, planned: &Planned, group: &Labels) -> Option<NoData> {
        let shortest = planned.known.windows.values().next()?;
        let groups = shortest.found.as_ref().ok()?;
        let has_ended = groups.get(group).is_none_or(Values::is_empty);
        self.age(planned).filter(|_| has_ended).map(NoData::Stale)
    }

    /// Why a stretch of time was not asked for.
    fn not_asked(&self, secs: u64) -> NoData {
        match self.retention_secs {
            Some(kept) if secs > kept => NoData::BeyondRetention(secs, kept),
            _ => NoData::NotAsked,
        }
    }

    /// A recording knows no more of the period than the server keeps of what it is made of.
    fn within_retention(&self, measured: Measured) -> Measured {
        match self.retention_secs {
            Some(kept) if measured.secs > kept => Measured {
                reading: Err(NoData::BeyondRetention(measured.secs, kept)),
                ..measured
            },
            _ => measured,
        }
    }

    /// One recorded ratio.
    fn read(&self, recorded: &Recorded, basis: Basis, at: DateTime<Utc>) -> Measured {
        let reading = match self.unheard {
            Some(why) => Err(why.clone()),
            None => Reading::of_ratio(recorded.ratio).ok_or_else(|| {
                NoData::NotANumber(Untrusted::line(&format!(
                    "the recording says {}, as it does for a time without traffic",
                    number::of(recorded.ratio)
                )))
            }),
        };
        Measured {
            secs: recorded.secs,
            at,
            basis,
            query: recorded.query.clone(),
            reading,
        }
    }

    /// Which budgets are for longer than the server remembers, and what to do.
    fn beyond_retention(&self) -> Vec<Untrusted> {
        let Some(kept) = self.retention_secs else {
            return Vec::new();
        };
        let of_files = self.plan.slos.iter().filter_map(|planned| {
            let counts = planned.measure().is_some() && planned.written == Written::InFile;
            counts.then_some(&planned.slo)
        });
        let of_recordings = self.recorded.iter().map(|heard| &heard.slo.slo);
        let mut lines: Vec<Untrusted> = Vec::new();
        for slo in of_files.chain(of_recordings) {
            let Some(span) = Span::of(slo.window, self.now) else {
                continue;
            };
            if span.secs <= kept || lines.len() == MAX_LINES {
                continue;
            }
            lines.push(Untrusted::line(&format!(
                "{}: its period of {} is longer than the server keeps samples ({}): raise --storage.tsdb.retention.time, or ask a store that keeps them longer",
                place(slo),
                exact(span.secs),
                exact(kept)
            )));
        }
        lines
    }
}

fn context<'a>(planned: &'a Planned, group: &Labels, scale: Scale) -> Context<'a> {
    let windows = planned.known.windows.values().map(|seen| &seen.found);
    let period = planned.known.period.iter().map(|seen| &seen.found);
    let mut found = windows
        .chain(period)
        .filter_map(|found| found.as_ref().ok());
    let has_good = |groups: &Groups| groups.get(group).is_some_and(|v| v.good.is_some());
    Context {
        diagnosis: planned.known.diagnosis.as_ref(),
        good_elsewhere: if found.any(has_good) {
            Elsewhere::Seen
        } else {
            Elsewhere::Unseen
        },
        scale,
    }
}

/// Whether something is missing that is worth looking into.
pub(super) fn is_missing_something(planned: &Planned) -> bool {
    let Some(measure) = planned.measure() else {
        return false;
    };
    let lacks = |secs: u64, found: &Result<Groups, NoData>, scale| {
        let Ok(groups) = found else { return false };
        groups.is_empty()
            || groups.iter().any(|(group, values)| {
                let context = Context {
                    diagnosis: None,
                    ..context(planned, group, scale)
                };
                matches!(
                    reading(measure, values, secs, context),
                    Err(NoData::Missing(_))
                )
            })
    };
    let mut windows = planned.known.windows.iter();
    let period = planned.known.period.as_ref();
    windows.any(|(secs, seen)| lacks(*secs, &seen.found, Scale::Raw))
        || period.is_some_and(|seen| lacks(seen.span.secs, &seen.found, seen.scale))
}

fn disagreement(slo: &Slo, recorded: &RecordedSlo) -> Option<Untrusted> {
    let other = recorded.objective?;
    let same = reaches(slo.objective, other) && reaches(other, slo.objective);
    (!same).then(|| {
        Untrusted::line(&format!(
            "its file promises {}, what {} records {}; the file's counts",
            slo.objective,
            recorded.by.name(),
            other
        ))
    })
}

fn no_objective(heard: &Heard) -> Untrusted {
    let recorded = &heard.slo;
    let hint = match recorded.by {
        crate::domain::slo::Recorder::Pyrra => "run Pyrra with --generic-rules, or name its file",
        _ => "name its file",
    };
    Untrusted::line(&format!(
        "{}: {} records no objective of it; {hint} in [slo] paths",
        recorded.slo.id,
        recorded.by.name()
    ))
}

fn seconds(secs: u64) -> TimeDelta {
    TimeDelta::try_seconds(i64::try_from(secs).unwrap_or(i64::MAX)).unwrap_or(TimeDelta::MAX)
}
