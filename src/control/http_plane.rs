//! How is an operation of a control plane sent?

use super::http_servers::{HttpServers, applied, words_of};
use crate::domain::plan::HttpWrite;
use crate::domain::record::StepOutcome;

/// Sends a write once.
pub(super) async fn send(servers: &HttpServers, write: &HttpWrite) -> StepOutcome {
    match servers.deliver(write).await {
        Ok(answer) => applied(words_of(&answer)),
        Err(outcome) => outcome,
    }
}
