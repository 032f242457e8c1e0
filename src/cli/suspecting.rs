//! Which changes and drifts deserve a look first, for each of many alerts?
//!
//! The answers of [`Board::suspects`] for all alerts of `quell status`. Only what belongs to the alert's
//! service, to one near it or to its workload can score as a suspect: the rest is not looked at, and
//! alerts that ask the same question are answered once. Keeps nothing beyond one document.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::delivery_json::SuspectDoc;
use crate::domain::alert::Alert;
use crate::domain::board::Board;
use crate::domain::change::{Change, Subject};
use crate::domain::delivery::Delivery;
use crate::domain::suspect::{self, Question};
use crate::domain::text::Untrusted;

/// No more of one alert than this.
const MOST: usize = 5;
/// Where more changes than this could be suspects, alerts of one minute are answered together: their
/// scores differ by about a hundredth.
const CROWD: usize = 256;
/// All labels of an alert that the rank looks at.
const LABELS: [&str; 7] = [
    "cluster",
    "region",
    "namespace",
    "deployment",
    "statefulset",
    "daemonset",
    "rollout",
];
/// Those of them that name a workload.
const WORKLOADS: [&str; 4] = ["deployment", "statefulset", "daemonset", "rollout"];

/// What the rank of an alert depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key<'a> {
    service: Option<&'a Untrusted>,
    env: Option<&'a Untrusted>,
    labels: [Option<&'a Untrusted>; 7],
    onset: DateTime<Utc>,
}

/// Places of changes and drifts, ascending.
#[derive(Clone, Default)]
struct Places {
    changes: Vec<usize>,
    drifts: Vec<usize>,
}

/// Answers for one picture.
pub struct Suspecting<'a> {
    board: &'a Board,
    of_service: HashMap<&'a Untrusted, Places>,
    of_workload: HashMap<(&'a Untrusted, &'a Untrusted), Places>,
    near: HashMap<&'a Untrusted, Places>,
    answered: HashMap<Key<'a>, Vec<SuspectDoc>>,
}

impl<'a> Suspecting<'a> {
    /// Sorts out what belongs where.
    #[must_use]
    pub fn new(board: &'a Board) -> Self {
        let mut this = Self {
            board,
            of_service: HashMap::new(),
            of_workload: HashMap::new(),
            near: HashMap::new(),
            answered: HashMap::new(),
        };
        for (at, change) in board.delivery.changes.iter().enumerate() {
            this.sort_in(&change.subject, |places| places.changes.push(at));
        }
        for (at, row) in board.delivery.drifts.iter().enumerate() {
            this.sort_in(&row.drift.subject, |places| places.drifts.push(at));
        }
        this
    }

    fn sort_in(&mut self, subject: &'a Subject, add: impl Fn(&mut Places)) {
        if let Some(service) = &subject.service {
            add(self.of_service.entry(service).or_default());
        }
        let labels = &subject.labels;
        if let (Some(namespace), Some(name)) = (labels.get("namespace"), labels.get("name")) {
            add(self.of_workload.entry((namespace, name)).or_default());
        }
    }

    /// The suspects of an alert, what deserves a look first at the top.
    pub fn of(&mut self, alert: &'a Alert) -> Vec<SuspectDoc> {
        let delivery = &self.board.delivery;
        if delivery.changes.is_empty() && delivery.drifts.is_empty() {
            return Vec::new();
        }
        let mut question = Question::of(alert, self.board.onset(alert).at);
        if let Some(service) = question.service
            && self.around(service).changes.len() > CROWD
        {
            question.onset = next_minute(question.onset);
        }
        let key = Key {
            service: question.service,
            env: question.env,
            labels: LABELS.map(|name| alert.labels.get(name)),
            onset: question.onset,
        };
        if let Some(known) = self.answered.get(&key) {
            return known.clone();
        }
        let delivery = self.near(&question);
        let found = suspect::rank(&question, &delivery);
        let suspects = found.iter().filter(|suspect| suspect.is_suspect());
        let docs: Vec<SuspectDoc> = suspects.take(MOST).map(SuspectDoc::of).collect();
        self.answered.insert(key, docs.clone());
        docs
    }

    /// What belongs to a service and to those near it.
    fn around(&mut self, service: &'a Untrusted) -> &Places {
        let (board, of_service) = (self.board, &self.of_service);
        self.near.entry(service).or_insert_with(|| {
            let around = board.delivery.services.around(service);
            let names = std::iter::once(service).chain(around.into_keys());
            let mut all = Places::default();
            for places in names.filter_map(|name| of_service.get(name)) {
                all.add(places);
            }
            all.sort();
            all
        })
    }

    /// What could score as a suspect.
    fn near(&mut self, question: &Question<'a>) -> Delivery {
        let service = question.service;
        let mut places = service.map_or_else(Places::default, |name| self.around(name).clone());
        let delivery = &self.board.delivery;
        if let Some(namespace) = question.labels.get("namespace") {
            for name in WORKLOADS
                .iter()
                .filter_map(|kind| question.labels.get(kind))
            {
                if let Some(more) = self.of_workload.get(&(namespace, name)) {
                    places.add(more);
                }
            }
            places.sort();
        }
        let changes = places.changes.iter().map(|at| &delivery.changes[*at]);
        let changes = changes.filter(|change| may_precede(change, question.onset));
        let drifts = places.drifts.iter().map(|at| &delivery.drifts[*at]);
        Delivery {
            changes: changes.cloned().collect(),
            drifts: drifts.cloned().collect(),
            services: delivery.services.clone(),
            ..Delivery::default()
        }
    }
}

impl Places {
    fn add(&mut self, other: &Self) {
        self.changes.extend(&other.changes);
        self.drifts.extend(&other.drifts);
    }

    /// In their order, each once: equals keep their places in the rank.
    fn sort(&mut self) {
        for list in [&mut self.changes, &mut self.drifts] {
            list.sort_unstable();
            list.dedup();
        }
    }
}

/// The end of the minute: nothing that came before is left out.
fn next_minute(onset: DateTime<Utc>) -> DateTime<Utc> {
    let secs = onset.timestamp();
    DateTime::from_timestamp(secs + (60 - secs.rem_euclid(60)) % 60, 0).unwrap_or(onset)
}

/// A little wider than the rank is: it decides.
fn may_precede(change: &Change, onset: DateTime<Utc>) -> bool {
    change.started_at <= onset + TimeDelta::hours(1)
        && (change.is_in_flight() || change.last_at() >= onset - TimeDelta::hours(25))
}
