//! How is everything that is read of a server brought up to date?
//!
//! Surveys what is served, lists what is due, follows the watches. Holds all that is known between
//! two polls; a poll that is dropped half-way leaves it whole. Called by [`super::Kubernetes`].

use std::future::poll_fn;
use std::sync::OnceLock;
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::client::Client;
use super::discovery::{discover, version};
use super::feed::{Effect, Feed};
use super::list::list;
use super::resource::TABLE;
use super::store::Store;
use super::target::{Plan, Target, namespace_path, plan};
use crate::config::delivery::KubernetesSettings;
use crate::domain::delivery::Part;
use crate::domain::source::ErrorKind;
use crate::domain::text::Untrusted;
use crate::sources::http::HttpError;

/// So often the server is asked what it serves: something may have been installed meanwhile.
const DISCOVER_EVERY: TimeDelta = TimeDelta::minutes(5);
/// So many lists at once. More would only meet the server's own limit for one client.
const LISTS_AT_ONCE: usize = 8;
/// When no watch has said anything for so long, all that waited was read.
const QUIET: Duration = Duration::from_millis(50);
/// A cluster that never falls silent does not hold up its poll. The rest waits in the connections.
const LISTEN_AT_MOST: Duration = Duration::from_millis(300);
/// When nothing was heard for so long, the server is asked whether it is still there.
const PROBE_AFTER: TimeDelta = TimeDelta::seconds(20);

/// An object without what is in it.
const METADATA: &str = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";

/// All that is known of one server.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) store: Store,
    feeds: Vec<Feed>,
    /// Parts that are not read, and why.
    others: Vec<Part>,
    pub(super) version: Option<Untrusted>,
    surveyed_at: Option<DateTime<Utc>>,
    /// What is odd about what is served, or why it could not be asked anew.
    oddities: Vec<Untrusted>,
    heard_at: Option<DateTime<Utc>>,
    /// Whether the store has changed since it was last asked.
    effect: Option<Effect>,
}

impl Reading {
    /// Brings everything up to date; fails only where the server as a whole does.
    pub(super) async fn update(
        &mut self,
        client: &Client,
        settings: &KubernetesSettings,
        now: DateTime<Utc>,
    ) -> Result<(), HttpError> {
        self.survey(client, settings, now).await?;
        // A command that asks once needs no watch.
        let is_first = !self.feeds.iter().any(Feed::is_listed);
        self.list_all(client, settings.page_size, now).await;
        if !is_first {
            for feed in &mut self.feeds {
                if feed.wants_watch(now) {
                    feed.open_watch(client, now);
                }
            }
            self.listen(client.timeout(), now).await;
            // What a watch could not go on with, or could not be believed.
            self.list_all(client, settings.page_size, now).await;
        }
        self.feeds.iter_mut().for_each(|feed| feed.tidy(now));
        self.outage()?;
        self.probe(client, now).await
    }

    /// Asks what is served, at first and then at times.
    async fn survey(
        &mut self,
        client: &Client,
        settings: &KubernetesSettings,
        now: DateTime<Utc>,
    ) -> Result<(), HttpError> {
        let is_due = |at: DateTime<Utc>| now < at || now - at >= DISCOVER_EVERY;
        if !self.surveyed_at.is_none_or(is_due) {
            return Ok(());
        }
        let (served, version) = tokio::join!(discover(client, TABLE), version(client));
        let served = match served {
            Ok(served) => served,
            // What was read before is still worth following.
            Err(error) if self.surveyed_at.is_some() && error.status != Some(401) => {
                let text = format!("what is served there: {}; as before", error.error);
                self.oddities = vec![Untrusted::line(&text)];
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if let Ok(Some(version)) = version {
            self.version = Some(version);
        }
        self.oddities = missing_namespaces(client, &settings.namespaces).await;
        (self.surveyed_at, self.heard_at) = (Some(now), Some(now));
        self.take_up(plan(&served, settings));
        Ok(())
    }

    /// Keeps the feeds that go on, drops those that are gone with what they knew, adds the new.
    fn take_up(&mut self, plan: Plan) {
        let mut old = std::mem::take(&mut self.feeds);
        for target in plan.targets {
            let known = old
                .iter()
                .position(|feed| feed.target.scope == target.scope);
            self.feeds.push(match known {
                Some(index) => {
                    let mut feed = old.swap_remove(index);
                    feed.retarget(target);
                    feed
                }
                None => Feed::new(target),
            });
        }
        for feed in old {
            if plan.unknown.contains(&feed.target.scope.resource) {
                self.feeds.push(feed);
            } else {
                self.store.clear(&feed.target.scope);
                self.note(Effect::Changed);
            }
        }
        self.others = plan.others;
    }

    /// Lists all that is due. Where the server is gone, the rest is not even tried.
    async fn list_all(&mut self, client: &Client, page_size: u32, now: DateTime<Utc>) {
        let gone: OnceLock<HttpError> = OnceLock::new();
        // One connection that breaks off says nothing of a server that has just answered.
        let is_there = self.heard_at == Some(now);
        loop {
            let due: Vec<(usize, Target, String)> = self
                .feeds
                .iter()
                .enumerate()
                .filter(|(_, feed)| feed.wants_list(now))
                .map(|(index, feed)| (index, feed.target.clone(), feed.path().to_owned()))
                .collect();
            if due.is_empty() {
                return;
            }
            let lists = due.into_iter().map(|(index, target, path)| {
                let gone = &gone;
                async move {
                    if let Some(error) = gone.get() {
                        return (index, Err(error.clone()));
                    }
                    let result = list(client, &target, &path, page_size).await;
                    if let Err(error) = &result
                        && !is_there
                        && error.status.is_none()
                        && matches!(error.error.kind, ErrorKind::Unreachable | ErrorKind::Tls)
                    {
                        // Only the first is needed.
                        let _first = gone.set(error.clone());
                    }
                    (index, result)
                }
            });
            let mut lists = futures_util::stream::iter(lists).buffer_unordered(LISTS_AT_ONCE);
            while let Some((index, result)) = lists.next().await {
                if result.is_ok() {
                    self.heard_at = Some(now);
                }
                if let Some(feed) = self.feeds.get_mut(index) {
                    let effect = feed.settle(now, result, &mut self.store);
                    self.note(effect);
                }
            }
        }
    }

    /// Reads what the watches have brought, until all are quiet.
    async fn listen(&mut self, timeout: Duration, now: DateTime<Utc>) {
        let begun = Instant::now();
        loop {
            // After an outage it is worth waiting for whether the server is back.
            let is_out = !self.feeds.iter().any(Feed::is_good);
            let is_waiting = is_out && self.feeds.iter().any(Feed::is_opening);
            let (end, quiet) = if is_waiting {
                (begun + timeout, begun + timeout)
            } else {
                let end = begun + LISTEN_AT_MOST;
                (end, end.min(Instant::now() + QUIET))
            };
            let (feeds, store) = (&mut self.feeds, &mut self.store);
            let heard = poll_fn(|cx| {
                let mut heard = None;
                for feed in &mut *feeds {
                    while let Poll::Ready(effect) = feed.poll_watch(cx, now, store) {
                        let changed = effect == Effect::Changed || heard == Some(Effect::Changed);
                        heard = Some(if changed {
                            Effect::Changed
                        } else {
                            Effect::Same
                        });
                    }
                }
                heard.map_or(Poll::Pending, Poll::Ready)
            });
            match timeout_at(quiet, heard).await {
                Ok(effect) => {
                    self.heard_at = Some(now);
                    self.note(effect);
                }
                Err(_) => return,
            }
            if Instant::now() >= end {
                return;
            }
        }
    }

    /// Whether nothing at all is read, because of the server or the credentials.
    fn outage(&self) -> Result<(), HttpError> {
        if self.feeds.iter().any(Feed::is_good) {
            return Ok(());
        }
        let mut outages: Vec<&HttpError> = self.feeds.iter().filter_map(Feed::outage).collect();
        // What can be done about it first.
        outages.sort_by_key(|error| error.status != Some(401));
        outages
            .first()
            .map_or(Ok(()), |error| Err((*error).clone()))
    }

    /// A dead connection is as silent as a quiet cluster, and a watch lives longer than the
    /// credentials that opened it.
    async fn probe(&mut self, client: &Client, now: DateTime<Utc>) -> Result<(), HttpError> {
        let is_silent = |at: DateTime<Utc>| now < at || now - at >= PROBE_AFTER;
        let is_refused = |feed: &Feed| feed.outage().is_some_and(|e| e.status == Some(401));
        if !self.heard_at.is_none_or(is_silent) && !self.feeds.iter().any(is_refused) {
            return Ok(());
        }
        match client.whole("/version", "application/json").await {
            Err(error) if matches!(error.status, None | Some(401)) => Err(error),
            _ => {
                self.heard_at = Some(now);
                Ok(())
            }
        }
    }

    /// There are new credentials, or a new client.
    pub(super) fn forgive(&mut self) {
        self.feeds.iter_mut().for_each(Feed::forgive);
    }

    /// The connections of the client are of no use any more.
    pub(super) fn drop_watches(&mut self) {
        self.feeds.iter_mut().for_each(Feed::drop_watch);
    }

    pub(super) fn parts(&self) -> Vec<Part> {
        let read = self.feeds.iter().map(|feed| feed.part(&self.store));
        read.chain(self.others.iter().cloned()).collect()
    }

    pub(super) fn limits(&self) -> Vec<Untrusted> {
        let of_feeds = self.feeds.iter().flat_map(Feed::limits);
        self.oddities.iter().cloned().chain(of_feeds).collect()
    }

    /// Whether the store has changed since it was last asked that.
    pub(super) fn take_effect(&mut self) -> Effect {
        self.effect.take().unwrap_or(Effect::Same)
    }

    fn note(&mut self, effect: Effect) {
        if effect == Effect::Changed {
            self.effect = Some(effect);
        }
    }
}

/// The list of a namespace that does not exist is empty, and nobody would notice.
async fn missing_namespaces(client: &Client, names: &[String]) -> Vec<Untrusted> {
    let mut missing = Vec::new();
    for name in names {
        let status = match client.whole(&namespace_path(name), METADATA).await {
            Ok(_) => continue,
            Err(error) => error.status,
        };
        match status {
            Some(404) => {
                let text = format!("there is no namespace `{name}`: check `namespaces`");
                missing.push(Untrusted::line(&text));
            }
            // Its lists will tell why.
            None => break,
            // We may not know.
            Some(_) => {}
        }
    }
    missing
}
