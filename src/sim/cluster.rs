//! What does the simulated platform's Kubernetes API say at that time?
//!
//! Lists with paging and selectors, watches with bookmarks and discovery, for the kinds that the demo
//! needs; every other group is not installed. Objects are a pure function of the story and of what was
//! written, their `resourceVersion` is the time of their last change. Called by [`super::server`];
//! what a write comes to is said in [`write`], the log is kept by the caller.

mod access;
mod argocd;
mod checkout;
mod edits;
mod evict;
mod fields;
mod object;
mod patch;
mod rollout;
mod select;
mod status;
mod steady;
mod write;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::wire::{Answer, Request, Written};
use super::world::World;
use object::{APPLICATION, KINDS, Kind, LEASE, NAMESPACE, Object};
use select::Selection;
use status::failure;
use write::Asking;

/// What `resourceVersion` an object has that changed at the opening: earlier changes have lower ones,
/// and none is below 1.
const OPENING_VERSION: i64 = 100_000_000_000;

/// A watch of something older than this is refused, as etcd compacts.
const COMPACTED_MS: i64 = 300_000;

/// Between two looks of a watch.
pub(super) const WATCH_STEP_MS: u64 = 500;

/// Between two bookmarks of a watch.
const BOOKMARK_MS: i64 = 10_000;

/// Every object of a kind at a time.
fn objects(world: &World, kind: &'static Kind, at_ms: i64) -> Vec<Object> {
    let mut all = checkout::objects(world, kind, at_ms);
    all.extend(steady::objects(world, kind, at_ms));
    if std::ptr::eq(kind, APPLICATION) {
        all.extend(argocd::applications(world, at_ms));
    }
    if std::ptr::eq(kind, LEASE) {
        all.extend(access::leases(world, at_ms));
    }
    if std::ptr::eq(kind, NAMESPACE) {
        all.extend(access::NAMESPACES.iter().map(|name| namespace(name)));
    }
    for object in &mut all {
        edits::apply(world, object, at_ms);
    }
    all.sort_by(|a, b| (a.namespace, &a.name).cmp(&(b.namespace, &b.name)));
    all
}

/// A namespace, which is as old as the cluster.
fn namespace(name: &str) -> Object {
    let created_ms = -500 * 86_400_000;
    Object {
        kind: NAMESPACE,
        namespace: "",
        name: name.to_owned(),
        created_ms,
        changed_ms: created_ms,
        metadata: json!({ "labels": { "kubernetes.io/metadata.name": name } }),
        body: json!({ "spec": { "finalizers": ["kubernetes"] }, "status": { "phase": "Active" } }),
    }
}

/// What is asked of a resource.
struct Asked<'a> {
    kind: &'static Kind,
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    subresource: Option<&'a str>,
}

/// What a write comes to.
pub(super) fn written(world: &World, request: &Request, now_ms: i64) -> Written {
    if let Some(answer) = access::review(world, request, now_ms) {
        return answer.into();
    }
    let Some(asked) = asked(&request.path) else {
        return Answer::plain(StatusCode::NOT_FOUND, "404 page not found\n").into();
    };
    let is_dry = match write::is_dry(request) {
        Ok(is_dry) => is_dry,
        Err(refusal) => return refusal.into(),
    };
    let namespace = asked.namespace.unwrap_or_default();
    if std::ptr::eq(asked.kind, LEASE) && request.method != Method::PATCH {
        return access::lease(world, request, (namespace, asked.name), is_dry, now_ms);
    }
    let Some(name) = asked.name else {
        return status::not_allowed().into();
    };
    let asking = Asking {
        kind: asked.kind,
        namespace,
        name,
        subresource: asked.subresource,
        now_ms,
        is_dry,
        manager: write::manager(request),
    };
    write::write(world, &asking, request)
}

/// Answers everything but watches and writes.
pub(super) fn answer(world: &World, request: &Request, now_ms: i64) -> Answer {
    match request.path.as_str() {
        "/version" => whole(&json!({
            "major": "1", "minor": "33", "gitVersion": "v1.33.4+sim", "platform": "linux/amd64",
        })),
        "/readyz" | "/livez" | "/healthz" => Answer::plain(StatusCode::OK, "ok"),
        "/api" => whole(&discovery(str::is_empty)),
        "/apis" => whole(&discovery(|group| !group.is_empty())),
        _ => match asked(&request.path) {
            Some(asked) => listed(world, request, &asked, now_ms),
            None => Answer::plain(StatusCode::NOT_FOUND, "404 page not found\n"),
        },
    }
}

/// Answers as Argo CD's own API: the same applications, without paging.
pub(super) fn argocd_answer(world: &World, request: &Request, now_ms: i64) -> Answer {
    if request.method != Method::GET && request.method != Method::HEAD {
        let reason = "the simulated Argo CD is written to through its custom resources";
        return Answer::plain(StatusCode::METHOD_NOT_ALLOWED, reason);
    }
    match request.path.as_str() {
        "/api/version" => whole(&json!({ "Version": "v3.1.9+sim" })),
        "/api/v1/applications" => {
            let all = objects(world, APPLICATION, now_ms);
            let items: Vec<Value> = all.iter().map(|object| object.json(world)).collect();
            let metadata = json!({ "resourceVersion": version_of(now_ms).to_string() });
            whole(&json!({ "metadata": metadata, "items": items }))
        }
        _ => Answer::json(
            StatusCode::NOT_FOUND,
            &json!({ "error": "Not Found", "code": 5, "message": "Not Found" }),
        ),
    }
}

/// The resource that a path names, if it is installed.
fn asked(path: &str) -> Option<Asked<'_>> {
    let rest = path.strip_prefix("/api/v1/").map(|rest| ("", "v1", rest));
    let (group, version, rest) = rest.or_else(|| {
        let (group, rest) = path.strip_prefix("/apis/")?.split_once('/')?;
        let (version, rest) = rest.split_once('/')?;
        Some((group, version, rest))
    })?;
    let mut parts = rest.split('/');
    let first = parts.next()?;
    let (namespace, plural) = match (first, parts.clone().count()) {
        ("namespaces", 2..) => (Some(parts.next()?), parts.next()?),
        _ => (None, first),
    };
    let known =
        |kind: &&Kind| kind.group == group && kind.version == version && kind.plural == plural;
    Some(Asked {
        kind: KINDS.iter().find(known)?,
        namespace,
        name: parts.next(),
        subresource: parts.next(),
    })
}

fn of_kind(world: &World, asked: &Asked<'_>, chosen: &Selection, at_ms: i64) -> Vec<Object> {
    let mut all = objects(world, asked.kind, at_ms);
    all.retain(|object| {
        asked
            .namespace
            .is_none_or(|namespace| namespace == object.namespace)
            && chosen.takes(object)
    });
    all
}

fn listed(world: &World, request: &Request, asked: &Asked<'_>, now_ms: i64) -> Answer {
    let chosen = match Selection::of(request) {
        Ok(chosen) => chosen,
        Err(reason) => return failure(StatusCode::BAD_REQUEST, "BadRequest", &reason),
    };
    if let Some(name) = asked.name {
        let found = of_kind(world, asked, &Selection::default(), now_ms);
        let found = found.iter().find(|object| object.name == name);
        return match (found, asked.subresource) {
            (Some(object), None) => whole(&object.json(world)),
            (Some(object), Some("scale")) if asked.kind.group == "apps" => {
                whole(&write::scale(world, object))
            }
            (Some(_), Some(_)) => Answer::plain(StatusCode::NOT_FOUND, "404 page not found\n"),
            (None, _) => status::not_found(asked.kind, name),
        };
    }
    let found = of_kind(world, asked, &chosen, now_ms);
    // A page begins behind the place that the token names, at the time of the first page.
    let (at_ms, skipped) = match request.first("continue").filter(|token| !token.is_empty()) {
        None => (now_ms, 0),
        Some(token) => match token.split_once('-').map(|(at, n)| (at.parse(), n.parse())) {
            Some((Ok(at_ms), Ok(skipped))) => (at_ms, skipped),
            _ => {
                let reason = "continue key is not valid";
                return failure(StatusCode::BAD_REQUEST, "BadRequest", reason);
            }
        },
    };
    if now_ms - at_ms > COMPACTED_MS {
        let reason =
            "The provided continue parameter is too old to display a consistent list result.";
        return failure(StatusCode::GONE, "Expired", reason);
    }
    let found = if at_ms == now_ms {
        found
    } else {
        of_kind(world, asked, &chosen, at_ms)
    };
    let limit = request.first("limit").and_then(|limit| limit.parse().ok());
    let limit = limit.filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let rest = found.len().saturating_sub(skipped);
    let page = found.iter().skip(skipped).take(limit);
    let mut metadata = json!({ "resourceVersion": version_of(at_ms).to_string() });
    if rest > limit {
        metadata["continue"] = json!(format!("{at_ms}-{}", skipped + limit));
        metadata["remainingItemCount"] = json!(rest - limit);
    }
    let items: Vec<Value> = page.map(|object| object.json(world)).collect();
    whole(&json!({
        "kind": format!("{}List", asked.kind.kind),
        "apiVersion": asked.kind.api_version(),
        "metadata": metadata,
        "items": items,
    }))
}

/// A watch that goes on: what changed since it last looked, line by line.
pub(super) struct Watch {
    path: String,
    chosen: Selection,
    seen_ms: i64,
    /// What there was at its last look; none before the first.
    seen: Option<Vec<Object>>,
    bookmarked_ms: i64,
    ends_ms: i64,
}

impl Watch {
    /// The watch that a request asks for. None if it asks for something else.
    ///
    /// # Errors
    /// The answer that refuses it.
    pub(super) fn of(request: &Request, now_ms: i64) -> Option<Result<Self, Answer>> {
        let is_on = |value: &str| matches!(value, "1" | "true");
        if !request.first("watch").is_some_and(is_on) || request.method != Method::GET {
            return None;
        }
        asked(&request.path)?;
        let from = request.first("resourceVersion").unwrap_or_default();
        let Ok(version) = from.parse::<i64>() else {
            let reason = format!("Invalid value: \"{from}\": strconv.ParseUint: invalid syntax");
            return Some(Err(failure(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalError",
                &reason,
            )));
        };
        let seconds = request
            .first("timeoutSeconds")
            .and_then(|text| text.parse().ok());
        let seconds: i64 = seconds.unwrap_or(300);
        Some(Ok(Self {
            path: request.path.clone(),
            chosen: match Selection::of(request) {
                Ok(chosen) => chosen,
                Err(reason) => {
                    let refusal = failure(StatusCode::BAD_REQUEST, "BadRequest", &reason);
                    return Some(Err(refusal));
                }
            },
            seen_ms: version - OPENING_VERSION,
            seen: None,
            bookmarked_ms: now_ms,
            ends_ms: now_ms + seconds.clamp(1, 3_600) * 1_000,
        }))
    }

    /// The lines since it last looked. None when it is over.
    pub(super) fn lines(&mut self, world: &World, now_ms: i64) -> Option<String> {
        if now_ms >= self.ends_ms {
            return None;
        }
        let asked = asked(&self.path)?;
        if now_ms - self.seen_ms > COMPACTED_MS {
            self.ends_ms = now_ms;
            let too_old = json!({ "type": "ERROR", "object": {
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": "too old resource version", "reason": "Expired", "code": 410,
            }});
            return Some(format!("{too_old}\n"));
        }
        let seen = self.seen.take();
        let before = seen.unwrap_or_else(|| of_kind(world, &asked, &self.chosen, self.seen_ms));
        let after = of_kind(world, &asked, &self.chosen, now_ms);
        let is_same = |a: &Object, b: &Object| a.namespace == b.namespace && a.name == b.name;
        let mut lines = String::new();
        let mut line = |kind: &str, object: Value| {
            lines.push_str(&json!({ "type": kind, "object": object }).to_string());
            lines.push('\n');
        };
        for object in &after {
            match before.iter().find(|old| is_same(old, object)) {
                None => line("ADDED", object.json(world)),
                Some(old) if old.changed_ms != object.changed_ms => {
                    line("MODIFIED", object.json(world));
                }
                Some(_) => {}
            }
        }
        for old in &before {
            if !after.iter().any(|object| is_same(old, object)) {
                line("DELETED", old.json(world));
            }
        }
        if now_ms - self.bookmarked_ms >= BOOKMARK_MS {
            self.bookmarked_ms = now_ms;
            line(
                "BOOKMARK",
                json!({
                    "kind": asked.kind.kind,
                    "apiVersion": asked.kind.api_version(),
                    "metadata": { "resourceVersion": version_of(now_ms).to_string() },
                }),
            );
        }
        self.seen_ms = now_ms;
        self.seen = Some(after);
        Some(lines)
    }
}

/// A time as a `resourceVersion`.
fn version_of(at_ms: i64) -> i64 {
    (OPENING_VERSION + at_ms).max(1)
}

/// Aggregated discovery of the groups that are chosen (`apidiscovery.k8s.io/v2`).
fn discovery(is_chosen: impl Fn(&str) -> bool) -> Value {
    let mut groups: Vec<(&str, &str)> = KINDS
        .iter()
        .map(|kind| (kind.group, kind.version))
        .filter(|(group, _)| is_chosen(group))
        .collect();
    groups.sort_unstable();
    groups.dedup();
    let items: Vec<Value> = groups
        .into_iter()
        .map(|(group, version)| {
            let own = KINDS
                .iter()
                .filter(|kind| kind.group == group && kind.version == version);
            let resources: Vec<Value> = own.map(Kind::discovered).collect();
            json!({
                "metadata": { "name": group },
                "versions": [{
                    "version": version, "freshness": "Current", "resources": resources,
                }],
            })
        })
        .collect();
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    })
}

fn whole(body: &Value) -> Answer {
    Answer::json(StatusCode::OK, body)
}
