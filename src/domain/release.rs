//! May something risky be released now?
//!
//! One line of facts: which budget burns past its policy, what is being rolled out, what has drifted.
//! It says what is so; what that forbids is for the guards. Made from a [`super::board::Board`].

use super::board::Board;
use super::slo_burn::{SloBurn, Standing};

/// The facts of a release.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Release {
    /// A budget burns past a condition that freezes risky changes: so many times as fast as that
    /// allows. NaN where nobody says how fast.
    pub over_policy: Option<f64>,
    /// Changes that go on.
    pub in_flight: usize,
    /// Differences that count as drift.
    pub drifted: usize,
}

impl Release {
    /// What the picture says.
    #[must_use]
    pub fn of(board: &Board) -> Self {
        let over = board.freezing().map(over_policy);
        Self {
            over_policy: over.reduce(f64::max),
            in_flight: board.delivery.in_flight().count(),
            drifted: board.delivery.drifted(),
        }
    }

    /// `freeze: budget 2.0x over policy, 1 rollout in flight, 4 drifted`. Empty where there is
    /// nothing to say.
    #[must_use]
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        match self.over_policy {
            Some(times) if times.is_finite() => {
                parts.push(format!("freeze: budget {times:.1}x over policy"));
            }
            Some(_) => parts.push("freeze: budget over policy".to_owned()),
            None => {}
        }
        match self.in_flight {
            0 => {}
            1 => parts.push("1 rollout in flight".to_owned()),
            count => parts.push(format!("{count} rollouts in flight")),
        }
        if self.drifted > 0 {
            parts.push(format!("{} drifted", self.drifted));
        }
        parts.join(", ")
    }
}

/// How many times its threshold the burn of a freezing condition is, the least of its windows: all of
/// them are above it.
fn over_policy(burn: &SloBurn) -> f64 {
    let freezing = burn
        .conditions
        .iter()
        .filter(|state| state.standing == Standing::Fires && state.condition.level.freezes());
    let times = freezing.filter_map(|state| {
        let burns = state.burns.iter().filter_map(|(_, burn)| *burn);
        let least = burns.reduce(f64::min)?;
        Some(least / state.threshold)
    });
    times.reduce(f64::max).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calm_platform_says_nothing_and_a_frozen_one_says_it_all() {
        let release = |over_policy, in_flight, drifted| Release {
            over_policy,
            in_flight,
            drifted,
        };
        assert_eq!(release(None, 0, 0).words(), "");
        assert_eq!(
            release(Some(2.04), 1, 4).words(),
            "freeze: budget 2.0x over policy, 1 rollout in flight, 4 drifted"
        );
        assert_eq!(
            release(Some(f64::NAN), 2, 0).words(),
            "freeze: budget over policy, 2 rollouts in flight"
        );
    }

    #[test]
    fn an_empty_board_is_calm() {
        assert_eq!(Release::of(&Board::default()).words(), "");
    }
}
