//! What works of the sources of changes and drift, and what joins them?
//!
//! The part of `quell check` about what each of them may read, what is not permitted there and what that
//! means, which services are declared, and allowances of drift that have ended. Pure.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};

use super::asked::SourceStatus;
use super::check::{Area, Finding, Level};
use super::gather::Picture;
use super::page::count;
use crate::config::delivery::DeliverySettings;
use crate::domain::board::Heard;
use crate::domain::delivery::{DeliveryAnswer, Part, PartState};
use crate::domain::service::Services;
use crate::domain::source::SourceKind;
use crate::domain::text::shown;

/// Of more names than this, the first ones stand for all.
const MOST_NAMES: usize = 5;

/// Every source of changes and drift.
#[must_use]
pub fn deliveries(picture: &Picture) -> Vec<Finding> {
    let heard = &picture.inputs.delivery.heard;
    let sources = picture.sources.iter().filter(|s| tells_of_changes(s.kind));
    sources
        .flat_map(|source| {
            let answer = heard.iter().find(|heard| heard.source == source.name);
            of_source(source, answer)
        })
        .collect()
}

fn tells_of_changes(kind: SourceKind) -> bool {
    match kind {
        SourceKind::Alertmanager
        | SourceKind::Prometheus
        | SourceKind::Slos
        | SourceKind::Runbooks => false,
        SourceKind::Kubernetes
        | SourceKind::Argocd
        | SourceKind::Github
        | SourceKind::Gitlab
        | SourceKind::Grafana
        | SourceKind::Spool
        | SourceKind::Terraform
        | SourceKind::Services => true,
    }
}

fn of_source(source: &SourceStatus, heard: Option<&Heard<DeliveryAnswer>>) -> Vec<Finding> {
    let finding = |level, what: String| Finding::new(level, Area::Source, &*source.name, what);
    if let Some(error) = &source.health.error {
        let failed = finding(Level::Fail, error.to_string());
        return vec![failed.next(error.kind.next_step_of(source.kind))];
    }
    let Some(heard) = heard else {
        return Vec::new();
    };
    let answer = &heard.answer;
    let mut found = vec![finding(Level::Ok, greeting(source, answer))];
    found.extend(read(&answer.parts).map(|what| finding(Level::Ok, what)));
    found.extend(absent(&answer.parts).map(|what| finding(Level::Ok, what)));
    found.extend(answer.parts.iter().filter_map(|part| unread(source, part)));
    let is_barred = |part: &Part| matches!(part.state, PartState::NotPermitted(_));
    if !answer.parts.is_empty() && answer.parts.iter().all(is_barred) {
        let what = "it may read nothing at all: it is blind here".to_owned();
        found.push(finding(Level::Fail, what).next(grant(source.kind)));
    }
    let limits = answer.limits.iter();
    found.extend(limits.map(|limit| finding(Level::Warn, limit.to_string())));
    found
}

/// `kubernetes v1.33.2, took 12 ms, 4 changes, 1 drift`
fn greeting(source: &SourceStatus, answer: &DeliveryAnswer) -> String {
    let mut what = source.kind.word().to_owned();
    if let Some(version) = &answer.version {
        let _ = write!(what, " {version}");
    }
    if let Some(ms) = source.health.latency_ms {
        let _ = write!(what, ", took {ms} ms");
    }
    for (number, noun) in [
        (answer.changes.len(), "change"),
        (answer.drifts.len(), "difference"),
        (answer.troubles.len(), "trouble"),
        (answer.services.len(), "service"),
    ] {
        if number > 0 {
            let _ = write!(what, ", {}", count(number, noun));
        }
    }
    what
}

/// `read: deployments 12, nodes 3`
fn read(parts: &[Part]) -> Option<String> {
    let read = parts.iter().filter_map(|part| match part.state {
        PartState::Read(number) => Some(format!("{} {number}", part.what)),
        _ => None,
    });
    let read: Vec<String> = read.collect();
    (!read.is_empty()).then(|| format!("read: {}", read.join(", ")))
}

fn absent(parts: &[Part]) -> Option<String> {
    let absent = parts.iter().filter(|part| part.state == PartState::Absent);
    let absent: Vec<String> = absent.map(|part| part.what.to_string()).collect();
    (!absent.is_empty()).then(|| format!("not there: {}", absent.join(", ")))
}

/// A part that is not known, and what that means.
fn unread(source: &SourceStatus, part: &Part) -> Option<Finding> {
    let what = &part.what;
    let finding = |level, text: String| Finding::new(level, Area::Source, &*source.name, text);
    match &part.state {
        PartState::Read(_) | PartState::Absent => None,
        PartState::NotPermitted(why) => {
            let blind = blind_to(source.kind, what.raw());
            let told = format!("{what}: not permitted, {blind} ({why})");
            Some(finding(Level::Warn, told).next(grant(source.kind)))
        }
        PartState::LastKnown(why) => {
            let told = format!("{what}: the last known is shown ({why})");
            let next = "it is tried again; if it stays so, look at the server";
            Some(finding(Level::Warn, told).next(next))
        }
        PartState::Failed(why) => {
            let told = format!(
                "{what}: failed, {} ({why})",
                blind_to(source.kind, what.raw())
            );
            let next = match source.kind {
                SourceKind::Spool | SourceKind::Terraform | SourceKind::Services => {
                    "look at the file and at who writes it"
                }
                _ => "it is tried again; if it stays so, look at the server",
            };
            Some(finding(Level::Fail, told).next(next))
        }
    }
}

/// What is not seen while a part cannot be read. A part of Kubernetes begins with its kind.
fn blind_to(kind: SourceKind, what: &str) -> &'static str {
    let first = what.split([' ', '.']).next().unwrap_or_default();
    match (kind, first) {
        (SourceKind::Kubernetes, "nodes" | "pods" | "events") => {
            "what is wrong with them is not seen"
        }
        (
            SourceKind::Kubernetes,
            "horizontalpodautoscalers" | "poddisruptionbudgets" | "resourcequotas",
        ) => "their limits are not seen",
        (SourceKind::Kubernetes, "secrets") => "releases of Helm are not seen",
        (SourceKind::Kubernetes, "applications" | "kustomizations" | "helmreleases") => {
            "their deploys and their drift are not seen"
        }
        (SourceKind::Kubernetes, "policyreports" | "reports" | "constraints") => {
            "violations are not seen"
        }
        // A kind of constraint has a name of its own: `k8srequiredlabels (constraints.gatekeeper.sh)`.
        (SourceKind::Kubernetes, _) if what.contains("constraints.gatekeeper.sh") => {
            "violations are not seen"
        }
        (SourceKind::Terraform, _) => "drift of it is not seen",
        (SourceKind::Services, _) => "services in it are not known",
        _ => "changes of it are not seen",
    }
}

fn grant(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Kubernetes => {
            "have `list` and `watch` granted, or leave it out with `kinds` or `namespaces`; \
            see: kubectl auth can-i --list"
        }
        SourceKind::Spool | SourceKind::Terraform | SourceKind::Services => {
            "make it readable for this user"
        }
        _ => "have the token's account granted to read it",
    }
}

/// Services that are declared, and drift that is allowed.
#[must_use]
pub fn joining(settings: &DeliverySettings, picture: &Picture) -> Vec<Finding> {
    let mut found = Vec::new();
    if !settings.sources.is_empty() || !settings.services.is_empty() {
        let is_catalogue = |source: &&SourceStatus| source.kind == SourceKind::Services;
        let catalogues: Vec<_> = picture.sources.iter().filter(is_catalogue).collect();
        // What a catalogue would declare is not known while it cannot be read.
        let is_read = |source: &&SourceStatus| source.health.error.is_none();
        let services = &picture.board.delivery.services;
        found.push(declared(services, settings.mapping.len()));
        if !catalogues.is_empty() && catalogues.iter().all(is_read) {
            found.extend(undeclared(services));
        }
    }
    found.extend(allowances(settings, picture.at()));
    found
}

fn declared(services: &Services, rules: usize) -> Finding {
    let finding = |what: String| Finding::new(Level::Ok, Area::Services, "services", what);
    let number = services.all().len();
    if number == 0 {
        let what = "none is declared: alerts and changes meet by their labels alone".to_owned();
        let next = "say what depends on what: [[service]], or `catalog` in [services]";
        return finding(what).next(next);
    }
    let rules = count(rules, "mapping rule");
    finding(format!("{}, {rules}", count(number, "service")))
}

/// Needs that nobody declares. Without a catalogue the config itself has told of them.
fn undeclared(services: &Services) -> Option<Finding> {
    let all = services.all();
    let needed = all.iter().flat_map(|service| &service.depends_on);
    let unknown = needed.filter(|name| services.get(name).is_none());
    let unknown: BTreeSet<String> = unknown.map(ToString::to_string).collect();
    let number = unknown.len();
    if number == 0 {
        return None;
    }
    let names: Vec<String> = unknown.into_iter().take(MOST_NAMES).collect();
    let rest = if number > MOST_NAMES { ", ..." } else { "" };
    let names = names.join(", ");
    let what = format!("{number} needed by others but declared nowhere: {names}{rest}");
    let next = "correct the names, or declare them: nothing that happens to them is a suspect";
    Some(Finding::new(Level::Warn, Area::Services, "services", what).next(next))
}

fn allowances(settings: &DeliverySettings, now: DateTime<Utc>) -> Vec<Finding> {
    let mut found = Vec::new();
    let total = settings.allowances.len();
    let expired = settings.expired(now).count();
    if total > expired {
        let what = count(total - expired, "allowance");
        found.push(Finding::new(Level::Ok, Area::Drift, "allow_drift", what));
    }
    for rule in settings.expired(now) {
        let path = rule.path.as_ref().map(|path| format!(" {path}"));
        let subject = format!("{}{}", rule.address, path.unwrap_or_default());
        let until = rule.until.to_rfc3339_opts(SecondsFormat::Secs, true);
        let what = format!(
            "allowed until {until}: it allows nothing any more ({})",
            rule.reason
        );
        let (subject, what) = (shown(&subject), shown(&what));
        let next = "have the drift corrected, or give it a new `until` in [[allow_drift]]";
        found.push(Finding::new(Level::Warn, Area::Drift, subject, what).next(next));
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use std::sync::Arc;

    use super::*;
    use crate::domain::drift::Allowance;
    use crate::domain::freshness::{Freshness, Health};
    use crate::domain::service::Service;
    use crate::domain::source::{ErrorKind, SourceError};
    use crate::domain::text::Untrusted;

    fn now() -> DateTime<Utc> {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn line(text: &str) -> Untrusted {
        Untrusted::line(text)
    }

    fn status(kind: SourceKind, error: Option<SourceError>) -> SourceStatus {
        let mut health = Health::default();
        match error {
            None => health.succeeded(now(), 12),
            Some(error) => health.failed(now(), 12, error),
        }
        SourceStatus {
            name: "prod-eu-1".into(),
            kind,
            freshness: health.freshness(now(), 60),
            health,
            parts: Vec::new(),
            limits: Vec::new(),
        }
    }

    fn told(kind: SourceKind, answer: DeliveryAnswer) -> Vec<(Level, String)> {
        let heard = Heard {
            source: "prod-eu-1".into(),
            freshness: Freshness::Fresh,
            answered_at: now(),
            answer: Arc::new(answer),
        };
        let found = of_source(&status(kind, None), Some(&heard));
        found.into_iter().map(|f| (f.level, f.what)).collect()
    }

    fn part(what: &str, state: PartState) -> Part {
        Part {
            what: line(what),
            state,
        }
    }

    #[test]
    fn what_may_not_be_read_says_what_is_not_seen() {
        let forbidden = || PartState::NotPermitted(line("403"));
        let answer = DeliveryAnswer {
            version: Some(line("v1.33.2")),
            parts: vec![
                part("deployments", PartState::Read(12)),
                part("nodes", PartState::Read(0)),
                part("secrets (Helm) in payments", forbidden()),
                part("replicasets", forbidden()),
                part("k8slabels (constraints.gatekeeper.sh)", forbidden()),
                part("rollouts.argoproj.io", PartState::Absent),
                part("events", PartState::LastKnown(line("500"))),
                part("pods", PartState::Failed(line("cut off"))),
            ],
            limits: vec![line("events of the last hour only")],
            ..DeliveryAnswer::default()
        };
        let expected = [
            (Level::Ok, "kubernetes v1.33.2, took 12 ms"),
            (Level::Ok, "read: deployments 12, nodes 0"),
            (Level::Ok, "not there: rollouts.argoproj.io"),
            (
                Level::Warn,
                "secrets (Helm) in payments: not permitted, releases of Helm are not seen (403)",
            ),
            (
                Level::Warn,
                "replicasets: not permitted, changes of it are not seen (403)",
            ),
            (
                Level::Warn,
                "k8slabels (constraints.gatekeeper.sh): not permitted, violations are not seen (403)",
            ),
            (Level::Warn, "events: the last known is shown (500)"),
            (
                Level::Fail,
                "pods: failed, what is wrong with them is not seen (cut off)",
            ),
            (Level::Warn, "events of the last hour only"),
        ];
        let expected = expected.map(|(level, what)| (level, what.to_owned()));
        assert_eq!(told(SourceKind::Kubernetes, answer), expected);
    }

    #[test]
    fn a_source_that_may_read_nothing_fails() {
        let answer = DeliveryAnswer {
            parts: vec![part("deployments", PartState::NotPermitted(line("403")))],
            ..DeliveryAnswer::default()
        };
        let found = told(SourceKind::Kubernetes, answer);
        let (level, what) = found.last().unwrap();
        assert_eq!(*level, Level::Fail);
        assert!(what.contains("nothing at all"), "{what}");
    }

    #[test]
    fn the_next_step_fits_the_kind_of_source() {
        let next = |kind, error| {
            let error = SourceError::new(error, "401");
            let found = of_source(&status(kind, Some(error)), None);
            found.first().unwrap().next_step.clone().unwrap()
        };
        let kubernetes = next(SourceKind::Kubernetes, ErrorKind::Unauthorized);
        assert!(kubernetes.contains("kubectl auth can-i"), "{kubernetes}");
        assert!(next(SourceKind::Gitlab, ErrorKind::Unauthorized).contains("read_api"));
        let spool = next(SourceKind::Spool, ErrorKind::Local);
        assert_eq!(spool, ErrorKind::Local.next_step());
    }

    #[test]
    fn an_allowance_that_has_ended_is_a_warning() {
        let allowance = |address: &str, until: &str| Allowance {
            address: address.to_owned(),
            path: Some("tags*".to_owned()),
            reason: "freeze\u{1b}".to_owned(),
            until: until.parse().unwrap(),
        };
        let settings = DeliverySettings {
            allowances: vec![
                allowance("a", "2026-11-21T12:00:00Z"),
                allowance("b", "2026-11-21T12:00:01Z"),
            ],
            ..DeliverySettings::default()
        };
        let found = allowances(&settings, now());
        let [whole, ended] = found.as_slice() else {
            unreachable!("{found:?}");
        };
        assert_eq!(
            (whole.level, whole.what.as_str()),
            (Level::Ok, "1 allowance")
        );
        assert_eq!(
            (ended.level, ended.subject.as_str()),
            (Level::Warn, "a tags*")
        );
        let what = "allowed until 2026-11-21T12:00:00Z: it allows nothing any more (freeze\\u{1b})";
        assert_eq!(ended.what, what);
    }

    #[test]
    fn services_are_counted_and_needs_that_nobody_declares_are_named() {
        let service = |name: &str, needs: &[&str]| Service {
            name: line(name),
            depends_on: needs.iter().map(|name| line(name)).collect(),
            ..Service::default()
        };
        let declared = vec![
            service("checkout", &["payments", "dns"]),
            service("payments", &[]),
        ];
        let declared = Services::new(declared, Vec::new());
        assert_eq!(
            super::declared(&declared, 1).what,
            "2 services, 1 mapping rule"
        );
        let unknown = undeclared(&declared).unwrap();
        assert_eq!(unknown.what, "1 needed by others but declared nowhere: dns");
        assert_eq!(undeclared(&Services::default()), None);
        let none = super::declared(&Services::default(), 0);
        assert!(none.what.starts_with("none is declared"));
    }
}
