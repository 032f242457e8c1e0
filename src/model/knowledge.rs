//! What did each source say last, and how far may it be trusted?

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::board::{Heard, Inputs, Replica};
use crate::domain::burn_policy::BurnPolicies;
use crate::domain::claim::Claims;
use crate::domain::delivery::{DeliveryAnswer, DeliveryInputs, Past};
use crate::domain::drift::Allowance;
use crate::domain::freshness::{Freshness, Health};
use crate::domain::observed::{AlertmanagerAnswer, PrometheusAnswer};
use crate::domain::runbook::Library;
use crate::domain::service::Services;
use crate::domain::slo::SloId;
use crate::domain::slo_burn::Holding;
use crate::domain::slo_measured::BurnAnswer;
use crate::domain::source::{SourceKind, SourceName};
use crate::domain::triage::TriagePolicy;

/// The last good answer of a source.
#[derive(Clone, Debug)]
pub enum Kept {
    /// None yet.
    Nothing,
    /// Of an Alertmanager replica.
    Alertmanager(Arc<AlertmanagerAnswer>),
    /// Of a Prometheus.
    Prometheus(Arc<PrometheusAnswer>),
    /// Of the SLOs that a Prometheus measures.
    Burn(Arc<BurnAnswer>),
    /// Of a source of changes and drift.
    Delivery(Arc<DeliveryAnswer>),
    /// Of the folder of runbooks.
    Runbooks(Arc<Library>),
}

/// One configured source.
#[derive(Clone, Debug)]
pub struct SourceState {
    /// Its name.
    pub name: SourceName,
    /// What answers.
    pub kind: SourceKind,
    /// Where: a URL without credentials, or a path.
    pub place: String,
    /// Seconds between two polls.
    pub period_secs: u64,
    /// The cluster the config states.
    pub cluster: Option<String>,
    /// The filters pushed to it.
    pub scope: String,
    /// Its requests.
    pub health: Health,
    /// Its last good answer.
    pub kept: Kept,
}

impl SourceState {
    /// How far its answer may be trusted.
    #[must_use]
    pub fn freshness(&self, now: DateTime<Utc>) -> Freshness {
        self.health.freshness(now, self.period_secs)
    }

    /// How many alerts, rules, SLOs or runbooks its answer holds.
    #[must_use]
    pub fn items(&self) -> Option<usize> {
        match &self.kept {
            Kept::Nothing => None,
            Kept::Alertmanager(answer) => Some(answer.alerts.len()),
            Kept::Prometheus(answer) => Some(answer.rules.len()),
            Kept::Burn(answer) => Some(answer.slos.len()),
            Kept::Delivery(answer) => Some(answer.changes.len() + answer.drifts.len()),
            Kept::Runbooks(library) => Some(library.runbooks.len()),
        }
    }
}

/// All sources and what belongs to them.
#[derive(Debug)]
pub struct Knowledge {
    /// As configured.
    pub sources: Vec<SourceState>,
    /// Who claimed what on this machine.
    pub claims: Arc<Claims>,
    /// The rules of triage.
    pub policy: Arc<TriagePolicy>,
    /// Which burn is too much.
    pub policies: Arc<BurnPolicies>,
    /// Since when which condition of a burn policy has held.
    pub holding: Arc<Holding>,
    /// What is remembered and declared of changes and drift.
    pub delivery: DeliveryKnowledge,
    /// Pictures ordered and received.
    pub merging: Merging,
}

/// What is remembered and declared of changes and drift, beside the answers of their sources.
#[derive(Clone, Debug, Default)]
pub struct DeliveryKnowledge {
    /// What was remembered.
    pub past: Arc<Past>,
    /// What the config declares of services.
    pub services: Arc<Services>,
    /// Which drift is allowed.
    pub allowances: Arc<Vec<Allowance>>,
    /// Since when the SLOs that burn now have burnt, where their past was read.
    pub onsets: Arc<HashMap<SloId, DateTime<Utc>>>,
}

/// One picture is made at a time; what arrives meanwhile makes one more.
#[derive(Debug, Default)]
pub struct Merging {
    /// The number of the last order.
    pub ordered: u64,
    /// Whether that order is still under way.
    pub under_way: bool,
    /// Whether something changed since it was given.
    pub wanted: bool,
    /// The freshness of each source in that order. Another one calls for a new picture.
    pub freshness: Vec<Freshness>,
}

impl Merging {
    /// Whether the last picture was made from everything that is known.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        !self.under_way && !self.wanted
    }
}

impl Knowledge {
    /// What a picture is made from.
    #[must_use]
    pub fn inputs(&self, now: DateTime<Utc>) -> Inputs {
        let mut replicas = Vec::new();
        let mut prometheuses = Vec::new();
        let mut burns = Vec::new();
        let mut deliveries = Vec::new();
        for source in &self.sources {
            match &source.kept {
                Kept::Alertmanager(answer) => {
                    replicas.extend(source.heard(answer, now).map(|heard| Replica {
                        heard,
                        cluster: source.cluster.clone(),
                        scope: source.scope.clone(),
                    }));
                }
                Kept::Prometheus(answer) => prometheuses.extend(source.heard(answer, now)),
                Kept::Burn(answer) => burns.extend(source.heard(answer, now)),
                Kept::Delivery(answer) => deliveries.extend(source.heard(answer, now)),
                Kept::Runbooks(_) | Kept::Nothing => {}
            }
        }
        let is_replica = |s: &&SourceState| s.kind == SourceKind::Alertmanager;
        Inputs {
            replicas,
            replicas_configured: self.sources.iter().filter(is_replica).count(),
            prometheuses,
            burns,
            policies: self.policies.clone(),
            holding: self.holding.clone(),
            delivery: DeliveryInputs {
                heard: deliveries,
                past: self.delivery.past.clone(),
                services: self.delivery.services.clone(),
                allowances: self.delivery.allowances.clone(),
            },
            onsets: self.delivery.onsets.clone(),
            burn_at: None,
            library: self.library(),
            claims: self.claims.clone(),
            policy: self.policy.clone(),
            now,
        }
    }

    /// The runbooks, if they were read.
    #[must_use]
    pub fn library(&self) -> Arc<Library> {
        let found = self.sources.iter().find_map(|s| match &s.kept {
            Kept::Runbooks(library) => Some(library.clone()),
            _ => None,
        });
        found.unwrap_or_default()
    }

    /// Whether each source that tells of alerts has answered or failed at least once.
    #[must_use]
    pub fn everybody_was_asked(&self, now: DateTime<Utc>) -> bool {
        let waits = |s: &SourceState| match s.freshness(now) {
            Freshness::Never => true,
            Freshness::Failed => false,
            Freshness::Fresh | Freshness::Stale => s.health.from_snapshot,
        };
        let tells = |s: &&SourceState| {
            let kinds = [
                SourceKind::Alertmanager,
                SourceKind::Prometheus,
                SourceKind::Runbooks,
            ];
            kinds.contains(&s.kind)
        };
        !self.sources.iter().filter(tells).any(waits)
    }

    /// The freshness of each source.
    #[must_use]
    pub fn freshness(&self, now: DateTime<Utc>) -> Vec<Freshness> {
        self.sources.iter().map(|s| s.freshness(now)).collect()
    }
}

impl SourceState {
    fn heard<T>(&self, answer: &Arc<T>, now: DateTime<Utc>) -> Option<Heard<T>> {
        Some(Heard {
            source: self.name.clone(),
            freshness: self.freshness(now),
            answered_at: self.health.answered_at?,
            answer: answer.clone(),
        })
    }
}
