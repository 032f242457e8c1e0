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
pub mod dialog;
mod difference;
mod doubt;
pub mod drifts;
mod form;
pub mod journal;
mod list;
mod menu;
mod nothing;
mod plan;
mod plan_facts;
mod plan_request;
pub mod reader;
pub mod runbooks;
pub mod sources;
pub mod triage;
