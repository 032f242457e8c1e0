//! What does a Prometheus record, and which events are behind it?
//!
//! Part of [`BurnSource`]: takes over what came along with the shortest window, remembers what has
//! gone, and has rules taken apart where no file tells of an SLO.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::BurnSource;
use super::answer::Heard;
use super::plan::{AGAIN_AFTER, Planned, Written};
use super::recorded;
use super::rules;
use crate::domain::label::Labels;
use crate::domain::observed::Series;
use crate::domain::slo::{Recorder, Slo, SloFiles, SloId};
use crate::domain::slo_measured::NoData;
use crate::domain::text::Untrusted;

/// A recording that has gone is remembered for so long: nobody said that all is well.
const REMEMBERED_FOR: TimeDelta = TimeDelta::hours(24);

/// Of so many recorded SLOs without a file the period is counted by events: each costs the server a
/// whole period of samples.
const MAX_COUNTED: usize = 100;

impl BurnSource {
    /// Takes over what is recorded.
    pub(super) fn hear(&mut self, along: Result<Vec<Series>, NoData>, at: DateTime<Utc>) {
        let series = match along {
            Ok(series) => series,
            Err(why) => {
                self.recordings.unheard = Some(why);
                return;
            }
        };
        let (found, limits) = recorded::read(&series, &self.name);
        let recordings = &mut self.recordings;
        let mut heard: Vec<Heard> = found.into_iter().map(|slo| Heard { slo, at }).collect();
        let present: HashSet<&SloId> = heard.iter().map(|heard| &heard.slo.slo.id).collect();
        let gone: Vec<Heard> = std::mem::take(&mut recordings.heard)
            .into_iter()
            .filter(|old| !present.contains(&old.slo.slo.id) && at - old.at <= REMEMBERED_FOR)
            .collect();
        heard.extend(gone);
        recordings.heard = heard;
        recordings.heard_at = Some(at);
        recordings.unheard = None;
        recordings.limits = limits;
    }

    /// The windows that need not be asked for, by SLO: they are recorded.
    pub(super) fn recorded_windows(&self) -> Vec<BTreeSet<u64>> {
        let mut by_name: HashMap<&Untrusted, Vec<&Heard>> = HashMap::new();
        let heard = self.recordings.heard.iter();
        for heard in heard.filter(|heard| Some(heard.at) == self.recordings.heard_at) {
            let name = &heard.slo.slo.id.name;
            by_name.entry(name).or_default().push(heard);
        }
        let of = |planned: &Planned| -> BTreeSet<u64> {
            let named = by_name.get(&planned.slo.id.name).into_iter().flatten();
            let own = named.filter(|heard| planned.is_recorded_by(&heard.slo));
            own.flat_map(|heard| heard.slo.windows.iter().map(|window| window.secs))
                .collect()
        };
        self.plan.slos.iter().map(of).collect()
    }

    /// Finds the events behind what Sloth records and no file tells of.
    pub(super) async fn ask_rules(&mut self, files: &SloFiles, at: DateTime<Utc>) {
        let asked_at = self.recordings.rules_asked_at;
        if asked_at.is_some_and(|asked| at >= asked && at - asked < AGAIN_AFTER) {
            return;
        }
        let is_bare = |heard: &&Heard| {
            heard.slo.by == Recorder::Sloth
                && heard.slo.objective.is_some()
                && !self.plan.slos.iter().any(|planned| {
                    planned.written == Written::InFile
                        && planned.measure().is_some()
                        && planned.is_recorded_by(&heard.slo)
                })
        };
        let bare: Vec<Slo> = self
            .recordings
            .heard
            .iter()
            .filter(is_bare)
            .map(|heard| heard.slo.slo.clone())
            .collect();
        if bare.is_empty() {
            self.recordings.behind.clear();
            return;
        }
        self.recordings.rules_asked_at = Some(at);
        match self.queries.recordings(rules::RECORD).await {
            Ok(records) => {
                let texts: HashMap<(&str, &str), &str> = records
                    .iter()
                    .filter_map(|record| {
                        let label = |name| record.labels.get(name).map(Untrusted::raw);
                        let key = (label("sloth_service")?, label("sloth_slo")?);
                        Some((key, &*record.query))
                    })
                    .collect();
                let (behind, more) = behind(bare, &texts);
                self.recordings.behind = behind;
                self.recordings.rules_limit = (more > 0).then(|| {
                    Untrusted::line(&format!(
                        "the periods of {more} more recorded SLOs are by time only: name their files to have them counted by events"
                    ))
                });
            }
            Err(error) => {
                self.recordings.rules_limit = Some(Untrusted::line(&format!(
                    "recording rules: {error}; periods are by time only"
                )));
            }
        }
        self.take_over(files);
    }
}

/// SLOs with the events that their rules count, and how many are too many.
fn behind(bare: Vec<Slo>, texts: &HashMap<(&str, &str), &str>) -> (Vec<Slo>, usize) {
    let mut found: BTreeMap<SloId, Slo> = BTreeMap::new();
    let mut more = 0;
    for mut slo in bare {
        let group = std::mem::take(&mut slo.id.group);
        let service = slo.id.service.as_ref().map_or("", Untrusted::raw);
        let text = texts.get(&(service, slo.id.name.raw()));
        let Some(indicator) = text.and_then(|text| rules::events(text)) else {
            continue;
        };
        if found.len() == MAX_COUNTED && !found.contains_key(&slo.id) {
            more += 1;
            continue;
        }
        slo.indicator = indicator;
        slo.group_by = names(&group);
        found.entry(slo.id.clone()).or_insert(slo);
    }
    (found.into_values().collect(), more)
}

fn names(group: &Labels) -> Vec<String> {
    group
        .iter()
        .map(|(name, _)| name.raw().to_owned())
        .collect()
}
