//! When are the windows of a policy open? Part of [`super`].

use chrono::{DateTime, NaiveTime, Utc, Weekday};
use chrono_tz::{TZ_VARIANTS, Tz};

use super::raw::RawWindow;
use crate::config::raw::{Text, Texts};
use crate::config::resolve::Resolver;
use crate::domain::nearest::nearest;
use crate::domain::policy::{Window, WindowKind, WindowTimes};
use crate::domain::text::shown;

const WINDOW: &str = "[[window]]";
const KINDS: [(&str, WindowKind); 2] = [
    ("freeze", WindowKind::Freeze),
    ("maintenance", WindowKind::Maintenance),
];
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

pub(super) fn windows(resolver: &mut Resolver<'_>, raw: &[RawWindow]) -> Vec<Window> {
    let mut found: Vec<Window> = Vec::new();
    for raw in raw {
        let name = resolver.required(raw.name.as_ref(), &raw.header, WINDOW, "name");
        let kind = resolver.required(raw.kind.as_ref(), &raw.header, WINDOW, "kind");
        let kind = kind.and_then(|text| resolver.choice(text, "kind", &KINDS));
        let zone = zone(resolver, raw.zone.as_ref());
        let times = times(resolver, raw);
        if let Some(name) = name {
            check_name(resolver, name, kind, &found);
        }
        if let (Some(name), Some(kind), Some(times)) = (name, kind, times) {
            found.push(Window {
                name: name.value.clone(),
                kind,
                times,
                zone,
            });
        }
    }
    found
}

/// `window.freeze` stands for all freezes, so no other window may be called so.
fn check_name(resolver: &mut Resolver<'_>, name: &Text, kind: Option<WindowKind>, all: &[Window]) {
    resolver.check_name(name);
    let meant = KINDS.iter().find(|(word, _)| *word == name.value);
    if let (Some((word, meant)), Some(kind)) = (meant, kind)
        && *meant != kind
    {
        let message = format!("`window.{word}` stands for every window of that kind");
        let hint = "give this one another name";
        resolver.findings.add(&name.spot, message, Some(hint));
    }
    if all.iter().any(|window| window.name == name.value) {
        let message = format!("there are two windows `{}`", shown(&name.value));
        let hint = "rename one; `window.freeze` stands for all freezes";
        resolver.findings.add(&name.spot, message, Some(hint));
    }
}

fn zone(resolver: &mut Resolver<'_>, written: Option<&Text>) -> Tz {
    let Some(text) = written else {
        return Tz::UTC;
    };
    if let Ok(zone) = text.value.parse() {
        return zone;
    }
    let known = TZ_VARIANTS.iter().map(|zone| zone.name());
    let hint = match nearest(&text.value, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write it like Europe/Berlin or America/New_York".to_owned(),
    };
    let message = format!("unknown time zone `{}`", shown(&text.value));
    resolver.findings.add(&text.spot, message, Some(&hint));
    Tz::UTC
}

fn times(resolver: &mut Resolver<'_>, raw: &RawWindow) -> Option<WindowTimes> {
    let once = raw.from.as_ref().or(raw.until.as_ref());
    let weekly = raw.start.as_ref().or(raw.end.as_ref());
    let days = raw.days.as_ref().map(|days| &days.spot);
    let weekly_spot = weekly.map(|text| &text.spot).or(days);
    match (once, weekly_spot) {
        (Some(_), Some(spot)) => {
            let message = "a window is open once or every week, not both";
            let hint = "write `from` and `until`, or `days`, `start` and `end`";
            resolver.findings.add(spot, message, Some(hint));
            None
        }
        (Some(_), None) => self::once(resolver, raw),
        (None, Some(_)) => self::weekly(resolver, raw),
        (None, None) => {
            let refused = ["from", "until", "start", "end", "days"];
            let is_refused = |key: &&str| resolver.findings.was_refused(&raw.header, key);
            if !refused.iter().any(is_refused) {
                let message = "this window is never open";
                let hint = "write `from` and `until`, or `days`, `start` and `end`";
                resolver.findings.add(&raw.header, message, Some(hint));
            }
            None
        }
    }
}

fn once(resolver: &mut Resolver<'_>, raw: &RawWindow) -> Option<WindowTimes> {
    let from = resolver.required(raw.from.as_ref(), &raw.header, WINDOW, "from");
    let until = resolver.required(raw.until.as_ref(), &raw.header, WINDOW, "until");
    let from = from.and_then(|text| moment(resolver, text));
    let until_at = until.and_then(|text| moment(resolver, text));
    let (from, until_at) = (from?, until_at?);
    if until_at <= from {
        let message = "this window ends before it begins";
        let hint = "`until` is the first moment after it";
        resolver.findings.add(&until?.spot, message, Some(hint));
    }
    Some(WindowTimes::Once {
        from,
        until: until_at,
    })
}

fn moment(resolver: &mut Resolver<'_>, text: &Text) -> Option<DateTime<Utc>> {
    let found = DateTime::parse_from_rfc3339(&text.value).ok();
    if found.is_none() {
        let message = format!("`{}` is no time", shown(&text.value));
        let hint = "write it like 2026-12-20T18:00:00Z or 2026-12-20T18:00:00+01:00";
        resolver.findings.add(&text.spot, message, Some(hint));
    }
    found.map(|at| at.to_utc())
}

fn weekly(resolver: &mut Resolver<'_>, raw: &RawWindow) -> Option<WindowTimes> {
    let start = resolver.required(raw.start.as_ref(), &raw.header, WINDOW, "start");
    let end = resolver.required(raw.end.as_ref(), &raw.header, WINDOW, "end");
    let from = start.and_then(|text| time_of_day(resolver, text));
    let until = end.and_then(|text| match text.value.as_str() {
        "24:00" => Some(NaiveTime::MIN),
        _ => time_of_day(resolver, text),
    });
    let days = days(resolver, raw.days.as_ref());
    Some(WindowTimes::Weekly {
        days,
        from: from?,
        until: until?,
    })
}

fn days(resolver: &mut Resolver<'_>, written: Option<&Texts>) -> Vec<Weekday> {
    let Some(written) = written else {
        return Vec::new();
    };
    if written.value.is_empty() {
        let message = "a window on no day is never open";
        let hint = "leave `days` out for every day";
        resolver.findings.add(&written.spot, message, Some(hint));
    }
    let days = written.value.iter();
    days.filter_map(|text| resolver.choice(text, "day", &DAYS))
        .collect()
}

fn time_of_day(resolver: &mut Resolver<'_>, text: &Text) -> Option<NaiveTime> {
    // TOML's own times have seconds.
    let formats = ["%H:%M", "%H:%M:%S"];
    let mut found = formats
        .iter()
        .filter_map(|format| NaiveTime::parse_from_str(&text.value, format).ok());
    let found = found.next();
    if found.is_none() {
        let message = format!("`{}` is no time of day", shown(&text.value));
        let hint = "write it like 22:00, in the window's own zone";
        resolver.findings.add(&text.spot, message, Some(hint));
    }
    found
}
