//! Who approved exactly this plan, and does that count?
//!
//! A [`Statement`] is what an approver signs: the plan's digest, its targets, who, in which role, and until
//! when. `control` has `ssh-keygen` make and verify the signature (SSHSIG); [`Approval::problem`] says
//! whether a statement with a good signature counts for a plan. Pure; reads no file and no clock.

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::guard::{APPROVAL_LIMIT, CLOCKS_AGREE_SECS};
use super::plan::{ActionId, Digest, Plan, Target};
use super::policy::Policy;
use super::text::{Untrusted, shown};

/// The namespace of the signatures (SSHSIG): no signature made for anything else counts.
pub const NAMESPACE: &str = "approve@quell.dev";

const STATEMENT: &str = "quell.approval/1";
const REQUEST: &str = "quell.approval-request/1";

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
    /// In which role; empty where none is asked for.
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

impl Statement {
    /// What somebody signs who approves a plan. Times are kept to the second.
    #[must_use]
    pub fn for_plan(plan: &Plan, approver: &str, role: &str, expires_at: DateTime<Utc>) -> Self {
        Self {
            schema: STATEMENT.to_owned(),
            action: plan.seed.id.clone(),
            plan: plan.digest(),
            targets: target_words(plan),
            approver: approver.to_owned(),
            role: role.to_owned(),
            expires_at: expires_at.trunc_subsecs(0),
        }
    }

    /// What is signed.
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        canonical(self)
    }

    /// Reads what was signed. Other bytes than the canonical ones are no statement, whatever they mean: what
    /// a person reads, what a program reads and what was signed must be one thing.
    ///
    /// # Errors
    /// What is wrong, and in which column.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let statement: Self = parse_canonical(bytes)?;
        if statement.schema != STATEMENT {
            return Err(format!(
                "its schema is `{}`, not `{STATEMENT}`",
                shown(&statement.schema)
            ));
        }
        Ok(statement)
    }
}

impl ApprovalRequest {
    /// What is published for a plan.
    #[must_use]
    pub fn for_plan(
        plan: &Plan,
        requester_key: Option<String>,
        needed: (u32, Option<String>),
        expires_at: DateTime<Utc>,
    ) -> Self {
        let (approvals, role) = needed;
        Self {
            schema: REQUEST.to_owned(),
            request: plan.request.clone(),
            seed: plan.seed.clone(),
            plan: plan.digest(),
            requester_key,
            role,
            approvals,
            expires_at: expires_at.trunc_subsecs(0),
        }
    }

    /// What travels.
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        canonical(self)
    }

    /// Reads what travelled, as strictly as a statement.
    ///
    /// # Errors
    /// What is wrong, and in which column.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let request: Self = parse_canonical(bytes)?;
        if request.schema != REQUEST {
            return Err(format!(
                "its schema is `{}`, not `{REQUEST}`",
                shown(&request.schema)
            ));
        }
        Ok(request)
    }
}

impl Approval {
    /// Why it does not count for a plan; none where it does.
    ///
    /// That an action is dispatched once, so that nothing can be approved again by the same words, is the
    /// guard's to know: see [`used_up`].
    #[must_use]
    pub fn problem(
        &self,
        plan: &Plan,
        digest: &Digest,
        requester: &RequesterKeys,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Option<NotCounted> {
        let said = &self.statement;
        let none = |why: String| Some(NotCounted(why));
        if said.schema != STATEMENT {
            return none(format!("`{}` is no approval", shown(&said.schema)));
        }
        if said.action != plan.seed.id {
            return none(format!(
                "it is for the action {}, not for {}",
                shown(said.action.as_str()),
                plan.seed.id
            ));
        }
        if said.plan != *digest {
            return none("it is for another plan of this action: something changed".to_owned());
        }
        if said.targets != target_words(plan) {
            return none("its targets are not those of the plan".to_owned());
        }
        self.problem_of_time(now)
            .or_else(|| self.problem_of_signer(policy))
            .or_else(|| self.problem_of_requester(plan, requester))
            .map(NotCounted)
    }

    fn problem_of_time(&self, now: DateTime<Utc>) -> Option<String> {
        let until = self.statement.expires_at;
        let skew = TimeDelta::seconds(CLOCKS_AGREE_SECS);
        // Nobody signs further ahead than the limit, so nothing reaches further ahead of now either.
        let latest = now + TimeDelta::from_std(APPROVAL_LIMIT).unwrap_or_default() + skew;
        if until <= now {
            return Some(format!("it expired at {}", until.format("%H:%M:%SZ")));
        }
        (until > latest).then(|| {
            let minutes = APPROVAL_LIMIT.as_secs() / 60;
            format!("it would count until {until}: longer than the {minutes} minutes it may")
        })
    }

    fn problem_of_signer(&self, policy: &Policy) -> Option<String> {
        let (said, signer) = (&self.statement, self.signer.raw());
        if !is_plain_name(signer) {
            let signer = self.signer.shown();
            return Some(format!(
                "`{signer}` is no plain ASCII name: it may look like another's"
            ));
        }
        if said.approver != signer {
            let approver = shown(&said.approver);
            return Some(format!("it says `{approver}`, but `{signer}` signed it"));
        }
        let role = &said.role;
        let lacks_role = !role.is_empty() && !policy.roles_of(signer).contains(role);
        lacks_role.then(|| format!("`{signer}` does not have the role `{}`", shown(role)))
    }

    fn problem_of_requester(&self, plan: &Plan, requester: &RequesterKeys) -> Option<String> {
        let signer = self.signer.raw();
        let asked = plan.request.by.name.raw();
        let mut principals = requester.principals.iter().map(String::as_str);
        if is_same_person(signer, asked) || principals.any(|one| is_same_person(signer, one)) {
            return Some(format!(
                "`{signer}` is who asked: somebody else has to approve"
            ));
        }
        let is_theirs = requester.keys.iter().any(|key| key == self.key.raw());
        is_theirs.then(|| {
            let key = self.key.shown();
            format!("{key} is a key of who asked: somebody else has to approve")
        })
    }
}

/// Why an approval does not count although everything about it is right: its action was dispatched, or has
/// ended, by what the journal knows. Names of actions are nonces: each counts for one dispatch.
#[must_use]
pub fn used_up(
    action: &ActionId,
    was_dispatched: impl Fn(&ActionId) -> bool,
) -> Option<NotCounted> {
    was_dispatched(action).then(|| {
        NotCounted(format!(
            "the action {} was dispatched before: its approvals are used up",
            action.short()
        ))
    })
}

/// How many different people of a list have approved: one counts once, however many keys or spellings of
/// their name they have, and one key counts once, however many names it has.
#[must_use]
pub fn different_people(approvals: &[Approval]) -> u32 {
    let is_same = |a: &Approval, b: &Approval| {
        a.key == b.key || is_same_person(a.signer.raw(), b.signer.raw())
    };
    let mut left: Vec<&Approval> = approvals.iter().collect();
    let mut people = 0;
    while let Some(first) = left.pop() {
        people += 1;
        // Whoever is the same as one who is the same is the same.
        let mut group = vec![first];
        while let Some(one) = group.pop() {
            let (same, others) = left.into_iter().partition(|other| is_same(one, other));
            group.extend::<Vec<_>>(same);
            left = others;
        }
    }
    people
}

/// Whether two names are those of one person, as far as names tell: in any case, with or without a domain
/// or a `+tag`. Says yes in doubt: it keeps somebody from approving what they asked for.
#[must_use]
pub fn is_same_person(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim().to_lowercase(), other.trim().to_lowercase());
    let (name, domain) = parts(&one);
    let (other_name, other_domain) = parts(&other);
    let is_same_domain = match (domain, other_domain) {
        (Some(domain), Some(other)) => domain == other,
        _ => true,
    };
    !name.is_empty() && name == other_name && is_same_domain
}

fn parts(name: &str) -> (&str, Option<&str>) {
    let (local, domain) = match name.rsplit_once('@') {
        Some((local, domain)) => (local, Some(domain)),
        None => (name, None),
    };
    let without_tag = local.split_once('+').map_or(local, |(name, _)| name);
    (without_tag, domain)
}

/// Whether a name can be told from every other by eye, and is no pattern of names.
#[must_use]
pub fn is_plain_name(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'*' | b'?' | b'!' | b',' | b'"');
    !name.is_empty() && !name.starts_with('-') && name.len() <= 256 && name.bytes().all(is_plain)
}

/// Each target of a plan in words: `prod eu-1 [6f0e...] checkout/deployment/api uid 1c2d...`
fn target_words(plan: &Plan) -> Vec<String> {
    plan.targets.iter().map(target_in_words).collect()
}

fn target_in_words(target: &Target) -> String {
    let env = target.env.as_ref().map_or("", |env| env.shown());
    let uid = target.uid.as_deref().map(shown);
    let words = [
        env.to_owned(),
        shown(&target.server),
        format!("[{}]", shown(&target.server_identity)),
        target.name.shown().to_owned(),
        uid.map_or_else(String::new, |uid| format!("uid {uid}")),
    ];
    let said: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    said.join(" ")
}

/// An object of `serde_json` keeps its keys sorted, so that there is one text of a value.
fn canonical(value: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::json!(value).to_string();
    text.push('\n');
    text.into_bytes()
}

fn parse_canonical<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, String> {
    let value: T = serde_json::from_slice(bytes).map_err(|error| {
        let column = error.column();
        format!("column {column}: {}", shown(&error.to_string()))
    })?;
    let wanted = canonical(&value);
    if wanted == bytes {
        return Ok(value);
    }
    let same = wanted.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    let column = same + 1;
    Err(format!(
        "column {column}: it is not written canonically: keys once and sorted, no spaces, nothing behind"
    ))
}

#[cfg(test)]
pub(crate) mod tests;
