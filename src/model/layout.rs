//! Which rows of the terminal belong to what?
//!
//! One answer for `update`, which keeps the cursor on screen, and for `view`, which draws.

use super::Model;
use super::session::{Screen, Session};

/// Below this there is only a line that says so.
pub const SMALLEST: (u16, u16) = (40, 10);

/// From this width on, list and detail stand side by side.
const SIDE_BY_SIDE: u16 = 110;

/// From this height on, a narrow list has a summary of the selected row below it.
const WITH_SUMMARY: u16 = 16;

/// The height of the help: all between the top bar and the bottom line.
#[must_use]
pub fn help_height(session: &Session) -> usize {
    usize::from(session.size.1.saturating_sub(2))
}

/// Where a dialog stands, in columns and rows from the top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialogArea {
    /// The first column of its content.
    pub x: u16,
    /// The first row of its content.
    pub y: u16,
    /// How wide its content is.
    pub columns: u16,
    /// How high its content is.
    pub rows: u16,
    /// Whether there is room for a box around it.
    pub frame: Frame,
}

/// Whether a dialog has a box around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// It has all between the top bar and the bottom line.
    None,
    /// It stands before what is below.
    Box,
}

/// No dialog is wider than this: lines that are longer are hard to read.
const WIDEST_DIALOG: u16 = 104;

/// Where a dialog stands.
#[must_use]
pub fn dialog_area(session: &Session) -> DialogArea {
    let (columns, rows) = session.size;
    let below = rows.saturating_sub(2);
    if columns < SIDE_BY_SIDE || rows < 30 {
        return DialogArea {
            x: 0,
            y: 1,
            columns,
            rows: below,
            frame: Frame::None,
        };
    }
    let wide = (columns - 6).min(WIDEST_DIALOG);
    let high = (below - 4).min(44);
    DialogArea {
        x: (columns - wide) / 2,
        y: 1 + (below - high) / 2,
        columns: wide,
        rows: high,
        frame: Frame::Box,
    }
}

/// How much of a dialog scrolls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialogRows {
    /// Rows of a menu or a form: below its title.
    pub list: usize,
    /// Rows of a plan: between its title, and its last line and its buttons.
    pub text: usize,
}

/// How much of a dialog scrolls.
#[must_use]
pub fn dialog_rows(session: &Session) -> DialogRows {
    let rows = usize::from(dialog_area(session).rows);
    DialogRows {
        list: rows.saturating_sub(3).max(1),
        text: rows.saturating_sub(4).max(1),
    }
}

/// The parts of the screen, in rows; the top bar and the bottom line are one each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Lines that say what cannot be seen.
    pub blind_rows: u16,
    /// The heads of the columns.
    pub header_rows: u16,
    /// The list, or the text of an opened thing.
    pub list_rows: u16,
    /// The summary of the selected row, with its rule.
    pub summary_rows: u16,
    /// Columns of the list; the rest is the detail beside it, if it is less than the screen.
    pub list_columns: u16,
}

impl Layout {
    /// For the model as it is.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        let blind = super::blind::lines(model).len() + super::alarm::lines(model).len();
        Self::with(&model.session, u16::try_from(blind).unwrap_or(u16::MAX))
    }

    fn with(session: &Session, blind: u16) -> Self {
        let (columns, rows) = session.size;
        let body = rows.saturating_sub(3);
        let is_list = match session.screen {
            Screen::Triage => session.triage.detail.is_none(),
            Screen::Burn => session.burn.opened.is_none(),
            Screen::Changes => session.changes.list.opened.is_none(),
            Screen::Drift => session.drifts.list.opened.is_none(),
            Screen::Journal => session.journal.list.opened.is_none(),
            Screen::Runbooks | Screen::Sources => true,
        };
        let opened = session.screen == Screen::Runbooks && session.runbooks.reader.is_some();
        let roomy = rows >= WITH_SUMMARY;
        let blind_rows = blind.min(if roomy { 2 } else { 1 });
        // What is opened on screens 3 and 4 stands beside its list, which has the whole width before.
        let has_side = match session.screen {
            Screen::Triage | Screen::Sources => is_list,
            Screen::Changes | Screen::Drift | Screen::Journal => !is_list,
            Screen::Burn | Screen::Runbooks => false,
        };
        let side = columns >= SIDE_BY_SIDE && has_side;
        let is_list = is_list || side;
        let warned = session
            .runbooks
            .reader
            .as_ref()
            .is_some_and(|r| r.caution.is_some());
        let header_rows = u16::from(if opened { warned } else { roomy && is_list });
        let summary_rows = match session.screen {
            _ if side || !is_list => 0,
            // On a small screen the row of a source has no room to say what is wrong with it.
            Screen::Sources => body / 2,
            Screen::Triage if roomy => 3,
            Screen::Burn | Screen::Changes | Screen::Drift | Screen::Journal if roomy => 5,
            _ => 0,
        };
        let list_columns = if side { columns * 6 / 10 } else { columns };
        Self {
            blind_rows,
            header_rows,
            list_rows: body.saturating_sub(blind_rows + header_rows + summary_rows),
            summary_rows,
            list_columns,
        }
    }

    /// The height of the list.
    #[must_use]
    pub fn height(&self) -> usize {
        usize::from(self.list_rows)
    }
}
