//! What do GitHub's deployments and their statuses look like?
//!
//! The fields that are used of `GET /repos/{owner}/{repo}/deployments` and of
//! `/deployments/{id}/statuses`, and what the statuses of one deployment mean together.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::domain::change::{Actor, ActorKind, Outcome};
use crate::domain::text::Untrusted;
use crate::sources::rest;

#[derive(Debug, Deserialize)]
pub(super) struct Deployment {
    pub(super) id: u64,
    pub(super) sha: Option<String>,
    #[serde(rename = "ref")]
    pub(super) reference: Option<String>,
    pub(super) task: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) description: Option<String>,
    /// Null for an account that is gone.
    creator: Option<User>,
    pub(super) created_at: DateTime<Utc>,
}

#[derive(Debug, Deserialize)]
struct User {
    login: Option<String>,
    /// `User`, `Bot`, `Organization`, `Mannequin`.
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Status {
    id: u64,
    state: String,
    created_at: DateTime<Utc>,
    description: Option<String>,
    log_url: Option<String>,
    /// The older name of `log_url`.
    target_url: Option<String>,
    environment_url: Option<String>,
}

impl Deployment {
    /// The commit, else what was asked for.
    pub(super) fn version(&self) -> Option<Untrusted> {
        let sha = self.sha.as_deref().filter(|sha| !sha.is_empty());
        let revision = sha.or(self.reference.as_deref())?;
        rest::line(Some(&rest::short_revision(revision)))
    }

    pub(super) fn actor(&self) -> Option<Actor> {
        let user = self.creator.as_ref()?;
        let login = user.login.as_deref()?;
        let is_bot = user.kind.as_deref() == Some("Bot") || login.ends_with("[bot]");
        let kind = if is_bot {
            ActorKind::Automation
        } else {
            ActorKind::Person
        };
        rest::actor(Some(login), kind)
    }
}

/// What the statuses of a deployment mean together.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    pub(super) finished_at: Option<DateTime<Utc>>,
    pub(super) progress: Option<Untrusted>,
    pub(super) reason: Option<Untrusted>,
    pub(super) link: Option<Untrusted>,
    pub(super) notes: Vec<Untrusted>,
    /// Nothing that is still to come changes it.
    pub(super) is_final: bool,
}

impl Default for Verdict {
    fn default() -> Self {
        Self {
            outcome: Outcome::Unknown,
            finished_at: None,
            progress: None,
            reason: None,
            link: None,
            notes: Vec::new(),
            is_final: false,
        }
    }
}

impl Verdict {
    /// `inactive` only says that a newer deployment took its place: how it ended stands before that.
    pub(super) fn of(mut statuses: Vec<Status>, odd: &[String]) -> Self {
        statuses.sort_by_key(|s| std::cmp::Reverse((s.created_at, s.id)));
        let notes = odd.iter();
        let notes = notes.map(|odd| Untrusted::line(&format!("a status was left out: {odd}")));
        let mut verdict = Self {
            notes: notes.collect(),
            ..Self::default()
        };
        let Some(last) = statuses.first() else {
            return verdict;
        };
        let is_replaced = last.state == "inactive";
        let Some(telling) = statuses.iter().find(|s| s.state != "inactive") else {
            let note = "a newer deployment took its place; how it ended is not told";
            verdict.notes.push(Untrusted::line(note));
            verdict.is_final = true;
            return verdict;
        };
        verdict.reason = rest::line(telling.description.as_deref());
        verdict.link = rest::web_link(&[
            telling.log_url.as_deref(),
            telling.target_url.as_deref(),
            telling.environment_url.as_deref(),
        ]);
        match &*telling.state {
            "success" => verdict.end(Outcome::Ok, telling.created_at),
            "failure" | "error" => verdict.end(Outcome::Failed, telling.created_at),
            _ if is_replaced => {
                let note = "a newer deployment took its place before it ended";
                verdict.notes.push(Untrusted::line(note));
                verdict.is_final = true;
            }
            "in_progress" | "queued" | "pending" | "waiting" => {
                verdict.outcome = Outcome::Running;
                verdict.progress = Some(Untrusted::line(&telling.state.replace('_', " ")));
            }
            unknown => {
                let note = format!("its state `{unknown}` is not known to quell");
                verdict.notes.push(Untrusted::line(&note));
            }
        }
        verdict
    }

    fn end(&mut self, outcome: Outcome, at: DateTime<Utc>) {
        self.outcome = outcome;
        self.finished_at = Some(at);
        self.is_final = true;
    }
}
