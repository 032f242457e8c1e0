//! Plain types and pure rules: what an alert, a source, a lane or a runbook link *is*.
//!
//! Everybody may import this room. It imports nothing of ours, and no runtime, HTTP or terminal
//! crate. No function here reads a clock, a file or the network: the time is handed in.

pub mod action;
pub mod alert;
pub mod approval;
pub mod backoff;
pub mod blindness;
pub mod board;
pub mod budget_period;
pub mod burn;
pub mod burn_around;
#[cfg(test)]
mod burn_expected_tests;
pub mod burn_explain;
pub mod burn_policy;
pub mod burn_reading;
pub mod change;
pub mod check;
pub mod claim;
pub mod cluster;
pub mod delivery;
pub mod drift;
pub mod duration;
pub mod filter;
pub mod freshness;
pub mod guard;
pub mod label;
pub mod matcher;
pub mod merge;
pub mod nearest;
pub mod number;
pub mod observed;
pub mod plan;
pub mod policy;
pub mod prose;
pub mod quiet;
pub mod record;
pub mod release;
pub mod runbook;
pub mod runbook_match;
pub mod same_deploy;
pub mod service;
pub mod slo;
pub mod slo_burn;
pub mod slo_measured;
pub mod source;
pub mod suspect;
pub mod text;
pub mod triage;
