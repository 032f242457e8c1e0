//! What if quell ends in the middle, or cannot write down what it does? Rows of the fault table: no effect
//! without a record, none twice, and everything known again within two seconds.

use std::collections::HashMap;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use ::quell::domain::record::{Entry, StepOutcome};

use crate::acting_stage::{Asked, Platform, Stage, Turn, marked, refusal, silence, words};
use crate::quell::PROGRAM;

/// How long a new process may take to know what became of everything.
const KNOWN_WITHIN: Duration = Duration::from_secs(2);
const NODE: &str = "/api/v1/nodes/worker-02";

/// Runs an action once to its end, and then again and again, killed a little later each time.
fn killed_everywhere(
    kills: u32,
    arguments: impl Fn(&Platform, u32) -> Vec<String>,
    effects_of: impl Fn(&Platform) -> Vec<Asked>,
) {
    let platform = Platform::start();
    // A lease outlives the one who took it by a minute, and would keep the next ones from trying at all.
    platform.kubernetes.on(|asked| {
        if asked.target.contains("/leases") {
            return Turn::Instead(refusal(403, "Forbidden", "no leases here"));
        }
        Turn::Pass
    });
    let stage = Stage::on(&platform);
    let began = Instant::now();
    let whole = stage.act(&words(&arguments(&platform, 0)));
    let lasts = began.elapsed();
    assert_eq!(whole.code, 0, "{whole:?}");

    let mut slowest = Duration::ZERO;
    for kill in 1..=kills {
        let wanted = arguments(&platform, kill);
        let mut command = stage.quell.command();
        command
            .args(["action", "run", "--yes"])
            .args(words(&wanted));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("no quell: {e}"));
        // The machine may be slower than it was.
        std::thread::sleep(lasts * 2 * kill / kills);
        child.kill().unwrap_or_else(|e| panic!("not killed: {e}"));
        let _ = child.wait();

        let began = Instant::now();
        let status = stage.quell.run(&["action", "status", "--json"]);
        slowest = slowest.max(began.elapsed());
        assert_eq!(status.code, 0, "kill {kill}: {status:?}");
        let again = stage.quell.run(&["action", "status", "--json"]);
        let open = again.json()["in_doubt"].clone();
        assert_eq!(open, serde_json::json!([]), "kill {kill}: still open");
    }
    assert!(slowest < KNOWN_WITHIN, "{slowest:?}");
    let effects = effects_of(&platform);
    assert_once_and_recorded(&stage, &effects);
    // Else it was always killed too early, or never, and nothing was tested.
    let count = u32::try_from(effects.len()).unwrap_or_default();
    let last = stage.act(&words(&arguments(&platform, kills + 1)));
    assert!(
        (2..=kills).contains(&count),
        "{count} effects of {kills}: {last:?}"
    );
}

/// Each effect has its intent, none came twice, and what the journal says of each is so.
fn assert_once_and_recorded(stage: &Stage, effects: &[Asked]) {
    let mut times: HashMap<String, u32> = HashMap::new();
    for effect in effects {
        let id = marked(effect).unwrap_or_else(|| panic!("no mark: {effect:?}"));
        *times.entry(id).or_default() += 1;
    }
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    let mut known: HashMap<String, Option<bool>> = HashMap::new();
    for kept in stage.records() {
        let Some(id) = kept.record.action.as_ref().map(ToString::to_string) else {
            continue;
        };
        match kept.record.entry {
            Entry::Intent { .. } => {
                known.entry(id).or_default();
            }
            Entry::Outcome { outcome, .. } => {
                let is_applied = matches!(outcome, StepOutcome::Applied { .. });
                known.insert(id, Some(is_applied));
            }
            _ => {}
        }
    }
    for id in times.keys() {
        assert!(known.contains_key(id), "{id} has no intent");
    }
    for (id, found) in known {
        assert_eq!(found, Some(times.contains_key(&id)), "what became of {id}");
    }
}

#[test]
fn a_silence_killed_at_any_moment_is_created_once_or_not_at_all() {
    killed_everywhere(
        30,
        |_, kill| silence(&format!("zone-{kill}")),
        |platform| platform.alertmanager.effects(),
    );
}

#[test]
fn a_cordon_killed_at_any_moment_is_done_once_or_not_at_all() {
    killed_everywhere(
        30,
        |platform, _| {
            let is_cordoned = platform.object(NODE)["spec"]["unschedulable"] == true;
            let action = if is_cordoned {
                "k8s.node.uncordon"
            } else {
                "k8s.node.cordon"
            };
            vec![action.to_owned(), "node=worker-02".to_owned()]
        },
        |platform| platform.kubernetes.effects(),
    );
}

#[test]
fn without_a_journal_nothing_is_dispatched_and_looking_works() {
    let platform = Platform::start();
    let stage = Stage::on(&platform);
    let file = stage.quell.write("home/file", "");
    let config = stage.quell.path("config/quell/config.toml");
    let text = fs::read_to_string(&config).unwrap_or_else(|e| panic!("{e}"));
    let below = file.join("journal.log");
    let more = format!("{text}\n[journal]\npath = \"{}\"\n", below.display());
    fs::write(&config, more).unwrap_or_else(|e| panic!("{e}"));

    for wanted in [
        words(&silence("a")),
        vec!["k8s.node.cordon", "node=worker-02"],
        vec!["k8s.scale", "target=web/deployment/cart", "replicas=4"],
    ] {
        let outcome = stage.act(&wanted);
        assert_eq!(outcome.code, 4, "{outcome:?}");
        assert!(outcome.stdout.contains("journal"), "{outcome:?}");
        assert!(
            outcome.stdout.contains("the journal takes no records"),
            "{outcome:?}"
        );
    }
    let written = [platform.kubernetes.writes(), platform.alertmanager.writes()].concat();
    assert!(written.is_empty(), "{written:?}");
    for looking in [&["action", "list"][..], &["alerts"], &["panic"]] {
        let outcome = stage.quell.run(looking);
        assert!(outcome.code < 2, "{looking:?}: {outcome:?}");
    }
}

#[test]
fn on_a_disk_that_fills_up_nothing_is_sent_that_is_not_written_down() {
    // A disk that is full after so many bytes more: writing behind that fails as it does there.
    const FULL: &str = "import os, resource, signal, sys\n\
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n\
        limit = int(sys.argv[1])\n\
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\n\
        os.execv(sys.argv[2], sys.argv[2:])\n";
    let platform = Platform::start();
    let stage = Stage::on(&platform);
    let wrapper = stage.quell.write("home/full.py", FULL);
    let first = stage.act(&words(&silence("first")));
    assert_eq!(first.code, 0, "{first:?}");

    let (mut refused, mut done) = (0, 0);
    for (round, room) in [0, 300, 900, 1500, 2500, 4000, 6000, 9000, 12_000]
        .iter()
        .enumerate()
    {
        let size = fs::metadata(stage.journal()).map_or(0, |meta| meta.len());
        let before = platform.alertmanager.effects().len();
        let command = stage.quell.command();
        let wanted = silence(&format!("full-{round}"));
        let inner = command.get_envs().map(|(name, value)| {
            (
                name.to_owned(),
                value.map(std::ffi::OsStr::to_owned).unwrap_or_default(),
            )
        });
        let inner: Vec<_> = inner.collect();
        let mut python = std::process::Command::new("python3");
        python
            .env_clear()
            .envs(inner)
            .arg(&wrapper)
            .arg((size + room).to_string())
            .args([PROGRAM, "action", "run", "--yes"])
            .args(words(&wanted));
        let output = python
            .output()
            .unwrap_or_else(|e| panic!("no python3: {e}"));
        let effects = platform.alertmanager.effects();
        match output.status.code() {
            Some(4) => {
                assert_eq!(effects.len(), before, "{room}: {output:?}");
                refused += 1;
            }
            Some(0) => done += 1,
            // It was done; that it could not be written down is told.
            Some(1 | 5) => assert_eq!(effects.len(), before + 1, "{room}: {output:?}"),
            _ => panic!("{room}: {output:?}"),
        }
        // The next process repairs what was cut, and knows.
        let status = stage.quell.run(&["action", "status", "--json"]);
        assert_eq!(status.code, 0, "{room}: {status:?}");
    }
    assert!(refused > 0 && done > 0, "{refused} refused, {done} done");
    assert_once_and_recorded(&stage, &platform.alertmanager.effects());
}
