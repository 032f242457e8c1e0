//! Every command is handled, and what `available` says is what `update` does.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::acting::{acting, begun, deployed};
use super::world::{World, page, pages, pending, prometheus, ticket};
use crate::domain::slo_burn::tests::measured as measured_slo;
use crate::domain::text::Untrusted;
use crate::effect::Effect;
use crate::keys::commands::ALL;
use crate::keys::{Command, CommandId, Context};
use crate::model::available::available;
use crate::model::session::{CrashSwitch, Measured, Notice, ReaderFacts, Screen, Tone};
use crate::msg::{Answer, Msg};
use crate::update::{command, measured};

/// Everything of a model but the notice, as text: two that differ are different models.
fn without_notice(world: &mut World) -> String {
    let notice = world.model.session.notice.take();
    let text = format!("{:?}", world.model);
    world.model.session.notice = notice;
    text
}

/// A list of thirty with one more that is new below it.
fn list() -> World {
    let names: Vec<String> = (10..40).map(|n| format!("P{n}")).collect();
    let mut alerts: Vec<_> = names.iter().map(|name| page(name)).collect();
    alerts.push(ticket("T"));
    let mut world = World::showing(&alerts);
    world.press("ctrl-d");
    world
}

fn with_news() -> World {
    let mut world = World::showing(&pages(&["A"]));
    world.fires(&[page("A"), ticket("T")]);
    world
}

fn one_alert() -> World {
    World::showing(&[page("A").annotated("quell_runbook", "dns")])
}

fn filtered() -> World {
    let mut world = one_alert();
    world.command("filter A");
    world
}

fn reading() -> World {
    let mut world = one_alert();
    world.press("r /");
    world.type_text("pod");
    world.press("enter");
    let reader = Some(ReaderFacts {
        lines: 100,
        headings: vec![(0, "a".into()), (40, "b".into()), (80, "c".into())],
        matches: vec![5, 50, 70],
        links: [3, 45].map(|at| (at, Untrusted::line("#c"))).into(),
        top: None,
    });
    let facts = Measured {
        reader,
        ..Measured::default()
    };
    measured(&mut world.model, facts);
    world.press("] tab");
    world
}

/// An alert whose service burns.
fn burning() -> World {
    let mut world = World::showing(&[page("A").with("service", "api")]);
    let windows = [(3_600, 10.0, 1_000.0)];
    world.burns(vec![
        measured_slo("availability", "api", &windows),
        measured_slo("latency", "api", &windows),
    ]);
    world
}

fn on_burn() -> World {
    let mut world = burning();
    world.press("2");
    world.press("j");
    world
}

fn helped() -> World {
    let mut world = one_alert();
    world.press("?");
    world
}

fn typing() -> World {
    let mut world = one_alert();
    world.press(":");
    world
}

fn crashable() -> World {
    let mut world = one_alert();
    world.model.session.identity.crash = CrashSwitch::On;
    world
}

/// A state in which the command must do something. There is no arm for the rest: a new command
/// does not compile until it has its state.
fn prepared(id: CommandId) -> World {
    match id {
        CommandId::Quit
        | CommandId::Help
        | CommandId::Palette
        | CommandId::Refresh
        | CommandId::Redraw
        | CommandId::Suspend
        | CommandId::ShowBurn
        | CommandId::ShowChanges
        | CommandId::ShowDrift
        | CommandId::ShowRunbooks
        | CommandId::ShowSources
        | CommandId::ShowJournal
        | CommandId::Theme
        | CommandId::Open
        | CommandId::Filter
        | CommandId::Group
        | CommandId::Claim
        | CommandId::OpenRunbook => one_alert(),
        CommandId::Down
        | CommandId::Up
        | CommandId::HalfPageDown
        | CommandId::HalfPageUp
        | CommandId::PageDown
        | CommandId::PageUp
        | CommandId::Top
        | CommandId::Bottom
        | CommandId::NextLane
        | CommandId::PreviousLane => list(),
        CommandId::OpenBurn => burning(),
        CommandId::Explain | CommandId::Span | CommandId::Sort => on_burn(),
        CommandId::NextNew => with_news(),
        CommandId::Back => filtered(),
        CommandId::ShowTriage
        | CommandId::Search
        | CommandId::NextMatch
        | CommandId::PreviousMatch
        | CommandId::NextLink
        | CommandId::PreviousLink
        | CommandId::NextHeading
        | CommandId::PreviousHeading => reading(),
        CommandId::Cancel => helped(),
        CommandId::Panic | CommandId::BreakGlass => acting(one_alert()),
        CommandId::Silence | CommandId::Act | CommandId::Undo => acting(deployed()),
        CommandId::Actions => {
            let mut world = acting(deployed());
            begun(&mut world);
            world.press("esc");
            world
        }
        CommandId::Accept | CommandId::NextChoice | CommandId::PreviousChoice => typing(),
        CommandId::Crash => crashable(),
    }
}

fn ids() -> Vec<CommandId> {
    let mut ids: Vec<CommandId> = ALL.iter().map(|c| c.id).collect();
    ids.sort_by_key(|id| *id as usize);
    ids.dedup();
    ids
}

#[test]
fn the_table_holds_every_command() {
    let numbers: BTreeSet<usize> = ids().iter().map(|id| *id as usize).collect();
    assert_eq!(numbers, (0..=CommandId::Crash as usize).collect());
    for id in ids() {
        assert_eq!(Command::of(id).id, id);
    }
}

#[test]
fn every_command_is_handled() {
    for id in ids() {
        let mut world = prepared(id);
        assert_eq!(available(id, &world.model), Ok(()), "{id:?}");
        world.model.session.notice = None;
        let before = without_notice(&mut world);
        let effects = command::run(&mut world.model, id, None);
        let changed = without_notice(&mut world) != before;
        assert!(changed || !effects.is_empty(), "{id:?} does nothing");
        assert_eq!(world.refusal(), None, "{id:?}");
    }
}

#[test]
fn follow_is_handled_apart_from_accept() {
    let mut world = reading();
    let before = world.model.session.runbooks.reader.as_ref().unwrap().scroll;
    assert!(world.press("enter").is_empty());
    let after = world.model.session.runbooks.reader.as_ref().unwrap().scroll;
    assert_ne!(before, after);
}

type State = (&'static str, fn() -> World);

/// States in which something is off.
fn states() -> Vec<State> {
    vec![
        ("nothing heard", World::silent),
        ("no alerts", || World::showing(&[])),
        ("one alert", one_alert),
        ("no runbook", || World::showing(&pages(&["A"]))),
        ("a group", || {
            World::grouped("alertname", &pages(&["A/1", "A/2"]))
        }),
        ("a filter", filtered),
        ("news", with_news),
        ("an alert that is gone", || gone_after("")),
        ("an opened alert", || go("enter")),
        ("an opened alert that is gone", || gone_after("enter")),
        ("a pending alert", pends),
        ("a pending alert that is gone", || {
            let mut world = pends();
            world.answers(world.prometheus(), prometheus(vec![]));
            world
        }),
        ("runbooks", || go("5")),
        ("runbooks not read", || {
            let mut world = World::silent();
            world.press("5");
            world
        }),
        ("no runbooks", || {
            let mut world = go("5");
            world.answers(world.runbooks(), Answer::Runbooks(Arc::default()));
            world
        }),
        ("a runbook not laid out", || go("r")),
        ("a runbook", reading),
        ("sources", || go("8")),
        ("the journal", || go("7")),
        ("acting", || acting(one_alert())),
        ("acting on a deployment", || acting(deployed())),
        ("a menu", || pressed(acting(deployed()), "x")),
        ("a plan", || {
            let mut world = acting(deployed());
            begun(&mut world);
            world
        }),
        ("the help", helped),
    ]
}

fn go(keys: &str) -> World {
    let mut world = one_alert();
    world.press(keys);
    world
}

fn pressed(mut world: World, keys: &str) -> World {
    world.press(keys);
    world
}

fn gone_after(key: &str) -> World {
    let mut world = one_alert();
    world.press(key);
    world.fires(&[]);
    world
}

fn pends() -> World {
    let mut world = World::showing(&[]);
    world.answers(world.prometheus(), prometheus(vec![pending("Soon")]));
    world.press("h");
    world
}

/// A screen's key, on that screen.
fn is_already_there(id: CommandId, world: &World) -> bool {
    let screen = match id {
        CommandId::ShowTriage => Screen::Triage,
        CommandId::ShowChanges => Screen::Changes,
        CommandId::ShowDrift => Screen::Drift,
        CommandId::ShowRunbooks => Screen::Runbooks,
        CommandId::ShowSources => Screen::Sources,
        CommandId::ShowJournal => Screen::Journal,
        _ => return false,
    };
    world.model.session.screen == screen
}

/// Commands that only move: at the end of what is there they do nothing, and need not say so.
fn only_moves(id: CommandId) -> bool {
    matches!(
        id,
        CommandId::Down
            | CommandId::Up
            | CommandId::HalfPageDown
            | CommandId::HalfPageUp
            | CommandId::PageDown
            | CommandId::PageUp
            | CommandId::Top
            | CommandId::Bottom
            | CommandId::NextHeading
            | CommandId::PreviousHeading
            | CommandId::NextChoice
            | CommandId::PreviousChoice
    )
}

#[test]
fn what_is_refused_changes_nothing_and_what_is_offered_is_not_silent() {
    let mut refused = BTreeSet::new();
    for (name, state) in states() {
        let context = state().model.session.context();
        for command in ALL {
            let here = command.contexts.contains(&context)
                || command.contexts.contains(&Context::Global) && context.falls_through();
            if !here {
                continue;
            }
            let id = command.id;
            let mut world = state();
            world.model.session.notice = None;
            let said = available(id, &world.model);
            let before = without_notice(&mut world);
            let effects = command::run(&mut world.model, id, None);
            let changed = without_notice(&mut world) != before;
            match said {
                Err(reason) => {
                    assert!(effects.is_empty() && !changed, "{id:?} on {name}");
                    let notice = Notice {
                        text: reason.into(),
                        tone: Tone::Refused,
                    };
                    assert_eq!(world.model.session.notice, Some(notice), "{id:?} on {name}");
                    refused.insert(id as usize);
                }
                Ok(()) => {
                    let told = world.model.session.notice.is_some();
                    let may_be_silent = only_moves(id) || is_already_there(id, &world);
                    assert!(
                        changed || told || !effects.is_empty() || may_be_silent,
                        "{id:?} on {name} is silent"
                    );
                }
            }
        }
    }
    for id in [
        CommandId::Open,
        CommandId::Claim,
        CommandId::OpenRunbook,
        CommandId::NextNew,
        CommandId::NextMatch,
        CommandId::PreviousMatch,
        CommandId::Crash,
    ] {
        assert!(refused.contains(&(id as usize)), "{id:?} was never refused");
    }
}

#[test]
fn quitting_keeps_the_last_answers_first() {
    for keys in ["q", "ctrl-c"] {
        let effects = one_alert().press(keys);
        assert!(
            matches!(effects[..], [Effect::SaveSnapshot, Effect::Quit]),
            "{effects:?}"
        );
    }
    let effects = one_alert().command("quit");
    assert!(matches!(effects[..], [Effect::SaveSnapshot, Effect::Quit]));
}

#[test]
fn keys_that_ask_the_world_for_something() {
    assert!(matches!(one_alert().press("R")[..], [Effect::PollAll]));
    assert!(matches!(one_alert().press("ctrl-l")[..], [Effect::Redraw]));
    assert!(matches!(one_alert().press("ctrl-z")[..], [Effect::Suspend]));
    assert!(matches!(one_alert().press("T")[..], [Effect::Theme(_)]));
}

#[test]
fn a_key_without_a_meaning_only_ends_the_notice() {
    let mut world = one_alert();
    world.press("c");
    assert!(!world.notice().is_empty());
    let before = without_notice(&mut world);
    assert!(world.press("%").is_empty());
    assert!(world.notice().is_empty());
    assert_eq!(without_notice(&mut world), before);
}

#[test]
fn the_help_covers_what_is_below_and_closes() {
    for close in ["esc", "?", "q", "enter", "backspace"] {
        let mut world = one_alert();
        world.press("?");
        assert_eq!(world.model.session.context(), Context::Help);
        for key in ["c", "r", "1", "8", "R", "/", ":"] {
            assert!(world.press(key).is_empty(), "{key}");
        }
        assert!(world.model.session.help.is_some());
        assert!(world.press(close).is_empty(), "{close}");
        assert!(world.model.session.help.is_none(), "{close}");
    }
}

#[test]
fn the_help_scrolls_within_its_lines() {
    let mut world = one_alert();
    world.press("?");
    let lines = |world: &mut World, n| {
        let facts = Measured {
            help_lines: Some(n),
            ..Measured::default()
        };
        measured(&mut world.model, facts);
    };
    lines(&mut world, 50);
    let top = |world: &World| world.model.session.help.unwrap().scroll.top;
    world.press("j j");
    assert_eq!(top(&world), 2);
    world.press("G");
    let height = crate::model::layout::help_height(&world.model.session);
    assert_eq!(top(&world), 50 - height);
    lines(&mut world, 5);
    assert_eq!(top(&world), 0, "all of it fits now");
}

#[test]
fn the_cursor_moves_over_the_sources() {
    let mut world = World::with(3, "none");
    world.press("8");
    let cursor = |world: &World| world.model.session.sources.cursor;
    for (key, at) in [
        ("j", 1),
        ("G", 5),
        ("j", 5),
        ("k", 4),
        ("home", 0),
        ("pgdn", 4),
    ] {
        assert!(world.press(key).is_empty());
        assert_eq!(cursor(&world), at, "{key}");
    }
    world.press("esc");
    assert_eq!(world.model.session.screen, Screen::Triage);
    world.press("8");
    assert_eq!(cursor(&world), 4, "the screen is as it was left");
}

#[test]
fn the_other_lists_keep_their_cursor_on_screen_too() {
    let mut world = World::with(20, "none");
    world.press("8");
    world.press("G");
    world.resize(80, 7);
    measured(&mut world.model, Measured::default());
    let scroll = world.model.session.sources;
    let (rows, height) = (world.model.knowledge.sources.len(), world.height());
    assert!(scroll.window(rows, height).contains(&21), "{scroll:?}");

    let mut world = World::silent();
    let mut books = super::world::library();
    let more = (0..30).map(|n| super::world::runbook(&format!("z{n:02}"), &format!("z{n}.md")));
    books.runbooks.extend(more);
    world.answers(world.runbooks(), Answer::Runbooks(Arc::new(books)));
    world.press("5 G");
    world.resize(80, 7);
    measured(&mut world.model, Measured::default());
    let scroll = world.model.session.runbooks.list;
    assert!(
        scroll.window(33, world.height()).contains(&32),
        "{scroll:?}"
    );
}

#[test]
fn a_message_asks_for_a_frame() {
    let mut world = one_alert();
    world.model.dirty = false;
    world.send(Msg::Resized {
        columns: 100,
        rows: 30,
    });
    assert!(world.model.dirty);
}
