//! What is the value of an input, and does it deny a plan? Part of [`super`].

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::condition::{Sign, grade_number};
use super::{BurnReading, Comparison, Input, PolicyFacts, Reading, Rule, Window, WindowKind};
use crate::domain::action::Direction;
use crate::domain::duration::exact;
use crate::domain::plan::Plan;

/// A burn older than this is no longer one. A rule that asks for `input.age` says itself how old it may be.
pub const BURN_HOLDS: Duration = Duration::from_mins(2);

/// What came of one thing that a rule looks at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) outcome: Outcome,
    pub(super) words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    Fine,
    /// Nobody can say, and it adds no risk.
    Unclear,
    Denied,
}

/// A plan, and what is asked about it.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) windows: &'a [Window],
    pub(super) plan: &'a Plan,
    pub(super) facts: &'a PolicyFacts,
}

/// What is known of an input.
enum Value {
    /// One number for each clock by which it was looked up, and in words.
    Known(Vec<f64>, String),
    /// Nobody can say: why.
    Unclear(String),
}

impl Part {
    pub(super) fn new(outcome: Outcome, words: impl Into<String>) -> Self {
        Self {
            outcome,
            words: words.into(),
        }
    }
}

impl Asked<'_> {
    /// Whether one comparison of a rule denies.
    pub(super) fn compare(&self, rule: &Rule, comparison: &Comparison) -> Part {
        match self.value(rule, &comparison.input) {
            Value::Unclear(why) => self.unclear(&why),
            Value::Known(numbers, words) => {
                let holds = numbers.iter().any(|number| comparison.holds(*number));
                if !holds {
                    let bound = bound_words(comparison, false);
                    return Part::new(Outcome::Fine, format!("{words}; {bound}"));
                }
                if self.gates_what_adds_alone(&comparison.input)
                    && let Some(passes) = self.passes_by_direction()
                {
                    return match comparison.input {
                        Input::InputAge => self.unclear(&format!("{words}, too old")),
                        _ => Part::new(Outcome::Fine, format!("{words}: {passes}")),
                    };
                }
                let bound = bound_words(comparison, true);
                Part::new(Outcome::Denied, format!("{words}; {bound}"))
            }
        }
    }

    /// What is not known denies what adds risk, and is said of the rest.
    pub(super) fn unclear(&self, why: &str) -> Part {
        match self.passes_by_direction() {
            None => Part::new(
                Outcome::Denied,
                format!("{why}: what adds risk waits until it is known"),
            ),
            Some(passes) => Part::new(Outcome::Unclear, format!("{why}: {passes}")),
        }
    }

    fn passes_by_direction(&self) -> Option<&'static str> {
        match self.plan.direction {
            Direction::Adds => None,
            Direction::Reduces => Some("this reduces risk, so it passes"),
            Direction::Neutral => Some("this adds no risk, so it passes"),
        }
    }

    /// A burning budget and a freeze never stop what makes an incident smaller.
    fn gates_what_adds_alone(&self, input: &Input) -> bool {
        match input {
            Input::BurnShort | Input::BurnLong | Input::InputAge => true,
            Input::Window(name) if name == WindowKind::Maintenance.word() => false,
            Input::Window(name) => {
                let mut named = self.windows.iter().filter(|w| w.name == *name);
                named.all(|window| window.kind == WindowKind::Freeze)
            }
            Input::Targets | Input::Percent | Input::DryRunGrade => false,
        }
    }

    fn value(&self, rule: &Rule, input: &Input) -> Value {
        let plan = self.plan;
        let counted = |number: f64| {
            let words = format!("{input} is {}", input.words_of(number));
            Value::Known(vec![number], words)
        };
        match input {
            Input::BurnShort | Input::BurnLong => self.burn(rule, input),
            Input::InputAge => match &self.facts.burn {
                Reading::Known { age, .. } => {
                    let words = format!("the burn is {} old", exact(age.as_secs()));
                    Value::Known(vec![Comparison::seconds(*age)], words)
                }
                other => Value::Unclear(unclear_burn(other)),
            },
            Input::Window(name) => self.window(name),
            Input::Targets => counted(as_number(plan.targets.len())),
            Input::Percent => match plan.blast.percent() {
                Some(percent) => counted(f64::from(percent)),
                None => {
                    Value::Unclear("nobody knows what share of what there is it touches".to_owned())
                }
            },
            Input::DryRunGrade => counted(grade_number(plan.dry_run.grade)),
        }
    }

    fn burn(&self, rule: &Rule, input: &Input) -> Value {
        let (burn, age) = match &self.facts.burn {
            Reading::Known { value, age } => (value, *age),
            other => return Value::Unclear(unclear_burn(other)),
        };
        let number = input.of_burn(burn).unwrap_or(f64::NAN);
        let (of, age_words) = (&burn.slo, exact(age.as_secs()));
        let words = format!(
            "{input} is {}, {age_words} old ({of})",
            input.words_of(number)
        );
        let says_its_age = rule.deny_if.iter().any(|c| c.input == Input::InputAge);
        if age > BURN_HOLDS && !says_its_age {
            let most = exact(BURN_HOLDS.as_secs());
            return Value::Unclear(format!("{words}: older than {most}"));
        }
        if number.is_nan() {
            return Value::Unclear(format!("{input} of {of} is no number"));
        }
        Value::Known(vec![number], words)
    }

    /// A window by our own clock and by the server's.
    fn window(&self, name: &str) -> Value {
        let kinds = [WindowKind::Freeze, WindowKind::Maintenance];
        let kind = kinds.into_iter().find(|kind| kind.word() == name);
        let is_meant = |window: &&Window| window.name == name || Some(window.kind) == kind;
        let meant: Vec<&Window> = self.windows.iter().filter(is_meant).collect();
        if meant.is_empty() && kind.is_none() {
            return Value::Unclear(format!("the policy has no window `{name}`"));
        }
        let open: Vec<Option<String>> = self
            .clocks()
            .into_iter()
            .map(|at| open_words(&meant, at))
            .collect();
        let numbers = open.iter().map(|open| f64::from(u8::from(open.is_some())));
        let words = match (open.first(), open.iter().flatten().next()) {
            (Some(None), Some(words)) => {
                format!("window.{name} is open by the server's clock ({words})")
            }
            (_, Some(words)) => format!("window.{name} is open ({words})"),
            (_, None) => format!("window.{name} is closed"),
        };
        Value::Known(numbers.collect(), words)
    }

    fn clocks(&self) -> Vec<DateTime<Utc>> {
        let ours = self.facts.now;
        let ahead = self.plan.server_ahead_secs.and_then(TimeDelta::try_seconds);
        let theirs = ahead.and_then(|ahead| ours.checked_add_signed(ahead));
        std::iter::once(ours).chain(theirs).collect()
    }
}

/// Which of some windows are open, and until when.
fn open_words(windows: &[&Window], at: DateTime<Utc>) -> Option<String> {
    let open = windows.iter().filter_map(|window| {
        let (_, until) = window.open_span(at)?;
        let until = until.with_timezone(&window.zone);
        let name = crate::domain::text::shown(&window.name);
        Some(format!("{name} until {}", until.format("%F %H:%M %Z")))
    });
    let open: Vec<String> = open.collect();
    (!open.is_empty()).then(|| open.join(", "))
}

fn unclear_burn(reading: &Reading<BurnReading>) -> String {
    match reading {
        Reading::Contradictory(why) => format!("the burn is contradictory ({why})"),
        Reading::Unknown(why) => format!("the burn is unknown ({why})"),
        Reading::Known { value, .. } => format!("the burn of {} is unclear", value.slo),
    }
}

/// `denied above 2`, `passes up to 2`
fn bound_words(comparison: &Comparison, denies: bool) -> String {
    let bound = comparison.bound();
    if matches!(comparison.input, Input::Window(_)) {
        let denied_while = match comparison.sign {
            Sign::Above | Sign::AtLeast => "open",
            Sign::Below | Sign::AtMost => "closed",
        };
        let would = if denies { "" } else { "would be " };
        return format!("{would}denied while it is {denied_while}");
    }
    if denies {
        return format!("denied {} {bound}", comparison.sign.word());
    }
    let passing = match comparison.sign {
        Sign::Above => Sign::AtMost,
        Sign::AtLeast => Sign::Below,
        Sign::Below => Sign::AtLeast,
        Sign::AtMost => Sign::Above,
    };
    format!("passes {} {bound}", passing.word())
}

fn as_number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
