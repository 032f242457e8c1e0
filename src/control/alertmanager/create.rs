//! A new silence: on one replica of each cluster that is meant.

use serde_json::json;

use super::hidden::{HIDES, Hidden};
use super::replicas::Clusters;
use super::silence::wire;
use super::{
    Ends, Job, NoPlan, ending, later, marked, posting, precondition, silences, stamp, unmarked,
};
use crate::config::settings::Settings;
use crate::domain::action::{ActionRequest, Direction, Risk};
use crate::domain::duration;
use crate::domain::label::Labels;
use crate::domain::matcher::{Matcher, Matchers};
use crate::domain::plan::{
    Difference, DryRun, DryVerdict, Grade, Holds, Plan, Precondition, Reverse, Target,
};
use crate::domain::text::Untrusted;

/// A value that no label has: whatever matches it matches nearly everything.
const NOBODYS_VALUE: &str = "quell-7f0c-nobody";

pub(super) fn resolve(
    settings: &Settings,
    clusters: &Clusters,
    request: &ActionRequest,
) -> Result<Vec<Target>, NoPlan> {
    let matchers = request.matchers("matchers")?;
    let meant = clusters.meant(request)?;
    let targets = meant.into_iter().map(|cluster| {
        let replica = cluster.writable()?;
        Ok(Target {
            env: env(settings),
            server: replica.name.clone(),
            server_identity: cluster.identity.clone(),
            name: Untrusted::line(&format!("silence of {matchers}")),
            word: word(&matchers),
            namespace: demanded(&matchers, &["namespace".to_owned()]),
            service: demanded(&matchers, &settings.triage.labels.service),
            uid: None,
        })
    });
    targets.collect()
}

pub(super) fn env(settings: &Settings) -> Option<Untrusted> {
    let env = settings.environment.as_ref()?;
    Some(Untrusted::line(&env.name))
}

/// What it names first: the alert, or another value that it demands.
pub(super) fn word(matchers: &Matchers) -> Untrusted {
    let alert = demanded(matchers, &["alertname".to_owned()]);
    let other = || matchers.0.iter().find_map(Matcher::exact_value);
    let named = || {
        other()
            .filter(|value| !value.is_empty())
            .map(Untrusted::line)
    };
    alert
        .or_else(named)
        .unwrap_or_else(|| Untrusted::line("silence"))
}

/// The value of the first of these labels of which exactly one is demanded.
pub(super) fn demanded(matchers: &Matchers, labels: &[String]) -> Option<Untrusted> {
    labels.iter().find_map(|label| {
        let mut demands = matchers.0.iter().filter(|one| one.name() == label);
        let value = demands.find_map(Matcher::exact_value)?;
        (!value.is_empty()).then(|| Untrusted::line(value))
    })
}

pub(super) async fn plan(job: Job<'_>) -> Result<Plan, NoPlan> {
    let request = job.request;
    let matchers = request.matchers("matchers")?;
    let length = request.duration("duration")?;
    let ends_at = later(job.seed.at, length)?;
    let comment = marked(&unmarked(request.text("reason")?), &job.seed.id);
    let body = json!({
        "matchers": wire(&matchers),
        "startsAt": stamp(job.seed.at),
        "endsAt": stamp(ends_at),
        "createdBy": request.by.name.shown(),
        "comment": comment,
    });

    let mut hidden = Hidden::default();
    let mut preconditions = narrow(&matchers);
    let (mut steps, mut back) = (Vec::new(), Vec::new());
    for (at, target) in job.targets.iter().enumerate() {
        let on = target.server_identity.as_str();
        hidden.look(job, &target.server, &matchers).await;
        preconditions.push(not_twice(job, target, &matchers).await);
        let cluster = job.clusters.with(&target.server);
        let witness = cluster.map_or(target.server.clone(), |c| c.witness(&target.server));
        let what = format!("post the silence to {} of {on}", target.server);
        steps.push(posting(job, at, &what, &witness, &body));
        let what = format!("end the silence on {on}");
        back.push(ending(job, at, &what, Ends::Marked(&job.seed.id)));
    }
    preconditions.extend(hidden.preconditions());
    preconditions.extend(left_out(job.clusters, request));

    let length = duration::exact(length.as_secs());
    Ok(Plan {
        seed: job.seed.clone(),
        request: request.clone(),
        title: Untrusted::line(&format!("silence {matchers} for {length}")),
        targets: job.targets.to_vec(),
        steps,
        reverse: Reverse::Steps {
            what: Untrusted::line("end the silence"),
            steps: back,
            dry_run: DryRun {
                grade: Grade::C,
                verdict: DryVerdict::Accepted,
                notes: vec![Untrusted::line(
                    "the silence is found by the mark in its comment; nobody has to know its id",
                )],
            },
        },
        risk: Risk::R1,
        direction: Direction::Neutral,
        differences: vec![Difference {
            path: Untrusted::line(&format!("silence {matchers}")),
            before: None,
            after: Some(Untrusted::line(&format!("until {}", stamp(ends_at)))),
        }],
        blast: hidden.blast(HIDES),
        dry_run: hidden.dry_run(),
        preconditions,
        made_at: job.now,
        server_ahead_secs: hidden.ahead_secs,
    })
}

/// Whether they name something: silences that are too broad hide what nobody thought of.
fn narrow(matchers: &Matchers) -> Vec<Precondition> {
    let all = &matchers.0;
    let (count, nothing) = (all.len(), Labels::default());
    let two = if count >= 2 { Holds::Yes } else { Holds::No };
    let names_something = all.iter().any(|one| !one.matches(&nothing));
    // Alertmanager refuses it too, but this says it sooner.
    let something = if names_something {
        Holds::Yes
    } else {
        Holds::No
    };
    let is_broad = |one: &Matcher| one.matches(&Labels::of(&[(one.name(), NOBODYS_VALUE)]));
    let is_everything = all.iter().all(is_broad);
    let (narrow, how) = if is_everything {
        let how = "each of them matches any value: it hides everything, or all but a few";
        (Holds::No, how)
    } else {
        (Holds::Yes, "at least one of them names what it is about")
    };
    vec![
        precondition("has at least two matchers", two, format!("it has {count}")),
        precondition(
            "one matcher needs a label to be there",
            something,
            if names_something {
                "an alert without labels is not hidden"
            } else {
                "all of them match an alert without any label: add one such as alertname=\"...\""
            },
        ),
        precondition("does not match everything", narrow, how),
    ]
}

/// Whether the same silence is there already.
async fn not_twice(job: Job<'_>, target: &Target, matchers: &Matchers) -> Precondition {
    let what = "there is no such silence yet";
    match silences(job.servers, &target.server).await {
        Err(why) => precondition(what, Holds::Unknown, why.to_string()),
        Ok(all) => {
            let mut going = all.iter().filter(|one| one.state != "expired");
            match going.find(|one| one.is_same(matchers)) {
                Some(one) => {
                    let (id, until) = (&one.id, one.stored_end());
                    let by = &one.created_by;
                    let why =
                        format!("{id} by {by} has the same matchers until {until}: extend it");
                    precondition(what, Holds::Warns, why)
                }
                None => precondition(what, Holds::Yes, format!("not on {}", target.server)),
            }
        }
    }
}

fn left_out(clusters: &Clusters, request: &ActionRequest) -> Option<Precondition> {
    if request.get(crate::domain::action::CLUSTER).is_some() {
        return None;
    }
    let silent = clusters.left_out().map(|replica| replica.name.to_string());
    let silent: Vec<_> = silent.collect();
    let one = silent.first()?;
    let is_only = clusters.left_out().count() == clusters.len();
    let names = silent.join(", ");
    (!is_only).then(|| {
        let why = format!(
            "{names} does not answer; if it belongs to no other cluster, alerts there go on. \
            `cluster = \"...\"` in the config says which it belongs to"
        );
        let what = format!("every Alertmanager such as {one} is known");
        precondition(&what, Holds::Warns, why)
    })
}
