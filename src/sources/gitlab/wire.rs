//! What do GitLab's deployments look like?
//!
//! The fields that are used of `GET /projects/:id/deployments`.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use url::Url;

use crate::domain::change::{Actor, ActorKind};
use crate::domain::text::Untrusted;
use crate::sources::rest;

#[derive(Debug, Deserialize)]
pub(super) struct Deployment {
    /// Unique in all of GitLab; `iid` is the one within the project.
    pub(super) id: u64,
    pub(super) status: String,
    sha: Option<String>,
    #[serde(rename = "ref")]
    pub(super) reference: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: Option<DateTime<Utc>>,
    user: Option<User>,
    environment: Option<Environment>,
    /// The job. Null for what was made through the API, by a pipeline elsewhere.
    deployable: Option<Job>,
}

#[derive(Debug, Deserialize)]
struct User {
    username: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Environment {
    name: Option<String>,
    external_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Job {
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    web_url: Option<String>,
    pipeline: Option<Pipeline>,
}

#[derive(Debug, Deserialize)]
struct Pipeline {
    web_url: Option<String>,
}

/// How far a deployment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It waits to be started or approved, or was skipped: nothing was changed.
    NotBegun,
    Running,
    Succeeded,
    Failed,
    Canceled,
    Unknown,
}

impl Deployment {
    pub(super) fn stage(&self) -> Stage {
        match &*self.status {
            "created" | "blocked" | "skipped" => Stage::NotBegun,
            "running" => Stage::Running,
            "success" => Stage::Succeeded,
            "failed" => Stage::Failed,
            // Canceled before its job began, it changed nothing.
            "canceled" if self.job_never_began() => Stage::NotBegun,
            "canceled" => Stage::Canceled,
            _ => Stage::Unknown,
        }
    }

    fn job_never_began(&self) -> bool {
        let job = self.deployable.as_ref();
        job.is_some_and(|job| job.started_at.is_none() && job.finished_at.is_none())
    }

    /// When its job began; a manual one may have waited for long.
    pub(super) fn started_at(&self) -> DateTime<Utc> {
        let job = self.deployable.as_ref();
        job.and_then(|job| job.started_at)
            .unwrap_or(self.created_at)
    }

    /// When its job ended; without one, when it was said to have ended.
    pub(super) fn finished_at(&self) -> Option<DateTime<Utc>> {
        if !matches!(
            self.stage(),
            Stage::Succeeded | Stage::Failed | Stage::Canceled
        ) {
            return None;
        }
        let job = self.deployable.as_ref();
        job.map_or(self.updated_at, |job| job.finished_at.or(self.updated_at))
    }

    pub(super) fn updated_at(&self) -> DateTime<Utc> {
        self.updated_at.unwrap_or(self.created_at)
    }

    pub(super) fn last_at(&self) -> DateTime<Utc> {
        self.finished_at().unwrap_or_else(|| self.updated_at())
    }

    pub(super) fn environment(&self) -> Option<&str> {
        self.environment.as_ref()?.name.as_deref()
    }

    /// The commit, else what was asked for.
    pub(super) fn version(&self) -> Option<Untrusted> {
        let sha = self.sha.as_deref().filter(|sha| !sha.is_empty());
        let revision = sha.or(self.reference.as_deref())?;
        rest::line(Some(&rest::short_revision(revision)))
    }

    pub(super) fn actor(&self) -> Option<Actor> {
        let name = self.user.as_ref()?.username.as_deref()?;
        let kind = if is_bot(name) {
            ActorKind::Automation
        } else {
            ActorKind::Person
        };
        rest::actor(Some(name), kind)
    }

    /// `shop/checkout` of `https://gitlab.test/shop/checkout/-/jobs/657`.
    pub(super) fn project_path(&self) -> Option<String> {
        let job = self.deployable.as_ref()?;
        let pipeline = job.pipeline.as_ref();
        let pipeline = pipeline.and_then(|pipeline| pipeline.web_url.as_deref());
        let url = Url::parse(job.web_url.as_deref().or(pipeline)?).ok()?;
        let (path, _) = url.path().split_once("/-/")?;
        Some(path.trim_matches('/').to_owned())
    }

    pub(super) fn link(&self) -> Option<Untrusted> {
        let job = self.deployable.as_ref();
        let pipeline = job.and_then(|job| job.pipeline.as_ref());
        let environment = self.environment.as_ref();
        rest::web_link(&[
            job.and_then(|job| job.web_url.as_deref()),
            pipeline.and_then(|pipeline| pipeline.web_url.as_deref()),
            environment.and_then(|environment| environment.external_url.as_deref()),
        ])
    }
}

/// The users of access tokens: `project_6_bot`, `group_7_bot_1f3a`. And what calls itself one.
fn is_bot(name: &str) -> bool {
    let of_token = ["project_", "group_"].iter().any(|prefix| {
        let rest = name
            .strip_prefix(prefix)
            .and_then(|rest| rest.split_once("_bot"));
        rest.is_some_and(|(number, _)| number.bytes().all(|b| b.is_ascii_digit()))
    });
    let service_account = name.starts_with("service_account_");
    of_token || service_account || name.ends_with("-bot") || name.ends_with("[bot]")
}
