//! How fast does a budget burn, as far as a policy may rely on it?
//!
//! From what every Prometheus measured, as [`Board`] keeps it. Of two that measure the same SLO the one
//! that says more counts, unless they contradict each other. Called by whoever checks a plan; pure.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::board::Board;
use super::burn::burn_rate;
use super::duration::{age_secs, short};
use super::number;
use super::policy::{BURN_HOLDS, BurnReading, Reading};
use super::slo::SloId;
use super::slo_measured::{Measured, MeasuredSlo, NoData, refresh_secs};
use super::source::SourceName;
use super::text::Untrusted;

/// `burn.short`
pub const SHORT_SECS: u64 = 300;
/// `burn.long`
pub const LONG_SECS: u64 = 3_600;

/// What differs by this factor at most is the same, seen at different moments.
const SAME_FACTOR: f64 = 2.0;
/// Nor is a small difference one, whatever its factor.
const SAME_DIFFERENCE: f64 = 0.5;

/// What one Prometheus says of one SLO.
struct Said<'a> {
    source: &'a SourceName,
    short: f64,
    long: f64,
    age: Duration,
}

/// What is known of one SLO.
#[derive(Default)]
struct OfSlo<'a> {
    said: Vec<Said<'a>>,
    /// Why somebody says nothing of it.
    silence: Option<&'a NoData>,
}

/// The highest burn over 5 minutes and over 1 hour of the SLOs of a service; of all SLOs where no service
/// is named or it has none.
///
/// An SLO of the service itself that cannot be read makes the whole unknown: it may be the one that burns.
/// That nothing happened is no such reason. Beyond the age that windows have by how often they are asked
/// for, the reading is as old as its oldest part.
#[must_use]
pub fn burn_reading(
    board: &Board,
    service: Option<&str>,
    now: DateTime<Utc>,
) -> Reading<BurnReading> {
    let all = by_slo(board, now);
    let is_own = |id: &&&SloId| {
        let of = id.service.as_ref().map(Untrusted::raw);
        service.is_some() && of == service
    };
    let own: Vec<&SloId> = all.keys().filter(is_own).copied().collect();
    let has_own = !own.is_empty();
    let ids: Vec<&SloId> = if has_own {
        own
    } else {
        all.keys().copied().collect()
    };
    if ids.is_empty() {
        return unknown("no SLO is measured");
    }
    let mut highest: Option<Highest<'_>> = None;
    let mut silent = None;
    for id in ids {
        let Some(slo) = all.get(id) else { continue };
        let counted = slo.counted();
        if let Some(words) = contradiction(id, &counted) {
            return Reading::Contradictory(Untrusted::line(&words));
        }
        if counted.is_empty() {
            let is_idle = matches!(slo.silence, Some(NoData::NoTraffic(_)));
            let why = slo
                .silence
                .map_or("no answer".to_owned(), NoData::to_string);
            let words = format!("{id}: {why}");
            if has_own && !is_idle {
                return unknown(&words);
            }
            silent.get_or_insert(words);
        }
        for said in counted {
            highest = Some(Highest::with(highest, id, said));
        }
    }
    match highest {
        Some(highest) => highest.reading(),
        None => unknown(&silent.unwrap_or_else(|| "no SLO is measured".to_owned())),
    }
}

fn by_slo(board: &Board, now: DateTime<Utc>) -> BTreeMap<&SloId, OfSlo<'_>> {
    let mut all: BTreeMap<&SloId, OfSlo<'_>> = BTreeMap::new();
    for heard in &board.measured {
        for measured in &heard.answer.slos {
            let of_slo = all.entry(&measured.slo.id).or_default();
            match said(&heard.source, measured, now) {
                Ok(said) => of_slo.said.push(said),
                Err(why) => {
                    of_slo.silence.get_or_insert(why);
                }
            }
        }
    }
    all
}

fn said<'a>(
    source: &'a SourceName,
    measured: &'a MeasuredSlo,
    now: DateTime<Utc>,
) -> Result<Said<'a>, &'a NoData> {
    if let Some(blocked) = &measured.blocked {
        return Err(blocked);
    }
    let long = window(measured, LONG_SECS)?;
    let short = window(measured, SHORT_SECS);
    let short = match short {
        // Nothing happened just now: the hour is all that is known.
        Err(NoData::NoTraffic(_)) => long,
        short => short?,
    };
    let burn = |(_, ratio): (&Measured, f64)| burn_rate(ratio, measured.slo.objective);
    Ok(Said {
        source,
        short: burn(short),
        long: burn(long),
        age: age(short.0, now).max(age(long.0, now)),
    })
}

fn window(measured: &MeasuredSlo, secs: u64) -> Result<(&Measured, f64), &NoData> {
    let mut windows = measured.windows.iter();
    let window = windows.find(|w| w.secs == secs).ok_or(&NoData::NotAsked)?;
    Ok((window, window.reading.as_ref()?.ratio))
}

/// How old a window is, beyond what it is by being asked for less often than the short one.
fn age(window: &Measured, now: DateTime<Utc>) -> Duration {
    let own = refresh_secs(window.secs).saturating_sub(refresh_secs(SHORT_SECS));
    Duration::from_secs(age_secs(window.at, now).saturating_sub(own))
}

impl<'a> OfSlo<'a> {
    /// What is recent enough; where nothing is, the least old.
    fn counted(&self) -> Vec<&Said<'a>> {
        let recent = self.said.iter().filter(|said| said.age <= BURN_HOLDS);
        let recent: Vec<&Said<'a>> = recent.collect();
        if recent.is_empty() {
            return self
                .said
                .iter()
                .min_by_key(|said| said.age)
                .into_iter()
                .collect();
        }
        recent
    }
}

/// Which of the two burns.
type BurnOf = fn(&Said<'_>) -> f64;

/// Two that measure the same and say different things.
fn contradiction(id: &SloId, said: &[&Said<'_>]) -> Option<String> {
    let windows: [(u64, BurnOf); 2] = [
        (SHORT_SECS, |said| said.short),
        (LONG_SECS, |said| said.long),
    ];
    windows.into_iter().find_map(|(secs, burn)| {
        let by_burn = |a: &&&Said<'_>, b: &&&Said<'_>| burn(a).total_cmp(&burn(b));
        let (low, high) = (said.iter().min_by(by_burn)?, said.iter().max_by(by_burn)?);
        let (least, most) = (burn(low), burn(high));
        let differ = most > least * SAME_FACTOR && most - least > SAME_DIFFERENCE;
        differ.then(|| {
            let (window, most, least) = (short(secs), number::of(most), number::of(least));
            let (high, low) = (high.source, low.source);
            format!("{id} over {window} is {most} by {high} and {least} by {low}")
        })
    })
}

fn unknown(why: &str) -> Reading<BurnReading> {
    Reading::Unknown(Untrusted::line(why))
}

/// The highest of what was gone through.
struct Highest<'a> {
    short: (&'a SloId, f64),
    long: (&'a SloId, f64),
    age: Duration,
}

impl<'a> Highest<'a> {
    fn with(before: Option<Self>, id: &'a SloId, said: &Said<'_>) -> Self {
        let Some(mut highest) = before else {
            return Self {
                short: (id, said.short),
                long: (id, said.long),
                age: said.age,
            };
        };
        if said.short > highest.short.1 {
            highest.short = (id, said.short);
        }
        if said.long > highest.long.1 {
            highest.long = (id, said.long);
        }
        highest.age = highest.age.max(said.age);
        highest
    }

    fn reading(self) -> Reading<BurnReading> {
        let (short_of, long_of) = (self.short.0, self.long.0);
        let slo = if short_of == long_of {
            short_of.to_string()
        } else {
            format!(
                "{short_of} over {}, {long_of} over {}",
                short(SHORT_SECS),
                short(LONG_SECS)
            )
        };
        Reading::Known {
            value: BurnReading {
                slo: Untrusted::line(&slo),
                short: self.short.1,
                long: self.long.1,
            },
            age: self.age,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use crate::domain::board::tests::{inputs, t};
    use crate::domain::slo_burn::tests::{heard, measured};

    /// Of a million events with an objective of 99.9 %: burn 1 is a thousand bad ones.
    fn slo(name: &str, service: &str, short: f64, long: f64) -> MeasuredSlo {
        let windows = [(SHORT_SECS, short * 1e3, 1e6), (LONG_SECS, long * 1e3, 1e6)];
        measured(name, service, &windows)
    }

    fn board(answers: Vec<(&str, Vec<MeasuredSlo>)>) -> Board {
        let mut all = inputs(Vec::new());
        for (source, slos) in answers {
            let mut answer = heard(slos);
            answer.source = source.into();
            all.burns.push(answer);
        }
        Board::of(&all)
    }

    /// Slo, short, long and age, with two digits.
    fn known(reading: Reading<BurnReading>) -> (String, String, String, u64) {
        match reading {
            Reading::Known { value, age } => (
                value.slo.shown().to_owned(),
                format!("{:.2}", value.short),
                format!("{:.2}", value.long),
                age.as_secs(),
            ),
            other => (format!("{other:?}"), String::new(), String::new(), 0),
        }
    }

    fn said(slo: &str, short: &str, long: &str, age: u64) -> (String, String, String, u64) {
        (slo.to_owned(), short.to_owned(), long.to_owned(), age)
    }

    #[test]
    fn the_highest_of_a_service_counts_else_that_of_all() {
        let board = board(vec![(
            "prom-1",
            vec![
                slo("availability", "cart", 1.0, 3.0),
                slo("latency", "cart", 2.0, 0.5),
                slo("availability", "pay", 9.0, 8.0),
            ],
        )]);
        let of = |service| known(burn_reading(&board, service, t(15)));
        let both = "latency over 5m, availability over 1h";
        assert_eq!(of(Some("cart")), said(both, "2.00", "3.00", 5));
        assert_eq!(of(Some("pay")), said("availability", "9.00", "8.00", 5));
        assert_eq!(of(Some("search")), said("availability", "9.00", "8.00", 5));
        assert_eq!(of(None), said("availability", "9.00", "8.00", 5));
    }

    #[test]
    fn nothing_measured_is_unknown() {
        let none = burn_reading(&board(Vec::new()), None, t(10));
        assert_eq!(none, unknown("no SLO is measured"));
        let mut ended = slo("availability", "cart", 1.0, 1.0);
        ended.blocked = Some(NoData::Stale(900));
        let calm = slo("latency", "cart", 0.1, 0.1);
        let other = slo("latency", "pay", 0.2, 0.2);
        let board = board(vec![("prom-1", vec![ended, calm, other])]);
        // One of its own budgets cannot be seen: nobody can say that it does not burn.
        let own = burn_reading(&board, Some("cart"), t(10));
        let why = "availability: stale: its last sample is 15m old";
        assert_eq!(own, unknown(why));
        // Of all there are, those that can be seen have to do.
        let all = known(burn_reading(&board, None, t(10)));
        assert_eq!(all, said("latency", "0.20", "0.20", 0));
    }

    #[test]
    fn no_traffic_is_no_burn_and_no_proof() {
        let windows = [(SHORT_SECS, 0.0, 0.0), (LONG_SECS, 3e3, 1e6)];
        let quiet = measured("availability", "cart", &windows);
        let found = board(vec![("prom-1", vec![quiet])]);
        let found = known(burn_reading(&found, Some("cart"), t(10)));
        assert_eq!(found, said("availability", "3.00", "3.00", 0));
        let windows = [(SHORT_SECS, 0.0, 0.0), (LONG_SECS, 0.0, 0.0)];
        let idle = || measured("availability", "cart", &windows);
        let alone = board(vec![("prom-1", vec![idle()])]);
        let alone = burn_reading(&alone, Some("cart"), t(10));
        assert_eq!(alone, unknown("availability: no traffic for 1h"));
        let busy = slo("latency", "cart", 1.0, 1.0);
        let beside = board(vec![("prom-1", vec![idle(), busy])]);
        let beside = known(burn_reading(&beside, Some("cart"), t(10)));
        assert_eq!(beside, said("latency", "1.00", "1.00", 0));
    }

    #[test]
    fn a_source_that_fell_silent_grows_old_and_its_twin_stands_in() {
        let calm = || slo("availability", "cart", 0.1, 0.1);
        let alone = board(vec![("prom-1", vec![calm()])]);
        let (.., age) = known(burn_reading(&alone, Some("cart"), t(310)));
        assert_eq!(age, 300);
        let mut old = slo("availability", "cart", 9.0, 9.0);
        for window in &mut old.windows {
            window.at = t(-290);
        }
        let pair = board(vec![("prom-1", vec![old]), ("prom-2", vec![calm()])]);
        let found = known(burn_reading(&pair, Some("cart"), t(10)));
        assert_eq!(found, said("availability", "0.10", "0.10", 0));
    }

    #[test]
    fn a_long_window_may_be_older_by_how_often_it_is_asked() {
        let mut late = slo("availability", "cart", 1.0, 1.0);
        late.windows[1].at = t(-80);
        let found = board(vec![("prom-1", vec![late.clone()])]);
        assert_eq!(known(burn_reading(&found, None, t(10))).3, 0);
        late.windows[1].at = t(-280);
        let found = board(vec![("prom-1", vec![late])]);
        assert_eq!(known(burn_reading(&found, None, t(10))).3, 200);
    }

    #[test]
    fn sources_that_disagree_much_contradict_each_other() {
        let pair = |one: (f64, f64), other: (f64, f64)| {
            let of = |(short, long)| vec![slo("availability", "cart", short, long)];
            let board = board(vec![("prom-1", of(one)), ("prom-2", of(other))]);
            burn_reading(&board, Some("cart"), t(10))
        };
        let words = "availability over 5m is 14 by prom-2 and 1 by prom-1";
        let expected = Reading::Contradictory(Untrusted::line(words));
        assert_eq!(pair((1.0, 1.0), (14.0, 1.0)), expected);
        assert!(matches!(
            pair((1.0, 9.0), (1.0, 2.0)),
            Reading::Contradictory(_)
        ));
        // Neither twice as much, nor a small number that is.
        let calm = said("availability", "2.00", "1.00", 0);
        assert_eq!(known(pair((1.0, 1.0), (2.0, 1.0))), calm);
        let small = said("availability", "0.45", "0.10", 0);
        assert_eq!(known(pair((0.45, 0.1), (0.05, 0.1))), small);
    }
}
