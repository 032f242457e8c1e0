//! What becomes of an action when the answer to its write is lost, late, broken or a refusal? Rows of the
//! fault table: never sent twice, and always the right verdict, or an honest "in doubt".

use std::time::Duration;

use crate::acting_stage::{CART, Platform, Stage, Turn, refusal, reply, silence, words};
use crate::cli_scene::assert_harmless;

const SCALE: [&str; 3] = ["k8s.scale", "target=web/deployment/cart", "replicas=4"];
const CORDON: [&str; 2] = ["k8s.node.cordon", "node=worker-02"];

/// The replicas that the cart is to have.
fn replicas(platform: &Platform) -> u64 {
    let spec = &platform.object(CART)["spec"];
    spec["replicas"].as_u64().unwrap_or_default()
}

/// Whatever happens to the answer of a write that was done, it is found to be done, and not sent again.
fn a_done_write_is_found_whatever_the_answer(
    turn: impl Fn() -> Turn + Copy + Send + Sync + 'static,
) {
    let platform = Platform::start();
    let stage = Stage::on(&platform);
    platform.kubernetes.on_writes(turn);
    platform.alertmanager.on_writes(turn);

    for (action, effects) in [(&SCALE[..], 1), (&CORDON[..], 2)] {
        let outcome = stage.act(action);
        assert_eq!(outcome.code, 0, "{outcome:?}");
        assert_eq!(platform.kubernetes.writes().len(), effects, "sent once");
        assert_eq!(platform.kubernetes.effects().len(), effects);
    }
    assert_eq!(replicas(&platform), 4);

    let outcome = stage.act(&words(&silence("a")));
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(platform.alertmanager.writes().len(), 1, "sent once");
    assert_eq!(stage.intents().len(), 3, "one intent for each");
}

#[test]
fn a_lost_reply_is_looked_up_and_nothing_is_sent_again() {
    a_done_write_is_found_whatever_the_answer(|| Turn::LoseReply);
}

#[test]
fn half_a_reply_is_looked_up_and_nothing_is_sent_again() {
    a_done_write_is_found_whatever_the_answer(|| Turn::HalfReply);
}

#[test]
fn a_server_error_after_the_write_is_looked_up_and_nothing_is_sent_again() {
    a_done_write_is_found_whatever_the_answer(|| Turn::DoneThen(reply(500, "", "internal error")));
}

#[test]
fn an_answer_after_the_deadline_is_looked_up_and_nothing_is_sent_again() {
    a_done_write_is_found_whatever_the_answer(|| Turn::Late(Duration::from_secs(4)));
}

#[test]
fn a_deletion_whose_answer_is_lost_is_looked_up_and_not_sent_again() {
    let platform = Platform::start();
    let stage = Stage::on(&platform);
    let pods = platform.object("/api/v1/namespaces/checkout/pods");
    let name = pods["items"][0]["metadata"]["name"].as_str();
    let pod = format!("target=checkout/{}", name.unwrap_or_default());
    platform.kubernetes.on_writes(|| Turn::LoseReply);
    let outcome = stage.act(&["k8s.pod.delete", &pod]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let writes = platform.kubernetes.writes();
    let verbs: Vec<&str> = writes.iter().map(|write| &*write.method).collect();
    assert_eq!(verbs, ["DELETE"]);
    assert_eq!(stage.intents().len(), 1);
}

#[test]
fn a_write_that_was_not_done_is_found_not_to_be() {
    let platform = Platform::start();
    let stage = Stage::on(&platform);
    platform
        .kubernetes
        .on_writes(|| Turn::Instead(reply(502, "", "bad gateway")));
    let outcome = stage.act(&SCALE);
    assert_eq!(outcome.code, 4, "{outcome:?}");
    assert_eq!(platform.kubernetes.writes().len(), 1, "not tried again");
    assert_eq!(replicas(&platform), 3);
}

#[test]
fn only_where_nobody_can_know_it_ends_in_doubt() {
    let platform = Platform::start();
    let quell = Stage::with(&platform, "").quell;
    let program = quell.write(
        "home/slow",
        "#!/usr/bin/python3\nimport time\ntime.sleep(60)\n",
    );
    executable(&program);
    let hash = sha256(&program);
    let stage = Stage::with(
        &platform,
        &format!(
            "[[command]]\nname = \"slow\"\nprogram = \"{}\"\nsha256 = \"{hash}\"\ntimeout = \"1s\"\n\
             risk = \"R1\"\ndirection = \"neutral\"\n",
            program.display()
        ),
    );
    let outcome = stage.act(&["command.slow"]);
    assert_eq!(outcome.code, 5, "{outcome:?}");
    assert!(
        outcome.stderr.contains("nobody knows what became of it"),
        "{outcome:?}"
    );
    // It stays so until somebody says what they know.
    let status = stage.quell.run(&["action", "status", "--json"]);
    assert_eq!(status.code, 5, "{status:?}");
    let id = status.json()["in_doubt"][0]["id"].clone();
    let id = id.as_str().unwrap_or_default().to_owned();
    let decided = stage.quell.run(&[
        "action",
        "decide",
        &id,
        "applied",
        "--reason",
        "looked at it",
    ]);
    assert_eq!(decided.code, 0, "{decided:?}");
    let status = stage.quell.run(&["action", "status", "--json"]);
    assert_eq!(status.code, 0, "{status:?}");
    assert_eq!(stage.intents().len(), 1, "started once");
}

#[test]
fn what_the_server_refuses_is_told_in_its_words_and_does_nothing() {
    let cases = [
        (
            403,
            "Forbidden",
            "user vera cannot patch it",
            "cannot patch it",
        ),
        (
            409,
            "Conflict",
            "the object has been modified",
            "has been modified",
        ),
        (
            422,
            "Invalid",
            "the server rejected our request due to an error in our request",
            "422",
        ),
    ];
    for (status, reason, message, wanted) in cases {
        let platform = Platform::start();
        let stage = Stage::on(&platform);
        platform
            .kubernetes
            .on_writes(move || Turn::Instead(refusal(status, reason, message)));
        let outcome = stage.act(&SCALE);
        assert_eq!(outcome.code, 4, "{status}: {outcome:?}");
        // What changed is planned again, which has words of its own behind these.
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(said.contains(wanted), "{status}: {outcome:?}");
        assert_harmless(&outcome.stdout);
        assert_eq!(platform.kubernetes.effects().len(), 0, "{status}");
        assert_eq!(platform.kubernetes.writes().len(), 1, "{status}: sent once");
        assert_eq!(replicas(&platform), 3, "{status}");
    }
}

#[test]
fn a_busy_server_is_asked_again_at_most_three_times() {
    let platform = Platform::start();
    let stage = Stage::on(&platform);
    platform
        .kubernetes
        .on_writes(|| Turn::Instead(reply(429, "Retry-After: 1\r\n", "too many requests")));
    let outcome = stage.act(&SCALE);
    assert_eq!(outcome.code, 4, "{outcome:?}");
    assert!(outcome.stdout.contains("429"), "{outcome:?}");
    let writes = platform.kubernetes.writes();
    assert!((2..=4).contains(&writes.len()), "{writes:?}");
    for pair in writes.windows(2) {
        let pause = pair[1].at - pair[0].at;
        assert!(pause >= Duration::from_secs(1), "asked after {pause:?}");
    }
    assert_eq!(stage.intents().len(), writes.len(), "each is written down");
    assert_eq!(replicas(&platform), 3);
}

/// Makes a file a program.
pub fn executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path, mode).unwrap_or_else(|e| panic!("{e}"));
}

/// What `sha256sum` says.
pub fn sha256(path: &std::path::Path) -> String {
    let output = std::process::Command::new("sha256sum").arg(path).output();
    let output = output.unwrap_or_else(|e| panic!("no sha256sum: {e}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned()
}
