//! What counts, and how is a mistake told? Flags weigh more than variables, those more than the
//! file; every problem is told at once, each with its place.

use crate::cli_scene::{
    alertmanager, assert_answer, assert_harmless, list, names, only, run_with, source,
};
use crate::quell::Quell;
use crate::raw::RawServer;

fn server(alertname: &str) -> RawServer {
    let alerts = only(alertname);
    RawServer::start(move |request| alertmanager(request, &alerts))
}

#[test]
fn all_problems_are_told_at_once_with_their_places() {
    let quell = Quell::new();
    let file = quell.write(
        "config/quell/config.toml",
        "log_levl = \"info\"\n\
         [[alertmanger]]\n\
         url = \"http://a:1\"\n\
         [[prometheus]]\n\
         url = \"p:9090\"\n\
         period = \"soon\"\n\
         [screen]\n\
         theme = \"ligth\"\n\
         [[triage.lane]]\n\
         lane = \"pager\"\n\
         match = 'severity=~\"(\"'\n",
    );
    for command in [&["status", "--json"][..], &["alerts"], &["runbook", "list"]] {
        let refused = quell.run(command);
        assert_eq!(
            (refused.code, refused.stdout.as_str()),
            (2, ""),
            "{refused:?}"
        );
        assert_harmless(&refused.stderr);
        let said = |text: &str| {
            assert!(
                refused.stderr.contains(text),
                "no {text}:\n{}",
                refused.stderr
            );
        };
        let name = file.display();
        for place in ["1:1", "2:3", "5:8", "6:10", "8:9", "10:8"] {
            said(&format!("{name}:{place}\n"));
        }
        for nearest in [
            "did you mean `log_level`?",
            "did you mean `alertmanager`?",
            "did you mean `http://p:9090`?",
            "did you mean `light`?",
            "did you mean `page`?",
        ] {
            said(nearest);
        }
        said("^^^^^^^^");
        said(&format!("7 problems in {name}"));
    }
}

#[test]
fn flags_weigh_more_than_variables_and_those_more_than_the_file() {
    let (by_file, by_variable, by_flag) =
        (server("ByFile"), server("ByVariable"), server("ByFlag"));
    let quell = Quell::new();
    quell.write(
        "config/quell/config.toml",
        &format!("[[alertmanager]]\nurl = \"{}\"\n", by_file.url()),
    );
    let asked = |variables: &[(&str, &str)], flags: &[&str]| {
        let answer = run_with(&quell, variables, &[&["alerts", "--json"], flags].concat());
        assert_answer(&answer, 0);
        let document = answer.json();
        names(&document).join(" ")
    };
    let variable = ("QUELL_ALERTMANAGER", by_variable.url());
    assert_eq!(asked(&[], &[]), "ByFile");
    assert_eq!(asked(&[variable], &[]), "ByVariable");
    assert_eq!(
        asked(&[variable], &["--alertmanager", by_flag.url()]),
        "ByFlag"
    );
    assert_eq!(
        asked(&[("QUELL_ALERTMANAGER", "")], &[]),
        "ByFile",
        "empty is not set"
    );
    let several = format!("{},{}", by_variable.url(), by_flag.url());
    assert_eq!(
        asked(&[("QUELL_ALERTMANAGER", &several)], &[]),
        "ByFlag ByVariable"
    );

    let other = quell.write(
        "home/other.toml",
        &format!("[[alertmanager]]\nurl = \"{}\"\n", by_flag.url()),
    );
    let other = other.to_string_lossy();
    assert_eq!(asked(&[("QUELL_CONFIG", &other)], &[]), "ByFlag");
    assert_eq!(
        asked(&[("QUELL_CONFIG", "/not/there")], &["--config", &other]),
        "ByFlag"
    );
    // Before or after the command, both count.
    let both = quell.run(&[
        "--alertmanager",
        by_file.url(),
        "alerts",
        "--json",
        "--alertmanager",
        by_flag.url(),
    ]);
    assert_eq!(names(&both.json()), ["ByFile", "ByFlag"]);
}

#[test]
fn an_environment_shows_its_own_sources() {
    let (prod, stage, shared) = (server("Prod"), server("Stage"), server("Shared"));
    let quell = Quell::new();
    let config = format!(
        "env = \"prod\"\n[[environment]]\nname = \"prod\"\n[[environment]]\nname = \"stage\"\n\
         [[alertmanager]]\nname = \"am-prod\"\nurl = \"{}\"\nenv = \"prod\"\n\
         [[alertmanager]]\nname = \"am-stage\"\nurl = \"{}\"\nenv = \"stage\"\n\
         [[alertmanager]]\nname = \"am-shared\"\nurl = \"{}\"\n",
        prod.url(),
        stage.url(),
        shared.url()
    );
    quell.write("config/quell/config.toml", &config);
    let asked = |variables: &[(&str, &str)], flags: &[&str]| {
        let answer = run_with(&quell, variables, &[&["status", "--json"], flags].concat());
        assert_answer(&answer, 0);
        let document = answer.json();
        source(&document, "am-shared");
        assert_eq!(list(&document["sources"]).len(), 3);
        let env = document["env"].as_str().unwrap_or_default().to_owned();
        format!("{env}: {}", names(&document).join(" "))
    };
    assert_eq!(asked(&[], &[]), "prod: Prod Shared");
    assert_eq!(asked(&[], &["--env", "stage"]), "stage: Shared Stage");
    assert_eq!(asked(&[("QUELL_ENV", "stage")], &[]), "stage: Shared Stage");
    assert_eq!(
        asked(&[("QUELL_ENV", "stage")], &["--env", "prod"]),
        "prod: Prod Shared"
    );

    let before = prod.requests().len();
    asked(&[], &["--env", "stage"]);
    assert_eq!(
        prod.requests().len(),
        before,
        "another environment's source is left alone"
    );

    let unknown = quell.run(&["status", "--env", "prodd"]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(
        unknown.stderr.contains("did you mean `prod`?"),
        "{unknown:?}"
    );
    quell.write(
        "config/quell/config.toml",
        &config.replace("env = \"prod\"\n[[environment]]", "[[environment]]"),
    );
    let unchosen = quell.run(&["status"]);
    assert_eq!(unchosen.code, 2, "{unchosen:?}");
    assert!(unchosen.stderr.contains("--env"), "{unchosen:?}");
}

#[test]
fn the_example_config_holds() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/config.example.toml");
    let am = server("Found");
    let answer = Quell::new().run(&[
        "status",
        "--json",
        "--config",
        example,
        "--alertmanager",
        am.url(),
    ]);
    assert_answer(&answer, 0);
    assert_eq!(names(&answer.json()), ["Found"]);
}
