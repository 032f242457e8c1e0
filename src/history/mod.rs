//! What was told of changes and drift before, also by sources that have forgotten it?
//!
//! A small database of this machine's own, written by the session and by the commands that read
//! changes and drift; several of them may use one file at once. It remembers what it is given and
//! never asks a source. Called by `runtime` and `cli`.
//!
//! An answer that is the same as before costs a comparison in memory and no row: when its source
//! answered is written once in ten minutes, and what has not gone was seen then.

mod file;
mod ledger;
mod presence;
mod schema;
mod store;
#[cfg(test)]
mod tests;
mod words;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::SqliteConnection;

use self::ledger::{Ledger, Plan, Row, Told};
use self::presence::Presence;
use self::schema::NotOpen;
use self::store::{AllWritten, Answer, Kept, MAX_CHANGES};
use crate::domain::change::Change;
use crate::domain::delivery::{DeliveryAnswer, Past, Seen};
use crate::domain::drift::Drift;
use crate::domain::source::SourceName;
use crate::domain::text::shown;

/// When a source answered is written at most so often, if nothing else is.
const NOTE_EVERY: TimeDelta = TimeDelta::minutes(10);

/// What is too old is deleted at most so often after the start.
const CLEAN_EVERY: TimeDelta = TimeDelta::days(1);

/// The database.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    /// Which file that was when it was opened.
    identity: Option<(u64, u64)>,
    db: SqliteConnection,
    keep: Duration,
    changes: Ledger<Change>,
    drifts: Ledger<Drift>,
    sources: HashMap<SourceName, Presence>,
    past: Arc<Past>,
    troubles: Vec<String>,
    read: ReadUpTo,
    cleaned_at: DateTime<Utc>,
    /// Counts the answers of this session.
    turn: u64,
}

/// How much of the file is in memory.
#[derive(Clone, Copy, Debug, Default)]
struct ReadUpTo {
    revision: i64,
    data_version: i64,
}

impl History {
    /// Opens it, or makes it; readable by the user alone. Deletes what was last told longer than
    /// `keep` ago. A file that cannot be read is set aside and a new one begun: see
    /// [`History::troubles`].
    ///
    /// # Errors
    /// In words, with the path and what to do.
    pub async fn open(path: &Path, keep: Duration, now: DateTime<Utc>) -> Result<Self, String> {
        file::prepare(path)?;
        let mut history = match Self::read_file(path, keep, now).await {
            Ok(history) => history,
            Err(NotOpen::Refused(why)) => return Err(why),
            Err(NotOpen::Unreadable(why)) => Self::begin_anew(path, keep, now, &why).await?,
        };
        if let Err(why) = history.clean(now).await {
            history.troubles.push(why);
        }
        history.picture();
        Ok(history)
    }

    async fn begin_anew(
        path: &Path,
        keep: Duration,
        now: DateTime<Utc>,
        why: &str,
    ) -> Result<Self, String> {
        let aside = file::set_aside(path)?;
        let aside = shown(&aside.display().to_string());
        let what = format!("it cannot be read ({why}): set aside as {aside}, and a new one begun");
        let next = "delete that file, or recover it with `sqlite3 .recover`";
        let trouble = words::line(path, &what, next);
        file::prepare(path)?;
        match Self::read_file(path, keep, now).await {
            Ok(mut history) => {
                history.troubles.insert(0, trouble);
                Ok(history)
            }
            Err(NotOpen::Refused(why)) => Err(why),
            Err(NotOpen::Unreadable(why)) => {
                let what = format!("a new file cannot be read either: {why}");
                Err(words::line(path, &what, "check the disk"))
            }
        }
    }

    async fn read_file(path: &Path, keep: Duration, now: DateTime<Utc>) -> Result<Self, NotOpen> {
        let mut history = Self {
            path: path.to_owned(),
            identity: file::identity(path),
            db: schema::open(path).await?,
            keep,
            changes: Ledger::default(),
            drifts: Ledger::default(),
            sources: HashMap::new(),
            past: Arc::default(),
            troubles: Vec::new(),
            read: ReadUpTo::default(),
            cleaned_at: now,
            turn: 0,
        };
        match history.read_on().await {
            Ok(_) => Ok(history),
            Err(error) => {
                schema::close(history.db).await;
                Err(NotOpen::of(path, &error))
            }
        }
    }

    /// What is remembered. Of what its source still tells, the time it was last seen lies up to ten
    /// minutes behind.
    #[must_use]
    pub fn past(&self) -> Arc<Past> {
        self.past.clone()
    }

    /// What the operator should know: a file that was set aside or deleted, rows that could not be read.
    /// [`History::remember`] may add to it.
    #[must_use]
    pub fn troubles(&self) -> &[String] {
        &self.troubles
    }

    /// Reads what other quells have written since. True as with [`History::remember`].
    ///
    /// # Errors
    /// In words. What is already remembered stays.
    pub async fn refresh(&mut self) -> Result<bool, String> {
        let found = self.read_on().await;
        let is_news = found.map_err(|error| words::of(&self.path, &error))?;
        if is_news {
            self.picture();
        }
        Ok(is_news)
    }

    /// Remembers what one source told at `at`. True where [`History::past`] has changed in a way that
    /// a picture shows: a new change, a new drift, another outcome. An answer without something that
    /// the one before had says that it has gone, unless a part of the source failed.
    ///
    /// # Errors
    /// In words. What is already remembered stays.
    pub async fn remember(
        &mut self,
        source: &SourceName,
        answer: &DeliveryAnswer,
        at: DateTime<Utc>,
    ) -> Result<bool, String> {
        let mut is_news = self.follow(at).await? | self.refresh().await?;
        if at - self.cleaned_at >= CLEAN_EVERY {
            is_news |= self.clean(at).await?;
        }
        self.turn += 1;
        let mut presence = self.sources.get(source).cloned().unwrap_or_default();
        let is_whole = presence.is_whole(answer);
        let changes = {
            let has_answered = has_answered(&self.sources);
            let told = &answer.changes;
            self.changes
                .plan(source, told, self.turn, has_answered, |_| is_whole)
        };
        let drifts = {
            let has_answered = has_answered(&self.sources);
            let is_over = |drift: &Drift| is_whole && !presence::is_doubtful(drift, answer);
            let told = &answer.drifts;
            self.drifts
                .plan(source, told, self.turn, has_answered, is_over)
        };
        let is_unchanged = changes.writes_nothing() && drifts.writes_nothing();
        let is_due = presence
            .noted_at
            .is_none_or(|noted| at - noted >= NOTE_EVERY);
        let last = presence.last().unwrap_or(at).min(at);
        if !is_unchanged || is_due {
            let answered = Answer {
                source,
                at,
                before: last,
            };
            let done = store::write(&mut self.db, &answered, &changes, &drifts).await;
            let done = done.map_err(|error| words::of(&self.path, &error))?;
            self.take(&changes, &done.changes, &drifts, &done.drifts, source);
            self.changes.note_gone(&changes.gone, last, at);
            self.drifts.note_gone(&drifts.gone, last, at);
            presence.noted_at = Some(at);
            if done.revision <= self.read.revision + 1 {
                // Nobody else has written since it was read.
                self.read.revision = self.read.revision.max(done.revision);
            } else {
                is_news |= self.refresh().await?;
            }
        }
        presence.answered_at = Some(at);
        presence.first_at.get_or_insert(at);
        self.sources.insert(source.clone(), presence);
        let has_alike = !changes.alike.is_empty() || !drifts.alike.is_empty();
        for (key, change) in &changes.alike {
            is_news |= self.changes.exchange(key, change);
        }
        for (key, drift) in &drifts.alike {
            is_news |= self.drifts.exchange(key, drift);
        }
        is_news |= !changes.told.is_empty() || !drifts.told.is_empty();
        if has_alike || !is_unchanged || is_due {
            self.picture();
        }
        Ok(is_news)
    }

    /// Closes the file, with everything written into it. Dropping it loses nothing either.
    ///
    /// # Errors
    /// In words.
    pub async fn close(self) -> Result<(), String> {
        let closed = sqlx::Connection::close(self.db).await;
        closed.map_err(|error| words::of(&self.path, &error))
    }

    /// Goes on in a new file if this one was moved or deleted: what is written into it would be lost
    /// without a word.
    async fn follow(&mut self, at: DateTime<Utc>) -> Result<bool, String> {
        if file::identity(&self.path) == self.identity {
            return Ok(false);
        }
        let mut anew = Self::open(&self.path, self.keep, at).await?;
        let what = "it was moved or deleted while it was in use: what it held is forgotten";
        let trouble = words::line(&self.path, what, "nothing, if that was meant");
        anew.turn = self.turn;
        let mut old = std::mem::replace(self, anew);
        old.troubles.push(trouble);
        old.troubles.append(&mut self.troubles);
        self.troubles = old.troubles;
        schema::close(old.db).await;
        Ok(true)
    }

    fn take(
        &mut self,
        changes: &Plan<'_, Change>,
        written_changes: &AllWritten,
        drifts: &Plan<'_, Drift>,
        written_drifts: &AllWritten,
        source: &SourceName,
    ) {
        take(
            &mut self.changes,
            changes,
            written_changes,
            source,
            self.turn,
        );
        take(&mut self.drifts, drifts, written_drifts, source, self.turn);
        let rank = |change: &Change| change.started_at;
        self.changes.bound(MAX_CHANGES, rank);
    }

    /// Reads what is not in memory yet. Whether there was anything.
    async fn read_on(&mut self) -> sqlx::Result<bool> {
        let data_version = store::data_version(&mut self.db).await?;
        let revision = store::revision(&mut self.db).await?;
        if data_version == self.read.data_version && revision <= self.read.revision {
            return Ok(false);
        }
        for (source, noted, first) in store::answered(&mut self.db).await? {
            let presence = self.sources.entry(source).or_default();
            presence.first_at = Some(first);
            presence.noted_at = presence.noted_at.max(Some(noted));
        }
        let after = self.read.revision;
        let (changes, bad_changes) = store::load::<Change>(&mut self.db, after).await?;
        let (drifts, bad_drifts) = store::load::<Drift>(&mut self.db, after).await?;
        let is_news = !changes.is_empty() || !drifts.is_empty();
        for (key, row) in changes {
            self.changes.insert_read(key, row);
        }
        for (key, row) in drifts {
            self.drifts.insert_read(key, row);
        }
        self.changes.bound(MAX_CHANGES, |change| change.started_at);
        for (word, count) in [(Change::WORD, bad_changes), (Drift::WORD, bad_drifts)] {
            if count > 0 {
                let what = format!("{count} {word} in it cannot be read: left out");
                let next = "use the quell that wrote them, or let them run out";
                self.troubles.push(words::line(&self.path, &what, next));
            }
        }
        self.read = ReadUpTo {
            revision,
            data_version,
        };
        Ok(is_news)
    }

    /// Deletes what was last told longer than `keep` ago. Whether there was anything in memory.
    async fn clean(&mut self, now: DateTime<Utc>) -> Result<bool, String> {
        let keep = TimeDelta::from_std(self.keep).ok();
        let Some(cutoff) = keep.and_then(|keep| now.checked_sub_signed(keep)) else {
            return Ok(false);
        };
        self.cleaned_at = now;
        let deleted = store::delete(&mut self.db, cutoff).await;
        deleted.map_err(|error| words::of(&self.path, &error))?;
        let sources = &self.sources;
        let changes = self.changes.forget(cutoff, |row| last(sources, row));
        let drifts = self.drifts.forget(cutoff, |row| last(sources, row));
        if changes || drifts {
            self.picture();
        }
        Ok(changes || drifts)
    }

    /// Makes the picture of the past anew.
    fn picture(&mut self) {
        let mut past = Past::default();
        for row in self.changes.rows() {
            let seen = Seen {
                last: last(&self.sources, row),
                ..row.seen
            };
            past.changes_seen.insert(row.value.id.clone(), seen);
            past.changes.push(row.value.clone());
        }
        let newest_first =
            |a: &Change, b: &Change| (b.started_at, &b.id).cmp(&(a.started_at, &a.id));
        past.changes.sort_unstable_by(newest_first);
        for row in self.drifts.rows() {
            let seen = Seen {
                last: last(&self.sources, row),
                ..row.seen
            };
            past.drifts_seen.insert(row.value.id.clone(), seen);
        }
        let looked = self.sources.iter();
        past.looked_since = looked
            .filter_map(|(source, presence)| Some((source.clone(), presence.first_at?)))
            .collect();
        self.past = Arc::new(past);
    }
}

fn has_answered(sources: &HashMap<SourceName, Presence>) -> impl Fn(&SourceName) -> bool {
    |source| sources.get(source).is_some_and(|p| p.answered_at.is_some())
}

/// When something was last seen.
fn last<T>(sources: &HashMap<SourceName, Presence>, row: &Row<T>) -> DateTime<Utc> {
    let answered = sources.get(&row.source).and_then(Presence::last);
    match answered.filter(|_| row.gone_at.is_none()) {
        Some(answered) => answered.max(row.seen.last),
        None => row.seen.last,
    }
}

fn take<T: Told>(
    ledger: &mut Ledger<T>,
    plan: &Plan<'_, T>,
    written: &AllWritten,
    source: &SourceName,
    turn: u64,
) {
    for (key, value) in &plan.told {
        if let Some(now) = written.get(key.raw()) {
            let row = Row::new(source.clone(), (*value).clone(), now.seen, now.gone_at);
            ledger.insert(key.clone(), row, turn);
        }
    }
}
