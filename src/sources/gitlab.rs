//! Which deployments does GitLab know of?
//!
//! Called by [`super::delivery`]. One poll asks each project for what was updated since the last one,
//! newest first: without an order GitLab begins with the oldest. It never writes, and it follows no
//! address that an answer gives.

#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use self::wire::{Deployment, Stage};
use super::http::{HttpClient, HttpError};
use super::rest::{Budget, Host, Kept, LOOK_BACK, MAX_PAGES, Project, failure_of_all, sorted_out};
use super::wire::decode;
use crate::config::delivery::{CodeHostSettings, DeclaredPlace};
use crate::domain::change::{Change, ChangeKind, Outcome, Subject, Told, Versions};
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::source::{ErrorKind, SourceError, SourceName};
use crate::domain::text::Untrusted;
use crate::sources::rest;

/// Two updates of one moment may become visible one after the other.
const OVERLAP: TimeDelta = TimeDelta::seconds(60);

/// The client of one.
pub struct Gitlab {
    http: HttpClient,
    scope: Scope,
    projects: Vec<Project<Deployments>>,
    budget: Budget,
    kept: Kept,
}

/// What is asked for, and where it is.
struct Scope {
    name: SourceName,
    environments: Vec<String>,
    place: DeclaredPlace,
    /// `/api/v4`, unless the configured URL ends with it.
    prefix: &'static str,
}

/// What is known of a project.
#[derive(Default)]
struct Deployments {
    by_id: BTreeMap<u64, Deployment>,
    /// The last update that was told, by environment.
    since: BTreeMap<Option<String>, DateTime<Utc>>,
    odd: BTreeMap<Option<String>, Vec<String>>,
    /// When there were more pages than are read.
    cut_at: Option<DateTime<Utc>>,
}

impl Gitlab {
    /// One that has not asked yet.
    ///
    /// # Errors
    /// A certificate file or a header of the settings does not hold.
    pub fn new(
        name: &SourceName,
        settings: &CodeHostSettings,
        place: &DeclaredPlace,
    ) -> Result<Self, SourceError> {
        let path = settings.endpoint.url.path().trim_end_matches('/');
        Ok(Self {
            http: HttpClient::new(&settings.endpoint)?,
            scope: Scope {
                name: name.clone(),
                environments: settings.environments.clone(),
                place: place.clone(),
                prefix: if path.ends_with("/api/v4") {
                    ""
                } else {
                    "/api/v4"
                },
            },
            projects: settings.projects.iter().map(|p| Project::new(p)).collect(),
            budget: Budget::default(),
            kept: Kept::default(),
        })
    }

    /// What it tells at `now`; the same `Arc` as before where nothing has changed.
    ///
    /// # Errors
    /// Why no project could be read. One that could not be is in the answer.
    pub async fn poll(&mut self, now: DateTime<Utc>) -> Result<Arc<DeliveryAnswer>, SourceError> {
        let mut host = Host::default();
        for project in &mut self.projects {
            if self.budget.paused_until(now).is_some() {
                break;
            }
            let result = match host.stopped() {
                Some(why) => Err(why.clone()),
                None => read(&self.http, &self.scope, &mut self.budget, project, now).await,
            };
            host.note(&result);
            project.settle(result);
        }
        self.answer(now)
    }

    fn answer(&mut self, now: DateTime<Utc>) -> Result<Arc<DeliveryAnswer>, SourceError> {
        if !self.projects.iter().any(Project::is_read) {
            let failed = failure_of_all(&self.projects).or_else(|| self.budget.error(now));
            let none = "no project is configured: set `projects`";
            return Err(failed.unwrap_or_else(|| SourceError::new(ErrorKind::Local, none)));
        }
        let mut answer = DeliveryAnswer::default();
        let paused = self.budget.limit(now);
        answer.limits.extend(paused.clone());
        for project in &mut self.projects {
            let young = |d: &Deployment| now - d.last_at() <= LOOK_BACK;
            project.known.by_id.retain(|_, d| young(d));
            let cut_at = project.known.cut_at;
            project.known.cut_at = cut_at.filter(|at| now - *at <= LOOK_BACK);
            let begun = project.known.by_id.values().rev();
            let begun = begun.filter(|d| d.stage() != Stage::NotBegun);
            let changes: Vec<_> = begun.map(|d| change(&self.scope, project, d)).collect();
            answer
                .parts
                .push(project.part(changes.len(), paused.as_ref()));
            answer.changes.extend(changes);
            answer.limits.extend(project.advice("GitLab"));
            answer.limits.extend(limits(&project.full, &project.known));
        }
        Ok(self.kept.keep(answer))
    }
}

async fn read(
    http: &HttpClient,
    scope: &Scope,
    budget: &mut Budget,
    project: &mut Project<Deployments>,
    now: DateTime<Utc>,
) -> Result<(), HttpError> {
    let path = format!(
        "{}/projects/{}/deployments",
        scope.prefix,
        id(&project.full)
    );
    let mut environments: Vec<_> = scope.environments.iter().cloned().map(Some).collect();
    if environments.is_empty() {
        environments.push(None);
    }
    for environment in environments {
        let known = &mut project.known;
        let since = known.since.get(&environment).map(|at| *at - OVERLAP);
        let since = since.unwrap_or(now - LOOK_BACK);
        let (found, odd) =
            read_list(http, budget, &path, environment.as_deref(), since, now).await?;
        let newest = found.newest.max(known.since.get(&environment).copied());
        known
            .by_id
            .extend(found.deployments.into_iter().map(|d| (d.id, d)));
        known.cut_at = found.is_cut.then_some(now).or(known.cut_at);
        // What is odd in an overlap is told again; what was odd before it is not.
        let odd_before = known.odd.entry(environment.clone()).or_default();
        let is_new = |line: &String| !odd_before.contains(line);
        let odd: Vec<String> = odd.into_iter().filter(is_new).collect();
        odd_before.extend(odd);
        if let Some(newest) = newest {
            // A server's wrong clock must not make us wait for the future.
            known.since.insert(environment, newest.min(now));
        }
    }
    Ok(())
}

struct Found {
    deployments: Vec<Deployment>,
    newest: Option<DateTime<Utc>>,
    is_cut: bool,
}

/// All pages. When one fails, nothing counts as read: the next poll asks for the same again.
async fn read_list(
    http: &HttpClient,
    budget: &mut Budget,
    path: &str,
    environment: Option<&str>,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(Found, Vec<String>), HttpError> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut params = vec![
        // Required with `updated_after`, and the only order in which a cut leaves the newest.
        pair("order_by", "updated_at"),
        pair("sort", "desc"),
        pair(
            "updated_after",
            &since.to_rfc3339_opts(SecondsFormat::Millis, true),
        ),
        pair("per_page", "100"),
    ];
    params.extend(environment.map(|e| pair("environment", e)));
    let mut found = Found {
        deployments: Vec::new(),
        newest: None,
        is_cut: false,
    };
    let mut all_odd = Vec::new();
    for page in 0..=MAX_PAGES {
        if page == MAX_PAGES {
            found.is_cut = true;
            break;
        }
        let borrowed: Vec<_> = params.iter().map(|(n, v)| (&**n, &**v)).collect();
        let body = http.get(path, &borrowed).await?;
        let head = body.head();
        budget.note(head.rate.as_ref(), now);
        let text = body.whole().await?;
        let list: Option<Vec<_>> = decode(text.as_bytes(), 0)?;
        let (read, odd) = sorted_out::<Deployment>(list.unwrap_or_default());
        all_odd.extend(odd);
        found.newest = found
            .newest
            .max(read.iter().map(Deployment::updated_at).max());
        found.deployments.extend(read);
        match head.next_page {
            Some(next) => params = next,
            None => break,
        }
    }
    Ok((found, all_odd))
}

/// `shop/checkout` as one segment of a path; a number as it is.
fn id(full: &str) -> String {
    let mut id = String::with_capacity(full.len() + 8);
    for byte in full.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                id.push(char::from(byte));
            }
            _ => {
                let escape = format!("%{byte:02X}");
                id.push_str(&escape);
            }
        }
    }
    id
}

fn limits(full: &str, known: &Deployments) -> Vec<Untrusted> {
    let mut limits = Vec::new();
    let mut say = |text: String| limits.push(Untrusted::line(&text));
    if known.cut_at.is_some() {
        say(format!(
            "{full}: not all pages were read: older deployments are missing"
        ));
    }
    for odd in known.odd.values().flatten() {
        say(format!("{full}: a deployment was left out: {odd}"));
    }
    let waiting = known.by_id.values();
    let waiting = waiting.filter(|d| d.stage() == Stage::NotBegun).count();
    if waiting > 0 {
        say(format!(
            "{full}: {waiting} deployments are not shown: they wait to be started or approved, or were skipped, and changed nothing"
        ));
    }
    limits
}

fn change(scope: &Scope, project: &Project<Deployments>, deployment: &Deployment) -> Change {
    let full = &*project.full;
    let told = deployment.environment();
    // A number is no name: then the address of the job has it.
    let is_number = full.bytes().all(|b| b.is_ascii_digit());
    let path = if is_number {
        deployment.project_path()
    } else {
        Some(full.to_owned())
    };
    let name = path.as_deref().and_then(|path| path.rsplit('/').next());
    let labels = [
        ("repo", path.as_deref()),
        ("name", name),
        ("environment", told),
        ("ref", deployment.reference.as_deref()),
    ];
    let stage = deployment.stage();
    let outcome = match stage {
        Stage::Running | Stage::NotBegun => Outcome::Running,
        Stage::Succeeded => Outcome::Ok,
        Stage::Failed | Stage::Canceled => Outcome::Failed,
        Stage::Unknown => Outcome::Unknown,
    };
    let notes = match stage {
        Stage::Unknown => Some(format!(
            "its status `{}` is not known to quell",
            deployment.status
        )),
        _ => None,
    };
    Change {
        id: Untrusted::line(&format!("gitlab:{full}#{}", deployment.id)),
        source: scope.name.clone(),
        also: Vec::new(),
        subject: Subject {
            target: Untrusted::line(&format!("gitlab/{full}")),
            service: rest::line(scope.place.service.as_deref()),
            env: rest::environment(told, &scope.environments, &scope.place),
            labels: rest::labels(&scope.name, &scope.place, &labels),
        },
        kind: ChangeKind::Version,
        versions: Versions {
            from: None,
            to: deployment.version(),
            from_is_derived: false,
        },
        who: deployment.actor(),
        started_at: deployment.started_at(),
        finished_at: deployment.finished_at(),
        outcome,
        told: Told {
            link: deployment.link(),
            reason: (stage == Stage::Canceled).then(|| Untrusted::line("canceled")),
            progress: None,
            notes: notes.iter().map(|note| Untrusted::line(note)).collect(),
        },
    }
}
