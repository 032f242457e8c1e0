//! What may a config file say, and what did this one say?
//!
//! [`RawConfig`] is the config as written: all optional, nothing checked but the types. `read`
//! fills it from the file, `overrides` lays flags over it, `resolve` turns it into settings. The
//! [`Shape`]s are the one list of tables and keys.

use std::path::PathBuf;

use super::finding::{Spot, Written};
use super::raw_actions::{self as actions, RawActions};
use super::raw_delivery::{self as delivery, RawDelivery};

/// A table and the keys it may have.
#[derive(Debug)]
pub(super) struct Shape {
    /// As the user writes it: `[screen]`.
    pub(super) title: &'static str,
    /// All of its keys.
    pub(super) keys: &'static [&'static str],
}

/// The file itself.
pub(super) const TOP: Shape = Shape {
    title: "the top of the file",
    keys: &[
        "env",
        "operator",
        "log_level",
        "screen",
        "environment",
        "alertmanager",
        "prometheus",
        "runbooks",
        "slo",
        "burn_policy",
        "triage",
        "kubernetes",
        "argocd",
        "github",
        "gitlab",
        "grafana",
        "changes",
        "terraform",
        "allow_drift",
        "services",
        "service",
        "history",
        "actions",
        "approvals",
        "journal",
        "control_plane",
        "command",
        "terraform_run",
    ],
};

/// How it looks.
pub(super) const SCREEN: Shape = Shape {
    title: "[screen]",
    keys: &["theme", "color", "glyphs", "mouse", "group_by"],
};

/// A named environment.
pub(super) const ENVIRONMENT: Shape = Shape {
    title: "[[environment]]",
    keys: &["name", "accent"],
};

/// An Alertmanager replica.
pub(super) const ALERTMANAGER: Shape = Shape {
    title: "[[alertmanager]]",
    keys: &[
        "name",
        "url",
        "env",
        "period",
        "timeout",
        "max_response_mib",
        "basic",
        "bearer",
        "headers",
        "ca_file",
        "cert_file",
        "key_file",
        "proxy",
        "cluster",
        "filter",
        "receiver",
    ],
};

/// A Prometheus.
pub(super) const PROMETHEUS: Shape = Shape {
    title: "[[prometheus]]",
    keys: &[
        "name",
        "url",
        "env",
        "period",
        "timeout",
        "max_response_mib",
        "basic",
        "bearer",
        "headers",
        "ca_file",
        "cert_file",
        "key_file",
        "proxy",
    ],
};

/// User and password.
pub(super) const BASIC: Shape = Shape {
    title: "basic",
    keys: &["username", "password"],
};

/// Where a secret is kept.
pub(super) const SECRET: Shape = Shape {
    title: "a secret",
    keys: &["file", "env", "command"],
};

/// Where the runbooks are.
pub(super) const RUNBOOKS: Shape = Shape {
    title: "[runbooks]",
    keys: &["path", "url_prefixes"],
};

/// Which SLOs there are, and what measures them.
pub(super) const SLO: Shape = Shape {
    title: "[slo]",
    keys: &[
        "paths",
        "builtin",
        "recorded",
        "prometheus",
        "policy",
        "metrics",
        "use",
    ],
};

/// Which SLOs go by another burn policy.
pub(super) const SLO_USE: Shape = Shape {
    title: "[[slo.use]]",
    keys: &["match", "policy"],
};

/// A burn policy of one's own.
pub(super) const BURN_POLICY: Shape = Shape {
    title: "[[burn_policy]]",
    keys: &["name", "summary", "condition"],
};

/// One condition of it.
pub(super) const BURN_CONDITION: Shape = Shape {
    title: "[[burn_policy.condition]]",
    keys: &[
        "name", "level", "burn", "budget", "window", "confirm", "for", "or_equal",
    ],
};

/// The rules of triage.
pub(super) const TRIAGE: Shape = Shape {
    title: "[triage]",
    keys: &[
        "default_lane",
        "watchdogs",
        "severity_labels",
        "service_labels",
        "env_labels",
        "location_labels",
        "owner_labels",
        "lane",
    ],
};

/// A lane rule.
pub(super) const LANE: Shape = Shape {
    title: "[[triage.lane]]",
    keys: &["lane", "match"],
};

/// Every table with a title of its own, for the hint where a misplaced key belongs.
pub(super) const TABLES: [&Shape; 31] = [
    &TOP,
    &SCREEN,
    &ENVIRONMENT,
    &ALERTMANAGER,
    &PROMETHEUS,
    &RUNBOOKS,
    &SLO,
    &SLO_USE,
    &BURN_POLICY,
    &BURN_CONDITION,
    &TRIAGE,
    &LANE,
    &BASIC,
    &delivery::KUBERNETES,
    &delivery::ARGOCD,
    &delivery::GITHUB,
    &delivery::GITLAB,
    &delivery::GRAFANA,
    &delivery::CHANGES,
    &delivery::TERRAFORM,
    &delivery::ALLOW_DRIFT,
    &delivery::SERVICES,
    &delivery::SERVICE,
    &delivery::HISTORY,
    &actions::ACTIONS,
    &actions::APPROVALS,
    &actions::JOURNAL,
    &actions::CONTROL_PLANE,
    &actions::OPERATION,
    &actions::COMMAND,
    &actions::TERRAFORM_RUN,
];

/// A string as written.
pub(super) type Text = Written<String>;

/// A list of strings as written.
pub(super) type Texts = Written<Vec<Text>>;

/// The config as written, with flags and variables laid over it.
#[derive(Default)]
pub(super) struct RawConfig {
    pub(super) env: Option<Text>,
    pub(super) operator: Option<Text>,
    pub(super) log_level: Option<Text>,
    pub(super) screen: RawScreen,
    pub(super) environments: Vec<RawEnvironment>,
    pub(super) alertmanagers: Vec<RawAlertmanager>,
    pub(super) prometheuses: Vec<RawSource>,
    pub(super) runbooks: RawRunbooks,
    pub(super) slo: RawSlo,
    pub(super) burn_policies: Vec<RawBurnPolicy>,
    pub(super) delivery: RawDelivery,
    pub(super) actions: RawActions,
    pub(super) triage: RawTriage,
}

/// `[screen]`
#[derive(Default)]
pub(super) struct RawScreen {
    pub(super) theme: Option<Text>,
    pub(super) color: Option<Text>,
    pub(super) glyphs: Option<Text>,
    pub(super) mouse: Option<Written<bool>>,
    pub(super) group_by: Option<Text>,
}

/// `[[environment]]`
pub(super) struct RawEnvironment {
    /// The table's header.
    pub(super) header: Spot,
    pub(super) name: Option<Text>,
    pub(super) accent: Option<Text>,
}

/// What every HTTP source has.
pub(super) struct RawSource {
    /// The table's header, or the flag.
    pub(super) header: Spot,
    pub(super) name: Option<Text>,
    pub(super) env: Option<Text>,
    pub(super) period: Option<Text>,
    pub(super) endpoint: RawEndpoint,
}

/// `[[alertmanager]]`
pub(super) struct RawAlertmanager {
    pub(super) source: RawSource,
    pub(super) cluster: Option<Text>,
    pub(super) filter: Option<Texts>,
    pub(super) receiver: Option<Text>,
}

/// How to reach an HTTP API.
#[derive(Default)]
pub(super) struct RawEndpoint {
    pub(super) url: Option<Text>,
    pub(super) timeout: Option<Text>,
    pub(super) max_response_mib: Option<Written<u64>>,
    pub(super) basic: Option<Written<RawBasic>>,
    pub(super) bearer: Option<Written<RawSecret>>,
    pub(super) headers: Vec<(Text, RawHeader)>,
    pub(super) tls: RawTls,
    pub(super) proxy: Option<Text>,
}

/// TLS beyond the machine's own trust store.
#[derive(Default)]
#[allow(clippy::struct_field_names, reason = "the keys are called so")]
pub(super) struct RawTls {
    pub(super) ca_file: Option<Text>,
    pub(super) cert_file: Option<Text>,
    pub(super) key_file: Option<Text>,
}

/// `basic = { username, password }`
pub(super) struct RawBasic {
    pub(super) username: Option<Text>,
    pub(super) password: Option<Written<RawSecret>>,
}

/// Where a secret is kept.
#[derive(Clone, Debug)]
pub(super) enum RawSecret {
    File(Text),
    Env(Text),
    Command(Texts),
    /// Reported already.
    Broken,
}

/// A header's value.
pub(super) enum RawHeader {
    Plain(Text),
    Secret(Written<RawSecret>),
}

/// `[runbooks]`
#[derive(Default)]
pub(super) struct RawRunbooks {
    /// Not a string: a flag's path need not be UTF-8.
    pub(super) path: Option<Written<PathBuf>>,
    pub(super) url_prefixes: Option<Texts>,
}

/// `[slo]`
#[derive(Default)]
pub(super) struct RawSlo {
    /// Not strings: a flag's path need not be UTF-8.
    pub(super) paths: Option<Vec<Written<PathBuf>>>,
    pub(super) builtin: Option<Written<bool>>,
    pub(super) recorded: Option<Written<bool>>,
    pub(super) prometheus: Option<Text>,
    pub(super) policy: Option<Text>,
    /// Metric names and the selectors that stand for them.
    pub(super) metrics: Vec<(Text, Text)>,
    pub(super) uses: Vec<RawSloUse>,
}

/// `[[slo.use]]`
pub(super) struct RawSloUse {
    /// The table's header.
    pub(super) header: Spot,
    pub(super) matchers: Option<Text>,
    pub(super) policy: Option<Text>,
}

/// `[[burn_policy]]`
pub(super) struct RawBurnPolicy {
    /// The table's header.
    pub(super) header: Spot,
    pub(super) name: Option<Text>,
    pub(super) summary: Option<Text>,
    pub(super) conditions: Vec<RawCondition>,
}

/// `[[burn_policy.condition]]`
pub(super) struct RawCondition {
    /// The table's header.
    pub(super) header: Spot,
    pub(super) name: Option<Text>,
    pub(super) level: Option<Text>,
    pub(super) burn: Option<Written<f64>>,
    pub(super) budget: Option<Written<f64>>,
    pub(super) window: Option<Text>,
    pub(super) confirm: Option<Text>,
    pub(super) held_for: Option<Text>,
    pub(super) or_equal: Option<Written<bool>>,
}

/// `[triage]`
#[derive(Default)]
pub(super) struct RawTriage {
    pub(super) default_lane: Option<Text>,
    pub(super) watchdogs: Option<Texts>,
    pub(super) severity_labels: Option<Texts>,
    pub(super) service_labels: Option<Texts>,
    pub(super) env_labels: Option<Texts>,
    pub(super) location_labels: Option<Texts>,
    pub(super) owner_labels: Option<Texts>,
    pub(super) lanes: Vec<RawLane>,
}

/// `[[triage.lane]]`
pub(super) struct RawLane {
    /// The table's header.
    pub(super) header: Spot,
    pub(super) lane: Option<Text>,
    pub(super) matchers: Option<Text>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_has_every_key_of_every_table() {
        let example = include_str!("../../config.example.toml");
        for shape in TABLES.iter().filter(|shape| shape.title.starts_with('[')) {
            // From a header to the next one of another table.
            let section: Vec<&str> = example
                .lines()
                .map(|line| line.trim_start_matches(['#', ' ']))
                .skip_while(|line| *line != shape.title)
                .take_while(|line| !line.starts_with('[') || *line == shape.title)
                .collect();
            // A table below it stands under a header of its own.
            let is_table =
                |key: &&&str| ["condition", "metrics", "use", "operation"].contains(*key);
            let is_lane = |key: &&&str| shape.title == TRIAGE.title && **key == "lane";
            let keys = shape.keys.iter();
            for key in keys.filter(|key| !is_table(key) && !is_lane(key)) {
                let begin = format!("{key} = ");
                let found = section.iter().any(|line| line.starts_with(&begin));
                assert!(found, "{} lacks {key}", shape.title);
            }
        }
        for key in ["env", "operator", "log_level"] {
            assert!(example.contains(&format!("{key} = ")), "{key}");
        }
        assert!(example.contains("[slo.metrics]"));
    }
}
