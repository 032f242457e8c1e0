//! What did an expression give over the last hour?

use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::mpsc;

use super::clock;
use crate::domain::source::{ErrorKind, SourceError};
use crate::msg::Msg;
use crate::sources::QueryHandle;

/// A point a minute is as fine as the picture.
const STEP: Duration = Duration::from_mins(1);

/// Asks, and tells the loop.
pub async fn ask(handle: Option<QueryHandle>, query: String, inbox: mpsc::Sender<Msg>) {
    let end = clock::now();
    let result = match handle {
        Some(handle) => {
            handle
                .query_range(&query, end - TimeDelta::hours(1), end, STEP)
                .await
        }
        None => Err(SourceError::new(
            ErrorKind::Local,
            "this Prometheus cannot be asked",
        )),
    };
    // The loop has ended if nobody listens.
    let _ = inbox.send(Msg::HistoryReady { query, result }).await;
}
