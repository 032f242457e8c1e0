//! Messages in, effects out: what the pure core promises, without a clock, a task or a terminal.
//!
//! [`world::World`] holds a model, performs the merges that `update` orders and presses keys by
//! name. Everything else here is what an operator would see happen.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed unwrap or panic fails the test"
)]

mod acting;
mod burns;
mod burns_past;
mod burns_random;
mod claims;
mod commands;
mod cursor;
mod cursor_random;
mod folds;
mod frozen;
mod held_random;
mod onsets;
mod palette;
mod reader;
mod sources;
mod typing;
mod unseen;
mod world;
