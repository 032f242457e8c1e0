//! The tests that need something outside the crate: real peers, a hostile server, the built program.
//!
//! One program, so that it is linked once. `peers` starts real Alertmanagers and Prometheus, `raw` is
//! a server that misbehaves on purpose, `quell` runs the built binary headless and `terminal` runs it
//! in a terminal. Each proves in its own tests that it does what the others rely on.

#![allow(clippy::panic, reason = "a test that cannot go on says why and fails")]

mod acting;
mod acting_approve;
mod acting_elsewhere;
mod acting_faults;
mod acting_kills;
mod acting_leaks;
mod acting_races;
mod acting_scene;
mod acting_stage;
mod burn;
mod cli_access;
mod cli_alerts;
mod cli_check;
mod cli_config;
mod cli_exits;
mod cli_hostile;
mod cli_init;
mod cli_reads_only;
mod cli_runbooks;
mod cli_scene;
mod cli_secrets;
mod cli_shell;
mod cli_text;
mod cockpit;
mod cockpit_burn;
mod delivery;
mod demo;
mod endings;
mod hostile;
mod journal;
mod peers;
mod quell;
mod raw;
mod screen;
mod ssh;
mod terminal;
