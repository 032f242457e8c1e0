//! How much of each SLO went wrong, over every window, by one Prometheus?
//!
//! Recorded series first; what has none is asked for with one query for each window, all SLOs in
//! it. Called by the pollers and by the commands without a screen. It judges nothing.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::config::settings::{Measures, PrometheusSettings, SloSettings};
use crate::domain::observed::Sample;
use crate::domain::slo::{Slo, SloFiles, SloId};
use crate::domain::slo_measured::BurnAnswer;
use crate::domain::source::SourceError;

/// Measures the SLOs of one Prometheus.
pub struct BurnSource {}

/// Asks for the past of SLOs. Clones share connections and credentials.
#[derive(Clone)]
pub struct BurnHistory {}

impl BurnSource {
    /// `cache` is a folder for closed hours; none keeps them in memory alone.
    ///
    /// # Errors
    /// The client cannot be made, such as for a certificate that is not there.
    pub fn new(
        _prometheus: &PrometheusSettings,
        _slo: &SloSettings,
        _measures: Measures,
        _cache: Option<PathBuf>,
    ) -> Result<Self, SourceError> {
        Ok(Self {})
    }

    /// Reads what is due at `at`: windows that were read a short while ago are answered from memory.
    ///
    /// # Errors
    /// Nothing could be asked at all. A window or an SLO that fails alone is part of the answer.
    #[allow(clippy::unused_async, reason = "it will ask")]
    pub async fn poll(
        &mut self,
        _files: &SloFiles,
        _at: DateTime<Utc>,
    ) -> Result<BurnAnswer, SourceError> {
        Ok(BurnAnswer::default())
    }

    /// For the past of single SLOs.
    #[must_use]
    pub fn history(&self) -> BurnHistory {
        BurnHistory {}
    }
}

impl BurnHistory {
    /// The error ratio over 5 minutes of each SLO, from `end - span_secs` to `end`, oldest first,
    /// in about 72 points. An SLO without any is left out.
    ///
    /// # Errors
    /// All that can befall a request.
    #[allow(clippy::unused_async, reason = "it will ask")]
    pub async fn ask(
        &self,
        _slos: &[Slo],
        _span_secs: u64,
        _end: DateTime<Utc>,
    ) -> Result<Vec<(SloId, Vec<Sample>)>, SourceError> {
        Ok(Vec::new())
    }
}
