//! One file for each screen, and one for each thing that opens on it.

pub mod alert;
pub mod before;
pub mod burn;
mod burn_marks;
mod burn_past;
mod burn_words;
pub mod burns;
pub mod reader;
pub mod runbooks;
pub mod sources;
pub mod triage;
