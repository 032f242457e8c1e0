//! What does everybody say right now?
//!
//! One poll of every configured source, all at the same time, and the picture made of the answers.
//! Called by the reading commands. It keeps nothing, tries nothing twice and prints nothing; a
//! source that fails is part of the picture.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::future::{join, join_all};

use super::Clock;
use crate::config::settings::{
    AlertmanagerSettings, PrometheusSettings, RunbookSettings, Settings,
};
use crate::domain::board::{Board, Heard, Inputs, Replica};
use crate::domain::claim::Claims;
use crate::domain::freshness::{Freshness, Health};
use crate::domain::observed::{AlertmanagerAnswer, PrometheusAnswer};
use crate::domain::runbook::Library;
use crate::domain::source::{SourceError, SourceKind, SourceName};
use crate::domain::text::Untrusted;
use crate::domain::triage::TriagePolicy;
use crate::runbooks;
use crate::sources::{Alertmanager, Prometheus};

use super::exit::Exit;

/// Runbooks are files: an answer of this age would be overdue.
const RUNBOOKS_PERIOD: Duration = Duration::from_mins(1);

/// Everything one poll brought.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The environment's name, if there is one.
    pub env: Option<String>,
    /// Every configured source, in the order of the config, runbooks last.
    pub sources: Vec<SourceStatus>,
    /// What the answers were.
    pub inputs: Inputs,
    /// What they mean.
    pub board: Board,
}

/// A source and how its poll went.
#[derive(Clone, Debug)]
pub struct SourceStatus {
    /// As the config or the flags name it.
    pub name: SourceName,
    /// What it is.
    pub kind: SourceKind,
    /// How the request went.
    pub health: Health,
    /// The verdict on it.
    pub freshness: Freshness,
    /// What it could not tell, although it answered.
    pub limits: Vec<Untrusted>,
}

impl Picture {
    /// The time of the picture.
    #[must_use]
    pub fn at(&self) -> DateTime<Utc> {
        self.inputs.now
    }

    /// Whether the runbooks could be read.
    #[must_use]
    pub fn has_runbooks(&self) -> bool {
        let mut local = self
            .sources
            .iter()
            .filter(|s| s.kind == SourceKind::Runbooks);
        local.all(|source| source.freshness == Freshness::Fresh)
    }

    /// How much of the picture there is.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let local = |source: &&SourceStatus| source.kind == SourceKind::Runbooks;
        let (local, network): (Vec<_>, Vec<_>) = self.sources.iter().partition(local);
        let freshness = |list: Vec<&SourceStatus>| -> Vec<Freshness> {
            list.into_iter().map(|source| source.freshness).collect()
        };
        Exit::of_sources(&freshness(network), &freshness(local))
    }
}

/// The answers of one poll, before they are joined.
#[derive(Debug)]
pub struct Answers {
    /// With the cluster and the scope that the config states.
    pub alertmanagers: Vec<(Asked<AlertmanagerAnswer>, Option<String>, String)>,
    /// One per Prometheus.
    pub prometheuses: Vec<Asked<PrometheusAnswer>>,
    /// The runbooks.
    pub library: Asked<Library>,
}

/// How one question to one source went.
#[derive(Debug)]
pub struct Asked<T> {
    source: SourceName,
    kind: SourceKind,
    period: Duration,
    pub(super) latency_ms: u64,
    ended_at: DateTime<Utc>,
    result: Result<Arc<T>, SourceError>,
}

impl<T> Asked<T> {
    /// Waits for an answer and measures it.
    pub async fn of(
        (source, kind, period): (SourceName, SourceKind, Duration),
        clock: Clock,
        question: impl Future<Output = Result<T, SourceError>>,
    ) -> Self {
        let begun = Instant::now();
        let result = question.await;
        let latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Self {
            source,
            kind,
            period,
            latency_ms,
            ended_at: clock(),
            result: result.map(Arc::new),
        }
    }

    /// The answer itself.
    ///
    /// # Errors
    /// Why there is none.
    pub fn into_result(self) -> Result<Arc<T>, SourceError> {
        self.result
    }

    fn health(&self) -> Health {
        let mut health = Health::default();
        match &self.result {
            Ok(_) => health.succeeded(self.ended_at, self.latency_ms),
            Err(error) => health.failed(self.ended_at, self.latency_ms, error.clone()),
        }
        health
    }

    fn status(
        &self,
        now: DateTime<Utc>,
        limits: impl FnOnce(&T) -> Vec<Untrusted>,
    ) -> SourceStatus {
        let health = self.health();
        SourceStatus {
            name: self.source.clone(),
            kind: self.kind,
            freshness: health.freshness(now, self.period.as_secs()),
            health,
            limits: self.result.as_deref().map(limits).unwrap_or_default(),
        }
    }

    fn heard(&self, now: DateTime<Utc>) -> Option<Heard<T>> {
        Some(Heard {
            source: self.source.clone(),
            freshness: self.health().freshness(now, self.period.as_secs()),
            answered_at: self.ended_at,
            answer: self.result.as_ref().ok().cloned()?,
        })
    }
}

/// Asks every source once, all at the same time.
pub async fn gather(settings: &Settings, claims: Arc<Claims>, clock: Clock) -> Picture {
    let alertmanagers = join_all(settings.alertmanagers.iter().map(async |replica| {
        let asked = alertmanager(replica, clock).await;
        (asked, replica.cluster.clone(), replica.scope())
    }));
    let prometheuses = join_all(settings.prometheuses.iter().map(|p| prometheus(p, clock)));
    let servers = join(alertmanagers, prometheuses);
    let ((alertmanagers, prometheuses), library) =
        join(servers, library(&settings.runbooks, clock)).await;
    let answers = Answers {
        alertmanagers,
        prometheuses,
        library,
    };
    let env = settings.environment.as_ref().map(|env| env.name.clone());
    picture(answers, env, &settings.triage, claims, clock())
}

async fn alertmanager(settings: &AlertmanagerSettings, clock: Clock) -> Asked<AlertmanagerAnswer> {
    let who = (
        settings.name.clone(),
        SourceKind::Alertmanager,
        settings.period,
    );
    let question = async { Alertmanager::new(settings)?.poll(clock()).await };
    Asked::of(who, clock, question).await
}

async fn prometheus(settings: &PrometheusSettings, clock: Clock) -> Asked<PrometheusAnswer> {
    let who = (
        settings.name.clone(),
        SourceKind::Prometheus,
        settings.period,
    );
    let question = async { Prometheus::new(settings)?.poll(clock()).await };
    Asked::of(who, clock, question).await
}

/// Reads the runbooks alone: what `quell runbook` needs without any server.
pub async fn library(settings: &RunbookSettings, clock: Clock) -> Asked<Library> {
    let who = (
        SourceName::from("runbooks"),
        SourceKind::Runbooks,
        RUNBOOKS_PERIOD,
    );
    Asked::of(who, clock, runbooks::read(settings)).await
}

/// Joins the answers. Pure.
#[must_use]
pub fn picture(
    answers: Answers,
    env: Option<String>,
    policy: &TriagePolicy,
    claims: Arc<Claims>,
    now: DateTime<Utc>,
) -> Picture {
    let alertmanagers = answers
        .alertmanagers
        .iter()
        .map(|(asked, ..)| asked.status(now, |answer| answer.limits.clone()));
    let prometheuses = answers
        .prometheuses
        .iter()
        .map(|asked| asked.status(now, |answer| answer.limits.clone()));
    // What is wrong with single files is told by `runbook list` and `check`.
    let library = std::iter::once(answers.library.status(now, |_| Vec::new()));
    let sources = alertmanagers.chain(prometheuses).chain(library).collect();
    let inputs = Inputs {
        replicas_configured: answers.alertmanagers.len(),
        prometheuses: answers
            .prometheuses
            .iter()
            .filter_map(|asked| asked.heard(now))
            .collect(),
        replicas: answers
            .alertmanagers
            .into_iter()
            .filter_map(|(asked, cluster, scope)| {
                Some(Replica {
                    heard: asked.heard(now)?,
                    cluster,
                    scope,
                })
            })
            .collect(),
        burns: Vec::new(),
        policies: Arc::default(),
        holding: Arc::default(),
        burn_at: None,
        library: answers.library.into_result().unwrap_or_default(),
        claims,
        policy: Arc::new(policy.clone()),
        now,
    };
    Picture {
        env,
        sources,
        board: Board::of(&inputs),
        inputs,
    }
}
