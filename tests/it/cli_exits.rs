//! Does the exit status say how much of the answer there is, and does the document say the rest?

use crate::cli_scene::{alert, assert_answer, assert_harmless, list, run_with, source};
use crate::peers::{AlertSpec, AlertmanagerPair, until};
use crate::quell::Quell;

#[tokio::test]
async fn whole_partial_and_nothing_as_replicas_die() {
    let mut pair = AlertmanagerPair::start().await;
    let page = AlertSpec::new("NodeDown").label("severity", "critical");
    pair.first.post_alerts(std::slice::from_ref(&page)).await;
    pair.second.post_alerts(&[page]).await;
    let (first, second) = (pair.first.url().to_owned(), pair.second.url().to_owned());
    let quell = Quell::new();
    let ask = |arguments: &[&str]| {
        let sources = ["--alertmanager", &first, "--alertmanager", &second];
        quell.run(&[arguments, &sources].concat())
    };
    let commands: [&[&str]; 4] = [
        &["status", "--json"],
        &["alerts", "--json"],
        &["status"],
        &["alerts"],
    ];
    for command in commands {
        assert_answer(&ask(command), 0);
    }

    pair.second.kill();
    for command in &commands[..2] {
        let partial = ask(command);
        assert_answer(&partial, 1);
        let document = partial.json();
        assert_eq!(source(&document, "am-1")["freshness"], "fresh");
        let dead = source(&document, "am-2");
        assert_eq!(dead["freshness"], "failed");
        assert_eq!(dead["error_kind"], "unreachable");
        let error = dead["error"].as_str().unwrap_or_default();
        let address = second.trim_start_matches("http://");
        assert!(
            error.contains("unreachable") && error.contains(address),
            "{dead:#}"
        );
        assert!(dead["next_step"].is_string() && dead["age_secs"].is_null());
        let alert = alert(&document, "NodeDown");
        assert_eq!(alert["state"], "firing");
        assert_eq!(
            list(&alert["disagree"]),
            [] as [&str; 0],
            "the dead do not disagree"
        );
    }
    for command in &commands[2..] {
        let partial = ask(command);
        assert_answer(&partial, 1);
        for said in ["NodeDown", "am-2", "unreachable"] {
            assert!(partial.stdout.contains(said), "no {said}: {partial:?}");
        }
    }

    pair.first.kill();
    for command in commands {
        let nothing = ask(command);
        assert_eq!(nothing.code, 3, "{nothing:?}");
        assert!(nothing.stderr.contains("no source answered"), "{nothing:?}");
        assert_harmless(&nothing.stdout);
        assert!(!nothing.stdout.contains("nothing needs you"), "{nothing:?}");
    }
    for command in &commands[..2] {
        let document = ask(command).json();
        assert_eq!(list(&document["alerts"]), [] as [&str; 0]);
        for name in ["am-1", "am-2"] {
            assert_eq!(source(&document, name)["freshness"], "failed");
        }
    }

    // And back: nothing of the failures stays.
    pair.first.restart().await;
    pair.second.restart().await;
    until("both answer again", async || {
        let answer = ask(commands[0]);
        (answer.code == 0)
            .then_some(())
            .ok_or_else(|| format!("{answer:?}"))
    })
    .await;
}

#[test]
fn wrong_usage_is_2_and_says_what_is_right() {
    let quell = Quell::new();
    let cases: [(&[&str], &[&str]); 11] = [
        (
            &["status", "--json"],
            &["no source", "--alertmanager", "quell init", "quell demo"],
        ),
        (&["alerts"], &["no source"]),
        // A folder of changes knows no alerts: no alert of it is no news.
        (&["alerts", "--changes", "/"], &["no source"]),
        (
            &["status", "--kubeconfig", "/not/there"],
            &["--kubeconfig", "no such file"],
        ),
        (&["status", "--jsn"], &["--jsn", "--json"]),
        (&["stauts"], &["stauts", "status"]),
        (
            &["status", "--alertmanager", "localhost:9093"],
            &["http://localhost:9093"],
        ),
        (
            &["status", "--alertmanager", "http://am:port"],
            &["--alertmanager"],
        ),
        (
            &["status", "--config", "/not/there.toml"],
            &["/not/there.toml", "no such file"],
        ),
        (&["runbook"], &["list", "show", "which"]),
        (&["completions", "tcl"], &["tcl", "bash", "fish"]),
    ];
    for (arguments, said) in cases {
        let refused = quell.run(arguments);
        assert_eq!(
            (refused.code, refused.stdout.as_str()),
            (2, ""),
            "{arguments:?}: {refused:?}"
        );
        assert_harmless(&refused.stderr);
        for said in said {
            assert!(refused.stderr.contains(said), "no {said}: {refused:?}");
        }
    }
}

#[test]
fn a_hostile_word_on_the_command_line_is_shown_harmless() {
    let quell = Quell::new();
    let hostile = "x\u{1b}[31m\u{202e}\u{200b}";
    let cases: [&[&str]; 7] = [
        &[
            "alerts",
            "--alertmanager",
            "http://127.0.0.1:1",
            "a=\"\u{1b}[2J",
        ],
        &["status", "--alertmanager", hostile],
        &["status", "--config", hostile],
        &[
            "status",
            "--env",
            hostile,
            "--alertmanager",
            "http://127.0.0.1:1",
        ],
        &["runbook", "show", hostile],
        &["runbook", "which", "=\u{1b}c"],
        &[
            "status",
            "--theme",
            hostile,
            "--alertmanager",
            "http://127.0.0.1:1",
        ],
    ];
    for arguments in cases {
        let refused = quell.run(arguments);
        assert_eq!(refused.code, 2, "{arguments:?}: {refused:?}");
        assert_harmless(&refused.stdout);
        assert_harmless(&refused.stderr);
    }
    let refused = run_with(&quell, &[("QUELL_ENV", hostile)], &["status"]);
    assert_eq!(refused.code, 2);
    assert_harmless(&refused.stderr);
}
