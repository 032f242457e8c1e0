//! What does an error of the database mean to the operator?
//!
//! Called by every part of [`super`] at its edge. Words only: nothing is retried or repaired here.

use std::path::Path;

use crate::domain::text::shown;

/// The main result codes of SQLite, which are the lowest byte of what it reports.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READ_ONLY: i32 = 8;
const IO: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;
const NOT_A_DATABASE: i32 = 26;

fn code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    Some(code.parse::<i32>().ok()? & 0xff)
}

/// Whether the file's bytes are no database that can be read.
pub(super) fn is_unreadable(error: &sqlx::Error) -> bool {
    matches!(code(error), Some(CORRUPT | NOT_A_DATABASE))
}

/// Whether another program was in the way.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(code(error), Some(BUSY | LOCKED))
}

/// What happened, where, and what to do.
pub(super) fn of(path: &Path, error: &sqlx::Error) -> String {
    let next = match code(error) {
        Some(BUSY | LOCKED) => {
            "another program holds it; it is tried again with the next answer, end that program if \
             this stays"
        }
        Some(READ_ONLY) => "let your user write the file and its folder",
        Some(IO) => "check the disk that it lies on",
        Some(FULL) => "make room on the disk",
        Some(CANNOT_OPEN) => "let your user read and write the file and its folder",
        Some(CORRUPT | NOT_A_DATABASE) => {
            "start quell again: it sets the file aside and begins anew"
        }
        _ => "check the file and its folder",
    };
    let what = match error.as_database_error() {
        Some(error) => error.message().to_owned(),
        None => error.to_string(),
    };
    line(path, &what, next)
}

/// One line of words about the file.
pub(super) fn line(path: &Path, what: &str, next: &str) -> String {
    let path = shown(&path.display().to_string());
    format!("{path}: history: {}; next: {next}", shown(what))
}
