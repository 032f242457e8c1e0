//! What does the policy allow, what does it ask for, and why?
//!
//! A [`Policy`] is read from TOML by `config`. [`Policy::judge`] goes through its rules for one plan: the
//! first that denies wins, no rule that matches denies too, and an input that is unknown, stale or
//! contradictory denies what adds risk. Called by [`super::guard`] and by `quell policy`; pure.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::action::{Direction, Risk};
use super::plan::Plan;
use super::text::Untrusted;

mod condition;
mod judge;
mod limit;
mod matching;
mod reading;
mod window;

pub use condition::{Comparison, INPUTS, Input, InputError, Sign, grade_number};
pub use reading::BURN_HOLDS;
pub use window::{Window, WindowKind, WindowTimes};

/// How serious a policy is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Denials are written down and nothing is dispatched: plans only.
    Observe,
    /// Denials are shown, and do not stop anybody.
    Warn,
    /// Denials stop.
    Enforce,
}

impl Mode {
    /// The word in policies and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Warn => "warn",
            Self::Enforce => "enforce",
        }
    }
}

/// How a rule's denial can be passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// It is only said.
    Advisory,
    /// Whoever has the override role may pass it, with a reason.
    Soft,
    /// Nobody passes it.
    Hard,
}

impl Level {
    /// The word in policies and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Advisory => "advisory",
            Self::Soft => "soft",
            Self::Hard => "hard",
        }
    }
}

/// The rules.
#[derive(Clone, Debug)]
pub struct Policy {
    /// `builtin:cautious`, or the file.
    pub name: Untrusted,
    /// Its version: a commit, or the SHA-256 of the file.
    pub version: Untrusted,
    /// How serious it is meant.
    pub mode: Mode,
    /// In order.
    pub rules: Vec<Rule>,
    /// Windows that rules may ask for.
    pub windows: Vec<Window>,
    /// Who has which role, by the principal of the list of signers.
    pub roles: Vec<(String, Vec<String>)>,
    /// The role that passes soft denials.
    pub override_role: Option<String>,
    /// The role that may break the glass.
    pub break_glass_role: Option<String>,
}

/// One rule.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// As messages name it.
    pub id: String,
    /// How its denial can be passed; `Hard` where none is named.
    pub level: Option<Level>,
    /// Which plans it is about. Everything named has to hold; nothing named means all.
    pub matches: RuleMatch,
    /// Any of these denies.
    pub deny_if: Vec<Comparison>,
    /// Why it is there, for whoever is denied.
    pub because: Option<String>,
    /// What it asks for.
    pub require: Require,
    /// What it bounds.
    pub limits: Limits,
    /// How what it lets through is watched.
    pub verify: VerifyRule,
}

/// Which plans a rule is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleMatch {
    /// The environment.
    pub env: Option<String>,
    /// Names of actions; one that ends in `*` stands for all that begin so.
    pub actions: Vec<String>,
    /// The direction.
    pub direction: Option<Direction>,
    /// The risk.
    pub risks: Vec<Risk>,
    /// The service.
    pub service: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
}

/// What a rule asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Require {
    /// How many approvals.
    pub approvals: u32,
    /// Of which role.
    pub role: Option<String>,
    /// The role of the requester.
    pub requester_role: Option<String>,
    /// Whether a reason has to be given.
    pub reason: bool,
    /// Whether a ticket has to be named.
    pub ticket: bool,
    /// Whether the target's name has to be typed, whatever the risk.
    pub typed_name: bool,
}

/// What a rule bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Targets of one plan.
    pub targets: Option<u32>,
    /// Share of what there is, as [`super::plan::Blast::percent`] counts it.
    pub percent: Option<u32>,
    /// What [`super::plan::Blast::count`] counts.
    pub count: Option<u32>,
    /// Namespaces of one plan.
    pub namespaces: Option<u32>,
    /// Targets at a time, after the canary.
    pub batch: Option<u32>,
    /// Time between two actions on one target.
    pub cooldown: Option<Duration>,
    /// After so many failed steps nothing more is sent.
    pub max_failures: Option<u32>,
    /// The longest silence.
    pub silence: Option<Duration>,
}

/// How what a rule lets through is watched.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VerifyRule {
    /// For how long the burn is watched after it worked.
    pub soak: Option<Duration>,
    /// What means that it made things worse.
    pub abort_if: Option<Comparison>,
    /// Whether it is taken back by itself, once, then.
    pub revert: Revert,
}

/// Whether something is taken back by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Revert {
    /// No: it is offered.
    #[default]
    Offer,
    /// Yes, once.
    Auto,
}

/// Something that a policy asks about and that somebody measured.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading<T> {
    /// Known, and how old it is.
    Known {
        /// What.
        value: T,
        /// How long ago it was measured.
        age: Duration,
    },
    /// Sources disagree: in words.
    Contradictory(Untrusted),
    /// Nobody can say: in words.
    Unknown(Untrusted),
}

/// How fast the budgets burn that an action is about: the highest of its service, else of all.
#[derive(Clone, Debug, PartialEq)]
pub struct BurnReading {
    /// Which SLO.
    pub slo: Untrusted,
    /// Over 5 minutes.
    pub short: f64,
    /// Over 1 hour.
    pub long: f64,
}

/// What a policy is asked about, beside the plan.
#[derive(Clone, Debug)]
pub struct PolicyFacts {
    /// Our wall clock.
    pub now: DateTime<Utc>,
    /// The burn.
    pub burn: Reading<BurnReading>,
    /// When the last action on one of the targets was dispatched, by anybody the journal knows.
    pub last_action: Option<DateTime<Utc>>,
    /// The requester's roles.
    pub roles: Vec<String>,
}

/// What came of one rule or built-in gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFinding {
    /// Which.
    pub rule: Untrusted,
    /// Whether it lets it pass.
    pub verdict: RuleVerdict,
    /// With which inputs, in words: `burn.short is 14.6, 4s old; denied above 2.0`.
    pub words: Untrusted,
}

/// Whether a rule lets a plan pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleVerdict {
    /// It does.
    Passes,
    /// It would not, but it is advisory, or the mode only warns.
    Warns,
    /// It does not; the override role may pass it.
    DeniesSoftly,
    /// It does not.
    Denies,
}

impl RuleVerdict {
    /// The word in fixtures and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Passes => "passes",
            Self::Warns => "warns",
            Self::DeniesSoftly => "denies_softly",
            Self::Denies => "denies",
        }
    }
}

/// What a policy says of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Every rule that matched, in order, with its inputs. Where none did, one line that says so.
    pub findings: Vec<RuleFinding>,
    /// Whether anything denies it.
    pub verdict: RuleVerdict,
    /// Everything that the matching rules ask for, joined: the most approvals, every demand.
    pub require: Require,
    /// Everything that they bound, joined: the least of each.
    pub limits: Limits,
    /// How it is watched: of the first rule that says so.
    pub verify: VerifyRule,
    /// The mode.
    pub mode: Mode,
}

impl Revert {
    /// The word in policies and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Auto => "auto",
        }
    }
}

impl Policy {
    /// What it says of a plan.
    #[must_use]
    pub fn judge(&self, plan: &Plan, facts: &PolicyFacts) -> Judgement {
        judge::judge(self, plan, facts)
    }

    /// Every rule that is not about a plan, and why not, in order.
    #[must_use]
    pub fn unmatched(&self, plan: &Plan) -> Vec<(String, String)> {
        let rules = self.rules.iter();
        rules
            .filter_map(|rule| Some((rule.id.clone(), rule.matches.mismatch(plan)?)))
            .collect()
    }

    /// The roles of a principal.
    #[must_use]
    pub fn roles_of(&self, principal: &str) -> Vec<String> {
        let has = |(_, all): &&(String, Vec<String>)| all.iter().any(|one| one == principal);
        let held = self.roles.iter().filter(has);
        held.map(|(role, _)| role.clone()).collect()
    }

    /// `builtin:observe`: everything can be planned, nothing is dispatched.
    #[must_use]
    pub fn observe() -> Self {
        Self {
            mode: Mode::Observe,
            ..Self::built_in("builtin:observe", Vec::new())
        }
    }

    /// `builtin:cautious`: R0 and R1 by one person with confirmation, R2 with one approval, R3 with two
    /// and a typed name; what adds risk waits while a budget burns.
    #[must_use]
    pub fn cautious() -> Self {
        let about = |id: &str, risks: &[Risk], approvals| Rule {
            id: id.to_owned(),
            level: Some(Level::Hard),
            matches: RuleMatch {
                risks: risks.to_vec(),
                ..RuleMatch::default()
            },
            require: Require {
                approvals,
                reason: approvals > 0,
                typed_name: approvals > 1,
                ..Require::default()
            },
            limits: Limits {
                targets: Some(10),
                batch: Some(1),
                max_failures: Some(1),
                silence: Some(Duration::from_hours(4)),
                ..Limits::default()
            },
            ..Rule::default()
        };
        let burning = Rule {
            id: "adds-risk-while-burning".to_owned(),
            level: Some(Level::Soft),
            matches: RuleMatch {
                direction: Some(Direction::Adds),
                ..RuleMatch::default()
            },
            deny_if: vec![
                Comparison::above(Input::BurnShort, 2.0),
                Comparison::above(Input::BurnLong, 1.5),
            ],
            because: Some("a budget burns: first make it stop".to_owned()),
            ..Rule::default()
        };
        let rules = vec![
            burning,
            about("one-person", &[Risk::R0, Risk::R1], 0),
            about("one-approval", &[Risk::R2], 1),
            about("two-approvals", &[Risk::R3], 2),
        ];
        Self::built_in("builtin:cautious", rules)
    }

    fn built_in(name: &str, rules: Vec<Rule>) -> Self {
        Self {
            name: Untrusted::line(name),
            version: Untrusted::line(env!("CARGO_PKG_VERSION")),
            mode: Mode::Enforce,
            rules,
            windows: Vec::new(),
            roles: Vec::new(),
            override_role: None,
            break_glass_role: None,
        }
    }
}
