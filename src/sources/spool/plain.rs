//! What does a plain line of JSON say was changed?
//!
//! For pipelines that speak no CDEvents. The keys:
//!
//! | key | |
//! |---|---|
//! | `service` | what was changed: needed |
//! | `at` | when, RFC 3339; or `started_at`, `finished_at`: one is needed |
//! | `to`, `from` | the version that is there now, and the one before |
//! | `env`, `cluster`, `region` | where |
//! | `kind` | `version` (if not told), `config`, `migration`, `infra`, `infra_destructive`, `scale`, `restart`, `rollback` |
//! | `who` | who did it |
//! | `outcome` | `running`, `ok`, `failed`, `unknown` (if not told) |
//! | `link`, `reason` | where to read on, and why |
//! | `id` | names the change: a later line with the same one tells how it went on |
//! | `labels` | a map of texts for the mapping to services |
//!
//! Called by [`super::event`].

use serde_json::{Map, Value};

use super::record::{Problem, Push, line, text_of, time_of};
use crate::domain::change::{ChangeKind, Outcome};
use crate::domain::text::Untrusted;

/// No more labels of one event are kept.
const MAX_LABELS: usize = 64;

/// Every key.
const KEYS: [&str; 16] = [
    "service",
    "to",
    "from",
    "at",
    "started_at",
    "finished_at",
    "env",
    "cluster",
    "region",
    "kind",
    "who",
    "outcome",
    "link",
    "reason",
    "id",
    "labels",
];

/// What a plain event says, and what of it is not used.
///
/// # Errors
/// It names no service or no time.
pub(super) fn read(event: &Map<String, Value>) -> Result<(Push, Vec<Problem>), Problem> {
    let mut problems = Vec::new();
    let mut text = |key: &str| {
        let value = event.get(key)?;
        let text = text_of(value);
        if text.is_none() && !value.is_null() && value.as_str() != Some("") {
            let what = format!("`{key}` is no text and is not used; write it in quotes");
            problems.push(Problem::at(key, what));
        }
        text
    };
    let Some(service) = text("service") else {
        let what = "`service` is missing: write what was changed, as alerts name it";
        let is_there = event.contains_key("service");
        return Err(Problem {
            key: is_there.then(|| "service".to_owned()),
            what: what.to_owned(),
        });
    };
    let mut push = Push {
        target: service.clone(),
        service: Some(service),
        env: text("env"),
        from: text("from"),
        to: text("to"),
        who: text("who"),
        link: text("link"),
        reason: text("reason"),
        cluster: text("cluster"),
        region: text("region"),
        ..Push::default()
    };
    let (id, kind, outcome) = (text("id"), text("kind"), text("outcome"));
    let mut times = Vec::new();
    for key in ["started_at", "at", "finished_at"] {
        let told = text(key);
        let time = told.as_ref().and_then(|told| time_of(told.raw()));
        times.push((key, told, time));
    }
    for (key, told, time) in times {
        if told.is_some() && time.is_none() {
            let what = format!("`{key}` is no time; write it like 2026-11-21T05:23:30Z");
            problems.push(Problem::at(key, what));
        }
        match key {
            "finished_at" => push.finished_at = time,
            _ => push.started_at = push.started_at.or(time),
        }
    }
    if push.started_at.is_none() && push.finished_at.is_none() {
        let said = problems.into_iter().find(|p| p.what.contains("is no time"));
        return Err(said.unwrap_or_else(|| {
            Problem::of_all("a time is missing: write `at` like 2026-11-21T05:23:30Z")
        }));
    }
    if let Some(word) = kind {
        push.kind = kind_of(word.raw());
        if push.kind.is_none() {
            let known: Vec<&str> = ChangeKind::ALL.iter().map(|kind| kind.word()).collect();
            let known = known.join(", ");
            let what =
                format!("`kind` {word} is not known: taken for a version; write one of {known}");
            problems.push(Problem::at("kind", what));
        }
    }
    if let Some(word) = outcome {
        push.outcome = outcome_of(word.raw());
        if push.outcome.is_none() {
            let what = format!("`outcome` {word} is not known; write running, ok or failed");
            problems.push(Problem::at("outcome", what));
        }
    }
    labels(event, &mut push, &mut problems);
    let unknown: Vec<&str> = event
        .keys()
        .map(String::as_str)
        .filter(|key| !KEYS.contains(key))
        .collect();
    for key in unknown {
        let what = format!("the key `{key}` is not known and not used; put it under `labels`");
        problems.push(Problem::at(key, what));
    }
    push.key = match id {
        Some(id) => id.raw().to_owned(),
        // The same line twice is the same change.
        None => {
            let part =
                |text: &Option<Untrusted>| text.as_ref().map_or("", Untrusted::raw).to_owned();
            let at = push.started_at.or(push.finished_at).unwrap_or_default();
            let at = at.to_rfc3339();
            let (env, to) = (part(&push.env), part(&push.to));
            let cluster = part(&push.cluster);
            format!("{}/{env}/{cluster}/{to}/{at}", push.target.raw())
        }
    };
    Ok((push, problems))
}

fn labels(event: &Map<String, Value>, push: &mut Push, problems: &mut Vec<Problem>) {
    let labels = match event.get("labels") {
        None | Some(Value::Null) => return,
        Some(Value::Object(labels)) => labels,
        Some(_) => {
            let what =
                "`labels` is no map of texts and is not used; write {\"team\": \"payments\"}";
            problems.push(Problem::at("labels", what));
            return;
        }
    };
    for (name, value) in labels.iter().take(MAX_LABELS) {
        match (line(name), text_of(value)) {
            (Some(name), Some(value)) => push.labels.push((name, value)),
            _ => {
                let what = format!("the label `{name}` is no text and is not used");
                problems.push(Problem::at(name, what));
            }
        }
    }
    if labels.len() > MAX_LABELS {
        let more = labels.len() - MAX_LABELS;
        let what = format!("{more} labels beyond the first {MAX_LABELS} are not used");
        problems.push(Problem::at("labels", what));
    }
}

fn kind_of(word: &str) -> Option<ChangeKind> {
    let word = word.to_ascii_lowercase().replace('-', "_");
    let kind = ChangeKind::ALL.into_iter().find(|kind| kind.word() == word);
    kind.or(match &*word {
        "deploy" | "deployment" | "release" | "upgrade" => Some(ChangeKind::Version),
        _ => None,
    })
}

/// In the words that pipelines use.
pub(super) fn outcome_of(word: &str) -> Option<Outcome> {
    match &*word.to_ascii_lowercase() {
        "ok" | "success" | "succeeded" | "successful" | "passed" | "done" => Some(Outcome::Ok),
        "failed" | "failure" | "fail" | "error" | "errored" | "aborted" | "canceled"
        | "cancelled" | "cancel" => Some(Outcome::Failed),
        "running" | "in_progress" | "started" | "pending" => Some(Outcome::Running),
        "unknown" => Some(Outcome::Unknown),
        _ => None,
    }
}
