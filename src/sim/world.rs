//! What does the simulated platform look like at that time?
//!
//! The one value that every handler reads: seed, opening time, series, schedule, what is recorded and
//! what was written. It never changes; time comes in with each request. A write makes another world,
//! in which the telling that it turned goes on otherwise.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::deeds::Deeds;
use super::platform;
use super::plot::Plot;
use super::promql::{self, Engine};
use super::recorded::{self, RecordingGroup};
use super::schedule::Schedule;
use super::seed::Seed;
use super::series::{Store, secs_of};

/// A simulated platform. All its times are milliseconds since `started`.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub seed: Seed,
    pub started: DateTime<Utc>,
    /// What can be queried.
    pub store: Arc<Store>,
    pub schedule: Arc<Schedule>,
    pub records: Arc<Vec<RecordingGroup>>,
    pub deeds: Arc<Deeds>,
    /// What the platform exposes: the store without what the rules add.
    exposed: Arc<Store>,
}

impl World {
    /// # Errors
    /// A rule that is not PromQL.
    pub(super) fn new(seed: u64, started: DateTime<Utc>) -> Result<World, promql::Error> {
        let seed = Seed(seed);
        let epoch_ms = started.timestamp_millis();
        let exposed = platform::build(seed, secs_of(epoch_ms), &Plot::told());
        let schedule = Schedule::of(&exposed, epoch_ms)?;
        let records = recorded::groups();
        Ok(World {
            seed,
            started,
            store: Arc::new(queried(&exposed, &schedule, &records)),
            schedule: Arc::new(schedule),
            records: Arc::new(records),
            deeds: Arc::default(),
            exposed: Arc::new(exposed),
        })
    }

    /// The same platform after these deeds. What they turn in a telling is told anew.
    pub(super) fn with(&self, deeds: Deeds) -> World {
        let mut next = self.clone();
        let turned = deeds.turned_since(&self.deeds);
        next.deeds = Arc::new(deeds);
        if turned.is_empty() {
            return next;
        }
        let mut exposed = Store::clone(&self.exposed);
        let mut schedule = Schedule::clone(&self.schedule);
        for cycle in turned {
            let plot = next.deeds.plot(cycle);
            let other = platform::build(self.seed, secs_of(self.epoch_ms()), &plot);
            schedule.retell(cycle, &other, self.epoch_ms());
            exposed.retell(cycle, &other);
        }
        next.store = Arc::new(queried(&exposed, &schedule, &self.records));
        next.schedule = Arc::new(schedule);
        next.exposed = Arc::new(exposed);
        next
    }

    /// The same platform with another log, its series left as they are: enough to see the objects.
    pub(super) fn logged(&self, deeds: Deeds) -> World {
        World {
            deeds: Arc::new(deeds),
            ..self.clone()
        }
    }

    /// Unix time of the opening, in milliseconds.
    pub(super) fn epoch_ms(&self) -> i64 {
        self.started.timestamp_millis()
    }

    /// An engine that knows nothing later than `now_ms`.
    pub(super) fn engine(&self, now_ms: i64) -> Engine<'_> {
        Engine::new(&self.store, self.epoch_ms(), now_ms)
    }

    /// A wall-clock time as milliseconds since the opening.
    pub(super) fn since_start_ms(&self, at: DateTime<Utc>) -> i64 {
        at.timestamp_millis() - self.epoch_ms()
    }

    /// RFC 3339 with milliseconds, as both peers write times.
    pub(super) fn wall(&self, at_ms: i64) -> String {
        let at = self
            .started
            .checked_add_signed(TimeDelta::milliseconds(at_ms));
        at.unwrap_or(self.started)
            .to_rfc3339_opts(SecondsFormat::Millis, true)
    }
}

/// What is exposed, with what the rules say of it.
fn queried(exposed: &Store, schedule: &Schedule, records: &[RecordingGroup]) -> Store {
    let mut store = exposed.clone();
    for series in schedule.series() {
        store.add(series);
    }
    for rule in records.iter().flat_map(|group| &group.rules) {
        store.add(rule.series());
    }
    store
}
