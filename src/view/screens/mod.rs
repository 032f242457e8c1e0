//! One file for each screen, and one for each thing that opens on it.

pub mod alert;
pub mod before;
pub mod burn;
mod burn_marks;
mod burn_past;
mod burn_words;
pub mod burns;
mod change;
pub mod changes;
mod difference;
pub mod drifts;
mod list;
mod nothing;
pub mod reader;
pub mod runbooks;
pub mod sources;
pub mod triage;
