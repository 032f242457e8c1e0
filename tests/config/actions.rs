//! What may be done: the policy, its file, and everything that the config says of acting.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use quell::config::actions::{ActionSettings, Anchor, Carrier};
use quell::config::overrides::Values;
use quell::config::policy::load_policy;
use quell::config::{Overrides, load};
use quell::domain::action::{Direction, Need, ParameterKind, Risk};
use quell::domain::policy::{Level, Mode, Revert, WindowKind, WindowTimes};

use super::{flags, is_harmless, load_file, load_text, paths, without_file};

const FILES: &str = "tests/fixtures/config";
const POLICIES: &str = "tests/fixtures/policy";

fn good() -> ActionSettings {
    let file = Path::new(FILES).join("good/actions.toml");
    load_file(&file).unwrap().settings.actions
}

fn here(path: &str) -> PathBuf {
    std::path::absolute(Path::new(FILES).join(path)).unwrap()
}

#[test]
fn every_key_of_acting_has_its_effect() {
    let actions = good();
    assert_eq!(actions.panic_file, Some("/run/quell/PANIC".into()));
    assert_eq!(actions.lease_namespace.as_deref(), Some("quell"));
    let approvals = &actions.approvals;
    // The list of signers stands beside the policy that names it.
    let signers = approvals.allowed_signers.as_ref().unwrap();
    assert!(signers.ends_with("policy/allowed_signers"), "{signers:?}");
    assert_eq!(approvals.revoked_keys, Some(here("good/revoked")));
    let key = Some("/home/mara/.ssh/id_ed25519.pub".into());
    assert_eq!(approvals.signing_key, key);
    assert_eq!(approvals.identity.as_deref(), Some("mara@example.org"));
    assert_eq!(approvals.folder, Some("/srv/approvals".into()));
    assert_eq!(approvals.carrier, Carrier::Git);
    let anchors = [
        Anchor::Syslog,
        Anchor::File("/mnt/witness/quell".into()),
        Anchor::Git("/home/mara/witness".into()),
    ];
    assert_eq!(actions.journal.anchors, anchors);
    assert_eq!(actions.journal.path, Some("/var/lib/quell/journal".into()));
    let terraform = actions.terraform.as_ref().unwrap();
    assert_eq!(terraform.program, Path::new("/usr/local/bin/tofu"));
    assert_eq!(
        terraform.directories,
        [here("good/infra"), "/home/mara/network".into()]
    );
    assert_eq!(terraform.pass, ["AWS_PROFILE"]);
    assert_eq!(terraform.timeout, Duration::from_mins(30));
}

#[test]
fn every_key_of_what_can_be_done_has_its_effect() {
    let actions = good();
    // The one of the other environment has the same name and is not on show.
    let [plane] = actions.control_planes.as_slice() else {
        panic!("{:?}", actions.control_planes);
    };
    assert_eq!(
        plane.endpoint.url.as_str(),
        "https://telemetry.example.org/api/"
    );
    assert_eq!(plane.openapi, Some(here("good/telemetry.yaml")));
    assert_eq!(plane.allow, ["restartCollector"]);
    let set = &plane.operations[0];
    assert_eq!(
        (set.method.as_str(), set.within),
        ("PUT", Duration::from_secs(30))
    );
    assert_eq!(set.dry_run.as_deref(), Some("dryRun=true"));
    assert_eq!(set.precondition_header.as_deref(), Some("If-Match"));
    assert_eq!(set.idempotency_header.as_deref(), Some("Idempotency-Key"));
    assert_eq!(set.read.as_ref(), Some(&set.path));
    assert_eq!(set.verify, [("/mib".to_owned(), "{mib}".to_owned())]);
    let (operation, with) = set.reverse.as_ref().unwrap();
    assert_eq!((operation, with.len()), (&set.name, 2));
    assert_eq!((set.risk, set.direction), (Risk::R1, Direction::Reduces));
    let kinds: Vec<_> = set
        .parameters
        .iter()
        .map(|p| (&*p.name, &p.kind, p.need))
        .collect();
    let integer = ParameterKind::Integer { min: -1, max: 4096 };
    let choice = ParameterKind::Choice(vec!["fast".to_owned(), "slow".to_owned()]);
    assert!(kinds.contains(&("cluster", &ParameterKind::Text, Need::Required)));
    assert!(kinds.contains(&("mib", &integer, Need::Required)));
    assert!(kinds.contains(&("mode", &choice, Need::Optional)));
    // What says nothing of itself is as bad as it can be.
    let drop = &plane.operations[1];
    assert_eq!((drop.risk, drop.direction), (Risk::R3, Direction::Adds));
    let [command] = actions.commands.as_slice() else {
        panic!("{:?}", actions.commands);
    };
    assert!(command.sha256.starts_with("e3b0"));
    assert_eq!(command.arguments, ["--zone={zone}"]);
    assert_eq!(command.dry_run.as_ref().unwrap().len(), 2);
    assert_eq!(
        (command.risk, command.timeout),
        (Risk::R2, Duration::from_secs(30))
    );
    assert_eq!(command.environment, [("TZ".to_owned(), "UTC".to_owned())]);
}

#[test]
fn every_key_of_a_policy_has_its_effect() {
    let policy = good().policy.unwrap();
    assert_eq!(policy.mode, Mode::Enforce);
    assert!(policy.name.shown().ends_with("policy/shop.toml"));
    assert!(policy.version.shown().starts_with("sha256:"));
    assert_eq!(policy.version.shown().len(), "sha256:".len() + 12);
    assert_eq!(policy.override_role.as_deref(), Some("lead"));
    assert_eq!(policy.break_glass_role.as_deref(), Some("lead"));
    assert_eq!(
        policy.roles_of("joon@example.org"),
        ["lead", "operator", "sre"]
    );
    let [sale, weekend, night] = policy.windows.as_slice() else {
        panic!("{:?}", policy.windows);
    };
    let once = WindowTimes::Once {
        from: "2026-11-26T23:00:00Z".parse().unwrap(),
        until: "2026-11-30T23:00:00Z".parse().unwrap(),
    };
    assert_eq!((sale.kind, &sale.times), (WindowKind::Freeze, &once));
    assert!(weekend.is_open("2026-11-22T22:59:59Z".parse().unwrap()));
    assert!(!weekend.is_open("2026-11-22T23:00:00Z".parse().unwrap()));
    assert_eq!(night.kind, WindowKind::Maintenance);
    assert!(night.is_open("2026-11-22T01:30:00Z".parse().unwrap()));
    let first = &policy.rules[0];
    assert_eq!(
        (first.id.as_str(), first.level),
        ("prod-adds-risk", Some(Level::Soft))
    );
    assert_eq!(first.matches.direction, Some(Direction::Adds));
    let written: Vec<String> = first.deny_if.iter().map(ToString::to_string).collect();
    assert_eq!(
        written,
        [
            "burn.short > 2",
            "burn.long > 1.5",
            "window.freeze",
            "input.age > 1m"
        ]
    );
    assert_eq!(first.because.as_deref(), Some("first make it stop burning"));
    assert_eq!(
        (first.require.approvals, first.require.role.as_deref()),
        (1, Some("sre"))
    );
    assert!(first.require.reason && first.require.ticket && !first.require.typed_name);
    assert_eq!(
        (first.limits.targets, first.limits.percent),
        (Some(3), Some(10))
    );
    assert_eq!(first.limits.cooldown, Some(Duration::from_mins(10)));
    assert_eq!(
        (first.limits.batch, first.limits.max_failures),
        (Some(1), Some(1))
    );
    assert_eq!(first.verify.soak, Some(Duration::from_mins(5)));
    assert_eq!(first.verify.revert, Revert::Auto);
    let second = &policy.rules[1];
    assert_eq!((second.level, second.matches.risks.len()), (None, 3));
    assert_eq!(second.require.requester_role.as_deref(), Some("operator"));
    assert_eq!(second.limits.silence, Some(Duration::from_hours(4)));
    assert_eq!(policy.rules[3].matches.actions.len(), 2);
}

#[test]
fn a_bad_policy_is_told_with_line_caret_and_next_step() {
    for name in ["bad_rules", "bad_windows"] {
        let file = Path::new(POLICIES).join(format!("{name}.toml"));
        let home = paths(Path::new("/home/mara"));
        let errors = load_policy(&file, &home).unwrap_err();
        assert!(
            errors
                .problems
                .iter()
                .all(|p| p.hint.is_some() && p.line.is_some())
        );
        assert!(is_harmless(&errors.to_string()));
        insta::assert_snapshot!(format!("policy_{name}"), errors.to_string());
    }
}

#[test]
fn a_bad_policy_is_no_policy_and_no_fallback() {
    let bad = here("../policy/bad_windows.toml");
    let text = format!("[actions]\npolicy = {bad:?}\npanic = 1\n");
    let errors = load_text(&text, Values::default()).unwrap_err();
    let files: Vec<_> = errors
        .problems
        .iter()
        .filter_map(|p| p.file.clone())
        .collect();
    assert!(
        files.iter().any(|file| file.ends_with("config.toml")),
        "{files:?}"
    );
    assert!(
        files.iter().any(|file| file.ends_with("bad_windows.toml")),
        "{files:?}"
    );
    let summary = errors.to_string();
    let summary = summary.lines().last().unwrap();
    assert!(summary.contains("config.toml and "), "{summary}");
    let syntax = tempfile::NamedTempFile::new().unwrap();
    fs::write(syntax.path(), "[[rule]\nid = 1").unwrap();
    for path in [syntax.path(), Path::new("/nowhere/policy.toml")] {
        let values = Values {
            policy: Some(path.to_str().unwrap().to_owned()),
            ..Values::default()
        };
        let errors = without_file(values.clone()).unwrap_err().to_string();
        assert!(errors.contains(path.to_str().unwrap()), "{errors}");
        // Who only looks is not kept out by it.
        let looking = Values {
            read_only: true,
            ..values
        };
        assert!(
            without_file(looking)
                .unwrap()
                .settings
                .actions
                .policy
                .is_none()
        );
    }
}

#[test]
fn nothing_may_be_done_unless_somebody_says_so() {
    let policy = |text: &str, flag: Option<&str>, read_only| {
        let values = Values {
            policy: flag.map(ToOwned::to_owned),
            read_only,
            ..Values::default()
        };
        let loaded = load_text(text, values).unwrap();
        loaded
            .settings
            .actions
            .policy
            .map(|p| p.name.shown().to_owned())
    };
    let (observe, cautious) = (
        Some("builtin:observe".into()),
        Some("builtin:cautious".into()),
    );
    assert_eq!(policy("", None, false), None);
    assert_eq!(policy("[journal]\n[approvals]\n", None, false), None);
    assert_eq!(policy("[actions]\n", None, false), observe);
    let text = "[actions]\npolicy = \"builtin:cautious\"\n";
    assert_eq!(policy(text, None, false), cautious);
    assert_eq!(policy("", Some("builtin:cautious"), false), cautious);
    assert_eq!(policy(text, Some("builtin:observe"), false), observe);
    assert_eq!(policy(text, Some("builtin:cautious"), true), None);
    let variables = |name: &str| {
        let value = match name {
            "QUELL_READ_ONLY" => "1",
            "QUELL_POLICY" => "builtin:cautious",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let root = tempfile::tempdir().unwrap();
    let loaded = load(
        &Overrides::new(Values::default(), variables),
        &paths(root.path()),
        &[],
    );
    assert!(loaded.unwrap().settings.actions.policy.is_none());
}

#[test]
fn an_unknown_built_in_policy_of_a_flag_is_named() {
    let values = Values {
        policy: Some("builtin:cautios".to_owned()),
        ..Values::default()
    };
    let root = tempfile::tempdir().unwrap();
    let errors = load(&flags(values), &paths(root.path()), &[]).unwrap_err();
    let text = errors.to_string();
    assert!(
        text.contains("--policy `builtin:cautios`: unknown policy"),
        "{text}"
    );
    assert!(text.contains("did you mean `builtin:cautious`?"), "{text}");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        failure_persistence: None,
        ..Default::default()
    })]

    /// Whatever happens to a policy on its way here, it is told, or it is at least as strict a policy as its
    /// text says: never a panic, never what harms a terminal.
    #[test]
    fn no_policy_file_makes_it_fall_over_or_print_what_harms(
        cut in proptest::collection::vec(0_usize..2_000, 0..3),
        foreign in "[\\PC\"'=\\[\\]{}\n\u{1b}\u{202e}]{0,12}",
    ) {
        let mut text = fs::read_to_string(Path::new(POLICIES).join("shop.toml")).unwrap();
        for at in cut {
            let at = text.floor_char_boundary(at.min(text.len()));
            text.insert_str(at, &foreign);
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        if let Err(errors) = load_policy(file.path(), &paths(Path::new("/home/mara"))) {
            proptest::prop_assert!(is_harmless(&errors.to_string()), "{errors}");
            proptest::prop_assert!(errors.problems.iter().all(|p| p.hint.is_some()), "{errors}");
        }
    }
}
