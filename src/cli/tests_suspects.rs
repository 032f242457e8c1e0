//! Suspects in every command: which alert, since when, what preceded it.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::Value;

use super::alert_choice::{self, Unclear};
use super::args::{Cli, Format};
use super::exit::Exit;
use super::gather::{Picture, Scope, gather};
use super::gather_onsets;
use super::gather_slos::{BurnAnswers, BurnQuestion};
use super::json::alert_id;
use super::page::Page;
use super::suspecting::Suspecting;
use super::tests::{HOSTILE, is_harmless, line, now, parsed, terminal, world};
use super::tests_burn::{paging, said};
use super::tests_delivery::{
    PAGE, ago, change, golden, page_id, plain_picture, some_drifts, some_picture, told,
    whole_picture, with_burns,
};
use super::{status, suspects};
use crate::domain::board::tests::observed;
use crate::domain::change::ChangeKind;
use crate::domain::delivery::{DeliveryAnswer, Past};
use crate::domain::label::Labels;
use crate::domain::slo::SloId;
use crate::domain::slo_measured::BurnAnswer;
use crate::domain::source::SourceKind;
use crate::sim::{Faults, Options, Sim, slo_files};

#[tokio::test]
async fn the_suspects_document() {
    let picture = some_picture().await;
    let answer = suspects::answer(&page_id(&picture), &picture, Format::Json, &Page::plain());
    let answer = answer.unwrap();
    assert_eq!(answer.exit, Exit::Partial);
    insta::assert_json_snapshot!("suspects", parsed(&answer.document));
}

#[tokio::test]
async fn the_suspects_for_people() {
    let (plain, hostile) = (plain_picture().await, some_picture().await);
    let id = page_id(&plain);
    golden("suspects", &plain, &hostile, |picture, page| {
        let answer = suspects::answer(&id, picture, Format::Text, page).unwrap();
        assert!(!answer.document.contains("caused"), "{}", answer.document);
        answer.document
    });
    let hostile = suspects::answer(HOSTILE, &hostile, Format::Text, &terminal(80)).unwrap();
    assert!(is_harmless(&hostile.document), "{}", hostile.document);
}

/// The budget of `checkout-api` burns, and so do its changes.
async fn burning_picture() -> Picture {
    let answer = BurnAnswer {
        slos: vec![Arc::new(paging())],
        ..BurnAnswer::default()
    };
    let burns = BurnAnswers {
        files: Arc::default(),
        asked: vec![said("prom-1/slo", Ok(answer), Vec::new()).await],
        policies: Arc::default(),
        at: None,
    };
    let sources = vec![("k8s", SourceKind::Kubernetes, Ok(told()))];
    with_burns(sources, Past::default(), None, Some(burns)).await
}

#[tokio::test]
async fn the_onset_is_that_of_the_burn_where_it_came_first() {
    let mut picture = burning_picture().await;
    let id = page_id(&picture);
    let document = |picture: &Picture| {
        let answer = suspects::answer(&id, picture, Format::Json, &Page::plain());
        parsed(&answer.unwrap().document)
    };
    assert_eq!(
        document(&picture)["onset"]["from"],
        "alert",
        "its past was not read"
    );
    let slo = SloId {
        service: Some(line("checkout-api")),
        name: line("checkout-availability"),
        group: Labels::default(),
    };
    picture.board.onsets = Arc::new([(slo.clone(), ago(13))].into());
    let found = document(&picture);
    assert_eq!(found["onset"]["from"], "burn");
    assert_eq!(found["onset"]["slo"], "checkout-availability");
    assert_eq!(found["onset"]["at"], "2027-01-15T07:52:00Z");
    let first = &found["suspects"][0];
    assert_eq!(first["change_id"], "k8s/checkout/31");
    assert_eq!(
        first["seconds_before"], -60,
        "it ended after the burn began"
    );
    let answer = suspects::answer(&id, &picture, Format::Text, &Page::plain()).unwrap();
    for words in [
        "checkout-availability burns since then, 8m before the alert",
        "finished 1m after the onset",
    ] {
        assert!(answer.document.contains(words), "{}", answer.document);
    }
    let status_document = parsed(&status::json(&picture).unwrap());
    let alerts = status_document["alerts"].as_array().unwrap();
    let alert = alerts.iter().find(|alert| alert["id"] == *id).unwrap();
    assert_eq!(alert["suspects"][0]["score"], first["score"]);
    // A burn that began after the alert is another matter.
    picture.board.onsets = Arc::new([(slo, ago(1))].into());
    assert_eq!(document(&picture)["onset"]["from"], "alert");
}

#[tokio::test]
async fn a_burning_budget_holds_releases() {
    let picture = burning_picture().await;
    let text = status::text(&picture, &terminal(120));
    let (_, line) = text.split_once("\nfreeze: ").unwrap();
    let line = line.split_once("\n\n").unwrap().0;
    let expected = "budget 1.0x over policy, 1 rollout in flight, 1 drifted\n  \
        checkout-availability by policy google";
    assert_eq!(line, expected);
    let calm = whole_picture(told()).await;
    assert!(!status::text(&calm, &terminal(120)).contains("freeze"));
}

#[tokio::test]
async fn a_word_means_the_alert_that_it_clearly_names() {
    let picture = some_picture().await;
    let alerts = &picture.board.alerts;
    let id = page_id(&picture);
    let print = observed(PAGE).fingerprint.to_string();
    for word in [&*id, &print, &print.to_uppercase(), &print[..8]] {
        let found = alert_choice::choose(alerts, word).unwrap();
        assert_eq!(alert_id(found), id, "{word}");
    }
    for word in ["Nameless", "nameless", "Name", "less"] {
        let found = alert_choice::choose(alerts, word).unwrap();
        assert_eq!(found.name(), "Nameless", "{word}");
    }
    let Err(Unclear::Several(said)) = alert_choice::choose(alerts, "CheckoutHighErrorRate") else {
        unreachable!("two fire");
    };
    assert!(
        said.contains("2 alerts could be") && said.contains(&id),
        "{said}"
    );
    assert!(
        said.contains("in prod/us-1, firing, cluster=us-1"),
        "{said}"
    );
    let Err(Unclear::Unknown(said)) = alert_choice::choose(alerts, "Namelss\u{1b}") else {
        unreachable!("none is called so");
    };
    assert!(said.contains("nearest are: Nameless"), "{said}");
    assert!(is_harmless(&said));
    assert!(alert_choice::choose(alerts, "").is_err());

    // Several are wrong usage, whoever answered; none only where everybody did.
    let page = Page::plain();
    let several = suspects::answer("CheckoutHighErrorRate", &picture, Format::Json, &page);
    assert_eq!(several.unwrap_err().exit, Exit::Usage);
    let unknown = suspects::answer("Nobody", &picture, Format::Json, &page).unwrap();
    assert_eq!(unknown.exit, Exit::Partial);
    assert!(
        unknown
            .complaint
            .unwrap()
            .contains("not every source answered")
    );
    assert_eq!(parsed(&unknown.document)["alert"], Value::Null);
    let whole = whole_picture(told()).await;
    let unknown = suspects::answer("Nobody", &whole, Format::Json, &page);
    assert_eq!(unknown.unwrap_err().exit, Exit::Usage);
}

#[tokio::test]
async fn every_alert_of_many_gets_what_it_would_get_alone() {
    let services = ["checkout-api", "search", "ingress", "cart", "ledger"];
    let mut changes = Vec::new();
    for at in 0..120_i64 {
        let service = services[usize::try_from(at).unwrap() % services.len()];
        let mut change = change(&format!("c{at}"), service, 3 + at * 7 % 900);
        change.kind = ChangeKind::ALL[usize::try_from(at).unwrap() % 8];
        let cluster = if at % 3 == 0 { "us-1" } else { "eu-1" };
        let name = format!("w{}", at % 4);
        change.subject.labels = Labels::of(&[
            ("cluster", cluster),
            ("namespace", "shop"),
            ("name", &name),
            ("kind", "Deployment"),
        ]);
        change.subject.env = (at % 4 > 0).then(|| line(if at % 4 == 1 { "stage" } else { "prod" }));
        change.subject.service = (at % 7 > 0).then(|| line(service));
        changes.push(change);
    }
    let answer = DeliveryAnswer {
        changes,
        drifts: some_drifts(),
        ..DeliveryAnswer::default()
    };
    let mut picture = whole_picture(answer).await;
    let mut alerts = Vec::new();
    for (at, template) in picture.board.alerts.iter().cycle().take(60).enumerate() {
        let mut alert = template.clone();
        let minutes = i64::try_from(at % 20).unwrap() * 30;
        alert.occurrence.starts_at = ago(minutes);
        if at % 2 == 0 {
            alert.place.service = Some(line(services[at % services.len()]));
        }
        let workload = format!("w{}", at % 5);
        alert.labels = Labels::of(&[
            ("alertname", "X"),
            ("cluster", if at % 3 == 0 { "eu-1" } else { "us-1" }),
            ("namespace", "shop"),
            (if at % 2 == 0 { "deployment" } else { "pod" }, &workload),
        ]);
        alerts.push(alert);
    }
    picture.board.alerts = alerts;
    let board = &picture.board;
    let mut suspecting = Suspecting::new(board);
    let mut found = 0;
    for alert in &board.alerts {
        let alone = board.suspects(alert);
        let alone = alone.iter().filter(|suspect| suspect.is_suspect()).take(5);
        let alone: Vec<_> = alone.map(super::delivery_json::SuspectDoc::of).collect();
        let of_many = suspecting.of(alert);
        found += of_many.len();
        assert_eq!(
            serde_json::to_value(&of_many).unwrap(),
            serde_json::to_value(&alone).unwrap()
        );
    }
    assert!(found > 50, "{found}");
}

#[tokio::test]
async fn a_crowd_of_changes_is_answered_by_the_minute() {
    let changes = (0..300).map(|at| change(&format!("c{at}"), "checkout-api", at / 10 + 6));
    let answer = DeliveryAnswer {
        changes: changes.collect(),
        ..DeliveryAnswer::default()
    };
    let mut picture = whole_picture(answer).await;
    let template = picture.board.alerts[0].clone();
    let alerts = (0..50).map(|at| {
        let mut alert = template.clone();
        alert.occurrence.starts_at = ago(5) + TimeDelta::seconds(at);
        alert
    });
    picture.board.alerts = alerts.collect();
    let mut suspecting = Suspecting::new(&picture.board);
    for alert in &picture.board.alerts {
        let of_many = serde_json::to_value(suspecting.of(alert)).unwrap();
        let alone = picture.board.suspects(alert);
        for (at, alone) in alone.iter().take(5).enumerate() {
            let near = of_many[at]["score"].as_f64().unwrap() - alone.score;
            assert!(near.abs() < 1.5, "{near}");
        }
    }
}

#[tokio::test]
async fn the_beginning_of_a_burn_is_read_from_a_prometheus() {
    let root = tempfile::tempdir().unwrap();
    let world = world(root.path());
    let started = ago(10);
    let sim = Sim::bind(Options {
        seed: 1,
        started,
        clock: Arc::new(now),
        faults: Faults::default(),
    })
    .await
    .unwrap();
    let prometheus = String::from(sim.prometheus());
    let words = ["quell", "status", "--prometheus", &prometheus];
    let cli = Cli::read(words.map(Into::into)).unwrap();
    let mut settings = super::load(&cli.global, &world).unwrap().settings;
    settings.slo.texts = slo_files();
    let asking = async {
        let scope = Scope::Burns(BurnQuestion::default());
        let mut picture = gather(&settings, &scope, Arc::default(), now).await;
        let burns = picture.board.burns.iter();
        let burning = burns.filter(|burn| burn.verdict.level().is_some());
        let services = burning
            .filter_map(|burn| burn.id().service.clone())
            .collect();
        gather_onsets::add(&settings, &mut picture, &services).await;
        assert_eq!(picture.gaps.onsets, Vec::<String>::new());
        let onset = |name: &str| {
            let mut found = picture.board.onsets.iter();
            let found = found.find(|(id, _)| id.name.raw() == name);
            *found
                .unwrap_or_else(|| unreachable!("{:?}", picture.board.onsets))
                .1
        };
        let checkout = onset("checkout-availability");
        let bad = started + TimeDelta::minutes(2);
        assert!(started <= checkout && checkout <= bad, "{checkout}");
        // It has burnt for days: a day of that was looked at.
        let search = onset("search-latency-p95");
        assert!(search <= now() - TimeDelta::hours(23), "{search}");
    };
    tokio::select! {
        ended = sim.serve() => unreachable!("{ended:?}"),
        () = asking => {}
    }
    // A server that has gone is said, and nothing is made up.
    let mut picture = burning_picture().await;
    let services = gather_onsets::services(&picture);
    settings.prometheuses[0].endpoint.url = "http://127.0.0.1:1/".parse().unwrap();
    gather_onsets::add(&settings, &mut picture, &services).await;
    assert!(picture.board.onsets.is_empty());
    let said = picture.partial();
    let is_it = |text: &String| text.starts_with("onset: prom-1/slo: unreachable");
    assert!(said.iter().any(is_it), "{said:?}");
}
