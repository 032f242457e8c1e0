//! Who else is about to act on this?
//!
//! A Lease for each target, out of courtesy: two responders see each other before they act. What keeps
//! writes apart are the tests of each write, never this: whoever may not write leases, or whose clock is
//! wrong, loses nothing but the sight of the other. Called by `control` around a dispatch.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::Cluster;
use super::draft::{MARKER, MARKER_PLACE, Patch, QUERY, name, number, text};
use crate::domain::action::Requester;
use crate::domain::plan::{ActionId, Digest, HttpWrite, Target, Verb};
use crate::domain::record::{Refusal, StepOutcome};
use crate::domain::text::Untrusted;

/// A lease that is not renewed is free after this.
pub(crate) const DURATION: Duration = Duration::from_mins(1);
/// How often its holder renews it.
pub(crate) const RENEW_EVERY: Duration = Duration::from_secs(15);
/// Where targets without a namespace have theirs, unless the settings say another.
const FALLBACK_NAMESPACE: &str = "default";
/// Nobody holds a target for longer without renewing, whatever the lease says.
const LONGEST: TimeDelta = TimeDelta::minutes(10);

/// What came of asking for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It is ours.
    Ours(Held),
    /// Somebody else has it: who, and until when.
    Theirs(Untrusted),
    /// It cannot be told, and why. Nothing stops for that.
    Unknown(Untrusted),
}

/// A lease of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    path: String,
    action: ActionId,
}

/// Asks for the lease of a target: makes it, takes over one that has run out, or says who has it.
pub(crate) async fn acquire(
    cluster: &Cluster,
    target: &Target,
    fallback_namespace: Option<&str>,
    (by, action): (&Requester, &ActionId),
    now: DateTime<Utc>,
) -> Asked {
    let place = match Place::of(target, fallback_namespace) {
        Ok(place) => place,
        Err(why) => return Asked::Unknown(why),
    };
    let found = match cluster.get(&place.path()).await {
        Ok(found) => found.value,
        Err(why) => return Asked::Unknown(why.0),
    };
    let spec = spec(by, action, now);
    let write = match &found {
        None => place.creation(cluster, target, &spec, action),
        Some(lease) => match holder(lease, action, now) {
            Some(words) => return Asked::Theirs(words),
            None => place.takeover(cluster, lease, &spec, action),
        },
    };
    match cluster.send(&write).await {
        StepOutcome::Applied { .. } => Asked::Ours(Held {
            path: place.path(),
            action: action.clone(),
        }),
        StepOutcome::Refused {
            refusal: Refusal::Changed,
            ..
        } => quicker(cluster, &place, action, now).await,
        StepOutcome::Refused { why, .. }
        | StepOutcome::NotSent { why }
        | StepOutcome::InDoubt { why } => Asked::Unknown(why),
    }
}

/// Keeps a lease.
///
/// # Errors
/// It is not ours any more, or cannot be written: in words.
pub(crate) async fn renew(
    cluster: &Cluster,
    held: &Held,
    now: DateTime<Utc>,
) -> Result<(), Untrusted> {
    let write = Patch::nothing()
        .test(MARKER_PLACE, json!(held.action.as_str()))
        .add("/spec/renewTime", json!(micros(now)))
        .write(cluster.name(), &held.path);
    said(cluster.send(&write).await)
}

/// Gives a lease back.
///
/// # Errors
/// It is not ours any more, or cannot be written: it runs out by itself.
pub(crate) async fn release(cluster: &Cluster, held: Held) -> Result<(), Untrusted> {
    let write = Patch::nothing()
        .test(MARKER_PLACE, json!(held.action.as_str()))
        .add("/spec/holderIdentity", json!(""))
        .write(cluster.name(), &held.path);
    said(cluster.send(&write).await)
}

/// Who has the lease of a target, but for this action; none where nobody does.
///
/// # Errors
/// It cannot be told, and why.
pub(crate) async fn holder_of(
    cluster: &Cluster,
    target: &Target,
    fallback_namespace: Option<&str>,
    action: &ActionId,
    now: DateTime<Utc>,
) -> Result<Option<Untrusted>, Untrusted> {
    let place = Place::of(target, fallback_namespace)?;
    let found = cluster.get(&place.path()).await.map_err(|why| why.0)?;
    Ok(found.value.and_then(|lease| holder(&lease, action, now)))
}

/// Where a lease is.
struct Place {
    namespace: String,
    name: String,
}

impl Place {
    fn of(target: &Target, fallback: Option<&str>) -> Result<Self, Untrusted> {
        let own = target.namespace.as_ref().map(Untrusted::raw);
        let namespace = own.or(fallback).unwrap_or(FALLBACK_NAMESPACE);
        let namespace = name(namespace).map_err(|why| why.0)?.to_owned();
        let digest = Digest::of(target.name.raw().as_bytes());
        Ok(Self {
            namespace,
            name: format!("quell-{}", &digest.as_str()[..16]),
        })
    }

    fn folder(&self) -> String {
        let namespace = &self.namespace;
        format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases")
    }

    fn path(&self) -> String {
        format!("{}/{}", self.folder(), self.name)
    }

    fn creation(
        &self,
        cluster: &Cluster,
        target: &Target,
        spec: &Value,
        action: &ActionId,
    ) -> HttpWrite {
        let body = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {
                "name": self.name, "namespace": self.namespace,
                "annotations": { MARKER: action.as_str(), "quell.dev/target": target.name.raw() },
            },
            "spec": spec,
        });
        HttpWrite {
            server: cluster.name().clone(),
            verb: Verb::Post,
            path: format!("{}{QUERY}", self.folder()),
            content_type: Some("application/json".to_owned()),
            headers: Vec::new(),
            body: body.to_string(),
        }
    }

    fn takeover(
        &self,
        cluster: &Cluster,
        lease: &Value,
        spec: &Value,
        action: &ActionId,
    ) -> HttpWrite {
        let version = text(lease, "/metadata/resourceVersion");
        let mut spec = spec.clone();
        spec["leaseTransitions"] = json!(number(lease, "/spec/leaseTransitions") + 1);
        Patch::nothing()
            .test("/metadata/resourceVersion", json!(version))
            .add("/spec", spec)
            .marked(lease, action, &[])
            .write(cluster.name(), &self.path())
    }
}

/// Somebody else wrote it between our reading and our writing.
async fn quicker(cluster: &Cluster, place: &Place, action: &ActionId, now: DateTime<Utc>) -> Asked {
    let found = match cluster.get(&place.path()).await {
        Ok(found) => found.value,
        Err(why) => return Asked::Unknown(why.0),
    };
    match found.and_then(|lease| holder(&lease, action, now)) {
        Some(words) => Asked::Theirs(words),
        None => Asked::Unknown(Untrusted::line("somebody else wrote the lease just now")),
    }
}

fn said(outcome: StepOutcome) -> Result<(), Untrusted> {
    match outcome {
        StepOutcome::Applied { .. } => Ok(()),
        StepOutcome::Refused { why, .. }
        | StepOutcome::NotSent { why }
        | StepOutcome::InDoubt { why } => Err(why),
    }
}

fn spec(by: &Requester, action: &ActionId, now: DateTime<Utc>) -> Value {
    let (name, host) = (by.name.shown(), by.host.shown());
    json!({
        "holderIdentity": format!("{name}@{host} {}", action.short()),
        "leaseDurationSeconds": DURATION.as_secs(),
        "acquireTime": micros(now),
        "renewTime": micros(now),
    })
}

/// Who holds it, other than this action, in words; none where it is free or has run out.
fn holder(lease: &Value, action: &ActionId, now: DateTime<Utc>) -> Option<Untrusted> {
    let who = text(lease, "/spec/holderIdentity");
    if who.is_empty() || text(lease, MARKER_PLACE) == action.as_str() {
        return None;
    }
    let renewed = DateTime::parse_from_rfc3339(text(lease, "/spec/renewTime")).ok()?;
    let seconds = number(lease, "/spec/leaseDurationSeconds").max(0);
    let lasts = TimeDelta::try_seconds(seconds)
        .unwrap_or(LONGEST)
        .min(LONGEST);
    let until = renewed.to_utc().checked_add_signed(lasts)?;
    // One that was renewed far in the future would hold for ever.
    let is_held = now < until && until - now <= LONGEST;
    is_held.then(|| {
        let until = until.format("%H:%M:%S");
        Untrusted::line(&format!("{who}, until {until} UTC unless renewed"))
    })
}

/// As Kubernetes writes a `MicroTime`.
fn micros(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::control::kubernetes::recorded;
    use crate::sources::loopback::{Reply, Server};

    fn target(namespace: Option<&str>) -> Target {
        Target {
            env: None,
            server: "eu-1".into(),
            server_identity: "uid".to_owned(),
            name: Untrusted::line("payments/deployment/payments-api"),
            word: Untrusted::line("payments-api"),
            namespace: namespace.map(Untrusted::line),
            service: None,
            uid: None,
        }
    }

    fn dana() -> Requester {
        Requester {
            name: Untrusted::line("dana"),
            host: Untrusted::line("bastion-2"),
        }
    }

    /// A server that keeps one lease as an API server does: it makes it once, and refuses a patch whose
    /// tests fail.
    fn keeping() -> (Server, Arc<Mutex<Option<Value>>>) {
        let kept: Arc<Mutex<Option<Value>>> = Arc::default();
        let at_server = Arc::clone(&kept);
        let server = Server::answering(move |request| {
            let mut kept = at_server.lock().unwrap();
            let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
            match (&*request.verb, kept.as_mut()) {
                ("GET", None) => recorded::reply("errors/404-deployment.json"),
                ("POST", None) => {
                    let mut lease = body;
                    lease["metadata"]["resourceVersion"] = json!("1");
                    *kept = Some(lease.clone());
                    Reply::status("201 Created", "", lease.to_string())
                }
                ("POST", Some(_)) => recorded::reply("errors/409-already-exists.json"),
                ("PATCH", Some(lease)) => match recorded::patched(lease, &body) {
                    Some(after) => {
                        *lease = after;
                        Reply::ok(lease.to_string())
                    }
                    None => recorded::reply("errors/422-json-patch-test-failed.json"),
                },
                (_, Some(lease)) => Reply::ok(lease.to_string()),
                (_, None) => recorded::reply("errors/404-patch.json"),
            }
        });
        (server, kept)
    }

    #[tokio::test]
    async fn two_responders_see_each_other() {
        let (server, _) = keeping();
        let cluster = recorded::cluster_at(&server.url);
        let (now, target) = (recorded::seed().at, target(Some("payments")));
        let (ours, theirs) = (ActionId::new([1; 16]), ActionId::new([2; 16]));
        let otto = recorded::request("x", &[]).by;
        let first = acquire(&cluster, &target, None, (&otto, &ours), now).await;
        let Asked::Ours(held) = first else {
            unreachable!("{first:?}")
        };
        let second = acquire(&cluster, &target, None, (&dana(), &theirs), now).await;
        let words = "otto@bastion-1 01010101, until 06:31:00 UTC unless renewed";
        assert_eq!(second, Asked::Theirs(Untrusted::line(words)));
        let seen = holder_of(&cluster, &target, None, &theirs, now).await;
        assert_eq!(seen.unwrap().unwrap().shown(), words);
        let own = holder_of(&cluster, &target, None, &ours, now).await;
        assert_eq!(own, Ok(None), "nobody is in their own way");

        let later = now + TimeDelta::seconds(50);
        renew(&cluster, &held, later).await.unwrap();
        let after = now + TimeDelta::seconds(70);
        let seen = holder_of(&cluster, &target, None, &theirs, after).await;
        assert!(seen.unwrap().is_some(), "it was renewed");

        release(&cluster, held.clone()).await.unwrap();
        let third = acquire(&cluster, &target, None, (&dana(), &theirs), after).await;
        assert!(matches!(third, Asked::Ours(_)), "{third:?}");
        assert!(renew(&cluster, &held, after).await.is_err(), "it is theirs");
        assert!(release(&cluster, held).await.is_err(), "it is theirs");
    }

    #[tokio::test]
    async fn one_that_ran_out_is_taken_over_only_as_it_was_read() {
        let (server, kept) = keeping();
        let cluster = recorded::cluster_at(&server.url);
        let (now, target) = (recorded::seed().at, target(Some("payments")));
        let (old, new) = (ActionId::new([1; 16]), ActionId::new([2; 16]));
        acquire(&cluster, &target, None, (&dana(), &old), now).await;
        let after = now + TimeDelta::seconds(61);
        assert_eq!(
            holder_of(&cluster, &target, None, &new, after).await,
            Ok(None)
        );
        let otto = recorded::request("x", &[]).by;
        let taken = acquire(&cluster, &target, None, (&otto, &new), after).await;
        assert!(matches!(taken, Asked::Ours(_)), "{taken:?}");
        let lease = kept.lock().unwrap().clone().unwrap();
        assert_eq!(lease["spec"]["leaseTransitions"], 1);
        let asked = server.requests();
        let patch = String::from_utf8(asked.last().unwrap().body.clone()).unwrap();
        assert!(patch.contains(r#"{"op":"test","path":"/metadata/resourceVersion","value":"1"}"#));
    }

    #[tokio::test]
    async fn who_may_not_see_leases_is_not_stopped() {
        let server = Server::answering(|_| recorded::reply("errors/403-viewer-secrets.json"));
        let cluster = recorded::cluster_at(&server.url);
        let (now, target) = (recorded::seed().at, target(None));
        let id = ActionId::new([1; 16]);
        let asked = acquire(&cluster, &target, None, (&dana(), &id), now).await;
        assert!(matches!(asked, Asked::Unknown(_)), "{asked:?}");
        assert!(holder_of(&cluster, &target, None, &id, now).await.is_err());
        let path = server.take_paths().remove(0);
        assert!(path.contains("/namespaces/default/leases/quell-"), "{path}");
        holder_of(&cluster, &target, Some("ops"), &id, now)
            .await
            .ok();
        assert!(server.take_paths()[0].contains("/namespaces/ops/leases/"));
    }

    #[test]
    fn a_lease_of_the_far_future_holds_nobody_up() {
        let lease = |renewed: &str, seconds: i64| {
            json!({ "spec": {
                "holderIdentity": "x\u{1b}[2J", "renewTime": renewed, "leaseDurationSeconds": seconds,
            } })
        };
        let id = ActionId::new([1; 16]);
        let now = recorded::seed().at;
        let of = |renewed: &str, seconds| holder(&lease(renewed, seconds), &id, now);
        assert_eq!(of("2099-01-01T00:00:00Z", 60), None);
        assert_eq!(of("2026-11-21T06:00:00Z", i64::MAX), None);
        assert_eq!(of("garbage", 60), None);
        let held = of("2026-11-21T06:29:50Z", 60).unwrap();
        assert!(!held.shown().contains('\u{1b}'));
    }
}
