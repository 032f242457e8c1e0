//! Which entities does a file of a Backstage catalogue hold?
//!
//! The format is Backstage's "descriptor format of catalog entities". A text is cut at its `---` lines
//! before anything is parsed, so that one bad document hides no other. Called by [`super::files`]; it
//! opens no file.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::{Error, Spanned};

use crate::config::yaml;
use crate::domain::text::shown;

/// What an entity is, of those that are or have services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Component,
    Resource,
    System,
    Api,
}

impl Kind {
    pub(super) fn of(word: &str) -> Option<Self> {
        let kinds = [
            ("component", Self::Component),
            ("resource", Self::Resource),
            ("system", Self::System),
            ("api", Self::Api),
        ];
        let found = kinds
            .iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name));
        found.map(|(_, kind)| *kind)
    }
}

/// Kinds that are nothing of ours.
const PASSED_OVER: [&str; 4] = ["group", "user", "domain", "template"];

/// An entity, with its references as they are written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entity {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) namespace: String,
    /// `path:line`
    pub(super) declared_in: String,
    pub(super) kubernetes_id: Option<String>,
    pub(super) is_platform: bool,
    pub(super) spec: Spec,
}

/// What is read of an entity's `spec`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spec {
    #[serde(rename = "type")]
    sort: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) system: Option<String>,
    pub(super) depends_on: Option<Vec<String>>,
    pub(super) dependency_of: Option<Vec<String>>,
    pub(super) provides_apis: Option<Vec<String>>,
    pub(super) consumes_apis: Option<Vec<String>>,
}

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) entities: Vec<Entity>,
    /// Where Locations lead, each with the `path:line` it stands at.
    pub(super) targets: Vec<(String, String)>,
    pub(super) problems: Vec<String>,
}

/// `spec.type` of what everything else runs on.
const PLATFORM_TYPES: [&str; 4] = ["infrastructure", "platform", "cluster", "ingress"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    api_version: Option<String>,
    kind: Option<Spanned<String>>,
}

#[derive(Deserialize)]
struct Whole {
    metadata: Spanned<Metadata>,
    #[serde(default)]
    spec: Option<Spec>,
}

#[derive(Deserialize)]
struct Metadata {
    name: Option<Spanned<String>>,
    namespace: Option<String>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, Option<String>>>,
    #[serde(default)]
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Location {
    #[serde(default)]
    spec: Option<LocationSpec>,
}

#[derive(Default, Deserialize)]
struct LocationSpec {
    target: Option<Spanned<String>>,
    #[serde(default)]
    targets: Option<Vec<Spanned<String>>>,
}

/// Reads a file's text. `path` is safe to show.
pub(super) fn of(path: &str, text: &str) -> Found {
    let mut reading = Reading {
        path,
        found: Found::default(),
    };
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    for document in split(text) {
        if let Err(problem) = reading.document(&document, &mut unknown) {
            reading.found.problems.push(problem);
        }
    }
    for (kind, count) in unknown {
        let line = format!(
            "{path}: {count} of kind {kind}: not read; next: nothing, unless it should be a Component"
        );
        reading.found.problems.push(line);
    }
    reading.found
}

/// A document's text and how many lines come before it.
struct Document<'a> {
    text: &'a str,
    lines_before: u64,
}

/// Cuts a text into its documents; those without content are left out.
fn split(text: &str) -> Vec<Document<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = Vec::new();
    let (mut start, mut at, mut lines_before) = (0, 0, 0);
    for (number, line) in (0_u64..).zip(text.split_inclusive('\n')) {
        let is_marker = |marker: &str| {
            let rest = line.strip_prefix(marker);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
        };
        if is_marker("---") || is_marker("...") {
            documents.push(Document {
                text: &text[start..at],
                lines_before,
            });
            // What stands behind the marker belongs to the document that it begins: the marker stays.
            (start, lines_before) = if is_marker("---") {
                (at, number)
            } else {
                (at + line.len(), number + 1)
            };
        }
        at += line.len();
    }
    documents.push(Document {
        text: &text[start..],
        lines_before,
    });
    documents.retain(|document| {
        let is_empty = |line: &str| {
            let line = line.strip_prefix("---").unwrap_or(line).trim();
            line.is_empty() || line.starts_with(['#', '%'])
        };
        !document.text.lines().all(is_empty)
    });
    documents
}

struct Reading<'a> {
    path: &'a str,
    found: Found,
}

impl Reading<'_> {
    fn document(
        &mut self,
        document: &Document<'_>,
        unknown: &mut BTreeMap<String, usize>,
    ) -> Result<(), String> {
        let head: Head = self.parse(document)?;
        let is_backstage = head
            .api_version
            .as_deref()
            .is_some_and(|version| version.starts_with("backstage.io/"));
        let Some(kind) = head.kind else {
            let next = "write `kind: Component`, or remove the document";
            return Err(self.problem(document, (1, 1), "a document without `kind`", next));
        };
        let word = kind.value.trim();
        if is_backstage && word.eq_ignore_ascii_case("location") {
            let location: Location = self.parse(document)?;
            let spec = location.spec.unwrap_or_default();
            for target in spec
                .target
                .into_iter()
                .chain(spec.targets.into_iter().flatten())
            {
                let line = document.lines_before + target.referenced.line();
                let at = format!("{}:{line}:{}", self.path, target.referenced.column());
                self.found
                    .targets
                    .push((at, target.value.trim().to_owned()));
            }
            return Ok(());
        }
        let kind = match Kind::of(word) {
            Some(kind) if is_backstage => kind,
            _ if is_backstage && PASSED_OVER.iter().any(|k| word.eq_ignore_ascii_case(k)) => {
                return Ok(());
            }
            _ => {
                *unknown.entry(shown(word)).or_default() += 1;
                return Ok(());
            }
        };
        let whole: Whole = self.parse(document)?;
        let at = &whole.metadata.referenced;
        let metadata = &whole.metadata.value;
        let name = metadata.name.as_ref();
        let Some(name) = name.filter(|name| !name.value.trim().is_empty()) else {
            let place = (at.line(), at.column());
            let what = "an entity without `metadata.name`";
            return Err(self.problem(document, place, what, "give it a name"));
        };
        let line = document.lines_before + name.referenced.line();
        let annotation = |key: &str| {
            let value = metadata.annotations.as_ref()?.get(key)?.as_deref()?.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        let spec = whole.spec.unwrap_or_default();
        let sort = spec.sort.as_deref().unwrap_or_default().trim();
        let is_platform = PLATFORM_TYPES.iter().any(|t| sort.eq_ignore_ascii_case(t))
            || metadata.tags.iter().flatten().any(|tag| tag == "platform")
            || annotation("quell.dev/platform").is_some_and(|value| value == "true");
        self.found.entities.push(Entity {
            kind,
            name: name.value.trim().to_owned(),
            namespace: metadata
                .namespace
                .as_deref()
                .unwrap_or("default")
                .trim()
                .to_owned(),
            declared_in: format!("{}:{line}", self.path),
            kubernetes_id: annotation("backstage.io/kubernetes-id"),
            is_platform,
            spec,
        });
        Ok(())
    }

    fn parse<T: serde::de::DeserializeOwned>(&self, document: &Document<'_>) -> Result<T, String> {
        let parsed = serde_saphyr::from_str_with_options(document.text, yaml::options());
        parsed.map_err(|error| {
            let place = error.location().map_or((1, 1), |l| (l.line(), l.column()));
            let next = match yaml::innermost(&error) {
                error if yaml::is_too_much(error) => "split it into several documents",
                Error::DuplicateMappingKey { .. } => "keep one of the two",
                _ => "correct it; the other documents are read",
            };
            self.problem(document, place, &explain(&error), next)
        })
    }

    fn problem(
        &self,
        document: &Document<'_>,
        (line, column): (u64, u64),
        what: &str,
        next: &str,
    ) -> String {
        let (path, line) = (self.path, document.lines_before + line);
        format!("{path}:{line}:{column}: {}; next: {next}", shown(what))
    }
}

fn explain(error: &Error) -> String {
    let words = match yaml::innermost(error) {
        Error::Unexpected { expected, .. } => match *expected {
            "string scalar" => "it must be a single text",
            "sequence start" => "it must be a list",
            "mapping start" => "it must be fields, as in `name: checkout`",
            other => return format!("expected {other}"),
        },
        _ => return yaml::explain(error),
    };
    words.to_owned()
}
