//! Over which time is a budget, and which spans of time may be written?
//!
//! `OpenSLO`'s own shorthand and its `timeWindow`; the other formats write Prometheus durations. It
//! counts no periods: that is `domain::budget_period`.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use chrono_tz::{TZ_VARIANTS, Tz};

use super::fields::{Fields, Text};
use super::report::{Report, quoted};
use crate::domain::budget_period::{Calendar, CalendarUnit, Zone};
use crate::domain::duration;
use crate::domain::nearest::nearest;
use crate::domain::slo::BudgetWindow;

/// What is measured where a file names no window, as Sloth does unless told otherwise.
pub(super) const USUAL: BudgetWindow = BudgetWindow::Rolling { secs: 30 * DAY };

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// No budget is for longer.
const MAX_SECS: u64 = 10 * 365 * DAY;

/// A number and a letter, as in `30d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shorthand {
    count: u32,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    fn of(letter: &str) -> Option<Self> {
        Some(match letter {
            "m" => Self::Minute,
            "h" => Self::Hour,
            "d" => Self::Day,
            "w" => Self::Week,
            "M" => Self::Month,
            "Q" => Self::Quarter,
            "Y" => Self::Year,
            _ => return None,
        })
    }

    /// Its length, where months are of 30 days, quarters of 90 and years of 365.
    fn secs(self) -> u64 {
        match self {
            Self::Minute => 60,
            Self::Hour => HOUR,
            Self::Day => DAY,
            Self::Week => 7 * DAY,
            Self::Month => 30 * DAY,
            Self::Quarter => 90 * DAY,
            Self::Year => 365 * DAY,
        }
    }

    /// Whether its length depends on where in the year it lies.
    fn varies(self) -> bool {
        matches!(self, Self::Month | Self::Quarter | Self::Year)
    }
}

impl Shorthand {
    fn secs(self) -> u64 {
        u64::from(self.count) * self.unit.secs()
    }
}

fn shorthand(text: &Text<'_>, report: &mut Report) -> Option<Shorthand> {
    let written = text.value;
    let digits = written.bytes().take_while(u8::is_ascii_digit).count();
    let (count, letter) = written.split_at(digits);
    if let (Ok(count), Some(unit)) = (count.parse(), Unit::of(letter)) {
        let span = Shorthand { count, unit };
        return in_bounds(text, span.secs(), report).then_some(span);
    }
    let what = format!(
        "{} is {}, which is no duration",
        quoted(&text.path),
        quoted(written)
    );
    let next_step = "write a whole number and one of m, h, d, w, M (months), Q (quarters), Y \
                     (years), as in 30d or 1M";
    report.problem(text.at, what, next_step);
    None
}

fn in_bounds(text: &Text<'_>, secs: u64, report: &mut Report) -> bool {
    let (why, next_step) = match secs {
        0 => ("no time at all", "write a window such as 30d"),
        1..=MAX_SECS => return true,
        _ => ("more than ten years", "write a window such as 30d"),
    };
    let what = format!("{} is {}, {why}", quoted(&text.path), quoted(text.value));
    report.problem(text.at, what, next_step);
    false
}

/// Seconds of a Prometheus duration that is a window.
pub(super) fn prometheus_window(text: &Text<'_>, report: &mut Report) -> Option<BudgetWindow> {
    let secs = prometheus_duration(text, report)?.as_secs();
    in_bounds(text, secs, report).then_some(BudgetWindow::Rolling { secs })
}

/// A Prometheus duration.
pub(super) fn prometheus_duration(
    text: &Text<'_>,
    report: &mut Report,
) -> Option<std::time::Duration> {
    if let Ok(duration) = duration::parse(text.value) {
        return Some(duration);
    }
    let what = format!(
        "{} is {}, which is no duration",
        quoted(&text.path),
        quoted(text.value)
    );
    report.problem(
        text.at,
        what,
        "write it as Prometheus does: 30d, 4w, 1h30m, 250ms",
    );
    None
}

/// The length of a slice: a number of minutes, or a shorthand.
pub(super) fn slice_secs(
    text: &Text<'_>,
    window: BudgetWindow,
    report: &mut Report,
) -> Option<u64> {
    let secs = match text.value.parse::<u32>() {
        Ok(minutes) => {
            let secs = u64::from(minutes) * 60;
            in_bounds(text, secs, report).then_some(secs)?
        }
        Err(_) => shorthand(text, report)?.secs(),
    };
    if secs <= shortest_secs(window) {
        return Some(secs);
    }
    let what = format!(
        "{} is {}, longer than the budget's own window",
        quoted(&text.path),
        quoted(text.value)
    );
    report.problem(text.at, what, "write a slice such as 1m or 5m");
    None
}

fn shortest_secs(window: BudgetWindow) -> u64 {
    let (count, secs) = match window {
        BudgetWindow::Rolling { secs } => (1, secs),
        BudgetWindow::Calendar(calendar) => {
            let unit = match calendar.unit {
                CalendarUnit::Hour => HOUR,
                CalendarUnit::Day => DAY,
                CalendarUnit::Week => 7 * DAY,
                CalendarUnit::Month => 28 * DAY,
                CalendarUnit::Quarter => 90 * DAY,
                CalendarUnit::Year => 365 * DAY,
            };
            (calendar.count, unit)
        }
    };
    u64::from(count) * secs
}

/// An item of `OpenSLO`'s `timeWindow`.
pub(super) fn time_window(fields: &Fields<'_>, report: &mut Report) -> Option<BudgetWindow> {
    fields.pass_over_all_but(&["duration", "isRolling", "calendar"], report);
    let duration = fields.needed_text("duration", report);
    let duration = duration.and_then(|text| Some((shorthand(&text, report)?, text)));
    let is_rolling = fields.flag("isRolling", report).ok()?;
    let Some(calendar) = fields.get("calendar") else {
        if is_rolling == Some(false) {
            let what = format!(
                "{} is not rolling, and has no `calendar`",
                quoted(&fields.path_to("duration"))
            );
            let next_step = "add `calendar` with `startTime` and `timeZone`, or `isRolling: true`";
            report.problem(fields.at_name("isRolling"), what, next_step);
            return None;
        }
        let (span, text) = duration?;
        if span.unit.varies() {
            report.caution(
                text.at,
                format!(
                    "{} is {}, which has no fixed length when it rolls: {} days are measured",
                    quoted(&text.path),
                    quoted(text.value),
                    span.secs() / DAY
                ),
            );
        }
        return Some(BudgetWindow::Rolling { secs: span.secs() });
    };
    if is_rolling == Some(true) {
        let what = format!(
            "{} is both rolling and bound to a calendar",
            quoted(&fields.path_to("isRolling"))
        );
        let next_step = "remove `calendar`, or write `isRolling: false`";
        report.problem(fields.at_name("isRolling"), what, next_step);
        return None;
    }
    let calendar = calendar.fields(report)?;
    calendar.pass_over_all_but(&["startTime", "timeZone"], report);
    let zone = calendar.needed_text("timeZone", report);
    let zone = zone.and_then(|text| time_zone(&text, report));
    let start = calendar.needed_text("startTime", report);
    let start = start.and_then(|text| Some((wall_clock(&text, report)?, text)));
    let (span, text) = duration?;
    let (count, unit) = calendar_unit(span, &text, report)?;
    let (zone, (start, _)) = (zone?, start?);
    Some(BudgetWindow::Calendar(Calendar {
        starts_at: start.in_zone(zone),
        zone: Zone(zone),
        count,
        unit,
    }))
}

fn calendar_unit(
    span: Shorthand,
    text: &Text<'_>,
    report: &mut Report,
) -> Option<(u32, CalendarUnit)> {
    let unit = match span.unit {
        Unit::Minute if span.count.is_multiple_of(60) => {
            return Some((span.count / 60, CalendarUnit::Hour));
        }
        Unit::Minute => {
            let what = format!(
                "{} is {}: a calendar's periods are whole hours at least",
                quoted(&text.path),
                quoted(text.value)
            );
            report.problem(text.at, what, "write a duration such as 1d, 1w or 1M");
            return None;
        }
        Unit::Hour => CalendarUnit::Hour,
        Unit::Day => CalendarUnit::Day,
        Unit::Week => CalendarUnit::Week,
        Unit::Month => CalendarUnit::Month,
        Unit::Quarter => CalendarUnit::Quarter,
        Unit::Year => CalendarUnit::Year,
    };
    Some((span.count, unit))
}

fn time_zone(text: &Text<'_>, report: &mut Report) -> Option<Tz> {
    if let Ok(zone) = text.value.parse() {
        return Some(zone);
    }
    let what = format!(
        "{} is {}, which is no time zone",
        quoted(&text.path),
        quoted(text.value)
    );
    let meant = nearest(text.value, TZ_VARIANTS.iter().map(|zone| zone.name()));
    let next_step = match meant {
        Some(name) => format!("is `{name}` meant?"),
        None => "write a name of the IANA database such as `UTC` or `America/New_York`".to_owned(),
    };
    report.problem(text.at, what, next_step);
    None
}

/// A start as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// The zone's clock shows it.
    Wall(NaiveDateTime),
    /// With an offset of its own.
    Moment(DateTime<chrono::FixedOffset>),
}

impl Start {
    fn in_zone(self, zone: Tz) -> NaiveDateTime {
        match self {
            Self::Wall(wall) => wall,
            Self::Moment(moment) => moment.with_timezone(&zone).naive_local(),
        }
    }
}

fn wall_clock(text: &Text<'_>, report: &mut Report) -> Option<Start> {
    let written = text.value;
    let clocks = [
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
    ];
    let wall = clocks
        .iter()
        .find_map(|clock| NaiveDateTime::parse_from_str(written, clock).ok());
    let date = || {
        let date = NaiveDate::parse_from_str(written, "%Y-%m-%d").ok()?;
        date.and_hms_opt(0, 0, 0)
    };
    let moment = || DateTime::parse_from_rfc3339(written).ok();
    let start = wall
        .or_else(date)
        .map(Start::Wall)
        .or_else(|| moment().map(Start::Moment));
    if start.is_none() {
        let what = format!(
            "{} is {}, which is no time",
            quoted(&text.path),
            quoted(written)
        );
        report.problem(text.at, what, "write it as 2026-01-01 00:00:00");
    }
    start
}

/// A window as people say it: `30d`, `1 month from …`.
pub(super) fn in_words(window: BudgetWindow) -> String {
    match window {
        BudgetWindow::Rolling { secs } => duration::exact(secs),
        BudgetWindow::Calendar(calendar) => {
            let unit = match calendar.unit {
                CalendarUnit::Hour => "hour",
                CalendarUnit::Day => "day",
                CalendarUnit::Week => "week",
                CalendarUnit::Month => "month",
                CalendarUnit::Quarter => "quarter",
                CalendarUnit::Year => "year",
            };
            let zone = calendar.zone.0.name();
            let start = calendar.starts_at;
            match calendar.count {
                1 => format!("every {unit} from {start} {zone}"),
                count => format!("every {count} {unit}s from {start} {zone}"),
            }
        }
    }
}
