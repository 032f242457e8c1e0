//! Which moment does `--at` mean?
//!
//! A time as RFC 3339 has it, seconds since 1970, or how long ago. Read by `quell burn`; the clock is
//! handed in.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::duration;
use crate::domain::text::shown;

/// Fewer seconds since 1970 than this are meant as something else: 2001-09-09.
const LEAST_UNIX_SECS: i64 = 1_000_000_000;

/// The moment of a text, seen from `now`.
///
/// # Errors
/// What it must look like, in words.
pub fn moment(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let said = text.trim();
    let at = absolute(said).or_else(|| ago(said, now)).ok_or_else(|| {
        format!(
            "`{}` is no time: write it like 2026-11-21T14:02:00Z, 1795269720, 6h or 1d12h",
            shown(text)
        )
    })?;
    if at > now {
        let text = shown(text);
        let now = now.format("%Y-%m-%dT%H:%M:%SZ");
        return Err(format!("{text} lies in the future: it is {now}"));
    }
    Ok(at)
}

fn absolute(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    let secs: i64 = text.parse().ok()?;
    DateTime::from_timestamp(secs, 0).filter(|_| secs >= LEAST_UNIX_SECS)
}

/// `6h`, `-6h`, `6h ago`
fn ago(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let text = text.strip_prefix('-').unwrap_or(text);
    let text = text.strip_suffix("ago").unwrap_or(text).trim_end();
    let span = TimeDelta::from_std(duration::parse(text).ok()?).ok()?;
    now.checked_sub_signed(span)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-21T14:02:00Z".parse().unwrap()
    }

    #[test]
    fn a_moment_is_a_time_or_how_long_ago() {
        for (text, at) in [
            ("2026-11-21T14:02:00Z", "2026-11-21T14:02:00Z"),
            ("2026-11-21T13:00:00+02:00", "2026-11-21T11:00:00Z"),
            ("2026-11-21T13:00:00.5Z", "2026-11-21T13:00:00.500Z"),
            ("1795269600", "2026-11-21T14:00:00Z"),
            ("6h", "2026-11-21T08:02:00Z"),
            ("-6h", "2026-11-21T08:02:00Z"),
            ("1d12h ago", "2026-11-20T02:02:00Z"),
            (" 90s ", "2026-11-21T14:00:30Z"),
            ("0s", "2026-11-21T14:02:00Z"),
        ] {
            let at: DateTime<Utc> = at.parse().unwrap();
            assert_eq!(moment(text, now()), Ok(at), "{text}");
        }
    }

    #[test]
    fn anything_else_says_what_to_write() {
        for text in [
            "",
            "300",
            "yesterday",
            "6",
            "6 h",
            "ago",
            "-",
            "--6h",
            "14:02",
            "9999999y",
            "2026-11-21",
            "\u{1b}[2J",
        ] {
            let said = moment(text, now()).unwrap_err();
            assert!(said.contains("2026-11-21T14:02:00Z"), "{said}");
            assert!(!said.contains('\u{1b}'), "{said}");
        }
        for text in ["2026-11-21T14:02:01Z", "1795269721"] {
            let said = moment(text, now()).unwrap_err();
            assert!(said.contains("in the future"), "{said}");
        }
    }
}
