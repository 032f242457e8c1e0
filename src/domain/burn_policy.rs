//! Which burn warns, opens a ticket, freezes risky changes, or pages?
//!
//! Policies are data: the built-in ones below, and those of the config. A condition looks at one
//! window or at two; a policy never asks anybody, it is handed the burn of each window. Used by
//! [`super::slo_burn`], by `quell check` and by the config.

use serde::{Deserialize, Serialize};

use super::burn::{burn_of_fraction, exceeds, max_burn, reaches};
use super::label::Labels;
use super::matcher::Matchers;

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// The policy that counts where the config names none.
pub const DEFAULT_POLICY: &str = "google";

/// The label by which an SLO's own file names its policy.
pub const POLICY_LABEL: &str = "burn_policy";

/// How loud a condition is. The greater one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing.
    Warn,
    /// Waits for working hours.
    Ticket,
    /// Nothing risky is changed until it is over.
    Freeze,
    /// Wakes somebody.
    Page,
}

impl Level {
    /// All, the quietest first.
    pub const ALL: [Self; 4] = [Self::Warn, Self::Ticket, Self::Freeze, Self::Page];

    /// The word in JSON, config and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Ticket => "ticket",
            Self::Freeze => "freeze",
            Self::Page => "page",
        }
    }

    /// Whether guards refuse what adds risk while it holds: a page freezes, too.
    #[must_use]
    pub fn freezes(self) -> bool {
        self >= Self::Freeze
    }
}

/// One condition of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Its name, unique in its policy.
    pub name: String,
    /// How loud it is.
    pub level: Level,
    /// How much is too much.
    pub threshold: Threshold,
    /// Whether the threshold itself is too much.
    pub comparison: Above,
    /// The window.
    pub window_secs: u64,
    /// A shorter window that must be above the same burn, so that the condition ends soon after the
    /// errors do.
    pub confirm_secs: Option<u64>,
    /// How long it must have held; 0 for at once.
    pub for_secs: u64,
}

/// How much is too much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// A burn rate.
    Burn(f64),
    /// A share of the period's budget, spent within the window.
    Budget(f64),
}

/// Whether a value that is equal to the threshold is above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Above {
    /// It is not.
    Strictly,
    /// It is.
    OrEqual,
}

impl Above {
    /// The sign.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Strictly => ">",
            Self::OrEqual => ">=",
        }
    }
}

impl Condition {
    /// The burn rate that it is about, for an SLO with a period of so many seconds.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        reason = "windows are far below 2^53 seconds"
    )]
    pub fn burn(&self, period_secs: f64) -> f64 {
        match self.threshold {
            Threshold::Burn(burn) => burn,
            Threshold::Budget(fraction) => {
                burn_of_fraction(fraction, self.window_secs as f64, period_secs)
            }
        }
    }

    /// Whether a burn is too much.
    #[must_use]
    pub fn holds(&self, burn: f64, period_secs: f64) -> bool {
        match self.comparison {
            Above::Strictly => exceeds(burn, self.burn(period_secs)),
            Above::OrEqual => reaches(burn, self.burn(period_secs)),
        }
    }

    /// Whether it holds over its windows. One window below the threshold is enough to say no; with
    /// one above it and the other unknown nobody can tell.
    #[must_use]
    pub fn decide(&self, burn_over: impl Fn(u64) -> Option<f64>, period_secs: f64) -> Option<bool> {
        let mut unknown = false;
        for secs in self.windows() {
            match burn_over(secs).map(|burn| self.holds(burn, period_secs)) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => unknown = true,
            }
        }
        (!unknown).then_some(true)
    }

    /// Its windows, the longer first.
    pub fn windows(&self) -> impl Iterator<Item = u64> {
        std::iter::once(self.window_secs).chain(self.confirm_secs)
    }

    /// Whether it can ever hold for an objective: when all events are bad, the burn is
    /// [`max_burn`].
    #[must_use]
    pub fn is_reachable(&self, objective: f64, period_secs: f64) -> bool {
        self.holds(max_burn(objective), period_secs)
    }
}

/// A named list of conditions.
#[derive(Clone, Debug, PartialEq)]
pub struct BurnPolicy {
    /// Its name.
    pub name: String,
    /// What it is, in a line.
    pub summary: String,
    /// Its conditions.
    pub conditions: Vec<Condition>,
}

/// All policies, and which SLO goes by which.
#[derive(Clone, Debug)]
pub struct BurnPolicies {
    /// Built in ones and those of the config. A config may replace a built-in one by its name.
    pub list: Vec<BurnPolicy>,
    /// The name of the one that counts where no rule chooses.
    pub default: String,
    /// The first rule whose matchers hold chooses.
    pub rules: Vec<(Matchers, String)>,
}

impl Default for BurnPolicies {
    fn default() -> Self {
        Self {
            list: built_in(),
            default: DEFAULT_POLICY.to_owned(),
            rules: Vec::new(),
        }
    }
}

impl BurnPolicies {
    /// The policy of a name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&BurnPolicy> {
        self.list.iter().find(|policy| policy.name == name)
    }

    /// The policy for an SLO with these labels: a rule of the config, else the one that its file
    /// names in [`POLICY_LABEL`], else the default. `None` only if a name has no policy, which the
    /// config refuses.
    #[must_use]
    pub fn of(&self, labels: &Labels) -> Option<&BurnPolicy> {
        let mut rules = self.rules.iter();
        let rule = rules.find(|(matchers, _)| matchers.matches(labels));
        let by_rule = rule.and_then(|(_, name)| self.named(name));
        let by_file = || self.named(labels.get(POLICY_LABEL)?.raw());
        by_rule
            .or_else(by_file)
            .or_else(|| self.named(&self.default))
    }

    /// Every window that the policies of these SLOs look at, the shortest first.
    #[must_use]
    pub fn windows(&self, slos: impl IntoIterator<Item = Labels>) -> Vec<u64> {
        let mut policies: Vec<&BurnPolicy> = self.named(&self.default).into_iter().collect();
        policies.extend(slos.into_iter().filter_map(|labels| self.of(&labels)));
        let mut windows: Vec<u64> = policies
            .into_iter()
            .flat_map(|policy| &policy.conditions)
            .flat_map(Condition::windows)
            .collect();
        windows.sort_unstable();
        windows.dedup();
        windows
    }
}

/// The policies that quell brings: the SRE workbook's, and those of the five platform guides.
///
/// The workbook's are fractions of the budget, so that their factors (14.4, 6, 3 and 1 for 30 days)
/// follow the period. The guides name one window each; "short" is an hour and "sustained" is six.
#[must_use]
pub fn built_in() -> Vec<BurnPolicy> {
    use Above::{OrEqual, Strictly};
    use Level::{Freeze, Page, Ticket, Warn};
    use Threshold::{Budget, Burn};
    let policy = |name: &str, summary: &str, conditions| BurnPolicy {
        name: name.to_owned(),
        summary: summary.to_owned(),
        conditions,
    };
    let two = |name: &str, level, threshold, window_secs, confirm_secs| Condition {
        name: name.to_owned(),
        level,
        threshold,
        comparison: Strictly,
        window_secs,
        confirm_secs: Some(confirm_secs),
        for_secs: 0,
    };
    let one = |name: &str, level, threshold, comparison, window_secs| Condition {
        name: name.to_owned(),
        level,
        threshold,
        comparison,
        window_secs,
        confirm_secs: None,
        for_secs: 0,
    };
    vec![
        policy(
            "google",
            "multiwindow, multi-burn-rate (SRE workbook, chapter 5)",
            vec![
                two("page-fast", Page, Budget(0.02), HOUR, 5 * MINUTE),
                two("page-slow", Page, Budget(0.05), 6 * HOUR, 30 * MINUTE),
                two("ticket-fast", Ticket, Budget(0.10), DAY, 2 * HOUR),
                two("ticket-slow", Ticket, Budget(0.10), 3 * DAY, 6 * HOUR),
            ],
        ),
        policy(
            "mps",
            "managed platform service: above 2x over an hour freezes risky releases",
            vec![one("freeze-releases", Freeze, Burn(2.0), Strictly, HOUR)],
        ),
        policy(
            "paas",
            "platform as a service: 3x over 15 min or 1.5x over 6 h pages",
            vec![
                one("page-3x", Page, Burn(3.0), Strictly, 15 * MINUTE),
                one("page-1.5x", Page, Burn(1.5), Strictly, 6 * HOUR),
                one("alert-2x", Warn, Burn(2.0), Strictly, HOUR),
                one("alert-1x", Warn, Burn(1.0), Strictly, 6 * HOUR),
            ],
        ),
        policy(
            "pe",
            "platform engineering: a share of the budget within a window",
            vec![
                one("escalate-100pct", Page, Budget(1.0), Strictly, HOUR),
                one("alert-25pct", Ticket, Budget(0.25), OrEqual, HOUR),
                one("alert-50pct", Ticket, Budget(0.50), OrEqual, DAY),
            ],
        ),
        policy(
            "pt",
            "platform team: 2x over an hour alerts, 4x over 6 h escalates",
            vec![
                one("escalate-4x", Page, Burn(4.0), Strictly, 6 * HOUR),
                one("alert-2x", Ticket, Burn(2.0), Strictly, HOUR),
            ],
        ),
        policy(
            "ssp",
            "self-service platform: 0.5x over an hour warns, above 1.5x alerts",
            vec![
                one("alert-1.5x", Ticket, Burn(1.5), Strictly, HOUR),
                one("warn-0.5x", Warn, Burn(0.5), OrEqual, HOUR),
            ],
        ),
        policy(
            "slow",
            "one ticket for what leaks: faster than allowed over 3 days",
            vec![two("ticket-slow", Ticket, Budget(0.10), 3 * DAY, 6 * HOUR)],
        ),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use crate::domain::burn::burn_rate;

    const P30: f64 = 30.0 * 86_400.0;

    fn condition(policy: &str, name: &str) -> Condition {
        let policies = BurnPolicies::default();
        let policy = policies.named(policy).unwrap();
        policy
            .conditions
            .iter()
            .find(|c| c.name == name)
            .unwrap()
            .clone()
    }

    #[test]
    fn the_defaults_factors_are_the_workbooks() {
        for (name, burn) in [
            ("page-fast", 14.4),
            ("page-slow", 6.0),
            ("ticket-fast", 3.0),
            ("ticket-slow", 1.0),
        ] {
            assert!(
                (condition("google", name).burn(P30) - burn).abs() < 1e-9,
                "{name}"
            );
        }
        assert!((condition("pe", "escalate-100pct").burn(P30) - 720.0).abs() < 1e-9);
        assert!((condition("pe", "alert-50pct").burn(P30) - 15.0).abs() < 1e-9);
    }

    #[test]
    fn names_are_unique_and_shorter_windows_confirm() {
        for policy in built_in() {
            for (at, condition) in policy.conditions.iter().enumerate() {
                let same = |c: &Condition| c.name == condition.name;
                assert_eq!(policy.conditions.iter().position(same), Some(at));
                assert!(
                    condition
                        .confirm_secs
                        .is_none_or(|short| short < condition.window_secs)
                );
            }
        }
    }

    #[test]
    fn both_windows_must_be_above() {
        let page = condition("google", "page-fast");
        let decide = |long: Option<f64>, short: Option<f64>| {
            page.decide(|secs| if secs == HOUR { long } else { short }, P30)
        };
        assert_eq!(decide(Some(20.0), Some(20.0)), Some(true));
        assert_eq!(decide(Some(20.0), Some(1.0)), Some(false));
        assert_eq!(decide(Some(1.0), Some(20.0)), Some(false));
        // A burn below the threshold decides, whatever the other one would say.
        assert_eq!(decide(Some(1.0), None), Some(false));
        assert_eq!(decide(None, Some(1.0)), Some(false));
        assert_eq!(decide(Some(20.0), None), None);
        assert_eq!(decide(None, None), None);
        // At exactly 1.44 % bad events of a 99.9 % objective the workbook's alert does not fire.
        let exactly = burn_rate(0.0144, 0.999);
        assert_eq!(decide(Some(exactly), Some(exactly)), Some(false));
    }

    #[test]
    fn the_warning_at_a_half_holds_at_a_half() {
        let half = burn_rate(0.0005, 0.999);
        assert_eq!(
            condition("ssp", "warn-0.5x").decide(|_| Some(half), P30),
            Some(true)
        );
        assert_eq!(
            condition("ssp", "alert-1.5x").decide(|_| Some(half), P30),
            Some(false)
        );
    }

    #[test]
    fn a_condition_above_the_fastest_burn_can_never_hold() {
        let page = condition("google", "page-fast");
        assert!(page.is_reachable(0.999, P30) && page.is_reachable(0.931, P30));
        assert!(!page.is_reachable(0.93, P30));
        let quarter = condition("pe", "alert-25pct");
        assert!(quarter.is_reachable(0.995, P30) && !quarter.is_reachable(0.994, P30));
        assert!(!condition("pe", "escalate-100pct").is_reachable(0.9986, P30));
        // At the bound itself only what may be equal can hold.
        let mut at_bound = page;
        at_bound.threshold = Threshold::Burn(10.0);
        assert!(!at_bound.is_reachable(0.9, P30));
        at_bound.comparison = Above::OrEqual;
        assert!(at_bound.is_reachable(0.9, P30));
    }

    #[test]
    fn rules_choose_before_the_default() {
        let mut policies = BurnPolicies::default();
        policies
            .rules
            .push((Matchers::parse(r#"tier="1""#).unwrap(), "paas".into()));
        assert_eq!(
            policies.of(&Labels::of(&[("tier", "1")])).unwrap().name,
            "paas"
        );
        assert_eq!(policies.of(&Labels::of(&[])).unwrap().name, "google");
        let named = Labels::of(&[(POLICY_LABEL, "slow")]);
        assert_eq!(policies.of(&named).unwrap().name, "slow");
        let unknown = Labels::of(&[(POLICY_LABEL, "fastest")]);
        assert_eq!(policies.of(&unknown).unwrap().name, "google");
        let both = Labels::of(&[(POLICY_LABEL, "slow"), ("tier", "1")]);
        assert_eq!(policies.of(&both).unwrap().name, "paas");
    }

    #[test]
    fn windows_are_those_of_the_policies_in_use() {
        let policies = BurnPolicies::default();
        let google = [300, 1_800, 3_600, 7_200, 21_600, DAY, 3 * DAY];
        assert_eq!(policies.windows([]), google);
        let paas = policies.windows([Labels::of(&[(POLICY_LABEL, "paas")])]);
        assert_eq!(paas, [300, 900, 1_800, 3_600, 7_200, 21_600, DAY, 3 * DAY]);
    }
}
