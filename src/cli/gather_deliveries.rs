//! What was changed and what has drifted, by everybody who tells of it and by what was remembered?
//!
//! The part of a poll that asks the sources of changes and drift, and gives each fresh answer to the
//! history of this machine. Called by `gather`. A history that cannot be read is said and stops nothing.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::{OptionFuture, join, join_all};

use super::Clock;
use super::asked::{Asked, SourceStatus};
use super::rewind;
use crate::config::Paths;
use crate::config::delivery::{DeliverySettings, DeliverySourceSettings};
use crate::config::settings::Settings;
use crate::domain::delivery::{DeliveryAnswer, DeliveryInputs, Past};
use crate::domain::text::shown;
use crate::history::History;
use crate::sources::DeliverySource;

/// What is asked of changes and drift.
#[derive(Clone, Debug, Default)]
pub struct DeliveryQuestion {
    /// As of then; now if none.
    pub at: Option<DateTime<Utc>>,
    /// The folders of this machine, where they are remembered; nowhere if none.
    pub paths: Option<Paths>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct DeliveryAnswers {
    /// One for each source that was asked.
    pub asked: Vec<Asked<DeliveryAnswer>>,
    /// What was remembered.
    pub past: Arc<Past>,
    /// Why nothing, or not everything, was remembered.
    pub history_error: Option<String>,
    /// The moment that was asked for; now if none.
    pub at: Option<DateTime<Utc>>,
}

/// Asks every source once, all at the same time, and remembers what they told.
pub async fn ask(
    settings: &Settings,
    question: &DeliveryQuestion,
    clock: Clock,
) -> DeliveryAnswers {
    let environment = settings.environment.as_ref().map(|e| e.name.as_str());
    let settings = &settings.delivery;
    let polls = join_all(settings.sources.iter().map(|source| poll(source, clock)));
    let paths = question
        .paths
        .as_ref()
        .filter(|_| !settings.sources.is_empty());
    let path = paths.map(|paths| paths.history_file(environment));
    let opening = OptionFuture::from(
        path.as_deref()
            .map(|path| History::open(path, settings.keep, clock())),
    );
    let (asked, opened) = join(polls, opening).await;
    let (past, history_error) = match opened {
        None => (Arc::default(), None),
        Some(Ok(history)) => remember(history, &asked, clock()).await,
        Some(Err(why)) => (Arc::default(), Some(shown(&why))),
    };
    DeliveryAnswers {
        asked,
        past,
        history_error,
        at: question.at,
    }
}

async fn poll(settings: &DeliverySourceSettings, clock: Clock) -> Asked<DeliveryAnswer> {
    let who = (settings.name.clone(), settings.kind(), settings.period);
    let question = async {
        let answer = DeliverySource::new(settings)?.poll(clock()).await?;
        Ok(Arc::unwrap_or_clone(answer))
    };
    Asked::of(who, clock, question).await
}

/// Source by source: one that cannot be remembered does not keep the others from it.
async fn remember(
    mut history: History,
    asked: &[Asked<DeliveryAnswer>],
    now: DateTime<Utc>,
) -> (Arc<Past>, Option<String>) {
    let mut troubles: Vec<String> = Vec::new();
    for heard in asked.iter().filter_map(|asked| asked.heard(now)) {
        let told = history.remember(&heard.source, &heard.answer, heard.answered_at);
        if let Err(why) = told.await {
            let why = shown(&why);
            if !troubles.contains(&why) {
                troubles.push(why);
            }
        }
    }
    troubles.extend(history.troubles().iter().map(|trouble| shown(trouble)));
    let trouble = (!troubles.is_empty()).then(|| troubles.join("; "));
    (history.past(), trouble)
}

impl DeliveryAnswers {
    /// How each question went, part by part.
    pub(super) fn sources(&self, now: DateTime<Utc>) -> Vec<SourceStatus> {
        let status = |asked: &Asked<DeliveryAnswer>| SourceStatus {
            parts: asked.answer().map(|a| a.parts.clone()).unwrap_or_default(),
            ..asked.status(now, |answer| answer.limits.clone())
        };
        self.asked.iter().map(status).collect()
    }

    /// What they told with what was remembered, as of then where that was asked; and what cannot be
    /// known of then.
    pub(super) fn inputs(
        &self,
        joining: &DeliverySettings,
        now: DateTime<Utc>,
    ) -> (DeliveryInputs, Vec<String>) {
        let heard = self.asked.iter().filter_map(|asked| asked.heard(now));
        let inputs = DeliveryInputs {
            heard: heard.collect(),
            past: self.past.clone(),
            services: Arc::new(joining.services()),
            allowances: Arc::new(joining.allowances.clone()),
        };
        match self.at {
            None => (inputs, Vec::new()),
            Some(at) => rewind::to(inputs, at),
        }
    }
}
