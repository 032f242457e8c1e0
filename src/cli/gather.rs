//! What does everybody say right now?
//!
//! One poll of every source that a command needs, all at the same time, and the picture made of the
//! answers. Called by the reading commands. It keeps nothing, tries nothing twice and prints nothing; a
//! source that fails is part of the picture.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::{OptionFuture, join, join_all};

use super::Clock;
use crate::config::delivery::DeliverySettings;
use crate::config::settings::{
    AlertmanagerSettings, PrometheusSettings, RunbookSettings, Settings,
};
use crate::domain::board::{Board, Inputs, Replica};
use crate::domain::claim::Claims;
use crate::domain::freshness::Freshness;
use crate::domain::observed::{AlertmanagerAnswer, PrometheusAnswer};
use crate::domain::runbook::Library;
use crate::domain::slo::SloProblem;
use crate::domain::source::{SourceKind, SourceName};
use crate::domain::triage::TriagePolicy;
use crate::runbooks;
use crate::sources::{Alertmanager, Prometheus};

use super::asked::{Asked, SourceStatus};
use super::exit::Exit;
use super::gather_deliveries::{self, DeliveryAnswers, DeliveryQuestion};
use super::gather_slos::{self, BurnAnswers, BurnQuestion};

/// Runbooks are files: an answer of this age would be overdue.
const RUNBOOKS_PERIOD: Duration = Duration::from_mins(1);

/// Everything one poll brought.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The environment's name, if there is one.
    pub env: Option<String>,
    /// Every source that was asked, in the order of the config: servers, what measures service
    /// levels, runbooks.
    pub sources: Vec<SourceStatus>,
    /// What the answers were.
    pub inputs: Inputs,
    /// What they mean.
    pub board: Board,
    /// What is wrong with the files of service levels.
    pub slo_problems: Vec<SloProblem>,
    /// What else is not whole.
    pub gaps: Gaps,
}

/// What is not whole, beside the sources.
#[derive(Clone, Debug, Default)]
pub struct Gaps {
    /// Why changes and drift were not remembered.
    pub history_error: Option<String>,
    /// What of the moment that was asked for is not known.
    pub not_known_then: Vec<String>,
    /// Where the beginning of a burn could not be found.
    pub onsets: Vec<String>,
}

/// What a command wants to know.
#[derive(Clone, Debug)]
pub enum Scope {
    /// Alerts and runbooks.
    Alerts,
    /// Service levels alone.
    Burns(BurnQuestion),
    /// Changes and drift alone.
    Delivery(DeliveryQuestion),
    /// Alerts, and what may have preceded them: all but runbooks.
    Causes(BurnQuestion, DeliveryQuestion),
    /// All of it.
    Everything(BurnQuestion, DeliveryQuestion),
}

impl Scope {
    fn burns(&self) -> Option<&BurnQuestion> {
        match self {
            Self::Alerts | Self::Delivery(_) => None,
            Self::Burns(question) | Self::Causes(question, _) | Self::Everything(question, _) => {
                Some(question)
            }
        }
    }

    fn deliveries(&self) -> Option<&DeliveryQuestion> {
        match self {
            Self::Alerts | Self::Burns(_) => None,
            Self::Delivery(question)
            | Self::Causes(_, question)
            | Self::Everything(_, question) => Some(question),
        }
    }

    fn has_alerts(&self) -> bool {
        !matches!(self, Self::Burns(_) | Self::Delivery(_))
    }

    fn has_runbooks(&self) -> bool {
        matches!(self, Self::Alerts | Self::Everything(..))
    }
}

impl Picture {
    /// The time of the picture.
    #[must_use]
    pub fn at(&self) -> DateTime<Utc> {
        self.inputs.now
    }

    /// The moment that service levels were judged for.
    #[must_use]
    pub fn burn_at(&self) -> DateTime<Utc> {
        self.inputs.burn_at.unwrap_or(self.inputs.now)
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

    /// How much of the picture there is: a part of a source that could not be read is missing, too.
    #[must_use]
    pub fn exit(&self) -> Exit {
        // Runbooks and catalogues say what things mean: alone they are no picture.
        let local = |source: &&SourceStatus| {
            matches!(source.kind, SourceKind::Runbooks | SourceKind::Services)
        };
        let (local, network): (Vec<_>, Vec<_>) = self.sources.iter().partition(local);
        let freshness = |list: Vec<&SourceStatus>| -> Vec<Freshness> {
            let each = list.into_iter().map(|source| {
                if source.has_told() {
                    source.freshness
                } else {
                    Freshness::Failed
                }
            });
            each.collect()
        };
        let exit = Exit::of_sources(&freshness(network), &freshness(local));
        let mut unread = self.sources.iter().flat_map(SourceStatus::unread);
        let has_gap = unread.next().is_some() || self.gaps.history_error.is_some();
        if has_gap {
            exit.max(Exit::Partial)
        } else {
            exit
        }
    }

    /// Everything that is missing or old, by name, in words.
    #[must_use]
    pub fn partial(&self) -> Vec<String> {
        let mut all = Vec::new();
        for source in &self.sources {
            let name = &source.name;
            match (&source.health.error, source.freshness) {
                (Some(error), _) => all.push(format!("{name}: {error}")),
                (None, Freshness::Fresh) => {}
                (None, freshness) => all.push(format!("{name}: {}", freshness.word())),
            }
            let unread = source.unread();
            all.extend(unread.map(|(what, why)| format!("{name}: {what}: {why}")));
        }
        let history = self.gaps.history_error.iter();
        all.extend(history.map(|why| format!("history: {why}")));
        all.extend(self.gaps.onsets.iter().cloned());
        all
    }
}

/// The answers of one poll, before they are joined.
#[derive(Debug)]
pub struct Answers {
    /// With the cluster and the scope that the config states.
    pub alertmanagers: Vec<(Asked<AlertmanagerAnswer>, Option<String>, String)>,
    /// One per Prometheus.
    pub prometheuses: Vec<Asked<PrometheusAnswer>>,
    /// The service levels, if they were asked for.
    pub burns: Option<BurnAnswers>,
    /// The sources of changes and drift, if they were asked for.
    pub deliveries: DeliveryAnswers,
    /// The runbooks, if they were asked for.
    pub library: Option<Asked<Library>>,
}

/// Asks every source of the scope once, all at the same time.
pub async fn gather(
    settings: &Settings,
    scope: &Scope,
    claims: Arc<Claims>,
    clock: Clock,
) -> Picture {
    let has_alerts = scope.has_alerts();
    let replicas = settings.alertmanagers.iter().filter(|_| has_alerts);
    let alertmanagers = join_all(replicas.map(async |replica| {
        let asked = alertmanager(replica, clock).await;
        (asked, replica.cluster.clone(), replica.scope())
    }));
    let prometheuses = settings.prometheuses.iter().filter(|_| has_alerts);
    let prometheuses = join_all(prometheuses.map(|p| prometheus(p, clock)));
    let burns = scope.burns();
    let burns = OptionFuture::from(burns.map(|asked| gather_slos::ask(settings, asked, clock)));
    let deliveries = scope.deliveries();
    let deliveries = deliveries.map(|q| gather_deliveries::ask(settings, q, clock));
    let deliveries = OptionFuture::from(deliveries);
    let has_books = scope.has_runbooks();
    let books = has_books.then(|| library(&settings.runbooks, clock));
    let servers = join(alertmanagers, prometheuses);
    let others = join(burns, OptionFuture::from(books));
    let all = join(join(servers, others), deliveries);
    let (((alertmanagers, prometheuses), (burns, library)), deliveries) = all.await;
    let answers = Answers {
        alertmanagers,
        prometheuses,
        burns,
        deliveries: deliveries.unwrap_or_default(),
        library,
    };
    let env = settings.environment.as_ref().map(|env| env.name.clone());
    let (triage, joining) = (&settings.triage, &settings.delivery);
    picture(answers, env, triage, joining, claims, clock())
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
    joining: &DeliverySettings,
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
    let burns = answers.burns.as_ref();
    let slos = burns.map(|burns| burns.sources(now)).unwrap_or_default();
    let deliveries = answers.deliveries.sources(now);
    let (delivery, not_known_then) = answers.deliveries.inputs(joining, now);
    // What is wrong with single files is told by `runbook list` and `check`.
    let library = answers.library.as_ref();
    let library = library.map(|library| library.status(now, |_| Vec::new()));
    let sources = alertmanagers
        .chain(prometheuses)
        .chain(slos)
        .chain(deliveries)
        .chain(library)
        .collect();
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
        burns: burns.map(|burns| burns.heard(now)).unwrap_or_default(),
        policies: burns.map(|b| b.policies.clone()).unwrap_or_default(),
        holding: Arc::default(),
        delivery,
        onsets: Arc::default(),
        burn_at: burns.and_then(|burns| burns.at).or(answers.deliveries.at),
        library: answers
            .library
            .and_then(|library| library.into_result().ok())
            .unwrap_or_default(),
        claims,
        policy: Arc::new(policy.clone()),
        now,
    };
    Picture {
        env,
        sources,
        board: Board::of(&inputs),
        inputs,
        slo_problems: answers
            .burns
            .map(|burns| burns.problems(now))
            .unwrap_or_default(),
        gaps: Gaps {
            history_error: answers.deliveries.history_error,
            not_known_then,
            onsets: Vec::new(),
        },
    }
}
