//! The commands over one picture of domain values, hostile strings included.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use super::args::{Cli, Command, DemoArgs, Format, Global, WhichArgs};
use super::asked::Asked;
use super::gather::{Answers, Picture, picture};
use super::gather_deliveries::DeliveryAnswers;
use super::output::tests::Kept;
use super::output::{Output, Terminal};
use super::page::{Ink, Page, Signs};
use super::{Show, World, alerts, check_sources, exit::Exit, runbook, status, which};
use crate::config::Paths;
use crate::config::delivery::DeliverySettings;
use crate::config::settings::GlyphChoice;
use crate::domain::board::tests::{observed, replica, t};
use crate::domain::claim::{Claim, Claims, Occurrence};
use crate::domain::filter::Filter;
use crate::domain::label::Labels;
use crate::domain::matcher::Matchers;
use crate::domain::observed::{
    AlertmanagerAnswer, ObservedAlert, PrometheusAnswer, ReplicaState, RuleAlert, RuleAlertState,
    RuleHealth, Silence, Suppression,
};
use crate::domain::runbook::{FrontMatter, Library, Origin, Runbook, Version};
use crate::domain::source::{ErrorKind, SourceError, SourceKind, SourceName};
use crate::domain::text::Untrusted;
use crate::domain::triage::TriagePolicy;
use crate::sim::{Faults, Options, Sim};

pub(super) const HOSTILE: &str = "\x1b[2J\u{202e}pay\u{200b}ments\u{9b}31m";

const PAGE: &[(&str, &str)] = &[
    ("alertname", "CheckoutHighErrorRate"),
    ("severity", "critical"),
    ("service", "checkout-api"),
    ("env", "prod"),
    ("cluster", "eu-1"),
    ("team", "checkout"),
];

pub(super) fn now() -> DateTime<Utc> {
    t(300)
}

pub(super) fn line(text: &str) -> Untrusted {
    Untrusted::line(text)
}

pub(super) async fn asked<T>(
    name: &str,
    kind: SourceKind,
    result: Result<T, SourceError>,
) -> Asked<T> {
    let who = (SourceName::from(name), kind, Duration::from_secs(15));
    let mut asked = Asked::of(who, now, std::future::ready(result)).await;
    asked.latency_ms = 12;
    asked
}

fn said(name: &str, alerts: Vec<ObservedAlert>, silences: Vec<Silence>) -> AlertmanagerAnswer {
    let answer = replica(name, alerts).heard.answer;
    AlertmanagerAnswer {
        silences,
        ..(*answer).clone()
    }
}

fn silenced() -> (ObservedAlert, Silence) {
    let mut alert = observed(&[
        ("alertname", "DiskFull"),
        ("severity", "warning"),
        ("job", "node"),
    ]);
    alert.state = ReplicaState::Suppressed;
    alert.suppression = Suppression {
        silenced_by: vec![line("s1")],
        ..Suppression::default()
    };
    let silence = Silence {
        id: line("s1"),
        matchers: line("alertname=\"DiskFull\""),
        created_by: line("dana"),
        comment: line(HOSTILE),
        starts_at: t(0),
        ends_at: t(3_600),
    };
    (alert, silence)
}

fn library() -> Library {
    let book = |id: &str, applies_to: &str, version| Runbook {
        id: line(id),
        title: line("Bad rollout"),
        path: line(&format!("{id}.md")),
        version,
        front: FrontMatter {
            owner: Some(line("team-delivery")),
            severity: Some(line("page")),
            applies_to: vec![Matchers::parse(applies_to).unwrap()],
            aliases: vec![line("BadRollout")],
            ..FrontMatter::default()
        },
        document: Arc::default(),
        source: format!("# Bad rollout\n\n\tkubectl rollout undo\n{HOSTILE}\n").into(),
        problems: Vec::new(),
    };
    let git = Version::Git {
        commit: "4f2c91ad0e5b4a0cbb4b0f4a7f0c1d2e3f405162".into(),
        blob: "9c1185a5c5e9fc54612808977ee8f548b2258d31".into(),
        dirty: true,
    };
    let unversioned = Version::Unversioned {
        sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".into(),
    };
    let mut draft = book("draft", "alertname=DiskFull", unversioned);
    draft.problems = vec!["front matter: unknown key `servces`".into()];
    Library {
        runbooks: vec![book("bad-rollout", "alertname=~\"Checkout.+\"", git), draft],
        origin: Origin {
            place: Some(line("/srv/runbooks")),
            commit: Some("4f2c91ad0e5b4a0cbb4b0f4a7f0c1d2e3f405162".into()),
            branch: Some(line("main")),
            remote: None,
        },
        problems: vec!["two.md: the id `bad-rollout` comes twice".into()],
    }
}

fn rules() -> PrometheusAnswer {
    PrometheusAnswer {
        alerts: vec![RuleAlert {
            labels: Labels::of(&[("alertname", "LagGrows"), ("severity", "warning")]),
            annotations: Labels::default(),
            state: RuleAlertState::Pending,
            active_at: t(240),
            value: line("1.5e+03"),
        }],
        rules: vec![RuleHealth {
            group: line("lag"),
            name: line("LagGrows"),
            query: line("rate(x[5m]) > 1"),
            for_secs: 300.0,
            last_error: Some(line("many-to-many matching\u{1b}[0m")),
            evaluated_at: Some(t(299)),
        }],
        version: Some(line("3.4.1")),
        clock_ahead_secs: Some(-42.0),
        limits: vec![line("no /api/v1/status/buildinfo")],
    }
}

/// Two of three replicas answer and disagree, Prometheus answers, runbooks are there.
async fn some_picture() -> Picture {
    let (quiet, silence) = silenced();
    let mut page = observed(PAGE);
    page.annotations = Labels::of(&[("summary", HOSTILE)]);
    page.generator_url = Some(line("http://prom/graph?g0.expr=up"));
    let nameless = observed(&[(HOSTILE, HOSTILE)]);
    let mut claims = Claims::default();
    let occurrence = Occurrence {
        fingerprint: page.fingerprint,
        starts_at: t(0),
    };
    let claim = Claim {
        by: line("mara"),
        since: t(60),
    };
    claims.take(occurrence, claim);
    let kind = SourceKind::Alertmanager;
    let dead = SourceError::new(ErrorKind::Unreachable, "connection refused");
    let first = said("am-1", vec![page.clone(), quiet, nameless], vec![silence]);
    let second = said("am-2", vec![page], Vec::new());
    let answers = Answers {
        alertmanagers: vec![
            (asked("am-1", kind, Ok(first)).await, None, String::new()),
            (asked("am-2", kind, Ok(second)).await, None, String::new()),
            (asked("am-3", kind, Err(dead)).await, None, String::new()),
        ],
        prometheuses: vec![asked("prom-1", SourceKind::Prometheus, Ok(rules())).await],
        burns: None,
        deliveries: DeliveryAnswers::default(),
        library: Some(asked("runbooks", SourceKind::Runbooks, Ok(library())).await),
    };
    let policy = TriagePolicy::default();
    picture(
        answers,
        Some("prod".into()),
        &policy,
        &DeliverySettings::default(),
        Arc::new(claims),
        now(),
    )
}

/// Everything that could be asked is dead.
async fn dead_picture() -> Picture {
    let error = SourceError::new(ErrorKind::TimedOut, HOSTILE);
    let kind = SourceKind::Alertmanager;
    let answers = Answers {
        alertmanagers: vec![(asked("am-1", kind, Err(error)).await, None, String::new())],
        prometheuses: Vec::new(),
        burns: None,
        deliveries: DeliveryAnswers::default(),
        library: Some(asked("runbooks", SourceKind::Runbooks, Ok(Library::default())).await),
    };
    picture(
        answers,
        None,
        &TriagePolicy::default(),
        &DeliverySettings::default(),
        Arc::default(),
        now(),
    )
}

pub(super) fn terminal(columns: usize) -> Page {
    Page {
        columns: Some(columns),
        ..Page::plain()
    }
}

pub(super) fn is_harmless(text: &str) -> bool {
    text.chars().all(|c| {
        c == '\n' || c == '\t' || !(c.is_control() || matches!(c, '\u{200b}' | '\u{202e}'))
    })
}

pub(super) fn parsed(text: &str) -> Value {
    assert!(is_harmless(text), "{text}");
    assert!(text.ends_with("}\n"));
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn the_status_document() {
    let picture = some_picture().await;
    assert_eq!(picture.exit(), Exit::Partial);
    insta::assert_json_snapshot!(parsed(&status::json(&picture).unwrap()));
}

#[tokio::test]
async fn the_alerts_document_holds_what_the_filter_lets_through() {
    let picture = some_picture().await;
    let filter = Filter::parse("severity=critical").unwrap();
    let document = parsed(&alerts::json(&picture, &filter).unwrap());
    assert_eq!(document["schema"], "quell.alerts/1");
    assert_eq!(document["filter"], "severity=critical");
    assert_eq!(document["total"], 3);
    let names: Vec<_> = document["alerts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| &a["name"])
        .collect();
    assert_eq!(names, ["CheckoutHighErrorRate"]);
    let whole = parsed(&alerts::json(&picture, &Filter::default()).unwrap());
    let same = parsed(&status::json(&picture).unwrap());
    assert_eq!(whole["alerts"], same["alerts"]);
    assert_eq!(whole["filter"], Value::Null);
}

#[tokio::test]
async fn the_runbook_documents() {
    let library = library();
    let show = Show {
        format: Format::Json,
        page: Page::plain(),
    };
    let list = runbook::list(&library, &show).unwrap();
    assert_eq!(list.exit, Exit::Partial, "a file could not be read");
    insta::assert_json_snapshot!("runbooks", parsed(&list.document));
    let shown = runbook::show("bad-rollout", &library, &show).unwrap();
    insta::assert_json_snapshot!("runbook", parsed(&shown.document));
}

#[tokio::test]
async fn the_which_document() {
    let picture = some_picture().await;
    for (name, words) in [
        ("which_live", vec!["CheckoutHighErrorRate"]),
        ("which_none", vec!["alertname=Else", "severity=critical"]),
    ] {
        let answer = which::answer(&args(&words), &picture, Format::Json, &Page::plain());
        insta::assert_json_snapshot!(name, parsed(&answer.unwrap()));
    }
}

fn args(words: &[&str]) -> WhichArgs {
    WhichArgs {
        alert: words.iter().map(ToString::to_string).collect(),
        annotation: Vec::new(),
        reading: super::Reading::default(),
    }
}

#[tokio::test]
async fn an_alert_is_found_by_name_fingerprint_and_id() {
    let picture = some_picture().await;
    let found = |words: &[&str]| {
        let text = which::answer(&args(words), &picture, Format::Json, &Page::plain());
        let document = parsed(&text.unwrap());
        (
            document["found_by"].clone(),
            document["runbook"]["id"].clone(),
        )
    };
    let live = (Value::from("live"), Value::from("bad-rollout"));
    let alert = &picture.board.alerts[0];
    assert_eq!(found(&["CheckoutHighErrorRate"]), live);
    assert_eq!(found(&[&alert.occurrence.fingerprint.to_string()]), live);
    assert_eq!(found(&[&super::json::alert_id(alert)]), live);
    let name = (Value::from("name"), Value::from("bad-rollout"));
    assert_eq!(found(&["CheckoutLatency"]), name);
    let labels = (Value::from("labels"), Value::from("bad-rollout"));
    assert_eq!(found(&["CheckoutLatency", "env=prod"]), labels);
    for words in [&["a", "b"][..], &["=x"]] {
        let wrong = which::answer(&args(words), &picture, Format::Text, &Page::plain());
        assert_eq!(wrong.unwrap_err().exit, Exit::Usage);
    }
    let mut annotated = args(&["alertname=Else"]);
    annotated.annotation = vec!["quell_runbook=draft".into()];
    let text = which::answer(&annotated, &picture, Format::Text, &Page::plain()).unwrap();
    assert!(text.contains("by rule  quell_runbook"), "{text}");
}

#[tokio::test]
async fn the_status_for_people() {
    let picture = some_picture().await;
    for columns in [80, 120] {
        let text = status::text(&picture, &terminal(columns));
        assert!(is_harmless(&text), "{text}");
        assert!(text.lines().all(|line| line.width() <= columns), "{text}");
        insta::assert_snapshot!(format!("status_{columns}"), text);
    }
}

#[tokio::test]
async fn the_alerts_for_people() {
    let picture = some_picture().await;
    for columns in [80, 120] {
        let text = alerts::text(&picture, &Filter::default(), &terminal(columns));
        assert!(is_harmless(&text), "{text}");
        assert!(text.lines().all(|line| line.width() <= columns), "{text}");
        insta::assert_snapshot!(format!("alerts_{columns}"), text);
    }
    let piped = alerts::text(&picture, &Filter::default(), &Page::plain());
    insta::assert_snapshot!("alerts_piped", piped);
}

#[tokio::test]
async fn colour_says_nothing_that_letters_do_not() {
    let picture = some_picture().await;
    let colour = Page {
        ink: Ink::Ansi16,
        signs: Signs::Ascii,
        ..terminal(100)
    };
    let plain = Page {
        ink: Ink::None,
        ..colour
    };
    let coloured = alerts::text(&picture, &Filter::default(), &colour);
    assert!(coloured.contains("\x1b[1;31mP\x1b[0m"));
    let mut bare = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\x1b') {
        bare.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    bare.push_str(rest);
    assert_eq!(bare, alerts::text(&picture, &Filter::default(), &plain));
}

#[tokio::test]
async fn silence_of_the_dead_is_not_all_clear() {
    let picture = dead_picture().await;
    assert_eq!(picture.exit(), Exit::Nothing);
    let text = status::text(&picture, &terminal(80));
    assert!(text.contains("not every source answered"), "{text}");
    assert!(!text.contains("nothing needs you"), "{text}");
    assert!(is_harmless(&text), "{text}");
    let text = alerts::text(&picture, &Filter::default(), &Page::plain());
    assert!(text.contains("am-1: timed out"), "{text}");
    let document = parsed(&status::json(&picture).unwrap());
    assert_eq!(document["sources"][0]["freshness"], "failed");
    assert_eq!(document["sources"][0]["error_kind"], "timed_out");
    assert_eq!(document["sources"][0]["age_secs"], Value::Null);
}

#[tokio::test]
async fn a_check_of_the_sources_names_everything_that_is_odd() {
    let picture = some_picture().await;
    let mut findings = check_sources::servers(&picture);
    findings.extend(check_sources::runbooks(&picture));
    insta::assert_json_snapshot!("check", findings);
}

#[test]
fn a_bad_filter_gets_a_caret_under_the_place() {
    for (text, expected) in [
        (
            "checkout env==prod",
            "  checkout env==prod\n              ^^ ",
        ),
        ("磁盘 env=~\"(\" x", "  磁盘 env=~\"(\" x\n            ^^^ "),
        ("a\x1b env==x", "  a\\u{1b} env==x\n             ^^ "),
    ] {
        let error = Filter::parse(text).unwrap_err();
        let said = alerts::caret(text, &error);
        assert!(said.contains(expected), "{said}\n{expected}");
        assert!(is_harmless(&said));
    }
}

#[test]
fn an_unknown_runbook_gets_its_nearest_names() {
    let show = Show {
        format: Format::Text,
        page: Page::plain(),
    };
    let text = runbook::show("draft", &library(), &show).unwrap().document;
    assert!(
        text.starts_with("# Bad rollout\n\n\tkubectl rollout undo\n"),
        "{text}"
    );
    assert!(is_harmless(&text), "{text}");
    for id in ["bad-rolout", "rollout", "BAD\x1b"] {
        let complaint = runbook::show(id, &library(), &show).unwrap_err();
        assert_eq!(complaint.exit, Exit::Usage);
        let said = complaint.complaint.unwrap();
        assert!(is_harmless(&said), "{said}");
        if id.contains("roll") || id.contains("rol") {
            assert!(said.contains("nearest are: bad-rollout"), "{said}");
        }
    }
}

#[test]
fn shells_and_readers_get_every_command() {
    use clap_complete::Shell;
    for shell in [
        Shell::Bash,
        Shell::Zsh,
        Shell::Fish,
        Shell::Elvish,
        Shell::PowerShell,
    ] {
        let script = super::shell::completions(shell).unwrap().document;
        for word in ["runbook", "alertmanager", "which", "explain", "slo"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let page = super::shell::man().unwrap().document;
    for word in [
        "\"quell runbook which\"",
        "\"quell status\"",
        "\"quell burn\"",
        "\"quell changes\"",
        "\"quell suspects\"",
        "\\-\\-explain",
        "\\-\\-seed",
    ] {
        assert!(page.contains(word), "{word}");
    }
    let said_once = page.matches("How much goes to the log file").count();
    assert_eq!(said_once, 1, "{page}");
}

/// A world of its own: no variables, folders that are not there.
pub(super) fn world(root: &std::path::Path) -> World {
    World {
        clock: now,
        paths: Paths::below(root),
        built_in_themes: &[],
        variables: |_| None,
    }
}

/// Runs a command line to its end: standard output, standard error and the status.
pub(super) async fn quell(words: &[&str], world: &World) -> (String, String, u8) {
    let line = std::iter::once(&"quell").chain(words).map(OsString::from);
    let cli = Cli::read(line).unwrap();
    let Some(Command::Print(command)) = cli.command else {
        unreachable!("{words:?} opens the cockpit");
    };
    let (out, err) = (Kept::default(), Kept::default());
    let mut output = Output::to(Box::new(out.clone()), Box::new(err.clone()), Terminal::No);
    let exit = super::run(&command, &cli.global, world, &mut output).await;
    (out.text(), err.text(), exit.status())
}

#[tokio::test]
async fn commands_read_a_platform_over_http() {
    let root = tempfile::tempdir().unwrap();
    let world = world(root.path());
    let sim = Sim::bind(Options {
        seed: 1,
        // Early in its story, before one of its replicas dies.
        started: t(270),
        clock: Arc::new(now),
        faults: Faults::default(),
    })
    .await
    .unwrap();
    let [first, second] = sim.alertmanagers().map(String::from);
    let prometheus = String::from(sim.prometheus());
    let all = [
        "--alertmanager",
        &first,
        "--alertmanager",
        &second,
        "--prometheus",
        &prometheus,
    ];
    let with = |words: &[&'static str]| -> Vec<&str> { [words, &all[..]].concat() };
    let asking = async {
        let (document, said, exit) = quell(&with(&["status", "--json"]), &world).await;
        assert_eq!((said.as_str(), exit), ("", 0), "{document}");
        let status = parsed(&document);
        assert_eq!(status["sources"].as_array().unwrap().len(), 5);
        assert_eq!(status["sources"][3]["name"], "prom-1/slo");
        assert!(!status["alerts"].as_array().unwrap().is_empty());

        let (list, said, exit) = quell(&with(&["alerts"]), &world).await;
        assert_eq!((said.as_str(), exit), ("", 0));
        assert_eq!(
            list.lines().count(),
            status["alerts"].as_array().unwrap().len(),
            "{list}"
        );

        let (check, said, exit) = quell(&with(&["check"]), &world).await;
        assert_eq!((said.as_str(), exit), ("", 0), "{check}");
        assert!(
            check.contains("one cluster, found by their peers"),
            "{check}"
        );

        // Nobody listens on port 1.
        let dead = ["--alertmanager", "http://127.0.0.1:1"];
        let (document, said, exit) =
            quell(&[&with(&["alerts", "--json"])[..], &dead].concat(), &world).await;
        assert_eq!((said.as_str(), exit), ("", 1));
        assert_eq!(parsed(&document)["sources"][2]["freshness"], "failed");
    };
    tokio::select! {
        ended = sim.serve() => unreachable!("{ended:?}"),
        () = asking => {}
    }
}

#[tokio::test]
async fn a_demo_reads_nothing_but_its_own_platform() {
    let root = tempfile::tempdir().unwrap();
    let mut world = world(root.path());
    std::fs::create_dir(&world.paths.config).unwrap();
    std::fs::write(world.paths.config_file(), "broken").unwrap();
    world.variables = |name| match name {
        "QUELL_ALERTMANAGER" => Some("http://real:9093".into()),
        "QUELL_ENV" => Some("prod".into()),
        "QUELL_ASCII" => Some("1".into()),
        _ => None,
    };
    let args = DemoArgs { seed: 1 };
    let demo = super::demo::prepare(args, &Global::default(), &world)
        .await
        .unwrap();
    let settings = demo.settings;
    assert_eq!(settings.environment.unwrap().name, "demo");
    assert_eq!(settings.screen.glyphs, GlyphChoice::Ascii);
    assert_eq!(
        (settings.alertmanagers.len(), settings.prometheuses.len()),
        (2, 1)
    );
    let hosts = settings
        .alertmanagers
        .iter()
        .map(|am| am.endpoint.url.host_str());
    assert!(hosts.into_iter().all(|host| host == Some("127.0.0.1")));
}

#[tokio::test]
async fn claims_that_cannot_be_read_are_said() {
    let root = tempfile::tempdir().unwrap();
    let world = world(root.path());
    assert!(super::kept::claims(&world.paths).is_ok());
    std::fs::create_dir(&world.paths.data).unwrap();
    let mut claims = Claims::default();
    let occurrence = Occurrence {
        fingerprint: observed(PAGE).fingerprint,
        starts_at: t(0),
    };
    let claim = Claim {
        by: line("mara"),
        since: t(60),
    };
    claims.take(occurrence, claim);
    std::fs::write(
        world.paths.claims_file(),
        serde_json::to_vec(&claims).unwrap(),
    )
    .unwrap();
    let read = super::kept::claims(&world.paths).unwrap();
    assert_eq!(read.by_fingerprint().len(), 1);

    std::fs::write(world.paths.claims_file(), "{broken\x1b").unwrap();
    let words = ["check", "--alertmanager", "http://127.0.0.1:1"];
    let (document, _, _) = quell(&words, &world).await;
    assert!(document.contains("claims were not read from"), "{document}");
    assert!(is_harmless(&document));
}

#[tokio::test]
async fn the_status_of_a_whole_run() {
    let root = tempfile::tempdir().unwrap();
    let world = world(root.path());
    let dead = ["status", "--alertmanager", "http://127.0.0.1:1"];
    let (document, said, exit) = quell(&dead, &world).await;
    assert_eq!(exit, 3);
    assert!(document.contains("unreachable"), "{document}");
    assert!(said.contains("nothing could be read"), "{said}");

    for (words, expected) in [
        (&["status"][..], "quell demo"),
        (&["alerts", "severity==x"], "^^"),
        (
            &["status", "--json", "--alertmanager", "nonsense"],
            "--alertmanager",
        ),
        (
            &["check", "--config", "/nonexistent/quell.toml"],
            "/nonexistent/quell.toml",
        ),
        (&["runbook", "show", "nonsense"], "nearest"),
    ] {
        let (document, said, exit) = quell(words, &world).await;
        assert_eq!((document.as_str(), exit), ("", 2), "{words:?}");
        assert!(said.contains(expected), "{words:?}: {said}");
    }

    let (document, said, exit) = quell(&["runbook", "list", "--json"], &world).await;
    assert_eq!((said.as_str(), exit), ("", 0));
    assert!(!parsed(&document)["runbooks"].as_array().unwrap().is_empty());
    let (document, said, exit) =
        quell(&["runbook", "which", "alertname=Nobody", "--json"], &world).await;
    assert_eq!((said.as_str(), exit), ("", 0), "none is an answer too");
    assert_eq!(parsed(&document)["runbook"], Value::Null);
    let (document, _, exit) = quell(&["check", "--json"], &world).await;
    assert_eq!(
        (parsed(&document)["verdict"].as_str(), exit),
        (Some("fail"), 2)
    );
}
