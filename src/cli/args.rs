//! What was asked for on the command line?
//!
//! The commands and flags of quell, read with clap, and the `QUELL_*` variables that mirror the
//! flags. Called by `main` alone. It checks the shape of the words; what they mean (URLs, paths,
//! names) is checked by `config` together with the file.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use clap::builder::{FalseyValueParser, NonEmptyStringValueParser};
use clap::parser::ValueSource;
use clap::{
    ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueHint,
};
use clap_complete::Shell;

use super::action_args::{ActionCommand, PanicArgs};
use super::burn_json::Detail;
use super::policy_args::PolicyCommand;
use crate::config::Overrides;
use crate::config::overrides::Values;

/// The whole command line.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "quell",
    version,
    about = "The cockpit an on-call engineer opens over SSH when the pager goes",
    after_help = "Try it:\n  \
        quell demo                                         a simulated platform, nothing else needed\n  \
        quell --alertmanager http://localhost:9093         the cockpit, without any config\n  \
        quell status --json | jq '.counts'                 one poll of everything, for scripts\n\n\
        Without a command it opens the cockpit. Every flag of every command may come from the\n\
        environment: --read-only is QUELL_READ_ONLY.\n\
        Exit status: 0 whole answer, 1 partial, 2 wrong usage or config, 3 nothing could be read,\n\
        4 refused by a guard, 5 in doubt: look before doing it again.",
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do. None: the cockpit.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags of every command, before or after its name.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// Read this config instead of the one in the config folder
    #[arg(long, global = true, env = "QUELL_CONFIG", hide_env = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(value_parser = OsStringPath)]
    pub config: Option<PathBuf>,
    /// Show this environment
    #[arg(
        long,
        global = true,
        env = "QUELL_ENV",
        hide_env = true,
        value_name = "NAME"
    )]
    pub env: Option<String>,
    /// An Alertmanager; may be repeated. The variable takes several, with commas
    #[arg(long, global = true, env = "QUELL_ALERTMANAGER", hide_env = true, value_name = "URL", value_hint = ValueHint::Url)]
    pub alertmanager: Vec<String>,
    /// A Prometheus; may be repeated. The variable takes several, with commas
    #[arg(long, global = true, env = "QUELL_PROMETHEUS", hide_env = true, value_name = "URL", value_hint = ValueHint::Url)]
    pub prometheus: Vec<String>,
    /// The folder with runbooks, best in a git repository
    #[arg(long, global = true, env = "QUELL_RUNBOOKS", hide_env = true, value_name = "PATH", value_hint = ValueHint::DirPath)]
    #[arg(value_parser = OsStringPath)]
    pub runbooks: Option<PathBuf>,
    /// A file or folder of SLOs, or builtin:platform; may be repeated. The variable takes several,
    /// with commas
    #[arg(long, global = true, env = "QUELL_SLO", hide_env = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    #[arg(value_parser = OsStringPath)]
    pub slo: Vec<PathBuf>,
    /// Which burn is too much: a built-in policy (google, mps, paas, pe, pt, ssp, slow) or one of the config
    #[arg(
        long,
        global = true,
        env = "QUELL_BURN_POLICY",
        hide_env = true,
        value_name = "NAME"
    )]
    pub burn_policy: Option<String>,
    /// A kubeconfig: what was rolled out in its cluster. Without it --context is of the usual one
    #[arg(long, global = true, env = "QUELL_KUBECONFIG", hide_env = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(value_parser = OsStringPath)]
    pub kubeconfig: Option<PathBuf>,
    /// Which context of the kubeconfig; without one, its current one
    #[arg(
        long,
        global = true,
        env = "QUELL_CONTEXT",
        hide_env = true,
        value_name = "NAME"
    )]
    pub context: Option<String>,
    /// A plan of Terraform or OpenTofu as JSON, or a folder of them; may be repeated. The variable takes
    /// several, with commas
    #[arg(long, global = true, env = "QUELL_TERRAFORM", hide_env = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    #[arg(value_parser = OsStringPath)]
    pub terraform: Vec<PathBuf>,
    /// A folder into which changes are pushed; may be repeated. The variable takes several, with commas
    #[arg(long, global = true, env = "QUELL_CHANGES", hide_env = true, value_name = "PATH", value_hint = ValueHint::DirPath)]
    #[arg(value_parser = OsStringPath)]
    pub changes: Vec<PathBuf>,
    /// What may be done: a policy file, builtin:observe or builtin:cautious. Without any, nothing
    #[arg(long, global = true, env = "QUELL_POLICY", hide_env = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub policy: Option<String>,
    /// Change nothing anywhere, whatever the config allows
    #[arg(long, global = true, env = "QUELL_READ_ONLY", hide_env = true, value_parser = FalseyValueParser::new())]
    pub read_only: bool,
    /// Use no colour
    #[arg(long, global = true, env = "QUELL_NO_COLOR", hide_env = true, value_parser = FalseyValueParser::new())]
    pub no_color: bool,
    /// Draw with ASCII signs only
    #[arg(long, global = true, env = "QUELL_ASCII", hide_env = true, value_parser = FalseyValueParser::new())]
    pub ascii: bool,
    /// Colours: a built-in theme or a file of the themes folder
    #[arg(
        long,
        global = true,
        env = "QUELL_THEME",
        hide_env = true,
        value_name = "NAME"
    )]
    pub theme: Option<String>,
    /// How much goes to the log file: error, warn, info, debug or trace
    #[arg(
        long,
        global = true,
        env = "QUELL_LOG_LEVEL",
        hide_env = true,
        value_name = "LEVEL"
    )]
    pub log_level: Option<String>,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Open the cockpit on a simulated platform; nothing else is needed
    #[command(after_help = "Example:\n  quell demo --seed 7")]
    Demo(DemoArgs),
    /// Commands that print and end.
    #[command(flatten)]
    Print(Print),
}

/// The commands that print and end.
#[derive(Clone, Debug, Subcommand)]
pub enum Print {
    /// Write a commented config from flags, the environment or questions
    #[command(
        after_help = "Questions are asked only on a terminal. Found by themselves: ALERTMANAGER_URL, \
        PROMETHEUS_URL, amtool's config and the kubeconfig.\n\nExamples:\n  \
        quell init\n  \
        quell init --alertmanager http://am-1:9093 --alertmanager http://am-2:9093 --output -"
    )]
    Init(InitArgs),
    /// Say what works, what does not and what to do next: config, sources, credentials, runbooks
    #[command(
        after_help = "Example:\n  quell check --json | jq '.checks[] | select(.level != \"ok\")'"
    )]
    Check(Reading),
    /// Ask every source once and print the picture
    #[command(
        after_help = "Example:\n  quell status --json | jq '.sources[] | select(.freshness != \"fresh\")'"
    )]
    Status(Reading),
    /// List alerts, most urgent first
    #[command(
        after_help = "A filter is Alertmanager matchers and free words; all must hold. A matcher looks at labels, \
        a word is searched for in name, service and summary.\n\nExamples:\n  \
        quell alerts env=prod 'severity=~\"crit.*\"'\n  \
        quell alerts checkout --json | jq -r '.alerts[].id'"
    )]
    Alerts(AlertsArgs),
    /// Say which error budgets burn, how fast, and how long they will last
    #[command(
        after_help = "Service levels come from files (--slo PATH: OpenSLO, Sloth, Pyrra) and from what Prometheus \
        records.\n\nExamples:\n  \
        quell burn --prometheus http://localhost:9090 --slo slo/\n  \
        quell burn checkout-api/availability --at 6h --explain\n  \
        quell burn --json | jq '.slos[] | select(.verdict == \"page\") | .slo'"
    )]
    Burn(BurnArgs),
    /// List what was deployed or changed: by whom, from which version to which, with what outcome
    #[command(
        after_help = "A filter is words, all of which must hold: service=, env=, cluster=, kind=, outcome=, who=, source=, \
        since=6h (24h if none), and any other word is a part of a name, version, person or reason.\n\nExamples:\n  \
        quell changes service=checkout since=2h\n  \
        quell changes outcome=failed --json | jq -r '.changes[] | [.started_at, .service, .to] | @tsv'"
    )]
    Changes(ChangesArgs),
    /// List what differs from what was declared: drift, pending, unknown and failed kept apart
    #[command(
        after_help = "Drift that a rule of the config allows, and drift of reports that are too old, is shown and not \
        counted.\n\nExample:\n  \
        quell drift --json | jq '.drift[] | select(.kind == \"drift\" and .allowed == null) | .target'"
    )]
    Drift(DriftArgs),
    /// Say which changes and drifts preceded an alert, and how each score comes about
    #[command(
        after_help = "The score is open: 100 * T * R * A * (0.55 + 0.25 K + 0.20 O), for time, relation, place, kind and \
        outcome. It says what preceded an alert, never what caused it.\n\nExamples:\n  \
        quell suspects CheckoutHighErrorRate\n  \
        quell suspects 1f0c --json | jq '.suspects[] | select(.is_suspect)'"
    )]
    Suspects(SuspectsArgs),
    /// Plan, do and follow up actions, each behind the guard
    #[command(subcommand, arg_required_else_help = true)]
    Action(ActionCommand),
    /// Stop every dispatch on this machine, or allow them again
    #[command(after_help = "Examples:\n  quell panic on\n  quell panic off\n  quell panic")]
    Panic(PanicArgs),
    /// Approve with your key what somebody else has planned, or list who asks for it
    #[command(
        after_help = "quell plans it again here and shows that plan. It signs (SSHSIG, with actions.approvals.signing_key \
        or the agent) only where both plans are the same.\n\nExamples:\n  \
        quell approve\n  \
        quell approve 7f3a91c2\n  \
        quell approve 7f3a91c2 --yes --code 4be1 --print | ssh bastion tee approval"
    )]
    Approve(ApproveArgs),
    /// List, print or look up runbooks
    #[command(subcommand, arg_required_else_help = true)]
    Runbook(RunbookCommand),
    /// Show, verify or export the record of what was done
    #[command(subcommand, arg_required_else_help = true)]
    Journal(JournalCommand),
    /// Show the policy, test it, or ask what it would say
    #[command(subcommand, arg_required_else_help = true)]
    Policy(PolicyCommand),
    /// Print a completion script for a shell
    #[command(after_help = "Examples:\n  \
        quell completions bash > ~/.local/share/bash-completion/completions/quell\n  \
        quell completions fish > ~/.config/fish/completions/quell.fish")]
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the manual page
    #[command(after_help = "Example:\n  quell man | man -l -")]
    Man,
}

/// How the answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

/// Flags of every reading command.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Reading {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Reading {
    /// How the answer is written.
    #[must_use]
    pub fn format(self) -> Format {
        if self.json {
            Format::Json
        } else {
            Format::Text
        }
    }
}

/// `quell demo`
#[derive(Clone, Copy, Debug, Args)]
pub struct DemoArgs {
    /// The same seed tells the same story
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// `quell init`
#[derive(Clone, Debug, Args)]
pub struct InitArgs {
    /// Where to write it; `-` prints it
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Replace a config that is there
    #[arg(long)]
    pub force: bool,
}

/// `quell alerts`
#[derive(Clone, Debug, Args)]
pub struct AlertsArgs {
    /// Matchers and words, such as env=prod checkout
    #[arg(value_name = "FILTER")]
    pub filter: Vec<String>,
    /// Text or JSON.
    #[command(flatten)]
    pub reading: Reading,
}

/// `quell burn`
#[derive(Clone, Debug, Default, Args)]
pub struct BurnArgs {
    /// A service level or a service, by name or by a clear part of it; or SERVICE/NAME
    #[arg(value_name = "SLO", value_parser = NonEmptyStringValueParser::new())]
    pub name: Option<String>,
    /// As of then: 2026-11-21T14:02:00Z, seconds since 1970, or how long ago (6h)
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// Show the query, the inputs and the formula of every number, and what each policy says
    #[arg(long)]
    explain: bool,
    /// Text or JSON.
    #[command(flatten)]
    pub reading: Reading,
}

impl BurnArgs {
    /// Whether each number comes with its steps.
    #[must_use]
    pub fn detail(&self) -> Detail {
        if self.explain {
            Detail::Explained
        } else {
            Detail::Numbers
        }
    }
}

/// `quell changes`
#[derive(Clone, Debug, Default, Args)]
pub struct ChangesArgs {
    /// Words such as service=checkout, outcome=failed, since=6h, or a part of a text
    #[arg(value_name = "FILTER")]
    pub filter: Vec<String>,
    /// As of then: 2026-11-21T14:02:00Z, seconds since 1970, or how long ago (6h)
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// Text or JSON.
    #[command(flatten)]
    pub reading: Reading,
}

/// `quell drift`
#[derive(Clone, Debug, Default, Args)]
pub struct DriftArgs {
    /// As of then: 2026-11-21T14:02:00Z, seconds since 1970, or how long ago (6h)
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// Text or JSON.
    #[command(flatten)]
    pub reading: Reading,
}

/// `quell suspects`
#[derive(Clone, Debug, Default, Args)]
pub struct SuspectsArgs {
    /// An alert's name, its id, or its fingerprint or the beginning of it
    #[arg(value_name = "ALERT", value_parser = NonEmptyStringValueParser::new())]
    pub alert: String,
    /// As of then: 2026-11-21T14:02:00Z, seconds since 1970, or how long ago (6h)
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// Text or JSON.
    #[command(flatten)]
    pub reading: Reading,
}

/// `quell approve`
#[derive(Clone, Debug, Default, Args)]
pub struct ApproveArgs {
    /// A plan's name or the beginning of it, the file of its request, or `-` for standard input
    #[arg(value_name = "PLAN", value_parser = NonEmptyStringValueParser::new(), value_hint = ValueHint::FilePath)]
    pub plan: Option<String>,
    /// Approve without a question; needs the plan's code
    #[arg(long, requires_all = ["code", "plan"])]
    pub yes: bool,
    /// The code of the plan that is approved, as it is shown with the plan
    #[arg(long, value_name = "CODE", requires = "plan")]
    pub code: Option<String>,
    /// Print the approval for pasting, instead of handing it in
    #[arg(long, requires = "plan")]
    pub print: bool,
    /// Text or JSON.
    #[command(flatten)]
    pub reading: Reading,
}

/// `quell runbook ...`
#[derive(Clone, Debug, Subcommand)]
pub enum RunbookCommand {
    /// List all runbooks with their version and what is wrong with them
    List(Reading),
    /// Print a runbook's text
    #[command(after_help = "Example:\n  quell runbook show bad-rollout")]
    Show(ShowArgs),
    /// Say which runbook an alert gets, in which version, and by which rule
    #[command(
        after_help = "Exits 0 with `runbook: null` when there is none: that is an answer too.\n\nExamples:\n  \
        quell runbook which CheckoutHighErrorRate\n  \
        quell runbook which alertname=KubeNodeNotReady severity=critical \\\n    \
        --annotation runbook_url=https://github.com/acme/runbooks/blob/main/node.md"
    )]
    Which(WhichArgs),
}

/// `quell runbook show`
#[derive(Clone, Debug, Args)]
pub struct ShowArgs {
    /// Its id, as `quell runbook list` gives it
    pub id: String,
    /// Text or JSON.
    #[command(flatten)]
    pub reading: Reading,
}

/// `quell runbook which`
#[derive(Clone, Debug, Args)]
pub struct WhichArgs {
    /// An alert's name, fingerprint or id; or its labels as NAME=VALUE
    #[arg(required = true, value_name = "ALERT", value_parser = NonEmptyStringValueParser::new())]
    pub alert: Vec<String>,
    /// An annotation of the alert; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub annotation: Vec<String>,
    /// Text or JSON.
    #[command(flatten)]
    pub reading: Reading,
}

/// `quell journal ...`
#[derive(Clone, Debug, Subcommand)]
pub enum JournalCommand {
    /// List what was done, oldest first: requests, plans, checks, approvals, writes and their outcomes
    #[command(
        after_help = "A filter is words, all of which must hold: action=, kind=, who=, env=, since=6h, and any other word \
        is a part of what a record says.\n\nExamples:\n  \
        quell journal show since=2h kind=intent kind=outcome\n  \
        quell journal show action=4f2c91a0 --json | jq '.records[].record.entry'"
    )]
    Show(JournalShowArgs),
    /// Say whether every record is as it was written, which is the first that is not, and what proves it
    #[command(
        after_help = "Exit status: 0 every record holds, 1 one does not or an anchor cannot be believed, 3 the file \
        cannot be read.\nLines of a log are an anchor, too.\n\nExamples:\n  \
        quell journal verify --anchor /mnt/elsewhere/quell.checkpoints\n  \
        journalctl -t quell -o cat > lines && quell journal verify --anchor lines"
    )]
    Verify(JournalVerifyArgs),
    /// Print every record as one line of JSON
    #[command(after_help = "Example:\n  quell journal export | jq -c 'select(.record.action)'")]
    Export(JournalFile),
}

/// Which journal.
#[derive(Clone, Debug, Default, Args)]
pub struct JournalFile {
    /// A copy of a journal, instead of this environment's own
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
}

/// `quell journal show`
#[derive(Clone, Debug, Default, Args)]
pub struct JournalShowArgs {
    /// Words such as action=4f2c91a0, kind=outcome, since=6h, or a part of a text
    #[arg(value_name = "FILTER")]
    pub filter: Vec<String>,
    /// Which journal.
    #[command(flatten)]
    pub journal: JournalFile,
    /// Text or JSON.
    #[command(flatten)]
    pub reading: Reading,
}

/// `quell journal verify`
#[derive(Clone, Debug, Default, Args)]
pub struct JournalVerifyArgs {
    /// A file with checkpoints of it, beside the anchors of the config; may be repeated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub anchor: Vec<PathBuf>,
    /// Which journal.
    #[command(flatten)]
    pub journal: JournalFile,
    /// Text or JSON.
    #[command(flatten)]
    pub reading: Reading,
}

impl Cli {
    /// Reads a command line.
    ///
    /// # Errors
    /// What clap has to say, help and version included.
    pub fn read(argv: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let argv: Vec<OsString> = argv.into_iter().collect();
        let matches = Self::command().try_get_matches_from(&argv)?;
        let mut cli = Self::from_arg_matches(&matches)?;
        cli.global.keep_flags(&matches);
        // clap keeps only one side's values of a repeatable flag that stands on both sides of the
        // command: a source would be left out without a word.
        let text = |word: &OsStr| word.to_string_lossy().into_owned();
        let texts = |flag| every(flag, &argv).map(text).collect();
        cli.global.alertmanager = texts("--alertmanager");
        cli.global.prometheus = texts("--prometheus");
        let paths = |flag| every(flag, &argv).map(PathBuf::from).collect();
        cli.global.slo = paths("--slo");
        cli.global.terraform = paths("--terraform");
        cli.global.changes = paths("--changes");
        Ok(cli)
    }
}

impl Global {
    /// Forgets what came from variables: `config` reads them itself, and names them in its errors.
    fn keep_flags(&mut self, matches: &ArgMatches) {
        let given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
        for (id, value) in [
            ("env", &mut self.env),
            ("theme", &mut self.theme),
            ("policy", &mut self.policy),
            ("log_level", &mut self.log_level),
            ("burn_policy", &mut self.burn_policy),
            ("context", &mut self.context),
        ] {
            *value = value.take().filter(|_| given(id));
        }
        for (id, path) in [
            ("config", &mut self.config),
            ("runbooks", &mut self.runbooks),
            ("kubeconfig", &mut self.kubeconfig),
        ] {
            *path = path.take().filter(|_| given(id));
        }
        self.read_only &= given("read_only");
        self.no_color &= given("no_color");
        self.ascii &= given("ascii");
    }

    /// For the config: the flags, and the variables that `get` reads.
    #[must_use]
    pub fn overrides(&self, get: impl Fn(&str) -> Option<String>) -> Overrides {
        let flags = Values {
            config: self.config.clone(),
            env: self.env.clone(),
            alertmanagers: self.alertmanager.clone(),
            prometheuses: self.prometheus.clone(),
            runbooks: self.runbooks.clone(),
            slos: self.slo.clone(),
            burn_policy: self.burn_policy.clone(),
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            terraforms: self.terraform.clone(),
            changes: self.changes.clone(),
            policy: self.policy.clone(),
            read_only: self.read_only,
            theme: self.theme.clone(),
            no_color: self.no_color,
            ascii: self.ascii,
            log_level: self.log_level.clone(),
        };
        Overrides::new(flags, get)
    }
}

/// The values of a flag anywhere before `--`. clap has accepted the line, so that a word equal to
/// the flag is the flag: a value that begins with a dash was refused.
fn every<'a>(flag: &str, argv: &'a [OsString]) -> impl Iterator<Item = &'a OsStr> {
    let mut words = argv.iter().skip(1).map(OsString::as_os_str);
    let begin = format!("{flag}=");
    let flag = flag.to_owned();
    std::iter::from_fn(move || {
        loop {
            let word = words.next().filter(|word| *word != "--")?;
            if *word == *flag {
                return words.next();
            }
            // A path need not be UTF-8.
            if let Some(value) = word.as_bytes().strip_prefix(begin.as_bytes()) {
                return Some(OsStr::from_bytes(value));
            }
        }
    })
    .fuse()
}

/// A path that may be empty: a variable that is set but empty counts as one that is not set.
#[derive(Clone, Debug)]
struct OsStringPath;

impl clap::builder::TypedValueParser for OsStringPath {
    type Value = PathBuf;

    fn parse_ref(
        &self,
        _: &clap::Command,
        _: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<PathBuf, clap::Error> {
        Ok(PathBuf::from(value))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use clap::error::ErrorKind;

    fn read(line: &str) -> Result<Cli, clap::Error> {
        Cli::read(
            std::iter::once("quell")
                .chain(line.split_whitespace())
                .map(OsString::from),
        )
    }

    fn reading(line: &str) -> Cli {
        read(line).unwrap()
    }

    #[test]
    fn the_definition_holds() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_is_the_cockpit() {
        assert!(reading("").command.is_none());
        assert!(reading("--alertmanager http://a:9093").command.is_none());
    }

    #[test]
    fn flags_stand_before_or_after_the_command() {
        for line in [
            "--env prod --read-only status --json",
            "status --json --env prod --read-only",
            "status --env=prod --json --read-only",
        ] {
            let cli = reading(line);
            assert_eq!(cli.global.env.as_deref(), Some("prod"), "{line}");
            assert!(cli.global.read_only, "{line}");
            let Some(Command::Print(Print::Status(reading))) = cli.command else {
                unreachable!("{line}");
            };
            assert_eq!(reading.format(), Format::Json);
        }
        let cli = reading("runbook show bad-rollout --runbooks /srv/runbooks");
        assert_eq!(cli.global.runbooks, Some(PathBuf::from("/srv/runbooks")));
    }

    #[test]
    fn no_source_is_lost_wherever_it_stands() {
        let line = "--alertmanager http://a:1 --slo a status --alertmanager=http://b:1 --prometheus http://p:1 \
            --slo=b/ --alertmanager http://c:1 --slo builtin:platform --changes=d --terraform e \
            --terraform=f --changes g --context=eu";
        let global = reading(line).global;
        assert_eq!(
            global.alertmanager,
            ["http://a:1", "http://b:1", "http://c:1"]
        );
        assert_eq!(global.prometheus, ["http://p:1"]);
        assert_eq!(
            global.slo,
            ["a", "b/", "builtin:platform"].map(PathBuf::from)
        );
        assert_eq!(global.terraform, ["e", "f"].map(PathBuf::from));
        assert_eq!(global.changes, ["d", "g"].map(PathBuf::from));
        assert_eq!(global.context.as_deref(), Some("eu"));
        // After `--` it is a word of the filter.
        let cli = reading("alerts -- --alertmanager x");
        assert!(cli.global.alertmanager.is_empty());
    }

    #[test]
    fn every_flag_has_its_variable_and_no_other() {
        let command = Cli::command();
        let flags: Vec<_> = command
            .get_arguments()
            .filter(|arg| !matches!(arg.get_id().as_str(), "help" | "version"))
            .collect();
        assert_eq!(flags.len(), 17);
        for flag in flags {
            let long = flag.get_long().unwrap();
            let variable = format!("QUELL_{}", long.to_uppercase().replace('-', "_"));
            assert_eq!(flag.get_env().unwrap(), variable.as_str());
            assert!(flag.is_global_set(), "{long}");
        }
    }

    #[test]
    fn the_help_names_every_burn_policy_that_is_built_in() {
        let command = Cli::command();
        let flag = command
            .get_arguments()
            .find(|arg| arg.get_id() == "burn_policy")
            .unwrap();
        let help = flag.get_help().unwrap().to_string();
        for policy in crate::domain::burn_policy::built_in() {
            assert!(help.contains(&policy.name), "{}", policy.name);
        }
    }

    #[test]
    fn variables_reach_the_config_behind_the_flags() {
        let variables = |name: &str| match name {
            "QUELL_ENV" => Some("stage".to_owned()),
            "QUELL_PROMETHEUS" => Some("http://p:1,http://q:1".to_owned()),
            _ => None,
        };
        let overrides = reading("status --env prod").global.overrides(variables);
        assert_eq!(overrides.flags.env.as_deref(), Some("prod"));
        assert_eq!(overrides.variables.env.as_deref(), Some("stage"));
        assert_eq!(
            overrides.variables.prometheuses,
            ["http://p:1", "http://q:1"]
        );
    }

    #[test]
    fn a_filter_is_many_words() {
        let cli = reading("alerts env=prod checkout --json");
        let Some(Command::Print(Print::Alerts(args))) = cli.command else {
            unreachable!();
        };
        assert_eq!(args.filter, ["env=prod", "checkout"]);
    }

    #[test]
    fn wrong_usage_ends_with_2_and_help_with_0() {
        for line in [
            "--nonsense",
            "statsu",
            "status extra",
            "runbook show",
            "completions tcsh",
            "--env",
        ] {
            assert_eq!(read(line).unwrap_err().exit_code(), 2, "{line}");
        }
        for line in ["--help", "status --help", "runbook which -h", "--version"] {
            assert_eq!(read(line).unwrap_err().exit_code(), 0, "{line}");
        }
        assert_eq!(
            read("statsu").unwrap_err().kind(),
            ErrorKind::InvalidSubcommand
        );
    }

    #[test]
    fn examples_fit_the_width_of_the_help() {
        fn examples(command: &clap::Command, found: &mut Vec<String>) {
            let after = command.get_after_help().map(ToString::to_string);
            found.extend(
                after
                    .unwrap_or_default()
                    .lines()
                    .filter(|l| l.starts_with("  "))
                    .map(str::to_owned),
            );
            for child in command.get_subcommands() {
                examples(child, found);
            }
        }
        let mut found = Vec::new();
        examples(&Cli::command(), &mut found);
        assert!(found.len() > 10);
        for line in found {
            assert!(line.len() <= 100, "{line}");
        }
    }
}
