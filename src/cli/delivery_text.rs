//! How are changes, drift and troubles written for people?
//!
//! Pieces that several commands share: versions, outcomes, what could not be read, and the lines of
//! `quell status`. Nothing that is unknown is written as nothing.

use chrono::{DateTime, Utc};

use super::gather::Picture;
use super::page::{Page, Role, Signs, Table, cell, count, rest};
use crate::domain::change::{Change, Outcome};
use crate::domain::delivery::Trouble;
use crate::domain::drift::DriftKind;
use crate::domain::duration::short_age;
use crate::domain::freshness::Freshness;
use crate::domain::slo_burn::{ConditionState, SloBurn, Standing, Verdict};
use crate::domain::source::SourceKind;
use crate::domain::text::Untrusted;

/// No more limits of one source than this.
const MOST_LIMITS: usize = 5;
/// A digest or a commit keeps so many digits.
const SHORT_DIGEST: usize = 7;

/// Whether a source tells of changes or drift.
#[must_use]
pub fn is_delivery(kind: SourceKind) -> bool {
    match kind {
        SourceKind::Kubernetes
        | SourceKind::Argocd
        | SourceKind::Github
        | SourceKind::Gitlab
        | SourceKind::Grafana
        | SourceKind::Spool
        | SourceKind::Terraform
        | SourceKind::Services => true,
        SourceKind::Alertmanager
        | SourceKind::Prometheus
        | SourceKind::Slos
        | SourceKind::Runbooks => false,
    }
}

/// Whether everything that tells of changes and drift could be read.
#[must_use]
pub fn is_whole(picture: &Picture) -> bool {
    let mut sources = picture
        .sources
        .iter()
        .filter(|source| is_delivery(source.kind));
    let is_read = sources
        .all(|source| source.freshness == Freshness::Fresh && source.unread().next().is_none());
    is_read && picture.gaps.history_error.is_none()
}

/// Whether anything at all that tells of changes and drift could be read.
#[must_use]
pub fn is_anything(picture: &Picture) -> bool {
    let mut sources = picture.sources.iter();
    sources.any(|source| {
        is_delivery(source.kind) && source.kind != SourceKind::Services && source.has_told()
    })
}

/// `2.30 → 2.31`; what was found and not told stands in brackets. Empty where no version is told.
#[must_use]
pub fn versions(change: &Change, page: &Page) -> String {
    let versions = &change.versions;
    let (from, to) = (versions.from.as_ref(), versions.to.as_ref());
    let common = from
        .zip(to)
        .map_or(0, |(from, to)| same_beginning(from.shown(), to.shown()));
    let part = |text: &Untrusted| abbreviated(text.shown().get(common..).unwrap_or(text.shown()));
    let arrow = match page.signs {
        Signs::Ascii => "->",
        Signs::Unicode => "→",
    };
    match (from.map(part), to.map(part)) {
        (None, None) => String::new(),
        (None, Some(to)) => format!("{arrow} {to}"),
        (Some(from), None) => format!("{from} {arrow} ?"),
        (Some(from), Some(to)) if versions.from_is_derived => format!("({from}) {arrow} {to}"),
        (Some(from), Some(to)) => format!("{from} {arrow} {to}"),
    }
}

/// The length of what both have before their versions: `registry/checkout:`. What tells them apart
/// is never cut.
fn same_beginning(a: &str, b: &str) -> usize {
    let same = a
        .char_indices()
        .zip(b.chars())
        .take_while(|((_, a), b)| a == b)
        .filter(|((_, c), _)| matches!(c, ':' | '@' | '/'))
        .last();
    let end = same.map_or(0, |((at, c), _)| at + c.len_utf8());
    if end == a.len() || end == b.len() {
        0
    } else {
        end
    }
}

/// A commit or digest by its first digits.
fn abbreviated(text: &str) -> String {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let is_digest = digits.len() >= 20 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if is_digest {
        digits[..SHORT_DIGEST].to_owned()
    } else {
        text.to_owned()
    }
}

/// `checkout 2.30 → 2.31`
#[must_use]
pub fn what(change: &Change, page: &Page) -> String {
    let versions = versions(change, page);
    format!("{} {versions}", whose(change))
        .trim_end()
        .to_owned()
}

/// What a change is of: the service, else the target.
#[must_use]
pub fn whose(change: &Change) -> &str {
    let subject = &change.subject;
    subject.service.as_ref().unwrap_or(&subject.target).shown()
}

/// `running, 7 of 12 updated`, with its colour.
#[must_use]
pub fn outcome(change: &Change) -> (String, Role) {
    let word = change.outcome.word();
    let progress = change.told.progress.as_ref();
    let progress = progress.filter(|_| change.is_in_flight());
    let text = progress.map_or_else(|| word.to_owned(), |progress| format!("{word}, {progress}"));
    let role = match change.outcome {
        Outcome::Running => Role::Care,
        Outcome::Failed => Role::Bad,
        Outcome::Ok => Role::Plain,
        Outcome::Unknown => Role::Faint,
    };
    (text, role)
}

/// What is wrong with places, one line each.
pub fn troubles(table: &mut Table<'_>, list: &[&Trouble], at: DateTime<Utc>) {
    for trouble in list {
        let since = trouble
            .since
            .map(|since| format!(", {}", short_age(since, at)));
        let times = (trouble.count > 1).then(|| format!(", {} times", trouble.count));
        let said = format!(
            "{}{}{}",
            trouble.what,
            since.unwrap_or_default(),
            times.unwrap_or_default()
        );
        table.row(vec![
            cell(trouble.kind.word()).role(Role::Faint),
            cell(trouble.subject.target.to_string()),
            rest(said).role(Role::Care),
        ]);
    }
}

/// What could not be read, was left out or is not known of then.
pub fn trailer(picture: &Picture, page: &Page, out: &mut String) {
    for source in &picture.sources {
        let name = &source.name;
        match &source.health.error {
            Some(error) => {
                page.line(out, Role::Bad, &format!("{name}: {error}"));
                let next = format!("  next: {}", error.kind.next_step_of(source.kind));
                page.line(out, Role::Faint, &next);
            }
            None if source.freshness == Freshness::Fresh => {}
            None => {
                let line = format!("{name}: {}", source.freshness.word());
                page.line(out, Role::Care, &line);
            }
        }
        for (what, why) in source.unread() {
            page.line(out, Role::Care, &format!("{name}: {what}: {why}"));
        }
        for limit in source.limits.iter().take(MOST_LIMITS) {
            page.line(out, Role::Care, &format!("{name}: {limit}"));
        }
        if source.limits.len() > MOST_LIMITS {
            let more = source.limits.len() - MOST_LIMITS;
            let line = format!("{name}: and {more} more limits: see `sources` of --json");
            page.line(out, Role::Care, &line);
        }
    }
    history_and_then(picture, page, out);
}

/// A history that failed, a beginning that was not found, and what of then is not known.
pub fn history_and_then(picture: &Picture, page: &Page, out: &mut String) {
    if let Some(why) = &picture.gaps.history_error {
        let line = format!("history: {why}; shown is what sources tell now");
        page.line(out, Role::Care, &line);
    }
    for line in &picture.gaps.onsets {
        page.line(out, Role::Care, line);
    }
    if picture.gaps.not_known_then.is_empty() {
        return;
    }
    let at = picture.burn_at().format("%Y-%m-%d %H:%M:%SZ");
    page.line(out, Role::Faint, &format!("as of {at}:"));
    for line in &picture.gaps.not_known_then {
        page.line(out, Role::Faint, &format!("  {line}"));
    }
}

/// What `quell status` says of changes and drift, and whether releases are held. Nothing of what no
/// source tells of.
pub fn summary(picture: &Picture, page: &Page, out: &mut String) {
    let mut sources = picture.sources.iter();
    if sources.any(|source| is_delivery(source.kind) && source.kind != SourceKind::Services) {
        told(picture, page, out);
    }
    release(picture, page, out);
}

fn told(picture: &Picture, page: &Page, out: &mut String) {
    if !is_anything(picture) {
        page.line(
            out,
            Role::Care,
            "Changes: not known: no source of them could be read",
        );
        page.line(out, Role::Care, "Drift: not known");
        return;
    }
    let delivery = &picture.board.delivery;
    let in_flight = delivery.in_flight().count();
    let last = delivery.changes.first().map_or_else(
        || "none is known".to_owned(),
        |change| {
            let age = short_age(change.started_at, picture.burn_at());
            format!("last: {}, {age} ago", what(change, page))
        },
    );
    let role = if in_flight > 0 {
        Role::Care
    } else {
        Role::Plain
    };
    let line = format!("Changes: {in_flight} in flight, {last}");
    page.line(out, role, &line);
    let tally = DriftTally::of(picture);
    page.line(out, tally.role(), &format!("Drift: {tally}"));
    if let Some(others) = tally.others() {
        page.line(out, Role::Plain, &format!("  beside it: {others}"));
    }
    if !is_whole(picture) {
        let line = "changes and drift are known only in part: see Sources";
        page.line(out, Role::Care, line);
    }
}

/// `freeze: budget 2.0x over policy, 1 rollout in flight, 4 drifted`, and whose budget it is.
fn release(picture: &Picture, page: &Page, out: &mut String) {
    let mut freezing: Vec<&SloBurn> = picture.board.freezing().collect();
    freezing.sort_by(|a, b| over_policy(b).total_cmp(&over_policy(a)));
    let Some(first) = freezing.first() else {
        return;
    };
    let over = over_policy(first);
    let budget = match first.verdict {
        Verdict::Burning(_) if over.is_finite() && over >= 1.0 => {
            let digits = usize::from(over < 10.0);
            format!("budget {over:.digits$}x over policy")
        }
        Verdict::Burning(_) => "budget burns over policy".to_owned(),
        _ => "budget over policy when last heard of".to_owned(),
    };
    let around = if is_anything(picture) {
        let delivery = &picture.board.delivery;
        let in_flight = count(delivery.in_flight().count(), "rollout");
        format!("{in_flight} in flight, {} drifted", delivery.drifted())
    } else {
        "rollouts and drift not known".to_owned()
    };
    let line = format!("freeze: {budget}, {around}");
    page.line(out, Role::Care, &line);
    let more = match freezing.len() {
        1 => String::new(),
        all => format!(", and {} more", all - 1),
    };
    let line = format!("  {} by policy {}{more}", first.id(), first.policy);
    page.line(out, Role::Faint, &line);
}

/// The burn by the threshold of the condition that it exceeds most.
fn over_policy(burn: &SloBurn) -> f64 {
    let fires = |state: &&ConditionState| state.standing == Standing::Fires;
    let times = burn.conditions.iter().filter(fires).filter_map(|state| {
        let (_, rate) = state.burns.first()?;
        Some((*rate)? / state.threshold)
    });
    times.fold(0.0, f64::max)
}

/// How much drift there is, and how much of it does not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct DriftTally {
    /// What counts as drift.
    pub counted: usize,
    /// Drift that a rule of the config allows.
    pub allowed: usize,
    /// Drift of reports that are too old.
    pub expired: usize,
    /// The declaration moved ahead.
    pub pending: usize,
    /// Reports that cannot tell.
    pub unknown: usize,
    /// Comparisons that failed.
    pub error: usize,
    /// Reports of a part only.
    pub partial: usize,
}

impl DriftTally {
    /// Of a whole picture. What is allowed and expired is counted once, as allowed.
    #[must_use]
    pub fn of(picture: &Picture) -> Self {
        let mut tally = Self::default();
        for row in &picture.board.delivery.drifts {
            let number = match row.drift.kind {
                DriftKind::Drift if row.counts() => &mut tally.counted,
                DriftKind::Drift if row.allowed.is_some() => &mut tally.allowed,
                DriftKind::Drift => &mut tally.expired,
                DriftKind::Pending => &mut tally.pending,
                DriftKind::Unknown => &mut tally.unknown,
                DriftKind::Error => &mut tally.error,
                DriftKind::Partial => &mut tally.partial,
            };
            *number += 1;
        }
        tally
    }

    /// What is not drift and must not be taken for it: `1 pending`.
    #[must_use]
    pub fn others(&self) -> Option<String> {
        named(&[
            (self.error, "failed to compare"),
            (self.unknown, "unknown"),
            (self.partial, "partial"),
            (self.pending, "pending"),
        ])
    }

    /// Its colour.
    #[must_use]
    pub fn role(&self) -> Role {
        if self.counted > 0 {
            Role::Care
        } else {
            Role::Plain
        }
    }
}

/// `4 (1 allowed, 2 expired not counted)`
impl std::fmt::Display for DriftTally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.counted)?;
        match named(&[(self.allowed, "allowed"), (self.expired, "expired")]) {
            Some(aside) => write!(f, " ({aside} not counted)"),
            None => Ok(()),
        }
    }
}

fn named(numbers: &[(usize, &str)]) -> Option<String> {
    let some = numbers.iter().filter(|(number, _)| *number > 0);
    let words: Vec<String> = some
        .map(|(number, word)| format!("{number} {word}"))
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}
