//! Who is asking, what may they do, and who holds the lease?
//!
//! Self reviews, which allow everything here, and leases with the conflicts of a real server. Called by
//! [`super::written`] for what belongs to no object of the story.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::deeds::Lease;
use super::super::wire::{Answer, Request, Written};
use super::super::world::World;
use super::object::{LEASE, Object, time};
use super::{objects, status};

/// The user of the demo.
const USER: &str = "demo";

/// A review of oneself. None if the path is none.
pub(super) fn review(world: &World, request: &Request, now_ms: i64) -> Option<Answer> {
    if request.method != Method::POST {
        return None;
    }
    let read = || -> Result<Value, Answer> {
        serde_json::from_slice(&request.body)
            .map_err(|reason| status::undecodable(&reason.to_string()))
    };
    let answer = match request.path.as_str() {
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => read().map(|asked| {
            json!({
                "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
                "metadata": {}, "spec": asked["spec"],
                "status": {
                    "allowed": true,
                    "reason": "RBAC: allowed by ClusterRoleBinding \"demo\" of ClusterRole \"demo\" \
                               to User \"demo\"",
                },
            })
        }),
        "/apis/authentication.k8s.io/v1/selfsubjectreviews" => read().map(|_| {
            json!({
                "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1",
                "metadata": { "creationTimestamp": time(world, now_ms) },
                "status": { "userInfo": {
                    "username": USER, "groups": ["oncall-operators", "system:authenticated"],
                }},
            })
        }),
        _ => return None,
    };
    Some(match answer {
        Ok(body) => Answer::json(StatusCode::CREATED, &body),
        Err(refusal) => refusal,
    })
}

/// The leases that are there.
pub(super) fn leases(world: &World, at_ms: i64) -> Vec<Object> {
    let mut all: Vec<Object> = Vec::new();
    for lease in world
        .deeds
        .leases
        .iter()
        .filter(|lease| lease.at_ms <= at_ms)
    {
        all.retain(|held| held.name != lease.name || held.namespace != lease.namespace.as_str());
        if let Some(object) = &lease.object {
            all.push(Object {
                kind: LEASE,
                namespace: known_namespace(&lease.namespace),
                name: lease.name.clone(),
                created_ms: lease.created_ms,
                changed_ms: lease.at_ms,
                metadata: object["metadata"].clone(),
                body: json!({ "spec": object["spec"] }),
            });
        }
    }
    all
}

/// The namespaces of the simulated cluster.
pub(super) const NAMESPACES: &[&str] = &[
    "argocd",
    "checkout",
    "default",
    "kube-system",
    "observability",
    "payments",
    "quell",
    "search",
    "web",
];

/// An object's namespace, as one of those that are there.
fn known_namespace(name: &str) -> &'static str {
    let known = NAMESPACES.iter().find(|known| **known == name);
    known.copied().unwrap_or("default")
}

/// Creates, replaces or deletes a lease. The name is none when it is created.
pub(super) fn lease(
    world: &World,
    request: &Request,
    (namespace, name): (&str, Option<&str>),
    is_dry: bool,
    now_ms: i64,
) -> Written {
    let read: Result<Value, _> = serde_json::from_slice(&request.body);
    let wanted = match (read, &request.method) {
        (Ok(wanted), _) => wanted,
        (Err(_), &Method::DELETE) if request.body.is_empty() => Value::Null,
        (Err(reason), _) => return status::undecodable(&reason.to_string()).into(),
    };
    let named = name.or(wanted["metadata"]["name"].as_str());
    let named = named.unwrap_or_default().to_owned();
    let named = named.as_str();
    if !NAMESPACES.contains(&namespace) {
        return status::not_found(super::object::NAMESPACE, namespace).into();
    }
    let all = objects(world, LEASE, now_ms);
    let held = all
        .iter()
        .find(|lease| lease.name == named && lease.namespace == namespace);
    let next_ms = world.deeds.next_ms(now_ms);
    let at_ms = held.map_or(next_ms, |held| next_ms.max(held.changed_ms + 1));
    let (status_code, created_ms, object) = match (&request.method, held) {
        (&Method::POST, None) => (StatusCode::CREATED, at_ms, Some(wanted)),
        (&Method::POST, Some(_)) => return status::already_exists(LEASE, named).into(),
        (&Method::PUT | &Method::DELETE, None) => return status::not_found(LEASE, named).into(),
        (&Method::PUT, Some(held)) => {
            let own = held.json(world);
            let version = &wanted["metadata"]["resourceVersion"];
            if !version.is_null() && *version != own["metadata"]["resourceVersion"] {
                return status::stale(LEASE, named).into();
            }
            (StatusCode::OK, held.created_ms, Some(wanted))
        }
        (&Method::DELETE, Some(held)) => {
            let own = held.json(world);
            for field in ["uid", "resourceVersion"] {
                let wanted = &wanted["preconditions"][field];
                if !wanted.is_null() && *wanted != own["metadata"][field] {
                    return status::stale(LEASE, named).into();
                }
            }
            (StatusCode::OK, held.created_ms, None)
        }
        _ => return status::not_allowed().into(),
    };
    let mut deeds = world.deeds.as_ref().clone();
    let is_deleted = object.is_none();
    deeds.leases.push(Lease {
        at_ms,
        created_ms,
        namespace: namespace.to_owned(),
        name: named.to_owned(),
        object: object.map(cleaned),
    });
    let body = if is_deleted {
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success" })
    } else {
        let next = world.logged(deeds.clone());
        let stored = leases(&next, at_ms).pop();
        stored.map_or(Value::Null, |stored| stored.json(&next))
    };
    let answer = Answer::json(status_code, &body);
    if is_dry {
        return answer.into();
    }
    Written::done(answer, deeds, at_ms)
}

/// Without what the server writes itself.
fn cleaned(mut object: Value) -> Value {
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for name in ["uid", "resourceVersion", "creationTimestamp"] {
            metadata.remove(name);
        }
    }
    object
}
