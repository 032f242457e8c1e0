//! Rules against plans, at random: what holds of every policy.

use std::time::Duration;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::super::*;
use super::tests::{burning, facts, now, once, plan, policy, rule, target, unknown};
use crate::domain::plan::Blast;
use RuleVerdict::{Denies, DeniesSoftly};

fn any_match() -> impl Strategy<Value = RuleMatch> {
    let env = prop::option::of(prop::sample::select(vec!["prod", "staging"]));
    let actions = prop::collection::vec(
        prop::sample::select(vec!["k8s.scale", "k8s.*", "silence.*"]),
        0..2,
    );
    let direction = prop::option::of(any_direction());
    let risks = prop::collection::vec(any_risk(), 0..3);
    let namespace = prop::option::of(prop::sample::select(vec!["shop", "pay"]));
    (env, actions, direction, risks, namespace).prop_map(
        |(env, actions, direction, risks, namespace)| RuleMatch {
            env: env.map(str::to_owned),
            actions: actions.into_iter().map(str::to_owned).collect(),
            direction,
            risks,
            service: None,
            namespace: namespace.map(str::to_owned),
        },
    )
}

fn any_direction() -> impl Strategy<Value = Direction> {
    prop::sample::select(vec![
        Direction::Reduces,
        Direction::Adds,
        Direction::Neutral,
    ])
}

fn any_risk() -> impl Strategy<Value = Risk> {
    prop::sample::select(Risk::ALL.to_vec())
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let level = prop::option::of(prop::sample::select(vec![
        Level::Advisory,
        Level::Soft,
        Level::Hard,
    ]));
    let comparisons = prop::sample::select(vec![
        "burn.short > 2",
        "burn.long >= 1",
        "input.age > 30s",
        "window.freeze",
        "not window.maintenance",
        "window.sale",
        "window.nowhere",
        "targets > 1",
        "percent > 10",
        "dry_run.grade > B",
    ]);
    let deny_if = prop::collection::vec(comparisons, 0..3);
    let limits = (
        prop::option::of(0_u32..3),
        prop::option::of(0_u32..100),
        prop::option::of(0_u64..900),
    );
    let require = (0_u32..3, any::<bool>(), any::<bool>());
    (level, any_match(), deny_if, limits, require).prop_map(
        |(level, matches, deny_if, (targets, percent, cooldown), (approvals, reason, ticket))| {
            Rule {
                level,
                matches,
                require: Require {
                    approvals,
                    reason,
                    ticket,
                    ..Require::default()
                },
                limits: Limits {
                    targets,
                    percent,
                    cooldown: cooldown.map(Duration::from_secs),
                    ..Limits::default()
                },
                ..rule("r", Level::Hard, &deny_if)
            }
        },
    )
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let place = (
        prop::sample::select(vec!["prod", "staging", "dev"]),
        prop::sample::select(vec!["shop", "pay", "ops"]),
    );
    let targets = prop::collection::vec(place, 0..3);
    let blast = (prop::option::of(0_u32..50), prop::option::of(0_u32..50));
    let given = (any::<bool>(), any::<bool>());
    let ahead = prop::option::of(-100_000_i64..100_000);
    let action = prop::sample::select(vec!["k8s.scale", "silence.create", "http.x"]);
    (
        any_risk(),
        any_direction(),
        targets,
        blast,
        given,
        ahead,
        action,
    )
        .prop_map(
            |(
                risk,
                direction,
                targets,
                (count, of),
                (reason, ticket),
                server_ahead_secs,
                action,
            )| {
                let targets = targets.into_iter();
                let mut plan = Plan {
                    targets: targets.map(|(env, ns)| target(env, ns, "x")).collect(),
                    blast: Blast {
                        count,
                        of,
                        ..Blast::default()
                    },
                    server_ahead_secs,
                    ..plan(risk, direction)
                };
                let given = |is_given: bool| is_given.then(|| Untrusted::line("x"));
                plan.request.occasion.reason = given(reason);
                plan.request.occasion.ticket = given(ticket);
                plan.request.action = action.to_owned();
                plan
            },
        )
}

fn any_facts() -> impl Strategy<Value = PolicyFacts> {
    let number = prop::sample::select(vec![0.0, 1.0, 2.0, 14.4, f64::INFINITY, f64::NAN]);
    let known = (number.clone(), number, 0_u64..300).prop_map(|(s, l, age)| burning(s, l, age));
    let burn = prop_oneof![
        known,
        Just(unknown()),
        Just(Reading::Contradictory(Untrusted::line("x"))),
    ];
    let last = prop::option::of(-1_000_i64..2_000);
    (burn, last).prop_map(|(burn, last)| PolicyFacts {
        last_action: last.map(|secs| now() - TimeDelta::seconds(secs)),
        ..facts(burn)
    })
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let mode = prop::sample::select(vec![Mode::Observe, Mode::Enforce]);
    let rules = prop::collection::vec(any_rule(), 0..6);
    (mode, rules).prop_map(|(mode, rules)| Policy {
        mode,
        windows: vec![
            once(
                "sale",
                WindowKind::Freeze,
                "2026-11-20T11:00:00Z",
                "2026-11-21T00:00:00Z",
            ),
            once(
                "night",
                WindowKind::Maintenance,
                "2026-11-20T11:00:00Z",
                "2026-11-20T13:00:00Z",
            ),
        ],
        ..policy(rules)
    })
}

fn is_denied(verdict: RuleVerdict) -> bool {
    matches!(verdict, Denies | DeniesSoftly)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_passes_that_no_rule_is_about(policy in any_policy(), plan in any_plan(), facts in any_facts()) {
        let judged = policy.judge(&plan, &facts);
        let is_about = policy.rules.len() > policy.unmatched(&plan).len();
        if !is_about || plan.targets.is_empty() {
            prop_assert_eq!(judged.verdict, Denies);
        }
        for target in &plan.targets {
            if !policy.rules.iter().any(|rule| rule.matches.covers(&plan, target)) {
                prop_assert_eq!(judged.verdict, Denies);
            }
        }
        prop_assert!(!judged.findings.is_empty());
    }

    #[test]
    fn a_further_rule_never_makes_a_denial_a_pass(
        policy in any_policy(), further in any_rule(), place in 0_usize..6,
        plan in any_plan(), facts in any_facts(),
    ) {
        let before = policy.judge(&plan, &facts);
        let is_new = plan.targets.iter().any(|target| {
            further.matches.covers(&plan, target)
                && !policy.rules.iter().any(|rule| rule.matches.covers(&plan, target))
        });
        let mut more = policy.clone();
        more.rules.insert(place.min(policy.rules.len()), further);
        let after = more.judge(&plan, &facts);
        // Only where no rule was about a target before may another rule let it pass.
        if is_denied(before.verdict) && !is_new {
            prop_assert!(is_denied(after.verdict));
        }
        prop_assert!(after.require.approvals >= before.require.approvals);
        prop_assert!(!before.require.reason || after.require.reason);
        for (was, is) in [
            (before.limits.targets, after.limits.targets),
            (before.limits.percent, after.limits.percent),
        ] {
            prop_assert!(was.is_none_or(|was| is.is_some_and(|is| is <= was)));
        }
        prop_assert!(after.limits.cooldown >= before.limits.cooldown);
    }

    #[test]
    fn a_rule_that_always_denies_denies_in_any_place(
        policy in any_policy(), place in 0_usize..6, plan in any_plan(), facts in any_facts(),
    ) {
        let mut more = policy.clone();
        let never = rule("never", Level::Hard, &["targets >= 0"]);
        more.rules.insert(place.min(policy.rules.len()), never);
        prop_assert_eq!(more.judge(&plan, &facts).verdict, Denies);
    }

    #[test]
    fn losing_sight_never_lets_pass_what_adds_risk(
        policy in any_policy(), plan in any_plan(), facts in any_facts(),
    ) {
        let plan = Plan { direction: Direction::Adds, ..plan };
        let blind = PolicyFacts { burn: unknown(), ..facts.clone() };
        if is_denied(policy.judge(&plan, &facts).verdict) {
            prop_assert!(is_denied(policy.judge(&plan, &blind).verdict));
        }
    }

    #[test]
    fn the_burn_and_a_freeze_never_stop_what_reduces_risk(
        policy in any_policy(), plan in any_plan(), facts in any_facts(),
    ) {
        let plan = Plan { direction: Direction::Reduces, ..plan };
        let calm = PolicyFacts { burn: burning(0.0, 0.0, 0), ..facts.clone() };
        let thawed = Policy {
            windows: policy.windows.iter().filter(|w| w.kind != WindowKind::Freeze).cloned().collect(),
            ..policy.clone()
        };
        let is_named = |c: &Comparison| c.input == Input::Window("sale".to_owned());
        prop_assume!(!policy.rules.iter().flat_map(|r| &r.deny_if).any(is_named));
        let now = policy.judge(&plan, &facts).verdict;
        let calmly = thawed.judge(&plan, &calm).verdict;
        prop_assert_eq!(is_denied(now), is_denied(calmly));
    }

    #[test]
    fn any_text_is_read_or_refused_as_a_comparison(text in "\\PC{0,40}") {
        if let Ok(read) = Comparison::parse(&text) {
            prop_assert_eq!(Comparison::parse(&read.to_string()).map(|c| c.input), Ok(read.input));
        }
    }
}
