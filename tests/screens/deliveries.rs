//! Which changes and which drift play: every outcome, every kind of difference, every way to be blind.

use chrono::{DateTime, TimeDelta, Utc};
use quell::domain::change::{
    Actor, ActorKind, Change, ChangeKind, Outcome, Subject, Told, Versions,
};
use quell::domain::delivery::{DeliveryAnswer, Part, PartState, Past, Seen, Trouble, TroubleKind};
use quell::domain::drift::{Allowance, Drift, DriftKind, DriftPath, Report};
use quell::domain::label::Labels;
use quell::domain::text::Untrusted;
use std::sync::Arc;

use crate::cast::{ago, now};

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

fn line(text: &str) -> Untrusted {
    Untrusted::line(text)
}

/// A place in the production cluster.
fn subject(target: &str, service: &str, kind: &str) -> Subject {
    Subject {
        target: line(target),
        service: (!service.is_empty()).then(|| line(service)),
        env: Some(line("prod")),
        labels: Labels::of(&[("cluster", "eu-1"), ("namespace", "shop"), ("kind", kind)]),
    }
}

/// A change that began so long ago, took five minutes and went well.
pub fn change(source: &str, service: &str, secs_ago: i64, versions: [&str; 2]) -> Change {
    let told = |text: &str| (!text.is_empty()).then(|| line(text));
    let [from, to] = versions;
    Change {
        id: line(&format!("{source}/{service}/{to}/{secs_ago}")),
        source: source.into(),
        also: Vec::new(),
        subject: subject(&format!("shop/deployment/{service}"), service, "Deployment"),
        kind: ChangeKind::Version,
        versions: Versions {
            from: told(from),
            to: told(to),
            from_is_derived: false,
        },
        who: Some(Actor {
            name: line("ci-bot"),
            kind: ActorKind::Automation,
        }),
        started_at: ago(secs_ago),
        finished_at: Some(ago(secs_ago - 300)),
        outcome: Outcome::Ok,
        told: Told::default(),
    }
}

fn by(mut change: Change, name: &str, kind: ActorKind) -> Change {
    change.who = Some(Actor {
        name: line(name),
        kind,
    });
    change
}

/// What the cluster tells of.
pub fn cluster() -> DeliveryAnswer {
    let mut rollout = change("prod-eu-1", "checkout-api", 1_640, ["2.30.4", "2.31.0"]);
    rollout = by(rollout, "argocd-controller", ActorKind::FieldManager);
    rollout.outcome = Outcome::Running;
    rollout.finished_at = None;
    rollout.told.progress = Some(line("7 of 12 updated"));
    let mut stuck = change("prod-eu-1", "search", 2 * HOUR, ["8.4.1", "8.5.0-rc.1"]);
    stuck.outcome = Outcome::Failed;
    stuck.told.reason = Some(line("ProgressDeadlineExceeded: 3 of 9 never became ready"));
    let mut back = change("prod-eu-1", "billing", 3 * HOUR, ["1.9.0", "1.8.7"]);
    back = by(back, "mara", ActorKind::Person);
    back.kind = ChangeKind::Rollback;
    let mut scaled = change("prod-eu-1", "etl", 5 * HOUR, ["", ""]);
    scaled.kind = ChangeKind::Scale;
    scaled.outcome = Outcome::Unknown;
    scaled.finished_at = None;
    scaled.who = None;
    scaled.told.notes = vec![line(
        "change-cause is older than this revision: not trusted",
    )];
    let mut ahead = change("prod-eu-1", "mail", -420, ["3.1", "3.2"]);
    ahead.finished_at = None;
    ahead.outcome = Outcome::Running;
    DeliveryAnswer {
        changes: vec![rollout, stuck, back, scaled, ahead],
        parts: vec![
            part("deployments", PartState::Read(31)),
            part("helmreleases", PartState::Absent),
        ],
        ..DeliveryAnswer::default()
    }
}

pub fn part(what: &str, state: PartState) -> Part {
    Part {
        what: line(what),
        state,
    }
}

/// What Argo CD tells of: the sync that began the rollout, and older ones.
pub fn argocd() -> DeliveryAnswer {
    let mut sync = change("argocd", "checkout-api", 1_660, ["", "4f2c91a8d1b3"]);
    sync.subject = subject("argocd/checkout", "checkout-api", "Application");
    sync.told.link = Some(line("https://argocd.example.net/applications/checkout"));
    let mut ingress = change("argocd", "ingress", 42 * 60, ["", "a81d02c"]);
    ingress = by(ingress, "dana.lee@example.net", ActorKind::Person);
    ingress.kind = ChangeKind::Config;
    ingress.subject = subject("argocd/ingress", "ingress", "Application");
    let first = change("argocd", "cart", 4 * DAY, ["", "1.40"]);
    let second = change("argocd", "cart", 2 * DAY, ["", "1.41"]);
    DeliveryAnswer {
        changes: vec![sync, ingress, first, second],
        drifts: vec![
            drift("argocd", "shop/hpa/checkout-api", DriftKind::Drift),
            ahead(),
        ],
        parts: vec![part("applications", PartState::Read(14))],
        ..DeliveryAnswer::default()
    }
}

/// What a code host tells of, in words that are too long for any column.
pub fn code_host() -> DeliveryAnswer {
    let mut long = change(
        "github",
        "a-service-with-a-name-that-somebody-was-fond-of",
        7 * HOUR,
        [
            "release-2026-11-20-build-8812-with-hotfix",
            "release-2026-11-21-build-8840-with-hotfix-2",
        ],
    );
    long = by(long, "a-person-with-quite-a-name", ActorKind::Person);
    long.subject.env = Some(line("staging-eu-central-1"));
    let mut dropped = change("github", "", 9 * HOUR, ["", ""]);
    dropped.subject = subject("network/subnet-b", "", "Subnet");
    dropped.kind = ChangeKind::InfraDestructive;
    DeliveryAnswer {
        changes: vec![long, dropped],
        parts: vec![part("deployments", PartState::Read(2))],
        ..DeliveryAnswer::default()
    }
}

/// A difference, reported half an hour ago as every hour.
pub fn drift(source: &str, target: &str, kind: DriftKind) -> Drift {
    Drift {
        id: line(&format!("{source}/{target}/{}", kind.word())),
        source: source.into(),
        subject: subject(target, "checkout-api", "Thing"),
        kind,
        actions: vec![line("update")],
        paths: vec![
            at("spec.maxReplicas", "12", "40"),
            at("spec.template.metadata.annotations[\"team\"]", "shop", ""),
        ],
        reverted_by_apply: Some(true),
        report: Report {
            at: Some(ago(HOUR / 2)),
            cadence_secs: Some(3_600),
            provenance: None,
        },
        detail: None,
    }
}

fn at(path: &str, before: &str, after: &str) -> DriftPath {
    let told = |text: &str| (!text.is_empty()).then(|| line(text));
    DriftPath {
        path: line(path),
        before: told(before),
        after: told(after),
        masked: false,
    }
}

fn ahead() -> Drift {
    let mut ahead = drift("argocd", "argocd/billing", DriftKind::Pending);
    ahead.paths = Vec::new();
    ahead.actions = vec![line("sync to 9d1f00c")];
    ahead.reverted_by_apply = None;
    ahead.report.cadence_secs = None;
    ahead
}

/// What the plans of Terraform say.
pub fn plans() -> DeliveryAnswer {
    let module = "module.production_eu_central_1_network.module.subnets.aws_subnet.private[\"b\"]";
    let mut secret = drift("tf-prod", module, DriftKind::Drift);
    secret.paths = vec![
        DriftPath {
            masked: true,
            before: None,
            after: None,
            ..at("user_data", "", "")
        },
        at("tags[\"env\"]", "prod", "dev"),
        at("lifecycle", "", ""),
    ];
    secret.reverted_by_apply = Some(false);
    secret.report.provenance = Some(line(
        "terraform plan -refresh-only, workspace prod, 4f2c91a",
    ));
    let mut stale = drift("tf-prod", "aws_iam_role.ci", DriftKind::Drift);
    stale.report.at = Some(ago(3 * HOUR));
    let mut expired = drift("tf-prod", "aws_s3_bucket.old_logs", DriftKind::Drift);
    expired.report.at = Some(ago(9 * DAY));
    let mut failed = drift("tf-prod", "workspace staging", DriftKind::Error);
    failed.paths = Vec::new();
    failed.actions = Vec::new();
    failed.reverted_by_apply = None;
    failed.detail = Some(line("plan errored: no valid credential sources found"));
    let mut unknown = drift("tf-prod", "workspace edge", DriftKind::Unknown);
    unknown.paths = Vec::new();
    unknown.actions = Vec::new();
    unknown.report = Report::default();
    unknown.detail = Some(line("format_version 2.0 is not known"));
    let partial = drift("tf-prod", "aws_instance.bastion", DriftKind::Partial);
    let tolerated = drift("tf-prod", "aws_autoscaling_group.workers", DriftKind::Drift);
    DeliveryAnswer {
        drifts: vec![secret, stale, expired, failed, unknown, partial, tolerated],
        troubles: vec![Trouble {
            subject: subject("shop/pod/cart-7f9", "cart", "Pod"),
            kind: TroubleKind::Policy,
            what: line("require-requests-limits: container `web` has no memory limit"),
            since: Some(ago(6 * HOUR)),
            count: 3,
        }],
        parts: vec![part("plan.json", PartState::Read(7))],
        ..DeliveryAnswer::default()
    }
}

/// Drift that is known: workers scale by themselves, and nobody minds that staging cannot be planned.
pub fn allowances() -> Vec<Allowance> {
    let until = now() + TimeDelta::days(12);
    let rule = |address: &str, reason: &str| Allowance {
        address: address.into(),
        path: None,
        reason: reason.into(),
        until,
    };
    vec![
        rule("aws_autoscaling_group.*", "the autoscaler sets it"),
        rule("workspace staging", "its account moves"),
    ]
}

/// What was remembered of all this.
pub fn past() -> Past {
    let seen = |first: DateTime<Utc>, times| Seen {
        first,
        last: ago(12),
        times,
    };
    let changes = [cluster(), argocd(), code_host()];
    let changes = changes.iter().flat_map(|answer| &answer.changes);
    let drifts = [argocd(), plans()];
    let drifts = drifts.iter().flat_map(|answer| &answer.drifts);
    let looked = drifts.clone().map(|d| (d.source.clone(), ago(30 * DAY)));
    Past {
        looked_since: looked.collect(),
        changes: Vec::new(),
        changes_seen: changes
            .map(|c| (c.id.clone(), seen(c.started_at + TimeDelta::seconds(9), 1)))
            .collect(),
        drifts_seen: drifts
            .enumerate()
            .map(|(at, d)| (d.id.clone(), seen(ago(3 * DAY), 1 + at as u64 % 3)))
            .collect(),
    }
}

/// Ten thousand changes, one a minute.
pub fn many() -> DeliveryAnswer {
    let one = |at: i64| change("prod-eu-1", &format!("svc-{}", at % 40), at * 60, ["", "1"]);
    DeliveryAnswer {
        changes: (0..10_000).map(one).collect(),
        ..DeliveryAnswer::default()
    }
}

/// Changes and drift that say one text wherever a source can say anything.
pub fn saying(text: &str) -> DeliveryAnswer {
    let said = || Some(line(text));
    let place = Subject {
        target: line(text),
        service: said(),
        env: said(),
        labels: Labels::of(&[
            ("cluster", text),
            ("region", text),
            ("namespace", text),
            ("source", text),
            (text, text),
        ]),
    };
    let outcomes = [
        Outcome::Running,
        Outcome::Ok,
        Outcome::Failed,
        Outcome::Unknown,
    ];
    let changes = outcomes
        .into_iter()
        .enumerate()
        .map(|(at, outcome)| Change {
            id: line(&format!("{at}{text}")),
            source: if at == 0 { text.into() } else { "k8s".into() },
            also: vec![text.into()],
            subject: place.clone(),
            versions: Versions {
                from: said(),
                to: said(),
                from_is_derived: at == 1,
            },
            who: Some(Actor {
                name: line(text),
                kind: ActorKind::FieldManager,
            }),
            outcome,
            told: Told {
                link: said(),
                reason: said(),
                progress: said(),
                notes: vec![line(text)],
            },
            ..change("k8s", text, 60 + i64::try_from(at).unwrap_or(0), ["", ""])
        });
    let drifts = DriftKind::ALL.into_iter().map(|kind| Drift {
        id: line(&format!("{text}{}", kind.word())),
        subject: place.clone(),
        actions: vec![line(text), line(text)],
        paths: vec![
            DriftPath {
                path: line(text),
                before: said(),
                after: said(),
                masked: false,
            };
            3
        ],
        report: Report {
            at: Some(ago(60)),
            cadence_secs: Some(3_600),
            provenance: said(),
        },
        detail: said(),
        ..drift("k8s", text, kind)
    });
    DeliveryAnswer {
        changes: changes.collect(),
        drifts: drifts.collect(),
        troubles: vec![Trouble {
            subject: place.clone(),
            kind: TroubleKind::Policy,
            what: line(text),
            since: None,
            count: 2,
        }],
        parts: vec![
            part(text, PartState::NotPermitted(line(text))),
            part(text, PartState::Failed(line(text))),
        ],
        limits: vec![line(text)],
        version: said(),
        ..DeliveryAnswer::default()
    }
}

pub fn allowing(text: &str) -> Arc<Vec<Allowance>> {
    Arc::new(vec![Allowance {
        address: text.to_owned(),
        path: None,
        reason: text.to_owned(),
        until: now() + TimeDelta::days(1),
    }])
}
