//! What if others act at the same time, the object changes, or somebody presses panic? Rows of the fault
//! table: one effect, the others are told, nothing is sent that was planned on something else.

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use crate::acting_stage::{Asked, CART, Platform, Stage, Turn, refusal};

const UNDO: [&str; 2] = ["k8s.rollout.undo", "target=web/deployment/cart"];
const SCALE: [&str; 3] = ["k8s.scale", "target=web/deployment/cart", "replicas=4"];

fn start(stage: &Stage, wanted: &[&str]) -> Child {
    let mut command = stage.quell.command();
    command.args(["action", "run", "--yes"]).args(wanted);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap_or_else(|e| panic!("no quell: {e}"))
}

/// The exit code and everything that was said.
fn ended(child: Child) -> (i32, String) {
    let output = child.wait_with_output();
    let output = output.unwrap_or_else(|e| panic!("{e}"));
    let text = [output.stdout, output.stderr].concat();
    let code = output.status.code().unwrap_or(-1);
    (code, String::from_utf8_lossy(&text).into_owned())
}

fn is_lease(asked: &Asked) -> bool {
    asked.target.contains("/leases")
}

/// Several people do the same thing, each from a machine of their own, and all are as far at one moment.
fn race(people: usize, wanted: &[&str], has_leases: bool) {
    let platform = Platform::start();
    let meet = Arc::new(Barrier::new(people));
    let arrived = Arc::new(AtomicUsize::new(0));
    platform.kubernetes.on(move |asked| {
        let is_meeting = if has_leases {
            is_lease(asked) && asked.method != "GET"
        } else {
            asked.is_write()
        };
        if is_meeting && arrived.fetch_add(1, Ordering::SeqCst) < people {
            meet.wait();
        }
        if is_lease(asked) && !has_leases {
            return Turn::Instead(refusal(403, "Forbidden", "no leases here"));
        }
        Turn::Pass
    });
    let stages: Vec<Stage> = (0..people)
        .map(|who| {
            let stage = Stage::on(&platform);
            let config = stage.quell.path("config/quell/config.toml");
            let text = std::fs::read_to_string(&config).unwrap_or_else(|e| panic!("{e}"));
            let named = format!("operator = \"person-{who}\"\n{text}");
            std::fs::write(&config, named).unwrap_or_else(|e| panic!("{e}"));
            stage
        })
        .collect();
    let running: Vec<Child> = stages.iter().map(|stage| start(stage, wanted)).collect();
    let ends: Vec<(i32, String)> = running.into_iter().map(ended).collect();
    let effects = platform.kubernetes.effects();
    assert_eq!(effects.len(), 1, "{people}, leases {has_leases}: {ends:#?}");
    let winners = ends.iter().filter(|(code, _)| *code == 0).count();
    assert_eq!(winners, 1, "{ends:#?}");
    for (code, said) in ends.iter().filter(|(code, _)| *code != 0) {
        assert!([3, 4].contains(code), "{code}: {said}");
        let is_told = said.contains("person-") || said.contains("changed");
        assert!(is_told, "{said}");
    }
}

#[test]
fn of_several_people_who_scale_at_once_one_does_and_the_others_are_told_who() {
    for people in [2, 4, 8] {
        race(people, &SCALE, true);
    }
}

#[test]
fn without_leases_the_server_decides_between_people_who_scale_at_once() {
    for people in [2, 4, 8] {
        race(people, &SCALE, false);
    }
}

#[test]
fn of_several_people_who_undo_at_once_one_does_and_nobody_undoes_that() {
    for (people, has_leases) in [(2, true), (2, false), (5, false)] {
        race(people, &UNDO, has_leases);
    }
}

#[test]
fn a_second_process_of_one_user_sees_the_first_by_name() {
    let platform = Platform::start();
    let stage = Stage::on(&platform);
    let written = Arc::new(Barrier::new(2));
    let meet = Arc::clone(&written);
    platform.kubernetes.on(move |asked| {
        if asked.is_write() {
            meet.wait();
            // The other one looks while this one is neither done nor refused.
            std::thread::sleep(Duration::from_secs(2));
        }
        Turn::Pass
    });
    let first = start(&stage, &SCALE);
    written.wait();
    let (code, said) = ended(start(&stage, &SCALE));
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("is doing k8s.scale on it since"), "{said}");
    let (code, said) = ended(first);
    assert_eq!(code, 0, "{said}");
    assert_eq!(platform.kubernetes.effects().len(), 1);
}

#[test]
fn what_changes_between_plan_and_dispatch_is_planned_again_and_not_sent() {
    let platform = Platform::start();
    let stage = Stage::on(&platform);
    let edit = platform.editor(CART, r#"{"spec":{"replicas":7}}"#);
    let dry_runs = AtomicUsize::new(0);
    platform.kubernetes.on(move |asked| {
        // Behind the dry run of the plan: what is armed was made of what is no more.
        let is_dry = asked.method == "PATCH" && asked.target.contains("dryRun=");
        if !is_dry && dry_runs.load(Ordering::SeqCst) == 1 && asked.method == "GET" {
            dry_runs.store(2, Ordering::SeqCst);
            edit();
        }
        if is_dry {
            let _ = dry_runs.compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst);
        }
        Turn::Pass
    });
    let outcome = stage.act(&SCALE);
    assert_eq!(outcome.code, 4, "{outcome:?}");
    assert!(outcome.stderr.contains("something changed"), "{outcome:?}");
    // What it comes to now is on show, for whoever decides again.
    assert!(outcome.stdout.contains("from 7 to 4"), "{outcome:?}");
    assert_eq!(platform.kubernetes.writes().len(), 0, "{outcome:?}");
    assert_eq!(stage.intents().len(), 0, "{outcome:?}");
}

#[test]
fn what_changes_in_the_last_moment_is_refused_by_the_server() {
    let platform = Platform::start();
    let stage = Stage::on(&platform);
    let edit = platform.editor(CART, r#"{"spec":{"replicas":7}}"#);
    platform.kubernetes.on(move |asked| {
        if asked.is_write() {
            edit();
        }
        Turn::Pass
    });
    let outcome = stage.act(&SCALE);
    assert_eq!(outcome.code, 4, "{outcome:?}");
    assert!(outcome.stderr.contains("something changed"), "{outcome:?}");
    assert_eq!(platform.kubernetes.effects().len(), 0, "{outcome:?}");
    assert_eq!(platform.object(CART)["spec"]["replicas"], 7);
}

#[test]
fn after_panic_nothing_more_is_dispatched_in_the_middle_of_a_drain() {
    let platform = Platform::start();
    let stage = Stage::on(&platform);
    let file = stage.quell.path("state/quell/PANIC");
    let writes = AtomicUsize::new(0);
    platform.kubernetes.on(move |asked| {
        if asked.is_write() && writes.fetch_add(1, Ordering::SeqCst) == 1 {
            std::fs::write(&file, "ada: stop\n").unwrap_or_else(|e| panic!("{e}"));
        }
        Turn::Pass
    });
    let planned = stage.quell.run(&[
        "action",
        "plan",
        "k8s.node.drain",
        "node=worker-01",
        "--json",
    ]);
    let steps = planned.json()["plan"]["steps"]
        .as_array()
        .map_or(0, Vec::len);
    assert!(steps > 2, "nothing to stop: {planned:?}");
    let outcome = stage.act(&["k8s.node.drain", "node=worker-01"]);
    assert_ne!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.stdout.contains("ada: stop"), "{outcome:?}");
    assert_eq!(platform.kubernetes.writes().len(), 2, "{outcome:?}");

    let status = stage.quell.run(&["panic"]);
    assert!(
        status.stdout.contains("PANIC is on") && status.stdout.contains("ada: stop"),
        "{status:?}"
    );
    let refused = stage.act(&SCALE);
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(refused.stdout.contains("panic is on"), "{refused:?}");
    assert_eq!(stage.quell.run(&["panic", "off"]).code, 0);
    assert_eq!(stage.quell.run(&["panic"]).stdout, "panic is off\n");
    assert_eq!(stage.quell.run(&["panic", "on"]).code, 0);
    assert_eq!(stage.act(&SCALE).code, 4);
    assert_eq!(stage.quell.run(&["panic", "off"]).code, 0);
    assert_eq!(stage.act(&SCALE).code, 0);
    assert_eq!(platform.kubernetes.writes().len(), 3);
}
