//! What does one Prometheus, or what speaks its HTTP API, say right now?
//!
//! The runtime's poller owns one [`Prometheus`] per server. One poll reads its alerts, and at times
//! its rules, version and clock; one request after the other. Whoever wants to query meanwhile takes
//! a [`QueryHandle`]. Thanos, Mimir and VictoriaMetrics lack some of it: that is said, not failed.

mod facts;
mod query;
#[cfg(test)]
mod tests;
mod wire;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

pub use self::query::QueryHandle;
use self::wire::{WireAlerts, WireBuild, WireRules, unwrap};
use super::http::{HttpClient, HttpError};
use super::part::{Mood, Part};
use super::wire::{Text, malformed};
use crate::config::settings::PrometheusSettings;
use crate::domain::observed::{PrometheusAnswer, RuleAlert, RuleHealth};
use crate::domain::source::SourceError;
use crate::domain::text::{Interner, Untrusted};

const RULES_EVERY: TimeDelta = TimeDelta::seconds(30);
const CLOCK_EVERY: TimeDelta = TimeDelta::seconds(60);
/// Between two attempts; once it is known it is not asked for again.
const VERSION_EVERY: TimeDelta = TimeDelta::seconds(60);

/// Rule groups of one page, for servers that have pages.
const GROUPS_PER_PAGE: &str = "1000";
/// A server that never comes to an end is not followed.
const MAX_PAGES: usize = 100;

/// Reads one server, and keeps the last good parts of what it told.
pub struct Prometheus {
    http: HttpClient,
    queries: QueryHandle,
    rules: Part<Rules>,
    version: Part<Option<Untrusted>>,
    clock_ahead_secs: Part<f64>,
}

#[derive(Default)]
struct Rules {
    health: Vec<RuleHealth>,
    warnings: Vec<Untrusted>,
}

/// The alerts of one poll, or that this server has none to give.
#[derive(Default)]
struct Alerts {
    present: Vec<RuleAlert>,
    warnings: Vec<Untrusted>,
    missing: Option<SourceError>,
}

impl Prometheus {
    /// Prepares the reading; asks nothing yet.
    ///
    /// # Errors
    /// A certificate file or a header of the settings does not hold.
    pub fn new(settings: &PrometheusSettings) -> Result<Self, SourceError> {
        let http = HttpClient::new(&settings.endpoint)?;
        Ok(Self {
            queries: QueryHandle::new(http.clone()),
            http,
            rules: Part::default(),
            version: Part::default(),
            clock_ahead_secs: Part::default(),
        })
    }

    /// For queries from other tasks, also while a poll runs.
    #[must_use]
    pub fn query_handle(&self) -> QueryHandle {
        self.queries.clone()
    }

    /// Asks for the alerts, and for what is due besides. `now` is the time of asking.
    ///
    /// # Errors
    /// Why there are no alerts. A server without that endpoint fails only when its rules fail too;
    /// a failure of anything else is a line in `limits`.
    pub async fn poll(&mut self, now: DateTime<Utc>) -> Result<PrometheusAnswer, SourceError> {
        let begun = Instant::now();
        let read = match self.read_alerts().await {
            Ok(read) => read,
            Err(error) => {
                // It may come back as another version.
                self.version = Part::default();
                return Err(error);
            }
        };
        let mood = self.refresh_rules(now).await;
        if let (Some(_), Some(error)) = (&read.missing, self.rules.failure()) {
            return Err(error.clone());
        }
        if mood == Mood::Willing {
            self.refresh_facts(now, begun).await;
        }

        let rules = self.rules.value();
        let missing = read.missing.as_ref();
        let mut limits: Vec<Untrusted> = [
            missing.map(|error| Untrusted::line(&format!("alerts: {error}"))),
            self.rules.limit("rules"),
            self.clock_ahead_secs.limit("clock"),
        ]
        .into_iter()
        .flatten()
        .collect();
        limits.extend(read.warnings);
        limits.extend(rules.iter().flat_map(|rules| &rules.warnings).cloned());
        Ok(PrometheusAnswer {
            alerts: read.present,
            rules: rules.map_or_else(Vec::new, |rules| rules.health.clone()),
            version: self.version.value().cloned().flatten(),
            clock_ahead_secs: self.clock_ahead_secs.value().copied(),
            limits,
        })
    }

    async fn refresh_rules(&mut self, now: DateTime<Utc>) -> Mood {
        if !self.rules.is_due(now, RULES_EVERY) {
            return Mood::Willing;
        }
        let result = self.read_rules().await;
        self.rules.settle(now, result)
    }

    async fn refresh_facts(&mut self, now: DateTime<Utc>, begun: Instant) {
        if self.version.value().is_none() && self.version.is_due(now, VERSION_EVERY) {
            let result = self.read_version().await;
            if self.version.settle(now, result) == Mood::Unwilling {
                return;
            }
        }
        if self.clock_ahead_secs.is_due(now, CLOCK_EVERY) {
            let sent = begun.elapsed();
            let result = self.queries.server_time().await;
            // The server looked at its clock about half way.
            let half_way = (sent + begun.elapsed()) / 2;
            let ours = seconds(now) + half_way.as_secs_f64();
            let ahead = result.map(|theirs| theirs - ours);
            self.clock_ahead_secs.settle(now, ahead);
        }
    }

    async fn read_alerts(&self) -> Result<Alerts, SourceError> {
        let body = match self.http.get("/api/v1/alerts", &[]).await {
            Ok(body) => body,
            Err(failed) if is_missing(&failed) => {
                return Ok(Alerts {
                    missing: Some(failed.error),
                    ..Alerts::default()
                });
            }
            Err(failed) => return Err(failed.error),
        };
        let text = body.whole().await?;
        let unwrapped = unwrap::<WireAlerts<'_>>(&text)?;
        let mut interner = Interner::default();
        let mut present = Vec::new();
        for (index, wire) in unwrapped.data.alerts.iter().flatten().enumerate() {
            let alert = wire.rule_alert(&mut interner);
            present.extend(alert.map_err(|lack| malformed(&format!("alert {index} {lack}")))?);
        }
        Ok(Alerts {
            present,
            warnings: unwrapped.remarks(),
            missing: None,
        })
    }

    /// All pages. When the rules change between two pages the token of the next one is refused:
    /// then once more from the first.
    async fn read_rules(&self) -> Result<Rules, SourceError> {
        match self.read_pages().await {
            Err(Paging::Stale(_)) => match self.read_pages().await {
                Err(Paging::Stale(error) | Paging::Failed(error)) => Err(error),
                Ok(rules) => Ok(rules),
            },
            Err(Paging::Failed(error)) => Err(error),
            Ok(rules) => Ok(rules),
        }
    }

    async fn read_pages(&self) -> Result<Rules, Paging> {
        let mut interner = Interner::default();
        let mut rules = Rules::default();
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut params = vec![
                ("type", "alert"),
                ("exclude_alerts", "true"),
                ("group_limit", GROUPS_PER_PAGE),
            ];
            params.extend(token.as_deref().map(|token| ("group_next_token", token)));
            let body = match self.http.get("/api/v1/rules", &params).await {
                Ok(body) => body,
                Err(failed) if token.is_some() && failed.status == Some(400) => {
                    return Err(Paging::Stale(failed.error));
                }
                Err(failed) => return Err(Paging::Failed(failed.error)),
            };
            let text = body.whole().await?;
            let page = unwrap::<WireRules<'_>>(&text)?;
            rules.health.extend(page.data.health(&mut interner));
            token = page.data.next_token();
            rules.warnings.extend(page.remarks());
            if token.is_none() {
                return Ok(rules);
            }
        }
        let detail = format!("the rules do not end within {MAX_PAGES} pages");
        Err(Paging::Failed(malformed(&detail)))
    }

    /// `None` where the server does not tell.
    async fn read_version(&self) -> Result<Option<Untrusted>, SourceError> {
        let body = match self.http.get("/api/v1/status/buildinfo", &[]).await {
            Ok(body) => body,
            Err(failed) if is_missing(&failed) => return Ok(None),
            Err(failed) => return Err(failed.error),
        };
        let text = body.whole().await?;
        let build = unwrap::<WireBuild<'_>>(&text)?.data;
        Ok(build.version.as_ref().and_then(Text::line))
    }
}

/// Why a page of rules is not there.
enum Paging {
    /// The token is refused.
    Stale(SourceError),
    Failed(SourceError),
}

impl From<SourceError> for Paging {
    fn from(error: SourceError) -> Self {
        Self::Failed(error)
    }
}

/// Whether a server simply does not have an endpoint. VictoriaMetrics says so with a 400.
fn is_missing(failed: &HttpError) -> bool {
    match failed.status {
        Some(404 | 405 | 501) => true,
        Some(400) => failed.error.detail.raw().contains("unsupported path"),
        _ => false,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since the epoch fit"
)]
fn seconds(time: DateTime<Utc>) -> f64 {
    time.timestamp_millis() as f64 / 1000.0
}
