//! quell: the cockpit an on-call engineer opens over SSH when the pager goes.
//!
//! The map of the house, as invariants. `tests/house.rs` holds them.
//!
//! - [`domain`] is plain types and pure rules. It imports nothing of ours and no runtime, HTTP or
//!   terminal crate. Every string from outside is a [`domain::text::Untrusted`] from the moment it
//!   is read.
//! - [`sources`] and [`runbooks`] turn bytes into domain values. They never see a message or the
//!   model, and they only ever read.
//! - [`config`] is what was configured, complete and checked. Secrets are not in it, only their places.
//! - [`msg`] and [`effect`] are the two vocabularies: what happened, and what is to be done.
//! - [`keys`] is the one table of commands. Help, hints, palette and README derive from it.
//! - [`model`] is what is known and where the operator is in it. Only `update` changes it.
//! - [`update`] is `(model, message, now) -> effects`: it never awaits, locks or reads a clock.
//! - [`view`] draws from `&Model` and changes nothing; how long a text is, it tells back.
//! - [`theme`] says how a role looks; nobody else names a colour.
//! - [`runtime`] owns the tasks, the clock and the terminal, and is the only room that performs
//!   effects.
//! - [`cli`] prints the same domain values as text and as JSON, without a screen.
//! - [`slos`] reads service level objectives from files; it asks no server.
//! - [`history`] remembers changes and drift on this machine.
//! - [`sim`] is a simulated platform behind the same HTTP shapes. The sources do not know it.
//!
//! - [`control`] is the write side: it plans, sends what the guard let through, once, and finds out what
//!   became of it. No other room sends a request that changes anything.
//! - [`journal`] keeps what was done so that no edit goes unseen.
//!
//! Deliberately absent: a component trait, a shared locked state, an event bus, a plugin system,
//! a shell.

pub mod cli;
pub mod config;
pub mod control;
pub mod domain;
pub mod effect;
pub mod history;
pub mod journal;
pub mod keys;
pub mod model;
pub mod msg;
pub mod runbooks;
pub mod runtime;
pub mod sim;
pub mod slos;
pub mod sources;
pub mod theme;
pub mod update;
pub mod view;
