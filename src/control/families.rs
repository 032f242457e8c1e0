//! Who plans which action?
//!
//! One place that knows every family of actions by the beginning of its name. Called by [`super`]; it plans
//! nothing itself.

use chrono::{DateTime, Utc};

use super::{NoPlan, Servers, alertmanager, command, http_plane, kubernetes, terraform};
use crate::config::actions::ActionSettings;
use crate::domain::action::{ActionRequest, Catalogue};
use crate::domain::plan::{Plan, Seed, Target};

/// Every action that there is here, and what of the config describes none.
#[must_use]
pub fn catalogue(settings: &ActionSettings) -> (Catalogue, Vec<String>) {
    let (mut specs, problems) = http_plane::specs(settings);
    specs.extend(command::specs(settings));
    (Catalogue::with(specs), problems)
}

/// Looks up what a request is about, and pins it.
pub(super) async fn resolve(
    servers: &Servers,
    request: &ActionRequest,
) -> Result<Vec<Target>, NoPlan> {
    let action = request.action.as_str();
    if alertmanager::plans(action) {
        return alertmanager::resolve(servers.settings(), servers.http(), request).await;
    }
    if kubernetes::plans(action) {
        return kubernetes::resolve(servers.clusters(), request).await;
    }
    let settings = servers.settings();
    if http_plane::plans(action) {
        return http_plane::resolve(settings, request);
    }
    if command::plans(action) {
        return command::resolve(settings, request);
    }
    if terraform::plans(action) {
        return terraform::resolve(settings, request);
    }
    Err(unknown(request))
}

/// Makes the plan for pinned targets. The same request, seed and targets over an unchanged world make a
/// plan of the same digest.
pub(super) async fn plan(
    servers: &Servers,
    request: &ActionRequest,
    seed: &Seed,
    targets: &[Target],
    now: DateTime<Utc>,
) -> Result<Plan, NoPlan> {
    let action = request.action.as_str();
    if alertmanager::plans(action) {
        let (settings, http) = (servers.settings(), servers.http());
        return alertmanager::plan(settings, http, request, seed, targets, now).await;
    }
    if kubernetes::plans(action) {
        let clusters = servers.clusters();
        let mut plan = kubernetes::plan(clusters, request, seed, targets).await?;
        let cluster = targets.first().and_then(|one| clusters.named(&one.server));
        plan.server_ahead_secs = cluster.and_then(|cluster| cluster.ahead_secs(now));
        return Ok(plan);
    }
    let (settings, http) = (servers.settings(), servers.http());
    if http_plane::plans(action) {
        return http_plane::plan(settings, http, request, seed, targets, now).await;
    }
    if command::plans(action) {
        return command::plan(settings, request, seed, targets, now).await;
    }
    if terraform::plans(action) {
        return terraform::plan(settings, request, seed, targets, now).await;
    }
    Err(unknown(request))
}

fn unknown(request: &ActionRequest) -> NoPlan {
    NoPlan::new(format!("nothing here plans `{}`", request.action))
}
