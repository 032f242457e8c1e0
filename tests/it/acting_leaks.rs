//! What gets out of quell while it acts, and what gets in? Rows of the fault table: no shell is started, no
//! secret is kept or shown, nothing hostile reaches a terminal, and clocks that disagree stop what adds risk.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::acting_faults::{executable, sha256};
use crate::acting_stage::{CART, Platform, Stage, Turn, refusal, silence, words};
use crate::cli_scene::assert_harmless;
use crate::quell::{Outcome, PROGRAM};

const SHELLS: [&str; 9] = [
    "sh", "bash", "dash", "ash", "zsh", "ksh", "fish", "busybox", "env",
];

/// The programs that a run of quell starts, itself first.
fn traced(stage: &Stage, arguments: &[&str]) -> (i32, Vec<String>, String) {
    let trace = stage.quell.path("home/trace");
    let quell = stage.quell.command();
    let mut strace = Command::new("strace");
    strace.env_clear().current_dir(stage.quell.path("home"));
    for (name, value) in quell.get_envs() {
        strace.env(name, value.unwrap_or_default());
    }
    strace
        .args(["-f", "-qq", "-e", "trace=execve,execveat", "-o"])
        .arg(&trace)
        .arg(PROGRAM)
        .args(arguments);
    let output = strace.output().unwrap_or_else(|e| panic!("no strace: {e}"));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    let text = fs::read_to_string(&trace).unwrap_or_else(|e| panic!("no trace: {e}: {said}"));
    let started = text
        .lines()
        .filter(|line| line.contains("exec") && line.contains("= 0"));
    // The path, and the name that the program is told.
    let started = started.flat_map(|line| line.split('"').skip(1).step_by(2).take(2));
    let started = started.map(str::to_owned).collect();
    (output.status.code().unwrap_or(-1), started, said)
}

fn assert_no_shell(started: &[String]) {
    for program in started {
        let name = program.rsplit('/').next().unwrap_or_default();
        assert!(!SHELLS.contains(&name), "{started:#?}");
    }
}

/// A key without a passphrase, and its line for the list of signers.
fn key(stage: &Stage, name: &str) -> (String, String) {
    let path = stage.quell.path(&format!("home/{name}"));
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
        .arg(&path)
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    let public = fs::read_to_string(path.with_extension("pub")).unwrap_or_else(|e| panic!("{e}"));
    (
        path.display().to_string(),
        format!("{name}@example.org {public}"),
    )
}

#[test]
fn no_shell_is_started_by_acting_or_approving() {
    let platform = Platform::start();
    let bare = Stage::on(&platform);
    let program = bare
        .quell
        .write("home/tool", "#!/usr/bin/python3\nprint('done')\n");
    executable(&program);
    let (ada, ada_line) = key(&bare, "ada");
    let (bob, bob_line) = key(&bare, "bob");
    let signers = bare
        .quell
        .write("home/signers", &format!("{ada_line}{bob_line}"));
    let folder = bare.quell.path("home/approvals");
    fs::create_dir(&folder).unwrap_or_else(|e| panic!("{e}"));
    let config = |who: &str, key: &str| {
        format!(
            "[[command]]\nname = \"tool\"\nprogram = \"{}\"\nsha256 = \"{}\"\narguments = [\"a; sh -c id\", \"$(id)\"]\n\
             risk = \"R1\"\ndirection = \"neutral\"\n\n[approvals]\nallowed_signers = \"{}\"\nsigning_key = \"{key}\"\n\
             identity = \"{who}@example.org\"\nfolder = \"{}\"\n",
            program.display(),
            sha256(&program),
            signers.display(),
            folder.display()
        )
    };
    let asking = Stage::with(&platform, &config("ada", &ada));
    let approving = Stage::with(&platform, &config("bob", &bob));

    let silence = silence("$(id)`id`;sh -c id");
    for wanted in [words(&silence), vec!["command.tool"]] {
        let run = [&["action", "run", "--yes"], &wanted[..]].concat();
        let (code, started, said) = traced(&asking, &run);
        assert_eq!(code, 0, "{said}");
        assert_eq!(started[0], PROGRAM, "{started:?}");
        assert_no_shell(&started);
    }
    for stage in [&asking, &approving] {
        stage.quell.write(
            "config/quell/policy.toml",
            "[policy]\nmode = \"enforce\"\n\n[roles]\nsre = [\"ada@example.org\", \"bob@example.org\"]\n\n\
             [[rule]]\nid = \"two\"\nlevel = \"hard\"\nrequire = { approvals = 1, role = \"sre\" }\n",
        );
    }
    let cordon = [
        "action",
        "run",
        "--yes",
        "--no-wait",
        "k8s.node.cordon",
        "node=worker-02",
    ];
    let (code, started, said) = traced(&asking, &[&cordon[..], &["--json"]].concat());
    assert_eq!(code, 4, "{said}");
    assert_no_shell(&started);
    let answer: serde_json::Value = said
        .rsplit_once("\n}")
        .and_then(|(json, _)| serde_json::from_str(&format!("{json}}}")).ok())
        .unwrap_or_else(|| panic!("no JSON: {said}"));
    let (id, code) = (&answer["id"], &answer["plan"]["code"]);
    let (id, code) = (
        id.as_str().unwrap_or_default(),
        code.as_str().unwrap_or_default(),
    );
    let (end, started, said) = traced(&approving, &["approve", id, "--yes", "--code", code]);
    assert_eq!(end, 0, "{said}");
    assert!(started.len() > 1, "it had nothing to start: {started:?}");
    assert_no_shell(&started);
}

/// Every file below a folder, with what stands in it.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((
                path.display().to_string(),
                fs::read(&path).unwrap_or_default(),
            ));
        }
    }
    found
}

fn canary(number: u32) -> String {
    format!("CANARY{number:04}x")
}

/// A token from a file, and headers that nobody else need see; all of it logged as much as can be.
fn with_tokens(stage: &Stage) {
    let token = stage.quell.write("home/token", &canary(180));
    let headers = (181..200).map(|n| format!("X-Tenant-{n} = \"{}\"", canary(n)));
    let headers: Vec<String> = headers.collect();
    let more = format!(
        "timeout = \"3s\"\nbearer = {{ file = \"{}\" }}\nheaders = {{ {} }}\n",
        token.display(),
        headers.join(", ")
    );
    let config = stage.quell.path("config/quell/config.toml");
    let text = fs::read_to_string(&config).unwrap_or_else(|e| panic!("{e}"));
    let text = text.replacen("timeout = \"3s\"\n", &more, 1);
    fs::write(&config, format!("log_level = \"trace\"\n{text}")).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn none_of_two_hundred_secrets_is_kept_or_shown() {
    let platform = Platform::start();
    // 120 in the environment of a container, 40 in annotations of its pods.
    let env: Vec<serde_json::Value> = (0..120)
        .map(|n| serde_json::json!({ "name": format!("PLAIN_{n}"), "value": canary(n) }))
        .collect();
    let mut annotations = serde_json::Map::new();
    for n in 120..160 {
        annotations.insert(format!("example.org/note-{n}"), canary(n).into());
    }
    let object = platform.object(CART);
    let mut containers = object["spec"]["template"]["spec"]["containers"].clone();
    containers[0]["env"] = env.into();
    let patch = serde_json::json!({ "spec": { "template": {
        "metadata": { "annotations": annotations }, "spec": { "containers": containers },
    } } });
    platform.edit(CART, &patch.to_string());
    let held = platform.object(CART).to_string();
    assert!(
        held.contains(&canary(0)) && held.contains(&canary(159)),
        "the server has them"
    );

    let bare = Stage::on(&platform);
    let program = bare.quell.write(
        "home/tool",
        "#!/usr/bin/python3\nimport os\nprint(os.environ)\n",
    );
    executable(&program);
    let command = |name: &str| {
        let given = (160..180).map(|n| format!("{name}_{n} = \"{}\"", canary(n)));
        let given: Vec<String> = given.collect();
        format!(
            "[[command]]\nname = \"tool\"\nprogram = \"{}\"\nsha256 = \"{}\"\nenvironment = {{ {} }}\n\
             risk = \"R1\"\ndirection = \"neutral\"\n",
            program.display(),
            sha256(&program),
            given.join(", ")
        )
    };
    // What looks like a secret may not even stand there, and the error does not repeat it.
    let careless = Stage::with(&platform, &command("SECRET"))
        .quell
        .run(&["action", "list"]);
    assert_eq!(careless.code, 2, "{careless:?}");
    let stage = Stage::with(&platform, &command("ZONE"));
    with_tokens(&stage);

    let mut said = vec![("careless".to_owned(), careless.stderr.into_bytes())];
    let mut run = |arguments: &[&str], code: i32| {
        let outcome: Outcome = stage.quell.run(arguments);
        assert_eq!(outcome.code, code, "{arguments:?}: {outcome:?}");
        said.push((
            format!("{arguments:?}"),
            format!("{}{}", outcome.stdout, outcome.stderr).into_bytes(),
        ));
    };
    let restart = ["k8s.rollout.restart", "target=web/deployment/cart"];
    let undo = ["k8s.rollout.undo", "target=web/deployment/cart"];
    for form in [&[][..], &["--json"]] {
        run(&[&["action", "plan"], &undo[..], form].concat(), 0);
        run(&[&["action", "plan", "command.tool"], form].concat(), 0);
    }
    run(&["action", "run", "--yes", "command.tool"], 0);
    run(&["action", "run", "--yes", "--json", "command.tool"], 0);
    let silence = silence("a");
    run(
        &[&["action", "run", "--yes"], &words(&silence)[..]].concat(),
        0,
    );
    run(&[&["action", "run", "--yes"], &undo[..]].concat(), 0);
    // An error that quotes the whole object, as strict field validation does.
    platform.kubernetes.on_writes(move || {
        let message = format!("Deployment.apps \"cart\" is invalid: spec: Invalid value: {held}");
        Turn::Instead(refusal(422, "Invalid", &message))
    });
    run(&[&["action", "run", "--yes"], &restart[..]].concat(), 4);
    run(&["action", "status", "--json"], 0);
    run(&["journal", "export"], 0);
    let mut kept = files(&stage.quell.path("state"));
    for folder in ["data", "cache", "runtime"] {
        kept.extend(files(&stage.quell.path(folder)));
    }
    assert!(
        kept.iter().any(|(name, _)| name.ends_with("journal.log")),
        "a journal was written"
    );
    // Else no secret was ever near.
    let names_one =
        |(_, text): &(String, Vec<u8>)| String::from_utf8_lossy(text).contains("env[PLAIN_0]");
    assert!(said.iter().any(names_one));
    kept.extend(said);
    for (name, bytes) in kept {
        let text = String::from_utf8_lossy(&bytes);
        let found: Vec<String> = (0..200)
            .map(canary)
            .filter(|one| text.contains(one.as_str()))
            .collect();
        assert!(found.is_empty(), "{name}: {found:?}");
    }
}

/// Steers a terminal, hides and turns text around; as it stands in JSON.
const HOSTILE: &str = "\\u001b]0;owned\\u0007\\u009b2J\\u202eb\\u200bc\\ufeff\\u2066";

#[test]
fn what_a_hostile_server_says_is_harmless_wherever_it_goes() {
    let platform = Platform::start();
    let stage = Stage::on(&platform);
    let twist = |text: String| {
        // The image, who may do what, the user: whatever is quoted in a plan.
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let body = body
            .replace("cart:1", &format!("cart{HOSTILE}:1"))
            .replace(
                "ClusterRole \\\"demo\\\"",
                &format!("ClusterRole {HOSTILE}"),
            )
            .replace(
                "\"change-cause\":\"",
                &format!("\"change-cause\":\"{HOSTILE}"),
            )
            .replace("\"createdBy\":\"", &format!("\"createdBy\":\"{HOSTILE}"))
            .replace("\"summary\":\"", &format!("\"summary\":\"{HOSTILE}"));
        format!("{head}\r\n\r\n{body}")
    };
    platform.kubernetes.on(move |asked| {
        if asked.is_write() {
            let message = serde_json::from_str::<String>(&format!("\"{HOSTILE} no\""));
            let message = message.unwrap_or_else(|e| panic!("{e}"));
            return Turn::Instead(refusal(403, "Forbidden", &message));
        }
        Turn::Edited(twist)
    });
    platform.alertmanager.on(move |_| Turn::Edited(twist));
    let mut seen = String::new();
    for form in [&[][..], &["--json"]] {
        for wanted in [
            &["k8s.rollout.undo", "target=web/deployment/cart"][..],
            &["k8s.scale", "target=web/deployment/cart", "replicas=4"],
            &["k8s.node.cordon", "node=worker-02"],
            &[
                "silence.create",
                "matchers=alertname=\"CheckoutSlowRequests\",env=\"prod\"",
                "duration=30m",
                "reason=\u{1b}]0;x\u{7}\u{202e}",
            ],
        ] {
            let outcome = stage
                .quell
                .run(&[&["action", "run", "--yes"], wanted, form].concat());
            assert_harmless(&outcome.stdout);
            assert_harmless(&outcome.stderr);
            seen.push_str(&outcome.stdout);
            seen.push_str(&outcome.stderr);
        }
        for looking in [&["action", "status"][..], &["journal", "show"]] {
            let outcome = stage.quell.run(&[looking, form].concat());
            assert_harmless(&outcome.stdout);
        }
    }
    assert!(seen.contains("owned"), "it was told, escaped: {seen}");
    // Behind the head of each record stands JSON; a steering byte would be a byte of its own there.
    for kept in stage.records() {
        let text = serde_json::to_string(&kept.record).unwrap_or_else(|e| panic!("{e}"));
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
}

/// The server's clock, a day off.
fn a_day_off(text: &str, days: i64) -> String {
    let lines = text
        .split("\r\n")
        .map(|line| match line.strip_prefix("date: ") {
            None => line.to_owned(),
            Some(_) => {
                let then = ::quell::runtime::clock::now() + chrono::TimeDelta::days(days);
                format!("date: {}", then.format("%a, %d %b %Y %H:%M:%S GMT"))
            }
        });
    lines.collect::<Vec<String>>().join("\r\n")
}

#[test]
fn clocks_a_day_apart_stop_what_adds_risk_and_let_through_what_takes_it_away() {
    for twist in [
        (|text| a_day_off(&text, 1)) as fn(String) -> String,
        |text| a_day_off(&text, -1),
    ] {
        let platform = Platform::start();
        let stage = Stage::on(&platform);
        platform.kubernetes.on(move |_| Turn::Edited(twist));
        let down = stage.act(&["k8s.scale", "target=web/deployment/cart", "replicas=2"]);
        assert_eq!(down.code, 4, "{down:?}");
        assert!(
            down.stdout.contains("clocks agree") && down.stdout.contains("apart"),
            "{down:?}"
        );
        assert_eq!(platform.kubernetes.writes().len(), 0);

        let up = stage.act(&["k8s.scale", "target=web/deployment/cart", "replicas=4"]);
        assert_eq!(up.code, 0, "{up:?}");
        assert!(up.stdout.contains("apart"), "it is said: {up:?}");
        assert_eq!(platform.kubernetes.effects().len(), 1);
    }
}
