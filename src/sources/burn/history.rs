//! How did the error ratio of an SLO move?
//!
//! Part of `sources::burn`: [`BurnHistory`] asks for ranges, for sparklines and charts. It keeps
//! nothing.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use promql_parser::util::escape_string;

use super::ask::{Asker, Question, Unit, When};
use super::measure::{Measure, Text};
use super::overrides::Overrides;
use super::tree::Reach;
use super::values::only;
use crate::domain::observed::Sample;
use crate::domain::slo::{Origin, Recorder, Slo, SloId};
use crate::domain::source::SourceError;
use crate::sources::prometheus::QueryHandle;

/// Points of one SLO.
const POINTS: u64 = 72;
/// No server is asked for more points than it can have.
const MIN_STEP_SECS: u64 = 15;
const WINDOW_SECS: u64 = 300;

/// Asks for the past of SLOs. Clones share connections and credentials.
#[derive(Clone)]
pub struct BurnHistory {
    queries: QueryHandle,
    overrides: Arc<Overrides>,
}

impl BurnHistory {
    pub(super) fn new(queries: QueryHandle, overrides: Arc<Overrides>) -> Self {
        Self { queries, overrides }
    }

    /// The error ratio over 5 minutes of each SLO, from `end - span_secs` to `end`, oldest first,
    /// in about 72 points. An SLO without any is left out.
    ///
    /// # Errors
    /// All that can befall a request. An expression that is refused leaves its SLO out.
    pub async fn ask(
        &self,
        slos: &[Slo],
        span_secs: u64,
        end: DateTime<Utc>,
    ) -> Result<Vec<(SloId, Vec<Sample>)>, SourceError> {
        let step = (span_secs / POINTS).max(MIN_STEP_SECS);
        let span = i64::try_from(span_secs)
            .ok()
            .and_then(TimeDelta::try_seconds);
        let when = When::Range {
            start: end - span.unwrap_or(TimeDelta::MAX),
            end,
            step: Duration::from_secs(step),
        };
        let mut units: Vec<Unit> = Vec::new();
        // The groups of one SLO come with one expression.
        let mut owners: Vec<Option<usize>> = Vec::with_capacity(slos.len());
        for slo in slos {
            let owner = self.text(slo).map(|text| {
                let known = units.iter().position(|unit| unit.items[0].1 == text);
                known.unwrap_or_else(|| {
                    let owner = units.len();
                    let items = vec![(owner.to_string(), text)];
                    units.push(Unit { owner, items });
                    owner
                })
            });
            owners.push(owner);
        }
        if units.is_empty() {
            return Ok(Vec::new());
        }
        let question = Question {
            when,
            units,
            along: None,
        };
        let round = Asker::new(self.queries.clone()).ask(vec![question]).await;
        if let (0, Some(failure)) = (round.answered, round.failure) {
            return Err(failure);
        }
        let Some(told) = round.told.into_iter().next() else {
            return Ok(Vec::new());
        };
        let past = slos.iter().zip(owners).filter_map(|(slo, owner)| {
            let series = told.values.get(&owner?.to_string())?;
            let names: Vec<String> = slo
                .id
                .group
                .iter()
                .map(|(name, _)| name.raw().to_owned())
                .collect();
            let mut of_group = series
                .iter()
                .filter(|series| only(&series.labels, &names) == slo.id.group);
            // Of several series none is the SLO's.
            let own = of_group.next().filter(|_| of_group.next().is_none())?;
            let samples: Vec<Sample> = own
                .samples
                .iter()
                .filter(|(_, ratio)| ratio.is_finite())
                .map(|(at, ratio)| (*at, ratio.clamp(0.0, 1.0)))
                .collect();
            (!samples.is_empty()).then(|| (slo.id.clone(), samples))
        });
        Ok(past.collect())
    }

    /// The expression for the ratio: the recording where there is one.
    fn text(&self, slo: &Slo) -> Option<Text> {
        let recorder = slo.origins.iter().find_map(|origin| match origin {
            Origin::Recorded { by, .. } => Some(*by),
            Origin::File { .. } => None,
        });
        if let Some(text) = recorder.and_then(|by| recorded(slo, by)) {
            return Some(Text::Sound(text));
        }
        let measure = Measure::of(slo, &self.overrides).ok()??;
        Some(measure.alone(Reach::window(WINDOW_SECS)))
    }
}

/// The recorded ratio over 5 minutes. Of several replicas they are the same.
fn recorded(slo: &Slo, by: Recorder) -> Option<String> {
    let name = slo.id.name.raw();
    let by_group: Vec<&str> = slo.id.group.iter().map(|(name, _)| name.raw()).collect();
    let by_group = by_group.join(", ");
    let max = |selector: String| format!("max by ({by_group}) ({selector})");
    let matchers = |pairs: &[(&str, &str)]| -> String {
        let pairs: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escape_string(value)))
            .collect();
        pairs.join(",").replace('\u{fffd}', "\\ufffd")
    };
    Some(match by {
        Recorder::Sloth => {
            let service = slo.id.service.as_ref()?.raw();
            let pairs = matchers(&[("sloth_service", service), ("sloth_slo", name)]);
            max(format!("slo:sli_error:ratio_rate5m{{{pairs}}}"))
        }
        // For most periods 5 minutes are the shortest window, for a week it is one.
        Recorder::Pyrra => {
            let pairs = matchers(&[("slo", name)]);
            max(format!("{{__name__=~\".+:burnrate[1-9]m\",{pairs}}}"))
        }
        Recorder::Grafana => {
            let uuid = slo.labels.get("grafana_slo_uuid")?.raw();
            let pairs = matchers(&[("grafana_slo_uuid", uuid)]);
            max(format!("1 - grafana_slo_sli_5m{{{pairs}}}"))
        }
    })
}
