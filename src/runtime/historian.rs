//! Who remembers changes and drift while the session goes on?
//!
//! One task with the database. It takes what the sources told in order, and tells the model when that
//! is news. A slow disk holds up nobody: what finds the queue full is left out and told again by the
//! next answer that differs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use super::clock;
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::source::SourceName;
use crate::history::History;
use crate::msg::Msg;

/// So many answers may wait for the disk.
const QUEUE: usize = 64;

/// What is to be remembered.
pub struct Told {
    /// Who told it.
    pub source: SourceName,
    /// What.
    pub answer: Arc<DeliveryAnswer>,
    /// When.
    pub at: DateTime<Utc>,
}

/// The way to the task.
pub fn queue() -> (mpsc::Sender<Told>, mpsc::Receiver<Told>) {
    mpsc::channel(QUEUE)
}

/// Opens the database, says what it holds, and remembers until nobody tells anything any more.
pub async fn remember(
    path: PathBuf,
    keep: Duration,
    mut told: mpsc::Receiver<Told>,
    inbox: mpsc::Sender<Msg>,
) {
    let mut history = match History::open(&path, keep, clock::now()).await {
        Ok(history) => history,
        Err(why) => {
            // Looking goes on without a past.
            let _ = inbox.send(Msg::Trouble(why)).await;
            return;
        }
    };
    for trouble in history.troubles() {
        let _ = inbox.send(Msg::Trouble(trouble.clone())).await;
    }
    if inbox.send(Msg::PastRead(history.past())).await.is_err() {
        return;
    }
    let mut is_failing = false;
    while let Some(Told { source, answer, at }) = told.recv().await {
        match history.remember(&source, &answer, at).await {
            Ok(is_news) => {
                is_failing = false;
                if is_news && inbox.send(Msg::PastRead(history.past())).await.is_err() {
                    return;
                }
            }
            Err(why) => {
                tracing::error!(why, "changes were not remembered");
                // Said once, not every few seconds.
                if !is_failing {
                    let _ = inbox.send(Msg::Trouble(why)).await;
                }
                is_failing = true;
            }
        }
    }
}
