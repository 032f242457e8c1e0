//! Who approved exactly this plan, and does that count?
//!
//! A [`Statement`] is what an approver signs: the plan's digest, its targets, who, in which role, and until
//! when. `control` has `ssh-keygen` make and verify the signature (SSHSIG); [`Statement::problem`] says
//! whether a statement with a good signature counts for a plan. Pure; reads no file and no clock.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::plan::{ActionId, Digest, Plan};
use super::policy::Policy;
use super::text::Untrusted;

/// The namespace of the signatures (SSHSIG): no signature made for anything else counts.
pub const NAMESPACE: &str = "approve@quell.dev";

/// What an approver signs, as canonical JSON: keys sorted, no spaces, one line feed at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// `quell.approval/1`
    pub schema: String,
    /// The action, which is the nonce: it counts once.
    pub action: ActionId,
    /// The plan.
    pub plan: Digest,
    /// Each target with its server's identity and its uid, in words that a person can read.
    pub targets: Vec<String>,
    /// Who approves, as the list of signers names them.
    pub approver: String,
    /// In which role.
    pub role: String,
    /// Until when it counts.
    pub expires_at: DateTime<Utc>,
}

/// A statement whose signature was verified against the list of signers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// What was signed.
    pub statement: Statement,
    /// Who signed, as the list of signers names the key. Never taken from the statement.
    pub signer: Untrusted,
    /// `SHA256:...` of the key.
    pub key: Untrusted,
}

/// What approvals are asked for: what travels to an approver. Holds no body of a write: the approver's own
/// quell plans again, from the request and the seed, and compares the digests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRequest {
    /// `quell.approval-request/1`
    pub schema: String,
    /// What was asked for.
    pub request: super::action::ActionRequest,
    /// Name and time of the plan.
    pub seed: super::plan::Seed,
    /// What the requester's quell came to.
    pub plan: Digest,
    /// The fingerprint of the requester's own key, where they have one: it may not approve.
    pub requester_key: Option<String>,
    /// The role that is needed.
    pub role: Option<String>,
    /// How many approvals are needed.
    pub approvals: u32,
    /// Until when they are waited for.
    pub expires_at: DateTime<Utc>,
}

/// Why an approval does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotCounted(pub String);

/// Who asked, as far as the keys know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequesterKeys {
    /// The principals that are the requester: their own name and every principal of their keys.
    pub principals: Vec<String>,
    /// The fingerprints of their keys.
    pub keys: Vec<String>,
}

impl Approval {
    /// Why it does not count for a plan; none where it does.
    #[must_use]
    pub fn problem(
        &self,
        plan: &Plan,
        digest: &Digest,
        requester: &RequesterKeys,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Option<NotCounted> {
        // Until approvals are checked, none counts.
        let _ = (plan, digest, requester, policy, now);
        Some(NotCounted("approvals are not checked yet".to_owned()))
    }
}

/// How many different people of a list have approved: one counts once, however many keys they have.
#[must_use]
pub fn different_people(approvals: &[Approval]) -> u32 {
    let mut names: Vec<&str> = approvals.iter().map(|a| a.signer.raw()).collect();
    names.sort_unstable();
    names.dedup();
    u32::try_from(names.len()).unwrap_or(u32::MAX)
}
