//! What does Prometheus's HTTP API look like on the wire?
//!
//! Field names and shapes as in 2.42 to 3.x, and what Thanos, Mimir and VictoriaMetrics leave out.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::domain::label::Labels;
use crate::domain::observed::{RuleAlert, RuleAlertState, RuleHealth};
use crate::domain::source::{ErrorKind, SourceError};
use crate::domain::text::{Interner, Untrusted};
use crate::sources::http::message_line;
use crate::sources::wire::{Pairs, Text, decode, malformed, time};

/// Every answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an answer of Prometheus's API")]
struct Envelope<'a, T> {
    #[serde(borrow)]
    status: Option<Text<'a>>,
    data: Option<T>,
    error_type: Option<Text<'a>>,
    error: Option<Text<'a>>,
    warnings: Option<Vec<Text<'a>>>,
    infos: Option<Vec<Text<'a>>>,
}

/// The contents of a good answer, and what it was said with.
pub(super) struct Unwrapped<T> {
    pub(super) data: T,
    /// What makes it doubtful.
    pub(super) warnings: Vec<Untrusted>,
    /// What is only remarked, from Prometheus 3 on.
    pub(super) infos: Vec<Untrusted>,
}

impl<T> Unwrapped<T> {
    /// Everything that was said with it.
    pub(super) fn remarks(self) -> Vec<Untrusted> {
        let mut remarks = self.warnings;
        remarks.extend(self.infos);
        remarks
    }
}

/// Takes an answer out of its envelope.
///
/// # Errors
/// `Malformed` without `data`, `Refused` for an error that came as a 200.
pub(super) fn unwrap<'a, T: Deserialize<'a>>(text: &'a str) -> Result<Unwrapped<T>, SourceError> {
    let envelope: Envelope<'a, T> = decode(text.as_bytes(), 0)?;
    let says_error = envelope.status.is_some_and(|status| status.0 == "error");
    if says_error {
        let kind = envelope.error_type.unwrap_or_default();
        let error = envelope.error.unwrap_or_default();
        let detail = message_line(&format!("{}: {}", kind.0, error.0));
        return Err(SourceError::new(ErrorKind::Refused, &detail));
    }
    let data = envelope.data.ok_or_else(|| malformed("it has no `data`"))?;
    let lines = |texts: Option<Vec<Text<'_>>>| {
        let texts = texts.into_iter().flatten();
        texts.map(|text| Untrusted::line(&text.0)).collect()
    };
    Ok(Unwrapped {
        data,
        warnings: lines(envelope.warnings),
        infos: lines(envelope.infos),
    })
}

/// `/alerts`.
#[derive(Deserialize)]
#[serde(expecting = "alerts")]
pub(super) struct WireAlerts<'a> {
    #[serde(borrow)]
    pub(super) alerts: Option<Vec<WireAlert<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an alert")]
pub(super) struct WireAlert<'a> {
    #[serde(borrow)]
    labels: Option<Pairs<'a>>,
    annotations: Option<Pairs<'a>>,
    state: Option<Text<'a>>,
    active_at: Option<Text<'a>>,
    value: Option<Scalar<'a>>,
}

impl WireAlert<'_> {
    /// `None` for one that is neither pending nor firing.
    ///
    /// # Errors
    /// What it lacks, to follow after "alert 3 ".
    pub(super) fn rule_alert(
        &self,
        interner: &mut Interner,
    ) -> Result<Option<RuleAlert>, &'static str> {
        let state = match self.state.as_ref().map(|text| &*text.0) {
            Some("firing") => RuleAlertState::Firing,
            Some("pending") => RuleAlertState::Pending,
            Some(_) => return Ok(None),
            None => return Err("has no `state`"),
        };
        let labels = self.labels.as_ref().ok_or("has no `labels`")?;
        let active_at = self.active_at.as_ref().ok_or("has no `activeAt`")?;
        Ok(Some(RuleAlert {
            labels: labels.labels(interner),
            annotations: match &self.annotations {
                Some(pairs) => pairs.annotations(interner),
                None => Labels::default(),
            },
            state,
            active_at: time(active_at).ok_or("has an `activeAt` that is no time")?,
            value: match &self.value {
                Some(Scalar::Text(text)) => interner.line(&text.0),
                Some(Scalar::Number(number)) => interner.line(&number.to_string()),
                None => interner.line(""),
            },
        }))
    }
}

/// `/rules`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "rule groups")]
pub(super) struct WireRules<'a> {
    #[serde(borrow)]
    groups: Option<Vec<WireRuleGroup<'a>>>,
    group_next_token: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "a rule group")]
struct WireRuleGroup<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    rules: Option<Vec<WireRule<'a>>>,
}

/// Its `alerts` are skipped: servers before 3.0 send them unasked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a rule")]
struct WireRule<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    name: Option<Text<'a>>,
    query: Option<Text<'a>>,
    labels: Option<Pairs<'a>>,
    duration: Option<f64>,
    health: Option<Text<'a>>,
    last_error: Option<Text<'a>>,
    last_evaluation: Option<Text<'a>>,
}

/// A recording rule: its labels and its expression.
pub(in crate::sources) struct Recording {
    /// The labels that it adds.
    pub(in crate::sources) labels: Labels,
    /// How its values come about.
    pub(in crate::sources) query: String,
}

impl WireRules<'_> {
    /// The recording rules of a name.
    pub(super) fn recordings(&self, record: &str) -> Vec<Recording> {
        let mut interner = Interner::default();
        let groups = self.groups.iter().flatten();
        let rules = groups.flat_map(|group| group.rules.iter().flatten());
        rules
            .filter(|rule| !rule.is_alerting())
            .filter(|rule| rule.name.as_ref().is_some_and(|name| name.0 == record))
            .filter_map(|rule| {
                Some(Recording {
                    labels: rule.labels.as_ref()?.labels(&mut interner),
                    query: rule.query.as_ref()?.0.to_string(),
                })
            })
            .collect()
    }

    /// The token of the next page, if there is one.
    pub(super) fn next_token(&self) -> Option<String> {
        let token = self.group_next_token.as_ref()?;
        (!token.is_empty()).then(|| token.0.to_string())
    }

    pub(super) fn health(&self, interner: &mut Interner) -> Vec<RuleHealth> {
        let mut rules = Vec::new();
        for group in self.groups.iter().flatten() {
            let name = interner.line(group.name.as_ref().map_or("", |text| &text.0));
            let alerting = group
                .rules
                .iter()
                .flatten()
                .filter(|rule| rule.is_alerting());
            rules.extend(alerting.map(|rule| rule.health(name.clone(), interner)));
        }
        rules
    }
}

impl WireRule<'_> {
    /// Not every server heeds `type=alert`.
    fn is_alerting(&self) -> bool {
        self.kind.as_ref().is_none_or(|kind| kind.0 == "alerting")
    }

    fn health(&self, group: Untrusted, interner: &mut Interner) -> RuleHealth {
        let mut line = |text: &Option<Text<'_>>| interner.line(text.as_ref().map_or("", |t| &t.0));
        let is_failing = self.health.as_ref().is_some_and(|health| health.0 == "err");
        let error = self.last_error.as_ref().and_then(Text::line);
        RuleHealth {
            group,
            name: line(&self.name),
            query: line(&self.query),
            for_secs: self.duration.unwrap_or_default(),
            last_error: error.or_else(|| is_failing.then(|| Untrusted::line("no reason given"))),
            evaluated_at: self.last_evaluation.as_ref().and_then(time),
        }
    }
}

/// `/status/buildinfo`.
#[derive(Deserialize)]
#[serde(expecting = "build information")]
pub(super) struct WireBuild<'a> {
    #[serde(borrow)]
    pub(super) version: Option<Text<'a>>,
}

/// `/status/runtimeinfo`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "runtime information")]
pub(super) struct WireRuntime<'a> {
    #[serde(borrow)]
    pub(super) storage_retention: Option<Text<'a>>,
}

/// `/query` and `/query_range`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a query result")]
pub(super) struct WireQuery<'a> {
    #[serde(borrow)]
    pub(super) result_type: Option<Text<'a>>,
    pub(super) result: Option<Vec<WireResult<'a>>>,
    pub(super) stats: Option<WireStats>,
}

/// What a query cost, where it was asked for with `stats`.
#[derive(Deserialize)]
#[serde(expecting = "statistics")]
pub(super) struct WireStats {
    samples: Option<WireSampleStats>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "statistics of samples")]
struct WireSampleStats {
    total_queryable_samples: Option<u64>,
}

impl WireStats {
    pub(super) fn samples(&self) -> Option<u64> {
        self.samples.as_ref()?.total_queryable_samples
    }
}

/// An element of a result: a series of a vector or matrix, or one half of a scalar or string.
pub(super) enum WireResult<'a> {
    Series(WireSeries<'a>),
    Bare(Scalar<'a>),
}

/// A number or a string.
pub(super) enum Scalar<'a> {
    Number(f64),
    Text(Text<'a>),
}

#[derive(Deserialize)]
#[serde(expecting = "a series")]
pub(super) struct WireSeries<'a> {
    #[serde(borrow)]
    pub(super) metric: Option<Pairs<'a>>,
    pub(super) value: Option<WirePoint<'a>>,
    pub(super) values: Option<Vec<WirePoint<'a>>>,
    pub(super) histogram: Option<IgnoredAny>,
    pub(super) histograms: Option<IgnoredAny>,
}

/// Seconds since the epoch, and the value as text.
#[derive(Deserialize)]
#[serde(expecting = "a pair of time and value")]
pub(super) struct WirePoint<'a>(pub(super) f64, #[serde(borrow)] pub(super) Text<'a>);

struct ResultVisitor;

impl<'de> Visitor<'de> for ResultVisitor {
    type Value = WireResult<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a series, a number or a string")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        WireSeries::deserialize(MapAccessDeserializer::new(map)).map(WireResult::Series)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(WireResult::Bare(Scalar::Number(number)))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a time or a value, both floats by contract"
    )]
    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        self.visit_f64(number as f64)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a time or a value, both floats by contract"
    )]
    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        self.visit_f64(number as f64)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(WireResult::Bare(Scalar::Text(Text(Cow::Borrowed(text)))))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(WireResult::Bare(Scalar::Text(Text(Cow::Owned(
            text.to_owned(),
        )))))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for WireResult<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ResultVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match WireResult::deserialize(deserializer)? {
            WireResult::Bare(scalar) => Ok(scalar),
            WireResult::Series(_) => Err(D::Error::custom("expected a number or a string")),
        }
    }
}
