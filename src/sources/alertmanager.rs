//! What does one Alertmanager replica, or what speaks its v2 API, say right now?
//!
//! The runtime's poller owns one [`Alertmanager`] per replica and asks it again and again. One poll
//! reads the alerts, and at times the status, the silences and the mutes; one request after the
//! other, never two at once: a busy Alertmanager refuses parallel reads. It never merges replicas,
//! never writes, and never falls back to v1, which is something else in Mimir.

mod mutes;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use self::mutes::Mutes;
use self::wire::{StatusFacts, TimeIntervals, WireAlert, WireGroup, WireSilence, WireStatus};
use super::http::HttpClient;
use super::json_array::{ArraySplitter, Element, SplitError};
use super::part::{Mood, Part};
use super::wire::{decode, malformed};
use crate::config::settings::AlertmanagerSettings;
use crate::domain::observed::{AlertmanagerAnswer, ObservedAlert, Silence};
use crate::domain::source::SourceError;
use crate::domain::text::{Interner, Untrusted};

/// Parts that change slowly are asked for no more often.
const PART_EVERY: TimeDelta = TimeDelta::seconds(60);

/// Reads one replica, and keeps the last good parts of what it told.
pub struct Alertmanager {
    http: HttpClient,
    /// Of `/alerts` and `/alerts/groups`.
    selection: Vec<(&'static str, String)>,
    status: Part<StatusFacts>,
    silences: Part<Vec<Silence>>,
    mutes: Part<Mutes>,
    /// Silences that alerts name and the last good list does not have.
    unlisted: HashSet<Untrusted>,
}

impl Alertmanager {
    /// Prepares the reading; asks nothing yet.
    ///
    /// # Errors
    /// A certificate file or a header of the settings does not hold.
    pub fn new(settings: &AlertmanagerSettings) -> Result<Self, SourceError> {
        // Anything but `true` or `false` is taken as false, without a word.
        let mut selection: Vec<_> = ["active", "silenced", "inhibited"]
            .map(|name| (name, "true".to_owned()))
            .into();
        // One matcher each: a list in one parameter is refused.
        let filters = settings.filters.0.iter();
        selection.extend(filters.map(|matcher| ("filter", matcher.to_string())));
        selection.extend(settings.receiver.iter().map(|r| ("receiver", r.clone())));
        Ok(Self {
            http: HttpClient::new(&settings.endpoint)?,
            selection,
            status: Part::default(),
            silences: Part::default(),
            mutes: Part::default(),
            unlisted: HashSet::new(),
        })
    }

    /// Asks for the alerts, and for what is due besides. `now` is the time of asking.
    ///
    /// # Errors
    /// Why there are no alerts. A failure of anything else is a line in `limits`.
    pub async fn poll(&mut self, now: DateTime<Utc>) -> Result<AlertmanagerAnswer, SourceError> {
        let mut alerts = self.read_alerts().await?;
        self.refresh_parts(&alerts, now).await;
        if let Some(mutes) = self.mutes.value() {
            mutes.mark(&mut alerts);
        }
        Ok(AlertmanagerAnswer {
            alerts,
            silences: self.silences.value().cloned().unwrap_or_default(),
            status: self
                .status
                .value()
                .map_or_else(Default::default, |s| s.replica.clone()),
            limits: self.limits(),
        })
    }

    async fn refresh_parts(&mut self, alerts: &[ObservedAlert], now: DateTime<Utc>) {
        if self.status.is_due(now, PART_EVERY) {
            let result = self.read_status().await;
            if self.status.settle(now, result) == Mood::Unwilling {
                return;
            }
        }
        let names_unknown = self.names_unknown_silence(alerts);
        if names_unknown || self.silences.is_due(now, PART_EVERY) {
            let result = self.read_silences(now).await;
            if self.silences.settle(now, result) == Mood::Unwilling {
                return;
            }
            self.unlisted = self.unlisted_silences(alerts);
        }
        if self.may_know_mutes() && self.mutes.is_due(now, PART_EVERY) {
            let result = self.read_mutes().await;
            self.mutes.settle(now, result);
        } else if !self.has_time_intervals() {
            self.mutes = Part::default();
        }
    }

    async fn read_alerts(&self) -> Result<Vec<ObservedAlert>, SourceError> {
        let mut interner = Interner::default();
        let mut alerts = Vec::new();
        let read = |element: Element<'_>| {
            let alert: WireAlert<'_> = decode_element("alert", &element)?;
            let observed = alert.observed(&mut interner);
            alerts.push(observed.map_err(|lack| lacking("alert", &element, lack))?);
            Ok(())
        };
        self.each("/api/v2/alerts", &self.selection(), read).await?;
        Ok(alerts)
    }

    async fn read_status(&self) -> Result<StatusFacts, SourceError> {
        let text = self.http.get("/api/v2/status", &[]).await?.whole().await?;
        Ok(decode::<WireStatus<'_>>(text.as_bytes(), 0)?.facts())
    }

    async fn read_silences(&self, now: DateTime<Utc>) -> Result<Vec<Silence>, SourceError> {
        let mut silences = Vec::new();
        let read = |element: Element<'_>| {
            let silence: WireSilence<'_> = decode_element("silence", &element)?;
            let silence = silence.silence(now);
            silences.extend(silence.map_err(|lack| lacking("silence", &element, lack))?);
            Ok(())
        };
        // Known from 0.34 on and harmless before.
        let params = [("expired", "false")];
        self.each("/api/v2/silences", &params, read).await?;
        Ok(silences)
    }

    async fn read_mutes(&self) -> Result<Mutes, SourceError> {
        let mut mutes = Mutes::default();
        let read = |element: Element<'_>| {
            let group: WireGroup<'_> = decode_element("group", &element)?;
            group.muted().for_each(|(alert, by)| mutes.note(alert, by));
            Ok(())
        };
        self.each("/api/v2/alerts/groups", &self.selection(), read)
            .await?;
        Ok(mutes.settled())
    }

    /// Hands over each element of an array as it arrives.
    async fn each(
        &self,
        path: &str,
        params: &[(&str, &str)],
        mut take: impl FnMut(Element<'_>) -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        let mut body = self.http.get(path, params).await?;
        let mut splitter = ArraySplitter::default();
        while let Some(chunk) = body.chunk().await? {
            splitter.feed(&chunk, &mut take)?;
        }
        Ok(splitter.finish()?)
    }

    fn selection(&self) -> Vec<(&str, &str)> {
        let selection = self.selection.iter();
        selection.map(|(name, value)| (*name, &**value)).collect()
    }

    /// Whether an alert names a silence that the last list does not have and that was not looked
    /// for in vain already.
    fn names_unknown_silence(&self, alerts: &[ObservedAlert]) -> bool {
        let unlisted = self.unlisted_silences(alerts);
        !unlisted.is_subset(&self.unlisted)
    }

    fn unlisted_silences(&self, alerts: &[ObservedAlert]) -> HashSet<Untrusted> {
        let listed = self.silences.value().into_iter().flatten();
        let listed: HashSet<&Untrusted> = listed.map(|silence| &silence.id).collect();
        let named = alerts.iter().flat_map(|a| &a.suppression.silenced_by);
        named.filter(|id| !listed.contains(id)).cloned().collect()
    }

    fn has_time_intervals(&self) -> bool {
        let status = self.status.value();
        status.is_some_and(|s| s.time_intervals == TimeIntervals::Configured)
    }

    fn version(&self) -> Option<&Untrusted> {
        self.status.value()?.replica.version.as_ref()
    }

    /// Whether `/alerts/groups` is worth its price. A version that is not told may know.
    fn may_know_mutes(&self) -> bool {
        let is_old = self.version().and_then(|v| major_minor(v.raw()));
        self.has_time_intervals() && is_old.is_none_or(|version| version >= MUTES_SINCE)
    }

    fn limits(&self) -> Vec<Untrusted> {
        let mut limits: Vec<Untrusted> = [
            self.status.limit("status"),
            self.silences.limit("silences"),
            self.mutes.limit("mute time intervals"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let is_silent = self.mutes.value().is_some_and(Mutes::is_silent);
        if self.has_time_intervals() && (is_silent || !self.may_know_mutes()) {
            let version = self.version().map_or("of this version", Untrusted::raw);
            limits.push(Untrusted::line(&format!(
                "mute time intervals are configured; Alertmanager {version} does not tell which alerts they mute"
            )));
        }
        limits
    }
}

/// The first version whose `/alerts/groups` has `mutedBy`.
const MUTES_SINCE: (u32, u32) = (0, 28);

fn major_minor(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim_start_matches('v').split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn decode_element<'a, T: Deserialize<'a>>(
    what: &str,
    element: &Element<'a>,
) -> Result<T, SourceError> {
    decode(element.bytes, element.offset)
        .map_err(|error| malformed(&format!("{what} {}: {}", element.index, error.detail)))
}

fn lacking(what: &str, element: &Element<'_>, lack: &str) -> SourceError {
    let Element { index, offset, .. } = element;
    malformed(&format!("{what} {index} {lack} (byte {offset})"))
}

impl From<SplitError> for SourceError {
    fn from(error: SplitError) -> Self {
        malformed(&error.to_string())
    }
}
