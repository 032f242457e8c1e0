//! The score, held to the reference's vectors, and who is asked about.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failure fails the test"
)]

use super::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    name: String,
    input: Input,
    score: f64,
}

#[derive(Deserialize)]
struct Input {
    start: f64,
    end: Option<f64>,
    rel: String,
    kind: String,
    outcome: String,
    scope: String,
}

fn at(minutes: f64) -> DateTime<Utc> {
    #[allow(clippy::cast_possible_truncation, reason = "whole milliseconds")]
    let millis = (minutes * 60_000.0) as i64;
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::milliseconds(millis)
}

fn kind(word: &str) -> CauseKind {
    if word == "drift" {
        return CauseKind::Drift;
    }
    let found = ChangeKind::ALL.into_iter().find(|kind| kind.word() == word);
    CauseKind::Change(found.unwrap_or_else(|| panic!("no kind {word}")))
}

fn outcome(word: &str) -> Outcome {
    match word {
        "failed" => Outcome::Failed,
        "running" => Outcome::Running,
        "ok" => Outcome::Ok,
        "unknown" => Outcome::Unknown,
        other => panic!("no outcome {other}"),
    }
}

#[test]
fn every_vector_of_the_reference_has_its_score() {
    let text = include_str!("../../tests/fixtures/suspects/vectors.json");
    let vectors: Vec<Vector> = serde_json::from_str(text).unwrap();
    assert_eq!(vectors.len(), 7);
    for Vector { name, input, score } in vectors {
        let span = Span {
            started_at: at(input.start),
            finished_at: input.end.map(at),
        };
        let kind = kind(&input.kind);
        let factors = closeness(span, at(0.0), kind).map(|time| Factors {
            time,
            relation: match &*input.rel {
                "same" => Relation::Same,
                "dep1" => Relation::DirectDependency,
                "platform" => Relation::Platform,
                "dep2" => Relation::TwoHops,
                "same_other_env" => Relation::OtherEnvironment,
                "unknown" => Relation::Unknown,
                other => panic!("no relation {other}"),
            },
            scope: match &*input.scope {
                "overlap" => Scope::Overlap,
                "unknown" => Scope::Unknown,
                "disjoint" => Scope::Disjoint,
                other => panic!("no scope {other}"),
            },
            kind,
            outcome: outcome(&input.outcome),
        });
        let found = factors.map_or(0.0, |factors| factors.score());
        assert!((found - score).abs() < 1e-9, "{name}: {found}, not {score}");
    }
}

#[test]
fn the_factors_are_printed_as_numbers() {
    let factors = Factors {
        time: 1.0,
        relation: Relation::Same,
        scope: Scope::Overlap,
        kind: CauseKind::Change(ChangeKind::Version),
        outcome: Outcome::Ok,
    };
    assert_eq!(factors.to_string(), "T1.00 R1 A1 K0.7 O0.4");
    assert!((factors.score() - 80.5).abs() < 1e-9);
}

#[test]
fn the_onset_is_the_first_sample_of_the_last_stretch_above_one() {
    let sample = |minute: f64, burn: f64| (minute * 60.0, burn * 0.001);
    let objective = 0.999;
    let calm_first = [
        sample(0.0, 5.0),
        sample(1.0, 0.5),
        sample(2.0, 1.5),
        sample(3.0, 9.0),
    ];
    let second = |minute: i64| DateTime::from_timestamp(minute * 60, 0);
    assert_eq!(onset(&calm_first, objective), second(2));
    let over = [sample(0.0, 5.0), sample(1.0, 0.5)];
    assert_eq!(onset(&over, objective), None);
    let idle = [sample(0.0, 5.0), (60.0, f64::NAN), sample(2.0, 5.0)];
    assert_eq!(onset(&idle, objective), second(2));
    let torn = [sample(0.0, 5.0), sample(30.0, 5.0), sample(31.0, 5.0)];
    assert_eq!(
        onset(&torn, objective),
        second(30),
        "nobody knows what was between"
    );
    assert_eq!(onset(&[], objective), None);
}

#[test]
fn what_came_after_the_onset_and_before_the_alert_is_told_apart_from_what_preceded() {
    let change = |id: &str, minute: f64, service: &str| Change {
        id: Untrusted::line(id),
        source: "k8s".into(),
        also: Vec::new(),
        subject: Subject {
            service: Some(Untrusted::line(service)),
            ..Subject::default()
        },
        kind: ChangeKind::Version,
        versions: crate::domain::change::Versions::default(),
        who: None,
        started_at: at(minute),
        finished_at: Some(at(minute)),
        outcome: Outcome::Ok,
        told: crate::domain::change::Told::default(),
    };
    let delivery = Delivery {
        changes: vec![
            change("late", 31.0, "web"),
            change("between", 20.0, "web"),
            change("other", 20.0, "api"),
            change("grace", 1.0, "web"),
            change("before", -5.0, "web"),
        ],
        ..Delivery::default()
    };
    let (service, labels) = (Untrusted::line("web"), Labels::default());
    let question = Question {
        service: Some(&service),
        env: None,
        labels: &labels,
        onset: at(0.0),
    };
    let ranked = rank(&question, &delivery);
    let ids: Vec<_> = ranked.iter().map(|found| &found.cause).collect();
    let cause = |id: &str| Cause::Change(Untrusted::line(id));
    assert_eq!(ids, [&cause("grace"), &cause("before")]);
    let between = between(&question, at(30.0), &delivery);
    let ids: Vec<_> = between.iter().map(|change| change.id.raw()).collect();
    assert_eq!(ids, ["between"]);
}

#[test]
fn another_cluster_is_another_place_only_where_somebody_declared_it() {
    let scope = |own: &[(&str, &str)]| {
        let subject = Subject {
            labels: Labels::of(own),
            ..Subject::default()
        };
        let labels = Labels::of(&[("cluster", "eu-1")]);
        let question = Question {
            service: None,
            env: None,
            labels: &labels,
            onset: at(0.0),
        };
        question.scope(&subject)
    };
    assert_eq!(scope(&[("cluster", "eu-1")]), Scope::Overlap);
    assert_eq!(scope(&[("cluster", "us-1")]), Scope::Disjoint);
    let assumed = (ASSUMED_CLUSTER_LABEL, "yes");
    assert_eq!(scope(&[("cluster", "prod-eu-1"), assumed]), Scope::Unknown);
    assert_eq!(scope(&[("cluster", "eu-1"), assumed]), Scope::Overlap);
    assert_eq!(scope(&[("region", "eu")]), Scope::Unknown);
}
