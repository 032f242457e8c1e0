//! What changes on screen 3?
//!
//! The cursor belongs to a change. A deploy that another source tells of, too, may take another name:
//! its row follows it.

use super::held::List;
use crate::domain::board::Board;
use crate::domain::change::ChangeId;
use crate::model::Model;
use crate::model::changes;
use crate::model::session::{Keys, Screen};

/// Changes, newest first.
pub const LIST: List<ChangeId> = List {
    screen: Screen::Changes,
    held: |session| &mut session.changes.list,
    offers: changes::offers,
};

/// A new picture.
pub fn picture(model: &mut Model, before: &Board) {
    let session = &mut model.session;
    session.changes.tally = changes::tally(&model.board, model.now);
    session.changes.after = None;
    if session.keys == Keys::Pressed {
        let list = &mut session.changes.list;
        for (old, new) in changes::renamed(list, before, &model.board) {
            list.rename(&old, &new);
        }
    }
    LIST.picture(model);
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
