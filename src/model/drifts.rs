//! Where is the operator on screen 4: which difference, and in which section does it stand?
//!
//! What may be said of a difference decides its section: drift is never mixed with what waits to be
//! applied, nor with what could not be compared. Rows are prepared by `update`, read by `view`.

use std::collections::HashMap;

use super::Model;
use super::changes::place_of;
use super::held::{Held, Offer, Row, Wanted};
use crate::domain::board::Board;
use crate::domain::change::Subject;
use crate::domain::delivery::{DriftRow, Trouble, TroubleKind};
use crate::domain::drift::{DriftId, DriftKind, ReportAge};
use crate::domain::filter::{Filter, Search};
use crate::domain::label::Labels;
use crate::domain::source::SourceName;
use crate::domain::text::Untrusted;

/// Screen 4.
#[derive(Debug, Default)]
pub struct DriftsSession {
    /// The differences.
    pub list: Held<DifferenceId>,
    /// How many there are in each section, in the order of [`Section::ALL`].
    pub tally: [usize; Section::ALL.len()],
}

/// What is kept apart, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Section {
    /// Somebody changed what runs.
    Drift,
    /// The comparison failed.
    Error,
    /// The report cannot tell.
    Unknown,
    /// The report looked at a part only.
    Partial,
    /// The declaration moved ahead.
    Pending,
    /// Known, and allowed for a while.
    Allowed,
    /// The report is too old to say anything.
    Expired,
    /// A policy is violated.
    Policy,
}

impl Section {
    /// All of them, in their order.
    pub const ALL: [Self; 8] = [
        Self::Drift,
        Self::Error,
        Self::Unknown,
        Self::Partial,
        Self::Pending,
        Self::Allowed,
        Self::Expired,
        Self::Policy,
    ];

    /// The section of a difference. What could not be compared is never called allowed: a rule
    /// allows a difference, not that nobody looked.
    #[must_use]
    pub fn of(row: &DriftRow) -> Self {
        match row.drift.kind {
            _ if row.age == ReportAge::Expired => Self::Expired,
            DriftKind::Drift | DriftKind::Pending if row.allowed.is_some() => Self::Allowed,
            DriftKind::Drift => Self::Drift,
            DriftKind::Error => Self::Error,
            DriftKind::Unknown => Self::Unknown,
            DriftKind::Partial => Self::Partial,
            DriftKind::Pending => Self::Pending,
        }
    }

    /// The word on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Error => "error",
            Self::Unknown => "unknown",
            Self::Partial => "partial",
            Self::Pending => "pending",
            Self::Allowed => "allowed",
            Self::Expired => "expired",
            Self::Policy => "policy",
        }
    }

    /// What the word means.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Drift => "what runs was changed past its declaration",
            Self::Error => "the comparison failed: whether it drifted is not known",
            Self::Unknown => "the report cannot tell whether it drifted",
            Self::Partial => "the report looked at a part only: the rest is not known",
            Self::Pending => "the declaration moved ahead and was not applied yet",
            Self::Allowed => "a difference that is known, and allowed for a while",
            Self::Expired => "the report is too old to say anything: it is not counted",
            Self::Policy => "a policy is violated",
        }
    }
}

/// Names a row for good.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DifferenceId {
    /// A difference, as one source reports it. Of several with one name, the how manieth.
    Drift(SourceName, DriftId, usize),
    /// A violated policy: where, what, the how manieth of these.
    Policy(Untrusted, Untrusted, usize),
}

/// What a row is about.
#[derive(Clone, Copy, Debug)]
pub enum Difference<'b> {
    /// A difference.
    Drift(&'b DriftRow),
    /// A violated policy.
    Policy(&'b Trouble),
}

impl<'b> Difference<'b> {
    /// Its section.
    #[must_use]
    pub fn section(self) -> Section {
        match self {
            Self::Drift(row) => Section::of(row),
            Self::Policy(_) => Section::Policy,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn subject(self) -> &'b Subject {
        match self {
            Self::Drift(row) => &row.drift.subject,
            Self::Policy(trouble) => &trouble.subject,
        }
    }

    fn labels(self) -> Labels {
        let own = |name: &str, value: &str| (Untrusted::line(name), Untrusted::line(value));
        let mut pairs = place_of(self.subject());
        pairs.push(own("drift", self.section().word()));
        match self {
            Self::Drift(row) => {
                pairs.push(own("source", &row.drift.source));
                pairs.push(own("report", row.age.word()));
                // One name, so the first path alone; the others are found by words in the detail.
                let path = row.drift.paths.first();
                pairs.extend(path.map(|p| (Untrusted::line("path"), p.path.clone())));
            }
            Self::Policy(trouble) => pairs.push((Untrusted::line("what"), trouble.what.clone())),
        }
        Labels::new(pairs)
    }
}

/// Everything that has a row, with its place: differences first, then the troubles.
fn all(board: &Board) -> impl Iterator<Item = (usize, Difference<'_>)> {
    let delivery = &board.delivery;
    let drifts = delivery.drifts.iter().map(Difference::Drift);
    let behind = delivery.drifts.len();
    let troubles = delivery.troubles.iter().enumerate();
    let policies = troubles.filter(|(_, trouble)| trouble.kind == TroubleKind::Policy);
    let policies = policies.map(move |(at, t)| (behind + at, Difference::Policy(t)));
    drifts.enumerate().chain(policies)
}

/// What the picture offers, section by section.
#[must_use]
pub fn offers(board: &Board, filter: &Filter) -> Vec<Offer<DifferenceId>> {
    let mut search = Search::default();
    let mut named: HashMap<DifferenceId, usize> = HashMap::new();
    let mut offers: Vec<(Section, Offer<DifferenceId>)> = Vec::new();
    for (at, difference) in all(board) {
        let mut id = match difference {
            Difference::Drift(row) => {
                DifferenceId::Drift(row.drift.source.clone(), row.drift.id.clone(), 0)
            }
            Difference::Policy(trouble) => {
                DifferenceId::Policy(trouble.subject.target.clone(), trouble.what.clone(), 0)
            }
        };
        let count = named.entry(id.clone()).or_default();
        let (DifferenceId::Drift(_, _, which) | DifferenceId::Policy(_, _, which)) = &mut id;
        *which = *count;
        *count += 1;
        let wanted = filter.is_empty() || filter.matches_labels(&difference.labels(), &mut search);
        let row = Row {
            id,
            at: Some(at),
            name: difference.subject().target.clone(),
        };
        let wanted = if wanted { Wanted::Yes } else { Wanted::No };
        offers.push((difference.section(), Offer { row, wanted }));
    }
    // Stable: within a section the board's order holds.
    offers.sort_by_key(|(section, _)| *section);
    offers.into_iter().map(|(_, offer)| offer).collect()
}

/// How many there are in each section.
#[must_use]
pub fn tally(board: &Board) -> [usize; Section::ALL.len()] {
    let mut tally = [0; Section::ALL.len()];
    for (_, difference) in all(board) {
        let at = Section::ALL.iter().position(|s| *s == difference.section());
        tally[at.unwrap_or(0)] += 1;
    }
    tally
}

/// What a row is about, if the picture has it.
#[must_use]
pub fn of_row<'b>(board: &'b Board, row: &Row<DifferenceId>) -> Option<Difference<'b>> {
    let delivery = &board.delivery;
    let at = row.at?;
    match at.checked_sub(delivery.drifts.len()) {
        None => delivery.drifts.get(at).map(Difference::Drift),
        Some(at) => delivery.troubles.get(at).map(Difference::Policy),
    }
}

/// What a command of this screen is about.
#[must_use]
pub fn target(model: &Model) -> Option<Difference<'_>> {
    of_row(&model.board, model.session.drifts.list.target()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use crate::domain::drift::{Allowance, Drift, Report};
    use crate::domain::freshness::Freshness;
    use chrono::{DateTime, Utc};

    fn row(kind: DriftKind, age: ReportAge, until: Option<DateTime<Utc>>) -> DriftRow {
        DriftRow {
            drift: Drift {
                id: Untrusted::line("same"),
                source: "tf".into(),
                subject: Subject::default(),
                kind,
                actions: Vec::new(),
                paths: Vec::new(),
                reverted_by_apply: None,
                report: Report::default(),
                detail: None,
            },
            age,
            freshness: Freshness::Fresh,
            seen: None,
            allowed: until.map(|until| Allowance {
                address: "*".into(),
                path: None,
                reason: "known".into(),
                until,
            }),
        }
    }

    #[test]
    fn only_a_difference_can_be_allowed_and_an_expired_report_says_nothing() {
        let until = DateTime::from_timestamp(1_900_000_000, 0);
        let of = |kind, age, until| Section::of(&row(kind, age, until));
        for (kind, section) in [
            (DriftKind::Drift, Section::Allowed),
            (DriftKind::Pending, Section::Allowed),
            (DriftKind::Error, Section::Error),
            (DriftKind::Unknown, Section::Unknown),
            (DriftKind::Partial, Section::Partial),
        ] {
            assert_eq!(of(kind, ReportAge::Stale, until), section, "{kind:?}");
            assert_eq!(of(kind, ReportAge::Expired, until), Section::Expired);
            assert_eq!(of(kind, ReportAge::Fresh, None).word(), kind.word());
        }
    }

    #[test]
    fn what_counts_as_drift_is_what_stands_under_drift() {
        let until = DateTime::from_timestamp(1_900_000_000, 0);
        let ages = [
            ReportAge::Fresh,
            ReportAge::Stale,
            ReportAge::Expired,
            ReportAge::Unknown,
        ];
        for kind in DriftKind::ALL {
            for age in ages {
                for until in [None, until] {
                    let row = row(kind, age, until);
                    assert_eq!(row.counts(), Section::of(&row) == Section::Drift, "{row:?}");
                }
            }
        }
    }

    /// A source that gives one name to two differences loses neither.
    #[test]
    fn two_differences_of_one_name_are_two_rows() {
        let mut board = Board::default();
        board.delivery.drifts = vec![
            row(DriftKind::Drift, ReportAge::Fresh, None),
            row(DriftKind::Pending, ReportAge::Fresh, None),
        ];
        let offers = offers(&board, &Filter::default());
        assert_ne!(offers[0].row.id, offers[1].row.id);
        let mut held = Held::default();
        held.sort(&offers, super::super::held::Cursor::Top);
        held.keep(&offers);
        let places: Vec<Option<usize>> = held.rows.iter().map(|row| row.at).collect();
        assert_eq!(places, [Some(0), Some(1)]);
    }
}
