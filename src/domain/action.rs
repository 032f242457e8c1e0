//! What can be done, with which parameters, and what did somebody ask for?
//!
//! The catalogue is the one list of actions: names, parameters, risk and direction. The config adds
//! operations of control planes and local commands to it. A request is checked against it before
//! anybody plans; [`super::plan`] says what a request comes to, [`super::guard`] whether it may be done.
//! Nothing here knows how an action is carried out.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::duration;
use super::matcher::Matchers;
use super::nearest::nearest;
use super::text::{Untrusted, shown};

mod catalogue;

pub use catalogue::BUILT_IN;

/// How bad it is to have done the wrong thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Risk {
    /// It changes nothing that matters.
    R0,
    /// It can be taken back cleanly.
    R1,
    /// It can be taken back at a cost.
    R2,
    /// It cannot be taken back.
    R3,
}

impl Risk {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::R0, Self::R1, Self::R2, Self::R3];

    /// `R2`
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::R0 => "R0",
            Self::R1 => "R1",
            Self::R2 => "R2",
            Self::R3 => "R3",
        }
    }
}

/// Whether it makes an incident smaller or may make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// It takes risk away: a freeze or a burning budget does not stop it.
    Reduces,
    /// It brings something new.
    Adds,
    /// Neither.
    Neutral,
}

impl Direction {
    /// The word in policies, JSON and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Reduces => "reduces",
            Self::Adds => "adds",
            Self::Neutral => "neutral",
        }
    }
}

/// Who carries it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Upstream {
    /// One replica of an Alertmanager cluster.
    Alertmanager,
    /// A Kubernetes API server, also for what Argo CD, Argo Rollouts and Flux read from it.
    Kubernetes,
    /// A control plane over HTTP that the config describes.
    Http,
    /// A program on this machine.
    Command,
    /// Terraform or OpenTofu on this machine.
    Terraform,
}

/// What a parameter may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// Any one line.
    Text,
    /// A whole number within bounds, both included.
    Integer {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// A time span such as `30m`.
    Duration,
    /// Alertmanager matchers.
    Matchers,
    /// `NAMESPACE/KIND/NAME`; several with commas.
    Objects,
    /// `NAMESPACE/NAME`; several with commas.
    Names,
    /// One of a list.
    Choice(Vec<String>),
    /// `true` or `false`.
    Flag,
}

impl ParameterKind {
    /// As the list of actions writes it.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Text => "TEXT".to_owned(),
            Self::Integer { min, max } => format!("{min}..{max}"),
            Self::Duration => "DURATION".to_owned(),
            Self::Matchers => "MATCHERS".to_owned(),
            Self::Objects => "NAMESPACE/KIND/NAME".to_owned(),
            Self::Names => "NAMESPACE/NAME".to_owned(),
            Self::Choice(all) => all.join("|"),
            Self::Flag => "true|false".to_owned(),
        }
    }
}

/// Whether a parameter may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// It has to be given.
    Required,
    /// It may be left out.
    Optional,
}

/// A parameter of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// `target`. One that ends in `.*` stands for all names that begin so: `hard.*`.
    pub name: Cow<'static, str>,
    /// What it may be.
    pub kind: ParameterKind,
    /// Whether it may be left out.
    pub need: Need,
    /// What it says, in a few words.
    pub help: Cow<'static, str>,
}

/// One thing that can be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionSpec {
    /// `k8s.rollout.undo`
    pub name: Cow<'static, str>,
    /// What it does, in a few words.
    pub help: Cow<'static, str>,
    /// Who carries it out.
    pub upstream: Upstream,
    /// The risk that a plan of it usually has. The plan's own counts.
    pub risk: Risk,
    /// The direction that a plan of it usually has. The plan's own counts.
    pub direction: Direction,
    /// What it takes.
    pub parameters: Vec<Parameter>,
}

/// All actions that there are here.
#[derive(Clone, Debug)]
pub struct Catalogue {
    specs: Vec<ActionSpec>,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::with(Vec::new())
    }
}

impl Catalogue {
    /// The built-in actions, and those of the config behind them.
    #[must_use]
    pub fn with(configured: Vec<ActionSpec>) -> Self {
        let mut specs = catalogue::built_in();
        specs.extend(configured);
        Self { specs }
    }

    /// In the order in which they are listed.
    #[must_use]
    pub fn all(&self) -> &[ActionSpec] {
        &self.specs
    }

    /// The one of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ActionSpec> {
        self.specs.iter().find(|spec| spec.name == name)
    }

    /// Checks that an action exists and that what was given to it is what it takes.
    ///
    /// # Errors
    /// Every problem, in words that say what to write instead.
    pub fn check(
        &self,
        action: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Result<&ActionSpec, Vec<String>> {
        let Some(spec) = self.get(action) else {
            let names = self.specs.iter().map(|spec| &*spec.name);
            let hint = match nearest(action, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "quell action list shows them all".to_owned(),
            };
            return Err(vec![format!("no action `{}`: {hint}", shown(action))]);
        };
        let problems = spec.problems(parameters);
        if problems.is_empty() {
            Ok(spec)
        } else {
            Err(problems)
        }
    }
}

impl ActionSpec {
    /// The parameter that a name means.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        let is_meant = |parameter: &&Parameter| match parameter.name.strip_suffix('*') {
            Some(start) => name.len() > start.len() && name.starts_with(start),
            None => parameter.name == name,
        };
        self.parameters.iter().find(is_meant)
    }

    fn problems(&self, given: &BTreeMap<String, String>) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, value) in given {
            // Which cluster is meant is a parameter of every action.
            if name == CLUSTER {
                continue;
            }
            match self.parameter(name) {
                Some(parameter) => {
                    let problem = parameter.problem(value);
                    problems.extend(problem.map(|why| format!("`{}`: {why}", shown(name))));
                }
                None => {
                    let names = self.parameters.iter().map(|p| &*p.name);
                    let hint = match nearest(name, names.clone()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("it takes {}", names.collect::<Vec<_>>().join(", ")),
                    };
                    let name = shown(name);
                    problems.push(format!("`{}` takes no `{name}`: {hint}", self.name));
                }
            }
        }
        for parameter in &self.parameters {
            let is_given = |(name, _): (&String, &String)| {
                self.parameter(name).is_some_and(|found| found == parameter)
            };
            if parameter.need == Need::Required && !given.iter().any(is_given) {
                let (name, kind) = (&parameter.name, parameter.kind.word());
                problems.push(format!("`{name}={kind}` is missing: {}", parameter.help));
            }
        }
        problems
    }
}

impl Parameter {
    /// What is wrong with a value of it.
    fn problem(&self, value: &str) -> Option<String> {
        if value.is_empty() {
            return Some("it is empty".to_owned());
        }
        if value.chars().any(char::is_control) {
            return Some("it has control characters".to_owned());
        }
        match &self.kind {
            ParameterKind::Text => None,
            ParameterKind::Integer { min, max } => match value.parse::<i64>() {
                Ok(number) if (*min..=*max).contains(&number) => None,
                Ok(number) => Some(format!("{number} is not within {min} to {max}")),
                Err(_) => Some(format!("`{}` is not a whole number", shown(value))),
            },
            ParameterKind::Duration => match duration::parse(value) {
                Ok(length) if length > Duration::ZERO => None,
                Ok(_) => Some("it is no time at all".to_owned()),
                Err(error) => Some(error.clone()),
            },
            ParameterKind::Matchers => Matchers::parse(value).err().map(|e| e.to_string()),
            ParameterKind::Objects => list(value)
                .find(|one| one.split('/').count() != 3 || has_empty_part(one))
                .map(|one| format!("`{}` is not NAMESPACE/KIND/NAME", shown(one))),
            ParameterKind::Names => list(value)
                .find(|one| one.split('/').count() != 2 || has_empty_part(one))
                .map(|one| format!("`{}` is not NAMESPACE/NAME", shown(one))),
            ParameterKind::Choice(all) => (!all.iter().any(|one| one == value))
                .then(|| format!("`{}` is none of {}", shown(value), all.join(", "))),
            ParameterKind::Flag => (!matches!(value, "true" | "false"))
                .then(|| format!("`{}` is neither true nor false", shown(value))),
        }
    }
}

fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}

fn has_empty_part(one: &str) -> bool {
    one.split('/').any(str::is_empty)
}

/// The parameter of every action that says which of several clusters is meant.
pub const CLUSTER: &str = "cluster";

/// Who asked for an action, and from where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requester {
    /// As in the list of signers where there is one, else the operator's name.
    pub name: Untrusted,
    /// The machine.
    pub host: Untrusted,
}

/// What an action is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occasion {
    /// Why, in the requester's words.
    pub reason: Option<Untrusted>,
    /// A ticket.
    pub ticket: Option<Untrusted>,
    /// The incident it belongs to.
    pub incident: Option<Untrusted>,
    /// The fingerprint of the alert it was started from.
    pub alert: Option<Untrusted>,
    /// `bad-rollout@4f2c91a#undo`
    pub runbook: Option<Untrusted>,
}

/// What somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRequest {
    /// The name of an action of the catalogue.
    pub action: String,
    /// Its parameters, as given. Checked by [`Catalogue::check`].
    pub parameters: BTreeMap<String, String>,
    /// Who asked.
    pub by: Requester,
    /// What for.
    pub occasion: Occasion,
}

/// A parameter that is missing or wrong. The catalogue finds these first: it is only met where a
/// request was not checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parameter `{name}`: {why}")]
pub struct ParameterError {
    /// Which.
    pub name: String,
    /// What is wrong.
    pub why: String,
}

impl ActionRequest {
    /// A parameter, if it was given.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// A parameter that has to be there.
    ///
    /// # Errors
    /// It was not given.
    pub fn text(&self, name: &str) -> Result<&str, ParameterError> {
        self.get(name).ok_or_else(|| wrong(name, "it is missing"))
    }

    /// A list with commas.
    ///
    /// # Errors
    /// It was not given.
    pub fn list(&self, name: &str) -> Result<Vec<&str>, ParameterError> {
        Ok(list(self.text(name)?).collect())
    }

    /// A whole number.
    ///
    /// # Errors
    /// It was not given, or is none.
    pub fn integer(&self, name: &str) -> Result<i64, ParameterError> {
        let parsed = self.text(name)?.parse();
        parsed.map_err(|_| wrong(name, "it is not a whole number"))
    }

    /// A time span.
    ///
    /// # Errors
    /// It was not given, or is none.
    pub fn duration(&self, name: &str) -> Result<Duration, ParameterError> {
        duration::parse(self.text(name)?).map_err(|error| wrong(name, &error.clone()))
    }

    /// Matchers.
    ///
    /// # Errors
    /// They were not given, or are none.
    pub fn matchers(&self, name: &str) -> Result<Matchers, ParameterError> {
        Matchers::parse(self.text(name)?).map_err(|error| wrong(name, &error.to_string()))
    }

    /// `true` only where it was given as such.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }
}

fn wrong(name: &str, why: &str) -> ParameterError {
    ParameterError {
        name: name.to_owned(),
        why: why.to_owned(),
    }
}

impl fmt::Display for ActionRequest {
    /// As it would be typed: `k8s.scale target=shop/deployment/cart replicas=3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.action))?;
        for (name, value) in &self.parameters {
            write!(f, " {}={}", shown(name), shown(value))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn every_name_is_there_once() {
        let catalogue = Catalogue::default();
        let mut names: Vec<&str> = catalogue.all().iter().map(|spec| &*spec.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn what_is_wrong_with_a_request_is_said_at_once() {
        let catalogue = Catalogue::default();
        let problems = |action: &str, pairs: &[(&str, &str)]| {
            catalogue.check(action, &given(pairs)).unwrap_err()
        };
        assert_eq!(
            problems("k8s.rollout.und", &[]),
            ["no action `k8s.rollout.und`: did you mean `k8s.rollout.undo`?"]
        );
        let scale = problems("k8s.scale", &[("target", "shop/cart"), ("replica", "3")]);
        assert_eq!(
            scale,
            [
                "`k8s.scale` takes no `replica`: did you mean `replicas`?",
                "`target`: `shop/cart` is not NAMESPACE/KIND/NAME",
                "`replicas=0..10000` is missing: how many there should be",
            ]
        );
        let far = [("target", "shop/deployment/cart"), ("replicas", "10001")];
        assert_eq!(
            problems("k8s.scale", &far),
            ["`replicas`: 10001 is not within 0 to 10000"]
        );
    }

    #[test]
    fn a_family_of_names_needs_one_of_it() {
        let catalogue = Catalogue::default();
        let target = ("target", "shop/compute");
        let none = catalogue.check("k8s.quota.set", &given(&[target]));
        assert_eq!(none.unwrap_err().len(), 1);
        let one = given(&[target, ("hard.pods", "20"), ("cluster", "eu-1")]);
        assert!(catalogue.check("k8s.quota.set", &one).is_ok());
    }

    #[test]
    fn hostile_names_are_shown_harmless() {
        let catalogue = Catalogue::default();
        let problems = catalogue
            .check("k8s.scale", &given(&[("\u{1b}[2J", "x")]))
            .unwrap_err();
        assert!(!problems.concat().contains('\u{1b}'));
    }
}
