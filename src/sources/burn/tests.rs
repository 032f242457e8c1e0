//! SLOs as files and recordings have them, against a server that answers as a test wants it to.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod asking;
mod missing;
mod past;
mod periods;
mod queries;
mod readings;
mod recordings;
mod world;
