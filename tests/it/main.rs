//! The tests that need something outside the crate: real peers, a hostile server, the built program.
//!
//! One program, so that it is linked once. `peers` starts real Alertmanagers and Prometheus, `raw` is
//! a server that misbehaves on purpose, `quell` runs the built binary headless and `terminal` runs it
//! in a terminal. Each proves in its own tests that it does what the others rely on.

#![allow(clippy::panic, reason = "a test that cannot go on says why and fails")]

mod peers;
mod quell;
mod raw;
mod terminal;
