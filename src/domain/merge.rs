//! How do the words of several replicas and Prometheus become one alert?
//!
//! Replicas are joined by fingerprint; each keeps its own word. The earliest start counts, and
//! active beats suppressed. Prometheus has no external labels, so its alerts are joined on the
//! labels it has. Called by [`super::board`] alone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::alert::{Alert, AlertOrigin, AlertState, Currency, RuleFacts, Sighting};
use super::board::{Heard, Inputs};
use super::claim::{Claim, Occurrence};
use super::cluster::clusters;
use super::freshness::Freshness;
use super::label::{Fingerprint, Labels};
use super::observed::{ObservedAlert, PrometheusAnswer, ReplicaState, RuleAlert, RuleAlertState};
use super::quiet::{self, Silences};
use super::runbook_match::{Linker, RunbookLink};
use super::text::Untrusted;

/// All alerts, unranked.
#[must_use]
pub fn merge(inputs: &Inputs, linker: &Linker<'_>) -> Vec<Alert> {
    let replicas = ReplicaSet::new(inputs);
    let mut links = Links {
        linker,
        known: HashMap::new(),
    };
    let claims = inputs.claims.by_fingerprint();
    let mut alerts: Vec<Alert> = replicas
        .by_fingerprint()
        .into_iter()
        .map(|(fingerprint, words)| replicas.merged(fingerprint, &words, &mut links))
        .collect();
    join_prometheus(inputs, &mut alerts, &mut links);
    for alert in &mut alerts {
        let starts = alert.starts();
        let own = claims.get(&alert.occurrence.fingerprint);
        alert.claim = own.and_then(|list| claim_of(list, &starts));
    }
    alerts
}

fn claim_of(
    list: &[(chrono::DateTime<chrono::Utc>, &Claim)],
    starts: &[chrono::DateTime<chrono::Utc>],
) -> Option<Claim> {
    let held = list.iter().find(|(start, _)| starts.contains(start));
    held.map(|(_, claim)| (*claim).clone())
}

/// One replica's word on one alert.
#[derive(Clone, Copy)]
struct Word<'a> {
    replica: usize,
    alert: &'a ObservedAlert,
}

struct ReplicaSet<'a> {
    inputs: &'a Inputs,
    cluster_of: Vec<usize>,
    silences: Silences<'a>,
    /// For the names of inhibiting alerts.
    names: HashMap<Fingerprint, &'a ObservedAlert>,
}

impl<'a> ReplicaSet<'a> {
    fn new(inputs: &'a Inputs) -> Self {
        let stated: Vec<_> = inputs
            .replicas
            .iter()
            .map(|r| (r.cluster.as_deref(), &r.heard.answer.status))
            .collect();
        let alerts = inputs.replicas.iter().flat_map(|r| &r.heard.answer.alerts);
        Self {
            inputs,
            cluster_of: clusters(&stated),
            silences: Silences::of(
                inputs
                    .replicas
                    .iter()
                    .flat_map(|r| &r.heard.answer.silences),
            ),
            names: alerts.map(|a| (a.fingerprint, a)).collect(),
        }
    }

    fn by_fingerprint(&self) -> HashMap<Fingerprint, Vec<Word<'a>>> {
        let most = self
            .inputs
            .replicas
            .iter()
            .map(|r| r.heard.answer.alerts.len())
            .max();
        let mut map: HashMap<Fingerprint, Vec<Word<'a>>> =
            HashMap::with_capacity(most.unwrap_or(0));
        for (replica, r) in self.inputs.replicas.iter().enumerate() {
            for alert in &r.heard.answer.alerts {
                let words = map.entry(alert.fingerprint).or_default();
                // A replica says each alert once; a second copy adds nothing.
                if words.last().is_none_or(|w| w.replica != replica) {
                    words.push(Word { replica, alert });
                }
            }
        }
        map
    }

    fn merged(&self, fingerprint: Fingerprint, words: &[Word<'a>], links: &mut Links<'_>) -> Alert {
        let loudest = loudest(words, |w| self.currency(w.replica));
        let lead = loudest.alert;
        let policy = &self.inputs.policy;
        let starts_at = words.iter().map(|w| w.alert.starts_at).min();
        let sightings: Vec<Sighting> = words.iter().map(|w| self.sighting(*w)).collect();
        let quiet = (lead.state == ReplicaState::Suppressed).then(|| {
            quiet::explain(
                &lead.suppression,
                &self.silences,
                |print| self.name_of(print),
                self.inputs.now,
            )
        });
        let (state, quiet) = match quiet {
            Some((state, quiet)) => (state, Some(quiet)),
            None => (AlertState::Firing, None),
        };
        Alert {
            occurrence: Occurrence {
                fingerprint,
                starts_at: starts_at.unwrap_or(lead.starts_at),
            },
            lane: policy.lane(&lead.labels),
            state: if sightings.iter().any(|s| self.stands(&s.source)) {
                state
            } else {
                AlertState::Lost
            },
            disagree: self.disagreements(words),
            quiet,
            place: policy.place(&lead.labels),
            claim: None,
            runbook: links.link(&lead.labels, &lead.annotations),
            origin: AlertOrigin {
                receivers: union(words.iter().map(|w| &w.alert.receivers)),
                generator_url: lead.generator_url.clone(),
                rule: None,
            },
            labels: lead.labels.clone(),
            annotations: lead.annotations.clone(),
            sightings,
        }
    }

    fn name_of(&self, fingerprint: Fingerprint) -> Option<Untrusted> {
        self.names
            .get(&fingerprint)?
            .labels
            .get("alertname")
            .cloned()
    }

    fn currency(&self, replica: usize) -> Currency {
        currency(self.inputs.replicas[replica].heard.freshness)
    }

    /// Whether a source still answers, or was not asked again yet. Only a failure loses an alert.
    fn stands(&self, source: &str) -> bool {
        let heard = self.inputs.replicas.iter().map(|r| &r.heard);
        heard
            .filter(|h| &*h.source == source)
            .any(|h| h.freshness != Freshness::Failed)
    }

    fn sighting(&self, word: Word<'_>) -> Sighting {
        let heard = &self.inputs.replicas[word.replica].heard;
        Sighting {
            source: heard.source.clone(),
            state: word.alert.state,
            starts_at: word.alert.starts_at,
            answered_at: heard.answered_at,
            current: self.currency(word.replica),
        }
    }

    /// Only present answers to the same question within one cluster can contradict each other, and
    /// only if the replica that lacks the alert was asked after the other had received it.
    fn disagreements(&self, words: &[Word<'_>]) -> Vec<String> {
        let replicas = &self.inputs.replicas;
        let mut said = Vec::new();
        let fresh = |r: usize| self.currency(r) == Currency::Current;
        for (other, candidate) in replicas.iter().enumerate() {
            if !fresh(other) || words.iter().any(|w| w.replica == other) {
                continue;
            }
            let lacks = words.iter().any(|w| {
                let same_question = replicas[w.replica].scope == candidate.scope;
                let received = w.alert.updated_at.unwrap_or(w.alert.starts_at);
                fresh(w.replica)
                    && self.cluster_of[w.replica] == self.cluster_of[other]
                    && same_question
                    && received < candidate.heard.answered_at
            });
            if lacks {
                said.push(self::lacks(&candidate.heard.source));
            }
        }
        for (i, a) in words.iter().enumerate() {
            for b in &words[i + 1..] {
                let same_cluster = self.cluster_of[a.replica] == self.cluster_of[b.replica];
                let differ = quietness(a.alert.state) != quietness(b.alert.state);
                if same_cluster && differ && fresh(a.replica) && fresh(b.replica) {
                    let name = |w: &Word<'_>| replicas[w.replica].heard.source.clone();
                    said.push(format!(
                        "{} says {}, {} says {}",
                        name(a),
                        a.alert.state.word(),
                        name(b),
                        b.alert.state.word()
                    ));
                }
            }
        }
        said
    }
}

/// What is said of a replica that does not have an alert of its cluster.
pub(super) fn lacks(source: &str) -> String {
    format!("{source} lacks this")
}

/// The present words count before the last known; among them active beats suppressed.
fn loudest<'w, 'a>(
    words: &'w [Word<'a>],
    currency: impl Fn(&Word<'_>) -> Currency,
) -> &'w Word<'a> {
    let key = |w: &&Word<'_>| {
        let present = u8::from(currency(w) == Currency::Current);
        let loudness = match w.alert.state {
            ReplicaState::Active => 2,
            ReplicaState::Unprocessed => 1,
            ReplicaState::Suppressed => 0,
        };
        (present, loudness, std::cmp::Reverse(w.replica))
    };
    // Every fingerprint was entered with at least one word.
    words.iter().max_by_key(key).unwrap_or(&words[0])
}

/// `unprocessed` is a moment on the way to active, not a contradiction.
fn quietness(state: ReplicaState) -> ReplicaState {
    match state {
        ReplicaState::Unprocessed => ReplicaState::Active,
        other => other,
    }
}

fn currency(freshness: Freshness) -> Currency {
    match freshness {
        Freshness::Fresh => Currency::Current,
        Freshness::Never | Freshness::Stale | Freshness::Failed => Currency::LastKnown,
    }
}

fn union<'a>(lists: impl Iterator<Item = &'a Vec<Untrusted>>) -> Vec<Untrusted> {
    let mut all: Vec<Untrusted> = lists.flatten().cloned().collect();
    all.sort();
    all.dedup();
    all
}

/// Links are shared: thousands of alerts of one name have one runbook.
struct Links<'a> {
    linker: &'a Linker<'a>,
    known: HashMap<RunbookLink, Arc<RunbookLink>>,
}

/// Adds what Prometheus says to the alerts, and the firing alerts that no Alertmanager has.
fn join_prometheus(inputs: &Inputs, alerts: &mut Vec<Alert>, links: &mut Links<'_>) {
    for heard in &inputs.prometheuses {
        let list = heard.answer.alerts.iter();
        let own: Vec<&RuleAlert> = list.filter(|a| a.state == RuleAlertState::Firing).collect();
        let index = index_by_names(alerts, &own);
        let queries: HashMap<&Untrusted, &Untrusted> = heard
            .answer
            .rules
            .iter()
            .map(|r| (&r.name, &r.query))
            .collect();
        for rule_alert in &own {
            let query = rule_alert
                .labels
                .get("alertname")
                .and_then(|n| queries.get(n));
            let facts = Arc::new(RuleFacts {
                source: heard.source.clone(),
                query: query.map(|q| (*q).clone()),
                value: rule_alert.value.clone(),
            });
            match index.get(&rule_alert.labels.fingerprint()) {
                Some(places) => {
                    for &at in places {
                        let alert = &mut alerts[at];
                        alert.sightings.push(sighting(heard, rule_alert));
                        alert.origin.rule = Some(facts.clone());
                        if alert.state == AlertState::Lost
                            && currency(heard.freshness) == Currency::Current
                        {
                            alert.state = AlertState::Firing;
                        }
                    }
                }
                None => alerts.push(alone(inputs, heard, rule_alert, facts, links)),
            }
        }
    }
}

fn sighting(heard: &Heard<PrometheusAnswer>, alert: &RuleAlert) -> Sighting {
    Sighting {
        source: heard.source.clone(),
        state: ReplicaState::Active,
        starts_at: alert.active_at,
        answered_at: heard.answered_at,
        current: currency(heard.freshness),
    }
}

/// An alert that Prometheus fires and no Alertmanager has: the way of the pages is broken, or no
/// Alertmanager is configured.
fn alone(
    inputs: &Inputs,
    heard: &Heard<PrometheusAnswer>,
    alert: &RuleAlert,
    facts: Arc<RuleFacts>,
    links: &mut Links<'_>,
) -> Alert {
    let answered = inputs
        .replicas
        .iter()
        .filter(|r| r.heard.freshness == Freshness::Fresh)
        .count();
    let unfiltered = inputs.replicas.iter().all(|r| r.scope.is_empty());
    let disagree = if answered > 0 && answered == inputs.replicas_configured && unfiltered {
        vec![format!("{} fires it, no Alertmanager has it", heard.source)]
    } else {
        Vec::new()
    };
    let lost = heard.freshness == Freshness::Failed;
    Alert {
        occurrence: Occurrence {
            fingerprint: alert.labels.fingerprint(),
            starts_at: alert.active_at,
        },
        lane: inputs.policy.lane(&alert.labels),
        state: if lost {
            AlertState::Lost
        } else {
            AlertState::Firing
        },
        sightings: vec![sighting(heard, alert)],
        disagree,
        quiet: None,
        place: inputs.policy.place(&alert.labels),
        claim: None,
        runbook: links.link(&alert.labels, &alert.annotations),
        origin: AlertOrigin {
            rule: Some(facts),
            ..AlertOrigin::default()
        },
        labels: alert.labels.clone(),
        annotations: alert.annotations.clone(),
    }
}

/// For each label set of Prometheus the alerts that have it and more. External labels are not
/// known, so the alerts are cut to the names that Prometheus uses for that alert name.
fn index_by_names(
    alerts: &[Alert],
    rule_alerts: &[&RuleAlert],
) -> HashMap<Fingerprint, Vec<usize>> {
    let mut shapes: HashMap<&Untrusted, HashSet<Vec<&Untrusted>>> = HashMap::new();
    for alert in rule_alerts {
        if let Some(name) = alert.labels.get("alertname") {
            let names = alert.labels.iter().map(|(n, _)| n).collect();
            shapes.entry(name).or_default().insert(names);
        }
    }
    let mut index: HashMap<Fingerprint, Vec<usize>> = HashMap::new();
    for (at, alert) in alerts.iter().enumerate() {
        let Some(shapes) = alert.labels.get("alertname").and_then(|n| shapes.get(n)) else {
            continue;
        };
        for shape in shapes {
            let pairs = shape
                .iter()
                .filter_map(|name| Some(((*name).clone(), alert.labels.get(name.raw())?.clone())));
            let cut = Labels::new(pairs.collect());
            if cut.len() == shape.len() {
                index.entry(cut.fingerprint()).or_default().push(at);
            }
        }
    }
    index
}

impl Links<'_> {
    fn link(&mut self, labels: &Labels, annotations: &Labels) -> Option<Arc<RunbookLink>> {
        let link = self.linker.link(labels, annotations)?;
        Some(
            self.known
                .entry(link.clone())
                .or_insert_with(|| Arc::new(link))
                .clone(),
        )
    }
}
