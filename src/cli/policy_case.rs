//! What would be planned, if somebody asked for it?
//!
//! A [`Case`] is what flags or a fixture say of an action; from it come a plan and what is known, without
//! any server. Such a plan has no step: it can be judged and never carried out.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::policy_args::ExplainArgs;
use crate::config::settings::Settings;
use crate::domain::action::{
    ActionRequest, ActionSpec, Catalogue, Direction, Occasion, ParameterKind, Requester, Risk,
};
use crate::domain::duration;
use crate::domain::plan::{
    ActionId, Blast, DryRun, DryVerdict, Grade, Plan, Reverse, Seed, Target,
};
use crate::domain::policy::{BurnReading, Policy, PolicyFacts, Reading};
use crate::domain::text::{Untrusted, shown};

/// What is said of an action and of what is known.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: Option<String>,
    pub(super) expect: Option<Expect>,
    action: String,
    #[serde(default)]
    with: BTreeMap<String, toml::Value>,
    env: Option<String>,
    risk: Option<String>,
    direction: Option<String>,
    service: Option<String>,
    #[serde(default)]
    namespaces: Vec<String>,
    count: Option<u32>,
    of: Option<u32>,
    grade: Option<String>,
    reason: Option<String>,
    ticket: Option<String>,
    by: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    burn: Option<Burn>,
    last_action: Option<String>,
    server_ahead: Option<i64>,
    at: Option<Moment>,
}

/// What a fixture expects. What it does not name may be anything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    /// `passes`, `warns`, `denies_softly` or `denies`.
    pub(super) verdict: Option<String>,
    /// The first rule that came to it.
    pub(super) rule: Option<String>,
    /// A part of that rule's words.
    pub(super) says: Option<String>,
    pub(super) approvals: Option<u32>,
    pub(super) role: Option<String>,
    pub(super) reason: Option<bool>,
    pub(super) ticket: Option<bool>,
    pub(super) typed_name: Option<bool>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Burn {
    /// `unknown` or `contradictory`.
    Word(String),
    Known(KnownBurn),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownBurn {
    short: f64,
    long: Option<f64>,
    age: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Moment {
    Toml(toml::value::Datetime),
    Text(String),
}

/// What a policy is asked.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) plan: Plan,
    pub(super) facts: PolicyFacts,
}

impl Case {
    /// What the flags say.
    ///
    /// # Errors
    /// A parameter without `=`.
    pub(super) fn of(args: &ExplainArgs) -> Result<Self, String> {
        let mut with = BTreeMap::new();
        for text in &args.parameters {
            let (name, value) = text
                .split_once('=')
                .ok_or_else(|| format!("`{}` is no NAME=VALUE", shown(text)))?;
            with.insert(name.to_owned(), toml::Value::String(value.to_owned()));
        }
        let burn = args.burn_short.or(args.burn_long).map(|one| {
            Burn::Known(KnownBurn {
                short: args.burn_short.unwrap_or(one),
                long: Some(args.burn_long.unwrap_or(one)),
                age: args.burn_age.clone(),
            })
        });
        Ok(Self {
            name: None,
            expect: None,
            action: args.action.clone(),
            with,
            env: None,
            risk: args.risk.clone(),
            direction: args.direction.clone(),
            service: args.service.clone(),
            namespaces: args.namespace.clone(),
            count: args.count,
            of: args.of,
            grade: args.grade.clone(),
            reason: args.reason.clone(),
            ticket: args.ticket.clone(),
            by: args.by.clone(),
            roles: args.role.clone(),
            burn,
            last_action: args.last_action.clone(),
            server_ahead: args.server_ahead,
            at: args.at.clone().map(Moment::Text),
        })
    }

    /// The plan that it stands for, and what is known.
    ///
    /// # Errors
    /// What of it makes no sense, in words.
    pub(super) fn question(
        &self,
        policy: &Policy,
        settings: &Settings,
        now: DateTime<Utc>,
    ) -> Result<Question, String> {
        let parameters = self.with.iter().map(|(k, v)| (k.clone(), plain(v)));
        let parameters: BTreeMap<String, String> = parameters.collect();
        let known = Known::of(&self.action, &parameters, settings)?;
        let now = self.at.as_ref().map_or(Ok(now), moment)?;
        let one_of = |what: &str, text: &str| format!("`{}` is no {what}", shown(text));
        let risk = self.risk.as_ref().map_or(Ok(known.risk), |text| {
            let risk = Risk::ALL.into_iter().find(|risk| risk.word() == text);
            risk.ok_or_else(|| one_of("risk: R0 to R3", text))
        })?;
        let directions = [Direction::Adds, Direction::Reduces, Direction::Neutral];
        let direction = self
            .direction
            .as_ref()
            .map_or(Ok(known.direction), |text| {
                let found = directions.into_iter().find(|one| one.word() == text);
                found.ok_or_else(|| one_of("direction: adds, reduces or neutral", text))
            })?;
        let grades = [Grade::A, Grade::B, Grade::C, Grade::D];
        let grade = self.grade.as_ref().map_or(Ok(Grade::A), |text| {
            let found = grades.into_iter().find(|one| one.word() == text);
            found.ok_or_else(|| one_of("grade: A to D", text))
        })?;
        let env = settings.environment.as_ref().map(|env| env.name.as_str());
        let env = self.env.as_deref().or(env);
        let by = self.by.as_deref().unwrap_or(&settings.operator);
        let mut roles = policy.roles_of(by);
        roles.extend(self.roles.iter().cloned());
        let plan = self.plan(&known, &parameters, env, by, (risk, direction, grade), now);
        let last_action = self.last_action.as_deref().map(span).transpose()?;
        let last_action = last_action.and_then(|ago| TimeDelta::from_std(ago).ok());
        let facts = PolicyFacts {
            now,
            burn: self.burn()?,
            last_action: last_action.and_then(|ago| now.checked_sub_signed(ago)),
            roles,
        };
        Ok(Question { plan, facts })
    }

    fn plan(
        &self,
        known: &Known,
        parameters: &BTreeMap<String, String>,
        env: Option<&str>,
        by: &str,
        (risk, direction, grade): (Risk, Direction, Grade),
        now: DateTime<Utc>,
    ) -> Plan {
        let line = |text: &Option<String>| text.as_deref().map(Untrusted::line);
        let target = |(namespace, name): (Option<&str>, &str)| Target {
            env: env.map(Untrusted::line),
            server: "none".into(),
            server_identity: String::new(),
            name: Untrusted::line(name),
            word: Untrusted::line(name.rsplit('/').next().unwrap_or(name)),
            namespace: namespace.map(Untrusted::line),
            service: line(&self.service),
            uid: None,
        };
        let targets = known.targets(&self.action, parameters);
        let namespaces = self.namespaces.iter();
        Plan {
            seed: Seed {
                id: ActionId::new([0; 16]),
                at: now,
            },
            targets: targets.into_iter().map(target).collect(),
            title: Untrusted::line(&self.action),
            request: ActionRequest {
                action: self.action.clone(),
                parameters: parameters.clone(),
                by: Requester {
                    name: Untrusted::line(by),
                    host: Untrusted::line(""),
                },
                occasion: Occasion {
                    reason: line(&self.reason),
                    ticket: line(&self.ticket),
                    ..Occasion::default()
                },
            },
            steps: Vec::new(),
            reverse: Reverse::None(Untrusted::line("nothing is planned")),
            risk,
            direction,
            differences: Vec::new(),
            blast: Blast {
                count: self.count,
                of: self.of,
                namespaces: namespaces.map(|name| Untrusted::line(name)).collect(),
                words: Vec::new(),
            },
            dry_run: DryRun {
                grade,
                verdict: DryVerdict::NotRun(Untrusted::line("nothing is planned")),
                notes: Vec::new(),
            },
            preconditions: Vec::new(),
            made_at: now,
            server_ahead_secs: self.server_ahead,
        }
    }

    fn burn(&self) -> Result<Reading<BurnReading>, String> {
        let known = match &self.burn {
            None => {
                let why = Untrusted::line("nobody said how fast it burns");
                return Ok(Reading::Unknown(why));
            }
            Some(Burn::Word(word)) => {
                return match word.as_str() {
                    "unknown" => Ok(Reading::Unknown(Untrusted::line("by this case"))),
                    "contradictory" => Ok(Reading::Contradictory(Untrusted::line("by this case"))),
                    word => Err(format!(
                        "`{}` is no burn: write {{ short = 2.0 }}, \"unknown\" or \"contradictory\"",
                        shown(word)
                    )),
                };
            }
            Some(Burn::Known(known)) => known,
        };
        let age = known.age.as_deref().map(span).transpose()?;
        Ok(Reading::Known {
            value: BurnReading {
                slo: Untrusted::line(self.service.as_deref().unwrap_or("given")),
                short: known.short,
                long: known.long.unwrap_or(known.short),
            },
            age: age.unwrap_or_default(),
        })
    }
}

/// What is known of an action without a server.
struct Known {
    spec: Option<ActionSpec>,
    risk: Risk,
    direction: Direction,
}

impl Known {
    /// Of the catalogue, or of what the config describes. What belongs to a document that nobody reads here
    /// is as bad as it can be.
    fn of(
        action: &str,
        parameters: &BTreeMap<String, String>,
        settings: &Settings,
    ) -> Result<Self, String> {
        let bare = |risk, direction| Self {
            spec: None,
            risk,
            direction,
        };
        if let Some(rest) = action.strip_prefix("http.") {
            let mut planes = settings.actions.control_planes.iter();
            let operation = planes.find_map(|plane| {
                let name = rest.strip_prefix(&*plane.name)?.strip_prefix('.')?;
                plane.operations.iter().find(|one| one.name == name)
            });
            let declared = operation.map(|one| (one.risk, one.direction));
            let (risk, direction) = declared.unwrap_or((Risk::R3, Direction::Adds));
            return Ok(bare(risk, direction));
        }
        if let Some(name) = action.strip_prefix("command.") {
            let mut commands = settings.actions.commands.iter();
            let command = commands.find(|one| one.name == name);
            let declared = command.map(|one| (one.risk, one.direction));
            let (risk, direction) = declared.unwrap_or((Risk::R3, Direction::Adds));
            return Ok(bare(risk, direction));
        }
        let catalogue = Catalogue::default();
        let spec = catalogue.check(action, parameters);
        let spec = spec.map_err(|problems| problems.join("\n"))?;
        Ok(Self {
            spec: Some(spec.clone()),
            ..bare(spec.risk, spec.direction)
        })
    }

    /// Each target with its namespace, as far as the parameters say.
    fn targets<'p>(
        &self,
        action: &'p str,
        parameters: &'p BTreeMap<String, String>,
    ) -> Vec<(Option<&'p str>, &'p str)> {
        let spec = self.spec.as_ref();
        let mut given = spec.iter().flat_map(|spec| &spec.parameters);
        let is_target =
            |kind: &ParameterKind| matches!(kind, ParameterKind::Objects | ParameterKind::Names);
        let named = given.find(|p| is_target(&p.kind));
        let named = named.and_then(|parameter| parameters.get(&*parameter.name));
        if let Some(value) = named {
            let each = value.split(',').map(str::trim);
            return each
                .map(|name| (name.split_once('/').map(|(ns, _)| ns), name))
                .collect();
        }
        let first = spec.and_then(|spec| spec.parameters.first());
        let first = first.and_then(|parameter| parameters.get(&*parameter.name));
        vec![(None, first.map_or(action, String::as_str))]
    }
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn span(text: &str) -> Result<Duration, String> {
    duration::parse(text).map_err(|why| shown(&why))
}

fn moment(moment: &Moment) -> Result<DateTime<Utc>, String> {
    let text = match moment {
        Moment::Toml(at) => at.to_string(),
        Moment::Text(text) => text.clone(),
    };
    let at = DateTime::parse_from_rfc3339(&text);
    at.map(|at| at.to_utc()).map_err(|_| {
        let text = shown(&text);
        format!("`{text}` is no time: write it like 2026-12-24T20:00:00Z")
    })
}
