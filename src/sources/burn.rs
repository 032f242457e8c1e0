//! How much of each SLO went wrong, over every window, by one Prometheus?
//!
//! Recorded series first; what has none is asked for with one query for each window, all SLOs in
//! it. Called by the pollers and by the commands without a screen. It judges nothing.

mod answer;
mod ask;
mod buckets;
mod compile;
mod diagnosis;
mod hearing;
mod history;
mod literal;
mod measure;
mod overrides;
mod period;
mod plan;
mod poll;
mod promql;
mod recorded;
mod retention;
mod rules;
mod shape;
#[cfg(test)]
mod tests;
mod tree;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use self::history::BurnHistory;

use self::answer::Heard;
use self::ask::Asker;
use self::buckets::Buckets;
use self::overrides::Overrides;
use self::plan::Plan;
use self::retention::Retention;
use super::http::HttpClient;
use super::prometheus::QueryHandle;
use crate::config::settings::{Measures, PrometheusSettings, RecordedSlos, SloSettings};
use crate::domain::burn_policy::BurnPolicies;
use crate::domain::slo::{Slo, SloFiles, SloProblem};
use crate::domain::slo_measured::{BurnAnswer, NoData};
use crate::domain::source::{SourceError, SourceName};
use crate::domain::text::Untrusted;

/// Windows that are asked for whatever the policies say: for the screen and for what lasts how long.
const SHOWN_WINDOWS: [u64; 4] = [300, 3_600, 21_600, 259_200];

/// Measures the SLOs of one Prometheus.
pub struct BurnSource {
    name: SourceName,
    measures: Measures,
    queries: QueryHandle,
    asker: Asker,
    overrides: Arc<Overrides>,
    override_problems: Vec<SloProblem>,
    windows: BTreeSet<u64>,
    policies: BurnPolicies,
    plan: Plan,
    recordings: Recordings,
    retention: Retention,
    buckets: Buckets,
    /// What servers remarked, by window; 0 is the period.
    remarks: BTreeMap<u64, Vec<Untrusted>>,
    last_at: Option<DateTime<Utc>>,
}

/// What is recorded, as far as it is known.
struct Recordings {
    wanted: RecordedSlos,
    heard: Vec<Heard>,
    heard_at: Option<DateTime<Utc>>,
    unheard: Option<NoData>,
    asked_at: Option<DateTime<Utc>>,
    /// What is lacking in them.
    limits: Vec<Untrusted>,
    /// SLOs whose events the rules tell of.
    behind: Vec<Slo>,
    rules_asked_at: Option<DateTime<Utc>>,
    /// Why the rules could not be read.
    rules_limit: Option<Untrusted>,
}

impl BurnSource {
    /// `cache` is a folder for closed hours; none keeps them in memory alone.
    ///
    /// # Errors
    /// The client cannot be made, such as for a certificate that is not there.
    pub fn new(
        prometheus: &PrometheusSettings,
        slo: &SloSettings,
        measures: Measures,
        cache: Option<PathBuf>,
    ) -> Result<Self, SourceError> {
        let queries = QueryHandle::new(HttpClient::new(&prometheus.endpoint)?);
        let (overrides, override_problems) = Overrides::read(&slo.metrics);
        let mut windows: BTreeSet<u64> = slo.policies.windows([]).into_iter().collect();
        windows.extend(SHOWN_WINDOWS);
        Ok(Self {
            name: prometheus.name.clone(),
            measures,
            asker: Asker::new(queries.clone()),
            queries,
            overrides: Arc::new(overrides),
            override_problems,
            windows,
            policies: slo.policies.clone(),
            plan: Plan::default(),
            recordings: Recordings {
                wanted: slo.recorded,
                heard: Vec::new(),
                heard_at: None,
                unheard: None,
                asked_at: None,
                limits: Vec::new(),
                behind: Vec::new(),
                rules_asked_at: None,
                rules_limit: None,
            },
            remarks: BTreeMap::new(),
            retention: Retention::default(),
            buckets: Buckets::open(cache, prometheus.endpoint.url.as_str()),
            last_at: None,
        })
    }

    /// Reads what is due at `at`: windows that were read a short while ago are answered from memory.
    ///
    /// # Errors
    /// Nothing could be asked at all. A window or an SLO that fails alone is part of the answer.
    pub async fn poll(
        &mut self,
        files: &SloFiles,
        at: DateTime<Utc>,
    ) -> Result<BurnAnswer, SourceError> {
        self.measure(files, at).await
    }

    /// For the past of single SLOs.
    #[must_use]
    pub fn history(&self) -> BurnHistory {
        BurnHistory::new(self.queries.clone(), self.overrides.clone())
    }
}
