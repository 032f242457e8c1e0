//! Where does a plan come from?
//!
//! A plan does not say which command made it, for which workspace and from which commit. Whoever
//! writes it may say so in a file beside it: for `prod.json` this is `prod.json.meta.json`,
//! `prod.meta.json`, `prod.json.provenance.json` or `prod.provenance.json`, the first that is there.
//!
//! ```json
//! {
//!   "command": "terraform plan -out=plan.bin",
//!   "workspace": "prod",
//!   "commit": "3f2a9c1",
//!   "made_at": "2026-11-21T05:23:30Z"
//! }
//! ```
//!
//! Every field may be missing; null is missing. `made_at` counts only where the plan has no time of
//! its own. A sidecar that cannot be read is a limit of the answer; its plan is read all the same.
//! Called by [`super::read`].

use std::collections::BTreeMap;
use std::io::Read;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::config::delivery::Provenance;
use crate::sources::folder::{self, Links, Listed};

/// How the name of a sidecar ends.
pub(super) const ENDS: [&str; 2] = [".meta.json", ".provenance.json"];

/// No larger one is read.
const MAX_BYTES: u64 = 64 * 1024;

/// What a sidecar says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sidecar {
    pub(super) provenance: Provenance,
    pub(super) made_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Wire {
    command: Option<String>,
    workspace: Option<String>,
    commit: Option<String>,
    made_at: Option<String>,
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

/// Whether a file of this name speaks of another.
pub(super) fn is_sidecar(name: &str) -> bool {
    ENDS.iter().any(|end| name.ends_with(end))
}

/// The names that a plan's sidecar may have, the first that is there counts.
pub(super) fn names_for(plan: &str) -> Vec<String> {
    let stem = stem(plan);
    let bases = [plan, stem];
    let names = ENDS
        .iter()
        .flat_map(|end| bases.iter().map(move |base| format!("{base}{end}")));
    names.collect()
}

/// The name of a plan without its ending, also without `.show` or `.stream` before it.
pub(super) fn stem(name: &str) -> &str {
    let is_end = |end: &str| ["json", "jsonl", "ndjson"].contains(&end);
    match name.rsplit_once('.') {
        Some((stem, end)) if is_end(end) && !stem.is_empty() => stem,
        _ => name,
    }
}

/// Reads a sidecar. What is wrong with it comes beside what could be read, as `file:line:col: what`.
pub(super) fn read(file: &Listed) -> (Sidecar, Vec<String>) {
    let name = &file.name;
    let mut bytes = Vec::new();
    let got = folder::open(&file.path, Links::Follow)
        .and_then(|(opened, _)| opened.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    if let Err(error) = got {
        let problem = format!("{name}:1:1: cannot be read: {error}; let your user read it");
        return (Sidecar::default(), vec![problem]);
    }
    if bytes.len() as u64 > MAX_BYTES {
        let what = "is larger than 64 KiB; it holds four short fields only";
        return (Sidecar::default(), vec![format!("{name}:1:1: {what}")]);
    }
    parse(name, &bytes)
}

fn parse(name: &str, bytes: &[u8]) -> (Sidecar, Vec<String>) {
    let next = "write command, workspace, commit and made_at as texts, or take the file away";
    let wire: Wire = match serde_json::from_slice(bytes) {
        Ok(wire) => wire,
        Err(error) => {
            let (line, column) = (error.line().max(1), error.column().max(1));
            let what = super::document::what(&error);
            let problem = format!("{name}:{line}:{column}: {what}; {next}");
            return (Sidecar::default(), vec![problem]);
        }
    };
    let mut problems = Vec::new();
    if !wire.unknown.is_empty() {
        let keys: Vec<&str> = wire.unknown.keys().map(String::as_str).collect();
        let keys = keys.join(", ");
        let at = place_of(bytes, wire.unknown.keys().next());
        problems.push(format!(
            "{name}:{at}: unknown fields are not used: {keys}; {next}"
        ));
    }
    let made_at = wire.made_at.as_deref().and_then(|text| {
        let time = DateTime::parse_from_rfc3339(text).ok();
        if time.is_none() {
            let at = place_of(bytes, Some(&"made_at".to_owned()));
            let what = "`made_at` is no time; write it like 2026-11-21T05:23:30Z";
            problems.push(format!("{name}:{at}: {what}"));
        }
        time.map(|time| time.to_utc())
    });
    let told = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let provenance = Provenance {
        command: told(wire.command),
        workspace: told(wire.workspace),
        commit: told(wire.commit),
    };
    let sidecar = Sidecar {
        provenance,
        made_at,
    };
    (sidecar, problems)
}

/// The line and column of a key.
fn place_of(bytes: &[u8], key: Option<&String>) -> String {
    let text = String::from_utf8_lossy(bytes);
    let quoted = key.map(|key| Value::from(key.as_str()).to_string());
    let at = quoted.and_then(|quoted| text.find(&quoted)).unwrap_or(0);
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
    format!("{line}:{column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_in_a_sidecar_is_placed_and_the_rest_is_used() {
        let text = "{\n  \"workspace\": \"prod\",\n  \"made_at\": \"yesterday\",\n  \"by\": 1\n}";
        let (sidecar, problems) = parse("prod.meta.json", text.as_bytes());
        assert_eq!(sidecar.provenance.workspace.as_deref(), Some("prod"));
        assert_eq!(problems.len(), 2);
        assert!(
            problems[0].starts_with("prod.meta.json:4:3: unknown fields are not used: by;"),
            "{problems:?}"
        );
        assert!(
            problems[1].starts_with("prod.meta.json:3:3: `made_at` is no time"),
            "{problems:?}"
        );
    }

    #[test]
    fn a_broken_sidecar_says_where_and_quotes_nothing() {
        let (sidecar, problems) = parse("a.meta.json", b"{\n \"commit\": [\"FAKE-1\"]}");
        assert_eq!(sidecar, Sidecar::default());
        assert!(problems[0].starts_with("a.meta.json:2:"), "{problems:?}");
        assert!(!problems[0].contains("FAKE-1"), "{problems:?}");
    }

    #[test]
    fn a_sidecar_is_found_by_the_name_of_its_plan() {
        let names = names_for("eu/prod.json");
        assert_eq!(names[0], "eu/prod.json.meta.json");
        assert!(names.contains(&"eu/prod.provenance.json".to_owned()));
        assert!(is_sidecar("prod.meta.json") && !is_sidecar("prod.json"));
    }
}
