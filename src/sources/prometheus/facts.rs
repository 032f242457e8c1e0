//! What does a Prometheus tell of itself, besides the values of expressions?
//!
//! How long it keeps samples, which metrics it has, and how recorded series come about: for the
//! diagnosis of SLOs. Asked seldom, by [`crate::sources::burn`]. A server that lacks an endpoint is
//! no failure.

use chrono::{DateTime, Utc};

use super::is_missing;
use super::query::QueryHandle;
use super::wire::{Recording, WireRules, WireRuntime, unwrap};
use crate::domain::source::SourceError;
use crate::sources::wire::Text;

/// A server that never comes to an end is not followed.
const MAX_PAGES: usize = 100;

impl QueryHandle {
    /// How long samples are kept, as the server words it (`15d or 10GiB`). `None` where it does not
    /// say.
    ///
    /// # Errors
    /// All that can befall a request.
    pub(in crate::sources) async fn retention(&self) -> Result<Option<String>, SourceError> {
        let body = match self.http().get("/api/v1/status/runtimeinfo", &[]).await {
            Ok(body) => body,
            Err(failed) if is_missing(&failed) => return Ok(None),
            Err(failed) => return Err(failed.error),
        };
        let text = body.whole().await?;
        let runtime = unwrap::<WireRuntime<'_>>(&text)?.data;
        Ok(runtime.storage_retention.map(|text| text.0.into_owned()))
    }

    /// The names of all metrics that had samples in the hour before `at`.
    ///
    /// # Errors
    /// All that can befall a request.
    pub(in crate::sources) async fn metric_names(
        &self,
        at: DateTime<Utc>,
    ) -> Result<Vec<String>, SourceError> {
        let start = (at.timestamp() - 3_600).to_string();
        let end = at.timestamp().to_string();
        let params = [("start", &*start), ("end", &*end)];
        let body = self
            .http()
            .get("/api/v1/label/__name__/values", &params)
            .await?;
        let text = body.whole().await?;
        let names = unwrap::<Vec<Text<'_>>>(&text)?.data;
        Ok(names.into_iter().map(|name| name.0.into_owned()).collect())
    }

    /// The recording rules of a name, as they are loaded.
    ///
    /// # Errors
    /// All that can befall a request.
    pub(in crate::sources) async fn recordings(
        &self,
        record: &str,
    ) -> Result<Vec<Recording>, SourceError> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut params = vec![
                ("type", "record"),
                // Servers before 2.47 send all, which costs them nothing more.
                ("rule_name[]", record),
                ("group_limit", "1000"),
            ];
            params.extend(token.as_deref().map(|token| ("group_next_token", token)));
            let body = match self.http().get("/api/v1/rules", &params).await {
                Ok(body) => body,
                Err(failed) if is_missing(&failed) => return Ok(Vec::new()),
                Err(failed) => return Err(failed.error),
            };
            let text = body.whole().await?;
            let page = unwrap::<WireRules<'_>>(&text)?.data;
            found.extend(page.recordings(record));
            token = page.next_token();
            if token.is_none() {
                break;
            }
        }
        Ok(found)
    }
}
