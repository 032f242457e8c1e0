//! Which runbook belongs to an alert, and by which rule?
//!
//! First match wins: `quell_runbook`, then `runbook_url` or `runbook`, then `applies_to` with the
//! most matchers, then a file name or alias equal to the alert's name. The rule is always shown.
//! Works offline: a URL is compared with the files at hand, never fetched.

use std::collections::HashMap;

use serde::Serialize;

use super::label::Labels;
use super::runbook::{Library, Runbook, Version};
use super::text::Untrusted;

/// The rule that linked an alert to a runbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    /// The annotation `quell_runbook` names the id.
    QuellRunbook,
    /// The annotation `runbook_url` or `runbook` leads to the file.
    RunbookUrl,
    /// `applies_to` of the front matter holds for the labels.
    AppliesTo,
    /// An alias is the alert's name.
    Alias,
    /// The file's name is the alert's name.
    FileName,
}

impl MatchedBy {
    /// The word in JSON and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::QuellRunbook => "quell_runbook",
            Self::RunbookUrl => "runbook_url",
            Self::AppliesTo => "applies_to",
            Self::Alias => "alias",
            Self::FileName => "file_name",
        }
    }
}

/// The runbook of an alert.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunbookLink {
    /// Its id.
    pub id: Untrusted,
    /// The version at hand.
    pub version: Version,
    /// The rule.
    pub matched_by: MatchedBy,
    /// The section a URL points to, as a heading's slug.
    pub anchor: Option<Untrusted>,
    /// What the operator should know: another version was meant, a named runbook is missing, a tie.
    pub caution: Option<String>,
}

/// Bases of web sites whose last path part is a runbook's name in any case, such as
/// `https://runbooks.prometheus-operator.dev/runbooks/`.
pub type UrlPrefixes = Vec<String>;

/// An index over a library, for linking many alerts.
pub struct Linker<'a> {
    library: &'a Library,
    prefixes: &'a [String],
    by_id: HashMap<&'a str, usize>,
    by_alias: HashMap<&'a str, usize>,
    by_stem: HashMap<&'a str, usize>,
}

impl<'a> Linker<'a> {
    /// Indexes a library once.
    #[must_use]
    pub fn new(library: &'a Library, prefixes: &'a [String]) -> Self {
        let mut linker = Self {
            library,
            prefixes,
            by_id: HashMap::new(),
            by_alias: HashMap::new(),
            by_stem: HashMap::new(),
        };
        for (at, book) in library.runbooks.iter().enumerate() {
            linker.by_id.entry(book.id.raw()).or_insert(at);
            linker.by_stem.entry(stem(book.path.raw())).or_insert(at);
            for alias in &book.front.aliases {
                linker.by_alias.entry(alias.raw()).or_insert(at);
            }
        }
        linker
    }

    /// The runbook of an alert with these labels and annotations.
    #[must_use]
    pub fn link(&self, labels: &Labels, annotations: &Labels) -> Option<RunbookLink> {
        let mut missing = None;
        if let Some(named) = annotations.get("quell_runbook").filter(|n| !n.is_empty()) {
            let (id, anchor) = split_anchor(named.raw());
            if let Some(&at) = self.by_id.get(id) {
                return Some(self.found(at, MatchedBy::QuellRunbook, anchor, None));
            }
            missing = Some(format!("quell_runbook names `{named}`, which is not here"));
        }
        for annotation in ["runbook_url", "runbook"] {
            let Some(url) = annotations.get(annotation).filter(|u| !u.is_empty()) else {
                continue;
            };
            if let Some((at, anchor, caution)) = self.by_url(url.raw()) {
                let caution = join(missing, caution);
                return Some(self.found(at, MatchedBy::RunbookUrl, anchor, caution));
            }
            missing = join(
                missing,
                Some(format!("{annotation} leads to no runbook here")),
            );
        }
        if let Some((at, tie)) = self.by_matchers(labels) {
            return Some(self.found(at, MatchedBy::AppliesTo, None, join(missing, tie)));
        }
        let name = labels.get("alertname")?.raw();
        if let Some(&at) = self.by_alias.get(name) {
            return Some(self.found(at, MatchedBy::Alias, None, missing));
        }
        let &at = self.by_stem.get(name)?;
        Some(self.found(at, MatchedBy::FileName, None, missing))
    }

    fn found(
        &self,
        at: usize,
        matched_by: MatchedBy,
        anchor: Option<&str>,
        caution: Option<String>,
    ) -> RunbookLink {
        let book = &self.library.runbooks[at];
        RunbookLink {
            id: book.id.clone(),
            version: book.version.clone(),
            matched_by,
            anchor: anchor.filter(|a| !a.is_empty()).map(Untrusted::line),
            caution,
        }
    }

    fn by_matchers(&self, labels: &Labels) -> Option<(usize, Option<String>)> {
        let mut best: Option<(usize, usize)> = None;
        let mut ties: Vec<&Runbook> = Vec::new();
        for (at, book) in self.library.runbooks.iter().enumerate() {
            let count = |m: &super::matcher::Matchers| m.matches(labels).then_some(m.0.len());
            let Some(count) = book.front.applies_to.iter().filter_map(count).max() else {
                continue;
            };
            match best {
                Some((_, most)) if count < most => {}
                Some((_, most)) if count == most => ties.push(book),
                _ => {
                    best = Some((at, count));
                    ties.clear();
                }
            }
        }
        let also: Vec<&str> = ties.iter().map(|b| b.id.shown()).collect();
        let caution = (!also.is_empty()).then(|| format!("applies as well: {}", also.join(", ")));
        best.map(|(at, _)| (at, caution))
    }

    fn by_url<'u>(&self, url: &'u str) -> Option<(usize, Option<&'u str>, Option<String>)> {
        let (address, anchor) = split_anchor(url);
        for prefix in self.prefixes {
            if let Some(rest) = address.strip_prefix(prefix.as_str()) {
                let name = rest.trim_end_matches('/').rsplit('/').next()?;
                let wanted = stem(name).to_lowercase();
                let at = self
                    .library
                    .runbooks
                    .iter()
                    .position(|b| stem(b.path.raw()).to_lowercase() == wanted)?;
                return Some((at, anchor, None));
            }
        }
        let file = RepositoryFile::parse(address)?;
        let at = self.by_path(&file.path)?;
        Some((at, anchor, self.version_caution(&file)))
    }

    /// The file whose path and the wanted one are each other's ending, the longest first.
    fn by_path(&self, wanted: &[&str]) -> Option<usize> {
        let common = |book: &Runbook| {
            let own: Vec<&str> = book.path.raw().split('/').collect();
            let same = own.iter().rev().zip(wanted.iter().rev());
            let count = same.take_while(|(a, b)| a == b).count();
            (count == own.len() || count == wanted.len()).then_some(count)
        };
        let books = self.library.runbooks.iter().enumerate();
        let matches = books.filter_map(|(at, book)| Some((common(book)?, at)));
        // Of equals the first stays, as the list is in order of ids.
        matches
            .max_by_key(|(count, at)| (*count, std::cmp::Reverse(*at)))
            .map(|(_, at)| at)
    }

    fn version_caution(&self, file: &RepositoryFile<'_>) -> Option<String> {
        let wanted = file.reference?;
        let shown = super::text::shown(wanted);
        if is_commit(wanted) {
            let here = self.library.origin.commit.as_deref()?;
            let same = here.starts_with(wanted);
            return (!same).then(|| {
                format!(
                    "the alert names commit {shown}, this is {}",
                    here.get(..7).unwrap_or(here)
                )
            });
        }
        let here = self.library.origin.branch.as_ref()?;
        // A branch may hold slashes: then the reference is only its first part.
        let same = here.raw() == wanted || here.raw().starts_with(&format!("{wanted}/"));
        (!same && wanted != "HEAD").then(|| format!("the alert names {shown}, this is {here}"))
    }
}

/// A file within a repository, as a URL or a relative path names it.
struct RepositoryFile<'a> {
    /// Branch, tag or commit; none for a relative path.
    reference: Option<&'a str>,
    /// Parts of the path. It may begin with the rest of a reference that holds slashes.
    path: Vec<&'a str>,
}

impl<'a> RepositoryFile<'a> {
    fn parse(address: &'a str) -> Option<Self> {
        let address = address.split('?').next()?;
        let Some((_, rest)) = address.split_once("://") else {
            let path: Vec<&str> = address
                .split('/')
                .filter(|part| !part.is_empty() && *part != ".")
                .collect();
            let inside = !path.is_empty() && !path.contains(&"..");
            return inside.then_some(Self {
                reference: None,
                path,
            });
        };
        let mut parts = rest.split('/').filter(|part| !part.is_empty());
        let host = parts.next()?;
        let parts: Vec<&str> = parts.collect();
        let after = if host == "raw.githubusercontent.com" {
            let tail = parts.get(2..)?;
            tail.strip_prefix(&["refs", "heads"]).unwrap_or(tail)
        } else if let Some(dash) = parts.iter().position(|part| *part == "-") {
            // GitLab: GROUP/.../REPO/-/blob/REF/PATH
            matches!(*parts.get(dash + 1)?, "blob" | "raw").then(|| &parts[dash + 2..])?
        } else {
            // GitHub and its kin: OWNER/REPO/blob/REF/PATH
            matches!(*parts.get(2)?, "blob" | "raw" | "src").then(|| &parts[3..])?
        };
        let (reference, path) = after.split_first()?;
        (!path.is_empty()).then(|| Self {
            reference: Some(reference),
            path: path.to_vec(),
        })
    }
}

fn split_anchor(url: &str) -> (&str, Option<&str>) {
    match url.split_once('#') {
        Some((address, anchor)) => (address, Some(anchor)),
        None => (url, None),
    }
}

/// `a/b/name.md` -> `name`
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".md").unwrap_or(name)
}

fn is_commit(reference: &str) -> bool {
    (7..=64).contains(&reference.len()) && reference.bytes().all(|b| b.is_ascii_hexdigit())
}

fn join(first: Option<String>, second: Option<String>) -> Option<String> {
    match (first, second) {
        (Some(a), Some(b)) => Some(format!("{a}; {b}")),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use crate::domain::matcher::Matchers;
    use crate::domain::runbook::{FrontMatter, Origin};
    use std::sync::Arc;

    fn book(id: &str, path: &str, applies_to: &[&str], aliases: &[&str]) -> Runbook {
        Runbook {
            id: Untrusted::line(id),
            title: Untrusted::line(id),
            path: Untrusted::line(path),
            version: Version::Unversioned {
                sha256: "00".repeat(32),
            },
            front: FrontMatter {
                applies_to: applies_to
                    .iter()
                    .map(|m| Matchers::parse(m).unwrap())
                    .collect(),
                aliases: aliases.iter().map(|a| Untrusted::line(a)).collect(),
                ..FrontMatter::default()
            },
            document: Arc::default(),
            source: "".into(),
            problems: Vec::new(),
        }
    }

    fn library() -> Library {
        Library {
            runbooks: vec![
                book(
                    "bad-rollout",
                    "bad-rollout.md",
                    &["alertname=~\"Checkout.*\""],
                    &["Stuck"],
                ),
                book(
                    "checkout",
                    "apps/checkout.md",
                    &["alertname=~\"Checkout.*\", env=\"prod\""],
                    &[],
                ),
                book(
                    "other",
                    "infra/checkout.md",
                    &["env=\"lab\"", "alertname=~\".+\", env=\"lab\""],
                    &[],
                ),
                book(
                    "target-down",
                    "TargetDown.md",
                    &["env=\"lab\", alertname!=\"\""],
                    &[],
                ),
            ],
            origin: Origin {
                commit: Some("4f2c91a0000000000000000000000000000000aa".into()),
                branch: Some(Untrusted::line("main")),
                ..Origin::default()
            },
            problems: Vec::new(),
        }
    }

    fn link(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Option<RunbookLink> {
        let library = library();
        let prefixes = vec!["https://runbooks.prometheus-operator.dev/runbooks/".to_owned()];
        Linker::new(&library, &prefixes).link(&Labels::of(labels), &Labels::of(annotations))
    }

    #[test]
    fn the_order_of_the_rules() {
        let all = [
            ("quell_runbook", "checkout"),
            ("runbook_url", "bad-rollout.md"),
        ];
        let labels = [("alertname", "CheckoutDown"), ("env", "prod")];
        for (labels, annotations, id, rule) in [
            (&labels[..], &all[..], "checkout", MatchedBy::QuellRunbook),
            (&labels[..], &all[1..], "bad-rollout", MatchedBy::RunbookUrl),
            (&labels[..], &[][..], "checkout", MatchedBy::AppliesTo),
            (&labels[..1], &[][..], "bad-rollout", MatchedBy::AppliesTo),
            (
                &[("alertname", "Stuck")][..],
                &[][..],
                "bad-rollout",
                MatchedBy::Alias,
            ),
            (
                &[("alertname", "TargetDown")][..],
                &[][..],
                "target-down",
                MatchedBy::FileName,
            ),
        ] {
            let found = link(labels, annotations).unwrap();
            assert_eq!((found.id.raw(), found.matched_by), (id, rule));
        }
        assert_eq!(link(&[("alertname", "Unknown")], &[]), None);
        assert_eq!(link(&[], &[]), None);
    }

    #[test]
    fn urls_of_every_shape() {
        for (url, id, anchor) in [
            (
                "https://github.com/o/r/blob/main/runbooks/apps/checkout.md#2-who-is-hit",
                "checkout",
                Some("2-who-is-hit"),
            ),
            (
                "https://raw.githubusercontent.com/o/r/refs/heads/main/infra/checkout.md",
                "other",
                None,
            ),
            (
                "https://git.example.com/g/sub/r/-/blob/main/docs/apps/checkout.md?plain=1#x",
                "checkout",
                Some("x"),
            ),
            (
                "https://git.example.com/g/r/-/raw/feature/x/infra/checkout.md",
                "other",
                None,
            ),
            ("docs/runbooks/bad-rollout.md", "bad-rollout", None),
            ("./checkout.md", "checkout", None),
            (
                "https://runbooks.prometheus-operator.dev/runbooks/general/targetdown/",
                "target-down",
                None,
            ),
        ] {
            let found = link(&[], &[("runbook_url", url)]).unwrap_or_else(|| unreachable!("{url}"));
            assert_eq!(found.id.raw(), id, "{url}");
            assert_eq!(found.anchor.as_ref().map(Untrusted::raw), anchor, "{url}");
        }
        for url in [
            "https://wiki.example.com/x/checkout.md",
            "../../etc/checkout.md",
            "https://",
            "#",
            "gone.md",
        ] {
            assert_eq!(link(&[], &[("runbook_url", url)]), None, "{url}");
        }
    }

    #[test]
    fn another_version_than_at_hand_is_said() {
        let caution = |reference: &str| {
            let url = format!("https://github.com/o/r/blob/{reference}/bad-rollout.md");
            link(&[], &[("runbook_url", &url)]).unwrap().caution
        };
        assert_eq!(caution("main"), None);
        assert_eq!(caution("4f2c91a"), None);
        assert_eq!(
            caution("release-2").unwrap(),
            "the alert names release-2, this is main"
        );
        assert_eq!(
            caution("deadbeef").unwrap(),
            "the alert names commit deadbeef, this is 4f2c91a"
        );
    }

    #[test]
    fn a_named_runbook_that_is_missing_and_a_tie_are_said() {
        let found = link(
            &[("alertname", "CheckoutDown")],
            &[("quell_runbook", "gone")],
        )
        .unwrap();
        assert_eq!(
            found.caution.unwrap(),
            "quell_runbook names `gone`, which is not here"
        );
        let tie = link(&[("alertname", "X"), ("env", "lab")], &[]).unwrap();
        assert_eq!(
            (tie.id.raw(), tie.caution.as_deref()),
            ("other", Some("applies as well: target-down"))
        );
    }
}
