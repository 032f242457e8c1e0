//! Which of the alerts that fire now does a silence hide?
//!
//! The dry run of a silence: no server offers one. Alerts do not gossip, but every Prometheus tells all
//! replicas, so that the replica that is written to is asked.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::super::http_servers::HttpServers;
use super::{Job, precondition};
use crate::domain::alert::Lane;
use crate::domain::label::Labels;
use crate::domain::matcher::Matchers;
use crate::domain::plan::{Blast, DryRun, DryVerdict, Grade, Holds, Precondition};
use crate::domain::source::SourceError;
use crate::domain::text::Untrusted;
use crate::domain::triage::TriagePolicy;

/// Anything but `true` or `false` is taken as false, without a word.
const ALERTS: &str = "/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true";
/// More than this at once is rarely what is meant.
const MANY: usize = 20;
const MAX_NAMES: usize = 10;

/// What is found out about one silence, on all clusters that it is about.
#[derive(Default)]
pub(super) struct Hidden {
    alerts: Vec<HiddenAlert>,
    total: usize,
    /// Where the alerts could not be read.
    failures: Vec<Untrusted>,
    /// How far a server's clock is ahead, in seconds: the one that differs most.
    pub(super) ahead_secs: Option<i64>,
}

struct HiddenAlert {
    lane: Lane,
    name: Untrusted,
    service: Option<Untrusted>,
    namespace: Option<Untrusted>,
    /// The silences that hide it already.
    silenced_by: Vec<String>,
}

impl Hidden {
    /// Reads the alerts of a server and takes those that match.
    pub(super) async fn look(&mut self, job: Job<'_>, server: &str, matchers: &Matchers) {
        let triage = &job.settings.triage;
        match self
            .read(job.servers, server, matchers, triage, job.now)
            .await
        {
            Ok(()) => self.alerts.sort_by(|a, b| {
                let key = |one: &HiddenAlert| (one.lane, Reverse(one.silenced_by.is_empty()));
                (key(a), a.name.raw()).cmp(&(key(b), b.name.raw()))
            }),
            Err(error) => self
                .failures
                .push(Untrusted::line(&format!("{server}: {error}"))),
        }
    }

    async fn read(
        &mut self,
        servers: &HttpServers,
        server: &str,
        matchers: &Matchers,
        triage: &TriagePolicy,
        now: DateTime<Utc>,
    ) -> Result<(), SourceError> {
        let heard = servers.ask(server, ALERTS).await?;
        let ahead = heard.ahead_secs(now);
        let further = ahead.filter(|secs| {
            let known = self.ahead_secs.unwrap_or_default();
            self.ahead_secs.is_none() || secs.abs() > known.abs()
        });
        self.ahead_secs = further.or(self.ahead_secs);
        for alert in heard.value.as_array().map_or(&[][..], Vec::as_slice) {
            self.total += 1;
            let labels = labels(&alert["labels"]);
            if matchers.matches(&labels) {
                self.alerts.push(HiddenAlert::of(alert, &labels, triage));
            }
        }
        Ok(())
    }

    /// Only what this silence alone keeps quiet: what comes back when it ends.
    pub(super) fn by_this_alone(&mut self, id: &str) {
        self.alerts.retain(|alert| alert.silenced_by == [id]);
    }

    fn of(&self, lane: Lane) -> usize {
        self.alerts.iter().filter(|a| a.lane == lane).count()
    }

    /// What it touches. `verb` says what happens to it: `hides`.
    pub(super) fn blast(&self, verb: &str) -> Blast {
        if !self.failures.is_empty() {
            return Blast::default();
        }
        let (count, total) = (self.alerts.len(), self.total);
        let lanes = Lane::ALL.map(|lane| format!("{} {}", self.of(lane), lane.word()));
        let mut words = vec![Untrusted::line(&format!(
            "{verb} {count} of {total} alerts: {}",
            lanes.join(", ")
        ))];
        let already = self.alerts.iter().filter(|a| !a.silenced_by.is_empty());
        let already = already.count();
        if already > 0 && verb == HIDES {
            words.push(Untrusted::line(&format!(
                "{already} of them are silenced already"
            )));
        }
        words.extend(self.alerts.iter().take(MAX_NAMES).map(HiddenAlert::words));
        if count > MAX_NAMES {
            words.push(Untrusted::line(&format!("and {} more", count - MAX_NAMES)));
        }
        let namespaces: BTreeSet<_> = self
            .alerts
            .iter()
            .filter_map(|a| a.namespace.clone())
            .collect();
        Blast {
            count: u32::try_from(count).ok(),
            of: u32::try_from(total).ok(),
            namespaces: namespaces.into_iter().collect(),
            words,
        }
    }

    /// What one should know before it is done.
    pub(super) fn preconditions(&self) -> Vec<Precondition> {
        if let Some(why) = self.failures.first() {
            let what = "what it hides is known";
            return vec![precondition(what, Holds::Unknown, why.raw())];
        }
        let (count, pages) = (self.alerts.len(), self.of(Lane::Page));
        let all = count == self.total && count > 0;
        let mut found = Vec::new();
        let many = match (count > MANY, all) {
            (true, true) => Some((Holds::No, format!("it hides every one of {count} alerts"))),
            (true, false) => Some((Holds::Warns, format!("it hides {count} alerts"))),
            _ => None,
        };
        let (state, detail) = many.unwrap_or((Holds::Yes, format!("it hides {count} alerts")));
        found.push(precondition("hides few alerts", state, detail));
        let (state, detail) = match pages {
            0 => (Holds::Yes, "no page fires that it would hide".to_owned()),
            1 => (Holds::Warns, "it hides a page".to_owned()),
            many => (Holds::Warns, format!("it hides {many} pages")),
        };
        found.push(precondition("hides no page", state, detail));
        found
    }

    /// Computed, not tried.
    pub(super) fn dry_run(&self) -> DryRun {
        let verdict = match self.failures.first() {
            Some(why) => DryVerdict::NotRun(why.clone()),
            None => DryVerdict::Accepted,
        };
        DryRun {
            grade: Grade::C,
            verdict,
            notes: vec![Untrusted::line(
                "computed from the alerts that fire now: what begins to fire later and matches is hidden too",
            )],
        }
    }
}

/// The verb of a silence that begins or lasts longer.
pub(super) const HIDES: &str = "hides";
/// The verb of a silence that ends.
pub(super) const LETS_OUT: &str = "lets out";

impl HiddenAlert {
    fn of(alert: &Value, labels: &Labels, triage: &TriagePolicy) -> Self {
        let by = alert["status"]["silencedBy"].as_array();
        let by = by.map_or(&[][..], Vec::as_slice);
        Self {
            lane: triage.lane(labels),
            name: labels
                .get("alertname")
                .cloned()
                .unwrap_or_else(|| Untrusted::line("-")),
            service: triage.place(labels).service,
            namespace: labels.get("namespace").cloned(),
            silenced_by: by
                .iter()
                .filter_map(|id| Some(id.as_str()?.to_owned()))
                .collect(),
        }
    }

    fn words(&self) -> Untrusted {
        let mut words = format!("{} {}", self.lane.word(), self.name.raw());
        if let Some(service) = &self.service {
            words = format!("{words} ({})", service.raw());
        }
        if !self.silenced_by.is_empty() {
            words += ", silenced already";
        }
        Untrusted::line(&words)
    }
}

fn labels(value: &Value) -> Labels {
    let pairs = value.as_object().into_iter().flatten();
    let pairs = pairs.filter_map(|(name, value)| {
        Some((Untrusted::line(name), Untrusted::line(value.as_str()?)))
    });
    Labels::new(pairs.collect())
}
