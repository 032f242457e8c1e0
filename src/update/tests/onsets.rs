//! Since when does it burn? Asked for what burns, held against changes, and forgotten with the burn.

use std::sync::Arc;

use chrono::TimeDelta;

use super::burns::measures;
use super::world::{World, page, source};
use crate::domain::change::{Change, ChangeKind, Outcome, Subject, Told, Versions};
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::observed::Sample;
use crate::domain::slo::SloId;
use crate::domain::slo_measured::Span;
use crate::domain::source::SourceKind;
use crate::domain::suspect::Cause;
use crate::domain::text::Untrusted;
use crate::effect::Effect;
use crate::msg::{Answer, Msg};

/// A cluster that rolled service-p out so long ago.
fn rolled_out(world: &mut World, secs_ago: i64) -> Vec<Effect> {
    let sources = &mut world.model.knowledge.sources;
    sources.push(source("k8s", SourceKind::Kubernetes));
    let place = sources.len() - 1;
    let at = world.model.now - TimeDelta::seconds(secs_ago);
    let change = Change {
        id: Untrusted::line("rollout"),
        source: "k8s".into(),
        also: Vec::new(),
        subject: Subject {
            service: Some(Untrusted::line("service-p")),
            ..Subject::default()
        },
        kind: ChangeKind::Version,
        versions: Versions::default(),
        who: None,
        started_at: at,
        finished_at: Some(at),
        outcome: Outcome::Ok,
        told: Told::default(),
    };
    let answer = DeliveryAnswer {
        changes: vec![change],
        ..DeliveryAnswer::default()
    };
    let msg = world.report(place, Ok(Answer::Delivery(Arc::new(answer))));
    world.tell(msg)
}

fn asked(effects: &[Effect]) -> Vec<SloId> {
    let asked = effects.iter().filter_map(|effect| match effect {
        Effect::BurnHistory { slos, span, .. } => {
            assert_eq!(*span, Span::SixHours);
            Some(slos.iter().map(|slo| slo.id.clone()))
        }
        _ => None,
    });
    asked.flatten().collect()
}

/// Above its budget for the last so many seconds, calm before.
fn past(world: &World, burning_secs: i64) -> Vec<Sample> {
    let now = world.model.now.timestamp();
    (0..60)
        .map(|minute| {
            let at = now - 60 * (59 - minute);
            let ratio = if at >= now - burning_secs { 0.02 } else { 0.0 };
            #[allow(clippy::cast_precision_loss, reason = "seconds since the epoch")]
            let at = at as f64;
            (at, ratio)
        })
        .collect()
}

#[test]
fn the_onset_of_a_burn_is_asked_for_once_and_changes_are_held_against_it() {
    let mut world = World::showing(&[page("P").with("service", "service-p").since(90)]);
    let effects = measures(&mut world, &[("p", 0.02), ("calm", 0.000_1)]);
    assert!(
        asked(&effects).is_empty(),
        "no change is known to hold against it"
    );
    let effects = rolled_out(&mut world, 1_900);
    let slos = asked(&effects);
    let names: Vec<&str> = slos.iter().map(|id| id.name.raw()).collect();
    assert_eq!(names, ["p"], "what is calm has no onset");
    assert!(asked(&world.pass_secs(30)).is_empty(), "once");

    let samples = past(&world, 1_800);
    let effects = world.tell(Msg::BurnHistoryReady {
        asked: slos.clone(),
        span: Span::SixHours,
        result: Ok(vec![(slos[0].clone(), samples)]),
    });
    assert!(asked(&effects).is_empty());
    let board = &world.model.board;
    let onset = board.onsets.get(&slos[0]).copied().unwrap();
    let ago = (world.model.now - onset).num_seconds();
    assert!((1_740..=1_860).contains(&ago), "{ago}");
    let suspects = board.suspects(&board.alerts[0]);
    assert_eq!(suspects[0].cause, Cause::Change(Untrusted::line("rollout")));
    assert!(suspects[0].is_suspect(), "{suspects:?}");

    measures(&mut world, &[("p", 0.000_1)]);
    assert!(
        world.model.knowledge.delivery.onsets.is_empty(),
        "with the burn"
    );
}

#[test]
fn a_past_that_failed_leaves_the_start_of_the_alert() {
    let mut world = World::showing(&[page("P").with("service", "service-p")]);
    measures(&mut world, &[("p", 0.02)]);
    let slos = asked(&rolled_out(&mut world, 1_900));
    let error =
        crate::domain::source::SourceError::new(crate::domain::source::ErrorKind::TimedOut, "slow");
    world.tell(Msg::BurnHistoryReady {
        asked: slos,
        span: Span::SixHours,
        result: Err(error),
    });
    let board = &world.model.board;
    let onset = board.onset(&board.alerts[0]);
    assert_eq!(onset.burn_of, None);
    assert_eq!(onset.at, board.alerts[0].occurrence.starts_at);
}
