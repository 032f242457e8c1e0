//! What changes on screen 3?
//!
//! The cursor belongs to a change. A new picture alters what rows say and how many are new; rows
//! move only when the operator sorts, filters, or comes to the screen.

use super::triage;
use crate::domain::board::Board;
use crate::domain::filter::Filter;
use crate::model::Model;
use crate::model::changes;
use crate::model::held::{Back, Cursor};
use crate::model::layout::Layout;
use crate::model::session::{Keys, Screen};

/// A new picture. Before any key was pressed, and under another screen, the order is nobody's yet.
pub fn picture(model: &mut Model, before: &Board) {
    let session = &mut model.session;
    session.changes.tally = changes::tally(&model.board, model.now);
    session.changes.after = None;
    if session.keys == Keys::Untouched {
        sort(model, Cursor::Top);
        return;
    }
    let list = &mut session.changes.list;
    for (old, new) in changes::renamed(list, before, &model.board) {
        list.rename(&old, &new);
    }
    let offers = changes::offers(&model.board, &list.filter);
    // Where there is no row, nothing can move under the cursor.
    if session.screen == Screen::Changes && !list.rows.is_empty() {
        list.keep(&offers);
    } else {
        list.sort(&offers, Cursor::Stays);
    }
}

/// Newest first.
pub fn sort(model: &mut Model, cursor: Cursor) {
    let list = &mut model.session.changes.list;
    let offers = changes::offers(&model.board, &list.filter);
    list.sort(&offers, cursor);
    settle(model);
}

/// Applies a filter.
pub fn filter(model: &mut Model, filter: Filter) {
    model.session.changes.list.filter = filter;
    sort(model, Cursor::Stays);
}

/// Closes what is open, drops the filter, or leads back.
pub fn back(model: &mut Model) {
    match model.session.changes.list.back() {
        Back::Closed => {}
        Back::Unfiltered => sort(model, Cursor::Stays),
        Back::Left => model.session.screen = Screen::Triage,
    }
    settle(model);
    triage::settle(model);
}

fn settle(model: &mut Model) {
    let height = Layout::of(model).height();
    let list = &mut model.session.changes.list;
    if model.session.screen == Screen::Changes && list.opened.is_none() {
        list.reveal(height);
    }
}

/// After anything: what followed the selected change is known, if the screen shows it.
pub fn follow(model: &mut Model) {
    if model.session.screen != Screen::Changes {
        return;
    }
    let known = model.session.changes.after.as_ref().map(|after| &after.id);
    match changes::target(model) {
        Some(change) if known == Some(&change.id) => {}
        Some(change) => {
            let after = changes::after(&model.board, change);
            model.session.changes.after = Some(after);
        }
        None => model.session.changes.after = None,
    }
}
