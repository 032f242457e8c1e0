//! A silence that is there: extended, or ended.
//!
//! Alertmanager keeps the id of a silence only where its matchers and its start come back as they are
//! stored, so both are echoed. One that has not begun or has ended is not changed: that would make another.

use serde_json::Value;

use super::hidden::{HIDES, Hidden, LETS_OUT};
use super::replicas::Clusters;
use super::silence::{Silence, is_id};
use super::{
    Ends, Job, NoPlan, WITHIN, create, ending, is, later, marked, posting, precondition, stamp,
    unmarked,
};
use crate::config::settings::Settings;
use crate::control::http_servers::HttpServers;
use crate::domain::action::{ActionRequest, Direction, Risk};
use crate::domain::check::{Evidence, Read, ReadCheck};
use crate::domain::plan::{
    Difference, DryRun, DryVerdict, Grade, Holds, Plan, Precondition, Reverse, Step, Target, Write,
};
use crate::domain::text::{Untrusted, shown};

/// The cluster that has the silence.
pub(super) async fn resolve(
    settings: &Settings,
    servers: &HttpServers,
    clusters: &Clusters,
    request: &ActionRequest,
) -> Result<Vec<Target>, NoPlan> {
    let id = id(request)?;
    let mut failures = Vec::new();
    for cluster in clusters.meant(request)? {
        let found = match cluster.writable() {
            Ok(replica) => {
                let found = read(servers, &replica.name, id).await;
                found.map(|found| found.map(|silence| (silence, replica)))
            }
            Err(why) => Err(why),
        };
        match found {
            Ok(Some((silence, replica))) => {
                let matchers = silence.matchers().unwrap_or_default();
                return Ok(vec![Target {
                    env: create::env(settings),
                    server: replica.name.clone(),
                    server_identity: cluster.identity.clone(),
                    name: Untrusted::line(&format!("silence {id} of {matchers}")),
                    word: Untrusted::line(id.get(..8).unwrap_or(id)),
                    namespace: create::demanded(&matchers, &["namespace".to_owned()]),
                    service: create::demanded(&matchers, &settings.triage.labels.service),
                    uid: Some(id.to_owned()),
                }]);
            }
            Ok(None) => {}
            Err(why) => failures.push(why.to_string()),
        }
    }
    Err(match &*failures {
        [] => NoPlan::new(format!(
            "no Alertmanager has a silence `{id}`; one that ended days ago is forgotten"
        )),
        some => NoPlan::new(format!("silence `{id}` was not found: {}", some.join("; "))),
    })
}

fn id(request: &ActionRequest) -> Result<&str, NoPlan> {
    let id = request.text("id")?;
    if is_id(id) {
        return Ok(id);
    }
    let id = shown(id);
    Err(NoPlan::new(format!(
        "`id`: `{id}` is no id of a silence; it looks like 1a2b3c4d-...: quell alerts shows them"
    )))
}

async fn read(servers: &HttpServers, server: &str, id: &str) -> Result<Option<Silence>, NoPlan> {
    let heard = servers
        .ask(server, &format!("/api/v2/silence/{id}"))
        .await?;
    if heard.status == http::StatusCode::NOT_FOUND {
        return Ok(None);
    }
    match Silence::read(&heard.value) {
        Some(silence) if silence.id == id => Ok(Some(silence)),
        _ => Err(NoPlan::new(format!(
            "{server} answers with something that is not silence {id}"
        ))),
    }
}

/// The silence of the pinned target, as it is now.
async fn current(job: Job<'_>) -> Result<(&Target, Silence), NoPlan> {
    let [target] = job.targets else {
        return Err(NoPlan::new("a silence is one target"));
    };
    let id = id(job.request)?;
    let found = read(job.servers, &target.server, id).await?;
    let silence = found.ok_or_else(|| NoPlan::new(format!("silence {id} is gone")))?;
    Ok((target, silence))
}

pub(super) async fn extend(job: Job<'_>) -> Result<Plan, NoPlan> {
    let (target, silence) = current(job).await?;
    let ends_at = later(job.seed.at, job.request.duration("duration")?)?;
    let comment = marked(&silence.comment, &job.seed.id);
    let body = silence.body(Some(&silence.id), &stamp(ends_at), &comment);
    let back = silence.body(Some(&silence.id), silence.stored_end(), &comment);
    let witness = job.clusters.with(&target.server);
    let witness = witness.map_or(target.server.clone(), |c| c.witness(&target.server));
    let mut step = posting(job, 0, "post the silence with its new end", &witness, &body);
    // The witness has the mark only with the new end.
    step.what = Untrusted::line(&format!("let it last until {}", stamp(ends_at)));
    let reverse = posting(job, 0, "let it end as before", &target.server, &back);

    let shorter = if ends_at < silence.ends_at {
        let until = silence.stored_end();
        (
            Holds::Warns,
            format!("it would end sooner: it lasts until {until}"),
        )
    } else {
        (
            Holds::Yes,
            format!("it lasts until {} now", silence.stored_end()),
        )
    };
    let mut hidden = Hidden::default();
    let mut preconditions = vec![
        is_active(&silence),
        precondition("lasts longer than before", shorter.0, shorter.1),
    ];
    look(job, &mut hidden, &silence, &mut preconditions).await;
    preconditions.extend(hidden.preconditions());
    let note = "where the silence has ended by then, or its old end is over, the server refuses it";
    let difference = Difference {
        path: Untrusted::line("endsAt"),
        before: Some(Untrusted::line(silence.stored_end())),
        after: Some(Untrusted::line(&stamp(ends_at))),
    };
    Ok(Plan {
        title: Untrusted::line(&format!(
            "extend silence {} until {}",
            silence.id,
            stamp(ends_at)
        )),
        steps: vec![step],
        reverse: Reverse::Steps {
            what: Untrusted::line(&format!("let it end at {} again", silence.stored_end())),
            steps: vec![told_by_the_end(reverse, &silence, &stamp(ends_at))],
            dry_run: computed(note),
        },
        differences: vec![difference],
        blast: hidden.blast(HIDES),
        ..base(job, &hidden, preconditions)
    })
}

/// The mark of the action is there already when the reverse of an extension is sent: the end tells.
fn told_by_the_end(mut step: Step, silence: &Silence, extended: &str) -> Step {
    let read = Read {
        server: match &step.write {
            Write::Http(write) => write.server.clone(),
            Write::Command(_) => return step,
        },
        path: format!("/api/v2/silence/{}", silence.id),
    };
    let ends = |at: &str| vec![is("/endsAt".to_owned(), at)];
    step.check = Some(ReadCheck {
        read: read.clone(),
        done: ends(silence.stored_end()),
        failed: Vec::new(),
        shown: vec![(Untrusted::line("it ends at"), "/endsAt".to_owned())],
        within: WITHIN,
    });
    step.evidence = Evidence::Read {
        read,
        applied: ends(silence.stored_end()),
        untouched: ends(extended),
    };
    step
}

pub(super) async fn expire(job: Job<'_>) -> Result<Plan, NoPlan> {
    let (_, silence) = current(job).await?;
    let going = match silence.state.as_str() {
        "expired" => (Holds::No, "it has ended already: there is nothing to do"),
        _ => (Holds::Yes, "it has not ended"),
    };
    let mut hidden = Hidden::default();
    let mut preconditions = vec![precondition("is still there to end", going.0, going.1)];
    look(job, &mut hidden, &silence, &mut preconditions).await;
    hidden.by_this_alone(&silence.id);
    let what = format!("end silence {}", silence.id);
    let comment = marked(&unmarked(&silence.comment), &job.seed.id);
    let mut again: Value = silence.body(None, silence.stored_end(), &comment);
    if silence.starts_at < job.seed.at {
        again["startsAt"] = Value::String(stamp(job.seed.at));
    }
    let server = &job.targets[0].server;
    let reverse = posting(job, 0, "make the same silence again", server, &again);
    let note = "it is a new silence with another id; once its end is over the server refuses it";
    Ok(Plan {
        title: Untrusted::line(&what),
        steps: vec![ending(job, 0, &what, Ends::Id(&silence.id))],
        reverse: Reverse::Steps {
            what: Untrusted::line("make the same silence again, with the same end"),
            steps: vec![reverse],
            dry_run: computed(note),
        },
        direction: Direction::Reduces,
        differences: vec![Difference {
            path: Untrusted::line("state"),
            before: Some(Untrusted::line(&silence.state)),
            after: Some(Untrusted::line("expired")),
        }],
        blast: hidden.blast(LETS_OUT),
        ..base(job, &hidden, preconditions)
    })
}

/// What every plan over one silence has alike.
fn base(job: Job<'_>, hidden: &Hidden, preconditions: Vec<Precondition>) -> Plan {
    Plan {
        seed: job.seed.clone(),
        request: job.request.clone(),
        title: Untrusted::default(),
        targets: job.targets.to_vec(),
        steps: Vec::new(),
        reverse: Reverse::None(Untrusted::default()),
        risk: Risk::R1,
        direction: Direction::Neutral,
        differences: Vec::new(),
        blast: hidden.blast(HIDES),
        dry_run: hidden.dry_run(),
        preconditions,
        made_at: job.now,
        server_ahead_secs: hidden.ahead_secs,
    }
}

fn computed(note: &str) -> DryRun {
    DryRun {
        grade: Grade::C,
        verdict: DryVerdict::Accepted,
        notes: vec![Untrusted::line(note)],
    }
}

fn is_active(silence: &Silence) -> Precondition {
    let (state, why) = match silence.state.as_str() {
        "active" => (Holds::Yes, "it is active"),
        "pending" => (
            Holds::No,
            "it has not begun, and changing it would make another one: create the one that you need",
        ),
        _ => (
            Holds::No,
            "it has ended, and changing it would make another one: create a new one",
        ),
    };
    precondition("is active", state, why)
}

async fn look(
    job: Job<'_>,
    hidden: &mut Hidden,
    silence: &Silence,
    preconditions: &mut Vec<Precondition>,
) {
    match silence.matchers() {
        Some(matchers) => hidden.look(job, &job.targets[0].server, &matchers).await,
        None => preconditions.push(precondition(
            "its matchers are understood",
            Holds::Unknown,
            "one of its regular expressions is none here: what it hides is not known",
        )),
    }
}
