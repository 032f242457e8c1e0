//! Who runs what: the loop, the tasks, the clock, the terminal and the files of the session.
//!
//! The only room that performs effects. It decides nothing: what happened goes to `update`, what
//! is to be seen comes from `view`.

mod actions;
pub mod clock;
mod cockpit;
mod ends;
mod historian;
mod history;
mod input;
pub mod logging;
mod painter;
mod pollers;
mod state;
mod tasks;
mod terminal;

pub use cockpit::{Mode, Start, run_cockpit};
