//! Which statements count for a plan, and which do not?
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::action::{ActionRequest, Direction, Occasion, Requester, Risk};
use crate::domain::check::Evidence;
use crate::domain::plan::{
    Blast, DryRun, DryVerdict, Grade, HttpWrite, Reverse, Seed, Step, Verb, WhenBusy, Write,
};

/// When everything happens.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-21T14:02:00Z".parse().unwrap()
}

/// A plan of mara's: one silence.
pub(crate) fn plan() -> Plan {
    plan_of([7; 16], "maintenance of the node")
}

/// Another one.
pub(crate) fn plan_of(id: [u8; 16], reason: &str) -> Plan {
    let parameters = [("target", "checkout/deployment/checkout-api")];
    let parameters: BTreeMap<String, String> = parameters
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let write = Write::Http(HttpWrite {
        server: "eu-1".into(),
        verb: Verb::Patch,
        path: "/apis/apps/v1/namespaces/checkout/deployments/checkout-api".to_owned(),
        content_type: Some("application/json-patch+json".to_owned()),
        headers: Vec::new(),
        body: "[]".to_owned(),
    });
    let dry_run = DryRun {
        grade: Grade::A,
        verdict: DryVerdict::Accepted,
        notes: Vec::new(),
    };
    Plan {
        seed: Seed {
            id: ActionId::new(id),
            at: now(),
        },
        request: ActionRequest {
            action: "k8s.rollout.undo".to_owned(),
            parameters,
            by: Requester {
                name: Untrusted::line("mara@example.com"),
                host: Untrusted::line("bastion-1"),
            },
            occasion: Occasion {
                reason: Some(Untrusted::line(reason)),
                ..Occasion::default()
            },
        },
        title: Untrusted::line("undo rollout of checkout/deployment/checkout-api"),
        targets: vec![Target {
            env: Some(Untrusted::line("prod")),
            server: "eu-1".into(),
            server_identity: "6f0e8d1c".to_owned(),
            name: Untrusted::line("checkout/deployment/checkout-api"),
            word: Untrusted::line("checkout-api"),
            namespace: Some(Untrusted::line("checkout")),
            service: None,
            uid: Some("1c2d3e4f".to_owned()),
        }],
        steps: vec![Step {
            what: Untrusted::line("patch"),
            target: 0,
            write,
            check: None,
            evidence: Evidence::None(Untrusted::line("no mark")),
            when_busy: WhenBusy::AskAgain,
        }],
        reverse: Reverse::None(Untrusted::line("nothing takes it back")),
        risk: Risk::R2,
        direction: Direction::Reduces,
        differences: Vec::new(),
        blast: Blast::default(),
        dry_run,
        preconditions: Vec::new(),
        made_at: now(),
        server_ahead_secs: None,
    }
}

/// The role `sre` is iris's and ivo's.
pub(crate) fn policy() -> Policy {
    let mut policy = Policy::cautious();
    let holders = ["iris@example.com", "ivo@example.com"].map(str::to_owned);
    policy.roles = vec![("sre".to_owned(), holders.into())];
    policy
}

fn until() -> DateTime<Utc> {
    now() + TimeDelta::minutes(10)
}

fn good() -> Approval {
    Approval {
        statement: Statement::for_plan(&plan(), "iris@example.com", "sre", until()),
        signer: Untrusted::line("iris@example.com"),
        key: Untrusted::line("SHA256:iris"),
    }
}

fn mara() -> RequesterKeys {
    RequesterKeys {
        principals: vec!["mara@example.com".to_owned()],
        keys: vec!["SHA256:mara".to_owned(), "SHA256:mara-2".to_owned()],
    }
}

fn problem(approval: &Approval) -> Option<String> {
    let plan = plan();
    let found = approval.problem(&plan, &plan.digest(), &mara(), &policy(), now());
    found.map(|why| why.to_string())
}

#[test]
fn an_approval_of_exactly_this_plan_by_somebody_else_counts() {
    assert_eq!(problem(&good()), None);
    let mut without_role = good();
    without_role.statement.role.clear();
    assert_eq!(problem(&without_role), None, "the gate asks for the role");
}

#[test]
fn whatever_differs_makes_it_count_for_nothing() {
    type Change = fn(&mut Approval);
    let cases: [(&str, Change, &str); 18] = [
        (
            "schema",
            |a| a.statement.schema = "quell.approval/2".to_owned(),
            "no approval",
        ),
        (
            "another action",
            |a| a.statement.action = ActionId::new([8; 16]),
            "for the action",
        ),
        (
            "another plan",
            |a| a.statement.plan = Digest::of(b"x"),
            "another plan",
        ),
        (
            "a target more",
            |a| a.statement.targets.push("x".to_owned()),
            "targets",
        ),
        ("a target less", |a| a.statement.targets.clear(), "targets"),
        (
            "another uid",
            |a| a.statement.targets[0] = a.statement.targets[0].replace("1c2d", "1c2e"),
            "targets",
        ),
        (
            "another cluster",
            |a| a.statement.targets[0] = a.statement.targets[0].replace("6f0e", "6f0f"),
            "targets",
        ),
        (
            "expired",
            |a| a.statement.expires_at = now(),
            "expired at 14:02:00Z",
        ),
        (
            "too long",
            |a| a.statement.expires_at = now() + TimeDelta::minutes(16),
            "longer than the 15 minutes",
        ),
        (
            "another name than the key's",
            |a| a.statement.approver = "ivo@example.com".to_owned(),
            "signed it",
        ),
        (
            "another case than the key's",
            |a| a.statement.approver = "Iris@example.com".to_owned(),
            "signed it",
        ),
        (
            "a role that they do not have",
            |a| a.statement.role = "admin".to_owned(),
            "does not have the role",
        ),
        (
            "the requester",
            |a| sign_as(a, "mara@example.com"),
            "is who asked",
        ),
        (
            "the requester in another case",
            |a| sign_as(a, "MARA@Example.com"),
            "is who asked",
        ),
        (
            "the requester without domain",
            |a| sign_as(a, "mara"),
            "is who asked",
        ),
        (
            "the requester with a tag",
            |a| sign_as(a, "mara+oncall@example.com"),
            "is who asked",
        ),
        (
            "the requester's second key",
            |a| a.key = Untrusted::line("SHA256:mara-2"),
            "is a key of who asked",
        ),
        (
            "a name that looks like another",
            |a| sign_as(a, "ir\u{456}s@example.com"),
            "no plain ASCII",
        ),
    ];
    for (what, change, why) in cases {
        let mut approval = good();
        change(&mut approval);
        let found = problem(&approval).unwrap_or_else(|| format!("{what} counts"));
        assert!(found.contains(why), "{what}: {found}");
    }
}

fn sign_as(approval: &mut Approval, name: &str) {
    approval.statement.approver = name.to_owned();
    approval.statement.role.clear();
    approval.signer = Untrusted::line(name);
}

#[test]
fn who_asked_is_known_from_the_plan_even_without_any_key() {
    let mut own = good();
    sign_as(&mut own, "mara@example.com");
    let plan = plan();
    let nobody = RequesterKeys::default();
    let found = own.problem(&plan, &plan.digest(), &nobody, &policy(), now());
    assert!(found.unwrap().0.contains("is who asked"));
}

#[test]
fn a_change_of_the_plan_after_the_signature_is_seen() {
    let approval = good();
    let mut changed = plan();
    changed.risk = Risk::R1;
    let found = approval.problem(&changed, &changed.digest(), &mara(), &policy(), now());
    assert!(found.unwrap().0.contains("another plan"));
}

#[test]
fn a_name_is_a_nonce() {
    let id = plan().seed.id;
    assert_eq!(used_up(&id, |_| false), None);
    let found = used_up(&id, |dispatched| *dispatched == id);
    assert!(found.unwrap().0.contains("used up"));
}

#[test]
fn people_count_once() {
    let by = |name: &str, key: &str| {
        let mut approval = good();
        sign_as(&mut approval, name);
        approval.key = Untrusted::line(key);
        approval
    };
    let count = |all: &[(&str, &str)]| {
        let all: Vec<Approval> = all.iter().map(|(name, key)| by(name, key)).collect();
        different_people(&all)
    };
    assert_eq!(count(&[]), 0);
    assert_eq!(count(&[("iris", "1"), ("ivo", "2")]), 2);
    assert_eq!(count(&[("iris", "1"), ("iris", "2")]), 1, "two keys");
    assert_eq!(count(&[("iris", "1"), ("Iris", "2")]), 1, "two spellings");
    assert_eq!(count(&[("iris", "1"), ("ivo", "1")]), 1, "one key");
    let chain = [("iris", "1"), ("ivo", "2"), ("ivo", "1"), ("jan", "3")];
    assert_eq!(count(&chain), 2, "iris and ivo share a key");
}

#[test]
fn a_statement_is_read_from_its_one_text_only() {
    let text = String::from_utf8(good().statement.canonical_bytes()).unwrap();
    assert_eq!(Statement::parse(text.as_bytes()).unwrap(), good().statement);
    assert!(text.starts_with(r#"{"action":"0707"#) && text.ends_with("}\n"));
    let role = r#""role":"sre","#;
    let without_role = text.replace(role, "");
    let cases = [
        ("no line feed", text.trim_end().to_owned()),
        ("another line feed", format!("{text}\n")),
        ("a space", text.replace(r#":"sre""#, r#": "sre""#)),
        ("an escape", text.replace(r#""sre""#, r#""\u0073re""#)),
        ("a key twice", text.replace(role, &role.repeat(2))),
        (
            "a key too many",
            text.replace(role, r#""role":"sre","root":true,"#),
        ),
        ("a key missing", without_role.clone()),
        (
            "keys in another order",
            without_role.replace("{\"action\"", &format!("{{{role}\"action\"")),
        ),
        (
            "another time zone",
            text.replace("14:12:00Z", "15:12:00+01:00"),
        ),
        ("a second statement", text.repeat(2)),
        ("nothing", String::new()),
        ("no object", "[]\n".to_owned()),
        (
            "a path as action",
            text.replace(&"07".repeat(16), "../../x"),
        ),
        ("another schema", text.replace("approval/1", "approval/2")),
    ];
    for (what, text) in cases {
        assert!(Statement::parse(text.as_bytes()).is_err(), "{what}");
    }
}

#[test]
fn a_request_travels_and_is_read_from_its_one_text_only() {
    let plan = plan_of([9; 16], "two\nlines and \u{202e}more");
    let needed = (1, Some("sre".to_owned()));
    let request = ApprovalRequest::for_plan(&plan, None, needed, until());
    let bytes = request.canonical_bytes();
    let read = ApprovalRequest::parse(&bytes).unwrap();
    assert_eq!(read.canonical_bytes(), bytes);
    // Who plans again from it comes to the same.
    let again = Plan {
        request: read.request,
        seed: read.seed,
        ..plan.clone()
    };
    assert_eq!(again.digest(), plan.digest());
    let text = String::from_utf8(bytes).unwrap();
    let hidden = text.replace(r#""target":"#, r#""target":"x","target":"#);
    assert_ne!(hidden, text);
    let why = ApprovalRequest::parse(hidden.as_bytes()).unwrap_err();
    assert!(why.contains("canonically"), "{why}");
}

#[test]
fn limits_are_held_to_the_second() {
    let at = |seconds: i64| {
        let mut approval = good();
        approval.statement.expires_at = now() + TimeDelta::seconds(seconds);
        problem(&approval).is_none()
    };
    let longest = i64::try_from(Duration::from_mins(15).as_secs()).unwrap() + 30;
    assert_eq!(
        [at(0), at(1), at(longest), at(longest + 1)],
        [false, true, true, false]
    );
}

proptest! {
    #[test]
    fn any_other_byte_anywhere_is_another_statement_or_none(at in 0_usize..300, byte in any::<u8>()) {
        let bytes = good().statement.canonical_bytes();
        let at = at % bytes.len();
        let mut other = bytes.clone();
        other[at] = byte;
        prop_assume!(other != bytes);
        if let Ok(read) = Statement::parse(&other) {
            prop_assert_ne!(&read, &good().statement);
            let approval = Approval { statement: read, ..good() };
            prop_assert!(
                problem(&approval).is_some() || approval.statement.expires_at != good().statement.expires_at
            );
        }
    }
}
