//! What becomes of the answers of several sources and of what was remembered.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;
use crate::domain::change::{Actor, ActorKind, ChangeKind, Told, Versions};
use crate::domain::drift::Report;
use crate::domain::label::Labels;
use chrono::TimeDelta;

fn t(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
}

fn line(text: &str) -> Untrusted {
    Untrusted::line(text)
}

fn change(source: &str, kind: &str, to: &str, minute: i64) -> Change {
    Change {
        id: line(&format!("{source}/{kind}/{to}")),
        source: source.into(),
        also: Vec::new(),
        subject: Subject {
            target: line(&format!("shop/{kind}/web")),
            labels: Labels::of(&[("kind", kind), ("app", "web"), ("cluster", "eu-1")]),
            ..Subject::default()
        },
        kind: ChangeKind::Version,
        versions: Versions {
            to: Some(line(to)),
            ..Versions::default()
        },
        who: None,
        started_at: t(minute),
        finished_at: Some(t(minute + 2)),
        outcome: Outcome::Ok,
        told: Told::default(),
    }
}

fn heard(source: &str, answer: DeliveryAnswer) -> Heard<DeliveryAnswer> {
    Heard {
        source: source.into(),
        freshness: Freshness::Fresh,
        answered_at: t(0),
        answer: Arc::new(answer),
    }
}

fn of(changes: Vec<Change>) -> Delivery {
    let answer = DeliveryAnswer {
        changes,
        ..DeliveryAnswer::default()
    };
    let inputs = DeliveryInputs {
        heard: vec![heard("k8s", answer)],
        ..DeliveryInputs::default()
    };
    Delivery::of(&inputs, t(60))
}

#[test]
fn a_sync_its_rollout_and_the_pushed_event_are_one_deploy() {
    let mut sync = change("k8s", "Application", "9f2c1d7be04a", 0);
    sync.who = Some(Actor {
        name: line("omar"),
        kind: ActorKind::Person,
    });
    sync.told.reason = Some(line("INC-2291"));
    let mut rollout = change("k8s", "Deployment", "shop/web:1.42.0", 1);
    rollout.outcome = Outcome::Running;
    rollout.finished_at = None;
    rollout.who = Some(Actor {
        name: line("argocd-controller"),
        kind: ActorKind::FieldManager,
    });
    let mut pushed = change("spool", "service", "pkg:oci/web@v1.42.0?arch=amd64", 3);
    pushed.told.link = Some(line("https://ci.example.test/77"));
    let delivery = of(vec![pushed, rollout, sync]);
    assert_eq!(delivery.changes.len(), 1, "{:#?}", delivery.changes);
    let deploy = &delivery.changes[0];
    assert_eq!(deploy.subject.labels.get("kind"), Some(&line("Deployment")));
    assert_eq!(deploy.who.as_ref().unwrap().name, line("omar"));
    assert_eq!(
        (deploy.outcome, deploy.finished_at),
        (Outcome::Running, None)
    );
    assert_eq!(deploy.started_at, t(0));
    assert_eq!(deploy.told.reason, Some(line("INC-2291")));
    assert_eq!(deploy.told.link, Some(line("https://ci.example.test/77")));
    assert_eq!(deploy.also, ["spool".into()]);
    assert_eq!(delivery.in_flight().count(), 1);
}

#[test]
fn other_versions_places_times_and_workloads_stay_apart() {
    let base = || change("k8s", "Deployment", "1.42.0", 0);
    let other_version = change("spool", "service", "1.41.0", 1);
    let mut other_place = change("spool", "service", "1.42.0", 1);
    other_place.subject.labels = Labels::of(&[("app", "web"), ("cluster", "us-1")]);
    let later = change("spool", "service", "1.42.0", 30);
    let sibling = change("k8s", "Deployment", "1.42.0-worker", 1);
    for other in [other_version, other_place, later, sibling] {
        let id = other.id.clone();
        assert_eq!(of(vec![base(), other]).changes.len(), 2, "{id}");
    }
    let mut unknown = change("spool", "service", "1.42.0", 1);
    unknown.subject.labels = Labels::default();
    assert_eq!(of(vec![base(), unknown]).changes.len(), 2, "of no service");
}

#[test]
fn what_was_there_before_is_found_and_marked_as_found() {
    let first = change("spool", "service", "1.40.0", 0);
    let mut failed = change("spool", "service", "1.41.0", 60);
    failed.outcome = Outcome::Failed;
    let third = change("spool", "service", "1.42.0", 120);
    let delivery = of(vec![third, first, failed]);
    let from = |at: usize| {
        let versions = &delivery.changes[at].versions;
        (versions.from.clone(), versions.from_is_derived)
    };
    assert_eq!(
        from(0),
        (Some(line("1.40.0")), true),
        "a failed one left nothing"
    );
    assert_eq!(from(1), (Some(line("1.40.0")), true));
    assert_eq!(from(2), (None, false));
}

#[test]
fn what_nobody_tells_of_any_more_is_remembered_but_not_under_way() {
    let mut gone = change("k8s", "Deployment", "1.42.0", 0);
    gone.outcome = Outcome::Running;
    let inputs = DeliveryInputs {
        past: Arc::new(Past {
            changes: vec![gone],
            ..Past::default()
        }),
        ..DeliveryInputs::default()
    };
    let delivery = Delivery::of(&inputs, t(60));
    assert_eq!(delivery.changes[0].outcome, Outcome::Unknown);
    assert_eq!(delivery.changes[0].told.notes.len(), 1);
    assert_eq!(delivery.in_flight().count(), 0);
}

#[test]
fn a_time_in_the_future_is_said() {
    let delivery = of(vec![change("k8s", "Deployment", "1.42.0", 180)]);
    let note = delivery.changes[0].told.notes[0].shown();
    assert_eq!(note, "its time is 2h in the future: a clock is wrong");
}

fn drift(target: &str, paths: &[&str]) -> Drift {
    Drift {
        id: line(target),
        source: "tf".into(),
        subject: Subject {
            target: line(target),
            ..Subject::default()
        },
        kind: DriftKind::Drift,
        actions: vec![line("update")],
        paths: paths
            .iter()
            .map(|path| DriftPath {
                path: line(path),
                before: None,
                after: None,
                masked: false,
            })
            .collect(),
        reverted_by_apply: Some(true),
        report: Report {
            at: Some(t(0)),
            cadence_secs: Some(3_600),
            provenance: None,
        },
        detail: None,
    }
}

#[test]
fn allowed_drift_stays_but_does_not_count() {
    let rule = |address: &str, path: Option<&str>, until: i64| Allowance {
        address: address.to_owned(),
        path: path.map(str::to_owned),
        reason: "the autoscaler owns it".to_owned(),
        until: t(until),
    };
    let answer = DeliveryAnswer {
        drifts: vec![
            drift("module.web.aws_asg.a", &["desired_capacity"]),
            drift("module.web.aws_asg.b", &["desired_capacity", "image_id"]),
            drift("aws_iam_role.old", &["policy"]),
            drift("aws_iam_role.ended", &["policy"]),
        ],
        ..DeliveryAnswer::default()
    };
    let inputs = DeliveryInputs {
        heard: vec![heard("tf", answer)],
        allowances: Arc::new(vec![
            rule("module.web.*", Some("desired_*"), 600),
            rule("aws_iam_role.old", None, 600),
            rule("aws_iam_role.ended", None, 30),
        ]),
        ..DeliveryInputs::default()
    };
    let delivery = Delivery::of(&inputs, t(60));
    let rows: Vec<_> = delivery
        .drifts
        .iter()
        .map(|row| (row.drift.subject.target.shown(), row.allowed.is_some()))
        .collect();
    assert_eq!(
        rows,
        [
            ("aws_iam_role.ended", false),
            ("module.web.aws_asg.b", false),
            ("aws_iam_role.old", true),
            ("module.web.aws_asg.a", true),
        ]
    );
    assert_eq!(delivery.drifted(), 2);
}

#[test]
fn an_expired_report_counts_nothing() {
    let answer = DeliveryAnswer {
        drifts: vec![drift("a", &[])],
        ..DeliveryAnswer::default()
    };
    let inputs = DeliveryInputs {
        heard: vec![heard("tf", answer)],
        ..DeliveryInputs::default()
    };
    for (minute, age, count) in [
        (119, ReportAge::Fresh, 1),
        (120, ReportAge::Stale, 1),
        (360, ReportAge::Expired, 0),
    ] {
        let delivery = Delivery::of(&inputs, t(minute));
        assert_eq!(delivery.drifts[0].age, age, "{minute}");
        assert_eq!(delivery.drifted(), count, "{minute}");
    }
}

#[test]
fn a_star_stands_for_any_run_of_characters() {
    assert!(fits("*", ""));
    assert!(fits("a*c", "abc"));
    assert!(fits("a*b*c", "a-b-b-c"));
    assert!(!fits("a*c", "ab"));
    assert!(!fits("ab*ba", "aba"), "the two ends may not overlap");
    assert!(!fits("a", "ab"));
}
