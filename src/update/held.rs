//! What moves the rows of a list that stands still?
//!
//! Screens 3 and 4 alike: a new picture alters what rows say and how many are new; rows move only
//! when the operator sorts, filters, or comes to the screen. Called by `changes` and `drifts`.

use std::hash::Hash;

use super::triage;
use crate::domain::board::Board;
use crate::domain::filter::Filter;
use crate::model::Model;
use crate::model::held::{Back, Cursor, Held, Offer};
use crate::model::layout::Layout;
use crate::model::session::{Keys, Screen, Session};

/// The list of a screen.
pub struct List<Id> {
    /// Where it is shown.
    pub screen: Screen,
    /// Its rows.
    pub held: fn(&mut Session) -> &mut Held<Id>,
    /// What a picture offers to it.
    pub offers: fn(&Board, &Filter) -> Vec<Offer<Id>>,
}

impl<Id: Clone + Eq + Hash> List<Id> {
    /// A new picture. Before any key was pressed, and under another screen, the order is nobody's yet.
    pub fn picture(&self, model: &mut Model) {
        if model.session.keys == Keys::Untouched {
            self.sort(model, Cursor::Top);
            return;
        }
        let is_shown = model.session.screen == self.screen;
        let held = (self.held)(&mut model.session);
        let offers = (self.offers)(&model.board, &held.filter);
        // Where there is no row, nothing can move under the cursor.
        if is_shown && !held.rows.is_empty() {
            held.keep(&offers);
        } else {
            held.sort(&offers, Cursor::Stays);
        }
    }

    /// Takes the order that the picture gives.
    pub fn sort(&self, model: &mut Model, cursor: Cursor) {
        let held = (self.held)(&mut model.session);
        let offers = (self.offers)(&model.board, &held.filter);
        held.sort(&offers, cursor);
        self.settle(model);
    }

    /// Applies a filter.
    pub fn filter(&self, model: &mut Model, filter: Filter) {
        (self.held)(&mut model.session).filter = filter;
        self.sort(model, Cursor::Stays);
    }

    /// Closes what is open, drops the filter, or leads back.
    pub fn back(&self, model: &mut Model) {
        match (self.held)(&mut model.session).back() {
            Back::Closed => {}
            Back::Unfiltered => self.sort(model, Cursor::Stays),
            Back::Left => model.session.screen = Screen::Triage,
        }
        self.settle(model);
        triage::settle(model);
    }

    fn settle(&self, model: &mut Model) {
        let height = Layout::of(model).height();
        let is_shown = model.session.screen == self.screen;
        let held = (self.held)(&mut model.session);
        if is_shown && held.opened.is_none() {
            held.reveal(height);
        }
    }
}
