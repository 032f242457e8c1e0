//! Which deployments does GitHub know of?
//!
//! Called by [`super::delivery`]. One poll reads the list of each repository and the statuses of what
//! is not yet settled: lists with their tag, so that an unchanged one costs nothing of the rate limit,
//! and statuses only a few dozen at a time. It never writes, and it follows no address that an
//! answer gives.

#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use self::wire::{Deployment, Status, Verdict};
use super::http::{Asked, HttpClient, HttpError};
use super::rest::{Budget, Host, Kept, LOOK_BACK, MAX_PAGES, Project, failure_of_all, sorted_out};
use super::wire::decode;
use crate::config::delivery::{CodeHostSettings, DeclaredPlace};
use crate::config::settings::HeaderValue;
use crate::domain::change::{Change, ChangeKind, Subject, Told, Versions};
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::source::{ErrorKind, SourceError, SourceName};
use crate::domain::text::Untrusted;
use crate::sources::rest;

/// Statuses are one request for each deployment: in one poll no more than these.
const MAX_STATUS_REQUESTS: usize = 50;
/// What has not ended after so long is not asked for again: many pipelines never say how it ended.
const OPEN_FOR: TimeDelta = TimeDelta::hours(24);

/// The client of one.
pub struct Github {
    http: HttpClient,
    scope: Scope,
    repositories: Vec<Project<Repository>>,
    budget: Budget,
    kept: Kept,
    /// What to add to a failure where the URL does not look like an API.
    hint: Option<&'static str>,
}

/// What is asked for, and where it is.
struct Scope {
    name: SourceName,
    environments: Vec<String>,
    place: DeclaredPlace,
}

/// What is known of a repository.
#[derive(Default)]
struct Repository {
    /// By number: newer ones have larger numbers.
    deployments: BTreeMap<u64, Known>,
    /// What is known of its lists, by environment.
    lists: BTreeMap<Option<String>, List>,
    /// Why statuses are missing.
    no_statuses: Option<SourceError>,
}

/// What is known of a list.
#[derive(Default)]
struct List {
    /// Of its first page.
    etag: Option<String>,
    /// Elements that could not be read.
    odd: Vec<String>,
    cut: Cut,
}

/// Whether pages of a list were left out.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Cut {
    #[default]
    No,
    /// There were too many then: older ones are missing.
    TooMany(DateTime<Utc>),
    /// The rate limit: they are read as soon as it allows.
    Paused,
}

struct Known {
    deployment: Deployment,
    verdict: Option<Verdict>,
    etag: Option<String>,
    is_settled: bool,
}

impl Github {
    /// One that has not asked yet.
    ///
    /// # Errors
    /// A certificate file or a header of the settings does not hold.
    pub fn new(
        name: &SourceName,
        settings: &CodeHostSettings,
        place: &DeclaredPlace,
    ) -> Result<Self, SourceError> {
        let mut endpoint = settings.endpoint.clone();
        let has_accept = |(name, _): &(String, _)| name.eq_ignore_ascii_case("accept");
        if !endpoint.headers.iter().any(has_accept) {
            let accept = HeaderValue::Plain("application/vnd.github+json".to_owned());
            endpoint.headers.push(("Accept".to_owned(), accept));
        }
        let host = endpoint.url.host_str().unwrap_or_default();
        let is_api = host.starts_with("api.") || endpoint.url.path().contains("/api/v3");
        Ok(Self {
            http: HttpClient::new(&endpoint)?,
            scope: Scope {
                name: name.clone(),
                environments: settings.environments.clone(),
                place: place.clone(),
            },
            repositories: settings.projects.iter().map(|p| Project::new(p)).collect(),
            budget: Budget::default(),
            kept: Kept::default(),
            hint: (!is_api).then_some(
                "the API is at https://api.github.com, or under /api/v3 of an Enterprise Server",
            ),
        })
    }

    /// What it tells at `now`; the same `Arc` as before where nothing has changed.
    ///
    /// # Errors
    /// Why no repository could be read. One that could not be is in the answer.
    pub async fn poll(&mut self, now: DateTime<Utc>) -> Result<Arc<DeliveryAnswer>, SourceError> {
        let mut host = Host::default();
        let mut reader = Reader {
            http: &self.http,
            scope: &self.scope,
            budget: &mut self.budget,
            now,
            statuses_left: MAX_STATUS_REQUESTS,
            unwilling: None,
        };
        for repository in &mut self.repositories {
            if reader.budget.paused_until(now).is_some() {
                break;
            }
            let result = match host.stopped() {
                Some(why) => Err(why.clone()),
                None => reader.read(repository).await,
            };
            host.note(&result);
            if let Some(why) = reader.unwilling.take() {
                host.note(&Err(why));
            }
            repository.settle(result);
        }
        self.answer(now)
    }

    fn answer(&mut self, now: DateTime<Utc>) -> Result<Arc<DeliveryAnswer>, SourceError> {
        if !self.repositories.iter().any(Project::is_read) {
            return Err(self.error(now));
        }
        let mut answer = DeliveryAnswer::default();
        let paused = self.budget.limit(now);
        answer.limits.extend(paused.clone());
        for repository in &mut self.repositories {
            let known = &mut repository.known.deployments;
            known.retain(|_, k| now - k.deployment.created_at <= LOOK_BACK);
            let known = &repository.known;
            let changes = known.deployments.values().rev();
            let changes = changes.map(|k| change(&self.scope, repository, k));
            answer.changes.extend(changes);
            let part = repository.part(known.deployments.len(), paused.as_ref());
            answer.parts.push(part);
            answer.limits.extend(repository.advice("GitHub"));
            answer.limits.extend(limits(&repository.full, known));
        }
        Ok(self.kept.keep(answer))
    }

    fn error(&self, now: DateTime<Utc>) -> SourceError {
        let failed = failure_of_all(&self.repositories).or_else(|| self.budget.error(now));
        let mut error = failed.unwrap_or_else(|| {
            SourceError::new(
                ErrorKind::Local,
                "no repository is configured: set `projects`",
            )
        });
        let is_wrong_place = matches!(error.kind, ErrorKind::Refused | ErrorKind::Malformed);
        if let Some(hint) = self.hint.filter(|_| is_wrong_place) {
            error.detail = Untrusted::line(&format!("{}; {hint}", error.detail.raw()));
        }
        error
    }
}

/// One poll.
struct Reader<'a> {
    http: &'a HttpClient,
    scope: &'a Scope,
    budget: &'a mut Budget,
    now: DateTime<Utc>,
    statuses_left: usize,
    /// A list could be read, and then the host had enough.
    unwilling: Option<HttpError>,
}

impl Reader<'_> {
    async fn read(&mut self, repository: &mut Project<Repository>) -> Result<(), HttpError> {
        let path = format!("/repos/{}/deployments", repository.full);
        let mut environments: Vec<Option<&str>> =
            self.scope.environments.iter().map(|e| Some(&**e)).collect();
        if environments.is_empty() {
            environments.push(None);
        }
        for environment in environments {
            self.read_list(&path, environment, &mut repository.known)
                .await?;
        }
        let result = self.read_statuses(&path, &mut repository.known).await;
        repository.known.no_statuses = result.as_ref().err().map(|why| why.error.clone());
        self.unwilling = result.err();
        Ok(())
    }

    /// Page by page, newest first, as long as a page brings something new and young enough.
    async fn read_list(
        &mut self,
        path: &str,
        environment: Option<&str>,
        known: &mut Repository,
    ) -> Result<(), HttpError> {
        let mut params: Vec<(String, String)> = vec![("per_page".to_owned(), "100".to_owned())];
        params.extend(environment.map(|e| ("environment".to_owned(), e.to_owned())));
        let list = known
            .lists
            .entry(environment.map(str::to_owned))
            .or_default();
        // Pages that were left out are behind those that are known.
        let was_paused = list.cut == Cut::Paused;
        let mut tag = list.etag.clone();
        let mut next_list = List {
            cut: match list.cut {
                Cut::TooMany(at) if self.now - at <= LOOK_BACK => list.cut,
                _ => Cut::No,
            },
            ..List::default()
        };
        let mut fresh = Vec::new();
        for page in 0..=MAX_PAGES {
            if page == MAX_PAGES {
                next_list.cut = Cut::TooMany(self.now);
                break;
            }
            if page > 0 && self.budget.paused_until(self.now).is_some() {
                next_list.cut = Cut::Paused;
                break;
            }
            let borrowed: Vec<_> = params.iter().map(|(n, v)| (&**n, &**v)).collect();
            let sent = tag.take();
            let asked = self.http.get_unless(sent.as_deref(), path, &borrowed);
            let body = match asked.await? {
                Asked::Unchanged(head) => {
                    self.budget.note(head.rate.as_ref(), self.now);
                    return Ok(());
                }
                Asked::Changed(body) => body,
            };
            let head = body.head();
            self.budget.note(head.rate.as_ref(), self.now);
            let text = body.whole().await?;
            let elements: Option<Vec<_>> = decode(text.as_bytes(), 0)?;
            let (read, odd) = sorted_out::<Deployment>(elements.unwrap_or_default());
            next_list.odd.extend(odd);
            if page == 0 {
                next_list.etag = head.etag;
            }
            let is_wanted = |d: &Deployment| {
                let is_known = !was_paused && known.deployments.contains_key(&d.id);
                self.now - d.created_at <= LOOK_BACK && !is_known
            };
            let goes_on = read.last().is_some_and(is_wanted);
            fresh.extend(read);
            match head.next_page {
                Some(next) if goes_on => params = next,
                _ => break,
            }
        }
        if next_list.cut == Cut::Paused {
            // Only when all of it was read may a tag say that nothing has changed since.
            next_list.etag = None;
        }
        *list = next_list;
        for deployment in fresh {
            if self.now - deployment.created_at > LOOK_BACK {
                continue;
            }
            let entry = known.deployments.entry(deployment.id);
            entry.or_insert(Known {
                deployment,
                verdict: None,
                etag: None,
                is_settled: false,
            });
        }
        Ok(())
    }

    /// Of what is not settled, the newest first. One that fails does not stop the others, unless it
    /// is for a reason that holds for all.
    async fn read_statuses(&mut self, path: &str, known: &mut Repository) -> Result<(), HttpError> {
        let mut failed = None;
        let open = known.deployments.iter_mut().rev();
        for (id, open) in open.filter(|(_, open)| !open.is_settled) {
            if self.statuses_left == 0 || self.budget.paused_until(self.now).is_some() {
                break;
            }
            self.statuses_left -= 1;
            match self
                .read_verdict(&format!("{path}/{id}/statuses"), open)
                .await
            {
                Ok(()) => open.settle(self.now),
                Err(why) => {
                    let goes_on = matches!(
                        why.error.kind,
                        ErrorKind::Refused | ErrorKind::Malformed | ErrorKind::TooLarge
                    );
                    if !goes_on {
                        failed = Some(why);
                        break;
                    }
                    failed.get_or_insert(why);
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn read_verdict(&mut self, path: &str, open: &mut Known) -> Result<(), HttpError> {
        let params = [("per_page", "100")];
        let asked = self.http.get_unless(open.etag.as_deref(), path, &params);
        let body = match asked.await? {
            Asked::Unchanged(head) => {
                self.budget.note(head.rate.as_ref(), self.now);
                return Ok(());
            }
            Asked::Changed(body) => body,
        };
        let head = body.head();
        self.budget.note(head.rate.as_ref(), self.now);
        let text = body.whole().await?;
        let elements: Option<Vec<_>> = decode(text.as_bytes(), 0)?;
        let (statuses, odd) = sorted_out::<Status>(elements.unwrap_or_default());
        open.etag = head.etag;
        open.verdict = Some(Verdict::of(statuses, &odd));
        Ok(())
    }
}

impl Known {
    /// Once it has ended, or nobody said for long, it is not asked for again.
    fn settle(&mut self, now: DateTime<Utc>) {
        let has_ended = self.verdict.as_ref().is_some_and(|v| v.is_final);
        self.is_settled = has_ended || now - self.deployment.created_at > OPEN_FOR;
    }
}

fn limits(full: &str, known: &Repository) -> Vec<Untrusted> {
    let mut limits = Vec::new();
    let mut say = |text: String| limits.push(Untrusted::line(&text));
    if known.lists.values().any(|list| list.cut != Cut::No) {
        say(format!(
            "{full}: not all pages were read: older deployments are missing"
        ));
    }
    for odd in known.lists.values().flat_map(|list| &list.odd) {
        say(format!("{full}: a deployment was left out: {odd}"));
    }
    let unread = known.deployments.values();
    let unread = unread.filter(|k| k.verdict.is_none()).count();
    match &known.no_statuses {
        Some(why) => say(format!(
            "{full}: not all statuses could be read, {unread} deployments have none: {why}"
        )),
        None if unread > 0 => say(format!(
            "{full}: the statuses of {unread} deployments are read at the next polls"
        )),
        None => {}
    }
    limits
}

fn change(scope: &Scope, repository: &Project<Repository>, known: &Known) -> Change {
    let deployment = &known.deployment;
    let full = &*repository.full;
    let told = deployment.environment.as_deref();
    let labels = [
        ("repo", Some(full)),
        ("name", Some(repository.name())),
        ("environment", told),
        ("ref", deployment.reference.as_deref()),
    ];
    let verdict = known.verdict.clone().unwrap_or_default();
    Change {
        id: Untrusted::line(&format!("github:{full}#{}", deployment.id)),
        source: scope.name.clone(),
        also: Vec::new(),
        subject: Subject {
            target: Untrusted::line(&format!("github/{full}")),
            service: rest::line(scope.place.service.as_deref()),
            env: rest::environment(told, &scope.environments, &scope.place),
            labels: rest::labels(&scope.name, &scope.place, &labels),
        },
        kind: kind(deployment.task.as_deref().unwrap_or_default()),
        versions: Versions {
            from: None,
            to: deployment.version(),
            from_is_derived: false,
        },
        who: deployment.actor(),
        started_at: deployment.created_at,
        finished_at: verdict.finished_at,
        outcome: verdict.outcome,
        told: Told {
            link: verdict.link,
            reason: verdict
                .reason
                .or_else(|| rest::line(deployment.description.as_deref())),
            progress: verdict.progress,
            notes: verdict.notes,
        },
    }
}

/// By the task: `deploy`, `deploy:migrations`, `deploy:rollback` and whatever a pipeline writes.
fn kind(task: &str) -> ChangeKind {
    let task = task.to_ascii_lowercase();
    if task.contains("rollback") {
        ChangeKind::Rollback
    } else if task.contains("migrat") {
        ChangeKind::Migration
    } else {
        ChangeKind::Version
    }
}
