//! The budget's period: put together from closed parts, exact at every moment, kept over a restart.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "seconds of a test"
)]

use std::fmt::Write as _;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use promql_parser::parser::{Expr, Offset};
use tempfile::TempDir;

use super::world::*;
use crate::config::settings::SloSettings;
use crate::domain::budget_period::{Calendar, CalendarUnit, Zone};
use crate::domain::slo::{BudgetMethod, BudgetWindow, Indicator, MetricKind, Outcome, Slo};
use crate::domain::slo_measured::{BurnAnswer, NoData, PeriodMeasured};
use crate::sources::burn::promql;
use crate::sources::loopback::Server;

const NOW: i64 = 1_793_448_000;

/// Requests served since long ago: more by day than by night.
fn total(at: i64) -> f64 {
    let at = at as f64;
    at * 100.0 + 500_000.0 * (at / 13_751.0).sin()
}

/// Of them bad: a burst of twenty minutes twice a day, and nothing else.
fn bad(at: i64) -> f64 {
    let (days, rest) = (at.div_euclid(43_200), at.rem_euclid(43_200));
    (days as f64 + (rest.min(1_200) as f64) / 1_200.0) * 3_000.0
}

/// How far an expression reaches: its range in milliseconds, its step if it is looked at in steps, and
/// how long ago it ends.
fn reach(expr: &Expr) -> Option<(i64, Option<i64>, i64)> {
    let ago = |offset: &Option<Offset>| match offset {
        Some(Offset::Pos(ago)) => ago.as_secs().cast_signed(),
        _ => 0,
    };
    match expr {
        Expr::MatrixSelector(range) => {
            Some((range.range.as_millis() as i64, None, ago(&range.vs.offset)))
        }
        Expr::Subquery(inner) => {
            let step = inner.step.map(|step| step.as_secs().cast_signed());
            Some((inner.range.as_millis() as i64, step, ago(&inner.offset)))
        }
        _ => promql::children(expr).find_map(reach),
    }
}

/// What really happened in the reach of an operand. A counter that is looked at in steps has to be
/// looked at on both ends, and a gauge must not have a sample on a border twice.
fn happened(operand: &Operand, at: i64) -> f64 {
    let (millis, step, ago) = reach(&operand.expr).unwrap();
    let end = at - ago;
    let secs = match (millis % 1_000, step) {
        (0, None) => millis / 1_000,
        (1, Some(step)) => {
            assert_eq!(
                (end % step, (millis - 1) / 1_000 % step),
                (0, 0),
                "{operand:?}"
            );
            millis / 1_000
        }
        (999, _) => millis / 1_000 + 1,
        other => unreachable!("{other:?} of {operand:?}"),
    };
    let of = if operand.text.contains("5..") {
        bad
    } else {
        total
    };
    let scale = if operand.text.contains("rate(") {
        secs as f64
    } else {
        1.0
    };
    (of(end) - of(end - secs)) / scale
}

fn server() -> Server {
    Server::answering(|request| {
        if request.path() != QUERY {
            return not_found();
        }
        let at: f64 = request.params("time")[0].parse().unwrap();
        answer(request, &|operand| match operand.mark {
            Some(_) => one(happened(operand, at as i64)),
            None => Vec::new(),
        })
    })
}

fn period<'a>(answer: &'a BurnAnswer, name: &str) -> &'a PeriodMeasured {
    measured(answer, name).period.as_ref().unwrap()
}

fn ratio_of(period: &PeriodMeasured) -> f64 {
    period.measured.reading.as_ref().unwrap().ratio
}

fn true_ratio(start: i64, end: i64) -> f64 {
    (bad(end) - bad(start)) / (total(end) - total(start))
}

fn month() -> BudgetWindow {
    BudgetWindow::Calendar(Calendar {
        starts_at: "2026-01-01T00:00:00".parse().unwrap(),
        zone: Zone("Europe/Berlin".parse().unwrap()),
        count: 1,
        unit: CalendarUnit::Month,
    })
}

/// By increase and by rate, rolling and by the calendar.
fn slos() -> Vec<Slo> {
    let rate = events(
        Outcome::Bad,
        "sum(rate(r_total{code=~\"5..\"}[$window]))",
        "sum(rate(r_total[$window]))",
    );
    vec![
        plain("rolling"),
        Slo {
            window: BudgetWindow::Rolling { secs: 7 * DAY },
            ..slo("rate", rate)
        },
        Slo {
            window: month(),
            ..plain("month")
        },
    ]
}

fn in_folder(server: &Server, folder: Option<&Path>) -> crate::sources::burn::BurnSource {
    source_with(server, &SloSettings::default(), folder.map(Path::to_owned))
}

#[tokio::test]
async fn the_period_is_exact_at_every_moment() {
    let server = server();
    let folder = TempDir::new().unwrap();
    let mut source = in_folder(&server, Some(folder.path()));
    let files = files(slos());
    // Over the end of a month, with odd steps, long breaks and restarts.
    let mut at = NOW - 20 * 3_600;
    for turn in 0..40_i64 {
        let answer = source.poll(&files, t(at - NOW)).await.unwrap();
        for (name, length) in [("rolling", 30), ("rate", 7)] {
            let period = period(&answer, name);
            let end = period.measured.at.timestamp();
            // Not older than it may be, on the step before.
            assert!(at - end < 630, "{name} {}", at - end);
            let expected = true_ratio(end - length * 86_400, end);
            let error = (ratio_of(period) - expected).abs() / expected;
            assert!(error < 1e-6, "{name} turn {turn}: {error}");
        }
        let month = period(&answer, "month");
        let (start, end) = (
            month.period.start.timestamp(),
            month.measured.at.timestamp(),
        );
        let expected = true_ratio(start, end);
        assert!(
            (ratio_of(month) - expected).abs() <= 1e-6 * expected.max(1e-9),
            "turn {turn}"
        );
        at += match turn % 9 {
            8 => 30_011,
            4 => 5_003,
            _ => 601 + turn * 7,
        };
        if turn % 10 == 9 {
            source = in_folder(&server, Some(folder.path()));
        }
    }
}

#[tokio::test]
async fn only_the_edges_are_read_again() {
    let server = server();
    let mut source = in_folder(&server, None);
    let files = files(vec![plain("rolling")]);
    let mut parts = async |at: i64| {
        let before = server.requests().len();
        source.poll(&files, t(at)).await.unwrap();
        let totals = asked(&server, before)
            .concat()
            .into_iter()
            .filter(|operand| {
                let is_period =
                    |(_, letter, part): (usize, char, String)| letter == 't' && !part.is_empty();
                operand.what().is_some_and(is_period)
            });
        totals.map(|operand| operand.text).collect::<Vec<String>>()
    };
    let sum = |range: &str| format!("sum(increase(rolling_total[{range}))");
    assert_eq!(
        parts(0).await,
        [sum("29d23h50m] offset 10m"), sum("10m1ms:15s]")]
    );
    // What was closed, less what has left, and what is new.
    assert_eq!(
        parts(607).await,
        [sum("20m1ms:15s]"), sum("10m1ms:15s] offset 30d")]
    );
    // An hour has passed: it is closed.
    assert_eq!(
        parts(3_600).await,
        [
            sum("1h1ms:15s] offset 10m"),
            sum("10m1ms:15s]"),
            sum("1h1ms:15s] offset 30d"),
        ]
    );
    assert_eq!(
        parts(4_200).await,
        [sum("20m1ms:15s]"), sum("10m1ms:15s] offset 30d")]
    );
    // After a long break, and once a day, all is counted anew.
    assert_eq!(parts(12 * 3_600).await.len(), 2);
    assert!(parts(36 * 3_600 + 60).await[0].contains("[29d23h50m]"));
}

#[tokio::test]
async fn what_does_not_add_up_is_read_as_a_whole() {
    let server = server();
    let ratio = Indicator::Ratio {
        of: Outcome::Bad,
        query: query(
            "sum(rate(x{c=~\"5..\"}[1d])) / sum(rate(x[1d]))",
            MetricKind::Counter,
        ),
    };
    let mut source = in_folder(&server, None);
    let files = files(vec![slo("raw", ratio)]);
    for at in [0, 600] {
        let before = server.requests().len();
        source.poll(&files, t(at)).await.unwrap();
        let texts: Vec<String> = asked(&server, before)
            .concat()
            .into_iter()
            .map(|o| o.text)
            .collect();
        assert!(texts.iter().any(|text| text.contains("[30d]")), "{texts:?}");
    }
}

#[tokio::test]
async fn slices_add_up_too() {
    let server = Server::answering(|request| match request.path() {
        QUERY => answer(request, &|operand| {
            let Some((millis, _, _)) = reach(&operand.expr) else {
                return Vec::new();
            };
            let minutes = (millis + 1) as f64 / 60_000.0;
            match operand.what() {
                Some((_, 'b', _)) => one(minutes * 0.25),
                Some((_, 'g', _)) => one(minutes * 0.75),
                _ => Vec::new(),
            }
        }),
        _ => not_found(),
    });
    let sliced = Slo {
        method: BudgetMethod::Timeslices {
            slice_secs: 60,
            target: 0.99,
        },
        ..plain("sliced")
    };
    let mut source = in_folder(&server, None);
    let files = files(vec![sliced]);
    for at in [0, 607, 3_600] {
        let answer = source.poll(&files, t(at)).await.unwrap();
        let counts = period(&answer, "sliced")
            .measured
            .reading
            .as_ref()
            .unwrap()
            .counts
            .unwrap();
        assert!((counts.total - 43_200.0).abs() < 1e-6, "{counts:?}");
        assert!((counts.bad - 10_800.0).abs() < 1e-6, "{counts:?}");
    }
}

#[tokio::test]
async fn a_month_that_has_just_begun_has_no_period_yet() {
    let server = server();
    let files = files(vec![Slo {
        window: month(),
        ..plain("month")
    }]);
    let first: chrono::DateTime<chrono::Utc> = "2026-10-31T23:00:00Z".parse().unwrap();
    let mut source = in_folder(&server, None);
    let before = source
        .poll(&files, first - chrono::TimeDelta::minutes(5))
        .await
        .unwrap();
    assert_eq!(period(&before, "month").period.end, first);
    let answer = source
        .poll(&files, first + chrono::TimeDelta::seconds(20))
        .await
        .unwrap();
    let period = period(&answer, "month");
    assert_eq!(period.period.start, first);
    assert_eq!(period.measured.reading, Err(NoData::NoTraffic(15)));
    let answer = source
        .poll(&files, first + chrono::TimeDelta::minutes(10))
        .await
        .unwrap();
    assert_eq!(self::period(&answer, "month").measured.secs, 600);
    assert!(self::period(&answer, "month").measured.reading.is_ok());
}

/// The one file of a cache.
fn file(folder: &Path) -> PathBuf {
    let mut entries = std::fs::read_dir(folder).unwrap();
    entries.next().unwrap().unwrap().path()
}

/// How a period is asked for by a source that was just started: from what is closed, or anew.
async fn starts_anew(server: &Server, folder: &Path, at: i64) -> (BurnAnswer, bool) {
    let before = server.requests().len();
    let mut source = in_folder(server, Some(folder));
    let answer = source
        .poll(&files(vec![plain("rolling")]), t(at))
        .await
        .unwrap();
    let texts: Vec<String> = asked(server, before)
        .concat()
        .into_iter()
        .map(|o| o.text)
        .collect();
    let anew = texts.iter().any(|text| text.contains("29d23h50m"));
    (answer, anew)
}

#[tokio::test]
async fn what_is_closed_is_kept_privately_over_a_restart() {
    let server = server();
    let home = TempDir::new().unwrap();
    let folder = home.path().join("cache/slo");
    assert!(starts_anew(&server, &folder, 0).await.1);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&file(&folder))), (0o700, 0o600));
    let (answer, anew) = starts_anew(&server, &folder, 900).await;
    assert!(!anew && answer.limits.is_empty());
    let expected = true_ratio(NOW + 900 - 30 * 86_400, NOW + 900);
    assert!((ratio_of(period(&answer, "rolling")) - expected).abs() < 1e-9);
    // Whoever asks for the past neither uses nor spoils it.
    assert!(starts_anew(&server, &folder, -86_400).await.1);
    assert!(!starts_anew(&server, &folder, 1_800).await.1);
}

#[tokio::test]
async fn a_broken_or_foreign_file_is_passed_over() {
    let server = server();
    let home = TempDir::new().unwrap();
    let folder = home.path().join("slo");
    starts_anew(&server, &folder, 0).await;
    let path = file(&folder);
    let good = std::fs::read_to_string(&path).unwrap();
    let number = good.find("\"total\":").unwrap() + 8;
    let below = format!("{}-{}", &good[..number], &good[number..]);
    for (contents, word) in [
        ("not JSON".to_owned(), Some("not what quell writes")),
        (
            good[..good.len() / 2].to_owned(),
            Some("not what quell writes"),
        ),
        ("\0".repeat(5 * 1024 * 1024), Some("larger than")),
        (good.replace("hours 1", "hours 9"), Some("another version")),
        (
            good.replace("\"server\":\"", "\"server\":\"0"),
            Some("another server"),
        ),
        // Numbers that no count can be are dropped one by one.
        (below, None),
    ] {
        std::fs::write(&path, &contents).unwrap();
        let (answer, anew) = starts_anew(&server, &folder, 60).await;
        assert!(anew, "{word:?}");
        assert!(period(&answer, "rolling").measured.reading.is_ok());
        match word {
            // Said at the start; the next write puts it right.
            Some(word) => {
                let said = crate::sources::burn::buckets::Buckets::open(
                    Some(folder.clone()),
                    server.url.as_str(),
                );
                assert_eq!(said.limit(), None, "{word}");
            }
            None => assert!(answer.limits.is_empty()),
        }
        assert!(!starts_anew(&server, &folder, 120).await.1, "{word:?}");
    }
}

#[test]
fn what_is_wrong_with_the_file_is_said() {
    let home = TempDir::new().unwrap();
    let open = || {
        let folder = Some(home.path().to_owned());
        let buckets = crate::sources::burn::buckets::Buckets::open(folder, "http://a/");
        buckets.limit().map(|limit| limit.shown().to_owned())
    };
    assert_eq!(open(), None);
    let name = {
        // The name depends on the server: written once to learn it.
        std::fs::create_dir(home.path().join("x")).unwrap();
        let digest = <sha2::Sha256 as sha2::Digest>::digest(b"http://a/");
        let mut hex = String::new();
        for byte in &digest[..8] {
            write!(hex, "{byte:02x}").unwrap();
        }
        home.path().join(format!("closed-hours-{hex}.json"))
    };
    std::fs::write(&name, "{}").unwrap();
    assert!(
        open()
            .unwrap()
            .ends_with("it is not what quell writes; the periods are counted anew")
    );
    std::fs::remove_file(&name).unwrap();
    std::fs::create_dir(&name).unwrap();
    assert!(open().unwrap().contains("it is no file"));
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_said_and_no_error() {
    let server = server();
    let home = TempDir::new().unwrap();
    let folder = home.path().join("slo");
    std::fs::write(&folder, "a file, not a folder").unwrap();
    let (answer, _) = starts_anew(&server, &folder, 0).await;
    assert!(period(&answer, "rolling").measured.reading.is_ok());
    let limits = shown(&answer.limits);
    assert!(
        limits[0].ends_with("it is not kept over a restart"),
        "{limits:?}"
    );
}
