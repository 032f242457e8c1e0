//! What was changed, where, by whom, from which version to which, and how did it end?
//!
//! One shape for every feed: a rollout that Kubernetes tells of, a sync of Argo CD, a pushed event.
//! Made by `sources`, joined by [`super::delivery`], kept by `history`. Nothing here says that a
//! change caused anything.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::label::Labels;
use super::source::SourceName;
use super::text::Untrusted;

/// Names a change for good: the same deploy, told again, has the same one.
pub type ChangeId = Untrusted;

/// What something is about, and where that is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// What exactly, in the words of its system: `checkout/deployment/checkout-web`, `argocd/checkout`,
    /// `module.web.aws_instance.a`.
    pub target: Untrusted,
    /// The service it belongs to. A source fills it only where it is told one outright;
    /// [`super::service::Services`] finds the rest.
    pub service: Option<Untrusted>,
    /// The environment. As with the service.
    pub env: Option<Untrusted>,
    /// What mapping rules look at, and where it is: `cluster`, `region`, `namespace`, `kind`, `name`,
    /// `source`, and the labels of the object itself. A name of ours wins over one of the object's.
    pub labels: Labels,
}

/// The label of a subject whose `cluster` nobody declared: it is the name that its source has here,
/// and an alert may call the same cluster otherwise.
pub const ASSUMED_CLUSTER_LABEL: &str = "cluster_assumed";

/// What sort of change it is: how likely such a change is to hurt, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Another version of a program.
    Version,
    /// Another configuration of the same version.
    Config,
    /// Of data or its schema.
    Migration,
    /// Of infrastructure.
    Infra,
    /// Of infrastructure, by which something is replaced or deleted.
    InfraDestructive,
    /// More or less of the same.
    Scale,
    /// The same again.
    Restart,
    /// Back to what was before.
    Rollback,
}

impl ChangeKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Version,
        Self::Config,
        Self::Migration,
        Self::Infra,
        Self::InfraDestructive,
        Self::Scale,
        Self::Restart,
        Self::Rollback,
    ];

    /// The word in JSON, files and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Config => "config",
            Self::Migration => "migration",
            Self::Infra => "infra",
            Self::InfraDestructive => "infra_destructive",
            Self::Scale => "scale",
            Self::Restart => "restart",
            Self::Rollback => "rollback",
        }
    }
}

/// How it ended, as far as somebody says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It goes on.
    Running,
    /// It was done.
    Ok,
    /// It failed, was aborted or is stuck.
    Failed,
    /// Nobody says.
    Unknown,
}

impl Outcome {
    /// The word in JSON and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// As the source writes it.
    pub name: Untrusted,
    /// What that name stands for.
    pub kind: ActorKind,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person, or an account that a person uses.
    Person,
    /// Automation: a sync by itself, a bot.
    Automation,
    /// The program that wrote the fields (`managedFields[].manager`): not a person.
    FieldManager,
}

/// One change, as one source tells it or as several do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its name.
    pub id: ChangeId,
    /// Who tells of it.
    pub source: SourceName,
    /// Who else tells of the same.
    pub also: Vec<SourceName>,
    /// What was changed.
    pub subject: Subject,
    /// What sort of change.
    pub kind: ChangeKind,
    /// What there was before, and what is there now.
    pub versions: Versions,
    /// Who did it.
    pub who: Option<Actor>,
    /// When it began. A source that knows no beginning gives the first moment it knows of.
    pub started_at: DateTime<Utc>,
    /// When it ended. None while it goes on, and where nobody says.
    pub finished_at: Option<DateTime<Utc>>,
    /// How it ended.
    pub outcome: Outcome,
    /// What else is told.
    pub told: Told,
}

/// What there was before, and what is there now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// Before: an image's tag, a commit, a chart's version.
    pub from: Option<Untrusted>,
    /// Now.
    pub to: Option<Untrusted>,
    /// `from` was not told but found from the change before it.
    #[serde(default)]
    pub from_is_derived: bool,
}

/// What else is told of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Where to read on.
    pub link: Option<Untrusted>,
    /// Why it was done, or why it failed, in the words of its system.
    pub reason: Option<Untrusted>,
    /// How far it is, while it goes on: `7 of 12 updated`, `step 3 of 5`.
    pub progress: Option<Untrusted>,
    /// What makes it doubtful, in words: a stale change-cause, a time in the future.
    pub notes: Vec<Untrusted>,
}

impl Change {
    /// Whether it goes on.
    #[must_use]
    pub fn is_in_flight(&self) -> bool {
        self.outcome == Outcome::Running
    }

    /// The last moment that it is known to have acted: its end, else its beginning.
    #[must_use]
    pub fn last_at(&self) -> DateTime<Utc> {
        self.finished_at.unwrap_or(self.started_at)
    }
}
