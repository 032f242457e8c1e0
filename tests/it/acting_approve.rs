//! Does an action that takes somebody else's approval wait for exactly that? With real keys, a list of
//! signers and a folder, on the simulated platform.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::acting_scene::{Platform, REASON, act, journal};
use crate::cli_scene::{assert_answer, list};
use crate::peers::PATIENCE;
use crate::quell::Quell;

const RESTART: [&str; 4] = [
    "run",
    "k8s.rollout.restart",
    "target=web/deployment/cart",
    "--yes",
];

/// Makes a key and returns its public half.
fn key(quell: &Quell) -> String {
    let path = quell.path("home/id");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    fs::read_to_string(path.with_extension("pub")).unwrap()
}

/// The config by which one of them asks and approves.
fn config(quell: &Quell, signers: &Path, folder: &Path) {
    let text = format!(
        "[actions]\npolicy = \"builtin:cautious\"\n\n\
         [approvals]\nallowed_signers = \"{}\"\nsigning_key = \"{}\"\nfolder = \"{}\"\n",
        signers.display(),
        quell.path("home/id").display(),
        folder.display()
    );
    quell.write("config/quell/config.toml", &text);
}

/// Ada, Bob, and what both see.
fn two() -> (Quell, Quell, tempfile::TempDir) {
    let (ada, bob) = (Quell::new(), Quell::new());
    let shared = tempfile::tempdir().unwrap();
    let folder = shared.path().join("approvals");
    fs::create_dir(&folder).unwrap();
    let signers = shared.path().join("allowed_signers");
    let text = format!("ada@example.org {}bob@example.org {}", key(&ada), key(&bob));
    fs::write(&signers, text).unwrap();
    for one in [&ada, &bob] {
        config(one, &signers, &folder);
    }
    (ada, bob, shared)
}

/// The action for which approval is asked, once it is.
fn asked(quell: &Quell, other_than: &str) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let listed = quell.run(&["approve", "--json"]);
        assert_answer(&listed, 0);
        let document = listed.json();
        let mut ids = list(&document["requests"])
            .iter()
            .map(|one| one["action"].as_str().unwrap());
        if let Some(id) = ids.find(|id| *id != other_than) {
            return id.to_owned();
        }
        assert!(Instant::now() < until, "nobody asks: {document:#}");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn another_person_approves_exactly_this_plan() {
    let platform = Platform::opened(0);
    let (ada, bob, _shared) = two();
    let (adas, bobs) = (platform.cluster(&ada), platform.cluster(&bob));

    // Without waiting it only asks.
    let words = [&RESTART[..], REASON, &["--no-wait", "--json"]].concat();
    let only_asked = act(&ada, &words, &[&adas]);
    assert_eq!(only_asked.code, 4, "{only_asked:?}");
    let document = only_asked.json();
    assert_eq!(document["state"], "awaiting_approval");
    assert_eq!(document["approvals"]["needed"], 1);
    let first = document["id"].as_str().unwrap().to_owned();
    let words = ["approve", &first, "--kubeconfig", &adas[1]];
    let own = ada.run(&words);
    assert_eq!(own.code, 4, "{own:?}");
    assert!(
        own.stderr.contains("somebody else has to approve"),
        "{own:?}"
    );

    // Waiting it goes on by itself.
    let mut running = ada.command();
    running.arg("action").args(RESTART).args(REASON).args(&adas);
    let running = running
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = asked(&bob, &first);
    let looks = bob.run(&["approve", &id, "--json", "--kubeconfig", &bobs[1]]);
    assert_eq!(looks.code, 4, "looking approves nothing: {looks:?}");
    let code = looks.json()["code"].as_str().unwrap().to_owned();
    let wrong = if code == "0000" { "0001" } else { "0000" };
    let approve = |code: &str| {
        let words = [
            "approve",
            &id,
            "--yes",
            "--code",
            code,
            "--kubeconfig",
            &bobs[1],
        ];
        bob.run(&words)
    };
    let refused = approve(wrong);
    assert_eq!(refused.code, 4, "{refused:?}");
    let approved = approve(&code);
    assert_answer(&approved, 0);
    assert!(approved.stdout.contains("bob@example.org"), "{approved:?}");

    let ended = running.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(said.contains("\nverified: "), "{said}");
    assert!(said.contains("asked for approval: 1"), "{said}");
    let kinds = journal(&ada);
    assert!(kinds.contains(&"approval_asked".to_owned()), "{kinds:?}");
    assert_eq!(kinds.last().map(String::as_str), Some("ended"));
}

#[test]
fn the_check_says_what_of_acting_works() {
    let platform = Platform::opened(0);
    let (ada, _bob, shared) = two();
    let cluster = platform.cluster(&ada);
    let check = || {
        let document = ada
            .run(&["check", "--json", &cluster[0], &cluster[1]])
            .json();
        let found = list(&document["checks"]).iter();
        let acting = found.filter(|one| one["area"] == "acting");
        let line = |one: &serde_json::Value| {
            let words = ["subject", "level", "what"].map(|key| one[key].as_str().unwrap());
            words.join(" ")
        };
        acting.map(line).collect::<Vec<String>>()
    };
    let found = check();
    let says = |found: &[String], words: &[&str]| {
        let has = |line: &String| words.iter().all(|word| line.contains(word));
        assert!(found.iter().any(has), "{words:?}: {found:#?}");
    };
    says(&found, &["policy ok builtin:cautious", "enforce"]);
    says(
        &found,
        &["journal warn", "nothing was ever written", "no anchor"],
    );
    says(&found, &["key ok ada@example.org", "no role", "SHA256:"]);
    says(&found, &["approvals ok", "a folder"]);
    says(&found, &["panic ok off"]);

    assert_answer(&ada.run(&["panic", "on"]), 0);
    fs::remove_dir_all(shared.path().join("approvals")).unwrap();
    let found = check();
    says(&found, &["panic warn PANIC is on"]);
    says(&found, &["approvals fail"]);
}
