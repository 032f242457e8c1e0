//! Which policies are violated, and by what?
//!
//! Policy reports (of Kyverno and others, in both groups) and Gatekeeper's constraints. A report may be
//! cut short: where its own count says more than it names, that is told. Called by `tell`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::scene::{At, Scene, limit, name_of, trouble};
use crate::domain::change::Subject;
use crate::domain::delivery::{DeliveryAnswer, TroubleKind};
use crate::sources::kubernetes::object::{Constraint, Object, PolicyReport, Reference};

/// So many policies are named; the rest are counted.
const MOST_NAMED: usize = 5;

#[derive(Default)]
struct Verdicts {
    /// By result: the policies, each once.
    by_result: BTreeMap<String, Vec<String>>,
    count: u64,
    first: Option<DateTime<Utc>>,
}

pub(super) fn report(
    scene: &Scene<'_>,
    object: &Object,
    report: &PolicyReport,
    answer: &mut DeliveryAnswer,
) {
    let meta = &object.meta;
    let whole = Reference {
        kind: "PolicyReport".into(),
        namespace: meta.namespace.as_deref().map(Box::from),
        name: meta.name.as_str().into(),
    };
    let scope = report.scope.as_ref().filter(|scope| !scope.name.is_empty());
    let mut about: BTreeMap<&Reference, Verdicts> = BTreeMap::new();
    for result in &report.results {
        let policy = if result.rule.is_empty() {
            result.policy.to_string()
        } else {
            format!("{} ({})", result.policy, result.rule)
        };
        let objects = result.resources.iter().filter(|one| !one.name.is_empty());
        let mut objects: Vec<&Reference> = objects.collect();
        if objects.is_empty() {
            objects.push(scope.unwrap_or(&whole));
        }
        for one in objects {
            let found = about.entry(one).or_default();
            found.count += 1;
            found.first = [found.first, result.at()].into_iter().flatten().min();
            let policies = found.by_result.entry(result.result.to_string());
            let policies = policies.or_default();
            if !policies.contains(&policy) {
                policies.push(policy.clone());
            }
        }
    }
    for (one, found) in about {
        let words: Vec<String> = found.by_result.iter().map(|(r, p)| named(r, p)).collect();
        let namespace = one.namespace.as_deref().or(meta.namespace.as_deref());
        let subject = of(scene, one, namespace);
        let mut told = trouble(subject, TroubleKind::Policy, &words.join("; "), found.first);
        told.count = found.count;
        answer.troubles.push(told);
    }
    unnamed(report, object, answer);
}

/// `fail: require-limits (memory), require-probes (readiness)`
fn named(result: &str, policies: &[String]) -> String {
    let first = policies[..policies.len().min(MOST_NAMED)].join(", ");
    match policies.len().saturating_sub(MOST_NAMED) {
        0 => format!("{result}: {first}"),
        more => format!("{result}: {first} and {more} more"),
    }
}

fn unnamed(report: &PolicyReport, object: &Object, answer: &mut DeliveryAnswer) {
    let summary = report.summary;
    let all = [
        ("fail", summary.fail),
        ("warn", summary.warn),
        ("error", summary.error),
    ];
    for (word, counted) in all {
        let named = report.results.iter().filter(|r| &*r.result == word).count() as u64;
        if let Some(counted) = counted.filter(|counted| *counted > named) {
            let what = format!("counts {counted} {word}, but names {named}");
            limit(answer, "policyreport", &object.meta, &what);
        }
    }
}

/// What a policy is about, with the labels that it has, where it is read.
fn of(scene: &Scene<'_>, one: &Reference, namespace: Option<&str>) -> Subject {
    let path = format!("{}/{}", one.kind.to_lowercase(), one.name);
    let target = name_of(namespace, &path);
    let at = At {
        target: &target,
        namespace,
        kind: &one.kind,
        name: &one.name,
    };
    let own = scene.labels_named(&one.kind, namespace, &one.name);
    scene.subject(at, own.into_iter())
}

/// Each object that a constraint names, and the constraint where it counts more than it names.
pub(super) fn constraint(
    scene: &Scene<'_>,
    object: &Object,
    constraint: &Constraint,
    answer: &mut DeliveryAnswer,
) {
    let meta = &object.meta;
    let kind = if constraint.kind.is_empty() {
        "Constraint"
    } else {
        &*constraint.kind
    };
    let Some(status) = &constraint.status else {
        limit(answer, kind, meta, "has no status: it was not audited yet");
        return;
    };
    let since = status.audit_timestamp;
    let name = format!("{kind}/{}", meta.name);
    for violation in &status.violations {
        let one = &violation.of;
        let namespace = one.namespace.as_deref().filter(|name| !name.is_empty());
        let action = match &*violation.enforcement_action {
            "" | "deny" => String::new(),
            action => format!(" ({action})"),
        };
        let what = format!("{name}{action}: {}", violation.message);
        let subject = of(scene, one, namespace);
        answer
            .troubles
            .push(trouble(subject, TroubleKind::Policy, &what, since));
    }
    let named = status.violations.len() as u64;
    let total = status.total_violations.unwrap_or(named);
    if total <= named {
        return;
    }
    let at = At {
        target: &name,
        namespace: None,
        kind,
        name: &meta.name,
    };
    let subject = scene.subject(at, meta.labels.iter());
    let what = format!("{total} violations, of which its audit names {named} only");
    let mut told = trouble(subject, TroubleKind::Policy, &what, since);
    told.count = total;
    answer.troubles.push(told);
}
