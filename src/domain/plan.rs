//! What exactly will be done, to what, and how will one know that it worked?
//!
//! A plan is data: the writes byte by byte, what guards each of them against a race, how each is
//! verified and found again after a crash, and what takes them back. `control` makes it from a request,
//! the approvals are bound to its [`Digest`], [`super::guard`] lets it through, `control` carries it out.
//! The same request planned twice with the same [`Seed`] over an unchanged world has the same digest:
//! that is how a change between plan and dispatch is seen, and how an approver checks a plan on their own.
//! Nothing here sends anything.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::action::{ActionRequest, Direction, Risk};
use super::check::{Evidence, ReadCheck};
use super::source::SourceName;
use super::text::Untrusted;

/// How long a plan holds without being made again.
pub const VALID_FOR: Duration = Duration::from_mins(5);

/// Names an action for good: in the journal, in approvals, and as the marker in what it changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ActionId(String);

impl ActionId {
    /// From 16 random bytes.
    #[must_use]
    pub fn new(random: [u8; 16]) -> Self {
        Self(hex(&random))
    }

    /// Reads one that was written down.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_id =
            text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_id.then(|| Self(text.to_owned()))
    }

    /// 32 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As people say it.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..8]
    }
}

impl TryFrom<String> for ActionId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("the name of an action is 32 hexadecimal digits")
    }
}

impl From<ActionId> for String {
    fn from(id: ActionId) -> Self {
        id.0
    }
}

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a plan takes from outside the world that it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed {
    /// Its name, which is also the marker and the nonce of its approvals.
    pub id: ActionId,
    /// When it was asked for. Times within writes derive from it alone.
    pub at: DateTime<Utc>,
}

/// What is changed, pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The environment, where one is named.
    pub env: Option<Untrusted>,
    /// The server that is written to, as it is named here.
    pub server: SourceName,
    /// What tells the same server from another of the same name: the uid of the namespace
    /// `kube-system`, the name of an Alertmanager cluster, a URL.
    pub server_identity: String,
    /// `checkout/deployment/checkout-api`, as its system names it.
    pub name: Untrusted,
    /// The word that arms an action on it: the last part of its name.
    pub word: Untrusted,
    /// Its namespace or what stands for one.
    pub namespace: Option<Untrusted>,
    /// The service it belongs to, where that is known.
    pub service: Option<Untrusted>,
    /// What tells it from a successor of the same name.
    pub uid: Option<String>,
}

/// The verb of a request that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// GET, for the one upstream that acts on it (Argo CD's refresh).
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

impl Verb {
    /// As HTTP writes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One request that changes something, byte by byte, but for who sends it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpWrite {
    /// The server, as it is named here.
    pub server: SourceName,
    /// The verb.
    pub verb: Verb,
    /// Under the server's base, with its query. Where the reverse of a creation has to name what was only
    /// given its id by the server, the action's id stands in braces: `/api/v2/silence/{7f0c...}`. Whoever
    /// sends it looks for what carries the mark of that action, and sends nothing where that is not one.
    pub path: String,
    /// Of the body; none where there is none.
    pub content_type: Option<String>,
    /// Further headers. No credentials: whoever sends puts them on.
    pub headers: Vec<(String, String)>,
    /// What is sent. May hold secrets of the object: never shown, logged or recorded.
    pub body: String,
}

impl fmt::Debug for HttpWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, server, bytes) = (self.verb.word(), &self.server, self.body.len());
        write!(f, "{verb} {server} {} ({bytes} bytes)", self.path)
    }
}

/// One program to run, to the last argument.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandWrite {
    /// The absolute path of the program.
    pub program: String,
    /// SHA-256 of its file, in hexadecimal.
    pub sha256: String,
    /// Its arguments. Never through a shell.
    pub arguments: Vec<String>,
    /// All of its environment.
    pub environment: Vec<(String, String)>,
    /// Where it runs.
    pub directory: Option<String>,
    /// How long it may take.
    pub timeout: Duration,
}

impl fmt::Debug for CommandWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} arguments)", self.program, self.arguments.len())
    }
}

/// One write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Write {
    /// To a server.
    Http(HttpWrite),
    /// On this machine.
    Command(CommandWrite),
}

/// One step of a plan: one write, on one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// `evict checkout/pod/checkout-api-7c9f`
    pub what: Untrusted,
    /// Which of the plan's targets.
    pub target: usize,
    /// What is sent.
    pub write: Write,
    /// How one sees that it worked. None: that it was taken is all there is to see.
    pub check: Option<ReadCheck>,
    /// How one finds out, after an answer was lost, whether it was done.
    pub evidence: Evidence,
    /// What a busy answer means.
    pub when_busy: WhenBusy,
}

/// What an answer of 429 means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenBusy {
    /// Nothing was done: it may be asked again, three times at most.
    AskAgain,
    /// A disruption budget is used up: it is asked again until the span is over.
    WaitFor(Duration),
}

/// How far a dry run can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Grade {
    /// The server checked the very request.
    A,
    /// A plan of the vendor.
    B,
    /// Computed from what was read.
    C,
    /// There is none.
    D,
}

impl Grade {
    /// The letter.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
        }
    }

    /// What it means, in a few words.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::A => "the server checked this very request",
            Self::B => "the vendor's own plan",
            Self::C => "computed from what was read",
            Self::D => "no dry run: nobody checked it",
        }
    }
}

/// What a dry run said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DryRun {
    /// How far it can be trusted.
    pub grade: Grade,
    /// What it came to.
    pub verdict: DryVerdict,
    /// Warnings of the server, and what this dry run does not see.
    pub notes: Vec<Untrusted>,
}

/// What a dry run came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DryVerdict {
    /// It would be taken.
    Accepted,
    /// It would be refused: the server's words.
    Refused(Untrusted),
    /// It was not tried, and why.
    NotRun(Untrusted),
}

/// One line of what changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Where: `image`, `/spec/replicas`
    pub path: Untrusted,
    /// What is there now; none where nothing is. Masked where it may be a secret.
    pub before: Option<Untrusted>,
    /// What will be.
    pub after: Option<Untrusted>,
}

/// What it touches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blast {
    /// Pods, alerts or whatever is counted; none where that is not known.
    pub count: Option<u32>,
    /// Of how many; for the percentage.
    pub of: Option<u32>,
    /// Namespaces that it touches.
    pub namespaces: Vec<Untrusted>,
    /// In words: `12 pods, 2 at a time, never below 10 ready (PDB checkout-api)`.
    pub words: Vec<Untrusted>,
}

impl Blast {
    /// What share is touched, rounded down, but 1 at the least where anything is.
    #[must_use]
    pub fn percent(&self) -> Option<u32> {
        let (count, of) = (u64::from(self.count?), u64::from(self.of?));
        if of == 0 || count == 0 {
            return Some(0);
        }
        let share = (count * 100 / of).clamp(1, 100);
        u32::try_from(share).ok()
    }
}

/// What has to hold before it may be done, as it was found while planning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Precondition {
    /// Which: `may patch deployments in checkout`.
    pub what: Untrusted,
    /// Whether it holds.
    pub state: Holds,
    /// In words: what was found, who says so.
    pub detail: Untrusted,
}

/// Whether a precondition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// It does.
    Yes,
    /// It does not stop the action, but one should know.
    Warns,
    /// It does not hold: the action is refused.
    No,
    /// Nobody can say: what adds risk is refused, and what is done anyway says so.
    Unknown,
}

/// What takes it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reverse {
    /// These steps. Their preconditions are those of the world after the forward steps, which no dry
    /// run knows: `dry_run` says what could be tried.
    Steps {
        /// What it does, in words.
        what: Untrusted,
        /// What is sent.
        steps: Vec<Step>,
        /// What was found out about them beforehand.
        dry_run: DryRun,
    },
    /// There is none, and why.
    None(Untrusted),
}

/// What exactly will be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its name and time.
    pub seed: Seed,
    /// What was asked for.
    pub request: ActionRequest,
    /// A title: `undo rollout of checkout/deployment/checkout-api`.
    pub title: Untrusted,
    /// What is changed. Never empty.
    pub targets: Vec<Target>,
    /// What is sent, in order. Never empty.
    pub steps: Vec<Step>,
    /// What takes it back.
    pub reverse: Reverse,
    /// Its risk.
    pub risk: Risk,
    /// Its direction.
    pub direction: Direction,
    /// What changes, masked.
    pub differences: Vec<Difference>,
    /// What it touches.
    pub blast: Blast,
    /// What the dry run said.
    pub dry_run: DryRun,
    /// What has to hold.
    pub preconditions: Vec<Precondition>,
    /// When it was made from fresh reads. Not part of the digest.
    pub made_at: DateTime<Utc>,
    /// The server's clock as its answers told it, against ours, in seconds: positive where it is
    /// ahead. None where no server said. Not part of the digest.
    pub server_ahead_secs: Option<i64>,
}

/// What binds an approval to a plan: SHA-256 over what decides its effect.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// Reads one that was written down.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_digest =
            text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_digest.then(|| Self(text.to_owned()))
    }

    /// Of any bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(hex(&Sha256::digest(bytes)))
    }

    /// 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The code that a person types: four digits of it.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0[..4]
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a digest is 64 hexadecimal digits")
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Plan {
    /// The digest over everything that decides what happens: seed, request, pinned targets, every byte
    /// of every write, forward and reverse, risk and direction. Not over what was merely found while
    /// planning, such as how many pods are ready right now.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let reverse: &[Step] = match &self.reverse {
            Reverse::Steps { steps, .. } => steps,
            Reverse::None(_) => &[],
        };
        let bound = serde_json::json!({
            "schema": "quell.plan/1",
            "seed": self.seed,
            "request": self.request,
            "targets": self.targets,
            "steps": bound(&self.steps),
            "reverse": bound(reverse),
            "risk": self.risk,
            "direction": self.direction,
        });
        // An object of serde_json keeps its keys sorted, so that the text is canonical.
        Digest::of(bound.to_string().as_bytes())
    }

    /// When it has to be made again.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.made_at + TimeDelta::from_std(VALID_FOR).unwrap_or_default()
    }

    /// The steps of one of its two parts.
    #[must_use]
    pub fn steps_of(&self, part: Part) -> &[Step] {
        match (part, &self.reverse) {
            (Part::Forward, _) => &self.steps,
            (Part::Reverse, Reverse::Steps { steps, .. }) => steps,
            (Part::Reverse, Reverse::None(_)) => &[],
        }
    }

    /// What has to be typed to arm it: the word of its first target.
    #[must_use]
    pub fn word(&self) -> &str {
        self.targets
            .first()
            .map_or("", |target| target.word.shown())
    }
}

/// Forward, or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// What was asked for.
    Forward,
    /// What takes it back.
    Reverse,
}

/// What of the steps binds: the writes and whom they meet. How they are watched does not.
fn bound(steps: &[Step]) -> Vec<Value> {
    let steps = steps.iter();
    steps
        .map(|step| serde_json::json!({ "target": step.target, "write": step.write }))
        .collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
