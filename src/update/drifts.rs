//! What changes on screen 4?
//!
//! The cursor belongs to a difference, as reported by one source. Rows stand still as on screen 3:
//! one that is allowed meanwhile says so where it stands.

use super::triage;
use crate::domain::filter::Filter;
use crate::model::Model;
use crate::model::drifts;
use crate::model::held::{Back, Cursor};
use crate::model::layout::Layout;
use crate::model::session::{Keys, Screen};

/// A new picture. Before any key was pressed, and under another screen, the order is nobody's yet.
pub fn picture(model: &mut Model) {
    let session = &mut model.session;
    session.drifts.tally = drifts::tally(&model.board);
    if session.keys == Keys::Untouched {
        sort(model, Cursor::Top);
        return;
    }
    let list = &mut session.drifts.list;
    let offers = drifts::offers(&model.board, &list.filter);
    // Where there is no row, nothing can move under the cursor.
    if session.screen == Screen::Drift && !list.rows.is_empty() {
        list.keep(&offers);
    } else {
        list.sort(&offers, Cursor::Stays);
    }
}

/// What drifted first, section by section.
pub fn sort(model: &mut Model, cursor: Cursor) {
    let list = &mut model.session.drifts.list;
    let offers = drifts::offers(&model.board, &list.filter);
    list.sort(&offers, cursor);
    settle(model);
}

/// Applies a filter.
pub fn filter(model: &mut Model, filter: Filter) {
    model.session.drifts.list.filter = filter;
    sort(model, Cursor::Stays);
}

/// Closes what is open, drops the filter, or leads back.
pub fn back(model: &mut Model) {
    match model.session.drifts.list.back() {
        Back::Closed => {}
        Back::Unfiltered => sort(model, Cursor::Stays),
        Back::Left => model.session.screen = Screen::Triage,
    }
    settle(model);
    triage::settle(model);
}

fn settle(model: &mut Model) {
    let height = Layout::of(model).height();
    let list = &mut model.session.drifts.list;
    if model.session.screen == Screen::Drift && list.opened.is_none() {
        list.reveal(height);
    }
}
