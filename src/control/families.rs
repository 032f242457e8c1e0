//! Who plans which action?
//!
//! One place that knows every family of actions by the beginning of its name. Called by [`super`]; it plans
//! nothing itself.

use super::{NoPlan, Servers};
use crate::domain::action::ActionRequest;
use crate::domain::plan::{Plan, Seed, Target};

/// Looks up what a request is about, and pins it.
pub(super) async fn resolve(
    servers: &Servers,
    request: &ActionRequest,
) -> Result<Vec<Target>, NoPlan> {
    let _ = servers;
    std::future::ready(()).await;
    Err(unknown(request))
}

/// Makes the plan for pinned targets. The same request, seed and targets over an unchanged world make a
/// plan of the same digest.
pub(super) async fn plan(
    servers: &Servers,
    request: &ActionRequest,
    seed: &Seed,
    targets: &[Target],
) -> Result<Plan, NoPlan> {
    let _ = (servers, seed, targets);
    std::future::ready(()).await;
    Err(unknown(request))
}

fn unknown(request: &ActionRequest) -> NoPlan {
    NoPlan::new(format!("nothing here plans `{}`", request.action))
}
