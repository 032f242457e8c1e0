//! What is kept from one session to the next?
//!
//! Claims, and the last answer of each source, so that the first picture is there before the
//! network answers. Written by one thread, in order, atomically, readable by the user alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::config::paths::{create_private_dir, write_private};
use crate::domain::claim::Claims;
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::observed::{AlertmanagerAnswer, PrometheusAnswer};
use crate::domain::slo_measured::BurnAnswer;
use crate::model::knowledge::{Kept, SourceState};
use crate::msg::{Answer, Msg, Restored};

/// The form of the snapshot. Another one is not read.
const SCHEMA: &str = "quell.snapshot/1";

/// A snapshot larger than this is not ours, or not worth its time.
const MOST_BYTES: u64 = 512 * 1024 * 1024;

/// How long the end waits for the last write.
const PATIENCE: Duration = Duration::from_millis(700);

#[derive(Serialize, Deserialize)]
struct Snapshot {
    schema: String,
    sources: Vec<SourceSnapshot>,
}

#[derive(Serialize, Deserialize)]
struct SourceSnapshot {
    name: String,
    place: String,
    answered_at: DateTime<Utc>,
    answer: SnapshotAnswer,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SnapshotAnswer {
    Alertmanager(Arc<AlertmanagerAnswer>),
    Prometheus(Arc<PrometheusAnswer>),
    Burn(Arc<BurnAnswer>),
    Delivery(Arc<DeliveryAnswer>),
}

/// What is to be written.
enum Order {
    Claims(Arc<Claims>),
    Snapshot(Box<Snapshot>),
}

/// Writes what is to be kept.
pub struct Keeper {
    orders: Option<SyncSender<Order>>,
    done: Receiver<()>,
}

/// Where things are kept.
#[derive(Clone, Debug)]
pub struct Files {
    /// Claims.
    pub claims: PathBuf,
    /// The last answers.
    pub snapshot: PathBuf,
}

impl Keeper {
    /// Begins to keep; without files, as in the demo, nothing is written.
    pub fn begin(files: Option<Files>, inbox: mpsc::Sender<Msg>) -> std::io::Result<Self> {
        let (orders, queue) = sync_channel::<Order>(16);
        let (tell, done) = sync_channel(1);
        std::thread::Builder::new()
            .name("keeper".into())
            .spawn(move || {
                for order in queue {
                    let Some(files) = &files else {
                        continue;
                    };
                    if let Err(why) = keep(files, order) {
                        tracing::error!(why, "state was not kept");
                        // A full inbox has worse to tell.
                        let _ = inbox.try_send(Msg::Trouble(why));
                    }
                }
                let _ = tell.send(());
            })?;
        Ok(Self {
            orders: Some(orders),
            done,
        })
    }

    /// Keeps the claims.
    pub fn claims(&self, claims: Arc<Claims>) {
        self.order(Order::Claims(claims));
    }

    /// Keeps the last answers.
    pub fn snapshot(&self, sources: &[SourceState]) {
        let kept = sources.iter().filter_map(|source| {
            Some(SourceSnapshot {
                name: source.name.to_string(),
                place: source.place.clone(),
                answered_at: source.health.answered_at?,
                answer: match &source.kept {
                    Kept::Alertmanager(answer) => SnapshotAnswer::Alertmanager(answer.clone()),
                    Kept::Prometheus(answer) => SnapshotAnswer::Prometheus(answer.clone()),
                    Kept::Burn(answer) => SnapshotAnswer::Burn(answer.clone()),
                    Kept::Delivery(answer) => SnapshotAnswer::Delivery(answer.clone()),
                    Kept::Runbooks(_) | Kept::Nothing => return None,
                },
            })
        });
        let sources: Vec<SourceSnapshot> = kept.collect();
        if !sources.is_empty() {
            self.order(Order::Snapshot(Box::new(Snapshot {
                schema: SCHEMA.into(),
                sources,
            })));
        }
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders
            && orders.try_send(order).is_err()
        {
            tracing::warn!("the disk is slow: a write was left out");
        }
    }

    /// Waits for the last write, but not for ever.
    pub fn finish(mut self) {
        self.orders = None;
        if self.done.recv_timeout(PATIENCE).is_err() {
            tracing::warn!("the last write did not end in time");
        }
    }
}

fn keep(files: &Files, order: Order) -> Result<(), String> {
    let (path, bytes) = match order {
        Order::Claims(claims) => (&files.claims, serde_json::to_vec(&*claims)),
        Order::Snapshot(snapshot) => (&files.snapshot, serde_json::to_vec(&snapshot)),
    };
    let told = |why: String| format!("not kept in {}: {why}", path.display());
    let bytes = bytes.map_err(|e| told(e.to_string()))?;
    if let Some(folder) = path.parent() {
        create_private_dir(folder).map_err(|e| told(e.to_string()))?;
    }
    write_private(path, &bytes).map_err(|e| told(e.to_string()))
}

/// The claims of earlier sessions. What cannot be read is told, and set aside: the next claim would
/// overwrite it.
pub fn load_claims(path: &Path) -> (Claims, Option<String>) {
    let told = |why: String| {
        let aside = free_beside(path);
        let rest = match std::fs::rename(path, &aside) {
            Ok(()) => format!("; it is kept as {}", aside.display()),
            Err(error) => format!("; it could not be set aside: {error}"),
        };
        let text = format!("claims were not read from {}: {why}{rest}", path.display());
        (Claims::default(), Some(text))
    };
    match std::fs::read(path) {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(claims) => (claims, None),
            Err(error) => told(error.to_string()),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => (Claims::default(), None),
        Err(error) => told(error.to_string()),
    }
}

/// The first of `claims.json.unreadable`, `claims.json.unreadable-2`, ... that is not taken.
fn free_beside(path: &Path) -> PathBuf {
    let mut aside = path.with_extension("json.unreadable");
    let mut count = 1;
    while aside.symlink_metadata().is_ok() {
        count += 1;
        aside = path.with_extension(format!("json.unreadable-{count}"));
    }
    aside
}

/// The last answers of the sources that are configured now, by their places in the model.
pub fn load_snapshot(path: &Path, names: &[(String, String)]) -> Result<Vec<Restored>, String> {
    let told = |why: String| {
        format!(
            "the last picture was not read from {}: {why}",
            path.display()
        )
    };
    match std::fs::metadata(path) {
        Ok(about) if about.len() > MOST_BYTES => return Err(told("it is too large".into())),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(told(error.to_string())),
    }
    let bytes = std::fs::read(path).map_err(|e| told(e.to_string()))?;
    let snapshot: Snapshot = serde_json::from_slice(&bytes).map_err(|e| told(e.to_string()))?;
    if snapshot.schema != SCHEMA {
        return Err(told("it is of another version of quell".into()));
    }
    let restored = snapshot.sources.into_iter().filter_map(|source| {
        let at = names
            .iter()
            .position(|(name, place)| *name == source.name && *place == source.place)?;
        Some(Restored {
            source: at,
            answered_at: source.answered_at,
            answer: match source.answer {
                SnapshotAnswer::Alertmanager(answer) => Answer::Alertmanager(answer),
                SnapshotAnswer::Prometheus(answer) => Answer::Prometheus(answer),
                SnapshotAnswer::Burn(answer) => Answer::Burn(answer),
                SnapshotAnswer::Delivery(answer) => Answer::Delivery(answer),
            },
        })
    });
    Ok(restored.collect())
}

#[cfg(test)]
mod tests;
