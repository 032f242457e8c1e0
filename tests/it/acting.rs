//! Does `quell action` do what it says, and nothing else? On the simulated platform.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use crate::acting_scene::{FREE, Platform, REASON, act, built_in, gate, journal, keys, policy};
use crate::cli_scene::{assert_answer, assert_harmless, list, one};
use crate::quell::Quell;

const CORDON: [&str; 3] = ["run", "k8s.node.cordon", "node=worker-01"];

#[test]
fn what_can_be_done_is_listed() {
    let quell = Quell::new();
    let text = quell.run(&["action", "list", "silence"]);
    assert_answer(&text, 0);
    assert!(text.stdout.contains("silence.create  R1 "), "{text:?}");
    assert!(text.stdout.contains("read-only: nothing can be done"));
    assert!(!text.stdout.contains("k8s."), "only what was asked for");

    let answer = quell.run(&["action", "list", "--json", "--policy", "builtin:cautious"]);
    assert_answer(&answer, 0);
    let document = answer.json();
    assert_eq!(document["schema"], "quell.actions/1");
    assert_eq!(document["read_only"], false);
    assert_eq!(document["policy"], "builtin:cautious");
    let undo = one(&document["actions"], "name", "k8s.rollout.undo");
    assert_eq!(
        keys(undo),
        [
            "direction",
            "help",
            "name",
            "parameters",
            "risk",
            "upstream"
        ]
    );
    let to = one(&undo["parameters"], "name", "to");
    assert_eq!(keys(to), ["help", "kind", "name", "need"]);
}

#[test]
fn a_plan_says_what_would_be_done_and_whether_it_may() {
    let platform = Platform::opened(0);
    let quell = Quell::new();
    let cluster = platform.cluster(&quell);
    let plan = ["plan", "k8s.node.cordon", "node=worker-01", "--json"];

    let allowed = act(&quell, &plan, &[&cluster, &built_in("cautious")]);
    assert_answer(&allowed, 0);
    let document = allowed.json();
    assert_eq!(document["schema"], "quell.action/1");
    assert_eq!(
        keys(&document),
        [
            "action",
            "approvals",
            "confirm",
            "detail",
            "end",
            "gates",
            "id",
            "plan",
            "schema",
            "state",
            "trail"
        ]
    );
    assert_eq!(
        keys(&document["plan"]),
        [
            "blast",
            "code",
            "differences",
            "digest",
            "direction",
            "dry_run",
            "expires_at",
            "made_at",
            "percent",
            "preconditions",
            "reverse",
            "risk",
            "steps",
            "targets",
            "title"
        ]
    );
    assert_eq!(document["state"], "checked");
    assert!(list(&document["gates"]).len() > 10, "every gate is there");
    for one in list(&document["gates"]) {
        assert_eq!(keys(one), ["gate", "state", "words"]);
    }
    assert!(!list(&document["trail"]).is_empty());

    let text = act(&quell, &plan[..3], &[&cluster, &built_in("cautious")]);
    assert_answer(&text, 0);
    assert!(text.stdout.contains("dry run"), "{text:?}");

    let parameters = ["plan", "k8s.scale", "targt=x", "replicas=-1"];
    let wrong = act(&quell, &parameters, &[&cluster]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (2, ""));
    for word in ["targt", "target", "replicas"] {
        assert!(wrong.stderr.contains(word), "{word}: {wrong:?}");
    }

    let nobody = ["--kubeconfig".to_owned(), "/not/there".to_owned()];
    let unreachable = act(&quell, &plan, &[&nobody, &built_in("cautious")]);
    assert!([2, 3].contains(&unreachable.code), "{unreachable:?}");

    let denying = "[[rule]]\nid = \"no-nodes\"\nlevel = \"hard\"\nmatch = { action = \"k8s.node.cordon\" }\n\
                   deny_if = [\"targets > 0\"]\n";
    let denied = act(&quell, &plan, &[&cluster, &policy(&quell, denying)]);
    assert_eq!(denied.code, 4, "{denied:?}");
    let document = denied.json();
    assert_eq!(document["end"], "blocked");
    assert_eq!(gate(&document, "the policy lets it pass")["state"], "no");
}

#[test]
fn nothing_is_done_without_a_policy_or_without_yes() {
    let platform = Platform::opened(0);
    let quell = Quell::new();
    let cluster = platform.cluster(&quell);
    let read_only = act(&quell, &CORDON, &[&cluster]);
    assert_eq!(read_only.code, 4, "{read_only:?}");
    assert!(read_only.stderr.contains("read-only"), "{read_only:?}");
    let flag = ["--read-only".to_owned()];
    let forced = act(&quell, &CORDON, &[&cluster, &built_in("cautious"), &flag]);
    assert_eq!(forced.code, 4, "{forced:?}");

    let asked = act(&quell, &CORDON, &[&cluster, &built_in("cautious")]);
    assert_eq!(asked.code, 4, "{asked:?}");
    assert!(asked.stderr.contains("nothing was done"), "{asked:?}");
    assert!(asked.stderr.contains("--yes"), "{asked:?}");
    assert!(!journal(&quell).contains(&"intent".to_owned()));
}

#[test]
fn one_person_does_what_can_be_taken_back() {
    let platform = Platform::opened(0);
    let quell = Quell::new();
    let flags = platform.cluster(&quell);
    let words = [&CORDON[..], &["--yes"]].concat();
    let done = act(&quell, &words, &[&flags, &built_in("cautious")]);
    assert_answer(&done, 0);
    let last = done
        .stdout
        .lines()
        .find(|line| line.starts_with("verified: "));
    assert!(last.is_some(), "it ends with how it ended: {done:?}");
    let lines: Vec<&str> = done.stdout.lines().collect();
    for pair in lines.windows(2) {
        assert_ne!(pair[0], pair[1], "no line twice: {done:?}");
    }
    let kinds = journal(&quell);
    for kind in [
        "requested",
        "planned",
        "checked",
        "intent",
        "outcome",
        "ended",
    ] {
        assert!(kinds.contains(&kind.to_owned()), "{kind}: {kinds:?}");
    }

    let status = act(
        &quell,
        &["status", "--json"],
        &[&flags, &built_in("cautious")],
    );
    assert_answer(&status, 0);
    let document = status.json();
    assert_eq!(document["schema"], "quell.action_status/1");
    assert_eq!(
        keys(&document),
        ["actions", "in_doubt", "journal_error", "panic", "schema"]
    );
    let only = &list(&document["actions"])[0];
    assert_eq!(keys(only), ["at", "by", "id", "outcome", "what"]);
    assert!(only["outcome"].as_str().unwrap().starts_with("verified"));
}

#[test]
fn panic_stops_everything_on_this_machine() {
    let platform = Platform::opened(0);
    let quell = Quell::new();
    let flags = platform.cluster(&quell);
    let on = quell.run(&["panic", "on", "--json", "--policy", "builtin:cautious"]);
    assert_answer(&on, 0);
    assert_eq!(on.json()["on"], true);
    let words = [&CORDON[..], &["--yes", "--json"]].concat();
    let stopped = act(&quell, &words, &[&flags, &built_in("cautious")]);
    assert_eq!(stopped.code, 4, "{stopped:?}");
    assert!(
        stopped.stderr.to_lowercase().contains("panic"),
        "{stopped:?}"
    );
    let off = quell.run(&["panic", "off", "--policy", "builtin:cautious"]);
    assert_answer(&off, 0);
    assert!(off.stdout.contains("panic is off"));
    let done = act(&quell, &words, &[&flags, &built_in("cautious")]);
    assert_answer(&done, 0);
}

#[test]
fn a_bad_rollout_is_undone_while_what_adds_risk_is_held_back() {
    // In the midst of its errors.
    let platform = Platform::opened(200);
    let quell = Quell::new();
    let flags = platform.measured(&quell);
    let cordon = [&CORDON[..], &["--yes"]].concat();
    assert_answer(&act(&quell, &cordon, &[&flags, &built_in("cautious")]), 0);
    let risky = [
        "run",
        "k8s.node.uncordon",
        "node=worker-01",
        "--yes",
        "--json",
    ];
    let denied = act(&quell, &risky, &[&flags, &built_in("cautious")]);
    assert_eq!(denied.code, 4, "{denied:?}");
    assert!(denied.stderr.contains("burn"), "{denied:?}");

    let undo = [
        &[
            "run",
            "k8s.rollout.undo",
            "target=checkout/deployment/checkout-api",
            "--yes",
            "--json",
        ],
        REASON,
    ]
    .concat();
    let undone = act(&quell, &undo, &[&flags, &policy(&quell, FREE)]);
    assert_answer(&undone, 0);
    let document = undone.json();
    assert_eq!(document["end"], "verified");
    assert_eq!(document["plan"]["direction"], "reduces");
    assert_harmless(&undone.stdout);
    assert_eq!(gate(&document, "the policy lets it pass")["state"], "yes");
}

#[test]
fn a_soak_waits_stops_at_a_burn_and_has_no_verdict_without_data() {
    // In the midst of its errors.
    let platform = Platform::opened(200);
    let quell = Quell::new();
    let soak = |most: &str| {
        format!("{FREE}verify = {{ soak = \"10s\", abort_if = \"burn.short > {most}\" }}\n")
    };
    let run = |action: &str, flags: &[String], most: &str| {
        let words = ["run", action, "node=worker-01", "--yes", "--json"];
        let ended = act(&quell, &words, &[flags, &policy(&quell, &soak(most))]);
        let detail = ended.json()["detail"].as_str().unwrap().to_owned();
        (ended.code, detail)
    };
    let (code, detail) = run("k8s.node.cordon", &platform.cluster(&quell), "2.0");
    assert_eq!(code, 1, "{detail}");
    assert!(
        detail.contains("nobody can say what the burn is"),
        "{detail}"
    );

    let flags = platform.measured(&quell);
    let (code, detail) = run("k8s.node.uncordon", &flags, "2.0");
    assert_eq!(code, 1, "{detail}");
    assert!(detail.contains("while it should recover"), "{detail}");

    let (code, detail) = run("k8s.node.cordon", &flags, "9000.0");
    assert_eq!(code, 0, "{detail}");
    assert!(detail.contains("the burn is no worse"), "{detail}");
}

#[test]
fn the_page_of_actions_names_every_one_with_its_parameters_and_risk() {
    let page = include_str!("../../docs/actions.md");
    let listed = Quell::new().run(&["action", "list", "--json"]).json();
    let actions = list(&listed["actions"]);
    for action in actions {
        let name = format!("| `{}` |", action["name"].as_str().unwrap());
        let Some(row) = page.lines().find(|line| line.starts_with(&name)) else {
            panic!("docs/actions.md lacks {name}");
        };
        let cells: Vec<&str> = row.split(" | ").collect();
        let parameters = list(&action["parameters"]).iter();
        let names = parameters.map(|one| format!("`{}`", one["name"].as_str().unwrap()));
        assert_eq!(cells[1], names.collect::<Vec<_>>().join(" "), "{name}");
        assert_eq!(cells[2], action["risk"].as_str().unwrap(), "{name}");
    }
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    assert_eq!(rows.count(), actions.len() + 2, "nothing that is not there");
}
