//! How is a cluster changed, and by what does one see that it was?
//!
//! One file for each family of actions. Each is a pure planner over objects that were fetched, and a few
//! reads around it. [`cluster`] alone speaks to the servers.

mod access;
mod answers;
mod budget;
mod cluster;
mod draft;
pub(crate) mod drain;
mod finish;
pub(crate) mod node;
pub(crate) mod pod;
#[cfg(test)]
mod recorded;
mod room;

pub(crate) use access::Access;
pub(crate) use cluster::{Cluster, Clusters, Fetched};
