//! With which status does a command end?
//!
//! Scripts rely on the numbers: they say how much of the answer there is, not whether anything
//! burns.

use std::process::ExitCode;

use crate::domain::freshness::Freshness;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 0: everything that was asked has answered.
    Whole,
    /// 1: some of it is missing or old; the document says what.
    Partial,
    /// 2: wrong usage or config.
    Usage,
    /// 3: nothing could be read.
    Nothing,
    /// 4: refused by a guard; nothing was done.
    Refused,
    /// 5: a write left, and nobody knows what became of it.
    InDoubt,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Self::Whole => 0,
            Self::Partial => 1,
            Self::Usage => 2,
            Self::Nothing => 3,
            Self::Refused => 4,
            Self::InDoubt => 5,
        }
    }

    /// How much of the answer there is, by the sources behind it: those on the network, and those
    /// on this machine. When no server answers, runbooks alone are no picture.
    #[must_use]
    pub fn of_sources(network: &[Freshness], local: &[Freshness]) -> Self {
        let is_dead = |f: &Freshness| matches!(f, Freshness::Failed | Freshness::Never);
        let dead = if network.is_empty() { local } else { network };
        if !dead.is_empty() && dead.iter().all(is_dead) {
            return Self::Nothing;
        }
        let all_fresh = network.iter().chain(local).all(|f| *f == Freshness::Fresh);
        if all_fresh {
            Self::Whole
        } else {
            Self::Partial
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Freshness::{Failed, Fresh, Never, Stale};

    #[test]
    fn the_status_says_how_much_of_the_answer_there_is() {
        for (network, local, expected) in [
            (&[Fresh, Fresh][..], &[Fresh][..], 0),
            (&[], &[Fresh], 0),
            (&[], &[], 0),
            (&[Fresh, Failed], &[Fresh], 1),
            (&[Fresh, Stale], &[Fresh], 1),
            (&[Stale], &[], 1),
            (&[Fresh], &[Failed], 1),
            (&[Failed, Failed], &[Fresh], 3),
            (&[Failed, Never], &[], 3),
            (&[], &[Failed], 3),
        ] {
            assert_eq!(
                Exit::of_sources(network, local).status(),
                expected,
                "{network:?} {local:?}"
            );
        }
    }
}
