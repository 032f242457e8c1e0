//! The past of an SLO is asked for when it is on screen, once, and what is known of it stays.

use std::sync::Arc;

use super::burns::{burning, measures, slo};
use super::world::{World, page, refused};
use crate::domain::slo::SloId;
use crate::domain::slo_measured::{BurnAnswer, Span};
use crate::effect::Effect;
use crate::model::burns::{MOST_ASKED, Remembered};
use crate::msg::{Answer, Msg};

/// What was asked for: the source, the names, the span.
fn asked(effects: &[Effect]) -> Vec<(usize, Vec<String>, Span)> {
    let asked = effects.iter().filter_map(|effect| match effect {
        Effect::BurnHistory { source, slos, span } => {
            let names = slos.iter().map(|slo| slo.id.name.raw().to_owned());
            Some((*source, names.collect(), *span))
        }
        _ => None,
    });
    asked.collect()
}

/// The names alone.
fn names(effects: &[Effect]) -> Vec<String> {
    asked(effects)
        .into_iter()
        .flat_map(|(_, names, _)| names)
        .collect()
}

fn many(count: usize) -> Vec<(String, f64)> {
    (0..count)
        .map(|n| (format!("slo-{n:03}"), 0.000_1))
        .collect()
}

fn of(many: &[(String, f64)]) -> Vec<(&str, f64)> {
    many.iter()
        .map(|(name, share)| (name.as_str(), *share))
        .collect()
}

fn id(world: &World, name: &str) -> SloId {
    let mut burns = world.model.board.burns.iter();
    burns
        .find(|b| b.id().name.raw() == name)
        .unwrap()
        .id()
        .clone()
}

fn known<'w>(world: &'w World, name: &str, span: Span) -> Option<&'w Remembered> {
    world.model.session.burn.past.of(&id(world, name), span)
}

#[test]
fn what_is_on_screen_is_asked_for_once() {
    let slos = many(30);
    let mut world = World::showing(&[]);
    assert!(
        measures(&mut world, &of(&slos)).is_empty(),
        "screen 1 shows no past"
    );
    let effects = world.press("2");
    let source = world.slos();
    let first: Vec<String> = slos[..9].iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(asked(&effects), [(source, first, Span::SixHours)]);
    assert!(world.press("j k j").is_empty());
    assert!(
        names(&world.pass_secs(120)).is_empty(),
        "within two minutes it is good enough"
    );
    let again = names(&world.pass_secs(1)).len();
    assert_eq!(again, world.height(), "then it is asked for again");
    assert!(names(&world.pass_secs(1)).is_empty());
}

#[test]
fn what_is_scrolled_to_is_asked_for() {
    let slos = many(30);
    let mut world = burning(&of(&slos));
    assert_eq!(names(&world.press("G")).len(), 9);
    assert_eq!(names(&world.press("k k k k k k k k k")), ["slo-020"]);
}

#[test]
fn another_span_is_another_question() {
    let mut world = burning(&[("a", 0.000_5)]);
    let effects = world.press("t");
    let source = world.slos();
    assert_eq!(
        asked(&effects),
        [(source, vec!["a".to_owned()], Span::ThreeDays)]
    );
    assert!(
        world.press("t").is_empty(),
        "the other one is known well enough"
    );
}

#[test]
fn no_more_than_a_screenful_is_asked_for_at_once() {
    let slos = many(100);
    let mut world = World::showing(&[]);
    world.resize(80, 70);
    measures(&mut world, &of(&slos));
    let first = names(&world.press("2"));
    assert_eq!(first.len(), MOST_ASKED);
    let rest = names(&world.press("j"));
    assert!(!rest.is_empty() && rest.len() <= MOST_ASKED);
    assert!(rest.iter().all(|name| !first.contains(name)));
}

#[test]
fn each_source_is_asked_for_its_own() {
    let mut world = World::showing(&[]);
    let mut other = world.model.knowledge.sources[world.slos()].clone();
    other.name = "prom-2/slo".into();
    world.model.knowledge.sources.push(other);
    let last = world.model.knowledge.sources.len() - 1;
    measures(&mut world, &[("a", 0.000_5), ("b", 0.000_4)]);
    let answer = BurnAnswer {
        slos: vec![Arc::new(slo(&world, "c", 0.000_3))],
        ..BurnAnswer::default()
    };
    let msg = world.report(last, Ok(Answer::Burn(Arc::new(answer))));
    world.tell(msg);
    let effects = world.press("2");
    let first = (
        world.slos(),
        vec!["a".to_owned(), "b".to_owned()],
        Span::SixHours,
    );
    let second = (last, vec!["c".to_owned()], Span::SixHours);
    assert_eq!(asked(&effects), [first, second]);
}

#[test]
fn an_opened_slo_is_asked_for_alone() {
    let mut world = World::showing(&[page("X").with("service", "service-b")]);
    measures(&mut world, &[("a", 0.000_5), ("b", 0.000_4)]);
    assert_eq!(names(&world.press("b")), ["b"]);
    assert_eq!(
        names(&world.press("2")),
        ["a"],
        "the list shows the other one, too"
    );
}

#[test]
fn an_opened_alert_asks_for_the_burn_of_its_service() {
    let mut world = World::showing(&[page("X").with("service", "service-b"), page("Y")]);
    measures(&mut world, &[("a", 0.000_5), ("b", 0.000_4)]);
    assert_eq!(names(&world.press("enter")), ["b"]);
    assert!(world.press("j j").is_empty());
    world.press("esc j");
    assert!(
        names(&world.press("enter")).is_empty(),
        "it names no service"
    );
}

#[test]
fn a_burn_row_is_asked_for_where_its_chart_is_beside_it() {
    for (columns, wanted) in [(80, 0), (120, 1)] {
        let mut world = World::showing(&[]);
        world.resize(columns, 24);
        measures(&mut world, &[("a", 0.000_5)]);
        assert_eq!(
            names(&measures(&mut world, &[("p", 0.02)])).len(),
            wanted,
            "{columns}"
        );
    }
}

#[test]
fn no_other_screen_asks() {
    for screen in ["1", "5", "8"] {
        let mut world = World::showing(&[page("X").with("service", "service-a")]);
        world.press(screen);
        assert!(
            measures(&mut world, &[("a", 0.000_5)]).is_empty(),
            "{screen}"
        );
        assert!(names(&world.pass_secs(300)).is_empty(), "{screen}");
    }
}

/// The past of one SLO is there, or why not.
fn hears(world: &mut World, name: &str, said: Option<f64>) {
    let id = id(world, name);
    let result = match said {
        Some(ratio) => Ok(vec![(id.clone(), vec![(1.0, ratio)])]),
        None => Err(refused()),
    };
    world.tell(Msg::BurnHistoryReady {
        asked: vec![id],
        span: Span::SixHours,
        result,
    });
}

#[test]
fn a_failure_is_kept_and_leaves_the_last_good_answer() {
    let mut world = burning(&[("a", 0.000_5)]);
    let now = |world: &World| known(world, "a", Span::SixHours).unwrap().clone();
    assert_eq!((now(&world).ratios, now(&world).failed), (None, None));
    hears(&mut world, "a", None);
    assert_eq!(now(&world).ratios, None);
    assert!(now(&world).failed.unwrap().contains("connection refused"));
    assert!(
        names(&world.pass_secs(60)).is_empty(),
        "what failed is not asked for at once again"
    );
    hears(&mut world, "a", Some(0.25));
    assert_eq!(now(&world).ratios, Some(vec![(1.0, 0.25)]));
    assert_eq!(now(&world).failed, None);
    hears(&mut world, "a", None);
    assert_eq!(now(&world).ratios, Some(vec![(1.0, 0.25)]));
    assert!(now(&world).failed.is_some());
    assert!(known(&world, "a", Span::ThreeDays).is_none());
}

#[test]
fn an_slo_that_has_no_past_is_known_to_have_none() {
    let mut world = burning(&[("a", 0.000_5), ("b", 0.000_4)]);
    let (a, b) = (id(&world, "a"), id(&world, "b"));
    world.tell(Msg::BurnHistoryReady {
        asked: vec![a.clone(), b],
        span: Span::SixHours,
        result: Ok(vec![(a, vec![(1.0, 0.5)])]),
    });
    assert_eq!(
        known(&world, "b", Span::SixHours).unwrap().ratios,
        Some(vec![])
    );
}

#[test]
fn what_nobody_asked_for_is_not_kept() {
    let mut world = World::showing(&[]);
    measures(&mut world, &[("a", 0.000_5)]);
    hears(&mut world, "a", Some(0.5));
    assert!(known(&world, "a", Span::SixHours).is_none());
}

/// The memory is bounded, and what was looked at last stays in it.
#[test]
fn the_oldest_past_is_forgotten_first() {
    let slos = many(600);
    let mut world = burning(&of(&slos));
    hears(&mut world, "slo-000", Some(0.5));
    while world.model.session.burn.scroll.cursor < 599 {
        world.pass_secs(1);
        world.press("pgdn");
    }
    assert!(known(&world, "slo-000", Span::SixHours).is_none());
    let last = known(&world, "slo-599", Span::SixHours);
    assert!(last.is_some(), "it is on screen");
    let before = known(&world, "slo-400", Span::SixHours);
    assert!(before.is_some(), "not all are forgotten at once");
}
