//! What does the simulated Argo CD hold of each application?
//!
//! The others are synced automatically; checkout is not, or an undo would be put back at once. Its
//! rollout is a sync by the pipeline, the rollback is a person's; afterwards git is ahead of what runs,
//! as it is after an undo that was written to the cluster. Two resources differ from git because
//! somebody changed them by hand.

use serde_json::{Value, json};

use super::super::plot::{By, Turn, Version};
use super::super::story::{CYCLE_MS, ms_of};
use super::super::world::World;
use super::checkout;
use super::object::{APPLICATION, Object, time};
use super::rollout::{GOOD_SINCE_MS, Rollout};

const GOOD_COMMIT: &str = "9f2c1d7be04a6f5b3a8e1c2d4f6a7b8c9d0e1f2a";
const BAD_COMMIT: &str = "c41d0f2be7719a6c0d5e8f3b2a1c4d6e7f809152";
const HOUR_MS: i64 = 3_600_000;

/// How long a sync takes.
const SYNC_MS: i64 = 3_000;

/// Who syncs what is merged.
const PIPELINE: &str = "deploy-bot";

/// Argo CD looks at an application at least this often.
const RECONCILES_MS: i64 = 120_000;

/// Every application at a time.
pub(super) fn applications(world: &World, at_ms: i64) -> Vec<Object> {
    vec![
        checkout_application(world, at_ms),
        quiet(world, at_ms, "storefront", "web", -26 * HOUR_MS, None),
        quiet(world, at_ms, "cart", "web", -5 * HOUR_MS, None),
        quiet(world, at_ms, "payments", "payments", -144 * HOUR_MS, None),
        quiet(
            world,
            at_ms,
            "search",
            "search",
            -(79 * HOUR_MS + 1_800_000),
            Some(json!({
                "group": "apps", "version": "v1", "kind": "Deployment", "namespace": "search",
                "name": "search", "status": "OutOfSync", "health": { "status": "Healthy" },
            })),
        ),
        quiet(
            world,
            at_ms,
            "telemetry",
            "observability",
            -384 * HOUR_MS,
            Some(json!({
                "version": "v1", "kind": "ConfigMap", "namespace": "observability",
                "name": "otel-collector-debug", "status": "OutOfSync", "requiresPruning": true,
            })),
        ),
    ]
}

/// The version that a commit has. A sync without one takes what git has.
pub(super) fn version_of(revision: &str) -> Version {
    if revision == GOOD_COMMIT {
        Version::Good
    } else {
        Version::Bad
    }
}

fn reconciled_ms(at_ms: i64) -> i64 {
    at_ms.div_euclid(RECONCILES_MS) * RECONCILES_MS
}

fn source(app: &str) -> Value {
    json!({
        "repoURL": "https://git.example.com/platform/deploy.git",
        "path": format!("apps/{app}/prod"),
        "targetRevision": "main",
    })
}

struct Synced<'a> {
    id: u32,
    revision: &'a str,
    began_ms: i64,
    ended_ms: i64,
    by: Option<&'a str>,
}

fn history_entry(world: &World, app: &str, synced: &Synced<'_>) -> Value {
    let by = match synced.by {
        Some(name) => json!({ "username": name }),
        None => json!({ "automated": true }),
    };
    json!({
        "id": synced.id,
        "revision": synced.revision,
        "deployStartedAt": time(world, synced.began_ms),
        "deployedAt": time(world, synced.ended_ms),
        "initiatedBy": by,
        "source": source(app),
    })
}

fn application(
    namespace: &str,
    name: &str,
    created_ms: i64,
    changed_ms: i64,
    (policy, status): (&Value, &Value),
) -> Object {
    Object {
        kind: APPLICATION,
        namespace: "argocd",
        name: name.to_owned(),
        created_ms,
        changed_ms,
        metadata: json!({ "generation": 1, "labels": { "team": "platform" } }),
        body: json!({
            "spec": {
                "project": "default",
                "source": source(name),
                "destination": {
                    "server": "https://kubernetes.default.svc", "namespace": namespace,
                },
                "syncPolicy": policy,
            },
            "status": status,
        }),
    }
}

/// The syncs that it remembers.
fn synced(rollout: &Rollout, at_ms: i64) -> Vec<Synced<'static>> {
    let mut entries = vec![Synced {
        id: 40,
        revision: GOOD_COMMIT,
        began_ms: GOOD_SINCE_MS,
        ended_ms: GOOD_SINCE_MS + 9_000,
        by: Some(PIPELINE),
    }];
    let told = rollout
        .plot
        .turns
        .iter()
        .filter(|turn| turn.by == By::Story);
    for (turn, id) in told.zip(41..) {
        let began_ms = rollout.opens_ms + ms_of(turn.at_secs);
        if at_ms >= began_ms + SYNC_MS {
            entries.push(Synced {
                id,
                revision: commit(turn),
                began_ms,
                ended_ms: began_ms + SYNC_MS,
                by: Some(match turn.to {
                    Version::Bad => PIPELINE,
                    Version::Good => "mara",
                }),
            });
        }
    }
    // A new telling begins with a new commit in git, so that ids go on.
    let telling = u32::try_from(rollout.opens_ms / CYCLE_MS).unwrap_or(0);
    for entry in &mut entries {
        entry.id += 2 * telling;
    }
    entries
}

fn commit(turn: &Turn) -> &'static str {
    match turn.to {
        Version::Bad => BAD_COMMIT,
        Version::Good => GOOD_COMMIT,
    }
}

/// The last sync, as it went.
fn operation(world: &World, last: &Synced<'_>) -> Value {
    json!({
        "phase": "Succeeded",
        "startedAt": time(world, last.began_ms),
        "finishedAt": time(world, last.ended_ms),
        "message": "successfully synced (all tasks run)",
        "operation": {
            "initiatedBy": match last.by {
                Some(name) => json!({ "username": name }),
                None => json!({ "automated": true }),
            },
            "info": match last.by {
                Some("mara") => json!([{ "name": "Reason", "value": "errors after 2.31.0" }]),
                _ => json!([]),
            },
            "sync": { "revision": last.revision },
        },
        "syncResult": { "revision": last.revision, "source": source("checkout") },
    })
}

fn checkout_application(world: &World, at_ms: i64) -> Object {
    let rollout = Rollout::at(world, at_ms);
    let bad_ms = rollout.bad_since_ms().unwrap_or(i64::MAX);
    let entries = synced(&rollout, at_ms);
    let history: Vec<Value> = entries
        .iter()
        .map(|entry| history_entry(world, "checkout", entry))
        .collect();
    let head = if at_ms >= bad_ms {
        BAD_COMMIT
    } else {
        GOOD_COMMIT
    };
    let is_rolled_back = at_ms >= bad_ms && !rollout.is_bad;
    let deployment = if is_rolled_back {
        "OutOfSync"
    } else {
        "Synced"
    };
    let health = if rollout.is_bad && at_ms - 60_000 >= bad_ms {
        "Degraded"
    } else if at_ms < rollout.ends_ms {
        "Progressing"
    } else {
        "Healthy"
    };
    let last = entries.last();
    let operation = last.map(|last| operation(world, last));
    let reconciled = reconciled_ms(at_ms);
    let status = json!({
        "sync": {
            "status": "OutOfSync", "revision": head, "comparedTo": { "source": source("checkout") },
        },
        "health": { "status": health },
        "history": history,
        "operationState": operation,
        "reconciledAt": time(world, reconciled),
        "resources": [
            { "group": "apps", "version": "v1", "kind": "Deployment",
              "namespace": checkout::NAMESPACE, "name": checkout::SERVICE,
              "status": deployment, "health": { "status": health } },
            { "group": "autoscaling", "version": "v2", "kind": "HorizontalPodAutoscaler",
              "namespace": checkout::NAMESPACE, "name": checkout::SERVICE,
              "status": "OutOfSync", "health": { "status": "Healthy" } },
        ],
        "summary": { "images": [super::object::image(
            checkout::NAMESPACE, checkout::SERVICE, rollout.version(),
        )] },
    });
    let moments = [
        GOOD_SINCE_MS,
        reconciled,
        rollout.began_ms,
        rollout.began_ms + SYNC_MS,
        rollout.ends_ms,
        bad_ms.saturating_add(60_000),
    ];
    let changed = moments.into_iter().filter(|at| *at <= at_ms).max();
    let changed = changed.unwrap_or(GOOD_SINCE_MS);
    application(
        checkout::NAMESPACE,
        "checkout",
        -400 * 24 * HOUR_MS,
        changed,
        (&json!({}), &status),
    )
}

/// An application whose last sync was long ago. What differs, differs by hand.
fn quiet(
    world: &World,
    at_ms: i64,
    name: &str,
    namespace: &'static str,
    synced_ms: i64,
    differs: Option<Value>,
) -> Object {
    let commit: String = world.seed.uuid(&format!("commit {name}")).replace('-', "");
    let revision = format!("{commit}{}", &commit[..8]);
    let entry = Synced {
        id: 7,
        revision: &revision,
        began_ms: synced_ms,
        ended_ms: synced_ms + 8_000,
        by: None,
    };
    let reconciled = reconciled_ms(at_ms);
    let is_synced = differs.is_none();
    let status = json!({
        "sync": {
            "status": if is_synced { "Synced" } else { "OutOfSync" },
            "revision": revision,
            "comparedTo": { "source": source(name) },
        },
        "health": { "status": "Healthy" },
        "history": [history_entry(world, name, &entry)],
        "operationState": {
            "phase": "Succeeded",
            "startedAt": time(world, synced_ms), "finishedAt": time(world, synced_ms + 8_000),
            "operation": { "initiatedBy": { "automated": true },
                           "sync": { "revision": revision } },
            "syncResult": { "revision": revision },
        },
        "reconciledAt": time(world, reconciled),
        "resources": differs.into_iter().collect::<Vec<Value>>(),
    });
    let automated = json!({ "automated": { "prune": false } });
    let created_ms = -300 * 24 * HOUR_MS;
    application(
        namespace,
        name,
        created_ms,
        reconciled,
        (&automated, &status),
    )
}
