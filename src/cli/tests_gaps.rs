//! What is said of changes, drift and suspects where not everything could be read.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::sync::Arc;
use std::time::Duration;

use super::args::{Cli, Format};
use super::exit::Exit;
use super::gather::{Answers, Picture, Scope, gather, picture};
use super::gather_deliveries::DeliveryAnswers;
use super::page::Page;
use super::tests::{asked, line, now, parsed, quell, world};
use super::tests_delivery::{
    Answered, ago, changes_json, changes_of, dead, joining, of, page_id, part, told, whole_picture,
};
use super::{changes, drift, status, suspects};
use crate::config::delivery::{
    DeclaredPlace, DeliveryAccess, DeliverySourceSettings, Provenance, TerraformSettings,
};
use crate::domain::delivery::{DeliveryAnswer, PartState, Past};
use crate::domain::source::SourceKind;
use crate::domain::triage::TriagePolicy;

#[tokio::test]
async fn what_could_not_be_read_is_not_called_nothing() {
    let calm = DeliveryAnswer::default;
    let says = |picture: &Picture| {
        let id = page_id(picture);
        let suspects = suspects::answer(&id, picture, Format::Text, &Page::plain()).unwrap();
        let changes = changes_of(&[], picture, Format::Text, &Page::plain());
        let drift = drift::answer(picture, Format::Text, &Page::plain()).unwrap();
        let status = status::text(picture, &Page::plain());
        [suspects.document, changes, drift.document, status]
    };
    let whole = says(&whole_picture(calm()).await);
    assert!(whole[0].contains("nothing that quell was told of preceded it"));
    assert!(whole[1].contains("no changes in the last 24h"));
    assert!(whole[2].contains("no drift is reported"));
    assert!(whole[3].contains("Changes: 0 in flight, none is known\nDrift: 0\n"));

    let mut refused = calm();
    refused.parts = vec![part(
        "deployments",
        PartState::NotPermitted(line("forbidden")),
    )];
    let nobody: [Vec<Answered>; 2] = [
        vec![("argocd", SourceKind::Argocd, Err(dead()))],
        vec![("k8s", SourceKind::Kubernetes, Ok(refused))],
    ];
    for sources in nobody {
        let said = says(&of(sources, Past::default(), None).await);
        for (said, expected) in said.iter().zip([
            "what preceded it is not known",
            "changes are not known",
            "drift is not known",
            "Changes: not known",
        ]) {
            assert!(said.contains(expected), "{said}");
            assert!(!said.contains("nothing that quell was told of"), "{said}");
        }
    }
    let sources: Vec<Answered> = vec![
        ("k8s", SourceKind::Kubernetes, Ok(calm())),
        ("argocd", SourceKind::Argocd, Err(dead())),
    ];
    let said = says(&of(sources, Past::default(), None).await);
    for (said, expected) in said.iter().zip([
        "no suspect is known, and not every source",
        "no change of the last 24h is known, and not everything",
        "no drift is known, and not everything",
        "are known only in part: see Sources",
    ]) {
        assert!(said.contains(expected), "{said}");
    }
}

#[tokio::test]
async fn the_exit_says_how_much_could_be_read() {
    let with = |state: PartState| DeliveryAnswer {
        parts: vec![part("deployments", PartState::Read(0)), part("helm", state)],
        ..DeliveryAnswer::default()
    };
    let kind = SourceKind::Kubernetes;
    for (state, expected) in [
        (PartState::Read(3), Exit::Whole),
        (PartState::Absent, Exit::Whole),
        (PartState::NotPermitted(line("403")), Exit::Partial),
        (PartState::Failed(line("500")), Exit::Partial),
        (PartState::LastKnown(line("410")), Exit::Partial),
    ] {
        let picture = delivery_alone(vec![("k8s", kind, Ok(with(state.clone())))]).await;
        assert_eq!(picture.exit(), expected, "{state:?}");
        let named = picture
            .partial()
            .iter()
            .any(|text| text.starts_with("k8s: helm: "));
        assert_eq!(named, expected != Exit::Whole, "{state:?}");
    }
    let none = DeliveryAnswer {
        parts: vec![part("all", PartState::NotPermitted(line("403")))],
        ..DeliveryAnswer::default()
    };
    let catalogue = || {
        (
            "services",
            SourceKind::Services,
            Ok(DeliveryAnswer::default()),
        )
    };
    for (sources, expected) in [
        (vec![("k8s", kind, Err(dead()))], Exit::Nothing),
        (vec![("k8s", kind, Err(dead())), catalogue()], Exit::Nothing),
        (vec![("k8s", kind, Ok(none))], Exit::Nothing),
        (
            vec![
                ("k8s", kind, Err(dead())),
                ("tf", SourceKind::Terraform, Ok(DeliveryAnswer::default())),
            ],
            Exit::Partial,
        ),
    ] {
        assert_eq!(delivery_alone(sources).await.exit(), expected);
    }
}

/// As `quell changes` and `quell drift` ask: nobody tells of alerts.
async fn delivery_alone(sources: Vec<Answered>) -> Picture {
    let mut deliveries = DeliveryAnswers::default();
    for (name, kind, result) in sources {
        deliveries.asked.push(asked(name, kind, result).await);
    }
    let answers = Answers {
        alertmanagers: Vec::new(),
        prometheuses: Vec::new(),
        burns: None,
        deliveries,
        library: None,
    };
    let policy = TriagePolicy::default();
    picture(answers, None, &policy, &joining(), Arc::default(), now())
}

#[tokio::test]
async fn a_picture_of_changes_alone_is_no_all_clear() {
    let picture = delivery_alone(vec![("k8s", SourceKind::Kubernetes, Ok(told()))]).await;
    let text = status::text(&picture, &Page::plain());
    assert!(text.contains("alerts are not watched"), "{text}");
    assert!(!text.contains("nothing needs you"), "{text}");
}

#[tokio::test]
async fn a_history_that_fails_is_said_and_stops_nothing() {
    let mut deliveries = DeliveryAnswers {
        history_error: Some("cannot be opened: disk full".to_owned()),
        ..DeliveryAnswers::default()
    };
    let kind = SourceKind::Kubernetes;
    deliveries.asked.push(asked("k8s", kind, Ok(told())).await);
    let answers = Answers {
        alertmanagers: Vec::new(),
        prometheuses: Vec::new(),
        burns: None,
        deliveries,
        library: None,
    };
    let policy = TriagePolicy::default();
    let picture = picture(answers, None, &policy, &joining(), Arc::default(), now());
    assert_eq!(picture.exit(), Exit::Partial);
    let document = changes_json(&[], &picture);
    assert_eq!(document["history_error"], "cannot be opened: disk full");
    assert_eq!(document["changes"].as_array().unwrap().len(), 4);
    let status_document = parsed(&status::json(&picture).unwrap());
    assert_eq!(status_document["history_error"], document["history_error"]);
    for text in [
        changes_of(&[], &picture, Format::Text, &Page::plain()),
        status::text(&picture, &Page::plain()),
    ] {
        assert!(
            text.contains("history: cannot be opened: disk full"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn commands_without_a_source_of_changes_say_how_to_name_one() {
    let root = tempfile::tempdir().unwrap();
    let world = world(root.path());
    for (words, expected) in [
        (&["changes"][..], "--terraform PATH"),
        (&["drift", "--json"], "no source of changes and drift"),
        (
            &["suspects", "X", "--alertmanager", "http://127.0.0.1:1"],
            "quell suspects ALERT --kubeconfig FILE",
        ),
        (&["suspects", "X"], "no source is configured"),
        (&["changes", "kind=nonsense"], "is no kind"),
    ] {
        let (document, said, exit) = quell(words, &world).await;
        assert_eq!((document.as_str(), exit), ("", 2), "{words:?}");
        assert!(said.contains(expected), "{words:?}: {said}");
    }
    assert!(
        !world.paths.history_file(None).exists(),
        "nothing was asked"
    );
}

#[tokio::test]
async fn a_source_that_is_not_there_is_asked_and_named() {
    let root = tempfile::tempdir().unwrap();
    let world = world(root.path());
    let cli = Cli::read(["quell", "drift"].map(Into::into)).unwrap();
    let mut settings = super::load(&cli.global, &world).unwrap().settings;
    let ask = |at: Option<&str>, settings: &_| changes::question("drift", at, settings, &world);
    assert_eq!(ask(None, &settings).unwrap_err().exit, Exit::Usage);
    let source = |access: DeliveryAccess| DeliverySourceSettings {
        name: "plans".into(),
        place: DeclaredPlace::default(),
        period: Duration::from_mins(1),
        access,
    };
    let nowhere = root.path().join("nowhere.json");
    let catalogue = source(DeliveryAccess::Catalogue(nowhere.clone()));
    settings.delivery.sources = vec![catalogue];
    let alone = ask(None, &settings).unwrap_err();
    assert_eq!(alone.exit, Exit::Usage, "a catalogue tells of no change");
    let plans = source(DeliveryAccess::Terraform(TerraformSettings {
        path: nowhere,
        cadence: None,
        provenance: Provenance::default(),
    }));
    settings.delivery.sources = vec![plans];
    let wrong = ask(Some("soon"), &settings).unwrap_err();
    assert!(wrong.complaint.unwrap().contains("--at: `soon` is no time"));
    let question = ask(Some("2h"), &settings).unwrap();
    assert_eq!(question.at, Some(ago(120)));

    let scope = Scope::Delivery(question);
    let picture = gather(&settings, &scope, Arc::default(), now).await;
    assert_eq!((picture.sources.len(), picture.exit()), (1, Exit::Nothing));
    assert_eq!(picture.gaps.history_error, None);
    let answer = drift::answer(&picture, Format::Json, &Page::plain()).unwrap();
    assert!(answer.complaint.unwrap().contains("nothing could be read"));
    let document = parsed(&answer.document);
    assert!(
        document["partial"][0]
            .as_str()
            .unwrap()
            .starts_with("plans: ")
    );
    assert_eq!(document["at"], "2027-01-15T06:05:00Z");
}
