//! What does a `CDEvent` say was changed?
//!
//! CDEvents 0.3 (0.1 to 0.4 where their fields fit) in a `CloudEvent` 1.0 in structured mode, or bare.
//! Binary mode keeps half of an event in HTTP headers, which a file does not have. `service.deployed`,
//! `upgraded`, `rolledback`, `removed` and `published` are changes; they tell neither who did it, nor
//! from which version, nor how it ended. How it ended is taken from a `pipelinerun.finished` of the same
//! chain. Called by [`super::event`].

use serde_json::{Map, Value};

use super::plain::outcome_of;
use super::record::{Problem, Push, Record, Run, line, text_of, time_of};
use crate::domain::change::{ChangeKind, Outcome};
use crate::domain::text::Untrusted;

/// What an event is to us.
pub(super) enum Heard {
    Record(Record),
    /// It tells of no change: its type.
    Other(String),
}

/// Whether an object is a `CloudEvent`.
pub(super) fn is_cloud_event(event: &Map<String, Value>) -> bool {
    event.contains_key("specversion") && event.contains_key("type")
}

/// Whether an object is a `CDEvent` without a `CloudEvent` around it.
pub(super) fn is_bare(event: &Map<String, Value>) -> bool {
    let has = |key: &str| event.get(key).is_some_and(Value::is_object);
    has("context") && has("subject")
}

/// What a `CloudEvent` says.
///
/// # Errors
/// It is about a service, but what is needed to know which and when is missing.
pub(super) fn read_cloud_event(event: &Map<String, Value>) -> Result<Heard, Problem> {
    let kind = text_at(event, &["type"]).unwrap_or_default();
    if verb(&kind).is_none() {
        return Ok(Heard::Other(kind));
    }
    let Some(Value::Object(data)) = event.get("data") else {
        let what = "`data` is no object: write the event in structured mode, with its data as JSON";
        return Err(Problem::at("data", what));
    };
    read(data, Some(event))
}

/// What a `CDEvent` says.
///
/// # Errors
/// As with [`read_cloud_event`].
pub(super) fn read(
    event: &Map<String, Value>,
    around: Option<&Map<String, Value>>,
) -> Result<Heard, Problem> {
    let of_around = |key: &str| around.and_then(|around| text_at(around, &[key]));
    let kind = text_at(event, &["context", "type"]).or_else(|| of_around("type"));
    let kind = kind.unwrap_or_default();
    let Some((subject, verb)) = verb(&kind) else {
        return Ok(Heard::Other(kind));
    };
    if (subject, verb) == ("pipelinerun", "started") || (subject, verb) == ("pipelinerun", "queued")
    {
        return Ok(Heard::Other(kind));
    }
    let id = text_at(event, &["context", "id"]).or_else(|| of_around("id"));
    let Some(id) = id else {
        let what = "`id` of the event is missing: it names the event for good";
        return Err(Problem::at("context", what));
    };
    let source = text_at(event, &["context", "source"]).or_else(|| of_around("source"));
    let key = format!("{}:{id}", source.unwrap_or_default());
    let told = text_at(event, &["context", "timestamp"]).or_else(|| of_around("time"));
    let Some(at) = told.as_deref().and_then(time_of) else {
        let what = "`timestamp` is no time; write it like 2026-11-21T05:23:30Z";
        return Err(Problem::at("timestamp", what));
    };
    let chain = text_at(event, &["context", "chainId"]);
    let mut linked: Vec<String> = chain
        .into_iter()
        .map(|chain| format!("chain {chain}"))
        .collect();
    if subject == "pipelinerun" {
        linked.push(format!("event {id}"));
        let outcome = text_at(event, &["subject", "content", "outcome"]);
        let outcome = outcome.as_deref().and_then(outcome_of);
        let reason = text_at(event, &["subject", "content", "errors"]);
        return Ok(Heard::Record(Record::Run(Run {
            key,
            at,
            outcome: outcome.unwrap_or(Outcome::Unknown),
            reason: reason.as_deref().and_then(line),
            names: linked,
        })));
    }
    let Some(target) = at_path(event, &["subject", "id"]).and_then(text_of) else {
        let what = "`subject.id` is missing: it names the service";
        return Err(Problem::at("subject", what));
    };
    linked.extend(events_linked(event));
    let content = |path: &[&str]| {
        let path: Vec<&str> = ["subject", "content"].iter().chain(path).copied().collect();
        at_path(event, &path).and_then(text_of)
    };
    let (kind, reason) = match verb {
        "rolledback" => (ChangeKind::Rollback, None),
        "removed" => (
            ChangeKind::InfraDestructive,
            Some("the service was removed"),
        ),
        "published" => (ChangeKind::Config, Some("the service was published")),
        _ => (ChangeKind::Version, None),
    };
    let service = target.raw().trim_matches('/');
    let artifact = content(&["artifactId"]);
    Ok(Heard::Record(Record::Push(Box::new(Push {
        key,
        service: line(service),
        env: content(&["environment", "id"]),
        kind: Some(kind),
        to: artifact
            .as_ref()
            .and_then(|artifact| version_of(artifact.raw())),
        // The event says that it was done by then; not when it was begun.
        started_at: Some(at),
        finished_at: Some(at),
        reason: reason.map(Untrusted::line),
        labels: artifact
            .map(|artifact| (Untrusted::line("artifact"), artifact))
            .into_iter()
            .collect(),
        linked,
        target,
        ..Push::default()
    }))))
}

/// `service` and `deployed` of `dev.cdevents.service.deployed.0.1.1`, where it is of use here.
fn verb(kind: &str) -> Option<(&'static str, &'static str)> {
    const USED: [(&str, &str); 8] = [
        ("service", "deployed"),
        ("service", "upgraded"),
        ("service", "rolledback"),
        ("service", "removed"),
        ("service", "published"),
        ("pipelinerun", "finished"),
        ("pipelinerun", "started"),
        ("pipelinerun", "queued"),
    ];
    let mut words = kind.strip_prefix("dev.cdevents.")?.split('.');
    let (subject, verb) = (words.next()?.to_ascii_lowercase(), words.next()?);
    USED.into_iter().find(|used| *used == (&*subject, verb))
}

/// Other events that this one names: what CDEvents 0.4 calls links.
fn events_linked(event: &Map<String, Value>) -> Vec<String> {
    let links = at_path(event, &["context", "links"]).and_then(Value::as_array);
    let links = links.map(Vec::as_slice).unwrap_or_default();
    let named = links.iter().filter_map(Value::as_object).flat_map(|link| {
        let from = text_at(link, &["from", "contextId"]);
        let target = text_at(link, &["target", "contextId"]);
        from.into_iter().chain(target)
    });
    named.map(|id| format!("event {id}")).collect()
}

/// The version in a package URL: its tag where the version is a digest. Anything else stands for itself.
fn version_of(artifact: &str) -> Option<Untrusted> {
    let Some(purl) = artifact.strip_prefix("pkg:") else {
        return line(artifact);
    };
    let purl = purl.split('#').next().unwrap_or(purl);
    let (path, qualifiers) = purl.split_once('?').unwrap_or((purl, ""));
    let version = path.rsplit_once('@').map(|(_, version)| unescaped(version));
    let tag = qualifiers
        .split('&')
        .find_map(|pair| pair.strip_prefix("tag="));
    match (version, tag) {
        (Some(version), Some(tag)) if version.contains(':') => line(&unescaped(tag)),
        (Some(version), _) => line(&version),
        (None, tag) => line(&unescaped(tag?)),
    }
}

/// Percent-encoding undone.
fn unescaped(text: &str) -> String {
    let pair = format!("v={}", text.replace('+', "%2B"));
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

fn at_path<'a>(event: &'a Map<String, Value>, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter()
        .try_fold(event.get(*first)?, |value, key| value.get(key))
}

fn text_at(event: &Map<String, Value>, path: &[&str]) -> Option<String> {
    let text = at_path(event, path)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_package_url_is_found() {
        for (artifact, version) in [
            ("pkg:oci/checkout@2.31.0", Some("2.31.0")),
            (
                "pkg:oci/checkout@sha256%3A223d50?repository_url=x.test/c&tag=2.31.0",
                Some("2.31.0"),
            ),
            ("pkg:oci/checkout@sha256%3A223d50", Some("sha256:223d50")),
            ("pkg:golang/a.test/b@v1.2.3+meta#sub", Some("v1.2.3+meta")),
            ("pkg:oci/checkout", None),
            (
                "registry.test/checkout:2.31.0",
                Some("registry.test/checkout:2.31.0"),
            ),
        ] {
            let found = version_of(artifact);
            assert_eq!(found.as_ref().map(Untrusted::raw), version, "{artifact}");
        }
    }

    #[test]
    fn the_types_of_all_versions_are_known() {
        assert_eq!(
            verb("dev.cdevents.service.deployed.0.1.1"),
            Some(("service", "deployed"))
        );
        assert_eq!(
            verb("dev.cdevents.service.rolledback.0.2.0-draft"),
            Some(("service", "rolledback"))
        );
        assert_eq!(
            verb("dev.cdevents.pipelineRun.finished.0.2.0"),
            Some(("pipelinerun", "finished"))
        );
        assert_eq!(verb("dev.cdevents.build.finished.0.2.0"), None);
        assert_eq!(verb("com.example.deployed"), None);
    }
}
