//! What may a rule compare, and how is it written?
//!
//! `burn.short > 2.0`, `window.freeze`, `input.age > 30s`: one input, one comparison. Not a language.

use std::time::Duration;

/// What a rule may ask about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// `burn.short`: over 5 minutes.
    BurnShort,
    /// `burn.long`: over 1 hour.
    BurnLong,
    /// `input.age`: how old the burn is, in seconds.
    InputAge,
    /// `window.freeze`, `window.maintenance`, or `window.NAME`: whether it is open.
    Window(String),
    /// `targets`
    Targets,
    /// `percent`
    Percent,
    /// `dry_run.grade`: A is 1, D is 4.
    DryRunGrade,
}

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Of what.
    pub input: Input,
    /// How.
    pub sign: Sign,
    /// With what: a number, or seconds. Windows are open above 0.
    pub value: f64,
}

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
}

/// Why a comparison cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InputError(pub String);

impl Comparison {
    /// `input > value`
    #[must_use]
    pub fn above(input: Input, value: f64) -> Self {
        Self {
            input,
            sign: Sign::Above,
            value,
        }
    }

    /// Whether a number satisfies it.
    #[must_use]
    pub fn holds(&self, number: f64) -> bool {
        match self.sign {
            Sign::Above => number > self.value,
            Sign::AtLeast => number >= self.value,
            Sign::Below => number < self.value,
            Sign::AtMost => number <= self.value,
        }
    }

    /// A span of time as a rule compares it.
    #[must_use]
    pub fn seconds(span: Duration) -> f64 {
        span.as_secs_f64()
    }
}
