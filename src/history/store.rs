//! How are rows of the history written and read?
//!
//! All of its SQL. Called by [`super::History`]. Many rows travel as one JSON text, which SQLite takes
//! apart: one statement for a thousand rows. It decides nothing.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, Row as _, SqliteConnection};

use super::ledger::{Plan, Row, Told};
use crate::domain::change::Change;
use crate::domain::delivery::Seen;
use crate::domain::drift::Drift;
use crate::domain::label::Labels;
use crate::domain::source::SourceName;
use crate::domain::text::Untrusted;

/// Rows that one statement writes.
const ROWS_AT_ONCE: usize = 1_000;

/// More changes are never held in memory, unless sources tell more than that right now.
pub(super) const MAX_CHANGES: usize = 100_000;

/// What has a table of its own.
pub(super) trait Kept: Told + DeserializeOwned {
    /// The name of its table, for people.
    const WORD: &'static str;
    /// Adds or replaces; tells what is now there.
    const UPSERT: &'static str;
    /// Notes what has gone.
    const GONE: &'static str;
    /// Reads what was written after a revision.
    const LOAD: &'static str;
    /// Deletes what was last seen before a time.
    const DELETE: &'static str;

    /// Lets strings that stand in many rows be held once.
    fn share(&mut self, _pool: &mut Pool) {}

    /// A column of its own, for whoever reads the file by hand.
    fn extra(&self) -> Extra<'_>;
}

/// One of each string: a hundred thousand changes share a few thousand.
#[derive(Default)]
pub(super) struct Pool(HashSet<Untrusted>);

impl Pool {
    fn share(&mut self, text: &mut Untrusted) {
        match self.0.get(text) {
            Some(known) => *text = known.clone(),
            None => {
                self.0.insert(text.clone());
            }
        }
    }
}

/// The value of a column that only some have.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Extra<'a> {
    Time(i64),
    Text(&'a str),
}

impl Told for Change {
    fn id(&self) -> &Untrusted {
        &self.id
    }
}

impl Told for Drift {
    fn id(&self) -> &Untrusted {
        &self.id
    }
}

impl Kept for Change {
    const WORD: &'static str = "changes";

    const UPSERT: &'static str = "
        INSERT INTO changes
            (id, source, started_at, first_seen, last_seen, times, gone_at, revision, body)
        SELECT value ->> 0, value ->> 1, value ->> 2, ?2, ?2, 1, NULL, ?3, value ->> 3
        FROM json_each(?1) WHERE true
        ON CONFLICT (id) DO UPDATE SET
            source = excluded.source,
            started_at = excluded.started_at,
            last_seen = max(changes.last_seen, excluded.last_seen),
            times = changes.times
                + (changes.gone_at IS NOT NULL AND changes.gone_at < excluded.last_seen),
            gone_at = CASE WHEN changes.gone_at >= excluded.last_seen THEN changes.gone_at END,
            revision = excluded.revision,
            body = excluded.body
        RETURNING id, first_seen, last_seen, times, gone_at";

    const GONE: &'static str = "
        UPDATE changes SET gone_at = ?2, last_seen = max(last_seen, ?3), revision = ?4
        WHERE gone_at IS NULL AND source = ?5 AND id IN (SELECT value FROM json_each(?1))";

    const LOAD: &'static str = "
        SELECT id, source, first_seen, last_seen, times, gone_at, body
        FROM changes WHERE revision > ?1 ORDER BY started_at DESC, id DESC LIMIT ?2";

    const DELETE: &'static str = "
        DELETE FROM changes WHERE ?1 > CASE
            WHEN gone_at IS NOT NULL THEN last_seen
            ELSE max(last_seen, coalesce(
                (SELECT answered_at FROM sources WHERE name = changes.source), last_seen))
        END";

    fn share(&mut self, pool: &mut Pool) {
        let subject = &mut self.subject;
        pool.share(&mut subject.target);
        let labels = subject.labels.iter().map(|(name, value)| {
            let (mut name, mut value) = (name.clone(), value.clone());
            pool.share(&mut name);
            pool.share(&mut value);
            (name, value)
        });
        subject.labels = Labels::new(labels.collect());
        let versions = &mut self.versions;
        let often = [
            subject.service.as_mut(),
            subject.env.as_mut(),
            versions.from.as_mut(),
            versions.to.as_mut(),
            self.who.as_mut().map(|who| &mut who.name),
        ];
        for text in often.into_iter().flatten() {
            pool.share(text);
        }
    }

    fn extra(&self) -> Extra<'_> {
        Extra::Time(self.started_at.timestamp_micros())
    }
}

impl Kept for Drift {
    const WORD: &'static str = "drifts";

    const UPSERT: &'static str = "
        INSERT INTO drifts
            (id, source, target, first_seen, last_seen, times, gone_at, revision, body)
        SELECT value ->> 0, value ->> 1, value ->> 2, ?2, ?2, 1, NULL, ?3, value ->> 3
        FROM json_each(?1) WHERE true
        ON CONFLICT (id) DO UPDATE SET
            source = excluded.source,
            target = excluded.target,
            last_seen = max(drifts.last_seen, excluded.last_seen),
            times = drifts.times
                + (drifts.gone_at IS NOT NULL AND drifts.gone_at < excluded.last_seen),
            gone_at = CASE WHEN drifts.gone_at >= excluded.last_seen THEN drifts.gone_at END,
            revision = excluded.revision,
            body = excluded.body
        RETURNING id, first_seen, last_seen, times, gone_at";

    const GONE: &'static str = "
        UPDATE drifts SET gone_at = ?2, last_seen = max(last_seen, ?3), revision = ?4
        WHERE gone_at IS NULL AND source = ?5 AND id IN (SELECT value FROM json_each(?1))";

    const LOAD: &'static str = "
        SELECT id, source, first_seen, last_seen, times, gone_at, body
        FROM drifts WHERE revision > ?1 ORDER BY last_seen DESC, id DESC LIMIT ?2";

    const DELETE: &'static str = "
        DELETE FROM drifts WHERE ?1 > CASE
            WHEN gone_at IS NOT NULL THEN last_seen
            ELSE max(last_seen, coalesce(
                (SELECT answered_at FROM sources WHERE name = drifts.source), last_seen))
        END";

    fn extra(&self) -> Extra<'_> {
        Extra::Text(self.subject.target.shown())
    }
}

/// What the file now says of something that was written.
pub(super) struct Written {
    pub(super) seen: Seen,
    pub(super) gone_at: Option<DateTime<Utc>>,
}

/// By the names that things are kept by.
pub(super) type AllWritten = HashMap<String, Written>;

/// Who answered, when, and when before.
pub(super) struct Answer<'a> {
    pub(super) source: &'a SourceName,
    pub(super) at: DateTime<Utc>,
    pub(super) before: DateTime<Utc>,
}

/// What one transaction has written.
pub(super) struct Done {
    pub(super) revision: i64,
    pub(super) changes: AllWritten,
    pub(super) drifts: AllWritten,
}

/// Writes everything that one answer brought, all or nothing.
pub(super) async fn write(
    db: &mut SqliteConnection,
    answer: &Answer<'_>,
    changes: &Plan<'_, Change>,
    drifts: &Plan<'_, Drift>,
) -> sqlx::Result<Done> {
    let mut writing = db.begin_with("BEGIN IMMEDIATE").await?;
    let answered = sqlx::query(
        "INSERT INTO sources (name, answered_at, first_answered_at) VALUES (?1, ?2, ?2)
         ON CONFLICT (name) DO UPDATE SET
             answered_at = max(sources.answered_at, excluded.answered_at)",
    );
    let answered = answered.bind(&**answer.source).bind(micros(answer.at));
    answered.execute(&mut *writing).await?;
    let mut done = Done {
        revision: revision(&mut writing).await?,
        changes: HashMap::new(),
        drifts: HashMap::new(),
    };
    if !(changes.writes_nothing() && drifts.writes_nothing()) {
        let next = sqlx::query_scalar(
            "UPDATE counters SET value = value + 1 WHERE name = 'revision' RETURNING value",
        );
        done.revision = next.fetch_one(&mut *writing).await?;
        done.changes = write_sort(&mut writing, answer, done.revision, changes).await?;
        done.drifts = write_sort(&mut writing, answer, done.revision, drifts).await?;
    }
    writing.commit().await?;
    Ok(done)
}

async fn write_sort<T: Kept>(
    db: &mut SqliteConnection,
    answer: &Answer<'_>,
    revision: i64,
    plan: &Plan<'_, T>,
) -> sqlx::Result<AllWritten> {
    let at = micros(answer.at);
    let mut written = HashMap::with_capacity(plan.told.len());
    for some in plan.told.chunks(ROWS_AT_ONCE) {
        let rows = some.iter().map(|(key, value)| {
            let body = serde_json::to_string(value)?;
            Ok((key.raw(), &**answer.source, value.extra(), body))
        });
        let rows: Vec<_> = rows.collect::<serde_json::Result<_>>().map_err(encode)?;
        let upsert = sqlx::query(T::UPSERT).bind(json(&rows)?).bind(at);
        for row in upsert.bind(revision).fetch_all(&mut *db).await? {
            let now = Written {
                seen: seen(&row)?,
                gone_at: gone_at(&row)?,
            };
            written.insert(row.try_get("id")?, now);
        }
    }
    if !plan.gone.is_empty() {
        let keys: Vec<&str> = plan.gone.iter().map(Untrusted::raw).collect();
        let gone = sqlx::query(T::GONE).bind(json(&keys)?).bind(at);
        let gone = gone.bind(micros(answer.before)).bind(revision);
        gone.bind(&**answer.source).execute(db).await?;
    }
    Ok(written)
}

/// Something that was read back, with the name it is kept by.
pub(super) type Read<T> = (Untrusted, Row<T>);

/// What was written after a revision, and how many rows could not be read.
pub(super) async fn load<T: Kept>(
    db: &mut SqliteConnection,
    after: i64,
) -> sqlx::Result<(Vec<Read<T>>, usize)> {
    let mut names: HashMap<String, SourceName> = HashMap::new();
    let mut read = Vec::new();
    let mut unreadable = 0;
    let mut pool = Pool::default();
    let max = i64::try_from(MAX_CHANGES).unwrap_or(i64::MAX);
    let mut rows = sqlx::query(T::LOAD).bind(after).bind(max).fetch(db);
    while let Some(row) = rows.try_next().await? {
        let body: &str = row.try_get("body")?;
        let Ok(mut value) = serde_json::from_str::<T>(body) else {
            unreadable += 1;
            continue;
        };
        value.share(&mut pool);
        let source: &str = row.try_get("source")?;
        let source = match names.get(source) {
            Some(known) => known.clone(),
            None => {
                let name: SourceName = source.into();
                names.insert(source.to_owned(), name.clone());
                name
            }
        };
        let key = Untrusted::line(row.try_get("id")?);
        read.push((key, Row::new(source, value, seen(&row)?, gone_at(&row)?)));
    }
    Ok((read, unreadable))
}

/// When each source answered last, and first, as far as that was written.
pub(super) async fn answered(
    db: &mut SqliteConnection,
) -> sqlx::Result<Vec<(SourceName, DateTime<Utc>, DateTime<Utc>)>> {
    let rows = sqlx::query("SELECT name, answered_at, first_answered_at FROM sources");
    let rows = rows.fetch_all(db).await?;
    let read = rows.iter().map(|row| {
        let name: &str = row.try_get("name")?;
        let last = time(row.try_get("answered_at")?);
        Ok((name.into(), last, time(row.try_get("first_answered_at")?)))
    });
    read.collect()
}

/// The last revision that was drawn.
pub(super) async fn revision(db: &mut SqliteConnection) -> sqlx::Result<i64> {
    let revision = sqlx::query_scalar("SELECT value FROM counters WHERE name = 'revision'");
    revision.fetch_one(db).await
}

/// A number that changes when another connection has written.
pub(super) async fn data_version(db: &mut SqliteConnection) -> sqlx::Result<i64> {
    let version = sqlx::query_scalar("PRAGMA data_version");
    version.fetch_one(db).await
}

/// Deletes what was last seen before `cutoff`, and gives room back if much has become free.
pub(super) async fn delete(db: &mut SqliteConnection, cutoff: DateTime<Utc>) -> sqlx::Result<()> {
    let mut writing = db.begin_with("BEGIN IMMEDIATE").await?;
    for sql in [Change::DELETE, Drift::DELETE] {
        let delete = sqlx::query(sql).bind(micros(cutoff));
        delete.execute(&mut *writing).await?;
    }
    writing.commit().await?;
    let free: i64 = sqlx::query_scalar("PRAGMA freelist_count")
        .fetch_one(&mut *db)
        .await?;
    let all: i64 = sqlx::query_scalar("PRAGMA page_count")
        .fetch_one(&mut *db)
        .await?;
    if free > all / 4 {
        // Each row of it is a page that was given back.
        sqlx::query("PRAGMA incremental_vacuum")
            .fetch_all(&mut *db)
            .await?;
    }
    Ok(())
}

fn seen(row: &SqliteRow) -> sqlx::Result<Seen> {
    let times: i64 = row.try_get("times")?;
    Ok(Seen {
        first: time(row.try_get("first_seen")?),
        last: time(row.try_get("last_seen")?),
        times: u64::try_from(times).unwrap_or(1),
    })
}

fn gone_at(row: &SqliteRow) -> sqlx::Result<Option<DateTime<Utc>>> {
    let at: Option<i64> = row.try_get("gone_at")?;
    Ok(at.map(time))
}

fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

/// What no calendar knows was never written by quell.
fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

fn json(value: &impl Serialize) -> sqlx::Result<String> {
    serde_json::to_string(value).map_err(encode)
}

fn encode(error: serde_json::Error) -> sqlx::Error {
    sqlx::Error::Encode(Box::new(error))
}
