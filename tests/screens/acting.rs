//! What do the dialogs of acting look like? Reviewed by eye. Do they say what must be known, and show
//! what must not be seen nowhere?

use quell::domain::guard::Event;
use quell::domain::text::Untrusted;
use quell::theme::Role;

use crate::golden::golden;
use crate::hostile::{POISON, assert_safe};
use crate::picture::{cell_of, lines};
use crate::plans;
use crate::scenes;
use crate::stage::Stage;

golden! {
    act_triage = plans::acting;
    act_alert = || plans::acting().press("enter G");
    act_menu = || plans::acting().press("x");
    act_menu_of_change = || plans::acting().press("3 j x");
    act_menu_with_off = || plans::enabled(scenes::pages()).press("x");
    act_form = || plans::acting().press("s");
    act_form_wrong = || plans::acting().press("s enter shift-tab").types("x").press("enter");
    plan_asked = plans::begun;
    plan_checked = plans::checked;
    plan_checked_lower = || plans::checked().press("G");
    plan_request = || plans::checked().press("shift-tab enter");
    plan_awaiting = || plans::awaiting().press("G");
    plan_alone = plans::alone;
    plan_typed = typing_name;
    plan_typed_wrong = || typing_name().types("checkout").press("enter");
    plan_no_way_back = no_way_back;
    plan_armed = plans::armed;
    plan_dispatching = plans::dispatching;
    plan_verifying = plans::verifying;
    plan_verified = plans::verified;
    plan_needs_person = plans::needs_person;
    plan_in_doubt = plans::in_doubt;
    plan_decided = || plans::in_doubt().press("tab tab enter").types("seen in the UI");
    plan_blocked = plans::blocked;
    plan_ascii = || plans::checked().ascii();
    act_runs = || plans::in_doubt().press("esc u").types("again").press("enter esc A");
    act_in_doubt_behind = || plans::in_doubt().press("esc");
    act_panic = plans::panicked;
    act_resume = || plans::panicked().press(":").types("panic off").press("enter");
    act_glass = || plans::acting().press(":").types("break-glass").press("enter").types("nobody");
    act_leaving = || plans::dispatching().press("esc q");
    act_help = || plans::checked().press("?");
}

/// The line that confirms an undo, under rules that ask for no approval.
fn typing_name() -> Stage {
    let mut stage = plans::begun();
    let mut policy = plans::policy();
    policy.rules = vec![quell::domain::policy::Rule {
        id: "anybody".to_owned(),
        ..Default::default()
    }];
    stage.model.acting.policy = Some(std::sync::Arc::new(policy));
    plans::planned(stage, plans::undo(), plans::facts()).press("tab tab enter")
}

fn no_way_back() -> Stage {
    let mut stage = plans::begun();
    let mut policy = plans::policy();
    policy.rules = vec![quell::domain::policy::Rule {
        id: "anybody".to_owned(),
        ..Default::default()
    }];
    stage.model.acting.policy = Some(std::sync::Arc::new(policy));
    plans::planned(stage, plans::no_way_back(), plans::facts())
}

/// Every state that an action can be in.
const STATES: &[scenes::Scene] = &[
    ("asked", plans::begun),
    ("checked", plans::checked),
    ("awaiting", plans::awaiting),
    ("alone", plans::alone),
    ("typed", typing_name),
    ("no way back", no_way_back),
    ("armed", plans::armed),
    ("dispatching", plans::dispatching),
    ("verifying", plans::verifying),
    ("verified", plans::verified),
    ("needs a person", plans::needs_person),
    ("in doubt", plans::in_doubt),
    ("blocked", plans::blocked),
];

fn shown(stage: &mut Stage) -> String {
    let (buffer, _) = stage.draw();
    lines(&buffer).join("\n")
}

#[test]
fn no_body_argument_or_value_of_a_header_is_ever_shown() {
    for (name, state) in STATES {
        for keys in ["", "G", "shift-tab enter", "shift-tab enter G"] {
            let mut stage = state().press(keys).sized(200, 60);
            let shown = shown(&mut stage);
            for secret in [
                "a-body-that-is-never-shown",
                "a-header-value",
                "an-argument-that-is-never-shown",
                "a-secret-that-is-never-shown",
            ] {
                assert!(!shown.contains(secret), "{name} after {keys:?}:\n{shown}");
            }
        }
    }
}

#[test]
fn what_stops_is_seen_on_every_screen_and_at_every_size() {
    for keys in ["", "2", "3", "4", "5", "7", "8", "x"] {
        for (width, height) in [(40, 10), (80, 24), (120, 40)] {
            let mut stage = plans::panicked().press(keys).sized(width, height);
            let shown = shown(&mut stage);
            assert!(
                shown.contains("PANIC"),
                "{keys} at {width}x{height}:\n{shown}"
            );
            let mut stage = plans::in_doubt()
                .press("esc")
                .press(keys)
                .sized(width, height);
            let shown = self::shown(&mut stage);
            assert!(
                shown.contains("IN DOUBT"),
                "{keys} at {width}x{height}:\n{shown}"
            );
        }
    }
}

#[test]
fn in_read_only_nothing_that_writes_is_on_screen() {
    for keys in ["", "enter G", "3", "4"] {
        for (width, height) in [(80, 24), (120, 40), (200, 50)] {
            let mut stage = scenes::delivering().press(keys).sized(width, height);
            let shown = shown(&mut stage);
            for word in ["s silence", "x act", "u undo", "acting", "R2"] {
                assert!(!shown.contains(word), "{word} after {keys:?}:\n{shown}");
            }
        }
    }
}

#[test]
fn danger_looks_like_danger_in_every_theme() {
    for theme in ["default", "light", "high-contrast", "mono"] {
        for (mut stage, words) in [
            (plans::armed(), "ARMED: it is sent in"),
            (plans::in_doubt(), "IN DOUBT: a write left"),
            (plans::panicked(), "PANIC: nothing is dispatched"),
        ] {
            stage = stage.themed(theme).sized(120, 40);
            let (buffer, _) = stage.draw();
            let danger = stage.look.theme.style(Role::Danger);
            let cell = cell_of(&buffer, words);
            assert!(
                cell.modifier.contains(danger.add_modifier)
                    && danger.fg.is_none_or(|fg| cell.fg == fg),
                "{theme}: {words}"
            );
        }
    }
}

#[test]
fn the_code_alone_confirms_a_name_that_looks_like_another() {
    let mut stage = no_way_back().sized(120, 40);
    let shown = shown(&mut stage);
    assert!(shown.contains("U+0441"), "{shown}");
    let run = stage.model.acting.runs.last().unwrap();
    let (_, expected) = run.pipeline.effort().unwrap();
    assert_eq!(expected, run.pipeline.digest().unwrap().code());
}

#[test]
fn a_countdown_counts() {
    let mut stage = plans::armed();
    assert!(shown(&mut stage).contains("it is sent in 5 s"));
    stage.tell(quell::msg::Msg::Steady(std::time::Duration::from_secs(3)));
    assert!(shown(&mut stage).contains("it is sent in 2 s"));
}

/// An action of which every word is hostile, in each state that shows it.
fn hostile(text: &str) -> Vec<Stage> {
    let said = || Untrusted::line(text);
    let begun = || {
        let mut stage = Stage::for_operator(text, text);
        let said = crate::hostile::saying(text);
        stage.answered(&said, crate::cast::ago(3));
        let cluster = quell::domain::source::SourceKind::Kubernetes;
        let mut stage = plans::enabled(stage.with("k8s", cluster));
        stage.delivers("k8s", crate::deliveries::saying(text), crate::cast::ago(2));
        stage.tell(quell::msg::Msg::PanicChanged(Some(said_line(text))));
        let policy = quell::domain::policy::Policy {
            rules: vec![quell::domain::policy::Rule {
                id: text.to_owned(),
                because: Some(text.to_owned()),
                ..Default::default()
            }],
            ..plans::policy()
        };
        stage.model.acting.policy = Some(std::sync::Arc::new(policy));
        let request = plans::request(text);
        let pipeline = quell::domain::guard::Pipeline::new(
            request,
            std::time::Duration::from_secs(5),
            quell::model::acting::moment(&stage.model),
        );
        stage.model.acting.add(pipeline);
        plans::tell(&mut stage, Event::Begin);
        stage
    };
    let facts = || {
        let mut facts = plans::facts();
        facts.approvals = vec![plans::approval(&plans::saying(text), text)];
        facts.rejected = vec![said()];
        facts.holders_unknown = Some(said());
        facts
    };
    let checked = || plans::planned(begun(), plans::saying(text), facts());
    let mut refused = begun();
    plans::tell(&mut refused, Event::Resolved(1, Err(said())));
    let mut sampled = checked();
    plans::tell(&mut sampled, Event::Sample(said()));
    let mut doubtful = checked();
    let confirm = quell::domain::guard::Confirmation::Typed(
        doubtful.model.acting.runs[0]
            .pipeline
            .effort()
            .map_or_else(String::new, |(_, words)| words),
    );
    plans::tell(&mut doubtful, Event::Confirm(confirm));
    let again = Event::Rechecked(2, Ok(Box::new(plans::saying(text))), Box::new(facts()));
    plans::tell(&mut doubtful, again);
    doubtful.tell(quell::msg::Msg::Steady(std::time::Duration::from_secs(6)));
    doubtful.tell(quell::msg::Msg::Tick);
    let lost = quell::domain::guard::Dispatched::InDoubt {
        step: 0,
        why: said(),
    };
    let part = quell::domain::plan::Part::Forward;
    plans::tell(&mut doubtful, Event::Dispatched(part, lost));
    let mut all: Vec<Stage> = vec![begun(), refused, checked(), sampled, doubtful]
        .into_iter()
        .map(|stage| stage.press("A"))
        .collect();
    all.push(checked().press("A shift-tab enter"));
    all.push(checked().press("A tab tab enter").types("x").press("enter"));
    all.push(begun().press("x"));
    all.push(begun().press("s"));
    all.push(begun().press("s enter"));
    all.push(begun().press("3 x"));
    all.push(begun().press("4 x enter"));
    all
}

fn said_line(text: &str) -> Untrusted {
    Untrusted::line(text)
}

#[test]
fn nothing_that_a_plan_says_reaches_the_terminal_raw() {
    for text in POISON {
        for (at, mut stage) in hostile(text).into_iter().enumerate() {
            for (width, height) in [(80, 24), (120, 40), (40, 10), (47, 13)] {
                stage.resize(width, height);
                let (buffer, cursor) = stage.draw();
                assert_safe(&buffer, &format!("{text:?} in stage {at}"));
                assert!(cursor.is_none_or(|at| buffer.area.contains(at)));
            }
        }
    }
}

#[test]
fn every_dialog_fits_into_every_size() {
    for (name, state) in STATES {
        let mut stage = state();
        for width in (40..=130).step_by(9) {
            for height in (10..=45).step_by(5) {
                stage.resize(width, height);
                let (buffer, cursor) = stage.draw();
                assert_safe(&buffer, name);
                assert!(cursor.is_none_or(|at| buffer.area.contains(at)), "{name}");
            }
        }
    }
}

#[test]
fn the_end_of_a_plan_is_reached_by_scrolling() {
    for (width, height) in [(80, 24), (40, 10)] {
        let mut stage = plans::checked().sized(width, height).press("G");
        let shown = shown(&mut stage);
        assert!(
            shown.contains("it may be confirmed") || shown.contains("checked"),
            "{shown}"
        );
        assert!(!shown.contains("more: j"), "{shown}");
    }
}
