//! What stands in the journal?
//!
//! One [`Record`] for each thing that happened to an action, written before and after each effect. Made
//! by `control` and the commands, kept by `journal`, shown on screen 7. No record holds a secret: bodies
//! of writes are there as digests alone, differences are masked.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::action::{ActionRequest, Direction, Requester, Risk};
use super::check::Found;
use super::plan::{ActionId, Difference, Digest, DryRun, Part, Plan, Target};
use super::text::Untrusted;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When, by this machine's clock.
    pub at: DateTime<Utc>,
    /// Who sat here.
    pub by: Requester,
    /// The environment, where one is named.
    pub env: Option<Untrusted>,
    /// The action it belongs to; none for what belongs to no action.
    pub action: Option<ActionId>,
    /// What happened.
    pub entry: Entry,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// Somebody asked.
    Requested {
        /// For what.
        request: ActionRequest,
    },
    /// It was resolved to these.
    Resolved {
        /// Pinned.
        targets: Vec<Target>,
    },
    /// A plan was made.
    Planned(PlanSummary),
    /// No plan could be made.
    NotPlanned {
        /// Why.
        why: Untrusted,
    },
    /// The guard looked at it.
    Checked {
        /// The plan.
        digest: Digest,
        /// Each rule and gate, with its inputs, in words.
        findings: Vec<Untrusted>,
        /// The policy, by name and version.
        policy: Untrusted,
        /// Whether it may go on.
        outcome: CheckOutcome,
    },
    /// Approvals were asked for.
    ApprovalAsked {
        /// The plan.
        digest: Digest,
        /// How many, of which role.
        needed: Untrusted,
    },
    /// Somebody approved.
    Approved {
        /// The plan.
        digest: Digest,
        /// Who, as the list of signers names them.
        signer: Untrusted,
        /// The key's fingerprint.
        key: Untrusted,
        /// In which role.
        role: Untrusted,
    },
    /// The requester confirmed; the countdown runs.
    Armed {
        /// The plan.
        digest: Digest,
        /// How it was confirmed.
        how: Untrusted,
    },
    /// A write is about to be sent. Flushed before its first byte.
    Intent {
        /// The plan.
        digest: Digest,
        /// Forward or back.
        part: Part,
        /// Which step, from 0.
        step: usize,
        /// What it does.
        what: Untrusted,
        /// SHA-256 of the write.
        write: Digest,
        /// How to find out what became of it, should no outcome follow. Places and names, no secrets.
        evidence: super::check::Evidence,
    },
    /// What became of a write.
    Outcome {
        /// Forward or back.
        part: Part,
        /// Which step, from 0.
        step: usize,
        /// What the server said.
        outcome: StepOutcome,
    },
    /// Something was looked at after a write.
    Sample {
        /// What was seen, in words.
        seen: Untrusted,
    },
    /// It ended.
    Ended {
        /// How.
        end: End,
        /// In words.
        detail: Untrusted,
    },
    /// A person decided what became of a write in doubt.
    Decided {
        /// Which step, from 0.
        step: usize,
        /// What they found.
        found: Found,
        /// Why they think so.
        reason: Untrusted,
    },
    /// Nothing more may be dispatched on this machine, or it may again.
    Panic {
        /// On, or off again.
        is_on: bool,
    },
    /// Approvals are skipped for a while.
    BreakGlass {
        /// Why.
        reason: Untrusted,
        /// Until when.
        until: DateTime<Utc>,
        /// Who was paged for it, or why nobody was.
        paged: Untrusted,
    },
    /// A line of the operator.
    Note {
        /// What they say.
        text: Untrusted,
    },
    /// Something of another kind: a step of a runbook, a milestone of a drill.
    Other {
        /// Which kind.
        what: Untrusted,
        /// Its facts.
        detail: serde_json::Value,
    },
}

/// Whether the guard lets it go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// It does.
    Allowed,
    /// It does, once approvals are there.
    NeedsApproval,
    /// It does not.
    Denied,
    /// It would not, but the policy only watches.
    ObservedDenial,
}

/// What the journal keeps of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSummary {
    /// What approvals are bound to.
    pub digest: Digest,
    /// Its title.
    pub title: Untrusted,
    /// Its risk.
    pub risk: Risk,
    /// Its direction.
    pub direction: Direction,
    /// What the dry run said.
    pub dry_run: DryRun,
    /// What changes, masked.
    pub differences: Vec<Difference>,
    /// What it touches, in words.
    pub blast: Vec<Untrusted>,
    /// What takes it back, in words.
    pub reverse: Untrusted,
    /// How many writes it is.
    pub steps: usize,
}

impl From<&Plan> for PlanSummary {
    fn from(plan: &Plan) -> Self {
        use super::plan::Reverse;
        Self {
            digest: plan.digest(),
            title: plan.title.clone(),
            risk: plan.risk,
            direction: plan.direction,
            dry_run: plan.dry_run.clone(),
            differences: plan.differences.clone(),
            blast: plan.blast.words.clone(),
            reverse: match &plan.reverse {
                Reverse::Steps { what, .. } => what.clone(),
                Reverse::None(why) => Untrusted::line(&format!("none: {}", why.raw())),
            },
            steps: plan.steps.len(),
        }
    }
}

/// What became of one write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// The server took it.
    Applied {
        /// What it said, in words: `rv 88123`, `silence 4f2c`.
        note: Untrusted,
    },
    /// The server refused it: nothing was done.
    Refused {
        /// Why, by what can be done about it.
        refusal: Refusal,
        /// The server's words.
        why: Untrusted,
    },
    /// It never left: nothing was done.
    NotSent {
        /// Why.
        why: Untrusted,
    },
    /// It left, and nobody knows what became of it.
    InDoubt {
        /// Why.
        why: Untrusted,
    },
}

/// Why a server refuses, by what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Something changed since the plan: plan again.
    Changed,
    /// The user may not.
    Forbidden,
    /// It is overloaded, or a budget is used up.
    Busy,
    /// It is gone.
    Gone,
    /// It is not valid, or a policy of the server refuses it.
    Invalid,
    /// Anything else that says clearly that nothing was done.
    Other,
}

/// How an action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It was done, and it worked.
    Verified,
    /// It was done and taken back.
    Reverted,
    /// The server refused it.
    Refused,
    /// It was done or half done, and a person has to look.
    NeedsPerson,
    /// The requester gave it up before anything was sent.
    Cancelled,
    /// It waited too long.
    Expired,
    /// The guard refused it.
    Blocked,
}

impl End {
    /// The word in JSON and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Reverted => "reverted",
            Self::Refused => "refused",
            Self::NeedsPerson => "needs a person",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Blocked => "blocked",
        }
    }
}

/// A record as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its number, from 0.
    pub seq: u64,
    /// What it says.
    pub record: Record,
}

/// What is known of the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalPicture {
    /// The last records, oldest first.
    pub records: Vec<Kept>,
    /// How many there are in all.
    pub total: u64,
    /// Whether it can be trusted and written.
    pub standing: Standing,
}

/// Whether a journal can be trusted and written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has looked yet.
    #[default]
    Unread,
    /// There is none: read-only, or the demo.
    Off,
    /// Every record holds; up to which one an anchor proves it, in words.
    Whole(Untrusted),
    /// A record does not hold.
    Broken {
        /// The first bad one.
        seq: u64,
        /// What is wrong with it.
        why: Untrusted,
    },
    /// It cannot be written: acting is off.
    Unwritable(Untrusted),
}
