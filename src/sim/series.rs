//! Which samples does a series have between two times?
//!
//! A series is labels, a curve and a life. Its samples stand on the scrape grid and are computed,
//! never stored. The evaluator reads them; the platform writes the catalogue down. All times are
//! milliseconds since the simulation started; negative ones are history.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::curve::Curve;
use super::labels::{Labels, METRIC_NAME, value_of, without_name};
use super::story::{CYCLE_MS, RETENTION_MS, SCRAPE_MS, story_secs};

/// How far back an instant query looks for a sample: Prometheus' default.
const LOOKBACK_MS: i64 = 5 * 60 * 1000;

/// How a series' curve becomes its value.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// The value is the curve, told anew with the story.
    Gauge,
    /// The value is the curve, in seconds since the start: the story does not move it.
    Standing,
    /// The value is the area under the curve since the retention began, whole events only. It never
    /// falls, so its first and last sample tell all that `rate` needs.
    Counter {
        /// What was counted before the opening, less the curve's own area up to there.
        base: f64,
        per_cycle: f64,
    },
}

/// When a series is scraped.
#[derive(Debug, Clone)]
pub(super) enum Life {
    /// From the first to before the last millisecond, once.
    Once(Range<i64>),
    /// In every telling of the story, within these story times; `history` tells if it was there
    /// before the story opened, too.
    EachCycle {
        spans: Vec<Range<i64>>,
        history: bool,
    },
}

impl Life {
    /// As long as anything is remembered.
    pub(super) fn always() -> Life {
        Life::Once(-RETENTION_MS..i64::MAX)
    }
}

/// One telling that goes otherwise than the others.
#[derive(Debug, Clone)]
struct Retold {
    cycle: i64,
    curve: Curve,
    spans: Vec<Range<i64>>,
}

/// One time series.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub labels: Arc<Labels>,
    /// The labels without the metric's name, which most functions drop.
    pub nameless: Arc<Labels>,
    kind: Kind,
    curve: Curve,
    life: Life,
    retold: Vec<Retold>,
}

/// One sample: when (milliseconds) and how much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    pub at_ms: i64,
    pub value: f64,
}

/// The first and last sample of a window, and how many there are from one to the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub first: Sample,
    pub last: Sample,
    pub count: i64,
}

impl Series {
    /// A series whose value is the curve.
    pub(super) fn gauge(labels: Labels, curve: Curve, life: Life) -> Series {
        Series::new(labels, Kind::Gauge, curve, life)
    }

    /// A series whose value is the curve in seconds since the start, whatever the story tells.
    pub(super) fn standing(labels: Labels, curve: Curve) -> Series {
        Series::new(labels, Kind::Standing, curve, Life::always())
    }

    /// A series that counts events at a rate per second.
    pub(super) fn counter(labels: Labels, rate: Curve, life: Life) -> Series {
        let kind = Kind::Counter {
            base: -rate.area_to(-secs_of(RETENTION_MS)),
            per_cycle: rate.area(0.0, secs_of(CYCLE_MS)),
        };
        Series::new(labels, kind, rate, life)
    }

    fn new(labels: Labels, kind: Kind, curve: Curve, life: Life) -> Series {
        Series {
            nameless: Arc::new(without_name(&labels)),
            labels: Arc::new(labels),
            kind,
            curve,
            life,
            retold: Vec::new(),
        }
    }

    /// In the telling of this number it goes as `other` does in each. What no story moves stays.
    pub(super) fn retell(&mut self, cycle: i64, other: &Series) {
        if let Kind::Standing = self.kind {
            return;
        }
        self.retold.retain(|retold| retold.cycle != cycle);
        self.retold.push(Retold {
            cycle,
            curve: other.curve.clone(),
            spans: match &other.life {
                Life::EachCycle { spans, .. } => spans.clone(),
                Life::Once(_) => Vec::new(),
            },
        });
    }

    /// How the telling of this number goes, if otherwise than the others.
    fn retold(&self, cycle: i64) -> Option<&Retold> {
        self.retold.iter().find(|retold| retold.cycle == cycle)
    }

    /// Whether the series is scraped at this time.
    fn covers(&self, at_ms: i64) -> bool {
        match &self.life {
            Life::Once(span) => span.contains(&at_ms),
            Life::EachCycle { history, .. } if at_ms < 0 => *history && at_ms >= -RETENTION_MS,
            Life::EachCycle { spans, .. } => {
                let retold = self.retold(at_ms / CYCLE_MS);
                let spans = retold.map_or(spans, |retold| &retold.spans);
                spans.iter().any(|span| span.contains(&(at_ms % CYCLE_MS)))
            }
        }
    }

    /// The parts of a window (both ends included) in which the series is scraped, in ascending order.
    fn parts(&self, from_ms: i64, to_ms: i64) -> Vec<Range<i64>> {
        let window = from_ms.max(-RETENTION_MS)..to_ms.saturating_add(1);
        let mut parts = Vec::new();
        let mut add = |part: Range<i64>| {
            let cut = part.start.max(window.start)..part.end.min(window.end);
            if !cut.is_empty() {
                parts.push(cut);
            }
        };
        match &self.life {
            Life::Once(span) => add(span.clone()),
            Life::EachCycle { spans, history } => {
                if *history {
                    add(-RETENTION_MS..0);
                }
                let first = window.start.max(0) / CYCLE_MS;
                let last = window.end.max(0) / CYCLE_MS;
                for cycle in first..=last {
                    let opens = cycle * CYCLE_MS;
                    let retold = self.retold(cycle);
                    for span in retold.map_or(spans, |retold| &retold.spans) {
                        add(span.start + opens..span.end + opens);
                    }
                }
            }
        }
        parts
    }

    /// Whether [`Series::ends`] tells all that `rate` needs.
    pub(super) fn never_falls(&self) -> bool {
        matches!(self.kind, Kind::Counter { .. })
    }

    /// What an instant query sees: the newest scrape, unless the series ended before it (which
    /// Prometheus marks as stale at the next scrape) or it is older than the lookback.
    pub(super) fn instant(&self, at_ms: i64, now_ms: i64) -> Option<Sample> {
        let scrape_ms = at_ms.min(now_ms).div_euclid(SCRAPE_MS) * SCRAPE_MS;
        let seen = at_ms - scrape_ms <= LOOKBACK_MS && self.covers(scrape_ms);
        seen.then(|| Sample {
            at_ms: scrape_ms,
            value: self.value(scrape_ms),
        })
    }

    /// Every sample from `from_ms` to `to_ms`, both included.
    pub(super) fn samples(&self, from_ms: i64, to_ms: i64) -> impl Iterator<Item = Sample> {
        self.parts(from_ms, to_ms)
            .into_iter()
            .flat_map(|part| (grid_at_or_after(part.start)..part.end).step_by(STEP))
            .map(|at_ms| Sample {
                at_ms,
                value: self.value(at_ms),
            })
    }

    /// How many samples a window holds, without computing them.
    pub(super) fn count(&self, from_ms: i64, to_ms: i64) -> i64 {
        self.parts(from_ms, to_ms)
            .iter()
            .map(|part| scrapes_in(part).1)
            .sum()
    }

    /// The ends of a window, without the samples between them.
    pub(super) fn ends(&self, from_ms: i64, to_ms: i64) -> Option<Ends> {
        let parts = self.parts(from_ms, to_ms);
        let scraped = || parts.iter().map(scrapes_in).filter(|(_, count)| *count > 0);
        let (first_ms, _) = scraped().next()?;
        let (last_start, last_count) = scraped().next_back()?;
        let last_ms = last_start + (last_count - 1) * SCRAPE_MS;
        Some(Ends {
            first: Sample {
                at_ms: first_ms,
                value: self.value(first_ms),
            },
            last: Sample {
                at_ms: last_ms,
                value: self.value(last_ms),
            },
            count: scraped().map(|(_, count)| count).sum(),
        })
    }

    fn value(&self, at_ms: i64) -> f64 {
        let (cycle, secs) = story_secs(at_ms);
        let telling = if at_ms < 0 { -1 } else { at_ms / CYCLE_MS };
        let curve = self.retold(telling).map_or(&self.curve, |own| &own.curve);
        match self.kind {
            Kind::Gauge => curve.at(secs),
            Kind::Standing => self.curve.at(secs_of(at_ms)),
            Kind::Counter { base, per_cycle } => {
                let whole = secs_of(CYCLE_MS);
                let earlier = self.retold.iter().filter(|own| own.cycle < telling);
                let more: f64 = earlier
                    .map(|own| own.curve.area(0.0, whole) - per_cycle)
                    .sum();
                // The area up to the opening may differ by what a curve says of the past.
                let before = self.curve.area_to(0.0) - curve.area_to(0.0);
                (base + per_cycle * cycle + more + before + curve.area_to(secs)).floor()
            }
        }
    }
}

/// The scrape interval as `step_by` wants it.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "2,000 fits"
)]
const STEP: usize = SCRAPE_MS as usize;

fn grid_at_or_after(at_ms: i64) -> i64 {
    -(-at_ms).div_euclid(SCRAPE_MS) * SCRAPE_MS
}

/// The first scrape of a part and how many there are.
fn scrapes_in(part: &Range<i64>) -> (i64, i64) {
    let first = grid_at_or_after(part.start);
    let after = grid_at_or_after(part.end);
    (first, (after - first) / SCRAPE_MS)
}

/// Milliseconds as seconds.
#[allow(
    clippy::cast_precision_loss,
    reason = "centuries of milliseconds fit in 53 bits"
)]
pub(super) fn secs_of(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

/// All series, found by metric name.
#[derive(Debug, Clone, Default)]
pub(super) struct Store {
    series: Vec<Series>,
    by_name: HashMap<String, Vec<usize>>,
}

impl Store {
    /// Adds a series. The caller sees to it that no two have the same labels.
    pub(super) fn add(&mut self, series: Series) {
        let name = value_of(&series.labels, METRIC_NAME).to_owned();
        self.by_name
            .entry(name)
            .or_default()
            .push(self.series.len());
        self.series.push(series);
    }

    /// In the telling of this number every series goes as in `other`, which was built likewise.
    pub(super) fn retell(&mut self, cycle: i64, other: &Store) {
        for (own, other) in self.series.iter_mut().zip(&other.series) {
            if own.labels == other.labels {
                own.retell(cycle, other);
            }
        }
    }

    /// The series of one metric, or of all, in the order in which they were added.
    pub(super) fn named<'a>(
        &'a self,
        name: Option<&str>,
    ) -> Box<dyn Iterator<Item = &'a Series> + 'a> {
        match name {
            None => Box::new(self.series.iter()),
            Some(name) => {
                let places = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
                Box::new(places.iter().filter_map(|&place| self.series.get(place)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CYCLE_MS, Curve, Labels, Life, Sample, Series};

    /// A counter that is scraped twice in every telling.
    fn counter() -> Series {
        let spans = vec![1_000..33_000, 650_000..700_500];
        let life = Life::EachCycle {
            spans,
            history: true,
        };
        Series::counter(Labels::new(), Curve::flat(3.5), life)
    }

    #[test]
    fn the_ends_of_a_window_are_those_of_its_samples() {
        let counter = counter();
        let mut windows = 0;
        for to_ms in (-90_000..2 * CYCLE_MS).step_by(12_347) {
            for length_ms in [0, 1_999, 2_000, 47_000, CYCLE_MS + 1] {
                let samples: Vec<Sample> = counter.samples(to_ms - length_ms, to_ms).collect();
                let ends = counter.ends(to_ms - length_ms, to_ms);
                assert_eq!(ends.map(|ends| ends.first), samples.first().copied());
                assert_eq!(ends.map(|ends| ends.last), samples.last().copied());
                let count = i64::try_from(samples.len()).unwrap_or(-1);
                assert_eq!(ends.map_or(0, |ends| ends.count), count);
                assert_eq!(counter.count(to_ms - length_ms, to_ms), count);
                windows += i64::from(count > 0);
            }
        }
        assert!(windows > 100, "most windows hold samples: {windows}");
    }

    #[test]
    fn a_counter_never_falls() {
        let counter = counter();
        let samples: Vec<Sample> = counter.samples(-50_000, 3 * CYCLE_MS).collect();
        assert!(
            samples
                .windows(2)
                .all(|pair| pair[0].value <= pair[1].value)
        );
        assert!(samples.windows(2).all(|pair| pair[0].at_ms < pair[1].at_ms));
    }

    #[test]
    fn an_instant_and_a_window_see_the_same_scrapes() {
        let counter = counter();
        for at_ms in (-20_000..CYCLE_MS + 40_000).step_by(2_000) {
            let sample = counter.samples(at_ms, at_ms).next();
            assert_eq!(counter.instant(at_ms, at_ms), sample, "at {at_ms}");
        }
    }
}
