//! What does everything that quell watches say, in its own words?
//!
//! The read side: one module per upstream, each turns bytes into private wire types into domain
//! values. Called by the runtime's pollers and by the commands without a screen. Nothing here knows
//! a message or the model, merges anything, or makes up a request that changes anything: what `control`
//! makes up is only carried ([`carried`]).
//! a message or the model, merges anything, or changes anything it reads: GET is the only verb. What
//! `control` made up goes through the same clients, which only carry it (`carried`).

mod alertmanager;
mod argocd;
mod burn;
pub mod carried;
mod catalogue;
mod delivery;
mod folder;
mod github;
mod gitlab;
mod grafana;
mod http;
mod json_array;
pub(crate) mod kubernetes;
#[cfg(test)]
pub(crate) mod loopback;
mod part;
mod prometheus;
mod rest;
mod spool;
mod terraform;
mod wire;

pub use alertmanager::Alertmanager;
pub use burn::{BurnHistory, BurnSource};
pub use delivery::DeliverySource;
pub use http::{HttpServer, install_crypto_provider};
pub use prometheus::{Prometheus, QueryHandle};
