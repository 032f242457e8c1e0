//! In which format is a document written?
//!
//! Looks at `apiVersion`, `kind` and `version` only. What is nearly one of the formats, or one of
//! them in a version that is not read, is a problem; anything else is somebody else's document.

use super::document::{Kind, Node};
use super::fields::Value;
use super::names::ObjectKind;
use super::report::{At, Report, quoted};
use crate::domain::nearest::nearest;

const OPENSLO: &str = "openslo/v1";
const SLOTH_RESOURCE: &str = "sloth.slok.dev/v1";
const SLOTH_FILE: &str = "prometheus/v1";
const SLOTH_KIND: &str = "PrometheusServiceLevel";
const PYRRA: &str = "pyrra.dev/v1alpha1";
const PYRRA_KIND: &str = "ServiceLevelObjective";

/// Words that stand in every file of the formats.
pub(super) const MARKS: [&str; 4] = ["openslo", "sloth.slok.dev", "prometheus/v1", "pyrra.dev"];

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    OpenSlo(ObjectKind),
    SlothFile,
    SlothResource,
    Pyrra,
    /// Of one of the formats, and nothing to read: alert windows, or a problem that was said.
    Ours,
    Foreign,
}

/// The documents within a document: the items of a list, as `kubectl get -o yaml` prints it, and the
/// root of all others.
pub(super) fn documents(node: &Node, file: usize) -> Vec<Value<'_>> {
    let items = match &node.kind {
        Kind::List(items) => Some(items),
        Kind::Map(_) => {
            let is_list = node
                .scalar("kind")
                .is_some_and(|kind| kind.ends_with("List"));
            match node
                .get("items")
                .filter(|_| is_list)
                .map(|items| &items.kind)
            {
                Some(Kind::List(items)) => Some(items),
                _ => None,
            }
        }
        _ => None,
    };
    match items {
        Some(items) => items
            .iter()
            .map(|item| Value::document(item, file))
            .collect(),
        None => vec![Value::document(node, file)],
    }
}

/// Tells the format of one.
pub(super) fn of(document: &Value<'_>, report: &mut Report) -> Format {
    let node = document.node();
    let scalar = |key: &str| node.scalar(key).unwrap_or_default();
    let (api, kind) = (scalar("apiVersion"), scalar("kind"));
    let at = |key: &str| At {
        file: document.at.file,
        place: node.get(key).map_or(node.place, |value| value.place),
    };
    let kind_of = |names: &[&'static str], report: &mut Report| -> Option<usize> {
        let found = names.iter().position(|name| *name == kind);
        if found.is_none() {
            let what = match kind {
                "" => format!("`kind` is missing beside {}", quoted(api)),
                kind => format!(
                    "`kind` is {}, which {} does not know",
                    quoted(kind),
                    quoted(api)
                ),
            };
            let next_step = match nearest(kind, names.iter().copied()) {
                Some(near) => format!("is `{near}` meant?"),
                None => format!("write {}", names.join(" or ")),
            };
            report.problem(at("kind"), what, next_step);
        }
        found
    };
    match api {
        OPENSLO => {
            let names = ObjectKind::NAMES.map(|(name, _)| name);
            let found = kind_of(&names, report).and_then(|at| ObjectKind::NAMES.get(at));
            found.map_or(Format::Ours, |(_, kind)| Format::OpenSlo(*kind))
        }
        SLOTH_RESOURCE => match kind_of(&[SLOTH_KIND, "AlertWindows"], report) {
            Some(0) => Format::SlothResource,
            _ => Format::Ours,
        },
        PYRRA => match kind_of(&[PYRRA_KIND], report) {
            Some(_) => Format::Pyrra,
            None => Format::Ours,
        },
        "" => without_api_version(document, report),
        other => other_version(other, kind, at("apiVersion"), report),
    }
}

/// Whether one of the formats has documents of this kind.
fn is_our_kind(kind: &str) -> bool {
    let of_openslo = ObjectKind::NAMES.iter().any(|(name, _)| *name == kind);
    of_openslo || [SLOTH_KIND, PYRRA_KIND].contains(&kind)
}

fn other_version(api: &str, kind: &str, at: At, report: &mut Report) -> Format {
    let family = |name: &str| {
        let rest = api.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['/', '.']))
    };
    let next_step = if family("openslo") {
        "convert it to `openslo/v1`: `indicator` or `indicatorRef` with `ratioMetric` or \
         `thresholdMetric`, `timeWindow` with `duration`"
            .to_owned()
    } else if family("sloth.slok.dev") {
        format!("convert it to `{SLOTH_RESOURCE}`")
    } else if family("pyrra.dev") {
        format!("convert it to `{PYRRA}`")
    } else {
        let near = nearest(api, [OPENSLO, SLOTH_RESOURCE, PYRRA]).filter(|_| is_our_kind(kind));
        let Some(near) = near else {
            return Format::Foreign;
        };
        format!("is `{near}` meant?")
    };
    let what = format!("`apiVersion` is {}, which is not read", quoted(api));
    report.problem(at, what, next_step);
    Format::Ours
}

fn without_api_version(document: &Value<'_>, report: &mut Report) -> Format {
    let node = document.node();
    let version = node.scalar("version").unwrap_or_default();
    if version == SLOTH_FILE {
        return Format::SlothFile;
    }
    if version.starts_with("prometheus/") {
        let at = At {
            file: document.at.file,
            place: node.get("version").map_or(node.place, |value| value.place),
        };
        let what = format!("`version` is {}, which is not read", quoted(version));
        report.problem(at, what, format!("write it for Sloth's `{SLOTH_FILE}`"));
        return Format::Ours;
    }
    let has = |key: &str| node.get(key).is_some();
    let (what, next_step) = if has("service") && has("slos") && !has("version") {
        (
            "this looks like Sloth's, but `version` is missing",
            format!("add `version: {SLOTH_FILE}`"),
        )
    } else if has("spec") && matches!(node.scalar("kind"), Some("SLO" | "SLI")) {
        (
            "this looks like OpenSLO, but `apiVersion` is missing",
            format!("add `apiVersion: {OPENSLO}`"),
        )
    } else if has("spec") && node.scalar("kind") == Some(PYRRA_KIND) {
        (
            "this looks like Pyrra's, but `apiVersion` is missing",
            format!("add `apiVersion: {PYRRA}`"),
        )
    } else {
        return Format::Foreign;
    };
    report.problem(document.at, what, next_step);
    Format::Ours
}
