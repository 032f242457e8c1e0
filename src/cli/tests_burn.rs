//! Service levels in every command, over hand-made answers of a Prometheus, hostile names included.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use super::args::{BurnArgs, Cli, Command, Format, Print};
use super::asked::Asked;
use super::burn_json::Detail;
use super::exit::Exit;
use super::gather::{Answers, Picture, picture};
use super::gather_deliveries::DeliveryAnswers;
use super::gather_slos::BurnAnswers;
use super::page::{Page, Signs};
use super::tests::{HOSTILE, asked, is_harmless, line, now, parsed, quell, terminal, world};
use super::{burn, burn_choice, check_slos, status};
use crate::config::delivery::DeliverySettings;
use crate::domain::budget_period::{Calendar, CalendarUnit, Period, Zone};
use crate::domain::burn_policy::{Above, BurnPolicies, BurnPolicy, Condition, Level, Threshold};
use crate::domain::label::Labels;
use crate::domain::slo::{
    BudgetMethod, BudgetWindow, FileFormat, Indicator, MetricKind, Origin, Outcome, Query,
    Recorder, Slo, SloFiles, SloId, SloProblem,
};
use crate::domain::slo_measured::{
    Basis, BurnAnswer, Measured, MeasuredSlo, NoData, PeriodMeasured, QueryCost, Reading,
};
use crate::domain::source::{ErrorKind, SourceError, SourceKind};
use crate::domain::triage::TriagePolicy;

const DAY: u64 = 86_400;
/// The windows of the default policy.
const WINDOWS: [u64; 7] = [300, 1_800, 3_600, 7_200, 21_600, DAY, 3 * DAY];

fn query(text: &str, data_source: Option<&str>) -> Query {
    Query {
        text: text.to_owned(),
        metric: MetricKind::Counter,
        line: 12,
        data_source: data_source.map(line),
    }
}

/// 99.9 % over 30 days, from a file.
fn slo(service: &str, name: &str) -> Slo {
    Slo {
        id: SloId {
            service: Some(line(service)),
            name: line(name),
            group: Labels::default(),
        },
        summary: None,
        objective: 0.999,
        window: BudgetWindow::Rolling { secs: 30 * DAY },
        method: BudgetMethod::Occurrences,
        indicator: Indicator::Events {
            part_is: Outcome::Bad,
            part: query("bad_total", None),
            total: query("all_total", None),
        },
        group_by: Vec::new(),
        labels: Labels::default(),
        origins: vec![Origin::File {
            path: line(&format!("slo/{name}.yaml")),
            line: 3,
            format: FileFormat::OpenSlo,
        }],
        cautions: Vec::new(),
    }
}

fn measured(secs: u64, basis: Basis, reading: Result<Reading, NoData>) -> Measured {
    Measured {
        secs,
        at: now() - TimeDelta::seconds(12),
        basis,
        query: format!("sum(rate(bad_total[{secs}s])) / sum(rate(all_total[{secs}s]))").into(),
        reading,
    }
}

/// Counts that burn so fast, at 100 events a second.
#[allow(clippy::cast_precision_loss, reason = "a few days")]
fn counted(slo: &Slo, secs: u64, burn: f64) -> Measured {
    let total = secs as f64 * 100.0;
    let bad = burn * slo.budget_ratio() * total;
    measured(
        secs,
        Basis::Traffic,
        Ok(Reading::of_counts(bad, total).unwrap()),
    )
}

/// Burns over the windows of the default policy, and over the period.
fn burning(slo: Slo, burns: [f64; 7], over_period: f64) -> MeasuredSlo {
    let windows = WINDOWS.into_iter().zip(burns);
    let windows = windows
        .map(|(secs, burn)| counted(&slo, secs, burn))
        .collect();
    let period = Period {
        start: now() - TimeDelta::days(30),
        end: now(),
    };
    let period = PeriodMeasured {
        period,
        measured: counted(&slo, 30 * DAY, over_period),
        by_time: None,
    };
    MeasuredSlo {
        slo,
        windows,
        period: Some(period),
        blocked: None,
    }
}

fn unread(slo: Slo, why: &NoData) -> MeasuredSlo {
    let windows = WINDOWS
        .into_iter()
        .map(|secs| measured(secs, Basis::Traffic, Err(why.clone())))
        .collect();
    MeasuredSlo {
        slo,
        windows,
        period: None,
        blocked: None,
    }
}

/// One page: known from a file and from recordings, whose mean over time says otherwise.
pub(super) fn paging() -> MeasuredSlo {
    let mut slo = slo("checkout-api", "checkout-availability");
    slo.summary = Some(line("Answers of the checkout are not 5xx"));
    slo.labels = Labels::of(&[("tier", "1")]);
    slo.origins.push(Origin::Recorded {
        source: "prom-1".into(),
        by: Recorder::Sloth,
    });
    slo.cautions = vec![line("Sloth records another objective: 99.5 %")];
    let mut found = burning(slo, [21.0, 16.2, 14.6, 9.0, 3.1, 1.2, 0.9], 0.62);
    let period = found.period.as_mut().unwrap();
    let by_time = Reading::of_ratio(0.01635).unwrap();
    period.by_time = Some(measured(30 * DAY, Basis::Time, Ok(by_time)));
    found
}

/// A month in Berlin, recorded as ratios by time, burning a little for days.
fn monthly() -> MeasuredSlo {
    let mut slo = slo("search", "search-latency-p95");
    slo.window = BudgetWindow::Calendar(Calendar {
        starts_at: "2020-01-01T00:00:00".parse().unwrap(),
        zone: Zone("Europe/Berlin".parse().unwrap()),
        count: 1,
        unit: CalendarUnit::Month,
    });
    let BudgetWindow::Calendar(calendar) = slo.window else {
        unreachable!();
    };
    let windows = WINDOWS.into_iter().map(|secs| {
        let ratio = Reading::of_ratio(0.0012).unwrap();
        measured(secs, Basis::Time, Ok(ratio))
    });
    let period = calendar.period_at(now()).unwrap();
    let ratio = Reading::of_ratio(0.0011).unwrap();
    MeasuredSlo {
        windows: windows.collect(),
        period: Some(PeriodMeasured {
            period,
            measured: measured(14 * DAY, Basis::Time, Ok(ratio)),
            by_time: None,
        }),
        blocked: None,
        slo,
    }
}

/// One of a group, with a bit of everything that is not right.
fn grouped() -> MeasuredSlo {
    let mut slo = slo("ci", "deploy-success");
    slo.id.group = Labels::of(&[("region", "eu")]);
    slo.objective = 0.9;
    let mut found = burning(slo, [0.0, 0.004, 0.2, 0.05, 0.1, 0.3, 0.3], 0.04);
    found.windows[0].reading = Ok(Reading::of_ratio(1.25).unwrap());
    found.windows[4].reading = Err(NoData::NotANumber(line("NaN")));
    found
}

fn answer() -> BurnAnswer {
    let mut hostile = slo(HOSTILE, HOSTILE);
    hostile.cautions = vec![line(HOSTILE)];
    let mut ended = burning(slo("etl", "ended"), [0.0; 7], 0.0);
    ended.blocked = Some(NoData::Stale(7_200));
    let all = vec![
        grouped(),
        unread(slo("etl", "batch-freshness"), &NoData::NoTraffic(7_200)),
        unread(hostile, &NoData::Failed(line(HOSTILE))),
        ended,
        monthly(),
        paging(),
    ];
    BurnAnswer {
        slos: all.into_iter().map(Arc::new).collect(),
        problems: vec![problem("slo/broken.yaml", 7, HOSTILE)],
        limits: vec![line("a partial answer: a store is gone")],
        cost: QueryCost {
            queries: 9,
            samples: Some(59_400),
        },
    }
}

fn problem(path: &str, at: usize, what: &str) -> SloProblem {
    SloProblem {
        path: line(path),
        line: at,
        column: if at > 0 { 5 } else { 0 },
        what: line(what),
        next_step: line("write it like targetPercent: 99.9"),
    }
}

fn dead() -> SourceError {
    SourceError::new(ErrorKind::Unreachable, "connection refused")
}

pub(super) type AskedSlos = (Asked<BurnAnswer>, Vec<Slo>);

pub(super) async fn said(
    name: &str,
    result: Result<BurnAnswer, SourceError>,
    its: Vec<Slo>,
) -> AskedSlos {
    (asked(name, SourceKind::Slos, result).await, its)
}

fn of(asked: Vec<AskedSlos>, files: SloFiles, policies: BurnPolicies) -> Picture {
    let burns = BurnAnswers {
        files: Arc::new(files),
        asked,
        policies: Arc::new(policies),
        at: None,
    };
    let answers = Answers {
        alertmanagers: Vec::new(),
        prometheuses: Vec::new(),
        burns: Some(burns),
        deliveries: DeliveryAnswers::default(),
        library: None,
    };
    let policy = TriagePolicy::default();
    picture(
        answers,
        Some("prod".into()),
        &policy,
        &DeliverySettings::default(),
        Arc::default(),
        now(),
    )
}

/// One Prometheus that answers, one that does not, and files with problems of every kind.
async fn some_picture() -> Picture {
    let lost = slo("billing", "invoices");
    let mut unserved = slo("billing", "refunds");
    unserved.indicator = Indicator::Probe {
        gauge: query("probe_success", Some("thanos")),
    };
    let files = SloFiles {
        slos: vec![lost.clone(), unserved],
        problems: vec![problem("slo/empty.yaml", 0, "it holds no SLO")],
    };
    let asked = vec![
        said("prom-1/slo", Ok(answer()), Vec::new()).await,
        said("prom-2/slo", Err(dead()), vec![lost]).await,
    ];
    of(asked, files, BurnPolicies::default())
}

/// One Prometheus that measures only these.
async fn whole_picture(slos: Vec<MeasuredSlo>, policies: BurnPolicies) -> Picture {
    let answer = BurnAnswer {
        slos: slos.into_iter().map(Arc::new).collect(),
        ..BurnAnswer::default()
    };
    let asked = vec![said("prom-1/slo", Ok(answer), Vec::new()).await];
    of(asked, SloFiles::default(), policies)
}

fn args(words: &str) -> BurnArgs {
    let words = ["quell", "burn"]
        .into_iter()
        .chain(words.split_whitespace());
    let cli = Cli::read(words.map(Into::into)).unwrap();
    match cli.command {
        Some(Command::Print(Print::Burn(args))) => args,
        other => unreachable!("{other:?}"),
    }
}

fn json(words: &str, picture: &Picture) -> Value {
    let answer = burn::answer(&args(words), picture, Format::Json, &Page::plain());
    parsed(&answer.unwrap().document)
}

fn text(words: &str, picture: &Picture, page: &Page) -> String {
    let answer = burn::answer(&args(words), picture, Format::Text, page);
    answer.unwrap().document
}

fn one<'a>(document: &'a Value, name: &str) -> &'a Value {
    let mut slos = document["slos"].as_array().unwrap().iter();
    slos.find(|slo| slo["slo"] == name).unwrap()
}

#[tokio::test]
async fn the_burn_document() {
    let picture = some_picture().await;
    insta::assert_json_snapshot!("burn", json("", &picture));
}

#[tokio::test]
async fn every_number_can_be_explained() {
    let picture = some_picture().await;
    let document = json("checkout --explain", &picture);
    let slo = &document["slos"][0];
    insta::assert_json_snapshot!("burn_explained", [&slo["explain"], &slo["policies"]]);
    assert_eq!(
        one(&json("", &picture), "checkout-availability").get("explain"),
        None
    );
    // What only another policy looks at was not asked for here.
    assert_eq!(
        slo["policies"]["paas"]["fired"],
        serde_json::json!(["page-1.5x", "alert-2x", "alert-1x"])
    );
    assert_eq!(slo["policies"]["google"]["verdict"], "page");
}

#[tokio::test]
async fn no_data_is_no_verdict_in_any_policy() {
    let picture = some_picture().await;
    let document = json("--explain", &picture);
    for name in ["batch-freshness", "ended", "invoices"] {
        let slo = one(&document, name);
        assert_eq!(slo["verdict"], "none", "{slo:#}");
        assert!(slo["reason"].is_string(), "{slo:#}");
        for policy in slo["policies"].as_object().unwrap().values() {
            assert_eq!(policy["verdict"], "none", "{slo:#}");
        }
    }
    let lost = one(&document, "invoices");
    assert_eq!(lost["freshness"], "failed");
    assert_eq!(lost["source"], "prom-2/slo");
    let quiet = one(&document, "batch-freshness");
    assert_eq!(quiet["windows"]["5m"]["kind"], "no_traffic");
    assert_eq!(quiet["exhausted_in_secs"], Value::Null);
    assert_eq!(quiet["exhaustion"], "unknown");
}

#[tokio::test]
async fn windows_stand_from_the_shortest_on() {
    let picture = some_picture().await;
    let answer = burn::answer(&args("checkout"), &picture, Format::Json, &Page::plain());
    let document = answer.unwrap().document;
    let places: Vec<usize> = ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"]
        .iter()
        .map(|window| document.find(&format!("\"{window}\": {{")).unwrap())
        .collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[tokio::test]
async fn burns_for_people() {
    let picture = some_picture().await;
    for columns in [80, 120] {
        for words in ["", "checkout", "search --explain"] {
            let text = text(words, &picture, &terminal(columns));
            assert!(is_harmless(&text), "{text}");
            // An explanation is never cut.
            for line in text.lines().filter(|line| !line.starts_with("      ")) {
                assert!(line.width() <= columns, "{line}");
            }
            let name = words.split_whitespace().next().unwrap_or("all");
            insta::assert_snapshot!(format!("burn_{name}_{columns}"), text);
        }
    }
    let ascii = Page {
        signs: Signs::Ascii,
        ..terminal(80)
    };
    assert!(text("", &picture, &ascii).is_ascii());
}

#[tokio::test]
async fn other_windows_stand_where_nobody_asked_for_the_usual_ones() {
    let mut slo = paging();
    slo.windows
        .retain(|window| [3_600, 21_600].contains(&window.secs));
    let quarter = counted(&slo.slo, 900, 12_345.0);
    slo.windows.insert(0, quarter);
    let policies = BurnPolicies {
        default: "paas".to_owned(),
        ..BurnPolicies::default()
    };
    let picture = whole_picture(vec![slo], policies).await;
    let text = text("", &picture, &terminal(80));
    assert!(text.contains(" 15m   1h   6h "), "{text}");
    assert!(text.contains("1000 14.6  3.1 "), "{text}");
}

#[tokio::test]
async fn no_service_level_at_all_says_how_to_give_some() {
    let picture = whole_picture(Vec::new(), BurnPolicies::default()).await;
    let answer = burn::answer(&args(""), &picture, Format::Text, &Page::plain()).unwrap();
    assert_eq!(answer.exit, Exit::Whole);
    assert!(answer.document.contains("--slo PATH"), "{answer:?}");
    let document = json("", &picture);
    assert_eq!(document["slos"], serde_json::json!([]));
    assert_eq!(document["freeze"]["active"], false);
    assert_eq!(status_burn(&picture), None);
}

#[tokio::test]
async fn the_status_says_how_much_of_the_answer_there_is() {
    let exit = |picture: &Picture| burn::exit(picture, picture.board.burns.iter()).status();
    let quiet = || unread(slo("a", "quiet"), &NoData::NoTraffic(300));
    let default = BurnPolicies::default;
    for (slos, expected) in [
        (vec![paging()], 0),
        // Nothing happened: that is an answer.
        (vec![paging(), quiet()], 0),
        (
            vec![
                paging(),
                unread(slo("a", "b"), &NoData::Missing(line("up"))),
            ],
            1,
        ),
        (vec![unread(slo("a", "b"), &NoData::Failed(line("400")))], 1),
        (
            vec![unread(slo("a", "b"), &NoData::Partial(line("store")))],
            1,
        ),
        (vec![unread(slo("a", "b"), &NoData::NotAsked)], 1),
    ] {
        let picture = whole_picture(slos, default()).await;
        assert_eq!(exit(&picture), expected, "{:?}", picture.board.burns);
    }
    let mut old = paging();
    for window in &mut old.windows {
        window.at = now() - TimeDelta::hours(3);
    }
    assert_eq!(exit(&whole_picture(vec![old], default()).await), 1);
    let mut blocked = paging();
    blocked.blocked = Some(NoData::Stale(900));
    assert_eq!(exit(&whole_picture(vec![blocked], default()).await), 1);

    assert_eq!(exit(&some_picture().await), 1);
    let broken = SloFiles {
        problems: vec![problem("a.yaml", 1, "broken")],
        ..SloFiles::default()
    };
    let heard = vec![said("prom-1/slo", Ok(BurnAnswer::default()), Vec::new()).await];
    assert_eq!(exit(&of(heard, broken, default())), 1);
    let lost = vec![said("prom-1/slo", Err(dead()), vec![slo("a", "b")]).await];
    let lost = of(lost, SloFiles::default(), default());
    assert_eq!(exit(&lost), 3);
    assert_eq!(lost.board.burns.len(), 1, "it is not left out");
    // Nobody had to be asked.
    assert_eq!(exit(&of(Vec::new(), SloFiles::default(), default())), 0);
}

#[tokio::test]
async fn a_word_means_what_it_clearly_names() {
    let picture = some_picture().await;
    let burns = &picture.board.burns;
    let names = |word: &str| -> Result<Vec<String>, String> {
        let found = burn_choice::choose(burns, word)?;
        Ok(found.iter().map(|b| b.id().to_string()).collect())
    };
    for (word, expected) in [
        ("checkout-availability", &["checkout-availability"][..]),
        (
            "checkout-api/checkout-availability",
            &["checkout-availability"],
        ),
        ("checkout", &["checkout-availability"]),
        ("latency", &["search-latency-p95"]),
        ("deploy-success{region=eu}", &["deploy-success{region=eu}"]),
        ("bill", &["invoices"]),
        ("voice", &["invoices"]),
    ] {
        assert_eq!(names(word).unwrap(), expected, "{word}");
    }
    assert_eq!(
        names("etl").unwrap().len(),
        2,
        "a service is all of its own"
    );
    assert_eq!(names("et").unwrap().len(), 2);
    let several = names("b").unwrap_err();
    let both = "could be `b`: invoices of billing, batch-freshness of etl";
    assert!(several.contains(both), "{several}");
    let none = names("chekcout-api\u{1b}").unwrap_err();
    assert!(
        none.contains("nearest are: checkout-availability of"),
        "{none}"
    );
    assert!(is_harmless(&none));
    assert!(names("").is_err());
}

#[tokio::test]
async fn an_unknown_name_is_wrong_usage_only_where_everybody_answered() {
    let picture = some_picture().await;
    let answer = burn::answer(&args("nobody"), &picture, Format::Json, &Page::plain()).unwrap();
    assert_eq!(answer.exit, Exit::Partial);
    assert!(
        answer
            .complaint
            .unwrap()
            .contains("not every source answered")
    );
    assert_eq!(parsed(&answer.document)["slos"], serde_json::json!([]));
    let picture = whole_picture(vec![paging()], BurnPolicies::default()).await;
    let answer = burn::answer(&args("nobody"), &picture, Format::Json, &Page::plain());
    let complaint = answer.unwrap_err();
    assert_eq!(complaint.exit, Exit::Usage);
    assert!(
        complaint
            .complaint
            .unwrap()
            .contains("the nearest are: checkout")
    );
}

#[tokio::test]
async fn a_condition_that_must_hold_for_a_while_is_not_called_quiet() {
    let held = Condition {
        name: "page-held".into(),
        level: Level::Page,
        threshold: Threshold::Burn(2.0),
        comparison: Above::OrEqual,
        window_secs: 3_600,
        confirm_secs: None,
        for_secs: 120,
    };
    let mut policies = BurnPolicies {
        default: "own".to_owned(),
        ..BurnPolicies::default()
    };
    policies.list.push(BurnPolicy {
        name: "own".into(),
        summary: "mine".into(),
        conditions: vec![held],
    });
    let picture = whole_picture(vec![paging()], policies).await;
    let document = json("", &picture);
    let slo = &document["slos"][0];
    assert_eq!(slo["conditions"][0]["standing"], "holds");
    assert_eq!(
        slo["reason"],
        "page-held holds now; that it has for 2m is not known"
    );

    let found = check_slos::slos(&picture);
    let slow = "page-held looks at 1h alone: it goes on for up to 1h after the errors end";
    let slow = found.iter().find(|finding| finding.what == slow).unwrap();
    assert_eq!(slow.next_step.as_deref(), Some("add confirm = \"5m\""));
}

#[tokio::test]
async fn a_check_names_everything_that_is_odd_about_service_levels() {
    let mut short = slo("search", "long-memory");
    short.objective = 0.9;
    let mut short = burning(short, [0.0; 7], 0.0);
    let why = NoData::BeyondRetention(30 * DAY, 15 * DAY);
    short.period.as_mut().unwrap().measured.reading = Err(why);
    let mut answer = answer();
    answer.slos.push(Arc::new(short));
    let files = SloFiles {
        slos: vec![slo("billing", "invoices")],
        problems: Vec::new(),
    };
    let asked = vec![said("prom-1/slo", Ok(answer), Vec::new()).await];
    let picture = of(asked, files, BurnPolicies::default());
    insta::assert_json_snapshot!("check_slos", check_slos::slos(&picture));
}

/// The lines of the status about burns.
fn status_burn(picture: &Picture) -> Option<String> {
    let text = status::text(picture, &terminal(80));
    let (_, found) = text.split_once("\nBurn: ")?;
    Some(found.split("\n\n").next()?.to_owned())
}

#[tokio::test]
async fn the_status_tells_of_burns() {
    let picture = some_picture().await;
    insta::assert_snapshot!("status_burn", status::text(&picture, &terminal(80)));
    let document = parsed(&status::json(&picture).unwrap());
    assert_eq!(document["burn"], json("", &picture)["slos"]);
    assert_eq!(document["slo_problems"].as_array().unwrap().len(), 3);
    assert_eq!(document["counts"]["page"], 1, "no alert speaks of it");
    let calm = burning(slo("a", "b"), [0.5; 7], 0.5);
    let picture = whole_picture(vec![calm], BurnPolicies::default()).await;
    assert_eq!(status_burn(&picture).unwrap(), "1 ok");
}

#[test]
fn the_arguments_of_burn() {
    assert_eq!(args("").detail(), Detail::Numbers);
    let all = args("checkout --at -2h --explain --json");
    assert_eq!(all.at.as_deref(), Some("-2h"));
    assert_eq!(all.name.as_deref(), Some("checkout"));
    assert_eq!(all.detail(), Detail::Explained);
    assert_eq!(all.reading.format(), Format::Json);
}

#[tokio::test]
async fn a_whole_run_of_burn_ends_as_it_should() {
    let root = tempfile::tempdir().unwrap();
    let world = world(root.path());
    for (words, expected) in [
        (&["burn"][..], "no Prometheus is configured"),
        (
            &["burn", "--alertmanager", "http://127.0.0.1:1"],
            "no Prometheus",
        ),
        (&["burn", "--slo", "/nowhere"], "--slo `/nowhere`"),
        (&["burn", "--burn-policy", "gogle"], "did you mean `google`"),
        (
            &["burn", "--prometheus", "http://127.0.0.1:1", "--at", "soon"],
            "--at",
        ),
    ] {
        let (document, said, exit) = quell(words, &world).await;
        assert_eq!((document.as_str(), exit), ("", 2), "{words:?}");
        assert!(said.contains(expected), "{words:?}: {said}");
    }
    // Nothing to measure: nobody is asked, and that is a whole answer.
    let file = root.path().join("quell.toml");
    std::fs::write(
        &file,
        "[slo]\nrecorded = false\n[[prometheus]]\nurl = \"http://127.0.0.1:1\"\n",
    )
    .unwrap();
    let words = ["burn", "--json", "--config", file.to_str().unwrap()];
    let (document, said, exit) = quell(&words, &world).await;
    assert_eq!((said.as_str(), exit), ("", 0));
    assert_eq!(parsed(&document)["sources"], serde_json::json!([]));

    let at: DateTime<Utc> = now() - TimeDelta::hours(6);
    let words = [
        "burn",
        "--prometheus",
        "http://127.0.0.1:1",
        "--at",
        "6h",
        "--json",
    ];
    let (document, _, _) = quell(&words, &world).await;
    let document = parsed(&document);
    assert_eq!(document["schema"], "quell.burn/1");
    let said: DateTime<Utc> = document["at"].as_str().unwrap().parse().unwrap();
    assert_eq!(said, at);
    assert_eq!(document["sources"][0]["name"], "prom-1/slo");
    assert_eq!(
        document["sources"].as_array().unwrap().len(),
        1,
        "nobody else is asked"
    );
}
