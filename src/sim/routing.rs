//! How are the simulated Alertmanagers configured, and what does that do to an alert?
//!
//! Routes, inhibition, time intervals and silences as data, the answers of the API derived from
//! them, and the configuration text of `/status` written from the same data. Called by the
//! Alertmanager handlers only.

use std::fmt::Write as _;

use super::labels::Labels;
use super::matcher::Matcher;
use super::seed::Seed;

/// A child of the root route.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route {
    pub receiver: &'static str,
    pub group_by: &'static [&'static str],
    /// The time interval that mutes it. The story's only one covers the whole year.
    pub muted_by: Option<&'static str>,
    matchers: &'static [&'static str],
    after: After,
}

/// Whether routes after a matching one are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Stop,
    Continue,
}

/// Where an alert goes that no child takes.
const ROOT: Route = Route {
    receiver: "tickets",
    group_by: &["alertname", "namespace", "service"],
    muted_by: None,
    matchers: &[],
    after: After::Stop,
};

const MIGRATION: &str = "reports-migration";

const CHILDREN: &[Route] = &[
    Route {
        receiver: "deadmansswitch",
        group_by: &["alertname"],
        muted_by: None,
        matchers: &["alertname=\"Watchdog\""],
        after: After::Stop,
    },
    Route {
        receiver: "incident-bot",
        group_by: &["alertname", "service"],
        muted_by: None,
        matchers: &["severity=\"page\""],
        after: After::Continue,
    },
    Route {
        receiver: "pager",
        group_by: &["alertname", "service"],
        muted_by: None,
        matchers: &["severity=\"page\""],
        after: After::Stop,
    },
    Route {
        receiver: "data-tickets",
        group_by: &["alertname", "namespace", "service"],
        muted_by: Some(MIGRATION),
        matchers: &["team=\"data\"", "service=\"reports\""],
        after: After::Stop,
    },
    Route {
        receiver: "info-feed",
        group_by: &["alertname", "namespace"],
        muted_by: None,
        matchers: &["severity=\"info\""],
        after: After::Stop,
    },
];

/// An inhibition rule: a source quiets a target when both have the same values of `equal`.
struct Inhibition {
    source: &'static [&'static str],
    target: &'static [&'static str],
    equal: &'static [&'static str],
}

const INHIBITIONS: &[Inhibition] = &[
    Inhibition {
        source: &["severity=\"page\""],
        target: &["severity=\"info\""],
        equal: &["cluster", "namespace", "service"],
    },
    Inhibition {
        source: &["alertname=\"KubeQuotaExceeded\""],
        target: &["alertname=\"KubeQuotaAlmostFull\""],
        equal: &["cluster", "namespace", "resource"],
    },
];

/// A silence. Times are milliseconds since the start.
#[derive(Debug, Clone)]
pub(super) struct Silence {
    pub id: String,
    pub matchers: Vec<Matcher>,
    pub starts_ms: i64,
    pub ends_ms: i64,
    pub updated_ms: i64,
    pub created_by: String,
    pub comment: String,
}

impl Silence {
    /// `active`, `pending` or `expired`.
    pub(super) fn state(&self, at_ms: i64) -> &'static str {
        if at_ms < self.starts_ms {
            "pending"
        } else if at_ms < self.ends_ms {
            "active"
        } else {
            "expired"
        }
    }

    /// Whether it quiets these labels now.
    pub(super) fn silences(&self, labels: &Labels, at_ms: i64) -> bool {
        self.state(at_ms) == "active" && self.matchers.iter().all(|m| m.matches(labels))
    }
}

const HOUR_MS: i64 = 3_600_000;

/// What people have silenced: one in force, one to come, one that is over.
pub(super) fn silences(seed: Seed) -> Vec<Silence> {
    let silence =
        |topic, matchers: &[&str], (from, to): (i64, i64), created_by: &str, comment: &str| {
            Silence {
                id: seed.uuid(topic),
                matchers: parsed(matchers).collect(),
                starts_ms: from * HOUR_MS,
                ends_ms: to * HOUR_MS,
                updated_ms: (from * HOUR_MS).min(0),
                created_by: created_by.to_owned(),
                comment: comment.to_owned(),
            }
        };
    vec![
        silence(
            "silence worker-07",
            &[
                "alertname=\"NodeFilesystemAlmostFull\"",
                "instance=\"worker-07\"",
            ],
            (-2, 4),
            "mara@example.net",
            "New disk comes with the 16:00 maintenance, INFRA-4512",
        ),
        silence(
            "silence search",
            &["namespace=\"search\"", "severity=~\"ticket|info\""],
            (9, 11),
            "ilya@example.net",
            "Search is reindexed tonight",
        ),
        silence(
            "silence ftp",
            &["alertname=\"LegacyCronFailed\""],
            (-30, -26),
            "dana@example.net",
            "Partner's FTP server is down, they know",
        ),
    ]
}

/// The routes an alert takes, in the order of the configuration.
pub(super) fn routes(labels: &Labels) -> Vec<&'static Route> {
    let mut taken = Vec::new();
    for route in CHILDREN {
        if all_match(route.matchers, labels) {
            taken.push(route);
            if route.after == After::Stop {
                break;
            }
        }
    }
    if taken.is_empty() {
        taken.push(&ROOT);
    }
    taken
}

/// The place of the first alert among `others` that inhibits `target`.
pub(super) fn inhibitor(target: &Labels, others: &[&Labels]) -> Option<usize> {
    let rules = INHIBITIONS
        .iter()
        .filter(|rule| all_match(rule.target, target));
    rules.into_iter().find_map(|rule| {
        others.iter().position(|source| {
            let same = |name: &&str| source.get(*name) == target.get(*name);
            *source != target && all_match(rule.source, source) && rule.equal.iter().all(same)
        })
    })
}

fn all_match(matchers: &[&str], labels: &Labels) -> bool {
    parsed(matchers).all(|matcher| matcher.matches(labels))
}

/// The matchers of the data above; a test parses every one of them.
fn parsed(matchers: &[&str]) -> impl Iterator<Item = Matcher> {
    matchers.iter().filter_map(|text| Matcher::parse(text).ok())
}

/// The configuration as `/status` shows it: secrets hidden, every default left out.
pub(super) fn config_text() -> String {
    let mut text = String::from(
        "global:\n  resolve_timeout: 5m\n  http_config:\n    follow_redirects: true\n    \
         enable_http2: true\n  pagerduty_url: https://events.pagerduty.com/v2/enqueue\n",
    );
    text.push_str("route:\n");
    write_route(&mut text, &ROOT, "  ");
    text.push_str("  group_wait: 10s\n  group_interval: 1m\n  repeat_interval: 4h\n  routes:\n");
    for route in CHILDREN {
        let mut child = String::new();
        write_route(&mut child, route, "    ");
        text.push_str(&child.replacen("    ", "  - ", 1));
    }
    text.push_str("inhibit_rules:\n");
    for rule in INHIBITIONS {
        text.push_str("- source_matchers:\n");
        write_list(&mut text, "  ", rule.source);
        text.push_str("  target_matchers:\n");
        write_list(&mut text, "  ", rule.target);
        text.push_str("  equal:\n");
        write_list(&mut text, "  ", rule.equal);
    }
    text.push_str("receivers:\n");
    for receiver in std::iter::once(&ROOT)
        .chain(CHILDREN)
        .map(|route| route.receiver)
    {
        let _ = writeln!(text, "- name: {receiver}");
        text.push_str(if receiver == "pager" {
            "  pagerduty_configs:\n  - send_resolved: true\n    routing_key: <secret>\n"
        } else {
            "  webhook_configs:\n  - send_resolved: true\n    url: <secret>\n"
        });
    }
    let _ = writeln!(
        text,
        "time_intervals:\n- name: {MIGRATION}\n  time_intervals:\n  - months: ['1:12']"
    );
    text
}

fn write_route(text: &mut String, route: &Route, indent: &str) {
    let _ = writeln!(
        text,
        "{indent}receiver: {}\n{indent}group_by:",
        route.receiver
    );
    write_list(text, indent, route.group_by);
    if !route.matchers.is_empty() {
        let _ = writeln!(text, "{indent}matchers:");
        write_list(text, indent, route.matchers);
    }
    if route.after == After::Continue {
        let _ = writeln!(text, "{indent}continue: true");
    }
    if let Some(interval) = route.muted_by {
        let _ = writeln!(text, "{indent}mute_time_intervals:\n{indent}- {interval}");
    }
}

fn write_list(text: &mut String, indent: &str, items: &[&str]) {
    for item in items {
        let _ = writeln!(text, "{indent}- {item}");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::super::labels::labels;
    use super::{CHILDREN, INHIBITIONS, Matcher, ROOT, Seed, config_text, routes, silences};

    #[test]
    fn every_matcher_of_the_configuration_parses() {
        let routed = CHILDREN.iter().flat_map(|route| route.matchers);
        let inhibiting = INHIBITIONS
            .iter()
            .flat_map(|rule| rule.source.iter().chain(rule.target));
        for matcher in routed.chain(inhibiting) {
            Matcher::parse(matcher).unwrap();
        }
        assert!(
            silences(Seed(1))
                .iter()
                .all(|silence| !silence.matchers.is_empty())
        );
    }

    #[test]
    fn a_page_takes_two_routes_and_the_rest_one() {
        let receivers = |pairs: &[(&str, &str)]| -> Vec<&str> {
            routes(&labels(pairs.iter().copied()))
                .iter()
                .map(|route| route.receiver)
                .collect()
        };
        assert_eq!(
            receivers(&[("severity", "page")]),
            ["incident-bot", "pager"]
        );
        assert_eq!(receivers(&[("severity", "ticket")]), [ROOT.receiver]);
        assert_eq!(
            receivers(&[("alertname", "Watchdog"), ("severity", "none")]),
            ["deadmansswitch"]
        );
    }

    #[test]
    fn the_configuration_names_what_the_routes_use() {
        let text = config_text();
        for wanted in [
            "- receiver: pager\n",
            "- name: pager\n",
            "    - reports-migration\n",
        ] {
            assert!(text.contains(wanted), "{wanted} in\n{text}");
        }
    }
}
