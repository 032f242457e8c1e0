//! What changes on screen 7?
//!
//! Records stand still while they are looked at; what was written since is counted and waits until the
//! list is sorted anew.

use std::sync::Arc;

use crate::domain::filter::Filter;
use crate::domain::record::JournalPicture;
use crate::model::Model;
use crate::model::held::{Back, Cursor};
use crate::model::journal;
use crate::model::layout::Layout;
use crate::model::session::Screen;

/// The journal was read.
pub fn read(model: &mut Model, picture: Arc<JournalPicture>) {
    model.acting.journal = picture;
    let is_shown = model.session.screen == Screen::Journal;
    let list = &mut model.session.journal.list;
    if is_shown && !list.rows.is_empty() {
        list.keep(&journal::offers(&model.acting.journal, &list.filter));
    } else {
        sort(model, Cursor::Stays);
    }
}

/// Newest first.
pub fn sort(model: &mut Model, cursor: Cursor) {
    let list = &mut model.session.journal.list;
    list.sort(
        &journal::offers(&model.acting.journal, &list.filter),
        cursor,
    );
    settle(model);
}

/// Applies a filter.
pub fn filter(model: &mut Model, filter: Filter) {
    model.session.journal.list.filter = filter;
    sort(model, Cursor::Stays);
}

/// Closes what is open, drops the filter, or leads back.
pub fn back(model: &mut Model) {
    match model.session.journal.list.back() {
        Back::Closed => {}
        Back::Unfiltered => sort(model, Cursor::Stays),
        Back::Left => model.session.screen = Screen::Triage,
    }
    settle(model);
    super::triage::settle(model);
}

fn settle(model: &mut Model) {
    let height = Layout::of(model).height();
    let is_shown = model.session.screen == Screen::Journal;
    let list = &mut model.session.journal.list;
    if is_shown && list.opened.is_none() {
        list.reveal(height);
    }
}
