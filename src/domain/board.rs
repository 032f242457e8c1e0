//! What needs me now? One ranked picture of everything the sources said.
//!
//! [`Board::of`] is pure and is run off the screen's thread each time a source has answered.
//! Nothing that a dead source once said is dropped, and nothing is called gone because nobody
//! could be asked.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::alert::{Alert, Lane, PendingAlert};
use super::blindness::{self, Blindness};
use super::burn_policy::{BurnPolicies, Level};
use super::change::Change;
use super::claim::Claims;
use super::delivery::{Delivery, DeliveryInputs};
use super::freshness::Freshness;
use super::merge;
use super::observed::{AlertmanagerAnswer, PrometheusAnswer, RuleAlertState};
use super::runbook::Library;
use super::runbook_match::Linker;
use super::slo::SloId;
use super::slo_burn::{self, Holding, SloBurn};
use super::slo_measured::BurnAnswer;
use super::source::SourceName;
use super::suspect::{self, Onset, Question, Suspect};
use super::text::Untrusted;
use super::triage::TriagePolicy;

/// The last good answer of one source, and how far it may be trusted.
#[derive(Clone, Debug)]
pub struct Heard<T> {
    /// Who answered.
    pub source: SourceName,
    /// At the time of the picture.
    pub freshness: Freshness,
    /// When the answer was complete.
    pub answered_at: DateTime<Utc>,
    /// What it said.
    pub answer: Arc<T>,
}

/// An Alertmanager replica's answer with what the config says of it.
#[derive(Clone, Debug)]
pub struct Replica {
    /// What it said.
    pub heard: Heard<AlertmanagerAnswer>,
    /// The cluster the config states.
    pub cluster: Option<String>,
    /// The filters pushed to it. Only replicas asked the same question can disagree.
    pub scope: String,
}

/// Everything a picture is made from.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Replicas that have answered at least once.
    pub replicas: Vec<Replica>,
    /// How many replicas are configured.
    pub replicas_configured: usize,
    /// Prometheis that have answered at least once.
    pub prometheuses: Vec<Heard<PrometheusAnswer>>,
    /// What they measured of the SLOs.
    pub burns: Vec<Heard<BurnAnswer>>,
    /// Which burn is too much.
    pub policies: Arc<BurnPolicies>,
    /// Since when which condition has held, by the picture before this one.
    pub holding: Arc<Holding>,
    /// What is known of changes and drift.
    pub delivery: DeliveryInputs,
    /// Since when the SLOs that burn now have burnt, where their past was read.
    pub onsets: Arc<HashMap<SloId, DateTime<Utc>>>,
    /// The moment that burns are judged for, if it is not now.
    pub burn_at: Option<DateTime<Utc>>,
    /// The runbooks.
    pub library: Arc<Library>,
    /// Who claimed what.
    pub claims: Arc<Claims>,
    /// The rules.
    pub policy: Arc<TriagePolicy>,
    /// The time of the picture.
    pub now: DateTime<Utc>,
}

/// The picture.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// All alerts, most urgent first: loudest lane, not quiet, newest.
    pub alerts: Vec<Alert>,
    /// What would fire soon.
    pub pending: Vec<PendingAlert>,
    /// All SLOs, what runs out first at the top.
    pub burns: Vec<SloBurn>,
    /// What each Prometheus measured of them, also where two measure the same.
    pub measured: Vec<Heard<BurnAnswer>>,
    /// Since when which condition of a burn policy has held.
    pub holding: Arc<Holding>,
    /// Changes and drift.
    pub delivery: Delivery,
    /// Since when the SLOs that burn now have burnt, where their past was read.
    pub onsets: Arc<HashMap<SloId, DateTime<Utc>>>,
    /// Rules that cannot be evaluated, watchdogs that are missing.
    pub blind: Vec<Blindness>,
    /// The places in `burns` that are rows of Triage: they burn, and no alert speaks of them.
    pub burn_rows: Vec<usize>,
    counts: Counts,
}

/// How many alerts there are of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not quiet, by lane; what burns without an alert counts, too.
    pub page: usize,
    /// Not quiet, by lane.
    pub ticket: usize,
    /// Not quiet, by lane.
    pub info: usize,
    /// Silenced, inhibited, muted or acknowledged.
    pub quiet: usize,
}

impl Board {
    /// Merges, links and ranks.
    #[must_use]
    pub fn of(inputs: &Inputs) -> Self {
        let linker = Linker::new(&inputs.library, &inputs.policy.runbook_url_prefixes);
        let mut alerts = merge::merge(inputs, &linker);
        let at = inputs.burn_at.unwrap_or(inputs.now);
        let delivery = Delivery::of(&inputs.delivery, at);
        for alert in &mut alerts {
            if let Some(service) = delivery.services.mapped(&alert.labels) {
                alert.place.service = Some(service.clone());
            }
        }
        alerts.sort_unstable_by(rank);
        let (burns, holding) =
            slo_burn::judge_all(&inputs.burns, &inputs.policies, &inputs.holding, at);
        let burn_rows = unspoken(&burns, &alerts);
        Self {
            blind: blindness::find(inputs, &alerts),
            pending: pending(inputs),
            counts: Counts::of(&alerts, burn_rows.iter().map(|at| &burns[*at])),
            alerts,
            delivery,
            onsets: inputs.onsets.clone(),
            burns,
            measured: inputs.burns.clone(),
            holding: Arc::new(holding),
            burn_rows,
        }
    }

    /// What burns most of a service: the loudest verdict, then the greatest burn.
    #[must_use]
    pub fn burn_of(&self, service: &Untrusted) -> Option<&SloBurn> {
        let of_service = self
            .burns
            .iter()
            .filter(|b| b.id().service.as_ref() == Some(service));
        let recent = |b: &SloBurn| b.burn(slo_burn::RECENT_SECS).unwrap_or(-1.0);
        of_service.max_by(|a, b| {
            let louder = a.verdict.level().cmp(&b.verdict.level());
            louder.then(recent(a).total_cmp(&recent(b)))
        })
    }

    /// The SLOs that freeze risky changes: also those that did when they were last heard of.
    pub fn freezing(&self) -> impl Iterator<Item = &SloBurn> {
        let freezes = |b: &&SloBurn| b.verdict.level().is_some_and(Level::freezes);
        self.burns.iter().filter(freezes)
    }

    /// Since when an alert's trouble goes on: the earliest onset of an SLO of its service that burns,
    /// else the alert's own start.
    #[must_use]
    pub fn onset(&self, alert: &Alert) -> Onset {
        let service = alert.place.service.as_ref();
        let burning = self.burns.iter().filter(|burn| {
            service.is_some()
                && burn.id().service.as_ref() == service
                && burn.verdict.level().is_some()
        });
        let since = burning.filter_map(|burn| {
            let at = self.onsets.get(burn.id())?;
            Some((*at, burn.id().clone()))
        });
        // An alert that began long before is not about this burn; one that came late is.
        let first = since.min_by_key(|(at, _)| *at);
        match first {
            Some((at, id)) if at <= alert.occurrence.starts_at => Onset {
                at,
                burn_of: Some(id),
            },
            _ => Onset {
                at: alert.occurrence.starts_at,
                burn_of: None,
            },
        }
    }

    /// The changes and drifts that preceded an alert, what deserves a look first at the top.
    #[must_use]
    pub fn suspects(&self, alert: &Alert) -> Vec<Suspect> {
        let onset = self.onset(alert);
        suspect::rank(&Question::of(alert, onset.at), &self.delivery)
    }

    /// Changes of the alert's own service that began after the onset and before the alert.
    #[must_use]
    pub fn after_onset(&self, alert: &Alert) -> Vec<&Change> {
        let onset = self.onset(alert);
        let question = Question::of(alert, onset.at);
        suspect::between(&question, alert.occurrence.starts_at, &self.delivery)
    }

    /// Counts for the top bar and the tabs.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }
}

impl Counts {
    fn of<'a>(alerts: &[Alert], burns: impl Iterator<Item = &'a SloBurn>) -> Self {
        let mut counts = Self::default();
        for lane in burns.filter_map(SloBurn::lane) {
            *counts.of_lane(lane) += 1;
        }
        for alert in alerts {
            let count = match alert.lane {
                _ if alert.is_quiet() => &mut counts.quiet,
                lane => counts.of_lane(lane),
            };
            *count += 1;
        }
        counts
    }

    fn of_lane(&mut self, lane: Lane) -> &mut usize {
        match lane {
            Lane::Page => &mut self.page,
            Lane::Ticket => &mut self.ticket,
            Lane::Info => &mut self.info,
        }
    }
}

/// Loudest lane first, quiet ones behind, newest first; then by name, so that equals keep their
/// places from one picture to the next.
fn rank(a: &Alert, b: &Alert) -> std::cmp::Ordering {
    a.is_quiet()
        .cmp(&b.is_quiet())
        .then(a.lane.cmp(&b.lane))
        .then(b.occurrence.starts_at.cmp(&a.occurrence.starts_at))
        .then_with(|| a.name().cmp(b.name()))
        .then(a.occurrence.fingerprint.cmp(&b.occurrence.fingerprint))
}

/// The SLOs that burn and that no alert speaks of. A silenced alert speaks, too: somebody decided.
fn unspoken(burns: &[SloBurn], alerts: &[Alert]) -> Vec<usize> {
    let is_unspoken = |burn: &SloBurn| {
        burn.lane().is_some() && !alerts.iter().any(|alert| burn.is_spoken_of_by(alert))
    };
    let burning = burns
        .iter()
        .enumerate()
        .filter(|(_, burn)| is_unspoken(burn));
    burning.map(|(at, _)| at).collect()
}

fn pending(inputs: &Inputs) -> Vec<PendingAlert> {
    let mut list: Vec<PendingAlert> = Vec::new();
    let mut seen = HashSet::new();
    for heard in &inputs.prometheuses {
        for alert in &heard.answer.alerts {
            if alert.state != RuleAlertState::Pending || !seen.insert(alert.labels.fingerprint()) {
                continue;
            }
            list.push(PendingAlert {
                source: heard.source.clone(),
                labels: alert.labels.clone(),
                active_at: alert.active_at,
                value: alert.value.clone(),
                lane: inputs.policy.lane(&alert.labels),
            });
        }
    }
    list.sort_by(|a, b| (a.lane, a.active_at, &a.labels).cmp(&(b.lane, b.active_at, &b.labels)));
    list
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use crate::domain::alert::{AlertState, Debt};
    use crate::domain::blindness::BlindnessKind;
    use crate::domain::claim::Claim;
    use crate::domain::label::Labels;
    use crate::domain::observed::{
        ObservedAlert, ReplicaState, ReplicaStatus, RuleAlert, RuleHealth, Silence, Suppression,
    };
    use crate::domain::text::Untrusted;
    use chrono::TimeDelta;

    pub(crate) fn t(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::seconds(secs)
    }

    pub(crate) fn observed(labels: &[(&str, &str)]) -> ObservedAlert {
        let labels = Labels::of(labels);
        ObservedAlert {
            fingerprint: labels.fingerprint(),
            labels,
            annotations: Labels::default(),
            starts_at: t(0),
            ends_at: None,
            updated_at: Some(t(1)),
            state: ReplicaState::Active,
            suppression: Suppression::default(),
            receivers: vec![Untrusted::line("pager")],
            generator_url: None,
        }
    }

    fn quiet(labels: &[(&str, &str)], suppression: Suppression) -> ObservedAlert {
        ObservedAlert {
            state: ReplicaState::Suppressed,
            suppression,
            ..observed(labels)
        }
    }

    pub(crate) fn alert(labels: &[(&str, &str)]) -> Alert {
        let board = Board::of(&inputs(vec![replica("am-1", vec![observed(labels)])]));
        board.alerts.into_iter().next().unwrap()
    }

    pub(crate) fn replica(name: &str, alerts: Vec<ObservedAlert>) -> Replica {
        let status = ReplicaStatus {
            peer_name: Some(Untrusted::line(name)),
            peers: ["am-1", "am-2"].map(Untrusted::line).into(),
            ..ReplicaStatus::default()
        };
        Replica {
            heard: Heard {
                source: name.into(),
                freshness: Freshness::Fresh,
                answered_at: t(10),
                answer: Arc::new(AlertmanagerAnswer {
                    alerts,
                    status,
                    ..AlertmanagerAnswer::default()
                }),
            },
            cluster: None,
            scope: String::new(),
        }
    }

    pub(crate) fn inputs(replicas: Vec<Replica>) -> Inputs {
        Inputs {
            replicas_configured: replicas.len(),
            replicas,
            prometheuses: Vec::new(),
            burns: Vec::new(),
            policies: Arc::default(),
            holding: Arc::default(),
            delivery: DeliveryInputs::default(),
            onsets: Arc::default(),
            burn_at: None,
            library: Arc::default(),
            claims: Arc::default(),
            policy: Arc::default(),
            now: t(10),
        }
    }

    fn prometheus(alerts: Vec<RuleAlert>, rules: Vec<RuleHealth>) -> Heard<PrometheusAnswer> {
        Heard {
            source: "prom-1".into(),
            freshness: Freshness::Fresh,
            answered_at: t(10),
            answer: Arc::new(PrometheusAnswer {
                alerts,
                rules,
                ..PrometheusAnswer::default()
            }),
        }
    }

    fn rule_alert(labels: &[(&str, &str)], state: RuleAlertState) -> RuleAlert {
        RuleAlert {
            labels: Labels::of(labels),
            annotations: Labels::default(),
            state,
            active_at: t(-5),
            value: Untrusted::line("2e+00"),
        }
    }

    fn rule(name: &str, last_error: Option<&str>) -> RuleHealth {
        RuleHealth {
            group: Untrusted::line("g"),
            name: Untrusted::line(name),
            query: Untrusted::line("up == 0"),
            for_secs: 0.0,
            last_error: last_error.map(Untrusted::line),
            evaluated_at: Some(t(9)),
        }
    }

    const PAGE: &[(&str, &str)] = &[
        ("alertname", "Down"),
        ("severity", "critical"),
        ("env", "prod"),
    ];

    #[test]
    fn the_default_lane_rules_parse_and_sort_by_severity() {
        let policy = TriagePolicy::default();
        assert!(policy.lanes.iter().all(|rule| !rule.matchers.0.is_empty()));
        for (severity, lane) in [
            ("critical", Lane::Page),
            ("PAGE", Lane::Page),
            ("warning", Lane::Ticket),
            ("info", Lane::Info),
            ("strange", Lane::Ticket),
        ] {
            assert_eq!(
                policy.lane(&Labels::of(&[("severity", severity)])),
                lane,
                "{severity}"
            );
        }
        assert_eq!(
            policy.lane(&Labels::of(&[
                ("alertname", "Watchdog"),
                ("severity", "critical")
            ])),
            Lane::Info
        );
    }

    #[test]
    fn replicas_merge_and_each_keeps_its_word() {
        let mut later = observed(PAGE);
        later.starts_at = t(5);
        let board = Board::of(&inputs(vec![
            replica("am-1", vec![later]),
            replica("am-2", vec![observed(PAGE)]),
        ]));
        assert_eq!(board.alerts.len(), 1);
        let alert = &board.alerts[0];
        assert_eq!(alert.occurrence.starts_at, t(0));
        assert_eq!(alert.starts(), [t(5), t(0)]);
        assert_eq!((alert.lane, alert.state), (Lane::Page, AlertState::Firing));
        assert!(alert.disagree.is_empty());
        assert_eq!(alert.debts(), [Debt::Owner, Debt::Runbook]);
    }

    #[test]
    fn a_replica_that_lacks_an_alert_is_named() {
        let disagree = |replicas| Board::of(&inputs(replicas)).alerts[0].disagree.clone();
        let (has, lacks) = (
            replica("am-1", vec![observed(PAGE)]),
            replica("am-2", vec![]),
        );
        assert_eq!(
            disagree(vec![has.clone(), lacks.clone()]),
            ["am-2 lacks this"]
        );

        let mut asked_before = lacks.clone();
        asked_before.heard.answered_at = t(1);
        assert!(disagree(vec![has.clone(), asked_before]).is_empty());

        let mut dead = lacks.clone();
        dead.heard.freshness = Freshness::Failed;
        assert!(disagree(vec![has.clone(), dead]).is_empty());

        let mut filtered = lacks.clone();
        filtered.scope = "receiver=x".into();
        assert!(disagree(vec![has.clone(), filtered]).is_empty());

        let mut elsewhere = lacks;
        elsewhere.cluster = Some("other".into());
        assert!(disagree(vec![has, elsewhere]).is_empty());
    }

    #[test]
    fn a_replica_that_was_restarted_is_named_once() {
        let names: Vec<String> = (0..12).map(|n| format!("A{n}")).collect();
        let all: Vec<_> = names
            .iter()
            .map(|n| observed(&[("alertname", n)]))
            .collect();
        let board = |lacking: usize| {
            let some = all[lacking..].to_vec();
            Board::of(&inputs(vec![
                replica("am-1", all.clone()),
                replica("am-2", some),
            ]))
        };
        let what: Vec<_> = board(11).blind.iter().map(|b| b.what.clone()).collect();
        assert_eq!(what, ["am-2 lacks 11 of 12 alerts: was it restarted?"]);
        assert!(board(9).blind.is_empty());
    }

    #[test]
    fn active_beats_suppressed_and_the_contradiction_is_said() {
        let silenced = Suppression {
            silenced_by: vec![Untrusted::line("s1")],
            ..Suppression::default()
        };
        let board = Board::of(&inputs(vec![
            replica("am-1", vec![quiet(PAGE, silenced)]),
            replica("am-2", vec![observed(PAGE)]),
        ]));
        assert_eq!(board.alerts[0].state, AlertState::Firing);
        assert_eq!(
            board.alerts[0].disagree,
            ["am-1 says suppressed, am-2 says active"]
        );
        assert_eq!(
            board.counts(),
            Counts {
                page: 1,
                ..Counts::default()
            }
        );
    }

    #[test]
    fn the_last_word_of_a_failed_replica_never_beats_a_present_one() {
        let silenced = Suppression {
            silenced_by: vec![Untrusted::line("s1")],
            ..Suppression::default()
        };
        let mut dead = replica("am-2", vec![observed(PAGE)]);
        dead.heard.freshness = Freshness::Failed;
        let board = Board::of(&inputs(vec![
            replica("am-1", vec![quiet(PAGE, silenced)]),
            dead.clone(),
        ]));
        assert_eq!(board.alerts[0].state, AlertState::Silenced);
        let board = Board::of(&inputs(vec![dead]));
        assert_eq!(board.alerts[0].state, AlertState::Lost);
        assert!(board.alerts[0].is_last_known());
        assert_eq!(board.counts().page, 1, "a lost page still counts as one");
    }

    #[test]
    fn why_it_is_quiet_in_one_line() {
        let silence = |id: &str, comment: &str| Silence {
            id: Untrusted::line(id),
            matchers: Untrusted::line("a=\"b\""),
            created_by: Untrusted::line("dana"),
            comment: Untrusted::line(comment),
            starts_at: t(0),
            ends_at: t(3_600),
        };
        let inhibitor = observed(&[("alertname", "NodeDown"), ("node", "n1")]);
        let print = Untrusted::line(&inhibitor.fingerprint.to_string());
        let ids = |s: &[&str]| s.iter().map(|i| Untrusted::line(i)).collect::<Vec<_>>();
        for (suppression, state, because) in [
            (
                Suppression {
                    silenced_by: ids(&["s1"]),
                    ..Suppression::default()
                },
                AlertState::Silenced,
                "silenced by dana until 09:00Z: disk swap",
            ),
            (
                Suppression {
                    silenced_by: ids(&["ack"]),
                    ..Suppression::default()
                },
                AlertState::Acked,
                "acked by dana until 09:00Z: looking",
            ),
            (
                Suppression {
                    silenced_by: ids(&["gone"]),
                    ..Suppression::default()
                },
                AlertState::Silenced,
                "silenced by gone (details unknown)",
            ),
            (
                Suppression {
                    inhibited_by: vec![print.clone()],
                    ..Suppression::default()
                },
                AlertState::Inhibited,
                "inhibited by NodeDown",
            ),
            (
                Suppression {
                    muted_by: ids(&["nights"]),
                    ..Suppression::default()
                },
                AlertState::Muted,
                "muted by interval nights",
            ),
            (
                Suppression {
                    silenced_by: ids(&["s1"]),
                    inhibited_by: vec![print],
                    muted_by: ids(&["nights"]),
                },
                AlertState::Silenced,
                "silenced by dana until 09:00Z: disk swap; inhibited by NodeDown; muted by interval nights",
            ),
            (
                Suppression::default(),
                AlertState::Silenced,
                "suppressed, the server does not say why",
            ),
        ] {
            let mut one = replica("am-1", vec![inhibitor.clone(), quiet(PAGE, suppression)]);
            let answer = Arc::make_mut(&mut one.heard.answer);
            answer.silences = vec![silence("s1", "disk swap"), silence("ack", "ACK! looking")];
            let board = Board::of(&inputs(vec![one]));
            let alert = board.alerts.iter().find(|a| a.name() == "Down").unwrap();
            assert_eq!(alert.state, state);
            assert_eq!(alert.quiet.as_ref().unwrap().because, because);
        }
    }

    #[test]
    fn a_refire_does_not_inherit_a_claim() {
        let mut with = inputs(vec![replica("am-1", vec![observed(PAGE)])]);
        let fingerprint = Labels::of(PAGE).fingerprint();
        let mut claims = Claims::default();
        let claim = Claim {
            by: Untrusted::line("mara"),
            since: t(2),
        };
        claims.take(
            crate::domain::claim::Occurrence {
                fingerprint,
                starts_at: t(0),
            },
            claim,
        );
        with.claims = Arc::new(claims.clone());
        assert_eq!(Board::of(&with).alerts[0].owner().unwrap().raw(), "mara");
        let mut again = observed(PAGE);
        again.starts_at = t(7);
        with.replicas = vec![replica("am-1", vec![again])];
        assert_eq!(Board::of(&with).alerts[0].claim, None);
        claims.release(fingerprint, &[t(0)]);
        assert!(claims.by_fingerprint().is_empty());
    }

    #[test]
    fn prometheus_joins_without_its_external_labels() {
        let mut with = inputs(vec![replica("am-1", vec![observed(PAGE)])]);
        let inner = &PAGE[..2];
        with.prometheuses = vec![prometheus(
            vec![
                rule_alert(inner, RuleAlertState::Firing),
                rule_alert(&[("alertname", "Soon")], RuleAlertState::Pending),
                rule_alert(
                    &[("alertname", "Lonely"), ("severity", "page")],
                    RuleAlertState::Firing,
                ),
                rule_alert(&[("alertname", "Watchdog")], RuleAlertState::Firing),
            ],
            vec![
                rule("Down", None),
                rule("Broken", Some("many-to-many")),
                rule("Watchdog", None),
            ],
        )];
        let board = Board::of(&with);
        let find = |name: &str| board.alerts.iter().find(|a| a.name() == name).unwrap();
        let down = find("Down");
        assert_eq!(
            down.sightings
                .iter()
                .map(|s| &*s.source)
                .collect::<Vec<_>>(),
            ["am-1", "prom-1"]
        );
        assert_eq!(
            down.origin
                .rule
                .as_ref()
                .unwrap()
                .query
                .as_ref()
                .unwrap()
                .raw(),
            "up == 0"
        );
        assert_eq!(
            find("Lonely").disagree,
            ["prom-1 fires it, no Alertmanager has it"]
        );
        assert_eq!(board.pending.len(), 1);
        let blind: Vec<_> = board
            .blind
            .iter()
            .map(|b| (b.kind, b.what.as_str()))
            .collect();
        assert_eq!(
            blind,
            [
                (
                    BlindnessKind::WatchdogMissing,
                    "Watchdog of prom-1 reaches no Alertmanager: its pages may not either"
                ),
                (
                    BlindnessKind::RuleFailing,
                    "rule Broken fails: many-to-many"
                ),
            ]
        );

        with.replicas[0].heard.freshness = Freshness::Failed;
        let board = Board::of(&with);
        let lonely = board.alerts.iter().find(|a| a.name() == "Lonely").unwrap();
        assert!(lonely.disagree.is_empty(), "nobody could be asked");
        let down = board.alerts.iter().find(|a| a.name() == "Down").unwrap();
        assert_eq!(
            down.state,
            AlertState::Firing,
            "Prometheus still stands by it"
        );
    }

    #[test]
    fn the_most_urgent_is_first() {
        let make = |name: &str, severity: &str, starts: i64| {
            let mut alert = observed(&[("alertname", name), ("severity", severity)]);
            alert.starts_at = t(starts);
            alert
        };
        let silenced = quiet(
            &[("alertname", "Z"), ("severity", "page")],
            Suppression::default(),
        );
        let board = Board::of(&inputs(vec![replica(
            "am-1",
            vec![
                make("Old", "page", 0),
                silenced,
                make("T", "warning", 9),
                make("New", "page", 5),
                make("B", "page", 0),
            ],
        )]));
        let names: Vec<_> = board.alerts.iter().map(Alert::name).collect();
        assert_eq!(names, ["New", "B", "Old", "T", "Z"]);
    }
}
