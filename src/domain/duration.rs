//! How is a span of time written and read?
//!
//! Ages on screen are short and never finer than a person needs; durations in the config are
//! Prometheus's own (`30s`, `5m`, `1h30m`, `2d`, `1w`).

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Seconds from `then` to `now`; a time in the future counts as zero.
#[must_use]
pub fn age_secs(then: DateTime<Utc>, now: DateTime<Utc>) -> u64 {
    u64::try_from((now - then).num_seconds()).unwrap_or(0)
}

/// A span as at most four columns: `42s`, `4m`, `19h`, `12d`, `99w`.
#[must_use]
pub fn short(secs: u64) -> String {
    match secs {
        0..60 => format!("{secs}s"),
        60..3_600 => format!("{}m", secs / 60),
        3_600..172_800 => format!("{}h", secs / 3_600),
        172_800..8_640_000 => format!("{}d", secs / 86_400),
        _ => format!("{}w", secs / 604_800),
    }
}

/// The age of `then` in the short form.
#[must_use]
pub fn short_age(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    short(age_secs(then, now))
}

/// A span exactly, as Prometheus writes it: `5m`, `1h30m`, `30d`.
#[must_use]
pub fn exact(secs: u64) -> String {
    let mut left = secs;
    let mut text = String::new();
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        if left >= length {
            text += &(left / length).to_string();
            text += unit;
            left %= length;
        }
    }
    if text.is_empty() {
        text.push_str("0s");
    }
    text
}

/// Reads a Prometheus duration. Units from large to small, each at most once.
///
/// # Errors
/// A sentence that names what was expected.
pub fn parse(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, u64); 7] = [
        ("y", 31_536_000_000),
        ("w", 604_800_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];
    let wrong = || format!("`{text}` is not a duration: write it like 30s, 5m, 1h30m or 2d");
    let mut rest = text;
    let mut total: u64 = 0;
    let mut next_unit = 0;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let amount: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let at = UNITS
            .iter()
            .position(|(unit, _)| *unit == &rest[..letters])
            .filter(|at| *at >= next_unit)
            .ok_or_else(wrong)?;
        next_unit = at + 1;
        rest = &rest[letters..];
        total = amount
            .checked_mul(UNITS[at].1)
            .and_then(|ms| total.checked_add(ms))
            .ok_or_else(wrong)?;
    }
    Ok(Duration::from_millis(total))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    #[test]
    fn an_exact_span_reads_back() {
        for (secs, text) in [
            (0, "0s"),
            (300, "5m"),
            (5_400, "1h30m"),
            (2_592_000, "30d"),
            (90_061, "1d1h1m1s"),
        ] {
            assert_eq!(exact(secs), text);
            assert_eq!(parse(text).unwrap().as_secs(), secs);
        }
    }

    #[test]
    fn ages_are_short() {
        let cases = [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3_599, "59m"),
            (3_600, "1h"),
            (90_000, "25h"),
            (172_800, "2d"),
            (8_639_999, "99d"),
            (8_640_000, "14w"),
        ];
        for (secs, text) in cases {
            assert_eq!(short(secs), text);
        }
    }

    #[test]
    fn durations_are_read_as_prometheus_does() {
        for (text, ms) in [
            ("30s", 30_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
            ("250ms", 250),
        ] {
            assert_eq!(parse(text).unwrap(), Duration::from_millis(ms));
        }
        for text in [
            "",
            "5",
            "m",
            "5m1h",
            "1m1m",
            "-3s",
            "1.5h",
            "9999999999999y",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
