//! What does it take to do something, and what became of it?
//!
//! The write side. It resolves a request, plans it with a dry run, reads what is around it, sends the
//! writes of what the guard let through exactly once, finds out what became of them and watches whether
//! they work. Driven by the orders of [`crate::domain::guard`]; called by `runtime` and `cli`. No other
//! room sends a request that changes anything, and this one sends none without an
//! [`crate::domain::guard::Approved`].

mod alertmanager;
mod approvals;
mod command;
mod dispatch;
mod families;
mod holds;
mod http_plane;
mod http_servers;
mod inspect;
mod kubernetes;
mod local;
#[cfg(test)]
mod local_tests;
mod no_plan;
mod perform;
mod servers;
mod terraform;
#[cfg(test)]
mod testing_http;

#[cfg(test)]
pub(crate) use approvals::tests as approval_tests;
pub use approvals::{
    ApprovalError, Approvals, Collected, Document, MAX_DOCUMENT_BYTES, OwnKey, Requests,
    parse_document,
};
pub use families::catalogue;
pub use holds::panic_of;
pub use local::problem as program_problem;
pub use no_plan::NoPlan;
pub use perform::{Control, Place, Recovered, StopFlag, Tell};
pub use servers::Servers;
