//! What does Alertmanager's v2 API look like on the wire?
//!
//! Field names and shapes as in its `OpenAPI` file (0.25 to 0.34), and what Mimir and Grafana leave
//! out or change. All is optional here; the conversions say what an alert cannot do without.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::domain::label::{Fingerprint, Labels};
use crate::domain::matcher::{Op, is_classic_name, quote};
use crate::domain::observed::{ObservedAlert, ReplicaState, ReplicaStatus, Silence, Suppression};
use crate::domain::text::{Interner, Untrusted};
use crate::sources::wire::{Pairs, Text, time};

/// An element of `/alerts`, and of `alerts` in `/alerts/groups`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an alert")]
pub(super) struct WireAlert<'a> {
    #[serde(borrow)]
    labels: Option<Pairs<'a>>,
    annotations: Option<Pairs<'a>>,
    starts_at: Option<Text<'a>>,
    ends_at: Option<Text<'a>>,
    updated_at: Option<Text<'a>>,
    fingerprint: Option<Text<'a>>,
    status: Option<WireAlertStatus<'a>>,
    receivers: Option<Vec<Named<'a>>>,
    #[serde(rename = "generatorURL")]
    generator_url: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "the status of an alert")]
struct WireAlertStatus<'a> {
    #[serde(borrow)]
    state: Option<Text<'a>>,
    silenced_by: Option<Vec<Text<'a>>>,
    inhibited_by: Option<Vec<Text<'a>>>,
    muted_by: Option<Vec<Text<'a>>>,
}

#[derive(Deserialize)]
#[serde(expecting = "something with a name")]
struct Named<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
}

impl WireAlert<'_> {
    /// # Errors
    /// What it lacks, to follow after "alert 3 ".
    pub(super) fn observed(&self, interner: &mut Interner) -> Result<ObservedAlert, &'static str> {
        let labels = self.labels.as_ref().ok_or("has no `labels`")?;
        let starts_at = self.starts_at.as_ref().ok_or("has no `startsAt`")?;
        let labels = labels.labels(interner);
        let status = self.status.as_ref();
        let mut lines = |texts: Option<&Vec<Text<'_>>>| -> Vec<Untrusted> {
            let texts = texts.into_iter().flatten();
            texts.map(|text| interner.line(&text.0)).collect()
        };
        let suppression = Suppression {
            silenced_by: lines(status.and_then(|s| s.silenced_by.as_ref())),
            inhibited_by: lines(status.and_then(|s| s.inhibited_by.as_ref())),
            muted_by: lines(status.and_then(|s| s.muted_by.as_ref())),
        };
        let receivers = self.receivers.iter().flatten();
        Ok(ObservedAlert {
            fingerprint: self
                .told_fingerprint()
                .unwrap_or_else(|| labels.fingerprint()),
            labels,
            annotations: match &self.annotations {
                Some(pairs) => pairs.annotations(interner),
                None => Labels::default(),
            },
            starts_at: time(starts_at).ok_or("has a `startsAt` that is no time")?,
            ends_at: self.ends_at.as_ref().and_then(time),
            updated_at: self.updated_at.as_ref().and_then(time),
            state: state(status.and_then(|s| s.state.as_ref()), &suppression),
            suppression,
            receivers: receivers
                .filter_map(|receiver| receiver.name.as_ref())
                .map(|name| interner.line(&name.0))
                .collect(),
            generator_url: self
                .generator_url
                .as_ref()
                .filter(|url| !url.is_empty())
                .map(|url| interner.line(&url.0)),
        })
    }

    fn told_fingerprint(&self) -> Option<Fingerprint> {
        Fingerprint::parse(&self.fingerprint.as_ref()?.0)
    }
}

/// Some versions of Mimir leave the word out.
fn state(told: Option<&Text<'_>>, suppression: &Suppression) -> ReplicaState {
    match told.map(|text| &*text.0) {
        Some("active") => ReplicaState::Active,
        Some("suppressed") => ReplicaState::Suppressed,
        Some("unprocessed") => ReplicaState::Unprocessed,
        _ if *suppression == Suppression::default() => ReplicaState::Active,
        _ => ReplicaState::Suppressed,
    }
}

/// An element of `/alerts/groups`, as far as it tells who is muted.
#[derive(Deserialize)]
#[serde(expecting = "a group of alerts")]
pub(super) struct WireGroup<'a> {
    #[serde(borrow)]
    alerts: Option<Vec<GroupedAlert<'a>>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an alert")]
struct GroupedAlert<'a> {
    #[serde(borrow)]
    fingerprint: Option<Text<'a>>,
    labels: Option<Pairs<'a>>,
    status: Option<WireAlertStatus<'a>>,
}

impl WireGroup<'_> {
    /// Each alert with the mute intervals it is told to be under; `None` where nothing is told.
    pub(super) fn muted(&self) -> impl Iterator<Item = (Fingerprint, Option<Vec<&str>>)> {
        self.alerts.iter().flatten().filter_map(|alert| {
            let told = alert.fingerprint.as_ref();
            let fingerprint = told
                .and_then(|text| Fingerprint::parse(&text.0))
                .or_else(|| {
                    let labels = alert.labels.as_ref()?;
                    Some(labels.labels(&mut Interner::default()).fingerprint())
                })?;
            let muted_by = alert.status.as_ref().and_then(|s| s.muted_by.as_ref());
            let names = muted_by.map(|names| names.iter().map(|name| &*name.0).collect());
            Some((fingerprint, names))
        })
    }
}

/// An element of `/silences`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a silence")]
pub(super) struct WireSilence<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    status: Option<WireSilenceStatus<'a>>,
    matchers: Option<Vec<WireMatcher<'a>>>,
    created_by: Option<Text<'a>>,
    comment: Option<Text<'a>>,
    starts_at: Option<Text<'a>>,
    ends_at: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "the status of a silence")]
struct WireSilenceStatus<'a> {
    #[serde(borrow)]
    state: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a matcher")]
struct WireMatcher<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    value: Text<'a>,
    is_regex: Option<bool>,
    is_equal: Option<bool>,
}

impl WireSilence<'_> {
    /// `None` for one that has expired.
    ///
    /// # Errors
    /// What it lacks, to follow after "silence 3 ".
    pub(super) fn silence(&self, now: DateTime<Utc>) -> Result<Option<Silence>, &'static str> {
        let line = |text: Option<&Text<'_>>| Untrusted::line(text.map_or("", |t| &t.0));
        let at = |text: &Option<Text<'_>>| text.as_ref().and_then(time);
        let id = self.id.as_ref().ok_or("has no `id`")?;
        let ends_at = at(&self.ends_at).ok_or("has no `endsAt`")?;
        let state = self.status.as_ref().and_then(|s| s.state.as_ref());
        let has_expired = match state {
            Some(state) => state.0 == "expired",
            None => ends_at <= now,
        };
        if has_expired {
            return Ok(None);
        }
        Ok(Some(Silence {
            id: Untrusted::line(&id.0),
            matchers: Untrusted::line(&as_written(self.matchers.as_deref().unwrap_or_default())),
            created_by: line(self.created_by.as_ref()),
            comment: Untrusted::block(self.comment.as_ref().map_or("", |t| &t.0)),
            starts_at: at(&self.starts_at).ok_or("has no `startsAt`")?,
            ends_at,
        }))
    }
}

/// As one would write them. Not through [`crate::domain::matcher::Matcher`]: the server's regular
/// expressions are Go's, and ours need not compile them to show them.
fn as_written(matchers: &[WireMatcher<'_>]) -> String {
    let one = |m: &WireMatcher<'_>| {
        let op = match (m.is_regex.unwrap_or(false), m.is_equal.unwrap_or(true)) {
            (false, true) => Op::Equal,
            (false, false) => Op::NotEqual,
            (true, true) => Op::Matches,
            (true, false) => Op::NotMatches,
        };
        let name = if is_classic_name(&m.name.0) {
            m.name.0.to_string()
        } else {
            quote(&m.name.0)
        };
        format!("{name}{}{}", op.sign(), quote(&m.value.0))
    };
    let written: Vec<String> = matchers.iter().map(one).collect();
    written.join(", ")
}

/// `/status`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "Alertmanager's status")]
pub(super) struct WireStatus<'a> {
    #[serde(borrow)]
    cluster: Option<WireCluster<'a>>,
    version_info: Option<WireVersion<'a>>,
    config: Option<Value>,
}

#[derive(Deserialize)]
#[serde(expecting = "a cluster")]
struct WireCluster<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    status: Option<Text<'a>>,
    peers: Option<Vec<Named<'a>>>,
}

#[derive(Deserialize)]
#[serde(expecting = "a version")]
struct WireVersion<'a> {
    #[serde(borrow)]
    version: Option<Text<'a>>,
}

/// What `/status` tells.
#[derive(Debug, Default)]
pub(super) struct StatusFacts {
    pub(super) replica: ReplicaStatus,
    /// Whether anything may be muted by time.
    pub(super) time_intervals: TimeIntervals,
}

/// Whether the configuration mentions time intervals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TimeIntervals {
    #[default]
    Absent,
    Configured,
}

impl WireStatus<'_> {
    pub(super) fn facts(&self) -> StatusFacts {
        let version = self.version_info.as_ref().and_then(|v| v.version.as_ref());
        let mut replica = ReplicaStatus {
            // Grafana says `N/A`.
            version: version.filter(|v| v.0 != "N/A").and_then(Text::line),
            ..ReplicaStatus::default()
        };
        if let Some(cluster) = &self.cluster {
            let peers = cluster.peers.iter().flatten();
            replica.cluster_state = cluster.status.as_ref().and_then(Text::line);
            replica.peer_name = cluster.name.as_ref().and_then(Text::line);
            replica.peers = peers.filter_map(|p| p.name.as_ref()?.line()).collect();
        }
        let mentioned = self.config.as_ref().is_some_and(mentions_time_intervals);
        StatusFacts {
            replica,
            time_intervals: if mentioned {
                TimeIntervals::Configured
            } else {
                TimeIntervals::Absent
            },
        }
    }
}

/// Alertmanager wraps its YAML in `original`; Grafana gives the configuration as an object.
fn mentions_time_intervals(config: &Value) -> bool {
    match config {
        Value::String(yaml) => yaml.lines().any(is_time_intervals_line),
        Value::Array(items) => items.iter().any(mentions_time_intervals),
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            let named = is_time_intervals_key(name) && !is_nothing(value);
            named || mentions_time_intervals(value)
        }),
        _ => false,
    }
}

fn is_time_intervals_line(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '-']);
    line.split_once(':').is_some_and(|(key, value)| {
        is_time_intervals_key(key.trim()) && !matches!(value.trim(), "[]" | "null" | "~")
    })
}

fn is_time_intervals_key(key: &str) -> bool {
    matches!(
        key,
        "time_intervals" | "mute_time_intervals" | "active_time_intervals"
    )
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
