//! Which changes do all events of a spool tell of together?
//!
//! Events of one name are one change: the later one, in the order of the files and of their lines,
//! tells how it went on. The end of a pipeline's run tells how the changes of its chain ended. Called by
//! [`super::poll`]; pure.

use std::collections::HashMap;

use super::file::MAX_EVENTS;
use super::record::{Push, Record, Run};
use crate::config::delivery::DeclaredPlace;
use crate::domain::change::{
    Actor, ActorKind, Change, ChangeKind, Outcome, Subject, Told, Versions,
};
use crate::domain::label::Labels;
use crate::domain::source::SourceName;
use crate::domain::text::Untrusted;

/// All changes, the newest first, and how many older ones are left out.
pub(super) fn changes<'a>(
    records: impl Iterator<Item = &'a Record>,
    source: &SourceName,
    place: &DeclaredPlace,
) -> (Vec<Change>, usize) {
    let mut pushes: Vec<Push> = Vec::new();
    let mut by_key: HashMap<&str, usize> = HashMap::new();
    let mut runs: HashMap<&str, &Run> = HashMap::new();
    for record in records {
        match record {
            Record::Push(push) => match by_key.get(&*push.key) {
                Some(at) => {
                    if let Some(known) = pushes.get_mut(*at) {
                        known.update(push);
                    }
                }
                None => {
                    by_key.insert(&push.key, pushes.len());
                    pushes.push(Push::clone(push));
                }
            },
            Record::Run(run) => {
                for name in &run.names {
                    runs.insert(name, run);
                }
            }
        }
    }
    let changes = pushes.into_iter().map(|mut push| {
        let run = push.linked.iter().find_map(|name| runs.get(name.as_str()));
        if let (None, Some(run)) = (push.outcome, run) {
            push.outcome = Some(run.outcome);
            push.reason = push.reason.take().or_else(|| run.reason.clone());
        }
        change(push, source, place)
    });
    let mut changes: Vec<Change> = changes.collect();
    changes.sort_by(|a, b| (b.started_at, &b.id).cmp(&(a.started_at, &a.id)));
    let left_out = changes.len().saturating_sub(MAX_EVENTS);
    changes.truncate(MAX_EVENTS);
    (changes, left_out)
}

fn change(push: Push, source: &SourceName, place: &DeclaredPlace) -> Change {
    let declared = |text: &Option<String>| text.as_deref().map(Untrusted::line);
    // A name of ours wins over one of the event's labels: the later one stays.
    let mut labels = push.labels;
    let ours = [
        ("cluster", push.cluster.or_else(|| declared(&place.cluster))),
        ("region", push.region.or_else(|| declared(&place.region))),
        ("source", Some(Untrusted::line(source))),
    ];
    let ours = ours
        .into_iter()
        .filter_map(|(name, value)| Some((Untrusted::line(name), value?)));
    labels.extend(ours);
    let started_at = push.started_at.or(push.finished_at).unwrap_or_default();
    let who = push.who.map(|name| Actor {
        kind: if name.raw().ends_with("[bot]") {
            ActorKind::Automation
        } else {
            ActorKind::Person
        },
        name,
    });
    Change {
        id: Untrusted::line(&format!("spool:{source}:{}", push.key)),
        source: source.clone(),
        also: Vec::new(),
        subject: Subject {
            target: push.target,
            service: push.service.or_else(|| declared(&place.service)),
            env: push.env.or_else(|| declared(&place.env)),
            labels: Labels::new(labels),
        },
        kind: push.kind.unwrap_or(ChangeKind::Version),
        versions: Versions {
            from: push.from,
            to: push.to,
            from_is_derived: false,
        },
        who,
        started_at,
        finished_at: push.finished_at,
        outcome: push.outcome.unwrap_or(Outcome::Unknown),
        told: Told {
            link: push.link,
            reason: push.reason,
            progress: None,
            notes: push.notes,
        },
    }
}
