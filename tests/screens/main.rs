//! Does every screen say what it should, at every size, whatever the sources send?
//!
//! A [`stage::Stage`] is quell without a terminal, a network or a clock: keys and answers go in
//! through `update`, a buffer comes out of `view`. It stands outside the crate because it needs
//! both rooms, which the walls keep apart. [`golden`] holds what the screens look like; the other
//! modules hold what must be true of any of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed unwrap fails the test"
)]

mod acting;
mod bars;
mod burns;
mod cast;
mod changes;
mod deliveries;
mod drifts;
mod golden;
mod hostile;
mod journal;
mod looks;
mod picture;
mod plans;
mod scenes;
mod sizes;
mod slos;
mod stage;
