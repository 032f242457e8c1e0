//! Which rules of triage does the config ask for?
//!
//! Part of `resolve`. A list that is given replaces the default list; nothing is added to it.

use super::raw::{RawTriage, Text, Texts};
use super::resolve::Resolver;
use crate::domain::alert::Lane;
use crate::domain::matcher::Matchers;
use crate::domain::triage::{LabelNames, LaneRule, TriagePolicy};

/// The names of lanes.
fn lanes() -> Vec<(&'static str, Lane)> {
    Lane::ALL.map(|lane| (lane.word(), lane)).to_vec()
}

/// The policy for what was written and the URL prefixes, which stand in another table.
pub(super) fn resolve(
    resolver: &mut Resolver<'_>,
    raw: &RawTriage,
    url_prefixes: Vec<String>,
) -> TriagePolicy {
    let default = TriagePolicy::default();
    let rules: Vec<LaneRule> = raw
        .lanes
        .iter()
        .filter_map(|rule| {
            let title = "[[triage.lane]]";
            let lane = resolver.required(rule.lane.as_ref(), &rule.header, title, "lane");
            let text = resolver.required(rule.matchers.as_ref(), &rule.header, title, "match");
            let lane = lane.and_then(|lane| resolver.choice(lane, "lane", &lanes()));
            let matchers = text.and_then(|text| matchers(resolver, text));
            Some(LaneRule {
                lane: lane?,
                matchers: matchers?,
            })
        })
        .collect();
    let default_lane = raw
        .default_lane
        .as_ref()
        .and_then(|lane| resolver.choice(lane, "lane", &lanes()));
    let mut names = |given: Option<&Texts>, default: Vec<String>| match given {
        Some(given) => filled(resolver, given),
        None => default,
    };
    TriagePolicy {
        labels: LabelNames {
            severity: names(raw.severity_labels.as_ref(), default.labels.severity),
            service: names(raw.service_labels.as_ref(), default.labels.service),
            env: names(raw.env_labels.as_ref(), default.labels.env),
            location: names(raw.location_labels.as_ref(), default.labels.location),
            owner: names(raw.owner_labels.as_ref(), default.labels.owner),
        },
        watchdogs: names(raw.watchdogs.as_ref(), default.watchdogs),
        lanes: if raw.lanes.is_empty() {
            default.lanes
        } else {
            rules
        },
        default_lane: default_lane.unwrap_or(default.default_lane),
        runbook_url_prefixes: url_prefixes,
    }
}

/// A conjunction of matchers. One that demands nothing is a mistake: it would hold for everything.
pub(super) fn matchers(resolver: &mut Resolver<'_>, text: &Text) -> Option<Matchers> {
    match Matchers::parse(&text.value) {
        Ok(matchers) if matchers.0.is_empty() => {
            let hint = "write one like severity=\"critical\"";
            resolver
                .findings
                .add(&text.spot, "there is no matcher in it", Some(hint));
            None
        }
        Ok(matchers) => Some(matchers),
        Err(mut error) => {
            let example = "write matchers like severity=\"critical\", env=~\"prod|stage\"";
            error.hint.get_or_insert_with(|| example.to_owned());
            let document = resolver.surroundings.document;
            resolver.findings.add_within(document, text, &error);
            None
        }
    }
}

/// The texts of a list, none of which may be empty.
fn filled(resolver: &mut Resolver<'_>, texts: &Texts) -> Vec<String> {
    for text in &texts.value {
        if text.value.is_empty() {
            resolver
                .findings
                .add(&text.spot, "this name is empty", Some("remove it"));
        }
    }
    texts.value.iter().map(|text| text.value.clone()).collect()
}
