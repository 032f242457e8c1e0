//! Which silence is made, extended or ended, on which Alertmanager, and what does it hide?
//!
//! Silences gossip between the replicas of a cluster: one replica of each is written to, and another one is
//! looked at to see that it worked. Alertmanager gives a silence no name that a client could choose, so that
//! a mark in its comment says which action made it: that is how it is found after a lost answer, and how the
//! reverse of a creation finds what to end. Called by [`super::families`] and [`super::http_servers`].

mod create;
mod hidden;
#[cfg(test)]
mod real_tests;
mod renew;
mod replicas;
mod sending;
mod silence;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use self::replicas::Clusters;
pub(super) use self::sending::send;
use self::silence::Silence;
use super::NoPlan;
use super::http_servers::HttpServers;
use crate::config::settings::Settings;
use crate::domain::action::ActionRequest;
use crate::domain::check::{Condition, Evidence, Operand, Read, ReadCheck};
use crate::domain::plan::{ActionId, HttpWrite, Plan, Seed, Target, Verb, WhenBusy, Write};
use crate::domain::plan::{Holds, Precondition, Step};
use crate::domain::source::SourceName;
use crate::domain::text::Untrusted;

const SILENCES: &str = "/api/v2/silences";
/// A silence is active everywhere after one round of gossip; a clock that lags holds it up for longer.
const WITHIN: Duration = Duration::from_mins(1);

/// What every plan of this family is made from.
#[derive(Clone, Copy)]
struct Job<'a> {
    settings: &'a Settings,
    servers: &'a HttpServers,
    request: &'a ActionRequest,
    seed: &'a Seed,
    targets: &'a [Target],
    clusters: &'a Clusters,
    now: DateTime<Utc>,
}

/// Whether an action is one of this family.
pub(super) fn plans(action: &str) -> bool {
    action.starts_with("silence.")
}

/// The replica of each cluster that is written to.
///
/// # Errors
/// No replica of a cluster answers, or no cluster has the silence.
pub(super) async fn resolve(
    settings: &Settings,
    servers: &HttpServers,
    request: &ActionRequest,
) -> Result<Vec<Target>, NoPlan> {
    let clusters = Clusters::look(settings, servers).await?;
    match request.action.as_str() {
        "silence.create" => create::resolve(settings, &clusters, request),
        "silence.extend" | "silence.expire" => {
            renew::resolve(settings, servers, &clusters, request).await
        }
        other => Err(NoPlan::new(format!("nothing here plans `{other}`"))),
    }
}

/// Makes the plan for pinned targets.
///
/// # Errors
/// A server does not say what the plan needs.
pub(super) async fn plan(
    settings: &Settings,
    servers: &HttpServers,
    request: &ActionRequest,
    seed: &Seed,
    targets: &[Target],
    now: DateTime<Utc>,
) -> Result<Plan, NoPlan> {
    let clusters = Clusters::look(settings, servers).await?;
    let job = Job {
        settings,
        servers,
        request,
        seed,
        targets,
        clusters: &clusters,
        now,
    };
    match request.action.as_str() {
        "silence.create" => create::plan(job).await,
        "silence.extend" => renew::extend(job).await,
        "silence.expire" => renew::expire(job).await,
        other => Err(NoPlan::new(format!("nothing here plans `{other}`"))),
    }
}

/// The mark of an action in a comment.
fn mark(id: &ActionId) -> String {
    format!("quell.dev/action-id {id}")
}

/// The comment with the mark of an action. Nobody gets the mark of another action in by their words.
fn marked(comment: &str, id: &ActionId) -> String {
    format!("{comment} [{}]", mark(id))
}

/// Words of a person, without what looks like a mark.
fn unmarked(words: &str) -> String {
    words.replace("quell.dev/action-id", "quell action")
}

/// A place within the list of silences: `field` of the one that carries the mark.
fn of_marked(id: &ActionId, field: &str) -> String {
    let mark = mark(id).replace('~', "~0").replace('/', "~1");
    format!("/[comment*={mark}]{field}")
}

fn list_of(server: &SourceName) -> Read {
    Read {
        server: server.clone(),
        path: SILENCES.to_owned(),
    }
}

fn post(server: &SourceName, body: &Value) -> Write {
    Write::Http(HttpWrite {
        server: server.clone(),
        verb: Verb::Post,
        path: SILENCES.to_owned(),
        content_type: Some("application/json".to_owned()),
        headers: Vec::new(),
        body: body.to_string(),
    })
}

fn delete(server: &SourceName, id: &str) -> Write {
    Write::Http(HttpWrite {
        server: server.clone(),
        verb: Verb::Delete,
        path: format!("/api/v2/silence/{id}"),
        content_type: None,
        headers: Vec::new(),
        body: String::new(),
    })
}

fn is(place: String, value: &str) -> Condition {
    Condition::Equal(Operand::At(place, Value::Null), Operand::Is(json!(value)))
}

/// The step that posts a silence with the mark of the action. `sees` is who is asked whether it is active.
fn posting(job: Job<'_>, target: usize, what: &str, sees: &SourceName, body: &Value) -> Step {
    let server = &job.targets[target].server;
    let id = &job.seed.id;
    let state = of_marked(id, "/status/state");
    Step {
        what: Untrusted::line(what),
        target,
        write: post(server, body),
        check: Some(ReadCheck {
            read: list_of(sees),
            done: vec![is(state.clone(), "active")],
            failed: vec![is(state.clone(), "expired")],
            shown: vec![(Untrusted::line("the silence is"), state)],
            within: WITHIN,
        }),
        evidence: Evidence::Read {
            read: list_of(server),
            applied: vec![Condition::Present(of_marked(id, "/id"))],
            untouched: vec![Condition::Absent(of_marked(id, "/id"))],
        },
        when_busy: WhenBusy::AskAgain,
    }
}

/// The step that ends a silence. `id` is its id, or the mark that it carries.
fn ending(job: Job<'_>, target: usize, what: &str, ends: Ends<'_>) -> Step {
    let server = &job.targets[target].server;
    let expired = |state: &str| is(state.to_owned(), "expired");
    let (path, read, state, done) = match ends {
        Ends::Id(id) => {
            let read = Read {
                server: server.clone(),
                path: format!("/api/v2/silence/{id}"),
            };
            let state = "/status/state".to_owned();
            // One that is forgotten silences nothing either.
            let gone = Box::new(Condition::NotFound);
            let done = Condition::Either(Box::new(expired(&state)), gone);
            (id.to_owned(), read, state, done)
        }
        Ends::Marked(id) => {
            let state = of_marked(id, "/status/state");
            let done = expired(&state);
            (sending::placeholder(id), list_of(server), state, done)
        }
    };
    Step {
        what: Untrusted::line(what),
        target,
        write: delete(server, &path),
        check: Some(ReadCheck {
            read: read.clone(),
            done: vec![done.clone()],
            failed: Vec::new(),
            shown: vec![(Untrusted::line("the silence is"), state.clone())],
            within: WITHIN,
        }),
        evidence: Evidence::Read {
            read,
            applied: vec![done],
            untouched: vec![Condition::Either(
                Box::new(is(state.clone(), "active")),
                Box::new(is(state, "pending")),
            )],
        },
        when_busy: WhenBusy::AskAgain,
    }
}

/// Which silence is ended.
#[derive(Clone, Copy)]
enum Ends<'a> {
    /// The one of this id.
    Id(&'a str),
    /// The one that this action made.
    Marked(&'a ActionId),
}

fn precondition(what: &str, state: Holds, detail: impl AsRef<str>) -> Precondition {
    Precondition {
        what: Untrusted::line(what),
        state,
        detail: Untrusted::line(detail.as_ref()),
    }
}

/// A time as Alertmanager writes it.
fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

fn later(at: DateTime<Utc>, by: Duration) -> Result<DateTime<Utc>, NoPlan> {
    let by = chrono::TimeDelta::from_std(by).ok();
    by.and_then(|by| at.checked_add_signed(by))
        .ok_or_else(|| NoPlan::new("`duration`: nothing lasts that long"))
}

async fn silences(servers: &HttpServers, server: &str) -> Result<Vec<Silence>, NoPlan> {
    let heard = servers.ask(server, SILENCES).await?;
    let Value::Array(list) = heard.value else {
        return Err(NoPlan::new(format!("{server}: its silences are no list")));
    };
    Ok(list.iter().filter_map(Silence::read).collect())
}
