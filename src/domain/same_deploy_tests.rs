//! What holds of joining, whatever is told in whichever order.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::BTreeSet;

use chrono::DateTime;
use proptest::prelude::*;

use super::*;
use crate::domain::change::{Actor, Subject, Told, Versions};
use crate::domain::label::Labels;

/// As sources tell it: few values, so that much meets.
fn change() -> impl Strategy<Value = Change> {
    let place = (
        0..3_usize,
        0..3_usize,
        prop::option::of(0..3_usize),
        prop::option::of(0..2_usize),
        0..3_usize,
    );
    let what = (0..7_usize, 0..5_usize, 0..4_usize);
    let version = (prop::option::of(0..8_usize), prop::option::of(0..4_usize));
    (place, what, version, 0..40_i64, any::<bool>()).prop_map(
        |(
            (source, service, env, cluster, sort),
            (kind, outcome, who),
            (to, from),
            minute,
            ends,
        )| {
            let sorts = ["Deployment", "Application", ""];
            let mut labels = vec![];
            if !sorts[sort].is_empty() {
                labels.push(("kind", sorts[sort]));
            }
            if let Some(cluster) = cluster {
                labels.push(("cluster", ["eu-1", "us-1"][cluster]));
            }
            let versions = [
                "1.2.3",
                "v1.2.3",
                "registry:5000/shop/web:1.2.4",
                "deadbee",
                "deadbeefcafe0123",
                "cafebabe",
                "20261121",
                "web-1.2.3",
            ];
            let line = Untrusted::line;
            let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
            let started_at = start + TimeDelta::minutes(minute);
            Change {
                id: Untrusted::default(),
                source: ["k8s", "argo", "push"][source].into(),
                also: Vec::new(),
                subject: Subject {
                    target: line(["a", "b"][service % 2]),
                    service: [Some("web"), Some("api"), None][service].map(line),
                    env: env.map(|env| line(["prod", "production", "staging"][env])),
                    labels: Labels::of(&labels),
                },
                kind: [
                    ChangeKind::Version,
                    ChangeKind::Version,
                    ChangeKind::Version,
                    ChangeKind::Config,
                    ChangeKind::Rollback,
                    ChangeKind::Scale,
                    ChangeKind::Migration,
                ][kind],
                versions: Versions {
                    from: from.map(|from| line(versions[from])),
                    to: to.map(|to| line(versions[to])),
                    from_is_derived: false,
                },
                who: [
                    None,
                    Some(("jo", ActorKind::Person)),
                    Some(("bot", ActorKind::Automation)),
                    Some(("kubectl", ActorKind::FieldManager)),
                ][who]
                    .map(|(name, kind)| Actor {
                        name: line(name),
                        kind,
                    }),
                started_at,
                finished_at: ends.then(|| started_at + TimeDelta::minutes(1)),
                outcome: [
                    Outcome::Ok,
                    Outcome::Ok,
                    Outcome::Running,
                    Outcome::Failed,
                    Outcome::Unknown,
                ][outcome],
                told: Told::default(),
            }
        },
    )
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec(change(), 0..14).prop_map(|mut changes| {
        for (n, change) in changes.iter_mut().enumerate() {
            change.id = Untrusted::line(&format!("c{n}"));
            // Who is told by is found again in the joined one.
            change.told.notes.push(Untrusted::line(&format!("n{n}")));
        }
        changes
    })
}

fn sorted(mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort_by(|a, b| a.id.cmp(&b.id));
    changes
}

/// Which reports became which change.
fn groups<'a>(told: &'a [Change], joined: &[Change]) -> Vec<Vec<&'a Change>> {
    let of = |change: &Change| {
        let notes: BTreeSet<&Untrusted> = change.told.notes.iter().collect();
        told.iter()
            .filter(|c| c.told.notes.iter().any(|note| notes.contains(note)))
            .collect()
    };
    joined.iter().map(of).collect()
}

/// By hand for the few versions of [`change`], and not by the rule that is held to it.
fn contradict(a: &Versions, b: &Versions) -> bool {
    let (Some(a), Some(b)) = (&a.to, &b.to) else {
        return false;
    };
    let class = |version: &Untrusted| match version.raw() {
        "1.2.3" | "v1.2.3" => ("version", 1),
        "registry:5000/shop/web:1.2.4" => ("version", 2),
        "20261121" => ("version", 3),
        "web-1.2.3" => ("version", 4),
        "deadbee" | "deadbeefcafe0123" => ("commit", 1),
        _ => ("commit", 2),
    };
    let (a, b) = (class(a), class(b));
    a.0 == b.0 && a.1 != b.1
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn joining_does_not_depend_on_the_order_of_what_is_told(
        (told, shuffled) in changes().prop_flat_map(|c| (Just(c.clone()), Just(c).prop_shuffle()))
    ) {
        prop_assert_eq!(sorted(join(told)), sorted(join(shuffled)));
    }

    #[test]
    fn nothing_told_is_lost_nor_told_twice(told in changes()) {
        let joined = join(told.clone());
        let groups = groups(&told, &joined);
        prop_assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), told.len());
        for (change, reports) in joined.iter().zip(groups) {
            let named: BTreeSet<&str> = std::iter::once(&change.source)
                .chain(&change.also)
                .map(|source| &**source)
                .collect();
            let told: BTreeSet<&str> = reports.iter().map(|report| &*report.source).collect();
            prop_assert_eq!(&named, &told, "every source, and no other");
            prop_assert_eq!(change.also.len() + 1, named.len(), "each once");
            prop_assert!(reports.iter().any(|report| report.id == change.id));
        }
    }

    #[test]
    fn no_two_that_contradict_each_other_become_one(told in changes()) {
        let joined = join(told.clone());
        for reports in groups(&told, &joined) {
            for (n, a) in reports.iter().enumerate() {
                for b in &reports[n + 1..] {
                    // A chart's version or a commit's says nothing of an image's.
                    let is_against =
                        language(a) == language(b) && contradict(&a.versions, &b.versions);
                    prop_assert!(!is_against, "{:?} and {:?}", a.versions, b.versions);
                    let env = |c: &Change| match c.subject.env.as_ref()?.raw() {
                        "staging" => Some(false),
                        _ => Some(true),
                    };
                    prop_assert!(env(a).is_none() || env(b).is_none() || env(a) == env(b));
                    let cluster = |c: &Change| c.subject.labels.get("cluster").cloned();
                    let (of_a, of_b) = (cluster(a), cluster(b));
                    prop_assert!(of_a.is_none() || of_b.is_none() || of_a == of_b);
                    prop_assert!(feed(a) != feed(b));
                    prop_assert_eq!(&a.subject.service, &b.subject.service);
                    prop_assert!((a.started_at - b.started_at).abs() <= NEAR);
                }
            }
        }
    }

    /// What was joined does not keep all that told its reports apart (two commits beside one version,
    /// two kinds of one source): only what stayed alone can be held to this.
    #[test]
    fn what_stayed_alone_stays_alone_when_it_is_joined_again(told in changes()) {
        let joined = join(told.clone());
        let groups = groups(&told, &joined);
        let alone = joined.iter().zip(groups).filter(|(_, reports)| reports.len() == 1);
        let alone: Vec<Change> = alone.map(|(change, _)| change.clone()).collect();
        prop_assert_eq!(sorted(join(alone.clone())), sorted(alone));
    }

    #[test]
    fn one_report_of_each_source_is_one_deploy_and_stays_it(
        mut told in changes(), minutes in prop::collection::vec(0..10_i64, 14)
    ) {
        for (n, (change, minute)) in told.iter_mut().zip(minutes).enumerate() {
            change.source = format!("s{n}").into();
            change.kind = ChangeKind::Version;
            change.subject.service = Some(Untrusted::line("web"));
            change.subject.env = None;
            change.subject.labels = Labels::of(&[("kind", "Deployment")]);
            change.versions.to = Some(Untrusted::line(["1.2.3", "shop/web:v1.2.3"][n % 2]));
            change.started_at = DateTime::from_timestamp(1_800_000_000, 0).unwrap()
                + TimeDelta::minutes(minute);
        }
        let once = join(told.clone());
        prop_assert_eq!(once.len(), usize::from(!told.is_empty()));
        prop_assert_eq!(join(once.clone()), once);
    }
}
