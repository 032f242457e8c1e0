//! What may be typed behind `quell action`, `quell panic` and `quell approve`?
//!
//! Part of [`super::args`].

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

use super::args::{ApproveArgs, Reading};

/// `quell action ...`
#[derive(Clone, Debug, Subcommand)]
pub enum ActionCommand {
    /// List what can be done here, with parameters, risk and direction
    List(ActionListArgs),
    /// Plan an action: what it would change, and whether the guard would let it pass. Changes nothing
    #[command(
        after_help = "Exits 0 where it may be done, 4 where the guard refuses it.\n\nExample:\n  \
        quell action plan k8s.rollout.undo target=checkout/deployment/checkout-api"
    )]
    Plan(ActionPlanArgs),
    /// Plan an action, put it before the guard, do it, and wait for how it ends
    #[command(
        after_help = "Exits 0 where it worked, 4 where it was refused and nothing was done, 5 where nobody knows \
        what became of it, 1 where it was done and a person has to look.\n\nExamples:\n  \
        quell action run silence.create matchers='job=\"x\",env=\"y\"' duration=30m reason=R-1 --yes\n  \
        quell action run k8s.scale target=shop/deployment/cart replicas=6 --yes --reason 'queue grows'"
    )]
    Run(ActionRunArgs),
    /// Say what became of actions, and find out about those that a crash left in doubt
    Status(ActionStatusArgs),
    /// Say what became of a write in doubt, once you know
    #[command(
        after_help = "Example:\n  quell action decide 7f3a9c12 applied --reason 'the deployment has revision 32'"
    )]
    Decide(ActionDecideArgs),
    /// Approve somebody else's plan; the same as quell approve
    Approve(ApproveArgs),
}

/// `quell action list`
#[derive(Clone, Debug, Args)]
pub struct ActionListArgs {
    /// A part of a name
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// Text or JSON.
    #[command(flatten)]
    pub reading: Reading,
}

/// What an action is, and what for.
#[derive(Clone, Debug, Args)]
pub struct Wanted {
    /// Its name, as `quell action list` gives it; an @version behind it is taken and left aside
    #[arg(value_name = "ACTION", value_parser = NonEmptyStringValueParser::new())]
    pub action: String,
    /// Its parameters
    #[arg(value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// Why, for the journal and for whoever approves
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// The ticket it belongs to
    #[arg(long, value_name = "ID")]
    pub ticket: Option<String>,
    /// The alert it is for, by its fingerprint
    #[arg(long, value_name = "FINGERPRINT")]
    pub alert: Option<String>,
}

/// `quell action plan`
#[derive(Clone, Debug, Args)]
pub struct ActionPlanArgs {
    /// What is planned.
    #[command(flatten)]
    pub wanted: Wanted,
    /// Text or JSON.
    #[command(flatten)]
    pub reading: Reading,
}

/// `quell action run`
#[derive(Clone, Debug, Args)]
pub struct ActionRunArgs {
    /// What is done.
    #[command(flatten)]
    pub wanted: Wanted,
    /// Confirm what the policy lets one person confirm, without a question
    #[arg(long)]
    pub yes: bool,
    /// For R3: the target's name once more
    #[arg(long, value_name = "WORD")]
    pub confirm: Option<String>,
    /// Do not wait for approvals: ask for them where they are needed, and end
    #[arg(long)]
    pub no_wait: bool,
    /// Skip approvals for half an hour; needs the role for it, pages somebody and is written down
    #[arg(long, value_name = "REASON")]
    pub break_glass: Option<String>,
    /// Text or JSON.
    #[command(flatten)]
    pub reading: Reading,
}

/// `quell action status`
#[derive(Clone, Debug, Args)]
pub struct ActionStatusArgs {
    /// One action, by the beginning of its id; none means the last ones
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// Text or JSON.
    #[command(flatten)]
    pub reading: Reading,
}

/// `quell action decide`
#[derive(Clone, Debug, Args)]
pub struct ActionDecideArgs {
    /// The action, by the beginning of its id
    #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub id: String,
    /// What became of it
    pub found: Decision,
    /// How you know
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub reason: String,
    /// Text or JSON.
    #[command(flatten)]
    pub reading: Reading,
}

/// What became of a write in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Decision {
    /// It was done
    Applied,
    /// It was not done
    NotApplied,
}

/// `quell panic`
#[derive(Clone, Debug, Args)]
pub struct PanicArgs {
    /// on: nothing more is dispatched on this machine; off: it may be again; none: which of the two
    pub switch: Option<PanicWord>,
    /// Text or JSON.
    #[command(flatten)]
    pub reading: Reading,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum PanicWord {
    /// Nothing more is dispatched
    On,
    /// It may be again
    Off,
}
