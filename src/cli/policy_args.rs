//! What does `quell policy` take?

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::args::Reading;

/// `quell policy ...`
#[derive(Clone, Debug, Subcommand)]
pub enum PolicyCommand {
    /// Print the rules, the windows and who has which role
    #[command(after_help = "Example:\n  quell policy show --policy builtin:cautious")]
    Show(Reading),
    /// Hold the policy against cases that say what it should come to
    #[command(
        after_help = "A case is a [[case]] of a TOML file: a plan, what is known, and what is expected. Without \
        a path, the folder `tests` beside the policy is read. Exits 1 when a case fails.\n\nExample:\n  \
        quell policy test --policy policy.toml tests/"
    )]
    Test(TestArgs),
    /// Say what the policy would come to for an action: every rule, matched or not, and why
    #[command(
        after_help = "No server is asked: what is not given is unknown.\n\nExamples:\n  \
        quell policy explain k8s.rollout.undo target=shop/deployment/cart --burn-short 14\n  \
        quell policy explain k8s.scale target=shop/deployment/cart replicas=9 --direction adds \\\n    \
        --at 2026-12-24T20:00:00Z --by mara@example.org --json"
    )]
    Explain(Box<ExplainArgs>),
}

/// `quell policy test`
#[derive(Clone, Debug, Args)]
pub struct TestArgs {
    /// Files of cases, or folders of them
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Text or JSON.
    #[command(flatten)]
    pub reading: Reading,
}

/// `quell policy explain`
#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// The action, as `quell action list` names it
    #[arg(value_name = "ACTION")]
    pub action: String,
    /// Its parameters
    #[arg(value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// How bad the wrong thing would be, R0 to R3; the action's usual one if none is given
    #[arg(long, value_name = "RISK")]
    pub risk: Option<String>,
    /// adds, reduces or neutral; the action's usual one if none is given
    #[arg(long, value_name = "DIRECTION")]
    pub direction: Option<String>,
    /// The service of its targets
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// A further namespace that it touches; may be repeated
    #[arg(long, value_name = "NAME")]
    pub namespace: Vec<String>,
    /// How many pods, alerts or whatever it touches
    #[arg(long, value_name = "N")]
    pub count: Option<u32>,
    /// Of how many
    #[arg(long, value_name = "N")]
    pub of: Option<u32>,
    /// How far its dry run can be trusted, A to D
    #[arg(long, value_name = "GRADE")]
    pub grade: Option<String>,
    /// The requester's reason
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// The ticket
    #[arg(long, value_name = "TEXT")]
    pub ticket: Option<String>,
    /// Who asks, as the policy's roles name them
    #[arg(long, value_name = "PRINCIPAL")]
    pub by: Option<String>,
    /// A further role of theirs; may be repeated
    #[arg(long, value_name = "NAME")]
    pub role: Vec<String>,
    /// The burn over 5 minutes; unknown if none is given
    #[arg(long, value_name = "RATE")]
    pub burn_short: Option<f64>,
    /// The burn over 1 hour; the same as over 5 minutes if only that is given
    #[arg(long, value_name = "RATE")]
    pub burn_long: Option<f64>,
    /// How old the burn is
    #[arg(long, value_name = "SPAN")]
    pub burn_age: Option<String>,
    /// How long ago the last action on a target was
    #[arg(long, value_name = "SPAN")]
    pub last_action: Option<String>,
    /// How far the server's clock is ahead of ours, in seconds
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    pub server_ahead: Option<i64>,
    /// As of then, also in the future: 2026-12-24T20:00:00Z
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Text or JSON.
    #[command(flatten)]
    pub reading: Reading,
}
