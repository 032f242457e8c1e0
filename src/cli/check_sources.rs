//! What do the answers of one poll say of the sources themselves?
//!
//! The part of `quell check` that looks at servers and runbooks: reachable, how fast, which
//! version, which cluster, what they cannot tell. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::asked::SourceStatus;
use super::check::{Area, Finding, Level};
use super::gather::Picture;
use super::page::count;
use crate::domain::blindness::BlindnessKind;
use crate::domain::board::{Heard, Replica};
use crate::domain::cluster::clusters;
use crate::domain::observed::{PrometheusAnswer, RuleAlertState};
use crate::domain::runbook::{Library, Version};
use crate::domain::source::SourceKind;
use crate::domain::text::Untrusted;

/// A clock that is off by more makes ages and time windows wrong. Seconds.
const MOST_SKEW_SECS: f64 = 5.0;

/// Every Alertmanager and Prometheus, and the clusters they form.
#[must_use]
pub fn servers(picture: &Picture) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in &picture.sources {
        if !matches!(
            source.kind,
            SourceKind::Alertmanager | SourceKind::Prometheus
        ) {
            continue;
        }
        if let Some(failure) = failure(source, Area::Source) {
            found.push(failure);
            continue;
        }
        let is_it = |name: &str| *name == *source.name;
        if let Some(replica) = picture
            .inputs
            .replicas
            .iter()
            .find(|r| is_it(&r.heard.source))
        {
            found.extend(alertmanager(source, replica));
        }
        if let Some(heard) = picture
            .inputs
            .prometheuses
            .iter()
            .find(|h| is_it(&h.source))
        {
            found.extend(prometheus(source, heard));
        }
    }
    found.extend(cluster_findings(&picture.inputs.replicas));
    for blindness in &picture.board.blind {
        let subject = blindness.source.to_string();
        let finding = Finding::new(Level::Warn, Area::Source, subject, blindness.what.clone());
        found.push(finding.next(against(blindness.kind)));
    }
    found
}

fn against(kind: BlindnessKind) -> &'static str {
    match kind {
        BlindnessKind::WatchdogMissing => {
            "follow it from rule to Alertmanager: evaluation, `alerting` of Prometheus, network"
        }
        BlindnessKind::ReplicaBehind => {
            "it fills up with the next resends; if not, check that every Prometheus sends to it"
        }
        BlindnessKind::RuleFailing => "correct the rule: until then it never fires",
        BlindnessKind::NoWatchdog => "add a rule that always fires, or name yours in `watchdogs`",
    }
}

fn failure(source: &SourceStatus, area: Area) -> Option<Finding> {
    let error = source.health.error.as_ref()?;
    let finding = Finding::new(Level::Fail, area, &*source.name, error.to_string());
    Some(finding.next(error.kind.next_step()))
}

fn alertmanager(source: &SourceStatus, replica: &Replica) -> Vec<Finding> {
    let answer = &replica.heard.answer;
    let mut what = greeting("Alertmanager", answer.status.version.as_ref(), source);
    let alerts = count(answer.alerts.len(), "alert");
    let silences = count(answer.silences.len(), "silence");
    let _ = write!(what, ", {alerts}, {silences}");
    let mut found = vec![Finding::new(Level::Ok, Area::Source, &*source.name, what)];
    found.extend(limits(source, &answer.limits));
    found
}

fn prometheus(source: &SourceStatus, heard: &Heard<PrometheusAnswer>) -> Vec<Finding> {
    let answer = &heard.answer;
    let mut what = greeting("Prometheus", answer.version.as_ref(), source);
    let pending = answer
        .alerts
        .iter()
        .filter(|a| a.state == RuleAlertState::Pending)
        .count();
    let rules = count(answer.rules.len(), "alerting rule");
    let firing = answer.alerts.len() - pending;
    let _ = write!(what, ", {rules}, {firing} firing, {pending} pending");
    let mut found = vec![Finding::new(Level::Ok, Area::Source, &*source.name, what)];
    found.extend(answer.clock_ahead_secs.and_then(|secs| skew(source, secs)));
    found.extend(limits(source, &answer.limits));
    found
}

/// `Alertmanager 0.27.0, took 12 ms`
fn greeting(kind: &str, version: Option<&Untrusted>, source: &SourceStatus) -> String {
    let version = version.map(|v| format!(" {v}")).unwrap_or_default();
    let latency = source.health.latency_ms.map(|ms| format!(", took {ms} ms"));
    format!("{kind}{version}{}", latency.unwrap_or_default())
}

fn skew(source: &SourceStatus, ahead_secs: f64) -> Option<Finding> {
    // A clock that is no number is not trusted either.
    if ahead_secs.abs() <= MOST_SKEW_SECS {
        return None;
    }
    let direction = if ahead_secs < 0.0 {
        "behind"
    } else {
        "ahead of"
    };
    let what = format!(
        "its clock is {:.0} s {direction} this machine's",
        ahead_secs.abs()
    );
    let finding = Finding::new(Level::Warn, Area::Source, &*source.name, what);
    Some(finding.next("set both clocks by NTP: ages and windows are off by as much"))
}

fn limits(source: &SourceStatus, limits: &[Untrusted]) -> Vec<Finding> {
    let of = |limit: &Untrusted| {
        Finding::new(Level::Warn, Area::Source, &*source.name, limit.to_string())
    };
    limits.iter().map(of).collect()
}

/// Which replicas belong together, and whether some of a cluster are not configured.
fn cluster_findings(replicas: &[Replica]) -> Vec<Finding> {
    let stated: Vec<_> = replicas
        .iter()
        .map(|r| (r.cluster.as_deref(), &r.heard.answer.status))
        .collect();
    let mut groups: BTreeMap<usize, Vec<&Replica>> = BTreeMap::new();
    for (replica, group) in replicas.iter().zip(clusters(&stated)) {
        groups.entry(group).or_default().push(replica);
    }
    let mut found = Vec::new();
    for group in groups.values() {
        let names: Vec<&str> = group.iter().map(|r| &*r.heard.source).collect();
        let names = names.join(", ");
        let peers = group
            .iter()
            .map(|r| r.heard.answer.status.peers.len())
            .max()
            .unwrap_or(0);
        if group.len() > 1 {
            let what = match &group[0].cluster {
                Some(name) => format!("one cluster, as the config states: {name}"),
                None => "one cluster, found by their peers".to_owned(),
            };
            found.push(Finding::new(Level::Ok, Area::Source, names.clone(), what));
        }
        // With one replica only, a partition of the cluster would not be noticed.
        if peers > group.len() {
            let what = format!("the cluster has {peers} peers, {} configured", group.len());
            found.push(
                Finding::new(Level::Warn, Area::Source, names, what)
                    .next("name every replica: only then are contradictions seen"),
            );
        }
    }
    found
}

/// The runbooks: how many, which version, what is wrong with them.
#[must_use]
pub fn runbooks(picture: &Picture) -> Vec<Finding> {
    let mut local = picture
        .sources
        .iter()
        .filter(|s| s.kind == SourceKind::Runbooks);
    match local.find_map(|source| failure(source, Area::Runbooks)) {
        Some(failure) => vec![failure],
        None => of_library(&picture.inputs.library),
    }
}

fn of_library(library: &Library) -> Vec<Finding> {
    let place = library
        .origin
        .place
        .as_ref()
        .map_or("runbooks", |p| p.shown());
    let finding = |level, what: String| Finding::new(level, Area::Runbooks, place, what);
    let at = library.origin.commit.as_deref().map(|commit| {
        let branch = library.origin.branch.as_ref().map(|b| format!(" of {b}"));
        format!(
            " at {}{}",
            commit.get(..7).unwrap_or(commit),
            branch.unwrap_or_default()
        )
    });
    let books = count(library.runbooks.len(), "runbook");
    let mut found = vec![finding(
        Level::Ok,
        format!("{books}{}", at.unwrap_or_default()),
    )];
    if library.runbooks.is_empty() {
        found =
            vec![finding(Level::Warn, "no runbooks".to_owned()).next("put Markdown files there")];
    }
    let unversioned = |v: &Version| matches!(v, Version::Unversioned { .. });
    let dirty = |v: &Version| matches!(v, Version::Git { dirty: true, .. });
    let counted = |is: fn(&Version) -> bool| {
        library
            .runbooks
            .iter()
            .filter(|book| is(&book.version))
            .count()
    };
    let of_user = library
        .origin
        .place
        .as_ref()
        .is_some_and(|p| p.raw() != "built in");
    match counted(unversioned) {
        0 => {}
        some if of_user => found.push(
            finding(Level::Warn, format!("{some} have no version"))
                .next("commit them to git, so that everybody sees which text was followed"),
        ),
        _ => {}
    }
    match counted(dirty) {
        0 => {}
        some => found.push(
            finding(Level::Warn, format!("{some} differ from their commit"))
                .next("commit them, or look at `git diff`"),
        ),
    }
    for book in &library.runbooks {
        for problem in &book.problems {
            found.push(Finding::new(
                Level::Warn,
                Area::Runbooks,
                book.path.to_string(),
                problem.clone(),
            ));
        }
    }
    for problem in &library.problems {
        found.push(finding(Level::Fail, problem.clone()).next("check the file"));
    }
    found
}
