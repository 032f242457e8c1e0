//! When is a freeze or a maintenance window open?
//!
//! Evaluated in the window's own time zone, for any time. Part of [`super`].

use chrono::{
    DateTime, Days, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc, Weekday,
};
use chrono::{Datelike, NaiveDateTime};
use chrono_tz::Tz;

/// A span of time that rules ask about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// As rules name it: `window.NAME`.
    pub name: String,
    /// What sort of window.
    pub kind: WindowKind,
    /// When it is open.
    pub times: WindowTimes,
    /// The zone in which its times are meant.
    pub zone: Tz,
}

/// What sort of window it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowKind {
    /// What adds risk waits.
    Freeze,
    /// What needs quiet is done now.
    Maintenance,
}

impl WindowKind {
    /// `freeze`
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Freeze => "freeze",
            Self::Maintenance => "maintenance",
        }
    }
}

/// When a window is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowTimes {
    /// From one time to another, the second not included.
    Once {
        /// From.
        from: DateTime<Utc>,
        /// Until.
        until: DateTime<Utc>,
    },
    /// On these days, from one time of day to another, the second not included. One that ends before it
    /// begins goes over midnight and belongs to the day on which it begins; one that ends when it begins
    /// lasts until the next day.
    Weekly {
        /// On which days; none means every day.
        days: Vec<Weekday>,
        /// From.
        from: NaiveTime,
        /// Until.
        until: NaiveTime,
    },
}

impl Window {
    /// Whether it is open.
    #[must_use]
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        self.open_span(at).is_some()
    }

    /// From when to when it is open, where it is open now.
    ///
    /// A local time that a change of the clocks repeats or skips is unclear: then a freeze is as long as it
    /// can be, and a maintenance window as short.
    #[must_use]
    pub fn open_span(&self, at: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let holds = |(from, until): &(DateTime<Utc>, DateTime<Utc>)| *from <= at && at < *until;
        match &self.times {
            WindowTimes::Once { from, until } => Some((*from, *until)).filter(holds),
            WindowTimes::Weekly { days, from, until } => {
                let today = at.with_timezone(&self.zone).date_naive();
                // It may have begun the day before. A day more on each side, for zones that skip one.
                let first = today.checked_sub_days(Days::new(2))?;
                let near = first.iter_days().take(4);
                let on = near.filter(|day| days.is_empty() || days.contains(&day.weekday()));
                on.filter_map(|day| self.span_of(day, *from, *until))
                    .find(holds)
            }
        }
    }

    /// The one that begins on a day.
    fn span_of(
        &self,
        day: NaiveDate,
        from: NaiveTime,
        until: NaiveTime,
    ) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let last = if until <= from {
            day.checked_add_days(Days::new(1))?
        } else {
            day
        };
        let (first, last) = (
            instants(self.zone, day.and_time(from))?,
            instants(self.zone, last.and_time(until))?,
        );
        Some(match self.kind {
            WindowKind::Freeze => (first.0, last.1),
            WindowKind::Maintenance => (first.1, last.0),
        })
    }
}

/// The first and the last time at which the clocks of a zone show a local time. One that they skip is
/// the time at which they skip it.
fn instants(zone: Tz, local: NaiveDateTime) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(only) => Some((only.to_utc(), only.to_utc())),
        LocalResult::Ambiguous(first, last) => Some((first.to_utc(), last.to_utc())),
        LocalResult::None => {
            let skipped = skipped_at(zone, local)?;
            Some((skipped, skipped))
        }
    }
}

/// When a zone's clocks went past a local time that they never showed.
fn skipped_at(zone: Tz, local: NaiveDateTime) -> Option<DateTime<Utc>> {
    // No offset is further from UTC.
    let far = TimeDelta::hours(27);
    let middle = local.and_utc();
    let (mut before, mut after) = (
        middle.checked_sub_signed(far)?,
        middle.checked_add_signed(far)?,
    );
    while after - before > TimeDelta::seconds(1) {
        let between = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if between.with_timezone(&zone).naive_local() < local {
            before = between;
        } else {
            after = between;
        }
    }
    Some(after)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use chrono_tz::America::New_York;
    use chrono_tz::Europe::Berlin;
    use chrono_tz::Pacific::Apia;
    use proptest::prelude::*;

    fn t(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn weekly(zone: Tz, kind: WindowKind, days: &[Weekday], from: &str, until: &str) -> Window {
        Window {
            name: "w".to_owned(),
            kind,
            times: WindowTimes::Weekly {
                days: days.to_vec(),
                from: from.parse().unwrap(),
                until: until.parse().unwrap(),
            },
            zone,
        }
    }

    fn freeze(zone: Tz, from: &str, until: &str) -> Window {
        weekly(zone, WindowKind::Freeze, &[], from, until)
    }

    /// Each minute of a span at which the state changes, with the new state.
    fn changes(window: &Window, from: &str, until: &str) -> Vec<(String, bool)> {
        let (mut at, until) = (t(from), t(until));
        let mut was = window.is_open(at);
        let mut found = Vec::new();
        while at < until {
            at += TimeDelta::minutes(1);
            let is = window.is_open(at);
            if is != was {
                found.push((at.format("%dT%H:%M").to_string(), is));
            }
            was = is;
        }
        found
    }

    fn said(list: &[(&str, bool)]) -> Vec<(String, bool)> {
        let list = list.iter();
        list.map(|(at, is)| ((*at).to_owned(), *is)).collect()
    }

    #[test]
    fn a_window_is_half_open() {
        let once = Window {
            times: WindowTimes::Once {
                from: t("2026-12-20T00:00:00Z"),
                until: t("2026-12-27T00:00:00Z"),
            },
            ..freeze(Tz::UTC, "00:00:00", "00:00:00")
        };
        let open = |at: &str| once.is_open(t(at));
        assert!(!open("2026-12-19T23:59:59.999Z") && open("2026-12-20T00:00:00Z"));
        assert!(open("2026-12-26T23:59:59.999Z") && !open("2026-12-27T00:00:00Z"));
    }

    #[test]
    fn one_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let window = weekly(
            Berlin,
            WindowKind::Freeze,
            &[Weekday::Fri],
            "18:00:00",
            "08:00:00",
        );
        // The 20th of November 2026 is a Friday; Berlin is an hour ahead.
        let expected = [("20T17:00", true), ("21T07:00", false)];
        let week = changes(&window, "2026-11-18T00:00:00Z", "2026-11-26T00:00:00Z");
        assert_eq!(week, said(&expected));
    }

    #[test]
    fn one_that_ends_when_it_begins_lasts_a_day() {
        let window = weekly(
            Tz::UTC,
            WindowKind::Freeze,
            &[Weekday::Sat, Weekday::Sun],
            "00:00:00",
            "00:00:00",
        );
        let expected = [("21T00:00", true), ("23T00:00", false)];
        let week = changes(&window, "2026-11-18T00:00:00Z", "2026-11-27T00:00:00Z");
        assert_eq!(week, said(&expected));
    }

    #[test]
    fn a_skipped_hour_shortens_it_and_never_loses_its_end() {
        // Berlin, 29 March 2026: 02:00 CET is followed by 03:00 CEST, at 01:00 UTC.
        let night = |from, until| {
            let window = freeze(Berlin, from, until);
            changes(&window, "2026-03-28T22:00:00Z", "2026-03-29T06:00:00Z")
        };
        let expected = [("29T01:00", true), ("29T02:00", false)];
        assert_eq!(night("02:30:00", "04:00:00"), said(&expected));
        let expected = [("29T00:00", true), ("29T01:00", false)];
        assert_eq!(night("01:00:00", "02:30:00"), said(&expected));
        // Its whole time is skipped.
        assert_eq!(night("02:00:00", "03:00:00"), said(&[]));
    }

    #[test]
    fn a_repeated_hour_never_makes_it_flap() {
        // Berlin, 25 October 2026: 03:00 CEST is followed by 02:00 CET, at 01:00 UTC.
        let night = |kind, from, until| {
            let window = weekly(Berlin, kind, &[], from, until);
            changes(&window, "2026-10-24T22:30:00Z", "2026-10-25T06:00:00Z")
        };
        let longest = [("25T00:30", true), ("25T01:45", false)];
        let found = night(WindowKind::Freeze, "02:30:00", "02:45:00");
        assert_eq!(found, said(&longest));
        let found = night(WindowKind::Freeze, "01:00:00", "02:30:00");
        assert_eq!(found, said(&[("24T23:00", true), ("25T01:30", false)]));
        // Work that needs quiet begins late and ends early.
        let found = night(WindowKind::Maintenance, "01:00:00", "02:30:00");
        assert_eq!(found, said(&[("24T23:00", true), ("25T00:30", false)]));
        let found = night(WindowKind::Maintenance, "02:30:00", "04:00:00");
        assert_eq!(found, said(&[("25T01:30", true), ("25T03:00", false)]));
    }

    #[test]
    fn both_changes_of_clocks_elsewhere_count_too() {
        // New York, 8 March and 1 November 2026, at 02:00 local.
        let window = freeze(New_York, "01:30:00", "02:30:00");
        let spring = changes(&window, "2026-03-08T04:00:00Z", "2026-03-08T12:00:00Z");
        assert_eq!(spring, said(&[("08T06:30", true), ("08T07:00", false)]));
        let autumn = changes(&window, "2026-11-01T04:00:00Z", "2026-11-01T12:00:00Z");
        assert_eq!(autumn, said(&[("01T05:30", true), ("01T07:30", false)]));
    }

    #[test]
    fn a_leap_day_is_a_day() {
        // The 29th of February 2028 is a Tuesday.
        let window = weekly(
            Tz::UTC,
            WindowKind::Freeze,
            &[Weekday::Tue],
            "22:00:00",
            "02:00:00",
        );
        let found = changes(&window, "2028-02-27T00:00:00Z", "2028-03-03T00:00:00Z");
        assert_eq!(found, said(&[("29T22:00", true), ("01T02:00", false)]));
        let year = Window {
            times: WindowTimes::Once {
                from: t("2028-02-29T00:00:00Z"),
                until: t("2028-03-01T00:00:00Z"),
            },
            ..window
        };
        assert!(year.is_open(t("2028-02-29T23:59:59Z")));
        assert!(!year.is_open(t("2028-03-01T00:00:00Z")));
    }

    #[test]
    fn a_leap_second_is_within_its_minute() {
        let window = freeze(Tz::UTC, "23:00:00", "00:00:00");
        let leap = NaiveDate::from_ymd_opt(2016, 12, 31).unwrap();
        let leap = leap.and_hms_milli_opt(23, 59, 59, 1_500).unwrap().and_utc();
        assert!(window.is_open(leap));
        assert!(!window.is_open(t("2017-01-01T00:00:00Z")));
    }

    #[test]
    fn a_day_that_a_zone_skips_has_no_window() {
        // Samoa had no 30th of December 2011, which would have been a Friday.
        let window = weekly(
            Apia,
            WindowKind::Freeze,
            &[Weekday::Fri],
            "08:00:00",
            "10:00:00",
        );
        let found = changes(&window, "2011-12-28T00:00:00Z", "2012-01-02T00:00:00Z");
        assert_eq!(found, said(&[]));
    }

    proptest! {
        /// Whatever the clocks do, a window that is open says a span around now.
        #[test]
        fn an_open_window_surrounds_now(
            secs in 0_i64..4_000_000_000,
            from in 0_u32..1_440, until in 0_u32..1_440, zone in 0_usize..5, is_freeze: bool,
        ) {
            let clock = |m: u32| NaiveTime::from_hms_opt(m / 60, m % 60, 0).unwrap();
            let window = Window {
                name: "w".to_owned(),
                kind: if is_freeze { WindowKind::Freeze } else { WindowKind::Maintenance },
                times: WindowTimes::Weekly { days: Vec::new(), from: clock(from), until: clock(until) },
                zone: [Tz::UTC, Berlin, New_York, Apia, chrono_tz::Asia::Kolkata][zone],
            };
            let at = DateTime::from_timestamp(secs, 0).unwrap();
            if let Some((from, until)) = window.open_span(at) {
                prop_assert!(from <= at && at < until);
                prop_assert!(until - from <= TimeDelta::hours(26));
            }
        }
    }
}
