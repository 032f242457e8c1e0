//! How is the history's database opened, and which shape has it?
//!
//! Called by [`super::History::open`]. The shape has a number (`PRAGMA user_version`); an older one is
//! brought to the present one, a newer one is left alone. Nothing here reads a row.

use std::path::Path;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::words;

/// How long a writer waits for another.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// Two quells that begin one file at once meet here, where SQLite does not wait by itself.
const WAL_TRIES: usize = 40;
const WAL_PAUSE: Duration = Duration::from_millis(50);

/// Steps to the present shape, from nothing on. A step that was released never changes again.
///
/// `revision` is drawn anew by each transaction that writes: what has a greater one than was last
/// read was written since, by whomever. Times are in microseconds. A row without `gone_at` was in
/// its source's last answer: it was last seen when that source last answered.
const MIGRATIONS: [&str; 1] = ["
CREATE TABLE counters (
    name TEXT PRIMARY KEY NOT NULL,
    value INTEGER NOT NULL
) STRICT;
INSERT INTO counters (name, value) VALUES ('revision', 0);
CREATE TABLE sources (
    name TEXT PRIMARY KEY NOT NULL,
    answered_at INTEGER NOT NULL,
    first_answered_at INTEGER NOT NULL
) STRICT;
CREATE TABLE changes (
    id TEXT PRIMARY KEY NOT NULL,
    source TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    times INTEGER NOT NULL,
    gone_at INTEGER,
    revision INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX changes_by_revision ON changes (revision);
CREATE TABLE drifts (
    id TEXT PRIMARY KEY NOT NULL,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    times INTEGER NOT NULL,
    gone_at INTEGER,
    revision INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX drifts_by_revision ON drifts (revision);
PRAGMA user_version = 1;
"];

/// Why there is no database.
pub(super) enum NotOpen {
    /// The file's bytes are none, in the words of SQLite.
    Unreadable(String),
    /// Anything else, in words.
    Refused(String),
}

impl NotOpen {
    pub(super) fn of(path: &Path, error: &sqlx::Error) -> Self {
        if words::is_unreadable(error) {
            let message = error.as_database_error().map(DatabaseError::message);
            return Self::Unreadable(message.unwrap_or_default().to_owned());
        }
        Self::Refused(words::of(path, error))
    }
}

/// Opens the file, which is there, and brings it to the present shape.
pub(super) async fn open(path: &Path) -> Result<SqliteConnection, NotOpen> {
    let connected = connect(path).await;
    let mut db = connected.map_err(|error| NotOpen::of(path, &error))?;
    match prepare(path, &mut db).await {
        Ok(()) => Ok(db),
        Err(why) => {
            close(db).await;
            Err(why)
        }
    }
}

/// Lets go of a file that is about to be moved.
pub(super) async fn close(db: SqliteConnection) {
    // It failed already, and that is what is told.
    let _ = db.close().await;
}

async fn prepare(path: &Path, db: &mut SqliteConnection) -> Result<(), NotOpen> {
    let of = |error: sqlx::Error| NotOpen::of(path, &error);
    let version = version(db).await.map_err(of)?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if version > known {
        let what = format!(
            "it was made by a newer quell (shape {version}, this one knows {known}): not opened"
        );
        let next = "use that quell, or move the file away to begin anew";
        return Err(NotOpen::Refused(words::line(path, &what, next)));
    }
    if version < known {
        migrate(path, db).await?;
    }
    use_wal(db).await.map_err(of)?;
    // What it does not find here would be found by a write that fails each time.
    let check = sqlx::query_scalar::<_, String>("PRAGMA quick_check(1)");
    let found = check.fetch_one(&mut *db).await.map_err(of)?;
    if found != "ok" {
        return Err(NotOpen::Unreadable(found));
    }
    Ok(())
}

async fn connect(path: &Path) -> sqlx::Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        // From the root on: SQLite reads a name that begins with `file:` as a URL.
        .filename(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
        // With a write-ahead log, a killed process loses nothing that was committed; a power cut may
        // lose the last seconds, never the file.
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("journal_size_limit", "8388608")
        .row_buffer_size(1_000);
    options.disable_statement_logging().connect().await
}

async fn version(db: &mut SqliteConnection) -> sqlx::Result<i64> {
    let version = sqlx::query_scalar("PRAGMA user_version");
    version.fetch_one(db).await
}

async fn migrate(path: &Path, db: &mut SqliteConnection) -> Result<(), NotOpen> {
    let of = |error: sqlx::Error| NotOpen::of(path, &error);
    // Only an empty file takes it, and each time it is asked for is a write.
    let room = sqlx::query("PRAGMA auto_vacuum = INCREMENTAL").execute(&mut *db);
    room.await.map_err(of)?;
    let mut writing = db.begin_with("BEGIN IMMEDIATE").await.map_err(of)?;
    // Another quell may have done it meanwhile.
    let version = version(&mut writing).await.map_err(of)?;
    let tables = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema");
    let tables: i64 = tables.fetch_one(&mut *writing).await.map_err(of)?;
    if version == 0 && tables > 0 {
        let what = "it is a database of another program: not opened";
        let refused = words::line(path, what, "move it away");
        return Err(NotOpen::Refused(refused));
    }
    let done = usize::try_from(version).unwrap_or_default();
    for step in MIGRATIONS.into_iter().skip(done) {
        let step = sqlx::raw_sql(step).execute(&mut *writing);
        step.await.map_err(of)?;
    }
    writing.commit().await.map_err(of)
}

/// Where the file system can do it; elsewhere SQLite keeps its older journal, which is slower and as
/// safe.
async fn use_wal(db: &mut SqliteConnection) -> sqlx::Result<()> {
    for tried in 1.. {
        let mode = sqlx::query_scalar::<_, String>("PRAGMA journal_mode = WAL");
        match mode.fetch_one(&mut *db).await {
            Err(error) if words::is_busy(&error) && tried < WAL_TRIES => {
                tokio::time::sleep(WAL_PAUSE).await;
            }
            Err(error) if words::is_unreadable(&error) => return Err(error),
            _ => break,
        }
    }
    Ok(())
}
