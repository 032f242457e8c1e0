//! Changes, drift and suspects in every command, over hand-made answers, hostile names included.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use super::args::Format;
use super::change_choice::ChangeFilter;
use super::exit::Exit;
use super::gather::{Answers, Picture, picture};
use super::gather_deliveries::DeliveryAnswers;
use super::gather_slos::BurnAnswers;
use super::json::alert_id;
use super::page::{Page, Signs};
use super::tests::{HOSTILE, asked, is_harmless, line, now, parsed, terminal};
use super::{changes, drift, status, suspects};
use crate::config::delivery::DeliverySettings;
use crate::domain::board::tests::{observed, replica};
use crate::domain::change::{
    Actor, ActorKind, Change, ChangeKind, Outcome, Subject, Told, Versions,
};
use crate::domain::delivery::{DeliveryAnswer, Part, PartState, Past, Seen, Trouble, TroubleKind};
use crate::domain::drift::{Allowance, Drift, DriftKind, DriftPath, Report};
use crate::domain::label::Labels;
use crate::domain::service::Service;
use crate::domain::source::{ErrorKind, SourceError, SourceKind};
use crate::domain::text::Untrusted;
use crate::domain::triage::TriagePolicy;

pub(super) const PAGE: &[(&str, &str)] = &[
    ("alertname", "CheckoutHighErrorRate"),
    ("severity", "critical"),
    ("service", "checkout-api"),
    ("env", "prod"),
    ("cluster", "eu-1"),
];

/// So many minutes before now, which is five minutes after the alerts began.
pub(super) fn ago(minutes: i64) -> DateTime<Utc> {
    now() - TimeDelta::minutes(minutes)
}

fn subject(target: &str, service: &str) -> Subject {
    Subject {
        target: line(target),
        service: Some(line(service)),
        env: Some(line("prod")),
        labels: Labels::of(&[("cluster", "eu-1"), ("kind", "Deployment")]),
    }
}

/// A version that took two minutes and went well.
pub(super) fn change(id: &str, service: &str, began_minutes_ago: i64) -> Change {
    Change {
        id: line(id),
        source: "k8s".into(),
        also: Vec::new(),
        subject: subject(&format!("shop/deployment/{service}"), service),
        kind: ChangeKind::Version,
        versions: Versions {
            from: Some(line("registry.example/shop/checkout:2.30.4")),
            to: Some(line("registry.example/shop/checkout:2.31.0")),
            from_is_derived: false,
        },
        who: None,
        started_at: ago(began_minutes_ago),
        finished_at: Some(ago(began_minutes_ago - 2)),
        outcome: Outcome::Ok,
        told: Told::default(),
    }
}

fn actor(name: &str, kind: ActorKind) -> Actor {
    Actor {
        name: line(name),
        kind,
    }
}

fn some_changes() -> Vec<Change> {
    let mut bad = change("k8s/checkout/31", "checkout-api", 14);
    bad.who = Some(actor("ci-bot", ActorKind::Automation));
    bad.told.link = Some(line("https://ci.example/77"));
    let mut running = change("argo/search/9", "search", 4);
    running.source = "argocd".into();
    running.outcome = Outcome::Running;
    running.finished_at = None;
    running.told.progress = Some(line("7 of 12 updated"));
    running.who = Some(actor("mara", ActorKind::Person));
    running.versions = Versions {
        from: Some(line("9f2c1d7be04a11d0c3a1")),
        to: Some(line("a41b77f0e2c95d6b80aa")),
        from_is_derived: true,
    };
    let mut failed = change("tf/ingress", "ingress", 90);
    failed.source = "spool".into();
    failed.kind = ChangeKind::InfraDestructive;
    failed.outcome = Outcome::Failed;
    failed.versions = Versions::default();
    failed.told.reason = Some(line("quota exceeded"));
    failed.subject.env = None;
    failed.subject.labels = Labels::default();
    let mut hostile = change(HOSTILE, HOSTILE, 30);
    hostile.source = "spool".into();
    hostile.subject.target = line(HOSTILE);
    hostile.subject.env = Some(line(HOSTILE));
    hostile.subject.labels = Labels::of(&[("cluster", HOSTILE)]);
    hostile.versions = Versions {
        from: Some(line(HOSTILE)),
        to: Some(line("磁盘\u{1b}]0;x\u{7}")),
        from_is_derived: false,
    };
    hostile.who = Some(actor(HOSTILE, ActorKind::FieldManager));
    hostile.outcome = Outcome::Unknown;
    hostile.finished_at = None;
    hostile.told = Told {
        link: Some(line(HOSTILE)),
        reason: Some(line(HOSTILE)),
        progress: Some(line(HOSTILE)),
        notes: vec![line(HOSTILE)],
    };
    let mut old = change("k8s/cart/7", "cart", 30 * 60);
    old.versions.from = None;
    vec![old, bad, running, failed, hostile]
}

fn path(name: &str, before: &str, after: &str) -> DriftPath {
    DriftPath {
        path: line(name),
        before: Some(line(before)),
        after: Some(line(after)),
        masked: false,
    }
}

fn difference(id: &str, target: &str, kind: DriftKind) -> Drift {
    Drift {
        id: line(id),
        source: "terraform".into(),
        subject: subject(target, "checkout-api"),
        kind,
        actions: vec![line("update")],
        paths: Vec::new(),
        reverted_by_apply: None,
        report: Report {
            at: Some(ago(40)),
            cadence_secs: Some(3_600),
            provenance: Some(line("terraform plan in prod @ 4f2c91a")),
        },
        detail: None,
    }
}

pub(super) fn some_drifts() -> Vec<Drift> {
    let mut real = difference("d/hpa", "shop/hpa/checkout-api", DriftKind::Drift);
    real.paths = vec![path("spec.maxReplicas", "12", "20")];
    // A source that forgot to leave the values out.
    let mut masked = path("env[\"API_KEY\"]", "hunter2hunter2", "swordfish77");
    masked.masked = true;
    real.paths.push(masked);
    real.reverted_by_apply = Some(true);
    let mut allowed = difference("d/asg", "aws_autoscaling_group.web", DriftKind::Drift);
    allowed.paths = vec![path("desired_capacity", "3", "5")];
    allowed.reverted_by_apply = Some(false);
    let mut expired = difference("d/sg", "aws_security_group.old", DriftKind::Drift);
    expired.report.at = Some(ago(60 * 24));
    let pending = difference("d/app", "argocd/checkout", DriftKind::Pending);
    let mut error = difference("d/err", "module.db", DriftKind::Error);
    error.actions = Vec::new();
    error.detail = Some(line("Error: no valid credential sources"));
    let mut hostile = difference(HOSTILE, HOSTILE, DriftKind::Unknown);
    hostile.subject.service = Some(line(HOSTILE));
    hostile.actions = vec![line(HOSTILE)];
    hostile.paths = vec![path(HOSTILE, HOSTILE, HOSTILE)];
    hostile.detail = Some(Untrusted::block(&format!("{HOSTILE}\nmore")));
    hostile.report = Report {
        at: None,
        cadence_secs: None,
        provenance: Some(line(HOSTILE)),
    };
    let partial = difference("d/part", "plan.json", DriftKind::Partial);
    vec![pending, hostile, expired, allowed, error, partial, real]
}

fn trouble(kind: TroubleKind, target: &str, what: &str) -> Trouble {
    Trouble {
        subject: subject(target, "checkout-api"),
        kind,
        what: line(what),
        since: Some(ago(6)),
        count: 4,
    }
}

fn some_troubles() -> Vec<Trouble> {
    vec![
        trouble(
            TroubleKind::Pod,
            "shop/pod/checkout-api-7",
            "CrashLoopBackOff",
        ),
        trouble(TroubleKind::Policy, "shop/pod/checkout-api-7", HOSTILE),
    ]
}

pub(super) fn part(what: &str, state: PartState) -> Part {
    Part {
        what: line(what),
        state,
    }
}

fn some_past() -> Past {
    let seen = |minutes: i64, times: u64| Seen {
        first: ago(minutes),
        last: now(),
        times,
    };
    Past {
        changes: Vec::new(),
        changes_seen: [(line("k8s/checkout/31"), seen(13, 1))].into(),
        drifts_seen: [(line("d/hpa"), seen(3 * 24 * 60, 2))].into(),
        looked_since: ["k8s", "argocd", "terraform"]
            .map(|source| (source.into(), ago(9 * 24 * 60)))
            .into(),
    }
}

pub(super) fn joining() -> DeliverySettings {
    DeliverySettings {
        services: vec![
            Service {
                name: line("ingress"),
                is_platform: true,
                ..Service::default()
            },
            Service {
                name: line("checkout-api"),
                depends_on: vec![line("search")],
                ..Service::default()
            },
        ],
        allowances: vec![Allowance {
            address: "aws_autoscaling_group.*".into(),
            path: Some("desired_capacity".into()),
            reason: format!("the autoscaler owns it {HOSTILE}"),
            until: now() + TimeDelta::days(10),
        }],
        ..DeliverySettings::default()
    }
}

pub(super) type Answered = (
    &'static str,
    SourceKind,
    Result<DeliveryAnswer, SourceError>,
);

pub(super) fn dead() -> SourceError {
    SourceError::new(ErrorKind::Unreachable, "connection refused")
}

pub(super) async fn of(sources: Vec<Answered>, past: Past, at: Option<DateTime<Utc>>) -> Picture {
    with_burns(sources, past, at, None).await
}

pub(super) async fn with_burns(
    sources: Vec<Answered>,
    past: Past,
    at: Option<DateTime<Utc>>,
    burns: Option<BurnAnswers>,
) -> Picture {
    let mut deliveries = DeliveryAnswers {
        past: Arc::new(past),
        at,
        ..DeliveryAnswers::default()
    };
    for (name, kind, result) in sources {
        deliveries.asked.push(asked(name, kind, result).await);
    }
    let page = observed(PAGE);
    let mut elsewhere = PAGE.to_vec();
    elsewhere[4] = ("cluster", "us-1");
    let nameless = observed(&[("alertname", "Nameless"), ("severity", "warning")]);
    let hostile = observed(&[("alertname", HOSTILE), ("service", HOSTILE)]);
    let alerts = vec![page, observed(&elsewhere), nameless, hostile];
    let said = (*replica("am-1", alerts).heard.answer).clone();
    let kind = SourceKind::Alertmanager;
    let answers = Answers {
        alertmanagers: vec![(asked("am-1", kind, Ok(said)).await, None, String::new())],
        prometheuses: Vec::new(),
        burns,
        deliveries,
        library: None,
    };
    picture(
        answers,
        Some("prod".into()),
        &TriagePolicy::default(),
        &joining(),
        Arc::default(),
        now(),
    )
}

pub(super) fn told() -> DeliveryAnswer {
    DeliveryAnswer {
        changes: some_changes(),
        drifts: some_drifts(),
        troubles: some_troubles(),
        ..DeliveryAnswer::default()
    }
}

/// One source that may not read everything, one that answers, one that does not.
pub(super) async fn some_picture() -> Picture {
    picture_of(told(), HOSTILE).await
}

/// The same without anything hostile, so that a layout can be read.
pub(super) async fn plain_picture() -> Picture {
    let hostile = line(HOSTILE);
    let mut told = told();
    told.changes.retain(|change| change.id != hostile);
    told.drifts.retain(|drift| drift.id != hostile);
    told.troubles[1].what = line("privileged containers are not allowed");
    picture_of(told, "secrets is forbidden").await
}

async fn picture_of(mut first: DeliveryAnswer, refusal: &str) -> Picture {
    first.parts = vec![
        part("deployments", PartState::Read(4)),
        part("secrets", PartState::NotPermitted(line(refusal))),
        part("rollouts", PartState::Absent),
    ];
    first.limits = vec![line("deployment shop/odd was left out: no containers")];
    let second = DeliveryAnswer::default();
    let sources = vec![
        ("k8s", SourceKind::Kubernetes, Ok(first)),
        ("terraform", SourceKind::Terraform, Ok(second)),
        ("argocd", SourceKind::Argocd, Err(dead())),
    ];
    of(sources, some_past(), None).await
}

/// One source that answers, with nothing missing.
pub(super) async fn whole_picture(answer: DeliveryAnswer) -> Picture {
    let sources = vec![("k8s", SourceKind::Kubernetes, Ok(answer))];
    of(sources, Past::default(), None).await
}

fn filter(words: &[&str]) -> (ChangeFilter, Vec<String>) {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    (ChangeFilter::parse(&words).unwrap(), words)
}

pub(super) fn changes_of(words: &[&str], picture: &Picture, format: Format, page: &Page) -> String {
    let (filter, words) = filter(words);
    let answer = changes::answer(&filter, &words, picture, format, page);
    answer.unwrap().document
}

pub(super) fn changes_json(words: &[&str], picture: &Picture) -> Value {
    parsed(&changes_of(words, picture, Format::Json, &Page::plain()))
}

/// Held to widths and to its words; with hostile values harmless and no wider.
pub(super) fn golden(
    name: &str,
    plain: &Picture,
    hostile: &Picture,
    write: impl Fn(&Picture, &Page) -> String,
) {
    for columns in [80, 120] {
        let text = write(plain, &terminal(columns));
        for text in [&text, &write(hostile, &terminal(columns))] {
            assert!(is_harmless(text), "{text}");
            for line in text.lines() {
                assert!(line.width() <= columns, "{line}");
            }
        }
        insta::assert_snapshot!(format!("{name}_{columns}"), text);
    }
    let ascii = Page {
        signs: Signs::Ascii,
        ..terminal(80)
    };
    let text = write(plain, &ascii);
    assert!(text.is_ascii(), "{text}");
}

#[tokio::test]
async fn the_changes_document() {
    let picture = some_picture().await;
    insta::assert_json_snapshot!("changes", changes_json(&[], &picture));
}

#[tokio::test]
async fn the_changes_for_people() {
    let (plain, hostile) = (plain_picture().await, some_picture().await);
    let write = |picture: &Picture, page: &Page| changes_of(&[], picture, Format::Text, page);
    golden("changes", &plain, &hostile, write);
    let piped = changes_of(&["outcome=unknown"], &hostile, Format::Text, &Page::plain());
    assert!(is_harmless(&piped) && piped.contains("磁盘"), "{piped}");
}

#[tokio::test]
async fn a_filter_lets_through_what_its_words_say() {
    let picture = some_picture().await;
    let ids = |words: &[&str]| -> Vec<String> {
        let document = changes_json(words, &picture);
        let list = document["changes"].as_array().unwrap().iter();
        list.map(|c| c["id"].as_str().unwrap().to_owned()).collect()
    };
    let bad = "k8s/checkout/31";
    let running = "argo/search/9";
    for (words, expected) in [
        (&["service=checkout-api"][..], &[bad][..]),
        (&["env=production", "cluster=eu-1"], &[running, bad]),
        (&["kind=infra_destructive"], &["tf/ingress"]),
        (
            &["outcome=running", "outcome=failed"],
            &[running, "tf/ingress"],
        ),
        (&["who=MARA"], &[running]),
        (&["source=argocd"], &[running]),
        // What goes on is of every time.
        (&["since=2m"], &[running]),
        (&["since=2d", "service=cart"], &["k8s/cart/7"]),
        (&["QUOTA"], &["tf/ingress"]),
        (&["2.31"], &[bad]),
        (&["2.31", "nobody"], &[]),
    ] {
        assert_eq!(ids(words), expected, "{words:?}");
    }
    let none = changes_of(&["nobody"], &picture, Format::Text, &Page::plain());
    assert!(
        none.contains("none of 4 changes of the last 24h matches"),
        "{none}"
    );
}

#[test]
fn a_word_that_means_nothing_is_wrong_usage() {
    for (word, expected) in [
        ("servce=x", "did you mean `service`"),
        ("kind=versoin", "did you mean `version`"),
        ("outcome=done", "use one of running, ok, failed, unknown"),
        ("since=yesterday", "since: "),
        ("since=", "has no value"),
        ("\u{1b}[2J=x", "is no key"),
    ] {
        let said = ChangeFilter::parse(&[word.to_owned()]).unwrap_err();
        assert!(said.contains(expected), "{said}");
        assert!(is_harmless(&said), "{said}");
    }
}

#[tokio::test]
async fn the_drift_document() {
    let picture = some_picture().await;
    let answer = drift::answer(&picture, Format::Json, &Page::plain()).unwrap();
    assert_eq!(answer.exit, Exit::Partial);
    insta::assert_json_snapshot!("drift", parsed(&answer.document));
}

#[tokio::test]
async fn the_drift_for_people() {
    let (plain, hostile) = (plain_picture().await, some_picture().await);
    let text = |picture: &Picture, page: &Page| {
        let answer = drift::answer(picture, Format::Text, page);
        answer.unwrap().document
    };
    golden("drift", &plain, &hostile, text);
    let piped = text(&hostile, &Page::plain());
    assert!(
        piped.contains("env[\"API_KEY\"]: changed (sensitive)"),
        "{piped}"
    );
}

#[tokio::test]
async fn a_masked_value_is_written_nowhere() {
    let picture = some_picture().await;
    let id = alert_id(&picture.board.alerts[0]);
    let mut all = status::json(&picture).unwrap();
    for format in [Format::Json, Format::Text] {
        all += &drift::answer(&picture, format, &Page::plain())
            .unwrap()
            .document;
        all += &suspects::answer(&id, &picture, format, &Page::plain())
            .unwrap()
            .document;
    }
    assert!(all.contains("API_KEY"));
    for secret in ["hunter2", "swordfish"] {
        assert!(!all.contains(secret));
    }
}

/// The alert of `PAGE` itself, by its id.
pub(super) fn page_id(picture: &Picture) -> String {
    let mut alerts = picture.board.alerts.iter();
    let fingerprint = observed(PAGE).fingerprint;
    alert_id(
        alerts
            .find(|a| a.occurrence.fingerprint == fingerprint)
            .unwrap(),
    )
}

#[tokio::test]
async fn as_of_then_nothing_is_known_that_came_later() {
    let mut later = change("later", "cart", 5);
    later.finished_at = None;
    let mut failed = change("failed", "search", 14);
    failed.outcome = Outcome::Failed;
    failed.finished_at = Some(ago(5));
    failed.told.reason = Some(line("deadline exceeded"));
    let mut running = change("running", "checkout-api", 30);
    running.outcome = Outcome::Running;
    running.finished_at = None;
    running.told.progress = Some(line("9 of 12"));
    let mut drifts = some_drifts();
    drifts[6].report.at = Some(ago(2));
    let answer = DeliveryAnswer {
        changes: vec![later, failed, running],
        drifts,
        ..DeliveryAnswer::default()
    };
    // Of this one only the history tells: its end is known, and was later.
    let mut remembered = change("remembered", "ledger", 12);
    remembered.finished_at = Some(ago(6));
    // Of this one the end was missed.
    let mut lost = change("lost", "mail", 60);
    lost.outcome = Outcome::Running;
    lost.finished_at = None;
    let past = Past {
        changes: vec![remembered, lost],
        ..Past::default()
    };
    let sources = vec![("k8s", SourceKind::Kubernetes, Ok(answer))];
    let picture = of(sources, past, Some(ago(10))).await;
    let document = changes_json(&[], &picture);
    assert_eq!(document["at"], document["as_of"]["at"]);
    let mut outcomes: Vec<(&str, &str)> = document["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["id"].as_str().unwrap(), c["outcome"].as_str().unwrap()))
        .collect();
    outcomes.sort_unstable();
    let expected = [
        ("failed", "running"),
        ("lost", "unknown"),
        ("remembered", "running"),
        ("running", "running"),
    ];
    assert_eq!(outcomes, expected);
    let mut all = document["changes"].as_array().unwrap().iter();
    let of_failed = all.find(|c| c["id"] == "failed").unwrap();
    assert_eq!(
        of_failed["reason"],
        Value::Null,
        "nobody could know it then"
    );
    assert!(
        of_failed["notes"][0]
            .as_str()
            .unwrap()
            .contains("it ended later: failed")
    );
    let limits = document["as_of"]["not_known"].to_string();
    assert!(
        limits.contains("left out as first seen or reported after then: 1"),
        "{limits}"
    );
    let text = changes_of(&[], &picture, Format::Text, &Page::plain());
    assert!(text.contains("as of 2027-01-15 07:55:00Z:"), "{text}");
    assert!(!text.contains("9 of 12"), "{text}");
    let now = whole_picture(told()).await;
    assert_eq!(changes_json(&[], &now)["as_of"], Value::Null);
}

#[tokio::test]
async fn the_status_tells_of_changes_and_drift() {
    let picture = some_picture().await;
    let plain = plain_picture().await;
    golden("status_delivery", &plain, &picture, status::text);
    let document = parsed(&status::json(&picture).unwrap());
    let changes = changes_json(&[], &picture);
    assert_eq!(document["changes"], changes["changes"]);
    assert_eq!(document["drift"].as_array().unwrap().len(), 7);
    assert_eq!(document["drift_counts"]["counted"], 1);
    assert_eq!(document["partial"], changes["partial"]);
    insta::assert_json_snapshot!(
        "status_suspects",
        [
            &document["alerts"][0]["name"],
            &document["alerts"][0]["suspects"],
            &document["alerts"][3]["suspects"],
        ]
    );
}
