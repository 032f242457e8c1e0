//! What is a service level objective, in whichever format somebody wrote it down?
//!
//! Made by `slos` from files and by `sources` from recorded series, measured by `sources`, judged by
//! [`super::slo_burn`]. Plain data: it knows no query language and asks nobody.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::budget_period::Calendar;
use super::label::Labels;
use super::source::SourceName;
use super::text::Untrusted;

/// Who an SLO is. One that several files and recordings speak of is the same SLO.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SloId {
    /// The service it is about, where that is said.
    pub service: Option<Untrusted>,
    /// Its name.
    pub name: Untrusted,
    /// The labels that tell it from its siblings, where one definition makes several SLOs.
    pub group: Labels,
}

impl fmt::Display for SloId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        for (at, (name, value)) in self.group.iter().enumerate() {
            let open = if at == 0 { "{" } else { "," };
            write!(f, "{open}{name}={value}")?;
        }
        if self.group.is_empty() {
            return Ok(());
        }
        f.write_str("}")
    }
}

/// A service level objective.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Slo {
    /// Who it is.
    pub id: SloId,
    /// What it promises, in a line.
    pub summary: Option<Untrusted>,
    /// The share of good events that is promised: above 0, below 1.
    pub objective: f64,
    /// Over which time.
    pub window: BudgetWindow,
    /// What counts against the budget.
    pub method: BudgetMethod,
    /// How good and bad are told apart.
    pub indicator: Indicator,
    /// Labels whose values each make an SLO of their own.
    pub group_by: Vec<String>,
    /// What the file says of it: for choosing a burn policy, and for filters.
    pub labels: Labels,
    /// Where it was found, the one that counts first.
    pub origins: Vec<Origin>,
    /// What a reader should know: fields that were passed over, origins that disagree.
    pub cautions: Vec<Untrusted>,
}

impl Slo {
    /// The share of events that may be bad.
    #[must_use]
    pub fn budget_ratio(&self) -> f64 {
        1.0 - self.objective
    }

    /// The labels that a policy's matchers look at: the file's own, the group's, `slo`, `service`.
    #[must_use]
    pub fn policy_labels(&self) -> Labels {
        let mut pairs: Vec<(Untrusted, Untrusted)> = Vec::new();
        let own = self.labels.iter().chain(self.id.group.iter());
        pairs.extend(own.map(|(n, v)| (n.clone(), v.clone())));
        pairs.push((Untrusted::line("slo"), self.id.name.clone()));
        if let Some(service) = &self.id.service {
            pairs.push((Untrusted::line("service"), service.clone()));
        }
        Labels::new(pairs)
    }
}

/// The time an error budget is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetWindow {
    /// The last so many seconds, at every moment.
    Rolling {
        /// Its length.
        secs: u64,
    },
    /// A month, a quarter, a week: it begins anew.
    Calendar(Calendar),
}

/// What counts against the budget.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetMethod {
    /// Every bad event.
    Occurrences,
    /// Every slice of time whose share of good events is below the target.
    Timeslices {
        /// The length of a slice.
        slice_secs: u64,
        /// The share of good events that makes a slice good.
        target: f64,
    },
    /// The mean of the slices' ratios.
    RatioTimeslices {
        /// The length of a slice.
        slice_secs: u64,
    },
}

/// How good and bad are told apart.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Indicator {
    /// Events of one kind among all.
    Events {
        /// Whether `part` counts the good or the bad ones.
        part_is: Outcome,
        /// The good or the bad ones.
        part: Query,
        /// All.
        total: Query,
    },
    /// One query that gives the share by itself.
    Ratio {
        /// Of which events.
        of: Outcome,
        /// The query.
        query: Query,
    },
    /// A quantity that is good on one side of a bound.
    Threshold {
        /// The quantity.
        query: Query,
        /// It is good when it is so …
        good_when: Comparison,
        /// … to this.
        value: f64,
    },
    /// The share of a native histogram at or below a bound.
    NativeLatency {
        /// The histogram's selector.
        histogram: Query,
        /// The bound.
        at_most_secs: f64,
    },
    /// A gauge of ones and zeros, such as a probe.
    Probe {
        /// The gauge's selector.
        gauge: Query,
    },
    /// No query is known: only what was recorded.
    Recorded,
}

/// Good or bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As promised.
    Good,
    /// Against the budget.
    Bad,
}

/// On which side of a bound a value is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Below it.
    Lt,
    /// At most.
    Lte,
    /// Above it.
    Gt,
    /// At least.
    Gte,
}

impl Comparison {
    /// The sign in PromQL that is true of a good value.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Lt => "<",
            Self::Lte => "<=",
            Self::Gt => ">",
            Self::Gte => ">=",
        }
    }

    /// The sign in PromQL that is true of a bad value.
    #[must_use]
    pub fn opposite_sign(self) -> &'static str {
        match self {
            Self::Lt => ">=",
            Self::Lte => ">",
            Self::Gt => "<=",
            Self::Gte => "<",
        }
    }
}

/// PromQL as somebody wrote it, and how it is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// As written, window placeholders included.
    pub text: String,
    /// What its bare selectors are.
    pub metric: MetricKind,
    /// Its line in the file, from 1; 0 where it stands in none.
    pub line: usize,
    /// The data source it is meant for, where the file names one.
    pub data_source: Option<Untrusted>,
}

/// What the bare selectors of a query are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// They only grow: they are wrapped in `increase`.
    Counter,
    /// They go up and down: they are summed over time.
    Gauge,
}

/// Where an SLO was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// In a file.
    File {
        /// Its path, as given.
        path: Untrusted,
        /// The line its definition begins at, from 1.
        line: usize,
        /// In which words.
        format: FileFormat,
    },
    /// As recorded series of a Prometheus.
    Recorded {
        /// Which one.
        source: SourceName,
        /// Who recorded them.
        by: Recorder,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, format } => write!(f, "{path}:{line} ({})", format.name()),
            Self::Recorded { source, by } => write!(f, "recorded by {} in {source}", by.name()),
        }
    }
}

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// `openslo/v1`
    OpenSlo,
    /// `prometheus/v1`
    Sloth,
    /// `sloth.slok.dev/v1`
    SlothResource,
    /// `pyrra.dev/v1alpha1`
    Pyrra,
}

impl FileFormat {
    /// As its makers name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenSlo => "OpenSLO",
            Self::Sloth | Self::SlothResource => "Sloth",
            Self::Pyrra => "Pyrra",
        }
    }
}

/// Whose recording rules are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recorder {
    /// `slo:sli_error:ratio_rate…`
    Sloth,
    /// `…:burnrate…`, which are error ratios.
    Pyrra,
    /// `grafana_slo_…`
    Grafana,
}

impl Recorder {
    /// As its makers name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sloth => "Sloth",
            Self::Pyrra => "Pyrra",
            Self::Grafana => "Grafana SLO",
        }
    }
}

/// What is wrong with a file of SLOs, or with one SLO in it. The others go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SloProblem {
    /// The file, as given.
    pub path: Untrusted,
    /// From 1; 0 where it is about the whole file.
    pub line: usize,
    /// From 1; 0 where it is about the whole line.
    pub column: usize,
    /// What is wrong.
    pub what: Untrusted,
    /// What to do about it.
    pub next_step: Untrusted,
}

impl fmt::Display for SloProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        for number in [self.line, self.column] {
            if number == 0 {
                break;
            }
            write!(f, ":{number}")?;
        }
        write!(f, ": {}", self.what)?;
        if self.next_step.is_empty() {
            return Ok(());
        }
        write!(f, "; {}", self.next_step)
    }
}

/// Everything that was read from files, and what could not be.
#[derive(Clone, Debug, Default)]
pub struct SloFiles {
    /// In the order of files and definitions; an SLO that several files define comes once.
    pub slos: Vec<Slo>,
    /// What is wrong, in the same order.
    pub problems: Vec<SloProblem>,
}
