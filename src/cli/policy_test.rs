//! Does a policy come to what its author expects?
//!
//! Cases are TOML, so that they stand beside the policy and are reviewed with it. Each is judged by the
//! policy that its file names, else by the one of the config. Without a time of its own a case is at a
//! fixed one, so that it comes to the same tomorrow.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::policy_case::{Case, Expect};
use crate::config::Paths;
use crate::config::policy::{built_in, load_policy};
use crate::config::settings::Settings;
use crate::domain::policy::{Judgement, Policy, RuleVerdict};
use crate::domain::text::{Untrusted, shown};

/// Monday, 5 January 2026, noon UTC.
const FIXED_SECS: i64 = 1_767_614_400;

/// A file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    /// Relative to the file, or a built-in one.
    policy: Option<String>,
    #[serde(default, rename = "case")]
    cases: Vec<Case>,
}

/// What came of one case.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) file: Untrusted,
    pub(super) name: Untrusted,
    pub(super) policy: Untrusted,
    /// Where it came to something else.
    pub(super) problems: Vec<Untrusted>,
}

/// Judges all cases of files and folders.
///
/// # Errors
/// A file that cannot be read, a policy that does not hold, or nothing to test: in words.
pub(super) fn run(
    paths: &[PathBuf],
    settings: &Settings,
    home: &Paths,
) -> Result<Vec<Outcome>, String> {
    let own = settings.actions.policy.as_ref();
    let beside = own.map(|policy| Path::new(policy.name.raw()).with_file_name("tests"));
    let paths = match (paths, beside) {
        ([], Some(beside)) => vec![beside],
        ([], None) => return Err("name a file of cases, or a folder of them".to_owned()),
        (paths, _) => paths.to_vec(),
    };
    let mut outcomes = Vec::new();
    for path in paths {
        for file in files(&path)? {
            outcomes.extend(judge_file(&file, own, settings, home)?);
        }
    }
    if outcomes.is_empty() {
        return Err("there is no [[case]] in what was named".to_owned());
    }
    Ok(outcomes)
}

/// The files of a folder by name, or the file itself.
fn files(path: &Path) -> Result<Vec<PathBuf>, String> {
    let name = shown(&path.to_string_lossy());
    let failed = |error: std::io::Error| format!("cannot read {name}: {error}");
    if !path.metadata().map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn judge_file(
    file: &Path,
    own: Option<&Policy>,
    settings: &Settings,
    home: &Paths,
) -> Result<Vec<Outcome>, String> {
    let name = shown(&file.to_string_lossy());
    let text = fs::read_to_string(file).map_err(|error| format!("cannot read {name}: {error}"))?;
    let fixture: Fixture = toml::from_str(&text).map_err(|error| {
        let error = Untrusted::block(&error.to_string());
        format!("{name}: {}", error.shown())
    })?;
    let policy = match (&fixture.policy, own) {
        (Some(wanted), _) => named(wanted, file, home)?,
        (None, Some(own)) => own.clone(),
        (None, None) => {
            return Err(format!(
                "{name} names no `policy`, and neither does --policy nor the config"
            ));
        }
    };
    let now = DateTime::from_timestamp(FIXED_SECS, 0).unwrap_or_default();
    let cases = fixture.cases.iter().enumerate();
    Ok(cases
        .map(|(at, case)| {
            let number = format!("case {}", at + 1);
            Outcome {
                file: Untrusted::line(&file.to_string_lossy()),
                name: Untrusted::line(case.name.as_deref().unwrap_or(&number)),
                policy: policy.name.clone(),
                problems: judge(case, &policy, settings, now),
            }
        })
        .collect())
}

fn named(wanted: &str, file: &Path, home: &Paths) -> Result<Policy, String> {
    if let Some(policy) = built_in(wanted) {
        return policy.map_err(|hint| format!("unknown policy `{}`: {hint}", shown(wanted)));
    }
    let folder = file.parent().unwrap_or(Path::new(""));
    let path = folder.join(home.expand(Path::new(wanted)));
    let loaded = load_policy(&path, home).map_err(|errors| errors.to_string())?;
    Ok(loaded.policy)
}

fn judge(case: &Case, policy: &Policy, settings: &Settings, now: DateTime<Utc>) -> Vec<Untrusted> {
    let problem = |words: &str| Untrusted::line(words);
    let Some(expect) = &case.expect else {
        return vec![problem("it expects nothing: add `expect`")];
    };
    match case.question(policy, settings, now) {
        Ok(question) => {
            let judged = policy.judge(&question.plan, &question.facts);
            let differences = differences(expect, &judged);
            differences.iter().map(|words| problem(words)).collect()
        }
        Err(why) => vec![problem(&why)],
    }
}

/// What was expected and is not so: expected first, then what came.
fn differences(expect: &Expect, judged: &Judgement) -> Vec<String> {
    let mut found = Vec::new();
    let mut differ = |what: &str, expected: Option<String>, got: String| {
        if let Some(expected) = expected.filter(|expected| *expected != got) {
            found.push(format!("{what}: expected {}, got {got}", shown(&expected)));
        }
    };
    let of_verdict = |verdict: RuleVerdict| {
        let mut findings = judged.findings.iter();
        findings.find(move |finding| finding.verdict == verdict)
    };
    let decisive = of_verdict(judged.verdict);
    let (rule, words) = decisive.map_or(("none", ""), |f| (f.rule.shown(), f.words.shown()));
    let verdict = judged.verdict.word();
    differ("verdict", expect.verdict.clone(), verdict.to_owned());
    differ("rule", expect.rule.clone(), rule.to_owned());
    let require = &judged.require;
    let approvals = expect.approvals.map(|n| n.to_string());
    differ("approvals", approvals, require.approvals.to_string());
    let role = require.role.clone().unwrap_or_else(|| "none".to_owned());
    differ("role", expect.role.clone(), role);
    for (what, expected, got) in [
        ("reason", expect.reason, require.reason),
        ("ticket", expect.ticket, require.ticket),
        ("typed_name", expect.typed_name, require.typed_name),
    ] {
        differ(what, expected.map(|on| on.to_string()), got.to_string());
    }
    let says = expect.says.as_deref();
    if let Some(says) = says.filter(|says| !words.contains(says)) {
        found.push(format!("says: expected `{}` in `{words}`", shown(says)));
    }
    if !found.is_empty() && says.is_none() {
        found.push(format!("{rule}: {words}"));
    }
    found
}
