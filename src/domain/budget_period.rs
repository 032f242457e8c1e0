//! When does a calendar budget begin and end?
//!
//! A month in Berlin has 745 hours in October. Begins and ends are counted in the period's own time
//! zone, from the start that its definition names (OpenSLO v1, `timeWindow.calendar`).

use chrono::{
    DateTime, Datelike, Days, LocalResult, Months, NaiveDateTime, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A budget that begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// Where counting starts, as the wall clock of the zone shows it.
    pub starts_at: NaiveDateTime,
    /// The zone.
    pub zone: Zone,
    /// How many units one period takes.
    pub count: u32,
    /// The unit.
    pub unit: CalendarUnit,
}

/// A time zone of the IANA database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(pub Tz);

/// What a calendar period is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalendarUnit {
    /// From one hour to the next.
    Hour,
    /// From midnight, or the start's time of day, to the next.
    Day,
    /// Seven of these.
    Week,
    /// From one day of a month to the same of the next.
    Month,
    /// Three of these.
    Quarter,
    /// Twelve of these.
    Year,
}

/// One period, its end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Its first moment.
    pub start: DateTime<Utc>,
    /// The first moment after it.
    pub end: DateTime<Utc>,
}

impl Period {
    /// Its length in seconds.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        reason = "a period is far below 2^53 seconds"
    )]
    pub fn secs(&self) -> f64 {
        (self.end - self.start).num_seconds() as f64
    }

    /// The share of it that has passed, 0 to 1.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        reason = "a period is far below 2^53 milliseconds"
    )]
    pub fn elapsed(&self, at: DateTime<Utc>) -> f64 {
        let whole = (self.end - self.start).num_milliseconds() as f64;
        ((at - self.start).num_milliseconds() as f64 / whole).clamp(0.0, 1.0)
    }
}

impl Calendar {
    /// The period that a moment lies in. `None` before the first one, and where the calendar ends.
    #[must_use]
    pub fn period_at(&self, at: DateTime<Utc>) -> Option<Period> {
        let local = at.with_timezone(&self.zone.0).naive_local();
        let mut number = self.guess(local)?;
        // The guess is at most a period off: months differ in length, and clocks are set back.
        while number > 0 && self.begin(number)? > at {
            number -= 1;
        }
        while self.begin(number.checked_add(1)?)? <= at {
            number += 1;
        }
        let period = Period {
            start: self.begin(number)?,
            end: self.begin(number + 1)?,
        };
        (period.start <= at).then_some(period)
    }

    /// About how many periods have passed since counting started.
    fn guess(&self, local: NaiveDateTime) -> Option<u32> {
        let start = self.starts_at;
        let passed = match self.unit {
            CalendarUnit::Hour => (local - start).num_hours(),
            CalendarUnit::Day => (local - start).num_days(),
            CalendarUnit::Week => (local - start).num_weeks(),
            CalendarUnit::Month | CalendarUnit::Quarter | CalendarUnit::Year => {
                let months = i64::from(local.year() - start.year()) * 12 + i64::from(local.month())
                    - i64::from(start.month());
                months / i64::from(self.unit.months())
            }
        };
        u32::try_from((passed / i64::from(self.count)).max(0)).ok()
    }

    /// The first moment of a period, counted from 0.
    fn begin(&self, number: u32) -> Option<DateTime<Utc>> {
        let units = number.checked_mul(self.count)?;
        let days = |days: u64| self.starts_at.checked_add_days(Days::new(days));
        let local = match self.unit {
            // An hour is as long as another, whatever the clock shows.
            CalendarUnit::Hour => {
                let first = self.moment(self.starts_at)?;
                return first.checked_add_signed(TimeDelta::hours(i64::from(units)));
            }
            CalendarUnit::Day => days(u64::from(units))?,
            CalendarUnit::Week => days(u64::from(units) * 7)?,
            CalendarUnit::Month | CalendarUnit::Quarter | CalendarUnit::Year => {
                let months = units.checked_mul(self.unit.months())?;
                self.starts_at.checked_add_months(Months::new(months))?
            }
        };
        self.moment(local)
    }

    /// The moment at which the zone's clock shows a time: the earlier of two, and the first after a
    /// gap for a time that the clock leaves out.
    fn moment(&self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        let mut local = local;
        for _ in 0..50 {
            match self.zone.0.from_local_datetime(&local) {
                LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => {
                    return Some(at.with_timezone(&Utc));
                }
                LocalResult::None => local += TimeDelta::minutes(30),
            }
        }
        None
    }
}

impl CalendarUnit {
    /// How many months it has; 1 for what is shorter.
    fn months(self) -> u32 {
        match self {
            Self::Hour | Self::Day | Self::Week | Self::Month => 1,
            Self::Quarter => 3,
            Self::Year => 12,
        }
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let zone = name.parse().map_err(serde::de::Error::custom)?;
        Ok(Self(zone))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use proptest::prelude::*;

    fn calendar(start: &str, zone: &str, count: u32, unit: CalendarUnit) -> Calendar {
        Calendar {
            starts_at: start.parse().unwrap(),
            zone: Zone(zone.parse().unwrap()),
            count,
            unit,
        }
    }

    fn hours(calendar: &Calendar, at: &str) -> f64 {
        calendar.period_at(at.parse().unwrap()).unwrap().secs() / 3_600.0
    }

    #[test]
    fn october_in_berlin_is_an_hour_longer() {
        let monthly = calendar(
            "2020-01-01T00:00:00",
            "Europe/Berlin",
            1,
            CalendarUnit::Month,
        );
        let at = "2026-10-11T10:00:00Z".parse().unwrap();
        let period = monthly.period_at(at).unwrap();
        assert_eq!(period.start.to_rfc3339(), "2026-09-30T22:00:00+00:00");
        assert_eq!(period.end.to_rfc3339(), "2026-10-31T23:00:00+00:00");
        assert!((period.secs() - 745.0 * 3_600.0).abs() < 1e-9);
        assert!((period.elapsed(at) - 252.0 / 745.0).abs() < 1e-12);
        assert!((hours(&monthly, "2026-03-10T00:00:00Z") - 743.0).abs() < 1e-9);
    }

    #[test]
    fn ends_belong_to_the_next_period() {
        let daily = calendar("2026-01-01T06:30:00", "Asia/Kolkata", 1, CalendarUnit::Day);
        let period = daily
            .period_at("2026-11-21T01:00:00Z".parse().unwrap())
            .unwrap();
        assert_eq!(period.start.to_rfc3339(), "2026-11-21T01:00:00+00:00");
        let before = daily
            .period_at("2026-11-21T00:59:59Z".parse().unwrap())
            .unwrap();
        assert_eq!(before.end, period.start);
    }

    #[test]
    fn a_time_that_the_clock_leaves_out_is_the_first_after_it() {
        let daily = calendar("2026-03-01T02:30:00", "Europe/Berlin", 1, CalendarUnit::Day);
        let period = daily
            .period_at("2026-03-29T12:00:00Z".parse().unwrap())
            .unwrap();
        assert_eq!(period.start.to_rfc3339(), "2026-03-29T01:00:00+00:00");
    }

    #[test]
    fn before_the_first_period_there_is_none() {
        let weekly = calendar("2026-11-02T00:00:00", "UTC", 1, CalendarUnit::Week);
        assert!(
            weekly
                .period_at("2026-11-01T23:59:59Z".parse().unwrap())
                .is_none()
        );
        assert!((hours(&weekly, "2026-11-21T00:00:00Z") - 168.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn every_moment_lies_in_its_period_and_periods_follow_each_other(
            secs in 0_i64..2_000_000_000,
            count in 1_u32..4,
            unit in prop::sample::select(vec![
                CalendarUnit::Hour, CalendarUnit::Day, CalendarUnit::Week,
                CalendarUnit::Month, CalendarUnit::Quarter, CalendarUnit::Year,
            ]),
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia"]),
        ) {
            let calendar = calendar("1969-12-31T00:30:00", zone, count, unit);
            let at = DateTime::from_timestamp(secs + 200_000, 0).unwrap();
            let period = calendar.period_at(at).unwrap();
            prop_assert!(period.start <= at && at < period.end);
            let next = calendar.period_at(period.end).unwrap();
            prop_assert_eq!(next.start, period.end);
        }
    }
}
