//! A plan, facts and a policy for tests.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};

use super::{Facts, Moment};
use crate::domain::action::{ActionRequest, Direction, Occasion, Requester, Risk};
use crate::domain::approval::{Approval, RequesterKeys, Statement};
use crate::domain::check::Evidence;
use crate::domain::plan::{
    ActionId, Blast, Difference, DryRun, DryVerdict, Grade, Holds, HttpWrite, Plan, Precondition,
    Reverse, Seed, Step, Target, Verb, WhenBusy, Write,
};
use crate::domain::policy::{BurnReading, Policy, Reading};
use crate::domain::text::Untrusted;

pub(crate) fn line(text: &str) -> Untrusted {
    Untrusted::line(text)
}

/// 2026-11-21 14:00:00Z and so many seconds, on both clocks.
pub(crate) fn at(secs: u64) -> Moment {
    let start = DateTime::from_timestamp(1_795_269_600, 0).unwrap_or_default();
    Moment {
        wall: start + TimeDelta::seconds(i64::try_from(secs).unwrap_or_default()),
        steady: Duration::from_secs(1_000 + secs),
    }
}

pub(crate) fn request() -> ActionRequest {
    let target = ("target", "checkout/deployment/checkout-api");
    ActionRequest {
        action: "k8s.rollout.undo".to_owned(),
        parameters: BTreeMap::from([(target.0.to_owned(), target.1.to_owned())]),
        by: Requester {
            name: line("mara@example.com"),
            host: line("bastion-1"),
        },
        occasion: Occasion {
            reason: Some(line("checkout burns")),
            ..Occasion::default()
        },
    }
}

pub(crate) fn seed(number: u8) -> Seed {
    Seed {
        id: ActionId::new([number; 16]),
        at: at(0).wall,
    }
}

pub(crate) fn target() -> Target {
    Target {
        env: Some(line("prod")),
        server: "eu-1".into(),
        server_identity: "6a2f".to_owned(),
        name: line("checkout/deployment/checkout-api"),
        word: line("checkout-api"),
        namespace: Some(line("checkout")),
        service: Some(line("checkout-api")),
        uid: Some("77".to_owned()),
    }
}

pub(crate) fn step(what: &str, body: &str) -> Step {
    Step {
        what: line(what),
        target: 0,
        write: Write::Http(HttpWrite {
            server: "eu-1".into(),
            verb: Verb::Patch,
            path: "/apis/apps/v1/namespaces/checkout/deployments/checkout-api".to_owned(),
            content_type: Some("application/json-patch+json".to_owned()),
            headers: Vec::new(),
            body: body.to_owned(),
        }),
        check: None,
        evidence: Evidence::None(line("nothing marks it")),
        when_busy: WhenBusy::AskAgain,
    }
}

pub(crate) fn plan(risk: Risk, direction: Direction) -> Plan {
    let accepted = DryRun {
        grade: Grade::A,
        verdict: DryVerdict::Accepted,
        notes: Vec::new(),
    };
    Plan {
        seed: seed(7),
        request: request(),
        title: line("undo rollout of checkout/deployment/checkout-api"),
        targets: vec![target()],
        steps: vec![step("undo to revision 30", "[1]")],
        reverse: Reverse::Steps {
            what: line("undo again to revision 31"),
            steps: vec![step("undo to revision 31", "[2]")],
            dry_run: accepted.clone(),
        },
        risk,
        direction,
        differences: vec![Difference {
            path: line("image"),
            before: Some(line("checkout:2.31.0")),
            after: Some(line("checkout:2.30.4")),
        }],
        blast: Blast {
            count: Some(12),
            of: Some(12),
            namespaces: vec![line("checkout")],
            words: vec![line("12 pods, 2 at a time")],
        },
        dry_run: accepted,
        preconditions: vec![Precondition {
            what: line("may patch deployments in checkout"),
            state: Holds::Yes,
            detail: line("asked the server"),
        }],
        made_at: at(0).wall,
        server_ahead_secs: Some(0),
    }
}

/// A policy in which dana and ilya may approve as `sre`.
pub(crate) fn policy() -> Policy {
    let mut policy = Policy::cautious();
    let sre = ["dana@example.com", "ilya@example.com"].map(str::to_owned);
    policy.roles = vec![("sre".to_owned(), sre.to_vec())];
    for rule in &mut policy.rules {
        if rule.require.approvals > 0 {
            rule.require.role = Some("sre".to_owned());
        }
    }
    policy
}

pub(crate) fn calm() -> Reading<BurnReading> {
    burning(0.4)
}

pub(crate) fn burning(short: f64) -> Reading<BurnReading> {
    Reading::Known {
        value: BurnReading {
            slo: line("checkout-availability"),
            short,
            long: short / 2.0,
        },
        age: Duration::from_secs(4),
    }
}

pub(crate) fn facts() -> Facts {
    Facts {
        requester: RequesterKeys {
            principals: vec!["mara@example.com".to_owned()],
            keys: vec!["SHA256:mara".to_owned()],
        },
        ..Facts::default()
    }
}

pub(crate) fn approval(plan: &Plan, who: &str, now: Moment) -> Approval {
    let expires_at = now.wall + TimeDelta::minutes(10);
    Approval {
        statement: Statement::for_plan(plan, who, "sre", expires_at),
        signer: line(who),
        key: line(&format!("SHA256:{who}")),
    }
}
