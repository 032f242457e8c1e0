//! What does an annotation of Grafana say of a change?
//!
//! The fields that are used of `GET /api/annotations`, and which change they make. Tags of the form
//! `name:value` or `name=value` give fields; other tags say what sort of change it is.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use url::Url;

use super::html;
use crate::config::delivery::DeclaredPlace;
use crate::domain::change::{ActorKind, Change, ChangeKind, Outcome, Subject, Told, Versions};
use crate::domain::source::SourceName;
use crate::domain::text::Untrusted;
use crate::sources::rest;

/// An annotation has at most so many tags that are looked at.
const MAX_TAGS: usize = 64;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Annotation {
    pub(super) id: u64,
    alert_id: Option<i64>,
    new_state: Option<String>,
    #[serde(rename = "dashboardUID")]
    dashboard_uid: Option<String>,
    /// In milliseconds.
    time: i64,
    /// The same as `time`, or 0, for a point.
    time_end: Option<i64>,
    text: Option<String>,
    tags: Option<Vec<String>>,
    login: Option<String>,
}

/// Where what it tells of is, and who tells.
pub(super) struct Place<'a> {
    pub(super) source: &'a SourceName,
    pub(super) declared: &'a DeclaredPlace,
    /// Of the web pages.
    pub(super) base: &'a Url,
}

impl Annotation {
    /// Whether it is the state of an alert: those are read elsewhere.
    pub(super) fn is_alert(&self) -> bool {
        let has_state = self.new_state.as_deref().is_some_and(|s| !s.is_empty());
        self.alert_id.is_some_and(|id| id > 0) || has_state
    }

    /// None where its time is out of all calendars.
    pub(super) fn ended_at(&self) -> Option<DateTime<Utc>> {
        let end = self.time_end.unwrap_or_default().max(self.time);
        DateTime::from_timestamp_millis(end)
    }

    pub(super) fn change(&self, place: &Place<'_>) -> Option<Change> {
        let tags = Tags(self.tags.iter().flatten().take(MAX_TAGS).collect());
        let told = self.text.as_deref().unwrap_or_default();
        let declared = place.declared;
        let service = tags.value(&["service", "app", "service_name"]);
        let service = service.or(declared.service.as_deref());
        let env = tags.value(&["env", "environment", "deployment_environment"]);
        let to = tags.value(&["version", "to", "tag", "release"]);
        let started_at = DateTime::from_timestamp_millis(self.time)?;
        let target = match service {
            Some(service) => format!("grafana/{service}"),
            None => format!("grafana/annotation {}", self.id),
        };
        let labels = [
            ("service", service),
            ("namespace", tags.value(&["namespace"])),
            ("cluster", tags.value(&["cluster"])),
            ("region", tags.value(&["region"])),
        ];
        Some(Change {
            id: Untrusted::line(&format!("grafana:{}#{}", place.source, self.id)),
            source: place.source.clone(),
            also: Vec::new(),
            subject: Subject {
                target: Untrusted::line(&target),
                service: rest::line(service),
                env: rest::environment(env, &[], declared),
                labels: rest::labels(place.source, declared, &labels),
            },
            kind: tags.kind(to.is_some()),
            versions: Versions {
                from: rest::line(tags.value(&["from", "previous", "previous_version"])),
                to: rest::line(to),
                from_is_derived: false,
            },
            who: rest::actor(self.login.as_deref(), self.actor_kind()),
            started_at,
            finished_at: self.ended_at().filter(|end| *end > started_at),
            outcome: tags.outcome(),
            told: Told {
                link: self.link(told, place.base),
                reason: rest::line(Some(&html::words(told))),
                progress: None,
                notes: Vec::new(),
            },
        })
    }

    /// Service accounts and API keys are what pipelines use.
    fn actor_kind(&self) -> ActorKind {
        let login = self.login.as_deref().unwrap_or_default();
        let is_automation = [
            "sa-",
            "serviceaccount",
            "service-account",
            "api-key",
            "apikey",
        ]
        .iter()
        .any(|prefix| login.starts_with(prefix));
        if is_automation {
            ActorKind::Automation
        } else {
            ActorKind::Person
        }
    }

    /// The link in its text, else the dashboard it stands on.
    fn link(&self, told: &str, base: &Url) -> Option<Untrusted> {
        let uid = self.dashboard_uid.as_deref().unwrap_or_default();
        let is_uid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let has_dashboard = !uid.is_empty() && uid.chars().all(is_uid);
        let dashboard = has_dashboard.then(|| {
            let base = base.as_str().trim_end_matches('/');
            format!("{base}/d/{uid}")
        });
        rest::web_link(&[html::link(told), dashboard.as_deref()])
    }
}

struct Tags<'a>(Vec<&'a String>);

impl<'a> Tags<'a> {
    /// Of the first of several names that a tag gives.
    fn value(&self, names: &[&str]) -> Option<&'a str> {
        names.iter().find_map(|wanted| {
            self.0.iter().find_map(|tag| {
                let (name, value) = tag.split_once([':', '='])?;
                let value = value.trim();
                let is_it = name.trim().eq_ignore_ascii_case(wanted) && !value.is_empty();
                is_it.then_some(value)
            })
        })
    }

    fn has(&self, words: &[&str]) -> bool {
        let kind = self.value(&["kind", "type", "change"]);
        let tags = self.0.iter().map(|tag| &***tag).chain(kind);
        tags.into_iter().any(|tag| {
            words
                .iter()
                .any(|word| tag.trim().eq_ignore_ascii_case(word))
        })
    }

    /// Somebody wrote it down because something was changed; unless it says more, in configuration.
    fn kind(&self, has_version: bool) -> ChangeKind {
        let kinds: [(&[&str], ChangeKind); 7] = [
            (&["rollback", "revert"], ChangeKind::Rollback),
            (&["migration", "migrate", "schema"], ChangeKind::Migration),
            (&["restart"], ChangeKind::Restart),
            (&["scale", "scaling"], ChangeKind::Scale),
            (&["infra", "infrastructure", "terraform"], ChangeKind::Infra),
            (
                &[
                    "deploy",
                    "deployment",
                    "deploys",
                    "deployments",
                    "release",
                    "rollout",
                    "version",
                ],
                ChangeKind::Version,
            ),
            (&["config", "feature-flag", "flag"], ChangeKind::Config),
        ];
        let found = kinds.iter().find(|(words, _)| self.has(words));
        match found {
            Some((_, kind)) => *kind,
            None if has_version => ChangeKind::Version,
            None => ChangeKind::Config,
        }
    }

    /// Only where a tag says it: that an annotation stands there says nothing of how it ended.
    fn outcome(&self) -> Outcome {
        let told = self.value(&["status", "outcome", "result", "state"]);
        let told = told.unwrap_or_default().to_ascii_lowercase();
        match &*told {
            "ok" | "success" | "succeeded" | "successful" | "done" | "finished" => Outcome::Ok,
            "failed" | "failure" | "error" | "aborted" | "canceled" => Outcome::Failed,
            "running" | "started" | "in_progress" | "in-progress" => Outcome::Running,
            _ => Outcome::Unknown,
        }
    }
}
