//! What does the simulated platform look like at that time?
//!
//! The one value that every handler reads: seed, opening time, series, schedule and what is
//! recorded. It is built once and never changes; time comes in with each request.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::platform;
use super::promql::{self, Engine};
use super::recorded::{self, RecordingGroup};
use super::schedule::Schedule;
use super::seed::Seed;
use super::series::{Store, secs_of};

/// A simulated platform. All its times are milliseconds since `started`.
#[derive(Debug)]
pub(super) struct World {
    pub seed: Seed,
    pub started: DateTime<Utc>,
    pub store: Store,
    pub schedule: Schedule,
    pub records: Vec<RecordingGroup>,
}

impl World {
    /// # Errors
    /// A rule that is not PromQL.
    pub(super) fn new(seed: u64, started: DateTime<Utc>) -> Result<World, promql::Error> {
        let seed = Seed(seed);
        let epoch_ms = started.timestamp_millis();
        let mut store = platform::build(seed, secs_of(epoch_ms));
        let schedule = Schedule::of(&store, epoch_ms)?;
        for series in schedule.series() {
            store.add(series);
        }
        let records = recorded::groups();
        for rule in records.iter().flat_map(|group| &group.rules) {
            store.add(rule.series());
        }
        Ok(World {
            seed,
            started,
            store,
            schedule,
            records,
        })
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
