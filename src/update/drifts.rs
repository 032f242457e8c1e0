//! What changes on screen 4?
//!
//! The cursor belongs to a difference, as reported by one source. One that is allowed meanwhile says
//! so where it stands.

use super::held::List;
use crate::model::Model;
use crate::model::drifts::{self, DifferenceId};
use crate::model::session::Screen;

/// What differs, section by section.
pub const LIST: List<DifferenceId> = List {
    screen: Screen::Drift,
    held: |session| &mut session.drifts.list,
    offers: drifts::offers,
};

/// A new picture.
pub fn picture(model: &mut Model) {
    model.session.drifts.tally = drifts::tally(&model.board);
    LIST.picture(model);
}
