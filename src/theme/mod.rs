//! How does each role of the screen look, in this theme, on this terminal?
//!
//! `runtime` loads a theme once, reduces it to what the terminal can show, and hands it to `view`,
//! which asks for roles and never for colours. Nothing here draws, reads the environment, or
//! decides which theme is wanted.

use ratatui::style::{Modifier, Style};

mod colour;
mod depth;
mod file;
pub mod glyphs;
mod load;
mod problem;
mod role;

pub use depth::{ColourDepth, detect_depth};
pub use glyphs::{Dots, GlyphSet, Glyphs, detect_glyphs};
pub use load::{load, names};
pub use problem::{Place, Problem, ThemeError};
pub use role::Role;

/// A style for every role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    name: String,
    styles: [Style; Role::COUNT],
}

impl Theme {
    /// The theme that is used when none is named. It is part of the program.
    ///
    /// # Errors
    /// Never in a tested build: the tests load every theme that is part of the program.
    pub fn default_theme() -> Result<Self, ThemeError> {
        load(load::DEFAULT, None)
    }

    /// What the config calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How a role looks. Meant to be patched over what is drawn below it.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// The same theme for a terminal of fewer colours.
    ///
    /// Nearest colours are taken. A foreground and background that would fall together, and every
    /// background that no longer can be shown, become reverse video, so that no text is lost and
    /// no badge vanishes. Without colours, a page, a ticket, a stale row, the selection and a
    /// danger are kept apart by their attributes.
    #[must_use]
    pub fn at_depth(&self, depth: ColourDepth) -> Self {
        let ground = self.style(Role::Text).bg;
        let mut reduced = self.clone();
        for style in &mut reduced.styles {
            *style = depth::reduce(*style, ground, depth);
        }
        if depth == ColourDepth::None {
            reduced.keep_apart();
        }
        reduced
    }

    /// Where the attributes alone are ambiguous, sets them: a person must not take one for another.
    fn keep_apart(&mut self) {
        let look = |role: Role| self.style(role).add_modifier;
        let ambiguous = APART
            .iter()
            .enumerate()
            .any(|(i, (a, _))| APART[i + 1..].iter().any(|(b, _)| look(*a) == look(*b)));
        if ambiguous {
            for (role, modifier) in APART {
                self.styles[role as usize] = Style::new().add_modifier(modifier);
            }
        }
    }
}

/// The roles that must differ without colour, and how they do where a theme does not say.
const APART: [(Role, Modifier); 5] = [
    (
        Role::SeverityPage,
        Modifier::BOLD.union(Modifier::UNDERLINED),
    ),
    (Role::SeverityTicket, Modifier::UNDERLINED),
    (Role::Stale, Modifier::DIM),
    (Role::Selected, Modifier::REVERSED),
    (Role::Danger, Modifier::BOLD.union(Modifier::REVERSED)),
];

#[cfg(test)]
mod tests;
