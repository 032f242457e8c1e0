//! Does `init` write a config that holds, privately, and never over one that is there?

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::cli_scene::{
    alertmanager, assert_answer, assert_harmless, names, only, prometheus, run_with,
};
use crate::quell::Quell;
use crate::raw::RawServer;

#[test]
fn a_first_config_is_private_holds_and_stays() {
    let am = RawServer::start(|request| alertmanager(request, &only("Found")));
    let prom = RawServer::start(prometheus);
    let quell = Quell::new();
    let sources = ["--alertmanager", am.url(), "--prometheus", prom.url()];
    let written = quell.run(&[&["init", "--env", "prod"][..], &sources].concat());
    assert_answer(&written, 0);
    let file = quell.path("config/quell/config.toml");
    assert!(
        written.stdout.contains(&*file.to_string_lossy()),
        "{written:?}"
    );
    assert!(written.stdout.contains("quell check"), "{written:?}");
    let mode = fs::metadata(&file)
        .unwrap_or_else(|e| panic!("{e}"))
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(am.requests(), [], "nobody was asked");

    let status = quell.run(&["status", "--json"]);
    assert_answer(&status, 0);
    let document = status.json();
    assert_eq!(document["env"], "prod");
    assert_eq!(names(&document), ["Found", "Watchdog"]);

    let before = fs::read(&file).ok();
    let refused = quell.run(&["init", "--alertmanager", "http://other:9093"]);
    assert_eq!(
        (refused.code, refused.stdout.as_str()),
        (2, ""),
        "{refused:?}"
    );
    assert!(refused.stderr.contains("--force") && refused.stderr.contains("there already"));
    assert_eq!(fs::read(&file).ok(), before);

    let forced = quell.run(&["init", "--force", "--alertmanager", "http://other:9093"]);
    assert_answer(&forced, 0);
    let text = fs::read_to_string(&file).unwrap_or_default();
    assert!(text.contains("http://other:9093") && !text.contains(am.url()));
    let mode = fs::metadata(&file)
        .unwrap_or_else(|e| panic!("{e}"))
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_printed_config_is_the_written_one_and_leaves_nothing() {
    let quell = Quell::new();
    let flags = [
        "--alertmanager",
        "http://a:9093/x",
        "--alertmanager",
        "http://b:9093",
        "--prometheus",
        "http://p:9090",
    ];
    let printed = quell.run(&[&["init", "--output", "-"][..], &flags].concat());
    assert_answer(&printed, 0);
    assert!(!quell.path("config/quell").exists());
    let elsewhere = quell
        .path("home/deep/quell.toml")
        .to_string_lossy()
        .into_owned();
    let written = quell.run(&[&["init", "--output", &elsewhere][..], &flags].concat());
    assert_answer(&written, 0);
    assert_eq!(
        fs::read_to_string(&elsewhere).ok(),
        Some(printed.stdout.clone())
    );
    for url in ["http://a:9093/x", "http://b:9093", "http://p:9090"] {
        assert!(
            printed.stdout.contains(&format!("url = \"{url}\"")),
            "{printed:?}"
        );
    }
    let checked = quell.run(&["check", "--json", "--config", &elsewhere]);
    assert_eq!(
        checked.code, 3,
        "it holds, and nobody is there: {checked:?}"
    );
}

#[test]
fn what_other_tools_know_is_found_and_flags_weigh_more() {
    let quell = Quell::new();
    quell.write(
        "home/.config/amtool/config.yml",
        "alertmanager.url: http://amtool:9093\nauthor: mara\n",
    );
    let found = quell.run(&["init", "--output", "-"]);
    assert_answer(&found, 0);
    assert!(
        found.stdout.contains("url = \"http://amtool:9093\""),
        "{found:?}"
    );

    let variables = [
        ("ALERTMANAGER_URL", "http://variable:9093"),
        ("PROMETHEUS_URL", "http://prom:9090"),
    ];
    let found = run_with(&quell, &variables, &["init", "--output", "-"]);
    assert_answer(&found, 0);
    assert!(
        found.stdout.contains("http://variable:9093") && found.stdout.contains("http://prom:9090")
    );
    assert!(!found.stdout.contains("http://amtool:9093"));

    let flag = [
        "init",
        "--output",
        "-",
        "--alertmanager",
        "http://flag:9093",
    ];
    let found = run_with(&quell, &variables, &flag);
    assert!(
        found.stdout.contains("http://flag:9093") && !found.stdout.contains("http://variable:9093")
    );

    // The place is told where a file is written.
    let told = quell.run(&["init"]);
    assert_answer(&told, 0);
    assert!(told.stdout.contains("amtool/config.yml"), "{told:?}");
}

#[test]
fn what_cannot_be_a_config_is_not_written() {
    let quell = Quell::new();
    for wrong in [
        "am:9093",
        "http://u:p@am:9093",
        "ftp://am",
        "http://am\"\nlog_level = \"x",
        "http://\u{1b}[2J",
    ] {
        let refused = quell.run(&["init", "--alertmanager", wrong]);
        assert_eq!(
            (refused.code, refused.stdout.as_str()),
            (2, ""),
            "{refused:?}"
        );
        assert!(
            refused.stderr.contains("nothing was written"),
            "{refused:?}"
        );
        assert_harmless(&refused.stderr);
    }
    assert!(!quell.path("config/quell/config.toml").exists());

    let nothing = quell.run(&["init"]);
    assert_answer(&nothing, 0);
    assert!(nothing.stdout.contains("no source"), "{nothing:?}");
    let status = quell.run(&["status"]);
    assert_eq!(status.code, 2, "it holds and names nobody: {status:?}");
}
