//! `quell policy`: what may be done, and what would be said.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::fs;

use serde_json::Value;

use super::tests::{quell, world};

const SHOP: &str = "tests/fixtures/policy/shop.toml";

async fn run(words: &[&str]) -> (String, String, u8) {
    let root = tempfile::tempdir().unwrap();
    quell(words, &world(root.path())).await
}

async fn json(words: &[&str]) -> Value {
    let (out, err, _) = run(words).await;
    let document: Value = serde_json::from_str(&out).unwrap_or_else(|_| unreachable!("{err}"));
    assert_eq!(document["schema"], "quell.policy/1");
    document
}

#[tokio::test]
async fn without_a_policy_nothing_can_be_asked() {
    let (out, err, status) = run(&["policy", "show"]).await;
    assert!(out.starts_with("Read-only"), "{out}");
    assert_eq!((err.as_str(), status), ("", 0));
    assert!(json(&["policy", "show", "--json"]).await["policy"].is_null());
    let explain = ["policy", "explain", "silence.expire", "id=1"];
    let (out, err, status) = run(&explain).await;
    assert_eq!((out.as_str(), status), ("", 2));
    assert!(err.contains("--policy builtin:cautious"), "{err}");
    let read_only = [
        &explain[..],
        &["--policy", "builtin:cautious", "--read-only"],
    ]
    .concat();
    assert_eq!(run(&read_only).await.2, 2);
}

#[tokio::test]
async fn a_policy_is_shown_whole() {
    let (out, _, status) = run(&["policy", "show", "--policy", SHOP]).await;
    assert_eq!(status, 0);
    insta::assert_snapshot!("policy_show", out);
    let document = json(&["policy", "show", "--policy", SHOP, "--json"]).await;
    let rules = document["policy"]["rules"].as_array().unwrap();
    assert_eq!(rules[0]["require"]["approvals"], 1);
    assert_eq!(rules[0]["limits"]["cooldown_secs"], 600);
    assert_eq!(rules[0]["verify"]["revert"], "auto");
    assert_eq!(document["policy"]["windows"][0]["zone"], "Europe/Berlin");
}

#[tokio::test]
async fn every_rule_explains_itself_matched_or_not() {
    let words = [
        "policy",
        "explain",
        "k8s.rollout.resume",
        "target=shop/deployment/cart",
        "--policy",
        SHOP,
        "--env",
        "prod",
        "--burn-short",
        "14.6",
        "--burn-age",
        "4s",
        "--at",
        "2026-11-28T12:00:00Z",
        "--by",
        "ana@example.org",
    ];
    let (out, err, status) = run(&words).await;
    assert_eq!((err.as_str(), status), ("", 0));
    insta::assert_snapshot!("policy_explain", out);
    let document = json(&[&words[..], &["--json"]].concat()).await;
    assert_eq!(document["verdict"], "denies_softly");
    assert_eq!(document["findings"][0]["rule"], "prod-adds-risk");
    assert_eq!(document["unmatched"][0]["rule"], "prod-for-good");
    assert_eq!(document["require"]["role"], "sre");
    let reduces = [&words[..], &["--direction", "reduces", "--json"]].concat();
    assert_eq!(json(&reduces).await["verdict"], "passes");
}

#[tokio::test]
async fn what_makes_no_sense_is_wrong_usage() {
    let explain = ["policy", "explain", "--policy", "builtin:cautious"];
    for (words, why) in [
        (&["k8s.scal"][..], "did you mean `k8s.scale`?"),
        (&["k8s.scale", "target"], "`target` is no NAME=VALUE"),
        (
            &["silence.expire", "id=1", "--risk", "R7"],
            "`R7` is no risk",
        ),
        (
            &["silence.expire", "id=1", "--at", "soon"],
            "`soon` is no time",
        ),
        (
            &["silence.expire", "id=1", "--last-action", "soon"],
            "is not a duration",
        ),
    ] {
        let (out, err, status) = run(&[&explain[..], words].concat()).await;
        assert_eq!((out.as_str(), status), ("", 2), "{words:?}");
        assert!(err.contains(why), "{words:?}: {err}");
    }
}

#[tokio::test]
async fn a_bad_policy_is_an_error_with_its_place() {
    let bad = "tests/fixtures/policy/bad_rules.toml";
    let (out, err, status) = run(&["policy", "show", "--policy", bad]).await;
    assert_eq!((out.as_str(), status), ("", 2));
    assert!(err.contains("bad_rules.toml:2:8"), "{err}");
}

#[tokio::test]
async fn cases_are_held_against_the_policy() {
    // The folder `tests` beside the policy.
    let (out, err, status) = run(&["policy", "test", "--policy", SHOP]).await;
    assert_eq!((err.as_str(), status), ("", 0), "{out}");
    assert!(out.ends_with("13 cases, as expected\n"), "{out}");
    let failing = "tests/fixtures/policy/failing.toml";
    let (out, _, status) = run(&["policy", "test", failing]).await;
    assert_eq!(status, 1);
    insta::assert_snapshot!("policy_test", out);
    let document = json(&["policy", "test", failing, "--json"]).await;
    assert_eq!(
        (document["passed"].as_u64(), document["failed"].as_u64()),
        (Some(1), Some(3))
    );
    let problem = &document["cases"][0]["problems"][0];
    assert_eq!(problem, "verdict: expected passes, got denies_softly");
}

#[tokio::test]
async fn what_cannot_be_tested_is_wrong_usage() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("cases.toml");
    let path = file.to_str().unwrap();
    for (text, why) in [
        ("", "names no `policy`"),
        ("policy = \"builtin:cautious\"\n", "there is no [[case]]"),
        (
            "policy = \"builtin:cautios\"\n",
            "did you mean `builtin:cautious`?",
        ),
        ("policy = \"gone.toml\"\n", "there is no such file"),
        ("[[case]]\nactoin = \"x\"\n", "actoin"),
        ("[[case]\n", "cases.toml"),
    ] {
        fs::write(&file, text).unwrap();
        let (out, err, status) = run(&["policy", "test", path]).await;
        assert_eq!((out.as_str(), status), ("", 2), "{text}");
        assert!(err.contains(why), "{text}: {err}");
    }
    let (_, err, status) = run(&["policy", "test"]).await;
    assert_eq!(status, 2, "{err}");
    assert_eq!(run(&["policy", "test", "/nowhere"]).await.2, 2);
}
