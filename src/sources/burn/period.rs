//! How much went wrong over a whole budget period, without reading all of it again?
//!
//! The closed part of a period is counted once and moved on hour by hour: what has been closed since
//! is added, what has left a rolling period is taken away, and only the minutes since are asked for
//! each time. Ends of parts are looked at exactly ([`Fit::Joined`]), so that nothing is extrapolated
//! where parts meet. Called by the poll. It asks nobody; [`super::buckets`] keeps what is closed.

use chrono::{DateTime, TimeDelta, Utc};

use super::ask::{Told, Unit};
use super::buckets::{Buckets, Closed, Sums};
use super::diagnosis::LOOKBACK_SECS;
use super::measure::Measure;
use super::shape::Unit as ValueUnit;
use super::tree::{Fit, JOINT_SECS, Reach};
use super::values::{Groups, Values, gather, mark};
use crate::domain::budget_period::Period;
use crate::domain::slo::BudgetWindow;
use crate::domain::slo_measured::NoData;
use crate::domain::text::Untrusted;

/// Samples may arrive late: what is younger is not closed.
const SETTLE_SECS: u64 = 600;
/// What is closed moves on when so much more can be.
const MOVE_SECS: u64 = 3_600;
/// After a longer break it is cheaper to count anew than to look at every minute since.
const MAX_BREAK_SECS: u64 = 6 * 3_600;
/// Once a day everything is counted anew, so that what came late or was deleted does not stay.
const MAX_AGE_SECS: u64 = 86_400;

/// The parts of a period by their marks.
const WHOLE: &str = "";
const CLOSED: &str = "c";
const RECENT: &str = "n";
const GONE: &str = "h";

/// A period as it is at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) period: Period,
    /// The moment that is asked for: parts end at whole steps.
    pub(super) at: DateTime<Utc>,
    /// How much of it has passed.
    pub(super) secs: u64,
}

impl Span {
    /// Whether it has only just begun: there is nothing to be read of it yet.
    pub(super) fn is_new(&self) -> bool {
        self.secs < LOOKBACK_SECS
    }

    /// The period of a budget at a moment. `None` where a calendar has none.
    pub(super) fn of(window: BudgetWindow, now: DateTime<Utc>) -> Option<Self> {
        let step = i64::try_from(JOINT_SECS).ok()?;
        let at = DateTime::from_timestamp(now.timestamp().div_euclid(step) * step, 0)?;
        let period = match window {
            BudgetWindow::Rolling { secs } => Period {
                start: at.checked_sub_signed(TimeDelta::try_seconds(i64::try_from(secs).ok()?)?)?,
                end: at,
            },
            BudgetWindow::Calendar(calendar) => calendar.period_at(now)?,
        };
        let secs = u64::try_from((at - period.start).num_seconds()).unwrap_or(0);
        Some(Self { period, at, secs })
    }
}

/// How the numbers of a period are to be had.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) span: Span,
    how: How,
    /// What is closed is known by this.
    key: Option<String>,
}

#[derive(Clone, Debug)]
enum How {
    /// All of it at once, since its parts do not add up.
    Whole,
    /// All but the last minutes, and these.
    Anew,
    /// What is closed already, less what has left, and the rest.
    Onward { closed: Closed, closes: Closes },
}

/// Whether another hour can be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closes {
    Now,
    Later,
}

/// What to ask for a period, and how to read the answers.
pub(super) fn questions(
    owner: usize,
    measure: &Measure,
    span: Span,
    buckets: &Buckets,
) -> (Asked, Unit) {
    let mut asked = Asked {
        span,
        how: How::Whole,
        key: None,
    };
    if measure.adds_up() && span.secs > 2 * SETTLE_SECS {
        let key = key(measure, span);
        asked.how = match buckets.get(&key).filter(|closed| fits(closed, span)) {
            Some(closed) => {
                let since = secs_between(closed.to, span.at);
                let closes = if since >= SETTLE_SECS + MOVE_SECS {
                    Closes::Now
                } else {
                    Closes::Later
                };
                let closed = closed.clone();
                How::Onward { closed, closes }
            }
            None => How::Anew,
        };
        asked.key = Some(key);
    }
    let mut items = Vec::new();
    for number in &measure.numbers {
        for (part, reach) in asked.parts() {
            items.push((mark(owner, number.role, part), number.over(reach)));
        }
    }
    (asked, Unit { owner, items })
}

/// A closed part is of use if it begins no later than the period, and not much has happened since.
fn fits(closed: &Closed, span: Span) -> bool {
    let start = span.period.start;
    closed.from <= start
        && closed.to > start
        && closed.to <= span.at
        && secs_between(closed.from, start) <= MAX_BREAK_SECS
        && secs_between(closed.to, span.at) <= MAX_BREAK_SECS
        && closed.counted_at <= span.at
        && secs_between(closed.counted_at, span.at) <= MAX_AGE_SECS
}

/// What is closed belongs to an expression, and to a length or a beginning.
fn key(measure: &Measure, span: Span) -> String {
    let probe = Reach {
        whole_secs: whole_secs(span),
        ..Reach::window(MOVE_SECS)
    };
    let mut key = if span.period.end == span.at {
        format!("last {}", span.secs)
    } else {
        format!("from {}", span.period.start.timestamp())
    };
    for number in &measure.numbers {
        key.push('\n');
        key.push(number.role.letter());
        key.push_str(number.over(probe).as_str());
    }
    key
}

/// The length that decides how finely a period is looked at: the same for all its parts, also while
/// a calendar period goes on.
fn whole_secs(span: Span) -> u64 {
    secs_between(span.period.start, span.period.end)
}

impl Asked {
    fn parts(&self) -> Vec<(&'static str, Reach)> {
        let span = self.span;
        let whole_secs = whole_secs(span);
        let reach = |secs, ago_secs, fit| Reach {
            secs,
            ago_secs,
            whole_secs,
            fit,
        };
        match &self.how {
            How::Whole => vec![(WHOLE, reach(span.secs, 0, Fit::Alone))],
            How::Anew => vec![
                (
                    CLOSED,
                    reach(span.secs - SETTLE_SECS, SETTLE_SECS, Fit::Alone),
                ),
                (RECENT, reach(SETTLE_SECS, 0, Fit::Joined)),
            ],
            How::Onward { closed, closes } => {
                let since = secs_between(closed.to, span.at);
                let mut parts = match closes {
                    Closes::Now => vec![
                        (CLOSED, reach(since - SETTLE_SECS, SETTLE_SECS, Fit::Joined)),
                        (RECENT, reach(SETTLE_SECS, 0, Fit::Joined)),
                    ],
                    Closes::Later => vec![(RECENT, reach(since, 0, Fit::Joined))],
                };
                let gone = secs_between(closed.from, span.period.start);
                parts.push((GONE, reach(gone, span.secs, Fit::Joined)));
                parts.retain(|(_, reach)| reach.secs > 0);
                parts
            }
        }
    }

    /// Puts the numbers together, and closes what can be closed.
    ///
    /// # Errors
    /// Why there are none.
    pub(super) fn settle(
        &self,
        owner: usize,
        measure: &Measure,
        group_by: &[String],
        told: &Told,
        buckets: &mut Buckets,
    ) -> Result<Groups, NoData> {
        let result = self.put_together(owner, measure, group_by, told);
        match (&self.key, result) {
            (Some(key), Ok((groups, Some(closed)))) => {
                buckets.insert(key, closed);
                Ok(groups)
            }
            (_, Ok((groups, _))) => Ok(groups),
            (key, Err(why)) => {
                // Whatever is wrong, it is not carried on.
                if let (Some(key), How::Onward { .. }) = (key, &self.how) {
                    buckets.forget(key);
                }
                Err(why)
            }
        }
    }

    fn put_together(
        &self,
        owner: usize,
        measure: &Measure,
        group_by: &[String],
        told: &Told,
    ) -> Result<(Groups, Option<Closed>), NoData> {
        if matches!(self.how, How::Whole) {
            let groups = gather(measure, group_by, owner, WHOLE, told)?;
            return Ok((groups, None));
        }
        let mut sums = Sums::default();
        let mut closed = None;
        let before = match &self.how {
            How::Onward { closed, .. } => Some(closed),
            How::Whole | How::Anew => None,
        };
        if let Some(before) = before {
            sums.add(&before.sums, 1.0);
        }
        let parts = self.parts();
        let part = |wanted: &str| -> Result<Option<Sums>, NoData> {
            let Some((name, reach)) = parts.iter().find(|(name, _)| *name == wanted) else {
                return Ok(None);
            };
            let groups = gather(measure, group_by, owner, name, told)?;
            Ok(Some(counts(measure, groups, reach.secs)?))
        };
        if let Some(gone) = part(GONE)? {
            sums.add(&gone, -1.0);
        }
        if let Some(more) = part(CLOSED)? {
            sums.add(&more, 1.0);
            sums.keep_above_zero();
            closed = Some(Closed {
                from: self.span.period.start,
                to: self.span.at - seconds(SETTLE_SECS),
                counted_at: before.map_or(self.span.at, |before| before.counted_at),
                sums: sums.clone(),
            });
        }
        if let Some(recent) = part(RECENT)? {
            sums.add(&recent, 1.0);
        }
        sums.keep_above_zero();
        Ok((sums.groups(group_by), closed))
    }

    /// Whether the values are counts, put together from parts.
    pub(super) fn is_counted(&self) -> bool {
        !matches!(self.how, How::Whole)
    }
}

/// The numbers of a part as counts, since rates of parts of different lengths cannot be added.
#[expect(clippy::cast_precision_loss, reason = "a period is far below 2^53 s")]
fn counts(measure: &Measure, groups: Groups, secs: u64) -> Result<Sums, NoData> {
    let mut sums = Sums::default();
    for (labels, values) in groups {
        let mut scaled = Values::default();
        for number in &measure.numbers {
            let Some(value) = values.get(number.role) else {
                continue;
            };
            if !value.is_finite() {
                return Err(NoData::NotANumber(Untrusted::line(
                    "a part of the period is not a number",
                )));
            }
            let factor = match number.unit() {
                ValueUnit::PerSecond => secs as f64,
                ValueUnit::Events | ValueUnit::Unknown => 1.0,
            };
            scaled.set(number.role, Some(value * factor));
        }
        if !scaled.is_empty() {
            sums.0.insert(labels, scaled);
        }
    }
    Ok(sums)
}

fn secs_between(from: DateTime<Utc>, to: DateTime<Utc>) -> u64 {
    u64::try_from((to - from).num_seconds()).unwrap_or(0)
}

fn seconds(secs: u64) -> TimeDelta {
    TimeDelta::try_seconds(i64::try_from(secs).unwrap_or(i64::MAX)).unwrap_or(TimeDelta::MAX)
}
