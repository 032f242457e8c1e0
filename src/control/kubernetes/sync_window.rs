//! Does a sync window of an Argo CD project stop a sync now?
//!
//! Windows are schedules of five fields with a length, for applications, namespaces or clusters by glob, as
//! Argo CD's documentation defines them. What cannot be read is unknown, never open. Called by
//! [`super::argocd`]; pure.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::draft::{list, text};
use crate::domain::check::at;
use crate::domain::text::shown;

/// The longest window that is looked at, in minutes.
const LONGEST_MINUTES: i64 = 32 * 24 * 60;

/// What the windows say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Windows {
    /// Nothing stops it, and why.
    Open(String),
    /// One stops it.
    Closed(String),
    /// Nobody can say, and why.
    Unknown(String),
}

/// One window that is about the application.
struct Window<'a> {
    object: &'a Value,
    is_active: bool,
}

impl Window<'_> {
    fn is(&self, kind: &str) -> bool {
        text(self.object, "/kind") == kind
    }

    fn lets_people(&self) -> bool {
        at(self.object, "/manualSync").and_then(Value::as_bool) == Some(true)
    }

    fn words(&self) -> String {
        let (kind, schedule) = (text(self.object, "/kind"), text(self.object, "/schedule"));
        let (length, why) = (
            text(self.object, "/duration"),
            text(self.object, "/description"),
        );
        let why = if why.is_empty() {
            String::new()
        } else {
            format!(" ({})", shown(why))
        };
        format!(
            "{kind} window `{}` for {}{why}",
            shown(schedule),
            shown(length)
        )
    }
}

/// What a project's windows say of a sync of an application by hand.
pub(super) fn windows(project: &Value, application: &Value, now: DateTime<Utc>) -> Windows {
    let mut about = Vec::new();
    for object in list(project, "/spec/syncWindows") {
        if !covers(object, application) {
            continue;
        }
        match is_active(object, now) {
            Ok(is_active) => about.push(Window { object, is_active }),
            Err(why) => return Windows::Unknown(why),
        }
    }
    if about.is_empty() {
        return Windows::Open("no sync window is about it".to_owned());
    }
    let denies: Vec<&Window> = about
        .iter()
        .filter(|w| w.is_active && w.is("deny"))
        .collect();
    if let Some(deny) = denies.iter().find(|deny| !deny.lets_people()) {
        return Windows::Closed(format!("a {} is on", deny.words()));
    }
    if let Some(deny) = denies.first() {
        let words = deny.words();
        return Windows::Open(format!("a {words} is on, but lets people sync by hand"));
    }
    let allows: Vec<&Window> = about.iter().filter(|w| w.is("allow")).collect();
    if allows.is_empty() || allows.iter().any(|w| w.is_active) {
        return Windows::Open("no deny window is on".to_owned());
    }
    match allows.iter().find(|w| !w.lets_people()) {
        Some(closed) => Windows::Closed(format!("no allow window is on: {}", closed.words())),
        None => Windows::Open("no allow window is on, but people may sync by hand".to_owned()),
    }
}

/// Whether a window is about an application.
fn covers(window: &Value, application: &Value) -> bool {
    let is_any = |place: &str, of: &[&str]| {
        list(window, place)
            .iter()
            .filter_map(Value::as_str)
            .any(|glob| of.iter().any(|one| !one.is_empty() && is_like(glob, one)))
    };
    let name = text(application, "/metadata/name");
    let namespace = text(application, "/spec/destination/namespace");
    let clusters = [
        text(application, "/spec/destination/server"),
        text(application, "/spec/destination/name"),
    ];
    let rules = [
        ("/applications", is_any("/applications", &[name])),
        ("/namespaces", is_any("/namespaces", &[namespace])),
        ("/clusters", is_any("/clusters", &clusters)),
    ];
    let has_all = at(window, "/andOperator").and_then(Value::as_bool) == Some(true);
    let mut given = rules
        .iter()
        .filter(|(place, _)| !list(window, place).is_empty());
    if has_all {
        given.clone().next().is_some() && given.all(|(_, holds)| *holds)
    } else {
        given.any(|(_, holds)| *holds)
    }
}

/// `*` stands for anything, `?` for one character.
fn is_like(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    let (mut g, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match glob.get(g) {
            Some('*') => {
                star = Some((g, t));
                g += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                g += 1;
                t += 1;
            }
            _ => match star {
                Some((at_glob, at_text)) => {
                    star = Some((at_glob, at_text + 1));
                    g = at_glob + 1;
                    t = at_text + 1;
                }
                None => return false,
            },
        }
    }
    glob[g..].iter().all(|c| *c == '*')
}

/// Whether it began within its length before now.
fn is_active(window: &Value, now: DateTime<Utc>) -> Result<bool, String> {
    let schedule = text(window, "/schedule");
    let unread = |what: &str| format!("the {what} of a sync window is not understood");
    let schedule = Schedule::parse(schedule).ok_or_else(|| unread("schedule"))?;
    let zone: Tz = match text(window, "/timeZone") {
        "" => Tz::UTC,
        name => name.parse().map_err(|_| unread("time zone"))?,
    };
    let minutes = minutes(text(window, "/duration")).ok_or_else(|| unread("duration"))?;
    let began = now.with_timezone(&zone);
    for ago in 0..minutes.min(LONGEST_MINUTES) {
        let Some(then) = began.checked_sub_signed(TimeDelta::minutes(ago)) else {
            return Err(unread("duration"));
        };
        if schedule.begins(&then) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Go's durations, as far as schedules use them: `8h`, `1h30m`, `90s`.
fn minutes(text: &str) -> Option<i64> {
    let (mut total, mut digits) = (0_i64, String::new());
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let number: i64 = digits.parse().ok()?;
        digits.clear();
        let seconds = match c {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(seconds)?)?;
    }
    // A begun minute counts.
    (digits.is_empty() && total > 0).then_some((total + 59) / 60)
}

/// Minutes, hours, days of the month, months, days of the week.
struct Schedule([Vec<u32>; 5], bool, bool);

impl Schedule {
    fn parse(text: &str) -> Option<Self> {
        let text = match text.trim() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" | "@annually" => "0 0 1 1 *",
            other => other,
        };
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = parts.as_slice() else {
            return None;
        };
        Some(Self(
            [
                field(minute, 0, 59, &[])?,
                field(hour, 0, 23, &[])?,
                field(day, 1, 31, &[])?,
                field(month, 1, 12, &MONTHS)?,
                field(weekday, 0, 6, &DAYS)?,
            ],
            day.starts_with('*') || day.starts_with('?'),
            weekday.starts_with('*') || weekday.starts_with('?'),
        ))
    }

    fn begins(&self, at: &DateTime<Tz>) -> bool {
        let [minutes, hours, days, months, weekdays] = &self.0;
        let in_month = days.contains(&at.day());
        let in_week = weekdays.contains(&at.weekday().num_days_from_sunday());
        // Where both are given, either is enough, as in every cron.
        let is_day = match (self.1, self.2) {
            (false, false) => in_month || in_week,
            _ => in_month && in_week,
        };
        minutes.contains(&at.minute())
            && hours.contains(&at.hour())
            && months.contains(&at.month())
            && is_day
    }
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

fn field(text: &str, least: u32, most: u32, names: &[&str]) -> Option<Vec<u32>> {
    let value = |text: &str| {
        let named = names
            .iter()
            .position(|name| text.eq_ignore_ascii_case(name));
        let named = named.and_then(|at| u32::try_from(at).ok().map(|at| at + least));
        let value = named.or_else(|| text.parse().ok())?;
        (least..=most).contains(&value).then_some(value)
    };
    let mut all = Vec::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<u32>().ok().filter(|s| *s > 0)?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            _ if matches!(range, "*" | "?") => (least, most),
            Some((from, to)) => (value(from)?, value(to)?),
            None if part.contains('/') => (value(range)?, most),
            None => (value(range)?, value(range)?),
        };
        let step = usize::try_from(step).ok()?;
        all.extend((from..=to).step_by(step));
    }
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use crate::control::kubernetes::recorded;
    use serde_json::json;

    fn at_time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn application() -> Value {
        recorded::json("lists/application-payments-api.json")
    }

    fn says(windows_of: &Value, now: &str) -> Windows {
        let project = json!({ "spec": { "syncWindows": windows_of } });
        windows(&project, &application(), at_time(now))
    }

    fn window(kind: &str, manual: bool) -> Value {
        json!({ "kind": kind, "schedule": "0 22 * * *", "duration": "8h",
            "applications": ["payments-*"], "manualSync": manual })
    }

    #[test]
    fn a_recorded_freeze_over_night_lets_people_sync() {
        let project = recorded::item("lists/appprojects.json", "payments");
        let at = |text: &str| windows(&project, &application(), at_time(text));
        let night = at("2026-11-21T05:59:00Z");
        assert!(
            matches!(&night, Windows::Open(why) if why.contains("nightly freeze")),
            "{night:?}"
        );
        let day = at("2026-11-21T06:00:00Z");
        assert!(
            matches!(&day, Windows::Open(why) if why.contains("no deny")),
            "{day:?}"
        );
    }

    #[test]
    fn a_deny_window_closes_while_it_is_on() {
        let deny = || json!([window("deny", false)]);
        let closed = |now: &str| matches!(says(&deny(), now), Windows::Closed(_));
        assert!(closed("2026-11-20T22:00:00Z"));
        assert!(closed("2026-11-21T05:59:59Z"));
        assert!(!closed("2026-11-21T06:00:00Z"));
        assert!(!closed("2026-11-20T21:59:59Z"));
        let mut zoned = deny();
        zoned[0]["timeZone"] = json!("America/New_York");
        assert!(matches!(
            says(&zoned, "2026-11-21T10:00:00Z"),
            Windows::Closed(_)
        ));
    }

    #[test]
    fn an_allow_window_closes_while_it_is_off() {
        let of = |manual: bool, now: &str| says(&json!([window("allow", manual)]), now);
        let (on, off) = ("2026-11-20T23:00:00Z", "2026-11-21T12:00:00Z");
        assert!(matches!(of(false, on), Windows::Open(_)));
        assert!(matches!(of(false, off), Windows::Closed(_)));
        assert!(matches!(of(true, off), Windows::Open(_)));
    }

    #[test]
    fn windows_of_others_and_windows_nobody_understands() {
        let mut other = window("deny", false);
        other["applications"] = json!(["checkout-*"]);
        let now = "2026-11-20T23:00:00Z";
        assert!(matches!(says(&json!([other]), now), Windows::Open(_)));
        let mut both = window("deny", false);
        both["namespaces"] = json!(["checkout"]);
        assert!(matches!(
            says(&json!([both.clone()]), now),
            Windows::Closed(_)
        ));
        both["andOperator"] = json!(true);
        assert!(matches!(says(&json!([both]), now), Windows::Open(_)));
        for (place, text) in [
            ("schedule", "x"),
            ("duration", "soon"),
            ("timeZone", "Mars"),
        ] {
            let mut odd = window("deny", false);
            odd[place] = json!(text);
            assert!(
                matches!(says(&json!([odd]), now), Windows::Unknown(_)),
                "{place}"
            );
        }
    }

    #[test]
    fn schedules_are_those_of_cron() {
        let begins = |schedule: &str, at: &str| {
            let at = at_time(at).with_timezone(&Tz::UTC);
            Schedule::parse(schedule).unwrap().begins(&at)
        };
        // A Saturday.
        assert!(begins("*/15 6-8 * nov SAT", "2026-11-21T06:45:00Z"));
        assert!(!begins("*/15 6-8 * nov SAT", "2026-11-21T06:46:00Z"));
        assert!(begins("0 0 1 * 6", "2026-11-21T00:00:00Z"));
        assert!(!begins("0 0 1 * *", "2026-11-21T00:00:00Z"));
        assert!(begins("@daily", "2026-11-21T00:00:00Z"));
        for wrong in ["", "* * * *", "60 * * * *", "*/0 * * * *", "5-x * * * *"] {
            assert!(Schedule::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn globs_are_matched_whole() {
        assert!(is_like("*", "x") && is_like("pay*-api", "payments-api"));
        assert!(is_like("a?c", "abc") && !is_like("a?c", "ac"));
        assert!(!is_like("pay", "payments") && !is_like("*x", "payments"));
    }
}
