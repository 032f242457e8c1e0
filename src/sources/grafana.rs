//! Which changes stand in Grafana as annotations?
//!
//! Called by [`super::delivery`]. One poll asks once for the annotations with the configured tags: the
//! first one for a week, later ones for what ended lately, because pipelines add the end of a region
//! and correct tags afterwards. It never writes.

mod annotation;
mod html;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use self::annotation::{Annotation, Place};
use super::http::{HttpClient, HttpError};
use super::rest::{Kept, LOOK_BACK, sorted_out};
use super::wire::decode;
use crate::config::delivery::{DeclaredPlace, GrafanaSettings};
use crate::domain::delivery::{DeliveryAnswer, Part, PartState};
use crate::domain::source::{ErrorKind, SourceError, SourceName};
use crate::domain::text::Untrusted;

/// Grafana gives 100 unless it is asked for more, and says nothing of what it leaves out.
const MAX_ANNOTATIONS: usize = 500;
/// What ended within this time is read again at every poll.
const OVERLAP: TimeDelta = TimeDelta::hours(6);
/// Clocks differ by this much without a word.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// The client of one.
pub struct Grafana {
    http: HttpClient,
    name: SourceName,
    base: Url,
    tags: Vec<String>,
    place: DeclaredPlace,
    annotations: BTreeMap<u64, Annotation>,
    /// When all up to then was read.
    read_at: Option<DateTime<Utc>>,
    /// Before then something may be missing, because an answer was full.
    full_since: Option<DateTime<Utc>>,
    kept: Kept,
}

impl Grafana {
    /// One that has not asked yet.
    ///
    /// # Errors
    /// A certificate file or a header of the settings does not hold.
    pub fn new(
        name: &SourceName,
        settings: &GrafanaSettings,
        place: &DeclaredPlace,
    ) -> Result<Self, SourceError> {
        Ok(Self {
            http: HttpClient::new(&settings.endpoint)?,
            name: name.clone(),
            base: settings.endpoint.url.clone(),
            tags: settings.tags.clone(),
            place: place.clone(),
            annotations: BTreeMap::new(),
            read_at: None,
            full_since: None,
            kept: Kept::default(),
        })
    }

    /// What it tells at `now`; the same `Arc` as before where nothing has changed.
    ///
    /// # Errors
    /// Why there are no annotations.
    pub async fn poll(&mut self, now: DateTime<Utc>) -> Result<Arc<DeliveryAnswer>, SourceError> {
        let oldest = now - LOOK_BACK;
        // Also when our clock was set back.
        let read_at = self.read_at.filter(|at| *at <= now);
        let from = read_at.map_or(oldest, |at| (at - OVERLAP).max(oldest));
        let list = self.read(from, now + AHEAD).await?;
        let is_full = list.len() >= MAX_ANNOTATIONS;
        let (read, odd) = sorted_out::<Annotation>(list);

        let mut limits = Vec::new();
        let mut say = |text: String| limits.push(Untrusted::line(&text));
        if is_full {
            // The newest come first, and what is behind them is not known.
            self.full_since = read.iter().filter_map(Annotation::ended_at).min();
        } else {
            // The answer is complete: what is not in it any more was deleted.
            let is_older = |a: &Annotation| a.ended_at().is_some_and(|at| at < from);
            self.annotations.retain(|_, a| is_older(a));
        }
        for odd in odd {
            say(format!("an annotation was left out: {odd}"));
        }
        let (of_alerts, read): (Vec<_>, Vec<_>) = read.into_iter().partition(Annotation::is_alert);
        if !of_alerts.is_empty() {
            say(format!(
                "{} states of alerts are not shown",
                of_alerts.len()
            ));
        }
        let (read, timeless): (Vec<_>, Vec<_>) =
            read.into_iter().partition(|a| a.ended_at().is_some());
        for annotation in timeless {
            let id = annotation.id;
            say(format!(
                "an annotation was left out: #{id}: its time is out of range"
            ));
        }
        self.annotations.extend(read.into_iter().map(|a| (a.id, a)));
        self.annotations
            .retain(|_, a| a.ended_at().is_some_and(|at| at >= oldest));
        self.read_at = Some(now);
        self.full_since = self.full_since.filter(|at| *at > oldest);
        if let Some(since) = self.full_since {
            let since = since.format("%Y-%m-%d %H:%M:%SZ");
            say(format!(
                "Grafana gave {MAX_ANNOTATIONS} annotations and may have more: those before {since} can be missing; set `tags`"
            ));
        }

        let place = Place {
            source: &self.name,
            declared: &self.place,
            base: &self.base,
        };
        let annotations = self.annotations.values().rev();
        let changes: Vec<_> = annotations.filter_map(|a| a.change(&place)).collect();
        Ok(self.kept.keep(DeliveryAnswer {
            parts: vec![Part {
                what: Untrusted::line("annotations"),
                state: PartState::Read(changes.len()),
            }],
            changes,
            limits,
            ..DeliveryAnswer::default()
        }))
    }

    async fn read(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<super::rest::Listed<Annotation>>, SourceError> {
        let (from, to) = (from.timestamp_millis(), to.timestamp_millis());
        let (from, to, limit) = (
            from.to_string(),
            to.to_string(),
            MAX_ANNOTATIONS.to_string(),
        );
        let mut params = vec![
            ("from", &*from),
            ("to", &*to),
            ("type", "annotation"),
            ("limit", &*limit),
        ];
        // All of them must be there: `matchAny` is off unless asked for.
        params.extend(self.tags.iter().map(|tag| ("tags", &**tag)));
        let body = self.http.get("/api/annotations", &params).await;
        let text = body.map_err(explained)?.whole().await?;
        let list: Option<Vec<_>> = decode(text.as_bytes(), 0)?;
        Ok(list.unwrap_or_default())
    }
}

/// A 404 has a second reason since Grafana 13.
fn explained(failed: HttpError) -> SourceError {
    if failed.status != Some(404) {
        return failed.error;
    }
    let detail = format!(
        "{}: check the URL and its path prefix; Grafana 13 calls /api/annotations its legacy API, and where only /apis/annotation.grafana.app is left quell cannot read it",
        failed.error.detail.raw()
    );
    SourceError::new(ErrorKind::Refused, &detail)
}
