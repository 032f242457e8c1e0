//! Is quell at home in a shell: help, completions, the manual, pipes that close, colours?

use std::io::Read as _;
use std::process::{Command, Stdio};

use crate::cli_scene::{active, alertmanager, assert_answer, only, run_with};
use crate::quell::Quell;
use crate::raw::RawServer;

#[test]
fn help_of_every_command_is_0_and_names_its_flags() {
    let quell = Quell::new();
    let commands: [&[&str]; 18] = [
        &[],
        &["demo"],
        &["init"],
        &["check"],
        &["status"],
        &["alerts"],
        &["burn"],
        &["runbook"],
        &["runbook", "list"],
        &["runbook", "show"],
        &["runbook", "which"],
        &["policy"],
        &["policy", "show"],
        &["policy", "test"],
        &["policy", "explain"],
        &["completions"],
        &["man"],
        &["status", "--alertmanager", "http://a:1"],
    ];
    for command in commands {
        for flag in ["--help", "-h"] {
            let help = quell.run(&[command, &[flag]].concat());
            assert_answer(&help, 0);
            assert!(help.stdout.contains("Usage: quell"), "{help:?}");
            assert!(
                help.stdout.contains("--alertmanager"),
                "{command:?}: {help:?}"
            );
        }
    }
    for command in ["check", "status", "alerts", "burn"] {
        assert!(
            quell.run(&[command, "--help"]).stdout.contains("--json"),
            "{command}"
        );
    }
    let version = quell.run(&["--version"]);
    assert_answer(&version, 0);
    assert_eq!(
        version.stdout.trim(),
        concat!("quell ", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn completions_are_scripts_that_know_the_commands() {
    let quell = Quell::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = quell.run(&["completions", shell]);
        assert_answer(&script, 0);
        for word in ["status", "alerts", "runbook", "alertmanager"] {
            assert!(script.stdout.contains(word), "{shell} does not know {word}");
        }
    }
    let bash = quell.path("home/quell.bash");
    quell.write(
        "home/quell.bash",
        &quell.run(&["completions", "bash"]).stdout,
    );
    let parsed = Command::new("bash").arg("-n").arg(&bash).output();
    let parsed = parsed.unwrap_or_else(|e| panic!("no bash: {e}"));
    assert!(
        parsed.status.success() && parsed.stderr.is_empty(),
        "{parsed:?}"
    );
}

#[test]
fn the_manual_is_roff_with_every_command() {
    let page = Quell::new().run(&["man"]);
    assert_answer(&page, 0);
    assert!(
        page.stdout.contains("\n.TH quell 1") || page.stdout.starts_with(".TH quell 1"),
        "{page:?}"
    );
    for said in [
        "quell status",
        "quell alerts",
        "quell runbook which",
        "quell completions",
        "\\-\\-alertmanager",
    ] {
        assert!(page.stdout.contains(said), "no {said}");
    }
}

#[test]
fn a_pipe_that_closes_ends_it_quietly() {
    // More than a pipe holds, so that the writer is caught in the middle.
    let alerts: Vec<_> = (0..2_000)
        .map(|n| {
            active(&serde_json::json!({ "alertname": format!("Alert{n}"), "pad": "x".repeat(100) }))
        })
        .collect();
    let alerts = serde_json::Value::Array(alerts).to_string();
    let am = RawServer::start(move |request| alertmanager(request, &alerts));
    let quell = Quell::new();
    for command in [
        &["alerts"][..],
        &["alerts", "--json"],
        &["status", "--json"],
    ] {
        let mut child = quell
            .command()
            .args(command)
            .args(["--alertmanager", am.url()])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start quell: {e}"));
        let mut head = [0; 100];
        let mut stdout = child.stdout.take().unwrap_or_else(|| panic!("no pipe"));
        stdout
            .read_exact(&mut head)
            .unwrap_or_else(|e| panic!("{e}"));
        drop(stdout);
        let ended = child.wait_with_output().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(ended.status.code(), Some(0), "{command:?}: {ended:?}");
        assert!(ended.stderr.is_empty(), "{ended:?}");
    }
}

#[test]
fn a_pipe_gets_no_colour_however_the_environment_asks() {
    let am = RawServer::start(|request| alertmanager(request, &only("Plain")));
    let quell = Quell::new();
    quell.write(
        "config/quell/config.toml",
        "[screen]\ncolor = \"truecolor\"\n",
    );
    let variables = [
        ("CLICOLOR_FORCE", "1"),
        ("FORCE_COLOR", "1"),
        ("COLORTERM", "truecolor"),
        ("TERM", "xterm-256color"),
    ];
    for command in [
        &["status"][..],
        &["alerts"],
        &["check"],
        &["runbook", "list"],
    ] {
        let answer = run_with(
            &quell,
            &variables,
            &[command, &["--alertmanager", am.url()]].concat(),
        );
        assert_answer(&answer, 0);
    }
    for (flag, variable) in [("--ascii", ""), ("--no-color", "1")] {
        let variables = [("QUELL_ASCII", variable)];
        let answer = run_with(
            &quell,
            &variables,
            &["alerts", flag, "--alertmanager", am.url()],
        );
        assert_answer(&answer, 0);
        assert!(answer.stdout.is_ascii(), "{answer:?}");
    }
}
