//! What did an expression give over the last hour, and what burnt before?

use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::mpsc;

use super::clock;
use crate::domain::slo::Slo;
use crate::domain::slo_measured::Span;
use crate::domain::source::{ErrorKind, SourceError};
use crate::msg::Msg;
use crate::sources::{BurnHistory, QueryHandle};

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

/// Asks for the past of SLOs, and tells the loop.
pub async fn ask_burns(
    handle: Option<BurnHistory>,
    slos: Vec<Slo>,
    span: Span,
    inbox: mpsc::Sender<Msg>,
) {
    let result = match handle {
        Some(handle) => handle.ask(&slos, span.secs(), clock::now()).await,
        None => Err(SourceError::new(
            ErrorKind::Local,
            "this Prometheus cannot be asked",
        )),
    };
    let asked = slos.into_iter().map(|slo| slo.id).collect();
    let msg = Msg::BurnHistoryReady {
        asked,
        span,
        result,
    };
    // The loop has ended if nobody listens.
    let _ = inbox.send(msg).await;
}
