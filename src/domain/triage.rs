//! Which lane does an alert come to, and which of its labels say what?
//!
//! The rules of triage that a config can change, with the defaults that fit what people have.
//! Applied by [`super::board`].

use super::alert::{Lane, Place};
use super::label::Labels;
use super::matcher::Matchers;

/// The rules of triage that a config can change.
#[derive(Clone, Debug)]
pub struct TriagePolicy {
    /// Which lane an alert comes to: the first rule that holds.
    pub lanes: Vec<LaneRule>,
    /// The lane of an alert no rule holds for.
    pub default_lane: Lane,
    /// Which labels say what, the first that is present.
    pub labels: LabelNames,
    /// Alerts that must always fire: their absence means blindness.
    pub watchdogs: Vec<String>,
    /// See [`super::runbook_match::UrlPrefixes`].
    pub runbook_url_prefixes: Vec<String>,
}

/// One lane rule.
#[derive(Clone, Debug)]
pub struct LaneRule {
    /// Where to.
    pub lane: Lane,
    /// For which alerts.
    pub matchers: Matchers,
}

/// Which labels say what: of each list the first that is present counts.
#[derive(Clone, Debug)]
pub struct LabelNames {
    /// Severity.
    pub severity: Vec<String>,
    /// Service.
    pub service: Vec<String>,
    /// Environment.
    pub env: Vec<String>,
    /// Cluster, region or the like.
    pub location: Vec<String>,
    /// Team or owner.
    pub owner: Vec<String>,
}

impl TriagePolicy {
    /// The lane of an alert with these labels.
    #[must_use]
    pub fn lane(&self, labels: &Labels) -> Lane {
        let rule = self.lanes.iter().find(|rule| rule.matchers.matches(labels));
        rule.map_or(self.default_lane, |rule| rule.lane)
    }

    /// What the labels say of where it is.
    #[must_use]
    pub fn place(&self, labels: &Labels) -> Place {
        let first = |names: &[String]| labels.first_of(names).cloned();
        Place {
            severity: first(&self.labels.severity),
            service: first(&self.labels.service),
            env: first(&self.labels.env),
            location: first(&self.labels.location),
            team: first(&self.labels.owner),
        }
    }
}

impl Default for TriagePolicy {
    fn default() -> Self {
        let rule = |lane, text: &str| LaneRule {
            lane,
            // Our own constants; a test proves that they parse.
            matchers: Matchers::parse(text).unwrap_or_default(),
        };
        Self {
            lanes: vec![
                rule(
                    Lane::Info,
                    r#"alertname=~"Watchdog|DeadMansSwitch|InfoInhibitor""#,
                ),
                rule(
                    Lane::Page,
                    r#"severity=~"(?i)page|critical|crit|emergency|fatal|p1|sev1|sev-1""#,
                ),
                rule(
                    Lane::Ticket,
                    r#"severity=~"(?i)warning|warn|ticket|error|major|minor|high|medium|p2|p3|sev2|sev3|sev-2|sev-3""#,
                ),
                rule(
                    Lane::Info,
                    r#"severity=~"(?i)info|informational|notice|none|low|debug|p4|p5|sev4|sev5""#,
                ),
            ],
            default_lane: Lane::Ticket,
            labels: LabelNames::default(),
            watchdogs: vec!["Watchdog".into(), "DeadMansSwitch".into()],
            runbook_url_prefixes: vec!["https://runbooks.prometheus-operator.dev/runbooks/".into()],
        }
    }
}

impl Default for LabelNames {
    fn default() -> Self {
        let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect();
        Self {
            severity: names(&["severity", "priority"]),
            service: names(&["service", "app", "app_kubernetes_io_name", "job"]),
            env: names(&["env", "environment", "stage"]),
            location: names(&["cluster", "region", "zone", "namespace", "instance"]),
            owner: names(&["owner", "team"]),
        }
    }
}
