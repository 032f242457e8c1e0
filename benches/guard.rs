//! How long does the guard take to look at a plan, with everything it asks about at hand?
//!
//! `cargo bench --bench guard`. A plan of 100 targets and 100 writes before a policy of 200 rules, 50 windows
//! and 20 approvals: its digest, the policy's judgement and every gate, as when an armed action is checked for the
//! last time. Above 50 ms at the 99th of 100 it fails.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run must fail")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use quell::domain::action::{ActionRequest, Direction, Occasion, Requester, Risk};
use quell::domain::approval::{Approval, Statement};
use quell::domain::check::Evidence;
use quell::domain::guard::{Case, Confirmation, Facts, Moment, approve};
use quell::domain::plan::{
    ActionId, Blast, DryRun, DryVerdict, Grade, HttpWrite, Part, Plan, Reverse, Seed, Step, Target,
    Verb, WhenBusy, Write,
};
use quell::domain::policy::{
    BurnReading, Comparison, Input, Limits, Policy, PolicyFacts, Reading, Require, Rule, RuleMatch,
    Window, WindowKind, WindowTimes,
};
use quell::domain::text::Untrusted;

const TARGETS: usize = 100;
const RULES: usize = 200;
const WINDOWS: usize = 50;
const APPROVALS: usize = 20;
const ROUNDS: usize = 300;
const GOAL: Duration = Duration::from_millis(50);

fn main() {
    let now = Moment {
        wall: DateTime::from_timestamp(1_795_269_600, 0).unwrap(),
        steady: Duration::from_secs(1_000),
    };
    let plan = Arc::new(plan(now.wall));
    let policy = policy();
    let facts = facts(&plan, now.wall);
    let about = PolicyFacts {
        now: now.wall,
        burn: Reading::Known {
            value: BurnReading {
                slo: line("checkout-availability"),
                short: 14.6,
                long: 3.1,
            },
            age: Duration::from_secs(4),
        },
        last_action: Some(now.wall - TimeDelta::hours(1)),
        roles: vec!["sre".to_owned()],
    };
    let mut took: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            let digest = plan.digest();
            let judgement = policy.judge(&plan, &about);
            let approved = approve(&Case {
                plan: &plan,
                digest: &digest,
                part: Part::Forward,
                judgement: &judgement,
                facts: &facts,
                confirmation: Some(&Confirmation::Typed("api-0".to_owned())),
                rechecked: Some(now.steady),
                armed_until: Some(now.steady),
                policy: &policy,
                now,
            });
            let took = begun.elapsed();
            // It would be quick to refuse.
            assert!(black_box(approved).is_ok());
            took
        })
        .collect();
    took.sort_unstable();
    let (middle, most) = (took[ROUNDS / 2], took[ROUNDS * 99 / 100]);
    println!(
        "{TARGETS} targets, {RULES} rules, {WINDOWS} windows, {APPROVALS} approvals: p50 {:.2} ms, p99 {:.2} ms \
         (goal {} ms)",
        middle.as_secs_f64() * 1e3,
        most.as_secs_f64() * 1e3,
        GOAL.as_millis()
    );
    assert!(most <= GOAL, "the guard takes too long");
}

fn line(text: &str) -> Untrusted {
    Untrusted::line(text)
}

fn plan(at: DateTime<Utc>) -> Plan {
    let accepted = DryRun {
        grade: Grade::A,
        verdict: DryVerdict::Accepted,
        notes: Vec::new(),
    };
    let target = |n: usize| Target {
        env: Some(line("prod")),
        server: "eu-1".into(),
        server_identity: "6a2f".to_owned(),
        name: line(&format!("shop/deployment/api-{n}")),
        word: line(&format!("api-{n}")),
        namespace: Some(line("shop")),
        service: Some(line("api")),
        uid: Some(format!("uid-{n}")),
    };
    let step = |n: usize| Step {
        what: line(&format!("restart api-{n}")),
        target: n,
        write: Write::Http(HttpWrite {
            server: "eu-1".into(),
            verb: Verb::Patch,
            path: format!("/apis/apps/v1/namespaces/shop/deployments/api-{n}"),
            content_type: Some("application/json-patch+json".to_owned()),
            headers: Vec::new(),
            body: "x".repeat(4_000),
        }),
        check: None,
        evidence: Evidence::None(line("none")),
        when_busy: WhenBusy::AskAgain,
    };
    Plan {
        seed: Seed {
            id: ActionId::new([7; 16]),
            at,
        },
        request: ActionRequest {
            action: "k8s.rollout.restart".to_owned(),
            parameters: BTreeMap::new(),
            by: Requester {
                name: line("mara"),
                host: line("bastion"),
            },
            occasion: Occasion {
                reason: Some(line("it leaks")),
                ..Occasion::default()
            },
        },
        title: line("restart"),
        targets: (0..TARGETS).map(target).collect(),
        steps: (0..TARGETS).map(step).collect(),
        reverse: Reverse::None(line("a restart cannot be undone")),
        risk: Risk::R2,
        direction: Direction::Reduces,
        differences: Vec::new(),
        blast: Blast::default(),
        dry_run: accepted,
        preconditions: Vec::new(),
        made_at: at,
        server_ahead_secs: Some(0),
    }
}

fn policy() -> Policy {
    let mut policy = Policy::cautious();
    let rule = |n: usize| Rule {
        id: format!("rule-{n}"),
        matches: RuleMatch {
            env: Some("prod".to_owned()),
            actions: vec!["k8s.*".to_owned()],
            ..RuleMatch::default()
        },
        deny_if: vec![
            Comparison::above(Input::BurnShort, 100.0),
            Comparison::above(Input::Window(format!("freeze-{}", n % WINDOWS)), 0.0),
        ],
        require: Require {
            approvals: 2,
            role: Some("sre".to_owned()),
            ..Require::default()
        },
        limits: Limits {
            targets: Some(1_000),
            ..Limits::default()
        },
        ..Rule::default()
    };
    policy.rules = (0..RULES).map(rule).collect();
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    policy.windows = (0..WINDOWS)
        .map(|n| Window {
            name: format!("freeze-{n}"),
            kind: WindowKind::Freeze,
            times: WindowTimes::Weekly {
                days: Vec::new(),
                from: time(3),
                until: time(4),
            },
            zone: chrono_tz::Europe::Berlin,
        })
        .collect();
    let sre = (0..APPROVALS).map(person).collect();
    policy.roles = vec![("sre".to_owned(), sre)];
    policy
}

fn person(n: usize) -> String {
    format!("person-{n}@example.com")
}

fn facts(plan: &Plan, now: DateTime<Utc>) -> Facts {
    let approval = |n: usize| Approval {
        statement: Statement::for_plan(plan, &person(n), "sre", now + TimeDelta::minutes(10)),
        signer: line(&person(n)),
        key: line(&format!("SHA256:{n}")),
    };
    let mut facts = Facts {
        approvals: (0..APPROVALS).map(approval).collect(),
        ..Facts::default()
    };
    facts.requester.principals.push("mara".to_owned());
    facts
}
