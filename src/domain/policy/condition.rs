//! What may a rule compare, and how is it written?
//!
//! `burn.short > 2.0`, `window.freeze`, `input.age > 30s`: one input, one comparison. Not a language.

use std::fmt;
use std::time::Duration;

use super::BurnReading;
use crate::domain::duration;
use crate::domain::nearest::nearest;
use crate::domain::number;
use crate::domain::plan::Grade;
use crate::domain::text::shown;

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

/// Everything that can be asked, as it is written. A window is asked by its name or kind.
pub const INPUTS: [&str; 7] = [
    "burn.short",
    "burn.long",
    "input.age",
    "window.freeze",
    "targets",
    "percent",
    "dry_run.grade",
];

impl Comparison {
    /// Reads `burn.short > 2.0`, `input.age > 30s`, `dry_run.grade > B`, `window.freeze` or
    /// `not window.maintenance`.
    ///
    /// # Errors
    /// What is wrong, with the nearest name or an example.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("not ") {
            let input = Input::parse(rest.trim())?;
            if !matches!(input, Input::Window(_)) {
                let word = shown(rest.trim());
                let why = format!("`not` is for windows alone: turn the sign of `{word}`");
                return Err(InputError(why));
            }
            return Ok(Self {
                input,
                sign: Sign::Below,
                value: 1.0,
            });
        }
        let at = text.find(['<', '>', '=', '!']);
        let Some(at) = at else {
            return match Input::parse(text)? {
                input @ Input::Window(_) => Ok(Self::above(input, 0.0)),
                input => {
                    let example = input.example();
                    let why = format!("`{}` needs a bound, like `{example}`", shown(text));
                    Err(InputError(why))
                }
            };
        };
        let input = Input::parse(text[..at].trim())?;
        let (sign, value) = Sign::split(&text[at..])?;
        if matches!(input, Input::Window(_)) {
            let why = format!("a window is open or not: write `{input}` or `not {input}`");
            return Err(InputError(why));
        }
        let value = input.bound(value.trim())?;
        Ok(Self { input, sign, value })
    }

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

    /// Its bound as a person reads it: `2`, `30s`, `B`.
    #[must_use]
    pub fn bound(&self) -> String {
        self.input.words_of(self.value)
    }
}

impl fmt::Display for Comparison {
    /// As it is written in a policy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.input, self.sign) {
            (Input::Window(_), Sign::Above | Sign::AtLeast) => write!(f, "{}", self.input),
            (Input::Window(_), _) => write!(f, "not {}", self.input),
            _ => write!(f, "{} {} {}", self.input, self.sign.mark(), self.bound()),
        }
    }
}

impl Input {
    fn parse(text: &str) -> Result<Self, InputError> {
        Ok(match text {
            "burn.short" => Self::BurnShort,
            "burn.long" => Self::BurnLong,
            "input.age" => Self::InputAge,
            "targets" => Self::Targets,
            "percent" => Self::Percent,
            "dry_run.grade" => Self::DryRunGrade,
            _ => match text.strip_prefix("window.") {
                Some(name) if !name.is_empty() => Self::Window(name.to_owned()),
                _ => return Err(unknown(text)),
            },
        })
    }

    /// What it is compared with, as a rule writes it.
    fn bound(&self, text: &str) -> Result<f64, InputError> {
        let wrong = |wanted: &str| {
            let (text, example) = (shown(text), self.example());
            InputError(format!("`{text}` is not {wanted}: write `{example}`"))
        };
        match self {
            Self::InputAge => match duration::parse(text) {
                Ok(span) => Ok(Comparison::seconds(span)),
                Err(_) => Err(wrong("a time span")),
            },
            Self::DryRunGrade => {
                let grades = [Grade::A, Grade::B, Grade::C, Grade::D];
                let grade = grades.into_iter().find(|grade| grade.word() == text);
                grade.map(grade_number).ok_or_else(|| wrong("a grade"))
            }
            _ => {
                let number = match self {
                    Self::Percent => text.trim_end_matches('%').trim_end(),
                    _ => text,
                };
                let number: Option<f64> = number.parse().ok();
                let number = number.filter(|n| n.is_finite() && *n >= 0.0);
                number.ok_or_else(|| wrong("a number"))
            }
        }
    }

    fn example(&self) -> &'static str {
        match self {
            Self::BurnShort => "burn.short > 2.0",
            Self::BurnLong => "burn.long > 1.5",
            Self::InputAge => "input.age > 30s",
            Self::Window(_) => "window.freeze",
            Self::Targets => "targets > 3",
            Self::Percent => "percent > 10",
            Self::DryRunGrade => "dry_run.grade > B",
        }
    }

    /// A value of it as a person reads it.
    #[must_use]
    pub fn words_of(&self, value: f64) -> String {
        match self {
            Self::InputAge => {
                let span = Duration::try_from_secs_f64(value).unwrap_or(Duration::MAX);
                duration::exact(span.as_secs())
            }
            Self::DryRunGrade => {
                let grades = [Grade::A, Grade::B, Grade::C, Grade::D];
                let grade = grades.into_iter().find(|g| grade_number(*g) >= value);
                grade.unwrap_or(Grade::D).word().to_owned()
            }
            Self::Percent => format!("{}%", number::of(value)),
            Self::Window(_) => if value > 0.0 { "open" } else { "closed" }.to_owned(),
            Self::BurnShort | Self::BurnLong | Self::Targets => number::of(value),
        }
    }

    /// Its value of a burn; none where it is not about the burn.
    #[must_use]
    pub fn of_burn(&self, burn: &BurnReading) -> Option<f64> {
        match self {
            Self::BurnShort => Some(burn.short),
            Self::BurnLong => Some(burn.long),
            _ => None,
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BurnShort => "burn.short",
            Self::BurnLong => "burn.long",
            Self::InputAge => "input.age",
            Self::Window(name) => return write!(f, "window.{}", shown(name)),
            Self::Targets => "targets",
            Self::Percent => "percent",
            Self::DryRunGrade => "dry_run.grade",
        })
    }
}

impl Sign {
    /// As it is written.
    #[must_use]
    pub fn mark(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
        }
    }

    /// `above`
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::AtLeast => "from",
            Self::Below => "below",
            Self::AtMost => "up to",
        }
    }

    fn split(text: &str) -> Result<(Self, &str), InputError> {
        // The longer ones first: `>=` begins with `>`.
        for sign in [Self::AtLeast, Self::AtMost, Self::Above, Self::Below] {
            if let Some(rest) = text.strip_prefix(sign.mark()) {
                return Ok((sign, rest));
            }
        }
        let why = "the sign is none of `>`, `>=`, `<`, `<=`".to_owned();
        Err(InputError(why))
    }
}

/// As rules compare it: the worse, the greater.
#[must_use]
pub fn grade_number(grade: Grade) -> f64 {
    match grade {
        Grade::A => 1.0,
        Grade::B => 2.0,
        Grade::C => 3.0,
        Grade::D => 4.0,
    }
}

fn unknown(text: &str) -> InputError {
    let known = INPUTS.iter().copied();
    let hint = match nearest(text, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known: {}, window.NAME", INPUTS.join(", ")),
    };
    InputError(format!("unknown input `{}`: {hint}", shown(text)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for text in [
            "burn.short > 2.5",
            "burn.long >= 1.5",
            "input.age > 30s",
            "targets < 3",
            "percent > 10%",
            "dry_run.grade > B",
            "window.freeze",
            "not window.nights",
        ] {
            assert_eq!(Comparison::parse(text).unwrap().to_string(), text);
        }
        let loose = Comparison::parse("  percent>10 ").unwrap();
        assert_eq!(loose, Comparison::above(Input::Percent, 10.0));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_write() {
        for (text, why) in [
            (
                "burn.shrt > 2",
                "unknown input `burn.shrt`: did you mean `burn.short`?",
            ),
            (
                "burn.short",
                "`burn.short` needs a bound, like `burn.short > 2.0`",
            ),
            (
                "burn.short > 2x",
                "`2x` is not a number: write `burn.short > 2.0`",
            ),
            (
                "burn.short > NaN",
                "`NaN` is not a number: write `burn.short > 2.0`",
            ),
            (
                "input.age > 30",
                "`30` is not a time span: write `input.age > 30s`",
            ),
            (
                "dry_run.grade > E",
                "`E` is not a grade: write `dry_run.grade > B`",
            ),
            (
                "burn.short == 2",
                "the sign is none of `>`, `>=`, `<`, `<=`",
            ),
            (
                "window.freeze > 1",
                "a window is open or not: write `window.freeze` or `not window.freeze`",
            ),
            (
                "not targets > 1",
                "unknown input `targets > 1`: known: burn.short, burn.long, input.age, \
                 window.freeze, targets, percent, dry_run.grade, window.NAME",
            ),
            (
                "not targets",
                "`not` is for windows alone: turn the sign of `targets`",
            ),
        ] {
            assert_eq!(Comparison::parse(text).unwrap_err().0, why, "{text}");
        }
    }

    #[test]
    fn worse_grades_are_greater() {
        let rule = Comparison::parse("dry_run.grade > B").unwrap();
        let denied = [Grade::A, Grade::B, Grade::C, Grade::D].map(|g| rule.holds(grade_number(g)));
        assert_eq!(denied, [false, false, true, true]);
    }
}
