//! What does an operation of a control plane over HTTP come to, and what became of it?
//!
//! Operations are described by the config or by an `OpenAPI` document. Only the endpoint's own host is ever
//! asked, no redirect is followed, and no parameter leaves its place in a path. What is not described, such
//! as a dry run or what takes it back, is not there, and the plan says so. Called by [`super::families`] and
//! [`super::http_servers`].

mod expand;
mod openapi;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::Value;

use self::expand::{Rest, Values};
use super::NoPlan;
use super::http_servers::{HttpServers, applied, in_doubt};
use crate::config::actions::{ActionSettings, ControlPlane, HttpOperation};
use crate::config::settings::Settings;
use crate::domain::action::{ActionRequest, ActionSpec, Risk, Upstream};
use crate::domain::check::{Condition, Evidence, Operand, Read, ReadCheck};
use crate::domain::plan::{
    Blast, Difference, DryRun, DryVerdict, Grade, Holds, HttpWrite, Plan, Precondition, Reverse,
    Seed, Step, Target, Verb, WhenBusy, Write,
};
use crate::domain::record::StepOutcome;
use crate::domain::text::{Untrusted, shown};

/// Whether an action is one of this family.
pub(super) fn plans(action: &str) -> bool {
    action.starts_with("http.")
}

/// Every operation, for the catalogue, and what is wrong with those that cannot be used.
pub(super) fn specs(settings: &ActionSettings) -> (Vec<ActionSpec>, Vec<String>) {
    let (mut specs, mut problems) = (Vec::new(), Vec::new());
    for plane in &settings.control_planes {
        let (operations, wrong) = operations(plane);
        problems.extend(
            wrong
                .into_iter()
                .map(|why| format!("control plane {}: {why}", plane.name)),
        );
        specs.extend(operations.into_iter().map(|operation| ActionSpec {
            name: Cow::Owned(format!("http.{}.{}", plane.name, operation.name)),
            help: Cow::Owned(operation.help),
            upstream: Upstream::Http,
            risk: operation.risk,
            direction: operation.direction,
            parameters: operation.parameters,
        }));
    }
    (specs, problems)
}

fn operations(plane: &ControlPlane) -> (Vec<HttpOperation>, Vec<String>) {
    let mut all = plane.operations.clone();
    let mut problems = Vec::new();
    if let Some(file) = &plane.openapi {
        let (more, wrong) = openapi::read(file, &plane.allow);
        problems.extend(wrong);
        for operation in more {
            if all.iter().any(|one| one.name == operation.name) {
                problems.push(format!("`{}` is described twice", operation.name));
            } else {
                all.push(operation);
            }
        }
    }
    (all, problems)
}

struct Meant<'a> {
    plane: &'a ControlPlane,
    all: Vec<HttpOperation>,
    at: usize,
    values: Values,
}

impl<'a> Meant<'a> {
    fn by(request: &ActionRequest, settings: &'a Settings) -> Result<Self, NoPlan> {
        let rest = request.action.strip_prefix("http.").unwrap_or_default();
        let planes = settings.actions.control_planes.iter();
        let mut split = planes.filter_map(|plane| {
            let name = rest.strip_prefix(&*plane.name)?.strip_prefix('.')?;
            Some((plane, name))
        });
        let unknown = |why: &str| NoPlan::new(format!("no operation `{rest}`: {why}"));
        let (plane, name) = split
            .next()
            .ok_or_else(|| unknown("no such control plane"))?;
        let (all, problems) = operations(plane);
        let Some(at) = all.iter().position(|one| one.name == name) else {
            let why = problems
                .first()
                .map_or("it is not described", String::as_str);
            return Err(unknown(why));
        };
        let given = request.parameters.iter();
        let given = given.filter(|(name, _)| expand::meant(&all[at], name).is_some());
        let values: Values = given.map(|(n, v)| (n.clone(), v.clone())).collect();
        Ok(Self {
            plane,
            all,
            at,
            values,
        })
    }

    fn operation(&self) -> &HttpOperation {
        &self.all[self.at]
    }
}

/// What an operation is about, as its path names it.
///
/// # Errors
/// There is no such operation, or a parameter leads elsewhere.
pub(super) fn resolve(settings: &Settings, request: &ActionRequest) -> Result<Vec<Target>, NoPlan> {
    let meant = Meant::by(request, settings)?;
    let operation = meant.operation();
    let path = expand::path(&operation.path, &meant.values).map_err(NoPlan::new)?;
    let line = |name: &str| meant.values.get(name).map(|value| Untrusted::line(value));
    let last = expand::names(&operation.path).last().and_then(|n| line(n));
    Ok(vec![Target {
        env: settings
            .environment
            .as_ref()
            .map(|env| Untrusted::line(&env.name)),
        server: meant.plane.name.clone(),
        server_identity: meant.plane.endpoint.url.as_str().to_owned(),
        name: Untrusted::line(&format!("{} {path}", meant.plane.name)),
        word: last.unwrap_or_else(|| Untrusted::line(&operation.name)),
        namespace: line("namespace"),
        service: line("service"),
        uid: None,
    }])
}

/// What was found before the plan.
#[derive(Default)]
struct Before {
    /// What the read said; null where nothing is read or nothing is there.
    value: Value,
    etag: Option<String>,
    ahead_secs: Option<i64>,
}

/// Makes the plan for a pinned target.
///
/// # Errors
/// A parameter leads elsewhere, or what it changes cannot be read.
pub(super) async fn plan(
    settings: &Settings,
    servers: &HttpServers,
    request: &ActionRequest,
    seed: &Seed,
    targets: &[Target],
    now: DateTime<Utc>,
) -> Result<Plan, NoPlan> {
    let meant = Meant::by(request, settings)?;
    let operation = meant.operation();
    let before = before(&meant, servers, now).await?;
    let mut write = write(meant.plane, operation, &meant.values, seed.id.as_str())?;
    let mut preconditions = Vec::new();
    if let Some(header) = &operation.precondition_header {
        preconditions.push(versioned(header, before.etag.as_deref(), &mut write));
    }
    let dry_run = dry_run(operation, servers, &write, seed).await;
    let expected = expected(operation, &meant.values).map_err(NoPlan::new)?;
    let (check, evidence) = watched(&meant, operation, &meant.values, &before.value)?;
    let what = format!("{} {}", write.verb.word(), write.path);
    let differences = expected.iter().map(|(place, after)| {
        let masked = |text: &str| masked(place, text);
        Difference {
            path: Untrusted::line(place),
            before: crate::domain::check::at(&before.value, place).map(|v| masked(&plain(v))),
            after: Some(masked(after)),
        }
    });
    let reverse = reverse(&meant, &before, seed);
    let has_none = matches!(reverse, Reverse::None(_));
    // Its risk was declared with a way back, which there is none of today.
    let risk = if has_none && operation.reverse.is_some() {
        Risk::R3
    } else {
        operation.risk
    };
    Ok(Plan {
        seed: seed.clone(),
        request: request.clone(),
        title: Untrusted::line(&format!("{}: {}", request.action, operation.help)),
        targets: targets.to_vec(),
        reverse,
        risk,
        direction: operation.direction,
        differences: differences.collect(),
        blast: Blast {
            words: vec![Untrusted::line(&format!("{what} on {}", meant.plane.name))],
            ..Blast::default()
        },
        steps: vec![Step {
            what: Untrusted::line(&what),
            target: 0,
            write: Write::Http(write),
            check,
            evidence,
            when_busy: WhenBusy::AskAgain,
        }],
        dry_run,
        preconditions,
        made_at: now,
        server_ahead_secs: before.ahead_secs,
    })
}

/// Sends a write once.
pub(super) async fn send(servers: &HttpServers, write: &HttpWrite) -> StepOutcome {
    match servers.deliver(write).await {
        Err(outcome) => outcome,
        Ok(answer) if answer.body.trim_ascii_start().first() == Some(&b'<') => {
            in_doubt("a web page answered in place of the control plane")
        }
        Ok(answer) if answer.status == http::StatusCode::ACCEPTED => {
            applied("202: it was accepted, and may not be done yet")
        }
        // What it says besides may be what nobody should keep, such as a new key.
        Ok(answer) => applied(answer.status),
    }
}

async fn before(
    meant: &Meant<'_>,
    servers: &HttpServers,
    now: DateTime<Utc>,
) -> Result<Before, NoPlan> {
    let Some(read) = &meant.operation().read else {
        return Ok(Before::default());
    };
    let path = expand::path(read, &meant.values).map_err(NoPlan::new)?;
    let heard = servers.ask(&meant.plane.name, &path).await?;
    Ok(Before {
        etag: heard.header("etag").map(str::to_owned),
        ahead_secs: heard.ahead_secs(now),
        value: heard.value,
    })
}

fn write(
    plane: &ControlPlane,
    operation: &HttpOperation,
    values: &Values,
    key: &str,
) -> Result<HttpWrite, NoPlan> {
    let mut path = expand::path(&operation.path, values).map_err(NoPlan::new)?;
    let (mut content_type, mut body) = (None, String::new());
    match expand::rest(operation, values).map_err(NoPlan::new)? {
        Rest::Nothing => {}
        Rest::Query(query) => path = with_query(&path, &query),
        Rest::Body(json) => {
            content_type = Some("application/json".to_owned());
            body = json;
        }
    }
    let verb = match operation.method.as_str() {
        "POST" => Verb::Post,
        "PUT" => Verb::Put,
        "PATCH" => Verb::Patch,
        "DELETE" => Verb::Delete,
        other => return Err(NoPlan::new(format!("`{}` changes nothing", shown(other)))),
    };
    let header = operation.idempotency_header.iter();
    Ok(HttpWrite {
        server: plane.name.clone(),
        verb,
        path,
        content_type,
        headers: header.map(|name| (name.clone(), key.to_owned())).collect(),
        body,
    })
}

fn with_query(path: &str, query: &str) -> String {
    let join = if path.contains('?') { '&' } else { '?' };
    format!("{path}{join}{query}")
}

/// Puts the version on that was read: a change in between is refused by the server.
fn versioned(header: &str, etag: Option<&str>, write: &mut HttpWrite) -> Precondition {
    let (state, detail) = match etag {
        Some(etag) => {
            write.headers.push((header.to_owned(), etag.to_owned()));
            (Holds::Yes, format!("{header}: {etag}"))
        }
        None => {
            let why = "what is read has no ETag, so that nobody would see a change in between";
            (Holds::No, why.to_owned())
        }
    };
    Precondition {
        what: Untrusted::line("a change in between is refused by the server"),
        state,
        detail: Untrusted::line(&detail),
    }
}

async fn dry_run(
    operation: &HttpOperation,
    servers: &HttpServers,
    write: &HttpWrite,
    seed: &Seed,
) -> DryRun {
    let Some(query) = &operation.dry_run else {
        let why = "the operation has no dry run: nobody has checked it";
        return DryRun {
            grade: Grade::D,
            verdict: DryVerdict::NotRun(Untrusted::line(why)),
            notes: Vec::new(),
        };
    };
    let mut trial = write.clone();
    trial.path = with_query(&trial.path, query);
    // A server that remembers keys must not take the real request for a repeated trial.
    for (name, value) in &mut trial.headers {
        if operation.idempotency_header.as_ref() == Some(name) {
            *value = format!("{}-dry-run", seed.id);
        }
    }
    let verdict = match servers.deliver(&trial).await {
        Ok(_) | Err(StepOutcome::Applied { .. }) => DryVerdict::Accepted,
        Err(StepOutcome::Refused { why, .. }) => DryVerdict::Refused(why),
        Err(StepOutcome::NotSent { why } | StepOutcome::InDoubt { why }) => DryVerdict::NotRun(why),
    };
    DryRun {
        grade: Grade::A,
        verdict,
        notes: vec![Untrusted::line(&format!(
            "by `{query}`, as it is described"
        ))],
    }
}

/// What the read says once it worked.
fn expected(operation: &HttpOperation, values: &Values) -> Result<Vec<(String, String)>, String> {
    let all = operation.verify.iter();
    all.map(|(place, value)| Ok((place.clone(), expand::text(value, values, &Value::Null)?)))
        .collect()
}

/// How one sees that it worked, and that it was done after all.
fn watched(
    meant: &Meant<'_>,
    operation: &HttpOperation,
    values: &Values,
    before: &Value,
) -> Result<(Option<ReadCheck>, Evidence), NoPlan> {
    let expected = expected(operation, values).map_err(NoPlan::new)?;
    let Some(read) = operation.read.as_ref().filter(|_| !expected.is_empty()) else {
        let why = "the operation does not say what to read of its effect";
        return Ok((None, Evidence::None(Untrusted::line(why))));
    };
    let read = Read {
        server: meant.plane.name.clone(),
        path: expand::path(read, values).map_err(NoPlan::new)?,
    };
    let done: Vec<_> = expected
        .iter()
        .map(|(place, value)| says(place, value))
        .collect();
    let seen = crate::domain::check::Seen::Value(before.clone());
    let changes = expected
        .iter()
        .zip(&done)
        .filter(|(_, done)| !done.holds(&seen));
    let untouched: Vec<_> = changes
        .map(
            |((place, _), _)| match crate::domain::check::at(before, place) {
                Some(value) => is(place, value.clone()),
                None => Condition::Absent(place.clone()),
            },
        )
        .collect();
    let evidence = if untouched.is_empty() {
        let why = "what is read looked the same before";
        Evidence::None(Untrusted::line(why))
    } else {
        Evidence::Read {
            read: read.clone(),
            applied: done.clone(),
            untouched,
        }
    };
    let shown = expected.into_iter();
    let shown = shown.map(|(place, _)| (Untrusted::line(&place), place));
    let check = ReadCheck {
        read,
        done,
        failed: Vec::new(),
        shown: shown.collect(),
        within: operation.within,
    };
    Ok((Some(check), evidence))
}

/// A value that the config writes as text, whatever it is in JSON.
fn says(place: &str, text: &str) -> Condition {
    let as_text = is(place, Value::String(text.to_owned()));
    match serde_json::from_str::<Value>(text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_))) => {
            Condition::Either(Box::new(is(place, value)), Box::new(as_text))
        }
        _ => as_text,
    }
}

fn is(place: &str, value: Value) -> Condition {
    Condition::Equal(
        Operand::At(place.to_owned(), Value::Null),
        Operand::Is(value),
    )
}

fn reverse(meant: &Meant<'_>, before: &Before, seed: &Seed) -> Reverse {
    let Some((name, templates)) = &meant.operation().reverse else {
        let why = "the operation does not say what takes it back";
        return Reverse::None(Untrusted::line(why));
    };
    let made = || -> Result<Reverse, String> {
        let found = meant.all.iter().find(|one| one.name == *name);
        let operation = found.ok_or_else(|| format!("`{}` is not described", shown(name)))?;
        let values = templates.iter().map(|(name, template)| {
            let value = expand::text(template, &meant.values, &before.value)?;
            Ok((name.clone(), value))
        });
        let values = values.collect::<Result<Values, String>>()?;
        let key = format!("{}-reverse", seed.id);
        let write = write(meant.plane, operation, &values, &key).map_err(|e| e.to_string())?;
        let watched = watched(meant, operation, &values, &Value::Null);
        let (check, _) = watched.map_err(|e| e.to_string())?;
        let what = format!("{} {}", write.verb.word(), write.path);
        let why = "what stands there by then is not known now";
        let mut notes = Vec::new();
        if let Some(header) = &operation.precondition_header {
            notes.push(Untrusted::line(&format!(
                "sent without {header}: the version after the change is not known yet"
            )));
        }
        Ok(Reverse::Steps {
            what: Untrusted::line(&format!("{name}: {what}")),
            steps: vec![Step {
                what: Untrusted::line(&what),
                target: 0,
                write: Write::Http(write),
                check,
                evidence: Evidence::None(Untrusted::line(why)),
                when_busy: WhenBusy::AskAgain,
            }],
            dry_run: DryRun {
                grade: Grade::D,
                verdict: DryVerdict::NotRun(Untrusted::line("it is only tried after the change")),
                notes,
            },
        })
    };
    made().unwrap_or_else(|why| Reverse::None(Untrusted::line(&why)))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A value whose name says that it is a secret is not shown.
fn masked(place: &str, text: &str) -> Untrusted {
    const SECRETS: [&str; 5] = ["password", "secret", "token", "credential", "key"];
    let place = place.to_ascii_lowercase();
    if SECRETS.iter().any(|word| place.contains(word)) {
        return Untrusted::line("***");
    }
    Untrusted::line(text)
}
