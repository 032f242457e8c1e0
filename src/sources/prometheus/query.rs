//! What does a PromQL expression give, now, at a time, or over a range?
//!
//! [`QueryHandle`] is cloned to whoever asks: the poller's own [`super::Prometheus`] stays where it
//! is. It builds no expressions and judges none; the server does.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::wire::{Scalar, WirePoint, WireQuery, WireResult, WireSeries, unwrap};
use crate::domain::label::Labels;
use crate::domain::observed::{QueryAnswer, Sample, Series};
use crate::domain::source::SourceError;
use crate::domain::text::{Interner, Untrusted};
use crate::sources::http::{HttpClient, HttpError};
use crate::sources::wire::malformed;

/// Asks one Prometheus. Clones share connections and credentials.
#[derive(Clone)]
pub struct QueryHandle {
    http: HttpClient,
}

impl QueryHandle {
    pub(in crate::sources) fn new(http: HttpClient) -> Self {
        Self { http }
    }

    pub(super) fn http(&self) -> &HttpClient {
        &self.http
    }

    /// The value of an expression at a time, or at the server's own present.
    ///
    /// # Errors
    /// `Refused` with the server's words for an expression it cannot evaluate, `Malformed` for one
    /// that gives a string, and all that can befall a request.
    pub async fn query(
        &self,
        promql: &str,
        at: Option<DateTime<Utc>>,
    ) -> Result<QueryAnswer, SourceError> {
        let at = at.map(seconds);
        let time = at.as_ref().map(|at| ("time", &**at));
        Ok(self.ask("/api/v1/query", promql, time.as_slice()).await?)
    }

    /// As [`QueryHandle::query`], with what it cost the server; a refusal comes with its status.
    ///
    /// # Errors
    /// As [`QueryHandle::query`].
    pub(in crate::sources) async fn measure(
        &self,
        promql: &str,
        at: DateTime<Utc>,
    ) -> Result<QueryAnswer, HttpError> {
        let at = seconds(at);
        let more = [("time", &*at), ("stats", "all")];
        self.ask("/api/v1/query", promql, &more).await
    }

    /// The values of an expression from `start` to `end`, both included.
    ///
    /// # Errors
    /// As [`QueryHandle::query`]; more than 11,000 steps are refused.
    pub async fn query_range(
        &self,
        promql: &str,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        step: Duration,
    ) -> Result<QueryAnswer, SourceError> {
        Ok(self.measure_range(promql, start, end, step).await?)
    }

    /// As [`QueryHandle::query_range`]; a refusal comes with its status.
    ///
    /// # Errors
    /// As [`QueryHandle::query_range`].
    pub(in crate::sources) async fn measure_range(
        &self,
        promql: &str,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        step: Duration,
    ) -> Result<QueryAnswer, HttpError> {
        let (start, end) = (seconds(start), seconds(end));
        let step = step.as_secs_f64().to_string();
        let range = [("start", &*start), ("end", &*end), ("step", &*step)];
        self.ask("/api/v1/query_range", promql, &range).await
    }

    /// The server's clock, in seconds since the epoch.
    pub(super) async fn server_time(&self) -> Result<f64, SourceError> {
        // VictoriaMetrics otherwise answers for the last moment it has samples of.
        let nocache = ("nocache", "1");
        let answer = self.ask("/api/v1/query", "time()", &[nocache]).await?;
        let series = answer.series.first();
        let sample = series.and_then(|series| series.samples.first());
        sample
            .map(|(_, value)| *value)
            .filter(|value| value.is_finite())
            .ok_or_else(|| malformed("`time()` gave no number"))
    }

    async fn ask(
        &self,
        path: &str,
        promql: &str,
        more: &[(&str, &str)],
    ) -> Result<QueryAnswer, HttpError> {
        // The server stops when we no longer listen.
        let timeout = format!("{}ms", self.http.timeout().as_millis());
        let mut params = vec![("query", promql), ("timeout", &*timeout)];
        params.extend(more);
        let text = self.http.get(path, &params).await?.whole().await?;
        Ok(read(&text)?)
    }
}

fn seconds(time: DateTime<Utc>) -> String {
    let millis = time.timestamp_millis();
    format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))
}

/// Reads the body of an answer.
pub(super) fn read(text: &str) -> Result<QueryAnswer, SourceError> {
    let unwrapped = unwrap::<WireQuery<'_>>(text)?;
    let WireQuery {
        result_type,
        result,
        stats,
    } = unwrapped.data;
    let kind = result_type.ok_or_else(|| malformed("the result has no `resultType`"))?;
    let result = result.unwrap_or_default();
    let mut answer = QueryAnswer {
        series: Vec::new(),
        warnings: unwrapped.warnings,
        infos: unwrapped.infos,
        samples: stats.and_then(|stats| stats.samples()),
    };
    match &*kind.0 {
        "vector" | "matrix" => many(&result, &mut answer)?,
        "scalar" => answer.series.push(scalar(&result)?),
        "string" => return Err(malformed("the expression gives a string, not numbers")),
        other => return Err(malformed(&format!("unknown result type `{other}`"))),
    }
    Ok(answer)
}

fn many(result: &[WireResult<'_>], answer: &mut QueryAnswer) -> Result<(), SourceError> {
    let mut interner = Interner::default();
    let mut histograms = 0;
    for (index, element) in result.iter().enumerate() {
        let WireResult::Series(wire) = element else {
            return Err(malformed(&format!("series {index} is no object")));
        };
        let samples = samples(wire)
            .map_err(|value| malformed(&format!("series {index}: `{value}` is no number")))?;
        if wire.histogram.is_some() || wire.histograms.is_some() {
            histograms += 1;
            if samples.is_empty() {
                continue;
            }
        }
        let metric = wire.metric.as_ref();
        answer.series.push(Series {
            labels: metric.map_or_else(Labels::default, |m| m.labels(&mut interner)),
            samples,
        });
    }
    if histograms > 0 {
        answer.warnings.push(Untrusted::line(&format!(
            "native histograms are not supported: left out of {histograms} series"
        )));
    }
    Ok(())
}

fn samples<'a>(series: &'a WireSeries<'_>) -> Result<Vec<Sample>, &'a str> {
    let points = series.value.iter().chain(series.values.iter().flatten());
    points
        .map(|WirePoint(at, value)| Ok((*at, number(&value.0)?)))
        .collect()
}

fn scalar(result: &[WireResult<'_>]) -> Result<Series, SourceError> {
    let [
        WireResult::Bare(Scalar::Number(at)),
        WireResult::Bare(Scalar::Text(value)),
    ] = result
    else {
        return Err(malformed("the scalar is no pair of time and value"));
    };
    let value = number(&value.0).map_err(|value| malformed(&format!("`{value}` is no number")))?;
    Ok(Series {
        labels: Labels::default(),
        samples: vec![(*at, value)],
    })
}

/// `NaN`, `+Inf` and `-Inf` are numbers here as they are in Go.
fn number(text: &str) -> Result<f64, &str> {
    text.parse().map_err(|_| text)
}
