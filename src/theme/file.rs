//! What does one theme file say, before inheritance and before its colour words mean anything?
//!
//! Called by the loader with the text of a file. It collects every problem of the file and never
//! looks at another one.

use std::ops::Range;

use ratatui::style::{Color, Modifier, Style};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::colour;
use super::problem::{Place, Problem, unknown};
use super::role::Role;
use crate::domain::text::shown;

/// A file as it is written.
#[derive(Debug, Default)]
pub(super) struct ThemeFile {
    /// The theme it builds on, and where it says so.
    pub inherits: Option<(String, Place)>,
    /// Its own colour names. The values are colours, never other names.
    pub palette: Vec<(String, Color)>,
    /// The roles it sets.
    pub roles: Vec<(Role, WrittenStyle)>,
}

/// A style whose colours may still be palette names.
#[derive(Clone, Debug, Default)]
pub(super) struct WrittenStyle {
    foreground: Option<ColourWord>,
    background: Option<ColourWord>,
    modifiers: Modifier,
}

#[derive(Clone, Debug)]
struct ColourWord {
    word: String,
    place: Place,
}

/// The attributes a style can have, by the word for them.
const ATTRIBUTES: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
];

/// Reads `text`; `file` is what messages call it.
pub(super) fn parse(file: &str, text: &str, problems: &mut Vec<Problem>) -> ThemeFile {
    let (table, errors) = DeTable::parse_recoverable(text);
    let before = problems.len();
    let mut reader = Reader {
        file,
        text,
        problems,
        theme: ThemeFile::default(),
    };
    for error in errors {
        reader.problem(error.span().unwrap_or(0..0), shown(error.message()));
    }
    for (key, value) in table.get_ref() {
        match key.get_ref().as_ref() {
            "inherits" => reader.inherits(value),
            "palette" => reader.palette(value),
            name => reader.role(name, key.span(), value),
        }
    }
    let theme = reader.theme;
    // The table is sorted by key; a person reads from the top.
    problems[before..].sort_by_key(|problem| {
        let place = problem.place.as_ref();
        place.map(|place| (place.line, place.column))
    });
    theme
}

impl WrittenStyle {
    /// The style, with `palette` looked up before the built-in colour words.
    pub(super) fn resolve(
        &self,
        palette: &[(String, Color)],
        problems: &mut Vec<Problem>,
    ) -> Style {
        let mut look_up = |written: &ColourWord| {
            let own = palette.iter().find(|(name, _)| *name == written.word);
            let found = own.map_or_else(|| colour::parse(&written.word), |(_, c)| Some(*c));
            if found.is_none() {
                let known = palette.iter().map(|(name, _)| name.as_str());
                problems.push(Problem {
                    place: Some(written.place.clone()),
                    message: unknown_colour(&written.word, known),
                });
            }
            found
        };
        let mut style = Style::new().add_modifier(self.modifiers);
        style.fg = self.foreground.as_ref().and_then(&mut look_up);
        style.bg = self.background.as_ref().and_then(&mut look_up);
        style
    }
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    problems: &'a mut Vec<Problem>,
    theme: ThemeFile,
}

type Value<'i> = Spanned<DeValue<'i>>;

impl Reader<'_> {
    fn problem(&mut self, at: Range<usize>, message: String) {
        let place = Some(self.place(&at));
        self.problems.push(Problem { place, message });
    }

    fn place(&self, at: &Range<usize>) -> Place {
        Place::of(self.file, self.text, at.start)
    }

    fn inherits(&mut self, value: &Value<'_>) {
        match value.get_ref().as_str() {
            Some(name) => self.theme.inherits = Some((name.to_owned(), self.place(&value.span()))),
            None => self.problem(value.span(), "inherits needs the name of a theme".into()),
        }
    }

    fn palette(&mut self, value: &Value<'_>) {
        let Some(table) = value.get_ref().as_table() else {
            return self.problem(value.span(), "palette needs a table of colours".into());
        };
        for (name, value) in table {
            let Some(word) = colour_word(value) else {
                self.problem(value.span(), COLOUR_EXPECTED.into());
                continue;
            };
            match colour::parse(&word) {
                Some(colour) => self
                    .theme
                    .palette
                    .push((name.get_ref().to_string(), colour)),
                None => self.problem(value.span(), unknown_colour(&word, [])),
            }
        }
    }

    /// A role, or a table of roles such as `[severity]`.
    fn role(&mut self, name: &str, at: Range<usize>, value: &Value<'_>) {
        if let Some(role) = Role::named(name) {
            let style = self.style(value);
            return self.theme.roles.push((role, style));
        }
        let prefix = format!("{name}.");
        let is_group = Role::ALL
            .iter()
            .any(|(_, known)| known.starts_with(&prefix));
        match value.get_ref().as_table() {
            Some(group) if is_group => {
                for (key, value) in group {
                    self.role(&format!("{prefix}{}", key.get_ref()), key.span(), value);
                }
            }
            _ => {
                let known = Role::ALL.iter().map(|(_, known)| *known);
                self.problem(at, unknown("role", name, known));
            }
        }
    }

    fn style(&mut self, value: &Value<'_>) -> WrittenStyle {
        match value.get_ref() {
            DeValue::String(words) => self.style_of_words(words, value.span()),
            DeValue::Table(table) => self.style_of_table(table),
            _ => {
                let message = "a style is words such as \"bold red on black\" or a table";
                self.problem(value.span(), message.into());
                WrittenStyle::default()
            }
        }
    }

    /// `bold red on white`: attributes and at most one colour, `on` before the background's.
    fn style_of_words(&mut self, words: &str, at: Range<usize>) -> WrittenStyle {
        let mut style = WrittenStyle::default();
        let mut words = words.split_whitespace();
        while let Some(word) = words.next() {
            if let Some((_, modifier)) = ATTRIBUTES.iter().find(|(name, _)| *name == word) {
                style.modifiers |= *modifier;
                continue;
            }
            let (slot, word) = match word {
                "on" => (&mut style.background, words.next()),
                _ => (&mut style.foreground, Some(word)),
            };
            let written = word.map(|word| ColourWord {
                word: word.to_owned(),
                place: Place::of(self.file, self.text, at.start),
            });
            let twice = slot.is_some();
            if written.is_none() {
                self.problem(at.clone(), "\"on\" needs a colour after it".into());
            } else if twice {
                let message = "a style has one foreground and, after \"on\", one background";
                self.problem(at.clone(), message.into());
            } else {
                *slot = written;
            }
        }
        style
    }

    fn style_of_table(&mut self, table: &DeTable<'_>) -> WrittenStyle {
        let mut style = WrittenStyle::default();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if matches!(name, "fg" | "bg") {
                let Some(word) = colour_word(value) else {
                    self.problem(value.span(), COLOUR_EXPECTED.into());
                    continue;
                };
                let place = self.place(&value.span());
                let written = Some(ColourWord { word, place });
                match name {
                    "fg" => style.foreground = written,
                    _ => style.background = written,
                }
                continue;
            }
            let Some((_, modifier)) = ATTRIBUTES.iter().find(|(known, _)| *known == name) else {
                let known = ATTRIBUTES.iter().map(|(name, _)| *name);
                let message = unknown("attribute", name, ["fg", "bg"].into_iter().chain(known));
                self.problem(key.span(), message);
                continue;
            };
            match value.get_ref().as_bool() {
                Some(on) => style.modifiers.set(*modifier, on),
                None => self.problem(value.span(), format!("{name} is true or false")),
            }
        }
        style
    }
}

const COLOUR_EXPECTED: &str = "a colour is a name, a number from 0 to 255, or \"#rrggbb\"";

fn unknown_colour<'a>(word: &str, palette: impl IntoIterator<Item = &'a str>) -> String {
    if word.starts_with(|c: char| c == '#' || c == '-' || c.is_ascii_digit()) {
        return format!("not a colour: {}; {COLOUR_EXPECTED}", shown(word));
    }
    let known = palette.into_iter().chain(colour::known_words());
    unknown("colour", word, known)
}

/// A colour written as a string or as a bare number.
fn colour_word(value: &Value<'_>) -> Option<String> {
    match value.get_ref() {
        DeValue::String(word) => Some(word.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}
