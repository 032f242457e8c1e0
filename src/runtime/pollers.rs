//! Who asks each source, how often, and what if it fails?
//!
//! One task for each source: one request under way, a wait by [`next_wait`], and never a word to
//! the model but a report. A slow source slows itself alone.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc};

use super::clock;
use crate::config::delivery::DeliverySourceSettings;
use crate::config::settings::{
    AlertmanagerSettings, Measures, PrometheusSettings, RunbookSettings, SloSettings,
};
use crate::domain::backoff::{Pace, next_wait};
use crate::domain::slo_measured::BurnAnswer;
use crate::domain::source::{ErrorKind, SourceError};
use crate::msg::{Answer, Msg, Report};
use crate::runbooks;
use crate::slos;
use crate::sources::Alertmanager;
use crate::sources::{BurnHistory, BurnSource, DeliverySource, Prometheus, QueryHandle};

/// Runbooks change seldom; a pull on the bastion is seen within this time.
pub const RUNBOOK_PERIOD: Duration = Duration::from_mins(1);

/// As often as the shortest windows are worth asking for.
pub const BURN_PERIOD: Duration = Duration::from_secs(30);

/// How to ask one source.
pub enum Upstream {
    /// An Alertmanager replica.
    Alertmanager(AlertmanagerSettings, Option<Box<Alertmanager>>),
    /// A Prometheus.
    Prometheus(PrometheusSettings, Option<Box<Prometheus>>),
    /// The SLOs of a Prometheus.
    Burn(Box<BurnUpstream>),
    /// A source of changes and drift.
    Delivery(DeliverySourceSettings, Option<Box<DeliverySource>>),
    /// The runbooks.
    Runbooks(RunbookSettings),
}

/// How to measure the SLOs of one Prometheus.
pub struct BurnUpstream {
    /// Which one.
    pub prometheus: PrometheusSettings,
    /// Which SLOs.
    pub slo: SloSettings,
    /// Which of those that files define.
    pub measures: Measures,
    /// Where closed hours are kept.
    pub cache: Option<PathBuf>,
    client: Option<BurnSource>,
}

impl BurnUpstream {
    /// One that has not asked yet.
    pub fn new(
        prometheus: PrometheusSettings,
        slo: SloSettings,
        measures: Measures,
        cache: Option<PathBuf>,
    ) -> Self {
        Self {
            prometheus,
            slo,
            measures,
            cache,
            client: None,
        }
    }

    fn client(&mut self) -> Result<&mut BurnSource, SourceError> {
        let made = match self.client.take() {
            Some(client) => client,
            None => BurnSource::new(
                &self.prometheus,
                &self.slo,
                self.measures,
                self.cache.clone(),
            )?,
        };
        Ok(self.client.insert(made))
    }

    async fn ask(&mut self) -> Result<BurnAnswer, SourceError> {
        let settings = self.slo.clone();
        let read = tokio::task::spawn_blocking(move || slos::read(&settings));
        let files = read
            .await
            .map_err(|error| SourceError::new(ErrorKind::Local, &error.to_string()))?;
        self.client()?.poll(&files, clock::now()).await
    }
}

impl Upstream {
    /// For queries of an operator, if it is a Prometheus whose settings hold.
    pub fn queries(&mut self) -> Option<QueryHandle> {
        let Self::Prometheus(settings, client) = self else {
            return None;
        };
        // A failure comes again with the first poll, and is shown then.
        *client = Prometheus::new(settings).ok().map(Box::new);
        client.as_ref().map(|c| c.query_handle())
    }

    /// For the past of SLOs, if its settings hold.
    pub fn pasts(&mut self) -> Option<BurnHistory> {
        let Self::Burn(burn) = self else {
            return None;
        };
        burn.client().ok().map(|client| client.history())
    }

    fn period(&self) -> Duration {
        match self {
            Self::Alertmanager(settings, _) => settings.period,
            Self::Prometheus(settings, _) => settings.period,
            Self::Burn(_) => BURN_PERIOD,
            Self::Delivery(settings, _) => settings.period,
            Self::Runbooks(_) => RUNBOOK_PERIOD,
        }
    }

    /// A client that could not be made (a certificate that is not there yet) is tried again.
    async fn ask(&mut self) -> Result<Answer, SourceError> {
        let now = clock::now();
        match self {
            Self::Alertmanager(settings, client) => {
                if client.is_none() {
                    *client = Some(Box::new(Alertmanager::new(settings)?));
                }
                let Some(client) = client else {
                    return Err(SourceError::new(ErrorKind::Local, "no client"));
                };
                Ok(Answer::Alertmanager(Arc::new(
                    boxed(client.poll(now)).await?,
                )))
            }
            Self::Prometheus(settings, client) => {
                if client.is_none() {
                    *client = Some(Box::new(Prometheus::new(settings)?));
                }
                let Some(client) = client else {
                    return Err(SourceError::new(ErrorKind::Local, "no client"));
                };
                Ok(Answer::Prometheus(Arc::new(boxed(client.poll(now)).await?)))
            }
            Self::Burn(burn) => Ok(Answer::Burn(Arc::new(boxed(burn.ask()).await?))),
            Self::Delivery(settings, source) => {
                if source.is_none() {
                    *source = Some(Box::new(DeliverySource::new(settings)?));
                }
                let Some(source) = source else {
                    return Err(SourceError::new(ErrorKind::Local, "no client"));
                };
                Ok(Answer::Delivery(boxed(source.poll(now)).await?))
            }
            Self::Runbooks(settings) => Ok(Answer::Runbooks(Arc::new(
                boxed(runbooks::read(settings)).await?,
            ))),
        }
    }
}

/// The compiler cannot see through these futures that they are `Send` for every lifetime; behind
/// a pointer it need not.
fn boxed<'a, T>(
    future: impl Future<Output = T> + Send + 'a,
) -> Pin<Box<dyn Future<Output = T> + Send + 'a>> {
    Box::pin(future)
}

/// Asks a source for ever. `source` is its place in the model.
pub async fn poll(
    source: usize,
    mut upstream: Upstream,
    wake: Arc<Notify>,
    inbox: mpsc::Sender<Msg>,
) {
    let period = upstream.period();
    let mut failures = 0_u32;
    loop {
        let begun = Instant::now();
        let result = upstream.ask().await;
        let took = begun.elapsed();
        let (mut retry_after, mut is_busy) = (None, false);
        match &result {
            Ok(_) => failures = 0,
            Err(error) => {
                failures = failures.saturating_add(1);
                retry_after = error.retry_after;
                is_busy = error.kind == ErrorKind::Busy;
                tracing::warn!(source, failures, %error, "a poll failed");
            }
        }
        let report = Report {
            source,
            at: clock::now(),
            latency_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            result,
        };
        if inbox.send(Msg::SourceReported(report)).await.is_err() {
            return;
        }
        let pace = Pace {
            period,
            last_latency: took,
            failures,
            retry_after,
        };
        let wait = next_wait(pace, jitter());
        // A server that says it is overloaded is left alone, also by the operator's key.
        if is_busy {
            tokio::time::sleep(wait).await;
            continue;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = wake.notified() => {}
        }
    }
}

/// 0..1, different enough between two quells.
fn jitter() -> f64 {
    f64::from(clock::now().timestamp_subsec_micros() % 1_000) / 1_000.0
}
