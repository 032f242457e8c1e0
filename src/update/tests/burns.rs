//! Screen 2: the cursor belongs to an SLO, and every way in leads back out.

use std::sync::Arc;

use super::world::{World, page, pages};
use crate::domain::freshness::Freshness;
use crate::domain::slo_burn::tests::measured;
use crate::domain::slo_measured::{BurnAnswer, MeasuredSlo, Span};
use crate::effect::Effect;
use crate::model::burns::{self, Explain};
use crate::model::session::{Measured, Screen};
use crate::msg::Answer;

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// An SLO whose service has the name of a letter, and how much of its events are bad.
pub fn slo(world: &World, name: &str, bad_share: f64) -> MeasuredSlo {
    let windows = [300, 1_800, HOUR, 2 * HOUR, 6 * HOUR, DAY, 3 * DAY, 30 * DAY];
    let windows = windows.map(|secs| (secs, bad_share * 1e6, 1e6));
    let mut slo = measured(name, &format!("service-{name}"), &windows);
    let own = slo.period.as_mut().map(|period| &mut period.measured);
    for measured in slo.windows.iter_mut().chain(own) {
        measured.at = world.model.now;
    }
    slo
}

/// The Prometheus has measured these: names, and shares of bad events.
pub fn measures(world: &mut World, slos: &[(&str, f64)]) -> Vec<Effect> {
    let slos = slos
        .iter()
        .map(|(name, share)| Arc::new(slo(world, name, *share)));
    let answer = BurnAnswer {
        slos: slos.collect(),
        ..BurnAnswer::default()
    };
    let msg = world.report(world.slos(), Ok(Answer::Burn(Arc::new(answer))));
    world.tell(msg)
}

/// On screen 2 with these.
pub fn burning(slos: &[(&str, f64)]) -> World {
    let mut world = World::showing(&[]);
    measures(&mut world, slos);
    world.press("2");
    world
}

/// The rows: `a`, `a gone`, and `>` before the one with the cursor.
pub fn rows(world: &World) -> Vec<String> {
    let session = &world.model.session.burn;
    let named = |(at, id): (usize, &crate::domain::slo::SloId)| {
        let mark = if at == session.scroll.cursor { ">" } else { "" };
        let gone = match burns::find(&world.model.board, id) {
            Some(_) => "",
            None => " gone",
        };
        format!("{mark}{id}{gone}")
    };
    session.rows.iter().enumerate().map(named).collect()
}

/// What the loop does before it draws.
pub fn drawn(world: &mut World) {
    crate::update::measured(&mut world.model, Measured::default());
}

fn opened(world: &World) -> Option<String> {
    let opened = world.model.session.burn.opened.as_ref()?;
    Some(opened.id.to_string())
}

const THREE: [(&str, f64); 3] = [("a", 0.000_5), ("b", 0.000_4), ("c", 0.000_3)];

#[test]
fn what_runs_out_first_is_at_the_top_when_the_screen_is_opened() {
    let world = burning(&[("c", 0.000_3), ("a", 0.000_5), ("p", 0.02), ("b", 0.000_4)]);
    assert_eq!(rows(&world), [">p", "a", "b", "c"]);
}

#[test]
fn another_order_moves_nothing_while_somebody_looks() {
    let mut world = burning(&THREE);
    world.press("j");
    measures(&mut world, &[("a", 0.000_1), ("b", 0.02), ("c", 0.000_3)]);
    assert_eq!(rows(&world), ["a", ">b", "c"]);
    let level = burns::target(&world.model).unwrap().verdict.level();
    assert!(level.is_some(), "the row says what is new of it");
}

#[test]
fn the_screens_key_sorts_and_keeps_the_slo() {
    let mut world = burning(&THREE);
    world.press("j");
    measures(
        &mut world,
        &[("a", 0.000_1), ("b", 0.000_2), ("c", 0.000_8)],
    );
    assert_eq!(rows(&world), ["a", ">b", "c"]);
    world.press("2");
    assert_eq!(rows(&world), ["c", ">b", "a"]);
}

#[test]
fn the_sort_key_leads_to_what_runs_out_first() {
    let mut world = burning(&THREE);
    world.press("j j");
    measures(&mut world, &[("a", 0.000_1), ("b", 0.02), ("c", 0.000_3)]);
    world.press("o");
    assert_eq!(rows(&world), [">b", "c", "a"]);
    assert_eq!(
        world.notice(),
        "sorted: what pages, then what runs out first"
    );
}

#[test]
fn on_another_screen_the_rows_follow_and_the_cursor_stays_on_its_slo() {
    let mut world = burning(&THREE);
    world.press("j 1");
    measures(
        &mut world,
        &[("a", 0.000_1), ("b", 0.000_2), ("c", 0.000_8)],
    );
    assert_eq!(rows(&world), ["c", ">b", "a"]);
}

#[test]
fn a_new_slo_comes_last_until_it_is_sorted() {
    let mut world = burning(&THREE);
    let mut more = THREE.to_vec();
    more.extend([("z", 0.000_1), ("p", 0.02)]);
    measures(&mut world, &more);
    assert_eq!(rows(&world), [">a", "b", "c", "p", "z"]);
    world.press("2");
    assert_eq!(rows(&world), ["p", ">a", "b", "c", "z"]);
}

#[test]
fn what_is_gone_keeps_its_row_until_it_is_sorted_away() {
    let mut world = burning(&THREE);
    world.press("j");
    measures(&mut world, &[("a", 0.000_5), ("c", 0.000_3)]);
    assert_eq!(rows(&world), ["a", ">b gone", "c"]);
    for (key, reason) in [
        ("enter", "nothing is selected"),
        ("e", "no SLO is selected"),
        ("t", "no SLO is selected"),
    ] {
        world.press(key);
        assert_eq!(world.refusal(), Some(reason), "{key}");
    }
    measures(&mut world, &THREE);
    assert_eq!(rows(&world), ["a", ">b", "c"]);
    measures(&mut world, &[("a", 0.000_5), ("c", 0.000_3)]);
    world.press("j");
    assert_eq!(rows(&world), ["a", "b gone", ">c"]);
    world.press("o");
    assert_eq!(rows(&world), [">a", "c"]);
}

#[test]
fn an_opened_slo_that_is_gone_stays_open() {
    let mut world = burning(&THREE);
    world.press("j enter");
    measures(&mut world, &[("a", 0.000_5)]);
    assert_eq!(opened(&world).as_deref(), Some("b"));
    assert!(burns::target(&world.model).is_none());
    world.press("esc");
    assert_eq!(rows(&world), ["a", ">b gone", "c gone"]);
}

#[test]
fn the_cursor_stays_in_sight() {
    let names: Vec<String> = (0..30).map(|n| format!("slo-{n:02}")).collect();
    let slos: Vec<(&str, f64)> = names.iter().map(|name| (name.as_str(), 0.000_1)).collect();
    let mut world = burning(&slos);
    world.press("G");
    let session = &world.model.session.burn;
    assert_eq!((session.scroll.cursor, world.height()), (29, 9));
    assert_eq!(session.scroll.top, 21);
    world.resize(80, 10);
    drawn(&mut world);
    let session = &world.model.session.burn;
    let shown = session.scroll.window(session.rows.len(), world.height());
    assert!(shown.contains(&29), "{shown:?}");
}

#[test]
fn a_filter_is_of_the_list_that_is_on_screen() {
    let mut world = burning(&THREE);
    world.press("j /");
    world.type_text("slo!=a");
    assert_eq!(rows(&world), [">b", "c"]);
    world.press("enter");
    assert!(world.model.session.triage.filter.is_empty());
    world.command("filter service=service-c");
    assert_eq!(rows(&world), [">c"]);
    assert!(world.model.session.triage.filter.is_empty());
    world.press("esc");
    assert_eq!(rows(&world), ["a", "b", ">c"]);
    assert_eq!(world.model.session.screen, Screen::Burn);
    world.press("esc");
    assert_eq!(world.model.session.screen, Screen::Triage);
}

#[test]
fn a_word_finds_a_name_and_a_service() {
    for (word, found) in [("alpha", vec![">alpha"]), ("service-be", vec![">beta"])] {
        let mut world = burning(&[("alpha", 0.000_5), ("beta", 0.000_4)]);
        world.press("/");
        world.type_text(word);
        assert_eq!(rows(&world), found, "{word}");
    }
}

#[test]
fn a_filter_that_is_dropped_brings_back_what_was_there() {
    let mut world = burning(&THREE);
    world.press("j j /");
    world.type_text("slo=c");
    assert_eq!(rows(&world), [">c"]);
    world.press("esc");
    assert_eq!(rows(&world), ["a", "b", ">c"]);
    world.command("filter slo=~(");
    assert!(world.refusal().is_some());
    world.press("esc");
    assert_eq!(rows(&world), ["a", "b", ">c"]);
}

#[test]
fn a_filter_of_the_triage_list_leaves_this_one_alone() {
    let mut world = burning(&THREE);
    world.press("1");
    world.command("filter alertname=x");
    world.press("2");
    assert_eq!(rows(&world), [">a", "b", "c"]);
}

#[test]
fn an_slo_is_opened_from_the_list_and_left() {
    let mut world = burning(&THREE);
    world.press("j enter");
    assert_eq!(opened(&world).as_deref(), Some("b"));
    world.press("esc");
    assert_eq!(opened(&world), None);
    assert_eq!(rows(&world), ["a", ">b", "c"]);
    world.press("enter 2");
    assert_eq!(
        (opened(&world), world.model.session.screen),
        (None, Screen::Burn)
    );
}

/// A page-level burn that no alert speaks of, above an alert of another service.
fn with_burn_row() -> World {
    let mut world = World::showing(&[page("X").with("service", "service-c")]);
    measures(&mut world, &[("p", 0.02), ("c", 0.000_3)]);
    // It came last, and the cursor is where it was.
    assert_eq!(world.rows(), ["p burn", ">X"]);
    world.press("k");
    world
}

#[test]
fn from_a_row_of_triage_and_back() {
    for key in ["enter", "b"] {
        let mut world = with_burn_row();
        world.press(key);
        assert_eq!(opened(&world).as_deref(), Some("p"), "{key}");
        assert_eq!(world.model.session.screen, Screen::Burn);
        world.press("esc");
        assert_eq!(world.model.session.screen, Screen::Triage);
        assert_eq!(world.rows(), [">p burn", "X"]);
    }
}

#[test]
fn from_an_alert_to_its_service_and_back_to_the_alert() {
    let mut world = with_burn_row();
    world.press("j b");
    assert_eq!(opened(&world).as_deref(), Some("c"));
    world.press("esc");
    assert_eq!(world.rows(), ["p burn", ">X"]);
    assert!(world.model.session.triage.detail.is_none());

    world.press("enter b");
    assert_eq!(opened(&world).as_deref(), Some("c"));
    world.press("esc");
    assert_eq!(world.model.session.screen, Screen::Triage);
    assert!(
        world.model.session.triage.detail.is_some(),
        "it is still open"
    );
    // What was opened from there leaves the cursor of screen 2 on it.
    world.press("2");
    assert_eq!(rows(&world), ["p", ">c"]);
}

#[test]
fn an_alert_without_a_budget_says_why_not() {
    let mut world = World::showing(&[page("A"), page("B").with("service", "nobody-measures-it")]);
    world.press("b");
    assert_eq!(world.refusal(), Some("this alert names no service"));
    world.press("j b");
    assert_eq!(world.refusal(), Some("no SLO of its service is known"));
    assert_eq!(world.model.session.screen, Screen::Triage);
}

#[test]
fn a_burn_row_is_nothing_to_claim() {
    let mut world = with_burn_row();
    assert!(world.press("c").is_empty());
    assert_eq!(
        world.refusal(),
        Some("no alert fires for it: there is nothing to claim")
    );
}

#[test]
fn a_burn_row_that_is_over_stays_marked_until_it_is_left() {
    let mut world = with_burn_row();
    measures(&mut world, &[("p", 0.000_1), ("c", 0.000_3)]);
    assert!(world.here().ends_with("gone"));
    world.press("j");
    assert_eq!(world.rows(), [">X"]);
}

#[test]
fn an_explanation_is_opened_from_the_list_and_closed() {
    let mut world = burning(&THREE);
    world.press("j e");
    assert_eq!(opened(&world).as_deref(), Some("b"));
    let explain = |world: &World| world.model.session.burn.opened.as_ref().unwrap().explain;
    assert_eq!(explain(&world), Explain::On);
    world.model.session.burn.opened.as_mut().unwrap().lines = 100;
    world.press("j j j");
    let top = |world: &World| world.model.session.burn.opened.as_ref().unwrap().scroll.top;
    assert_eq!(top(&world), 3);
    world.press("e");
    assert_eq!((explain(&world), top(&world)), (Explain::Off, 0));
    world.press("esc enter");
    assert_eq!(explain(&world), Explain::Off);
}

#[test]
fn the_span_is_switched_in_the_list_and_in_the_detail() {
    let mut world = burning(&THREE);
    let span = |world: &World| world.model.session.burn.span;
    world.press("t");
    assert_eq!(span(&world), Span::ThreeDays);
    world.press("enter t");
    assert_eq!(span(&world), Span::SixHours);
}

#[test]
fn without_any_slo_the_commands_are_off() {
    let mut world = burning(&[]);
    for (key, reason) in [
        ("enter", "nothing is selected"),
        ("e", "no SLO is selected"),
        ("t", "no SLO is selected"),
    ] {
        world.press(key);
        assert_eq!(world.refusal(), Some(reason), "{key}");
    }
    world.press("o j G");
    assert!(rows(&world).is_empty());
}

#[test]
fn nothing_moves_under_a_prompt_or_under_the_help() {
    for (freeze, thaw) in [("/", "esc"), (":", "esc"), ("?", "esc")] {
        let mut world = burning(&THREE);
        world.press("j");
        world.press(freeze);
        measures(&mut world, &[("a", 0.000_5), ("c", 0.000_3), ("p", 0.02)]);
        assert_eq!(rows(&world), ["a", ">b", "c"], "{freeze}");
        world.press(thaw);
        let after = rows(&world);
        assert!(after.contains(&">b gone".to_owned()) || after.contains(&"p".to_owned()));
        assert_eq!(after.iter().filter(|row| row.starts_with('>')).count(), 1);
    }
}

#[test]
fn a_picture_under_the_help_is_caught_up_with() {
    let mut world = burning(&THREE);
    world.press("j ?");
    measures(&mut world, &[("a", 0.000_5), ("c", 0.000_3), ("p", 0.02)]);
    world.press("?");
    assert_eq!(rows(&world), ["a", ">b gone", "c", "p"]);
}

#[test]
fn a_lost_prometheus_leaves_its_last_word() {
    let mut world = with_burn_row();
    world.fails(world.slos());
    assert_eq!(
        world.rows(),
        [">p burn", "X"],
        "nobody said that it is over"
    );
    let burn = &world.model.board.burns[0];
    assert_eq!(burn.freshness, Freshness::Failed);
    assert_eq!(burn.verdict.word(), "none");
    // And it stays, however long the Prometheus is lost.
    let msg = world.report(world.prometheus(), Ok(super::world::prometheus(vec![])));
    world.pass_secs(600);
    world.tell(msg);
    assert_eq!(world.rows(), [">p burn", "X"]);
}

#[test]
fn an_alert_that_speaks_of_it_takes_the_row() {
    let mut world = with_burn_row();
    let speaks = page("Burn").with("slo", "p").with("service", "service-p");
    world.fires(&[speaks, page("X").with("service", "service-c")]);
    assert!(!world.rows().iter().any(|row| row.ends_with("burn")));
    world.fires(&pages(&["X"]));
    assert!(world.rows().iter().any(|row| row.ends_with("p burn")));
}
