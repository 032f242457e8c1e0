//! Which commands may what is typed mean?
//!
//! Read by `view`, which shows them, and by `update`, which does the chosen one.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::Model;
use super::available::{Reason, available};
use crate::keys::commands::ALL;
use crate::keys::{Command, CommandId, Context};

/// A command that the palette offers, and why it is off, if it is.
#[derive(Debug)]
pub struct Choice {
    /// The command.
    pub command: &'static Command,
    /// Why it cannot be done now.
    pub refused: Option<Reason>,
}

/// The commands that what is typed may mean, the best first. A command's name in full may be
/// followed by its argument.
#[must_use]
pub fn choices(model: &Model, typed: &str) -> Vec<Choice> {
    let context = model.session.context_below();
    let here = ALL.iter().filter(|c| {
        let is_global = context.falls_through() && c.contexts.contains(&Context::Global);
        c.is_offered() && (c.contexts.contains(&context) || is_global)
    });
    let (name, argument) = split(typed);
    let exact = |c: &&Command| c.name == typed.trim() || (argument.is_some() && c.name == name);
    let choice = |command: &'static Command| Choice {
        command,
        refused: available(command.id, model).err(),
    };
    if let Some(command) = here.clone().find(|c| exact(c)) {
        return vec![choice(command)];
    }
    if typed.trim() == "crash" {
        return vec![choice(Command::of(CommandId::Crash))];
    }
    let pattern = Pattern::new(
        typed.trim(),
        CaseMatching::Ignore,
        Normalization::Smart,
        AtomKind::Fuzzy,
    );
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut scored: Vec<(u32, &'static Command)> = here
        .filter_map(|c| {
            Some((
                pattern.score(Utf32Str::new(c.name, &mut buffer), &mut matcher)?,
                c,
            ))
        })
        .collect();
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored
        .into_iter()
        .map(|(_, command)| choice(command))
        .collect()
}

/// The name of a command, and what follows it.
#[must_use]
pub fn split(typed: &str) -> (&str, Option<&str>) {
    match typed.trim().split_once(' ') {
        Some((name, rest)) => (name, Some(rest.trim())),
        None => (typed.trim(), None),
    }
}
