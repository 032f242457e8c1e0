//! Which SLOs does this Prometheus measure, and what is known of each?
//!
//! [`Plan`] keeps what was read of an SLO as long as its definition stays the same, so that a poll
//! only asks what is due. Used by the poll. It asks nobody.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::diagnosis::Diagnosis;
use super::measure::Measure;
use super::overrides::Overrides;
use super::period::Span;
use super::recorded::RecordedSlo;
use super::tree::Reach;
use super::values::{Groups, Scale, Values};
use crate::domain::slo::{FileFormat, Indicator, Origin, Query, Recorder, Slo};
use crate::domain::slo_measured::{NoData, refresh_secs};
use crate::domain::text::Untrusted;

/// What was refused, or was looked into, is not asked again before.
pub(super) const AGAIN_AFTER: TimeDelta = TimeDelta::minutes(10);

/// Polls come a little early or late.
const SLACK: TimeDelta = TimeDelta::seconds(1);

/// Everything that is measured.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) slos: Vec<Planned>,
}

/// One SLO with queries, or one of a file that is only recorded.
pub(super) struct Planned {
    pub(super) slo: Slo,
    /// Where it is from.
    pub(super) written: Written,
    /// Its numbers; `None` for one without queries; or why they cannot be put together.
    pub(super) measure: Result<Option<Measure>, Untrusted>,
    /// What was read so far.
    pub(super) known: Known,
    print: u64,
}

/// Where the queries of an SLO are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    InFile,
    /// The text of a recording rule: there is no file.
    InRule,
}

/// What was read of an SLO.
#[derive(Default)]
pub(super) struct Known {
    pub(super) windows: BTreeMap<u64, Seen>,
    pub(super) period: Option<SeenPeriod>,
    pub(super) diagnosis: Option<Diagnosis>,
    pub(super) diagnosed_at: Option<DateTime<Utc>>,
    /// By window, 0 for the period: when the server last refused it.
    pub(super) refused_at: HashMap<u64, DateTime<Utc>>,
}

/// A window as it was read.
pub(super) struct Seen {
    pub(super) at: DateTime<Utc>,
    pub(super) query: Arc<str>,
    pub(super) found: Result<Groups, NoData>,
}

/// The period as it was read.
pub(super) struct SeenPeriod {
    pub(super) asked_at: DateTime<Utc>,
    pub(super) span: Span,
    pub(super) query: Arc<str>,
    pub(super) found: Result<Groups, NoData>,
    pub(super) scale: Scale,
}

impl Plan {
    /// Takes over what a file says now; what was read of an SLO that is still the same stays.
    pub(super) fn update(&mut self, slos: Vec<(Slo, Written)>, overrides: &Overrides) {
        let prints: Vec<u64> = slos.iter().map(|(slo, _)| print(slo)).collect();
        if prints
            .iter()
            .eq(self.slos.iter().map(|planned| &planned.print))
        {
            return;
        }
        let mut old: HashMap<u64, Planned> = std::mem::take(&mut self.slos)
            .into_iter()
            .map(|planned| (planned.print, planned))
            .collect();
        let new = slos.into_iter().zip(prints).map(|((slo, written), print)| {
            old.remove(&print).unwrap_or_else(|| {
                let measure = Measure::of(&slo, overrides);
                let mut slo = slo;
                if matches!(slo.indicator, Indicator::Probe { .. }) && slo.group_by.is_empty() {
                    let rule = "probes of all places count alike: their mean, not their majority";
                    slo.cautions.push(Untrusted::line(rule));
                }
                Planned {
                    measure: measure.map_err(|why| Untrusted::line(&why)),
                    slo,
                    written,
                    known: Known::default(),
                    print,
                }
            })
        });
        self.slos = new.collect();
    }

    /// Forgets everything that was read: somebody asks for the past.
    pub(super) fn forget(&mut self) {
        for planned in &mut self.slos {
            planned.known = Known::default();
        }
    }
}

/// What an SLO is known by as long as nobody changes it.
fn print(slo: &Slo) -> u64 {
    let mut hasher = DefaultHasher::new();
    // Its text form has every field that counts; an SLO always has one.
    serde_json::to_string(slo)
        .unwrap_or_default()
        .hash(&mut hasher);
    hasher.finish()
}

impl Planned {
    pub(super) fn measure(&self) -> Option<&Measure> {
        self.measure.as_ref().ok()?.as_ref()
    }

    /// Whether a window is to be asked for.
    pub(super) fn is_due(&self, secs: u64, now: DateTime<Utc>) -> bool {
        let seen = self.known.windows.get(&secs);
        let patience = seen.map_or(0, |seen| patience_secs(secs, &seen.found));
        self.known
            .is_due(secs, seen.map(|seen| seen.at), patience, now)
    }

    /// Whether its period is to be asked for.
    pub(super) fn is_period_due(&self, span: Span, now: DateTime<Utc>) -> bool {
        let seen = self.known.period.as_ref();
        // A new month is asked for at once.
        let is_other = seen.is_some_and(|seen| {
            seen.span.period.end != seen.span.at && seen.span.period != span.period
        });
        let seen = seen.filter(|_| !is_other);
        let patience = seen.map_or(0, |seen| patience_secs(span.secs, &seen.found));
        self.known
            .is_due(0, seen.map(|seen| seen.asked_at), patience, now)
    }

    /// The query of a window, as it would be asked alone.
    pub(super) fn alone(&self, secs: u64) -> Arc<str> {
        if let Some(seen) = self.known.windows.get(&secs) {
            return seen.query.clone();
        }
        self.alone_over(Reach::window(secs))
    }

    pub(super) fn alone_over(&self, reach: Reach) -> Arc<str> {
        let text = self.measure().map(|measure| measure.alone(reach));
        text.map_or_else(|| "".into(), |text| text.as_str().into())
    }

    /// Whether a recording is of this SLO.
    pub(super) fn is_recorded_by(&self, recorded: &RecordedSlo) -> bool {
        let (own, other) = (&self.slo.id, &recorded.slo.id);
        // What Pyrra records names no service.
        let is_pyrra = recorded.by == Recorder::Pyrra
            && self.slo.origins.iter().any(|origin| {
                matches!(origin, Origin::File { format, .. } if *format == FileFormat::Pyrra)
            });
        own.name == other.name && (own.service == other.service || is_pyrra)
    }

    /// What is wrong with its queries, with the place where they stand.
    pub(super) fn complaint(&self) -> Option<Untrusted> {
        let place = place(&self.slo);
        if let Err(why) = &self.measure {
            return Some(Untrusted::line(&format!("{place}: {why}")));
        }
        let refused = self.known.refused_at.keys().min()?;
        let found = match refused {
            0 => self.known.period.as_ref().map(|seen| &seen.found),
            secs => self.known.windows.get(secs).map(|seen| &seen.found),
        };
        let Some(Err(NoData::Failed(words))) = found else {
            return None;
        };
        Some(Untrusted::line(&format!(
            "{place}: the server refuses its query: {words}"
        )))
    }
}

/// How long an answer is good enough. Where nothing was found, asking costs the server nothing, and
/// the first samples are news.
fn patience_secs(secs: u64, found: &Result<Groups, NoData>) -> u64 {
    match found {
        Ok(groups) if groups.values().all(Values::is_nothing) => refresh_secs(0),
        _ => refresh_secs(secs),
    }
}

/// `file:line: name`, as far as there is a file.
pub(super) fn place(slo: &Slo) -> String {
    let file = slo.origins.iter().find_map(|origin| match origin {
        Origin::File { path, line, .. } => Some((path, *line)),
        Origin::Recorded { .. } => None,
    });
    match file {
        Some((path, line)) => {
            let line = first_query(slo).map_or(line, |query| query.line.max(1));
            format!("{path}:{line}: {}", slo.id)
        }
        None => slo.id.to_string(),
    }
}

/// The first query of an SLO that stands in a file.
pub(super) fn first_query(slo: &Slo) -> Option<&Query> {
    let query = match &slo.indicator {
        Indicator::Events { part, .. } => part,
        Indicator::Ratio { query, .. } | Indicator::Threshold { query, .. } => query,
        Indicator::NativeLatency { histogram, .. } => histogram,
        Indicator::Probe { gauge } => gauge,
        Indicator::Recorded => return None,
    };
    Some(query).filter(|query| query.line > 0)
}

/// The data source that an SLO names.
pub(super) fn data_source(slo: &Slo) -> Option<&Untrusted> {
    match &slo.indicator {
        Indicator::Events { part, total, .. } => {
            total.data_source.as_ref().or(part.data_source.as_ref())
        }
        Indicator::Ratio { query, .. } | Indicator::Threshold { query, .. } => {
            query.data_source.as_ref()
        }
        Indicator::NativeLatency { histogram, .. } => histogram.data_source.as_ref(),
        Indicator::Probe { gauge } => gauge.data_source.as_ref(),
        Indicator::Recorded => None,
    }
}

impl Known {
    fn is_due(
        &self,
        window: u64,
        seen_at: Option<DateTime<Utc>>,
        refresh_secs: u64,
        now: DateTime<Utc>,
    ) -> bool {
        let passed = |since: DateTime<Utc>, wait: TimeDelta| now < since || now - since >= wait;
        let refused = self.refused_at.get(&window);
        if refused.is_some_and(|at| !passed(*at, AGAIN_AFTER)) {
            return false;
        }
        let wait = TimeDelta::try_seconds(i64::try_from(refresh_secs).unwrap_or(i64::MAX));
        let wait = wait.unwrap_or(TimeDelta::MAX) - SLACK;
        seen_at.is_none_or(|at| passed(at, wait))
    }

    /// Whether it is time to look into what is missing.
    pub(super) fn may_diagnose(&self, now: DateTime<Utc>) -> bool {
        self.diagnosed_at
            .is_none_or(|at| now < at || now - at >= AGAIN_AFTER)
    }
}
