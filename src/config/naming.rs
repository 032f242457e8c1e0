//! Which environments and sources are there, and what are they called?
//!
//! Part of `resolve`. Decides which sources are on show, gives a name to those that have none, and
//! refuses names that would be mistaken for each other.

use std::collections::HashSet;

use super::raw::{RawConfig, RawEnvironment, RawSource, Text};
use super::resolve::Resolver;
use super::settings::{Accent, Environment};
use crate::domain::nearest::nearest;
use crate::domain::source::SourceName;
use crate::domain::text::shown;

/// The source that every quell has, so no other may be called like it.
const RUNBOOKS: &str = "runbooks";
/// A name must fit in the top bar and in a file's name. Characters.
const MAX_NAME: usize = 40;

impl Resolver<'_> {
    pub(super) fn environments(&mut self, raw: &[RawEnvironment]) -> Vec<Environment> {
        let accents = [
            ("red", Accent::Red),
            ("yellow", Accent::Yellow),
            ("green", Accent::Green),
            ("blue", Accent::Blue),
            ("magenta", Accent::Magenta),
            ("cyan", Accent::Cyan),
        ];
        let mut found: Vec<Environment> = Vec::new();
        for raw in raw {
            let accent = raw.accent.as_ref();
            let accent = accent.and_then(|text| self.choice(text, "accent", &accents));
            let title = "[[environment]]";
            let Some(name) = self.required(raw.name.as_ref(), &raw.header, title, "name") else {
                continue;
            };
            self.check_name(name);
            if found.iter().any(|e| e.name == name.value) {
                let message = format!("there are two environments `{}`", shown(&name.value));
                self.findings
                    .add(&name.spot, message, Some("rename or remove one"));
            }
            found.push(Environment {
                name: name.value.clone(),
                accent: accent.unwrap_or_default(),
            });
        }
        found
    }

    /// The one on show. With several, quell does not guess: the wrong one looks like "all clear".
    pub(super) fn environment(
        &mut self,
        raw: &RawConfig,
        known: &[Environment],
    ) -> Option<Environment> {
        match (&raw.env, known) {
            // Nothing is sorted by environment: the name is only shown.
            (Some(text), []) => {
                self.check_name(text);
                Some(Environment {
                    name: text.value.clone(),
                    accent: Accent::default(),
                })
            }
            (Some(text), _) => {
                let found = known.iter().find(|e| e.name == text.value);
                if found.is_none() {
                    self.unknown_environment(text, known);
                }
                found.cloned()
            }
            (None, []) => None,
            (None, [only]) => Some(only.clone()),
            (None, _) => {
                let hint = format!("set `env` at the top, or pass --env: {}", listed(known));
                if let Some(first) = raw.environments.first() {
                    let message = "there are several environments, and none is chosen";
                    self.findings.add(&first.header, message, Some(&hint));
                }
                None
            }
        }
    }

    fn unknown_environment(&mut self, text: &Text, known: &[Environment]) {
        let near = nearest(&text.value, known.iter().map(|e| e.name.as_str()));
        let hint = match (near, known) {
            (Some(near), _) => format!("did you mean `{near}`? known: {}", listed(known)),
            (None, []) => "declare it: [[environment]] with its `name`".to_owned(),
            (None, _) => format!("known: {}", listed(known)),
        };
        let message = format!("unknown environment `{}`", shown(&text.value));
        self.findings.add(&text.spot, message, Some(&hint));
    }

    /// Checks the names and environments of all sources.
    pub(super) fn names(
        &mut self,
        raw: &RawConfig,
        environments: &[Environment],
        show: Option<&str>,
    ) -> Names {
        let alertmanagers = raw.alertmanagers.iter().map(|a| &a.source);
        let deliveries = raw.delivery.sources.iter().map(|d| &d.source);
        let servers = alertmanagers.chain(&raw.prometheuses);
        let planes = raw.actions.control_planes.iter().map(|p| &p.source);
        let sources: Vec<&RawSource> = servers.chain(deliveries).chain(planes).collect();
        for env in raw.actions.commands.iter().filter_map(|c| c.env.as_ref()) {
            if !environments.iter().any(|e| e.name == env.value) {
                self.unknown_environment(env, environments);
            }
        }
        for (i, source) in sources.iter().enumerate() {
            if let Some(env) = &source.env
                && !environments.iter().any(|e| e.name == env.value)
            {
                self.unknown_environment(env, environments);
            }
            let Some(name) = &source.name else {
                continue;
            };
            self.check_name(name);
            let twice = sources[..i].iter().any(|other| {
                let same = other.name.as_ref().is_some_and(|n| n.value == name.value);
                same && may_meet(source, other)
            });
            if twice || name.value == RUNBOOKS {
                let message = format!("there is another source `{}`", shown(&name.value));
                let hint = "every source of an environment needs a name of its own";
                self.findings.add(&name.spot, message, Some(hint));
            }
        }
        let on_show = |source: &&&RawSource| is_on_show(source, show);
        let taken = sources
            .iter()
            .filter(on_show)
            .filter_map(|s| s.name.as_ref());
        let names = Names(taken.map(|name| name.value.clone()).collect());
        if let (Some(show), false) = (show, sources.is_empty())
            && !sources.iter().any(|source| is_on_show(source, Some(show)))
        {
            let show = shown(show);
            let hint = "give one `env`, or none to have it everywhere";
            self.warnings
                .push(format!("no source belongs to `{show}`: {hint}"));
        }
        names
    }

    /// Names stand in the top bar, in file names and in JSON that scripts compare.
    pub(super) fn check_name(&mut self, text: &Text) {
        if !is_name(&text.value) {
            let message = "a name has letters, digits, `.`, `_` and `-`";
            let hint = format!("use 1 to {MAX_NAME} of them");
            self.findings.add(&text.spot, message, Some(&hint));
        }
    }
}

fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=MAX_NAME).contains(&text.chars().count()) && text.chars().all(allowed)
}

/// Names that are taken in the environment on show.
pub(super) struct Names(HashSet<String>);

impl Names {
    /// A name that somebody else gave, such as that of a context: none if it cannot be one here, or
    /// if it is taken.
    pub(super) fn adopt(&mut self, name: &str) -> Option<SourceName> {
        let is_free = is_name(name) && name != RUNBOOKS && self.0.insert(name.to_owned());
        is_free.then(|| name.into())
    }

    /// The source's own name, or the next free one: `am-1`, `am-2` by order.
    pub(super) fn name(
        &mut self,
        source: &RawSource,
        prefix: &str,
        order: &mut usize,
    ) -> SourceName {
        *order += 1;
        if let Some(name) = &source.name {
            return name.value.as_str().into();
        }
        loop {
            let name = format!("{prefix}-{order}");
            if self.0.insert(name.clone()) {
                return name.into();
            }
            *order += 1;
        }
    }
}

/// A source without an environment belongs to all.
pub(super) fn is_on_show(source: &RawSource, show: Option<&str>) -> bool {
    source
        .env
        .as_ref()
        .is_none_or(|env| Some(env.value.as_str()) == show)
}

/// Whether two sources can be on show together.
fn may_meet(a: &RawSource, b: &RawSource) -> bool {
    match (&a.env, &b.env) {
        (Some(a), Some(b)) => a.value == b.value,
        _ => true,
    }
}

fn listed(environments: &[Environment]) -> String {
    let names: Vec<&str> = environments.iter().map(|e| e.name.as_str()).collect();
    names.join(", ")
}
