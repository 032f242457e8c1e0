//! How does one list come about and stay true?
//!
//! A [`Feed`] is listed once and then followed by a watch; it knows when to list again, how long to
//! leave a server in peace, and what to say of itself. It never asks by itself: [`super::reading`] does,
//! and hands in what came.

mod account;

use std::task::{Context, Poll};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::client::Client;
use super::list::Listing;
use super::store::Store;
use super::target::Target;
use super::watch::{Sign, Told, Watch, tell};
use crate::domain::backoff::{Pace, next_wait};
use crate::domain::source::ErrorKind;
use crate::sources::http::{HttpError, message_line};

/// The server is asked to end a watch after this, so that a proxy does not have to.
const WATCH_SECS: u64 = 290;
/// Bookmarks come every minute. A watch that is silent for longer may hang on a dead connection.
const SILENCE: TimeDelta = TimeDelta::seconds(150);
/// What is not permitted or not there is asked for again so often.
const SELDOM: TimeDelta = TimeDelta::minutes(5);
/// What cannot be watched is listed again so often.
const RELIST: TimeDelta = TimeDelta::seconds(60);
/// The first wait after a failure.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// How long a remark stays.
const REMARK: TimeDelta = TimeDelta::minutes(5);

/// One list and its watch.
pub(super) struct Feed {
    pub(super) target: Target,
    /// Which of the target's paths is tried.
    path: usize,
    standing: Standing,
    listed: Option<Listed>,
    /// The list is no longer true: ask for it again, whatever the watch says.
    must_list: bool,
    watch: Option<Watch>,
    /// From when until when it is left in peace.
    pause: Option<(DateTime<Utc>, DateTime<Utc>)>,
    failures: u32,
    /// Why there is no watch though there is a list, and since when.
    unwatchable: Option<(DateTime<Utc>, String)>,
    remark: Option<(DateTime<Utc>, String)>,
    nameless: Vec<String>,
}

struct Listed {
    resource_version: String,
    /// When it was last known to be true.
    at: DateTime<Utc>,
    /// Since when this list is followed.
    since: DateTime<Utc>,
}

#[derive(Clone, Debug)]
enum Standing {
    /// Not asked yet, or all is well.
    Good,
    /// In the words of the server.
    Denied(String),
    Missing,
    Troubled(HttpError),
}

/// Whether what is known has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Changed,
    Same,
}

impl Feed {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            path: 0,
            standing: Standing::Good,
            listed: None,
            must_list: true,
            watch: None,
            pause: None,
            failures: 0,
            unwatchable: None,
            remark: None,
            nameless: Vec::new(),
        }
    }

    pub(super) fn path(&self) -> &str {
        self.target.paths.get(self.path).map_or("", String::as_str)
    }

    /// Another version of its API is served now.
    pub(super) fn retarget(&mut self, target: Target) {
        if self.target.paths != target.paths {
            (self.path, self.must_list, self.watch) = (0, true, None);
            self.pause = None;
        }
        self.target = target;
    }

    fn may_ask(&self, now: DateTime<Utc>) -> bool {
        // A clock that was set back ends it too.
        self.pause
            .is_none_or(|(from, until)| now >= until || now < from)
    }

    pub(super) fn wants_list(&self, now: DateTime<Utc>) -> bool {
        let is_old = match (&self.listed, &self.unwatchable) {
            (Some(listed), Some(_)) => now - listed.since >= RELIST || now < listed.since,
            _ => false,
        };
        (self.must_list || is_old) && self.may_ask(now)
    }

    pub(super) fn settle(
        &mut self,
        now: DateTime<Utc>,
        result: Result<Listing, HttpError>,
        store: &mut Store,
    ) -> Effect {
        let error = match result {
            Ok(listing) => {
                self.accept(now, listing, store);
                return Effect::Changed;
            }
            Err(error) => error,
        };
        match error.status {
            Some(403) => {
                self.standing = Standing::Denied(words(&error));
                self.pause = Some((now, now + SELDOM));
            }
            // Only where it is not known what is served.
            Some(404) if self.path + 1 < self.target.paths.len() => {
                self.path += 1;
                self.pause = None;
            }
            Some(404) => {
                (self.standing, self.path) = (Standing::Missing, 0);
                (self.listed, self.must_list) = (None, true);
                self.pause = Some((now, now + SELDOM));
                store.clear(&self.target.scope);
                return Effect::Changed;
            }
            _ => self.trouble(now, error),
        }
        Effect::Same
    }

    fn accept(&mut self, now: DateTime<Utc>, listing: Listing, store: &mut Store) {
        store.replace(&self.target.scope, listing.items);
        if listing.resource_version.is_empty() && self.unwatchable.is_none() {
            let why = "the server gives the list no version".to_owned();
            self.unwatchable = Some((now, why));
        }
        self.nameless = listing.nameless;
        self.listed = Some(Listed {
            resource_version: listing.resource_version,
            at: now,
            since: now,
        });
        (self.must_list, self.standing) = (false, Standing::Good);
        // A watch of the old list would tell what the new one holds already.
        self.watch = None;
        self.pause = None;
    }

    fn trouble(&mut self, now: DateTime<Utc>, error: HttpError) {
        self.failures = self.failures.saturating_add(1);
        let pace = Pace {
            period: FIRST_WAIT,
            last_latency: Duration::ZERO,
            failures: self.failures,
            retry_after: error.error.retry_after,
        };
        let wait = TimeDelta::from_std(next_wait(pace, 0.0)).unwrap_or(SELDOM);
        self.pause = Some((now, now + wait));
        self.standing = Standing::Troubled(error);
    }

    pub(super) fn wants_watch(&self, now: DateTime<Utc>) -> bool {
        let is_watchable = match &self.unwatchable {
            Some((since, _)) => now - *since >= SELDOM,
            None => true,
        };
        let has_version = |listed: &Listed| !listed.resource_version.is_empty();
        let is_listed = self.listed.as_ref().is_some_and(has_version);
        is_watchable && is_listed && !self.must_list && self.watch.is_none() && self.may_ask(now)
    }

    pub(super) fn open_watch(&mut self, client: &Client, now: DateTime<Utc>) {
        let Some(listed) = &self.listed else { return };
        let target = &self.target;
        let asked = target.watch(self.path(), &listed.resource_version, WATCH_SECS);
        let opening = client.open(&asked, target.accepts_watch());
        self.watch = Some(Watch::new(opening, now));
    }

    /// Takes in one sign of the watch, if there is one.
    pub(super) fn poll_watch(
        &mut self,
        cx: &mut Context<'_>,
        now: DateTime<Utc>,
        store: &mut Store,
    ) -> Poll<Effect> {
        let Some(watch) = &mut self.watch else {
            return Poll::Pending;
        };
        let Poll::Ready(sign) = watch.poll_sign(cx) else {
            return Poll::Pending;
        };
        watch.heard_at = now;
        Poll::Ready(match sign {
            Sign::Opened => {
                self.is_alive(now);
                Effect::Same
            }
            Sign::Line(line) => self.hear(&line, now, store),
            Sign::Ended => {
                self.watch = None;
                Effect::Same
            }
            Sign::Refused(error) => {
                self.refused(now, error);
                Effect::Same
            }
            Sign::Endless => {
                self.distrust(now, "a line of more than 16 MiB");
                Effect::Same
            }
        })
    }

    fn is_alive(&mut self, now: DateTime<Utc>) {
        (self.standing, self.unwatchable, self.failures) = (Standing::Good, None, 0);
        if let Some(listed) = &mut self.listed {
            listed.at = now;
        }
    }

    fn hear(&mut self, line: &[u8], now: DateTime<Utc>, store: &mut Store) -> Effect {
        let (told, version) = match tell(&self.target.scope, line) {
            Ok(told) => told,
            Err(why) => {
                self.distrust(now, &why);
                return Effect::Same;
            }
        };
        let effect = match told {
            Told::Put(key, read) => {
                store.hold(key, read);
                Effect::Changed
            }
            Told::Gone(key) => {
                store.remove(&key);
                Effect::Changed
            }
            Told::Mark => Effect::Same,
            Told::Fault(status) => {
                self.refused(now, status.error());
                return Effect::Same;
            }
        };
        self.failures = 0;
        if let Some(listed) = &mut self.listed {
            listed.at = now;
            if !version.is_empty() {
                listed.resource_version = version;
            }
        }
        effect
    }

    /// The watch was not accepted, or was ended with a reason.
    fn refused(&mut self, now: DateTime<Utc>, error: HttpError) {
        self.watch = None;
        match error.status {
            // Too long ago for the server. What is known stays until the new list is complete.
            Some(410) => self.must_list = true,
            Some(403 | 405) => self.unwatchable = Some((now, words(&error))),
            // The list tells whether it is gone, or what else is wrong with its version.
            Some(400 | 404 | 500) => {
                self.must_list = true;
                if self.failures > 0 {
                    self.trouble(now, error);
                } else {
                    self.failures = 1;
                }
            }
            _ => self.trouble(now, error),
        }
    }

    /// What was told makes no sense: list again rather than guess.
    fn distrust(&mut self, now: DateTime<Utc>, why: &str) {
        (self.watch, self.must_list) = (None, true);
        let why = format!("its watch told what cannot be read ({why}); listed again");
        self.remark = Some((now, why));
    }

    /// Lets go of a watch that says nothing, and of remarks that were long enough to be seen.
    pub(super) fn tidy(&mut self, now: DateTime<Utc>) {
        let is_silent = |watch: &Watch| now - watch.heard_at >= SILENCE || now < watch.heard_at;
        if self.watch.as_ref().is_some_and(is_silent) {
            self.watch = None;
        }
        if self
            .remark
            .as_ref()
            .is_some_and(|(at, _)| now - *at >= REMARK)
        {
            self.remark = None;
        }
    }

    /// Asked again at once: there are new credentials, or a new client.
    pub(super) fn forgive(&mut self) {
        if let Standing::Troubled(_) = self.standing {
            self.pause = None;
        }
    }

    /// The old client's connections are of no use.
    pub(super) fn drop_watch(&mut self) {
        self.watch = None;
    }

    /// Whether the server has not said yet if it accepts the watch.
    pub(super) fn is_opening(&self) -> bool {
        self.watch.as_ref().is_some_and(Watch::is_opening)
    }

    /// Whether it was listed, however long ago.
    pub(super) fn is_listed(&self) -> bool {
        self.listed.is_some()
    }

    /// Whether it is read as it should be.
    pub(super) fn is_good(&self) -> bool {
        matches!(self.standing, Standing::Good) && self.listed.is_some()
    }

    /// What fails it, if the whole server may be the reason.
    pub(super) fn outage(&self) -> Option<&HttpError> {
        let Standing::Troubled(error) = &self.standing else {
            return None;
        };
        let is_general = match error.error.kind {
            ErrorKind::Unreachable | ErrorKind::TimedOut | ErrorKind::Tls | ErrorKind::Busy => true,
            ErrorKind::Local => error.status.is_none(),
            ErrorKind::Unauthorized => error.status == Some(401),
            _ => false,
        };
        is_general.then_some(error)
    }
}

fn words(error: &HttpError) -> String {
    message_line(error.error.detail.raw())
}
