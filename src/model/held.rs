//! How does a list stand still while an operator looks at it?
//!
//! The rows of screens 3 and 4: each belongs to a thing by its identity, in the order in which it
//! was sorted last. A new picture changes what rows say, never where they stand; what is new is
//! counted and waits until the list is sorted anew. Pure; called by `update`, read by `view`.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::scroll::{Scroll, Step};
use crate::domain::filter::Filter;
use crate::domain::text::Untrusted;

/// A list that stands still.
#[derive(Debug)]
pub struct Held<Id> {
    /// The rows, in the order of the last sorting.
    pub rows: Vec<Row<Id>>,
    /// The filter.
    pub filter: Filter,
    /// Cursor and window.
    pub scroll: Scroll,
    /// What is opened.
    pub opened: Option<Opened<Id>>,
    /// How many the filter lets through that have no row yet.
    pub new: usize,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<Id> {
    /// Whose.
    pub id: Id,
    /// Its place in the picture on show; `None` when it is not in it any more.
    pub at: Option<usize>,
    /// What to call it when it is gone.
    pub name: Untrusted,
}

/// An opened row.
#[derive(Debug)]
pub struct Opened<Id> {
    /// Whose.
    pub row: Row<Id>,
    /// How far it is scrolled.
    pub scroll: Scroll,
    /// How many lines it has, as last drawn.
    pub lines: usize,
}

/// What a picture offers to a list.
#[derive(Clone, Debug)]
pub struct Offer<Id> {
    /// The row that it would be.
    pub row: Row<Id>,
    /// Whether the filter lets it through.
    pub wanted: Wanted,
}

/// Whether a filter lets something through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// Where a sorting leaves the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// On the thing it was on.
    Stays,
    /// On the first row.
    Top,
}

/// What a step back does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Back {
    /// It closed what was open.
    Closed,
    /// It dropped the filter: the rows want sorting.
    Unfiltered,
    /// It leaves the list.
    Left,
}

impl<Id> Default for Held<Id> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            filter: Filter::default(),
            scroll: Scroll::default(),
            opened: None,
            new: 0,
        }
    }
}

impl<Id: Clone + Eq + Hash> Held<Id> {
    /// A new picture: each row finds its new place, and what has no row is counted.
    pub fn keep(&mut self, offers: &[Offer<Id>]) {
        let found: HashMap<&Id, &Row<Id>> = offers.iter().map(|o| (&o.row.id, &o.row)).collect();
        let opened = self.opened.as_mut().map(|opened| &mut opened.row);
        for row in self.rows.iter_mut().chain(opened) {
            match found.get(&row.id) {
                Some(now) => row.clone_from(now),
                None => row.at = None,
            }
        }
        let known: HashSet<&Id> = self.rows.iter().map(|row| &row.id).collect();
        let is_new = |o: &&Offer<Id>| o.wanted == Wanted::Yes && !known.contains(&o.row.id);
        self.new = offers.iter().filter(is_new).count();
    }

    /// Takes the order that the picture gives, with what is new and without what is gone.
    pub fn sort(&mut self, offers: &[Offer<Id>], cursor: Cursor) {
        self.keep(offers);
        let selected = self.rows.get(self.scroll.cursor).map(|row| row.id.clone());
        let wanted = offers.iter().filter(|o| o.wanted == Wanted::Yes);
        self.rows = wanted.map(|o| o.row.clone()).collect();
        self.new = 0;
        let found = selected.and_then(|id| self.rows.iter().position(|row| row.id == id));
        match cursor {
            Cursor::Stays => self.scroll.cursor = found.unwrap_or(0),
            Cursor::Top => self.scroll = Scroll::default(),
        }
    }

    /// The row that a command is about: what is opened, else what is selected.
    #[must_use]
    pub fn target(&self) -> Option<&Row<Id>> {
        match &self.opened {
            Some(opened) => Some(&opened.row),
            None => self.rows.get(self.scroll.cursor),
        }
    }

    /// Moves the cursor, or the text of what is opened.
    pub fn step(&mut self, step: Step, height: usize) {
        match &mut self.opened {
            Some(opened) => opened.scroll.pan(step, opened.lines, height),
            None => self.scroll.step(step, self.rows.len(), height),
        }
    }

    /// Opens the selected row.
    pub fn open(&mut self) {
        if let Some(row) = self.target().cloned() {
            self.opened = Some(Opened {
                row,
                scroll: Scroll::default(),
                lines: 0,
            });
        }
    }

    /// Puts the window where the cursor is seen.
    pub fn reveal(&mut self, height: usize) {
        self.scroll.reveal(self.rows.len(), height);
    }

    /// Closes what is open, else drops the filter, else leaves.
    pub fn back(&mut self) -> Back {
        if self.opened.take().is_some() {
            return Back::Closed;
        }
        if self.filter.is_empty() {
            return Back::Left;
        }
        self.filter = Filter::default();
        Back::Unfiltered
    }

    /// Takes in how many lines the opened row has, as it is drawn now.
    pub fn measured(&mut self, lines: Option<usize>, height: usize) {
        if let (Some(opened), Some(lines)) = (&mut self.opened, lines) {
            opened.lines = lines;
            opened.scroll.pan(Step::Rows(0), lines, height);
        }
    }

    /// A thing goes on under another name: its row follows it, unless that name has one already.
    pub fn rename(&mut self, before: &Id, after: &Id) {
        let has_row = self.rows.iter().any(|row| row.id == *after);
        let rows = self.rows.iter_mut().filter(|_| !has_row);
        let opened = self.opened.as_mut().map(|opened| &mut opened.row);
        for row in rows.chain(opened) {
            if row.id == *before {
                row.id = after.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers(names: &str) -> Vec<Offer<char>> {
        let offer = |(at, id): (usize, char)| Offer {
            row: Row {
                id,
                at: Some(at),
                name: Untrusted::line(&id.to_string()),
            },
            wanted: if id == 'x' { Wanted::No } else { Wanted::Yes },
        };
        names.chars().enumerate().map(offer).collect()
    }

    fn shown(held: &Held<char>) -> String {
        let row = |row: &Row<char>| {
            let at = row.at.map_or_else(|| "-".to_owned(), |at| at.to_string());
            format!("{}{at}", row.id)
        };
        held.rows.iter().map(row).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn rows_stand_still_until_they_are_sorted() {
        let mut held = Held::default();
        held.sort(&offers("abxc"), Cursor::Top);
        assert_eq!(shown(&held), "a0 b1 c3");
        held.scroll.cursor = 1;
        held.open();
        held.keep(&offers("dxca"));
        assert_eq!(shown(&held), "a3 b- c2");
        assert_eq!((held.new, held.target().map(|row| row.at)), (1, Some(None)));
        held.opened = None;
        held.sort(&offers("cda"), Cursor::Stays);
        assert_eq!((shown(&held), held.new), ("c0 d1 a2".to_owned(), 0));
        assert_eq!(held.scroll.cursor, 0, "what is gone is sorted away");
    }

    #[test]
    fn the_cursor_stays_on_its_row_when_the_rows_are_sorted() {
        let mut held = Held::default();
        held.sort(&offers("abc"), Cursor::Top);
        held.scroll.cursor = 2;
        held.sort(&offers("dcba"), Cursor::Stays);
        assert_eq!(held.target().map(|row| row.id), Some('c'));
    }

    #[test]
    fn a_row_follows_what_goes_on_under_another_name() {
        let mut held = Held::default();
        held.sort(&offers("ab"), Cursor::Top);
        held.open();
        held.rename(&'a', &'d');
        held.keep(&offers("bd"));
        assert_eq!(shown(&held), "d1 b0");
        assert_eq!(held.target().map(|row| row.id), Some('d'));
    }

    #[test]
    fn two_rows_never_become_one_name() {
        let mut held = Held::default();
        held.sort(&offers("ab"), Cursor::Top);
        held.open();
        held.rename(&'a', &'b');
        held.keep(&offers("b"));
        assert_eq!(shown(&held), "a- b0");
        assert_eq!(
            held.target().map(|row| row.id),
            Some('b'),
            "what is opened goes on"
        );
    }

    #[test]
    fn a_step_back_closes_then_drops_the_filter_then_leaves() {
        let mut held = Held::default();
        held.sort(&offers("ab"), Cursor::Top);
        held.filter = Filter::parse("service=a").unwrap_or_default();
        held.open();
        assert_eq!(held.back(), Back::Closed);
        assert_eq!(held.back(), Back::Unfiltered);
        assert_eq!(held.back(), Back::Left);
    }
}
