//! What is this quantity at that time, and how much of it has passed by then?
//!
//! A curve is a list of points with straight lines between them: simple enough to be written down
//! as part of the story, and its area is exact, so a counter is the area under its rate. It knows
//! neither series nor clocks.

/// A quantity over seconds. Times below zero lie before the story opens; two points at one time are
/// a step, and the later one holds from then on. Before the first and after the last point it is flat.
#[derive(Debug, Clone)]
pub(super) struct Curve {
    points: Vec<Point>,
}

#[derive(Debug, Clone, Copy)]
struct Point {
    at_secs: f64,
    value: f64,
    /// Area from the first point to this one.
    area: f64,
}

impl Curve {
    /// The same value at all times.
    pub(super) fn flat(value: f64) -> Curve {
        Curve::through(&[(0.0, value)])
    }

    /// Through `(seconds, value)` points in ascending order of time.
    pub(super) fn through(points: &[(f64, f64)]) -> Curve {
        let mut laid: Vec<Point> = Vec::with_capacity(points.len());
        for &(at_secs, value) in points {
            let area = laid.last().map_or(0.0, |before| {
                before.area + (at_secs - before.at_secs) * f64::midpoint(before.value, value)
            });
            laid.push(Point {
                at_secs,
                value,
                area,
            });
        }
        Curve { points: laid }
    }

    /// `rate` where a span covers the time, and zero between the spans; followed closely enough
    /// (every `step_secs`) that thresholds of the story do not notice the straight lines. Before the
    /// opening it is followed at the times in `past_secs` alone, which ascend and are negative.
    pub(super) fn within(
        past_secs: &[f64],
        spans: &[(f64, f64)],
        step_secs: f64,
        rate: impl Fn(f64) -> f64,
    ) -> Curve {
        let mut points: Vec<(f64, f64)> = past_secs.iter().map(|&at| (at, rate(at))).collect();
        for &(from, to) in spans {
            if from > 0.0 {
                points.push((from, 0.0));
            }
            let mut at = from;
            while at < to {
                points.push((at, rate(at)));
                at += step_secs;
            }
            points.push((to, rate(to)));
            points.push((to, 0.0));
        }
        Curve::through(&points)
    }

    /// When the curve turns before the story opens, in ascending order.
    pub(super) fn past_secs(&self) -> Vec<f64> {
        let points = self.points.iter().map(|point| point.at_secs);
        points.take_while(|at_secs| *at_secs < 0.0).collect()
    }

    /// The value at `secs`.
    pub(super) fn at(&self, secs: f64) -> f64 {
        match self.around(secs) {
            (Some(before), Some(after)) => before.towards(after, secs),
            (Some(end), None) | (None, Some(end)) => end.value,
            (None, None) => 0.0,
        }
    }

    /// The area under the curve between two times, in value-seconds.
    pub(super) fn area(&self, from_secs: f64, to_secs: f64) -> f64 {
        self.area_to(to_secs) - self.area_to(from_secs)
    }

    /// The area from the first point on; negative before it.
    pub(super) fn area_to(&self, secs: f64) -> f64 {
        let (start, here) = match self.around(secs) {
            (Some(before), Some(after)) => (before, before.towards(after, secs)),
            (Some(end), None) | (None, Some(end)) => (end, end.value),
            (None, None) => return 0.0,
        };
        start.area + (secs - start.at_secs) * f64::midpoint(start.value, here)
    }

    /// The last point at or before a time, and the first one after it.
    fn around(&self, secs: f64) -> (Option<&Point>, Option<&Point>) {
        let next = self.points.partition_point(|point| point.at_secs <= secs);
        let before = next.checked_sub(1).and_then(|place| self.points.get(place));
        (before, self.points.get(next))
    }
}

impl Point {
    /// The straight line to a later point.
    fn towards(&self, after: &Point, secs: f64) -> f64 {
        let share = (secs - self.at_secs) / (after.at_secs - self.at_secs);
        self.value + share * (after.value - self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::Curve;

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[test]
    fn it_is_straight_between_points_and_flat_outside() {
        let ramp = Curve::through(&[(-10.0, 1.0), (10.0, 3.0)]);
        for (secs, value) in [
            (-99.0, 1.0),
            (-10.0, 1.0),
            (0.0, 2.0),
            (10.0, 3.0),
            (99.0, 3.0),
        ] {
            assert!(close(ramp.at(secs), value), "at {secs}: {}", ramp.at(secs));
        }
    }

    #[test]
    fn a_step_takes_its_later_value() {
        let step = Curve::through(&[(5.0, 0.0), (5.0, 1.0)]);
        assert!(close(step.at(4.999), 0.0));
        assert!(close(step.at(5.0), 1.0));
        assert!(close(step.area(0.0, 9.0), 4.0));
    }

    #[test]
    fn areas_add_up_over_any_cut() {
        let ramp = Curve::through(&[(0.0, 2.0), (10.0, 4.0)]);
        assert!(close(ramp.area(-5.0, 15.0), 10.0 + 30.0 + 20.0));
        assert!(close(
            ramp.area(-5.0, 3.0) + ramp.area(3.0, 15.0),
            ramp.area(-5.0, 15.0)
        ));
    }

    #[test]
    fn between_spans_nothing_flows() {
        let curve = Curve::within(&[], &[(0.0, 10.0), (20.0, 30.0)], 4.0, |_| 3.0);
        assert!(close(curve.at(15.0), 0.0));
        assert!(close(curve.at(25.0), 3.0));
        assert!(close(curve.area(0.0, 30.0), 60.0));
        assert!(
            close(curve.at(-1.0), 3.0),
            "a span from the start reaches back into history"
        );
    }

    #[test]
    fn the_past_is_followed_where_it_turns() {
        let share = Curve::through(&[
            (-9.0, 1.0),
            (-8.0, 3.0),
            (-5.0, 3.0),
            (-4.0, 1.0),
            (2.0, 1.0),
        ]);
        assert_eq!(share.past_secs(), [-9.0, -8.0, -5.0, -4.0]);
        let curve = Curve::within(&share.past_secs(), &[(0.0, 10.0)], 4.0, |secs| {
            share.at(secs)
        });
        assert!(close(curve.area(-20.0, 10.0), 30.0 + 2.0 * 4.0));
    }
}
