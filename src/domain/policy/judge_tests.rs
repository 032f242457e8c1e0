//! Rules against plans, by example.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::super::*;
use crate::domain::action::{ActionRequest, Occasion, Requester};
use crate::domain::plan::{ActionId, Blast, DryRun, DryVerdict, Grade, Reverse, Seed, Target};
use RuleVerdict::{Denies, DeniesSoftly, Passes, Warns};

pub(super) fn t(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(super) fn now() -> DateTime<Utc> {
    t("2026-11-20T12:00:00Z")
}

pub(super) fn target(env: &str, namespace: &str, name: &str) -> Target {
    Target {
        env: Some(Untrusted::line(env)),
        server: "eu-1".into(),
        server_identity: "uid".to_owned(),
        name: Untrusted::line(&format!("{namespace}/deployment/{name}")),
        word: Untrusted::line(name),
        namespace: Some(Untrusted::line(namespace)),
        service: Some(Untrusted::line(name)),
        uid: None,
    }
}

pub(super) fn plan(risk: Risk, direction: Direction) -> Plan {
    Plan {
        seed: Seed {
            id: ActionId::new([7; 16]),
            at: now(),
        },
        request: ActionRequest {
            action: "k8s.scale".to_owned(),
            parameters: BTreeMap::new(),
            by: Requester {
                name: Untrusted::line("ana"),
                host: Untrusted::line("bastion"),
            },
            occasion: Occasion::default(),
        },
        title: Untrusted::line("scale"),
        targets: vec![target("prod", "shop", "cart")],
        steps: Vec::new(),
        reverse: Reverse::None(Untrusted::line("none")),
        risk,
        direction,
        differences: Vec::new(),
        blast: Blast::default(),
        dry_run: DryRun {
            grade: Grade::A,
            verdict: DryVerdict::Accepted,
            notes: Vec::new(),
        },
        preconditions: Vec::new(),
        made_at: now(),
        server_ahead_secs: None,
    }
}

pub(super) fn burning(short: f64, long: f64, age_secs: u64) -> Reading<BurnReading> {
    Reading::Known {
        value: BurnReading {
            slo: Untrusted::line("availability"),
            short,
            long,
        },
        age: Duration::from_secs(age_secs),
    }
}

pub(super) fn facts(burn: Reading<BurnReading>) -> PolicyFacts {
    PolicyFacts {
        now: now(),
        burn,
        last_action: None,
        roles: Vec::new(),
    }
}

pub(super) fn unknown() -> Reading<BurnReading> {
    Reading::Unknown(Untrusted::line("no SLO is measured"))
}

pub(super) fn rule(id: &str, level: Level, deny_if: &[&str]) -> Rule {
    Rule {
        id: id.to_owned(),
        level: Some(level),
        deny_if: deny_if
            .iter()
            .map(|text| Comparison::parse(text).unwrap())
            .collect(),
        ..Rule::default()
    }
}

pub(super) fn policy(rules: Vec<Rule>) -> Policy {
    Policy {
        rules,
        ..Policy::built_in("test", Vec::new())
    }
}

/// The verdict of one rule, with its words.
fn said(rule: Rule, plan: &Plan, facts: &PolicyFacts) -> (RuleVerdict, String) {
    let judged = policy(vec![rule]).judge(plan, facts);
    assert_eq!(judged.findings.len(), 1, "{:?}", judged.findings);
    assert_eq!(judged.findings[0].verdict, judged.verdict);
    (judged.verdict, judged.findings[0].words.shown().to_owned())
}

#[test]
fn a_burn_denies_what_adds_risk_and_nothing_else() {
    let burns = || rule("burn", Level::Hard, &["burn.short > 2.0"]);
    let hot = facts(burning(14.6, 3.0, 4));
    let words = "burn.short is 14.6, 4s old (availability)";
    let of = |direction| said(burns(), &plan(Risk::R1, direction), &hot);
    assert_eq!(
        of(Direction::Adds),
        (Denies, format!("{words}; denied above 2"))
    );
    assert_eq!(
        of(Direction::Reduces),
        (Passes, format!("{words}: this reduces risk, so it passes"))
    );
    assert_eq!(
        of(Direction::Neutral),
        (Passes, format!("{words}: this adds no risk, so it passes"))
    );
    let cool = facts(burning(2.0, 3.0, 4));
    let (verdict, words) = said(burns(), &plan(Risk::R1, Direction::Adds), &cool);
    assert_eq!(verdict, Passes);
    assert_eq!(
        words,
        "burn.short is 2, 4s old (availability); passes up to 2"
    );
}

#[test]
fn what_is_unknown_stale_or_contradictory_denies_what_adds_risk_and_is_said_of_the_rest() {
    let contradictory = Reading::Contradictory(Untrusted::line("prom-1 says 9, prom-2 says 1"));
    let no_number = burning(f64::NAN, 1.0, 4);
    let inputs = [
        (unknown(), "no SLO is measured"),
        (contradictory, "prom-1 says 9, prom-2 says 1"),
        (burning(0.1, 0.1, 121), "older than 2m"),
        (no_number, "is no number"),
    ];
    for (burn, why) in inputs {
        for (direction, expected) in [
            (Direction::Adds, Denies),
            (Direction::Reduces, Warns),
            (Direction::Neutral, Warns),
        ] {
            let burns = rule("burn", Level::Hard, &["burn.short > 2.0"]);
            let (verdict, words) = said(burns, &plan(Risk::R1, direction), &facts(burn.clone()));
            assert_eq!(verdict, expected, "{burn:?} {direction:?}");
            assert!(words.contains(why), "{words}");
        }
    }
    let on_time = facts(burning(0.1, 0.1, 120));
    let burns = rule("burn", Level::Hard, &["burn.short > 2.0"]);
    let adds = plan(Risk::R1, Direction::Adds);
    assert_eq!(said(burns, &adds, &on_time).0, Passes);
}

#[test]
fn a_rule_says_itself_how_old_the_burn_may_be() {
    let judged = |bound: &str, age, direction| {
        let deny_if = ["burn.short > 2.0", bound];
        let burns = rule("burn", Level::Hard, &deny_if);
        let facts = facts(burning(0.1, 0.1, age));
        said(burns, &plan(Risk::R1, direction), &facts).0
    };
    assert_eq!(judged("input.age > 30s", 30, Direction::Adds), Passes);
    assert_eq!(judged("input.age > 30s", 31, Direction::Adds), Denies);
    assert_eq!(judged("input.age > 30s", 31, Direction::Reduces), Warns);
    assert_eq!(judged("input.age > 10m", 500, Direction::Adds), Passes);
    assert_eq!(judged("input.age > 10m", 601, Direction::Adds), Denies);
}

pub(super) fn once(name: &str, kind: WindowKind, from: &str, until: &str) -> Window {
    Window {
        name: name.to_owned(),
        kind,
        times: WindowTimes::Once {
            from: t(from),
            until: t(until),
        },
        zone: Tz::Europe__Berlin,
    }
}

fn frozen(deny_if: &str, window: Window) -> Policy {
    Policy {
        windows: vec![window],
        ..policy(vec![rule("window", Level::Hard, &[deny_if])])
    }
}

#[test]
fn a_freeze_lets_through_what_reduces_risk() {
    let sale = once(
        "sale",
        WindowKind::Freeze,
        "2026-11-20T00:00:00Z",
        "2026-11-27T00:00:00Z",
    );
    for asked in ["window.freeze", "window.sale"] {
        let policy = frozen(asked, sale.clone());
        let words = format!("{asked} is open (sale until 2026-11-27 01:00 CET)");
        for (direction, verdict, end) in [
            (Direction::Adds, Denies, "; denied while it is open"),
            (
                Direction::Reduces,
                Passes,
                ": this reduces risk, so it passes",
            ),
        ] {
            let judged = policy.judge(&plan(Risk::R1, direction), &facts(unknown()));
            assert_eq!(judged.verdict, verdict);
            assert_eq!(judged.findings[0].words.shown(), format!("{words}{end}"));
        }
    }
    let nobody = frozen("window.sail", sale);
    let judged = nobody.judge(&plan(Risk::R1, Direction::Adds), &facts(unknown()));
    assert_eq!(judged.verdict, Denies);
}

#[test]
fn a_freeze_counts_by_our_clock_and_by_the_servers() {
    let sale = once(
        "sale",
        WindowKind::Freeze,
        "2026-11-20T12:00:10Z",
        "2026-11-27T00:00:00Z",
    );
    let judged = |ahead| {
        let adds = Plan {
            server_ahead_secs: ahead,
            ..plan(Risk::R1, Direction::Adds)
        };
        frozen("window.freeze", sale.clone()).judge(&adds, &facts(unknown()))
    };
    assert_eq!(judged(None).verdict, Passes);
    assert_eq!(judged(Some(9)).verdict, Passes);
    let inside = judged(Some(10));
    assert_eq!(inside.verdict, Denies);
    let words = inside.findings[0].words.shown();
    assert!(words.contains("by the server's clock"), "{words}");
    // Ours is inside, theirs is not yet: inside.
    let begun = once(
        "sale",
        WindowKind::Freeze,
        "2026-11-20T11:59:50Z",
        "2026-11-27T00:00:00Z",
    );
    let late = Plan {
        server_ahead_secs: Some(-20),
        ..plan(Risk::R1, Direction::Adds)
    };
    let judged = frozen("window.freeze", begun).judge(&late, &facts(unknown()));
    assert_eq!(judged.verdict, Denies);
    // A server far in the future of all calendars changes nothing that we know.
    let mad = Plan {
        server_ahead_secs: Some(i64::MAX),
        ..plan(Risk::R1, Direction::Adds)
    };
    let open = frozen("window.freeze", sale).judge(&mad, &facts(unknown()));
    assert_eq!(open.verdict, Passes);
}

#[test]
fn work_that_needs_a_maintenance_window_needs_it_by_both_clocks() {
    let night = once(
        "night",
        WindowKind::Maintenance,
        "2026-11-20T12:00:00Z",
        "2026-11-20T14:00:00Z",
    );
    let judged = |ahead| {
        let neutral = Plan {
            server_ahead_secs: Some(ahead),
            ..plan(Risk::R2, Direction::Neutral)
        };
        let policy = frozen("not window.maintenance", night.clone());
        policy.judge(&neutral, &facts(unknown())).verdict
    };
    assert_eq!(judged(0), Passes);
    assert_eq!(judged(-1), Denies);
}

#[test]
fn what_no_rule_is_about_is_denied() {
    let prod = Rule {
        matches: RuleMatch {
            env: Some("prod".to_owned()),
            risks: vec![Risk::R0, Risk::R1],
            ..RuleMatch::default()
        },
        ..rule("prod", Level::Hard, &[])
    };
    let policy = policy(vec![prod]);
    let of = |plan: &Plan| policy.judge(plan, &facts(unknown()));
    assert_eq!(of(&plan(Risk::R1, Direction::Adds)).verdict, Passes);
    let judged = of(&plan(Risk::R2, Direction::Adds));
    assert_eq!(judged.verdict, Denies);
    assert_eq!(judged.findings.len(), 1);
    assert_eq!(
        judged.findings[0].words.shown(),
        "no rule of test is about k8s.scale on shop/deployment/cart (R2, adds): what no rule is about is \
         denied"
    );
    let why = policy.unmatched(&plan(Risk::R2, Direction::Adds));
    assert_eq!(why[0].1, "its risk is R2, not R0 or R1");
    // One target is covered, the other is not.
    let mut both = plan(Risk::R1, Direction::Adds);
    both.targets.push(target("staging", "shop", "cart"));
    let judged = of(&both);
    assert_eq!((judged.findings.len(), judged.verdict), (2, Denies));
    let mut nothing = plan(Risk::R1, Direction::Adds);
    nothing.targets.clear();
    assert_eq!(of(&nothing).verdict, Denies);
}

#[test]
fn a_rule_of_a_namespace_meets_what_touches_it() {
    let about = RuleMatch {
        namespace: Some("payments".to_owned()),
        ..RuleMatch::default()
    };
    let mut drain = plan(Risk::R2, Direction::Neutral);
    drain.targets[0].namespace = None;
    assert_eq!(
        about.mismatch(&drain).unwrap(),
        "no target has namespace `payments`"
    );
    drain.blast.namespaces = vec![Untrusted::line("shop"), Untrusted::line("payments")];
    assert_eq!(about.mismatch(&drain), None);
    assert!(!about.covers(&drain, &drain.targets[0]));
}

#[test]
fn names_of_actions_may_end_in_a_star() {
    let about = |patterns: &[&str]| RuleMatch {
        actions: patterns.iter().map(|p| (*p).to_owned()).collect(),
        ..RuleMatch::default()
    };
    let scale = plan(Risk::R1, Direction::Adds);
    for (patterns, is_met) in [
        (&["k8s.scale"][..], true),
        (&["k8s.*"], true),
        (&["silence.*", "k8s.sc*"], true),
        (&["*"], true),
        (&["k8s.scal"], false),
        (&["silence.*"], false),
    ] {
        let mismatch = about(patterns).mismatch(&scale);
        assert_eq!(mismatch.is_none(), is_met, "{patterns:?}");
    }
}

#[test]
fn a_soft_denial_does_not_stand_before_a_hard_one() {
    let adds = plan(Risk::R1, Direction::Adds);
    let hot = facts(burning(9.0, 9.0, 1));
    let verdict = |levels: &[Level]| {
        let rules = levels.iter();
        let rules = rules.map(|level| rule("burn", *level, &["burn.short > 2.0"]));
        policy(rules.collect()).judge(&adds, &hot).verdict
    };
    assert_eq!(verdict(&[Level::Advisory]), Warns);
    assert_eq!(verdict(&[Level::Advisory, Level::Soft]), DeniesSoftly);
    assert_eq!(verdict(&[Level::Soft, Level::Hard]), Denies);
    assert_eq!(verdict(&[Level::Hard, Level::Soft]), Denies);
    // Without a level it is hard.
    let plain = Rule {
        level: None,
        ..rule("burn", Level::Soft, &["burn.short > 2.0"])
    };
    assert_eq!(said(plain, &adds, &hot).0, Denies);
}

#[test]
fn demands_and_limits_join_to_the_strictest() {
    let one = Rule {
        require: Require {
            approvals: 2,
            reason: true,
            ..Require::default()
        },
        limits: Limits {
            targets: Some(9),
            batch: Some(2),
            cooldown: Some(Duration::from_mins(1)),
            ..Limits::default()
        },
        ..rule("one", Level::Hard, &[])
    };
    let other = Rule {
        require: Require {
            approvals: 1,
            role: Some("sre".to_owned()),
            typed_name: true,
            ..Require::default()
        },
        limits: Limits {
            targets: Some(3),
            cooldown: Some(Duration::from_mins(10)),
            ..Limits::default()
        },
        verify: VerifyRule {
            soak: Some(Duration::from_mins(5)),
            ..VerifyRule::default()
        },
        ..rule("other", Level::Hard, &[])
    };
    let mut adds = plan(Risk::R1, Direction::Adds);
    adds.request.occasion.reason = Some(Untrusted::line("sale"));
    let judged = policy(vec![one, other]).judge(&adds, &facts(unknown()));
    assert_eq!(judged.verdict, Passes);
    let require = Require {
        approvals: 2,
        role: Some("sre".to_owned()),
        reason: true,
        typed_name: true,
        ..Require::default()
    };
    assert_eq!(judged.require, require);
    let limits = Limits {
        targets: Some(3),
        batch: Some(2),
        cooldown: Some(Duration::from_mins(10)),
        ..Limits::default()
    };
    assert_eq!(judged.limits, limits);
    assert_eq!(judged.verify.soak, Some(Duration::from_mins(5)));
}

#[test]
fn approvals_of_two_roles_cannot_be_one_list() {
    let wants = |id: &str, role: &str| Rule {
        require: Require {
            approvals: 1,
            role: Some(role.to_owned()),
            ..Require::default()
        },
        ..rule(id, Level::Hard, &[])
    };
    let adds = plan(Risk::R1, Direction::Adds);
    let judged =
        policy(vec![wants("a", "sre"), wants("b", "lead")]).judge(&adds, &facts(unknown()));
    assert_eq!(judged.verdict, Denies);
    let judged = policy(vec![wants("a", "sre"), wants("b", "sre")]).judge(&adds, &facts(unknown()));
    assert_eq!(judged.verdict, Passes);
}

#[test]
fn what_goes_beyond_a_limit_is_denied() {
    let limited = |limits: Limits| Rule {
        limits,
        ..rule("limits", Level::Hard, &[])
    };
    let reduces = plan(Risk::R1, Direction::Reduces);
    let two = Plan {
        targets: vec![target("prod", "shop", "a"), target("prod", "pay", "b")],
        blast: Blast {
            count: Some(11),
            of: Some(100),
            ..Blast::default()
        },
        ..plan(Risk::R1, Direction::Reduces)
    };
    let cases = [
        (
            Limits {
                targets: Some(1),
                ..Limits::default()
            },
            "targets 2 of at most 1",
        ),
        (
            Limits {
                percent: Some(10),
                ..Limits::default()
            },
            "percent 11% of at most 10%",
        ),
        (
            Limits {
                count: Some(10),
                ..Limits::default()
            },
            "count 11 of at most 10",
        ),
        (
            Limits {
                namespaces: Some(1),
                ..Limits::default()
            },
            "namespaces 2 of at most 1",
        ),
    ];
    for (limits, words) in cases {
        let found = said(limited(limits.clone()), &two, &facts(unknown()));
        assert_eq!(found, (Denies, words.to_owned()));
        // One target of an unknown share and count.
        let expected = if limits.percent.is_some() || limits.count.is_some() {
            Warns
        } else {
            Passes
        };
        let found = said(limited(limits), &reduces, &facts(unknown()));
        assert_eq!(found.0, expected, "{}", found.1);
    }
    let adds = plan(Risk::R1, Direction::Adds);
    let share = Limits {
        percent: Some(10),
        ..Limits::default()
    };
    assert_eq!(said(limited(share), &adds, &facts(unknown())).0, Denies);
}

#[test]
fn a_target_rests_between_two_actions() {
    let resting = || Rule {
        limits: Limits {
            cooldown: Some(Duration::from_mins(10)),
            ..Limits::default()
        },
        ..rule("rest", Level::Hard, &[])
    };
    let verdict = |last: Option<i64>| {
        let facts = PolicyFacts {
            last_action: last.map(|secs| now() - TimeDelta::seconds(secs)),
            ..facts(unknown())
        };
        said(resting(), &plan(Risk::R1, Direction::Adds), &facts).0
    };
    assert_eq!(verdict(None), Passes);
    assert_eq!(verdict(Some(600)), Passes);
    assert_eq!(verdict(Some(599)), Denies);
    // A clock was set back since.
    assert_eq!(verdict(Some(-5_000)), Denies);
}

#[test]
fn a_silence_is_not_too_long() {
    let verdict = |action: &str, duration: &str| {
        let mut silence = plan(Risk::R1, Direction::Neutral);
        silence.request.action = action.to_owned();
        let given = ("duration".to_owned(), duration.to_owned());
        silence.request.parameters.extend([given]);
        said(
            Policy::cautious().rules.swap_remove(1),
            &silence,
            &facts(unknown()),
        )
        .0
    };
    assert_eq!(verdict("silence.create", "4h"), Passes);
    assert_eq!(verdict("silence.create", "4h1s"), Denies);
    assert_eq!(verdict("silence.extend", "5h"), Denies);
    assert_eq!(verdict("silence.create", "long"), Denies);
    assert_eq!(verdict("k8s.scale", "5h"), Passes);
}

#[test]
fn what_is_missing_is_said_with_what_to_do() {
    let demanding = || Rule {
        require: Require {
            requester_role: Some("operator".to_owned()),
            reason: true,
            ticket: true,
            ..Require::default()
        },
        because: Some("audit".to_owned()),
        ..rule("demands", Level::Hard, &[])
    };
    let mut asked = plan(Risk::R1, Direction::Reduces);
    asked.request.occasion.reason = Some(Untrusted::line("  "));
    let mut facts = facts(unknown());
    let (verdict, words) = said(demanding(), &asked, &facts);
    assert_eq!(verdict, Denies);
    assert_eq!(
        words,
        "it takes the role `operator`, you have none: [roles] of the policy says who has it; a reason is \
         missing: give one with --reason; a ticket is missing: give one with --ticket: audit"
    );
    asked.request.occasion.reason = Some(Untrusted::line("errors"));
    asked.request.occasion.ticket = Some(Untrusted::line("OPS-1"));
    facts.roles = vec!["operator".to_owned()];
    assert_eq!(said(demanding(), &asked, &facts).0, Passes);
}

#[test]
fn a_mode_decides_how_serious_a_denial_is() {
    let judged = |mode| {
        let policy = Policy {
            mode,
            ..policy(vec![rule("burn", Level::Hard, &["burn.short > 2.0"])])
        };
        let hot = facts(burning(9.0, 9.0, 1));
        let judged = policy.judge(&plan(Risk::R1, Direction::Adds), &hot);
        assert_eq!(judged.mode, mode);
        (judged.verdict, judged.findings[0].verdict)
    };
    assert_eq!(judged(Mode::Enforce), (Denies, Denies));
    assert_eq!(judged(Mode::Observe), (Denies, Denies));
    assert_eq!(judged(Mode::Warn), (Warns, Warns));
}

#[test]
fn the_built_in_policies_do_what_they_promise() {
    let calm = facts(burning(0.2, 0.2, 3));
    let mut asked = plan(Risk::R2, Direction::Neutral);
    asked.request.occasion.reason = Some(Untrusted::line("errors"));
    for (risk, approvals, typed_name) in [
        (Risk::R0, 0, false),
        (Risk::R1, 0, false),
        (Risk::R2, 1, false),
        (Risk::R3, 2, true),
    ] {
        asked.risk = risk;
        let judged = Policy::cautious().judge(&asked, &calm);
        assert_eq!(judged.verdict, Passes, "{:?}", judged.findings);
        let require = judged.require;
        assert_eq!(
            (require.approvals, require.typed_name),
            (approvals, typed_name)
        );
    }
    let adds = plan(Risk::R1, Direction::Adds);
    let blind = Policy::cautious().judge(&adds, &facts(unknown()));
    assert_eq!(blind.verdict, DeniesSoftly);
    let watched = Policy::observe().judge(&adds, &calm);
    assert_eq!((watched.mode, watched.verdict), (Mode::Observe, Denies));
}

#[test]
fn hostile_names_are_shown_harmless() {
    let mut hostile = plan(Risk::R1, Direction::Adds);
    hostile.request.action = "\u{1b}[2J".to_owned();
    hostile.targets[0].name = Untrusted::line("a\u{202e}b");
    let evil = Rule {
        because: Some("\u{1b}]0;x\u{7}".to_owned()),
        ..rule("\u{1b}", Level::Hard, &["burn.short > 1", "window.\u{1b}"])
    };
    for rules in [vec![evil], Vec::new()] {
        let judged = policy(rules).judge(&hostile, &facts(unknown()));
        for finding in judged.findings {
            let all = format!("{}{}", finding.rule.shown(), finding.words.shown());
            let is_bad = |c: char| c.is_control() || c == '\u{202e}';
            assert!(!all.contains(is_bad), "{all:?}");
        }
    }
}
