//! Which version of checkout-api is wanted when, in one telling of the story?
//!
//! As it is told, the bad version comes at the beginning and a person rolls it back after seven
//! minutes. Whoever writes to the simulated cluster turns it earlier, or back again: then the telling
//! goes on as it would have gone, and the next one begins as the first did. Everything that follows
//! from the version (pods, failures, what callers see, queues) is computed here; called by the
//! platform and the cluster.

use super::series::secs_of;
use super::story::{CHECKOUT_PODS, CYCLE_MS};

/// Pods are replaced two at a time, this far apart.
const PODS_PER_WAVE: u32 = 2;
const WAVE_SECS: f64 = 5.0;
const ROLLOUT_AT: f64 = 1.0;
const ROLLBACK_AT: f64 = 420.0;
/// Whatever is still bad is rolled back before the telling ends, so that the next one can begin.
const LAST_ROLLBACK_AT: f64 = 685.0;
/// How long the controller takes to act on what was written.
pub(super) const REACTION_SECS: f64 = 0.3;

/// A version of checkout-api.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Good,
    Bad,
}

/// Who wanted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// It is told so.
    Story,
    /// Somebody wrote it to the cluster.
    Deed,
}

/// From this second of the story on another version is wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Turn {
    pub at_secs: f64,
    pub to: Version,
    pub by: By,
}

impl Turn {
    /// When its first two pods are replaced.
    fn first_wave(&self) -> f64 {
        match self.by {
            By::Story => self.at_secs,
            By::Deed => self.at_secs + REACTION_SECS,
        }
    }

    /// When pod number `pod` is replaced.
    pub(super) fn wave(&self, pod: u32) -> f64 {
        self.first_wave() + f64::from(pod / PODS_PER_WAVE) * WAVE_SECS
    }
}

/// One telling. Its turns ascend and each changes the version.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plot {
    pub turns: Vec<Turn>,
}

impl Plot {
    /// As it is told when nobody writes anything.
    pub(super) fn told() -> Self {
        Self::with(&[])
    }

    /// With what was written, in seconds of the story and in ascending order.
    pub(super) fn with(deeds: &[(f64, Version)]) -> Self {
        let turn = |at_secs, to, by| Turn { at_secs, to, by };
        let mut all = vec![
            turn(ROLLOUT_AT, Version::Bad, By::Story),
            turn(ROLLBACK_AT, Version::Good, By::Story),
            turn(LAST_ROLLBACK_AT, Version::Good, By::Story),
        ];
        all.extend(deeds.iter().map(|&(at, to)| turn(at, to, By::Deed)));
        all.sort_by(|a, b| a.at_secs.total_cmp(&b.at_secs));
        let mut turns: Vec<Turn> = Vec::new();
        for turn in all {
            if turns.last().map_or(Version::Good, |last| last.to) != turn.to {
                turns.push(turn);
            }
        }
        Self { turns }
    }

    /// When which version of a pod begins. A rollout that another one overtakes leaves the pods alone
    /// that it has not come to.
    pub(super) fn switches(&self, pod: u32) -> Vec<(f64, Version)> {
        let mut switches: Vec<(f64, Version)> = Vec::new();
        for (place, turn) in self.turns.iter().enumerate() {
            let at = turn.wave(pod);
            let next = self.turns.get(place + 1);
            let is_overtaken = next.is_some_and(|next| next.at_secs <= at);
            let now = switches.last().map_or(Version::Good, |(_, to)| *to);
            if !is_overtaken && now != turn.to {
                switches.push((at, turn.to));
            }
        }
        switches
    }

    /// When pod number `pod` runs the bad version, in seconds of the story.
    pub(super) fn bad_spans(&self, pod: u32) -> Vec<(f64, f64)> {
        self.spans(pod, Version::Bad)
    }

    /// When it runs the good one.
    pub(super) fn good_spans(&self, pod: u32) -> Vec<(f64, f64)> {
        self.spans(pod, Version::Good)
    }

    fn spans(&self, pod: u32, wanted: Version) -> Vec<(f64, f64)> {
        let whole = secs_of(CYCLE_MS);
        let mut all = vec![(0.0, Version::Good)];
        all.extend(self.switches(pod));
        let ends = all.iter().skip(1).map(|(at, _)| *at).chain([whole]);
        all.iter()
            .zip(ends)
            .filter(|((_, version), _)| *version == wanted)
            .map(|((from, _), to)| (*from, to.min(whole)))
            .collect()
    }

    /// From when to when the bad version is wanted.
    fn bad_stretches(&self) -> Vec<(f64, f64)> {
        let turns = self.turns.iter();
        let ends = turns.clone().skip(1).map(Turn::first_wave);
        let ends = ends.chain([secs_of(CYCLE_MS)]);
        turns
            .zip(ends)
            .filter(|(turn, _)| turn.to == Version::Bad)
            .map(|(turn, end)| (turn.first_wave(), end))
            .collect()
    }

    /// Share of requests that callers of checkout-api fail because of it.
    pub(super) fn knock_on_errors(&self) -> Vec<(f64, f64)> {
        self.swell((0.002, 0.06), (39.0, 119.0), (10.0, 50.0))
    }

    /// How full the collectors' queues are: stack traces by the million, then the drain.
    pub(super) fn queue_fill(&self) -> Vec<(f64, f64)> {
        self.swell((0.08, 0.97), (109.0, 189.0), (30.0, 100.0))
    }

    /// What rises some time after the bad version came and falls some time after it went.
    fn swell(&self, level: (f64, f64), rises: (f64, f64), falls: (f64, f64)) -> Vec<(f64, f64)> {
        let (low, high) = level;
        let mut points = vec![(0.0, low)];
        for (came, went) in self.bad_stretches() {
            let (up, full) = (came + rises.0, came + rises.1);
            let (down, empty) = (went + falls.0, went + falls.1);
            if down <= up {
                continue;
            }
            let reached = low + (high - low) * ((down - up) / (full - up)).min(1.0);
            points.extend([(up, low), (full.min(down), reached)]);
            points.extend([(down, reached), (empty, low)]);
        }
        // A second rollout may come before the first one's traces are gone.
        let mut latest = 0.0_f64;
        for (at, _) in &mut points {
            latest = latest.max(*at);
            *at = latest;
        }
        points
    }

    /// Replicas of checkout-api that are not available.
    pub(super) fn unavailable(&self) -> Vec<(f64, f64)> {
        let mut points = vec![(0.0, 0.0)];
        for (came, went) in self.bad_stretches() {
            let steps = [(0.0, 2.0), (30.0, 1.0), (59.0, 5.0)];
            let steps = steps.map(|(after, down)| (came + after, down));
            let taken = steps.into_iter().filter(|(at, _)| *at < went);
            let back = (
                went + f64::from(CHECKOUT_PODS / PODS_PER_WAVE - 1) * WAVE_SECS,
                0.0,
            );
            for (at, down) in taken.chain([back]) {
                let (latest, before) = points.last().copied().unwrap_or_default();
                let at = at.max(latest);
                points.extend([(at, before), (at, down)]);
            }
        }
        points
    }
}

#[cfg(test)]
mod tests {
    use super::{Plot, Version};

    #[test]
    fn it_is_told_as_it_is_written_down() {
        let told = Plot::told();
        assert_eq!(told.bad_spans(0), [(1.0, 420.0)]);
        assert_eq!(told.bad_spans(11), [(26.0, 445.0)]);
        assert_eq!(told.good_spans(11), [(0.0, 26.0), (445.0, 720.0)]);
        let knocked = [
            (0.0, 0.002),
            (40.0, 0.002),
            (120.0, 0.06),
            (430.0, 0.06),
            (470.0, 0.002),
        ];
        assert_eq!(told.knock_on_errors(), knocked);
        let queue = [
            (0.0, 0.08),
            (110.0, 0.08),
            (190.0, 0.97),
            (450.0, 0.97),
            (520.0, 0.08),
        ];
        assert_eq!(told.queue_fill(), queue);
    }

    #[test]
    fn an_undo_ends_it_early_and_nobody_rolls_back_again() {
        let undone = Plot::with(&[(200.0, Version::Good)]);
        assert_eq!(undone.bad_spans(0), [(1.0, 200.3)]);
        assert_eq!(undone.bad_spans(11), [(26.0, 225.3)]);
        assert_eq!(undone.turns.len(), 2);
        assert_eq!(undone.unavailable().last(), Some(&(225.3, 0.0)));
    }

    #[test]
    fn an_undo_in_the_middle_of_the_rollout_spares_the_pods_that_wait() {
        let undone = Plot::with(&[(12.0, Version::Good)]);
        assert_eq!(undone.bad_spans(0), [(1.0, 12.3)]);
        assert_eq!(undone.bad_spans(4), [(11.0, 22.3)]);
        assert!(undone.bad_spans(6).is_empty());
        assert_eq!(undone.good_spans(6), [(0.0, 720.0)]);
    }

    #[test]
    fn what_is_bad_again_is_rolled_back_before_the_telling_ends() {
        let again = Plot::with(&[(200.0, Version::Good), (500.0, Version::Bad)]);
        let turns: Vec<f64> = again.turns.iter().map(|turn| turn.at_secs).collect();
        assert_eq!(turns, [1.0, 200.0, 500.0, 685.0]);
        assert_eq!(again.bad_spans(11), [(26.0, 225.3), (525.3, 710.0)]);
    }
}
