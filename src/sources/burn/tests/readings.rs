//! What comes of numbers: a ratio, or the reason why there is none.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
#![allow(clippy::float_cmp, reason = "the same arithmetic gives the same bits")]

use super::world::*;
use crate::domain::slo::{Indicator, Outcome, Slo};
use crate::domain::slo_measured::{Counts, NoData, Reading};
use crate::sources::burn::diagnosis::Diagnosis;
use crate::sources::burn::measure::{Measure, Role};
use crate::sources::burn::overrides::Overrides;
use crate::sources::burn::values::{Context, Elsewhere, Values, reading};

const HOUR: u64 = 3_600;

fn read(slo: &Slo, values: Values, context: Context<'_>) -> Result<Reading, NoData> {
    let measure = Measure::of(slo, &Overrides::default()).unwrap().unwrap();
    reading(&measure, &values, HOUR, context)
}

fn values(pairs: &[(Role, f64)]) -> Values {
    let mut values = Values::default();
    for (role, value) in pairs {
        values.set(*role, Some(*value));
    }
    values
}

fn bad_of(bad: f64, total: f64) -> Values {
    values(&[(Role::Bad, bad), (Role::Total, total)])
}

fn kind(result: Result<Reading, NoData>) -> String {
    match result {
        Ok(reading) => format!("{}", reading.ratio),
        Err(why) => why.to_string(),
    }
}

#[test]
fn counts_come_from_increases_and_from_rates() {
    let increase = plain("x");
    let reading = read(&increase, bad_of(20.0, 1_000.0), Context::default()).unwrap();
    let counts = Counts {
        bad: 20.0,
        total: 1_000.0,
    };
    assert_eq!((reading.ratio, reading.counts), (0.02, Some(counts)));

    let rate = "sum(rate(x{code=\"500\"}[$window]))";
    let rate = slo("x", events(Outcome::Bad, rate, "sum(rate(x[$window]))"));
    let reading = read(&rate, bad_of(0.5, 10.0), Context::default()).unwrap();
    let counts = reading.counts.unwrap();
    assert_eq!((counts.bad, counts.total), (1_800.0, 36_000.0));

    // One counts, the other is a rate: both are brought to counts.
    let mixed = slo(
        "x",
        events(Outcome::Bad, "x{code=\"500\"}", "sum(rate(x[5m]))"),
    );
    let reading = read(&mixed, bad_of(36.0, 1.0), Context::default()).unwrap();
    assert!((reading.ratio - 0.01).abs() < 1e-12);

    // Nobody knows what it counts: the ratio is one all the same.
    let unknown = slo(
        "x",
        events(Outcome::Bad, "avg(rate(x[5m]))", "avg(rate(y[5m]))"),
    );
    let reading = read(&unknown, bad_of(1.0, 4.0), Context::default()).unwrap();
    assert_eq!((reading.ratio, reading.counts), (0.25, None));
}

#[test]
fn nothing_zero_and_no_number_are_kept_apart() {
    let slo = plain("x");
    let nan = f64::NAN;
    for (values, expected) in [
        (bad_of(0.0, 0.0), "no traffic for 1h"),
        (
            bad_of(nan, 1.0),
            "not a number: the count of bad ones is NaN",
        ),
        (
            bad_of(0.0, f64::INFINITY),
            "not a number: the count of all is +Inf",
        ),
        (
            bad_of(0.0, -3.0),
            "not a number: the count of all events is -3",
        ),
        (
            Values::default(),
            "missing: the query for all events gives nothing",
        ),
        (
            values(&[(Role::Bad, 3.0)]),
            "missing: the query for all events gives nothing",
        ),
    ] {
        let why = kind(read(&slo, values, Context::default()));
        assert!(why.starts_with(expected), "{why}");
    }
}

#[test]
fn a_ratio_outside_is_brought_in_and_remembered() {
    let reading = read(&plain("x"), bad_of(12.0, 10.0), Context::default()).unwrap();
    assert_eq!((reading.ratio, reading.clamped_from), (1.0, Some(1.2)));
    assert_eq!(reading.counts.unwrap().bad, 12.0);
    let good = slo("x", events(Outcome::Good, "g", "x"));
    let more_good = values(&[(Role::Good, 11.0), (Role::Total, 10.0)]);
    let reading = read(&good, more_good, Context::default()).unwrap();
    assert_eq!(reading.ratio, 0.0);
    assert!((reading.clamped_from.unwrap() + 0.1).abs() < 1e-9);
}

fn known(diagnosis: &Diagnosis) -> Context<'_> {
    Context {
        diagnosis: Some(diagnosis),
        ..Context::default()
    }
}

#[test]
fn bad_events_that_never_happened_are_none() {
    let none_bad = values(&[(Role::Total, 10.0)]);
    // Of the same metric: it has no series before the first one.
    assert_eq!(kind(read(&plain("x"), none_bad, Context::default())), "0");
    // Of another: only if that one exists at all.
    let other = slo("x", events(Outcome::Bad, "errors_total", "x_total"));
    let why = kind(read(&other, none_bad, Context::default()));
    assert!(why.starts_with("missing: the query for a part"), "{why}");
    let mut found = Diagnosis {
        part_exists: Some(true),
        ..Diagnosis::default()
    };
    assert_eq!(kind(read(&other, none_bad, known(&found))), "0");
    found.part_exists = Some(false);
    found.part = Some(crate::domain::text::Untrusted::line(
        "no series named errors_total",
    ));
    let why = kind(read(&other, none_bad, known(&found)));
    assert_eq!(why, "missing: no series named errors_total");
}

#[test]
fn a_missing_bucket_is_no_outage() {
    let none_good = values(&[(Role::Total, 10.0)]);
    let seen = Context {
        good_elsewhere: Elsewhere::Seen,
        ..Context::default()
    };
    let bucket = slo(
        "l",
        events(Outcome::Good, "l_bucket{le=\"0.25\"}", "l_count"),
    );
    assert!(read(&bucket, none_good, Context::default()).is_err());
    assert!(read(&bucket, none_good, seen).is_err());
    // Good events that were there a day ago are another thing.
    let plain = slo("g", events(Outcome::Good, "x{code=\"200\"}", "x"));
    assert!(read(&plain, none_good, Context::default()).is_err());
    assert_eq!(kind(read(&plain, none_good, seen)), "1");
    // Nor is a bucket of slow ones that does not exist a promise kept.
    let slow = slo("s", events(Outcome::Bad, "l_bucket{le=\"9\"}", "l_bucket"));
    assert!(read(&slow, none_good, Context::default()).is_err());
}

#[test]
fn a_ratio_says_itself() {
    let ratio = |of| {
        slo(
            "r",
            Indicator::Ratio {
                of,
                query: counter("a / b"),
            },
        )
    };
    let bad = Role::Ratio(Outcome::Bad);
    let of_bad = read(
        &ratio(Outcome::Bad),
        values(&[(bad, 0.2)]),
        Context::default(),
    );
    assert_eq!(kind(of_bad), "0.2");
    let good = Role::Ratio(Outcome::Good);
    let of_good = read(
        &ratio(Outcome::Good),
        values(&[(good, 0.75)]),
        Context::default(),
    );
    assert_eq!(kind(of_good), "0.25");
    let nan = read(
        &ratio(Outcome::Bad),
        values(&[(bad, f64::NAN)]),
        Context::default(),
    );
    assert_eq!(
        kind(nan),
        "not a number: the ratio is NaN, such as of nothing divided by nothing"
    );
    let absent = read(&ratio(Outcome::Bad), Values::default(), Context::default());
    assert_eq!(kind(absent), "missing: the query gives nothing");
}
