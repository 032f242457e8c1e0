//! Which file is a theme, what does it build on, and what comes out of both?
//!
//! Called at start and by the completion of `--theme`. It only reads, and only `NAME.toml` in the
//! folder it was given; the themes of the program itself need no file.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use ratatui::style::Style;

use super::Theme;
use super::file::{self, ThemeFile};
use super::problem::{Place, Problem, ThemeError, unknown};
use super::role::Role;
use crate::domain::text::shown;

/// The theme that others build on where they name none.
pub(super) const DEFAULT: &str = "default";

/// The themes that are part of the program.
const BUILT_IN: [(&str, &str); 4] = [
    (DEFAULT, include_str!("../../themes/default.toml")),
    (
        "high-contrast",
        include_str!("../../themes/high-contrast.toml"),
    ),
    ("light", include_str!("../../themes/light.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
];

/// Longer chains of inheritance are a mistake.
const MAX_DEPTH: usize = 8;

/// No theme is larger, so that a wrong file is not read to its end.
const MAX_BYTES: u64 = 64 * 1024;

/// The theme of that name: `NAME.toml` in the user's folder, else the one that is built in.
///
/// A role that a theme does not set comes from the theme it `inherits`, by default `default`, and
/// so do its colour names; its own names win, also in inherited roles. A file named like a
/// built-in theme may inherit that one. Built-in themes build on built-in themes only.
///
/// # Errors
/// Unknown or unreadable themes, circles, unknown roles, colours and attributes; all at once.
pub fn load(name: &str, user_folder: Option<&Path>) -> Result<Theme, ThemeError> {
    let mut problems = Vec::new();
    let files = chain(name, user_folder, &mut problems);
    let mut palette = Vec::new();
    let mut styles = [Style::new(); Role::COUNT];
    // Child first, so that its colour names are found first.
    for file in &files {
        palette.extend(file.palette.iter().cloned());
    }
    // A broken file would make every name of its palette a problem of its own.
    if problems.is_empty() {
        for (role, written) in files.iter().rev().flat_map(|file| &file.roles) {
            styles[*role as usize] = written.resolve(&palette, &mut problems);
        }
    }
    if !problems.is_empty() {
        return Err(ThemeError::new(problems));
    }
    Ok(Theme {
        name: name.to_owned(),
        styles,
    })
}

/// The names that [`load`] knows, sorted.
///
/// # Errors
/// The folder exists and cannot be listed.
pub fn names(user_folder: Option<&Path>) -> io::Result<Vec<String>> {
    let mut names: BTreeSet<String> = BUILT_IN.iter().map(|(name, _)| (*name).into()).collect();
    if let Some(folder) = user_folder {
        let entries = match folder.read_dir() {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(names.into_iter().collect());
            }
            Err(error) => return Err(error),
        };
        for entry in entries {
            let path = entry?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            if let (Some(stem), Some("toml")) = (stem, path.extension().and_then(|e| e.to_str()))
                && is_name(stem)
            {
                names.insert(stem.to_owned());
            }
        }
    }
    Ok(names.into_iter().collect())
}

/// Where a theme's text is.
#[derive(Clone, PartialEq, Eq)]
enum Origin {
    User(PathBuf),
    BuiltIn(&'static str, &'static str),
}

impl Origin {
    fn label(&self) -> String {
        match self {
            Self::User(path) => shown(&path.display().to_string()),
            Self::BuiltIn(name, _) => format!("built-in:{name}"),
        }
    }

    fn read(&self) -> io::Result<String> {
        let path = match self {
            Self::User(path) => path,
            Self::BuiltIn(_, text) => return Ok((*text).to_owned()),
        };
        let mut text = String::new();
        File::open(path)?
            .take(MAX_BYTES + 1)
            .read_to_string(&mut text)?;
        if text.len() as u64 > MAX_BYTES {
            let message = format!("larger than {} KiB", MAX_BYTES / 1024);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        Ok(text)
    }
}

/// The files from the named theme to the one that inherits nothing.
fn chain(name: &str, user_folder: Option<&Path>, problems: &mut Vec<Problem>) -> Vec<ThemeFile> {
    let mut files: Vec<ThemeFile> = Vec::new();
    let mut visited: Vec<(String, Origin)> = Vec::new();
    let mut next = (name.to_owned(), None::<Place>);
    loop {
        let (name, place) = next;
        let mut fail = |message| {
            problems.push(Problem {
                place: place.clone(),
                message,
            });
        };
        let folder = match visited.last() {
            Some((_, Origin::BuiltIn(..))) => None,
            _ => user_folder,
        };
        let origins = origins(&name, folder);
        let unvisited = |origin: &&Origin| visited.iter().all(|(_, seen)| seen != *origin);
        let Some(origin) = origins.iter().find(unvisited) else {
            fail(if origins.is_empty() {
                unknown_theme(&name, folder)
            } else {
                let path = visited.iter().map(|(name, _)| name.as_str());
                let path: Vec<&str> = path.chain([name.as_str()]).collect();
                format!("themes inherit in a circle: {}", shown(&path.join(" > ")))
            });
            return files;
        };
        if visited.len() == MAX_DEPTH {
            fail(format!("more than {MAX_DEPTH} themes inherit in a row"));
            return files;
        }
        let text = match origin.read() {
            Ok(text) => text,
            Err(error) => {
                fail(format!("cannot read {}: {error}", origin.label()));
                return files;
            }
        };
        let file = file::parse(&origin.label(), &text, problems);
        let is_root = *origin == built_in_default();
        visited.push((name, origin.clone()));
        next = match &file.inherits {
            Some((parent, place)) => (parent.clone(), Some(place.clone())),
            None => (DEFAULT.to_owned(), None),
        };
        let ends = is_root && file.inherits.is_none();
        files.push(file);
        if ends {
            return files;
        }
    }
}

fn built_in_default() -> Origin {
    Origin::BuiltIn(BUILT_IN[0].0, BUILT_IN[0].1)
}

/// Where a theme of that name could be read, in the order of the search.
fn origins(name: &str, user_folder: Option<&Path>) -> Vec<Origin> {
    if !is_name(name) {
        return Vec::new();
    }
    let user = user_folder
        .map(|folder| folder.join(format!("{name}.toml")))
        .filter(|path| path.exists())
        .map(Origin::User);
    let built_in = BUILT_IN
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(known, text)| Origin::BuiltIn(known, text));
    user.into_iter().chain(built_in).collect()
}

/// Nothing that could lead out of the themes folder.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

fn unknown_theme(name: &str, user_folder: Option<&Path>) -> String {
    match names(user_folder) {
        Ok(known) => unknown("theme", name, known.iter().map(String::as_str)),
        Err(error) => {
            let known = unknown("theme", name, BUILT_IN.iter().map(|(known, _)| *known));
            format!("{known} (the themes folder cannot be listed: {error})")
        }
    }
}
