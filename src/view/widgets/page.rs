//! How do facts become lines that grow downwards within a width?
//!
//! Used by what opens beside or instead of a list. Everything is wrapped, nothing is cut: the end of
//! a text may be what matters.

use super::text;
use crate::theme::Role;
use crate::view::{Look, StyledLine};

/// The width of the names before their facts.
const NAMES: usize = 9;

/// Lines that grow downwards within a width.
pub struct Page {
    /// The lines.
    pub out: Vec<StyledLine>,
    width: usize,
    dots: &'static str,
}

impl Page {
    /// Without a line yet.
    #[must_use]
    pub fn new(width: u16, look: &Look) -> Self {
        Self {
            out: Vec::new(),
            width: usize::from(width).max(20),
            dots: look.glyphs.ellipsis,
        }
    }

    /// A paragraph of its own. Spaces that lead it stay.
    pub fn text(&mut self, content: &str, role: Role) {
        let lead = content.len() - content.trim_start_matches(' ').len();
        let lead = lead.min(self.width / 2);
        let room = self.width.saturating_sub(lead + 2);
        for line in text::wrap(content.trim_start_matches(' '), room) {
            self.out
                .push(vec![(format!(" {}{line}", " ".repeat(lead)), role)]);
        }
    }

    /// A name, and beside it what is known.
    pub fn fact(&mut self, name: &str, content: &str, role: Role) {
        let room = self.width.saturating_sub(NAMES + 2);
        for (at, line) in text::wrap(content, room).iter().enumerate() {
            let name = text::pad_right(if at == 0 { name } else { "" }, NAMES, self.dots);
            self.out.push(vec![
                (format!(" {name}"), Role::Dim),
                (line.to_string(), role),
            ]);
        }
    }

    /// What stands before, and beside it what is to be said; what is wrapped begins below its beginning.
    pub fn hanging(&mut self, before: &str, content: &str, role: Role) {
        let wide = text::width(before).min(self.width / 2);
        let room = self.width.saturating_sub(wide + 2);
        for (at, line) in text::wrap(content, room).iter().enumerate() {
            let before = text::pad_right(if at == 0 { before } else { "" }, wide, self.dots);
            self.out.push(vec![
                (format!(" {before}"), Role::Dim),
                (line.to_string(), role),
            ]);
        }
    }

    /// A sign with a look of its own, and beside it what is to be said.
    pub fn signed(&mut self, sign: (&str, Role), content: &str, role: Role) {
        let (sign, sign_role) = sign;
        let wide = text::width(sign) + 1;
        let room = self.width.saturating_sub(wide + 2);
        for (at, line) in text::wrap(content, room).iter().enumerate() {
            let before = text::pad_right(if at == 0 { sign } else { "" }, wide, self.dots);
            self.out.push(vec![
                (format!(" {before}"), sign_role),
                (line.to_string(), role),
            ]);
        }
    }

    /// An empty line.
    pub fn gap(&mut self) {
        self.out.push(Vec::new());
    }
}
