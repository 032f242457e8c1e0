//! What do the service levels measure right now, or measured then?
//!
//! The part of a poll that reads SLO files and asks every Prometheus for them. Called by `gather`. It
//! judges nothing. An SLO that nobody could measure stays in the picture, with the reason.

use std::collections::HashSet;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;

use super::Clock;
use super::asked::{Asked, SourceStatus};
use crate::config::settings::{Measures, PrometheusSettings, RecordedSlos, Settings, SloSettings};
use crate::domain::board::Heard;
use crate::domain::burn_policy::{BurnPolicies, BurnPolicy};
use crate::domain::freshness::Freshness;
use crate::domain::slo::{Indicator, Origin, Slo, SloFiles, SloProblem};
use crate::domain::slo_measured::{BurnAnswer, MeasuredSlo, NoData};
use crate::domain::source::{SourceError, SourceKind, SourceName};
use crate::domain::text::Untrusted;
use crate::slos;
use crate::sources::BurnSource;

/// What is asked of the service levels.
#[derive(Clone, Debug, Default)]
pub struct BurnQuestion {
    /// The moment; now if none.
    pub at: Option<DateTime<Utc>>,
    /// Where closed hours are kept; in memory alone if none.
    pub cache: Option<PathBuf>,
    /// Which windows.
    pub windows: Windows,
}

/// Which windows are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Windows {
    /// Those of the policies in use.
    #[default]
    InUse,
    /// Those of every policy that is known, so that each of them can be judged.
    OfEveryPolicy,
}

/// What came of it.
#[derive(Debug)]
pub struct BurnAnswers {
    /// What stands in the files.
    pub files: Arc<SloFiles>,
    /// One for each Prometheus that was asked, with what it measures of the files.
    pub asked: Vec<(Asked<BurnAnswer>, Vec<Slo>)>,
    /// Which burn is too much.
    pub policies: Arc<BurnPolicies>,
    /// The moment that was asked for; now if none.
    pub at: Option<DateTime<Utc>>,
}

/// Reads the files and asks every Prometheus that has something to measure.
pub async fn ask(settings: &Settings, question: &BurnQuestion, clock: Clock) -> BurnAnswers {
    let slo = &settings.slo;
    let files = Arc::new(read(slo.clone()).await);
    let mut measuring = slo.clone();
    if question.windows == Windows::OfEveryPolicy {
        measuring.policies = one_of_all(&slo.policies);
    }
    let asked = settings.measuring().filter_map(|(prometheus, measures)| {
        let is_its = |slo: &&Slo| is_served(slo, &prometheus.name, measures);
        let its: Vec<Slo> = files.slos.iter().filter(is_its).cloned().collect();
        if its.is_empty() && slo.recorded == RecordedSlos::Ignored {
            return None;
        }
        let (measuring, files) = (&measuring, &files);
        Some(async move {
            let source = (prometheus, measuring, measures);
            (poll(source, files, question, clock).await, its)
        })
    });
    BurnAnswers {
        asked: join_all(asked).await,
        policies: Arc::new(slo.policies.clone()),
        at: question.at,
        files,
    }
}

/// Reads the files on a thread that may block. A panic there is a panic here.
async fn read(settings: SloSettings) -> SloFiles {
    match tokio::task::spawn_blocking(move || slos::read(&settings)).await {
        Ok(files) => files,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => SloFiles {
                problems: vec![SloProblem {
                    path: Untrusted::line("slo"),
                    line: 0,
                    column: 0,
                    what: Untrusted::line("the program is ending: the files were not read"),
                    next_step: Untrusted::line("start it again"),
                }],
                ..SloFiles::default()
            },
        },
    }
}

async fn poll(
    (prometheus, slo, measures): (&PrometheusSettings, &SloSettings, Measures),
    files: &SloFiles,
    question: &BurnQuestion,
    clock: Clock,
) -> Asked<BurnAnswer> {
    let who = (prometheus.slo_source(), SourceKind::Slos, prometheus.period);
    let asking = async {
        let mut source = BurnSource::new(prometheus, slo, measures, question.cache.clone())?;
        let at = question.at.unwrap_or_else(clock);
        source.poll(files, at).await
    };
    Asked::of(who, clock, asking).await
}

/// All conditions of all policies as one, so that every window of theirs is asked for.
fn one_of_all(policies: &BurnPolicies) -> BurnPolicies {
    let all = policies.list.iter().flat_map(|policy| &policy.conditions);
    let whole = BurnPolicy {
        name: "every policy".to_owned(),
        summary: String::new(),
        conditions: all.cloned().collect(),
    };
    BurnPolicies {
        default: whole.name.clone(),
        list: vec![whole],
        rules: Vec::new(),
    }
}

/// Whether a Prometheus measures an SLO of the files.
fn is_served(slo: &Slo, name: &SourceName, measures: Measures) -> bool {
    let named = data_sources(slo);
    if named.is_empty() {
        return measures == Measures::Undirected;
    }
    named.iter().any(|source| *source.raw() == **name)
}

/// The data sources that an SLO's queries name.
fn data_sources(slo: &Slo) -> Vec<&Untrusted> {
    let queries = match &slo.indicator {
        Indicator::Events { part, total, .. } => vec![part, total],
        Indicator::Ratio { query, .. } | Indicator::Threshold { query, .. } => vec![query],
        Indicator::NativeLatency { histogram, .. } => vec![histogram],
        Indicator::Probe { gauge } => vec![gauge],
        Indicator::Recorded => Vec::new(),
    };
    let named = queries.into_iter().filter_map(|q| q.data_source.as_ref());
    named.collect()
}

impl BurnAnswers {
    /// How each question went.
    pub(super) fn sources(&self, now: DateTime<Utc>) -> Vec<SourceStatus> {
        let limits = |answer: &BurnAnswer| answer.limits.clone();
        let asked = self.asked.iter();
        asked.map(|(asked, _)| asked.status(now, limits)).collect()
    }

    /// What was measured. One that failed still says which SLOs are out of sight for it.
    pub(super) fn heard(&self, now: DateTime<Utc>) -> Vec<Heard<BurnAnswer>> {
        let heard = |(asked, its): &(Asked<BurnAnswer>, Vec<Slo>)| {
            asked.heard(now).or_else(|| {
                let error = asked.error()?;
                Some(Heard {
                    source: asked.source().clone(),
                    freshness: Freshness::Failed,
                    answered_at: now,
                    answer: Arc::new(out_of_sight(its, error)),
                })
            })
        };
        self.asked.iter().filter_map(heard).collect()
    }

    /// What is wrong with the files, each thing once: also an SLO that nobody measures.
    pub(super) fn problems(&self, now: DateTime<Utc>) -> Vec<SloProblem> {
        let heard = self.heard(now);
        let answered = heard.iter().flat_map(|heard| &heard.answer.problems);
        let mut seen = HashSet::new();
        let mut all: Vec<SloProblem> = self
            .files
            .problems
            .iter()
            .chain(answered)
            .filter(|problem| seen.insert(problem.to_string()))
            .cloned()
            .collect();
        let measured = heard.iter().flat_map(|heard| &heard.answer.slos);
        // One definition may make an SLO of each group.
        let known: HashSet<_> = measured
            .map(|measured| (&measured.slo.id.service, &measured.slo.id.name))
            .collect();
        let unknown = self
            .files
            .slos
            .iter()
            .filter(|slo| !known.contains(&(&slo.id.service, &slo.id.name)));
        all.extend(unknown.map(unmeasured));
        all
    }
}

fn out_of_sight(slos: &[Slo], error: &SourceError) -> BurnAnswer {
    let why = NoData::Failed(Untrusted::line(&error.to_string()));
    let blocked = |slo: &Slo| MeasuredSlo {
        slo: slo.clone(),
        windows: Vec::new(),
        period: None,
        blocked: Some(why.clone()),
    };
    BurnAnswer {
        slos: slos.iter().map(blocked).map(Arc::new).collect(),
        ..BurnAnswer::default()
    }
}

fn unmeasured(slo: &Slo) -> SloProblem {
    let place = slo.origins.iter().find_map(|origin| match origin {
        Origin::File { path, line, .. } => Some((path.clone(), *line)),
        Origin::Recorded { .. } => None,
    });
    let (path, line) = place.unwrap_or_else(|| (Untrusted::line("slo"), 0));
    let named: Vec<&str> = data_sources(slo)
        .into_iter()
        .map(Untrusted::shown)
        .collect();
    let (why, next) = match named.first() {
        Some(source) => (
            format!("its data source `{source}` is no Prometheus that quell knows"),
            format!("call one so (`name = \"{source}\"` in [[prometheus]]), or name none there"),
        ),
        None => (
            "no Prometheus measures it".to_owned(),
            "name one: [[prometheus]] in the config, or --prometheus URL".to_owned(),
        ),
    };
    SloProblem {
        path,
        line,
        column: 0,
        what: Untrusted::line(&format!("{}: {why}", slo.id)),
        next_step: Untrusted::line(&next),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use crate::domain::burn_policy::built_in;
    use crate::domain::label::Labels;
    use crate::domain::slo::{
        BudgetMethod, BudgetWindow, FileFormat, MetricKind, Outcome, Query, SloId,
    };

    fn query(data_source: Option<&str>) -> Query {
        Query {
            text: "up".to_owned(),
            metric: MetricKind::Gauge,
            line: 1,
            data_source: data_source.map(Untrusted::line),
        }
    }

    fn slo(indicator: Indicator) -> Slo {
        Slo {
            id: SloId {
                service: None,
                name: Untrusted::line("up"),
                group: Labels::default(),
            },
            summary: None,
            objective: 0.999,
            window: BudgetWindow::Rolling { secs: 86_400 },
            method: BudgetMethod::Occurrences,
            indicator,
            group_by: Vec::new(),
            labels: Labels::default(),
            origins: vec![Origin::File {
                path: Untrusted::line("slo.yaml"),
                line: 4,
                format: FileFormat::Sloth,
            }],
            cautions: Vec::new(),
        }
    }

    #[test]
    fn a_prometheus_measures_what_names_it_and_one_what_names_none() {
        let events = |part: Option<&str>, total: Option<&str>| {
            slo(Indicator::Events {
                part_is: Outcome::Bad,
                part: query(part),
                total: query(total),
            })
        };
        let ratio = |data_source| {
            slo(Indicator::Ratio {
                of: Outcome::Bad,
                query: query(data_source),
            })
        };
        let name: SourceName = "prom-1".into();
        for (slo, undirected, named_only) in [
            (ratio(None), true, false),
            (ratio(Some("prom-1")), true, true),
            (ratio(Some("prom-2")), false, false),
            (events(None, Some("prom-1")), true, true),
            (events(None, Some("prom-2")), false, false),
            (slo(Indicator::Recorded), true, false),
        ] {
            assert_eq!(is_served(&slo, &name, Measures::Undirected), undirected);
            assert_eq!(is_served(&slo, &name, Measures::NamedOnly), named_only);
        }
    }

    #[test]
    fn every_window_of_every_policy_is_asked_for_when_all_are_to_be_judged() {
        let policies = BurnPolicies::default();
        assert!(!policies.windows([]).contains(&900));
        let whole = one_of_all(&policies);
        for condition in built_in().iter().flat_map(|policy| &policy.conditions) {
            for secs in condition.windows() {
                assert!(whole.windows([]).contains(&secs), "{}", condition.name);
            }
        }
        let of_one = whole.of(&Labels::default()).unwrap();
        assert!(
            of_one.conditions.len() > policies.of(&Labels::default()).unwrap().conditions.len()
        );
    }

    #[test]
    fn an_slo_that_nobody_measures_says_whom_it_waits_for() {
        let of = |data_source| {
            unmeasured(&slo(Indicator::Probe {
                gauge: query(data_source),
            }))
        };
        let named = of(Some("thanos\u{1b}"));
        assert_eq!((named.path.shown(), named.line), ("slo.yaml", 4));
        assert!(named.what.shown().contains("`thanos\\u{1b}`"), "{named}");
        assert!(of(None).next_step.shown().contains("--prometheus"));
    }
}
