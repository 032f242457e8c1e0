//! What was kept comes back as it was, harmless, for this user alone; what cannot be read is told.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed unwrap or panic fails the test"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use chrono::TimeDelta;
use tempfile::TempDir;

use super::*;
use crate::domain::claim::{Claim, Occurrence};
use crate::domain::freshness::Health;
use crate::domain::label::Labels;
use crate::domain::observed::{
    ObservedAlert, ReplicaState, RuleAlert, RuleAlertState, RuleHealth, Suppression,
};
use crate::domain::runbook::Library;
use crate::domain::source::SourceKind;
use crate::domain::text::{Untrusted, shown};

fn t(secs: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::seconds(secs)
}

fn files(folder: &TempDir) -> Files {
    Files {
        claims: folder.path().join("data/claims.json"),
        snapshot: folder.path().join("state/snapshot.json"),
    }
}

/// Keeps something, and waits for the last write however long it takes.
fn keeping(files: Option<Files>, what: impl FnOnce(&Keeper)) -> Vec<Msg> {
    let (inbox, mut mail) = mpsc::channel(16);
    let keeper = Keeper::begin(files, inbox).unwrap();
    what(&keeper);
    let Keeper { orders, done } = keeper;
    drop(orders);
    done.recv().unwrap();
    std::iter::from_fn(|| mail.try_recv().ok()).collect()
}

fn source(name: &str, kind: SourceKind, kept: Kept) -> SourceState {
    SourceState {
        name: name.into(),
        kind,
        place: format!("http://{name}/"),
        period_secs: 15,
        cluster: None,
        scope: String::new(),
        health: Health {
            answered_at: Some(t(7)),
            ..Health::default()
        },
        kept,
    }
}

fn names(sources: &[SourceState]) -> Vec<(String, String)> {
    let both = |s: &SourceState| (s.name.to_string(), s.place.clone());
    sources.iter().map(both).collect()
}

const HOSTILE: &str = "a\u{1b}[2J\u{202e}b\u{200b}\u{9b}\n\"\\é磁";

fn alertmanager() -> Kept {
    let labels = Labels::of(&[("alertname", HOSTILE), ("na\u{7}me", "x")]);
    Kept::Alertmanager(Arc::new(AlertmanagerAnswer {
        alerts: vec![ObservedAlert {
            fingerprint: labels.fingerprint(),
            labels,
            annotations: Labels::new(vec![(
                Untrusted::line("summary"),
                Untrusted::block("two\nlines\u{1b}"),
            )]),
            starts_at: t(-60),
            ends_at: None,
            updated_at: Some(t(0)),
            state: ReplicaState::Suppressed,
            suppression: Suppression {
                silenced_by: vec![Untrusted::line(HOSTILE)],
                ..Suppression::default()
            },
            receivers: vec![Untrusted::line("pager")],
            generator_url: None,
        }],
        ..AlertmanagerAnswer::default()
    }))
}

fn prometheus() -> Kept {
    Kept::Prometheus(Arc::new(PrometheusAnswer {
        alerts: vec![RuleAlert {
            labels: Labels::of(&[("alertname", "Soon")]),
            annotations: Labels::default(),
            state: RuleAlertState::Pending,
            active_at: t(-5),
            value: Untrusted::line("NaN"),
        }],
        rules: vec![RuleHealth {
            group: Untrusted::line("g"),
            name: Untrusted::line("Soon"),
            query: Untrusted::line("up == 0"),
            for_secs: 60.5,
            last_error: None,
            evaluated_at: None,
        }],
        clock_ahead_secs: Some(-0.25),
        ..PrometheusAnswer::default()
    }))
}

fn both() -> Vec<SourceState> {
    vec![
        source("am-1", SourceKind::Alertmanager, alertmanager()),
        source("prom-1", SourceKind::Prometheus, prometheus()),
    ]
}

fn claims(by: &str) -> Arc<Claims> {
    let mut claims = Claims::default();
    let occurrence = Occurrence {
        fingerprint: Labels::of(&[("alertname", "A")]).fingerprint(),
        starts_at: t(0),
    };
    let claim = Claim {
        by: Untrusted::line(by),
        since: t(1),
    };
    claims.take(occurrence, claim);
    Arc::new(claims)
}

fn claimants(claims: &Claims) -> Vec<String> {
    let all = claims.by_fingerprint();
    let by = all.values().flatten().map(|(_, claim)| claim.by.shown());
    by.map(str::to_owned).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_snapshot_comes_back_as_it_was_and_harmless() {
    let folder = TempDir::new().unwrap();
    let files = files(&folder);
    let sources = both();
    let told = keeping(Some(files.clone()), |keeper| keeper.snapshot(&sources));
    assert!(told.is_empty(), "{told:?}");
    let restored = load_snapshot(&files.snapshot, &names(&sources)).unwrap();
    let [am, prom] = &restored[..] else {
        panic!("{restored:?}");
    };
    assert_eq!((am.source, prom.source), (0, 1));
    assert_eq!(am.answered_at, t(7));

    let (Answer::Alertmanager(now), Kept::Alertmanager(then)) = (&am.answer, &sources[0].kept)
    else {
        panic!("{restored:?}");
    };
    let (now, then) = (&now.alerts[0], &then.alerts[0]);
    assert_eq!(now.fingerprint, then.fingerprint);
    assert_eq!(
        (now.starts_at, now.updated_at),
        (then.starts_at, then.updated_at)
    );
    assert_eq!(now.state, ReplicaState::Suppressed);
    let shown_pairs = |labels: &Labels| -> Vec<(String, String)> {
        let both = |(n, v): (&Untrusted, &Untrusted)| (n.to_string(), v.to_string());
        labels.iter().map(both).collect()
    };
    assert_eq!(shown_pairs(&now.labels), shown_pairs(&then.labels));
    for (name, value) in now.labels.iter() {
        for text in [name, value] {
            assert_eq!(shown(text.raw()), text.raw(), "safe without being made so");
        }
    }
    let summary = now.annotations.get("summary").unwrap();
    assert_eq!(summary.shown(), "two\nlines\\u{1b}");
    let silence = &now.suppression.silenced_by[0];
    assert_eq!(silence.shown(), Untrusted::line(HOSTILE).shown());

    let Answer::Prometheus(prom) = &prom.answer else {
        panic!("{restored:?}");
    };
    assert_eq!(prom.clock_ahead_secs, Some(-0.25));
    assert!((prom.rules[0].for_secs - 60.5).abs() < f64::EPSILON);
    assert_eq!(prom.alerts[0].state, RuleAlertState::Pending);
}

#[test]
fn no_byte_of_a_snapshot_can_reach_a_terminal() {
    let folder = TempDir::new().unwrap();
    let files = files(&folder);
    keeping(Some(files.clone()), |keeper| keeper.snapshot(&both()));
    let text = fs::read_to_string(&files.snapshot).unwrap();
    assert_eq!(shown(&text), text);
}

#[test]
fn only_the_same_source_at_the_same_place_is_restored() {
    let folder = TempDir::new().unwrap();
    let files = files(&folder);
    keeping(Some(files.clone()), |keeper| keeper.snapshot(&both()));
    let of = |name: &str, place: &str| (name.to_owned(), place.to_owned());
    let restored = load_snapshot(
        &files.snapshot,
        &[
            of("am-1", "http://elsewhere/"),
            of("new", "http://am-1/"),
            of("prom-1", "http://prom-1/"),
        ],
    );
    let places: Vec<usize> = restored.unwrap().iter().map(|r| r.source).collect();
    assert_eq!(places, [2]);
}

#[test]
fn runbooks_and_silence_are_not_kept() {
    let folder = TempDir::new().unwrap();
    let files = files(&folder);
    let library = Kept::Runbooks(Arc::new(Library::default()));
    let mut sources = vec![
        source("runbooks", SourceKind::Runbooks, library),
        source("am-1", SourceKind::Alertmanager, Kept::Nothing),
    ];
    keeping(Some(files.clone()), |keeper| keeper.snapshot(&sources));
    assert!(!files.snapshot.exists(), "nothing to keep, no file");
    sources.extend(both());
    keeping(Some(files.clone()), |keeper| keeper.snapshot(&sources));
    let restored = load_snapshot(&files.snapshot, &names(&sources)).unwrap();
    assert_eq!(restored.len(), 2);
}

#[test]
fn a_snapshot_that_is_not_there_is_no_fault() {
    let folder = TempDir::new().unwrap();
    let restored = load_snapshot(&folder.path().join("none.json"), &[]);
    assert!(restored.unwrap().is_empty());
}

#[test]
fn a_snapshot_of_another_form_is_told() {
    let folder = TempDir::new().unwrap();
    let files = files(&folder);
    keeping(Some(files.clone()), |keeper| keeper.snapshot(&both()));
    let text = fs::read_to_string(&files.snapshot).unwrap();
    assert!(text.contains(SCHEMA));
    fs::write(&files.snapshot, text.replace(SCHEMA, "quell.snapshot/2")).unwrap();
    let why = load_snapshot(&files.snapshot, &names(&both())).unwrap_err();
    assert!(why.ends_with("it is of another version of quell"), "{why}");
    assert!(why.contains("snapshot.json"), "{why}");
}

#[test]
fn a_snapshot_cut_anywhere_is_told() {
    let folder = TempDir::new().unwrap();
    let files = files(&folder);
    keeping(Some(files.clone()), |keeper| keeper.snapshot(&both()));
    let whole = fs::read(&files.snapshot).unwrap();
    for cut in (0..whole.len()).step_by(7) {
        fs::write(&files.snapshot, &whole[..cut]).unwrap();
        let why = load_snapshot(&files.snapshot, &names(&both())).unwrap_err();
        assert!(
            why.starts_with("the last picture was not read from "),
            "{why}"
        );
    }
}

#[test]
fn a_snapshot_too_large_is_not_even_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("snapshot.json");
    // A hole: no disk is filled.
    fs::File::create(&path)
        .unwrap()
        .set_len(MOST_BYTES + 1)
        .unwrap();
    let why = load_snapshot(&path, &[]).unwrap_err();
    assert!(why.ends_with("it is too large"), "{why}");
}

#[test]
fn claims_come_back_and_the_last_ones_count() {
    let folder = TempDir::new().unwrap();
    let files = files(&folder);
    keeping(Some(files.clone()), |keeper| {
        keeper.claims(claims("dana"));
        keeper.claims(claims("ma\u{202e}ra"));
    });
    let (claims, trouble) = load_claims(&files.claims);
    assert_eq!(trouble, None);
    assert_eq!(claimants(&claims), ["ma\\u{202e}ra"]);
}

#[test]
fn no_claims_yet_is_no_fault() {
    let folder = TempDir::new().unwrap();
    let (claims, trouble) = load_claims(&folder.path().join("claims.json"));
    assert_eq!((claimants(&claims).len(), trouble), (0, None));
}

#[test]
fn what_is_kept_is_for_this_user_alone() {
    let folder = TempDir::new().unwrap();
    let files = files(&folder);
    keeping(Some(files.clone()), |keeper| {
        keeper.claims(claims("dana"));
        keeper.snapshot(&both());
    });
    for path in [&files.claims, &files.snapshot] {
        assert_eq!(mode(path), 0o600, "{path:?}");
        assert_eq!(mode(path.parent().unwrap()), 0o700, "{path:?}");
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    keeping(Some(files.clone()), |keeper| {
        keeper.claims(claims("dana"));
        keeper.snapshot(&both());
    });
    for path in [&files.claims, &files.snapshot] {
        assert_eq!(mode(path), 0o600, "{path:?} was opened to others before");
        let beside = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(beside, 1, "no temporary file is left");
    }
}

#[test]
fn claims_that_cannot_be_read_are_set_aside() {
    let whole = serde_json::to_vec(&*claims("dana")).unwrap();
    let broken: [&[u8]; 5] = [
        b"",
        b"{\"entries\":3}",
        b"\xff\xfe",
        b"[]",
        &whole[..whole.len() - 1],
    ];
    for bytes in broken {
        let folder = TempDir::new().unwrap();
        let files = files(&folder);
        fs::create_dir(files.claims.parent().unwrap()).unwrap();
        fs::write(&files.claims, bytes).unwrap();
        let (claims, trouble) = load_claims(&files.claims);
        assert!(claimants(&claims).is_empty());
        let trouble = trouble.unwrap();
        let aside = files.claims.with_extension("json.unreadable");
        assert!(
            trouble.contains(&*files.claims.to_string_lossy()),
            "{trouble}"
        );
        assert!(trouble.contains(&*aside.to_string_lossy()), "{trouble}");
        assert_eq!(fs::read(&aside).unwrap(), bytes);

        keeping(Some(files.clone()), |keeper| {
            keeper.claims(self::claims("mara"));
        });
        assert_eq!(fs::read(&aside).unwrap(), bytes, "the next claim spares it");
        assert_eq!(claimants(&load_claims(&files.claims).0), ["mara"]);
    }
}

#[test]
fn what_was_set_aside_before_is_spared() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("claims.json");
    for bytes in ["first", "second", "third"] {
        fs::write(&path, bytes).unwrap();
        assert!(load_claims(&path).1.is_some());
    }
    let aside = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(aside("claims.json.unreadable"), "first");
    assert_eq!(aside("claims.json.unreadable-2"), "second");
    assert_eq!(aside("claims.json.unreadable-3"), "third");
}

#[test]
fn claims_that_are_no_file_are_set_aside_too() {
    let folder = TempDir::new().unwrap();
    let files = files(&folder);
    fs::create_dir_all(files.claims.join("something")).unwrap();
    let (_, trouble) = load_claims(&files.claims);
    let aside = files.claims.with_extension("json.unreadable");
    assert!(trouble.unwrap().contains(&*aside.to_string_lossy()));
    assert!(aside.join("something").is_dir());
    let told = keeping(Some(files.clone()), |keeper| keeper.claims(claims("mara")));
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn a_write_that_fails_is_told() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("data"), "in the way").unwrap();
    let told = keeping(Some(files(&folder)), |keeper| keeper.claims(claims("mara")));
    let [Msg::Trouble(why)] = &told[..] else {
        panic!("{told:?}");
    };
    assert!(why.starts_with("not kept in "), "{why}");
    assert!(why.contains("claims.json"), "{why}");
}

#[test]
fn the_demo_keeps_nothing() {
    let told = keeping(None, |keeper| {
        keeper.claims(claims("mara"));
        keeper.snapshot(&both());
    });
    assert!(told.is_empty(), "{told:?}");
}
